//! What the store knows of a person: their posts, and all that happened in the cases these made.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::app::PersonRecord;
use crate::log::{Log, LogError};
use crate::model::{AuthorId, CaseId, Envelope, Event, key};

/// So many posts of a person are looked at, the newest…
const POSTS: usize = 500;
/// …and so many of their cases.
const CASES: usize = 100;

/// So many posts and direct messages of one case are read where the desk does not hold it.
const OF_A_CASE: usize = 256;

/// The events of a case and, where they are wanted, what came from the network for it.
pub async fn read_case(
    log: &dyn Log,
    case: CaseId,
    with_network: bool,
) -> Result<(Vec<Arc<Envelope>>, Vec<Arc<Envelope>>), LogError> {
    let events = log.of_case(case).await?;
    let opened = events.iter().find_map(|envelope| match &envelope.event {
        Event::CaseOpened { author, conversation, .. } => Some((author.clone(), conversation.clone())),
        _ => None,
    });
    let Some((author, conversation)) = opened.filter(|_| with_network) else { return Ok((events, Vec::new())) };
    let mut beside = log.posts_in(author.clone(), conversation, OF_A_CASE).await?;
    beside.extend(log.of_key(key::with(&author), OF_A_CASE).await?);
    Ok((events, beside))
}

/// Reads it; the log itself knows nothing of cases, so it is asked for the author's posts first.
pub async fn read(log: &dyn Log, author: AuthorId) -> Result<PersonRecord, LogError> {
    let posts = log.of_author(author.clone(), POSTS).await?;
    let mut seen = BTreeSet::new();
    let conversations = posts.iter().filter_map(|envelope| match &envelope.event {
        Event::PostMatched { conversation, .. } => Some(CaseId::of(&author, conversation)),
        _ => None,
    });
    let ids: Vec<CaseId> = conversations.filter(|case| seen.insert(*case)).collect();
    let is_all = posts.len() < POSTS && ids.len() <= CASES;
    let mut cases = Vec::new();
    for case in ids.into_iter().take(CASES) {
        let events = log.of_case(case).await?;
        // A repost makes none.
        if !events.is_empty() {
            cases.push((case, events));
        }
    }
    Ok(PersonRecord { author, posts, cases, is_all })
}
