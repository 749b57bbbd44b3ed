//! A public message and who wrote it, as a network delivered it, cleaned for the screen.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::account::{Account, BLUESKY_WEB_URL, X_WEB_URL};
use super::id::{AuthorId, ConversationId, NetworkKind, PostId};

/// One public message. All text in it has gone through [`super::clean`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Post {
    pub id: PostId,
    /// The newest version's native id where it differs from `id` (X gives an edit a new id).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    pub author: Author,
    pub conversation: ConversationId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_reply_to: Option<PostId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_reply_to_author: Option<AuthorId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quotes: Option<Quoted>,
    /// Somebody else's post passed on without a word of one's own.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_repost: bool,
    pub text: String,
    /// BCP 47, as the network says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lang: Option<String>,
    /// The post's own time.
    pub at: Timestamp,
    #[serde(default)]
    pub counts: Counts,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mentions: Vec<Mention>,
    /// Without the `#`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hashtags: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<PostLink>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub media: Vec<Media>,
    #[serde(default)]
    pub who_may_reply: WhoMayReply,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_edited: bool,
}

/// Stands before a content warning, and an empty line after it: Mastodon has a field of its own for it, which is the
/// first line of the text here, so that rules and searches find its words too.
pub const WARNING: &str = "CW: ";

impl Post {
    /// The line with the content warning, and what it stands before. Written by hand in the same shape it means the same.
    pub fn warned(&self) -> Option<(&str, &str)> {
        if self.network() != NetworkKind::Mastodon || !self.text.starts_with(WARNING) {
            return None;
        }
        Some(self.text.split_once("\n\n").unwrap_or((&self.text, "")))
    }

    pub fn network(&self) -> NetworkKind {
        self.id.network()
    }

    /// The public page of the post: where the first of these accounts on its network has the network's pages, which
    /// may be a simulator's; the network's own where there is none.
    pub fn page(&self, accounts: &[Account]) -> String {
        let network = self.network();
        let account = accounts.iter().find(|us| us.network == network);
        self.page_on(account.map_or(
            match network {
                NetworkKind::X => X_WEB_URL,
                NetworkKind::Bluesky => BLUESKY_WEB_URL,
                // The id is the page.
                NetworkKind::Mastodon => "",
            },
            |us| us.web_url.as_str(),
        ))
    }

    /// The page of the post where the network's pages are at `web_url` ([`super::Account::web_url`]).
    pub fn page_on(&self, web_url: &str) -> String {
        match self.network() {
            NetworkKind::X => format!("{web_url}/{}/status/{}", self.author.handle, self.id.native()),
            NetworkKind::Bluesky => {
                let key = self.id.native().rsplit('/').next().unwrap_or_default();
                format!("{web_url}/profile/{}/post/{key}", self.author.id.native())
            }
            NetworkKind::Mastodon => self.id.native().to_owned(),
        }
    }
}

/// Who wrote a post.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Author {
    pub id: AuthorId,
    /// Without the `@`. May change; the id does not.
    pub handle: String,
    /// The name the author chose to show.
    pub name: String,
    /// `None` where the network did not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub followers: Option<u64>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_verified: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_protected: bool,
}

impl Author {
    /// `@jo_m`; where the network sent no handle along, what else tells them apart.
    pub fn shown(&self) -> String {
        match (self.handle.as_str(), self.id.native()) {
            ("", "" | "0") => "somebody".to_owned(),
            ("", id) => format!("author {id}"),
            (handle, _) => format!("@{handle}"),
        }
    }
}

/// How far a post went when the network last said so; `None` is "not said", not zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reposts: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replies: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub likes: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quotes: Option<u64>,
}

/// Somebody named in a post.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mention {
    /// Without the `@`.
    pub handle: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<AuthorId>,
}

/// A link in a post's text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PostLink {
    /// As it stands in the text.
    pub short: String,
    /// Where it leads.
    pub target: String,
    /// As the network shows it.
    pub display: String,
}

/// A picture or film of a post; only its kind and its words are kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Media {
    /// `photo`, `video`, …: the network's own word.
    pub kind: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alt: Option<String>,
}

/// The post that a post quotes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quoted {
    pub id: PostId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<AuthorId>,
    /// Empty where the network did not send it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub text: String,
}

/// Whom the author allows to reply.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WhoMayReply {
    #[default]
    Everyone,
    Mentioned,
    Following,
    Subscribers,
    Verified,
    /// The network used a word this version does not know.
    Other,
}
