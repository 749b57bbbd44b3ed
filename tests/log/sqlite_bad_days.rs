//! Files that are no store, folders that cannot be used, full disks: each told for what it is, nothing
//! overwritten.

use std::path::{Path, PathBuf};
use std::time::Duration;

use replydeck::log::sqlite::{FILE, Options, SqliteLog};
use replydeck::log::{AppendError, Log, LogError};
use replydeck::model::{BodyId, Seq};

use super::sample::{matched, post_id, queued, seqs, take};

fn refused(dir: &Path) -> LogError {
    SqliteLog::open(dir).expect_err("it must not open")
}

fn impatient() -> Options {
    Options { patience: Duration::from_millis(50), ..Options::default() }
}

/// A store with some posts in it, closed; returns its file.
async fn filled(dir: &Path) -> PathBuf {
    let log = SqliteLog::open(dir).expect("a new store opens");
    let text = "a text of some length, so that the file has many pages ".repeat(20);
    for round in 0..20 {
        log.append((0..20).map(|n| matched(round * 20 + n + 1, &text)).collect(), None).await.expect("written");
    }
    log.close().await;
    dir.join(FILE)
}

#[tokio::test]
async fn a_missing_folder_is_made() {
    let dir = tempfile::tempdir().expect("a folder");
    let deep = dir.path().join("share").join("replydeck");
    let log = SqliteLog::open(&deep).expect("made on the way");
    assert_eq!(log.path(), deep.join(FILE));
    assert_eq!(log.append(vec![matched(1, "x")], None).await.expect("written"), Seq(1));
}

#[test]
fn a_folder_that_cannot_be_made_is_told() {
    let dir = tempfile::tempdir().expect("a folder");
    let file = dir.path().join("file");
    std::fs::write(&file, "here first").expect("written");
    for place in [file.clone(), file.join("below")] {
        let error = refused(&place);
        let words = error.to_string();
        assert!(matches!(&error, LogError::Open { path, .. } if *path == place), "{error:?}");
        assert!(words.contains("file") && words.contains("REPLYDECK_DATA_DIR"), "{words}");
    }
    assert_eq!(std::fs::read_to_string(&file).expect("still there"), "here first");
}

#[test]
fn a_folder_in_the_place_of_the_file_is_told() {
    let dir = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(dir.path().join(FILE)).expect("made");
    let error = refused(dir.path());
    assert!(matches!(&error, LogError::Open { path, .. } if *path == dir.path().join(FILE)), "{error:?}");
}

#[tokio::test]
async fn an_empty_file_becomes_a_store() {
    let dir = tempfile::tempdir().expect("a folder");
    std::fs::write(dir.path().join(FILE), "").expect("written");
    let log = SqliteLog::open(dir.path()).expect("opens");
    assert_eq!(log.last().await.expect("answered"), Seq(0));
}

#[test]
fn a_file_that_is_no_database_is_left_alone() {
    let dir = tempfile::tempdir().expect("a folder");
    let content = "Dear diary, ".repeat(1000);
    std::fs::write(dir.path().join(FILE), &content).expect("written");
    let error = refused(dir.path());
    assert!(
        matches!(&error, LogError::Damaged { path, why } if path.ends_with(FILE) && why.contains("not a database")),
        "{error:?}"
    );
    assert_eq!(std::fs::read_to_string(dir.path().join(FILE)).expect("there"), content);
}

#[test]
fn the_database_of_another_program_is_left_alone() {
    let dir = tempfile::tempdir().expect("a folder");
    let file = dir.path().join(FILE);
    let db = rusqlite::Connection::open(&file).expect("opens");
    db.execute_batch("CREATE TABLE bookmarks (url TEXT)").expect("made");
    db.close().expect("closed");
    let before = std::fs::read(&file).expect("there");
    let error = refused(dir.path());
    assert!(matches!(&error, LogError::Open { why, .. } if why.contains("another program")), "{error:?}");
    assert_eq!(std::fs::read(&file).expect("there"), before);
}

#[tokio::test]
async fn a_newer_store_is_left_alone() {
    let dir = tempfile::tempdir().expect("a folder");
    let file = filled(dir.path()).await;
    let db = rusqlite::Connection::open(&file).expect("opens");
    db.pragma_update(None, "user_version", 7).expect("written");
    db.close().expect("closed");
    let before = std::fs::read(&file).expect("there");
    let error = refused(dir.path());
    assert!(matches!(error, LogError::Newer { found: 7, known: 4, .. }), "{error:?}");
    assert_eq!(std::fs::read(&file).expect("there"), before);
}

#[tokio::test]
async fn damage_is_told_and_the_file_is_left_alone() {
    for (name, damage) in [
        ("cut short", &(|bytes: &mut Vec<u8>| bytes.truncate(bytes.len() / 2 + 100)) as &dyn Fn(&mut Vec<u8>)),
        ("header overwritten", &|bytes: &mut Vec<u8>| bytes[..64].fill(0)),
        ("pages overwritten", &|bytes: &mut Vec<u8>| bytes[4096..].fill(0xa5)),
    ] {
        let dir = tempfile::tempdir().expect("a folder");
        let file = filled(dir.path()).await;
        let mut bytes = std::fs::read(&file).expect("there");
        damage(&mut bytes);
        std::fs::write(&file, &bytes).expect("written");
        let error = refused(dir.path());
        assert!(matches!(&error, LogError::Damaged { path, .. } if *path == file), "{name}: {error:?}");
        assert!(error.to_string().contains("Nothing was overwritten"), "{error}");
        assert_eq!(std::fs::read(&file).expect("there"), bytes, "{name}");
    }
}

#[tokio::test]
async fn a_locked_store_is_busy_and_later_works() {
    let dir = tempfile::tempdir().expect("a folder");
    let log = SqliteLog::open_with(dir.path(), impatient()).expect("opens");
    let other = rusqlite::Connection::open(dir.path().join(FILE)).expect("opens");
    other.execute_batch("BEGIN IMMEDIATE").expect("locked");
    let appended = log.append(vec![matched(1, "x")], None).await;
    assert!(matches!(appended, Err(AppendError::Log(LogError::Busy { .. }))), "{appended:?}");
    assert_eq!(log.last().await.expect("reading goes on"), Seq(0));
    other.execute_batch("ROLLBACK").expect("unlocked");
    assert_eq!(log.append(vec![matched(1, "x")], None).await.expect("written"), Seq(1));
}

#[tokio::test]
async fn a_store_locked_whole_cannot_be_opened_and_says_so() {
    let dir = tempfile::tempdir().expect("a folder");
    let file = filled(dir.path()).await;
    let other = rusqlite::Connection::open(&file).expect("opens");
    other.execute_batch("PRAGMA journal_mode = delete; BEGIN EXCLUSIVE").expect("locked");
    let error = SqliteLog::open_with(dir.path(), impatient()).expect_err("locked");
    assert!(matches!(error, LogError::Busy { .. }), "{error:?}");
    other.execute_batch("ROLLBACK").expect("unlocked");
    drop(other);
    let log = SqliteLog::open(dir.path()).expect("opens again");
    assert_eq!(log.last().await.expect("answered"), Seq(400));
}

#[tokio::test]
async fn a_full_disk_leaves_nothing_half_written_and_later_appends_work() {
    let dir = tempfile::tempdir().expect("a folder");
    let options = Options { max_pages: Some(200), ..Options::default() };
    let log = SqliteLog::open_with(dir.path(), options).expect("opens");
    let text = "long ".repeat(4000);
    let mut written = 0;
    let error = loop {
        let batch = vec![matched(written * 2 + 1, &text), matched(written * 2 + 2, &text)];
        match log.append(batch, None).await {
            Ok(seq) => {
                written += 1;
                assert_eq!(seq, Seq(written * 2));
            }
            Err(error) => break error,
        }
        assert!(written < 1000, "the disk must become full");
    };
    assert!(matches!(error, AppendError::Log(LogError::Full { .. })), "{error:?}");
    assert!(error.to_string().contains("disk is full"), "{error}");
    assert_eq!(log.last().await.expect("answered"), Seq(written * 2), "the whole batch is absent");
    let lost = BodyId::post(&post_id(written * 2 + 1));
    assert_eq!(log.bodies(vec![lost]).await.expect("answered"), []);
    // Room again, enough for the index to merge its parts: the same store goes on.
    for n in 1..=12 {
        log.erase(BodyId::post(&post_id(n))).await.expect("erasing needs no room");
    }
    assert_eq!(log.append(vec![queued(1, "x")], None).await.expect("room again"), Seq(written * 2 + 1));
    let count = usize::try_from(written * 2 + 1).expect("small");
    let seen = take(&mut log.subscribe(Seq(0)), count).await;
    assert_eq!(seqs(&seen), (1..=written * 2 + 1).collect::<Vec<u64>>());
    log.close().await;
    assert_eq!(integrity(dir.path()), "ok");
}

#[tokio::test]
async fn erased_words_are_in_no_byte_of_the_files() {
    let dir = tempfile::tempdir().expect("a folder");
    let log = SqliteLog::open(dir.path()).expect("opens");
    for round in 0..10 {
        let mut batch: Vec<_> = (0..100).map(|n| matched(round * 100 + n + 1, "all is well here")).collect();
        batch[50] = matched(round * 100 + 51, "my secretword5550100 is out, 秘密番号漏洩");
        log.append(batch, None).await.expect("written");
    }
    for round in 0..10 {
        log.erase(BodyId::post(&post_id(round * 100 + 51))).await.expect("erased");
    }
    // The files are read only after the store is closed: closing a file gives up this process's locks on it.
    log.close().await;
    for file in std::fs::read_dir(dir.path()).expect("there") {
        let file = file.expect("readable").path();
        let bytes = std::fs::read(&file).expect("readable");
        for word in ["secretword5550100", "ecretword555", "秘密番号", "密番"] {
            let is_there = bytes.windows(word.len()).any(|window| window == word.as_bytes());
            assert!(!is_there, "{word} is still in {}", file.display());
        }
    }
    assert_eq!(integrity(dir.path()), "ok");
    let log = SqliteLog::open(dir.path()).expect("opens");
    assert_eq!(log.search("well".to_owned(), 5).await.expect("answered").len(), 5);
}

#[tokio::test]
async fn trying_a_store_out_tells_what_opening_would_and_makes_nothing() {
    let dir = tempfile::tempdir().expect("a folder");
    assert!(!SqliteLog::try_out(dir.path()).expect("nothing there"));
    assert_eq!(std::fs::read_dir(dir.path()).expect("there").count(), 0);
    let file = filled(dir.path()).await;
    assert!(SqliteLog::try_out(dir.path()).expect("a store"));
    assert_eq!(std::fs::read_dir(dir.path()).expect("there").count(), 1);
    std::fs::write(&file, "").expect("written");
    assert!(SqliteLog::try_out(dir.path()).expect("an empty file"));
    assert_eq!(std::fs::read(&file).expect("there"), b"");
    std::fs::write(&file, "Dear diary, ".repeat(1000)).expect("written");
    let error = SqliteLog::try_out(dir.path()).expect_err("no store");
    assert_eq!(error.to_string(), refused(dir.path()).to_string());
}

/// What SQLite and the index themselves say of the file.
pub(crate) fn integrity(dir: &Path) -> String {
    let db = rusqlite::Connection::open(dir.join(FILE)).expect("opens");
    db.query_row("PRAGMA integrity_check", [], |row| row.get(0)).expect("checked")
}

/// Root may write everywhere, so a child process without its rights opens the store.
#[cfg(unix)]
mod read_only {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
    use std::os::unix::process::CommandExt as _;
    use std::path::Path;
    use std::process::Command;

    use super::{FILE, Log as _, LogError, SqliteLog, filled, matched};

    const DIR: &str = "REPLYDECK_TEST_READ_ONLY_DIR";

    #[test]
    #[ignore = "run by the test below, in a process that may not write"]
    fn child_opens() {
        let dir = std::env::var(DIR).expect("the folder to open");
        let error = SqliteLog::open(Path::new(&dir)).expect_err("it may only be read");
        let words = error.to_string();
        assert!(matches!(&error, LogError::Open { path, .. } if path.ends_with(FILE)), "{error:?}");
        assert!(words.contains("writ") && words.contains("REPLYDECK_DATA_DIR"), "{words}");
    }

    fn set_mode(path: &Path, mode: u32) {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("set");
    }

    fn modes(dir: &Path) -> Vec<u32> {
        let files = std::fs::read_dir(dir).expect("there").map(|file| file.expect("readable").path());
        files.map(|file| std::fs::metadata(file).expect("there").mode() & 0o777).collect()
    }

    #[tokio::test]
    async fn only_the_owner_may_read_a_store_also_in_an_open_folder() {
        let dir = tempfile::tempdir().expect("a folder");
        set_mode(dir.path(), 0o755);
        let log = SqliteLog::open(dir.path()).expect("opens");
        log.append(vec![matched(1, "a customer's words")], None).await.expect("written");
        assert_eq!(modes(dir.path()), [0o600; 3], "the file, its write-ahead log and the index of that");
        log.close().await;
        assert_eq!(modes(dir.path()), [0o600]);
    }

    #[tokio::test]
    async fn a_store_that_others_can_read_is_tightened() {
        let dir = tempfile::tempdir().expect("a folder");
        let file = filled(dir.path()).await;
        set_mode(&file, 0o644);
        // As after a kill: the files beside it are there.
        let other = rusqlite::Connection::open(&file).expect("opens");
        other.execute_batch("CREATE TABLE passing (x); DROP TABLE passing").expect("written");
        assert_eq!(modes(dir.path()), [0o644; 3]);
        let log = SqliteLog::open(dir.path()).expect("opens");
        assert_eq!(modes(dir.path()), [0o600; 3]);
        log.close().await;
    }

    #[test]
    fn the_file_of_another_program_keeps_its_mode() {
        let dir = tempfile::tempdir().expect("a folder");
        std::fs::write(dir.path().join(FILE), "Dear diary, ".repeat(1000)).expect("written");
        set_mode(&dir.path().join(FILE), 0o644);
        SqliteLog::open(dir.path()).expect_err("no store");
        assert_eq!(modes(dir.path()), [0o644]);
    }

    #[tokio::test]
    async fn a_read_only_folder_is_told_and_left_alone() {
        let dir = tempfile::tempdir().expect("a folder");
        let program = dir.path().join("program");
        std::fs::copy(std::env::current_exe().expect("known"), &program).expect("copied");
        set_mode(&program, 0o755);
        set_mode(dir.path(), 0o755);
        let is_root = std::fs::metadata(dir.path()).expect("there").uid() == 0;

        let empty = dir.path().join("empty");
        std::fs::create_dir(&empty).expect("made");
        let full = dir.path().join("full");
        std::fs::create_dir(&full).expect("made");
        let file = filled(&full).await;
        set_mode(&file, 0o444);
        let before = std::fs::read(&file).expect("there");
        for place in [&empty, &full] {
            set_mode(place, 0o555);
            let mut child = Command::new(&program);
            child.args(["--ignored", "--exact", "sqlite_bad_days::read_only::child_opens"]).env(DIR, place);
            if is_root {
                // Nobody, by its usual number; any but root would do.
                child.uid(65534).gid(65534);
            }
            let output = child.output().expect("it runs");
            let said = String::from_utf8_lossy(&output.stdout);
            assert!(output.status.success() && said.contains("1 passed"), "{}: {said}", place.display());
            set_mode(place, 0o755);
        }
        assert_eq!(std::fs::read(&file).expect("there"), before);
        assert_eq!(std::fs::read_dir(&empty).expect("there").count(), 0);
    }
}
