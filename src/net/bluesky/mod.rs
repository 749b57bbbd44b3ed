//! Bluesky: Jetstream in, the account's own server out.
//!
//! The whole network's posts come over one socket (`stream`, `jetstream`), are matched here by all columns' rules at
//! once (`sift`) and get their authors' names from the public directory (`profiles`). The stream is gone on with where it
//! broke off (`cursor`), so only what a server no longer has is a gap. Replies are records under keys made from their
//! own ids (`send`, `tid`): sent twice, one post; whether they would be shown is asked before (`asking`). A rep may search
//! (`search`). Direct messages go by the chat service (`dm`, `inbox`).

mod acts;
mod asking;
mod backfill;
mod check;
mod cursor;
mod dm;
mod facets;
mod inbox;
pub mod jetstream;
mod known;
pub mod pace;
mod packed;
mod problem;
mod profiles;
pub(crate) mod record;
mod search;
mod send;
mod session;
mod sift;
mod stream;
mod tid;
mod xrpc;

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use secrecy::SecretString;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use url::Url;

use self::pace::Pace;
use super::http::NetSetupError;
use super::{
    Backfill, Clock, Feed, Finding, Inbound, Missing, Network, Outgoing, OutgoingMessage, ReadBack, Secrets, SendError,
};
use crate::model::{
    Account, AuthorId, FoundOnNetwork, LinkReport, LoginReport, MessageId, PostId, ToldOfPost, Verdict,
};
use crate::rules::Rule;

/// What the adapter needs to know of a Bluesky account.
#[derive(Clone, Debug)]
pub struct BlueskySettings {
    pub account: Account,
    /// Where one logs in: `https://bsky.social`, another server, or a simulator on loopback.
    pub service: Url,
    /// Made at Settings, App passwords; without it the account only listens. Direct messages need one that allows them.
    pub app_password: Option<SecretString>,
    /// `wss://HOST`, asked in turn; an address of the newer dialect has its path.
    pub jetstreams: Vec<Url>,
    /// The public directory of profiles and posts: `https://public.api.bsky.app`.
    pub appview: Url,
    /// The service that carries direct messages: `did:web:api.bsky.chat#bsky_chat`.
    pub chat: String,
    /// Packed frames are asked for: less than half the bytes. A server may send plain ones all the same.
    pub zstd: bool,
    /// The login, the place in the stream and how far messages were read are kept here.
    pub data_dir: PathBuf,
    /// Also read the account's direct messages.
    pub messages: bool,
    /// Also hand on the account's own posts, so that answers typed elsewhere are seen. They cost nothing here.
    pub watch_own: bool,
}

/// Bluesky, for one account.
#[derive(Debug)]
pub struct BlueskyNetwork {
    api: Arc<xrpc::Api>,
    data_dir: PathBuf,
}

impl BlueskyNetwork {
    /// Asks nothing of the network yet. `random`: bits that make the ids of this run unlike those of any other.
    pub fn new(settings: BlueskySettings, clock: Clock, random: u64) -> Result<Self, NetSetupError> {
        Self::with_pace(settings, clock, random, &Pace::BLUESKY)
    }

    /// For a simulator whose time runs faster than the network's.
    pub fn with_pace(settings: BlueskySettings, clock: Clock, random: u64, pace: &Pace) -> Result<Self, NetSetupError> {
        let data_dir = settings.data_dir.clone();
        Ok(Self { api: Arc::new(xrpc::Api::new(settings, clock, random, pace)?), data_dir })
    }

    /// Follows somebody, so that they may write to us; the address of the record that says so.
    pub async fn follow(&self, author: &AuthorId) -> Result<String, SendError> {
        acts::follow(&self.api, author).await
    }

    /// Deletes a record of this account's by its address: a post, or a follow.
    pub async fn delete(&self, record: &PostId) -> Result<(), SendError> {
        acts::delete(&self.api, record).await
    }

    fn file_name(&self, what: &str) -> PathBuf {
        let name: String =
            self.api.account().name.as_str().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
        self.data_dir.join(format!("{what}-{name}"))
    }
}

#[async_trait]
impl Network for BlueskyNetwork {
    fn account(&self) -> Account {
        self.api.account()
    }

    fn resumes(&self) -> bool {
        true
    }

    async fn listen(
        &self,
        feeds: watch::Receiver<Arc<Vec<Feed>>>,
        links: mpsc::Sender<LinkReport>,
        stop: CancellationToken,
    ) {
        let file = cursor::CursorFile::of(&self.data_dir, &self.api.account().name);
        let mut listener = stream::Listener::new(self.api.clone(), file, feeds.clone(), links);
        let private = async {
            if self.api.reads_messages() {
                let inbox = inbox::Inbox::new(self.api.clone(), self.file_name("messages"));
                inbox.run(feeds).await;
            } else {
                drop(feeds);
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = listener.run() => {}
            () = private => {}
        }
        listener.end().await;
    }

    async fn send(&self, outgoing: &Outgoing) -> Result<PostId, SendError> {
        send::send(&self.api, outgoing).await
    }

    async fn read_back(&self, outgoing: &Outgoing, _attempted: Timestamp) -> ReadBack {
        send::read_back(&self.api, outgoing).await
    }

    async fn may_message(&self, author: &AuthorId) -> Verdict {
        dm::may_message(&self.api, author).await
    }

    async fn told_of(&self, posts: &[PostId]) -> Vec<ToldOfPost> {
        asking::told_of(&self.api, posts).await
    }

    async fn send_message(&self, outgoing: &OutgoingMessage) -> Result<MessageId, SendError> {
        dm::send(&self.api, outgoing).await
    }

    async fn read_back_message(&self, outgoing: &OutgoingMessage, attempted: Timestamp) -> ReadBack<MessageId> {
        dm::read_back(&self.api, outgoing, attempted).await
    }

    async fn backfill(&self, feeds: &[Feed], from: Timestamp, to: Timestamp) -> Backfill {
        backfill::backfill(&self.api, feeds, from, to).await
    }

    async fn search(&self, query: &Rule, most: u64) -> FoundOnNetwork {
        search::search(&self.api, query, most).await
    }

    async fn look_up(&self, posts: &[PostId]) -> Result<Vec<Inbound>, Missing> {
        backfill::look_up(&self.api, posts).await
    }

    fn log_in_again(&self, secrets: Secrets) -> Result<bool, NetSetupError> {
        match secrets {
            Secrets::Bluesky { app_password } => Ok(self.api.keeper.change(app_password)),
            Secrets::X { .. } | Secrets::Mastodon { .. } => Ok(false),
        }
    }

    async fn check(&self, feeds: &[Feed]) -> Vec<Finding> {
        check::check(&self.api, feeds).await
    }

    async fn keep_login(&self, told: mpsc::Sender<LoginReport>, stop: CancellationToken) {
        tokio::select! {
            () = stop.cancelled() => {}
            () = self.api.keep_login(told) => {}
        }
    }
}
