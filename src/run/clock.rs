//! The only place that asks the time.

use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};

use crate::net::Clock;

/// The machine's own clock.
pub fn system() -> Clock {
    Arc::new(now)
}

/// What time it is.
#[expect(clippy::disallowed_methods, reason = "this is the one place that may")]
pub fn now() -> Timestamp {
    Timestamp::now()
}

/// A clock that a recording sets: it stands at the time of the newest post handed out and runs on from there
/// at the pace of the machine's, so that ages and clocks on the screen are those of the day recorded.
#[derive(Clone, Debug, Default)]
pub struct Recorded {
    /// How far the recorded time is from the machine's; nothing before the first post.
    shift: Arc<Mutex<Option<SignedDuration>>>,
}

impl Recorded {
    /// Moves the clock to `at`; it never goes back.
    pub fn reach(&self, at: Timestamp) {
        let wanted = at.duration_since(now());
        let mut shift = self.shift.lock().unwrap_or_else(PoisonError::into_inner);
        if shift.is_none_or(|shift| shift < wanted) {
            *shift = Some(wanted);
        }
    }

    pub fn clock(&self) -> Clock {
        let shift = Arc::clone(&self.shift);
        Arc::new(move || {
            let shift = *shift.lock().unwrap_or_else(PoisonError::into_inner);
            shift.and_then(|shift| now().checked_add(shift).ok()).unwrap_or_else(now)
        })
    }
}
