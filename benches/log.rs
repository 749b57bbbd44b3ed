//! The SQLite store: appending with the index, searching, and how soon another handle sees an append.
//!
//! Read the figures as ratios within one run: `append/floor` is the same JSON into a bare table, `append/memory` the
//! same events into the store in memory, and `search/…/scan` looks through the same texts without an index. `REPLYDECK_BENCH_ROWS` changes the size of the
//! larger store (1,000,000 posts). Bytes on the disk per post are told on the way.

#![expect(clippy::print_stderr, reason = "sizes are no times, so the harness cannot tell them")]

use std::hint::black_box;
use std::path::Path;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use jiff::Timestamp;
use replydeck::log::Log;
use replydeck::log::memory::MemoryLog;
use replydeck::log::sqlite::{FILE, SqliteLog};
use replydeck::model::event::Standing;
use replydeck::model::post::{Counts, WhoMayReply};
use replydeck::model::{
    Author, AuthorId, Body, ColumnName, ConversationId, Event, EventId, MachineName, NetworkKind, NewEvent, Post,
    PostId, RepName, Seq,
};
use tokio::runtime::Runtime;

const BATCH: u64 = 256;

/// The same numbers every time (Lehmer's generator).
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
        usize::try_from((self.0 >> 33) % u64::try_from(end).expect("small")).expect("small")
    }
}

const FREQUENT: [&str; 24] = [
    "the", "and", "my", "is", "to", "on", "your", "service", "delivery", "still", "no", "again", "help", "why", "late",
    "phone", "days", "after", "hours", "account", "please", "nobody", "answers", "slow",
];

/// About 140 characters: frequent words between made-up ones.
fn english(chance: &mut Chance) -> String {
    let mut text = String::new();
    while text.len() < 140 {
        if chance.below(3) < 2 {
            text.push_str(FREQUENT[chance.below(FREQUENT.len())]);
        } else {
            text.push('w');
            text.push_str(&chance.below(40_000).to_string());
        }
        text.push(' ');
    }
    text
}

/// About 50 characters without spaces, as Japanese posts are.
fn japanese(chance: &mut Chance) -> String {
    const PIECES: [&str; 12] =
        ["荷物", "まだ", "届かない", "配送", "電話", "返事", "です", "料金", "故障", "遅い", "いつ", "本当に"];
    let mut text = String::new();
    while text.chars().count() < 50 {
        if chance.below(3) < 2 {
            text.push_str(PIECES[chance.below(PIECES.len())]);
        } else {
            let n = 0x4e00 + u32::try_from(chance.below(2000)).expect("small");
            text.extend(char::from_u32(n));
        }
    }
    text
}

fn event(n: u64, text: String) -> NewEvent {
    let id = PostId::new(NetworkKind::X, &(1_789_000_000_000_000_000 + n * 4_000_000).to_string());
    let author = AuthorId::new(NetworkKind::X, &(n % 5003).to_string());
    let at = Timestamp::from_second(1_772_366_400 + i64::try_from(n).expect("small")).expect("in range");
    let conversation = ConversationId::new(NetworkKind::X, id.native());
    NewEvent {
        id: EventId::of("post-matched", &[id.as_str(), "outage"]),
        at,
        rep: RepName::new("intake"),
        machine: MachineName::new("desk-1"),
        event: Event::PostMatched {
            post: id.clone(),
            author: author.clone(),
            conversation: conversation.clone(),
            columns: vec![ColumnName::new("outage")],
            posted_at: at,
            in_reply_to: None,
            in_reply_to_author: None,
            standing: Standing::Customer,
        },
        body: Some(Body::Post(Box::new(Post {
            id,
            version: None,
            author: Author {
                id: author,
                handle: format!("customer{}", n % 5003),
                name: "A Customer".to_owned(),
                followers: Some(n % 1000),
                is_verified: false,
                is_protected: false,
            },
            conversation,
            in_reply_to: None,
            in_reply_to_author: None,
            quotes: None,
            is_repost: false,
            text,
            lang: None,
            at,
            counts: Counts::default(),
            mentions: Vec::new(),
            hashtags: Vec::new(),
            links: Vec::new(),
            media: Vec::new(),
            who_may_reply: WhoMayReply::Everyone,
            is_edited: false,
        }))),
    }
}

type Words = fn(&mut Chance) -> String;

/// Makes one batch after the other.
struct Posts {
    next: u64,
    chance: Chance,
    words: Words,
}

impl Posts {
    fn new(words: Words) -> Self {
        Self { next: 0, chance: Chance(42), words }
    }

    fn batch(&mut self) -> Vec<NewEvent> {
        (0..BATCH)
            .map(|_| {
                self.next += 1;
                let mut text = (self.words)(&mut self.chance);
                // One post in ten thousand is the needle.
                if self.next.is_multiple_of(10_000) {
                    text.push_str(" acmebankia 故障中");
                }
                event(self.next, text)
            })
            .collect()
    }
}

fn appending(c: &mut Criterion) {
    let runtime = Runtime::new().expect("a runtime");
    let mut group = c.benchmark_group("append");
    group.throughput(Throughput::Elements(BATCH)).sample_size(60);
    let texts: [(&str, Words); 2] = [("english", english), ("japanese", japanese)];
    for (name, words) in texts {
        let dir = tempfile::tempdir().expect("a folder");
        let log = SqliteLog::open(dir.path()).expect("opens");
        let mut posts = Posts::new(words);
        group.bench_function(name, |b| {
            b.iter_batched(
                || posts.batch(),
                |batch| runtime.block_on(log.append(batch, None)).expect("written"),
                BatchSize::PerIteration,
            );
        });
        runtime.block_on(log.close());
        tell_size(name, dir.path(), posts.next);
    }
    let memory = MemoryLog::new();
    let mut posts = Posts::new(english);
    group.bench_function("memory", |b| {
        b.iter_batched(
            || posts.batch(),
            |batch| runtime.block_on(memory.append(batch, None)).expect("written"),
            BatchSize::PerIteration,
        );
    });
    let dir = tempfile::tempdir().expect("a folder");
    let db = rusqlite::Connection::open(dir.path().join("floor.db")).expect("opens");
    db.execute_batch("PRAGMA journal_mode = wal; PRAGMA synchronous = normal; CREATE TABLE floor (json TEXT)")
        .expect("made");
    let mut posts = Posts::new(english);
    group.bench_function("floor", |b| {
        b.iter_batched(
            || posts.batch(),
            |batch| {
                db.execute_batch("BEGIN IMMEDIATE").expect("begun");
                for new in batch {
                    let json = serde_json::to_string(&new.body).expect("json");
                    db.prepare_cached("INSERT INTO floor VALUES (?1)").expect("sql").execute([json]).expect("in");
                }
                db.execute_batch("COMMIT").expect("done");
            },
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

fn tell_size(name: &str, dir: &Path, posts: u64) {
    let bytes = std::fs::metadata(dir.join(FILE)).expect("there").len();
    eprintln!("{name}: {} bytes on the disk per post, {posts} posts", bytes / posts.max(1));
}

fn fill(runtime: &Runtime, log: &SqliteLog, rows: u64) {
    // Every tenth post is Japanese.
    let mut posts = Posts::new(|chance| if chance.below(10) == 0 { japanese(chance) } else { english(chance) });
    while posts.next < rows {
        runtime.block_on(log.append(posts.batch(), None)).expect("written");
    }
}

fn scan(dir: &Path, word: &str) -> usize {
    let db = rusqlite::Connection::open(dir.join(FILE)).expect("opens");
    let mut statement =
        db.prepare("SELECT id FROM bodies WHERE json LIKE ?1 ORDER BY place DESC LIMIT 50").expect("sql");
    let rows = statement.query_map([format!("%{word}%")], |row| row.get::<_, String>(0)).expect("runs");
    rows.count()
}

fn searching(c: &mut Criterion) {
    let runtime = Runtime::new().expect("a runtime");
    let large = std::env::var("REPLYDECK_BENCH_ROWS").ok().and_then(|rows| rows.parse().ok()).unwrap_or(1_000_000);
    for rows in [100_000, large] {
        let dir = tempfile::tempdir().expect("a folder");
        let log = SqliteLog::open(dir.path()).expect("opens");
        fill(&runtime, &log, rows);
        let mut group = c.benchmark_group(format!("search/{rows}"));
        group.sample_size(20);
        for (name, search) in [
            ("rare", "acmebankia"),
            ("frequent", "delivery"),
            ("two-frequent", "delivery late"),
            ("rare-and-frequent", "acmebankia the"),
            ("beginning", "acmeb"),
            ("short-beginning", "w9"),
            ("nothing", "zzzz"),
            ("two-characters", "荷物"),
            ("rare-characters", "故障中"),
            ("one-character", "荷"),
            ("rare-character", "障"),
            ("any-beginning", "de"),
        ] {
            group.bench_function(name, |b| {
                b.iter(|| black_box(runtime.block_on(log.search(search.to_owned(), 50)).expect("answered")).len());
            });
        }
        group.sample_size(10);
        group.bench_function("rare/scan", |b| b.iter(|| black_box(scan(dir.path(), "acmebankia"))));
        group.finish();
    }
}

fn sharing(c: &mut Criterion) {
    let runtime = Runtime::new().expect("a runtime");
    let dir = tempfile::tempdir().expect("a folder");
    let here = SqliteLog::open(dir.path()).expect("opens");
    let there = SqliteLog::open(dir.path()).expect("opens");
    let mut posts = Posts::new(english);
    let mut group = c.benchmark_group("seen");
    group.sample_size(20);
    for (name, reader) in [("by-own-handle", &here), ("by-another-handle", &there)] {
        let mut live = reader.subscribe(runtime.block_on(here.last()).expect("answered"));
        let mut last = Seq(0);
        group.bench_function(name, |b| {
            b.iter_batched(
                || posts.batch(),
                |batch| {
                    runtime.block_on(async {
                        let appended = here.append(batch, None).await.expect("written");
                        while last < appended {
                            last = live.recv().await.and_then(|seen| Some(seen.last()?.seq)).expect("it goes on");
                        }
                    });
                },
                BatchSize::PerIteration,
            );
        });
    }
    group.finish();
}

criterion_group!(benches, appending, searching, sharing);
criterion_main!(benches);
