//! The Activity stream: what is subscribed to, what each event becomes, and what happens where there is no such stream.

use std::time::Duration;

use replydeck::net::Inbound;
use replydeck::net::x::pace::Pace;
use serde_json::{Value, json};

use crate::activity_rig::{
    EVENTS, LINE, OWN, QUICK, SUBSCRIPTIONS, all_there, direct, event, event_of, last_line, line, list, look,
    next_message, note, received, refusal, start, subscription,
};
use crate::rig::{FakeX, PACE, next, post_json};
use crate::server::{Answer, Seen};

#[tokio::test]
async fn each_event_becomes_what_it_is_once_and_nothing_is_looked_for_meanwhile() {
    let mut x = FakeX::default();
    let posts = x.stream();
    all_there(&mut x);
    let told = line(&mut x);
    look(&mut x, &[(1, "before the line")]);
    let (mut rig, [mut column]) = start(x, [("mentions", "@AcmeHelp OR to:AcmeHelp")], &QUICK).await;
    rig.live().await;
    assert_eq!(next_message(&mut column).await.2, "before the line");

    told.send(b"\r\n".to_vec()).unwrap();
    for _ in 0..2 {
        told.send(received(2, "my line &amp; box")).unwrap();
    }
    told.send(event("dm.sent", &direct(3, "42", "987", "we look"))).unwrap();
    // Of somebody else's, of a kind nobody asked for, broken, and then what matters.
    told.send(event_of("7", "dm.received", &direct(4, "9", "7", "not for us"))).unwrap();
    told.send(event("like.create", &json!({"id": "1"}))).unwrap();
    told.send([b"\xff\xfe{\r\n{\"new\":1}\r\n".to_vec(), received(5, "thanks")].concat()).unwrap();
    let mia = |is_ours, text: &str| (is_ours, "mia".to_owned(), text.to_owned());
    assert_eq!(next_message(&mut column).await, mia(false, "my line & box"));
    assert_eq!(next_message(&mut column).await, mia(true, "we look"));
    assert_eq!(next_message(&mut column).await, mia(false, "thanks"));

    // A mention is a post of the column that asks for it, also where the posts' stream tells of it as well.
    let mention = json!({"id": "50", "text": "@AcmeHelp slow", "author_id": "9", "conversation_id": "50",
        "edit_history_tweet_ids": ["50"], "entities": {"mentions": [{"username": "AcmeHelp", "id": "42"}]}});
    told.send(event("post.mention.create", &mention)).unwrap();
    match next(&mut column).await {
        Inbound::Post(post) => assert_eq!((post.id.native(), post.author.handle.as_str()), ("50", "cat")),
        other => panic!("{other:?}"),
    }
    let rule = rig.x.lock().unwrap().rules[0].0.clone();
    posts.send(post_json("50", "@AcmeHelp slow", &json!([{"id": rule}]))).unwrap();
    told.send(event("post.reply.create", &mention)).unwrap();
    // A mention that no column asks for is none of the desk's.
    told.send(event("post.mention.create", &json!({"id": "51", "text": "elsewhere", "author_id": "9"}))).unwrap();
    // Ours, written elsewhere, and gone again.
    let own = json!({"id": "60", "text": "hello", "author_id": "42", "in_reply_to_user_id": "9"});
    told.send(event("post.create", &own)).unwrap();
    told.send(event("post.delete", &json!({"id": "60", "author_id": "42"}))).unwrap();
    match next(&mut column).await {
        Inbound::Own(post) => assert_eq!(post.id.native(), "60"),
        other => panic!("{other:?}"),
    }
    match next(&mut column).await {
        Inbound::Deleted { post } => assert_eq!(post.as_str(), "x:60"),
        other => panic!("{other:?}"),
    }
    let said = note(&mut rig, "passed over").await;
    assert!(said.contains("cannot be read"), "{said}");
    assert_eq!(rig.server.count("GET", EVENTS), 1, "one look, before the stream told of everything");
    assert_eq!(rig.server.count("POST", SUBSCRIPTIONS), 0, "what is there serves");
    let seen = rig.server.seen();
    let opened = seen.iter().find(|seen| seen.path() == LINE).unwrap();
    assert_eq!((opened.target.as_str(), opened.header("authorization")), (LINE, Some("Bearer app-token")));
    rig.end().await;
}

#[tokio::test]
async fn what_is_wanted_is_subscribed_to_with_the_right_token_and_only_ours_is_ended() {
    let mut x = FakeX::default();
    let posts = x.stream();
    x.others.push_back((
        SUBSCRIPTIONS,
        list(&[
            subscription(1, "dm.received", "42", "somebody else's"),
            subscription(8, "post.mention.create", "42", &format!("{OWN}post.mention.create")),
            subscription(9, "post.mention.create", "42", "somebody else's"),
            subscription(10, "post.create", "7", &format!("{OWN}post.create")),
        ]),
    ));
    // One is taken, of one the answer has no body, one is there already.
    let taken = json!({"data": [subscription(11, "dm.sent", "42", "x")], "meta": {"total_subscriptions": 3}});
    x.others.push_back((SUBSCRIPTIONS, Answer::json(200, &taken)));
    x.others.push_back((SUBSCRIPTIONS, Answer::Whole { status: 204, headers: Vec::new(), body: String::new() }));
    let twice = json!({"title": "Invalid Request", "errors": [{"message": "DuplicateSubscriptionFound"}]});
    x.others.push_back((SUBSCRIPTIONS, Answer::json(400, &twice)));
    x.others.push_back(("/2/activity/subscriptions/8", Answer::json(200, &json!({"data": {"deleted": true}}))));
    all_there(&mut x);
    let told = line(&mut x);
    // No column shows all mentions, so none is asked for.
    let (mut rig, [mut column]) = start(x, [("slow", "slow")], &PACE).await;
    rig.live().await;
    told.send(received(1, "hello")).unwrap();
    assert_eq!(next_message(&mut column).await.2, "hello");
    let seen = rig.server.seen();
    let asked: Vec<(String, String, String)> = seen
        .iter()
        .filter(|seen| seen.method == "POST" && seen.path() == SUBSCRIPTIONS)
        .map(|seen| {
            let body: Value = serde_json::from_str(&seen.body).unwrap();
            assert_eq!(body["filter"], json!({"user_id": "42"}));
            let text = |name: &str| body[name].as_str().unwrap().to_owned();
            (text("event_type"), text("tag"), seen.header("authorization").unwrap().to_owned())
        })
        .collect();
    let wish = |event: &str, token: &str| (event.to_owned(), format!("{OWN}{event}"), format!("Bearer {token}"));
    assert_eq!(
        asked,
        [wish("dm.sent", "own-token"), wish("post.delete", "app-token"), wish("post.create", "app-token")]
    );
    let ended: Vec<&str> = seen.iter().filter(|seen| seen.method == "DELETE").map(Seen::path).collect();
    assert_eq!(ended, ["/2/activity/subscriptions/8"]);
    drop(posts);
    rig.end().await;
}

#[tokio::test]
async fn a_plan_without_it_is_told_once_and_messages_are_looked_for_instead() {
    let mut x = FakeX::default();
    let _posts = x.stream();
    let not_enrolled = json!({"title": "Client Forbidden", "reason": "client-not-enrolled", "detail": "not in your plan",
        "type": "https://api.x.com/2/problems/client-forbidden"});
    x.others.push_back((SUBSCRIPTIONS, refusal(403, &not_enrolled)));
    look(&mut x, &[(1, "one")]);
    look(&mut x, &[(2, "two"), (1, "one")]);
    let (mut rig, [mut column]) = start(x, [("slow", "slow")], &QUICK).await;
    rig.live().await;
    assert_eq!(next_message(&mut column).await.2, "one");
    assert_eq!(next_message(&mut column).await.2, "two");
    let said = note(&mut rig, "Activity stream").await;
    for words in ["not in your plan", "every 2 minutes", "activity = false", "every hour"] {
        assert!(said.contains(words), "{said}");
    }
    assert_eq!((rig.server.count("GET", SUBSCRIPTIONS), rig.server.count("GET", LINE)), (1, 0));
    rig.end().await;
}

#[tokio::test]
async fn after_every_cut_one_look_finds_what_came_meanwhile() {
    // A line that is slow to come back must not be a reason for one look more.
    let pace = Pace { messages_every: Duration::from_hours(1), ..QUICK };
    let mut x = FakeX::default();
    let _posts = x.stream();
    all_there(&mut x);
    let (first, second, third) = (line(&mut x), line(&mut x), line(&mut x));
    look(&mut x, &[]);
    look(&mut x, &[(3, "while it was cut"), (2, "heard")]);
    look(&mut x, &[(4, "while X was busy"), (3, "while it was cut")]);
    let (mut rig, [mut column]) = start(x, [("slow", "slow")], &pace).await;
    rig.live().await;
    first.send(received(2, "heard")).unwrap();
    assert_eq!(next_message(&mut column).await.2, "heard");
    drop(first);
    assert_eq!(next_message(&mut column).await.2, "while it was cut");
    // X ends it by a line of its own.
    second.send(last_line("UpstreamOperationalDisconnect", "maintenance")).unwrap();
    assert_eq!(next_message(&mut column).await.2, "while X was busy");
    third.send(received(5, "and on")).unwrap();
    assert_eq!(next_message(&mut column).await.2, "and on");
    assert_eq!((rig.server.count("GET", LINE), rig.server.count("GET", EVENTS)), (3, 3));
    rig.end().await;
}

#[tokio::test]
async fn a_line_without_a_byte_is_left_for_another() {
    let mut x = FakeX::default();
    let posts = x.stream();
    all_there(&mut x);
    // Open, and silent for ever.
    let _silent = line(&mut x);
    line(&mut x).send(received(1, "after the silence")).unwrap();
    let pace = Pace { stale_after: Duration::from_millis(200), dead_after: Duration::from_millis(300), ..PACE };
    let (rig, [mut column]) = start(x, [("slow", "slow")], &pace).await;
    let beating = async {
        let mut beat = tokio::time::interval(Duration::from_millis(5));
        while posts.send(b"\r\n".to_vec()).is_ok() {
            beat.tick().await;
        }
        // The posts' line was given up on a machine too busy to beat; this one is of interest here.
        std::future::pending::<()>().await;
    };
    let told = async {
        loop {
            if let Inbound::Message { message, .. } = next(&mut column).await {
                return message.text;
            }
        }
    };
    let told = tokio::select! {
        told = told => told,
        () = beating => unreachable!("it never ends"),
    };
    assert_eq!(told, "after the silence");
    assert!(rig.server.count("GET", LINE) >= 2);
    rig.end().await;
}

#[tokio::test]
async fn subscriptions_that_somebody_ended_are_put_back_and_what_came_meanwhile_is_found() {
    let mut x = FakeX::default();
    let _posts = x.stream();
    all_there(&mut x);
    let (_first, second) = (line(&mut x), line(&mut x));
    look(&mut x, &[]);
    look(&mut x, &[(7, "while nobody told us")]);
    let pace = Pace { rules_every: Duration::from_millis(150), ..QUICK };
    let rows = ["dm.sent", "post.delete", "post.create"].map(|kind| subscription(1, kind, "42", ""));
    let made = json!({"data": [subscription(12, "dm.received", "42", "")], "meta": {"total_subscriptions": 4}});
    // The first comparison while the line is open finds one gone.
    x.others.insert(1, (SUBSCRIPTIONS, list(&rows)));
    x.others.insert(2, (SUBSCRIPTIONS, Answer::json(200, &made)));
    let (rig, [mut column]) = start(x, [("slow", "slow")], &pace).await;
    assert_eq!(next_message(&mut column).await.2, "while nobody told us");
    second.send(received(8, "and on")).unwrap();
    assert_eq!(next_message(&mut column).await.2, "and on");
    assert_eq!(rig.server.count("POST", SUBSCRIPTIONS), 1);
    rig.end().await;
}

#[tokio::test]
async fn who_sends_us_elsewhere_gets_no_token_there_and_an_endless_line_ends_nothing() {
    let elsewhere = crate::server::Server::start(|_| Answer::Nothing).await;
    let mut x = FakeX::default();
    let _posts = x.stream();
    all_there(&mut x);
    let location = vec![("location", format!("{}/2/activity/stream", elsewhere.url))];
    x.others.push_back((LINE, Answer::Whole { status: 302, headers: location, body: String::new() }));
    let told = line(&mut x);
    let pace = Pace { down_retry: Duration::from_millis(5), ..PACE };
    let (mut rig, [mut column]) = start(x, [("slow", "slow")], &pace).await;
    rig.live().await;
    let said = note(&mut rig, "another address").await;
    assert!(!said.contains("app-token") && !said.contains("own-token"), "{said}");
    assert!(elsewhere.seen().is_empty());
    // Asked again it is there; a line far too long is passed over.
    told.send(vec![b'x'; 3 * 1024 * 1024]).unwrap();
    told.send(b"\r\n".to_vec()).unwrap();
    told.send(received(1, "still here")).unwrap();
    assert_eq!(next_message(&mut column).await.2, "still here");
    let said = note(&mut rig, "passed over").await;
    assert!(said.contains("bytes"), "{said}");
    rig.end().await;
}

#[tokio::test]
async fn what_x_refuses_of_it_is_named_and_looked_for() {
    let mut x = FakeX::default();
    let _posts = x.stream();
    let forbidden = json!({"title": "Forbidden", "type": "about:blank", "status": 403, "detail": "no dm.read"});
    let there = ["post.delete", "post.create"].map(|kind| subscription(1, kind, "42", ""));
    x.others.push_back((SUBSCRIPTIONS, list(&there)));
    for _ in 0..2 {
        x.others.push_back((SUBSCRIPTIONS, refusal(403, &forbidden)));
    }
    let told = line(&mut x);
    look(&mut x, &[(1, "one")]);
    look(&mut x, &[(2, "two"), (1, "one")]);
    let (mut rig, [mut column]) = start(x, [("slow", "slow")], &QUICK).await;
    rig.live().await;
    assert_eq!(next_message(&mut column).await.2, "one");
    assert_eq!(next_message(&mut column).await.2, "two");
    let said = note(&mut rig, "lacks").await;
    assert!(said.contains("dm.received (") && said.contains("dm.read"), "{said}");
    told.send(event("post.delete", &json!({"id": "60", "author_id": "42"}))).unwrap();
    assert!(matches!(next(&mut column).await, Inbound::Deleted { .. }));
    rig.end().await;
}
