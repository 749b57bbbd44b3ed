//! What the store knows of a person: their posts, and all that happened in the cases these made.

use std::collections::BTreeSet;

use crate::app::PersonRecord;
use crate::log::{Log, LogError};
use crate::model::{AuthorId, CaseId, Event};

/// So many posts of a person are looked at, the newest…
const POSTS: usize = 500;
/// …and so many of their cases.
const CASES: usize = 100;

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
