//! Gaps filled by recent search: what is asked, what the columns get, and what is said where it cannot be done.

use std::collections::BTreeSet;
use std::sync::Mutex;

use jiff::{SignedDuration, Timestamp};
use replydeck::model::{NetworkKind, PostId};
use replydeck::net::x::{XNetwork, XSettings};
use replydeck::net::{Backfill, Feed, Inbound, Missing, Network};
use serde_json::{Value, json};

use crate::rig::{Column, PACE, clock, feeds, next, next_post, settings};
use crate::server::{Answer, Server};

const SEARCH: &str = "/2/tweets/search/recent";

/// A server that gives these answers in order, and an account on it.
async fn account(answers: Vec<Answer>, change: impl FnOnce(&mut XSettings)) -> (Server, XNetwork) {
    let answers = Mutex::new(std::collections::VecDeque::from(answers));
    let server = Server::start(move |_| answers.lock().unwrap().pop_front().expect("one question too many")).await;
    let mut settings = settings(&server.url);
    change(&mut settings);
    (server, XNetwork::with_pace(settings, clock(), 7, &PACE).unwrap())
}

/// A page of posts by (id, minute); with a token if there is another.
fn page(posts: &[(&str, u8)], next: Option<&str>) -> Answer {
    let data: Vec<Value> = posts
        .iter()
        .map(|(id, minute)| {
            json!({"id": id, "text": format!("post {id} is slow"), "author_id": "9", "conversation_id": id,
                "created_at": format!("2026-01-15T09:{minute:02}:00.000Z"), "edit_history_tweet_ids": [id]})
        })
        .collect();
    let mut meta = json!({"result_count": data.len()});
    if let Some(next) = next {
        meta["next_token"] = json!(next);
    }
    let users = json!({"users": [{"id": "9", "username": "cat", "name": "Cat"}]});
    Answer::json(200, &json!({"data": data, "includes": users, "meta": meta}))
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn gap() -> (Timestamp, Timestamp) {
    (at("2026-01-15T09:00:00.4Z"), at("2026-01-15T09:07:00.2Z"))
}

async fn fill(network: &XNetwork, feeds: &[Feed]) -> Backfill {
    let (from, to) = gap();
    network.backfill(feeds, from, to).await
}

fn ids(ids: &[&str]) -> BTreeSet<PostId> {
    ids.iter().map(|id| PostId::new(NetworkKind::X, id)).collect()
}

fn is_empty(column: &mut Column) -> bool {
    column.try_recv().is_err()
}

#[tokio::test]
async fn every_page_of_every_column_oldest_first_and_each_post_counted_once() {
    let answers = vec![
        page(&[("105", 5), ("104", 4)], Some("b26v104")),
        page(&[("103", 3)], None),
        page(&[("104", 4), ("102", 2)], None),
    ];
    let (server, network) = account(answers, |_| {}).await;
    let (feeds, [mut slow, mut bill, mut same]) =
        feeds([("slow", "slow -is:retweet"), ("bill", "bill"), ("same", "slow -is:retweet")]);
    let filled = fill(&network, &feeds).await;
    assert_eq!(filled, Backfill { found: ids(&["102", "103", "104", "105"]), read: 5, missing: None });
    for column in [&mut slow, &mut same] {
        for id in ["103", "104", "105"] {
            assert_eq!(next_post(column).await, id);
        }
        assert!(is_empty(column));
    }
    assert_eq!((next_post(&mut bill).await, next_post(&mut bill).await), ("102".into(), "104".into()));
    assert!(is_empty(&mut bill));
    // Two columns of one rule are one question; whole seconds, the stretch widened to them.
    let seen = server.seen();
    assert_eq!((seen.len(), server.count("GET", SEARCH)), (3, 3));
    for part in [
        "query=slow+-is%3Aretweet",
        "max_results=100",
        // What was written just before may not have been delivered any more.
        "start_time=2026-01-15T08%3A59%3A50Z",
        "end_time=2026-01-15T09%3A07%3A01Z",
        "tweet.fields=created_at",
    ] {
        assert!(seen[0].target.contains(part), "{} lacks {part}", seen[0].target);
    }
    assert!(seen[1].target.contains("next_token=b26v104"));
    assert_eq!(seen[0].header("authorization"), Some("Bearer app-token"));
}

#[tokio::test]
async fn names_are_said_the_newer_way_where_x_asks_for_it() {
    let no = json!({"errors": [{"parameters": {"tweet.fields": ["x"]}, "message": "[tweet.fields] is not known"}],
        "title": "Invalid Request", "type": "https://api.x.com/2/problems/invalid-request"});
    let (server, network) = account(vec![Answer::json(400, &no), page(&[("102", 2)], None)], |_| {}).await;
    let (feeds, [mut slow]) = feeds([("slow", "slow")]);
    assert_eq!(fill(&network, &feeds).await.missing, None);
    assert_eq!(next_post(&mut slow).await, "102");
    assert!(server.seen()[1].target.contains("post.fields=") && !server.seen()[1].target.contains("tweet.fields="));
}

#[tokio::test]
async fn own_answers_are_fetched_where_they_are_watched() {
    let answers = vec![page(&[("102", 2)], None), page(&[("103", 3), ("102", 2)], None)];
    let (server, network) = account(answers, |settings| settings.watch_own = true).await;
    let (feeds, [mut slow]) = feeds([("slow", "slow")]);
    let filled = fill(&network, &feeds).await;
    assert_eq!((filled.found, filled.read), (ids(&["102"]), 3));
    assert_eq!(next_post(&mut slow).await, "102");
    assert!(matches!(next(&mut slow).await, Inbound::Own(post) if post.id.native() == "103"));
    assert!(is_empty(&mut slow));
    assert!(server.seen()[1].target.contains("query=from%3AAcmeHelp"));
}

#[tokio::test]
async fn a_limit_ends_it_in_part_and_is_kept_to_without_asking() {
    let reset = at("2026-01-15T10:12:00Z");
    let limited = Answer::Whole {
        status: 429,
        headers: vec![("x-rate-limit-remaining", "0".into()), ("x-rate-limit-reset", reset.as_second().to_string())],
        body: json!({"title": "Too Many Requests", "status": 429, "detail": "Too Many Requests"}).to_string(),
    };
    let (server, network) = account(vec![page(&[("105", 5)], Some("b26v105")), limited], |_| {}).await;
    let (feeds, [mut slow, mut bill]) = feeds([("slow", "slow"), ("bill", "bill")]);
    let filled = fill(&network, &feeds).await;
    assert_eq!((filled.found, filled.read), (ids(&["105"]), 1));
    let Some(Missing { why, until }) = filled.missing else { panic!("it is not whole") };
    assert!(why.contains("Too Many Requests") && !why.contains("bill"), "{why}");
    assert!(until.is_some_and(|until| until >= reset), "{until:?}");
    assert_eq!(next_post(&mut slow).await, "105");
    assert!(is_empty(&mut bill));
    let again = fill(&network, &feeds).await;
    assert!(again.missing.is_some_and(|missing| missing.why.contains("used up") && missing.until == until));
    assert_eq!((again.read, server.seen().len()), (0, 2));
}

#[tokio::test]
async fn what_search_cannot_ask_is_said_and_the_rest_is_filled() {
    let long = (0..90).map(|n| format!("word{n:03}")).collect::<Vec<_>>().join(" OR ");
    assert!(long.len() > 512 && long.len() < 1024);
    let (server, network) = account(vec![page(&[("102", 2)], None)], |_| {}).await;
    let (feeds, [mut long_in, mut slow]) = feeds([("long", long.as_str()), ("slow", "slow")]);
    let filled = fill(&network, &feeds).await;
    let why = filled.missing.unwrap().why;
    assert!(why.contains("column long") && why.contains("512 characters"), "{why}");
    assert_eq!((next_post(&mut slow).await, filled.read), ("102".into(), 1));
    assert!(is_empty(&mut long_in));
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn a_refusal_keeps_the_networks_words() {
    let refused = |status, detail: &str| {
        Answer::json(status, &json!({"title": "Refused", "status": status, "detail": detail, "type": "about:blank"}))
    };
    // One query refused: the next is asked. No access at all: nothing more is.
    for (status, asked) in [(400, 2), (401, 1), (402, 1)] {
        let answers = vec![refused(status, "no, and why"), page(&[("102", 2)], None)];
        let (server, network) = account(answers, |_| {}).await;
        let (feeds, [_slow, _bill]) = feeds([("slow", "slow"), ("bill", "bill")]);
        let filled = fill(&network, &feeds).await;
        assert!(filled.missing.is_some_and(|missing| missing.why.contains("no, and why")));
        assert_eq!((server.seen().len(), filled.found.len()), (asked, asked - 1), "{status}");
    }
}

#[tokio::test]
async fn further_back_than_seven_days_is_refused_or_left_out() {
    let (server, network) = account(vec![page(&[("102", 2)], None)], |_| {}).await;
    let (feeds, [mut slow]) = feeds([("slow", "slow")]);
    let now = clock()();
    let days = |days: i64| now - SignedDuration::from_hours(24 * days);
    let gone = network.backfill(&feeds, days(9), days(8)).await;
    assert!(gone.missing.is_some_and(|missing| missing.why.contains("7 days")));
    assert_eq!((gone.read, server.seen().len()), (0, 0));
    let part = network.backfill(&feeds, days(9), days(1)).await;
    assert!(part.missing.is_some_and(|missing| missing.why.contains("7 days")));
    assert_eq!((part.read, next_post(&mut slow).await), (1, "102".into()));
    assert!(server.seen()[0].target.contains("start_time=2026-01-08T11%3A00%3A"), "{}", server.seen()[0].target);
    assert!(network.backfill(&[], days(2), days(1)).await.missing.is_some());
}

#[tokio::test]
async fn a_fresh_end_is_waited_for_and_a_future_one_is_not_believed() {
    let (server, network) = account(vec![page(&[], None)], |_| {}).await;
    let (feeds, [mut slow]) = feeds([("slow", "slow")]);
    let now = clock()();
    let filled = network.backfill(&feeds, now - SignedDuration::from_mins(1), now).await;
    assert_eq!((filled, server.seen().len()), (Backfill::default(), 1));
    let ahead = network.backfill(&feeds, now, now + SignedDuration::from_hours(1)).await;
    assert!(ahead.missing.is_some_and(|missing| missing.why.contains("future")));
    assert_eq!(server.seen().len(), 1);
    assert!(is_empty(&mut slow));
}
