//! Bluesky's stream in the forms it comes in: packed, plain, too long, packed otherwise, or no message at all.

use std::sync::{Arc, Mutex};

use replydeck::model::LinkState;
use replydeck::net::{Inbound, Network as _};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};

use crate::bluesky_rig::{Bluesky, PATIENCE, gaps, next_post, texts, until};

const DICTIONARY: &[u8] = include_bytes!("../../src/net/bluesky/dictionary/jetstream.zdict");

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn packed_or_plain_the_same_posts_come() {
    let bluesky = Bluesky::start().await;
    for is_packed in [true, false] {
        let dir = tempfile::tempdir().unwrap();
        let network = bluesky.network(dir.path(), |settings| settings.zstd = is_packed);
        let (mut listening, [mut slow]) = bluesky.listen(network.clone(), [("slow", "slow")]);
        listening.live().await;
        let from = (bluesky.clock)();
        bluesky.post("cat", "so slow 🐌, così lento, とても遅い").await;
        assert_eq!(next_post(&mut slow).await.text, "so slow 🐌, così lento, とても遅い");
        let to = (bluesky.clock)();
        listening.end().await;
        bluesky.post("dog", "nothing").await;
        // The same for a stretch that is read again.
        let (feeds, [mut again]) = crate::bluesky_rig::feeds([("slow", "slow")]);
        let filled = network.backfill(&feeds, from, to).await;
        assert_eq!((filled.missing, filled.found.len()), (None, 1), "packed: {is_packed}");
        assert!(next_post(&mut again).await.text.contains("🐌"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_message_is_counted_and_a_giant_one_costs_only_itself() {
    let bluesky = Bluesky::start().await;
    for is_packed in [true, false] {
        let dir = tempfile::tempdir().unwrap();
        let network = bluesky.network(dir.path(), |settings| settings.zstd = is_packed);
        let (mut listening, [mut slow]) = bluesky.listen(network, [("slow", "slow")]);
        listening.live().await;
        bluesky.fault(json!({"kind": "garble", "target": "stream"})).await;
        let words = if is_packed { "1 that cannot be unpacked" } else { "1 in a form nobody asked for" };
        let told = listening.note(words).await;
        assert!(told.contains("passed over"), "{told}");
        // Packed it is a few hundred bytes that would be five megabytes.
        bluesky.fault(json!({"kind": "giant", "target": "stream", "bytes": 5 * 1024 * 1024})).await;
        listening.note("1 that are too long").await;
        bluesky.post("cat", "slow still").await;
        let told = until(&mut slow, "slow still").await;
        assert_eq!((told.len(), gaps(&told).len()), (1, 0), "{told:?}");
        listening.end().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_that_breaks_the_line_each_time_is_passed_and_told_as_a_gap() {
    let bluesky = Bluesky::start().await;
    let dir = tempfile::tempdir().unwrap();
    let network = bluesky.network(dir.path(), |settings| settings.zstd = false);
    let (mut listening, [mut slow]) = bluesky.listen(network, [("slow", "slow")]);
    listening.live().await;
    bluesky.post("cat", "slow one").await;
    assert_eq!(next_post(&mut slow).await.text, "slow one");
    bluesky.fault(json!({"kind": "giant", "target": "stream", "bytes": 33 * 1024 * 1024, "times": 2})).await;
    listening.link(|report| matches!(report.state, LinkState::BackingOff { .. })).await;
    listening.link(|report| matches!(report.state, LinkState::BackingOff { .. })).await;
    // Up to here everything may be missing.
    listening.live().await;
    bluesky.post("cat", "slow two").await;
    let told = until(&mut slow, "slow two").await;
    let [Inbound::GapOpened { gap, from, .. }, Inbound::GapClosed { gap: closed, to }] = gaps(&told)[..] else {
        panic!("{told:?}")
    };
    assert!(gap == closed && from < to, "{from} {to}");
    assert_eq!(texts(&told).into_keys().collect::<Vec<_>>(), ["slow two"]);
    listening.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_limit_on_the_stream_is_waited_for() {
    let bluesky = Bluesky::start().await;
    let dir = tempfile::tempdir().unwrap();
    bluesky.fault(json!({"kind": "status", "target": "stream", "status": 429, "reset_in": 90})).await;
    let (mut listening, [_slow]) = bluesky.listen(bluesky.network(dir.path(), |_| {}), [("slow", "slow")]);
    let limited = listening.link(|report| matches!(report.state, LinkState::BackingOff { .. })).await;
    let LinkState::BackingOff { until, .. } = limited.state else { panic!() };
    assert!(until.duration_since((bluesky.clock)()).as_secs() > 60, "{until}");
    listening.end().await;
}

/// A Jetstream of our own: what each connection asked for, and what it is sent.
struct Own {
    url: String,
    asked: Arc<Mutex<Vec<String>>>,
    _tasks: JoinSet<()>,
}

impl Own {
    /// `says`: the messages for the connection of this number, which asked for this.
    async fn start(says: impl Fn(usize, &str) -> Vec<Message> + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("ws://{}", listener.local_addr().unwrap());
        let asked: Arc<Mutex<Vec<String>>> = Arc::default();
        let log = asked.clone();
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut open = JoinSet::new();
            for number in 0.. {
                let (stream, _) = listener.accept().await.unwrap();
                let mut target = String::new();
                #[expect(clippy::result_large_err, reason = "the callback's type is the library's")]
                let seen = |request: &Request, response: Response| {
                    target = request.uri().to_string();
                    Ok(response)
                };
                let mut socket = tokio_tungstenite::accept_hdr_async(stream, seen).await.unwrap();
                let messages = says(number, &target);
                log.lock().unwrap().push(target);
                open.spawn(async move {
                    use futures_util::{SinkExt as _, StreamExt as _};
                    for message in messages {
                        if socket.send(message).await.is_err() {
                            return;
                        }
                    }
                    while let Some(Ok(_)) = socket.next().await {}
                });
            }
        });
        Self { url, asked, _tasks: tasks }
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

fn event(at_us: i64, key: &str, text: &str) -> String {
    json!({"did": "did:plc:abc", "time_us": at_us, "kind": "commit", "commit": {"rev": key, "operation": "create",
        "collection": "app.bsky.feed.post", "rkey": key, "cid": "bafyone",
        "record": {"$type": "app.bsky.feed.post", "text": text, "createdAt": "2026-03-02T10:00:00Z"}}})
    .to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_sends_plain_text_all_the_same_is_heard() {
    let bluesky = Bluesky::start().await;
    let dir = tempfile::tempdir().unwrap();
    let at = (bluesky.clock)().as_microsecond();
    let own = Own::start(move |_, _| {
        let packed = zstd::bulk::Compressor::with_dictionary(3, DICTIONARY)
            .unwrap()
            .compress(event(at + 2, "3k2", "slow two").as_bytes())
            .unwrap();
        vec![Message::text(event(at + 1, "3k1", "slow one")), Message::binary(packed)]
    })
    .await;
    let to = own.url.parse().unwrap();
    let network = bluesky.network(dir.path(), |settings| settings.jetstreams = vec![to]);
    let (mut listening, [mut slow]) = bluesky.listen(network, [("slow", "slow")]);
    listening.live().await;
    assert_eq!(next_post(&mut slow).await.text, "slow one");
    assert_eq!(next_post(&mut slow).await.text, "slow two");
    assert!(own.asked()[0].contains("compress=true"), "{:?}", own.asked());
    listening.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn frames_packed_with_another_dictionary_are_asked_for_plain_and_none_is_lost() {
    let bluesky = Bluesky::start().await;
    let dir = tempfile::tempdir().unwrap();
    let at = (bluesky.clock)().as_microsecond();
    // As the published one but under another id, which is what a new edition of it would be.
    let mut other = DICTIONARY.to_vec();
    other[4] ^= 1;
    let own = Own::start(move |_, target| {
        let events = (1..=12).map(|n| event(at + n, &format!("3k{n:02}"), &format!("slow {n}")));
        if target.contains("compress=true") {
            let mut packer = zstd::bulk::Compressor::with_dictionary(3, &other).unwrap();
            events.map(|event| Message::binary(packer.compress(event.as_bytes()).unwrap())).collect()
        } else {
            events.map(Message::text).collect()
        }
    })
    .await;
    let to = own.url.parse().unwrap();
    let network = bluesky.network(dir.path(), |settings| settings.jetstreams = vec![to]);
    let (mut listening, [mut slow]) = bluesky.listen(network, [("slow", "slow")]);
    let told = listening.note("in a way that is not ours").await;
    assert!(told.contains("plain ones are asked for"), "{told}");
    let told = until(&mut slow, "slow 12").await;
    assert_eq!((texts(&told).len(), gaps(&told).len()), (12, 0), "{told:?}");
    let asked = own.asked();
    assert_eq!(asked.iter().map(|target| target.contains("compress")).collect::<Vec<_>>(), [true, false], "{asked:?}");
    tokio::time::timeout(PATIENCE, listening.end()).await.unwrap();
}
