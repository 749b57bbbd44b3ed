//! Reads the queries X is given: rules and searches, refused with X's manner of details.

use crate::rules::Rule;
use crate::rules::x::{Limits, as_rule};

/// The rule, or why X would not take it.
pub(super) fn read(value: &str) -> Result<Rule, Vec<String>> {
    let rule = Rule::parse(value).map_err(|error| vec![format!("{error} (at position {})", error.span.start + 1)])?;
    match as_rule(&rule, Limits::ENTERPRISE) {
        Ok(_) => Ok(rule),
        Err(errors) => {
            Err(errors.iter().map(|error| format!("{error} (at position {})", error.span.start + 1)).collect())
        }
    }
}
