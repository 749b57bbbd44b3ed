//! The one place from which requests made as a user take their token, where `replydeck auth` logged the account in.
//!
//! The file is read for every such request: another process may have renewed it a moment ago. A token near its end is
//! renewed before it is used, one that X refuses is renewed and the question asked again.

use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;
use url::Url;

use super::renew::{OAuthClient, Order, Renewed, renew};
use super::tokens::{OAuth2, Renewal, TokenFile, Tokens};
use crate::model::{AccountName, LoginState};
use crate::net::Clock;

/// Carries a renewal out. `run` does it in a process that no kill of this one reaches.
#[async_trait]
pub trait Renewer: Send + Sync + fmt::Debug {
    async fn renew(&self, order: Order) -> Renewed;
}

/// Renews in this process: a kill between the question and its answer can cost the login.
pub struct Here(pub Clock);

impl fmt::Debug for Here {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Here").finish_non_exhaustive()
    }
}

#[async_trait]
impl Renewer for Here {
    async fn renew(&self, order: Order) -> Renewed {
        renew(&order, &self.0).await
    }
}

/// The app's keys of OAuth 1.0a.
#[derive(Clone, Debug)]
pub struct Consumer {
    pub key: String,
    pub secret: SecretString,
}

/// A login whose tokens are kept in the data folder.
#[derive(Clone, Debug)]
pub struct KeptLogin {
    account: AccountName,
    file: TokenFile,
    order: Option<Order>,
    consumer: Option<Consumer>,
    renewer: Arc<dyn Renewer>,
    /// When a renewal ahead of time was last tried in vain.
    tried: Arc<Mutex<Option<Timestamp>>>,
}

/// What a request is signed with.
#[derive(Clone, Debug)]
pub(super) enum Use {
    OAuth2 { access_token: SecretString, fingerprint: String },
    OAuth1 { consumer: Consumer, token: String, token_secret: SecretString },
}

impl KeptLogin {
    pub fn new(
        data_dir: &Path,
        account: &AccountName,
        base_url: &Url,
        client: Option<&OAuthClient>,
        consumer: Option<Consumer>,
        renewer: Arc<dyn Renewer>,
    ) -> Self {
        Self {
            account: account.clone(),
            file: TokenFile::of(data_dir, account),
            order: client.map(|client| Order::new(data_dir.to_owned(), account.clone(), base_url, client)),
            consumer,
            renewer,
            tried: Arc::default(),
        }
    }

    /// What to do about a login that has ended.
    pub fn remedy(&self) -> String {
        remedy(&self.account)
    }

    /// How the login stands, as the file says it.
    pub fn state(&self, now: Timestamp) -> LoginState {
        let out = |why: String| LoginState::Out { why, remedy: self.remedy() };
        match self.file.read() {
            Err(error) => out(error.to_string()),
            Ok(None) => out("nobody has logged in".into()),
            Ok(Some(kept)) => match kept.tokens {
                Tokens::OAuth1 { .. } if self.consumer.is_none() => {
                    out("the login was made by PIN, and the config has no consumer_key any more".into())
                }
                Tokens::OAuth1 { .. } => LoginState::In { until: None },
                Tokens::OAuth2(tokens) => self.state_of(&tokens, now),
            },
        }
    }

    fn state_of(&self, tokens: &OAuth2, now: Timestamp) -> LoginState {
        let out = |why: &str| LoginState::Out { why: why.to_owned(), remedy: self.remedy() };
        let until = tokens.expires;
        match (&tokens.renewal, tokens.has_ended(now)) {
            (Renewal::Over { why, .. }, _) => out(why),
            (_, true) if tokens.refresh_token.is_none() => out("the login has ended, and it cannot be renewed"),
            (_, true) => out("the login has ended; renewing it is tried again and again"),
            (Renewal::Unused, false) => LoginState::In { until: Some(until) },
            (_, false) => LoginState::Doubtful { until, remedy: self.remedy() },
        }
    }

    /// What the next request is signed with. The words say why there is nothing, and what to do.
    pub(super) async fn credential(&self, now: Timestamp) -> Result<Use, String> {
        self.at_hand(now, true).await
    }

    /// Renews where that is due, without hurry.
    pub(super) async fn keep(&self, now: Timestamp) -> Result<(), String> {
        self.at_hand(now, false).await.map(|_| ())
    }

    async fn at_hand(&self, now: Timestamp, is_urgent: bool) -> Result<Use, String> {
        let tokens = match self.read()? {
            Ok(signed) => return Ok(signed),
            Err(tokens) => tokens,
        };
        let has_ended = tokens.has_ended(now);
        if let Renewal::Over { why, .. } = &tokens.renewal {
            return if has_ended { Err(self.out(why)) } else { Ok(used(&tokens)) };
        }
        if !tokens.is_due(now) || (tokens.refresh_token.is_none() && !has_ended) {
            return Ok(used(&tokens));
        }
        let may_try = is_urgent && has_ended || self.may_try(now);
        if !may_try {
            return if has_ended { Err(self.out("it is renewed soon")) } else { Ok(used(&tokens)) };
        }
        match self.renew(None).await {
            Renewed::Done => {}
            Renewed::NotNow { why } | Renewed::Doubtful { why } | Renewed::Out { why } => {
                *self.tried.lock().expect("nothing panics while holding the time") = Some(now);
                if has_ended {
                    return Err(self.out(&why));
                }
            }
        }
        match self.read()? {
            Ok(signed) => Ok(signed),
            Err(tokens) => Ok(used(&tokens)),
        }
    }

    /// X refused the access token of this fingerprint: whether there is another one now.
    pub(super) async fn refused(&self, fingerprint: &str) -> Result<(), String> {
        match self.renew(Some(fingerprint.to_owned())).await {
            Renewed::Done => Ok(()),
            Renewed::NotNow { why } | Renewed::Doubtful { why } | Renewed::Out { why } => Err(self.out(&why)),
        }
    }

    fn read(&self) -> Result<Result<Use, OAuth2>, String> {
        let kept = self.file.read().map_err(|error| error.to_string())?;
        let Some(kept) = kept else { return Err(self.out("nobody has logged in")) };
        match (kept.tokens, &self.consumer) {
            (Tokens::OAuth2(tokens), _) => Ok(Err(tokens)),
            (Tokens::OAuth1 { token, token_secret, .. }, Some(consumer)) => {
                let token_secret = token_secret.into();
                Ok(Ok(Use::OAuth1 { consumer: consumer.clone(), token, token_secret }))
            }
            (Tokens::OAuth1 { .. }, None) => {
                Err(self.out("the login was made by PIN, and the config has no consumer_key any more"))
            }
        }
    }

    fn out(&self, why: &str) -> String {
        format!("{} is logged out ({why}): {}", self.account, self.remedy())
    }

    async fn renew(&self, refused: Option<String>) -> Renewed {
        match &self.order {
            None => Renewed::Out { why: "the config has no client_id any more".into() },
            Some(order) => self.renewer.renew(order.after_refusal(refused)).await,
        }
    }

    /// Ahead of time one try in half a minute is enough.
    fn may_try(&self, now: Timestamp) -> bool {
        let tried = *self.tried.lock().expect("nothing panics while holding the time");
        tried.is_none_or(|tried| now.duration_since(tried).abs() >= SignedDuration::from_secs(30))
    }
}

fn used(tokens: &OAuth2) -> Use {
    Use::OAuth2 { access_token: tokens.access_token.as_str().into(), fingerprint: tokens.fingerprint() }
}

/// The command that logs an account in.
pub fn remedy(account: &AccountName) -> String {
    let name = account.as_str();
    let is_bare = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    if is_bare { format!("run `replydeck auth {name}`") } else { format!("run `replydeck auth '{name}'`") }
}
