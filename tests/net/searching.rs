//! The search a rep pays for: one page of X's recent search, nothing handed to any column.

use std::sync::Mutex;

use replydeck::net::Network;
use replydeck::net::x::XNetwork;
use replydeck::rules::Rule;
use serde_json::json;

use crate::rig::{PACE, clock, settings};
use crate::server::{Answer, Server};

async fn account(answers: Vec<Answer>) -> (Server, XNetwork) {
    let answers = Mutex::new(std::collections::VecDeque::from(answers));
    let server = Server::start(move |_| answers.lock().unwrap().pop_front().expect("one question too many")).await;
    let network = XNetwork::with_pace(settings(&server.url), clock(), 7, &PACE).unwrap();
    (server, network)
}

fn page() -> Answer {
    let post = |id: &str, minute: u8| {
        json!({"id": id, "text": "slow \u{202e}again", "author_id": "9", "conversation_id": id,
            "created_at": format!("2026-01-15T09:{minute:02}:00.000Z"), "edit_history_tweet_ids": [id]})
    };
    let users = json!({"users": [{"id": "9", "username": "cat", "name": "Cat"}]});
    let meta = json!({"result_count": 2, "next_token": "more"});
    Answer::json(200, &json!({"data": [post("101", 1), post("102", 2)], "includes": users, "meta": meta}))
}

#[tokio::test]
async fn one_page_of_seven_days_is_asked_for_and_what_it_costs_is_counted() {
    let (server, network) = account(vec![page()]).await;
    let found = network.search(&Rule::parse("slow -is:retweet").unwrap(), 50).await;
    assert_eq!(found.posts.iter().map(|post| post.id.native()).collect::<Vec<_>>(), ["102", "101"]);
    assert_eq!((found.read, found.has_more, found.refused), (2, true, None));
    assert!(!found.posts[0].text.contains('\u{202e}'), "cleaned like every other post");
    let seen = server.seen();
    assert_eq!(seen.len(), 1, "the next page is not read");
    let target = &seen[0].target;
    assert!(target.starts_with("/2/tweets/search/recent?"), "{target}");
    assert!(target.contains("max_results=50") && target.contains("start_time=2026-01-08T11%3A00%3A"), "{target}");
    assert!(target.contains("is%3Aretweet") && !target.contains("end_time"), "{target}");
}

#[tokio::test]
async fn what_x_cannot_be_asked_is_refused_here_and_a_limit_is_kept_to() {
    let reset: jiff::Timestamp = "2026-01-15T10:12:00Z".parse().unwrap();
    let limited = Answer::Whole {
        status: 429,
        headers: vec![("x-rate-limit-remaining", "0".into()), ("x-rate-limit-reset", reset.as_second().to_string())],
        body: json!({"title": "Too Many Requests", "status": 429, "detail": "Too Many Requests"}).to_string(),
    };
    let (server, network) = account(vec![limited]).await;
    let long = (0..90).map(|n| format!("word{n:03}")).collect::<Vec<_>>().join(" OR ");
    let refused = network.search(&Rule::parse(&long).unwrap(), 50).await.refused.expect("too long");
    assert!(refused.why.contains("512 characters") && refused.until.is_none(), "{}", refused.why);
    assert!(server.seen().is_empty());
    let slow = Rule::parse("slow").unwrap();
    let refused = network.search(&slow, 50).await.refused.expect("limited");
    assert!(refused.why.contains("Too Many Requests") && refused.until.is_some(), "{}", refused.why);
    let again = network.search(&slow, 50).await.refused.expect("limited still");
    assert!(again.why.contains("used up") && again.until == refused.until);
    assert_eq!(server.seen().len(), 1, "the second was not asked");
}
