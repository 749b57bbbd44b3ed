//! Mastodon: replies go out once, in the right thread, and refusals are told in the server's words.

use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use replydeck::model::{Post, ReplyId, Verdict};
use replydeck::net::mastodon::login::{Attempt, KeptLogin, revoke};
use replydeck::net::mastodon::pace::Pace;
use replydeck::net::mastodon::{MastodonNetwork, Visibility};
use replydeck::net::{Inbound, Network, OutgoingMessage, ReadBack, SendError};
use serde_json::json;

use crate::mastodon_rig::{PACE, Place, next_whole, person, reply_to};
use crate::rig::next;

/// A complaint as a column got it.
async fn complaint(place: &Place, handle: &str) -> Post {
    let (mut ear, [mut slow]) = place.listen([("slow", "slow")]);
    ear.settled(place.folder.path()).await;
    place.post(handle, "so slow", json!({"lang": "it"})).await;
    let post = next_whole(&mut slow).await;
    ear.end().await;
    post
}

#[tokio::test]
async fn a_reply_names_whom_it_answers_and_says_who_may_see_it() {
    let place = Place::open();
    let post = complaint(&place, "jo_m").await;
    let network = place.network();
    let sent = network.send(&reply_to(&post, "Sorry! https://acme.example/help", 1)).await.unwrap();
    assert!(sent.native().starts_with("https://mastodon.example/@AcmeHelp/"), "{sent}");
    let writes = place.ledger("writes").await;
    assert_eq!(writes.len(), 1);
    let write = &writes[0];
    let short = post.author.handle.strip_suffix("@mastodon.example").unwrap_or(&post.author.handle);
    assert_eq!(write["text"], format!("@{short} Sorry! https://acme.example/help"));
    assert_eq!(
        (&write["visibility"], &write["network"], &write["kind"]),
        (&json!("public"), &json!("mastodon"), &json!("reply"))
    );
    assert_eq!(write["in_reply_to"], json!(post.version));
    assert_eq!(write["key"], json!(ReplyId(uuid::Uuid::from_u128(1)).to_string()));

    // Unlisted by wish; and by its address where another server's id came along.
    let mut settings = place.settings();
    settings.visibility = Visibility::Unlisted;
    let quiet = MastodonNetwork::with_pace(settings, Arc::clone(&place.clock), 9, &PACE).unwrap();
    let mut outgoing = reply_to(&post, "Once more, quietly", 2);
    outgoing.to_version = Some("999".into());
    quiet.send(&outgoing).await.unwrap();
    let writes = place.ledger("writes").await;
    assert_eq!((&writes[1]["visibility"], &writes[1]["in_reply_to"]), (&json!("unlisted"), &json!(post.version)));
}

#[tokio::test]
async fn an_answer_lost_after_its_effect_is_found_again_whether_keys_count_or_not() {
    for ignores_keys in [false, true] {
        let place = Place::open();
        place.manner(json!({"ignores_keys": ignores_keys})).await;
        let post = complaint(&place, "jo_m").await;
        let network = place.network();
        let outgoing = reply_to(&post, "Sorry! @jo_m, see https://acme.example/", 1);
        let attempted = (place.clock)();
        place.fault(json!({"kind": "lose_answer", "target": "posts"})).await;
        let Err(SendError::Unknown { .. }) = network.send(&outgoing).await else { panic!("{ignores_keys}") };
        // The run that asks is another one: whoever sent it was killed.
        let ReadBack::Published(found) = place.network().read_back(&outgoing, attempted).await else {
            panic!("{ignores_keys}: not found")
        };
        // And whoever sends again without asking does not write again either.
        assert_eq!(network.send(&outgoing).await.unwrap(), found);
        assert_eq!(place.ledger("writes").await.len(), 1, "{ignores_keys}");
    }
}

#[tokio::test]
async fn a_request_that_never_arrived_may_be_sent_again() {
    let place = Place::open();
    let post = complaint(&place, "jo_m").await;
    let pace = Pace { send_within: Duration::from_secs(1), ..PACE };
    let network = MastodonNetwork::with_pace(place.settings(), Arc::clone(&place.clock), 7, &pace).unwrap();
    let outgoing = reply_to(&post, "Sorry!", 1);
    place.fault(json!({"kind": "stall", "target": "posts", "times": 1})).await;
    let attempted = (place.clock)();
    let Err(SendError::Unknown { .. }) = network.send(&outgoing).await else { panic!() };
    assert_eq!(network.read_back(&outgoing, attempted).await, ReadBack::Absent);
    network.send(&outgoing).await.unwrap();
    assert_eq!(place.ledger("writes").await.len(), 1);
}

#[tokio::test]
async fn an_answer_of_ours_in_other_words_leaves_the_question_to_a_rep() {
    let place = Place::open();
    let post = complaint(&place, "jo_m").await;
    let network = place.network();
    let attempted = (place.clock)();
    network.send(&reply_to(&post, "Somebody else was faster", 1)).await.unwrap();
    let asked = network.read_back(&reply_to(&post, "Sorry!", 2), attempted).await;
    let ReadBack::Unknown { why } = asked else { panic!("{asked:?}") };
    assert!(why.contains("other words"), "{why}");
}

#[tokio::test]
async fn refusals_are_told_in_the_server_s_words() {
    let place = Place::open();
    let post = complaint(&place, "jo_m").await;
    let network = place.network();
    // What does not fit is not even sent; what counts is what the server says counts.
    let long = format!("{} https://acme.example/{}", "x".repeat(440), "y".repeat(300));
    let Err(SendError::Refused { why, may_retry, .. }) = network.send(&reply_to(&post, &"x".repeat(500), 1)).await
    else {
        panic!()
    };
    assert!(why.contains("the server takes 500") && !may_retry, "{why}");
    network.send(&reply_to(&post, &long, 2)).await.unwrap();
    for says_400 in [false, true] {
        place.manner(json!({"max_characters": 500, "says_400": says_400})).await;
        // It takes less than it said when it was asked.
        let slow_facts = Pace { facts_live: Duration::from_hours(1), ..PACE };
        let network = MastodonNetwork::with_pace(place.settings(), Arc::clone(&place.clock), 7, &slow_facts).unwrap();
        network.check(&[]).await;
        place.manner(json!({"max_characters": 10, "says_400": says_400})).await;
        let refused = network.send(&reply_to(&post, "far too long for it", 3)).await.unwrap_err();
        let SendError::Refused { why, remedy, may_retry: false } = refused else { panic!("{refused:?}") };
        assert!(why.contains("Text character limit of 10 exceeded"), "{why}");
        assert!(remedy.contains("change the reply"), "{remedy}");
    }
    place.manner(json!({})).await;
    place.fault(json!({"kind": "status", "target": "posts", "status": 403})).await;
    let refused = place.network().send(&reply_to(&post, "Sorry!", 4)).await.unwrap_err();
    assert!(
        matches!(&refused, SendError::Refused { why, may_retry: true, .. } if why.contains("not allowed")),
        "{refused:?}"
    );
    place.fault(json!({"kind": "status", "target": "posts", "status": 503})).await;
    assert!(matches!(place.network().send(&reply_to(&post, "Sorry!", 5)).await, Err(SendError::Unknown { .. })));
    let number = place.ledger("posts").await.iter().find(|row| row["text"] == "so slow").unwrap()["id"].clone();
    place.control("post", json!({"delete": number})).await;
    let refused = place.network().send(&reply_to(&post, "Sorry!", 6)).await.unwrap_err();
    assert!(
        matches!(&refused, SendError::Refused { why, may_retry: false, .. } if why.contains("not there any more")),
        "{refused:?}"
    );
    assert_eq!(place.ledger("writes").await.len(), 1);
}

#[tokio::test]
async fn nothing_is_sent_before_a_limit_ends_in_whichever_way_it_is_written() {
    for reset_in_seconds in [false, true] {
        let place = Place::open();
        place.manner(json!({"reset_in_seconds": reset_in_seconds})).await;
        let post = complaint(&place, "jo_m").await;
        let network = place.network();
        place.fault(json!({"kind": "status", "target": "posts", "status": 429, "reset_in": 90})).await;
        let limited = network.send(&reply_to(&post, "Sorry!", 1)).await.unwrap_err();
        let SendError::Limited { until, .. } = limited else { panic!("{limited:?}") };
        let ahead = until.duration_since((place.clock)());
        assert!(ahead > SignedDuration::from_secs(60) && ahead <= SignedDuration::from_secs(95), "{ahead}");
        let SendError::Limited { .. } = network.send(&reply_to(&post, "Sorry!", 1)).await.unwrap_err() else {
            panic!()
        };
        assert!(place.ledger("writes").await.is_empty() && place.ledger("refused").await.is_empty());
    }
    // Without a word on when, it is waited all the same.
    let place = Place::open();
    let post = complaint(&place, "jo_m").await;
    let network = place.network();
    place.fault(json!({"kind": "status", "target": "posts", "status": 429})).await;
    let SendError::Limited { .. } = network.send(&reply_to(&post, "Sorry!", 1)).await.unwrap_err() else { panic!() };
}

#[tokio::test]
async fn a_direct_post_is_sent_once_and_is_called_not_private() {
    let place = Place::open();
    let post = complaint(&place, "jo_m").await;
    let network = place.network();
    let with = post.author.id.clone();
    let Verdict::Mind { what } = network.may_message(&with).await else { panic!() };
    assert!(what.contains("not private"), "{what}");
    let verdict = network.may_message(&person("nobody_at_all", false)).await;
    assert!(matches!(&verdict, Verdict::No { why } if why.contains("does not know them")), "{verdict:?}");
    let outgoing =
        OutgoingMessage { reply: ReplyId(uuid::Uuid::from_u128(5)), to: with, text: "Which line is it?".into() };
    let attempted = (place.clock)();
    place.manner(json!({"ignores_keys": true})).await;
    place.fault(json!({"kind": "lose_answer", "target": "posts"})).await;
    let Err(SendError::Unknown { .. }) = network.send_message(&outgoing).await else { panic!() };
    let ReadBack::Published(found) = network.read_back_message(&outgoing, attempted).await else { panic!() };
    assert_eq!(network.send_message(&outgoing).await.unwrap(), found);
    let writes = place.ledger("writes").await;
    assert_eq!(writes.len(), 1);
    assert_eq!((&writes[0]["kind"], &writes[0]["visibility"]), (&json!("dm"), &json!("direct")));
    assert!(writes[0]["text"].as_str().unwrap().starts_with("@jo_m"), "{}", writes[0]);
}

#[tokio::test]
async fn what_we_wrote_elsewhere_is_heard_as_ours() {
    let place = Place::open();
    let (mut ear, [mut slow]) = place.listen([("slow", "slow")]);
    ear.settled(place.folder.path()).await;
    place.post("jo_m", "so slow", json!({})).await;
    let post = next_whole(&mut slow).await;
    let sent = place.network().send(&reply_to(&post, "Sorry!", 1)).await.unwrap();
    let Inbound::Own(own) = next(&mut slow).await else { panic!() };
    assert_eq!((&own.id, own.in_reply_to.as_ref(), &own.conversation), (&sent, Some(&post.id), &post.conversation));
    assert_eq!(Some(&own.author.id), ear.network.account().id.as_ref());
    ear.end().await;
}

#[tokio::test]
async fn a_login_is_made_by_code_and_taken_back() {
    let place = Place::open();
    let base = place.url.parse().unwrap();
    let attempt = Attempt::begin(&base).await.unwrap();
    let page = attempt.page();
    assert!(page.contains("code_challenge_method=S256") && page.contains("scope=read%20write"), "{page}");
    let (_, query) = page.split_once('?').unwrap();
    let approved = reqwest::Client::builder().no_proxy().user_agent("a browser").build().unwrap().post(page.as_str());
    let approved = approved
        .header("content-type", "application/x-www-form-urlencoded")
        .body(query.to_owned())
        .send()
        .await
        .unwrap();
    let shown = approved.text().await.unwrap();
    let code = shown.split_once("<code>").unwrap().1.split_once("</code>").unwrap().0;
    assert!(attempt.redeem("nonsense").await.unwrap_err().to_string().contains("run the command again"));
    let kept = attempt.redeem(code).await.unwrap();
    assert_eq!(kept.handle, "AcmeHelp@mastodon.example");
    assert!(attempt.redeem(code).await.is_err(), "a code works once");
    let file = KeptLogin::of(place.folder.path(), &replydeck::model::AccountName::new("acme"));
    file.write(&kept).unwrap();

    let post = complaint(&place, "jo_m").await;
    let mut settings = place.settings();
    settings.token = None;
    let network = MastodonNetwork::with_pace(settings.clone(), Arc::clone(&place.clock), 7, &PACE).unwrap();
    network.send(&reply_to(&post, "Sorry!", 1)).await.unwrap();
    revoke(&base, &kept).await.unwrap();
    let refused = MastodonNetwork::with_pace(settings, Arc::clone(&place.clock), 7, &PACE)
        .unwrap()
        .send(&reply_to(&post, "More", 2))
        .await;
    assert!(
        matches!(&refused, Err(SendError::Refused { why, remedy, .. }) if why.contains("invalid") && remedy.contains("replydeck auth")),
        "{refused:?}"
    );
    file.remove().unwrap();
}
