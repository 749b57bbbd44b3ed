//! `replydeck sim`: the simulated networks alone.

use std::fs::{self, File};
use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use tokio_util::sync::CancellationToken;

use crate::model::NetworkKind;
use crate::sim::{NameFamily, RealClock, Script, Sim};

/// Only the simulated networks, to point a deck or a test at.
///
/// Prints one JSON line with the addresses and ready configs, one for X and one for all networks, then serves until it
/// is stopped. Each network has an address of its own, with its own people and control plane.
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
    let mut sims = Vec::new();
    for network in NetworkKind::ALL {
        let script = Script { network, speed: args.speed, names, ..Script::new(args.seed, args.rate, clock.clone()) };
        // X has the port that was asked for, the others the free ones the system gives them.
        let address = if network == NetworkKind::X { args.listen } else { SocketAddr::new(args.listen.ip(), 0) };
        let sim = Sim::bind(address, script)
            .with_context(|| format!("the simulator cannot listen on {address}; try --listen 127.0.0.1:0"))?;
        sims.push(sim);
    }
    let own = if args.config_dir.is_none() { Some(OwnFolder::new(&std::env::temp_dir())?) } else { None };
    let dir = args.config_dir.or_else(|| own.as_ref().map(|own| own.path.clone())).unwrap_or_default();
    let unwritten = || format!("the config cannot be written into {}; try --config-dir DIR", dir.display());
    let config = sims[0].ready_config(&dir).with_context(unwritten)?;
    let of_all: Vec<&Sim> = sims.iter().collect();
    let all = Sim::ready_config_of(&dir, "all.toml", &of_all).with_context(unwritten)?;
    let mut line = serde_json::json!({
        "config": config,
        "all_config": all,
        "login_config": Sim::login_config(&config),
    });
    for sim in &sims {
        line[sim.network().prefix()] = sim.url().into();
    }
    writeln!(out, "{line}").context("the start line could not be printed")?;
    out.flush().context("the start line could not be printed")?;
    let serving = sims.into_iter().map(|sim| sim.serve(stop.clone()));
    futures_util::future::try_join_all(serving).await.context("the simulator cannot serve")?;
    Ok(())
}

/// Its name begins so.
const FOLDER: &str = "replydeck-sim-";
/// Locked as long as the simulator lives.
const LOCK: &str = "alive";

/// A fresh folder that nobody else can have prepared; gone with the simulator. One that was killed leaves its folder to
/// the next, which knows it by the lock that nobody holds.
struct OwnFolder {
    path: PathBuf,
    _lock: File,
}

impl OwnFolder {
    fn new(temporary: &Path) -> anyhow::Result<Self> {
        sweep(temporary);
        let mut random = [0_u8; 8];
        getrandom::fill(&mut random).map_err(|why| anyhow::anyhow!("the system gives no random numbers: {why}"))?;
        let path = temporary.join(format!("{FOLDER}{:016x}", u64::from_be_bytes(random)));
        let mut builder = fs::DirBuilder::new();
        #[cfg(unix)]
        {
            use std::os::unix::fs::DirBuilderExt as _;
            builder.mode(0o700);
        }
        let failed = || format!("{} cannot be made; try --config-dir DIR", path.display());
        builder.create(&path).with_context(failed)?;
        // Locked before it has its name: whoever sees the file sees it locked.
        let fresh = path.join("fresh");
        let lock = File::create(&fresh).with_context(failed)?;
        lock.lock().with_context(failed)?;
        fs::rename(&fresh, path.join(LOCK)).with_context(failed)?;
        Ok(Self { path, _lock: lock })
    }
}

impl Drop for OwnFolder {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.path) {
            tracing::debug!(%error, path = %self.path.display(), "the simulator's folder stays");
        }
    }
}

/// Removes the folders of simulators that are gone. Those of other people cannot be removed and stay.
fn sweep(temporary: &Path) {
    let Ok(folders) = fs::read_dir(temporary) else { return };
    for folder in folders.flatten().filter(|folder| folder.file_name().to_string_lossy().starts_with(FOLDER)) {
        let path = folder.path();
        let is_dead = File::open(path.join(LOCK)).is_ok_and(|lock| lock.try_lock().is_ok());
        if is_dead && let Err(error) = fs::remove_dir_all(&path) {
            tracing::debug!(%error, path = %path.display(), "the folder of a simulator that is gone stays");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{LOCK, OwnFolder};

    #[test]
    fn the_folders_of_the_dead_are_swept_and_those_of_the_living_stay() {
        let temporary = tempfile::tempdir().unwrap();
        let alive = OwnFolder::new(temporary.path()).unwrap();
        let [dead, other, unknown] =
            ["replydeck-sim-1", "elsewhere", "replydeck-sim-2"].map(|name| temporary.path().join(name));
        for folder in [&dead, &other, &unknown] {
            std::fs::create_dir(folder).unwrap();
        }
        // Killed: the file is there and nobody holds it. Without the file it may be one that is just being made.
        std::fs::write(dead.join(LOCK), "").unwrap();
        std::fs::write(other.join(LOCK), "").unwrap();
        let next = OwnFolder::new(temporary.path()).unwrap();
        assert!(!dead.exists());
        assert!(other.exists() && unknown.exists() && alive.path.join(LOCK).exists());
        let path = next.path.clone();
        drop(next);
        assert!(!path.exists() && alive.path.exists());
    }
}
