//! A column's own task: takes its matches from the network's stream, keeps count of its own health and gaps,
//! and hands everything on to the intake.

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::model::{ColumnName, GapId};
use crate::net::Inbound;

/// So many things may wait between a network and a column.
pub const WAITING: usize = 256;

/// What a column gives to the intake.
#[derive(Clone, Debug, PartialEq)]
pub struct Taken {
    pub column: ColumnName,
    pub what: Inbound,
}

/// Runs a column until its network lets go of it or `stop`.
pub async fn run(
    column: ColumnName,
    mut inbound: mpsc::Receiver<Inbound>,
    intake: mpsc::Sender<Taken>,
    stop: CancellationToken,
) {
    let mut open: Option<GapId> = None;
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
            Inbound::GapOpened { gap, .. } => match open {
                Some(_) => continue,
                None => open = Some(*gap),
            },
            Inbound::GapClosed { gap, .. } => {
                if open == Some(*gap) {
                    open = None;
                }
            }
            Inbound::Post(_) | Inbound::Own(_) | Inbound::Edited(_) | Inbound::Deleted { .. } => {}
        }
        if intake.send(Taken { column: column.clone(), what }).await.is_err() {
            break;
        }
    }
    // What already came in is not thrown away with the task.
    inbound.close();
    while let Some(what) = inbound.recv().await {
        if intake.send(Taken { column: column.clone(), what }).await.is_err() {
            break;
        }
    }
    tracing::debug!(%column, "column ended");
}
