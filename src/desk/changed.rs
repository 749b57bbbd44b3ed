//! Which cases changed since somebody last asked, so that an order kept beside the desk need not look at all of them.

use std::collections::BTreeSet;

use super::Desk;
use crate::model::CaseId;

/// Beyond so many it is no longer worth telling them apart.
const TOLD_APART: usize = 4_096;

/// What changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Changes {
    /// These cases; some may not be held any more.
    Cases(BTreeSet<CaseId>),
    /// Any of them.
    All,
}

/// The changes nobody asked for yet. No part of what the desk knows: two desks that know the same are equal.
#[derive(Clone, Debug)]
pub(super) struct Unasked(Changes);

impl Default for Unasked {
    fn default() -> Self {
        Self(Changes::All)
    }
}

impl PartialEq for Unasked {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Unasked {
    pub(super) fn note(&mut self, case: CaseId) {
        if let Changes::Cases(cases) = &mut self.0 {
            cases.insert(case);
            if cases.len() > TOLD_APART {
                self.0 = Changes::All;
            }
        }
    }
}

impl Desk {
    /// The cases that changed since the last call; all of them the first time.
    pub fn take_changes(&mut self) -> Changes {
        std::mem::replace(&mut self.unasked.0, Changes::Cases(BTreeSet::new()))
    }
}
