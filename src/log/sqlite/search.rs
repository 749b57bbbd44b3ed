//! Search over the stored texts; see [`crate::log::words`] for what a word is.
//!
//! Every word must be there; nothing in a search is a sign to the index. Where the whole words fill less than a
//! page, the last one is also tried as the beginning of longer words. A single character of a script without
//! spaces is found wherever it stands. A search without any word finds nothing.

use rusqlite::Connection;

use crate::log::words::{self, Word};

/// The places of the newest texts that hold every word, newest first.
pub(super) fn places(db: &Connection, search: &str, limit: usize) -> rusqlite::Result<Vec<i64>> {
    let words = words::of_search(search);
    let Some(last) = words.last() else { return Ok(Vec::new()) };
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut statement =
        db.prepare_cached("SELECT rowid FROM words WHERE words MATCH ?1 ORDER BY rowid DESC LIMIT ?2")?;
    let mut find = |expression: String| -> rusqlite::Result<Vec<i64>> {
        statement.query_map((expression, limit), |row| row.get(0))?.collect()
    };
    let whole = find(expression(&words, false))?;
    let is_full = i64::try_from(whole.len()).is_ok_and(|found| found >= limit);
    if is_full || !last.may_begin { Ok(whole) } else { find(expression(&words, true)) }
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
