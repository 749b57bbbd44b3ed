//! A program that is started again and again while the link is down has one gap, not one for each run.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use replydeck::app::Msg;
use replydeck::config::Config;
use replydeck::log::Log;
use replydeck::log::memory::MemoryLog;
use replydeck::model::{ColumnName, Event, GapId, LinkState, MachineName, RepName, Seq, SessionId};
use replydeck::net::x::XNetwork;
use replydeck::net::{Clock, Network};
use replydeck::run::feeding::{Feeding, Sources};
use replydeck::run::intake::Signer;
use replydeck::run::networks;
use replydeck::sim::{Script, Sim};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use crate::rig::{PACE, clock};

const PATIENCE: Duration = Duration::from_secs(30);

/// Runs until the link is as wanted, and ends in order.
async fn run(
    config: &Config,
    url: &str,
    folder: &Path,
    log: &Arc<dyn Log>,
    clock: &Clock,
    wanted: fn(&LinkState) -> bool,
) {
    let account = &config.accounts[0];
    let mut settings = networks::x_settings(config, account, account.x().unwrap()).unwrap();
    settings.base_url = url.parse().unwrap();
    let network: Arc<dyn Network> = Arc::new(XNetwork::with_pace(settings, Arc::clone(clock), 7, &PACE).unwrap());
    let (inbox, mut messages) = mpsc::channel(1024);
    let sources = Sources {
        log: Arc::clone(log),
        networks: BTreeMap::from([(account.name.clone(), network)]),
        clock: Arc::clone(clock),
        signer: Signer { rep: RepName::new("ana"), machine: MachineName::new("here") },
        own: replydeck::run::intake::Own::default(),
        data_dir: folder.to_owned(),
        inbox,
    };
    let setup = config.setup(MachineName::new("here"), SessionId(Uuid::from_u128(1)));
    let feeding = Feeding::start(&sources, &setup.columns);
    loop {
        match timeout(PATIENCE, messages.recv()).await.expect("the link says nothing") {
            Some(Msg::Link(report)) if wanted(&report.state) => break,
            Some(_) => {}
            None => panic!("feeding ended"),
        }
    }
    drop(messages);
    feeding.end().await;
}

/// The columns of each gap, and the gaps that were closed.
async fn gaps(log: &Arc<dyn Log>) -> (BTreeMap<GapId, BTreeSet<ColumnName>>, Vec<GapId>) {
    let last = log.last().await.unwrap();
    let mut batches = log.subscribe(Seq(0));
    let (mut opened, mut closed, mut seq) = (BTreeMap::<_, BTreeSet<_>>::new(), Vec::new(), Seq(0));
    while seq < last {
        let batch = timeout(PATIENCE, batches.recv()).await.unwrap().unwrap();
        seq = batch.last().unwrap().seq;
        for envelope in batch {
            match &envelope.event {
                Event::GapOpened { gap, columns, .. } => opened.entry(*gap).or_default().extend(columns.clone()),
                Event::GapClosed { gap, .. } => closed.push(*gap),
                other => panic!("{other:?}"),
            }
        }
    }
    (opened, closed)
}

#[tokio::test]
async fn runs_without_a_link_go_on_with_one_gap() {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        drop(rustls::crypto::ring::default_provider().install_default());
    }
    let clock: Clock = clock();
    let folder = tempfile::tempdir().unwrap();
    let sim = Sim::bind("127.0.0.1:0".parse().unwrap(), Script::new(7, 0.0, Arc::clone(&clock))).unwrap();
    let live = sim.url();
    let config = Config::load(&sim.ready_config(folder.path()).unwrap()).unwrap();
    let stop = CancellationToken::new();
    let tasks = TaskTracker::new();
    let serving = tasks.spawn(sim.serve(stop.clone()));
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let dead = format!("http://{}", nobody.local_addr().unwrap());
    drop(nobody);
    let is_down = |state: &LinkState| matches!(state, LinkState::BackingOff { .. });
    let is_live = |state: &LinkState| *state == LinkState::Live;

    for was_heard in [false, true] {
        let data = tempfile::tempdir().unwrap();
        if was_heard {
            std::fs::write(data.path().join("heard-acme.json"), "\"2026-01-15T09:00:00Z\"").unwrap();
        }
        let log: Arc<dyn Log> = Arc::new(MemoryLog::new());
        for _ in 0..3 {
            run(&config, &dead, data.path(), &log, &clock, is_down).await;
        }
        let (opened, closed) = gaps(&log).await;
        assert_eq!((opened.len(), closed.len()), (1, 0), "heard before: {was_heard}");
        assert_eq!(opened.values().next().unwrap().len(), config.columns.len());
        run(&config, &live, data.path(), &log, &clock, is_live).await;
        let (opened, closed) = gaps(&log).await;
        assert_eq!(closed, opened.keys().copied().collect::<Vec<_>>(), "heard before: {was_heard}");
        assert_eq!(opened.len(), 1);
        // The gap is closed: what is missed from now on is another one.
        run(&config, &dead, data.path(), &log, &clock, is_down).await;
        let (opened, closed) = gaps(&log).await;
        assert_eq!((opened.len(), closed.len()), (2, 1), "heard before: {was_heard}");
    }
    stop.cancel();
    serving.await.unwrap().unwrap();
}
