//! OAuth 1.0a: the signature is really checked (RFC 5849, HMAC-SHA1), and a token is had by PIN.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use jiff::{SignedDuration, Timestamp};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde_json::json;
use sha1::Sha1;

use super::super::state::State;
use super::auth::Credentials;
use super::{Answer, Body, Call};

/// Everything but RFC 3986's unreserved characters.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A request may be this much older or newer than the clock says.
const SKEW: SignedDuration = SignedDuration::from_mins(5);

/// Tokens that were given out by PIN, and those that wait for one.
#[derive(Debug, Default)]
pub(super) struct Pins {
    waiting: BTreeMap<String, Waiting>,
    given: BTreeMap<String, (String, u64)>,
}

#[derive(Debug)]
struct Waiting {
    secret: String,
    approved: Option<(u64, String)>,
}

impl Pins {
    /// Whether the request token may still be approved.
    pub(super) fn is_waiting(&self, token: &str) -> bool {
        self.waiting.get(token).is_some_and(|waiting| waiting.approved.is_none())
    }

    pub(super) fn approve(&mut self, token: &str, person: u64, pin: &str) -> bool {
        let is_waiting = self.is_waiting(token);
        if let (true, Some(waiting)) = (is_waiting, self.waiting.get_mut(token)) {
            waiting.approved = Some((person, pin.to_owned()));
        }
        is_waiting
    }

    pub(super) fn forget(&mut self, token: &str) {
        self.waiting.remove(token);
    }
}

/// What a signed header says, once the signature is right.
struct Signed(Vec<(String, String)>);

impl Signed {
    fn get(&self, name: &str) -> &str {
        find(&self.0, name)
    }
}

fn find<'a>(given: &'a [(String, String)], name: &str) -> &'a str {
    given.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.as_str())
}

/// The person a request comes from, if `header` (what follows `OAuth `) proves it.
/// The time in it must be near one of `clocks`: the real one or the simulated.
pub(super) fn verify(state: &mut State, clocks: [Timestamp; 2], header: &str, call: &Call) -> Option<u64> {
    let credentials = &state.x.credentials;
    let (own, brand) = ((credentials.token.clone(), credentials.token_secret.clone()), state.world.brand.id);
    let given = &state.x.grants.pins.given;
    let secret_of = |token: &str| match given.get(token) {
        _ if token == own.0 => Some(own.1.clone()),
        known => known.map(|(secret, _)| secret.clone()),
    };
    let signed = check(credentials, &mut state.x.nonces, clocks, header, call, secret_of)?;
    let token = signed.get("oauth_token");
    if token == own.0 { Some(brand) } else { given.get(token).map(|(_, person)| *person) }
}

fn check(
    credentials: &Credentials,
    nonces: &mut BTreeSet<String>,
    clocks: [Timestamp; 2],
    header: &str,
    call: &Call,
    secret_of: impl Fn(&str) -> Option<String>,
) -> Option<Signed> {
    let given: Vec<(String, String)> = header
        .split(',')
        .filter_map(|pair| pair.trim().split_once('='))
        .map(|(key, value)| (decode(key.trim()), decode(value.trim().trim_matches('"'))))
        .collect();
    let get = |name: &str| find(&given, name);
    let known = get("oauth_consumer_key") == credentials.consumer_key
        && get("oauth_signature_method") == "HMAC-SHA1"
        && matches!(get("oauth_version"), "" | "1.0");
    let token_secret = secret_of(get("oauth_token"))?;
    let signed_at = get("oauth_timestamp").parse().ok().and_then(|second| Timestamp::from_second(second).ok());
    let in_time = signed_at.is_some_and(|at| clocks.iter().any(|clock| clock.duration_since(at).abs() <= SKEW));
    let nonce = get("oauth_nonce").to_owned();
    if !known || !in_time || nonce.is_empty() {
        return None;
    }
    let mut parameters: Vec<(String, String)> =
        given.iter().filter(|(key, _)| key != "oauth_signature" && key != "realm").cloned().collect();
    parameters.extend(call.query.iter().cloned());
    if call.is_form {
        parameters.extend(url::form_urlencoded::parse(&call.body).into_owned());
    }
    let address = format!("{}{}", call.origin, call.path);
    let signature = sign(&call.method, &address, parameters, &credentials.consumer_secret, &token_secret);
    let is_new = signature == get("oauth_signature") && nonces.insert(format!("{} {nonce}", get("oauth_timestamp")));
    is_new.then_some(Signed(given))
}

fn refused() -> Answer {
    Answer::json(401, json!({"errors": [{"code": 32, "message": "Could not authenticate you."}]}))
}

fn header(call: &Call) -> &str {
    call.authorization().and_then(|header| header.strip_prefix("OAuth ")).unwrap_or_default()
}

fn form(pairs: &[(&str, &str)]) -> Answer {
    let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    Answer { status: 200, headers: Vec::new(), body: Body::Html(body) }
}

/// A token to take to the page where somebody approves.
pub(super) fn request_token(state: &mut State, call: &Call) -> Answer {
    let clocks = [state.clock.real(), call.now];
    let no_token = |token: &str| token.is_empty().then(String::new);
    let signed = check(&state.x.credentials, &mut state.x.nonces, clocks, header(call), call, no_token);
    if signed.is_none_or(|signed| signed.get("oauth_callback") != "oob") {
        return refused();
    }
    let grants = &mut state.x.grants;
    let (token, secret) = (grants.fresh(27), grants.fresh(32));
    grants.pins.waiting.insert(token.clone(), Waiting { secret: secret.clone(), approved: None });
    form(&[("oauth_token", &token), ("oauth_token_secret", &secret), ("oauth_callback_confirmed", "true")])
}

/// The PIN against a token that stays.
pub(super) fn access_token(state: &mut State, call: &Call) -> Answer {
    let clocks = [state.clock.real(), call.now];
    let waiting = &state.x.grants.pins.waiting;
    let secret_of = |token: &str| waiting.get(token).map(|waiting| waiting.secret.clone());
    let Some(signed) = check(&state.x.credentials, &mut state.x.nonces, clocks, header(call), call, secret_of) else {
        return refused();
    };
    let asked = signed.get("oauth_token");
    let person = waiting.get(asked).and_then(|waiting| waiting.approved.clone());
    let Some((person, _)) = person.filter(|(_, pin)| pin == signed.get("oauth_verifier")) else {
        return refused();
    };
    let grants = &mut state.x.grants;
    grants.pins.waiting.remove(asked);
    let (token, secret) = (format!("{person}-{}", grants.fresh(40)), grants.fresh(45));
    grants.pins.given.insert(token.clone(), (secret.clone(), person));
    state.ledger.logged_in(json!({"how": "oauth1", "person": person.to_string(), "at": call.now.to_string()}));
    let handle = state.world.people.get(&person).map(|person| person.handle.clone()).unwrap_or_default();
    form(&[
        ("oauth_token", &token),
        ("oauth_token_secret", &secret),
        ("user_id", &person.to_string()),
        ("screen_name", &handle),
    ])
}

/// The signature of a request: base64 of HMAC-SHA1 over method, address and sorted parameters.
fn sign(
    method: &str,
    address: &str,
    parameters: Vec<(String, String)>,
    consumer_secret: &str,
    token_secret: &str,
) -> String {
    let mut encoded: Vec<(String, String)> =
        parameters.into_iter().map(|(key, value)| (encode(&key), encode(&value))).collect();
    encoded.sort();
    let joined: Vec<String> = encoded.into_iter().map(|(key, value)| format!("{key}={value}")).collect();
    let base = format!("{}&{}&{}", method.to_uppercase(), encode(address), encode(&joined.join("&")));
    let key = format!("{}&{}", encode(consumer_secret), encode(token_secret));
    let mut mac = Hmac::<Sha1>::new_from_slice(key.as_bytes()).expect("HMAC takes keys of any length");
    mac.update(base.as_bytes());
    STANDARD.encode(mac.finalize().into_bytes())
}

fn encode(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

fn decode(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::sign;

    #[test]
    fn the_example_of_the_standard_documentation_signs_as_printed() {
        // The worked example of X's page "Creating a signature".
        let parameters = [
            ("include_entities", "true"),
            ("status", "Hello Ladies + Gentlemen, a signed OAuth request!"),
            ("oauth_consumer_key", "xvz1evFS4wEEPTGEFPHBog"),
            ("oauth_nonce", "kYjzVBB8Y0ZFabxSWbWovY3uYSQ2pTgmZeNu2VS4cg"),
            ("oauth_signature_method", "HMAC-SHA1"),
            ("oauth_timestamp", "1318622958"),
            ("oauth_token", "370773112-GmHxMAgYyLbNEtIKZeRNFsMKPR9EyMZeS9weJAEb"),
            ("oauth_version", "1.0"),
        ];
        let parameters = parameters.map(|(key, value)| (key.to_owned(), value.to_owned())).to_vec();
        let signature = sign(
            "post",
            "https://api.x.com/1.1/statuses/update.json",
            parameters,
            "kAcSOqF21Fu85e7zjz7ZN2U4ZRhfV3WpwPAoE3Z7kBw",
            "LswwdoUaIvS8ltyTt5jkRh4J50vUPVVHtR2YPi5kE",
        );
        assert_eq!(signature, "Ls93hJiZbQ3akF3HF3x1Bz8/zU4=");
    }
}
