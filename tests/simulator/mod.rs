//! `replydeck sim` as a process of its own, and its control plane.
#![expect(clippy::disallowed_methods, reason = "a test that waits for another process needs a real clock")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// How long another process may take; other tests share the machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(90);

/// A running simulator.
pub(crate) struct Simulator {
    child: Child,
    /// Kept open: a closed pipe would be the simulator's trouble, not ours.
    _out: BufReader<ChildStdout>,
    /// X's, which is meant where no network is named.
    x: Plane,
    pub(crate) bluesky: Plane,
    pub(crate) mastodon: Plane,
    /// A config ready to use against its X.
    pub(crate) config: PathBuf,
    /// One for all its networks.
    pub(crate) all_config: PathBuf,
    /// One for an account that has to be logged in first.
    pub(crate) login_config: PathBuf,
}

/// What a server answered.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

/// One simulated network's control plane.
pub(crate) struct Plane {
    address: String,
}

impl std::ops::Deref for Simulator {
    type Target = Plane;

    fn deref(&self) -> &Plane {
        &self.x
    }
}

impl Simulator {
    /// Nobody posts unless told to.
    pub(crate) fn quiet(home: &Path) -> Self {
        Self::quiet_with(home, &[])
    }

    /// The same with more in its environment.
    pub(crate) fn quiet_with(home: &Path, env: &[(&str, &str)]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_replydeck"))
            .args(["sim", "--rate", "0", "--seed", "7"])
            .env("HOME", home)
            .envs(env.iter().copied())
            .stdout(Stdio::piped())
            .stdin(Stdio::null())
            .spawn()
            .expect("the simulator starts");
        let mut out = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut line = String::new();
        out.read_line(&mut line).expect("the first line");
        let start: Value = serde_json::from_str(&line).expect("the first line is JSON");
        let plane = |network: &str| Plane {
            address: start[network].as_str().expect("an address").trim_start_matches("http://").to_owned(),
        };
        let config = |key: &str| PathBuf::from(start[key].as_str().expect("a config"));
        Self {
            child,
            _out: out,
            x: plane("x"),
            bluesky: plane("bluesky"),
            mastodon: plane("mastodon"),
            config: config("config"),
            all_config: config("all_config"),
            login_config: config("login_config"),
        }
    }
}

impl Plane {
    /// Host and port.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// What X bills, by day.
    pub(crate) fn bill(&self) -> Value {
        self.call("GET", "/_sim/bill", &Value::Null)
    }

    /// Posts it has shown so far, whoever wrote them.
    pub(crate) fn posted(&self) -> usize {
        self.call("GET", "/_sim/ledger", &Value::Null)["posts"].as_array().map_or(0, Vec::len)
    }

    /// Makes somebody post; gives back the post's id.
    pub(crate) fn post(&self, fields: &Value) -> String {
        let answer = self.call("POST", "/_sim/post", fields);
        answer["id"].as_str().unwrap_or_else(|| panic!("no id in {answer}")).to_owned()
    }

    /// Its author deletes a post.
    pub(crate) fn delete(&self, post: &str) {
        self.call("POST", "/_sim/post", &json!({"delete": post}));
    }

    /// Breaks something; see the simulator's documentation.
    pub(crate) fn fault(&self, fields: &Value) {
        self.call("POST", "/_sim/fault", fields);
    }

    /// How a Mastodon server behaves from now on.
    pub(crate) fn manner(&self, manner: &Value) {
        self.call("POST", "/_sim/mastodon", manner);
    }

    /// What time it is there.
    pub(crate) fn now(&self) -> jiff::Timestamp {
        let answer = self.call("GET", "/_sim/clock", &Value::Null);
        answer["now"].as_str().and_then(|now| now.parse().ok()).unwrap_or_else(|| panic!("no time in {answer}"))
    }

    /// Leads its time on by so much; what falls into it happens.
    pub(crate) fn jump(&self, by: &str) {
        self.call("POST", "/_sim/clock", &json!({"jump": by}));
    }

    /// Its time all but stands still from here on: nobody writes by themselves any more.
    pub(crate) fn slow_down(&self) {
        self.call("POST", "/_sim/clock", &json!({"speed": 0.001}));
    }

    /// So many posts a minute, and an outage for so many minutes.
    pub(crate) fn incident(&self, per_minute: f64, minutes: u32) {
        self.call("POST", "/_sim/scenario", &json!({"per_minute": per_minute, "incident_minutes": minutes}));
    }

    /// Somebody writes the brand a direct message.
    pub(crate) fn message(&self, handle: &str, text: &str) {
        self.call("POST", "/_sim/dm", &json!({"handle": handle, "text": text}));
    }

    /// Accepted writes, oldest first.
    pub(crate) fn writes(&self) -> Vec<Value> {
        self.call("GET", "/_sim/ledger", &json!(null))["writes"].as_array().cloned().expect("a ledger of writes")
    }

    /// Waits until the simulator has accepted so many writes, and gives them back.
    #[track_caller]
    pub(crate) fn written(&self, count: usize) -> Vec<Value> {
        let end = Instant::now() + PATIENCE;
        loop {
            let writes = self.writes();
            if writes.len() >= count {
                return writes;
            }
            assert!(Instant::now() < end, "waited for {count} writes; there are {writes:?}");
            std::thread::park_timeout(Duration::from_millis(20));
        }
    }

    /// Asks the control plane; refusals are failures.
    #[track_caller]
    pub(crate) fn call(&self, method: &str, path: &str, body: &Value) -> Value {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let answer = ask(&self.address, method, path, "application/json", &body);
        assert!((200..300).contains(&answer.status), "{method} {path}: {}", answer.body);
        serde_json::from_str(&answer.body).unwrap_or(Value::Null)
    }
}

/// One request to a server on this machine, as a browser or a script makes it.
pub(crate) fn ask(host: &str, method: &str, path: &str, kind: &str, body: &str) -> Answer {
    let mut stream = TcpStream::connect(host).expect("it listens");
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .expect("the request goes out");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("an answer");
    let answer = String::from_utf8(answer).expect("UTF-8");
    let (head, body) = answer.split_once("\r\n\r\n").expect("head and body");
    let status = head.split(' ').nth(1).expect("a status").parse().expect("a number");
    let body = if head.to_lowercase().contains("transfer-encoding: chunked") { joined(body) } else { body.to_owned() };
    Answer { status, head: head.to_owned(), body }
}

/// The body of a chunked answer.
fn joined(mut chunks: &str) -> String {
    let mut body = String::new();
    while let Some((size, rest)) = chunks.split_once("\r\n") {
        let size = usize::from_str_radix(size.trim(), 16).expect("a chunk's size");
        if size == 0 {
            break;
        }
        body.push_str(&rest[..size]);
        chunks = rest[size..].trim_start_matches("\r\n");
    }
    body
}

impl Drop for Simulator {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
