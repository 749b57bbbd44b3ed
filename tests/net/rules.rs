//! The rules at X: ours as the columns want them, everybody else's as they are.

use replydeck::model::ColumnName;
use replydeck::net::x::XNetwork;
use replydeck::net::{FindingVerdict, Network};
use serde_json::json;

use crate::rig::{FakeX, PACE, RULES, Rig, clock, feeds, next_post, post_json, settings};
use crate::server::{Answer, Server};

fn rule(id: &str, value: &str, tag: &str) -> (String, String, String) {
    (id.into(), value.into(), tag.into())
}

#[tokio::test]
async fn only_our_own_are_touched_and_equal_ones_are_adopted() {
    let strangers =
        [rule("1", "cat", "stranger"), rule("2", "billing", "stranger too"), rule("3", "dog", "replydeck/other/dogs")];
    let mut x = FakeX { rules: strangers.to_vec(), page: Some(2), ..FakeX::default() };
    x.rules.push(rule("4", "old words", "replydeck/main/slow"));
    // X takes this for the same as our column's value, and says so only when asked to add it.
    x.rules.push(rule("5", "Outage", "stranger"));
    let stream = x.stream();
    let columns = [("slow", "slow"), ("also", "slow"), ("billing", "billing"), ("outage", "outage")];
    let (mut rig, [mut slow, mut also, mut bill, mut outage]) = Rig::start(x, columns, &PACE, |_| {}).await;
    rig.live().await;
    let rules = rig.x.lock().unwrap().rules.clone();
    assert!(strangers.iter().all(|stranger| rules.contains(stranger)), "{rules:?}");
    assert!(!rules.iter().any(|(id, ..)| id == "4"), "{rules:?}");
    assert_eq!(rules.len(), 5, "{rules:?}");
    let ours = rig.x.lock().unwrap().rule_id("slow");
    assert!(rules.contains(&rule(&ours, "slow", "replydeck/main/slow")));
    // One rule, two columns; adopted ones by their ids.
    stream.send(post_json("7", "x", &json!([{"id": ours}]))).unwrap();
    stream.send(post_json("8", "x", &json!([{"id": "2"}, {"id": "5"}]))).unwrap();
    assert_eq!(next_post(&mut slow).await, "7");
    assert_eq!(next_post(&mut also).await, "7");
    assert_eq!(next_post(&mut bill).await, "8");
    assert_eq!(next_post(&mut outage).await, "8");
    assert!(rig.server.seen().iter().all(|seen| !seen.target.contains("delete_all")));
    rig.end().await;
}

#[tokio::test]
async fn a_bad_rule_costs_only_its_own_column() {
    for refuses_as_a_whole in [false, true] {
        let mut x = FakeX { refuses_as_a_whole, ..FakeX::default() };
        let stream = x.stream();
        let columns = [("slow", "slow"), ("bad", "forbidden"), ("billing", "billing")];
        let (mut rig, [mut slow, _bad, mut bill]) = Rig::start(x, columns, &PACE, |_| {}).await;
        let note = rig.link(|report| report.note.is_some()).await.note.unwrap();
        assert!(note.contains("column bad"), "{note}");
        if !refuses_as_a_whole {
            assert!(note.contains("this word is not allowed"), "{note}");
        }
        rig.live().await;
        let (one, two) = {
            let x = rig.x.lock().unwrap();
            assert_eq!(x.rules.len(), 2);
            (x.rule_id("slow"), x.rule_id("billing"))
        };
        stream.send(post_json("7", "x", &json!([{"id": one}, {"id": two}]))).unwrap();
        assert_eq!(next_post(&mut slow).await, "7");
        assert_eq!(next_post(&mut bill).await, "7");
        // Tried out before anything was set.
        let adds: Vec<_> =
            rig.server.seen().into_iter().filter(|seen| seen.method == "POST" && seen.path() == RULES).collect();
        assert!(adds[0].target.contains("dry_run=true"));
        rig.end().await;
    }
}

#[tokio::test]
async fn with_nothing_but_bad_rules_there_is_nothing_to_listen_for() {
    let x = FakeX::default();
    let long = format!("\"{}\"", "slow ".repeat(300).trim());
    let (mut rig, [_long, _bad]) = Rig::start(x, [("long", &long), ("bad", "forbidden")], &PACE, |_| {}).await;
    let note = rig.link(|report| report.note.is_some()).await.note.unwrap();
    assert!(note.contains("column long") && note.contains("1,024") | note.contains("1024"), "{note}");
    let down = rig.link(|report| report.state.word() == "down").await;
    assert!(down.note.unwrap().contains("this word is not allowed"));
    rig.end().await;
}

#[tokio::test]
async fn a_changed_query_is_set_before_the_old_one_goes() {
    let mut x = FakeX::default();
    let _stream = x.stream();
    let (mut rig, [_slow]) = Rig::start(x, [("slow", "slow")], &PACE, |_| {}).await;
    rig.live().await;
    let before = rig.server.seen().len();
    let [_changed] = rig.change([("slow", "slower")]);
    // The old rule goes last; after that nothing is asked any more.
    while rig.server.seen().last().is_none_or(|seen| !seen.body.contains("delete")) {
        tokio::task::yield_now().await;
    }
    let bodies: Vec<_> =
        rig.server.seen()[before..].iter().map(|seen| seen.body.clone()).filter(|body| !body.is_empty()).collect();
    assert_eq!(bodies.len(), 3, "{bodies:?}");
    assert!(bodies[0].contains("slower") && bodies[1].contains("slower") && bodies[2].contains("delete"));
    let rules = rig.x.lock().unwrap().rules.clone();
    assert_eq!(rules.iter().map(|rule| rule.1.as_str()).collect::<Vec<_>>(), ["slower"]);
    rig.end().await;
}

#[tokio::test]
async fn check_says_what_works_and_changes_nothing() {
    let mut x = FakeX { rules: vec![rule("1", "cat", "stranger")], ..FakeX::default() };
    x.others.push_back((
        "/2/users/me",
        Answer::json(200, &json!({"data": {"id": "42", "username": "AcmeHelp", "name": "Acme"}})),
    ));
    x.others.push_back((
        "/2/usage/tweets",
        Answer::json(200, &json!({"data": {"project_usage": "95", "project_cap": "100"}})),
    ));
    let x = std::sync::Arc::new(std::sync::Mutex::new(x));
    let answering = x.clone();
    let server = Server::start(move |seen| answering.lock().unwrap().answer(seen)).await;
    let network = XNetwork::with_pace(settings(&server.url), clock(), 7, &PACE).unwrap();
    let (columns, _receivers) = feeds([("slow", "slow"), ("bad", "forbidden")]);
    let findings = network.check(&columns).await;
    let words: Vec<_> = findings.iter().map(|finding| (finding.verdict, finding.what.as_str())).collect();
    assert_eq!(words.len(), 6, "{words:?}");
    assert_eq!(words[0].0, FindingVerdict::Works);
    assert!(words[1].0 == FindingVerdict::Fails && words[1].1.contains("column bad"), "{words:?}");
    assert!(words[3].0 == FindingVerdict::Works && words[3].1.contains("@AcmeHelp"), "{words:?}");
    assert!(words[4].1.starts_with("connections:"), "{words:?}");
    assert!(words[5].0 == FindingVerdict::Mind && words[5].1.contains("95 of the 100"), "{words:?}");
    assert_eq!(x.lock().unwrap().rules.len(), 1);
    assert_eq!(columns[0].column, ColumnName::new("slow"));

    // A wrong token: X's own words and what to do.
    x.lock().unwrap().others.extend([
        (RULES, Answer::json(401, &json!({"title": "Unauthorized", "detail": "Unauthorized", "type": "about:blank"}))),
        ("/2/users/me", Answer::json(200, &json!({"data": {"id": "1", "username": "SomebodyElse"}}))),
    ]);
    let findings = network.check(&columns).await;
    assert!(findings[0].verdict == FindingVerdict::Fails && findings[0].what.contains("Unauthorized"));
    assert!(findings[0].remedy.is_some());
    assert!(findings[1].verdict == FindingVerdict::Fails && findings[1].what.contains("@SomebodyElse"), "{findings:?}");
    assert_eq!(findings.len(), 2, "what the same token cannot be asked is not told again: {findings:?}");

    // Nobody is there: said once.
    drop(server);
    let nowhere = std::net::TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).unwrap();
    let network = XNetwork::with_pace(settings(&format!("http://{nowhere}")), clock(), 7, &PACE).unwrap();
    let findings = network.check(&columns).await;
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert!(findings[0].verdict == FindingVerdict::Fails && findings[0].what.contains("refused"), "{findings:?}");
}
