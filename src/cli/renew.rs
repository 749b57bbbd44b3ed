//! `replydeck renew-login`: carries one renewal out for a replydeck that may be killed meanwhile. Not for people.

use std::io::{Read as _, Write as _};

use clap::Args;

use crate::net::x::renew::{Order, renew};
use crate::run::clock;

/// An order is a few hundred bytes.
const LONGEST_ORDER: u64 = 64 * 1024;

/// Renew a login (replydeck starts this by itself)
///
/// Reads what to renew as JSON on stdin and says as JSON on stdout what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
#[command(after_help = "Example:\n  replydeck renew-login        reads the order that a running replydeck writes")]
pub struct RenewArgs {}

/// A session of its own and deaf to the signals that end a terminal's programs, from before the token leaves.
pub(super) fn run() -> anyhow::Result<()> {
    #[cfg(unix)]
    if let Err(error) = rustix::process::setsid() {
        // Its own session already, as when started by hand in the background.
        tracing::debug!(%error, "no new session");
    }
    let mut bytes = Vec::new();
    std::io::stdin().lock().take(LONGEST_ORDER).read_to_end(&mut bytes)?;
    // What serde says of half an order could repeat a secret of it.
    let Ok(order) = serde_json::from_slice::<Order>(&bytes) else {
        anyhow::bail!("that is no whole order; replydeck starts this command by itself when a login is to be renewed");
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let renewed = runtime.block_on(async {
        #[cfg(unix)]
        let _deaf = {
            use tokio::signal::unix::{SignalKind, signal};
            let kinds = [SignalKind::terminate(), SignalKind::hangup(), SignalKind::interrupt(), SignalKind::quit()];
            kinds.into_iter().map(signal).collect::<std::io::Result<Vec<_>>>()?
        };
        anyhow::Ok(renew(&order, &clock::system()).await)
    })?;
    // Whoever asked may be gone; what counts is in the file.
    if let Err(error) = writeln!(std::io::stdout(), "{}", serde_json::to_string(&renewed)?) {
        tracing::debug!(%error, "nobody hears of the renewal");
    }
    Ok(())
}
