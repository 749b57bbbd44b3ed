//! Simulated time: the clock that was handed in, run faster and moved forward.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

/// Tells the real time.
pub type RealClock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Simulated time. With speed 1 and no jump it is the real time.
pub(super) struct SimClock {
    real: RealClock,
    anchor_real: Timestamp,
    anchor: Timestamp,
    speed: f64,
}

impl fmt::Debug for SimClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimClock").field("anchor", &self.anchor).field("speed", &self.speed).finish_non_exhaustive()
    }
}

impl SimClock {
    pub(super) fn new(real: RealClock, speed: f64) -> Self {
        let start = real();
        Self { real, anchor_real: start, anchor: start, speed }
    }

    pub(super) fn real(&self) -> Timestamp {
        (self.real)()
    }

    pub(super) fn now(&self) -> Timestamp {
        // A real clock that was set back stands still here: nothing simulated happens twice.
        let passed = self.real().duration_since(self.anchor_real).as_secs_f64().max(0.0) * self.speed;
        self.anchor.saturating_add(seconds(passed)).unwrap_or(Timestamp::MAX)
    }

    /// Takes over a handed-in clock that was set back; the new time where it was.
    pub(super) fn follow_back(&mut self) -> Option<Timestamp> {
        let real = self.real();
        (real < self.anchor_real).then(|| {
            self.anchor_real = real;
            self.anchor = real;
            real
        })
    }

    pub(super) fn speed(&self) -> f64 {
        self.speed
    }

    pub(super) fn set_speed(&mut self, speed: f64) {
        self.anchor = self.now();
        self.anchor_real = self.real();
        self.speed = speed;
    }

    pub(super) fn jump(&mut self, by: SignedDuration) {
        self.anchor = self.anchor.saturating_add(by).unwrap_or(Timestamp::MAX);
    }

    /// How long to wait, in real time, until simulated time reaches `at`.
    pub(super) fn until(&self, at: Timestamp) -> Duration {
        let ahead = at.duration_since(self.now()).as_secs_f64().max(0.0) / self.speed;
        Duration::try_from_secs_f64(ahead).unwrap_or(Duration::MAX)
    }
}

/// A duration from seconds, to the millisecond; the scenario works in nothing finer.
pub(super) fn seconds(seconds: f64) -> SignedDuration {
    SignedDuration::try_from_secs_f64((seconds * 1000.0).round() / 1000.0).unwrap_or(SignedDuration::MAX)
}
