//! From an account in the config to what its network needs, secrets fetched.

use crate::config::{AccountConfig, Config, SecretError, UserSecrets};
use crate::net::x::{UserCredentials, XSettings};

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
