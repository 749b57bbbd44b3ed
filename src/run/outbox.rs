//! Sending exactly once: the attempt is in the log before the request leaves, the outcome after it, and an
//! outcome nobody knows is read back from the network before anything else happens.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio::time::sleep;
use uuid::Uuid;

use super::intake::Signer;
use crate::app::Msg;
use crate::app::notice::{Notice, Weight};
use crate::log::{AppendError, Log, LogError};
use crate::model::{CaseId, Event, EventId, Expect, PostId, ReplyId, SessionId};
use crate::net::{Clock, Network, Outgoing, ReadBack, SendError};

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
}

impl Delivering {
    /// Sends a reply whose hold has run out.
    ///
    /// `expect` is the place of the last thing two reps could have raced for in the case: if somebody answered,
    /// claimed or resolved it since, nothing is sent and the rep is told.
    pub async fn send(self, confirmed: Confirmed, expect: Expect) {
        let Confirmed { case, ref outgoing } = confirmed;
        let reply = outgoing.reply;
        let attempted = (self.clock)();
        let attempt = Event::ReplyAttempted { reply, case, session: self.session };
        match self.append_once(attempt, Some(expect)).await {
            Ok(()) => {}
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
                // Nothing left this machine, and the reply is still queued in the log.
                self.tell(Weight::Error, format!("the reply is not sent yet: {error}")).await;
                return;
            }
        }
        let outcome = match self.network.send(outgoing).await {
            Ok(post) => Event::ReplySent { reply, case, post },
            Err(SendError::Refused { why, remedy, may_retry }) => {
                let why = if remedy.is_empty() { why } else { format!("{why} ({remedy})") };
                Event::ReplyFailed { reply, case, why, may_retry }
            }
            Err(SendError::Limited { why, until }) => {
                self.wait_told(reply, until).await;
                Event::ReplyFailed { reply, case, why: format!("{why}; nothing was sent"), may_retry: true }
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
                return self.read_back(confirmed, attempted).await;
            }
        };
        self.record(outcome).await;
    }

    /// Finds out what became of a reply attempted at `attempted`, and writes that down.
    pub async fn read_back(self, Confirmed { case, outgoing }: Confirmed, attempted: Timestamp) {
        let reply = outgoing.reply;
        let outcome = match self.network.read_back(&outgoing, attempted).await {
            ReadBack::Published(post) => Event::ReplySent { reply, case, post },
            ReadBack::Absent => Event::ReplyFailed {
                reply,
                case,
                why: "the answer was lost and the network does not have it: it was not published".into(),
                may_retry: true,
            },
            ReadBack::Unknown { why } => Event::ReplyParked { reply, case, why },
        };
        self.record(outcome).await;
    }

    /// Writes an outcome down, for as long as that takes: a network's answer must not be lost to a full disk.
    async fn record(&self, outcome: Event) {
        let event = self.signer.event(fresh_id(), (self.clock)(), outcome, None);
        let mut told = false;
        loop {
            let why = match self.log.append(vec![event.clone()], None).await {
                Ok(_) => return,
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

    async fn append_once(&self, event: Event, expect: Option<Expect>) -> Result<(), AppendError> {
        let event = self.signer.event(fresh_id(), (self.clock)(), event, None);
        self.log.append(vec![event], expect).await.map(|_| ())
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

fn fresh_id() -> EventId {
    EventId(Uuid::now_v7())
}

/// What somebody did to a case, in words.
fn said(event: &Event) -> &'static str {
    match event {
        Event::CaseClaimed { .. } => "claimed it",
        Event::CaseReleased { .. } => "released it",
        Event::CaseAssigned { .. } => "assigned it",
        Event::CaseSnoozed { .. } => "snoozed it",
        Event::CaseResolved { .. } => "resolved it",
        Event::CaseReopened { .. } => "reopened it",
        Event::ReplyQueued { .. } => "queued a reply",
        Event::ReplyRecalled { .. } => "took a reply back",
        Event::ReplyAttempted { .. } | Event::ReplySent { .. } => "answered it",
        Event::ReplyHandedOver { .. } => "took it to the network's page",
        _ => "changed it",
    }
}

/// Where a reply goes, put together from what the desk knows of it.
pub fn outgoing(desk: &crate::desk::Desk, reply: ReplyId) -> Result<(Confirmed, Expect), String> {
    let known = desk.replies.get(&reply).ok_or("the reply is not in the outbox any more")?;
    let case = desk.cases.get(&known.case).ok_or("its case is not on the desk any more")?;
    let text = known.text.clone().ok_or("its text was erased")?;
    let to: &PostId = &known.to;
    let to_version = desk.posts.get(to).and_then(|post| post.body.as_ref()).and_then(|post| post.version.clone());
    let outgoing = Outgoing { reply, to: to.clone(), to_version, text };
    Ok((Confirmed { case: known.case, outgoing }, Expect { case: known.case, seq: case.contended }))
}
