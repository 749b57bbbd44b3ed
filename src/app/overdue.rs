//! Telling the team that a case became overdue: once for each wait, with one bell for a burst.
//!
//! That it was told is an event of its own, named by the case and its wait. So of several decks that see the moment
//! one tells, a deck that starts later knows, and no bell rings twice.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::effect::AppendToken;
use super::{App, Effect, PendingAction, Queue};
use crate::model::{CaseId, Event, EventId, NewEvent};

/// What has been overdue for longer when the deck sees it first is told by the head of the screen alone.
const TOLD_WITHIN: SignedDuration = SignedDuration::from_hours(24);
/// So many are told in one go, the others with the next second.
const AT_ONCE: usize = 64;
/// A store that did not take it is asked again after so long.
const ASK_AGAIN: SignedDuration = SignedDuration::from_secs(30);
/// The bell is quiet for so long after it rang.
const QUIET: SignedDuration = SignedDuration::from_secs(60);

/// The books of what became overdue.
#[derive(Debug, Default)]
pub(super) struct Overdue {
    /// Not in the log yet, and when the store was asked to take it.
    untold: BTreeMap<CaseId, Option<Timestamp>>,
    /// In the log, and the bell has not rung for them.
    pub(super) told: BTreeSet<CaseId>,
    rang: Option<Timestamp>,
}

impl App {
    /// After the start: what became overdue while no deck was there to see it.
    pub(super) fn learn_overdue(&mut self) {
        self.books.overdue.untold.extend(self.queues.cases(Queue::Overdue).map(|case| (case, None)));
    }

    /// Writes down what became overdue.
    pub(super) fn tell_overdue(&mut self, out: &mut Vec<Effect>) {
        if !self.caught_up {
            return;
        }
        let fallen = self.queues.take_fallen();
        self.books.overdue.untold.extend(fallen.into_iter().map(|case| (case, None)));
        if self.books.overdue.untold.is_empty() {
            return;
        }
        let mut events = Vec::new();
        let mut untold = std::mem::take(&mut self.books.overdue.untold);
        untold.retain(|id, asked| {
            let Some(case) = self.desk.cases.get(id).filter(|case| case.told_overdue.is_none()) else { return false };
            let Some(since) = case.waiting_since else { return false };
            let is_recent = |at| self.now.duration_since(at) < TOLD_WITHIN;
            if !case.overdue_at(&self.terms(case)).is_some_and(is_recent) {
                return false;
            }
            let is_due = asked.is_none_or(|asked| self.now.duration_since(asked).abs() >= ASK_AGAIN);
            if is_due && events.len() < AT_ONCE {
                *asked = Some(self.now);
                // Several decks see the same moment: it is one event.
                let name = EventId::of("case-overdue", &[&id.to_string(), &since.as_nanosecond().to_string()]);
                events.push((name, Event::CaseOverdue { case: *id, since }));
            }
            true
        });
        self.books.overdue.untold = untold;
        if events.is_empty() {
            return;
        }
        self.books.next_token += 1;
        let (at, rep, machine) = (self.now, &self.setup.me, &self.setup.machine);
        let new = |(id, event)| NewEvent { id, at, rep: rep.clone(), machine: machine.clone(), event, body: None };
        let events: Vec<NewEvent> = events.into_iter().map(new).collect();
        let token = AppendToken(self.books.next_token);
        self.books.under_way.insert(token, events.iter().map(|event| event.id).collect());
        self.pending.insert(token, PendingAction { case: None, word: "telling what is overdue" });
        out.push(Effect::Append { token, events, expect: None });
    }

    /// One bell for all that was told since the last one; at night it waits for the morning.
    pub(super) fn ring_overdue(&mut self, out: &mut Vec<Effect>) {
        let clocks = &self.setup.clocks;
        let may = clocks.alert_outside_hours || clocks.hours.is_open(self.now);
        let is_quiet = self.books.overdue.rang.is_none_or(|rang| self.now.duration_since(rang).abs() >= QUIET);
        if self.books.overdue.told.is_empty() || !may || !is_quiet {
            return;
        }
        let mut told = std::mem::take(&mut self.books.overdue.told);
        // Answered before anybody was there to hear it.
        told.retain(|case| self.queues.has(Queue::Overdue, *case));
        let words = match (told.len(), told.first()) {
            (0, _) | (_, None) => return,
            (1, Some(case)) => format!("{} is overdue", self.case_words(*case)),
            (more, _) => format!("{more} cases became overdue"),
        };
        self.books.overdue.rang = Some(self.now);
        self.warn(format!("{words}; ! goes to the most overdue one"));
        self.ring(out);
    }
}
