//! The brand's logins.

use serde::{Deserialize, Serialize};

use super::id::{AccountName, AuthorId, NetworkKind};
use super::length::PostLimits;

/// Where X's pages are.
pub const X_WEB_URL: &str = "https://x.com";

/// Where Bluesky's pages are.
pub const BLUESKY_WEB_URL: &str = "https://bsky.app";

/// The brand's login on one network, as far as the desk needs to know it. No secret is in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    pub name: AccountName,
    pub network: NetworkKind,
    /// Without the `@`.
    pub handle: String,
    /// Known from the config or once the network has said it.
    pub id: Option<AuthorId>,
    pub tier: Tier,
    /// The account may write: credentials for sending are there.
    pub can_send: bool,
    /// Sending from it takes a second deliberate key.
    pub confirm: bool,
    /// Where the network's pages are, without a slash at its end: [`X_WEB_URL`], or the simulator.
    pub web_url: String,
    /// What its server takes, once it has said so, on a network whose servers differ.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<PostLimits>,
}

#[cfg(test)]
impl Account {
    /// `@AcmeHelp` on X as the unit tests know it, with or without its id.
    pub(crate) fn acme(id: Option<&str>) -> Self {
        Self {
            name: AccountName::new("acme"),
            network: NetworkKind::X,
            handle: "AcmeHelp".to_owned(),
            id: id.map(|id| AuthorId::new(NetworkKind::X, id)),
            tier: Tier::PayPerUse,
            can_send: true,
            confirm: false,
            web_url: X_WEB_URL.to_owned(),
            limits: None,
        }
    }
}

/// What the brand's plan with the network allows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tier {
    /// X's self-serve plan: only authors who mentioned or quoted us may be answered by the API.
    #[default]
    PayPerUse,
    /// X's contract plan, exempt from that gate.
    Enterprise,
}

/// Who sees what we publish, on Mastodon.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Visibility {
    /// Everybody, also in the public timelines.
    #[default]
    Public,
    /// Everybody who looks at the conversation.
    Unlisted,
}

impl Visibility {
    pub const ALL: [Visibility; 2] = [Visibility::Public, Visibility::Unlisted];

    /// Mastodon's own word, and the config's.
    pub fn word(self) -> &'static str {
        match self {
            Visibility::Public => "public",
            Visibility::Unlisted => "unlisted",
        }
    }
}
