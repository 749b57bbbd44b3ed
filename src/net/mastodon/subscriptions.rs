//! Which of a server's streams the columns need. Pure.
//!
//! There is no stream for a word. A query is judged here over the server's public timeline, which leaves out replies to
//! others; so every hashtag that a query asks for, and every single word that is a query by itself, is subscribed to as a
//! hashtag too: those streams carry replies.

use std::collections::BTreeSet;

use super::instance::{Access, Facts};
use crate::model::ColumnName;
use crate::net::Feed;
use crate::rules::Rule;

/// So many hashtags are asked for at most; each is a subscription of its own.
const MOST_TAGS: usize = 50;

/// A stream of the server's.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Stream {
    /// What happens to our own account: mentions, answers, our own posts.
    User,
    /// Direct messages.
    Direct,
    Public,
    /// Only what was written on this server.
    PublicLocal,
    /// In lower case, without `#`.
    Hashtag(String),
    HashtagLocal(String),
}

impl Stream {
    /// The name as the streaming interface has it, and the hashtag.
    pub(super) fn name(&self) -> (&'static str, Option<&str>) {
        match self {
            Stream::User => ("user", None),
            Stream::Direct => ("direct", None),
            Stream::Public => ("public", None),
            Stream::PublicLocal => ("public:local", None),
            Stream::Hashtag(tag) => ("hashtag", Some(tag)),
            Stream::HashtagLocal(tag) => ("hashtag:local", Some(tag)),
        }
    }

    /// What is said on the open socket to begin or end it.
    pub(super) fn order(&self, what: &str) -> String {
        let (stream, tag) = self.name();
        match tag {
            Some(tag) => serde_json::json!({"type": what, "stream": stream, "tag": tag}).to_string(),
            None => serde_json::json!({"type": what, "stream": stream}).to_string(),
        }
    }

    /// The stream that a message names, as in `["hashtag","acme"]`.
    pub(super) fn named(names: &[String]) -> Option<Self> {
        let tag = || names.get(1).map(|tag| tag.to_lowercase());
        match names.first()?.as_str() {
            "user" | "user:notification" => Some(Stream::User),
            "direct" => Some(Stream::Direct),
            "public" => Some(Stream::Public),
            "public:local" => Some(Stream::PublicLocal),
            "hashtag" => tag().map(Stream::Hashtag),
            "hashtag:local" => tag().map(Stream::HashtagLocal),
            _ => None,
        }
    }
}

/// What to listen to, and what a column asks for that the server does not give.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) streams: BTreeSet<Stream>,
    pub(super) refused: Vec<(ColumnName, String)>,
}

impl Wanted {
    pub(super) fn of(feeds: &[Feed], facts: &Facts, messages: bool) -> Self {
        let mut wanted = Wanted::default();
        if feeds.is_empty() {
            return wanted;
        }
        wanted.streams.insert(Stream::User);
        if messages {
            wanted.streams.insert(Stream::Direct);
        }
        let public = match (facts.live_local, facts.live_remote) {
            (Access::Open, Access::Open) => Some(Stream::Public),
            (Access::Open, Access::Closed) => Some(Stream::PublicLocal),
            (Access::Closed, _) => None,
        };
        let mut tags = BTreeSet::new();
        for feed in feeds {
            let of_rule = hashtags(&feed.rule);
            tags.extend(of_rule.tags);
            if of_rule.are_all {
                if facts.tags_local == Access::Closed {
                    let why =
                        "the server's administrators closed the hashtag streams; only what names this account is heard";
                    wanted.refused.push((feed.column.clone(), why.to_owned()));
                }
                continue;
            }
            if let Some(stream) = &public {
                wanted.streams.insert(stream.clone());
            } else {
                let why = "the server's administrators closed its public stream (timelines_access.live_feeds); only \
                               hashtags and what names this account are heard";
                wanted.refused.push((feed.column.clone(), why.to_owned()));
            }
        }
        for tag in tags.into_iter().take(MOST_TAGS) {
            match (facts.tags_local, facts.tags_remote) {
                (Access::Open, Access::Open) => wanted.streams.insert(Stream::Hashtag(tag)),
                (Access::Open, Access::Closed) => wanted.streams.insert(Stream::HashtagLocal(tag)),
                (Access::Closed, _) => false,
            };
        }
        wanted
    }
}

/// Hashtags worth a stream of their own.
struct Hashtags {
    tags: BTreeSet<String>,
    /// Every post of the query has one of them.
    are_all: bool,
}

fn hashtags(rule: &Rule) -> Hashtags {
    let (tags, are_all) = rule.hashtags();
    Hashtags { tags: tags.into_iter().map(|tag| tag.to_lowercase()).filter(|tag| is_tag(tag)).collect(), are_all }
}

/// What Mastodon makes a hashtag of: letters, digits and `_`, not digits alone.
fn is_tag(word: &str) -> bool {
    word.chars().all(|c| c.is_alphanumeric() || c == '_') && word.chars().any(char::is_alphabetic)
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tokio::sync::mpsc;

    use super::{Stream, Wanted};
    use crate::model::ColumnName;
    use crate::net::Feed;
    use crate::net::mastodon::instance::Facts;
    use crate::rules::Rule;

    fn wanted(queries: &[&str], facts: &serde_json::Value) -> (Vec<String>, usize) {
        let feeds: Vec<Feed> = queries
            .iter()
            .map(|query| Feed {
                column: ColumnName::new(query),
                rule: Rule::parse(query).unwrap(),
                out: mpsc::channel(1).0,
            })
            .collect();
        let wanted = Wanted::of(&feeds, &Facts::of(facts), true);
        let names = wanted.streams.iter().map(|stream| {
            let (name, tag) = stream.name();
            tag.map_or_else(|| name.to_owned(), |tag| format!("{name} {tag}"))
        });
        (names.collect(), wanted.refused.len())
    }

    #[test]
    fn hashtags_get_their_streams_and_words_the_public_one() {
        let all = json!({});
        for (queries, streams) in [
            (&["acme"][..], &["user", "direct", "public", "hashtag acme"][..]),
            (&["#Acme", "#acmedown lang:en"], &["user", "direct", "hashtag acme", "hashtag acmedown"]),
            (&["#acme OR slow billing"], &["user", "direct", "public", "hashtag acme"]),
            (&["acme (slow OR down)"], &["user", "direct", "public"]),
            (&["slow OR down"], &["user", "direct", "public", "hashtag down", "hashtag slow"]),
            (&["acme -#sponsored -is:retweet"], &["user", "direct", "public", "hashtag acme"]),
            (&["-acme lang:en"], &["user", "direct", "public"]),
            (&["\"so slow\"", "123"], &["user", "direct", "public"]),
            (&["配送"], &["user", "direct", "public", "hashtag 配送"]),
            (&[], &[]),
        ] {
            assert_eq!(
                wanted(queries, &all),
                (streams.iter().map(|name| (*name).to_owned()).collect(), 0),
                "{queries:?}"
            );
        }
    }

    #[test]
    fn what_the_administrators_closed_is_told() {
        let closed =
            json!({"configuration": {"timelines_access": {"live_feeds": {"local": "disabled", "remote": "disabled"}}}});
        assert_eq!(
            wanted(&["slow billing", "#acme"], &closed),
            (vec!["user".into(), "direct".into(), "hashtag acme".into()], 1)
        );
        let local = json!({"configuration": {"timelines_access": {"live_feeds": {"local": "public", "remote": "disabled"},
            "hashtag_feeds": {"local": "disabled", "remote": "disabled"}}}});
        assert_eq!(
            wanted(&["slow billing", "#acme"], &local),
            (vec!["user".into(), "direct".into(), "public:local".into()], 1)
        );
    }

    #[test]
    fn orders_and_names() {
        let tag = Stream::Hashtag("acme".into());
        assert_eq!(tag.order("subscribe"), "{\"stream\":\"hashtag\",\"tag\":\"acme\",\"type\":\"subscribe\"}");
        assert_eq!(Stream::named(&["hashtag".into(), "ACME".into()]), Some(tag));
        assert_eq!(Stream::named(&["list".into()]), None);
        assert_eq!(Stream::named(&[]), None);
    }
}
