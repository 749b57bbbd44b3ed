//! When to draw: at once after a key, about ten times a second while posts pour in, never more often than
//! every 16 ms, and only when something changed.

use std::time::Duration;

use tokio::time::Instant;

/// The shortest time between two frames.
const SHORTEST: Duration = Duration::from_millis(16);
/// The time between two frames that only bring posts: bytes, not work, are what a slow line is short of.
const CALM: Duration = Duration::from_millis(100);

/// What asks for a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The rep did something and waits for it to show.
    Key,
    /// Something came in or a clock moved on.
    News,
}

/// The next frame's time.
#[derive(Debug)]
pub struct Pace {
    last: Instant,
    due: Option<Instant>,
}

impl Pace {
    /// `now` is when the first frame may be drawn.
    pub fn new(now: Instant) -> Self {
        Self { last: now.checked_sub(CALM).unwrap_or(now), due: None }
    }

    pub fn request(&mut self, reason: Reason, now: Instant) {
        let pause = match reason {
            Reason::Key => SHORTEST,
            Reason::News => CALM,
        };
        let wanted = (self.last + pause).max(now);
        self.due = Some(self.due.map_or(wanted, |due| due.min(wanted)));
    }

    pub fn drawn(&mut self, now: Instant) {
        self.last = now;
        self.due = None;
    }

    /// When the next frame is due; nothing while nothing changed.
    pub fn due(&self) -> Option<Instant> {
        self.due
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::{CALM, Pace, Reason, SHORTEST};

    #[test]
    fn a_key_is_drawn_at_once_and_posts_wait_for_each_other() {
        let start = Instant::now();
        let mut pace = Pace::new(start);
        assert_eq!(pace.due(), None, "nothing changed, nothing is drawn");

        pace.request(Reason::News, start);
        assert_eq!(pace.due(), Some(start));
        pace.drawn(start);

        pace.request(Reason::News, start);
        assert_eq!(pace.due(), Some(start + CALM));
        pace.request(Reason::Key, start + SHORTEST * 2);
        assert_eq!(pace.due(), Some(start + SHORTEST * 2), "a key overtakes the posts");
        pace.drawn(start + SHORTEST * 2);

        pace.request(Reason::Key, start + SHORTEST * 2);
        assert_eq!(pace.due(), Some(start + SHORTEST * 3), "two keys at once share a frame");
    }
}
