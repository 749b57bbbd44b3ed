//! From a public complaint into direct messages and to a deleted post: simulator, adapter, columns, store, keys.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use jiff::{SignedDuration, Timestamp};
use replydeck::app::{App, Mode, Msg};
use replydeck::desk::PostState;
use replydeck::log::Log;
use replydeck::log::memory::MemoryLog;
use replydeck::model::{
    AccountName, Body, BodyId, CaseId, CaseStatus, ColumnName, Event, EventId, MachineName, NetworkKind, NewEvent,
    PostId, Purpose, RepName, ReplyId, Seq, SessionId,
};
use replydeck::net::x::pace::Pace;
use replydeck::net::{Clock, Inbound};
use replydeck::run::column::Taken;
use replydeck::run::intake::{self, Signer};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use uuid::Uuid;

use crate::rig::{PACE, clock};
use crate::whole_desk::{Desk, control};

async fn ledger(url: &str) -> Value {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    client.get(format!("{url}/_sim/ledger")).send().await.unwrap().json().await.unwrap()
}

fn post_id(posted: &Value) -> PostId {
    PostId::new(NetworkKind::X, posted["id"].as_str().unwrap())
}

#[tokio::test]
async fn a_case_goes_on_in_direct_messages_and_a_deleted_post_is_forgotten() {
    let ahead = Arc::new(AtomicI64::new(0));
    let (ticking, telling) = (clock(), Arc::clone(&ahead));
    let clock: Clock =
        Arc::new(move || -> Timestamp { ticking() + SignedDuration::from_secs(telling.load(Ordering::SeqCst)) });
    let pace = Pace { messages_every: Duration::from_millis(200), ..PACE };
    let mut desk = Desk::on_simulator(&clock, &pace, Some(SignedDuration::ZERO)).await;
    let (url, log) = (desk.url.clone(), Arc::clone(&desk.log));
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

    desk.end().await;
}

#[tokio::test]
async fn posts_of_protected_and_suspended_authors_are_forgotten_and_their_cases_stay() {
    let ahead = Arc::new(AtomicI64::new(0));
    let (ticking, telling) = (clock(), Arc::clone(&ahead));
    let clock: Clock =
        Arc::new(move || -> Timestamp { ticking() + SignedDuration::from_secs(telling.load(Ordering::SeqCst)) });
    let mut desk = Desk::on_simulator(&clock, &PACE, None).await;
    let (url, log) = (desk.url.clone(), Arc::clone(&desk.log));
    desk.until("the past", |app| app.caught_up).await;
    let mut posts = Vec::new();
    for (handle, words) in [("shy", "router blinks purple"), ("gone", "router blinks orange"), ("mia", "router blinks")]
    {
        let wish = json!({"handle": handle, "text": format!("@AcmeHelp {words}")});
        posts.push(post_id(&control(&url, "post", wish).await));
    }
    desk.until("three cases", |app| app.desk.cases.len() == 3).await;
    assert_eq!(log.search("router blinks".into(), 10).await.unwrap().len(), 3);

    control(&url, "person", json!({"handle": "shy", "is": "protected"})).await;
    control(&url, "person", json!({"handle": "gone", "is": "suspended"})).await;
    ahead.fetch_add(61, Ordering::SeqCst);
    desk.take(Msg::Tick);
    let erased = |app: &App| app.desk.posts.values().filter(|view| view.state == PostState::Erased).count();
    desk.until("both forgotten", |app| erased(app) == 2).await;
    while log.bodies(posts.iter().map(BodyId::post).collect()).await.unwrap().len() > 1 {
        tokio::task::yield_now().await;
    }
    let left = log.search("router blinks".into(), 10).await.unwrap();
    assert_eq!(left.iter().map(|hit| hit.id.clone()).collect::<Vec<_>>(), [BodyId::post(&posts[2])]);
    assert_eq!(desk.app.desk.cases.len(), 3, "what was said goes, the work does not");
    let all = format!("{:?}", desk.app);
    assert!(!all.contains("purple") && !all.contains("orange"), "no copy is left");
    assert!(desk.screen().contains("text removed"), "{}", desk.screen());

    // Public again: nothing of it comes back by itself, and nothing is told twice.
    control(&url, "person", json!({"handle": "shy", "is": "public"})).await;
    ahead.fetch_add(61, Ordering::SeqCst);
    desk.take(Msg::Tick);
    desk.until("a later look", |app| erased(app) == 2).await;
    desk.end().await;
}

/// What we said and what the network took back again: the outbox keeps a copy under the reply's own name.
#[tokio::test]
async fn the_words_of_a_reply_go_with_its_post() {
    let log: Arc<dyn Log> = Arc::new(MemoryLog::new());
    let signer = Signer { rep: RepName::new("intake"), machine: MachineName::new("here") };
    let (reply, other, case) = (ReplyId(Uuid::from_u128(1)), ReplyId(Uuid::from_u128(2)), CaseId(Uuid::from_u128(3)));
    let posts = ["901", "902"].map(|id| PostId::new(NetworkKind::X, id));
    let event = |name: &str, event: Event, body: Option<Body>| NewEvent {
        id: EventId::of("test", &[name]),
        at: clock()(),
        rep: RepName::new("ana"),
        machine: MachineName::new("here"),
        event,
        body,
    };
    for (reply, post) in [reply, other].into_iter().zip(&posts) {
        let queued = Event::ReplyQueued {
            reply,
            case,
            to: PostId::new(NetworkKind::X, "5"),
            purpose: Purpose::Acknowledgement,
            account: AccountName::new("acme"),
            until: clock()(),
            session: SessionId(Uuid::nil()),
        };
        let sent = Event::ReplySent { reply, case, post: post.clone() };
        let text = Some(Body::Reply("we are on it ^AN".to_owned()));
        let batch = vec![event(&format!("queued {reply}"), queued, text), event(&format!("sent {reply}"), sent, None)];
        log.append(batch, None).await.unwrap();
    }
    let (taken, takes) = mpsc::channel(4);
    let (inbox, mut told) = mpsc::channel(4);
    let what = Inbound::Deleted { post: posts[0].clone() };
    for _ in 0..2 {
        // Heard twice, as two columns do.
        let from = Taken { column: ColumnName::new("a"), account: AccountName::new("acme"), what: what.clone() };
        taken.send(from).await.unwrap();
    }
    drop(taken);
    intake::run(takes, Arc::clone(&log), clock(), signer, intake::Own::default(), inbox).await;
    assert!(told.recv().await.is_none(), "nothing went wrong");
    let left = log.bodies(vec![BodyId::reply(reply), BodyId::reply(other)]).await.unwrap();
    assert_eq!(left.iter().map(|(id, _)| id.clone()).collect::<Vec<_>>(), [BodyId::reply(other)]);
    let events = log.events(Seq(0), 99).await.unwrap();
    let erased: Vec<_> = events.iter().filter(|it| matches!(it.event, Event::BodyErased { .. })).collect();
    assert_eq!(erased.len(), 1, "and every desk hears of it once: {erased:?}");
    let mut desk = replydeck::desk::Desk::default();
    for envelope in &events {
        replydeck::desk::fold(&mut desk, envelope);
    }
    assert!(desk.replies.get(&reply).is_none_or(|reply| reply.text.is_none()));
}
