//! Writing a reply.

use std::sync::Arc;

use jiff::Timestamp;
use ratatui_textarea::TextArea;

use crate::model::length::Length;
use crate::model::{AccountName, CaseId, Post, PostId, Purpose, RepName, Verdict};

/// A reply being written. Saved as it is typed; leaving keeps the draft.
#[derive(Debug)]
pub struct Composer {
    pub case: CaseId,
    pub to: PostId,
    pub purpose: Purpose,
    pub account: AccountName,
    pub editor: TextArea<'static>,
    /// Of what would be published, mention, DM link and signature included.
    pub length: Length,
    /// May we reply?, told before a word is written.
    pub verdict: Verdict,
    pub saved: Saved,
    /// What stands in the way of the preview, such as an unfilled slot.
    pub problem: Option<String>,
    /// The post as the rep saw it when the draft was opened.
    pub seen: Option<Arc<Post>>,
    /// When the draft began; an answer given later stops the preview's `y`.
    pub began: Timestamp,
    /// Whose draft it was when it was opened; that one stays theirs.
    pub from: Option<RepName>,
    /// A DM is asked for by words alone: a link costs many times as much.
    pub without_link: bool,
}

/// Whether the draft is in the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Saved {
    /// As it was opened.
    Untouched,
    /// Changed since; the time of the first unsaved key.
    Typing {
        since: Timestamp,
    },
    At(Timestamp),
}
