//! A query said as Bluesky's search takes it: words with parameters beside them, one way to match at a time.
//!
//! That search knows no alternatives, so each is a question of its own. What a question cannot say (`is:`, `has:`,
//! followers, a `-` in front of anything) it leaves out: it finds too much rather than too little, and the whole query
//! is judged here over what came. Its words are looked for as that search pleases (it may know other forms of a word),
//! which the judging here narrows as well.

use super::ast::{Kind, Node, Term};
use super::operator::Here;
use super::{QueryError, Rule};

/// A query may have so many ways to match: each is a question.
const MOST: usize = 4;

/// A query on its way to Bluesky's search.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// At least one.
    pub questions: Vec<Question>,
    /// The parts of the query that no question says, as written: they are judged here.
    pub judged_here: Vec<String>,
}

/// One question: all of it must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Question {
    /// Never empty.
    pub words: String,
    /// Beside the words: `author`, `mentions`, `tag`, `domain`, `lang`.
    pub parameters: Vec<(&'static str, String)>,
}

/// The questions for a query, or why there are none.
pub fn as_questions(rule: &Rule) -> Result<Asked, Vec<QueryError>> {
    let node = rule.node();
    let mut here = Vec::new();
    if !rule.can_match_here() {
        return Err(rule.local_problems().to_vec());
    }
    let ways = ways(node, &mut here);
    if ways.len() > MOST {
        let told =
            format!("Bluesky's search is asked for one way to match at a time, and this query has {}", ways.len());
        let error = QueryError::new(node.span.clone(), told);
        return Err(vec![error.with_remedy(format!("ask for at most {MOST} with OR between them"))]);
    }
    let questions: Vec<Question> = ways.iter().map(|way| question(way)).collect();
    if questions.iter().any(|question| question.words.is_empty()) {
        let error = QueryError::new(
            node.span.clone(),
            "Bluesky's search needs something to look for; what stands here can only be judged over what it finds",
        );
        return Err(vec![
            error.with_remedy("add a word, a #tag, a mention or from: to it; each side of an OR needs its own"),
        ]);
    }
    here.sort_by_key(|span: &std::ops::Range<usize>| span.start);
    here.dedup();
    let judged_here = here.into_iter().filter_map(|span| rule.source().get(span)).map(str::to_owned).collect();
    Ok(Asked { questions, judged_here })
}

type Way<'a> = Vec<&'a Term>;

/// The ways in which a node may match, each with the terms that then hold. What no question can say is not among them,
/// and stands in `here`.
fn ways<'a>(node: &'a Node, here: &mut Vec<std::ops::Range<usize>>) -> Vec<Way<'a>> {
    match &node.kind {
        Kind::Any(nodes) => nodes.iter().flat_map(|node| ways(node, here)).collect(),
        Kind::All(nodes) => {
            let mut all: Vec<Way<'a>> = vec![Vec::new()];
            for node in nodes {
                let mut deeper = Vec::new();
                let inner = ways(node, &mut deeper);
                // So many questions are not asked; without this part they find more.
                if all.len() * inner.len() > MOST && inner.len() > 1 {
                    here.push(node.span.clone());
                    continue;
                }
                here.append(&mut deeper);
                all = all.iter().flat_map(|way| inner.iter().map(|more| [way.as_slice(), more].concat())).collect();
            }
            all
        }
        Kind::Not(_) => {
            here.push(node.span.clone());
            vec![Vec::new()]
        }
        Kind::Term(term) if is_said(term) => vec![vec![term]],
        Kind::Term(_) => {
            here.push(node.span.clone());
            vec![Vec::new()]
        }
    }
}

/// Whether a question can say it.
fn is_said(term: &Term) -> bool {
    match term {
        Term::Words { .. } | Term::Near { .. } | Term::Hashtag(_) | Term::Cashtag(_) => true,
        Term::Mention(handle) => is_handle(handle),
        Term::Op { operator, value } => match operator.here {
            Here::From => is_handle(value),
            Here::Url => is_domain(value),
            Here::Language => true,
            _ => false,
        },
    }
}

/// A name at Bluesky is a domain, or a permanent id.
fn is_handle(handle: &str) -> bool {
    handle.starts_with("did:") || is_domain(handle)
}

fn is_domain(text: &str) -> bool {
    let is_label = |label: &str| !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    text.contains('.') && text.split('.').all(is_label)
}

fn question(way: &[&Term]) -> Question {
    let mut words: Vec<String> = Vec::new();
    let mut parameters: Vec<(&'static str, String)> = Vec::new();
    // The first of several is asked for; the others are judged here with everything else.
    let mut narrow = |name: &'static str, value: &str| {
        if name == "tag" || !parameters.iter().any(|(known, _)| *known == name) {
            parameters.push((name, value.to_owned()));
        }
    };
    for term in way {
        match term {
            Term::Words { text, quoted: false } if is_bare(text) => words.push(text.clone()),
            Term::Words { text, .. } => words.push(phrase(text)),
            // In which order and how far apart is judged here.
            Term::Near { text, .. } => words.extend(text.split_whitespace().map(phrase)),
            Term::Cashtag(symbol) => words.push(phrase(symbol)),
            Term::Hashtag(tag) => {
                words.push(format!("#{tag}"));
                narrow("tag", tag);
            }
            Term::Mention(handle) => narrow("mentions", handle),
            Term::Op { operator, value } => match operator.here {
                Here::From => narrow("author", value),
                Here::Url => narrow("domain", value),
                Here::Language => narrow("lang", value),
                _ => {}
            },
        }
    }
    if words.is_empty() {
        // Words must be there: the same narrowing as that search spells it in them. A language alone is none.
        let spelled = |(name, value): &(&'static str, String)| match *name {
            "author" => Some(format!("from:{value}")),
            "mentions" => Some(format!("mentions:{value}")),
            "domain" => Some(format!("domain:{value}")),
            _ => None,
        };
        words.extend(parameters.iter().filter_map(spelled));
    }
    Question { words: words.join(" "), parameters }
}

/// Nothing in it can mean anything but itself.
fn is_bare(text: &str) -> bool {
    text.chars().all(|c| c.is_alphanumeric() || c == '_')
        && !["or", "and", "not"].iter().any(|word| text.eq_ignore_ascii_case(word))
}

fn phrase(text: &str) -> String {
    let flat = text.replace(['"', '\\'], " ").split_whitespace().collect::<Vec<_>>().join(" ");
    format!("\"{flat}\"")
}

#[cfg(test)]
mod tests {
    use super::as_questions;
    use crate::rules::Rule;

    /// The questions on a line each, and what is judged here.
    fn said(query: &str) -> (Vec<String>, String) {
        let asked = as_questions(&Rule::parse(query).unwrap()).unwrap_or_else(|errors| panic!("{query}: {errors:?}"));
        let line = |question: &super::Question| {
            let more = question.parameters.iter().map(|(name, value)| format!(" | {name}={value}"));
            std::iter::once(question.words.clone()).chain(more).collect::<String>()
        };
        (asked.questions.iter().map(line).collect(), asked.judged_here.join(" "))
    }

    #[test]
    fn each_way_to_match_is_a_question() {
        for (query, questions, here) in [
            ("outage", vec!["outage"], ""),
            ("slow \"no line\" at&t", vec!["slow \"no line\" \"at&t\""], ""),
            ("slow -router -is:reply has:images", vec!["slow"], "-router -is:reply has:images"),
            ("acme (slow OR down)", vec!["acme slow", "acme down"], ""),
            ("slow OR (acme from:cat.example)", vec!["slow", "acme | author=cat.example"], ""),
            ("#acme lang:it", vec!["#acme | tag=acme | lang=it"], ""),
            ("from:cat.example", vec!["from:cat.example | author=cat.example"], ""),
            (
                "@help.example url:acme.example",
                vec!["mentions:help.example domain:acme.example | mentions=help.example | domain=acme.example"],
                "",
            ),
            ("slow from:cat_of_x", vec!["slow"], "from:cat_of_x"),
            ("\"slow line\"~3", vec!["\"slow\" \"line\""], ""),
            ("not", vec!["\"not\""], ""),
            // More than are asked: the group is judged here.
            ("acme (a1 OR a2 OR a3 OR a4 OR a5)", vec!["acme"], "(a1 OR a2 OR a3 OR a4 OR a5)"),
            ("(a OR b) (c OR d) (e OR f)", vec!["a c", "a d", "b c", "b d"], "(e OR f)"),
        ] {
            assert_eq!(said(query), (questions.into_iter().map(str::to_owned).collect(), here.to_owned()), "{query}");
        }
    }

    #[test]
    fn what_leaves_nothing_to_look_for_is_refused() {
        for (query, words) in [
            ("-slow", "needs something to look for"),
            ("is:reply", "needs something to look for"),
            ("lang:it", "needs something to look for"),
            ("slow OR has:images", "needs something to look for"),
            ("a OR b OR c OR d OR e", "has 5"),
            ("place:rome", "place"),
        ] {
            let errors = as_questions(&Rule::parse(query).unwrap()).unwrap_err();
            assert!(errors[0].message.contains(words), "{query}: {errors:?}");
        }
    }
}
