//! A deck without a terminal, listening to a simulator through the real adapter: what tests from end to end begin with.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use jiff::SignedDuration;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use replydeck::app::{self, App, Effect, Msg};
use replydeck::config::Config;
use replydeck::log::Log;
use replydeck::log::memory::MemoryLog;
use replydeck::model::{IdSource, LinkState, MachineName, RepName, Seq, SessionId};
use replydeck::net::x::XNetwork;
use replydeck::net::x::pace::Pace;
use replydeck::net::{Clock, Network};
use replydeck::run::effects::Effects;
use replydeck::run::feeding::{Feeding, Sources};
use replydeck::run::intake::{Own, Signer};
use replydeck::run::{networks, store};
use replydeck::sim::{Script, Sim};
use replydeck::ui;
use serde_json::Value;
use tempfile::TempDir;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

const PATIENCE: Duration = Duration::from_secs(30);

/// A deck without a terminal.
pub(crate) struct Desk {
    pub(crate) app: App,
    pub(crate) log: Arc<dyn Log>,
    /// Address of the simulator.
    pub(crate) url: String,
    effects: Effects,
    messages: mpsc::Receiver<Msg>,
    clock: Clock,
    /// Pages to publish on; no test opens a browser.
    pub(crate) handed: Vec<String>,
    feeding: Feeding,
    following: JoinHandle<()>,
    serving: JoinHandle<std::io::Result<()>>,
    stop: CancellationToken,
    _folder: TempDir,
}

impl Desk {
    /// A quiet simulator, and a deck that hears it live. `hold`: other than the config's.
    pub(crate) async fn on_simulator(clock: &Clock, pace: &Pace, hold: Option<SignedDuration>) -> Self {
        if rustls::crypto::CryptoProvider::get_default().is_none() {
            drop(rustls::crypto::ring::default_provider().install_default());
        }
        let folder = tempfile::tempdir().unwrap();
        let sim = Sim::bind("127.0.0.1:0".parse().unwrap(), Script::new(7, 0.0, Arc::clone(clock))).unwrap();
        let url = sim.url();
        let config = Config::load(&sim.ready_config(folder.path()).unwrap()).unwrap();
        let stop = CancellationToken::new();
        let tasks = TaskTracker::new();
        let serving = tasks.spawn(sim.serve(stop.clone()));
        let account = &config.accounts[0];
        let settings = networks::x_settings(&config, account, account.x().unwrap()).unwrap();
        let network: Arc<dyn Network> = Arc::new(XNetwork::with_pace(settings, Arc::clone(clock), 7, pace).unwrap());
        let networks = BTreeMap::from([(account.name.clone(), network)]);
        let log: Arc<dyn Log> = Arc::new(MemoryLog::new());
        let (inbox, messages) = mpsc::channel(64);
        let signer = Signer { rep: RepName::new("ana"), machine: MachineName::new("here") };
        let mut setup = config.setup(MachineName::new("here"), SessionId(Uuid::from_u128(1)));
        setup.hold = hold.unwrap_or(setup.hold);
        let session = setup.session;
        let sources = Sources {
            log: Arc::clone(&log),
            networks: networks.clone(),
            clock: Arc::clone(clock),
            signer: signer.clone(),
            own: Own::of(setup.accounts.iter().cloned()),
            data_dir: folder.path().to_owned(),
            inbox: inbox.clone(),
        };
        let feeding = Feeding::start(&sources, &setup.columns);
        let following = tasks.spawn(store::follow(Arc::clone(&log), Seq(0), Seq(0), inbox.clone()));
        let followed = feeding.followed();
        let effects = Effects::new(Arc::clone(&log), networks, followed, Arc::clone(clock), signer, session, inbox);
        let app = App::new(setup, (120, 40), clock(), IdSource::new(1));
        let mut desk = Self {
            app,
            log,
            url,
            effects,
            messages,
            clock: Arc::clone(clock),
            handed: Vec::new(),
            feeding,
            following,
            serving,
            stop,
            _folder: folder,
        };
        desk.until("the link", |app| app.links.values().any(|link| link.state == LinkState::Live)).await;
        desk
    }

    /// Ends the deck, then the simulator.
    pub(crate) async fn end(self) {
        drop(self.messages);
        tokio::join!(self.feeding.end(), self.effects.end());
        self.following.abort();
        self.stop.cancel();
        self.serving.await.unwrap().unwrap();
    }

    pub(crate) fn take(&mut self, msg: Msg) {
        let asked = app::update(&mut self.app, (self.clock)(), msg);
        for effect in asked {
            match effect {
                Effect::HandOver { url, .. } => self.handed.push(url),
                effect => drop(self.effects.run(effect, &self.app)),
            }
        }
    }

    pub(crate) fn press(&mut self, keys: &str) {
        for key in keys.chars() {
            let code = if key == '\n' { KeyCode::Enter } else { KeyCode::Char(key) };
            self.take(Msg::Key(KeyEvent::new(code, KeyModifiers::NONE)));
        }
    }

    pub(crate) async fn until(&mut self, what: &str, wanted: impl Fn(&App) -> bool) {
        while !wanted(&self.app) {
            let msg = timeout(PATIENCE, self.messages.recv()).await.unwrap_or_else(|_| panic!("waiting for {what}"));
            self.take(msg.expect("the deck runs"));
        }
    }

    pub(crate) fn screen(&self) -> String {
        let mut terminal = Terminal::new(TestBackend::new(120, 40)).unwrap();
        let mut cache = ui::Cache::new(ui::Theme::plain());
        terminal.draw(|frame| ui::draw(frame, &self.app, &mut cache)).unwrap();
        terminal.backend().to_string()
    }
}

pub(crate) async fn control(url: &str, path: &str, body: Value) -> Value {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let response = client.post(format!("{url}/_sim/{path}")).json(&body).send().await.unwrap();
    let (is_done, told) = (response.status().is_success(), response.json().await.unwrap());
    assert!(is_done, "{path}: {told}");
    told
}

/// Leads the keys down from the newest row onto that of the gap.
#[track_caller]
pub(crate) fn stand_on_gap(desk: &mut Desk) {
    desk.press(".");
    for _ in 0..4 {
        desk.press("j");
        if desk.app.gap_in_hand().is_some() {
            return;
        }
    }
    panic!("j does not lead to the gap:\n{}", desk.screen());
}
