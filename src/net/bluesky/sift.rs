//! All columns' rules at once, and whom they name: which messages are worth reading.

use std::collections::{BTreeSet, HashMap};

use aho_corasick::AhoCorasick;
use memchr::memmem;

use crate::net::Feed;
use crate::rules::many::Rules;
use crate::rules::scan::Sieve;

/// The rules of the columns, in their order.
#[derive(Debug)]
pub(super) struct Sift {
    pub(super) rules: Rules,
    sieve: Sieve,
    /// Finds the ids of those the rules name, and our own.
    pinned: Option<AhoCorasick>,
    /// Handles that the rules name, with the id of each where the network knows one.
    pub(super) pins: Pins,
}

/// Whose the handles are that rules name.
#[derive(Clone, Debug, Default)]
pub(super) struct Pins {
    /// `None`: nobody is called so.
    by_handle: HashMap<String, Option<String>>,
    by_did: HashMap<String, String>,
}

impl Pins {
    /// Handles of which nothing is known yet.
    pub(super) fn unknown<'a>(&self, handles: &'a BTreeSet<String>) -> Vec<&'a String> {
        handles.iter().filter(|handle| !self.by_handle.contains_key(*handle)).collect()
    }

    pub(super) fn keep(&mut self, handle: &str, did: Option<&str>) {
        self.by_handle.insert(handle.to_owned(), did.map(str::to_owned));
        if let Some(did) = did {
            self.by_did.insert(did.to_owned(), handle.to_owned());
        }
    }

    /// They may be called otherwise by now. Whether anybody asked for them.
    pub(super) fn forget(&mut self, did: &str) -> bool {
        let Some(handle) = self.by_did.remove(did) else { return false };
        self.by_handle.remove(&handle);
        true
    }

    /// Whoever is called by none of their names is asked for anew.
    pub(super) fn forget_unfound(&mut self) {
        self.by_handle.retain(|_, did| did.is_some());
    }

    pub(super) fn is_nobody(&self, handle: &str) -> bool {
        matches!(self.by_handle.get(handle), Some(None))
    }

    /// The handle by which a rule names somebody.
    pub(super) fn handle(&self, did: &str) -> Option<&str> {
        self.by_did.get(did).map(String::as_str)
    }
}

impl Sift {
    pub(super) fn new(feeds: &[Feed], pins: Pins, own: Option<&str>) -> Self {
        let rules = Rules::new(feeds.iter().map(|feed| feed.rule.clone()).collect());
        let named = feeds.iter().flat_map(|feed| feed.rule.handles()).filter(|name| name.starts_with("did:"));
        let dids: BTreeSet<String> = named.chain(pins.by_did.keys().cloned()).chain(own.map(str::to_owned)).collect();
        // Too many for one automaton: then everything is read.
        let pinned = if dids.is_empty() { None } else { AhoCorasick::new(&dids).ok() };
        Self { sieve: Sieve::new(&rules), rules, pinned, pins }
    }

    /// Handles that the feeds' rules name.
    pub(super) fn handles(feeds: &[Feed]) -> BTreeSet<String> {
        let named = feeds.iter().flat_map(|feed| feed.rule.handles());
        named.filter(|name| name.contains('.') && !name.starts_with("did:")).collect()
    }

    /// When a message of v1 was seen, where it is a new post that concerns nobody here; `None` where it has to be read.
    pub(super) fn passes_over(&mut self, message: &[u8]) -> Option<i64> {
        let at_us = time_us(message)?;
        if self.pinned.as_ref().is_some_and(|pinned| pinned.is_match(message))
            || self.sieve.may_match(&self.rules, message)
        {
            return None;
        }
        Some(at_us)
    }
}

/// The time a message of v1 carries, found without reading the rest. Words of a post cannot hold it: their quotation
/// marks are escaped.
fn time_us(message: &[u8]) -> Option<i64> {
    const KEY: &[u8] = b"\"time_us\":";
    let start = memmem::find(message, KEY)? + KEY.len();
    let digits = message[start..].iter().take_while(|b| b.is_ascii_digit()).count();
    std::str::from_utf8(&message[start..start + digits]).ok()?.parse().ok().filter(|at| *at > 0)
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc;

    use super::{Pins, Sift};
    use crate::model::ColumnName;
    use crate::net::Feed;
    use crate::rules::Rule;

    #[test]
    fn only_posts_that_concern_nobody_are_passed_over() {
        let feeds: Vec<Feed> = ["acme slow", "from:cat.example", "from:did:plc:dog"]
            .iter()
            .map(|query| Feed {
                column: ColumnName::new(query),
                rule: Rule::parse(query).unwrap(),
                out: mpsc::channel(1).0,
            })
            .collect();
        assert_eq!(Sift::handles(&feeds).into_iter().collect::<Vec<_>>(), ["cat.example"]);
        let mut pins = Pins::default();
        pins.keep("cat.example", Some("did:plc:cat"));
        let mut sift = Sift::new(&feeds, pins, Some("did:plc:us"));
        let mut passed = |did: &str, text: &str, operation: &str| {
            let message = format!(
                "{{\"did\":\"{did}\",\"time_us\":17,\"kind\":\"commit\",\"commit\":{{\"operation\":\"{operation}\",\
                 \"collection\":\"app.bsky.feed.post\",\"rkey\":\"k\",\"record\":{{\"text\":\"{text}\"}}}}}}"
            );
            sift.passes_over(message.as_bytes())
        };
        assert_eq!(passed("did:plc:a", "a fine day", "create"), Some(17));
        assert_eq!(passed("did:plc:a", "Acme is slow", "create"), None);
        assert_eq!(passed("did:plc:cat", "a fine day", "create"), None);
        assert_eq!(passed("did:plc:dog", "a fine day", "create"), None);
        assert_eq!(passed("did:plc:us", "a fine day", "create"), None);
        assert_eq!(passed("did:plc:a", "hello did:plc:us", "create"), None);
        assert_eq!(passed("did:plc:a", "a fine day", "delete"), None);
        assert_eq!(sift.passes_over(b"{\"did\":\"did:plc:a\"}"), None);
    }
}
