//! A notice that the foot has no room for, told in full above it: a warning or an error until a key is pressed, what is
//! said in passing as long as reading it takes.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::paint::{boxed, more_below, paragraph, put_lines};
use super::text::width;
use super::theme::Theme;
use crate::app::notice::Weight;
use crate::app::{App, Notice};

/// The notice that needs the box, if there is one.
pub(super) fn needed(app: &App, cells: u16) -> Option<&Notice> {
    let notice = app.shown_notice()?;
    // The foot tells of a held reply first.
    let before = super::status::held_words(app).map_or(0, |words| width(&words) + 3);
    let is_long = notice.text.contains('\n') || before + width(&notice.text) + 2 > usize::from(cells);
    is_long.then_some(notice)
}

/// Draws it over the lowest rows of the body, as many as it needs and at most two thirds of them.
pub(super) fn draw(buffer: &mut Buffer, body: Rect, notice: &Notice, theme: Theme) {
    let lines = paragraph(&notice.text, body.width.saturating_sub(4), 1, theme.text());
    let wanted = u16::try_from(lines.len()).unwrap_or(u16::MAX).saturating_add(2);
    let height = wanted.min(body.height * 2 / 3).max(3).min(body.height);
    let at = Rect { y: body.bottom() - height, height, ..body };
    let title = match notice.weight {
        Weight::Error => "error, any key closes",
        Weight::Warning => "warning, any key closes",
        Weight::Info => "",
    };
    let inside = boxed(buffer, at, title, theme.notice(notice.weight), theme.notice(notice.weight));
    put_lines(buffer, inside, &lines, 0);
    if !inside.is_empty() {
        more_below(buffer, inside, lines.len(), 0, theme.quiet());
    }
}
