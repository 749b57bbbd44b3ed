//! Searching in stored posts.

use std::sync::Arc;

use super::{App, Effect, Mode};
use crate::desk::{PostState, PostView};
use crate::model::event::Standing;
use crate::model::{Body, BodyId, CaseId, Hit, Post};

impl App {
    /// Enter on the line of words.
    pub(super) fn ask_store(&mut self, out: &mut Vec<Effect>) {
        let Mode::Find(find) = &mut self.mode else { return };
        let words = find.input.text.trim().to_owned();
        self.dirty = true;
        if words.is_empty() {
            find.input.error = Some("type words that the posts hold".to_owned());
            return;
        }
        if find.answered.as_ref() == Some(&words) {
            find.in_list = !find.hits.is_empty();
            return;
        }
        find.answered = None;
        find.hits.clear();
        find.selected = 0;
        out.push(Effect::Find { words });
    }

    /// The store's answer; one to words no longer on the line is passed over.
    pub(super) fn found(&mut self, words: &str, hits: Vec<Hit>) {
        let ((Mode::Find(find), _) | (_, Some(Mode::Find(find)))) = (&mut self.mode, self.back.as_deref_mut()) else {
            return;
        };
        if find.input.text.trim() != words {
            return;
        }
        find.in_list = !hits.is_empty();
        find.input.error = hits.is_empty().then(|| "no stored post holds all these words".to_owned());
        find.hits = hits;
        find.answered = Some(words.to_owned());
        find.selected = 0;
        self.dirty = true;
    }

    /// Enter on a hit: to its row where a column shows it, else its case alone.
    pub(super) fn open_hit(&mut self, out: &mut Vec<Effect>) {
        let Mode::Find(find) = &self.mode else { return };
        let Some(hit) = find.hits.get(find.selected).cloned() else { return };
        match hit.body {
            Body::Post(post) => {
                if !self.go_to_post(&post.id) {
                    let view = self.known_or_judged(Arc::new(*post));
                    self.open_post(view, out);
                }
            }
            Body::Reply(_) => {
                let reply = self.desk.replies.values().find(|reply| BodyId::reply(reply.id) == hit.id);
                match reply.map(|reply| reply.case) {
                    Some(case) => self.go_to_case(case, out),
                    None => self.info("that reply's case is no longer at hand".to_owned()),
                }
            }
            Body::Draft(_) | Body::Note(_) => self.info("only posts and replies can be opened from here".to_owned()),
        }
    }

    /// The hit's own post as the keys take it: `yl`, `o` and the like in the list of hits.
    pub(super) fn post_of_hit(&self) -> Option<PostView> {
        let Mode::Find(find) = &self.mode else { return None };
        match &find.hits.get(find.selected).filter(|_| find.in_list)?.body {
            Body::Post(post) => Some(self.known_or_judged(Arc::new((**post).clone()))),
            Body::Draft(_) | Body::Reply(_) | Body::Note(_) => None,
        }
    }

    /// As the desk knows it, with the text in hand where the desk has let it go.
    fn known_or_judged(&self, post: Arc<Post>) -> PostView {
        match self.desk.posts.get(&post.id).cloned() {
            Some(known) if known.lacks_text() => PostView { body: Some(post), ..known },
            Some(known) => known,
            None => self.view_of(post),
        }
    }

    /// A stored post that is not on the desk, judged as it would be if it came in now.
    fn view_of(&self, post: Arc<Post>) -> PostView {
        let own = self.setup.accounts.iter().any(|account| account.id.as_ref() == Some(&post.author.id));
        let standing = Standing::of(&post, own);
        let columns =
            self.setup.columns.iter().filter(|column| column.network == post.network() && column.rule.matches(&post));
        let columns = columns.map(|column| column.name.clone()).collect();
        PostView {
            id: post.id.clone(),
            author: post.author.id.clone(),
            conversation: post.conversation.clone(),
            at: post.at,
            arrived: post.at,
            in_reply_to: post.in_reply_to.clone(),
            in_reply_to_author: post.in_reply_to_author.clone(),
            standing,
            columns,
            case: standing.makes_case().then(|| CaseId::of(&post.author.id, &post.conversation)),
            state: if post.is_edited { PostState::Edited } else { PostState::Present },
            body: Some(post),
        }
    }
}
