//! Questions to Bluesky's servers: whom we ask, as whom, how long we wait, and what kind of failure came back.

use std::fmt;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use reqwest::header::{AUTHORIZATION, HeaderValue, LOCATION, RETRY_AFTER};
use reqwest::{Client, Method};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use tokio::sync::watch;
use tokio::time::timeout;
use url::Url;

use super::BlueskySettings;
use super::known::Remembered;
use super::pace::Pace;
use super::problem::{self, Class, Limits, Problem};
use super::session::{Keeper, Session};
use crate::model::{Account, AuthorId, IdSource, LoginState, NetworkKind};
use crate::net::call;
use crate::net::http::{self, NetSetupError};
use crate::net::notes::Notes;
use crate::net::{Clock, socket};

/// The longest window of limits: writes of a day.
const LONGEST_LIMIT: SignedDuration = SignedDuration::from_hours(24);

/// Why a question got no answer.
pub(super) type CallError = call::CallError<Problem>;

/// A server and the client for it.
#[derive(Clone)]
pub(super) struct Place {
    pub(super) client: Client,
    pub(super) url: Url,
}

impl Place {
    pub(super) fn new(url: &Url, pace: &Pace) -> Result<Self, NetSetupError> {
        let client = http::client(&socket::as_http(url), pace.connect_within)?;
        Ok(Self { client, url: url.clone() })
    }

    /// `jetstream1.us-east.bsky.network`, for words.
    pub(super) fn host(&self) -> &str {
        self.url.host_str().unwrap_or_default()
    }
}

/// One question.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ask<'a> {
    /// The method's name, such as `com.atproto.repo.putRecord`.
    pub(super) name: &'a str,
    pub(super) query: &'a [(&'a str, &'a str)],
    /// With one it is a POST.
    pub(super) body: Option<&'a Value>,
    /// Handed on to this service by our own server.
    pub(super) proxy: Option<&'a str>,
    pub(super) within: Duration,
}

impl<'a> Ask<'a> {
    pub(super) fn get(name: &'a str, query: &'a [(&'a str, &'a str)], within: Duration) -> Self {
        Self { name, query, body: None, proxy: None, within }
    }

    pub(super) fn post(name: &'a str, body: &'a Value, within: Duration) -> Self {
        Self { name, query: &[], body: Some(body), proxy: None, within }
    }

    pub(super) fn through(self, proxy: &'a str) -> Self {
        Self { proxy: Some(proxy), ..self }
    }
}

/// The account's place at Bluesky: addresses, login, limits.
pub(super) struct Api {
    service: Place,
    appview: Place,
    pub(super) jetstreams: Vec<Place>,
    pub(super) clock: Clock,
    pub(super) pace: Pace,
    /// The service that carries direct messages.
    pub(super) chat: String,
    pub(super) watch_own: bool,
    /// Packed frames are asked for; no longer where a server packs them in a way that is not ours.
    packs: AtomicBool,
    messages: bool,
    account: Mutex<Account>,
    pub(super) keeper: Keeper,
    /// The client for the account's own server, once the login said which it is.
    own_place: Mutex<Option<Place>>,
    ids: Mutex<IdSource>,
    chance: Mutex<u64>,
    /// Nothing may be written before.
    not_before: Mutex<Option<Timestamp>>,
    notes: Notes,
    pub(super) remembered: Mutex<Remembered>,
    pub(super) login: watch::Sender<Option<LoginState>>,
}

impl fmt::Debug for Api {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Api").field("service", &self.service.url.as_str()).finish_non_exhaustive()
    }
}

impl Api {
    pub(super) fn new(
        settings: BlueskySettings,
        clock: Clock,
        random: u64,
        pace: &Pace,
    ) -> Result<Self, NetSetupError> {
        if settings.jetstreams.is_empty() {
            let why = "no address of a Jetstream is given, so nothing can be heard".to_owned();
            return Err(NetSetupError::BadUrl { url: String::new(), why });
        }
        let jetstreams: Result<Vec<Place>, NetSetupError> =
            settings.jetstreams.iter().map(|url| Place::new(url, pace)).collect();
        let mut account = settings.account;
        let keeper = Keeper::new(&settings.data_dir, &account, &settings.service, settings.app_password);
        if account.id.is_none() {
            // What an earlier run learned; the login is checked by the network all the same.
            account.id = keeper.kept().map(|session| AuthorId::new(NetworkKind::Bluesky, &session.did));
        }
        Ok(Self {
            service: Place::new(&settings.service, pace)?,
            appview: Place::new(&settings.appview, pace)?,
            jetstreams: jetstreams?,
            clock,
            pace: *pace,
            chat: settings.chat,
            watch_own: settings.watch_own,
            packs: AtomicBool::new(settings.zstd),
            messages: settings.messages,
            account: Mutex::new(account),
            keeper,
            own_place: Mutex::new(None),
            ids: Mutex::new(IdSource::new(random)),
            chance: Mutex::new(random | 1),
            not_before: Mutex::new(None),
            notes: Notes::default(),
            remembered: Mutex::new(Remembered::default()),
            login: watch::Sender::new(None),
        })
    }

    pub(super) fn now(&self) -> Timestamp {
        (self.clock)()
    }

    pub(super) fn account(&self) -> Account {
        self.account.lock().expect("nothing panics while holding the account").clone()
    }

    /// Our own permanent id, where it is known.
    pub(super) fn did(&self) -> Option<String> {
        self.account().id.map(|id| id.native().to_owned())
    }

    /// What Bluesky said of us.
    pub(super) fn take_identity(&self, did: &str, handle: &str) {
        let mut account = self.account.lock().expect("nothing panics while holding the account");
        account.id = Some(AuthorId::new(NetworkKind::Bluesky, did));
        if !handle.is_empty() && handle != "handle.invalid" {
            handle.clone_into(&mut account.handle);
        }
    }

    pub(super) fn can_write(&self) -> bool {
        self.keeper.has_password()
    }

    /// Whether packed frames are asked for of a server that knows them.
    pub(super) fn packs(&self) -> bool {
        self.packs.load(Ordering::Relaxed)
    }

    /// Plain frames from now on.
    pub(super) fn pack_no_more(&self) {
        self.packs.store(false, Ordering::Relaxed);
    }

    pub(super) fn reads_messages(&self) -> bool {
        self.messages && self.can_write()
    }

    pub(super) fn new_id(&self) -> uuid::Uuid {
        let now = self.now();
        self.ids.lock().expect("nothing panics while making an id").next(now)
    }

    /// From 0 up to, not including, 1; for spreading attempts, useless for secrets.
    pub(super) fn chance(&self) -> f64 {
        let mut state = self.chance.lock().expect("nothing panics while drawing");
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        f64::from(u32::try_from(*state >> 32).unwrap_or(0)) / 4_294_967_296.0
    }

    pub(super) fn leave_note(&self, note: String) {
        self.notes.leave(note);
    }

    pub(super) fn take_note(&self) -> Option<String> {
        self.notes.take()
    }

    /// Bluesky let us know that nothing may be written before then.
    pub(super) fn not_before(&self) -> Option<Timestamp> {
        let now = self.now();
        self.not_before.lock().expect("nothing panics while holding the limits").filter(|until| *until > now)
    }

    /// Asks the public directory of profiles and posts, as nobody.
    pub(super) async fn public(&self, ask: &Ask<'_>) -> Result<Value, CallError> {
        self.ask(&self.appview, None, ask).await.map(|(value, _)| value)
    }

    /// Asks where one logs in, with this token or none.
    pub(super) async fn at_service(&self, token: Option<&SecretString>, ask: &Ask<'_>) -> Result<Value, CallError> {
        self.ask(&self.service, token, ask).await.map(|(value, _)| value)
    }

    /// Asks as ourselves; a login that has ended is renewed once on the way.
    pub(super) async fn as_us(&self, ask: &Ask<'_>) -> Result<Value, CallError> {
        self.as_us_with_limits(ask).await.map(|(value, _)| value)
    }

    /// As [`Api::as_us`] for what writes: the limits that come back are remembered for the next time.
    pub(super) async fn write(&self, ask: &Ask<'_>) -> Result<Value, CallError> {
        let result = self.as_us_with_limits(ask).await;
        let now = self.now();
        let until = match &result {
            Ok((_, limits)) => limits.used_up_until,
            Err(CallError::No(problem)) if problem.class == Class::RateLimited => {
                problem.until.or_else(|| now.checked_add(SignedDuration::from_mins(1)).ok())
            }
            Err(_) => None,
        };
        let until = until.filter(|until| until.duration_since(now) <= LONGEST_LIMIT);
        *self.not_before.lock().expect("nothing panics while holding the limits") = until;
        result.map(|(value, _)| value)
    }

    async fn as_us_with_limits(&self, ask: &Ask<'_>) -> Result<(Value, Limits), CallError> {
        let session = self.session().await?;
        let place = self.own_place(&session)?;
        match self.ask(&place, Some(&session.access), ask).await {
            Err(CallError::No(problem)) if problem.class == Class::Expired => {
                let session = self.renewed(&session).await?;
                let place = self.own_place(&session)?;
                self.ask(&place, Some(&session.access), ask).await
            }
            other => other,
        }
    }

    /// The account's own server.
    fn own_place(&self, session: &Session) -> Result<Place, CallError> {
        let Some(url) = &session.pds else { return Ok(self.service.clone()) };
        let mut kept = self.own_place.lock().expect("nothing panics while holding the place");
        if let Some(place) = kept.as_ref().filter(|place| place.url == *url) {
            return Ok(place.clone());
        }
        let place = Place::new(url, &self.pace).map_err(|error| CallError::NotSent(error.to_string()))?;
        *kept = Some(place.clone());
        Ok(place)
    }

    async fn ask(
        &self,
        place: &Place,
        token: Option<&SecretString>,
        ask: &Ask<'_>,
    ) -> Result<(Value, Limits), CallError> {
        let answered = timeout(ask.within, self.asked(place, token, ask)).await;
        answered.unwrap_or_else(|_| {
            Err(CallError::Lost(format!("no answer from {} within {} s", place.host(), ask.within.as_secs())))
        })
    }

    async fn asked(
        &self,
        place: &Place,
        token: Option<&SecretString>,
        ask: &Ask<'_>,
    ) -> Result<(Value, Limits), CallError> {
        let base = place.url.as_str().trim_end_matches('/');
        let method = if ask.body.is_some() { Method::POST } else { Method::GET };
        let mut request = place.client.request(method, format!("{base}/xrpc/{}", ask.name)).query(ask.query);
        if let Some(body) = ask.body.filter(|body| !body.is_null()) {
            request = request.json(body);
        }
        if let Some(proxy) = ask.proxy {
            request = request.header("atproto-proxy", proxy);
        }
        if let Some(token) = token {
            let mut value = HeaderValue::from_str(&format!("Bearer {}", token.expose_secret()))
                .map_err(|_| CallError::NotSent("the token holds characters no token has".into()))?;
            value.set_sensitive(true);
            request = request.header(AUTHORIZATION, value);
        }
        let mut response = request.send().await.map_err(|error| {
            let never_left = error.is_connect() || error.is_builder();
            let words = format!("{}: {}", place.host(), http::words(error));
            if never_left { CallError::NotSent(words) } else { CallError::Lost(words) }
        })?;
        let status = response.status();
        let limits = Limits::of(response.headers(), self.now());
        let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok()).map(str::to_owned);
        if response.headers().contains_key(RETRY_AFTER) {
            tracing::debug!(?limits, name = ask.name, "Bluesky asks for patience");
        }
        let body = http::body(&mut response).await.map_err(|error| CallError::Lost(http::words(error)));
        if !status.is_success() {
            // A refusal is one even where its words were lost.
            let body = body.unwrap_or_default();
            return Err(CallError::No(Box::new(problem::decode(status.as_u16(), limits, location.as_deref(), &body))));
        }
        let body = body?;
        if body.trim_ascii().is_empty() {
            return Ok((Value::Null, limits));
        }
        match serde_json::from_slice(&body) {
            Ok(value) => Ok((value, limits)),
            Err(why) => {
                Err(CallError::Lost(format!("{} answered with something that is no JSON: {why}", place.host())))
            }
        }
    }
}
