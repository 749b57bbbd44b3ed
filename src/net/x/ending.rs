//! How one of X's lines ends, whichever of the two: what a refused or failed question means, and what X says before it
//! hangs up.

use jiff::Timestamp;

use super::api::{CallError, reset_in};
use super::problem::{Class, Problem};
use crate::net::backoff::Failure;

/// What a failed question means for a line.
#[derive(Debug)]
pub(super) enum Ending {
    /// Worth another attempt after the steps of `failure`.
    Lost { why: String, failure: Failure },
    /// Not before somebody did something; `why` holds X's words.
    Refused { why: String, problem: Box<Problem> },
}

/// Reads a failure; `crowded` says who may hold the connections where X has none left for us.
pub(super) fn of(error: CallError, now: Timestamp, crowded: &str) -> Ending {
    let lost = |why| Ending::Lost { why, failure: Failure::Lost };
    let problem = match error {
        CallError::NotSent(why) => return lost(format!("X cannot be reached: {why}")),
        CallError::Lost(why) => return lost(why),
        CallError::No(problem) => problem,
    };
    let why = format!("X says: {}", problem.words);
    match problem.class {
        Class::RateLimited => {
            Ending::Lost { why, failure: Failure::Limited { reset_in: reset_in(problem.until, now) } }
        }
        // X tells of no time here: the steps alone say when to ask again.
        Class::TooManyConnections => {
            Ending::Lost { why: format!("{why} {crowded}"), failure: Failure::Limited { reset_in: None } }
        }
        Class::ServerTrouble | Class::Provisioning | Class::Unknown => Ending::Lost { why, failure: Failure::Refused },
        _ => Ending::Refused { why, problem },
    }
}

/// What X's last line means: in words, and as a step of waiting.
pub(super) fn by_its_own_line(title: String, detail: String, kind: &str) -> (String, Failure) {
    let words = if detail.is_empty() { title } else { detail };
    // Somebody else took the connection, or we asked for too many: taking it back at once would only start a fight.
    let is_fight = matches!(kind, "ForceDisconnect" | "TooManyConnections");
    let failure = if is_fight { Failure::Limited { reset_in: None } } else { Failure::Lost };
    (format!("X ended the stream: {words} ({kind})"), failure)
}
