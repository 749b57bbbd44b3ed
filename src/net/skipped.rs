//! Counts what a stream brings and nobody can read, so that a flood of it is one word now and then and drowns nothing.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

/// What was passed over and of which nothing was said yet.
#[derive(Debug, Default)]
pub(crate) struct Skipped {
    counts: BTreeMap<&'static str, u64>,
    /// Why the last of them was.
    last: String,
    told: Option<Timestamp>,
}

impl Skipped {
    /// One more; `what` goes on after a number: `that cannot be read`.
    pub(crate) fn count(&mut self, what: &'static str, why: &str) {
        *self.counts.entry(what).or_default() += 1;
        why.clone_into(&mut self.last);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }

    /// Nothing was said for so long.
    pub(crate) fn is_due(&self, now: Timestamp, every: Duration) -> bool {
        self.told.is_none_or(|told| now.duration_since(told).unsigned_abs() >= every)
    }

    /// `2 of a kind this version does not know, 1 that cannot be read (last: …)`; counting starts anew. `None` where
    /// nothing was passed over; it is noted all the same that something was said now.
    pub(crate) fn take(&mut self, now: Timestamp) -> Option<String> {
        self.told = Some(now);
        let counts = std::mem::take(&mut self.counts);
        let told: Vec<String> = counts.iter().map(|(what, count)| format!("{count} {what}")).collect();
        (!told.is_empty()).then(|| format!("{} (last: {})", told.join(", "), self.last))
    }

    /// The same, at most once in `every`.
    pub(crate) fn due(&mut self, now: Timestamp, every: Duration) -> Option<String> {
        if self.is_due(now, every) { self.take(now) } else { None }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jiff::{SignedDuration, Timestamp};

    use super::Skipped;

    #[test]
    fn a_flood_is_one_word_a_beat_and_none_is_left_out_of_the_count() {
        let (beat, start) = (Duration::from_secs(1), Timestamp::UNIX_EPOCH);
        let at = |ms: i64| start + SignedDuration::from_millis(ms);
        let mut skipped = Skipped::default();
        assert_eq!(skipped.due(start, beat), None, "nothing was passed over");
        let mut skipped_again = Skipped::default();
        skipped_again.count("broken", "the first");
        assert_eq!(skipped_again.due(start, beat).as_deref(), Some("1 broken (last: the first)"));
        skipped = skipped_again;
        for why in ["a", "b"] {
            skipped.count("broken", why);
        }
        skipped.count("unknown", "c");
        assert_eq!(skipped.due(at(999), beat), None, "too soon");
        assert_eq!(skipped.due(at(1_000), beat).as_deref(), Some("2 broken, 1 unknown (last: c)"));
        assert!(skipped.is_empty());
        // A clock that was set back says nothing more often than the beat allows, and goes on.
        skipped.count("broken", "d");
        assert_eq!(skipped.due(at(500), beat), None);
        assert!(skipped.due(at(-5_000), beat).is_some());
    }
}
