//! The deck's loop.

use std::future::pending;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use crossterm::event::{Event as Input, EventStream};
use futures_util::StreamExt as _;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::editor::Editing;
use super::effects::{Effects, ForTerminal};
use super::feeding::{Feeding, Sources};
use super::frame::{Pace, Reason};
use super::intake::{Own, Signer};
use super::looking::Looking;
use super::networks::Making;
use super::presence;
use super::recording::Holds;
use super::reload::{Change, take_on};
use super::session::{self, Session};
use super::store;
use super::terminal::Screen;
use crate::app::notice::Notice;
use crate::app::{self, App, Msg, Setup};
use crate::log::Log;
use crate::model::{Delivery, IdSource, LinkState, ReplyId};
use crate::net::Clock;
use crate::ui;

/// The inbox holds so many messages; who has more waits.
const INBOX: usize = 64;
/// For so long waiting messages are taken in before keys and frames have their turn again.
const DRAIN: Duration = Duration::from_millis(2);
/// A checkpoint is kept after so many events, and at the end.
const CHECKPOINT_EVERY: u64 = 20_000;
/// It is made while no key has come for so long, for making one takes some time…
const CALM: Duration = Duration::from_secs(2);
/// …or, with never so much peace, after so many further events.
const CHECKPOINT_LATEST: u64 = 100_000;
/// At the end, so long a request in flight may take.
const LAST_SENDS: Duration = Duration::from_secs(5);

/// Everything a deck is opened with.
pub struct Opening {
    pub setup: Setup,
    pub log: Arc<dyn Log>,
    pub networks: Making,
    pub clock: Clock,
    pub data_dir: PathBuf,
    /// This run: taken along when the rep quits, left behind when the deck is cut off.
    pub session: Arc<Session>,
    pub theme: ui::Theme,
    /// Random bits of this run, for its ids.
    pub random: u64,
    /// Ends the deck.
    pub stop: CancellationToken,
    /// New settings as the config file changes; `None` where there is no file to watch.
    pub reloads: Option<mpsc::Receiver<Change>>,
    /// The config file, which new columns are written to.
    pub config: Option<PathBuf>,
    /// Where a recording is played: stops it while a reply is held.
    pub holds: Option<Holds>,
}

impl std::fmt::Debug for Opening {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Opening")
            .field("data_dir", &self.data_dir)
            .field("networks", &self.networks)
            .finish_non_exhaustive()
    }
}

/// Runs the deck until the rep quits, a signal comes or the terminal is gone.
pub async fn run(opening: Opening) -> anyhow::Result<()> {
    let Opening { setup, log, networks, clock, data_dir, session, theme, random, stop, reloads, config, holds } =
        opening;
    let (inbox, messages) = mpsc::channel(INBOX);
    let tasks = TaskTracker::new();
    super::signals::watch(&stop, &tasks).context("signals cannot be watched")?;

    let past = log.last().await?;
    let (_, rows) = crossterm::terminal::size().unwrap_or((80, 24));
    let desk = store::load(&*log, &setup.columns, rows).await?;
    // What is wrong with the accounts is told while the terminal is still the shell's.
    let networks = networks.made().await?;
    let mut screen = Screen::open()
        .context("this is no terminal: the deck needs one (try `replydeck match` or `replydeck ingest`)")?;
    let mut app = App::new(setup, screen.size(), clock(), IdSource::new(random));
    app.past = Some((desk.seq, past));
    app.desk = desk;
    // Without a config of its own the store is one that is thrown away.
    app.keeps_store = config.is_some();

    let signer = Signer { rep: app.setup.me.clone(), machine: app.setup.machine.clone() };
    let own = Own::of(app.setup.accounts.iter().cloned());
    let feeding = Feeding::start(
        &Sources {
            log: Arc::clone(&log),
            networks: networks.clone(),
            clock: Arc::clone(&clock),
            signer: signer.clone(),
            own,
            data_dir: data_dir.clone(),
            inbox: inbox.clone(),
        },
        &app.setup.columns,
    );
    let follower = store::follow(Arc::clone(&log), app.desk.seq, past, inbox.clone());
    let ending = stop.clone();
    tasks.spawn(async move {
        tokio::select! {
            () = ending.cancelled() => {}
            () = follower => {}
        }
    });
    let mut effects = Effects::new(
        Arc::clone(&log),
        networks,
        feeding.followed(),
        Arc::clone(&clock),
        signer,
        app.setup.session,
        inbox,
    );
    effects.config = config;
    effects = effects.sharing_looks(Looking::new(data_dir.clone()));
    let watching = presence::watch(
        Arc::clone(&session),
        data_dir.clone(),
        Arc::clone(&clock),
        effects.presence.subscribe(),
        effects.inbox.clone(),
    );
    let ending = stop.clone();
    tasks.spawn(async move {
        tokio::select! {
            () = ending.cancelled() => {}
            () = watching => {}
        }
    });
    let mut deck = Deck {
        cache: ui::Cache::new(theme),
        pace: Pace::new(Instant::now()),
        checkpoint_at: app.desk.seq.0 + CHECKPOINT_EVERY,
        last_key: Instant::now(),
        app,
        screen: &mut screen,
        effects,
        feeding,
        clock,
        data_dir,
        stop: stop.clone(),
        shown: Vec::new(),
        editing: None,
        holds,
        was_cut_off: false,
    };
    let ended = deck.turn(messages, reloads).await;
    // One path for every end: nothing new comes in, what is on its way arrives, the terminal is given back last.
    stop.cancel();
    let Deck { app, effects, feeding, data_dir, was_cut_off, .. } = deck;
    if ended.is_ok() && !was_cut_off {
        session.quit();
        presence::leave(&data_dir, session.id);
    }
    drop(screen);
    let till = feeding.till();
    let sends = effects.end();
    if timeout(LAST_SENDS, async { tokio::join!(feeding.end(), sends) }).await.is_err() {
        tracing::warn!("a request was still in flight at the end; its outcome is read back at the next start");
    }
    // The last replies' price.
    if timeout(LAST_SENDS, till.flush()).await.is_err() {
        tracing::warn!("the price of the last replies could not be written");
    }
    // Also of a past that was read in part: the next start goes on from there.
    store::keep(&*log, &app.desk).await?;
    log.flush().await?;
    tasks.close();
    tasks.wait().await;
    ended
}

struct Deck<'a> {
    app: App,
    cache: ui::Cache,
    screen: &'a mut Screen,
    effects: Effects,
    feeding: Feeding,
    clock: Clock,
    data_dir: PathBuf,
    stop: CancellationToken,
    pace: Pace,
    shown: Vec<usize>,
    checkpoint_at: u64,
    last_key: Instant,
    editing: Option<Editing>,
    holds: Option<Holds>,
    /// The terminal is gone or a signal came: the rep did not quit.
    was_cut_off: bool,
}

impl Deck<'_> {
    async fn turn(
        &mut self,
        mut messages: mpsc::Receiver<Msg>,
        mut reloads: Option<mpsc::Receiver<Change>>,
    ) -> anyhow::Result<()> {
        let mut input = Some(EventStream::new());
        let mut second = interval(Duration::from_secs(1));
        second.set_missed_tick_behavior(MissedTickBehavior::Delay);
        self.pace.request(Reason::Key, Instant::now());
        while !self.app.quitting {
            let stop = self.stop.clone();
            let frame = self.pace.due().filter(|_| self.editing.is_none());
            let ready = self.screen.ready();
            let deadline = self.app.next_deadline().map(|at| self.instant(at));
            let (msg, reason) = tokio::select! {
                biased;
                () = stop.cancelled() => (Msg::Stop, Reason::News),
                key = next_input(input.as_mut()) => match key {
                    Some(Ok(event)) => match from_input(event) {
                        Some(msg) => (msg, Reason::Key),
                        None => continue,
                    },
                    Some(Err(error)) => {
                        tracing::info!(%error, "the terminal is gone");
                        (Msg::Stop, Reason::News)
                    }
                    None => (Msg::Stop, Reason::News),
                },
                () = drawable(frame, ready) => {
                    self.draw()?;
                    continue;
                }
                status = editor_ended(self.editing.as_mut()) => {
                    let text = self.editing.take().map_or_else(|| Err("no editor was open".into()), |editing| editing.text(status));
                    self.screen.take_back()?;
                    input = Some(EventStream::new());
                    let (columns, rows) = self.screen.size();
                    self.update(Msg::Resized { columns, rows });
                    (Msg::EditorClosed(text), Reason::Key)
                }
                _ = second.tick() => (Msg::Tick, Reason::News),
                () = reached(deadline) => (Msg::Tick, Reason::News),
                Some(msg) = messages.recv() => (msg, Reason::News),
                Some(change) = changed(reloads.as_mut()) => match self.taken_on(change) {
                    Some(msg) => (msg, Reason::Key),
                    None => continue,
                },
            };
            let began = Instant::now();
            let is_key = reason == Reason::Key;
            if is_key {
                self.last_key = began;
            }
            let mut wanted = self.handle(msg, &mut input)?;
            // A key is drawn before anything else is taken in.
            while !(is_key && wanted) && began.elapsed() < DRAIN {
                match messages.try_recv() {
                    Ok(more) => wanted |= self.handle(more, &mut input)?,
                    Err(_) => break,
                }
            }
            if wanted {
                self.pace.request(reason, Instant::now());
            }
            if self.screen.is_gone() && !self.stop.is_cancelled() {
                tracing::info!("the terminal takes no more output");
                self.stop.cancel();
            }
        }
        Ok(())
    }

    /// Updates the app and does what it asks for; `true` if something visible changed.
    fn handle(&mut self, msg: Msg, input: &mut Option<EventStream>) -> anyhow::Result<bool> {
        match &msg {
            Msg::Stop => self.was_cut_off = true,
            Msg::Resized { columns, rows } => self.screen.resize(*columns, *rows)?,
            Msg::Reloaded(Ok(setup)) => self.feeding.change(&setup.columns),
            _ => {}
        }
        let caught_up = matches!(msg, Msg::CaughtUp);
        let mut asked = self.update(msg);
        if caught_up {
            let orphans = self.orphans();
            if !orphans.is_empty() {
                asked.extend(self.update(Msg::Adopt(orphans)));
            }
        }
        for ask in asked {
            match ask {
                ForTerminal::Write(bytes) => self.screen.write(bytes),
                ForTerminal::Edit { text } => self.edit(&text, input)?,
                ForTerminal::Suspend => self.suspend(input)?,
                ForTerminal::Repaint => {
                    self.screen.repaint()?;
                    self.app.dirty = true;
                }
                ForTerminal::Quit => self.app.quitting = true,
            }
        }
        let seq = self.app.desk.seq.0;
        let is_calm = self.last_key.elapsed() >= CALM || seq >= self.checkpoint_at + CHECKPOINT_LATEST;
        if seq >= self.checkpoint_at && is_calm && self.app.caught_up {
            self.checkpoint_at = self.app.desk.seq.0 + CHECKPOINT_EVERY;
            let (log, seq, state) = (Arc::clone(&self.effects.log), self.app.desk.seq, self.app.desk.checkpoint());
            self.effects.tasks.spawn(async move {
                if let Err(error) = log.keep_checkpoint(crate::desk::Desk::CHECKPOINT_KIND.into(), seq, state).await {
                    tracing::error!(%error, "no checkpoint could be kept; the next start is slower");
                }
            });
        }
        Ok(self.app.take_dirty())
    }

    fn update(&mut self, msg: Msg) -> Vec<ForTerminal> {
        let now = (self.clock)();
        let has_failed = matches!(msg, Msg::Appended { result: Err(_), .. });
        let effects = app::update(&mut self.app, now, msg);
        if let Some(holds) = &mut self.holds {
            holds.asked(&effects, now);
            holds.look(&self.app, has_failed);
        }
        effects.into_iter().filter_map(|effect| self.effects.run(effect, &self.app)).collect()
    }

    fn draw(&mut self) -> anyhow::Result<()> {
        let Self { app, cache, screen, .. } = self;
        screen.draw(|frame| ui::draw(frame, app, cache))?;
        self.pace.drawn(Instant::now());
        let shown = self.cache.shown();
        if shown != self.shown {
            self.shown.clone_from(&shown);
            self.update(Msg::Shown(shown));
        }
        if self.app.notices.waiting() > 0 {
            self.update(Msg::Told(self.cache.told()));
        }
        let end = self.cache.scroll_end();
        if end != self.app.scroll_end() {
            self.update(Msg::ScrollEnd(end));
        }
        Ok(())
    }

    /// Unfinished replies of this rep whose run of the program is gone.
    fn orphans(&self) -> Vec<ReplyId> {
        let setup = &self.app.setup;
        self.app
            .desk
            .replies
            .values()
            .filter(|reply| matches!(reply.delivery, Delivery::Queued { .. } | Delivery::Sending))
            .filter(|reply| reply.rep == setup.me && reply.session != setup.session)
            .filter(|reply| !session::is_alive(&self.data_dir, reply.session))
            .map(|reply| reply.id)
            .collect()
    }

    fn edit(&mut self, text: &str, input: &mut Option<EventStream>) -> anyhow::Result<()> {
        // The editor reads the keys while it runs; networks, clocks and held replies go on.
        *input = None;
        self.screen.lend()?;
        match Editing::start(text) {
            Ok(editing) => self.editing = Some(editing),
            Err(why) => {
                self.screen.take_back()?;
                *input = Some(EventStream::new());
                self.update(Msg::EditorClosed(Err(why)));
            }
        }
        Ok(())
    }

    fn suspend(&mut self, input: &mut Option<EventStream>) -> anyhow::Result<()> {
        *input = None;
        self.screen.lend()?;
        #[cfg(unix)]
        rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::TSTP)?;
        self.screen.take_back()?;
        *input = Some(EventStream::new());
        let (columns, rows) = self.screen.size();
        self.update(Msg::Resized { columns, rows });
        Ok(())
    }

    /// Hands fetched secrets to their network; what the app is to hear of a change.
    fn taken_on(&self, change: Change) -> Option<Msg> {
        let (account, secrets, from_environment) = match change {
            Change::Settings(settings) => return Some(Msg::Reloaded(settings)),
            Change::Secrets { account, secrets, from_environment } => (account, secrets, from_environment),
        };
        // An account that came with the edit: the reload says that it counts from the next start.
        let network = self.effects.networks.get(&account)?;
        let is_down = self.app.links.get(&account).is_some_and(|link| matches!(link.state, LinkState::Down { .. }));
        let (weight, text) = take_on(&**network, &account, secrets, (from_environment, is_down))?;
        Some(Msg::Notice(Notice::new((self.clock)(), weight, text)))
    }

    /// The runtime's time for a time of day.
    fn instant(&self, at: Timestamp) -> Instant {
        let wait = at.duration_since((self.clock)()).max(SignedDuration::ZERO);
        Instant::now() + wait.unsigned_abs()
    }
}

async fn next_input(input: Option<&mut EventStream>) -> Option<std::io::Result<Input>> {
    match input {
        Some(input) => input.next().await,
        None => pending().await,
    }
}

async fn drawable(due: Option<Instant>, ready: impl Future<Output = ()>) {
    match due {
        Some(due) => {
            // The runtime's timer counts whole milliseconds, upwards: a frame that is due at once would wait for one.
            if due > Instant::now() {
                sleep_until(due).await;
            }
            ready.await;
        }
        None => pending().await,
    }
}

async fn reached(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline).await,
        None => pending().await,
    }
}

async fn editor_ended(editing: Option<&mut Editing>) -> std::io::Result<std::process::ExitStatus> {
    match editing {
        Some(editing) => editing.ended().await,
        None => pending().await,
    }
}

async fn changed(reloads: Option<&mut mpsc::Receiver<Change>>) -> Option<Change> {
    match reloads {
        Some(reloads) => reloads.recv().await,
        None => pending().await,
    }
}

fn from_input(event: Input) -> Option<Msg> {
    match event {
        Input::Key(key) if key.is_release() => None,
        Input::Key(key) => Some(Msg::Key(key)),
        Input::Paste(text) => Some(Msg::Paste(text)),
        Input::Resize(columns, rows) => Some(Msg::Resized { columns, rows }),
        Input::FocusGained | Input::FocusLost | Input::Mouse(_) => None,
    }
}
