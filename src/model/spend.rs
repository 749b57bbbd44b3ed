//! What an account is billed for: the acts, what it may spend, and what the network itself has counted.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::id::ColumnName;
use super::price::{Money, Prices};

/// Something a network bills.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Act {
    PostRead,
    UserRead,
    DmRead,
    Count,
    Post,
    PostWithLink,
    SummonedReply,
    Dm,
}

impl Act {
    pub const ALL: [Act; 8] = [
        Act::PostRead,
        Act::UserRead,
        Act::DmRead,
        Act::Count,
        Act::Post,
        Act::PostWithLink,
        Act::SummonedReply,
        Act::Dm,
    ];

    /// What a reply of ours is billed as.
    pub fn reply(has_link: bool, is_summoned: bool) -> Self {
        match (has_link, is_summoned) {
            (true, _) => Act::PostWithLink,
            (false, true) => Act::SummonedReply,
            (false, false) => Act::Post,
        }
    }

    /// The words on the screen and in reports.
    pub fn title(self) -> &'static str {
        match self {
            Act::PostRead => "posts read",
            Act::UserRead => "profiles read",
            Act::DmRead => "DMs read",
            Act::Count => "counts asked",
            Act::Post => "posts",
            Act::PostWithLink => "posts with a link",
            Act::SummonedReply => "summoned replies",
            Act::Dm => "DMs sent",
        }
    }

    /// The key in the config's `prices`.
    pub fn key(self) -> &'static str {
        match self {
            Act::PostRead => "post_read",
            Act::UserRead => "user_read",
            Act::DmRead => "dm_read",
            Act::Count => "count",
            Act::Post => "post",
            Act::PostWithLink => "post_with_link",
            Act::SummonedReply => "summoned_reply",
            Act::Dm => "dm",
        }
    }

    /// Acts of one family on the same thing on the same day are one act: a reply told of twice, once as a plain post and
    /// once as a summoned one, was written once.
    pub fn family(self) -> u8 {
        match self {
            Act::PostRead => 0,
            Act::UserRead => 1,
            Act::DmRead => 2,
            Act::Count => 3,
            Act::Post | Act::PostWithLink | Act::SummonedReply => 4,
            Act::Dm => 5,
        }
    }
}

/// Acts of one kind at one price, for the same columns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Charge {
    pub act: Act,
    /// Of each.
    pub price: Money,
    /// The network's own ids of what was read or written. The network bills each once a day, however often it is read.
    pub what: Vec<String>,
    /// Who asked for it; the price is shared among them in equal parts. None: the account as a whole.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<ColumnName>,
}

/// What an account pays and may pay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    pub prices: Prices,
    /// A UTC day's. At it reading is paused; what was confirmed goes out all the same.
    pub daily_limit: Option<Money>,
}

/// The network's own count of what was read, as it told it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// When it was asked.
    pub asked: Timestamp,
    /// Posts read in the running period, by everything that shares the plan.
    pub used: u64,
    /// Posts the plan allows in it.
    pub cap: Option<u64>,
    /// The day of the month on which the count begins anew.
    #[serde(default)]
    pub reset_day: Option<u8>,
    /// Posts read on the UTC day of the question.
    #[serde(default)]
    pub today: Option<u64>,
}

/// What a network says of a query before it becomes a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Gauged {
    /// The network would take the rule.
    Taken,
    /// It would not, in its own words.
    Refused { why: String },
    /// So many posts matched in the last days that were counted whole.
    Counted { posts: u64, days: u64 },
}

/// What is asked about a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gauge {
    /// Whether the network takes it; costs nothing and changes nothing.
    Rule,
    /// How many posts matched in the last week; X bills the question.
    Count,
}

/// The day a network bills by: X's is that of UTC.
pub fn billed_day(at: Timestamp) -> Date {
    at.to_zoned(TimeZone::UTC).date()
}

/// When the day after `day` begins.
pub fn end_of(day: Date) -> Timestamp {
    let next = day.tomorrow().unwrap_or(day);
    next.to_zoned(TimeZone::UTC).map_or(Timestamp::MAX, |zoned| zoned.timestamp())
}

/// Splits a price among `count` takers: equal but for the last millionths, which the first ones bear, so that the parts
/// are always the whole.
pub fn shares(price: Money, count: usize) -> impl Iterator<Item = Money> {
    let count = count as u64;
    let (each, rest) = (price.0.checked_div(count).unwrap_or(0), price.0.checked_rem(count).unwrap_or(0));
    (0..count).map(move |place| Money(each + u64::from(place < rest)))
}

#[cfg(test)]
mod tests {
    use super::{Money, billed_day, end_of, shares};

    #[test]
    fn shares_are_the_whole() {
        for (price, count, first) in [(5_000, 1, 5_000), (5_000, 2, 2_500), (5_000, 3, 1_667), (2, 3, 1)] {
            let parts: Vec<Money> = shares(Money(price), count).collect();
            assert_eq!((parts.len(), parts[0]), (count, Money(first)));
            assert_eq!(parts.iter().map(|part| part.0).sum::<u64>(), price);
        }
        assert_eq!(shares(Money(5), 0).count(), 0);
    }

    #[test]
    fn days_are_those_of_utc() {
        let late: jiff::Timestamp = "2026-11-22T23:59:59.999Z".parse().expect("a time");
        let day = billed_day(late);
        assert_eq!(day.to_string(), "2026-11-22");
        assert_eq!(end_of(day).to_string(), "2026-11-23T00:00:00Z");
        assert_ne!(billed_day(end_of(day)), day);
    }
}
