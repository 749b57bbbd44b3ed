//! A direct message between one of our accounts and somebody, cleaned for the screen. Only the two of them see it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::id::{AuthorId, MessageId};

/// One direct message. All text in it has gone through [`super::clean`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    pub id: MessageId,
    /// The other side, whoever wrote it.
    pub with: AuthorId,
    /// The other side's handle, without the `@`; empty where the network did not say.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub handle: String,
    /// One of our accounts wrote it, here or elsewhere.
    pub is_ours: bool,
    pub text: String,
    /// The message's own time.
    pub at: Timestamp,
}
