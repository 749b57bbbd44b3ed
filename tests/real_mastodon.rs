//! The Mastodon adapter against `mastodon-mock`, a server nobody here wrote. Runs where `REPLYDECK_MASTODON_MOCK` names
//! its address; `tests/real/mastodon.sh` installs and starts it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use replydeck::model::account::Tier;
use replydeck::model::{Account, AccountName, ColumnName, LinkReport, LinkState, NetworkKind, Post, ReplyId};
use replydeck::net::mastodon::pace::Pace;
use replydeck::net::mastodon::{MastodonNetwork, MastodonSettings, Visibility};
use replydeck::net::{Clock, Feed, FindingVerdict, Inbound, Network, Outgoing, OutgoingMessage, ReadBack, SendError};
use replydeck::rules::Rule;
use serde_json::{Value, json};
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

const PATIENCE: Duration = Duration::from_secs(40);

struct Mock {
    url: String,
    http: reqwest::Client,
}

impl Mock {
    async fn call(&self, who: &str, method: reqwest::Method, path: &str, body: Value) -> Value {
        let request = self.http.request(method, format!("{}{path}", self.url)).bearer_auth(format!("{who}_token"));
        let answer = request.json(&body).send().await.unwrap();
        let (status, text) = (answer.status(), answer.text().await.unwrap());
        assert!(status.is_success(), "{path}: {status} {text}");
        serde_json::from_str(&text).unwrap_or_default()
    }

    async fn post(&self, who: &str, text: &str, more: Value) -> Value {
        let mut body = json!({"status": text, "visibility": "public"});
        for (key, value) in more.as_object().into_iter().flatten() {
            body[key] = value.clone();
        }
        self.call(who, reqwest::Method::POST, "/api/v1/statuses", body).await
    }

    async fn fault(&self, method: &str, path: &str, effect: Value, count: u32) {
        let rule = json!({"match": {"methods": [method], "path": path}, "effect": effect, "count": count});
        self.call("acme", reqwest::Method::POST, "/api/v1/_mock/faults", rule).await;
    }

    fn settings(&self, folder: &std::path::Path) -> MastodonSettings {
        let host = self.url.trim_start_matches("http://");
        MastodonSettings {
            account: Account {
                name: AccountName::new("acme"),
                network: NetworkKind::Mastodon,
                handle: format!("acme@{host}"),
                id: None,
                tier: Tier::Enterprise,
                can_send: true,
                confirm: false,
                web_url: self.url.clone(),
                limits: None,
            },
            base_url: self.url.parse().unwrap(),
            streaming_url: None,
            token: Some("acme_token".to_owned().into()),
            data_dir: folder.to_owned(),
            messages: true,
            watch_own: true,
            visibility: Visibility::Public,
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the server's clock is the real one")]
fn clock() -> Clock {
    Arc::new(Timestamp::now)
}

#[expect(clippy::print_stderr, reason = "what a server said is for whoever runs it by hand")]
fn say(what: &str) {
    eprintln!("mastodon-mock: {what}");
}

async fn next(column: &mut mpsc::Receiver<Inbound>) -> Inbound {
    timeout(PATIENCE, column.recv()).await.expect("nothing came").expect("the column was closed")
}

async fn next_post(column: &mut mpsc::Receiver<Inbound>) -> Post {
    match next(column).await {
        Inbound::Post(post) => *post,
        other => panic!("{other:?}"),
    }
}

async fn live(links: &mut mpsc::Receiver<LinkReport>) -> Option<String> {
    loop {
        let report = timeout(PATIENCE, links.recv()).await.expect("no word of the link").expect("the link was dropped");
        if report.state == LinkState::Live {
            return report.note;
        }
        say(&format!("link {}: {}", report.state.word(), report.note.unwrap_or_default()));
    }
}

fn feed(column: &str, query: &str) -> (Feed, mpsc::Receiver<Inbound>) {
    let (out, receiver) = mpsc::channel(256);
    (Feed { column: ColumnName::new(column), rule: Rule::parse(query).unwrap(), out }, receiver)
}

#[expect(clippy::disallowed_methods, reason = "the adapter listens beside the test and ends with it")]
#[tokio::test]
async fn the_adapter_and_a_server_nobody_here_wrote() {
    let Ok(url) = std::env::var("REPLYDECK_MASTODON_MOCK") else {
        say("skipped: REPLYDECK_MASTODON_MOCK is not set (tests/real/mastodon.sh sets it)");
        return;
    };
    drop(rustls::crypto::ring::default_provider().install_default());
    let mock = Mock { url, http: reqwest::Client::builder().no_proxy().build().unwrap() };
    let folder = tempfile::tempdir().unwrap();
    let pace = Pace {
        subscribed_after: Duration::from_millis(300),
        publish_within: Duration::from_secs(2),
        send_within: Duration::from_secs(5),
        ..Pace::SERVER
    };
    let network = Arc::new(MastodonNetwork::with_pace(mock.settings(folder.path()), clock(), 7, &pace).unwrap());

    let (slow_feed, mut slow) = feed("slow", "slow OR #acmedown");
    for finding in network.check(std::slice::from_ref(&slow_feed)).await {
        say(&format!("check: {:?} {}", finding.verdict, finding.what));
        assert_ne!(finding.verdict, FindingVerdict::Fails, "{finding:?}");
    }

    let (feeds, changed) = watch::channel(Arc::new(vec![slow_feed.clone()]));
    let (report, mut links) = mpsc::channel(4_096);
    let stop = CancellationToken::new();
    let (listening, stopped) = (Arc::clone(&network), stop.clone());
    let task = tokio::spawn(async move { listening.listen(changed, report, stopped).await });
    say(&format!("live: {}", live(&mut links).await.unwrap_or_default()));

    // Words, links, mentions, an edit, a deletion.
    let sent = mock.post("jo", "So <slow> & dear, see https://acme.example/status", json!({"language": "en"})).await;
    let post = next_post(&mut slow).await;
    say(&format!("a post came as {:?} by @{}", post.text, post.author.handle));
    assert!(post.text.contains("<slow> & dear") && post.text.contains("https://acme.example/status"), "{}", post.text);
    assert_eq!(post.id.native(), sent["url"].as_str().unwrap());
    let answered = mock.post("bo", "me too #acmedown", json!({"in_reply_to_id": sent["id"]})).await;
    let under = next_post(&mut slow).await;
    assert_eq!((&under.conversation, under.in_reply_to.as_ref()), (&post.conversation, Some(&post.id)));
    say("an answer to somebody else came by its hashtag, in the right conversation");
    let path = format!("/api/v1/statuses/{}", answered["id"].as_str().unwrap());
    mock.call("bo", reqwest::Method::PUT, &path, json!({"status": "me too, still #acmedown"})).await;
    match next(&mut slow).await {
        Inbound::Edited(edited) => assert!(edited.text.contains("still") && edited.id == under.id),
        other => panic!("{other:?}"),
    }
    mock.call("bo", reqwest::Method::DELETE, &path, json!({})).await;
    assert_eq!(next(&mut slow).await, Inbound::Deleted { post: under.id.clone() });
    say("its edit and its deletion came");

    // A reply, its answer lost, read back, and never twice.
    let outgoing = |text: &str, number: u128| Outgoing {
        reply: ReplyId(uuid::Uuid::from_u128(number)),
        to: post.id.clone(),
        to_version: post.version.clone(),
        text: text.to_owned(),
    };
    let first = outgoing("Sorry! We are on it: https://acme.example/help", 1);
    let ours = network.send(&first).await.unwrap();
    match next(&mut slow).await {
        Inbound::Own(own) => assert_eq!((&own.id, &own.conversation), (&ours, &post.conversation)),
        other => panic!("{other:?}"),
    }
    assert_eq!(network.send(&first).await.unwrap(), ours);
    let attempted = clock()().checked_sub(jiff::SignedDuration::from_secs(1)).unwrap();
    assert_eq!(network.read_back(&first, attempted).await, ReadBack::Published(ours.clone()));
    let never = network.read_back(&outgoing("Never sent", 2), attempted).await;
    say(&format!("a reply went out once; reading back one that was never sent: {never:?}"));
    assert!(!matches!(never, ReadBack::Published(_)));
    let by_address = network.send(&Outgoing { to_version: None, ..outgoing("Found by its address", 3) }).await;
    say(&format!("a reply by the post's address alone: {by_address:?}"));

    // Faults.
    let effect = json!({"type": "status", "status": 422, "body": {"error": "Validation failed: Text is no good"}});
    mock.fault("POST", "/api/v1/statuses", effect, 1).await;
    let refused = network.send(&outgoing("refused", 4)).await.unwrap_err();
    assert!(matches!(&refused, SendError::Refused { why, .. } if why.contains("Text is no good")), "{refused:?}");
    mock.fault("POST", "/api/v1/statuses", json!({"type": "status", "status": 502, "body": "oops"}), 1).await;
    assert!(matches!(network.send(&outgoing("unknown", 5)).await, Err(SendError::Unknown { .. })));
    mock.fault("POST", "/api/v1/statuses", json!({"type": "malformed"}), 1).await;
    assert!(matches!(network.send(&outgoing("malformed", 6)).await, Err(SendError::Unknown { .. })));
    say("422, 502 and a broken answer were told apart");

    // A direct post.
    let direct = mock.post("jo", "@acme my number is 7", json!({"visibility": "direct"})).await;
    let message = loop {
        match next(&mut slow).await {
            Inbound::Message { message, .. } => break message,
            Inbound::Own(_) => {}
            other => panic!("{other:?}"),
        }
    };
    assert!(message.text.contains("my number is 7") && direct["visibility"] == "direct", "{message:?}");
    let verdict = network.may_message(&message.with).await;
    say(&format!("may we write them directly? {verdict:?}"));
    let outgoing_message = OutgoingMessage {
        reply: ReplyId(uuid::Uuid::from_u128(9)),
        to: message.with.clone(),
        text: "Thank you!".into(),
    };
    let arrived = network.send_message(&outgoing_message).await;
    say(&format!("a direct post of ours: {arrived:?}"));
    assert_eq!(network.send_message(&outgoing_message).await, arrived);

    // What is written while nobody listens is read by the next run.
    stop.cancel();
    task.await.unwrap();
    for number in 0..55 {
        mock.post("bo", &format!("slow while nobody listened {number}"), json!({})).await;
    }
    let (feed, mut slow) = feed("slow", "slow OR #acmedown");
    feeds.send_replace(Arc::new(vec![feed]));
    let network = Arc::new(MastodonNetwork::with_pace(mock.settings(folder.path()), clock(), 8, &pace).unwrap());
    let (report, mut links) = mpsc::channel(4_096);
    let stop = CancellationToken::new();
    let (listening, changed, stopped) = (Arc::clone(&network), feeds.subscribe(), stop.clone());
    let task = tokio::spawn(async move { listening.listen(changed, report, stopped).await });
    live(&mut links).await;
    let mut seen: BTreeMap<String, u32> = BTreeMap::new();
    while seen.keys().filter(|text| text.contains("nobody listened")).count() < 55 {
        let told = timeout(PATIENCE, slow.recv()).await;
        let told = told.unwrap_or_else(|_| {
            let notes: Vec<_> = std::iter::from_fn(|| links.try_recv().ok()).filter_map(|report| report.note).collect();
            panic!("nothing came after {seen:?}; the link said {notes:?}")
        });
        let told = told.expect("the column was closed");
        match told {
            Inbound::Post(post) => *seen.entry(post.text).or_default() += 1,
            Inbound::Own(_) | Inbound::Message { .. } => {}
            other => panic!("{other:?} after {}", seen.len()),
        }
    }
    assert!(seen.values().all(|times| *times == 1), "{seen:?}");
    say("55 posts written while nobody listened were read once each, over several pages");

    // The limit of the server, and the login taken back.
    mock.fault("POST", "/api/v1/statuses", json!({"type": "ratelimit"}), 1).await;
    let limited = network.send(&outgoing("limited", 10)).await.unwrap_err();
    say(&format!("at the limit: {limited:?}"));
    let SendError::Limited { until, .. } = limited else { panic!() };
    assert!(until > clock()());
    let mut wrong = mock.settings(folder.path());
    wrong.token = Some("no_such_token".to_owned().into());
    let wrong = MastodonNetwork::with_pace(wrong, clock(), 9, &pace).unwrap();
    let refused = wrong.send(&outgoing("nobody", 11)).await.unwrap_err();
    say(&format!("with a token that is none: {refused:?}"));
    assert!(matches!(refused, SendError::Refused { .. }));
    stop.cancel();
    task.await.unwrap();
}
