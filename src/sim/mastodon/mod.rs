//! Mastodon: one instance.

use hyper::Method;
use jiff::Timestamp;
use serde_json::json;

use super::call::{Answer, Call};
use super::state::State;

/// The server's own name.
pub(super) const DOMAIN: &str = "mastodon.example";

/// What of the simulator only this network has.
#[derive(Debug, Default)]
pub(super) struct Instance {}

/// The endpoints that are there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Endpoint {
    About,
}

impl Endpoint {
    /// The name a fault is aimed with.
    pub(super) fn target(self) -> &'static str {
        match self {
            Endpoint::About => "instance",
        }
    }

    /// It stays open; faults act on what it delivers.
    pub(super) fn is_stream(self) -> bool {
        match self {
            Endpoint::About => false,
        }
    }
}

/// The endpoint of a request.
pub(super) fn route(method: &str, path: &str) -> Option<Endpoint> {
    (method == Method::GET.as_str() && path == "/api/v2/instance").then_some(Endpoint::About)
}

/// Answers one request.
pub(super) fn answer(_state: &mut State, endpoint: Endpoint, _call: &Call) -> Answer {
    match endpoint {
        Endpoint::About => Answer::json(200, json!({"version": "4.5.0"})),
    }
}

/// The network's own words for a status that a fault or an unknown path brings.
pub(super) fn usual(status: u16) -> Answer {
    Answer::json(status, json!({"error": format!("status {status}")}))
}

/// A post was published, or a new version of one.
pub(super) fn posted(_state: &mut State, _id: u64, _at: Timestamp) {}

/// A post was taken back.
pub(super) fn withdrawn(_state: &mut State, _id: u64, _at: Timestamp) {}

/// A person wrote the brand a direct message.
pub(super) fn messaged(_state: &mut State, _id: u64, _person: u64, _text: &str, _at: Timestamp) {}

/// Sends what is due by the clock alone.
pub(super) fn beat(_state: &mut State, _now: Timestamp) {}

/// When [`beat`] has something to do next.
pub(super) fn next_beat(_state: &State) -> Option<Timestamp> {
    None
}
