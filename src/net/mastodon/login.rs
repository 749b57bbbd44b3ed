//! Logging an account in at its server: an app registered there, a page to approve on, a code to type in. What the
//! person sees and types is `cli`'s.
//!
//! The code is shown on the server's page (*out of band*), so it works over SSH as well. The token has no end; it is
//! kept in one file of mode 0600 in the data folder until it is taken back.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use reqwest::header::HeaderMap;
use reqwest::{Client, RequestBuilder};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tokio::time::timeout;
use url::Url;

use super::problem::{self, Class};
use crate::model::AccountName;
use crate::net::http::{self, NetSetupError};
use crate::net::kept::{self, KeptError};
use crate::rules::scan::status;

/// The page shows the code instead of sending the browser anywhere.
const OUT_OF_BAND: &str = "urn:ietf:wg:oauth:2.0:oob";
/// Everything replydeck does; servers that know no finer permissions get the second.
const SCOPES: [&str; 2] = ["read write:statuses write:follows", "read write"];
const CONNECT_WITHIN: Duration = Duration::from_secs(10);
const ANSWER_WITHIN: Duration = Duration::from_secs(20);
const VERSION: u8 = 1;

/// Why nobody is logged in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LoginError {
    #[error(transparent)]
    Setup(#[from] NetSetupError),
    #[error("{server} cannot be reached: {why}; check base_url, the network and the proxy variables")]
    NotReached { server: String, why: String },
    #[error("{said}; {remedy}")]
    Refused { said: String, remedy: &'static str },
    #[error("the system gives no random numbers: {0}")]
    NoChance(String),
    #[error(transparent)]
    Kept(#[from] KeptError),
}

/// A login as it is kept.
#[derive(Clone)]
pub struct Kept {
    /// The server it is for; it is shown to no other.
    pub base_url: String,
    /// Whom the server named when the login was made: `user@host`.
    pub handle: String,
    pub access_token: SecretString,
    pub client_id: String,
    pub client_secret: SecretString,
}

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kept").field("base_url", &self.base_url).field("handle", &self.handle).finish_non_exhaustive()
    }
}

#[derive(Serialize, Deserialize)]
struct Written {
    version: u8,
    base_url: String,
    handle: String,
    access_token: String,
    client_id: String,
    client_secret: String,
}

/// Where an account's login is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptLogin {
    path: PathBuf,
}

impl KeptLogin {
    pub fn of(data_dir: &Path, account: &AccountName) -> Self {
        Self { path: kept::path(data_dir, "mastodon", account) }
    }

    /// The login; `None` where nobody has logged in.
    pub fn read(&self) -> Result<Option<Kept>, KeptError> {
        let Some(bytes) = kept::read(&self.path)? else { return Ok(None) };
        // What serde says of a bad file could repeat a piece of it, so it says nothing.
        let written = serde_json::from_slice::<Written>(&bytes).ok().filter(|written| written.version == VERSION);
        let Some(written) = written else { return Err(KeptError::Foreign { path: self.path.clone() }) };
        Ok(Some(Kept {
            base_url: written.base_url,
            handle: written.handle,
            access_token: written.access_token.into(),
            client_id: written.client_id,
            client_secret: written.client_secret.into(),
        }))
    }

    pub fn write(&self, kept: &Kept) -> Result<(), KeptError> {
        let written = Written {
            version: VERSION,
            base_url: kept.base_url.clone(),
            handle: kept.handle.clone(),
            access_token: kept.access_token.expose_secret().to_owned(),
            client_id: kept.client_id.clone(),
            client_secret: kept.client_secret.expose_secret().to_owned(),
        };
        let bytes = serde_json::to_vec(&written).expect("texts are plain JSON");
        kept::write(&self.path, &bytes, true)
    }

    pub fn remove(&self) -> Result<(), KeptError> {
        kept::remove(&self.path)
    }
}

/// A log-in under way.
pub struct Attempt {
    http: Client,
    base: String,
    client_id: String,
    client_secret: SecretString,
    scopes: &'static str,
    state: String,
    /// Where the server takes it: proof that who redeems the code is who asked for it.
    verifier: Option<String>,
}

impl fmt::Debug for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attempt").field("base", &self.base).field("scopes", &self.scopes).finish_non_exhaustive()
    }
}

fn chance() -> Result<String, LoginError> {
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes).map_err(|why| LoginError::NoChance(why.to_string()))?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

impl Attempt {
    /// Registers an app at the server; every server knows its own only.
    pub async fn begin(base: &Url) -> Result<Self, LoginError> {
        let http = http::client(base, CONNECT_WITHIN)?;
        let base = base.as_str().trim_end_matches('/').to_owned();
        let mut refused = None;
        for scopes in SCOPES {
            let form = [
                ("client_name", "replydeck"),
                ("redirect_uris", OUT_OF_BAND),
                ("scopes", scopes),
                ("website", env!("CARGO_PKG_REPOSITORY")),
            ];
            let form: Vec<_> = form.into_iter().filter(|(_, value)| !value.is_empty()).collect();
            let answer = ask(&base, http.post(format!("{base}/api/v1/apps")).form(&form)).await?;
            let text = |name: &str| answer.value.get(name).and_then(Value::as_str).map(str::to_owned);
            let (Some(client_id), Some(client_secret), true) =
                (text("client_id"), text("client_secret"), answer.is_good())
            else {
                let is_about_scopes = matches!(answer.status, 400 | 422);
                refused = Some(answer);
                if is_about_scopes {
                    continue;
                }
                break;
            };
            let verifier = if takes_pkce(&http, &base).await? { Some(chance()?) } else { None };
            let client_secret = client_secret.into();
            return Ok(Self { http, base, client_id, client_secret, scopes, state: chance()?, verifier });
        }
        let said = refused.map(|answer| answer.said).unwrap_or_default();
        Err(LoginError::Refused {
            said,
            remedy: "check base_url: it must be a server that speaks Mastodon's interface",
        })
    }

    /// Where the person approves and is shown the code.
    pub fn page(&self) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query
            .append_pair("response_type", "code")
            .append_pair("client_id", &self.client_id)
            .append_pair("redirect_uri", OUT_OF_BAND)
            .append_pair("scope", self.scopes)
            .append_pair("state", &self.state)
            // Who is logged in there in another name can change that.
            .append_pair("force_login", "false");
        if let Some(verifier) = &self.verifier {
            let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes()));
            query.append_pair("code_challenge", &challenge).append_pair("code_challenge_method", "S256");
        }
        format!("{}/oauth/authorize?{}", self.base, query.finish().replace('+', "%20"))
    }

    /// The code against a token, and whose it is.
    pub async fn redeem(&self, code: &str) -> Result<Kept, LoginError> {
        let mut form = vec![
            ("grant_type", "authorization_code"),
            ("code", code.trim()),
            ("client_id", &self.client_id),
            ("client_secret", self.client_secret.expose_secret()),
            ("redirect_uri", OUT_OF_BAND),
            ("scope", self.scopes),
        ];
        if let Some(verifier) = &self.verifier {
            form.push(("code_verifier", verifier));
        }
        let answer = ask(&self.base, self.http.post(format!("{}/oauth/token", self.base)).form(&form)).await?;
        let token = answer.value.get("access_token").and_then(Value::as_str).filter(|_| answer.is_good());
        let Some(token) = token.map(|token| SecretString::from(token.to_owned())) else {
            let remedy = "a code works once: run the command again for another, and copy it whole";
            return Err(LoginError::Refused { said: answer.said, remedy });
        };
        let handle = whose(&self.http, &self.base, &token).await?;
        Ok(Kept {
            base_url: self.base.clone(),
            handle,
            access_token: token,
            client_id: self.client_id.clone(),
            client_secret: self.client_secret.clone(),
        })
    }
}

/// Whom a token speaks for: `user@host`.
async fn whose(http: &Client, base: &str, token: &SecretString) -> Result<String, LoginError> {
    let about = ask(base, http.get(format!("{base}/api/v2/instance"))).await?;
    let domain = super::instance::Facts::of(&about.value).domain;
    let request = http.get(format!("{base}/api/v1/accounts/verify_credentials")).bearer_auth(token.expose_secret());
    let answer = ask(base, request).await?;
    let handle = status::handle(&answer.value, domain.as_deref());
    if answer.is_good() && !handle.is_empty() {
        return Ok(handle);
    }
    Err(LoginError::Refused { said: answer.said, remedy: "the server gave a token and does not take it: try again" })
}

/// Takes a login back at its server: the token is worth nothing from then on.
pub async fn revoke(base: &Url, kept: &Kept) -> Result<(), LoginError> {
    let http = http::client(base, CONNECT_WITHIN)?;
    // The login's own server, never another one the config may name by now.
    if kept.base_url != base.as_str().trim_end_matches('/') {
        let said = format!("the kept login is for {}", kept.base_url);
        return Err(LoginError::Refused { said, remedy: "put that base_url back into the config to take it back" });
    }
    let form = [
        ("client_id", kept.client_id.as_str()),
        ("client_secret", kept.client_secret.expose_secret()),
        ("token", kept.access_token.expose_secret()),
    ];
    let answer = ask(&kept.base_url, http.post(format!("{}/oauth/revoke", kept.base_url)).form(&form)).await?;
    // One that the server does not know any more is taken back already.
    if answer.is_good() || answer.class == Some(Class::Unauthorised) {
        return Ok(());
    }
    let remedy = "take the app's access back in the account's settings, under authorised applications";
    Err(LoginError::Refused { said: answer.said, remedy })
}

/// Whether the server's metadata offers the proof; servers before 4.3 have none.
async fn takes_pkce(http: &Client, base: &str) -> Result<bool, LoginError> {
    let answer = ask(base, http.get(format!("{base}/.well-known/oauth-authorization-server"))).await?;
    let methods = answer.value.get("code_challenge_methods_supported").and_then(Value::as_array);
    Ok(answer.is_good() && methods.is_some_and(|methods| methods.iter().any(|method| method == "S256")))
}

struct Answer {
    status: u16,
    class: Option<Class>,
    value: Value,
    /// In words what it is, where it is no good.
    said: String,
}

impl Answer {
    fn is_good(&self) -> bool {
        self.class.is_none()
    }
}

async fn ask(base: &str, request: RequestBuilder) -> Result<Answer, LoginError> {
    let not_reached = |why: String| LoginError::NotReached { server: base.to_owned(), why };
    let asked = async {
        let mut response = request.send().await?;
        let body = http::body(&mut response).await?;
        Ok::<_, reqwest::Error>((response.status().as_u16(), response.headers().clone(), body))
    };
    let (status, headers, body): (u16, HeaderMap, Vec<u8>) = match timeout(ANSWER_WITHIN, asked).await {
        Ok(answer) => answer.map_err(|error| not_reached(http::words(error)))?,
        Err(_elapsed) => return Err(not_reached(format!("no answer within {} s", ANSWER_WITHIN.as_secs()))),
    };
    // The time counts for limits only, which nobody waits for here.
    let problem = problem::decode(status, &headers, &body, Timestamp::UNIX_EPOCH);
    let is_good = (200..300).contains(&status);
    Ok(Answer {
        status,
        class: (!is_good).then_some(problem.class),
        value: serde_json::from_slice(&body).unwrap_or_default(),
        said: format!("the server says: {}", problem.words),
    })
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::{Kept, KeptLogin};
    use crate::model::AccountName;

    #[test]
    fn a_login_is_kept_and_says_nothing_of_its_token() {
        let dir = tempfile::tempdir().unwrap();
        let place = KeptLogin::of(dir.path(), &AccountName::new("acme"));
        assert!(place.read().unwrap().is_none());
        let kept = Kept {
            base_url: "https://near.example".into(),
            handle: "acme@near.example".into(),
            access_token: "very-secret".to_owned().into(),
            client_id: "id".into(),
            client_secret: "also-secret".to_owned().into(),
        };
        place.write(&kept).unwrap();
        let again = place.read().unwrap().unwrap();
        assert_eq!((again.access_token.expose_secret(), again.handle.as_str()), ("very-secret", "acme@near.example"));
        assert!(!format!("{again:?}").contains("secret"));
        std::fs::write(
            crate::net::kept::path(dir.path(), "mastodon", &AccountName::new("acme")),
            "{\"access_token\":\"x\"}",
        )
        .unwrap();
        let error = place.read().unwrap_err().to_string();
        assert!(error.contains("log in again") && !error.contains("access_token"), "{error}");
        place.remove().unwrap();
        assert!(place.read().unwrap().is_none());
    }
}
