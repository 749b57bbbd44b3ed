//! From a place in a string's value to the place in the TOML file where it was written.

use std::ops::Range;

/// Where bytes `of` of `value` stand in the file, `literal` being the file's text of the whole string with its
/// quotes and `at` where it begins.
///
/// Escapes and the rules of multi-line strings are walked through again; should that not give `value`, the
/// string's start is all that can honestly be pointed at.
pub(super) fn locate(literal: &str, at: usize, value: &str, of: Range<usize>) -> Range<usize> {
    let places = match walk(literal) {
        Some((walked, places)) if walked == value => places,
        _ => return at..at + literal.chars().next().map_or(0, char::len_utf8),
    };
    let place = |offset: usize| places.get(offset).copied();
    let start = place(of.start).unwrap_or(literal.len());
    let end = match of.end.checked_sub(1) {
        Some(last) if of.end > of.start => {
            // The end of the character that holds the last byte, not the start of the next: an escape may follow.
            let next = (of.end..=value.len()).find(|offset| places.get(*offset) != places.get(last));
            next.and_then(place).unwrap_or(literal.len())
        }
        _ => start,
    };
    at + start..at + end.max(start)
}

/// The value of a TOML string, and for each of its bytes (and its end) the place in `literal` that wrote it.
fn walk(literal: &str) -> Option<(String, Vec<usize>)> {
    let (quotes, is_basic) = ["\"\"\"", "'''", "\"", "'"]
        .into_iter()
        .find(|quotes| literal.starts_with(quotes) && literal.len() >= 2 * quotes.len())
        .map(|quotes| (quotes, quotes.starts_with('"')))?;
    let body = literal.strip_prefix(quotes)?.strip_suffix(quotes)?;
    let mut from = quotes.len();
    let mut rest = body;
    if quotes.len() == 3 {
        let trimmed = rest.strip_prefix("\r\n").or_else(|| rest.strip_prefix('\n')).unwrap_or(rest);
        from += rest.len() - trimmed.len();
        rest = trimmed;
    }
    let (mut value, mut places) = (String::new(), Vec::new());
    while let Some(c) = rest.chars().next() {
        let (written, length) = if is_basic && c == '\\' { escape(rest)? } else { (Some(c), c.len_utf8()) };
        if let Some(written) = written {
            value.push(written);
            places.extend(std::iter::repeat_n(from, written.len_utf8()));
        }
        from += length;
        rest = &rest[length..];
    }
    places.push(from);
    Some((value, places))
}

/// What an escape stands for and how long it is; nothing for a line ending taken out of a multi-line string.
fn escape(rest: &str) -> Option<(Option<char>, usize)> {
    let hex = |digits: usize| {
        let code = u32::from_str_radix(rest.get(2..2 + digits)?, 16).ok()?;
        Some((Some(char::from_u32(code)?), 2 + digits))
    };
    let simple = |c: char| Some((Some(c), 2));
    match rest[1..].chars().next()? {
        'b' => simple('\u{8}'),
        't' => simple('\t'),
        'n' => simple('\n'),
        'f' => simple('\u{c}'),
        'r' => simple('\r'),
        'e' => simple('\u{1b}'),
        '"' => simple('"'),
        '\\' => simple('\\'),
        'x' => hex(2),
        'u' => hex(4),
        'U' => hex(8),
        ' ' | '\t' | '\r' | '\n' => {
            let blank = rest[1..].len() - rest[1..].trim_start_matches([' ', '\t', '\r', '\n']).len();
            Some((None, 1 + blank))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use toml::de::DeTable;

    use super::locate;

    /// What the file shows at the place of `word` in the value of `key`.
    fn shown<'a>(file: &'a str, word: &str) -> &'a str {
        let table = DeTable::parse(file).unwrap();
        let value = table.get_ref().values().next().unwrap();
        let text = value.get_ref().as_str().unwrap();
        let at = text.find(word).unwrap();
        let span = locate(&file[value.span()], value.span().start, text, at..at + word.len());
        &file[span]
    }

    #[test]
    fn every_kind_of_string_is_walked() {
        for file in [
            r#"q = "one BAD two""#,
            r"q = 'one BAD two'",
            "q = \"\"\"\none\n BAD two\"\"\"",
            "q = '''\none\n BAD two'''",
            "q = \"\"\"one \\\n     BAD\"\"\"",
            r#"q = "\"a b\" \t\\ \u00e9 \U0001F600 BAD""#,
            "q = \"配送 BAD\"",
            r#"q = "BAD""#,
        ] {
            assert_eq!(shown(file, "BAD"), "BAD", "{file}");
        }
        assert_eq!(shown(r#"q = "a \u0042AD b""#, "BAD"), r"\u0042AD");
        assert_eq!(shown(r#"q = "a BA\u0044""#, "BAD"), r"BA\u0044");
    }

    #[test]
    fn an_end_is_a_place_too() {
        assert_eq!(locate("\"ab\"", 10, "ab", 2..2), 13..13);
        assert_eq!(locate("\"ab\"", 10, "ab", 1..2), 12..13);
        assert_eq!(locate("\"ab\"", 10, "ab", 0..9), 11..14);
    }

    #[test]
    fn what_cannot_be_walked_points_at_the_start() {
        assert_eq!(locate("\"ab\"", 10, "other", 1..2), 10..11);
        assert_eq!(locate("", 10, "other", 1..2), 10..10);
    }
}
