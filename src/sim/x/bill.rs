//! X's bill, reckoned here by X's own price page and by nothing that the program under test reckons with: each post,
//! profile and message read is billed once a UTC day, everything written each time, and what was paid for in advance
//! can run out.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use regex::Regex;
use serde_json::{Value, json};

/// What is on the bill.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::sim) enum Item {
    PostRead,
    UserRead,
    DmRead,
    Count,
    Post,
    PostWithLink,
    SummonedReply,
    Dm,
}

impl Item {
    fn name(self) -> &'static str {
        match self {
            Item::PostRead => "post_read",
            Item::UserRead => "user_read",
            Item::DmRead => "dm_read",
            Item::Count => "count",
            Item::Post => "post",
            Item::PostWithLink => "post_with_link",
            Item::SummonedReply => "summoned_reply",
            Item::Dm => "dm",
        }
    }

    /// In thousandths of a dollar.
    pub(in crate::sim) fn price(self) -> u64 {
        match self {
            Item::PostRead | Item::Count => 5,
            Item::UserRead | Item::DmRead | Item::SummonedReply => 10,
            Item::Post | Item::Dm => 15,
            Item::PostWithLink => 200,
        }
    }

    /// The same one read again on the same day costs nothing.
    fn is_once_a_day(self) -> bool {
        matches!(self, Item::PostRead | Item::UserRead | Item::DmRead)
    }
}

/// All days so far.
#[derive(Debug, Default)]
pub(in crate::sim) struct Bill {
    days: BTreeMap<String, BTreeMap<Item, u64>>,
    seen: BTreeSet<(String, Item, u64)>,
    /// In thousandths of a dollar; `None`: credit without end.
    credits: Option<u64>,
}

fn day(at: Timestamp) -> String {
    at.to_zoned(TimeZone::UTC).strftime("%Y-%m-%d").to_string()
}

impl Bill {
    /// Puts one on the bill; `id` is that of the post, person or message.
    pub(in crate::sim) fn add(&mut self, item: Item, id: u64, at: Timestamp) {
        let day = day(at);
        if item.is_once_a_day() && !self.seen.insert((day.clone(), item, id)) {
            return;
        }
        *self.days.entry(day).or_default().entry(item).or_default() += 1;
        if let Some(credits) = &mut self.credits {
            *credits = credits.saturating_sub(item.price());
        }
    }

    pub(in crate::sim) fn set_credits(&mut self, thousandths: Option<u64>) {
        self.credits = thousandths;
    }

    /// What was paid in advance is used up.
    pub(in crate::sim) fn is_out_of_credits(&self) -> bool {
        self.credits == Some(0)
    }

    /// Posts billed as read on the day of `at`.
    pub(in crate::sim) fn read_on(&self, at: Timestamp) -> u64 {
        self.days.get(&day(at)).and_then(|items| items.get(&Item::PostRead)).copied().unwrap_or(0)
    }

    pub(in crate::sim) fn as_json(&self) -> Value {
        let days: serde_json::Map<String, Value> = self
            .days
            .iter()
            .map(|(day, items)| {
                let counts: serde_json::Map<String, Value> =
                    items.iter().map(|(item, count)| (item.name().to_owned(), json!(count))).collect();
                let thousandths: u64 = items.iter().map(|(item, count)| item.price() * count).sum();
                (day.clone(), json!({"items": counts, "thousandths": thousandths}))
            })
            .collect();
        json!({"days": days, "credits_thousandths": self.credits})
    }
}

static LINK: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?:https?://\S)|(?:(?:^|[\s(\u{201c}])(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+(?:com|net|org|io|app|co|uk|de|it|es|jp|info|help|eu|dev|example)(?:[\s/?#:).,!\u{201d}]|$))")
        .expect("a constant pattern")
});

/// Whether X finds a link in it; a bare domain is one.
pub(super) fn has_link(text: &str) -> bool {
    LINK.is_match(text)
}

#[cfg(test)]
mod tests {
    use super::{Bill, Item, has_link};

    #[test]
    fn reads_are_billed_once_a_day_and_writes_each_time() {
        let at = |time: &str| time.parse().expect("a time");
        let mut bill = Bill::default();
        bill.set_credits(Some(40));
        for time in ["2026-03-02T10:00:00Z", "2026-03-02T23:59:59Z", "2026-03-03T00:00:00Z"] {
            bill.add(Item::PostRead, 7, at(time));
            bill.add(Item::SummonedReply, 7, at(time));
        }
        let told = bill.as_json();
        assert_eq!(told["days"]["2026-03-02"]["items"]["post_read"], 1);
        assert_eq!(told["days"]["2026-03-02"]["thousandths"], 25);
        assert_eq!(told["days"]["2026-03-03"]["thousandths"], 15);
        assert!(bill.is_out_of_credits());
        assert_eq!(bill.read_on(at("2026-03-03T12:00:00Z")), 1);
    }

    #[test]
    fn links_are_found_as_x_finds_them() {
        for link in ["see https://acme.example/x", "go to acme.app.", "acme.co.uk/help", "(status.acme.com)"] {
            assert!(has_link(link), "{link}");
        }
        for plain in ["no link", "3.5 stars", "write help@acme.example now", "well...ok", "e.g. this"] {
            assert!(!has_link(plain), "{plain}");
        }
    }
}
