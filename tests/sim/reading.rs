//! Who may ask, how often; search, counts, people, usage.

use base64::Engine as _;
use hmac::{Hmac, Mac};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use replydeck::sim::Script;
use reqwest::{Method, Response};
use serde_json::{Value, json};
use sha1::Sha1;

use crate::bench::{Bench, quiet, start, still, with};

const SEARCH: &str = "/2/tweets/search/recent";

#[test]
fn a_wrong_token_is_401_and_a_wrong_kind_403() {
    with(quiet(), |sim| async move {
        let bare = sim.http.get(format!("{}/2/users/me", sim.url)).send().await.unwrap();
        assert_eq!(bare.status(), 401);
        let wrong = sim.send(Method::GET, "/2/users/me", None, "nonsense").await.unwrap();
        assert_eq!(wrong.status(), 401);
        let body: Value = wrong.json().await.unwrap();
        assert_eq!(
            body,
            json!({"title": "Unauthorized", "type": "about:blank", "status": 401, "detail": "Unauthorized"})
        );
        for (method, path) in [
            (Method::GET, "/2/users/me"),
            (Method::POST, "/2/tweets"),
            (Method::DELETE, "/2/tweets/1"),
            (Method::POST, "/2/dm_conversations/with/1/messages"),
        ] {
            unsupported(sim.app(method, path, None).await).await;
        }
        for path in ["/2/tweets/search/stream", "/2/tweets/search/stream/rules", "/2/connections", "/2/usage/tweets"] {
            unsupported(sim.user(Method::GET, path, None).await).await;
        }
        assert_eq!(sim.app(Method::GET, "/2/nothing", None).await.status(), 404);
    });
}

async fn unsupported(response: Response) {
    assert_eq!(response.status(), 403);
    let body: Value = response.json().await.unwrap();
    assert!(body["type"].as_str().unwrap().ends_with("/unsupported-authentication"), "{body}");
}

/// A request signed as RFC 5849 says, written apart from the simulator's own code.
async fn signed(
    sim: &Bench,
    method: &str,
    path: &str,
    query: &[(&str, &str)],
    nonce: &str,
    secret: &str,
    at: i64,
) -> u16 {
    const KEPT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
    let encode = |text: &str| utf8_percent_encode(text, KEPT).to_string();
    let at = at.to_string();
    let oauth = [
        ("oauth_consumer_key", sim.credentials.consumer_key.as_str()),
        ("oauth_nonce", nonce),
        ("oauth_signature_method", "HMAC-SHA1"),
        ("oauth_timestamp", &at),
        ("oauth_token", &sim.credentials.token),
        ("oauth_version", "1.0"),
    ];
    let mut pairs: Vec<String> =
        oauth.iter().chain(query).map(|(key, value)| format!("{}={}", encode(key), encode(value))).collect();
    pairs.sort();
    let address = format!("{}{path}", sim.url);
    let base = format!("{method}&{}&{}", encode(&address), encode(&pairs.join("&")));
    let key = format!("{}&{}", encode(&sim.credentials.consumer_secret), encode(secret));
    let mut mac = Hmac::<Sha1>::new_from_slice(key.as_bytes()).unwrap();
    mac.update(base.as_bytes());
    let signature = base64::engine::general_purpose::STANDARD.encode(mac.finalize().into_bytes());
    let header: Vec<String> = oauth
        .iter()
        .copied()
        .chain([("oauth_signature", signature.as_str())])
        .map(|(key, value)| format!("{key}=\"{}\"", encode(value)))
        .collect();
    let request = sim
        .http
        .request(method.parse().unwrap(), address)
        .query(query)
        .header("authorization", format!("OAuth {}", header.join(", ")));
    let request = if method == "POST" { request.json(&json!({"text": "signed, sealed"})) } else { request };
    request.send().await.unwrap().status().as_u16()
}

#[test]
fn oauth_1_signatures_are_verified() {
    with(quiet(), |sim| async move {
        let secret = sim.credentials.token_secret.clone();
        let now = start().as_second();
        let fields = [("user.fields", "name,public_metrics")];
        assert_eq!(signed(&sim, "GET", "/2/users/me", &fields, "n1", &secret, now).await, 200);
        assert_eq!(signed(&sim, "GET", "/2/users/me", &fields, "n1", &secret, now).await, 401, "a nonce serves once");
        assert_eq!(signed(&sim, "GET", "/2/users/me", &fields, "n2", "wrong", now).await, 401);
        assert_eq!(signed(&sim, "GET", "/2/users/me", &fields, "n3", &secret, now - 600).await, 401, "too old");
        assert_eq!(signed(&sim, "POST", "/2/tweets", &[], "n4", &secret, now).await, 201, "a JSON body is not signed");
        assert_eq!(signed(&sim, "GET", "/2/usage/tweets", &[], "n5", &secret, now).await, 403, "a user, not the app");
    });
}

#[test]
fn rate_limits_are_told_and_kept() {
    with(quiet(), |sim| async move {
        let header =
            |response: &Response, name: &str| -> i64 { response.headers()[name].to_str().unwrap().parse().unwrap() };
        for left in (0..50).rev() {
            let response = sim.app(Method::GET, "/2/usage/tweets", None).await;
            assert_eq!(response.status(), 200);
            assert_eq!(header(&response, "x-rate-limit-limit"), 50);
            assert_eq!(header(&response, "x-rate-limit-remaining"), left);
            assert_eq!(header(&response, "x-rate-limit-reset"), start().as_second() + 900);
        }
        let refused = sim.app(Method::GET, "/2/usage/tweets", None).await;
        assert_eq!(refused.status(), 429);
        assert_eq!(header(&refused, "x-rate-limit-remaining"), 0);
        sim.jump(899).await;
        assert_eq!(sim.app(Method::GET, "/2/usage/tweets", None).await.status(), 429);
        sim.jump(1).await;
        assert_eq!(sim.app(Method::GET, "/2/usage/tweets", None).await.status(), 200, "free again at the reset");

        let written = sim.user(Method::POST, "/2/tweets", Some(json!({"text": "hello"}))).await;
        assert_eq!(written.status(), 201);
        assert_eq!(header(&written, "x-rate-limit-limit"), 100);
        assert_eq!(header(&written, "x-app-limit-24hour-remaining"), 9_999);
    });
}

#[test]
fn search_finds_what_is_older_than_half_a_minute_page_by_page() {
    with(quiet(), |sim| async move {
        let mut ids = Vec::new();
        for n in 0..25 {
            ids.push(sim.post(json!({"text": format!("acme number {n}"), "handle": "moth"})).await);
            sim.jump(1).await;
        }
        sim.post(json!({"reposts": ids[0], "handle": "otter"})).await;
        let young = sim.get(&format!("{SEARCH}?query=acme")).await;
        assert_eq!(young, json!({"meta": {"result_count": 0}}), "not found yet");
        sim.jump(31).await;

        let mut found = Vec::new();
        let mut token = String::new();
        loop {
            let page = sim.get(&format!("{SEARCH}?query=acme&max_results=10&since_id={}{token}", ids[2])).await;
            found.extend(page["data"].as_array().unwrap().iter().map(|post| post["id"].as_str().unwrap().to_owned()));
            match page["meta"]["next_token"].as_str() {
                Some(next) => token = format!("&next_token={next}"),
                None => break,
            }
        }
        let mut newest_first: Vec<String> = ids[3..].to_vec();
        newest_first.reverse();
        assert_eq!(found, newest_first, "each once, no repost");

        let end = "2026-03-02T10:00:05Z";
        let some = sim.get(&format!("{SEARCH}?query=acme&start_time=2026-03-02T10:00:02Z&end_time={end}")).await;
        assert_eq!(some["meta"]["result_count"], 3);
        assert_eq!(some["meta"]["newest_id"], ids[4].as_str());

        for bad in [
            String::new(),
            format!("?query={}", "a".repeat(513)),
            "?query=acme&max_results=5".to_owned(),
            "?query=acme&max_results=101".to_owned(),
            "?query=acme&since_id=12".to_owned(),
            "?query=acme&start_time=2026-01-01T00:00:00Z".to_owned(),
            "?query=acme&end_time=2027-01-01T00:00:00Z".to_owned(),
            "?query=(acme".to_owned(),
            "?query=acme&next_token=zzz".to_owned(),
            "?query=acme&expansions=nonsense".to_owned(),
        ] {
            let refused = sim.app(Method::GET, &format!("{SEARCH}{bad}"), None).await;
            assert_eq!(refused.status(), 400, "{bad}");
            let body: Value = refused.json().await.unwrap();
            assert!(body["type"].as_str().unwrap().ends_with("/invalid-request"), "{body}");
            assert!(!body["errors"][0]["message"].as_str().unwrap().is_empty());
        }

        let counted = sim.get("/2/tweets/counts/recent?query=acme&granularity=minute").await;
        assert_eq!(counted["meta"]["total_tweet_count"], 25);
        let rows = counted["data"].as_array().unwrap();
        let sum: u64 = rows.iter().map(|row| row["tweet_count"].as_u64().unwrap()).sum();
        assert_eq!(sum, 25);
        assert!(rows.len() > 7 * 24 * 60 - 2);

        let one = sim.get(&format!("/2/tweets/{}", ids[0])).await;
        assert_eq!(one["data"]["text"], "acme number 0");
        sim.control("post", json!({"delete": ids[0]})).await;
        let gone = sim.get(&format!("/2/tweets?ids={},{}&tweet.fields=lang", ids[0], ids[1])).await;
        assert_eq!(gone["data"].as_array().unwrap().len(), 1);
        assert!(gone["errors"][0]["type"].as_str().unwrap().ends_with("/resource-not-found"));
    });
}

#[test]
fn the_plan_has_a_cap_on_reading() {
    with(Script { post_cap: 2, ..Script::new(7, 0.0, still()) }, |sim| async move {
        sim.add_rule("acme", "a").await;
        let mut lines = sim.listen("").await;
        sim.post(json!({"text": "acme 1"})).await;
        sim.post(json!({"text": "acme 2"})).await;
        lines.post().await;
        lines.post().await;
        let last = lines.post().await;
        assert_eq!(last["errors"][0]["title"], "operational-disconnect");
        assert_eq!(lines.next().await, Ok(None));
        for path in ["/2/tweets/search/stream", "/2/tweets/search/recent?query=acme"] {
            let capped = sim.app(Method::GET, path, None).await;
            assert_eq!(capped.status(), 429);
            assert_eq!(capped.json::<Value>().await.unwrap()["title"], "UsageCapExceeded");
        }
        assert_eq!(sim.get("/2/usage/tweets").await["data"]["project_usage"], "2");
    });
}

#[test]
fn people_and_our_own_posts_can_be_read() {
    with(quiet(), |sim| async move {
        let me: Value = sim.user(Method::GET, "/2/users/me", None).await.json().await.unwrap();
        assert_eq!(me["data"], json!({"id": "3805104374", "name": "Acme Help", "username": "AcmeHelp"}));
        let author = sim.control("post", json!({"text": "hi", "handle": "shut_door", "dm_open": false})).await;
        let author = author["author_id"].as_str().unwrap().to_owned();
        let path = format!("/2/users/{author}?user.fields=receives_your_dm,connection_status");
        let known: Value = sim.user(Method::GET, &path, None).await.json().await.unwrap();
        assert_eq!(known["data"]["receives_your_dm"], false);
        let as_app = sim.get(&path).await;
        assert!(as_app["data"].get("receives_your_dm").is_none(), "an app is nobody's acquaintance");
        assert_eq!(sim.get("/2/users/by/username/SHUT_door").await["data"]["id"], author.as_str());
        assert!(sim.get("/2/users/99").await["errors"][0]["type"].as_str().unwrap().ends_with("resource-not-found"));
        let follow = json!({"target_user_id": author});
        let follow = sim.user(Method::POST, "/2/users/3805104374/following", Some(follow)).await;
        assert_eq!(follow.status(), 403);
        assert_eq!(follow.json::<Value>().await.unwrap()["reason"], "client-not-enrolled");

        let (status, made) = sim.create(json!({"text": "we are here"})).await;
        assert_eq!(status, 201);
        let own = sim.get("/2/users/3805104374/tweets?max_results=5&tweet.fields=created_at").await;
        assert_eq!(own["data"][0]["id"], made["data"]["id"], "at once, unlike in search");
    });
}

#[test]
fn direct_messages_come_in_pages_with_who_wrote_them() {
    with(quiet(), |bench| async move {
        bench.control("dm", json!({"handle": "mia", "text": "first"})).await;
        bench.control("dm", json!({"handle": "leo", "text": "second"})).await;
        let path = "/2/dm_events?max_results=1&dm_event.fields=sender_id&expansions=sender_id&user.fields=username";
        let page: Value = bench.user(Method::GET, path, None).await.json().await.unwrap();
        assert_eq!(page["data"][0]["text"], "second");
        assert_eq!(page["includes"]["users"][0]["username"], "leo");
        let token = page["meta"]["next_token"].as_str().unwrap();
        let next = format!("{path}&pagination_token={token}");
        let page: Value = bench.user(Method::GET, &next, None).await.json().await.unwrap();
        assert_eq!((&page["data"][0]["text"], page["meta"]["next_token"].as_str()), (&json!("first"), None));
        let refused = bench.user(Method::GET, "/2/dm_events?max_results=500", None).await;
        assert_eq!(refused.status(), 400);
    });
}
