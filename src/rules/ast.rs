//! A query as a tree; every node knows where it stands in the query.

use std::ops::Range;

use super::operator::Operator;

#[derive(Clone, Debug)]
pub(crate) struct Node {
    /// Bytes of the query.
    pub span: Range<usize>,
    pub kind: Kind,
}

#[derive(Clone, Debug)]
pub(crate) enum Kind {
    /// `a OR b`; at least two.
    Any(Vec<Node>),
    /// `a b`; at least two.
    All(Vec<Node>),
    /// `-a`.
    Not(Box<Node>),
    Term(Term),
}

/// The smallest things that match or do not. Texts are as written, without quotes and sigils.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Term {
    /// A bare keyword or a quoted phrase.
    Words {
        text: String,
        quoted: bool,
    },
    /// `"a b"~N`.
    Near {
        text: String,
        within: u8,
    },
    Hashtag(String),
    Mention(String),
    Cashtag(String),
    Op {
        operator: &'static Operator,
        value: String,
    },
}
