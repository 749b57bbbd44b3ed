//! The log as it grows under a running program, for tests that wait for a deed in it.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use replydeck::log::Log;
use replydeck::log::sqlite::SqliteLog;
use replydeck::model::{CaseId, Envelope, Event, Seq};

use super::InTerminal;

/// The log shows a deed within this time; a machine that tests may be slow, and stand still for a while.
pub(crate) const PATIENCE: Duration = Duration::from_mins(3);

/// The log as it grows, for threads that wait for something in it.
#[derive(Clone)]
pub(crate) struct Following(Arc<(Mutex<Vec<Arc<Envelope>>>, Condvar)>);

impl Following {
    pub(crate) fn begin(log: &SqliteLog) -> Self {
        let following = Self(Arc::default());
        let (told, mut batches) = (following.clone(), log.subscribe(Seq(0)));
        std::thread::spawn(move || {
            while let Some(batch) = batches.blocking_recv() {
                told.0.0.lock().unwrap_or_else(PoisonError::into_inner).extend(batch);
                told.0.1.notify_all();
            }
        });
        following
    }

    pub(crate) fn all(&self) -> Vec<Arc<Envelope>> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until something of the log is found.
    #[track_caller]
    pub(crate) fn until<T>(
        &self,
        what: &str,
        deck: Option<&InTerminal>,
        find: impl Fn(&[Arc<Envelope>]) -> Option<T>,
    ) -> T {
        let end = Instant::now() + PATIENCE;
        let mut told = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(found) = find(&told) {
                return found;
            }
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                let failed =
                    |it: &&Arc<Envelope>| matches!(it.event, Event::ReplyFailed { .. } | Event::ReplyParked { .. });
                let failed: Vec<String> = told.iter().filter(failed).map(|it| format!("{:?}", it.event)).collect();
                let screen = deck.map(InTerminal::screen).unwrap_or_default();
                panic!("waited for {what} in the log; not sent: {failed:#?}; the screen shows:\n{screen}");
            }
            told = self.0.1.wait_timeout(told, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Whether something of the log is found within this time.
    pub(crate) fn comes(&self, patience: Duration, find: impl Fn(&[Arc<Envelope>]) -> bool) -> bool {
        let end = Instant::now() + patience;
        let mut told = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        while !find(&told) {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            told = self.0.1.wait_timeout(told, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    /// What became last of the replies in a case: the newest event of the outbox.
    pub(crate) fn outcome(&self, case: CaseId) -> Option<Arc<Envelope>> {
        let told = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut told = told.iter().rev().filter(|it| it.event.case() == Some(case));
        told.find(|it| is_of_outbox(&it.event)).cloned()
    }

    /// Whether the customer has written in a case since it was last resolved.
    pub(crate) fn wrote_since_resolve(&self, case: CaseId) -> bool {
        let told = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut since =
            told.iter().rev().take_while(|it| !matches!(it.event, Event::CaseResolved { case: of, .. } if of == case));
        since.any(|it| match &it.event {
            Event::PostMatched { author, conversation, .. } => CaseId::of(author, conversation) == case,
            _ => false,
        })
    }

    /// So many events of a case fit.
    #[track_caller]
    pub(crate) fn count(
        &self,
        what: &str,
        deck: &InTerminal,
        case: CaseId,
        count: usize,
        fits: impl Fn(&Event) -> bool,
    ) {
        self.until(what, Some(deck), |told| {
            let found = told.iter().filter(|it| it.event.case() == Some(case) && fits(&it.event)).count();
            (found >= count).then_some(())
        });
    }

    /// The case a post opened or joined.
    #[track_caller]
    pub(crate) fn case_of(&self, post: &str, deck: Option<&InTerminal>) -> CaseId {
        self.until(&format!("post {post}"), deck, |told| {
            told.iter().find_map(|it| match &it.event {
                Event::PostMatched { post: id, author, conversation, .. } if id.native() == post => {
                    Some(CaseId::of(author, conversation))
                }
                _ => None,
            })
        })
    }

    /// For what takes as long as a shift.
    pub(crate) fn until_long(&self, what: &str, find: impl Fn(&[Arc<Envelope>]) -> Option<()>) {
        let end = Instant::now() + Duration::from_mins(30);
        let mut told = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut grew = (told.len(), Instant::now());
        while find(&told).is_none() {
            assert!(Instant::now() < end && grew.1.elapsed() < 2 * PATIENCE, "waited for {what}");
            told = self.0.1.wait_timeout(told, Duration::from_secs(1)).unwrap_or_else(PoisonError::into_inner).0;
            if told.len() > grew.0 {
                grew = (told.len(), Instant::now());
            }
        }
    }
}

/// What tells how a reply of ours stands.
pub(crate) fn is_of_outbox(event: &Event) -> bool {
    matches!(
        event,
        Event::ReplyQueued { .. }
            | Event::ReplyAttempted { .. }
            | Event::ReplySent { .. }
            | Event::ReplyFailed { .. }
            | Event::ReplyParked { .. }
    )
}
