//! Posts looked up again, connections named and closed on request, and a machine that slept.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::SignedDuration;
use replydeck::cli::check::close_asked;
use replydeck::model::{AccountName, LinkState, NetworkKind, PostId};
use replydeck::net::x::XNetwork;
use replydeck::net::x::pace::Pace;
use replydeck::net::{Clock, Inbound, Network};
use serde_json::{Value, json};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::rig::{FakeX, PACE, Rig, clock, feeds, next, post_json, settings};
use crate::server::{Answer, Server};

fn ids(ids: &[&str]) -> Vec<PostId> {
    ids.iter().map(|id| PostId::new(NetworkKind::X, id)).collect()
}

#[tokio::test]
async fn a_post_looked_up_shows_that_it_was_deleted_hidden_or_edited() {
    let error = |id: &str, kind: &str, detail: &str| {
        json!({"resource_id": id, "value": id, "parameter": "ids", "title": "t", "detail": detail,
            "type": format!("https://api.x.com/2/problems/{kind}")})
    };
    let answer = json!({
        "data": [
            {"id": "1", "text": "as it was", "author_id": "9", "edit_history_tweet_ids": ["1"]},
            {"id": "22", "text": "changed", "author_id": "9", "edit_history_tweet_ids": ["2", "22"]},
            {"id": "6", "text": "first words", "author_id": "9", "edit_history_tweet_ids": ["6", "66"]},
        ],
        "includes": {"users": [{"id": "9", "username": "cat", "name": "Cat"}]},
        "errors": [
            error("3", "resource-not-found", "Could not find tweet with ids: [3]."),
            error("4", "not-authorized-for-resource", "Sorry, you are not authorized to see the Tweet with ids: [4]."),
            error("5", "resource-not-found", "User has been suspended: [5]."),
            error("1", "not-authorized-for-field", "one field of post 1 is not ours to see"),
            error("99", "resource-not-found", "somebody quoted, whom nobody asked for"),
        ],
    });
    let newest = json!({"data": [{"id": "66", "text": "newest words", "author_id": "9",
        "edit_history_tweet_ids": ["6", "66"]}]});
    let server = Server::start(move |seen| {
        Answer::json(200, if seen.target.starts_with("/2/tweets?ids=66&") { &newest } else { &answer })
    })
    .await;
    let network = XNetwork::with_pace(settings(&server.url), clock(), 7, &PACE).unwrap();
    let told = network.look_up(&ids(&["1", "2", "3", "4", "5", "6"])).await.unwrap();
    let words: Vec<String> = told
        .iter()
        .map(|inbound| match inbound {
            Inbound::Edited(post) => format!("edited {} {}", post.id.native(), post.text),
            Inbound::Deleted { post } => format!("deleted {}", post.native()),
            Inbound::Withheld { post } => format!("withheld {}", post.native()),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(words, ["edited 2 changed", "edited 6 newest words", "deleted 3", "withheld 4", "withheld 5"]);
    assert!(server.seen()[0].target.starts_with("/2/tweets?ids=1%2C2%2C3%2C4%2C5%2C6&"), "{}", server.seen()[0].target);
}

#[tokio::test]
async fn a_look_that_fails_says_nothing_of_the_posts() {
    for status in [429, 500, 403] {
        let server = Server::start(move |_| Answer::json(status, &json!({"title": "No", "detail": "no"}))).await;
        let network = XNetwork::with_pace(settings(&server.url), clock(), 7, &PACE).unwrap();
        assert!(network.look_up(&ids(&["1"])).await.is_err(), "{status}");
    }
}

fn connections() -> Value {
    json!({"data": [{"id": "c1", "endpoint_name": "filtered_stream", "connected_at": "2026-01-15T09:00:00.000Z",
        "client_ip": "192.0.2.7"}], "meta": {"result_count": 1}})
}

#[tokio::test]
async fn too_many_connections_says_which_and_closes_none() {
    let mut x = FakeX::default();
    x.streams.push_back(Answer::json(
        429,
        &json!({"title": "ConnectionException", "detail": "This stream is currently at the maximum allowed connection limit.",
            "connection_issue": "TooManyConnections", "type": "https://api.x.com/2/problems/streaming-connection"}),
    ));
    let _line = x.stream();
    x.others.push_back(("/2/connections", Answer::json(200, &connections())));
    let (mut rig, [mut column]) = Rig::start(x, [("slow", "slow")], &PACE, |_| {}).await;
    let told = rig.link(|report| matches!(report.state, LinkState::BackingOff { .. })).await;
    let LinkState::BackingOff { why, .. } = told.state else { panic!() };
    for word in [
        "maximum allowed connection limit",
        "filtered_stream since 2026-01-15T09:00:00Z from 192.0.2.7",
        "--close-stale",
    ] {
        assert!(why.contains(word), "{word} is not in: {why}");
    }
    rig.live().await;
    assert!(matches!(next(&mut column).await, Inbound::GapOpened { .. }));
    assert!(matches!(next(&mut column).await, Inbound::GapClosed { .. }));
    assert!(!rig.server.seen().iter().any(|seen| seen.method == "DELETE"));
    rig.end().await;
}

#[tokio::test]
async fn a_stale_connection_is_closed_only_after_a_yes_and_never_under_a_running_deck() {
    let killed =
        json!({"data": {"successful_kills": 1, "failed_kills": 0, "results": [{"uuid": "c1", "success": true}]}});
    let server = Server::start(move |seen| {
        Answer::json(200, if seen.method == "DELETE" { &killed } else { Box::leak(Box::new(connections())) })
    })
    .await;
    let network = XNetwork::with_pace(settings(&server.url), clock(), 7, &PACE).unwrap();
    let networks: Vec<Arc<dyn Network>> = vec![Arc::new(network)];
    let folder = tempfile::tempdir().unwrap();
    let asked = Mutex::new(Vec::new());
    let ask = |yes: bool| {
        let asked = &asked;
        move |question: &str| {
            asked.lock().unwrap().push(question.to_owned());
            Ok(yes)
        }
    };
    let deletes = || server.seen().iter().filter(|seen| seen.method == "DELETE").count();
    let lines = close_asked(&networks, folder.path(), ask(false)).await;
    assert!(lines[0].what.contains("stays open") && deletes() == 0, "{lines:?}");
    assert!(asked.lock().unwrap()[0].contains("filtered_stream since 2026-01-15T09:00:00Z from 192.0.2.7"));
    let lines = close_asked(&networks, folder.path(), ask(true)).await;
    assert!(lines[0].what.contains("was closed") && deletes() == 1, "{lines:?}");
    assert!(server.seen().iter().any(|seen| seen.method == "DELETE" && seen.body.contains("c1")));
    let _held =
        replydeck::run::session::Lease::take(folder.path(), "stream", &AccountName::new("acme")).unwrap().unwrap();
    asked.lock().unwrap().clear();
    let lines = close_asked(&networks, folder.path(), ask(true)).await;
    assert!(lines[0].what.contains("is not stale") && asked.lock().unwrap().is_empty() && deletes() == 1, "{lines:?}");
}

/// A suspended machine: its time of day goes on while nothing else does.
#[tokio::test]
async fn a_sleep_of_seven_minutes_is_one_gap_from_the_last_byte_on() {
    let slept = Arc::new(AtomicI64::new(0));
    let (ticking, ahead) = (clock(), Arc::clone(&slept));
    let waking: Clock = Arc::new(move || ticking() + SignedDuration::from_secs(ahead.load(Ordering::SeqCst)));
    let mut x = FakeX::default();
    let line = x.stream();
    let again = x.stream();
    let x = Mutex::new(x);
    let server = Server::start(move |seen| x.lock().unwrap().answer(seen)).await;
    let pace = Pace { pulse: Duration::from_millis(20), slept_after: Duration::from_secs(20), ..PACE };
    let network = XNetwork::with_pace(settings(&server.url), Arc::clone(&waking), 7, &pace).unwrap();
    let (feeds, [mut column]) = feeds([("slow", "slow")]);
    let (_feeds, changes) = watch::channel(Arc::new(feeds));
    let (report, mut links) = mpsc::channel(64);
    let stop = CancellationToken::new();
    let stopped = stop.clone();
    let mut tasks = JoinSet::new();
    tasks.spawn(async move { network.listen(changes, report, stopped).await });
    line.send(post_json("1", "slow", &json!([]))).unwrap();
    assert!(matches!(next(&mut column).await, Inbound::Post(_)));
    let before = waking();
    // A clock set back first: no gap comes of that.
    slept.store(-300, Ordering::SeqCst);
    line.send(post_json("2", "slow", &json!([]))).unwrap();
    assert!(matches!(next(&mut column).await, Inbound::Post(_)));
    slept.store(420, Ordering::SeqCst);
    // What X had sent before the lid was closed waits in the line: it is paid for, and none of it is thrown away.
    for id in ["20", "21", "22"] {
        line.send(post_json(id, "slow", &json!([]))).unwrap();
    }
    let Inbound::GapOpened { from, .. } = next(&mut column).await else { panic!("no gap") };
    for id in ["20", "21", "22"] {
        assert!(matches!(next(&mut column).await, Inbound::Post(post) if post.id.native() == id), "{id}");
    }
    let Inbound::GapClosed { to, .. } = next(&mut column).await else { panic!("the gap stays open") };
    assert!(from <= before, "it begins at the last byte");
    assert!(to.duration_since(from) >= SignedDuration::from_mins(7), "{from} {to}");
    let mut why = String::new();
    while let Ok(Some(report)) = timeout(Duration::from_secs(20), links.recv()).await {
        if let LinkState::BackingOff { why: told, .. } = report.state {
            why = told;
            break;
        }
    }
    assert!(why.contains("the machine was suspended, or its clock was set"), "{why}");
    again.send(post_json("3", "slow", &json!([]))).unwrap();
    assert!(matches!(next(&mut column).await, Inbound::Post(post) if post.id.native() == "3"));
    stop.cancel();
    tasks.join_next().await.unwrap().unwrap();
}
