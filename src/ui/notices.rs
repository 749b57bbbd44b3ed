//! What was told at the foot since the start, to be read again: a warning goes with any key.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::Line;

use super::paint::{boxed, paragraph, put_scrolled};
use super::theme::Theme;
use crate::app::App;
use crate::app::notice::{KEPT, Weight};
use crate::model::words::moment;

/// Hands back where the cursor belongs, and how far it can be scrolled.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, app: &App, scroll: u16, theme: Theme) -> (Position, u16) {
    let title = format!("notices, the latest first; of what passed by the last {KEPT}");
    let inside = boxed(buffer, area, &title, theme.frame(), theme.focused());
    let cells = inside.width.saturating_sub(1);
    let mut lines = Vec::new();
    for (notice, is_over) in app.notices.told().rev() {
        let weight = match notice.weight {
            Weight::Info => "",
            Weight::Warning => "warning: ",
            Weight::Error => "error: ",
        };
        let (over, style) = if is_over { ("over: ", theme.quiet()) } else { ("", theme.notice(notice.weight)) };
        let words = format!("{} {over}{weight}{}", moment(notice.at, &app.setup.zone), notice.text);
        lines.extend(paragraph(&words, cells, 1, style));
    }
    if lines.is_empty() {
        lines.push(Line::styled(" nothing was told yet", theme.quiet()));
    }
    let end = put_scrolled(buffer, inside, &lines, scroll, theme.focused());
    (inside.as_position(), end)
}
