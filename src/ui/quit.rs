//! The question before quitting while replies wait.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};

use super::hints::{self, Hint};
use super::paint::{boxed, put_line};
use super::theme::Theme;
use super::{reading, time};
use crate::app::App;

pub(super) fn draw(buffer: &mut Buffer, area: Rect, app: &App, theme: Theme) -> Position {
    let held = app.held();
    let mut lines = Vec::new();
    match app.unsaved_drafts().count() {
        0 => {}
        1 => lines.push(Line::styled(" One draft is NOT SAVED; quitting loses it.", theme.overdue())),
        count => {
            lines.push(Line::styled(format!(" {count} drafts are NOT SAVED; quitting loses them."), theme.overdue()));
        }
    }
    let failed = match app.not_sent_at_quit() {
        0 => None,
        1 => Some(" One reply was NOT SENT; the outbox tells why.".to_owned()),
        count => Some(format!(" {count} replies were NOT SENT; the outbox tells why.")),
    };
    lines.extend(failed.map(|words| Line::styled(words, theme.overdue())));
    let going = match app.on_their_way() {
        0 => None,
        1 => Some(" One reply is on its way.".to_owned()),
        count => Some(format!(" {count} replies are on their way.")),
    };
    lines.extend(going.map(|words| Line::styled(words, theme.warning())));
    let words = match held.len() {
        0 => None,
        1 => Some(" One reply is held and has not gone out:".to_owned()),
        count => Some(format!(" {count} replies are held and have not gone out:")),
    };
    lines.extend(words.map(|words| Line::styled(words, theme.warning())));
    for (reply, until) in held.iter().take(5) {
        let to = reading::answered_handle(&app.desk, reply);
        lines.push(Line::raw(format!("   to {to} in {}", time::countdown(*until, app.now))));
    }
    if app.not_sent_at_quit() == 0 {
        lines.push(Line::raw(" It ends by itself once nothing is waited for."));
    }
    lines.push(Line::default());
    for Hint { keys, words, .. } in hints::of_mode(app) {
        let gap = " ".repeat(6_usize.saturating_sub(keys.len()));
        lines.push(Line::from(vec![
            Span::raw("   "),
            Span::styled(keys, theme.key()),
            Span::raw(gap),
            Span::raw(words),
        ]));
    }
    let width = area.width.min(56);
    let rows = u16::try_from(lines.len() + 2).unwrap_or(u16::MAX).min(area.height);
    let at = Rect::new(area.x + (area.width - width) / 2, area.y + (area.height - rows) / 2, width, rows);
    let inside = boxed(buffer, at, "quit?", theme.frame(), theme.focused());
    for (line, y) in lines.iter().zip(inside.top()..inside.bottom()) {
        put_line(buffer, Position::new(inside.x, y), inside.width, line);
    }
    inside.as_position()
}
