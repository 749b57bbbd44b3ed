//! From the store to a desk, and back to a checkpoint.

use std::collections::BTreeSet;
use std::sync::Arc;

use tokio::sync::mpsc;

use crate::app::{ColumnSetup, Msg};
use crate::desk::Desk;
use crate::log::{Log, LogError};
use crate::model::{PostId, Seq};

/// A post takes at least so many rows of the screen: head, words, rule.
const ROWS_OF_A_POST: usize = 3;

/// So many events are handed to the deck at once: folding them takes well under a millisecond, so that no key waits.
const TOLD_AT_ONCE: usize = 32;

/// The desk as the newest checkpoint has it, with the texts that these columns show first on a screen of so many
/// `rows`; the others are read as they come near. An empty desk where there is no checkpoint: then the log is folded
/// from its start.
pub async fn load(log: &dyn Log, columns: &[ColumnSetup], rows: u16) -> Result<Desk, LogError> {
    let Some((seq, bytes)) = log.checkpoint(Desk::CHECKPOINT_KIND.into()).await? else {
        return Ok(Desk::default());
    };
    let Some(mut desk) = Desk::from_checkpoint(&bytes) else {
        tracing::warn!("the checkpoint cannot be read; folding the log from its start");
        return Ok(Desk::default());
    };
    drop(bytes);
    if desk.seq != seq || seq > log.last().await? {
        tracing::warn!(%seq, "the checkpoint does not fit the log; folding the log from its start");
        return Ok(Desk::default());
    }
    let on_screen = usize::from(rows).div_ceil(ROWS_OF_A_POST);
    let windows = columns.iter().filter_map(|column| desk.columns.get(&column.name)).map(|column| &column.window);
    let first: BTreeSet<&PostId> =
        windows.flat_map(|window| window.iter().rev().take(on_screen)).map(|(_, post)| post).collect();
    let bodies = log.bodies(desk.missing_texts(first)).await?;
    for (id, body) in bodies {
        desk.supply(&id, body);
    }
    Ok(desk)
}

/// Keeps the desk as the next start's checkpoint.
pub async fn keep(log: &dyn Log, desk: &Desk) -> Result<(), LogError> {
    log.keep_checkpoint(Desk::CHECKPOINT_KIND.into(), desk.seq, desk.checkpoint()).await
}

/// Hands the log's events to the inbox from `after` on; says when the past has all been told.
pub async fn follow(log: Arc<dyn Log>, after: Seq, past: Seq, inbox: mpsc::Sender<Msg>) {
    let mut batches = log.subscribe(after);
    let mut caught_up = after >= past;
    if caught_up && inbox.send(Msg::CaughtUp).await.is_err() {
        return;
    }
    while let Some(batch) = batches.recv().await {
        let last = batch.last().map_or(after, |envelope| envelope.seq);
        for part in batch.chunks(TOLD_AT_ONCE) {
            if inbox.send(Msg::Envelopes(part.to_vec())).await.is_err() {
                return;
            }
        }
        if !caught_up && last >= past {
            caught_up = true;
            if inbox.send(Msg::CaughtUp).await.is_err() {
                return;
            }
        }
    }
}
