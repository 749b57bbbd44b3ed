//! What the run that holds an account's stream tells the others on this host of it, in `link-ACCOUNT.json`: what ails
//! the stream ails their columns too.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::model::{AccountName, ColumnName, LinkReport, LinkState};
use crate::net::kept;

/// How the link stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    pub state: LinkState,
    pub note: Option<String>,
    pub refused: Vec<(ColumnName, String)>,
}

/// The holder's side.
#[derive(Debug)]
pub struct Telling {
    path: PathBuf,
    told: Option<Told>,
    failed: bool,
}

impl Telling {
    pub fn of(data_dir: &Path, account: &AccountName) -> Self {
        Self { path: path(data_dir, account), told: None, failed: false }
    }

    /// Writes the report down where it says something else than the last one.
    pub fn tell(&mut self, report: &LinkReport) {
        let now = Told { state: report.state.clone(), note: report.note.clone(), refused: report.refused.clone() };
        if self.told.as_ref() == Some(&now) {
            return;
        }
        let written = serde_json::to_vec(&now).map_err(|error| error.to_string());
        let written =
            written.and_then(|bytes| kept::write(&self.path, &bytes, false).map_err(|error| error.to_string()));
        if let Err(error) = &written
            && !self.failed
        {
            tracing::error!(error, "the other runs on this machine cannot be told how the link stands");
        }
        self.failed = written.is_err();
        self.told = Some(now).filter(|_| written.is_ok());
    }
}

/// What the holder said last; `None` where it has said nothing that this version understands.
pub fn told(data_dir: &Path, account: &AccountName) -> Option<Told> {
    let bytes = match kept::read(&path(data_dir, account)) {
        Ok(bytes) => bytes?,
        Err(error) => {
            tracing::debug!(%error, "how the link stands that another run holds cannot be read");
            return None;
        }
    };
    match serde_json::from_slice(&bytes) {
        Ok(told) => Some(told),
        Err(error) => {
            tracing::debug!(%error, "how the link stands that another run holds is not understood");
            None
        }
    }
}

fn path(data_dir: &Path, account: &AccountName) -> PathBuf {
    kept::path(data_dir, "link", account)
}
