//! The log: every event in order, the texts they speak of stored apart, and both shared by all
//! processes on one host. It knows nothing of cases beyond the id that compare-and-set needs.
//!
//! [`codec`] is the stored form of events and bodies, `words` cuts texts and searches into the same
//! words, `pump` serves subscriptions; [`memory`] and [`sqlite`] are the stores built from them.

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use tokio::sync::mpsc;

use crate::model::{
    AuthorId, Between, Body, BodyId, CaseId, ColumnName, ConversationId, Envelope, Expect, Hit, NewEvent, PostId, Seq,
};

pub mod codec;
pub mod memory;
mod pump;
pub mod sqlite;
mod words;

pub use words::Wanted;

/// What a case must have: of every group at least one key, one of [`crate::model::key`].
pub type KeyGroups = Vec<Vec<String>>;

/// So many batches of a subscription may wait for their reader.
pub const SUBSCRIPTION_BATCHES: usize = 64;

/// A store of events and bodies. Cheap to share: an `Arc<dyn Log>` goes wherever it is needed.
#[async_trait]
pub trait Log: Send + Sync + std::fmt::Debug {
    /// Writes a batch in one transaction and gives back the place of its last event.
    ///
    /// An event whose id is already there is passed over (its body too), so a batch may be sent again
    /// after an error. With `expect` the batch is written only if no event that [contends] came to that
    /// case after the given place.
    ///
    /// [contends]: crate::model::Event::contends
    async fn append(&self, batch: Vec<NewEvent>, expect: Option<Expect>) -> Result<Seq, AppendError>;

    /// Hands out every event after `after` in order, bodies joined, then goes on with new ones as this or
    /// another process appends them (seen within 100 ms). Ends when the receiver is dropped or the log closed.
    fn subscribe(&self, after: Seq) -> mpsc::Receiver<Vec<Arc<Envelope>>>;

    /// The place of the last event.
    async fn last(&self) -> Result<Seq, LogError>;

    /// The bodies that are there, in no order; what is missing was erased or never written.
    async fn bodies(&self, ids: Vec<BodyId>) -> Result<Vec<(BodyId, Body)>, LogError>;

    /// Erases a text for good, from the store and the search index, and its copies in posts that quote it. The
    /// events that name it stay; a handle that no stored post shows any more is forgotten.
    async fn erase(&self, id: BodyId) -> Result<(), LogError>;

    /// Newest first: posts of a column older than `before`, for scrolling past what the desk holds.
    async fn older(
        &self,
        column: ColumnName,
        before: (Timestamp, PostId),
        limit: usize,
    ) -> Result<Vec<Arc<Envelope>>, LogError>;

    /// At most so many events after a place, in order and without their texts: for going over the log once more
    /// without holding up what is new.
    async fn events(&self, after: Seq, limit: usize) -> Result<Vec<Arc<Envelope>>, LogError>;

    /// The place of the first event about a post written at or after `at`; `None` where there is no such post.
    async fn first_since(&self, at: Timestamp) -> Result<Option<Seq>, LogError>;

    /// All events of one case, oldest first.
    async fn of_case(&self, case: CaseId) -> Result<Vec<Arc<Envelope>>, LogError>;

    /// All posts of one author, newest first.
    async fn of_author(&self, author: AuthorId, limit: usize) -> Result<Vec<Arc<Envelope>>, LogError>;

    /// Newest first: events that can be found under a key, one of [`crate::model::key`].
    async fn of_key(&self, key: String, limit: usize) -> Result<Vec<Arc<Envelope>>, LogError>;

    /// At most so many cases of which some event has a key of every group, those changed lately first. Whether they
    /// still stand so (a tag may have been taken off again) is for the caller to see.
    async fn cases_of_keys(&self, groups: KeyGroups, limit: usize) -> Result<Vec<CaseId>, LogError>;

    /// Newest first: at most `limit` among the newest `look` texts that hold every word of `words`, were written in that
    /// time and belong to a case which [`Log::cases_of_keys`] would give.
    async fn search_of_keys(
        &self,
        words: String,
        between: Between,
        groups: KeyGroups,
        look: usize,
        limit: usize,
    ) -> Result<Vec<(CaseId, Hit)>, LogError>;

    /// The author's posts in one conversation, newest first.
    async fn posts_in(
        &self,
        author: AuthorId,
        conversation: ConversationId,
        limit: usize,
    ) -> Result<Vec<Arc<Envelope>>, LogError>;

    /// Handles of stored posts that begin so, without `@`, in lower case and their order, with whose they are or were.
    async fn people(&self, beginning: String, limit: usize) -> Result<Vec<(String, AuthorId)>, LogError>;

    /// Newest first: stored texts that hold every word of `words` and were written in that time. Without words all of
    /// that time, if it ends somewhere.
    async fn search_within(&self, words: String, between: Between, limit: usize) -> Result<Vec<Hit>, LogError>;

    /// Newest first: stored texts that hold every word of `words`.
    async fn search(&self, words: String, limit: usize) -> Result<Vec<Hit>, LogError> {
        self.search_within(words, Between::default(), limit).await
    }

    /// Keeps a state of the desk that stands for everything up to `seq`. `kind` names its format:
    /// a checkpoint of another kind is not handed out again.
    async fn keep_checkpoint(&self, kind: String, seq: Seq, state: Vec<u8>) -> Result<(), LogError>;

    /// The newest checkpoint of this kind.
    async fn checkpoint(&self, kind: String) -> Result<Option<(Seq, Vec<u8>)>, LogError>;

    /// Waits until everything appended is on the disk.
    async fn flush(&self) -> Result<(), LogError>;
}

/// Why a batch was not written.
#[derive(Clone, Debug, thiserror::Error)]
pub enum AppendError {
    /// Somebody else was first; `winner` is what they did.
    #[error("{} was first", winner.rep)]
    Conflict { winner: Arc<Envelope> },
    #[error(transparent)]
    Log(#[from] LogError),
}

/// What can be wrong with a store. The words say what to do next.
#[derive(Clone, Debug, thiserror::Error)]
pub enum LogError {
    #[error("the store {path} cannot be opened: {why}. {remedy}")]
    Open { path: PathBuf, why: String, remedy: String },
    #[error(
        "the store {path} was written by a newer replydeck (format {found}, this one knows {known}). Nothing was changed; run the newer program, or point REPLYDECK_DATA_DIR at another folder"
    )]
    Newer { path: PathBuf, found: u32, known: u32 },
    #[error(
        "the store {path} is damaged: {why}. Nothing was overwritten; move it and what stands beside it (the same name with -wal and -shm behind it) away and start again, or restore a copy"
    )]
    Damaged { path: PathBuf, why: String },
    #[error("the disk is full: nothing more can be kept until there is room ({why})")]
    Full { why: String },
    #[error("the store is busy and did not answer in time: {why}. Try again")]
    Busy { why: String },
    #[error("the store failed: {why}")]
    Failed { why: String },
    #[error("the store is closed")]
    Closed,
}
