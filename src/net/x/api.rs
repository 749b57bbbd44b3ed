//! Questions to X's API: who asks, how long we wait, and what kind of failure came back.

use std::fmt;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Date;
use reqwest::header::{ACCEPT_ENCODING, AUTHORIZATION, HeaderValue, LOCATION};
use reqwest::{Client, Method, RequestBuilder, Response};
use secrecy::ExposeSecret;
use serde_json::Value;
use tokio::time::timeout;

use super::decode::{id_of, text_of};
use super::pace::Pace;
use super::problem::{self, Problem};
use super::{UserCredentials, XSettings, oauth};
use crate::model::spend::{Act, Budget, billed_day};
use crate::model::{Account, AuthorId, ColumnName, IdSource, NetworkKind, clean};
use crate::net::backoff::{Backoff, Failure};
use crate::net::http::{self, NetSetupError, RateHeaders};
use crate::net::{Clock, Meter};

/// Why a question got no answer.
#[derive(Debug)]
pub(super) enum CallError {
    /// It never left this machine.
    NotSent(String),
    /// It may have arrived; the answer was lost or could not be read.
    Lost(String),
    /// X, or somebody in between, said no.
    No(Box<Problem>),
}

impl CallError {
    pub(super) fn words(&self) -> &str {
        match self {
            CallError::NotSent(why) | CallError::Lost(why) => why,
            CallError::No(problem) => &problem.words,
        }
    }
}

/// Whose token a request carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum As {
    App,
    User,
}

/// The account's place at X: address, credentials, limits.
pub(super) struct Api {
    pub(super) client: Client,
    base: String,
    bearer: HeaderValue,
    user: Option<UserCredentials>,
    pub(super) clock: Clock,
    pub(super) pace: Pace,
    pub(super) deck: String,
    pub(super) watch_own: bool,
    account: Mutex<Account>,
    ids: Mutex<IdSource>,
    writing: Mutex<Writing>,
    /// Nothing may be searched before.
    no_search_before: Mutex<Option<Timestamp>>,
    pub(super) budget: Option<Budget>,
    pub(super) meter: OnceLock<Arc<dyn Meter>>,
}

/// When the next reply may be sent.
struct Writing {
    not_before: Option<Timestamp>,
    backoff: Backoff,
}

impl fmt::Debug for Api {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Api").field("base", &self.base).field("deck", &self.deck).finish_non_exhaustive()
    }
}

impl Api {
    pub(super) fn new(settings: XSettings, clock: Clock, random: u64, pace: &Pace) -> Result<Self, NetSetupError> {
        let client = http::client(&settings.base_url, pace.connect_within)?;
        let bearer = bearer(settings.bearer.expose_secret(), "bearer")?;
        match &settings.user {
            Some(UserCredentials::OAuth2 { access_token }) => {
                bearer_check(access_token.expose_secret())?;
            }
            Some(UserCredentials::OAuth1 { .. }) | None => {}
        }
        Ok(Self {
            client,
            base: settings.base_url.as_str().trim_end_matches('/').to_owned(),
            bearer,
            user: settings.user,
            clock,
            pace: *pace,
            deck: settings.deck,
            watch_own: settings.watch_own,
            account: Mutex::new(settings.account),
            ids: Mutex::new(IdSource::new(random)),
            no_search_before: Mutex::new(None),
            budget: None,
            meter: OnceLock::new(),
            writing: Mutex::new(Writing { not_before: None, backoff: Backoff::new(pace.steps) }),
        })
    }

    pub(super) fn now(&self) -> Timestamp {
        (self.clock)()
    }

    pub(super) fn account(&self) -> Account {
        self.account.lock().expect("nothing panics while holding the account").clone()
    }

    /// Tells the keeper of the money that X bills these now.
    pub(super) fn charge(&self, act: Act, what: Vec<String>, columns: Vec<ColumnName>) {
        self.charge_on(billed_day(self.now()), act, what, columns);
    }

    /// The same for a day that may be over.
    pub(super) fn charge_on(&self, day: Date, act: Act, what: Vec<String>, columns: Vec<ColumnName>) {
        if let (Some(meter), false) = (self.meter.get(), what.is_empty()) {
            meter.charge(&self.account().name, day, act, what, columns);
        }
    }

    /// How many more posts the day's money allows; `None` without a limit.
    pub(super) fn room(&self) -> Option<u64> {
        self.meter.get()?.room(&self.account().name, self.now())
    }

    pub(super) fn can_write(&self) -> bool {
        self.user.is_some()
    }

    pub(super) fn new_id(&self) -> uuid::Uuid {
        let now = self.now();
        self.ids.lock().expect("nothing panics while making an id").next(now)
    }

    pub(super) async fn get(&self, who: As, path: &str, query: &[(&str, &str)]) -> Result<Value, CallError> {
        let request = self.request(Method::GET, who, path, query)?;
        let (value, _) = self.ask(request, self.pace.answer_within).await?;
        Ok(value)
    }

    pub(super) async fn post(
        &self,
        who: As,
        path: &str,
        query: &[(&str, &str)],
        body: &Value,
        within: Duration,
    ) -> Result<Value, CallError> {
        let request = self.request(Method::POST, who, path, query)?.json(body);
        let (value, _) = self.ask(request, within).await?;
        Ok(value)
    }

    /// Publishes; the limits that come back are remembered for the next time.
    pub(super) async fn publish(&self, path: &str, body: &Value) -> Result<Value, CallError> {
        let request = self.request(Method::POST, As::User, path, &[])?.json(body);
        let result = self.ask(request, self.pace.send_within).await;
        let now = self.now();
        let mut writing = self.writing.lock().expect("nothing panics while holding the limits");
        match &result {
            Ok((_, rates)) => {
                writing.backoff.succeeded();
                writing.not_before = rates.used_up_until;
            }
            Err(CallError::No(problem)) if problem.class == problem::Class::RateLimited => {
                let wait = writing.backoff.after(Failure::Limited { reset_in: reset_in(problem.until, now) });
                writing.not_before = now.checked_add(wait).ok().max(problem.until);
            }
            Err(_) => {}
        }
        result.map(|(value, _)| value)
    }

    /// X let us know that nothing may be published before then.
    pub(super) fn not_before(&self) -> Option<Timestamp> {
        let now = self.now();
        self.writing.lock().expect("nothing panics while holding the limits").not_before.filter(|until| *until > now)
    }

    /// Searches recent posts; the limits that come back are remembered for the next time.
    pub(super) async fn search(&self, query: &[(&str, &str)]) -> Result<Value, CallError> {
        let request = self.request(Method::GET, As::App, "/2/tweets/search/recent", query)?;
        let result = self.ask(request, self.pace.answer_within).await;
        let until = match &result {
            Ok((_, rates)) => rates.used_up_until,
            Err(CallError::No(problem)) if problem.class == problem::Class::RateLimited => {
                let now = self.now();
                problem.until.or_else(|| now.checked_add(self.pace.steps.limited_first).ok())
            }
            Err(_) => None,
        };
        *self.no_search_before.lock().expect("nothing panics while holding the limits") = until;
        result.map(|(value, _)| value)
    }

    /// X let us know that nothing may be searched before then.
    pub(super) fn no_search_before(&self) -> Option<Timestamp> {
        let now = self.now();
        self.no_search_before.lock().expect("nothing panics while holding the limits").filter(|until| *until > now)
    }

    /// Opens the endless answer of the stream; its headers must come in time, its end may never.
    pub(super) async fn open(&self, path: &str, query: &[(&str, &str)]) -> Result<Response, CallError> {
        // A compressed stream would hold lines back until a block is full.
        let request = self.request(Method::GET, As::App, path, query)?.header(ACCEPT_ENCODING, "identity");
        let within = self.pace.answer_within;
        let mut response = match timeout(within, request.send()).await {
            Ok(sent) => sent.map_err(failed)?,
            Err(_) => return Err(CallError::Lost(format!("no answer within {} s", within.as_secs()))),
        };
        if response.status().is_success() {
            return Ok(response);
        }
        match timeout(within, refusal(&mut response)).await {
            Ok(error) => Err(error),
            Err(_) => Err(CallError::Lost(format!("no whole answer within {} s", within.as_secs()))),
        }
    }

    /// Asks X once who we are, where the config does not say.
    pub(super) async fn learn_id(&self) -> Result<(), CallError> {
        if !self.can_write() || self.account().id.is_some() {
            return Ok(());
        }
        let answer = self.get(As::User, "/2/users/me", &[]).await?;
        if let Some(id) = answer.get("data").and_then(|data| id_of(data.get("id"))) {
            self.charge(Act::UserRead, vec![id.clone()], Vec::new());
            let mut account = self.account.lock().expect("nothing panics while holding the account");
            account.id = Some(AuthorId::new(NetworkKind::X, &id));
            let handle = clean::line(text_of(&answer["data"], "username"));
            if !handle.is_empty() {
                account.handle = handle;
            }
        }
        Ok(())
    }

    fn request(
        &self,
        method: Method,
        who: As,
        path: &str,
        query: &[(&str, &str)],
    ) -> Result<RequestBuilder, CallError> {
        let url = format!("{}{path}", self.base);
        let authorization = match who {
            As::App => self.bearer.clone(),
            As::User => self.as_user(&method, &url, query)?,
        };
        let request = self.client.request(method, &url).header(AUTHORIZATION, authorization);
        Ok(if query.is_empty() { request } else { request.query(query) })
    }

    fn as_user(&self, method: &Method, url: &str, query: &[(&str, &str)]) -> Result<HeaderValue, CallError> {
        let not_sent = |why: &str| CallError::NotSent(why.to_owned());
        match &self.user {
            None => Err(not_sent("the config has no credentials for writing as this account")),
            Some(UserCredentials::OAuth2 { access_token }) => {
                bearer(access_token.expose_secret(), "access_token").map_err(|error| not_sent(&error.to_string()))
            }
            Some(UserCredentials::OAuth1 { consumer_key, consumer_secret, token, token_secret }) => {
                let keys = oauth::Keys {
                    consumer_key,
                    consumer_secret: consumer_secret.expose_secret(),
                    token,
                    token_secret: token_secret.expose_secret(),
                };
                let nonce = nonce().map_err(|why| not_sent(&why))?;
                let signed = oauth::authorization(&keys, method.as_str(), url, query, &nonce, self.now().as_second());
                sensitive(&signed).ok_or_else(|| not_sent("the OAuth keys hold characters no key has"))
            }
        }
    }

    async fn ask(&self, request: RequestBuilder, within: Duration) -> Result<(Value, RateHeaders), CallError> {
        match timeout(within, answer(request)).await {
            Ok(answer) => answer,
            Err(_) => Err(CallError::Lost(format!("no answer within {} s", within.as_secs()))),
        }
    }
}

/// How long until the window ends, if X said so and it lies ahead. A second more: X's seconds are whole.
pub(super) fn reset_in(until: Option<Timestamp>, now: Timestamp) -> Option<Duration> {
    let left = Duration::try_from(until?.duration_since(now)).ok()?;
    // A clock that is wrong by days must not stop us for days.
    Some(left.min(Duration::from_hours(24)))
}

async fn answer(request: RequestBuilder) -> Result<(Value, RateHeaders), CallError> {
    let mut response = request.send().await.map_err(failed)?;
    if !response.status().is_success() {
        return Err(refusal(&mut response).await);
    }
    let rates = RateHeaders::of(response.headers());
    let body = http::body(&mut response).await.map_err(|error| CallError::Lost(http::words(error)))?;
    match serde_json::from_slice(&body) {
        Ok(value) => Ok((value, rates)),
        Err(why) => Err(CallError::Lost(format!("an answer that cannot be read ({})", clean::line(&why.to_string())))),
    }
}

async fn refusal(response: &mut Response) -> CallError {
    let rates = RateHeaders::of(response.headers());
    let status = response.status().as_u16();
    let location = response.headers().get(LOCATION).and_then(|to| to.to_str().ok()).map(str::to_owned);
    // A refusal whose words were lost on the way is one without words: the status stands all the same.
    let body = http::body(response).await.unwrap_or_default();
    CallError::No(Box::new(problem::decode(status, rates, location.as_deref(), &body)))
}

/// Only a failure to connect, or to build the request, proves that nothing left.
fn failed(error: reqwest::Error) -> CallError {
    if error.is_connect() || error.is_builder() {
        CallError::NotSent(http::words(error))
    } else {
        CallError::Lost(http::words(error))
    }
}

fn bearer(token: &str, what: &'static str) -> Result<HeaderValue, NetSetupError> {
    bearer_value(token).ok_or(NetSetupError::BadSecret { what })
}

fn bearer_check(token: &str) -> Result<(), NetSetupError> {
    bearer(token, "access_token").map(|_| ())
}

fn bearer_value(token: &str) -> Option<HeaderValue> {
    let token = token.trim();
    if token.is_empty() || token.contains(char::is_whitespace) { None } else { sensitive(&format!("Bearer {token}")) }
}

/// A header that is left out of any debug output.
fn sensitive(value: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(value).ok()?;
    value.set_sensitive(true);
    Some(value)
}

fn nonce() -> Result<String, String> {
    let mut bytes = [0u8; 16];
    getrandom::fill(&mut bytes).map_err(|why| format!("the system gives no random numbers: {why}"))?;
    Ok(uuid::Uuid::from_bytes(bytes).simple().to_string())
}
