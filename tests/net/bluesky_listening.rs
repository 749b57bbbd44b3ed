//! Listening to Bluesky: what comes, in which words, and what is told of it.

use replydeck::model::{LinkState, PostId};
use replydeck::net::{Inbound, Network as _};
use serde_json::json;

use crate::bluesky_rig::{Bluesky, HANDLE, PACE, gaps, next, next_post, texts, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn posts_come_with_their_authors_and_a_rename_is_noticed() {
    let bluesky = Bluesky::start().await;
    let dir = tempfile::tempdir().unwrap();
    let (mut listening, [mut slow]) = bluesky.listen(bluesky.network(dir.path(), |_| {}), [("slow", "acme slow")]);
    listening.live().await;
    bluesky
        .control("post", json!({"handle": "jo_m", "name": "Jo M", "followers": 1204, "text": "Acme is so slow"}))
        .await;
    bluesky.post("jo_m", "a fine day").await;
    let post = next_post(&mut slow).await;
    assert_eq!((post.author.handle.as_str(), post.author.name.as_str()), ("jo-m.sim.example", "Jo M"));
    assert_eq!(post.author.followers, Some(1204));
    assert!(post.id.native().starts_with(&format!("at://{}/app.bsky.feed.post/", post.author.id.native())));
    assert!(post.version.as_deref().unwrap().starts_with("bafyrei"));
    // The next one is told under the new name, though the old one was looked up a moment ago.
    bluesky.control("account", json!({"handle": "jo_m", "rename": "jo.example"})).await;
    bluesky.post("jo.example", "acme still slow").await;
    let post = next_post(&mut slow).await;
    assert_eq!((post.author.handle.as_str(), post.text.as_str()), ("jo.example", "acme still slow"));
    listening.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn edits_deletions_and_lost_accounts_reach_whoever_has_the_post() {
    let bluesky = Bluesky::start().await;
    let dir = tempfile::tempdir().unwrap();
    let (mut listening, [mut slow]) = bluesky.listen(bluesky.network(dir.path(), |_| {}), [("slow", "slow")]);
    listening.live().await;
    let first = bluesky.post("cat", "so slow 🐌").await;
    let second = bluesky.post("dog", "slow too").await;
    bluesky.post("dog", "slow three").await;
    let unheard = bluesky.post("dog", "nothing of note").await;
    let ids = [next_post(&mut slow).await.id, next_post(&mut slow).await.id, next_post(&mut slow).await.id];
    // Its new words do not match; the column has it all the same.
    bluesky.control("post", json!({"edits": first, "text": "fast again"})).await;
    match next(&mut slow).await {
        Inbound::Edited(post) => assert_eq!((&post.id, post.text.as_str()), (&ids[0], "fast again")),
        other => panic!("{other:?}"),
    }
    bluesky.control("post", json!({"delete": unheard})).await;
    bluesky.control("post", json!({"delete": second})).await;
    assert_eq!(next(&mut slow).await, Inbound::Deleted { post: ids[1].clone() });
    bluesky.control("account", json!({"handle": "dog", "status": "takendown"})).await;
    assert_eq!(next(&mut slow).await, Inbound::Withheld { post: ids[2].clone() });
    bluesky.control("account", json!({"handle": "cat", "status": "deleted"})).await;
    assert_eq!(next(&mut slow).await, Inbound::Deleted { post: ids[0].clone() });
    listening.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replies_to_us_name_us_and_our_own_answers_are_seen() {
    let bluesky = Bluesky::start().await;
    let dir = tempfile::tempdir().unwrap();
    let network = bluesky.network(dir.path(), |settings| settings.watch_own = true);
    let (mut listening, [mut ours]) = bluesky.listen(network.clone(), [("us", &format!("@{HANDLE} OR to:{HANDLE}"))]);
    listening.live().await;
    bluesky.post("cat", "so slow, @AcmeHelp!").await;
    let post = next_post(&mut ours).await;
    assert_eq!(post.mentions[0].handle, HANDLE);
    let outgoing = crate::bluesky_rig::outgoing(1, &post.id, "Sorry! We look into it.");
    let sent = network.send(&outgoing).await.unwrap();
    match next(&mut ours).await {
        Inbound::Own(own) => assert_eq!((&own.id, &own.conversation), (&sent, &post.conversation)),
        other => panic!("{other:?}"),
    }
    let row = bluesky.rows("writes").await.remove(0);
    bluesky.control("post", json!({"handle": "cat", "text": "thanks", "in_reply_to": row["id"]})).await;
    let thanks = next_post(&mut ours).await;
    assert_eq!((thanks.text.as_str(), thanks.in_reply_to.as_ref()), ("thanks", Some(&sent)));
    assert_eq!(thanks.mentions.len(), 1);
    listening.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_column_that_asks_for_followers_waits_for_them_and_others_do_not() {
    let bluesky = Bluesky::start().await;
    let dir = tempfile::tempdir().unwrap();
    let (mut listening, [mut all, mut known]) =
        bluesky.listen(bluesky.network(dir.path(), |_| {}), [("all", "slow"), ("known", "slow min_followers:1000")]);
    listening.live().await;
    // The directory is slower than a post may wait.
    bluesky.fault(json!({"kind": "delay", "target": "users", "ms": 900, "times": 1})).await;
    bluesky.control("post", json!({"handle": "star", "followers": 5000, "text": "slow star"})).await;
    let post = next_post(&mut all).await;
    assert_eq!((post.author.handle.as_str(), post.author.followers), ("", None), "nothing is made up");
    let post = next_post(&mut known).await;
    assert_eq!((post.author.handle.as_str(), post.author.followers), ("star.sim.example", Some(5000)));
    bluesky.control("post", json!({"handle": "nobody", "followers": 5, "text": "slow nobody"})).await;
    bluesky.control("post", json!({"handle": "star", "followers": 5000, "text": "slow again"})).await;
    assert_eq!(next_post(&mut known).await.text, "slow again");
    assert_eq!(next_post(&mut all).await.text, "slow nobody");
    listening.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_goes_on_where_it_was_without_a_gap() {
    let bluesky = Bluesky::start().await;
    let dir = tempfile::tempdir().unwrap();
    let (mut listening, [mut slow]) = bluesky.listen(bluesky.network(dir.path(), |_| {}), [("slow", "slow")]);
    listening.live().await;
    bluesky.post("cat", "slow one").await;
    assert_eq!(next_post(&mut slow).await.text, "slow one");
    listening.end().await;
    bluesky.jump(3);
    bluesky.post("cat", "slow two, while nobody listened").await;
    bluesky.jump(3);
    let (mut listening, [mut slow]) = bluesky.listen(bluesky.network(dir.path(), |_| {}), [("slow", "slow")]);
    listening.note("catching up on 360 min").await;
    bluesky.post("cat", "slow three").await;
    let told = until(&mut slow, "slow three").await;
    assert_eq!(gaps(&told), Vec::<&Inbound>::new());
    let texts = texts(&told);
    assert!(texts.contains_key("slow two, while nobody listened"), "{texts:?}");
    assert!(texts.values().all(|count| *count == 1), "{texts:?}");
    listening.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_no_server_has_any_more_is_a_gap_with_its_times() {
    let bluesky = Bluesky::start().await;
    let dir = tempfile::tempdir().unwrap();
    let network = bluesky.network(dir.path(), |_| {});
    let (mut listening, [mut slow]) = bluesky.listen(network.clone(), [("slow", "slow")]);
    listening.live().await;
    bluesky.post("cat", "slow one").await;
    let heard = next_post(&mut slow).await.at;
    listening.end().await;
    bluesky.post("cat", "slow and lost").await;
    bluesky.jump(40);
    bluesky.post("cat", "slow after").await;
    let (mut listening, [mut slow]) = bluesky.listen(bluesky.network(dir.path(), |_| {}), [("slow", "slow")]);
    let told = until(&mut slow, "slow after").await;
    listening.note("looks back no further").await;
    assert_eq!(texts(&told).into_keys().collect::<Vec<_>>(), ["slow after"]);
    let [Inbound::GapOpened { from, .. }, Inbound::GapClosed { to, .. }] = gaps(&told)[..] else { panic!("{told:?}") };
    assert!((*from - heard).get_seconds().abs() < 2 && from < to, "{from} {to}");
    let (feeds, _column) = crate::bluesky_rig::feeds([("slow", "slow")]);
    let filled = network.backfill(&feeds, *from, *from).await;
    assert!(filled.missing.unwrap().why.contains("36 hours"), "it cannot be filled, and that is said");
    listening.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stretch_the_server_has_can_be_read_again() {
    let bluesky = Bluesky::start().await;
    let dir = tempfile::tempdir().unwrap();
    let network = bluesky.network(dir.path(), |_| {});
    let from = (bluesky.clock)();
    bluesky.control("post", json!({"handle": "cat", "followers": 77, "text": "slow one"})).await;
    bluesky.post("dog", "fast").await;
    let inside = bluesky.post("dog", "slow two").await;
    let to = (bluesky.clock)();
    bluesky.jump(1);
    bluesky.post("dog", "slow later").await;
    let (feeds, [mut slow, mut known]) =
        crate::bluesky_rig::feeds([("slow", "slow"), ("known", "slow min_followers:50")]);
    let filled = network.backfill(&feeds, from, to).await;
    assert_eq!((filled.missing, filled.found.len(), filled.read), (None, 2, 3));
    let post = next_post(&mut slow).await;
    assert_eq!((post.text.as_str(), post.author.handle.as_str()), ("slow one", "cat.sim.example"));
    assert_eq!(next_post(&mut slow).await.text, "slow two");
    assert_eq!(next_post(&mut known).await.text, "slow one");
    let found: Vec<PostId> = filled.found.into_iter().collect();
    assert_eq!(network.look_up(&found).await.unwrap(), Vec::new());
    bluesky.control("post", json!({"delete": inside})).await;
    let gone = network.look_up(&found).await.unwrap();
    assert!(matches!(&gone[..], [Inbound::Withheld { .. }]), "{gone:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_read_is_counted_and_told_and_ends_nothing() {
    let bluesky = Bluesky::start().await;
    let dir = tempfile::tempdir().unwrap();
    let (mut listening, [mut slow]) = bluesky.listen(bluesky.network(dir.path(), |_| {}), [("slow", "slow")]);
    listening.live().await;
    bluesky.post("cat", "slow one").await;
    next_post(&mut slow).await;
    for text in ["{\"did\":", "[]", "{\"did\":\"did:plc:a\",\"time_us\":1,\"kind\":\"sync\"}"] {
        bluesky.fault(json!({"kind": "line", "target": "stream", "text": text})).await;
    }
    let told = listening.note("that cannot be read").await;
    assert!(told.contains("passed over"), "{told}");
    bluesky.post("cat", "slow two").await;
    assert_eq!(next_post(&mut slow).await.text, "slow two");
    listening.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_silent_socket_is_given_up_and_nothing_is_lost() {
    let bluesky = Bluesky::start().await;
    let dir = tempfile::tempdir().unwrap();
    let pace = replydeck::net::bluesky::pace::Pace {
        stale_after: std::time::Duration::from_millis(150),
        dead_after: std::time::Duration::from_millis(250),
        // Its pongs would be bytes.
        ping_every: std::time::Duration::from_mins(1),
        ..PACE
    };
    let settings = bluesky.settings(dir.path());
    let network =
        replydeck::net::bluesky::BlueskyNetwork::with_pace(settings, bluesky.clock.clone(), 3, &pace).unwrap();
    let (mut listening, [mut slow]) = bluesky.listen(std::sync::Arc::new(network), [("slow", "slow")]);
    listening.live().await;
    bluesky.post("cat", "slow one").await;
    next_post(&mut slow).await;
    bluesky.fault(json!({"kind": "stall", "target": "stream"})).await;
    bluesky.post("cat", "slow two").await;
    listening.link(|report| report.state == LinkState::Stale).await;
    listening.note("not a byte from 127.0.0.1").await;
    let told = until(&mut slow, "slow two").await;
    assert_eq!(told.len(), 1, "{told:?}");
    listening.end().await;
}
