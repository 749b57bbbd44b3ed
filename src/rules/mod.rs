//! The one query language: parsed here, matched here, said in X's own grammar here.

use std::fmt;
use std::ops::Range;

use crate::model::Post;

/// Why a query could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct QueryError {
    /// In bytes.
    pub span: Range<usize>,
    pub message: String,
    pub remedy: Option<String>,
}

/// A query that could be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    source: String,
}

impl Rule {
    pub fn parse(source: &str) -> Result<Rule, QueryError> {
        Ok(Rule { source: source.to_owned() })
    }

    pub fn source(&self) -> &str {
        &self.source
    }

    pub fn matches(&self, post: &Post) -> bool {
        post.text.contains(&self.source)
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.source)
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
        let length = rule.source.chars().count();
        if length > limits.rule_chars {
            let message = format!("{length} characters; X takes {}", limits.rule_chars);
            return Err(vec![QueryError { span: 0..rule.source.len(), message, remedy: None }]);
        }
        Ok(rule.source.clone())
    }
}
