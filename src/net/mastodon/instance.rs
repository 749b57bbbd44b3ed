//! What a server says of itself: its name, its limits, where it streams and what of that its administrators closed.
//! Pure; lenient towards servers of other makes and older versions.

use serde_json::Value;
use url::Url;

use crate::model::length::PostLimits;

use super::decode::bounded;

/// Mastodon's own limit, and what a link counts there, where a server says nothing.
const CHARACTERS: u64 = 500;
const PER_LINK: u64 = 23;

/// Who may read a kind of timeline live.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Access {
    #[default]
    Open,
    /// The administrators closed it.
    Closed,
}

/// A server as it describes itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// The name its accounts carry; it may differ from the host of its pages.
    pub domain: Option<String>,
    pub version: String,
    /// Where it streams, where it says so.
    pub streaming: Option<Url>,
    pub characters: u64,
    pub per_link: u64,
    /// Live timelines of its own posts and of those from elsewhere.
    pub live_local: Access,
    pub live_remote: Access,
    pub tags_local: Access,
    pub tags_remote: Access,
}

impl Facts {
    /// What it takes in a post.
    pub fn limits(&self) -> PostLimits {
        let number = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        PostLimits { characters: number(self.characters), per_link: number(self.per_link) }
    }

    /// Reads `/api/v2/instance`, or `/api/v1/instance` of older servers.
    pub fn of(value: &Value) -> Self {
        let configuration = value.get("configuration");
        let at = |path: &[&str]| path.iter().try_fold(configuration?, |value, name| value.get(name));
        let streaming = at(&["urls", "streaming"]).or_else(|| value.get("urls")?.get("streaming_api"));
        let number = |name: &str| at(&["statuses", name]).and_then(Value::as_u64);
        let access = |kind: &str, of: &str| match at(&["timelines_access", kind, of]).and_then(Value::as_str) {
            Some("disabled") => Access::Closed,
            // `authenticated` is what we are.
            _ => Access::Open,
        };
        let text = |name: &str| value.get(name).and_then(Value::as_str).map(bounded).filter(|text| !text.is_empty());
        let domain = text("domain").or_else(|| text("uri").map(|uri| uri.trim_start_matches("https://").to_owned()));
        Self {
            domain: domain
                .map(|domain| domain.trim_end_matches('/').to_ascii_lowercase())
                .filter(|domain| is_host(domain)),
            version: text("version").unwrap_or_default(),
            streaming: streaming.and_then(Value::as_str).and_then(|url| url.parse().ok()),
            characters: number("max_characters")
                .or_else(|| value.get("max_toot_chars").and_then(Value::as_u64))
                .filter(|most| *most > 0)
                .unwrap_or(CHARACTERS),
            per_link: number("characters_reserved_per_url").unwrap_or(PER_LINK),
            live_local: access("live_feeds", "local"),
            live_remote: access("live_feeds", "remote"),
            tags_local: access("hashtag_feeds", "local"),
            tags_remote: access("hashtag_feeds", "remote"),
        }
    }
}

fn is_host(name: &str) -> bool {
    !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b':' | b'[' | b']'))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Access, Facts};

    #[test]
    fn what_servers_say_of_themselves() {
        let facts = Facts::of(&json!({
            "domain": "Near.Example", "version": "4.5.1",
            "configuration": {
                "urls": {"streaming": "wss://stream.near.example"},
                "statuses": {"max_characters": 5000, "characters_reserved_per_url": 25},
                "timelines_access": {"live_feeds": {"local": "authenticated", "remote": "disabled"}, "hashtag_feeds": {"local": "public"}},
            }
        }));
        assert_eq!(facts.domain.as_deref(), Some("near.example"));
        assert_eq!(facts.streaming.unwrap().as_str(), "wss://stream.near.example/");
        assert_eq!((facts.characters, facts.per_link), (5000, 25));
        assert_eq!(
            (facts.live_local, facts.live_remote, facts.tags_remote),
            (Access::Open, Access::Closed, Access::Open)
        );
    }

    #[test]
    fn older_and_other_servers_say_less() {
        let old = Facts::of(
            &json!({"uri": "old.example", "version": "3.5", "urls": {"streaming_api": "wss://old.example"}, "max_toot_chars": 1000}),
        );
        assert_eq!((old.domain.as_deref(), old.characters, old.per_link), (Some("old.example"), 1000, 23));
        assert!(old.streaming.is_some());
        for nothing in [
            json!({}),
            json!([]),
            json!(null),
            json!({"domain": "a b\u{1b}", "configuration": {"urls": {"streaming": "not a url"}}}),
        ] {
            let facts = Facts::of(&nothing);
            assert_eq!((facts.domain, facts.streaming, facts.characters), (None, None, 500), "{nothing}");
        }
    }
}
