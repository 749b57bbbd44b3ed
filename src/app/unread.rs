//! What the rep has read, and the way from one unanswered case to the next.
//!
//! A case is read once it was opened, answered or reached with `n`, or stayed in hand for a moment. The mark goes into
//! the log, per rep and case, up to the newest post there was: it comes back for a newer one only, never by itself.

use jiff::{SignedDuration, Timestamp};

use super::walk::Row;
use super::{App, Effect, Mode};
use crate::desk::Case;
use crate::model::{CaseId, CaseStatus, Event, PostId};

/// A case that is merely passed on the way down a column is not read.
const READ_AFTER: SignedDuration = SignedDuration::from_secs(1);

impl App {
    /// Something the customer wrote in an open case has not been read by this rep.
    pub fn is_unread(&self, case: &Case) -> bool {
        case.status != CaseStatus::Resolved && case.is_unread_by(&self.setup.me, self.newest_in(case))
    }

    /// When the customer last wrote in it.
    fn newest_in(&self, case: &Case) -> Timestamp {
        let posts = case.posts.iter().filter_map(|post| self.desk.posts.get(post)).map(|post| post.at);
        let private = case.messages.iter().filter(|message| !message.is_ours).map(|message| message.at);
        posts.chain(private).max().unwrap_or(case.started)
    }

    /// Marks what the rep has in hand as read. Nobody reads while they are away.
    pub(super) fn read_in_hand(&mut self, out: &mut Vec<Effect>) {
        let written = self.composer().map(|composer| composer.case);
        let is_open = written.is_some() || matches!(self.mode, Mode::Case { .. } | Mode::Note(_));
        let case = written.or_else(|| self.viewed_case());
        if case != self.books.in_hand.map(|(case, _)| case) {
            self.books.in_hand = case.map(|case| (case, self.now));
        }
        let Some((case, since)) = self.books.in_hand else { return };
        if !self.caught_up || self.is_idle() {
            return;
        }
        // A clock set back must not keep it unread.
        if is_open || self.now.duration_since(since).abs() >= READ_AFTER {
            self.mark_read(case, out);
        }
    }

    fn mark_read(&mut self, id: CaseId, out: &mut Vec<Effect>) {
        let Some(case) = self.desk.cases.get(&id).filter(|case| self.is_unread(case)) else { return };
        let upto = self.newest_in(case);
        if self.books.read_told.get(&id).is_some_and(|told| *told >= upto) {
            return;
        }
        self.books.read_told.insert(id, upto);
        self.append_surely(vec![(Event::CaseRead { case: id, upto }, None)], None, out);
    }

    /// The log has it.
    pub(super) fn read_is_kept(&mut self, case: CaseId, upto: Timestamp) {
        if self.books.read_told.get(&case).is_some_and(|told| *told <= upto) {
            self.books.read_told.remove(&case);
        }
    }

    /// `n` and `N`: from the selected row on, then through the other columns, round to where it began. `n` meets every
    /// unanswered case once before it meets one again; a case whose customer wrote meanwhile is met anew. `N` goes back
    /// up this column and the ones before it.
    pub(super) fn next_unanswered(&mut self, forward: bool, out: &mut Vec<Effect>) {
        if let Some(case) = self.case_in_hand() {
            let (id, newest) = (case.id, self.newest_in(case));
            if !forward {
                // The way down leads here again.
                self.books.visited.remove(&id);
            } else if self.viewed_case() == Some(id) {
                self.books.visited.insert(id, newest);
            }
        }
        self.opened = None;
        if let Some((column, post)) = self.unanswered_ahead(forward) {
            self.focus_on(column);
            self.choose(column, post, true);
        } else if let Some(case) = self.unanswered_in_no_column().filter(|_| forward) {
            self.go_to_case(case, out);
        } else {
            let visited = std::mem::take(&mut self.books.visited).len();
            return match (forward, visited) {
                (true, 0) => self.info("no case waits for an answer".to_owned()),
                (true, count) => self.info(format!("that was the last unanswered case; {count} seen, n begins anew")),
                (false, _) => self.info("no unanswered case further up".to_owned()),
            };
        }
        let reached = self.case_in_hand().map(|case| (case.id, self.newest_in(case)));
        if let Some((case, newest)) = reached.filter(|_| forward) {
            self.books.visited.insert(case, newest);
            self.mark_read(case, out);
        }
    }

    fn is_visited(&self, case: &Case) -> bool {
        self.books.visited.get(&case.id).is_some_and(|seen| *seen >= self.newest_in(case))
    }

    fn unanswered_ahead(&self, forward: bool) -> Option<(usize, PostId)> {
        let columns = self.columns.len();
        let selected = self.columns.get(self.focus)?.selected.clone();
        // Round to the rows above the selected one; there is no way round backwards.
        let steps = if forward { columns } else { self.focus };
        let order = (0..=steps).map(|step| if forward { (self.focus + step) % columns } else { self.focus - step });
        for (step, column) in order.enumerate() {
            let mut from = selected.clone().filter(|_| step == 0);
            let Some(setup) = self.setup.columns.get(column) else {
                // What a queue holds stands in a column as well: it is walked only from where the rep is.
                match self.unanswered_in_queue(column, from.as_ref(), forward).filter(|_| step == 0) {
                    Some(post) => return Some((column, post)),
                    None => continue,
                }
            };
            while let Some(post) = self.desk.next_unanswered(&setup.name, from.as_ref(), forward, self.now) {
                let is_visited = self.desk.case_of(&post).is_some_and(|case| self.is_visited(case));
                if !forward || !is_visited {
                    return Some((column, post));
                }
                from = Some(post);
            }
        }
        None
    }

    fn unanswered_in_queue(&self, column: usize, from: Option<&PostId>, forward: bool) -> Option<PostId> {
        let waits = |row: &Row<'_>| {
            let case = self.desk.case_of(row.id).filter(|case| case.is_unanswered());
            case.is_some_and(|case| !forward || !self.is_visited(case))
        };
        let here = from.and_then(|post| self.spot(column, post));
        let next = match &here {
            Some(spot) if !forward => self.above(column, spot).find(waits),
            here => self.below(column, here.as_ref()).find(waits),
        };
        next.map(|row| row.id.clone())
    }

    /// Cases that wait and whose posts have fallen out of every column, the longest waiting first.
    fn unanswered_in_no_column(&self) -> Option<CaseId> {
        let waiting = self.desk.index.waiting().flat_map(|(_, waiting)| waiting);
        let ahead = waiting.filter(|(_, case)| {
            self.desk.cases.get(case).is_some_and(|case| {
                case.snoozed_until.is_none_or(|until| until <= self.now)
                    && !self.is_visited(case)
                    && case.posts.iter().any(|post| self.desk.posts.contains_key(post))
            })
        });
        ahead.min().map(|(_, case)| *case)
    }
}
