//! What makes things found by something else than their place: events by key, quoting posts by what they quote,
//! authors by their handles. All of it follows from events and texts, so that a text that goes takes its traces along.

use rusqlite::{Connection, OptionalExtension as _, params};

use crate::log::codec;
use crate::model::{AuthorId, Body, BodyId, Event, Post, RepName, key};

/// Writes down under which keys an event is found.
pub(super) fn keep_keys(db: &Connection, event: &Event, rep: &RepName, seq: i64) -> rusqlite::Result<()> {
    for key in key::keys(event, rep) {
        db.prepare_cached("INSERT OR IGNORE INTO events_of_key (key, seq) VALUES (?1, ?2)")?
            .execute(params![key, seq])?;
    }
    Ok(())
}

/// Writes down whose handle a post shows and which text it repeats.
pub(super) fn keep_post(db: &Connection, post: &Post) -> rusqlite::Result<()> {
    if !post.author.handle.is_empty() {
        db.prepare_cached("INSERT OR IGNORE INTO people (handle, author) VALUES (?1, ?2)")?
            .execute(params![post.author.handle.to_lowercase(), post.author.id.as_str()])?;
    }
    if let Some(quoted) = post.quotes.as_ref().filter(|quoted| !quoted.text.is_empty()) {
        db.prepare_cached("INSERT OR IGNORE INTO quotes (quoted, quoting) VALUES (?1, ?2)")?
            .execute(params![BodyId::post(&quoted.id).as_str(), BodyId::post(&post.id).as_str()])?;
    }
    Ok(())
}

/// Takes a text that is gone out of the posts that quote it. Whether there were any.
pub(super) fn unquote(db: &Connection, gone: &BodyId) -> rusqlite::Result<bool> {
    let quoting: Vec<(i64, String)> = db
        .prepare_cached(
            "SELECT place, json FROM quotes JOIN bodies ON bodies.id = quotes.quoting WHERE quotes.quoted = ?1",
        )?
        .query_map([gone.as_str()], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    let is_quoted = !quoting.is_empty();
    for (place, json) in quoting {
        let Some(Body::Post(mut post)) = codec::decode_body(&json) else { continue };
        if let Some(quoted) = post.quotes.as_mut().filter(|quoted| BodyId::post(&quoted.id) == *gone) {
            quoted.text.clear();
        }
        let json = codec::encode_body(&Body::Post(post))
            .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))?;
        db.prepare_cached("UPDATE bodies SET json = ?2 WHERE place = ?1")?.execute(params![place, json])?;
    }
    db.prepare_cached("DELETE FROM quotes WHERE quoted = ?1 OR quoting = ?1")?.execute([gone.as_str()])?;
    Ok(is_quoted)
}

/// Forgets the handles of an author that no stored post of theirs shows any more.
pub(super) fn forget_handles(db: &Connection, author: &AuthorId) -> rusqlite::Result<()> {
    let known: Vec<String> = db
        .prepare_cached("SELECT handle FROM people WHERE author = ?1")?
        .query_map([author.as_str()], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    let mut gone = known;
    let mut texts = db.prepare_cached(
        "SELECT json FROM posts_of_author JOIN bodies ON bodies.id = 'post/' || post WHERE author = ?1",
    )?;
    let mut rows = texts.query([author.as_str()])?;
    while let Some(row) = rows.next()? {
        if gone.is_empty() {
            return Ok(());
        }
        if let Some(Body::Post(post)) = codec::decode_body(row.get_ref(0)?.as_str()?) {
            let handle = post.author.handle.to_lowercase();
            gone.retain(|known| *known != handle);
        }
    }
    for handle in gone {
        db.prepare_cached("DELETE FROM people WHERE handle = ?1 AND author = ?2")?
            .execute(params![handle, author.as_str()])?;
    }
    Ok(())
}

/// Whether a text of that id is there.
pub(super) fn text(db: &Connection, id: &BodyId) -> rusqlite::Result<Option<(i64, String)>> {
    db.prepare_cached("SELECT place, json FROM bodies WHERE id = ?1")?
        .query_row([id.as_str()], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()
}
