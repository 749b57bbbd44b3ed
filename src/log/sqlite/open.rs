//! Opening a store: look first, write only what is surely ours.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use crate::log::LogError;

use super::schema::{APPLICATION, FORMAT, OLDEST, PROBES, TABLES};
use super::{Options, failure, migrate};

/// Memory for pages the writer keeps; it works in many tables and indexes at once, so it is the largest.
pub(super) const WRITER_CACHE_KIB: i64 = 16 * 1024;
/// The same for searching and paging; beyond it the system keeps the file at hand.
pub(super) const READER_CACHE_KIB: i64 = 2 * 1024;
/// The same for subscriptions, which read on from where they were.
pub(super) const FOLLOWER_CACHE_KIB: i64 = 1024;

/// SQLite itself waits so long for a lock; we try again above that.
pub(super) const ONE_WAIT: Duration = Duration::from_millis(250);

/// The longest pause between two tries.
const PAUSE_MILLIS: u64 = 20;

/// Pages the write-ahead log gathers before they are moved into the file.
const CHECKPOINT_PAGES: i64 = 8000;
/// What the write-ahead log may keep on the disk after that.
const WAL_BYTES: i64 = 32 << 20;

const OPEN_OR_MAKE: OpenFlags =
    OpenFlags::SQLITE_OPEN_READ_WRITE.union(OpenFlags::SQLITE_OPEN_CREATE).union(OpenFlags::SQLITE_OPEN_NO_MUTEX);

/// Makes the folder where it is missing; only the owner may look inside a new one.
pub(super) fn folder(dir: &Path) -> Result<(), LogError> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir).map_err(|error| LogError::Open {
        path: dir.to_owned(),
        why: format!("the folder cannot be made: {error}"),
        remedy: "Make it yourself, or point REPLYDECK_DATA_DIR at a folder you may write in".to_owned(),
    })
}

/// Makes an empty file that only its owner may read: SQLite would leave that to the umask. What SQLite makes beside
/// it later has the mode of the file.
///
/// It is made under another name and given its own when it is closed: closing a file gives up the locks that this
/// process holds on it. Where it cannot be made, SQLite tells why.
#[cfg(unix)]
fn make_private(path: &Path) {
    let Some(folder) = path.parent().filter(|_| !path.exists()) else { return };
    let made = tempfile::Builder::new()
        .prefix(".replydeck-new-")
        .tempfile_in(folder)
        .and_then(|file| file.into_temp_path().persist_noclobber(path).map_err(|error| error.error));
    if let Err(error) = made {
        tracing::debug!(%error, "the store's file was not made ahead");
    }
}

/// Takes from everybody else what an earlier program, or a copy, let them read; only of files that are ours.
#[cfg(unix)]
fn tighten(path: &Path) {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
    for path in [path.to_owned(), beside(path, "-wal"), beside(path, "-shm")] {
        let Ok(file) = std::fs::metadata(&path) else { continue };
        let mode = file.permissions().mode() & 0o777;
        let ours = mode & 0o700;
        if mode == ours || file.uid() != rustix::process::geteuid().as_raw() {
            continue;
        }
        let tightened = std::fs::set_permissions(&path, std::fs::Permissions::from_mode(ours));
        match tightened {
            Ok(()) => tracing::info!(path = %path.display(), "others could read this file of the store; no longer"),
            Err(error) => tracing::warn!(path = %path.display(), %error, "others can read this file of the store"),
        }
    }
}

/// A file SQLite keeps next to the store.
pub(super) fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// Whether a store that is there can be used; nothing is made or changed. False where there is none.
pub(super) fn try_out(path: &Path, options: Options) -> Result<bool, LogError> {
    if !path.try_exists().map_err(|error| unreachable_file(path, &error))? {
        return Ok(false);
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = connect(path, options, flags)?;
    match Found::look(&db, path)? {
        Found::Store => probe(&db, path)?,
        // The first start fills it, or brings it to today's format.
        Found::Nothing | Found::Older => {}
    }
    check_writable(&db, path)?;
    Ok(true)
}

fn unreachable_file(path: &Path, error: &std::io::Error) -> LogError {
    LogError::Open {
        path: path.to_owned(),
        why: format!("it cannot be reached: {error}"),
        remedy: "Give it to your user, or point REPLYDECK_DATA_DIR at another folder".to_owned(),
    }
}

/// How often to try for a lock before giving up, each time waiting [`ONE_WAIT`].
pub(super) fn tries(options: Options) -> u32 {
    let tries = options.patience.as_millis() / ONE_WAIT.as_millis();
    u32::try_from(tries).unwrap_or(u32::MAX).max(1)
}

/// Between two tries; chance decides how long, so that two processes do not keep step.
pub(super) fn pause() {
    let chance = RandomState::new().build_hasher().finish();
    std::thread::sleep(Duration::from_millis(1 + chance % PAUSE_MILLIS));
}

/// Opens a connection, again while another process makes the store or puts it in order after a crash.
pub(super) fn patiently(
    options: Options,
    open: impl Fn() -> Result<Connection, LogError>,
) -> Result<Connection, LogError> {
    for _ in 1..tries(options) {
        match open() {
            Err(LogError::Busy { .. }) => pause(),
            outcome => return outcome,
        }
    }
    open()
}

/// The connection that writes; makes the tables in a new file.
pub(super) fn writing(path: &Path, options: Options) -> Result<Connection, LogError> {
    let told = |error: rusqlite::Error| failure::told(&error, path);
    #[cfg(unix)]
    make_private(path);
    let mut db = connect(path, options, OPEN_OR_MAKE)?;
    match Found::look(&db, path)? {
        Found::Store => {}
        Found::Older => {
            check_writable(&db, path)?;
            check_length(&db, path)?;
            bring_up(&mut db, path)?;
        }
        Found::Nothing => {
            check_writable(&db, path)?;
            let mode: String =
                db.pragma_update_and_check(None, "journal_mode", "wal", |row| row.get(0)).map_err(told)?;
            if mode != "wal" {
                return Err(LogError::Open {
                    path: path.to_owned(),
                    why: "this file system does not allow several programs to share a file (no write-ahead log)"
                        .to_owned(),
                    remedy: "Point REPLYDECK_DATA_DIR at a folder on a local disk".to_owned(),
                });
            }
            create(&mut db, path)?;
        }
    }
    probe(&db, path)?;
    check_writable(&db, path)?;
    #[cfg(unix)]
    tighten(path);
    // Erased words are overwritten, also in pages the index gave up when it merged.
    db.pragma_update(None, "secure_delete", "on").map_err(told)?;
    db.pragma_update(None, "synchronous", "normal").map_err(told)?;
    db.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES).map_err(told)?;
    db.pragma_update(None, "journal_size_limit", WAL_BYTES).map_err(told)?;
    db.pragma_update(None, "cache_size", -WRITER_CACHE_KIB).map_err(told)?;
    if let Some(pages) = options.max_pages {
        db.pragma_update(None, "max_page_count", pages).map_err(told)?;
    }
    db.set_prepared_statement_cache_capacity(32);
    Ok(db)
}

/// A connection for reading; the store must be there.
pub(super) fn reading(path: &Path, options: Options, cache_kib: i64) -> Result<Connection, LogError> {
    let db = connect(path, options, OPEN_OR_MAKE)?;
    db.pragma_update(None, "query_only", true).map_err(|error| failure::told(&error, path))?;
    db.pragma_update(None, "cache_size", -cache_kib).map_err(|error| failure::told(&error, path))?;
    db.set_prepared_statement_cache_capacity(32);
    Ok(db)
}

fn connect(path: &Path, options: Options, flags: OpenFlags) -> Result<Connection, LogError> {
    let db = Connection::open_with_flags(path, flags).map_err(|error| failure::told(&error, path))?;
    db.busy_timeout(options.patience.min(ONE_WAIT)).map_err(|error| failure::told(&error, path))?;
    Ok(db)
}

/// What is in the file.
enum Found {
    /// A new or empty file.
    Nothing,
    Store,
    /// Of an earlier format.
    Older,
}

impl Found {
    fn look(db: &Connection, path: &Path) -> Result<Self, LogError> {
        let told = |error: rusqlite::Error| match error.sqlite_error_code() {
            Some(rusqlite::ErrorCode::NotADatabase) => {
                LogError::Damaged { path: path.to_owned(), why: "it is not a database".to_owned() }
            }
            _ => failure::told(&error, path),
        };
        // Seen at one moment: another process may be making the store right now.
        let _moment = db.is_autocommit().then(|| db.unchecked_transaction()).transpose().map_err(told)?;
        let format: u32 = db.pragma_query_value(None, "user_version", |row| row.get(0)).map_err(told)?;
        let application: i32 = db.pragma_query_value(None, "application_id", |row| row.get(0)).map_err(told)?;
        let things: i64 = db.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).map_err(told)?;
        match (application, format, things) {
            (0, 0, 0) => Ok(Found::Nothing),
            (APPLICATION, format, _) if format > FORMAT => {
                Err(LogError::Newer { path: path.to_owned(), found: format, known: FORMAT })
            }
            (APPLICATION, FORMAT, _) => Ok(Found::Store),
            (APPLICATION, OLDEST..FORMAT, _) => Ok(Found::Older),
            _ => Err(LogError::Open {
                path: path.to_owned(),
                why: "it is a database of another program".to_owned(),
                remedy: "Nothing was changed; move the file away, or point REPLYDECK_DATA_DIR at another folder"
                    .to_owned(),
            }),
        }
    }
}

/// SQLite opens a file it may not write for reading only, without a word.
fn check_writable(db: &Connection, path: &Path) -> Result<(), LogError> {
    if db.is_readonly("main").map_err(|error| failure::told(&error, path))? {
        return Err(failure::read_only(path, "the file may only be read"));
    }
    Ok(())
}

/// Makes the tables, unless another process has done it meanwhile.
fn create(db: &mut Connection, path: &Path) -> Result<(), LogError> {
    let told = |error: rusqlite::Error| failure::told(&error, path);
    let transaction = db.transaction_with_behavior(TransactionBehavior::Immediate).map_err(told)?;
    if let Found::Nothing = Found::look(&transaction, path)? {
        for tables in TABLES {
            transaction.execute_batch(tables).map_err(told)?;
        }
        transaction.pragma_update(None, "application_id", APPLICATION).map_err(told)?;
        transaction.pragma_update(None, "user_version", FORMAT).map_err(told)?;
    }
    transaction.commit().map_err(told)
}

/// Brings a store of an earlier format to today's, unless another process has done it meanwhile.
fn bring_up(db: &mut Connection, path: &Path) -> Result<(), LogError> {
    let told = |error: rusqlite::Error| failure::told(&error, path);
    let transaction = db.transaction_with_behavior(TransactionBehavior::Immediate).map_err(told)?;
    if let Found::Older = Found::look(&transaction, path)? {
        tracing::info!(path = %path.display(), format = FORMAT, "the store is brought to a new format, once");
        let format: u32 = transaction.pragma_query_value(None, "user_version", |row| row.get(0)).map_err(told)?;
        if format < 2 {
            migrate::from_1(&transaction).map_err(told)?;
        }
        if format < 3 {
            migrate::from_2(&transaction).map_err(told)?;
        } else {
            migrate::from_3(&transaction).map_err(told)?;
        }
        transaction.pragma_update(None, "user_version", FORMAT).map_err(told)?;
    }
    transaction.commit().map_err(told)
}

/// A file that was cut short.
fn check_length(db: &Connection, path: &Path) -> Result<(), LogError> {
    let number = |pragma| -> Result<u64, LogError> {
        db.pragma_query_value(None, pragma, |row| row.get::<_, i64>(0))
            .map(i64::unsigned_abs)
            .map_err(|error| failure::told(&error, path))
    };
    let whole = number("page_count")? * number("page_size")?;
    let length = |path: &Path| std::fs::metadata(path).map_or(0, |file| file.len());
    // Pages not yet moved out of the write-ahead log need not be in the file.
    if length(&super::writer::wal(path)) == 0 && length(path) < whole {
        let why = format!("it should have {whole} bytes and has {}", length(path));
        return Err(LogError::Damaged { path: path.to_owned(), why });
    }
    Ok(())
}

/// Looks for damage that can be seen at little cost: a file cut short, and unreadable first pages.
fn probe(db: &Connection, path: &Path) -> Result<(), LogError> {
    check_length(db, path)?;
    let damaged = |why: String| LogError::Damaged { path: path.to_owned(), why };
    for question in PROBES {
        db.query_row(question, [], |row| row.get::<_, i64>(0)).map_err(|error| match failure::told(&error, path) {
            // A table that is missing is damage as well.
            LogError::Failed { why } => damaged(why),
            other => other,
        })?;
    }
    Ok(())
}
