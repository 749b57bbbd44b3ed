//! What we had with an author before.

use std::collections::VecDeque;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::model::{AuthorId, CaseId, RepName};

use super::Desk;

/// So many earlier cases of an author stay in memory; the rest is read from the store.
pub const CONTACTS_KEPT: usize = 32;
/// So many authors without a case on the desk stay in memory, so that somebody who comes back within days is
/// known without a look into the store.
pub const IDLE_KEPT: usize = 4_096;

/// An author's cases, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct AuthorHistory {
    pub contacts: VecDeque<Contact>,
}

/// One case of an author, in brief.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Contact {
    pub case: CaseId,
    pub number: u64,
    #[serde(with = "super::moment")]
    pub at: Timestamp,
    #[serde(with = "super::moment::optional")]
    pub resolved: Option<Timestamp>,
    pub cause: Option<String>,
    /// How it ended for the customer, in the team's word.
    pub outcome: Option<String>,
    /// Who resolved it.
    pub rep: Option<RepName>,
    /// A rep saw the customer turned from angry to happy.
    pub turned_round: bool,
}

impl Contact {
    /// A case that begins.
    pub fn begun(case: CaseId, number: u64, at: Timestamp) -> Self {
        Self { case, number, at, resolved: None, cause: None, outcome: None, rep: None, turned_round: false }
    }

    /// It is open again: how it ended before does not count.
    pub(super) fn reopen(&mut self) {
        *self = Self { turned_round: self.turned_round, ..Self::begun(self.case, self.number, self.at) };
    }
}

impl AuthorHistory {
    pub(super) fn remember(&mut self, contact: Contact) {
        if self.contacts.len() == self.contacts.capacity() {
            // Most authors come once: room for one at first, not for four.
            self.contacts.reserve_exact(self.contacts.len().max(1));
        }
        self.contacts.push_back(contact);
        if self.contacts.len() > CONTACTS_KEPT {
            self.contacts.pop_front();
        }
    }
}

impl Desk {
    /// Cases of the author that began in the last `days` days, the present one included.
    pub fn contacts_within(&self, author: &AuthorId, now: Timestamp, days: u32) -> usize {
        let reach = SignedDuration::from_hours(i64::from(days) * 24);
        let Some(history) = self.authors.get(author) else { return 0 };
        history.contacts.iter().filter(|contact| now.duration_since(contact.at) <= reach).count()
    }

    /// The author's case that was resolved last, other than `except`.
    pub fn last_outcome(&self, author: &AuthorId, except: CaseId) -> Option<&Contact> {
        let contacts = &self.authors.get(author)?.contacts;
        contacts
            .iter()
            .filter(|contact| contact.case != except && contact.resolved.is_some())
            .max_by_key(|contact| contact.resolved)
    }

    /// Changes what is remembered of a case held here.
    pub(super) fn contact_of(&mut self, case: CaseId, change: impl FnOnce(&mut Contact)) {
        let Some(author) = self.cases.get(&case).map(|case| &case.author) else { return };
        let Some(history) = self.authors.get_mut(author) else { return };
        if let Some(contact) = history.contacts.iter_mut().find(|contact| contact.case == case) {
            change(contact);
        }
    }
}
