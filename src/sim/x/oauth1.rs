//! OAuth 1.0a: the signature is really checked (RFC 5849, HMAC-SHA1).

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use jiff::{SignedDuration, Timestamp};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use sha1::Sha1;

use super::Call;
use super::auth::Credentials;

/// Everything but RFC 3986's unreserved characters.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A request may be this much older or newer than the clock says.
const SKEW: SignedDuration = SignedDuration::from_mins(5);

/// Whether `header` (what follows `OAuth `) proves that the request comes from the brand's user.
/// The time in it must be near one of `clocks`: the real one or the simulated.
pub(super) fn verify(
    credentials: &Credentials,
    nonces: &mut BTreeSet<String>,
    clocks: [Timestamp; 2],
    header: &str,
    call: &Call,
) -> bool {
    let given: Vec<(String, String)> = header
        .split(',')
        .filter_map(|pair| pair.trim().split_once('='))
        .map(|(key, value)| (decode(key.trim()), decode(value.trim().trim_matches('"'))))
        .collect();
    let get = |name: &str| given.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.as_str());
    let known = get("oauth_consumer_key") == credentials.consumer_key
        && get("oauth_token") == credentials.token
        && get("oauth_signature_method") == "HMAC-SHA1"
        && matches!(get("oauth_version"), "" | "1.0");
    let signed_at = get("oauth_timestamp").parse().ok().and_then(|second| Timestamp::from_second(second).ok());
    let in_time = signed_at.is_some_and(|at| clocks.iter().any(|clock| clock.duration_since(at).abs() <= SKEW));
    let nonce = get("oauth_nonce").to_owned();
    if !known || !in_time || nonce.is_empty() {
        return false;
    }
    let mut parameters: Vec<(String, String)> =
        given.iter().filter(|(key, _)| key != "oauth_signature" && key != "realm").cloned().collect();
    parameters.extend(call.query.iter().cloned());
    if call.is_form {
        parameters.extend(url::form_urlencoded::parse(&call.body).into_owned());
    }
    let signature = sign(&call.method, &format!("{}{}", call.origin, call.path), parameters, credentials);
    signature == get("oauth_signature") && nonces.insert(format!("{} {nonce}", get("oauth_timestamp")))
}

/// The signature of a request: base64 of HMAC-SHA1 over method, address and sorted parameters.
fn sign(method: &str, address: &str, parameters: Vec<(String, String)>, credentials: &Credentials) -> String {
    let mut encoded: Vec<(String, String)> =
        parameters.into_iter().map(|(key, value)| (encode(&key), encode(&value))).collect();
    encoded.sort();
    let joined: Vec<String> = encoded.into_iter().map(|(key, value)| format!("{key}={value}")).collect();
    let base = format!("{}&{}&{}", method.to_uppercase(), encode(address), encode(&joined.join("&")));
    let key = format!("{}&{}", encode(&credentials.consumer_secret), encode(&credentials.token_secret));
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
    use super::{Credentials, sign};

    #[test]
    fn the_example_of_the_standard_documentation_signs_as_printed() {
        // The worked example of X's page "Creating a signature".
        let credentials = Credentials {
            bearer: String::new(),
            access_token: String::new(),
            consumer_key: "xvz1evFS4wEEPTGEFPHBog".to_owned(),
            consumer_secret: "kAcSOqF21Fu85e7zjz7ZN2U4ZRhfV3WpwPAoE3Z7kBw".to_owned(),
            token: "370773112-GmHxMAgYyLbNEtIKZeRNFsMKPR9EyMZeS9weJAEb".to_owned(),
            token_secret: "LswwdoUaIvS8ltyTt5jkRh4J50vUPVVHtR2YPi5kE".to_owned(),
        };
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
        let signature = sign("post", "https://api.x.com/1.1/statuses/update.json", parameters, &credentials);
        assert_eq!(signature, "Ls93hJiZbQ3akF3HF3x1Bz8/zU4=");
    }
}
