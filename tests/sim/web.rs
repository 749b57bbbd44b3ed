//! X's own pages: what a person at the brand does by hand.

use reqwest::Response;
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
