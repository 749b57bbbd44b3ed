//! The simulator: a network to rehearse on, and the server every test of the whole program talks to.
//!
//! It speaks the networks' own protocols over HTTP on loopback, so the adapters that talk to it are the ones
//! that talk to the networks; only the address in the config differs. Each network that is played has an address of
//! its own, with its own people, ledger and control plane.
//!
//! * [`x`](self): X's API with the limits and refusals of a pay-per-use app (`x/`, one file per corner).
//! * `bluesky/`, `mastodon/`: a PDS with its Jetstream, and an instance, over HTTP and WebSocket (`socket`).
//! * `scenario`, `people`, `texts`: who posts what and when, and how people take our replies; all from a seed.
//! * `control`: the control plane under `/_sim/`: ledger, posts on demand, faults, clock.
//! * `guests`: posts from outside, such as a recording's, which can then be answered here.
//! * `clock`: simulated time, made of the clock that is handed in.
//!
//! **Deterministic**: the same seed and the same times give the same people, posts and ids. With a rate of 0
//! nobody posts unless told to by `/_sim/post`.
//!
//! **No tasks**: [`Sim::serve`] is one future that serves all connections and keeps the pace; it ends with its token.
//!
//! Everything ever posted is kept until the simulator ends: what the ledger says must stay true.

mod bluesky;
mod call;
mod chance;
mod clock;
mod control;
mod faults;
mod guests;
mod ledger;
mod mastodon;
mod people;
mod ready;
mod scenario;
mod server;
mod socket;
mod state;
mod texts;
mod world;
mod x;

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

pub use bluesky::BlueskySecrets;
pub use clock::RealClock;
pub use guests::Guests;
pub use world::{BRAND_HANDLE, BRAND_ID, Brand};
pub use x::NameFamily;
pub use x::auth::Credentials;

use self::clock::SimClock;
use self::scenario::Scenario;
use self::server::Shared;
use self::state::State;
use self::world::World;
use self::x::XApp;
use crate::model::NetworkKind;

/// What the simulator plays.
#[derive(Clone)]
pub struct Script {
    /// Which network is played.
    pub network: NetworkKind,
    /// Decides everything that is left to chance.
    pub seed: u64,
    /// Posts a minute, as the mean over a day; 0: nobody posts by themselves.
    pub per_minute: f64,
    /// Simulated seconds per real second; more than 0.
    pub speed: f64,
    /// The real time.
    pub clock: RealClock,
    /// The spelling X answers in.
    pub names: NameFamily,
    /// Posts that may be read in a month.
    pub post_cap: u64,
    /// Whose app it is. The scenario's people know the invented brand only.
    pub brand: Brand,
}

impl Script {
    /// X's ordinary plan in real time.
    pub fn new(seed: u64, per_minute: f64, clock: RealClock) -> Self {
        Self {
            network: NetworkKind::X,
            seed,
            per_minute,
            speed: 1.0,
            clock,
            names: NameFamily::Tweet,
            post_cap: 3_000_000,
            brand: Brand::default(),
        }
    }
}

impl fmt::Debug for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Script")
            .field("network", &self.network)
            .field("seed", &self.seed)
            .field("per_minute", &self.per_minute)
            .field("speed", &self.speed)
            .field("names", &self.names)
            .field("post_cap", &self.post_cap)
            .field("brand", &self.brand)
            .finish_non_exhaustive()
    }
}

/// A simulator that has its address and waits to be served.
#[derive(Debug)]
pub struct Sim {
    listener: std::net::TcpListener,
    address: SocketAddr,
    network: NetworkKind,
    seed: u64,
    credentials: Credentials,
    shared: Arc<Shared>,
}

impl Sim {
    /// Takes an address on loopback; port 0 lets the system choose.
    pub fn bind(address: SocketAddr, script: Script) -> io::Result<Self> {
        let refuse = |why: String| Err(io::Error::new(io::ErrorKind::InvalidInput, why));
        if !address.ip().is_loopback() {
            return refuse(format!(
                "{address} is not on loopback: the simulator has no real secrets and listens on 127.0.0.1 or [::1] only"
            ));
        }
        if !(script.speed > 0.0 && script.speed.is_finite()) {
            return refuse(format!("the speed must be more than 0, not {}", script.speed));
        }
        if !(0.0..=60_000.0).contains(&script.per_minute) {
            return refuse(format!("posts a minute lie between 0 and 60000, not {}", script.per_minute));
        }
        let listener = std::net::TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let clock = SimClock::new(script.clock, script.speed);
        let start = clock.now();
        let credentials = Credentials::of(script.seed);
        let (network, seed) = (script.network, script.seed);
        // Each network has its own people, and all have the same outages.
        let people = match network {
            NetworkKind::X => seed,
            NetworkKind::Bluesky => seed.wrapping_add(1 << 32),
            NetworkKind::Mastodon => seed.wrapping_add(2 << 32),
        };
        let state = State {
            network: script.network,
            clock,
            world: World::new(start, script.brand),
            scenario: Scenario::among((people, script.seed), script.per_minute, start),
            x: XApp::new(script.names, script.seed, script.post_cap),
            bluesky: bluesky::Pds::new(script.seed),
            mastodon: mastodon::Instance::default(),
            ledger: ledger::Ledger::default(),
            faults: faults::Faults::default(),
        };
        Ok(Self { listener, address, network, seed, credentials, shared: Arc::new(Shared::new(state)) })
    }

    /// The base URL of the network here; the control plane is below the same one.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The secrets that open this simulator and nothing else.
    pub fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    /// Writes a config that fits this simulator, with its secrets in files beside it (mode 0600), into `dir`, which
    /// is made where it is missing. Hands back the config's path.
    pub fn ready_config(&self, dir: &Path) -> io::Result<PathBuf> {
        ready::write(dir, ready::CONFIG, &[self])
    }

    /// The same for several simulators, each of another network, under a name of its own.
    pub fn ready_config_of(dir: &Path, name: &str, sims: &[&Sim]) -> io::Result<PathBuf> {
        ready::write(dir, name, sims)
    }

    pub fn network(&self) -> NetworkKind {
        self.network
    }

    /// What opens the simulated Bluesky.
    pub fn bluesky_secrets(&self) -> BlueskySecrets {
        BlueskySecrets::of(self.seed)
    }

    /// The config beside the ready one whose account `replydeck auth` has to log in.
    pub fn login_config(ready: &Path) -> PathBuf {
        ready.with_file_name(ready::LOGIN_CONFIG)
    }

    /// Tells this simulator of posts from outside, while it serves and before.
    pub fn guests(&self) -> Guests {
        Guests::new(Arc::clone(&self.shared))
    }

    /// Serves until `stop`; open connections end with it. An error is the runtime's, which takes no more sockets.
    pub async fn serve(self, stop: CancellationToken) -> io::Result<()> {
        server::serve(TcpListener::from_std(self.listener)?, self.shared, stop).await;
        Ok(())
    }
}
