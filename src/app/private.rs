//! Direct messages: asking whether somebody takes them before a word is drafted.

use jiff::{SignedDuration, Timestamp};

use super::command::{Command, ModeKind};
use super::{App, Effect, Mode};
use crate::desk::{Case, PostView};
use crate::model::{Account, AuthorId, Post, Purpose, Verdict};

/// What the network said is believed for so long.
const BELIEVED: SignedDuration = SignedDuration::from_mins(15);
/// So many answers are kept.
const KEPT: usize = 512;

impl App {
    /// When the author wrote the direct message that nobody has answered, if there is one. One that came while our last
    /// public answer was held was not seen by whoever confirmed that.
    pub(super) fn unanswered_message(&self, case: &Case) -> Option<Timestamp> {
        let last = case.messages.last().filter(|message| !message.is_ours)?;
        let waits = case.waiting_since.is_some_and(|since| since <= last.at);
        let reply = case.last_answer.as_ref().and_then(|answer| self.desk.replies.get(&answer.reply?));
        let came_in_hold = reply.is_some_and(|reply| reply.queued < last.at);
        (waits || came_in_hold).then_some(last.at)
    }

    /// Whether the network will take it: a public reply by what is known of the post ([`App::may_reply`]), a direct
    /// message by what the network said when it was asked.
    pub(super) fn verdict(&self, purpose: Purpose, post: &Post, account: &Account) -> Verdict {
        if !purpose.is_private() {
            return self.may_reply(post, account);
        }
        match self.known_may_message(&post.author.id) {
            Some((verdict, _)) => verdict.clone(),
            None => Verdict::Unknown { why: format!("nobody asked whether @{} takes messages", post.author.handle) },
        }
    }

    /// What the network said last of messages to them. A refusal from before they wrote us one says nothing any more.
    pub(super) fn known_may_message(&self, author: &AuthorId) -> Option<&(Verdict, Timestamp)> {
        let known @ (verdict, asked) = self.books.may_message.get(author)?;
        let wrote = || {
            let of_author = self.desk.cases.values().filter(|case| case.author == *author);
            of_author.flat_map(|case| &case.messages).any(|message| !message.is_ours && message.at >= *asked)
        };
        (!matches!(verdict, Verdict::No { .. }) || !wrote()).then_some(known)
    }

    /// Whether a direct message may be drafted now. Where it is not known the network is asked, and the draft opens
    /// with its answer; a no is told instead.
    pub(super) fn knows_may_message(
        &mut self,
        account: &Account,
        author: &AuthorId,
        post: &PostView,
        out: &mut Vec<Effect>,
    ) -> bool {
        let known = self.known_may_message(author);
        let fresh = known.filter(|(_, asked)| self.now.duration_since(*asked).abs() < BELIEVED);
        match fresh.map(|(verdict, _)| verdict.clone()) {
            Some(Verdict::No { why }) => {
                self.warn(format!("no direct message: {why}"));
                false
            }
            Some(Verdict::Yes) => true,
            Some(Verdict::Mind { what }) => {
                self.warn(what);
                true
            }
            Some(Verdict::Unknown { why }) => {
                self.warn(format!("{why}; the network may refuse it"));
                true
            }
            None => {
                if self.books.asked_private.as_ref().is_none_or(|(asked, _)| asked != author) {
                    out.push(Effect::AskMayMessage { account: account.name.clone(), author: author.clone() });
                }
                self.books.asked_private = Some((author.clone(), post.clone()));
                self.info("asking the network whether they take direct messages".to_owned());
                false
            }
        }
    }

    /// The network has answered: the draft opens, unless the rep went on to something else.
    pub(super) fn may_message(&mut self, author: &AuthorId, verdict: Verdict, out: &mut Vec<Effect>) {
        self.books.may_message.insert(author.clone(), (verdict, self.now));
        if self.books.may_message.len() > KEPT {
            let oldest = self.books.may_message.iter().min_by_key(|(_, (_, asked))| *asked);
            if let Some(oldest) = oldest.map(|(author, _)| author.clone()) {
                self.books.may_message.remove(&oldest);
            }
        }
        self.recheck();
        self.dirty |= matches!(self.mode, Mode::Person(_));
        let Some((_, post)) = self.books.asked_private.take_if(|(asked, _)| asked == author) else { return };
        let is_here = matches!(self.mode, Mode::Drafts { .. })
            || self
                .post_in_hand()
                .is_some_and(|in_hand| in_hand.id == post.id || (post.case.is_some() && in_hand.case == post.case));
        if is_here && matches!(self.mode, Mode::Columns | Mode::Case { .. } | Mode::Drafts { .. }) {
            return self.draft_for(post, Purpose::DirectMessage, None, out);
        }
        let takes = |verdict: &Verdict| matches!(verdict, Verdict::Yes | Verdict::Mind { .. });
        if self.books.may_message.get(author).is_some_and(|(verdict, _)| takes(verdict)) {
            let handle = post.body.as_ref().map_or_else(|| "they".to_owned(), |post| post.author.shown());
            let key = self.setup.keys.key(ModeKind::Columns, Command::DirectMessage);
            self.info(format!("{handle} takes direct messages: {key} on their post drafts one"));
        }
    }
}
