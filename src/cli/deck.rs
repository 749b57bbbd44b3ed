//! `replydeck`: opens the deck on the accounts of the config.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use crate::config::check::{Outcome, TerminalFacts, terminal};
use crate::config::{AccountConfig, Config, Places};
use crate::log::sqlite::SqliteLog;
use crate::model::SessionId;
use crate::net::Clock;
use crate::run::networks::Making;
use crate::run::recording::Holds;
use crate::run::session::{self, Session};
use crate::run::{clock, deck, logs, networks, reload};
use crate::ui::Theme;

/// Opens the deck as the config says.
pub fn run(places: &Places, theme: Theme) -> anyhow::Result<()> {
    let config = Config::load(&places.config)?;
    let random = random()?;
    let clock = clock::system();
    let networks = Making::begin(&config, &places.data, &clock, random);
    open(
        Deck {
            config: &config,
            watched: Some(&places.config),
            data_dir: &places.data,
            networks,
            clock,
            theme,
            random,
            holds: None,
        },
        |_| {},
    )
}

/// A deck and what feeds it.
pub struct Deck<'a> {
    pub config: &'a Config,
    /// The file to take changed settings from.
    pub watched: Option<&'a Path>,
    pub data_dir: &'a Path,
    pub networks: Making,
    pub clock: Clock,
    pub theme: Theme,
    pub random: u64,
    /// Stops a recording while a reply is held.
    pub holds: Option<Holds>,
}

impl std::fmt::Debug for Deck<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Deck").field("data_dir", &self.data_dir).finish_non_exhaustive()
    }
}

/// Opens a deck on a store in `data_dir` and runs it to its end. `beside` may start what runs with it; it ends
/// when the token it is given is cancelled.
pub fn open(deck: Deck<'_>, beside: impl FnOnce(&Beside)) -> anyhow::Result<()> {
    let Deck { config, watched, data_dir, networks, clock, theme, random, holds } = deck;
    able_terminal(&super::check::terminal_facts())?;
    std::fs::create_dir_all(data_dir).with_context(|| {
        format!("the data folder {} cannot be made. Set REPLYDECK_DATA_DIR to another", data_dir.display())
    })?;
    let _logs =
        logs::start(data_dir).with_context(|| format!("no log file can be written in {}", data_dir.display()))?;
    crate::run::terminal::restore_on_panic();
    // Beside this thread, which draws: a catch-up that keeps one busy must not hold a reply back on the other.
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let ended = runtime.block_on(async {
        let log = Arc::new(SqliteLog::open(data_dir)?);
        let session = Session::start(data_dir, SessionId(Uuid::now_v7()), &config.effective_rep(), clock())
            .with_context(|| format!("no session file can be made in {}", data_dir.display()))?;
        let session = Arc::new(session);
        let machine = session::machine();
        let with = Beside { stop: CancellationToken::new(), tasks: TaskTracker::new() };
        beside(&with);
        let reloads = watched.map(|path| {
            let (reloads, changed) = mpsc::channel(1);
            let (path, machine, id, stop) = (path.to_owned(), machine.clone(), session.id, with.stop.clone());
            let (config, data_dir, clock) = (config.clone(), data_dir.to_owned(), Arc::clone(&clock));
            with.tasks.spawn(async move {
                let setup = move |config: &Config| config.setup(machine.clone(), id);
                let fetch = move |config: &Config, account: &AccountConfig| {
                    networks::fetch(config, account, &data_dir, &clock).map_err(|error| error.to_string())
                };
                let watched = reload::Watched { path, config, setup, fetch };
                if let Err(error) = reload::watch(watched, reloads, stop).await {
                    tracing::warn!(%error, "the config file cannot be watched; a change needs a new start");
                }
            });
            changed
        });
        let opening = deck::Opening {
            setup: config.setup(machine, session.id),
            log: Arc::clone(&log) as Arc<dyn crate::log::Log>,
            networks,
            clock,
            data_dir: data_dir.to_owned(),
            session: Arc::clone(&session),
            theme,
            random,
            stop: with.stop.clone(),
            reloads,
            config: watched.map(Path::to_owned),
            holds,
        };
        // On the heap: it is much, and lives as long as the program.
        let ended = Box::pin(deck::run(opening)).await;
        with.stop.cancel();
        with.tasks.close();
        with.tasks.wait().await;
        log.close().await;
        ended
    });
    if let Err(error) = &ended {
        // A damaged store, a refused secret: who looks into the log file later finds it there as well.
        tracing::error!("the deck ended: {error:#}");
    }
    ended
}

/// Refuses a terminal that would show the deck's control sequences as letters, in the words of `replydeck check`.
fn able_terminal(facts: &TerminalFacts) -> anyhow::Result<()> {
    match terminal(facts).into_iter().find(|line| line.outcome == Outcome::Fails) {
        Some(line) => {
            anyhow::bail!("the deck cannot be shown: {}; {}", line.what, line.remedy.unwrap_or_default())
        }
        None => Ok(()),
    }
}

/// Tasks that run as long as the deck does.
#[derive(Debug)]
pub struct Beside {
    pub stop: CancellationToken,
    pub tasks: TaskTracker,
}

/// Random bits of this run, from the system.
pub fn random() -> anyhow::Result<u64> {
    getrandom::u64().map_err(|error| anyhow::anyhow!("the system gives no random numbers: {error}"))
}
