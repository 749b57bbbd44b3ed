//! A scripted Activity stream: its subscriptions, its events and its lines as X writes them.

use std::time::Duration;

use replydeck::model::LinkState;
use replydeck::net::Inbound;
use replydeck::net::x::pace::Pace;
use serde_json::{Value, json};
use tokio::sync::mpsc::UnboundedSender;

use crate::rig::{Column, FakeX, PACE, Rig, next};
use crate::server::Answer;

pub(crate) const LINE: &str = "/2/activity/stream";
pub(crate) const SUBSCRIPTIONS: &str = "/2/activity/subscriptions";
pub(crate) const EVENTS: &str = "/2/dm_events";
pub(crate) const OWN: &str = "replydeck/main/";

/// Messages are looked for all the time, where they are looked for at all.
pub(crate) const QUICK: Pace = Pace { messages_every: Duration::from_millis(5), ..PACE };

pub(crate) fn subscription(id: u64, event: &str, user: &str, tag: &str) -> Value {
    json!({"subscription_id": id.to_string(), "event_type": event, "filter": {"user_id": user}, "tag": tag,
        "created_at": "2026-01-15T09:00:00.000Z", "updated_at": "2026-01-15T09:00:00.000Z"})
}

pub(crate) fn list(rows: &[Value]) -> Answer {
    Answer::json(200, &json!({"data": rows, "meta": {"total_subscriptions": rows.len()}}))
}

/// Everything that is wanted here is subscribed to, so often as it is looked at.
pub(crate) fn all_there(x: &mut FakeX) {
    let kinds = ["dm.received", "dm.sent", "post.delete", "post.create", "post.mention.create", "post.reply.create"];
    let rows: Vec<Value> = (1..).zip(kinds).map(|(id, kind)| subscription(id, kind, "42", "")).collect();
    for _ in 0..8 {
        x.others.push_back((SUBSCRIPTIONS, list(&rows)));
    }
}

pub(crate) fn line(x: &mut FakeX) -> UnboundedSender<Vec<u8>> {
    let (to, from) = tokio::sync::mpsc::unbounded_channel();
    x.others.push_back((LINE, Answer::Stream(from)));
    to
}

/// One look that finds these messages of theirs, newest first.
pub(crate) fn look(x: &mut FakeX, messages: &[(u64, &str)]) {
    let rows: Vec<Value> = messages
        .iter()
        .map(|(id, text)| {
            json!({"id": id.to_string(), "text": text, "event_type": "MessageCreate", "sender_id": "987",
                "created_at": "2026-01-15T09:59:00.000Z", "dm_conversation_id": "42-987"})
        })
        .collect();
    x.others.push_back((EVENTS, Answer::json(200, &json!({"data": rows, "meta": {"result_count": rows.len()}}))));
}

pub(crate) fn event_of(user: &str, kind: &str, payload: &Value) -> Vec<u8> {
    let users = json!({"users": [{"id": "9", "username": "cat"}, {"id": "42", "username": "AcmeHelp"}]});
    let data = json!({"event_uuid": "-7", "filter": {"user_id": user}, "event_type": kind, "tag": "t",
        "payload": payload, "includes": users});
    format!("{}\r\n", json!({"data": data})).into_bytes()
}

pub(crate) fn event(kind: &str, payload: &Value) -> Vec<u8> {
    event_of("42", kind, payload)
}

pub(crate) fn direct(id: u64, from: &str, to: &str, text: &str) -> Value {
    json!({"direct_message_events": [{"type": "message_create", "id": id.to_string(),
        "created_timestamp": "1768471200123", "message_create": {"target": {"recipient_id": to}, "sender_id": from,
        "message_data": {"text": text}}}], "users": {"987": {"data": {"id": "987", "username": "mia"}}}})
}

pub(crate) fn received(id: u64, text: &str) -> Vec<u8> {
    event("dm.received", &direct(id, "987", "42", text))
}

pub(crate) async fn start<const N: usize>(x: FakeX, columns: [(&str, &str); N], pace: &Pace) -> (Rig, [Column; N]) {
    Rig::start(x, columns, pace, |settings| {
        settings.messages = true;
        settings.activity = true;
        settings.watch_own = true;
    })
    .await
}

pub(crate) async fn next_message(column: &mut Column) -> (bool, String, String) {
    match next(column).await {
        Inbound::Message { message, .. } => (message.is_ours, message.handle, message.text),
        other => panic!("{other:?}"),
    }
}

/// The next note of the link that says this.
pub(crate) async fn note(rig: &mut Rig, wanted: &str) -> String {
    let told = rig.link(|report| report.note.as_ref().is_some_and(|note| note.contains(wanted))).await;
    assert_eq!(told.state, LinkState::Live);
    told.note.unwrap()
}

/// X says no, in its usual envelope.
pub(crate) fn refusal(status: u16, problem: &Value) -> Answer {
    refusal_with(status, problem, &[])
}

pub(crate) fn refusal_with(status: u16, problem: &Value, headers: &[(&'static str, &str)]) -> Answer {
    let headers = headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    Answer::Whole { status, headers, body: problem.to_string() }
}

/// X's last line before it hangs up.
pub(crate) fn last_line(kind: &str, detail: &str) -> Vec<u8> {
    let ends = json!({"errors": [{"title": "operational-disconnect", "disconnect_type": kind, "detail": detail,
        "type": "https://api.x.com/2/problems/operational-disconnect"}]});
    format!("{ends}\r\n").into_bytes()
}
