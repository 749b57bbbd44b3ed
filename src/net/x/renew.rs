//! Renews a login: the one place that uses a refresh token, which X takes once and whose second use ends the login.
//!
//! ```text
//! lock ─> read ─> take room on the disk ─> connect ─> write down "sent" ─> send ─> store the answer ─> unlock
//! ```
//!
//! The mark is written when the connection stands and the first byte that holds the token is asked for, so a token
//! without a mark has never left this machine. A token with one is not sent again while the access token lives, for
//! its answer may have been lost; once that has ended there is nothing left to lose and it is tried a last time.
//!
//! Between the mark and the stored answer lies what no order of steps can make safe. `run` therefore does all this
//! in a process of its own that outlives whoever asked for it: see its `renewing`.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};
use reqwest::Body;
use reqwest::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::time::{sleep, timeout};
use url::Url;

use super::decode::{bounded, text_of};
use super::tokens::{Kept, NEXT, OAuth2, Renewal, Reserved, TokenFile, Tokens};
use crate::model::AccountName;
use crate::net::http;
use crate::net::kept::KeptError;
use crate::net::{Clock, NetSetupError};

/// X's endpoint for tokens.
pub(super) const TOKEN_PATH: &str = "/2/oauth2/token";
const CONNECT_WITHIN: Duration = Duration::from_secs(10);
/// The whole answer. Long: an answer that is waited for is not lost.
const ANSWER_WITHIN: Duration = Duration::from_mins(1);
/// Somebody else may be renewing.
const LOCK_WITHIN: Duration = Duration::from_secs(75);
/// So often, a second apart, a full disk is asked to take the new tokens.
const STORE_TRIES: u32 = 600;

/// An app that logs people in.
#[derive(Clone, Debug)]
pub struct OAuthClient {
    pub id: String,
    /// A confidential client's; a public one has none.
    pub secret: Option<SecretString>,
}

impl OAuthClient {
    /// What proves the client, where it can be proved.
    pub(super) fn basic(&self) -> Result<Option<HeaderValue>, NetSetupError> {
        let Some(secret) = &self.secret else { return Ok(None) };
        let pair = STANDARD.encode(format!("{}:{}", self.id, secret.expose_secret()));
        let mut value = HeaderValue::from_str(&format!("Basic {pair}"))
            .map_err(|_| NetSetupError::BadSecret { what: "client_secret" })?;
        value.set_sensitive(true);
        Ok(Some(value))
    }
}

/// What is to be renewed. Goes to the process that does it as JSON through a pipe.
#[derive(Clone, Serialize, Deserialize)]
pub struct Order {
    pub data_dir: PathBuf,
    pub account: AccountName,
    /// As text: the pipe carries plain JSON.
    base_url: String,
    pub client_id: String,
    client_secret: Option<String>,
    /// The access token X refused, by its fingerprint: renew it whatever the clock says.
    pub refused: Option<String>,
}

impl fmt::Debug for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Order")
            .field("account", &self.account)
            .field("base_url", &self.base_url)
            .finish_non_exhaustive()
    }
}

impl Order {
    pub fn new(data_dir: PathBuf, account: AccountName, base_url: &Url, client: &OAuthClient) -> Self {
        let client_secret = client.secret.as_ref().map(|secret| secret.expose_secret().to_owned());
        Self {
            data_dir,
            account,
            base_url: base_url.to_string(),
            client_id: client.id.clone(),
            client_secret,
            refused: None,
        }
    }

    /// The same for an access token that X refused, by its fingerprint.
    pub fn after_refusal(&self, refused: Option<String>) -> Self {
        Self { refused, ..self.clone() }
    }

    fn client(&self) -> OAuthClient {
        OAuthClient { id: self.client_id.clone(), secret: self.client_secret.clone().map(SecretString::from) }
    }
}

/// What became of a renewal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Renewed {
    /// The file holds tokens newer than the ones that were complained of.
    Done,
    /// Nothing was used; later it may work.
    NotNow { why: String },
    /// The token left and no answer came.
    Doubtful { why: String },
    /// Somebody has to log in.
    Out { why: String },
}

/// Renews in this process.
pub async fn renew(order: &Order, clock: &Clock) -> Renewed {
    let not_now = |why: String| Renewed::NotNow { why };
    let file = TokenFile::of(&order.data_dir, &order.account);
    let lock = match file.lock(LOCK_WITHIN).await {
        Ok(Some(lock)) => lock,
        Ok(None) => return not_now("another process renews it and does not come to an end".into()),
        Err(error) => return not_now(error.to_string()),
    };
    // Under the lock: what is read now nobody changes before it is used.
    let kept = match file.read() {
        Ok(Some(kept)) => kept,
        Ok(None) => return Renewed::Out { why: "nobody has logged in".into() },
        Err(error) => return not_now(error.to_string()),
    };
    let Tokens::OAuth2(tokens) = &kept.tokens else { return Renewed::Done };
    let now = clock();
    if matches!(tokens.renewal, Renewal::Sent { .. } | Renewal::SentAgain { .. }) {
        // The answer may lie beside the file: whoever stored it ended one line before it was in its place.
        match file.salvage(&lock) {
            Ok(true) => return Renewed::Done,
            Ok(false) => {}
            Err(error) => return not_now(error.to_string()),
        }
    }
    let is_refused = order.refused.as_ref().is_some_and(|refused| *refused == tokens.fingerprint());
    if !is_refused && !tokens.is_due(now) {
        return Renewed::Done;
    }
    if tokens.client_id != order.client_id {
        return Renewed::Out { why: "the config's client_id is not the one the login was made with".into() };
    }
    let Some(refresh_token) = tokens.refresh_token.clone() else {
        return Renewed::Out { why: "the login cannot be renewed: offline.access was not approved".into() };
    };
    let mark = match &tokens.renewal {
        Renewal::Unused => Renewal::Sent { at: now },
        Renewal::Sent { at } if !is_refused && !tokens.has_ended(now) => {
            return Renewed::Doubtful { why: format!("the answer to the renewal of {at:.0} was lost") };
        }
        Renewal::Sent { .. } => Renewal::SentAgain { at: now },
        Renewal::SentAgain { .. } => return over(&file, &lock, &kept, now, "the answers to its renewals were lost"),
        Renewal::Over { why, .. } => return Renewed::Out { why: why.clone() },
    };
    let room = file.reserve(&lock, "sent").and_then(|sent| Ok((sent, file.reserve(&lock, NEXT)?)));
    let (sent, mut next) = match room {
        Ok(room) => room,
        Err(error) => return not_now(error.to_string()),
    };
    let marked = with_renewal(&kept, mark);
    let has_left = Arc::new(AtomicBool::new(false));
    let answer = ask(order, &refresh_token, marked, sent, &has_left).await;
    let now = clock();
    match answer {
        Answer::Tokens(fresh) => {
            let fresh = Kept::new(&kept.handle, &kept.user_id, Tokens::OAuth2(fresh.after(tokens, now)));
            store(&mut next, &fresh).await
        }
        Answer::Nothing(why) => {
            if !has_left.load(Ordering::SeqCst) {
                return not_now(why);
            }
            // X said that it did nothing: the token is as good as it was.
            match file.write(&lock, &kept) {
                Ok(()) => not_now(why),
                Err(error) => Renewed::Doubtful { why: error.to_string() },
            }
        }
        Answer::Invalid(why) => over(&file, &lock, &kept, now, &why),
        Answer::Lost(why) => Renewed::Doubtful { why },
    }
}

fn with_renewal(kept: &Kept, renewal: Renewal) -> Kept {
    let mut marked = kept.clone();
    if let Tokens::OAuth2(tokens) = &mut marked.tokens {
        tokens.renewal = renewal;
    }
    marked
}

/// Writes down that the login cannot be renewed any more.
fn over(file: &TokenFile, lock: &super::tokens::TokenLock, kept: &Kept, now: Timestamp, why: &str) -> Renewed {
    let ended = with_renewal(kept, Renewal::Over { at: now, why: why.to_owned() });
    if let Err(error) = file.write(lock, &ended) {
        tracing::warn!(%error, "that a login has ended could not be written down");
    }
    Renewed::Out { why: why.to_owned() }
}

/// The new tokens are nowhere else: a disk that does not take them is asked again and again.
async fn store(next: &mut Reserved, fresh: &Kept) -> Renewed {
    let mut tries = 0;
    loop {
        let error: KeptError = match next.commit(fresh) {
            Ok(()) => return Renewed::Done,
            Err(error) => error,
        };
        tries += 1;
        if tries == STORE_TRIES {
            return Renewed::Out { why: format!("the new tokens could not be kept: {error}") };
        }
        sleep(Duration::from_secs(1)).await;
    }
}

enum Answer {
    Tokens(Fresh),
    /// X did nothing with it, or never got it.
    Nothing(String),
    /// X takes the token no more.
    Invalid(String),
    /// It left and nobody knows.
    Lost(String),
}

/// What X gives: for a code, or for a refresh token.
pub(super) struct Fresh {
    pub(super) access_token: String,
    pub(super) refresh_token: Option<String>,
    pub(super) lives: u32,
    /// Empty where X did not say: as they were asked for.
    pub(super) scopes: Vec<String>,
}

impl Fresh {
    /// X's answer; `None` where it is not one.
    pub(super) fn read(answer: &Value) -> Option<Self> {
        let access_token = text_of(answer, "access_token").to_owned();
        if access_token.is_empty() || !access_token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return None;
        }
        let seconds = answer.get("expires_in").and_then(|n| n.as_u64().or_else(|| n.as_str()?.parse().ok()));
        Some(Self {
            access_token,
            refresh_token: Some(text_of(answer, "refresh_token").to_owned()).filter(|token| !token.is_empty()),
            lives: seconds.and_then(|seconds| u32::try_from(seconds).ok()).unwrap_or(7200),
            scopes: text_of(answer, "scope").split_whitespace().map(bounded).collect(),
        })
    }

    pub(super) fn tokens(self, client_id: &str, now: Timestamp) -> OAuth2 {
        let life = SignedDuration::from_secs(i64::from(self.lives));
        OAuth2 {
            client_id: client_id.to_owned(),
            access_token: self.access_token,
            refresh_token: self.refresh_token,
            expires: now.checked_add(life).unwrap_or(now),
            lives: self.lives,
            scopes: self.scopes,
            renewal: Renewal::Unused,
        }
    }

    fn after(self, old: &OAuth2, now: Timestamp) -> OAuth2 {
        let mut fresh = self.tokens(&old.client_id, now);
        if fresh.scopes.is_empty() {
            fresh.scopes.clone_from(&old.scopes);
        }
        fresh
    }
}

/// Sends the token. `marked` is on the disk before its first byte leaves.
async fn ask(
    order: &Order,
    refresh_token: &str,
    marked: Kept,
    mut sent: Reserved,
    has_left: &Arc<AtomicBool>,
) -> Answer {
    let nothing = |error: NetSetupError| Answer::Nothing(error.to_string());
    let base = match Url::parse(&order.base_url) {
        Ok(base) => base,
        Err(why) => return Answer::Nothing(format!("base_url is not an address: {why}")),
    };
    let client = match http::client(&base, CONNECT_WITHIN) {
        Ok(client) => client,
        Err(error) => return nothing(error),
    };
    let oauth_client = order.client();
    let basic = match oauth_client.basic() {
        Ok(basic) => basic,
        Err(error) => return nothing(error),
    };
    let mut fields = vec![("grant_type", "refresh_token"), ("refresh_token", refresh_token)];
    if basic.is_none() {
        fields.push(("client_id", oauth_client.id.as_str()));
    }
    let form = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    let length = form.len();
    let leaving = Arc::clone(has_left);
    // The connection stands when the body is asked for, and the head that went before holds no token.
    let body = futures_util::stream::once(async move {
        sent.commit(&marked).map_err(|error| std::io::Error::other(error.to_string()))?;
        leaving.store(true, Ordering::SeqCst);
        Ok::<_, std::io::Error>(form)
    });
    let url = format!("{}{TOKEN_PATH}", base.as_str().trim_end_matches('/'));
    let request = client
        .post(url)
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(CONTENT_LENGTH, length)
        .body(Body::wrap_stream(body));
    let request = match basic {
        Some(basic) => request.header(AUTHORIZATION, basic),
        None => request,
    };
    let failed = |why: String| {
        if has_left.load(Ordering::SeqCst) { Answer::Lost(why) } else { Answer::Nothing(why) }
    };
    let answer = async {
        let mut response = request.send().await?;
        let status = response.status().as_u16();
        Ok::<_, reqwest::Error>((status, http::body(&mut response).await?))
    };
    match timeout(ANSWER_WITHIN, answer).await {
        Err(_) => failed(format!("no answer within {} s", ANSWER_WITHIN.as_secs())),
        Ok(Err(error)) => failed(http::words(error)),
        Ok(Ok((status, body))) => judge(status, &body),
    }
}

/// What an answer means for the token that was sent.
fn judge(status: u16, body: &[u8]) -> Answer {
    let value: Value = serde_json::from_slice(body).unwrap_or_default();
    if (200..300).contains(&status) {
        return match Fresh::read(&value) {
            Some(fresh) => Answer::Tokens(fresh),
            None => Answer::Lost("an answer that cannot be read".into()),
        };
    }
    let said = refusal(status, &value);
    match (status, text_of(&value, "error")) {
        // The app is not known: the token was not even looked at.
        (_, "unauthorized_client" | "invalid_client") => {
            Answer::Nothing(format!("{said}; check client_id and client_secret"))
        }
        (400 | 401, "invalid_grant" | "invalid_token") => Answer::Invalid(said),
        (400 | 401, "invalid_request") if text_of(&value, "error_description").contains("token") => {
            Answer::Invalid(said)
        }
        // X's own words for "later", before it does anything.
        (429, _) => Answer::Nothing(said),
        (503, _) if value.get("title").is_some() => Answer::Nothing(said),
        (500.., _) => Answer::Lost(said),
        // Somebody in between, or an address that is none of X's: nobody there knows what a token is.
        _ => Answer::Nothing(said),
    }
}

/// X's own words, or the status.
pub(super) fn refusal(status: u16, value: &Value) -> String {
    let said = ["error_description", "detail", "title", "error"].map(|name| text_of(value, name));
    match said.into_iter().find(|words| !words.is_empty()) {
        Some(words) => format!("X says: {} ({status})", bounded(words)),
        None => format!("X answered {status}"),
    }
}

#[cfg(test)]
mod tests {
    use super::{Answer, judge};

    #[test]
    fn what_an_answer_means_for_a_token_that_works_once() {
        let word = |status, body: &str| match judge(status, body.as_bytes()) {
            Answer::Tokens(_) => "tokens",
            Answer::Nothing(_) => "nothing",
            Answer::Invalid(_) => "invalid",
            Answer::Lost(_) => "lost",
        };
        let table = [
            (200, r#"{"access_token":"a","refresh_token":"r","expires_in":7200,"scope":"tweet.read"}"#, "tokens"),
            (200, r#"{"access_token":"a","expires_in":"7200"}"#, "tokens"),
            (200, "<html>please log in</html>", "lost"),
            (200, r#"{"access_token":""}"#, "lost"),
            (
                400,
                r#"{"error":"invalid_request","error_description":"Value passed for the token was invalid."}"#,
                "invalid",
            ),
            (
                401,
                r#"{"error":"unauthorized_client","error_description":"Missing valid authorization header"}"#,
                "nothing",
            ),
            (429, r#"{"title":"Too Many Requests"}"#, "nothing"),
            (503, r#"{"title":"Service Unavailable"}"#, "nothing"),
            (503, "<html>", "lost"),
            (500, r#"{"title":"Internal Server Error"}"#, "lost"),
            (504, "", "lost"),
            (302, "", "nothing"),
            (403, "<html>", "nothing"),
        ];
        for (status, body, expected) in table {
            assert_eq!(word(status, body), expected, "{status} {body}");
        }
    }
}
