//! Moving about in the columns, and keeping one's place in them.

use std::collections::BTreeSet;
use std::ops::Bound;

use jiff::{SignedDuration, Timestamp};

use super::column::ColumnView;
use super::command::Command;
use super::gap_rows::Way;
use super::queue::QueuePlace;
use super::{App, Effect, LineInput, Mode, Queue};
use crate::desk::PostView;
use crate::model::{CaseId, PostId};

/// So many posts scrolled up from the store, or pushed out of the window above a held row, stay in a column.
const OLDER_KEPT: usize = 4_000;

/// A case that is merely passed on the way down a column is not read from the store.
const RESTS_AFTER: SignedDuration = SignedDuration::from_millis(500);

/// Where a page's length is not known yet.
const PAGE: usize = 8;

/// A post's time and name: rows are ordered by both.
type Place = (Timestamp, PostId);

/// Where a row stands: at its place in the desk's window, or so far down the posts read from the store.
#[derive(Clone, Debug)]
pub(super) enum Spot {
    Window(Place),
    Older(usize),
    Queue(QueuePlace),
}

/// One post's row.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row<'a> {
    pub(super) at: Timestamp,
    pub(super) id: &'a PostId,
}

impl<'a> Row<'a> {
    fn of(post: &'a PostView) -> Self {
        Self { at: post.at, id: &post.id }
    }
}

impl App {
    /// The row on top of a column.
    pub(super) fn newest_row(&self, column: usize) -> Option<&PostId> {
        match self.queue_rows(column) {
            Some(rows) => rows.post(&rows.first()?).map(|post| &post.id),
            None => self.window(column)?.last().map(|(_, post)| post),
        }
    }

    /// The posts of a queue's rows within `reach` of where it stands; nothing for a column of posts.
    pub(super) fn queued_around(&self, column: usize, reach: usize) -> impl Iterator<Item = &PostView> {
        let rows = self.queue_rows(column);
        let here = rows.and_then(|rows| {
            let selected = self.columns.get(column)?.selected.as_ref();
            selected.and_then(|post| rows.place_of(post)).or_else(|| rows.first())
        });
        let up = std::iter::successors(here, move |place| rows?.before(place)).take(reach);
        let down = std::iter::successors(here, move |place| rows?.after(place)).skip(1).take(reach);
        up.chain(down).filter_map(move |place| rows?.post(&place))
    }

    /// Where a post stands in a column; `None` where the column does not show it.
    pub(super) fn spot(&self, column: usize, post: &PostId) -> Option<Spot> {
        if let Some(rows) = self.queue_rows(column) {
            return rows.place_of(post).map(Spot::Queue);
        }
        let place = self.desk.posts.get(post).map(PostView::place);
        if let Some(place) = place.filter(|place| self.window(column).is_some_and(|window| window.contains(place))) {
            return Some(Spot::Window(place));
        }
        self.columns.get(column)?.older.iter().position(|older| older.id == *post).map(Spot::Older)
    }

    /// Whether a column shows a post.
    pub(super) fn has_row(&self, column: usize, post: &PostId) -> bool {
        self.spot(column, post).is_some()
    }

    fn window(&self, column: usize) -> Option<&BTreeSet<Place>> {
        self.desk.columns.get(&self.setup.columns.get(column)?.name).map(|column| &column.window)
    }

    /// The rows under a spot, or all of them, on the way to older posts. A step costs the same however deep it is.
    pub(super) fn below<'a>(&'a self, column: usize, spot: Option<&Spot>) -> impl Iterator<Item = Row<'a>> + use<'a> {
        let view = self.columns.get(column).filter(|_| column < self.setup.columns.len());
        let rows = self.queue_rows(column);
        let first = rows.and_then(|rows| match spot {
            Some(Spot::Queue(place)) => rows.after(place),
            _ => rows.first(),
        });
        let queued = std::iter::successors(first, move |place| rows?.after(place));
        let queued = queued.filter_map(move |place| rows?.post(&place)).map(Row::of);
        let (window, from) = match spot {
            None => (self.window(column).map(|window| window.range::<Place, _>(..)), 0),
            Some(Spot::Window(place)) => (self.window(column).map(|window| window.range::<Place, _>(..place)), 0),
            Some(Spot::Older(at)) => (None, at + 1),
            Some(Spot::Queue(_)) => (None, 0),
        };
        let older = view.and_then(|view| view.older.get(from..)).unwrap_or_default();
        let posts = window.into_iter().flat_map(Iterator::rev).map(|(at, id)| Row { at: *at, id });
        posts.chain(older.iter().map(Row::of)).chain(queued)
    }

    /// The rows over a spot, on the way to newer posts.
    pub(super) fn above<'a>(&'a self, column: usize, spot: &Spot) -> impl Iterator<Item = Row<'a>> + use<'a> {
        let rows = self.queue_rows(column);
        let (from, below, first) = match spot {
            Spot::Window(place) => (Bound::Excluded(place), 0, None),
            Spot::Older(at) => (Bound::Unbounded, *at, None),
            Spot::Queue(place) => (Bound::Unbounded, 0, rows.and_then(|rows| rows.before(place))),
        };
        let queued = std::iter::successors(first, move |place| rows?.before(place));
        let queued = queued.filter_map(move |place| rows?.post(&place)).map(Row::of);
        let older = self.columns.get(column).and_then(|view| view.older.get(..below)).unwrap_or_default();
        let window = self.window(column).map(|window| window.range::<Place, _>((from, Bound::Unbounded)));
        let posts = window.into_iter().flatten().map(|(at, id)| Row { at: *at, id });
        older.iter().rev().map(Row::of).chain(posts).chain(queued)
    }

    /// The rows that may be on the screen: a screenful to each side of the selected one, else the newest ones.
    pub(super) fn rows_in_sight(&self, column: usize) -> impl Iterator<Item = Row<'_>> {
        let view = self.columns.get(column);
        let reach = view.map_or(0, |view| view.shown).max(PAGE);
        let spot = view.and_then(|view| self.spot(column, view.selected.as_ref()?));
        let above = spot.as_ref().and_then(|spot| self.above(column, spot).take(reach).last());
        let first = above.and_then(|top| self.spot(column, top.id)).or(spot);
        let top = first.as_ref().and_then(|first| self.at(column, first));
        let rows = if first.is_some() { 2 * reach + 1 } else { reach };
        top.into_iter().chain(self.below(column, first.as_ref())).take(rows)
    }

    fn at(&self, column: usize, spot: &Spot) -> Option<Row<'_>> {
        match spot {
            Spot::Window(place) => self.window(column)?.get(place).map(|(at, id)| Row { at: *at, id }),
            Spot::Older(at) => self.columns.get(column)?.older.get(*at).map(Row::of),
            Spot::Queue(place) => self.queue_rows(column)?.post(place).map(Row::of),
        }
    }

    /// When a post that the column shows was written.
    pub(super) fn row_at(&self, column: usize, post: &PostId) -> Option<Timestamp> {
        let spot = self.spot(column, post)?;
        self.at(column, &spot).map(|row| row.at)
    }

    fn page(&self) -> usize {
        match self.columns.get(self.focus).map_or(0, |column| column.shown) {
            0 => PAGE,
            shown => shown,
        }
    }

    /// Moves the selection of the focused column. From a column that follows, every move first takes hold of the
    /// newest row.
    pub(super) fn walk(&mut self, command: Command, out: &mut Vec<Effect>) {
        self.opened = None;
        let column = self.focus;
        let here = self.stop(column);
        let page = self.page();
        let half = (page / 2).max(1);
        // So many rows up or down from the selected row, or from the newest where none is.
        let (way, rows) = match (command, here.is_some()) {
            (Command::ToTop | Command::ToBottom, _) => (Way::Down, 0),
            (Command::MoveDown | Command::MoveUp | Command::PageUp | Command::HalfPageUp, false) => (Way::Down, 0),
            (Command::MoveDown, true) => (Way::Down, 1),
            (Command::MoveUp, true) => (Way::Up, 1),
            (Command::HalfPageDown, _) => (Way::Down, half),
            (Command::HalfPageUp, true) => (Way::Up, half),
            (Command::PageDown, _) => (Way::Down, page),
            (Command::PageUp, true) => (Way::Up, page),
            _ => return,
        };
        let from = match (command, here) {
            (Command::ToBottom, _) => self.end_row(column, Way::Down),
            (Command::ToTop, _) | (_, None) => self.end_row(column, Way::Up),
            (_, Some(here)) => Some(here),
        };
        let Some(to) = from.and_then(|from| self.rows_on(column, &from, way, rows)) else { return };
        let Some(spot) = self.spot_next_to(column, &to, Way::Down) else { return };
        let is_near_end = self.below(column, Some(&spot)).take(page).count() < page;
        self.stand_on(column, to);
        if is_near_end {
            self.read_older(out);
        }
    }

    /// The last row of a column.
    pub(super) fn oldest(&self, column: usize) -> Option<Row<'_>> {
        if let Some(rows) = self.queue_rows(column) {
            return rows.post(&rows.last()?).map(Row::of);
        }
        let older = self.columns.get(column).and_then(|view| view.older.last()).map(Row::of);
        older.or_else(|| self.window(column)?.first().map(|(at, id)| Row { at: *at, id }))
    }

    /// Selects a row: from now on the column keeps it where it is.
    pub(super) fn choose(&mut self, column: usize, post: PostId, by_hand: bool) {
        let new = self.columns.get(column).map_or(0, |view| view.new);
        let spot = Some(&post).filter(|_| new > 0).and_then(|post| self.spot(column, post));
        let newer = spot.map_or(0, |spot| self.above(column, &spot).take(new).count());
        self.take_hold(column, &post);
        if let Some(view) = self.columns.get_mut(column) {
            view.selected = Some(post);
            view.gap = None;
            view.touched |= by_hand;
            // What lies above the selection has been passed or not been seen; more than that is not new.
            view.new = view.new.min(newer);
            self.dirty = true;
        }
    }

    /// Takes hold of the newest row of a focused column that follows. Whether there is one.
    pub(super) fn choose_newest(&mut self) -> bool {
        if self.gap_in_hand().is_some() {
            return false;
        }
        let newest = self.below(self.focus, None).next().map(|row| row.id.clone());
        if let Some(post) = newest {
            self.choose(self.focus, post, true);
            return true;
        }
        false
    }

    /// Asks the store for what lies below the column's last row.
    fn read_older(&mut self, out: &mut Vec<Effect>) {
        let before = self.oldest(self.focus).map(|row| (row.at, row.id.clone()));
        let (Some(view), Some(setup), Some(before)) =
            (self.columns.get_mut(self.focus), self.setup.columns.get(self.focus), before)
        else {
            return;
        };
        // Every post that ever matched is in the window: the store has no more.
        let all_here = self
            .desk
            .columns
            .get(&setup.name)
            .is_some_and(|column| view.older.is_empty() && column.window.len() as u64 >= column.matched);
        if all_here {
            self.dirty |= !view.at_end;
            view.at_end = true;
        }
        if view.at_end || view.asking_older {
            return;
        }
        view.asking_older = true;
        self.dirty = true;
        out.push(Effect::ReadOlder { column: self.focus, name: setup.name.clone(), before });
    }

    /// The store's answer to [`Effect::ReadOlder`].
    pub(super) fn older(&mut self, column: usize, posts: Vec<PostView>) {
        let last = self.below(column, None).map(|row| (row.at, row.id)).min().map(|(at, id)| (at, id.clone()));
        let Some(view) = self.columns.get_mut(column).filter(|view| view.asking_older) else { return };
        view.asking_older = false;
        view.at_end = posts.is_empty();
        let older =
            posts.into_iter().filter(|post| last.as_ref().is_none_or(|last| (post.at, post.id.clone()) < *last));
        view.older.extend(older);
        view.older.sort_by(|a, b| (b.at, &b.id).cmp(&(a.at, &a.id)));
        view.older.dedup_by(|a, b| a.id == b.id);
        self.dirty = true;
    }

    /// Keeps what new posts pushed out of the window, for a column in which somebody has taken hold of a row.
    pub(super) fn keep_pushed_out(view: &mut ColumnView, mut pushed: Vec<PostView>) {
        pushed.sort_by(|a, b| (b.at, &b.id).cmp(&(a.at, &a.id)));
        view.older.splice(0..0, pushed);
        if view.older.len() > OLDER_KEPT {
            view.older.truncate(OLDER_KEPT);
            view.at_end = false;
        }
    }

    /// Gives the keys to a column. The one left follows again where nobody took hold of it; the new one keeps its
    /// newest row under the keys, so that a command means the post one sees.
    pub(super) fn focus_on(&mut self, column: usize) {
        if column >= self.columns.len() {
            return self.info(format!("there is no column {}", column + 1));
        }
        self.opened = None;
        if column != self.focus {
            if let Some(left) = self.columns.get_mut(self.focus).filter(|left| !left.touched && !left.held) {
                follow(left);
            }
            self.focus = column;
            if self.columns[column].selected.is_none() && self.choose_newest() {
                self.columns[column].touched = false;
            }
        }
        self.books.arrived.insert(column, 0);
        self.dirty = true;
    }

    pub(super) fn step_column(&mut self, forward: bool) {
        let columns = self.columns.len();
        if forward && self.focus + 1 < columns {
            self.focus_on(self.focus + 1);
        } else if !forward && self.focus > 0 {
            self.focus_on(self.focus - 1);
        }
    }

    /// `'`: the line that takes a column's number or name.
    pub(super) fn ask_column(&mut self) {
        let text = format!("{} ", Command::GoToColumn.name());
        self.open_over(Mode::CommandLine(LineInput { cursor: text.len(), text, error: None }));
    }

    /// The column of that number, or whose name or title begins so; the one so called before all others.
    pub(super) fn column_named(&self, words: &str) -> Result<usize, String> {
        let names: Vec<(&str, &str)> = (0..self.columns.len())
            .filter_map(|at| match self.setup.columns.get(at) {
                Some(column) => Some((column.name.as_str(), column.title.as_str())),
                None => self.queue_of(at).map(|queue| (queue.tab(), queue.title())),
            })
            .collect();
        if let Ok(number) = words.parse::<usize>() {
            let at = number.checked_sub(1).filter(|at| *at < names.len());
            return at.ok_or_else(|| format!("there is no column {words}: they go from 1 to {}", names.len()));
        }
        let wanted = words.to_lowercase();
        let begins = |name: &str| name.to_lowercase().starts_with(&wanted);
        let exact = names.iter().position(|(name, _)| name.to_lowercase() == wanted);
        let named = || names.iter().position(|(name, _)| begins(name));
        let titled = || names.iter().position(|(_, title)| begins(title));
        let told = || names.iter().zip(1..).map(|((name, _), n): (_, usize)| format!("{n} {name}")).collect::<Vec<_>>();
        exact.or_else(named).or_else(titled).ok_or_else(|| format!("no column is called so: {}", told().join(", ")))
    }

    /// Tab: every column in turn, then the case pane where it stands beside them.
    pub(super) fn step_pane(&mut self, forward: bool, out: &mut Vec<Effect>) {
        let last = self.columns.len() - 1;
        if matches!(self.mode, Mode::Case { .. }) {
            self.go_to_columns();
            self.focus_on(if forward { 0 } else { last });
        } else if self.has_pane() && self.focus == if forward { last } else { 0 } {
            self.open_case(out);
        } else {
            let columns = self.columns.len();
            self.focus_on((self.focus + if forward { 1 } else { columns - 1 }) % columns);
        }
    }

    /// `ga`: the next column, going round, in which something came in since it last had the keys.
    pub(super) fn next_news(&mut self) {
        let columns = self.columns.len();
        let mut others = (1..columns).map(|step| (self.focus + step) % columns);
        let news = others.find(|column| {
            self.books.arrived.get(column).is_some_and(|arrived| *arrived > 0) || self.columns[*column].new > 0
        });
        match news {
            Some(column) => self.focus_on(column),
            None => self.info("nothing new in the other columns".to_owned()),
        }
    }

    /// `.`
    pub(super) fn go_live(&mut self) {
        self.opened = None;
        if let Some(view) = self.columns.get_mut(self.focus) {
            view.held = false;
            follow(view);
            self.dirty = true;
        }
    }

    /// `P`
    pub(super) fn hold(&mut self) {
        let Some(view) = self.columns.get_mut(self.focus) else { return };
        if view.held {
            return self.go_live();
        }
        view.held = true;
        if view.selected.is_none() {
            self.choose_newest();
        }
        self.dirty = true;
        self.info("held; . goes back to live".to_owned());
    }

    /// `!`
    pub(super) fn most_overdue(&mut self, out: &mut Vec<Effect>) {
        let first = self.queues.cases(Queue::Overdue).next();
        match first {
            Some(case) => self.go_to_case(case, out),
            None => self.info("no case is overdue".to_owned()),
        }
    }

    /// Shows a case: its oldest post waiting for an answer where a column has it, else in the pane alone.
    pub(super) fn go_to_case(&mut self, case: CaseId, out: &mut Vec<Effect>) {
        let Some(case) = self.desk.cases.get(&case) else {
            return self.info("that case is no longer at hand; / finds it".to_owned());
        };
        let mut posts: Vec<_> = case.posts.iter().filter_map(|post| self.desk.posts.get(post)).cloned().collect();
        posts.sort_by_key(|post| (case.waiting_since != Some(post.at), std::cmp::Reverse(post.at)));
        if posts.iter().any(|post| self.go_to_post(&post.id)) {
            return;
        }
        match posts.into_iter().next() {
            Some(post) => self.open_post(post, out),
            None => self.info("the case's posts are no longer at hand".to_owned()),
        }
    }

    /// Selects a post in the column that shows it, the focused one before the others. Whether one does.
    pub(super) fn go_to_post(&mut self, post: &PostId) -> bool {
        let columns = std::iter::once(self.focus).chain(0..self.columns.len());
        let found = columns.into_iter().find(|column| self.has_row(*column, post));
        let Some(column) = found else { return false };
        self.go_to_columns();
        self.focus_on(column);
        self.choose(column, post.clone(), true);
        true
    }

    /// Opens a post that no column shows.
    pub(super) fn open_post(&mut self, post: PostView, out: &mut Vec<Effect>) {
        self.open_over(Mode::Case { scroll: 0 });
        self.opened = Some(post);
        self.keep_pane_read(out);
    }

    /// Enter on a row.
    pub(super) fn open_case(&mut self, out: &mut Vec<Effect>) {
        if self.gap_in_hand().is_some() {
            return self.say_gap();
        }
        if self.post_in_hand().is_none() && !self.choose_newest() {
            return self.info("there is no post here yet".to_owned());
        }
        if let Some(view) = self.columns.get_mut(self.focus) {
            view.touched = true;
        }
        self.open_over(Mode::Case { scroll: 0 });
        self.keep_pane_read(out);
    }

    /// Asks for the events of the case that has the keys, once per case. Beside the columns they are asked for once
    /// somebody rests on a row: walking down a column must not ask the store at every step.
    pub(super) fn keep_pane_read(&mut self, out: &mut Vec<Effect>) {
        let rests = self.rests_beside_pane();
        // A reply must not repeat its case's notes, so they are read before it is previewed.
        let noted = self.draft_case().and_then(|case| self.desk.cases.get(&case)).filter(|case| case.notes > 0);
        if noted.is_none() && !matches!(self.mode, Mode::Case { .. }) && !rests {
            return;
        }
        // One that the desk has let go is told from the store alone; what no column heard is not there either.
        let let_go = || {
            let post = self.post_in_hand().filter(|post| !post.columns.is_empty())?;
            post.case.filter(|_| matches!(self.mode, Mode::Case { .. }))
        };
        let Some(case) = noted.or_else(|| self.case_in_hand()).map(|case| case.id).or_else(let_go) else { return };
        let known = self.case_events.as_ref().is_some_and(|events| events.case == case);
        if !known && self.books.asked_case != Some(case) {
            self.books.asked_case = Some(case);
            out.push(Effect::ReadCase { case });
        }
    }
}

impl App {
    /// Whether the pane beside the columns has shown the same case for a moment.
    fn rests_beside_pane(&mut self) -> bool {
        let case = self.case_in_hand().filter(|_| self.has_pane() && self.caught_up).map(|case| case.id);
        if self.books.in_pane.map(|(case, _)| case) != case {
            self.books.in_pane = case.map(|case| (case, self.now));
        }
        self.has_rested()
    }

    /// So it was when that was looked at last.
    pub(super) fn has_rested(&self) -> bool {
        // A clock set back must not keep it unread.
        self.books.in_pane.is_some_and(|(_, since)| self.now.duration_since(since).abs() >= RESTS_AFTER)
    }
}

fn follow(view: &mut ColumnView) {
    view.selected = None;
    view.gap = None;
    view.taken = None;
    view.stands = false;
    view.touched = false;
    view.new = 0;
    view.older = Vec::new();
    view.asking_older = false;
    view.at_end = false;
}
