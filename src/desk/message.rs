//! Direct messages: they join the person's case and count in whose turn it is. A clock that runs for the first
//! *public* answer is not stopped by them.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::event::Standing;
use crate::model::{AccountName, AuthorId, Body, CaseId, CaseStatus, Envelope, Event, MessageId, RepName};

use super::{Case, Contact, Desk};

/// So many messages of one case stay in memory, the newest.
pub const MESSAGES_KEPT: usize = 64;

/// One direct message of a case.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CaseMessage {
    pub id: MessageId,
    pub is_ours: bool,
    /// Which of our accounts it was written to or by; only that one's reps read it.
    pub account: Option<AccountName>,
    #[serde(with = "super::moment")]
    pub at: Timestamp,
    /// Who sent it from here; `None` for the customer's and for what was typed elsewhere.
    pub rep: Option<RepName>,
    /// The text was erased.
    pub is_erased: bool,
    /// Absent where it was erased, and after a checkpoint until the store is read.
    #[serde(skip)]
    pub text: Option<String>,
}

impl CaseMessage {
    pub(super) fn lacks_text(&self) -> bool {
        self.text.is_none() && !self.is_erased
    }

    pub(super) fn ours(id: MessageId, at: Timestamp, rep: Option<RepName>, text: Option<String>) -> Self {
        Self { id, is_ours: true, account: None, at, rep, is_erased: false, text }
    }

    /// As a network showed it; without its text where that was erased since.
    pub(super) fn seen(id: &MessageId, is_ours: bool, at: Timestamp, envelope: &Envelope) -> Self {
        let account = match &envelope.event {
            Event::DmReceived { account, .. } | Event::DmSent { account, .. } => Some(account.clone()),
            _ => None,
        };
        let text = match &envelope.body {
            Some(Body::Message(message)) => Some(message.text.clone()),
            _ => None,
        };
        Self { id: id.clone(), is_ours, account, at, rep: None, is_erased: text.is_none(), text }
    }
}

impl Desk {
    /// The case a direct message with `author` belongs to: the open one that asked for it last, else the newest open
    /// one, else the newest that is still held here.
    pub fn case_with(&self, author: &AuthorId) -> Option<CaseId> {
        let contacts = &self.authors.get(author)?.contacts;
        let held = contacts.iter().filter_map(|contact| self.cases.get(&contact.case));
        held.max_by_key(|case| (case.status != CaseStatus::Resolved, case.dm_requested, case.number))
            .map(|case| case.id)
    }

    /// A message as the network showed it. One of somebody without a case here changes nothing: it is in the store.
    pub(super) fn message_seen(&mut self, author: &AuthorId, message: CaseMessage) {
        // Told twice, as the sender's outcome and as seen, it stays where it is.
        let known = |desk: &Self| {
            let contacts = &desk.authors.get(author)?.contacts;
            let mut held = contacts.iter().filter_map(|contact| desk.cases.get(&contact.case));
            held.find(|case| case.messages.iter().any(|known| known.id == message.id)).map(|case| case.id)
        };
        if let Some(case) = known(self).or_else(|| self.case_with(author)) {
            self.message_joins(case, message);
        }
    }

    pub(super) fn message_joins(&mut self, id: CaseId, message: CaseMessage) {
        let Some(case) = self.cases.get(&id) else { return };
        let was_resolved = case.status == CaseStatus::Resolved;
        let (is_ours, at) = (message.is_ours, message.at);
        let newest = self.newest_heard(case);
        let since = is_ours.then(|| self.oldest_after(case, case.last_said().max(Some(at))));
        let mut is_new = false;
        self.change_case(id, |case| {
            is_new = case.keep_message(message);
            if !is_new {
                return;
            }
            match since {
                Some(_) if case.status == CaseStatus::Resolved => {}
                Some(since) => {
                    // A direct message written on the network's own page has come back.
                    case.handed_over.take_if(|handed| handed.purpose.is_private());
                    case.wait_since(since);
                }
                None => case.heard(at, newest, Standing::Customer),
            }
        });
        if was_resolved && self.cases.get(&id).is_some_and(|case| case.status != CaseStatus::Resolved) {
            self.contact_of(id, Contact::reopen);
        }
    }

    /// When the author last wrote in the case, in public or in private.
    fn newest_heard(&self, case: &Case) -> Option<Timestamp> {
        let posts = case.posts.iter().filter_map(|post| self.posts.get(post)).map(|view| view.at);
        let private = case.messages.iter().filter(|message| !message.is_ours).map(|message| message.at);
        posts.chain(private).max()
    }

    pub(super) fn message_erased(&mut self, name: &str) {
        // Rare enough to look everywhere.
        for case in self.cases.values_mut() {
            for message in case.messages.iter_mut().filter(|message| message.id.as_str() == name) {
                message.text = None;
                message.is_erased = true;
            }
        }
    }
}

impl Case {
    /// When we last said something in it, in public or in private.
    pub fn last_said(&self) -> Option<Timestamp> {
        let private = self.messages.iter().filter(|message| message.is_ours).map(|message| message.at).max();
        self.last_answer.as_ref().map(|answer| answer.at).max(private)
    }

    /// Whether it is new; of one that is known, what was not known yet is kept.
    fn keep_message(&mut self, message: CaseMessage) -> bool {
        if let Some(known) = self.messages.iter_mut().find(|known| known.id == message.id) {
            known.rep = known.rep.take().or(message.rep);
            known.account = known.account.take().or(message.account);
            if !known.is_erased {
                known.text = known.text.take().or(message.text);
            }
            return false;
        }
        let place = self.messages.partition_point(|known| (known.at, &known.id) <= (message.at, &message.id));
        self.messages.insert(place, message);
        if self.messages.len() > MESSAGES_KEPT {
            self.messages.remove(0);
        }
        true
    }
}
