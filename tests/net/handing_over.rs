//! A reply handed over to the network's own page, published there by a person, and heard of on the stream.

use std::collections::BTreeMap;
use std::sync::Arc;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use replydeck::app::{App, Msg};
use replydeck::config::Config;
use replydeck::log::Log;
use replydeck::log::memory::MemoryLog;
use replydeck::model::{CaseStatus, IdSource, LinkState, MachineName, RepName, Seq, SessionId};
use replydeck::net::x::XNetwork;
use replydeck::net::{Clock, Network};
use replydeck::run::effects::Effects;
use replydeck::run::feeding::{Feeding, Sources};
use replydeck::run::intake::Signer;
use replydeck::run::{networks, store};
use replydeck::sim::{Script, Sim};
use serde_json::json;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use crate::gap_to_screen::{Desk, control};
use crate::rig::{PACE, clock};

#[tokio::test]
async fn a_hand_over_ends_on_the_simulators_page_and_is_closed_by_what_comes_back() {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        drop(rustls::crypto::ring::default_provider().install_default());
    }
    let clock: Clock = clock();
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
    let session = setup.session;
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
    let following = tasks.spawn(store::follow(Arc::clone(&log), Seq(0), Seq(0), inbox.clone()));
    let followed = feeding.followed();
    let effects = Effects::new(Arc::clone(&log), networks, followed, Arc::clone(&clock), signer, session, inbox);
    let app = App::new(setup, (120, 40), clock(), IdSource::new(1));
    let mut desk = Desk { app, effects, messages, clock: Arc::clone(&clock), handed: Vec::new() };

    desk.until("the link", |app| app.links.values().any(|link| link.state == LinkState::Live)).await;
    // Nobody called us: X's API would refuse the answer.
    control(&url, "post", json!({"handle": "mia", "text": "acme is down <again> & again #acmedown"})).await;
    desk.until("the case", |app| app.desk.cases.len() == 1 && app.desk.posts.len() == 1).await;
    desk.press("2r");
    desk.press("On it");
    desk.take(Msg::Key(KeyEvent::new(KeyCode::Char('s'), KeyModifiers::CONTROL)));
    desk.press("go");
    assert_eq!(desk.handed.len(), 1, "{}", desk.screen());
    let page = desk.handed[0].clone();
    assert!(page.starts_with(&format!("{url}/intent/tweet?in_reply_to=")), "{page}");
    desk.until("the hand-over", |app| app.desk.cases.values().all(|case| case.handed_over.is_some())).await;

    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let form = client.get(&page).send().await.unwrap().text().await.unwrap();
    assert!(form.contains("acme is down &lt;again&gt; &amp; again") && form.contains("<textarea"), "{form}");
    let post = desk.app.desk.posts.values().next().unwrap().body.clone().unwrap();
    let own_page = desk.app.page_of(&post);
    assert!(own_page.starts_with(&format!("{url}/mia/status/")), "{own_page}");
    assert!(client.get(&own_page).send().await.unwrap().status().is_success());

    // What a browser sends when the button is pressed.
    let fields: url::Url = page.parse().unwrap();
    let body = fields.query().unwrap().to_owned();
    let posting = client.post(format!("{url}/intent/tweet")).body(body);
    let posting = posting.header("content-type", "application/x-www-form-urlencoded");
    let posted = posting.send().await.unwrap();
    assert!(posted.status().is_success(), "{}", posted.text().await.unwrap());
    let is_closed = |app: &App| app.desk.cases.values().all(|case| case.handed_over.is_none());
    desk.until("our own post", is_closed).await;
    let case = desk.app.desk.cases.values().next().unwrap();
    assert_eq!(case.status, CaseStatus::Acknowledged);

    let Desk { effects, messages, .. } = desk;
    drop(messages);
    tokio::join!(feeding.end(), effects.end());
    following.abort();
    stop.cancel();
    serving.await.unwrap().unwrap();
}
