//! When an answer is due, and how much of the time for it is used up. Time is an argument everywhere.

use jiff::{SignedDuration, Timestamp};

/// After this long without an answer a case is overdue, whatever its columns' targets say. Told by the wall clock:
/// whoever waits does not know our office hours.
pub const OVERDUE_AFTER: SignedDuration = SignedDuration::from_hours(24);

/// One of the clocks of a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Clock {
    /// From the time of the post that waits to our first public answer.
    First,
    /// From the customer's follow-up to our next answer.
    Next,
    /// From the first post to the end of the case.
    Resolution,
}

impl Clock {
    pub const ALL: [Clock; 3] = [Clock::First, Clock::Next, Clock::Resolution];

    /// In the config.
    pub fn word(self) -> &'static str {
        match self {
            Clock::First => "first",
            Clock::Next => "next",
            Clock::Resolution => "resolution",
        }
    }

    pub fn named(word: &str) -> Option<Clock> {
        Clock::ALL.into_iter().find(|clock| clock.word() == word)
    }
}

/// How soon, in working time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Targets {
    pub first: SignedDuration,
    pub next: SignedDuration,
    /// `None`: however long it takes.
    pub resolution: Option<SignedDuration>,
}

impl Targets {
    /// Where nothing else is known: the common limit.
    pub const LOOSEST: Targets = Targets { first: OVERDUE_AFTER, next: OVERDUE_AFTER, resolution: None };

    /// Every answer within `target`.
    pub fn within(target: SignedDuration) -> Self {
        Self { first: target, next: target, resolution: None }
    }

    /// Of each clock the shorter.
    #[must_use]
    pub fn tightened(self, other: Self) -> Self {
        let resolution = match (self.resolution, other.resolution) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
        Self { first: self.first.min(other.first), next: self.next.min(other.next), resolution }
    }

    /// For the answer that is waited for: the next one where there was a first.
    pub fn awaited(&self, has_answer: bool) -> SignedDuration {
        if has_answer { self.next } else { self.first }
    }

    pub fn of(&self, clock: Clock) -> Option<SignedDuration> {
        match clock {
            Clock::First => Some(self.first),
            Clock::Next => Some(self.next),
            Clock::Resolution => self.resolution,
        }
    }
}

/// Which clocks stand still meanwhile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stops {
    /// The case is put off.
    pub snoozed: Vec<Clock>,
    /// It is the customer's turn.
    pub waiting: Vec<Clock>,
}

impl Default for Stops {
    fn default() -> Self {
        Self { snoozed: Vec::new(), waiting: vec![Clock::Resolution] }
    }
}

/// How much of the time to answer is used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Used {
    /// Less than half.
    Little,
    Half,
    /// Four fifths.
    Most,
    /// All of the target.
    All,
    /// Overdue: 24 hours of the wall clock, or the target where that is longer.
    Overdue,
}

/// The step at which a clock stands that has run for `used` of its `target`; never [`Used::Overdue`].
pub fn used(used: SignedDuration, target: SignedDuration) -> Used {
    if used >= target {
        Used::All
    } else if used.as_millis() * 10 >= target.as_millis() * 8 {
        Used::Most
    } else if used.as_millis() * 10 >= target.as_millis() * 5 {
        Used::Half
    } else {
        Used::Little
    }
}

/// From this moment on a case is overdue that waits since `since`: the one definition, of the queue, the head of the
/// screen, the rows and the report.
pub fn overdue_at(since: Timestamp, target: SignedDuration) -> Timestamp {
    since.checked_add(OVERDUE_AFTER.max(target)).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use jiff::{SignedDuration, Timestamp};

    use super::{Targets, Used, overdue_at, used};

    #[test]
    fn the_clock_at_each_of_its_marks() {
        let hour = SignedDuration::from_hours(1);
        for (target, ran, expected) in [
            (hour, "0s", Used::Little),
            (hour, "29m59s", Used::Little),
            (hour, "30m", Used::Half),
            (hour, "47m59s", Used::Half),
            (hour, "48m", Used::Most),
            (hour, "59m59s", Used::Most),
            (hour, "60m", Used::All),
            (hour, "180000h", Used::All),
            (SignedDuration::ZERO, "0s", Used::All),
            (SignedDuration::MAX, "180000h", Used::Little),
        ] {
            let ran: SignedDuration = ran.parse().expect("a duration");
            assert_eq!(used(ran, target), expected, "{ran} of {target}");
        }
    }

    #[test]
    fn overdue_after_a_day_or_a_longer_target() {
        let since: Timestamp = "2026-11-21T14:28:01Z".parse().expect("a time");
        let hours = SignedDuration::from_hours;
        assert_eq!(overdue_at(since, hours(1)), since + hours(24));
        assert_eq!(overdue_at(since, hours(48)), since + hours(48));
        assert_eq!(overdue_at(Timestamp::MAX, hours(1)), Timestamp::MAX);
        assert_eq!(overdue_at(since, SignedDuration::MAX), Timestamp::MAX);
    }

    #[test]
    fn of_two_columns_the_shorter_target_of_each_clock_holds() {
        let (minutes, days) = (SignedDuration::from_mins, |days: i64| Some(SignedDuration::from_hours(24 * days)));
        let one = Targets { first: minutes(15), next: minutes(60), resolution: None };
        let other = Targets { first: minutes(30), next: minutes(20), resolution: days(2) };
        assert_eq!(one.tightened(other), Targets { first: minutes(15), next: minutes(20), resolution: days(2) });
        assert_eq!(other.tightened(Targets { resolution: days(1), ..one }).resolution, days(1));
    }
}
