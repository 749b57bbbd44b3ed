//! What is wrong with a config file, told with file, line, caret and remedy; all of it at once.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

use unicode_width::UnicodeWidthChar;

use super::place::shell_word;
use crate::model::clean;

/// Why there are no settings. Every variant says what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    #[error(
        "there is no config file {}. `replydeck demo` shows the deck without one; to start your own: {}",
        path.display(),
        start_command(path)
    )]
    Missing { path: PathBuf },
    #[error("the config file {} cannot be read: {why}", path.display())]
    Unreadable { path: PathBuf, why: String },
    #[error(transparent)]
    Invalid(#[from] Invalid),
}

fn start_command(path: &Path) -> String {
    let file = shell_word(path);
    match path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        Some(folder) if !folder.is_dir() => {
            format!("mkdir -p {} && replydeck config example > {file}", shell_word(folder))
        }
        _ => format!("replydeck config example > {file}"),
    }
}

/// A file that could be read and does not say what it should. Never empty; problems in file order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invalid {
    /// The file as the messages name it.
    name: String,
    problems: Vec<Told>,
}

/// So many problems are told at once; one mistake may have made them all.
const SHOWN_AT_ONCE: usize = 20;

/// A problem with the line it points at, already safe to print.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Told {
    /// Both from 1; the column in characters.
    line: usize,
    column: usize,
    message: String,
    remedy: Option<String>,
    excerpt: String,
    /// In cells, from the excerpt's start.
    caret: Range<usize>,
}

/// One thing wrong at one place of the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Problem {
    /// Bytes of the file's text.
    pub span: Range<usize>,
    pub message: String,
    pub remedy: Option<String>,
    /// The line may hold a secret: what stands in quotes is not shown.
    pub masked: bool,
}

impl Problem {
    pub(super) fn new(span: Range<usize>, message: impl Into<String>) -> Self {
        Self { span, message: message.into(), remedy: None, masked: false }
    }

    pub(super) fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }

    pub(super) fn masked(mut self, masked: bool) -> Self {
        self.masked |= masked;
        self
    }
}

impl Invalid {
    /// `problems` must not be empty.
    pub(super) fn new(name: &str, text: &str, mut problems: Vec<Problem>) -> Self {
        problems.sort_by_key(|problem| (problem.span.start, problem.span.end));
        problems.dedup();
        Self { name: name.to_owned(), problems: problems.into_iter().map(|problem| tell(text, problem)).collect() }
    }

    /// How many things are wrong.
    pub fn count(&self) -> usize {
        self.problems.len()
    }

    /// Each thing that is wrong: where, the line with a caret below it, and what to do.
    pub fn each(&self) -> impl Iterator<Item = String> {
        self.problems.iter().map(|problem| {
            let Told { line, column, message, remedy, excerpt, caret } = problem;
            let number = line.to_string();
            let gutter = " ".repeat(number.len());
            let (before, under) = (" ".repeat(caret.start), "^".repeat(caret.len().max(1)));
            let mut told =
                format!("{}:{line}:{column}: {message}\n{number} | {excerpt}\n{gutter} | {before}{under}", self.name);
            if let Some(remedy) = remedy {
                told.extend(["\n", &gutter, " = ", remedy]);
            }
            told
        })
    }
}

impl std::error::Error for Invalid {}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown: Vec<String> = self.each().take(SHOWN_AT_ONCE).collect();
        if let Some(more) = self.count().checked_sub(shown.len()).filter(|more| *more > 0) {
            shown.push(format!("{}: {more} more; replydeck check shows them all", self.name));
        }
        f.write_str(&shown.join("\n\n"))
    }
}

/// Keys whose value is a secret or names one; a line that sets one shows no value.
pub(super) fn names_a_secret(key: &str) -> bool {
    let key = key.to_lowercase();
    ["bearer", "token", "secret", "password", "passwd", "credential", "consumer_key", "api_key"]
        .iter()
        .any(|word| key.contains(word))
}

fn tell(text: &str, problem: Problem) -> Told {
    let start = floor_boundary(text, problem.span.start);
    let end = floor_boundary(text, problem.span.end).max(start);
    let line_start = text[..start].rfind('\n').map_or(0, |at| at + 1);
    let line = text[line_start..].split('\n').next().unwrap_or_default();
    let line = line.strip_suffix('\r').unwrap_or(line);
    let (from, to) = ((start - line_start).min(line.len()), (end - line_start).min(line.len()));
    let masked = problem.masked || line.split_once('=').is_some_and(|(key, _)| names_a_secret(key));
    let shown = if masked { mask(line) } else { line.to_owned() };
    let before = line[..from].chars().count();
    let (excerpt, caret) = window(&shown, before, line[from..to].chars().count());
    Told {
        line: text[..line_start].matches('\n').count() + 1,
        column: before + 1,
        message: clean::text(&problem.message),
        remedy: problem.remedy.map(|remedy| clean::text(&remedy)),
        excerpt,
        caret,
    }
}

fn floor_boundary(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

/// Stars for every character of a value: what stands in quotes, or all after `=` where nothing is quoted.
/// One character stays one character, so that the caret still points right.
fn mask(line: &str) -> String {
    let value_at = line.find('=').map_or(0, |at| at + 1);
    let (key, value) = line.split_at(value_at);
    if !value.contains(['"', '\'']) {
        let stars = value.chars().map(|c| if c.is_whitespace() || "{}[],".contains(c) { c } else { '*' });
        return key.chars().chain(stars).collect();
    }
    let mut open = None;
    let stars = value.chars().map(|c| match open {
        Some(quote) if c == quote => {
            open = None;
            c
        }
        Some(_) => '*',
        None if c == '"' || c == '\'' => {
            open = Some(c);
            c
        }
        None => c,
    });
    key.chars().chain(stars).collect()
}

/// So many cells of a line are shown, so that a query of a thousand characters does not bury its caret.
const WINDOW_CELLS: usize = 100;
/// So many of them stand before the caret.
const CELLS_BEFORE_CARET: usize = 60;

/// The part of a line around `length` characters from character `before` on, and the caret in cells of that part.
fn window(line: &str, before: usize, length: usize) -> (String, Range<usize>) {
    // Nothing that acts on a terminal, and one character stays one character.
    let safe: Vec<char> = line
        .chars()
        .map(|c| match c {
            '\t' => ' ',
            _ if c.width() == Some(0) || clean::text(c.encode_utf8(&mut [0; 4])).is_empty() => '\u{fffd}',
            _ => c,
        })
        .collect();
    let cells = |chars: &[char]| chars.iter().map(|c| c.width().unwrap_or(0)).sum::<usize>();
    let mut first = 0;
    if cells(&safe) > WINDOW_CELLS {
        while cells(&safe[first..before]) > CELLS_BEFORE_CARET {
            first += 1;
        }
    }
    let mut last = safe.len();
    while last > before && cells(&safe[first..last]) > WINDOW_CELLS {
        last -= 1;
    }
    let head = if first > 0 { "…" } else { "" };
    let tail = if last < safe.len() { "…" } else { "" };
    let excerpt = format!("{head}{}{tail}", safe[first..last].iter().collect::<String>());
    let start = head.chars().count() + cells(&safe[first..before]);
    let end = start + cells(&safe[before..(before + length).min(last).max(before)]);
    (excerpt.trim_end().to_owned(), start..end)
}

#[cfg(test)]
mod tests {
    use super::{Invalid, Problem};

    fn told(text: &str, problem: Problem) -> String {
        Invalid::new("config.toml", text, vec![problem]).to_string()
    }

    #[test]
    fn the_caret_stands_under_the_word_in_cells() {
        let text = "a = 1\n\"配送\" = \"遅延 x\"\n";
        let at = text.find('x').unwrap();
        assert_eq!(
            told(text, Problem::new(at..at + 1, "no")),
            "config.toml:2:12: no\n2 | \"配送\" = \"遅延 x\"\n  |                ^"
        );
    }

    #[test]
    fn of_many_problems_the_first_are_told_and_the_rest_counted() {
        let text = "x\n".repeat(50);
        let problems = (0..50).map(|line| Problem::new(line * 2..line * 2 + 1, "no")).collect();
        let invalid = Invalid::new("config.toml", &text, problems);
        let told = invalid.to_string();
        assert_eq!((told.matches(": no\n").count(), invalid.each().count()), (20, 50));
        assert!(told.ends_with("\n\nconfig.toml: 30 more; replydeck check shows them all"), "{told}");
    }

    #[test]
    fn a_long_line_is_shown_around_the_caret() {
        let text = format!("query = \"{}BAD{}\"", "word ".repeat(100), " more".repeat(100));
        let at = text.find("BAD").unwrap();
        let told = told(&text, Problem::new(at..at + 3, "no"));
        let lines: Vec<&str> = told.lines().collect();
        assert!(lines[1].chars().count() < 120, "{told}");
        let caret = lines[2].chars().position(|c| c == '^').unwrap();
        assert_eq!(lines[1].chars().skip(caret).take(3).collect::<String>(), "BAD");
        assert!(lines[2].ends_with("^^^"), "{told}");
    }

    #[test]
    fn control_characters_of_the_file_are_not_printed() {
        let told = told("a = \"\u{1b}]52;c;x\u{7}\u{202e}\"", Problem::new(0..1, "no \u{1b}[31m"));
        assert!(told.chars().all(|c| c == '\n' || !c.is_control()), "{told:?}");
        assert!(!told.contains('\u{202e}'));
    }

    #[test]
    fn a_line_that_may_hold_a_secret_shows_none() {
        for line in [
            "bearer = \"AAAAsecret\"",
            "bearer = AAAAsecret",
            "access_token = { value = 'AAAAsecret' }",
            "  x.token_secret=\"AAAAsecret",
        ] {
            let told = told(line, Problem::new(0..1, "no"));
            assert!(!told.contains("AAAA"), "{told}");
        }
        let told = told("value = \"AAAAsecret\" # x", Problem::new(0..5, "no").masked(true));
        assert!(told.contains("value = \"**********\" # x"), "{told}");
    }

    #[test]
    fn a_span_past_the_end_or_inside_a_character_points_at_the_nearest_place() {
        assert!(told("a", Problem::new(40..50, "no")).starts_with("config.toml:1:2: no"));
        assert!(told("é = 1", Problem::new(1..2, "no")).starts_with("config.toml:1:1: no"));
        assert!(told("", Problem::new(0..0, "no")).starts_with("config.toml:1:1: no"));
    }
}
