//! Where we are in the stream, kept in the data folder so that a restart goes on there.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::model::AccountName;

/// Of fewer messages no pace is made out.
const SAMPLES: u64 = 50;

/// The place in the stream and the stream's own pace.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Place {
    /// Microseconds since 1970: up to here everything was handed on.
    pub(super) at_us: i64,
    /// The mean time between messages, in microseconds.
    every_us: f64,
    samples: u64,
}

impl Place {
    /// A message of this time came; messages are not in strict order.
    pub(super) fn note(&mut self, at_us: i64) {
        if self.at_us > 0 && at_us > self.at_us {
            let passed = u32::try_from(at_us - self.at_us).map_or(f64::from(u32::MAX), f64::from);
            let share = if self.samples < SAMPLES { 0.1 } else { 0.01 };
            self.every_us += (passed - self.every_us) * share;
            self.samples += 1;
        }
        self.at_us = self.at_us.max(at_us);
    }

    /// A stretch without messages that would be unlike this stream, in microseconds; `None` before its pace is known.
    pub(super) fn unlikely_silence(&self) -> Option<i64> {
        const LEAST_US: f64 = 60_000_000.0;
        const TIMES: f64 = 50.0;
        if self.samples < SAMPLES {
            return None;
        }
        let micros = (self.every_us * TIMES).max(LEAST_US);
        format!("{micros:.0}").parse().ok()
    }
}

/// The file.
#[derive(Debug)]
pub(super) struct CursorFile {
    path: PathBuf,
    written: Option<Place>,
    failed: bool,
}

impl CursorFile {
    pub(super) fn of(data_dir: &Path, account: &AccountName) -> Self {
        let name: String = account.as_str().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
        Self { path: data_dir.join(format!("cursor-{name}.json")), written: None, failed: false }
    }

    pub(super) fn read(&self) -> Option<Place> {
        let place: Place = serde_json::from_slice(&fs::read(&self.path).ok()?).ok()?;
        (place.at_us > 0).then_some(place)
    }

    pub(super) fn keep(&mut self, place: Place) {
        if self.written == Some(place) || place.at_us <= 0 {
            return;
        }
        let fresh = self.path.with_extension("new");
        let kept = serde_json::to_vec(&place)
            .map_err(std::io::Error::other)
            .and_then(|json| fs::write(&fresh, json))
            .and_then(|()| fs::rename(&fresh, &self.path));
        match kept {
            Ok(()) => {
                self.written = Some(place);
                self.failed = false;
            }
            Err(error) => {
                if !self.failed {
                    tracing::error!(%error, "the place in the stream cannot be kept; a restart begins where it was kept last");
                }
                self.failed = true;
            }
        }
    }

    /// Nothing that comes from now on follows what came before.
    pub(super) fn forget(&mut self) {
        self.written = None;
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                tracing::warn!(%error, "the place in the stream could not be forgotten");
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{CursorFile, Place};
    use crate::model::AccountName;

    #[test]
    fn the_pace_of_a_stream_says_which_silence_is_unlikely() {
        let mut busy = Place::default();
        for at in 1..200 {
            busy.note(at * 2_000);
        }
        assert_eq!(busy.unlikely_silence(), Some(60_000_000));
        let mut quiet = Place::default();
        assert_eq!(quiet.unlikely_silence(), None);
        for at in 1..200 {
            quiet.note(at * 6_000_000);
        }
        assert!((290_000_000..310_000_000).contains(&quiet.unlikely_silence().unwrap()), "{quiet:?}");
        quiet.note(5);
        assert_eq!(quiet.at_us, 199 * 6_000_000);
    }

    #[test]
    fn a_kept_place_is_found_again() {
        let dir = tempfile::tempdir().unwrap();
        let mut file = CursorFile::of(dir.path(), &AccountName::new("acme/bsky"));
        assert_eq!(file.read(), None);
        let mut place = Place::default();
        place.note(1_795_289_671_273_000);
        file.keep(place);
        assert_eq!(CursorFile::of(dir.path(), &AccountName::new("acme/bsky")).read(), Some(place));
        file.forget();
        assert_eq!(file.read(), None);
    }
}
