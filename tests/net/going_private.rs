//! From a public complaint into direct messages and to a deleted post: simulator, adapter, columns, store, keys.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use jiff::{SignedDuration, Timestamp};
use replydeck::app::{App, Mode, Msg};
use replydeck::config::Config;
use replydeck::desk::PostState;
use replydeck::log::Log;
use replydeck::log::memory::MemoryLog;
use replydeck::model::{
    BodyId, CaseStatus, IdSource, LinkState, MachineName, NetworkKind, PostId, RepName, Seq, SessionId,
};
use replydeck::net::x::XNetwork;
use replydeck::net::x::pace::Pace;
use replydeck::net::{Clock, Network};
use replydeck::run::effects::Effects;
use replydeck::run::feeding::{Feeding, Sources};
use replydeck::run::intake::Signer;
use replydeck::run::{networks, store};
use replydeck::sim::{Script, Sim};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use crate::gap_to_screen::{Desk, control};
use crate::rig::{PACE, clock};

async fn ledger(url: &str) -> Value {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    client.get(format!("{url}/_sim/ledger")).send().await.unwrap().json().await.unwrap()
}

fn post_id(posted: &Value) -> PostId {
    PostId::new(NetworkKind::X, posted["id"].as_str().unwrap())
}

#[tokio::test]
async fn a_case_goes_on_in_direct_messages_and_a_deleted_post_is_forgotten() {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        drop(rustls::crypto::ring::default_provider().install_default());
    }
    let ahead = Arc::new(AtomicI64::new(0));
    let (ticking, telling) = (clock(), Arc::clone(&ahead));
    let clock: Clock =
        Arc::new(move || -> Timestamp { ticking() + SignedDuration::from_secs(telling.load(Ordering::SeqCst)) });
    let folder = tempfile::tempdir().unwrap();
    let sim = Sim::bind("127.0.0.1:0".parse().unwrap(), Script::new(7, 0.0, Arc::clone(&clock))).unwrap();
    let url = sim.x_url();
    let config = Config::load(&sim.ready_config(folder.path()).unwrap()).unwrap();
    let stop = CancellationToken::new();
    let tasks = TaskTracker::new();
    let serving = tasks.spawn(sim.serve(stop.clone()));
    let account = &config.accounts[0];
    let settings = networks::x_settings(&config, account).unwrap();
    let pace = Pace { messages_every: Duration::from_millis(200), ..PACE };
    let network: Arc<dyn Network> = Arc::new(XNetwork::with_pace(settings, Arc::clone(&clock), 7, &pace).unwrap());
    let networks = BTreeMap::from([(account.name.clone(), network)]);
    let log: Arc<dyn Log> = Arc::new(MemoryLog::new());
    let (inbox, messages) = mpsc::channel(64);
    let signer = Signer { rep: RepName::new("ana"), machine: MachineName::new("here") };
    let mut setup = config.setup(MachineName::new("here"), SessionId(Uuid::from_u128(1)));
    setup.hold = SignedDuration::ZERO;
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
    desk.until("the past", |app| app.caught_up).await;

    // Somebody whose direct messages are closed: told before a word is drafted.
    let shy = json!({"handle": "mia", "text": "@AcmeHelp my line is dead", "dm_open": false});
    let posted = control(&url, "post", shy).await;
    desk.until("the case", |app| app.desk.cases.len() == 1 && !app.desk.posts.is_empty()).await;
    let column = desk
        .app
        .setup
        .columns
        .iter()
        .position(|column| desk.app.desk.columns.get(&column.name).is_some_and(|column| !column.window.is_empty()));
    desk.app.focus = column.expect("a column shows it");
    desk.press("jD");
    let refused =
        |app: &App| app.notices.iter().any(|told| told.text.contains("@mia takes no direct messages from us"));
    desk.until("the refusal", refused).await;
    assert!(matches!(desk.app.mode, Mode::Columns), "no draft is opened");

    // They write first: the message joins their case, and now they may be written to.
    control(&url, "dm", json!({"handle": "mia", "text": "my number is 4711"})).await;
    desk.until("their message", |app| app.desk.cases.values().any(|case| case.messages.len() == 1)).await;
    ahead.fetch_add(16 * 60, Ordering::SeqCst);
    desk.press("D");
    desk.until("the editor", |app| matches!(app.mode, Mode::Composer(_))).await;
    desk.press("We look into it");
    desk.take(Msg::Key(KeyEvent::new(KeyCode::Char('s'), KeyModifiers::CONTROL)));
    let screen = desk.screen();
    assert!(screen.contains("PRIVATE: only @mia sees it") && screen.contains("cost $0.015"), "{screen}");
    desk.press("y");
    desk.take(Msg::Tick);
    desk.until("the queue", |app| !app.desk.replies.is_empty()).await;
    desk.take(Msg::Tick);
    desk.until("the sent message", |app| app.desk.cases.values().any(|case| case.messages.len() == 2)).await;
    let case = desk.app.desk.cases.values().next().unwrap();
    assert_eq!((case.status, case.first_answer), (CaseStatus::Acknowledged, None));
    let dms: Vec<Value> = ledger(&url).await["writes"].as_array().unwrap().clone();
    assert_eq!((dms.len(), &dms[0]["kind"]), (1, &json!("dm")), "{dms:?}");
    assert!(dms[0]["text"].as_str().unwrap().starts_with("We look into it"));
    // Read back by the next looks it is still one.
    desk.until("a later look", |app| app.desk.counters.events > 0 && app.desk.unfinished_replies().count() == 0).await;
    assert_eq!(desk.app.desk.cases.values().next().unwrap().messages.len(), 2);

    // They delete the post: a look finds out, and no copy is left.
    let post = post_id(&posted);
    assert_eq!(log.search("line dead".into(), 10).await.unwrap().len(), 1);
    control(&url, "post", json!({"delete": post.native()})).await;
    ahead.fetch_add(61, Ordering::SeqCst);
    desk.take(Msg::Tick);
    let is_gone = |app: &App| app.desk.posts.values().any(|view| view.state == PostState::Deleted);
    desk.until("the deletion", is_gone).await;
    while !log.bodies(vec![BodyId::post(&post)]).await.unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
    assert!(log.search("line dead".into(), 10).await.unwrap().is_empty());
    assert!(!desk.screen().contains("my line is dead"), "{}", desk.screen());
    assert!(!format!("{:?}", desk.app).contains("my line is dead"));

    let Desk { effects, messages, .. } = desk;
    drop(messages);
    tokio::join!(feeding.end(), effects.end());
    following.abort();
    stop.cancel();
    serving.await.unwrap().unwrap();
}
