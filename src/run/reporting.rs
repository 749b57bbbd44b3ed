//! Reads the log for a report, a page at a time, so that neither new posts nor searches wait for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::mpsc;

use crate::app::{Msg, ReportTold};
use crate::desk::report::{Reckoning, Report, Terms};
use crate::log::{Log, LogError};
use crate::model::Seq;

/// So many events are read at once: a few hundredths of a second.
const PAGE: usize = 4_096;

/// Makes the report these terms ask for. `told` hears how many events have been read and how many there are, and says
/// whether to go on; `None` where it did not want to.
///
/// Reading begins with the first post of the span: what happened to a case comes after its first post.
pub async fn reckon(
    log: &dyn Log,
    terms: &Terms,
    mut told: impl FnMut(u64, u64) -> bool,
) -> Result<Option<Report>, LogError> {
    let mut reckoning = Reckoning::default();
    let first = match terms.since {
        Some(since) => log.first_since(since).await?,
        None => Some(Seq(0)),
    };
    if let Some(first) = first {
        let last = log.last().await?;
        // A post's case is opened right before it.
        let mut at = Seq(first.0.saturating_sub(2));
        let begun = at.0;
        while at < last {
            let page = log.events(at, PAGE).await?;
            let Some(end) = page.last() else { break };
            at = end.seq;
            for envelope in page.iter().filter(|envelope| envelope.seq <= last) {
                reckoning.take(envelope);
            }
            if !told(at.0.min(last.0) - begun, last.0 - begun) {
                return Ok(None);
            }
        }
    }
    let mut report = reckoning.report(terms);
    let found = log.bodies(report.wanted()).await?;
    report.supply(&found, &terms.accounts);
    Ok(Some(report))
}

/// Between two words on how far it is, so many pages are read.
const PAGES_BETWEEN: u64 = 16;

/// The reports of a deck: the newest one asked for ends the others.
#[derive(Debug, Default)]
pub(super) struct Reporting(Arc<AtomicU64>);

impl Reporting {
    /// Makes the report with this number and tells the deck.
    pub(super) fn make(
        &self,
        number: u64,
        terms: Terms,
        log: Arc<dyn Log>,
        inbox: mpsc::Sender<Msg>,
    ) -> impl Future<Output = ()> + Send + 'static {
        let newest = Arc::clone(&self.0);
        newest.store(number, Ordering::Relaxed);
        async move {
            let mut pages = 0;
            let made = reckon(&*log, &terms, |read, of| {
                pages += 1;
                if pages % PAGES_BETWEEN == 0 {
                    // A deck with a full inbox has better things to draw.
                    let _told = inbox.try_send(Msg::Report { number, told: ReportTold::Reading { read, of } });
                }
                newest.load(Ordering::Relaxed) == number && !inbox.is_closed()
            });
            let told = match made.await {
                Ok(Some(report)) => ReportTold::Made(Box::new(report)),
                Ok(None) => return,
                Err(error) => ReportTold::Failed(error.to_string()),
            };
            if inbox.send(Msg::Report { number, told }).await.is_err() {
                tracing::debug!("nobody is left to read the report");
            }
        }
    }
}
