//! Mastodon: lines break, fall silent, move; nothing is lost and nothing comes twice.

use std::collections::BTreeMap;
use std::time::Duration;

use replydeck::model::LinkState;
use replydeck::net::mastodon::pace::Pace;
use replydeck::net::{Inbound, Network};
use serde_json::json;

use crate::mastodon_rig::{Ear, PACE, Place, next_text, settings};
use crate::rig::{clock, next};
use crate::server::{Answer, Server};

/// Draws a number below `below`; the same ones every time.
fn draw(state: &mut u64, below: u64) -> u64 {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*state >> 33) % below
}

#[tokio::test]
async fn a_hundred_broken_lines_lose_nothing_and_double_nothing() {
    let place = Place::open();
    place.manner(json!({"most_questions": 1_000_000})).await;
    let (mut ear, [mut slow]) = place.listen([("slow", "slow OR #acmedown")]);
    ear.settled(place.folder.path()).await;
    let mut chance = 42;
    let (mut cuts, mut posted) = (0, 0);
    while cuts < 100 {
        match draw(&mut chance, 4) {
            0 => {
                let kind = match draw(&mut chance, 3) {
                    0 => json!({"kind": "cut", "target": "stream"}),
                    1 => json!({"kind": "disconnect", "target": "stream"}),
                    _ => json!({"kind": "cut", "target": "stream", "mid_line": true}),
                };
                place.fault(kind).await;
                cuts += 1;
            }
            1 => {
                let to = place.post("bo", "calm", json!({})).await;
                place.post("cy", &format!("post {posted} #acmedown"), json!({"in_reply_to": to})).await;
                posted += 1;
            }
            _ => {
                place.post("jo_m", &format!("slow post {posted}"), json!({})).await;
                posted += 1;
            }
        }
        // Now and then the line is back before the next thing happens, mostly not.
        if draw(&mut chance, 5) == 0 {
            tokio::time::sleep(Duration::from_millis(draw(&mut chance, 30))).await;
        }
    }
    place.control("fault", json!({"lift": "all"})).await;
    place.post("jo_m", "slow the end", json!({})).await;
    let mut seen: BTreeMap<String, u32> = BTreeMap::new();
    let mut is_over = false;
    while !(is_over && seen.len() > posted) {
        match next(&mut slow).await {
            Inbound::Post(post) => {
                is_over |= post.text == "slow the end";
                *seen.entry(post.text).or_default() += 1;
            }
            other => panic!("{other:?} after {} of {posted}", seen.len()),
        }
    }
    assert!(seen.values().all(|times| *times == 1), "{seen:?}");
    ear.live().await;
    ear.end().await;
}

#[tokio::test]
async fn a_later_run_reads_what_was_written_in_between() {
    let place = Place::open();
    let (mut ear, [mut slow]) = place.listen([("slow", "slow")]);
    ear.settled(place.folder.path()).await;
    let first = place.post("jo_m", "slow one", json!({})).await;
    assert_eq!(next_text(&mut slow).await, "slow one");
    let place_file = place.folder.path().join("place-acme.json");
    while !std::fs::read_to_string(&place_file).unwrap().contains("\"public\"") {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    ear.end().await;
    for n in 0..90 {
        place.post("bo", &format!("slow {n}"), json!({})).await;
    }
    place.post("cy", "@AcmeHelp slow answer", json!({"in_reply_to": first})).await;
    let (ear, [mut slow]) = place.listen([("slow", "slow")]);
    let mut seen = Vec::new();
    while seen.len() < 91 {
        seen.push(next_text(&mut slow).await);
    }
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 91, "what the overlap read again is told to the log, which has it: {seen:?}");
    assert!(seen.iter().any(|text| text.contains("slow answer")));
    // A deletion of what the earlier run had still finds its post.
    place.control("post", json!({"delete": first})).await;
    loop {
        match next(&mut slow).await {
            Inbound::Deleted { post } => break assert!(post.native().contains("/@jo_m/"), "{post}"),
            Inbound::Post(_) => {}
            other => panic!("{other:?}"),
        }
    }
    ear.end().await;
}

#[tokio::test]
async fn a_long_outage_is_shown_and_filled() {
    let place = Place::open();
    let pace = Pace { gap_after: Duration::from_millis(50), ..PACE };
    let (mut ear, [mut slow]) = place.listen_as([("slow", "slow")], &pace, |_| {});
    ear.settled(place.folder.path()).await;
    place.post("jo_m", "slow one", json!({})).await;
    assert_eq!(next_text(&mut slow).await, "slow one");
    place.fault(json!({"kind": "status", "target": "stream", "status": 503, "times": "until_lifted"})).await;
    place.fault(json!({"kind": "cut", "target": "stream"})).await;
    let Inbound::GapOpened { gap, is_first: false, .. } = next(&mut slow).await else { panic!("no gap") };
    place.post("jo_m", "slow two", json!({})).await;
    place.control("fault", json!({"lift": "all"})).await;
    assert_eq!(next_text(&mut slow).await, "slow two");
    assert!(matches!(next(&mut slow).await, Inbound::GapClosed { gap: closed, .. } if closed == gap));
    assert!(matches!(next(&mut slow).await, Inbound::GapFilled { gap: filled, posts: 1 } if filled == gap));
    ear.end().await;
}

#[tokio::test]
async fn what_cannot_be_read_back_stays_a_gap_that_can_be_filled_later() {
    let place = Place::open();
    let (mut ear, [mut slow]) = place.listen([("slow", "slow")]);
    ear.settled(place.folder.path()).await;
    place.post("jo_m", "slow one", json!({})).await;
    assert_eq!(next_text(&mut slow).await, "slow one");
    place.fault(json!({"kind": "status", "target": "timelines", "status": 500, "times": "until_lifted"})).await;
    let refused =
        place.fault(json!({"kind": "status", "target": "stream", "status": 503, "times": "until_lifted"})).await;
    place.fault(json!({"kind": "cut", "target": "stream"})).await;
    let down = ear.link(|report| report.state.word() == "backing off").await;
    assert!(down.note.is_some());
    place.post("jo_m", "slow two", json!({})).await;
    place.control("fault", json!({"lift": refused})).await;
    let Inbound::GapOpened { gap, from, .. } = next(&mut slow).await else { panic!("no gap") };
    let Inbound::GapClosed { gap: closed, to } = next(&mut slow).await else { panic!("not closed") };
    assert_eq!(gap, closed);
    ear.note("could not be read whole").await;
    place.control("fault", json!({"lift": "all"})).await;
    let (feeds, [mut later]) = crate::rig::feeds([("slow", "slow")]);
    let filled = ear.network.backfill(&feeds, from, to).await;
    assert_eq!((filled.missing, filled.found.len()), (None, 1));
    assert_eq!(next_text(&mut later).await, "slow two");
    ear.end().await;
}

#[tokio::test]
async fn a_silent_line_is_noticed_and_left() {
    let place = Place::open();
    let pace = Pace {
        ping_every: Duration::from_millis(50),
        stale_after: Duration::from_millis(400),
        dead_after: Duration::from_millis(700),
        ..PACE
    };
    let (mut ear, [mut slow]) = place.listen_as([("slow", "slow")], &pace, |_| {});
    ear.settled(place.folder.path()).await;
    place.fault(json!({"kind": "stall", "target": "stream", "times": 1})).await;
    place.post("jo_m", "slow meanwhile", json!({})).await;
    ear.link(|report| report.state == LinkState::Stale).await;
    assert_eq!(next_text(&mut slow).await, "slow meanwhile");
    ear.end().await;
}

#[tokio::test]
async fn a_server_that_streams_elsewhere_from_now_on_is_followed() {
    let place = Place::open();
    let (mut ear, [mut slow]) = place.listen([("slow", "slow")]);
    ear.settled(place.folder.path()).await;
    place.manner(json!({"streams_at": "/moved/here"})).await;
    place.post("jo_m", "slow while it moved", json!({})).await;
    assert_eq!(next_text(&mut slow).await, "slow while it moved");
    ear.live().await;
    place.post("jo_m", "slow there", json!({})).await;
    assert_eq!(next_text(&mut slow).await, "slow there");
    ear.end().await;
}

#[tokio::test]
async fn a_login_taken_back_stops_it_with_words_until_there_is_another() {
    let place = Place::open();
    let (mut ear, [mut slow]) = place.listen([("slow", "slow")]);
    ear.settled(place.folder.path()).await;
    place.manner(json!({"revoked": true})).await;
    let down = ear.link(|report| matches!(report.state, LinkState::Down { .. })).await;
    let LinkState::Down { why, remedy } = down.state else { panic!() };
    assert!(why.contains("The access token was revoked") && remedy.contains("replydeck auth acme"), "{why} {remedy}");
    place.post("jo_m", "slow while nobody listened", json!({})).await;
    place.manner(json!({})).await;
    let token = place.token.clone().into();
    assert!(!ear.network.take_token(Some(&token)).unwrap(), "it is the same one");
    assert_eq!(next_text(&mut slow).await, "slow while nobody listened");
    ear.end().await;
}

#[tokio::test]
async fn another_account_s_login_is_not_used() {
    let place = Place::open();
    let (mut ear, [_slow]) = place.listen_as([("slow", "slow")], &PACE, |settings| {
        settings.account.handle = "other@mastodon.example".into();
    });
    let down = ear.link(|report| matches!(report.state, LinkState::Down { .. })).await;
    let LinkState::Down { why, .. } = down.state else { panic!() };
    assert!(why.contains("@AcmeHelp@mastodon.example's, the config says @other"), "{why}");
    ear.end().await;
}

/// Runs an account on a server that answers everything with `answer`, and hands back the first state that is no
/// connecting.
async fn first_state(answer: impl Fn() -> Answer + Send + 'static) -> LinkState {
    let server = Server::start(move |_| answer()).await;
    let folder = tempfile::tempdir().unwrap();
    let (mut ear, [_slow]) =
        Ear::open(settings(&server.url, Some("token"), folder.path()), [("slow", "slow")], &PACE, &clock());
    let report = ear.link(|report| report.state != LinkState::Connecting).await;
    ear.end().await;
    report.state
}

#[tokio::test]
async fn a_server_that_answers_with_pages_is_told_as_that() {
    let page = || Answer::Whole {
        status: 200,
        headers: vec![("content-type", "text/html".into())],
        body: "<html><title>Hotel Wi-Fi: please log in</title></html>".into(),
    };
    let LinkState::BackingOff { why, .. } = first_state(page).await else { panic!() };
    assert!(why.contains("Hotel Wi-Fi: please log in"), "{why}");
}

#[tokio::test]
async fn credentials_never_follow_a_redirect() {
    let elsewhere = Server::start(|_| Answer::json(200, &json!({}))).await;
    let to = elsewhere.url.clone();
    let state = first_state(move || Answer::Whole {
        status: 302,
        headers: vec![("location", format!("{to}/api/v2/instance?secret=1"))],
        body: String::new(),
    })
    .await;
    let LinkState::Down { why, remedy } = state else { panic!("{state:?}") };
    assert!(
        why.contains("sends us on to") && !why.contains("secret=1") && remedy.contains("never sent on"),
        "{why} {remedy}"
    );
    assert!(elsewhere.seen().is_empty());
}

#[tokio::test]
async fn a_streaming_address_without_encryption_gets_no_login() {
    let place = Place::open();
    let (mut ear, [_slow]) = place.listen_as([("slow", "slow")], &PACE, |settings| {
        settings.streaming_url = Some("ws://stream.example".parse().unwrap());
    });
    let down = ear.link(|report| matches!(report.state, LinkState::Down { .. })).await;
    let LinkState::Down { why, .. } = down.state else { panic!() };
    assert!(why.contains("not encrypted"), "{why}");
    ear.end().await;
}
