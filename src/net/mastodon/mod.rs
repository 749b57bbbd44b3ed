//! Mastodon, by the REST and streaming interfaces that Mastodon, GoToSocial and others share: posts in, replies out.
//!
//! One WebSocket carries all streams (`wire`); which ones, the columns' queries say (`subscriptions`). There is no
//! stream for words and no cursor: queries are judged here, and what a lost line missed is read back over REST from
//! where it was heard (`place`, `fill`), also by the next run. A reply goes out once: under a key of its own, and never
//! again before the thread was looked at (`send`). A status becomes a post in [`crate::rules::scan::status`].

mod api;
mod backfill;
mod check;
pub mod decode;
mod dm;
mod fill;
pub mod instance;
pub mod login;
mod memory;
pub mod pace;
mod place;
pub mod problem;
mod send;
mod sse;
mod stream;
mod subscriptions;
mod threads;
mod wire;
mod words;

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
use super::{Backfill, Clock, Feed, Finding, Network, Outgoing, OutgoingMessage, ReadBack, Secrets, SendError};
pub use crate::model::account::Visibility;
use crate::model::{Account, AuthorId, FoundOnNetwork, LinkReport, MessageId, PostId, Verdict};
use crate::rules::Rule;

/// What the adapter needs to know of an account at a server.
#[derive(Clone, Debug)]
pub struct MastodonSettings {
    pub account: Account,
    /// The server, `https://…`, or a simulator on loopback.
    pub base_url: Url,
    /// Where it streams, where what it says of that itself is wrong.
    pub streaming_url: Option<Url>,
    /// The account's token from the config; without it the login that `replydeck auth` kept.
    pub token: Option<SecretString>,
    /// Where the login and our place in the timelines are kept, in files for their owner alone.
    pub data_dir: PathBuf,
    /// Also read the account's direct messages.
    pub messages: bool,
    /// Also hear the account's own posts, so that answers typed elsewhere are seen.
    pub watch_own: bool,
    /// Who sees our replies on timelines.
    pub visibility: Visibility,
}

/// Mastodon, for one account.
#[derive(Debug)]
pub struct MastodonNetwork {
    api: Arc<api::Api>,
}

impl MastodonNetwork {
    /// Asks nothing of the network yet.
    pub fn new(settings: MastodonSettings, clock: Clock, random: u64) -> Result<Self, NetSetupError> {
        Self::with_pace(settings, clock, random, &Pace::SERVER)
    }

    /// For a simulator whose time runs faster than a server's.
    pub fn with_pace(
        settings: MastodonSettings,
        clock: Clock,
        random: u64,
        pace: &Pace,
    ) -> Result<Self, NetSetupError> {
        Ok(Self { api: Arc::new(api::Api::new(settings, clock, random, pace)?) })
    }

    /// Takes another token from the config, `None` for the kept login, and tries at once what was given up for want of a
    /// good one. Whether it is another one.
    pub fn take_token(&self, token: Option<&SecretString>) -> Result<bool, NetSetupError> {
        self.api.log_in_again(token)
    }

    /// What the server says of itself, where it was asked already: its limits, for one.
    pub fn facts(&self) -> Option<Arc<instance::Facts>> {
        self.api.known_facts()
    }
}

#[async_trait]
impl Network for MastodonNetwork {
    fn account(&self) -> Account {
        let limits = self.api.known_facts().map(|facts| facts.limits());
        let account = self.api.account();
        Account { limits: limits.or(account.limits), ..account }
    }

    async fn listen(
        &self,
        feeds: watch::Receiver<Arc<Vec<Feed>>>,
        links: mpsc::Sender<LinkReport>,
        stop: CancellationToken,
    ) {
        let mut listener = stream::Listener::new(self.api.clone(), feeds, links);
        tokio::select! {
            () = stop.cancelled() => {}
            () = listener.run() => {}
        }
        listener.stopped();
    }

    fn resumes(&self) -> bool {
        true
    }

    async fn send(&self, outgoing: &Outgoing) -> Result<PostId, SendError> {
        send::send(&self.api, outgoing).await
    }

    async fn read_back(&self, outgoing: &Outgoing, attempted: Timestamp) -> ReadBack {
        send::read_back(&self.api, outgoing, attempted).await
    }

    async fn may_message(&self, author: &AuthorId) -> Verdict {
        dm::may_message(&self.api, author).await
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
        backfill::search(&self.api, query, most).await
    }

    fn log_in_again(&self, secrets: Secrets) -> Result<bool, NetSetupError> {
        match secrets {
            Secrets::Mastodon { token } => self.take_token(token.as_ref()),
            // Those of another network's account say nothing of ours.
            Secrets::X { .. } | Secrets::Bluesky { .. } => Ok(false),
        }
    }

    async fn check(&self, feeds: &[Feed]) -> Vec<Finding> {
        check::check(&self.api, feeds).await
    }
}
