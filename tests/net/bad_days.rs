//! Bad days between us and X: somebody else's pages, limits that lie, rules deleted behind our back, an account that
//! is called otherwise, answers without an end. Each has its word, and nothing is missed or sent twice for it.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use replydeck::model::{LinkReport, LinkState};
use replydeck::net::x::XNetwork;
use replydeck::net::x::pace::Pace;
use replydeck::net::{Inbound, Network, SendError};
use serde_json::json;
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::rig::{FakeX, PACE, RULES, Rig, clock, next, next_post, outgoing, post_json, settings};
use crate::server::{Answer, Server};

const DAY: SignedDuration = SignedDuration::from_hours(24);

fn page(status: u16, title: &str) -> Answer {
    Answer::Whole {
        status,
        headers: vec![("content-type", "text/html; charset=utf-8".into())],
        body: format!("<!doctype html><html><head><title>{title}</title></head><body>Sign in first</body></html>"),
    }
}

fn noted(words: &'static str) -> impl Fn(&LinkReport) -> bool {
    move |report| report.note.as_ref().is_some_and(|note| note.contains(words))
}

async fn sends(answers: Vec<Answer>) -> (Server, XNetwork) {
    let mut answers = answers.into_iter();
    let server = Server::start(move |_| answers.next().unwrap_or(Answer::Nothing)).await;
    let network = XNetwork::with_pace(settings(&server.url), clock(), 7, &PACE).unwrap();
    (server, network)
}

#[tokio::test]
async fn a_portals_page_is_never_taken_for_the_stream() {
    for status in [200, 403] {
        // Once in the place of the rules, once in that of the stream.
        for is_stream in [true, false] {
            let mut x = FakeX::default();
            if is_stream {
                x.streams.push_back(page(status, "Hotel network"));
            } else {
                x.others.push_back((RULES, page(status, "Hotel network")));
            }
            let _stream = x.stream();
            let (mut rig, [mut slow]) = Rig::start(x, [("slow", "slow")], &PACE, |_| {}).await;
            let back = rig.link(|report| matches!(report.state, LinkState::Live | LinkState::BackingOff { .. })).await;
            let LinkState::BackingOff { why, .. } = back.state else { panic!("live on a page with {status}") };
            assert!(why.contains("with a page instead of an answer: Hotel network"), "{why}");
            rig.live().await;
            let Inbound::GapOpened { gap, .. } = next(&mut slow).await else { panic!("no gap") };
            assert!(matches!(next(&mut slow).await, Inbound::GapClosed { gap: closed, .. } if closed == gap));
            rig.end().await;
        }
    }
}

#[tokio::test]
async fn a_portals_page_leaves_open_whether_a_reply_went_out_and_is_told() {
    let (_server, network) = sends(vec![page(200, "Hotel network")]).await;
    let Err(SendError::Unknown { why }) = network.send(&outgoing("5", "t")).await else { panic!("it was taken") };
    assert!(why.contains("with a page instead of an answer: Hotel network"), "{why}");
    let (_server, network) = sends(vec![page(403, "Blocked by policy")]).await;
    let Err(SendError::Refused { why, .. }) = network.send(&outgoing("5", "t")).await else { panic!("not refused") };
    assert!(why.contains("Blocked by policy"), "{why}");
}

#[tokio::test]
async fn a_limit_that_lies_stops_nobody_for_longer_than_a_day() {
    let taken = |headers: &[(&'static str, &str)]| Answer::Whole {
        status: 201,
        headers: headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect(),
        body: r#"{"data":{"id":"900"}}"#.into(),
    };
    // Nothing that can be meant: it is as if nothing had been said.
    for reset in [Some("1000000000"), Some("-5"), Some("soon"), Some("99999999999999999999"), None] {
        for left in ["0", "-1"] {
            let mut headers = vec![("x-rate-limit-remaining", left)];
            headers.extend(reset.map(|reset| ("x-rate-limit-reset", reset)));
            let (server, network) = sends(vec![taken(&headers), taken(&[])]).await;
            assert!(network.send(&outgoing("5", "t")).await.is_ok());
            let second = network.send(&outgoing("6", "u")).await;
            assert!(second.is_ok(), "{headers:?}: {second:?}");
            assert_eq!(server.seen().len(), 2);
        }
    }
    // Far ahead: believed for a day, and told with that time.
    let far = [("x-rate-limit-remaining", "0"), ("x-rate-limit-reset", "32503680000")];
    let refused = |headers: &[(&'static str, &str)]| Answer::Whole {
        status: 429,
        headers: headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect(),
        body: r#"{"errors":[{"code":88,"message":"Rate limit exceeded"}]}"#.into(),
    };
    for (answer, is_sent) in [(taken(&far), true), (refused(&far), false)] {
        let now: Timestamp = "2026-01-15T10:00:00Z".parse().unwrap();
        let (server, network) = sends(vec![answer]).await;
        assert_eq!(network.send(&outgoing("5", "t")).await.is_ok(), is_sent);
        let Err(SendError::Limited { until, .. }) = network.send(&outgoing("6", "u")).await else { panic!() };
        let wait = until.duration_since(now);
        assert!(wait > SignedDuration::ZERO && wait <= DAY + SignedDuration::from_mins(1), "until {until}");
        assert_eq!(server.seen().len(), 1);
    }
}

#[tokio::test]
async fn a_limit_of_the_stream_that_lies_is_waited_for_a_day_at_most() {
    for (reset, is_long) in [("1000000000", false), ("-5", false), ("32503680000", true)] {
        let mut x = FakeX::default();
        x.streams.push_back(Answer::Whole {
            status: 429,
            headers: vec![("x-rate-limit-remaining", "0".into()), ("x-rate-limit-reset", reset.into())],
            body: r#"{"title":"Too Many Requests","detail":"Too Many Requests","type":"about:blank","status":429}"#
                .into(),
        });
        let _stream = x.stream();
        let (mut rig, [_slow]) = Rig::start(x, [("slow", "slow")], &PACE, |_| {}).await;
        let back = rig.link(|report| matches!(report.state, LinkState::BackingOff { .. })).await;
        let LinkState::BackingOff { until, .. } = back.state else { panic!() };
        let wait = until.duration_since("2026-01-15T10:00:00Z".parse::<Timestamp>().unwrap());
        assert!(wait <= DAY + SignedDuration::from_mins(1), "{reset}: {until}");
        if !is_long {
            rig.live().await;
        }
        rig.end().await;
    }
}

#[tokio::test]
async fn a_rule_deleted_by_somebody_else_is_put_back_and_told_with_its_gap() {
    let pace = Pace { rules_every: Duration::from_millis(20), ..PACE };
    let mut x = FakeX::default();
    let stream = x.stream();
    let columns = [("slow", "slow"), ("billing", "billing")];
    let (mut rig, [mut slow, mut bill]) = Rig::start(x, columns, &pace, |_| {}).await;
    rig.live().await;
    let bill_id = {
        let mut x = rig.x.lock().unwrap();
        x.rules.retain(|(_, value, _)| value != "slow");
        x.rule_id("billing")
    };
    let note = rig.link(noted("somebody deleted rules of ours")).await.note.unwrap();
    assert!(note.contains("columns: slow)") && note.contains("put back") && note.contains("may be missing"), "{note}");
    let Inbound::GapOpened { gap, from, is_first: false } = next(&mut slow).await else { panic!("no gap") };
    let Inbound::GapClosed { gap: closed, to } = next(&mut slow).await else { panic!("the gap stays open") };
    assert!(gap == closed && from <= to);
    assert_eq!(rig.x.lock().unwrap().rules.len(), 2);
    // The column whose rule stayed missed nothing.
    stream.send(post_json("7", "x", &json!([{"id": bill_id}]))).unwrap();
    assert_eq!(next_post(&mut bill).await, "7");
    rig.end().await;
}

#[tokio::test]
async fn an_account_that_is_called_otherwise_is_told_once_and_found_under_its_id() {
    let mut x = FakeX::default();
    let stream = x.stream();
    let (mut rig, [mut slow]) = Rig::start(x, [("slow", "slow")], &PACE, |_| {}).await;
    rig.live().await;
    for id in ["7", "8"] {
        let own = json!({
            "data": {"id": id, "text": "so slow", "author_id": "42", "conversation_id": id},
            "includes": {"users": [{"id": "42", "username": "AcmeCare", "name": "Acme"}]},
        });
        stream.send(format!("{own}\r\n").into_bytes()).unwrap();
        assert_eq!(next_post(&mut slow).await, id);
    }
    let note = rig.link(noted("is called")).await.note.unwrap();
    assert!(note.contains("@AcmeHelp is called @AcmeCare at X now: put the new handle into the config"), "{note}");
    drop(stream);
    let next = rig.link(|report| report.note.is_some()).await.note.unwrap();
    assert!(!next.contains("is called"), "{next}");
    rig.end().await;
}

#[tokio::test]
async fn an_answer_without_an_end_is_left() {
    // Chunks for ever, a length nobody sends, and little that unpacks to much: the line is never waited for.
    let (pieces, endless) = mpsc::unbounded_channel();
    for _ in 0..80 {
        pieces.send(vec![b' '; 128 * 1024]).unwrap();
    }
    let long = b"HTTP/1.1 201 Created\r\ncontent-type: application/json\r\ncontent-length: 1073741824\r\n\r\n{\"data\""
        .to_vec();
    for answer in [Answer::Stream(endless), Answer::Raw(long), Answer::Raw(bomb())] {
        let (_server, network) = sends(vec![answer]).await;
        let outgoing = outgoing("5", "t");
        let sent = timeout(Duration::from_secs(20), network.send(&outgoing)).await.expect("it waits for the end");
        assert!(matches!(sent, Err(SendError::Unknown { .. })), "{sent:?}");
    }
    drop(pieces);
}

/// A gzip body of some 400 kB that unpacks to 64 MB of blanks, put together by hand: one block of stored bytes would
/// not be small, so it is a fixed-code block of one blank and matches of 258 at distance 1.
fn bomb() -> Vec<u8> {
    let mut bits = Bits::default();
    bits.put(0b1, 1); // the last block
    bits.put(0b01, 2); // fixed codes
    bits.code(0x30 + u32::from(b' '), 8);
    for _ in 0..260_000 {
        bits.code(0b1100_0101, 8); // length 258
        bits.code(0, 5); // distance 1
    }
    bits.code(0, 7); // the end of the block
    let mut body = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    body.extend(bits.done());
    let head = format!(
        "HTTP/1.1 201 Created\r\ncontent-type: application/json\r\ncontent-encoding: gzip\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    let mut answer = head.into_bytes();
    answer.extend(body);
    answer
}

/// Bits in deflate's order.
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    filled: u32,
}

impl Bits {
    /// A number, least bit first.
    fn put(&mut self, number: u32, count: u32) {
        for at in 0..count {
            if self.filled.is_multiple_of(8) {
                self.bytes.push(0);
            }
            let bit = u8::from(number >> at & 1 == 1);
            *self.bytes.last_mut().unwrap() |= bit << (self.filled % 8);
            self.filled += 1;
        }
    }

    /// A code, most significant bit first.
    fn code(&mut self, code: u32, count: u32) {
        for at in (0..count).rev() {
            self.put(code >> at & 1, 1);
        }
    }

    fn done(self) -> Vec<u8> {
        self.bytes
    }
}
