//! The Activity stream: what may be subscribed to and by whom, what is told, and what it costs.

use reqwest::Method;
use serde_json::{Value, json};

use crate::bench::{Bench, Lines, quiet, with};

const SUBSCRIPTIONS: &str = "/2/activity/subscriptions";
const STREAM: &str = "/2/activity/stream";
const BRAND: &str = "3805104374";

fn wish(event: &str, user: &str) -> Value {
    json!({"event_type": event, "filter": {"user_id": user}, "tag": "replydeck/main/x"})
}

async fn subscribe(sim: &Bench, event: &str) -> String {
    let is_public = matches!(event, "post.create" | "post.delete");
    let body = Some(wish(event, BRAND));
    let told = if is_public {
        sim.app(Method::POST, SUBSCRIPTIONS, body).await
    } else {
        sim.user(Method::POST, SUBSCRIPTIONS, body).await
    };
    assert_eq!(told.status(), 200, "{event}");
    let told: Value = told.json().await.unwrap();
    assert_eq!(told["data"][0]["event_type"], event);
    told["data"][0]["subscription_id"].as_str().unwrap().to_owned()
}

async fn open(sim: &Bench) -> Lines {
    let response = sim.app(Method::GET, STREAM, None).await;
    assert_eq!(response.status(), 200);
    Lines::of(response)
}

#[test]
fn subscriptions_are_made_listed_and_ended_and_private_ones_take_the_account_s_token() {
    with(quiet(), |sim| async move {
        let id = subscribe(&sim, "post.delete").await;
        subscribe(&sim, "dm.received").await;
        let list = sim.get(SUBSCRIPTIONS).await;
        assert_eq!(
            (list["meta"]["total_subscriptions"].as_u64(), list["data"].as_array().unwrap().len()),
            (Some(2), 2)
        );
        assert_eq!(list["data"][1]["filter"]["user_id"], BRAND);

        let refused = sim.app(Method::POST, SUBSCRIPTIONS, Some(wish("dm.sent", BRAND))).await;
        assert_eq!(refused.status(), 403);
        assert!(refused.text().await.unwrap().contains("unsupported-authentication"));
        let other = sim.user(Method::POST, SUBSCRIPTIONS, Some(wish("dm.sent", "77"))).await;
        assert_eq!(other.status(), 403, "somebody else's messages");
        let twice = sim.app(Method::POST, SUBSCRIPTIONS, Some(wish("post.delete", BRAND))).await;
        assert_eq!(twice.status(), 400);
        assert!(twice.text().await.unwrap().contains("Duplicate"));
        for bad in
            [json!({}), json!({"event_type": "post.create"}), wish("post.made", BRAND), wish("post.create", "me")]
        {
            assert_eq!(sim.app(Method::POST, SUBSCRIPTIONS, Some(bad)).await.status(), 400);
        }
        assert_eq!(sim.user(Method::GET, SUBSCRIPTIONS, None).await.status(), 403);

        let path = format!("{SUBSCRIPTIONS}/{id}");
        let ended: Value = sim.app(Method::DELETE, &path, None).await.json().await.unwrap();
        assert_eq!(
            (ended["data"]["deleted"].as_bool(), ended["meta"]["total_subscriptions"].as_u64()),
            (Some(true), Some(1))
        );
        assert_eq!(sim.app(Method::DELETE, &path, None).await.status(), 404);
    });
}

#[test]
fn one_subscription_too_many_and_a_third_line_are_refused() {
    with(quiet(), |sim| async move {
        for n in 0..1_500 {
            let made = sim.app(Method::POST, SUBSCRIPTIONS, Some(wish("post.create", &(1_000 + n).to_string()))).await;
            assert_eq!(made.status(), 200, "{n}");
        }
        let refused = sim.app(Method::POST, SUBSCRIPTIONS, Some(wish("post.create", BRAND))).await;
        assert_eq!(refused.status(), 403);
        let page = sim.get(SUBSCRIPTIONS).await;
        let token = page["meta"]["next_token"].as_str().unwrap();
        let rest = sim.get(&format!("{SUBSCRIPTIONS}?pagination_token={token}")).await;
        assert_eq!(rest["data"].as_array().unwrap().len(), 500);

        let (first, _second) = (open(&sim).await, open(&sim).await);
        let third = sim.app(Method::GET, STREAM, None).await;
        assert_eq!(third.status(), 429);
        assert!(third.text().await.unwrap().contains("TooManyConnections"));
        assert_eq!(sim.get("/2/connections").await["data"][0]["endpoint_name"], "activity_stream");
        // The posts' stream has its own, and who hangs up makes room at once.
        sim.add_rule("acme", "a").await;
        drop(sim.listen("").await);
        drop(first);
        drop(open(&sim).await);
        assert_eq!(sim.app(Method::GET, &format!("{STREAM}?backfill_minutes=2"), None).await.status(), 400);
    });
}

#[test]
fn a_plan_without_it_refuses_everything_and_ends_the_lines() {
    with(quiet(), |sim| async move {
        let mut line = open(&sim).await;
        sim.control("plan", json!({"activity": false})).await;
        assert_eq!(line.next().await, Ok(None));
        for (method, path) in [(Method::GET, STREAM), (Method::GET, SUBSCRIPTIONS), (Method::POST, SUBSCRIPTIONS)] {
            let refused = sim.app(method, path, Some(wish("post.create", BRAND))).await;
            assert_eq!(refused.status(), 403, "{path}");
            assert!(refused.text().await.unwrap().contains("client-not-enrolled"));
        }
    });
}

#[test]
fn what_concerns_the_account_is_told_and_billed_as_x_bills_it() {
    with(quiet(), |sim| async move {
        for event in
            ["post.create", "post.delete", "post.mention.create", "post.reply.create", "dm.received", "dm.sent"]
        {
            subscribe(&sim, event).await;
        }
        let mut line = open(&sim).await;
        let told = |event: &Value| {
            (event["data"]["event_type"].as_str().unwrap().to_owned(), event["data"]["payload"].clone())
        };

        sim.post(json!({"handle": "cat", "text": "no names here"})).await;
        let asked = sim.post(json!({"handle": "cat", "text": "@AcmeHelp it is slow"})).await;
        let event = line.post().await;
        let (kind, post) = told(&event);
        assert_eq!((kind.as_str(), post["id"].as_str()), ("post.mention.create", Some(asked.as_str())));
        assert_eq!(event["data"]["filter"]["user_id"], BRAND);
        assert!(event["data"]["includes"]["users"].as_array().unwrap().iter().any(|user| user["username"] == "cat"));

        let (status, reply) = sim.reply(&asked, "We look into it").await;
        assert_eq!(status, 201);
        let (kind, post) = told(&line.post().await);
        assert_eq!((kind.as_str(), &post["id"]), ("post.create", &reply["data"]["id"]));
        let id = reply["data"]["id"].as_str().unwrap();
        sim.post(json!({"handle": "cat", "text": "@AcmeHelp thanks", "in_reply_to": id})).await;
        let kinds = [told(&line.post().await).0, told(&line.post().await).0];
        assert_eq!(kinds, ["post.mention.create", "post.reply.create"]);

        sim.user(Method::DELETE, &format!("/2/tweets/{id}"), None).await;
        let (kind, gone) = told(&line.post().await);
        assert_eq!((kind.as_str(), gone), ("post.delete", json!({"id": id, "author_id": BRAND})));

        sim.control("dm", json!({"handle": "cat", "text": "my number"})).await;
        let (kind, direct) = told(&line.post().await);
        assert_eq!(kind, "dm.received");
        let message = &direct["direct_message_events"][0];
        assert_eq!(message["message_create"]["message_data"]["text"], "my number");
        let cat = message["message_create"]["sender_id"].as_str().unwrap();
        assert_eq!(direct["users"][cat]["data"]["username"], "cat");
        let path = format!("/2/dm_conversations/with/{cat}/messages");
        assert_eq!(sim.user(Method::POST, &path, Some(json!({"text": "thank you"}))).await.status(), 201);
        assert_eq!(told(&line.post().await).0, "dm.sent");

        // Three posts, the last of them told twice; deletions and messages of ours are free.
        sim.jump(1).await;
        let bill: Value = sim.http.get(format!("{}/_sim/bill", sim.url)).send().await.unwrap().json().await.unwrap();
        let items = &bill["days"]["2026-03-02"]["items"];
        assert_eq!((items["post_read"].as_u64(), items["dm_read"].as_u64()), (Some(3), Some(1)));
    });
}

#[test]
fn the_line_is_kept_alive_and_takes_faults_of_its_own() {
    with(quiet(), |sim| async move {
        subscribe(&sim, "dm.received").await;
        sim.add_rule("acme", "a").await;
        let (mut line, mut posts) = (open(&sim).await, sim.listen("").await);
        sim.jump(20).await;
        assert_eq!(line.next().await, Ok(Some(String::new())));
        assert_eq!(posts.next().await, Ok(Some(String::new())));
        sim.post(json!({"handle": "cat", "text": "hello"})).await;
        sim.control("fault", json!({"kind": "duplicate", "target": "activity"})).await;
        sim.control("dm", json!({"handle": "cat", "text": "twice"})).await;
        assert_eq!(line.post().await, line.post().await);
        sim.control("fault", json!({"kind": "garble", "target": "activity"})).await;
        assert!(line.chunk().await.starts_with(&[0xff, 0xfe]));
        sim.control("fault", json!({"kind": "cut", "target": "activity"})).await;
        assert!(line.next().await.is_err());
        // The posts' stream went on.
        sim.post(json!({"handle": "cat", "text": "acme is slow"})).await;
        assert_eq!(posts.post().await["data"]["text"], "acme is slow");
    });
}
