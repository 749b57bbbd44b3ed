//! A gap from the broken stream to the screen: simulator, adapter, columns, store, key, search, column.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::Timestamp;
use replydeck::model::GapFill;
use replydeck::net::Clock;
use serde_json::json;

use crate::rig::PACE;
use crate::whole_desk::{Desk, control};

#[tokio::test]
async fn posts_of_an_outage_come_back_with_gf_and_the_row_says_so() {
    let began = "2026-03-02T10:00:00Z".parse::<Timestamp>().unwrap().as_second();
    let time = Arc::new(AtomicI64::new(began));
    let telling = Arc::clone(&time);
    let clock: Clock = Arc::new(move || Timestamp::from_second(telling.load(Ordering::SeqCst)).unwrap());
    let a_minute = || time.fetch_add(60, Ordering::SeqCst);

    let mut desk = Desk::on_simulator(&clock, &PACE, None).await;
    let url = desk.url.clone();
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

    desk.end().await;
}
