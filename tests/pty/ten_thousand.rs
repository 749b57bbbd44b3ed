//! Ten thousand open cases in the store and the network out of reach: every key of case work does what it does with
//! ten, and nothing is lost.
//!
//! `a_store_of_ten_thousand_open_cases` (ignored) only writes such a store, into the folder `REPLYDECK_FILL`, with a
//! config beside it, for measuring an optimised build with; with `REPLYDECK_FILL_HISTORY` so many posts of resolved cases
//! before them, ten to a case.

use std::path::Path;
use std::time::Instant;

use jiff::{SignedDuration, Timestamp};
use replydeck::desk::{Desk as State, fold};
use replydeck::log::Log;
use replydeck::log::sqlite::SqliteLog;
use replydeck::model::event::Standing;
use replydeck::model::post::{Counts, WhoMayReply};
use replydeck::model::{
    Author, AuthorId, Body, CaseId, CaseStatus, ColumnName, ConversationId, Event, EventId, MachineName, NetworkKind,
    NewEvent, Post, PostId, RepName, Seq,
};

use super::{ESC, InTerminal};
use crate::simulator::Simulator;

const CASES: u64 = 10_000;
/// One comes in so often.
const APART: SignedDuration = SignedDuration::from_secs(12);

fn post(n: u64, at: Timestamp) -> Post {
    let id = (7_000_000 + n).to_string();
    Post {
        id: PostId::new(NetworkKind::X, &id),
        version: None,
        author: Author {
            id: AuthorId::new(NetworkKind::X, &(9_000_000 + n).to_string()),
            handle: format!("many{n}"),
            name: "One Of Many".to_owned(),
            followers: Some(n % 900),
            is_verified: false,
            is_protected: false,
        },
        conversation: ConversationId::new(NetworkKind::X, &id),
        in_reply_to: None,
        in_reply_to_author: None,
        quotes: None,
        is_repost: false,
        text: format!("@AcmeHelp my line is dead, number{n}x, and the router blinks red since this morning"),
        lang: Some("en".to_owned()),
        at,
        counts: Counts::default(),
        mentions: Vec::new(),
        hashtags: Vec::new(),
        links: Vec::new(),
        media: Vec::new(),
        who_may_reply: WhoMayReply::Everyone,
        is_edited: false,
    }
}

fn case_of(n: u64) -> CaseId {
    let post = post(n, Timestamp::UNIX_EPOCH);
    CaseId::of(&post.author.id, &post.conversation)
}

/// What the store says of post `n`.
struct Told {
    n: u64,
    at: Timestamp,
    events: Vec<NewEvent>,
}

impl Told {
    /// The post, heard in these columns; the first of its conversation opens the case.
    fn heard(n: u64, post: Post, columns: &[&str]) -> Self {
        let mut told = Self { n, at: post.at, events: Vec::new() };
        let matched = Event::PostMatched {
            post: post.id.clone(),
            author: post.author.id.clone(),
            conversation: post.conversation.clone(),
            columns: columns.iter().map(|column| ColumnName::new(column)).collect(),
            posted_at: post.at,
            in_reply_to: post.in_reply_to.clone(),
            in_reply_to_author: None,
            standing: Standing::Customer,
        };
        let opened = post.in_reply_to.is_none().then(|| Event::CaseOpened {
            case: CaseId::of(&post.author.id, &post.conversation),
            author: post.author.id.clone(),
            conversation: post.conversation.clone(),
            post: post.id.clone(),
            posted_at: post.at,
        });
        told.push("matched", "intake", matched, Some(Body::Post(Box::new(post))));
        if let Some(opened) = opened {
            told.push("opened", "intake", opened, None);
        }
        told
    }

    fn push(&mut self, what: &str, rep: &str, event: Event, body: Option<Body>) {
        self.events.push(NewEvent {
            id: EventId::of(what, &[&self.n.to_string()]),
            at: self.at,
            rep: RepName::new(rep),
            machine: MachineName::new("desk"),
            event,
            body,
        });
    }
}

/// The case of post `n`, which came `n` steps after `first`; every third is somebody's, every fifth has a tag.
fn case(n: u64, first: Timestamp) -> Vec<NewEvent> {
    let at = first + APART * i32::try_from(n).expect("few");
    let case = case_of(n);
    let mut told = Told::heard(n, post(n, at), &["mentions", "acme", "hold"]);
    if n.is_multiple_of(3) {
        let rep = ["ana", "bo", "cy"][usize::try_from(n / 3 % 3).expect("few")];
        told.push("claimed", rep, Event::CaseClaimed { case }, None);
    }
    if n.is_multiple_of(5) {
        let tag = Event::CaseTagged { case, tag: format!("area {}", n % 40), on: true };
        told.push("tagged", "bo", tag, None);
    }
    told.events
}

/// Posts of a case that is over.
const PER_RESOLVED: u64 = 10;

/// Post `n` of those before the open cases, of which the last came at `until`: it joins the others of its case, which
/// ends with the last of them.
fn resolved(n: u64, of: u64, until: Timestamp) -> Vec<NewEvent> {
    let at = until - APART * i32::try_from(of - n).expect("few");
    let (own, first) = (CASES + n, CASES + n - n % PER_RESOLVED);
    let (mut post, begun) = (post(own, at), post(first, at));
    (post.author, post.conversation) = (begun.author, begun.conversation);
    post.in_reply_to = (own > first).then_some(begun.id);
    let mut told = Told::heard(own, post, &["mentions", "acme"]);
    if n % PER_RESOLVED == PER_RESOLVED - 1 {
        let case = case_of(first);
        let cause = Some(["outage", "billing"][usize::try_from(n / PER_RESOLVED % 2).expect("few")].to_owned());
        let over = Event::CaseResolved { case, cause, outcome: None, closing: false, number: None, undone: false };
        told.push("resolved", "ana", over, None);
    }
    told.events
}

/// Writes the store; the oldest open cases are overdue.
fn fill(data: &Path, history: u64) {
    std::fs::create_dir_all(data).expect("a folder");
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let log = SqliteLog::open(data).expect("a store");
    let first = Timestamp::now() - APART * i32::try_from(CASES).expect("few");
    for from in (0..history).step_by(1_000) {
        let batch = (from..history.min(from + 1_000)).flat_map(|n| resolved(n, history, first)).collect();
        runtime.block_on(log.append(batch, None)).expect("written");
    }
    for from in (0..CASES).step_by(1_000) {
        let batch = (from..from + 1_000).flat_map(|n| case(n, first)).collect();
        runtime.block_on(log.append(batch, None)).expect("written");
    }
    runtime.block_on(log.close());
}

/// A config of the simulator's that is not there any more.
fn config(home: &Path) -> std::path::PathBuf {
    let simulator = Simulator::quiet(home);
    let text = std::fs::read_to_string(&simulator.config).expect("the config");
    // Its secrets go with it.
    let beside = simulator.config.parent().expect("a folder").to_owned();
    for file in std::fs::read_dir(&beside).expect("a folder").filter_map(Result::ok) {
        if file.path().is_file() {
            std::fs::copy(file.path(), home.join(file.file_name())).expect("copied");
        }
    }
    let config = home.join("many.toml");
    let words = |path: &Path| path.to_str().expect("a path").to_owned();
    std::fs::write(&config, text.replace(&words(&beside), &words(home))).expect("a config");
    config
}

#[test]
fn ten_thousand_open_cases_are_worked_on_as_ten_are() {
    let home = tempfile::tempdir().expect("a home");
    let data = home.path().join("data");
    fill(&data, 0);
    let config = config(home.path());
    let began = Instant::now();
    let mut deck = InTerminal::start(&["--config", config.to_str().expect("a path")], home.path(), (200, 50), &[]);
    deck.shows(&format!("number{}x", CASES - 1));
    println!("first screen of {CASES} open cases after {:?} (unoptimised)", began.elapsed());
    // The head counts them all, and those that waited for a day.
    let shown = deck.until("the counts", |screen| screen.contains("OVERDUE "));
    assert!(shown.contains("mine "), "{shown}");

    // Down a column, with the case in the pane; the network that is away stands above as a gap. A gap that came after
    // the first key would stand above what is selected.
    deck.until("the first column's gap", |screen| screen.lines().any(|line| line.starts_with("|~~~ gap since")));
    deck.keys("j");
    deck.shows(">~~ gap since");
    for n in 1..30 {
        deck.keys("j");
        let words = format!("number{}x", CASES - n);
        deck.until(&words, |screen| pane(screen).contains(&words));
    }
    // The most overdue of all, wherever one is.
    deck.keys("!");
    deck.until("the most overdue case", |screen| pane(screen).contains("number0x"));
    deck.keys("c");
    deck.until("it is bo's or mine", |screen| screen.contains("number0x"));
    // My queue; a tag, a snooze, and an end.
    deck.keys("gq");
    deck.until("my queue", |screen| screen.contains("my cases"));
    deck.keys("t");
    deck.shows("> ");
    deck.keys("Ärger 😡\r");
    deck.until("the tag", |screen| pane(screen).contains("Ärger"));
    deck.keys(".");
    // A thousand back in the store, by its words.
    deck.keys("/");
    deck.shows("find in stored posts");
    deck.keys("number4321x\r");
    deck.shows("for number4321x, newest");
    deck.keys("\r");
    deck.until("the post found", |screen| pane(screen).contains("number4321x"));
    deck.keys("c");
    deck.until("claimed", |screen| pane(screen).contains("M mine") || pane(screen).contains("you:ana"));
    deck.keys("e");
    deck.keys("billing\r");
    deck.shows("how did it end?");
    deck.keys("\r");
    deck.until("resolved", |screen| screen.contains("R resolved") || screen.contains("resolved: case"));
    deck.keys(ESC);
    deck.keys("Q");
    assert!(deck.ended().success());

    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let log = SqliteLog::open(&data).expect("a store");
    let last = runtime.block_on(log.last()).expect("the last place");
    let (mut state, mut at) = (State::default(), Seq(0));
    while at < last {
        for envelope in runtime.block_on(log.events(at, 4_096)).expect("events") {
            fold(&mut state, &envelope);
            at = envelope.seq;
        }
    }
    let open = state.cases.values().filter(|case| case.status != CaseStatus::Resolved).count();
    assert_eq!(open as u64, CASES - 1, "one was resolved, and none was lost");
    assert_eq!(state.counters.cases, CASES);
    let tagged = state.cases.values().filter(|case| case.tags.iter().any(|tag| tag.contains('😡'))).count();
    assert_eq!(tagged, 1);
    let owner = state.cases.get(&case_of(4_321)).and_then(|case| case.owner.clone());
    assert!(owner.is_none_or(|owner| owner == RepName::new("ana")), "claimed by who pressed the key");
    runtime.block_on(log.close());
}

/// What stands in the case's pane, right of the columns.
fn pane(screen: &str) -> String {
    screen.lines().map(|line| line.chars().skip(129).collect::<String>()).collect::<Vec<_>>().join("\n")
}

#[test]
#[ignore = "writes the store that an optimised build is measured with: REPLYDECK_FILL=DIR"]
fn a_store_of_ten_thousand_open_cases() {
    let home = std::env::var("REPLYDECK_FILL").expect("REPLYDECK_FILL names a folder");
    let home = Path::new(&home);
    let began = Instant::now();
    let history = std::env::var("REPLYDECK_FILL_HISTORY").ok().map_or(0, |n| n.parse().expect("a number of posts"));
    fill(&home.join("data"), history);
    println!("{} and data/ beside it, after {:?}", config(home).display(), began.elapsed());
}
