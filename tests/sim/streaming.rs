//! Rules, the stream, connections.

use replydeck::sim::{NameFamily, Script};
use reqwest::Method;
use serde_json::{Value, json};

use crate::bench::{Bench, quiet, start, still, with};

const RULES: &str = "/2/tweets/search/stream/rules";
const FIELDS: &str = "?tweet.fields=created_at,author_id,conversation_id,in_reply_to_user_id,referenced_tweets,entities,lang,\
public_metrics,reply_settings,note_tweet,edit_history_tweet_ids&expansions=author_id,referenced_tweets.id&\
user.fields=name,username,verified,protected,public_metrics";

#[test]
fn rules_are_added_found_and_deleted() {
    with(quiet(), |sim| async move {
        let empty = sim.get(RULES).await;
        assert!(empty.get("data").is_none(), "no data with no rules: {empty}");
        assert_eq!(empty["meta"]["result_count"], 0);

        let dry = json!({"add": [{"value": "acme", "tag": "a"}]});
        let dry = sim.app(Method::POST, &format!("{RULES}?dry_run=true"), Some(dry)).await;
        assert_eq!(dry.status(), 201);
        assert_eq!(sim.get(RULES).await["meta"]["result_count"], 0, "a dry run changes nothing");

        let made = sim.add_rule("acme -is:retweet", "col-1").await;
        let id = made["data"][0]["id"].as_str().unwrap().to_owned();
        assert_eq!(made["meta"]["summary"], json!({"created": 1, "not_created": 0, "valid": 1, "invalid": 0}));

        let mixed = json!({"add": [{"value": "acme -is:retweet"}, {"value": "#acmedown"}, {"value": "(acme"}]});
        let mixed: Value = sim.app(Method::POST, RULES, Some(mixed)).await.json().await.unwrap();
        assert_eq!(mixed["meta"]["summary"], json!({"created": 1, "not_created": 2, "valid": 2, "invalid": 1}));
        assert_eq!(mixed["errors"][0]["title"], "DuplicateRule");
        assert_eq!(mixed["errors"][0]["id"], id.as_str(), "the rule that is there already");
        assert!(mixed["errors"][1]["type"].as_str().unwrap().ends_with("/invalid-rules"));
        assert!(!mixed["errors"][1]["details"].as_array().unwrap().is_empty());

        for bad in ["-acme", "lang:en", &"a".repeat(1025)] {
            let told = sim.add_rule(bad, "x").await;
            assert_eq!(told["meta"]["summary"]["invalid"], 1, "{bad}: {told}");
        }

        let page = sim.get(&format!("{RULES}?max_results=1")).await;
        assert_eq!(page["data"][0]["id"], id.as_str());
        let token = page["meta"]["next_token"].as_str().unwrap();
        let next = sim.get(&format!("{RULES}?max_results=1&pagination_token={token}")).await;
        assert_eq!(next["data"][0]["value"], "#acmedown");
        assert!(next["meta"].get("next_token").is_none());
        assert_eq!(sim.get(&format!("{RULES}?ids={id}")).await["meta"]["result_count"], 1);
        assert_eq!(sim.get(&format!("{RULES}/counts")).await["data"]["project_rules_count"], "2");

        let gone = json!({"delete": {"ids": [id, "12"]}});
        let gone: Value = sim.app(Method::POST, RULES, Some(gone)).await.json().await.unwrap();
        assert_eq!(gone["meta"]["summary"], json!({"deleted": 1, "not_deleted": 1}));
        let gone = json!({"delete": {"values": ["#acmedown"]}});
        let gone: Value = sim.app(Method::POST, RULES, Some(gone)).await.json().await.unwrap();
        assert_eq!(gone["meta"]["summary"], json!({"deleted": 1, "not_deleted": 0}));
        assert_eq!(sim.get(RULES).await["meta"]["result_count"], 0);

        for body in [json!({}), json!({"add": []}), json!({"add": [{"tag": "x"}]}), json!({"delete": {}})] {
            let refused = sim.app(Method::POST, RULES, Some(body)).await;
            assert_eq!(refused.status(), 400);
        }
    });
}

#[test]
fn the_thousand_and_first_rule_is_one_too_many() {
    with(quiet(), |sim| async move {
        let rules: Vec<Value> = (0..1001).map(|n| json!({"value": format!("acme{n}")})).collect();
        let told: Value = sim.app(Method::POST, RULES, Some(json!({"add": rules}))).await.json().await.unwrap();
        assert_eq!(told["meta"]["summary"]["created"], 1000);
        assert!(told["errors"][0]["type"].as_str().unwrap().ends_with("/rule-cap"));
    });
}

#[test]
fn a_stream_without_rules_and_a_second_stream_are_refused() {
    with(quiet(), |sim| async move {
        let stream = "/2/tweets/search/stream";
        let refused = sim.app(Method::GET, stream, None).await;
        assert_eq!(refused.status(), 409);
        let body: Value = refused.json().await.unwrap();
        assert_eq!(body["connection_issue"], "RuleConfigurationIssue");

        sim.add_rule("acme", "a").await;
        let mut first = sim.listen("").await;
        let refused = sim.app(Method::GET, stream, None).await;
        assert_eq!(refused.status(), 429);
        let left: u32 = refused.headers()["x-rate-limit-remaining"].to_str().unwrap().parse().unwrap();
        assert!(left > 40, "with budget left: {left}");
        let body: Value = refused.json().await.unwrap();
        assert_eq!(body["connection_issue"], "TooManyConnections");

        let open = sim.get("/2/connections").await;
        assert_eq!(open["data"][0]["endpoint_name"], "filtered_stream");
        let id = open["data"][0]["id"].clone();
        let ended = sim.app(Method::DELETE, "/2/connections", Some(json!({"uuids": [id]}))).await;
        assert_eq!(ended.json::<Value>().await.unwrap()["data"]["successful_kills"], 1);
        assert_eq!(first.next().await, Ok(None), "the stream ended");

        let second = sim.listen("").await;
        let ended = sim.app(Method::DELETE, "/2/connections/all", None).await;
        assert_eq!(ended.json::<Value>().await.unwrap()["data"]["successful_kills"], 1);
        drop(second);

        // Who hangs up makes room at once.
        drop(sim.listen("").await);
        drop(sim.listen("").await);
        for bad in ["?tweet.fields=nonsense", "?colour=red", "?backfill_minutes=2"] {
            let refused = sim.app(Method::GET, &format!("{stream}{bad}"), None).await;
            assert_eq!(refused.status(), 400, "{bad}");
        }
    });
}

#[test]
fn a_post_comes_once_with_all_its_rules_and_only_the_fields_asked_for() {
    with(quiet(), |sim| async move {
        let acme = sim.add_rule("acme -is:retweet", "col-1").await["data"][0]["id"].clone();
        let down = sim.add_rule("#acmedown", "col-2").await["data"][0]["id"].clone();
        let mut bare = sim.listen("").await;
        sim.post(json!({"text": "nothing to see here", "handle": "otter_x"})).await;
        let id = sim.post(json!({"text": "acme & co <3 #AcmeDown", "handle": "otter_x"})).await;
        let line = bare.post().await;
        assert_eq!(
            line["data"],
            json!({"id": id, "text": "acme &amp; co &lt;3 #AcmeDown", "edit_history_tweet_ids": [id]})
        );
        assert_eq!(line["matching_rules"], json!([{"id": acme, "tag": "col-1"}, {"id": down, "tag": "col-2"}]));
        assert!(line.get("includes").is_none());
        drop(bare);

        let mut full = sim.listen(FIELDS).await;
        let reply = json!({"text": "@AcmeHelp acme see https://status.example/x?y=1", "handle": "moth", "in_reply_to": id,
            "followers": 77, "lang": "de"});
        let reply = sim.post(reply).await;
        let line = full.post().await;
        let data = &line["data"];
        assert_eq!(data["id"], reply.as_str());
        assert_eq!(data["conversation_id"], id.as_str());
        assert_eq!(data["lang"], "de");
        assert_eq!(data["reply_settings"], "everyone");
        assert_eq!(data["created_at"], "2026-03-02T10:00:00.000Z");
        assert_eq!(data["referenced_tweets"], json!([{"type": "replied_to", "id": id}]));
        let mention = json!({"start": 0, "end": 9, "username": "AcmeHelp", "id": "3805104374"});
        assert_eq!(data["entities"]["mentions"], json!([mention]));
        assert_eq!(data["entities"]["urls"][0]["expanded_url"], "https://status.example/x?y=1");
        assert!(data["text"].as_str().unwrap().contains("https://t.co/"));
        assert_eq!(line["includes"]["users"][0]["username"], "moth");
        assert_eq!(line["includes"]["users"][0]["public_metrics"]["followers_count"], 77);
        assert_eq!(line["includes"]["tweets"][0]["id"], id.as_str());

        // An edit is a new id with a longer history; a long post is cut and told in full beside.
        let edit = sim.post(json!({"text": "acme, edited", "edits": reply})).await;
        let line = full.post().await;
        assert_eq!(line["data"]["edit_history_tweet_ids"], json!([reply, edit]));
        let long = format!("acme {}", "long word ".repeat(40));
        sim.post(json!({"text": long, "handle": "moth"})).await;
        let line = full.post().await;
        assert!(line["data"]["text"].as_str().unwrap().chars().count() <= 280);
        assert_eq!(line["data"]["note_tweet"]["text"], long);
    });
}

#[test]
fn a_change_of_rules_works_on_the_open_stream() {
    with(quiet(), |sim| async move {
        sim.add_rule("acme", "a").await;
        let mut lines = sim.listen("").await;
        sim.post(json!({"text": "boiler is cold"})).await;
        let id = sim.add_rule("boiler", "b").await["data"][0]["id"].clone();
        sim.post(json!({"text": "boiler is hot"})).await;
        assert_eq!(lines.post().await["data"]["text"], "boiler is hot");
        sim.app(Method::POST, RULES, Some(json!({"delete": {"ids": [id]}}))).await;
        sim.post(json!({"text": "boiler is gone"})).await;
        sim.post(json!({"text": "acme is back"})).await;
        assert_eq!(lines.post().await["data"]["text"], "acme is back");
    });
}

#[test]
fn a_blank_line_comes_after_twenty_quiet_seconds() {
    with(quiet(), |sim| async move {
        sim.add_rule("acme", "a").await;
        let mut lines = sim.listen("").await;
        sim.jump(19).await;
        sim.post(json!({"text": "acme one"})).await;
        assert_eq!(lines.post().await["data"]["text"], "acme one", "no blank line before its time");
        sim.jump(20).await;
        assert_eq!(lines.next().await, Ok(Some(String::new())));
    });
    // With a clock that runs: 20 s a thousand times as fast.
    let begun = tokio::time::Instant::now();
    let running =
        std::sync::Arc::new(move || start() + jiff::SignedDuration::try_from(begun.elapsed()).expect("a short test"));
    with(Script { speed: 1000.0, ..Script::new(7, 0.0, running) }, |sim| async move {
        sim.add_rule("acme", "a").await;
        let mut lines = sim.listen("").await;
        assert_eq!(lines.next().await, Ok(Some(String::new())));
        assert_eq!(lines.next().await, Ok(Some(String::new())));
    });
}

#[test]
fn whoever_listens_is_served_while_a_simulator_behind_its_clock_catches_up_and_pays_for_what_came() {
    let busy = Script::new(7, 6_000.0, still());
    with(busy, |sim| async move {
        // However busy the machine is.
        let sim = Bench { http: reqwest::Client::builder().no_proxy().build().unwrap(), ..sim };
        sim.add_rule("acme OR @AcmeHelp OR #acmedown", "a").await;
        let mut lines = sim.listen("").await;
        let caught_up = async {
            sim.jump(300).await;
            sim.post(json!({"text": "acme, the last word"})).await;
        };
        let heard = async {
            let mut heard = 0_u64;
            loop {
                match lines.next().await.expect("an open stream").expect("nobody hangs up").as_str() {
                    "" => {}
                    line if line.contains("the last word") => return heard + 1,
                    _ => heard += 1,
                }
            }
        };
        let ((), heard) = tokio::join!(caught_up, heard);
        // More than wait for a reader at most before it is cut off as too slow.
        assert!(heard > 4_096, "only {heard} posts: this shows nothing");
        assert_eq!(billed_posts(&sim).await, heard);
    });
}

#[test]
fn a_post_that_did_not_leave_before_the_line_broke_is_on_nobodys_bill() {
    with(quiet(), |sim| async move {
        sim.add_rule("acme", "a").await;
        let mut lines = sim.listen("").await;
        sim.post(json!({"text": "acme one"})).await;
        assert_eq!(lines.post().await["data"]["text"], "acme one");
        sim.control("fault", json!({"kind": "stall", "target": "stream"})).await;
        sim.post(json!({"text": "acme two"})).await;
        assert_eq!(billed_posts(&sim).await, 1, "it has not left");
        drop(lines);
        let mut lines = sim.listen("").await;
        sim.post(json!({"text": "acme three"})).await;
        assert_eq!(lines.post().await["data"]["text"], "acme three");
        assert_eq!(billed_posts(&sim).await, 2);
    });
}

/// Posts on today's bill.
async fn billed_posts(sim: &Bench) -> u64 {
    let bill: Value = sim.http.get(format!("{}/_sim/bill", sim.url)).send().await.unwrap().json().await.unwrap();
    bill["days"]["2026-03-02"]["items"]["post_read"].as_u64().unwrap_or(0)
}

#[test]
fn both_families_of_names_are_spoken() {
    with(Script { names: NameFamily::Post, ..Script::new(7, 0.0, still()) }, |sim| async move {
        sim.add_rule("acme", "a").await;
        let mut lines = sim.listen(FIELDS).await;
        let first = sim.post(json!({"text": "acme one", "handle": "moth"})).await;
        sim.post(json!({"text": "acme two", "handle": "otter", "quotes": first})).await;
        let line = lines.post().await;
        assert_eq!(line["data"]["edit_history_post_ids"], json!([first]));
        assert_eq!(line["data"]["public_metrics"]["repost_count"], 0);
        let line = lines.post().await;
        assert_eq!(line["data"]["referenced_posts"][0]["type"], "quoted");
        assert_eq!(line["includes"]["posts"][0]["id"], first.as_str());
        assert_eq!(line["includes"]["users"][0]["public_metrics"]["post_count"], 401);

        let search = "/2/tweets/search/recent?query=acme";
        assert_eq!(status(&sim, &format!("{search}&tweet.fields=lang")).await, 400);
        assert_eq!(status(&sim, &format!("{search}&post.fields=lang&expansions=referenced_posts")).await, 200);
    });
    with(quiet(), |sim| async move {
        let search = "/2/tweets/search/recent?query=acme";
        assert_eq!(status(&sim, &format!("{search}&tweet.fields=lang")).await, 200);
        assert_eq!(status(&sim, &format!("{search}&post.fields=lang")).await, 400);
    });
}

async fn status(sim: &Bench, path: &str) -> u16 {
    sim.app(Method::GET, path, None).await.status().as_u16()
}
