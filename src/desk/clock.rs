//! The clocks of a case: first response, next response, resolution. Read from what was folded, by the terms of the
//! setup and a time that is handed in.
//!
//! - An answer's clock runs from the time of the oldest post that waits (its own time, not its arrival) and stops with
//!   our answer or the end of the case. A rep's answer starts no clock, nor does a goodbye to a case closed for one.
//! - Our answer is out when the network says so, not when we had word of it: what the author wrote to it in between
//!   waits.
//! - The resolution's clock runs from the first post until the case is resolved. Reopened, it goes on from where it
//!   stood: the time in which the case was resolved is not counted.
//! - Only what the setup says stands still while a case is put off or it is the customer's turn.
//! - What was late stays late: a first answer that came after its time is told as such for ever.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::Case;
use crate::model::OfficeHours;
use crate::model::case::THEY_WRITE;
use crate::model::sla::{self, Clock, Stops, Targets, Used};

/// So many stretches in which clocks may stand still are kept of a case; the oldest go first and count as time that
/// ran.
pub const PAUSES_KEPT: usize = 64;

/// A stretch of time in which clocks of a case may stand still.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    pub why: PauseReason,
    #[serde(with = "super::moment")]
    pub from: Timestamp,
    /// `None`: until something happens.
    #[serde(with = "super::moment::optional")]
    pub to: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PauseReason {
    Snoozed,
    /// We answered; it is the customer's turn.
    TheirTurn,
    Resolved,
}

/// What a case's clocks are read by.
#[derive(Clone, Copy, Debug)]
pub struct Terms<'a> {
    pub hours: &'a OfficeHours,
    pub targets: Targets,
    pub stops: &'a Stops,
}

/// A clock of a case at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    pub clock: Clock,
    pub since: Timestamp,
    /// When it stopped; `None` while it runs.
    pub stopped: Option<Timestamp>,
    /// Working time it has run for.
    pub used: SignedDuration,
    pub target: SignedDuration,
    /// The moment its target is used up; `None` where it stands still until something happens.
    pub due: Option<Timestamp>,
    /// Overdue where an answer is waited for as long as that.
    pub step: Used,
}

impl Reading {
    /// More than its target went by.
    pub fn is_late(&self) -> bool {
        self.used > self.target || (self.stopped.is_none() && self.step >= Used::All)
    }

    /// Working time that is left at `now`; less than nothing where it is late.
    pub fn left(&self) -> SignedDuration {
        self.target.saturating_sub(self.used)
    }
}

impl Case {
    /// The clock of the first response: it runs, or says how long the first answer took.
    pub fn first_response(&self, terms: &Terms<'_>, now: Timestamp) -> Option<Reading> {
        match self.first_answer {
            Some(answered) => self.read(Clock::First, self.started, Some(answered), terms, now),
            None => self.answer_clock(terms, now).filter(|reading| reading.clock == Clock::First),
        }
    }

    /// The clock of the answer that is waited for: the first one, or the next.
    pub fn answer_clock(&self, terms: &Terms<'_>, now: Timestamp) -> Option<Reading> {
        let since = self.waiting_since?;
        let clock = if self.first_answer.is_some() { Clock::Next } else { Clock::First };
        let mut reading = self.read(clock, since, None, terms, now)?;
        if self.overdue_at(terms).is_some_and(|at| at <= now) {
            reading.step = Used::Overdue;
        }
        Some(reading)
    }

    /// The clock of the whole case, where it has a target.
    pub fn resolution_clock(&self, terms: &Terms<'_>, now: Timestamp) -> Option<Reading> {
        let ended = self.resolved.as_ref().map(|resolved| resolved.at);
        self.read(Clock::Resolution, self.started, ended, terms, now)
    }

    /// From when on the case is overdue; `None` while nobody waits for an answer.
    pub fn overdue_at(&self, terms: &Terms<'_>) -> Option<Timestamp> {
        let target = terms.targets.awaited(self.first_answer.is_some());
        self.waiting_since.map(|since| sla::overdue_at(since, target))
    }

    /// What is due next and when, be it an answer or the end.
    pub fn due_next(&self, terms: &Terms<'_>, now: Timestamp) -> Option<Reading> {
        let running = [self.answer_clock(terms, now), self.resolution_clock(terms, now)];
        let running = running.into_iter().flatten().filter(|reading| reading.stopped.is_none());
        running.filter(|reading| reading.due.is_some()).min_by_key(|reading| reading.due)
    }

    fn read(
        &self,
        clock: Clock,
        since: Timestamp,
        stopped: Option<Timestamp>,
        terms: &Terms<'_>,
        now: Timestamp,
    ) -> Option<Reading> {
        let target = terms.targets.of(clock)?;
        let until = stopped.unwrap_or(now);
        let stands = self.stands(clock, terms.stops);
        let used = {
            let mut ran = terms.hours.worked(since, until);
            for (from, to) in &stands {
                let (from, to) = ((*from).max(since), to.unwrap_or(until).min(until));
                ran -= terms.hours.worked(from, to);
            }
            ran
        };
        let due = due(since, target, &stands, terms.hours);
        Some(Reading { clock, since, stopped, used, target, due, step: sla::used(used, target) })
    }

    /// The stretches in which the clock stands still, in order and without overlap.
    fn stands(&self, clock: Clock, stops: &Stops) -> Vec<(Timestamp, Option<Timestamp>)> {
        let stops = |pause: &&Pause| match pause.why {
            PauseReason::Snoozed => stops.snoozed.contains(&clock),
            PauseReason::TheirTurn => stops.waiting.contains(&clock),
            PauseReason::Resolved => true,
        };
        let mut stands: Vec<_> = self.pauses.iter().filter(stops).map(|pause| (pause.from, pause.to)).collect();
        stands.sort_unstable_by_key(|(from, _)| *from);
        let mut merged: Vec<(Timestamp, Option<Timestamp>)> = Vec::with_capacity(stands.len());
        for (from, to) in stands {
            match merged.last_mut() {
                Some((_, end)) if end.is_none_or(|end| from <= end) => {
                    *end = (*end).zip(to).map(|(one, other)| one.max(other));
                }
                _ => merged.push((from, to)),
            }
        }
        merged
    }

    /// Clocks may stand still from here on.
    pub(super) fn pause(&mut self, why: PauseReason, from: Timestamp, to: Option<Timestamp>) {
        let lasts = |pause: &Pause| pause.why == why && pause.to.is_none();
        if to.is_some_and(|to| to <= from) || self.pauses.iter().any(lasts) {
            return;
        }
        if self.pauses.len() >= PAUSES_KEPT {
            self.pauses.remove(0);
        }
        self.pauses.push(Pause { why, from, to });
    }

    /// What they stood still for is over.
    pub(super) fn resume(&mut self, why: PauseReason, at: Timestamp) {
        if let Some(last) = self.pauses.iter_mut().rev().find(|pause| pause.why == why)
            && last.to.is_none_or(|to| to > at)
        {
            last.to = Some(at.max(last.from));
        }
    }

    /// Put off at `at`, until a time or until the customer writes.
    pub(super) fn put_off(&mut self, at: Timestamp, until: Timestamp) {
        self.snoozed_until = Some(until);
        self.resume(PauseReason::Snoozed, at);
        self.pause(PauseReason::Snoozed, at, (until != THEY_WRITE).then_some(until));
    }

    /// Back from being put off.
    pub(super) fn put_back(&mut self, at: Timestamp) {
        self.snoozed_until = None;
        self.resume(PauseReason::Snoozed, at);
    }
}

/// When a clock that began at `since` and stands still in `stands` has run for `target`.
fn due(
    since: Timestamp,
    target: SignedDuration,
    stands: &[(Timestamp, Option<Timestamp>)],
    hours: &OfficeHours,
) -> Option<Timestamp> {
    let (mut from, mut left) = (since, target);
    for (still, moves) in stands {
        if moves.is_some_and(|moves| moves <= from) {
            continue;
        }
        let ran = hours.worked(from, *still);
        if ran >= left {
            break;
        }
        left -= ran;
        from = (*moves)?;
    }
    Some(hours.after(from, left))
}
