//! Conversations that are closed to us on Bluesky: told before a word is drafted, against what the network then does.

use replydeck::model::{AuthorId, NetworkKind, Post, PostId, Verdict};
use replydeck::net::{Network, SendError};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::bluesky_rig::{Bluesky, HANDLE, Listening, next_post, outgoing};

const SETTINGS: [&str; 6] = ["everyone", "mentionedUsers", "following", "subscribers", "verified", "nobody"];

/// The brand's server asked without the adapter, as any other client could.
struct Raw<'a> {
    bluesky: &'a Bluesky,
    http: reqwest::Client,
    token: String,
    did: String,
}

impl<'a> Raw<'a> {
    async fn login(bluesky: &'a Bluesky) -> Self {
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let asked = json!({"identifier": HANDLE, "password": bluesky.secrets.app_password});
        let url = format!("{}/xrpc/com.atproto.server.createSession", bluesky.url);
        let session: Value = http.post(url).json(&asked).send().await.unwrap().json().await.unwrap();
        let text = |name: &str| session[name].as_str().unwrap_or_else(|| panic!("{session}")).to_owned();
        Self { bluesky, http, token: text("accessJwt"), did: text("did") }
    }

    async fn posts(&self, uri: &str) -> Value {
        let url = format!("{}/xrpc/app.bsky.feed.getPosts", self.bluesky.url);
        let asked = self.http.get(url).query(&[("uris", uri)]);
        asked.send().await.unwrap().json().await.unwrap()
    }

    /// Replies, and says whether anybody is shown it.
    async fn is_shown(&self, number: usize, to: &Post) -> bool {
        let posts = self.posts(to.id.native()).await;
        let parent = json!({"uri": to.id.native(), "cid": posts["posts"][0]["cid"]});
        let root = posts["posts"][0]["record"]["reply"]["root"].clone();
        let root = if root.is_null() { parent.clone() } else { root };
        let key = format!("3raw{}", "234567abcdefghij".chars().cycle().skip(number).take(8).collect::<String>());
        let key = format!("{key}{}", char::from(b'a' + u8::try_from(number % 26).unwrap()));
        let record = json!({"$type": "app.bsky.feed.post", "text": format!("raw {number}"),
            "createdAt": "2026-03-02T10:00:00.000Z", "reply": {"root": root, "parent": parent}});
        let body = json!({"repo": self.did, "collection": "app.bsky.feed.post", "rkey": key, "record": record});
        let url = format!("{}/xrpc/com.atproto.repo.putRecord", self.bluesky.url);
        let answer = self.http.post(url).bearer_auth(&self.token).json(&body).send().await.unwrap();
        // The server takes it whatever the author of the conversation wants.
        assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
        let written = self.bluesky.rows("writes").await;
        let row = written.last().unwrap();
        assert_eq!(row["text"].as_str(), Some(format!("raw {number}").as_str()));
        !row["is_hidden"].as_bool().unwrap()
    }
}

/// Somebody posts; what was heard of it.
async fn heard(bluesky: &Bluesky, column: &mut mpsc::Receiver<replydeck::net::Inbound>, wish: Value) -> (String, Post) {
    let text = wish["text"].as_str().unwrap().to_owned();
    let number = bluesky.control("post", wish).await["id"].as_str().unwrap().to_owned();
    loop {
        let post = next_post(column).await;
        // Handles in it are told whole.
        if post.text.ends_with(text.rsplit(' ').next().unwrap()) {
            return (number, post);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_told_before_drafting_is_what_bluesky_does() {
    let bluesky = Bluesky::start().await;
    let dir = tempfile::tempdir().unwrap();
    let network = bluesky.network(dir.path(), |_| {});
    let (mut listening, [mut column]): (Listening, _) = bluesky.listen(network.clone(), [("all", "teapot")]);
    listening.live().await;
    let mut all: Vec<Post> = Vec::new();
    for handle in ["plain", "named", "fan", "angry"] {
        let (_, opener) =
            heard(&bluesky, &mut column, json!({"handle": handle, "text": format!("teapot {handle}")})).await;
        if handle == "plain" {
            network.follow(&opener.author.id).await.unwrap();
        }
    }
    bluesky.control("account", json!({"handle": "fan", "follows_us": true})).await;
    bluesky.control("account", json!({"handle": "angry", "blocks_us": true})).await;
    for settings in SETTINGS {
        for handle in ["plain", "named", "fan", "angry"] {
            let to = if handle == "named" { "@AcmeHelp " } else { "" };
            let wish = json!({"handle": handle, "text": format!("{to}my teapot {handle}{settings}"),
                "reply_settings": settings});
            let (number, post) = heard(&bluesky, &mut column, wish).await;
            all.push(post);
            if handle == "plain" {
                let wish =
                    json!({"handle": "guest", "text": format!("my teapot too guest{settings}"), "in_reply_to": number});
                all.push(heard(&bluesky, &mut column, wish).await.1);
            }
        }
    }
    assert_eq!(all.len(), 30);
    let ids: Vec<PostId> = all.iter().map(|post| post.id.clone()).collect();
    let told = network.told_of(&ids).await;
    assert_eq!(told.iter().map(|told| &told.post).collect::<Vec<_>>(), ids.iter().collect::<Vec<_>>());
    let raw = Raw::login(&bluesky).await;
    let (mut yes, mut no) = (0, 0);
    for (n, (post, told)) in all.iter().zip(&told).enumerate() {
        let is_shown = raw.is_shown(n, post).await;
        let answered = network.send(&outgoing(100 + u64::try_from(n).unwrap(), &post.id, "Sorry!")).await;
        match (&told.may_reply, is_shown, &answered) {
            (Verdict::Yes, true, Ok(_)) => yes += 1,
            (Verdict::No { why }, false, Err(SendError::Refused { may_retry: false, why: refused, .. })) => {
                assert_eq!(why, refused, "the same words before and after");
                no += 1;
            }
            other => panic!("{}: {other:?}", post.text),
        }
    }
    assert_eq!((yes, no), (8, 22));
    let why = |words: &str| {
        let at = all.iter().position(|post| post.text.ends_with(words)).unwrap();
        match &told[at].may_reply {
            Verdict::No { why } => why.clone(),
            other => panic!("{words}: {other:?}"),
        }
    };
    let shown_to_nobody = "Bluesky would take ours and show it to nobody";
    for (words, said) in [
        ("plainmentionedUsers", "@plain.sim.example lets only people mentioned in the post reply"),
        ("plainfollowing", "@plain.sim.example lets only people they follow reply"),
        ("namedsubscribers", "@named.sim.example lets only their followers reply"),
        ("fanverified", "@fan.sim.example lets only people on a list of theirs reply"),
        ("plainnobody", "@plain.sim.example lets nobody reply"),
        ("guestnobody", "whoever began the conversation has limited who may reply"),
    ] {
        assert_eq!(why(words), format!("{said}: {shown_to_nobody}"));
    }
    assert_eq!(why("angryeveryone"), "we and @angry.sim.example do not reach each other: there is a block");
    listening.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_posts_are_one_question_and_no_answer_is_told_as_none() {
    let bluesky = Bluesky::start().await;
    let dir = tempfile::tempdir().unwrap();
    let network = bluesky.network(dir.path(), |_| {});
    let (mut listening, [mut column]) = bluesky.listen(network.clone(), [("all", "teapot")]);
    listening.live().await;
    let mut ids = Vec::new();
    for n in 0..27 {
        ids.push(heard(&bluesky, &mut column, json!({"handle": "cat", "text": format!("teapot n{n}")})).await.1.id);
    }
    let unknown = |told: &[replydeck::model::ToldOfPost]| {
        told.iter().filter(|told| matches!(told.may_reply, Verdict::Unknown { .. })).count()
    };
    // The first question is for 25, and gets no answer; the second is for the rest.
    bluesky.fault(json!({"kind": "status", "target": "search", "status": 502})).await;
    let told = network.told_of(&ids).await;
    assert_eq!((told.len(), unknown(&told)), (27, 25));
    let Verdict::Unknown { why } = &told[0].may_reply else { panic!("{told:?}") };
    assert!(why.contains("did not say whether it would show ours: Upstream service unreachable"), "{why}");
    assert_eq!(unknown(&network.told_of(&ids).await), 0);
    assert_eq!(network.told_of(&[]).await, []);
    let never =
        PostId::new(NetworkKind::Bluesky, "at://did:plc:simulatedxxaaaaaaaaaaaac/app.bsky.feed.post/3kaaaaaaaaaaa");
    assert_eq!(unknown(&network.told_of(&[never]).await), 1, "what is not there is not closed");
    // Without a password nothing is sent, and nobody has to log in to read what is quoted.
    let dir = tempfile::tempdir().unwrap();
    let mute = bluesky.network(dir.path(), |settings| settings.app_password = None);
    let told = mute.told_of(&ids[..1]).await;
    assert!(matches!(&told[0].may_reply, Verdict::No { why } if why.contains("no app password")), "{told:?}");
    listening.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gate_found_at_the_last_moment_refuses_and_a_look_that_fails_does_not() {
    let bluesky = Bluesky::start().await;
    let dir = tempfile::tempdir().unwrap();
    let network = bluesky.network(dir.path(), |_| {});
    let (mut listening, [mut column]) = bluesky.listen(network.clone(), [("all", "teapot")]);
    listening.live().await;
    let (_, open) = heard(&bluesky, &mut column, json!({"handle": "cat", "text": "teapot one"})).await;
    assert_eq!(network.told_of(std::slice::from_ref(&open.id)).await[0].may_reply, Verdict::Yes);
    // Nobody knows whether it is open: the reply goes all the same, and that is said.
    bluesky.fault(json!({"kind": "status", "target": "search", "status": 502})).await;
    let first = outgoing(1, &open.id, "Sorry!");
    let sent = network.send(&first).await.unwrap();
    bluesky.post("cat", "teapot two").await;
    let note = listening.note("without knowing whether its conversation is open to us").await;
    assert!(note.contains("Upstream service unreachable"), "{note}");
    // Between draft and sending they block us: nothing more is written.
    bluesky.control("account", json!({"handle": "cat", "blocks_us": true})).await;
    let refused = network.send(&outgoing(2, &open.id, "Hello?")).await.unwrap_err();
    let SendError::Refused { why, remedy, may_retry: false } = &refused else { panic!("{refused:?}") };
    assert!(why.contains("there is a block") && remedy.contains("direct message"), "{why} {remedy}");
    // What went out before is not told as refused, however late its outcome is asked for.
    assert_eq!(network.send(&first).await.unwrap(), sent);
    assert_eq!(bluesky.rows("writes").await.len(), 1);
    listening.end().await;
}

/// As the network shows it to us in its first moment: not at all.
fn not_yet() -> Value {
    json!({"kind": "status", "target": "search", "status": 200, "body": {"posts": []}})
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_very_young_post_is_no_block() {
    let bluesky = Bluesky::start().await;
    let dir = tempfile::tempdir().unwrap();
    let network = bluesky.network(dir.path(), |_| {});
    let (mut listening, [mut column]) = bluesky.listen(network.clone(), [("all", "teapot")]);
    listening.live().await;
    let (_, young) = heard(&bluesky, &mut column, json!({"handle": "cat", "text": "teapot one"})).await;
    let told = async || network.told_of(std::slice::from_ref(&young.id)).await.remove(0).may_reply;
    bluesky.fault(not_yet()).await;
    assert_eq!(told().await, Verdict::Yes, "everybody sees it already, and so do we when we look again");
    bluesky.fault(not_yet()).await;
    network.send(&outgoing(1, &young.id, "Sorry!")).await.unwrap();
    // Where the second look fails nothing is known, and the reply goes with a word.
    let trouble = json!({"kind": "status", "target": "search", "status": 502});
    let elsewhere = tempfile::tempdir().unwrap();
    let fresh = bluesky.network(elsewhere.path(), |_| {});
    bluesky.fault(not_yet()).await;
    bluesky.fault(trouble.clone()).await;
    let Verdict::Unknown { why } = told().await else { panic!("known without an answer") };
    assert!(why.contains("Upstream service unreachable"), "{why}");
    bluesky.fault(not_yet()).await;
    bluesky.fault(trouble.clone()).await;
    network.send(&outgoing(2, &young.id, "Still there?")).await.unwrap();
    bluesky.post("cat", "teapot two").await;
    let note = listening.note("without knowing whether its conversation is open to us").await;
    assert!(note.contains("Upstream service unreachable"), "{note}");
    // What nobody heard and nobody can look up is not gone: it may be sent later.
    bluesky.fault(not_yet()).await;
    bluesky.fault(trouble).await;
    let refused = fresh.send(&outgoing(3, &young.id, "Hello")).await.unwrap_err();
    assert!(matches!(refused, SendError::NotSent { .. }), "{refused:?}");
    assert_eq!(bluesky.rows("writes").await.len(), 2);
    listening.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_words_of_a_quoted_post_come_with_the_answer() {
    let bluesky = Bluesky::start().await;
    let dir = tempfile::tempdir().unwrap();
    let network = bluesky.network(dir.path(), |_| {});
    let (mut listening, [mut column]) = bluesky.listen(network.clone(), [("all", "teapot")]);
    listening.live().await;
    let original = bluesky.post("dog", "the kettle is broken").await;
    let wish = json!({"handle": "cat", "text": "look teapot", "quotes": original});
    let (_, quoting) = heard(&bluesky, &mut column, wish).await;
    let quoted = quoting.quotes.clone().expect("a quote");
    assert_eq!(quoted.text, "", "the stream has only its address");
    let ask = async || network.told_of(std::slice::from_ref(&quoting.id)).await.remove(0).quoted;
    let told = ask().await.expect("its words");
    assert_eq!((&told.id, told.text.as_str()), (&quoted.id, "the kettle is broken"));
    assert_eq!(told.author, quoted.author as Option<AuthorId>);
    bluesky.control("account", json!({"handle": "dog", "blocks_us": true})).await;
    assert_eq!(ask().await, None, "kept from us");
    bluesky.control("account", json!({"handle": "dog", "blocks_us": false})).await;
    bluesky.control("post", json!({"delete": original})).await;
    assert_eq!(ask().await, None, "gone");
    listening.end().await;
}
