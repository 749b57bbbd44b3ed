//! The report laid out: on the screen, and as the text the command prints.

use jiff::tz::TimeZone;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;
use ratatui::text::Line;

use super::paint::{boxed, paragraph, put_scrolled};
use super::text::{cut, number_in_full, width, wrap};
use super::theme::Theme;
use crate::app::{App, ReportScreen};
use crate::desk::report::table::{By, Table, heading, summary, tables};
use crate::desk::report::{DEFINITIONS, Report};

/// A name has at least so many cells, whatever the figures take.
const NAME: usize = 10;

/// So many cells the definitions leave for the word that is defined.
const DEFINED: usize = 11;

/// What a line of the report is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Title,
    Head,
    Figures,
    Aside,
}

/// The report in lines of at most so many cells.
pub fn lines(report: &Report, wanted: &[By], zone: &TimeZone, cells: usize) -> Vec<(Kind, String)> {
    let wide = u16::try_from(cells).unwrap_or(u16::MAX);
    let wrapped = |kind: Kind, words: &str| -> Vec<(Kind, String)> {
        wrap(words, wide).into_iter().map(|range| (kind, words[range].to_owned())).collect()
    };
    let mut lines = wrapped(Kind::Aside, &heading(report, zone));
    lines.extend(wrapped(Kind::Title, &summary(report)));
    if report.is_empty() {
        return lines;
    }
    for table in tables(report, wanted) {
        lines.push((Kind::Aside, String::new()));
        lay_out(&table, cells, &mut lines);
    }
    lines
}

fn lay_out(table: &Table, cells: usize, lines: &mut Vec<(Kind, String)>) {
    lines.push((Kind::Title, table.title.to_owned()));
    if table.rows.is_empty() {
        lines.push((Kind::Aside, "  nothing".to_owned()));
        return;
    }
    let widest = |column: usize| {
        let rows = table.rows.iter().filter_map(|row| row.cells.get(column)).map(|cell| width(cell));
        rows.chain(table.head.get(column).map(|head| width(head))).max().unwrap_or(0)
    };
    let figures: Vec<usize> = (1..table.head.len()).map(widest).collect();
    let taken: usize = figures.iter().map(|cells| cells + 1).sum();
    let name = widest(0).min(cells.saturating_sub(taken)).max(NAME);
    let most = cells.max(NAME);
    let line = |cells: &mut dyn Iterator<Item = &str>| {
        let first = cut(cells.next().unwrap_or_default(), name).into_owned();
        let mut line = format!("{first}{}", " ".repeat(name.saturating_sub(width(&first))));
        for (cell, wide) in cells.zip(&figures) {
            line.push_str(&" ".repeat((wide + 1).saturating_sub(width(cell))));
            line.push_str(cell);
        }
        // Where even the shortest name leaves the figures no room, it is said that some are missing.
        cut(&line, most).into_owned()
    };
    lines.push((Kind::Head, line(&mut table.head.iter().copied())));
    for row in &table.rows {
        lines.push((Kind::Figures, line(&mut row.cells.iter().map(String::as_str))));
        let below = row.below.iter().map(|words| format!("  {words}"));
        lines.extend(below.map(|words| (Kind::Aside, cut(&words, cells).into_owned())));
    }
}

pub(super) fn draw(buffer: &mut Buffer, area: Rect, app: &App, screen: &ReportScreen, theme: Theme) -> (Position, u16) {
    let title = format!("report: {}", screen.since);
    let inside = boxed(buffer, area, &title, theme.frame(), theme.focused());
    let cells = inside.width.saturating_sub(1);
    let mut all = Vec::new();
    if let Some((read, of)) = screen.reading {
        let words = match of {
            0 => "reading the log".to_owned(),
            of => format!("reading the log: {} of {} events", number_in_full(read), number_in_full(of)),
        };
        all.extend(paragraph(&words, cells, 1, theme.warning()));
    }
    if let Some(why) = &screen.error {
        all.extend(paragraph(why, cells, 1, theme.overdue()));
    }
    if let Some(report) = &screen.report {
        let lines = lines(report, &By::ALL, &app.setup.zone, usize::from(cells.saturating_sub(1)));
        all.extend(lines.into_iter().map(|(kind, words)| Line::styled(format!(" {words}"), style(kind, theme))));
        all.push(Line::default());
        all.push(Line::styled(" what is counted", theme.strong()));
        let room = cells.saturating_sub(1);
        for words in DEFINITIONS.lines().flat_map(|line| narrowed(line, room)) {
            all.push(Line::styled(format!(" {words}"), theme.quiet()));
        }
    }
    let end = put_scrolled(buffer, inside, &all, screen.scroll, theme.focused());
    (inside.as_position(), end)
}

/// A line of the definitions in lines of at most so many cells; what was one line keeps its place behind the word.
fn narrowed(line: &str, cells: u16) -> Vec<String> {
    if width(line) <= usize::from(cells) {
        return vec![line.to_owned()];
    }
    let (word, words) = line.split_at_checked(DEFINED).unwrap_or((line, ""));
    let mut lead = word.to_owned();
    let room = cells.saturating_sub(u16::try_from(DEFINED).unwrap_or(u16::MAX));
    let lines = wrap(words, room).into_iter().map(|range| {
        let lead = std::mem::replace(&mut lead, " ".repeat(DEFINED));
        format!("{lead}{}", &words[range])
    });
    lines.collect()
}

fn style(kind: Kind, theme: Theme) -> Style {
    match kind {
        Kind::Title => theme.strong(),
        Kind::Head | Kind::Aside => theme.quiet(),
        Kind::Figures => theme.text(),
    }
}
