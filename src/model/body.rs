//! Texts, kept apart from the events that speak of them, so that they can be erased without touching those.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::id::{CaseId, EventId, MessageId, PostId, RepName, ReplyId};
use super::message::Message;
use super::note::NoteText;
use super::post::Post;
use super::reply::Purpose;

/// Names a body in the store: `post/x:123`, `draft/CASE/acknowledgement/REP`, `reply/ID`, `note/ID`,
/// `note-begun/CASE/REP`, `message/x:123`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BodyId(String);

impl BodyId {
    pub fn post(id: &PostId) -> Self {
        Self(format!("post/{id}"))
    }

    /// One draft per case, purpose and rep; saving again replaces the text.
    pub fn draft_of(case: CaseId, purpose: Purpose, rep: &RepName) -> Self {
        Self(format!("{}/{rep}", Self::draft(case, purpose)))
    }

    /// The draft all reps shared, in logs of the time when there was one per case and purpose.
    pub fn draft(case: CaseId, purpose: Purpose) -> Self {
        let purpose = match purpose {
            Purpose::Acknowledgement => "acknowledgement",
            Purpose::DmRequest => "dm-request",
            Purpose::Both => "both",
            Purpose::HappyPost => "happy-post",
            Purpose::DirectMessage => "direct-message",
        };
        Self(format!("draft/{case}/{purpose}"))
    }

    pub fn reply(id: ReplyId) -> Self {
        Self(format!("reply/{id}"))
    }

    /// `event` is the note's own event.
    pub fn note(event: EventId) -> Self {
        Self(format!("note/{event}"))
    }

    /// One per case and rep.
    pub fn note_begun(case: CaseId, rep: &RepName) -> Self {
        Self(format!("note-begun/{case}/{rep}"))
    }

    pub fn message(id: &MessageId) -> Self {
        Self(format!("message/{id}"))
    }

    /// For stores, which read the name back.
    pub fn from_stored(name: String) -> Self {
        Self(name)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for BodyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for BodyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A text and what is needed to show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Body {
    Post(Box<Post>),
    Draft(DraftText),
    /// Exactly what is published.
    Reply(String),
    /// Words for the team only; nothing that sends takes them.
    Note(NoteText),
    /// Half-written words for the team only.
    BegunNote(BegunNote),
    /// A direct message, from or to us.
    Message(Box<Message>),
}

impl Body {
    /// The words the search index covers.
    pub fn searchable(&self) -> Option<&str> {
        match self {
            Body::Post(post) => Some(&post.text),
            Body::Reply(text) => Some(text),
            Body::Note(note) => Some(note.shown()),
            Body::Message(message) => Some(&message.text),
            // Half-written text is found in its case, not among what was said.
            Body::Draft(_) | Body::BegunNote(_) => None,
        }
    }
}

/// One stored text found by its words.
#[derive(Clone, Debug, PartialEq)]
pub struct Hit {
    pub id: BodyId,
    /// When it was written: a post's or message's own time, else the event's.
    pub at: Timestamp,
    pub body: Body,
}

/// What a network's own search brought. Nothing of it is stored.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FoundOnNetwork {
    /// Newest first.
    pub posts: Vec<Post>,
    /// How many posts the network returned, and charges for: what could not be read counts as well.
    pub read: u64,
    /// Older posts match too and were not asked for.
    pub has_more: bool,
    /// Why nothing was found out, where the network or the line to it said no.
    pub refused: Option<SearchRefused>,
}

/// Why a network was not searched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchRefused {
    pub why: String,
    /// Asking again makes no sense before, where the network said so.
    pub until: Option<Timestamp>,
}

impl FoundOnNetwork {
    pub fn refused(why: impl Into<String>, until: Option<Timestamp>) -> Self {
        Self { refused: Some(SearchRefused { why: why.into(), until }), ..Self::default() }
    }
}

/// A note as it was typed so far. Its words are a note's: nothing that sends takes them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BegunNote {
    pub text: NoteText,
    /// As in [`DraftText`].
    pub cursor: (usize, usize),
}

/// A draft as it was typed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DraftText {
    pub text: String,
    /// Line and column of the cursor, both from 0, columns in characters.
    pub cursor: (usize, usize),
}
