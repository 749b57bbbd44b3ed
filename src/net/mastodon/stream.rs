//! Listens: one line for all columns, kept alive, its losses read back over REST and told where that is not possible.

mod taking;
mod telling;

use std::collections::BTreeSet;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt as _};
use jiff::{SignedDuration, Timestamp};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until};

use super::api::{Api, CallError, Urgency};
use super::decode::Event;
use super::fill::{Fill, Read, Timeline};
use super::place::{PlaceFile, Places};
use super::problem::Class;
use super::subscriptions::{Stream, Wanted};
use super::threads::{self, Looked};
use super::wire::{self, Heard, Wire};
use crate::model::{ColumnName, GapId, LinkReport, LinkState};
use crate::net::backoff::{Backoff, Failure};
use crate::net::dispatch::Dispatch;
use crate::net::skipped::Skipped;
use crate::net::{Feed, Inbound};
use crate::rules::many::Rules;

/// A page that could not be read is tried so often before the stretch is told as missing.
const TRIES: u32 = 4;

/// Why the connection is not there any more, or never was.
#[derive(Debug)]
pub(super) enum End {
    /// Worth another attempt.
    Lost { why: String, failure: Failure },
    /// Not before somebody did something; `passes`: elsewhere, so that only asking again shows it.
    Down { why: String, remedy: String, passes: bool },
    /// Nobody wants to hear anything.
    Idle,
    /// The deck is closing.
    Over,
}

type Reading = Pin<Box<dyn Future<Output = Result<Read, CallError>> + Send>>;
type Looking = Pin<Box<dyn Future<Output = Looked> + Send>>;

/// One run of listening.
pub(super) struct Listener {
    api: Arc<Api>,
    feeds: watch::Receiver<Arc<Vec<Feed>>>,
    links: mpsc::Sender<LinkReport>,
    current: Arc<Vec<Feed>>,
    rules: Rules,
    refused: Vec<(ColumnName, String)>,
    dispatch: Dispatch,
    backoff: Backoff,
    places: Places,
    place_file: PlaceFile,
    /// From here on posts may be missing that nobody has read yet.
    missing_since: Option<Timestamp>,
    /// The gap that was told.
    gap: Option<GapId>,
    /// An outage that is not over by then is told.
    gap_at: Option<Instant>,
    /// Up to here the line was heard.
    heard_until: Timestamp,
    last_byte: Option<Timestamp>,
    last_beat: Option<Timestamp>,
    state: LinkState,
    /// What was passed over and of which nothing was said yet.
    skipped: Skipped,
    logins: watch::Receiver<u64>,
    /// Posts whose threads are being looked at before they are handed on.
    looking: FuturesUnordered<Looking>,
    /// Statuses that were deleted meanwhile.
    gone: BTreeSet<String>,
    /// New posts that reading back what was missed brought.
    filled: u64,
}

impl Listener {
    pub(super) fn new(
        api: Arc<Api>,
        mut feeds: watch::Receiver<Arc<Vec<Feed>>>,
        links: mpsc::Sender<LinkReport>,
    ) -> Self {
        let current = feeds.borrow_and_update().clone();
        let (now, logins) = (api.now(), api.logins());
        let place_file = PlaceFile::of(&api.settings.data_dir, &api.settings.account.name);
        let places = place_file.read().unwrap_or_else(|error| {
            tracing::warn!(%error, "what was missed since the last run is not read");
            Places::default()
        });
        // Where an earlier run was, this one goes on.
        let missing_since = places.last().or_else(|| places.has_begun().then_some(now));
        Self {
            backoff: Backoff::new(api.pace.steps),
            rules: rules_of(&current),
            api,
            feeds,
            links,
            current,
            refused: Vec::new(),
            dispatch: Dispatch::default(),
            places,
            place_file,
            missing_since,
            gap: None,
            gap_at: None,
            heard_until: missing_since.unwrap_or(now),
            last_byte: None,
            last_beat: None,
            state: LinkState::Connecting,
            skipped: Skipped::default(),
            logins,
            looking: FuturesUnordered::new(),
            gone: BTreeSet::new(),
            filled: 0,
        }
    }

    /// Writes down where it was.
    pub(super) fn stopped(&mut self) {
        self.keep_place();
    }

    /// Runs until nobody can want anything any more; to stop it, drop the future and call [`Self::stopped`].
    pub(super) async fn run(&mut self) {
        loop {
            if self.current.is_empty() {
                // What nobody wants to hear is not missing.
                self.missing_since = None;
                self.gap = None;
                if self.feeds_change().await.is_err() {
                    return;
                }
                continue;
            }
            self.tell(LinkState::Connecting, None).await;
            self.logins.borrow_and_update();
            let end = self.once().await;
            self.keep_place();
            match end {
                End::Over => return,
                End::Idle => {}
                End::Lost { why, failure } => {
                    self.lost();
                    // What the server said of itself may not hold any more: where it streams, for one.
                    self.api.doubt_facts();
                    let wait = self.jittered(self.backoff.clone(), failure);
                    let now = self.api.now();
                    let until = SignedDuration::try_from(wait).ok().and_then(|wait| now.checked_add(wait).ok());
                    let told = why.clone();
                    self.tell(LinkState::BackingOff { until: until.unwrap_or(now), why }, Some(told)).await;
                    if self.pause(Instant::now() + wait, false).await.is_err() {
                        return;
                    }
                }
                End::Down { why, remedy, passes } => {
                    self.lost();
                    self.api.doubt_facts();
                    self.api.forget_own();
                    let note = format!("{why}. {remedy}");
                    self.tell(LinkState::Down { why, remedy }, Some(note)).await;
                    let again = if passes { Instant::now() + self.api.pace.down_retry } else { far() };
                    if self.pause(again, true).await.is_err() {
                        return;
                    }
                }
            }
        }
    }

    /// The wait after this failure, a part of it by chance.
    fn jittered(&mut self, mut backoff: Backoff, failure: Failure) -> Duration {
        let wait = backoff.after(failure);
        self.backoff = backoff;
        let spread = u64::try_from(wait.as_millis() / 2).unwrap_or(0);
        wait + Duration::from_millis(self.api.chance(spread + 1))
    }

    /// One connection from its set-up to its end.
    async fn once(&mut self) -> End {
        if let Err(error) = self.api.facts(Urgency::Background).await {
            return self.end(error);
        }
        match self.api.learn_own(Urgency::Background).await {
            Ok(own) => {
                let asked = self.api.account().handle;
                let is_same = own.handle.eq_ignore_ascii_case(&asked)
                    || own.handle.split('@').next().is_some_and(|user| user.eq_ignore_ascii_case(&asked));
                if !is_same {
                    return End::Down {
                        why: format!("the login is @{}'s, the config says @{asked}", own.handle),
                        remedy: format!(
                            "log in as the account of the config: replydeck auth {}",
                            self.api.account().name
                        ),
                        passes: false,
                    };
                }
            }
            Err(error) => return self.end(error),
        }
        let Some(facts) = self.api.known_facts() else {
            return lost("the server did not say what it is");
        };
        let wanted = Wanted::of(&self.current, &facts, self.api.settings.messages);
        let mut wire = match wire::open(&self.api, &wanted.streams).await {
            Ok(wire) => wire,
            Err(error) => return self.end(error),
        };
        for stream in wanted.streams.iter().filter(|stream| !wire.has_begun(stream)).collect::<Vec<_>>() {
            if let Err(why) = wire.begin(&self.api, stream).await {
                return lost(&why);
            }
        }
        self.take_refused(wanted.refused).await;
        let now = self.api.now();
        (self.last_byte, self.last_beat) = (Some(now), Some(now));
        let note = (!wire.is_socket()).then(|| "the server takes no WebSocket; its events are read instead".to_owned());
        self.tell(LinkState::Live, note).await;
        self.read(wire, wanted.streams).await
    }

    /// Reads until the line ends. What was missed is read back meanwhile.
    async fn read(&mut self, mut wire: Wire, mut streams: BTreeSet<Stream>) -> End {
        let api = Arc::clone(&self.api);
        let pace = api.pace;
        let host = api.domain();
        let began = Instant::now();
        let (mut heard, mut is_stale, mut is_settled) = (began, false, false);
        let mut seen = (api.now(), began);
        let mut ping_at = began + pace.ping_every;
        let mut keep_at = began + pace.keep_every;
        let mut fill: Option<Fill> = None;
        let mut fill_at = Some(began + pace.subscribed_after);
        let mut reading: Option<Reading> = None;
        // Timelines never heard before: from their newest post on they are.
        let mut looks: Vec<Timeline> = Vec::new();
        let mut look: Option<(Timeline, Reading)> = None;
        loop {
            if look.is_none()
                && reading.is_none()
                && let Some(timeline) = looks.pop()
            {
                let (asking, of) = (Arc::clone(&api), timeline.clone());
                let page: Reading = Box::pin(async move { of.page(&asking, Urgency::Background, None, None).await });
                look = Some((timeline, page));
            }
            let silent_until = heard + if is_stale { pace.dead_after } else { pace.stale_after };
            // In this order, so that what is there always wins against the watch on silence.
            tokio::select! { biased;
                changed = self.feeds.changed() => {
                    if changed.is_err() {
                        return End::Over;
                    }
                    self.take_feeds().await;
                    if self.current.is_empty() {
                        return End::Idle;
                    }
                    let Some(facts) = api.known_facts() else { continue };
                    let wanted = Wanted::of(&self.current, &facts, api.settings.messages);
                    for stream in wanted.streams.difference(&streams) {
                        if let Err(why) = wire.begin(&api, stream).await {
                            return lost(&why);
                        }
                    }
                    for stream in streams.difference(&wanted.streams) {
                        if let Err(why) = wire.end(stream).await {
                            return lost(&why);
                        }
                    }
                    streams = wanted.streams;
                    self.take_refused(wanted.refused).await;
                    looks = self.unknown(&streams);
                }
                read = async { reading.as_mut().expect("guarded by the condition").await }, if reading.is_some() => {
                    reading = None;
                    if let Some(end) = self.take_page(read, &mut fill, &mut fill_at).await {
                        return end;
                    }
                }
                read = async { look.as_mut().expect("guarded by the condition").1.as_mut().await }, if look.is_some() => {
                    if let Some((timeline, _)) = look.take() {
                        self.take_look(&timeline, read).await;
                    }
                }
                Some(looked) = self.looking.next(), if !self.looking.is_empty() => self.take_looked(looked).await,
                said = wire.next(host.as_deref()) => {
                    if let Some(slept) = slept(&mut seen, api.now(), pace.slept_after) {
                        return lost(&slept);
                    }
                    for heard in said {
                        match heard {
                            Heard::Event(event) => self.take(event).await,
                            Heard::Alive => {}
                            Heard::End(why) => return lost(&why),
                        }
                    }
                    self.hear(std::mem::take(&mut is_stale)).await;
                    if !is_settled && began.elapsed() >= pace.settled_after {
                        is_settled = true;
                        self.backoff.succeeded();
                    }
                    // Counted from here: time a column's reader took is not the line's silence.
                    heard = Instant::now();
                }
                () = sleep_until(fill_at.unwrap_or_else(far)), if fill_at.is_some() => {
                    fill_at = None;
                    if fill.is_none() {
                        fill = Some(self.begin_fill(&streams));
                        looks = self.unknown(&streams);
                    }
                    if let Some(current) = fill.as_ref().and_then(Fill::current).cloned() {
                        let asking = Arc::clone(&api);
                        reading = Some(Box::pin(async move { current.step(&asking, Urgency::Background).await }));
                    } else if let Some(done) = fill.take() {
                        self.end_fill(&done).await;
                    }
                }
                () = sleep_until(self.gap_at.unwrap_or_else(far)), if self.gap_at.is_some() => self.open_gap().await,
                () = sleep_until(keep_at) => {
                    keep_at = Instant::now() + pace.keep_every;
                    self.keep_place();
                }
                () = sleep_until(ping_at) => {
                    ping_at = Instant::now() + pace.ping_every;
                    if let Some(slept) = slept(&mut seen, api.now(), pace.slept_after) {
                        return lost(&slept);
                    }
                    if let Err(why) = wire.ping().await {
                        return lost(&why);
                    }
                }
                () = sleep_until(silent_until) => {
                    if is_stale {
                        return lost(&format!("not a byte for {} s", pace.dead_after.as_secs()));
                    }
                    is_stale = true;
                    self.tell(LinkState::Stale, Some(format!("not a byte for {} s", pace.stale_after.as_secs()))).await;
                }
            }
        }
    }

    /// Timelines that are listened to and were never heard before.
    fn unknown(&mut self, streams: &BTreeSet<Stream>) -> Vec<Timeline> {
        let timelines = self.timelines(streams);
        let names: BTreeSet<String> = timelines.iter().map(Timeline::name).collect();
        self.places.keep_only(|name| names.contains(name));
        timelines.into_iter().filter(|timeline| !self.places.knows(&timeline.name())).collect()
    }

    fn timelines(&self, streams: &BTreeSet<Stream>) -> Vec<Timeline> {
        let own = self.api.own().filter(|_| self.api.settings.watch_own).map(|own| own.id);
        Timeline::behind(streams, own.as_deref())
    }

    fn begin_fill(&mut self, streams: &BTreeSet<Stream>) -> Fill {
        self.filled = 0;
        let Some(since) = self.missing_since else {
            return Fill::since(&Places::default(), Vec::new(), self.heard_until, SignedDuration::ZERO);
        };
        let overlap = SignedDuration::try_from(self.api.pace.overlap).unwrap_or(SignedDuration::ZERO);
        Fill::since(&self.places, self.timelines(streams), since, overlap)
    }

    /// A page of what was missed.
    async fn take_page(
        &mut self,
        read: Result<Read, CallError>,
        fill: &mut Option<Fill>,
        fill_at: &mut Option<Instant>,
    ) -> Option<End> {
        let under_way = fill.as_mut()?;
        *fill_at = Some(Instant::now());
        match read {
            Ok(read) => {
                let name = under_way.current().map(|walk| walk.timeline.name());
                under_way.went(&read);
                if let (Some(name), Some(newest)) = (name, &read.newest) {
                    self.places.heard(&name, newest, self.api.now());
                }
                for status in read.statuses {
                    self.deliver(Box::new(status), true).await;
                }
            }
            Err(error) if error.class() == Some(Class::Unauthorised) => return Some(self.end(error)),
            Err(error) => {
                // Where the server says when there is room again, that is waited for; the line is heard meanwhile.
                let until =
                    error.until().and_then(|until| Duration::try_from(until.duration_since(self.api.now())).ok());
                under_way.failures += 1;
                if under_way.failures < TRIES || until.is_some() {
                    let wait = until.unwrap_or(self.api.pace.steps.lost_step * under_way.failures);
                    *fill_at = Some(Instant::now() + wait);
                } else {
                    under_way.give_up(error.words());
                }
            }
        }
        None
    }

    /// A timeline was looked at for the first time: from here on it is heard.
    async fn take_look(&mut self, timeline: &Timeline, read: Result<Read, CallError>) {
        match read {
            Ok(read) => match &read.newest {
                Some(newest) => self.places.heard(&timeline.name(), newest, self.api.now()),
                None => self.places.is_empty_at(&timeline.name()),
            },
            // It is looked at again with the next connection; posts that come mark it as well.
            Err(error) => {
                let note = format!("{} cannot be read: {}", timeline.name(), error.words());
                self.tell(self.state.clone(), Some(note)).await;
            }
        }
    }

    /// Everything that can be read was.
    async fn end_fill(&mut self, fill: &Fill) {
        let Some(since) = self.missing_since else { return };
        let now = self.api.now();
        self.gap_at = None;
        if fill.missing.is_empty() {
            self.missing_since = None;
            if let Some(gap) = self.gap.take() {
                self.tell_all(&Inbound::GapClosed { gap, to: now }).await;
                self.tell_all(&Inbound::GapFilled { gap, posts: self.filled }).await;
            }
            if self.filled > 0 {
                let note = format!("what was missed was read: {} new", self.filled);
                self.tell_calmly(self.state.clone(), note).await;
            }
            return;
        }
        self.missing_since = Some(since);
        self.open_gap().await;
        self.missing_since = None;
        if let Some(gap) = self.gap.take() {
            self.tell_all(&Inbound::GapClosed { gap, to: now }).await;
        }
        let note = format!("what was missed could not be read whole: {}", fill.missing.join("; "));
        self.tell(self.state.clone(), Some(note)).await;
    }

    /// The line is gone: what was written since it was heard last is missing until somebody has read it.
    fn lost(&mut self) {
        if self.missing_since.is_none() {
            self.missing_since = Some(self.heard_until);
        }
        if self.gap.is_none() && self.gap_at.is_none() {
            self.gap_at = Some(Instant::now() + self.api.pace.gap_after);
        }
    }

    /// Tells of the gap, once.
    async fn open_gap(&mut self) {
        self.gap_at = None;
        if let (None, Some(from)) = (self.gap, self.missing_since) {
            let gap = GapId(self.api.new_id());
            self.gap = Some(gap);
            let is_first = self.last_byte.is_none();
            self.tell_all(&Inbound::GapOpened { gap, from, is_first }).await;
        }
    }

    async fn tell_all(&mut self, inbound: &Inbound) {
        for feed in self.current.iter() {
            drop(feed.out.send(inbound.clone()).await);
        }
    }

    /// Something came.
    async fn hear(&mut self, was_stale: bool) {
        let now = self.api.now();
        self.heard_until = now;
        self.last_byte = Some(now);
        if was_stale {
            self.last_beat = Some(now);
            self.tell(LinkState::Live, None).await;
        } else if self.last_beat.is_none_or(|last| now.duration_since(last).unsigned_abs() >= self.api.pace.beat) {
            self.last_beat = Some(now);
            // A beat that finds no room is made good by the next one.
            drop(self.links.try_send(self.report(None)));
        }
    }

    /// Takes over changed feeds; a column that comes during an outage learns of it.
    async fn take_feeds(&mut self) {
        let fresh = self.feeds.borrow_and_update().clone();
        if let Some(gap) = self.gap {
            let (from, is_first) = (self.api.now(), self.last_byte.is_none());
            for feed in fresh.iter().filter(|feed| !self.current.iter().any(|old| old.column == feed.column)) {
                drop(feed.out.send(Inbound::GapOpened { gap, from, is_first }).await);
            }
        }
        self.rules = rules_of(&fresh);
        self.current = fresh;
    }

    /// Waits for other feeds. An error: there will be none.
    async fn feeds_change(&mut self) -> Result<(), watch::error::RecvError> {
        self.feeds.changed().await?;
        self.take_feeds().await;
        Ok(())
    }

    /// Waits before the next attempt, and tells of an outage that lasts. `is_down`: other feeds or another login end the
    /// wait; else they are only taken over.
    async fn pause(&mut self, until: Instant, is_down: bool) -> Result<(), watch::error::RecvError> {
        let mut logins = self.logins.clone();
        loop {
            tokio::select! {
                () = sleep_until(until) => return Ok(()),
                () = sleep_until(self.gap_at.unwrap_or_else(far)), if self.gap_at.is_some() => self.open_gap().await,
                _ = logins.changed(), if is_down => return Ok(()),
                changed = self.feeds.changed() => {
                    changed?;
                    self.take_feeds().await;
                    if is_down {
                        return Ok(());
                    }
                }
            }
        }
    }

    fn keep_place(&mut self) {
        self.place_file.keep(&mut self.places);
        self.api.memory.lock().expect("nothing panics while holding it").keep();
    }

    /// Begins to look where in a conversation a status stands.
    fn look_at(&mut self, status: Box<super::threads::Waiting>) {
        self.looking.push(Box::pin(threads::look(Arc::clone(&self.api), status)));
    }
}

fn rules_of(feeds: &[Feed]) -> Rules {
    Rules::new(feeds.iter().map(|feed| feed.rule.clone()).collect())
}

fn lost(why: &str) -> End {
    End::Lost { why: why.to_owned(), failure: Failure::Lost }
}

/// For a timer that is not set.
fn far() -> Instant {
    Instant::now() + Duration::from_hours(24 * 365)
}

/// Whether the time of day went ahead of the time that passed since this was asked last; in words.
fn slept(seen: &mut (Timestamp, Instant), now: Timestamp, most: Duration) -> Option<String> {
    let passed = SignedDuration::try_from(seen.1.elapsed()).unwrap_or(SignedDuration::MAX);
    let ahead = now.duration_since(seen.0).saturating_sub(passed);
    *seen = (now, Instant::now());
    (ahead > SignedDuration::try_from(most).unwrap_or(SignedDuration::MAX)).then(|| {
        format!("the clock went ahead by {} s: the machine was suspended, or its clock was set", ahead.as_secs())
    })
}

/// Events are read in [`taking`].
impl Listener {
    /// One thing the stream said.
    async fn take(&mut self, event: Event) {
        taking::take(self, event).await;
    }
}
