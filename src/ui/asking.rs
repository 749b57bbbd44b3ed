//! The lines and lists a deed asks with, and the note's editor.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use super::hints;
use super::paint::{boxed, put, put_right, rule};
use super::palette::draw_input;
use super::theme::Theme;
use crate::app::command::Command;
use crate::app::{App, CaseLine, NoteEditor};
use crate::model::CaseId;

/// `t` and `z`: what is typed, and below it what it may be.
pub(super) fn draw_line(
    buffer: &mut Buffer,
    area: Rect,
    app: &App,
    line: &CaseLine,
    title: &str,
    theme: Theme,
) -> Position {
    let title = format!("{title} {}", whose(app, &line.cases));
    let inside = boxed(buffer, area, &title, theme.frame(), theme.focused());
    if inside.width < 4 || inside.height == 0 {
        return area.as_position();
    }
    let cursor = draw_input(buffer, Rect { height: 1, ..inside }, "> ", &line.input, theme);
    let mut y = inside.y + 1;
    if let Some(error) = line.input.error.as_ref().filter(|_| y < inside.bottom()) {
        put(buffer, Position::new(inside.x, y), inside.width, &format!(" {error}"), theme.warning());
        y += 1;
    }
    let below = if matches!(app.mode, crate::app::Mode::Tag(_)) {
        let key = hints::key(app, Command::CompleteTag);
        let tags = app.tags_like(line);
        match (tags.is_empty(), line.input.text.trim().is_empty()) {
            (true, true) => vec!["type a tag: none is in use yet".to_owned()],
            (true, false) => vec!["no tag in use begins so: Enter makes it".to_owned()],
            (false, _) => with_head(&key, tags),
        }
    } else {
        [
            "2h   1d 6h   16:30   tomorrow 9:00   monday",
            "until they write",
            "it is back at once when the customer writes",
        ]
        .map(str::to_owned)
        .to_vec()
    };
    for (words, y) in below.iter().zip(y..inside.bottom()) {
        put(buffer, Position::new(inside.x, y), inside.width, &format!(" {words}"), theme.quiet());
    }
    cursor
}

fn with_head(key: &str, tags: Vec<String>) -> Vec<String> {
    std::iter::once(format!("in use ({key}):")).chain(tags.into_iter().map(|tag| format!("  {tag}"))).collect()
}

/// `case 12`, or `14 marked cases`.
pub(super) fn whose(app: &App, cases: &[CaseId]) -> String {
    match cases {
        [case] => app.desk.cases.get(case).map_or_else(String::new, |case| format!("case {}", case.number)),
        many => format!("{} marked cases", many.len()),
    }
}

/// The note's editor: another border, another title, another word than a reply's.
pub(super) fn draw_note(buffer: &mut Buffer, area: Rect, app: &App, note: &NoteEditor, theme: Theme) -> Position {
    let title = format!("NOTE for the team, never sent: {}", whose(app, &[note.case]));
    let inside = boxed(buffer, area, &title, theme.warning(), theme.warning());
    if inside.width < 4 || inside.height < 2 {
        return area.as_position();
    }
    let edge = |buffer: &mut Buffer, y: u16, from: u16| {
        let cells = area.right().saturating_sub(from);
        rule(buffer, Position::new(from, y), cells, '=', theme.warning());
    };
    edge(buffer, area.bottom() - 1, area.x);
    let titled = u16::try_from(super::text::width(&title)).unwrap_or(u16::MAX).saturating_add(area.x + 4);
    if titled < area.right() {
        edge(buffer, area.y, titled);
    }
    for y in area.y + 1..area.bottom() - 1 {
        rule(buffer, Position::new(area.x, y), 1, ':', theme.warning());
        rule(buffer, Position::new(area.right() - 1, y), 1, ':', theme.warning());
    }
    let editor = Rect { height: inside.height - 1, ..inside };
    let cursor = super::composer::draw_editor(buffer, editor, &note.editor, theme);
    let foot = Position::new(inside.x, inside.bottom() - 1);
    let (save, leave) = (hints::key(app, Command::SaveNote), hints::key(app, Command::Back));
    let words = note.problem.clone().unwrap_or_else(|| format!("{save} save the note   {leave} leave it for later"));
    put(buffer, foot, inside.width, &words, theme.quiet());
    put_right(buffer, foot, inside.width, "NOTE", theme.warning());
    cursor
}
