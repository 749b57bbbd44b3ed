//! SQLite's errors in our words.

use std::path::Path;

use rusqlite::{Error, ErrorCode, ffi};

use crate::log::LogError;

/// What went wrong with the store at `path`.
pub(super) fn told(error: &Error, path: &Path) -> LogError {
    let why = error.to_string();
    let path = path.to_owned();
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => LogError::Full { why },
        // Growing the shared index of the write-ahead log is the one place where a full disk has its own code.
        _ if error.sqlite_extended_error_code() == Some(ffi::SQLITE_IOERR_SHMSIZE) => LogError::Full { why },
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => LogError::Busy { why },
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => LogError::Damaged { path, why },
        Some(ErrorCode::OperationInterrupted) => LogError::Closed,
        Some(ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => LogError::Open {
            path,
            why,
            remedy: "See that the folder exists and that you may write in it, or point REPLYDECK_DATA_DIR at another"
                .to_owned(),
        },
        Some(ErrorCode::ReadOnly) => read_only(&path, &why),
        _ => LogError::Failed { why },
    }
}

/// A store that can be read and not written.
pub(super) fn read_only(path: &Path, why: &str) -> LogError {
    LogError::Open {
        path: path.to_owned(),
        why: why.to_owned(),
        remedy: "Make the file and its folder writable for you, or point REPLYDECK_DATA_DIR at a folder that is"
            .to_owned(),
    }
}
