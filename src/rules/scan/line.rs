//! Lines of a block: their shape, and where the texts in them stand.

use memchr::{memchr, memchr2, memmem};
use simdutf8::basic::from_utf8;

/// What is to be done with a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A post in which nothing was found.
    Plain,
    /// A post of which a text may hold something that is looked for.
    Candidate,
    /// To be parsed.
    Parse,
}

#[derive(Debug)]
pub(super) struct Line {
    pub start: usize,
    pub end: usize,
    pub kind: Kind,
}

/// The value of a `"text"` key, without its quotation marks.
#[derive(Debug)]
pub(super) struct Segment {
    pub start: usize,
    pub end: usize,
    /// It was written with `\u` escapes; the range is one of [`Scratch::unescaped`], not of the block.
    pub unescaped: bool,
    /// Index of its line.
    pub line: usize,
}

/// What is derived from a block; kept between blocks for its memory.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    pub lines: Vec<Line>,
    pub segments: Vec<Segment>,
    pub unescaped: Vec<u8>,
    /// Every line is to be parsed.
    pub parse_all: bool,
    finders: Option<Finders>,
}

impl Scratch {
    /// Cuts a block into lines, and these into segments where they need not be parsed at once.
    pub(super) fn cut(&mut self, block: &[u8], parse_all: bool, asks_tags: bool) {
        self.lines.clear();
        self.segments.clear();
        self.unescaped.clear();
        let mut finders = self.finders.take().unwrap_or_else(Finders::new);
        finders.next_text = None;
        // A line feed is no part of another character, so all lines are valid if the block is.
        let all_valid = parse_all || from_utf8(block).is_ok();
        let mut start = 0;
        while start < block.len() {
            let stop = memchr(b'\n', &block[start..]).map_or(block.len(), |at| start + at);
            let (from, to) = trimmed(block, start, stop);
            if from < to {
                let plain = !parse_all
                    && has_good_shape(&block[from..to])
                    && (all_valid || from_utf8(&block[from..to]).is_ok())
                    && self.segment(block, from, to, &mut finders, asks_tags);
                let kind = if plain { Kind::Plain } else { Kind::Parse };
                self.lines.push(Line { start: from, end: to, kind });
            }
            start = stop + 1;
        }
        self.finders = Some(finders);
    }

    /// Notes the texts of a line. False where the line must be parsed, whatever they say.
    fn segment(&mut self, block: &[u8], start: usize, end: usize, finders: &mut Finders, asks_tags: bool) -> bool {
        let line = &block[start..end];
        let before = self.segments.len();
        let mut at = start;
        loop {
            let found = finders.text_from(block, at);
            if found >= end {
                break;
            }
            match self.value_at(block, found + TEXT.len(), end) {
                Some(after) => at = after,
                None => return false,
            }
        }
        let has_text = self.segments.len() > before;
        if line.starts_with(JETSTREAM) {
            // Of what stands beside the text some counts as well.
            for (key, finder) in BESIDE.iter().zip(&finders.beside) {
                let mut at = start;
                while let Some(found) = finder.find(&block[at..end]) {
                    match self.value_at(block, at + found + key.len(), end) {
                        Some(after) => at = after,
                        None => return false,
                    }
                }
            }
        }
        let is_post = has_text
            && if line.starts_with(JETSTREAM) {
                finders.create.find(line).is_some()
                    && finders.posts.find(line).is_some()
                    && !(asks_tags && finders.tags.iter().any(|tag| tag.find(line).is_some()))
            } else {
                // A Mastodon status holds its words as HTML, which only the parser reads.
                finders.id.find(line).is_some()
                    && (line.starts_with(b"{\"data\"") || finders.content.find(line).is_none())
            };
        if !is_post {
            self.segments.truncate(before);
        }
        is_post
    }

    /// Notes the text that is the value of the key that ends at `at`; where the line goes on. `None`, and nothing is
    /// noted of the line any more, where the text has no end.
    fn value_at(&mut self, block: &[u8], at: usize, end: usize) -> Option<usize> {
        let line = self.lines.len();
        let Some(value) = value_after(&block[..end], at) else { return Some(at) };
        if block[..end].get(value) != Some(&b'"') {
            return Some(at);
        }
        let after = self.text_at(block, value + 1, end);
        if after.is_none() {
            let before = self.segments.partition_point(|segment| segment.line < line);
            self.segments.truncate(before);
        }
        after
    }

    /// The text that begins at `start`, noted; where the line goes on, or `None` if it is no whole text.
    fn text_at(&mut self, block: &[u8], start: usize, end: usize) -> Option<usize> {
        let line = self.lines.len();
        let mut at = start;
        loop {
            at += memchr2(b'"', b'\\', &block[at..end])?;
            if block[at] == b'"' {
                self.segments.push(Segment { start, end: at, unescaped: false, line });
                return Some(at + 1);
            }
            if *block.get(at + 1)? == b'u' {
                let from = self.unescaped.len();
                let after = unescape(&block[start..end], &mut self.unescaped)?;
                self.segments.push(Segment { start: from, end: self.unescaped.len(), unescaped: true, line });
                return Some(start + after);
            }
            at += 2;
            if at > end {
                return None;
            }
        }
    }
}

const TEXT: &[u8] = b"\"text\"";
/// So a line of Jetstream's begins.
const JETSTREAM: &[u8] = b"{\"did\"";
/// Keys of Jetstream's whose values are texts of the post: what describes a picture or a page.
const BESIDE: [&[u8]; 3] = [b"\"alt\"", b"\"title\"", b"\"description\""];

/// Where a line begins and ends without the blanks around it.
fn trimmed(block: &[u8], mut start: usize, mut end: usize) -> (usize, usize) {
    while start < end && block[start].is_ascii_whitespace() {
        start += 1;
    }
    while start < end && block[end - 1].is_ascii_whitespace() {
        end -= 1;
    }
    (start, end)
}

#[derive(Debug)]
struct Finders {
    text: memmem::Finder<'static>,
    /// Where in the block the next text key was last seen; searched for across the ends of lines.
    next_text: Option<usize>,
    id: memmem::Finder<'static>,
    content: memmem::Finder<'static>,
    create: memmem::Finder<'static>,
    posts: memmem::Finder<'static>,
    tags: [memmem::Finder<'static>; 2],
    beside: [memmem::Finder<'static>; 3],
}

impl Finders {
    fn new() -> Self {
        Self {
            text: memmem::Finder::new(TEXT),
            next_text: None,
            id: memmem::Finder::new(b"\"id\""),
            content: memmem::Finder::new(b"\"content\""),
            create: memmem::Finder::new(b"\"operation\":\"create\""),
            posts: memmem::Finder::new(b"\"collection\":\"app.bsky.feed.post\""),
            tags: [memmem::Finder::new(b"\"tags\""), memmem::Finder::new(b"#tag\"")],
            beside: BESIDE.map(memmem::Finder::new),
        }
    }

    /// Where the first text key at `from` or later stands in the block; its end where there is none. To be asked
    /// with growing `from`.
    fn text_from(&mut self, block: &[u8], from: usize) -> usize {
        match self.next_text {
            Some(known) if known >= from => known,
            _ => {
                let found = self.text.find(&block[from..]).map_or(block.len(), |at| from + at);
                self.next_text = Some(found);
                found
            }
        }
    }
}

/// Where the value of the key that ends at `at` begins; `None` where it was no key.
fn value_after(line: &[u8], at: usize) -> Option<usize> {
    let blank = |from: usize| line[from..].iter().take_while(|b| b.is_ascii_whitespace()).count();
    let colon = at + blank(at);
    if line.get(colon) != Some(&b':') {
        return None;
    }
    Some(colon + 1 + blank(colon + 1))
}

/// Whether a line can be one whole JSON object, by what can be counted in passing: valid UTF-8 is asked apart.
fn has_good_shape(line: &[u8]) -> bool {
    if !(line.starts_with(b"{") && line.ends_with(b"}")) {
        return false;
    }
    // Sums of bytes alone, so that the compiler makes vector instructions of it. A sum that comes out even modulo 256
    // although brackets are missing would need 256 of them missing.
    let (mut depth, mut lowest) = (0_u8, 0xff_u8);
    for &b in line {
        // `[` and `{`, `]` and `}` differ in this bit only.
        let folded = b | 0x20;
        depth = depth.wrapping_add(u8::from(folded == b'{')).wrapping_sub(u8::from(folded == b'}'));
        lowest = lowest.min(b);
    }
    depth == 0 && lowest >= b' '
}

/// Decodes a JSON text up to its closing quotation mark into `out`; where it ends, past that mark. `None` where it
/// never ends or an escape is none: half of a surrogate pair included, as the parser has it.
fn unescape(raw: &[u8], out: &mut Vec<u8>) -> Option<usize> {
    let mut at = 0;
    loop {
        let b = *raw.get(at)?;
        at += 1;
        match b {
            b'"' => return Some(at),
            b'\\' => {
                let escape = *raw.get(at)?;
                at += 1;
                let plain = match escape {
                    b'u' => {
                        let unit = hex4(raw, at)?;
                        at += 4;
                        if unit < 0x80 {
                            out.push(u8::try_from(unit).ok()?);
                            continue;
                        }
                        let code = if (0xd800..0xdc00).contains(&unit) {
                            if raw.get(at..at + 2)? != b"\\u" {
                                return None;
                            }
                            let low = hex4(raw, at + 2)?;
                            at += 6;
                            if !(0xdc00..0xe000).contains(&low) {
                                return None;
                            }
                            0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00)
                        } else {
                            unit
                        };
                        let c = char::from_u32(code)?;
                        out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                        continue;
                    }
                    b'"' | b'\\' | b'/' => escape,
                    b'b' => 8,
                    b'f' => 12,
                    b'n' => b'\n',
                    b'r' => b'\r',
                    b't' => b'\t',
                    _ => return None,
                };
                out.push(plain);
            }
            _ => out.push(b),
        }
    }
}

/// Not a hexadecimal digit.
const NO_DIGIT: u8 = 0xff;

static DIGITS: [u8; 256] = {
    let mut table = [NO_DIGIT; 256];
    let mut digit = 0;
    while digit < 16 {
        table[b"0123456789abcdef"[digit as usize] as usize] = digit;
        table[b"0123456789ABCDEF"[digit as usize] as usize] = digit;
        digit += 1;
    }
    table
};

fn hex4(raw: &[u8], at: usize) -> Option<u32> {
    let four: [u8; 4] = raw.get(at..at + 4)?.try_into().ok()?;
    let digits = four.map(|b| DIGITS[usize::from(b)]);
    if digits.contains(&NO_DIGIT) {
        return None;
    }
    Some(digits.iter().fold(0, |number, &digit| number << 4 | u32::from(digit)))
}

/// As [`unescape`] for a text whose end is known.
pub(super) fn unescape_whole(raw: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let mut quoted = Vec::with_capacity(raw.len() + 1);
    quoted.extend_from_slice(raw);
    quoted.push(b'"');
    unescape(&quoted, out).map(|_| ())
}
