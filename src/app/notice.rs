//! What the rep is told in passing.

use jiff::{SignedDuration, Timestamp};

/// So many notices are kept for reading again.
pub const KEPT: usize = 100;

/// So long a notice of weight Info is shown at least.
const SHOWN_FOR: SignedDuration = SignedDuration::from_secs(5);

/// Of more letters than these, each so many cost a second more: people read 15 to 20 a second.
const READ_IN_TIME: usize = 75;
const LETTERS_A_SECOND: usize = 15;

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

    /// So long it is shown where no key has to be pressed: as long as reading it takes.
    pub fn shown_for(&self) -> SignedDuration {
        let more = self.text.chars().count().saturating_sub(READ_IN_TIME).div_ceil(LETTERS_A_SECOND);
        SHOWN_FOR + SignedDuration::from_secs(i64::try_from(more).unwrap_or(i64::MAX).min(60))
    }
}

#[cfg(test)]
mod tests {
    use jiff::{SignedDuration, Timestamp};

    use super::{Notice, Weight};

    #[test]
    fn a_long_notice_stands_long_enough_to_be_read() {
        let of = |letters: usize| Notice::new(Timestamp::UNIX_EPOCH, Weight::Info, "x".repeat(letters)).shown_for();
        assert_eq!(of(10), SignedDuration::from_secs(5));
        assert_eq!(of(75), SignedDuration::from_secs(5));
        assert_eq!(of(76), SignedDuration::from_secs(6));
        assert_eq!(of(225), SignedDuration::from_secs(15));
        assert_eq!(of(100_000), SignedDuration::from_secs(65));
    }
}
