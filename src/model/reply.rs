//! Our answers: what they are for, and how far they got.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::id::{MessageId, PostId};

/// What an answer is for; all but the last are public. It is also the kind of a draft: one draft per case and purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Purpose {
    Acknowledgement,
    DmRequest,
    /// An acknowledgement and a DM request in one post.
    Both,
    /// Asks a customer whose case is resolved to say so in public.
    HappyPost,
    /// The answer itself, which only the customer sees.
    DirectMessage,
}

impl Purpose {
    pub const ALL: [Purpose; 5] =
        [Purpose::Acknowledgement, Purpose::DmRequest, Purpose::Both, Purpose::HappyPost, Purpose::DirectMessage];

    /// The words on the screen.
    pub fn title(self) -> &'static str {
        match self {
            Purpose::Acknowledgement => "acknowledgement",
            Purpose::DmRequest => "DM request",
            Purpose::Both => "acknowledgement and DM request",
            Purpose::HappyPost => "request for a happy post",
            Purpose::DirectMessage => "direct message",
        }
    }

    pub fn acknowledges(self) -> bool {
        matches!(self, Purpose::Acknowledgement | Purpose::Both)
    }

    /// Only the customer sees it.
    pub fn is_private(self) -> bool {
        self == Purpose::DirectMessage
    }

    pub fn asks_for_dm(self) -> bool {
        matches!(self, Purpose::DmRequest | Purpose::Both)
    }
}

/// How far a reply got.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Delivery {
    /// Confirmed by the rep and waiting for its hold to run out.
    Queued {
        until: Timestamp,
    },
    /// The request is on its way, or the program ended while it was.
    Sending,
    Sent {
        post: PostId,
        at: Timestamp,
    },
    /// A direct message that the network took.
    Delivered {
        message: MessageId,
        at: Timestamp,
    },
    /// The network refused it; nothing was published.
    Failed {
        why: String,
        may_retry: bool,
    },
    /// Nobody knows whether it was published; a rep has to look.
    Parked {
        why: String,
    },
}

/// The words of a reply that the rep chose to keep when the deck was closed: it waits, and nothing went wrong.
pub const KEPT_AT_QUIT: &str = "kept for later when the deck was closed";

/// Stands in a failure's words before the moment, in UTC, from which the network takes requests again.
pub const FREE_AGAIN: &str = "; free again at ";

/// A failure's words without that moment, for a screen that tells it in the rep's own zone.
pub fn without_wait(why: &str) -> &str {
    why.split_once(FREE_AGAIN).map_or(why, |(why, _)| why)
}

impl Delivery {
    /// The word on the screen.
    pub fn word(&self) -> &'static str {
        match self {
            Delivery::Queued { .. } => "queued",
            Delivery::Sending => "sending",
            Delivery::Sent { .. } | Delivery::Delivered { .. } => "sent",
            Delivery::Failed { .. } => "failed",
            Delivery::Parked { .. } => "parked",
        }
    }
}
