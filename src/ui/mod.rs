//! The screen: reads the app's state and draws it, decides nothing.
//!
//! ```text
//!  replydeck  as @CharterHelp (X)  LIVE 3/3  mine 2  new 7  OVERDUE 1   14:32:05Z    head
//!  [1 charter 4]  2 outage 12!  3 mentions 2                                         status: tabs
//! |1 charter OR #charter   x  follow |2 #outage   x  3 new  . |CASE 4812  N new  |   column: head, case
//! |----------------------------------|------------------------|------------------|
//! |>N  0:04 @jo_m       1.2k fol 3rd | N  0:02 @a_reno  5 fol |@jo_m  Jo M       |   post
//! | Charter internet is really slow  | everything is down     |Charter internet..|
//! |----------------------------------|------------------------|------------------|
//! |~~~ gap 14:02-14:09 not filled ~~~|                        |REPLY draft PUBLIC|   column, composer
//! +----------------------------------+------------------------+------------------+
//!  r ack  d ask-DM  b both  c claim  e resolve  / find  ? all keys                   status: keys
//!  sent to @petrk in 0:07  u=undo                          charter live 6s ago       status: foot
//! ```
//!
//! A column needs at least [`COLUMN`] cells; as many as fit are shown, the focused one among them. From
//! [`WITH_PANE`] cells on the case stays open at the right, and composer and preview are drawn inside that
//! pane; on a smaller screen case, composer and preview take the whole body. Lists and help lie over the
//! columns. The hardware cursor stands on the selected row or the insertion point, always.
//!
//! Borders are ASCII: the box-drawing characters are two cells wide in some East Asian terminals.
//!
//! A frame costs what is visible: rows are reached from the anchored one by steps in ordered sets, wrapped
//! texts are kept, totals are counted again only when the desk or the second changed.

use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use crate::app::{App, Mode, Resolving};

mod adding;
mod asking;
mod case;
mod column;
mod composer;
mod conversation;
mod drafts;
mod find;
mod head;
mod help;
mod hints;
mod history;
mod links;
mod loud;
mod notices;
mod order;
mod outbox;
mod paint;
mod palette;
mod person;
mod post;
mod preview;
mod quit;
mod reading;
pub mod report;
mod rows;
mod shortcodes;
mod spending;
mod status;
pub mod text;
pub mod theme;
pub mod time;

pub use theme::Theme;

/// A column is never narrower, unless the screen is.
pub const COLUMN: u16 = 38;
/// From so many cells on the case pane stays open.
pub const WITH_PANE: u16 = 150;
/// Below this only a line saying so is drawn.
const SMALLEST: (u16, u16) = (20, 6);

/// What one frame leaves to the next: where every column stands, which columns are shown, wrapped texts.
#[derive(Debug)]
pub struct Cache {
    theme: Theme,
    places: Vec<Option<column::Place>>,
    first: usize,
    shown: Vec<usize>,
    wraps: post::Wraps,
    counts: reading::Counts,
    scroll_end: Option<u16>,
    /// How many of the notices that wait for a key have been drawn.
    told: usize,
}

impl Cache {
    pub fn new(theme: Theme) -> Self {
        Self {
            theme,
            places: Vec::new(),
            first: 0,
            shown: Vec::new(),
            wraps: post::Wraps::default(),
            counts: reading::Counts::default(),
            scroll_end: None,
            told: 0,
        }
    }

    /// Posts drawn per column of `App::columns` in the last frame that showed the columns; 0 for a column
    /// that was off the screen.
    pub fn shown(&self) -> Vec<usize> {
        self.shown.clone()
    }

    /// How many of [`crate::app::Notices::shown`] the last frame had room for.
    pub fn told(&self) -> usize {
        self.told
    }

    /// How far the screen that has the keys could be scrolled in the last frame; `None` for screens that count their
    /// lines themselves.
    pub fn scroll_end(&self) -> Option<u16> {
        self.scroll_end
    }
}

/// Draws one frame. The same state and cache draw the same frame.
pub fn draw(frame: &mut Frame<'_>, app: &App, cache: &mut Cache) {
    let area = frame.area();
    if area.is_empty() {
        return;
    }
    let cursor = screen(frame.buffer_mut(), area, app, cache);
    let last = Position::new(area.right() - 1, area.bottom() - 1);
    frame.set_cursor_position(Position::new(cursor.x.min(last.x), cursor.y.min(last.y)));
}

fn screen(buffer: &mut Buffer, area: Rect, app: &App, cache: &mut Cache) -> Position {
    let theme = cache.theme;
    if area.width < SMALLEST.0 || area.height < SMALLEST.1 {
        paint::put(buffer, area.as_position(), area.width, "too small", theme.strong());
        return area.as_position();
    }
    cache.counts.refresh(app);
    cache.scroll_end = None;
    cache.told = 0;
    cache.wraps.begin(app.setup.shortcodes);
    if cache.places.len() != app.columns.len() {
        cache.places.resize_with(app.columns.len(), || None);
        cache.shown = vec![0; app.columns.len()];
    }
    let line = |y: u16| Rect::new(area.x, y, area.width, 1);
    head::draw(buffer, line(area.y), app, &cache.counts, theme);
    status::tabs(buffer, line(area.y + 1), app, &cache.counts, theme);
    let body = Rect::new(area.x, area.y + 2, area.width, area.height - 4);
    let cursor = draw_body(buffer, body, app, cache);
    status::keys(buffer, line(body.bottom()), app, theme);
    let foot = line(body.bottom() + 1);
    let cursor = if let Mode::CommandLine(input) = &app.mode {
        palette::draw_command_line(buffer, foot, input, theme)
    } else {
        status::foot(buffer, foot, app, theme);
        cache.told = 1;
        cursor
    };
    let loud = loud::needed(app, area.width);
    if !loud.is_empty() {
        cache.told = loud::draw(buffer, body, app, &loud, (cursor, theme));
    }
    if !app.prefix.is_empty() {
        status::which_key(buffer, body, app, theme);
    }
    cache.wraps.end();
    cursor
}

fn draw_body(buffer: &mut Buffer, body: Rect, app: &App, cache: &mut Cache) -> Position {
    let theme = cache.theme;
    let pane = if body.width >= WITH_PANE { (u32::from(body.width) * 69 / 200).try_into().unwrap_or(0) } else { 0 };
    let whole = |buffer: &mut Buffer, title: &str| paint::boxed(buffer, body, title, theme.frame(), theme.focused());
    if pane == 0 {
        match &app.mode {
            Mode::Case { scroll } => {
                let inside = whole(buffer, "");
                return scrolled(cache, case::draw(buffer, inside, app, *scroll, theme));
            }
            Mode::Composer(composer) => {
                let inside = whole(buffer, "");
                return composer::draw(buffer, inside, app, composer, theme);
            }
            Mode::Preview(preview) => {
                let inside = whole(buffer, "");
                return scrolled(cache, preview::draw(buffer, inside, app, preview, theme));
            }
            _ => {}
        }
    }
    match &app.mode {
        Mode::Help { scroll } => return scrolled(cache, help::draw(buffer, body, app, *scroll, theme)),
        Mode::Outbox { selected } => return outbox::draw(buffer, body, app, *selected, theme),
        Mode::Drafts { selected } => return drafts::draw(buffer, body, app, *selected, theme),
        Mode::Links { scroll } => return scrolled(cache, links::draw(buffer, body, app, *scroll, theme)),
        Mode::Notices { scroll } => return scrolled(cache, notices::draw(buffer, body, app, *scroll, theme)),
        Mode::Find(find) => return find::draw(buffer, body, app, find, theme),
        Mode::Report(screen) => return scrolled(cache, report::draw(buffer, body, app, screen, theme)),
        Mode::Spend(screen) => return scrolled(cache, spending::draw(buffer, body, app, screen, theme)),
        Mode::Person(screen) => return scrolled(cache, person::draw(buffer, body, app, screen, theme)),
        Mode::History(screen) => return scrolled(cache, history::draw(buffer, body, app, screen, theme)),
        Mode::AddColumn(adding) => return adding::draw(buffer, body, app, adding, theme),
        _ => {}
    }
    // Columns and pane share a wall.
    let columns_width = body.width - pane;
    let mut cursor = draw_columns(buffer, Rect { width: columns_width, ..body }, app, cache);
    if pane > 0 {
        let at = Rect::new(body.x + columns_width - 1, body.y, pane + 1, body.height);
        if let Some(in_pane) = draw_pane(buffer, at, app, cache) {
            cursor = in_pane;
        }
    }
    let over = lower(body, 14);
    match &app.mode {
        Mode::Palette(picker) => palette::draw_commands(buffer, over, app, picker, theme),
        Mode::SavedReplies(_, picker) => palette::draw_saved(buffer, over, app, picker, theme),
        Mode::Resolve { picker, step, closing, cases } => {
            let title = resolve_title(step, *closing, &asking::whose(app, cases));
            palette::draw_ends(buffer, over, app, (step, &title), picker, theme)
        }
        Mode::Assign { picker, reps, cases } => {
            let title = format!("hand over to whom? {}", asking::whose(app, cases));
            palette::draw_reps(buffer, over, app, (reps, &title), picker, theme)
        }
        Mode::Tag(line) => asking::draw_line(buffer, over, app, line, "tag", theme),
        Mode::Snooze(line) => asking::draw_line(buffer, over, app, line, "until when?", theme),
        Mode::Note(note) => asking::draw_note(buffer, over, app, note, theme),
        Mode::QuitQuestion => quit::draw(buffer, body, app, theme),
        _ => cursor,
    }
}

/// Keeps how far a screen can be scrolled.
fn scrolled(cache: &mut Cache, (cursor, end): (Position, u16)) -> Position {
    cache.scroll_end = Some(end);
    cursor
}

/// `resolve case 12: what was the cause?  Tab: [ ] closing`
fn resolve_title(step: &Resolving, closing: bool, whose: &str) -> String {
    let asked = match step {
        Resolving::Cause => "what was the cause?",
        Resolving::Outcome { .. } => "how did it end?",
    };
    let closing = if closing { "[x] closing, a goodbye does not reopen it" } else { "[ ] closing" };
    format!("resolve {whose}: {asked}  Tab: {closing}")
}

/// The lowest rows of the body, for a list over the columns.
fn lower(body: Rect, rows: u16) -> Rect {
    let height = rows.min(body.height);
    let width = body.width.min(100);
    Rect::new(body.x, body.bottom() - height, width, height)
}

/// As many columns as fit, side by side between walls; returns the focused one's cursor.
fn draw_columns(buffer: &mut Buffer, area: Rect, app: &App, cache: &mut Cache) -> Position {
    let theme = cache.theme;
    let all = app.columns.len();
    let fit = usize::from(((area.width - 1) / (COLUMN + 1)).max(1)).min(all.max(1));
    let focus = app.focus.min(all.saturating_sub(1));
    cache.first = cache.first.clamp((focus + 1).saturating_sub(fit), focus).min(all.saturating_sub(fit));
    cache.shown.iter_mut().for_each(|shown| *shown = 0);
    let rows = area.height - 1;
    let bottom = Position::new(area.x, area.bottom() - 1);
    paint::rule(buffer, bottom, area.width, '-', theme.frame());
    let fit_cells = u16::try_from(fit).unwrap_or(1);
    let inner = area.width.saturating_sub(fit_cells + 1);
    let mut x = area.x;
    let mut cursor = area.as_position();
    for i in 0..fit_cells {
        let index = cache.first + usize::from(i);
        // What does not divide goes to the columns at the right.
        let width = inner / fit_cells + u16::from(i >= fit_cells - inner % fit_cells);
        border(buffer, Position::new(x, area.y), rows, theme);
        let inside = Rect::new(x + 1, area.y, width, rows);
        if let Some(place) = cache.places.get_mut(index) {
            let drawn = column::draw(buffer, inside, app, index, theme, place, &mut cache.wraps);
            cache.shown[index] = drawn.shown;
            if index == app.focus {
                cursor = drawn.cursor;
            }
        }
        x += width + 1;
    }
    border(buffer, Position::new(x, area.y), rows, theme);
    cursor
}

/// A wall with its foot.
fn border(buffer: &mut Buffer, at: Position, rows: u16, theme: Theme) {
    paint::wall(buffer, at, rows, theme.frame());
    paint::rule(buffer, Position::new(at.x, at.y + rows), 1, '+', theme.frame());
}

/// The pane at the right; returns the cursor's cell if the pane has the keys.
fn draw_pane(buffer: &mut Buffer, area: Rect, app: &App, cache: &mut Cache) -> Option<Position> {
    let theme = cache.theme;
    let rows = area.height - 1;
    paint::rule(buffer, Position::new(area.x, area.bottom() - 1), area.width, '-', theme.frame());
    border(buffer, area.as_position(), rows, theme);
    border(buffer, Position::new(area.right() - 1, area.y), rows, theme);
    let inside = Rect::new(area.x + 1, area.y, area.width - 2, rows);
    match &app.mode {
        Mode::Case { scroll } => Some(scrolled(cache, case::draw(buffer, inside, app, *scroll, theme))),
        Mode::Preview(preview) => Some(scrolled(cache, preview::draw(buffer, inside, app, preview, theme))),
        Mode::Composer(composer) | Mode::SavedReplies(composer, _) => {
            let height = (inside.height * 2 / 5).max(16).min(inside.height);
            let above = Rect { height: inside.height - height, ..inside };
            if above.height > 1 {
                case::draw(buffer, Rect { height: above.height - 1, ..above }, app, 0, theme);
                paint::rule(buffer, Position::new(inside.x, above.bottom() - 1), inside.width, '-', theme.frame());
            }
            let below = Rect { y: above.bottom(), height, ..inside };
            Some(composer::draw(buffer, below, app, composer, theme))
        }
        _ => {
            case::draw(buffer, inside, app, 0, theme);
            None
        }
    }
}
