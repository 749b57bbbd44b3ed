//! Subscriptions: one thread that hands every reader what it has not had yet, from the store itself.
//!
//! Each subscription has a place of its own. A reader that is slow simply stays behind at its place and is
//! served from there when it has room again: nothing is lost, nothing is kept for it in memory beyond
//! [`SUBSCRIPTION_BATCHES`](super::SUBSCRIPTION_BATCHES), and who appends never waits for it. As own appends are
//! read from the store like everybody else's, what a reader sees live is what a replay would show.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

use crate::model::{Envelope, Seq};

use super::LogError;

/// How long to wait before a full reader is tried again: from, and up to.
const ROOM: (Duration, Duration) = (Duration::from_millis(2), Duration::from_millis(64));

/// So many events make a batch at most.
pub(super) const BATCH: usize = 256;

/// Where the events come from.
pub(super) trait Source: Send + 'static {
    /// The next batch after a place, of at most [`BATCH`] events; empty where there is nothing more.
    fn after(&mut self, after: Seq) -> Result<Vec<Arc<Envelope>>, LogError>;

    /// Whether another process may have appended since the last call. Must be cheap.
    fn may_have_grown(&mut self) -> bool;

    /// How long to wait before asking next; `None` where every append is announced.
    fn ask_every(&self) -> Option<Duration>;
}

/// What the thread is told.
#[derive(Debug)]
pub(super) enum Signal {
    Subscribe {
        after: Seq,
        to: mpsc::Sender<Vec<Arc<Envelope>>>,
    },
    /// This process has appended.
    Appended,
    /// Somebody wrote to the store's files: whether there is something to read is the source's to say.
    Written,
    Close,
}

#[derive(Debug)]
struct Subscription {
    at: Seq,
    to: mpsc::Sender<Vec<Arc<Envelope>>>,
    /// There may be events after `at`.
    is_behind: bool,
    /// Turns in a row in which there was no room, or the store was busy.
    waited: u32,
}

/// Runs until told to close or until nobody can tell anything any more. Every receiver ends with it.
pub(super) fn run(mut source: impl Source, signals: &Receiver<Signal>) {
    let mut subscriptions: Vec<Subscription> = Vec::new();
    loop {
        let first = match patience(&subscriptions, source.ask_every()) {
            None => match signals.recv() {
                Ok(signal) => Some(signal),
                Err(_) => return,
            },
            Some(patience) => match signals.recv_timeout(patience) {
                Ok(signal) => Some(signal),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => return,
            },
        };
        let mut has_grown = false;
        for signal in first.into_iter().chain(signals.try_iter()) {
            match signal {
                Signal::Subscribe { after, to } => {
                    subscriptions.push(Subscription { at: after, to, is_behind: true, waited: 0 });
                }
                Signal::Appended => has_grown = true,
                Signal::Written => {}
                Signal::Close => return,
            }
        }
        has_grown |= !subscriptions.is_empty() && source.may_have_grown();
        subscriptions.retain_mut(|subscription| {
            subscription.is_behind |= has_grown;
            subscription.serve(&mut source)
        });
    }
}

/// How long nothing need be done if nobody signals.
fn patience(subscriptions: &[Subscription], ask_every: Option<Duration>) -> Option<Duration> {
    if subscriptions.is_empty() {
        return None;
    }
    let room = subscriptions
        .iter()
        .filter(|subscription| subscription.is_behind)
        .map(|subscription| (ROOM.0 * 2u32.saturating_pow(subscription.waited.min(8))).min(ROOM.1))
        .min();
    match (room, ask_every) {
        (Some(room), Some(ask)) => Some(room.min(ask)),
        (room, ask) => room.or(ask),
    }
}

impl Subscription {
    /// Hands out what fits. `false` ends the subscription.
    fn serve(&mut self, source: &mut impl Source) -> bool {
        if self.to.is_closed() {
            return false;
        }
        while self.is_behind {
            let room = match self.to.try_reserve() {
                Ok(room) => room,
                Err(TrySendError::Full(())) => {
                    self.waited += 1;
                    return true;
                }
                Err(TrySendError::Closed(())) => return false,
            };
            match source.after(self.at) {
                Ok(batch) => match batch.last() {
                    Some(last) => {
                        self.at = last.seq;
                        self.waited = 0;
                        room.send(batch);
                    }
                    None => self.is_behind = false,
                },
                Err(LogError::Busy { .. }) => {
                    self.waited += 1;
                    return true;
                }
                Err(error) => {
                    // The reader learns it by the end of its subscription; the reason is in the log file.
                    tracing::error!(%error, "a subscription ended");
                    return false;
                }
            }
        }
        true
    }
}
