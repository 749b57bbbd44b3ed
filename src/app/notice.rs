//! What the rep is told in passing.

use jiff::{SignedDuration, Timestamp};

/// So many notices are kept for reading again.
pub const KEPT: usize = 100;

/// So long a notice of weight Info is shown.
pub const SHOWN_FOR: SignedDuration = SignedDuration::from_secs(5);

/// One line at the foot of the screen; also written to the log file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    pub at: Timestamp,
    pub weight: Weight,
    pub text: String,
}

/// How loud a notice is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// Gone after a few seconds.
    Info,
    /// Stays until a key is pressed.
    Warning,
    /// Stays until a key is pressed; something did not work.
    Error,
}

impl Notice {
    pub fn new(at: Timestamp, weight: Weight, text: impl Into<String>) -> Self {
        Self { at, weight, text: text.into() }
    }
}
