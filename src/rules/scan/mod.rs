//! Recorded posts as NDJSON, matched without parsing what cannot match.
//!
//! Input: one JSON object a line, as X's filtered stream sends them (both families of names, ids as text or
//! number), as Jetstream sends them (`commit` events that create an `app.bsky.feed.post`) or as a Mastodon server sends
//! them (`update`, `status.update` and `notification` events), told apart by content. A line may also be a bare post of X
//! without its `data` wrapper, or a bare Mastodon status.
//!
//! # How
//! A rule is compiled to short strings one of which must stand in the text of every post it matches (`window`).
//! Only the values of `"text"` keys are searched for them, four at a time (`walk`). A line with a hit is asked whether
//! the words of a rule that it announces can be in its texts at all (`texts`); if so it is parsed (`record`) and judged
//! by the rule itself, so a hit costs time and never exactness. What could match without
//! holding such a string as it is (`\u` escapes, ligatures, full-width letters, marks apart from their letters,
//! invisible characters) is unescaped, cleaned and folded, and searched again. Rules that ask for no word at all
//! make every line a candidate.
//!
//! A Mastodon status holds its words as HTML inside JSON inside JSON, so such a line is always parsed ([`status`]).
//!
//! # What is counted
//! `posts` are lines that are posts. Blank lines are keep-alives and not counted; neither are well-formed messages that
//! are no posts (Jetstream's other events, X's in-band errors).
//!
//! `malformed` are lines that are not a JSON object with a post's id and text. A line that is parsed is judged by the
//! parser. Any other line must begin and end with its braces, hold as many closing as opening brackets, valid
//! UTF-8, no control character, an `"id"` and a whole `"text"`, or it is parsed after all. So what is counted
//! does not hang on the rules, with one exception: damage that keeps all of these (a missing comma, a key spelled with
//! escapes) is seen only in a line that is a candidate.

mod line;
mod record;
mod sieve;
pub mod status;
mod texts;
pub(super) mod walk;
pub(super) mod window;

use std::io::{self, Read};

use self::line::{Kind, Scratch};
use self::record::Parsed;
pub use self::sieve::Sieve;
use self::texts::Texts;
use super::many::Rules;
use super::{Folded, Rule};
use crate::model::{ColumnName, PostId};

/// Bytes asked for at once: fits the second-level cache together with what is derived from it.
const BLOCK: usize = 256 * 1024;
/// A longer line is no post; it is counted as malformed and not kept in memory.
const LONGEST_LINE: usize = 64 * 1024 * 1024;

/// Many rules, ready to be met by many posts.
#[derive(Debug)]
pub struct Scanner {
    rules: Rules,
    names: Vec<ColumnName>,
    /// Hashtags that Bluesky lists beside the text are asked for.
    asks_tags: bool,
}

/// What a scan saw.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ScanStats {
    pub posts: u64,
    /// Posts that at least one rule matched.
    pub matched: u64,
    pub malformed: u64,
    /// What they lack; adds up to `malformed`.
    pub flaws: Flaws,
    pub bytes: u64,
}

/// Why a line is no post.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Flaw {
    NotJson,
    NotUtf8,
    NoId,
    NoText,
    TooLong,
}

impl Flaw {
    pub const ALL: [Flaw; 5] = [Flaw::NotJson, Flaw::NotUtf8, Flaw::NoId, Flaw::NoText, Flaw::TooLong];

    /// `no id`, as in "3 with no id".
    pub fn word(self) -> &'static str {
        match self {
            Flaw::NotJson => "no JSON object",
            Flaw::NotUtf8 => "no UTF-8",
            Flaw::NoId => "no id",
            Flaw::NoText => "no text",
            Flaw::TooLong => "too many bytes",
        }
    }
}

/// How many lines have which flaw.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flaws([u64; Flaw::ALL.len()]);

impl Flaws {
    /// Those that were seen.
    pub fn seen(self) -> impl Iterator<Item = (Flaw, u64)> {
        Flaw::ALL.into_iter().zip(self.0).filter(|(_, count)| *count > 0)
    }
}

impl ScanStats {
    fn flawed(&mut self, flaw: Flaw) {
        self.malformed += 1;
        self.flaws.0[flaw as usize] += 1;
    }
}

impl Scanner {
    pub fn new(rules: Vec<(ColumnName, Rule)>) -> Self {
        let (names, rules): (Vec<_>, Vec<_>) = rules.into_iter().unzip();
        let asks_tags = rules.iter().any(|rule| window::asks_tags(rule.test()));
        Self { rules: Rules::new(rules), names, asks_tags }
    }

    /// The names of the columns, in the order of the indices handed to the callback of [`Scanner::scan`].
    pub fn names(&self) -> &[ColumnName] {
        &self.names
    }

    /// Reads to the end; calls `found` for each post that matched, in input order, with the indices of its rules
    /// in order. Errors are those of `input` and of `found`.
    pub fn scan(
        &self,
        mut input: impl Read,
        mut found: impl FnMut(&PostId, &[usize]) -> io::Result<()>,
    ) -> io::Result<ScanStats> {
        let mut stats = ScanStats::default();
        let mut scratch = Scratch::default();
        let mut buffer = vec![0; BLOCK];
        // Bytes of an unfinished line at the front of the buffer.
        let mut kept = 0;
        // The line being read is too long and was already counted.
        let mut skipping = false;
        loop {
            if kept == buffer.len() {
                if kept >= LONGEST_LINE {
                    if !skipping {
                        stats.flawed(Flaw::TooLong);
                    }
                    skipping = true;
                    kept = 0;
                } else {
                    buffer.resize(buffer.len() * 2, 0);
                }
            }
            let read = match input.read(&mut buffer[kept..]) {
                Ok(0) => break,
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            stats.bytes += read as u64;
            let filled = kept + read;
            let Some(end) = memchr::memrchr(b'\n', &buffer[kept..filled]).map(|at| kept + at + 1) else {
                kept = filled;
                continue;
            };
            let mut start = 0;
            if skipping {
                start = memchr::memchr(b'\n', &buffer[..end]).map_or(end, |at| at + 1);
                skipping = false;
            }
            self.block(&buffer[start..end], &mut scratch, &mut stats, &mut found)?;
            buffer.copy_within(end..filled, 0);
            kept = filled - end;
        }
        if kept > 0 && !skipping {
            // The last line without its end may be cut anywhere: the parser decides.
            scratch.parse_all = true;
            self.block(&buffer[..kept], &mut scratch, &mut stats, &mut found)?;
        }
        Ok(stats)
    }

    /// Whole lines.
    fn block(
        &self,
        block: &[u8],
        scratch: &mut Scratch,
        stats: &mut ScanStats,
        found: &mut impl FnMut(&PostId, &[usize]) -> io::Result<()>,
    ) -> io::Result<()> {
        let walker = self.rules.by_text().filter(|_| !scratch.parse_all);
        scratch.cut(block, walker.is_none(), self.asks_tags);
        if let Some(walker) = walker {
            walker.mark(block, scratch);
        }
        let mut hits = Vec::new();
        let mut texts = Texts::new(block, scratch);
        for (number, line) in scratch.lines.iter().enumerate() {
            let is_passed_over = match line.kind {
                Kind::Plain => true,
                Kind::Candidate => walker.is_some_and(|walker| !texts.may_match(number, walker, &self.rules)),
                Kind::Parse => false,
            };
            if is_passed_over {
                stats.posts += 1;
                continue;
            }
            match record::parse(&block[line.start..line.end]) {
                Parsed::Post(post) => {
                    stats.posts += 1;
                    self.rules.matching_folded(&Folded::new(&post), &mut hits);
                    if !hits.is_empty() {
                        stats.matched += 1;
                        found(&post.id, &hits)?;
                    }
                }
                Parsed::Other => {}
                Parsed::Malformed(flaw) => stats.flawed(flaw),
            }
        }
        Ok(())
    }
}
