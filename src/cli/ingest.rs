//! `replydeck ingest`: the streams and the log without a screen.

use std::io::Write as _;
use std::sync::Arc;

use anyhow::Context as _;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::Cli;
use super::deck::random;
use crate::app::Msg;
use crate::log::Log;
use crate::log::sqlite::SqliteLog;
use crate::model::LoginState;
use crate::run::feeding::{Feeding, Sources};
use crate::run::intake::Own;
use crate::run::intake::Signer;
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
        let own: Own = config.accounts.iter().filter_map(|account| account.account().id).collect();
        let sources = Sources {
            log: Arc::clone(&log) as Arc<dyn Log>,
            networks,
            clock,
            signer: Signer { rep: config.effective_rep(), machine: session::machine() },
            own,
            data_dir: places.data.clone(),
            inbox,
        };
        let feeding = Feeding::start(sources, &config.columns);
        let mut said = String::new();
        loop {
            let msg = tokio::select! {
                () = stop.cancelled() => break,
                msg = messages.recv() => msg,
            };
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
