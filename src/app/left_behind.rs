//! Claims of reps whose session was cut off: marked for the others, and after a while released.

use jiff::{SignedDuration, Timestamp};

use super::acts::expect;
use super::{App, Effect};
use crate::desk::Case;
use crate::model::{CaseId, CaseStatus, Event, RepName};

/// A session is seen alive so often at least: it may have claimed a case that much after it was last seen.
const LAST_SEEN: SignedDuration = SignedDuration::from_secs(15);

impl App {
    /// When the session that claimed the case was cut off; `None` while its rep is here, or has quit on purpose. What
    /// is handed to somebody who is away was handed to them knowingly.
    pub fn left_behind(&self, case: &Case) -> Option<Timestamp> {
        let (owner, claimed) = (case.owner.as_ref()?, case.claimed_at?);
        if *owner == self.setup.me || case.status == CaseStatus::Resolved {
            return None;
        }
        let during = self.gone.iter().filter(|gone| gone.rep == *owner && gone.started <= claimed);
        during.filter(|gone| claimed <= gone.ended + LAST_SEEN).map(|gone| gone.ended).max()
    }

    /// Gives back what was left behind too long ago. Every deck on the host tries; the log takes the first.
    pub(super) fn release_left_behind(&mut self, out: &mut Vec<Effect>) {
        let after = self.setup.release_after;
        let is_due = |ended: Timestamp| self.now.duration_since(ended) >= after;
        if after.is_zero() || !self.caught_up || !self.gone.iter().any(|gone| is_due(gone.ended)) {
            return;
        }
        let under_way: Vec<CaseId> = self.books.releasing.values().map(|(case, _)| *case).collect();
        let due: Vec<(Case, RepName)> = self
            .desk
            .cases
            .values()
            .filter(|case| self.left_behind(case).is_some_and(is_due) && !under_way.contains(&case.id))
            .filter_map(|case| Some((case.clone(), case.owner.clone()?)))
            .collect();
        for (case, owner) in due {
            let event = (Event::CaseReleased { case: case.id }, None);
            let token = self.append(vec![event], Some(expect(&case)), None, out);
            self.books.releasing.insert(token, (case.id, owner));
        }
    }

    /// The store's answer to a release. Whether the append was one.
    pub(super) fn released(&mut self, token: super::AppendToken, is_written: bool) -> bool {
        let Some((case, owner)) = self.books.releasing.remove(&token) else { return false };
        if is_written {
            let words = self.case_words(case);
            self.info(format!("{owner}'s session was cut off: {words} is free again"));
        }
        true
    }
}
