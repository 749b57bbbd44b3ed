//! A gap from the broken stream to the screen: simulator, adapter, columns, store, key, search, column.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::Timestamp;
use replydeck::model::{ColumnName, GapFill, GapId, MachineName, RepName};
use replydeck::net::Clock;
use replydeck::run::intake::{Signer, gap_closed, gap_opened};
use serde_json::json;
use uuid::Uuid;

use crate::rig::PACE;
use crate::whole_desk::{Desk, control, stand_on_gap};

#[tokio::test]
async fn seven_minutes_without_a_line_are_one_row_and_enter_on_it_brings_the_posts_back() {
    let began = "2026-03-02T10:00:00Z".parse::<Timestamp>().unwrap().as_second();
    let time = Arc::new(AtomicI64::new(began));
    let telling = Arc::clone(&time);
    let clock: Clock = Arc::new(move || Timestamp::from_second(telling.load(Ordering::SeqCst)).unwrap());
    let minutes = |count: i64| time.fetch_add(60 * count, Ordering::SeqCst);

    let mut desk = Desk::on_simulator(&clock, &PACE, None).await;
    let url = desk.url.clone();
    let before = control(&url, "post", json!({"handle": "mia", "text": "@AcmeHelp before the cut"})).await;
    desk.until("the first post", |app| app.desk.posts.len() == 1).await;

    // Both of X's lines: a mention comes on either.
    for target in ["stream", "activity"] {
        control(&url, "fault", json!({"kind": "status", "status": 503, "target": target, "times": "until_lifted"}))
            .await;
        control(&url, "fault", json!({"kind": "cut", "target": target})).await;
    }
    desk.until("the gap", |app| !app.desk.gaps.is_empty()).await;
    let column = desk.app.desk.gaps.values().next().unwrap().columns[0].clone();
    desk.app.focus = desk.app.setup.columns.iter().position(|setup| setup.name == column).unwrap();
    stand_on_gap(&mut desk);
    desk.press("\n");
    assert!(desk.screen().contains("still open"), "an open gap cannot be filled:\n{}", desk.screen());
    minutes(3);
    control(&url, "post", json!({"handle": "leo", "text": "@AcmeHelp during the cut"})).await;
    minutes(4);
    control(&url, "fault", json!({"lift": "all"})).await;
    desk.until("the link to come back", |app| app.desk.gaps.values().all(|gap| gap.to.is_some())).await;
    assert_eq!((desk.app.desk.posts.len(), desk.app.desk.gaps.len()), (1, 1));
    // What X's search does not see yet would be waited for; here time is made to pass.
    minutes(1);
    desk.press(".");
    assert!(desk.screen().contains("gap 10:00-10:07 not filled yet"), "{}", desk.screen());

    stand_on_gap(&mut desk);
    assert!(desk.screen().contains(">~~ gap 10:00-10:07 Enter=fill ~"), "{}", desk.screen());
    desk.press("\n");
    assert!(desk.app.notices.newest().unwrap().text.contains("$0.005"), "the price comes first");
    assert!(desk.app.desk.gaps.values().all(|gap| gap.fill.is_none()));
    desk.press("\n");
    desk.until("the fill", |app| app.desk.gaps.values().all(|gap| gap.fill.is_some())).await;
    let fill = desk.app.desk.gaps.values().next().unwrap().fill.clone();
    assert_eq!(fill, Some(GapFill::Filled { posts: 1 }), "the first post was there before");
    assert_eq!(desk.app.desk.posts.len(), 2);
    desk.until("the notice", |app| app.notices.iter().any(|notice| notice.text.contains("filled: 1 new ("))).await;
    let told = desk.app.notices.iter().find(|notice| notice.text.contains("filled: 1 new (")).unwrap();
    assert!(told.text.contains("posts read, about $0.0"), "{}", told.text);
    let screen = desk.screen();
    assert!(screen.contains("gap 10:00-10:07 filled: 1 new") && screen.contains("during the cut"), "{screen}");
    assert!(before["id"].is_string());

    // Of a column that no run has any more nobody knows what to ask for: the gap is not called filled.
    let at = |time: &str| format!("2026-03-02T{time}Z").parse::<Timestamp>().unwrap();
    let signer = Signer { rep: RepName::new("bo"), machine: MachineName::new("here") };
    let (gap, columns) = (GapId(Uuid::from_u128(9)), vec![column, ColumnName::new("gone")]);
    let whose = (desk.app.setup.accounts[0].name.clone(), columns);
    let opened = gap_opened(gap, whose, at("10:07:20"), &signer, at("10:07:40"));
    let closed = gap_closed(gap, at("10:07:40"), &signer, at("10:07:40"));
    desk.log.append(vec![opened, closed], None).await.unwrap();
    desk.until("the other gap", |app| app.desk.gaps.len() == 2).await;
    desk.press(".");
    stand_on_gap(&mut desk);
    desk.press("\n\n");
    desk.until("its fill", |app| app.desk.gaps[&gap].fill.is_some()).await;
    let fill = desk.app.desk.gaps[&gap].fill.clone();
    let Some(GapFill::NotFilled { why }) = &fill else { panic!("{fill:?}") };
    assert!(why.contains("has the column gone"), "{why}");

    desk.end().await;
}
