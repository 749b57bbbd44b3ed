//! Bluesky: one account's server (PDS), the public directory, the chat service and a Jetstream, all at one address.
//!
//! The world's people and posts have numbers; here they are shown as Bluesky shows them: a DID for a person, a record
//! under a key for a post. Refusals have the network's own names and, where known, its own words.

mod chat;
mod gates;
pub(super) mod jetstream;
mod limits;
mod packer;
mod repo;
mod search;
mod session;
mod views;

use std::collections::BTreeMap;

use hyper::Method;
use jiff::Timestamp;
use serde_json::{Value, json};

use self::jetstream::Jetstream;
use self::limits::Budget;
use self::session::Sessions;
use super::call::{Answer, Call};
use super::state::State;

pub use self::session::BlueskySecrets;
pub(super) use self::views::brand_handle;

/// The collection posts are in.
const POSTS: &str = "app.bsky.feed.post";

/// What of the simulator only this network has.
#[derive(Debug)]
pub(super) struct Pds {
    jetstream: Jetstream,
    sessions: Sessions,
    budget: Budget,
    /// What the brand wrote, by collection and key.
    records: BTreeMap<(String, String), repo::Record>,
    /// The keys of the brand's own posts.
    keys: BTreeMap<u64, String>,
    /// The record that is being published.
    under_way: Option<(String, Value)>,
    chat: chat::Chat,
    /// People whose accounts are gone, and the network's word for it.
    gone: BTreeMap<u64, String>,
}

impl Pds {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            jetstream: Jetstream::default(),
            sessions: Sessions::new(seed),
            budget: Budget::default(),
            records: BTreeMap::new(),
            keys: BTreeMap::new(),
            under_way: None,
            chat: chat::Chat::default(),
            gone: BTreeMap::new(),
        }
    }

    /// So long the next access tokens live.
    pub(super) fn set_access_seconds(&mut self, seconds: u32) {
        self.sessions.access_seconds = i64::from(seconds);
    }

    /// Every login ends; hands back how many there were.
    pub(super) fn revoke_all(&mut self) -> usize {
        self.sessions.revoke_all()
    }
}

/// The endpoints that are there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Endpoint {
    Health,
    Subscribe,
    SessionMake,
    SessionRenew,
    SessionRead,
    SessionEnd,
    RecordPut,
    RecordMake,
    RecordRead,
    RecordDelete,
    HandleResolve,
    Profile,
    Profiles,
    Posts,
    Search,
    ConvoAvailability,
    ConvoForMembers,
    Convo,
    Convos,
    Messages,
    MessageSend,
    Log,
}

impl Endpoint {
    /// The name a fault is aimed with.
    pub(super) fn target(self) -> &'static str {
        match self {
            Endpoint::Health => "usage",
            Endpoint::Subscribe => "stream",
            Endpoint::SessionMake | Endpoint::SessionRenew | Endpoint::SessionRead | Endpoint::SessionEnd => "oauth",
            Endpoint::RecordPut | Endpoint::RecordMake | Endpoint::RecordDelete => "posts",
            Endpoint::RecordRead | Endpoint::Posts | Endpoint::Search => "search",
            Endpoint::HandleResolve | Endpoint::Profile | Endpoint::Profiles => "users",
            Endpoint::ConvoAvailability
            | Endpoint::ConvoForMembers
            | Endpoint::Convo
            | Endpoint::Convos
            | Endpoint::Messages
            | Endpoint::MessageSend
            | Endpoint::Log => "dms",
        }
    }

    /// It stays open; faults act on what it delivers.
    pub(super) fn is_stream(self) -> bool {
        self == Endpoint::Subscribe
    }
}

/// The endpoint of a request.
pub(super) fn route(method: &str, path: &str) -> Option<Endpoint> {
    let name = match path {
        "/subscribe" => return (method == Method::GET.as_str()).then_some(Endpoint::Subscribe),
        _ => path.strip_prefix("/xrpc/")?,
    };
    let found = match (method, name) {
        ("GET", "_health") => Endpoint::Health,
        ("POST", "com.atproto.server.createSession") => Endpoint::SessionMake,
        ("POST", "com.atproto.server.refreshSession") => Endpoint::SessionRenew,
        ("GET", "com.atproto.server.getSession") => Endpoint::SessionRead,
        ("POST", "com.atproto.server.deleteSession") => Endpoint::SessionEnd,
        ("POST", "com.atproto.repo.putRecord") => Endpoint::RecordPut,
        ("POST", "com.atproto.repo.createRecord") => Endpoint::RecordMake,
        ("GET", "com.atproto.repo.getRecord") => Endpoint::RecordRead,
        ("POST", "com.atproto.repo.deleteRecord") => Endpoint::RecordDelete,
        ("GET", "com.atproto.identity.resolveHandle") => Endpoint::HandleResolve,
        ("GET", "app.bsky.actor.getProfile") => Endpoint::Profile,
        ("GET", "app.bsky.actor.getProfiles") => Endpoint::Profiles,
        ("GET", "app.bsky.feed.getPosts") => Endpoint::Posts,
        ("GET", "app.bsky.feed.searchPosts") => Endpoint::Search,
        ("GET", "chat.bsky.convo.getConvoAvailability") => Endpoint::ConvoAvailability,
        ("GET", "chat.bsky.convo.getConvoForMembers") => Endpoint::ConvoForMembers,
        ("GET", "chat.bsky.convo.getConvo") => Endpoint::Convo,
        ("GET", "chat.bsky.convo.listConvos") => Endpoint::Convos,
        ("GET", "chat.bsky.convo.getMessages") => Endpoint::Messages,
        ("POST", "chat.bsky.convo.sendMessage") => Endpoint::MessageSend,
        ("GET", "chat.bsky.convo.getLog") => Endpoint::Log,
        _ => return None,
    };
    Some(found)
}

/// Answers one request.
pub(super) fn answer(state: &mut State, endpoint: Endpoint, call: &Call) -> Answer {
    if endpoint == Endpoint::Subscribe {
        return jetstream::connect(state, call);
    }
    if !state.bluesky.budget.ask(call.now) {
        return state.bluesky.budget.stamp(call.now, too_many());
    }
    let answer = handle(state, endpoint, call).unwrap_or_else(|refusal| refusal);
    state.bluesky.budget.stamp(call.now, answer)
}

fn handle(state: &mut State, endpoint: Endpoint, call: &Call) -> Result<Answer, Answer> {
    match endpoint {
        Endpoint::Health => Ok(Answer::json(200, json!({"version": "0.4"}))),
        Endpoint::Subscribe => Err(usual(400)),
        Endpoint::SessionMake => session::make(state, call),
        Endpoint::SessionRenew => session::renew(state, call),
        Endpoint::SessionRead => session::read(state, call),
        Endpoint::SessionEnd => session::end(state, call),
        Endpoint::RecordPut => repo::put(state, call),
        Endpoint::RecordMake => repo::make(state, call),
        Endpoint::RecordRead => repo::read(state, call),
        Endpoint::RecordDelete => repo::delete(state, call),
        Endpoint::HandleResolve => views::resolve(state, call),
        Endpoint::Profile => views::profile(state, call),
        Endpoint::Profiles => views::profiles(state, call),
        Endpoint::Posts => views::posts(state, call),
        Endpoint::Search => search::posts(state, call),
        Endpoint::ConvoAvailability
        | Endpoint::ConvoForMembers
        | Endpoint::Convo
        | Endpoint::Convos
        | Endpoint::Messages
        | Endpoint::MessageSend
        | Endpoint::Log => chat::answer(state, endpoint, call),
    }
}

fn refuse(status: u16, name: &str, message: &str) -> Answer {
    Answer::json(status, json!({"error": name, "message": message}))
}

fn invalid(message: &str) -> Answer {
    refuse(400, "InvalidRequest", message)
}

fn too_many() -> Answer {
    refuse(429, "RateLimitExceeded", "Rate Limit Exceeded")
}

/// The network's own words for a status that a fault or an unknown path brings.
pub(super) fn usual(status: u16) -> Answer {
    match status {
        401 => refuse(401, "AuthMissing", "Authentication Required"),
        404 => refuse(404, "XRPCNotSupported", "XRPCNotSupported"),
        429 => too_many(),
        500 => refuse(500, "InternalServerError", "Internal Server Error"),
        502 => refuse(502, "UpstreamFailure", "Upstream service unreachable"),
        503 => refuse(503, "NotEnoughResources", "Not Enough Resources"),
        _ => refuse(status, "InvalidRequest", &format!("status {status}")),
    }
}

/// A post was published, or a new version of one.
pub(super) fn posted(state: &mut State, id: u64, at: Timestamp) {
    let Some(post) = state.world.posts.get(&id) else { return };
    if post.reposts.is_some() {
        // A record of another collection, which nobody here asks for.
        return;
    }
    let first = post.history.first().copied().unwrap_or(id);
    let is_update = post.history.len() > 1;
    let author = post.author;
    let record = match state.bluesky.under_way.take() {
        Some((key, record)) => {
            state.bluesky.keys.insert(id, key);
            record
        }
        None => views::record(state, id),
    };
    let commit = json!({
        "rev": views::key_of_number(id),
        "operation": if is_update { "update" } else { "create" },
        "collection": POSTS,
        "rkey": views::key(state, first),
        "cid": views::cid(&record),
        "record": record,
    });
    jetstream::tell(state, author, "commit", &commit, at);
}

/// A post was taken back.
pub(super) fn withdrawn(state: &mut State, id: u64, at: Timestamp) {
    let Some(post) = state.world.posts.get(&id) else { return };
    let (author, first) = (post.author, post.history.first().copied().unwrap_or(id));
    let rev = state.world.next_id(at);
    let key = views::key(state, first);
    let commit = json!({"rev": views::key_of_number(rev), "operation": "delete", "collection": POSTS, "rkey": key});
    jetstream::tell(state, author, "commit", &commit, at);
}

/// An account was renamed, or is gone (`takendown`, `deleted`, …), or is back (`active`).
pub(super) fn account_changed(state: &mut State, person: u64, status: Option<&str>, at: Timestamp) {
    let did = views::did(person);
    let seq = state.world.next_id(at);
    match status {
        None => {
            let handle = views::handle_of(state, person);
            let said = json!({"did": did, "handle": handle, "seq": seq, "time": at.to_string()});
            jetstream::tell(state, person, "identity", &said, at);
        }
        Some(status) => {
            let is_active = status == "active";
            if is_active {
                state.bluesky.gone.remove(&person);
            } else {
                state.bluesky.gone.insert(person, status.to_owned());
            }
            let mut said = json!({"active": is_active, "did": did, "seq": seq, "time": at.to_string()});
            if !is_active {
                said["status"] = json!(status);
            }
            jetstream::tell(state, person, "account", &said, at);
        }
    }
}

/// A person wrote the brand a direct message.
pub(super) fn messaged(state: &mut State, id: u64, person: u64, text: &str, at: Timestamp) {
    state.bluesky.chat.receive(id, person, text, at);
}

/// Sends what is due by the clock alone.
pub(super) fn beat(state: &mut State, now: Timestamp) {
    jetstream::beat(state, now);
}

/// When [`beat`] has something to do next.
pub(super) fn next_beat(state: &State) -> Option<Timestamp> {
    jetstream::next_beat(&state.bluesky.jetstream)
}
