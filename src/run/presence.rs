//! Tells the other runs on this host where the rep is, and learns where theirs are.
//!
//! Each run has a file of its own beside the session files, `presence/SESSION`, replaced as a whole when what it says
//! changes: `writing CASE`, `viewing -`. The kernel tells of the change, so nothing is asked for while nothing
//! happens; where the kernel does not, the folder's time is looked at once a second. Who was killed leaves a file that
//! nobody holds a session for: it counts for nothing from the next beat on.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use jiff::SignedDuration;
use notify::{RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::{mpsc, watch};
use tokio::time::{MissedTickBehavior, interval};
use uuid::Uuid;

use super::session::{Look, Session, look};
use crate::app::Msg;
use crate::model::{CaseId, Doing, GoneSession, Presence, SessionId, Whereabouts};
use crate::net::Clock;

/// So often a run writes down that it is alive, and looks for others that are not.
const BEAT: Duration = Duration::from_secs(5);
/// A run that has not beaten for so long hangs or was stopped: its rep does nothing.
const HANGS: SignedDuration = SignedDuration::from_secs(15);
/// Without the kernel's help the folder is looked at this often.
const ASK_EVERY: Duration = Duration::from_secs(1);

/// Beats for `session`, writes down what `own` says, and tells the deck who else is there and whose runs have ended
/// without a goodbye, each time that changes. Goes on until it is dropped.
pub async fn watch(
    session: Arc<Session>,
    data_dir: PathBuf,
    clock: Clock,
    mut own: watch::Receiver<Option<Whereabouts>>,
    inbox: mpsc::Sender<Msg>,
) {
    let folder = folder(&data_dir);
    if let Err(error) = fs::create_dir_all(&folder) {
        tracing::warn!(%error, "who is at work cannot be told: {} cannot be made", folder.display());
    }
    let (changes, mut changed) = mpsc::channel(1);
    let told = told(&folder, session.id, changes);
    let mut beats = interval(BEAT);
    beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut asks = interval(ASK_EVERY);
    asks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut seen = Asked::default();
    let mut known: (Vec<GoneSession>, Vec<Presence>) = Default::default();
    loop {
        let is_beat = tokio::select! {
            _ = beats.tick() => true,
            Some(()) = changed.recv() => false,
            _ = asks.tick(), if told.is_none() => {
                if !seen.has_changed(&folder) {
                    continue;
                }
                false
            }
            Ok(()) = own.changed() => {
                let at = *own.borrow_and_update();
                if let Some(at) = at {
                    let (folder, id) = (folder.clone(), session.id);
                    say(tokio::task::spawn_blocking(move || write(&folder, id, at)).await, "presence is not written");
                }
                continue;
            }
        };
        let (session, data_dir, now) = (Arc::clone(&session), data_dir.clone(), clock());
        let looked = tokio::task::spawn_blocking(move || {
            if is_beat {
                session.beat(now)?;
            }
            let Look { gone, alive } = look(&data_dir, now)?;
            let others = alive.into_iter().filter(|(id, _)| *id != session.id);
            let folder = self::folder(&data_dir);
            let present = others.map(|(id, (rep, seen))| {
                let mut at = read(&folder, id);
                if now.duration_since(seen) > HANGS {
                    at.doing = Doing::Idle;
                }
                Presence { rep, at }
            });
            let present: Vec<Presence> = present.collect();
            if is_beat {
                clear(&folder, &data_dir)?;
            }
            Ok((gone, present))
        });
        let Some((gone, present)) = say(looked.await, "the sessions' folder cannot be read") else { continue };
        if gone != known.0 && inbox.send(Msg::Gone(gone.clone())).await.is_err() {
            return;
        }
        if present != known.1 && inbox.send(Msg::Present(present.clone())).await.is_err() {
            return;
        }
        known = (gone, present);
    }
}

fn say<T>(done: Result<io::Result<T>, tokio::task::JoinError>, what: &str) -> Option<T> {
    match done {
        Ok(Ok(done)) => return Some(done),
        Ok(Err(error)) => tracing::warn!(%error, "{what}"),
        Err(error) => tracing::debug!(%error, "{what}: cut short by the end"),
    }
    None
}

fn folder(data_dir: &Path) -> PathBuf {
    data_dir.join("presence")
}

/// In one step, so that nobody reads half of it.
fn write(folder: &Path, id: SessionId, at: Whereabouts) -> io::Result<()> {
    let case = at.case.map_or_else(|| "-".to_owned(), |case| case.to_string());
    let part = folder.join(format!(".{id}"));
    fs::write(&part, format!("{} {case}\n", at.doing.word()))?;
    fs::rename(part, folder.join(id.to_string()))
}

/// What a run that goes on says; one that has said nothing yet, or says what this version does not know, is there and
/// has nothing in hand.
fn read(folder: &Path, id: SessionId) -> Whereabouts {
    let nothing = Whereabouts { doing: Doing::Viewing, case: None };
    let Ok(text) = fs::read_to_string(folder.join(id.to_string())) else { return nothing };
    let mut words = text.split_whitespace();
    let doing = words.next().and_then(|word| Doing::ALL.into_iter().find(|doing| doing.word() == word));
    let Some(doing) = doing else { return nothing };
    let case = words.next().and_then(|case| Uuid::parse_str(case).ok()).map(CaseId);
    Whereabouts { doing, case }
}

/// The rep has quit.
pub fn leave(data_dir: &Path, id: SessionId) {
    let path = folder(data_dir).join(id.to_string());
    if let Err(error) = fs::remove_file(&path) {
        tracing::debug!(%error, path = %path.display(), "nothing was told of this run");
    }
}

/// Takes away what runs left behind that are no more.
fn clear(folder: &Path, data_dir: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if let Some(id) = session_of(&entry.file_name())
            && !super::session::is_alive(data_dir, id)
            && let Err(error) = fs::remove_file(entry.path())
        {
            // Somebody else may have been first.
            tracing::debug!(%error, "what a run told before it ended was not cleared away");
        }
    }
    Ok(())
}

fn session_of(name: &OsStr) -> Option<SessionId> {
    Uuid::parse_str(name.to_str()?.trim_start_matches('.')).ok().map(SessionId)
}

/// The kernel's word of what the others write; `None` where it does not tell.
fn told(folder: &Path, own: SessionId, changes: mpsc::Sender<()>) -> Option<RecommendedWatcher> {
    if !cfg!(target_os = "linux") {
        return None;
    }
    let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        // After an error anything may have happened.
        let is_news = event.map_or(true, |event| {
            let of_others = event.paths.iter().any(|path| {
                let name = path.file_name().unwrap_or_default();
                !name.to_string_lossy().starts_with('.') && session_of(name) != Some(own)
            });
            !event.kind.is_access() && (event.need_rescan() || of_others)
        });
        if is_news {
            // One word is enough for many changes: when there is no room, nobody has looked since.
            let _already_told = changes.try_send(());
        }
    });
    let watcher = watcher.and_then(|mut watcher| watcher.watch(folder, RecursiveMode::NonRecursive).map(|()| watcher));
    match watcher {
        Ok(watcher) => Some(watcher),
        Err(error) => {
            tracing::debug!(%error, "the presence folder is asked for changes instead of being told of them");
            None
        }
    }
}

/// What asking has seen.
#[derive(Debug, Default)]
struct Asked {
    at: Option<SystemTime>,
    again: bool,
}

impl Asked {
    /// Each file is replaced as a whole, so the folder's own time moves with every change. File times move in steps,
    /// so a second change right after the one that was seen can leave it as it is: once more.
    fn has_changed(&mut self, folder: &Path) -> bool {
        let now = fs::metadata(folder).and_then(|folder| folder.modified()).ok();
        let moved = now != self.at;
        self.at = now;
        std::mem::replace(&mut self.again, moved) || moved
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use jiff::Timestamp;
    use tokio::sync::{mpsc, watch as told};
    use tokio::time::{Duration, timeout};
    use uuid::Uuid;

    use super::super::session::Session;
    use super::{Asked, folder, leave, read, watch, write};
    use crate::app::Msg;
    use crate::model::{CaseId, Doing, Presence, RepName, SessionId, Whereabouts};

    fn id(n: u128) -> SessionId {
        SessionId(Uuid::from_u128(n))
    }

    fn at(doing: Doing, case: Option<u128>) -> Whereabouts {
        Whereabouts { doing, case: case.map(|n| CaseId(Uuid::from_u128(n))) }
    }

    #[test]
    fn what_is_written_is_read_back_and_anything_else_is_nothing_in_hand() {
        let home = tempfile::tempdir().unwrap();
        let folder = folder(home.path());
        std::fs::create_dir_all(&folder).unwrap();
        for said in [at(Doing::Writing, Some(7)), at(Doing::Idle, None), at(Doing::Viewing, Some(9))] {
            write(&folder, id(1), said).unwrap();
            assert_eq!(read(&folder, id(1)), said);
        }
        for odd in ["", "dancing -\n", "\u{1b}[2J"] {
            std::fs::write(folder.join(id(1).to_string()), odd).unwrap();
            assert_eq!(read(&folder, id(1)), at(Doing::Viewing, None), "{odd:?}");
        }
        leave(home.path(), id(1));
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0);
    }

    #[test]
    fn a_folder_that_is_asked_shows_every_change() {
        let home = tempfile::tempdir().unwrap();
        let mut asked = Asked::default();
        assert!(asked.has_changed(home.path()) && asked.has_changed(home.path()), "once more after a change");
        assert!(!asked.has_changed(home.path()));
        write(home.path(), id(1), at(Doing::Writing, None)).unwrap();
        assert!(asked.has_changed(home.path()));
    }

    async fn next(inbox: &mut mpsc::Receiver<Msg>) -> Vec<Presence> {
        loop {
            match timeout(Duration::from_secs(20), inbox.recv()).await.expect("a word in time") {
                Some(Msg::Present(present)) => return present,
                Some(_) => {}
                None => panic!("the watch has ended"),
            }
        }
    }

    #[tokio::test]
    async fn one_run_hears_of_the_other_until_that_is_gone() {
        let home = tempfile::tempdir().unwrap();
        let now: Timestamp = "2026-11-21T14:00:00Z".parse().unwrap();
        let ana = Arc::new(Session::start(home.path(), id(1), &RepName::new("ana"), now).unwrap());
        let (own, told_own) = told::channel(None);
        let (sender, mut inbox) = mpsc::channel(8);
        let watching = watch(Arc::clone(&ana), home.path().to_owned(), Arc::new(move || now), told_own, sender);
        let mine = folder(home.path()).join(id(1).to_string());
        let script = async {
            let bo = Session::start(home.path(), id(2), &RepName::new("bo"), now).unwrap();
            let bo_at = |doing, case| vec![Presence { rep: RepName::new("bo"), at: at(doing, case) }];
            // The folder is made by the watch.
            own.send_replace(Some(at(Doing::Viewing, Some(1))));
            while !mine.exists() {
                tokio::task::yield_now().await;
            }
            write(&folder(home.path()), id(2), at(Doing::Writing, Some(5))).unwrap();
            while next(&mut inbox).await != bo_at(Doing::Writing, Some(5)) {}
            write(&folder(home.path()), id(2), at(Doing::Idle, Some(5))).unwrap();
            assert_eq!(next(&mut inbox).await, bo_at(Doing::Idle, Some(5)));
            // Killed: nothing is written, the lock is gone. A beat finds it out.
            drop(bo);
            assert_eq!(next(&mut inbox).await, []);
        };
        tokio::select! {
            () = watching => panic!("the watch has ended"),
            () = script => {}
        }
        assert!(mine.exists(), "{}", mine.display());
    }
}
