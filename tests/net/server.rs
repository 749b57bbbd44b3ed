//! A server that answers as the test says. It ends with its handle.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

/// A request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Seen {
    pub(crate) fn path(&self) -> &str {
        self.target.split('?').next().unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }
}

/// What comes back.
#[derive(Debug)]
pub(crate) enum Answer {
    Whole {
        status: u16,
        headers: Vec<(&'static str, String)>,
        body: String,
    },
    /// These bytes, whatever they are, and the end.
    Raw(Vec<u8>),
    /// An endless answer: each piece is written as one chunk. The end of the channel is a clean end.
    Stream(mpsc::UnboundedReceiver<Vec<u8>>),
    /// The request is taken and the line cut.
    Cut,
    /// The request is taken and nothing ever comes.
    Nothing,
}

impl Answer {
    pub(crate) fn json(status: u16, body: &serde_json::Value) -> Self {
        Answer::Whole { status, headers: Vec::new(), body: body.to_string() }
    }
}

pub(crate) struct Server {
    pub(crate) url: String,
    seen: Arc<Mutex<Vec<Seen>>>,
    _tasks: JoinSet<()>,
}

impl Server {
    pub(crate) async fn start(answer: impl FnMut(&Seen) -> Answer + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (answer, log) = (Arc::new(Mutex::new(answer)), seen.clone());
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (socket, _) = listener.accept().await.unwrap();
                let (answer, log) = (answer.clone(), log.clone());
                connections.spawn(async move {
                    let mut socket = socket;
                    let Some(seen) = read(&mut socket).await else { return };
                    log.lock().unwrap().push(seen.clone());
                    let reply = (answer.lock().unwrap())(&seen);
                    write(&mut socket, reply).await;
                });
            }
        });
        Self { url, seen, _tasks: tasks }
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    pub(crate) fn count(&self, method: &str, path: &str) -> usize {
        self.seen().iter().filter(|seen| seen.method == method && seen.path() == path).count()
    }
}

async fn read(socket: &mut TcpStream) -> Option<Seen> {
    let mut bytes = Vec::new();
    let head_end = loop {
        let mut buffer = [0; 4096];
        let length = socket.read(&mut buffer).await.ok()?;
        if length == 0 {
            return None;
        }
        bytes.extend_from_slice(&buffer[..length]);
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end + 4;
        }
    };
    let head = String::from_utf8(bytes[..head_end].to_vec()).unwrap();
    let mut words = head.lines().next().unwrap().split(' ');
    let (method, target) = (words.next().unwrap().to_owned(), words.next().unwrap().to_owned());
    let mut seen = Seen { method, target, head, body: String::new() };
    let length: usize = seen.header("content-length").map_or(0, |length| length.parse().unwrap());
    while bytes.len() < head_end + length {
        let mut buffer = [0; 4096];
        let more = socket.read(&mut buffer).await.ok()?;
        if more == 0 {
            return None;
        }
        bytes.extend_from_slice(&buffer[..more]);
    }
    seen.body = String::from_utf8(bytes[head_end..].to_vec()).unwrap();
    Some(seen)
}

async fn write(socket: &mut TcpStream, answer: Answer) {
    match answer {
        Answer::Cut => {}
        Answer::Raw(bytes) => drop(socket.write_all(&bytes).await),
        Answer::Nothing => std::future::pending().await,
        Answer::Whole { status, headers, body } => {
            let mut head = format!("HTTP/1.1 {status} x\r\nconnection: close\r\ncontent-length: {}\r\n", body.len());
            for (name, value) in headers {
                head.extend([name, ": ", &value, "\r\n"]);
            }
            // The client may have gone; what it saw then is for the test to judge.
            drop(socket.write_all(format!("{head}\r\n{body}").as_bytes()).await);
        }
        Answer::Stream(mut pieces) => {
            socket.set_nodelay(true).unwrap();
            let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n";
            if socket.write_all(head.as_bytes()).await.is_err() {
                return;
            }
            while let Some(piece) = pieces.recv().await {
                let mut chunk = format!("{:x}\r\n", piece.len()).into_bytes();
                chunk.extend_from_slice(&piece);
                chunk.extend_from_slice(b"\r\n");
                if socket.write_all(&chunk).await.is_err() {
                    return;
                }
            }
            drop(socket.write_all(b"0\r\n\r\n").await);
        }
    }
}
