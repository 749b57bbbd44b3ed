//! Queues: columns of cases in the order in which they are due, one row for each case.
//!
//! The order is kept beside the desk and follows its changes case by case, so neither a frame nor a key looks at all
//! open cases. It changes with an event, or at the moment a case becomes overdue or comes back from being put off;
//! nothing else moves a row. The row under the keys stays where it was taken hold of until they leave it, even when
//! its case has left the queue.

use std::collections::{BTreeSet, HashMap};
use std::ops::Bound::{Excluded, Unbounded};

use jiff::Timestamp;

use super::{App, ColumnView};
use crate::desk::changed::Changes;
use crate::desk::{Case, PostView, Terms};
use crate::model::sla::Targets;
use crate::model::{CaseId, CaseStatus, PostId};

/// A queue one can have as a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Queue {
    /// What I have and is not put off.
    Mine,
    /// Everything that is due at some time, whoever has it.
    Due,
    /// What waits for an answer for 24 hours or longer.
    Overdue,
    /// What waits for the customer, and what is put off.
    Waiting,
    /// What has direct messages.
    Messages,
}

impl Queue {
    pub const ALL: [Queue; 5] = [Queue::Mine, Queue::Due, Queue::Overdue, Queue::Waiting, Queue::Messages];

    /// On the tab. Who waits is always said: a row tells `waiting on us`.
    pub fn tab(self) -> &'static str {
        match self {
            Queue::Waiting => "on them",
            Queue::Mine | Queue::Due | Queue::Overdue | Queue::Messages => self.word(),
        }
    }

    /// In the config.
    pub fn word(self) -> &'static str {
        match self {
            Queue::Mine => "mine",
            Queue::Due => "due",
            Queue::Overdue => "overdue",
            Queue::Waiting => "waiting",
            Queue::Messages => "messages",
        }
    }

    /// In the column's head.
    pub fn title(self) -> &'static str {
        match self {
            Queue::Mine => "my cases",
            Queue::Due => "what is due",
            Queue::Overdue => "overdue: 24 h unanswered",
            Queue::Waiting => "on them, or put off",
            Queue::Messages => "direct messages",
        }
    }

    pub fn named(word: &str) -> Option<Queue> {
        Queue::ALL.into_iter().find(|queue| queue.word() == word)
    }

    fn index(self) -> usize {
        match self {
            Queue::Mine => 0,
            Queue::Due => 1,
            Queue::Overdue => 2,
            Queue::Waiting => 3,
            Queue::Messages => 4,
        }
    }
}

/// What leads a queue comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Group {
    /// 24 hours without an answer, the longest of them first.
    Overdue,
    /// A rep wants it looked at before others.
    Urgent,
    /// By when it is due.
    Due,
    /// Nobody waits.
    Quiet,
}

/// Where a case stands in a queue; the smallest is on top.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct QueuePlace {
    group: Group,
    at: Timestamp,
    number: u64,
    pub case: CaseId,
}

/// Where a case stands in each queue, and when that changes by time alone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Listed {
    places: [Option<QueuePlace>; 5],
    changes: Option<Timestamp>,
    /// The columns of posts it stands in, while it is overdue.
    overdue_in: Vec<usize>,
}

/// The queues' order.
#[derive(Clone, Debug)]
pub struct Queues {
    orders: [BTreeSet<QueuePlace>; 5],
    listed: HashMap<CaseId, Listed>,
    /// When a case becomes overdue or is back, the next first.
    coming: BTreeSet<(Timestamp, CaseId)>,
    /// So far time has been followed.
    at: Timestamp,
    /// Cases that became overdue while time was followed and were not looked at since.
    fell: BTreeSet<CaseId>,
    /// Overdue cases by column of posts.
    overdue_in: HashMap<usize, usize>,
    step: u64,
}

impl Default for Queues {
    fn default() -> Self {
        Self {
            orders: Default::default(),
            listed: HashMap::new(),
            coming: BTreeSet::new(),
            at: Timestamp::MIN,
            fell: BTreeSet::new(),
            overdue_in: HashMap::new(),
            step: 0,
        }
    }
}

impl Queues {
    /// How many cases stand in a queue.
    pub fn len(&self, queue: Queue) -> usize {
        self.orders[queue.index()].len()
    }

    /// A queue's cases from the top.
    pub fn cases(&self, queue: Queue) -> impl Iterator<Item = CaseId> + '_ {
        self.orders[queue.index()].iter().map(|place| place.case)
    }

    pub(super) fn has(&self, queue: Queue, case: CaseId) -> bool {
        self.listed.get(&case).is_some_and(|listed| listed.places[queue.index()].is_some())
    }

    /// When the order changes next by time alone.
    pub fn next_change(&self) -> Option<Timestamp> {
        self.coming.first().map(|(at, _)| *at)
    }

    /// How many overdue cases have a post in a column.
    pub fn overdue_in(&self, column: usize) -> usize {
        self.overdue_in.get(&column).copied().unwrap_or(0)
    }

    /// Grows with every change.
    pub fn step(&self) -> u64 {
        self.step
    }

    pub(super) fn take_fallen(&mut self) -> BTreeSet<CaseId> {
        std::mem::take(&mut self.fell)
    }

    fn put(&mut self, case: CaseId, listed: Option<Listed>) {
        self.step += 1;
        if let Some(before) = self.listed.remove(&case) {
            for column in &before.overdue_in {
                if let Some(count) = self.overdue_in.get_mut(column) {
                    *count = count.saturating_sub(1);
                }
            }
            for (order, place) in self.orders.iter_mut().zip(&before.places) {
                if let Some(place) = place {
                    order.remove(place);
                }
            }
            if let Some(at) = before.changes {
                self.coming.remove(&(at, case));
            }
        }
        let Some(listed) = listed else { return };
        for (order, place) in self.orders.iter_mut().zip(&listed.places) {
            order.extend(*place);
        }
        if let Some(at) = listed.changes {
            self.coming.insert((at, case));
        }
        for column in &listed.overdue_in {
            *self.overdue_in.entry(*column).or_default() += 1;
        }
        self.listed.insert(case, listed);
    }
}

impl App {
    /// What the case's clocks are read by: of the columns its posts stand in the tightest targets.
    pub fn terms(&self, case: &Case) -> Terms<'_> {
        let desk = self.desk_of(case.id);
        let posts = case.posts.iter().filter_map(|post| desk.posts.get(post));
        let columns = posts.flat_map(|post| post.columns.iter()).filter_map(|name| self.column_setup(name));
        let targets = columns.map(|column| column.targets).reduce(Targets::tightened);
        Terms {
            hours: &self.setup.clocks.hours,
            targets: targets.unwrap_or(Targets::LOOSEST),
            stops: &self.setup.clocks.stops,
        }
    }

    /// The queue a column shows; `None` for a column of posts.
    pub fn queue_of(&self, column: usize) -> Option<Queue> {
        self.setup.queues.get(column.checked_sub(self.setup.columns.len())?).copied()
    }

    /// The column that shows a queue.
    pub fn column_of(&self, queue: Queue) -> Option<usize> {
        let at = self.setup.queues.iter().position(|known| *known == queue)?;
        Some(self.setup.columns.len() + at)
    }

    /// Puts what changed on the desk where it belongs now.
    pub(super) fn requeue(&mut self) {
        if !self.caught_up {
            return;
        }
        match self.desk.take_changes() {
            Changes::Cases(cases) => {
                for case in cases {
                    self.list_anew(case);
                }
            }
            Changes::All => self.requeue_all(),
        }
        self.keep_taken();
    }

    /// The same for all cases: at the start, with other settings, and where a clock was set back.
    pub fn requeue_all(&mut self) {
        self.queues = Queues {
            at: self.now,
            fell: std::mem::take(&mut self.queues.fell),
            step: self.queues.step + 1,
            ..Queues::default()
        };
        let cases: Vec<CaseId> = self.desk.cases.keys().copied().collect();
        for case in cases {
            self.list(case);
        }
    }

    /// Follows the time: what became overdue leads from now on, what was put off is back.
    pub(super) fn follow_time(&mut self) {
        if self.now < self.queues.at {
            self.requeue_all();
            self.dirty = true;
            return;
        }
        self.queues.at = self.now;
        while let Some((at, case)) = self.queues.coming.first().copied().filter(|(at, _)| *at <= self.now) {
            self.list_anew(case);
            // Whatever a clock says, a step is taken once.
            self.queues.coming.remove(&(at, case));
            self.dirty = true;
        }
    }

    /// Lists a case, and marks it where that makes it overdue; one put off for longer than it may wait becomes so once
    /// it is back.
    fn list_anew(&mut self, case: CaseId) {
        let was_overdue = self.queues.has(Queue::Overdue, case);
        self.list(case);
        if !was_overdue && self.queues.has(Queue::Overdue, case) {
            self.queues.fell.insert(case);
        }
    }

    fn list(&mut self, case: CaseId) {
        let listed = self.desk.cases.get(&case).and_then(|case| self.listed(case));
        self.queues.put(case, listed);
    }

    fn listed(&self, case: &Case) -> Option<Listed> {
        if case.status == CaseStatus::Resolved {
            return None;
        }
        let terms = self.terms(case);
        let now = self.now;
        let asleep_until = case.snoozed_until.filter(|until| *until > now);
        let overdue_at = case.overdue_at(&terms);
        let is_overdue = overdue_at.is_some_and(|at| at <= now);
        let due = case.due_next(&terms, now).and_then(|reading| reading.due);
        let place = |group, at| Some(QueuePlace { group, at, number: case.number, case: case.id });
        let by_need = match (overdue_at.filter(|_| is_overdue), due) {
            (Some(at), _) => place(Group::Overdue, at),
            (None, due) if self.is_raised(case) => place(Group::Urgent, due.unwrap_or(case.started)),
            (None, Some(due)) => place(Group::Due, due),
            (None, None) => place(Group::Quiet, case.started),
        };
        let mut listed = Listed { changes: overdue_at.filter(|_| !is_overdue), ..Listed::default() };
        let mut overdue_in = Vec::new();
        let mut stands = |queue: Queue, place| listed.places[queue.index()] = place;
        if case.owner.as_ref() == Some(&self.setup.me) && asleep_until.is_none() {
            stands(Queue::Mine, by_need);
        }
        if asleep_until.is_none() && (due.is_some() || is_overdue) {
            stands(Queue::Due, by_need);
        }
        if asleep_until.is_none() && is_overdue {
            stands(Queue::Overdue, by_need);
            overdue_in = self.columns_with(case);
        }
        if let Some(until) = asleep_until {
            stands(Queue::Waiting, place(Group::Quiet, until));
        } else if case.status == CaseStatus::Acknowledged {
            // The longest silent first.
            stands(Queue::Waiting, place(Group::Due, case.last_said().unwrap_or(case.started)));
        }
        if let Some(last) = case.messages.last() {
            let waits = case.is_unanswered() && asleep_until.is_none();
            stands(Queue::Messages, if waits { by_need } else { place(Group::Quiet, last.at) });
        }
        // What sleeps is looked at again when it is back, overdue or not.
        if let Some(until) = asleep_until {
            listed.changes = Some(until);
        }
        listed.overdue_in = overdue_in;
        Some(listed)
    }

    /// The columns of posts in which a post of the case stands.
    fn columns_with(&self, case: &Case) -> Vec<usize> {
        let posts: Vec<_> = case.posts.iter().filter_map(|post| self.desk.posts.get(post)).collect();
        let has = |name| posts.iter().any(|post| post.columns.contains(name));
        let columns = self.setup.columns.iter().enumerate();
        columns.filter(|(_, column)| has(&column.name)).map(|(at, _)| at).collect()
    }

    /// The rows of a queue column; `None` for a column of posts.
    pub fn queue_rows(&self, column: usize) -> Option<QueueRows<'_>> {
        let queue = self.queue_of(column)?;
        Some(QueueRows { app: self, order: &self.queues.orders[queue.index()], queue, view: self.columns.get(column)? })
    }

    /// Takes hold of a row of a queue: it keeps its place, and its post stays at hand.
    pub(super) fn take_hold(&mut self, column: usize, post: &PostId) {
        let Some(rows) = self.queue_rows(column) else { return };
        let place = rows.place_of(post);
        let copy = self.desk.posts.get(post).or_else(|| rows.view.older.iter().find(|held| held.id == *post)).cloned();
        let case = copy.as_ref().and_then(|post| self.desk.cases.get(&post.case?));
        let stands = case.and_then(|case| self.standing_post(case)).is_some_and(|standing| standing.id == *post);
        if let Some(view) = self.columns.get_mut(column) {
            view.stands = stands;
            view.taken = place;
            view.older = copy.into_iter().collect();
        }
    }

    /// Keeps the posts of the rows in hand as they are known now, so that a case that goes stays readable.
    fn keep_taken(&mut self) {
        let first = self.setup.columns.len();
        for column in first..self.columns.len() {
            self.follow_customer(column);
        }
        for view in self.columns.iter_mut().skip(first) {
            let Some(selected) = &view.selected else { continue };
            if let (Some(known), Some(kept)) = (self.desk.posts.get(selected), view.older.first_mut()) {
                kept.clone_from(known);
            }
        }
    }

    /// A row of a queue is a case: when its customer writes again after our answer, the post in hand is the one that
    /// waits now, as it is in every other row.
    fn follow_customer(&mut self, column: usize) {
        let Some(view) = self.columns.get(column).filter(|view| view.stands) else { return };
        let Some(case) = view.taken.and_then(|taken| self.desk.cases.get(&taken.case)) else { return };
        let Some(standing) = self.standing_post(case).filter(|_| case.is_unanswered()).cloned() else { return };
        let held = view.selected.as_ref().and_then(|post| self.desk.posts.get(post));
        if held.is_none_or(|held| held.place() < standing.place())
            && let Some(view) = self.columns.get_mut(column)
        {
            view.selected = Some(standing.id.clone());
            view.older = vec![standing];
            self.dirty = true;
        }
    }

    /// The post that stands for a case in a queue: the one that waits, else the newest.
    fn standing_post(&self, case: &Case) -> Option<&PostView> {
        let posts = case.posts.iter().filter_map(|post| self.desk.posts.get(post));
        posts.max_by_key(|post| (case.waiting_since == Some(post.at), post.at))
    }

    /// `gq`: my queue, or the first queue there is.
    pub(super) fn go_to_queue(&mut self) {
        let Some(column) =
            self.column_of(Queue::Mine).or_else(|| self.setup.queues.first().and_then(|q| self.column_of(*q)))
        else {
            return self.info("no queue is shown: `queues` in the config lists them".to_owned());
        };
        self.go_to_columns();
        self.focus_on(column);
    }
}

/// The rows of a queue column, from the top. Steps from one to its neighbour cost the same however long it is.
#[derive(Clone, Copy, Debug)]
pub struct QueueRows<'a> {
    app: &'a App,
    order: &'a BTreeSet<QueuePlace>,
    queue: Queue,
    view: &'a ColumnView,
}

impl<'a> QueueRows<'a> {
    pub fn queue(&self) -> Queue {
        self.queue
    }

    pub fn first(&self) -> Option<QueuePlace> {
        self.least(self.order.iter().find(|place| !self.is_taken(place)), |_| true)
    }

    pub fn last(&self) -> Option<QueuePlace> {
        let last = self.order.iter().rev().find(|place| !self.is_taken(place)).copied();
        last.max(self.view.taken)
    }

    /// The row below.
    pub fn after(&self, place: &QueuePlace) -> Option<QueuePlace> {
        let next = self.order.range((Excluded(place), Unbounded)).find(|place| !self.is_taken(place));
        self.least(next, |taken| taken > place)
    }

    /// The row above.
    pub fn before(&self, place: &QueuePlace) -> Option<QueuePlace> {
        let next = self.order.range(..place).rev().find(|place| !self.is_taken(place)).copied();
        next.max(self.view.taken.filter(|taken| taken < place))
    }

    fn least(&self, next: Option<&QueuePlace>, may: impl Fn(&QueuePlace) -> bool) -> Option<QueuePlace> {
        let taken = self.view.taken.filter(may);
        next.copied().into_iter().chain(taken).min()
    }

    /// The row in hand stands where it was taken, not where its case went.
    fn is_taken(&self, place: &QueuePlace) -> bool {
        self.view.taken.is_some_and(|taken| taken.case == place.case)
    }

    /// Where a post's case stands.
    pub fn place_of(&self, post: &PostId) -> Option<QueuePlace> {
        if self.view.selected.as_ref() == Some(post)
            && let Some(taken) = self.view.taken
        {
            return Some(taken);
        }
        let case = self.app.desk.posts.get(post)?.case?;
        match self.view.taken.filter(|taken| taken.case == case) {
            Some(taken) => Some(taken),
            None => self.app.queues.listed.get(&case)?.places[self.queue.index()],
        }
    }

    /// The post that stands for a row's case: of the row in hand the one that was taken, else the one that waits,
    /// else the newest.
    pub fn post(&self, place: &QueuePlace) -> Option<&'a PostView> {
        if self.is_taken(place)
            && let Some(selected) = &self.view.selected
        {
            let known = self.app.desk.posts.get(selected);
            return known.or_else(|| self.view.older.iter().find(|post| post.id == *selected));
        }
        self.app.standing_post(self.app.desk.cases.get(&place.case)?)
    }
}
