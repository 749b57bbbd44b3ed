//! A recording in place of a network's stream. Columns get its posts as if they came now; what is sent goes to
//! the network behind it, which is the simulator.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use tokio::io::AsyncRead;
use tokio::sync::{Mutex, mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::clock::Recorded;
use crate::app::{App, Effect};
use crate::model::{Account, AuthorId, Event, LinkReport, LinkState, MessageId, Post, PostId, ReplyId, Verdict};
use crate::net::replay::{Source, Speed};
use crate::net::{Backfill, Clock, Feed, Finding, Inbound, Network, Outgoing, OutgoingMessage, ReadBack, SendError};
use crate::sim::Guests;

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
    guests: Vec<Guests>,
    own: Arc<[Account]>,
    held: watch::Receiver<bool>,
}

impl std::fmt::Debug for Recording {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Recording").field("speed", &self.speed).field("behind", &self.behind).finish_non_exhaustive()
    }
}

impl Recording {
    /// `recorded` follows the posts' own times; `behind` takes what is sent.
    pub fn new(tape: Option<Tape>, speed: Speed, recorded: Recorded, behind: Arc<dyn Network>) -> Self {
        let clock = super::clock::system();
        let held = watch::channel(false).1;
        Self { tape: Mutex::new(tape), speed, clock, recorded, behind, guests: Vec::new(), own: Arc::new([]), held }
    }

    /// Simulators that are told of each post before a column has it, so that it can be answered there.
    #[must_use]
    pub fn with_guests(self, guests: Vec<Guests>) -> Self {
        Self { guests, ..self }
    }

    /// Accounts that are us. A recording may name them under other ids (made up, or before the config's was known):
    /// the handle decides.
    #[must_use]
    pub fn with_own(self, own: Vec<Account>) -> Self {
        Self { own: own.into(), ..self }
    }

    /// The tape stands while this is true.
    #[must_use]
    pub fn with_holds(self, held: watch::Receiver<bool>) -> Self {
        Self { held, ..self }
    }
}

/// Tells a recording whether a reply is in its hold. The recorded clock jumps from post to post, at 60 times the pace
/// by minutes: a hold of ten seconds would be over before anybody could think twice. So the tape stands meanwhile.
#[derive(Debug)]
pub struct Holds {
    recorded: Recorded,
    told: watch::Sender<bool>,
    /// On their way to the log.
    queued: BTreeSet<ReplyId>,
}

impl Holds {
    pub fn new(recorded: Recorded) -> (Self, watch::Receiver<bool>) {
        let (told, held) = watch::channel(false);
        (Self { recorded, told, queued: BTreeSet::new() }, held)
    }

    /// Hears what the app asked for at `now`: from the key on, not from the log's answer on, the tape stands.
    pub fn asked(&mut self, effects: &[Effect], now: Timestamp) {
        let before = self.queued.len();
        for effect in effects {
            let Effect::Append { events, .. } = effect else { continue };
            self.queued.extend(events.iter().filter_map(|event| match &event.event {
                Event::ReplyQueued { reply, .. } => Some(*reply),
                _ => None,
            }));
        }
        if self.queued.len() > before {
            self.recorded.hold(now);
        }
    }

    /// Looks what the app holds now; `msg_failed` says that something did not reach the log.
    pub fn look(&mut self, app: &App, msg_failed: bool) {
        if msg_failed {
            self.queued.clear();
        }
        self.queued.retain(|reply| !app.desk.replies.contains_key(reply));
        let is_held = !self.queued.is_empty() || !app.held().is_empty();
        if !is_held {
            self.recorded.release();
        }
        self.told.send_if_modified(|told| std::mem::replace(told, is_held) != is_held);
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
            is_calm: true,
            refused: Vec::new(),
        };
        let started = report(LinkState::Live, None);
        let (own, passing): (Vec<Feed>, Vec<_>) = feeds.borrow().iter().map(|feed| self.tapped(feed)).unzip();
        let ours = self.own.iter().map(|account| account.handle.clone()).collect();
        let source = Source::new(tape, own, self.speed, Arc::clone(&self.clock)).with_own(ours);
        let playing = async {
            if links.send(started).await.is_err() {
                return;
            }
            let ended = source.run(stop.clone(), |_| {}).await;
            let state = match ended {
                Ok(progress) if !progress.is_finished => return,
                Ok(progress) => {
                    let passed_over = progress.passed_over().map(|words| format!("; {words}")).unwrap_or_default();
                    let (posts, matched) = (progress.posts, progress.matched);
                    let word = if posts == 1 { "post" } else { "posts" };
                    let what = format!("the recording has ended: {posts} {word}, {matched} in a column{passed_over}");
                    LinkState::Ended { what }
                }
                Err(error) => LinkState::Down {
                    why: format!("the recording cannot be read on: {error}"),
                    remedy: "what was read stays on the screen".to_owned(),
                },
            };
            if links.send(report(state, None)).await.is_err() {
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

    async fn may_message(&self, author: &AuthorId) -> Verdict {
        self.behind.may_message(author).await
    }

    async fn send_message(&self, outgoing: &OutgoingMessage) -> Result<MessageId, SendError> {
        self.behind.send_message(outgoing).await
    }

    async fn read_back_message(&self, outgoing: &OutgoingMessage, attempted: Timestamp) -> ReadBack<MessageId> {
        self.behind.read_back_message(outgoing, attempted).await
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
        let (out, mut posts) = mpsc::channel::<Inbound>(1);
        let own = Feed { column: feed.column.clone(), rule: feed.rule.clone(), out };
        let (column, recorded) = (feed.out.clone(), self.recorded.clone());
        let (guests, ours, mut held) = (self.guests.clone(), Arc::clone(&self.own), self.held.clone());
        let passing = async move {
            while let Some(mut inbound) = posts.recv().await {
                if let Inbound::Post(post) | Inbound::Own(post) | Inbound::Edited(post) = &mut inbound {
                    recognise(post, &ours);
                }
                // An error: nobody holds anything any more.
                drop(held.wait_for(|is_held| !is_held).await);
                match &inbound {
                    Inbound::Post(post) | Inbound::Own(post) | Inbound::Edited(post) => {
                        // First the clock: who answers lives in the time of the post.
                        recorded.reach(post.at);
                        for guests in &guests {
                            guests.know(post);
                        }
                    }
                    Inbound::Deleted { post } => guests.iter().for_each(|guests| guests.forget(post)),
                    Inbound::Withheld { .. }
                    | Inbound::Message { .. }
                    | Inbound::GapOpened { .. }
                    | Inbound::GapClosed { .. }
                    | Inbound::GapFilled { .. } => {}
                }
                if column.send(inbound).await.is_err() {
                    return;
                }
            }
        };
        (own, passing)
    }
}

/// Puts our own ids where the post names our accounts.
fn recognise(post: &mut Post, own: &[Account]) {
    let id_of =
        |handle: &str| own.iter().find(|us| us.handle.eq_ignore_ascii_case(handle)).and_then(|us| us.id.clone());
    if let Some(id) = id_of(&post.author.handle) {
        post.author.id = id;
    }
    for mention in &mut post.mentions {
        if let Some(id) = id_of(&mention.handle) {
            mention.id = Some(id);
        }
    }
}
