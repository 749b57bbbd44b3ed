//! Sending exactly once: the attempt is in the log before the request leaves, the outcome after it, and an
//! outcome nobody knows is read back from the network before anything else happens.
//!
//! A look may take a minute, and another process may have looked, told and sent again meanwhile. So what a look did not
//! find is written by compare-and-set behind the attempt it looked for: a newer attempt of the same reply makes it void,
//! or the reply would stand as failed, and be sent once more, while it is on its way.

mod telling;

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio::time::sleep;
use uuid::Uuid;

use self::telling::{note_down, said};
use super::intake::Signer;
use crate::app::Msg;
use crate::app::notice::{Notice, Weight};
use crate::log::{AppendError, Log, LogError};
use crate::model::deed::WATCHER_SENDS_NOTHING;
use crate::model::reply::FREE_AGAIN;
use crate::model::{AuthorId, CaseId, Event, EventId, Expect, PostId, ReplyId, Role, Seq, SessionId};
use crate::net::{Clock, Network, Outgoing, OutgoingMessage, ReadBack, SendError};

/// So long after a failed append it is tried again.
const RETRY: Duration = Duration::from_secs(1);

/// What one delivery needs.
#[derive(Clone)]
pub struct Delivering {
    pub log: Arc<dyn Log>,
    pub network: Arc<dyn Network>,
    pub clock: Clock,
    pub signer: Signer,
    pub session: SessionId,
    pub inbox: mpsc::Sender<Msg>,
}

impl std::fmt::Debug for Delivering {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Delivering")
            .field("network", &self.network)
            .field("signer", &self.signer)
            .finish_non_exhaustive()
    }
}

/// A confirmed reply and its case.
#[derive(Clone, Debug, PartialEq)]
pub struct Confirmed {
    pub case: CaseId,
    pub outgoing: Outgoing,
    /// A direct message to them instead of a public reply.
    pub private_to: Option<AuthorId>,
}

impl Confirmed {
    fn message(&self) -> Option<OutgoingMessage> {
        let to = self.private_to.clone()?;
        Some(OutgoingMessage { reply: self.outgoing.reply, to, text: self.outgoing.text.clone() })
    }
}

impl Delivering {
    /// Sends a reply whose hold has run out.
    ///
    /// `expect` is the place of the last thing two reps could have raced for in the case: if somebody answered,
    /// claimed or resolved it since, nothing is sent and the rep is told. Where the store does not take the attempt
    /// nothing is sent either, and the app hears [`Msg::NotBegun`].
    pub async fn send(self, confirmed: Confirmed, expect: Expect) {
        let Confirmed { case, ref outgoing, .. } = confirmed;
        let reply = outgoing.reply;
        let attempted = (self.clock)();
        let attempt = Event::ReplyAttempted { reply, case, session: self.session };
        let begun = match self.append_once(attempt, Some(expect)).await {
            Ok(seq) => Expect { case, seq },
            // The store had taken our own attempt when it said that it had not: nothing was sent by it.
            Err(AppendError::Conflict { winner }) if is_attempt_of(&winner.event, reply, self.session) => {
                tracing::warn!(%reply, "an attempt of ours had reached the log after all; reading back");
                return self.read_back(confirmed, winner.at, Expect { case, seq: winner.seq }).await;
            }
            Err(AppendError::Conflict { winner }) if is_of(&winner.event, reply) => {
                // Another process on the same log has this very reply in hand and tells its outcome.
                tracing::warn!(%reply, "another process sends this reply; it is left to it");
                return;
            }
            Err(AppendError::Conflict { winner }) => {
                let why = format!(
                    "{} changed the case first ({}): read it, then send again",
                    winner.rep,
                    said(&winner.event)
                );
                self.record(Event::ReplyFailed { reply, case, why, may_retry: true }).await;
                return;
            }
            Err(AppendError::Log(error)) => {
                // Nothing left this machine, and the reply is still queued in the log: the app asks again, unless
                // the rep takes it back meanwhile.
                tracing::error!(%reply, %error, "an attempt did not reach the log; nothing was sent");
                if self.inbox.send(Msg::NotBegun { reply, why: error.to_string() }).await.is_err() {
                    tracing::debug!(%reply, "nobody is left to try again");
                }
                return;
            }
        };
        let sent = match confirmed.message() {
            None => self.network.send(outgoing).await.map(|post| Event::ReplySent { reply, case, post }),
            Some(private) => {
                let sent = self.network.send_message(&private).await;
                sent.map(|message| Event::ReplyDelivered { reply, case, message })
            }
        };
        let outcome = match sent {
            Ok(sent) => sent,
            Err(SendError::Refused { why, remedy, may_retry }) => {
                let why = if remedy.is_empty() { why } else { format!("{why} ({remedy})") };
                Event::ReplyFailed { reply, case, why, may_retry }
            }
            Err(SendError::Limited { why, until }) => {
                self.wait_told(reply, until).await;
                let why = format!("{why}; nothing was sent{FREE_AGAIN}{until:.0}");
                Event::ReplyFailed { reply, case, why, may_retry: true }
            }
            Err(SendError::NotSent { why }) => {
                Event::ReplyFailed { reply, case, why: format!("not sent: {why}"), may_retry: true }
            }
            Err(SendError::Unknown { why }) => {
                tracing::warn!(%reply, "no answer; reading back");
                self.tell(
                    Weight::Warning,
                    format!("no answer from the network ({why}); looking whether it was published"),
                )
                .await;
                return self.read_back(confirmed, attempted, begun).await;
            }
        };
        note_down(&outcome, &confirmed.outgoing.text);
        self.record(outcome).await;
    }

    /// Finds out what became of a reply attempted at `attempted`, and writes that down. `begun` is the place in the log
    /// of that attempt, or any later one up to which the case is known.
    pub async fn read_back(self, confirmed: Confirmed, attempted: Timestamp, begun: Expect) {
        let (reply, case) = (confirmed.outgoing.reply, confirmed.case);
        let found = match confirmed.message() {
            None => match self.network.read_back(&confirmed.outgoing, attempted).await {
                ReadBack::Published(post) => ReadBack::Published(Event::ReplySent { reply, case, post }),
                ReadBack::Absent => ReadBack::Absent,
                ReadBack::Unknown { why } => ReadBack::Unknown { why },
            },
            Some(private) => match self.network.read_back_message(&private, attempted).await {
                ReadBack::Published(message) => ReadBack::Published(Event::ReplyDelivered { reply, case, message }),
                ReadBack::Absent => ReadBack::Absent,
                ReadBack::Unknown { why } => ReadBack::Unknown { why },
            },
        };
        let outcome = match found {
            ReadBack::Published(sent) => {
                note_down(&sent, &confirmed.outgoing.text);
                return self.record(sent).await;
            }
            ReadBack::Absent => Event::ReplyFailed {
                reply,
                case,
                why: "the answer was lost and the network does not have it: it was not published".into(),
                may_retry: true,
            },
            ReadBack::Unknown { why } => Event::ReplyParked { reply, case, why },
        };
        note_down(&outcome, &confirmed.outgoing.text);
        self.record_behind(outcome, Some((reply, begun))).await;
    }

    /// Writes an outcome down, for as long as that takes: a network's answer must not be lost to a full disk.
    async fn record(&self, outcome: Event) {
        self.record_behind(outcome, None).await;
    }

    /// The same; with `behind` only if nobody has begun to send this reply again since.
    async fn record_behind(&self, outcome: Event, mut behind: Option<(ReplyId, Expect)>) {
        let event = self.signer.event(fresh_id(), (self.clock)(), outcome, None);
        let mut told = false;
        loop {
            let why = match self.log.append(vec![event.clone()], behind.map(|(_, expect)| expect)).await {
                Ok(_) => return,
                Err(AppendError::Conflict { winner }) if behind.is_some() => {
                    if let Some((reply, expect)) = &mut behind {
                        if is_of(&winner.event, *reply) {
                            tracing::warn!(%reply, "it was sent again meanwhile; what the look found is void");
                            return;
                        }
                        // Somebody did something else to the case.
                        expect.seq = winner.seq;
                    }
                    continue;
                }
                Err(AppendError::Log(LogError::Closed)) => {
                    tracing::error!(
                        id = ?event.id,
                        "the store closed before the outcome was written; it is read back at the next start"
                    );
                    return;
                }
                Err(error) => error.to_string(),
            };
            tracing::error!(%why, id = ?event.id, "an outcome waits for the store");
            if !told {
                told = true;
                self.tell(Weight::Error, format!("the outcome of a reply waits for the store: {why}")).await;
            }
            sleep(RETRY).await;
        }
    }

    async fn append_once(&self, event: Event, expect: Option<Expect>) -> Result<Seq, AppendError> {
        let event = self.signer.event(fresh_id(), (self.clock)(), event, None);
        self.log.append(vec![event], expect).await
    }

    async fn wait_told(&self, reply: ReplyId, until: Timestamp) {
        if self.inbox.send(Msg::SendWaits { reply, until }).await.is_err() {
            tracing::debug!(%reply, "nobody is left to hear of the wait");
        }
    }

    async fn tell(&self, weight: Weight, text: String) {
        // A refusal may repeat the reply, which the log file must not hold.
        tracing::warn!(?weight, "the screen was told what became of a reply");
        if self.inbox.send(Msg::Notice(Notice::new((self.clock)(), weight, text))).await.is_err() {
            tracing::debug!("nobody is left to read the notice");
        }
    }
}

/// Whether it was this run that began to send this reply.
fn is_attempt_of(event: &Event, reply: ReplyId, session: SessionId) -> bool {
    matches!(event, Event::ReplyAttempted { reply: of, session: by, .. } if *of == reply && *by == session)
}

/// Whether somebody else began to send this reply, or has done so.
fn is_of(event: &Event, reply: ReplyId) -> bool {
    match event {
        Event::ReplyAttempted { reply: of, .. }
        | Event::ReplySent { reply: of, .. }
        | Event::ReplyDelivered { reply: of, .. } => *of == reply,
        _ => false,
    }
}

fn fresh_id() -> EventId {
    EventId(Uuid::now_v7())
}

/// Where a reply goes, put together from what the desk knows of it. Nothing goes out by a role that may not send,
/// whoever asks.
pub fn outgoing(desk: &crate::desk::Desk, role: Role, reply: ReplyId) -> Result<(Confirmed, Expect), String> {
    if !role.may_send() {
        return Err(WATCHER_SENDS_NOTHING.to_owned());
    }
    let known = desk.replies.get(&reply).ok_or("the reply is not in the outbox any more")?;
    let case = desk.cases.get(&known.case).ok_or("its case is not on the desk any more")?;
    let text = known.text.clone().ok_or("its text was erased")?;
    let to: &PostId = &known.to;
    let to_version = desk.posts.get(to).and_then(|post| post.body.as_ref()).and_then(|post| post.version.clone());
    let outgoing = Outgoing { reply, to: to.clone(), to_version, text };
    let private_to = known.purpose.is_private().then(|| case.author.clone());
    Ok((Confirmed { case: known.case, outgoing, private_to }, Expect { case: known.case, seq: case.contended }))
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use async_trait::async_trait;
    use tokio::sync::watch;
    use tokio_util::sync::CancellationToken;

    use super::*;
    use crate::log::KeyGroups;
    use crate::log::memory::MemoryLog;
    use crate::model::{
        Account, Between, Body, BodyId, ColumnName, ConversationId, Envelope, Hit, LinkReport, MachineName,
        NetworkKind, NewEvent, RepName, Seq,
    };
    use crate::net::{Backfill, Feed, Finding};

    /// A store whose disk is full for the next `full` appends; where it `lies`, it has taken them all the same.
    #[derive(Debug)]
    struct Filling {
        log: MemoryLog,
        full: AtomicUsize,
        lies: bool,
    }

    #[async_trait]
    impl Log for Filling {
        async fn append(&self, batch: Vec<NewEvent>, expect: Option<Expect>) -> Result<Seq, AppendError> {
            let spend = |full: usize| full.checked_sub(1);
            if self.full.fetch_update(Ordering::SeqCst, Ordering::SeqCst, spend).is_ok() {
                if self.lies {
                    self.log.append(batch, expect).await?;
                }
                return Err(LogError::Full { why: "no room".to_owned() }.into());
            }
            self.log.append(batch, expect).await
        }

        fn subscribe(&self, after: Seq) -> mpsc::Receiver<Vec<Arc<Envelope>>> {
            self.log.subscribe(after)
        }

        async fn last(&self) -> Result<Seq, LogError> {
            self.log.last().await
        }

        async fn bodies(&self, ids: Vec<BodyId>) -> Result<Vec<(BodyId, Body)>, LogError> {
            self.log.bodies(ids).await
        }

        async fn erase(&self, id: BodyId) -> Result<(), LogError> {
            self.log.erase(id).await
        }

        async fn older(
            &self,
            column: ColumnName,
            before: (Timestamp, PostId),
            limit: usize,
        ) -> Result<Vec<Arc<Envelope>>, LogError> {
            self.log.older(column, before, limit).await
        }

        async fn events(&self, after: Seq, limit: usize) -> Result<Vec<Arc<Envelope>>, LogError> {
            self.log.events(after, limit).await
        }

        async fn first_since(&self, at: Timestamp) -> Result<Option<Seq>, LogError> {
            self.log.first_since(at).await
        }

        async fn of_case(&self, case: CaseId) -> Result<Vec<Arc<Envelope>>, LogError> {
            self.log.of_case(case).await
        }

        async fn of_author(&self, author: AuthorId, limit: usize) -> Result<Vec<Arc<Envelope>>, LogError> {
            self.log.of_author(author, limit).await
        }

        async fn of_key(&self, key: String, limit: usize) -> Result<Vec<Arc<Envelope>>, LogError> {
            self.log.of_key(key, limit).await
        }

        async fn cases_of_keys(&self, groups: KeyGroups, limit: usize) -> Result<Vec<CaseId>, LogError> {
            self.log.cases_of_keys(groups, limit).await
        }

        async fn search_of_keys(
            &self,
            words: String,
            between: Between,
            groups: KeyGroups,
            look: usize,
            limit: usize,
        ) -> Result<Vec<(CaseId, Hit)>, LogError> {
            self.log.search_of_keys(words, between, groups, look, limit).await
        }

        async fn posts_in(
            &self,
            author: AuthorId,
            conversation: ConversationId,
            limit: usize,
        ) -> Result<Vec<Arc<Envelope>>, LogError> {
            self.log.posts_in(author, conversation, limit).await
        }

        async fn people(&self, beginning: String, limit: usize) -> Result<Vec<(String, AuthorId)>, LogError> {
            self.log.people(beginning, limit).await
        }

        async fn search_within(&self, words: String, between: Between, limit: usize) -> Result<Vec<Hit>, LogError> {
            self.log.search_within(words, between, limit).await
        }

        async fn keep_checkpoint(&self, kind: String, seq: Seq, state: Vec<u8>) -> Result<(), LogError> {
            self.log.keep_checkpoint(kind, seq, state).await
        }

        async fn checkpoint(&self, kind: String) -> Result<Option<(Seq, Vec<u8>)>, LogError> {
            self.log.checkpoint(kind).await
        }

        async fn flush(&self) -> Result<(), LogError> {
            self.log.flush().await
        }
    }

    /// A network that answers every reply with `answer` and counts them.
    #[derive(Debug)]
    struct Counting {
        sent: AtomicUsize,
        answer: Result<PostId, SendError>,
        found: ReadBack,
        /// Written by somebody else while the network is looked at.
        meanwhile: Mutex<Option<(Arc<Filling>, NewEvent)>>,
    }

    #[async_trait]
    impl Network for Counting {
        fn account(&self) -> Account {
            Account::acme(None)
        }

        async fn listen(
            &self,
            _: watch::Receiver<Arc<Vec<Feed>>>,
            _: mpsc::Sender<LinkReport>,
            stop: CancellationToken,
        ) {
            stop.cancelled().await;
        }

        async fn send(&self, _: &Outgoing) -> Result<PostId, SendError> {
            self.sent.fetch_add(1, Ordering::SeqCst);
            self.answer.clone()
        }

        async fn read_back(&self, _: &Outgoing, _: Timestamp) -> ReadBack {
            let meanwhile = self.meanwhile.lock().expect("a test").take();
            if let Some((log, event)) = meanwhile {
                log.append(vec![event], None).await.expect("a store");
            }
            self.found.clone()
        }

        async fn backfill(&self, _: &[Feed], _: Timestamp, _: Timestamp) -> Backfill {
            Backfill::default()
        }

        async fn check(&self, _: &[Feed]) -> Vec<Finding> {
            Vec::new()
        }
    }

    struct Bench {
        log: Arc<Filling>,
        network: Arc<Counting>,
        delivering: Delivering,
        heard: mpsc::Receiver<Msg>,
        confirmed: Confirmed,
    }

    fn now() -> Timestamp {
        "2026-11-21T14:00:00Z".parse().expect("a time")
    }

    fn bench(full: usize, answer: Result<PostId, SendError>) -> Bench {
        bench_on(Filling { log: MemoryLog::new(), full: AtomicUsize::new(full), lies: false }, answer)
    }

    fn bench_on(log: Filling, answer: Result<PostId, SendError>) -> Bench {
        let log = Arc::new(log);
        let found = ReadBack::Unknown { why: "it cannot be looked up here".to_owned() };
        let network = Arc::new(Counting { sent: AtomicUsize::new(0), answer, found, meanwhile: Mutex::default() });
        let (inbox, heard) = mpsc::channel(8);
        let delivering = Delivering {
            log: Arc::<Filling>::clone(&log),
            network: Arc::<Counting>::clone(&network),
            clock: Arc::new(now),
            signer: Signer { rep: RepName::new("ana"), machine: MachineName::new("desk-1") },
            session: SessionId(Uuid::from_u128(7)),
            inbox,
        };
        let author = AuthorId::new(NetworkKind::X, "5");
        let case = CaseId::of(&author, &ConversationId::new(NetworkKind::X, "1"));
        let outgoing = Outgoing {
            reply: ReplyId(Uuid::from_u128(1)),
            to: PostId::new(NetworkKind::X, "1"),
            to_version: None,
            text: "@jo hello".to_owned(),
        };
        Bench { log, network, delivering, heard, confirmed: Confirmed { case, outgoing, private_to: None } }
    }

    #[tokio::test]
    async fn a_full_disk_lets_nothing_out_and_the_next_try_sends_once() {
        let post = PostId::new(NetworkKind::X, "900");
        let Bench { log, network, delivering, mut heard, confirmed } = bench(1, Ok(post.clone()));
        let (reply, case) = (confirmed.outgoing.reply, confirmed.case);
        let expect = Expect { case, seq: Seq(0) };
        delivering.clone().send(confirmed.clone(), expect).await;
        assert_eq!(network.sent.load(Ordering::SeqCst), 0);
        assert!(
            matches!(heard.recv().await, Some(Msg::NotBegun { reply: of, why }) if of == reply && why.contains("full"))
        );
        assert!(log.of_case(case).await.expect("a store").is_empty());
        delivering.send(confirmed, expect).await;
        assert_eq!(network.sent.load(Ordering::SeqCst), 1);
        let kinds: Vec<_> = log.of_case(case).await.expect("a store").iter().map(|it| it.event.clone()).collect();
        let session = SessionId(Uuid::from_u128(7));
        assert_eq!(kinds, [Event::ReplyAttempted { reply, case, session }, Event::ReplySent { reply, case, post }]);
    }

    #[tokio::test]
    async fn an_attempt_of_ours_that_reached_the_log_after_all_is_read_back_and_not_sent_again() {
        let store = Filling { log: MemoryLog::new(), full: AtomicUsize::new(1), lies: true };
        let answer = Ok(PostId::new(NetworkKind::X, "900"));
        let Bench { log, network, delivering, confirmed, mut heard } = bench_on(store, answer);
        let (reply, case) = (confirmed.outgoing.reply, confirmed.case);
        let expect = Expect { case, seq: Seq(0) };
        delivering.clone().send(confirmed.clone(), expect).await;
        assert!(matches!(heard.recv().await, Some(Msg::NotBegun { reply: of, .. }) if of == reply));
        // The app asks again. Nobody knows here whether a request left: the network is asked, and it does not know.
        delivering.send(confirmed, expect).await;
        assert_eq!(network.sent.load(Ordering::SeqCst), 0, "sent on top of an attempt");
        let kinds: Vec<_> = log.of_case(case).await.expect("a store").iter().map(|it| it.event.clone()).collect();
        let session = SessionId(Uuid::from_u128(7));
        let why = "it cannot be looked up here".to_owned();
        assert_eq!(kinds, [Event::ReplyAttempted { reply, case, session }, Event::ReplyParked { reply, case, why }]);
    }

    #[tokio::test]
    async fn what_a_look_did_not_find_is_void_where_the_reply_was_sent_again_meanwhile() {
        type Did = fn(ReplyId, CaseId) -> Event;
        let absent = || ReadBack::Absent;
        let parked = || ReadBack::Unknown { why: "no answer".to_owned() };
        let there = || ReadBack::Published(PostId::new(NetworkKind::X, "900"));
        let again = |reply, case| Event::ReplyAttempted { reply, case, session: SessionId(Uuid::from_u128(8)) };
        let claim = |_, case| Event::CaseClaimed { case };
        let looks: [(ReadBack, Did, bool); 5] = [
            (absent(), again, false),
            (parked(), again, false),
            // What is public is public, whoever sent it.
            (there(), again, true),
            (absent(), claim, true),
            (parked(), claim, true),
        ];
        for (found, did, is_told) in looks {
            let what = format!("{found:?}");
            let Bench { log, network, delivering, confirmed, .. } = bench(0, Ok(PostId::new(NetworkKind::X, "900")));
            let (reply, case) = (confirmed.outgoing.reply, confirmed.case);
            let first = Event::ReplyAttempted { reply, case, session: SessionId(Uuid::from_u128(6)) };
            let seq = delivering.append_once(first, None).await.expect("a store");
            let theirs = Signer { rep: RepName::new("bo"), machine: MachineName::new("desk-2") };
            let event = theirs.event(fresh_id(), now(), did(reply, case), None);
            let counting = Counting {
                sent: AtomicUsize::new(0),
                answer: network.answer.clone(),
                found,
                meanwhile: Mutex::new(Some((Arc::clone(&log), event))),
            };
            let looking = Delivering { network: Arc::new(counting), ..delivering };
            looking.read_back(confirmed, now(), Expect { case, seq }).await;
            assert_eq!(log.of_case(case).await.expect("a store").len(), 2 + usize::from(is_told), "{what}");
        }
    }

    #[tokio::test]
    async fn what_another_process_has_begun_to_send_is_left_to_it() {
        let Bench { log, network, delivering, confirmed, mut heard } = bench(0, Ok(PostId::new(NetworkKind::X, "900")));
        let (reply, case) = (confirmed.outgoing.reply, confirmed.case);
        let theirs = Event::ReplyAttempted { reply, case, session: SessionId(Uuid::from_u128(8)) };
        delivering.append_once(theirs.clone(), None).await.expect("a store");
        delivering.send(confirmed, Expect { case, seq: Seq(0) }).await;
        assert_eq!(network.sent.load(Ordering::SeqCst), 0);
        let kinds: Vec<_> = log.of_case(case).await.expect("a store").iter().map(|it| it.event.clone()).collect();
        assert_eq!(kinds, [theirs], "its outcome is told by who sends it");
        assert!(heard.try_recv().is_err());
    }

    #[tokio::test]
    async fn a_limit_is_told_with_the_time_it_ends() {
        let until: Timestamp = "2026-11-21T14:41:00Z".parse().expect("a time");
        let answer = Err(SendError::Limited { why: "too many".to_owned(), until });
        let Bench { log, delivering, mut heard, confirmed, .. } = bench(0, answer);
        let case = confirmed.case;
        delivering.send(confirmed, Expect { case, seq: Seq(0) }).await;
        assert!(matches!(heard.recv().await, Some(Msg::SendWaits { until: told, .. }) if told == until));
        let last = log.of_case(case).await.expect("a store").last().map(|it| it.event.clone());
        let Some(Event::ReplyFailed { why, may_retry: true, .. }) = last else { panic!("{last:?}") };
        assert_eq!(why, "too many; nothing was sent; free again at 2026-11-21T14:41:00Z");
    }
}
