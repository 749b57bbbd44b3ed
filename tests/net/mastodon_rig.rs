//! An account that listens to a simulated Mastodon server through the real adapter.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use replydeck::model::account::Tier;
use replydeck::model::{Account, AccountName, AuthorId, LinkReport, LinkState, NetworkKind, ReplyId};
use replydeck::net::backoff::Steps;
use replydeck::net::mastodon::pace::Pace;
use replydeck::net::mastodon::{MastodonNetwork, MastodonSettings, Visibility};
use replydeck::net::{Clock, Feed, Inbound, Network, Outgoing};
use replydeck::sim::{Script, Sim};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::rig::{Column, clock, feeds};

const PATIENCE: Duration = Duration::from_secs(30);

/// Steps short enough to wait for, silences too long to happen.
pub(crate) const PACE: Pace = Pace {
    ping_every: Duration::from_millis(100),
    stale_after: Duration::from_mins(1),
    dead_after: Duration::from_mins(2),
    settled_after: Duration::ZERO,
    beat: Duration::ZERO,
    subscribed_after: Duration::from_millis(40),
    gap_after: Duration::from_mins(1),
    publish_within: Duration::from_millis(300),
    facts_live: Duration::ZERO,
    slept_after: Duration::from_hours(24),
    keep_every: Duration::from_millis(10),
    down_retry: Duration::from_hours(1),
    steps: Steps {
        lost_step: Duration::from_millis(2),
        lost_most: Duration::from_millis(20),
        refused_first: Duration::from_millis(2),
        refused_most: Duration::from_millis(20),
        limited_first: Duration::from_millis(5),
        limited_most: Duration::from_millis(20),
    },
    ..Pace::SERVER
};

/// A server, and the folder of whoever listens to it.
pub(crate) struct Place {
    pub(crate) url: String,
    pub(crate) token: String,
    pub(crate) folder: TempDir,
    /// The server's, and that of everybody here.
    pub(crate) clock: Clock,
    http: reqwest::Client,
    stop: CancellationToken,
    _serving: JoinSet<()>,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Place {
    pub(crate) fn open() -> Self {
        Self::open_at(clock())
    }

    /// The same by a clock of the test's own.
    pub(crate) fn open_at(clock: Clock) -> Self {
        if rustls::crypto::CryptoProvider::get_default().is_none() {
            drop(rustls::crypto::ring::default_provider().install_default());
        }
        let script = Script { network: NetworkKind::Mastodon, ..Script::new(7, 0.0, Arc::clone(&clock)) };
        let sim = Sim::bind("127.0.0.1:0".parse().unwrap(), script).unwrap();
        let (url, token) = (sim.url(), sim.credentials().access_token.clone());
        let stop = CancellationToken::new();
        let mut serving = JoinSet::new();
        let stopped = stop.clone();
        serving.spawn(async move { sim.serve(stopped).await.unwrap() });
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { url, token, folder: tempfile::tempdir().unwrap(), clock, http, stop, _serving: serving }
    }

    pub(crate) async fn control(&self, what: &str, body: Value) -> Value {
        let answer = self.http.post(format!("{}/_sim/{what}", self.url)).json(&body).send().await.unwrap();
        let (status, value) = (answer.status(), answer.json::<Value>().await.unwrap());
        assert!(status.is_success(), "{what} {body}: {value}");
        value
    }

    pub(crate) async fn manner(&self, manner: Value) {
        self.control("mastodon", manner).await;
    }

    /// Puts a fault in force; its id, to lift it.
    pub(crate) async fn fault(&self, fault: Value) -> String {
        self.control("fault", fault).await["fault"].as_str().unwrap().to_owned()
    }

    /// Somebody posts; the simulator's number of it.
    pub(crate) async fn post(&self, handle: &str, text: &str, more: Value) -> String {
        let mut wish = json!({"handle": handle, "text": text});
        for (key, value) in more.as_object().into_iter().flatten() {
            wish[key] = value.clone();
        }
        self.control("post", wish).await["id"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn ledger(&self, list: &str) -> Vec<Value> {
        let answer = self.http.get(format!("{}/_sim/ledger", self.url)).send().await.unwrap();
        answer.json::<Value>().await.unwrap()[list].as_array().unwrap().clone()
    }

    pub(crate) fn settings(&self) -> MastodonSettings {
        settings(&self.url, Some(&self.token), self.folder.path())
    }

    pub(crate) fn network(&self) -> MastodonNetwork {
        MastodonNetwork::with_pace(self.settings(), Arc::clone(&self.clock), 7, &PACE).unwrap()
    }

    pub(crate) fn listen<const N: usize>(&self, columns: [(&str, &str); N]) -> (Ear, [Column; N]) {
        self.listen_as(columns, &PACE, |_| {})
    }

    pub(crate) fn listen_as<const N: usize>(
        &self,
        columns: [(&str, &str); N],
        pace: &Pace,
        change: impl FnOnce(&mut MastodonSettings),
    ) -> (Ear, [Column; N]) {
        let mut settings = self.settings();
        change(&mut settings);
        Ear::open(settings, columns, pace, &self.clock)
    }
}

pub(crate) fn settings(url: &str, token: Option<&str>, folder: &Path) -> MastodonSettings {
    MastodonSettings {
        account: Account {
            name: AccountName::new("acme"),
            network: NetworkKind::Mastodon,
            handle: "AcmeHelp@mastodon.example".into(),
            id: None,
            tier: Tier::Enterprise,
            can_send: true,
            confirm: false,
            web_url: url.into(),
            limits: None,
        },
        base_url: url.parse().unwrap(),
        streaming_url: None,
        token: token.map(|token| token.to_owned().into()),
        data_dir: folder.to_owned(),
        messages: true,
        watch_own: true,
        visibility: Visibility::Public,
    }
}

/// Somebody listening.
pub(crate) struct Ear {
    pub(crate) network: Arc<MastodonNetwork>,
    feeds: watch::Sender<Arc<Vec<Feed>>>,
    links: mpsc::Receiver<LinkReport>,
    stop: CancellationToken,
    tasks: JoinSet<()>,
}

impl Ear {
    pub(crate) fn open<const N: usize>(
        settings: MastodonSettings,
        columns: [(&str, &str); N],
        pace: &Pace,
        clock: &Clock,
    ) -> (Self, [Column; N]) {
        let network = Arc::new(MastodonNetwork::with_pace(settings, Arc::clone(clock), 7, pace).unwrap());
        let (feeds, receivers) = feeds(columns);
        let (feeds, changed) = watch::channel(Arc::new(feeds));
        let (report, links) = mpsc::channel(4_096);
        let stop = CancellationToken::new();
        let mut tasks = JoinSet::new();
        let (listening, stopped) = (Arc::clone(&network), stop.clone());
        tasks.spawn(async move { listening.listen(changed, report, stopped).await });
        (Self { network, feeds, links, stop, tasks }, receivers)
    }

    pub(crate) fn change<const N: usize>(&self, columns: [(&str, &str); N]) -> [Column; N] {
        let (feeds, receivers) = feeds(columns);
        self.feeds.send(Arc::new(feeds)).unwrap();
        receivers
    }

    /// The next report that is wanted.
    pub(crate) async fn link(&mut self, wanted: impl Fn(&LinkReport) -> bool) -> LinkReport {
        let mut seen = Vec::new();
        loop {
            match timeout(PATIENCE, self.links.recv()).await {
                Ok(Some(report)) if wanted(&report) => return report,
                Ok(Some(report)) => seen.push((report.state, report.note)),
                other => panic!("{other:?} after {:?}", &seen[seen.len().saturating_sub(12)..]),
            }
        }
    }

    pub(crate) async fn live(&mut self) {
        self.link(|report| report.state == LinkState::Live).await;
    }

    pub(crate) async fn note(&mut self, part: &str) -> String {
        let report = self.link(|report| report.note.as_ref().is_some_and(|note| note.contains(part))).await;
        report.note.unwrap()
    }

    /// Everything that is asked at the beginning was answered: the places are written down.
    pub(crate) async fn settled(&mut self, folder: &Path) {
        self.live().await;
        let file = folder.join("place-acme.json");
        for _ in 0..3_000 {
            let written = std::fs::read_to_string(&file).unwrap_or_default();
            if ["notifications", "own"].iter().all(|name| written.contains(name)) {
                return;
            }
            // The listener writes it down by itself; nothing tells us but the file.
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let mut told = Vec::new();
        while let Ok(report) = self.links.try_recv() {
            told.extend(report.note);
        }
        panic!("the places were never written: {:?} {told:?}", std::fs::read_to_string(&file));
    }

    pub(crate) async fn end(mut self) {
        self.stop.cancel();
        timeout(PATIENCE, self.tasks.join_next()).await.expect("listening did not stop").unwrap().unwrap();
    }
}

/// The text of the next post, which must come as one.
pub(crate) async fn next_text(column: &mut Column) -> String {
    match crate::rig::next(column).await {
        Inbound::Post(post) => post.text,
        other => panic!("{other:?}"),
    }
}

/// The next post as it came.
pub(crate) async fn next_whole(column: &mut Column) -> replydeck::model::Post {
    match crate::rig::next(column).await {
        Inbound::Post(post) => *post,
        other => panic!("{other:?}"),
    }
}

pub(crate) fn reply_to(post: &replydeck::model::Post, text: &str, number: u128) -> Outgoing {
    Outgoing {
        reply: ReplyId(uuid::Uuid::from_u128(number)),
        to: post.id.clone(),
        to_version: post.version.clone(),
        text: text.into(),
    }
}

pub(crate) fn person(handle: &str, is_elsewhere: bool) -> AuthorId {
    let host = if is_elsewhere { "social.example" } else { "mastodon.example" };
    AuthorId::new(NetworkKind::Mastodon, &format!("https://{host}/@{handle}"))
}
