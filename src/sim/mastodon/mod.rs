//! A Mastodon server as its users' programs meet it: REST, streams over WebSocket and server-sent events, OAuth, limits
//! and refusals. Each file is one corner.
//!
//! People of even numbers live on another server and are named with its host. Post ids are Mastodon's kind of numbers:
//! milliseconds in the upper bits.

mod auth;
mod read;
mod render;
mod streams;
mod write;

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};

use super::call::{Answer, Call};
use super::state::State;
use super::world;

pub(super) use streams::{beat, next_beat};

/// The server's own name, and the one of the other half of the people.
pub(super) const DOMAIN: &str = "mastodon.example";
pub(super) const ELSEWHERE: &str = "social.example";

/// The digits of ids with letters.
const LETTERS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const WINDOW: SignedDuration = SignedDuration::from_mins(5);

/// What of the simulator only this network has.
#[derive(Debug, Default)]
pub(super) struct Instance {
    manner: Manner,
    auth: auth::Grants,
    lines: streams::Lines,
    /// The newest version of each post, by its first.
    newest: BTreeMap<u64, u64>,
    /// Posts that are not on public timelines, by their first version.
    quiet: BTreeMap<u64, &'static str>,
    directs: Vec<write::Direct>,
    notifications: Vec<Notification>,
    /// Keys of requests that wrote something, and what.
    keys: BTreeMap<String, (Timestamp, Value)>,
    window: Option<(Timestamp, u64)>,
}

/// Somebody named the brand.
#[derive(Clone, Debug)]
struct Notification {
    id: u64,
    what: Named,
    at: Timestamp,
}

/// What named the brand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Named {
    Post(u64),
    /// By its place among the direct posts.
    Direct(usize),
}

/// How this server differs from others of its interface.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Manner {
    /// A request that comes twice with one key writes twice.
    ignores_keys: bool,
    /// A limit's end is written in seconds since 1970 rather than as a time.
    reset_in_seconds: bool,
    /// What is wrong with a request is 400, not 422.
    says_400: bool,
    /// There is no WebSocket, only server-sent events.
    has_no_socket: bool,
    /// There are no server-sent events, only the WebSocket.
    has_no_events: bool,
    /// Ids are of letters and digits, as GoToSocial's are; nothing may be read into them.
    letters_in_ids: bool,
    /// It says little of itself: an old server, or one of another make.
    says_little: bool,
    /// The administrators closed the public stream.
    closed: bool,
    max_characters: u64,
    /// Questions a token may ask within [`WINDOW`].
    most_questions: u64,
    /// Below which path of this address it streams.
    streams_at: String,
    /// The token is worth nothing any more.
    revoked: bool,
}

impl Default for Manner {
    fn default() -> Self {
        Self {
            ignores_keys: false,
            reset_in_seconds: false,
            says_400: false,
            has_no_socket: false,
            has_no_events: false,
            letters_in_ids: false,
            says_little: false,
            closed: false,
            max_characters: 500,
            most_questions: 300,
            streams_at: String::new(),
            revoked: false,
        }
    }
}

/// Takes the manner over, from `/_sim/mastodon`. Lines that stand under another rule are ended.
pub(super) fn behave(state: &mut State, manner: Manner) -> Value {
    let ends = state.mastodon.manner.streams_at != manner.streams_at || manner.revoked || manner.has_no_socket;
    state.mastodon.manner = manner;
    if ends {
        state.mastodon.lines.end_all();
    }
    json!({"lines": state.mastodon.lines.count()})
}

/// The endpoints that are there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Endpoint {
    About,
    Metadata,
    Apps,
    Page,
    Token,
    Revoke,
    Me,
    Relationships,
    AccountPosts,
    Write,
    Status,
    Context,
    Timeline,
    Notifications,
    Conversations,
    Search,
    Socket,
    Events,
}

impl Endpoint {
    /// The name a fault is aimed with.
    pub(super) fn target(self) -> &'static str {
        match self {
            Endpoint::About | Endpoint::Metadata => "instance",
            Endpoint::Apps | Endpoint::Page | Endpoint::Token | Endpoint::Revoke => "oauth",
            Endpoint::Me | Endpoint::Relationships => "users",
            Endpoint::Write => "posts",
            Endpoint::Status | Endpoint::Context => "threads",
            Endpoint::AccountPosts | Endpoint::Timeline | Endpoint::Notifications => "timelines",
            Endpoint::Conversations => "dms",
            Endpoint::Search => "search",
            Endpoint::Socket | Endpoint::Events => "stream",
        }
    }

    /// It stays open; faults act on what it delivers.
    pub(super) fn is_stream(self) -> bool {
        matches!(self, Endpoint::Socket | Endpoint::Events)
    }

    /// Whether a token must come along.
    fn is_open(self) -> bool {
        matches!(
            self,
            Endpoint::About | Endpoint::Metadata | Endpoint::Apps | Endpoint::Page | Endpoint::Token | Endpoint::Revoke
        )
    }
}

/// The endpoint of a request.
pub(super) fn route(method: &str, path: &str) -> Option<Endpoint> {
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    // A server may stream below another path.
    if let ("GET", Some(at)) = (method, path.find("/api/v1/streaming")) {
        let rest = &path[at + "/api/v1/streaming".len()..];
        return Some(if rest.is_empty() { Endpoint::Socket } else { Endpoint::Events });
    }
    Some(match (method, parts.as_slice()) {
        ("GET", ["api", "v1" | "v2", "instance"]) => Endpoint::About,
        ("GET", [".well-known", "oauth-authorization-server"]) => Endpoint::Metadata,
        ("POST", ["api", "v1", "apps"]) => Endpoint::Apps,
        ("GET" | "POST", ["oauth", "authorize"]) => Endpoint::Page,
        ("POST", ["oauth", "token"]) => Endpoint::Token,
        ("POST", ["oauth", "revoke"]) => Endpoint::Revoke,
        ("GET", ["api", "v1", "accounts", "verify_credentials"]) => Endpoint::Me,
        ("GET", ["api", "v1", "accounts", "relationships"]) => Endpoint::Relationships,
        ("GET", ["api", "v1", "accounts", _, "statuses"]) => Endpoint::AccountPosts,
        ("POST", ["api", "v1", "statuses"]) => Endpoint::Write,
        ("GET", ["api", "v1", "statuses", _]) => Endpoint::Status,
        ("GET", ["api", "v1", "statuses", _, "context"]) => Endpoint::Context,
        ("GET", ["api", "v1", "timelines", "public"] | ["api", "v1", "timelines", "tag", _]) => Endpoint::Timeline,
        ("GET", ["api", "v1", "notifications"]) => Endpoint::Notifications,
        ("GET", ["api", "v1", "conversations"]) => Endpoint::Conversations,
        ("GET", ["api", "v2", "search"]) => Endpoint::Search,
        _ => return None,
    })
}

/// Answers one request.
pub(super) fn answer(state: &mut State, endpoint: Endpoint, call: &Call) -> Answer {
    if call.header("user-agent").is_none_or(str::is_empty) {
        return Answer::json(418, json!({"error": "I'm a teapot: no user-agent sent with request"}));
    }
    if !endpoint.is_open() {
        if let Err(refusal) = auth::check(state, call) {
            return refusal;
        }
        if !endpoint.is_stream() && !spend(state, call.now) {
            let refusal = Answer::json(429, json!({"error": "Too many requests"}));
            return stamp(state, call.now, refusal);
        }
    }
    let answer = match endpoint {
        Endpoint::About => about(state, call),
        Endpoint::Metadata => auth::metadata(call),
        Endpoint::Apps => auth::register(state, call),
        Endpoint::Page => auth::page(state, call),
        Endpoint::Token => auth::token(state, call),
        Endpoint::Revoke => auth::revoke(state, call),
        Endpoint::Me => Answer::json(200, render::account(state, state.world.brand.id)),
        Endpoint::Relationships => read::relationships(state, call),
        Endpoint::AccountPosts => read::account_posts(state, call),
        Endpoint::Write => write::create(state, call),
        Endpoint::Status => read::one(state, call),
        Endpoint::Context => read::context(state, call),
        Endpoint::Timeline => read::timeline(state, call),
        Endpoint::Notifications => read::notifications(state, call),
        Endpoint::Conversations => read::conversations(state),
        Endpoint::Search => read::search(state, call),
        Endpoint::Socket | Endpoint::Events => return streams::connect(state, call),
    };
    if endpoint.is_open() { answer } else { stamp(state, call.now, answer) }
}

/// Counts a question; `false` where none is left.
fn spend(state: &mut State, now: Timestamp) -> bool {
    let window = &mut state.mastodon.window;
    let (end, asked) = match window {
        Some((end, asked)) if *end > now => (*end, *asked),
        _ => (now.checked_add(WINDOW).unwrap_or(now), 0),
    };
    *window = Some((end, asked + 1));
    asked < state.mastodon.manner.most_questions
}

/// Says how many questions are left.
fn stamp(state: &State, now: Timestamp, answer: Answer) -> Answer {
    let (end, asked) = state.mastodon.window.unwrap_or((now, 0));
    let manner = &state.mastodon.manner;
    limits(manner, answer, manner.most_questions.saturating_sub(asked), end)
}

fn limits(manner: &Manner, answer: Answer, left: u64, end: Timestamp) -> Answer {
    let end = if manner.reset_in_seconds { end.as_second().to_string() } else { end.to_string() };
    answer
        .with("x-ratelimit-limit", manner.most_questions)
        .with("x-ratelimit-remaining", left)
        .with("x-ratelimit-reset", end)
}

/// A refusal that a fault brings, with the end of its limit in this server's manner. Neither says `Retry-After`.
pub(super) fn limited(state: &State, answer: Answer, end: Timestamp) -> Answer {
    limits(&state.mastodon.manner, answer, 0, end)
}

fn about(state: &State, call: &Call) -> Answer {
    let manner = &state.mastodon.manner;
    let base = call.origin.replacen("http", "ws", 1);
    if manner.says_little {
        if call.path.contains("/v2/") {
            return usual(404);
        }
        return Answer::json(
            200,
            json!({"uri": DOMAIN, "title": "An old server", "version": "4.2.0 (compatible)",
            "max_toot_chars": manner.max_characters, "urls": {"streaming_api": format!("{base}{}", manner.streams_at)}}),
        );
    }
    let feeds = if manner.closed { "disabled" } else { "authenticated" };
    Answer::json(
        200,
        json!({
            "domain": DOMAIN, "uri": DOMAIN, "title": "A simulated server", "version": "4.5.3",
            "urls": {"streaming_api": format!("{base}{}", manner.streams_at)},
            "configuration": {
                "urls": {"streaming": format!("{base}{}", manner.streams_at)},
                "statuses": {"max_characters": manner.max_characters, "characters_reserved_per_url": 23},
                "timelines_access": {
                    "live_feeds": {"local": feeds, "remote": feeds},
                    "hashtag_feeds": {"local": "public", "remote": "public"},
                },
            },
        }),
    )
}

/// What is wrong with a request, as this server says it.
fn invalid(state: &State, words: &str) -> Answer {
    Answer::json(if state.mastodon.manner.says_400 { 400 } else { 422 }, json!({"error": words}))
}

/// The network's own words for a status that a fault or an unknown path brings.
pub(super) fn usual(status: u16) -> Answer {
    let words = match status {
        401 => "The access token is invalid",
        403 => "This action is not allowed",
        404 => "Record not found",
        422 => "Validation failed",
        429 => "Too many requests",
        503 => "There was a temporary problem serving your request, please try again",
        _ => "Something went wrong",
    };
    Answer::json(status, json!({"error": words}))
}

/// The server's id of a post of the world.
fn status_id(state: &State, id: u64) -> String {
    let millis = u64::try_from(world::time_of(id).as_millisecond()).unwrap_or(0);
    let low = id & 0xffff;
    if !state.mastodon.manner.letters_in_ids {
        return ((millis << 16) | low).to_string();
    }
    // A ULID: ten digits of the time, sixteen that tell two of one moment apart.
    let digit = |number: u64, place: u32| char::from(LETTERS[usize::try_from(number >> (place * 5) & 31).unwrap_or(0)]);
    let time = (0..10).rev().map(|place| digit(millis, place));
    time.chain((0..16).rev().map(|place| if place < 12 { digit(low, place) } else { '0' })).collect()
}

/// The post of the world behind an id of the server's.
fn world_id(id: &str) -> Option<u64> {
    let (millis, low) = if id.len() == 26 {
        let number = |letters: &str| {
            letters.bytes().try_fold(0_u64, |number, byte| {
                let digit = LETTERS.iter().position(|letter| *letter == byte)?;
                Some(number << 5 | u64::try_from(digit).ok()?)
            })
        };
        (number(id.get(..10)?)?, number(id.get(14..)?)?)
    } else {
        let id: u64 = id.parse().ok()?;
        (id >> 16, id & 0xffff)
    };
    let at = Timestamp::from_millisecond(i64::try_from(millis).ok()?).ok()?;
    Some(world::id_at(at) | (low & 0xffff))
}

/// A post was published, or a new version of one.
pub(super) fn posted(state: &mut State, id: u64, at: Timestamp) {
    let Some(post) = state.world.posts.get(&id) else { return };
    let first = post.history.first().copied().unwrap_or(id);
    let is_edit = state.mastodon.newest.insert(first, id).is_some();
    let names_us = post.author != state.world.brand.id
        && (render::named(&state.world, &post.text).contains(&state.world.brand.id)
            || post
                .reply_to
                .and_then(|to| state.world.posts.get(&to))
                .is_some_and(|to| to.author == state.world.brand.id));
    if names_us && !is_edit {
        notify(state, Named::Post(first), at);
    }
    streams::deliver(state, first, is_edit, at);
}

fn notify(state: &mut State, what: Named, at: Timestamp) {
    let id = state.mastodon.notifications.len() as u64 + 1_000;
    state.mastodon.notifications.push(Notification { id, what, at });
    streams::notify(state, state.mastodon.notifications.len() - 1, at);
}

/// A post was taken back.
pub(super) fn withdrawn(state: &mut State, id: u64, at: Timestamp) {
    let first = state.world.posts.get(&id).and_then(|post| post.history.first().copied()).unwrap_or(id);
    streams::delete(state, &status_id(state, first), at);
}

/// A person wrote the brand a direct message.
pub(super) fn messaged(state: &mut State, id: u64, person: u64, text: &str, at: Timestamp) {
    let text = format!("@{} {text}", state.world.brand.handle);
    let brand = state.world.brand.id;
    state.mastodon.directs.push(write::Direct { id, author: person, with: brand, text, at, reply_to: None });
    notify(state, Named::Direct(state.mastodon.directs.len() - 1), at);
}

/// The hashtags of a text, in lower case.
fn tags(text: &str) -> BTreeSet<String> {
    world::hashtags(text).into_iter().map(|span| span.word.to_lowercase()).collect()
}
