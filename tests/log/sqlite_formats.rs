//! Stores that earlier versions wrote: they open, and nothing of them is lost.

use std::path::Path;

use jiff::Timestamp;
use replydeck::log::Log;
use replydeck::log::sqlite::{FILE, SqliteLog};
use replydeck::model::post::Quoted;
use replydeck::model::{AccountName, Body, BodyId, ColumnName, Event, MessageId, NetworkKind, ReplyId, Seq, key};

use super::sample::{author_id, case, claimed, matched, matched_by, new, post_id, queued, seqs, take};
use super::sqlite_bad_days::integrity;

/// What tells format 3 from format 4: what went out, and direct messages, were not found by key.
const FORMAT_3: &str = "
DELETE FROM events_of_key WHERE key LIKE 'out/%' OR key LIKE 'with/%';
PRAGMA user_version = 3;
";

/// What tells format 2 from format 3: nothing was found by key, quote or handle.
const FORMAT_2: &str = "
DROP TABLE events_of_key;
DROP TABLE quotes;
DROP TABLE people;
PRAGMA user_version = 2;
";

/// What tells format 1 from format 2: its table of events, word for word, and how the index merged.
const FORMAT_1: &str = "
ALTER TABLE events RENAME TO events_2;
DROP INDEX events_by_id;
DROP INDEX events_of_case;
DROP INDEX events_contending;
CREATE TABLE events (
    seq INTEGER PRIMARY KEY,
    id BLOB NOT NULL UNIQUE,
    at INTEGER NOT NULL,
    rep TEXT NOT NULL,
    machine TEXT NOT NULL,
    version INTEGER NOT NULL,
    kind TEXT NOT NULL,
    payload TEXT NOT NULL,
    case_id BLOB,
    contends INTEGER NOT NULL
) STRICT;
CREATE INDEX events_of_case ON events (case_id, seq) WHERE case_id IS NOT NULL;
CREATE INDEX events_contending ON events (case_id, seq) WHERE contends = 1;
INSERT INTO events SELECT seq, id, at, rep, machine, version, kind, payload, case_id, contends FROM events_2;
DROP TABLE events_2;
INSERT INTO words (words, rank) VALUES ('automerge', 4), ('crisismerge', 16);
PRAGMA user_version = 1;
";

fn make_format_3(dir: &Path) {
    let db = rusqlite::Connection::open(dir.join(FILE)).expect("opens");
    db.execute_batch(FORMAT_3).expect("taken back");
    db.close().expect("closed");
}

fn make_format_2(dir: &Path) {
    let db = rusqlite::Connection::open(dir.join(FILE)).expect("opens");
    db.execute_batch(FORMAT_2).expect("taken back");
    db.close().expect("closed");
}

fn make_format_1(dir: &Path) {
    let db = rusqlite::Connection::open(dir.join(FILE)).expect("opens");
    db.execute_batch(FORMAT_2).expect("taken back");
    db.execute_batch(FORMAT_1).expect("taken back");
    db.close().expect("closed");
}

#[tokio::test]
async fn a_store_of_format_1_opens_with_everything_in_it() {
    let dir = tempfile::tempdir().expect("a folder");
    let log = SqliteLog::open(dir.path()).expect("opens");
    let first: Vec<_> = (1..=30).map(|n| matched(n, "荷物まだ late again")).collect();
    let rest = vec![matched_by(13, "late", &["second"]), claimed("a", "ana", 3), queued(3, "on it")];
    log.append(first.clone(), None).await.expect("written");
    log.append(rest.clone(), None).await.expect("written");
    let before = take(&mut log.subscribe(Seq(0)), 33).await;
    log.close().await;
    make_format_1(dir.path());
    assert!(SqliteLog::try_out(dir.path()).expect("it can be used"));

    for round in ["brought to the new format", "opened again"] {
        let log = SqliteLog::open(dir.path()).expect("opens");
        assert_eq!(take(&mut log.subscribe(Seq(0)), 33).await, before, "{round}");
        assert_eq!(seqs(&log.of_author(author_id(3), 9).await.expect("answered")), [23, 13, 3], "{round}");
        assert_eq!(seqs(&log.of_case(case(3)).await.expect("answered")), [32, 33], "{round}");
        let start = (Timestamp::MAX, post_id(0));
        assert_eq!(log.older(ColumnName::new("second"), start, 5).await.expect("answered").len(), 1, "{round}");
        assert_eq!(log.search("荷物".to_owned(), 50).await.expect("answered").len(), 29, "{round}");
        // What is there is known by its id, from a network and from here.
        assert_eq!(log.append(first.clone(), None).await.expect("passed over"), Seq(30), "{round}");
        assert_eq!(log.append(rest.clone(), None).await.expect("passed over"), Seq(33), "{round}");
        assert_eq!(log.last().await.expect("answered"), Seq(33), "{round}");
        log.close().await;
        assert_eq!(integrity(dir.path()), "ok", "{round}");
    }
    let log = SqliteLog::open(dir.path()).expect("opens");
    assert_eq!(log.append(vec![matched(43, "more")], None).await.expect("written"), Seq(34));
    assert_eq!(seqs(&log.of_author(author_id(3), 2).await.expect("answered")), [34, 23]);
}

#[tokio::test]
async fn stores_of_earlier_formats_find_by_key_handle_and_quote() {
    for (format, make) in [(1, make_format_1 as fn(&Path)), (2, make_format_2)] {
        let dir = tempfile::tempdir().expect("a folder");
        let log = SqliteLog::open(dir.path()).expect("opens");
        let mut quoting = matched(2, "look at this");
        if let Some(Body::Post(post)) = &mut quoting.body {
            post.quotes = Some(Quoted { id: post_id(1), author: None, text: "regretted".to_owned() });
        }
        let tagged = Event::CaseTagged { case: case(1), tag: "😡 Line".to_owned(), on: true };
        let batch = vec![matched(1, "regretted"), quoting, new("t", tagged, None), claimed("c", "ben", 1)];
        log.append(batch, None).await.expect("written");
        log.close().await;
        make(dir.path());
        let log = SqliteLog::open(dir.path()).expect("opens");
        let of = async |key: String| seqs(&log.of_key(key, 9).await.expect("answered"));
        assert_eq!(of(key::tag("😡 line")).await, [3], "from format {format}");
        assert_eq!(of(key::rep("ben")).await, [4], "from format {format}");
        let people = log.people("customer".to_owned(), 9).await.expect("answered");
        assert_eq!(people.len(), 2, "from format {format}");
        log.erase(BodyId::post(&post_id(1))).await.expect("erased");
        let quoting = log.bodies(vec![BodyId::post(&post_id(2))]).await.expect("answered").pop();
        let Some((_, Body::Post(quoting))) = quoting else { panic!("the quoting post stays") };
        assert_eq!(quoting.quotes.expect("what it quotes").text, "", "from format {format}");
        log.close().await;
        let held = std::fs::read(dir.path().join(FILE)).expect("read");
        assert!(!held.windows(9).any(|bytes| bytes == b"regretted"), "from format {format}: still in the file");
        assert_eq!(integrity(dir.path()), "ok", "from format {format}");
    }
}

#[tokio::test]
async fn stores_of_earlier_formats_find_what_went_out_and_direct_messages() {
    for (format, make) in [(2, make_format_2 as fn(&Path)), (3, make_format_3)] {
        let dir = tempfile::tempdir().expect("a folder");
        let log = SqliteLog::open(dir.path()).expect("opens");
        let reply = ReplyId(uuid::Uuid::from_u128(7));
        let sent = Event::ReplySent { reply, case: case(1), post: post_id(900) };
        let wrote = Event::DmReceived {
            message: MessageId::new(NetworkKind::X, "m1"),
            author: author_id(1),
            account: AccountName::new("help"),
            sent_at: Timestamp::UNIX_EPOCH,
        };
        let batch = vec![matched(1, "late again"), new("s", sent, None), new("w", wrote, None)];
        log.append(batch, None).await.expect("written");
        log.close().await;
        make(dir.path());
        let log = SqliteLog::open(dir.path()).expect("opens");
        let of = async |key: String| seqs(&log.of_key(key, 9).await.expect("answered"));
        assert_eq!(of(key::out(post_id(900).as_str())).await, [2], "from format {format}");
        assert_eq!(of(key::with(&author_id(1))).await, [3], "from format {format}");
        log.close().await;
    }
}
