//! What is said of the link, and what a failed question means for it.

use std::time::Duration;

use super::super::api::CallError;
use super::super::problem::Class;
use super::{End, Listener, lost};
use crate::model::{ColumnName, LinkReport, LinkState};
use crate::net::backoff::Failure;

impl Listener {
    pub(super) async fn take_refused(&mut self, refused: Vec<(ColumnName, String)>) {
        if refused == self.refused {
            return;
        }
        let fresh: Vec<String> = refused
            .iter()
            .filter(|refusal| !self.refused.contains(refusal))
            .map(|(column, why)| format!("column {column}: {why}"))
            .collect();
        self.refused = refused;
        if fresh.is_empty() {
            self.tell(self.state.clone(), None).await;
        }
        for note in fresh {
            self.tell(self.state.clone(), Some(note)).await;
        }
    }

    pub(super) async fn tell(&mut self, state: LinkState, note: Option<String>) {
        self.state = state;
        // Nobody left to tell is no reason to stop listening.
        drop(self.links.send(self.report(note)).await);
    }

    /// Something to say that needs nobody's hand.
    pub(super) async fn tell_calmly(&mut self, state: LinkState, note: String) {
        self.state = state;
        drop(self.links.send(LinkReport { is_calm: true, ..self.report(Some(note)) }).await);
    }

    pub(super) fn report(&self, note: Option<String>) -> LinkReport {
        LinkReport {
            account: self.api.account().name,
            state: self.state.clone(),
            last_byte: self.last_byte,
            note,
            is_calm: false,
            refused: self.refused.clone(),
        }
    }

    /// What a failed question means for the connection.
    pub(super) fn end(&self, error: CallError) -> End {
        let problem = match error {
            CallError::NotSent(why) => return lost(&format!("the server cannot be reached: {why}")),
            CallError::Lost(why) => return lost(&why),
            CallError::No(problem) => problem,
        };
        let why = format!("the server says: {}", problem.words);
        let remedy = problem.remedy().to_owned();
        match problem.class {
            Class::RateLimited => {
                let now = self.api.now();
                let reset_in = problem.until.and_then(|until| Duration::try_from(until.duration_since(now)).ok());
                End::Lost { why, failure: Failure::Limited { reset_in } }
            }
            Class::ServerTrouble | Class::Unknown | Class::Invalid => End::Lost { why, failure: Failure::Refused },
            // Somebody may log in while the deck runs.
            Class::Unauthorised => {
                End::Down { why, remedy: format!("{remedy} {}", self.api.account().name), passes: true }
            }
            Class::Forbidden | Class::Gone | Class::Teapot | Class::Redirected => {
                End::Down { why, remedy, passes: true }
            }
        }
    }
}
