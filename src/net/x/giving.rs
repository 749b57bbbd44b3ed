//! Gives posts to the columns that want them. Both of X's streams do it with one memory, so that a post heard on both is
//! told once.

use std::sync::{Arc, Mutex};

use super::api::Api;
use crate::model::spend::Act;
use crate::model::{ColumnName, Post, PostId};
use crate::net::dispatch::Dispatch;
use crate::net::handing::{self, Feeds};
use crate::net::{Feed, Inbound};

/// Own posts that no column asked for are remembered under this name, which no column can have.
const OWN: &str = "/own";

pub(super) struct Giving {
    api: Arc<Api>,
    feeds: Feeds,
    told: Mutex<Dispatch>,
}

impl Giving {
    pub(super) fn new(api: Arc<Api>, feeds: Feeds) -> Self {
        Self { api, feeds, told: Mutex::default() }
    }

    /// Hands a post to those of `columns` that want it, has it counted, and, where it is `ours` and none wants it, tells
    /// of it as our own. Words for the link, where it shows that we are called otherwise by now.
    pub(super) async fn post(
        &self,
        post: &Post,
        columns: &[Feed],
        ours: bool,
        wants: impl Fn(&Feed) -> bool,
    ) -> Option<String> {
        let renamed = self.api.renamed(&post.author);
        let asked_by: Vec<&Feed> = columns.iter().filter(|feed| wants(feed)).collect();
        // Every version of a post is a post of its own to X.
        let read = post.version.as_deref().unwrap_or_else(|| post.id.native()).to_owned();
        self.api.charge(Act::PostRead, vec![read], asked_by.iter().map(|feed| feed.column.clone()).collect());
        for feed in &asked_by {
            let told = self.offer(&feed.column, post);
            for inbound in told {
                handing::to_column(&self.feeds, feed, inbound).await;
            }
        }
        if ours && asked_by.is_empty() {
            for inbound in self.offer(&ColumnName::new(OWN), post) {
                // Without a column there is no desk that could miss it.
                if handing::to_one(&self.feeds, inbound.into_own()).await.is_err() {
                    tracing::warn!(post = %post.id, "no column listens any more to hear of a post of ours");
                }
            }
        }
        renamed
    }

    /// A post of ours is gone. The desk may have it from an earlier run, so it is told whoever has it.
    pub(super) async fn deleted(&self, post: PostId) {
        if let Err(Inbound::Deleted { post }) = handing::to_one(&self.feeds, Inbound::Deleted { post }).await {
            tracing::warn!(%post, "no column listens any more to hear that a post of ours is gone");
        }
    }

    fn offer(&self, column: &ColumnName, post: &Post) -> Vec<Inbound> {
        self.told.lock().expect("nothing panics while holding what was told").offer(column, post)
    }
}
