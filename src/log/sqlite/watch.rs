//! Notices what other processes append, at next to no cost while they do not.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rusqlite::Connection;

use crate::log::LogError;
use crate::log::pump::{BATCH, Source};
use crate::model::{Envelope, Seq};

use super::read;
use super::writer::wal;

/// Half of the promised 100 milliseconds at most, with room for a busy machine.
const ASK_EVERY: Duration = Duration::from_millis(40);

/// Where subscriptions read: a connection of their own, and an eye on the write-ahead log.
pub(super) struct Follower {
    db: Connection,
    path: PathBuf,
    watch: Watch,
}

impl Follower {
    pub(super) fn new(db: Connection, path: &Path) -> Self {
        Self { db, path: path.to_owned(), watch: Watch { wal: wal(path), seen: None, look_again: true } }
    }
}

impl Source for Follower {
    fn after(&mut self, after: Seq) -> Result<Vec<Arc<Envelope>>, LogError> {
        read::after(&self.db, &self.path, after, BATCH)
    }

    fn may_have_grown(&mut self) -> bool {
        self.watch.has_changed()
    }

    fn ask_every(&self) -> Option<Duration> {
        Some(ASK_EVERY)
    }
}

/// Every commit writes to the write-ahead log, so its length or time changes: one `stat` instead of a query, which
/// would take and give back locks in shared memory.
///
/// File times move in steps of some milliseconds, so a second write right after the one that was seen can
/// leave them as they are. Therefore the store is read once more a turn after each change: by then the step is over,
/// and any later write changes the time again.
struct Watch {
    wal: PathBuf,
    seen: Option<(u64, Option<SystemTime>)>,
    look_again: bool,
}

impl Watch {
    fn has_changed(&mut self) -> bool {
        let now = std::fs::metadata(&self.wal).ok().map(|file| (file.len(), file.modified().ok()));
        let has_changed = now != self.seen;
        self.seen = now;
        let answer = has_changed || self.look_again;
        self.look_again = has_changed;
        // Elsewhere the length and time of a file that is open may lag behind: always look.
        answer || cfg!(not(unix))
    }
}
