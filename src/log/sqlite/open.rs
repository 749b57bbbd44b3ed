//! Opening a store: look first, write only what is surely ours.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use crate::log::LogError;

use super::schema::{APPLICATION, FORMAT, PROBES, TABLES};
use super::{Options, failure};

/// Memory for pages the writer keeps. Ids are spread over the whole index of events, so it is the largest.
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
const CHECKPOINT_PAGES: i64 = 4000;
/// What the write-ahead log may keep on the disk after that.
const WAL_BYTES: i64 = 32 << 20;

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
    let mut db = connect(path, options)?;
    match Found::look(&db, path)? {
        Found::Store => probe(&db, path)?,
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
    check_writable(&db, path)?;
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
    let db = connect(path, options)?;
    db.pragma_update(None, "query_only", true).map_err(|error| failure::told(&error, path))?;
    db.pragma_update(None, "cache_size", -cache_kib).map_err(|error| failure::told(&error, path))?;
    db.set_prepared_statement_cache_capacity(32);
    Ok(db)
}

fn connect(path: &Path, options: Options) -> Result<Connection, LogError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(path, flags).map_err(|error| failure::told(&error, path))?;
    db.busy_timeout(options.patience.min(ONE_WAIT)).map_err(|error| failure::told(&error, path))?;
    Ok(db)
}

/// What is in the file.
enum Found {
    /// A new or empty file.
    Nothing,
    Store,
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
        transaction.execute_batch(TABLES).map_err(told)?;
        transaction.pragma_update(None, "application_id", APPLICATION).map_err(told)?;
        transaction.pragma_update(None, "user_version", FORMAT).map_err(told)?;
    }
    transaction.commit().map_err(told)
}

/// Looks for damage that can be seen at little cost: a file cut short, and unreadable first pages.
fn probe(db: &Connection, path: &Path) -> Result<(), LogError> {
    let damaged = |why: String| LogError::Damaged { path: path.to_owned(), why };
    let number = |pragma| -> Result<u64, LogError> {
        db.pragma_query_value(None, pragma, |row| row.get::<_, i64>(0))
            .map(i64::unsigned_abs)
            .map_err(|error| failure::told(&error, path))
    };
    let whole = number("page_count")? * number("page_size")?;
    let length = |path: &Path| std::fs::metadata(path).map_or(0, |file| file.len());
    // Pages not yet moved out of the write-ahead log need not be in the file.
    if length(&super::writer::wal(path)) == 0 && length(path) < whole {
        return Err(damaged(format!("it should have {whole} bytes and has {}", length(path))));
    }
    for question in PROBES {
        db.query_row(question, [], |row| row.get::<_, i64>(0)).map_err(|error| match failure::told(&error, path) {
            // A table that is missing is damage as well.
            LogError::Failed { why } => damaged(why),
            other => other,
        })?;
    }
    Ok(())
}
