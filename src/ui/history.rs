//! Who did what in a case, when and from which machine, newest last.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::Line;

use super::paint::{boxed, paragraph, put_scrolled};
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
    let end = put_scrolled(buffer, inside, &lines, screen.scroll, theme.focused());
    (inside.as_position(), end)
}
