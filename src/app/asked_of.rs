//! What a network says of a post only when it is asked: whether it would show our reply, and the text of a quoted post.
//!
//! Asked for the post that somebody rests on, opens or answers, and with the same question for the posts around it, so
//! that a rep who goes down a column finds the answers there. Nothing of it is stored: it is as true as it is fresh.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::{App, Effect, Mode};
use crate::desk::PostView;
use crate::model::{Account, AccountName, BodyId, Event, Post, PostId, ToldOfPost, Verdict, verdict};

/// What the network said is believed for so long: whoever began a conversation may close it at any time.
const BELIEVED: SignedDuration = SignedDuration::from_mins(15);
/// Where it said nothing it is asked again so soon.
const AGAIN: SignedDuration = SignedDuration::from_secs(30);
/// An answer that does not come by then does not come.
const AWAITED: SignedDuration = SignedDuration::from_mins(1);
/// Bluesky takes so many posts with one question.
const AT_ONCE: usize = 25;
/// So many answers are kept.
const KEPT: usize = 1_000;

/// The answers, by who asked and of what.
#[derive(Debug, Default)]
pub(super) struct AskedOf(BTreeMap<(AccountName, PostId), Asked>);

#[derive(Debug)]
struct Asked {
    /// When it was asked, and once there is an answer, when that came.
    at: Timestamp,
    is_under_way: bool,
    told: Option<ToldOfPost>,
}

impl Asked {
    fn is_due(&self, now: Timestamp) -> bool {
        let keeps = match &self.told {
            _ if self.is_under_way => AWAITED,
            Some(told) if !matches!(told.may_reply, Verdict::Unknown { .. }) => BELIEVED,
            Some(_) | None => AGAIN,
        };
        now.duration_since(self.at).abs() >= keeps
    }
}

impl App {
    /// May we reply?, by what came with the post and by what the network said when it was asked.
    pub fn may_reply(&self, post: &Post, account: &Account) -> Verdict {
        let verdict = verdict::may_reply(post, account);
        let is_own = account.id.as_ref() == Some(&post.author.id);
        if verdict != Verdict::Yes || is_own || !account.network.is_asked_of_posts() {
            return verdict;
        }
        match self.asked_of(account, &post.id).and_then(|asked| asked.told.as_ref()) {
            Some(told) => told.may_reply.clone(),
            // Wherever this is read, the question is on its way or about to leave.
            None => Verdict::Unknown { why: format!("{} is being asked", account.network) },
        }
    }

    /// The words of the post that a post quotes, where they are known.
    pub fn quoted_text<'a>(&'a self, post: &'a Post) -> Option<&'a str> {
        let quoted = post.quotes.as_ref()?;
        if !quoted.text.is_empty() {
            return Some(&quoted.text);
        }
        let told = self.setup.accounts.iter().find_map(|account| self.asked_of(account, &post.id)?.told.as_ref());
        // An edit may have put another post there.
        let told = told?.quoted.as_ref().filter(|told| told.id == quoted.id && !told.text.is_empty());
        told.map(|told| told.text.as_str())
    }

    fn asked_of(&self, account: &Account, post: &PostId) -> Option<&Asked> {
        if !account.network.is_asked_of_posts() {
            return None;
        }
        self.books.asked_of.0.get(&(account.name.clone(), post.clone()))
    }

    /// With every message: asks for the post in hand, where that is due, and for those around it.
    pub(super) fn ask_of_posts(&mut self, out: &mut Vec<Effect>) {
        if !self.caught_up {
            return;
        }
        let Some((account, post)) = self.post_to_ask_of() else { return };
        let due = |post: &PostId| self.asked_of(account, post).is_none_or(|asked| asked.is_due(self.now));
        if !due(&post) {
            return;
        }
        let here = self.post_in_hand().filter(|here| here.id != post && self.is_asked(here, account));
        let rows = self.rows_in_sight(self.focus).filter_map(|row| self.desk.posts.get(row.id));
        let mut posts = vec![post];
        for view in here.into_iter().chain(rows.filter(|view| self.is_asked(view, account))) {
            if posts.len() < AT_ONCE && !posts.contains(&view.id) && due(&view.id) {
                posts.push(view.id.clone());
            }
        }
        let (account, now) = (account.name.clone(), self.now);
        for post in &posts {
            let asked = self.books.asked_of.0.entry((account.clone(), post.clone()));
            let asked = asked.or_insert(Asked { at: now, is_under_way: true, told: None });
            (asked.at, asked.is_under_way) = (now, true);
        }
        self.forget_oldest();
        out.push(Effect::AskOfPosts { account, posts });
        self.dirty = true;
    }

    /// The post that is being answered, else the one that is looked at, and who would answer it.
    fn post_to_ask_of(&self) -> Option<(&Account, PostId)> {
        if let Some(composer) = self.composer() {
            let account = self.account(&composer.account)?;
            let is_asked = account.network.is_asked_of_posts() && account.can_send && !composer.purpose.is_private();
            return is_asked.then(|| (account, composer.to.clone()));
        }
        let rests = matches!(self.mode, Mode::Columns) && self.has_pane() && self.has_rested();
        if !rests && !matches!(self.mode, Mode::Case { .. }) {
            return None;
        }
        let post = self.post_in_hand()?;
        let account = self.reply_account(post)?;
        self.is_asked(post, account).then(|| (account, post.id.clone()))
    }

    /// Whether a post is one of which something is asked of its network.
    fn is_asked(&self, post: &PostView, account: &Account) -> bool {
        let network = post.id.network();
        if network != account.network || !network.is_asked_of_posts() || !post.has_text() {
            return false;
        }
        let lacks_quoted = || {
            let quotes = post.body.as_ref().and_then(|body| body.quotes.as_ref());
            quotes.is_some_and(|quoted| quoted.text.is_empty())
        };
        let is_answered_as = self.reply_account(post).is_some_and(|us| us.name == account.name);
        let is_own = account.id.as_ref() == Some(&post.author);
        is_answered_as && ((account.can_send && !is_own) || lacks_quoted())
    }

    /// The network has answered. A draft that is open learns it at once.
    pub(super) fn told_of_posts(&mut self, account: &AccountName, told: Vec<ToldOfPost>) {
        let now = self.now;
        for told in told {
            let asked = Asked { at: now, is_under_way: false, told: Some(told.clone()) };
            self.books.asked_of.0.insert((account.clone(), told.post), asked);
        }
        self.forget_oldest();
        self.dirty = true;
        let Some(composer) = self.composer().filter(|composer| !composer.purpose.is_private()) else { return };
        let Some(us) = self.account(&composer.account) else { return };
        let Some(seen) = &composer.seen else { return };
        let (purpose, verdict) = (composer.purpose, self.may_reply(seen, us));
        if composer.verdict != verdict {
            if let Some(composer) = self.composer_mut() {
                composer.verdict = verdict.clone();
            }
            self.say_refused(purpose, &verdict);
        }
        self.recheck();
    }

    /// What the log says makes some answers wrong: one that was believed when a reply was refused, and texts that are
    /// gone.
    pub(super) fn forget_told(&mut self, event: &Event) {
        let asked_of = &mut self.books.asked_of.0;
        if asked_of.is_empty() {
            return;
        }
        let gone = match event {
            Event::ReplyFailed { reply, .. } => {
                let reply = self.desk.replies.get(reply).filter(|reply| !reply.purpose.is_private());
                if let Some(reply) = reply {
                    asked_of.remove(&(reply.account.clone(), reply.to.clone()));
                }
                return;
            }
            Event::PostDeleted { post } => BodyId::post(post),
            Event::BodyErased { body } => body.clone(),
            // It may quote another post now.
            Event::PostEdited { post } if post.network().is_asked_of_posts() => {
                asked_of.retain(|(_, asked), _| asked != post);
                return;
            }
            _ => return,
        };
        let is_it = |post: &PostId| BodyId::post(post) == gone;
        asked_of.retain(|(_, post), _| !is_it(post));
        for asked in asked_of.values_mut() {
            if let Some(told) = asked.told.as_mut().filter(|told| told.quoted.as_ref().is_some_and(|it| is_it(&it.id)))
            {
                told.quoted = None;
            }
        }
    }

    fn forget_oldest(&mut self) {
        let asked_of = &mut self.books.asked_of.0;
        while asked_of.len() > KEPT {
            let oldest = asked_of.iter().min_by_key(|(_, asked)| asked.at).map(|(of, _)| of.clone());
            let Some(oldest) = oldest else { return };
            asked_of.remove(&oldest);
        }
    }
}
