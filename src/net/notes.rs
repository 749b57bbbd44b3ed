//! Something to say with a link's next report, left by whoever does not know how the link stands.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// What waits is told together up to so many bytes.
const LONGEST: usize = 1_500;

/// Words that wait for the listener.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    waiting: Mutex<Option<String>>,
    has_one: Notify,
}

impl Notes {
    fn lock(&self) -> MutexGuard<'_, Option<String>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One that still waits is told with it.
    pub(crate) fn leave(&self, note: String) {
        let mut waiting = self.lock();
        *waiting = Some(match waiting.take() {
            Some(before) if before.contains(&note) => before,
            Some(before) if before.len() + note.len() < LONGEST => format!("{before}; {note}"),
            _ => note,
        });
        drop(waiting);
        self.has_one.notify_one();
    }

    pub(crate) fn take(&self) -> Option<String> {
        self.lock().take()
    }

    /// Waits for one; dropped while it waits it has taken none. One listener asks.
    pub(crate) async fn next(&self) -> String {
        loop {
            if let Some(note) = self.take() {
                return note;
            }
            self.has_one.notified().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{LONGEST, Notes};

    #[tokio::test]
    async fn what_waits_is_told_together_once_and_not_without_end() {
        let notes = Notes::default();
        for note in ["one", "two", "one"] {
            notes.leave(note.to_owned());
        }
        assert_eq!(notes.next().await, "one; two");
        assert_eq!(notes.take(), None);
        notes.leave("x".repeat(LONGEST));
        notes.leave("the newest".to_owned());
        assert_eq!(notes.take().as_deref(), Some("the newest"));
        // Left while somebody waits.
        let (told, ()) = tokio::join!(notes.next(), async {
            tokio::task::yield_now().await;
            notes.leave("at last".to_owned());
        });
        assert_eq!(told, "at last");
    }
}
