//! Listens: one socket for all columns, gone on with where it broke off, its losses told as gaps.
//!
//! Jetstream replays from a cursor, so a lost connection loses nothing as long as a server still has what came since.
//! That it has not is seen by the first message it sends: one much later than was asked for.

mod giving;
mod taking;

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use futures_util::{FutureExt as _, SinkExt as _, StreamExt as _};
use jiff::{SignedDuration, Timestamp};
use reqwest::header::HeaderMap;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until};
use tokio_tungstenite::tungstenite::{self, Message};

use self::taking::Line;
use super::cursor::{CursorFile, Place};
use super::jetstream::Dialect;
use super::profiles::{self, Profiles};
use super::record::{Made, bounded};
use super::sift::Sift;
use super::xrpc::Api;
use crate::model::{ColumnName, GapId, LinkReport, LinkState};
use crate::net::dispatch::Dispatch;
use crate::net::http::RateHeaders;
use crate::net::skipped::Skipped;
use crate::net::socket::{self, Socket, SocketError};
use crate::net::{Feed, Inbound};

/// A longer message breaks the socket; none is half as long.
const LONGEST_MESSAGE: usize = 32 * 1024 * 1024;
/// So many messages are taken in one breath.
const BREATH: usize = 512;
/// So many posts wait for what is said of their authors; then reading pauses.
const MOST_WAITING: usize = 1_000;
/// Further behind than this, it is said that we are catching up.
const BEHIND: SignedDuration = SignedDuration::from_secs(30);

/// Why the connection is not there any more, or never was.
#[derive(Debug)]
enum End {
    /// Worth another attempt, at another server where there is one.
    Lost { why: String },
    /// Not before then.
    Limited { why: String, until: Option<Timestamp> },
    /// The server does not take what we ask for.
    Refused { why: String },
    /// Nobody wants to hear anything.
    Idle,
    /// The deck is closing.
    Over,
}

/// Something on its way to the columns; the order it came in is kept.
struct Waiting {
    at_us: Option<i64>,
    since: Instant,
    what: Held,
}

enum Held {
    Post(Box<Made>),
    Tell(Inbound),
}

/// One run of listening.
pub(super) struct Listener {
    api: Arc<Api>,
    feeds: watch::Receiver<Arc<Vec<Feed>>>,
    links: mpsc::Sender<LinkReport>,
    current: Arc<Vec<Feed>>,
    sift: Sift,
    profiles: Profiles,
    dispatch: Dispatch,
    waiting: VecDeque<Waiting>,
    /// The place of what is just being handed on.
    giving: Option<i64>,
    /// Posts that a column may want once their authors are known.
    late: HashMap<String, Vec<(Box<Made>, Instant)>>,
    place: Place,
    file: CursorFile,
    /// The next message is the first after a cursor that was asked from here.
    asked_from: Option<i64>,
    /// From here on posts are missing, up to the next message.
    missing_from: Option<i64>,
    /// Which of the servers is asked.
    server: usize,
    failures: u32,
    /// Messages too long for us in a row.
    too_long: u32,
    catching_up: bool,
    handles_at: Instant,
    last_byte: Option<Timestamp>,
    last_beat: Option<Timestamp>,
    state: LinkState,
    refused: Vec<(ColumnName, String)>,
    /// What was passed over and not told yet, by kind.
    skipped: Skipped,
    /// Posts judged without what a column asked for.
    unjudged: u64,
}

impl Listener {
    pub(super) fn new(
        api: Arc<Api>,
        file: CursorFile,
        mut feeds: watch::Receiver<Arc<Vec<Feed>>>,
        links: mpsc::Sender<LinkReport>,
    ) -> Self {
        let current = feeds.borrow_and_update().clone();
        let server = usize::try_from(u64::try_from(api.new_id().as_u128() & 0xffff).unwrap_or(0)).unwrap_or(0);
        Self {
            sift: Sift::new(&current, super::sift::Pins::default(), api.did().as_deref()),
            profiles: Profiles::new(api.clone()),
            // The team's machines do not all ask the same server first.
            server: server % api.jetstreams.len(),
            place: file.read().unwrap_or_default(),
            file,
            api,
            feeds,
            links,
            current,
            dispatch: Dispatch::default(),
            waiting: VecDeque::new(),
            giving: None,
            late: HashMap::new(),
            asked_from: None,
            missing_from: None,
            failures: 0,
            too_long: 0,
            catching_up: false,
            handles_at: Instant::now(),
            last_byte: None,
            last_beat: None,
            state: LinkState::Connecting,
            refused: Vec::new(),
            skipped: Skipped::default(),
            unjudged: 0,
        }
    }

    /// Runs until nobody can want anything any more; to stop it, drop the future and call [`Listener::end`].
    pub(super) async fn run(&mut self) {
        loop {
            if self.current.is_empty() {
                // What nobody wants to hear is not missing.
                self.place = Place::default();
                self.file.forget();
                if self.feeds_change().await.is_err() {
                    return;
                }
                continue;
            }
            self.tell(LinkState::Connecting, None).await;
            let (why, wait) = match self.once().await {
                End::Over => return,
                End::Idle => continue,
                End::Lost { why } => (why, self.backoff()),
                End::Limited { why, until } => {
                    let reset = until.and_then(|until| Duration::try_from(until.duration_since(self.api.now())).ok());
                    let longest = Duration::from_hours(1);
                    let backoff = self.backoff();
                    (why, reset.unwrap_or_default().min(longest).max(backoff))
                }
                End::Refused { why } => {
                    let remedy = "check the addresses under jetstreams in the config; saving it tries again".to_owned();
                    let note = format!("{why}. {remedy}");
                    self.tell(LinkState::Down { why, remedy }, Some(note)).await;
                    self.server += 1;
                    if self.pause(self.api.pace.down_retry).await.is_err() {
                        return;
                    }
                    continue;
                }
            };
            self.server += 1;
            let until = SignedDuration::try_from(wait).ok().and_then(|wait| self.api.now().checked_add(wait).ok());
            let until = until.unwrap_or_else(|| self.api.now());
            self.tell(LinkState::BackingOff { until, why: why.clone() }, Some(why)).await;
            if self.pause(wait).await.is_err() {
                return;
            }
        }
    }

    /// Writes down where we are, and hands on what waited: a column that is closed already gets it in the next run.
    pub(super) async fn end(&mut self) {
        self.keep_place();
        // Nobody follows on columns that are closed now.
        self.feeds = watch::channel(self.current.clone()).1;
        while let Some(held) = self.waiting.pop_front() {
            self.give(held.what).await;
        }
    }

    /// Doubled each time, spread so that not everybody comes at once.
    fn backoff(&mut self) -> Duration {
        let pace = self.api.pace;
        let step = pace.retry_first.saturating_mul(2_u32.saturating_pow(self.failures)).min(pace.retry_most);
        self.failures = self.failures.saturating_add(1);
        step.mul_f64(0.5 + self.api.chance() / 2.0)
    }

    /// One connection from its set-up to its end.
    async fn once(&mut self) -> End {
        self.learn_handles().await;
        let place = self.api.jetstreams[self.server % self.api.jetstreams.len()].clone();
        let overlap = i64::try_from(self.api.pace.overlap.as_micros()).unwrap_or(0);
        let cursor = (self.place.at_us > 0 && self.missing_from.is_none()).then(|| (self.place.at_us - overlap).max(1));
        let dialect = Dialect::of(&place.url);
        let is_packed = self.api.packs() && dialect.packs();
        let address = dialect.decoder().address(&place.url, cursor, is_packed);
        let within = self.api.pace.answer_within;
        let opened = socket::open(&place.client, &address, HeaderMap::new(), LONGEST_MESSAGE, within).await;
        let socket = match opened {
            Ok(socket) => socket,
            Err(error) => return self.not_opened(place.host(), error),
        };
        self.asked_from = cursor;
        if self.place.at_us == 0 {
            // From here on everything is heard: a line that is cut before its first message loses none of them.
            self.place.note(self.api.now().as_microsecond());
        }
        self.went_live(place.host()).await;
        match Line::new(dialect, place.host(), is_packed) {
            Ok(line) => self.read(socket, line).await,
            Err(why) => End::Refused { why: format!("packed frames cannot be read: {why}") },
        }
    }

    fn not_opened(&mut self, host: &str, error: SocketError) -> End {
        match error {
            SocketError::Refused { status, words, headers } => {
                let why = format!(
                    "{host} answered HTTP {}{}{words}",
                    status.as_u16(),
                    if words.is_empty() { "" } else { ": " }
                );
                match status.as_u16() {
                    429 | 503 => End::Limited { why, until: RateHeaders::of(&headers).used_up_until },
                    // The newer dialect says so instead of beginning later: what it has not is missing.
                    400 if words.contains("CursorTooOld") || words.contains("ursor") && self.place.at_us > 0 => {
                        self.missing_from = Some(self.place.at_us);
                        End::Lost { why }
                    }
                    300..=399 => End::Refused { why: format!("{why}: it sends us on, and nobody follows") },
                    400..=499 => End::Refused { why },
                    _ => End::Lost { why },
                }
            }
            SocketError::NotASocket { why } => End::Refused { why: format!("{host} speaks no WebSocket: {why}") },
            SocketError::Line(why) => End::Lost { why: format!("{host}: {why}") },
            SocketError::Silent(within) => {
                End::Lost { why: format!("{host} did not answer within {} s", within.as_secs()) }
            }
        }
    }

    /// Reads until the line ends.
    async fn read(&mut self, mut socket: Socket, mut line: Line<'_>) -> End {
        let pace = self.api.pace;
        let host = line.host;
        let began = Instant::now();
        let mut heard = began;
        let mut is_stale = false;
        let mut is_settled = false;
        let mut ping_at = began + pace.ping_every;
        let mut keep_at = began + pace.cursor_every;
        loop {
            let silent_until = heard + if is_stale { pace.dead_after } else { pace.stale_after };
            let due = self.due();
            // In this order, so that bytes that are there always win against the watch on silence.
            tokio::select! { biased;
                changed = self.feeds.changed() => {
                    if changed.is_err() {
                        return End::Over;
                    }
                    self.take_feeds();
                    if self.current.is_empty() {
                        return End::Idle;
                    }
                    self.learn_handles().await;
                }
                told = self.profiles.answered() => {
                    if let Err(why) = told {
                        let note = format!("nothing is said of authors for now: {why}");
                        self.tell(self.state.clone(), Some(note)).await;
                    }
                    self.flush().await;
                    self.judge_late().await;
                }
                () = sleep_until(due.unwrap_or(began)), if due.is_some() => self.flush().await,
                () = sleep_until(ping_at) => {
                    ping_at = Instant::now() + pace.ping_every;
                    if let Err(error) = socket.send(Message::Ping(bytes::Bytes::new())).await {
                        return lost(host, &error);
                    }
                }
                () = sleep_until(keep_at) => {
                    keep_at = Instant::now() + pace.cursor_every;
                    self.keep_place();
                    self.expire_late();
                    self.tell_skipped().await;
                    if Instant::now() >= self.handles_at {
                        self.learn_handles().await;
                    }
                }
                message = socket.next(), if self.waiting.len() < MOST_WAITING => {
                    let mut message = Some(message);
                    for _ in 0..BREATH {
                        match message.take() {
                            None => break,
                            Some(None) => return End::Lost { why: format!("{host} closed the stream") },
                            Some(Some(Err(error))) => {
                                self.note_too_long(&error);
                                return lost(host, &error);
                            }
                            Some(Some(Ok(message))) => {
                                if let Some(end) = self.hear(message, &mut line).await {
                                    return end;
                                }
                            }
                        }
                        if self.waiting.len() < MOST_WAITING {
                            message = socket.next().now_or_never();
                        }
                    }
                    self.flush().await;
                    self.beat(std::mem::take(&mut is_stale)).await;
                    if !is_settled && began.elapsed() >= pace.settled_after {
                        is_settled = true;
                        self.failures = 0;
                    }
                    heard = Instant::now();
                }
                () = sleep_until(silent_until) => {
                    if is_stale {
                        let why = format!("not a byte from {host} for {} s", pace.dead_after.as_secs());
                        return End::Lost { why };
                    }
                    is_stale = true;
                    let note = format!("not a byte for {} s", pace.stale_after.as_secs());
                    self.tell(LinkState::Stale, Some(note)).await;
                }
            }
        }
    }

    async fn went_live(&mut self, host: &str) {
        let now = self.api.now();
        self.last_byte = Some(now);
        self.last_beat = Some(now);
        if self.place.at_us == 0 {
            // From here on nothing is to be missed, also where the line breaks before the first message.
            self.place.at_us = now.as_microsecond();
        }
        let since = self.asked_from.and_then(|at| Timestamp::from_microsecond(at).ok());
        let behind = since.map(|since| now.duration_since(since));
        self.catching_up = behind.is_some_and(|behind| behind > BEHIND);
        let note = match behind {
            Some(behind) if self.catching_up => {
                format!("listening at {host}, catching up on {} min", behind.as_secs() / 60)
            }
            _ => format!("listening at {host}"),
        };
        self.tell_calmly(LinkState::Live, note).await;
    }

    /// Bytes came.
    async fn beat(&mut self, was_stale: bool) {
        let now = self.api.now();
        self.last_byte = Some(now);
        let note = self.api.take_note();
        let mut has_caught_up = false;
        if self.catching_up
            && let Ok(at) = Timestamp::from_microsecond(self.place.at_us)
            && now.duration_since(at) < BEHIND
        {
            self.catching_up = false;
            has_caught_up = true;
        }
        if has_caught_up && note.is_none() {
            self.last_beat = Some(now);
            self.tell_calmly(LinkState::Live, "caught up with the stream".to_owned()).await;
        } else if was_stale || note.is_some() {
            self.last_beat = Some(now);
            self.tell(LinkState::Live, note).await;
        } else if self.last_beat.is_none_or(|last| now.duration_since(last).unsigned_abs() >= self.api.pace.beat) {
            self.last_beat = Some(now);
            // A beat that finds no room is made good by the next one.
            drop(self.links.try_send(self.report(None)));
        }
    }

    /// A message that we cannot take comes again with every attempt from the same place: the second time it is passed,
    /// and what it took with it is told.
    fn note_too_long(&mut self, error: &tungstenite::Error) {
        if matches!(error, tungstenite::Error::Capacity(_)) {
            self.too_long += 1;
            if self.too_long >= 2 && self.place.at_us > 0 {
                self.missing_from = Some(self.place.at_us);
                self.too_long = 0;
            }
        }
    }

    /// The place in the stream up to which everything was handed on.
    fn keep_place(&mut self) {
        let oldest = self.waiting.iter().filter_map(|held| held.at_us).chain(self.giving).min();
        let mut place = self.place;
        if let Some(oldest) = oldest {
            place.at_us = place.at_us.min(oldest);
        }
        self.file.keep(place);
    }

    /// Asks whose the handles are that rules name, where nobody knows yet, and who we are.
    async fn learn_handles(&mut self) {
        let mut handles = Sift::handles(&self.current);
        let own = self.api.account();
        if own.id.is_none() && own.handle.contains('.') {
            handles.insert(own.handle.to_ascii_lowercase());
        }
        if Instant::now() >= self.handles_at {
            self.sift.pins.forget_unfound();
        }
        self.handles_at = Instant::now() + self.api.pace.profile_kept;
        let unknown: Vec<String> = self.sift.pins.unknown(&handles).into_iter().cloned().collect();
        if !unknown.is_empty() {
            match profiles::ask(&self.api, &unknown, self.api.pace.look_within).await {
                Ok(found) => {
                    for handle in &unknown {
                        let did = found.iter().find(|profile| profile.handle.eq_ignore_ascii_case(handle));
                        let did = did.map(|profile| profile.did.clone());
                        if let Some(did) = did.as_deref().filter(|_| own.id.is_none())
                            && own.handle.eq_ignore_ascii_case(handle)
                        {
                            self.api.take_identity(did, handle);
                        }
                        self.sift.pins.keep(handle, did.as_deref());
                    }
                }
                Err(error) => {
                    self.handles_at = Instant::now() + self.api.pace.profile_retry;
                    let note = format!("Bluesky did not say who {} is: {}", unknown.join(", "), error.words());
                    self.tell(self.state.clone(), Some(note)).await;
                }
            }
        }
        self.sift = Sift::new(&self.current, self.sift.pins.clone(), self.api.did().as_deref());
        self.tell_refused().await;
    }

    /// Columns that ask for somebody who is not there hear nothing of them.
    async fn tell_refused(&mut self) {
        let mut refused = Vec::new();
        for feed in self.current.iter() {
            for handle in feed.rule.handles().iter().filter(|handle| self.sift.pins.is_nobody(handle)) {
                refused.push((feed.column.clone(), format!("nobody is called @{handle} on Bluesky")));
            }
        }
        if refused != self.refused {
            let fresh: Vec<String> = refused
                .iter()
                .filter(|refusal| !self.refused.contains(refusal))
                .map(|(column, why)| format!("column {column}: {why}"))
                .collect();
            self.refused = refused;
            let note = (!fresh.is_empty()).then(|| fresh.join("; "));
            self.tell(self.state.clone(), note).await;
        }
    }

    fn take_feeds(&mut self) {
        self.current = self.feeds.borrow_and_update().clone();
        self.sift = Sift::new(&self.current, self.sift.pins.clone(), self.api.did().as_deref());
    }

    /// Waits for other feeds. An error: there will be none.
    async fn feeds_change(&mut self) -> Result<(), watch::error::RecvError> {
        self.feeds.changed().await?;
        self.take_feeds();
        Ok(())
    }

    /// Waits before the next attempt; what waits for its author goes out meanwhile, and changed feeds are taken over.
    async fn pause(&mut self, wait: Duration) -> Result<(), watch::error::RecvError> {
        self.keep_place();
        let until = Instant::now() + wait;
        loop {
            let due = self.due();
            tokio::select! {
                () = sleep_until(until) => return Ok(()),
                () = sleep_until(due.unwrap_or(until)), if due.is_some() => self.flush().await,
                told = self.profiles.answered() => {
                    if let Err(why) = told {
                        tracing::debug!(why, "nothing is said of authors while the stream is down");
                    }
                    self.flush().await;
                }
                changed = self.feeds.changed() => {
                    changed?;
                    self.take_feeds();
                    if self.current.is_empty() {
                        return Ok(());
                    }
                }
            }
        }
    }

    async fn tell_gap(&mut self, from: Timestamp, to: Timestamp) {
        let gap = GapId(self.api.new_id());
        for feed in self.current.iter() {
            drop(feed.out.send(Inbound::GapOpened { gap, from, is_first: false }).await);
            drop(feed.out.send(Inbound::GapClosed { gap, to }).await);
        }
        let note = format!("the server looks back no further than {to}: what was said since {from} is missing");
        self.tell(self.state.clone(), Some(note)).await;
    }

    async fn tell(&mut self, state: LinkState, note: Option<String>) {
        self.state = state;
        // Nobody left to tell is no reason to stop listening.
        drop(self.links.send(self.report(note)).await);
    }

    /// Something to say that needs nobody's hand.
    async fn tell_calmly(&mut self, state: LinkState, note: String) {
        self.state = state;
        drop(self.links.send(LinkReport { is_calm: true, ..self.report(Some(note)) }).await);
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
}

fn lost(host: &str, error: &tungstenite::Error) -> End {
    End::Lost { why: format!("the stream of {host} broke: {}", bounded(&error.to_string())) }
}
