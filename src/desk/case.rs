//! A case: one author's posts in one conversation, and what the team did about them.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::{
    AccountName, AuthorId, CaseId, CaseStatus, ConversationId, DraftText, Mark, PostId, Purpose, RepName, ReplyId, Seq,
};

/// The work one author's posts make for the team.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Case {
    pub id: CaseId,
    /// What people call it: the n-th case the log opened.
    pub number: u64,
    pub author: AuthorId,
    pub conversation: ConversationId,
    /// The author's posts, in the order they were matched.
    pub posts: Vec<PostId>,
    pub status: CaseStatus,
    pub owner: Option<RepName>,
    pub claimed_at: Option<Timestamp>,
    /// Time of the first post.
    pub started: Timestamp,
    /// Post time of the oldest customer post that waits for an answer; `None` while it is the customer's turn.
    pub waiting_since: Option<Timestamp>,
    /// When our first public answer was out, from here or elsewhere.
    pub first_answer: Option<Timestamp>,
    pub last_answer: Option<Answer>,
    pub dm_requested: Option<Timestamp>,
    /// A reply taken to the network's own page that has not come back on the stream yet.
    pub handed_over: Option<HandOver>,
    pub snoozed_until: Option<Timestamp>,
    pub resolved: Option<Resolution>,
    pub reopened: u32,
    pub tags: BTreeSet<String>,
    pub notes: u32,
    pub drafts: BTreeMap<Purpose, CaseDraft>,
    /// Replies queued from here, oldest first.
    pub replies: Vec<ReplyId>,
    /// Place of the last event two reps could have raced for; what compare-and-set expects.
    pub contended: Seq,
}

/// Our last public answer in a case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    pub at: Timestamp,
    pub post: PostId,
    /// `None` for an answer typed elsewhere.
    pub rep: Option<RepName>,
    pub purpose: Option<Purpose>,
}

/// A reply the rep posts on the network's own page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HandOver {
    pub reply: ReplyId,
    pub to: PostId,
    pub purpose: Purpose,
    pub account: AccountName,
    pub rep: RepName,
    pub at: Timestamp,
}

/// How a case ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resolution {
    pub at: Timestamp,
    pub rep: RepName,
    pub cause: Option<String>,
}

/// A reply being written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseDraft {
    pub rep: RepName,
    pub saved: Timestamp,
    /// Absent where it was erased, and after a checkpoint until the store is read.
    #[serde(skip)]
    pub draft: Option<DraftText>,
}

impl Case {
    /// The letter in front of the case's rows, as `me` sees it.
    pub fn mark(&self, me: &RepName) -> Mark {
        match (self.status, &self.owner) {
            (CaseStatus::Resolved, _) => Mark::Resolved,
            (CaseStatus::Acknowledged, _) => Mark::Acknowledged,
            (_, Some(owner)) if owner != me => Mark::Claimed,
            (CaseStatus::Waiting, _) => Mark::Waiting,
            (CaseStatus::New, Some(_)) => Mark::Mine,
            (CaseStatus::New, None) => Mark::New,
        }
    }
}
