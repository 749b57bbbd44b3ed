//! A query compiled for this machine, and the judging of a post by it.

use std::collections::{BTreeSet, HashSet};

use super::QueryError;
use super::ast::{Kind, Node, Term};
use super::fold::{Folded, FoldedText, TokenKind};
use super::needle::{Extent, Words, folded_name, holds_words, marked};
use super::operator::Here;
use crate::model::post::{Mention, PostLink};
use crate::model::{NetworkKind, Post};

/// The compiled form of a node.
#[derive(Debug)]
pub(crate) enum Test {
    All(Vec<Test>),
    Any(Vec<Test>),
    Not(Box<Test>),
    Words(Words),
    /// Any one of many single words: `a OR b OR c` costs one look-up per word of the text, however long it is.
    AnyWord(HashSet<Box<str>>),
    Near {
        words: Words,
        within: u8,
    },
    Hashtag(String),
    Mention(String),
    Cashtag(String),
    From(String),
    To(String),
    RepostsOf(String),
    Url(Words),
    Conversation(String),
    InReplyTo(String),
    QuoteOf(String),
    Language(String),
    Is(&'static str),
    Has(&'static str),
    Followers {
        from: u64,
        to: u64,
    },
    AuthorName(Words),
    /// Never known here.
    Unknown,
}

pub(crate) fn has_something_to_find(text: &str) -> bool {
    holds_words(text)
}

/// Compiles a tree; operators that cannot be judged here are added to `problems`.
pub(crate) fn compile(node: &Node, problems: &mut Vec<QueryError>) -> Test {
    match &node.kind {
        Kind::All(nodes) => Test::All(nodes.iter().map(|node| compile(node, problems)).collect()),
        Kind::Any(nodes) => {
            let mut set = HashSet::new();
            let mut others = Vec::new();
            for node in nodes {
                match compile(node, problems) {
                    Test::Words(words) => match words.single() {
                        Some(word) => {
                            set.insert(word.into());
                        }
                        None => others.push(Test::Words(words)),
                    },
                    other => others.push(other),
                }
            }
            if !set.is_empty() {
                others.insert(0, Test::AnyWord(set));
            }
            Test::Any(others)
        }
        Kind::Not(inner) => Test::Not(Box::new(compile(inner, problems))),
        Kind::Term(term) => compile_term(term, node, problems),
    }
}

fn compile_term(term: &Term, node: &Node, problems: &mut Vec<QueryError>) -> Test {
    // The parser lets no text through that holds no word.
    let words = |text: &str| Words::new(text);
    let (operator, value) = match term {
        Term::Words { text, .. } => return words(text).map_or(Test::Unknown, Test::Words),
        Term::Near { text, within } => {
            let Some(words) = words(text) else { return Test::Unknown };
            let mut seen = HashSet::new();
            if !words.0.iter().all(|word| seen.insert(&word.text)) {
                problems.push(
                    QueryError::new(node.span.clone(), "the distance of a word from itself cannot be judged here")
                        .with_remedy("name each word once"),
                );
                return Test::Unknown;
            }
            return Test::Near { words, within: *within };
        }
        Term::Hashtag(tag) => return Test::Hashtag(folded_name(tag)),
        Term::Mention(handle) => return Test::Mention(folded_name(handle)),
        Term::Cashtag(symbol) => return Test::Cashtag(folded_name(symbol)),
        Term::Op { operator, value } => (*operator, value),
    };
    let named = || folded_name(value);
    match operator.here {
        Here::From => Test::From(named()),
        Here::To => Test::To(named()),
        Here::RepostsOf => Test::RepostsOf(named()),
        Here::Url => words(value).map_or(Test::Unknown, Test::Url),
        Here::AuthorName => words(value).map_or(Test::Unknown, Test::AuthorName),
        Here::Conversation => Test::Conversation(value.clone()),
        Here::InReplyTo => Test::InReplyTo(value.clone()),
        Here::QuoteOf => Test::QuoteOf(value.clone()),
        Here::Language => Test::Language(value.clone()),
        Here::Is => known_word(operator.takes, value).map_or(Test::Unknown, Test::Is),
        Here::Has if value == "geo" || value == "video_link" => {
            problems.push(
                QueryError::new(
                    node.span.clone(),
                    format!(
                        "`has:{value}` cannot be evaluated here: the network does not send along what it asks about"
                    ),
                )
                .with_remedy("take it out, or use the query only where X evaluates it"),
            );
            Test::Unknown
        }
        Here::Has => known_word(operator.takes, value).map_or(Test::Unknown, Test::Has),
        Here::Followers => {
            let number = |text: &str| text.parse().unwrap_or(u64::MAX);
            match value.split_once("..") {
                Some((from, to)) => Test::Followers { from: number(from), to: number(to) },
                None => Test::Followers { from: number(value), to: u64::MAX },
            }
        }
        Here::Not(why) => {
            problems.push(
                QueryError::new(node.span.clone(), format!("`{}:` cannot be evaluated here: {why}", operator.name))
                    .with_remedy("take it out, or use the query only where X evaluates it"),
            );
            Test::Unknown
        }
    }
}

fn known_word(takes: super::operator::Takes, value: &str) -> Option<&'static str> {
    match takes {
        super::operator::Takes::OneOf(words) => words.iter().find(|word| **word == value).copied(),
        _ => None,
    }
}

impl Test {
    /// `None` where it hangs on something that cannot be known here.
    pub(crate) fn judge(&self, post: &Folded<'_>) -> Option<bool> {
        match self {
            Test::All(tests) => {
                let mut known = true;
                for test in tests {
                    match test.judge(post) {
                        Some(false) => return Some(false),
                        Some(true) => {}
                        None => known = false,
                    }
                }
                known.then_some(true)
            }
            Test::Any(tests) => {
                let mut known = true;
                for test in tests {
                    match test.judge(post) {
                        Some(true) => return Some(true),
                        Some(false) => {}
                        None => known = false,
                    }
                }
                known.then_some(false)
            }
            Test::Not(inner) => inner.judge(post).map(|yes| !yes),
            Test::Followers { from, to } => post.post.author.followers.map(|count| (*from..=*to).contains(&count)),
            Test::AuthorName(_) | Test::Is("verified") if is_nobody_known(post.post) => None,
            Test::Language(asked) => post.post.lang.as_deref().map(|said| same_language(asked, said)),
            Test::Unknown => None,
            other => Some(other.is_true(post)),
        }
    }

    /// Whether a post can pass whose texts are among these, whatever else it says. Wrong in one direction only.
    pub(crate) fn may_pass(&self, texts: &[FoldedText]) -> bool {
        let in_texts = |found: &dyn Fn(&FoldedText) -> bool| texts.iter().any(found);
        match self {
            Test::All(tests) => tests.iter().all(|test| test.may_pass(texts)),
            Test::Any(tests) => tests.iter().any(|test| test.may_pass(texts)),
            Test::Words(words) => in_texts(&|text| words.is_in(text)),
            Test::AnyWord(set) => in_texts(&|text| holds_one_of(text, set)),
            Test::Near { words, within } => in_texts(&|text| words.are_near(text, *within)),
            _ => true,
        }
    }

    /// Whether some post can be judged so. Wrong in one direction only: what contradicts itself is not seen.
    pub(crate) fn can_be(&self, wanted: bool) -> bool {
        match self {
            Test::All(tests) if wanted => tests.iter().all(|test| test.can_be(true)),
            Test::All(tests) => tests.iter().any(|test| test.can_be(false)),
            Test::Any(tests) if wanted => tests.iter().any(|test| test.can_be(true)),
            Test::Any(tests) => tests.iter().all(|test| test.can_be(false)),
            Test::Not(inner) => inner.can_be(!wanted),
            Test::Unknown => false,
            _ => true,
        }
    }

    /// Adds the handles it asks for, or those it leaves out.
    pub(crate) fn handles_where(&self, are_wanted: bool, named: &mut BTreeSet<String>) {
        match self {
            Test::All(tests) | Test::Any(tests) => {
                for test in tests {
                    test.handles_where(are_wanted, named);
                }
            }
            Test::Not(inner) => inner.handles_where(!are_wanted, named),
            Test::From(who) | Test::To(who) | Test::Mention(who) if are_wanted => {
                named.insert(who.clone());
            }
            _ => {}
        }
    }

    /// Adds the handles it asks for.
    pub(crate) fn handles(&self, named: &mut BTreeSet<String>) {
        match self {
            Test::All(tests) | Test::Any(tests) => tests.iter().for_each(|test| test.handles(named)),
            Test::Not(inner) => inner.handles(named),
            Test::From(who) | Test::To(who) | Test::Mention(who) => {
                named.insert(who.clone());
            }
            _ => {}
        }
    }

    /// Whether it asks for something of the author that is no part of a post.
    pub(crate) fn asks_profile(&self) -> bool {
        match self {
            Test::All(tests) | Test::Any(tests) => tests.iter().any(Test::asks_profile),
            Test::Not(inner) => inner.asks_profile(),
            Test::Followers { .. } | Test::AuthorName(_) => true,
            Test::Is(what) => *what == "verified",
            _ => false,
        }
    }

    /// For what is always known.
    fn is_true(&self, folded: &Folded<'_>) -> bool {
        let post = folded.post;
        let in_texts = |found: &dyn Fn(&FoldedText) -> bool| folded.texts.iter().any(found);
        match self {
            Test::Words(words) => in_texts(&|text| words.is_in(text)),
            Test::AnyWord(set) => in_texts(&|text| holds_one_of(text, set)),
            Test::Near { words, within } => in_texts(&|text| words.are_near(text, *within)),
            Test::Hashtag(tag) => {
                in_texts(&|text| marked(&text.text, '#', Extent::AnyScript).any(|found| found == tag))
                    || post.network() != NetworkKind::X && post.hashtags.iter().any(|found| folded_name(found) == *tag)
            }
            Test::Mention(handle) => {
                let extent = if post.network() == NetworkKind::X { Extent::Ascii } else { Extent::Dotted };
                in_texts(&|text| marked(&text.text, '@', extent).any(|found| found == handle))
                    || post.network() != NetworkKind::X
                        && post.mentions.iter().any(|mention| folded_name(&mention.handle) == *handle)
            }
            Test::Cashtag(symbol) => {
                // `$BRK.A` is a symbol of its own; a plain one ends at the dot, which may end a sentence.
                let extent = if symbol.contains('.') { Extent::Dotted } else { Extent::AnyScript };
                in_texts(&|text| marked(&text.text, '$', extent).any(|found| found == symbol))
            }
            Test::From(who) => folded_name(&post.author.handle) == *who || names(post.author.id.native(), who),
            Test::To(who) => is_to(post, folded, who),
            Test::RepostsOf(who) => {
                post.is_repost
                    && folded.texts.first().is_some_and(|text| {
                        text.text.strip_prefix("rt @").is_some_and(|rest| {
                            rest.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).next() == Some(who)
                        })
                    })
            }
            Test::Url(words) => post.links.iter().any(|link| link_holds(link, words)),
            Test::AuthorName(words) => words.is_in(&FoldedText::new(&post.author.name)),
            Test::Conversation(id) => post.conversation.native() == id,
            Test::InReplyTo(id) => post.in_reply_to.as_ref().is_some_and(|parent| parent.native() == id),
            Test::QuoteOf(id) => post.quotes.as_ref().is_some_and(|quoted| quoted.id.native() == id),
            Test::Is(what) => is_kind(post, what),
            Test::Has(what) => has(post, folded, what),
            Test::All(_) | Test::Any(_) | Test::Not(_) | Test::Followers { .. } | Test::Language(_) | Test::Unknown => {
                self.judge(folded) == Some(true)
            }
        }
    }
}

/// Whether the network told of the author no more than the id, as Bluesky's stream does.
fn is_nobody_known(post: &Post) -> bool {
    post.network() == NetworkKind::Bluesky && post.author.handle.is_empty() && post.author.followers.is_none()
}

fn holds_one_of(text: &FoldedText, set: &HashSet<Box<str>>) -> bool {
    text.tokens().iter().any(|&token| token.kind == TokenKind::Word && set.contains(text.token(token)))
}

/// `en` asks for every English, `pt-br` for that one.
fn same_language(asked: &str, said: &str) -> bool {
    let said = said.to_ascii_lowercase();
    said == asked || (!asked.contains('-') && said.split('-').next() == Some(asked))
}

/// Ids are compared as they are but for case, which the query has lost.
fn names(id: &str, who: &str) -> bool {
    id.eq_ignore_ascii_case(who)
}

fn is_to(post: &Post, folded: &Folded<'_>, who: &str) -> bool {
    let Some(author) = &post.in_reply_to_author else { return false };
    if names(author.native(), who) {
        return true;
    }
    let known = |mention: &&Mention| mention.id.as_ref() == Some(author);
    if let Some(mention) = post.mentions.iter().find(known) {
        return folded_name(&mention.handle) == who;
    }
    // Who answers himself names nobody.
    if *author == post.author.id {
        return folded_name(&post.author.handle) == who;
    }
    // Where the network sent no ids with the mentions, a reply still begins with whom it answers.
    let extent = if post.network() == NetworkKind::X { Extent::Ascii } else { Extent::Dotted };
    post.mentions.iter().all(|mention| mention.id.is_none())
        && folded
            .texts
            .first()
            .is_some_and(|text| text.text.starts_with('@') && marked(&text.text, '@', extent).next() == Some(who))
}

fn link_holds(link: &PostLink, words: &Words) -> bool {
    [&link.target, &link.display, &link.short].into_iter().any(|url| words.is_in(&FoldedText::new(url)))
}

fn is_kind(post: &Post, what: &str) -> bool {
    match what {
        "retweet" => post.is_repost,
        "reply" => post.in_reply_to.is_some() || post.in_reply_to_author.is_some(),
        "quote" => post.quotes.is_some(),
        "verified" => post.author.is_verified,
        // Posts made only for advertising are never delivered to anybody.
        _ => false,
    }
}

fn has(post: &Post, folded: &Folded<'_>, what: &str) -> bool {
    let text = |found: &dyn Fn(&str) -> bool| folded.texts.first().is_some_and(|text| found(&text.text));
    match what {
        "links" => !post.links.is_empty() || text(&|text| text.contains("https://") || text.contains("http://")),
        "media" => !post.media.is_empty(),
        "images" => post.media.iter().any(|media| matches!(media.kind.as_str(), "photo" | "image")),
        "videos" => post.media.iter().any(|media| matches!(media.kind.as_str(), "video" | "animated_gif" | "gifv")),
        "mentions" => !post.mentions.is_empty() || text(&|text| marked(text, '@', Extent::Ascii).next().is_some()),
        "hashtags" => {
            !post.hashtags.is_empty()
                || text(&|text| marked(text, '#', Extent::AnyScript).any(|tag| tag.chars().any(|c| !c.is_numeric())))
        }
        "cashtags" => text(&|text| {
            marked(text, '$', Extent::Ascii).any(|tag| tag.len() <= 6 && tag.bytes().all(|b| b.is_ascii_alphabetic()))
        }),
        _ => false,
    }
}
