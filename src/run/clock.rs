//! The only place that asks the time.

use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};

use crate::net::Clock;

/// The machine's own clock; in a rehearsal ([`REHEARSAL`]) the rehearsal's.
pub fn system() -> Clock {
    match rehearsal() {
        Ok(Some(rehearsal)) => Arc::new(move || rehearsal.at(now())),
        // A wrong one is refused before anything begins.
        Ok(None) | Err(_) => Arc::new(now),
    }
}

/// The environment variable under which every process of a rehearsal finds the same clock, so that a shift of hours is
/// played in minutes: `2026-11-22T04:00:00Z x60` runs 60 times as fast as the machine's from that moment on, `x0`
/// stands still at it. For simulators on this machine only ([`crate::cli`] refuses it with any other account): what
/// is written to the log bears its times.
pub const REHEARSAL: &str = "REPLYDECK_REHEARSAL_CLOCK";

/// Time that passes at a pace of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rehearsal {
    from: Timestamp,
    pace: i32,
}

impl Rehearsal {
    fn at(self, real: Timestamp) -> Timestamp {
        let passed = real.duration_since(self.from).saturating_mul(self.pace);
        self.from.saturating_add(passed).unwrap_or(Timestamp::MAX)
    }
}

impl FromStr for Rehearsal {
    type Err = String;

    fn from_str(words: &str) -> Result<Self, String> {
        let parsed = words.split_once(" x").and_then(|(from, pace)| {
            let pace = pace.parse().ok().filter(|pace| (0..=10_000).contains(pace))?;
            Some(Self { from: from.parse().ok()?, pace })
        });
        parsed.ok_or_else(|| {
            format!("{REHEARSAL} is no clock: {words:?}; write a time and a pace, such as 2026-11-22T04:00:00Z x60")
        })
    }
}

/// The clock of the rehearsal this process is part of, if it is.
pub fn rehearsal() -> Result<Option<Rehearsal>, String> {
    match std::env::var(REHEARSAL) {
        Ok(words) => words.parse().map(Some),
        Err(std::env::VarError::NotPresent) => Ok(None),
        Err(std::env::VarError::NotUnicode(_)) => Err(format!("{REHEARSAL} is no text")),
    }
}

/// What time it is.
#[expect(clippy::disallowed_methods, reason = "this is the one place that may")]
pub fn now() -> Timestamp {
    Timestamp::now()
}

/// So far a single post moves the recorded clock on.
const BELIEVED: SignedDuration = SignedDuration::from_hours(24);

/// A clock that a recording sets: it stands at the time of the newest post handed out and runs on from there
/// at the pace of the machine's, so that ages and clocks on the screen are those of the day recorded.
#[derive(Clone, Debug, Default)]
pub struct Recorded {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    /// How far the recorded time is from the machine's; nothing before the first post.
    shift: Option<SignedDuration>,
    /// No post moves the clock.
    is_held: bool,
    /// The first post, while it is the only one.
    only: Option<Timestamp>,
    /// A post too far ahead to be believed alone.
    doubted: Option<Timestamp>,
}

impl Recorded {
    /// Moves the clock to `at`; it never goes back, and does not jump while it is held.
    ///
    /// One wrong date must not put every case years overdue: a post more than `BELIEVED` ahead moves the clock only
    /// when the next one says the same, and a first post that the second contradicts is taken back.
    pub fn reach(&self, at: Timestamp) {
        let wanted = at.duration_since(now());
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.is_held {
            return;
        }
        let Some(shift) = state.shift else {
            state.shift = Some(wanted);
            state.only = Some(at);
            return;
        };
        // Columns hand out the same post several times: it does not agree with itself.
        if state.only == Some(at) || state.doubted == Some(at) {
            return;
        }
        let is_back = state.only.take().is_some() && wanted < shift.saturating_sub(BELIEVED);
        let agrees = state.doubted.is_some_and(|doubted| at.duration_since(doubted).abs() <= BELIEVED);
        if is_back || (wanted > shift && (wanted <= shift.saturating_add(BELIEVED) || agrees)) {
            state.shift = Some(wanted);
            state.doubted = None;
        } else {
            state.doubted = (wanted > shift).then_some(at);
        }
    }

    /// From `from` on, which this clock told a moment ago, it runs at the machine's pace alone: posts that came
    /// since are taken back, or a wait that began at `from` would be over before it could be seen.
    pub fn hold(&self, from: Timestamp) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.is_held = true;
        // Before the first post it is the machine's own time.
        if state.shift.is_some() {
            state.shift = Some(from.duration_since(now()));
        }
    }

    /// Posts move the clock again.
    pub fn release(&self) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).is_held = false;
    }

    pub fn clock(&self) -> Clock {
        let state = Arc::clone(&self.state);
        Arc::new(move || {
            let shift = state.lock().unwrap_or_else(PoisonError::into_inner).shift;
            shift.and_then(|shift| now().checked_add(shift).ok()).unwrap_or_else(now)
        })
    }
}

#[cfg(test)]
mod tests {
    use jiff::{SignedDuration, Timestamp};

    use super::{Recorded, Rehearsal};

    #[test]
    fn a_rehearsal_has_its_own_pace_from_a_moment_on() {
        let from: Timestamp = "2026-11-22T04:00:00Z".parse().unwrap();
        let later = from + SignedDuration::from_secs(90);
        for (words, told) in
            [("x60", "2026-11-22T05:30:00Z"), ("x1", "2026-11-22T04:01:30Z"), ("x0", "2026-11-22T04:00:00Z")]
        {
            let rehearsal: Rehearsal = format!("2026-11-22T04:00:00Z {words}").parse().unwrap();
            assert_eq!(rehearsal.at(later), told.parse().unwrap(), "{words}");
        }
        for bad in
            ["", "x60", "2026-11-22T04:00:00Z", "2026-11-22T04:00:00Z x-1", "2026-11-22T04:00:00Z x1e9", "now x2"]
        {
            assert!(bad.parse::<Rehearsal>().is_err(), "{bad}");
        }
    }

    #[test]
    fn one_wrong_date_is_not_believed_and_two_that_agree_are() {
        let at: Timestamp = "2015-02-17T08:00:00Z".parse().unwrap();
        let far: Timestamp = "2099-01-01T00:00:00Z".parse().unwrap();
        let hour = SignedDuration::from_hours(1);
        let is_about = |recorded: &Recorded, wanted: Timestamp| {
            let told = recorded.clock()();
            assert!(told.duration_since(wanted).abs() < SignedDuration::from_mins(10), "{told} is not {wanted}");
        };
        let recorded = Recorded::default();
        recorded.reach(at);
        recorded.reach(far);
        recorded.reach(far);
        is_about(&recorded, at);
        recorded.reach(at + hour);
        is_about(&recorded, at + hour);
        // The other column has it later.
        recorded.reach(far);
        is_about(&recorded, at + hour);
        // A recording that really goes on days later.
        let later = at + hour * 100;
        recorded.reach(later);
        is_about(&recorded, at + hour);
        recorded.reach(later + hour);
        is_about(&recorded, later + hour);
        // The wrong one comes first.
        let recorded = Recorded::default();
        recorded.reach(far);
        recorded.reach(far);
        recorded.reach(at);
        is_about(&recorded, at);
    }

    #[test]
    fn a_hold_is_as_long_as_it_is_whatever_posts_come() {
        let recorded = Recorded::default();
        let clock = recorded.clock();
        let at: Timestamp = "2015-02-17T08:00:00Z".parse().unwrap();
        let later = at + SignedDuration::from_hours(3);
        let is_about = |wanted: Timestamp| clock().duration_since(wanted).abs() < SignedDuration::from_mins(10);
        recorded.reach(at);
        assert!(is_about(at));
        // A post slips in between the key and the hold.
        let key = clock();
        recorded.reach(later);
        recorded.hold(key);
        recorded.reach(later);
        assert!(is_about(at), "{}", clock());
        recorded.release();
        recorded.reach(later);
        assert!(is_about(later));
        recorded.reach(at);
        assert!(is_about(later), "it never goes back");
    }
}
