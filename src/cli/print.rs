//! How text leaves the program.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::process::ExitCode;

use crate::config::{ConfigError, Invalid};
use crate::model::clean;

/// Writes `text` to stdout.
pub fn out(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
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
    let _told = writeln!(io::stderr().lock(), "{}", failure_text(error));
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

    use super::failure_text;
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
    fn a_wrong_config_is_code_two_also_under_a_context() {
        let error = anyhow::Error::from(Config::parse("hodl = 1", "c.toml").unwrap_err());
        assert!(failure_text(&error).starts_with("c.toml:1:1: "), "{}", failure_text(&error));
        assert!(failure_text(&error).ends_with("the config has 2 problems; nothing was started"));
        assert_eq!(code_of(&error), 2);
        assert_eq!(code_of(&error.context("while starting")), 2);
        assert_eq!(code_of(&PlaceError::NoHome.into()), 2);
    }
}
