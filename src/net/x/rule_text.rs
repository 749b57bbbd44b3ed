//! The one place that asks for a column's rule in X's own grammar.

use crate::model::account::Tier;
use crate::rules::Rule;
use crate::rules::x::{Limits, as_rule};

/// The rule as X takes it, or in words why it cannot.
pub(super) fn of(rule: &Rule, tier: Tier) -> Result<String, String> {
    let limits = match tier {
        Tier::PayPerUse => Limits::SELF_SERVE,
        Tier::Enterprise => Limits::ENTERPRISE,
    };
    as_rule(rule, limits).map_err(|errors| {
        let words = errors.into_iter().map(|error| match error.remedy {
            Some(remedy) => format!("{}: {remedy}", error.message),
            None => error.message,
        });
        words.collect::<Vec<_>>().join("; ")
    })
}
