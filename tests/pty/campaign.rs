//! The kill campaign: the real program is killed with SIGKILL at twenty points around a send, again and again, the
//! network's answer lost in every third run. Whatever the point: the network never shows a reply twice, and what the
//! rep confirmed is public, or stands in the outbox with the reason, or is still the draft it was. On X, there around a
//! direct message as well, on Bluesky, and on a Mastodon server that takes no notice of Idempotency-Key. Where the kills
//! are few they are at the points after the attempt.
//!
//! ```text
//! cargo test --test pty kill_campaign                                          20 kills on X, 8 on each other way
//! REPLYDECK_KILLS=500 REPLYDECK_KILL_WORKERS=16 cargo test --test pty kill_campaign -- --nocapture
//! ```

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use replydeck::desk::{Desk as State, Reply, fold};
use replydeck::log::Log;
use replydeck::log::sqlite::SqliteLog;
use replydeck::model::{Delivery, Envelope, NetworkKind};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use tokio::runtime::Runtime;
use tokio::sync::mpsc;

use super::{CTRL_S, Desk, ESC, InTerminal, PATIENCE, READ_BACK, SMALL};
use crate::simulator::Plane;

/// What the kill waits for; milliseconds count from there.
#[derive(Clone, Copy, Debug)]
enum Moment {
    /// The key that confirms has been typed.
    Key(u64),
    /// The confirmation is in the store.
    Queued(u64),
    /// The hold runs out; before it where negative.
    HoldEnds(i64),
    /// The attempt is in the store.
    Attempted(u64),
    /// The request has left, and the network sits on it.
    OnItsWay,
    /// The reply is public, and its answer has not come back.
    Public(u64),
    /// The outcome is in the store.
    Sent(u64),
}

/// From the key to well after the answer, the finest steps where something is written down or leaves.
const POINTS: [(&str, Moment); 20] = [
    ("key +0 ms", Moment::Key(0)),
    ("key +3 ms", Moment::Key(3)),
    ("key +8 ms", Moment::Key(8)),
    ("key +20 ms", Moment::Key(20)),
    ("queued +0 ms", Moment::Queued(0)),
    ("queued +200 ms", Moment::Queued(200)),
    ("hold's end -20 ms", Moment::HoldEnds(-20)),
    ("hold's end +0 ms", Moment::HoldEnds(0)),
    ("hold's end +1 ms", Moment::HoldEnds(1)),
    ("hold's end +2 ms", Moment::HoldEnds(2)),
    ("hold's end +4 ms", Moment::HoldEnds(4)),
    ("hold's end +8 ms", Moment::HoldEnds(8)),
    ("attempted +0 ms", Moment::Attempted(0)),
    ("attempted +2 ms", Moment::Attempted(2)),
    ("attempted +5 ms", Moment::Attempted(5)),
    ("request held up", Moment::OnItsWay),
    ("public +0 ms", Moment::Public(0)),
    ("public +150 ms", Moment::Public(150)),
    ("sent +0 ms", Moment::Sent(0)),
    ("sent +400 ms", Moment::Sent(400)),
];

/// Of fewer kills those after the attempt matter most, so there they come first.
const ATTEMPTED: usize = 12;

/// So long the network sits on a request or an answer.
const HELD_UP: u64 = 600;

/// What became of a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Became {
    /// The key was not in the store yet: the draft is still there.
    Draft,
    Sent,
    /// The deck found that it was not published and said so; sent again by the rep's key.
    SentByKey,
    /// In sight in the outbox with the reason.
    Parked,
}

/// The store as a bystander sees it.
struct Watched {
    runtime: Runtime,
    log: SqliteLog,
    feed: mpsc::Receiver<Vec<Arc<Envelope>>>,
    state: State,
}

impl Watched {
    fn open(desk: &Desk) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let log = SqliteLog::open(&desk.home.path().join("data")).expect("a store");
        let feed = {
            let _inside = runtime.enter();
            log.subscribe(replydeck::model::Seq(0))
        };
        Self { runtime, log, feed, state: State::default() }
    }

    /// Follows the store until `wanted`; false where that does not come in time.
    fn until(&mut self, patience: Duration, wanted: impl Fn(&State) -> bool) -> bool {
        let end = Instant::now() + patience;
        while !wanted(&self.state) {
            let left = end.saturating_duration_since(Instant::now());
            let feed = &mut self.feed;
            let came = self.runtime.block_on(async { tokio::time::timeout(left, feed.recv()).await });
            let Ok(Some(batch)) = came else { return wanted(&self.state) };
            for envelope in batch {
                fold(&mut self.state, &envelope);
            }
        }
        true
    }

    /// Everything that is in the store now.
    fn catch_up(&mut self) {
        let last = self.runtime.block_on(self.log.last()).expect("the store tells its end");
        assert!(self.until(PATIENCE, |state| state.seq >= last), "the store does not tell what is in it");
    }

    fn reply(&self, words: &str) -> Option<Reply> {
        reply_of(&self.state, words).cloned()
    }
}

fn reply_of<'a>(state: &'a State, words: &str) -> Option<&'a Reply> {
    state.replies.values().find(|reply| reply.text.as_deref().is_some_and(|text| text.contains(words)))
}

fn is_sent(reply: &Reply) -> bool {
    matches!(reply.delivery, Delivery::Sent { .. } | Delivery::Delivered { .. })
}

fn is_settled(reply: Option<&Reply>) -> bool {
    reply.is_some_and(|reply| match reply.delivery {
        Delivery::Queued { .. } | Delivery::Sending => false,
        Delivery::Sent { .. } | Delivery::Delivered { .. } | Delivery::Failed { .. } | Delivery::Parked { .. } => true,
    })
}

/// What is sent, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Reply(NetworkKind),
    /// A direct message on X: there is no key that tells a repeat, and its conversation is where it is looked for.
    Message,
}

impl Way {
    fn network(self) -> NetworkKind {
        match self {
            Way::Reply(network) => network,
            Way::Message => NetworkKind::X,
        }
    }

    /// The key that begins it, and what the composer and the verdict say then.
    fn words(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Way::Reply(_) => ("r", "In reply to", "may we reply? yes"),
            Way::Message => ("D", "To", "takes direct messages from us: yes"),
        }
    }

    /// What a fault that strikes it is aimed at.
    fn target(self) -> &'static str {
        match self {
            Way::Reply(_) => "posts",
            Way::Message => "dms",
        }
    }

    /// X lets a stream be opened 50 times in 15 minutes, and a run opens it twice; messages may be sent, and looked
    /// through, 15 times.
    fn runs_on_a_bench(self) -> usize {
        match self {
            Way::Reply(_) => 20,
            Way::Message => 3,
        }
    }
}

/// A bench: one simulator, one store, runs one after the other.
struct Bench {
    way: Way,
    desk: Desk,
    watched: Watched,
}

/// The point to kill at.
fn point(way: Way, run: usize) -> (&'static str, Moment) {
    let first = if way == Way::Reply(NetworkKind::X) { 0 } else { ATTEMPTED };
    POINTS[(first + run) % POINTS.len()]
}

/// The config of all networks with one account and one column of it.
fn only(network: NetworkKind, config: &str) -> String {
    let account = format!("acme-{}", network.prefix());
    let ours = format!("accounts.{account}]");
    let sections = config.split("\n[").enumerate().filter(|(place, section)| {
        *place == 0
            || section.starts_with(&ours)
            || !(section.starts_with("accounts.") || section.starts_with("[columns"))
    });
    let kept: Vec<&str> = sections.map(|(_, section)| section).collect();
    let column =
        format!("[columns]]\nname = \"a\"\ntitle = \"@AcmeHelp\"\naccount = \"{account}\"\nquery = \"slow\"\n");
    format!("{}\n[{column}", kept.join("\n["))
}

impl Bench {
    fn new(way: Way) -> Self {
        let network = way.network();
        let desk = Desk::new();
        let path = &desk.simulator.config;
        let config = match network {
            NetworkKind::X => std::fs::read_to_string(path).expect("the config"),
            other => only(other, &std::fs::read_to_string(&desk.simulator.all_config).expect("the config of all")),
        };
        assert!(config.contains("hold = \"10s\""));
        std::fs::write(path, config.replace("hold = \"10s\"", "hold = \"1s\"")).expect("a config with a short hold");
        let watched = Watched::open(&desk);
        let bench = Self { way, desk, watched };
        if network == NetworkKind::Mastodon {
            bench.plane().manner(&json!({"ignores_keys": true}));
        }
        bench
    }

    fn plane(&self) -> &Plane {
        match self.way.network() {
            NetworkKind::X => &self.desk.simulator,
            NetworkKind::Bluesky => &self.desk.simulator.bluesky,
            NetworkKind::Mastodon => &self.desk.simulator.mastodon,
        }
    }

    /// One run: what became of the reply, or a panic with the screen.
    fn run(&mut self, run: usize) -> Became {
        let (_, moment) = point(self.way, run);
        let marker = marker_of(run);
        let words = format!("We look into it, {marker}.");
        let mut deck = self.desk.deck(SMALL);
        let text = format!("@AcmeHelp {marker} is slow");
        self.plane().post(&json!({"handle": format!("cust{run}"), "text": text}));
        open(&mut deck, self.way, run, &marker);
        deck.shows(self.way.words().2);
        deck.keys(&words);
        deck.shows(&words);
        // Who reads the preview before saying yes takes more than the second in which a draft is saved by itself.
        let is_kept = |state: &State| {
            let mut drafts = state.cases.values().flat_map(|case| &case.drafts);
            drafts.any(|draft| draft.draft.as_ref().is_some_and(|draft| draft.text.contains(&words)))
        };
        assert!(self.watched.until(PATIENCE, is_kept), "the draft is not saved");
        deck.keys(CTRL_S);
        let preview = deck.shows("y send");
        assert!(preview.contains(&format!("@cust{run}")), "another case is answered:\n{preview}");

        if run.is_multiple_of(3) {
            self.plane().fault(&json!({"kind": "lose_answer", "target": self.way.target()}));
        }
        match moment {
            Moment::OnItsWay => {
                self.plane().fault(&json!({"kind": "delay", "ms": HELD_UP, "target": self.way.target()}));
            }
            Moment::Public(_) => {
                self.plane().fault(&json!({"kind": "late_answer", "ms": HELD_UP, "target": self.way.target()}));
            }
            _ => {}
        }
        deck.keys("y");
        self.wait_for(moment, &marker);
        let id = i32::try_from(deck.process_id()).ok().and_then(Pid::from_raw).expect("a process");
        kill_process(id, Signal::KILL).expect("a kill");
        deck.ended();
        drop(deck);

        // A dead process writes nothing more: what is in the store now is what the next one finds.
        self.watched.catch_up();
        let was_queued = self.watched.reply(&words).is_some();
        let mut deck = self.desk.deck(SMALL);
        let became = if was_queued { self.settled(&mut deck, &words) } else { self.draft(&mut deck, run, &words) };
        self.plane().fault(&json!({"lift": "all"}));
        deck.signal("TERM");
        deck.ended();
        became
    }

    fn wait_for(&mut self, moment: Moment, marker: &str) {
        let delivered = |wanted: fn(&Reply) -> bool| {
            let marker = marker.to_owned();
            move |state: &State| reply_of(state, &marker).is_some_and(wanted)
        };
        let watched = &mut self.watched;
        let (came, more) = match moment {
            Moment::Key(ms) => (true, ms),
            Moment::Queued(ms) => (watched.until(PATIENCE, delivered(|_| true)), ms),
            Moment::HoldEnds(ms) => {
                let came = watched.until(PATIENCE, delivered(|_| true));
                let left = match watched.reply(marker).map(|reply| reply.delivery) {
                    Some(Delivery::Queued { until }) => {
                        until.duration_since(Timestamp::now()) + SignedDuration::from_millis(ms)
                    }
                    // A busy machine looked late: the moment is over, and any other will do as well.
                    _ => SignedDuration::ZERO,
                };
                (came, u64::try_from(left.as_millis()).unwrap_or(0))
            }
            Moment::Attempted(ms) => (watched.until(PATIENCE, delivered(|reply| reply.attempted.is_some())), ms),
            Moment::OnItsWay => (watched.until(PATIENCE, delivered(|reply| reply.attempted.is_some())), HELD_UP / 3),
            Moment::Public(ms) => {
                let end = Instant::now() + PATIENCE;
                while self.public(marker) == 0 && Instant::now() < end {
                    std::thread::park_timeout(Duration::from_millis(1));
                }
                (self.public(marker) == 1, ms)
            }
            Moment::Sent(ms) => (watched.until(READ_BACK, delivered(is_sent)), ms),
        };
        assert!(came, "the moment to kill at did not come");
        let end = Instant::now() + Duration::from_millis(more);
        // Parking alone may overshoot by a step of the scheduler.
        while let Some(left) = end.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()) {
            match left.checked_sub(Duration::from_millis(2)) {
                Some(most) => std::thread::park_timeout(most),
                None => std::thread::yield_now(),
            }
        }
    }

    /// How often the network shows it.
    fn public(&self, words: &str) -> usize {
        let holds = |write: &&serde_json::Value| write["text"].as_str().is_some_and(|text| text.contains(words));
        self.plane().writes().iter().filter(holds).count()
    }

    /// The confirmation did not reach the store: nothing is public and the words are still the case's draft.
    fn draft(&self, deck: &mut InTerminal, run: usize, words: &str) -> Became {
        open(deck, self.way, run, &marker_of(run));
        deck.shows(words);
        assert_eq!(self.public(words), 0, "nobody confirmed it, and it is public");
        Became::Draft
    }

    fn settled(&mut self, deck: &mut InTerminal, words: &str) -> Became {
        let settled = |state: &State| is_settled(reply_of(state, words));
        assert!(self.watched.until(READ_BACK, settled), "it never settles: {:?}", self.watched.reply(words));
        let public = self.public(words);
        match self.watched.reply(words).map(|reply| reply.delivery) {
            Some(Delivery::Sent { .. } | Delivery::Delivered { .. }) => {
                assert_eq!(public, 1, "told as sent");
                deck.until("an empty outbox", |screen| !screen.contains("outbox"));
                Became::Sent
            }
            Some(Delivery::Failed { why, may_retry }) => {
                assert_eq!(public, 0, "told as not published: {why}");
                assert!(may_retry, "{why}");
                Self::in_sight(deck, "FAILED", &why);
                deck.keys("r");
                let sent = |state: &State| reply_of(state, words).is_some_and(is_sent);
                assert!(self.watched.until(READ_BACK, sent), "sent again: {:?}", self.watched.reply(words));
                assert_eq!(self.public(words), 1, "sent again");
                Became::SentByKey
            }
            Some(Delivery::Parked { why }) => {
                assert!(public <= 1, "{why}");
                Self::in_sight(deck, "PARKED", &why);
                deck.keys("DD");
                deck.until("an empty outbox", |screen| screen.contains("empty: everything"));
                Became::Parked
            }
            other => panic!("not settled: {other:?}"),
        }
    }

    fn in_sight(deck: &mut InTerminal, word: &str, why: &str) {
        let first: String = why.chars().take(30).collect();
        deck.shows("outbox 1");
        deck.keys("U");
        deck.until(&format!("{word} and its reason"), |screen| screen.contains(word) && screen.contains(&first));
    }
}

fn marker_of(run: usize) -> String {
    format!("case{run}x")
}

/// Begins the reply to the customer of this run, or goes on with it. Customers of earlier runs write again at any
/// moment, and stand above then.
fn open(deck: &mut InTerminal, way: Way, run: usize, marker: &str) {
    deck.shows(marker);
    let (key, lead, _) = way.words();
    let head = format!("{lead} @cust{run}");
    // X's handles end here, the others' go on with their server.
    let is_theirs = |screen: &str| screen.split(&head).nth(1).is_some_and(|rest| rest.starts_with([' ', '.', '@']));
    for _ in 0..10 {
        deck.keys(key);
        if is_theirs(&deck.shows(&format!("{lead} @cust"))) {
            return;
        }
        deck.keys(ESC);
        deck.shows("1 @AcmeHelp");
        deck.keys("j");
    }
    panic!("the post of run {run} is not found; the screen shows:\n{}", deck.screen());
}

fn wish(name: &str, otherwise: usize) -> usize {
    std::env::var(name).map_or(otherwise, |text| text.parse().unwrap_or_else(|_| panic!("{name} is no number: {text}")))
}

/// Not even later, when everything else went on, is one public twice.
fn look_again(bench: Option<&Bench>, done: &mut Vec<usize>) {
    for run in done.drain(..) {
        let public = bench.map_or(0, |bench| bench.public(&format!("{}.", marker_of(run))));
        assert!(public <= 1, "run {run} is public {public} times");
    }
}

#[derive(Default)]
struct Tally {
    became: BTreeMap<Became, usize>,
    runs: usize,
}

#[test]
fn kill_campaign_around_a_send_never_two_posts_and_nothing_lost() {
    campaign(Way::Reply(NetworkKind::X), POINTS.len(), 10);
}

#[test]
fn kill_campaign_around_a_direct_message_never_two_and_nothing_lost() {
    campaign(Way::Message, POINTS.len() - ATTEMPTED, 4);
}

#[test]
fn kill_campaign_on_bluesky_never_two_posts_and_nothing_lost() {
    campaign(Way::Reply(NetworkKind::Bluesky), POINTS.len() - ATTEMPTED, 4);
}

#[test]
fn kill_campaign_on_mastodon_where_keys_are_ignored_never_two_posts_and_nothing_lost() {
    campaign(Way::Reply(NetworkKind::Mastodon), POINTS.len() - ATTEMPTED, 4);
}

fn campaign(way: Way, kills: usize, workers: usize) {
    let kills = wish("REPLYDECK_KILLS", kills);
    let workers = wish("REPLYDECK_KILL_WORKERS", workers).clamp(1, kills.max(1));
    let next = AtomicUsize::new(0);
    let tallies: Mutex<BTreeMap<&str, Tally>> = Mutex::default();
    let faults: Mutex<Vec<String>> = Mutex::default();
    let began = Instant::now();
    let work = || {
        let mut bench: Option<Bench> = None;
        let mut done = Vec::new();
        loop {
            let run = next.fetch_add(1, Ordering::SeqCst);
            if run >= kills {
                break;
            }
            if done.len() == way.runs_on_a_bench() {
                look_again(bench.take().as_ref(), &mut done);
            }
            let here = bench.get_or_insert_with(|| Bench::new(way));
            match catch_unwind(AssertUnwindSafe(|| here.run(run))) {
                Ok(became) => {
                    done.push(run);
                    let mut tallies = tallies.lock().unwrap_or_else(PoisonError::into_inner);
                    let tally = tallies.entry(point(way, run).0).or_default();
                    tally.runs += 1;
                    *tally.became.entry(became).or_default() += 1;
                }
                Err(why) => {
                    let why = why.downcast_ref::<String>().map_or("it broke", String::as_str);
                    let told = format!("run {run}, {}: {why}", point(way, run).0);
                    faults.lock().unwrap_or_else(PoisonError::into_inner).push(told);
                    // What is left of it would only confuse the next run.
                    bench = None;
                    done.clear();
                }
            }
        }
        look_again(bench.as_ref(), &mut done);
    };
    std::thread::scope(|scope| {
        let working: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        for worker in working {
            worker.join().expect("a worker");
        }
    });
    let tallies = tallies.into_inner().unwrap_or_else(PoisonError::into_inner);
    let mut table = String::new();
    for (point, tally) in &tallies {
        writeln!(table, "{point:20} {:3} runs {:?}", tally.runs, tally.became).expect("a String takes all");
    }
    println!("{way:?}: {kills} kills, {workers} at a time, {:.0} s\n{table}", began.elapsed().as_secs_f64());
    let faults = faults.into_inner().unwrap_or_else(PoisonError::into_inner);
    assert!(faults.is_empty(), "{} of {kills} runs went wrong:\n{}", faults.len(), faults.join("\n\n"));
}
