//! The one query language: parsed here, matched here, said in X's own grammar here.
//!
//! # Grammar
//! ```text
//! query    = branch { "OR" branch }          OR in capitals; binds looser than a space
//! branch   = term { term }                   a space is AND
//! term     = ["-"] ( "(" query ")" | word | "\"words\"" ["~" N] | #tag | @handle | $CASHTAG | name:value )
//! ```
//! The operators (`name:value`) are the table in [`operator`]. Every error says where (a byte span), what, and
//! what to do.
//!
//! # Meaning
//! * **Folding.** Text and query are compared after compatibility normalisation and full Unicode case folding
//!   (`ß` = `SS`, `ﬁ` = `fi`, `Σ` = `ς`, full-width = ASCII). Accents count: `café` is not `cafe`.
//! * **Words match whole.** A word is a run of letters, digits, `_` and marks; every other character ends it. So `acme`
//!   is found in `Acme's`, `acme-based`, `(ACME)`, `#acme` and `@acme`, and not in `acmeonline` or `@acme_help`.
//!   A keyword with punctuation in it (`at&t`, `don't`) is its words next to each other.
//! * **Scripts without spaces** (Han, Hiragana, Katakana, Thai, Lao, Khmer, Myanmar) match anywhere inside a run
//!   of such letters, and such a run is a word boundary for its neighbours: `acme` is found in `acmeの配送`.
//! * **Emoji** match as themselves, in any skin tone and presentation; a part of a joined emoji or of a flag does not.
//! * **Phrases** are the same words in the same order with nothing but spaces and punctuation between.
//!   `"a b"~N`: at most N moves bring the words together, as X counts: in order up to N words between them, in the
//!   opposite order up to N-2.
//! * **`#tag`, `@handle`, `$CASH`** match whole, in any case, and never a longer one. On X the text decides (its
//!   entity lists only repeat the text); elsewhere the lists a network sends beside the text count as well.
//! * **The quoted post's text counts** for every operator on text, as on X's stream.
//! * An operator that cannot be judged here (see [`Rule::local_problems`]) is neither true nor false; a post
//!   matches only where the rest decides by itself.
//!
//! Many rules at once: [`many`]; over recorded posts: [`scan`]. X's grammar and limits: [`x`]; what is asked of Bluesky's
//! search: [`bluesky`].

mod ast;
pub mod bluesky;
mod fold;
pub mod many;
mod matcher;
mod needle;
pub mod operator;
mod parser;
pub mod scan;
pub mod x;

use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use crate::model::Post;

pub use fold::Folded;

/// A query that could be read. Cloning is cheap; two rules are equal when their queries are, letter by letter.
#[derive(Clone)]
pub struct Rule(Arc<Inner>);

struct Inner {
    source: String,
    node: ast::Node,
    test: matcher::Test,
    problems: Vec<QueryError>,
}

/// What is wrong with a query, where, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct QueryError {
    /// In bytes of the query; empty at the end of it where something is missing.
    pub span: Range<usize>,
    pub message: String,
    pub remedy: Option<String>,
}

impl QueryError {
    pub(crate) fn new(span: Range<usize>, message: impl Into<String>) -> Self {
        Self { span, message: message.into(), remedy: None }
    }

    pub(crate) fn with_remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }

    /// The query with a caret line below it and the words: three or four lines for a terminal.
    pub fn pointed(&self, query: &str) -> String {
        use unicode_width::UnicodeWidthStr;
        let start = floor(query, self.span.start);
        let end = floor(query, self.span.end.max(start));
        // A query of several lines is shown as one, so that the caret stands below what it means.
        let flat = |part: &str| part.replace(['\n', '\r', '\t'], " ");
        let indent = flat(&query[..start]).width();
        let carets = flat(&query[start..end]).width().max(1);
        let mut told = format!("  {}\n  {}{} {}", flat(query), " ".repeat(indent), "^".repeat(carets), self.message);
        if let Some(remedy) = &self.remedy {
            told.push_str("\n  try: ");
            told.push_str(remedy);
        }
        told
    }
}

/// The nearest character boundary at or before `at`.
fn floor(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

impl Rule {
    /// Reads a query. The first thing wrong with it is the error.
    pub fn parse(source: &str) -> Result<Self, QueryError> {
        Self::read(source).map_err(|mut errors| errors.swap_remove(0))
    }

    /// Reads a query. All that is wrong with it are the errors, never none, in the order of their places.
    pub fn read(source: &str) -> Result<Self, Vec<QueryError>> {
        let node = parser::parse(source)?;
        let mut problems = Vec::new();
        let test = matcher::compile(&node, &mut problems);
        Ok(Self(Arc::new(Inner { source: source.to_owned(), node, test, problems })))
    }

    /// The query as it was written.
    pub fn source(&self) -> &str {
        &self.0.source
    }

    /// Whether the post is one the query asks for.
    pub fn matches(&self, post: &Post) -> bool {
        self.matches_folded(&Folded::new(post))
    }

    /// As [`Rule::matches`] where several rules meet one post, whose text is then folded once.
    pub fn matches_folded(&self, post: &Folded<'_>) -> bool {
        self.0.test.judge(post) == Some(true)
    }

    /// Operators of the query that only the network itself can judge, each with its place. Empty where the
    /// query can be evaluated here.
    pub fn local_problems(&self) -> &[QueryError] {
        &self.0.problems
    }

    /// The accounts the query asks for by handle (`from:`, `to:`, `@`), folded, each once.
    pub fn handles(&self) -> BTreeSet<String> {
        let mut named = BTreeSet::new();
        self.0.test.handles(&mut named);
        named
    }

    /// Whether any post can match by what is judged here; without operators that cannot be, every rule can.
    pub fn can_match_here(&self) -> bool {
        self.0.test.can_be(true)
    }

    /// Of [`Rule::handles`] those whose posts, or posts to whom, the query wants, and those it leaves out.
    pub fn handles_by_will(&self) -> (BTreeSet<String>, BTreeSet<String>) {
        let (mut wanted, mut left_out) = (BTreeSet::new(), BTreeSet::new());
        self.0.test.handles_where(true, &mut wanted);
        self.0.test.handles_where(false, &mut left_out);
        (wanted, left_out)
    }

    /// Whether the answer hangs on what a network may tell of the author apart from the post: followers, name,
    /// verification.
    pub fn asks_profile(&self) -> bool {
        self.0.test.asks_profile()
    }

    /// The hashtags a query asks for, and the single words that are a whole query, or a whole branch of it, but for
    /// what narrows it; and whether every post it matches carries one of the hashtags. For networks that have a stream
    /// for each hashtag and none for words.
    pub fn hashtags(&self) -> (BTreeSet<String>, bool) {
        let mut tags = BTreeSet::new();
        let are_all = self.0.node.hashtags(&mut tags);
        (tags, are_all)
    }

    /// Whether it leaves nothing out but reposts and what `handle` writes.
    pub fn leaves_out_only_reposts_and(&self, handle: &str) -> bool {
        self.0.node.leaves_out_only(&|node| node.is_operator("is", "retweet") || node.is_operator("from", handle))
    }

    pub(crate) fn node(&self) -> &ast::Node {
        &self.0.node
    }

    pub(crate) fn test(&self) -> &matcher::Test {
        &self.0.test
    }
}

impl PartialEq for Rule {
    fn eq(&self, other: &Self) -> bool {
        self.0.source == other.0.source
    }
}

impl Eq for Rule {}

impl fmt::Debug for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Rule({:?})", self.0.source)
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.source)
    }
}
