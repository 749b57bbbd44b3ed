//! X's own pages: what a person at the brand does by hand.

use reqwest::{Method, Response};
use serde_json::{Value, json};

use crate::bench::{Bench, quiet, with};

async fn page(sim: &Bench, path: &str) -> (u16, String) {
    read(sim.http.get(format!("{}{path}", sim.url)).send().await.unwrap()).await
}

async fn post(sim: &Bench, to: &str, text: &str) -> (u16, String) {
    let body = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("in_reply_to", to)
        .append_pair("text", text)
        .finish();
    let asked = sim.http.post(format!("{}/intent/tweet", sim.url)).body(body);
    read(asked.header("content-type", "application/x-www-form-urlencoded").send().await.unwrap()).await
}

/// Fills in and sends the form that `link` leads to.
async fn write(sim: &Bench, link: &str, from: &str, text: &str) -> (u16, String) {
    let to = link.split_once('=').unwrap().1;
    let body = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("recipient_id", to)
        .append_pair("from", from)
        .append_pair("text", text)
        .finish();
    let asked = sim.http.post(format!("{}/messages/compose", sim.url)).body(body);
    read(asked.header("content-type", "application/x-www-form-urlencoded").send().await.unwrap()).await
}

async fn as_brand(sim: &Bench, path: &str) -> Value {
    sim.user(Method::GET, path, None).await.json().await.unwrap()
}

async fn read(response: Response) -> (u16, String) {
    assert!(response.headers()["content-type"].to_str().unwrap().starts_with("text/html"));
    (response.status().as_u16(), response.text().await.unwrap())
}

#[test]
fn the_form_publishes_what_the_api_refuses_an_app() {
    with(quiet(), |sim| async move {
        let to = sim.post(json!({"text": "acme is slow", "handle": "otter"})).await;
        assert_eq!(sim.reply(&to, "we look").await.0, 403);
        let (status, form) = page(&sim, &format!("/intent/tweet?in_reply_to={to}&text=%40otter%20we%20look")).await;
        assert_eq!(status, 200);
        assert!(form.contains("\n@otter we look</textarea>") && form.contains("acme is slow"), "{form}");
        let (status, told) = post(&sim, &to, "@otter we look\r\nnow").await;
        assert_eq!(status, 200, "{told}");
        let ledger = sim.ledger().await;
        let written = &ledger["writes"][0];
        assert_eq!((&written["text"], &written["in_reply_to"]), (&json!("@otter we look\nnow"), &json!(to)));
        assert_eq!(written["price"], json!("$0.00"));
        let own: Vec<&Value> =
            ledger["posts"].as_array().unwrap().iter().filter(|post| post["is_own"] == true).collect();
        assert_eq!((own.len(), &own[0]["in_reply_to"]), (1, &json!(to)));

        assert_eq!(post(&sim, &to, "@otter we look\nnow").await.0, 403, "twice the same");
        assert_eq!(post(&sim, &to, " ").await.0, 403);
        assert_eq!(post(&sim, &to, &"x".repeat(281)).await.0, 403);
        assert_eq!(post(&sim, "17", "to nobody").await.0, 403);
        let closed = json!({"text": "acme, again", "handle": "finch", "reply_settings": "mentionedUsers"});
        let closed = sim.post(closed).await;
        assert_eq!(post(&sim, &closed, "not asked").await.0, 403);
        assert_eq!(sim.ledger().await["writes"].as_array().unwrap().len(), 1);
    });
}

#[test]
fn a_post_has_a_page_on_which_text_is_only_text() {
    with(quiet(), |sim| async move {
        let text = "acme <script>alert(1)</script> \"&\" '";
        let id = sim.post(json!({"text": text, "handle": "otter"})).await;
        let (status, shown) = page(&sim, &format!("/otter/status/{id}")).await;
        assert_eq!(status, 200);
        assert!(shown.contains("acme &lt;script&gt;alert(1)&lt;/script&gt; &quot;&amp;&quot; &#39;"), "{shown}");
        let (_, form) =
            page(&sim, "/intent/tweet?in_reply_to=%22%3E%3Cscript%3E&text=%3C%2Ftextarea%3E%3Cscript%3E").await;
        assert!(!form.contains("<script>") && form.contains("&lt;/textarea&gt;"), "{form}");
        sim.control("post", json!({"delete": id})).await;
        assert_eq!(page(&sim, &format!("/otter/status/{id}")).await.0, 404);
        assert_eq!(page(&sim, "/otter/status/abc").await.0, 404);
    });
}

#[test]
fn the_link_of_a_request_for_a_direct_message_leads_to_a_conversation_with_the_brand() {
    with(quiet(), |sim| async move {
        let to = sim.post(json!({"text": "@AcmeHelp is slow", "handle": "otter"})).await;
        let link = format!(
            "/messages/compose?recipient_id={}",
            as_brand(&sim, "/2/users/me").await["data"]["id"].as_str().unwrap()
        );
        let (status, told) = sim.reply(&to, &format!("@otter write us\nhttps://x.com{link}")).await;
        assert_eq!(status, 201, "{told}");
        let reply = told["data"]["id"].as_str().unwrap();
        let (_, shown) = page(&sim, &format!("/acme/status/{reply}")).await;
        assert!(shown.contains(&format!("<a href=\"{link}\">https://x.com{link}</a>")), "{shown}");

        let (status, form) = page(&sim, &link).await;
        assert_eq!(status, 200);
        assert!(form.contains("Direct message to") && form.contains("name=\"from\""), "{form}");
        let (status, told) = write(&sim, &link, "otter", "my line is\r\n<b>slow</b>").await;
        assert_eq!(status, 200, "{told}");
        assert!(told.contains("@otter: ") && told.contains("my line is\n&lt;b&gt;slow&lt;/b&gt;"), "{told}");
        let messages = as_brand(&sim, "/2/dm_events?dm_event.fields=sender_id").await;
        assert_eq!(messages["data"][0]["text"], json!("my line is\n<b>slow</b>"), "{messages}");
        let otter = messages["data"][0]["sender_id"].as_str().unwrap().to_owned();

        // The other way round, as a rep on X's own page: at no price, and in the same conversation.
        let back = format!("/messages/compose?recipient_id={otter}");
        assert_eq!(write(&sim, &back, "", "we look").await.0, 200);
        let (_, shown) = page(&sim, &format!("{back}&text=and%20%26%20now")).await;
        assert!(
            shown.contains("&lt;b&gt;slow") && shown.contains("we look") && shown.contains("\nand &amp; now<"),
            "{shown}"
        );
        let ledger = sim.ledger().await;
        let last = ledger["writes"].as_array().unwrap().last().unwrap();
        assert_eq!((&last["kind"], &last["text"], &last["price"]), (&json!("dm"), &json!("we look"), &json!("$0.00")));

        assert_eq!(write(&sim, &link, "nobody", "hello").await.0, 403);
        assert_eq!(write(&sim, &link, "otter", " ").await.0, 403);
        assert_eq!(page(&sim, "/messages/compose?recipient_id=17").await.0, 404);
        sim.post(json!({"text": "acme", "handle": "heron", "dm_open": false})).await;
        let heron = sim.get("/2/users/by/username/heron").await["data"]["id"].as_str().unwrap().to_owned();
        let (status, told) = write(&sim, &format!("/messages/compose?recipient_id={heron}"), "", "hello").await;
        assert!(status == 403 && told.contains("permission to DM"), "{status} {told}");
    });
}
