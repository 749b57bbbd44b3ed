//! The happy post: asked for with `w`, noticed when it comes, and counted only when a rep says so with `W`.

use super::{App, Effect};
use crate::desk::{Case, PostView};
use crate::model::{Deed, Envelope, Event, Purpose};

impl App {
    /// `w`
    pub(super) fn ask_happy_post(&mut self, out: &mut Vec<Effect>) {
        let Some(case) = self.case_to_change() else { return };
        match Deed::AskHappyPost.refused(case.status) {
            Some(why) => self.info(why.to_owned()),
            None => self.draft(Purpose::HappyPost, out),
        }
    }

    /// The case that a later post of its author may show turned round: the newest of theirs for which a happy post
    /// was asked before.
    pub fn may_turn_round(&self, post: &PostView) -> Option<&Case> {
        let contacts = &self.desk.authors.get(&post.author)?.contacts;
        let cases = contacts.iter().rev().filter_map(|contact| self.desk.cases.get(&contact.case));
        cases.filter(|case| case.happy_asked.is_some_and(|asked| asked < post.at)).max_by_key(|case| case.happy_asked)
    }

    /// `W`: the rep's word, and nothing else, that this post shows a customer turned round; again takes it back.
    pub(super) fn turn_round(&mut self, out: &mut Vec<Effect>) {
        let Some(post) = self.post_in_hand().cloned() else {
            return self.info("choose the happy post first".to_owned());
        };
        let marked = |case: &&Case| case.turned_round.as_ref() == Some(&post.id);
        let own = self.case_in_hand().filter(marked);
        let Some(case) = own.or_else(|| self.may_turn_round(&post)).cloned() else {
            return self.info("nobody asked this person for a happy post before this one; w asks".to_owned());
        };
        let on = case.turned_round.as_ref() != Some(&post.id);
        let event = Event::CaseTurnedRound { case: case.id, post: post.id.clone(), on };
        let number = case.number;
        self.do_to(Deed::TurnRound, ("linking", "linked"), vec![(case, Ok(event))], out);
        self.info(if on {
            format!("case {number} is turned round by this post; W again takes it back")
        } else {
            format!("case {number} is not turned round any more")
        });
    }

    /// Offers a post that may be the happy one to the rep whose case it was.
    pub(super) fn offer_happy_post(&mut self, envelope: &Envelope) {
        let Event::PostMatched { post, standing, .. } = &envelope.event else { return };
        if !standing.makes_case() && *standing != crate::model::event::Standing::Quote {
            return;
        }
        let Some(view) = self.desk.posts.get(post) else { return };
        let Some(case) = self.may_turn_round(view).filter(|case| case.turned_round.is_none()) else { return };
        let mine = |case: &Case| {
            let me = Some(&self.setup.me);
            case.owner.as_ref() == me || case.resolved.as_ref().map(|end| &end.rep) == me
        };
        if mine(case) {
            let words = self.case_words(case.id);
            self.info(format!("{words} wrote again after you asked for a happy post: W on that post counts it"));
        }
    }
}
