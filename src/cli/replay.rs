//! `replydeck replay`: the deck fed from recorded posts. What is sent goes to the simulator, never to a network.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;

use super::deck::{self, Deck};
use super::start::ReplayArgs;
use super::{Cli, start};
use crate::app::ColumnSource;
use crate::config::{Access, AccountConfig, Config, SecretSource, UserSecrets};
use crate::model::NetworkKind;
use crate::net::replay::Speed;
use crate::net::x::{UserCredentials, XNetwork, XSettings};
use crate::net::{Clock, Network};
use crate::run::clock::Recorded;
use crate::run::networks::{Making, Networks};
use crate::run::recording::{Holds, Recording, Tape};
use crate::sim::{BRAND_ID, Brand, Guests, Script, Sim};
use crate::ui::Theme;

/// Plays a recording to the columns of the config, in a store of its own that is gone afterwards.
pub fn run(args: &ReplayArgs, cli: &Cli, theme: Theme) -> anyhow::Result<()> {
    let mut config: Config = cli.load()?.1;
    let Some(feeding) = config.accounts.first().map(|account| account.name.clone()) else {
        anyhow::bail!("the config has no account");
    };
    // One recording feeds every column, whichever account would have fed it.
    for column in &mut config.columns {
        let reply_as = column.main().reply_as.clone();
        column.sources = vec![ColumnSource { network: NetworkKind::X, account: feeding.clone(), reply_as }];
    }
    let folder =
        tempfile::Builder::new().prefix("replydeck-replay-").tempdir().context("no temporary folder can be made")?;
    let random = deck::random()?;
    let recorded = Recorded::default();
    let clock = recorded.clock();
    let speed = match args.speed {
        start::Speed::Times(times) => Speed::Times(times),
        start::Speed::Max => Speed::Max,
    };
    let (holds, held) = Holds::new(recorded.clone());
    let mut sims = Vec::new();
    for account in &mut config.accounts {
        let sim = simulator(account, &clock)?;
        // The pages are the simulator's too: a reply handed over must not end on the real network.
        account.base_url = sim.url().parse().context("the simulator's address")?;
        // Who only listens answers here too: the simulator takes it, and no secret of the config is asked for.
        if let Access::X(x) = &mut account.access {
            x.user = Some(UserSecrets::OAuth2 { access_token: SecretSource::Env("REPLYDECK_SIMULATED".to_owned()) });
        }
        sims.push(sim);
    }
    let guests: Vec<Guests> = sims.iter().map(Sim::guests).collect();
    let own: Vec<_> = config.accounts.iter().map(AccountConfig::account).collect();
    let mut tape = Some(open(&args.file)?);
    let mut networks = Networks::new();
    for (account, sim) in config.accounts.iter().zip(&sims) {
        let credentials = sim.credentials();
        let settings = XSettings {
            account: account.account(),
            base_url: account.base_url.clone(),
            bearer: credentials.bearer.as_str().into(),
            user: Some(UserCredentials::OAuth2 { access_token: credentials.access_token.as_str().into() }),
            deck: config.deck.clone(),
            watch_own: false,
            messages: false,
            activity: false,
        };
        let behind: Arc<dyn Network> = Arc::new(XNetwork::new(settings, Arc::clone(&clock), random)?);
        let tape = if account.name == feeding { tape.take() } else { None };
        let recording = Recording::new(tape, speed, recorded.clone(), behind);
        let recording = recording.with_guests(guests.clone()).with_own(own.clone()).with_holds(held.clone());
        networks.insert(account.name.clone(), Arc::new(recording));
    }
    let data_dir = folder.path().join("data");
    let opened = Deck {
        config: &config,
        watched: None,
        data_dir: &data_dir,
        networks: Making::done(networks),
        clock,
        theme,
        random,
        holds: Some(holds),
    };
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

/// A simulated network on which this account is the brand. One each: a post that names one brand may be answered
/// by that one only.
fn simulator(account: &AccountConfig, clock: &Clock) -> anyhow::Result<Sim> {
    let id = account.user_id.as_deref().and_then(|id| id.parse().ok());
    let brand = Brand { id: id.unwrap_or(BRAND_ID), handle: account.handle.clone(), name: account.handle.clone() };
    let script = Script { brand, ..Script::new(1, 0.0, Arc::clone(clock)) };
    Sim::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), script).context("the simulator cannot listen on 127.0.0.1")
}

/// Opens the recording; `-` is stdin, which then cannot be the keyboard.
fn open(file: &Path) -> anyhow::Result<Tape> {
    if file == Path::new("-") {
        return Ok(Box::new(tokio::io::stdin()));
    }
    let file = std::fs::File::open(file).with_context(|| format!("cannot open {}", file.display()))?;
    Ok(Box::new(tokio::fs::File::from_std(file)))
}
