//! Each fault, and its lifting.

use reqwest::Method;
use serde_json::{Value, json};

use crate::bench::{Bench, Lines, quiet, with};

async fn listening(sim: &Bench) -> Lines {
    sim.add_rule("acme", "a").await;
    sim.listen("").await
}

async fn say(sim: &Bench, text: &str) {
    sim.post(json!({"text": format!("acme {text}"), "handle": "moth"})).await;
}

fn words(line: &Value) -> &str {
    line["data"]["text"].as_str().unwrap()
}

#[test]
fn cut_breaks_an_open_stream_and_a_body() {
    with(quiet(), |sim| async move {
        let mut lines = listening(&sim).await;
        sim.control("fault", json!({"kind": "cut", "target": "stream"})).await;
        assert!(lines.next().await.is_err(), "broken, not ended");

        let mut lines = sim.listen("").await;
        sim.control("fault", json!({"kind": "cut", "mid_line": true, "target": "stream"})).await;
        say(&sim, "one").await;
        assert!(lines.next().await.is_err());
        assert!(lines.rest().starts_with(b"{\"data\""), "half a line came before");

        sim.control("fault", json!({"kind": "cut", "target": "search"})).await;
        let half = sim.app(Method::GET, "/2/tweets/search/recent?query=acme", None).await;
        assert_eq!(half.status(), 200);
        assert!(half.bytes().await.is_err());
        assert_eq!(sim.get("/2/tweets/search/recent?query=acme").await["meta"]["result_count"], 0, "once only");

        let told = sim.control("fault", json!({"kind": "cut", "target": "stream", "times": "until_lifted"})).await;
        for _ in 0..2 {
            assert!(sim.listen("").await.next().await.is_err());
        }
        sim.control("fault", json!({"lift": told["fault"]})).await;
        let mut lines = sim.listen("").await;
        say(&sim, "two").await;
        assert_eq!(words(&lines.post().await), "acme two");
    });
}

#[test]
fn stall_is_silence_until_lifted() {
    with(quiet(), |sim| async move {
        let mut lines = listening(&sim).await;
        let told = sim.control("fault", json!({"kind": "stall", "target": "stream"})).await;
        say(&sim, "one").await;
        sim.jump(100).await;
        // Nothing may come; that nothing came is seen below, where the post comes before any blank line.
        sim.control("fault", json!({"lift": told["fault"]})).await;
        assert_eq!(words(&lines.post().await), "acme one");
        sim.jump(20).await;
        assert_eq!(lines.next().await, Ok(Some(String::new())), "and the beat is back");

        sim.control("fault", json!({"kind": "stall", "target": "posts"})).await;
        let body = json!({"text": "late"});
        let (response, ()) = tokio::join!(sim.create(body), async {
            // The request is at the simulator once the fault is used up.
            loop {
                let faults: Value =
                    sim.http.get(format!("{}/_sim/fault", sim.url)).send().await.unwrap().json().await.unwrap();
                if faults["faults"].as_array().unwrap().is_empty() {
                    break;
                }
            }
            assert!(sim.ledger().await["writes"].as_array().unwrap().is_empty(), "held back, not carried out");
            sim.control("fault", json!({"lift": "all"})).await;
        });
        assert_eq!(response.0, 201);
    });
}

#[test]
fn status_answers_without_effect() {
    with(quiet(), |sim| async move {
        sim.control("fault", json!({"kind": "status", "status": 503, "target": "posts", "times": 2})).await;
        assert_eq!(sim.create(json!({"text": "a"})).await.0, 503);
        assert_eq!(sim.create(json!({"text": "a"})).await.0, 503);
        assert_eq!(sim.create(json!({"text": "a"})).await.0, 201);
        assert_eq!(sim.ledger().await["writes"].as_array().unwrap().len(), 1);

        sim.control("fault", json!({"kind": "status", "status": 402, "target": "search"})).await;
        let broke = sim.app(Method::GET, "/2/tweets/search/recent?query=acme", None).await;
        assert_eq!(broke.status(), 402);
        assert_eq!(broke.json::<Value>().await.unwrap()["title"], "CreditsDepleted");

        sim.control("fault", json!({"kind": "status", "status": 429, "target": "all", "reset_in": 60})).await;
        let limited = sim.app(Method::GET, "/2/usage/tweets", None).await;
        assert_eq!(limited.status(), 429);
        assert_eq!(limited.headers()["x-rate-limit-remaining"], "0");

        let page = json!({"kind": "status", "status": 502, "target": "usage", "body": "<html>Bad Gateway</html>"});
        sim.control("fault", page).await;
        let page = sim.app(Method::GET, "/2/usage/tweets", None).await;
        assert_eq!(page.text().await.unwrap(), "<html>Bad Gateway</html>");
    });
}

#[test]
fn a_lost_answer_is_a_write_all_the_same() {
    with(quiet(), |sim| async move {
        sim.control("fault", json!({"kind": "lose_answer", "target": "posts"})).await;
        let body = json!({"text": "did it arrive?"});
        let lost = sim.send(Method::POST, "/2/tweets", Some(body), &sim.credentials.access_token).await;
        assert!(lost.is_err(), "{lost:?}");
        assert_eq!(sim.ledger().await["writes"][0]["text"], "did it arrive?");
        let own = sim.get("/2/users/3805104374/tweets").await;
        assert_eq!(own["data"][0]["text"], "did it arrive?", "and can be read back");
    });
}

#[test]
fn delay_keeps_an_answer_back() {
    with(quiet(), |sim| async move {
        sim.control("fault", json!({"kind": "delay", "ms": 120, "target": "users"})).await;
        let before = tokio::time::Instant::now();
        assert_eq!(sim.user(Method::GET, "/2/users/me", None).await.status(), 200);
        assert!(before.elapsed().as_millis() >= 120);
    });
}

#[test]
fn split_duplicate_and_reorder_change_how_posts_come() {
    with(quiet(), |sim| async move {
        let mut lines = listening(&sim).await;
        sim.control("fault", json!({"kind": "split", "target": "stream"})).await;
        say(&sim, "日本語 größe 👩‍💻").await;
        let mut bytes = Vec::new();
        let mut broken = 0;
        while !bytes.ends_with(b"\r\n") {
            let chunk = lines.chunk().await;
            bytes.extend_from_slice(&chunk);
            broken += usize::from(std::str::from_utf8(&bytes).is_err());
        }
        assert!(broken > 0, "at least one piece ended inside a character");
        let line: Value = serde_json::from_slice(&bytes).unwrap();
        assert_eq!(words(&line), "acme 日本語 größe 👩‍💻");

        sim.control("fault", json!({"kind": "duplicate", "target": "stream"})).await;
        say(&sim, "one").await;
        assert_eq!(lines.post().await, lines.post().await);
        sim.control("fault", json!({"kind": "reorder", "target": "stream"})).await;
        say(&sim, "two").await;
        say(&sim, "three").await;
        say(&sim, "four").await;
        let order = [lines.post().await, lines.post().await, lines.post().await];
        assert_eq!(order.each_ref().map(words), ["acme three", "acme two", "acme four"]);
        // The last one of all is not kept for ever.
        sim.control("fault", json!({"kind": "reorder", "target": "stream"})).await;
        say(&sim, "five").await;
        sim.jump(20).await;
        assert_eq!(words(&lines.post().await), "acme five");
        assert_eq!(lines.next().await, Ok(Some(String::new())));

        sim.control("fault", json!({"kind": "split", "target": "search"})).await;
        sim.jump(31).await;
        assert_eq!(sim.get("/2/tweets/search/recent?query=acme").await["meta"]["result_count"], 6);
    });
}

#[test]
fn the_stream_speaks_of_its_end_and_says_strange_things() {
    with(quiet(), |sim| async move {
        let mut lines = listening(&sim).await;
        sim.control("fault", json!({"kind": "disconnect", "close": false, "target": "stream"})).await;
        assert_eq!(lines.post().await["errors"][0]["disconnect_type"], "UpstreamOperationalDisconnect");
        sim.control("fault", json!({"kind": "line", "text": "{\"surprise\":", "target": "stream"})).await;
        assert_eq!(lines.next().await, Ok(Some("{\"surprise\":".to_owned())));
        sim.control("fault", json!({"kind": "partial", "target": "stream"})).await;
        say(&sim, "one").await;
        let partial = lines.post().await;
        assert_eq!(words(&partial), "acme one");
        assert!(partial["errors"][0]["type"].as_str().unwrap().ends_with("/resource-not-found"));
        let end = json!({"kind": "disconnect", "disconnect_type": "ForceDisconnect", "target": "stream"});
        sim.control("fault", end).await;
        assert_eq!(lines.post().await["errors"][0]["disconnect_type"], "ForceDisconnect");
        assert_eq!(lines.next().await, Ok(None));
    });
}

#[test]
fn what_makes_no_sense_is_refused_in_words() {
    with(quiet(), |sim| async move {
        for (path, body, word) in [
            ("fault", json!({"kind": "explode", "target": "stream"}), "explode"),
            ("fault", json!({"kind": "cut", "target": "moon"}), "moon"),
            ("fault", json!({"kind": "duplicate", "target": "search"}), "stream"),
            ("fault", json!({"kind": "status", "status": 99, "target": "search"}), "99"),
            ("fault", json!({"kind": "cut", "target": "stream", "times": 0}), "times"),
            ("fault", json!({"kind": "cut", "target": "stream", "times": "often"}), "often"),
            ("fault", json!({"lift": "f99"}), "f99"),
            ("clock", json!({"speed": 0}), "speed"),
            ("clock", json!({"jump": -5}), "forward"),
            ("clock", json!({"jump": "800h"}), "31 days"),
            ("clock", json!({"jmp": 5}), "jmp"),
            ("post", json!({"handle": "moth"}), "text"),
            ("post", json!({"text": "a", "in_reply_to": "17"}), "17"),
            ("post", json!({"text": "a", "reply_settings": "x"}), "everyone"),
            ("dm", json!({"handle": "nobody", "text": "a"}), "nobody"),
            ("scenario", json!({"per_minute": -1}), "per_minute"),
        ] {
            let (status, told) = sim.ask_control(path, body.clone()).await;
            assert_eq!(status, 400, "{body}");
            assert!(told["error"].as_str().unwrap().contains(word), "{body}: {told}");
        }
        assert_eq!(sim.ask_control("nothing", json!({})).await.0, 404);
    });
}
