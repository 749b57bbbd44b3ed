//! The account's login: made once with the app password, kept on disk, renewed when it has ended.
//!
//! Logging in is allowed 300 times a day, so it is never done for a single question. Several processes share the file:
//! whoever changes it holds the lock file, and reads it again first, for another may have renewed the login a moment ago.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::time::sleep;
use url::{Host, Url};

use super::problem::Class;
use super::record::{bounded, did_of, text_of};
use super::xrpc::{Api, Ask, CallError};
use crate::model::{Account, LoginReport, LoginState};
use crate::net::kept::{self, KeptError};

/// The only version there is.
const VERSION: u8 = 1;
/// Whoever holds the lock asks the network one or two questions.
const LOCK_WITHIN: Duration = Duration::from_mins(1);
const LOCK_LOOK: Duration = Duration::from_millis(25);
/// So many log-ins a day are plenty; Bluesky allows 300, and 30 in five minutes.
const LOGINS_A_DAY: usize = 50;
/// Renewed this long before its end, so that no reply waits for it.
const AHEAD: SignedDuration = SignedDuration::from_mins(10);

/// Who we are at Bluesky, and the tokens that prove it.
#[derive(Clone, Debug)]
pub(super) struct Session {
    pub(super) did: String,
    pub(super) handle: String,
    /// Our own server, where it is another than the one we log in at.
    pub(super) pds: Option<Url>,
    pub(super) access: SecretString,
    refresh: SecretString,
}

/// The file.
#[derive(Serialize, Deserialize)]
struct Kept {
    version: u8,
    /// Where and as whom the login was made; that of another account in the config is not taken.
    service: String,
    identifier: String,
    did: String,
    handle: String,
    pds: Option<String>,
    access: String,
    refresh: String,
    /// When the password was used, of the last day.
    logins: Vec<Timestamp>,
}

/// Keeps the login in the data folder.
pub(super) struct Keeper {
    path: PathBuf,
    service: Url,
    identifier: String,
    password: Mutex<Option<SecretString>>,
    /// The password was changed: what the file holds is not good enough.
    is_anew: Mutex<bool>,
}

/// The lock; it is given back when it is dropped, or its process ends.
struct Lock(#[expect(dead_code, reason = "held, not read")] File);

impl Keeper {
    pub(super) fn new(data_dir: &Path, account: &Account, service: &Url, password: Option<SecretString>) -> Self {
        let name: String =
            account.name.as_str().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
        // The id stays when the account is renamed.
        let identifier = account.id.as_ref().map_or(account.handle.as_str(), |id| id.native()).to_owned();
        Self {
            path: data_dir.join(format!("bluesky-login-{name}.json")),
            service: service.clone(),
            identifier,
            password: Mutex::new(password),
            is_anew: Mutex::new(false),
        }
    }

    pub(super) fn has_password(&self) -> bool {
        self.password.lock().expect("nothing panics while holding the password").is_some()
    }

    /// Takes another password from now on. Whether it is one.
    pub(super) fn change(&self, fresh: Option<SecretString>) -> bool {
        let mut password = self.password.lock().expect("nothing panics while holding the password");
        let same = match (&*password, &fresh) {
            (Some(old), Some(fresh)) => old.expose_secret() == fresh.expose_secret(),
            (None, None) => true,
            _ => false,
        };
        *password = fresh;
        if !same {
            *self.is_anew.lock().expect("nothing panics while holding the flag") = true;
        }
        !same
    }

    /// The login of the file, where it is ours and whole.
    pub(super) fn kept(&self) -> Option<Session> {
        self.read().map(|kept| Session {
            did: kept.did,
            handle: kept.handle,
            pds: kept.pds.and_then(|pds| pds.parse().ok()),
            access: kept.access.into(),
            refresh: kept.refresh.into(),
        })
    }

    fn read(&self) -> Option<Kept> {
        let bytes = match kept::read(&self.path) {
            Ok(bytes) => bytes?,
            Err(error) => {
                tracing::warn!(%error, "the kept login is not used; it is made anew");
                return None;
            }
        };
        let kept: Kept = serde_json::from_slice(&bytes).ok()?;
        let is_ours =
            kept.version == VERSION && kept.service == self.service.as_str() && kept.identifier == self.identifier;
        is_ours.then_some(kept)
    }

    /// Replaced as a whole, so that whoever reads it finds the old login or the new one.
    fn write(&self, session: &Session, logins: Vec<Timestamp>) -> Result<(), KeptError> {
        let kept = Kept {
            version: VERSION,
            service: self.service.to_string(),
            identifier: self.identifier.clone(),
            did: session.did.clone(),
            handle: session.handle.clone(),
            pds: session.pds.as_ref().map(Url::to_string),
            access: session.access.expose_secret().to_owned(),
            refresh: session.refresh.expose_secret().to_owned(),
            logins,
        };
        let bytes = serde_json::to_vec(&kept).expect("a login is plain JSON");
        kept::write(&self.path, &bytes, true)
    }

    /// Waits for the right to change the file.
    async fn lock(&self) -> Result<Lock, String> {
        let path = self.path.with_extension("lock");
        if let Some(folder) = self.path.parent() {
            use std::os::unix::fs::DirBuilderExt as _;
            // The first login may come before anything else was kept.
            let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
            made.map_err(|error| format!("{} cannot be made: {error}", folder.display()))?;
        }
        let file =
            kept::private(&path, false).map_err(|error| format!("{} cannot be opened: {error}", path.display()))?;
        let looks = LOCK_WITHIN.as_millis() / LOCK_LOOK.as_millis();
        for _ in 0..looks {
            match file.try_lock() {
                Ok(()) => return Ok(Lock(file)),
                Err(TryLockError::WouldBlock) => sleep(LOCK_LOOK).await,
                Err(TryLockError::Error(error)) => return Err(format!("{} cannot be locked: {error}", path.display())),
            }
        }
        Err(format!("another replydeck holds {} for more than {} s", path.display(), LOCK_WITHIN.as_secs()))
    }
}

impl Api {
    /// The login at hand, or a new one.
    pub(super) async fn session(&self) -> Result<Session, CallError> {
        let is_anew = *self.keeper.is_anew.lock().expect("nothing panics while holding the flag");
        if let (false, Some(session)) = (is_anew, self.keeper.kept()) {
            self.keep_in_mind(&session);
            return Ok(session);
        }
        let _lock = self.keeper.lock().await.map_err(CallError::NotSent)?;
        if let (false, Some(session)) = (is_anew, self.keeper.kept()) {
            self.keep_in_mind(&session);
            return Ok(session);
        }
        self.log_in().await
    }

    /// Logs in with the password, whatever login is at hand: so it is known whether the password is right.
    pub(super) async fn try_password(&self) -> Result<Session, CallError> {
        let _lock = self.keeper.lock().await.map_err(CallError::NotSent)?;
        self.log_in().await
    }

    /// The login that follows one which has ended.
    pub(super) async fn renewed(&self, ended: &Session) -> Result<Session, CallError> {
        let _lock = self.keeper.lock().await.map_err(CallError::NotSent)?;
        let current = self.keeper.kept();
        if let Some(session) =
            current.as_ref().filter(|kept| kept.access.expose_secret() != ended.access.expose_secret())
        {
            self.keep_in_mind(session);
            return Ok(session.clone());
        }
        let ended = current.unwrap_or_else(|| ended.clone());
        let nothing = Value::Null;
        let ask = Ask::post("com.atproto.server.refreshSession", &nothing, self.pace.answer_within);
        match self.at_service(Some(&ended.refresh), &ask).await {
            Ok(answer) => self.take(&answer, None),
            // Revoked, or older than its 90 days.
            Err(CallError::No(problem)) if matches!(problem.class, Class::Expired | Class::LoggedOut) => {
                self.log_in().await
            }
            Err(error) => Err(self.out(error)),
        }
    }

    /// Uses the password; the lock must be held.
    async fn log_in(&self) -> Result<Session, CallError> {
        let password = self.keeper.password.lock().expect("nothing panics while holding the password").clone();
        let Some(password) = password else {
            return Err(CallError::NotSent("there is no app password in the config".into()));
        };
        let now = self.now();
        let mut logins = self.keeper.read().map(|kept| kept.logins).unwrap_or_default();
        logins.retain(|at| now.duration_since(*at) < SignedDuration::from_hours(24));
        if logins.len() >= LOGINS_A_DAY {
            let why =
                format!("the app password was used {LOGINS_A_DAY} times in a day; Bluesky would lock it out soon");
            return Err(self.out(CallError::NotSent(why)));
        }
        logins.push(now);
        let body = json!({"identifier": self.keeper.identifier, "password": password.expose_secret()});
        let ask = Ask::post("com.atproto.server.createSession", &body, self.pace.answer_within);
        match self.at_service(None, &ask).await {
            Ok(answer) => {
                *self.keeper.is_anew.lock().expect("nothing panics while holding the flag") = false;
                self.take(&answer, Some(logins))
            }
            Err(error) => Err(self.out(error)),
        }
    }

    /// Takes over what the server said of a login and keeps it.
    fn take(&self, answer: &Value, logins: Option<Vec<Timestamp>>) -> Result<Session, CallError> {
        let lacks = || CallError::Lost("the server's answer to the log-in lacks the tokens".into());
        let token = |name: &str| {
            let token = text_of(answer, name);
            (!token.is_empty()).then(|| SecretString::from(token.to_owned()))
        };
        let session = Session {
            did: did_of(text_of(answer, "did")).ok_or_else(lacks)?,
            handle: bounded(text_of(answer, "handle")),
            pds: self.pds_of(answer),
            access: token("accessJwt").ok_or_else(lacks)?,
            refresh: token("refreshJwt").ok_or_else(lacks)?,
        };
        let logins = logins.unwrap_or_else(|| self.keeper.read().map(|kept| kept.logins).unwrap_or_default());
        if let Err(error) = self.keeper.write(&session, logins) {
            let why = format!("the login cannot be kept: {error}");
            return Err(self.out(CallError::NotSent(why)));
        }
        self.keep_in_mind(&session);
        Ok(session)
    }

    /// Our own server by the document of our id. One that is not over TLS is not believed, and a server on this
    /// machine stands for itself: its document may name an address that exists nowhere.
    fn pds_of(&self, answer: &Value) -> Option<Url> {
        let is_local = match self.keeper.service.host() {
            Some(Host::Ipv4(ip)) => ip.is_loopback(),
            Some(Host::Ipv6(ip)) => ip.is_loopback(),
            Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
            None => false,
        };
        let services = answer.get("didDoc")?.get("service")?.as_array()?;
        let pds = services.iter().find(|service| text_of(service, "id").ends_with("#atproto_pds"))?;
        let url: Url = text_of(pds, "serviceEndpoint").parse().ok()?;
        (!is_local && url.scheme() == "https" && url.host().is_some()).then_some(url)
    }

    fn keep_in_mind(&self, session: &Session) {
        self.take_identity(&session.did, &session.handle);
        self.tell_login(LoginState::In { until: ends(&session.access) });
    }

    /// What cannot be done without the password is told with the login.
    fn out(&self, error: CallError) -> CallError {
        if matches!(
            error.class(),
            Some(Class::LoggedOut | Class::NeedsCode | Class::TakenDown | Class::Expired | Class::Invalid)
        ) {
            let (why, remedy) = (error.words().to_owned(), error.remedy().to_owned());
            self.tell_login(LoginState::Out { why, remedy });
        }
        error
    }

    fn tell_login(&self, state: LoginState) {
        self.login.send_if_modified(|told| {
            let is_news = told.as_ref() != Some(&state);
            *told = Some(state);
            is_news
        });
    }

    /// Renews the login ahead of its end for ever, and says how it stands.
    pub(super) async fn keep_login(&self, told: tokio::sync::mpsc::Sender<LoginReport>) {
        if !self.can_write() {
            return std::future::pending().await;
        }
        let mut states = self.login.subscribe();
        let keep = async {
            loop {
                match self.session().await {
                    Ok(session) => {
                        let is_due =
                            ends(&session.access).is_some_and(|until| until.duration_since(self.now()) < AHEAD);
                        if is_due && let Err(error) = self.renewed(&session).await {
                            tracing::warn!(why = error.words(), "the login could not be renewed ahead of its end");
                        }
                    }
                    Err(error) => tracing::warn!(why = error.words(), "nobody is logged in"),
                }
                // A password that Bluesky refuses is not tried again and again.
                let is_out = matches!(*self.login.borrow(), Some(LoginState::Out { .. }));
                sleep(if is_out { self.pace.down_retry } else { self.pace.login_every }).await;
            }
        };
        let tell = async {
            let account = self.account().name;
            loop {
                let state = states.borrow_and_update().clone();
                if let Some(state) = state
                    && told.send(LoginReport { account: account.clone(), state }).await.is_err()
                {
                    return;
                }
                if states.changed().await.is_err() {
                    return;
                }
            }
        };
        tokio::select! {
            () = keep => {}
            () = tell => {}
        }
    }
}

/// When an access token ends, as it says itself.
fn ends(token: &SecretString) -> Option<Timestamp> {
    let claims = token.expose_secret().split('.').nth(1)?;
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).ok()?).ok()?;
    Timestamp::from_second(claims.get("exp")?.as_i64()?).ok()
}
