//! Words for what became of a reply: those for the log file, which never repeat the reply, and those for who lost a race.

use crate::model::Event;

/// What became of a reply, for the log file. A refusal may repeat the reply, which the log file must not hold.
pub(super) fn note_down(outcome: &Event, text: &str) {
    let without_text = |why: &str| {
        let flat = |text: &str| text.split_whitespace().map(str::to_lowercase).collect::<Vec<_>>();
        let (why_words, text_words) = (flat(why), flat(text));
        let repeats = |run: &[String]| why_words.windows(run.len()).any(|words| words == run);
        if text_words.windows(3.min(text_words.len().max(1))).any(repeats) {
            "(its words repeat the reply and are left out)".to_owned()
        } else {
            why.to_owned()
        }
    };
    match outcome {
        Event::ReplyFailed { reply, case, why, may_retry } => {
            tracing::warn!(%reply, %case, may_retry, "a reply was not sent: {}", without_text(why));
        }
        Event::ReplyParked { reply, case, why } => {
            tracing::warn!(%reply, %case, "nobody knows whether a reply was published: {}", without_text(why));
        }
        _ => tracing::info!("a reply went out"),
    }
}

/// What somebody did to a case, in words.
pub(super) fn said(event: &Event) -> &'static str {
    match event {
        Event::CaseClaimed { .. } => "claimed it",
        Event::CaseReleased { .. } => "released it",
        Event::CaseAssigned { .. } => "assigned it",
        Event::CaseSnoozed { .. } => "snoozed it",
        Event::CaseResolved { .. } => "resolved it",
        Event::CaseReopened { .. } => "reopened it",
        Event::ReplyQueued { .. } => "queued a reply",
        Event::ReplyRecalled { .. } => "took a reply back",
        Event::ReplyAttempted { .. } | Event::ReplySent { .. } | Event::ReplyDelivered { .. } => "answered it",
        Event::ReplyHandedOver { .. } => "took it to the network's page",
        _ => "changed it",
    }
}
