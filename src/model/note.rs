//! Words for the team only.

use serde::{Deserialize, Serialize};

/// The text of a note. It is no `String` and turns into none, so that nothing which sends takes it:
///
/// ```compile_fail,E0308
/// use replydeck::model::{NetworkKind, NoteText, PostId, ReplyId};
/// use replydeck::net::Outgoing;
///
/// let note = NoteText::new("called, no answer; card declined twice");
/// let to = PostId::new(NetworkKind::X, "1");
/// let reply = ReplyId(uuid::Uuid::nil());
/// let outgoing = Outgoing { reply, to, to_version: None, text: note };
/// ```
///
/// A reply's words go where a note's do not:
///
/// ```
/// use replydeck::model::{NetworkKind, PostId, ReplyId};
/// use replydeck::net::Outgoing;
///
/// let to = PostId::new(NetworkKind::X, "1");
/// let reply = ReplyId(uuid::Uuid::nil());
/// let outgoing = Outgoing { reply, to, to_version: None, text: "We are on it.".to_owned() };
/// # drop(outgoing);
/// ```
///
/// Neither is a note a reply's body:
///
/// ```compile_fail,E0308
/// use replydeck::model::{Body, NoteText};
///
/// let body = Body::Reply(NoteText::new("called, no answer"));
/// ```
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NoteText(String);

/// A note repeated among a customer's words by chance is shorter than this, in characters.
const TELLING: usize = 8;

impl NoteText {
    /// `words` as they were typed, cleaned by whoever typed them.
    pub fn new(words: impl Into<String>) -> Self {
        Self(words.into())
    }

    /// For the team's screens and the search, which show it as a note.
    pub fn shown(&self) -> &str {
        &self.0
    }

    pub fn is_empty(&self) -> bool {
        self.0.trim().is_empty()
    }

    /// Whether `text`, on its way to a customer, holds this note's words. Case and spacing do not count.
    pub fn is_within(&self, text: &str) -> bool {
        let plain = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
        let (note, text) = (plain(&self.0), plain(text));
        note == text || (note.chars().count() >= TELLING && text.contains(&note))
    }
}

impl std::fmt::Debug for NoteText {
    /// Its length only: a note must not reach a log file by a debug print.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "NoteText({} characters)", self.0.chars().count())
    }
}

#[cfg(test)]
mod tests {
    use super::NoteText;

    #[test]
    fn a_note_is_known_again_in_a_reply() {
        let note = NoteText::new("Card declined twice,\n ask for another");
        assert!(note.is_within("card declined twice, ask for another"));
        assert!(note.is_within("Hello Jo, Card declined twice,  ask for another. ^AN"));
        assert!(!note.is_within("card declined once"));
        assert!(NoteText::new("ok").is_within(" OK ") && !NoteText::new("ok").is_within("ok, Jo"));
        assert!(!format!("{note:?}").contains("declined"));
        assert!(NoteText::new(" \n").is_empty());
    }
}
