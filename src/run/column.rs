//! A column's own task: takes its matches from the network's stream, keeps count of its own health and gaps,
//! and hands everything on to the intake.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::model::{AccountName, ColumnName, GapId};
use crate::net::Inbound;

/// So many things may wait between a network and a column.
pub const WAITING: usize = 256;

/// What a column gives to the intake.
#[derive(Clone, Debug, PartialEq)]
pub struct Taken {
    pub column: ColumnName,
    /// Whose network it came from.
    pub account: AccountName,
    pub what: Inbound,
}

/// The columns in which a gap of an earlier run goes on until the account's link lives.
#[derive(Clone, Debug, Default)]
pub struct Continued(Arc<Mutex<BTreeSet<(AccountName, ColumnName)>>>);

impl Continued {
    pub fn add(&self, account: &AccountName, columns: impl IntoIterator<Item = ColumnName>) {
        let columns = columns.into_iter().map(|column| (account.clone(), column));
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend(columns);
    }

    fn covers(&self, account: &AccountName, column: &ColumnName) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(&(account.clone(), column.clone()))
    }
}

/// Runs a column's part on one account until its network lets go of it or `stop`.
pub async fn run(
    (column, account): (ColumnName, AccountName),
    mut inbound: mpsc::Receiver<Inbound>,
    intake: mpsc::Sender<Taken>,
    continued: Continued,
    stop: CancellationToken,
) {
    let mut open: Option<GapId> = None;
    // The network's first gap, where one of an earlier run stands in its place.
    let mut passed_over: Option<GapId> = None;
    loop {
        let what = tokio::select! {
            biased;
            () = stop.cancelled() => break,
            what = inbound.recv() => match what {
                Some(what) => what,
                None => break,
            },
        };
        match &what {
            // A network that opens a gap twice has one gap.
            Inbound::GapOpened { gap, is_first: true, .. } if open.is_none() && continued.covers(&account, &column) => {
                passed_over = Some(*gap);
                continue;
            }
            Inbound::GapClosed { gap, .. } if passed_over == Some(*gap) => {
                // Whoever knows the earlier gap closes it when the link lives.
                passed_over = None;
                continue;
            }
            Inbound::GapOpened { gap, .. } => match open {
                Some(_) => continue,
                None => open = Some(*gap),
            },
            Inbound::GapClosed { gap, .. } => {
                if open == Some(*gap) {
                    open = None;
                }
            }
            // Nobody knows the network's gap under this name: the earlier one is still to be filled.
            Inbound::GapFilled { .. }
            | Inbound::Post(_)
            | Inbound::Own(_)
            | Inbound::Message { .. }
            | Inbound::Edited(_)
            | Inbound::Deleted { .. }
            | Inbound::Withheld { .. } => {}
        }
        if intake.send(Taken { column: column.clone(), account: account.clone(), what }).await.is_err() {
            break;
        }
    }
    // What already came in is not thrown away with the task.
    inbound.close();
    while let Some(what) = inbound.recv().await {
        if intake.send(Taken { column: column.clone(), account: account.clone(), what }).await.is_err() {
            break;
        }
    }
    tracing::debug!(%column, %account, "column ended");
}
