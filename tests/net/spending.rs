//! A day with a limit: simulator, adapter, till and store, against the bill the simulator keeps by itself.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use replydeck::app::Msg;
use replydeck::config::Config;
use replydeck::desk::{Desk, fold};
use replydeck::log::Log;
use replydeck::log::sqlite::SqliteLog;
use replydeck::model::price::Money;
use replydeck::model::spend::{Act, Gauge, Gauged, billed_day};
use replydeck::model::{
    AccountName, Event, EventId, LinkState, MachineName, NetworkKind, NewEvent, PostId, RepName, ReplyId, Seq, Verdict,
};
use replydeck::net::x::XNetwork;
use replydeck::net::x::pace::{Drain, Pace};
use replydeck::net::{Clock, Network, Outgoing, OutgoingMessage};
use replydeck::rules::Rule;
use replydeck::run::feeding::{Feeding, Sources};
use replydeck::run::intake::Signer;
use replydeck::run::networks;
use replydeck::sim::{Script, Sim};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::rig::PACE;

const PATIENCE: Duration = Duration::from_mins(1);

/// X, its clock, and who asks it.
struct Day {
    url: String,
    time: Arc<AtomicI64>,
    clock: Clock,
    client: reqwest::Client,
    stop: CancellationToken,
    serving: tokio::task::JoinHandle<std::io::Result<()>>,
    config: Config,
    folder: tempfile::TempDir,
}

impl Day {
    fn begin(limit: &str) -> Self {
        Self::with(&format!("daily_limit = {limit}\n"))
    }

    /// Messages are looked for, as where the plan has no stream that tells of them.
    fn looking(limit: &str) -> Self {
        Self::with(&format!("daily_limit = {limit}\nactivity = false\n"))
    }

    fn with(lines: &str) -> Self {
        if rustls::crypto::CryptoProvider::get_default().is_none() {
            drop(rustls::crypto::ring::default_provider().install_default());
        }
        let began = "2026-03-02T10:00:00Z".parse::<Timestamp>().unwrap().as_second();
        let time = Arc::new(AtomicI64::new(began));
        let telling = Arc::clone(&time);
        let clock: Clock = Arc::new(move || Timestamp::from_second(telling.load(Ordering::SeqCst)).unwrap());
        let folder = tempfile::tempdir().unwrap();
        let sim = Sim::bind("127.0.0.1:0".parse().unwrap(), Script::new(7, 0.0, Arc::clone(&clock))).unwrap();
        let url = sim.url();
        let path = sim.ready_config(folder.path()).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        let text = text.replace("watch_own = true\n", &format!("watch_own = true\n{lines}"));
        std::fs::write(&path, text).unwrap();
        let stop = CancellationToken::new();
        #[expect(clippy::disallowed_methods, reason = "the simulator runs beside the test and ends with it")]
        let serving = tokio::spawn(sim.serve(stop.clone()));
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { url, time, clock, client, stop, serving, config: Config::load(&path).unwrap(), folder }
    }

    async fn control(&self, path: &str, body: Value) -> Value {
        let response = self.client.post(format!("{}/_sim/{path}", self.url)).json(&body).send().await.unwrap();
        let (is_done, told) = (response.status().is_success(), response.json().await.unwrap());
        assert!(is_done, "{path}: {told}");
        told
    }

    async fn post(&self, n: u64, text: &str) -> String {
        let told = self.control("post", json!({"handle": format!("user{}", n % 50), "text": text})).await;
        told["id"].as_str().unwrap().to_owned()
    }

    /// What X bills today, by item, and all of it in thousandths of a dollar.
    async fn bill(&self) -> (BTreeMap<String, u64>, u64) {
        let told: Value =
            self.client.get(format!("{}/_sim/bill", self.url)).send().await.unwrap().json().await.unwrap();
        let today = &told["days"][billed_day((self.clock)()).to_string()];
        let items = today["items"].as_object().cloned().unwrap_or_default();
        let items = items.into_iter().map(|(item, count)| (item, count.as_u64().unwrap())).collect();
        (items, today["thousandths"].as_u64().unwrap_or(0))
    }

    fn data(&self) -> &Path {
        self.folder.path()
    }

    fn account(&self) -> AccountName {
        self.config.accounts[0].name.clone()
    }

    fn open(&self, pace: &Pace) -> Process {
        let log: Arc<dyn Log> = Arc::new(SqliteLog::open(self.data()).unwrap());
        let account = &self.config.accounts[0];
        let settings = networks::x_settings(&self.config, account, account.x().unwrap()).unwrap();
        let network = XNetwork::with_pace(settings, Arc::clone(&self.clock), 7, pace).unwrap();
        let network: Arc<dyn Network> = Arc::new(network.with_budget(account.budget()));
        let (inbox, messages) = mpsc::channel(1_024);
        let sources = Sources {
            log: Arc::clone(&log),
            networks: BTreeMap::from([(account.name.clone(), Arc::clone(&network))]),
            clock: Arc::clone(&self.clock),
            signer: Signer { rep: RepName::new("ana"), machine: MachineName::new("here") },
            own: replydeck::run::intake::Own::of([account.account()]),
            data_dir: self.data().to_owned(),
            inbox,
        };
        let feeding = Feeding::start(&sources, &self.config.columns);
        let batches = log.subscribe(Seq(0));
        Process { network, feeding, messages, batches, desk: Desk::default(), links: Vec::new() }
    }

    /// The meter and X's bill say the same, of every kind.
    async fn agrees(&self, process: &mut Process) {
        let (items, thousandths) = self.bill().await;
        let (account, day) = (self.account(), billed_day((self.clock)()));
        process
            .until(&format!("the meter to agree with the bill of {thousandths} for {items:?}"), |desk| {
                desk.spending.on(&account, day).is_some_and(|day| day.total == Money::thousandths(thousandths))
            })
            .await;
        let metered = process.desk.spending.on(&account, day).unwrap();
        let metered: BTreeMap<String, u64> =
            metered.acts.iter().map(|(act, tally)| (act.key().to_owned(), tally.count)).collect();
        assert_eq!(metered, items);
    }

    async fn end(self) {
        self.stop.cancel();
        self.serving.await.unwrap().unwrap();
    }
}

/// One running replydeck, as far as money goes.
struct Process {
    network: Arc<dyn Network>,
    feeding: Feeding,
    messages: mpsc::Receiver<Msg>,
    batches: mpsc::Receiver<Vec<Arc<replydeck::model::Envelope>>>,
    desk: Desk,
    links: Vec<LinkState>,
}

impl Process {
    async fn until(&mut self, what: &str, wanted: impl Fn(&Desk) -> bool) {
        while !wanted(&self.desk) {
            let batch = timeout(PATIENCE, self.batches.recv()).await;
            let spending = || self.desk.spending.accounts.values().map(|account| &account.days).collect::<Vec<_>>();
            let batch =
                batch.unwrap_or_else(|_| panic!("waiting for {what}; {:?}", spending())).expect("the log is open");
            for envelope in batch {
                fold(&mut self.desk, &envelope);
            }
        }
    }

    async fn link(&mut self, what: &str, wanted: impl Fn(&LinkState) -> bool) {
        loop {
            let links = &self.links;
            let msg = timeout(PATIENCE, self.messages.recv()).await;
            let msg = msg.unwrap_or_else(|_| panic!("waiting for {what}; {links:?}")).expect("it runs");
            if let Msg::Link(report) = msg {
                let is_it = wanted(&report.state);
                self.links.push(report.state);
                if is_it {
                    return;
                }
            }
        }
    }

    async fn reply(&self, n: u128, to: &str, text: &str) -> PostId {
        let outgoing = Outgoing {
            reply: ReplyId(Uuid::from_u128(n)),
            to: PostId::new(NetworkKind::X, to),
            to_version: None,
            text: text.to_owned(),
        };
        self.network.send(&outgoing).await.unwrap_or_else(|error| panic!("{error:?}"))
    }

    async fn end(self) {
        let Self { feeding, messages, .. } = self;
        drop(messages);
        feeding.end().await;
    }
}

fn is_paused(state: &LinkState) -> bool {
    matches!(state, LinkState::Paused { .. })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_day_of_twenty_dollars_is_metered_to_the_cent_and_ends_within_one_post() {
    // A busy machine sends slowly what X sends at once.
    let at_limit = Drain { silence: Duration::from_millis(500), longest: Duration::from_secs(10) };
    let pace = Pace { at_limit, ..PACE };
    let day = Day::begin("20.0");
    let account = day.account();
    let mut here = day.open(&pace);
    here.link("the link", |state| *state == LinkState::Live).await;

    // A post two columns want is one read; delivered twice it is one as well.
    let both = day.post(1, "@AcmeHelp acme is slow").await;
    day.control("fault", json!({"kind": "duplicate", "target": "stream"})).await;
    day.post(2, "@AcmeHelp where are you").await;
    here.until("two posts", |desk| desk.counters.posts == 2).await;
    day.agrees(&mut here).await;
    let today = billed_day((day.clock)());
    let shares: Vec<_> = here
        .desk
        .spending
        .on(&account, today)
        .unwrap()
        .columns
        .iter()
        .map(|(name, tally)| (name.as_str().to_owned(), tally.money))
        .collect();
    assert_eq!(shares, [("acme".to_owned(), Money(2_500)), ("mentions".to_owned(), Money(7_500))]);

    // Replies with and without a link, a count, and each of our own posts read as well.
    here.reply(1, &both, "@user1 we are on it").await;
    for n in 0..90 {
        here.reply(100 + n, &both, &format!("@user1 number {n}: see https://acme.example/{n}")).await;
    }
    let slow = Rule::parse("acme slow").unwrap();
    assert!(matches!(here.network.gauge(&slow, Gauge::Count).await, Ok(Gauged::Counted { .. })));
    assert_eq!(here.network.gauge(&slow, Gauge::Rule).await, Ok(Gauged::Taken));
    here.until("our own posts", |desk| desk.counters.posts == 2 + 91).await;
    day.agrees(&mut here).await;

    // What is left is read, the last posts one by one: not one more than the limit pays for.
    let (_, spent) = day.bill().await;
    let left = (20_000 - spent) / 5;
    assert!(left > 100, "{spent}");
    let before = here.desk.counters.posts;
    for n in 0..left - 3 {
        day.post(n, &format!("@AcmeHelp acme question {n}")).await;
    }
    let most = before + left;
    here.until("all but the last three", |desk| desk.counters.posts == most - 3).await;
    for n in 0..3 {
        assert!(!here.links.iter().any(is_paused), "too early");
        day.post(n, &format!("@AcmeHelp late question {n}")).await;
        let now = most - 2 + n;
        here.until("a late one", |desk| desk.counters.posts == now).await;
    }
    here.link("the pause", is_paused).await;
    day.agrees(&mut here).await;
    assert_eq!(day.bill().await.1, 20_000, "to the cent");
    here.until("the gap", |desk| desk.gaps.values().any(|gap| gap.to.is_none())).await;
    let missed = day.post(4, "@AcmeHelp nobody hears this").await;
    assert_eq!(day.bill().await.1, 20_000, "nothing more is read");

    // A reply that was confirmed goes out at the limit.
    here.reply(2, &missed, "@user4 we hear you all the same").await;
    assert_eq!(day.bill().await.1, 20_010);
    day.agrees(&mut here).await;

    // A new start knows the sum and reads nothing.
    here.end().await;
    let mut here = day.open(&pace);
    here.link("the pause after a new start", is_paused).await;
    assert_eq!(day.bill().await.1, 20_010);
    day.agrees(&mut here).await;

    // Another process of this host raises the limit for today: two posts more.
    let other = SqliteLog::open(day.data()).unwrap();
    let raise = |id: u128, to: u64| NewEvent {
        id: EventId(Uuid::from_u128(id)),
        at: (day.clock)(),
        rep: RepName::new("bo"),
        machine: MachineName::new("here"),
        event: Event::SpendLimitRaised { account: account.clone(), day: today, to: Money::thousandths(to) },
        body: None,
    };
    other.append(vec![raise(77, 20_020)], None).await.unwrap();
    here.link("the link after the raise", |state| *state == LinkState::Live).await;
    here.until("the gap's end", |desk| desk.gaps.values().any(|gap| gap.to.is_some())).await;
    for n in 0..2 {
        day.post(n, &format!("@AcmeHelp after the raise {n}")).await;
    }
    here.link("the second pause", is_paused).await;
    assert_eq!(day.bill().await.1, 20_020);
    day.agrees(&mut here).await;

    // Many at once: what X has sent before the line is left is billed, and so it is metered and shown.
    other.append(vec![raise(78, 20_040)], None).await.unwrap();
    here.link("the link after the second raise", |state| *state == LinkState::Live).await;
    let before = here.desk.counters.posts;
    for burst in 0..4 {
        let posts = (0..10).map(|n| day.post(burst * 10 + n, "@AcmeHelp all of us at once"));
        futures_util::future::join_all(posts).await;
    }
    here.link("the third pause", is_paused).await;
    day.agrees(&mut here).await;
    let billed = (day.bill().await.1 - 20_020) / 5;
    assert!(billed >= 4, "{billed}");
    here.until("all that was paid for", |desk| desk.counters.posts >= before + billed).await;

    // The day ends at midnight UTC, and the same post costs again.
    let midnight = "2026-03-03T00:00:00Z".parse::<Timestamp>().unwrap().as_second();
    day.time.store(midnight, Ordering::SeqCst);
    here.link("the new day", |state| *state == LinkState::Live).await;
    day.post(1, "@AcmeHelp good morning").await;
    let tomorrow = billed_day((day.clock)());
    here.until("the first of the new day", |desk| desk.spending.on(&account, tomorrow).is_some()).await;
    day.agrees(&mut here).await;
    here.end().await;
    other.close().await;
    day.end().await;
}

#[tokio::test]
async fn direct_messages_look_ups_and_people_asked_for_are_metered_as_x_bills_them() {
    // X allows fifteen looks in a quarter of an hour, which here does not pass: a busy machine must not use them up.
    let pace = Pace { messages_every: Duration::from_millis(400), ..PACE };
    let day = Day::looking("20.0");
    let account = day.account();
    let read = |desk: &Desk, at: Timestamp| {
        let today = desk.spending.on(&account, billed_day(at));
        today.and_then(|today| today.acts.get(&Act::DmRead)).map_or(0, |tally| tally.count)
    };
    let mut here = day.open(&pace);
    here.link("the link", |state| *state == LinkState::Live).await;
    let post = day.post(1, "@AcmeHelp hello").await;
    here.until("the post", |desk| desk.counters.posts == 1).await;
    let author = here.desk.posts.values().next().unwrap().author.clone();

    // Theirs and ours are read, each once however often it is looked for; whether they take ours is asked.
    day.control("dm", json!({"handle": "user1", "text": "my line is down"})).await;
    let began = (day.clock)();
    here.until("their message", |desk| read(desk, began) == 1).await;
    assert_eq!(here.network.may_message(&author).await, Verdict::Yes);
    let ours = OutgoingMessage { reply: ReplyId(Uuid::from_u128(9)), to: author, text: "on it".to_owned() };
    here.network.send_message(&ours).await.unwrap();
    here.until("our message", |desk| read(desk, began) == 2).await;
    // A post read today is looked up free of charge.
    let posts = [PostId::new(NetworkKind::X, &post)];
    here.network.look_up(&posts).await.unwrap();
    day.agrees(&mut here).await;
    let (items, thousandths) = day.bill().await;
    for (item, count) in [("post_read", 1), ("user_read", 1), ("dm_read", 2), ("dm", 1)] {
        assert_eq!(items.get(item), Some(&count), "{items:?}");
    }
    assert_eq!(thousandths, 5 + 10 + 20 + 15);

    // On the next day all of it costs again.
    day.time.fetch_add(24 * 3_600, Ordering::SeqCst);
    let next = (day.clock)();
    here.until("both messages again", |desk| read(desk, next) == 2).await;
    here.network.look_up(&posts).await.unwrap();
    day.agrees(&mut here).await;
    assert_eq!(day.bill().await.0.get("post_read"), Some(&1));
    here.end().await;
    day.end().await;
}

#[tokio::test]
async fn at_the_limit_neither_messages_nor_look_ups_are_read() {
    let pace = Pace { messages_every: Duration::from_millis(50), ..PACE };
    let day = Day::looking("0.01");
    let mut here = day.open(&pace);
    here.link("the link", |state| *state == LinkState::Live).await;
    let first = day.post(1, "@AcmeHelp hello").await;
    day.post(2, "@AcmeHelp hello again").await;
    here.link("the pause", is_paused).await;
    day.control("dm", json!({"handle": "user1", "text": "my line is down"})).await;
    let missing = here.network.look_up(&[PostId::new(NetworkKind::X, &first)]).await.unwrap_err();
    assert!(missing.why.contains("spend limit"), "{}", missing.why);
    // The next day the message is read first of all; before that, nothing was.
    let limited = day.bill().await;
    assert_eq!(limited.1, 10, "{limited:?}");
    day.time.fetch_add(24 * 3_600, Ordering::SeqCst);
    let (account, next) = (day.account(), billed_day((day.clock)()));
    here.until("the message", |desk| {
        desk.spending.on(&account, next).is_some_and(|day| day.acts.contains_key(&Act::DmRead))
    })
    .await;
    day.agrees(&mut here).await;
    here.end().await;
    day.end().await;
}

#[tokio::test]
async fn what_two_processes_tell_of_is_one_and_a_lost_answer_is_billed_when_it_is_found() {
    let day = Day::begin("20.0");
    let mut here = day.open(&PACE);
    here.link("the link", |state| *state == LinkState::Live).await;
    let first = day.post(1, "@AcmeHelp hello").await;
    here.until("the post", |desk| desk.counters.posts == 1).await;
    // A second process of this host: another holds the stream, and it sends.
    let mut there = day.open(&PACE);
    there.reply(1, &first, "@user1 hello to you").await;
    day.agrees(&mut here).await;
    day.agrees(&mut there).await;
    // The answer to a reply is lost; reading back finds it, and that search is billed too.
    day.control("fault", json!({"kind": "lose_answer", "target": "posts"})).await;
    let attempted = (day.clock)();
    let lost = Outgoing {
        reply: ReplyId(Uuid::from_u128(5)),
        to: PostId::new(NetworkKind::X, &first),
        to_version: None,
        text: "@user1 see https://acme.example".to_owned(),
    };
    assert!(here.network.send(&lost).await.is_err());
    day.time.fetch_add(60, Ordering::SeqCst);
    let found = here.network.read_back(&lost, attempted).await;
    assert!(matches!(found, replydeck::net::ReadBack::Published(_)), "{found:?}");
    day.agrees(&mut here).await;
    assert_eq!(here.desk.spending.on(&day.account(), billed_day(attempted)).unwrap().acts[&Act::PostWithLink].count, 1);
    there.end().await;
    here.end().await;
    day.end().await;
}

#[tokio::test]
async fn each_no_of_x_about_money_and_limits_has_its_own_state() {
    let pace = Pace { down_retry: Duration::from_millis(50), usage_every: Duration::from_millis(200), ..PACE };
    let day = Day::begin("20.0");
    let mut here = day.open(&pace);
    here.link("the link", |state| *state == LinkState::Live).await;
    let account = day.account();
    day.post(1, "@AcmeHelp hello").await;
    // X is asked anew; what it told in the same second stands.
    here.until("the post", |desk| desk.counters.posts == 1).await;
    day.time.fetch_add(1, Ordering::SeqCst);
    here.until("X's own count", |desk| {
        let usage = desk.spending.of(&account).and_then(|account| account.usage.as_ref());
        usage.is_some_and(|usage| usage.today == Some(1) && usage.cap == Some(3_000_000))
    })
    .await;

    day.control("plan", json!({"credits": 0.0})).await;
    day.control("fault", json!({"kind": "cut", "target": "stream"})).await;
    let is_broke =
        |state: &LinkState| matches!(state, LinkState::Down { remedy, .. } if remedy.contains("buy credits"));
    here.link("the missing credits", is_broke).await;
    day.control("plan", json!({"credits": 5.0})).await;
    here.link("the link once credits are there", |state| *state == LinkState::Live).await;

    day.control("plan", json!({"post_cap": 1})).await;
    day.control("fault", json!({"kind": "cut", "target": "stream"})).await;
    let is_capped =
        |state: &LinkState| matches!(state, LinkState::Down { remedy, .. } if remedy.contains("raise the cap"));
    here.link("the cap", is_capped).await;
    day.control("plan", json!({"post_cap": 1_000})).await;
    here.link("the link once the cap is raised", |state| *state == LinkState::Live).await;

    let limited = json!({"kind": "status", "status": 429, "target": "stream", "reset_in": 900, "times": 1});
    day.control("fault", limited).await;
    day.control("fault", json!({"kind": "cut", "target": "stream"})).await;
    let free = (day.clock)().as_second() + 900;
    let waits = |state: &LinkState| match state {
        LinkState::BackingOff { until, why } => why.contains("Too Many Requests") && until.as_second() >= free,
        _ => false,
    };
    here.link("the wait", waits).await;
    sleep(Duration::ZERO).await;
    here.end().await;
    day.end().await;
}
