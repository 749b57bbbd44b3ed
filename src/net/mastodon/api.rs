//! Questions to a Mastodon server: who asks, how long we wait, and what kind of failure came back.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, LINK};
use reqwest::{Client, Method, RequestBuilder, Response};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use tokio::sync::watch;
use tokio::time::timeout;
use url::Url;

use super::MastodonSettings;
use super::instance::Facts;
use super::login::KeptLogin;
use super::memory::Memory;
use super::pace::Pace;
use super::problem::{self, Class, Problem, Rates};
use crate::model::{Account, IdSource, ReplyId, clean};
use crate::net::Clock;
use crate::net::backoff::{Backoff, Failure};
use crate::net::call;
use crate::net::http::{self, NetSetupError};
use crate::rules::scan::status::{self, id_of};

/// So many questions of a window are left for what a rep does.
const RESERVED: u64 = 40;
/// So many replies of this run are remembered as tried.
const TRIED: usize = 1_024;

/// Why a question got no answer.
pub(super) type CallError = call::CallError<Problem>;

impl CallError {
    /// Nothing makes sense before, where the server said so.
    pub(super) fn until(&self) -> Option<Timestamp> {
        match self {
            CallError::No(problem) => problem.until,
            CallError::NotSent(_) | CallError::Lost(_) => None,
        }
    }
}

/// An answer, and where the pages beside it are.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) value: Value,
    /// The `min_id` of the page with newer things, and the `max_id` of the one with older.
    pub(super) newer: Option<String>,
    pub(super) older: Option<String>,
}

/// Who asks: what a rep does goes before what the deck does by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Urgency {
    Rep,
    Background,
}

/// Who we are, as the server sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Own {
    pub(super) id: String,
    /// `user@host`.
    pub(super) handle: String,
    pub(super) url: String,
}

/// The account's place at its server: address, credentials, limits, what it knows.
pub(super) struct Api {
    pub(super) client: Client,
    base: String,
    pub(super) host: String,
    pub(super) settings: MastodonSettings,
    pub(super) clock: Clock,
    pub(super) pace: Pace,
    token: Mutex<Option<HeaderValue>>,
    kept: KeptLogin,
    logins: watch::Sender<u64>,
    account: Mutex<Account>,
    own: Mutex<Option<Own>>,
    facts: Mutex<Option<(Arc<Facts>, Timestamp)>>,
    ids: Mutex<IdSource>,
    chance: Mutex<u64>,
    limits: Mutex<Limits>,
    pub(super) memory: Mutex<Memory>,
    tried: Mutex<BTreeSet<ReplyId>>,
}

/// Until when nothing, or nothing new, may be asked.
struct Limits {
    all: Option<Timestamp>,
    background: Option<Timestamp>,
    writing: Option<Timestamp>,
    asked: Backoff,
    written: Backoff,
}

impl fmt::Debug for Api {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Api").field("base", &self.base).finish_non_exhaustive()
    }
}

fn lock<T>(what: &Mutex<T>) -> MutexGuard<'_, T> {
    what.lock().expect("nothing panics while holding it")
}

impl Api {
    pub(super) fn new(
        settings: MastodonSettings,
        clock: Clock,
        random: u64,
        pace: &Pace,
    ) -> Result<Self, NetSetupError> {
        let client = http::client(&settings.base_url, pace.connect_within)?;
        let token = settings.token.as_ref().map(bearer).transpose()?;
        let kept = KeptLogin::of(&settings.data_dir, &settings.account.name);
        let host = settings.base_url.host_str().unwrap_or_default().to_ascii_lowercase();
        Ok(Self {
            client,
            base: settings.base_url.as_str().trim_end_matches('/').to_owned(),
            host,
            clock,
            pace: *pace,
            token: Mutex::new(token),
            kept,
            logins: watch::Sender::new(0),
            account: Mutex::new(settings.account.clone()),
            own: Mutex::new(None),
            facts: Mutex::new(None),
            ids: Mutex::new(IdSource::new(random)),
            chance: Mutex::new(random),
            limits: Mutex::new(Limits {
                all: None,
                background: None,
                writing: None,
                asked: Backoff::new(pace.steps),
                written: Backoff::new(pace.steps),
            }),
            memory: Mutex::new(Memory::of(&settings.data_dir, &settings.account.name)),
            tried: Mutex::new(BTreeSet::new()),
            settings,
        })
    }

    pub(super) fn now(&self) -> Timestamp {
        (self.clock)()
    }

    pub(super) fn account(&self) -> Account {
        lock(&self.account).clone()
    }

    pub(super) fn own(&self) -> Option<Own> {
        lock(&self.own).clone()
    }

    pub(super) fn new_id(&self) -> uuid::Uuid {
        let now = self.now();
        lock(&self.ids).next(now)
    }

    /// A number below `below`, other each time: so that a thousand clients do not come back in one moment.
    pub(super) fn chance(&self, below: u64) -> u64 {
        let mut state = lock(&self.chance);
        *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = *state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z ^= z >> 27;
        z.checked_rem(below).unwrap_or(0)
    }

    /// Takes another token from the config, and tries at once what was given up for want of a good one.
    pub(super) fn log_in_again(&self, token: Option<&SecretString>) -> Result<bool, NetSetupError> {
        let fresh = token.map(bearer).transpose()?;
        let mut token = lock(&self.token);
        let is_other = *token != fresh;
        *token = fresh;
        drop(token);
        self.logins.send_modify(|count| *count += 1);
        Ok(is_other)
    }

    pub(super) fn logins(&self) -> watch::Receiver<u64> {
        self.logins.subscribe()
    }

    /// The header every question carries; in words why there is none.
    pub(super) fn authorization(&self) -> Result<HeaderValue, String> {
        if let Some(token) = lock(&self.token).clone() {
            return Ok(token);
        }
        // Read each time: somebody may log in while the deck runs.
        match self.kept.read() {
            Ok(Some(kept)) if kept.base_url == self.base => {
                bearer(&kept.access_token).map_err(|error| error.to_string())
            }
            Ok(Some(kept)) => Err(format!(
                "the kept login is for {}, the config says {}: log in with replydeck auth {}",
                clean::line(&kept.base_url),
                self.base,
                self.settings.account.name
            )),
            Ok(None) => Err(format!("nobody is logged in: run replydeck auth {}", self.settings.account.name)),
            Err(error) => Err(error.to_string()),
        }
    }

    /// What the server says of itself, asked again where that is old.
    pub(super) async fn facts(&self, urgency: Urgency) -> Result<Arc<Facts>, CallError> {
        let known = lock(&self.facts).clone();
        if let Some((facts, asked)) = &known
            && self.now().duration_since(*asked).unsigned_abs() < self.pace.facts_live
        {
            return Ok(Arc::clone(facts));
        }
        let answer = match self.get(urgency, "/api/v2/instance", &[]).await {
            Err(error) if error.class() == Some(Class::Gone) => self.get(urgency, "/api/v1/instance", &[]).await,
            other => other,
        };
        match (answer, known) {
            (Ok(page), _) => {
                let facts = Arc::new(Facts::of(&page.value));
                *lock(&self.facts) = Some((Arc::clone(&facts), self.now()));
                Ok(facts)
            }
            // What it said before will do.
            (Err(error), Some((facts, _))) if error.class() != Some(Class::Unauthorised) => Ok(facts),
            (Err(error), _) => Err(error),
        }
    }

    /// What was heard of the server last, however old.
    pub(super) fn known_facts(&self) -> Option<Arc<Facts>> {
        lock(&self.facts).as_ref().map(|(facts, _)| Arc::clone(facts))
    }

    /// Asks anew next time: something that the server said of itself did not hold.
    pub(super) fn doubt_facts(&self) {
        if let Some((_, asked)) = lock(&self.facts).as_mut() {
            *asked = Timestamp::UNIX_EPOCH;
        }
    }

    /// The name the server's own accounts carry.
    pub(super) fn domain(&self) -> Option<String> {
        self.known_facts().and_then(|facts| facts.domain.clone())
    }

    /// Asks the server whose login this is; once.
    pub(super) async fn learn_own(&self, urgency: Urgency) -> Result<Own, CallError> {
        if let Some(own) = self.own() {
            return Ok(own);
        }
        let page = self.get(urgency, "/api/v1/accounts/verify_credentials", &[]).await?;
        let named = status::author_id(&page.value);
        let (Some(id), Some(url)) = (id_of(page.value.get("id")), named) else {
            return Err(CallError::Lost("the server did not say whose login it is".into()));
        };
        let host = self.domain().unwrap_or_else(|| self.host.clone());
        let own = Own { id, handle: status::handle(&page.value, Some(&host)), url: url.native().to_owned() };
        let mut account = lock(&self.account);
        account.id = Some(url);
        drop(account);
        *lock(&self.own) = Some(own.clone());
        Ok(own)
    }

    /// Forgets whose login it is: another one may have taken its place.
    pub(super) fn forget_own(&self) {
        *lock(&self.own) = None;
    }

    /// Whether this reply was tried by this run before; from now on it was.
    pub(super) fn was_tried(&self, reply: ReplyId) -> bool {
        let mut tried = lock(&self.tried);
        let is_new = tried.insert(reply);
        if tried.len() > TRIED {
            tried.pop_first();
        }
        !is_new
    }

    /// Nothing may be published before then.
    pub(super) fn not_before(&self) -> Option<Timestamp> {
        let now = self.now();
        let limits = lock(&self.limits);
        limits.writing.max(limits.all).filter(|until| *until > now)
    }

    /// What the deck asks by itself waits until then.
    pub(super) fn background_free_at(&self) -> Option<Timestamp> {
        let now = self.now();
        let limits = lock(&self.limits);
        limits.background.max(limits.all).filter(|until| *until > now)
    }

    pub(super) async fn get(&self, urgency: Urgency, path: &str, query: &[(&str, &str)]) -> Result<Page, CallError> {
        let held = match urgency {
            Urgency::Rep => lock(&self.limits).all,
            Urgency::Background => self.background_free_at(),
        };
        let now = self.now();
        if let Some(until) = held.filter(|until| *until > now) {
            let words = "the server's limit of questions is used up".to_owned();
            return Err(CallError::No(Box::new(Problem {
                status: 429,
                class: Class::RateLimited,
                words,
                until: Some(until),
            })));
        }
        let request = self.request(Method::GET, path)?;
        let request = if query.is_empty() { request } else { request.query(query) };
        let (result, rates) = self.ask(request, self.pace.answer_within).await;
        let now = self.now();
        let mut limits = lock(&self.limits);
        match &result {
            Ok(_) => limits.asked.succeeded(),
            Err(CallError::No(problem)) if problem.class == Class::RateLimited => {
                limits.all = Some(until_after(&mut limits.asked, problem.until, now));
            }
            Err(_) => {}
        }
        if let Some(until) = rates.used_up_until(now) {
            limits.all = limits.all.max(Some(until));
        }
        limits.background = rates.reset.filter(|_| rates.remaining.is_some_and(|left| left < RESERVED));
        drop(limits);
        result.map_err(|error| self.with_time(error))
    }

    /// Publishes; the limits that come back are remembered for the next time.
    pub(super) async fn publish(&self, path: &str, body: &Value, key: &str) -> Result<Value, CallError> {
        let key = HeaderValue::from_str(key).map_err(|_| CallError::NotSent("the key holds no text".into()))?;
        let request =
            self.request(Method::POST, path)?.header(HeaderName::from_static("idempotency-key"), key).json(body);
        let (result, rates) = self.ask(request, self.pace.send_within).await;
        let now = self.now();
        let mut limits = lock(&self.limits);
        match &result {
            Ok(_) => {
                limits.written.succeeded();
                limits.writing = rates.used_up_until(now);
            }
            Err(CallError::No(problem)) if problem.class == Class::RateLimited => {
                limits.writing = Some(until_after(&mut limits.written, problem.until, now));
            }
            Err(_) => {}
        }
        drop(limits);
        result.map(|page| page.value)
    }

    /// A refusal for want of room names a time even where the server did not.
    fn with_time(&self, error: CallError) -> CallError {
        match error {
            CallError::No(mut problem) if problem.class == Class::RateLimited => {
                problem.until = problem.until.or(lock(&self.limits).all);
                CallError::No(problem)
            }
            other => other,
        }
    }

    fn request(&self, method: Method, path: &str) -> Result<RequestBuilder, CallError> {
        let authorization = self.authorization().map_err(|words| {
            CallError::No(Box::new(Problem { status: 401, class: Class::Unauthorised, words, until: None }))
        })?;
        let url = format!("{}{path}", self.base);
        Ok(self.client.request(method, url).header(AUTHORIZATION, authorization))
    }

    async fn ask(&self, request: RequestBuilder, within: Duration) -> (Result<Page, CallError>, Rates) {
        match timeout(within, answer(request, self.now())).await {
            Ok(answer) => answer,
            Err(_elapsed) => {
                (Err(CallError::Lost(format!("no answer within {} s", within.as_secs()))), Rates::default())
            }
        }
    }

    /// The same with a client and an address of the stream's own; its headers must come in time, its end may never.
    pub(super) async fn open(&self, client: &Client, url: Url) -> Result<Response, CallError> {
        let authorization = self.authorization().map_err(CallError::NotSent)?;
        let request = client
            .get(url)
            .header(AUTHORIZATION, authorization)
            .header(reqwest::header::ACCEPT, "text/event-stream")
            // A compressed stream would hold events back until a block is full.
            .header(reqwest::header::ACCEPT_ENCODING, "identity");
        let within = self.pace.answer_within;
        let now = self.now();
        let opened = async {
            let mut response = request.send().await.map_err(failed)?;
            let kind = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
            if response.status().is_success() && kind.starts_with("text/event-stream") {
                return Ok(response);
            }
            Err(refusal(&mut response, now).await)
        };
        match timeout(within, opened).await {
            Ok(opened) => opened,
            Err(_elapsed) => Err(CallError::Lost(format!("no answer within {} s", within.as_secs()))),
        }
    }
}

fn until_after(backoff: &mut Backoff, until: Option<Timestamp>, now: Timestamp) -> Timestamp {
    let reset_in = until.and_then(|until| Duration::try_from(until.duration_since(now)).ok());
    let wait = backoff.after(Failure::Limited { reset_in });
    now.checked_add(wait).unwrap_or(now).max(until.unwrap_or(now))
}

async fn answer(request: RequestBuilder, now: Timestamp) -> (Result<Page, CallError>, Rates) {
    let mut response = match request.send().await {
        Ok(response) => response,
        Err(error) => return (Err(failed(error)), Rates::default()),
    };
    let rates = Rates::of(response.headers(), now);
    if !response.status().is_success() {
        return (Err(refusal(&mut response, now).await), rates);
    }
    let (newer, older) = neighbours(response.headers());
    let status = response.status().as_u16();
    let body = match http::body(&mut response).await {
        Ok(body) => body,
        Err(error) => return (Err(CallError::Lost(http::words(error))), rates),
    };
    if let Ok(value) = serde_json::from_slice(&body) {
        return (Ok(Page { value, newer, older }), rates);
    }
    // Not a refusal: whoever put a page there may have passed the request on.
    let words = problem::decode(status, &HeaderMap::new(), &body, now).words;
    (Err(CallError::Lost(format!("an answer that cannot be read: {words}"))), rates)
}

async fn refusal(response: &mut Response, now: Timestamp) -> CallError {
    let status = response.status().as_u16();
    let headers = response.headers().clone();
    // A refusal whose words were lost on the way is one without words: the status stands all the same.
    let body = http::body(response).await.unwrap_or_default();
    CallError::No(Box::new(problem::decode(status, &headers, &body, now)))
}

/// Only a failure to connect, or to build the request, proves that nothing left.
fn failed(error: reqwest::Error) -> CallError {
    if error.is_connect() || error.is_builder() {
        CallError::NotSent(http::words(error))
    } else {
        CallError::Lost(http::words(error))
    }
}

/// The ids in a `Link` header: `min_id` of `prev`, `max_id` of `next`.
fn neighbours(headers: &HeaderMap) -> (Option<String>, Option<String>) {
    let links = headers.get_all(LINK).iter().filter_map(|link| link.to_str().ok()).collect::<Vec<_>>().join(",");
    let mut found = (None, None);
    for link in links.split(",<").flat_map(|link| link.split(", <")) {
        let Some((url, words)) = link.trim().trim_start_matches('<').split_once('>') else { continue };
        let Ok(url) = Url::parse(url) else { continue };
        let id = |name: &str| url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
        if words.contains("rel=\"prev\"") {
            found.0 = id("min_id").or_else(|| id("since_id"));
        } else if words.contains("rel=\"next\"") {
            found.1 = id("max_id");
        }
    }
    found
}

fn bearer(token: &SecretString) -> Result<HeaderValue, NetSetupError> {
    let bad = NetSetupError::BadSecret { what: "token" };
    let token = token.expose_secret().trim();
    if token.is_empty() || token.contains(char::is_whitespace) {
        return Err(bad);
    }
    let mut value = HeaderValue::from_str(&format!("Bearer {token}")).map_err(|_| bad)?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use reqwest::header::{HeaderMap, LINK};

    use super::neighbours;

    #[test]
    fn the_pages_beside_a_page() {
        let mut headers = HeaderMap::new();
        assert_eq!(neighbours(&headers), (None, None));
        headers.insert(
            LINK,
            "<https://a.example/api/v1/timelines/public?limit=40&max_id=100>; rel=\"next\", \
             <https://a.example/api/v1/timelines/public?limit=40&min_id=01JD>; rel=\"prev\""
                .parse()
                .unwrap(),
        );
        assert_eq!(neighbours(&headers), (Some("01JD".into()), Some("100".into())));
        headers.insert(LINK, "nonsense, <not a url>; rel=\"next\"".parse().unwrap());
        assert_eq!(neighbours(&headers), (None, None));
    }
}
