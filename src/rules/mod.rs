//! The one query language: parsed here, matched here, said in X's own grammar here.

use crate::model::Post;

/// A query that could be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    source: String,
}

impl Rule {
    /// Takes the query as it stands.
    pub fn parse(source: &str) -> Result<Self, std::convert::Infallible> {
        Ok(Self { source: source.to_owned() })
    }

    pub fn source(&self) -> &str {
        &self.source
    }

    pub fn matches(&self, post: &Post) -> bool {
        post.text.contains(&self.source)
    }
}
