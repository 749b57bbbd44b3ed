//! The desk as it stands: open cases, each column's recent window, the outbox. It changes only by folding
//! envelopes of the log ([`fold()`]), so replaying the log gives the same desk; it never asks the time and never
//! fails.
//!
//! Bounded whatever the history: what fell out of every window is read from the store on demand. Only open work
//! (open cases, unfinished replies) grows with what the team leaves undone. See `keep` for what goes when.

use std::collections::{BTreeMap, HashMap, VecDeque};

use serde::{Deserialize, Serialize};

use crate::model::{AuthorId, CaseId, ColumnName, GapId, ReplyId, Seq};

pub mod alike;
pub mod answer;
pub mod author;
pub mod case;
pub mod changed;
pub mod checkpoint;
pub mod clock;
pub mod column;
pub mod fold;
pub mod gap;
pub mod held;
pub mod keep;
pub mod message;
mod moment;
pub mod outbox;
pub mod past;
pub mod report;
pub mod spend;
pub mod triage;

pub use answer::Answer;
pub use author::{AuthorHistory, Contact};
pub use case::{Case, CaseDraft, CaseNote};
pub use clock::{Pause, PauseReason, Reading, Terms};
pub use column::{Column, ColumnSet, Gap, PostState, PostView};
pub use fold::fold;
pub use held::Held;
pub use keep::Index;
pub use message::CaseMessage;
pub use outbox::Reply;
pub use past::PastCase;
pub use spend::Spending;

/// Everything the team knows now.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Desk {
    /// The last envelope folded.
    pub seq: Seq,
    pub columns: BTreeMap<ColumnName, Column>,
    /// The posts of all windows and of all cases held here. Their words are here as far as somebody may look at
    /// them next; the rest is read from the store when it is wanted.
    pub posts: Held<PostView>,
    /// Open cases, and resolved ones while a window shows a post of theirs or a reply of theirs is not finished.
    pub cases: Held<Case>,
    /// Replies not finished, and the latest finished ones.
    pub replies: BTreeMap<ReplyId, Reply>,
    pub gaps: BTreeMap<GapId, Gap>,
    /// The authors of the cases held here, and the latest [`author::IDLE_KEPT`] others.
    pub authors: HashMap<AuthorId, AuthorHistory>,
    pub counters: Counters,
    /// What the accounts have spent.
    pub spending: Spending,
    /// Authors without a case held here, the longest idle first; some may have come back since.
    pub idle_authors: VecDeque<AuthorId>,
    /// Answers typed elsewhere that came in before the post they answer, as a backfill brings them.
    pub early_answers: VecDeque<(CaseId, case::Answer)>,
    /// Who asked not to be contacted in public any more.
    pub opted_out: BTreeMap<AuthorId, author::OptOut>,
    /// Cases changed and not asked for yet.
    unasked: changed::Unasked,
    /// Follows from all of the above; [`Desk::reindex`] makes it anew for a desk put together by hand.
    pub index: Index,
}

/// Totals since the first event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counters {
    /// Events folded, the ones of unknown kinds included.
    pub events: u64,
    /// Events of kinds or versions this version does not know.
    pub unknown: u64,
    pub posts: u64,
    /// Cases ever opened; the next one's number is one more.
    pub cases: u64,
    pub resolved: u64,
    pub replies_sent: u64,
}
