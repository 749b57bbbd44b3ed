//! How long a person and a search take in a large store. Measured on asking only:
//! `cargo test --test log a_large_store -- --ignored --nocapture`, with `REPLYDECK_CASES` for another size.

#![expect(clippy::disallowed_methods, reason = "it measures")]
#![expect(clippy::print_stdout, reason = "it tells its figures")]

use std::time::{Duration, Instant};

use replydeck::log::Log;
use replydeck::log::sqlite::SqliteLog;
use replydeck::model::event::Standing;
use replydeck::model::{
    AuthorId, Body, CaseId, ColumnName, ConversationId, Event, EventId, MachineName, NetworkKind, NewEvent, PostId,
    RepName, Search,
};
use replydeck::run::{person, searching};

use super::sample::{at, post};

const WORDS: [&str; 12] =
    ["slow", "line", "outage", "router", "again", "bill", "late", "荷物", "届かない", "support", "hours", "tonight"];

/// Case `n`: its post, its beginning, a tag, a claim, and its end. Every tenth is of one of a hundred people who come
/// again and again.
fn case(n: u64) -> Vec<NewEvent> {
    let author = AuthorId::new(
        NetworkKind::X,
        &if n.is_multiple_of(10) { format!("r{}", n / 10 % 100) } else { format!("a{n}") },
    );
    let conversation = ConversationId::new(NetworkKind::X, &n.to_string());
    let words = (0..9).map(|k| WORDS[usize::try_from((n * 7 + k * (n % 5 + 1)) % 12).unwrap()]);
    let mut body = post(n, &words.collect::<Vec<_>>().join(" "));
    body.at = at(i64::try_from(n * 20).unwrap());
    body.author.id = author.clone();
    body.author.handle = format!("h{}_{}", author.native(), n / 40_000);
    body.conversation = conversation.clone();
    let case = CaseId::of(&author, &conversation);
    let now = body.at;
    let id = |what: &str| EventId::of(what, &[&n.to_string()]);
    let event = |what: &str, event: Event, body: Option<Body>| NewEvent {
        id: id(what),
        at: now,
        rep: RepName::new(["ana", "bo", "cy"][usize::try_from(n % 3).unwrap()]),
        machine: MachineName::new("desk"),
        event,
        body,
    };
    let cause = if n.is_multiple_of(5) { "outage" } else { "billing" }.to_owned();
    vec![
        event(
            "opened",
            Event::CaseOpened {
                case,
                author: author.clone(),
                conversation: conversation.clone(),
                post: body.id.clone(),
                posted_at: now,
            },
            None,
        ),
        event(
            "matched",
            Event::PostMatched {
                post: PostId::new(NetworkKind::X, &n.to_string()),
                author,
                conversation,
                columns: vec![ColumnName::new("outage")],
                posted_at: now,
                in_reply_to: None,
                in_reply_to_author: None,
                standing: Standing::Customer,
            },
            Some(Body::Post(Box::new(body))),
        ),
        event("claimed", Event::CaseClaimed { case }, None),
        event("tagged", Event::CaseTagged { case, tag: format!("t{}", n % 50), on: true }, None),
        event(
            "resolved",
            Event::CaseResolved {
                case,
                cause: Some(cause),
                outcome: None,
                closing: false,
                number: Some(n),
                undone: false,
            },
            None,
        ),
    ]
}

/// The middle of eleven tries, and the worst.
async fn timed<T>(what: &str, ask: impl AsyncFn() -> T) -> T {
    let mut times = Vec::new();
    let mut answer = None;
    for _ in 0..11 {
        let began = Instant::now();
        answer = Some(ask().await);
        times.push(began.elapsed());
    }
    times.sort_unstable();
    let ms = |time: Duration| time.as_secs_f64() * 1_000.0;
    println!("{what}: {:.1} ms, at worst {:.1}", ms(times[5]), ms(times[10]));
    answer.expect("asked at least once")
}

#[tokio::test]
#[ignore = "a measurement"]
async fn a_large_store() {
    let cases: u64 = std::env::var("REPLYDECK_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(100_000);
    let dir = tempfile::tempdir().expect("a folder");
    let log = SqliteLog::open(dir.path()).expect("opens");
    let began = Instant::now();
    for from in (0..cases).step_by(2_000) {
        let batch = (from..(from + 2_000).min(cases)).flat_map(case).collect();
        log.append(batch, None).await.expect("written");
    }
    println!("{cases} cases written in {:.1} s", began.elapsed().as_secs_f64());
    let repeated = AuthorId::new(NetworkKind::X, "r7");
    let record = timed("a person with many cases", async || person::read(&log, repeated.clone()).await).await;
    assert_eq!(record.expect("read").cases.len(), usize::try_from(cases / 1_000).unwrap().min(100));
    let once = AuthorId::new(NetworkKind::X, "a13");
    timed("a person with one", async || person::read(&log, once.clone()).await).await.expect("read");
    let now = at(i64::try_from(cases * 20).unwrap());
    for text in [
        "slow",
        "slow router",
        "荷",
        "slo",
        "from:hr7_0",
        "from:hr7_0 outage",
        "tag:t7",
        "tag:t7 router",
        "cause:outage rep:bo",
        "cause:outage slow",
        "rep:ana before:2d tonight",
        "before:5d after:6d",
        "hr7",
    ] {
        let search = Search::parse(text, now, &jiff::tz::TimeZone::UTC).expect("a search");
        let found = timed(text, async || searching::search(&log, &search, 50).await).await.expect("answered");
        println!("    {} texts, {} people", found.hits.len(), found.people.len());
    }
    log.close().await;
}
