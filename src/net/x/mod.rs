//! X by its API v2: the filtered stream in, replies out.

mod activity;
mod api;
mod asking;
mod backfill;
mod check;
mod clock_error;
mod connections;
mod counts;
pub mod decode;
mod dm;
mod ending;
mod giving;
mod identity;
pub mod login;
mod lookup;
mod names;
mod oauth;
pub mod pace;
pub mod problem;
mod pulse;
mod read_back;
mod reading;
pub mod renew;
mod rule_text;
mod rules_sync;
mod search;
mod send;
mod stream;
pub mod tokens;
mod usage;
pub mod user_token;

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
    Backfill, Clock, Connection, Feed, Finding, Inbound, Meter, Missing, Network, Outgoing, OutgoingMessage, ReadBack,
    Secrets, SendError,
};
use crate::model::spend::{Budget, Gauge, Gauged};
use crate::model::{Account, AuthorId, FoundOnNetwork, LinkReport, LoginReport, MessageId, PostId, Verdict};
use crate::rules::Rule;

/// Bits that make the ids of this run unlike those of any other; 41 of them are used.
pub type SessionRandom = u64;

/// What the adapter needs to know of an X app and the account it writes as.
#[derive(Clone, Debug)]
pub struct XSettings {
    pub account: Account,
    /// `https://api.x.com`, or a simulator on loopback.
    pub base_url: Url,
    /// The app's own token: the stream, its rules and search take no other.
    pub bearer: SecretString,
    /// Who writes; without it the account only listens.
    pub user: Option<UserCredentials>,
    /// Rules of ours carry the tag `replydeck/DECK/COLUMN`; rules with other tags are never touched.
    pub deck: String,
    /// Also listen for the account's own replies, so that answers typed elsewhere and hand-overs are seen.
    /// Each costs what any read post costs.
    pub watch_own: bool,
    /// Also read the account's direct messages; it needs the account's own token. Each costs what X asks for one.
    pub messages: bool,
    /// Be told by X's Activity stream of what concerns the account, where the plan has it.
    pub activity: bool,
}

/// Ways to write as a user.
#[derive(Clone, Debug)]
pub enum UserCredentials {
    /// An OAuth 2.0 access token; it lives two hours.
    OAuth2 { access_token: SecretString },
    /// OAuth 1.0a: four strings from the developer console, valid until revoked.
    OAuth1 { consumer_key: String, consumer_secret: SecretString, token: String, token_secret: SecretString },
    /// Logged in by `replydeck auth`; renewed as long as it can be.
    Kept(user_token::KeptLogin),
}

/// X, for one account.
#[derive(Debug)]
pub struct XNetwork {
    api: Arc<api::Api>,
}

impl XNetwork {
    /// Asks nothing of the network yet.
    pub fn new(settings: XSettings, clock: Clock, random: SessionRandom) -> Result<Self, NetSetupError> {
        Self::with_pace(settings, clock, random, &Pace::X)
    }

    /// For a simulator whose time runs faster than X's.
    pub fn with_pace(
        settings: XSettings,
        clock: Clock,
        random: SessionRandom,
        pace: &Pace,
    ) -> Result<Self, NetSetupError> {
        Ok(Self { api: Arc::new(api::Api::new(settings, clock, random, pace)?) })
    }

    /// X is asked whose token it is before anything is sent with it.
    #[must_use]
    pub fn asking_whose_token(mut self) -> Self {
        if let Some(api) = Arc::get_mut(&mut self.api) {
            api.asks_whose_token = true;
        }
        self
    }

    /// With what the account pays and may pay; without it nothing is counted.
    #[must_use]
    pub fn with_budget(mut self, budget: Option<Budget>) -> Self {
        if let Some(api) = Arc::get_mut(&mut self.api) {
            api.budget = budget;
        }
        self
    }
}

#[async_trait]
impl Network for XNetwork {
    fn account(&self) -> Account {
        self.api.account()
    }

    async fn listen(
        &self,
        feeds: watch::Receiver<Arc<Vec<Feed>>>,
        links: mpsc::Sender<LinkReport>,
        stop: CancellationToken,
    ) {
        let giving = Arc::new(giving::Giving::new(self.api.clone(), feeds.clone()));
        let listener = stream::Listener::new(self.api.clone(), giving.clone(), feeds.clone(), links);
        // Dropping the listener closes the connection; our rules stay at X, where they cost nothing unheard.
        tokio::select! {
            () = stop.cancelled() => {}
            () = listener.run() => {}
            () = activity::run(self.api.clone(), giving, feeds) => {}
        }
    }

    async fn send(&self, outgoing: &Outgoing) -> Result<PostId, SendError> {
        send::send(&self.api, outgoing).await
    }

    async fn read_back(&self, outgoing: &Outgoing, attempted: Timestamp) -> ReadBack {
        read_back::read_back(&self.api, outgoing, attempted).await
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
        search::newest(&self.api, query, most).await
    }

    fn budget(&self) -> Option<Budget> {
        self.api.budget
    }

    fn keep_count(&self, meter: Arc<dyn Meter>) {
        if self.api.meter.set(meter).is_err() {
            tracing::warn!("a second meter was handed over; the first goes on counting");
        }
    }

    async fn gauge(&self, rule: &Rule, gauge: Gauge) -> Result<Gauged, String> {
        match gauge {
            Gauge::Rule => counts::rehearse(&self.api, rule).await,
            Gauge::Count => counts::count(&self.api, rule).await,
        }
    }

    async fn look_up(&self, posts: &[PostId]) -> Result<Vec<Inbound>, Missing> {
        lookup::look_up(&self.api, posts).await
    }

    async fn connections(&self) -> Result<Vec<Connection>, Missing> {
        connections::list(&self.api).await
    }

    async fn close(&self, connections: &[Connection]) -> Result<usize, Missing> {
        connections::close(&self.api, connections).await
    }

    fn log_in_again(&self, secrets: Secrets) -> Result<bool, NetSetupError> {
        match secrets {
            Secrets::X { bearer, user } => self.api.log_in_again(&bearer, user.map(|user| *user)),
            // Secrets are fetched by the account's own network.
            Secrets::Bluesky { .. } | Secrets::Mastodon { .. } => Ok(false),
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
