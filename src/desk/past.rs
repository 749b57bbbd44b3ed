//! One earlier case of somebody, told from its own events: for cases the desk has let go.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;

use crate::model::{CaseId, Envelope, Event, RepName};

use super::{Case, Contact};

/// A case in brief.
#[derive(Clone, Debug, PartialEq)]
pub struct PastCase {
    pub case: CaseId,
    /// `None` where no event says it.
    pub number: Option<u64>,
    /// Time of its first post.
    pub began: Timestamp,
    /// Our first answer; of a case the desk has let go only one that went out from here.
    pub answered: Option<Timestamp>,
    pub resolved: Option<Timestamp>,
    pub cause: Option<String>,
    pub outcome: Option<String>,
    /// Who resolved it; of an open case who has it.
    pub rep: Option<RepName>,
    pub tags: BTreeSet<String>,
    pub notes: usize,
    pub turned_round: bool,
}

impl PastCase {
    fn begun(case: CaseId, began: Timestamp) -> Self {
        Self {
            case,
            number: None,
            began,
            answered: None,
            resolved: None,
            cause: None,
            outcome: None,
            rep: None,
            tags: BTreeSet::new(),
            notes: 0,
            turned_round: false,
        }
    }

    /// From all events of the case in their order; `None` where there are none.
    pub fn of(case: CaseId, events: &[Arc<Envelope>]) -> Option<Self> {
        let mut past = Self::begun(case, events.first()?.at);
        let mut owner = None;
        for envelope in events {
            match &envelope.event {
                Event::CaseOpened { posted_at, .. } => past.began = *posted_at,
                Event::CaseClaimed { .. } => owner = Some(&envelope.rep),
                Event::CaseAssigned { to, .. } => owner = Some(to),
                Event::CaseReleased { .. } => owner = None,
                Event::CaseTagged { tag, on: true, .. } => {
                    past.tags.insert(tag.clone());
                }
                Event::CaseTagged { tag, on: false, .. } => {
                    past.tags.remove(tag);
                }
                Event::NoteAdded { .. } => past.notes += 1,
                Event::ReplySent { .. } | Event::ReplyDelivered { .. } => {
                    past.answered = Some(past.answered.map_or(envelope.at, |first| first.min(envelope.at)));
                }
                Event::CaseResolved { cause, outcome, number, .. } => {
                    past.resolved = Some(envelope.at);
                    past.cause.clone_from(cause);
                    past.outcome.clone_from(outcome);
                    past.rep = Some(envelope.rep.clone());
                    past.number = number.or(past.number);
                }
                Event::CaseReopened { .. } => {
                    (past.resolved, past.cause, past.outcome) = (None, None, None);
                }
                Event::CaseTurnedRound { on, .. } => past.turned_round = *on,
                _ => {}
            }
            if past.resolved.is_none() {
                past.rep = owner.cloned();
            }
        }
        Some(past)
    }

    /// What the desk remembers of a case counts before what its events alone tell: it heard the posts as well.
    pub fn remembered(contact: &Contact, before: Option<Self>) -> Self {
        let mut past = before.unwrap_or_else(|| Self::begun(contact.case, contact.at));
        past.number = Some(contact.number);
        past.began = contact.at;
        past.answered = contact.answered.or(past.answered);
        past.resolved = contact.resolved;
        past.cause.clone_from(&contact.cause);
        past.outcome.clone_from(&contact.outcome);
        past.rep = contact.rep.clone().or(past.rep);
        past.turned_round = contact.turned_round;
        past
    }

    /// The same for a case the desk holds.
    pub fn held(mut self, case: &Case) -> Self {
        self.began = case.started;
        self.answered = case.first_answer.or(self.answered);
        self.tags.clone_from(&case.tags);
        self.notes = usize::try_from(case.notes).unwrap_or(usize::MAX);
        if case.resolved.is_none() {
            self.rep.clone_from(&case.owner);
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::event::EVENT_VERSION;
    use crate::model::{AuthorId, ConversationId, EventId, MachineName, NetworkKind, PostId, ReplyId, Seq};
    use uuid::Uuid;

    #[test]
    fn a_case_is_told_from_its_own_events() {
        let case = CaseId(Uuid::from_u128(1));
        let at = |n: i64| Timestamp::from_second(1_700_000_000 + n).unwrap();
        let author = AuthorId::new(NetworkKind::X, "7");
        let (conversation, post) = (ConversationId::new(NetworkKind::X, "1"), PostId::new(NetworkKind::X, "1"));
        let tag = |on| Event::CaseTagged { case, tag: "😡".to_owned(), on };
        let resolved = |cause: &str| Event::CaseResolved {
            case,
            cause: Some(cause.to_owned()),
            outcome: Some("reset".to_owned()),
            closing: false,
            number: Some(4_630),
            undone: false,
        };
        let events = [
            (2, Event::CaseOpened { case, author, conversation, post: post.clone(), posted_at: at(0) }),
            (3, Event::CaseClaimed { case }),
            (4, tag(true)),
            (5, Event::ReplySent { reply: ReplyId(Uuid::from_u128(3)), case, post }),
            (6, resolved("outage")),
            (7, Event::CaseReopened { case, undone: false }),
            (8, tag(false)),
            (9, tag(true)),
            (10, resolved("slow line")),
        ];
        let envelopes: Vec<Arc<Envelope>> = events
            .into_iter()
            .enumerate()
            .map(|(index, (second, event))| {
                Arc::new(Envelope {
                    id: EventId(Uuid::from_u128(index as u128)),
                    seq: Seq(index as u64 + 1),
                    at: at(second),
                    rep: RepName::new("bo"),
                    machine: MachineName::new("desk"),
                    version: EVENT_VERSION,
                    event,
                    body: None,
                })
            })
            .collect();
        let past = PastCase::of(case, &envelopes).unwrap();
        assert_eq!((past.number, past.began, past.answered), (Some(4_630), at(0), Some(at(5))));
        assert_eq!((past.resolved, past.cause.as_deref()), (Some(at(10)), Some("slow line")));
        assert_eq!((past.rep, past.tags.len()), (Some(RepName::new("bo")), 1));
        assert_eq!(PastCase::of(case, &[]), None);
        let reopened = PastCase::of(case, &envelopes[..6]).unwrap();
        assert_eq!((reopened.resolved, reopened.rep), (None, Some(RepName::new("bo"))), "whose it was before");
        assert_eq!(PastCase::of(case, &envelopes[..1]).unwrap().rep, None, "nobody has it yet");
    }
}
