//! X by its API v2: the filtered stream in, replies out.

use secrecy::SecretString;
use url::Url;

use crate::model::Account;

/// What the adapter needs to know of an X app and the account it writes as.
#[derive(Clone, Debug)]
pub struct XSettings {
    pub account: Account,
    /// `https://api.x.com`, or a simulator on loopback.
    pub base_url: Url,
    /// The app's own token: the stream, its rules and search take no other.
    pub bearer: SecretString,
    /// Who writes; without it the account only listens.
    pub user: Option<UserCredentials>,
    /// Rules of ours carry the tag `replydeck/DECK/COLUMN`; rules with other tags are never touched.
    pub deck: String,
    /// Also listen for the account's own replies, so that answers typed elsewhere and hand-overs are seen.
    /// Each costs what any read post costs.
    pub watch_own: bool,
}

/// Two ways to write as a user.
#[derive(Clone, Debug)]
pub enum UserCredentials {
    /// An OAuth 2.0 access token; it lives two hours.
    OAuth2 { access_token: SecretString },
    /// OAuth 1.0a: four strings from the developer console, valid until revoked.
    OAuth1 { consumer_key: String, consumer_secret: SecretString, token: String, token_secret: SecretString },
}
