//! The whole of Bluesky against 1,000 columns, through the real adapter over a socket: how much of a core 200 posts a
//! second take, and how fast a million events are caught up on. The server is a process of its own, so that what is
//! counted is the listener alone.
//!
//! `cargo bench --bench jetstream` prints two lines of each, plain and packed; the catch-up beside what merely reading the
//! same frames takes in the same run.

#![expect(clippy::disallowed_methods, clippy::cast_precision_loss, reason = "a program that measures and prints")]

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use jiff::{SignedDuration, Timestamp};
use replydeck::model::account::Tier;
use replydeck::model::{Account, AccountName, ColumnName, NetworkKind};
use replydeck::net::bluesky::{BlueskyNetwork, BlueskySettings};
use replydeck::net::{Clock, Feed, Inbound, Network as _};
use replydeck::rules::Rule;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

const COLUMNS: usize = 1_000;
const EVENTS: usize = 1_000_000;
const PER_SECOND: usize = 200;
const SECONDS: usize = 15;
const LAST: &str = "the very last word of all";

/// Words of no meaning, by a fixed course that looks like chance.
struct Words(u64);

impl Words {
    fn number(&mut self, below: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % below
    }

    fn word(&mut self) -> String {
        const PARTS: [&str; 24] = [
            "ta", "re", "lo", "mi", "su", "ka", "ne", "vo", "di", "pa", "gel", "ster", "mont", "quar", "bel", "ish",
            "ün", "é", "配", "送", "の", "ßt", "ou", "tra",
        ];
        (0..=self.number(3)).map(|_| PARTS[usize::try_from(self.number(24)).unwrap()]).collect()
    }
}

/// A post of about 800 bytes, as the stream sends it.
fn event(number: usize, words: &mut Words, base: i64) -> String {
    let text: Vec<String> = (0..6 + words.number(30)).map(|_| words.word()).collect();
    let mut text = text.join(" ");
    // One in five hundred is what some column asks for.
    if number.is_multiple_of(500) {
        write!(text, " brand{} is slow", words.number(COLUMNS as u64)).unwrap();
    }
    let reply = if words.number(2) == 0 {
        let link = "{\"cid\":\"bafyreih6xpomp4h7gjg2hw2ssoxpqjsa7iqhpxlyhpmvhjbkvbz2zsrr2a\",\"uri\":\"at://did:plc:zdokm5u7u7vfnhwyxb4bqpfm/app.bsky.feed.post/3n2tttlzf5c22\"}";
        format!(",\"reply\":{{\"parent\":{link},\"root\":{link}}}")
    } else {
        String::new()
    };
    format!(
        "{{\"did\":\"did:plc:{:024}\",\"time_us\":{},\"kind\":\"commit\",\"commit\":{{\"rev\":\"3n2tttlzf5c22\",\"operation\":\"create\",\"collection\":\"app.bsky.feed.post\",\"rkey\":\"{:013}\",\"record\":{{\"$type\":\"app.bsky.feed.post\",\"createdAt\":\"2026-11-21T19:34:31.206Z\",\"langs\":[\"en\"]{reply},\"text\":\"{text}\"}},\"cid\":\"bafyreih6xpomp4h7gjg2hw2ssoxpqjsa7iqhpxlyhpmvhjbkvbz2zsrr2a\"}}}}",
        words.number(5_000_000),
        base + i64::try_from(number).unwrap(),
        number,
    )
}

/// A frame of a server, which masks nothing.
fn frame(out: &mut Vec<u8>, payload: &[u8], is_packed: bool) {
    out.push(if is_packed { 0x82 } else { 0x81 });
    match payload.len() {
        short @ 0..126 => out.push(u8::try_from(short).unwrap()),
        long => {
            out.push(126);
            out.extend_from_slice(&u16::try_from(long).unwrap().to_be_bytes());
        }
    }
    out.extend_from_slice(payload);
}

/// Packs as a Jetstream does, or leaves plain.
struct Form(Option<zstd::bulk::Compressor<'static>>);

impl Form {
    fn new(is_packed: bool) -> Self {
        const DICTIONARY: &[u8] = include_bytes!("../src/net/bluesky/dictionary/jetstream.zdict");
        Self(is_packed.then(|| zstd::bulk::Compressor::with_dictionary(3, DICTIONARY).unwrap()))
    }

    fn frame(&mut self, out: &mut Vec<u8>, text: &str) {
        match &mut self.0 {
            Some(packer) => frame(out, &packer.compress(text.as_bytes()).unwrap(), true),
            None => frame(out, text.as_bytes(), false),
        }
    }
}

/// The other process: one listener is sent everything at once, or at the network's pace. Frames are made beforehand, so
/// that the listener never waits for them; those that some column asks for are another post each time.
async fn serve(is_paced: bool, is_packed: bool) {
    const DIFFERENT: usize = 20_000;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = 1_795_289_671_000_000;
    let mut words = Words(88_172_645_463_325_252);
    let mut form = Form::new(is_packed);
    let frames: Vec<Vec<u8>> = (0..DIFFERENT)
        .map(|number| {
            let mut out = Vec::new();
            form.frame(&mut out, &event(number, &mut words, base));
            out
        })
        .collect();
    let mut out = std::io::stdout();
    let bytes: usize = frames.iter().map(Vec::len).sum();
    writeln!(out, "{} {}", listener.local_addr().unwrap(), bytes / DIFFERENT).unwrap();
    out.flush().unwrap();
    let (stream, _) = listener.accept().await.unwrap();
    stream.set_nodelay(true).unwrap();
    let mut socket = tokio_tungstenite::accept_async(stream).await.unwrap();
    let last = event(7, &mut words, base).replace("\"text\":\"", &format!("\"text\":\"{LAST} "));
    let wire = socket.get_mut();
    let count = if is_paced { PER_SECOND * SECONDS } else { EVENTS };
    let mut tick = tokio::time::interval(Duration::from_secs(1) / u32::try_from(PER_SECOND).unwrap());
    let mut block = Vec::new();
    for number in 0..count {
        if number.is_multiple_of(500) {
            form.frame(&mut block, &event(number, &mut words, base));
        } else {
            block.extend_from_slice(&frames[number % DIFFERENT]);
        }
        if is_paced {
            tick.tick().await;
        }
        if is_paced || block.len() > 256 * 1024 {
            wire.write_all(&block).await.unwrap();
            block.clear();
        }
    }
    form.frame(&mut block, &last);
    wire.write_all(&block).await.unwrap();
    while let Some(Ok(_)) = socket.next().await {}
}

/// Time on a core so far, of this process.
fn cpu() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
    Duration::from_millis(ticks * 10)
}

/// The server's process, its address, and the mean length of its frames.
fn server(mode: &str) -> (Child, String, usize) {
    let mut server = Command::new(std::env::current_exe().unwrap()).arg(mode).stdout(Stdio::piped()).spawn().unwrap();
    let mut told = String::new();
    BufReader::new(server.stdout.take().unwrap()).read_line(&mut told).unwrap();
    let (address, bytes) = told.trim().split_once(' ').unwrap();
    (server, address.to_owned(), bytes.parse().unwrap())
}

/// What a run took: time, time on a core, and how many posts columns got (or messages were read).
struct Spent {
    took: Duration,
    used: Duration,
    count: usize,
    bytes: usize,
}

impl Spent {
    fn rate(&self) -> f64 {
        EVENTS as f64 / self.took.as_secs_f64()
    }
}

/// Takes the frames off the socket and does nothing with them.
async fn merely_read(mode: &str) -> Spent {
    let (mut server, address, bytes) = server(mode);
    let stream = TcpStream::connect(&address).await.unwrap();
    let (mut socket, _) = tokio_tungstenite::client_async(format!("ws://{address}/"), stream).await.unwrap();
    let (started, used) = (Instant::now(), cpu());
    let mut count = 0;
    while count <= EVENTS {
        socket.next().await.unwrap().unwrap();
        count += 1;
    }
    let spent = Spent { took: started.elapsed(), used: cpu().saturating_sub(used), count, bytes };
    server.kill().unwrap();
    server.wait().unwrap();
    spent
}

async fn listen(mode: &str) -> Spent {
    let (mut server, address, bytes) = server(mode);
    let dir = tempfile::tempdir().unwrap();
    let nobody: url::Url = "http://127.0.0.1:9".parse().unwrap();
    let settings = BlueskySettings {
        account: Account {
            name: AccountName::new("bench"),
            network: NetworkKind::Bluesky,
            handle: "acme".into(),
            id: None,
            tier: Tier::PayPerUse,
            can_send: false,
            confirm: false,
            web_url: "https://bsky.app".into(),
            limits: None,
        },
        service: nobody.clone(),
        app_password: None,
        jetstreams: vec![format!("ws://{}", address.trim()).parse().unwrap()],
        appview: nobody,
        chat: String::new(),
        zstd: mode.ends_with("packed"),
        data_dir: dir.path().to_owned(),
        messages: false,
        watch_own: false,
    };
    let began = Instant::now();
    let base: Timestamp = "2026-11-21T19:34:31Z".parse().unwrap();
    let clock: Clock = Arc::new(move || base + SignedDuration::try_from(began.elapsed()).unwrap());
    let network = BlueskyNetwork::new(settings, clock, 7).unwrap();
    let (out, mut inbound) = mpsc::channel(1_024);
    let feeds: Vec<Feed> = (0..COLUMNS)
        .map(|number| {
            let query = match number {
                0 => format!("\"{LAST}\""),
                number if number % 3 == 0 => format!("brand{number} (slow OR down OR \"no service\") -sale"),
                number if number % 3 == 1 => format!("brand{number} OR #brand{number}"),
                number => format!("\"brand{number} is\" OR \"brand{number} was\""),
            };
            Feed { column: ColumnName::new(&number.to_string()), rule: Rule::parse(&query).unwrap(), out: out.clone() }
        })
        .collect();
    let (_feeds, changed) = watch::channel(Arc::new(feeds));
    let (links, mut reports) = mpsc::channel(64);
    let (started, used) = (Instant::now(), cpu());
    let mut matched = 0;
    let take = async {
        while let Some(told) = inbound.recv().await {
            matched += 1;
            if matches!(&told, Inbound::Post(post) if post.text.starts_with(LAST)) {
                return;
            }
        }
    };
    tokio::select! {
        () = network.listen(changed, links, CancellationToken::new()) => {}
        () = async { while reports.recv().await.is_some() {} } => {}
        () = take => {}
    }
    let spent = Spent { took: started.elapsed(), used: cpu().saturating_sub(used), count: matched, bytes };
    server.kill().unwrap();
    server.wait().unwrap();
    spent
}

fn main() {
    let mode = std::env::args().nth(1).unwrap_or_default();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    if let Some(mode) = mode.strip_prefix("serve-") {
        return runtime.block_on(serve(mode.starts_with("paced"), mode.ends_with("packed")));
    }
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let mut out = std::io::stdout();
    for form in ["plain", "packed"] {
        let spent = runtime.block_on(listen(&format!("serve-paced-{form}")));
        let share = spent.used.as_secs_f64() / spent.took.as_secs_f64() * 100.0;
        let a_day = (spent.bytes * PER_SECOND) as f64 * 86_400.0 / 1e9;
        writeln!(
            out,
            "{form}: {PER_SECOND} posts/s for {SECONDS} s, {COLUMNS} columns: {share:.1} % of a core ({:.2?} in {:.1?}), {} matched, {} bytes a post, {a_day:.1} GB a day",
            spent.used, spent.took, spent.count, spent.bytes
        )
        .unwrap();
    }
    for form in ["plain", "packed"] {
        let mode = format!("serve-all-{form}");
        let wire = runtime.block_on(merely_read(&mode));
        let spent = runtime.block_on(listen(&mode));
        let megabits = spent.rate() * spent.bytes as f64 * 8.0 / 1e6;
        writeln!(
            out,
            "{form}: catching up on {EVENTS} events, {COLUMNS} columns: {:.0} events/s, a line of {megabits:.0} Mbit/s ({:.2?}, {:.2?} of a core), {} matched; merely reading {} frames off the socket: {:.0}/s ({:.2?}, {:.2?} of a core): {:.2} times as long",
            spent.rate(),
            spent.took,
            spent.used,
            spent.count,
            wire.count,
            wire.rate(),
            wire.took,
            wire.used,
            spent.took.as_secs_f64() / wire.took.as_secs_f64()
        )
        .unwrap();
    }
}
