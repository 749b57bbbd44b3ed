//! Notices what other processes append, at next to no cost while they do not.
//!
//! Every commit writes to the write-ahead log. On Linux the kernel tells of that, so an idle store does nothing
//! but look once a second for safety. Elsewhere, or where the kernel refuses, the file's length and time are
//! asked for often enough to keep the promise.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;
use std::time::{Duration, SystemTime};

use notify::{RecommendedWatcher, RecursiveMode, Watcher as _};
use rusqlite::Connection;

use crate::log::LogError;
use crate::log::pump::{BATCH, Signal, Source};
use crate::model::{Envelope, Seq};

use super::Options;
use super::read;
use super::writer::wal;

/// Without the kernel's help: less than half of the promised 100 milliseconds, with room for a busy machine.
const ASK_EVERY: Duration = Duration::from_millis(40);

/// With it: only for the case that a message was lost.
const SAFETY: Duration = Duration::from_secs(1);

/// The file is written before the commit can be seen, and between the two the writer may wait for the disk. So
/// after each message the store is read several times, this far apart.
const SOON: Duration = Duration::from_millis(20);
const TIMES: u32 = 10;

/// Where subscriptions read: a connection of their own, and an eye on the write-ahead log.
pub(super) struct Follower {
    db: Connection,
    path: PathBuf,
    watch: Watch,
}

impl Follower {
    pub(super) fn new(db: Connection, path: &Path, options: Options, signals: Sender<Signal>) -> Self {
        let told = if options.asks_kernel { Told::new(&wal(path), signals) } else { None };
        let watch = match told {
            Some(told) => Watch::Told(told),
            None => Watch::Asking { wal: wal(path), seen: None, look_again: true },
        };
        Self { db, path: path.to_owned(), watch }
    }
}

impl Source for Follower {
    fn after(&mut self, after: Seq) -> Result<Vec<Arc<Envelope>>, LogError> {
        read::after(&self.db, &self.path, after, BATCH)
    }

    fn may_have_grown(&mut self) -> bool {
        match &mut self.watch {
            Watch::Told(told) => {
                if told.is_written.swap(false, Ordering::AcqRel) {
                    told.looks_left = TIMES;
                } else {
                    told.looks_left = told.looks_left.saturating_sub(1);
                }
                // A turn that came from neither is the safety look.
                true
            }
            Watch::Asking { wal, seen, look_again } => {
                let now = std::fs::metadata(wal).ok().map(|file| (file.len(), file.modified().ok()));
                let has_changed = now != *seen;
                *seen = now;
                // File times move in steps of some milliseconds, so a second write right after the one that was
                // seen can leave them as they are, and what was seen may not be committed yet: once more.
                let answer = has_changed || *look_again;
                *look_again = has_changed;
                // Where the length and time of an open file may lag behind, always look.
                answer || cfg!(not(unix))
            }
        }
    }

    fn ask_every(&self) -> Option<Duration> {
        Some(match &self.watch {
            Watch::Told(told) if told.looks_left > 0 => SOON,
            Watch::Told(_) => SAFETY,
            Watch::Asking { .. } => ASK_EVERY,
        })
    }
}

enum Watch {
    /// The kernel tells.
    Told(Told),
    /// We ask.
    Asking { wal: PathBuf, seen: Option<(u64, Option<SystemTime>)>, look_again: bool },
}

struct Told {
    /// Set with the message, cleared when the store is read: one message is enough for many writes.
    is_written: Arc<AtomicBool>,
    looks_left: u32,
    /// Stops watching when dropped.
    _watcher: RecommendedWatcher,
}

impl Told {
    /// `None` where the kernel does not tell: other systems report an open file late or not at all, and a
    /// user may have used up what Linux allows.
    fn new(wal: &Path, signals: Sender<Signal>) -> Option<Self> {
        if !cfg!(target_os = "linux") {
            return None;
        }
        let is_written = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&is_written);
        let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            // After an error anything may have happened.
            let may_be_written = event.map_or(true, |event| event.kind.is_modify() || event.need_rescan());
            if may_be_written && !flag.swap(true, Ordering::AcqRel) {
                // The pump ends before its watcher; then nobody wants to know.
                let _ = signals.send(Signal::Written);
            }
        })
        .and_then(|mut watcher| watcher.watch(wal, RecursiveMode::NonRecursive).map(|()| watcher));
        match watcher {
            Ok(watcher) => Some(Self { is_written, looks_left: 0, _watcher: watcher }),
            Err(error) => {
                tracing::debug!(%error, "the store is asked for changes instead of being told of them");
                None
            }
        }
    }
}
