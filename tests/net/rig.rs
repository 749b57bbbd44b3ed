//! A listening account on a scripted X: what each test sets up and looks at.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use replydeck::model::account::Tier;
use replydeck::model::{
    Account, AccountName, AuthorId, ColumnName, LinkReport, LinkState, NetworkKind, PostId, ReplyId,
};
use replydeck::net::backoff::Steps;
use replydeck::net::x::pace::Pace;
use replydeck::net::x::{UserCredentials, XNetwork, XSettings};
use replydeck::net::{Clock, Feed, Inbound, Network, Outgoing};
use replydeck::rules::Rule;
use serde_json::{Value, json};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use crate::server::{Answer, Seen, Server};

pub(crate) const STREAM: &str = "/2/tweets/search/stream";
pub(crate) const RULES: &str = "/2/tweets/search/stream/rules";

/// Nothing here takes so long; a test that waits longer has failed.
const PATIENCE: Duration = Duration::from_secs(30);

/// Steps short enough to wait for, silences too long to happen.
pub(crate) const PACE: Pace = Pace {
    settled_after: Duration::ZERO,
    beat: Duration::ZERO,
    stale_after: Duration::from_mins(1),
    dead_after: Duration::from_secs(90),
    search_lag: Duration::from_millis(200),
    publish_within: Duration::from_millis(300),
    // Tests make the time of day jump for other reasons.
    slept_after: Duration::from_hours(24),
    steps: Steps {
        lost_step: Duration::from_millis(1),
        lost_most: Duration::from_millis(5),
        refused_first: Duration::from_millis(1),
        refused_most: Duration::from_millis(5),
        limited_first: Duration::from_millis(1),
        limited_most: Duration::from_millis(5),
    },
    ..Pace::X
};

/// A clock that runs from a fixed moment.
pub(crate) fn clock() -> Clock {
    let began = Instant::now();
    let base: Timestamp = "2026-01-15T10:00:00.9Z".parse().unwrap();
    Arc::new(move || base + SignedDuration::try_from(began.elapsed()).unwrap())
}

pub(crate) fn settings(url: &str) -> XSettings {
    XSettings {
        account: Account {
            name: AccountName::new("acme"),
            network: NetworkKind::X,
            handle: "AcmeHelp".into(),
            id: Some(AuthorId::new(NetworkKind::X, "42")),
            tier: Tier::PayPerUse,
            can_send: true,
            confirm: false,
            web_url: "https://x.com".into(),
            limits: None,
        },
        base_url: url.parse().unwrap(),
        bearer: "app-token".to_owned().into(),
        user: Some(UserCredentials::OAuth2 { access_token: "own-token".to_owned().into() }),
        deck: "main".into(),
        watch_own: false,
        messages: false,
        activity: false,
    }
}

pub(crate) fn outgoing(to: &str, text: &str) -> Outgoing {
    Outgoing {
        reply: ReplyId(uuid::Uuid::from_u128(7)),
        to: PostId::new(NetworkKind::X, to),
        to_version: None,
        text: text.into(),
    }
}

pub(crate) fn post_json(id: &str, text: &str, rules: &Value) -> Vec<u8> {
    let post = json!({
        "data": {"id": id, "text": text, "author_id": "9", "conversation_id": id, "edit_history_tweet_ids": [id]},
        "includes": {"users": [{"id": "9", "username": "cat", "name": "Cat"}]},
        "matching_rules": rules,
    });
    format!("{post}\r\n").into_bytes()
}

/// The rules endpoint and whatever the test puts beside it.
#[derive(Default)]
pub(crate) struct FakeX {
    /// Id, value, tag.
    pub(crate) rules: Vec<(String, String, String)>,
    pub(crate) next_rule: u64,
    /// One answer per connection of the stream; none left: X does not answer.
    pub(crate) streams: VecDeque<Answer>,
    /// Answers of other paths, in order.
    pub(crate) others: VecDeque<(&'static str, Answer)>,
    /// X refuses a call with a bad rule as a whole instead of naming it.
    pub(crate) refuses_as_a_whole: bool,
    /// So many rules on a page.
    pub(crate) page: Option<usize>,
}

impl FakeX {
    pub(crate) fn stream(&mut self) -> mpsc::UnboundedSender<Vec<u8>> {
        let (to, from) = mpsc::unbounded_channel();
        self.streams.push_back(Answer::Stream(from));
        to
    }

    pub(crate) fn rule_id(&self, value: &str) -> String {
        self.rules.iter().find(|rule| rule.1 == value).map(|rule| rule.0.clone()).unwrap()
    }

    pub(crate) fn answer(&mut self, seen: &Seen) -> Answer {
        if let Some(at) = self.others.iter().position(|(path, _)| *path == seen.path()) {
            return self.others.remove(at).unwrap().1;
        }
        match (seen.method.as_str(), seen.path()) {
            ("GET", STREAM) => self.streams.pop_front().unwrap_or(Answer::Nothing),
            ("GET", RULES) => self.list(seen),
            ("POST", RULES) => self.change(seen),
            _ => Answer::json(404, &json!({"title": "Not Found"})),
        }
    }

    fn list(&self, seen: &Seen) -> Answer {
        let start: usize = seen.target.split("pagination_token=").nth(1).map_or(0, |token| token.parse().unwrap());
        let end = self.page.map_or(self.rules.len(), |page| (start + page).min(self.rules.len()));
        let rules: Vec<Value> = self.rules[start..end]
            .iter()
            .map(|(id, value, tag)| json!({"id": id, "value": value, "tag": tag}))
            .collect();
        let mut answer = json!({"meta": {"result_count": rules.len()}});
        if !rules.is_empty() {
            answer["data"] = json!(rules);
        }
        if end < self.rules.len() {
            answer["meta"]["next_token"] = json!(end.to_string());
        }
        Answer::json(200, &answer)
    }

    fn change(&mut self, seen: &Seen) -> Answer {
        let body: Value = serde_json::from_str(&seen.body).unwrap();
        if let Some(ids) = body["delete"]["ids"].as_array() {
            self.rules.retain(|(id, ..)| !ids.iter().any(|gone| gone == id.as_str()));
            return Answer::json(200, &json!({"meta": {"summary": {"deleted": ids.len()}}}));
        }
        let is_dry = seen.target.contains("dry_run=true");
        let (mut made, mut errors) = (Vec::new(), Vec::new());
        for rule in body["add"].as_array().unwrap() {
            let value = rule["value"].as_str().unwrap();
            if value.contains("forbidden") {
                errors.push(json!({"value": value, "details": ["this word is not allowed"],
                    "title": "UnprocessableEntity", "type": "https://api.twitter.com/2/problems/invalid-rules"}));
            } else if let Some(there) = self.rules.iter().find(|there| there.1.eq_ignore_ascii_case(value)) {
                errors.push(json!({"value": value, "id": there.0, "title": "DuplicateRule",
                    "type": "https://api.twitter.com/2/problems/duplicate-rules"}));
            } else {
                self.next_rule += 1;
                let id = (1000 + self.next_rule).to_string();
                made.push(json!({"id": id, "value": value, "tag": rule["tag"]}));
                if !is_dry {
                    self.rules.push((id, value.to_owned(), rule["tag"].as_str().unwrap().to_owned()));
                }
            }
        }
        if self.refuses_as_a_whole && !errors.is_empty() {
            self.rules.retain(|(id, ..)| !made.iter().any(|rule| rule["id"] == id.as_str()));
            return Answer::json(
                400,
                &json!({"title": "Invalid Request", "detail": "One rule was invalid.",
                "type": "https://api.x.com/2/problems/invalid-request"}),
            );
        }
        let mut answer = json!({"meta": {"summary": {"created": made.len(), "not_created": errors.len()}}});
        if !made.is_empty() {
            answer["data"] = json!(made);
        }
        if !errors.is_empty() {
            answer["errors"] = json!(errors);
        }
        Answer::json(201, &answer)
    }
}

/// An account that listens.
pub(crate) struct Rig {
    pub(crate) server: Server,
    pub(crate) x: Arc<Mutex<FakeX>>,
    feeds: watch::Sender<Arc<Vec<Feed>>>,
    links: mpsc::Receiver<LinkReport>,
    stop: CancellationToken,
    tasks: JoinSet<()>,
}

pub(crate) type Column = mpsc::Receiver<Inbound>;

impl Rig {
    pub(crate) async fn start<const N: usize>(
        x: FakeX,
        columns: [(&str, &str); N],
        pace: &Pace,
        change: impl FnOnce(&mut XSettings),
    ) -> (Self, [Column; N]) {
        Self::start_at(x, columns, pace, change, clock()).await
    }

    /// By a clock of the test's own.
    pub(crate) async fn start_at<const N: usize>(
        x: FakeX,
        columns: [(&str, &str); N],
        pace: &Pace,
        change: impl FnOnce(&mut XSettings),
        clock: Clock,
    ) -> (Self, [Column; N]) {
        let x = Arc::new(Mutex::new(x));
        let answering = x.clone();
        let server = Server::start(move |seen| answering.lock().unwrap().answer(seen)).await;
        let mut settings = settings(&server.url);
        change(&mut settings);
        let network = XNetwork::with_pace(settings, clock, 7, pace).unwrap();
        let (feeds, receivers) = feeds(columns);
        let (feeds, feeds_changed) = watch::channel(Arc::new(feeds));
        let (report, links) = mpsc::channel(64);
        let stop = CancellationToken::new();
        let mut tasks = JoinSet::new();
        let stopped = stop.clone();
        tasks.spawn(async move { network.listen(feeds_changed, report, stopped).await });
        (Self { server, x, feeds, links, stop, tasks }, receivers)
    }

    /// Other columns from now on.
    pub(crate) fn change<const N: usize>(&self, columns: [(&str, &str); N]) -> [Column; N] {
        let (feeds, receivers) = feeds(columns);
        self.feeds.send(Arc::new(feeds)).unwrap();
        receivers
    }

    /// The next report that says something new of the state or carries a note.
    pub(crate) async fn link(&mut self, wanted: impl Fn(&LinkReport) -> bool) -> LinkReport {
        let mut seen = Vec::new();
        loop {
            match timeout(PATIENCE, self.links.recv()).await {
                Ok(Some(report)) if wanted(&report) => return report,
                Ok(Some(report)) => seen.push(report),
                other => panic!("{other:?} after {seen:?}; the server saw {:?}", self.server.seen()),
            }
        }
    }

    pub(crate) async fn live(&mut self) {
        self.link(|report| report.state == LinkState::Live).await;
    }

    /// Listening ends when it is told to.
    pub(crate) async fn end(mut self) {
        self.stop.cancel();
        timeout(PATIENCE, self.tasks.join_next()).await.expect("listening did not stop").unwrap().unwrap();
    }
}

pub(crate) fn feeds<const N: usize>(columns: [(&str, &str); N]) -> (Vec<Feed>, [Column; N]) {
    let mut feeds = Vec::new();
    let receivers = columns.map(|(name, query)| {
        let (out, column) = mpsc::channel(64);
        feeds.push(Feed { column: ColumnName::new(name), rule: Rule::parse(query).unwrap(), out });
        column
    });
    (feeds, receivers)
}

pub(crate) async fn next(column: &mut Column) -> Inbound {
    timeout(PATIENCE, column.recv()).await.expect("nothing came").expect("the column was closed")
}

/// The native id of the next post, which must come as one.
pub(crate) async fn next_post(column: &mut Column) -> String {
    match next(column).await {
        Inbound::Post(post) => post.id.native().to_owned(),
        other => panic!("{other:?}"),
    }
}
