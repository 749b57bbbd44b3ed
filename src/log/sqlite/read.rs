//! Everything that is read: on the reader's connection, or on the pump's.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Params, Row, params};
use uuid::Uuid;

use crate::log::{LogError, codec};
use crate::model::{
    AuthorId, Between, Body, BodyId, CaseId, ColumnName, Envelope, EventId, Hit, MachineName, PostId, RepName, Seq,
};

use super::append::seq_to_sql;
use super::{failure, search};

/// The columns that [`envelope`] reads, in its order.
pub(super) const COLUMNS: &str =
    "events.seq, events.id, events.at, events.rep, events.machine, events.version, events.kind, events.payload";

/// A batch of a subscription ends early when its events and texts reach this size.
const BATCH_BYTES: usize = 8 << 20;

/// An event without its body.
pub(super) fn envelope(row: &Row<'_>) -> rusqlite::Result<Envelope> {
    let version: i64 = row.get(5)?;
    // A number that does not fit is a later version as well.
    let version = u16::try_from(version).unwrap_or(u16::MAX);
    Ok(Envelope {
        seq: Seq(row.get::<_, i64>(0)?.unsigned_abs()),
        id: EventId(Uuid::from_bytes(row.get(1)?)),
        at: time(row.get(2)?),
        rep: RepName::new(row.get_ref(3)?.as_str()?),
        machine: MachineName::new(row.get_ref(4)?.as_str()?),
        version,
        event: codec::decode(row.get_ref(6)?.as_str()?, version, row.get_ref(7)?.as_str()?),
        body: None,
    })
}

/// All 64-bit nanoseconds lie within what a timestamp can hold.
fn time(nanos: i64) -> Timestamp {
    Timestamp::from_nanosecond(nanos.into()).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// Puts in the text as it is now; tells how many bytes it has in the store.
pub(super) fn join_body(db: &Connection, path: &Path, envelope: &mut Envelope) -> Result<usize, LogError> {
    let Some(id) = envelope.event.body_id() else { return Ok(0) };
    let json = body_json(db, &id).map_err(|error| failure::told(&error, path))?;
    envelope.body = json.as_deref().and_then(codec::decode_body);
    Ok(json.map_or(0, |json| json.len()))
}

fn body_json(db: &Connection, id: &BodyId) -> rusqlite::Result<Option<String>> {
    db.prepare_cached("SELECT json FROM bodies WHERE id = ?1")?.query_row([id.as_str()], |row| row.get(0)).optional()
}

/// The next events after a place, bodies joined. Both are read in one go, so that a text does not change between.
pub(super) fn after(db: &Connection, path: &Path, after: Seq, limit: usize) -> Result<Vec<Arc<Envelope>>, LogError> {
    let sql = format!("SELECT {COLUMNS} FROM events WHERE seq > ?1 ORDER BY seq LIMIT ?2");
    envelopes(db, path, &sql, params![seq_to_sql(after), sql_limit(limit)], BATCH_BYTES)
}

fn sql_limit(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

/// Runs a query for [`COLUMNS`] and joins bodies, up to about so many bytes and at least one row.
fn envelopes(
    db: &Connection,
    path: &Path,
    sql: &str,
    params: impl Params,
    bytes: usize,
) -> Result<Vec<Arc<Envelope>>, LogError> {
    let told = |error: rusqlite::Error| failure::told(&error, path);
    let mut statement = db.prepare_cached(sql).map_err(told)?;
    let mut rows = statement.query(params).map_err(told)?;
    let mut found = Vec::new();
    let mut size = 0;
    while let Some(row) = rows.next().map_err(told)? {
        let mut next = envelope(row).map_err(told)?;
        size += join_body(db, path, &mut next)?;
        found.push(Arc::new(next));
        if size >= bytes {
            break;
        }
    }
    Ok(found)
}

/// The text at a place.
pub(super) fn hit(db: &Connection, place: i64) -> rusqlite::Result<Option<Hit>> {
    let found = db
        .prepare_cached("SELECT id, at, json FROM bodies WHERE place = ?1")?
        .query_row([place], |row| Ok((row.get(0)?, row.get(1)?, row.get::<_, String>(2)?)))
        .optional()?;
    Ok(found.and_then(|(id, at, json)| {
        let body = codec::decode_body(&json)?;
        let at = match &body {
            Body::Post(post) => post.at,
            Body::Message(message) => message.at,
            Body::Draft(_) | Body::Reply(_) | Body::Note(_) | Body::BegunNote(_) => time(at),
        };
        Some(Hit { id: BodyId::from_stored(id), at, body })
    }))
}

/// Owns the connection for searching and paging; lives on its own thread.
pub(super) struct Reader {
    db: Connection,
    path: PathBuf,
}

impl Reader {
    pub(super) fn new(db: Connection, path: PathBuf) -> Self {
        Self { db, path }
    }

    fn told<T>(&self, outcome: rusqlite::Result<T>) -> Result<T, LogError> {
        outcome.map_err(|error| failure::told(&error, &self.path))
    }

    /// Asks the connection; a failure is told with the store's path.
    pub(super) fn with<T>(&self, ask: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, LogError> {
        self.told(ask(&self.db))
    }

    pub(super) fn last(&mut self) -> Result<Seq, LogError> {
        let last: i64 =
            self.told(self.db.query_row("SELECT coalesce(max(seq), 0) FROM events", [], |row| row.get(0)))?;
        Ok(Seq(last.unsigned_abs()))
    }

    pub(super) fn bodies(&mut self, ids: Vec<BodyId>) -> Result<Vec<(BodyId, Body)>, LogError> {
        let mut found = Vec::with_capacity(ids.len());
        for id in ids {
            let json = self.told(body_json(&self.db, &id))?;
            if let Some(body) = json.as_deref().and_then(codec::decode_body) {
                found.push((id, body));
            }
        }
        Ok(found)
    }

    pub(super) fn older(
        &mut self,
        column: &ColumnName,
        before: &(Timestamp, PostId),
        limit: usize,
    ) -> Result<Vec<Arc<Envelope>>, LogError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM posts_of_column AS posts JOIN events USING (seq)
             WHERE column_name = ?1 AND (posted_at, post) < (?2, ?3) ORDER BY posted_at DESC, post DESC LIMIT ?4"
        );
        let (posted_at, post) = before;
        let params = params![column.as_str(), posted_at.as_microsecond(), post.as_str(), sql_limit(limit)];
        envelopes(&self.db, &self.path, &sql, params, usize::MAX)
    }

    pub(super) fn events(&mut self, after: Seq, limit: usize) -> Result<Vec<Arc<Envelope>>, LogError> {
        let sql = format!("SELECT {COLUMNS} FROM events WHERE seq > ?1 ORDER BY seq LIMIT ?2");
        let mut statement = self.told(self.db.prepare_cached(&sql))?;
        let rows = statement.query_map(params![seq_to_sql(after), sql_limit(limit)], |row| envelope(row).map(Arc::new));
        self.told(rows.and_then(Iterator::collect))
    }

    pub(super) fn first_since(&mut self, at: Timestamp) -> Result<Option<Seq>, LogError> {
        let sql = "SELECT min(seq) FROM posts_of_author WHERE posted_at >= ?1";
        let first: Option<i64> = self.told(self.db.query_row(sql, [at.as_microsecond()], |row| row.get(0)))?;
        Ok(first.map(|seq| Seq(seq.unsigned_abs())))
    }

    pub(super) fn of_case(&mut self, case: CaseId) -> Result<Vec<Arc<Envelope>>, LogError> {
        let sql = format!("SELECT {COLUMNS} FROM events WHERE case_id = ?1 ORDER BY seq");
        envelopes(&self.db, &self.path, &sql, [case.0.as_bytes()], usize::MAX)
    }

    pub(super) fn of_author(&mut self, author: &AuthorId, limit: usize) -> Result<Vec<Arc<Envelope>>, LogError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM posts_of_author AS posts JOIN events USING (seq)
             WHERE author = ?1 ORDER BY posted_at DESC, post DESC LIMIT ?2"
        );
        envelopes(&self.db, &self.path, &sql, params![author.as_str(), sql_limit(limit)], usize::MAX)
    }

    /// The author's posts whose event holds these words somewhere.
    pub(super) fn of_author_with(
        &mut self,
        author: &AuthorId,
        words: &str,
        limit: usize,
    ) -> Result<Vec<Arc<Envelope>>, LogError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM posts_of_author AS posts JOIN events USING (seq)
             WHERE author = ?1 AND instr(payload, ?2) > 0 ORDER BY posted_at DESC, post DESC LIMIT ?3"
        );
        envelopes(&self.db, &self.path, &sql, params![author.as_str(), words, sql_limit(limit)], usize::MAX)
    }

    pub(super) fn of_key(&mut self, key: &str, limit: usize) -> Result<Vec<Arc<Envelope>>, LogError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM events_of_key AS keys JOIN events USING (seq)
             WHERE key = ?1 ORDER BY seq DESC LIMIT ?2"
        );
        envelopes(&self.db, &self.path, &sql, params![key, sql_limit(limit)], usize::MAX)
    }

    pub(super) fn people(&mut self, beginning: &str, limit: usize) -> Result<Vec<(String, AuthorId)>, LogError> {
        let beginning = beginning.to_lowercase();
        let past = format!("{beginning}\u{10ffff}");
        let people = || -> rusqlite::Result<Vec<(String, Option<AuthorId>)>> {
            self.db
                .prepare_cached(
                    "SELECT handle, author FROM people WHERE handle >= ?1 AND handle < ?2 ORDER BY 1, 2 LIMIT ?3",
                )?
                .query_map(params![beginning, past, sql_limit(limit)], |row| {
                    Ok((row.get(0)?, AuthorId::written(row.get_ref(1)?.as_str()?)))
                })?
                .collect()
        };
        let people = self.told(people())?;
        Ok(people.into_iter().filter_map(|(handle, author)| Some((handle, author?))).collect())
    }

    pub(super) fn search(&mut self, words: &str, between: Between, limit: usize) -> Result<Vec<Hit>, LogError> {
        let mut asked = limit;
        loop {
            let places = self.told(search::places(&self.db, words, between, asked))?;
            let is_all = places.len() < asked;
            let mut hits = Vec::with_capacity(places.len());
            for place in places {
                if let Some(hit) = self.told(hit(&self.db, place))?.filter(|hit| between.holds(hit.at)) {
                    hits.push(hit);
                }
            }
            // Where many texts fall into one moment some stand a little behind it, beyond the end of the time.
            if hits.len() < limit && !is_all {
                asked = asked.saturating_mul(2);
                continue;
            }
            hits.truncate(limit);
            // Places are good to the second where many texts fall into one.
            hits.sort_by_key(|hit| std::cmp::Reverse(hit.at));
            return Ok(hits);
        }
    }

    pub(super) fn checkpoint(&mut self, kind: &str) -> Result<Option<(Seq, Vec<u8>)>, LogError> {
        let found: Option<(i64, Vec<u8>)> = self.told(
            self.db
                .query_row("SELECT seq, state FROM checkpoints WHERE kind = ?1", [kind], |row| {
                    Ok((row.get(0)?, row.get(1)?))
                })
                .optional(),
        )?;
        Ok(found.map(|(seq, state)| (Seq(seq.unsigned_abs()), state)))
    }
}
