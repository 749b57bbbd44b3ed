//! Bad days on Bluesky: a line that breaks all the time, servers that send us elsewhere, a network that is not there.

use std::collections::BTreeMap;
use std::time::Duration;

use replydeck::model::{LinkState, NetworkKind, PostId};
use replydeck::net::{Inbound, Network as _, SendError};
use serde_json::json;

use crate::bluesky_rig::{Bluesky, PATIENCE, gaps, next_post, outgoing, texts, until};
use crate::server::{Answer, Server};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_disconnects_lose_nothing_double_nothing_and_are_no_gap() {
    let bluesky = Bluesky::busy(2_400.0).await;
    let dir = tempfile::tempdir().unwrap();
    let (mut listening, [mut all]) =
        bluesky.listen(bluesky.network(dir.path(), |_| {}), [("all", "-mark-that-nobody-writes")]);
    listening.live().await;
    let losses = listening.count_losses();
    let take = async {
        let mut told = Vec::new();
        loop {
            let inbound = tokio::time::timeout(PATIENCE, all.recv()).await.unwrap().unwrap();
            let is_last = matches!(&inbound, Inbound::Post(post) if post.text.contains("the very last word"));
            told.push(inbound);
            if is_last {
                return told;
            }
        }
    };
    let break_it = async {
        // Cut in the middle of a post, between two, closed with a word, and closed while posts come twice or out of
        // order: by a fixed course that looks like chance.
        let mut state = 88_172_645_463_325_252_u64;
        for _ in 0..100 {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            let fault = match state % 5 {
                0 | 1 => json!({"kind": "cut", "mid_line": true, "target": "stream"}),
                2 => json!({"kind": "cut", "target": "stream"}),
                3 => json!({"kind": "disconnect", "target": "stream"}),
                _ => {
                    bluesky.fault(json!({"kind": "reorder", "target": "stream"})).await;
                    bluesky.fault(json!({"kind": "duplicate", "target": "stream"})).await;
                    json!({"kind": "cut", "mid_line": true, "target": "stream"})
                }
            };
            bluesky.fault(fault).await;
            tokio::time::sleep(Duration::from_millis(state % 40)).await;
        }
        while !bluesky.faults().await.is_empty() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        bluesky.control("scenario", json!({"per_minute": 0.0})).await;
        tokio::time::sleep(Duration::from_millis(300)).await;
        // A post that was held back comes after the one that follows it.
        bluesky.post("cat", "the last word but one").await;
        bluesky.post("cat", "the very last word").await;
    };
    let (told, ()) = tokio::join!(take, break_it);
    let losses = losses.load(std::sync::atomic::Ordering::SeqCst);
    assert!(losses >= 100, "the line was lost only {losses} times");
    assert_eq!(gaps(&told), Vec::<&Inbound>::new());
    let mut ids: BTreeMap<&str, usize> = BTreeMap::new();
    for inbound in &told {
        if let Inbound::Post(post) = inbound {
            *ids.entry(post.id.as_str()).or_default() += 1;
        }
    }
    let doubled: Vec<_> = ids.iter().filter(|(_, count)| **count > 1).collect();
    assert!(doubled.is_empty(), "{doubled:?}");
    // Who was already on their way still posts; what comes after the last word was not waited for.
    let mut sent = bluesky.rows("posts").await;
    let last = sent.iter().position(|row| row["text"].as_str().is_some_and(|text| text.contains("the very last word")));
    sent.truncate(last.expect("the last word was sent") + 1);
    let keys: BTreeMap<String, &serde_json::Value> = sent
        .iter()
        .filter(|row| row["reposts"].is_null() && row["id"] == row["first_id"])
        .map(|row| (key(row["id"].as_str().unwrap().parse().unwrap()), row))
        .collect();
    assert!(keys.len() > 50, "{} posts are too few to prove anything", keys.len());
    let lost: Vec<_> = keys.iter().filter(|(key, _)| !ids.keys().any(|id| id.ends_with(key.as_str()))).collect();
    assert!(lost.is_empty(), "{} of {} posts are lost: {lost:?}", lost.len(), keys.len());
    listening.end().await;
}

/// The key under which the simulator shows the post of this number.
fn key(number: u64) -> String {
    let digit = |place: u32| {
        char::from(b"234567abcdefghijklmnopqrstuvwxyz"[usize::try_from(number >> (place * 5) & 31).unwrap()])
    };
    (0..13).rev().map(digit).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_sends_us_elsewhere_is_not_followed_and_gets_no_password() {
    let bluesky = Bluesky::start().await;
    let dir = tempfile::tempdir().unwrap();
    let elsewhere = Server::start(|_| Answer::json(200, &json!({}))).await;
    let to = elsewhere.url.clone();
    let turned = Server::start(move |_| Answer::Whole {
        status: 307,
        headers: vec![("location", format!("{to}/xrpc/com.atproto.server.createSession"))],
        body: String::new(),
    })
    .await;
    let post = PostId::new(NetworkKind::Bluesky, "at://did:plc:a/app.bsky.feed.post/3k");
    let network = bluesky.network(dir.path(), |settings| {
        settings.service = turned.url.parse().unwrap();
        settings.jetstreams = vec![turned.url.replace("http:", "ws:").parse().unwrap()];
    });
    let refused = network.send(&outgoing(1, &post, "Hello")).await.unwrap_err();
    assert!(!matches!(refused, SendError::Unknown { .. }), "{refused:?}");
    let (mut listening, [_all]) = bluesky.listen(network, [("all", "slow")]);
    let down = listening.link(|report| matches!(report.state, LinkState::Down { .. })).await;
    assert!(format!("{down:?}").contains("nobody follows"), "{down:?}");
    assert_eq!(elsewhere.seen().len(), 0, "{:?}", elsewhere.seen());
    assert!(!turned.seen().is_empty());
    listening.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_server_takes_over_from_one_that_is_not_there() {
    let bluesky = Bluesky::start().await;
    let dir = tempfile::tempdir().unwrap();
    let network = bluesky.network(dir.path(), |settings| {
        let good = settings.jetstreams[0].clone();
        // Nothing listens there.
        settings.jetstreams = vec!["ws://127.0.0.1:9".parse().unwrap(), good, "ws://127.0.0.1:9".parse().unwrap()];
    });
    let (mut listening, [mut all]) = bluesky.listen(network.clone(), [("all", "🌊")]);
    listening.live().await;
    bluesky.post("cat", "🌊🌊 🐈‍⬛").await;
    assert_eq!(next_post(&mut all).await.text, "🌊🌊 🐈‍⬛", "a post of only emoji");
    bluesky.fault(json!({"kind": "disconnect", "target": "stream"})).await;
    listening.link(|report| matches!(report.state, LinkState::BackingOff { .. })).await;
    bluesky.post("cat", "🌊 again").await;
    let told = until(&mut all, "again").await;
    assert_eq!((told.len(), gaps(&told).len()), (1, 0));
    assert_eq!(texts(&told).len(), 1);
    listening.end().await;
    // Nobody at all: the clear word, and nothing left this machine.
    let nobody = bluesky.network(dir.path(), |settings| {
        settings.service = "http://127.0.0.1:9".parse().unwrap();
        settings.appview = "http://127.0.0.1:9".parse().unwrap();
    });
    let post = PostId::new(NetworkKind::Bluesky, "at://did:plc:a/app.bsky.feed.post/3k");
    let not_sent = nobody.send(&outgoing(1, &post, "Hello")).await.unwrap_err();
    assert!(matches!(not_sent, SendError::NotSent { .. }), "{not_sent:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_handle_of_nobody_is_told_with_its_column() {
    let bluesky = Bluesky::start().await;
    let dir = tempfile::tempdir().unwrap();
    let (mut listening, [_lost, mut cats]) = bluesky.listen(
        bluesky.network(dir.path(), |_| {}),
        [("lost", "from:nobody.example"), ("cats", "from:cat.sim.example")],
    );
    let told = listening.link(|report| report.refused.iter().any(|(column, _)| column.as_str() == "lost")).await;
    assert!(told.refused.iter().any(|(_, why)| why.contains("@nobody.example")), "{told:?}");
    // Nor is the other there yet; as soon as it is, and asked for again, its posts come.
    bluesky.post("cat", "first").await;
    listening.end().await;
    let (mut listening, [mut again]) =
        bluesky.listen(bluesky.network(dir.path(), |_| {}), [("cats", "from:cat.sim.example")]);
    listening.live().await;
    bluesky.post("dog", "second").await;
    bluesky.post("cat", "third").await;
    let told = until(&mut again, "third").await;
    assert!(!texts(&told).contains_key("second"), "{told:?}");
    assert!(cats.try_recv().is_err());
    listening.end().await;
}
