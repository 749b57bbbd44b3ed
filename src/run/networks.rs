//! From the config's accounts to networks that can listen and answer, secrets fetched.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::Context as _;
use secrecy::SecretString;

use super::renewing::Apart;
use crate::config::{
    Access, AccountConfig, BlueskyAccess, Config, LoginSecrets, MastodonAccess, SecretError, SecretSource, UserSecrets,
    XAccess,
};
use crate::model::AccountName;
use crate::net::bluesky::{BlueskyNetwork, BlueskySettings};
use crate::net::mastodon::pace::Pace as MastodonPace;
use crate::net::mastodon::{MastodonNetwork, MastodonSettings};
use crate::net::x::pace::Pace;
use crate::net::x::renew::OAuthClient;
use crate::net::x::user_token::{Consumer, KeptLogin};
use crate::net::x::{UserCredentials, XNetwork, XSettings};
use crate::net::{Clock, Network, Secrets};

/// Who carries direct messages on Bluesky, as its servers are asked to pass them on.
const BLUESKY_CHAT: &str = "did:web:api.bsky.chat#bsky_chat";

/// X's own pace. A rehearsal's clock runs ahead all the time, which says nothing of a machine that slept.
fn pace() -> Pace {
    match super::clock::rehearsal() {
        Ok(Some(_)) => Pace { slept_after: Duration::MAX, ..Pace::X },
        Ok(None) | Err(_) => Pace::X,
    }
}

/// The networks of all accounts, by account.
pub type Networks = BTreeMap<AccountName, Arc<dyn Network>>;

/// Networks being made on a thread of their own: secrets come from commands, and the system's certificates take
/// longer to read than the store takes to open.
#[derive(Debug)]
pub struct Making(Option<JoinHandle<anyhow::Result<Networks>>>, Networks);

impl Making {
    /// Begins with the accounts of the config; see [`build`].
    pub fn begin(config: &Config, data_dir: &Path, clock: &Clock, random: u64) -> Self {
        let (config, data_dir, clock) = (config.clone(), data_dir.to_owned(), Arc::clone(clock));
        Self(Some(std::thread::spawn(move || build(&config, &data_dir, &clock, random))), Networks::new())
    }

    /// Networks that are there already.
    pub fn done(networks: Networks) -> Self {
        Self(None, networks)
    }

    /// Waits for them.
    pub async fn made(self) -> anyhow::Result<Networks> {
        let Some(thread) = self.0 else { return Ok(self.1) };
        match tokio::task::spawn_blocking(move || thread.join()).await? {
            Ok(built) => built,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }
}

/// The networks of all accounts; logins are kept in `data_dir`. Blocks while commands fetch secrets.
pub fn build(config: &Config, data_dir: &Path, clock: &Clock, random: u64) -> anyhow::Result<Networks> {
    let mut networks = Networks::new();
    for account in &config.accounts {
        let network: Arc<dyn Network> = match &account.access {
            Access::X(x) => {
                let settings = with_login(config, account, x, data_dir, clock)?;
                let network = XNetwork::with_pace(settings, Arc::clone(clock), random, &pace());
                let network = network.with_context(|| format!("account `{}`", account.name))?;
                Arc::new(network.with_budget(account.budget()).asking_whose_token())
            }
            Access::Bluesky(bluesky) => {
                let settings = bluesky_settings(account, bluesky, data_dir)?;
                let network = BlueskyNetwork::new(settings, Arc::clone(clock), random);
                Arc::new(network.with_context(|| format!("account `{}`", account.name))?)
            }
            Access::Mastodon(mastodon) => {
                let settings = mastodon_settings(account, mastodon, data_dir)?;
                let usual = MastodonPace::SERVER;
                // A rehearsal's clock runs ahead all the time.
                let pace = MastodonPace { slept_after: pace().slept_after.max(usual.slept_after), ..usual };
                let network = MastodonNetwork::with_pace(settings, Arc::clone(clock), random, &pace);
                Arc::new(network.with_context(|| format!("account `{}`", account.name))?)
            }
        };
        networks.insert(account.name.clone(), network);
    }
    Ok(networks)
}

/// The settings of an account, logged in by whichever way the config names.
fn with_login(
    config: &Config,
    account: &AccountConfig,
    x: &XAccess,
    data_dir: &Path,
    clock: &Clock,
) -> Result<XSettings, NoSecret> {
    let mut settings = x_settings(config, account, x)?;
    if let Some(UserSecrets::Login(secrets)) = &x.user {
        settings.user = Some(UserCredentials::Kept(kept_login(account, secrets, data_dir, clock)?));
    }
    Ok(settings)
}

/// The secrets of an account as they are now, for a network that runs. Blocks while commands fetch them.
pub fn fetch(config: &Config, account: &AccountConfig, data_dir: &Path, clock: &Clock) -> Result<Secrets, NoSecret> {
    let secret = |key: &'static str, source: &Option<SecretSource>| match source {
        Some(source) => resolved(account, key, source).map(Some),
        None => Ok(None),
    };
    Ok(match &account.access {
        Access::X(x) => {
            let XSettings { bearer, user, .. } = with_login(config, account, x, data_dir, clock)?;
            Secrets::X { bearer, user: user.map(Box::new) }
        }
        Access::Bluesky(bluesky) => Secrets::Bluesky { app_password: secret("app_password", &bluesky.app_password)? },
        Access::Mastodon(mastodon) => Secrets::Mastodon { token: secret("access_token", &mastodon.token)? },
    })
}

fn resolved(account: &AccountConfig, key: &'static str, source: &SecretSource) -> Result<SecretString, NoSecret> {
    source.resolve().map_err(|why| NoSecret { account: account.name.to_string(), key, why })
}

/// Which secret of which account could not be had.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("account `{account}`: `{key}`: {why}")]
pub struct NoSecret {
    pub account: String,
    pub key: &'static str,
    pub why: SecretError,
}

/// Fetches the secrets of a Bluesky account. Blocks while a command runs.
fn bluesky_settings(
    account: &AccountConfig,
    bluesky: &BlueskyAccess,
    data_dir: &Path,
) -> Result<BlueskySettings, NoSecret> {
    let app_password = bluesky.app_password.as_ref();
    Ok(BlueskySettings {
        account: account.account(),
        service: account.base_url.clone(),
        app_password: app_password.map(|source| resolved(account, "app_password", source)).transpose()?,
        jetstreams: bluesky.jetstreams.clone(),
        appview: bluesky.appview.clone(),
        chat: BLUESKY_CHAT.to_owned(),
        zstd: bluesky.compress,
        data_dir: data_dir.to_owned(),
        messages: account.messages,
        watch_own: account.watch_own,
    })
}

/// Fetches the secret of a Mastodon account. Blocks while a command runs.
fn mastodon_settings(
    account: &AccountConfig,
    mastodon: &MastodonAccess,
    data_dir: &Path,
) -> Result<MastodonSettings, NoSecret> {
    let token = mastodon.token.as_ref();
    Ok(MastodonSettings {
        account: account.account(),
        base_url: account.base_url.clone(),
        streaming_url: mastodon.streaming.clone(),
        token: token.map(|source| resolved(account, "access_token", source)).transpose()?,
        data_dir: data_dir.to_owned(),
        messages: account.messages,
        watch_own: account.watch_own,
        visibility: mastodon.visibility,
    })
}

/// A login that `replydeck auth` made or will make. Blocks while commands run.
fn kept_login(
    account: &AccountConfig,
    secrets: &LoginSecrets,
    data_dir: &Path,
    clock: &Clock,
) -> Result<KeptLogin, NoSecret> {
    let fetch = |key: &'static str, source: &SecretSource| resolved(account, key, source);
    let client = match &secrets.client {
        None => None,
        Some(client) => {
            let secret = client.secret.as_ref().map(|source| fetch("client_secret", source)).transpose()?;
            Some(OAuthClient { id: client.id.clone(), secret })
        }
    };
    let consumer = match &secrets.consumer {
        None => None,
        Some(consumer) => {
            Some(Consumer { key: consumer.key.clone(), secret: fetch("consumer_secret", &consumer.secret)? })
        }
    };
    let renewer = Arc::new(Apart::new(Arc::clone(clock)));
    Ok(KeptLogin::new(data_dir, &account.name, &account.base_url, client.as_ref(), consumer, renewer))
}

/// Fetches the secrets of an X account; an account that is logged in by `replydeck auth` gets no user here. Blocks
/// while commands run.
pub fn x_settings(config: &Config, account: &AccountConfig, x: &XAccess) -> Result<XSettings, NoSecret> {
    let fetch = |key: &'static str, source: &SecretSource| resolved(account, key, source);
    let user = match &x.user {
        None | Some(UserSecrets::Login(_)) => None,
        Some(UserSecrets::OAuth2 { access_token }) => {
            Some(UserCredentials::OAuth2 { access_token: fetch("access_token", access_token)? })
        }
        Some(UserSecrets::OAuth1 { consumer_key, consumer_secret, token, token_secret }) => {
            Some(UserCredentials::OAuth1 {
                consumer_key: consumer_key.clone(),
                consumer_secret: fetch("consumer_secret", consumer_secret)?,
                token: token.clone(),
                token_secret: fetch("token_secret", token_secret)?,
            })
        }
    };
    Ok(XSettings {
        account: account.account(),
        base_url: account.base_url.clone(),
        bearer: fetch("bearer", &x.bearer)?,
        user,
        deck: config.deck.clone(),
        watch_own: account.watch_own,
        messages: account.messages,
        activity: x.activity,
    })
}
