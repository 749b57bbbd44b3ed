//! A line's texts, asked before the line is parsed whether a rule's words can be in them.

use super::line::{Scratch, Segment, unescape_whole};
use super::walk::Walker;
use super::window::folded;
use crate::rules::fold::FoldedText;
use crate::rules::many::Rules;

/// Those of one block, met in the order of its lines.
pub(super) struct Texts<'a> {
    block: &'a [u8],
    unescaped: &'a [u8],
    waiting: &'a [Segment],
    folded: Vec<FoldedText>,
    announced: Vec<usize>,
    plain: Vec<u8>,
}

impl<'a> Texts<'a> {
    pub(super) fn new(block: &'a [u8], scratch: &'a Scratch) -> Self {
        Self {
            block,
            unescaped: &scratch.unescaped,
            waiting: &scratch.segments,
            folded: Vec::new(),
            announced: Vec::new(),
            plain: Vec::new(),
        }
    }

    /// False where no rule can match the line, whichever of its texts is that of the post. To be asked with growing
    /// `line`.
    pub(super) fn may_match(&mut self, line: usize, walker: &Walker, rules: &Rules) -> bool {
        let from = self.waiting.partition_point(|segment| segment.line < line);
        let count = self.waiting[from..].iter().take_while(|segment| segment.line == line).count();
        let (own, later) = self.waiting[from..].split_at(count);
        self.waiting = later;
        self.folded.clear();
        self.announced.clear();
        for segment in own {
            let Some(text) = self.read(segment) else { return true };
            walker.announced(text.as_bytes(), &mut self.announced);
            self.folded.push(FoldedText::of_folded(text));
        }
        self.announced.sort_unstable();
        self.announced.dedup();
        self.announced.iter().any(|&rule| rules.test(rule).may_pass(&self.folded))
    }

    /// Folded as the post's text would be; `None` where only the parser knows how.
    fn read(&mut self, segment: &Segment) -> Option<String> {
        let from = if segment.unescaped { self.unescaped } else { self.block };
        let raw = &from[segment.start..segment.end];
        let text = if segment.unescaped || memchr::memchr(b'\\', raw).is_none() {
            raw
        } else {
            self.plain.clear();
            unescape_whole(raw, &mut self.plain)?;
            &self.plain
        };
        // X escapes three characters a second time, other networks do not.
        if memchr::memchr(b'&', text).is_some() {
            return None;
        }
        let text = simdutf8::basic::from_utf8(text).ok()?;
        Some(folded(text))
    }
}
