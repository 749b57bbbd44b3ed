//! What we had with an author before.

use std::collections::VecDeque;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::CaseId;

/// So many earlier cases of an author stay in memory; the rest is read from the store.
pub const CONTACTS_KEPT: usize = 32;

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
    pub at: Timestamp,
    pub resolved: Option<Timestamp>,
    pub cause: Option<String>,
}
