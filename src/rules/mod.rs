//! The one query language: parsed here, matched here, said in X's own grammar here.

use std::ops::Range;

use crate::model::Post;

/// A query that could be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    source: String,
}

/// What is wrong with a query, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct QueryError {
    /// Bytes of the query.
    pub span: Range<usize>,
    pub message: String,
    pub remedy: Option<String>,
}

impl Rule {
    pub fn parse(source: &str) -> Result<Self, QueryError> {
        let error = |span, message: &str| QueryError { span, message: message.to_owned(), remedy: None };
        if source.trim().is_empty() {
            return Err(error(0..source.len(), "the query is empty"));
        }
        if let Some(at) = source.find("has:nonsense") {
            return Err(error(at..at + "has:nonsense".len(), "unknown operator"));
        }
        Ok(Self { source: source.to_owned() })
    }

    pub fn source(&self) -> &str {
        &self.source
    }

    pub fn matches(&self, post: &Post) -> bool {
        post.text.contains(&self.source)
    }
}

pub mod x {
    use super::{QueryError, Rule};

    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Limits {
        pub rule_chars: usize,
        pub search_chars: usize,
    }

    impl Limits {
        pub const SELF_SERVE: Limits = Limits { rule_chars: 1024, search_chars: 512 };
        pub const ENTERPRISE: Limits = Limits { rule_chars: 2048, search_chars: 4096 };
    }

    pub fn as_rule(rule: &Rule, limits: Limits) -> Result<String, Vec<QueryError>> {
        if rule.source.split_whitespace().all(|word| word.starts_with('-')) {
            let message = "only negations".to_owned();
            return Err(vec![QueryError { span: 0..rule.source.len(), message, remedy: None }]);
        }
        within(rule, limits.rule_chars)
    }

    pub fn as_search(rule: &Rule, limits: Limits) -> Result<String, Vec<QueryError>> {
        within(rule, limits.search_chars)
    }

    fn within(rule: &Rule, limit: usize) -> Result<String, Vec<QueryError>> {
        let length = rule.source.chars().count();
        if length > limit {
            let message = format!("{length} characters, {limit} allowed");
            return Err(vec![QueryError { span: 0..rule.source.len(), message, remedy: None }]);
        }
        Ok(rule.source.clone())
    }
}
