//! What a query that is no column yet would have caught: the stored posts of the last days, read page by page beside
//! everything else the deck does.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use tokio_util::sync::CancellationToken;

use crate::app::Caught;
use crate::log::{Log, LogError};
use crate::model::{Body, ColumnName, Event, NetworkKind, PostId};
use crate::rules::Rule;

/// So far back it looks.
pub(super) const REACH: SignedDuration = SignedDuration::from_hours(7 * 24);

/// Posts of one page.
const PAGE: usize = 200;
/// No more posts are looked at: a rep waits for the answer.
const MOST: u64 = 20_000;
/// So many of what it would have caught are shown.
const EXAMPLES: usize = 5;

/// The look under way, which the next one ends.
#[derive(Debug, Default)]
pub(super) struct Trying(Mutex<CancellationToken>);

impl Trying {
    /// Ends the one before; the token of the new one.
    pub(super) fn begin(&self) -> CancellationToken {
        let mut current = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        current.cancel();
        *current = CancellationToken::new();
        current.clone()
    }
}

/// Reads what these columns hold since `since` and asks the rule about each post of its network once.
pub(super) async fn look(
    log: &dyn Log,
    (rule, network): (&Rule, NetworkKind),
    columns: Vec<ColumnName>,
    since: Timestamp,
) -> Result<Caught, LogError> {
    let mut caught = Caught { query: rule.source().to_owned(), posts: 0, of: 0, examples: Vec::new(), cut: None };
    let mut seen: BTreeSet<PostId> = BTreeSet::new();
    'columns: for column in columns {
        // Nothing is written later than this.
        let mut before = (Timestamp::MAX, PostId::new(NetworkKind::X, ""));
        loop {
            let page = log.older(column.clone(), before, PAGE).await?;
            let is_last = page.len() < PAGE;
            let mut oldest = None;
            for envelope in page {
                let Event::PostMatched { post: id, posted_at, .. } = &envelope.event else { continue };
                oldest = Some((*posted_at, id.clone()));
                let Some(Body::Post(post)) = &envelope.body else { continue };
                if *posted_at < since || id.network() != network || !seen.insert(id.clone()) {
                    continue;
                }
                caught.of += 1;
                if rule.matches(post) {
                    caught.posts += 1;
                    caught.examples.push(Arc::new((**post).clone()));
                }
                if caught.of >= MOST {
                    caught.cut = Some(format!("looked at the newest {MOST} only"));
                    break 'columns;
                }
            }
            newest_first(&mut caught.examples);
            match oldest {
                Some(oldest) if !is_last && oldest.0 >= since => before = oldest,
                _ => break,
            }
            // Between pages others have their turn.
            tokio::task::yield_now().await;
        }
    }
    newest_first(&mut caught.examples);
    Ok(caught)
}

fn newest_first(examples: &mut Vec<Arc<crate::model::Post>>) {
    examples.sort_by_key(|post| std::cmp::Reverse(post.at));
    examples.truncate(EXAMPLES);
}
