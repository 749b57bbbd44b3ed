//! One run of the program, told apart from all others by a locked file: while the lock is held the run is
//! alive, and a kill, however hard, gives it up.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use crate::model::{MachineName, SessionId};

/// This run.
#[derive(Debug)]
pub struct Session {
    pub id: SessionId,
    path: PathBuf,
    /// Held as long as the program runs.
    _lock: File,
}

impl Session {
    /// Starts a run with the given id on the store in `data_dir`.
    pub fn start(data_dir: &Path, id: SessionId) -> io::Result<Self> {
        let path = lock_path(data_dir, id);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let lock = File::create(&path)?;
        lock.lock()?;
        Ok(Self { id, path, _lock: lock })
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_file(&self.path) {
            tracing::debug!(%error, path = %self.path.display(), "the session's lock file stays");
        }
    }
}

/// Whether the run `id` on this host is still going.
pub fn is_alive(data_dir: &Path, id: SessionId) -> bool {
    let Ok(lock) = File::open(lock_path(data_dir, id)) else { return false };
    matches!(lock.try_lock(), Err(fs::TryLockError::WouldBlock))
}

fn lock_path(data_dir: &Path, id: SessionId) -> PathBuf {
    data_dir.join("sessions").join(format!("{id}.lock"))
}

/// This computer's name.
pub fn machine() -> MachineName {
    let name = rustix::system::uname();
    let name = name.nodename().to_string_lossy();
    MachineName::new(&crate::model::clean::line(&name))
}

/// The right to hold an account's stream: one process per host has it, and it passes on when that ends.
#[derive(Debug)]
pub struct StreamLease(File);

impl StreamLease {
    /// `None` while another process has it.
    pub fn take(data_dir: &Path, account: &str) -> io::Result<Option<Self>> {
        let name: String = account.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
        let file = File::create(data_dir.join(format!("stream-{name}.lock")))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self(file))),
            Err(fs::TryLockError::WouldBlock) => Ok(None),
            Err(fs::TryLockError::Error(error)) => Err(error),
        }
    }
}

impl Drop for StreamLease {
    fn drop(&mut self) {
        if let Err(error) = self.0.unlock() {
            tracing::debug!(%error, "the stream's lease goes with the process");
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::{Session, StreamLease, is_alive};
    use crate::model::SessionId;

    #[test]
    fn a_run_is_alive_until_it_ends() {
        let folder = tempfile::tempdir().unwrap();
        let id = SessionId(Uuid::from_u128(7));
        assert!(!is_alive(folder.path(), id));
        let session = Session::start(folder.path(), id).unwrap();
        assert!(is_alive(folder.path(), id));
        drop(session);
        assert!(!is_alive(folder.path(), id));
    }

    #[test]
    fn one_holds_the_stream_and_passes_it_on() {
        let folder = tempfile::tempdir().unwrap();
        let first = StreamLease::take(folder.path(), "charter").unwrap();
        assert!(first.is_some());
        assert!(StreamLease::take(folder.path(), "charter").unwrap().is_none());
        assert!(StreamLease::take(folder.path(), "other").unwrap().is_some());
        drop(first);
        assert!(StreamLease::take(folder.path(), "charter").unwrap().is_some());
    }
}
