//! Questions to X's API: who asks, how long we wait, and what kind of failure came back.

use std::fmt;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use reqwest::header::{ACCEPT_ENCODING, HeaderValue};
use reqwest::{Client, Method, Response};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use tokio::sync::watch;
use tokio::time::timeout;

use super::asking::{Question, failed, is_page, refusal};
use super::decode::{id_of, text_of};
use super::identity::Whose;
use super::pace::Pace;
use super::problem::{self, Problem};
use super::{UserCredentials, XSettings};
use crate::model::spend::{Act, Budget, billed_day};
use crate::model::{Account, Author, AuthorId, ColumnName, IdSource, NetworkKind, clean};
use crate::net::backoff::{Backoff, Failure};
use crate::net::call;
use crate::net::http::{self, NetSetupError};
use crate::net::notes::Notes;
use crate::net::{Clock, Meter};

/// The longest window of limits X has.
const LONGEST_LIMIT: SignedDuration = SignedDuration::from_hours(24);

/// Why a question got no answer.
pub(super) type CallError = call::CallError<Problem>;

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
    login: Mutex<Arc<Login>>,
    /// How often the login was changed since the start.
    logins: watch::Sender<u64>,
    pub(super) clock: Clock,
    pub(super) pace: Pace,
    pub(super) deck: String,
    pub(super) watch_own: bool,
    messages: bool,
    pub(super) activity: bool,
    account: Mutex<Account>,
    ids: Mutex<IdSource>,
    writing: Mutex<Writing>,
    /// Direct messages have limits of their own.
    messaging: Mutex<Writing>,
    notes: Notes,
    /// Nothing may be searched before.
    no_search_before: Mutex<Option<Timestamp>>,
    /// What X's clock shows more than ours, where a signature was refused for it.
    clock_off: Mutex<SignedDuration>,
    pub(super) budget: Option<Budget>,
    pub(super) meter: OnceLock<Arc<dyn Meter>>,
    /// Whether X is asked whose token it is before anything is sent.
    pub(super) asks_whose_token: bool,
    /// The count of `logins` for which X said that the token is ours.
    pub(super) token_is_ours: tokio::sync::Mutex<Option<u64>>,
}

/// What requests are signed with.
pub(super) struct Login {
    pub(super) bearer: HeaderValue,
    pub(super) user: Option<UserCredentials>,
}

impl Login {
    fn new(token: &SecretString, user: Option<UserCredentials>) -> Result<Self, NetSetupError> {
        let bearer = bearer(token.expose_secret(), "bearer")?;
        if let Some(UserCredentials::OAuth2 { access_token }) = &user {
            bearer_check(access_token.expose_secret())?;
        }
        Ok(Self { bearer, user })
    }

    /// Says nothing of logins that are kept in a file: they are read for each request.
    fn is_as(&self, other: &Self) -> bool {
        let same = |one: &SecretString, other: &SecretString| one.expose_secret() == other.expose_secret();
        let is_same_user = match (&self.user, &other.user) {
            (None, None) | (Some(UserCredentials::Kept(_)), Some(UserCredentials::Kept(_))) => true,
            (Some(UserCredentials::OAuth2 { access_token }), Some(UserCredentials::OAuth2 { access_token: other })) => {
                same(access_token, other)
            }
            (
                Some(UserCredentials::OAuth1 { consumer_key, consumer_secret, token, token_secret }),
                Some(UserCredentials::OAuth1 {
                    consumer_key: other_key,
                    consumer_secret: other_consumer,
                    token: other_token,
                    token_secret: other_secret,
                }),
            ) => {
                (consumer_key, token) == (other_key, other_token)
                    && same(consumer_secret, other_consumer)
                    && same(token_secret, other_secret)
            }
            _ => false,
        };
        self.bearer == other.bearer && is_same_user
    }
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
        let login = Login::new(&settings.bearer, settings.user)?;
        Ok(Self {
            client,
            base: settings.base_url.as_str().trim_end_matches('/').to_owned(),
            login: Mutex::new(Arc::new(login)),
            logins: watch::Sender::new(0),
            clock,
            pace: *pace,
            deck: settings.deck,
            watch_own: settings.watch_own,
            messages: settings.messages,
            activity: settings.activity,
            account: Mutex::new(settings.account),
            ids: Mutex::new(IdSource::new(random)),
            no_search_before: Mutex::new(None),
            clock_off: Mutex::new(SignedDuration::ZERO),
            budget: None,
            meter: OnceLock::new(),
            asks_whose_token: false,
            token_is_ours: tokio::sync::Mutex::new(None),
            notes: Notes::default(),
            messaging: Mutex::new(Writing { not_before: None, backoff: Backoff::new(pace.steps) }),
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
        self.login().user.is_some()
    }

    pub(super) fn login(&self) -> Arc<Login> {
        Arc::clone(&self.login.lock().expect("nothing panics while holding the login"))
    }

    /// Whether it is another one than before; either way whoever gave up tries again.
    pub(super) fn log_in_again(
        &self,
        bearer: &SecretString,
        user: Option<UserCredentials>,
    ) -> Result<bool, NetSetupError> {
        let fresh = Arc::new(Login::new(bearer, user)?);
        let mut login = self.login.lock().expect("nothing panics while holding the login");
        let old = std::mem::replace(&mut *login, Arc::clone(&fresh));
        drop(login);
        self.logins.send_modify(|count| *count += 1);
        Ok(!old.is_as(&fresh))
    }

    /// Hears each time that the login was changed or confirmed.
    pub(super) fn logins(&self) -> watch::Receiver<u64> {
        self.logins.subscribe()
    }

    /// Told with the link's next report, together with what else waits.
    pub(super) fn leave_note(&self, note: String) {
        self.notes.leave(note);
    }

    /// Waits for a note; dropped while it waits it has taken none. One listener asks.
    pub(super) async fn noted(&self) -> String {
        self.notes.next().await
    }

    /// Whether the account's direct messages are to be read.
    pub(super) fn reads_messages(&self) -> bool {
        self.messages && self.can_write()
    }

    pub(super) fn new_id(&self) -> uuid::Uuid {
        let now = self.now();
        self.ids.lock().expect("nothing panics while making an id").next(now)
    }

    pub(super) async fn get(&self, who: As, path: &str, query: &[(&str, &str)]) -> Result<Value, CallError> {
        let question = Question { method: Method::GET, who, path, query, body: None };
        let (value, _) = self.ask(&question, self.pace.answer_within).await?;
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
        let question = Question { method: Method::POST, who, path, query, body: Some(body) };
        let (value, _) = self.ask(&question, within).await?;
        Ok(value)
    }

    /// Changes something that no reply depends on.
    pub(super) async fn change(&self, method: Method, who: As, path: &str, body: &Value) -> Result<Value, CallError> {
        let question = Question { method, who, path, query: &[], body: Some(body) };
        let (value, _) = self.ask(&question, self.pace.answer_within).await?;
        Ok(value)
    }

    /// Publishes; the limits that come back are remembered for the next time.
    pub(super) async fn publish(&self, path: &str, body: &Value) -> Result<Value, CallError> {
        self.write(path, body, &self.writing).await
    }

    /// The same for a direct message.
    pub(super) async fn send_message(&self, path: &str, body: &Value) -> Result<Value, CallError> {
        self.write(path, body, &self.messaging).await
    }

    async fn write(&self, path: &str, body: &Value, writing: &Mutex<Writing>) -> Result<Value, CallError> {
        let question = Question { method: Method::POST, who: As::User, path, query: &[], body: Some(body) };
        let result = self.ask(&question, self.pace.send_within).await;
        let now = self.now();
        let mut writing = writing.lock().expect("nothing panics while holding the limits");
        match &result {
            Ok((_, rates)) => {
                writing.backoff.succeeded();
                writing.not_before = believed(rates.used_up_until, now);
            }
            Err(CallError::No(problem)) if problem.class == problem::Class::RateLimited => {
                let wait = writing.backoff.after(Failure::Limited { reset_in: reset_in(problem.until, now) });
                writing.not_before = now.checked_add(wait).ok().max(believed(problem.until, now));
            }
            Err(_) => {}
        }
        result.map(|(value, _)| value)
    }

    /// X let us know that no direct message may be sent before then.
    pub(super) fn no_message_before(&self) -> Option<Timestamp> {
        let now = self.now();
        self.messaging.lock().expect("nothing panics while holding the limits").not_before.filter(|until| *until > now)
    }

    /// X let us know that nothing may be published before then.
    pub(super) fn not_before(&self) -> Option<Timestamp> {
        let now = self.now();
        self.writing.lock().expect("nothing panics while holding the limits").not_before.filter(|until| *until > now)
    }

    /// Searches recent posts; the limits that come back are remembered for the next time.
    pub(super) async fn search(&self, query: &[(&str, &str)]) -> Result<Value, CallError> {
        let path = "/2/tweets/search/recent";
        let question = Question { method: Method::GET, who: As::App, path, query, body: None };
        let result = self.ask(&question, self.pace.answer_within).await;
        let until = match &result {
            Ok((_, rates)) => rates.used_up_until,
            Err(CallError::No(problem)) if problem.class == problem::Class::RateLimited => {
                let now = self.now();
                problem.until.or_else(|| now.checked_add(self.pace.steps.limited_first).ok())
            }
            Err(_) => None,
        };
        let until = believed(until, self.now());
        *self.no_search_before.lock().expect("nothing panics while holding the limits") = until;
        result.map(|(value, _)| value)
    }

    pub(super) fn address(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// What signatures count as now: our clock, put right by X's where it is wrong.
    pub(super) fn time_at_x(&self) -> Timestamp {
        let off = *self.clock_off.lock().expect("nothing panics while holding the clock's error");
        let now = self.now();
        now.checked_add(off).unwrap_or(now)
    }

    /// X's clock shows so much more than ours; whether that is news.
    pub(super) fn learn_clock_error(&self, off: SignedDuration) -> bool {
        let mut known = self.clock_off.lock().expect("nothing panics while holding the clock's error");
        std::mem::replace(&mut *known, off) != off
    }

    /// X let us know that nothing may be searched before then.
    pub(super) fn no_search_before(&self) -> Option<Timestamp> {
        let now = self.now();
        self.no_search_before.lock().expect("nothing panics while holding the limits").filter(|until| *until > now)
    }

    /// Opens the endless answer of the stream; its headers must come in time, its end may never.
    pub(super) async fn open(&self, path: &str, query: &[(&str, &str)]) -> Result<Response, CallError> {
        // A compressed stream would hold lines back until a block is full.
        let question = Question { method: Method::GET, who: As::App, path, query, body: None };
        let request = self.request(&question).await?.header(ACCEPT_ENCODING, "identity");
        let within = self.pace.answer_within;
        let mut response = match timeout(within, request.send()).await {
            Ok(sent) => sent.map_err(failed)?,
            Err(_) => return Err(CallError::Lost(format!("no answer within {} s", within.as_secs()))),
        };
        // A proxy's or a portal's page with a 200 is no stream, however long it stays open.
        if response.status().is_success() && !is_page(&response) {
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
        if self.asks_whose_token {
            return match self.whose_token().await {
                // A stranger's name is not taken for ours; who keeps the login tells of it.
                Whose::Ours | Whose::Other(_) => Ok(()),
                Whose::Unknown(why) => Err(CallError::Lost(why)),
            };
        }
        let answer = self.get(As::User, "/2/users/me", &[]).await?;
        if let Some(id) = answer.get("data").and_then(|data| id_of(data.get("id"))) {
            self.charge(Act::UserRead, vec![id.clone()], Vec::new());
            self.take_identity(&id, &clean::line(text_of(&answer["data"], "username")));
        }
        Ok(())
    }

    /// What X said of us.
    pub(super) fn take_identity(&self, id: &str, handle: &str) {
        let mut account = self.account.lock().expect("nothing panics while holding the account");
        account.id = Some(AuthorId::new(NetworkKind::X, id));
        if !handle.is_empty() {
            handle.clone_into(&mut account.handle);
        }
    }

    /// What to tell where a post of ours shows that the account is called otherwise by now; once. What is asked of X
    /// from then on names the new handle.
    pub(super) fn renamed(&self, author: &Author) -> Option<String> {
        let mut account = self.account.lock().expect("nothing panics while holding the account");
        let is_other = account.id.as_ref() == Some(&author.id)
            && !author.handle.is_empty()
            && !author.handle.eq_ignore_ascii_case(&account.handle);
        if !is_other {
            return None;
        }
        let new = author.handle.as_str();
        let old = std::mem::replace(&mut account.handle, new.to_owned());
        Some(format!(
            "@{old} is called @{new} at X now: put the new handle into the config, and into the columns that name @{old}"
        ))
    }
}

/// How long until the window ends, if X said so and it lies ahead. A second more: X's seconds are whole.
pub(super) fn reset_in(until: Option<Timestamp>, now: Timestamp) -> Option<Duration> {
    let left = Duration::try_from(until?.duration_since(now)).ok()?;
    // A clock that is wrong by days must not stop us for days.
    Some(left.min(Duration::from_hours(24)))
}

/// The end of a limit as far as it is believed: X counts in windows of at most a day, and a header that lies must not
/// keep us silent for years.
fn believed(until: Option<Timestamp>, now: Timestamp) -> Option<Timestamp> {
    let most = now.checked_add(LONGEST_LIMIT).unwrap_or(now);
    until.map(|until| until.min(most))
}

pub(super) fn bearer(token: &str, what: &'static str) -> Result<HeaderValue, NetSetupError> {
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
pub(super) fn sensitive(value: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(value).ok()?;
    value.set_sensitive(true);
    Some(value)
}
