//! How far each timeline was heard, so that a new connection, or a new run, can read what lies between.
//!
//! Ids of a server are opaque; that later ones are larger (longer, or the same length and later in the alphabet) is
//! true of every server known and is all that is asked of them. A post from elsewhere gets the id of the time it was
//! *written* at, so the place to go on from is the newest id known a while before the line was lost.

use std::collections::BTreeMap;
use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::model::AccountName;
use crate::net::kept::{self, KeptError, StateFile};

/// Marks of one timeline lie at least so far apart.
const APART: SignedDuration = SignedDuration::from_secs(10);
/// So many marks of a timeline are held; with [`APART`] they reach back beyond any overlap.
const HELD: usize = 64;
const VERSION: u8 = 1;

/// How far the timelines were heard. The keys are the adapter's names for them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Places {
    timelines: BTreeMap<String, Vec<Mark>>,
    is_changed: bool,
}

/// The newest id known at a moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Mark {
    at: Timestamp,
    id: String,
}

#[derive(Serialize, Deserialize)]
struct Written {
    version: u8,
    timelines: BTreeMap<String, Vec<Mark>>,
}

/// Whether `id` is later than `known`.
pub(super) fn is_later(id: &str, known: &str) -> bool {
    (id.len(), id) > (known.len(), known)
}

impl Places {
    pub(super) fn knows(&self, timeline: &str) -> bool {
        self.timelines.contains_key(timeline)
    }

    /// This id was heard on the timeline.
    pub(super) fn heard(&mut self, timeline: &str, id: &str, now: Timestamp) {
        let marks = self.timelines.entry(timeline.to_owned()).or_default();
        let newest = match marks.last() {
            Some(last) if !is_later(id, &last.id) => return,
            Some(last) if now.duration_since(last.at) < APART && marks.len() > 1 => marks.last_mut(),
            _ => None,
        };
        if let Some(mark) = newest {
            id.clone_into(&mut mark.id);
        } else {
            marks.push(Mark { at: now, id: id.to_owned() });
            if marks.len() > HELD {
                marks.remove(0);
            }
        }
        self.is_changed = true;
    }

    /// The timeline was looked at and nothing was in it.
    pub(super) fn is_empty_at(&mut self, timeline: &str) {
        if !self.knows(timeline) {
            self.timelines.insert(timeline.to_owned(), Vec::new());
            self.is_changed = true;
        }
    }

    /// From which id on the timeline is to be read, where it was heard whole until `heard_until`; `None` where
    /// nothing was in it.
    pub(super) fn from(&self, timeline: &str, heard_until: Timestamp, overlap: SignedDuration) -> Option<&str> {
        let marks = self.timelines.get(timeline)?;
        let wanted = heard_until.checked_sub(overlap).unwrap_or(Timestamp::MIN);
        let mark = marks.iter().rev().find(|mark| mark.at <= wanted).or(marks.first())?;
        Some(&mark.id)
    }

    /// When something was heard last, on any timeline.
    pub(super) fn last(&self) -> Option<Timestamp> {
        self.timelines.values().filter_map(|marks| Some(marks.last()?.at)).max()
    }

    /// Some timeline was looked at, whether or not anything was in it.
    pub(super) fn has_begun(&self) -> bool {
        !self.timelines.is_empty()
    }

    /// Forgets timelines nobody listens to any more: what came there meanwhile is nobody's.
    pub(super) fn keep_only(&mut self, wanted: impl Fn(&str) -> bool) {
        let before = self.timelines.len();
        self.timelines.retain(|name, _| wanted(name));
        self.is_changed |= self.timelines.len() != before;
    }
}

/// Where the places are kept.
#[derive(Debug)]
pub(super) struct PlaceFile {
    file: StateFile,
}

impl PlaceFile {
    pub(super) fn of(data_dir: &Path, account: &AccountName) -> Self {
        let loss = "how far the timelines were heard cannot be kept: a restart would show a gap";
        Self { file: StateFile::of(data_dir, "place", account, loss) }
    }

    /// What an earlier run wrote; nothing where it wrote nothing of use.
    pub(super) fn read(&self) -> Result<Places, KeptError> {
        let Some(bytes) = kept::read(self.file.path())? else { return Ok(Places::default()) };
        match serde_json::from_slice::<Written>(&bytes) {
            Ok(written) if written.version == VERSION => Ok(Places { timelines: written.timelines, is_changed: false }),
            _ => Err(KeptError::Foreign { path: self.file.path().to_owned() }),
        }
    }

    /// Writes the places down where they changed.
    pub(super) fn keep(&mut self, places: &mut Places) {
        if !std::mem::take(&mut places.is_changed) {
            return;
        }
        let written = Written { version: VERSION, timelines: places.timelines.clone() };
        self.file.keep(&written);
    }
}

#[cfg(test)]
mod tests {
    use jiff::{SignedDuration, Timestamp};

    use super::{PlaceFile, Places};
    use crate::model::AccountName;

    fn at(secs: i64) -> Timestamp {
        Timestamp::from_second(1_768_471_200 + secs).unwrap()
    }

    const OVERLAP: SignedDuration = SignedDuration::from_secs(120);

    #[test]
    fn what_came_late_is_read_again() {
        let mut places = Places::default();
        assert!(!places.knows("public"));
        for n in 0..600 {
            places.heard("public", &(1000 + n).to_string(), at(n));
        }
        // Later by the clock, older by its id: a post from elsewhere that took its time.
        places.heard("public", "1100", at(600));
        let from: i64 = places.from("public", at(600), OVERLAP).unwrap().parse().unwrap();
        assert!((1465..=1480).contains(&from), "{from}");
        let from: i64 = places.from("public", at(300), OVERLAP).unwrap().parse().unwrap();
        assert!((1165..=1180).contains(&from), "{from}");
        assert_eq!(places.from("public", at(-500), OVERLAP), Some("1000"), "as far back as is known");
        assert_eq!(places.from("other", at(0), OVERLAP), None);
    }

    #[test]
    fn ids_of_other_makes_and_empty_timelines() {
        let mut places = Places::default();
        places.heard("user", "01JD2N3Y2V8YAAAAAAAAAAAAAA", at(0));
        places.heard("user", "01JD2N3Y2V8YBAAAAAAAAAAAAA", at(60));
        places.is_empty_at("tag/acme");
        assert_eq!(places.from("user", at(60), SignedDuration::ZERO), Some("01JD2N3Y2V8YBAAAAAAAAAAAAA"));
        assert!(places.knows("tag/acme"));
        assert_eq!(places.from("tag/acme", at(60), OVERLAP), None);
        assert_eq!(places.last(), Some(at(60)));
        places.keep_only(|name| name == "user");
        assert!(!places.knows("tag/acme"));
    }

    #[test]
    fn a_restart_goes_on_where_the_last_run_was() {
        let dir = tempfile::tempdir().unwrap();
        let account = AccountName::new("acme");
        let mut file = PlaceFile::of(dir.path(), &account);
        assert_eq!(file.read().unwrap(), Places::default());
        let mut places = Places::default();
        places.heard("public", "113", at(0));
        file.keep(&mut places);
        let again = PlaceFile::of(dir.path(), &account).read().unwrap();
        assert_eq!(again, places);
        std::fs::write(crate::net::kept::path(dir.path(), "place", &account), "{\"version\":9}").unwrap();
        assert!(file.read().is_err());
    }
}
