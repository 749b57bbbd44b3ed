//! The till: what the accounts of this process spend is counted here at once, written to the log in batches, and set
//! beside what other processes of this host wrote there. So every process knows the same sum, and the one that reads a
//! stream stops within one post of the day's limit.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Date;
use tokio::sync::{Notify, mpsc, watch};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::intake::Signer;
use crate::app::Msg;
use crate::app::notice::{Notice, Weight};
use crate::desk::{Desk, Spending};
use crate::log::{AppendError, Log, LogError};
use crate::model::spend::{Act, Budget, Charge, Usage, billed_day};
use crate::model::{AccountName, ColumnName, Event, EventId, NewEvent, Seq};
use crate::net::{Clock, Meter, Network};

/// Charges are gathered for so long before they are written.
const WAIT: Duration = Duration::from_millis(20);
/// So long after a failed append it is tried again.
const RETRY: Duration = Duration::from_secs(1);
/// Ids in one event at most.
const IDS: usize = 500;

/// What is billed alike: account, day, act, and who asked for it.
type Kind = (AccountName, Date, Act, Vec<ColumnName>);

/// Keeps count for all accounts of this process.
pub struct Till {
    budgets: BTreeMap<AccountName, Budget>,
    inner: Mutex<Inner>,
    something: Notify,
    changes: watch::Sender<u64>,
    caught_up: watch::Sender<bool>,
    log: Arc<dyn Log>,
    clock: Clock,
    signer: Signer,
    inbox: mpsc::Sender<Msg>,
    /// One batch is written at a time.
    writing: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Inner {
    /// The log's and, at once, our own.
    spending: Spending,
    /// Not written yet.
    charges: BTreeMap<Kind, BTreeSet<String>>,
    usages: Vec<(AccountName, Usage)>,
}

impl std::fmt::Debug for Till {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Till").field("budgets", &self.budgets).finish_non_exhaustive()
    }
}

impl Till {
    /// A till for these networks, which tell it from now on what they are billed.
    pub fn new(
        networks: &BTreeMap<AccountName, Arc<dyn Network>>,
        log: Arc<dyn Log>,
        clock: Clock,
        signer: Signer,
        inbox: mpsc::Sender<Msg>,
    ) -> Arc<Self> {
        let budgets: BTreeMap<_, _> =
            networks.iter().filter_map(|(name, network)| Some((name.clone(), network.budget()?))).collect();
        let till = Arc::new(Self {
            budgets,
            inner: Mutex::default(),
            something: Notify::new(),
            changes: watch::Sender::new(0),
            caught_up: watch::Sender::new(false),
            log,
            clock,
            signer,
            inbox,
            writing: tokio::sync::Mutex::new(()),
        });
        for (name, network) in networks {
            if till.budgets.contains_key(name) {
                network.keep_count(Arc::clone(&till) as Arc<dyn Meter>);
            }
        }
        till
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until an account's spending of earlier runs and other processes is known; at once where nothing limits it.
    pub async fn ready(&self, account: &AccountName) {
        if self.budgets.get(account).is_none_or(|budget| budget.daily_limit.is_none()) {
            return;
        }
        // The till outlives whoever waits here.
        drop(self.caught_up.subscribe().wait_for(|caught_up| *caught_up).await);
    }

    /// Writes what is spent and follows what others spend, until `stop`.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) {
        let writing = async {
            loop {
                self.something.notified().await;
                sleep(WAIT).await;
                self.flush().await;
            }
        };
        let following = async {
            if self.budgets.values().any(|budget| budget.daily_limit.is_some()) {
                self.follow().await;
            }
            std::future::pending::<()>().await;
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = writing => {}
            () = following => {}
        }
    }

    /// Reads the log's account of the money from the newest checkpoint on, and goes on reading.
    async fn follow(&self) {
        let (seq, last) = loop {
            match self.begin().await {
                Ok(begun) => break begun,
                Err(LogError::Closed) => return,
                Err(error) => {
                    // Without the sum nothing may be read: a limit that is not kept is none.
                    tracing::error!(%error, "what was spent today cannot be read; reading waits");
                    self.tell(format!("reading waits: what was spent today cannot be read: {error}")).await;
                    sleep(RETRY).await;
                }
            }
        };
        if seq >= last {
            self.caught_up.send_replace(true);
        }
        let mut batches = self.log.subscribe(seq);
        while let Some(batch) = batches.recv().await {
            let mut changed = false;
            {
                let mut inner = self.lock();
                for envelope in &batch {
                    changed |= inner.spending.take(&envelope.event);
                }
            }
            if changed {
                self.changes.send_modify(|count| *count += 1);
            }
            if batch.last().is_some_and(|envelope| envelope.seq >= last) {
                self.caught_up.send_replace(true);
            }
        }
    }

    /// Takes over the newest checkpoint's sums; its place and that of the last event.
    async fn begin(&self) -> Result<(Seq, Seq), LogError> {
        let last = self.log.last().await?;
        let checkpoint = self.log.checkpoint(Desk::CHECKPOINT_KIND.into()).await?;
        let desk = checkpoint
            .and_then(|(at, bytes)| Desk::from_checkpoint(&bytes).filter(|desk| desk.seq == at && at <= last));
        let Some(desk) = desk else { return Ok((Seq(0), last)) };
        let mut inner = self.lock();
        inner.spending = desk.spending;
        // What was spent since the start, and is in nobody's checkpoint yet, is counted on top.
        let again: Vec<_> = inner.charges.iter().map(|(kind, what)| (kind.clone(), what.clone())).collect();
        for (kind, what) in again {
            self.count(&mut inner, kind, what);
        }
        Ok((desk.seq, last))
    }

    fn count(&self, inner: &mut Inner, (account, day, act, columns): Kind, what: BTreeSet<String>) -> bool {
        let Some(budget) = self.budgets.get(&account) else { return false };
        let charge = Charge { act, price: budget.prices.of(act), what: what.into_iter().collect(), columns };
        inner.spending.charge(&account, day, &charge)
    }

    /// Writes everything told so far, for as long as that takes: money is not lost to a full disk.
    pub async fn flush(&self) {
        let _one_at_a_time = self.writing.lock().await;
        let batch = self.take_batch();
        if batch.is_empty() {
            return;
        }
        let mut told = false;
        loop {
            let why = match self.log.append(batch.clone(), None).await {
                Ok(_) => return,
                Err(crate::log::AppendError::Log(LogError::Closed)) => {
                    tracing::error!(events = batch.len(), "the store closed before all that was spent was written");
                    return;
                }
                Err(error) => error.to_string(),
            };
            tracing::error!(%why, "what was spent waits for the store");
            if !told {
                told = true;
                self.tell(format!("what was spent waits for the store: {why}")).await;
            }
            sleep(RETRY).await;
        }
    }

    fn take_batch(&self) -> Vec<NewEvent> {
        let (charges, usages) = {
            let mut inner = self.lock();
            (std::mem::take(&mut inner.charges), std::mem::take(&mut inner.usages))
        };
        let now = (self.clock)();
        let mut days: BTreeMap<(AccountName, Date), Vec<Charge>> = BTreeMap::new();
        for ((account, day, act, columns), what) in charges {
            let Some(budget) = self.budgets.get(&account) else { continue };
            let price = budget.prices.of(act);
            let what: Vec<String> = what.into_iter().collect();
            let of_day = days.entry((account, day)).or_default();
            for what in what.chunks(IDS) {
                of_day.push(Charge { act, price, what: what.to_vec(), columns: columns.clone() });
            }
        }
        let mut batch = Vec::new();
        for ((account, day), charges) in days {
            batch.push(spent(&self.signer, now, account, day, charges));
        }
        for (account, usage) in usages {
            let id = EventId::of("usage-told", &[account.as_str(), &usage.asked.to_string()]);
            batch.push(self.signer.event(id, now, Event::UsageTold { account, usage }, None));
        }
        batch
    }

    async fn tell(&self, text: String) {
        if self.inbox.send(Msg::Notice(Notice::new((self.clock)(), Weight::Error, text))).await.is_err() {
            tracing::debug!("nobody is left to read the notice");
        }
    }
}

/// The event that tells of charges.
fn spent(signer: &Signer, now: Timestamp, account: AccountName, day: Date, charges: Vec<Charge>) -> NewEvent {
    let names = charges.iter().flat_map(|charge| {
        let family = std::iter::once(charge.act.key().to_owned());
        family.chain(charge.columns.iter().map(ToString::to_string)).chain(charge.what.iter().cloned())
    });
    let parts: Vec<String> = [account.to_string(), day.to_string()].into_iter().chain(names).collect();
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    // Told of by two processes in the same words, it is one event; in other words, the fold sees to it.
    let id = EventId::of("spent", &parts);
    signer.event(id, now, Event::Spent { account, day, charges }, None)
}

/// Writes down what a command was billed that is no deck and has no till.
pub async fn write_down(
    log: &dyn Log,
    signer: &Signer,
    now: Timestamp,
    (account, budget): (AccountName, &Budget),
    (act, what): (Act, Vec<String>),
) -> Result<(), AppendError> {
    let charge = Charge { act, price: budget.prices.of(act), what, columns: Vec::new() };
    log.append(vec![spent(signer, now, account, billed_day(now), vec![charge])], None).await.map(drop)
}

impl Meter for Till {
    fn charge(&self, account: &AccountName, day: Date, act: Act, what: Vec<String>, columns: Vec<ColumnName>) {
        if !self.budgets.contains_key(account) {
            return;
        }
        let kind = (account.clone(), day, act, columns);
        let changed = {
            let mut inner = self.lock();
            inner.charges.entry(kind.clone()).or_default().extend(what.iter().cloned());
            self.count(&mut inner, kind, what.into_iter().collect())
        };
        self.something.notify_one();
        if changed {
            self.changes.send_modify(|count| *count += 1);
        }
    }

    fn room(&self, account: &AccountName, now: Timestamp) -> Option<u64> {
        let budget = self.budgets.get(account)?;
        self.lock().spending.standing(account, billed_day(now), budget).room()
    }

    fn usage(&self, account: &AccountName, usage: Usage) {
        self.lock().usages.push((account.clone(), usage));
        self.something.notify_one();
    }

    fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }
}
