//! Recordings: what is in them reaches the columns, what is not in order is counted.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use replydeck::net::replay::{Progress, Source, Speed};
use replydeck::net::x::decode::{Line, line};
use tokio_util::sync::CancellationToken;

use crate::rig::{clock, feeds, next, next_post};

const RECORDED: &[u8] = include_bytes!("../fixtures/x/recorded.ndjson");

#[tokio::test]
async fn a_recording_of_the_stream_feeds_the_columns_by_their_own_rules() {
    let (columns, [mut slow, mut bill]) = feeds([("slow", "slow"), ("billing", "billing")]);
    let told = Arc::new(Mutex::new(Progress::default()));
    let telling = told.clone();
    let source = Source::new(RECORDED, columns, Speed::Max, clock());
    let progress = source
        .run(CancellationToken::new(), move |progress| *telling.lock().unwrap() = progress.clone())
        .await
        .unwrap();
    assert_eq!((progress.lines, progress.posts, progress.matched, progress.malformed), (6, 2, 2, 2));
    assert_eq!(*told.lock().unwrap(), progress);
    let told = progress.passed_over().unwrap();
    assert!(told.starts_with("2 lines passed over: ") && told.contains("future_message"), "{told}");
    assert_eq!(next_post(&mut slow).await, "1800000000000000001");
    assert_eq!(next_post(&mut slow).await, "1800000000000000002");
    let replydeck::net::Inbound::Post(post) = next(&mut bill).await else { panic!() };
    assert_eq!(post.conversation.native(), "1800000000000000001");
    assert!(post.text.contains("right & slow"));
    assert!(slow.recv().await.is_none() && bill.recv().await.is_none());
}

#[tokio::test]
async fn what_is_passed_over_is_told_by_its_kind_and_a_post_without_its_wrapper_is_one() {
    let recording = "{\"text\":\"slow\",\"features\":[]}\n{\"text\":\"slow too\"}\n{\"da\n{\"data\n\
        {\"id\":\"5\",\"text\":\"so slow\",\"author_id\":\"7\"}\n";
    let (columns, [mut slow]) = feeds([("slow", "slow")]);
    let source = Source::new(recording.as_bytes(), columns, Speed::Max, clock());
    let progress = source.run(CancellationToken::new(), |_| {}).await.unwrap();
    assert_eq!((progress.posts, progress.malformed), (1, 4));
    let told = progress.passed_over().unwrap();
    assert_eq!(told, "4 lines passed over: EOF while parsing a string (2), a post without an id (2)");
    assert_eq!(next_post(&mut slow).await, "5");
}

#[tokio::test]
async fn what_a_mastodon_stream_sent_is_replayed() {
    let framed = |event: &str, id: &str, html: &str, edited: Option<&str>| {
        let status = serde_json::json!({"id": id, "url": format!("https://m.example/@jo/{id}"), "content": html,
            "visibility": "public", "created_at": "2026-01-15T10:00:00Z", "edited_at": edited,
            "account": {"id": "7", "acct": "jo", "url": "https://m.example/@jo"}});
        serde_json::json!({"stream": ["public"], "event": event, "payload": status.to_string()}).to_string()
    };
    let recording = [
        framed("update", "1", "<p>so <b>slow</b></p>", None),
        framed("status.update", "1", "<p>so slow &amp; dear</p>", Some("2026-01-15T10:01:00Z")),
        framed("update", "2", "<p>fine</p>", None),
        "{\"stream\":[\"public\"],\"event\":\"delete\",\"payload\":\"1\"}".to_owned(),
    ]
    .join("\n");
    let (columns, [mut slow]) = feeds([("slow", "slow")]);
    let source = Source::new(recording.as_bytes(), columns, Speed::Max, clock());
    let progress = source.run(CancellationToken::new(), |_| {}).await.unwrap();
    assert_eq!((progress.posts, progress.matched, progress.malformed), (3, 2, 0), "{:?}", progress.why_malformed);
    assert_eq!(next_post(&mut slow).await, "https://m.example/@jo/1");
    let replydeck::net::Inbound::Edited(edited) = next(&mut slow).await else { panic!() };
    assert_eq!(edited.text, "so slow & dear");
    assert!(slow.recv().await.is_none());
}

#[tokio::test]
async fn a_stopped_replay_says_how_far_it_came() {
    let (columns, [_slow]) = feeds([("slow", "slow")]);
    let stop = CancellationToken::new();
    stop.cancel();
    let (reader, _held_open) = tokio::io::duplex(64);
    let progress = Source::new(reader, columns, Speed::Max, clock()).run(stop, |_| {}).await.unwrap();
    assert_eq!(progress, Progress::default());
}

/// Real posts, where the data lies beside the checkout.
#[test]
fn every_line_of_the_real_recordings_is_read() {
    let shared = std::env::var_os("REPLYDECK_SHARED")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared"), PathBuf::from);
    for (name, posts) in [("airline.dev.ndjson", 7_278), ("conversations.ndjson", 4_852)] {
        let path = shared.join("data").join(name);
        let Ok(bytes) = std::fs::read(&path) else {
            skipped(name);
            continue;
        };
        let mut read = 0;
        for bytes in bytes.split(|byte| *byte == b'\n').filter(|bytes| !bytes.is_empty()) {
            match line(bytes) {
                Line::Post { post, .. } => {
                    assert!(!post.text.chars().any(|c| c.is_control() && c != '\n'), "{name}: {}", post.id);
                    assert!(!post.author.handle.is_empty() && post.at.as_second() > 0, "{name}: {}", post.id);
                    read += 1;
                }
                other => panic!("{name}, line {read}: {}", format!("{other:?}").len()),
            }
        }
        assert_eq!(read, posts, "{name}");
    }
}

#[expect(clippy::print_stderr, reason = "a test that did not run must say so")]
fn skipped(name: &str) {
    eprintln!("skipped: {name} is not beside this checkout (set REPLYDECK_SHARED to its folder)");
}
