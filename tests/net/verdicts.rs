//! *May we reply?* as it is told before drafting, against what the network then does: thirty posts, each really
//! answered.

use std::sync::Arc;

use replydeck::model::verdict::{Verdict, may_reply};
use replydeck::model::{Account, Post};
use replydeck::net::x::{UserCredentials, XNetwork};
use replydeck::net::{Inbound, Network, SendError};
use replydeck::sim::{Script, Sim};
use serde_json::{Value, json};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::rig::{PACE, feeds, next, outgoing, settings};

/// Posts to be judged; every text holds the word that brings it into the column.
fn posts(ours: &str) -> Vec<Value> {
    let mut posts = Vec::new();
    for words in [
        "@AcmeHelp my teapot is cold",
        "hello @acmehelp, teapot again",
        "the teapot of acme is cold",
        "#acmedown and my teapot too",
        "teapot @AcmeHelper is somebody else",
    ] {
        for who in [None, Some("mentionedUsers"), Some("following"), Some("subscribers"), Some("verified")] {
            posts.push(json!({"handle": "teapot_mo", "text": words, "reply_settings": who}));
        }
    }
    for (words, more) in [
        ("look at this teapot", json!({"quotes": ours})),
        ("teapot, and I quote, mentioned only", json!({"quotes": ours, "reply_settings": "mentionedUsers"})),
        ("your teapot answer helped nobody", json!({"in_reply_to": ours})),
        ("@AcmeHelp your teapot answer helped", json!({"in_reply_to": ours})),
        ("a teapot about nothing at all", json!({})),
    ] {
        let mut post = json!({"handle": "kettle_ann", "text": words});
        if let (Value::Object(post), Value::Object(more)) = (&mut post, more) {
            post.extend(more);
        }
        posts.push(post);
    }
    posts
}

/// What a rep was told, and whether it came true.
fn came_true(verdict: &Verdict, answered: &Result<replydeck::model::PostId, SendError>) -> bool {
    match (verdict, answered) {
        (Verdict::Yes | Verdict::Mind { .. }, Ok(_))
        | (Verdict::No { .. }, Err(SendError::Refused { may_retry: false, .. })) => true,
        // Not known is honest only about a plain yes or no.
        (Verdict::Unknown { .. }, Ok(_) | Err(SendError::Refused { .. })) => true,
        _ => false,
    }
}

#[tokio::test]
async fn what_is_told_before_drafting_is_what_the_network_does() {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        drop(rustls::crypto::ring::default_provider().install_default());
    }
    #[expect(clippy::disallowed_methods, reason = "the simulator and the adapter share the machine's clock here")]
    let clock: replydeck::net::Clock = Arc::new(jiff::Timestamp::now);
    let sim = Sim::bind("127.0.0.1:0".parse().unwrap(), Script::new(1, 0.0, Arc::clone(&clock))).unwrap();
    let url = sim.url();
    let mut ours = settings(&url);
    ours.bearer = sim.credentials().bearer.as_str().into();
    ours.user = Some(UserCredentials::OAuth2 { access_token: sim.credentials().access_token.as_str().into() });
    ours.account.handle = replydeck::sim::BRAND_HANDLE.into();
    ours.account.id =
        Some(replydeck::model::AuthorId::new(replydeck::model::NetworkKind::X, &replydeck::sim::BRAND_ID.to_string()));
    let account: Account = ours.account.clone();
    let network = Arc::new(XNetwork::with_pace(ours, clock, 7, &PACE).unwrap());

    let stop = CancellationToken::new();
    let tasks = TaskTracker::new();
    tasks.spawn(sim.serve(stop.clone()));
    let (links, mut told) = mpsc::channel(64);
    let (columns, [mut teapot]) = feeds([("teapot", "teapot")]);
    let (_feeds, following) = watch::channel(Arc::new(columns));
    let (listening, stopped) = (Arc::clone(&network), stop.clone());
    tasks.spawn(async move { listening.listen(following, links, stopped).await });
    while told.recv().await.expect("the link is told of").state != replydeck::model::LinkState::Live {}

    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let post = async |wish: &Value| -> String {
        let answer: Value =
            client.post(format!("{url}/_sim/post")).json(wish).send().await.unwrap().json().await.unwrap();
        answer["id"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
    };
    let own = post(&json!({"handle": "AcmeHelp", "text": "planned work tonight"})).await;
    let wishes = posts(&own);
    assert_eq!(wishes.len(), 30);
    let (mut yes, mut no, mut unknown) = (0, 0, 0);
    for (n, wish) in wishes.iter().enumerate() {
        let id = post(wish).await;
        let arrived: Post = loop {
            match next(&mut teapot).await {
                Inbound::Post(post) if post.id.native() == id => break *post,
                _ => {}
            }
        };
        let verdict = may_reply(&arrived, &account);
        let answered = network.send(&outgoing(&id, &format!("@{} answer number {n}", arrived.author.handle))).await;
        assert!(came_true(&verdict, &answered), "{wish}: told {verdict:?}, and then {answered:?}");
        match verdict {
            Verdict::Yes | Verdict::Mind { .. } => yes += 1,
            Verdict::No { .. } => no += 1,
            Verdict::Unknown { .. } => unknown += 1,
        }
    }
    assert!(yes >= 10 && no >= 15 && unknown <= 2, "{yes} yes, {no} no, {unknown} not known");
    stop.cancel();
    tasks.close();
    tasks.wait().await;
}
