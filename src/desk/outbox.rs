//! Replies from the moment they are queued.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::{AccountName, CaseId, Delivery, PostId, Purpose, RepName, ReplyId, SessionId};

/// So many finished replies stay in memory, for the screen and the same-text guard.
pub const FINISHED_KEPT: usize = 200;

/// One reply of ours.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reply {
    pub id: ReplyId,
    pub case: CaseId,
    pub to: PostId,
    pub purpose: Purpose,
    pub account: AccountName,
    /// Who confirmed it; only their program sends it.
    pub rep: RepName,
    /// The run of the program that has it in hand.
    pub session: SessionId,
    pub queued: Timestamp,
    /// When it was last attempted.
    pub attempted: Option<Timestamp>,
    pub delivery: Delivery,
    /// Exactly what is published; absent where it was erased.
    #[serde(skip)]
    pub text: Option<String>,
}
