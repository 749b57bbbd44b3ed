//! A simulator as a process of its own, the program that logs in at it, and the browser that approves.
#![expect(clippy::disallowed_methods, reason = "a test that waits for another process needs a real clock")]

use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::simulator::{Answer, PATIENCE, Simulator, ask};

/// A simulated X and a home in which `login.toml` is the config.
pub(crate) struct Rig {
    simulator: Simulator,
    pub(crate) config: PathBuf,
    pub(crate) home: TempDir,
}

impl Rig {
    pub(crate) fn start() -> Self {
        let home = tempfile::tempdir().expect("a temporary folder");
        let simulator = Simulator::quiet(home.path());
        Self { config: simulator.login_config.clone(), simulator, home }
    }

    pub(crate) fn address(&self) -> &str {
        self.simulator.address()
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.home.path().join("data")
    }

    pub(crate) fn token_file(&self) -> PathBuf {
        self.data().join("login-acme.json")
    }

    /// The program on the account that has to be logged in; its log holds everything anybody cares to log.
    pub(crate) fn replydeck(&self, args: &[&str]) -> Command {
        let mut command = program(self.home.path());
        command.arg("--config").arg(&self.config).arg("--data-dir").arg(self.data()).args(args);
        command.env("REPLYDECK_LOG", "trace");
        command
    }

    /// Exit code, stdout and stderr.
    pub(crate) fn run(&self, args: &[&str]) -> (Option<i32>, String, String) {
        let output = self.replydeck(args).stdin(Stdio::null()).output().expect("the binary runs");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
        (output.status.code(), text(output.stdout), text(output.stderr))
    }

    pub(crate) fn check_online(&self) -> (Option<i32>, String) {
        let (code, out, err) = self.run(&["check", "--online"]);
        (code, out + &err)
    }

    pub(crate) fn call(&self, method: &str, path: &str, kind: &str, body: &str) -> Answer {
        ask(self.address(), method, path, kind, body)
    }

    pub(crate) fn control(&self, path: &str, body: &Value) -> Value {
        self.simulator.call("POST", &format!("/_sim/{path}"), body)
    }

    pub(crate) fn get(&self, path: &str) -> Value {
        self.simulator.call("GET", &format!("/_sim/{path}"), &Value::Null)
    }

    pub(crate) fn jump(&self, seconds: u32) {
        self.control("clock", &json!({"jump": seconds}));
    }

    /// What became of each use of a refresh token.
    pub(crate) fn refreshes(&self) -> Vec<String> {
        let ledger = self.get("ledger");
        let rows = ledger["refreshes"].as_array().expect("a list");
        rows.iter().map(|row| row["outcome"].as_str().expect("a word").to_owned()).collect()
    }

    /// Sends the form of a page that the program printed.
    pub(crate) fn decide(&self, page: &str, decision: &str, who: &str) -> Answer {
        let path = page.split_once(self.address()).expect("a page of the simulator").1;
        let form = self.call("GET", path, "text/plain", "");
        assert_eq!(form.status, 200, "{}", form.body);
        assert!(form.body.contains("Approve") && form.body.contains("Deny"), "{}", form.body);
        let (path, query) = path.split_once('?').expect("a question");
        let body = format!("{query}&decision={decision}&as={who}");
        self.call("POST", path, "application/x-www-form-urlencoded", &body)
    }

    /// Approves as the brand; the address the browser is sent to.
    pub(crate) fn approve(&self, page: &str) -> String {
        location(&self.decide(page, "approve", "AcmeHelp"))
    }

    pub(crate) fn auth(&self, args: &[&str]) -> Auth {
        let mut all = vec!["auth", "acme"];
        all.extend(args);
        let mut command = self.replydeck(&all);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the binary runs");
        let stdin = child.stdin.take();
        let out = BufReader::new(child.stdout.take().expect("a pipe"));
        let (told, lines) = mpsc::channel();
        std::thread::spawn(move || {
            for line in out.lines().map_while(Result::ok) {
                if told.send(line).is_err() {
                    return;
                }
            }
        });
        Auth { child, stdin, lines, seen: String::new() }
    }

    /// Logs in as a person at the same machine would.
    pub(crate) fn log_in(&self) {
        let mut auth = self.auth(&[]);
        let page = auth.page();
        let back = self.approve(&page);
        assert_eq!(browse(&back).status, 200);
        let (status, told) = auth.ended();
        assert!(status.success(), "{told}");
    }
}

/// The binary in a home of its own, with nothing of this environment but the path.
fn program(home: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_replydeck"));
    command
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", home)
        .env("LANG", "C.UTF-8");
    command
}

/// Opens an address as a browser does.
pub(crate) fn browse(address: &str) -> Answer {
    let rest = address.strip_prefix("http://").expect("plain http on this machine");
    let (host, path) = rest.split_once('/').expect("a path");
    ask(host, "GET", &format!("/{path}"), "text/plain", "")
}

pub(crate) fn location(answer: &Answer) -> String {
    assert_eq!(answer.status, 302, "{}", answer.body);
    let found = answer.head.lines().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        name.eq_ignore_ascii_case("location").then(|| value.to_owned())
    });
    found.expect("an address to go to")
}

/// `replydeck auth`, waiting for somebody to approve.
pub(crate) struct Auth {
    child: Child,
    stdin: Option<ChildStdin>,
    lines: mpsc::Receiver<String>,
    seen: String,
}

impl Auth {
    /// Waits for a line that holds `words`.
    pub(crate) fn line(&mut self, words: &str) -> String {
        loop {
            let Ok(line) = self.lines.recv_timeout(PATIENCE) else {
                let complaint = self.complaint();
                panic!("no line with {words:?} in:\n{}{complaint}", self.seen);
            };
            self.seen += &line;
            self.seen.push('\n');
            if line.contains(words) {
                return line;
            }
        }
    }

    /// The address it prints.
    pub(crate) fn page(&mut self) -> String {
        self.line("http://127.0.0.1:").trim().to_owned()
    }

    pub(crate) fn paste(&mut self, line: &str) {
        let stdin = self.stdin.as_mut().expect("it reads");
        writeln!(stdin, "{line}").expect("it reads");
    }

    fn complaint(&mut self) -> String {
        drop(self.stdin.take());
        drop(self.child.kill());
        let mut text = String::new();
        if let Some(mut err) = self.child.stderr.take() {
            drop(err.read_to_string(&mut text));
        }
        text
    }

    /// Its end, and all it said.
    pub(crate) fn ended(mut self) -> (ExitStatus, String) {
        let end = Instant::now() + PATIENCE;
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("it can be waited for") {
                break status;
            }
            if Instant::now() >= end {
                let complaint = self.complaint();
                panic!("it does not end: {}{complaint}", self.seen);
            }
            std::thread::park_timeout(Duration::from_millis(5));
        };
        while let Ok(line) = self.lines.recv() {
            self.seen += &line;
            self.seen.push('\n');
        }
        let mut text = std::mem::take(&mut self.seen);
        if let Some(mut err) = self.child.stderr.take() {
            err.read_to_string(&mut text).expect("UTF-8");
        }
        (status, text)
    }
}

impl Drop for Auth {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Waits until `is_so`, which another process brings about.
pub(crate) fn until(what: &str, is_so: impl Fn() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < end, "waited for: {what}");
        std::thread::park_timeout(Duration::from_millis(5));
    }
}
