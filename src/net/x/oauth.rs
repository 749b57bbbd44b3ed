//! Signs a request as OAuth 1.0a asks (RFC 5849, HMAC-SHA1).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use sha1::Sha1;

/// Everything but the unreserved characters of RFC 3986.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The four strings of an app and an account.
pub(super) struct Keys<'a> {
    pub(super) consumer_key: &'a str,
    pub(super) consumer_secret: &'a str,
    pub(super) token: &'a str,
    pub(super) token_secret: &'a str,
}

/// The value of the `Authorization` header. `url` is without query; `params` are those of the query (a JSON
/// body is not signed); `timestamp` is in seconds since 1970.
pub(super) fn authorization(
    keys: &Keys<'_>,
    method: &str,
    url: &str,
    params: &[(&str, &str)],
    nonce: &str,
    timestamp: i64,
) -> String {
    with_extra(keys, method, url, params, nonce, timestamp, None)
}

/// The same with one field of the log-in by PIN: `oauth_callback` or `oauth_verifier`. Without a token the app asks
/// for itself.
pub(super) fn with_extra(
    keys: &Keys<'_>,
    method: &str,
    url: &str,
    params: &[(&str, &str)],
    nonce: &str,
    timestamp: i64,
    extra: Option<(&str, &str)>,
) -> String {
    let timestamp = timestamp.to_string();
    let mut oauth = vec![
        ("oauth_consumer_key", keys.consumer_key),
        ("oauth_nonce", nonce),
        ("oauth_signature_method", "HMAC-SHA1"),
        ("oauth_timestamp", timestamp.as_str()),
        ("oauth_version", "1.0"),
    ];
    if !keys.token.is_empty() {
        oauth.push(("oauth_token", keys.token));
    }
    oauth.extend(extra);
    let signature = signature(keys, method, url, oauth.iter().chain(params));
    oauth.push(("oauth_signature", &signature));
    oauth.sort_unstable();
    let fields: Vec<String> = oauth.iter().map(|(name, value)| format!("{name}=\"{}\"", encode(value))).collect();
    format!("OAuth {}", fields.join(", "))
}

fn signature<'p>(
    keys: &Keys<'_>,
    method: &str,
    url: &str,
    params: impl Iterator<Item = &'p (&'p str, &'p str)>,
) -> String {
    let mut pairs: Vec<(String, String)> = params.map(|(name, value)| (encode(name), encode(value))).collect();
    pairs.sort();
    let joined = pairs.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&");
    let base = format!("{}&{}&{}", method.to_ascii_uppercase(), encode(url), encode(&joined));
    let key = format!("{}&{}", encode(keys.consumer_secret), encode(keys.token_secret));
    let mut mac = Hmac::<Sha1>::new_from_slice(key.as_bytes()).expect("HMAC takes keys of any length");
    mac.update(base.as_bytes());
    STANDARD.encode(mac.finalize().into_bytes())
}

fn encode(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

#[cfg(test)]
mod tests {
    use super::{Keys, authorization, encode, signature};

    /// The example of RFC 5849, section 1.2.
    const KEYS: Keys<'_> = Keys {
        consumer_key: "dpf43f3p2l4k3l03",
        consumer_secret: "kd94hf93k423kf44",
        token: "nnch734d00sl2jdk",
        token_secret: "pfkkdhi9sl3r4s00",
    };

    #[test]
    fn the_example_of_the_standard() {
        let params = [
            ("file", "vacation.jpg"),
            ("size", "original"),
            ("oauth_consumer_key", KEYS.consumer_key),
            ("oauth_token", KEYS.token),
            ("oauth_signature_method", "HMAC-SHA1"),
            ("oauth_timestamp", "137131202"),
            ("oauth_nonce", "chapoH"),
        ];
        assert_eq!(
            signature(&KEYS, "get", "http://photos.example.net/photos", params.iter()),
            "MdpQcU8iPSUjWoN/UDMsK2sui9I="
        );
    }

    #[test]
    fn the_header_is_sorted_and_quoted_and_hides_the_secrets() {
        let header = authorization(&KEYS, "POST", "https://api.x.com/2/tweets", &[], "abc", 1_300_000_000);
        assert!(
            header
                .starts_with("OAuth oauth_consumer_key=\"dpf43f3p2l4k3l03\", oauth_nonce=\"abc\", oauth_signature=\"")
        );
        assert!(header.ends_with("oauth_token=\"nnch734d00sl2jdk\", oauth_version=\"1.0\""));
        assert!(!header.contains(KEYS.consumer_secret) && !header.contains(KEYS.token_secret));
        assert_eq!(
            encode("Ladies + Gentlemen, An encoded string!☃-._~"),
            "Ladies%20%2B%20Gentlemen%2C%20An%20encoded%20string%21%E2%98%83-._~"
        );
    }
}
