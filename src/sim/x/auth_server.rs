//! The authorization server: OAuth 2.0 with PKCE as X runs it. Codes live 30 seconds and work once, access tokens two
//! hours, refresh tokens once: one that comes a second time ends the whole grant, access tokens included.
//!
//! Each refresh is a row of the ledger's `refreshes`, so that a test can count what was used twice; tokens have
//! names there (`2.5`: the fifth of the second grant) and are not shown.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::super::chance::Chance;
use super::super::state::State;
use super::{Answer, Call, Endpoint, oauth1};

/// A code that nobody redeemed in this time is worth nothing.
const CODE_LIVES: SignedDuration = SignedDuration::from_secs(30);
/// X's `expires_in`.
const ACCESS_SECONDS: u32 = 7200;

/// What somebody approved, waiting to be redeemed.
#[derive(Clone, Debug)]
pub(super) struct Code {
    pub(super) client: String,
    pub(super) redirect: String,
    pub(super) challenge: String,
    pub(super) is_plain: bool,
    pub(super) scopes: String,
    pub(super) person: u64,
    pub(super) at: Timestamp,
}

/// One person's yes to one client, and every token that came of it.
#[derive(Debug)]
struct Grant {
    client: String,
    person: u64,
    scopes: String,
    is_revoked: bool,
    access: Vec<(String, Timestamp)>,
    /// All there ever were; only the last is good.
    refresh: Vec<String>,
}

/// Somebody who asks with an access token that is good.
pub(super) struct Bearer<'a> {
    pub(super) person: u64,
    pub(super) scopes: &'a str,
}

/// Everything the authorization server has given out.
#[derive(Debug)]
pub(in crate::sim) struct Grants {
    seed: u64,
    given: u64,
    access_seconds: u32,
    codes: BTreeMap<String, Code>,
    approved: Vec<Grant>,
    pub(super) pins: oauth1::Pins,
}

impl Grants {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            seed,
            given: 0,
            access_seconds: ACCESS_SECONDS,
            codes: BTreeMap::new(),
            approved: Vec::new(),
            pins: oauth1::Pins::default(),
        }
    }

    /// From now on access tokens live so long; those that are out keep their time.
    pub(in crate::sim) fn set_access_seconds(&mut self, seconds: u32) {
        self.access_seconds = seconds;
    }

    /// Every grant is taken back, as when the person removes the app on X's page; says how many there were.
    pub(in crate::sim) fn revoke_all(&mut self) -> usize {
        let live = self.approved.iter_mut().filter(|grant| !grant.is_revoked);
        live.map(|grant| grant.is_revoked = true).count()
    }

    /// Something nobody has seen before.
    pub(super) fn fresh(&mut self, letters: usize) -> String {
        const ALPHABET: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
        self.given += 1;
        let mut chance = Chance::of(self.seed, "grants", self.given);
        (0..letters).map(|_| char::from(ALPHABET[usize::try_from(chance.below(62)).unwrap_or(0)])).collect()
    }

    pub(super) fn give_code(&mut self, code: Code) -> String {
        let name = self.fresh(90);
        self.codes.insert(name.clone(), code);
        name
    }

    /// Who asks with this access token at `now`.
    pub(super) fn bearer(&self, token: &str, now: Timestamp) -> Option<Bearer<'_>> {
        self.approved.iter().filter(|grant| !grant.is_revoked).find_map(|grant| {
            let is_good = grant.access.iter().any(|(access, until)| access == token && now < *until);
            is_good.then(|| Bearer { person: grant.person, scopes: &grant.scopes })
        })
    }

    /// New tokens for the grant, as X answers them.
    fn issue(&mut self, at: usize, now: Timestamp) -> Value {
        let (access, refresh) = (self.fresh(91), self.fresh(91));
        let seconds = self.access_seconds;
        let until = now.saturating_add(SignedDuration::from_secs(i64::from(seconds))).unwrap_or(Timestamp::MAX);
        let grant = &mut self.approved[at];
        grant.access.retain(|(_, until)| now < *until);
        grant.access.push((access.clone(), until));
        let mut answer = json!({
            "token_type": "bearer", "expires_in": seconds, "access_token": access, "scope": grant.scopes,
        });
        if grant.scopes.split(' ').any(|scope| scope == "offline.access") {
            grant.refresh.push(refresh.clone());
            answer["refresh_token"] = json!(refresh);
        }
        answer
    }
}

fn refuse(status: u16, error: &str, description: &str) -> Answer {
    Answer::json(status, json!({"error": error, "error_description": description}))
}

const BAD_TOKEN: &str = "Value passed for the token was invalid.";
const BAD_CODE: &str = "Value passed for the authorization code was invalid.";

/// Answers the endpoints that give tokens out and take them back.
pub(super) fn answer(state: &mut State, endpoint: Endpoint, call: &Call) -> Answer {
    match endpoint {
        Endpoint::TokenRevoke => revoke(state, call),
        Endpoint::PinRequest => oauth1::request_token(state, call),
        Endpoint::PinRedeem => oauth1::access_token(state, call),
        _ => token(state, call).unwrap_or_else(|refusal| refusal),
    }
}

/// The client that asks: a confidential one proves it by its secret, a public one only says so.
fn client(state: &State, call: &Call) -> Result<String, Answer> {
    let known = &state.x.credentials;
    let no_header = || refuse(401, "unauthorized_client", "Missing valid authorization header");
    if let Some(header) = call.authorization() {
        let proved = header
            .strip_prefix("Basic ")
            .and_then(|encoded| STANDARD.decode(encoded.trim()).ok())
            .and_then(|pair| String::from_utf8(pair).ok());
        return match proved.as_deref().and_then(|pair| pair.split_once(':')) {
            Some((id, secret)) if id == known.client_id && secret == known.client_secret => Ok(id.to_owned()),
            _ => Err(no_header()),
        };
    }
    match call.field("client_id") {
        Some(id) if id == known.public_client_id => Ok(id),
        Some(id) if id == known.client_id => Err(no_header()),
        _ => Err(refuse(400, "invalid_request", "Value passed for the client id was invalid.")),
    }
}

fn token(state: &mut State, call: &Call) -> Result<Answer, Answer> {
    let client = client(state, call)?;
    match call.field("grant_type").as_deref() {
        Some("authorization_code") => redeem(state, &client, call),
        Some("refresh_token") => refresh(state, &client, call),
        _ => Err(refuse(400, "unsupported_grant_type", "Value passed for the grant type was invalid.")),
    }
}

fn redeem(state: &mut State, client: &str, call: &Call) -> Result<Answer, Answer> {
    let grants = &mut state.x.grants;
    // Whatever comes of it, the code has been used.
    let code = call.field("code").and_then(|code| grants.codes.remove(&code));
    let is_good = |code: &Code| code.client == client && call.now.duration_since(code.at) < CODE_LIVES;
    let Some(code) = code.filter(is_good) else {
        return Err(refuse(400, "invalid_request", BAD_CODE));
    };
    if call.field("redirect_uri").as_deref() != Some(&code.redirect) {
        return Err(refuse(
            400,
            "invalid_request",
            "Value passed for the redirect uri did not match the uri of the authorization code.",
        ));
    }
    let verifier = call.field("code_verifier").unwrap_or_default();
    let challenge = if code.is_plain { verifier } else { URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes())) };
    if challenge != code.challenge {
        return Err(refuse(
            400,
            "invalid_request",
            "Value passed for the code verifier did not match the code challenge.",
        ));
    }
    let Code { scopes, person, .. } = code;
    grants.approved.push(Grant {
        client: client.to_owned(),
        person,
        scopes: scopes.clone(),
        is_revoked: false,
        access: Vec::new(),
        refresh: Vec::new(),
    });
    let number = grants.approved.len();
    let answer = grants.issue(number - 1, call.now);
    state.ledger.logged_in(json!({
        "how": "oauth2", "grant": number, "person": person.to_string(), "scopes": scopes, "at": call.now.to_string(),
    }));
    Ok(Answer::json(200, answer))
}

fn refresh(state: &mut State, client: &str, call: &Call) -> Result<Answer, Answer> {
    let given = call.field("refresh_token").unwrap_or_default();
    let grants = &mut state.x.grants;
    let found = grants.approved.iter().enumerate().find_map(|(at, grant)| {
        let place = grant.refresh.iter().position(|token| *token == given)?;
        (grant.client == client).then_some((at, place))
    });
    let mut tell = |token: String, outcome: &str| {
        state.ledger.refreshed(json!({"token": token, "outcome": outcome, "at": call.now.to_string()}));
    };
    let Some((at, place)) = found else {
        tell("unknown".to_owned(), "refused");
        return Err(refuse(400, "invalid_request", BAD_TOKEN));
    };
    let name = format!("{}.{}", at + 1, place + 1);
    let grant = &mut grants.approved[at];
    if place + 1 < grant.refresh.len() {
        grant.is_revoked = true;
        tell(name, "used twice");
        return Err(refuse(400, "invalid_request", BAD_TOKEN));
    }
    if grant.is_revoked {
        tell(name, "revoked");
        return Err(refuse(400, "invalid_request", BAD_TOKEN));
    }
    tell(name, "renewed");
    Ok(Answer::json(200, grants.issue(at, call.now)))
}

fn revoke(state: &mut State, call: &Call) -> Answer {
    let client = match client(state, call) {
        Ok(client) => client,
        Err(refusal) => return refusal,
    };
    let token = call.field("token").unwrap_or_default();
    for grant in state.x.grants.approved.iter_mut().filter(|grant| grant.client == client) {
        let is_its = grant.refresh.contains(&token) || grant.access.iter().any(|(access, _)| *access == token);
        grant.is_revoked |= is_its;
    }
    Answer::json(200, json!({"revoked": true}))
}
