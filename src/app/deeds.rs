//! Deeds over one or many cases: which cases are meant, what the table of deeds and the roles allow, and the one
//! undo that takes all of it back. A deed over many is an append per case, so that a lost race stops one of them.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::acts::expect;
use super::command::Command;
use super::{App, AppendToken, Effect};
use crate::desk::Case;
use crate::model::words::counted;
use crate::model::{CaseId, CaseStatus, Deed, Event, RepName, Role};

/// So many deeds can be taken back.
const UNDO_KEPT: usize = 20;
/// After so long a rep may not have in mind what the last deed was: what the keys do not mean right now is named, and
/// taken back by a second press.
const FRESH: SignedDuration = SignedDuration::from_secs(60);
/// So many cases of a deed are named.
const NAMED: usize = 3;

/// One key's work over one or more cases.
#[derive(Clone, Debug)]
pub(super) struct Done {
    /// `resolved`, for the words of the undo.
    word: &'static str,
    at: Timestamp,
    steps: Vec<Step>,
}

#[derive(Clone, Debug)]
struct Step {
    case: CaseId,
    /// `case 4801 (@jo_m)`: the desk may have forgotten it by the time it is named.
    name: String,
    token: AppendToken,
    did: Event,
    back: Vec<Event>,
}

impl App {
    /// The marked cases that are at hand, by number.
    pub fn marked_cases(&self) -> Vec<&Case> {
        let mut cases: Vec<_> = self.marked.iter().filter_map(|case| self.desk.cases.get(case)).collect();
        cases.sort_by_key(|case| case.number);
        cases
    }

    /// The cases a command changes: the marked ones, else the one in hand.
    pub(super) fn cases_to_change(&mut self) -> Vec<Case> {
        let marked: Vec<Case> = self.marked_cases().into_iter().cloned().collect();
        if marked.is_empty() { self.case_to_change().into_iter().collect() } else { marked }
    }

    /// The cases of these ids that are still at hand.
    pub(super) fn at_hand(&self, cases: &[CaseId]) -> Vec<Case> {
        cases.iter().filter_map(|case| self.desk.cases.get(case)).cloned().collect()
    }

    /// `x`: marks the case in hand, or takes its mark off.
    pub(super) fn toggle_mark(&mut self) {
        let Some(case) = self.case_to_change() else { return };
        if !self.marked.remove(&case.id) {
            self.marked.insert(case.id);
        }
        self.dirty = true;
        match self.marked.len() {
            0 => self.info("no case is marked".to_owned()),
            count => self.info(format!("marked: {count}; c, t, e, z, a, ge and * mean them all, X clears the marks")),
        }
    }

    pub(super) fn clear_marks(&mut self) {
        let had = std::mem::take(&mut self.marked).len();
        self.dirty = true;
        self.info(if had == 0 { "no case is marked".to_owned() } else { format!("marks cleared: {had}") });
    }

    /// Open cases a rep holds, those on their way to `me` included.
    pub(super) fn open_cases_of(&self, rep: &RepName) -> usize {
        let held = self.desk.cases.values().filter(|case| case.status != CaseStatus::Resolved);
        let held = held.filter(|case| case.owner.as_ref() == Some(rep)).count();
        let coming = self.pending.values().filter(|action| *rep == self.setup.me && action.word == "claiming").count();
        held + coming
    }

    /// Why `rep` may take no more cases; `more` are about to be added.
    pub(super) fn over_the_cap(&self, rep: &RepName, more: usize) -> Option<String> {
        let (cap, held) = (self.setup.open_cases, self.open_cases_of(rep));
        if cap == 0 || held + more <= cap || self.setup.role == Role::Lead {
            return None;
        }
        let who = if *rep == self.setup.me { "you have".to_owned() } else { format!("{rep} has") };
        Some(format!("{who} {held} open cases, and {cap} is the most (open_cases in the config; a lead may go over)"))
    }

    /// Does one deed to each case: `changes` says what is appended, or why this case is left out.
    pub(super) fn do_to(
        &mut self,
        deed: Deed,
        words: (&'static str, &'static str),
        changes: Vec<(Case, Result<Event, String>)>,
        out: &mut Vec<Effect>,
    ) {
        let (doing, done) = words;
        let count = changes.len();
        let mut steps = Vec::new();
        let mut left_out: Vec<String> = Vec::new();
        for (case, change) in changes {
            let is_under_way = self.pending.values().any(|action| action.case == Some(case.id));
            let change = match deed.refused(case.status) {
                Some(why) => Err(why.to_owned()),
                None if is_under_way => Err("still on its way".to_owned()),
                None => change,
            };
            match change {
                Ok(event) => {
                    let back = back_of(&event, &case);
                    let expected = event.contends().then(|| expect(&case));
                    let token = self.append(vec![(event.clone(), None)], expected, Some(doing), out);
                    steps.push(Step { case: case.id, name: self.case_words(case.id), token, did: event, back });
                }
                Err(why) => left_out.push(why),
            }
        }
        let changed = steps.len();
        if changed > 0 {
            self.books.done.push(Done { word: done, at: self.now, steps });
            if self.books.done.len() > UNDO_KEPT {
                self.books.done.remove(0);
            }
        }
        match (count, left_out.first()) {
            (1, Some(why)) => self.info(why.clone()),
            // What is resolved may leave the screen: it is said which it was.
            (1, None) if deed == Deed::Resolve => {
                let case = self.books.done.last().and_then(|done| done.steps.first()).map(|step| step.case);
                let private = case.and_then(|case| self.unanswered_message(self.desk.cases.get(&case)?));
                let private = private.map(|at| super::sending::ago(at, self.now));
                let private = private.map(|ago| format!("; their direct message of {ago} is not answered"));
                // It may have been confirmed while the cause was chosen.
                let reply = case.and_then(|case| self.colleagues_reply(case));
                let reply = reply.map(|reply| format!("; {}'s reply in it is not out yet", reply.rep));
                let is_all = private.is_none() && reply.is_none();
                let case = case.map_or_else(String::new, |case| self.case_words(case));
                let open = [private, reply].map(Option::unwrap_or_default).concat();
                let told = format!("{done}: {case}{open}; u takes it back");
                if is_all { self.info(told) } else { self.warn(told) }
            }
            (1, None) | (0, _) => {}
            (_, None) => self.info(format!("{done}: {changed} cases; u takes all of it back")),
            (_, Some(why)) => {
                let left = left_out.len();
                let cases = counted(changed, "case");
                self.warn(format!("{done}: {cases}, u takes it back; left as they were: {left} ({why})"));
            }
        }
    }

    /// What is claimed by somebody else is left out of a bulk claim.
    pub(super) fn claim_all(&mut self, cases: Vec<Case>, out: &mut Vec<Effect>) {
        let me = self.setup.me.clone();
        let wanted = cases.iter().filter(|case| case.owner.is_none()).count();
        if let Some(why) = self.over_the_cap(&me, wanted) {
            return self.warn(why);
        }
        let change = |case: &Case| match &case.owner {
            Some(owner) if *owner == me => Err("it is yours already".to_owned()),
            Some(owner) => Err(format!("{owner} has it")),
            None => Ok(Event::CaseClaimed { case: case.id }),
        };
        let changes =
            cases.into_iter().map(|case| (change(&case), case)).map(|(change, case)| (case, change)).collect();
        self.do_to(Deed::Claim, ("claiming", "claimed"), changes, out);
    }

    /// `*`: to be looked at before others; all of them, or if all are already, no more.
    pub(super) fn prioritise(&mut self, out: &mut Vec<Effect>) {
        let cases = self.cases_to_change();
        let high = cases.iter().any(|case| !case.is_urgent);
        let changes = cases.into_iter().map(|case| {
            let event = Event::CasePrioritised { case: case.id, high };
            let change = if case.is_urgent == high { Err("it has that priority".to_owned()) } else { Ok(event) };
            (case, change)
        });
        let words = if high { ("raising", "raised") } else { ("lowering", "lowered") };
        self.do_to(Deed::Prioritise, words, changes.collect(), out);
    }

    /// `ge`: nothing for us; resolved without a cause, and a goodbye does not bring it back.
    pub(super) fn dismiss(&mut self, out: &mut Vec<Effect>) {
        let dismissed = |case: &Case| Event::CaseResolved {
            case: case.id,
            cause: None,
            outcome: Some("dismissed".to_owned()),
            closing: true,
            number: Some(case.number),
            undone: false,
        };
        let cases = self.cases_to_change();
        let ids: Vec<CaseId> = cases.iter().map(|case| case.id).collect();
        if !self.may_end(&ids, Command::Dismiss) {
            return;
        }
        let changes = cases.into_iter().map(|case| (dismissed(&case), case));
        let changes = changes.map(|(event, case)| (case, Ok(event))).collect();
        self.do_to(Deed::Resolve, ("dismissing", "dismissed"), changes, out);
        self.marked.clear();
    }

    /// `Z`
    pub(super) fn wake(&mut self, out: &mut Vec<Effect>) {
        let changes = self.cases_to_change().into_iter().map(|case| {
            let sleeps = case.snoozed_until.is_some_and(|until| until > self.now);
            let woken = Event::CaseWoken { case: case.id };
            let change = if sleeps { Ok(woken) } else { Err("it is not put off".to_owned()) };
            (case, change)
        });
        let changes: Vec<_> = changes.collect();
        self.do_to(Deed::Wake, ("waking", "woken"), changes, out);
    }

    /// The store did not take this append: there is nothing of it to take back.
    pub(super) fn not_done(&mut self, token: AppendToken) {
        for done in &mut self.books.done {
            done.steps.retain(|step| step.token != token);
        }
        self.books.done.retain(|done| !done.steps.is_empty());
    }

    /// The place of the last deed in the order of the keys.
    pub(super) fn last_done(&self) -> Option<AppendToken> {
        self.books.done.last().and_then(|done| done.steps.first()).map(|step| step.token)
    }

    /// `u`: takes the last deed back, case by case where nobody has changed it since.
    pub(super) fn undo_done(&mut self, out: &mut Vec<Effect>) {
        let Some(done) = self.books.done.pop() else { return };
        if done.steps.iter().any(|step| self.pending.contains_key(&step.token)) {
            self.books.done.push(done);
            return self.info("still on its way; press the key again".to_owned());
        }
        let (word, names) = (done.word, named(&done.steps));
        if !self.is_meant(&done) {
            let minutes = self.now.duration_since(done.at).as_mins();
            let warning = format!("{names}: {word} {minutes} min ago; the same key again takes that back");
            let token = done.steps.first().map_or(0, |step| step.token.0);
            if !self.second_press(Command::Undo, token.to_string(), warning) {
                self.books.done.push(done);
                return;
            }
        }
        let count = done.steps.len();
        let (mut back, mut gone, mut heard) = (0, 0, 0);
        for step in done.steps {
            let Some(case) = self.desk.cases.get(&step.case).cloned() else {
                gone += 1;
                continue;
            };
            if step.back.is_empty() || !self.is_as_done(&step.did, &case) {
                continue;
            }
            // Resolved again, what they wrote meanwhile would be put away unread.
            if matches!(step.did, Event::CaseReopened { .. }) && self.wrote_since(&case, done.at) {
                heard += 1;
                continue;
            }
            let contends = step.back.iter().any(Event::contends);
            let events = step.back.into_iter().map(|event| (event, None)).collect();
            self.append(events, contends.then(|| expect(&case)), Some("taking back"), out);
            back += 1;
        }
        if back == count {
            let cases = if count == 1 { names } else { format!("all {count} cases ({names})") };
            return self.info(format!("taken back: {cases}, {word} before"));
        }
        let why = match (heard, gone, count - back) {
            (heard, _, left) if heard == left => "open for a reason: they have written since; e resolves it",
            (0, 0, _) => "changed since",
            (0, gone, left) if gone == left => "no longer on the desk: / finds it, E reopens it",
            _ => "changed since, or no longer on the desk",
        };
        if count == 1 {
            self.warn(format!("not taken back: {names}, {word} before, is {why}"));
        } else {
            self.warn(format!("taken back: {back} of {count} cases {word} before ({names}); the others: {why}"));
        }
    }

    /// Something of the customer's has come in since, in public or in private.
    fn wrote_since(&self, case: &Case, at: Timestamp) -> bool {
        let mut posts = case.posts.iter().filter_map(|post| self.desk.posts.get(post));
        posts.any(|post| post.arrived > at) || case.messages.iter().any(|message| !message.is_ours && message.at > at)
    }

    /// Whether the rep who presses the key now must have this deed in mind.
    fn is_meant(&self, done: &Done) -> bool {
        let is_fresh = self.now.duration_since(done.at) < FRESH;
        let in_hand = self.case_in_hand().map(|case| case.id);
        is_fresh || matches!(done.steps.as_slice(), [step] if in_hand == Some(step.case))
    }

    /// Whether the case still stands as the deed left it.
    fn is_as_done(&self, did: &Event, case: &Case) -> bool {
        let me = &self.setup.me;
        match did {
            Event::CaseClaimed { .. } => case.owner.as_ref() == Some(me),
            Event::CaseReleased { .. } => case.owner.is_none(),
            Event::CaseAssigned { to, .. } => case.owner.as_ref() == Some(to),
            Event::CaseTagged { tag, on, .. } => case.tags.contains(tag) == *on,
            Event::CasePrioritised { high, .. } => case.is_urgent == *high,
            Event::CaseSnoozed { until, .. } => case.snoozed_until == Some(*until),
            Event::CaseWoken { .. } => case.snoozed_until.is_none(),
            Event::CaseResolved { .. } => {
                case.status == CaseStatus::Resolved && case.resolved.as_ref().is_some_and(|end| end.rep == *me)
            }
            Event::CaseReopened { .. } => case.status != CaseStatus::Resolved,
            Event::CaseTurnedRound { post, on, .. } => (case.turned_round.as_ref() == Some(post)) == *on,
            _ => false,
        }
    }

    /// Reps one can hand a case to: the config's team first, then whoever the desk has seen at work.
    pub(super) fn reps_known(&self) -> Vec<RepName> {
        let mut reps = self.setup.team.clone();
        let mut seen: BTreeSet<&RepName> = self.books.reps_seen.iter().collect();
        for case in self.desk.cases.values() {
            seen.extend(&case.owner);
            seen.extend(case.read.keys());
            seen.extend(case.resolved.as_ref().map(|end| &end.rep));
            seen.extend(case.last_answer.as_ref().and_then(|answer| answer.rep.as_ref()));
        }
        let more: Vec<_> = seen.into_iter().filter(|rep| !reps.contains(rep)).cloned().collect();
        reps.extend(more);
        if !reps.contains(&self.setup.me) {
            reps.push(self.setup.me.clone());
        }
        reps
    }
}

/// `case 4801 (@jo_m), case 4802 (@mo) and 12 more`
fn named(steps: &[Step]) -> String {
    let names: Vec<&str> = steps.iter().take(NAMED).map(|step| step.name.as_str()).collect();
    let more = steps.len().saturating_sub(NAMED);
    let names = names.join(", ");
    if more == 0 { names } else { format!("{names} and {more} more") }
}

/// What undoes an event that was appended while the case stood so.
fn back_of(event: &Event, before: &Case) -> Vec<Event> {
    let case = before.id;
    let owner_back = || match &before.owner {
        Some(owner) => Event::CaseAssigned { case, to: owner.clone() },
        None => Event::CaseReleased { case },
    };
    let sleep_back = before.snoozed_until.map(|until| Event::CaseSnoozed { case, until });
    match event {
        Event::CaseClaimed { .. } | Event::CaseAssigned { .. } | Event::CaseReleased { .. } => vec![owner_back()],
        Event::CaseTagged { tag, on, .. } => vec![Event::CaseTagged { case, tag: tag.clone(), on: !on }],
        Event::CasePrioritised { high, .. } => vec![Event::CasePrioritised { case, high: !high }],
        Event::CaseSnoozed { .. } => vec![sleep_back.unwrap_or(Event::CaseWoken { case })],
        Event::CaseWoken { .. } => sleep_back.into_iter().collect(),
        Event::CaseResolved { .. } => {
            std::iter::once(Event::CaseReopened { case, undone: true }).chain(sleep_back).collect()
        }
        Event::CaseReopened { .. } => {
            let end = before.resolved.as_deref();
            let resolved = |end: &crate::desk::case::Resolution| Event::CaseResolved {
                case,
                cause: end.cause.clone(),
                outcome: end.outcome.clone(),
                closing: end.closing,
                number: Some(before.number),
                undone: true,
            };
            end.map(resolved).into_iter().collect()
        }
        Event::CaseTurnedRound { post, on, .. } => {
            vec![Event::CaseTurnedRound { case, post: post.clone(), on: !on }]
        }
        _ => Vec::new(),
    }
}
