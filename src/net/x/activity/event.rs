//! Reads one line of the Activity stream. Total: whatever the bytes are, the answer is an [`Event`].

use jiff::Timestamp;
use serde_json::Value;

use crate::model::spend::Act;
use crate::model::{AuthorId, Message, MessageId, NetworkKind, Post, PostId, clean};
use crate::net::lines::Cut;
use crate::net::x::decode::{self, Line, bounded, id_of, items, text_of, words};

/// One line, understood.
#[derive(Debug, PartialEq)]
pub(super) enum Event {
    /// Of ours, or one that names or answers us.
    Post(Box<Post>),
    /// One of ours is gone.
    Deleted(PostId),
    /// Direct messages; `billed` are the ids of those X charges for.
    Messages { messages: Vec<Message>, billed: Vec<String> },
    /// Of another account of the app, or of a kind not asked for here; `billed` is what X charges for it.
    NotOurs { what: String, billed: Option<Billed> },
    /// No event: a keep-alive, an error, or nothing that can be read.
    Line(Line),
}

/// What X charges for an event: the act, and the ids of the posts or messages.
pub(super) type Billed = (Act, Vec<String>);

/// Reads one line, without its line end, for the account `us`.
pub(super) fn read(cut: Cut<'_>, us: &AuthorId) -> Event {
    match cut {
        Cut::Line(bytes) => line(bytes, us),
        Cut::TooLong(length) => malformed(format!("a line of {length} bytes")),
    }
}

fn malformed(why: String) -> Event {
    Event::Line(Line::Malformed { why })
}

fn line(bytes: &[u8], us: &AuthorId) -> Event {
    let whole: Value = serde_json::from_slice(bytes).unwrap_or_default();
    let Some(data) = whole.get("data").filter(|data| data.get("event_type").is_some_and(Value::is_string)) else {
        return Event::Line(decode::line(bytes));
    };
    let kind = text_of(data, "event_type");
    if id_of(data.get("filter").and_then(|filter| filter.get("user_id"))).as_deref() != Some(us.native()) {
        let billed = data.get("payload").and_then(|payload| billed(kind, payload));
        return Event::NotOurs { what: format!("{} of another account", bounded(kind)), billed };
    }
    let Some(payload) = data.get("payload") else { return malformed(format!("{} without a payload", bounded(kind))) };
    match kind {
        "post.create" | "post.mention.create" | "post.reply.create" => {
            match decode::post_of(payload, data.get("includes")) {
                Ok(post) => Event::Post(Box::new(post)),
                Err(why) => malformed(why),
            }
        }
        "post.delete" => match (id_of(payload.get("id")), id_of(payload.get("author_id"))) {
            (Some(id), Some(author)) if author == us.native() => Event::Deleted(PostId::new(NetworkKind::X, &id)),
            (Some(_), _) => Event::NotOurs { what: "a deletion by somebody else".to_owned(), billed: None },
            (None, _) => malformed("a deletion without an id".to_owned()),
        },
        "dm.received" | "dm.sent" => {
            let rows = items(payload.get("direct_message_events"));
            let billed = billed(kind, payload).map(|(_, ids)| ids).unwrap_or_default();
            Event::Messages { messages: rows.filter_map(|row| message(row, payload, us)).collect(), billed }
        }
        other => Event::NotOurs { what: bounded(other), billed: None },
    }
}

/// What X charges for, by its price page; deletions and what the account itself writes to somebody are free.
fn billed(kind: &str, payload: &Value) -> Option<Billed> {
    match kind {
        "post.create" | "post.mention.create" | "post.reply.create" => {
            Some((Act::PostRead, vec![id_of(payload.get("id"))?]))
        }
        "dm.received" => {
            let rows = items(payload.get("direct_message_events"));
            Some((Act::DmRead, rows.filter_map(|row| id_of(row.get("id"))).collect()))
        }
        _ => None,
    }
}

/// One message between us and somebody; those of groups belong to no one person.
fn message(row: &Value, payload: &Value, us: &AuthorId) -> Option<Message> {
    let create = row.get("message_create").filter(|_| text_of(row, "type") == "message_create")?;
    let (id, sender) = (id_of(row.get("id"))?, id_of(create.get("sender_id"))?);
    let recipient = id_of(create.get("target")?.get("recipient_id"))?;
    let is_ours = sender == us.native();
    let with = match (is_ours, recipient == us.native()) {
        (true, false) => recipient,
        (false, true) => sender,
        (true, true) | (false, false) => return None,
    };
    let user = payload.get("users").and_then(|users| users.get(&with));
    let user = user.map(|user| user.get("data").unwrap_or(user));
    let millis = row.get("created_timestamp").and_then(|at| at.as_i64().or_else(|| at.as_str()?.parse().ok()));
    Some(Message {
        id: MessageId::new(NetworkKind::X, &id),
        with: AuthorId::new(NetworkKind::X, &with),
        handle: user.map(|user| clean::line(text_of(user, "username"))).unwrap_or_default(),
        is_ours,
        text: words(text_of(create.get("message_data")?, "text")),
        at: millis
            .and_then(|millis| Timestamp::from_millisecond(millis).ok())
            .unwrap_or_else(|| decode::time(row, &id)),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::{Event, line};
    use crate::model::spend::Act;
    use crate::model::{AuthorId, NetworkKind};
    use crate::net::x::decode::Line;

    fn us() -> AuthorId {
        AuthorId::new(NetworkKind::X, "42")
    }

    fn read(kind: &str, payload: &Value) -> Event {
        let event = json!({"data": {"event_uuid": "-7", "filter": {"user_id": "42"}, "event_type": kind, "tag": "t",
            "payload": payload, "includes": {"users": [{"data": {"id": "9", "username": "cat"}}]}}});
        line(event.to_string().as_bytes(), &us())
    }

    fn direct(from: &str, to: &str) -> Value {
        json!({"direct_message_events": [{"type": "message_create", "id": "15", "created_timestamp": "1768471200123",
            "message_create": {"target": {"recipient_id": to}, "sender_id": from,
                "message_data": {"text": "1 &lt; 2\u{1b}[2J"}}}],
            "users": {"9": {"data": {"username": "cat"}}, "42": {"data": {"username": "AcmeHelp"}}}})
    }

    #[test]
    fn posts_deletions_and_messages_of_ours_are_read() {
        let Event::Post(post) =
            read("post.mention.create", &json!({"id": "5", "author_id": "9", "text": "hi @AcmeHelp"}))
        else {
            panic!()
        };
        assert_eq!((post.id.native(), post.author.handle.as_str()), ("5", "cat"));
        let deleted = read("post.delete", &json!({"id": "5", "author_id": "42"}));
        assert!(matches!(deleted, Event::Deleted(post) if post.as_str() == "x:5"));
        for (kind, from, to, is_ours, price) in
            [("dm.received", "9", "42", false, vec!["15".to_owned()]), ("dm.sent", "42", "9", true, Vec::new())]
        {
            let Event::Messages { messages, billed } = read(kind, &direct(from, to)) else { panic!("{kind}") };
            let [message] = messages.as_slice() else { panic!("{messages:?}") };
            assert_eq!((message.is_ours, message.with.as_str(), message.handle.as_str()), (is_ours, "x:9", "cat"));
            assert_eq!((message.text.as_str(), message.at.to_string().as_str()), ("1 < 2", "2026-01-15T10:00:00.123Z"));
            assert_eq!(billed, price);
        }
    }

    #[test]
    fn what_is_none_of_ours_is_said_to_be_none() {
        let other =
            json!({"data": {"event_type": "dm.received", "filter": {"user_id": "7"}, "payload": direct("9", "7")}});
        // X charges the app for it, whoever it is of.
        let Event::NotOurs { what, billed: Some(billed) } = line(other.to_string().as_bytes(), &us()) else { panic!() };
        assert!(what.contains("another") && billed == (Act::DmRead, vec!["15".to_owned()]), "{what} {billed:?}");
        for (kind, price) in [("post.create", Some((Act::PostRead, vec!["5".to_owned()]))), ("post.delete", None)] {
            let other = json!({"data": {"event_type": kind, "filter": {"user_id": "7"}, "payload": {"id": "5"}}});
            let told = line(other.to_string().as_bytes(), &us());
            assert!(matches!(&told, Event::NotOurs { billed, .. } if *billed == price), "{told:?}");
        }
        let like = read("like.create", &json!({}));
        assert!(matches!(like, Event::NotOurs { what, billed: None } if what == "like.create"));
        assert!(matches!(read("post.delete", &json!({"id": "5", "author_id": "9"})), Event::NotOurs { .. }));
        // A group's message is charged for, and belongs to no one person.
        let mut group = direct("9", "42");
        group["direct_message_events"][0]["message_create"]["target"] = json!({});
        let read_group = read("dm.received", &group);
        assert!(matches!(read_group, Event::Messages { messages, billed } if messages.is_empty() && billed.len() == 1));
        assert_eq!(line(b"\r\n", &us()), Event::Line(Line::Blank));
        assert!(matches!(line(b"{\"data\":{\"event_ty", &us()), Event::Line(Line::Malformed { .. })));
        assert!(matches!(read("post.create", &json!({"text": "no id"})), Event::Line(Line::Malformed { .. })));
        let ends = br#"{"errors":[{"title":"operational-disconnect","disconnect_type":"UpstreamOperationalDisconnect","type":"https://api.x.com/2/problems/operational-disconnect"}]}"#;
        assert!(matches!(line(ends, &us()), Event::Line(Line::Disconnect { .. })));
    }

    proptest! {
        #[test]
        fn any_truth_bent_is_some_event(cut in 0usize..400, at in 0usize..400, byte in any::<u8>()) {
            let event = json!({"data": {"filter": {"user_id": "42"}, "event_type": "dm.received", "payload": direct("9", "42")}});
            let mut bytes = event.to_string().into_bytes();
            if let Some(flipped) = bytes.get_mut(at) { *flipped = byte; }
            bytes.truncate(cut.max(1));
            let _ = line(&bytes, &us());
        }
    }
}
