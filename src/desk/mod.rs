//! The desk as it stands: open cases, each column's recent window, the outbox. It changes only by folding
//! envelopes of the log, so replaying the log gives the same desk; it never asks the time and never fails.
//!
//! Bounded whatever the history: what fell out of every window is read from the store on demand.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};

use crate::model::{AuthorId, CaseId, ColumnName, GapId, PostId, ReplyId, Seq};

pub mod author;
pub mod case;
pub mod column;
pub mod outbox;
pub mod queries;

pub use author::AuthorHistory;
pub use case::{Case, CaseDraft};
pub use column::{Column, Gap, PostState, PostView};
pub use outbox::Reply;
pub use queries::fold;

/// Everything the team knows now.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Desk {
    /// The last envelope folded.
    pub seq: Seq,
    pub columns: BTreeMap<ColumnName, Column>,
    /// The posts of all windows and of all open cases.
    pub posts: HashMap<PostId, PostView>,
    /// Open cases, and resolved ones while a window shows a post of theirs.
    pub cases: HashMap<CaseId, Case>,
    /// Replies not finished, and the latest finished ones.
    pub replies: BTreeMap<ReplyId, Reply>,
    pub gaps: BTreeMap<GapId, Gap>,
    /// What is known of the authors of the cases in memory.
    pub authors: HashMap<AuthorId, AuthorHistory>,
    pub counters: Counters,
}

/// Totals since the first event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counters {
    /// Events folded, the ones of unknown kinds included.
    pub events: u64,
    /// Events of kinds this version does not know.
    pub unknown: u64,
    pub posts: u64,
    /// Cases ever opened; the next one's number is one more.
    pub cases: u64,
    pub resolved: u64,
    pub replies_sent: u64,
}
