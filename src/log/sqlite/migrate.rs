//! Brings a store of an earlier format to today's, inside the caller's transaction: after an error or a kill the
//! store is as it was.

use rusqlite::{Connection, params};

use crate::log::codec;
use crate::model::{Body, Event, RepName};

use super::schema::{EVENT_INDEXES, EVENTS, FINDING, MERGING};
use super::{append, finding};

/// From format 1: ids were indexed without `near`.
pub(super) fn from_1(db: &Connection) -> rusqlite::Result<()> {
    db.execute_batch(
        "DROP INDEX events_of_case; DROP INDEX events_contending; ALTER TABLE events RENAME TO events_1;",
    )?;
    db.execute_batch(EVENTS)?;
    {
        let mut old = db.prepare("SELECT seq, kind, version, payload FROM events_1 ORDER BY seq")?;
        let mut copy = db.prepare(
            "INSERT INTO events (seq, near, id, at, rep, machine, version, kind, payload, case_id, contends)
             SELECT seq, ?2, id, at, rep, machine, version, kind, payload, case_id, contends
             FROM events_1 WHERE seq = ?1",
        )?;
        let mut rows = old.query([])?;
        while let Some(row) = rows.next()? {
            let seq: i64 = row.get(0)?;
            let event = heard(row.get_ref(1)?.as_str()?, row.get(2)?, row.get_ref(3)?.as_str()?);
            copy.execute(params![seq, event.as_ref().map_or(0, append::near)])?;
        }
    }
    db.execute_batch("DROP TABLE events_1")?;
    db.execute_batch(EVENT_INDEXES)?;
    db.execute_batch(MERGING)
}

/// From format 2: nothing was found by keys, quotes or handles.
pub(super) fn from_2(db: &Connection) -> rusqlite::Result<()> {
    db.execute_batch(FINDING)?;
    keep_keys(db, "kind <> 'PostMatched'")?;
    let mut posts = db.prepare("SELECT json FROM bodies WHERE id >= 'post/' AND id < 'post0'")?;
    let mut rows = posts.query([])?;
    while let Some(row) = rows.next()? {
        if let Some(Body::Post(post)) = codec::decode_body(row.get_ref(0)?.as_str()?) {
            finding::keep_post(db, &post)?;
        }
    }
    Ok(())
}

/// From format 3: what went out, and direct messages, were not found by key.
pub(super) fn from_3(db: &Connection) -> rusqlite::Result<()> {
    keep_keys(db, "kind IN ('ReplySent', 'ReplyDelivered', 'DmReceived', 'DmSent')")
}

/// Writes down under which keys the events that fit `condition` are found.
fn keep_keys(db: &Connection, condition: &str) -> rusqlite::Result<()> {
    let mut events = db.prepare(&format!("SELECT seq, kind, version, payload, rep FROM events WHERE {condition}"))?;
    let mut rows = events.query([])?;
    while let Some(row) = rows.next()? {
        let version = u16::try_from(row.get::<_, i64>(2)?).unwrap_or(u16::MAX);
        let event = codec::decode(row.get_ref(1)?.as_str()?, version, row.get_ref(3)?.as_str()?);
        finding::keep_keys(db, &event, &RepName::new(row.get_ref(4)?.as_str()?), row.get(0)?)?;
    }
    Ok(())
}

/// The event where it has a time before its id; reading all the others would only take time.
fn heard(kind: &str, version: i64, payload: &str) -> Option<Event> {
    let version = u16::try_from(version).unwrap_or(u16::MAX);
    (kind == "PostMatched").then(|| codec::decode(kind, version, payload))
}
