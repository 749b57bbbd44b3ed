//! What a rep types to find something: words, and operators that narrow them.
//!
//! ```text
//! slow router from:@jo_m tag:"slow line" cause:outage rep:ana after:2026-11-01 before:7d
//! ```
//!
//! Every word must be there. Several `tag:` must all be there; of several `from:`, `cause:` or `rep:` one is enough.
//! In quotes a word is never an operator.

use std::fmt;
use std::ops::Range;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::body::Hit;
use super::id::AuthorId;

/// Every operator and what it takes.
pub const OPERATORS: [(&str, &str); 6] = [
    ("from", "a handle, also an earlier one, or an author's id"),
    ("tag", "a tag that is on the case"),
    ("cause", "the cause a case was resolved with"),
    ("rep", "somebody of the team who worked on the case"),
    ("before", "a day such as 2026-11-21, or so long ago: 12h, 7d"),
    ("after", "the same; the day itself included"),
];

/// A stretch of time: from `after` on, until right before `before`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Between {
    pub after: Option<Timestamp>,
    pub before: Option<Timestamp>,
}

impl Between {
    pub fn holds(&self, at: Timestamp) -> bool {
        self.after.is_none_or(|after| at >= after) && self.before.is_none_or(|before| at < before)
    }

    /// It ends somewhere.
    pub fn is_bound(&self) -> bool {
        self.after.is_some() || self.before.is_some()
    }
}

/// A search taken apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Search {
    pub words: String,
    /// Handles without their `@`, or ids.
    pub from: Vec<String>,
    pub tags: Vec<String>,
    pub causes: Vec<String>,
    pub reps: Vec<String>,
    pub between: Between,
}

/// What a search brought.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Found {
    /// Whose handle, now or earlier, begins with the one word asked for.
    pub people: Vec<FoundPerson>,
    /// Newest first.
    pub hits: Vec<Hit>,
}

/// Somebody found by their handle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundPerson {
    pub author: AuthorId,
    /// In lower case, without `@`; it may be an earlier one.
    pub handle: String,
}

/// Why a text is no search.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message} ({remedy})")]
pub struct SearchError {
    pub message: String,
    /// Bytes of the text.
    pub span: Range<usize>,
    pub remedy: String,
}

impl SearchError {
    /// The text with carets under what is wrong.
    pub fn pointed<'a>(&'a self, text: &'a str) -> impl fmt::Display + 'a {
        Pointed { error: self, text }
    }
}

struct Pointed<'a> {
    error: &'a SearchError,
    text: &'a str,
}

impl fmt::Display for Pointed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let before = self.text.get(..self.error.span.start).map_or(0, |before| before.chars().count());
        let wrong = self.text.get(self.error.span.clone()).map_or(1, |wrong| wrong.chars().count().max(1));
        writeln!(f, "{}", self.error.message)?;
        writeln!(f, "  {}", self.text)?;
        writeln!(f, "  {}{}", " ".repeat(before), "^".repeat(wrong))?;
        write!(f, "  = {}", self.error.remedy)
    }
}

impl Search {
    /// `now` and `zone` say when a day begins and what `7d` is.
    pub fn parse(text: &str, now: Timestamp, zone: &TimeZone) -> Result<Self, SearchError> {
        let mut search = Search::default();
        let mut words: Vec<String> = Vec::new();
        for piece in pieces(text)? {
            let Some((operator, value)) = piece.operator else {
                words.push(piece.words);
                continue;
            };
            let fail = |message: String, remedy: String| SearchError { message, span: piece.span.clone(), remedy };
            let Some((_, takes)) = OPERATORS.iter().find(|(name, _)| *name == operator) else {
                let message = format!("there is no operator {operator}:");
                return Err(fail(message, format!("known: {}; in quotes it is a word", known())));
            };
            if value.trim().is_empty() {
                return Err(fail(format!("{operator}: wants a value"), (*takes).to_owned()));
            }
            match operator.as_str() {
                "from" => search.from.push(value.trim_start_matches('@').to_owned()),
                "tag" => search.tags.push(value),
                "cause" => search.causes.push(value),
                "rep" => search.reps.push(value),
                moment => {
                    let at = moment_of(&value, now, zone)
                        .ok_or_else(|| fail(format!("{value:?} is no day"), (*takes).to_owned()))?;
                    let slot = if moment == "after" { &mut search.between.after } else { &mut search.between.before };
                    *slot = Some(at);
                }
            }
        }
        search.words = words.join(" ");
        if let (Some(after), Some(before)) = (search.between.after, search.between.before)
            && after >= before
        {
            return Err(SearchError {
                message: "nothing is after: and before: these at once".to_owned(),
                span: 0..text.len(),
                remedy: "after: must be the earlier of the two".to_owned(),
            });
        }
        Ok(search)
    }

    /// Nothing is asked for.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Asks for something only cases have.
    pub fn asks_cases(&self) -> bool {
        !(self.tags.is_empty() && self.causes.is_empty() && self.reps.is_empty())
    }
}

/// `from:, tag:, …`
fn known() -> String {
    OPERATORS.map(|(name, _)| format!("{name}:")).join(", ")
}

struct Piece {
    span: Range<usize>,
    /// Operator and value.
    operator: Option<(String, String)>,
    words: String,
}

/// The text cut at spaces outside of quotes.
fn pieces(text: &str) -> Result<Vec<Piece>, SearchError> {
    let mut pieces = Vec::new();
    let mut rest = text.char_indices().peekable();
    while let Some((start, first)) = rest.next() {
        if first.is_whitespace() {
            continue;
        }
        let mut words = String::new();
        let mut quote: Option<usize> = (first == '"').then_some(start);
        let mut end = start + first.len_utf8();
        // The colon of an operator stands before any quote.
        let mut colon = None;
        let mut is_plain = quote.is_none();
        if is_plain {
            words.push(first);
        }
        while let Some((at, c)) = rest.next_if(|(_, c)| quote.is_some() || !c.is_whitespace()) {
            end = at + c.len_utf8();
            if c == '"' {
                quote = if quote.is_some() { None } else { Some(at) };
                is_plain = false;
                continue;
            }
            if c == ':' && is_plain && colon.is_none() {
                colon = Some(words.len());
            }
            words.push(c);
        }
        if let Some(open) = quote {
            return Err(SearchError {
                message: "this quote is not closed".to_owned(),
                span: open..text.len(),
                remedy: "add a \" at its end".to_owned(),
            });
        }
        let operator = colon.and_then(|colon| {
            let (name, value) = (&words[..colon], &words[colon + 1..]);
            // `re:`, `12:30` and addresses are words.
            let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase());
            let is_known = OPERATORS.iter().any(|(known, _)| *known == name);
            (is_name && (is_known || !value.is_empty()) && !value.starts_with("//"))
                .then(|| (name.to_owned(), value.to_owned()))
        });
        pieces.push(Piece { span: start..end, operator, words });
    }
    Ok(pieces)
}

/// A day's beginning, a moment, or so long before `now`.
fn moment_of(value: &str, now: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
    let day = |date: Date| date.to_zoned(zone.clone()).ok().map(|start| start.timestamp());
    let today = now.to_zoned(zone.clone()).date();
    match value {
        "today" => return day(today),
        "yesterday" => return day(today.yesterday().ok()?),
        _ => {}
    }
    if let Ok(date) = value.parse::<Date>() {
        // A moment also parses as its day.
        return value.parse::<Timestamp>().ok().or_else(|| day(date));
    }
    if let Ok(at) = value.parse::<Timestamp>() {
        return Some(at);
    }
    let unit = value.chars().last()?;
    let count: i64 = value.strip_suffix(unit)?.parse().ok().filter(|count| (0..=100_000).contains(count))?;
    let hours = match unit {
        'h' => count,
        'd' => count * 24,
        'w' => count * 24 * 7,
        _ => return None,
    };
    now.checked_sub(SignedDuration::from_hours(hours)).ok()
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use jiff::tz::TimeZone;

    use super::Search;

    fn parse(text: &str) -> Result<Search, super::SearchError> {
        let now: Timestamp = "2026-11-21T14:00:00Z".parse().unwrap();
        Search::parse(text, now, &TimeZone::get("Europe/Rome").unwrap())
    }

    #[test]
    fn words_and_operators_are_told_apart() {
        let search = parse("slow from:@jo_m tag:\"slow line\" tag:😡 cause:outage rep:ana router").unwrap();
        assert_eq!(search.words, "slow router");
        assert_eq!(
            (search.from, search.tags),
            (vec!["jo_m".to_owned()], vec!["slow line".to_owned(), "😡".to_owned()])
        );
        assert_eq!((search.causes, search.reps), (vec!["outage".to_owned()], vec!["ana".to_owned()]));
    }

    #[test]
    fn days_begin_in_the_reps_zone_and_lengths_count_back() {
        let between = parse("after:2026-11-01 before:12h").unwrap().between;
        assert_eq!(between.after.unwrap().to_string(), "2026-10-31T23:00:00Z");
        assert_eq!(between.before.unwrap().to_string(), "2026-11-21T02:00:00Z");
        assert_eq!(parse("after:yesterday").unwrap().between.after.unwrap().to_string(), "2026-11-19T23:00:00Z");
        let moment = parse("before:2026-11-21T10:30:00Z").unwrap().between.before.unwrap();
        assert_eq!(moment.to_string(), "2026-11-21T10:30:00Z");
    }

    #[test]
    fn what_only_looks_like_an_operator_is_a_word() {
        for text in ["12:30", "https://x.com/a", "re: line", ":)", "\"foo:bar\"", "Foo:bar"] {
            let search = parse(text).unwrap();
            assert_eq!(search.words, text.replace('"', ""), "{text}");
            assert!(!search.asks_cases() && search.from.is_empty());
        }
    }

    #[test]
    fn mistakes_point_at_their_place_and_name_the_operators() {
        let text = "slow fom:jo_m";
        let error = parse(text).unwrap_err();
        assert_eq!(error.span, 5..13);
        assert_eq!(
            error.pointed(text).to_string(),
            "there is no operator fom:\n  slow fom:jo_m\n       ^^^^^^^^\n  = known: from:, tag:, cause:, rep:, before:, \
             after:; in quotes it is a word"
        );
        assert_eq!(parse("größe before:soon").unwrap_err().span, 8..19);
        assert_eq!(parse("tag:").unwrap_err().message, "tag: wants a value");
        assert_eq!(parse("a tag:\"slow").unwrap_err().span, 6..11);
        assert!(parse("after:2026-11-02 before:2026-11-01").is_err());
    }
}
