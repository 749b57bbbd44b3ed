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

#[cfg(test)]
mod tests {
    use jiff::{SignedDuration, Timestamp};

    use super::{Used, used};

    #[test]
    fn the_clock_at_each_of_its_marks() {
        let since: Timestamp = "2026-11-21T14:28:01Z".parse().expect("a time");
        let (hour, two_days) = (SignedDuration::from_hours(1), SignedDuration::from_hours(48));
        for (target, waited, expected) in [
            (hour, "-9000h", Used::Little),
            (hour, "-1s", Used::Little),
            (hour, "0s", Used::Little),
            (hour, "29m59s", Used::Little),
            (hour, "30m", Used::Half),
            (hour, "47m59s", Used::Half),
            (hour, "48m", Used::Most),
            (hour, "59m59s", Used::Most),
            (hour, "60m", Used::All),
            (hour, "23h59m59s", Used::All),
            (hour, "24h", Used::Overdue),
            (hour, "180000h", Used::Overdue),
            (two_days, "24h", Used::Half),
            (two_days, "47h59m59s", Used::Most),
            (two_days, "48h", Used::Overdue),
            (SignedDuration::ZERO, "0s", Used::All),
        ] {
            let waited: SignedDuration = waited.parse().expect("a duration");
            let now = since.checked_add(waited).expect("within time");
            assert_eq!(used(since, target, now), expected, "{waited} of {target}");
        }
    }

    #[test]
    fn the_ends_of_time_are_no_trouble() {
        let (first, last) = (Timestamp::MIN, Timestamp::MAX);
        assert_eq!(used(last, SignedDuration::from_hours(1), first), Used::Little);
        assert_eq!(used(first, SignedDuration::from_hours(1), last), Used::Overdue);
        assert_eq!(used(first, SignedDuration::MAX, last), Used::Little);
    }
}
