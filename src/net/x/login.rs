//! Logging an account in: OAuth 2.0 with PKCE, and OAuth 1.0a by PIN. What the person sees and types is `cli`'s.

use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use reqwest::header::{AUTHORIZATION, HeaderValue};
use reqwest::{Client, RequestBuilder};
use secrecy::ExposeSecret;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tokio::time::timeout;
use url::Url;

use super::clock_error;
use super::decode::{bounded, id_of, text_of};
use super::oauth::{self, Keys};
use super::renew::{Fresh, OAuthClient, TOKEN_PATH, refusal};
use super::tokens::{OAuth2, Tokens};
use super::user_token::Consumer;
use crate::net::{Clock, NetSetupError, http};

/// A code is worth nothing after so long.
pub const CODE_LIVES: Duration = Duration::from_secs(30);
/// Everything replydeck does as a user; the last one lets the login outlive its first two hours.
pub const SCOPES: [&str; 6] = ["tweet.read", "tweet.write", "users.read", "dm.read", "dm.write", "offline.access"];

/// Why nobody is logged in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LoginError {
    #[error(transparent)]
    Setup(#[from] NetSetupError),
    #[error("X cannot be reached: {0}; check base_url, the network and the proxy variables")]
    NotReached(String),
    #[error("{said}; {remedy}")]
    Refused { said: String, remedy: &'static str },
    #[error("the system gives no random numbers: {0}")]
    NoChance(String),
}

/// What came back from the browser, by the listener or by hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Returned {
    Approved {
        code: String,
    },
    /// X's word for why not, `access_denied` where the person said no.
    Denied {
        error: String,
    },
    /// It belongs to another log-in.
    OtherState,
    /// It is no answer at all.
    Nothing,
}

/// A log-in under way: what was asked for and what proves that the answer is ours.
pub struct Attempt {
    client: OAuthClient,
    redirect: Url,
    state: String,
    verifier: String,
}

impl fmt::Debug for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attempt").field("redirect", &self.redirect).finish_non_exhaustive()
    }
}

fn chance() -> Result<String, LoginError> {
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes).map_err(|why| LoginError::NoChance(why.to_string()))?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

impl Attempt {
    pub fn new(client: OAuthClient, redirect: Url) -> Result<Self, LoginError> {
        Ok(Self { client, redirect, state: chance()?, verifier: chance()? })
    }

    /// Where the person approves. `web_url` is where X's pages are.
    pub fn page(&self, web_url: &str) -> String {
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(self.verifier.as_bytes()));
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query
            .append_pair("response_type", "code")
            .append_pair("client_id", &self.client.id)
            .append_pair("redirect_uri", self.redirect.as_str())
            .append_pair("scope", &SCOPES.join(" "))
            .append_pair("state", &self.state)
            .append_pair("code_challenge", &challenge)
            .append_pair("code_challenge_method", "S256");
        // A plus for a space is understood by forms, not by every page.
        format!("{web_url}/i/oauth2/authorize?{}", query.finish().replace('+', "%20"))
    }

    /// Reads the address the browser was sent to: whole, or from its path or its question mark on.
    pub fn read(&self, address: &str) -> Returned {
        let Some((_, query)) = address.trim().split_once('?') else { return Returned::Nothing };
        let query = query.split('#').next().unwrap_or_default();
        let get = |name: &str| {
            url::form_urlencoded::parse(query.as_bytes())
                .find(|(key, _)| key == name)
                .map(|(_, value)| value.into_owned())
        };
        match (get("state"), get("code"), get("error")) {
            (Some(state), ..) if state != self.state => Returned::OtherState,
            (Some(_), _, Some(error)) => Returned::Denied { error: bounded(&error) },
            (Some(_), Some(code), None) if !code.is_empty() => Returned::Approved { code },
            _ => Returned::Nothing,
        }
    }

    /// The code against tokens. It must be young.
    pub async fn redeem(&self, base: &Url, code: &str, clock: &Clock) -> Result<OAuth2, LoginError> {
        let client = http::client(base, CONNECT_WITHIN)?;
        let basic = self.client.basic()?;
        let mut form = vec![
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", self.redirect.as_str()),
            ("code_verifier", &self.verifier),
        ];
        if basic.is_none() {
            form.push(("client_id", &self.client.id));
        }
        let request = client.post(address(base, TOKEN_PATH)).form(&form);
        let (status, value) = ask(with(request, basic)).await?;
        let fresh = if status == 200 { Fresh::read(&value) } else { None };
        let Some(mut fresh) = fresh else {
            let remedy = match text_of(&value, "error") {
                "unauthorized_client" | "invalid_client" => {
                    "check client_id and client_secret: a public client has no secret, a confidential one needs it"
                }
                _ if text_of(&value, "error_description").contains("code") => {
                    "a code lives 30 seconds and works once: run the command again and be quicker"
                }
                _ => "run the command again; if it stays, check client_id and redirect against the app's settings",
            };
            return Err(LoginError::Refused { said: refusal(status, &value), remedy });
        };
        if fresh.scopes.is_empty() {
            fresh.scopes = SCOPES.map(str::to_owned).to_vec();
        }
        Ok(fresh.tokens(&self.client.id, clock()))
    }
}

/// Takes a login back at X: its tokens are worth nothing from then on.
pub async fn revoke(base: &Url, client: &OAuthClient, tokens: &OAuth2) -> Result<(), LoginError> {
    let http = http::client(base, CONNECT_WITHIN)?;
    let basic = client.basic()?;
    let token = tokens.refresh_token.as_deref().unwrap_or(&tokens.access_token);
    let mut form = vec![("token", token)];
    if basic.is_none() {
        form.push(("client_id", &client.id));
    }
    let (status, value) = ask(with(http.post(address(base, "/2/oauth2/revoke")).form(&form), basic)).await?;
    if (200..300).contains(&status) {
        return Ok(());
    }
    let remedy = "take the app's access back on X's page of connected apps";
    Err(LoginError::Refused { said: refusal(status, &value), remedy })
}

/// A log-in by PIN under way.
pub struct PinAttempt {
    consumer: Consumer,
    token: String,
    token_secret: String,
}

impl fmt::Debug for PinAttempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PinAttempt").finish_non_exhaustive()
    }
}

impl PinAttempt {
    /// Asks X for a token to take to its page.
    pub async fn begin(base: &Url, consumer: Consumer, clock: &Clock) -> Result<Self, LoginError> {
        let extra = ("oauth_callback", "oob");
        let answer = signed(base, "/oauth/request_token", &consumer, ("", ""), extra, clock).await?;
        let remedy = "check consumer_key and consumer_secret, and the clock of this machine";
        let [token, token_secret] = both(answer, remedy)?.map(|(_, value)| value);
        Ok(Self { consumer, token, token_secret })
    }

    /// Where the person approves and is shown the PIN.
    pub fn page(&self, base: &Url) -> String {
        let query =
            url::form_urlencoded::Serializer::new(String::new()).append_pair("oauth_token", &self.token).finish();
        format!("{}?{query}", address(base, "/oauth/authorize"))
    }

    /// The PIN against tokens that stay valid.
    pub async fn redeem(&self, base: &Url, pin: &str, clock: &Clock) -> Result<Tokens, LoginError> {
        let extra = ("oauth_verifier", pin);
        let own = (self.token.as_str(), self.token_secret.as_str());
        let answer = signed(base, "/oauth/access_token", &self.consumer, own, extra, clock).await?;
        let remedy = "check the PIN; it works once: run the command again for another";
        let [token, token_secret] = both(answer, remedy)?.map(|(_, value)| value);
        Ok(Tokens::OAuth1 { consumer_key: self.consumer.key.clone(), token, token_secret })
    }
}

/// The token and its secret in an answer that is a form.
fn both((status, body): (u16, Vec<u8>), remedy: &'static str) -> Result<[(&'static str, String); 2], LoginError> {
    let get = |name: &str| {
        let found = url::form_urlencoded::parse(&body).find(|(key, _)| key == name);
        found.map(|(_, value)| value.into_owned()).filter(|value| !value.is_empty() && value.is_ascii())
    };
    if let (200, Some(token), Some(secret)) = (status, get("oauth_token"), get("oauth_token_secret")) {
        return Ok([("oauth_token", token), ("oauth_token_secret", secret)]);
    }
    let value: Value = serde_json::from_slice(&body).unwrap_or_default();
    let first = value.get("errors").and_then(|errors| errors.get(0)).map(|error| text_of(error, "message"));
    let said = match first {
        Some(words) if !words.is_empty() => format!("X says: {} ({status})", bounded(words)),
        _ => refusal(status, &value),
    };
    Err(LoginError::Refused { said, remedy })
}

async fn signed(
    base: &Url,
    path: &str,
    consumer: &Consumer,
    (token, token_secret): (&str, &str),
    extra: (&str, &str),
    clock: &Clock,
) -> Result<(u16, Vec<u8>), LoginError> {
    let client = http::client(base, CONNECT_WITHIN)?;
    let url = address(base, path);
    let keys =
        Keys { consumer_key: &consumer.key, consumer_secret: consumer.secret.expose_secret(), token, token_secret };
    let header = oauth::with_extra(&keys, "POST", &url, &[], &chance()?, clock().as_second(), Some(extra));
    let mut value = HeaderValue::from_str(&header).map_err(|_| NetSetupError::BadSecret { what: "consumer_key" })?;
    value.set_sensitive(true);
    let (status, body, told_at) = dated(client.post(url).header(AUTHORIZATION, value)).await?;
    let off = told_at.map(|told| told.duration_since(clock())).filter(|off| off.abs() >= clock_error::OFF);
    match off {
        Some(off) if status == 401 => Err(LoginError::Refused {
            said: format!("X refuses the signature, and {}", clock_error::words(off)),
            remedy: "set the clock and run the command again",
        }),
        _ => Ok((status, body)),
    }
}

/// Whom the tokens speak for: handle and user id.
pub async fn whose(
    base: &Url,
    tokens: &Tokens,
    consumer: Option<&Consumer>,
    clock: &Clock,
) -> Result<(String, String), LoginError> {
    let client: Client = http::client(base, CONNECT_WITHIN)?;
    let url = address(base, "/2/users/me");
    let header = match (tokens, consumer) {
        (Tokens::OAuth2(tokens), _) => format!("Bearer {}", tokens.access_token),
        (Tokens::OAuth1 { token, token_secret, .. }, Some(consumer)) => {
            let consumer_secret = consumer.secret.expose_secret();
            let keys = Keys { consumer_key: &consumer.key, consumer_secret, token, token_secret };
            oauth::authorization(&keys, "GET", &url, &[], &chance()?, clock().as_second())
        }
        (Tokens::OAuth1 { .. }, None) => return Err(NetSetupError::BadSecret { what: "consumer_key" }.into()),
    };
    let mut header = HeaderValue::from_str(&header).map_err(|_| NetSetupError::BadSecret { what: "access_token" })?;
    header.set_sensitive(true);
    let (status, value) = ask(client.get(url).header(AUTHORIZATION, header)).await?;
    let me = value.get("data").cloned().unwrap_or_default();
    match (status, bounded(text_of(&me, "username")), id_of(me.get("id"))) {
        (200, handle, Some(id)) if !handle.is_empty() => Ok((handle, id)),
        _ => Err(LoginError::Refused {
            said: format!("X does not say who logged in: {}", refusal(status, &value)),
            remedy: "try again; the app needs users.read and tweet.read",
        }),
    }
}

const CONNECT_WITHIN: Duration = Duration::from_secs(10);
const ANSWER_WITHIN: Duration = Duration::from_secs(20);

fn address(base: &Url, path: &str) -> String {
    format!("{}{path}", base.as_str().trim_end_matches('/'))
}

fn with(request: RequestBuilder, authorization: Option<HeaderValue>) -> RequestBuilder {
    match authorization {
        Some(value) => request.header(AUTHORIZATION, value),
        None => request,
    }
}

async fn ask(request: RequestBuilder) -> Result<(u16, Value), LoginError> {
    let (status, body) = raw(request).await?;
    Ok((status, serde_json::from_slice(&body).unwrap_or_default()))
}

async fn raw(request: RequestBuilder) -> Result<(u16, Vec<u8>), LoginError> {
    dated(request).await.map(|(status, body, _)| (status, body))
}

/// An answer and when the server says that it gave it.
async fn dated(request: RequestBuilder) -> Result<(u16, Vec<u8>, Option<Timestamp>), LoginError> {
    let answer = async {
        let mut response = request.send().await?;
        let told_at = clock_error::told_at(response.headers());
        Ok::<_, reqwest::Error>((response.status().as_u16(), http::body(&mut response).await?, told_at))
    };
    match timeout(ANSWER_WITHIN, answer).await {
        Err(_) => Err(LoginError::NotReached(format!("no answer within {} s", ANSWER_WITHIN.as_secs()))),
        Ok(Err(error)) => Err(LoginError::NotReached(http::words(error))),
        Ok(Ok(answer)) => Ok(answer),
    }
}

#[cfg(test)]
mod tests {
    use super::{Attempt, Returned};
    use crate::net::x::renew::OAuthClient;

    #[test]
    fn only_the_answer_to_this_attempt_is_taken() {
        let client = OAuthClient { id: "client".into(), secret: None };
        let attempt = Attempt::new(client, "http://127.0.0.1:8739/callback".parse().unwrap()).unwrap();
        let page = attempt.page("https://x.com");
        assert!(page.starts_with("https://x.com/i/oauth2/authorize?response_type=code&client_id=client&"), "{page}");
        assert!(page.contains("scope=tweet.read%20tweet.write%20users.read%20dm.read%20dm.write%20offline.access"));
        assert!(!page.contains(&attempt.verifier), "the verifier stays here");
        let state = &attempt.state;
        let approved = Returned::Approved { code: "a b".into() };
        for good in [
            format!("http://127.0.0.1:8739/callback?state={state}&code=a+b"),
            format!("  /callback?code=a%20b&state={state}#top \n"),
        ] {
            assert_eq!(attempt.read(&good), approved, "{good}");
        }
        let denied = attempt.read(&format!("/callback?error=access_denied&state={state}"));
        assert_eq!(denied, Returned::Denied { error: "access_denied".into() });
        assert_eq!(attempt.read("/callback?state=other&code=a"), Returned::OtherState);
        for nothing in ["", "abc", "/callback", "/callback?code=a", "/favicon.ico", &format!("/c?state={state}&code=")]
        {
            assert_eq!(attempt.read(nothing), Returned::Nothing, "{nothing}");
        }
        let other = Attempt::new(attempt.client.clone(), attempt.redirect.clone()).unwrap();
        assert!(other.state != attempt.state && other.verifier != attempt.verifier && other.verifier.len() == 43);
    }
}
