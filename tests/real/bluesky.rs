//! A real PDS: `tests/real/bluesky.sh` starts one and names the file that says where it is.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac as _};
use jiff::{SignedDuration, Timestamp};
use replydeck::model::account::Tier;
use replydeck::model::{Account, AccountName, AuthorId, IdSource, NetworkKind, PostId, ReplyId, Verdict};
use replydeck::net::bluesky::pace::Pace;
use replydeck::net::bluesky::{BlueskyNetwork, BlueskySettings};
use replydeck::net::{Clock, FindingVerdict, Network as _, Outgoing, OutgoingMessage, ReadBack, SendError};
use serde_json::{Value, json};
use sha2::Sha256;
use tokio::time::Instant;

/// What the script says of its server.
struct Real(Value);

impl Real {
    fn text(&self, name: &str) -> &str {
        self.0[name].as_str().unwrap_or_else(|| panic!("{name} in {}", self.0))
    }

    fn post(&self, name: &str) -> PostId {
        PostId::new(NetworkKind::Bluesky, self.0[name]["uri"].as_str().unwrap())
    }

    fn network(&self, dir: &Path, password: &str) -> BlueskyNetwork {
        let url: url::Url = self.text("url").parse().unwrap();
        let settings = BlueskySettings {
            account: Account {
                name: AccountName::new("real"),
                network: NetworkKind::Bluesky,
                handle: self.text("handle").into(),
                id: None,
                tier: Tier::PayPerUse,
                can_send: true,
                confirm: false,
                web_url: "https://bsky.app".into(),
                limits: None,
            },
            service: url.clone(),
            app_password: Some(self.text(password).to_owned().into()),
            jetstreams: vec!["ws://127.0.0.1:9".parse().unwrap()],
            appview: url,
            chat: self.text("chat").into(),
            zstd: false,
            data_dir: dir.to_owned(),
            messages: false,
            watch_own: false,
        };
        let pace = Pace { delivered_within: Duration::from_millis(300), ..Pace::BLUESKY };
        BlueskyNetwork::with_pace(settings, clock(), 5, &pace).unwrap()
    }

    /// A record as the server has it.
    async fn record(&self, uri: &str) -> Option<Value> {
        let mut parts = uri.trim_start_matches("at://").split('/');
        let (repo, collection, key) = (parts.next().unwrap(), parts.next().unwrap(), parts.next().unwrap());
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let url = format!("{}/xrpc/com.atproto.repo.getRecord", self.text("url"));
        let query = [("repo", repo), ("collection", collection), ("rkey", key)];
        let answer = http.get(url).query(&query).header("user-agent", "replydeck-test").send().await.unwrap();
        answer.status().is_success().then_some(answer.json().await.unwrap())
    }
}

/// The real time, by a clock that tests may read.
fn clock() -> Clock {
    let began = Instant::now();
    let base = std::fs::metadata(std::env::var_os("REPLYDECK_REAL_BLUESKY").unwrap()).unwrap().modified().unwrap();
    let base = Timestamp::try_from(base).unwrap();
    Arc::new(move || base + SignedDuration::try_from(began.elapsed()).unwrap())
}

fn outgoing(number: u64, to: &PostId, text: &str) -> Outgoing {
    Outgoing {
        reply: ReplyId(IdSource::new(number).next(clock()())),
        to: to.clone(),
        to_version: None,
        text: text.into(),
    }
}

/// The kept login with an access token that ended an hour ago, signed as the server would.
fn age(dir: &Path, secret: &str) {
    let file = dir.join("bluesky-login-real.json");
    let mut kept: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    let token = kept["access"].as_str().unwrap().to_owned();
    let mut parts = token.split('.');
    let (head, claims) = (parts.next().unwrap(), parts.next().unwrap());
    let mut claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap();
    claims["iat"] = json!(claims["iat"].as_i64().unwrap() - 10_800);
    claims["exp"] = json!(claims["iat"].as_i64().unwrap() + 7_200);
    let signed = format!("{head}.{}", URL_SAFE_NO_PAD.encode(claims.to_string()));
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(signed.as_bytes());
    kept["access"] = json!(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())));
    std::fs::write(&file, kept.to_string()).unwrap();
}

#[tokio::test]
#[expect(clippy::print_stderr, reason = "a skipped test says so, and one that ran says what it saw")]
async fn session_refresh_post_reply_follow_delete_and_the_refusal_of_messages() {
    let Some(file) = std::env::var_os("REPLYDECK_REAL_BLUESKY") else {
        eprintln!("skipped: tests/real/bluesky.sh starts a PDS and runs this");
        return;
    };
    let real = Real(serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap());
    let dir = tempfile::tempdir().unwrap();
    let network = real.network(dir.path(), "appPassword");
    eprintln!("@atproto/pds {} at {}", real.text("version"), real.text("url"));

    // The login, and what check says of a server whose directory and stream are not there.
    let findings = network.check(&[]).await;
    for finding in &findings {
        eprintln!("  check: {:?} {}", finding.verdict, finding.what);
    }
    assert!(findings.iter().any(|f| f.verdict == FindingVerdict::Works && f.what.contains("@acmehelp.test")));
    assert_eq!(network.account().id.as_ref().map(AuthorId::native), Some(real.text("did")));

    // A reply inside a conversation that this run never heard: root and parent are found out.
    let words = "Sorry @customer.test! 日本 👩‍💻 See https://acme.example/status #outage";
    let reply = outgoing(1, &real.post("answer"), words);
    let sent = network.send(&reply).await.unwrap();
    let record = real.record(sent.native()).await.unwrap()["value"].clone();
    assert_eq!(record["text"], words);
    assert_eq!(record["reply"]["root"], json!({"uri": real.0["root"]["uri"], "cid": real.0["root"]["cid"]}));
    assert_eq!(record["reply"]["parent"], json!({"uri": real.0["answer"]["uri"], "cid": real.0["answer"]["cid"]}));
    let pointed: Vec<(&str, &Value)> = record["facets"]
        .as_array()
        .unwrap()
        .iter()
        .map(|facet| {
            let byte = |name: &str| usize::try_from(facet["index"][name].as_u64().unwrap()).unwrap();
            (&words[byte("byteStart")..byte("byteEnd")], &facet["features"][0])
        })
        .collect();
    assert_eq!(
        pointed.iter().map(|(words, _)| *words).collect::<Vec<_>>(),
        ["@customer.test", "https://acme.example/status", "#outage"]
    );
    assert_eq!(pointed[0].1["did"], real.0["customer"]);
    eprintln!("  reply: {sent}");

    // The same again writes nothing; other words under the same key are refused and change nothing.
    let before = real.record(sent.native()).await.unwrap();
    assert_eq!(network.send(&reply).await.unwrap(), sent);
    assert_eq!(real.record(sent.native()).await.unwrap(), before);
    let other = Outgoing { text: "Something else".into(), ..reply.clone() };
    let refused = network.send(&other).await.unwrap_err();
    eprintln!("  other words under the key: {refused:?}");
    assert!(matches!(refused, SendError::Refused { may_retry: false, .. }));
    assert_eq!(real.record(sent.native()).await.unwrap(), before);
    assert_eq!(network.read_back(&reply, clock()()).await, ReadBack::Published(sent.clone()));
    assert_eq!(network.read_back(&outgoing(9, &real.post("root"), "x"), clock()()).await, ReadBack::Absent);

    // An access token that has ended is renewed on the way, and the login is not made again.
    age(dir.path(), real.text("jwtSecret"));
    let second = network.send(&outgoing(2, &real.post("root"), &"👨‍👩‍👧‍👦".repeat(100))).await.unwrap();
    let kept: Value =
        serde_json::from_slice(&std::fs::read(dir.path().join("bluesky-login-real.json")).unwrap()).unwrap();
    assert_eq!(kept["logins"].as_array().unwrap().len(), 1, "the password was used once");
    eprintln!("  after the token's end: {second}");

    // The server's own limits are those we count by.
    let long = network.send(&outgoing(3, &real.post("root"), &"x".repeat(301))).await.unwrap_err();
    assert!(matches!(&long, SendError::Refused { why, .. } if why.contains("301")), "{long:?}");

    // Follow, and take both back.
    let customer = AuthorId::new(NetworkKind::Bluesky, real.text("customer"));
    let follow = network.follow(&customer).await.unwrap();
    assert_eq!(real.record(&follow).await.unwrap()["value"]["subject"], real.0["customer"]);
    for gone in [sent.native(), second.native(), &follow] {
        let id = PostId::new(NetworkKind::Bluesky, gone);
        network.delete(&id).await.unwrap();
        network.delete(&id).await.unwrap();
        assert_eq!(real.record(gone).await, None);
    }
    assert_eq!(network.read_back(&reply, clock()()).await, ReadBack::Absent);

    // Direct messages: the way through the server is the real one, the refusal at its end the documented one.
    let message = OutgoingMessage { reply: reply.reply, to: customer.clone(), text: "Hello".into() };
    let verdict = network.may_message(&customer).await;
    eprintln!("  may we message: {verdict:?}");
    assert!(matches!(verdict, Verdict::No { .. }));
    let refused = network.send_message(&message).await.unwrap_err();
    eprintln!("  a message: {refused:?}");
    assert!(
        matches!(&refused, SendError::Refused { may_retry: false, remedy, .. } if remedy.contains("they have to write"))
    );
    let plain_dir = tempfile::tempdir().unwrap();
    let plain = real.network(plain_dir.path(), "plainAppPassword");
    let refused = plain.send_message(&message).await.unwrap_err();
    eprintln!("  a message with a plain app password: {refused:?}");
    assert!(matches!(&refused, SendError::Refused { why, .. } if why.contains("does not allow direct messages")));
    let wrong_dir = tempfile::tempdir().unwrap();
    let wrong = real.network(wrong_dir.path(), "jwtSecret");
    let refused = wrong.send(&outgoing(4, &real.post("root"), "x")).await.unwrap_err();
    eprintln!("  a wrong password: {refused:?}");
    assert!(matches!(refused, SendError::Refused { .. }));
}
