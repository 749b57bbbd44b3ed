//! A list of entries of several lines, scrolled so that the selected one is whole.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::Line;

use super::paint::{put, put_line};
use super::theme::Theme;

/// One entry; the head line carries the `>`.
pub(super) struct Entry {
    pub(super) head: Line<'static>,
    pub(super) below: Vec<Line<'static>>,
}

impl Entry {
    fn height(&self) -> usize {
        1 + self.below.len()
    }
}

/// Draws the entries; returns the cell of the selected one. A selection past the end means the last.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, entries: &[Entry], selected: usize, theme: Theme) -> Position {
    if area.width < 3 || area.height == 0 {
        return area.as_position();
    }
    let selected = selected.min(entries.len().saturating_sub(1));
    let mut top = selected;
    let mut used = entries.get(selected).map_or(0, Entry::height);
    while let Some(above) = top.checked_sub(1).and_then(|i| entries.get(i)) {
        used += above.height();
        if used > usize::from(area.height) {
            break;
        }
        top -= 1;
    }
    let mut y = area.y;
    let mut cursor = area.as_position();
    for (i, entry) in entries.iter().enumerate().skip(top) {
        let is_selected = i == selected;
        if y >= area.bottom() {
            break;
        }
        let at = Position::new(area.x, y);
        put(buffer, at, 2, if is_selected { "> " } else { "  " }, theme.strong());
        let head = if is_selected { entry.head.clone().patch_style(theme.selected()) } else { entry.head.clone() };
        put_line(buffer, Position::new(area.x + 2, y), area.width - 2, &head);
        if is_selected {
            cursor = at;
        }
        y += 1;
        for line in &entry.below {
            if y >= area.bottom() {
                break;
            }
            put_line(buffer, Position::new(area.x, y), area.width, line);
            y += 1;
        }
    }
    cursor
}
