//! Text in terminal cells: widths, wrapping, cutting, numbers.
//!
//! Everything is measured by grapheme cluster with ratatui's own cell widths, never by adding up
//! characters. Terminals disagree about some clusters: a family of four is 2 cells wide in one and 8
//! in another. Such a cluster keeps as many cells as the widest reading needs (its *reserve*), so no
//! terminal can push a column's border away.

use std::borrow::Cow;
use std::ops::Range;

use ratatui::buffer::CellWidth;
use unicode_segmentation::{GraphemeIndices, UnicodeSegmentation};
use unicode_width::UnicodeWidthChar;

/// Shown for a cluster so long that no reserve would do.
const TOO_LONG: &str = "?";
/// The widest reserve worth giving: two people with skin tones and a kiss take 13.
const WIDEST: u16 = 16;

/// One grapheme cluster and the cells it takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unit<'a> {
    /// Byte offset in the text.
    pub at: usize,
    pub symbol: &'a str,
    /// As ratatui counts; never 0.
    pub cells: u16,
    /// Cells kept free behind it.
    pub reserve: u16,
}

impl Unit<'_> {
    /// Everything it takes, reserve included.
    pub fn total(&self) -> u16 {
        self.cells + self.reserve
    }
}

/// The clusters of a text that show something; controls and lone marks are left out.
pub fn units(text: &str) -> Units<'_> {
    if text.is_ascii() { Units::Ascii { text, at: 0 } } else { Units::Any(text.grapheme_indices(true)) }
}

/// See [`units`].
#[derive(Clone)]
pub enum Units<'a> {
    /// One byte, one cell.
    Ascii {
        text: &'a str,
        at: usize,
    },
    Any(GraphemeIndices<'a>),
}

impl std::fmt::Debug for Units<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Units")
    }
}

impl<'a> Iterator for Units<'a> {
    type Item = Unit<'a>;

    fn next(&mut self) -> Option<Unit<'a>> {
        match self {
            Units::Ascii { text, at } => loop {
                let byte = *text.as_bytes().get(*at)?;
                let start = *at;
                *at += 1;
                if !byte.is_ascii_control() {
                    return Some(Unit { at: start, symbol: &text[start..=start], cells: 1, reserve: 0 });
                }
            },
            Units::Any(graphemes) => loop {
                let (at, symbol) = graphemes.next()?;
                if symbol.contains(char::is_control) {
                    continue;
                }
                let cells = symbol.cell_width();
                if cells == 0 {
                    continue;
                }
                let apart: usize = symbol.chars().map(|c| c.width().unwrap_or(0)).sum();
                let apart = u16::try_from(apart).unwrap_or(u16::MAX);
                if cells.max(apart) > WIDEST {
                    return Some(Unit { at, symbol: TOO_LONG, cells: 1, reserve: 0 });
                }
                return Some(Unit { at, symbol, cells, reserve: apart.saturating_sub(cells) });
            },
        }
    }
}

/// Cells a text takes on one line, reserves included.
pub fn width(text: &str) -> usize {
    if text.is_ascii() {
        return text.bytes().filter(|byte| !byte.is_ascii_control()).count();
    }
    units(text).map(|unit| usize::from(unit.total())).sum()
}

/// Breaks a text into lines of at most `cells` cells, as byte ranges. Lines end at line feeds, at
/// spaces (which the ranges leave out) and beside Chinese and Japanese characters; a longer word or
/// link is cut at the last cell. A text always has at least one line.
pub fn wrap(text: &str, cells: u16) -> Vec<Range<usize>> {
    let cells = usize::from(cells.max(1));
    let mut lines = Vec::new();
    let mut start = 0;
    for paragraph in text.split('\n') {
        wrap_paragraph(paragraph, start, cells, &mut lines);
        start += paragraph.len() + 1;
    }
    lines
}

/// A place where a line may end: content up to `end`, the next line from `next`, `used` cells before that.
#[derive(Clone, Copy)]
struct Break {
    end: usize,
    next: usize,
    used: usize,
}

fn wrap_paragraph(text: &str, offset: usize, cells: usize, lines: &mut Vec<Range<usize>>) {
    let mut line_start = 0;
    let mut used = 0;
    let mut last_break: Option<Break> = None;
    let mut after_space = false;
    let mut after_wide_script = false;
    for unit in units(text) {
        let total = usize::from(unit.total());
        if unit.symbol == " " {
            used += 1;
            last_break = match last_break {
                Some(Break { end, .. }) if after_space => Some(Break { end, next: unit.at + 1, used }),
                _ => Some(Break { end: unit.at, next: unit.at + 1, used }),
            };
            after_space = true;
            after_wide_script = false;
            continue;
        }
        let is_wide_script = breaks_anywhere(unit.symbol);
        if !after_space && (is_wide_script || after_wide_script) && unit.at > line_start && !clings(unit.symbol) {
            last_break = Some(Break { end: unit.at, next: unit.at, used });
        }
        while used > 0 && used + total > cells {
            // Without a place to end the line it is cut right here.
            let at = last_break.take().unwrap_or(Break { end: unit.at, next: unit.at, used });
            lines.push(offset + line_start..offset + at.end);
            line_start = at.next;
            used -= at.used;
        }
        used += total;
        after_space = false;
        after_wide_script = is_wide_script;
    }
    lines.push(offset + line_start..offset + text.len());
}

/// Scripts written without spaces, in which a line may end beside any character.
fn breaks_anywhere(symbol: &str) -> bool {
    symbol.chars().next().is_some_and(|c| {
        matches!(c, '\u{2e80}'..='\u{a4cf}' | '\u{ac00}'..='\u{d7af}' | '\u{f900}'..='\u{faff}'
            | '\u{fe30}'..='\u{fe4f}' | '\u{ff00}'..='\u{ffef}' | '\u{20000}'..='\u{3fffd}' | '\u{e00}'..='\u{eff}')
    })
}

/// Punctuation and small kana that must not begin a line.
fn clings(symbol: &str) -> bool {
    symbol.chars().next().is_some_and(|c| {
        "、。，．,.!?！？：；:;）)」』】〕〉》］｝ー～…‥・ぁぃぅぇぉっゃゅょァィゥェォッャュョ".contains(c)
    })
}

/// The text if it fits into `cells`, else as much as does with `..` behind.
pub fn cut(text: &str, cells: usize) -> Cow<'_, str> {
    if width(text) <= cells {
        return Cow::Borrowed(text);
    }
    let room = cells.saturating_sub(2);
    let mut used = 0;
    let mut end = 0;
    for unit in units(text) {
        used += usize::from(unit.total());
        if used > room {
            break;
        }
        end = unit.at + unit.symbol.len();
    }
    Cow::Owned(format!("{}{}", text.get(..end).unwrap_or_default().trim_end(), &".."[..cells.min(2)]))
}

/// `999`, `1.2k`, `41k`, `3.5M`; cut, not rounded, so that it never says more than there is.
pub fn number(n: u64) -> String {
    for (unit, letter) in [(1_000_000_000, 'G'), (1_000_000, 'M'), (1_000, 'k')] {
        if n >= unit {
            let (whole, tenth) = (n / unit, n % unit * 10 / unit);
            return if whole >= 10 || tenth == 0 {
                format!("{whole}{letter}")
            } else {
                format!("{whole}.{tenth}{letter}")
            };
        }
    }
    n.to_string()
}

/// `1,204`.
pub fn number_in_full(n: u64) -> String {
    let digits = n.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// `2nd`, `3rd`, `11th`.
pub fn ordinal(n: usize) -> String {
    let ending = match (n % 10, n % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{n}{ending}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{cut, number, number_in_full, ordinal, units, width, wrap};

    fn lines(text: &str, cells: u16) -> Vec<&str> {
        wrap(text, cells).into_iter().map(|range| &text[range]).collect()
    }

    #[test]
    fn words_stay_whole_and_spaces_end_lines() {
        assert_eq!(lines("Acme internet is really slow today", 14), ["Acme internet", "is really slow", "today"]);
        assert_eq!(lines("a  b\n\nc", 1), ["a", "b", "", "c"]);
        assert_eq!(lines("", 5), [""]);
        assert_eq!(lines("fits exactly", 12), ["fits exactly"]);
    }

    #[test]
    fn what_is_longer_than_a_line_is_cut_at_the_last_cell() {
        assert_eq!(
            lines("see https://status.example/very/long", 10),
            ["see", "https://st", "atus.examp", "le/very/lo", "ng"]
        );
    }

    #[test]
    fn scripts_without_spaces_wrap_anywhere_but_before_a_full_stop() {
        assert_eq!(lines("回線が遅いです。", 6), ["回線が", "遅いで", "す。"]);
        assert_eq!(lines("回線がとても。", 12), ["回線がとて", "も。"]);
        assert_eq!(lines("slow回線", 6), ["slow回", "線"]);
    }

    #[test]
    fn clusters_terminals_disagree_about_keep_room_for_the_widest_reading() {
        let of = |text: &str| units(text).map(|unit| (unit.cells, unit.reserve)).collect::<Vec<_>>();
        assert_eq!(of("👨‍👩‍👧‍👦"), [(2, 6)]);
        assert_eq!(of("❤️"), [(2, 0)]);
        assert_eq!(of("🇩🇪"), [(2, 0)]);
        assert_eq!(of("👍🏽"), [(2, 2)]);
        assert_eq!(of("e\u{301}"), [(1, 0)]);
        assert_eq!(units(&"👨‍👩‍".repeat(40)).map(|unit| unit.symbol).collect::<String>(), "?");
        assert_eq!(width("配送遅延"), 8);
    }

    #[test]
    fn cutting_says_that_something_is_missing() {
        assert_eq!(cut("@user_with_long_name", 12), "@user_with..");
        assert_eq!(cut("short", 5), "short");
        assert_eq!(cut("配送遅延", 7), "配送..");
        assert_eq!(cut("long", 1), ".");
        assert_eq!(cut("long", 0), "");
    }

    #[test]
    fn numbers_are_short_and_never_too_high() {
        assert_eq!(
            [0, 999, 1_000, 1_204, 1_299, 10_900, 999_999, 3_500_000].map(number),
            ["0", "999", "1k", "1.2k", "1.2k", "10k", "999k", "3.5M"]
        );
        assert_eq!(number_in_full(1_234_567), "1,234,567");
        assert_eq!(
            [1, 2, 3, 4, 11, 12, 13, 21, 22, 103].map(ordinal),
            ["1st", "2nd", "3rd", "4th", "11th", "12th", "13th", "21st", "22nd", "103rd"]
        );
    }

    proptest! {
        #[test]
        fn no_line_is_too_wide_and_nothing_but_spaces_is_lost(text in "[a-z 配送。👨‍👩‍👧‍👦🇩🇪e\u{301}لا\n]{0,60}|\\PC{0,40}", cells in 1u16..50) {
            let ranges = wrap(&text, cells);
            let mut end = 0;
            for range in &ranges {
                prop_assert!(range.start >= end && text[end..range.start].chars().all(|c| c == ' ' || c == '\n'));
                let line = text[range.clone()].trim_end();
                let widest = units(line).map(|unit| unit.total()).max().unwrap_or(0);
                prop_assert!(width(line) <= usize::from(cells.max(widest)), "{line:?} in {cells}");
                end = range.end;
            }
            prop_assert_eq!(end, text.len());
        }

        #[test]
        fn a_cut_text_fits(text in "\\PC{0,40}", cells in 0usize..30) {
            prop_assert!(width(&cut(&text, cells)) <= cells);
        }
    }
}
