//! Search over the stored texts; see [`crate::log::words`] for what a word is.
//!
//! Every word must be there; nothing in a search is a sign to the index. Where the whole words fill less than a
//! page, the last one is also tried as the beginning of longer words. A single character of a script without
//! spaces is found wherever it stands. A search without any word finds nothing.
//!
//! The index answers whole words in the order asked for and stops at a page, but for the beginning of words it
//! first gathers every text of every such word: the more there are, the longer it takes, a tenth of a second and
//! beyond. The more there are, the sooner a page of them is found by looking through the newest texts, so that
//! is done first, and given up where they are too rare.
//!
//! Of several words the index reads through the texts of each. Where one of them is rare, its texts are looked at
//! themselves instead, however many hold the others.

use rusqlite::Connection;

use crate::log::codec;
use crate::log::words::{self, Word};
use crate::model::{Between, Body};

/// The most texts that are looked through.
const LOOK_THROUGH: usize = 2000;
/// After so many the texts found must be on the way to a page.
const FIRST_LOOK: usize = 250;

/// A word that no more texts hold than these is rare.
const RARE: usize = 256;

/// So far behind its moment a text may stand, in milliseconds, where many share it.
const STANDS_BEHIND: i64 = 600_000;

/// The places a time takes, both ends included. Some texts written after it may stand there too.
fn stretch(between: Between) -> (i64, i64) {
    let from = between.after.map_or(i64::MIN, jiff::Timestamp::as_millisecond);
    let to = between.before.map_or(i64::MAX, |before| before.as_millisecond().saturating_add(STANDS_BEHIND));
    (from, to)
}

/// The places of the newest texts that hold every word, newest first.
pub(super) fn places(db: &Connection, search: &str, between: Between, limit: usize) -> rusqlite::Result<Vec<i64>> {
    let words = words::of_search(search);
    let stretch = stretch(between);
    let page = limit;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let Some(last) = words.last() else {
        if !between.is_bound() || !search.trim().is_empty() {
            return Ok(Vec::new());
        }
        let mut all = db.prepare_cached(
            "SELECT place FROM bodies WHERE place BETWEEN ?1 AND ?2 AND id NOT LIKE 'draft/%'
             ORDER BY place DESC LIMIT ?3",
        )?;
        return all.query_map((stretch.0, stretch.1, limit), |row| row.get(0))?.collect();
    };
    let mut statement = db.prepare_cached(
        "SELECT rowid FROM words WHERE words MATCH ?1 AND rowid BETWEEN ?3 AND ?4 ORDER BY rowid DESC LIMIT ?2",
    )?;
    let mut find = |words: &[Word], last_may_begin: bool, limit: usize| -> rusqlite::Result<Vec<i64>> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let expression = expression(words, last_may_begin);
        statement.query_map((expression, limit, stretch.0, stretch.1), |row| row.get(0))?.collect()
    };
    if words.iter().any(|word| word.is_half_pair)
        && let Some(newest) = among_newest(db, &words, false, stretch, page)?
    {
        return Ok(newest);
    }
    let mut of_rare = None;
    for word in words.iter().filter(|word| words.len() > 1 && !word.is_half_pair) {
        // What is no word to the index asks for nothing.
        if words::tokens(&word.text).is_empty() {
            continue;
        }
        let texts = find(std::slice::from_ref(word), false, RARE + 1)?;
        if texts.len() <= RARE {
            of_rare = Some((texts, std::ptr::eq(word, last)));
            break;
        }
    }
    let whole = match &of_rare {
        Some((texts, _)) => that_hold(db, texts, &wanted(&words, false), page)?,
        None => find(&words, false, page)?,
    };
    if whole.len() >= page || !last.may_begin {
        return Ok(whole);
    }
    // As the beginning of others the last word may be anything but rare.
    if let Some((texts, false)) = &of_rare {
        return that_hold(db, texts, &wanted(&words, true), page);
    }
    match among_newest(db, &words, true, stretch, page)? {
        Some(newest) => Ok(newest),
        None => find(&words, true, page),
    }
}

/// The tokens of each word, and whether it may be the beginning of a longer one.
fn wanted(words: &[Word], last_may_begin: bool) -> Vec<(Vec<String>, bool)> {
    let of = |(index, word): (usize, &Word)| {
        let begins = word.is_half_pair || (last_may_begin && index + 1 == words.len());
        (words::tokens(&word.text), begins)
    };
    words.iter().enumerate().map(of).collect()
}

/// Those of the texts at these places that hold all that is wanted, a page of them.
fn that_hold(
    db: &Connection,
    places: &[i64],
    wanted: &[(Vec<String>, bool)],
    page: usize,
) -> rusqlite::Result<Vec<i64>> {
    let mut text = db.prepare_cached("SELECT json FROM bodies WHERE place = ?1")?;
    let mut found = Vec::new();
    for place in places {
        if found.len() == page {
            break;
        }
        let mut rows = text.query([place])?;
        if let Some(row) = rows.next()?
            && holds(row.get_ref(0)?.as_str()?, wanted)
        {
            found.push(*place);
        }
    }
    Ok(found)
}

/// A whole page of places as the index would give it, or `None` where the newest texts do not fill one.
fn among_newest(
    db: &Connection,
    words: &[Word],
    last_may_begin: bool,
    (from, to): (i64, i64),
    page: usize,
) -> rusqlite::Result<Option<Vec<i64>>> {
    let wanted = wanted(words, last_may_begin);
    let mut found = Vec::new();
    let mut statement =
        db.prepare_cached("SELECT place, json FROM bodies WHERE place BETWEEN ?2 AND ?3 ORDER BY place DESC LIMIT ?1")?;
    let mut rows = statement.query((i64::try_from(LOOK_THROUGH).unwrap_or(i64::MAX), from, to))?;
    let mut looked = 0;
    while found.len() < page {
        let Some(row) = rows.next()? else { return Ok(None) };
        if looked == FIRST_LOOK && found.len() * LOOK_THROUGH < page * FIRST_LOOK {
            return Ok(None);
        }
        looked += 1;
        let json = row.get_ref(1)?.as_str()?;
        if words::may_hold(json, wanted.iter().flat_map(|(tokens, _)| tokens).map(String::as_str))
            && holds(json, &wanted)
        {
            found.push(row.get(0)?);
        }
    }
    Ok(Some(found))
}

/// The same comparison as the store in memory makes.
fn holds(json: &str, wanted: &[(Vec<String>, bool)]) -> bool {
    let body = codec::decode_body(json);
    body.as_ref().and_then(Body::searchable).is_some_and(|text| {
        let tokens = words::tokens(&words::cut(text));
        wanted.iter().all(|(word, begins)| words::holds(&tokens, word, *begins))
    })
}

/// The words as the index wants them: each a quoted phrase, in which only quotes mean anything, and doubled
/// quotes stand for themselves.
fn expression(words: &[Word], last_may_begin: bool) -> String {
    let mut expression = String::new();
    for (index, word) in words.iter().enumerate() {
        if index > 0 {
            expression.push_str(" AND ");
        }
        expression.push('"');
        expression.push_str(&word.text.replace('"', "\"\"").replace('\0', " "));
        expression.push('"');
        let is_last = index + 1 == words.len();
        if word.is_half_pair || (is_last && last_may_begin) {
            expression.push('*');
        }
    }
    expression
}

#[cfg(test)]
mod tests {
    use super::{expression, words};

    #[test]
    fn signs_of_the_index_are_only_text() {
        let ask = |search: &str| expression(&words::of_search(search), false);
        assert_eq!(
            ask("late OR \"x\"* NEAR(a b) -c"),
            "\"late\" AND \"OR\" AND \"\"\"x\"\"*\" AND \"NEAR(a\" AND \"b)\" AND \"-c\""
        );
        assert_eq!(expression(&words::of_search("late del"), true), "\"late\" AND \"del\"*");
        assert_eq!(ask("配"), "\" 配 \"*");
    }
}
