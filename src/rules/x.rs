//! A query said in X's grammar: as a rule of the filtered stream, and as a query of recent search.
//!
//! Both are the same text; what differs is which operators X knows there and how long it may be. Everything X would
//! refuse is said before X is asked, all of it at once, with its place in the query.

use super::ast::{Kind, Node, Term};
use super::{QueryError, Rule};
use crate::model::account::Tier;

/// How many characters X takes; they depend on the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    pub rule_chars: usize,
    pub search_chars: usize,
}

impl Limits {
    /// Pay-per-use.
    pub const SELF_SERVE: Limits = Limits { rule_chars: 1_024, search_chars: 512 };
    pub const ENTERPRISE: Limits = Limits { rule_chars: 2_048, search_chars: 4_096 };

    pub fn of(tier: Tier) -> Self {
        match tier {
            Tier::PayPerUse => Self::SELF_SERVE,
            Tier::Enterprise => Self::ENTERPRISE,
        }
    }
}

/// The text of a filtered-stream rule.
pub fn as_rule(rule: &Rule, limits: Limits) -> Result<String, Vec<QueryError>> {
    say(rule, limits.rule_chars, "a rule", |_| None)
}

/// The text of a recent-search query, with which gaps are filled.
pub fn as_search(rule: &Rule, limits: Limits) -> Result<String, Vec<QueryError>> {
    say(rule, limits.search_chars, "a search", |term| match term {
        Term::Op { operator, .. } if !operator.in_search => Some(operator.name),
        _ => None,
    })
}

fn say(
    rule: &Rule,
    chars: usize,
    what: &str,
    unknown: impl Fn(&Term) -> Option<&'static str>,
) -> Result<String, Vec<QueryError>> {
    let node = rule.node();
    let mut errors = Vec::new();
    check(node, false, &unknown, &mut errors);
    if errors.is_empty() {
        anchored(node, &mut errors);
    }
    let said = render(node);
    let length = said.chars().count();
    if length > chars {
        errors.push(
            QueryError::new(
                0..rule.source().len(),
                format!("{what} may be {chars} characters long at X, this one is {length}"),
            )
            .with_remedy("make two columns of it, or leave terms out"),
        );
    }
    if errors.is_empty() { Ok(said) } else { Err(errors) }
}

/// What X refuses wherever it stands.
fn check(node: &Node, negated: bool, unknown: &impl Fn(&Term) -> Option<&'static str>, errors: &mut Vec<QueryError>) {
    let error = |message: String| QueryError::new(node.span.clone(), message);
    match &node.kind {
        Kind::Any(nodes) | Kind::All(nodes) => {
            if negated {
                errors.push(
                    error("X takes no `-` in front of a group".to_owned())
                        .with_remedy(format!("negate each term: {}", negated_apart(node))),
                );
            }
            for node in nodes {
                check(node, false, unknown, errors);
            }
        }
        Kind::Not(inner) if matches!(inner.kind, Kind::Not(_)) => {
            errors.push(error("X takes one `-` in front of a term".to_owned()).with_remedy(render(strip(inner))));
        }
        Kind::Not(inner) => check(inner, !negated, unknown, errors),
        Kind::Term(term) => {
            if let Some(name) = unknown(term) {
                errors.push(
                    error(format!("X's recent search does not know `{name}:`"))
                        .with_remedy("without it gaps can be filled; with it they stay open"),
                );
            }
            if let Term::Op { operator, value } = term {
                if operator.name == "is" && value == "nullcast" && !negated {
                    errors.push(error("X takes `is:nullcast` only with a `-`".to_owned()).with_remedy("-is:nullcast"));
                }
                if operator.name == "sample" && negated {
                    errors.push(
                        error("X takes no `-` in front of `sample:`".to_owned()).with_remedy(format!("sample:{value}")),
                    );
                }
                let native = value.bytes().all(|b| b.is_ascii_digit());
                if operator.takes == super::operator::Takes::PostId && !native {
                    errors.push(
                        error(format!("`{}:` takes a number at X", operator.name))
                            .with_remedy(format!("{}:1334987486343299072", operator.name)),
                    );
                }
                if value.contains('"') {
                    errors.push(error("X takes no quotation mark in a value".to_owned()).with_remedy("leave it out"));
                }
                if operator.takes == super::operator::Takes::Handle {
                    check_handle(node, value, errors);
                }
            }
            if let Term::Mention(handle) = term {
                check_handle(node, handle, errors);
            }
        }
    }
}

fn check_handle(node: &Node, handle: &str, errors: &mut Vec<QueryError>) {
    if !handle.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
        errors.push(
            QueryError::new(node.span.clone(), format!("`{handle}` is not a handle at X"))
                .with_remedy("X knows letters, digits and `_`; a handle of another network belongs to a column there"),
        );
    }
}

/// Each way to match needs a positive part that X lets stand alone.
fn anchored(node: &Node, errors: &mut Vec<QueryError>) {
    match &node.kind {
        Kind::Any(nodes) => nodes.iter().for_each(|node| anchored(node, errors)),
        Kind::All(nodes) => {
            // One anchored part is enough; groups are such a part only where all their branches are.
            let mut tried = Vec::new();
            if nodes.iter().any(|node| {
                let mut errors = Vec::new();
                anchored(node, &mut errors);
                let fine = errors.is_empty();
                tried.push(errors);
                fine
            }) {
                return;
            }
            if nodes.iter().all(|node| matches!(node.kind, Kind::Not(_))) {
                errors.push(only_negations(node));
            } else {
                errors.push(only_dependent(node));
            }
        }
        Kind::Not(_) => errors.push(only_negations(node)),
        Kind::Term(Term::Op { operator, .. }) if !operator.stands_alone => errors.push(only_dependent(node)),
        Kind::Term(_) => {}
    }
}

fn only_negations(node: &Node) -> QueryError {
    QueryError::new(node.span.clone(), "X needs something to look for; here everything is left out by a `-`")
        .with_remedy("add a keyword, a #tag, an @handle or from: to it; each side of an OR needs its own")
}

fn only_dependent(node: &Node) -> QueryError {
    QueryError::new(node.span.clone(), "X takes `is:`, `has:`, `lang:` and `sample:` only together with something else")
        .with_remedy("add a keyword, a #tag, an @handle or from: to it; each side of an OR needs its own")
}

/// Without the negations in front.
fn strip(node: &Node) -> &Node {
    match &node.kind {
        Kind::Not(inner) => strip(inner),
        _ => node,
    }
}

/// `-(a OR b)` with the `-` in front of each term.
fn negated_apart(node: &Node) -> String {
    match &node.kind {
        Kind::Any(nodes) => nodes.iter().map(negated_apart).collect::<Vec<_>>().join(" "),
        Kind::All(nodes) => format!("({})", nodes.iter().map(negated_apart).collect::<Vec<_>>().join(" OR ")),
        Kind::Not(inner) => in_branch(inner),
        Kind::Term(_) => format!("-{}", render(node)),
    }
}

fn render(node: &Node) -> String {
    match &node.kind {
        Kind::Any(nodes) => nodes.iter().map(render).collect::<Vec<_>>().join(" OR "),
        Kind::All(nodes) => nodes.iter().map(in_branch).collect::<Vec<_>>().join(" "),
        Kind::Not(inner) => match inner.kind {
            Kind::Any(_) | Kind::All(_) => format!("-({})", render(inner)),
            Kind::Not(_) | Kind::Term(_) => format!("-{}", render(inner)),
        },
        Kind::Term(term) => render_term(term),
    }
}

/// As a part of a conjunction: an OR needs its parentheses there.
fn in_branch(node: &Node) -> String {
    match node.kind {
        Kind::Any(_) => format!("({})", render(node)),
        _ => render(node),
    }
}

fn render_term(term: &Term) -> String {
    match term {
        Term::Words { text, .. } if is_bare(text) => text.clone(),
        Term::Words { text, .. } => format!("\"{}\"", flat(text)),
        Term::Near { text, within } => format!("\"{}\"~{within}", flat(text)),
        Term::Hashtag(tag) => format!("#{tag}"),
        Term::Mention(handle) => format!("@{handle}"),
        Term::Cashtag(symbol) => format!("${symbol}"),
        Term::Op { operator, value } => {
            let plain = value.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'));
            if plain || value.starts_with('[') {
                format!("{}:{value}", operator.name)
            } else {
                format!("{}:\"{}\"", operator.name, flat(value))
            }
        }
    }
}

/// One word that X takes without quotation marks.
fn is_bare(text: &str) -> bool {
    text.chars().all(|c| c.is_alphanumeric() || c == '_')
        && !["or", "and", "not"].iter().any(|word| text.eq_ignore_ascii_case(word))
}

fn flat(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
