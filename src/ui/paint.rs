//! Puts text and lines into the buffer, cell by cell.

use std::num::NonZero;

use ratatui::buffer::{Buffer, CellDiffOption, CellWidth};
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::text::{self, Unit, units};

/// Keeps the cells behind a cluster of unsure width. It looks like a space but is none, so the cells
/// are written after the cluster and again when it goes, and nothing of a wider reading stays behind.
const RESERVE: &str = "\u{a0}";

/// Writes a text from `at` on, at most `cells` cells; a cluster that does not fit whole is left out.
/// Returns the cells used.
pub(super) fn put(buffer: &mut Buffer, at: Position, cells: u16, words: &str, style: Style) -> u16 {
    let area = buffer.area;
    if at.y < area.top() || at.y >= area.bottom() || at.x < area.left() {
        return 0;
    }
    let room = cells.min(area.right().saturating_sub(at.x));
    let mut used = 0;
    for unit in units(words) {
        if used + unit.total() > room {
            break;
        }
        let x = at.x + used;
        buffer[(x, at.y)].set_symbol(unit.symbol).set_style(style).set_diff_option(diff_option(&unit));
        for behind in 1..unit.cells {
            buffer[(x + behind, at.y)].reset();
        }
        for kept in unit.cells..unit.total() {
            buffer[(x + kept, at.y)].set_symbol(RESERVE).set_style(style).set_diff_option(CellDiffOption::None);
        }
        used += unit.total();
    }
    used
}

/// For clusters with an emoji selector the terminal library would write the second cell right behind the first
/// without moving there, and shift the rest of the line in every terminal that draws them two cells wide. A
/// forced width makes it leave that cell alone.
fn diff_option(unit: &Unit<'_>) -> CellDiffOption {
    match NonZero::new(unit.cells) {
        Some(cells) if unit.cells > 1 && unit.symbol.contains('\u{fe0f}') => CellDiffOption::ForcedWidth(cells),
        _ => CellDiffOption::None,
    }
}

/// Writes a line of spans; returns the cells used.
pub(super) fn put_line(buffer: &mut Buffer, at: Position, cells: u16, line: &Line<'_>) -> u16 {
    let mut used = 0;
    for span in &line.spans {
        let style = line.style.patch(span.style);
        used += put(buffer, Position::new(at.x + used, at.y), cells - used, &span.content, style);
    }
    used
}

/// Writes a text that ends at the right edge of `cells` cells from `at` on.
pub(super) fn put_right(buffer: &mut Buffer, at: Position, cells: u16, words: &str, style: Style) {
    let words = text::cut(words, usize::from(cells));
    let width = u16::try_from(text::width(&words)).unwrap_or(cells).min(cells);
    put(buffer, Position::new(at.x + cells - width, at.y), width, &words, style);
}

/// Fills a stretch of one line with a character of one cell.
pub(super) fn rule(buffer: &mut Buffer, at: Position, cells: u16, character: char, style: Style) {
    let area = buffer.area;
    if at.y < area.top() || at.y >= area.bottom() {
        return;
    }
    for x in at.x..at.x.saturating_add(cells).min(area.right()) {
        buffer[(x, at.y)].set_char(character).set_style(style);
    }
}

/// A vertical line.
pub(super) fn wall(buffer: &mut Buffer, at: Position, rows: u16, style: Style) {
    for y in at.y..at.y.saturating_add(rows).min(buffer.area.bottom()) {
        if at.x < buffer.area.right() {
            buffer[(at.x, y)].set_char('|').set_style(style);
        }
    }
}

/// Blanks an area and draws a border around it; returns the area inside, which may be empty.
pub(super) fn boxed(buffer: &mut Buffer, area: Rect, title: &str, frame: Style, title_style: Style) -> Rect {
    let area = area.intersection(buffer.area);
    for y in area.top()..area.bottom() {
        clear_overlap(buffer, area.x, y);
        for x in area.left()..area.right() {
            buffer[(x, y)].reset();
        }
    }
    if area.width < 2 || area.height < 2 {
        return Rect::new(area.x, area.y, 0, 0);
    }
    for y in [area.top(), area.bottom() - 1] {
        rule(buffer, Position::new(area.x, y), area.width, '-', frame);
        buffer[(area.left(), y)].set_char('+').set_style(frame);
        buffer[(area.right() - 1, y)].set_char('+').set_style(frame);
    }
    for x in [area.left(), area.right() - 1] {
        wall(buffer, Position::new(x, area.top() + 1), area.height - 2, frame);
    }
    if !title.is_empty() && area.width > 6 {
        let title = format!(" {} ", text::cut(title, usize::from(area.width) - 6));
        put(buffer, Position::new(area.x + 2, area.y), area.width - 4, &title, title_style);
    }
    Rect::new(area.x + 1, area.y + 1, area.width - 2, area.height - 2)
}

/// Takes away a wide cluster that reaches from the left of `x` into it: the terminal would draw it over what
/// is put there.
fn clear_overlap(buffer: &mut Buffer, x: u16, y: u16) {
    for back in 1..=4 {
        let Some(left) = x.checked_sub(back).filter(|left| *left >= buffer.area.left()) else { return };
        if buffer[(left, y)].cell_width() > back {
            for covered in left..x {
                buffer[(covered, y)].reset();
            }
        }
    }
}

/// Wraps words of one style into lines, each behind `indent` blanks.
pub(super) fn paragraph(words: &str, cells: u16, indent: u16, style: Style) -> Vec<Line<'static>> {
    let blank = " ".repeat(usize::from(indent));
    text::wrap(words, cells.saturating_sub(indent))
        .into_iter()
        .map(|range| Line::from(vec![Span::raw(blank.clone()), Span::styled(words[range].to_owned(), style)]))
        .collect()
}

/// Puts pieces side by side behind `lead`, and below it what has no room beside the others; none of them is cut.
pub(super) fn pieces_below(
    lead: &'static str,
    pieces: impl IntoIterator<Item = (String, Style)>,
    cells: u16,
) -> Vec<Line<'static>> {
    // Where there is little room for what is said, it is not given to blanks.
    let indent = u16::try_from(text::width(lead)).unwrap_or(cells).min(cells / 3);
    let mut lines: Vec<Line<'static>> = Vec::new();
    let mut line = Line::from(Span::raw(lead));
    for (words, style) in pieces {
        if text::width(&words) <= usize::from(cells).saturating_sub(line.width()) {
            line.spans.extend([Span::styled(words, style), Span::raw("  ")]);
            continue;
        }
        lines.push(line);
        let mut below = paragraph(&words, cells, indent, style);
        line = below.pop().unwrap_or_default();
        line.spans.push(Span::raw("  "));
        lines.extend(below);
    }
    lines.push(line);
    lines
}

/// Draws lines from `scroll` on into an area.
pub(super) fn put_lines(buffer: &mut Buffer, area: Rect, lines: &[Line<'_>], scroll: u16) {
    for (line, y) in lines.iter().skip(usize::from(scroll)).zip(area.top()..area.bottom()) {
        put_line(buffer, Position::new(area.x, y), area.width, line);
    }
}

/// Draws lines from `scroll` on, but the last one not above the lowest row, and says where more follow. Tells how far
/// they can be scrolled.
pub(super) fn put_scrolled(buffer: &mut Buffer, area: Rect, lines: &[Line<'_>], scroll: u16, style: Style) -> u16 {
    let end = u16::try_from(lines.len().saturating_sub(usize::from(area.height))).unwrap_or(u16::MAX);
    let scroll = scroll.min(end);
    put_lines(buffer, area, lines, scroll);
    more_below(buffer, area, lines.len(), scroll, style);
    end
}

/// Says on the last row that more lines follow.
pub(super) fn more_below(buffer: &mut Buffer, area: Rect, lines: usize, scroll: u16, style: Style) {
    if lines > usize::from(scroll) + usize::from(area.height) && area.height > 1 {
        let words = " more v ";
        let x = area.right().saturating_sub(8).max(area.x);
        clear_overlap(buffer, x, area.bottom() - 1);
        put(buffer, Position::new(x, area.bottom() - 1), 8, words, style);
    }
}

/// First entry of a list to show so that `selected` is among `rows` of them, with one of context.
pub(super) fn list_top(selected: usize, entries: usize, rows: usize) -> usize {
    if rows == 0 || entries <= rows {
        return 0;
    }
    selected.saturating_sub(rows.saturating_sub(2).max(1)).min(entries - rows)
}
