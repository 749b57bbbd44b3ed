//! The one query language: parsed here, matched here, said in X's own grammar here.

use crate::model::Post;

/// A query that could be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    source: String,
}

impl Rule {
    pub fn source(&self) -> &str {
        &self.source
    }

    pub fn matches(&self, post: &Post) -> bool {
        post.text.contains(&self.source)
    }
}
