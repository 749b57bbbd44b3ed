//! What X says where it does not let us listen, from its words to the screen: each is one honest state and one gap, and
//! ends with neither; Enter on the gap's row tells the price and then brings back what was missed, or X's word why not.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use replydeck::model::{GapFill, LinkState};
use replydeck::net::Clock;
use replydeck::net::x::pace::Pace;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::rig::PACE;
use crate::whole_desk::{Desk, control, stand_on_gap};

/// A clock that runs from ten in the morning, and seconds by which it is led on.
fn clock() -> (Clock, Arc<AtomicI64>) {
    let began = Instant::now();
    let base: Timestamp = "2026-03-02T10:00:00Z".parse().unwrap();
    let led_on = Arc::new(AtomicI64::new(0));
    let ahead = Arc::clone(&led_on);
    let clock: Clock = Arc::new(move || {
        let passed = SignedDuration::try_from(began.elapsed()).unwrap();
        base + passed + SignedDuration::from_secs(ahead.load(Ordering::SeqCst))
    });
    (clock, led_on)
}

/// One trouble: the answer at the door, the state's word in the head, X's own words, and what to do.
struct Trouble {
    status: u16,
    body: Value,
    state: &'static str,
    words: &'static str,
    remedy: &'static str,
}

fn troubles() -> [Trouble; 5] {
    [
        Trouble {
            status: 429,
            body: json!({"title": "ConnectionException",
                "detail": "This stream is currently at the maximum allowed connection limit.",
                "connection_issue": "TooManyConnections",
                "type": "https://api.x.com/2/problems/streaming-connection"}),
            state: "backing off",
            words: "maximum allowed connection limit",
            remedy: "another program",
        },
        Trouble {
            status: 429,
            body: json!({"title": "UsageCapExceeded", "period": "Monthly", "scope": "Product",
                "detail": "Usage cap exceeded: Monthly product cap",
                "type": "https://api.twitter.com/2/problems/usage-capped"}),
            state: "down",
            words: "Monthly product cap",
            remedy: "cap",
        },
        Trouble {
            status: 402,
            body: json!({"title": "CreditsDepleted", "detail": "no credits left"}),
            state: "down",
            words: "no credits left",
            remedy: "credits",
        },
        Trouble {
            status: 409,
            body: json!({"title": "ConnectionException", "detail": "You must define rules",
                "connection_issue": "RuleConfigurationIssue"}),
            state: "backing off",
            words: "define rules",
            remedy: "",
        },
        Trouble {
            status: 503,
            body: json!({"title": "Service Unavailable", "detail": "try later"}),
            state: "backing off",
            words: "try later",
            remedy: "",
        },
    ]
}

fn told(link: &LinkState) -> String {
    match link {
        LinkState::BackingOff { why, .. } | LinkState::Paused { why, .. } => why.clone(),
        LinkState::Down { why, remedy } => format!("{why} {remedy}"),
        _ => String::new(),
    }
}

/// Rows of gaps in the column that has the keys, which is the first on the screen.
fn gap_rows(screen: &str) -> usize {
    screen.lines().filter(|line| line.chars().take(40).collect::<String>().contains("~ gap ")).count()
}

#[tokio::test]
async fn each_no_at_the_door_is_one_state_and_one_gap_from_the_last_byte_to_the_next() {
    let pace = Pace { down_retry: Duration::from_millis(200), ..PACE };
    for Trouble { status, body, state, words, remedy } in troubles() {
        let (clock, led_on) = clock();
        let mut desk = Desk::on_simulator(&clock, &pace, None).await;
        let url = desk.url.clone();
        control(&url, "post", json!({"handle": "mia", "text": "@AcmeHelp before it"})).await;
        desk.until("the first post", |app| app.desk.posts.len() == 1).await;
        let before = clock();
        // X takes its lines away, in-band and in words of its own; a mention comes on either.
        for target in ["activity", "stream"] {
            let fault =
                json!({"kind": "status", "status": status, "body": body, "target": target, "times": "until_lifted"});
            control(&url, "fault", fault).await;
            control(&url, "fault", json!({"kind": "disconnect", "target": target})).await;
        }
        desk.until("the state", |app| {
            let is_it = |told: String| told.contains(words) && told.contains(remedy);
            app.links.values().any(|link| link.state.word() == state && is_it(told(&link.state)))
        })
        .await;
        desk.until("the gap", |app| !app.desk.gaps.is_empty()).await;
        let screen = desk.screen();
        assert_eq!(gap_rows(&screen), 1, "{status}:\n{screen}");
        assert!(screen.contains("gap since 10:00, still open") && !screen.contains("LIVE 1/1"), "{status}:\n{screen}");
        // It is asked again and again; what came in vain is not a second gap.
        control(&url, "post", json!({"handle": "leo", "text": "@AcmeHelp meanwhile"})).await;
        let lifted = clock();
        control(&url, "fault", json!({"lift": "all"})).await;
        desk.until("the line", |app| app.links.values().all(|link| link.state == LinkState::Live)).await;
        desk.until("the end of the gap", |app| app.desk.gaps.values().all(|gap| gap.to.is_some())).await;
        assert_eq!(desk.app.desk.gaps.len(), 1, "{status}: {:?}", desk.app.desk.gaps);
        let gap = desk.app.desk.gaps.values().next().unwrap();
        let second = SignedDuration::from_secs(1);
        assert!(
            gap.from <= before + second && gap.to.unwrap() >= lifted - second,
            "{status}: {gap:?} {before} {lifted}"
        );
        let screen = desk.screen();
        assert_eq!(gap_rows(&screen), 1, "{status}:\n{screen}");
        assert!(screen.contains("LIVE 1/1"), "{status}:\n{screen}");
        control(&url, "post", json!({"handle": "zoe", "text": "@AcmeHelp after it"})).await;
        desk.until("a post heard again", |app| has(app, "after it")).await;

        // X's search shows a post half a minute late.
        led_on.store(60, Ordering::SeqCst);
        stand_on_gap(&mut desk);
        // Once X has no word but no: the row says that it is not filled, and why is told.
        let plan = json!({"title": "Client Forbidden", "reason": "client-not-enrolled",
            "detail": "When authenticating requests to the Twitter API v2 endpoints, you must use keys from an App with access",
            "type": "https://api.twitter.com/2/problems/client-forbidden"});
        control(&url, "fault", json!({"kind": "status", "status": 403, "body": plan, "target": "search"})).await;
        desk.press("\n");
        assert!(desk.app.notices.newest().unwrap().text.contains("$0.005"), "{status}: the price comes first");
        assert!(desk.app.desk.gaps.values().all(|gap| gap.fill.is_none()));
        desk.press("\n");
        desk.until("the refusal", |app| app.desk.gaps.values().all(|gap| gap.fill.is_some())).await;
        let fill = desk.app.desk.gaps.values().next().unwrap().fill.clone();
        assert!(
            matches!(&fill, Some(GapFill::NotFilled { why }) if why.contains("you must use keys")),
            "{status}: {fill:?}"
        );
        assert_eq!(gap_rows(&desk.screen()), 1, "{status}:\n{}", desk.screen());
        desk.press("\n");
        desk.press("\n");
        desk.until("the fill", |app| app.desk.gaps.values().all(|gap| gap.fill == Some(GapFill::Filled { posts: 1 })))
            .await;
        desk.until("what was missed", |app| has(app, "meanwhile")).await;
        assert_eq!((desk.app.desk.gaps.len(), gap_rows(&desk.screen())), (1, 1), "{status}:\n{}", desk.screen());
        desk.end().await;
    }
}

fn has(app: &replydeck::app::App, words: &str) -> bool {
    app.desk.posts.values().any(|post| post.body.as_ref().is_some_and(|post| post.text.ends_with(words)))
}
