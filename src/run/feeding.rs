//! Everything that brings posts in: one listener per account, one task per column, one intake. The same for
//! the deck and for `ingest`.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::{mpsc, watch};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::column::Continued;
use super::columns::{Columns, wanted};
use super::gaps::Feeds;
use super::holder::{self, Told};
use super::intake::{self, Own, Signer};
use super::listened::Listened;
use super::session::Lease;
use super::spend::Till;
use super::together::{self, Place};
use crate::app::notice::{Notice, Weight};
use crate::app::{ColumnSetup, Msg};
use crate::desk::Desk;
use crate::log::{Log, LogError};
use crate::model::{AccountName, ColumnName, Event, EventId, GapId, LinkReport, LinkState, NewEvent, Seq};
use crate::net::kept::StateFile;
use crate::net::{Clock, Feed, Network};

/// How often a process without the stream's lease asks for it: its holder's death is noticed within this time.
const LEASE_RETRY: Duration = Duration::from_secs(2);
/// Whoever holds the stream writes down when it was heard; X sends something every 20 seconds.
const SILENT: SignedDuration = SignedDuration::from_secs(45);

/// What feeding needs.
#[derive(Clone)]
pub struct Sources {
    pub log: Arc<dyn Log>,
    pub networks: BTreeMap<AccountName, Arc<dyn Network>>,
    pub clock: Clock,
    pub signer: Signer,
    /// Authors that are us.
    pub own: Own,
    pub data_dir: PathBuf,
    pub inbox: mpsc::Sender<Msg>,
}

impl std::fmt::Debug for Sources {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sources")
            .field("networks", &self.networks)
            .field("data_dir", &self.data_dir)
            .finish_non_exhaustive()
    }
}

/// The running listeners and columns.
#[derive(Debug)]
pub struct Feeding {
    tasks: TaskTracker,
    stop: CancellationToken,
    columns: Arc<Mutex<Columns>>,
    till: Arc<Till>,
}

impl Feeding {
    /// Starts the intake, a task for each column and a listener for each account.
    pub fn start(sources: &Sources, own: &[ColumnSetup]) -> Self {
        let (intake, taken) = mpsc::channel(intake::WAITING);
        let tasks = TaskTracker::new();
        tasks.spawn(intake::run(
            taken,
            Arc::clone(&sources.log),
            Arc::clone(&sources.clock),
            sources.signer.clone(),
            sources.own.clone(),
            sources.inbox.clone(),
        ));
        let stop = CancellationToken::new();
        let till = Till::new(
            &sources.networks,
            Arc::clone(&sources.log),
            Arc::clone(&sources.clock),
            sources.signer.clone(),
            sources.inbox.clone(),
        );
        tasks.spawn(Arc::clone(&till).run(stop.clone()));
        let mut columns = Columns::new(sources.networks.keys().cloned(), intake, tasks.clone(), stop.clone());
        columns.change(wanted(own));
        let mut place = Place::take(&sources.data_dir);
        // Known before anything is listened for: what others want is asked for in the same breath.
        match place.as_mut().map(Place::look) {
            Ok(Ok((others, _))) => columns.change_others(others),
            // Looked at once more in a moment, and told then.
            Ok(Err(error)) => tracing::warn!(%error, "what the other runs want to hear cannot be read"),
            Err(error) => tracing::warn!(%error, "what this run wants to hear cannot be written down"),
        }
        let (followed, continued) = (columns.followed(), columns.continued());
        let columns = Arc::new(Mutex::new(columns));
        let feeding = Self { tasks, stop, columns, till };
        feeding.keep_up(place, sources);
        for (name, feeds) in followed {
            let Some(network) = sources.networks.get(&name) else { continue };
            feeding.tasks.spawn(listen(
                sources.clone(),
                Arc::clone(network),
                feeds,
                continued.clone(),
                Arc::clone(&feeding.till),
                feeding.stop.clone(),
            ));
            feeding.tasks.spawn(keep_login(sources.inbox.clone(), Arc::clone(network), feeding.stop.clone()));
        }
        feeding
    }

    /// Goes on looking at what the other runs on this host want to hear.
    fn keep_up(&self, place: io::Result<Place>, sources: &Sources) {
        let (stop, columns) = (self.stop.clone(), Arc::clone(&self.columns));
        let (clock, inbox) = (Arc::clone(&sources.clock), sources.inbox.clone());
        self.tasks.spawn(async move {
            let place = match place {
                Ok(place) => place,
                Err(error) => {
                    let notice = Notice::new(clock(), Weight::Warning, together::cannot(&error));
                    if inbox.send(Msg::Notice(notice)).await.is_err() {
                        tracing::debug!("nobody is left to read the notice");
                    }
                    return;
                }
            };
            tokio::select! {
                () = stop.cancelled() => {}
                () = together::keep_up(place, columns, clock, inbox) => {}
            }
        });
    }

    /// Takes on other columns: new ones start, gone ones end, the rest keep their task.
    pub fn change(&self, own: &[ColumnSetup]) {
        self.columns.lock().unwrap_or_else(PoisonError::into_inner).change(wanted(own));
    }

    /// The columns of every account, followed as they change.
    pub fn followed(&self) -> Feeds {
        self.columns.lock().unwrap_or_else(PoisonError::into_inner).followed()
    }

    /// Who keeps count of the money.
    pub fn till(&self) -> Arc<Till> {
        Arc::clone(&self.till)
    }

    /// Ends the streams, then the columns, then the intake, each after it has handed on what it had.
    pub async fn end(self) {
        let Self { tasks, stop, columns, till } = self;
        stop.cancel();
        drop(columns);
        tasks.close();
        tasks.wait().await;
        till.flush().await;
    }
}

/// Keeps one account logged in, whoever holds its stream, and hands on how its login stands.
async fn keep_login(inbox: mpsc::Sender<Msg>, network: Arc<dyn Network>, stop: CancellationToken) {
    let (told, mut reports) = mpsc::channel(4);
    let hand_on = async {
        while let Some(report) = reports.recv().await {
            if inbox.send(Msg::Login(report)).await.is_err() {
                tracing::debug!("nobody is left to hear of the login");
            }
        }
    };
    tokio::join!(network.keep_login(told, stop), hand_on);
}

/// Listens for one account whenever this process has its lease.
async fn listen(
    sources: Sources,
    network: Arc<dyn Network>,
    feeds: watch::Receiver<Arc<Vec<Feed>>>,
    continued: Continued,
    till: Arc<Till>,
    stop: CancellationToken,
) {
    let account = network.account().name;
    tokio::select! {
        () = stop.cancelled() => return,
        () = till.ready(&account) => {}
    }
    let lease = tokio::select! {
        () = stop.cancelled() => return,
        lease = lease(&sources, &account) => lease,
    };
    let Some(_lease) = lease else { return };
    let current = feeds.borrow().clone();
    let columns: Vec<ColumnName> = current.iter().map(|feed| feed.column.clone()).collect();
    let mut heard = heard_file(&sources.data_dir, &account);
    let last_heard: Option<Timestamp> = heard.read();
    let mut unheard = Vec::new();
    let mut covered = BTreeSet::new();
    for (gap, (whose, of_gap)) in open_gaps(&sources).await {
        let ours: Vec<ColumnName> = of_gap.into_iter().filter(|column| columns.contains(column)).collect();
        if !ours.is_empty() && whose.is_none_or(|whose| whose == account) {
            unheard.push(gap);
            covered.extend(ours);
        }
    }
    let now = (sources.clock)();
    let mut listened = Listened::of(&sources.data_dir, &account, last_heard.unwrap_or(now), &current);
    for (column, since) in listened.change(&current, now) {
        if since < now && !covered.contains(&column) {
            unheard.push(open_unheard(&sources, &account, vec![column.clone()], since, now).await);
            covered.insert(column);
        }
    }
    if let Some(from) = last_heard
        && !network.resumes()
    {
        // Since the last byte any run of the program got, posts may be missing; where a gap is open already, it
        // says so.
        let missing: Vec<ColumnName> = columns.into_iter().filter(|column| !covered.contains(column)).collect();
        if from < now && !missing.is_empty() {
            covered.extend(missing.iter().cloned());
            unheard.push(open_unheard(&sources, &account, missing, from, now).await);
        }
    }
    continued.add(&account, covered);
    let (links, reports) = mpsc::channel(64);
    let returning = tell_returns(&sources, &account, listened, feeds.clone());
    let listening = async {
        tokio::select! {
            () = network.listen(feeds, links, stop) => {}
            never = returning => match never {},
        }
    };
    tokio::join!(listening, follow(&sources, &*network, heard, unheard, reports));
}

/// Opens a gap for columns nobody listened for since `from`.
async fn open_unheard(
    sources: &Sources,
    account: &AccountName,
    columns: Vec<ColumnName>,
    from: Timestamp,
    now: Timestamp,
) -> GapId {
    let since = from.to_string();
    let mut parts = vec![account.as_str(), since.as_str()];
    parts.extend(columns.iter().map(ColumnName::as_str));
    let gap = GapId(EventId::of("unheard", &parts).0);
    append(sources, intake::gap_opened(gap, (account.clone(), columns), from, &sources.signer, now)).await;
    gap
}

/// Tells as gaps what columns missed that were let go and are listened for again, while the stream goes on.
async fn tell_returns(
    sources: &Sources,
    account: &AccountName,
    mut listened: Listened,
    mut feeds: watch::Receiver<Arc<Vec<Feed>>>,
) -> Infallible {
    while feeds.changed().await.is_ok() {
        let (current, now) = (feeds.borrow_and_update().clone(), (sources.clock)());
        for (column, since) in listened.change(&current, now) {
            if since < now {
                let gap = open_unheard(sources, account, vec![column], since, now).await;
                append(sources, intake::gap_closed(gap, now, &sources.signer, now)).await;
            }
        }
    }
    std::future::pending().await
}

/// The gaps that earlier runs left open, and their columns. The log itself is asked: what the deck knows at its start
/// is as old as its checkpoint.
async fn open_gaps(sources: &Sources) -> OpenGaps {
    match read_open_gaps(&*sources.log).await {
        Ok(open) => open,
        Err(error) => {
            tracing::error!(%error, "the open gaps cannot be read");
            let text = format!("gaps of earlier runs cannot be read and stay open: {error}");
            let notice = Notice::new((sources.clock)(), Weight::Error, text);
            if sources.inbox.send(Msg::Notice(notice)).await.is_err() {
                tracing::debug!("nobody is left to read the notice");
            }
            OpenGaps::new()
        }
    }
}

/// Whose link it was, where that is known, and the columns.
type OpenGaps = BTreeMap<GapId, (Option<AccountName>, Vec<ColumnName>)>;

async fn read_open_gaps(log: &dyn Log) -> Result<OpenGaps, LogError> {
    let last = log.last().await?;
    let (mut seq, mut open) = (Seq(0), OpenGaps::new());
    if let Some((at, bytes)) = log.checkpoint(Desk::CHECKPOINT_KIND.into()).await?
        && let Some((checked, gaps)) = Desk::gaps_in_checkpoint(&bytes)
        && checked == at
        && at <= last
    {
        seq = at;
        open.extend(gaps.into_values().filter(|gap| gap.to.is_none()).map(|gap| (gap.id, (gap.account, gap.columns))));
    }
    if seq >= last {
        return Ok(open);
    }
    let mut batches = log.subscribe(seq);
    while let Some(batch) = batches.recv().await {
        for envelope in &batch {
            match &envelope.event {
                Event::GapOpened { gap, columns, account, .. } => {
                    open.entry(*gap).or_insert_with(|| (account.clone(), columns.clone()));
                }
                Event::GapClosed { gap, .. } => {
                    open.remove(gap);
                }
                _ => {}
            }
        }
        if batch.last().is_some_and(|envelope| envelope.seq >= last) {
            break;
        }
    }
    Ok(open)
}

/// Waits for the right to listen; tells that another process has it, and how long ago that one heard something.
async fn lease(sources: &Sources, account: &AccountName) -> Option<Lease> {
    let mut told = false;
    let mut heard = heard_file(&sources.data_dir, account);
    let mut of_holder = holder::file(&sources.data_dir, account);
    let mut last = None;
    loop {
        match Lease::take(&sources.data_dir, "stream", account) {
            Ok(Some(lease)) => return Some(lease),
            Ok(None) => {
                let now = (sources.clock)();
                let last_byte = heard.read();
                let is_silent = last_byte.is_some_and(|at| now.duration_since(at) > SILENT);
                let theirs: Option<Told> = of_holder.read();
                if last.as_ref() != Some(&(is_silent, last_byte, theirs.clone())) {
                    last = Some((is_silent, last_byte, theirs.clone()));
                    let report = as_told(account, theirs, is_silent, last_byte);
                    if sources.inbox.send(Msg::Link(report)).await.is_err() {
                        return None;
                    }
                }
            }
            Err(error) => {
                let text = format!("the stream's lock file cannot be used ({error}); check the data folder's rights");
                let notice = Notice::new((sources.clock)(), Weight::Error, text);
                if !told && sources.inbox.send(Msg::Notice(notice)).await.is_err() {
                    return None;
                }
                told = true;
            }
        }
        sleep(LEASE_RETRY).await;
    }
}

const HOLDS: &str = "another replydeck on this machine holds the stream";

/// How the link stands that another run holds.
fn as_told(account: &AccountName, theirs: Option<Told>, is_silent: bool, last_byte: Option<Timestamp>) -> LinkReport {
    let nothing = Told { state: LinkState::Live, note: None, is_calm: true, refused: Vec::new() };
    let Told { state, note: said, is_calm, refused } = theirs.unwrap_or(nothing);
    let (state, note, is_calm) = match (state, said) {
        (LinkState::Live, _) if is_silent => (LinkState::Stale, format!("{HOLDS} and hears nothing"), false),
        (LinkState::Live, None) => (LinkState::Live, format!("{HOLDS}; its posts show here too"), true),
        (state, None) => (state, HOLDS.to_owned(), false),
        (state, Some(said)) => (state, format!("{HOLDS} and says: {said}"), is_calm),
    };
    LinkReport { account: account.clone(), state, last_byte, note: Some(note), is_calm, refused }
}

/// Passes link reports on, remembers when a byte was last heard, and closes what was unheard once the link lives.
async fn follow(
    sources: &Sources,
    network: &dyn Network,
    mut heard: StateFile,
    mut unheard: Vec<GapId>,
    mut reports: mpsc::Receiver<LinkReport>,
) {
    // A deck that is busy need not hear every report, but the newest always: none may come after it.
    let mut newest = None;
    let mut told = None;
    let mut telling = holder::file(&sources.data_dir, &network.account().name);
    loop {
        let report = tokio::select! {
            biased;
            report = reports.recv() => report,
            room = sources.inbox.reserve(), if newest.is_some() => {
                let Ok(room) = room else { return };
                if let Some(report) = newest.take() {
                    room.send(Msg::Link(report));
                }
                continue;
            }
        };
        let Some(report) = report else { break };
        note_down(&report);
        telling.keep(&Told::of(&report));
        if let Some(at) = report.last_byte {
            heard.keep(&at);
        }
        if report.state == LinkState::Live {
            let account = network.account();
            account.id.iter().for_each(|us| sources.own.add(us.clone()));
            if told.as_ref() != Some(&account) {
                told = Some(account.clone());
                if sources.inbox.send(Msg::Account(account)).await.is_err() {
                    return;
                }
            }
            for gap in unheard.drain(..) {
                let now = (sources.clock)();
                append(sources, intake::gap_closed(gap, now, &sources.signer, now)).await;
            }
        }
        newest = Some(report);
    }
    if let Some(report) = newest
        && sources.inbox.send(Msg::Link(report)).await.is_err()
    {
        tracing::debug!("nobody is left to hear how the link stands");
    }
}

/// What the screen says of a link, the log file says too, as loudly.
fn note_down(report: &LinkReport) {
    let (account, state) = (&report.account, report.state.word());
    let Some(note) = &report.note else { return };
    match &report.state {
        LinkState::Down { .. } => tracing::error!(%account, state, "{note}"),
        LinkState::Stale | LinkState::BackingOff { .. } | LinkState::Paused { .. } => {
            tracing::warn!(%account, state, "{note}");
        }
        LinkState::Connecting | LinkState::Live | LinkState::Ended { .. } => tracing::info!(%account, state, "{note}"),
    }
}

async fn append(sources: &Sources, event: NewEvent) {
    if let Err(error) = sources.log.append(vec![event], None).await {
        tracing::error!(%error, "a gap could not be written down");
        let notice = Notice::new((sources.clock)(), Weight::Error, format!("a gap could not be written down: {error}"));
        if sources.inbox.send(Msg::Notice(notice)).await.is_err() {
            tracing::debug!("nobody is left to read the notice");
        }
    }
}

/// When an account's stream was last heard, a [`Timestamp`]: it survives every kind of end.
fn heard_file(data_dir: &Path, account: &AccountName) -> StateFile {
    StateFile::of(
        data_dir,
        "heard",
        account,
        "when the stream was last heard is not known: a gap may be told wrongly or not at all",
    )
}
