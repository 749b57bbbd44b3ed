//! Cuts a stream of bytes into lines, whatever the pieces it comes in, in bounded memory.

use memchr::memchr;

/// A line of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut<'a> {
    /// Without its line end (`\n` or `\r\n`).
    Line(&'a [u8]),
    /// So many bytes, thrown away unread; the next line is whole again.
    TooLong(usize),
}

/// Holds the beginning of a line until its end comes.
#[derive(Clone, Debug)]
pub struct LineSplitter {
    most: usize,
    held: Vec<u8>,
    /// Bytes of a line too long that were thrown away so far.
    dropped: usize,
}

impl LineSplitter {
    /// Lines longer than `most` bytes are thrown away.
    pub fn new(most: usize) -> Self {
        Self { most, held: Vec::new(), dropped: 0 }
    }

    /// Hands out every line that `chunk` ends.
    pub fn feed<'c>(&'c mut self, mut chunk: &'c [u8], mut each: impl FnMut(Cut<'_>)) {
        while let Some(end) = memchr(b'\n', chunk) {
            let (line, rest) = (&chunk[..end], &chunk[end + 1..]);
            self.line_ends(line, &mut each);
            chunk = rest;
        }
        if self.dropped > 0 || self.held.len() + chunk.len() > self.most {
            self.dropped += self.held.len() + chunk.len();
            self.held = Vec::new();
        } else {
            self.held.extend_from_slice(chunk);
        }
    }

    /// The end of the input: what is left is a last line without a line end.
    pub fn finish(&mut self, mut each: impl FnMut(Cut<'_>)) {
        if self.dropped > 0 || !self.held.is_empty() {
            self.line_ends(b"", &mut each);
        }
    }

    fn line_ends(&mut self, tail: &[u8], each: &mut impl FnMut(Cut<'_>)) {
        let length = self.dropped + self.held.len() + tail.len();
        if self.dropped > 0 || length > self.most {
            each(Cut::TooLong(length));
            self.held.clear();
        } else if self.held.is_empty() {
            each(Cut::Line(without_return(tail)));
        } else {
            self.held.extend_from_slice(tail);
            each(Cut::Line(without_return(&self.held)));
            self.held.clear();
        }
        self.dropped = 0;
    }
}

fn without_return(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Cut, LineSplitter};

    fn cut(most: usize, chunks: &[&[u8]]) -> Vec<String> {
        let mut splitter = LineSplitter::new(most);
        let mut lines = Vec::new();
        let mut each = |cut: Cut<'_>| {
            lines.push(match cut {
                Cut::Line(line) => String::from_utf8(line.to_vec()).unwrap(),
                Cut::TooLong(length) => format!("<{length}>"),
            });
        };
        for chunk in chunks {
            splitter.feed(chunk, &mut each);
        }
        splitter.finish(&mut each);
        lines
    }

    #[test]
    fn a_line_too_long_is_dropped_and_the_next_is_whole() {
        assert_eq!(cut(4, &[b"abc\r\n12345\nok\n"]), ["abc", "<5>", "ok"]);
        assert_eq!(cut(4, &[b"123", b"456", b"789\nok", b"\r\n\r\n"]), ["<9>", "ok", ""]);
        assert_eq!(cut(4, &[b"12345678"]), ["<8>"]);
        assert_eq!(cut(4, &[b"ok\nlast"]), ["ok", "last"]);
    }

    proptest! {
        #[test]
        fn the_pieces_do_not_matter(text in "[a-z\u{e9}\u{65e5}\u{1f621}\r\n]{0,60}", size in 1usize..9) {
            let whole = cut(1000, &[text.as_bytes()]);
            let pieces: Vec<&[u8]> = text.as_bytes().chunks(size).collect();
            prop_assert_eq!(cut(1000, &pieces), whole);
        }
    }
}
