//! Replies after `y`: the hold and taking back, sending when due, the outbox, and quitting with replies held.

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use jiff::{SignedDuration, Timestamp};

use super::command::Command;
use super::compose_text::typed;
use super::composer::Saved;
use super::{App, Effect, Mode};
use crate::desk::Reply;
use crate::model::deed::WATCHER_SENDS_NOTHING;
use crate::model::reply::KEPT_AT_QUIT;
use crate::model::{Body, BodyId, CaseId, Delivery, DraftText, Event, LinkState, PostId, Purpose, ReplyId};

/// A reply older than this is not sent by itself after a crash: the conversation has moved on.
const ADOPTED_WITHIN: SignedDuration = SignedDuration::from_mins(15);

/// So far a clock is set right without anybody noticing.
const CLOCK_SLACK: SignedDuration = SignedDuration::from_secs(2);

impl App {
    /// A second has passed, or a moment of [`App::next_deadline`] has come.
    pub(super) fn tick(&mut self, out: &mut Vec<Effect>) {
        self.ask_texts_again();
        self.count_anew(out);
        self.send_due(self.now, out);
        self.keep_again(out);
        self.release_left_behind(out);
        self.raise_again(out);
        self.look_up(out);
        self.wake_due(out);
        self.tell_overdue(out);
        self.ring_overdue(out);
        let face = self.clock_face();
        self.dirty |= std::mem::replace(&mut self.books.clock_face, face) != face;
    }

    /// A reply of this run that is held for longer than the hold: the clock was set back. Its hold begins anew, or it
    /// would wait until the clock has come round again.
    fn count_anew(&mut self, out: &mut Vec<Effect>) {
        let most = self.now + self.setup.hold + CLOCK_SLACK;
        let is_late = |reply: &Reply, until: Timestamp| {
            let is_on_its_way = self.pending.values().any(|action| action.case == Some(reply.case));
            until > most && reply.session == self.setup.session && !is_on_its_way
        };
        let late: Vec<Reply> = self
            .held()
            .into_iter()
            .filter(|(reply, until)| is_late(reply, *until))
            .map(|(reply, _)| reply.clone())
            .collect();
        for reply in late {
            self.queue_again(&reply, out);
            self.warn("the clock was set back: the hold of a reply begins anew".to_owned());
        }
    }

    /// Tells the shell to send what has been held long enough at `now`; once per reply.
    fn send_due(&mut self, now: Timestamp, out: &mut Vec<Effect>) {
        let may = |app: &Self, reply: ReplyId| app.send_waits.get(&reply).is_none_or(|until| *until <= now);
        let mut due: Vec<_> =
            self.held().into_iter().filter(|(_, until)| *until <= now).map(|(reply, _)| reply.id).collect();
        due.retain(|reply| may(self, *reply) && !self.books.recalled.contains_key(reply));
        self.send_waits.retain(|_, until| *until > now);
        if !self.setup.role.may_send() {
            return;
        }
        for reply in due {
            if self.books.told_to_send.insert(reply) {
                out.push(Effect::Send { reply });
                self.dirty = true;
            }
        }
    }

    /// The store did not take the attempt, so the network was not asked. The reply is held on, may be taken back, and
    /// is tried again with the next tick.
    pub(super) fn not_begun(&mut self, reply: ReplyId, why: &str, out: &mut Vec<Effect>) {
        self.books.told_to_send.remove(&reply);
        self.dirty = true;
        match self.desk.replies.get(&reply).map(|reply| &reply.delivery) {
            // The store took it all the same. Nothing was sent, but who knows it for certain is the network.
            Some(Delivery::Sending) => out.push(Effect::ReadBack { reply }),
            Some(Delivery::Queued { .. }) if self.books.not_begun.insert(reply) => {
                self.error(format!("the reply is not sent yet and is tried every second; u takes it back: {why}"));
            }
            _ => {}
        }
    }

    /// Everything on the screen that changes with time alone, as one number: equal faces are equal screens.
    fn clock_face(&self) -> u64 {
        let mut face = DefaultHasher::new();
        let now = self.now;
        (now.as_second() / 60).hash(&mut face);
        for link in self.links.values() {
            self.shown_age(Some(link)).hash(&mut face);
            if let LinkState::BackingOff { until, .. } = &link.state {
                until.duration_since(now).as_secs().hash(&mut face);
            }
        }
        for (_, until) in self.held() {
            until.duration_since(now).as_secs().hash(&mut face);
        }
        for until in self.send_waits.values() {
            until.duration_since(now).as_secs().hash(&mut face);
        }
        self.notices.shown(now).iter().for_each(|notice| (notice.at, &notice.text).hash(&mut face));
        // Where a frame said which columns are on the screen, the others do not matter.
        let is_drawn = self.columns.iter().any(|column| column.shown > 0);
        for column in (0..self.columns.len()).filter(|column| !is_drawn || self.columns[*column].shown > 0) {
            for row in self.rows_in_sight(column) {
                now.duration_since(row.at).as_mins().hash(&mut face);
                let Some(case) = self.desk.case_of(row.id) else { continue };
                if let Some(since) = case.waiting_since {
                    now.duration_since(since).as_mins().hash(&mut face);
                }
                let terms = self.terms(case);
                let clocks = [case.answer_clock(&terms, now), case.resolution_clock(&terms, now)];
                for reading in clocks.into_iter().flatten().filter(|reading| reading.stopped.is_none()) {
                    reading.due.map(|due| due.duration_since(now).as_mins()).hash(&mut face);
                    (reading.step as u8).hash(&mut face);
                }
            }
        }
        face.finish()
    }

    /// `u`: the reply queued last, while it is held.
    pub(super) fn undo(&mut self, out: &mut Vec<Effect>) {
        let may = |app: &Self, reply: &ReplyId| {
            !app.books.told_to_send.contains(reply) && !app.books.recalled.contains_key(reply)
        };
        let here = self.books.queued.iter().rev().find(|queued| may(self, &queued.reply)).cloned();
        // What was done last is taken back first.
        if self.last_done().is_some_and(|done| here.as_ref().is_none_or(|queued| queued.token < done))
            && (here.is_some() || self.held().is_empty())
        {
            return self.undo_done(out);
        }
        if let Some(queued) = here {
            return self.recall(queued.reply, queued.case, &queued.to, queued.purpose, queued.typed, out);
        }
        let adopted = self.held().last().map(|(reply, _)| (*reply).clone());
        match adopted {
            Some(reply) => {
                let text = self.typed_of(&reply);
                self.recall(reply.id, reply.case, &reply.to, reply.purpose, text, out);
            }
            None if self.books.told_to_send.is_empty() => {
                self.info("nothing is held that could be taken back".to_owned());
            }
            None => self.info("it is on its way already".to_owned()),
        }
    }

    fn recall(
        &mut self,
        reply: ReplyId,
        case: CaseId,
        to: &PostId,
        purpose: Purpose,
        text: DraftText,
        out: &mut Vec<Effect>,
    ) {
        let event = Event::ReplyRecalled { reply, case };
        self.books.queued.retain(|queued| queued.reply != reply);
        let token = self.back_to_draft(event, case, to, purpose, text, "taking back", out);
        self.books.recalled.insert(reply, token);
        self.send_waits.remove(&reply);
    }

    /// Writes `event` and the text as the case's draft in one batch, and opens it.
    #[expect(clippy::too_many_arguments, reason = "two call sites; a struct would repeat the event")]
    fn back_to_draft(
        &mut self,
        event: Event,
        case: CaseId,
        to: &PostId,
        purpose: Purpose,
        mut text: DraftText,
        word: &'static str,
        out: &mut Vec<Effect>,
    ) -> super::AppendToken {
        // A draft begun in the meantime is not overwritten: both texts stay.
        let other = self.desk.cases.get(&case).and_then(|case| case.draft_of(purpose, &self.setup.me)?.draft.as_ref());
        let other = other.map_or("", |draft| draft.text.trim());
        if !other.is_empty() && other != text.text.trim() {
            text.text = format!("{}\n\n{other}", text.text.trim_end());
        }
        let saved = (self.draft_saved(case, purpose, to), Some(Body::Draft(text.clone())));
        // Nothing may stand in the way of taking a reply back: nothing is expected of the case, and a store that does
        // not take it is asked again.
        let token = self.append_surely(vec![(event, None), saved], Some(word), out);
        let post = self.desk.posts.get(to).cloned();
        let seen = post.as_ref().and_then(|post| post.body.clone());
        let account = post.as_ref().and_then(|post| self.reply_account(post)).cloned();
        match (post, seen, account) {
            (Some(post), Some(seen), Some(account)) => {
                let began = *self.books.began.entry((case, purpose)).or_insert(self.now);
                self.open_composer(case, &post, &seen, purpose, &account, &text, Saved::At(self.now), began);
                // Where the store refuses it the editor says so, and saves it again.
                self.books.draft_append = Some(token);
                self.info("taken back; nothing was sent".to_owned());
            }
            _ => self.info("taken back into the drafts: the post itself is no longer at hand".to_owned()),
        }
        token
    }

    fn typed_of(&self, reply: &Reply) -> DraftText {
        let post = self.desk.posts.get(&reply.to).and_then(|post| post.body.clone());
        let text = reply.text.as_deref().unwrap_or_default();
        let words = match self.account(&reply.account) {
            Some(account) => typed(reply.purpose, post.as_deref(), account, text, self.setup.signature.as_deref()),
            None => text.to_owned(),
        };
        let last = words.rsplit('\n').next().unwrap_or_default().chars().count();
        DraftText { cursor: (words.matches('\n').count(), last), text: words }
    }

    /// Replies of a run that is gone.
    pub(super) fn adopt(&mut self, replies: &[ReplyId], out: &mut Vec<Effect>) {
        if !self.setup.role.may_send() {
            if !replies.is_empty() {
                self.warn(format!(
                    "replies of yours that were never sent: {} (U); {WATCHER_SENDS_NOTHING}",
                    replies.len()
                ));
            }
            return;
        }
        let (mut held, mut left) = (0, 0);
        for id in replies {
            let Some(reply) = self.desk.replies.get(id).filter(|reply| reply.rep == self.setup.me).cloned() else {
                continue;
            };
            match reply.delivery {
                Delivery::Queued { .. } if self.now.duration_since(reply.queued) >= ADOPTED_WITHIN => left += 1,
                // A checkpoint leaves texts out.
                Delivery::Queued { .. } if reply.text.is_none() => {
                    self.books.adopting.insert(*id);
                }
                Delivery::Queued { .. } => {
                    self.queue_again(&reply, out);
                    held += 1;
                }
                Delivery::Sending => out.push(Effect::ReadBack { reply: *id }),
                Delivery::Sent { .. }
                | Delivery::Delivered { .. }
                | Delivery::Failed { .. }
                | Delivery::Parked { .. } => {}
            }
        }
        if !self.books.adopting.is_empty() {
            let ids = self.books.adopting.iter().map(|reply| BodyId::reply(*reply)).collect();
            out.push(Effect::ReadBodies { ids });
        }
        if held > 0 {
            self.warn(format!(
                "replies held when the program ended last: {held}, held anew; u takes back, U shows them"
            ));
        }
        if left > 0 {
            self.warn(format!("replies queued long ago and never sent: {left}; U shows them"));
        }
    }

    /// The store has brought texts: replies that waited for theirs are held anew.
    pub(super) fn adopt_read(&mut self, out: &mut Vec<Effect>) {
        let has_text = |reply: &ReplyId| self.desk.replies.get(reply).is_none_or(|reply| reply.text.is_some());
        let asked = std::mem::take(&mut self.books.adopting);
        let (read, unread): (Vec<_>, Vec<_>) = asked.into_iter().partition(has_text);
        self.adopt(&read, out);
        self.books.adopting.extend(unread);
    }

    fn queue_again(&mut self, reply: &Reply, out: &mut Vec<Effect>) {
        let event = Event::ReplyQueued {
            reply: reply.id,
            case: reply.case,
            to: reply.to.clone(),
            purpose: reply.purpose,
            account: reply.account.clone(),
            until: self.now + self.setup.hold,
            session: self.setup.session,
        };
        self.books.recalled.remove(&reply.id);
        let body = reply.text.clone().map(Body::Reply);
        let expect = self.desk.cases.get(&reply.case).map(super::acts::expect);
        self.append(vec![(event, body)], expect, Some("queueing"), out);
    }

    /// Who answered in the case after this reply was confirmed, and with which words.
    fn answered_since(&self, reply: &Reply) -> Option<String> {
        let case = self.desk.cases.get(&reply.case)?;
        let answer = case.last_answer.as_ref().filter(|answer| answer.at > reply.queued)?;
        Some(self.answer_words(answer))
    }

    /// The keys of the outbox.
    pub(super) fn outbox_key(&mut self, command: Command, out: &mut Vec<Effect>) {
        let Mode::Outbox { selected } = self.mode else { return };
        let Some(reply) = self.outbox().get(selected).map(|reply| (*reply).clone()) else {
            return self.info("the outbox is empty".to_owned());
        };
        if command == Command::Open {
            return self.go_to_case(reply.case, out);
        }
        if reply.rep != self.setup.me {
            return self.info(format!("this is {}'s reply; only they send, edit or drop it", reply.rep));
        }
        if self.pending.values().any(|action| action.case == Some(reply.case)) {
            return self.info("still on its way".to_owned());
        }
        let ours = reply.session == self.setup.session;
        let in_flight = ours && (reply.delivery == Delivery::Sending || self.books.told_to_send.contains(&reply.id));
        if in_flight {
            return self.info("it is on its way; its outcome comes by itself".to_owned());
        }
        match (command, &reply.delivery) {
            (Command::RetryReply, Delivery::Queued { .. }) if ours => {
                self.info("it is held and goes out by itself".to_owned());
            }
            (Command::RetryReply, Delivery::Failed { may_retry: false, why }) => {
                self.warn(format!(
                    "it would be refused again ({why}); e edits it, and go in the preview hands it over"
                ));
            }
            (Command::RetryReply, Delivery::Queued { .. } | Delivery::Failed { .. }) if reply.text.is_none() => {
                self.info("its text is not at hand; b and e do not work either until it was read".to_owned());
            }
            (Command::RetryReply, Delivery::Queued { .. } | Delivery::Failed { .. })
                if self.answered_since(&reply).is_some_and(|told| {
                    !self.second_press(
                        command,
                        reply.id.to_string(),
                        format!("{told}; r again sends yours all the same"),
                    )
                }) => {}
            (Command::RetryReply, Delivery::Queued { .. } | Delivery::Failed { .. }) => {
                self.queue_again(&reply, out);
                if let Some(until) = self.send_waits.get(&reply.id).filter(|until| **until > self.now + self.setup.hold)
                {
                    let at = self.hours(*until);
                    return self.info(format!("goes out at {at}, when the network is free again; u takes it back"));
                }
                self.info(format!("goes out in {} s; u takes it back", self.setup.hold.as_secs()));
            }
            (Command::RetryReply | Command::EditReply, Delivery::Parked { .. } | Delivery::Sending) => {
                self.warn("it may be public already: b looks on the network first".to_owned());
            }
            (Command::EditReply, Delivery::Queued { .. }) if ours => {
                let text =
                    self.books.queued.iter().find(|queued| queued.reply == reply.id).map(|queued| queued.typed.clone());
                let text = text.unwrap_or_else(|| self.typed_of(&reply));
                self.recall(reply.id, reply.case, &reply.to, reply.purpose, text, out);
            }
            (Command::EditReply, Delivery::Queued { .. } | Delivery::Failed { .. }) => {
                if reply.text.is_none() {
                    return self.info("its text is not at hand".to_owned());
                }
                let text = self.typed_of(&reply);
                let event = Event::ReplyDropped { reply: reply.id, case: reply.case };
                self.back_to_draft(event, reply.case, &reply.to, reply.purpose, text, "editing", out);
            }
            (Command::DropReply, Delivery::Sending) => {
                self.warn("it may be public already: b looks on the network first".to_owned());
            }
            (Command::DropReply, Delivery::Queued { .. } | Delivery::Failed { .. } | Delivery::Parked { .. }) => {
                let warning = "the same key again gives this reply up for good".to_owned();
                if self.second_press(command, reply.id.to_string(), warning) {
                    self.books.recalled.insert(reply.id, super::AppendToken(0));
                    let event = Event::ReplyDropped { reply: reply.id, case: reply.case };
                    self.append_surely(vec![(event, None)], Some("dropping"), out);
                }
            }
            (Command::ReadBack, Delivery::Parked { .. } | Delivery::Sending) => {
                out.push(Effect::ReadBack { reply: reply.id });
                self.info("looking on the network".to_owned());
            }
            (Command::ReadBack, Delivery::Failed { .. }) => {
                self.info("it failed, and nothing was published: there is nothing to look for".to_owned());
            }
            (Command::ReadBack, _) => self.info("it has not gone out: there is nothing to look for".to_owned()),
            _ => {}
        }
    }

    /// `Q`: asks where replies are held or on their way.
    pub(super) fn ask_quit(&mut self, out: &mut Vec<Effect>) {
        let unsent = self.unsent();
        if unsent.is_empty() && self.unsaved_drafts().next().is_none() {
            self.quit(out);
        } else if !matches!(self.mode, Mode::QuitQuestion) {
            self.books.quit_waits_for = unsent;
            self.open_over(Mode::QuitQuestion);
        }
    }

    /// The question has answered itself: what it was asked for is out and saved. A reply that was not sent keeps it
    /// open, for whoever ends here would not hear of it.
    pub(super) fn quit_when_nothing_is_left_to_ask(&mut self, out: &mut Vec<Effect>) {
        if matches!(self.mode, Mode::QuitQuestion)
            && !self.quitting
            && self.unsent().is_empty()
            && self.unsaved_drafts().next().is_none()
            && self.not_sent_at_quit() == 0
        {
            self.quit(out);
        }
    }

    /// Replies of this run that are neither out nor given up.
    fn unsent(&self) -> BTreeSet<ReplyId> {
        let waits = |reply: &&ReplyId| {
            self.desk
                .replies
                .get(reply)
                .is_some_and(|reply| matches!(reply.delivery, Delivery::Queued { .. } | Delivery::Sending))
        };
        let under_way = self.books.queued.iter().filter(|queued| self.pending.contains_key(&queued.token));
        let held = self.held().into_iter().map(|(reply, _)| reply.id);
        let told = self.send_waits.keys().chain(&self.books.told_to_send).filter(waits).copied();
        held.chain(under_way.map(|queued| queued.reply)).chain(told).collect()
    }

    /// Replies the quit question waits for that are on their way and no longer held.
    pub fn on_their_way(&self) -> usize {
        self.unsent().len().saturating_sub(self.held().len())
    }

    /// Replies the quit question waited for that need a hand.
    pub fn not_sent_at_quit(&self) -> usize {
        let needs_a_hand = |reply: &&ReplyId| {
            self.desk
                .replies
                .get(reply)
                .is_some_and(|reply| matches!(reply.delivery, Delivery::Failed { .. } | Delivery::Parked { .. }))
        };
        self.books.quit_waits_for.iter().filter(needs_a_hand).count()
    }

    pub(super) fn quit(&mut self, out: &mut Vec<Effect>) {
        self.save_draft(out);
        self.save_note(out);
        self.quitting = true;
        self.dirty = true;
        out.push(Effect::Quit);
    }

    /// What is held stays in the outbox until the rep sends it: the next run does not send it by itself.
    pub(super) fn quit_keeping(&mut self, out: &mut Vec<Effect>) {
        let on_its_way = self.books.queued.iter().filter(|queued| self.pending.contains_key(&queued.token));
        let held = self.held().into_iter().map(|(reply, _)| (reply.id, reply.case));
        let kept: BTreeSet<_> = on_its_way.map(|queued| (queued.reply, queued.case)).chain(held).collect();
        for (reply, case) in kept {
            let why = KEPT_AT_QUIT.to_owned();
            self.append(vec![(Event::ReplyFailed { reply, case, why, may_retry: true }, None)], None, None, out);
        }
        self.quit(out);
    }

    pub(super) fn quit_sending(&mut self, out: &mut Vec<Effect>) {
        let late = self.held().into_iter().map(|(_, until)| until).max().unwrap_or(self.now);
        self.send_due(late.max(self.now), out);
        self.quit(out);
    }
}
