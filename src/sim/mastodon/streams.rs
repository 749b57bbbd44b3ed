//! Streams: over one WebSocket, asked for one by one, or each as server-sent events.

use std::collections::BTreeSet;
use std::io;

use bytes::Bytes;
use hyper::body::Frame;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::super::call::{Answer, Body, Call};
use super::super::faults::{Faults, Kind};
use super::super::socket::{Line, Said};
use super::super::state::State;
use super::{read, render, tags};

/// A reader this many messages behind is cut off.
const QUEUE: usize = 4_096;
/// Signs of life on a WebSocket, and in events.
const PING: SignedDuration = SignedDuration::from_secs(30);
const THUMP: SignedDuration = SignedDuration::from_secs(15);

/// Who listens.
#[derive(Debug, Default)]
pub(super) struct Lines {
    given: u64,
    open: Vec<Listener>,
}

impl Lines {
    pub(super) fn end_all(&mut self) {
        self.open.clear();
    }

    pub(super) fn count(&self) -> usize {
        self.open.len()
    }
}

#[derive(Debug)]
enum Out {
    Socket(mpsc::Sender<Said>),
    Events(mpsc::Sender<Result<Frame<Bytes>, io::Error>>),
}

/// Somebody listening.
#[derive(Debug)]
struct Listener {
    id: u64,
    out: Out,
    /// `public`, `hashtag/acme`, …
    streams: BTreeSet<String>,
    last_sent: Timestamp,
    /// The fault that keeps it silent.
    stalled: Option<String>,
    waiting: Vec<(String, String, String)>,
    /// A message that a fault sends after the next one.
    held: Option<(String, String, String)>,
}

impl Listener {
    fn is_open(&self) -> bool {
        match &self.out {
            Out::Socket(out) => !out.is_closed(),
            Out::Events(out) => !out.is_closed(),
        }
    }

    /// `false`: the reader is gone or too slow.
    fn send(&mut self, stream: &str, event: &str, payload: &str, now: Timestamp) -> bool {
        if self.stalled.is_some() {
            self.waiting.push((stream.to_owned(), event.to_owned(), payload.to_owned()));
            return self.waiting.len() < QUEUE;
        }
        self.last_sent = now;
        match &self.out {
            Out::Socket(out) => {
                let names: Vec<&str> = stream.split('/').collect();
                let text = json!({"stream": names, "event": event, "payload": payload}).to_string();
                out.try_send(Said::Text(text)).is_ok()
            }
            Out::Events(out) => {
                let text = format!("event: {event}\ndata: {payload}\n\n");
                out.try_send(Ok(Frame::data(Bytes::from(text)))).is_ok()
            }
        }
    }

    fn raw(&self, text: &str) -> bool {
        match &self.out {
            Out::Socket(out) => out.try_send(Said::Text(text.to_owned())).is_ok(),
            Out::Events(out) => out.try_send(Ok(Frame::data(Bytes::from(format!("{text}\n\n"))))).is_ok(),
        }
    }

    /// A frame that is no text.
    fn garbled(&self) -> bool {
        let bytes = vec![0xff, 0xfe, 0x00, 0xff];
        match &self.out {
            Out::Socket(out) => out.try_send(Said::Packed(bytes)).is_ok(),
            Out::Events(out) => {
                let line = [b"data: ".as_slice(), &bytes, b"\n\n"].concat();
                out.try_send(Ok(Frame::data(Bytes::from(line)))).is_ok()
            }
        }
    }

    fn cut(&self) {
        let sent = match &self.out {
            Out::Socket(out) => out.try_send(Said::Cut).is_ok(),
            Out::Events(out) => {
                out.try_send(Err(io::Error::new(io::ErrorKind::ConnectionReset, "cut by a fault"))).is_ok()
            }
        };
        if !sent {
            tracing::debug!("the cut line had already ended");
        }
    }
}

pub(super) fn connect(state: &mut State, call: &Call) -> Answer {
    let manner = &state.mastodon.manner;
    let Some((before, rest)) = call.path.split_once("/api/v1/streaming") else { return super::usual(404) };
    if before != manner.streams_at {
        return super::usual(404);
    }
    if rest == "/health" {
        return Answer { status: 200, headers: Vec::new(), body: Body::Html("OK".to_owned()) };
    }
    let mut streams = BTreeSet::new();
    let asked = if rest.is_empty() {
        call.param("stream").unwrap_or_default().to_owned()
    } else {
        rest.trim_matches('/').replace('/', ":")
    };
    if !asked.is_empty() {
        match stream(&asked, call.param("tag"), manner.closed) {
            Ok(stream) => {
                streams.insert(stream);
            }
            Err(words) => return Answer::json(400, json!({"error": words})),
        }
    }
    if !rest.is_empty() && manner.has_no_events || rest.is_empty() && (manner.has_no_socket || !call.is_upgrade) {
        return super::usual(404);
    }
    state.mastodon.lines.given += 1;
    let id = state.mastodon.lines.given;
    let (out, body) = if rest.is_empty() {
        let (out, said) = mpsc::channel(QUEUE);
        (Out::Socket(out), Body::Socket(Line { id, said, heard }))
    } else {
        let (out, pieces) = mpsc::channel(QUEUE);
        if out.try_send(Ok(Frame::data(Bytes::from_static(b":)\n")))).is_err() {
            tracing::debug!("a line of events ended as it began");
        }
        (Out::Events(out), Body::Events(pieces))
    };
    state.mastodon.lines.open.push(Listener {
        id,
        out,
        streams,
        last_sent: call.now,
        stalled: None,
        waiting: Vec::new(),
        held: None,
    });
    Answer { status: 200, headers: Vec::new(), body }
}

/// A stream by the interface's name of it, as it is kept here.
fn stream(name: &str, tag: Option<&str>, is_closed: bool) -> Result<String, &'static str> {
    match (name, tag) {
        ("public" | "public:local" | "public:remote", _) if is_closed => Err("This feed is disabled"),
        ("user" | "user:notification" | "direct" | "public" | "public:local" | "public:remote", _) => {
            Ok(name.to_owned())
        }
        ("hashtag" | "hashtag:local", Some(tag)) if !tag.is_empty() => Ok(format!("{name}/{}", tag.to_lowercase())),
        ("hashtag" | "hashtag:local", _) => Err("No tag for stream provided"),
        _ => Err("Unknown stream type"),
    }
}

/// The client asks for a stream, or for no more of one.
fn heard(state: &mut State, id: u64, text: &str) {
    let is_closed = state.mastodon.manner.closed;
    let Some(listener) = state.mastodon.lines.open.iter_mut().find(|listener| listener.id == id) else { return };
    let order: Value = serde_json::from_str(text).unwrap_or_default();
    let name = order["stream"].as_str().unwrap_or_default();
    match (order["type"].as_str(), stream(name, order["tag"].as_str(), is_closed)) {
        (Some("subscribe"), Ok(stream)) => {
            listener.streams.insert(stream);
        }
        (Some("unsubscribe"), Ok(stream)) => {
            listener.streams.remove(&stream);
        }
        (_, Err(words)) => {
            listener.raw(&json!({"error": words, "status": 400}).to_string());
        }
        _ => {
            listener.raw(&json!({"error": "Invalid message", "status": 400}).to_string());
        }
    }
}

/// Lets stalled lines go on, breaks those a fault is for, sends signs of life, forgets who hung up.
pub(in crate::sim) fn beat(state: &mut State, now: Timestamp) {
    let State { mastodon, faults, .. } = state;
    mastodon.lines.open.retain_mut(|listener| listener.is_open() && tend(listener, faults, now));
}

fn tend(listener: &mut Listener, faults: &mut Faults, now: Timestamp) -> bool {
    if let Some(fault) = &listener.stalled {
        if faults.is_holding(fault) {
            return true;
        }
        listener.stalled = None;
        let waiting = std::mem::take(&mut listener.waiting);
        if !waiting.into_iter().all(|(stream, event, payload)| listener.send(&stream, &event, &payload, now)) {
            return false;
        }
    }
    // A fault that lasts acts once on each line at a time.
    if let Some(fault) = faults.take("stream", Kind::is_for_connections) {
        match fault.kind {
            Kind::Stall => {
                faults.hold(&fault.id);
                if let Out::Socket(out) = &listener.out
                    && out.try_send(Said::Silence).is_err()
                {
                    return false;
                }
                listener.stalled = Some(fault.id);
                return true;
            }
            Kind::Line { text } => return listener.raw(&text),
            Kind::Giant { bytes } => return listener.raw(&format!("data: {}", "x".repeat(bytes))),
            Kind::Garble => return listener.garbled(),
            Kind::Disconnect { .. } => {
                if let Out::Socket(out) = &listener.out {
                    let close = Said::Close { code: 1001, reason: "server shutting down".to_owned() };
                    if out.try_send(close).is_err() {
                        tracing::debug!("the closed line had already ended");
                    }
                }
                return false;
            }
            _ => {
                listener.cut();
                return false;
            }
        }
    }
    let quiet = now.duration_since(listener.last_sent);
    match &listener.out {
        Out::Socket(out) if quiet >= PING => {
            listener.last_sent = now;
            out.try_send(Said::Ping).is_ok()
        }
        Out::Events(out) if quiet >= THUMP => {
            listener.last_sent = now;
            out.try_send(Ok(Frame::data(Bytes::from_static(b":thump\n")))).is_ok()
        }
        _ => true,
    }
}

/// When [`beat`] has something to do next.
pub(in crate::sim) fn next_beat(state: &State) -> Option<Timestamp> {
    state.mastodon.lines.open.iter().filter_map(|listener| listener.last_sent.checked_add(THUMP).ok()).min()
}

/// Sends a message to everybody who listens to one of these streams, once for each of the streams.
fn send(state: &mut State, streams: &[String], event: &str, payload: &str, now: Timestamp) {
    let State { mastodon, faults, .. } = state;
    mastodon.lines.open.retain_mut(|listener| {
        for stream in streams {
            if !listener.streams.contains(stream) {
                continue;
            }
            let only_posts = |wanted: fn(&Kind) -> bool| move |kind: &Kind| wanted(kind);
            if event == "update"
                && faults.take("stream", only_posts(|kind| matches!(kind, Kind::Cut { mid_line: true }))).is_some()
            {
                listener.cut();
                return false;
            }
            if event == "update"
                && listener.held.is_none()
                && faults.take("stream", only_posts(|kind| *kind == Kind::Reorder)).is_some()
            {
                listener.held = Some((stream.clone(), event.to_owned(), payload.to_owned()));
                continue;
            }
            let twice =
                event == "update" && faults.take("stream", only_posts(|kind| *kind == Kind::Duplicate)).is_some();
            for _ in 0..=usize::from(twice) {
                if !listener.send(stream, event, payload, now) {
                    return false;
                }
            }
            if let Some((stream, event, payload)) = listener.held.take()
                && !listener.send(&stream, &event, &payload, now)
            {
                return false;
            }
        }
        true
    });
}

/// Delivers a post, or a new version of one, to the streams it belongs to.
pub(super) fn deliver(state: &mut State, first: u64, is_edit: bool, now: Timestamp) {
    let newest = state.mastodon.newest.get(&first).copied().unwrap_or(first);
    let (Some(post), Some(status)) = (state.world.visible(newest), render::status(state, first)) else { return };
    let mut streams = Vec::new();
    let is_here =
        state.world.people.get(&post.author).is_some_and(|author| render::host(author, &state.world) == super::DOMAIN);
    if post.author == state.world.brand.id {
        streams.push("user".to_owned());
    }
    let is_quiet = state.mastodon.quiet.contains_key(&first);
    if read::is_on_public(state, post) && !state.mastodon.manner.closed {
        streams.push("public".to_owned());
        streams.push(if is_here { "public:local".to_owned() } else { "public:remote".to_owned() });
    }
    if !is_quiet && post.reposts.is_none() {
        for tag in tags(&post.text) {
            streams.push(format!("hashtag/{tag}"));
            if is_here {
                streams.push(format!("hashtag:local/{tag}"));
            }
        }
    }
    let event = if is_edit { "status.update" } else { "update" };
    send(state, &streams, event, &status.to_string(), now);
}

/// A direct post of ours.
pub(super) fn own(state: &mut State, status: &Value, now: Timestamp) {
    send(state, &["user".to_owned()], "update", &status.to_string(), now);
}

/// Tells that somebody named the brand.
pub(super) fn notify(state: &mut State, place: usize, now: Timestamp) {
    let Some(notification) = read::notification(state, place) else { return };
    send(state, &["user".to_owned()], "notification", &notification.to_string(), now);
    if notification["status"]["visibility"] == "direct" {
        let conversation = json!({"id": "1", "last_status": notification["status"]});
        send(state, &["direct".to_owned()], "conversation", &conversation.to_string(), now);
    }
}

/// Tells everybody of a deletion.
pub(super) fn delete(state: &mut State, id: &str, now: Timestamp) {
    let State { mastodon, .. } = state;
    mastodon.lines.open.retain_mut(|listener| {
        let streams: Vec<String> = listener.streams.iter().cloned().collect();
        streams.iter().all(|stream| listener.send(stream, "delete", id, now))
    });
}
