//! A query as a tree; every node knows where it stands in the query.

use std::collections::BTreeSet;
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

impl Node {
    /// Adds the hashtags asked for, and words that stand alone; whether every matching post carries a hashtag that was
    /// asked for as one.
    pub(super) fn hashtags(&self, tags: &mut BTreeSet<String>) -> bool {
        match &self.kind {
            Kind::Any(branches) => {
                // All of them are asked: each may add.
                let mut are_all = true;
                for branch in branches {
                    are_all &= branch.hashtags(tags);
                }
                are_all
            }
            Kind::All(terms) => {
                let words: Vec<&str> = terms.iter().filter_map(Node::word).collect();
                let asks_more = terms.iter().any(|term| match &term.kind {
                    Kind::Any(_) | Kind::All(_) => true,
                    Kind::Not(_) => false,
                    Kind::Term(term) => matches!(term, Term::Near { .. } | Term::Words { quoted: true, .. }),
                });
                if let ([word], false) = (words.as_slice(), asks_more) {
                    tags.insert((*word).to_owned());
                }
                let mut has_one = false;
                for term in terms.iter().filter(|term| term.word().is_none()) {
                    let mut inner = BTreeSet::new();
                    let is_one = term.hashtags(&mut inner);
                    // Words of a branch inside stand beside others there.
                    if is_one {
                        tags.append(&mut inner);
                    }
                    has_one |= is_one;
                }
                has_one
            }
            Kind::Not(_) => false,
            Kind::Term(Term::Hashtag(tag)) => {
                tags.insert(tag.clone());
                true
            }
            Kind::Term(_) => {
                if let Some(word) = self.word() {
                    tags.insert(word.to_owned());
                }
                false
            }
        }
    }

    /// Whether all that stands behind a `-` is what `may_be` says.
    pub(super) fn leaves_out_only(&self, may_be: &impl Fn(&Node) -> bool) -> bool {
        match &self.kind {
            Kind::Any(nodes) | Kind::All(nodes) => nodes.iter().all(|node| node.leaves_out_only(may_be)),
            Kind::Not(inner) => may_be(inner),
            Kind::Term(_) => true,
        }
    }

    /// Whether it is this operator with this value, whatever the case.
    pub(super) fn is_operator(&self, name: &str, with: &str) -> bool {
        let Kind::Term(Term::Op { operator, value }) = &self.kind else { return false };
        operator.name == name && value.trim_start_matches('@').eq_ignore_ascii_case(with)
    }

    /// A bare keyword.
    fn word(&self) -> Option<&str> {
        match &self.kind {
            Kind::Term(Term::Words { text, quoted: false }) => Some(text),
            _ => None,
        }
    }
}
