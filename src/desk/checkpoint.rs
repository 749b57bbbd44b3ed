//! A state of the desk that stands for everything folded so far, so that start-up does not depend on the history.
//!
//! It holds no text: an erased text must not live on in it. Texts are read from the store afterwards
//! ([`Desk::missing_texts`], [`Desk::missing_words`], [`Desk::supply`]).

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::model::{AuthorId, Body, BodyId, CaseId, ColumnName, GapId, Message, PostId, RepName, Seq};

use super::answer::Answer;
use super::author::OptOut;
use super::{AuthorHistory, Case, Column, ColumnSet, Counters, Desk, Gap, Held, PostView, Reply, Spending};

/// What is written. Names that stand in their values anyway are not written twice.
#[derive(Serialize)]
struct Written<'a> {
    seq: Seq,
    // In front, so that they can be read alone.
    gaps: &'a BTreeMap<GapId, Gap>,
    columns: &'a BTreeMap<ColumnName, Column>,
    posts: Vec<&'a PostView>,
    cases: Vec<&'a Case>,
    replies: Vec<&'a Reply>,
    authors: Vec<(&'a AuthorId, &'a AuthorHistory)>,
    counters: Counters,
    spending: &'a Spending,
    idle_authors: &'a VecDeque<AuthorId>,
    early_answers: &'a VecDeque<(CaseId, Answer)>,
    opted_out: &'a BTreeMap<AuthorId, OptOut>,
}

/// What is read; field for field [`Written`].
#[derive(Deserialize)]
struct Read {
    seq: Seq,
    gaps: BTreeMap<GapId, Gap>,
    columns: BTreeMap<ColumnName, Column>,
    posts: Held<PostView>,
    cases: Held<Case>,
    replies: Vec<Reply>,
    // A map has the form of the list of its pairs.
    authors: HashMap<AuthorId, AuthorHistory>,
    counters: Counters,
    spending: Spending,
    idle_authors: VecDeque<AuthorId>,
    early_answers: VecDeque<(CaseId, Answer)>,
    opted_out: BTreeMap<AuthorId, OptOut>,
}

impl Desk {
    /// The format's version: a change of any type in it needs a new one, as does a change of what folding makes of a log,
    /// and older checkpoints are then passed over and the log is folded from its start.
    pub const CHECKPOINT_KIND: &'static str = "desk-11";

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
            gaps: &self.gaps,
            columns: &self.columns,
            posts,
            cases,
            replies: self.replies.values().collect(),
            authors,
            counters: self.counters,
            spending: &self.spending,
            idle_authors: &self.idle_authors,
            early_answers: &self.early_answers,
            opted_out: &self.opted_out,
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
            posts: read.posts,
            cases: read.cases,
            replies: read.replies.into_iter().map(|reply| (reply.id, reply)).collect(),
            gaps: read.gaps,
            authors: read.authors,
            counters: read.counters,
            spending: read.spending,
            idle_authors: read.idle_authors,
            early_answers: read.early_answers,
            opted_out: read.opted_out,
            unasked: super::changed::Unasked::default(),
            index: super::Index::default(),
        };
        desk.share_column_sets();
        desk.reindex();
        Some(desk)
    }

    /// What [`Desk::from_checkpoint`] would say of place and gaps, without reading the rest; whether the rest can be
    /// read is not known then.
    pub fn gaps_in_checkpoint(bytes: &[u8]) -> Option<(Seq, BTreeMap<GapId, Gap>)> {
        postcard::take_from_bytes(bytes).ok().map(|(read, _)| read)
    }

    /// There are far fewer sets of columns than posts.
    fn share_column_sets(&mut self) {
        let mut sets: BTreeSet<ColumnSet> = BTreeSet::new();
        for post in self.posts.values_mut() {
            match sets.get(&post.columns) {
                Some(set) => post.columns = set.clone(),
                None => {
                    sets.insert(post.columns.clone());
                }
            }
        }
    }

    /// Of these posts, the texts that may be shown and are not at hand: what a checkpoint left out, what was let go,
    /// and what was erased since the checkpoint.
    pub fn missing_texts<'a>(&self, posts: impl IntoIterator<Item = &'a PostId>) -> Vec<BodyId> {
        let posts = posts.into_iter().filter(|id| self.posts.get(id).is_some_and(PostView::lacks_text));
        posts.map(BodyId::post).collect()
    }

    /// The words of drafts and replies that a checkpoint left out, what of them was erased since included. Once read
    /// they stay.
    pub fn missing_words(&self) -> Vec<BodyId> {
        let mut missing: Vec<BodyId> = Vec::new();
        for case in self.cases.values() {
            let lacking = case.drafts.iter().filter(|draft| draft.draft.is_none());
            missing.extend(lacking.map(|draft| draft.body_id(case.id)));
            let lacking = case.begun_notes.iter().filter(|(_, note)| note.note.is_none());
            missing.extend(lacking.map(|(rep, _)| BodyId::note_begun(case.id, rep)));
        }
        missing.sort_unstable();
        let replies = self.replies.values().filter(|reply| reply.text.is_none());
        missing.extend(replies.map(|reply| BodyId::reply(reply.id)));
        let messages = self.cases.values().flat_map(|case| &case.messages);
        let mut messages: Vec<_> = messages.filter(|message| message.lacks_text()).collect();
        messages.sort_unstable_by(|a, b| (b.at, &b.id).cmp(&(a.at, &a.id)));
        missing.extend(messages.into_iter().map(|message| BodyId::message(&message.id)));
        missing
    }

    /// Lets go of the texts of all posts but those that `keeps` wants. They can be had again by
    /// [`Desk::missing_texts`] and [`Desk::supply`]; nothing that is folded depends on them.
    pub fn shed_texts(&mut self, keeps: impl Fn(&PostId) -> bool) {
        for post in self.posts.values_mut().filter(|post| post.body.is_some()) {
            if !keeps(&post.id) {
                post.body = None;
            }
        }
    }

    /// Puts a text read from the store where it belongs. What is not held here any more, or was deleted or erased
    /// meanwhile, is passed over.
    pub fn supply(&mut self, id: &BodyId, body: Body) {
        match body {
            Body::Post(post) => {
                if let Some(view) = self.posts.get_mut(&post.id).filter(|view| view.lacks_text())
                    && BodyId::post(&view.id) == *id
                {
                    let id = view.id.clone();
                    view.body = Some(Arc::new(*post));
                    self.follow_handle(&id);
                }
            }
            Body::Draft(text) => {
                let case = id.as_str().strip_prefix("draft/").and_then(|rest| rest.split_once('/'));
                let case = case.and_then(|(case, _)| uuid::Uuid::parse_str(case).ok()).map(CaseId);
                let Some(case) = case.and_then(|case| self.cases.get_mut(&case)) else { return };
                let of = case.id;
                let slot = case.drafts.iter_mut().find(|draft| draft.body_id(of) == *id);
                if let Some(draft) = slot.filter(|draft| draft.draft.is_none()) {
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
            Body::Message(message) => {
                let contacts = self.authors.get(&message.with).map(|history| &history.contacts);
                let cases: Vec<CaseId> = contacts.into_iter().flatten().map(|contact| contact.case).collect();
                let Message { id: of, text, .. } = *message;
                if BodyId::message(&of) != *id {
                    return;
                }
                for case in cases {
                    let messages = self.cases.get_mut(&case).map(|case| &mut case.messages);
                    if let Some(known) =
                        messages.into_iter().flatten().find(|known| known.id == of && known.lacks_text())
                    {
                        known.text = Some(text);
                        return;
                    }
                }
            }
            Body::BegunNote(note) => {
                let named = id.as_str().strip_prefix("note-begun/").and_then(|rest| rest.split_once('/'));
                let Some((case, rep)) = named else { return };
                let case = uuid::Uuid::parse_str(case).ok().and_then(|case| self.cases.get_mut(&CaseId(case)));
                let begun = case.and_then(|case| case.begun_notes.get_mut(&RepName::new(rep)));
                if let Some(begun) = begun.filter(|begun| begun.note.is_none()) {
                    begun.note = Some(note);
                }
            }
            // The words of a note are never held here.
            Body::Note(_) => {}
        }
    }
}
