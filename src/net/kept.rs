//! Small files of ours in the data folder, for their owner's eyes alone, replaced as a whole.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::model::AccountName;

/// Larger is no file of ours.
const LARGEST: u64 = 1024 * 1024;
/// Letters that stand in file names as they are.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_');

/// Why a file cannot be used. Holds no part of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeptError {
    #[error("{} cannot be read: {why}", path.display())]
    Unreadable { path: PathBuf, why: String },
    #[error("{} may be read by others (mode {mode:04o}); run: chmod 600 '{}'", path.display(), path.display())]
    Exposed { path: PathBuf, mode: u32 },
    #[error("{} is not one of ours, or of a newer replydeck; log in again", path.display())]
    Foreign { path: PathBuf },
    #[error("{} cannot be written: {why}", path.display())]
    Unwritable { path: PathBuf, why: String },
}

/// `WHAT-ACCOUNT`, whatever stands in the account's name.
pub(crate) fn name(what: &str, account: &AccountName) -> String {
    format!("{what}-{}", utf8_percent_encode(account.as_str(), ESCAPED))
}

/// `WHAT-ACCOUNT.json` in `data_dir`.
pub(crate) fn path(data_dir: &Path, what: &str, account: &AccountName) -> PathBuf {
    data_dir.join(format!("{}.json", name(what, account)))
}

/// What a run knows and the next one, or another on this host, wants to know: one value, replaced again and again.
/// Without it the deck goes on and is a little less well informed, so what goes wrong is logged, and once.
#[derive(Debug)]
pub(crate) struct StateFile {
    path: PathBuf,
    /// What cannot be said without it.
    loss: &'static str,
    /// The bytes this run wrote last, where that went well.
    written: Option<Vec<u8>>,
    is_ill: bool,
}

impl StateFile {
    /// In `WHAT-ACCOUNT.json`.
    pub(crate) fn of(data_dir: &Path, what: &str, account: &AccountName, loss: &'static str) -> Self {
        Self { path: path(data_dir, what, account), loss, written: None, is_ill: false }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// What stands there; `None` where nothing of use does.
    pub(crate) fn read<T: DeserializeOwned>(&mut self) -> Option<T> {
        let value = match bytes(&self.path, false) {
            Ok(None) => Ok(None),
            Ok(Some(bytes)) => serde_json::from_slice(&bytes).map(Some).map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        self.note(value.as_ref().err().map(String::as_str));
        value.ok().flatten()
    }

    /// Writes it down where that does not stand there already.
    pub(crate) fn keep(&mut self, value: &impl Serialize) {
        let written = serde_json::to_vec(value).map_err(|error| error.to_string());
        if self.written.is_some() && self.written.as_ref() == written.as_ref().ok() {
            return;
        }
        let written = written.and_then(|bytes| match write(&self.path, &bytes, false) {
            Ok(()) => Ok(bytes),
            Err(error) => Err(error.to_string()),
        });
        self.note(written.as_ref().err().map(String::as_str));
        self.written = written.ok();
    }

    fn note(&mut self, fault: Option<&str>) {
        if let Some(fault) = fault.filter(|_| !self.is_ill) {
            tracing::error!(path = %self.path.display(), fault, "{}", self.loss);
        }
        self.is_ill = fault.is_some();
    }
}

/// The file's bytes; `None` where there is none. What others may read is refused: it may hold a secret they know.
pub(crate) fn read(path: &Path) -> Result<Option<Vec<u8>>, KeptError> {
    bytes(path, true)
}

fn bytes(path: &Path, is_secret: bool) -> Result<Option<Vec<u8>>, KeptError> {
    let unreadable = |why: io::Error| KeptError::Unreadable { path: path.to_owned(), why: why.to_string() };
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unreadable(error)),
    };
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = file.metadata().map_err(unreadable)?.permissions().mode() & 0o7777;
        if is_secret && mode & 0o077 != 0 {
            return Err(KeptError::Exposed { path: path.to_owned(), mode });
        }
    }
    let mut bytes = Vec::new();
    file.take(LARGEST).read_to_end(&mut bytes).map_err(unreadable)?;
    Ok(Some(bytes))
}

/// Replaces the file: whoever reads it finds the old bytes or the new ones. `is_lasting`: they are on the disk
/// afterwards.
pub(crate) fn write(path: &Path, bytes: &[u8], is_lasting: bool) -> Result<(), KeptError> {
    let put = || -> io::Result<()> {
        let beside = path.with_extension("new");
        let mut file = private(&beside, true)?;
        file.write_all(bytes)?;
        if is_lasting {
            file.sync_all()?;
        }
        fs::rename(&beside, path)?;
        if let (true, Some(folder)) = (is_lasting, path.parent()) {
            File::open(folder)?.sync_all()?;
        }
        Ok(())
    };
    put().map_err(|error| KeptError::Unwritable { path: path.to_owned(), why: error.to_string() })
}

/// Opens a file only its owner may read, from its first byte on. `anew`: one that is there already goes.
pub(crate) fn private(path: &Path, anew: bool) -> io::Result<File> {
    if anew
        && let Err(error) = fs::remove_file(path)
        && error.kind() != io::ErrorKind::NotFound
    {
        return Err(error);
    }
    let mut options = fs::OpenOptions::new();
    options.write(true).create(!anew).create_new(anew).truncate(false);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    options.open(path)
}

/// Removes the file; it may be gone already.
pub(crate) fn remove(path: &Path) -> Result<(), KeptError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(KeptError::Unwritable { path: path.to_owned(), why: error.to_string() })
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::{KeptError, StateFile, path, read, remove, write};
    use crate::model::AccountName;

    #[test]
    fn a_state_is_read_back_and_what_is_none_costs_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let of = || StateFile::of(dir.path(), "state", &AccountName::new("acme"), "nobody knows");
        let mut one = of();
        assert_eq!(one.read::<u32>(), None);
        one.keep(&7);
        assert_eq!(of().read::<u32>(), Some(7));
        // Another run wrote; the same value of ours is not written again, another is.
        of().keep(&8);
        one.keep(&7);
        assert_eq!(one.read::<u32>(), Some(8));
        one.keep(&9);
        assert_eq!(one.read::<u32>(), Some(9));
        let file = dir.path().join("state-acme.json");
        std::fs::write(&file, "[").unwrap();
        assert_eq!((one.read::<u32>(), one.is_ill), (None, true));
        // A folder is in the way: told once, and kept once that is mended.
        std::fs::remove_file(&file).unwrap();
        std::fs::create_dir(&file).unwrap();
        one.keep(&10);
        assert_eq!((one.read::<u32>(), one.is_ill), (None, true));
        std::fs::remove_dir(&file).unwrap();
        one.keep(&10);
        assert_eq!((one.read::<u32>(), one.is_ill), (Some(10), false));
    }

    #[test]
    fn files_are_private_and_replaced_whole() {
        let dir = tempfile::tempdir().unwrap();
        let file = path(dir.path(), "login", &AccountName::new("acme/../x"));
        assert_eq!(file.file_name().unwrap(), "login-acme%2F%2E%2E%2Fx.json");
        assert_eq!(read(&file), Ok(None));
        write(&file, b"one", true).unwrap();
        write(&file, b"two", false).unwrap();
        assert_eq!(read(&file).unwrap().unwrap(), b"two");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
            assert!(matches!(read(&file), Err(KeptError::Exposed { mode: 0o644, .. })));
        }
        remove(&file).unwrap();
        remove(&file).unwrap();
        assert_eq!(read(&file), Ok(None));
    }
}
