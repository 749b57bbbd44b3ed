//! From the store to a desk, and back to a checkpoint.

use std::sync::Arc;

use tokio::sync::mpsc;

use crate::app::Msg;
use crate::desk::Desk;
use crate::log::{Log, LogError};
use crate::model::{BodyId, Seq};

/// So many posts of each column have their text read before the first frame; the rest follows at once.
const FIRST_TEXTS: usize = 60;

/// So many events are handed to the deck at once: folding them takes well under a millisecond, so that no key waits.
const TOLD_AT_ONCE: usize = 32;

/// The desk as the newest checkpoint has it, the texts of the newest posts joined, and the ids of those still
/// to be read. An empty desk where there is no checkpoint: then the log is folded from its start.
pub async fn load(log: &dyn Log) -> Result<(Desk, Vec<BodyId>), LogError> {
    let Some((seq, bytes)) = log.checkpoint(Desk::CHECKPOINT_KIND.into()).await? else {
        return Ok((Desk::default(), Vec::new()));
    };
    let Some(mut desk) = Desk::from_checkpoint(&bytes) else {
        tracing::warn!("the checkpoint cannot be read; folding the log from its start");
        return Ok((Desk::default(), Vec::new()));
    };
    if desk.seq != seq || seq > log.last().await? {
        tracing::warn!(%seq, "the checkpoint does not fit the log; folding the log from its start");
        return Ok((Desk::default(), Vec::new()));
    }
    let mut first: Vec<BodyId> = Vec::new();
    for column in desk.columns.values() {
        first.extend(column.window.iter().rev().take(FIRST_TEXTS).map(|(_, post)| BodyId::post(post)));
    }
    let bodies = log.bodies(first).await?;
    for (id, body) in bodies {
        desk.supply(&id, body);
    }
    let rest = desk.missing_bodies();
    Ok((desk, rest))
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
