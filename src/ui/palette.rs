//! Lists narrowed by typing, and the command line: a line of input with what it finds below.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use super::hints;
use super::paint::{boxed, list_top, put};
use super::text::{cut, width};
use super::theme::Theme;
use crate::app::command::TABLE;
use crate::app::{App, LineInput, Picker, Resolving};
use crate::model::{CaseStatus, RepName};

/// `;`: commands with their keys.
pub(super) fn draw_commands(buffer: &mut Buffer, area: Rect, app: &App, picker: &Picker, theme: Theme) -> Position {
    let below = app.mode_below();
    let entries: Vec<_> = picker
        .shown
        .iter()
        .filter_map(|i| TABLE.get(*i))
        .map(|row| {
            let keys = hints::all_shown(&app.setup.keys.keys(below, row.command));
            (format!("{}: {}", row.name, hints::words_for(app, row.command)), keys)
        })
        .collect();
    draw(buffer, area, "any command", picker, &entries, theme)
}

/// Saved replies, each with the start of its text.
pub(super) fn draw_saved(buffer: &mut Buffer, area: Rect, app: &App, picker: &Picker, theme: Theme) -> Position {
    let replies = &app.setup.saved_replies;
    let entries: Vec<_> = picker
        .shown
        .iter()
        .filter_map(|i| replies.get(*i))
        .map(|reply| (format!("{}: {}", reply.name, reply.text.replace('\n', " ")), String::new()))
        .collect();
    draw(buffer, area, "saved replies", picker, &entries, theme)
}

/// The causes, then the outcomes at resolve.
pub(super) fn draw_ends(
    buffer: &mut Buffer,
    area: Rect,
    app: &App,
    (step, title): (&Resolving, &str),
    picker: &Picker,
    theme: Theme,
) -> Position {
    let (choices, none) = match step {
        Resolving::Cause => (&app.setup.causes, "no cause given"),
        Resolving::Outcome { .. } => (&app.setup.outcomes, "no outcome given"),
    };
    let words = |i: &usize| choices.get(*i).cloned().unwrap_or_else(|| none.to_owned());
    let entries: Vec<_> = picker.shown.iter().map(|i| (words(i), String::new())).collect();
    draw(buffer, area, title, picker, &entries, theme)
}

/// Whom a case can be handed to, each with the cases they hold.
pub(super) fn draw_reps(
    buffer: &mut Buffer,
    area: Rect,
    app: &App,
    (reps, title): (&[RepName], &str),
    picker: &Picker,
    theme: Theme,
) -> Position {
    let open = |rep: &RepName| {
        let held = app.desk.cases.values().filter(|case| case.owner.as_ref() == Some(rep));
        held.filter(|case| case.status != CaseStatus::Resolved).count()
    };
    let me = |rep: &RepName| if *rep == app.setup.me { " (you)" } else { "" };
    let entry = |rep: &RepName| (format!("{rep}{}", me(rep)), format!("{} open", open(rep)));
    let entries: Vec<_> = picker.shown.iter().filter_map(|i| reps.get(*i)).map(entry).collect();
    draw(buffer, area, title, picker, &entries, theme)
}

fn draw(
    buffer: &mut Buffer,
    area: Rect,
    title: &str,
    picker: &Picker,
    entries: &[(String, String)],
    theme: Theme,
) -> Position {
    let inside = boxed(buffer, area, title, theme.frame(), theme.focused());
    if inside.width < 4 || inside.height == 0 {
        return area.as_position();
    }
    let line = Rect { height: 1, ..inside };
    let cursor = draw_input(buffer, line, "/ ", &picker.input, theme);
    let mut rows = Rect { y: inside.y + 1, height: inside.height - 1, ..inside };
    if let Some(error) = &picker.input.error
        && rows.height > 0
    {
        put(buffer, rows.as_position(), rows.width, &format!(" {error}"), theme.warning());
        rows = Rect { y: rows.y + 1, height: rows.height - 1, ..rows };
    }
    if entries.is_empty() && rows.height > 0 {
        put(buffer, rows.as_position(), rows.width, " nothing like that", theme.quiet());
    }
    let top = list_top(picker.selected, entries.len(), usize::from(rows.height));
    for ((i, (words, right)), y) in entries.iter().enumerate().skip(top).zip(rows.top()..rows.bottom()) {
        let is_selected = i == picker.selected;
        let style = if is_selected { theme.selected() } else { theme.text() };
        let pointer = if is_selected { ">" } else { " " };
        let room = usize::from(rows.width).saturating_sub(width(right) + 3);
        let words = format!("{pointer} {}", cut(words, room));
        put(buffer, Position::new(rows.x, y), rows.width, &words, style);
        super::paint::put_right(buffer, Position::new(rows.x, y), rows.width, right, theme.key());
    }
    cursor
}

/// One line of input, scrolled so that the cursor is inside; returns the cursor's cell.
pub(super) fn draw_input(buffer: &mut Buffer, area: Rect, prompt: &str, input: &LineInput, theme: Theme) -> Position {
    let used = put(buffer, area.as_position(), area.width, prompt, theme.key());
    let room = area.width - used;
    let before = input.text.get(..input.cursor).unwrap_or(&input.text);
    // One cell stays for the cursor behind the last letter.
    let mut start = 0;
    for unit in super::text::units(before) {
        if width(&before[start..]) < usize::from(room.max(1)) {
            break;
        }
        start = unit.at + unit.symbol.len().min(before.len() - unit.at);
    }
    put(buffer, Position::new(area.x + used, area.y), room, &input.text[start..], theme.text());
    let cells = u16::try_from(width(&before[start..])).unwrap_or(u16::MAX);
    Position::new(area.x + used + cells.min(room.saturating_sub(1)), area.y)
}

/// `:` and what was wrong with the last try, on the foot.
pub(super) fn draw_command_line(buffer: &mut Buffer, area: Rect, input: &LineInput, theme: Theme) -> Position {
    let cursor = draw_input(buffer, area, ":", input, theme);
    if let Some(error) = &input.error {
        let from = cursor.x.saturating_add(3);
        let room = area.right().saturating_sub(from);
        put(buffer, Position::new(from, area.y), room, &cut(error, usize::from(room)), theme.overdue());
    }
    cursor
}
