//! A gap from the broken stream to the screen: simulator, adapter, columns, store, key, search, column.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use jiff::Timestamp;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use replydeck::app::{self, App, Effect, Msg};
use replydeck::config::Config;
use replydeck::log::Log;
use replydeck::log::memory::MemoryLog;
use replydeck::model::{GapFill, IdSource, LinkState, MachineName, RepName, SessionId};
use replydeck::net::x::XNetwork;
use replydeck::net::{Clock, Network};
use replydeck::run::effects::Effects;
use replydeck::run::feeding::{Feeding, Sources};
use replydeck::run::intake::Signer;
use replydeck::run::{networks, store};
use replydeck::sim::{Script, Sim};
use replydeck::ui;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use crate::rig::PACE;

const PATIENCE: Duration = Duration::from_secs(30);

/// A deck without a terminal.
pub(crate) struct Desk {
    pub(crate) app: App,
    pub(crate) effects: Effects,
    pub(crate) messages: mpsc::Receiver<Msg>,
    pub(crate) clock: Clock,
    /// Pages to publish on; no test opens a browser.
    pub(crate) handed: Vec<String>,
}

impl Desk {
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
            self.take(Msg::Key(KeyEvent::new(KeyCode::Char(key), KeyModifiers::NONE)));
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

#[tokio::test]
async fn posts_of_an_outage_come_back_with_gf_and_the_row_says_so() {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        drop(rustls::crypto::ring::default_provider().install_default());
    }
    let began = "2026-03-02T10:00:00Z".parse::<Timestamp>().unwrap().as_second();
    let time = Arc::new(AtomicI64::new(began));
    let telling = Arc::clone(&time);
    let clock: Clock = Arc::new(move || Timestamp::from_second(telling.load(Ordering::SeqCst)).unwrap());
    let a_minute = || time.fetch_add(60, Ordering::SeqCst);

    let folder = tempfile::tempdir().unwrap();
    let sim = Sim::bind("127.0.0.1:0".parse().unwrap(), Script::new(7, 0.0, Arc::clone(&clock))).unwrap();
    let url = sim.x_url();
    let config = Config::load(&sim.ready_config(folder.path()).unwrap()).unwrap();
    let stop = CancellationToken::new();
    let tasks = TaskTracker::new();
    let serving = tasks.spawn(sim.serve(stop.clone()));

    let account = &config.accounts[0];
    let settings = networks::x_settings(&config, account).unwrap();
    let network: Arc<dyn Network> = Arc::new(XNetwork::with_pace(settings, Arc::clone(&clock), 7, &PACE).unwrap());
    let networks = BTreeMap::from([(account.name.clone(), network)]);
    let log: Arc<dyn Log> = Arc::new(MemoryLog::new());
    let (inbox, messages) = mpsc::channel(64);
    let signer = Signer { rep: RepName::new("ana"), machine: MachineName::new("here") };
    let setup = config.setup(MachineName::new("here"), SessionId(Uuid::from_u128(1)));
    let sources = Sources {
        log: Arc::clone(&log),
        networks: networks.clone(),
        clock: Arc::clone(&clock),
        signer: signer.clone(),
        own: setup.accounts.iter().filter_map(|account| account.id.clone()).collect(),
        data_dir: folder.path().to_owned(),
        inbox: inbox.clone(),
    };
    let feeding = Feeding::start(sources, &setup.columns);
    let following =
        tasks.spawn(store::follow(Arc::clone(&log), replydeck::model::Seq(0), replydeck::model::Seq(0), inbox.clone()));
    let session = setup.session;
    let effects =
        Effects::new(Arc::clone(&log), networks, feeding.followed(), Arc::clone(&clock), signer, session, inbox);
    let app = App::new(setup, (120, 40), clock(), IdSource::new(1));
    let mut desk = Desk { app, effects, messages, clock: Arc::clone(&clock), handed: Vec::new() };

    let is_live = |app: &App| app.links.values().any(|link| link.state == LinkState::Live);
    desk.until("the link", is_live).await;
    let before = control(&url, "post", json!({"handle": "mia", "text": "@AcmeHelp before the cut"})).await;
    desk.until("the first post", |app| app.desk.posts.len() == 1).await;

    control(&url, "fault", json!({"kind": "status", "status": 503, "target": "stream", "times": "until_lifted"})).await;
    control(&url, "fault", json!({"kind": "cut", "target": "stream"})).await;
    desk.until("the gap", |app| !app.desk.gaps.is_empty()).await;
    desk.press("gf");
    assert!(desk.screen().contains("no gap to fill"), "an open gap cannot be filled:\n{}", desk.screen());
    a_minute();
    control(&url, "post", json!({"handle": "leo", "text": "@AcmeHelp during the cut"})).await;
    a_minute();
    control(&url, "fault", json!({"lift": "all"})).await;
    desk.until("the link to come back", |app| app.desk.gaps.values().all(|gap| gap.to.is_some())).await;
    assert_eq!(desk.app.desk.posts.len(), 1);
    // What X's search does not see yet would be waited for; here time is made to pass.
    a_minute();
    let column = desk.app.desk.gaps.values().next().unwrap().columns[0].clone();
    desk.app.focus = desk.app.setup.columns.iter().position(|setup| setup.name == column).unwrap();
    assert!(desk.screen().contains("gap 10:00-10:02 not filled yet"), "{}", desk.screen());

    desk.press("gf");
    assert!(desk.app.notices.back().unwrap().text.contains("$0.005"), "the price comes first");
    desk.press("gf");
    desk.until("the fill", |app| app.desk.gaps.values().all(|gap| gap.fill.is_some())).await;
    let fill = desk.app.desk.gaps.values().next().unwrap().fill.clone();
    assert_eq!(fill, Some(GapFill::Filled { posts: 1 }), "the first post was there before");
    assert_eq!(desk.app.desk.posts.len(), 2);
    desk.until("the notice", |app| app.notices.iter().any(|notice| notice.text.contains("filled: 1 new ("))).await;
    let told = desk.app.notices.iter().find(|notice| notice.text.contains("filled: 1 new (")).unwrap();
    assert!(told.text.contains("posts read, $0.0"), "{}", told.text);
    let screen = desk.screen();
    assert!(screen.contains("gap 10:00-10:02 filled: 1 new") && screen.contains("during the cut"), "{screen}");
    assert!(before["id"].is_string());

    let Desk { effects, messages, .. } = desk;
    drop(messages);
    tokio::join!(feeding.end(), effects.end());
    following.abort();
    stop.cancel();
    serving.await.unwrap().unwrap();
}
