//! Texts that are gone: looked for at the network, and let go everywhere on this screen once the log says so.

use std::sync::Arc;

use jiff::SignedDuration;
use jiff::tz::TimeZone;

use super::{App, Effect, Mode};
use crate::desk::PostState;
use crate::model::{Body, BodyId, CaseStatus, Envelope, Event, EventId, LinkState, NetworkKind, Post, PostId};

/// Posts are looked up so often: what is deleted must be gone here within a minute…
const EVERY: SignedDuration = SignedDuration::from_secs(20);
/// …the same one of today, which costs nothing, so often…
const SAME_DAY: SignedDuration = SignedDuration::from_secs(30);
/// …and an older one, which costs a read, so often.
const LATER: SignedDuration = SignedDuration::from_hours(24);
/// X takes so many with one question…
const AT_ONCE: usize = 100;
/// …and 300 questions in a quarter of an hour, of which looking takes less than half.
const QUESTIONS: usize = 3;

impl App {
    /// With the seconds: asks whether the posts of open cases still stand, the longest not looked at first.
    pub(super) fn look_up(&mut self, out: &mut Vec<Effect>) {
        // A clock set back must not stop the looking.
        let waits = self.books.next_look.is_some_and(|next| self.now < next && next.duration_since(self.now) <= EVERY);
        if waits || !self.caught_up {
            return;
        }
        self.books.next_look = self.now.checked_add(EVERY).ok();
        let day = |at: jiff::Timestamp| at.to_zoned(TimeZone::UTC).date();
        let today = day(self.now);
        let accounts: Vec<_> = self.setup.accounts.iter().filter(|us| us.network == NetworkKind::X).cloned().collect();
        for account in accounts {
            let is_live = self.links.get(&account.name).is_some_and(|link| link.state == LinkState::Live);
            let feeds = self.setup.columns.iter().any(|column| column.heard_as(&account.name).is_some());
            if !is_live || !feeds {
                continue;
            }
            // What only another run's columns have is looked up as well: one run on the host looks for all of them.
            let ours = |name| self.column_setup(name).is_none_or(|column| column.heard_as(&account.name).is_some());
            let open = self.desk.cases.values().filter(|case| case.status != CaseStatus::Resolved);
            let posts = open.flat_map(|case| &case.posts).filter_map(|post| self.desk.posts.get(post));
            let stand = posts.filter(|view| {
                let is_there = matches!(view.state, PostState::Present | PostState::Edited);
                // A column may hear several networks; one id of another makes X refuse the whole question.
                is_there && view.id.network() == NetworkKind::X && view.columns.iter().any(ours)
            });
            let mut due: Vec<_> = stand
                .filter_map(|view| {
                    // It was read when it came in.
                    let last = self.books.looked_up.get(&view.id).copied().unwrap_or(view.arrived);
                    let every = if day(view.arrived) == today { SAME_DAY } else { LATER };
                    (self.now.duration_since(last) >= every).then(|| (last, view.id.clone()))
                })
                .collect();
            due.sort_unstable();
            due.truncate(AT_ONCE * QUESTIONS);
            if due.is_empty() {
                continue;
            }
            let posts: Vec<PostId> = due.into_iter().map(|(_, post)| post).collect();
            self.books.looked_up.extend(posts.iter().map(|post| (post.clone(), self.now)));
            let looks = posts.chunks(AT_ONCE);
            out.extend(looks.map(|posts| Effect::LookUp { account: account.name.clone(), posts: posts.to_vec() }));
        }
        let desk = &self.desk;
        self.books.looked_up.retain(|post, _| desk.posts.contains_key(post));
    }

    /// After an envelope that took a text away: the copies that drafts hold go, and those inside posts that quote it.
    /// Rows, hits and the pane follow by themselves.
    pub(super) fn forget_texts(&mut self, envelope: &Envelope, out: &mut Vec<Effect>) {
        let gone = match &envelope.event {
            Event::PostDeleted { post } => BodyId::post(post),
            Event::BodyErased { body } => body.clone(),
            _ => return,
        };
        let is_it = |post: &PostId| BodyId::post(post) == gone;
        if let Some((_, view)) = self.books.asked_private.as_mut().filter(|(_, view)| is_it(&view.id)) {
            view.body = None;
        }
        let forget = |mode: &mut Mode| match mode {
            Mode::Composer(composer) | Mode::SavedReplies(composer, _) if is_it(&composer.to) => {
                blank(&mut composer.seen);
            }
            Mode::Preview(preview) if is_it(&preview.to) => blank(&mut preview.seen),
            _ => {}
        };
        std::iter::once(&mut self.mode).chain(self.back.as_deref_mut()).chain(&mut self.books.deeper).for_each(forget);
        if let Some(composer) = self.books.composer.as_mut().filter(|composer| is_it(&composer.to)) {
            blank(&mut composer.seen);
        }
        self.unquote(&gone, out);
        self.dirty = true;
    }

    /// Takes a text that is gone out of the posts on the desk that quote it, and out of the store's copies of them.
    fn unquote(&mut self, gone: &BodyId, out: &mut Vec<Effect>) {
        let quotes = |body: &Post| {
            body.quotes.as_ref().is_some_and(|quoted| !quoted.text.is_empty() && BodyId::post(&quoted.id) == *gone)
        };
        let views = self.desk.posts.values();
        let quoting: Vec<_> = views.filter_map(|view| view.body.clone()).filter(|body| quotes(body)).collect();
        for body in quoting {
            let mut body = (*body).clone();
            if let Some(quoted) = &mut body.quotes {
                quoted.text.clear();
            }
            // Every deck writes the same event; the log keeps one.
            let id = EventId::of("quote-erased", &[body.id.as_str(), gone.as_str()]);
            let event = Event::PostEdited { post: body.id.clone() };
            self.append_as(id, event, Some(Body::Post(Box::new(body))), out);
        }
    }
}

/// Whom a draft answers stays known, or its mention could not be counted; what they wrote does not.
fn blank(seen: &mut Option<Arc<Post>>) {
    if let Some(post) = seen {
        let post = Arc::make_mut(post);
        post.text.clear();
        post.quotes = None;
        post.media.clear();
        post.links.clear();
    }
}
