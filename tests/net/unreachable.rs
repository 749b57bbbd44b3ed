//! Servers that cannot be reached safely: a certificate nobody vouches for, TLS refused, plain answers where TLS was
//! asked for. On each network the word is clear, nothing leaves, nothing is lost.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use replydeck::model::{LinkState, NetworkKind, PostId};
use replydeck::net::mastodon::MastodonNetwork;
use replydeck::net::x::XNetwork;
use replydeck::net::{Network, SendError};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

use crate::bluesky_rig::Bluesky;
use crate::mastodon_rig::{Ear, Place};
use crate::rig::clock;

/// What answers there.
#[derive(Clone, Copy, Debug)]
enum Answers {
    /// TLS as it should be, with a certificate made for this test, which nobody knows.
    Unvouched,
    /// The alert `handshake_failure`.
    Refusal,
    /// A page in the clear.
    Plain,
}

/// Listens until it is dropped.
struct Door {
    url: String,
    called: Arc<AtomicUsize>,
    /// What came through an encrypted line; nothing must.
    heard: Arc<Mutex<Vec<u8>>>,
    closed: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Door {
    fn open(answers: Answers) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (called, closed) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
        let heard: Arc<Mutex<Vec<u8>>> = Arc::default();
        let (count, over, log) = (called.clone(), closed.clone(), heard.clone());
        let certificate = CertificateDer::from(include_bytes!("../fixtures/tls/certificate.der").to_vec());
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(include_bytes!("../fixtures/tls/key.der").to_vec()));
        let config = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .unwrap();
        let config = Arc::new(config);
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if over.load(Ordering::SeqCst) {
                    return;
                }
                count.fetch_add(1, Ordering::SeqCst);
                let mut stream = stream.unwrap();
                let mut block = [0; 4096];
                match answers {
                    Answers::Unvouched => {
                        let mut tls = rustls::ServerConnection::new(config.clone()).unwrap();
                        let mut line = rustls::Stream::new(&mut tls, &mut stream);
                        // The client hangs up in the middle of it.
                        while let Ok(read @ 1..) = line.read(&mut block) {
                            log.lock().unwrap().extend_from_slice(&block[..read]);
                        }
                    }
                    Answers::Refusal | Answers::Plain => {
                        let answer: &[u8] = match answers {
                            Answers::Refusal => &[0x15, 3, 3, 0, 2, 2, 40],
                            _ => b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n",
                        };
                        // Whoever is gone before the answer has not heard it either.
                        let told = stream.read(&mut block).and_then(|_| stream.write_all(answer));
                        assert!(told.is_ok(), "{told:?}");
                    }
                }
            }
        });
        Self { url: format!("https://{address}"), called, heard, closed, thread: Some(thread) }
    }

    fn end(mut self) -> usize {
        self.closed.store(true, Ordering::SeqCst);
        drop(std::net::TcpStream::connect(self.url.trim_start_matches("https://")));
        self.thread.take().unwrap().join().unwrap();
        assert_eq!(*self.heard.lock().unwrap(), Vec::<u8>::new(), "something was said to somebody nobody vouches for");
        self.called.load(Ordering::SeqCst)
    }
}

/// What each network says where all its addresses are `url`: of its link, and of a reply.
async fn told(url: &str) -> Vec<(NetworkKind, String, SendError)> {
    let mut told = Vec::new();
    let folder = tempfile::tempdir().unwrap();
    let why = |state: LinkState| match state {
        LinkState::BackingOff { why, .. } | LinkState::Down { why, .. } => why,
        other => panic!("{other:?}"),
    };
    let is_out = |state: &LinkState| matches!(state, LinkState::BackingOff { .. } | LinkState::Down { .. });

    let bluesky = Bluesky::start().await;
    let network = bluesky.network(folder.path(), |settings| {
        settings.service = url.parse().unwrap();
        settings.appview = url.parse().unwrap();
        settings.jetstreams = vec![url.replace("https:", "wss:").parse().unwrap()];
    });
    let (mut listening, [_all]) = bluesky.listen(network.clone(), [("all", "slow")]);
    let state = listening.link(|report| is_out(&report.state)).await.state;
    let post = PostId::new(NetworkKind::Bluesky, "at://did:plc:a/app.bsky.feed.post/3k");
    let error = network.send(&crate::bluesky_rig::outgoing(1, &post, "Sorry")).await.unwrap_err();
    told.push((NetworkKind::Bluesky, why(state), error));
    listening.end().await;

    let settings = crate::mastodon_rig::settings(url, Some("token"), folder.path());
    let (mut ear, [_all]) = Ear::open(settings.clone(), [("all", "slow")], &crate::mastodon_rig::PACE, &clock());
    let state = ear.link(|report| is_out(&report.state)).await.state;
    let network = MastodonNetwork::with_pace(settings, clock(), 7, &crate::mastodon_rig::PACE).unwrap();
    let outgoing = replydeck::net::Outgoing {
        reply: crate::bluesky_rig::outgoing(2, &post, "").reply,
        to: PostId::new(NetworkKind::Mastodon, "https://mastodon.example/@jo/1"),
        to_version: Some("1".into()),
        text: "Sorry".into(),
    };
    told.push((NetworkKind::Mastodon, why(state), network.send(&outgoing).await.unwrap_err()));
    ear.end().await;

    let network = XNetwork::with_pace(crate::rig::settings(url), clock(), 7, &crate::rig::PACE).unwrap();
    let error = network.send(&crate::rig::outgoing("5", "Sorry")).await.unwrap_err();
    told.push((NetworkKind::X, error.to_string(), error));
    told
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tls_that_is_refused_or_not_vouched_for_is_told_and_nothing_leaves() {
    for (answers, words) in [
        (Answers::Unvouched, "its certificate is not trusted"),
        (Answers::Refusal, "it refuses TLS"),
        (Answers::Plain, "or is something else"),
    ] {
        let door = Door::open(answers);
        for (network, link, error) in told(&door.url).await {
            assert!(link.contains(words), "{network:?}, {answers:?}: {link}");
            let SendError::NotSent { why } = &error else { panic!("{network:?}, {answers:?}: {error:?}") };
            assert!(why.contains(words), "{network:?}, {answers:?}: {why}");
        }
        assert!(door.end() >= 5, "everybody called");
    }
}

#[tokio::test]
async fn a_stream_behind_a_bad_certificate_gets_no_login_though_the_server_is_good() {
    let place = Place::open();
    let door = Door::open(Answers::Unvouched);
    let to = door.url.replace("https:", "wss:");
    let (mut ear, [_slow]) = place.listen_as([("slow", "slow")], &crate::mastodon_rig::PACE, |settings| {
        settings.streaming_url = Some(to.parse().unwrap());
    });
    let out = ear.link(|report| matches!(report.state, LinkState::BackingOff { .. })).await;
    assert!(format!("{out:?}").contains("its certificate is not trusted"), "{out:?}");
    ear.end().await;
    door.end();
}
