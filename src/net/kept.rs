//! Small files of ours in the data folder, for their owner's eyes alone, replaced as a whole.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

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

/// The file's bytes; `None` where there is none.
pub(crate) fn read(path: &Path) -> Result<Option<Vec<u8>>, KeptError> {
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
        if mode & 0o077 != 0 {
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
    use super::{KeptError, path, read, remove, write};
    use crate::model::AccountName;

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
