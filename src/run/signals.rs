//! Signals that end the program, all by one path.

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Cancels `stop` at SIGTERM, SIGHUP or SIGINT; ends with it.
#[cfg(unix)]
pub fn watch(stop: &CancellationToken, tasks: &TaskTracker) -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let stop = stop.clone();
    tasks.spawn(async move {
        let name = tokio::select! {
            () = stop.cancelled() => return,
            _ = terminate.recv() => "SIGTERM",
            _ = hang_up.recv() => "SIGHUP",
            _ = interrupt.recv() => "SIGINT",
        };
        tracing::info!("{name}: ending");
        stop.cancel();
    });
    Ok(())
}

/// Cancels `stop` at Ctrl-C; ends with it.
#[cfg(not(unix))]
pub fn watch(stop: &CancellationToken, tasks: &TaskTracker) -> std::io::Result<()> {
    let stop = stop.clone();
    tasks.spawn(async move {
        tokio::select! {
            () = stop.cancelled() => {}
            _ = tokio::signal::ctrl_c() => stop.cancel(),
        }
    });
    Ok(())
}
