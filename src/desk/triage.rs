//! What to look at next.

use jiff::{SignedDuration, Timestamp};

use crate::model::sla::{OVERDUE_AFTER, Used, used};
use crate::model::{CaseId, ColumnName, PostId};

use super::{Case, Desk, PostView};

impl Desk {
    /// Cases in the column's window that wait for an answer.
    pub fn unanswered(&self, column: &ColumnName) -> usize {
        self.index.unanswered.get(column).copied().unwrap_or(0)
    }

    /// The next post of the column's window whose case waits for an answer: `forward` is down the screen, to older
    /// posts. Each case is met once, at its newest post here. Without `from`, or where `from` is unknown, it starts
    /// at the end it walks away from; there is no way round from the last to the first. What is put off beyond `now`
    /// is passed over.
    pub fn next_unanswered(
        &self,
        column: &ColumnName,
        from: Option<&PostId>,
        forward: bool,
        now: Timestamp,
    ) -> Option<PostId> {
        let window = &self.columns.get(column)?.window;
        let from = from.and_then(|post| self.posts.get(post)).map(PostView::place);
        let is_next = |(_, post): &&(Timestamp, PostId)| self.stands_for_unanswered(column, post, now);
        let found = match (from, forward) {
            (Some(from), true) => window.range(..from).rev().find(is_next),
            (None, true) => window.iter().rev().find(is_next),
            (Some(from), false) => {
                window.range((std::ops::Bound::Excluded(from), std::ops::Bound::Unbounded)).find(is_next)
            }
            (None, false) => window.iter().find(is_next),
        };
        found.map(|(_, post)| post.clone())
    }

    fn stands_for_unanswered(&self, column: &ColumnName, post: &PostId, now: Timestamp) -> bool {
        let Some(window) = self.columns.get(column).map(|column| &column.window) else { return false };
        let Some(case) = self
            .case_of(post)
            .filter(|case| case.is_unanswered() && case.snoozed_until.is_none_or(|until| until <= now))
        else {
            return false;
        };
        let places = case.posts.iter().filter_map(|post| self.posts.get(post)).map(PostView::place);
        places.filter(|place| window.contains(place)).max().is_some_and(|(_, newest)| newest == *post)
    }

    /// The case that is overdue by most, measured from the moment it became so.
    pub fn most_overdue(&self, now: Timestamp, target: &dyn Fn(&Case) -> SignedDuration) -> Option<CaseId> {
        let by = |case: &Case| {
            let waited = case.waiting_since.map_or(SignedDuration::ZERO, |since| now.duration_since(since));
            waited.saturating_sub(target(case).max(OVERDUE_AFTER))
        };
        self.overdue_cases(now, target)
            .max_by_key(|case| (by(case), std::cmp::Reverse(case.number)))
            .map(|case| case.id)
    }

    /// Cases overdue. What a rep put off is not called overdue until its time: they know, and nothing alerts; the
    /// clock of its author's waiting runs on, so it is overdue in the moment it is back.
    pub fn overdue(&self, now: Timestamp, target: &dyn Fn(&Case) -> SignedDuration) -> usize {
        self.overdue_cases(now, target).count()
    }

    fn overdue_cases<'a>(
        &'a self,
        now: Timestamp,
        target: &'a dyn Fn(&Case) -> SignedDuration,
    ) -> impl Iterator<Item = &'a Case> {
        // No case is overdue before the common limit, so the walk ends early however many wait.
        self.index
            .waiting
            .values()
            .flat_map(move |waiting| {
                waiting.iter().take_while(move |(since, _)| now.duration_since(*since) >= OVERDUE_AFTER)
            })
            .filter_map(|(since, id)| self.cases.get(id).map(|case| (*since, case)))
            .filter(move |(since, case)| used(*since, target(case), now) == Used::Overdue)
            .map(|(_, case)| case)
            .filter(move |case| case.snoozed_until.is_none_or(|until| until <= now))
    }
}
