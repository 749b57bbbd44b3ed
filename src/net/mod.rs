//! Networks: posts come in, one reply goes out. One folder per network.
//!
//! A network heals itself and confesses: it reconnects by the network's published steps, says how its link
//! stands, and reports a gap for every stretch it may have missed. It never asks the time (the clock is
//! handed in) and spawns nothing: `run` owns every future made here.

pub mod backoff;
pub mod bluesky;
pub(crate) mod call;
pub mod dispatch;
mod finding;
pub(crate) mod handing;
pub mod http;
pub(crate) mod kept;
pub mod lines;
pub mod mastodon;
pub mod meter;
#[cfg(test)]
mod nameless;
pub(crate) mod notes;
pub mod replay;
pub(crate) mod skipped;
pub(crate) mod socket;
pub mod x;

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use secrecy::SecretString;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::model::spend::{Budget, Gauge, Gauged};
use crate::model::{
    Account, AccountName, AuthorId, ColumnName, FoundOnNetwork, GapId, LinkReport, LoginReport, Message, MessageId,
    Post, PostId, ReplyId, ToldOfPost, Verdict,
};
use crate::rules::Rule;

pub use self::finding::{Finding, FindingVerdict};
pub use self::http::NetSetupError;
pub use self::meter::Meter;

/// Tells the time; `run` hands in the real one, tests and the simulator their own.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// A brand's login on a network, able to listen and to answer.
#[async_trait]
pub trait Network: Send + Sync + std::fmt::Debug {
    fn account(&self) -> Account;

    /// Listens for all columns over one connection until `stop`. A change of `feeds` is carried to the
    /// network without a new connection where the network allows it.
    async fn listen(
        &self,
        feeds: watch::Receiver<Arc<Vec<Feed>>>,
        links: mpsc::Sender<LinkReport>,
        stop: CancellationToken,
    );

    /// It takes up where an earlier run stopped, and says itself where that is not whole: a restart alone is no gap.
    fn resumes(&self) -> bool {
        false
    }

    /// Publishes a reply. Called once per attempt; see [`SendError`] for what may be tried again.
    async fn send(&self, outgoing: &Outgoing) -> Result<PostId, SendError>;

    /// Looks whether a reply of which nobody knows the outcome was published since `attempted`.
    async fn read_back(&self, outgoing: &Outgoing, attempted: Timestamp) -> ReadBack;

    /// Whether somebody takes direct messages from this account: asked before one is drafted. X charges for it.
    async fn may_message(&self, _author: &AuthorId) -> Verdict {
        Verdict::No { why: NO_MESSAGES.to_owned() }
    }

    /// What the network says of posts that somebody looks at, where that does not come with them: whether it would show
    /// our reply, and the text of a post they quote. One for each post, also where it gave no answer.
    async fn told_of(&self, _posts: &[PostId]) -> Vec<ToldOfPost> {
        Vec::new()
    }

    /// Sends a direct message. Called once per attempt, as [`Network::send`].
    async fn send_message(&self, _outgoing: &OutgoingMessage) -> Result<MessageId, SendError> {
        Err(SendError::Refused { why: NO_MESSAGES.to_owned(), remedy: String::new(), may_retry: false })
    }

    /// Looks whether a direct message of which nobody knows the outcome arrived.
    async fn read_back_message(&self, _outgoing: &OutgoingMessage, _attempted: Timestamp) -> ReadBack<MessageId> {
        ReadBack::Unknown { why: NO_MESSAGES.to_owned() }
    }

    /// Reads what these columns may have missed from `from` to `to` and hands it to them as the stream would
    /// have, oldest first. May wait until the network's search reaches up to `to`.
    async fn backfill(&self, feeds: &[Feed], from: Timestamp, to: Timestamp) -> Backfill;

    /// The newest posts the network's own search finds for this query, about `most` of them. Nothing is handed to any
    /// column. A network without a search says so.
    async fn search(&self, _query: &Rule, _most: u64) -> FoundOnNetwork {
        FoundOnNetwork::refused("this account's network has no search of its own here", None)
    }

    /// What the account pays and may pay; `None` where the network takes no money, or nobody knows its prices.
    fn budget(&self) -> Option<Budget> {
        None
    }

    /// Hands over who counts what is billed; called once, before anything else.
    fn keep_count(&self, _meter: Arc<dyn Meter>) {}

    /// Asks about a query that is no column yet. In words why the network could not be asked.
    async fn gauge(&self, _rule: &Rule, _gauge: Gauge) -> Result<Gauged, String> {
        Err("this network cannot be asked about queries".to_owned())
    }

    /// Looks whether these posts still stand as they were read; at most [`LOOKED_UP`] of them. Networks that tell of
    /// deletions by themselves have nothing to say.
    async fn look_up(&self, _posts: &[PostId]) -> Result<Vec<Inbound>, Missing> {
        Ok(Vec::new())
    }

    /// The connections the network holds open for this app, in words. Closes nothing.
    async fn connections(&self) -> Result<Vec<Connection>, Missing> {
        Ok(Vec::new())
    }

    /// Closes these connections. Only after somebody was asked: another program may be using them.
    async fn close(&self, _connections: &[Connection]) -> Result<usize, Missing> {
        Ok(0)
    }

    /// Takes other secrets from now on, and tries at once what was given up for want of good ones. Whether they are
    /// other than before. An error leaves the old ones.
    fn log_in_again(&self, _secrets: Secrets) -> Result<bool, NetSetupError> {
        Ok(false)
    }

    /// Asks the network whether credentials, plan and rules work; sends and changes nothing.
    async fn check(&self, feeds: &[Feed]) -> Vec<Finding>;

    /// Renews the account's login ahead of its end until `stop`, and says how it stands whenever that changes. A
    /// network whose credentials do not end has nothing to say.
    async fn keep_login(&self, _told: mpsc::Sender<LoginReport>, stop: CancellationToken) {
        stop.cancelled().await;
    }
}

/// What an account logs in with.
#[derive(Clone, Debug)]
pub enum Secrets {
    X {
        bearer: SecretString,
        user: Option<Box<x::UserCredentials>>,
    },
    /// An app password; without one the account only listens.
    Bluesky {
        app_password: Option<SecretString>,
    },
    /// A user's token; `None` where `replydeck auth` keeps it.
    Mastodon {
        token: Option<SecretString>,
    },
}

/// So many posts are looked up with one question.
pub const LOOKED_UP: usize = 100;

/// A connection a network holds open for our app.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connection {
    pub id: String,
    /// What it is for, in the network's word.
    pub what: String,
    pub since: Option<Timestamp>,
    /// The address it comes from, as the network saw it.
    pub from: String,
}

const NO_MESSAGES: &str = "this network's direct messages cannot be reached from here";

/// A column as its network needs it: what to listen for and where matches go.
#[derive(Clone, Debug)]
pub struct Feed {
    pub column: ColumnName,
    pub rule: Rule,
    /// Bounded: a reader that falls behind slows the network's reading down.
    pub out: mpsc::Sender<Inbound>,
}

/// What a column gets from its network.
#[derive(Clone, Debug, PartialEq)]
pub enum Inbound {
    Post(Box<Post>),
    /// A post of our own account that no column asked for; it may answer a case. Told to one column only.
    Own(Box<Post>),
    /// A direct message from or to us, as the network shows it. Told to one column only.
    Message {
        account: AccountName,
        message: Box<Message>,
    },
    /// The author changed the post; `Post::id` is still the first version's.
    Edited(Box<Post>),
    Deleted {
        post: PostId,
    },
    /// It is no longer shown to us: its author protects their posts now, or was suspended.
    Withheld {
        post: PostId,
    },
    /// From `from` on posts may be missing.
    GapOpened {
        gap: GapId,
        from: Timestamp,
        /// Nothing was heard before it in this run, so a gap that an earlier run left open goes on in it.
        is_first: bool,
    },
    /// Listening again since `to`; what lies between may be filled.
    GapClosed {
        gap: GapId,
        to: Timestamp,
    },
    /// The network itself has read what lay between; so many posts were new.
    GapFilled {
        gap: GapId,
        posts: u64,
    },
}

impl Inbound {
    /// A post of our own account that no column asked for; everything else as it is.
    pub(crate) fn into_own(self) -> Self {
        match self {
            Inbound::Post(post) => Inbound::Own(post),
            other => other,
        }
    }
}

/// A reply on its way out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    pub reply: ReplyId,
    pub to: PostId,
    /// The newest version's native id where the post was edited.
    pub to_version: Option<String>,
    /// Exactly what is published.
    pub text: String,
}

/// A direct message on its way out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutgoingMessage {
    pub reply: ReplyId,
    pub to: AuthorId,
    /// Exactly what is sent.
    pub text: String,
}

/// Why a reply did not go out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// The network said no, in its own words; nothing was published.
    #[error("{why}")]
    Refused { why: String, remedy: String, may_retry: bool },
    /// Nothing may be sent before `until`; the network published nothing.
    #[error("{why}")]
    Limited { why: String, until: Timestamp },
    /// The request never left this machine.
    #[error("not sent: {why}")]
    NotSent { why: String },
    /// It left and no answer came: it may be public. Only reading back can tell.
    #[error("no answer: {why}")]
    Unknown { why: String },
}

/// What reading back found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReadBack<Id = PostId> {
    /// It is public, or has arrived.
    Published(Id),
    /// It is certainly not: it may be sent again.
    Absent,
    /// The network did not let us look, or what we saw does not prove either.
    Unknown { why: String },
}

/// What a backfill brought.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Backfill {
    /// The different posts that columns were given; our own that no column asked for are not among them.
    pub found: BTreeSet<PostId>,
    /// How many posts the network returned; a post that two columns asked for came twice. X charges for each.
    pub read: u64,
    /// Why the stretch is not whole; none where it was read in full.
    pub missing: Option<Missing>,
}

impl Backfill {
    /// Nothing was read.
    pub fn refused(why: impl Into<String>) -> Self {
        Self { missing: Some(Missing { why: why.into(), until: None }), ..Self::default() }
    }
}

/// Why a stretch could not be read, or only in part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    pub why: String,
    /// Asking again makes no sense before, where the network said so.
    pub until: Option<Timestamp>,
}
