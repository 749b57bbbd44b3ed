//! A line of text being typed: the palette, the command line, the search.

use unicode_segmentation::UnicodeSegmentation;

use super::LineInput;
use super::chord::{Chord, Named};
use crate::model::clean;

/// A longer line is of no use to anybody.
const CHARACTERS: usize = 500;

impl LineInput {
    /// Takes a key. Whether the text changed.
    pub(super) fn take(&mut self, key: Chord) -> bool {
        match key {
            Chord::Char(c) => self.insert(c.encode_utf8(&mut [0; 4])),
            Chord::Named(Named::Space) => self.insert(" "),
            Chord::Named(Named::Backspace) | Chord::Ctrl('h') => {
                let from = self.before();
                self.cut(from)
            }
            Chord::Named(Named::Delete) | Chord::Ctrl('d') => {
                let to = self.after();
                let changed = to > self.cursor;
                self.text.replace_range(self.cursor..to, "");
                changed
            }
            Chord::Ctrl('w') => {
                let head = self.text[..self.cursor].trim_end();
                let from = head.rfind(char::is_whitespace).map_or(0, |at| at + 1);
                let from = (from..=self.cursor).find(|at| self.text.is_char_boundary(*at)).unwrap_or(0);
                self.cut(from)
            }
            Chord::Ctrl('u') => self.cut(0),
            Chord::Ctrl('k') => {
                let changed = self.cursor < self.text.len();
                self.text.truncate(self.cursor);
                changed
            }
            Chord::Named(Named::Left) | Chord::Ctrl('b') => self.put_cursor(self.before()),
            Chord::Named(Named::Right) | Chord::Ctrl('f') => self.put_cursor(self.after()),
            Chord::Named(Named::Home) | Chord::Ctrl('a') => self.put_cursor(0),
            Chord::Named(Named::End) | Chord::Ctrl('e') => self.put_cursor(self.text.len()),
            _ => false,
        }
    }

    /// Inserts text at the cursor, cleaned and on one line. Whether anything was.
    pub(super) fn insert(&mut self, text: &str) -> bool {
        let room = CHARACTERS.saturating_sub(self.text.chars().count());
        // Terminals send an emoji made of several one character at a time; the joiner alone says nothing.
        let joins = text == "\u{200d}"
            && self.text[..self.cursor].chars().next_back().is_some_and(|c| !c.is_ascii() && !c.is_alphanumeric());
        let cleaned = if joins { text.to_owned() } else { clean::text(text) };
        let text: String = cleaned.replace('\n', " ").chars().take(room).collect();
        self.text.insert_str(self.cursor, &text);
        let end = self.cursor + text.len();
        // A combining character may have joined what stands before it.
        self.cursor = self.boundary(end);
        self.error = None;
        !text.is_empty()
    }

    fn cut(&mut self, from: usize) -> bool {
        let changed = from < self.cursor;
        self.text.replace_range(from..self.cursor, "");
        self.cursor = self.boundary(from);
        self.error = None;
        changed
    }

    fn put_cursor(&mut self, to: usize) -> bool {
        self.cursor = to;
        false
    }

    fn before(&self) -> usize {
        self.text[..self.cursor].grapheme_indices(true).next_back().map_or(0, |(at, _)| at)
    }

    fn after(&self) -> usize {
        self.text[self.cursor..].graphemes(true).next().map_or(self.cursor, |grapheme| self.cursor + grapheme.len())
    }

    /// The first boundary between graphemes at or after `at`.
    fn boundary(&self, at: usize) -> usize {
        let starts = self.text.grapheme_indices(true).map(|(start, _)| start);
        starts.chain([self.text.len()]).find(|start| *start >= at).unwrap_or(self.text.len())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Chord, LineInput, Named};

    fn typed(text: &str) -> LineInput {
        let mut line = LineInput::default();
        line.insert(text);
        line
    }

    #[test]
    fn a_line_is_edited_by_graphemes() {
        let mut line = typed("a👨‍👩‍👧e\u{301}");
        line.take(Chord::Named(Named::Backspace));
        assert_eq!(line.text, "a👨‍👩‍👧");
        line.take(Chord::Named(Named::Left));
        assert_eq!(line.cursor, 1);
        line.take(Chord::Named(Named::Delete));
        assert_eq!(line.text, "a");
        let mut line = LineInput::default();
        for c in "👨\u{200d}👧".chars() {
            line.take(Chord::Char(c));
        }
        assert_eq!(line.text, "👨\u{200d}👧", "typed one character at a time");
        line.take(Chord::Named(Named::Backspace));
        assert_eq!(line.text, "");
        let mut line = typed("two words ");
        line.take(Chord::Ctrl('w'));
        assert_eq!(line.text, "two ");
        assert_eq!(typed("a\u{1b}[31m\nb").text, "a b");
    }

    proptest! {
        #[test]
        fn the_cursor_stays_on_a_boundary(keys in prop::collection::vec(0u8..10, 0..60)) {
            let mut line = LineInput::default();
            for key in keys {
                line.take(match key {
                    0 => Chord::Char('é'),
                    1 => Chord::Char('\u{301}'),
                    2 => Chord::Char('🇩'),
                    3 => Chord::Char('\u{200d}'),
                    4 => Chord::Named(Named::Backspace),
                    5 => Chord::Named(Named::Left),
                    6 => Chord::Named(Named::Right),
                    7 => Chord::Named(Named::Delete),
                    8 => Chord::Ctrl('w'),
                    _ => Chord::Named(Named::Home),
                });
                prop_assert!(line.cursor <= line.text.len() && line.text.is_char_boundary(line.cursor));
            }
        }
    }
}
