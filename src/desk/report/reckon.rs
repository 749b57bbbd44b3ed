//! The fold of a report over the log.

use std::collections::HashMap;

use jiff::Timestamp;

use super::case::{End, Known};
use super::{Report, Terms, count};
use crate::model::event::{EVENT_VERSION, Standing};
use crate::model::{AuthorId, CaseId, ColumnName, Envelope, Event, PostId, Purpose, RepName, ReplyId};

/// What is known of the cases of a span after so many envelopes.
#[derive(Debug, Default)]
pub struct Reckoning {
    pub(super) cases: HashMap<CaseId, Known>,
    /// Cases in the order they were opened.
    pub(super) order: Vec<CaseId>,
    of_author: HashMap<AuthorId, Vec<CaseId>>,
    posts: HashMap<PostId, Seen>,
    /// Replies queued and neither out nor given up.
    replies: HashMap<ReplyId, (RepName, Purpose)>,
    pub(super) events: u64,
}

#[derive(Debug)]
struct Seen {
    at: Timestamp,
    case: Option<CaseId>,
    /// Of a quote, which may be made a case later.
    columns: Vec<ColumnName>,
}

impl Reckoning {
    /// Takes an envelope in; they come in the order of the log, with or without texts.
    pub fn take(&mut self, envelope: &Envelope) {
        self.events += 1;
        if envelope.version > EVENT_VERSION {
            return;
        }
        match &envelope.event {
            Event::PostMatched { .. } => self.post_matched(envelope),
            Event::CaseOpened { case, author, post, posted_at, .. } => {
                let known = self.case(*case);
                if known.is_opened {
                    return;
                }
                known.is_opened = true;
                known.begin(*posted_at, post);
                self.order.push(*case);
                self.of_author.entry(author.clone()).or_default().push(*case);
                // A quote that a rep takes up joins its case; other posts join by themselves.
                let quote = self.posts.get_mut(post).filter(|seen| seen.case.is_none());
                if let Some(seen) = quote {
                    seen.case = Some(*case);
                    let (at, columns) = (seen.at, std::mem::take(&mut seen.columns));
                    let known = self.case(*case);
                    known.stands_in(&columns);
                    known.heard(at, post, Standing::Quote);
                }
            }
            Event::CaseClaimed { case } => self.case(*case).held_by(&envelope.rep),
            Event::CaseAssigned { case, to } => self.case(*case).held_by(to),
            Event::CaseResolved { case, cause, closing, undone, .. } => {
                let end = End {
                    at: envelope.at,
                    rep: envelope.rep.clone(),
                    cause: cause.clone(),
                    closing: *closing,
                    reopened: false,
                };
                self.case(*case).resolved(end, *undone);
            }
            Event::CaseReopened { case, undone } => self.case(*case).taken_up(*undone),
            Event::CaseReleased { case } => self.case(*case).released(),
            Event::CaseSnoozed { case, until } => self.case(*case).put_off(Some(*until)),
            Event::CaseWoken { case } => self.case(*case).put_off(None),
            Event::CaseTurnedRound { case, post, on } => {
                let turned = &mut self.case(*case).turned_round;
                if *on {
                    *turned = Some(post.clone());
                } else if turned.as_ref() == Some(post) {
                    *turned = None;
                }
            }
            Event::ReplyQueued { reply, purpose, .. } => {
                self.replies.entry(*reply).or_insert_with(|| (envelope.rep.clone(), *purpose));
            }
            Event::ReplyRecalled { reply, .. } | Event::ReplyDropped { reply, .. } => {
                self.replies.remove(reply);
            }
            Event::ReplySent { reply, case, post } => {
                // Told twice, by the network's answer and by reading back, it is known by its post.
                let (rep, purpose) = match self.replies.remove(reply) {
                    Some((rep, purpose)) => (rep, Some(purpose)),
                    None => (envelope.rep.clone(), None),
                };
                self.case(*case).sent(envelope.at, post, rep, purpose);
            }
            Event::ReplyDelivered { reply, case, message } => {
                self.replies.remove(reply);
                self.case(*case).said_privately(message, envelope.at, true);
            }
            Event::ReplyHandedOver { reply, case, .. } => {
                self.replies.remove(reply);
                self.case(*case).handed_over(&envelope.rep, envelope.at);
            }
            Event::DmReceived { author, sent_at, .. } => {
                if let Some(known) = self.case_with(author) {
                    known.heard_privately(*sent_at);
                }
            }
            Event::DmSent { message, to, sent_at, .. } => {
                if let Some(known) = self.case_with(to) {
                    known.said_privately(message, *sent_at, false);
                }
            }
            Event::CaseTagged { .. }
            | Event::CasePrioritised { .. }
            | Event::CaseOverdue { .. }
            | Event::CaseRead { .. }
            | Event::NoteAdded { .. }
            | Event::NoteBegun { .. }
            | Event::DraftSaved { .. }
            | Event::DraftDropped { .. }
            | Event::ReplyAttempted { .. }
            | Event::ReplyFailed { .. }
            | Event::ReplyParked { .. }
            | Event::PostEdited { .. }
            | Event::PostDeleted { .. }
            | Event::BodyErased { .. }
            | Event::AuthorOptedOut { .. }
            | Event::AuthorOptOutLifted { .. }
            | Event::GapOpened { .. }
            | Event::GapClosed { .. }
            | Event::GapFilled { .. }
            | Event::Spent { .. }
            | Event::SpendLimitRaised { .. }
            | Event::UsageTold { .. }
            | Event::Unknown { .. } => {}
        }
    }

    /// The figures after everything taken so far.
    pub fn report(&self, terms: &Terms) -> Report {
        count::report(self, terms)
    }

    fn case(&mut self, id: CaseId) -> &mut Known {
        self.cases.entry(id).or_insert_with(|| Known::new(id))
    }

    fn post_matched(&mut self, envelope: &Envelope) {
        let Event::PostMatched {
            post,
            author,
            conversation,
            columns,
            posted_at: at,
            in_reply_to,
            in_reply_to_author,
            standing,
        } = &envelope.event
        else {
            return;
        };
        if let Some(seen) = self.posts.get_mut(post) {
            // A further column asked for it.
            match seen.case {
                Some(case) => self.case(case).stands_in(columns),
                None => seen.columns.extend(columns.iter().cloned()),
            }
            return;
        }
        let case = standing.makes_case().then(|| CaseId::of(author, conversation));
        if let Some(case) = case {
            let known = self.case(case);
            known.stands_in(columns);
            known.heard(*at, post, *standing);
        }
        let waits = if *standing == Standing::Quote { columns.clone() } else { Vec::new() };
        self.posts.insert(post.clone(), Seen { at: *at, case, columns: waits });
        if *standing == Standing::Own {
            let answered = in_reply_to.as_ref().and_then(|to| self.posts.get(to));
            let case = match in_reply_to_author {
                Some(to) => Some(CaseId::of(to, conversation)),
                None => answered.and_then(|seen| seen.case),
            };
            // It comes after what it answers, whatever the clocks say.
            let at = answered.map_or(*at, |seen| seen.at.max(*at));
            if let Some(case) = case {
                self.case(case).seen_answered(at, post);
            }
        }
    }

    /// The author's case that a direct message belongs to, as the desk chooses it: an open one before a resolved
    /// one, then the one that asked for messages last, then the newest.
    fn case_with(&mut self, author: &AuthorId) -> Option<&mut Known> {
        let theirs = self.of_author.get(author)?.iter().enumerate();
        let known = theirs.filter_map(|(place, id)| Some((place, self.cases.get(id)?)));
        let (_, chosen) = known.max_by_key(|(place, case)| (!case.is_resolved, case.dm_requested, *place))?;
        let id = chosen.id;
        self.cases.get_mut(&id)
    }
}
