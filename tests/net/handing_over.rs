//! A reply handed over to the network's own page, published there by a person, and heard of on the stream.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use replydeck::app::{App, Msg};
use replydeck::model::CaseStatus;
use serde_json::json;

use crate::rig::{PACE, clock};
use crate::whole_desk::{Desk, control};

#[tokio::test]
async fn a_hand_over_ends_on_the_simulators_page_and_is_closed_by_what_comes_back() {
    let mut desk = Desk::on_simulator(&clock(), &PACE, None).await;
    let url = desk.url.clone();
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

    desk.end().await;
}
