//! Logging in with an app password, and the tokens it gives.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::super::call::{Answer, Call};
use super::super::chance::Chance;
use super::super::state::State;
use super::{invalid, refuse, views};

/// The secrets that open this simulator and nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlueskySecrets {
    /// Allows direct messages.
    pub app_password: String,
    /// Does not.
    pub plain_app_password: String,
}

impl BlueskySecrets {
    /// Those of a simulator with this seed.
    pub fn of(seed: u64) -> Self {
        let password = |n: u64| {
            const LETTERS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
            let mut chance = Chance::of(seed, "app password", n);
            let mut four = || {
                (0..4).map(|_| char::from(LETTERS[usize::try_from(chance.below(32)).unwrap_or(0)])).collect::<String>()
            };
            [four(), four(), four(), four()].join("-")
        };
        Self { app_password: password(1), plain_app_password: password(2) }
    }
}

/// What a token is good for.
#[derive(Clone, Debug)]
struct Token {
    ends: Timestamp,
    is_refresh: bool,
    is_privileged: bool,
    /// Both tokens of one login.
    login: u64,
}

#[derive(Debug)]
pub(super) struct Sessions {
    secrets: BlueskySecrets,
    seed: u64,
    tokens: BTreeMap<String, Token>,
    given: u64,
    /// When the password was used.
    logins: Vec<Timestamp>,
    pub(super) access_seconds: i64,
}

impl Sessions {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            secrets: BlueskySecrets::of(seed),
            seed,
            tokens: BTreeMap::new(),
            given: 0,
            logins: Vec::new(),
            access_seconds: 7_200,
        }
    }

    pub(super) fn revoke_all(&mut self) -> usize {
        let logins: std::collections::BTreeSet<u64> = self.tokens.values().map(|token| token.login).collect();
        self.tokens.clear();
        logins.len()
    }

    fn give(&mut self, login: u64, is_refresh: bool, is_privileged: bool, now: Timestamp) -> String {
        self.given += 1;
        let lives = if is_refresh { 90 * 86_400 } else { self.access_seconds };
        let ends = now.checked_add(SignedDuration::from_secs(lives)).unwrap_or(now);
        let scope = match (is_refresh, is_privileged) {
            (true, _) => "com.atproto.refresh",
            (false, true) => "com.atproto.appPassPrivileged",
            (false, false) => "com.atproto.appPass",
        };
        let mut chance = Chance::of(self.seed, "token", self.given);
        let parts = [
            json!({"typ": "at+jwt", "alg": "HS256"}).to_string().into_bytes(),
            json!({"scope": scope, "iat": now.as_second(), "exp": ends.as_second(), "jti": self.given})
                .to_string()
                .into_bytes(),
            [chance.next(), chance.next(), chance.next(), chance.next()].map(u64::to_be_bytes).concat(),
        ];
        let token = parts.map(|part| URL_SAFE_NO_PAD.encode(part)).join(".");
        self.tokens.insert(token.clone(), Token { ends, is_refresh, is_privileged, login });
        token
    }
}

pub(super) fn make(state: &mut State, call: &Call) -> Result<Answer, Answer> {
    let body = call.json().map_err(|why| invalid(&why))?;
    let given = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default();
    let now = call.now;
    let sessions = &mut state.bluesky.sessions;
    sessions.logins.retain(|at| now.duration_since(*at) < SignedDuration::from_hours(24));
    let lately = sessions.logins.iter().filter(|at| now.duration_since(**at) < SignedDuration::from_mins(5)).count();
    if sessions.logins.len() >= 300 || lately >= 30 {
        return Err(super::too_many());
    }
    sessions.logins.push(now);
    let is_privileged = match given("password") {
        password if password == sessions.secrets.app_password => true,
        password if password == sessions.secrets.plain_app_password => false,
        _ => return Err(refuse(401, "AuthenticationRequired", "Invalid identifier or password")),
    };
    let brand = state.world.brand.id;
    let known = [views::did(brand), views::handle_of(state, brand)];
    if !known.iter().any(|name| name.eq_ignore_ascii_case(given("identifier").trim_start_matches('@'))) {
        return Err(refuse(401, "AuthenticationRequired", "Invalid identifier or password"));
    }
    let login = state.bluesky.sessions.given + 1;
    state.ledger.logged_in(json!({"network": "bluesky", "at": now.to_string()}));
    Ok(tokens(state, login, is_privileged, call))
}

fn tokens(state: &mut State, login: u64, is_privileged: bool, call: &Call) -> Answer {
    let (did, handle) = (views::did(state.world.brand.id), views::handle_of(state, state.world.brand.id));
    let sessions = &mut state.bluesky.sessions;
    let access = sessions.give(login, false, is_privileged, call.now);
    let refresh = sessions.give(login, true, is_privileged, call.now);
    let pds = json!({"id": "#atproto_pds", "type": "AtprotoPersonalDataServer", "serviceEndpoint": call.origin});
    let document = json!({"id": did, "alsoKnownAs": [format!("at://{handle}")], "service": [pds]});
    Answer::json(
        200,
        json!({"accessJwt": access, "refreshJwt": refresh, "did": did, "handle": handle, "didDoc": document,
            "active": true}),
    )
}

pub(super) fn renew(state: &mut State, call: &Call) -> Result<Answer, Answer> {
    let (given, token) = token(state, call)?;
    if !token.is_refresh {
        return Err(refuse(400, "InvalidToken", "Invalid token type"));
    }
    // The old one goes on working for two hours.
    if let Some(old) = state.bluesky.sessions.tokens.get_mut(&given) {
        old.ends = old.ends.min(call.now.checked_add(SignedDuration::from_hours(2)).unwrap_or(old.ends));
    }
    state.ledger.refreshed(json!({"network": "bluesky", "at": call.now.to_string()}));
    Ok(tokens(state, token.login, token.is_privileged, call))
}

pub(super) fn read(state: &mut State, call: &Call) -> Result<Answer, Answer> {
    who(state, call)?;
    let brand = state.world.brand.id;
    Ok(Answer::json(200, json!({"did": views::did(brand), "handle": views::handle_of(state, brand), "active": true})))
}

pub(super) fn end(state: &mut State, call: &Call) -> Result<Answer, Answer> {
    let (_, token) = token(state, call)?;
    state.bluesky.sessions.tokens.retain(|_, other| other.login != token.login);
    Ok(Answer::json(200, json!({})))
}

/// Whose access token it is: whether it allows direct messages.
pub(super) fn who(state: &State, call: &Call) -> Result<bool, Answer> {
    let (_, token) = token(state, call)?;
    if token.is_refresh {
        return Err(refuse(400, "InvalidToken", "Token could not be verified"));
    }
    Ok(token.is_privileged)
}

fn token(state: &State, call: &Call) -> Result<(String, Token), Answer> {
    let Some(given) = call.authorization().and_then(|value| value.strip_prefix("Bearer ")) else {
        return Err(refuse(401, "AuthMissing", "Authentication Required"));
    };
    match state.bluesky.sessions.tokens.get(given) {
        Some(token) if token.ends <= call.now => Err(refuse(400, "ExpiredToken", "Token has expired")),
        Some(token) => Ok((given.to_owned(), token.clone())),
        // One that was taken back.
        None if given.split('.').count() == 3 => Err(refuse(400, "ExpiredToken", "Token has been revoked")),
        None => Err(refuse(400, "InvalidToken", "Token could not be verified")),
    }
}
