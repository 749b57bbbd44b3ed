//! Mastodon servers that differ: old ones, those of another make, those that ask who calls; frames as no server should
//! send them; bad days of their accounts and lines.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::SignedDuration;
use replydeck::model::{LinkState, Verdict};
use replydeck::net::{Clock, FindingVerdict, Inbound, Network, ReadBack, SendError};
use serde_json::{Value, json};

use crate::mastodon_rig::{Place, next_text, next_whole, reply_to};
use crate::rig::next;
use crate::server::{Answer, Server};

/// A server as GoToSocial is: ids of letters, keys ignored, no server-sent events, 400 for 422, other limits.
fn gotosocial() -> Value {
    json!({"ignores_keys": true, "says_400": true, "has_no_events": true, "letters_in_ids": true, "max_characters": 5_000})
}

#[tokio::test]
async fn on_a_server_of_another_make_everything_goes_its_way() {
    let place = Place::open();
    place.manner(gotosocial()).await;
    let (mut ear, [mut slow]) = place.listen([("slow", "slow OR #acmedown")]);
    ear.settled(place.folder.path()).await;
    let first = place.post("jo_m", "so slow", json!({})).await;
    let post = next_whole(&mut slow).await;
    assert!(post.version.as_ref().is_some_and(|id| id.len() == 26 && id.starts_with("01")), "{:?}", post.version);
    let answer = place.post("bo", "here too #acmedown", json!({"in_reply_to": first})).await;
    let under = next_whole(&mut slow).await;
    assert_eq!(under.conversation, post.conversation);
    place.post("bo", "still #acmedown", json!({"edits": answer})).await;
    assert!(matches!(next(&mut slow).await, Inbound::Edited(edited) if edited.id == under.id));

    // One post, though the answer is lost, the run that asks is another one, and the key counts for nothing.
    let outgoing = reply_to(&post, &format!("Sorry! {}", "x".repeat(900)), 1);
    let attempted = (place.clock)();
    place.fault(json!({"kind": "lose_answer", "target": "posts"})).await;
    let Err(SendError::Unknown { .. }) = ear.network.send(&outgoing).await else { panic!() };
    let after = place.network();
    let ReadBack::Published(found) = after.read_back(&outgoing, attempted).await else { panic!() };
    assert_eq!(after.send(&outgoing).await.unwrap(), found);
    assert_eq!(place.ledger("writes").await.len(), 1);
    let Inbound::Own(own) = next(&mut slow).await else { panic!("our own answer is not heard") };
    assert_eq!(own.id, found);

    // A line that is lost is made good by ids into which nothing can be read.
    let refused =
        place.fault(json!({"kind": "status", "target": "stream", "status": 503, "times": "until_lifted"})).await;
    let began = (place.clock)();
    place.fault(json!({"kind": "cut", "target": "stream"})).await;
    ear.link(|report| matches!(report.state, LinkState::BackingOff { .. })).await;
    for n in 0..45 {
        place.post("cy", &format!("slow {n}"), json!({})).await;
    }
    place.control("fault", json!({"lift": refused})).await;
    for n in 0..45 {
        assert_eq!(next_text(&mut slow).await, format!("slow {n}"));
    }
    // And a rep may ask for the stretch again.
    let (feeds, [mut again]) = crate::rig::feeds([("slow", "slow")]);
    let filled = ear.network.backfill(&feeds, began, (place.clock)()).await;
    assert_eq!((filled.missing, filled.found.len()), (None, 45));
    assert_eq!(next_text(&mut again).await, "slow 0");
    ear.end().await;
}

#[tokio::test]
async fn an_old_server_that_says_little_of_itself_is_enough() {
    let place = Place::open();
    place.manner(json!({"says_little": true, "max_characters": 700})).await;
    let (mut ear, [mut slow]) = place.listen([("slow", "slow")]);
    ear.settled(place.folder.path()).await;
    place.post("jo_m", "so slow", json!({})).await;
    let post = next_whole(&mut slow).await;
    ear.network.send(&reply_to(&post, &"x".repeat(600), 1)).await.unwrap();
    let Err(SendError::Refused { why, .. }) = ear.network.send(&reply_to(&post, &"x".repeat(701), 2)).await else {
        panic!()
    };
    assert!(why.contains("the server takes 700"), "{why}");
    let findings = ear.network.check(&[]).await;
    assert!(findings.iter().all(|finding| finding.verdict != FindingVerdict::Fails), "{findings:?}");
    ear.end().await;
}

#[tokio::test]
async fn every_request_says_who_asks() {
    // GoToSocial answers 418 to who does not.
    let server =
        Server::start(|_| Answer::json(418, &json!({"error": "I'm a teapot: no user-agent sent with request"}))).await;
    let folder = tempfile::tempdir().unwrap();
    let settings = crate::mastodon_rig::settings(&server.url, Some("token"), folder.path());
    let (mut ear, [_slow]) =
        crate::mastodon_rig::Ear::open(settings, [("slow", "slow")], &crate::mastodon_rig::PACE, &crate::rig::clock());
    let down = ear.link(|report| matches!(report.state, LinkState::Down { .. })).await;
    assert!(format!("{down:?}").contains("teapot"), "{down:?}");
    ear.end().await;
    let seen = server.seen();
    assert!(!seen.is_empty());
    for seen in seen {
        assert!(seen.header("user-agent").is_some_and(|agent| agent.starts_with("replydeck/")), "{seen:?}");
    }
    // The simulated server asks for it too, on its WebSocket as elsewhere: that every other test here hears anything
    // shows that it is said there.
    let place = Place::open();
    let bare = reqwest::Client::builder().no_proxy().build().unwrap();
    let url = format!("{}/api/v1/streaming", place.url);
    assert_eq!(bare.get(url).bearer_auth(&place.token).send().await.unwrap().status(), 418);
}

#[tokio::test]
async fn frames_over_four_megabytes_and_such_that_are_no_text_lose_nothing() {
    for has_no_socket in [false, true] {
        let place = Place::open();
        place.manner(json!({"has_no_socket": has_no_socket})).await;
        let (mut ear, [mut slow]) = place.listen([("slow", "slow")]);
        ear.settled(place.folder.path()).await;
        place.fault(json!({"kind": "garble", "target": "stream"})).await;
        ear.note("cannot be read").await;
        place.post("jo_m", "slow one", json!({})).await;
        assert_eq!(next_text(&mut slow).await, "slow one");
        let giant = json!({"kind": "giant", "target": "stream", "bytes": 5 * 1024 * 1024});
        place.fault(giant).await;
        if has_no_socket {
            // An event too long is thrown away as it comes.
            ear.note("cannot be read").await;
        } else {
            // A WebSocket cannot be read on behind it: another one begins, and what it missed is read back.
            ear.link(|report| matches!(report.state, LinkState::BackingOff { .. })).await;
        }
        place.post("jo_m", "slow two", json!({})).await;
        assert_eq!(next_text(&mut slow).await, "slow two");
        ear.end().await;
    }
}

#[tokio::test]
async fn what_comes_twice_or_out_of_order_comes_once() {
    let place = Place::open();
    let (mut ear, [mut slow]) = place.listen([("slow", "slow")]);
    ear.settled(place.folder.path()).await;
    place.fault(json!({"kind": "reorder", "target": "stream"})).await;
    place.fault(json!({"kind": "duplicate", "target": "stream", "times": 3})).await;
    for n in 0..4 {
        place.post("jo_m", &format!("slow {n}"), json!({})).await;
    }
    place.post("jo_m", "slow at last", json!({})).await;
    let mut seen = Vec::new();
    while !seen.contains(&"slow at last".to_owned()) || seen.len() < 5 {
        seen.push(next_text(&mut slow).await);
    }
    assert_eq!(seen, ["slow 1", "slow 0", "slow 2", "slow 3", "slow at last"]);
    ear.end().await;
}

#[tokio::test]
async fn a_limit_on_the_stream_is_waited_for_in_both_ways_to_write_it() {
    for reset_in_seconds in [false, true] {
        let place = Place::open();
        place.manner(json!({"reset_in_seconds": reset_in_seconds})).await;
        place.fault(json!({"kind": "status", "target": "stream", "status": 429, "reset_in": 90})).await;
        let pace = replydeck::net::mastodon::pace::Pace {
            steps: replydeck::net::backoff::Steps {
                limited_first: std::time::Duration::from_secs(5),
                limited_most: std::time::Duration::from_secs(1_000),
                ..crate::mastodon_rig::PACE.steps
            },
            ..crate::mastodon_rig::PACE
        };
        let (mut ear, [_slow]) = place.listen_as([("slow", "slow")], &pace, |_| {});
        let limited = ear.link(|report| matches!(report.state, LinkState::BackingOff { .. })).await;
        let LinkState::BackingOff { until, .. } = limited.state else { panic!() };
        let wait = until.duration_since((place.clock)());
        assert!(wait > SignedDuration::from_secs(60), "{reset_in_seconds}: {wait}");
        ear.end().await;
    }
}

#[tokio::test]
async fn after_thirty_six_hours_away_everything_is_read_back() {
    let ahead = Arc::new(AtomicI64::new(0));
    let (base, jumped) = (crate::rig::clock(), ahead.clone());
    let clock: Clock = Arc::new(move || base() + SignedDuration::from_hours(jumped.load(Ordering::SeqCst)));
    let place = Place::open_at(clock);
    let (mut ear, [mut slow]) = place.listen([("slow", "slow")]);
    ear.settled(place.folder.path()).await;
    place.post("jo_m", "slow one", json!({})).await;
    assert_eq!(next_text(&mut slow).await, "slow one");
    ear.end().await;
    for hour in 0..36 {
        ahead.fetch_add(1, Ordering::SeqCst);
        for n in 0..3 {
            place.post("bo", &format!("slow {hour}:{n}"), json!({})).await;
        }
    }
    let (mut ear, [mut slow]) = place.listen([("slow", "slow")]);
    let mut seen = Vec::new();
    while seen.len() < 108 {
        match next(&mut slow).await {
            // What the overlap reads again is known to the log.
            Inbound::Post(post) if post.text == "slow one" => {}
            Inbound::Post(post) => seen.push(post.text),
            other => panic!("{other:?} after {seen:?}"),
        }
    }
    let expected: Vec<String> = (0..36).flat_map(|hour| (0..3).map(move |n| format!("slow {hour}:{n}"))).collect();
    assert_eq!(seen, expected);
    ear.note("what was missed was read").await;
    ear.end().await;
}

#[tokio::test]
async fn an_account_that_is_gone_takes_its_posts_with_it() {
    let place = Place::open();
    let (mut ear, [mut slow]) = place.listen([("slow", "slow")]);
    ear.settled(place.folder.path()).await;
    let mut posts = Vec::new();
    for n in 0..3 {
        let number = place.post("jo_m", &format!("slow {n}"), json!({})).await;
        posts.push((number, next_whole(&mut slow).await));
    }
    // A server tells of each of its posts.
    for (number, _) in &posts {
        place.control("post", json!({"delete": number})).await;
    }
    for (_, post) in &posts {
        assert_eq!(next(&mut slow).await, Inbound::Deleted { post: post.id.clone() });
    }
    let (_, last) = &posts[2];
    let refused = ear.network.send(&reply_to(last, "Sorry!", 1)).await.unwrap_err();
    assert!(matches!(&refused, SendError::Refused { may_retry: false, .. }), "{refused:?}");
    assert!(place.ledger("writes").await.is_empty());
    assert!(!matches!(ear.network.may_message(&last.author.id).await, Verdict::Yes));
    ear.end().await;
}
