//! `replydeck sim`: the simulated networks alone.

use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::Context as _;
use tokio_util::sync::CancellationToken;

use crate::sim::{NameFamily, RealClock, Script, Sim};

/// Only the simulated networks, to point a deck or a test at.
///
/// Prints one JSON line with the addresses and a ready config, then serves until it is stopped.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "Example:\n  \
    replydeck sim --rate 6 --seed 7\n  \
    replydeck --config FILE        in another terminal, with the FILE the first one printed\n  \
    replydeck --config LOGIN_CONFIG auth acme        to practise logging in\n\n\
    Control it under /_sim/ on the same address, for instance:\n  \
    curl -d '{\"text\": \"acme is down again\", \"handle\": \"teapot_mo\"}' http://127.0.0.1:PORT/_sim/post\n  \
    curl -d '{\"kind\": \"cut\", \"target\": \"stream\"}' http://127.0.0.1:PORT/_sim/fault\n  \
    curl http://127.0.0.1:PORT/_sim/ledger")]
pub struct SimArgs {
    /// Where to listen; loopback only, port 0 lets the system choose
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    pub listen: SocketAddr,
    /// Decides all that is left to chance
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Posts a minute, as the mean over a day; 0: nobody posts unless told to
    #[arg(long, value_name = "POSTS_PER_MIN", default_value_t = 4.0)]
    pub rate: f64,
    /// Simulated seconds per second
    #[arg(long, value_name = "X", default_value_t = 1.0)]
    pub speed: f64,
    /// Answer with X's new names (posts, reposts) instead of the old ones
    #[arg(long)]
    pub new_names: bool,
    /// Where to put the ready config [default: a directory of its own below the system's temporary one]
    #[arg(long, value_name = "DIR")]
    pub config_dir: Option<PathBuf>,
}

/// Says on `out` where it listens, then serves until `stop`.
pub async fn run(args: SimArgs, clock: RealClock, stop: CancellationToken, out: &mut impl Write) -> anyhow::Result<()> {
    let names = if args.new_names { NameFamily::Post } else { NameFamily::Tweet };
    let script = Script { speed: args.speed, names, ..Script::new(args.seed, args.rate, clock) };
    let sim = Sim::bind(args.listen, script)
        .with_context(|| format!("the simulator cannot listen on {}; try --listen 127.0.0.1:0", args.listen))?;
    let dir = match args.config_dir {
        Some(dir) => dir,
        None => own_directory()?,
    };
    let config = sim
        .ready_config(&dir)
        .with_context(|| format!("the config cannot be written into {}; try --config-dir DIR", dir.display()))?;
    let line = serde_json::json!({"x": sim.x_url(), "config": config, "login_config": Sim::login_config(&config)});
    writeln!(out, "{line}").context("the start line could not be printed")?;
    out.flush().context("the start line could not be printed")?;
    sim.serve(stop).await.context("the simulator cannot serve")
}

/// A fresh directory that nobody else can have prepared.
fn own_directory() -> anyhow::Result<PathBuf> {
    let mut random = [0_u8; 8];
    getrandom::fill(&mut random).map_err(|why| anyhow::anyhow!("the system gives no random numbers: {why}"))?;
    let dir = std::env::temp_dir().join(format!("replydeck-sim-{:016x}", u64::from_be_bytes(random)));
    let mut builder = std::fs::DirBuilder::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt as _;
        builder.mode(0o700);
    }
    builder.create(&dir).with_context(|| format!("{} cannot be made; try --config-dir DIR", dir.display()))?;
    Ok(dir)
}
