//! What goes out to the columns, and when.

use std::sync::Arc;

use tokio::time::Instant;

use super::{Held, Listener};
use crate::model::ColumnName;
use crate::net::bluesky::record::Made;
use crate::net::{Inbound, handing};

/// Own posts that no column asked for are remembered under this name, which no column can have.
const OWN: &str = "/own";

impl Listener {
    /// When the oldest of what waits goes out, whatever is known then.
    pub(super) fn due(&self) -> Option<Instant> {
        self.waiting.front().map(|held| held.since + self.api.pace.profile_wait)
    }

    /// Hands on what need not wait any longer, in order.
    pub(super) async fn flush(&mut self) {
        while let Some(held) = self.waiting.front() {
            let is_ready = match &held.what {
                Held::Tell(_) => true,
                Held::Post(made) => {
                    let did = made.post.author.id.native();
                    self.profiles.rests()
                        || self.profiles.is_known(did)
                        || held.since.elapsed() >= self.api.pace.profile_wait
                }
            };
            if !is_ready {
                // A question that was not asked for want of room, or was asked in vain, is asked now.
                if let Held::Post(made) = &held.what {
                    let did = made.post.author.id.native().to_owned();
                    self.profiles.want(&did);
                }
                return;
            }
            let Some(held) = self.waiting.pop_front() else { return };
            // Whoever is stopped in the middle of it begins here again.
            self.giving = held.at_us;
            self.give(held.what).await;
            self.giving = None;
        }
    }

    pub(super) async fn give(&mut self, what: Held) {
        match what {
            Held::Tell(inbound) => {
                let gone = match &inbound {
                    Inbound::Deleted { post } | Inbound::Withheld { post } => Some(post.clone()),
                    _ => None,
                };
                if let Some(post) = gone {
                    self.api.remembered.lock().expect("nothing panics while remembering").forget(&post);
                }
                // Without a column there is no desk that could miss it.
                drop(handing::to_one(&self.feeds, inbound).await);
            }
            Held::Post(mut made) => {
                self.name(&mut made);
                let has_open = self.hand_on(&made).await;
                if has_open && !self.profiles.is_known(made.post.author.id.native()) {
                    self.keep_late(made);
                }
            }
        }
    }

    /// Gives the post to the columns it matches. Whether some may want it once its author is known.
    async fn hand_on(&mut self, made: &Made) -> bool {
        let post = &made.post;
        let (sure, open) = self.sift.rules.matching_or_open(post);
        let current = Arc::clone(&self.current);
        let mut out = Vec::new();
        for &taker in &sure {
            let Some(feed) = current.get(taker) else { continue };
            let inbound = self.dispatch.offer_as(&feed.column, post, &made.rev);
            out.extend(inbound.into_iter().map(|inbound| (feed, inbound)));
        }
        if made.is_update {
            // Its new words may match no more; a column that has it shows them all the same.
            for (place, feed) in current.iter().enumerate() {
                if !sure.contains(&place) && self.dispatch.knows(&feed.column, &post.id) {
                    let inbound = self.dispatch.offer_as(&feed.column, post, &made.rev);
                    out.extend(inbound.into_iter().map(|inbound| (feed, inbound)));
                }
            }
        }
        let mut own = Vec::new();
        if sure.is_empty() && self.api.watch_own && self.is_own(made) {
            let inbound = self.dispatch.offer_as(&ColumnName::new(OWN), post, &made.rev);
            own.extend(inbound.into_iter().map(Inbound::into_own));
        }
        if !(out.is_empty() && own.is_empty()) {
            let mut remembered = self.api.remembered.lock().expect("nothing panics while remembering");
            remembered.keep(&post.id, &post.author.id, &made.refs);
        }
        for (feed, inbound) in out {
            handing::to_column(&self.feeds, feed, inbound).await;
        }
        for inbound in own {
            drop(handing::to_one(&self.feeds, inbound).await);
        }
        !open.is_empty()
    }

    /// Judges the posts of authors of whom more is known now.
    pub(super) async fn judge_late(&mut self) {
        let known: Vec<String> = self.late.keys().filter(|did| self.profiles.is_known(did)).cloned().collect();
        for did in known {
            for (mut made, _) in self.late.remove(&did).unwrap_or_default() {
                self.name(&mut made);
                self.hand_on(&made).await;
            }
        }
    }
}
