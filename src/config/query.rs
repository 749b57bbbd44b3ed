//! Queries in the config: read as rules, checked against what their account's network can do, with every error
//! mapped to its place in the file.

use super::account::AccountConfig;
use super::problem::Problem;
use super::table::{Reader, Text};
use crate::model::account::Tier;
use crate::model::{ColumnName, NetworkKind};
use crate::rules::x::{Limits, as_rule, as_search};
use crate::rules::{QueryError, Rule};

/// What X allows on a plan.
pub fn x_limits(tier: Tier) -> Limits {
    match tier {
        Tier::PayPerUse => Limits::SELF_SERVE,
        Tier::Enterprise => Limits::ENTERPRISE,
    }
}

/// Reads a column's query. Without accounts (their names were wrong, which is told elsewhere) only the grammar is checked.
pub(super) fn read(
    reader: &mut Reader<'_>,
    column: &str,
    text: &Text<'_>,
    accounts: &[&AccountConfig],
) -> Option<Rule> {
    let rule = match Rule::read(text.value) {
        Ok(rule) => rule,
        Err(errors) => {
            for error in &errors {
                tell(reader, text, error, &format!("the query of column `{column}`"));
            }
            return None;
        }
    };
    for account in accounts {
        let refused = match account.network() {
            NetworkKind::X => as_rule(&rule, x_limits(account.tier())).err().unwrap_or_default(),
            NetworkKind::Bluesky | NetworkKind::Mastodon => Vec::new(),
        };
        for error in &refused {
            let what = format!("{} cannot do what column `{column}` asks of `{}`", account.network(), account.name);
            tell(reader, text, error, &what);
        }
        if !refused.is_empty() {
            return None;
        }
    }
    Some(rule)
}

fn tell(reader: &mut Reader<'_>, text: &Text<'_>, error: &QueryError, what: &str) {
    let span = reader.locate(text, error.span.clone());
    let mut problem = Problem::new(span, format!("{what}: {}", error.message));
    problem.remedy.clone_from(&error.remedy);
    reader.problem(problem);
}

/// What a network makes of a column's rule, for `check`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spelled {
    pub column: ColumnName,
    /// The rule as the network gets it.
    pub rule: Result<String, Vec<QueryError>>,
    /// The same for its search, which fills gaps.
    pub search: Result<String, Vec<QueryError>>,
    pub limits: Limits,
}

/// A column's rule in X's own grammar.
pub fn spell_for_x(column: &ColumnName, rule: &Rule, tier: Tier) -> Spelled {
    let limits = x_limits(tier);
    Spelled { column: column.clone(), rule: as_rule(rule, limits), search: as_search(rule, limits), limits }
}
