//! The first figures: what was seen, answered and resolved in a span, by column, rep, cause and hour.
//!
//! A report reads the log, not the desk: the desk forgets, the log does not. [`Reckoning`] folds the envelopes of
//! the span, one after the other and without their texts, and [`Reckoning::report`] counts what it knows then. Both
//! are pure; the command and the screen use the same. What is held meanwhile grows with the cases and posts of the
//! span, not with the log.
//!
//! What each word counts, as `replydeck report --help` and the screen tell it:
//!
//! ```text
#![doc = include_str!("definitions.txt")]
//! ```

mod case;
mod count;
mod reckon;
pub mod span;
pub mod table;

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use crate::model::sla::Targets;
use crate::model::{Account, Body, BodyId, CaseId, ColumnName, OfficeHours, Post, PostId, RepName, Role};

pub use reckon::Reckoning;

/// The words above, for help and the screen.
pub const DEFINITIONS: &str = include_str!("definitions.txt");

/// The form of the report as JSON; a change of what a field means makes a new one.
pub const VERSION: u32 = 2;

/// So many examples of a cause are named.
pub const EXAMPLES: usize = 3;

/// What is to be reported, and for whom.
#[derive(Clone, Debug, PartialEq)]
pub struct Terms {
    /// The first moment of the span; `None`: every case there is.
    pub since: Option<Timestamp>,
    /// The first moment after it; `None`: up to the last case there is.
    pub until: Option<Timestamp>,
    /// When the report is made: until now an unanswered case has waited.
    pub now: Timestamp,
    /// Hours of the day are told in it.
    pub zone: TimeZone,
    /// Each column's times to answer; the columns are in the report whether or not they saw anything.
    pub targets: BTreeMap<ColumnName, Targets>,
    /// All times are measured in it.
    pub hours: OfficeHours,
    pub eyes: Eyes,
    /// On whose networks' pages the posts are shown ([`Post::page`]).
    pub accounts: Vec<Account>,
}

impl Terms {
    /// How much working time somebody has waited between two moments; never less than nothing.
    fn waited(&self, from: Timestamp, to: Timestamp) -> SignedDuration {
        self.hours.worked(from, to).max(SignedDuration::ZERO)
    }

    /// The clock in words.
    fn clock(&self) -> &'static str {
        if self.hours.is_always() { "around the clock" } else { "in office hours" }
    }

    fn holds(&self, at: Timestamp) -> bool {
        self.since.is_none_or(|since| since <= at) && self.until.is_none_or(|until| at < until)
    }

    /// The tightest of these columns.
    fn targets_of<'a>(&self, columns: impl IntoIterator<Item = &'a ColumnName>) -> Targets {
        let targets = columns.into_iter().filter_map(|column| self.targets.get(column)).copied();
        targets.reduce(Targets::tightened).unwrap_or(Targets::LOOSEST)
    }
}

/// Whose figures the reader may see, beside what the whole team did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Eyes {
    /// A lead's: every rep's.
    All,
    /// A rep's: their own.
    Own(RepName),
    /// A watcher's: nobody's.
    Team,
}

impl Eyes {
    pub fn of(role: Role, me: &RepName) -> Self {
        match role {
            Role::Lead => Eyes::All,
            Role::Rep => Eyes::Own(me.clone()),
            Role::Watcher => Eyes::Team,
        }
    }

    /// Whether they may see the row of `rep`; `None` stands for answers typed elsewhere.
    fn may_see(&self, rep: Option<&RepName>) -> bool {
        match self {
            Eyes::All => true,
            Eyes::Own(me) => rep == Some(me),
            Eyes::Team => false,
        }
    }
}

/// All figures of a span. Times are whole milliseconds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    pub version: u32,
    pub since: Option<Timestamp>,
    pub until: Option<Timestamp>,
    /// When it was made.
    pub at: Timestamp,
    /// The zone of the hours, by its name where it has one.
    pub zone: String,
    /// What the times are measured in.
    pub clock: &'static str,
    /// Events read for it.
    pub events: u64,
    pub total: Figures,
    /// How the cases of the span stand when it is made.
    pub now: Standing,
    pub columns: Vec<ColumnFigures>,
    pub hours: Vec<HourFigures>,
    /// As many as its reader may see.
    pub reps: Vec<RepFigures>,
    /// `false`: reps are left out who are not the reader.
    pub all_reps: bool,
    pub causes: Vec<CauseFigures>,
}

/// What is counted of any set of cases.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Figures {
    pub seen: u64,
    pub answered: u64,
    pub answered_percent: Option<u64>,
    pub posts: u64,
    /// Times to the first answer.
    pub first: Option<Spread>,
    pub overdue: u64,
    pub resolved: u64,
    /// Times to the resolution.
    pub resolution: Option<Spread>,
    pub at_once: u64,
    pub reopened: u64,
    pub turned_round: u64,
}

/// What is counted of the cases as they stand: the same two counts that the deck's head shows of all its cases.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Standing {
    pub new: u64,
    pub overdue: u64,
}

/// Two times out of many.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Spread {
    pub median_ms: u64,
    pub p90_ms: u64,
}

/// The cases of one column.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ColumnFigures {
    pub column: ColumnName,
    #[serde(flatten)]
    pub figures: Figures,
}

/// The cases begun in one hour of the day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HourFigures {
    /// From 0 to 23.
    pub hour: u8,
    #[serde(flatten)]
    pub figures: Figures,
}

/// One rep's work on the cases.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RepFigures {
    /// `None`: answers that were not sent from here.
    pub rep: Option<RepName>,
    pub claimed: u64,
    pub answered: u64,
    pub first: Option<Spread>,
    pub overdue: u64,
    pub replies: u64,
    pub resolved: u64,
    pub at_once: u64,
    pub reopened: u64,
    pub turned_round: u64,
}

/// One cause and what it cost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CauseFigures {
    /// `None`: resolved without one.
    pub cause: Option<String>,
    pub cases: u64,
    pub minutes: u64,
    pub reopened: u64,
    pub reopened_percent: Option<u64>,
    pub examples: Vec<Example>,
}

/// A case a cause is seen in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Example {
    pub case: CaseId,
    /// Its first post.
    pub post: PostId,
    pub minutes: u64,
    /// The post's page; `None` where its text was erased.
    pub page: Option<String>,
    /// The post's words, for the screen: a file that leaves the program must not keep what may be erased here.
    #[serde(skip)]
    pub words: Option<String>,
}

impl Report {
    /// No case began in the span.
    pub fn is_empty(&self) -> bool {
        self.total.seen == 0
    }

    /// The texts that [`Report::supply`] takes.
    pub fn wanted(&self) -> Vec<BodyId> {
        let examples = self.causes.iter().flat_map(|cause| &cause.examples);
        examples.map(|example| BodyId::post(&example.post)).collect()
    }

    /// Puts in what the store has of the examples.
    pub fn supply(&mut self, found: &[(BodyId, Body)], accounts: &[Account]) {
        let posts: BTreeMap<&PostId, &Post> = found
            .iter()
            .filter_map(|(_, body)| match body {
                Body::Post(post) => Some((&post.id, &**post)),
                _ => None,
            })
            .collect();
        for example in self.causes.iter_mut().flat_map(|cause| &mut cause.examples) {
            if let Some(post) = posts.get(&example.post) {
                example.page = Some(post.page(accounts));
                example.words = Some(post.text.clone());
            }
        }
    }
}

/// Whole percent, the nearest; but 100 means all of them and 0 none. `None` of nothing.
pub fn percent(part: u64, whole: u64) -> Option<u64> {
    let (share, half) = (u128::from(part) * 100, u128::from(whole) / 2);
    let nearest = (share + half).checked_div(u128::from(whole)).and_then(|share| u64::try_from(share).ok())?;
    Some(match part {
        0 => 0,
        part if part >= whole => nearest,
        _ => nearest.clamp(1, 99),
    })
}
