//! A recording is played, and what it holds can be answered: by the simulator's gate, in the posts' own time.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use replydeck::model::{Account, LinkState, NetworkKind, PostId};
use replydeck::net::replay::Speed;
use replydeck::net::x::XNetwork;
use replydeck::net::{Network, Outgoing, ReadBack, SendError};
use replydeck::run::clock::Recorded;
use replydeck::run::recording::Recording;
use replydeck::sim::{Brand, Script, Sim};
use serde_json::{Value, json};
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::rig::{PACE, feeds, next, next_post, outgoing, settings};

const PATIENCE: Duration = Duration::from_secs(30);

/// One line of the recording: who says what, and what is around it.
fn said(id: &str, minute: u8, author: (&str, &str), text: &str, more: Value) -> String {
    let mut data = json!({"id": id, "text": text, "author_id": author.0, "conversation_id": id,
        "created_at": format!("2015-02-17T08:{minute:02}:00.000Z"), "edit_history_tweet_ids": [id]});
    if let (Value::Object(data), Value::Object(more)) = (&mut data, more) {
        data.extend(more);
    }
    let includes = json!({"users": [{"id": author.0, "username": author.1, "name": author.1}],
        "tweets": [{"id": "50", "author_id": "77", "text": "planned work tonight"}]});
    format!("{}\n", json!({"data": data, "includes": includes}))
}

fn recording() -> String {
    let (mia, leo, us) = (("9", "mia"), ("8", "leo"), ("77", "BlueKite"));
    [
        // The recording knows our account under another id than the config.
        said("50", 0, us, "planned work tonight, kite", json!({})),
        said("100", 1, mia, "@bluekite my kite line is dead", json!({})),
        said(
            "101",
            2,
            leo,
            "same kite here @BlueKite",
            json!({"conversation_id": "100", "referenced_tweets": [{"type": "replied_to", "id": "100"}]}),
        ),
        said("102", 3, leo, "never again kite", json!({})),
        said("103", 4, leo, "kite, really?", json!({"referenced_tweets": [{"type": "quoted", "id": "50"}]})),
        said("104", 5, leo, "@BlueKite kite for my friends", json!({"reply_settings": "following"})),
    ]
    .concat()
}

struct Played {
    network: Recording,
    us: Account,
    sim: Sim,
}

/// The adapter on a simulator that is our account's, behind a recording.
fn play(recorded: &Recorded, held: watch::Receiver<bool>) -> Played {
    let mut account = settings("http://127.0.0.1:1");
    account.account.handle = "BlueKite".into();
    let clock = recorded.clock();
    let brand = Brand { id: 42, handle: "BlueKite".into(), name: "Blue Kite".into() };
    let script = Script { brand, ..Script::new(1, 0.0, Arc::clone(&clock)) };
    let sim = Sim::bind("127.0.0.1:0".parse().unwrap(), script).unwrap();
    account.base_url = sim.url().parse().unwrap();
    account.bearer = sim.credentials().bearer.as_str().into();
    account.user = Some(replydeck::net::x::UserCredentials::OAuth2 {
        access_token: sim.credentials().access_token.as_str().into(),
    });
    let us = account.account.clone();
    let behind = Arc::new(XNetwork::with_pace(account, clock, 7, &PACE).unwrap());
    let tape = std::io::Cursor::new(recording());
    let network = Recording::new(Some(Box::new(tape)), Speed::Max, recorded.clone(), behind)
        .with_guests(vec![sim.guests()])
        .with_own(vec![us.clone()])
        .with_holds(held);
    Played { network, us, sim }
}

async fn ledger(url: &str) -> Value {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    client.get(format!("{url}/_sim/ledger")).send().await.unwrap().json().await.unwrap()
}

#[tokio::test]
async fn replies_to_replayed_posts_pass_the_gate_or_not_and_land_in_their_conversation() {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        drop(rustls::crypto::ring::default_provider().install_default());
    }
    let recorded = Recorded::default();
    let (hold, held) = watch::channel(false);
    let Played { network, us, sim } = play(&recorded, held);
    let url = sim.url();
    let stop = CancellationToken::new();
    let (links, mut told) = mpsc::channel(8);
    let (columns, [mut kite]) = feeds([("kite", "kite")]);
    let (_feeds, following) = watch::channel(Arc::new(columns));
    let network = Arc::new(network);
    let playing = Arc::clone(&network);
    let stopped = stop.clone();
    let tasks = TaskTracker::new();
    let listening = tasks.spawn(async move { playing.listen(following, links, stopped).await });
    let serving = tasks.spawn(sim.serve(stop.clone()));

    let replydeck::net::Inbound::Post(first) = next(&mut kite).await else { panic!() };
    assert_eq!(Some(&first.author.id), us.id.as_ref(), "our own post is ours whatever id it was recorded under");
    for id in ["100", "101", "102", "103", "104"] {
        assert_eq!(next_post(&mut kite).await, id);
    }
    let last: Timestamp = "2015-02-17T08:05:00Z".parse().unwrap();
    let now = (recorded.clock())();
    assert!(now >= last && now < last + SignedDuration::from_mins(1), "{now}");

    let began = now;
    let send = |to: &'static str| {
        let network = Arc::clone(&network);
        async move { network.send(&outgoing(to, &format!("sorry, about {to} ^AN"))).await }
    };
    let accepted: PostId = send("101").await.unwrap();
    for summoned in ["100", "103", "104"] {
        send(summoned).await.unwrap_or_else(|why| panic!("{summoned}: {why}"));
    }
    let Err(SendError::Refused { why, .. }) = send("102").await else { panic!("nobody asked for us") };
    assert!(why.contains("not been mentioned"), "{why}");
    let Err(SendError::Refused { why, .. }) = send("999").await else { panic!("there is no such post") };
    assert!(why.contains("deleted or not visible"), "{why}");

    let ledger = ledger(&url).await;
    let written = ledger["writes"].as_array().unwrap();
    assert_eq!(written.len(), 4);
    assert_eq!((&written[0]["in_reply_to"], &written[0]["conversation_id"]), (&json!("101"), &json!("100")));
    assert!(written[0]["at"].as_str().unwrap().starts_with("2015-02-17T08:05"), "{}", written[0]);

    // The same words are looked for in the time of the recording.
    let again = Outgoing { text: "sorry, about 101 ^AN".into(), ..outgoing("101", "") };
    let (reading, reader) = (recorded.clone(), Arc::clone(&network));
    reading.reach(began + SignedDuration::from_mins(5));
    let found = timeout(PATIENCE, async move { reader.read_back(&again, began).await }).await.unwrap();
    assert_eq!(found, ReadBack::Published(accepted));
    assert_eq!(first.id.network(), NetworkKind::X);

    let filled = network.backfill(&[], began, began).await;
    assert!(filled.missing.is_some_and(|missing| missing.why.contains("a recording has no search")));
    drop(hold);
    stop.cancel();
    listening.await.unwrap();
    serving.await.unwrap().unwrap();
    let mut last_state = None;
    while let Some(report) = told.recv().await {
        last_state = Some(report.state);
    }
    assert!(matches!(last_state, Some(LinkState::Ended { what }) if what.contains("6 posts, 6 in a column")));
}

#[tokio::test]
async fn the_tape_stands_while_a_reply_is_held() {
    let recorded = Recorded::default();
    let (hold, held) = watch::channel(true);
    let Played { network, .. } = play(&recorded, held);
    let stop = CancellationToken::new();
    let (links, mut told) = mpsc::channel(8);
    let (columns, [mut kite]) = feeds([("kite", "kite")]);
    let (_feeds, following) = watch::channel(Arc::new(columns));
    let stopped = stop.clone();
    let tasks = TaskTracker::new();
    let listening = tasks.spawn(async move { network.listen(following, links, stopped).await });
    told.recv().await.unwrap();
    // Every other task had its turn many times over; neither a post came nor did the clock move.
    for _ in 0..1_000 {
        tokio::task::yield_now().await;
    }
    assert!(kite.try_recv().is_err());
    assert!((recorded.clock())() > "2020-01-01T00:00:00Z".parse().unwrap());
    hold.send_replace(false);
    assert!(matches!(next(&mut kite).await, replydeck::net::Inbound::Post(_)));
    assert!((recorded.clock())() < "2016-01-01T00:00:00Z".parse().unwrap());
    stop.cancel();
    listening.await.unwrap();
}
