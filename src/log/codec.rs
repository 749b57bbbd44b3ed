//! The stored form of events and bodies: JSON beside the kind and the version.
//!
//! The form of version 1 is fixed by `tests/fixtures/events/`: those files must load for ever, and what is
//! written today must equal them. A field may be added with a default; anything else needs a new
//! [`EVENT_VERSION`] and a branch in [`decode`].

use crate::model::event::EVENT_VERSION;
use crate::model::{AuthorId, Body, CaseId, ConversationId, Event};

use super::LogError;

/// An event as a store keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Repeats the payload's `kind`, so that a store can be read without parsing.
    pub kind: String,
    pub version: u16,
    /// One JSON object, on one line.
    pub payload: String,
}

/// The name of the event's kind, in the store and in the names of the fixtures.
pub fn kind(event: &Event) -> &str {
    match event {
        Event::PostMatched { .. } => "PostMatched",
        Event::PostEdited { .. } => "PostEdited",
        Event::PostDeleted { .. } => "PostDeleted",
        Event::BodyErased { .. } => "BodyErased",
        Event::CaseOpened { .. } => "CaseOpened",
        Event::CaseClaimed { .. } => "CaseClaimed",
        Event::CaseReleased { .. } => "CaseReleased",
        Event::CaseAssigned { .. } => "CaseAssigned",
        Event::CaseTagged { .. } => "CaseTagged",
        Event::CasePrioritised { .. } => "CasePrioritised",
        Event::CaseSnoozed { .. } => "CaseSnoozed",
        Event::CaseWoken { .. } => "CaseWoken",
        Event::CaseOverdue { .. } => "CaseOverdue",
        Event::CaseResolved { .. } => "CaseResolved",
        Event::CaseReopened { .. } => "CaseReopened",
        Event::CaseTurnedRound { .. } => "CaseTurnedRound",
        Event::CaseRead { .. } => "CaseRead",
        Event::NoteAdded { .. } => "NoteAdded",
        Event::NoteBegun { .. } => "NoteBegun",
        Event::DraftSaved { .. } => "DraftSaved",
        Event::DraftDropped { .. } => "DraftDropped",
        Event::ReplyQueued { .. } => "ReplyQueued",
        Event::ReplyRecalled { .. } => "ReplyRecalled",
        Event::ReplyAttempted { .. } => "ReplyAttempted",
        Event::ReplySent { .. } => "ReplySent",
        Event::ReplyFailed { .. } => "ReplyFailed",
        Event::ReplyParked { .. } => "ReplyParked",
        Event::ReplyDropped { .. } => "ReplyDropped",
        Event::ReplyHandedOver { .. } => "ReplyHandedOver",
        Event::ReplyDelivered { .. } => "ReplyDelivered",
        Event::DmReceived { .. } => "DmReceived",
        Event::DmSent { .. } => "DmSent",
        Event::AuthorOptedOut { .. } => "AuthorOptedOut",
        Event::AuthorOptOutLifted { .. } => "AuthorOptOutLifted",
        Event::GapOpened { .. } => "GapOpened",
        Event::GapClosed { .. } => "GapClosed",
        Event::GapFilled { .. } => "GapFilled",
        Event::Spent { .. } => "Spent",
        Event::SpendLimitRaised { .. } => "SpendLimitRaised",
        Event::UsageTold { .. } => "UsageTold",
        Event::Unknown { kind } => kind,
    }
}

/// Writes an event in today's version. An event of an unknown kind is refused: its payload is not known here.
pub fn encode(event: &Event) -> Result<Stored, LogError> {
    if let Event::Unknown { kind } = event {
        return Err(LogError::Failed {
            why: format!("an event of the unknown kind {kind:?} cannot be written by this version"),
        });
    }
    let payload = serde_json::to_string(event)
        .map_err(|error| LogError::Failed { why: format!("a {} does not fit the store: {error}", kind(event)) })?;
    Ok(Stored { kind: kind(event).to_owned(), version: EVENT_VERSION, payload })
}

/// Reads an event. Whatever this version cannot read comes out as [`Event::Unknown`] and stays in the store
/// as it is, so that the program that wrote it finds it again.
pub fn decode(kind: &str, version: u16, payload: &str) -> Event {
    if version > EVENT_VERSION {
        return Event::Unknown { kind: kind.to_owned() };
    }
    match serde_json::from_str::<Event>(payload) {
        Ok(event) => event,
        Err(error) => {
            tracing::debug!(kind, version, %error, "passed over an event this version cannot read");
            Event::Unknown { kind: kind.to_owned() }
        }
    }
}

/// Writes a body as one JSON object.
pub fn encode_body(body: &Body) -> Result<String, LogError> {
    serde_json::to_string(body)
        .map_err(|error| LogError::Failed { why: format!("a text does not fit the store: {error}") })
}

/// Reads a body; `None` where a later version wrote a form this one does not know.
pub fn decode_body(json: &str) -> Option<Body> {
    match serde_json::from_str(json) {
        Ok(body) => Some(body),
        Err(error) => {
            // Only the place: the words of the error may quote the text.
            let (line, column) = (error.line(), error.column());
            tracing::warn!(line, column, "passed over a body this version cannot read");
            None
        }
    }
}

/// The case of a stored post, without reading the whole of it; `None` for any other text.
///
/// Inside a text every quote has a backslash before it, so these names are found only where they are names.
pub fn case_of_post(json: &str) -> Option<CaseId> {
    let after = |mark: &str| {
        let (_, rest) = json.split_once(mark)?;
        let (value, _) = rest.split_once('"')?;
        (!value.contains('\\')).then_some(value)
    };
    if !json.starts_with("{\"post\":") {
        return None;
    }
    let named = || {
        let author = AuthorId::written(after("\"author\":{\"id\":\"")?)?;
        let conversation = ConversationId::written(after("\"conversation\":\"")?)?;
        Some(CaseId::of(&author, &conversation))
    };
    named().or_else(|| match decode_body(json)? {
        Body::Post(post) => Some(CaseId::of(&post.author.id, &post.conversation)),
        _ => None,
    })
}
