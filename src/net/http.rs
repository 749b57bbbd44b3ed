//! The one HTTP client of an account: TLS for everything but loopback, no redirects, bounded answers.

use std::net::IpAddr;
use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::HeaderMap;
use reqwest::{Client, Response, redirect};
use url::{Host, Url};

/// An answer longer than this is not read to the end.
pub(crate) const LONGEST_ANSWER: usize = 4 * 1024 * 1024;

/// Why an account cannot be set up at all.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NetSetupError {
    #[error(
        "{url} is plain http: anybody on the way could read the tokens. Use https; plain http is taken only for this machine itself (127.0.0.1)"
    )]
    PlainHttp { url: String },
    #[error("base_url {url} cannot be used: {why}. X itself is https://api.x.com")]
    BadUrl { url: String, why: String },
    #[error("the {what} holds characters no token has; copy it again from X's developer console, without line breaks")]
    BadSecret { what: &'static str },
    #[error(
        "the HTTP client cannot be made: {why}. Mostly the system's certificates are missing or a proxy variable is wrong"
    )]
    Client { why: String },
}

/// Checks the address and makes the client for it. A proxy of the system is used, but never for loopback.
pub(crate) fn client(base: &Url, connect_within: Duration) -> Result<Client, NetSetupError> {
    let shown = shown(base);
    let is_local = match base.host() {
        None => return Err(NetSetupError::BadUrl { url: shown, why: "it names no host".into() }),
        Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        Some(Host::Ipv4(ip)) => IpAddr::V4(ip).is_loopback(),
        Some(Host::Ipv6(ip)) => IpAddr::V6(ip).is_loopback(),
    };
    match base.scheme() {
        "https" => {}
        "http" if is_local => {}
        "http" => return Err(NetSetupError::PlainHttp { url: shown }),
        other => return Err(NetSetupError::BadUrl { url: shown, why: format!("it begins with {other}:") }),
    }
    if !base.username().is_empty() || base.password().is_some() {
        return Err(NetSetupError::BadUrl { url: shown, why: "it holds a user name or password".into() });
    }
    if base.query().is_some() || base.fragment().is_some() {
        return Err(NetSetupError::BadUrl { url: shown, why: "nothing may follow the path".into() });
    }
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // Another thread may have been first; either way one is there, and the client needs one.
        drop(rustls::crypto::ring::default_provider().install_default());
    }
    let builder = Client::builder()
        .user_agent(concat!("replydeck/", env!("CARGO_PKG_VERSION")))
        .redirect(redirect::Policy::none())
        // One line per request. Over HTTP/2 a stream given up as dead would be opened again on the same dead
        // line, and a line kept idle through a suspend would leave the outcome of a reply unknown.
        .http1_only()
        .pool_max_idle_per_host(0)
        .connect_timeout(connect_within)
        .tcp_keepalive(Duration::from_secs(30));
    // Tests of this crate know no names, so that none of them ever asks for one.
    #[cfg(test)]
    let builder = builder.dns_resolver(std::sync::Arc::new(tests::Nobody));
    let builder = if is_local { builder.no_proxy() } else { builder.https_only(true) };
    builder.build().map_err(|error| NetSetupError::Client { why: words(error) })
}

/// An address without what may be secret in it.
fn shown(url: &Url) -> String {
    format!("{}://{}{}", url.scheme(), url.host_str().unwrap_or_default(), url.path())
}

/// The innermost reason of a failed request, without its address.
pub(crate) fn words(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut words = error.to_string();
    let mut is_name = false;
    let mut is_tls = false;
    let mut source = std::error::Error::source(&error);
    while let Some(inner) = source {
        words = inner.to_string();
        is_name |= words.starts_with("dns error");
        is_tls |= ["invalid peer certificate", "received fatal alert", "received corrupt message"]
            .iter()
            .any(|start| words.starts_with(start));
        source = inner.source();
    }
    if is_name {
        words = format!("its name could not be looked up: is this machine's network or DNS down? ({words})");
    }
    if is_tls {
        words = match words.split_once("peer certificate") {
            Some(_) => format!(
                "its certificate is not trusted: does something else answer in its place, or is this machine's clock wrong? ({words})"
            ),
            None => format!("no encrypted line comes about: it refuses TLS, or is something else ({words})"),
        };
    }
    crate::model::clean::line(&words)
}

/// What the answer's headers say of limits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct RateHeaders {
    pub(crate) remaining: Option<u64>,
    pub(crate) reset: Option<Timestamp>,
    /// Some window is used up until then.
    pub(crate) used_up_until: Option<Timestamp>,
}

impl RateHeaders {
    /// X sends a window of 15 minutes and, on writes, windows of a day for the app and the user; Bluesky's window has no
    /// `x-`.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let number = |name: String| headers.get(name)?.to_str().ok()?.trim().parse::<i64>().ok();
        let mut rates = RateHeaders::default();
        for window in ["x-rate-limit", "x-app-limit-24hour", "x-user-limit-24hour", "ratelimit"] {
            let remaining = number(format!("{window}-remaining"));
            let reset = number(format!("{window}-reset")).and_then(|secs| Timestamp::from_second(secs).ok());
            if window == "x-rate-limit" {
                rates.remaining = remaining.and_then(|left| u64::try_from(left).ok());
                rates.reset = reset;
            }
            if remaining.is_some_and(|left| left <= 0) {
                rates.used_up_until = rates.used_up_until.max(reset);
            }
        }
        rates
    }
}

/// Reads an answer to its end, at most [`LONGEST_ANSWER`] bytes of it; the rest is dropped.
pub(crate) async fn body(response: &mut Response) -> Result<Vec<u8>, reqwest::Error> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        let room = LONGEST_ANSWER - body.len();
        body.extend_from_slice(&chunk[..chunk.len().min(room)]);
        if chunk.len() >= room {
            break;
        }
    }
    Ok(body)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use reqwest::header::HeaderMap;

    use super::{NetSetupError, RateHeaders, client};

    fn made(url: &str) -> Result<(), NetSetupError> {
        client(&url.parse().unwrap(), Duration::from_secs(1)).map(|_| ())
    }

    #[test]
    fn plain_http_is_for_loopback_alone() {
        for good in ["https://api.x.com", "http://127.0.0.1:8080", "http://[::1]:80/x", "http://localhost:1"] {
            assert_eq!(made(good), Ok(()), "{good}");
        }
        for plain in ["http://api.x.com", "http://192.168.0.7:80", "http://127.0.0.1.example.com"] {
            assert!(matches!(made(plain), Err(NetSetupError::PlainHttp { .. })), "{plain}");
        }
        for bad in ["ftp://api.x.com", "https://me:secret@api.x.com", "file:///etc", "https://api.x.com/?a=b"] {
            let Err(error) = made(bad) else { panic!("{bad} was taken") };
            assert!(matches!(error, NetSetupError::BadUrl { .. }), "{bad}");
            assert!(!error.to_string().contains("secret"), "{error}");
        }
    }

    /// Knows no name.
    pub(super) struct Nobody;

    impl reqwest::dns::Resolve for Nobody {
        fn resolve(&self, _: reqwest::dns::Name) -> reqwest::dns::Resolving {
            Box::pin(async { Err("Name or service not known".into()) })
        }
    }

    #[tokio::test]
    async fn a_name_that_is_not_found_is_told_as_that() {
        made("http://127.0.0.1:8080").unwrap();
        let client = reqwest::Client::builder().no_proxy().dns_resolver(Arc::new(Nobody)).build().unwrap();
        let error = client.get("http://api.x.example/").send().await.unwrap_err();
        assert!(error.is_connect(), "nothing left");
        let told = super::words(error);
        assert!(
            told.starts_with("its name could not be looked up: is this machine's network or DNS down? ("),
            "{told}"
        );
        assert!(told.contains("Name or service not known"), "{told}");
    }

    #[test]
    fn the_latest_window_that_is_used_up_counts() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("x-rate-limit-remaining", "0"),
            ("x-rate-limit-reset", "1000"),
            ("x-user-limit-24hour-remaining", "0"),
            ("x-user-limit-24hour-reset", "9000"),
            ("x-app-limit-24hour-remaining", "5"),
            ("x-app-limit-24hour-reset", "99000"),
        ] {
            headers.insert(name, value.parse().unwrap());
        }
        let rates = RateHeaders::of(&headers);
        assert_eq!(rates.reset.unwrap().as_second(), 1000);
        assert_eq!(rates.used_up_until.unwrap().as_second(), 9000);
        headers.insert("x-rate-limit-remaining", "many".parse().unwrap());
        headers.insert("x-user-limit-24hour-remaining", "1".parse().unwrap());
        assert_eq!(RateHeaders::of(&headers).used_up_until, None);
    }
}
