//! When to draw: at once after a key, about ten times a second while posts pour in, and only when something
//! changed. Keys are drawn every 16 ms at most; a frame that brought posts does not make a key wait.

use std::time::Duration;

use tokio::time::Instant;

/// The shortest time between two frames for keys.
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
    last_for_key: Instant,
    due: Option<Instant>,
    due_for_key: bool,
}

impl Pace {
    /// `now` is when the first frame may be drawn.
    pub fn new(now: Instant) -> Self {
        let last = now.checked_sub(CALM).unwrap_or(now);
        Self { last, last_for_key: last, due: None, due_for_key: false }
    }

    pub fn request(&mut self, reason: Reason, now: Instant) {
        let earliest = match reason {
            Reason::Key => self.last_for_key + SHORTEST,
            Reason::News => self.last + CALM,
        };
        let wanted = earliest.max(now);
        self.due_for_key |= reason == Reason::Key;
        self.due = Some(self.due.map_or(wanted, |due| due.min(wanted)));
    }

    pub fn drawn(&mut self, now: Instant) {
        self.last = now;
        if std::mem::take(&mut self.due_for_key) {
            self.last_for_key = now;
        }
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
        let soon = start + SHORTEST / 4;
        pace.request(Reason::Key, soon);
        assert_eq!(pace.due(), Some(soon), "a key overtakes the posts and waits for none of their frames");
        pace.drawn(soon);

        pace.request(Reason::Key, soon);
        assert_eq!(pace.due(), Some(soon + SHORTEST), "two keys at once share a frame");
        pace.drawn(soon + SHORTEST);

        pace.request(Reason::News, soon + SHORTEST);
        assert_eq!(pace.due(), Some(soon + SHORTEST + CALM), "posts wait after a key as well");
    }
}
