//! Writes a large store through the real log and the real fold, with the checkpoint a deck leaves behind when it
//! is closed: what start-up, memory and search are measured on.
//!
//! `cargo run --release --example big_store -- DIR POSTS CASES OPEN COLUMN...`, for instance
//! `… -- target/big 1000000 100000 2000 outage billing` with the names of the columns of the config the deck is
//! then opened with.

#![expect(clippy::print_stdout, reason = "an example tells what it did")]

use std::path::Path;

use anyhow::Context as _;
use jiff::{SignedDuration, Timestamp};
use replydeck::desk::{Desk, fold};
use replydeck::log::Log as _;
use replydeck::log::sqlite::SqliteLog;
use replydeck::model::event::{EVENT_VERSION, Standing};
use replydeck::model::post::{Counts, WhoMayReply};
use replydeck::model::{
    Author, AuthorId, Body, CaseId, ColumnName, ConversationId, Envelope, Event, EventId, MachineName, NetworkKind,
    NewEvent, Post, PostId, RepName, Seq,
};

/// Posts to a batch.
const BATCH: u64 = 500;
const WORDS: [&str; 16] = [
    "still",
    "no",
    "internet",
    "after",
    "three",
    "days",
    "and",
    "nobody",
    "answers",
    "the",
    "phone",
    "please",
    "help",
    "回線が遅い",
    "delivery",
    "😡",
];

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    run(&arguments)
}

fn run(arguments: &[String]) -> anyhow::Result<()> {
    let [dir, posts, cases, open, columns @ ..] = arguments else {
        anyhow::bail!("usage: big_store DIR POSTS CASES OPEN COLUMN...");
    };
    anyhow::ensure!(!columns.is_empty(), "name at least one column");
    let number = |text: &String| text.parse::<u64>().with_context(|| format!("{text} is no number"));
    let history = History {
        posts: number(posts)?,
        cases: number(cases)?.max(1),
        open: number(open)?,
        columns: columns.iter().map(|name| ColumnName::new(name)).collect(),
    };
    write(Path::new(dir), &history)
}

/// So many posts, spread over so many cases; all but the latest `open` of them are resolved.
struct History {
    posts: u64,
    cases: u64,
    open: u64,
    columns: Vec<ColumnName>,
}

fn write(dir: &Path, history: &History) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let log = SqliteLog::open(dir)?;
    let mut desk = Desk::default();
    let mut next = 0;
    while next < history.posts {
        let until = (next + BATCH).min(history.posts);
        let batch: Vec<NewEvent> = (next..until).flat_map(|n| history.events(n)).collect();
        next = until;
        let told = batch.clone();
        let last = runtime.block_on(log.append(batch, None))?;
        // The store counts without gaps.
        let first = last.0 + 1 - u64::try_from(told.len())?;
        for (seq, new) in (first..).zip(told) {
            fold(&mut desk, &envelope(seq, new));
        }
    }
    let state = desk.checkpoint();
    println!(
        "{} posts, {} events, {} cases held, checkpoint of {} bytes",
        history.posts,
        desk.seq.0,
        desk.cases.len(),
        state.len()
    );
    runtime.block_on(log.keep_checkpoint(Desk::CHECKPOINT_KIND.into(), desk.seq, state))?;
    runtime.block_on(log.flush())?;
    runtime.block_on(log.close());
    Ok(())
}

fn envelope(seq: u64, new: NewEvent) -> Envelope {
    Envelope {
        id: new.id,
        seq: Seq(seq),
        at: new.at,
        rep: new.rep,
        machine: new.machine,
        version: EVENT_VERSION,
        event: new.event,
        body: new.body,
    }
}

impl History {
    /// The n-th post and what comes of it. The posts of a case follow each other.
    fn events(&self, n: u64) -> Vec<NewEvent> {
        let each = self.posts.div_ceil(self.cases);
        let (number, is_first) = (n / each, n.is_multiple_of(each));
        let is_last = n % each == each - 1 || n + 1 == self.posts;
        let id = PostId::new(NetworkKind::X, &(1_789_000_000_000_000_000 + n * 4_000_000).to_string());
        let author = AuthorId::new(NetworkKind::X, &(10_000_000 + number).to_string());
        let root = 1_789_000_000_000_000_000 + number * each * 4_000_000;
        let conversation = ConversationId::new(NetworkKind::X, &root.to_string());
        let case = CaseId::of(&author, &conversation);
        let at = Timestamp::UNIX_EPOCH + SignedDuration::from_secs(1_772_366_400 + i64::try_from(n).unwrap_or(0));
        let column = self.columns[usize::try_from(n).unwrap_or(0) % self.columns.len()].clone();
        let new = |id: EventId, event: Event, body: Option<Body>| NewEvent {
            id,
            at,
            rep: RepName::new("intake"),
            machine: MachineName::new("desk"),
            event,
            body,
        };
        let mut events = vec![new(
            EventId::of("post-matched", &[id.as_str(), column.as_str()]),
            Event::PostMatched {
                post: id.clone(),
                author: author.clone(),
                conversation: conversation.clone(),
                columns: vec![column],
                posted_at: at,
                in_reply_to: None,
                in_reply_to_author: None,
                standing: Standing::Customer,
            },
            Some(Body::Post(Box::new(post(n, id.clone(), author.clone(), conversation.clone(), at)))),
        )];
        let name = case.to_string();
        if is_first {
            let event = Event::CaseOpened { case, author, conversation, post: id, posted_at: at };
            events.push(new(EventId::of("case-opened", &[&name]), event, None));
        }
        if is_last && number + self.open < self.cases {
            let event = Event::CaseResolved {
                case,
                cause: Some("outage".to_owned()),
                outcome: None,
                closing: false,
                number: None,
                undone: false,
            };
            events.push(new(EventId::of("case-resolved", &[&name]), event, None));
        }
        events
    }
}

fn post(n: u64, id: PostId, author: AuthorId, conversation: ConversationId, at: Timestamp) -> Post {
    // Lehmer's generator: the same words every time.
    let mut chance = n.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut text = format!("w{} ", n % 40_000);
    while text.len() < 130 {
        chance = chance.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
        text.push_str(WORDS[usize::try_from(chance >> 60).unwrap_or(0)]);
        text.push(' ');
    }
    Post {
        id,
        version: None,
        author: Author {
            id: author,
            handle: format!("customer{}", n % 100_003),
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
    }
}
