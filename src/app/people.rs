//! Whom to look at first: people on the list, people many follow, people who come again and again.
//!
//! That somebody came again follows from the cases on the desk and needs no event. A case that is given to a rep for
//! it does: every deck that sees it come proposes the same event, named by the case, and the log keeps the first. So
//! it is done once, whatever the number of decks, also where a rep has given it back since.

use super::acts::expect;
use super::{App, AppendToken, Effect};
use crate::desk::Case;
use crate::model::{
    AuthorId, CaseId, CaseStatus, Envelope, Event, EventId, NewEvent, NotAppended, Post, RepName, Role, Seq,
};

/// What the config says of people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct People {
    /// Handles without `@` in lower case, or ids such as `x:7`.
    pub vip: Vec<String>,
    /// Whoever has so many followers is marked by their number.
    pub follower_floor: Option<u64>,
    /// So many contacts within `repeat_days` raise a case; 0: never.
    pub repeat_contacts: u32,
    pub repeat_days: u32,
    /// Who gets such cases; empty: whoever claims them.
    pub repeat_reps: Vec<RepName>,
}

impl Default for People {
    fn default() -> Self {
        Self { vip: Vec::new(), follower_floor: None, repeat_contacts: 3, repeat_days: 7, repeat_reps: Vec::new() }
    }
}

/// Why somebody is marked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notable {
    /// On the list.
    Vip,
    /// So many followers.
    Followed(u64),
}

/// The event that hands a case over by the rule.
pub(super) fn rule_event(case: CaseId) -> EventId {
    EventId::of("repeat-assigned", &[&case.to_string()])
}

impl App {
    /// Whether a person is marked, and why. An id on the list holds whatever the handle becomes.
    pub fn notable(&self, author: &AuthorId, post: Option<&Post>) -> Option<Notable> {
        let people = &self.setup.people;
        let is_listed = people.vip.iter().any(|vip| {
            *vip == author.as_str() || post.is_some_and(|post| vip.eq_ignore_ascii_case(&post.author.handle))
        });
        if is_listed {
            return Some(Notable::Vip);
        }
        let followers = post?.author.followers?;
        people.follower_floor.filter(|floor| followers >= *floor).map(|_| Notable::Followed(followers))
    }

    /// The author came so often that the case counts before others.
    pub fn is_repeated(&self, case: &Case) -> bool {
        let People { repeat_contacts, repeat_days, .. } = self.setup.people;
        repeat_contacts > 0
            && self.desk.contacts_up_to(case, repeat_days) >= usize::try_from(repeat_contacts).unwrap_or(usize::MAX)
    }

    /// To be looked at before others: by a rep's hand, or because its author came again.
    pub fn is_raised(&self, case: &Case) -> bool {
        case.status != CaseStatus::Resolved && (case.is_urgent || self.is_repeated(case))
    }

    /// After an envelope that may have opened a case.
    pub(super) fn raise_repeated(&mut self, envelope: &Envelope, out: &mut Vec<Effect>) {
        let case = match &envelope.event {
            Event::CaseOpened { case, .. } => *case,
            Event::PostMatched { author, conversation, standing, .. } if standing.makes_case() => {
                CaseId::of(author, conversation)
            }
            _ => return,
        };
        if self.caught_up {
            self.hand_to_group(case, out);
        }
    }

    /// What came in while no deck was open, and what the store did not take before.
    pub(super) fn raise_all_repeated(&mut self, out: &mut Vec<Effect>) {
        if self.setup.people.repeat_reps.is_empty() {
            return;
        }
        let free = self.desk.cases.values().filter(|case| case.owner.is_none() && case.status == CaseStatus::New);
        let cases: Vec<CaseId> = free.map(|case| case.id).collect();
        for case in cases {
            self.hand_to_group(case, out);
        }
    }

    fn hand_to_group(&mut self, id: CaseId, out: &mut Vec<Effect>) {
        if self.setup.people.repeat_reps.is_empty() || self.setup.role < Role::Rep || self.books.raised.contains(&id) {
            return;
        }
        let Some(case) = self.desk.cases.get(&id) else { return };
        if case.owner.is_some() || case.status != CaseStatus::New || !self.is_repeated(case) {
            return;
        }
        let Some(to) = self.least_busy() else { return };
        let expect = Some(expect(case));
        self.books.next_token += 1;
        let token = AppendToken(self.books.next_token);
        let event = NewEvent {
            id: rule_event(id),
            at: self.now,
            rep: self.setup.me.clone(),
            machine: self.setup.machine.clone(),
            event: Event::CaseAssigned { case: id, to },
            body: None,
        };
        self.books.raised.insert(id);
        self.books.raising.insert(token, id);
        out.push(Effect::Append { token, events: vec![event], expect });
    }

    /// Of the group, who has the fewest open cases and room for one more; the first of equals.
    fn least_busy(&self) -> Option<RepName> {
        let cap = self.setup.open_cases;
        let counted = self.desk.counted();
        let with_room = self.setup.people.repeat_reps.iter().map(|rep| (counted.owned_by(rep), rep));
        let with_room = with_room.filter(|(open, _)| cap == 0 || *open < cap);
        with_room.min_by_key(|(open, _)| *open).map(|(_, rep)| rep.clone())
    }

    /// The store's answer to a hand-over by the rule. Whether the append was one. Somebody else's claim is as good;
    /// what the store could not take is tried again with the next case or at the next start.
    pub(super) fn handed_to_group(&mut self, token: AppendToken, result: &Result<Seq, NotAppended>) -> bool {
        let Some(case) = self.books.raising.remove(&token) else { return false };
        if let Err(NotAppended::Failed { .. }) = result {
            self.books.raised.remove(&case);
            self.books.raise_again = true;
        }
        true
    }

    /// With the seconds: what the store did not take.
    pub(super) fn raise_again(&mut self, out: &mut Vec<Effect>) {
        if std::mem::take(&mut self.books.raise_again) {
            self.raise_all_repeated(out);
        }
    }
}
