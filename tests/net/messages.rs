//! Direct messages: asked for before drafting, sent once, looked for when the answer was lost, and read.

use std::sync::Mutex;
use std::time::Duration;

use jiff::SignedDuration;
use replydeck::model::{AuthorId, LinkState, MessageId, NetworkKind, ReplyId, Verdict};
use replydeck::net::x::XNetwork;
use replydeck::net::x::pace::Pace;
use replydeck::net::{Inbound, Network, OutgoingMessage, ReadBack, SendError};
use serde_json::{Value, json};

use crate::rig::{FakeX, PACE, Rig, clock, next, settings};
use crate::server::{Answer, Server};

async fn account(answers: Vec<Answer>) -> (Server, XNetwork) {
    let answers = Mutex::new(std::collections::VecDeque::from(answers));
    let server = Server::start(move |_| answers.lock().unwrap().pop_front().unwrap_or(Answer::Nothing)).await;
    let pace = Pace { send_within: Duration::from_secs(5), answer_within: Duration::from_secs(5), ..PACE };
    let network = XNetwork::with_pace(settings(&server.url), clock(), 7, &pace).unwrap();
    (server, network)
}

fn them() -> AuthorId {
    AuthorId::new(NetworkKind::X, "987")
}

fn message(text: &str) -> OutgoingMessage {
    OutgoingMessage { reply: ReplyId(uuid::Uuid::from_u128(7)), to: them(), text: text.into() }
}

fn refusal(status: u16, detail: &str) -> Answer {
    Answer::json(status, &json!({"title": "Forbidden", "type": "about:blank", "status": status, "detail": detail}))
}

fn user(receives: bool, status: &[&str]) -> Answer {
    let data = json!({"id": "987", "name": "Cat", "username": "cat", "receives_your_dm": receives,
        "connection_status": status});
    Answer::json(200, &json!({"data": data}))
}

fn event(id: u64, sender: &str, text: &str, at: &str) -> Value {
    json!({"id": id.to_string(), "text": text, "event_type": "MessageCreate", "created_at": at,
        "sender_id": sender, "dm_conversation_id": "42-987"})
}

fn events(rows: &[Value], next: Option<&str>) -> Answer {
    let mut answer = json!({"data": rows, "includes": {"users": [{"id": "987", "name": "Cat", "username": "cat"}]},
        "meta": {"result_count": rows.len()}});
    if let Some(next) = next {
        answer["meta"]["next_token"] = json!(next);
    }
    Answer::json(200, &answer)
}

#[tokio::test]
async fn whether_they_take_messages_is_asked_with_our_own_token() {
    let gone = json!({"errors": [{"detail": "Could not find user with id: [987].", "title": "Not Found Error",
        "type": "https://api.x.com/2/problems/resource-not-found"}]});
    for (answer, wanted) in [
        (user(true, &[]), "yes"),
        (user(false, &[]), "@cat takes no direct messages"),
        (user(false, &["blocking"]), "there is a block"),
        (Answer::json(200, &gone), "Could not find user"),
        (Answer::json(503, &json!({"title": "Service Unavailable", "detail": "down"})), "? "),
        (Answer::json(200, &json!({"data": {"id": "987", "username": "cat"}})), "? "),
    ] {
        let (server, network) = account(vec![answer]).await;
        let told = match network.may_message(&them()).await {
            Verdict::Yes => "yes".to_owned(),
            Verdict::Mind { what } => format!("yes, but {what}"),
            Verdict::No { why } => why,
            Verdict::Unknown { why } => format!("? {why}"),
        };
        assert!(told.starts_with(wanted) || told.contains(wanted), "{told}, not {wanted}");
        let seen = server.seen();
        assert!(seen[0].target.starts_with("/2/users/987?") && seen[0].target.contains("receives_your_dm"));
        assert_eq!(seen[0].header("authorization"), Some("Bearer own-token"));
    }
}

#[tokio::test]
async fn a_message_goes_out_once_and_refusals_are_told_in_x_s_words() {
    let taken = Answer::json(201, &json!({"data": {"dm_conversation_id": "42-987", "dm_event_id": "15821"}}));
    let (server, network) = account(vec![taken]).await;
    assert_eq!(network.send_message(&message("hello")).await, Ok(MessageId::new(NetworkKind::X, "15821")));
    let seen = server.seen();
    assert_eq!(seen[0].path(), "/2/dm_conversations/with/987/messages");
    assert_eq!(serde_json::from_str::<Value>(&seen[0].body).unwrap(), json!({"text": "hello"}));
    for (answer, words, way_out, retry) in [
        (
            refusal(403, "You do not have permission to DM one or more participants."),
            "do not have permission",
            "ask in public",
            false,
        ),
        (refusal(403, "This operation is not permitted."), "not permitted", "block", false),
        (refusal(403, "Forbidden"), "Forbidden", "dm.write", true),
        (refusal(401, "Unauthorized"), "Unauthorized", "token", true),
    ] {
        let (server, network) = account(vec![answer]).await;
        match network.send_message(&message("hello")).await {
            Err(SendError::Refused { why, remedy, may_retry }) => {
                assert!(why.contains(words) && remedy.contains(way_out), "{why} / {remedy}");
                assert_eq!(may_retry, retry, "{why}");
            }
            other => panic!("{words}: {other:?}"),
        }
        assert_eq!(server.seen().len(), 1);
    }
    let (_server, network) = account(vec![refusal(429, "Too Many Requests")]).await;
    assert!(matches!(network.send_message(&message("hello")).await, Err(SendError::Limited { .. })));
    // A limit of direct messages does not hold public replies back, but the next message is not even tried.
    assert!(matches!(network.send_message(&message("hello")).await, Err(SendError::Limited { .. })));
    for answer in [Answer::Cut, refusal(500, "Internal Server Error"), Answer::json(201, &json!({"data": {}}))] {
        let (_server, network) = account(vec![answer]).await;
        assert!(matches!(network.send_message(&message("hello")).await, Err(SendError::Unknown { .. })));
    }
}

#[tokio::test]
async fn a_lost_answer_is_looked_for_in_the_conversation() {
    let sent = || event(9, "42", "hello https://t.co/abc", "2026-01-15T10:00:01.000Z");
    let theirs = || event(8, "987", "hello https://a.example/x", "2026-01-15T10:00:01.000Z");
    let old = || event(7, "42", "hello https://t.co/abc", "2026-01-15T09:00:00.000Z");
    let words = "hello https://a.example/x";
    let (server, network) = account(vec![events(&[sent(), theirs(), old()], None)]).await;
    let attempted = clock()();
    let found = network.read_back_message(&message(words), attempted).await;
    assert_eq!(found, ReadBack::Published(MessageId::new(NetworkKind::X, "9")));
    assert_eq!(server.seen()[0].path(), "/2/dm_conversations/with/987/dm_events");
    // Not there at first, and still not when the lost request can no longer arrive.
    let page = || events(&[theirs(), old()], None);
    let (server, network) = account(vec![page(), page()]).await;
    assert_eq!(network.read_back_message(&message(words), clock()()).await, ReadBack::Absent);
    assert_eq!(server.seen().len(), 2);
    let (_server, network) = account(vec![refusal(403, "Forbidden")]).await;
    let found = network.read_back_message(&message(words), clock()()).await;
    assert!(matches!(found, ReadBack::Unknown { why } if why.contains("Forbidden")));
    // So many newer ones that the place where it would stand is not on the page.
    let newer = || events(&[theirs()], Some("more"));
    let (_server, network) = account(vec![newer()]).await;
    let attempted = clock()() - SignedDuration::from_mins(1);
    assert!(matches!(network.read_back_message(&message(words), attempted).await, ReadBack::Unknown { .. }));
}

#[tokio::test]
async fn messages_are_read_once_oldest_first_while_the_stream_is_held() {
    const EVENTS: &str = "/2/dm_events";
    let mut x = FakeX::default();
    let _line = x.stream();
    let join = json!({"id": "5", "event_type": "ParticipantsJoin", "dm_conversation_id": "42-987"});
    let group = json!({"id": "6", "event_type": "MessageCreate", "text": "all", "sender_id": "987",
        "dm_conversation_id": "1700000000000000000"});
    let first = event(1, "987", "my line &amp; box\u{1b}[2J", "2026-01-15T09:59:00.000Z");
    let second = event(2, "42", "we look", "2026-01-15T09:59:30.000Z");
    let third = event(3, "987", "thanks", "2026-01-15T10:00:00.000Z");
    let ancient = event(0, "987", "years ago", "2020-01-15T10:00:00.000Z");
    x.others.push_back((EVENTS, events(&[group, join, second.clone(), first.clone(), ancient.clone()], Some("older"))));
    // The second look pages on until it meets what it knows.
    x.others.push_back((EVENTS, events(std::slice::from_ref(&third), Some("page2"))));
    x.others.push_back((EVENTS, events(&[second, first], Some("older"))));
    x.others.push_back((EVENTS, refusal(429, "Too Many Requests")));
    let pace = Pace { messages_every: Duration::from_millis(20), ..PACE };
    let (mut rig, [mut column]) = Rig::start(x, [("slow", "slow")], &pace, |settings| settings.messages = true).await;
    rig.live().await;
    let mut got = Vec::new();
    for _ in 0..3 {
        match next(&mut column).await {
            Inbound::Message { account, message } => {
                assert_eq!((account.as_str(), message.with.as_str()), ("acme", "x:987"));
                got.push((message.is_ours, message.handle.clone(), message.text.clone()));
            }
            other => panic!("{other:?}"),
        }
    }
    let cat = || "cat".to_owned();
    assert_eq!(
        got,
        [
            (false, cat(), "my line & box".to_owned()),
            (true, cat(), "we look".to_owned()),
            (false, cat(), "thanks".to_owned())
        ]
    );
    let asked = rig.server.seen();
    let asked: Vec<_> = asked.iter().filter(|seen| seen.path() == EVENTS).collect();
    assert!(asked[2].target.contains("pagination_token=page2"), "{}", asked[2].target);
    assert_eq!(asked[0].header("authorization"), Some("Bearer own-token"));
    rig.end().await;
}

#[tokio::test]
async fn messages_from_before_the_first_looks_reach_are_handed_on_by_no_later_look() {
    const EVENTS: &str = "/2/dm_events";
    let mut x = FakeX::default();
    let _line = x.stream();
    let ancient = event(1, "987", "years ago", "2020-01-15T10:00:00.000Z");
    let fresh = event(2, "987", "my line", "2026-01-15T09:59:00.000Z");
    let newest = event(3, "987", "thanks", "2026-01-15T10:00:00.000Z");
    // Were any of them paged on from, the answers of later looks would be used up too soon.
    x.others.push_back((EVENTS, events(std::slice::from_ref(&ancient), Some("older"))));
    x.others.push_back((EVENTS, events(&[fresh.clone(), ancient.clone()], Some("older"))));
    x.others.push_back((EVENTS, events(&[newest, fresh, ancient], Some("older"))));
    x.others.push_back((EVENTS, refusal(429, "Too Many Requests")));
    let pace = Pace { messages_every: Duration::from_millis(20), ..PACE };
    let (mut rig, [mut column]) = Rig::start(x, [("slow", "slow")], &pace, |settings| settings.messages = true).await;
    rig.live().await;
    for words in ["my line", "thanks"] {
        match next(&mut column).await {
            Inbound::Message { message, .. } => assert_eq!(message.text, words),
            other => panic!("{other:?}"),
        }
    }
    let asked = rig.server.seen();
    assert!(asked.iter().all(|seen| !seen.target.contains("pagination_token")), "one page a look");
    rig.end().await;
}

#[tokio::test]
async fn a_message_that_comes_while_its_column_is_closed_waits_for_the_next() {
    const EVENTS: &str = "/2/dm_events";
    let mut x = FakeX::default();
    let _line = x.stream();
    let theirs = |n: u64| event(n, "987", &format!("number {n}"), "2026-01-15T09:59:00.000Z");
    x.others.push_back((EVENTS, events(&[theirs(2), theirs(1)], None)));
    let pace = Pace { messages_every: Duration::from_millis(20), ..PACE };
    let (mut rig, [column]) = Rig::start(x, [("slow", "slow")], &pace, |settings| settings.messages = true).await;
    // Nobody reads this column any more; it takes nothing from now on.
    drop(column);
    rig.live().await;
    let [mut next_column] = rig.change([("fast", "fast")]);
    for n in 1..3 {
        match next(&mut next_column).await {
            Inbound::Message { message, .. } => assert_eq!(message.text, format!("number {n}")),
            other => panic!("{other:?}"),
        }
    }
    rig.end().await;
}

#[tokio::test]
async fn a_token_that_may_not_read_messages_is_told_once_and_listening_goes_on() {
    let mut x = FakeX::default();
    let _line = x.stream();
    x.others.push_back(("/2/dm_events", refusal(403, "Forbidden")));
    let (mut rig, [_column]) = Rig::start(x, [("slow", "slow")], &PACE, |settings| settings.messages = true).await;
    let told = rig.link(|report| report.note.as_ref().is_some_and(|note| note.contains("dm.read"))).await;
    assert_eq!((told.state, told.note.unwrap().contains("Forbidden")), (LinkState::Live, true));
    rig.end().await;
}
