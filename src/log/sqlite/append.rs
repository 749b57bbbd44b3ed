//! One batch in one transaction.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Transaction, TransactionBehavior, params};

use crate::log::codec::{self, Stored};
use crate::log::{AppendError, LogError, words};
use crate::model::{Body, BodyId, Event, Expect, NewEvent, Post, Seq};

use super::{finding, read};

/// Whether an event must be on the disk before it is acknowledged: everything a person did, above all what says
/// that a reply is about to be published or was. What a network brought can be fetched again; waiting for the
/// disk there would only make intake slow.
pub fn needs_disk(event: &Event) -> bool {
    match event {
        Event::CaseClaimed { .. }
        | Event::CaseOverdue { .. }
        | Event::CaseReleased { .. }
        | Event::CaseAssigned { .. }
        | Event::CaseTagged { .. }
        | Event::CasePrioritised { .. }
        | Event::CaseSnoozed { .. }
        | Event::CaseWoken { .. }
        | Event::CaseResolved { .. }
        | Event::CaseReopened { .. }
        | Event::CaseTurnedRound { .. }
        | Event::NoteAdded { .. }
        | Event::NoteBegun { .. }
        | Event::DraftSaved { .. }
        | Event::DraftDropped { .. }
        | Event::ReplyQueued { .. }
        | Event::ReplyRecalled { .. }
        | Event::ReplyAttempted { .. }
        | Event::ReplySent { .. }
        | Event::ReplyFailed { .. }
        | Event::ReplyParked { .. }
        | Event::ReplyDropped { .. }
        | Event::ReplyHandedOver { .. }
        | Event::ReplyDelivered { .. }
        | Event::AuthorOptedOut { .. }
        | Event::AuthorOptOutLifted { .. }
        | Event::BodyErased { .. } => true,
        Event::PostMatched { .. }
        | Event::PostEdited { .. }
        | Event::PostDeleted { .. }
        | Event::CaseOpened { .. }
        | Event::CaseRead { .. }
        | Event::DmReceived { .. }
        | Event::DmSent { .. }
        | Event::GapOpened { .. }
        | Event::GapClosed { .. }
        | Event::GapFilled { .. }
        | Event::Spent { .. }
        | Event::SpendLimitRaised { .. }
        | Event::UsageTold { .. }
        | Event::Unknown { .. } => false,
    }
}

/// A batch with its JSON written, so that the transaction is short.
pub(super) struct Prepared<'batch> {
    entries: Vec<Entry<'batch>>,
    pub(super) needs_disk: bool,
}

struct Entry<'batch> {
    new: &'batch NewEvent,
    stored: Stored,
    body: Option<Text<'batch>>,
}

struct Text<'batch> {
    id: BodyId,
    at: Timestamp,
    json: String,
    words: Option<&'batch str>,
    post: Option<&'batch Post>,
}

impl<'batch> Prepared<'batch> {
    pub(super) fn new(batch: &'batch [NewEvent]) -> Result<Self, LogError> {
        let entries = batch
            .iter()
            .map(|new| {
                let body = match (&new.body, new.event.body_id()) {
                    (None, _) => None,
                    (Some(body), Some(id)) => Some(Text {
                        id,
                        at: written_at(body, new.at),
                        json: codec::encode_body(body)?,
                        words: body.searchable(),
                        post: if let Body::Post(post) = body { Some(&**post) } else { None },
                    }),
                    (Some(_), None) => return Err(no_body_there(&new.event)),
                };
                Ok(Entry { new, stored: codec::encode(&new.event)?, body })
            })
            .collect::<Result<_, LogError>>()?;
        Ok(Self { entries, needs_disk: batch.iter().any(|new| needs_disk(&new.event)) })
    }
}

/// When a text was written: a post's own time, else the event's.
pub(in crate::log) fn written_at(body: &Body, event_at: Timestamp) -> Timestamp {
    match body {
        Body::Post(post) => post.at,
        Body::Message(message) => message.at,
        Body::Draft(_) | Body::Reply(_) | Body::Note(_) | Body::BegunNote(_) => event_at,
    }
}

/// A text that nothing names could be neither read nor erased.
pub(in crate::log) fn no_body_there(event: &Event) -> LogError {
    LogError::Failed { why: format!("a {} has no text, and one came with it", codec::kind(event)) }
}

/// Nanoseconds since 1970; times before 1677 and after 2262 become the nearest that fits.
pub(super) fn nanos(at: Timestamp) -> i64 {
    let nanos = at.as_nanosecond();
    i64::try_from(nanos).unwrap_or(if nanos < 0 { i64::MIN } else { i64::MAX })
}

/// Why a try did not end in a commit.
pub(super) enum Failed {
    Sqlite(rusqlite::Error),
    Append(AppendError),
}

impl From<rusqlite::Error> for Failed {
    fn from(error: rusqlite::Error) -> Self {
        Failed::Sqlite(error)
    }
}

/// Writes the batch, or nothing.
pub(super) fn write(
    db: &mut Connection,
    path: &Path,
    batch: &Prepared<'_>,
    expect: Option<Expect>,
) -> Result<Seq, Failed> {
    let transaction = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    if let Some(expect) = expect {
        check(&transaction, path, batch, expect)?;
    }
    let mut last = None;
    // Words to index by place: in ascending order the index need not be written out in between.
    let mut to_index: BTreeMap<i64, &str> = BTreeMap::new();
    for entry in &batch.entries {
        let known = entry.body.as_ref().map(|text| Known::look(&transaction, text)).transpose()?.flatten();
        let (seq, is_new) = insert_event(&transaction, entry, known.as_ref())?;
        last = Some(seq);
        if is_new {
            insert_post(&transaction, &entry.new.event, seq)?;
            finding::keep_keys(&transaction, &entry.new.event, &entry.new.rep, seq)?;
            if let Some(text) = &entry.body {
                keep_text(&transaction, text, known.as_ref(), &mut to_index)?;
                if let Some(post) = text.post {
                    finding::keep_post(&transaction, post)?;
                }
            }
        }
    }
    {
        let mut index = transaction.prepare_cached("INSERT INTO words (rowid, text) VALUES (?1, ?2)")?;
        for (place, text) in to_index {
            index.execute(params![place, words::cut(text)])?;
        }
    }
    let seq = match last {
        Some(seq) => seq,
        None => transaction.query_row("SELECT coalesce(max(seq), 0) FROM events", [], |row| row.get(0))?,
    };
    transaction.commit()?;
    Ok(Seq(seq.unsigned_abs()))
}

/// Compare-and-set. An event of the batch itself that is already there is no rival: the batch was sent again.
fn check(db: &Transaction<'_>, path: &Path, batch: &Prepared<'_>, expect: Expect) -> Result<(), Failed> {
    let mut rivals = db.prepare_cached(&format!(
        "SELECT {} FROM events WHERE case_id = ?1 AND contends = 1 AND seq > ?2 ORDER BY seq",
        read::COLUMNS
    ))?;
    let mut rows = rivals.query(params![expect.case.0.as_bytes(), seq_to_sql(expect.seq)])?;
    while let Some(row) = rows.next()? {
        let mut winner = read::envelope(row)?;
        if batch.entries.iter().any(|entry| entry.new.id == winner.id) {
            continue;
        }
        read::join_body(db, path, &mut winner).map_err(|error| Failed::Append(error.into()))?;
        return Err(Failed::Append(AppendError::Conflict { winner: Arc::new(winner) }));
    }
    Ok(())
}

/// Places beyond what SQLite can count stand for "after everything".
pub(super) fn seq_to_sql(seq: Seq) -> i64 {
    i64::try_from(seq.0).unwrap_or(i64::MAX)
}

/// What stands before an event's id in the index: for a post heard its own time in microseconds, so that ids
/// given one after the other lie together. Ids of the program itself begin with their time already.
pub(super) fn near(event: &Event) -> i64 {
    if let Event::PostMatched { posted_at, .. } = event { posted_at.as_microsecond() } else { 0 }
}

/// The place of the event, and whether it is new.
///
/// A network may tell another time for a post it brings again. Then the id is looked for at the time of
/// the stored text as well.
fn insert_event(db: &Transaction<'_>, entry: &Entry<'_>, text: Option<&Known>) -> rusqlite::Result<(i64, bool)> {
    let new = entry.new;
    let near = near(&new.event);
    let mut known = db.prepare_cached("SELECT seq FROM events WHERE near = ?1 AND id = ?2")?;
    let earlier = text.filter(|_| near != 0).map(|text| text.at.div_euclid(1000)).filter(|earlier| *earlier != near);
    if let Some(earlier) = earlier
        && let Some(seq) = known.query_row(params![earlier, new.id.0.as_bytes()], |row| row.get(0)).optional()?
    {
        return Ok((seq, false));
    }
    let mut insert = db.prepare_cached(
        "INSERT INTO events (near, id, at, rep, machine, version, kind, payload, case_id, contends)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) ON CONFLICT (near, id) DO NOTHING",
    )?;
    let inserted = insert.execute(params![
        near,
        new.id.0.as_bytes(),
        nanos(new.at),
        new.rep.as_str(),
        new.machine.as_str(),
        entry.stored.version,
        entry.stored.kind,
        entry.stored.payload,
        new.event.case().map(|case| *case.0.as_bytes()),
        new.event.contends(),
    ])?;
    if inserted > 0 {
        return Ok((db.last_insert_rowid(), true));
    }
    Ok((known.query_row(params![near, new.id.0.as_bytes()], |row| row.get(0))?, false))
}

/// The lists of posts by author and by column; a post matched again keeps its first place in each.
fn insert_post(db: &Transaction<'_>, event: &Event, seq: i64) -> rusqlite::Result<()> {
    let Event::PostMatched { post, author, columns, posted_at, .. } = event else { return Ok(()) };
    let posted_at = posted_at.as_microsecond();
    db.prepare_cached("INSERT OR IGNORE INTO posts_of_author (author, posted_at, post, seq) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![author.as_str(), posted_at, post.as_str(), seq])?;
    let mut insert = db.prepare_cached(
        "INSERT OR IGNORE INTO posts_of_column (column_name, posted_at, post, seq) VALUES (?1, ?2, ?3, ?4)",
    )?;
    for column in columns {
        insert.execute(params![column.as_str(), posted_at, post.as_str(), seq])?;
    }
    Ok(())
}

/// Where a text with the same id is kept, and its time in nanoseconds.
struct Known {
    place: i64,
    at: i64,
}

impl Known {
    fn look(db: &Transaction<'_>, text: &Text<'_>) -> rusqlite::Result<Option<Self>> {
        db.prepare_cached("SELECT place, at FROM bodies WHERE id = ?1")?
            .query_row([text.id.as_str()], |row| Ok(Self { place: row.get(0)?, at: row.get(1)? }))
            .optional()
    }
}

/// Keeps a text, in place of the one with the same id where there is one.
fn keep_text<'batch>(
    db: &Transaction<'_>,
    text: &Text<'batch>,
    known: Option<&Known>,
    to_index: &mut BTreeMap<i64, &'batch str>,
) -> rusqlite::Result<()> {
    let Some(&Known { place, .. }) = known else {
        let place = free_place(db, text.at)?;
        db.prepare_cached("INSERT INTO bodies (place, id, at, json) VALUES (?1, ?2, ?3, ?4)")?.execute(params![
            place,
            text.id.as_str(),
            nanos(text.at),
            text.json
        ])?;
        if let Some(words) = text.words {
            to_index.insert(place, words);
        }
        return Ok(());
    };
    let old: String =
        db.prepare_cached("SELECT json FROM bodies WHERE place = ?1")?.query_row([place], |row| row.get(0))?;
    db.prepare_cached("UPDATE bodies SET at = ?2, json = ?3 WHERE place = ?1")?.execute(params![
        place,
        nanos(text.at),
        text.json
    ])?;
    // A text of this very batch is not in the index yet.
    let is_waiting = to_index.contains_key(&place);
    if !is_waiting {
        let old = codec::decode_body(&old);
        let old = old.as_ref().and_then(Body::searchable);
        if old == text.words {
            return Ok(());
        }
        if let Some(old) = old {
            forget_words(db, place, old)?;
        }
    }
    match text.words {
        Some(words) => to_index.insert(place, words),
        None => to_index.remove(&place),
    };
    Ok(())
}

/// Takes a text out of the index.
pub(super) fn forget_words(db: &Connection, place: i64, text: &str) -> rusqlite::Result<()> {
    db.prepare_cached("INSERT INTO words (words, rowid, text) VALUES ('delete', ?1, ?2)")?
        .execute(params![place, words::cut(text)])?;
    Ok(())
}

/// The milliseconds of the text's time, or the first free number after those taken nearby: networks tell
/// times in whole seconds, so texts of one second line up behind each other.
fn free_place(db: &Transaction<'_>, at: Timestamp) -> rusqlite::Result<i64> {
    const NEARBY: i64 = 1000;
    let mut place = at.as_millisecond();
    let mut is_taken = db.prepare_cached("SELECT 1 FROM bodies WHERE place = ?1")?;
    let mut highest = db.prepare_cached("SELECT max(place) FROM bodies WHERE place >= ?1 AND place < ?2")?;
    while is_taken.exists([place])? {
        let taken: Option<i64> = highest.query_row([place, place + NEARBY], |row| row.get(0))?;
        place = taken.unwrap_or(place) + 1;
    }
    Ok(place)
}
