//! The stream: delivery, keep-alive, losses and their gaps, and what X says at the door.

use std::time::Duration;

use replydeck::model::LinkState;
use replydeck::net::Inbound;
use replydeck::net::x::pace::Pace;
use serde_json::json;
use tokio::time::Instant;

use crate::activity_rig::SUBSCRIPTIONS;
use crate::rig::{FakeX, PACE, RULES, Rig, STREAM, next, next_post, post_json};
use crate::server::Answer;

fn told(word: &'static str) -> impl Fn(&replydeck::model::LinkReport) -> bool {
    move |report| report.state.word() == word
}

#[tokio::test]
async fn posts_go_to_the_columns_of_their_rules_once_and_edits_as_edits() {
    let mut x = FakeX::default();
    let stream = x.stream();
    let (mut rig, [mut slow, mut bill]) =
        Rig::start(x, [("slow", "slow"), ("billing", "billing")], &PACE, |settings| settings.watch_own = true).await;
    rig.live().await;
    let (slow_id, own_id) = {
        let x = rig.x.lock().unwrap();
        (x.rule_id("slow"), x.rule_id("from:AcmeHelp is:reply"))
    };
    // By id, whatever the words; then by tag where the id is new; then by the rules themselves.
    stream.send(post_json("1", "so billing", &json!([{"id": slow_id, "tag": "any"}]))).unwrap();
    stream.send(post_json("2", "x", &json!([{"id": "999", "tag": "replydeck/main/billing"}]))).unwrap();
    stream.send(post_json("3", "so slow", &json!([{"id": "999", "tag": "stranger"}]))).unwrap();
    // Twice the same, something unknown, a blank line, then an edit.
    stream.send(post_json("3", "so slow", &json!([]))).unwrap();
    stream.send(b"\r\n{\"news\":1}\r\n".to_vec()).unwrap();
    let edit = json!({"data": {"id": "4", "text": "so very slow", "author_id": "9", "edit_history_tweet_ids": ["3", "4"]},
        "matching_rules": [{"id": slow_id}]});
    stream.send(format!("{edit}\r\n").into_bytes()).unwrap();
    // Our own reply, which no column asked for, is told once and is no column's post.
    stream.send(post_json("5", "hello", &json!([{"id": own_id}]))).unwrap();

    assert_eq!(next_post(&mut slow).await, "1");
    assert_eq!(next_post(&mut slow).await, "3");
    match next(&mut slow).await {
        Inbound::Edited(post) => {
            assert_eq!(
                (post.id.native(), post.version.as_deref(), post.text.as_str()),
                ("3", Some("4"), "so very slow")
            );
        }
        other => panic!("{other:?}"),
    }
    match next(&mut slow).await {
        Inbound::Own(post) => assert_eq!(post.id.native(), "5"),
        other => panic!("{other:?}"),
    }
    assert_eq!(next_post(&mut bill).await, "2");
    let note = rig.link(|report| report.note.is_some()).await.note.unwrap();
    assert!(note.contains("kind this version does not know") && note.contains("news"), "{note}");
    rig.end().await;
    assert!(bill.try_recv().is_err(), "nothing more came");
}

#[tokio::test]
async fn silence_turns_stale_by_itself_then_reconnects_with_one_gap() {
    let mut x = FakeX::default();
    let (first, second) = (x.stream(), x.stream());
    let pace = Pace { stale_after: Duration::from_millis(80), dead_after: Duration::from_millis(160), ..PACE };
    let (mut rig, [mut slow, mut bill]) =
        Rig::start(x, [("slow", "slow"), ("billing", "billing")], &pace, |_| {}).await;
    rig.live().await;
    first.send(post_json("1", "slow", &json!([]))).unwrap();
    assert_eq!(next_post(&mut slow).await, "1");
    let stale = rig.link(told("stale")).await;
    assert!(stale.last_byte.is_some());
    let back = rig.link(told("backing off")).await;
    assert!(back.note.unwrap().contains("not a byte"));
    rig.live().await;
    second.send(post_json("2", "slow", &json!([]))).unwrap();
    let Inbound::GapOpened { gap, from, is_first: false } = next(&mut slow).await else { panic!() };
    let Inbound::GapClosed { gap: closed, to } = next(&mut slow).await else { panic!() };
    assert_eq!(gap, closed);
    assert!(to > from && Some(from) >= stale.last_byte.map(|at| at - Duration::from_secs(1)));
    assert_eq!(next_post(&mut slow).await, "2");
    assert_eq!(next(&mut bill).await, Inbound::GapOpened { gap, from, is_first: false });
    assert_eq!(next(&mut bill).await, Inbound::GapClosed { gap, to });
    rig.end().await;
}

#[tokio::test]
async fn a_keep_alive_makes_a_stale_line_live_again() {
    let mut x = FakeX::default();
    let stream = x.stream();
    let pace = Pace { stale_after: Duration::from_millis(50), ..PACE };
    let (mut rig, [_slow]) = Rig::start(x, [("slow", "slow")], &pace, |_| {}).await;
    rig.live().await;
    rig.link(told("stale")).await;
    stream.send(b"\r\n".to_vec()).unwrap();
    rig.live().await;
    assert_eq!(rig.server.count("GET", STREAM), 1);
    rig.end().await;
}

#[tokio::test]
async fn an_error_in_the_stream_ends_it_even_if_x_does_not_hang_up() {
    let mut x = FakeX::default();
    let (first, second) = (x.stream(), x.stream());
    let (mut rig, [mut slow]) = Rig::start(x, [("slow", "slow")], &PACE, |_| {}).await;
    rig.live().await;
    let error = r#"{"errors":[{"title":"operational-disconnect","disconnect_type":"UpstreamOperationalDisconnect","detail":"This stream has been disconnected upstream for operational reasons.","type":"https://api.x.com/2/problems/operational-disconnect"}]}"#;
    first.send(format!("{error}\r\n").into_bytes()).unwrap();
    let back = rig.link(told("backing off")).await;
    let LinkState::BackingOff { why, .. } = back.state else { panic!() };
    assert!(why.contains("operational reasons") && why.contains("UpstreamOperationalDisconnect"), "{why}");
    rig.live().await;
    // And a line that is simply cut: a second gap of its own.
    drop(second);
    let mut gaps = Vec::new();
    for _ in 0..3 {
        match next(&mut slow).await {
            Inbound::GapOpened { gap, .. } | Inbound::GapClosed { gap, .. } => gaps.push(gap),
            other => panic!("{other:?}"),
        }
    }
    assert!(gaps[0] == gaps[1] && gaps[1] != gaps[2]);
    rig.end().await;
}

#[tokio::test]
async fn nothing_is_asked_before_the_limit_s_reset() {
    let mut x = FakeX::default();
    // The rig's clock starts at 10:00:00.9.
    let reset: jiff::Timestamp = "2026-01-15T10:00:02Z".parse().unwrap();
    x.streams.push_back(Answer::Whole {
        status: 429,
        headers: vec![
            ("x-rate-limit-limit", "50".into()),
            ("x-rate-limit-remaining", "0".into()),
            ("x-rate-limit-reset", reset.as_second().to_string()),
        ],
        body: r#"{"title":"Too Many Requests","type":"about:blank","status":429,"detail":"Too Many Requests"}"#.into(),
    });
    let _stream = x.stream();
    let began = Instant::now();
    let (mut rig, [_slow]) = Rig::start(x, [("slow", "slow")], &PACE, |_| {}).await;
    let back = rig.link(told("backing off")).await;
    let LinkState::BackingOff { until, why } = back.state else { panic!() };
    assert!(until >= reset && why.contains("Too Many Requests"), "{until} {why}");
    rig.live().await;
    assert!(began.elapsed() >= Duration::from_secs(1), "asked again after {:?}", began.elapsed());
    rig.end().await;
}

#[tokio::test]
async fn too_many_connections_waits_and_cuts_nobody_off() {
    let mut x = FakeX::default();
    x.streams.push_back(Answer::json(
        429,
        &json!({"title": "ConnectionException", "detail": "This stream is currently at the maximum allowed connection limit.",
            "connection_issue": "TooManyConnections", "type": "https://api.x.com/2/problems/streaming-connection"}),
    ));
    let _stream = x.stream();
    let (mut rig, [_slow]) = Rig::start(x, [("slow", "slow")], &PACE, |_| {}).await;
    let back = rig.link(told("backing off")).await;
    let LinkState::BackingOff { why, .. } = back.state else { panic!() };
    assert!(why.contains("maximum allowed connection limit") && why.contains("another program"), "{why}");
    rig.live().await;
    assert!(rig.server.seen().iter().all(|seen| seen.method != "DELETE"));
    rig.end().await;
}

#[tokio::test]
async fn rules_that_somebody_deleted_are_set_again() {
    let mut x = FakeX::default();
    let first = x.stream();
    x.streams.push_back(Answer::json(
        409,
        &json!({"title": "ConnectionException", "detail": "You must define rules", "connection_issue": "RuleConfigurationIssue"}),
    ));
    let _second = x.stream();
    let (mut rig, [_slow]) = Rig::start(x, [("slow", "slow")], &PACE, |_| {}).await;
    rig.live().await;
    rig.x.lock().unwrap().rules.clear();
    drop(first);
    let why = rig.link(|report| report.note.as_ref().is_some_and(|note| note.contains("define rules"))).await;
    assert_eq!(why.state.word(), "backing off");
    rig.live().await;
    assert_eq!(rig.x.lock().unwrap().rules.len(), 1);
    rig.end().await;
}

#[tokio::test]
async fn what_only_a_person_can_mend_stops_and_says_so() {
    for (status, body, words, remedy) in [
        (
            401,
            json!({"title": "Unauthorized", "type": "about:blank", "detail": "Unauthorized"}),
            "Unauthorized",
            "valid token",
        ),
        (
            403,
            json!({"title": "Client Forbidden", "detail": "enrol first", "reason": "client-not-enrolled",
                "type": "https://api.x.com/2/problems/client-forbidden"}),
            "enrol first",
            "developer console",
        ),
        (
            429,
            json!({"title": "UsageCapExceeded", "detail": "Usage cap exceeded: Monthly product cap",
                "type": "https://api.twitter.com/2/problems/usage-capped"}),
            "Monthly product cap",
            "cap",
        ),
        (402, json!({"title": "CreditsDepleted", "detail": "no credits left"}), "no credits left", "credits"),
    ] {
        let mut x = FakeX::default();
        x.streams.push_back(Answer::json(status, &body));
        let _stream = x.stream();
        let (mut rig, [mut slow]) = Rig::start(x, [("slow", "slow")], &PACE, |_| {}).await;
        let down = rig.link(told("down")).await;
        let LinkState::Down { why, remedy: told } = down.state else { panic!() };
        assert!(why.contains(words) && told.contains(remedy), "{why} {told}");
        assert!(matches!(next(&mut slow).await, Inbound::GapOpened { .. }));
        assert_eq!(rig.server.count("GET", STREAM), 1);
        // Nothing more happens until the columns change.
        let [mut again] = rig.change([("slow", "slow")]);
        rig.live().await;
        assert!(matches!(next(&mut again).await, Inbound::GapClosed { .. }));
        rig.end().await;
    }
}

#[tokio::test]
async fn trouble_at_x_is_waited_out_even_told_by_a_page() {
    let mut x = FakeX::default();
    x.streams.push_back(Answer::Whole {
        status: 503,
        headers: vec![("content-type", "text/html".into())],
        body: "<html><title>Over capacity</title><body>no</body></html>".into(),
    });
    x.streams.push_back(Answer::Cut);
    let _stream = x.stream();
    let (mut rig, [mut slow]) = Rig::start(x, [("slow", "slow")], &PACE, |_| {}).await;
    let back = rig.link(told("backing off")).await;
    assert!(back.note.unwrap().contains("Over capacity"));
    rig.live().await;
    // Two failures, one outage, one gap.
    let Inbound::GapOpened { gap, .. } = next(&mut slow).await else { panic!() };
    assert!(matches!(next(&mut slow).await, Inbound::GapClosed { gap: closed, .. } if closed == gap));
    assert_eq!(rig.server.count("GET", STREAM), 3);
    rig.end().await;
}

#[tokio::test]
async fn pieces_may_fall_anywhere_and_a_line_too_long_costs_only_itself() {
    let mut x = FakeX::default();
    let stream = x.stream();
    // Hundreds of pieces would be hundreds of beats.
    let pace = Pace { beat: Duration::from_hours(1), ..PACE };
    let (mut rig, [mut slow]) = Rig::start(x, [("slow", "slow")], &pace, |_| {}).await;
    rig.live().await;
    let bytes = [post_json("1", "slow 日本語 😡", &json!([])), post_json("2", "slow é", &json!([]))].concat();
    for piece in bytes.chunks(3) {
        stream.send(piece.to_vec()).unwrap();
    }
    stream.send(vec![b'x'; 3 * 1024 * 1024]).unwrap();
    stream.send(b"\xff\xfe\r\n\xff\xfe\r\n".to_vec()).unwrap();
    stream.send([post_json("3", "slow", &json!([])), post_json("4", "slow", &json!([]))].concat()).unwrap();
    let Inbound::Post(first) = next(&mut slow).await else { panic!() };
    assert_eq!(first.text, "slow 日本語 😡");
    for id in ["2", "3", "4"] {
        assert_eq!(next_post(&mut slow).await, id);
    }
    let note = rig.link(|report| report.note.is_some()).await.note.unwrap();
    assert!(note.contains("cannot be read"), "{note}");
    rig.end().await;
}

#[tokio::test]
async fn without_columns_nobody_is_called_and_new_columns_need_no_new_line() {
    let mut x = FakeX::default();
    let stream = x.stream();
    let (mut rig, []) = Rig::start(x, [], &PACE, |_| {}).await;
    let [mut slow] = rig.change([("slow", "slow")]);
    rig.live().await;
    // The Activity stream's subscriptions are looked through beside it.
    let calls: Vec<_> = rig.server.seen().into_iter().filter(|call| call.path() != SUBSCRIPTIONS).collect();
    assert_eq!((calls[0].method.as_str(), calls[0].path()), ("GET", RULES));
    assert_eq!(calls[0].header("authorization"), Some("Bearer app-token"));

    let [mut slow_again, mut bill] = rig.change([("slow", "slow"), ("billing", "billing")]);
    stream.send(post_json("1", "slow billing", &json!([]))).unwrap();
    assert_eq!(next_post(&mut slow_again).await, "1");
    assert_eq!(next_post(&mut bill).await, "1");
    assert!(slow.recv().await.is_none());
    assert_eq!(rig.server.count("GET", STREAM), 1);
    rig.end().await;
}

#[tokio::test]
async fn the_other_family_of_names_is_tried_once_when_x_complains_of_ours() {
    let mut x = FakeX::default();
    x.streams.push_back(Answer::json(
        400,
        &json!({"errors": [{"parameters": {"tweet.fields": ["lang"]}, "message": "The query parameter [tweet.fields] is not known"}],
            "title": "Invalid Request", "type": "https://api.x.com/2/problems/invalid-request"}),
    ));
    let first = x.stream();
    let _second = x.stream();
    let (mut rig, [_slow]) = Rig::start(x, [("slow", "slow")], &PACE, |_| {}).await;
    rig.live().await;
    drop(first);
    rig.link(told("backing off")).await;
    rig.live().await;
    let targets: Vec<_> =
        rig.server.seen().into_iter().filter(|seen| seen.path() == STREAM).map(|seen| seen.target).collect();
    assert_eq!(targets.len(), 3);
    assert!(
        targets[0].contains("tweet.fields=")
            && targets[1].contains("post.fields=")
            && targets[2].contains("post.fields=")
    );
    rig.end().await;
}
