//! The whole of Bluesky against 1,000 columns, through the real adapter over a socket: how much of a core 200 posts a
//! second take, and how fast a million events are caught up on. The server is a process of its own, so that what is
//! counted is the listener alone.
//!
//! `cargo bench --bench jetstream` prints two lines.

#![expect(clippy::disallowed_methods, clippy::cast_precision_loss, reason = "a program that measures and prints")]

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::{SinkExt as _, StreamExt as _};
use jiff::{SignedDuration, Timestamp};
use replydeck::model::account::Tier;
use replydeck::model::{Account, AccountName, ColumnName, NetworkKind};
use replydeck::net::bluesky::{BlueskyNetwork, BlueskySettings};
use replydeck::net::{Clock, Feed, Inbound, Network as _};
use replydeck::rules::Rule;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio_tungstenite::tungstenite::Message;
use tokio_util::sync::CancellationToken;

const COLUMNS: usize = 1_000;
const EVENTS: usize = 1_000_000;
const PER_SECOND: usize = 200;
const SECONDS: usize = 20;
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

/// The other process: one listener is sent everything at once, or at the network's pace.
async fn serve(is_paced: bool) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut out = std::io::stdout();
    writeln!(out, "{}", listener.local_addr().unwrap()).unwrap();
    out.flush().unwrap();
    let base = 1_795_289_671_000_000;
    let mut words = Words(88_172_645_463_325_252);
    let events: Vec<String> = (0..20_000).map(|number| event(number, &mut words, base)).collect();
    let (stream, _) = listener.accept().await.unwrap();
    let mut socket = tokio_tungstenite::accept_async(stream).await.unwrap();
    let last = event(7, &mut words, base).replace("\"text\":\"", &format!("\"text\":\"{LAST} "));
    if is_paced {
        let mut tick = tokio::time::interval(Duration::from_secs(1) / u32::try_from(PER_SECOND).unwrap());
        for number in 0..PER_SECOND * SECONDS {
            tick.tick().await;
            socket.send(Message::text(events[number % events.len()].clone())).await.unwrap();
        }
    } else {
        for number in 0..EVENTS {
            socket.feed(Message::text(events[number % events.len()].clone())).await.unwrap();
        }
    }
    socket.send(Message::text(last)).await.unwrap();
    while let Some(Ok(_)) = socket.next().await {}
}

/// Time on a core so far, of this process.
fn cpu() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
    Duration::from_millis(ticks * 10)
}

async fn listen(is_paced: bool) -> (Duration, Duration, usize) {
    let mut server = Command::new(std::env::current_exe().unwrap())
        .arg(if is_paced { "serve-paced" } else { "serve" })
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut address = String::new();
    BufReader::new(server.stdout.take().unwrap()).read_line(&mut address).unwrap();
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
        zstd: false,
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
    let spent = (started.elapsed(), cpu().saturating_sub(used), matched);
    server.kill().unwrap();
    server.wait().unwrap();
    spent
}

fn main() {
    let mode = std::env::args().nth(1).unwrap_or_default();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    match mode.as_str() {
        "serve" => return runtime.block_on(serve(false)),
        "serve-paced" => return runtime.block_on(serve(true)),
        _ => {}
    }
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let mut out = std::io::stdout();
    let (took, used, matched) = runtime.block_on(listen(true));
    let share = used.as_secs_f64() / took.as_secs_f64() * 100.0;
    writeln!(
        out,
        "{PER_SECOND} posts/s for {SECONDS} s, {COLUMNS} columns: {share:.1} % of a core ({used:.1?} in {took:.1?}), {matched} matched"
    )
    .unwrap();
    let (took, used, matched) = runtime.block_on(listen(false));
    let rate = EVENTS as f64 / took.as_secs_f64();
    writeln!(
        out,
        "catching up on {EVENTS} events, {COLUMNS} columns: {rate:.0} events/s ({took:.1?}, {used:.1?} of a core), {matched} matched"
    )
    .unwrap();
}
