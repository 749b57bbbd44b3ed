//! What stays in memory and what goes, and the counts that must be right without looking at everything.
//!
//! A post stays while a window shows it or a case held here lists it. A case stays while it is open, while a
//! window shows one of its posts, or while a reply of its is not finished. An author stays while a case does, and
//! some time after.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::Timestamp;

use crate::model::{AuthorId, CaseId, CaseStatus, ColumnName, Delivery, PostId, RepName, ReplyId, Seq};

use super::author::IDLE_KEPT;
use super::{Case, Desk};

/// Counts and orders that follow from the desk.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Index {
    /// Unanswered cases each column's window shows; columns with none are left out.
    pub(super) unanswered: HashMap<ColumnName, usize>,
    /// Unanswered cases by the columns in which a post of theirs stands, whether or not a window still shows it.
    pub(super) waiting: BTreeMap<Vec<ColumnName>, Waiting>,
    /// Cases not resolved, by who has them; reps with none are left out.
    owned: BTreeMap<RepName, usize>,
    /// New cases that nobody has.
    unclaimed: usize,
    /// The last envelope it knows of.
    pub(super) of: Seq,
    /// Sent replies, oldest first.
    pub(super) finished: BTreeSet<(Timestamp, ReplyId)>,
}

/// Cases that wait for an answer and since when, the longest waiting first.
pub type Waiting = BTreeSet<(Timestamp, CaseId)>;

impl Index {
    /// Unanswered cases, gathered by the columns in which a post of theirs stands.
    pub fn waiting(&self) -> impl Iterator<Item = (&[ColumnName], &Waiting)> {
        self.waiting.iter().map(|(columns, waiting)| (columns.as_slice(), waiting))
    }

    /// Cases not resolved that the rep has.
    pub fn owned_by(&self, rep: &RepName) -> usize {
        self.owned.get(rep).copied().unwrap_or(0)
    }

    /// New cases that nobody has.
    pub fn unclaimed(&self) -> usize {
        self.unclaimed
    }
}

impl Desk {
    /// The counts. Those of a desk put together by hand are made for the asking.
    pub fn counted(&self) -> Cow<'_, Index> {
        if self.index.of == self.seq { Cow::Borrowed(&self.index) } else { Cow::Owned(self.indexed()) }
    }

    /// Makes the index anew from the rest of the desk.
    pub fn reindex(&mut self) {
        self.index = self.indexed();
    }

    fn indexed(&self) -> Index {
        let mut index = Index { of: self.seq, ..Index::default() };
        for case in self.cases.values() {
            self.tally_shown(&mut index, case, true);
            self.tally(&mut index, case, true);
        }
        for reply in self.replies.values() {
            if let Delivery::Sent { at, .. } | Delivery::Delivered { at, .. } = &reply.delivery {
                index.finished.insert((*at, reply.id));
            }
        }
        index
    }

    /// Does `change`, which may touch the case, its posts, their places in windows, or neither, and keeps the index
    /// right.
    pub(super) fn recount<T>(&mut self, case: Option<CaseId>, change: impl FnOnce(&mut Desk) -> T) -> T {
        self.put_into_index(case, true, false);
        let done = change(self);
        self.put_into_index(case, true, true);
        done
    }

    /// The same for a change of nothing but windows.
    pub(super) fn recount_shown<T>(&mut self, case: Option<CaseId>, change: impl FnOnce(&mut Desk) -> T) -> T {
        self.put_into_index(case, false, false);
        let done = change(self);
        self.put_into_index(case, false, true);
        done
    }

    /// Puts a case into the index that is not in it yet.
    pub(super) fn recount_new(&mut self, case: CaseId) {
        self.put_into_index(Some(case), true, true);
    }

    fn put_into_index(&mut self, case: Option<CaseId>, whole: bool, is_in: bool) {
        let Some(case) = case else { return };
        if whole && is_in {
            self.unasked.note(case);
        }
        let mut index = std::mem::take(&mut self.index);
        if let Some(case) = self.cases.get(&case) {
            self.tally_shown(&mut index, case, is_in);
            if whole {
                self.tally(&mut index, case, is_in);
            }
        }
        self.index = index;
    }

    fn tally_shown(&self, index: &mut Index, case: &Case, is_in: bool) {
        if case.waiting_since.is_none() {
            return;
        }
        for column in self.columns_showing(case) {
            if is_in {
                *index.unanswered.entry(column).or_default() += 1;
            } else if let Some(count) = index.unanswered.get_mut(&column) {
                *count = count.saturating_sub(1);
                if *count == 0 {
                    index.unanswered.remove(&column);
                }
            }
        }
    }

    fn tally(&self, index: &mut Index, case: &Case, is_in: bool) {
        if let Some(since) = case.waiting_since {
            let columns = self.columns_of(case);
            if is_in {
                index.waiting.entry(columns).or_default().insert((since, case.id));
            } else if let Some(waiting) = index.waiting.get_mut(&columns) {
                waiting.remove(&(since, case.id));
                if waiting.is_empty() {
                    index.waiting.remove(&columns);
                }
            }
        }
        match &case.owner {
            _ if case.status == CaseStatus::Resolved => {}
            Some(owner) if is_in => *index.owned.entry(owner.clone()).or_default() += 1,
            Some(owner) => {
                if let Some(count) = index.owned.get_mut(owner) {
                    *count = count.saturating_sub(1);
                    if *count == 0 {
                        index.owned.remove(owner);
                    }
                }
            }
            None if !case.status.is_new(false) => {}
            None if is_in => index.unclaimed += 1,
            None => index.unclaimed = index.unclaimed.saturating_sub(1),
        }
    }

    /// The columns in which a post of the case stands, in their order.
    fn columns_of(&self, case: &Case) -> Vec<ColumnName> {
        let posts = case.posts.iter().filter_map(|post| self.posts.get(post));
        let mut columns: Vec<ColumnName> = posts.flat_map(|post| post.columns.iter().cloned()).collect();
        columns.sort_unstable();
        columns.dedup();
        columns
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
