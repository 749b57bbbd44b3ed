//! Who did what in a case, when and from which machine, newest last.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::Line;

use super::paint::{boxed, clamp_scroll, more_below, paragraph, put_lines};
use super::shortcodes::as_shown;
use super::theme::Theme;
use crate::app::{App, HistoryScreen};

pub(super) fn draw(
    buffer: &mut Buffer,
    area: Rect,
    app: &App,
    screen: &HistoryScreen,
    theme: Theme,
) -> (Position, u16) {
    let title = match screen.number {
        Some(number) => format!("history of case {number}, newest last"),
        None => "history of the case, newest last".to_owned(),
    };
    let inside = boxed(buffer, area, &title, theme.frame(), theme.focused());
    let cells = inside.width.saturating_sub(1);
    let mut lines: Vec<Line<'static>> = Vec::new();
    for line in app.history_lines(screen.case) {
        let words = app.history_words(&line);
        lines.extend(paragraph(&as_shown(app, &words), cells, 1, theme.text()));
    }
    if lines.is_empty() {
        lines.push(Line::styled(" asking the store..", theme.quiet()));
    }
    let end = clamp_scroll(u16::MAX, lines.len(), inside.height);
    let scroll = screen.scroll.min(end);
    put_lines(buffer, inside, &lines, scroll);
    more_below(buffer, inside, lines.len(), scroll, theme.focused());
    (inside.as_position(), end)
}
