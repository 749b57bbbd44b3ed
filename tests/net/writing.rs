//! Replies: one request at most, what is known told exactly, and reading back.

use std::sync::Mutex;
use std::time::Duration;

use jiff::SignedDuration;
use replydeck::net::x::pace::Pace;
use replydeck::net::x::{UserCredentials, XNetwork, XSettings};
use replydeck::net::{NetSetupError, Network, ReadBack, SendError};
use serde_json::{Value, json};

use crate::rig::{PACE, clock, outgoing, settings};
use crate::server::{Answer, Server};

const TWEETS: &str = "/2/tweets";

/// A server that gives these answers in order, and an account on it.
async fn account(answers: Vec<Answer>, change: impl FnOnce(&mut XSettings)) -> (Server, XNetwork) {
    let answers = Mutex::new(std::collections::VecDeque::from(answers));
    let server = Server::start(move |_| answers.lock().unwrap().pop_front().unwrap_or(Answer::Nothing)).await;
    let mut settings = settings(&server.url);
    change(&mut settings);
    let pace = Pace { send_within: Duration::from_secs(2), answer_within: Duration::from_secs(5), ..PACE };
    let network = XNetwork::with_pace(settings, clock(), 7, &pace).unwrap();
    (server, network)
}

fn created(id: &str) -> Answer {
    Answer::json(201, &json!({"data": {"id": id, "text": "t"}}))
}

fn refusal(status: u16, detail: &str) -> Answer {
    Answer::json(status, &json!({"title": "Refused", "type": "about:blank", "status": status, "detail": detail}))
}

fn older_credentials() -> UserCredentials {
    UserCredentials::OAuth1 {
        consumer_key: "ckey".into(),
        consumer_secret: "csecret".to_owned().into(),
        token: "utoken".into(),
        token_secret: "usecret".to_owned().into(),
    }
}

#[tokio::test]
async fn a_reply_goes_out_once_under_the_newest_version() {
    let (server, network) = account(vec![created("900"), created("901")], |_| {}).await;
    let sent = network.send(&outgoing("5", "@cat sorry ^AN")).await.unwrap();
    assert_eq!(sent.as_str(), "x:900");
    let mut edited = outgoing("5", "@cat sorry ^AN");
    edited.to_version = Some("6".into());
    network.send(&edited).await.unwrap();
    let seen = server.seen();
    assert_eq!((seen.len(), seen[0].path(), seen[0].method.as_str()), (2, TWEETS, "POST"));
    let body: Value = serde_json::from_str(&seen[0].body).unwrap();
    assert_eq!(body, json!({"text": "@cat sorry ^AN", "reply": {"in_reply_to_tweet_id": "5"}}));
    assert!(seen[1].body.contains(r#""in_reply_to_tweet_id":"6""#));
    assert_eq!(seen[0].header("authorization"), Some("Bearer own-token"));
    assert!(seen[0].header("user-agent").unwrap().starts_with("replydeck/"));
}

#[tokio::test]
async fn the_older_credentials_sign_each_request() {
    let (server, network) = account(vec![created("900"), created("901")], |settings| {
        settings.user = Some(older_credentials());
    })
    .await;
    network.send(&outgoing("5", "a")).await.unwrap();
    network.send(&outgoing("5", "b")).await.unwrap();
    let signed: Vec<String> =
        server.seen().iter().map(|seen| seen.header("authorization").unwrap().to_owned()).collect();
    assert!(signed[0].starts_with("OAuth ") && signed[0].contains("oauth_token=\"utoken\""), "{}", signed[0]);
    assert!(
        signed[0].contains("oauth_timestamp=\"1768471200\"") || signed[0].contains("oauth_timestamp=\"1768471201\"")
    );
    let nonce = |header: &str| header.split("oauth_nonce=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    assert_ne!(nonce(&signed[0]), nonce(&signed[1]));
    assert!(!signed.iter().any(|header| header.contains("secret")));
    assert!(!format!("{network:?}").contains("secret"));
}

/// A signature X did not take, and X's clock.
fn unauthorised_at(date: &str) -> Answer {
    let body = json!({"title": "Unauthorized", "type": "about:blank", "status": 401, "detail": "Unauthorized"});
    Answer::Whole { status: 401, headers: vec![("date", date.to_owned())], body: body.to_string() }
}

#[tokio::test]
async fn a_clock_that_is_wrong_costs_one_refusal_and_no_reply() {
    // Ours shows ten o'clock, X's an hour and three minutes more.
    let off = unauthorised_at("Thu, 15 Jan 2026 11:03:00 GMT");
    let (server, network) = account(vec![off, created("900"), created("901")], |settings| {
        settings.user = Some(older_credentials());
    })
    .await;
    assert_eq!(network.send(&outgoing("5", "a")).await.unwrap().as_str(), "x:900");
    assert_eq!(network.send(&outgoing("5", "b")).await.unwrap().as_str(), "x:901");
    let seen = server.seen();
    let signed_at = |n: usize| {
        let header = seen[n].header("authorization").unwrap();
        header.split("oauth_timestamp=\"").nth(1).unwrap().split('"').next().unwrap().parse::<i64>().unwrap()
    };
    let (ours, theirs) = (1_768_471_200, 1_768_474_980);
    assert_eq!(seen.len(), 3, "the second reply needs no refusal");
    assert!((ours..ours + 60).contains(&signed_at(0)), "{}", signed_at(0));
    for n in [1, 2] {
        assert!((theirs - 1..theirs + 60).contains(&signed_at(n)), "{}", signed_at(n));
    }
    assert_eq!(seen[0].body, seen[1].body, "the same reply");
}

#[tokio::test]
async fn a_signature_refused_for_another_reason_is_not_repeated() {
    for date in ["Thu, 15 Jan 2026 10:00:02 GMT", "some day"] {
        let (server, network) = account(vec![unauthorised_at(date), created("900")], |settings| {
            settings.user = Some(older_credentials());
        })
        .await;
        assert!(network.send(&outgoing("5", "a")).await.is_err(), "{date}");
        assert_eq!(server.count("POST", TWEETS), 1, "{date}");
    }
}

#[tokio::test]
async fn a_signature_that_is_never_taken_is_asked_twice_and_told() {
    let off = || unauthorised_at("Thu, 15 Jan 2026 11:03:00 GMT");
    let (server, network) = account(vec![off(), off(), created("900")], |settings| {
        settings.user = Some(older_credentials());
    })
    .await;
    let Err(SendError::Refused { why, .. }) = network.send(&outgoing("5", "a")).await else { panic!("it went out") };
    assert!(why.contains("Unauthorized"), "{why}");
    assert_eq!(server.count("POST", TWEETS), 2);
}

#[tokio::test]
async fn refusals_are_told_in_x_s_words_with_what_to_do() {
    let summoned = "Reply to this conversation is not allowed because you have not been mentioned or otherwise engaged by the author of the post you are replying to.";
    let other = "You can only reply to or quote posts where you are mentioned or are the author.";
    for (answer, words, way_out, retry) in [
        (refusal(403, summoned), "have not been mentioned", "hand over", false),
        (refusal(403, other), "where you are mentioned", "hand over", false),
        (
            refusal(403, "You are not allowed to create a Tweet with duplicate content."),
            "duplicate",
            "change the words",
            false,
        ),
        (
            refusal(403, "You attempted to reply to a Tweet that is deleted or not visible to you."),
            "not visible",
            "gone",
            false,
        ),
        (refusal(401, "Unauthorized"), "Unauthorized", "valid token", true),
        (refusal(402, "no credits"), "no credits", "credits", true),
        (refusal(503, "Service Unavailable"), "Service Unavailable", "X has trouble", true),
        (refusal(400, "no such thing"), "no such thing", "", false),
    ] {
        let (server, network) = account(vec![answer], |_| {}).await;
        match network.send(&outgoing("5", "t")).await {
            Err(SendError::Refused { why, remedy, may_retry }) => {
                assert!(why.contains(words) && remedy.contains(way_out), "{why} / {remedy}");
                assert_eq!(may_retry, retry, "{why}");
            }
            other => panic!("{words}: {other:?}"),
        }
        assert_eq!(server.seen().len(), 1);
    }
}

#[tokio::test]
async fn what_may_have_left_is_unknown_and_what_did_not_is_not_sent() {
    let page = Answer::Whole { status: 502, headers: vec![], body: "<html><title>Bad gateway</title></html>".into() };
    for answer in [
        Answer::Cut,
        Answer::Nothing,
        page,
        Answer::Whole { status: 503, headers: vec![], body: String::new() },
        refusal(500, "Internal Server Error"),
        Answer::Whole { status: 201, headers: vec![], body: "not json".into() },
        Answer::json(201, &json!({"data": {}})),
    ] {
        let shown = format!("{answer:?}");
        let (server, network) = account(vec![answer], |_| {}).await;
        let result = network.send(&outgoing("5", "t")).await;
        assert!(matches!(result, Err(SendError::Unknown { .. })), "{shown}: {result:?}");
        assert_eq!(server.seen().len(), 1, "{shown}: one attempt is one request");
    }
    let (server, network) = account(vec![], |_| {}).await;
    drop(server);
    // The port is free again: the connection is refused.
    let result = network.send(&outgoing("5", "t")).await;
    assert!(matches!(result, Err(SendError::NotSent { .. })), "{result:?}");
    let (server, network) = account(vec![], |settings| settings.user = None).await;
    assert!(matches!(network.send(&outgoing("5", "t")).await, Err(SendError::Refused { .. })));
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn a_used_up_limit_stops_before_asking() {
    let reset: jiff::Timestamp = "2026-01-15T10:15:00Z".parse().unwrap();
    let headers =
        || vec![("x-rate-limit-remaining", "0".to_owned()), ("x-rate-limit-reset", reset.as_second().to_string())];
    let last = Answer::Whole { status: 201, headers: headers(), body: r#"{"data":{"id":"900"}}"#.into() };
    let limited = Answer::Whole {
        status: 429,
        headers: headers(),
        body: r#"{"errors":[{"code":88,"message":"Rate limit exceeded"}]}"#.into(),
    };
    for (answer, is_sent) in [(last, true), (limited, false)] {
        let (server, network) = account(vec![answer, created("901")], |_| {}).await;
        let first = network.send(&outgoing("5", "t")).await;
        if is_sent {
            assert!(first.is_ok());
        } else {
            let Err(SendError::Limited { until, why }) = first else { panic!("{first:?}") };
            assert!(until >= reset && why.contains("Rate limit exceeded"));
        }
        for _ in 0..3 {
            let Err(SendError::Limited { until, .. }) = network.send(&outgoing("5", "t")).await else { panic!() };
            assert!(until >= reset);
        }
        assert_eq!(server.seen().len(), 1);
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed_and_its_host_learns_nothing() {
    let elsewhere = Server::start(|_| created("666")).await;
    let moved = |status| Answer::Whole {
        status,
        headers: vec![("location", format!("{}/2/tweets", elsewhere.url))],
        body: String::new(),
    };
    let (server, network) = account(vec![moved(307), moved(302)], |_| {}).await;
    for _ in 0..2 {
        let result = network.send(&outgoing("5", "t")).await;
        let Err(SendError::Refused { why, .. }) = result else { panic!("{result:?}") };
        assert!(why.contains("not followed"), "{why}");
    }
    assert_eq!(server.seen().len(), 2);
    assert!(elsewhere.seen().is_empty());
}

#[tokio::test]
async fn plain_http_and_broken_tokens_are_refused_at_once() {
    let mut plain = settings("http://192.0.2.1:8080");
    assert!(matches!(XNetwork::new(plain.clone(), clock(), 1), Err(NetSetupError::PlainHttp { .. })));
    plain.base_url = "https://api.x.com".parse().unwrap();
    assert!(XNetwork::new(plain.clone(), clock(), 1).is_ok());
    plain.bearer = "two\nlines".to_owned().into();
    let error = XNetwork::new(plain, clock(), 1).unwrap_err();
    assert_eq!(error, NetSetupError::BadSecret { what: "bearer" });
    assert!(!error.to_string().contains("two"));
}

fn found(posts: &[(&str, &str, &str)]) -> Answer {
    let posts: Vec<Value> = posts
        .iter()
        .map(|(id, to, text)| {
            json!({"id": id, "text": text, "author_id": "42", "referenced_tweets": [{"type": "replied_to", "id": to}]})
        })
        .collect();
    Answer::json(200, &json!({"data": posts, "meta": {"result_count": posts.len()}}))
}

fn nothing() -> Answer {
    Answer::json(200, &json!({"meta": {"result_count": 0}}))
}

#[tokio::test]
async fn a_lost_answer_is_settled_by_reading_back() {
    let ours = outgoing("5", "@cat sorry & see acme.app ^AN");
    // Lost, but published.
    let posts = found(&[
        ("901", "4", "@cat sorry &amp; see https://t.co/q ^AN"),
        ("902", "5", "@cat sorry &amp; see https://t.co/q ^AN"),
    ]);
    let (server, network) = account(vec![Answer::Cut, posts], |_| {}).await;
    let attempted = clock()();
    assert!(matches!(network.send(&ours).await, Err(SendError::Unknown { .. })));
    let ReadBack::Published(id) = network.read_back(&ours, attempted).await else { panic!() };
    assert_eq!(id.as_str(), "x:902");
    let seen = server.seen();
    assert!(
        seen[1].target.contains("query=from%3A42") && seen[1].target.contains("start_time=2026-01-15T09%3A58%3A00Z")
    );
    assert_eq!(seen[1].header("authorization"), Some("Bearer app-token"));

    // Lost and not there: said only after X's search has caught up, so it is asked again until then.
    let (server, network) = account(vec![nothing(), nothing(), nothing()], |_| {}).await;
    assert_eq!(network.read_back(&ours, clock()()).await, ReadBack::Absent);
    assert!(matches!(server.seen().len(), 2 | 3), "{}", server.seen().len());
    // Published between the two looks.
    let (_server, network) =
        account(vec![nothing(), found(&[("902", "5", "@cat sorry & see acme.app ^AN")])], |_| {}).await;
    assert!(matches!(network.read_back(&ours, clock()()).await, ReadBack::Published(_)));
    // Long ago: once is enough.
    let (server, network) = account(vec![nothing()], |_| {}).await;
    assert_eq!(network.read_back(&ours, clock()() - SignedDuration::from_hours(1)).await, ReadBack::Absent);
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn what_proves_nothing_is_left_open() {
    let ours = outgoing("5", "@cat sorry ^AN");
    let long_ago = clock()() - SignedDuration::from_hours(1);
    for (answers, attempted, words) in [
        (vec![found(&[("902", "5", "@cat other words ^BO")])], long_ago, "other words"),
        (vec![refusal(503, "Service Unavailable")], long_ago, "Service Unavailable"),
        (vec![Answer::Cut], long_ago, "did not let us look"),
        (vec![], long_ago - SignedDuration::from_hours(24 * 7), "7 days"),
        (vec![nothing()], clock()() + SignedDuration::from_hours(2), "clock"),
    ] {
        let (_server, network) = account(answers, |_| {}).await;
        match network.read_back(&ours, attempted).await {
            ReadBack::Unknown { why } => assert!(why.contains(words), "{why} lacks {words}"),
            other => panic!("{words}: {other:?}"),
        }
    }
    // More pages are read to the end.
    let first = Answer::json(200, &json!({"data": [], "meta": {"next_token": "b26v"}}));
    let (server, network) = account(vec![first, found(&[("902", "5", "sorry ^AN")])], |_| {}).await;
    assert!(matches!(network.read_back(&ours, long_ago).await, ReadBack::Published(_)));
    assert!(server.seen()[1].target.contains("next_token=b26v"));
}
