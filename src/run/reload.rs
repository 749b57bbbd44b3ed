//! Watches the config file and the secret files it names: a good edit is taken on while the deck runs, a bad one is
//! shown and the old settings stay, and a mended secret is fetched anew.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use notify::{RecursiveMode, Watcher as _};
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::app::Setup;
use crate::app::notice::Weight;
use crate::config::{AccountConfig, Config, SecretSource};
use crate::model::AccountName;
use crate::net::{Network, Secrets};

/// Editors write in several steps; the file is read when it has been quiet so long.
const QUIET: Duration = Duration::from_millis(200);

/// What became of the files.
#[derive(Debug)]
pub enum Change {
    /// The config was written: the settings, or why there are none.
    Settings(Result<Box<Setup>, String>),
    /// The secrets of an account, fetched anew because the config was saved or a file of theirs changed; or why they
    /// cannot be had.
    Secrets { account: AccountName, secrets: Result<Box<Secrets>, String>, from_environment: bool },
}

/// Gets the secrets of an account; blocks while commands run.
pub trait Fetch: Fn(&Config, &AccountConfig) -> Result<Secrets, String> + Send + Sync + Clone + 'static {}

impl<F: Fn(&Config, &AccountConfig) -> Result<Secrets, String> + Send + Sync + Clone + 'static> Fetch for F {}

/// What is watched, and for whom.
pub struct Watched<S, F> {
    pub path: PathBuf,
    /// As it is in force.
    pub config: Config,
    pub setup: S,
    pub fetch: F,
}

impl<S, F> std::fmt::Debug for Watched<S, F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Watched").field("path", &self.path).finish_non_exhaustive()
    }
}

/// Sends what changes until `stop`. Saving the config, also without an edit, fetches every secret anew: what a command
/// gives cannot be watched.
pub async fn watch(
    watched: Watched<impl Fn(&Config) -> Setup + Send, impl Fetch>,
    changes: mpsc::Sender<Change>,
    stop: CancellationToken,
) -> notify::Result<()> {
    let Watched { path, mut config, setup, fetch } = watched;
    let (touches, mut touched) = mpsc::unbounded_channel();
    let mut watcher = notify::recommended_watcher(move |change: notify::Result<notify::Event>| match change {
        Ok(change) if change.kind.is_access() => {}
        Ok(_) => {
            // Fails only when the deck is ending.
            let _deck_is_ending = touches.send(());
        }
        Err(error) => tracing::warn!(%error, "watching the config file"),
    })?;
    // Folders are watched: editors that save by renaming replace the file itself.
    let mut folders = BTreeSet::from([folder(&path)]);
    watcher.watch(&folder(&path), RecursiveMode::NonRecursive)?;
    let texts = |config: &Config| (read(&path), holiday_file(config).map(read));
    let mut last = (Stamp::of(&path), texts(&config));
    let mut secrets = stamps(&config);
    loop {
        for file in secrets.keys().map(PathBuf::as_path).chain(holiday_file(&config)) {
            let folder = folder(file);
            if folders.insert(folder.clone())
                && let Err(error) = watcher.watch(&folder, RecursiveMode::NonRecursive)
            {
                tracing::warn!(%error, folder = %folder.display(), "a file here is read anew only with the config");
            }
        }
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            touch = touched.recv() => if touch.is_none() { return Ok(()) },
        }
        while matches!(timeout(QUIET, touched.recv()).await, Ok(Some(()))) {}
        let mut now = (Stamp::of(&path), texts(&config));
        let is_saved = now.0 != last.0;
        if now.1 != last.1 {
            let read = match &now.1.0 {
                Ok(_) => Config::load(&path).map_err(|error| error.to_string()),
                Err(why) => Err(why.clone()),
            };
            if let Err(why) = &read {
                tracing::warn!("the config was changed and cannot be used, the old settings stay: {why}");
            }
            let settings = read.map(|read| {
                config = read;
                now.1 = texts(&config);
                Box::new(setup(&config))
            });
            if changes.send(Change::Settings(settings)).await.is_err() {
                return Ok(());
            }
        }
        last = now;
        let known = std::mem::replace(&mut secrets, stamps(&config));
        let is_new = |source: &SecretSource| match source {
            SecretSource::File(file) => known.get(file) != secrets.get(file),
            _ => false,
        };
        let wanted: Vec<AccountConfig> = config
            .accounts
            .iter()
            .filter(|account| is_saved || account.secrets().iter().any(|(_, source)| is_new(source)))
            .cloned()
            .collect();
        for account in wanted {
            let from_environment = account.secrets().iter().any(|(_, source)| matches!(source, SecretSource::Env(_)));
            let name = account.name.clone();
            let (fetch, config) = (fetch.clone(), config.clone());
            let fetched = spawn_blocking(move || fetch(&config, &account)).await;
            let secrets = fetched.unwrap_or_else(|error| Err(format!("fetching them broke: {error}")));
            if let Err(why) = &secrets {
                tracing::warn!("secrets cannot be fetched anew, the old ones stay: {why}");
            }
            if changes
                .send(Change::Secrets { account: name, secrets: secrets.map(Box::new), from_environment })
                .await
                .is_err()
            {
                return Ok(());
            }
        }
    }
}

/// Hands fetched secrets to their network; what is to be told of it, and how loudly. `is_down`: nothing is heard of the
/// account, so that a try with the same secrets is worth a word.
pub fn take_on(
    network: &dyn Network,
    account: &AccountName,
    secrets: Result<Box<Secrets>, String>,
    (from_environment, is_down): (bool, bool),
) -> Option<(Weight, String)> {
    Some(match secrets.map(|secrets| network.log_in_again(*secrets)) {
        Ok(Ok(true)) => {
            tracing::info!(%account, "other secrets were fetched");
            (Weight::Info, format!("the secrets of {account} were read again"))
        }
        Ok(Ok(false)) if !is_down => return None,
        Ok(Ok(false)) if from_environment => {
            let text = "tried again with the same secrets; a new value in the environment needs a new start";
            (Weight::Warning, format!("{account}: {text}"))
        }
        Ok(Ok(false)) => (Weight::Info, format!("{account}: tried again with the same secrets")),
        Ok(Err(why)) => (Weight::Error, format!("{account}: the secrets cannot be used, the old ones stay: {why}")),
        Err(why) => (Weight::Error, format!("the old secrets stay: {why}")),
    })
}

/// What tells that a file was written, replaced, or given other rights.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Stamp(Option<(u64, i64, i64)>);

impl Stamp {
    #[cfg(unix)]
    fn of(path: &Path) -> Self {
        use std::os::unix::fs::MetadataExt as _;
        Self(std::fs::metadata(path).ok().map(|about| (about.ino(), about.ctime(), about.ctime_nsec())))
    }

    #[cfg(not(unix))]
    fn of(path: &Path) -> Self {
        let changed = |about: std::fs::Metadata| {
            let since = about.modified().ok()?.duration_since(std::time::UNIX_EPOCH).ok()?;
            Some((about.len(), i64::try_from(since.as_secs()).ok()?, i64::from(since.subsec_nanos())))
        };
        Self(std::fs::metadata(path).ok().and_then(changed))
    }
}

/// The secret files of a config.
fn stamps(config: &Config) -> BTreeMap<PathBuf, Stamp> {
    let sources = config.accounts.iter().flat_map(AccountConfig::secrets);
    let files = sources.filter_map(|(_, source)| match source {
        SecretSource::File(file) => Some(file),
        SecretSource::Env(_) | SecretSource::Command(_) | SecretSource::Keyring(_) => None,
    });
    files.map(|file| (file.clone(), Stamp::of(file))).collect()
}

fn folder(path: &Path) -> PathBuf {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    folder.map_or_else(|| PathBuf::from("."), Path::to_path_buf)
}

fn holiday_file(config: &Config) -> Option<&Path> {
    config.office.as_ref()?.holidays_file.as_deref()
}

fn read(path: &Path) -> Result<String, String> {
    std::fs::read_to_string(path).map_err(|error| format!("{} cannot be read: {error}", path.display()))
}
