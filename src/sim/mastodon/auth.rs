//! Apps, the page on which a person lets one in, tokens.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::super::call::{Answer, Body, Call};
use super::super::chance::Chance;
use super::super::state::State;
use super::super::x::web::escaped;

/// Who was let in.
#[derive(Debug, Default)]
pub(super) struct Grants {
    made: u64,
    /// Secrets by client.
    apps: BTreeMap<String, String>,
    /// Codes that were not redeemed yet: client and challenge.
    codes: BTreeMap<String, (String, Option<String>)>,
    tokens: Vec<String>,
}

fn secret(state: &mut State, what: &str) -> String {
    state.mastodon.auth.made += 1;
    let mut chance = Chance::of(state.world.brand.id, what, state.mastodon.auth.made);
    format!("{what}-{:016x}{:016x}", chance.next(), chance.next())
}

fn refused(words: &str) -> Answer {
    Answer::json(401, json!({"error": words}))
}

/// Whether the request carries a token that is good.
pub(super) fn check(state: &State, call: &Call) -> Result<(), Answer> {
    let Some(token) = call.authorization().and_then(|header| header.strip_prefix("Bearer ")) else {
        return Err(refused("The access token is invalid"));
    };
    if state.mastodon.manner.revoked {
        return Err(refused("The access token was revoked"));
    }
    let is_known =
        token == state.x.credentials.access_token || state.mastodon.auth.tokens.iter().any(|known| known == token);
    if is_known { Ok(()) } else { Err(refused("The access token is invalid")) }
}

pub(super) fn metadata(call: &Call) -> Answer {
    let at = |path: &str| format!("{}{path}", call.origin);
    Answer::json(
        200,
        json!({"issuer": at("/"), "authorization_endpoint": at("/oauth/authorize"), "token_endpoint": at("/oauth/token"),
            "code_challenge_methods_supported": ["S256"], "response_types_supported": ["code"]}),
    )
}

pub(super) fn register(state: &mut State, call: &Call) -> Answer {
    if call.field("client_name").is_none_or(|name| name.is_empty()) || call.field("redirect_uris").is_none() {
        return Answer::json(422, json!({"error": "Validation failed: Application name can't be blank"}));
    }
    let (id, key) = (secret(state, "client"), secret(state, "key"));
    state.mastodon.auth.apps.insert(id.clone(), key.clone());
    Answer::json(200, json!({"id": "1", "name": "replydeck", "client_id": id, "client_secret": key}))
}

/// The page and, posted to, its answer: the person agrees, always.
pub(super) fn page(state: &mut State, call: &Call) -> Answer {
    let get = |name: &str| call.field(name).or_else(|| call.param(name).map(str::to_owned)).unwrap_or_default();
    let client = get("client_id");
    if !state.mastodon.auth.apps.contains_key(&client) || get("redirect_uri") != "urn:ietf:wg:oauth:2.0:oob" {
        return html(400, "<p>The client or the redirect is not known.</p>");
    }
    if call.method == "GET" {
        let fields: String = call
            .query
            .iter()
            .flat_map(|(name, value)| {
                [
                    "<input type=\"hidden\" name=\"".into(),
                    escaped(name),
                    "\" value=\"".into(),
                    escaped(value),
                    "\">".into(),
                ]
            })
            .collect();
        let brand = escaped(&state.world.brand.handle);
        return html(200, &format!("<form method=\"post\">{fields}<button>Authorise as @{brand}</button></form>"));
    }
    let challenge = Some(get("code_challenge")).filter(|challenge| !challenge.is_empty());
    let code = secret(state, "code");
    state.mastodon.auth.codes.insert(code.clone(), (client, challenge));
    html(200, &format!("<p>Copy this code into the application:</p><code>{code}</code>"))
}

pub(super) fn token(state: &mut State, call: &Call) -> Answer {
    let get = |name: &str| call.field(name).unwrap_or_default();
    let grant = |error: &str, words: &str| Answer::json(400, json!({"error": error, "error_description": words}));
    if state.mastodon.auth.apps.get(&get("client_id")) != Some(&get("client_secret")) {
        return Answer::json(
            401,
            json!({"error": "invalid_client", "error_description": "Client authentication failed"}),
        );
    }
    let Some((client, challenge)) = state.mastodon.auth.codes.remove(&get("code")) else {
        return grant("invalid_grant", "The provided authorization grant is invalid, expired, or revoked");
    };
    let proof = URL_SAFE_NO_PAD.encode(Sha256::digest(get("code_verifier").as_bytes()));
    if client != get("client_id") || challenge.is_some_and(|challenge| challenge != proof) {
        return grant("invalid_grant", "The code was issued to another client");
    }
    let token = secret(state, "token");
    state.mastodon.auth.tokens.push(token.clone());
    state
        .ledger
        .logged_in(json!({"network": "mastodon", "handle": state.world.brand.handle, "at": call.now.to_string()}));
    Answer::json(
        200,
        json!({"access_token": token, "token_type": "Bearer", "scope": get("scope"), "created_at": call.now.as_second()}),
    )
}

pub(super) fn revoke(state: &mut State, call: &Call) -> Answer {
    let token = call.field("token").unwrap_or_default();
    state.mastodon.auth.tokens.retain(|known| *known != token);
    state.mastodon.lines.end_all();
    Answer::json(200, json!({}))
}

fn html(status: u16, body: &str) -> Answer {
    let page =
        format!("<!doctype html><html><head><title>A simulated server</title></head><body>{body}</body></html>\n");
    Answer { status, headers: Vec::new(), body: Body::Html(page) }
}
