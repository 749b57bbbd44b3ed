//! A recording in place of a network's stream. Columns get its posts as if they came now; what is sent goes to
//! the network behind it, which is the simulator.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use tokio::io::AsyncRead;
use tokio::sync::{Mutex, mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::clock::Recorded;
use crate::model::{Account, LinkReport, LinkState, PostId};
use crate::net::replay::{Source, Speed};
use crate::net::{Backfill, Clock, Feed, Finding, Inbound, Network, Outgoing, ReadBack, SendError};

/// Something to read a recording from.
pub type Tape = Box<dyn AsyncRead + Send + Unpin>;

/// Plays a recording to the columns of one account.
pub struct Recording {
    /// Taken by the first listener; a recording is played once.
    tape: Mutex<Option<Tape>>,
    speed: Speed,
    clock: Clock,
    recorded: Recorded,
    behind: Arc<dyn Network>,
}

impl std::fmt::Debug for Recording {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Recording").field("speed", &self.speed).field("behind", &self.behind).finish_non_exhaustive()
    }
}

impl Recording {
    /// `recorded` follows the posts' own times; `behind` takes what is sent.
    pub fn new(tape: Option<Tape>, speed: Speed, recorded: Recorded, behind: Arc<dyn Network>) -> Self {
        Self { tape: Mutex::new(tape), speed, clock: super::clock::system(), recorded, behind }
    }
}

#[async_trait]
impl Network for Recording {
    fn account(&self) -> Account {
        self.behind.account()
    }

    async fn listen(
        &self,
        feeds: watch::Receiver<Arc<Vec<Feed>>>,
        links: mpsc::Sender<LinkReport>,
        stop: CancellationToken,
    ) {
        let Some(tape) = self.tape.lock().await.take() else { return };
        let account = self.account().name;
        let report = |state, note: Option<String>| LinkReport {
            account: account.clone(),
            state,
            last_byte: Some((self.clock)()),
            note,
        };
        let started = report(LinkState::Live, None);
        let (own, passing): (Vec<Feed>, Vec<_>) = feeds.borrow().iter().map(|feed| self.tapped(feed)).unzip();
        let source = Source::new(tape, own, self.speed, Arc::clone(&self.clock));
        let playing = async {
            if links.send(started).await.is_err() {
                return;
            }
            let ended = source.run(stop.clone(), |_| {}).await;
            let why = match ended {
                Ok(progress) if !progress.is_finished => return,
                Ok(progress) => {
                    let malformed = match progress.malformed {
                        0 => String::new(),
                        count => format!(", {count} lines that are no posts passed over"),
                    };
                    format!(
                        "the recording has ended: {} posts, {} in a column{malformed}",
                        progress.posts, progress.matched
                    )
                }
                Err(error) => format!("the recording cannot be read on: {error}"),
            };
            let note = Some(why.clone());
            if links.send(report(LinkState::Down { why, remedy: String::new() }, note)).await.is_err() {
                tracing::debug!("nobody is left to hear that the recording ended");
            }
        };
        tokio::join!(playing, futures_util::future::join_all(passing));
        stop.cancelled().await;
    }

    async fn send(&self, outgoing: &Outgoing) -> Result<PostId, SendError> {
        self.behind.send(outgoing).await
    }

    async fn read_back(&self, outgoing: &Outgoing, attempted: Timestamp) -> ReadBack {
        self.behind.read_back(outgoing, attempted).await
    }

    async fn backfill(&self, _feeds: &[Feed], _from: Timestamp, _to: Timestamp) -> Backfill {
        Backfill::refused("a recording has no search")
    }

    async fn check(&self, feeds: &[Feed]) -> Vec<Finding> {
        self.behind.check(feeds).await
    }
}

impl Recording {
    /// A feed of our own whose posts move the recorded clock on before they reach the column.
    fn tapped(&self, feed: &Feed) -> (Feed, impl Future<Output = ()> + Send + use<>) {
        let (out, mut posts) = mpsc::channel::<Inbound>(super::column::WAITING);
        let own = Feed { column: feed.column.clone(), rule: feed.rule.clone(), out };
        let (column, recorded) = (feed.out.clone(), self.recorded.clone());
        let passing = async move {
            while let Some(inbound) = posts.recv().await {
                if let Inbound::Post(post) = &inbound {
                    recorded.reach(post.at);
                }
                if column.send(inbound).await.is_err() {
                    return;
                }
            }
        };
        (own, passing)
    }
}
