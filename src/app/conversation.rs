//! What was said in a case, in order: the customer's posts, our answers, direct messages, the team's own notes.
//!
//! Posts and messages are on the desk. The words of our answers are not: those of the case in the pane are read from
//! the store when it comes there and let go with it, so never more than one case's are held.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::{App, Effect, Mode};
use crate::desk::{Answer, Case, CaseMessage, Desk, PostState, PostView, Reply, fold};
use crate::model::{AccountName, Body, BodyId, CaseId, Delivery, Envelope, Event, NoteText, Post, Purpose, Seq};

/// What the store was asked for and has not brought within this time is asked for again.
const ASK_AGAIN: SignedDuration = SignedDuration::from_secs(10);

/// One thing that was said.
#[derive(Clone, Debug)]
pub struct Said<'a> {
    pub at: Timestamp,
    /// `@jo_m`, `ana`, `our account, elsewhere`.
    pub who: String,
    pub what: What<'a>,
    pub words: Words<'a>,
}

#[derive(Clone, Debug)]
pub enum What<'a> {
    /// Of the customer's, for anybody to see.
    Post(&'a PostView),
    /// Ours, for anybody to see; of one typed elsewhere nobody knows what it was for.
    Answer(Option<Purpose>),
    /// Between the two sides only.
    Message { is_ours: bool },
    /// For the team only.
    Note,
    /// Confirmed here and not out.
    Unsent(&'a Reply),
}

/// The words themselves, or why they do not stand there.
#[derive(Clone, Debug, PartialEq)]
pub enum Words<'a> {
    Post(&'a Post),
    Text(&'a str),
    /// Taken back by its author.
    Deleted,
    Removed,
    /// They are in the store and were asked for.
    Coming,
    /// Direct messages are for the reps of their account.
    Hidden {
        account: String,
    },
}

/// The words of the answers in one case.
#[derive(Debug, Default)]
pub(super) struct AnswerTexts {
    case: Option<CaseId>,
    /// `None` for what the store does not have.
    texts: BTreeMap<BodyId, Option<Body>>,
    asked: BTreeMap<BodyId, Timestamp>,
}

impl App {
    /// The desk that holds a case: this one, or what was folded anew of one it has let go.
    pub(super) fn desk_of(&self, case: CaseId) -> &Desk {
        let past = self.case_events.as_ref().filter(|events| events.case == case);
        let past = past.and_then(|events| events.past.as_deref());
        past.filter(|_| !self.desk.cases.contains_key(&case)).unwrap_or(&self.desk)
    }

    /// The case of a post as it stood, where the desk has let it go and the store has brought it back.
    pub fn past_case(&self, post: &PostView) -> Option<&Case> {
        let case = post.case.filter(|case| !self.desk.cases.contains_key(case))?;
        self.desk_of(case).cases.get(&case)
    }

    /// Everything said in a case, oldest first; what waits to go out stands last.
    pub fn conversation<'a>(&'a self, case: &'a Case) -> Vec<Said<'a>> {
        let them = self.handle_of(case).map_or_else(|| "the customer".to_owned(), |handle| format!("@{handle}"));
        let desk = self.desk_of(case.id);
        let posts = case.posts.iter().filter_map(|post| desk.posts.get(post)).map(|post| Said {
            at: post.at,
            who: them.clone(),
            what: What::Post(post),
            words: words_of(post),
        });
        let answers = case.answers().map(|answer| Said {
            at: answer.at,
            who: answer.rep.as_ref().map_or_else(|| "our account, elsewhere".to_owned(), ToString::to_string),
            what: What::Answer(answer.purpose),
            words: self.answer_text(desk, answer),
        });
        let messages = case.messages.iter().map(|message| Said {
            at: message.at,
            who: self.writer_of(case, message),
            what: What::Message { is_ours: message.is_ours },
            words: self.message_words(message),
        });
        let notes = self.notes_of(case.id).into_iter().map(|(envelope, words)| Said {
            at: envelope.at,
            who: envelope.rep.to_string(),
            what: What::Note,
            words: words.map_or(Words::Removed, |words| Words::Text(words.shown())),
        });
        let mut said: Vec<_> = posts.chain(answers).chain(messages).chain(notes).collect();
        said.sort_by_key(|said| said.at);
        let replies = case.replies.iter().filter_map(|reply| desk.replies.get(reply));
        said.extend(replies.filter(|reply| !reply.is_finished()).map(|reply| Said {
            at: reply.queued,
            who: reply.rep.to_string(),
            what: What::Unsent(reply),
            words: self.reply_words(reply),
        }));
        said
    }

    /// The words of a direct message, for whoever may read them.
    pub fn message_words<'a>(&self, message: &'a CaseMessage) -> Words<'a> {
        if !self.may_read_messages(message.account.as_ref(), message.id.network()) {
            return hidden(message.account.as_ref());
        }
        match &message.text {
            Some(text) => Words::Text(text),
            None if message.is_erased => Words::Removed,
            None => Words::Coming,
        }
    }

    /// Who wrote a direct message of a case.
    pub fn writer_of(&self, case: &Case, message: &CaseMessage) -> String {
        match (&message.rep, message.is_ours) {
            (Some(rep), _) => rep.to_string(),
            (None, true) => "our account, elsewhere".to_owned(),
            (None, false) => self.handle_of(case).map_or_else(|| "the customer".to_owned(), |it| format!("@{it}")),
        }
    }

    fn reply_words<'a>(&self, reply: &'a Reply) -> Words<'a> {
        if reply.purpose.is_private() && !self.may_read_messages(Some(&reply.account), reply.to.network()) {
            return hidden(Some(&reply.account));
        }
        reply.text.as_deref().map_or(Words::Removed, Words::Text)
    }

    fn answer_text<'a>(&'a self, desk: &'a Desk, answer: &Answer) -> Words<'a> {
        // A column may show it as a post of its own.
        if let Some(post) = desk.posts.get(&answer.post).filter(|post| !post.lacks_text()) {
            return words_of(post);
        }
        let here = answer.reply.and_then(|reply| desk.replies.get(&reply)?.text.as_deref());
        let texts = &self.books.answer_texts.texts;
        let read = answer.texts().find_map(|id| texts.get(&id)?.as_ref());
        match (read, here) {
            (Some(Body::Post(post)), _) => Words::Post(post),
            (Some(Body::Reply(text)), _) => Words::Text(text),
            (_, Some(text)) => Words::Text(text),
            _ if answer.texts().all(|id| texts.contains_key(&id)) => Words::Removed,
            _ => Words::Coming,
        }
    }

    /// Asks for the words of our answers in the case that is shown.
    pub(super) fn keep_answer_texts(&mut self, out: &mut Vec<Effect>) {
        if !self.has_pane() && !matches!(self.mode, Mode::Case { .. }) {
            return;
        }
        let Some(case) = self.case_in_hand() else { return };
        let id = case.id;
        let held = &self.books.answer_texts;
        let is_held = held.case == Some(id);
        let is_missing = |body: &BodyId| {
            let asked = held.asked.get(body).filter(|_| is_held);
            let is_under_way = asked.is_some_and(|asked| self.now.duration_since(*asked).abs() < ASK_AGAIN);
            !(is_under_way || is_held && held.texts.contains_key(body))
        };
        let is_here = |answer: &&Answer| {
            let post = self.desk.posts.get(&answer.post).is_some_and(|post| !post.lacks_text());
            post || answer.reply.and_then(|reply| self.desk.replies.get(&reply)?.text.as_ref()).is_some()
        };
        let wanted = case.answers().filter(|answer| !is_here(answer)).flat_map(Answer::texts);
        let ids: BTreeSet<BodyId> = wanted.filter(is_missing).collect();
        let now = self.now;
        let held = &mut self.books.answer_texts;
        if !is_held {
            *held = AnswerTexts { case: Some(id), ..AnswerTexts::default() };
        }
        if !ids.is_empty() {
            held.asked.extend(ids.iter().map(|id| (id.clone(), now)));
            out.push(Effect::ReadBodies { ids: ids.into_iter().collect() });
        }
    }

    /// The store's answer, as far as it is for them.
    pub(super) fn answer_texts_came(&mut self, asked: &[BodyId], found: &[(BodyId, Body)]) {
        let held = &mut self.books.answer_texts;
        for id in asked {
            if held.asked.remove(id).is_some() {
                let body = found.iter().find(|(of, _)| of == id).map(|(_, body)| body.clone());
                held.texts.insert(id.clone(), body);
            }
        }
    }

    /// A text is gone, or another one.
    pub(super) fn answer_text_changed(&mut self, id: &BodyId, body: Option<&Body>) {
        if let Some(text) = self.books.answer_texts.texts.get_mut(id) {
            *text = body.cloned();
        }
    }

    /// Notes of the case whose words the store has not brought yet.
    pub fn notes_to_come(&self, case: &Case) -> usize {
        let is_read = self.case_events.as_ref().is_some_and(|events| events.case == case.id);
        if is_read { 0 } else { usize::try_from(case.notes).unwrap_or(usize::MAX) }
    }

    /// The notes of a case, oldest first, as far as the store was asked for them: when, whose, and the words; `None`
    /// for words that were removed.
    pub fn notes_of(&self, case: CaseId) -> Vec<(&Envelope, Option<&NoteText>)> {
        let events = self.case_events.as_ref().filter(|events| events.case == case);
        let notes = events.into_iter().flat_map(|events| &events.events);
        let notes = notes.filter(|envelope| matches!(envelope.event, Event::NoteAdded { .. }));
        notes
            .map(|envelope| match &envelope.body {
                Some(Body::Note(text)) => (&**envelope, Some(text)),
                _ => (&**envelope, None),
            })
            .collect()
    }
}

/// A case that the desk has let go, folded anew from what the store has of it; `beside` is what came from the network.
/// Direct messages after its last event belong to a later case.
pub(super) fn as_it_stood(events: &[Arc<Envelope>], beside: Vec<Arc<Envelope>>) -> Desk {
    let end = events.last().map_or(Seq(0), |last| last.seq);
    let mut all: BTreeMap<Seq, Arc<Envelope>> = beside.into_iter().map(|envelope| (envelope.seq, envelope)).collect();
    let is_private = |event: &Event| matches!(event, Event::DmReceived { .. } | Event::DmSent { .. });
    all.retain(|seq, envelope| *seq <= end || !is_private(&envelope.event));
    all.extend(events.iter().map(|envelope| (envelope.seq, Arc::clone(envelope))));
    let mut desk = Desk::default();
    for envelope in all.values() {
        fold(&mut desk, envelope);
    }
    desk
}

/// What became of a reply that is not out, in a word or two.
pub fn unsent_words(reply: &Reply) -> &'static str {
    match reply.delivery {
        Delivery::Queued { .. } => "not sent yet",
        Delivery::Sending => "being sent",
        Delivery::Failed { .. } => "could not be sent",
        Delivery::Parked { .. } => "sent or not, nobody knows",
        Delivery::Sent { .. } | Delivery::Delivered { .. } => "sent",
    }
}

fn words_of(post: &PostView) -> Words<'_> {
    match (post.state, &post.body) {
        (PostState::Deleted, _) => Words::Deleted,
        (PostState::Erased, _) => Words::Removed,
        (PostState::Present | PostState::Edited, Some(body)) => Words::Post(body),
        (PostState::Present | PostState::Edited, None) => Words::Coming,
    }
}

fn hidden(account: Option<&AccountName>) -> Words<'static> {
    Words::Hidden { account: account.map_or_else(|| "its account".to_owned(), ToString::to_string) }
}
