//! `replydeck ingest`: the streams and the log without a screen.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::sync::Arc;

use anyhow::Context as _;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::Cli;
use super::deck::random;
use crate::app::Msg;
use crate::config::{AccountConfig, Config, Places};
use crate::log::Log;
use crate::log::sqlite::SqliteLog;
use crate::model::{AccountName, LinkState, LoginState, SessionId};
use crate::net::Clock;
use crate::run::feeding::{Feeding, Sources};
use crate::run::intake::Own;
use crate::run::intake::Signer;
use crate::run::networks::Networks;
use crate::run::reload::{self, Change};
use crate::run::{clock, logs, networks, session, signals};

/// Listens until it is stopped; says on stderr what a deck would show at its foot.
pub fn run(cli: &Cli) -> anyhow::Result<()> {
    let (places, config) = cli.load()?;
    std::fs::create_dir_all(&places.data).with_context(|| {
        format!("the data folder {} cannot be made. Set REPLYDECK_DATA_DIR to another", places.data.display())
    })?;
    let _logs = logs::start(&places.data)?;
    let clock = clock::system();
    let networks = networks::build(&config, &places.data, &clock, random()?)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        let stop = CancellationToken::new();
        let tasks = TaskTracker::new();
        signals::watch(&stop, &tasks)?;
        let log: Arc<SqliteLog> = Arc::new(SqliteLog::open(&places.data)?);
        let (inbox, mut messages) = mpsc::channel(64);
        let own = Own::of(config.accounts.iter().map(AccountConfig::account));
        let (known, watched_by) = (networks.clone(), Arc::clone(&clock));
        let sources = Sources {
            log: Arc::clone(&log) as Arc<dyn Log>,
            networks,
            clock,
            signer: Signer { rep: config.effective_rep(), machine: session::machine() },
            own,
            data_dir: places.data.clone(),
            inbox,
        };
        let feeding = Feeding::start(&sources, &config.columns);
        let mut changes = watch(&places, &config, &watched_by, &stop, &tasks);
        let mut said = String::new();
        let mut down: BTreeSet<AccountName> = BTreeSet::new();
        loop {
            let msg = tokio::select! {
                () = stop.cancelled() => break,
                msg = messages.recv() => msg,
                Some(change) = changes.recv() => {
                    let Some(line) = taken_on(change, &known, &down, &feeding) else { continue };
                    writeln!(std::io::stderr(), "{line}")?;
                    continue;
                }
            };
            if let Some(Msg::Link(report)) = &msg {
                let is_down = matches!(report.state, LinkState::Down { .. });
                if is_down {
                    down.insert(report.account.clone())
                } else {
                    down.remove(&report.account)
                };
            }
            let line = match msg {
                Some(Msg::Notice(notice)) => notice.text,
                Some(Msg::Link(report)) => {
                    let note = report.note.map(|note| format!(": {note}")).unwrap_or_default();
                    format!("{} {}{note}", report.account, report.state.word())
                }
                Some(Msg::Login(report)) => match report.state {
                    LoginState::In { .. } => format!("{} is logged in", report.account),
                    LoginState::Doubtful { until, remedy } => {
                        format!("{}: the login may end at {until:.0}: {remedy}", report.account)
                    }
                    LoginState::Out { why, remedy } => format!("{} is logged out ({why}): {remedy}", report.account),
                },
                Some(_) => continue,
                None => break,
            };
            if line != said {
                writeln!(std::io::stderr(), "{line}")?;
                said = line;
            }
        }
        drop(messages);
        feeding.end().await;
        log.flush().await?;
        log.close().await;
        tasks.close();
        tasks.wait().await;
        Ok(())
    })
}

/// Watches the config and the secrets as a deck does: a mended secret is fetched anew.
fn watch(
    places: &Places,
    config: &Config,
    clock: &Clock,
    stop: &CancellationToken,
    tasks: &TaskTracker,
) -> mpsc::Receiver<Change> {
    let (told, changes) = mpsc::channel(1);
    let (path, config, stop) = (places.config.clone(), config.clone(), stop.clone());
    let (data_dir, clock) = (places.data.clone(), Arc::clone(clock));
    tasks.spawn(async move {
        // No deck is here whose run it could be.
        let setup = |config: &Config| config.setup(session::machine(), SessionId(uuid::Uuid::nil()));
        let fetch = move |config: &Config, account: &AccountConfig| {
            networks::fetch(config, account, &data_dir, &clock).map_err(|error| error.to_string())
        };
        let watched = reload::Watched { path, config, setup, fetch };
        if let Err(error) = reload::watch(watched, told, stop).await {
            tracing::warn!(%error, "the config file cannot be watched; a change needs a new start");
        }
    });
    changes
}

/// Takes a change on; what is said of it.
fn taken_on(change: Change, networks: &Networks, down: &BTreeSet<AccountName>, feeding: &Feeding) -> Option<String> {
    match change {
        Change::Settings(Ok(setup)) => {
            feeding.change(&setup.columns);
            Some("the config was read again; what changed in its accounts counts from the next start".to_owned())
        }
        Change::Settings(Err(why)) => {
            Some(format!("the config was changed and cannot be used, the old settings stay: {why}"))
        }
        Change::Secrets { account, secrets, from_environment } => {
            let network = networks.get(&account)?;
            let is_down = down.contains(&account);
            reload::take_on(&**network, &account, secrets, (from_environment, is_down)).map(|(_, line)| line)
        }
    }
}
