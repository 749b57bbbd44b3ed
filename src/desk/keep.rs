//! What stays in memory and what goes, and the counts that must be right without looking at everything.
//!
//! A post stays while a window shows it or a case held here lists it. A case stays while it is open, while a
//! window shows one of its posts, or while a reply of its is not finished. An author stays while a case does, and
//! some time after.

use std::collections::{BTreeSet, HashMap};

use jiff::Timestamp;

use crate::model::{AuthorId, CaseId, CaseStatus, ColumnName, Delivery, PostId, ReplyId};

use super::author::IDLE_KEPT;
use super::{Case, Desk};

/// Counts and orders that follow from the desk.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Index {
    /// Unanswered cases each column's window shows; columns with none are left out.
    pub(super) unanswered: HashMap<ColumnName, usize>,
    /// Unanswered cases, the longest waiting first.
    pub(super) waiting: BTreeSet<(Timestamp, CaseId)>,
    /// Sent replies, oldest first.
    pub(super) finished: BTreeSet<(Timestamp, ReplyId)>,
}

impl Desk {
    /// Makes the index anew from the rest of the desk.
    pub fn reindex(&mut self) {
        self.index = Index::default();
        let cases: Vec<CaseId> = self.cases.keys().copied().collect();
        for case in cases {
            self.recount_new(case);
        }
        for reply in self.replies.values() {
            if let Delivery::Sent { at, .. } | Delivery::Delivered { at, .. } = &reply.delivery {
                self.index.finished.insert((*at, reply.id));
            }
        }
    }

    /// Does `change`, which may touch the case, its posts' places in windows, or neither, and keeps the index right.
    pub(super) fn recount<T>(&mut self, case: Option<CaseId>, change: impl FnOnce(&mut Desk) -> T) -> T {
        if let Some(case) = case {
            self.tally(case, false);
        }
        let done = change(self);
        if let Some(case) = case {
            self.tally(case, true);
        }
        done
    }

    /// Puts a case into the index that is not in it yet.
    pub(super) fn recount_new(&mut self, case: CaseId) {
        self.tally(case, true);
    }

    fn tally(&mut self, id: CaseId, is_in: bool) {
        let Some(case) = self.cases.get(&id) else { return };
        let Some(since) = case.waiting_since else { return };
        for column in self.columns_showing(case) {
            if is_in {
                *self.index.unanswered.entry(column).or_default() += 1;
            } else if let Some(count) = self.index.unanswered.get_mut(&column) {
                *count = count.saturating_sub(1);
                if *count == 0 {
                    self.index.unanswered.remove(&column);
                }
            }
        }
        if is_in {
            self.index.waiting.insert((since, id));
        } else {
            self.index.waiting.remove(&(since, id));
        }
    }

    /// The columns whose windows show a post of the case.
    fn columns_showing(&self, case: &Case) -> Vec<ColumnName> {
        let mut showing: Vec<ColumnName> = Vec::new();
        for view in case.posts.iter().filter_map(|post| self.posts.get(post)) {
            for name in &view.columns {
                if !showing.contains(name)
                    && self.columns.get(name).is_some_and(|column| column.window.contains(&view.place()))
                {
                    showing.push(name.clone());
                }
            }
        }
        showing
    }

    /// Forgets a post that nothing shows or lists.
    pub(super) fn release_post(&mut self, id: &PostId) {
        let Some(view) = self.posts.get(id) else { return };
        let place = view.place();
        let is_shown =
            view.columns.iter().any(|name| self.columns.get(name).is_some_and(|c| c.window.contains(&place)));
        let is_listed = || {
            let case = view.case.and_then(|case| self.cases.get(&case));
            case.is_some_and(|case| case.posts.contains(id))
        };
        if !is_shown && !is_listed() {
            self.posts.remove(id);
        }
    }

    /// Forgets a case that is done and that nothing shows.
    pub(super) fn release_case(&mut self, id: CaseId) {
        let Some(case) = self.cases.get(&id) else { return };
        let unfinished = |reply: &ReplyId| self.replies.get(reply).is_some_and(|reply| !reply.is_finished());
        if case.status != CaseStatus::Resolved
            || case.replies.iter().any(unfinished)
            || !self.columns_showing(case).is_empty()
        {
            return;
        }
        // A resolved case waits for nothing, so the index does not know it.
        let Some(case) = self.cases.remove(&id) else { return };
        for post in &case.posts {
            self.release_post(post);
        }
        self.author_idle(case.author);
    }

    /// A case of the author has gone; the author follows once enough others have.
    fn author_idle(&mut self, author: AuthorId) {
        if self.has_case(&author) {
            return;
        }
        self.idle_authors.push_back(author);
        if self.idle_authors.len() > IDLE_KEPT
            && let Some(longest) = self.idle_authors.pop_front()
            && !self.has_case(&longest)
        {
            self.authors.remove(&longest);
        }
    }

    fn has_case(&self, author: &AuthorId) -> bool {
        let contacts = self.authors.get(author).map(|history| &history.contacts);
        contacts.is_some_and(|contacts| contacts.iter().any(|contact| self.cases.contains_key(&contact.case)))
    }
}
