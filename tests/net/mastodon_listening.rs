//! Mastodon: what the streams bring reaches the columns.

use replydeck::net::{FindingVerdict, Inbound, Network};
use serde_json::json;

use crate::mastodon_rig::{Place, next_text, next_whole};
use crate::rig::next;

#[tokio::test]
async fn posts_answers_edits_and_deletions_reach_the_columns_once() {
    let place = Place::open();
    let (mut ear, [mut slow]) = place.listen([("slow", "slow OR #acmedown")]);
    ear.settled(place.folder.path()).await;
    let first = place
        .post(
            "jo_m",
            "So <slow> & dear today, see https://acme.example/status/page?with=a-long-tail",
            json!({"name": "Jo 🌻"}),
        )
        .await;
    let post = next_whole(&mut slow).await;
    assert_eq!(post.text, "So <slow> & dear today, see https://acme.example/status/page?with=a-long-tail");
    assert!(post.author.handle.starts_with("jo_m@") && post.author.name == "Jo 🌻", "{:?}", post.author);
    assert_eq!(post.page(&[]), post.id.native());
    assert_eq!(post.links[0].target, "https://acme.example/status/page?with=a-long-tail");

    // An answer to somebody else is on no public timeline, but on the hashtag's; its thread is asked for.
    let answer = place.post("bo", "Here too #AcmeDown", json!({"in_reply_to": first})).await;
    let under = next_whole(&mut slow).await;
    assert_eq!((under.text.as_str(), under.conversation.native()), ("Here too #AcmeDown", post.id.native()));
    assert_eq!(under.in_reply_to.as_ref(), Some(&post.id));
    assert_eq!(under.in_reply_to_author.as_ref(), Some(&post.author.id));
    assert_eq!(under.hashtags, ["acmedown"]);

    // One that names us comes as a notification.
    place.post("cy", "@AcmeHelp everything is slow", json!({"in_reply_to": answer})).await;
    let named = next_whole(&mut slow).await;
    assert_eq!(named.text, "@AcmeHelp@mastodon.example everything is slow");
    assert_eq!(named.conversation, post.conversation);

    let edit = place.post("jo_m", "So very nice today", json!({"edits": first})).await;
    let Inbound::Edited(edited) = next(&mut slow).await else { panic!("no edit") };
    assert_eq!(
        (edited.id.clone(), edited.text.as_str(), edited.is_edited),
        (post.id.clone(), "So very nice today", true)
    );
    assert_ne!(edited.version, post.version);
    place.control("post", json!({"delete": edit})).await;
    let Inbound::Deleted { post: gone } = next(&mut slow).await else { panic!("no deletion") };
    assert_eq!(gone, post.id);
    place.post("dee", "slow again", json!({})).await;
    assert_eq!(next_text(&mut slow).await, "slow again");
    ear.end().await;
}

#[tokio::test]
async fn emoji_alone_is_a_post_and_a_keyword() {
    let place = Place::open();
    let (mut ear, [mut cross]) = place.listen([("cross", "😡")]);
    ear.settled(place.folder.path()).await;
    place.post("jo_m", "😡😡👨‍👩‍👧", json!({})).await;
    assert_eq!(next_text(&mut cross).await, "😡😡👨‍👩‍👧");
    ear.end().await;
}

#[tokio::test]
async fn changed_columns_need_no_new_line() {
    let place = Place::open();
    let (mut ear, [_slow]) = place.listen([("slow", "slow billing")]);
    ear.settled(place.folder.path()).await;
    let first = place.post("jo_m", "nothing", json!({})).await;
    let [mut slow, mut down] = ear.change([("slow", "slow billing"), ("down", "#lineout")]);
    // The order goes out before what follows is posted: it is answered with a word on what it could not do.
    place.fault(json!({"kind": "line", "target": "stream", "text": "{\"error\":\"a word\",\"status\":400}"})).await;
    ear.note("the server refuses a stream: a word").await;
    place.post("bo", "still #LineOut", json!({"in_reply_to": first})).await;
    assert_eq!(next_text(&mut down).await, "still #LineOut");
    place.post("bo", "slow and the billing", json!({})).await;
    assert_eq!(next_text(&mut slow).await, "slow and the billing");
    ear.end().await;
}

#[tokio::test]
async fn direct_posts_are_messages_and_nothing_else() {
    let place = Place::open();
    let (mut ear, [mut all]) = place.listen([("all", "slow")]);
    ear.settled(place.folder.path()).await;
    place.post("jo_m", "slow", json!({})).await;
    let post = next_whole(&mut all).await;
    place.control("dm", json!({"handle": "jo_m", "text": "slow, my number is 7"})).await;
    let Inbound::Message { account, message } = next(&mut all).await else { panic!("no message") };
    assert_eq!((account.as_str(), message.is_ours), ("acme", false));
    assert_eq!(
        (&message.with, message.text.as_str()),
        (&post.author.id, "@AcmeHelp@mastodon.example slow, my number is 7")
    );
    // It came by two streams and is told once.
    place.post("bo", "slow too", json!({})).await;
    assert_eq!(next_text(&mut all).await, "slow too");
    ear.end().await;
}

#[tokio::test]
async fn without_a_websocket_events_are_read() {
    let place = Place::open();
    place.manner(json!({"has_no_socket": true})).await;
    let (mut ear, [mut slow]) = place.listen([("slow", "slow OR #acmedown")]);
    ear.note("no WebSocket").await;
    ear.settled(place.folder.path()).await;
    place.post("jo_m", "so slow", json!({})).await;
    assert_eq!(next_text(&mut slow).await, "so slow");
    place.control("dm", json!({"handle": "jo_m", "text": "hello"})).await;
    assert!(matches!(next(&mut slow).await, Inbound::Message { .. }));
    ear.end().await;
}

#[tokio::test]
async fn a_public_stream_closed_by_the_administrators_is_told() {
    let place = Place::open();
    place.manner(json!({"closed": true})).await;
    let (mut ear, [_slow, mut tag]) = place.listen([("slow", "slow billing"), ("tag", "#acmedown")]);
    let told = ear.link(|report| !report.refused.is_empty()).await;
    assert_eq!(told.refused.len(), 1);
    assert!(told.refused[0].1.contains("administrators closed its public stream"), "{:?}", told.refused);
    place.post("jo_m", "look #acmedown", json!({})).await;
    assert_eq!(next_text(&mut tag).await, "look #acmedown");
    let findings = ear.network.check(&[]).await;
    assert!(findings.iter().all(|finding| finding.verdict != FindingVerdict::Fails), "{findings:?}");
    ear.end().await;
}

#[tokio::test]
async fn frames_that_cannot_be_read_cost_only_themselves() {
    let place = Place::open();
    let (mut ear, [mut slow]) = place.listen([("slow", "slow")]);
    ear.settled(place.folder.path()).await;
    for line in
        ["not json", "[]", "{\"event\":\"update\",\"payload\":\"{\"}", "{\"event\":\"future\",\"payload\":\"x\"}"]
    {
        place.fault(json!({"kind": "line", "target": "stream", "text": line})).await;
    }
    let note = ear.note("messages passed over").await;
    assert!(note.contains("cannot be read"), "{note}");
    place.post("jo_m", "slow", json!({})).await;
    assert_eq!(next_text(&mut slow).await, "slow");
    // A giant one is one among others.
    place.fault(json!({"kind": "line", "target": "stream", "text": "x".repeat(900_000)})).await;
    ear.note("cannot be read").await;
    place.post("jo_m", "slow still", json!({})).await;
    assert_eq!(next_text(&mut slow).await, "slow still");
    ear.end().await;
}

#[tokio::test]
async fn check_says_what_this_network_cannot_do() {
    let place = Place::open();
    let network = place.network();
    let (columns, _receivers) = crate::rig::feeds([("words", "slow billing"), ("tag", "#acme")]);
    let findings = network.check(&columns).await;
    let told: Vec<&str> = findings.iter().map(|finding| finding.what.as_str()).collect();
    assert!(told.iter().any(|what| what.contains("500 characters, a link counts 23")), "{told:?}");
    assert!(told.iter().any(|what| what.contains("writing as @AcmeHelp@mastodon.example")), "{told:?}");
    assert!(
        told.iter()
            .any(|what| what.contains("no stream for words: column words is") && what.contains("leaves out replies")),
        "{told:?}"
    );
    assert!(told.iter().any(|what| what.contains("takes a WebSocket")), "{told:?}");
    place.manner(json!({"revoked": true})).await;
    let findings = network.check(&columns).await;
    assert!(findings.iter().any(|finding| finding.verdict == FindingVerdict::Fails), "{findings:?}");
    let fresh = place.network().check(&columns).await;
    let failed: Vec<_> = fresh.iter().filter(|finding| finding.verdict == FindingVerdict::Fails).collect();
    assert!(failed.iter().any(|finding| finding.what.contains("The access token was revoked")), "{fresh:?}");
    assert!(failed[0].remedy.as_ref().unwrap().contains("replydeck auth"));
}
