//! The log file: what happened, for whoever has to find out later. Never a secret, never a customer's words.

use std::fs;
use std::path::Path;

use tracing_appender::non_blocking::WorkerGuard;
use tracing_subscriber::EnvFilter;

/// A file larger than this starts anew when the program starts; the old one is kept beside it.
const KEPT_BYTES: u64 = 8 * 1024 * 1024;

/// Writes `replydeck.log` in the data folder. The guard flushes it when dropped.
///
/// `REPLYDECK_LOG` takes the usual filter words, such as `debug` or `replydeck::net=trace`.
pub fn start(data_dir: &Path) -> std::io::Result<WorkerGuard> {
    let path = data_dir.join("replydeck.log");
    if fs::metadata(&path).is_ok_and(|file| file.len() > KEPT_BYTES) {
        fs::rename(&path, data_dir.join("replydeck.log.1"))?;
    }
    let mut options = fs::OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    let (writer, guard) = tracing_appender::non_blocking(options.open(&path)?);
    let filter = EnvFilter::try_from_env("REPLYDECK_LOG").unwrap_or_else(|_| EnvFilter::new("warn,replydeck=info"));
    // A second start in one process (tests) keeps the first.
    if tracing_subscriber::fmt().with_writer(writer).with_ansi(false).with_env_filter(filter).try_init().is_err() {
        tracing::debug!("the log file was already open");
    }
    Ok(guard)
}
