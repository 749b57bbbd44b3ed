//! The store in one SQLite file, shared by all processes on one host.
//!
//! Three threads of its own, each with its own connection, so that none waits for another:
//! the *writer* appends and erases in short `BEGIN IMMEDIATE` transactions, the *reader* searches and pages,
//! the *pump* serves subscriptions and notices what other processes append. Write-ahead logging lets them and
//! other processes read while one writes.
//!
//! **What survives what.** Nothing acknowledged is lost when the program is killed. What only a person could
//! write again (claims, notes, drafts, everything about a reply) is on the disk before it is acknowledged; what a
//! network can send again (posts, gaps) is written without waiting for the disk and may lose its last moments
//! when the *power* fails. See [`append::needs_disk`].
//!
//! **Order.** A place in the log is given inside the transaction, and only one transaction writes at a time, so
//! the places are without gaps and become visible in their order whoever writes.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use rusqlite::InterruptHandle;
use tokio::sync::{mpsc, oneshot};

use crate::model::{
    AuthorId, Between, Body, BodyId, CaseId, ColumnName, ConversationId, Envelope, Expect, Hit, NewEvent, PostId, Seq,
};

use super::pump::{self, Signal};
use super::{AppendError, KeyGroups, Log, LogError, SUBSCRIPTION_BATCHES};

pub mod append;
mod failure;
mod finding;
mod keyed;
mod migrate;
mod open;
mod read;
mod schema;
mod search;
mod watch;
mod worker;
mod writer;

use read::Reader;
use watch::Follower;
use worker::Worker;
use writer::Writer;

/// The store's file in the data folder.
pub const FILE: &str = "replydeck.db";

/// How a store behaves; the defaults are for real use, tests choose smaller ones.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// How long a write waits for another process's before it gives up with [`LogError::Busy`].
    pub patience: Duration,
    /// The most pages of 4 KiB the file may have; more is refused as a full disk would.
    pub max_pages: Option<u32>,
    /// Whether the kernel is asked to tell of other processes' appends where it can; else the file is looked at
    /// many times a second.
    pub asks_kernel: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { patience: Duration::from_secs(15), max_pages: None, asks_kernel: true }
    }
}

/// A store of events and bodies in a SQLite file. Dropping it ends its threads after what was asked of them.
pub struct SqliteLog {
    path: PathBuf,
    writer: Worker<Writer>,
    reader: Worker<Reader>,
    pump: Mutex<Option<JoinHandle<()>>>,
    signals: Sender<Signal>,
    /// Cuts a long search short when the store is closed.
    reading: InterruptHandle,
}

impl std::fmt::Debug for SqliteLog {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SqliteLog").field("path", &self.path).field("writer", &self.writer).finish_non_exhaustive()
    }
}

impl SqliteLog {
    /// Opens the store `dir/replydeck.db`; makes the folder and the file where they are missing.
    ///
    /// Nothing is changed in a file that is not a store, was written by a newer program or is damaged.
    pub fn open(dir: &Path) -> Result<Self, LogError> {
        Self::open_with(dir, Options::default())
    }

    /// [`SqliteLog::open`] with other options.
    pub fn open_with(dir: &Path, options: Options) -> Result<Self, LogError> {
        open::folder(dir)?;
        let path = dir.join(FILE);
        let writing = open::patiently(options, || open::writing(&path, options))?;
        let reading = open::patiently(options, || open::reading(&path, options, open::READER_CACHE_KIB))?;
        let following = open::patiently(options, || open::reading(&path, options, open::FOLLOWER_CACHE_KIB))?;
        let interrupt = reading.get_interrupt_handle();

        let (signals, inbox) = channel();
        let follower = Follower::new(following, &path, options, signals.clone());
        let thread = std::thread::Builder::new()
            .name("log-pump".to_owned())
            .spawn(move || pump::run(follower, &inbox))
            .map_err(|error| no_thread(&error))?;
        Ok(Self {
            writer: Worker::start("log-writer", Writer::new(writing, path.clone(), options, signals.clone()))?,
            reader: Worker::start("log-reader", Reader::new(reading, path.clone()))?,
            pump: Mutex::new(Some(thread)),
            signals,
            reading: interrupt,
            path,
        })
    }

    /// Whether the store in `dir` could be opened; makes and changes nothing. False where there is none yet.
    pub fn try_out(dir: &Path) -> Result<bool, LogError> {
        open::try_out(&dir.join(FILE), Options { patience: Duration::from_secs(2), ..Options::default() })
    }

    /// The store's file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Ends the store: what was asked of it is done, subscriptions end, the file is closed.
    pub async fn close(&self) {
        self.end_pump();
        self.reading.interrupt();
        self.reader.close().await;
        self.writer.close().await;
    }

    fn end_pump(&self) {
        // It may be gone already; then there is nothing to tell it.
        let _ = self.signals.send(Signal::Close);
        let thread = self.pump.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread
            && thread.join().is_err()
        {
            tracing::error!("the log's pump ended by a panic");
        }
    }
}

impl Drop for SqliteLog {
    fn drop(&mut self) {
        self.end_pump();
        self.reading.interrupt();
        self.reader.end();
        self.writer.end();
    }
}

fn no_thread(error: &std::io::Error) -> LogError {
    LogError::Failed { why: format!("no thread for the store could be started: {error}") }
}

#[async_trait]
impl Log for SqliteLog {
    async fn append(&self, batch: Vec<NewEvent>, expect: Option<Expect>) -> Result<Seq, AppendError> {
        let (answer, outcome) = oneshot::channel();
        self.writer.send(move |writer: &mut Writer| {
            // A caller that went away does not undo what it asked for.
            let _ = answer.send(writer.append(&batch, expect));
        })?;
        outcome.await.map_err(|_| LogError::Closed)?
    }

    fn subscribe(&self, after: Seq) -> mpsc::Receiver<Vec<Arc<Envelope>>> {
        let (to, receiver) = mpsc::channel(SUBSCRIPTION_BATCHES);
        // On a closed store the sender is dropped with the signal and the receiver ends at once.
        let _ = self.signals.send(Signal::Subscribe { after, to });
        receiver
    }

    async fn last(&self) -> Result<Seq, LogError> {
        self.reader.ask(Reader::last).await
    }

    async fn bodies(&self, ids: Vec<BodyId>) -> Result<Vec<(BodyId, Body)>, LogError> {
        self.reader.ask(move |reader| reader.bodies(ids)).await
    }

    async fn erase(&self, id: BodyId) -> Result<(), LogError> {
        self.writer.ask(move |writer| writer.erase(&id)).await
    }

    async fn older(
        &self,
        column: ColumnName,
        before: (Timestamp, PostId),
        limit: usize,
    ) -> Result<Vec<Arc<Envelope>>, LogError> {
        self.reader.ask(move |reader| reader.older(&column, &before, limit)).await
    }

    async fn events(&self, after: Seq, limit: usize) -> Result<Vec<Arc<Envelope>>, LogError> {
        self.reader.ask(move |reader| reader.events(after, limit)).await
    }

    async fn first_since(&self, at: Timestamp) -> Result<Option<Seq>, LogError> {
        self.reader.ask(move |reader| reader.first_since(at)).await
    }

    async fn of_case(&self, case: CaseId) -> Result<Vec<Arc<Envelope>>, LogError> {
        self.reader.ask(move |reader| reader.of_case(case)).await
    }

    async fn of_author(&self, author: AuthorId, limit: usize) -> Result<Vec<Arc<Envelope>>, LogError> {
        self.reader.ask(move |reader| reader.of_author(&author, limit)).await
    }

    async fn of_key(&self, key: String, limit: usize) -> Result<Vec<Arc<Envelope>>, LogError> {
        self.reader.ask(move |reader| reader.of_key(&key, limit)).await
    }

    async fn cases_of_keys(&self, groups: KeyGroups, limit: usize) -> Result<Vec<CaseId>, LogError> {
        self.reader.ask(move |reader| reader.cases_of_keys(&groups, limit)).await
    }

    async fn search_of_keys(
        &self,
        words: String,
        between: Between,
        groups: KeyGroups,
        look: usize,
        limit: usize,
    ) -> Result<Vec<(CaseId, Hit)>, LogError> {
        self.reader.ask(move |reader| reader.search_of_keys(&words, between, &groups, (look, limit))).await
    }

    async fn posts_in(
        &self,
        author: AuthorId,
        conversation: ConversationId,
        limit: usize,
    ) -> Result<Vec<Arc<Envelope>>, LogError> {
        self.reader.ask(move |reader| reader.posts_in(&author, &conversation, limit)).await
    }

    async fn people(&self, beginning: String, limit: usize) -> Result<Vec<(String, AuthorId)>, LogError> {
        self.reader.ask(move |reader| reader.people(&beginning, limit)).await
    }

    async fn search_within(&self, words: String, between: Between, limit: usize) -> Result<Vec<Hit>, LogError> {
        self.reader.ask(move |reader| reader.search(&words, between, limit)).await
    }

    async fn keep_checkpoint(&self, kind: String, seq: Seq, state: Vec<u8>) -> Result<(), LogError> {
        self.writer.ask(move |writer| writer.keep_checkpoint(&kind, seq, &state)).await
    }

    async fn checkpoint(&self, kind: String) -> Result<Option<(Seq, Vec<u8>)>, LogError> {
        self.reader.ask(move |reader| reader.checkpoint(&kind)).await
    }

    async fn flush(&self) -> Result<(), LogError> {
        self.writer.ask(Writer::flush).await
    }
}
