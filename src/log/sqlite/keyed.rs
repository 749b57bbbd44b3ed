//! Cases by the keys of their events, and texts of such cases by their words: asked of the indexes alone, so that
//! nothing is read of the thousands of events that a common key has.

use std::collections::HashSet;
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension as _, params_from_iter};
use uuid::Uuid;

use super::read::Reader;
use super::search;
use crate::log::{KeyGroups, LogError, codec};
use crate::model::{AuthorId, Between, BodyId, CaseId, ConversationId, Envelope, Event, Hit};

/// More events of a key are not counted: which group is the smallest is known by then.
const COUNTED: u32 = 4_000;

impl Reader {
    pub(super) fn cases_of_keys(&mut self, groups: &KeyGroups, limit: usize) -> Result<Vec<CaseId>, LogError> {
        self.with(|db| cases(db, groups, limit))
    }

    pub(super) fn search_of_keys(
        &mut self,
        words: &str,
        between: Between,
        groups: &KeyGroups,
        (look, limit): (usize, usize),
    ) -> Result<Vec<(CaseId, Hit)>, LogError> {
        self.with(|db| {
            // Of a key that is not everywhere all cases are known at once; else each text's case is asked for.
            let known = match smallest(db, groups)? {
                Some((count, first)) if count < COUNTED => {
                    let of_first = vec![groups[first].clone()];
                    Some(cases(db, &of_first, usize::MAX)?.into_iter().collect::<HashSet<_>>())
                }
                _ => None,
            };
            let mut found = Vec::new();
            for place in search::places(db, words, between, look)? {
                if found.len() >= limit {
                    break;
                }
                let Some(case) = case_at(db, place)? else { continue };
                let may_be = known.as_ref().is_none_or(|known| known.contains(&case));
                if !may_be || !has_keys(db, case, groups)? {
                    continue;
                }
                found.extend(super::read::hit(db, place)?.filter(|hit| between.holds(hit.at)).map(|hit| (case, hit)));
            }
            Ok(found)
        })
    }

    pub(super) fn posts_in(
        &mut self,
        author: &AuthorId,
        conversation: &ConversationId,
        limit: usize,
    ) -> Result<Vec<Arc<Envelope>>, LogError> {
        // As the stored event writes it; what holds it elsewhere falls out below.
        let written = serde_json::to_string(conversation.as_str()).unwrap_or_default();
        let mut posts = self.of_author_with(author, &written, limit)?;
        posts.retain(|post| matches!(&post.event, Event::PostMatched { conversation: of, .. } if *of == *conversation));
        Ok(posts)
    }
}

/// How many events the group with the fewest has, at most [`COUNTED`], and which it is.
fn smallest(db: &Connection, groups: &KeyGroups) -> rusqlite::Result<Option<(u32, usize)>> {
    let mut counted = Vec::with_capacity(groups.len());
    for (index, group) in groups.iter().enumerate() {
        let sql = format!(
            "SELECT count(*) FROM (SELECT 1 FROM events_of_key WHERE key IN ({}) LIMIT {COUNTED})",
            marks(group.len())
        );
        let count: u32 = db.prepare_cached(&sql)?.query_row(params_from_iter(group), |row| row.get(0))?;
        counted.push((count, index));
    }
    Ok(counted.into_iter().min())
}

/// Cases of which an event has a key of every group, those first whose event in the smallest group is newest.
fn cases(db: &Connection, groups: &KeyGroups, limit: usize) -> rusqlite::Result<Vec<CaseId>> {
    let Some((_, first)) = smallest(db, groups)? else { return Ok(Vec::new()) };
    let others: KeyGroups =
        groups.iter().enumerate().filter(|(index, _)| *index != first).map(|(_, group)| group.clone()).collect();
    let sql = format!(
        "SELECT events.case_id FROM events_of_key AS keys CROSS JOIN events ON events.seq = keys.seq
         WHERE keys.key IN ({}) AND events.case_id IS NOT NULL ORDER BY keys.seq DESC",
        marks(groups[first].len())
    );
    let mut statement = db.prepare_cached(&sql)?;
    let mut rows = statement.query(params_from_iter(&groups[first]))?;
    let mut seen = HashSet::new();
    let mut cases = Vec::new();
    while cases.len() < limit {
        let Some(row) = rows.next()? else { break };
        let case = CaseId(Uuid::from_bytes(row.get(0)?));
        if seen.insert(case) && has_keys(db, case, &others)? {
            cases.push(case);
        }
    }
    Ok(cases)
}

/// Whether some event of the case has a key of every group.
fn has_keys(db: &Connection, case: CaseId, groups: &KeyGroups) -> rusqlite::Result<bool> {
    for group in groups {
        let sql = format!(
            "SELECT EXISTS (SELECT 1 FROM events INDEXED BY events_of_case CROSS JOIN events_of_key AS keys
             ON keys.seq = events.seq WHERE events.case_id = ?1 AND keys.key IN ({}))",
            marks_from(2, group.len())
        );
        let mut statement = db.prepare_cached(&sql)?;
        statement.raw_bind_parameter(1, case.0.as_bytes().as_slice())?;
        for (index, key) in group.iter().enumerate() {
            statement.raw_bind_parameter(index + 2, key)?;
        }
        let mut rows = statement.raw_query();
        let has = rows.next()?.map(|row| row.get::<_, bool>(0)).transpose()?;
        if has != Some(true) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The case a text belongs to: a post's by its author and conversation, another's by the event that speaks of it.
fn case_at(db: &Connection, place: i64) -> rusqlite::Result<Option<CaseId>> {
    let mut statement = db.prepare_cached("SELECT id, json FROM bodies WHERE place = ?1")?;
    let mut rows = statement.query([place])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    if let Some(case) = codec::case_of_post(row.get_ref(1)?.as_str()?) {
        return Ok(Some(case));
    }
    let id = BodyId::from_stored(row.get(0)?);
    let case: Option<[u8; 16]> = db
        .prepare_cached(
            "SELECT events.case_id FROM events_of_key AS keys CROSS JOIN events ON events.seq = keys.seq
             WHERE keys.key = ?1 AND events.case_id IS NOT NULL ORDER BY keys.seq DESC LIMIT 1",
        )?
        .query_row([id.as_str()], |row| row.get(0))
        .optional()?;
    Ok(case.map(|bytes| CaseId(Uuid::from_bytes(bytes))))
}

fn marks(count: usize) -> String {
    marks_from(1, count)
}

fn marks_from(first: usize, count: usize) -> String {
    (first..first + count).map(|n| format!("?{n}")).collect::<Vec<_>>().join(", ")
}
