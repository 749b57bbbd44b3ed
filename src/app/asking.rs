//! What a deed asks before it is done: whom a case goes to, which tag, until when, how it ended.

use jiff::Timestamp;

use super::command::{Command, ModeKind};
use super::until::until;
use super::{App, Effect, LineInput, Mode, Picker};
use crate::desk::case::TAGS_KEPT;
use crate::desk::{Case, Reply};
use crate::model::{CaseId, CaseStatus, Deed, Delivery, Event, RepName, Role, clean};

/// A longer tag is a note.
const TAG_CHARACTERS: usize = 40;

/// A line typed for one or more cases.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CaseLine {
    pub cases: Vec<CaseId>,
    pub input: LineInput,
    /// What stood there before Tab, and how often Tab was pressed since.
    pub completing: Option<(String, usize)>,
}

/// How far the questions at resolve have come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resolving {
    Cause,
    /// The cause is given.
    Outcome {
        cause: Option<String>,
    },
}

impl App {
    /// Ids of the cases a deed is for; asks nothing where it makes no sense for the only one.
    fn cases_for(&mut self, deed: Deed) -> Option<Vec<CaseId>> {
        let cases = self.cases_to_change();
        if let [case] = cases.as_slice()
            && let Some(why) = deed.refused(case.status)
        {
            self.info(why.to_owned());
            return None;
        }
        (!cases.is_empty()).then(|| cases.iter().map(|case| case.id).collect())
    }

    /// `a`
    pub(super) fn ask_assign(&mut self) {
        let Some(cases) = self.cases_for(Deed::Assign) else { return };
        let reps = self.reps_known();
        let picker = Picker { shown: (0..reps.len()).collect(), ..Picker::default() };
        self.open_over(Mode::Assign { cases, reps, picker });
    }

    /// Hands the cases over; drafts and clocks are theirs and go along.
    pub(super) fn assign(&mut self, cases: &[CaseId], to: &RepName, out: &mut Vec<Effect>) {
        let cases = self.at_hand(cases);
        let wanted = cases.iter().filter(|case| case.owner.as_ref() != Some(to)).count();
        if let Some(why) = self.over_the_cap(to, wanted).filter(|_| wanted > 0) {
            return self.warn(why);
        }
        let (me, role) = (self.setup.me.clone(), self.setup.role);
        let take_over = self.setup.keys.key(ModeKind::Columns, Command::TakeOver);
        let change = |case: &Case| match &case.owner {
            Some(owner) if owner == to && *owner == me => Err("it is yours already".to_owned()),
            Some(owner) if owner == to => Err(format!("it is {owner}'s already")),
            Some(owner) if *owner != me && role < Role::Lead => {
                Err(format!("{owner} has it: {take_over} takes it over first, or a lead hands it on"))
            }
            _ if *to == me => Ok(Event::CaseClaimed { case: case.id }),
            _ => Ok(Event::CaseAssigned { case: case.id, to: to.clone() }),
        };
        let only = cases.len() == 1;
        let changes: Vec<_> =
            cases.into_iter().map(|case| (change(&case), case)).map(|(it, case)| (case, it)).collect();
        let is_done = changes.iter().any(|(_, change)| change.is_ok());
        self.do_to(Deed::Assign, ("handing over", "handed over"), changes, out);
        if only && is_done {
            self.info(format!("handed to {to}, with its drafts and its clock; u takes it back"));
        }
    }

    /// `:assign bo`
    pub(super) fn assign_named(&mut self, name: &str, out: &mut Vec<Effect>) -> Result<(), String> {
        let reps = self.reps_known();
        let Some(to) = reps.iter().find(|rep| rep.as_str().eq_ignore_ascii_case(name)).cloned() else {
            return Err(format!("nobody of the team is called {name:?}; a shows whom one can hand to"));
        };
        let cases: Vec<_> = self.cases_to_change().iter().map(|case| case.id).collect();
        self.assign(&cases, &to, out);
        Ok(())
    }

    /// `t`
    pub(super) fn ask_tag(&mut self) {
        if let Some(cases) = self.cases_for(Deed::Tag) {
            self.open_over(Mode::Tag(CaseLine { cases, ..CaseLine::default() }));
        }
    }

    /// Tags in use, the most used first.
    pub(super) fn tags_in_use(&self) -> Vec<String> {
        let mut counts: std::collections::BTreeMap<&str, usize> = std::collections::BTreeMap::new();
        for tag in self.desk.cases.values().flat_map(|case| &case.tags) {
            *counts.entry(tag).or_default() += 1;
        }
        let mut tags: Vec<_> = counts.into_iter().collect();
        tags.sort_by_key(|(tag, count)| (std::cmp::Reverse(*count), *tag));
        tags.into_iter().map(|(tag, _)| tag.to_owned()).collect()
    }

    /// The tags that go on from what is typed, for the line's list.
    pub fn tags_like(&self, line: &CaseLine) -> Vec<String> {
        let stem = line.completing.as_ref().map_or(line.input.text.as_str(), |(stem, _)| stem).trim().to_lowercase();
        let mut tags = self.tags_in_use();
        tags.retain(|tag| tag.to_lowercase().starts_with(&stem));
        tags
    }

    /// Tab in the line of a tag: the most used one that begins so, then the next.
    pub(super) fn complete_tag(&mut self) {
        let Mode::Tag(line) = &self.mode else { return };
        let tags = self.tags_like(line);
        if tags.is_empty() {
            return self.info("no tag in use begins so".to_owned());
        }
        let Mode::Tag(line) = &mut self.mode else { return };
        let (stem, turn) = match line.completing.take() {
            Some((stem, turn)) => (stem, turn + 1),
            None => (line.input.text.clone(), 0),
        };
        let tag = tags[turn % tags.len()].clone();
        line.input = LineInput { cursor: tag.len(), text: tag, error: None };
        line.completing = Some((stem, turn));
        self.dirty = true;
    }

    /// Puts a tag on, or takes it off where every case has it.
    pub(super) fn tag(&mut self, cases: &[CaseId], words: &str, out: &mut Vec<Effect>) -> Result<(), String> {
        let words = clean::line(words);
        let words = words.trim().trim_start_matches('#').trim();
        if words.is_empty() {
            return Err("a tag has at least a letter".to_owned());
        }
        if words.chars().count() > TAG_CHARACTERS {
            return Err(format!("a tag has at most {TAG_CHARACTERS} characters; i writes a note"));
        }
        let known = self.tags_in_use().into_iter().find(|tag| tag.to_lowercase() == words.to_lowercase());
        let tag = known.unwrap_or_else(|| words.to_owned());
        let cases = self.at_hand(cases);
        let on = cases.iter().any(|case| !case.tags.contains(&tag));
        let changes = cases.into_iter().map(|case| {
            let event = Event::CaseTagged { case: case.id, tag: tag.clone(), on };
            let change = if case.tags.contains(&tag) == on {
                Err(format!("it has the tag {tag}"))
            } else if on && case.tags.len() >= TAGS_KEPT {
                Err(format!("a case has at most {TAGS_KEPT} tags"))
            } else {
                Ok(event)
            };
            (case, change)
        });
        let changes = changes.collect();
        self.do_to(Deed::Tag, ("tagging", if on { "tagged" } else { "untagged" }), changes, out);
        Ok(())
    }

    /// `z`
    pub(super) fn ask_snooze(&mut self) {
        if let Some(cases) = self.cases_for(Deed::Snooze) {
            self.open_over(Mode::Snooze(CaseLine { cases, ..CaseLine::default() }));
        }
    }

    pub(super) fn snooze(&mut self, cases: &[CaseId], words: &str, out: &mut Vec<Effect>) -> Result<(), String> {
        let until = until(words, self.now, &self.setup.zone)?;
        let changes = self.at_hand(cases).into_iter().map(|case| {
            let event = Event::CaseSnoozed { case: case.id, until };
            (case, Ok(event))
        });
        let changes = changes.collect();
        self.do_to(Deed::Snooze, ("putting off", "put off"), changes, out);
        Ok(())
    }

    /// Enter in a line typed for cases, and `:tag slow`, `:snooze 2h`.
    pub(super) fn take_case_line(&mut self, out: &mut Vec<Effect>) {
        let (Mode::Tag(line) | Mode::Snooze(line)) = &self.mode else { return };
        let (cases, words) = (line.cases.clone(), line.input.text.clone());
        let is_tag = matches!(self.mode, Mode::Tag(_));
        let taken = if is_tag { self.tag(&cases, &words, out) } else { self.snooze(&cases, &words, out) };
        match taken {
            Ok(()) => {
                self.leave_screen();
            }
            Err(why) => {
                if let Mode::Tag(line) | Mode::Snooze(line) = &mut self.mode {
                    line.input.error = Some(why);
                    self.dirty = true;
                }
            }
        }
    }

    /// `e`: asks for the cause first.
    pub(super) fn ask_cause(&mut self) {
        let Some(cases) = self.cases_for(Deed::Resolve) else { return };
        if !self.may_end(&cases, Command::Resolve) {
            return;
        }
        let private = |case: &CaseId| Some((*case, self.unanswered_message(self.desk.cases.get(case)?)?));
        if let Some((case, at)) = cases.iter().find_map(private) {
            let (words, ago) = (self.case_words(case), super::sending::ago(at, self.now));
            self.warn(format!("{words}: their direct message of {ago} is not answered"));
        }
        let shown = (0..=self.setup.causes.len()).collect();
        let picker = Picker { shown, ..Picker::default() };
        self.open_over(Mode::Resolve { cases, step: Resolving::Cause, closing: false, picker });
    }

    /// Whether these cases may be ended now. A colleague's reply that is not out yet is told first, and asks for the
    /// key once more: its customer would be answered in a case that is over.
    pub(super) fn may_end(&mut self, cases: &[CaseId], command: Command) -> bool {
        let of_others: Vec<_> = cases.iter().filter_map(|case| self.colleagues_reply(*case)).collect();
        let Some(first) = of_others.first() else { return true };
        let more = of_others.len() - 1;
        let more = if more == 0 { String::new() } else { format!("; so it is in {more} more of them") };
        let until = match first.delivery {
            Delivery::Queued { until } if until > self.now => {
                format!("is held and goes out in {} s", until.duration_since(self.now).as_secs())
            }
            _ => "is confirmed and not out yet".to_owned(),
        };
        let warning = format!(
            "{}'s reply in {} {until}{more}; the same key again goes on all the same",
            first.rep,
            self.case_words(first.case)
        );
        let of = of_others.iter().map(|reply| reply.id.to_string()).collect::<Vec<_>>().join(" ");
        self.second_press(command, of, warning)
    }

    /// A reply in the case that somebody else confirmed and that is not out yet.
    pub(super) fn colleagues_reply(&self, case: CaseId) -> Option<&Reply> {
        self.desk.under_way(case).find(|reply| reply.rep != self.setup.me)
    }

    /// Tab at resolve: whether a goodbye leaves the case closed.
    pub(super) fn toggle_closing(&mut self) {
        if let Mode::Resolve { closing, .. } = &mut self.mode {
            *closing = !*closing;
            self.dirty = true;
        }
    }

    /// `chosen` counts in the causes or the outcomes of the config; the one after the last is "none given".
    pub(super) fn resolve(&mut self, chosen: usize, out: &mut Vec<Effect>) {
        let Mode::Resolve { cases, step, closing, .. } = &self.mode else { return };
        let (cases, closing) = (cases.clone(), *closing);
        let (cause, outcome) = match step.clone() {
            Resolving::Cause => {
                let cause = self.setup.causes.get(chosen).cloned();
                if !self.setup.outcomes.is_empty() {
                    let shown = (0..=self.setup.outcomes.len()).collect();
                    if let Mode::Resolve { step, picker, .. } = &mut self.mode {
                        *step = Resolving::Outcome { cause };
                        *picker = Picker { shown, ..Picker::default() };
                    }
                    self.dirty = true;
                    return;
                }
                (cause, None)
            }
            Resolving::Outcome { cause } => (cause, self.setup.outcomes.get(chosen).cloned()),
        };
        self.leave_screen();
        let changes = self.at_hand(&cases).into_iter().map(|case| {
            let (cause, outcome) = (cause.clone(), outcome.clone());
            let event = Event::CaseResolved {
                case: case.id,
                cause,
                outcome,
                closing,
                number: Some(case.number),
                undone: false,
            };
            (case, Ok(event))
        });
        let changes = changes.collect();
        self.do_to(Deed::Resolve, ("resolving", "resolved"), changes, out);
        self.marked.clear();
    }

    /// `E`
    pub(super) fn reopen(&mut self, out: &mut Vec<Effect>) {
        let changes = self.cases_to_change().into_iter().map(|case| {
            let event = Event::CaseReopened { case: case.id, undone: false };
            (case, Ok(event))
        });
        let changes = changes.collect();
        self.do_to(Deed::Reopen, ("reopening", "reopened"), changes, out);
    }

    /// Snoozes that have run out since the last tick are told to who holds the case.
    pub(super) fn wake_due(&mut self, out: &mut Vec<Effect>) {
        while let Some((at, case)) = self.books.snoozes.first().copied().filter(|(at, _)| *at <= self.now) {
            self.books.snoozes.remove(&(at, case));
            let Some(known) = self.desk.cases.get(&case) else { continue };
            if known.snoozed_until != Some(at) || known.status == CaseStatus::Resolved {
                continue;
            }
            self.dirty = true;
            if known.owner.as_ref() == Some(&self.setup.me) {
                let words = self.case_words(case);
                self.warn(format!("{words} is back: its time has come"));
                self.ring(out);
            }
        }
    }

    /// Cases put off and not back yet, with when they are.
    pub fn asleep(&self) -> impl Iterator<Item = (Timestamp, &Case)> {
        let snoozes = self.books.snoozes.iter().filter(|(until, _)| *until > self.now);
        let cases = snoozes.filter_map(|(until, case)| Some((*until, self.desk.cases.get(case)?)));
        cases.filter(|(until, case)| case.snoozed_until == Some(*until))
    }

    /// The store's past has been folded: what sleeps is known from the desk.
    pub(super) fn learn_snoozes(&mut self) {
        let asleep = self.desk.cases.values().filter_map(|case| Some((case.snoozed_until?, case.id)));
        self.books.snoozes = asleep.filter(|(until, _)| *until > self.now).collect();
    }
}
