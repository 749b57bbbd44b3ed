//! Replies, the gate, direct messages; and how people take them.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::{Value, json};

use crate::bench::{Bench, quiet, with};

const FIRST: &str = "Reply to this conversation is not allowed because you have not been mentioned or otherwise engaged by the author of the post you are replying to.";
const SECOND: &str = "You can only reply to or quote posts where you are mentioned or are the author.";

#[test]
fn only_who_called_us_can_be_answered() {
    with(quiet(), |sim| async move {
        let (_, ours) = sim.create(json!({"text": "We know of the outage."})).await;
        let ours = ours["data"]["id"].clone();
        let named = sim.post(json!({"text": "hey @acmehelp, nothing works", "handle": "moth"})).await;
        let unnamed = sim.post(json!({"text": "acme is slow", "handle": "otter"})).await;
        let inside = sim.post(json!({"text": "still slow", "handle": "otter", "in_reply_to": named})).await;
        let quoting = sim.post(json!({"text": "finally", "handle": "finch", "quotes": ours})).await;
        let closed = json!({"text": "acme, again", "handle": "finch", "reply_settings": "mentionedUsers"});
        let closed = sim.post(closed).await;
        let closed_but_named =
            json!({"text": "@AcmeHelp, again", "handle": "finch", "reply_settings": "mentionedUsers"});
        let closed_but_named = sim.post(closed_but_named).await;
        let deleted = sim.post(json!({"text": "@AcmeHelp oops", "handle": "finch"})).await;
        sim.control("post", json!({"delete": deleted})).await;

        for (to, status, words) in [
            (&named, 201, ""),
            (&unnamed, 403, FIRST),
            (&inside, 403, SECOND),
            (&quoting, 201, ""),
            (&closed, 403, FIRST),
            (&closed_but_named, 201, ""),
            (&deleted, 403, "You attempted to reply to a Tweet that is deleted or not visible to you."),
        ] {
            let (got, body) = sim.reply(to, &format!("answer to {to}")).await;
            assert_eq!(got, status, "{to}: {body}");
            assert_eq!(body["detail"].as_str().unwrap_or(""), words);
        }

        let ledger = sim.ledger().await;
        let answered: Vec<&Value> =
            ledger["writes"].as_array().unwrap().iter().map(|row| &row["in_reply_to"]).collect();
        assert_eq!(answered, [&Value::Null, &json!(named), &json!(quoting), &json!(closed_but_named)]);
        assert_eq!(ledger["writes"][1]["network"], "x");
        assert_eq!(ledger["writes"][1]["kind"], "reply");
        assert_eq!(ledger["writes"][1]["price"], "$0.01");
        assert_eq!(ledger["refused"].as_array().unwrap().len(), 4);
        assert_eq!(ledger["refused"][0]["why"], FIRST);
        let called: Vec<bool> =
            ledger["posts"].as_array().unwrap().iter().map(|row| row["summons_us"].as_bool().unwrap()).collect();
        assert_eq!(called[..8], [false, true, false, false, true, false, true, true]);
    });
}

#[test]
fn what_x_will_not_publish() {
    with(quiet(), |sim| async move {
        let to = sim.post(json!({"text": "@AcmeHelp help", "handle": "moth"})).await;
        let reply = json!({"in_reply_to_tweet_id": to});
        for (body, status) in [
            (json!({}), 400),
            (json!({"text": ""}), 400),
            (json!({"text": 5}), 400),
            (json!({"text": "x", "colour": "red"}), 400),
            (json!({"text": "x", "reply": {"in_reply_to_tweet_id": to, "nonsense": 1}}), 400),
            (json!({"text": "x", "reply": {"in_reply_to_tweet_id": "abc"}}), 400),
            (json!({"text": "x", "reply": {"in_reply_to_tweet_id": to, "exclude_reply_user_ids": ["5"]}}), 400),
            (json!({"text": "x", "reply": null}), 400),
            (json!({"text": "x", "reply_settings": "friends"}), 400),
            (json!({"text": "x", "media": {"media_ids": ["1"]}}), 400),
            (
                json!({"text": "x", "direct_message_deep_link": "https://x.com/messages/compose?recipient_id=1", "poll": {}}),
                400,
            ),
            (json!({"text": "é".repeat(281)}), 403),
            (json!({"text": "日".repeat(141)}), 403),
            (json!({"text": "$ACME and $OTHER"}), 403),
            (json!({"text": "x", "quote_tweet_id": to}), 403),
            (json!({"text": "日".repeat(140), "reply": reply}), 201),
        ] {
            let (got, told) = sim.create(body.clone()).await;
            assert_eq!(got, status, "{body}: {told}");
        }
        let text = "the same words";
        assert_eq!(sim.create(json!({"text": text})).await.0, 201);
        let (status, told) = sim.create(json!({"text": text})).await;
        assert_eq!(status, 403);
        assert_eq!(told["detail"], "You are not allowed to create a Tweet with duplicate content.");

        let link =
            json!({"text": "@moth write us\nhttps://x.com/messages/compose?recipient_id=3805104374", "reply": reply});
        let response = sim.user(Method::POST, "/2/tweets", Some(link)).await;
        assert_eq!(response.status(), 201);
        assert_eq!(response.headers()["x-sim-price"], "$0.20");
        let made: Value = response.json().await.unwrap();
        assert!(made["data"]["text"].as_str().unwrap().contains("https://t.co/"), "{made}");
        let id = made["data"]["id"].as_str().unwrap();
        assert_eq!(made["data"]["edit_history_tweet_ids"], json!([id]));

        let gone: Value = sim.user(Method::DELETE, &format!("/2/tweets/{id}"), None).await.json().await.unwrap();
        assert_eq!(gone["data"]["deleted"], true);
        let again: Value = sim.user(Method::DELETE, &format!("/2/tweets/{id}"), None).await.json().await.unwrap();
        assert_eq!(again["data"]["deleted"], false);
        assert_eq!(sim.user(Method::DELETE, &format!("/2/tweets/{to}"), None).await.status(), 403);
        let writes = sim.ledger().await["writes"].clone();
        assert_eq!(writes.as_array().unwrap().last().unwrap()["kind"], "delete");
    });
}

#[test]
fn direct_messages_go_only_to_who_takes_them() {
    with(quiet(), |sim| async move {
        let id = |told: Value| told["author_id"].as_str().unwrap().to_owned();
        let open = id(sim.control("post", json!({"text": "hi", "handle": "open_door"})).await);
        let shut = id(sim.control("post", json!({"text": "hi", "handle": "shut_door", "dm_open": false})).await);
        let (status, told) = dm(&sim, &open, json!({"text": "Hello"})).await;
        assert_eq!(status, 201);
        assert!(told["data"]["dm_conversation_id"].as_str().unwrap().contains(&open));
        let (status, told) = dm(&sim, &shut, json!({"text": "Hello"})).await;
        assert_eq!(status, 403);
        assert_eq!(
            told,
            json!({"title": "Forbidden", "type": "about:blank", "status": 403,
                "detail": "You do not have permission to DM one or more participants."})
        );
        let (status, told) = dm(&sim, "3805104374", json!({"text": "Hello"})).await;
        assert_eq!((status, told["detail"].as_str().unwrap()), (403, "This operation is not permitted."));
        assert_eq!(dm(&sim, &open, json!({"text": ""})).await.0, 400);
        assert_eq!(dm(&sim, &open, json!({"text": "x", "colour": 1})).await.0, 400);

        // Who writes first can be answered.
        sim.control("dm", json!({"handle": "shut_door", "text": "it is me"})).await;
        assert_eq!(dm(&sim, &shut, json!({"text": "Thank you"})).await.0, 201);
        let path = format!("/2/dm_conversations/with/{shut}/dm_events?dm_event.fields=sender_id,created_at");
        let events: Value = sim.user(Method::GET, &path, None).await.json().await.unwrap();
        let texts: Vec<&str> =
            events["data"].as_array().unwrap().iter().map(|event| event["text"].as_str().unwrap()).collect();
        assert_eq!(texts, ["Thank you", "it is me"]);
        assert_eq!(events["data"][1]["sender_id"], shut.as_str());
        let all: Value = sim.user(Method::GET, "/2/dm_events", None).await.json().await.unwrap();
        assert_eq!(all["meta"]["result_count"], 3);
        let kinds: Vec<Value> =
            sim.ledger().await["writes"].as_array().unwrap().iter().map(|row| row["kind"].clone()).collect();
        assert_eq!(kinds, ["dm", "dm"]);
    });
}

async fn dm(sim: &Bench, to: &str, body: Value) -> (u16, Value) {
    let response = sim.user(Method::POST, &format!("/2/dm_conversations/with/{to}/messages"), Some(body)).await;
    (response.status().as_u16(), response.json().await.unwrap())
}

/// Ninety customers call us, each gets `text`; what they posted and wrote within `seconds`.
async fn ninety_answers(sim: &Bench, text: &str, seconds: u32) -> (Vec<Value>, Vec<Value>) {
    for n in 0..90 {
        let wish = json!({"text": "@AcmeHelp my line is dead", "handle": format!("customer_{n}"), "lang": "en"});
        let id = sim.post(wish).await;
        let (status, told) = sim.reply(&id, &format!("@customer_{n} {text}")).await;
        assert_eq!(status, 201, "{told}");
    }
    let before = sim.ledger().await["posts"].as_array().unwrap().len();
    sim.jump(seconds).await;
    let ledger = sim.ledger().await;
    (ledger["posts"].as_array().unwrap()[before..].to_vec(), ledger["messages"].as_array().unwrap().clone())
}

#[test]
fn people_answer_an_acknowledgement_within_a_minute_or_so() {
    with(quiet(), |sim| async move {
        let (posts, messages) = ninety_answers(&sim, "Sorry about that, we are on it. ^AN", 90).await;
        assert!((45..=85).contains(&posts.len()), "{}", posts.len());
        assert!(messages.is_empty());
        let writes = sim.ledger().await["writes"].clone();
        let ours: BTreeSet<&str> = writes.as_array().unwrap().iter().map(|row| row["id"].as_str().unwrap()).collect();
        for post in &posts {
            assert!(ours.contains(post["in_reply_to"].as_str().unwrap()), "in our thread: {post}");
            assert_eq!(post["summons_us"], true, "and may be answered: {post}");
        }
        let texts: BTreeSet<&str> = posts.iter().map(|post| post["text"].as_str().unwrap()).collect();
        assert!(texts.len() > posts.len() / 3, "not all say the same: {texts:?}");
    });
}

#[test]
fn people_answer_a_dm_request_in_dm_or_in_public_and_thank_later() {
    with(quiet(), |sim| async move {
        let ask = "Please send us a DM.\nhttps://x.com/messages/compose?recipient_id=3805104374 ^AN";
        let (posts, messages) = ninety_answers(&sim, ask, 90).await;
        assert!((35..=62).contains(&messages.len()), "{} of 90 in DM", messages.len());
        assert!((14..=40).contains(&posts.len()), "{} of 90 in public", posts.len());
        let before = sim.ledger().await["posts"].as_array().unwrap().len();
        sim.jump(1200).await;
        let ledger = sim.ledger().await;
        let writers: BTreeSet<&str> = messages.iter().map(|message| message["from"].as_str().unwrap()).collect();
        let thanks = ledger["posts"].as_array().unwrap()[before..]
            .iter()
            .filter(|post| writers.contains(post["author_id"].as_str().unwrap()))
            .count();
        assert!(thanks * 2 > writers.len(), "{thanks} of {} came back to thank", writers.len());

        // Somebody asked not to be contacted: no message reaches them any more.
        let mut refused = 0;
        for n in 0..14 {
            let person = sim.get(&format!("/2/users/by/username/customer_{n}")).await;
            let (status, told) = dm(&sim, person["data"]["id"].as_str().unwrap(), json!({"text": "Hello?"})).await;
            if status == 403 {
                assert_eq!(told["detail"], "This operation is not permitted.");
                refused += 1;
            }
        }
        assert!(refused < 5, "only a few opt out");
    });
}
