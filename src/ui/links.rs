//! The connections to the networks: how each stands, what happened, which stretches are missing.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};

use super::column::gap_words;
use super::paint::{boxed, paragraph, put_scrolled};
use super::theme::Theme;
use super::{reading, time};
use crate::app::App;
use crate::model::words::moment;
use crate::model::{ColumnName, LinkReport, LinkState};

/// Gaps listed, the latest first.
const GAPS: usize = 50;

pub(super) fn draw(buffer: &mut Buffer, area: Rect, app: &App, scroll: u16, theme: Theme) -> (Position, u16) {
    let inside = boxed(buffer, area, "connection log", theme.frame(), theme.focused());
    let cells = inside.width.saturating_sub(1);
    let mut lines = Vec::new();
    for report in app.links.values() {
        lines.extend(link_lines(app, report, cells, theme));
    }
    if app.links.is_empty() {
        lines.push(Line::styled(" no connection has reported yet", theme.quiet()));
    }
    if !app.desk.gaps.is_empty() {
        lines.push(Line::default());
        lines.push(Line::styled(" Gaps, the latest first", theme.strong()));
        let mut gaps: Vec<_> = app.desk.gaps.values().collect();
        gaps.sort_by_key(|gap| std::cmp::Reverse(gap.from));
        for gap in gaps.into_iter().take(GAPS) {
            let columns: Vec<_> = gap.columns.iter().map(ColumnName::as_str).collect();
            let day = time::day(gap.from, &app.setup.zone);
            let words = format!("{day}  {}  ({})", gap_words(app, gap), columns.join(", "));
            lines.extend(paragraph(&words, cells, 1, theme.warning()));
        }
    }
    lines.push(Line::default());
    lines.push(Line::styled(" What happened, the latest first", theme.strong()));
    for (at, account, words) in app.link_log.iter().rev() {
        let words = format!("{} {account}: {words}", moment(*at, &app.setup.zone));
        lines.extend(paragraph(&words, cells, 1, theme.text()));
    }
    let end = put_scrolled(buffer, inside, &lines, scroll, theme.focused());
    (inside.as_position(), end)
}

fn link_lines(app: &App, report: &LinkReport, cells: u16, theme: Theme) -> Vec<Line<'static>> {
    let seen =
        report.last_byte.map_or_else(|| "no byte yet".to_owned(), |at| format!("last byte {}", time::ago(at, app.now)));
    let mut lines = vec![Line::from(vec![
        Span::styled(format!(" {} ", reading::account_title(app, &report.account)), theme.strong()),
        Span::styled(report.state.word().to_owned(), theme.link(&report.state)),
        Span::raw(format!("  {seen}")),
    ])];
    match &report.state {
        LinkState::BackingOff { until, why } => {
            let words = format!("{why}; next try in {}", time::countdown(*until, app.now));
            lines.extend(paragraph(&words, cells, 3, theme.warning()));
        }
        LinkState::Paused { until, why } => {
            let words = format!("{why}; until {}", time::minutes(*until, &app.setup.zone));
            lines.extend(paragraph(&words, cells, 3, theme.warning()));
        }
        LinkState::Ended { what } => lines.extend(paragraph(what, cells, 3, theme.text())),
        LinkState::Down { why, remedy } => {
            lines.extend(paragraph(why, cells, 3, theme.overdue()));
            lines.extend(paragraph(remedy, cells, 3, theme.text()));
        }
        LinkState::Connecting | LinkState::Live | LinkState::Stale => {}
    }
    lines
}
