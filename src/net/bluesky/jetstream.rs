//! Reads Jetstream's frames, in both of its dialects, into one kind of [`Frame`].
//!
//! Total: whatever the bytes are, the answer is a frame. `v1` is the stream at `/subscribe`, whose form is frozen and
//! which self-hosted servers speak as well; `v2` is `network.bsky.jetstream.subscribeEvents`.

use jiff::Timestamp;
use serde_json::Value;
use url::Url;

use super::record::{self, Made, bounded, did_of, key_of, text_of};

/// The collection posts are in.
pub(crate) const POSTS: &str = "app.bsky.feed.post";
/// A post holds at most 3,000 bytes of text; what is so long is none.
pub(super) const LONGEST_FRAME: usize = 1024 * 1024;
/// The path of the newer dialect; every other address speaks the older one.
const V2: &str = "/xrpc/network.bsky.jetstream.subscribeEvents";

/// One message of the stream.
#[derive(Clone, Debug, PartialEq)]
pub struct Frame {
    /// When the server saw it, in microseconds since 1970: the cursor. `None` where the frame has none.
    pub at_us: Option<i64>,
    pub what: What,
}

/// What a frame says.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// A post was written, or (`Made::is_update`) written anew.
    Post(Box<Made>),
    /// The post of this record is gone.
    Deleted { did: String, key: String, rev: String },
    /// Who this is may have another handle now; the network does not always say which.
    Identity { did: String, handle: Option<String> },
    /// An account came or went; `status` is the network's word, such as `takendown` or `deleted`.
    Account { did: String, is_active: bool, status: String },
    /// A message that is no concern of ours: another collection, a kind of v2 without words.
    Other,
    /// The server speaks of the stream itself.
    Info { name: String, message: String },
    /// The server ends the stream and says why.
    Ends { name: String, message: String },
    /// A kind of message this version does not know.
    Unknown { kind: String },
    /// Not a message at all.
    Malformed { why: String },
}

/// Which dialect an address speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    V1,
    V2,
}

impl Dialect {
    pub fn of(url: &Url) -> Self {
        if url.path().trim_end_matches('/') == V2 { Dialect::V2 } else { Dialect::V1 }
    }

    /// Whether its packed frames can be read here; the newer one has a dictionary of its own.
    pub fn packs(self) -> bool {
        self == Dialect::V1
    }

    /// The decoder of this dialect.
    pub fn decoder(self) -> &'static dyn Decoder {
        match self {
            Dialect::V1 => &V1Decoder,
            Dialect::V2 => &V2Decoder,
        }
    }
}

/// Speaks one dialect.
pub trait Decoder: Send + Sync {
    /// The address to connect to: all posts, from `cursor` (microseconds since 1970) on or from now. `is_packed`: packed
    /// frames are wished for, where [`Dialect::packs`].
    fn address(&self, server: &Url, cursor: Option<i64>, is_packed: bool) -> Url;

    /// Reads one frame.
    fn frame(&self, bytes: &[u8]) -> Frame;
}

struct V1Decoder;
struct V2Decoder;

impl Decoder for V1Decoder {
    fn address(&self, server: &Url, cursor: Option<i64>, is_packed: bool) -> Url {
        let mut url = server.clone();
        if matches!(url.path(), "" | "/") {
            url.set_path("/subscribe");
        }
        url.query_pairs_mut().append_pair("wantedCollections", POSTS);
        if let Some(cursor) = cursor {
            url.query_pairs_mut().append_pair("cursor", &cursor.to_string());
        }
        if is_packed {
            url.query_pairs_mut().append_pair("compress", "true");
        }
        url
    }

    fn frame(&self, bytes: &[u8]) -> Frame {
        let message = match object(bytes) {
            Ok(message) => message,
            Err(why) => return malformed(why),
        };
        let at_us = message.get("time_us").and_then(Value::as_i64).filter(|at| *at > 0);
        let Some(did) = did_of(text_of(&message, "did")) else {
            return Frame { at_us, what: what_without_did(&message) };
        };
        let what = match text_of(&message, "kind") {
            "commit" => match message.get("commit") {
                Some(commit @ Value::Object(_)) => commit_of(&did, commit, at_us),
                _ => What::Malformed { why: "a commit without its content".into() },
            },
            "identity" => {
                let handle = message.get("identity").map(|identity| text_of(identity, "handle")).unwrap_or_default();
                What::Identity { did, handle: named(handle) }
            }
            "account" => match message.get("account") {
                Some(account) => account_of(did, account),
                None => What::Malformed { why: "an account message without its content".into() },
            },
            "" => What::Malformed { why: "a message without a kind".into() },
            other => What::Unknown { kind: bounded(other) },
        };
        Frame { at_us, what }
    }
}

impl Decoder for V2Decoder {
    fn address(&self, server: &Url, cursor: Option<i64>, _is_packed: bool) -> Url {
        let mut url = server.clone();
        {
            let mut query = url.query_pairs_mut();
            for kind in ["commit", "identity", "account"] {
                query.append_pair("kinds", kind);
            }
            query.append_pair("collections", POSTS);
            if let Some(cursor) = cursor {
                query.append_pair("cursor", &cursor.to_string());
            }
        }
        url
    }

    fn frame(&self, bytes: &[u8]) -> Frame {
        let message = match object(bytes) {
            Ok(message) => message,
            Err(why) => return malformed(why),
        };
        match text_of(&message, "$type") {
            "message" => {}
            "error" => {
                let (name, message) = (bounded(text_of(&message, "error")), bounded(text_of(&message, "message")));
                return Frame { at_us: None, what: What::Ends { name, message } };
            }
            "" => return malformed("a message without a type".into()),
            other => return Frame { at_us: None, what: What::Unknown { kind: bounded(other) } },
        }
        let Some(payload) = message.get("payload").filter(|payload| payload.is_object()) else {
            return malformed("a message without its content".into());
        };
        let at = text_of(payload, "time").parse::<Timestamp>().ok();
        let at_us = at.map(Timestamp::as_microsecond).filter(|at| *at > 0);
        let kind = text_of(payload, "$type").rsplit('#').next().unwrap_or_default();
        if kind == "info" {
            let (name, message) = (bounded(text_of(payload, "name")), bounded(text_of(payload, "message")));
            return Frame { at_us, what: What::Info { name, message } };
        }
        let Some(did) = did_of(text_of(payload, "did")) else {
            return Frame { at_us, what: What::Malformed { why: "a message that names nobody".into() } };
        };
        let what = match kind {
            "commit" => commit_of(&did, payload, at_us),
            "identity" => What::Identity { did, handle: named(text_of(payload, "handle")) },
            "account" => account_of(did, payload),
            "sync" => What::Other,
            other => What::Unknown { kind: bounded(other) },
        };
        Frame { at_us, what }
    }
}

fn malformed(why: String) -> Frame {
    Frame { at_us: None, what: What::Malformed { why } }
}

fn object(bytes: &[u8]) -> Result<Value, String> {
    match serde_json::from_slice::<Value>(bytes) {
        Ok(value) if value.is_object() => Ok(value),
        Ok(_) => Err("not a JSON object".to_owned()),
        Err(why) => Err(bounded(&why.to_string())),
    }
}

/// Jetstream's own errors have come as bare objects too.
fn what_without_did(message: &Value) -> What {
    match text_of(message, "error") {
        "" => What::Malformed { why: "a message that names nobody".into() },
        name => What::Ends { name: bounded(name), message: bounded(text_of(message, "message")) },
    }
}

fn commit_of(did: &str, commit: &Value, at_us: Option<i64>) -> What {
    if text_of(commit, "collection") != POSTS {
        return What::Other;
    }
    let Some(key) = key_of(text_of(commit, "rkey")) else {
        return What::Malformed { why: "a post without a key".into() };
    };
    let rev = bounded(text_of(commit, "rev"));
    let is_update = match text_of(commit, "operation") {
        "create" => false,
        "update" => true,
        "delete" => return What::Deleted { did: did.to_owned(), key, rev },
        other => return What::Unknown { kind: format!("operation {}", bounded(other)) },
    };
    let Some(record) = commit.get("record").filter(|record| record.is_object()) else {
        return What::Malformed { why: "a post without its record".into() };
    };
    match record::post(did, &key, text_of(commit, "cid"), record, at_us) {
        Ok((mut post, refs)) => {
            post.is_edited = is_update;
            What::Post(Box::new(Made { post, refs, rev, is_update }))
        }
        Err(why) => What::Malformed { why: why.to_owned() },
    }
}

fn account_of(did: String, account: &Value) -> What {
    let is_active = account.get("active").and_then(Value::as_bool).unwrap_or(true);
    What::Account { did, is_active, status: bounded(text_of(account, "status")) }
}

/// A handle as the network says it; `handle.invalid` stands for none.
fn named(handle: &str) -> Option<String> {
    let handle = bounded(handle);
    (!handle.is_empty() && handle != "handle.invalid").then_some(handle)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::{Dialect, Frame, What};
    use crate::net::bluesky::record::Made;

    fn v1(value: &Value) -> Frame {
        Dialect::V1.decoder().frame(value.to_string().as_bytes())
    }

    fn v2(value: &Value) -> Frame {
        Dialect::V2.decoder().frame(value.to_string().as_bytes())
    }

    fn made(frame: Frame) -> Made {
        match frame.what {
            What::Post(made) => *made,
            other => panic!("{other:?}"),
        }
    }

    fn commit(operation: &str) -> Value {
        json!({"rev": "3n2a", "operation": operation, "collection": "app.bsky.feed.post", "rkey": "3n2tttlzf5c22",
            "cid": "bafyone", "record": {"$type": "app.bsky.feed.post", "text": "so slow",
                "createdAt": "2026-11-21T19:34:31.206Z"}})
    }

    fn event(operation: &str) -> Value {
        json!({"did": "did:plc:abc", "time_us": 1_795_289_671_273_000_i64, "kind": "commit", "commit": commit(operation)})
    }

    #[test]
    fn both_dialects_tell_the_same() {
        let mut payload = commit("create");
        payload["$type"] = json!("network.bsky.jetstream.subscribeEvents#commit");
        payload["did"] = json!("did:plc:abc");
        payload["seq"] = json!(12);
        payload["time"] = json!("2026-11-21T19:34:31.273000Z");
        let new = v2(&json!({"$type": "message", "payload": payload}));
        let old = v1(&event("create"));
        assert_eq!(old, new);
        let made = made(old);
        assert_eq!(made.post.id.as_str(), "bluesky:at://did:plc:abc/app.bsky.feed.post/3n2tttlzf5c22");
        assert_eq!(made.post.version.as_deref(), Some("bafyone"));
        assert_eq!((made.rev.as_str(), made.is_update, made.post.is_edited), ("3n2a", false, false));

        let payload = json!({"$type": "network.bsky.jetstream.subscribeEvents#account", "seq": 1, "did": "did:plc:abc",
            "time": "2026-11-21T19:34:31Z", "active": false, "status": "takendown"});
        let account = v2(&json!({"$type": "message", "payload": payload})).what;
        assert_eq!(account, What::Account { did: "did:plc:abc".into(), is_active: false, status: "takendown".into() });
        let old = json!({"did": "did:plc:abc", "time_us": 5, "kind": "account",
            "account": {"active": false, "did": "did:plc:abc", "seq": 1, "status": "takendown"}});
        assert_eq!(v1(&old).what, account);
    }

    #[test]
    fn edits_deletions_and_renames() {
        let edited = made(v1(&event("update")));
        assert!(edited.is_update && edited.post.is_edited);
        let mut gone = event("delete");
        gone["commit"].as_object_mut().unwrap().remove("record");
        let what = v1(&gone).what;
        assert_eq!(what, What::Deleted { did: "did:plc:abc".into(), key: "3n2tttlzf5c22".into(), rev: "3n2a".into() });
        let renamed = |handle: Value| {
            v1(&json!({"did": "did:plc:abc", "time_us": 7, "kind": "identity",
                "identity": {"did": "did:plc:abc", "handle": handle, "seq": 3}}))
            .what
        };
        let told =
            |handle: Option<&str>| What::Identity { did: "did:plc:abc".into(), handle: handle.map(str::to_owned) };
        assert_eq!(renamed(json!("new.example")), told(Some("new.example")));
        assert_eq!(renamed(json!(null)), told(None));
        assert_eq!(renamed(json!("handle.invalid")), told(None));
    }

    #[test]
    fn what_is_no_message_is_told_and_never_fatal() {
        let is_malformed = |bytes: &[u8]| {
            [Dialect::V1, Dialect::V2]
                .iter()
                .all(|dialect| matches!(dialect.decoder().frame(bytes).what, What::Malformed { .. }))
        };
        for bytes in [b"".as_slice(), b"[1]", b"{", b"\xff{}", b"{}", b"{\"kind\":\"commit\"}"] {
            assert!(is_malformed(bytes), "{bytes:?}");
        }
        assert!(is_malformed("[".repeat(100_000).as_bytes()));
        for (change, at) in [(json!("no key!"), "rkey"), (json!(""), "rkey"), (json!("x"), "record")] {
            let mut event = event("create");
            event["commit"][at] = change;
            let frame = v1(&event);
            assert!(matches!(frame.what, What::Malformed { .. }), "{frame:?}");
            assert_eq!(frame.at_us, Some(1_795_289_671_273_000));
        }
        let mut strange = event("create");
        strange["did"] = json!("did:plc:a b\u{1b}[31m");
        assert!(matches!(v1(&strange).what, What::Malformed { .. }));
        strange["did"] = json!("did:plc:abc");
        strange["kind"] = json!("sync\u{7}");
        assert_eq!(v1(&strange).what, What::Unknown { kind: "sync".into() });
        strange["kind"] = json!("commit");
        strange["commit"]["collection"] = json!("app.bsky.feed.like");
        assert_eq!(v1(&strange).what, What::Other);
        let ends = v2(&json!({"$type": "error", "error": "ConsumerTooSlow", "message": "read faster"})).what;
        assert_eq!(ends, What::Ends { name: "ConsumerTooSlow".into(), message: "read faster".into() });
        let info = json!({"$type": "network.bsky.jetstream.subscribeEvents#info", "name": "OutdatedCursor"});
        let told = v2(&json!({"$type": "message", "payload": info})).what;
        assert_eq!(told, What::Info { name: "OutdatedCursor".into(), message: String::new() });
    }

    #[test]
    fn a_giant_post_is_a_post() {
        let mut event = event("create");
        event["commit"]["record"]["text"] = json!("y".repeat(5_000_000));
        assert_eq!(made(v1(&event)).post.text.len(), 5_000_000);
    }

    #[test]
    fn the_address_follows_the_dialect() {
        let old: url::Url = "wss://jetstream1.us-east.bsky.network".parse().unwrap();
        let asked = Dialect::of(&old).decoder().address(&old, Some(17), false).to_string();
        assert_eq!(
            asked,
            "wss://jetstream1.us-east.bsky.network/subscribe?wantedCollections=app.bsky.feed.post&cursor=17"
        );
        let packed = Dialect::of(&old).decoder().address(&old, None, true).to_string();
        assert!(packed.ends_with("?wantedCollections=app.bsky.feed.post&compress=true"), "{packed}");
        let new: url::Url = "ws://127.0.0.1:9/xrpc/network.bsky.jetstream.subscribeEvents".parse().unwrap();
        let asked = Dialect::of(&new).decoder().address(&new, None, true).to_string();
        assert!(
            asked.ends_with("?kinds=commit&kinds=identity&kinds=account&collections=app.bsky.feed.post"),
            "{asked}"
        );
    }

    proptest! {
        #[test]
        fn any_bytes_are_some_frame(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            for dialect in [Dialect::V1, Dialect::V2] {
                let _ = dialect.decoder().frame(&bytes);
            }
        }

        #[test]
        fn any_truth_bent_is_some_frame(cut in 0usize..900, flip in 0usize..900, byte in any::<u8>()) {
            let mut event = event("create");
            event["commit"]["record"]["facets"] = json!([{"index": {"byteStart": 3, "byteEnd": 900},
                "features": [{"$type": "app.bsky.richtext.facet#mention", "did": "did:plc:p"}]}]);
            event["commit"]["record"]["embed"] = json!({"images": [{"alt": "a"}], "external": {"uri": "https://a.example"}});
            let mut bytes = event.to_string().into_bytes();
            if let Some(at) = bytes.get_mut(flip) { *at = byte; }
            bytes.truncate(cut.max(1));
            for dialect in [Dialect::V1, Dialect::V2] {
                let _ = dialect.decoder().frame(&bytes);
            }
        }
    }
}
