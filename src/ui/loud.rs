//! Notices that the foot has no room for, told in full above it: warnings and errors until a key is pressed, what is
//! said in passing as long as reading it takes.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};

use super::hints;
use super::paint::{boxed, paragraph, put_scrolled};
use super::text::width;
use super::theme::Theme;
use crate::app::command::{Command, ModeKind};
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

/// Draws as many of them as there is room for, at least the first, over two thirds of the body at most: the lower part,
/// or the upper one where the `cursor` of a text stands below. Tells how many have been drawn.
pub(super) fn draw(
    buffer: &mut Buffer,
    body: Rect,
    app: &App,
    notices: &[&Notice],
    (cursor, theme): (Position, Theme),
) -> usize {
    let Some(first) = notices.first() else { return 0 };
    let cells = body.width.saturating_sub(4);
    let most = usize::from((body.height * 2 / 3).max(3).min(body.height)).saturating_sub(2);
    let is_alone = app.notices.waiting() <= 1;
    let mut lines: Vec<Line<'static>> = Vec::new();
    let mut drawn = 0;
    for notice in notices {
        let told = if is_alone { paragraph(&notice.text, cells, 1, theme.text()) } else { item(notice, cells, theme) };
        // The last line says how many wait behind.
        if drawn > 0 && lines.len() + told.len() + 1 > most {
            break;
        }
        lines.extend(told);
        drawn += 1;
    }
    let behind = app.notices.waiting().saturating_sub(drawn);
    if behind > 0 && first.weight > Weight::Info {
        lines.truncate(most.saturating_sub(1).max(1));
        lines.push(Line::styled(format!(" and {behind} more; {}", where_all_are(app)), theme.quiet()));
    }
    let height = u16::try_from(lines.len().min(most) + 2).unwrap_or(u16::MAX).min(body.height);
    let writes = app.mode.kind().takes_text();
    let low = body.bottom() - height;
    let y = if writes && (low..body.bottom()).contains(&cursor.y) { body.y } else { low };
    let how = if writes { "typing on closes it" } else { "any key closes" };
    let title = match (first.weight, is_alone) {
        (Weight::Info, _) => String::new(),
        (Weight::Error, true) => format!("error, {how}"),
        (Weight::Warning, true) => format!("warning, {how}"),
        (_, false) => format!("to be read, {how}"),
    };
    let style = theme.notice(first.weight);
    let inside = boxed(buffer, Rect { y, height, ..body }, &title, style, style);
    put_scrolled(buffer, inside, &lines, 0, theme.quiet());
    drawn
}

/// One of several.
fn item(notice: &Notice, cells: u16, theme: Theme) -> Vec<Line<'static>> {
    let error = if notice.weight == Weight::Error { "error: " } else { "" };
    let mut lines = paragraph(&format!("{error}{}", notice.text), cells, 3, theme.text());
    if let Some(first) = lines.first_mut() {
        first.spans[0] = Span::styled(" - ", theme.notice(notice.weight));
    }
    lines
}

/// `gn lists all`
fn where_all_are(app: &App) -> String {
    let has_key = !app.setup.keys.key(app.mode.kind(), Command::Notices).is_empty();
    let key = hints::key_in(app, ModeKind::Columns, Command::Notices);
    if has_key { format!("{key} lists all") } else { format!("{key} in the columns lists all") }
}
