//! From the config's accounts to networks that can listen and answer, secrets fetched.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::Context as _;

use crate::config::{AccountConfig, Config, SecretError, UserSecrets};
use crate::model::{AccountName, NetworkKind};
use crate::net::x::{UserCredentials, XNetwork, XSettings};
use crate::net::{Clock, Network};

/// The networks of all accounts. Blocks while commands fetch secrets.
pub fn build(config: &Config, clock: &Clock, random: u64) -> anyhow::Result<BTreeMap<AccountName, Arc<dyn Network>>> {
    let mut networks: BTreeMap<AccountName, Arc<dyn Network>> = BTreeMap::new();
    for account in &config.accounts {
        let network: Arc<dyn Network> = match account.network {
            NetworkKind::X => {
                let settings = x_settings(config, account)?;
                let network = XNetwork::new(settings, Arc::clone(clock), random);
                let network = network.with_context(|| format!("account `{}`", account.name))?;
                Arc::new(network.with_budget(account.budget()))
            }
            NetworkKind::Bluesky | NetworkKind::Mastodon => {
                anyhow::bail!("account `{}`: this version speaks with X only", account.name)
            }
        };
        networks.insert(account.name.clone(), network);
    }
    Ok(networks)
}

/// Which secret of which account could not be had.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("account `{account}`: `{key}`: {why}")]
pub struct NoSecret {
    pub account: String,
    pub key: &'static str,
    pub why: SecretError,
}

/// Fetches the secrets of an X account. Blocks while commands run.
pub fn x_settings(config: &Config, account: &AccountConfig) -> Result<XSettings, NoSecret> {
    let fetch = |key: &'static str, source: &crate::config::SecretSource| {
        source.resolve().map_err(|why| NoSecret { account: account.name.to_string(), key, why })
    };
    let user = match &account.user {
        None => None,
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
        bearer: fetch("bearer", &account.bearer)?,
        user,
        deck: config.deck.clone(),
        watch_own: account.watch_own,
    })
}
