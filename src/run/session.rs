//! One run of the program, told apart from all others by a locked file: while the lock is held the run is
//! alive, and a kill, however hard, gives it up.
//!
//! A rep who quits takes the file along. A run that was killed or hung up leaves it behind, unlocked, with the rep's
//! name in it and the time of its last beat: so the others know whose claims nobody looks after.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use crate::model::{AccountName, GoneSession, MachineName, RepName, SessionId};
use crate::net::kept;

/// A file left behind is of no use to anybody after so long.
const KEPT: SignedDuration = SignedDuration::from_hours(7 * 24);

/// This run.
#[derive(Debug)]
pub struct Session {
    pub id: SessionId,
    path: PathBuf,
    /// Locked as long as the program runs.
    lock: File,
}

impl Session {
    /// Starts a run of this rep with the given id on the store in `data_dir`.
    pub fn start(data_dir: &Path, id: SessionId, rep: &RepName, now: Timestamp) -> io::Result<Self> {
        let path = lock_path(data_dir, id);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let mut lock = File::create(&path)?;
        lock.lock()?;
        // Written under the lock: a file with a name in it that is not locked is of a run that has ended.
        lock.write_all(format!("{now}\n{rep}\n").as_bytes())?;
        let session = Self { id, path, lock };
        session.beat(now)?;
        Ok(session)
    }

    /// Writes down that the run is alive.
    pub fn beat(&self, now: Timestamp) -> io::Result<()> {
        self.lock.set_modified(now.into())
    }

    /// The rep has quit: what they hold is theirs on purpose.
    pub fn quit(&self) {
        if let Err(error) = fs::remove_file(&self.path) {
            tracing::debug!(%error, path = %self.path.display(), "the session's lock file stays");
        }
    }
}

/// What the session files say.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Look {
    /// Runs on this host that ended without their rep quitting, of reps who have not come back since, oldest first.
    pub gone: Vec<GoneSession>,
    /// Runs that go on: whose, and when each was last seen alive.
    pub alive: BTreeMap<SessionId, (RepName, Timestamp)>,
}

/// Looks who is there and who is gone. Files of those who came back are cleared away.
pub fn look(data_dir: &Path, now: Timestamp) -> io::Result<Look> {
    let mut alive = BTreeMap::new();
    let mut left = Vec::new();
    for entry in fs::read_dir(data_dir.join("sessions"))? {
        let path = entry?.path();
        let Some((session, is_alive)) = read(&path) else { continue };
        let id = path.file_stem().and_then(|name| Uuid::parse_str(name.to_str()?).ok()).map(SessionId);
        match id {
            Some(id) if is_alive => {
                alive.insert(id, (session.rep, session.ended));
            }
            _ => left.push((path, session)),
        }
    }
    let here: BTreeSet<&RepName> = alive.values().map(|(rep, _)| rep).collect();
    let is_over = |session: &GoneSession| here.contains(&session.rep) || now.duration_since(session.ended) > KEPT;
    for (path, _) in left.iter().filter(|(_, session)| is_over(session)) {
        if let Err(error) = fs::remove_file(path) {
            // Somebody else may have been first.
            tracing::debug!(%error, path = %path.display(), "a session's file was not cleared away");
        }
    }
    let mut gone: Vec<_> = left.into_iter().map(|(_, session)| session).filter(|it| !is_over(it)).collect();
    gone.sort_by(|a, b| (a.ended, &a.rep).cmp(&(b.ended, &b.rep)));
    Ok(Look { gone, alive })
}

/// What a session's file says, and whether its run is alive. `None` for what is no such file, or none any more.
fn read(path: &Path) -> Option<(GoneSession, bool)> {
    let text = fs::read_to_string(path).ok()?;
    let (started, rep) = text.trim_end().split_once('\n')?;
    let file = File::open(path).ok()?;
    let ended = Timestamp::try_from(file.metadata().ok()?.modified().ok()?).ok()?;
    let session = GoneSession { rep: RepName::new(rep), started: started.parse().ok()?, ended };
    Some((session, is_locked(&file)))
}

/// Whether the run `id` on this host is still going.
pub fn is_alive(data_dir: &Path, id: SessionId) -> bool {
    File::open(lock_path(data_dir, id)).is_ok_and(|file| is_locked(&file))
}

/// Asked for as a share, so that two who look at the same time do not take each other for the run.
pub(super) fn is_locked(file: &File) -> bool {
    matches!(file.try_lock_shared(), Err(fs::TryLockError::WouldBlock))
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

/// The right to do something for an account that one process per host does, such as to hold its stream; it passes on
/// when that process ends.
#[derive(Debug)]
pub struct Lease(File);

impl Lease {
    /// `None` while another process has it.
    pub fn take(data_dir: &Path, what: &str, account: &AccountName) -> io::Result<Option<Self>> {
        let file = File::create(data_dir.join(format!("{}.lock", kept::name(what, account))))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self(file))),
            Err(fs::TryLockError::WouldBlock) => Ok(None),
            Err(fs::TryLockError::Error(error)) => Err(error),
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Err(error) = self.0.unlock() {
            tracing::debug!(%error, "a lease goes with the process");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use jiff::{SignedDuration, Timestamp};
    use uuid::Uuid;

    use super::{Lease, Session, is_alive, look};
    use crate::model::{AccountName, GoneSession, RepName, SessionId};

    fn gone(folder: &Path, now: Timestamp) -> std::io::Result<Vec<GoneSession>> {
        look(folder, now).map(|look| look.gone)
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + seconds).unwrap()
    }

    fn start(folder: &Path, id: u128, rep: &str, seconds: i64) -> Session {
        Session::start(folder, SessionId(Uuid::from_u128(id)), &RepName::new(rep), at(seconds)).unwrap()
    }

    fn left(rep: &str, started: i64, ended: i64) -> GoneSession {
        GoneSession { rep: RepName::new(rep), started: at(started), ended: at(ended) }
    }

    #[test]
    fn a_run_is_alive_until_it_ends() {
        let folder = tempfile::tempdir().unwrap();
        let id = SessionId(Uuid::from_u128(7));
        assert!(!is_alive(folder.path(), id));
        let session = start(folder.path(), 7, "ana", 0);
        assert!(is_alive(folder.path(), id));
        session.quit();
        drop(session);
        assert!(!is_alive(folder.path(), id));
        assert_eq!(gone(folder.path(), at(9)).unwrap(), [], "who quits is not missed");
    }

    #[test]
    fn a_run_that_is_cut_off_is_missed_until_its_rep_is_back() {
        let folder = tempfile::tempdir().unwrap();
        let (ana, bo) = (start(folder.path(), 1, "ana", 0), start(folder.path(), 2, "bo", 3));
        bo.beat(at(60)).unwrap();
        assert_eq!(gone(folder.path(), at(61)).unwrap(), []);
        drop(bo);
        assert_eq!(gone(folder.path(), at(61)).unwrap(), [left("bo", 3, 60)]);
        // A second window of the same rep is enough.
        let again = start(folder.path(), 3, "bo", 70);
        assert_eq!(gone(folder.path(), at(71)).unwrap(), []);
        again.quit();
        drop(again);
        assert_eq!(gone(folder.path(), at(72)).unwrap(), [], "the old run was made up for");
        drop(ana);
        let week = 8 * 24 * 3_600;
        assert_eq!(gone(folder.path(), at(week)).unwrap(), []);
        assert_eq!(std::fs::read_dir(folder.path().join("sessions")).unwrap().count(), 0);
    }

    #[test]
    fn what_is_no_session_is_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        assert!(gone(folder.path(), at(0)).is_err(), "there is no such folder");
        let session = start(folder.path(), 1, "ana", 0);
        for (name, text) in [("old.lock", ""), ("odd.lock", "yesterday\nbo\n"), ("note.txt", "hello")] {
            std::fs::write(folder.path().join("sessions").join(name), text).unwrap();
        }
        assert_eq!(gone(folder.path(), at(0) + SignedDuration::from_secs(1)).unwrap(), []);
        drop(session);
    }

    #[test]
    fn one_holds_the_stream_and_passes_it_on() {
        let folder = tempfile::tempdir().unwrap();
        let first = Lease::take(folder.path(), "stream", &AccountName::new("charter")).unwrap();
        assert!(first.is_some());
        assert!(Lease::take(folder.path(), "stream", &AccountName::new("charter")).unwrap().is_none());
        assert!(Lease::take(folder.path(), "stream", &AccountName::new("other")).unwrap().is_some());
        drop(first);
        assert!(Lease::take(folder.path(), "stream", &AccountName::new("charter")).unwrap().is_some());
    }
}
