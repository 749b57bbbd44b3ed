//! Jetstream: every event of the network over one socket, replayed from a cursor.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use tokio::sync::mpsc;

use super::super::call::{Answer, Body, Call};
use super::super::faults::Kind;
use super::super::socket::{Line, Said};
use super::super::state::State;
use super::packer::Packer;
use super::{invalid, views};

/// Further back nothing is replayed; an older cursor is moved up without a word.
const LOOK_BACK: SignedDuration = SignedDuration::from_hours(36);
const PING: SignedDuration = SignedDuration::from_secs(30);
/// A reader that does not keep up is sent the rest as it reads.
const QUEUE: usize = 1_024;
const MOST_COLLECTIONS: usize = 100;

/// One thing that happened.
#[derive(Debug)]
struct Event {
    time_us: i64,
    did: String,
    /// Of commits alone.
    collection: Option<String>,
    json: String,
}

/// What was said, and who listens.
#[derive(Debug, Default)]
pub(super) struct Jetstream {
    events: Vec<Event>,
    listeners: Vec<Listener>,
    given: u64,
    packer: Packer,
}

/// Somebody listening.
#[derive(Debug)]
struct Listener {
    id: u64,
    said: mpsc::Sender<Said>,
    wish: Wish,
    /// The next event it gets.
    next: usize,
    last_sent: Timestamp,
    /// The fault that keeps it silent.
    stalled: Option<String>,
    /// An event that a fault sends after the one that follows it.
    held: Option<usize>,
    /// It asked for packed frames.
    is_packed: bool,
}

impl Listener {
    /// `false`: it is gone, or too slow.
    fn say(&self, packer: &mut Packer, text: &str) -> bool {
        let said = if self.is_packed {
            match packer.pack(text) {
                Ok(packed) => Said::Packed(packed),
                Err(error) => {
                    tracing::error!(%error, "the simulator cannot pack a frame");
                    return false;
                }
            }
        } else {
            Said::Text(text.to_owned())
        };
        self.said.try_send(said).is_ok()
    }
}

/// What a listener wants to hear; nothing in a list is everything.
#[derive(Clone, Debug, Default)]
struct Wish {
    collections: Vec<String>,
    dids: Vec<String>,
    /// 0: no limit.
    longest: usize,
    waits_for_hello: bool,
}

impl Wish {
    fn wants(&self, event: &Event) -> bool {
        let fits = |wanted: &String, name: &str| match wanted.strip_suffix('*') {
            Some(start) => name.starts_with(start),
            None => wanted == name,
        };
        let collection = match &event.collection {
            Some(name) => self.collections.is_empty() || self.collections.iter().any(|wanted| fits(wanted, name)),
            // Who is who is told to everybody.
            None => true,
        };
        collection
            && (self.dids.is_empty() || self.dids.contains(&event.did))
            && (self.longest == 0 || event.json.len() <= self.longest)
    }
}

pub(super) fn connect(state: &mut State, call: &Call) -> Answer {
    let all = |name: &str| -> Vec<String> {
        call.query.iter().filter(|(key, _)| key == name).map(|(_, value)| value.clone()).collect()
    };
    let wish = Wish {
        collections: all("wantedCollections"),
        dids: all("wantedDids"),
        longest: call.param("maxMessageSizeBytes").and_then(|size| size.parse().ok()).unwrap_or(0),
        waits_for_hello: call.param("requireHello") == Some("true"),
    };
    if call.header("user-agent").is_none() {
        return invalid("no user-agent sent with request");
    }
    if !call.is_upgrade {
        return invalid("this is a WebSocket");
    }
    if let Err(why) = check(&wish) {
        return invalid(&why);
    }
    let is_packed = call.param("compress") == Some("true")
        || call.header("socket-encoding").is_some_and(|encoding| encoding.contains("zstd"));
    let now = call.now;
    let jetstream = &mut state.bluesky.jetstream;
    let oldest = now.checked_sub(LOOK_BACK).unwrap_or(Timestamp::MIN).as_microsecond();
    let cursor = call.param("cursor").and_then(|cursor| cursor.parse::<i64>().ok());
    let next = match cursor.filter(|cursor| *cursor <= now.as_microsecond()) {
        Some(cursor) => jetstream.events.partition_point(|event| event.time_us < cursor.max(oldest)),
        None => jetstream.events.len(),
    };
    jetstream.given += 1;
    let id = jetstream.given;
    let (said, receiver) = mpsc::channel(QUEUE);
    jetstream.listeners.push(Listener { id, said, wish, next, last_sent: now, stalled: None, held: None, is_packed });
    apply_waiting_faults(state);
    pump(state, now);
    Answer { status: 101, headers: Vec::new(), body: Body::Socket(Line { id, said: receiver, heard }) }
}

fn check(wish: &Wish) -> Result<(), String> {
    if wish.collections.len() > MOST_COLLECTIONS {
        return Err("too many wanted collections".to_owned());
    }
    let is_name = |name: &String| {
        let name = name.strip_suffix('*').unwrap_or(name).trim_end_matches('.');
        name.split('.').count() >= 2 && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-'))
    };
    match wish.collections.iter().find(|name| !is_name(name)) {
        Some(wrong) => Err(format!("invalid collection: {wrong}")),
        None => Ok(()),
    }
}

/// What a client says: other wishes from now on.
fn heard(state: &mut State, id: u64, text: &str) {
    let said: Value = serde_json::from_str(text).unwrap_or(Value::Null);
    let Some(place) = state.bluesky.jetstream.listeners.iter().position(|listener| listener.id == id) else { return };
    if said["type"] != "options_update" {
        return;
    }
    let list = |name: &str| -> Vec<String> {
        let items = said["payload"][name].as_array().into_iter().flatten();
        items.filter_map(|item| item.as_str().map(str::to_owned)).collect()
    };
    let wish = Wish {
        collections: list("wantedCollections"),
        dids: list("wantedDids"),
        longest: usize::try_from(said["payload"]["maxMessageSizeBytes"].as_u64().unwrap_or(0)).unwrap_or(0),
        waits_for_hello: false,
    };
    match check(&wish) {
        Ok(()) => state.bluesky.jetstream.listeners[place].wish = wish,
        Err(reason) => {
            let gone = state.bluesky.jetstream.listeners.remove(place);
            close(&gone, reason);
        }
    }
}

fn close(listener: &Listener, reason: String) {
    if let Err(refused) = listener.said.try_send(Said::Close { code: 1001, reason }) {
        tracing::debug!(%refused, "the closed socket had already ended");
    }
}

/// A message of this length that says nothing.
fn giant(bytes: usize) -> String {
    format!("{{\"filler\":\"{}\"}}", "x".repeat(bytes))
}

/// Something happened to somebody; everybody hears of it.
pub(super) fn tell(state: &mut State, person: u64, kind: &str, content: &Value, at: Timestamp) {
    let did = views::did(person);
    let events = &mut state.bluesky.jetstream.events;
    let last = events.last().map_or(0, |event| event.time_us);
    let time_us = at.as_microsecond().max(last + 1);
    let collection = content.get("collection").and_then(Value::as_str).map(str::to_owned);
    let content = content.to_string();
    // As upstream writes it: whose it is comes first.
    let json = format!("{{\"did\":\"{did}\",\"time_us\":{time_us},\"kind\":\"{kind}\",\"{kind}\":{content}}}");
    events.push(Event { time_us, did, collection, json });
    pump(state, at);
}

/// Faults that act on a socket as a whole.
pub(in crate::sim) fn apply_waiting_faults(state: &mut State) {
    let State { bluesky, faults, .. } = state;
    let Jetstream { listeners, packer, .. } = &mut bluesky.jetstream;
    listeners.retain_mut(|listener| {
        // A fault that lasts acts once on each socket.
        let mut met: Vec<String> = Vec::new();
        while let Some(fault) = faults.take_unless("stream", &met, Kind::is_for_connections) {
            met.push(fault.id.clone());
            match fault.kind {
                Kind::Stall if listener.stalled.is_none() => listener.stalled = Some(fault.id),
                Kind::Cut { .. } => {
                    if let Err(refused) = listener.said.try_send(Said::Cut) {
                        tracing::debug!(%refused, "the cut socket had already ended");
                    }
                    return false;
                }
                Kind::Disconnect { close: true, .. } => {
                    self::close(listener, "server shutting down".to_owned());
                    return false;
                }
                Kind::Line { ref text } if !listener.say(packer, text) => return false,
                Kind::Giant { bytes } if !listener.say(packer, &giant(bytes)) => return false,
                // Neither a packed frame nor UTF-8 text.
                Kind::Garble if listener.said.try_send(Said::Packed(vec![0x28, 0xb5, 0x2f, 0xfd, 0xff])).is_err() => {
                    return false;
                }
                _ => {}
            }
        }
        true
    });
}

/// Lets silent sockets go on: those that `fault` holds, or all.
pub(in crate::sim) fn resume(state: &mut State, fault: &str, now: Timestamp) -> usize {
    let mut resumed = 0;
    for listener in &mut state.bluesky.jetstream.listeners {
        if listener.stalled.as_ref().is_some_and(|by| fault == "all" || by == fault) {
            listener.stalled = None;
            resumed += 1;
        }
    }
    pump(state, now);
    resumed
}

/// Sends everybody what they have not heard yet, as far as they read.
fn pump(state: &mut State, now: Timestamp) {
    let State { bluesky, faults, .. } = state;
    let Jetstream { events, listeners, packer, .. } = &mut bluesky.jetstream;
    listeners.retain_mut(|listener| {
        while listener.next < events.len() {
            if listener.stalled.is_some() || listener.wish.waits_for_hello {
                return !listener.said.is_closed();
            }
            // Room for an event twice and one that was held back.
            if listener.said.capacity() < 4 {
                return !listener.said.is_closed();
            }
            let place = listener.next;
            listener.next += 1;
            let event = &events[place];
            if !listener.wish.wants(event) {
                continue;
            }
            let is_post = event.collection.is_some();
            if is_post && faults.take("stream", |kind| matches!(kind, Kind::Cut { mid_line: true })).is_some() {
                // The event is lost with the socket; it comes again from the cursor.
                if let Err(refused) = listener.said.try_send(Said::Cut) {
                    tracing::debug!(%refused, "the cut socket had already ended");
                }
                return false;
            }
            if is_post && listener.held.is_none() && faults.take("stream", |kind| *kind == Kind::Reorder).is_some() {
                listener.held = Some(place);
                continue;
            }
            let twice = is_post && faults.take("stream", |kind| *kind == Kind::Duplicate).is_some();
            let held = listener.held.take();
            let order = [Some(place), twice.then_some(place), held];
            for event in order.into_iter().flatten().filter_map(|place| events.get(place)) {
                if !listener.say(packer, &event.json) {
                    return false;
                }
            }
            listener.last_sent = now;
        }
        !listener.said.is_closed()
    });
}

/// Sends pings that are due, and what a slow reader has room for now.
pub(super) fn beat(state: &mut State, now: Timestamp) {
    pump(state, now);
    for listener in &mut state.bluesky.jetstream.listeners {
        if listener.stalled.is_none() && now.duration_since(listener.last_sent) >= PING {
            listener.last_sent = now;
            if let Err(refused) = listener.said.try_send(Said::Ping) {
                tracing::debug!(%refused, "nobody reads the ping");
            }
        }
    }
}

pub(super) fn next_beat(jetstream: &Jetstream) -> Option<Timestamp> {
    let quiet = jetstream.listeners.iter().filter(|listener| listener.stalled.is_none());
    quiet
        .filter_map(|listener| {
            let waits = listener.next < jetstream.events.len() && !listener.wish.waits_for_hello;
            if waits { Some(listener.last_sent) } else { listener.last_sent.checked_add(PING).ok() }
        })
        .min()
}
