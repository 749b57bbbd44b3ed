//! Under which keys an event can be found again without reading the log from its start: by tag, cause, rep, and the
//! text it speaks of. A store keeps keys and knows nothing of what they mean; only what people do has any, so they
//! are few beside the posts.

use super::event::Event;
use super::id::{AuthorId, RepName};

/// `tag/slow line`
pub fn tag(tag: &str) -> String {
    format!("tag/{}", folded(tag))
}

/// `cause/outage`
pub fn cause(cause: &str) -> String {
    format!("cause/{}", folded(cause))
}

/// `rep/ana`
pub fn rep(rep: &str) -> String {
    format!("rep/{}", folded(rep))
}

/// `out/x:901`: what went out from here under that name, as a post or as a direct message.
pub fn out(name: &str) -> String {
    format!("out/{name}")
}

/// `with/x:9`: direct messages with somebody.
pub fn with(author: &AuthorId) -> String {
    format!("with/{}", author.as_str())
}

/// Case does not count.
pub fn folded(words: &str) -> String {
    words.trim().to_lowercase()
}

/// All keys of an event that `by` wrote.
pub fn keys(event: &Event, by: &RepName) -> Vec<String> {
    let worked = || rep(by.as_str());
    match event {
        Event::CaseTagged { tag: words, .. } => vec![tag(words)],
        Event::CaseResolved { cause: words, .. } => {
            std::iter::once(worked()).chain(words.as_deref().map(cause)).collect()
        }
        Event::CaseAssigned { to, .. } => vec![rep(to.as_str())],
        Event::CaseClaimed { .. } => vec![worked()],
        Event::ReplySent { post, .. } => vec![out(post.as_str())],
        Event::ReplyDelivered { message, .. } => vec![out(message.as_str())],
        Event::DmReceived { author, .. } | Event::DmSent { to: author, .. } => vec![with(author)],
        // A text's key is its name, so that what was found by its words leads back to its case.
        Event::NoteAdded { .. } | Event::ReplyQueued { .. } | Event::ReplyHandedOver { .. } => {
            std::iter::once(worked()).chain(event.body_id().map(|body| body.as_str().to_owned())).collect()
        }
        Event::PostMatched { .. }
        | Event::PostEdited { .. }
        | Event::PostDeleted { .. }
        | Event::BodyErased { .. }
        | Event::CaseOpened { .. }
        | Event::CaseReleased { .. }
        | Event::CasePrioritised { .. }
        | Event::CaseSnoozed { .. }
        | Event::CaseWoken { .. }
        | Event::CaseOverdue { .. }
        | Event::CaseReopened { .. }
        | Event::CaseTurnedRound { .. }
        | Event::CaseRead { .. }
        | Event::NoteBegun { .. }
        | Event::DraftSaved { .. }
        | Event::DraftDropped { .. }
        | Event::ReplyRecalled { .. }
        | Event::ReplyAttempted { .. }
        | Event::ReplyFailed { .. }
        | Event::ReplyParked { .. }
        | Event::ReplyDropped { .. }
        | Event::AuthorOptedOut { .. }
        | Event::AuthorOptOutLifted { .. }
        | Event::GapOpened { .. }
        | Event::GapClosed { .. }
        | Event::GapFilled { .. }
        | Event::Spent { .. }
        | Event::SpendLimitRaised { .. }
        | Event::UsageTold { .. }
        | Event::Unknown { .. } => Vec::new(),
    }
}
