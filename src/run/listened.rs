//! Until when each column was listened for on an account.
//!
//! Whoever holds the stream listens for the columns of the runs that are there. When a rep goes home, the columns only
//! their config has are let go, and when they are back, what was written meanwhile is missing there: that is a gap like
//! any other, and is told as one. So the columns are written down beside the store, in `listened-ACCOUNT.json`.

use std::collections::BTreeMap;
use std::path::Path;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::{AccountName, ColumnName};
use crate::net::Feed;
use crate::net::kept::StateFile;

/// One account's columns.
#[derive(Debug)]
pub struct Listened {
    file: StateFile,
    parts: BTreeMap<ColumnName, Part>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Part {
    query: String,
    /// `None` while it is listened for: as long as the account's stream is heard.
    until: Option<Timestamp>,
}

impl Listened {
    /// What the runs before wrote. A stream that was last heard at `heard` was listened to until then.
    pub fn of(data_dir: &Path, account: &AccountName, heard: Timestamp, feeds: &[Feed]) -> Self {
        let mut file =
            StateFile::of(data_dir, "listened", account, "a column that was not listened for may show no gap");
        let mut listened = Self { parts: file.read().unwrap_or_default(), file };
        for (column, part) in &mut listened.parts {
            let goes_on = feeds.iter().any(|feed| feed.column == *column && feed.rule.source() == part.query);
            if !goes_on {
                part.until.get_or_insert(heard);
            }
        }
        listened
    }

    /// From `now` on these are listened for. The columns that were before and then were not, and since when.
    pub fn change(&mut self, feeds: &[Feed], now: Timestamp) -> Vec<(ColumnName, Timestamp)> {
        for (column, part) in &mut self.parts {
            if !feeds.iter().any(|feed| feed.column == *column) {
                part.until.get_or_insert(now);
            }
        }
        let mut back = Vec::new();
        for feed in feeds {
            let (column, query) = (feed.column.clone(), feed.rule.source().to_owned());
            let old = self.parts.insert(column.clone(), Part { query: query.clone(), until: None });
            // Another query was never listened for: it begins now.
            let since = old.filter(|old| old.query == query).and_then(|old| old.until);
            back.extend(since.map(|since| (column, since)));
        }
        self.file.keep(&self.parts);
        back
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use jiff::Timestamp;
    use tokio::sync::mpsc;

    use super::Listened;
    use crate::model::{AccountName, ColumnName};
    use crate::net::Feed;
    use crate::rules::Rule;

    fn feeds(parts: &[(&str, &str)]) -> Vec<Feed> {
        let feed = |(column, query): &(&str, &str)| Feed {
            column: ColumnName::new(column),
            rule: Rule::parse(query).unwrap(),
            out: mpsc::channel(1).0,
        };
        parts.iter().map(feed).collect()
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + seconds).unwrap()
    }

    fn of(folder: &Path, heard: i64, parts: &[(&str, &str)]) -> Listened {
        Listened::of(folder, &AccountName::new("acme"), at(heard), &feeds(parts))
    }

    #[test]
    fn a_column_that_comes_back_was_not_heard_since_it_went() {
        let folder = tempfile::tempdir().unwrap();
        let mut listened = of(folder.path(), 0, &[("a", "a"), ("b", "b")]);
        let ends = |back: &[(&str, i64)]| -> Vec<_> {
            back.iter().map(|(column, since)| (ColumnName::new(column), at(*since))).collect()
        };
        assert_eq!(listened.change(&feeds(&[("a", "a"), ("b", "b")]), at(1)), [], "new ones begin");
        assert_eq!(listened.change(&feeds(&[("a", "a")]), at(5)), []);
        assert_eq!(listened.change(&feeds(&[("a", "a"), ("c", "c")]), at(7)), []);
        assert_eq!(listened.change(&feeds(&[("a", "a"), ("b", "b")]), at(9)), ends(&[("b", 5)]));
        assert_eq!(listened.change(&feeds(&[("a", "a"), ("b", "b")]), at(10)), [], "told once");
        // Another query under the name begins anew.
        assert_eq!(listened.change(&feeds(&[("a", "a")]), at(11)), []);
        assert_eq!(listened.change(&feeds(&[("a", "a"), ("b", "z")]), at(12)), []);
    }

    #[test]
    fn the_next_run_knows_what_the_last_one_listened_for() {
        let folder = tempfile::tempdir().unwrap();
        let both = [("a", "a"), ("b", "b")];
        of(folder.path(), 0, &both).change(&feeds(&both), at(1));
        // It ended at 20; the next one has one of its columns, and gets the other's later.
        let mut next = of(folder.path(), 20, &both[..1]);
        assert_eq!(next.change(&feeds(&both[..1]), at(30)), [], "what the stream itself missed is told elsewhere");
        assert_eq!(next.change(&feeds(&both), at(40)), [(ColumnName::new("b"), at(20))]);
        // A file that is no longer one costs the knowledge and nothing else.
        std::fs::write(folder.path().join("listened-acme.json"), "[").unwrap();
        assert_eq!(of(folder.path(), 50, &both).change(&feeds(&both), at(60)), []);
    }
}
