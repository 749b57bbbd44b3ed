//! How text leaves the program.

use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write as _};
use std::process::ExitCode;

use crate::config::{ConfigError, Invalid};
use crate::model::clean;
use crate::ui::text::width;

/// Writes `text` to stdout.
pub fn out(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// Writes a text to stdout; on a terminal its lines break at words.
pub(super) fn said(text: &str) -> io::Result<()> {
    out(&at_words(text, cells(&io::stdout())))
}

/// How many cells a line has there; `None` where it is no terminal, and whoever reads it breaks the lines.
fn cells(stream: &impl IsTerminal) -> Option<usize> {
    let (columns, _) = crossterm::terminal::size().ok().filter(|_| stream.is_terminal())?;
    Some(usize::from(columns)).filter(|columns| *columns > 0)
}

/// Breaks lines at words. A word that is longer than a line, such as an address to be copied, stays whole, and a line
/// that begins with blanks as it is: its words stand below others.
fn at_words(text: &str, cells: Option<usize>) -> String {
    let Some(cells) = cells else { return text.to_owned() };
    let mut broken = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        if line.starts_with(' ') || width(line.trim_end()) <= cells {
            broken.push_str(line);
            continue;
        }
        let mut used = 0;
        for word in line.split(' ') {
            let long = width(word.trim_end());
            if used > 0 && used + 1 + long > cells {
                broken.push('\n');
                used = 0;
            } else if used > 0 {
                broken.push(' ');
                used += 1;
            }
            broken.push_str(word);
            used += long;
        }
    }
    broken
}

/// Tells an error on stderr and gives its exit code. A reader of our output that went away is no failure.
pub(super) fn failure(error: &anyhow::Error) -> ExitCode {
    let is_closed_pipe = error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .any(|cause| cause.kind() == io::ErrorKind::BrokenPipe);
    if is_closed_pipe {
        return ExitCode::SUCCESS;
    }
    // Nothing is left to tell it to if stderr is gone too.
    let _told = writeln!(io::stderr().lock(), "{}", at_words(&failure_text(error), cells(&io::stderr())));
    super::exit_code(super::code_of(error))
}

/// `replydeck: what: why. What next`, on one line; the problems of a config stand on their own, as compilers do.
fn failure_text(error: &anyhow::Error) -> String {
    if let Some(ConfigError::Invalid(invalid)) = error.downcast_ref::<ConfigError>() {
        return format!("{invalid}\n\n{}", summary(invalid));
    }
    let mut text = "replydeck".to_owned();
    let mut last = String::new();
    for cause in error.chain() {
        let words = clean::text(&cause.to_string());
        // Transparent errors say the same thing twice.
        if last != words {
            let _written = write!(text, ": {words}");
            last = words;
        }
    }
    text
}

pub(super) fn summary(invalid: &Invalid) -> String {
    match invalid.count() {
        1 => "replydeck: the config has a problem; nothing was started".to_owned(),
        count => format!("replydeck: the config has {count} problems; nothing was started"),
    }
}

#[cfg(test)]
mod tests {
    use anyhow::Context;

    use super::{at_words, failure_text};
    use crate::cli::code_of;
    use crate::config::{Config, PlaceError};

    #[test]
    fn an_error_is_one_line_of_what_and_why() {
        let error =
            Err::<(), _>(std::io::Error::other("no room\u{1b}[31m")).context("the log cannot be written").unwrap_err();
        assert_eq!(failure_text(&error), "replydeck: the log cannot be written: no room");
        assert_eq!(code_of(&error), 1);
    }

    #[test]
    fn lines_on_a_terminal_break_at_words() {
        let page = "https://x.example/approve?and=many&more=letters";
        let text = format!(
            "open this page in any browser:\n\n{page}\n\nand approve it at {page} soon\n  ^^^^^^ here, as it is\n"
        );
        let told = format!(
            "open this page in\nany browser:\n\n{page}\n\nand approve it at\n{page}\nsoon\n  ^^^^^^ here, as it is\n"
        );
        assert_eq!(at_words(&text, Some(20)), told);
        assert_eq!(at_words(&told, Some(20)), told);
        assert_eq!(at_words(&text, None), text, "a pipe gets its lines whole");
        assert_eq!(at_words("遅い 回線 遅い 回線", Some(10)), "遅い 回線\n遅い 回線");
    }

    #[test]
    fn a_wrong_config_is_code_two_also_under_a_context() {
        let error = anyhow::Error::from(Config::parse("hodl = 1", "c.toml").unwrap_err());
        assert!(failure_text(&error).starts_with("c.toml:1:1: "), "{}", failure_text(&error));
        assert!(failure_text(&error).ends_with("the config has 2 problems; nothing was started"));
        assert_eq!(code_of(&error), 2);
        assert_eq!(code_of(&error.context("while starting")), 2);
        assert_eq!(code_of(&PlaceError::NoHome.into()), 2);
    }
}
