//! Words of the rep on their way to the store: kept here until it has them, however long its disk is full.

use super::books::Keeping;
use super::{App, AppendToken, Effect};
use crate::desk::CaseDraft;
use crate::model::{Body, CaseId, Event, Purpose, RepName};

impl App {
    /// Appends a batch that must reach the log: tried again with every tick until the store has taken it. Nothing is
    /// expected of the case. A newer text of a draft takes the place of an older one that still waits.
    pub(super) fn append_surely(
        &mut self,
        events: Vec<(Event, Option<Body>)>,
        word: Option<&'static str>,
        out: &mut Vec<Effect>,
    ) -> AppendToken {
        let mut has_failed = false;
        for (event, _) in &events {
            has_failed |= self.give_up_waiting(event);
        }
        let draft = events.iter().find_map(|(event, body)| match (event, body) {
            (Event::DraftSaved { case, purpose, to, .. }, Some(Body::Draft(text))) => {
                let draft = CaseDraft {
                    purpose: *purpose,
                    rep: self.setup.me.clone(),
                    is_shared: false,
                    saved: self.now,
                    to: to.clone(),
                    draft: Some(text.clone()),
                };
                Some((*case, *purpose, draft))
            }
            _ => None,
        });
        let token = self.append(events.clone(), None, word, out);
        self.books.keeping.push(Keeping { events, token: Some(token), has_failed, draft });
        token
    }

    /// Takes the older texts of what `newer` saves or drops out of what waits to be tried again. Whether there was one
    /// the store refused.
    pub(super) fn give_up_waiting(&mut self, newer: &Event) -> bool {
        let mut had_failed = false;
        for keeping in self.books.keeping.iter_mut().filter(|keeping| keeping.token.is_none()) {
            let before = keeping.events.len();
            keeping.events.retain(|(event, _)| !is_outdone(event, newer, &self.setup.me));
            if keeping.events.len() < before {
                had_failed = true;
                keeping.draft = None;
            }
        }
        self.books.keeping.retain(|keeping| !keeping.events.is_empty());
        had_failed
    }

    /// What is being kept without a word on the screen.
    pub(super) fn kept_word(&self, token: AppendToken) -> &'static str {
        let keeping = self.books.keeping.iter().find(|keeping| keeping.token == Some(token));
        match keeping.and_then(|keeping| keeping.events.first()) {
            Some((Event::CaseRead { .. }, _)) => "keeping the read mark",
            Some((Event::NoteBegun { .. }, _)) => "saving the note",
            _ => "saving the draft",
        }
    }

    /// The store has taken it.
    pub(super) fn kept(&mut self, token: AppendToken) {
        let Some(at) = self.books.keeping.iter().position(|keeping| keeping.token == Some(token)) else { return };
        let keeping = self.books.keeping.remove(at);
        if keeping.has_failed && !self.books.keeping.iter().any(|keeping| keeping.has_failed) {
            self.info("the store takes what is written again; everything is saved".to_owned());
        }
    }

    /// The store did not take it: it waits for the next tick. Whether that is news to the rep.
    pub(super) fn not_kept(&mut self, token: AppendToken) -> bool {
        let Some(at) = self.books.keeping.iter().position(|keeping| keeping.token == Some(token)) else { return true };
        let newer: Vec<_> = self.books.keeping[at + 1..].iter().flat_map(|keeping| &keeping.events).cloned().collect();
        let keeping = &mut self.books.keeping[at];
        let is_news = !std::mem::replace(&mut keeping.has_failed, true);
        keeping.token = None;
        for (event, _) in &newer {
            let is_told = self.give_up_waiting(event);
            self.books.keeping.iter_mut().for_each(|keeping| keeping.has_failed |= is_told);
        }
        self.dirty = true;
        is_news
    }

    /// Tries again what the store refused.
    pub(super) fn keep_again(&mut self, out: &mut Vec<Effect>) {
        for at in 0..self.books.keeping.len() {
            if self.books.keeping[at].token.is_none() {
                let events = self.books.keeping[at].events.clone();
                let token = self.append(events, None, None, out);
                self.books.keeping[at].token = Some(token);
            }
        }
    }

    /// Drafts the store has not taken, oldest first.
    pub fn unsaved_drafts(&self) -> impl Iterator<Item = (CaseId, Purpose, &CaseDraft)> {
        let drafts = self.books.keeping.iter().filter(|keeping| keeping.has_failed).filter_map(|it| it.draft.as_ref());
        drafts.map(|(case, purpose, draft)| (*case, *purpose, draft))
    }

    /// The newest text of a draft that is on its way to the store.
    pub(super) fn draft_on_its_way(&self, case: CaseId, purpose: Purpose) -> Option<&CaseDraft> {
        let drafts = self.books.keeping.iter().rev().filter_map(|keeping| keeping.draft.as_ref());
        drafts.filter(|(of, kind, _)| (*of, *kind) == (case, purpose)).map(|(_, _, draft)| draft).next()
    }
}

/// Whether `newer` tells of the same draft or the same begun note, so that the older need not reach the store. Drafts
/// of the time when reps shared them are never on their way.
fn is_outdone(older: &Event, newer: &Event, me: &RepName) -> bool {
    let draft = |event: &Event| match event {
        Event::DraftSaved { case, purpose, rep, .. } | Event::DraftDropped { case, purpose, rep } => {
            Some((*case, *purpose, rep.as_ref().unwrap_or(me).clone()))
        }
        _ => None,
    };
    match (older, newer) {
        (Event::NoteBegun { case, .. }, Event::NoteBegun { case: of, .. } | Event::NoteAdded { case: of, .. }) => {
            case == of
        }
        _ => draft(older).is_some_and(|older| draft(newer) == Some(older)),
    }
}
