//! The one connection of this process that writes.

use std::path::{Path, PathBuf};
use std::sync::mpsc::Sender;

use rusqlite::{Connection, ErrorCode, TransactionBehavior, params};

use crate::log::pump::Signal;
use crate::log::{AppendError, LogError, codec};
use crate::model::{Body, BodyId, Expect, NewEvent, Seq};

use super::append::{self, Failed, Prepared, seq_to_sql};
use super::{Options, failure, finding, open};

/// The write-ahead log beside the store's file.
pub(super) fn wal(path: &Path) -> PathBuf {
    open::beside(path, "-wal")
}

/// Owns the connection; lives on its own thread.
#[derive(Debug)]
pub(super) struct Writer {
    db: Connection,
    path: PathBuf,
    /// Tries for the lock before giving up.
    tries: u32,
    signals: Sender<Signal>,
    waits_for_disk: bool,
    /// Erased text may still be in old pages of the write-ahead log.
    must_scrub: bool,
}

impl Writer {
    pub(super) fn new(db: Connection, path: PathBuf, options: Options, signals: Sender<Signal>) -> Self {
        Self { db, path, tries: open::tries(options), signals, waits_for_disk: false, must_scrub: false }
    }

    pub(super) fn append(&mut self, batch: &[NewEvent], expect: Option<Expect>) -> Result<Seq, AppendError> {
        let batch = Prepared::new(batch)?;
        self.wait_for_disk(batch.needs_disk)?;
        let seq = self.insist(|db, path| append::write(db, path, &batch, expect))?;
        self.announce();
        self.scrub();
        Ok(seq)
    }

    /// Deletes the text, its words and its copies in posts that quote it; what the index and the file held of it is
    /// overwritten.
    pub(super) fn erase(&mut self, id: &BodyId) -> Result<(), LogError> {
        self.wait_for_disk(true)?;
        let was_there = self.insist(|db, _| {
            let transaction = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
            // Others may hold a copy of a text that never came here by itself.
            let mut was_there = finding::unquote(&transaction, id)?;
            if let Some((place, json)) = finding::text(&transaction, id)? {
                was_there = true;
                let body = codec::decode_body(&json);
                if let Some(words) = body.as_ref().and_then(Body::searchable) {
                    append::forget_words(&transaction, place, words)?;
                }
                transaction.prepare_cached("DELETE FROM bodies WHERE place = ?1")?.execute([place])?;
                if let Some(Body::Post(post)) = &body {
                    finding::forget_handles(&transaction, &post.author.id)?;
                }
            }
            transaction.commit()?;
            Ok(was_there)
        });
        self.must_scrub |= only_log_error(was_there)?;
        self.scrub();
        Ok(())
    }

    /// One state per kind, never replaced by an older one.
    pub(super) fn keep_checkpoint(&mut self, kind: &str, seq: Seq, state: &[u8]) -> Result<(), LogError> {
        self.wait_for_disk(false)?;
        let kept = self.insist(|db, _| {
            let transaction = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
            transaction
                .prepare_cached(
                    "INSERT INTO checkpoints (kind, seq, state) VALUES (?1, ?2, ?3)
                     ON CONFLICT (kind) DO UPDATE SET seq = excluded.seq, state = excluded.state
                     WHERE excluded.seq >= checkpoints.seq",
                )?
                .execute(params![kind, seq_to_sql(seq), state])?;
            transaction.commit()?;
            Ok(())
        });
        only_log_error(kept)
    }

    /// Waits until the write-ahead log is on the disk. What was moved out of it before is there already: SQLite
    /// waits for the disk when it does that. The store's own file is not opened for it, as closing a file
    /// gives up this process's locks on it.
    pub(super) fn flush(&mut self) -> Result<(), LogError> {
        self.scrub();
        let failed = |error: std::io::Error| LogError::Failed { why: format!("the disk did not confirm: {error}") };
        match std::fs::OpenOptions::new().read(true).write(true).open(wal(&self.path)) {
            Ok(file) => file.sync_all().map_err(failed),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(failed(error)),
        }
    }

    /// Does a transaction, again and again while another process holds the lock: SQLite's own waiting is unfair, a
    /// process that writes without pause can keep others out of it for seconds.
    fn insist<T>(
        &mut self,
        mut transaction: impl FnMut(&mut Connection, &Path) -> Result<T, Failed>,
    ) -> Result<T, AppendError> {
        let mut left = self.tries;
        loop {
            match transaction(&mut self.db, &self.path) {
                Ok(done) => return Ok(done),
                Err(Failed::Append(error)) => return Err(error),
                Err(Failed::Sqlite(error)) => {
                    left -= 1;
                    let is_busy =
                        matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked));
                    if !is_busy || left == 0 {
                        return Err(failure::told(&error, &self.path).into());
                    }
                    open::pause();
                }
            }
        }
    }

    /// Chooses whether the next commit waits for the disk.
    fn wait_for_disk(&mut self, waits: bool) -> Result<(), LogError> {
        if self.waits_for_disk != waits {
            let level = if waits { "full" } else { "normal" };
            self.db.pragma_update(None, "synchronous", level).map_err(|error| failure::told(&error, &self.path))?;
            self.waits_for_disk = waits;
        }
        Ok(())
    }

    fn announce(&self) {
        // The pump ends before the writer; then nobody wants to know.
        let _ = self.signals.send(Signal::Appended);
    }

    /// After an erasure: empties the write-ahead log, whose old pages still hold the text. A reader may be in the
    /// way for a moment; then it is done with the next append, or when the store is closed.
    fn scrub(&mut self) {
        if !self.must_scrub {
            return;
        }
        match self.db.query_row("PRAGMA wal_checkpoint(truncate)", [], |row| row.get::<_, i64>(0)) {
            Ok(0) => self.must_scrub = false,
            Ok(_) => tracing::debug!("the write-ahead log is in use; erased text is overwritten later"),
            Err(error) => tracing::warn!(%error, "erased text could not be overwritten yet"),
        }
    }
}

/// For deeds that compare nothing.
fn only_log_error<T>(outcome: Result<T, AppendError>) -> Result<T, LogError> {
    outcome.map_err(|error| match error {
        AppendError::Log(error) => error,
        AppendError::Conflict { winner } => {
            LogError::Failed { why: format!("an unexpected conflict with {}", winner.id) }
        }
    })
}
