//! When an answer is due. Time is an argument everywhere.

use jiff::{SignedDuration, Timestamp};

/// After this long without an answer a case is overdue, whatever its column's target says.
pub const OVERDUE_AFTER: SignedDuration = SignedDuration::from_hours(24);

/// How much of the time to answer is used up. The clock starts at the post's own time, not at its arrival;
/// a post dated in the future has used up nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Used {
    /// Less than half.
    Little,
    Half,
    /// Four fifths.
    Most,
    /// All of the column's target.
    All,
    /// Overdue: 24 hours, or the target where that is longer.
    Overdue,
}

/// Reads the clock of a case that has waited `since` and should be answered within `target`.
pub fn used(since: Timestamp, target: SignedDuration, now: Timestamp) -> Used {
    let waited = now.duration_since(since).max(SignedDuration::ZERO);
    let overdue = OVERDUE_AFTER.max(target);
    if waited >= overdue {
        Used::Overdue
    } else if waited >= target {
        Used::All
    } else if waited.as_millis() * 10 >= target.as_millis() * 8 {
        Used::Most
    } else if waited.as_millis() * 10 >= target.as_millis() * 5 {
        Used::Half
    } else {
        Used::Little
    }
}
