//! The lines around the columns: tabs above, keys, notices and links below; the line above them is [`super::head`]'s.

use std::borrow::Cow;

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::hints::{self, Hint};
use super::paint::{boxed, more_below, put, put_line, put_right};
use super::reading::{self, Counts};
use super::text::{cut, units, width, wrap};
use super::theme::Theme;
use super::time;
use crate::app::reading::{KEEP_ALIVE, is_heard_in_time};
use crate::app::{App, ColumnSetup};
use crate::model::{AccountName, LinkReport, LinkState};

/// A tab's name is never longer than this where tabs do not fit.
const LONGEST_TAB: usize = 24;
/// A tab with less of its name says nothing: the line is scrolled instead.
const SHORTEST_TAB: usize = 3;
/// Of fewer letters nobody knows a column.
const KNOWN_TAB: usize = 3;

/// ` [1 charter 4]  2 #outage 12!  3 @mentions 2`: unanswered cases, `+` what came since, `!` overdue.
pub(super) fn tabs(buffer: &mut Buffer, area: Rect, app: &App, counts: &Counts, theme: Theme) {
    let label = |i: usize, name_cells: usize, is_crowded: bool| {
        let view = &app.columns[i];
        let count = counts.columns.get(i).copied().unwrap_or_default();
        if is_crowded && i != app.focus && view.new == 0 && count.unanswered == 0 && count.overdue == 0 {
            return format!(" {} ", i + 1);
        }
        let new = if view.new > 0 { format!("+{}", view.new) } else { String::new() };
        let overdue = if count.overdue > 0 { "!" } else { "" };
        let name = match app.setup.columns.get(i) {
            Some(setup) => setup.name.to_string(),
            None => app.queue_of(i).map_or_else(String::new, |queue| queue.tab().to_owned()),
        };
        // The focused tab keeps its name; of the others the start is enough to know them by, where they differ there.
        let name = match name_cells {
            _ if i == app.focus => name,
            cells => {
                let start = start_of(&name, cells);
                let is_alike =
                    |other: &ColumnSetup| other.name.as_str() != name && start_of(other.name.as_str(), cells) == start;
                if app.setup.columns.iter().any(is_alike) { ends_of(&name, cells) } else { start }
            }
        };
        let words = format!("{} {name} {}{new}{overdue}", i + 1, count.unanswered);
        if i == app.focus { format!("[{words}]") } else { format!(" {words} ") }
    };
    let room = usize::from(area.width.saturating_sub(2));
    let all = app.columns.len();
    let needed = |labels: &[String]| labels.iter().map(|label| width(label) + 1).sum::<usize>();
    let named = |(is_crowded, cells): (bool, usize)| {
        let labels: Vec<_> = (0..all).map(|i| label(i, cells, is_crowded)).collect();
        (is_crowded, cells, labels)
    };
    // Names give way until every column has its tab, and before they are too short to be known, columns in which
    // nothing waits keep their number alone. A line that is too short even then is scrolled.
    let ways = (KNOWN_TAB..=LONGEST_TAB).rev().map(|cells| (false, cells));
    let ways = ways.chain((SHORTEST_TAB..=LONGEST_TAB).rev().map(|cells| (true, cells)));
    let (is_crowded, cells, mut labels) = ways
        .map(named)
        .find(|(_, _, labels)| needed(labels) <= room + 1)
        .unwrap_or_else(|| named((true, SHORTEST_TAB)));
    // What is left over goes to the first ones, a letter each.
    let mut left = (room + 1).saturating_sub(needed(&labels));
    for (i, short) in labels.iter_mut().enumerate().filter(|_| cells < LONGEST_TAB) {
        let longer = label(i, cells + 1, is_crowded);
        let more = width(&longer).saturating_sub(width(short));
        if more <= left {
            (*short, left) = (longer, left - more);
        }
    }
    // Scrolled so that the focused tab is whole.
    let focus = app.focus.min(labels.len().saturating_sub(1));
    let mut first = 0;
    while first < focus && labels[first..=focus].iter().map(|label| width(label) + 1).sum::<usize>() > room {
        first += 1;
    }
    let mut x = 1;
    for (i, label) in labels.iter().enumerate().skip(first) {
        let style = if i == app.focus { theme.focused() } else { theme.text() };
        let at = Position::new(area.x + x, area.y);
        let left = area.width.saturating_sub(x + 1);
        if usize::from(left) < width(label) {
            put(buffer, at, left, "..", theme.quiet());
            break;
        }
        x += put(buffer, at, left, label, style) + 1;
    }
}

/// The first letters of a name, without marks of what was cut: the column's head has all of it.
fn start_of(name: &str, cells: usize) -> String {
    if width(name) <= cells {
        return name.to_owned();
    }
    let kept = cut(&format!("{name}.."), cells + 2).into_owned();
    kept.trim_end_matches("..").to_owned()
}

/// The first letter of a name and the start of its last part: `b-me` of `bluesky-mentions`, where another column begins as
/// it does.
fn ends_of(name: &str, cells: usize) -> String {
    let first = units(name).next();
    match (first, name.rsplit_once('-')) {
        (Some(first), Some((_, last))) if width(name) > cells => {
            let room = cells.saturating_sub(usize::from(first.total()) + 1);
            format!("{}-{}", first.symbol, start_of(last, room.max(1)))
        }
        _ => start_of(name, cells),
    }
}

/// ` r ack  d ask-DM  b both  …  ? all keys`
pub(super) fn keys(buffer: &mut Buffer, area: Rect, app: &App, theme: Theme) {
    let room = area.width.saturating_sub(2);
    let mut x = 1;
    for Hint { keys, words, .. } in hints::on_the_foot(app, usize::from(room)) {
        let line = Line::from(vec![Span::styled(keys, theme.key()), Span::raw(" "), Span::raw(words)]);
        x += put_line(buffer, Position::new(area.x + x, area.y), (room + 1).saturating_sub(x), &line) + 2;
    }
}

/// The lowest line: the next held reply and the last notice at the left; at the right the links and what was spent,
/// which give way to whatever the left needs.
pub(super) fn foot(buffer: &mut Buffer, area: Rect, app: &App, theme: Theme) {
    let mut parts: Vec<Span<'static>> = Vec::new();
    if let Some(words) = held_words(app) {
        parts.push(Span::styled(words, theme.strong()));
    }
    // What the foot has no room for stands in a box above it.
    let shown = app.notices.shown(app.now);
    if let Some(notice) = shown.first().filter(|_| super::loud::needed(app, area.width).is_empty()) {
        parts.push(Span::styled(notice.text.clone(), theme.notice(notice.weight)));
    }
    let edge = area.width.saturating_sub(1);
    let mut x = 1;
    for (i, part) in parts.iter().enumerate() {
        if i > 0 {
            x += put(buffer, Position::new(area.x + x, area.y), 3, " | ", theme.frame());
        }
        let room = edge.saturating_sub(x);
        let words = cut(&part.content, usize::from(room));
        x += put(buffer, Position::new(area.x + x, area.y), room, &words, part.style);
    }
    let spend = super::spending::foot_words(app).map(|(words, standing)| {
        let style = match standing {
            standing if standing.is_paused() => theme.overdue(),
            standing if standing.is_near() => theme.warning(),
            _ => theme.quiet(),
        };
        (words, style)
    });
    let room = usize::from(edge.saturating_sub(x));
    let for_links = room.saturating_sub(spend.as_ref().map_or(0, |(words, _)| width(words) + 2) + 2);
    let mut right: Vec<_> = std::iter::once((links_words(app, for_links), theme.quiet())).chain(spend).collect();
    right.retain(|(words, _)| !words.is_empty());
    let needed = |right: &[(String, Style)]| right.iter().map(|(words, _)| width(words) + 2).sum::<usize>();
    // The links' states stand in the head as well; what was spent does not.
    while !parts.is_empty() && !right.is_empty() && needed(&right) > room {
        right.remove(0);
    }
    let mut edge = edge;
    for (words, style) in right.iter().rev() {
        put_right(buffer, area.as_position(), edge, words, *style);
        edge = edge.saturating_sub(u16::try_from(width(words) + 2).unwrap_or(u16::MAX));
    }
}

/// `sent to @petrk in 0:07  u=undo`
pub(super) fn held_words(app: &App) -> Option<String> {
    let held = app.held();
    let (reply, until) = held.first()?;
    let to = reading::answered_handle(&app.desk, reply);
    let more = if held.len() > 1 { format!("  +{} more", held.len() - 1) } else { String::new() };
    if let Some(free) = app.send_waits.get(&reply.id).filter(|free| **free > app.now) {
        let at = time::hours(*free, &app.setup.zone);
        return Some(format!("to {to}: the network is free again at {at}  u=undo{more}"));
    }
    if *until <= app.now {
        return Some(format!("to {to}: not sent yet, tried every second  u=undo{more}"));
    }
    Some(format!("sent to {to} in {}  u=undo{more}", time::countdown(*until, app.now)))
}

/// `charter live <20s ago  care stale 41s ago`: what is heard as often as it should be needs no count of seconds, which
/// would cost a frame each. In fewer cells those that are well are only counted: `2 live <20s ago  care stale 41s ago`.
fn links_words(app: &App, cells: usize) -> String {
    let told = |(name, report): (&AccountName, &LinkReport)| {
        let seen = report.last_byte.filter(|_| !matches!(report.state, LinkState::Ended { .. }));
        let seen = match seen {
            Some(_) if is_heard_in_time(report, app.now) => heard_in_time(),
            Some(at) => format!(" {}", time::ago(at, app.now)),
            None => String::new(),
        };
        format!("{name} {}{seen}", report.state.word())
    };
    let all = app.links.iter().map(told).collect::<Vec<_>>().join("  ");
    let well = app.links.values().filter(|report| is_heard_in_time(report, app.now)).count();
    if width(&all) <= cells || well < 2 {
        return all;
    }
    let ill = app.links.iter().filter(|(_, report)| !is_heard_in_time(report, app.now));
    let counted = format!("{well} {}{}", LinkState::Live.word(), heard_in_time());
    std::iter::once(counted).chain(ill.map(told)).collect::<Vec<_>>().join("  ")
}

fn heard_in_time() -> String {
    format!(" <{}s ago", KEEP_ALIVE.as_secs())
}

/// What may follow the prefix typed so far, above the foot; waits for ever. Words are wrapped where the rows suffice for
/// all keys, else cut.
pub(super) fn which_key(buffer: &mut Buffer, area: Rect, app: &App, theme: Theme) {
    let hints = hints::after_prefix(app);
    let keys = hints.iter().map(|hint| width(&hint.keys)).max().unwrap_or(0);
    let words = hints.iter().map(|hint| width(&hint.words)).max().unwrap_or(0);
    let cells = |count: usize| u16::try_from(count).unwrap_or(u16::MAX);
    // The border, a blank at either side, two between keys and words.
    let around = cells(keys + 6);
    let wide = cells(words).saturating_add(around).clamp(area.width.min(50), area.width);
    let room = wide.saturating_sub(around);
    let most = usize::from(area.height.saturating_sub(2));
    let wrapped: Vec<Vec<_>> = hints.iter().map(|hint| wrap(&hint.words, room)).collect();
    let must_cut = wrapped.iter().map(Vec::len).sum::<usize>() > most;
    let mut lines: Vec<(&str, Cow<'_, str>)> = Vec::new();
    for (hint, ranges) in hints.iter().zip(wrapped) {
        if must_cut {
            lines.push((&hint.keys, cut(&hint.words, usize::from(room))));
            continue;
        }
        for (i, range) in ranges.into_iter().enumerate() {
            lines.push((if i == 0 { &hint.keys } else { "" }, Cow::Borrowed(&hint.words[range])));
        }
    }
    let rows = cells(lines.len()).saturating_add(2).min(area.height);
    let at = Rect::new(area.right() - wide, area.bottom().saturating_sub(rows), wide, rows);
    let inside = boxed(buffer, at, &format!("{} then", app.prefix), theme.frame(), theme.focused());
    for ((key, words), y) in lines.iter().zip(inside.top()..inside.bottom()) {
        put(buffer, Position::new(inside.x + 1, y), cells(keys), key, theme.key());
        put(buffer, Position::new(inside.x.saturating_add(cells(keys + 3)), y), room, words, theme.text());
    }
    if !inside.is_empty() {
        more_below(buffer, inside, lines.len(), 0, theme.quiet());
    }
}
