//! The scan beside what else one could do with the same bytes, as ratios within one run.
//!
//! `REPLYDECK_BENCH_FILE=posts.ndjson cargo bench --bench scan` writes the plain data (`REPLYDECK_BENCH_MB`, 64 by
//! default) to that file and its keywords beside it (`.100`, `.10000`), for other programs to be measured on:
//! `rg -F -i -c -f posts.ndjson.100 posts.ndjson`. `REPLYDECK_BENCH_TYPED=posts.ndjson` does nothing but parse each
//! line of that file with serde_json into typed structs, as a whole program to be timed beside `replydeck match`.
#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::cast_precision_loss,
    reason = "a program that measures and prints"
)]

use std::fmt::Write as _;
use std::fs::File;
use std::hint::black_box;
use std::io::{BufRead, BufReader};
use std::time::{Duration, Instant};

use aho_corasick::AhoCorasick;
use replydeck::model::post::{Counts, WhoMayReply};
use replydeck::model::{Author, AuthorId, ColumnName, ConversationId, NetworkKind, Post, PostId};
use replydeck::rules::many::Rules;
use replydeck::rules::scan::Scanner;
use replydeck::rules::{Folded, Rule};
use serde::Deserialize;

/// A small generator: the same data in every run.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: usize) -> usize {
        // splitmix64
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % bound as u64).unwrap_or(0)
    }

    fn pick<'a>(&mut self, words: &'a [&'a str]) -> &'a str {
        words[self.below(words.len())]
    }
}

const LANGUAGES: [&[&str]; 5] = [
    &[
        "the", "internet", "slow", "today", "waiting", "hold", "again", "hours", "please", "help", "down", "really",
        "bad",
    ],
    &["situação", "não", "você", "atenção", "entrega", "atraso", "péssimo", "horário", "já"],
    &["интернет", "медленно", "сегодня", "помогите", "заказ", "доставка"],
    &["荷物まだ届かない", "配達どうなって", "今日もつながらない", "問い合わせ"],
    &["schon", "wieder", "Störung", "größer", "heißen", "draußen", "Straße"],
];
const SYLLABLES: [&str; 12] = ["ba", "ke", "di", "fo", "lu", "ma", "ne", "ri", "so", "tu", "va", "zi"];
const FOREIGN: [&str; 8] = ["опо", "зда", "配送", "遅延", "ção", "größ", "żąd", "καθ"];

/// Four of five in ASCII.
fn keywords(count: usize) -> Vec<String> {
    let mut chance = Chance(3);
    let mut words = std::collections::BTreeSet::new();
    while words.len() < count {
        let parts: &[&str] = if words.len() % 5 == 4 { &FOREIGN } else { &SYLLABLES };
        words.insert((0..3 + chance.below(3)).map(|_| chance.pick(parts)).collect::<String>());
    }
    words.into_iter().collect()
}

fn text(chance: &mut Chance, keywords: &[String]) -> String {
    let words = LANGUAGES[[0, 0, 0, 0, 1, 2, 3, 4][chance.below(8)]];
    let mut text: Vec<&str> = (0..6 + chance.below(18)).map(|_| chance.pick(words)).collect();
    if chance.below(100) == 0 {
        text.push(&keywords[chance.below(keywords.len())]);
    }
    if chance.below(3) == 0 {
        text.push("😡");
    }
    text.join(" ")
}

/// About as many bytes of X stream objects of about 1,400 bytes.
fn posts(bytes: usize, keywords: &[String], escape: bool) -> String {
    let mut chance = Chance(7);
    let mut out = String::with_capacity(bytes + 4096);
    let mut id = 1_000_000_000_000_000_000_u64;
    while out.len() < bytes {
        id += 1 + chance.below(9) as u64;
        let mut words = text(&mut chance, keywords);
        if escape {
            words = words.encode_utf16().fold(String::new(), |mut all, unit| {
                let _ = write!(all, "\\u{unit:04x}");
                all
            });
        }
        let about = text(&mut chance, keywords);
        let _ = writeln!(
            out,
            r#"{{"data":{{"author_id":"987","conversation_id":"{id}","created_at":"2026-01-15T10:35:00.000Z","edit_history_tweet_ids":["{id}"],"entities":{{"mentions":[{{"start":0,"end":6,"username":"acme","id":"42"}}],"urls":[{{"start":10,"end":33,"url":"https://t.co/abcdefghij","expanded_url":"https://acme.example/some/long/path?id={id}","display_url":"acme.example/some/long/pa…"}}]}},"id":"{id}","in_reply_to_user_id":"42","lang":"en","public_metrics":{{"retweet_count":0,"reply_count":0,"like_count":0,"quote_count":0,"bookmark_count":0,"impression_count":10}},"referenced_tweets":[{{"type":"replied_to","id":"{id}"}}],"reply_settings":"everyone","text":"{words}"}},"includes":{{"users":[{{"created_at":"2012-01-15T10:35:00.000Z","description":"{about}","id":"987","location":"Somewhere","name":"Cat","profile_image_url":"https://pbs.example/profile_images/{id}/normal.jpg","protected":false,"public_metrics":{{"followers_count":3,"following_count":1,"tweet_count":9,"listed_count":0}},"username":"cat","verified":false}}]}},"matching_rules":[{{"id":"1273026480692322304","tag":"column-seven"}}]}}"#
        );
    }
    out
}

/// What a program that parses every line would read.
#[derive(Deserialize)]
#[expect(dead_code, reason = "parsed for the cost of parsing")]
struct Typed {
    data: TypedPost,
    includes: TypedIncludes,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "parsed for the cost of parsing")]
struct TypedPost {
    id: String,
    text: String,
    author_id: String,
    conversation_id: String,
    created_at: String,
    lang: String,
    public_metrics: std::collections::BTreeMap<String, u64>,
    referenced_tweets: Vec<std::collections::BTreeMap<String, String>>,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "parsed for the cost of parsing")]
struct TypedIncludes {
    users: Vec<TypedUser>,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "parsed for the cost of parsing")]
struct TypedUser {
    id: String,
    name: String,
    username: String,
    description: String,
    public_metrics: std::collections::BTreeMap<String, u64>,
}

/// The median of five runs.
fn time(mut run: impl FnMut() -> u64) -> Duration {
    let mut times: Vec<Duration> = (0..5)
        .map(|_| {
            let start = Instant::now();
            black_box(run());
            start.elapsed()
        })
        .collect();
    times.sort_unstable();
    times[2]
}

/// The posts of a file that a typed parse can read.
fn typed(path: &str) -> std::io::Result<u64> {
    let mut input = BufReader::with_capacity(1 << 20, File::open(path)?);
    let (mut line, mut count) = (Vec::new(), 0);
    while input.read_until(b'\n', &mut line)? > 0 {
        count += u64::from(serde_json::from_slice::<Typed>(&line).is_ok());
        line.clear();
    }
    Ok(count)
}

fn plain_post(text: String) -> Post {
    let network = NetworkKind::Bluesky;
    Post {
        id: PostId::new(network, "at://did:plc:a/app.bsky.feed.post/k"),
        version: None,
        author: Author {
            id: AuthorId::new(network, "did:plc:a"),
            handle: "cat.example".to_owned(),
            name: "Cat".to_owned(),
            followers: None,
            is_verified: false,
            is_protected: false,
        },
        conversation: ConversationId::new(network, "at://did:plc:a/app.bsky.feed.post/k"),
        in_reply_to: None,
        in_reply_to_author: None,
        quotes: None,
        is_repost: false,
        text,
        lang: Some("en".to_owned()),
        at: jiff::Timestamp::UNIX_EPOCH,
        counts: Counts::default(),
        mentions: Vec::new(),
        hashtags: Vec::new(),
        links: Vec::new(),
        media: Vec::new(),
        who_may_reply: WhoMayReply::default(),
        is_edited: false,
    }
}

/// What one post that comes in costs with so many columns: keywords, phrases, handles and authors.
fn columns_at_once(count: usize) {
    let mut chance = Chance(11);
    let words = keywords(count);
    let queries = words.iter().enumerate().map(|(i, word)| match i % 4 {
        0 => word.clone(),
        1 => format!("\"{} {}\" -is:retweet", chance.pick(LANGUAGES[0]), word),
        2 => format!("(@{word} OR #{word}) lang:en"),
        _ => format!("from:{i}.example"),
    });
    let rules: Vec<Rule> = queries.map(|query| Rule::parse(&query).expect("a query")).collect();
    let posts: Vec<Post> = (0..2_000).map(|_| plain_post(text(&mut chance, &words))).collect();
    let many = Rules::new(rules.clone());
    let at_once = time(|| posts.iter().map(|post| many.matching(post).len() as u64).sum());
    let each = time(|| {
        posts
            .iter()
            .map(|post| {
                let folded = Folded::new(post);
                rules.iter().filter(|rule| rule.matches_folded(&folded)).count() as u64
            })
            .sum()
    });
    let micros = |took: Duration| took.as_secs_f64() * 1e6 / posts.len() as f64;
    println!(
        "a post met by {count:>5} rules: at once {:>7.2} us, rule by rule {:>9.2} us; 200 posts a second are {:.3} % of a core",
        micros(at_once),
        micros(each),
        micros(at_once) * 200.0 / 1e4
    );
}

fn main() {
    if let Ok(path) = std::env::var("REPLYDECK_BENCH_TYPED") {
        println!("{}", typed(&path).unwrap_or_else(|error| panic!("{path}: {error}")));
        return;
    }
    let megabytes = std::env::var("REPLYDECK_BENCH_MB").ok().and_then(|mb| mb.parse().ok()).unwrap_or(64_usize);
    let (few, many) = (keywords(100), keywords(10_000));
    let plain = posts(megabytes * 1_000_000, &few, false);
    let escaped = posts(megabytes * 1_000_000, &few, true);
    if let Ok(path) = std::env::var("REPLYDECK_BENCH_FILE") {
        for (name, bytes) in [
            (path.clone(), &plain),
            (format!("{path}.escaped"), &escaped),
            (format!("{path}.100"), &few.join("\n")),
            (format!("{path}.10000"), &many.join("\n")),
        ] {
            std::fs::write(&name, bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
        }
    }
    let scan = |words: &[String], input: &str| {
        let rules = words.iter().map(|word| (ColumnName::new(word), Rule::parse(word).expect("a keyword"))).collect();
        let scanner = Scanner::new(rules);
        time(|| scanner.scan(input.as_bytes(), |_, _| Ok(())).expect("bytes in memory").matched)
    };
    let automaton =
        AhoCorasick::builder().ascii_case_insensitive(true).build(&few).expect("a hundred keywords are an automaton");
    // Each of these words is in every other English text, the phrases hardly in any.
    let common: Vec<String> = LANGUAGES[0].iter().map(|word| format!("\"{word} acme {word}\"")).collect();
    let near = [&few[..], &common].concat();
    let base = scan(&few, &plain);
    let rows = [
        ("scan, 100 keywords", base),
        ("scan, 100 keywords, phrases of common words", scan(&near, &plain)),
        ("scan, 10,000 keywords", scan(&many, &plain)),
        ("scan, 100 keywords, all text escaped", scan(&few, &escaped)),
        ("lines counted by memchr", time(|| memchr::memchr_iter(b'\n', plain.as_bytes()).count() as u64)),
        ("aho-corasick over all bytes, ASCII case", time(|| automaton.find_iter(&plain).count() as u64)),
        (
            "every line parsed by serde_json, typed",
            time(|| plain.lines().filter(|line| serde_json::from_str::<Typed>(line).is_ok()).count() as u64),
        ),
    ];
    for (what, took) in rows {
        let rate = plain.len() as f64 / took.as_secs_f64() / 1e6;
        println!(
            "{what:<44} {:>8.1} ms  {rate:>7.0} MB/s  {:>6.2} x the scan",
            took.as_secs_f64() * 1e3,
            took.as_secs_f64() / base.as_secs_f64()
        );
    }
    for count in [10, 100, 1_000, 10_000] {
        columns_at_once(count);
    }
}
