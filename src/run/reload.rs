//! Watches the config file: a good edit is taken on while the deck runs, a bad one is shown and the old
//! settings stay.

use std::path::{Path, PathBuf};
use std::time::Duration;

use notify::{RecursiveMode, Watcher as _};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::app::Setup;
use crate::config::Config;

/// Editors write in several steps; the file is read when it has been quiet so long.
const QUIET: Duration = Duration::from_millis(200);

/// Sends the settings each time the file's content changes, until `stop`.
pub async fn watch(
    path: PathBuf,
    setup: impl Fn(&Config) -> Setup + Send,
    reloads: mpsc::Sender<Result<Box<Setup>, String>>,
    stop: CancellationToken,
) -> notify::Result<()> {
    let (changes, mut changed) = mpsc::unbounded_channel();
    // The folder is watched: editors that save by renaming replace the file itself.
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .map_or_else(|| PathBuf::from("."), Path::to_path_buf);
    let mut watcher = notify::recommended_watcher(move |change: notify::Result<notify::Event>| match change {
        Ok(change) if change.kind.is_access() => {}
        Ok(_) => {
            // Fails only when the deck is ending.
            let _deck_is_ending = changes.send(());
        }
        Err(error) => tracing::warn!(%error, "watching the config file"),
    })?;
    watcher.watch(&folder, RecursiveMode::NonRecursive)?;
    let mut last = read(&path);
    loop {
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            change = changed.recv() => if change.is_none() { return Ok(()) },
        }
        while matches!(timeout(QUIET, changed.recv()).await, Ok(Some(()))) {}
        let text = read(&path);
        if text == last {
            continue;
        }
        let reload = match &text {
            Ok(_) => Config::load(&path).map(|config| Box::new(setup(&config))).map_err(|error| error.to_string()),
            Err(why) => Err(why.clone()),
        };
        last = text;
        if reloads.send(reload).await.is_err() {
            return Ok(());
        }
    }
}

fn read(path: &Path) -> Result<String, String> {
    std::fs::read_to_string(path).map_err(|error| format!("{} cannot be read: {error}", path.display()))
}
