//! Replies from the moment they are queued.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::{
    AccountName, Body, CaseId, Delivery, Envelope, Event, MessageId, PostId, Purpose, RepName, ReplyId, SessionId,
};

use super::answer::Answer;
use super::message::CaseMessage;
use super::{Desk, alike};

/// So many finished replies stay in memory, for the screen and the same-text guard.
pub const FINISHED_KEPT: usize = 200;

/// One reply of ours.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reply {
    pub id: ReplyId,
    pub case: CaseId,
    pub to: PostId,
    pub purpose: Purpose,
    pub account: AccountName,
    /// Who confirmed it; only their program sends it.
    pub rep: RepName,
    /// The run of the program that has it in hand.
    pub session: SessionId,
    /// When the rep confirmed it; a run that takes it over from one that ended does not make it younger.
    #[serde(with = "super::moment")]
    pub queued: Timestamp,
    /// When it was last attempted.
    #[serde(with = "super::moment::optional")]
    pub attempted: Option<Timestamp>,
    pub delivery: Delivery,
    /// Exactly what is published; absent where it was erased.
    #[serde(skip)]
    pub text: Option<String>,
}

impl Reply {
    /// It is out and needs nobody any more.
    pub fn is_finished(&self) -> bool {
        matches!(self.delivery, Delivery::Sent { .. } | Delivery::Delivered { .. })
    }
}

impl Desk {
    /// Queued, sending, failed and parked replies, oldest id first.
    pub fn unfinished_replies(&self) -> impl Iterator<Item = &Reply> {
        self.replies.values().filter(|reply| !reply.is_finished())
    }

    /// Replies of a case that are confirmed and not out yet, oldest first: held, queued or being sent.
    pub fn under_way(&self, case: CaseId) -> impl Iterator<Item = &Reply> {
        self.unfinished_replies().filter(move |reply| {
            reply.case == case && matches!(reply.delivery, Delivery::Queued { .. } | Delivery::Sending)
        })
    }

    /// The latest reply sent at or after `since` that is more than 90 % the same as `text`. Mentions in front,
    /// signature, links, case and spacing do not count.
    pub fn same_text_sent(&self, text: &str, since: Timestamp) -> Option<&Reply> {
        let wanted = alike::essence(text);
        if wanted.is_empty() {
            return None;
        }
        let sent = self.index.finished.iter().rev().take_while(|(at, _)| *at >= since);
        sent.filter_map(|(_, id)| self.replies.get(id)).find(|reply| {
            let theirs = reply.text.as_deref().map(alike::essence).unwrap_or_default();
            alike::is_alike(&wanted, &theirs)
        })
    }

    pub(super) fn reply_queued(&mut self, envelope: &Envelope) {
        let Event::ReplyQueued { reply: id, case, to, purpose, account, until, session } = &envelope.event else {
            return;
        };
        let text = match &envelope.body {
            Some(Body::Reply(text)) => Some(text.clone()),
            _ => None,
        };
        let known = self.replies.remove(id);
        if let Some(known) = &known
            && matches!(known.delivery, Delivery::Sending | Delivery::Sent { .. } | Delivery::Delivered { .. })
        {
            // It may be public: queueing it again could publish it twice.
            self.replies.insert(*id, known.clone());
            return;
        }
        let queued = match &known {
            Some(Reply { queued, delivery: Delivery::Queued { .. }, .. }) => *queued,
            _ => envelope.at,
        };
        let reply = Reply {
            id: *id,
            case: *case,
            to: to.clone(),
            purpose: *purpose,
            account: account.clone(),
            rep: envelope.rep.clone(),
            session: *session,
            queued,
            attempted: None,
            delivery: Delivery::Queued { until: *until },
            text: text.or(known.and_then(|known| known.text)),
        };
        self.replies.insert(*id, reply);
        if let Some(case) = self.cases.get_mut(case)
            && !case.replies.contains(id)
        {
            case.replies.push(*id);
        }
    }

    /// Back to the editor. One that is on its way cannot be taken back.
    pub(super) fn reply_recalled(&mut self, id: ReplyId) {
        if self.replies.get(&id).is_some_and(|reply| !matches!(reply.delivery, Delivery::Sending)) {
            self.reply_dropped(id);
        }
    }

    pub(super) fn reply_attempted(&mut self, id: ReplyId, session: SessionId, at: Timestamp) {
        if let Some(reply) = self.unfinished(id) {
            reply.delivery = Delivery::Sending;
            reply.session = session;
            reply.attempted = Some(at);
        }
    }

    pub(super) fn reply_failed(&mut self, id: ReplyId, why: &str, may_retry: bool) {
        if let Some(reply) = self.unfinished(id) {
            reply.delivery = Delivery::Failed { why: why.to_owned(), may_retry };
        }
    }

    pub(super) fn reply_parked(&mut self, id: ReplyId, why: &str) {
        if let Some(reply) = self.unfinished(id) {
            reply.delivery = Delivery::Parked { why: why.to_owned() };
        }
    }

    pub(super) fn reply_sent(&mut self, id: ReplyId, case: CaseId, post: &PostId, envelope: &Envelope) {
        let rep = Some(envelope.rep.clone());
        let mut answer = Answer { at: envelope.at, post: post.clone(), rep, purpose: None, reply: Some(id) };
        if let Some(reply) = self.replies.get_mut(&id) {
            if reply.is_finished() {
                // Told twice: once by the network's answer, once by reading back.
                return;
            }
            reply.delivery = Delivery::Sent { post: post.clone(), at: envelope.at };
            answer.rep = Some(reply.rep.clone());
            answer.purpose = Some(reply.purpose);
            self.index.finished.insert((envelope.at, id));
        }
        self.counters.replies_sent += 1;
        self.reply_answers(case, answer);
        self.keep_finished();
    }

    /// A direct message of the outbox has arrived: our turn is over in private.
    pub(super) fn reply_delivered(&mut self, id: ReplyId, case: CaseId, message: &MessageId, envelope: &Envelope) {
        let mut said = CaseMessage::ours(message.clone(), envelope.at, Some(envelope.rep.clone()), None);
        if let Some(reply) = self.replies.get_mut(&id) {
            if reply.is_finished() {
                return;
            }
            reply.delivery = Delivery::Delivered { message: message.clone(), at: envelope.at };
            said.rep = Some(reply.rep.clone());
            said.account = Some(reply.account.clone());
            said.text.clone_from(&reply.text);
            self.index.finished.insert((envelope.at, id));
        }
        self.counters.replies_sent += 1;
        self.message_joins(case, said);
        self.keep_finished();
    }

    fn keep_finished(&mut self) {
        while self.index.finished.len() > FINISHED_KEPT
            && let Some((_, oldest)) = self.index.finished.pop_first()
        {
            self.forget_reply(oldest);
        }
    }

    /// Given up, or taken elsewhere. What is public stays known.
    pub(super) fn reply_dropped(&mut self, id: ReplyId) {
        if self.replies.get(&id).is_some_and(|reply| !reply.is_finished()) {
            self.forget_reply(id);
        }
    }

    fn forget_reply(&mut self, id: ReplyId) {
        let Some(reply) = self.replies.remove(&id) else { return };
        if let Some(case) = self.cases.get_mut(&reply.case) {
            case.replies.retain(|known| *known != id);
        }
        self.release_case(reply.case);
    }

    fn unfinished(&mut self, id: ReplyId) -> Option<&mut Reply> {
        self.replies.get_mut(&id).filter(|reply| !reply.is_finished())
    }
}
