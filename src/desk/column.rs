//! A column's recent window, ordered by post time, and the gaps in it.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::event::Standing;
use crate::model::{AuthorId, CaseId, ColumnName, ConversationId, GapFill, GapId, Post, PostId};

/// So many posts of a column stay in memory.
pub const WINDOW: usize = 1_000;

/// One column.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Column {
    /// The newest [`WINDOW`] posts, oldest first, by the post's own time.
    pub window: BTreeSet<(Timestamp, PostId)>,
    /// Posts ever matched, the ones that left the window included.
    pub matched: u64,
    /// Gaps whose times reach into the window, oldest first.
    pub gaps: BTreeSet<(Timestamp, GapId)>,
}

/// A post as the desk sees it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PostView {
    pub id: PostId,
    pub author: AuthorId,
    pub conversation: ConversationId,
    pub at: Timestamp,
    /// When it reached the log.
    pub arrived: Timestamp,
    pub in_reply_to: Option<PostId>,
    pub in_reply_to_author: Option<AuthorId>,
    pub standing: Standing,
    pub columns: BTreeSet<ColumnName>,
    pub case: Option<CaseId>,
    pub state: PostState,
    /// The words, while they may be shown and are at hand. Never part of a checkpoint: erased text must not
    /// live on there.
    #[serde(skip)]
    pub body: Option<Arc<Post>>,
}

/// What became of a post.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PostState {
    #[default]
    Present,
    Edited,
    /// Its author took it back; the text is gone.
    Deleted,
    /// Erased here; the text is gone.
    Erased,
}

/// A stretch of time in which posts of some columns are missing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    pub id: GapId,
    pub columns: Vec<ColumnName>,
    pub from: Timestamp,
    /// `None` while it is still open.
    pub to: Option<Timestamp>,
    pub fill: Option<GapFill>,
}
