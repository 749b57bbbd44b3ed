//! Hands things to columns while columns come, change and go: what one that is being closed does not take goes to the
//! one that follows it.

use std::sync::Arc;

use tokio::sync::watch;

use super::{Feed, Inbound};

/// The columns as they are, seen from a listener.
pub(crate) type Feeds = watch::Receiver<Arc<Vec<Feed>>>;

/// Hands on what is told to one column only, whichever: the first that listens. Where all are being closed their
/// successors are waited for. It comes back where there is no column, or never will be.
pub(crate) async fn to_one(feeds: &Feeds, mut inbound: Inbound) -> Result<(), Inbound> {
    // A view of our own: the listener itself still learns of the change.
    let mut feeds = feeds.clone();
    loop {
        let listens = {
            let current = feeds.borrow_and_update();
            if current.is_empty() {
                return Err(inbound);
            }
            current.iter().find(|feed| !feed.out.is_closed()).map(|feed| feed.out.clone())
        };
        match listens {
            Some(to) => match to.send(inbound).await {
                Ok(()) => return Ok(()),
                Err(untaken) => inbound = untaken.0,
            },
            None if feeds.changed().await.is_err() => return Err(inbound),
            None => {}
        }
    }
}

/// Hands a column its post, or what became of one. Where it is being closed, the column of the same name that takes its
/// place gets it if its rule asks for it; where there is none, nobody wants it any more.
pub(crate) async fn to_column(feeds: &Feeds, feed: &Feed, inbound: Inbound) {
    let Err(untaken) = feed.out.send(inbound).await else { return };
    let mut inbound = untaken.0;
    let mut feeds = feeds.clone();
    loop {
        let successor = feeds.borrow_and_update().iter().find(|other| other.column == feed.column).cloned();
        let Some(successor) = successor else { return };
        if successor.out.is_closed() {
            if feeds.changed().await.is_err() {
                return;
            }
            continue;
        }
        if matches!(&inbound, Inbound::Post(post) if !successor.rule.matches(post)) {
            return;
        }
        match successor.out.send(inbound).await {
            Ok(()) => return,
            Err(untaken) => inbound = untaken.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::sync::{mpsc, watch};

    use super::{to_column, to_one};
    use crate::model::{ColumnName, NetworkKind, PostId};
    use crate::net::x::decode::{Line, line};
    use crate::net::{Feed, Inbound};
    use crate::rules::Rule;

    fn feed(column: &str, query: &str) -> (Feed, mpsc::Receiver<Inbound>) {
        let (out, inbound) = mpsc::channel(4);
        (Feed { column: ColumnName::new(column), rule: Rule::parse(query).unwrap(), out }, inbound)
    }

    fn gone() -> Inbound {
        Inbound::Deleted { post: PostId::new(NetworkKind::X, "1") }
    }

    fn post(text: &str) -> Inbound {
        let json = serde_json::json!({"data": {"id": "7", "text": text, "author_id": "9"}}).to_string();
        match line(json.as_bytes()) {
            Line::Post { post, .. } => Inbound::Post(post),
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn what_all_columns_refuse_waits_for_their_successors() {
        let ((old, closed), (fresh, mut inbound)) = (feed("a", "slow"), feed("a", "down"));
        drop(closed);
        let (change, feeds) = watch::channel(Arc::new(vec![old]));
        let change = async {
            tokio::task::yield_now().await;
            change.send_replace(Arc::new(vec![fresh]));
            change
        };
        let (handed, change) = tokio::join!(to_one(&feeds, gone()), change);
        assert_eq!(handed, Ok(()));
        assert_eq!(inbound.recv().await, Some(gone()));
        assert!(feeds.has_changed().unwrap(), "the listener hears of the change itself");
        change.send_replace(Arc::default());
        assert_eq!(to_one(&feeds, gone()).await, Err(gone()), "no column");
        let (last, closed) = feed("a", "slow");
        drop(closed);
        change.send_replace(Arc::new(vec![last]));
        drop(change);
        assert_eq!(to_one(&feeds, gone()).await, Err(gone()), "the deck is closing");
    }

    #[tokio::test]
    async fn a_post_goes_to_its_column_s_successor_if_that_one_asks_for_it() {
        for (query, is_told) in [("slow OR down", true), ("down", false)] {
            let ((old, closed), (other, mut others), (fresh, mut inbound)) =
                (feed("a", "slow"), feed("b", "slow"), feed("a", query));
            drop(closed);
            let (change, feeds) = watch::channel(Arc::new(vec![old.clone()]));
            let change = async {
                tokio::task::yield_now().await;
                change.send_replace(Arc::new(vec![other, fresh]));
            };
            tokio::join!(to_column(&feeds, &old, post("so slow")), change);
            assert_eq!(inbound.try_recv().is_ok(), is_told, "{query}");
            assert!(others.try_recv().is_err(), "the other column was asked by itself");
        }
        // Its column is gone: nobody is waited for.
        let (old, closed) = feed("a", "slow");
        drop(closed);
        let (_change, feeds) = watch::channel(Arc::new(Vec::new()));
        to_column(&feeds, &old, post("so slow")).await;
    }
}
