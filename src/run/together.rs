//! What all runs on this host want to hear.
//!
//! One process per host holds an account's stream, and the others read the log. Whoever holds it listens for the
//! columns of every run, or a column that stands only in another rep's config would stay empty without a word. So each
//! run takes a number that nobody has, locks `columns/NUMBER.lock` as long as it goes on, and writes its columns to
//! `columns/NUMBER.json`; all of them look at what the others wrote every two seconds. The number of a run that was
//! killed is free again, and what stands there counts for nothing until then.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval};

use super::columns::{Columns, Wanted};
use super::session::is_locked;
use crate::app::Msg;
use crate::app::notice::{Notice, Weight};
use crate::model::{AccountName, ColumnName};
use crate::net::kept::KeptError;
use crate::net::{Clock, kept};
use crate::rules::Rule;

/// How often the others' columns are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// So many runs on one host are more than anybody starts.
const NUMBERS: u32 = 1_000;

/// One part of a column as it stands in the file.
#[derive(Debug, Serialize, Deserialize)]
struct Line {
    column: ColumnName,
    account: AccountName,
    query: String,
}

/// This run's place among the runs on this host.
#[derive(Debug)]
pub struct Place {
    folder: PathBuf,
    number: u32,
    /// Locked as long as the run goes on.
    _lock: File,
    /// What stands in this run's file.
    told: Option<Wanted>,
    /// What each of the others wrote, and what that means.
    known: BTreeMap<u32, (Vec<u8>, Wanted)>,
}

impl Place {
    /// Takes the first number nobody has.
    pub fn take(data_dir: &Path) -> io::Result<Self> {
        let folder = data_dir.join("columns");
        fs::create_dir_all(&folder)?;
        for number in 0..NUMBERS {
            let lock = File::create(lock_path(&folder, number))?;
            match lock.try_lock() {
                Ok(()) => {
                    // What a killed run left there is not this run's.
                    if let Err(error) = fs::remove_file(told_path(&folder, number))
                        && error.kind() != io::ErrorKind::NotFound
                    {
                        return Err(error);
                    }
                    return Ok(Self { folder, number, _lock: lock, told: None, known: BTreeMap::new() });
                }
                Err(fs::TryLockError::WouldBlock) => {}
                Err(fs::TryLockError::Error(error)) => return Err(error),
            }
        }
        Err(io::Error::other(format!("{NUMBERS} runs have taken a number already")))
    }

    /// Writes down what this run wants to hear, where that does not stand there already.
    pub fn tell(&mut self, wanted: &Wanted) -> io::Result<()> {
        if self.told.as_ref() == Some(wanted) {
            return Ok(());
        }
        let line = |((column, account), rule): (&(ColumnName, AccountName), &Rule)| Line {
            column: column.clone(),
            account: account.clone(),
            query: rule.source().to_owned(),
        };
        let lines: Vec<Line> = wanted.iter().map(line).collect();
        let bytes = serde_json::to_vec(&lines)?;
        kept::write(&told_path(&self.folder, self.number), &bytes, false).map_err(io::Error::other)?;
        self.told = Some(wanted.clone());
        Ok(())
    }

    /// What the other runs that go on want to hear, and what of it could not be read: then what was known of that run
    /// goes on to count. Where two of them mean different queries by one name, the one that came first counts.
    pub fn look(&mut self) -> io::Result<(Wanted, Option<KeptError>)> {
        let mut unread = None;
        let mut known = std::mem::take(&mut self.known);
        for entry in fs::read_dir(&self.folder)? {
            let path = entry?.path();
            let Some(number) = number_of(&path).filter(|number| *number != self.number) else { continue };
            if !File::open(lock_path(&self.folder, number)).is_ok_and(|lock| is_locked(&lock)) {
                continue;
            }
            let before = known.remove(&number);
            let bytes = match kept::read(&path) {
                Ok(Some(bytes)) => bytes,
                // It has just ended.
                Ok(None) => continue,
                Err(error) => {
                    unread = Some(error);
                    if let Some(before) = before {
                        self.known.insert(number, before);
                    }
                    continue;
                }
            };
            let heard = match before {
                Some((old, heard)) if old == bytes => heard,
                _ => understood(&path, &bytes),
            };
            self.known.insert(number, (bytes, heard));
        }
        let mut all = Wanted::new();
        for (_, wanted) in self.known.values().rev() {
            all.extend(wanted.iter().map(|(part, rule)| (part.clone(), rule.clone())));
        }
        Ok((all, unread))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_file(told_path(&self.folder, self.number)) {
            tracing::debug!(%error, "what this run wanted to hear was not written down");
        }
    }
}

fn lock_path(folder: &Path, number: u32) -> PathBuf {
    folder.join(format!("{number}.lock"))
}

fn told_path(folder: &Path, number: u32) -> PathBuf {
    folder.join(format!("{number}.json"))
}

fn number_of(path: &Path) -> Option<u32> {
    (path.extension()? == "json").then(|| path.file_stem()?.to_str()?.parse().ok())?
}

/// Another version of the program may write what this one does not know.
fn understood(path: &Path, bytes: &[u8]) -> Wanted {
    let lines: Vec<Line> = match serde_json::from_slice(bytes) {
        Ok(lines) => lines,
        Err(error) => {
            tracing::warn!(%error, path = %path.display(), "what another run wants to hear is not understood");
            return Wanted::new();
        }
    };
    let part = |Line { column, account, query }| match Rule::parse(&query) {
        Ok(rule) => Some(((column, account), rule)),
        Err(error) => {
            tracing::warn!(%error, %column, "the query of another run's column is not understood");
            None
        }
    };
    lines.into_iter().filter_map(part).collect()
}

/// Tells the others what this run wants to hear, and takes on what they do, until it is dropped.
pub async fn keep_up(mut place: Place, columns: Arc<Mutex<Columns>>, clock: Clock, inbox: mpsc::Sender<Msg>) {
    let mut own = columns.lock().unwrap_or_else(PoisonError::into_inner).own();
    let mut looks = interval(LOOK_EVERY);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut said = None;
    loop {
        tokio::select! {
            _ = looks.tick() => {}
            Ok(()) = own.changed() => {}
        }
        let wanted = own.borrow().clone();
        let words = match place.tell(&wanted).and_then(|()| place.look()) {
            Ok((others, unread)) => {
                let words = unread.map(|error| cannot(&error)).or_else(|| differing(&wanted, &others));
                columns.lock().unwrap_or_else(PoisonError::into_inner).change_others(others);
                words
            }
            Err(error) => Some(cannot(&error)),
        };
        if let Some(words) = words.clone().filter(|_| words != said) {
            tracing::warn!("{words}");
            let notice = Notice::new(clock(), Weight::Warning, words);
            if inbox.send(Msg::Notice(notice)).await.is_err() {
                return;
            }
        }
        said = words;
    }
}

/// What is said where the folder cannot be used.
pub fn cannot(error: &dyn std::error::Error) -> String {
    format!(
        "columns that only another replydeck on this machine has may stay empty: what stands in the folder \
         `columns` of the data folder cannot be used ({error}); check its rights and the disk"
    )
}

/// What is said of columns that another run means differently.
fn differing(own: &Wanted, others: &Wanted) -> Option<String> {
    let differs = |(part, rule): &(&(ColumnName, AccountName), &Rule)| others.get(*part).is_some_and(|it| it != *rule);
    let mut names: Vec<&str> = own.iter().filter(differs).map(|((column, _), _)| column.as_str()).collect();
    names.dedup();
    if names.is_empty() {
        return None;
    }
    let (names, has, one) = match &names[..] {
        [name] => ((*name).to_owned(), "has", "one of the two"),
        names => (names.join(", "), "have", "one of each two"),
    };
    Some(format!(
        "{names} {has} another query in another replydeck on this machine: both show what the one that holds the stream \
         asks for. Give {one} another name"
    ))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{Place, differing, told_path};
    use crate::model::{AccountName, ColumnName};
    use crate::rules::Rule;
    use crate::run::columns::Wanted;

    fn wanted(parts: &[(&str, &str)]) -> Wanted {
        let part = |(column, query): &(&str, &str)| {
            ((ColumnName::new(column), AccountName::new("acme")), Rule::parse(query).unwrap())
        };
        parts.iter().map(part).collect()
    }

    fn place(folder: &Path, parts: &[(&str, &str)]) -> Place {
        let mut place = Place::take(folder).unwrap();
        place.tell(&wanted(parts)).unwrap();
        place
    }

    #[track_caller]
    fn look(place: &mut Place) -> Wanted {
        let (wanted, unread) = place.look().unwrap();
        assert_eq!(unread, None);
        wanted
    }

    #[test]
    fn each_run_sees_what_the_others_want_until_they_end() {
        let folder = tempfile::tempdir().unwrap();
        let mut ana = place(folder.path(), &[("slow", "slow net")]);
        assert_eq!(look(&mut ana), Wanted::new());
        let mut bo = place(folder.path(), &[("slow", "slow net"), ("bills", "\"my bill\" OR invoice")]);
        let mut cy = place(folder.path(), &[("bills", "bill")]);
        assert_eq!(look(&mut ana), wanted(&[("slow", "slow net"), ("bills", "\"my bill\" OR invoice")]));
        assert_eq!(look(&mut cy), wanted(&[("slow", "slow net"), ("bills", "\"my bill\" OR invoice")]));
        bo.tell(&wanted(&[("praise", "love")])).unwrap();
        assert_eq!(look(&mut ana), wanted(&[("praise", "love"), ("bills", "bill")]));
        drop(bo);
        assert_eq!(look(&mut ana), wanted(&[("bills", "bill")]));
        drop(cy);
        assert_eq!(look(&mut ana), Wanted::new());
    }

    #[test]
    fn what_a_killed_run_left_behind_counts_for_nothing_and_its_number_is_taken_again() {
        let folder = tempfile::tempdir().unwrap();
        let killed = place(folder.path(), &[("old", "old")]);
        let mut other = Place::take(folder.path()).unwrap();
        let left = std::fs::read(told_path(&killed.folder, killed.number)).unwrap();
        let (number, path) = (killed.number, told_path(&killed.folder, killed.number));
        drop(killed);
        std::fs::write(&path, left).unwrap();
        assert_eq!(look(&mut other), Wanted::new(), "nobody holds its lock");
        let mut again = Place::take(folder.path()).unwrap();
        assert_eq!(again.number, number);
        assert_eq!(look(&mut other), Wanted::new(), "its successor has not spoken yet");
        again.tell(&wanted(&[("new", "new")])).unwrap();
        assert_eq!(look(&mut other), wanted(&[("new", "new")]));
    }

    #[test]
    fn what_is_not_understood_is_left_out_and_the_rest_is_heard() {
        let folder = tempfile::tempdir().unwrap();
        let mut ana = place(folder.path(), &[]);
        let odd = place(folder.path(), &[("odd", "odd")]);
        let _bo = place(folder.path(), &[("slow", "slow")]);
        let path = told_path(&odd.folder, odd.number);
        let one = |query: &str| format!(r#"[{{"column":"odd","account":"acme","query":{query:?}}}]"#);
        for (text, more) in [("[{\"col", None), (&*one("(("), None), ("", None), (&*one("fine"), Some(("odd", "fine")))]
        {
            std::fs::write(&path, text).unwrap();
            let expected: Vec<_> = [("slow", "slow")].into_iter().chain(more).collect();
            assert_eq!(look(&mut ana), wanted(&expected), "{text}");
        }
        for name in ["note.txt", "x.json", "7.json"] {
            std::fs::write(folder.path().join("columns").join(name), one("no")).unwrap();
        }
        assert_eq!(look(&mut ana), wanted(&[("odd", "fine"), ("slow", "slow")]));
    }

    #[test]
    fn a_file_that_cannot_be_read_costs_nothing_of_the_others() {
        let folder = tempfile::tempdir().unwrap();
        let odd = place(folder.path(), &[("odd", "odd")]);
        let mut ana = place(folder.path(), &[]);
        let _bo = place(folder.path(), &[("slow", "slow")]);
        let both = wanted(&[("odd", "odd"), ("slow", "slow")]);
        assert_eq!(look(&mut ana), both);
        let path = told_path(&odd.folder, odd.number);
        std::fs::remove_file(&path).unwrap();
        std::fs::create_dir(&path).unwrap();
        let (heard, unread) = ana.look().unwrap();
        assert_eq!(heard, both, "what was known of it still counts");
        assert!(unread.is_some());
        let (heard, unread) = Place::take(folder.path()).unwrap().look().unwrap();
        assert_eq!(heard, wanted(&[("slow", "slow")]));
        assert!(unread.is_some());
        std::fs::remove_dir(&path).unwrap();
    }

    #[test]
    fn one_name_for_two_queries_is_told() {
        let own = wanted(&[("a", "a"), ("b", "b"), ("c", "c")]);
        assert_eq!(differing(&own, &wanted(&[("a", "a"), ("d", "x")])), None);
        let one = differing(&own, &wanted(&[("a", "x")])).unwrap();
        assert!(one.starts_with("a has another query") && one.ends_with("Give one of the two another name"), "{one}");
        let two = differing(&own, &wanted(&[("a", "x"), ("b", "b"), ("c", "y")])).unwrap();
        assert!(two.starts_with("a, c have another query"), "{two}");
    }
}
