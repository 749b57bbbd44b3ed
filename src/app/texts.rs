//! Which texts are at hand. The desk knows the posts of every open case, but holds the words only of those somebody
//! may look at next: the rows around what each column shows, the case in hand, and what a reply or a draft is about.
//! The others are read from the store when they come near, ahead of the keys, and let go again.

use std::collections::{BTreeMap, BTreeSet};
use std::mem::Discriminant;
use std::ops::Bound::{Excluded, Unbounded};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::{App, Effect, Mode};
use crate::desk::{Case, PostState, PostView};
use crate::model::{Body, BodyId, Envelope, Event, Post, PostId};

/// So many rows further than the nearest screens are read ahead at once, so that not every step asks the store.
const AHEAD: usize = 60;
/// Rows of a screen where that is not known yet.
const SCREEN: usize = 10;
/// After so many texts that came in, those nobody looks at are let go.
const SHED_AFTER: usize = 1_000;
/// Of a rep's own cases so many, the newest, keep a text, for the handle in the notices about them.
const OWN_CASES: usize = 256;
/// What the store was asked for and has not brought within this time is asked for again when it is near.
const ASK_AGAIN: SignedDuration = SignedDuration::from_secs(10);

/// The books of the texts.
#[derive(Debug, Default)]
pub(super) struct Texts {
    /// Texts that came in since some were let go.
    fresh: usize,
    /// Asked for at that time.
    asked: BTreeMap<BodyId, Timestamp>,
    /// What was looked after last; as long as it stays so there is nothing to read.
    looked: Option<Looked>,
}

/// Where the columns stand and what is in hand.
#[derive(Debug, PartialEq)]
struct Looked {
    /// Of each column: the selected post, the newest, how many are on the screen, how many came from the store.
    columns: Vec<(Option<PostId>, Option<PostId>, usize, usize)>,
    in_hand: Option<PostId>,
    /// Of the case in hand.
    posts: usize,
    mode: Discriminant<Mode>,
}

impl App {
    /// Asks the store for texts that come near. Cheap while nothing moves.
    pub(super) fn keep_texts(&mut self, out: &mut Vec<Effect>) {
        if self.books.texts.fresh >= SHED_AFTER {
            self.shed_texts(out);
        }
        let looked = self.looked();
        if self.books.texts.looked.as_ref() == Some(&looked) {
            return;
        }
        let mut wanted = self.in_hand();
        if matches!(self.mode, Mode::Drafts { .. } | Mode::Outbox { .. }) {
            wanted.extend(self.concerns());
        }
        let is_missing = |post: &PostView| post.lacks_text() && self.may_ask(&BodyId::post(&post.id));
        let is_near = (0..self.columns.len()).any(|column| self.around(column, self.reach(column)).any(is_missing));
        if is_near {
            for column in 0..self.columns.len() {
                let around = self.around(column, self.reach(column) + AHEAD);
                wanted.extend(around.filter(|post| post.lacks_text()).map(|post| post.id.clone()));
            }
        }
        self.books.texts.looked = Some(looked);
        self.ask_texts(wanted, out);
    }

    /// After the start: what a checkpoint left out and the keys may need at once.
    pub(super) fn read_concerns(&mut self, out: &mut Vec<Effect>) {
        self.books.texts.looked = None;
        let words = self.desk.missing_words();
        if !words.is_empty() {
            out.push(Effect::ReadBodies { ids: words });
        }
        let concerns = self.concerns();
        self.ask_texts(concerns, out);
    }

    /// Asks again for what did not come.
    pub(super) fn ask_texts_again(&mut self) {
        let now = self.now;
        let texts = &mut self.books.texts;
        let waiting = texts.asked.len();
        texts.asked.retain(|_, asked| now.duration_since(*asked) < ASK_AGAIN);
        if texts.asked.len() < waiting {
            texts.looked = None;
        }
    }

    /// The store's answer to [`Effect::ReadBodies`].
    pub(super) fn texts_came(&mut self, asked: &[BodyId], found: Vec<(BodyId, Body)>) {
        self.answer_texts_came(asked, &found);
        // What was asked for and is not there stays among the asked, so that it is not asked for all the time.
        let mut absent: BTreeSet<&BodyId> = asked.iter().collect();
        for (id, body) in found {
            self.books.texts.asked.remove(&id);
            absent.remove(&id);
            self.books.texts.fresh += usize::from(matches!(body, Body::Post(_)));
            if let Body::Post(post) = &body {
                self.supply_beside(post);
            }
            self.desk.supply(&id, body);
        }
        for id in absent {
            if let Some(asked) = self.books.texts.asked.get_mut(id) {
                *asked = self.now;
            }
        }
        self.refresh_opened();
    }

    /// A text has come with an event.
    pub(super) fn count_text(&mut self, envelope: &Envelope) {
        self.books.texts.fresh += usize::from(matches!(envelope.body, Some(Body::Post(_))));
    }

    /// What is held beside the desk follows what became of a post.
    pub(super) fn follow_texts(&mut self, envelope: &Envelope) {
        let (id, state, text) = match &envelope.event {
            Event::PostDeleted { post } => (BodyId::post(post), PostState::Deleted, None),
            Event::BodyErased { body } => (body.clone(), PostState::Erased, None),
            Event::PostEdited { post } => match &envelope.body {
                Some(Body::Post(text)) => (BodyId::post(post), PostState::Edited, Some(Arc::new((**text).clone()))),
                _ => (BodyId::post(post), PostState::Erased, None),
            },
            _ => return,
        };
        self.answer_text_changed(&id, envelope.body.as_ref().filter(|_| text.is_some()));
        for post in self.beside().filter(|post| BodyId::post(&post.id) == id && post.state != PostState::Deleted) {
            post.state = state;
            post.body.clone_from(&text);
        }
        if text.is_some() {
            return;
        }
        if let Some(events) = &mut self.case_events {
            for known in events.events.iter_mut().filter(|known| known.event.body_id().as_ref() == Some(&id)) {
                *known = Arc::new(Envelope { body: None, ..(**known).clone() });
            }
        }
        let finds = self.books.deeper.iter_mut().chain(self.back.as_deref_mut()).chain([&mut self.mode]);
        for mode in finds {
            if let Mode::Find(find) = mode {
                find.hits.retain(|hit| hit.id != id);
                find.selected = find.selected.min(find.rows().saturating_sub(1));
                find.in_list &= find.rows() > 0;
            }
            if let Mode::Person(person) = mode {
                person.forget(&id);
            }
        }
    }

    /// A post opened from elsewhere is shown as the desk knows it, if the desk does.
    pub(super) fn refresh_opened(&mut self) {
        let Some(opened) = &mut self.opened else { return };
        let Some(known) = self.desk.posts.get(&opened.id) else { return };
        let body = known.body.clone().or_else(|| opened.body.take().filter(|_| known.has_text()));
        *opened = PostView { body, ..known.clone() };
    }

    /// Why there is no text to act on.
    pub(super) fn say_no_text(&mut self, post: &PostView) {
        let words =
            if post.has_text() { "the post's text is being read; press again" } else { "the post's text was removed" };
        self.info(words.to_owned());
    }

    /// Lets go of what nobody looks at.
    fn shed_texts(&mut self, out: &mut Vec<Effect>) {
        let concerns = self.concerns();
        let mut kept: BTreeSet<PostId> = self.in_hand().into_iter().collect();
        for column in 0..self.columns.len() {
            kept.extend(self.around(column, self.reach(column) + AHEAD).map(|post| post.id.clone()));
        }
        kept.extend(concerns.iter().cloned());
        self.desk.shed_texts(|post| kept.contains(post));
        self.books.texts.fresh = 0;
        if self.caught_up {
            self.ask_texts(concerns, out);
        }
    }

    /// Asks for those that are missing and have not been asked for.
    fn ask_texts(&mut self, posts: Vec<PostId>, out: &mut Vec<Effect>) {
        let view = |id: &PostId| self.desk.posts.get(id).or_else(|| self.held_beside().find(|post| post.id == *id));
        let missing = posts.into_iter().filter(|id| view(id).is_some_and(PostView::lacks_text));
        let ids: BTreeSet<BodyId> = missing.map(|id| BodyId::post(&id)).filter(|id| self.may_ask(id)).collect();
        if ids.is_empty() {
            return;
        }
        let now = self.now;
        self.books.texts.asked.extend(ids.iter().map(|id| (id.clone(), now)));
        out.push(Effect::ReadBodies { ids: ids.into_iter().collect() });
    }

    fn may_ask(&self, id: &BodyId) -> bool {
        !self.books.texts.asked.contains_key(id)
    }

    fn looked(&self) -> Looked {
        let columns = self.columns.iter().enumerate().map(|(column, view)| {
            let newest = self.newest_row(column);
            (view.selected.clone(), newest.cloned(), view.shown, view.older.len())
        });
        Looked {
            columns: columns.collect(),
            in_hand: self.post_in_hand().map(|post| post.id.clone()),
            posts: self.case_in_hand().map_or(0, |case| case.posts.len()),
            mode: std::mem::discriminant(&self.mode),
        }
    }

    /// Two screens on either side.
    fn reach(&self, column: usize) -> usize {
        2 * self.columns.get(column).map_or(0, |view| view.shown).max(SCREEN)
    }

    /// The posts of a column within `reach` rows of where it stands.
    fn around(&self, column: usize, reach: usize) -> impl Iterator<Item = &PostView> {
        let view = &self.columns[column];
        let queued = self.queued_around(column, reach);
        let known = |id: &PostId| self.desk.posts.get(id).or_else(|| view.older.iter().find(|post| post.id == *id));
        let place = view.selected.as_ref().and_then(known).map(PostView::place);
        let setup = self.setup.columns.get(column);
        let window = setup.and_then(|setup| self.desk.columns.get(&setup.name)).map(|column| &column.window);
        let newer = place.clone().and_then(|place| Some(window?.range(place..).take(reach)));
        let below = place.clone().map_or(Unbounded, Excluded);
        let older = window.map(|window| window.range((Unbounded, below)).rev().take(reach));
        let of_window = newer.into_iter().flatten().chain(older.into_iter().flatten());
        // Newest first, all of them older than the window's.
        let here = place.map_or(0, |place| view.older.partition_point(|post| post.place() > place));
        let from_store = view.older.iter().take(here + reach).skip(here.saturating_sub(reach));
        of_window.filter_map(|(_, post)| self.desk.posts.get(post)).chain(from_store).chain(queued)
    }

    /// The posts of the case in the pane, of the reply being written and of the post opened from elsewhere, with our
    /// last answers there.
    fn in_hand(&self) -> Vec<PostId> {
        let written = self.composer().map(|composer| (composer.to.clone(), composer.case));
        let written_case = written.as_ref().and_then(|(_, case)| self.desk.cases.get(case));
        let mut posts: Vec<PostId> = Vec::new();
        posts.extend(self.post_in_hand().map(|post| post.id.clone()));
        for case in self.case_in_hand().into_iter().chain(written_case) {
            posts.extend(case.posts.iter().cloned());
            posts.extend(case.last_answer.as_ref().map(|answer| answer.post.clone()));
        }
        posts.extend(written.map(|(to, _)| to));
        posts
    }

    /// What the outbox, the drafts and the notices name, wherever it stands.
    fn concerns(&self) -> Vec<PostId> {
        let mut posts: Vec<PostId> = self.desk.replies.values().map(|reply| reply.to.clone()).collect();
        let mut own: Vec<&Case> = Vec::new();
        let mut drafts: Vec<&Case> = Vec::new();
        for case in self.desk.cases.values() {
            if !case.drafts.is_empty() {
                drafts.push(case);
            } else if case.owner.as_ref() == Some(&self.setup.me) {
                own.push(case);
            }
        }
        drafts.sort_unstable_by_key(|case| std::cmp::Reverse(case.number));
        own.sort_unstable_by_key(|case| std::cmp::Reverse(case.number));
        posts.extend(drafts.into_iter().flat_map(|case| case.posts.iter().cloned()));
        posts.extend(own.into_iter().take(OWN_CASES).filter_map(|case| case.posts.last().cloned()));
        posts
    }

    fn held_beside(&self) -> impl Iterator<Item = &PostView> {
        self.columns.iter().flat_map(|view| &view.older).chain(&self.opened)
    }

    /// Posts that the deck holds for itself, which the fold does not reach.
    fn beside(&mut self) -> impl Iterator<Item = &mut PostView> {
        let opening = self.books.opening.as_mut().map(|opening| &mut opening.post);
        self.columns.iter_mut().flat_map(|view| &mut view.older).chain(&mut self.opened).chain(opening)
    }

    fn supply_beside(&mut self, text: &Post) {
        let mut shared: Option<Arc<Post>> = None;
        for post in self.beside().filter(|post| post.id == text.id && post.lacks_text()) {
            post.body = Some(Arc::clone(shared.get_or_insert_with(|| Arc::new(text.clone()))));
        }
    }
}
