//! The state of a connection to a network, told honestly.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::id::{AccountName, ColumnName, RepName};

/// A stream's state. Times are when the state began or ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LinkState {
    Connecting,
    Live,
    /// Nothing, not even a keep-alive, for longer than the network promises.
    Stale,
    /// Waiting before the next attempt.
    BackingOff {
        until: Timestamp,
        why: String,
    },
    /// Nothing is read before `until`, by our own choice: the day's money is spent.
    Paused {
        until: Timestamp,
        why: String,
    },
    /// There was an end to it, and it was reached: a recording was played. Nothing is wrong, and nothing more comes.
    Ended {
        what: String,
    },
    /// Given up until somebody does something; `why` holds the network's own words and the remedy.
    Down {
        why: String,
        remedy: String,
    },
}

impl LinkState {
    /// The word on the screen and in the log file.
    pub fn word(&self) -> &'static str {
        match self {
            LinkState::Connecting => "connecting",
            LinkState::Live => "live",
            LinkState::Stale => "stale",
            LinkState::BackingOff { .. } => "backing off",
            LinkState::Paused { .. } => "paused",
            LinkState::Ended { .. } => "ended",
            LinkState::Down { .. } => "down",
        }
    }
}

/// How a gap ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GapFill {
    /// The missing stretch was read in full; so many posts were new.
    Filled { posts: u64 },
    /// It could not be read, or only in part; the reason in words.
    NotFilled { why: String },
}

/// A run of the program that was killed or hung up: its rep did not quit and has not come back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GoneSession {
    pub rep: RepName,
    pub started: Timestamp,
    /// When it was last seen alive.
    pub ended: Timestamp,
}

/// How the one connection of an account stands.
#[derive(Clone, Debug, PartialEq)]
pub struct LinkReport {
    pub account: AccountName,
    pub state: LinkState,
    /// When the last byte came, keep-alives included. Reported at most once a second while bytes come.
    pub last_byte: Option<Timestamp>,
    /// One line for the connection log where there is something to say.
    pub note: Option<String>,
    /// The note tells what is well.
    pub is_calm: bool,
    /// Columns that hear nothing because the network, or its grammar, refused their rules, and why.
    pub refused: Vec<(ColumnName, String)>,
}
