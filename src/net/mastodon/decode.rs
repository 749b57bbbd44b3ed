//! Reads what a Mastodon server's stream sends: frames of a WebSocket, events of SSE, lines of a recording.
//!
//! Total: whatever the bytes are, the answer is an [`Event`]. How a status becomes a post is
//! [`crate::rules::scan::status`]'s, so that recordings are matched exactly as they are heard.

use serde_json::Value;

use crate::model::clean;
use crate::net::x::decode::Line;
use crate::rules::scan::status::{self, Audience, NoStatus, Status, Streamed, id_of};

/// Words of a server are cut at so many characters.
const LONGEST_WORDS: usize = 400;

/// Something the stream said.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// A status, new or changed; on which streams it came, and the id of the notification it came in.
    Status {
        status: Box<Status>,
        streams: Vec<String>,
        notification: Option<String>,
    },
    /// The status with this id of the server's is gone.
    Deleted {
        id: String,
    },
    /// The server refuses something we asked on the open socket.
    Refused {
        words: String,
    },
    /// Of no use here, or not known to this version.
    Other,
    Malformed {
        why: String,
    },
}

/// Reads one text frame of the WebSocket.
pub fn frame(text: &str, host: Option<&str>) -> Event {
    let message: Value = match serde_json::from_str(text) {
        Ok(message) => message,
        Err(why) => return Event::Malformed { why: clean::line(&why.to_string()) },
    };
    if !message.is_object() {
        return Event::Malformed { why: "not a JSON object".into() };
    }
    if let (Some(words), None) = (message.get("error").and_then(Value::as_str), message.get("event")) {
        return Event::Refused { words: bounded(words) };
    }
    let streams = match message.get("stream") {
        Some(Value::Array(streams)) => streams.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        Some(Value::String(stream)) => vec![stream.clone()],
        _ => Vec::new(),
    };
    let Some(kind) = message.get("event").and_then(Value::as_str) else {
        return Event::Malformed { why: "a frame without an event".into() };
    };
    match message.get("payload") {
        Some(Value::String(payload)) => event(kind, payload, streams, host),
        // A deleted status may be named by a number, and some servers do not wrap the rest in text.
        Some(other) => event(kind, &other.to_string(), streams, host),
        None => event(kind, "", streams, host),
    }
}

/// Reads an event by its kind and what it carries.
pub fn event(kind: &str, payload: &str, streams: Vec<String>, host: Option<&str>) -> Event {
    match kind {
        "delete" => {
            let id = payload.trim().trim_matches('"');
            match id_of(Some(&Value::String(id.to_owned()))) {
                Some(id) => Event::Deleted { id },
                None => Event::Malformed { why: "a deletion that names nothing".into() },
            }
        }
        "update" | "status.update" | "status_update" => match serde_json::from_str(payload) {
            Ok(value) => read(&value, streams, None, host),
            Err(why) => Event::Malformed { why: clean::line(&why.to_string()) },
        },
        "notification" | "conversation" => {
            let Ok(value) = serde_json::from_str::<Value>(payload) else {
                return Event::Malformed { why: format!("a {kind} that is not JSON") };
            };
            match value.get("status").or_else(|| value.get("last_status")) {
                // Others than mentions carry posts of ours that somebody liked.
                Some(inner @ Value::Object(_)) if kind == "conversation" || is_mention(&value) => {
                    let id = if kind == "notification" { id_of(value.get("id")) } else { None };
                    read(inner, streams, id, host)
                }
                _ => Event::Other,
            }
        }
        // Kinds this version does not know are no fault; none at all is.
        "" => Event::Malformed { why: "an event without a kind".into() },
        _ => Event::Other,
    }
}

fn is_mention(notification: &Value) -> bool {
    matches!(notification.get("type").and_then(Value::as_str), Some("mention" | "status" | "update" | "quote"))
}

fn read(value: &Value, streams: Vec<String>, notification: Option<String>, host: Option<&str>) -> Event {
    match status::status(value, host) {
        Ok(status) => Event::Status { status: Box::new(status), streams, notification },
        Err(why) => Event::Malformed { why: flaw(why).into() },
    }
}

fn flaw(why: NoStatus) -> &'static str {
    match why {
        NoStatus::NotJson => "a status that is not JSON",
        NoStatus::NoId => "a status without an address",
        NoStatus::NoText => "a status without content",
    }
}

/// A line of a recording, where it is one of Mastodon's; told in the words of the replay.
pub fn recorded(bytes: &[u8]) -> Option<Line> {
    let holds = |key: &[u8]| memchr::memmem::find(bytes, key).is_some();
    if !(holds(b"\"payload\"") || holds(b"\"content\"")) {
        return None;
    }
    let value: Value = serde_json::from_slice(bytes).ok()?;
    if value.get("data").is_some_and(Value::is_object) {
        return None;
    }
    Some(match status::line(&value)? {
        Ok(Streamed::Status(status)) if status.audience == Audience::Direct => Line::Blank,
        Ok(Streamed::Status(status)) => Line::Post { post: Box::new(status.post), rules: Vec::new() },
        Ok(Streamed::Other) => Line::Blank,
        Err(why) => Line::Malformed { why: flaw(why).into() },
    })
}

/// A server's own words on one line, cleaned and not endless.
pub(crate) fn bounded(words: &str) -> String {
    let head: String = words.chars().take(LONGEST_WORDS * 4).collect();
    let line = clean::line(&head);
    match line.char_indices().nth(LONGEST_WORDS) {
        Some((at, _)) => format!("{}…", &line[..at]),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::{Event, frame, recorded};
    use crate::net::x::decode::Line;

    fn status(id: &str) -> serde_json::Value {
        json!({"id": id, "url": format!("https://a.example/@jo/{id}"), "content": "<p>so slow</p>", "visibility": "public",
            "account": {"id": "7", "acct": "jo", "url": "https://a.example/@jo"}})
    }

    #[test]
    fn frames_of_every_kind() {
        let wrapped = |kind: &str, payload: &str| {
            json!({"stream": ["hashtag", "acme"], "event": kind, "payload": payload}).to_string()
        };
        for kind in ["update", "status.update", "status_update"] {
            let Event::Status { status, streams, .. } =
                frame(&wrapped(kind, &status("5").to_string()), Some("a.example"))
            else {
                panic!("{kind}")
            };
            assert_eq!((status.id.as_str(), streams.join(" ").as_str()), ("5", "hashtag acme"));
            assert_eq!(status.post.author.handle, "jo@a.example");
        }
        let mention = json!({"type": "mention", "status": status("6")}).to_string();
        assert!(matches!(frame(&wrapped("notification", &mention), None), Event::Status { .. }));
        let liked = json!({"type": "favourite", "status": status("6")}).to_string();
        assert_eq!(frame(&wrapped("notification", &liked), None), Event::Other);
        let conversation = json!({"id": "1", "last_status": status("8")}).to_string();
        assert!(matches!(frame(&wrapped("conversation", &conversation), None), Event::Status { .. }));
        assert_eq!(frame(&wrapped("delete", "01JD"), None), Event::Deleted { id: "01JD".into() });
        assert_eq!(frame("{\"event\":\"delete\",\"payload\":114}", None), Event::Deleted { id: "114".into() });
        assert_eq!(frame(&wrapped("filters_changed", ""), None), Event::Other);
        assert_eq!(
            frame("{\"error\":\"Unknown stream type\",\"status\":400}", None),
            Event::Refused { words: "Unknown stream type".into() }
        );
        for bad in [
            "",
            "null",
            "[]",
            "{}",
            "{\"event\":\"update\",\"payload\":\"{\"}",
            "{\"event\":\"delete\",\"payload\":\"\"}",
            "{\"event\":\"\",\"payload\":\"x\"}",
        ] {
            assert!(matches!(frame(bad, None), Event::Malformed { .. }), "{bad}");
        }
    }

    #[test]
    fn recordings_are_told_from_those_of_other_networks() {
        let line = json!({"stream": ["public"], "event": "update", "payload": status("5").to_string()}).to_string();
        let Some(Line::Post { post, .. }) = recorded(line.as_bytes()) else { panic!() };
        assert_eq!(post.id.as_str(), "mastodon:https://a.example/@jo/5");
        assert!(matches!(recorded(status("5").to_string().as_bytes()), Some(Line::Post { .. })));
        let mut direct = status("5");
        direct["visibility"] = json!("direct");
        assert_eq!(recorded(direct.to_string().as_bytes()), Some(Line::Blank));
        for other in ["{\"data\":{\"id\":\"1\",\"text\":\"x\"},\"content\":\"y\"}", "{\"id\":\"1\",\"text\":\"x\"}", ""]
        {
            assert_eq!(recorded(other.as_bytes()), None, "{other}");
        }
    }

    proptest! {
        #[test]
        fn nothing_panics(text in "\\PC{0,80}|[{}\":,a-z\\\\0-9\\[\\]]{0,80}") {
            let _ = frame(&text, Some("a.example"));
            let _ = recorded(text.as_bytes());
        }
    }
}
