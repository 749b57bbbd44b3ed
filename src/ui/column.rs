//! One column: its head, and as many rows as fit around the row that keeps its place.
//!
//! A column that follows has the newest row on top. An anchored one keeps the selected row on its line
//! while posts arrive above; a new selection scrolls just enough, a far one lands in the upper third.

use std::collections::BTreeMap;
use std::rc::Rc;

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};

use super::order::{Key, Row, Rows};
use super::paint::{put, put_line, put_right, rule};
use super::post::{RowContext, Wraps, row};
use super::reading;
use super::text::{cut, width};
use super::theme::Theme;
use crate::app::{App, ColumnSetup, ColumnSource, ColumnView, Queue};
use crate::desk::Gap;
use crate::model::{GapFill, LinkState, clean, gap};

/// Lines kept between the selection and the edge when it moves.
const CONTEXT: i32 = 2;
/// Less of a query says nothing.
const SHORTEST_QUERY: usize = 8;
/// A selection further away than this many screens is not walked to.
const WALKED_SCREENS: i32 = 3;

/// Where a column stands on the screen: this row's first line is on that line of the body.
#[derive(Clone, Debug)]
pub(super) struct Place {
    key: Key,
    line: i32,
}

/// What drawing a column says about it.
pub(super) struct Drawn {
    /// Posts of which at least a line is on the screen.
    pub(super) shown: usize,
    /// Where the hardware cursor belongs if the column has the keys.
    pub(super) cursor: Position,
}

/// Draws head and rows of the column at `index` into `area` (inside the borders).
pub(super) fn draw(
    buffer: &mut Buffer,
    area: Rect,
    app: &App,
    index: usize,
    theme: Theme,
    place: &mut Option<Place>,
    wraps: &mut Wraps,
) -> Drawn {
    let mut drawn = Drawn { shown: 0, cursor: area.as_position() };
    let Some(view) = app.columns.get(index) else { return drawn };
    let setup = app.setup.columns.get(index);
    let has_keys = index == app.focus;
    head(buffer, area, app, index, theme);
    if area.height < 3 {
        return drawn;
    }
    let below_head = Position::new(area.x, area.y + 1);
    rule(buffer, below_head, area.width, '-', theme.frame());
    if let Some((setup, why)) = setup.and_then(|setup| Some((setup, refused(app, setup)?))) {
        // A column that hears nothing must not pass for a quiet one.
        let words = format!(" {} refuses its rule: {why} ", setup.main().network);
        put(buffer, below_head, area.width, &cut(&words, usize::from(area.width)), theme.overdue());
    }
    let body = Rect { y: area.y + 2, height: area.height - 2, ..area };
    drawn.cursor = body.as_position();

    let rows = Rows::of(app, index, view);
    let context = RowContext {
        app,
        theme,
        column: setup,
        queue: app.queue_of(index),
        cells: area.width,
        selected: rows.chosen_post(view),
        has_keys,
        is_shared: setup.map_or_else(|| reading::is_on_several_networks(app), |setup| setup.sources.len() > 1),
    };
    // A row is looked at several times: to find the place of the selected one, on the way up, and when it is drawn.
    let mut made: BTreeMap<Key, Rc<Made>> = BTreeMap::new();
    let mut lines_of = |key: &Key| {
        if let Some(row) = made.get(key) {
            return Rc::clone(row);
        }
        let new = Rc::new(match rows.get(key) {
            Row::Post(post) => (row(&context, wraps, post), true),
            Row::Gap(gap) => {
                let is_chosen = view.gap == Some(gap.id);
                (vec![gap_line(app, gap, area.width, theme, (is_chosen, is_chosen && has_keys))], false)
            }
            Row::Unknown => (vec![Line::from(" not at hand")], false),
        });
        made.insert(key.clone(), Rc::clone(&new));
        new
    };
    let height = i32::from(body.height);
    *place = find_place(rows, view, place.take(), height, &mut |key| row_height(&lines_of(key)));
    let Some(top) = place.as_ref() else {
        empty(buffer, body, app, index, theme);
        return drawn;
    };

    // Up from the anchored row to the top edge, then down from there.
    let (mut key, mut line) = (top.key.clone(), top.line);
    while line > 0 {
        let Some(above) = rows.newer(&key) else { break };
        line -= row_height(&lines_of(&above));
        key = above;
    }
    let selected = rows.chosen(view);
    let mut next = Some(key);
    while let Some(key) = next {
        if line >= height {
            break;
        }
        let row = lines_of(&key);
        let (lines, is_post) = &*row;
        let is_visible = draw_row(buffer, body, line, lines, *is_post, theme);
        drawn.shown += usize::from(is_visible && *is_post);
        if selected.as_ref() == Some(&key)
            && let Ok(at) = u16::try_from(line)
            && at < body.height
        {
            drawn.cursor = Position::new(body.x, body.y + at);
        }
        line += row_height(&row);
        next = rows.older(&key);
    }
    // What the store still has to say stands below the last row.
    let foot = match (view.asking_older, view.at_end) {
        (true, _) => "asking the store for older posts..",
        (false, true) => "no older posts",
        (false, false) => "",
    };
    if let Ok(at) = u16::try_from(line)
        && at < body.height
    {
        put(buffer, Position::new(body.x + 1, body.y + at), body.width.saturating_sub(1), foot, theme.quiet());
    }
    drawn
}

/// A row's lines, and whether it is a post.
type Made = (Vec<Line<'static>>, bool);

/// Lines a row takes; a post has a rule below it.
fn row_height((lines, is_post): &Made) -> i32 {
    i32::try_from(lines.len()).unwrap_or(i32::MAX / 2) + i32::from(*is_post)
}

/// Draws the lines of a row that are inside the body; says whether any was.
fn draw_row(buffer: &mut Buffer, body: Rect, line: i32, lines: &[Line<'_>], is_post: bool, theme: Theme) -> bool {
    let mut any = false;
    let mut at = line;
    for content in lines {
        if let Some(y) = inside(at, body) {
            put_line(buffer, Position::new(body.x, y), body.width, content);
            any = true;
        }
        at += 1;
    }
    if is_post && let Some(y) = inside(at, body) {
        rule(buffer, Position::new(body.x, y), body.width, '-', theme.frame());
    }
    any
}

fn inside(line: i32, body: Rect) -> Option<u16> {
    u16::try_from(line).ok().filter(|line| *line < body.height).map(|line| body.y + line)
}

fn find_place(
    rows: Rows<'_>,
    view: &ColumnView,
    old: Option<Place>,
    height: i32,
    height_of: &mut dyn FnMut(&Key) -> i32,
) -> Option<Place> {
    let newest = rows.newest()?;
    let old = old.filter(|old| !matches!(rows.get(&old.key), Row::Unknown));
    let Some(key) = rows.chosen(view) else {
        // Following; held, or the selected post is gone: what was on top stays there.
        let keeps = view.is_anchored();
        return Some(old.filter(|_| keeps).unwrap_or(Place { key: newest, line: 0 }));
    };
    let own = height_of(&key);
    let lowest = (height - own).max(0);
    let line = match old {
        Some(old) if old.key == key => old.line.clamp(0, lowest),
        Some(old) => {
            let context = CONTEXT.min(lowest / 2);
            match walk(rows, &old, &key, height * WALKED_SCREENS, height_of) {
                Some(line) => line.clamp(context, (lowest - context).max(context)),
                None => (height / 3).min(lowest),
            }
        }
        None => (height / 3).min(lowest),
    };
    // Never blank above the newest row.
    let (mut above, mut top) = (key.clone(), line);
    while top > 0 {
        let Some(newer) = rows.newer(&above) else { break };
        top -= height_of(&newer);
        above = newer;
    }
    Some(Place { key, line: line - top.max(0) })
}

/// On which line `to` stands while `from` stands on its own; `None` if it is further than `limit` lines away.
fn walk(rows: Rows<'_>, from: &Place, to: &Key, limit: i32, height_of: &mut dyn FnMut(&Key) -> i32) -> Option<i32> {
    let mut line = from.line;
    let mut key = Some(from.key.clone());
    // `to` may have left the column's window: then it stands between the rows it would stand between.
    if from.key > *to {
        while let Some(at) = key.filter(|key| key > to) {
            line += height_of(&at);
            if line - from.line > limit {
                return None;
            }
            key = rows.older(&at);
        }
        return Some(line);
    }
    while let Some(at) = key.filter(|key| key < to) {
        key = rows.newer(&at).filter(|newer| newer <= to);
        line -= height_of(key.as_ref().unwrap_or(to));
        if from.line - line > limit {
            return None;
        }
    }
    Some(line)
}

/// `1 title      x  following`, or `1 name the query      X B M  following` where the config gives no title.
fn head(buffer: &mut Buffer, area: Rect, app: &App, index: usize, theme: Theme) {
    let Some(view) = app.columns.get(index) else { return };
    let setup = app.setup.columns.get(index);
    let is_anchored = view.is_anchored();
    let state = match (view.held, is_anchored, view.new) {
        (true, _, 0) => "HELD .".to_owned(),
        (true, _, new) => format!("{new} new  HELD ."),
        (false, true, new) if new > 0 => format!("{new} new  ."),
        (false, true, _) => "kept".to_owned(),
        // A queue follows nothing: it stands in the order of what is due.
        (false, false, _) if setup.is_none() => String::new(),
        (false, false, _) if setup.is_some_and(|setup| has_ended(app, setup)) => "ended".to_owned(),
        (false, false, _) => (if area.width < 42 { "follow" } else { "following" }).to_owned(),
    };
    let is_refused = setup.is_some_and(|setup| refused(app, setup).is_some());
    let state = if is_refused { "REFUSED".to_owned() } else { state };
    let right = match (setup, app.queue_of(index)) {
        (Some(setup), _) => format!("{}  {state} ", networks(setup)),
        (None, Some(queue)) => match app.queues.len(queue) {
            1 => format!("1 case  {state} "),
            cases => format!("{cases} cases  {state} "),
        },
        (None, None) => return,
    };
    let title = setup.map(|setup| setup.title.as_str()).or_else(|| app.queue_of(index).map(Queue::title));
    let room = usize::from(area.width).saturating_sub(width(&right) + 1);
    let title = cut(&format!("{} {}", index + 1, title.unwrap_or_default()), room).into_owned();
    let style = if index == app.focus { theme.focused() } else { theme.strong() };
    let used = put(buffer, area.as_position(), area.width, &title, style) + 2;
    let left = room.saturating_sub(usize::from(used));
    // The name alone says little of what a column hears: as much of the query as there is room for does.
    if let Some(query) = setup.and_then(untitled).filter(|_| left >= SHORTEST_QUERY) {
        let at = Position::new(area.x + used, area.y);
        put(buffer, at, area.width, &cut(&query, left), theme.quiet());
    }
    let state_style = if is_refused {
        theme.overdue()
    } else if view.held || view.new > 0 {
        theme.warning()
    } else {
        theme.quiet()
    };
    if room > 0 {
        put_right(buffer, area.as_position(), area.width, &right, state_style);
    }
}

/// The query of a column that has no title but its name.
fn untitled(setup: &ColumnSetup) -> Option<String> {
    let query = clean::line(setup.rule.source());
    (setup.title == setup.name.as_str() && query != setup.title).then_some(query)
}

/// `x`, or `X B M` where one column hears several: the letters its rows carry.
fn networks(setup: &ColumnSetup) -> String {
    match setup.sources.as_slice() {
        [source] => source.network.prefix().to_owned(),
        several => several.iter().map(|source| source.network.letter().to_string()).collect::<Vec<_>>().join(" "),
    }
}

/// Nothing more comes into the column: its recording was played.
fn has_ended(app: &App, setup: &ColumnSetup) -> bool {
    let has_ended = |source: &ColumnSource| {
        app.links.get(&source.account).is_some_and(|report| matches!(report.state, LinkState::Ended { .. }))
    };
    setup.sources.iter().all(has_ended)
}

/// Why the network does not listen for the column, in its words.
fn refused<'a>(app: &'a App, setup: &ColumnSetup) -> Option<&'a str> {
    let reports = setup.sources.iter().filter_map(|source| app.links.get(&source.account));
    let mut refused = reports.flat_map(|report| &report.refused).filter(|(column, _)| *column == setup.name);
    refused.next().map(|(_, why)| why.as_str())
}

/// `~~~ gap 14:02-14:09 not filled: too many posts ~~~`, chosen `>~~ gap 14:02-14:09 Enter=fill ~~~`.
fn gap_line(app: &App, gap: &Gap, cells: u16, theme: Theme, (is_chosen, has_keys): (bool, bool)) -> Line<'static> {
    let can_be_filled = gap.to.is_some() && gap.fill.is_none();
    let words = match (is_chosen, can_be_filled) {
        (false, _) => format!("~~~ {} ", gap_words(app, gap)),
        (true, true) => format!(">~~ {} Enter=fill ", gap_span(app, gap)),
        (true, false) => format!(">~~ {} ", gap_words(app, gap)),
    };
    // What became of it is worth more than the waves before it.
    let words = match width(words.trim_end()) > usize::from(cells) {
        true if is_chosen => words.replacen("~~ ", "~ ", 1),
        true => words.replacen("~~~ ", "~ ", 1),
        false => words,
    };
    let words = cut(&words, usize::from(cells)).into_owned();
    let rest = usize::from(cells).saturating_sub(width(&words));
    let style = if has_keys { theme.selected() } else { theme.warning() };
    Line::from(vec![Span::styled(words, style), Span::styled("~".repeat(rest), style)])
}

/// A gap's times and what became of it.
pub(super) fn gap_words(app: &App, gap: &Gap) -> String {
    let span = gap_span(app, gap);
    match &gap.fill {
        _ if gap.to.is_none() => format!("{span}, still open"),
        None => format!("{span} not filled yet"),
        Some(GapFill::Filled { posts }) => format!("{span} filled: {posts} new"),
        Some(GapFill::NotFilled { why }) => format!("{span} not filled: {why}"),
    }
}

fn gap_span(app: &App, gap: &Gap) -> String {
    gap::span(gap.from, gap.to, &app.setup.zone)
}

fn empty(buffer: &mut Buffer, body: Rect, app: &App, index: usize, theme: Theme) {
    let words = match app.queue_of(index) {
        _ if !app.caught_up => reading::of_store(app),
        Some(_) => "no case".to_owned(),
        None => "no posts yet".to_owned(),
    };
    put(buffer, Position::new(body.x + 1, body.y), body.width.saturating_sub(1), &words, theme.quiet());
}
