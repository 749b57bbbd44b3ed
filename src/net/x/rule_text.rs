//! The one place that asks for a column's rule in X's own grammar.

use crate::model::account::Tier;
use crate::rules::x::{Limits, as_rule, as_search};
use crate::rules::{QueryError, Rule};

/// The rule as X's stream takes it, or in words why it cannot.
pub(super) fn of(rule: &Rule, tier: Tier) -> Result<String, String> {
    as_rule(rule, Limits::of(tier)).map_err(words)
}

/// The same for X's recent search, which knows fewer operators and, on most plans, shorter queries.
pub(super) fn for_search(rule: &Rule, tier: Tier) -> Result<String, String> {
    as_search(rule, Limits::of(tier)).map_err(words)
}

fn words(errors: Vec<QueryError>) -> String {
    let words = errors.into_iter().map(|error| match error.remedy {
        Some(remedy) => format!("{}: {remedy}", error.message),
        None => error.message,
    });
    words.collect::<Vec<_>>().join("; ")
}
