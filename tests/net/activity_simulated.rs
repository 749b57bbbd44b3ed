//! The Activity stream of the simulated X: told at once, billed as X bills it, and gone when the plan has none.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Date;
use replydeck::model::price::{Money, Prices};
use replydeck::model::spend::{Act, Budget, Usage};
use replydeck::model::{AccountName, AuthorId, ColumnName, LinkReport, NetworkKind};
use replydeck::net::x::pace::Pace;
use replydeck::net::x::{UserCredentials, XNetwork};
use replydeck::net::{Feed, Inbound, Meter, Network};
use replydeck::sim::{BRAND_HANDLE, BRAND_ID, Script, Sim};
use serde_json::{Value, json};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::rig::{Column, PACE, clock, feeds, next, settings};

const PATIENCE: Duration = Duration::from_secs(30);
/// Nobody looks for messages while the test runs but at the beginning of a line.
const PATIENT: Pace = Pace { messages_every: Duration::from_hours(1), ..PACE };

/// Counts what is billed, each once, and knows a limit.
#[derive(Debug)]
struct Till {
    billed: Mutex<BTreeSet<(Act, String)>>,
    limit: watch::Sender<u64>,
}

impl Till {
    fn thousandths(&self) -> u64 {
        let billed = self.billed.lock().unwrap();
        billed.iter().map(|(act, _)| if *act == Act::PostRead { 5 } else { 10 }).sum()
    }

    fn count(&self, act: Act) -> usize {
        self.billed.lock().unwrap().iter().filter(|(billed, _)| *billed == act).count()
    }
}

impl Meter for Till {
    fn charge(&self, _: &AccountName, _: Date, act: Act, what: Vec<String>, _: Vec<ColumnName>) {
        self.billed.lock().unwrap().extend(what.into_iter().map(|what| (act, what)));
    }

    fn room(&self, _: &AccountName, _: Timestamp) -> Option<u64> {
        Some(self.limit.borrow().saturating_sub(self.thousandths()) / 5)
    }

    fn usage(&self, _: &AccountName, _: Usage) {}

    fn changes(&self) -> watch::Receiver<u64> {
        self.limit.subscribe()
    }
}

/// The simulator, and an account that listens to it.
struct Here {
    url: String,
    bearer: String,
    client: reqwest::Client,
    till: Arc<Till>,
    network: Arc<XNetwork>,
    links: mpsc::Receiver<LinkReport>,
    report: mpsc::Sender<LinkReport>,
    feeds: watch::Sender<Arc<Vec<Feed>>>,
    stop: CancellationToken,
    tasks: JoinSet<()>,
}

impl Here {
    /// With one column of this query, and a limit in thousandths of a dollar.
    async fn begin(query: &str, limit: u64, pace: &Pace, plan: Value) -> (Self, Column) {
        let (mut here, column) = Self::ready(query, limit, pace, plan).await;
        here.listen();
        (here, column)
    }

    /// The same, and nobody listens yet.
    async fn ready(query: &str, limit: u64, pace: &Pace, plan: Value) -> (Self, Column) {
        if rustls::crypto::CryptoProvider::get_default().is_none() {
            drop(rustls::crypto::ring::default_provider().install_default());
        }
        let sim = Sim::bind("127.0.0.1:0".parse().unwrap(), Script::new(7, 0.0, clock())).unwrap();
        let url = sim.url();
        let mut settings = settings(&url);
        BRAND_HANDLE.clone_into(&mut settings.account.handle);
        settings.account.id = Some(AuthorId::new(NetworkKind::X, &BRAND_ID.to_string()));
        let bearer = sim.credentials().bearer.clone();
        settings.bearer = bearer.as_str().into();
        settings.user = Some(UserCredentials::OAuth2 { access_token: sim.credentials().access_token.as_str().into() });
        (settings.messages, settings.activity, settings.watch_own) = (true, true, true);
        let budget = Budget { prices: Prices::X, daily_limit: Some(Money::thousandths(limit)) };
        let network = XNetwork::with_pace(settings, clock(), 7, pace).unwrap().with_budget(Some(budget));
        let network = Arc::new(network);
        let till = Arc::new(Till { billed: Mutex::default(), limit: watch::Sender::new(limit) });
        network.keep_count(till.clone());
        let (columns, [column]) = feeds([("column", query)]);
        let (feeds, _) = watch::channel(Arc::new(columns));
        let (report, links) = mpsc::channel(1_024);
        let stop = CancellationToken::new();
        let mut tasks = JoinSet::new();
        let serving = stop.clone();
        tasks.spawn(async move { sim.serve(serving).await.unwrap() });
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let here = Self { url, bearer, client, till, network, links, report, feeds, stop, tasks };
        here.control("plan", plan).await;
        (here, column)
    }

    fn listen(&mut self) {
        let (network, feeds, report) = (Arc::clone(&self.network), self.feeds.subscribe(), self.report.clone());
        let stop = self.stop.clone();
        self.tasks.spawn(async move { network.listen(feeds, report, stop).await });
    }

    async fn control(&self, path: &str, body: Value) -> Value {
        let response = self.client.post(format!("{}/_sim/{path}", self.url)).json(&body).send().await.unwrap();
        let (is_done, told) = (response.status().is_success(), response.json().await.unwrap());
        assert!(is_done, "{path}: {told}");
        told
    }

    async fn post(&self, text: &str) -> String {
        let told = self.control("post", json!({"handle": "mia", "text": text})).await;
        told["id"].as_str().unwrap().to_owned()
    }

    async fn message(&self, text: &str) {
        self.control("dm", json!({"handle": "mia", "text": text})).await;
    }

    /// The line is up once it tells of a post of ours; X knows then what we want.
    async fn told(&self, column: &mut Column) {
        for n in 0.. {
            let text = format!("number {n}: see https://acme.example");
            self.control("post", json!({"handle": BRAND_HANDLE, "text": text})).await;
            if let Ok(Some(Inbound::Own(_))) = timeout(Duration::from_millis(100), column.recv()).await {
                return;
            }
            assert!(n < 300, "the stream never told of anything");
        }
    }

    async fn note(&mut self, wanted: &str) -> String {
        let told = timeout(PATIENCE, self.next_note(wanted)).await;
        told.unwrap_or_else(|_| panic!("nobody said `{wanted}`"))
    }

    async fn next_note(&mut self, wanted: &str) -> String {
        loop {
            // The simulated clock brings the keep-alive that the note is told with.
            self.control("clock", json!({"jump": 20})).await;
            while let Ok(report) = self.links.try_recv() {
                if let Some(note) = report.note
                    && note.contains(wanted)
                {
                    return note;
                }
            }
            tokio::task::yield_now().await;
        }
    }

    async fn billed(&self) -> (u64, u64) {
        let bill: Value =
            self.client.get(format!("{}/_sim/bill", self.url)).send().await.unwrap().json().await.unwrap();
        let days = bill["days"].as_object().unwrap();
        let count = |item: &str| days.values().filter_map(|day| day["items"][item].as_u64()).sum();
        (count("post_read"), count("dm_read"))
    }

    /// X's bill and our count come to say the same.
    async fn agrees(&self) {
        let ours = || (self.till.count(Act::PostRead) as u64, self.till.count(Act::DmRead) as u64);
        let agreeing = async {
            while self.billed().await != ours() {
                tokio::task::yield_now().await;
            }
        };
        let has_agreed = timeout(PATIENCE, agreeing).await.is_ok();
        let billed = self.billed().await;
        assert!(has_agreed, "X bills {billed:?}, we count {:?}", ours());
    }

    /// The line of `check --online` about the Activity stream.
    async fn checked(&self) -> String {
        let findings = self.network.check(&[]).await;
        let about = findings.into_iter().filter(|finding| finding.what.contains("Activity stream"));
        let told = about.map(|finding| format!("{:?} {} {:?}", finding.verdict, finding.what, finding.remedy));
        told.collect::<Vec<_>>().join("\n")
    }

    async fn end(mut self) {
        self.stop.cancel();
        while let Some(ended) = timeout(PATIENCE, self.tasks.join_next()).await.expect("it did not stop") {
            ended.unwrap();
        }
    }
}

async fn message_of(column: &mut Column) -> String {
    loop {
        match next(column).await {
            Inbound::Message { message, .. } => return message.text,
            Inbound::Own(_) | Inbound::GapOpened { .. } | Inbound::GapClosed { .. } => {}
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn what_concerns_us_is_told_at_once_and_counted_as_x_bills_it() {
    let (here, mut column) = Here::begin("@AcmeHelp OR to:AcmeHelp", 20_000, &PATIENT, json!({})).await;
    here.told(&mut column).await;
    // A mention that both streams tell of is one post, billed once.
    let asked = here.post("@AcmeHelp it is slow").await;
    loop {
        match next(&mut column).await {
            Inbound::Post(post) => {
                assert_eq!(post.id.native(), asked);
                break;
            }
            Inbound::Own(_) => {}
            other => panic!("{other:?}"),
        }
    }
    for n in 0..3 {
        here.message(&format!("message {n}")).await;
        assert_eq!(message_of(&mut column).await, format!("message {n}"));
    }
    here.agrees().await;
    assert_eq!(here.till.count(Act::DmRead), 3);
    // Ours, typed on X's own page in answer to it, and taken back there.
    let own = here.control("post", json!({"handle": BRAND_HANDLE, "text": "we look", "in_reply_to": asked})).await;
    let own = own["id"].as_str().unwrap().to_owned();
    match next(&mut column).await {
        Inbound::Own(post) => assert_eq!(post.id.native(), own),
        other => panic!("{other:?}"),
    }
    here.control("post", json!({"delete": own})).await;
    match next(&mut column).await {
        Inbound::Deleted { post } => assert_eq!(post.native(), own),
        other => panic!("{other:?}"),
    }
    here.agrees().await;
    here.end().await;
}

/// The app has other accounts: what X tells of them is sent to every line of the app, and charged to the app.
#[tokio::test]
async fn what_the_line_tells_of_another_account_of_the_app_is_counted_as_x_bills_it() {
    let (here, mut column) = Here::begin("acme", 20_000, &PATIENT, json!({})).await;
    here.post("nothing of ours").await;
    here.told(&mut column).await;
    let mia = here.control("person", json!({"handle": "mia", "is": "public"})).await["id"].clone();
    let bearer = here.bearer.clone();
    let wish = json!({"event_type": "post.create", "filter": {"user_id": mia}, "tag": "replydeck/main/post.create"});
    let made = here.client.post(format!("{}/2/activity/subscriptions", here.url)).bearer_auth(bearer).json(&wish);
    assert_eq!(made.send().await.unwrap().status(), 200);
    here.agrees().await;
    let (before, _) = here.billed().await;
    here.post("of no column").await;
    // Of a column as well: heard on both lines, and one post to X and to us.
    here.post("acme is slow").await;
    assert!(matches!(next(&mut column).await, Inbound::Post(_)));
    here.agrees().await;
    assert_eq!(here.billed().await.0, before + 2);
    // Where that account is not in the config any more, nobody else would tell of it.
    let checked = here.checked().await;
    assert!(checked.starts_with("Mind") && checked.contains("1 that this deck made for other accounts"), "{checked}");
    assert!(checked.contains("5 subscriptions, 4 of this account"), "{checked}");
    here.end().await;
}

#[tokio::test]
async fn a_message_that_came_while_the_line_was_down_is_found_by_one_look() {
    let (here, mut column) = Here::begin("acme", 20_000, &PATIENT, json!({})).await;
    here.post("nothing of ours").await;
    here.told(&mut column).await;
    here.control("fault", json!({"kind": "status", "status": 503, "target": "activity", "times": "until_lifted"}))
        .await;
    here.control("fault", json!({"kind": "cut", "target": "activity"})).await;
    here.message("is anybody there").await;
    here.control("fault", json!({"lift": "all"})).await;
    assert_eq!(message_of(&mut column).await, "is anybody there");
    here.agrees().await;
    // Cut in the middle of a message, split and delivered twice: each is told once all the same.
    here.told(&mut column).await;
    for kind in [json!({"kind": "cut", "mid_line": true}), json!({"kind": "split"}), json!({"kind": "duplicate"})] {
        let mut fault = kind.clone();
        fault["target"] = json!("activity");
        here.control("fault", fault).await;
        let text = format!("Größe 日本 after {}", kind["kind"]);
        here.message(&text).await;
        assert_eq!(message_of(&mut column).await, text);
        here.told(&mut column).await;
    }
    here.agrees().await;
    here.end().await;
}

#[tokio::test]
async fn at_the_days_limit_nothing_more_is_told_nor_billed_and_after_a_raise_it_goes_on() {
    // Mia's first post, the look, and then one dollar's worth.
    let (mut here, mut column) = Here::begin("acme", 1_000, &PATIENT, json!({})).await;
    here.post("nothing of ours").await;
    here.told(&mut column).await;
    here.agrees().await;
    let left = (1_000 - here.till.thousandths()) / 10;
    for n in 0..left {
        here.message(&format!("message {n}")).await;
        assert_eq!(message_of(&mut column).await, format!("message {n}"));
    }
    here.agrees().await;
    here.note("spend limit").await;
    let (_, before) = here.billed().await;
    here.message("too late for today").await;
    here.agrees().await;
    assert_eq!(here.billed().await.1, before, "nothing more is read");
    here.till.limit.send_replace(2_000);
    assert_eq!(message_of(&mut column).await, "too late for today");
    here.agrees().await;
    here.end().await;
}

#[tokio::test]
async fn where_the_plan_gets_it_later_it_is_used_from_then_on() {
    let pace = Pace { down_retry: Duration::from_millis(50), ..PATIENT };
    let (mut here, mut column) = Here::begin("acme", 20_000, &pace, json!({"activity": false})).await;
    let said = here.note("Activity stream").await;
    assert!(said.contains("is not open") && said.contains("Enterprise clients only"), "{said}");
    let checked = here.checked().await;
    assert!(checked.starts_with("Mind") && checked.contains("every 2 minutes"), "{checked}");
    here.control("plan", json!({"activity": true})).await;
    let said = here.note("is open").await;
    assert!(said.contains("@AcmeHelp"), "{said}");
    let checked = here.checked().await;
    assert!(checked.starts_with("Works") && checked.contains("4 subscriptions, 4 of this account"), "{checked}");
    here.post("nothing of ours").await;
    here.message("at once").await;
    assert_eq!(message_of(&mut column).await, "at once");
    // And lost again: said, and looked for.
    here.control("plan", json!({"activity": false})).await;
    here.note("is not open").await;
    here.end().await;
}

/// Without the Activity stream, so that messages are looked for, page by page.
const LOOKING: Pace = Pace { messages_every: Duration::from_millis(20), ..PACE };

#[tokio::test]
async fn where_the_money_ends_within_a_look_what_was_read_is_told_and_the_rest_after_a_raise() {
    // A quarter of a dollar: 25 messages of 30.
    let (mut here, mut column) = Here::ready("acme", 250, &LOOKING, json!({"activity": false})).await;
    here.post("nothing of ours").await;
    for n in 0..30 {
        here.message(&format!("message {n}")).await;
    }
    here.listen();
    for n in 5..30 {
        assert_eq!(message_of(&mut column).await, format!("message {n}"), "newest pages first, each in order");
    }
    here.note("spend limit leaves no room").await;
    here.agrees().await;
    assert_eq!(here.billed().await.1, 25);
    here.till.limit.send_replace(1_000);
    for n in 0..5 {
        assert_eq!(message_of(&mut column).await, format!("message {n}"));
    }
    here.message("and on").await;
    assert_eq!(message_of(&mut column).await, "and on");
    here.agrees().await;
    assert_eq!(here.billed().await.1, 31, "none of them twice");
    here.end().await;
}

#[tokio::test]
async fn of_more_messages_than_a_look_reads_the_newest_are_told_and_where_the_others_are() {
    let (mut here, mut column) = Here::ready("acme", 20_000, &LOOKING, json!({"activity": false})).await;
    here.post("nothing of ours").await;
    for n in 0..110 {
        here.message(&format!("message {n}")).await;
    }
    here.listen();
    for n in 10..110 {
        assert_eq!(message_of(&mut column).await, format!("message {n}"));
    }
    let said = here.note("came while nobody looked").await;
    assert!(said.contains("more than 100 direct messages to @AcmeHelp") && said.contains("X's own page"), "{said}");
    // The next looks stop at what is known: they neither bring the older ones nor pay for them.
    here.message("and on").await;
    assert_eq!(message_of(&mut column).await, "and on");
    here.agrees().await;
    assert_eq!(here.billed().await.1, 101);
    here.end().await;
}
