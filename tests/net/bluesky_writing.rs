//! Writing on Bluesky: replies in the right thread, once; the login; direct messages.

use std::sync::Arc;

use replydeck::model::{LoginState, PostId, Verdict};
use replydeck::net::bluesky::BlueskyNetwork;
use replydeck::net::{FindingVerdict, Inbound, Network, OutgoingMessage, ReadBack, SendError};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::bluesky_rig::{Bluesky, HANDLE, author, next, next_post, outgoing};

/// Somebody posts, and a network that heard it.
async fn heard(bluesky: &Bluesky, network: &Arc<BlueskyNetwork>, post: Value) -> replydeck::model::Post {
    let (mut listening, [mut all]) = bluesky.listen(network.clone(), [("all", "slow")]);
    listening.live().await;
    let handle = format!("{}.sim.example", post["handle"].as_str().unwrap());
    bluesky.control("post", post).await;
    // What an earlier run heard comes again.
    let post = loop {
        let post = next_post(&mut all).await;
        if post.author.handle == handle {
            break post;
        }
    };
    listening.end().await;
    post
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reply_lands_in_its_thread_and_sent_twice_is_one_post() {
    let bluesky = Bluesky::start().await;
    let dir = tempfile::tempdir().unwrap();
    let network = bluesky.network(dir.path(), |_| {});
    let root = bluesky.post("cat", "anybody else with trouble?").await;
    let wish = json!({"handle": "dog", "text": "yes, slow", "lang": "de", "in_reply_to": root});
    let post = heard(&bluesky, &network, wish).await;
    let words = "Sorry @dog.sim.example! 日本 See https://acme.example/status #outage and @nobody.example";
    let reply = outgoing(1, &post.id, words);
    let sent = network.send(&reply).await.unwrap();
    assert_eq!(network.send(&reply).await.unwrap(), sent, "the same again");
    let rows = bluesky.rows("writes").await;
    assert_eq!(rows.len(), 1, "{rows:?}");
    assert_eq!((rows[0]["kind"].as_str(), rows[0]["text"].as_str()), (Some("reply"), Some(words)));
    assert_eq!(rows[0]["conversation_id"].as_str(), Some(root.as_str()));
    assert_eq!(rows[0]["uri"].as_str(), Some(sent.native()));
    assert_eq!(rows[0]["langs"], json!(["de"]), "the language of the post that is answered");
    let pointed: Vec<&str> = rows[0]["facets"]
        .as_array()
        .unwrap()
        .iter()
        .map(|facet| {
            let byte = |name: &str| usize::try_from(facet["index"][name].as_u64().unwrap()).unwrap();
            &words[byte("byteStart")..byte("byteEnd")]
        })
        .collect();
    assert_eq!(pointed, ["@dog.sim.example", "https://acme.example/status", "#outage"]);
    assert_eq!(network.read_back(&reply, (bluesky.clock)()).await, ReadBack::Published(sent));
    assert_eq!(network.read_back(&outgoing(2, &post.id, words), (bluesky.clock)()).await, ReadBack::Absent);
    // A run that never heard the post finds out where it belongs.
    let file = tempfile::NamedTempFile::new().unwrap();
    let other = bluesky.network(&file.path().join("below-a-file"), |_| {});
    assert!(matches!(other.send(&outgoing(3, &post.id, "x")).await, Err(SendError::NotSent { .. })), "no data folder");
    let dir = tempfile::tempdir().unwrap();
    let other = bluesky.network(dir.path(), |_| {});
    other.send(&outgoing(3, &post.id, "And again, from elsewhere")).await.unwrap();
    let row = bluesky.rows("writes").await[1].clone();
    assert_eq!((row["conversation_id"].as_str(), &row["langs"]), (Some(root.as_str()), &json!(["de"])));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_was_lost_is_found_again_and_never_two_posts() {
    let bluesky = Bluesky::start().await;
    let dir = tempfile::tempdir().unwrap();
    let network = bluesky.network(dir.path(), |_| {});
    let post = heard(&bluesky, &network, json!({"handle": "dog", "text": "slow"})).await;
    let reply = outgoing(1, &post.id, "Sorry!");
    for fault in [json!({"kind": "lose_answer", "target": "posts"}), json!({"kind": "cut", "target": "posts"})] {
        bluesky.fault(fault).await;
        let lost = network.send(&reply).await.unwrap_err();
        assert!(matches!(lost, SendError::Unknown { .. }), "{lost:?}");
        let found = network.read_back(&reply, (bluesky.clock)()).await;
        assert!(matches!(found, ReadBack::Published(_)), "{found:?}");
    }
    // Killed before its outcome was written down: another run tries again.
    let again = bluesky.network(dir.path(), |_| {}).send(&reply).await.unwrap();
    assert_eq!(bluesky.rows("writes").await.len(), 1);
    // The same id with other words overwrites nothing.
    let other = replydeck::net::Outgoing { text: "Something else".into(), ..reply.clone() };
    let refused = network.send(&other).await.unwrap_err();
    assert!(matches!(&refused, SendError::Refused { may_retry: false, .. }), "{refused:?}");
    assert!(matches!(network.read_back(&other, (bluesky.clock)()).await, ReadBack::Unknown { .. }));
    assert_eq!(network.read_back(&reply, (bluesky.clock)()).await, ReadBack::Published(again));
    bluesky.fault(json!({"kind": "status", "target": "posts", "status": 502})).await;
    let trouble = network.send(&outgoing(2, &post.id, "Hello")).await.unwrap_err();
    assert!(matches!(trouble, SendError::Unknown { .. }), "{trouble:?}");
    assert_eq!(network.read_back(&outgoing(2, &post.id, "Hello"), (bluesky.clock)()).await, ReadBack::Absent);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_login_is_made_once_renewed_when_it_ends_and_shared() {
    use std::os::unix::fs::PermissionsExt as _;
    let bluesky = Bluesky::start().await;
    let dir = tempfile::tempdir().unwrap();
    let network = bluesky.network(dir.path(), |_| {});
    bluesky.control("oauth", json!({"access_seconds": 7200})).await;
    let post = heard(&bluesky, &network, json!({"handle": "dog", "text": "slow"})).await;
    network.send(&outgoing(1, &post.id, "One")).await.unwrap();
    network.send(&outgoing(2, &post.id, "Two")).await.unwrap();
    let counts = |ledger: &Value| {
        let count = |name: &str| ledger[name].as_array().map_or(0, Vec::len);
        (count("logins"), count("refreshes"))
    };
    assert_eq!(counts(&bluesky.ledger().await), (1, 0));
    let file = dir.path().join("bluesky-login-acme-bsky.json");
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(!format!("{network:?}").contains(&bluesky.secrets.app_password));
    // Two processes notice at the same time that it has ended: it is renewed once.
    bluesky.jump(3);
    let other = bluesky.network(dir.path(), |_| {});
    let (three, four) = (outgoing(3, &post.id, "Three"), outgoing(4, &post.id, "Four"));
    let (first, second) = tokio::join!(network.send(&three), other.send(&four));
    first.unwrap();
    second.unwrap();
    assert_eq!(counts(&bluesky.ledger().await), (1, 1));
    // Taken back by its owner: the password is used again.
    bluesky.control("oauth", json!({"revoke": true})).await;
    network.send(&outgoing(5, &post.id, "Five")).await.unwrap();
    assert_eq!(counts(&bluesky.ledger().await).0, 2);
    assert_eq!(bluesky.rows("writes").await.len(), 5);
    assert!(network.account().id.is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_password_is_told_with_what_to_do() {
    let bluesky = Bluesky::start().await;
    let dir = tempfile::tempdir().unwrap();
    let network = bluesky.network(dir.path(), |settings| settings.app_password = Some("wrong".to_owned().into()));
    let to = PostId::new(
        replydeck::model::NetworkKind::Bluesky,
        "at://did:plc:simulatedxxaaaaaaaaaaaac/app.bsky.feed.post/3k",
    );
    let refused = network.send(&outgoing(1, &to, "x")).await.unwrap_err();
    let SendError::Refused { remedy, .. } = &refused else { panic!("{refused:?}") };
    assert!(remedy.contains("app password"), "{remedy}");
    let (told, mut states) = mpsc::channel(4);
    let stop = CancellationToken::new();
    let report = tokio::select! {
        () = network.keep_login(told, stop.clone()) => panic!("it goes on"),
        report = states.recv() => report.unwrap(),
    };
    assert!(matches!(report.state, LoginState::Out { .. }), "{report:?}");
    let findings = network.check(&[]).await;
    assert!(findings.iter().any(|finding| finding.verdict == FindingVerdict::Fails), "{findings:?}");
    // The right one is taken up at once.
    let secrets = replydeck::net::Secrets::Bluesky { app_password: Some(bluesky.secrets.app_password.clone().into()) };
    assert_eq!(network.log_in_again(secrets), Ok(true));
    let findings = network.check(&[]).await;
    assert!(findings.iter().any(|finding| finding.what.contains(HANDLE)), "{findings:?}");
    assert!(!findings.iter().any(|finding| finding.verdict == FindingVerdict::Fails), "{findings:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_check_tries_the_password_whatever_login_is_kept() {
    let bluesky = Bluesky::start().await;
    let dir = tempfile::tempdir().unwrap();
    let failed = |findings: &[replydeck::net::Finding]| -> Vec<(String, String)> {
        let fails = findings.iter().filter(|finding| finding.verdict == FindingVerdict::Fails);
        fails.map(|finding| (finding.what.clone(), finding.remedy.clone().unwrap_or_default())).collect()
    };
    assert_eq!(failed(&bluesky.network(dir.path(), |_| {}).check(&[]).await), []);
    // The login of that check is in the folder, and says nothing of another password.
    let wrong = bluesky.network(dir.path(), |settings| settings.app_password = Some("wrong".to_owned().into()));
    let told = failed(&wrong.check(&[]).await);
    let [(what, remedy)] = told.as_slice() else { panic!("{told:?}") };
    assert!(what.contains("the login kept from before still works, until it ends"), "{what}");
    assert!(remedy.contains("app password"), "{remedy}");
    let fresh = tempfile::tempdir().unwrap();
    let nobody = bluesky.network(fresh.path(), |settings| {
        settings.account.handle = "nobody.example".to_owned();
        settings.account.id = None;
    });
    let told = failed(&nobody.check(&[]).await);
    let [(what, remedy)] = told.as_slice() else { panic!("{told:?}") };
    assert!(what.contains("nobody is called @nobody.example on Bluesky"), "{what}");
    assert!(remedy.contains("correct the handle"), "{remedy}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn limits_and_closed_conversations_are_respected_before_anything_leaves() {
    let bluesky = Bluesky::start().await;
    let dir = tempfile::tempdir().unwrap();
    let network = bluesky.network(dir.path(), |_| {});
    let post = heard(&bluesky, &network, json!({"handle": "dog", "text": "slow"})).await;
    let closed =
        heard(&bluesky, &network, json!({"handle": "cat", "text": "slow", "reply_settings": "mentionedUsers"})).await;
    let refused = network.send(&outgoing(1, &closed.id, "Sorry!")).await.unwrap_err();
    assert!(
        matches!(&refused, SendError::Refused { why, .. } if why.contains("lets only people mentioned in the post reply")),
        "{refused:?}"
    );
    for long in ["x".repeat(301), "👨‍👩‍👧‍👦".repeat(170)] {
        let refused = network.send(&outgoing(2, &post.id, &long)).await.unwrap_err();
        assert!(matches!(&refused, SendError::Refused { may_retry: false, .. }), "{refused:?}");
    }
    network.send(&outgoing(3, &post.id, &"👨‍👩‍👧‍👦".repeat(100))).await.unwrap();
    bluesky.fault(json!({"kind": "status", "target": "posts", "status": 429, "reset_in": 120})).await;
    let limited = network.send(&outgoing(4, &post.id, "Four")).await.unwrap_err();
    let SendError::Limited { until, .. } = limited else { panic!("{limited:?}") };
    assert!((119..=121).contains(&until.duration_since((bluesky.clock)()).as_secs()), "{until}");
    let limited = network.send(&outgoing(4, &post.id, "Four")).await.unwrap_err();
    assert!(matches!(limited, SendError::Limited { .. }), "nothing leaves before: {limited:?}");
    bluesky.jump(1);
    network.send(&outgoing(4, &post.id, "Four")).await.unwrap();
    assert_eq!(bluesky.rows("writes").await.len(), 2);
    // It is deleted while its reply is written, and a run that never heard it asks the network.
    let gone = heard(&bluesky, &network, json!({"handle": "fox", "text": "slow and gone"})).await;
    let number = bluesky.rows("posts").await.last().unwrap()["id"].clone();
    bluesky.control("post", json!({"delete": number})).await;
    let dir = tempfile::tempdir().unwrap();
    let refused = bluesky.network(dir.path(), |_| {}).send(&outgoing(6, &gone.id, "Sorry")).await.unwrap_err();
    assert!(matches!(&refused, SendError::Refused { may_retry: false, .. }), "{refused:?}");
}

fn message(number: u64, to: &str, text: &str) -> OutgoingMessage {
    let reply = outgoing(number, &PostId::new(replydeck::model::NetworkKind::Bluesky, "at://x/y/z"), text).reply;
    OutgoingMessage { reply, to: author(to), text: text.into() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn direct_messages_go_where_they_are_taken_and_refusals_say_why() {
    let bluesky = Bluesky::start().await;
    let dir = tempfile::tempdir().unwrap();
    let network = bluesky.network(dir.path(), |_| {});
    let open = heard(&bluesky, &network, json!({"handle": "open", "dm_open": true, "text": "slow"})).await.author.id;
    let closed = heard(&bluesky, &network, json!({"handle": "shy", "dm_open": false, "text": "slow"})).await.author.id;
    let blocks = heard(&bluesky, &network, json!({"handle": "angry", "text": "slow"})).await.author.id;
    bluesky.control("account", json!({"handle": "angry", "blocks_us": true})).await;

    assert_eq!(network.may_message(&open).await, Verdict::Yes);
    let Verdict::No { why } = network.may_message(&closed).await else { panic!() };
    assert!(why.contains("@shy.sim.example takes direct messages only from people they follow"), "{why}");
    let Verdict::No { why } = network.may_message(&blocks).await else { panic!() };
    assert!(why.contains("block"), "{why}");

    let sent = message(1, open.native(), "Hello, may we have your number?");
    network.send_message(&sent).await.unwrap();
    for (to, words) in [(&closed, "someone they follow"), (&blocks, "block")] {
        let refused = network.send_message(&message(2, to.native(), "Hi")).await.unwrap_err();
        let SendError::Refused { why, may_retry: false, .. } = &refused else { panic!("{refused:?}") };
        assert!(why.contains(words), "{why}");
    }
    // Other clients have seen refusals under the general name.
    for (name, words, is_final) in [
        ("InvalidRequest", "recipient has disabled incoming messages", true),
        ("MessagesDisabled", "x", true),
        ("ConvoLocked", "x", true),
        ("NotFollowedBySender", "x", true),
        ("BlockedActor", "x", true),
        ("BlockedSubject", "x", true),
        ("InvalidConvo", "x", true),
        ("AccountSuspended", "x", false),
        ("RecipientNotFound", "recipient not found", true),
    ] {
        let body = json!({"error": name, "message": words});
        bluesky.fault(json!({"kind": "status", "target": "dms", "status": 400, "body": body})).await;
        let refused = network.send_message(&message(3, open.native(), "Hi")).await.unwrap_err();
        let SendError::Refused { may_retry, .. } = refused else { panic!("{name}: {refused:?}") };
        assert_eq!(may_retry, !is_final, "{name}");
    }
    // The answer is lost: what is in the conversation decides.
    let late = message(4, open.native(), "Second message");
    let attempted = (bluesky.clock)();
    // The question for the conversation is answered, the one that sends is not.
    bluesky.fault(json!({"kind": "lose_answer", "target": "dms", "times": 1})).await;
    let asked = network.may_message(&open).await;
    assert!(matches!(asked, Verdict::Unknown { .. }), "{asked:?}");
    network.send_message(&late).await.unwrap();
    let found = network.read_back_message(&late, attempted).await;
    assert!(matches!(found, ReadBack::Published(_)), "{found:?}");
    let never = message(5, open.native(), "Never sent");
    assert_eq!(network.read_back_message(&never, attempted).await, ReadBack::Absent);
    assert_eq!(bluesky.rows("writes").await.len(), 2);

    // An app password without direct messages says so.
    let dir = tempfile::tempdir().unwrap();
    let plain = bluesky.secrets.plain_app_password.clone();
    let plain = bluesky.network(dir.path(), |settings| settings.app_password = Some(plain.into()));
    let refused = plain.send_message(&message(6, open.native(), "Hi")).await.unwrap_err();
    assert!(
        matches!(&refused, SendError::Refused { why, .. } if why.contains("does not allow direct messages")),
        "{refused:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_to_us_come_in_once_also_across_a_restart() {
    let bluesky = Bluesky::start().await;
    let dir = tempfile::tempdir().unwrap();
    let network = bluesky.network(dir.path(), |settings| settings.messages = true);
    bluesky.post("cat", "slow").await;
    bluesky.control("dm", json!({"handle": "cat", "text": "my number is 7"})).await;
    let told = async |words: &str| {
        let (mut listening, [mut all]) = bluesky.listen(network.clone(), [("all", "nothing-of-this")]);
        listening.live().await;
        let inbound = next(&mut all).await;
        listening.end().await;
        let Inbound::Message { account, message } = inbound else { panic!("{inbound:?}") };
        assert_eq!((account.as_str(), message.text.as_str(), message.is_ours), ("acme-bsky", words, false));
        assert_eq!(message.handle, "cat.sim.example");
        message.with
    };
    let cat = told("my number is 7").await;
    bluesky.control("dm", json!({"handle": "cat", "text": "and my name is Cat"})).await;
    assert_eq!(told("and my name is Cat").await, cat);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn following_and_taking_back() {
    let bluesky = Bluesky::start().await;
    let dir = tempfile::tempdir().unwrap();
    let network = bluesky.network(dir.path(), |_| {});
    let post = heard(&bluesky, &network, json!({"handle": "dog", "text": "slow"})).await;
    let follow = network.follow(&post.author.id).await.unwrap();
    let sent = network.send(&outgoing(1, &post.id, "Sorry!")).await.unwrap();
    network.delete(&sent).await.unwrap();
    network.delete(&sent).await.unwrap();
    network.delete(&PostId::new(replydeck::model::NetworkKind::Bluesky, &follow)).await.unwrap();
    let kinds: Vec<String> =
        bluesky.rows("writes").await.iter().map(|row| row["kind"].as_str().unwrap().to_owned()).collect();
    assert_eq!(kinds, ["follow", "reply", "delete", "delete"]);
    let theirs = network.delete(&post.id).await.unwrap_err();
    assert!(matches!(theirs, SendError::Refused { .. }), "{theirs:?}");
}
