//! Endless answers: the filtered stream, one connection with one line per post, and what it has in common with the
//! Activity stream: a blank line every twenty quiet seconds, faults, and the bill for what left.

use std::collections::VecDeque;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use hyper::body::Frame;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::super::faults::{Faults, Kind};
use super::super::state::State;
use super::super::world::World;
use super::bill::Item;
use super::fields::{Choice, Place};
use super::render::render;
use super::{Answer, Body, Call, XApp, problem};

/// A reader this many pieces behind is cut off, as X does with slow readers.
const QUEUE: usize = 4_096;
const KEEP_ALIVE: SignedDuration = SignedDuration::from_secs(20);

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sim) enum Line {
    Posts,
    Activity,
}

impl Line {
    /// The name a fault is aimed with.
    pub(in crate::sim) fn target(self) -> &'static str {
        match self {
            Line::Posts => "stream",
            Line::Activity => "activity",
        }
    }

    /// X's own name.
    pub(super) fn endpoint(self) -> &'static str {
        match self {
            Line::Posts => "filtered_stream",
            Line::Activity => "activity_stream",
        }
    }

    /// Connections a pay-per-use app may hold.
    pub(in crate::sim) fn most(self) -> usize {
        match self {
            Line::Posts => 1,
            Line::Activity => 2,
        }
    }
}

/// What goes on the bill once it left: what it is, which one, and when.
pub(super) type Billed = (Item, u64, Timestamp);

/// What was sent on one connection and how much of it left. X bills what it delivered: a post that still waited here
/// when the line broke is on nobody's bill. Outlives the connection by what its writer still has.
#[derive(Debug, Default)]
pub(in crate::sim) struct Delivery {
    /// Pieces that the writer took.
    taken: AtomicU64,
    /// What is billed and whose last piece waits: that piece's number, and what it is.
    waiting: Mutex<VecDeque<(u64, Billed)>>,
}

impl Delivery {
    /// The writer took one more piece.
    pub(in crate::sim) fn take(&self) {
        self.taken.fetch_add(1, Ordering::SeqCst);
    }

    /// What left since this was asked last.
    fn left(&self) -> Vec<Billed> {
        let taken = self.taken.load(Ordering::SeqCst);
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let mut left = Vec::new();
        while waiting.front().is_some_and(|(piece, ..)| *piece <= taken)
            && let Some((_, billed)) = waiting.pop_front()
        {
            left.push(billed);
        }
        left
    }
}

/// Bytes on their way, and what is whole and billed once they arrive.
#[derive(Clone, Debug)]
struct Piece {
    bytes: Bytes,
    ends: Option<Billed>,
}

impl From<Bytes> for Piece {
    fn from(bytes: Bytes) -> Self {
        Self { bytes, ends: None }
    }
}

/// Somebody listening.
#[derive(Debug)]
pub(in crate::sim) struct Connection {
    pub(super) id: String,
    pub(in crate::sim) line: Line,
    pub(super) connected_at: Timestamp,
    sender: mpsc::Sender<Result<Frame<Bytes>, io::Error>>,
    delivery: Arc<Delivery>,
    /// Pieces given to the writer.
    sent: u64,
    choice: Choice,
    last_sent: Timestamp,
    /// The fault that keeps it silent.
    stalled: Option<String>,
    /// What came while it was silent.
    waiting: Vec<Piece>,
    /// A post that a fault sends after the next one.
    held: Option<Piece>,
}

impl Connection {
    pub(in crate::sim) fn is_open(&self) -> bool {
        !self.sender.is_closed()
    }

    /// For waiting until the other side has hung up.
    pub(in crate::sim) fn watch(&self) -> mpsc::Sender<Result<Frame<Bytes>, io::Error>> {
        self.sender.clone()
    }

    /// Sends bytes unless the connection is stalled; `false` if the reader is gone or too slow.
    fn send(&mut self, piece: impl Into<Piece>, now: Timestamp) -> bool {
        let piece = piece.into();
        if self.stalled.is_some() {
            self.waiting.push(piece);
            return self.waiting.len() < QUEUE;
        }
        self.last_sent = now;
        let number = self.sent + 1;
        if let Some(billed) = piece.ends {
            // Before the piece is: the writer may take it at once.
            self.delivery.waiting.lock().unwrap_or_else(PoisonError::into_inner).push_back((number, billed));
        }
        let is_sent = self.sender.try_send(Ok(Frame::data(piece.bytes))).is_ok();
        if is_sent {
            self.sent = number;
        } else if piece.ends.is_some() {
            self.delivery.waiting.lock().unwrap_or_else(PoisonError::into_inner).pop_back();
        }
        is_sent
    }

    /// Breaks the connection in the middle of the body.
    fn cut(&mut self) {
        let broken = io::Error::new(io::ErrorKind::ConnectionReset, "cut by a fault");
        // With the queue full the reader is gone in any case: dropping the sender ends the body.
        if let Err(refused) = self.sender.try_send(Err(broken)) {
            tracing::debug!(%refused, "the cut connection had already ended");
        }
    }

    fn resume(&mut self, now: Timestamp) -> bool {
        self.stalled = None;
        std::mem::take(&mut self.waiting).into_iter().all(|piece| self.send(piece, now))
    }
}

pub(super) fn connect(state: &mut State, call: &Call) -> Result<Answer, Answer> {
    let choice = Choice::read(&call.query, Place::Stream, state.x.names)?;
    if state.x.reads >= state.x.post_cap {
        return Err(problem::usage_capped());
    }
    if state.x.rules.is_empty() {
        return Err(Answer::json(
            409,
            json!({
                "title": "ConnectionException",
                "detail": "You must define rules using the POST /2/tweets/search/stream/rules endpoint before connecting to filtered stream.",
                "connection_issue": "RuleConfigurationIssue",
                "type": "https://api.twitter.com/2/problems/streaming-connection",
            }),
        ));
    }
    open(state, Line::Posts, choice, call.now)
}

/// Opens one more line of a kind, if the app may have it.
pub(super) fn open(state: &mut State, line: Line, choice: Choice, now: Timestamp) -> Result<Answer, Answer> {
    state.x.streams.retain(Connection::is_open);
    if state.x.streams.iter().filter(|connection| connection.line == line).count() >= line.most() {
        return Err(Answer::json(
            429,
            json!({
                "title": "ConnectionException",
                "detail": "This stream is currently at the maximum allowed connection limit.",
                "connection_issue": "TooManyConnections",
                "type": "https://api.x.com/2/problems/streaming-connection",
            }),
        ));
    }
    let (sender, receiver) = mpsc::channel(QUEUE);
    let delivery = Arc::new(Delivery::default());
    state.x.deliveries.push(Arc::clone(&delivery));
    let id = match line {
        Line::Posts => u128::from(state.world.next_id(now)),
        // Posts have the ids they would have without it.
        Line::Activity => {
            state.x.given_events += 1;
            u128::from(state.x.given_events) << 64
        }
    };
    state.x.streams.push(Connection {
        id: format!("{id:032x}"),
        line,
        connected_at: now,
        sender,
        delivery: Arc::clone(&delivery),
        sent: 0,
        choice,
        last_sent: now,
        stalled: None,
        waiting: Vec::new(),
        held: None,
    });
    apply_waiting_faults(&mut state.x, &mut state.faults, now);
    Ok(Answer { status: 200, headers: Vec::new(), body: Body::Stream(receiver, delivery) })
}

/// Faults that act on a connection as a whole rather than on a post.
pub(in crate::sim) fn apply_waiting_faults(x: &mut XApp, faults: &mut Faults, now: Timestamp) {
    x.streams.retain_mut(|connection| {
        // A fault that lasts acts once on each connection.
        let mut met: Vec<String> = Vec::new();
        while let Some(fault) = faults.take_unless(connection.line.target(), &met, Kind::is_for_connections) {
            met.push(fault.id.clone());
            match fault.kind {
                Kind::Stall if connection.stalled.is_none() => connection.stalled = Some(fault.id),
                Kind::Cut { .. } => {
                    connection.cut();
                    return false;
                }
                Kind::Disconnect { disconnect_type, close } => {
                    let heard = connection.send(disconnect_line(&disconnect_type), now);
                    if close || !heard {
                        return false;
                    }
                }
                Kind::Line { .. } | Kind::Giant { .. } | Kind::Garble => {
                    let line = match fault.kind {
                        Kind::Line { text } => text.into_bytes(),
                        Kind::Giant { bytes } => vec![b'x'; bytes],
                        _ => vec![0xff, 0xfe, 0x00],
                    };
                    if !connection.send(Bytes::from([&line, b"\r\n".as_slice()].concat()), now) {
                        return false;
                    }
                }
                _ => {}
            }
        }
        true
    });
}

/// Lets stalled connections go on: those that `fault` holds, or all.
pub(in crate::sim) fn resume(x: &mut XApp, fault: &str, now: Timestamp) -> usize {
    let mut resumed = 0;
    x.streams.retain_mut(|connection| {
        let meant = connection.stalled.as_ref().is_some_and(|by| fault == "all" || by == fault);
        if meant {
            resumed += 1;
            return connection.resume(now);
        }
        true
    });
    resumed
}

fn disconnect_line(disconnect_type: &str) -> Bytes {
    let line = json!({"errors": [{
        "title": "operational-disconnect",
        "disconnect_type": disconnect_type,
        "detail": "This stream has been disconnected upstream for operational reasons.",
        "type": "https://api.x.com/2/problems/operational-disconnect",
    }]});
    Bytes::from(format!("{line}\r\n"))
}

/// When the next blank line is due.
pub(in crate::sim) fn next_beat(x: &XApp) -> Option<Timestamp> {
    let quiet = x.streams.iter().filter(|connection| connection.stalled.is_none());
    quiet.filter_map(|connection| connection.last_sent.checked_add(KEEP_ALIVE).ok()).min()
}

/// Puts on the bill what was delivered since.
fn settle(x: &mut XApp) {
    let bill = &mut x.bill;
    x.deliveries.retain(|delivery| {
        // Nobody else has it: no more of it leaves. Asked before what left is read.
        let is_over = Arc::strong_count(delivery) == 1;
        for (item, id, at) in delivery.left() {
            bill.add(item, id, at);
        }
        !is_over
    });
}

/// Sends the blank lines that are due, puts what was delivered on the bill, and forgets who hung up.
pub(in crate::sim) fn beat(x: &mut XApp, now: Timestamp) {
    settle(x);
    end_where_nothing_is_left(x, now);
    x.streams.retain_mut(|connection| {
        if connection.stalled.is_none() && now.duration_since(connection.last_sent) >= KEEP_ALIVE {
            let held = connection.held.take();
            return held.is_none_or(|piece| connection.send(piece, now))
                && connection.send(Bytes::from_static(b"\r\n"), now);
        }
        connection.is_open()
    });
}

/// Delivers a new post to everybody whose rules it matches: once, with all the rules.
pub(in crate::sim) fn deliver(x: &mut XApp, world: &World, faults: &mut Faults, id: u64, now: Timestamp) {
    let Some(post) = world.visible(id) else { return };
    let seen = world.as_model(post);
    let matching: Vec<Value> = x
        .rules
        .iter()
        .filter(|rule| rule.rule.matches(&seen))
        .map(|rule| match &rule.tag {
            Some(tag) => json!({"id": rule.id.to_string(), "tag": tag}),
            None => json!({"id": rule.id.to_string()}),
        })
        .collect();
    if matching.is_empty() {
        return;
    }
    let names = x.names;
    let mut reads = 0;
    x.streams.retain_mut(|connection| {
        if connection.line != Line::Posts {
            return true;
        }
        let (data, includes) = render(world, &[post], &connection.choice, names);
        let mut line = json!({"data": data.into_iter().next(), "matching_rules": matching});
        if let Some(includes) = includes {
            line["includes"] = includes;
        }
        reads += 1;
        if faults.take("stream", |kind| *kind == Kind::Partial).is_some() {
            line["errors"] = json!([problem::not_found("tweet", "referenced_tweets.id", "1000000000000000001")]);
        }
        let bytes = Bytes::from(format!("{line}\r\n"));
        send_line(connection, faults, &bytes, Some((Item::PostRead, post.id, now)), now)
    });
    x.reads += reads;
    end_where_nothing_is_left(x, now);
}

/// One line to one listener, as the faults in force let it leave; `false` where the connection is over.
pub(super) fn send_line(
    connection: &mut Connection,
    faults: &mut Faults,
    bytes: &Bytes,
    ends: Option<Billed>,
    now: Timestamp,
) -> bool {
    let target = connection.line.target();
    if faults.take(target, |kind| matches!(kind, Kind::Cut { mid_line: true })).is_some() {
        connection.send(bytes.slice(..bytes.len() / 2), now);
        connection.cut();
        return false;
    }
    if connection.held.is_none() && faults.take(target, |kind| *kind == Kind::Reorder).is_some() {
        connection.held = Some(Piece { bytes: bytes.clone(), ends });
        return true;
    }
    let times = if faults.take(target, |kind| *kind == Kind::Duplicate).is_some() { 2 } else { 1 };
    let mut pieces: Vec<Piece> = if faults.take(target, |kind| *kind == Kind::Split).is_some() {
        split_inside_characters(bytes).into_iter().map(Piece::from).collect()
    } else {
        vec![bytes.clone().into()]
    };
    if let Some(last) = pieces.last_mut() {
        last.ends = ends;
    }
    let held = connection.held.take();
    for _ in 0..times {
        if !pieces.iter().all(|piece| connection.send(piece.clone(), now)) {
            return false;
        }
    }
    held.is_none_or(|piece| connection.send(piece, now))
}

/// Ends every connection once the plan's posts or its money are used up.
fn end_where_nothing_is_left(x: &mut XApp, now: Timestamp) {
    if x.reads >= x.post_cap || x.bill.is_out_of_credits() {
        for connection in &mut x.streams {
            connection.send(disconnect_line("OperationalDisconnect"), now);
        }
        x.streams.clear();
    }
}

/// Cuts into pieces: after the first byte of every character that has several, and every 40 bytes at least.
pub(in crate::sim) fn split_inside_characters(bytes: &Bytes) -> Vec<Bytes> {
    let mut pieces = Vec::new();
    let mut start = 0;
    for at in 1..bytes.len() {
        let inside = bytes[at] & 0xc0 == 0x80 && bytes[at - 1] >= 0xc0;
        if inside || at - start >= 40 {
            pieces.push(bytes.slice(start..at));
            start = at;
        }
    }
    pieces.push(bytes.slice(start..));
    pieces
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::split_inside_characters;

    #[test]
    fn pieces_end_inside_characters_and_lose_nothing() {
        let whole = Bytes::from("Größe 日本 👩‍💻 and a long plain tail that has nothing but letters in it at all");
        let pieces = split_inside_characters(&whole);
        assert_eq!(pieces.concat(), whole.to_vec());
        assert!(pieces.iter().filter(|piece| std::str::from_utf8(piece).is_err()).count() >= 6);
    }
}
