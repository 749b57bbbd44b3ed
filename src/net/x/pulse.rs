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

/// Notices that this program itself stood still: suspended to the shell, stopped, starved. Both clocks go on then, and
/// what waited in the line meanwhile proves nothing of that time: the network may have hung up behind it.
pub(super) struct Standstill {
    turned: Instant,
    fresh_from: Instant,
}

/// A turn may come so much later than the pulse without meaning anything.
const LATE: Duration = Duration::from_secs(2);
/// So long after a standstill bytes may still be old ones.
const DRAINED: Duration = Duration::from_secs(1);

impl Standstill {
    pub(super) fn new() -> Self {
        let now = Instant::now();
        Self { turned: now, fresh_from: now }
    }

    /// Told at every turn of the loop, of which there is one every `pulse` at least. Whether bytes read now were sent
    /// now.
    pub(super) fn turn(&mut self, pulse: Duration) -> bool {
        let now = Instant::now();
        if now.duration_since(self.turned) > pulse + LATE {
            self.fresh_from = now + DRAINED;
        }
        self.turned = now;
        now >= self.fresh_from
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
