//! Threads as they really ran, from a recording to cases: brand answers typed elsewhere join their case and stop its
//! clock; reposts, quotes and own posts open none. What is expected is counted from the recording itself.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use replydeck::app::{ColumnSetup, ColumnSource, Msg};
use replydeck::desk::report::{Eyes, Reckoning, Terms};
use replydeck::desk::{Desk, fold};
use replydeck::log::Log;
use replydeck::log::memory::MemoryLog;
use replydeck::model::{
    Account, AccountName, AuthorId, CaseStatus, ColumnName, Envelope, LinkState, MachineName, NetworkKind, OfficeHours,
    RepName, Seq,
};
use replydeck::net::Network;
use replydeck::net::replay::Speed;
use replydeck::net::x::XNetwork;
use replydeck::rules::Rule;
use replydeck::run::clock::Recorded;
use replydeck::run::feeding::{Feeding, Sources};
use replydeck::run::intake::{Own, Signer};
use replydeck::run::recording::Recording;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::rig::{PACE, clock, settings};

const PATIENCE: Duration = Duration::from_mins(2);

/// What a recording makes of a case: its customer's posts, and when we answered.
#[derive(Debug, Default, PartialEq)]
struct Thread {
    posts: BTreeMap<String, Timestamp>,
    answers: Vec<Timestamp>,
}

impl Thread {
    fn began(&self) -> Timestamp {
        *self.posts.values().min().expect("a post")
    }

    fn first_answer(&self) -> Option<Timestamp> {
        self.answers.iter().copied().filter(|at| *at >= self.began()).min()
    }

    /// Since when the customer waits.
    fn waiting(&self) -> Option<Timestamp> {
        let said = self.answers.iter().max();
        self.posts.values().copied().filter(|at| said.is_none_or(|said| said < at)).min()
    }
}

/// The cases of a recording by author and conversation, counted line by line.
fn expected(recording: &str, brands: &[&str]) -> BTreeMap<(String, String), Thread> {
    let lines: Vec<Value> = recording.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let is_us = |handle: &str| brands.iter().any(|brand| brand.eq_ignore_ascii_case(handle));
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let handle_of = |line: &Value| {
        let users = line["includes"]["users"].as_array().expect("users");
        let author = users.iter().find(|user| user["id"] == line["data"]["author_id"]).expect("the author");
        text(&author["username"])
    };
    let at = |line: &Value| -> Timestamp { text(&line["data"]["created_at"]).parse().expect("a time") };
    let mut cases: BTreeMap<(String, String), Thread> = BTreeMap::new();
    let mut times: BTreeMap<String, Timestamp> = BTreeMap::new();
    for line in &lines {
        let data = &line["data"];
        let references = data["referenced_tweets"].as_array().cloned().unwrap_or_default();
        let is_reply = references.iter().all(|reference| reference["type"] == "replied_to");
        let words = text(&data["text"]);
        // A name is what stands behind an @ that no letter, digit or @ comes before.
        let names_us = words.match_indices('@').any(|(at, _)| {
            let begins = words[..at].chars().next_back().is_none_or(|c| !(c.is_alphanumeric() || "_@".contains(c)));
            let end = words[at + 1..].find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
            begins && is_us(&words[at + 1..end.map_or(words.len(), |end| at + 1 + end)])
        });
        if is_us(&handle_of(line)) || !is_reply || !names_us {
            continue;
        }
        times.insert(text(&data["id"]), at(line));
        let case = cases.entry((text(&data["author_id"]), text(&data["conversation_id"]))).or_default();
        case.posts.insert(text(&data["id"]), at(line));
    }
    let mut seen = BTreeSet::new();
    for line in lines.iter().filter(|line| is_us(&handle_of(line))) {
        let data = &line["data"];
        if !seen.insert(text(&data["id"])) {
            continue;
        }
        let key = (text(&data["in_reply_to_user_id"]), text(&data["conversation_id"]));
        let Some(case) = cases.get_mut(&key) else { continue };
        let references = data["referenced_tweets"].as_array().cloned().unwrap_or_default();
        let answered = references.iter().find(|reference| reference["type"] == "replied_to");
        let answered = answered.and_then(|reference| times.get(&text(&reference["id"])));
        case.answers.push(answered.map_or(at(line), |answered| (*answered).max(at(line))));
    }
    cases
}

/// Plays a recording to columns for these brands, which are us, and reads what is in the log then.
async fn played(recording: String, brands: &[&str]) -> Vec<Arc<Envelope>> {
    let accounts: Vec<Account> = brands
        .iter()
        .enumerate()
        .map(|(n, brand)| Account {
            name: AccountName::new(&format!("account-{n}")),
            handle: (*brand).to_owned(),
            id: Some(AuthorId::new(NetworkKind::X, &format!("ours-{n}"))),
            ..settings("http://127.0.0.1:1").account
        })
        .collect();
    let feeding = accounts[0].name.clone();
    let columns: Vec<ColumnSetup> = brands
        .iter()
        .enumerate()
        .map(|(n, brand)| ColumnSetup {
            name: ColumnName::new(&format!("column-{n}")),
            title: (*brand).to_owned(),
            sources: vec![ColumnSource {
                network: NetworkKind::X,
                account: feeding.clone(),
                reply_as: accounts[n].name.clone(),
            }],
            rule: Rule::parse(&format!("@{brand}")).expect("a query"),
            targets: replydeck::model::sla::Targets::within(SignedDuration::from_hours(1)),
        })
        .collect();
    let mut of_first = settings("http://127.0.0.1:1");
    of_first.account = accounts[0].clone();
    let behind = Arc::new(XNetwork::with_pace(of_first, clock(), 7, &PACE).expect("an adapter"));
    let tape = std::io::Cursor::new(recording);
    let network =
        Recording::new(Some(Box::new(tape)), Speed::Max, Recorded::default(), behind).with_own(accounts.clone());
    let log: Arc<dyn Log> = Arc::new(MemoryLog::new());
    let folder = tempfile::tempdir().expect("a folder");
    let (inbox, mut messages) = mpsc::channel(64);
    let sources = Sources {
        log: Arc::clone(&log),
        networks: BTreeMap::from([(feeding, Arc::new(network) as Arc<dyn Network>)]),
        clock: clock(),
        signer: Signer { rep: RepName::new("intake"), machine: MachineName::new("here") },
        own: Own::of(accounts.iter().cloned()),
        data_dir: folder.path().to_owned(),
        inbox,
    };
    let feeding = Feeding::start(&sources, &columns);
    let is_over = |msg: &Msg| matches!(msg, Msg::Link(report) if matches!(report.state, LinkState::Ended { .. }));
    loop {
        let msg = timeout(PATIENCE, messages.recv()).await.expect("the recording ends").expect("it is told");
        if is_over(&msg) {
            break;
        }
    }
    drop(messages);
    feeding.end().await;
    log.events(Seq(0), usize::MAX).await.expect("the log")
}

/// The log holds the threads of the recording, and the desk and the report say so.
#[track_caller]
fn assert_ran(log: &[Arc<Envelope>], expected: &BTreeMap<(String, String), Thread>) {
    let mut desk = Desk::default();
    let mut reckoning = Reckoning::default();
    for envelope in log {
        fold(&mut desk, envelope);
        reckoning.take(envelope);
    }
    let key = |case: &replydeck::desk::Case| (case.author.native().to_owned(), case.conversation.native().to_owned());
    let built: BTreeSet<_> = desk.cases.values().map(key).collect();
    assert_eq!(built, expected.keys().cloned().collect(), "a case for each author and conversation");
    for case in desk.cases.values() {
        let thread = &expected[&key(case)];
        let posts: BTreeSet<_> = case.posts.iter().map(|post| post.native().to_owned()).collect();
        assert_eq!(posts, thread.posts.keys().cloned().collect(), "{:?}", key(case));
        assert_eq!(case.started, thread.began(), "{:?}", key(case));
        assert_eq!(case.waiting_since, thread.waiting(), "the clock of {:?}", key(case));
        assert_eq!(case.last_answer.as_ref().map(|answer| answer.at), thread.answers.iter().max().copied());
        let status = match (thread.waiting(), thread.answers.is_empty()) {
            (Some(_), true) => CaseStatus::New,
            (Some(_), false) => CaseStatus::Waiting,
            (None, _) => CaseStatus::Acknowledged,
        };
        assert_eq!(case.status, status, "{:?}", key(case));
    }
    let terms = Terms {
        since: None,
        until: None,
        now: clock()(),
        zone: TimeZone::UTC,
        targets: BTreeMap::new(),
        hours: OfficeHours::always(),
        eyes: Eyes::All,
        accounts: vec![],
    };
    let report = reckoning.report(&terms);
    let mut waited: Vec<u64> = expected
        .values()
        .filter_map(|thread| Some(thread.first_answer()?.duration_since(thread.began())))
        .map(|waited| u64::try_from(waited.as_millis()).expect("after it"))
        .collect();
    waited.sort_unstable();
    assert_eq!(report.total.seen, expected.len() as u64);
    assert_eq!(report.total.posts, expected.values().map(|thread| thread.posts.len() as u64).sum::<u64>());
    assert_eq!(report.total.answered, waited.len() as u64);
    let median = waited.get(waited.len().div_ceil(2).saturating_sub(1)).copied();
    assert_eq!(report.total.first.map(|first| first.median_ms), median);
    assert!(report.reps.iter().all(|row| row.rep.is_none()), "all of it was typed elsewhere");
}

/// A line: id, minute, author's id and handle, conversation, what it answers (whose, which), and its text.
fn said(id: u32, minute: u8, author: (&str, &str), conversation: u32, to: Option<(&str, u32)>, text: &str) -> Value {
    let mut data = json!({"id": id.to_string(), "text": text, "author_id": author.0, "edit_history_tweet_ids": [id.to_string()],
        "conversation_id": conversation.to_string(), "created_at": format!("2026-03-01T10:{minute:02}:00.000Z")});
    if let Some((whose, which)) = to {
        data["in_reply_to_user_id"] = json!(whose);
        data["referenced_tweets"] = json!([{"type": "replied_to", "id": which.to_string()}]);
    }
    json!({"data": data, "includes": {"users": [{"id": author.0, "username": author.1, "name": author.1}]}})
}

#[tokio::test]
async fn written_threads_become_cases_with_their_answers() {
    let (mia, leo, us) = (("9", "mia"), ("8", "leo"), ("77", "bluekite"));
    let mut quote = said(111, 11, leo, 111, None, "look at @BlueKite");
    quote["data"]["referenced_tweets"] = json!([{"type": "quoted", "id": "100"}]);
    let mut repost = said(112, 12, leo, 112, None, "RT @BlueKite planned work");
    repost["data"]["referenced_tweets"] = json!([{"type": "retweeted", "id": "99"}]);
    let lines = [
        // Our own word opens no case; who answers it does.
        said(99, 0, us, 99, None, "planned work tonight"),
        said(100, 1, mia, 99, Some(("77", 99)), "@BlueKite my line is dead"),
        said(101, 2, leo, 99, Some(("9", 100)), "@mia @BlueKite same here"),
        // Typed on the phone, to mia alone; a thread of ours goes on below it.
        said(102, 4, us, 99, Some(("9", 100)), "@mia we are on it"),
        said(103, 5, us, 99, Some(("77", 102)), "more soon"),
        // mia goes on, and is answered again; leo still waits.
        said(104, 7, mia, 99, Some(("77", 102)), "@BlueKite still dead"),
        said(105, 9, us, 99, Some(("9", 104)), "@mia try now"),
        // A thread of which we see the end first: an answer from before the first post we know.
        said(106, 10, us, 90, Some(("8", 91)), "@leo hello"),
        said(107, 13, leo, 90, Some(("77", 106)), "@BlueKite not helping"),
        quote,
        repost,
        // Delivered twice.
        said(101, 2, leo, 99, Some(("9", 100)), "@mia @BlueKite same here"),
    ];
    let recording = lines.map(|line| line.to_string()).join("\n");
    let expected = expected(&recording, &["BlueKite"]);
    assert_eq!(expected.len(), 3);
    let mia = &expected[&("9".to_owned(), "99".to_owned())];
    assert_eq!((mia.posts.len(), mia.answers.len(), mia.waiting()), (2, 2, None));
    let leo = &expected[&("8".to_owned(), "90".to_owned())];
    assert_eq!((leo.answers.len(), leo.first_answer(), leo.waiting()), (1, None, Some(leo.began())));
    assert_ran(&played(recording, &["BlueKite"]).await, &expected);
}

/// Real threads, where the data lies beside the checkout.
#[tokio::test]
async fn real_threads_become_cases_with_their_answers() {
    let shared = std::env::var_os("REPLYDECK_SHARED")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared"), PathBuf::from);
    let Ok(recording) = std::fs::read_to_string(shared.join("data/conversations.ndjson")) else {
        skipped();
        return;
    };
    // Who answers in it, by the recording's own tags.
    let mut brands: BTreeSet<String> = BTreeSet::new();
    for line in recording.lines() {
        let line: Value = serde_json::from_str(line).expect("JSON");
        let tags = line["matching_rules"].as_array().cloned().unwrap_or_default();
        let tags = tags.iter().filter_map(|rule| rule["tag"].as_str()?.strip_prefix("from:").map(str::to_owned));
        brands.extend(tags);
    }
    let brands: Vec<&str> = brands.iter().map(String::as_str).collect();
    let expected = expected(&recording, &brands);
    let answered = expected.values().filter(|thread| thread.first_answer().is_some()).count();
    assert!(expected.len() > 500 && answered > 300, "{} cases, {answered} answered", expected.len());
    told(&format!("{} brands, {} cases, {answered} answered", brands.len(), expected.len()));
    assert_ran(&played(recording, &brands).await, &expected);
}

#[expect(clippy::print_stderr, reason = "a test that did not run must say so")]
fn skipped() {
    eprintln!("skipped: conversations.ndjson is not beside this checkout (set REPLYDECK_SHARED to its folder)");
}

#[expect(clippy::print_stderr, reason = "the figures of the real data")]
fn told(figures: &str) {
    eprintln!("{figures}");
}
