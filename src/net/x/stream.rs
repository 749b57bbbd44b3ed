//! Listens: one connection for all columns, kept alive by X's published steps, its losses told as gaps.

mod taking;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use reqwest::Response;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until};

use super::api::{Api, CallError, reset_in};
use super::connections;
use super::decode::{self, Line};
use super::ending::{self, Ending};
use super::giving::Giving;
use super::names::{names_our_parameters, parameters};
use super::problem::Class;
use super::reading::{Heard, Reading};
use super::rules_sync::{self, RuleMap, Synced};
use super::usage;
use crate::model::spend::{Usage, billed_day, end_of};
use crate::model::{ColumnName, GapId, LinkReport, LinkState};
use crate::net::backoff::{Backoff, Failure};
use crate::net::lines::Cut;
use crate::net::skipped::Skipped;
use crate::net::{Feed, Inbound};

const PATH: &str = "/2/tweets/search/stream";

/// While reading is paused the clock is not looked at more often.
const SHORTEST_LOOK: Duration = Duration::from_millis(20);

/// Why the connection is not there any more, or never was.
#[derive(Debug)]
enum End {
    /// Worth another attempt.
    Lost { why: String, failure: Failure },
    /// Not before somebody did something; `passes`: elsewhere, so that only asking again shows it.
    Down { why: String, remedy: String, passes: bool },
    /// The day's money is spent.
    Paused,
    /// Nobody wants to hear anything.
    Idle,
    /// The deck is closing.
    Over,
}

type Syncing = Pin<Box<dyn Future<Output = Result<Synced, CallError>> + Send>>;
type AskingUsage = Pin<Box<dyn Future<Output = Result<Option<Usage>, CallError>> + Send>>;

/// One run of listening.
pub(super) struct Listener {
    api: Arc<Api>,
    feeds: watch::Receiver<Arc<Vec<Feed>>>,
    links: mpsc::Sender<LinkReport>,
    current: Arc<Vec<Feed>>,
    map: RuleMap,
    refused: Vec<(ColumnName, String)>,
    /// The rules at X may differ from what `current` wants.
    is_map_old: bool,
    /// When the rules at X were last seen to be what `current` wants.
    rules_seen: Option<Timestamp>,
    giving: Arc<Giving>,
    backoff: Backoff,
    gap: Option<GapId>,
    /// Up to here nothing is missing.
    heard_until: Timestamp,
    last_byte: Option<Timestamp>,
    last_beat: Option<Timestamp>,
    state: LinkState,
    /// Lines that were no posts and of which nothing was said yet.
    skipped: Skipped,
    /// X renamed its parameters between two versions of its own description; which names the server takes
    /// is found out once.
    takes_new_names: AtomicBool,
    knows_account: bool,
    /// X's own count is asked for then.
    usage_at: Instant,
    logins: watch::Receiver<u64>,
}

impl Listener {
    pub(super) fn new(
        api: Arc<Api>,
        giving: Arc<Giving>,
        mut feeds: watch::Receiver<Arc<Vec<Feed>>>,
        links: mpsc::Sender<LinkReport>,
    ) -> Self {
        let current = feeds.borrow_and_update().clone();
        let (now, logins) = (api.now(), api.logins());
        Self {
            backoff: Backoff::new(api.pace.steps),
            api,
            feeds,
            links,
            current,
            map: RuleMap::default(),
            refused: Vec::new(),
            is_map_old: true,
            rules_seen: None,
            giving,
            gap: None,
            heard_until: now,
            last_byte: None,
            last_beat: None,
            state: LinkState::Connecting,
            skipped: Skipped::default(),
            takes_new_names: AtomicBool::new(false),
            knows_account: false,
            usage_at: Instant::now(),
            logins,
        }
    }

    /// Runs until nobody can want anything any more; to stop it, drop it.
    pub(super) async fn run(mut self) {
        loop {
            if self.current.is_empty() {
                // What nobody wants to hear is not missing.
                self.gap = None;
                if self.feeds_change().await.is_err() {
                    return;
                }
                self.heard_until = self.api.now();
                continue;
            }
            self.tell(LinkState::Connecting, None).await;
            self.logins.borrow_and_update();
            match self.once().await {
                End::Over => return,
                End::Idle => {}
                End::Lost { why, failure } => {
                    self.open_gap().await;
                    let wait = self.backoff.after(failure);
                    let now = self.api.now();
                    let until = SignedDuration::try_from(wait).ok().and_then(|wait| now.checked_add(wait).ok());
                    let why_told = why.clone();
                    self.tell(LinkState::BackingOff { until: until.unwrap_or(now), why }, Some(why_told)).await;
                    if self.pause(wait).await.is_err() {
                        return;
                    }
                }
                End::Paused => {
                    self.open_gap().await;
                    if self.rest().await.is_err() {
                        return;
                    }
                }
                End::Down { why, remedy, passes } => {
                    self.open_gap().await;
                    let remedy = if passes {
                        format!("{remedy}; X is asked again every hour, and at once when the config file is saved")
                    } else {
                        remedy
                    };
                    let note = format!("{why}. {remedy}");
                    self.tell(LinkState::Down { why, remedy }, Some(note)).await;
                    if self.lie_down(passes).await.is_err() {
                        return;
                    }
                }
            }
        }
    }

    /// One connection from its set-up to its end.
    async fn once(&mut self) -> End {
        if self.api.room() == Some(0) {
            return End::Paused;
        }
        if !self.knows_account {
            match self.api.learn_id().await {
                Ok(()) => self.knows_account = true,
                Err(error) => {
                    let note = format!("X did not say who we are: {}", error.words());
                    self.tell(LinkState::Connecting, Some(note)).await;
                    // Listening works without; asked again with the next connection.
                }
            }
        }
        // With rules known from before the line comes first: each second without it is a hole.
        let rules_first = self.map.is_empty() || self.is_map_old;
        if rules_first {
            match rules_sync::sync(&self.api, &self.current).await {
                Ok(synced) => self.take_rules(synced).await,
                Err(error) => return self.end(error),
            }
            if self.map.is_empty() {
                return self.no_rule_left();
            }
        }
        let response = match self.connect().await {
            Ok(response) => response,
            Err(CallError::No(mut problem)) if problem.class == Class::TooManyConnections => {
                // Which they are helps to find whose; none is ever closed from here.
                if let Ok(open) = connections::list(&self.api).await
                    && !open.is_empty()
                {
                    let words = connections::words(&open);
                    problem.words = format!(
                        "{} ({words}; replydeck check --online --close-stale closes one nobody knows of, after a question)",
                        problem.words
                    );
                }
                return self.end(CallError::No(problem));
            }
            Err(error) => return self.end(error),
        };
        self.went_live().await;
        self.read(response, rules_first).await
    }

    async fn connect(&mut self) -> Result<Response, CallError> {
        let new_names = self.takes_new_names.load(Ordering::Relaxed);
        match self.api.open(PATH, parameters(new_names)).await {
            Err(CallError::No(problem)) if !new_names && names_our_parameters(&problem) => {
                let opened = self.api.open(PATH, parameters(true)).await;
                if opened.is_ok() {
                    self.takes_new_names.store(true, Ordering::Relaxed);
                }
                opened
            }
            other => other,
        }
    }

    /// Reads until the line ends. Rules that were not compared before it came up are compared now: they may
    /// have changed while it was down.
    async fn read(&mut self, response: Response, rules_are_fresh: bool) -> End {
        let pace = self.api.pace;
        let api = Arc::clone(&self.api);
        let mut reading = Reading::new(response, &api);
        let mut has_settled = false;
        let began = Instant::now();
        let mut syncing: Option<Syncing> = None;
        let mut asking: Option<AskingUsage> = None;
        let mut money = self.api.meter.get().map(|meter| meter.changes());
        let mut sync_at = if rules_are_fresh { began + pace.rules_every } else { began };
        loop {
            tokio::select! { biased;
                changed = self.feeds.changed() => {
                    if changed.is_err() {
                        return End::Over;
                    }
                    self.take_feeds().await;
                    if self.current.is_empty() {
                        return End::Idle;
                    }
                    // A sync under way is for columns that are no longer the ones; X takes it all the same.
                    syncing = Some(self.start_sync());
                }
                synced = async { syncing.as_mut().expect("guarded by the condition").await }, if syncing.is_some() => {
                    syncing = None;
                    sync_at = Instant::now() + pace.rules_every;
                    match synced {
                        Ok(synced) => {
                            self.take_rules(synced).await;
                            if self.map.is_empty() {
                                return self.no_rule_left();
                            }
                        }
                        Err(error) => {
                            sync_at = Instant::now() + self.retry_in(&error);
                            let note = format!("the rules could not be brought up to date: {}", error.words());
                            self.tell(self.state.clone(), Some(note)).await;
                        }
                    }
                }
                () = sleep_until(sync_at), if syncing.is_none() => syncing = Some(self.start_sync()),
                // Others on this machine spend of the same money.
                () = usage::changed(money.as_mut()) => {
                    if self.api.room() == Some(0) {
                        return self.stop_at_limit(&mut reading).await;
                    }
                }
                note = api.noted() => self.tell(self.state.clone(), Some(note)).await,
                told = async { asking.as_mut().expect("guarded by the condition").await }, if asking.is_some() => {
                    asking = None;
                    if let Some(note) = usage::keep(&self.api, told) {
                        self.tell(self.state.clone(), Some(note)).await;
                    }
                }
                () = sleep_until(self.usage_at), if asking.is_none() && self.api.meter.get().is_some() => {
                    self.usage_at = Instant::now() + pace.usage_every;
                    let api = self.api.clone();
                    asking = Some(Box::pin(async move { usage::ask(&api).await }));
                }
                heard = reading.next(&api, read_line) => match heard {
                    Heard::Lines { lines, was_stale, is_fresh, is_settled } => {
                        self.hear(was_stale, is_fresh).await;
                        if is_settled && !std::mem::replace(&mut has_settled, true) {
                            self.backoff.succeeded();
                        }
                        for line in lines {
                            if let Some(end) = self.take(line).await {
                                return end;
                            }
                        }
                        if self.api.room() == Some(0) {
                            return self.stop_at_limit(&mut reading).await;
                        }
                    }
                    Heard::Silence => {
                        let note = format!("not a byte for {} s", pace.stale_after.as_secs());
                        self.tell(LinkState::Stale, Some(note)).await;
                    }
                    Heard::Slept { slept, lines } => return self.wake(slept, lines, &mut reading).await,
                    Heard::Ended(why) => return lost(&why),
                },
            }
        }
    }

    fn start_sync(&self) -> Syncing {
        let (api, feeds) = (self.api.clone(), self.current.clone());
        Box::pin(async move { rules_sync::sync(&api, &feeds).await })
    }

    fn retry_in(&self, error: &CallError) -> Duration {
        let until = match error {
            CallError::No(problem) => reset_in(problem.until, self.api.now()),
            _ => None,
        };
        until.unwrap_or(self.api.pace.rules_retry)
    }

    /// Reads nothing until the day is over or somebody raised its limit. An error: nobody wants anything any more.
    async fn rest(&mut self) -> Result<(), watch::error::RecvError> {
        let api = Arc::clone(&self.api);
        let mut money = api.meter.get().map(|meter| meter.changes());
        let until = end_of(billed_day(api.now()));
        let what = if self.api.reads_messages() { "reading, of direct messages too," } else { "reading" };
        let why = format!(
            "the day's spend limit is reached; {what} goes on at the end of the UTC day, or when the limit is raised for today"
        );
        let note = Some(why.clone());
        self.tell(LinkState::Paused { until, why }, note).await;
        while self.api.room() == Some(0) {
            // The clock of the day may be set, so it is looked at often.
            let look = Instant::now() + self.api.pace.beat.max(SHORTEST_LOOK);
            tokio::select! {
                () = sleep_until(look) => {}
                () = usage::changed(money.as_mut()) => {}
                note = api.noted() => self.tell(self.state.clone(), Some(note)).await,
                changed = self.feeds.changed() => {
                    changed?;
                    self.take_feeds().await;
                    if self.current.is_empty() {
                        return Ok(());
                    }
                }
            }
        }
        Ok(())
    }

    async fn tell_all(&self, inbound: &Inbound) {
        for feed in self.current.iter() {
            drop(feed.out.send(inbound.clone()).await);
        }
    }

    async fn went_live(&mut self) {
        let now = self.api.now();
        if let Some(gap) = self.gap.take() {
            self.tell_all(&Inbound::GapClosed { gap, to: now }).await;
        }
        self.heard_until = now;
        self.last_byte = Some(now);
        self.last_beat = Some(now);
        self.tell(LinkState::Live, None).await;
    }

    async fn open_gap(&mut self) {
        if self.gap.is_none() {
            let gap = GapId(self.api.new_id());
            self.gap = Some(gap);
            let is_first = self.last_byte.is_none();
            self.tell_all(&Inbound::GapOpened { gap, from: self.heard_until, is_first }).await;
        }
    }

    /// Bytes came; `is_fresh`: so that nothing is missing up to now.
    async fn hear(&mut self, was_stale: bool, is_fresh: bool) {
        let now = self.api.now();
        if is_fresh {
            self.heard_until = now;
            self.last_byte = Some(now);
        }
        if was_stale {
            self.last_beat = Some(now);
            self.tell(LinkState::Live, None).await;
        } else if is_due(self.last_beat, now, self.api.pace.beat) {
            self.last_beat = Some(now);
            // A beat that finds no room is made good by the next one.
            drop(self.links.try_send(self.report(None)));
        }
    }

    async fn take_rules(&mut self, synced: Synced) {
        // With other columns than before, rules come and go because we want it.
        let put_back = if self.is_map_old { Vec::new() } else { self.map.put_back(&synced.map) };
        let since = self.rules_seen.replace(self.api.now());
        self.is_map_old = false;
        self.map = synced.map;
        if let (Some(since), false) = (since, put_back.is_empty()) {
            self.tell_put_back(&put_back, since).await;
        }
        let fresh: Vec<String> = synced
            .refused
            .iter()
            .filter(|refusal| !self.refused.contains(refusal))
            .map(|(column, why)| format!("column {column}: X refuses its rule: {why}"))
            .collect();
        let is_mended = fresh.is_empty() && self.refused != synced.refused;
        self.refused = synced.refused;
        if is_mended {
            self.tell(self.state.clone(), None).await;
        }
        for note in fresh {
            self.tell(self.state.clone(), Some(note)).await;
        }
    }

    /// Rules of ours were deleted by somebody else at some time after `since` and are in force again: between the two
    /// these columns heard nothing.
    async fn tell_put_back(&mut self, columns: &[ColumnName], since: Timestamp) {
        let gap = GapId(self.api.new_id());
        let now = self.api.now();
        for feed in self.current.iter().filter(|feed| columns.contains(&feed.column)) {
            drop(feed.out.send(Inbound::GapOpened { gap, from: since, is_first: false }).await);
            drop(feed.out.send(Inbound::GapClosed { gap, to: now }).await);
        }
        self.tell(self.state.clone(), Some(rules_sync::put_back_words(columns, since))).await;
    }

    /// Takes over changed feeds; a column that comes during an outage learns of it.
    async fn take_feeds(&mut self) {
        let fresh = self.feeds.borrow_and_update().clone();
        self.is_map_old = true;
        if let Some(gap) = self.gap {
            let (from, is_first) = (self.api.now(), self.last_byte.is_none());
            for feed in fresh.iter().filter(|feed| !self.current.iter().any(|old| old.column == feed.column)) {
                drop(feed.out.send(Inbound::GapOpened { gap, from, is_first }).await);
            }
        }
        self.current = fresh;
    }

    /// Waits for other feeds. An error: there will be none.
    async fn feeds_change(&mut self) -> Result<(), watch::error::RecvError> {
        self.feeds.changed().await?;
        self.take_feeds().await;
        Ok(())
    }

    /// Waits until what was wrong may be mended; `passes`: by somebody elsewhere, so that it is asked now and then. An
    /// error: nobody wants anything any more.
    async fn lie_down(&mut self, passes: bool) -> Result<(), watch::error::RecvError> {
        let (api, again) = (Arc::clone(&self.api), Instant::now() + self.api.pace.down_retry);
        let mut logins = self.logins.clone();
        loop {
            tokio::select! {
                // Credits were bought or a new month began.
                () = sleep_until(again), if passes => return Ok(()),
                // The config or a secret file was saved.
                _ = logins.changed() => return Ok(()),
                changed = self.feeds.changed() => {
                    changed?;
                    self.take_feeds().await;
                    return Ok(());
                }
                note = api.noted() => self.tell(self.state.clone(), Some(note)).await,
            }
        }
    }

    /// Waits before the next attempt; changed feeds are taken over but do not shorten it.
    async fn pause(&mut self, wait: Duration) -> Result<(), watch::error::RecvError> {
        let (api, until) = (Arc::clone(&self.api), Instant::now() + wait);
        loop {
            tokio::select! {
                () = sleep_until(until) => return Ok(()),
                note = api.noted() => self.tell(self.state.clone(), Some(note)).await,
                changed = self.feeds.changed() => {
                    changed?;
                    self.take_feeds().await;
                }
            }
        }
    }

    async fn tell(&mut self, state: LinkState, note: Option<String>) {
        self.state = state;
        // Nobody left to tell is no reason to stop listening.
        drop(self.links.send(self.report(note)).await);
    }

    fn report(&self, note: Option<String>) -> LinkReport {
        LinkReport {
            account: self.api.account().name,
            state: self.state.clone(),
            last_byte: self.last_byte,
            note,
            is_calm: false,
            refused: self.refused.clone(),
        }
    }

    fn no_rule_left(&self) -> End {
        let refused = self.refused.iter().take(3).map(|(column, why)| format!("; column {column}: {why}"));
        let why = format!("X takes no rule of ours{}", refused.collect::<String>());
        End::Down { why, remedy: "correct the queries of the columns".into(), passes: false }
    }

    /// What a failed question means for the connection.
    fn end(&mut self, error: CallError) -> End {
        let (why, problem) = match ending::of(error, self.api.now(), Class::TooManyConnections.remedy()) {
            Ending::Lost { why, failure } => return End::Lost { why, failure },
            Ending::Refused { why, problem } => (why, problem),
        };
        match problem.class {
            // Somebody deleted our rules: they are set again before the next attempt.
            Class::NoRules | Class::RulesInvalid => {
                self.is_map_old = true;
                End::Lost { why, failure: Failure::Refused }
            }
            // X wants no retries here; looking once an hour is for the day on which somebody has paid.
            Class::UsageCapped | Class::CreditsDepleted => {
                End::Down { why, remedy: problem.remedy().to_owned(), passes: true }
            }
            _ => {
                let remedy = format!("{}; saving the config tries again", problem.remedy());
                End::Down { why, remedy, passes: false }
            }
        }
    }
}

fn lost(why: &str) -> End {
    End::Lost { why: why.to_owned(), failure: Failure::Lost }
}

fn read_line(cut: Cut<'_>) -> Line {
    match cut {
        Cut::Line(bytes) => decode::line(bytes),
        Cut::TooLong(length) => Line::Malformed { why: format!("a line of {length} bytes") },
    }
}

fn is_due(last: Option<Timestamp>, now: Timestamp, every: Duration) -> bool {
    last.is_none_or(|last| now.duration_since(last).unsigned_abs() >= every)
}
