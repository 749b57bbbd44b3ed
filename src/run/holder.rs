//! What the run that holds an account's stream tells the others on this host of it, in `link-ACCOUNT.json`: what ails
//! the stream ails their columns too.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::model::{AccountName, ColumnName, LinkReport, LinkState};
use crate::net::kept::StateFile;

/// How the link stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    pub state: LinkState,
    pub note: Option<String>,
    pub is_calm: bool,
    pub refused: Vec<(ColumnName, String)>,
}

impl Told {
    pub fn of(report: &LinkReport) -> Self {
        Self {
            state: report.state.clone(),
            note: report.note.clone(),
            is_calm: report.is_calm,
            refused: report.refused.clone(),
        }
    }
}

/// Where it is told.
pub(crate) fn file(data_dir: &Path, account: &AccountName) -> StateFile {
    StateFile::of(
        data_dir,
        "link",
        account,
        "the decks on this machine do not know how the stream stands that one of them holds",
    )
}
