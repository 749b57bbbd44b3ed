//! Notices that the machine slept: the time of day went on while the clock that times out stood still.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

/// The two clocks as they stood together last.
pub(super) struct Pulse {
    wall: Timestamp,
    pub(super) at: Instant,
}

impl Pulse {
    pub(super) fn new(wall: Timestamp) -> Self {
        Self { wall, at: Instant::now() }
    }

    /// How far the time of day went ahead of the time that passed, where that is more than `most`. A clock set back
    /// is no sleep: it only moves the marks.
    pub(super) fn jumped(&mut self, wall: Timestamp, most: Duration) -> Option<SignedDuration> {
        let passed = SignedDuration::try_from(self.at.elapsed()).unwrap_or(SignedDuration::MAX);
        let ahead = wall.duration_since(self.wall).saturating_sub(passed);
        *self = Self::new(wall);
        (ahead > SignedDuration::try_from(most).unwrap_or(SignedDuration::MAX)).then_some(ahead)
    }
}

/// Why the line is given up.
pub(super) fn words(slept: SignedDuration) -> String {
    let slept = if slept < SignedDuration::from_mins(2) {
        format!("{} s", slept.as_secs())
    } else {
        format!("{} min", slept.as_mins())
    };
    format!("the clock went ahead by {slept}: the machine was suspended, or its clock was set")
}
