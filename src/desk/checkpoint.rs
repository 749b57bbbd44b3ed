//! A state of the desk that stands for everything folded so far, so that start-up does not depend on the history.
//!
//! It holds no text: an erased text must not live on in it. Texts are read from the store afterwards
//! ([`Desk::missing_bodies`], [`Desk::supply`]).

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::model::{AuthorId, Body, BodyId, CaseId, ColumnName, GapId, Seq};

use super::case::Answer;
use super::{AuthorHistory, Case, Column, Counters, Desk, Gap, PostState, PostView, Reply, Spending};

/// What is written. Names that stand in their values anyway are not written twice.
#[derive(Serialize)]
struct Written<'a> {
    seq: Seq,
    columns: &'a BTreeMap<ColumnName, Column>,
    posts: Vec<&'a PostView>,
    cases: Vec<&'a Case>,
    replies: Vec<&'a Reply>,
    gaps: &'a BTreeMap<GapId, Gap>,
    authors: Vec<(&'a AuthorId, &'a AuthorHistory)>,
    counters: Counters,
    spending: &'a Spending,
    idle_authors: &'a VecDeque<AuthorId>,
    early_answers: &'a VecDeque<(CaseId, Answer)>,
}

/// What is read; field for field [`Written`].
#[derive(Deserialize)]
struct Read {
    seq: Seq,
    columns: BTreeMap<ColumnName, Column>,
    posts: Vec<PostView>,
    cases: Vec<Case>,
    replies: Vec<Reply>,
    gaps: BTreeMap<GapId, Gap>,
    authors: Vec<(AuthorId, AuthorHistory)>,
    counters: Counters,
    spending: Spending,
    idle_authors: VecDeque<AuthorId>,
    early_answers: VecDeque<(CaseId, Answer)>,
}

impl Desk {
    /// The format's version: a change of any type in it needs a new one, and older checkpoints are then passed
    /// over and the log is folded from its start.
    pub const CHECKPOINT_KIND: &'static str = "desk-4";

    /// The desk without texts, in a compact binary form that is the same for equal desks.
    pub fn checkpoint(&self) -> Vec<u8> {
        let mut posts: Vec<_> = self.posts.values().collect();
        posts.sort_unstable_by(|a, b| a.id.cmp(&b.id));
        let mut cases: Vec<_> = self.cases.values().collect();
        cases.sort_unstable_by_key(|case| case.id);
        let mut authors: Vec<_> = self.authors.iter().collect();
        authors.sort_unstable_by_key(|(id, _)| *id);
        let written = Written {
            seq: self.seq,
            columns: &self.columns,
            posts,
            cases,
            replies: self.replies.values().collect(),
            gaps: &self.gaps,
            authors,
            counters: self.counters,
            spending: &self.spending,
            idle_authors: &self.idle_authors,
            early_answers: &self.early_answers,
        };
        postcard::to_stdvec(&written).expect("plain data of known lengths always has a form")
    }

    /// Reads [`Desk::checkpoint`] back; `None` where the bytes are not one.
    pub fn from_checkpoint(bytes: &[u8]) -> Option<Desk> {
        let (read, rest) = postcard::take_from_bytes::<Read>(bytes).ok()?;
        if !rest.is_empty() {
            return None;
        }
        let mut desk = Desk {
            seq: read.seq,
            columns: read.columns,
            posts: read.posts.into_iter().map(|post| (post.id.clone(), post)).collect(),
            cases: read.cases.into_iter().map(|case| (case.id, case)).collect(),
            replies: read.replies.into_iter().map(|reply| (reply.id, reply)).collect(),
            gaps: read.gaps,
            authors: read.authors.into_iter().collect(),
            counters: read.counters,
            spending: read.spending,
            idle_authors: read.idle_authors,
            early_answers: read.early_answers,
            index: super::Index::default(),
        };
        desk.reindex();
        Some(desk)
    }

    /// Texts the desk may show and has not: what a checkpoint left out, what of it was erased since included. The
    /// posts that windows show come first, newest first.
    pub fn missing_bodies(&self) -> Vec<BodyId> {
        let mut posts: Vec<&PostView> = self.posts.values().filter(|post| post.lacks_body()).collect();
        posts.sort_unstable_by(|a, b| (b.at, &b.id).cmp(&(a.at, &a.id)));
        let (shown, rest): (Vec<&PostView>, Vec<&PostView>) = posts.into_iter().partition(|post| {
            post.columns.iter().any(|name| self.columns.get(name).is_some_and(|c| c.window.contains(&post.place())))
        });
        let mut missing: Vec<BodyId> = shown.iter().chain(&rest).map(|post| BodyId::post(&post.id)).collect();
        let mut drafts: Vec<BodyId> = Vec::new();
        for case in self.cases.values() {
            let lacking = case.drafts.iter().filter(|(_, draft)| draft.draft.is_none());
            drafts.extend(lacking.map(|(purpose, _)| BodyId::draft(case.id, *purpose)));
        }
        drafts.sort_unstable();
        missing.extend(drafts);
        let replies = self.replies.values().filter(|reply| reply.text.is_none());
        missing.extend(replies.map(|reply| BodyId::reply(reply.id)));
        missing
    }

    /// Puts a text read from the store where it belongs. What is not held here any more, or was deleted or erased
    /// meanwhile, is passed over.
    pub fn supply(&mut self, id: &BodyId, body: Body) {
        match body {
            Body::Post(post) => {
                if let Some(view) = self.posts.get_mut(&post.id).filter(|view| view.lacks_body())
                    && BodyId::post(&view.id) == *id
                {
                    view.body = Some(Arc::new(*post));
                }
            }
            Body::Draft(text) => {
                let case = id.as_str().strip_prefix("draft/").and_then(|rest| rest.split_once('/'));
                let case = case.and_then(|(case, _)| uuid::Uuid::parse_str(case).ok()).map(CaseId);
                let Some(case) = case.and_then(|case| self.cases.get_mut(&case)) else { return };
                let of = case.id;
                let slot = case.drafts.iter_mut().find(|(purpose, _)| BodyId::draft(of, **purpose) == *id);
                if let Some((_, draft)) = slot.filter(|(_, draft)| draft.draft.is_none()) {
                    draft.draft = Some(text);
                }
            }
            Body::Reply(text) => {
                let reply = id.as_str().strip_prefix("reply/").and_then(|id| uuid::Uuid::parse_str(id).ok());
                let reply = reply.and_then(|id| self.replies.get_mut(&crate::model::ReplyId(id)));
                if let Some(reply) = reply.filter(|reply| reply.text.is_none()) {
                    reply.text = Some(text);
                }
            }
            // The words of a note are never held here.
            Body::Note(_) => {}
        }
    }
}

impl PostView {
    fn lacks_body(&self) -> bool {
        self.body.is_none() && matches!(self.state, PostState::Present | PostState::Edited)
    }
}
