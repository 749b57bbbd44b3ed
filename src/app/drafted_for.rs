//! What a draft is for: it keeps the post it was begun for, and says when the customer has written since.

use super::composer::Saved;
use super::writing::recount;
use super::{App, Composer, Effect, Mode};
use crate::desk::PostView;
use crate::model::{CaseId, PostId, Purpose, RepName};

impl App {
    /// The post the draft that is about to be opened was begun for, where it can still be answered; else `post`.
    pub(super) fn drafted_for(&self, post: PostView, purpose: Purpose, of: Option<&RepName>) -> PostView {
        let case = post.case.and_then(|case| self.desk.cases.get(&case)).or_else(|| self.desk.case_of(&post.id));
        let Some(case) = case else { return post };
        let me = &self.setup.me;
        let on_its_way = self.draft_on_its_way(case.id, purpose).filter(|draft| draft.draft.is_some());
        let others = case.others_drafts(purpose, me);
        let wanted = others.iter().find(|draft| of == Some(&draft.rep)).or(others.first()).copied();
        // One's own leads, with another's beside it or without.
        let draft = on_its_way.or_else(|| case.draft_of(purpose, me)).or(wanted);
        let kept = draft.and_then(|draft| self.desk.posts.get(draft.to.as_ref()?));
        kept.filter(|kept| kept.has_text() && case.posts.contains(&kept.id)).cloned().unwrap_or(post)
    }

    /// The customer's posts in a case that are newer than the one that is answered, oldest first.
    pub fn written_since(&self, case: CaseId, to: &PostId) -> Vec<&PostView> {
        let (Some(case), Some(to)) = (self.desk.cases.get(&case), self.desk.posts.get(to)) else { return Vec::new() };
        let posts = case.posts.iter().filter_map(|post| self.desk.posts.get(post));
        let mut newer: Vec<_> = posts.filter(|post| post.place() > to.place()).collect();
        newer.sort_by_key(|post| post.place());
        newer
    }

    /// Ctrl-T in the editor: the words stay, and go under the newest post of theirs.
    pub(super) fn answer_newest(&mut self, out: &mut Vec<Effect>) {
        let Mode::Composer(composer) = &self.mode else { return };
        if composer.purpose.is_private() {
            return self.info("a direct message stands under no post".to_owned());
        }
        let newer = self.written_since(composer.case, &composer.to);
        let Some(newest) = newer.iter().rev().find(|post| post.has_text()).map(|post| (*post).clone()) else {
            return self.info("it answers their newest post already".to_owned());
        };
        let Some(seen) = newest.body.clone() else { return self.say_no_text(&newest) };
        let Some(account) = self.account(&composer.account).cloned() else {
            return self.error("the account this reply was begun for is no longer in the config".to_owned());
        };
        let verdict = self.verdict(composer.purpose, &seen, &account);
        let now = self.now;
        let Mode::Composer(composer) = &mut self.mode else { return };
        composer.to = newest.id;
        composer.seen = Some(seen);
        composer.verdict = verdict;
        if !matches!(composer.saved, Saved::Typing { .. }) {
            composer.saved = Saved::Typing { since: now };
        }
        recount(composer, &self.setup);
        self.dirty = true;
        self.save_draft(out);
        self.info("it goes under their newest post now".to_owned());
    }

    /// Said once, when a draft is opened again.
    pub(super) fn say_written_since(&mut self, composer_opened: &PostId) {
        let Some(composer) = self.composer().filter(|it: &&Composer| it.to == *composer_opened) else { return };
        let newer = self.written_since(composer.case, &composer.to).len();
        if newer == 0 || composer.purpose.is_private() {
            return;
        }
        let key = self.setup.keys.key(super::command::ModeKind::Composer, super::command::Command::AnswerNewest);
        let key = match key.strip_prefix("C-") {
            Some(letter) => format!("Ctrl-{}", letter.to_uppercase()),
            None if key.is_empty() => format!(":{}", super::command::Command::AnswerNewest.name()),
            None => key,
        };
        let posts = if newer == 1 { "a newer post".to_owned() } else { format!("{newer} newer posts") };
        self.warn(format!(
            "this draft answers an older post; they have written {posts} since; {key} answers the newest"
        ));
    }
}
