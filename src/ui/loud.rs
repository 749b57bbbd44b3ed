//! Notices that the foot has no room for, told in full above it: warnings and errors until a key is pressed, what is
//! said in passing as long as reading it takes.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::hints;
use super::paint::{boxed, paragraph, put_scrolled};
use super::text::width;
use super::theme::Theme;
use crate::app::command::Command;
use crate::app::notice::Weight;
use crate::app::{App, Notice};

/// The notices that need the box, if any does.
pub(super) fn needed(app: &App, cells: u16) -> Vec<&Notice> {
    let shown = app.notices.shown(app.now);
    // The foot tells of a held reply first.
    let before = super::status::held_words(app).map_or(0, |words| width(&words) + 3);
    let is_short =
        |notice: &&Notice| !notice.text.contains('\n') && before + width(&notice.text) + 2 <= usize::from(cells);
    if shown.len() <= 1 && shown.iter().all(is_short) { Vec::new() } else { shown }
}

/// Draws them over the lowest rows of the body, as many as they need and at most two thirds of them.
pub(super) fn draw(buffer: &mut Buffer, body: Rect, app: &App, notices: &[&Notice], theme: Theme) {
    let Some(first) = notices.first() else { return };
    let cells = body.width.saturating_sub(4);
    let mut lines = Vec::new();
    for notice in notices {
        // What is heavier than its neighbours says so.
        let is_heavier = notice.weight == Weight::Error && notices.len() > 1;
        let text = if is_heavier { format!("error: {}", notice.text) } else { notice.text.clone() };
        lines.extend(paragraph(&text, cells, 1, theme.text()));
    }
    let behind = app.notices.behind();
    if notices.len() > 1 && behind > 0 {
        let key = hints::key(app, Command::Notices);
        lines.push(Line::styled(format!(" and {behind} more; {key} lists all"), theme.quiet()));
    }
    let wanted = u16::try_from(lines.len()).unwrap_or(u16::MAX).saturating_add(2);
    let height = wanted.min(body.height * 2 / 3).max(3).min(body.height);
    let at = Rect { y: body.bottom() - height, height, ..body };
    let title = match (first.weight, notices.len()) {
        (Weight::Error, 1) => "error, any key closes",
        (Weight::Warning, 1) => "warning, any key closes",
        (Weight::Info, _) => "",
        _ => "to be read, any key closes",
    };
    let inside = boxed(buffer, at, title, theme.notice(first.weight), theme.notice(first.weight));
    put_scrolled(buffer, inside, &lines, 0, theme.quiet());
}
