//! An account on the simulated Bluesky: what each test sets up and looks at.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use replydeck::model::account::Tier;
use replydeck::model::{
    Account, AccountName, AuthorId, ColumnName, IdSource, LinkReport, LinkState, NetworkKind, PostId, ReplyId,
};
use replydeck::net::bluesky::pace::Pace;
use replydeck::net::bluesky::{BlueskyNetwork, BlueskySettings};
use replydeck::net::{Clock, Feed, Inbound, Network, Outgoing};
use replydeck::rules::Rule;
use replydeck::sim::{BlueskySecrets, Script, Sim};
use serde_json::{Value, json};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

/// Nothing here takes so long; a test that waits longer has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
const SEED: u64 = 7;
pub(crate) const HANDLE: &str = "acmehelp.sim.example";

/// Waits short enough to wait for, silences too long to happen.
pub(crate) const PACE: Pace = Pace {
    retry_first: Duration::from_millis(1),
    retry_most: Duration::from_millis(5),
    down_retry: Duration::from_millis(50),
    cursor_every: Duration::from_millis(20),
    messages_every: Duration::from_millis(20),
    delivered_within: Duration::from_millis(200),
    login_every: Duration::from_millis(50),
    beat: Duration::ZERO,
    ..Pace::BLUESKY
};

/// The simulated network.
pub(crate) struct Bluesky {
    pub(crate) url: String,
    pub(crate) secrets: BlueskySecrets,
    pub(crate) clock: Clock,
    ahead: Arc<AtomicI64>,
    http: reqwest::Client,
    _tasks: JoinSet<()>,
}

impl Bluesky {
    /// Nobody posts unless told to.
    pub(crate) async fn start() -> Self {
        Self::busy(0.0).await
    }

    /// So many posts a minute.
    #[expect(clippy::unused_async, reason = "it needs the runtime it is called in")]
    pub(crate) async fn busy(per_minute: f64) -> Self {
        if rustls::crypto::CryptoProvider::get_default().is_none() {
            drop(rustls::crypto::ring::default_provider().install_default());
        }
        let began = Instant::now();
        let base: Timestamp = "2026-03-02T10:00:00.9Z".parse().unwrap();
        let ahead = Arc::new(AtomicI64::new(0));
        let jumped = ahead.clone();
        let clock: Clock = Arc::new(move || {
            let passed = SignedDuration::try_from(began.elapsed()).unwrap();
            base + passed + SignedDuration::from_secs(jumped.load(Ordering::SeqCst))
        });
        let script = Script { network: NetworkKind::Bluesky, ..Script::new(SEED, per_minute, clock.clone()) };
        let sim = Sim::bind("127.0.0.1:0".parse().unwrap(), script).unwrap();
        let url = sim.url();
        let mut tasks = JoinSet::new();
        tasks.spawn(async move { sim.serve(CancellationToken::new()).await.unwrap() });
        let http = reqwest::Client::builder().no_proxy().timeout(PATIENCE).build().unwrap();
        Self { url, secrets: BlueskySecrets::of(SEED), clock, ahead, http, _tasks: tasks }
    }

    /// Time goes on at once, here and at the network.
    pub(crate) fn jump(&self, hours: i64) {
        self.ahead.fetch_add(hours * 3600, Ordering::SeqCst);
    }

    pub(crate) async fn control(&self, path: &str, body: Value) -> Value {
        let answer = self.http.post(format!("{}/_sim/{path}", self.url)).json(&body).send().await.unwrap();
        let is_good = answer.status().is_success();
        let answer: Value = answer.json().await.unwrap();
        assert!(is_good, "{path}: {answer}");
        answer
    }

    /// Somebody posts; the number of the post.
    pub(crate) async fn post(&self, handle: &str, text: &str) -> String {
        self.control("post", json!({"handle": handle, "text": text})).await["id"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn fault(&self, fault: Value) -> String {
        self.control("fault", fault).await["fault"].as_str().unwrap().to_owned()
    }

    /// The faults that are not used up.
    pub(crate) async fn faults(&self) -> Vec<Value> {
        let answer = self.http.get(format!("{}/_sim/fault", self.url)).send().await.unwrap();
        let faults: Value = answer.json().await.unwrap();
        faults["faults"].as_array().cloned().unwrap()
    }

    pub(crate) async fn ledger(&self) -> Value {
        self.http.get(format!("{}/_sim/ledger", self.url)).send().await.unwrap().json().await.unwrap()
    }

    /// Rows of the ledger's list.
    pub(crate) async fn rows(&self, list: &str) -> Vec<Value> {
        self.ledger().await[list].as_array().cloned().unwrap_or_default()
    }

    pub(crate) fn settings(&self, data_dir: &Path) -> BlueskySettings {
        BlueskySettings {
            account: Account {
                name: AccountName::new("acme-bsky"),
                network: NetworkKind::Bluesky,
                handle: HANDLE.into(),
                id: None,
                tier: Tier::PayPerUse,
                can_send: true,
                confirm: false,
                web_url: "https://bsky.app".into(),
                limits: None,
            },
            service: self.url.parse().unwrap(),
            app_password: Some(self.secrets.app_password.clone().into()),
            jetstreams: vec![self.url.replace("http:", "ws:").parse().unwrap()],
            appview: self.url.parse().unwrap(),
            chat: "did:web:api.bsky.chat#bsky_chat".into(),
            zstd: true,
            data_dir: data_dir.to_owned(),
            messages: false,
            watch_own: false,
        }
    }

    pub(crate) fn network(&self, data_dir: &Path, change: impl FnOnce(&mut BlueskySettings)) -> Arc<BlueskyNetwork> {
        let mut settings = self.settings(data_dir);
        change(&mut settings);
        Arc::new(BlueskyNetwork::with_pace(settings, self.clock.clone(), 11, &PACE).unwrap())
    }

    #[expect(clippy::unused_self, reason = "nobody listens where no network is")]
    pub(crate) fn listen<const N: usize>(
        &self,
        network: Arc<BlueskyNetwork>,
        columns: [(&str, &str); N],
    ) -> (Listening, [mpsc::Receiver<Inbound>; N]) {
        let (feeds, receivers) = feeds(columns);
        let (feeds, changed) = watch::channel(Arc::new(feeds));
        let (report, links) = mpsc::channel(256);
        let stop = CancellationToken::new();
        let mut tasks = JoinSet::new();
        let stopped = stop.clone();
        tasks.spawn(async move { network.listen(changed, report, stopped).await });
        (Listening { _feeds: feeds, links, stop, tasks, seen: Vec::new() }, receivers)
    }
}

/// An account that listens.
pub(crate) struct Listening {
    _feeds: watch::Sender<Arc<Vec<Feed>>>,
    links: mpsc::Receiver<LinkReport>,
    stop: CancellationToken,
    tasks: JoinSet<()>,
    seen: Vec<LinkReport>,
}

impl Listening {
    /// The next report that says this.
    pub(crate) async fn link(&mut self, wanted: impl Fn(&LinkReport) -> bool) -> LinkReport {
        loop {
            match timeout(PATIENCE, self.links.recv()).await {
                Ok(Some(report)) if wanted(&report) => return report,
                Ok(Some(report)) => self.seen.push(report),
                other => panic!("{other:?} after {:?}", self.seen),
            }
        }
    }

    pub(crate) async fn live(&mut self) {
        self.link(|report| report.state == LinkState::Live).await;
    }

    /// The next report whose words hold this.
    pub(crate) async fn note(&mut self, words: &str) -> String {
        let has = |report: &LinkReport| report.note.as_ref().is_some_and(|note| note.contains(words));
        self.link(has).await.note.unwrap()
    }

    /// Reports are not waited for any more; how often the line was lost is counted from now on.
    pub(crate) fn count_losses(&mut self) -> Arc<AtomicI64> {
        let (_, closed) = mpsc::channel(1);
        let mut links = std::mem::replace(&mut self.links, closed);
        let losses = Arc::new(AtomicI64::new(0));
        let counted = losses.clone();
        self.tasks.spawn(async move {
            while let Some(report) = links.recv().await {
                if matches!(report.state, LinkState::BackingOff { .. }) {
                    counted.fetch_add(1, Ordering::SeqCst);
                }
            }
        });
        losses
    }

    pub(crate) async fn end(mut self) {
        self.stop.cancel();
        drop(self.links);
        timeout(PATIENCE, async {
            while let Some(ended) = self.tasks.join_next().await {
                ended.unwrap();
            }
        })
        .await
        .expect("listening did not stop");
    }
}

pub(crate) fn feeds<const N: usize>(columns: [(&str, &str); N]) -> (Vec<Feed>, [mpsc::Receiver<Inbound>; N]) {
    let mut feeds = Vec::new();
    let receivers = columns.map(|(name, query)| {
        let (out, column) = mpsc::channel(64);
        feeds.push(Feed { column: ColumnName::new(name), rule: Rule::parse(query).unwrap(), out });
        column
    });
    (feeds, receivers)
}

pub(crate) async fn next(column: &mut mpsc::Receiver<Inbound>) -> Inbound {
    timeout(PATIENCE, column.recv()).await.expect("nothing came").expect("the column was closed")
}

pub(crate) async fn next_post(column: &mut mpsc::Receiver<Inbound>) -> replydeck::model::Post {
    match next(column).await {
        Inbound::Post(post) => *post,
        other => panic!("{other:?}"),
    }
}

/// What each column was told, until it is told of a post with these words.
pub(crate) async fn until(column: &mut mpsc::Receiver<Inbound>, words: &str) -> Vec<Inbound> {
    let mut told = Vec::new();
    loop {
        let inbound = next(column).await;
        let is_it = matches!(&inbound, Inbound::Post(post) if post.text.contains(words));
        told.push(inbound);
        if is_it {
            return told;
        }
    }
}

/// How often each text came as a post.
pub(crate) fn texts(told: &[Inbound]) -> BTreeMap<String, usize> {
    let mut texts = BTreeMap::new();
    for inbound in told {
        if let Inbound::Post(post) = inbound {
            *texts.entry(post.text.clone()).or_default() += 1;
        }
    }
    texts
}

pub(crate) fn gaps(told: &[Inbound]) -> Vec<&Inbound> {
    told.iter().filter(|inbound| matches!(inbound, Inbound::GapOpened { .. } | Inbound::GapClosed { .. })).collect()
}

/// A reply of its own id.
pub(crate) fn outgoing(number: u64, to: &PostId, text: &str) -> Outgoing {
    let at: Timestamp = "2026-03-02T10:05:00Z".parse().unwrap();
    let reply = ReplyId(IdSource::new(number).next(at));
    Outgoing { reply, to: to.clone(), to_version: None, text: text.into() }
}

pub(crate) fn author(did: &str) -> AuthorId {
    AuthorId::new(NetworkKind::Bluesky, did)
}
