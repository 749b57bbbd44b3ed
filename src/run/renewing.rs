//! Renews a login in a process of its own.
//!
//! X takes a refresh token once, and its answer is nowhere but in the process that asked. So the asking is done by
//! `replydeck renew-login`, which is started for it, gets what it needs through a pipe, belongs to a session of its
//! own and takes no notice of signals that can be ignored: whatever ends the deck, a kill included, does not end it.
//! A kill before it has its whole order leaves it without one, and nothing happens.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use async_trait::async_trait;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::net::Clock;
use crate::net::x::renew::{Order, Renewed};
use crate::net::x::user_token::{Here, Renewer};

/// The subcommand that carries an order out.
pub const COMMAND: &str = "renew-login";

/// So long somebody who wants to send waits; the renewal itself goes on.
const PATIENCE: Duration = Duration::from_secs(20);

/// What of our environment the process needs; secrets stand in the rest.
const VARIABLES: [&str; 16] = [
    "HTTP_PROXY",
    "http_proxy",
    "HTTPS_PROXY",
    "https_proxy",
    "ALL_PROXY",
    "all_proxy",
    "NO_PROXY",
    "no_proxy",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "HOME",
    "PATH",
    "LANG",
    "TZ",
    "SYSTEMROOT",
    "TMPDIR",
];

/// Starts a process for each renewal.
#[derive(Debug)]
pub struct Apart {
    here: Here,
}

impl Apart {
    pub fn new(clock: Clock) -> Self {
        Self { here: Here(clock) }
    }
}

#[async_trait]
impl Renewer for Apart {
    async fn renew(&self, order: Order) -> Renewed {
        match start() {
            Ok(child) => match timeout(PATIENCE, hand_over(child, &order)).await {
                Ok(Ok(renewed)) => renewed,
                Ok(Err(error)) => Renewed::NotNow { why: format!("the renewal told nothing: {error}") },
                Err(_) => Renewed::NotNow { why: "the renewal is under way and not done yet".to_owned() },
            },
            Err(error) => {
                // Better with a small risk than not at all.
                tracing::warn!(%error, "no process of its own for a renewal; it is done in this one");
                self.here.renew(order).await
            }
        }
    }
}

fn start() -> std::io::Result<Child> {
    let mut command = Command::new(own_program()?);
    command.arg(COMMAND).env_clear().stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    for name in VARIABLES {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    #[cfg(unix)]
    command.arg0("replydeck");
    command.spawn()
}

/// The program that runs, also after another version took its place on the disk.
fn own_program() -> std::io::Result<PathBuf> {
    let linked = PathBuf::from("/proc/self/exe");
    if linked.exists() { Ok(linked) } else { std::env::current_exe() }
}

async fn hand_over(mut child: Child, order: &Order) -> std::io::Result<Renewed> {
    let bytes = serde_json::to_vec(order)?;
    let (Some(mut to), Some(mut from)) = (child.stdin.take(), child.stdout.take()) else {
        return Err(std::io::Error::other("it has no pipes"));
    };
    to.write_all(&bytes).await?;
    to.shutdown().await?;
    drop(to);
    let mut told = Vec::new();
    from.read_to_end(&mut told).await?;
    let status = child.wait().await?;
    serde_json::from_slice(&told).map_err(|_| std::io::Error::other(format!("it ended with {status}")))
}
