//! Bad days of the Activity stream's own line: each has its word, no message is missed for it, none is told twice, and the
//! posts' line goes on beside it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use replydeck::net::x::pace::Pace;
use replydeck::net::{Clock, Inbound};
use serde_json::{Value, json};

use crate::activity_rig::{
    EVENTS, LINE, OWN, SUBSCRIPTIONS, all_there, event, last_line, line, list, look, next_message, note, received,
    refusal, refusal_with, start, subscription,
};
use crate::rig::{FakeX, PACE, Rig, clock, next};
use crate::server::Answer;

/// Nobody looks for messages but where a line was opened or is missing.
const PATIENT: Pace = Pace { messages_every: Duration::from_hours(1), ..PACE };

fn crowded() -> Value {
    json!({"title": "ConnectionException", "connection_issue": "TooManyConnections",
        "detail": "This stream is currently at the maximum allowed connection limit.",
        "type": "https://api.x.com/2/problems/streaming-connection"})
}

fn too_many() -> Value {
    json!({"title": "Too Many Requests", "detail": "Too Many Requests", "type": "about:blank", "status": 429})
}

#[tokio::test]
async fn a_sleep_of_seven_minutes_gives_the_line_up_and_what_came_meanwhile_is_found_by_one_look() {
    let slept = Arc::new(AtomicI64::new(0));
    let (ticking, ahead) = (clock(), Arc::clone(&slept));
    let waking: Clock = Arc::new(move || ticking() + SignedDuration::from_secs(ahead.load(Ordering::SeqCst)));
    let pace = Pace { pulse: Duration::from_millis(20), slept_after: Duration::from_secs(20), ..PATIENT };
    let mut x = FakeX::default();
    let _posts = (x.stream(), x.stream());
    all_there(&mut x);
    let (first, second) = (line(&mut x), line(&mut x));
    look(&mut x, &[]);
    look(&mut x, &[(3, "while the lid was closed"), (2, "sent before it")]);
    let activity = |settings: &mut replydeck::net::x::XSettings| {
        (settings.messages, settings.activity, settings.watch_own) = (true, true, true);
    };
    let (rig, [mut column]) = Rig::start_at(x, [("slow", "slow")], &pace, activity, waking).await;
    first.send(received(1, "heard")).unwrap();
    assert_eq!(next_message(&mut column).await.2, "heard");
    slept.store(420, Ordering::SeqCst);
    // It waits in the line: X has billed it, and it is not thrown away.
    first.send(received(2, "sent before it")).unwrap();
    let mut told = Vec::new();
    while told.len() < 2 {
        match next(&mut column).await {
            Inbound::Message { message, .. } => told.push(message.text),
            // The posts' line slept as well.
            Inbound::GapOpened { .. } | Inbound::GapClosed { .. } => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(told, ["sent before it", "while the lid was closed"]);
    second.send(received(4, "awake")).unwrap();
    loop {
        match next(&mut column).await {
            Inbound::Message { message, .. } => {
                assert_eq!(message.text, "awake");
                break;
            }
            Inbound::GapOpened { .. } | Inbound::GapClosed { .. } => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((rig.server.count("GET", LINE), rig.server.count("GET", EVENTS)), (2, 2));
    rig.end().await;
}

#[tokio::test]
async fn a_429_is_told_waited_out_to_its_reset_and_looked_around() {
    // Both what lists the subscriptions and the line itself can be asked too often.
    for path in [SUBSCRIPTIONS, LINE] {
        let mut x = FakeX::default();
        let _posts = x.stream();
        let reset = ("2026-01-15T10:00:03Z".parse::<Timestamp>().unwrap().as_second()).to_string();
        let headers = [("x-rate-limit-remaining", "0"), ("x-rate-limit-reset", reset.as_str())];
        x.others.push_back((path, refusal_with(429, &too_many(), &headers)));
        all_there(&mut x);
        let told = line(&mut x);
        look(&mut x, &[(1, "while X wanted patience")]);
        look(&mut x, &[(1, "while X wanted patience")]);
        let (mut rig, [mut column]) = start(x, [("slow", "slow")], &PATIENT).await;
        rig.live().await;
        assert_eq!(next_message(&mut column).await.2, "while X wanted patience");
        assert_eq!(rig.server.count("GET", path), 1, "{path}: asked again before the window ended");
        let said = note(&mut rig, "is not open").await;
        for words in ["Too Many Requests", "every 2 minutes meanwhile", "opened again by itself"] {
            assert!(said.contains(words), "{path}: {said}");
        }
        told.send(received(2, "after it")).unwrap();
        assert_eq!(next_message(&mut column).await.2, "after it");
        note(&mut rig, "is open").await;
        assert_eq!(rig.server.count("GET", path), 2, "{path}");
        rig.end().await;
    }
}

#[tokio::test]
async fn where_others_hold_both_connections_none_is_closed_and_it_is_said() {
    let mut x = FakeX::default();
    let _posts = x.stream();
    all_there(&mut x);
    for _ in 0..2 {
        x.others.push_back((LINE, refusal(429, &crowded())));
    }
    let told = line(&mut x);
    for _ in 0..2 {
        look(&mut x, &[(1, "looked for")]);
    }
    let (mut rig, [mut column]) = start(x, [("slow", "slow")], &PATIENT).await;
    rig.live().await;
    assert_eq!(next_message(&mut column).await.2, "looked for");
    let said = note(&mut rig, "maximum allowed connection limit").await;
    assert!(said.contains("hold its two connections") && said.contains("none is ever closed"), "{said}");
    told.send(received(2, "there was room again")).unwrap();
    assert_eq!(next_message(&mut column).await.2, "there was room again");
    let seen = rig.server.seen();
    assert!(seen.iter().all(|seen| seen.method != "DELETE"), "{seen:?}");
    // Subscriptions known from before are not read again for each attempt, only beside the line that opens.
    assert_eq!(rig.server.count("GET", LINE), 3);
    assert!(rig.server.count("GET", SUBSCRIPTIONS) <= 2);
    rig.end().await;
}

#[tokio::test]
async fn who_is_thrown_out_does_not_fight_for_the_connection() {
    let mut x = FakeX::default();
    let _posts = x.stream();
    all_there(&mut x);
    let (first, second) = (line(&mut x), line(&mut x));
    look(&mut x, &[]);
    look(&mut x, &[(2, "while somebody else had it")]);
    let mut pace = PATIENT;
    // Long enough to see that it is waited for, and not taken back at once.
    pace.steps.limited_first = Duration::from_millis(300);
    pace.steps.limited_most = Duration::from_millis(300);
    let (mut rig, [mut column]) = start(x, [("slow", "slow")], &pace).await;
    rig.live().await;
    first.send(received(1, "heard")).unwrap();
    assert_eq!(next_message(&mut column).await.2, "heard");
    let thrown_out = tokio::time::Instant::now();
    first.send(last_line("ForceDisconnect", "another connection took over")).unwrap();
    let said = note(&mut rig, "ForceDisconnect").await;
    assert!(said.contains("another connection took over") && said.contains("every 2 minutes"), "{said}");
    assert_eq!(rig.server.count("GET", LINE), 1);
    assert_eq!(next_message(&mut column).await.2, "while somebody else had it");
    assert!(thrown_out.elapsed() >= Duration::from_millis(300), "taken back at once");
    second.send(received(3, "and on")).unwrap();
    assert_eq!(next_message(&mut column).await.2, "and on");
    rig.end().await;
}

#[tokio::test]
async fn without_credits_nothing_is_asked_in_vain_until_somebody_has_paid() {
    let spent = json!({"title": "CreditsDepleted", "detail": "no credits left", "status": 402,
        "type": "https://api.x.com/2/problems/credits"});
    let mut x = FakeX::default();
    let _posts = x.stream();
    all_there(&mut x);
    x.others.push_back((LINE, refusal(402, &spent)));
    let told = line(&mut x);
    x.others.push_back((EVENTS, refusal(402, &spent)));
    look(&mut x, &[(1, "before it was paid")]);
    // A look every 5 ms if it were not for the refusal; the line is asked for again after 300.
    let pace = Pace { messages_every: Duration::from_millis(5), down_retry: Duration::from_millis(300), ..PACE };
    let (mut rig, [mut column]) = start(x, [("slow", "slow")], &pace).await;
    rig.live().await;
    // Two words, in one report or two.
    let mut said = String::new();
    while !(said.contains("stream for @AcmeHelp is not open") && said.contains("to @AcmeHelp are not read")) {
        said += &note(&mut rig, "no credits left").await;
    }
    assert!(said.contains("buy credits") && said.contains("every hour"), "{said}");
    assert!(!said.contains("every 2 minutes"), "looking brings nothing either: {said}");
    assert_eq!((rig.server.count("GET", LINE), rig.server.count("GET", EVENTS)), (1, 1));
    // Credits were bought: the next question finds the line open.
    told.send(received(2, "paid")).unwrap();
    assert_eq!(next_message(&mut column).await.2, "paid");
    assert_eq!(rig.server.count("GET", EVENTS), 1, "X wants no retries of what was refused");
    rig.end().await;
}

#[tokio::test]
async fn what_goes_to_a_webhook_alone_is_looked_for_and_said() {
    let hooked = |id, kind| {
        let mut row = subscription(id, kind, "42", "somebody else's");
        row["webhook_id"] = json!("146654567674655");
        row
    };
    let rows = [
        hooked(1, "dm.received"),
        subscription(2, "dm.sent", "42", ""),
        subscription(3, "post.delete", "42", ""),
        subscription(4, "post.create", "42", ""),
    ];
    let mut x = FakeX::default();
    let _posts = x.stream();
    let twice = json!({"title": "Invalid Request", "errors": [{"message": "DuplicateSubscriptionFound"}]});
    x.others.push_back((SUBSCRIPTIONS, list(&rows)));
    x.others.push_back((SUBSCRIPTIONS, refusal(400, &twice)));
    x.others.push_back((SUBSCRIPTIONS, list(&rows)));
    let told = line(&mut x);
    look(&mut x, &[(1, "one")]);
    look(&mut x, &[(2, "two"), (1, "one")]);
    let pace = Pace { messages_every: Duration::from_millis(5), ..PACE };
    let (mut rig, [mut column]) = start(x, [("slow", "slow")], &pace).await;
    rig.live().await;
    // Nothing tells of them, so they are looked for again and again.
    assert_eq!(next_message(&mut column).await.2, "one");
    assert_eq!(next_message(&mut column).await.2, "two");
    let said = note(&mut rig, "lacks").await;
    for words in ["dm.received (", "webhook", "looked for every 2 minutes", "developer console"] {
        assert!(said.contains(words), "{said}");
    }
    assert!(!said.contains("dm.sent") && !said.contains("scopes"), "{said}");
    // Where X sends it to both, as one of its pages says, it is told once all the same.
    told.send(received(3, "at once")).unwrap();
    assert_eq!(next_message(&mut column).await.2, "at once");
    assert!(rig.server.seen().iter().all(|seen| seen.method != "DELETE"));
    rig.end().await;
}

#[tokio::test]
async fn where_it_is_switched_off_what_an_earlier_run_subscribed_to_is_ended() {
    let mut x = FakeX::default();
    let _posts = x.stream();
    x.others.push_back((
        SUBSCRIPTIONS,
        list(&[
            subscription(1, "dm.received", "42", &format!("{OWN}dm.received")),
            subscription(2, "post.create", "42", &format!("{OWN}post.create")),
            subscription(3, "dm.sent", "42", "somebody else's"),
            subscription(4, "post.create", "7", &format!("{OWN}post.create")),
            subscription(5, "post.delete", "42", "replydeck/another/post.delete"),
        ]),
    ));
    for path in ["/2/activity/subscriptions/1", "/2/activity/subscriptions/2"] {
        x.others.push_back((path, Answer::json(200, &json!({"data": {"deleted": true}}))));
    }
    let (mut rig, [_column]) = Rig::start(x, [("slow", "slow")], &PACE, |settings| settings.activity = false).await;
    rig.live().await;
    let said = note(&mut rig, "is switched off").await;
    assert!(said.contains("2 of its subscriptions"), "{said}");
    let seen = rig.server.seen();
    let ended: Vec<(&str, &str)> = seen
        .iter()
        .filter(|seen| seen.method == "DELETE")
        .map(|seen| (seen.path(), seen.header("authorization").unwrap()))
        .collect();
    assert_eq!(
        ended,
        [("/2/activity/subscriptions/1", "Bearer own-token"), ("/2/activity/subscriptions/2", "Bearer app-token")]
    );
    assert_eq!((rig.server.count("GET", LINE), rig.server.count("POST", SUBSCRIPTIONS)), (0, 0));
    rig.end().await;
}

/// The posts' line is cut off and stays away: what the other line has to say is said all the same.
#[tokio::test]
async fn a_note_is_told_at_once_also_where_the_posts_line_is_quiet_or_away() {
    for is_away in [false, true] {
        let mut x = FakeX::default();
        if is_away {
            // X refuses it until somebody does something.
            x.streams.push_back(refusal(401, &json!({"title": "Unauthorized", "detail": "Unauthorized"})));
        }
        let _posts = x.stream();
        all_there(&mut x);
        let told = line(&mut x);
        let (mut rig, [_column]) = start(x, [("slow", "slow")], &PATIENT).await;
        told.send(b"{\"new\":1}\r\n".to_vec()).unwrap();
        let report = rig
            .link(|report| report.note.as_ref().is_some_and(|note| note.contains("Activity stream passed over")))
            .await;
        let is_down = matches!(report.state, replydeck::model::LinkState::Down { .. });
        assert_eq!(is_down, is_away, "{report:?}");
        told.send(event("post.delete", &json!({"id": "60", "author_id": "42"}))).unwrap();
        rig.end().await;
    }
}
