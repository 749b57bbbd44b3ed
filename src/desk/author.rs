//! What we had with an author before.

use std::collections::VecDeque;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::model::{AuthorId, CaseId, PostId, RepName};

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
    /// The newest post of it that was heard.
    #[serde(with = "super::moment")]
    pub newest: Timestamp,
    /// Our first answer to it.
    #[serde(with = "super::moment::optional")]
    pub answered: Option<Timestamp>,
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
        Self {
            case,
            number,
            at,
            newest: at,
            answered: None,
            resolved: None,
            cause: None,
            outcome: None,
            rep: None,
            turned_round: false,
        }
    }

    /// It is open again: how it ended before does not count.
    pub(super) fn reopen(&mut self) {
        *self = Self {
            turned_round: self.turned_round,
            answered: self.answered,
            newest: self.newest,
            ..Self::begun(self.case, self.number, self.at)
        };
    }
}

/// Somebody asked not to be contacted in public.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OptOut {
    #[serde(with = "super::moment")]
    pub at: Timestamp,
    /// Who on the team wrote it down.
    pub rep: RepName,
    /// Where they said so.
    pub post: Option<PostId>,
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
    /// Shows all posts of this one's author held here under the handle and name of the newest of them: an id keeps
    /// its posts when its handle changes, and a reply must not name whoever has the old handle now.
    pub(super) fn follow_handle(&mut self, post: &PostId) {
        let Some(author) = self.posts.get(post).map(|view| &view.author) else { return };
        let Some(history) = self.authors.get(author) else { return };
        let cases = history.contacts.iter().filter_map(|contact| self.cases.get(&contact.case));
        let posts: Vec<PostId> = cases.flat_map(|case| &case.posts).cloned().collect();
        let with_text = posts.iter().filter_map(|post| self.posts.get(post)).filter(|view| view.body.is_some());
        let newest = with_text.max_by_key(|view| (view.at, &view.id)).and_then(|view| view.body.clone());
        let Some(newest) = newest.filter(|newest| !newest.author.handle.is_empty()) else { return };
        for post in &posts {
            let body = self.posts.get_mut(post).and_then(|view| view.body.as_mut());
            if let Some(body) = body.filter(|body| body.author.handle != newest.author.handle) {
                let body = Arc::make_mut(body);
                body.author.handle.clone_from(&newest.author.handle);
                body.author.name.clone_from(&newest.author.name);
            }
        }
    }

    /// Cases of the author that began in the last `days` days, the present one included.
    pub fn contacts_within(&self, author: &AuthorId, now: Timestamp, days: u32) -> usize {
        let reach = SignedDuration::from_hours(i64::from(days) * 24);
        let Some(history) = self.authors.get(author) else { return 0 };
        history.contacts.iter().filter(|contact| now.duration_since(contact.at) <= reach).count()
    }

    /// The how-manieth contact of its author a case is within `days` days: itself, and the author's cases that began
    /// so long before it at most. It follows from what was folded alone, whatever the time is now.
    pub fn contacts_up_to(&self, case: &super::Case, days: u32) -> usize {
        let reach = SignedDuration::from_hours(i64::from(days) * 24);
        let Some(history) = self.authors.get(&case.author) else { return 1 };
        let began = history.contacts.iter().find(|contact| contact.case == case.id).map_or(case.started, |c| c.at);
        let counts = |contact: &&Contact| {
            contact.case != case.id && contact.at <= began && began.duration_since(contact.at) <= reach
        };
        history.contacts.iter().filter(counts).count() + 1
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
