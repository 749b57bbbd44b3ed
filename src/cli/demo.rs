//! `replydeck demo`: the deck on the embedded simulator, with a store of its own that is gone afterwards.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use anyhow::Context as _;

use super::deck::{self, Deck};
use super::start::DemoArgs;
use crate::config::Config;
use crate::run::clock;
use crate::run::networks::Making;
use crate::sim::{Script, Sim};
use crate::ui::Theme;

/// Opens the deck on a simulator in this process; everything goes over HTTP as with the real network.
pub fn run(args: &DemoArgs, theme: Theme) -> anyhow::Result<()> {
    let folder =
        tempfile::Builder::new().prefix("replydeck-demo-").tempdir().context("no temporary folder can be made")?;
    let random = deck::random()?;
    let clock = clock::system();
    let networks = args.network.kinds();
    let mut sims = Vec::new();
    for network in &networks {
        // The rate is that of all networks together.
        let rate = args.rate / f64::from(u8::try_from(networks.len()).unwrap_or(u8::MAX));
        let script = Script { network: *network, ..Script::new(args.seed.unwrap_or(random), rate, Arc::clone(&clock)) };
        let sim = Sim::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), script);
        sims.push(sim.context("the simulator cannot listen on 127.0.0.1")?);
    }
    let ready = Sim::ready_config_of(folder.path(), "replydeck.toml", &sims.iter().collect::<Vec<_>>())?;
    let config = Config::load(&ready)?;
    let data_dir = folder.path().join("data");
    let networks = Making::begin(&config, &data_dir, &clock, random);
    let opened =
        Deck { config: &config, watched: None, data_dir: &data_dir, networks, clock, theme, random, holds: None };
    deck::open(opened, |beside| {
        for sim in sims {
            let serving = sim.serve(beside.stop.clone());
            beside.tasks.spawn(async move {
                if let Err(error) = serving.await {
                    tracing::error!(%error, "the simulator cannot serve");
                }
            });
        }
    })
}
