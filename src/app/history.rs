//! `H`: who did what in a case, when and from which machine. Everything is told from the log's own events, so a desk
//! that has just started says the same as one that was there.

use jiff::Timestamp;

use super::clipboard::{self, TEXT_MOST};
use super::people::rule_event;
use super::{App, Effect, Mode};
use crate::model::{CaseId, Envelope, Event, clean};

/// The screen of one case's history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HistoryScreen {
    pub case: CaseId,
    pub number: Option<u64>,
    pub scroll: u16,
}

/// One deed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryLine {
    pub at: Timestamp,
    /// `ana on desk-1`
    pub who: String,
    pub did: String,
}

impl App {
    /// `H`
    pub(super) fn show_history(&mut self, out: &mut Vec<Effect>) {
        if self.post_in_hand().is_none() {
            self.choose_newest();
        }
        let Some(post) = self.post_in_hand() else { return self.info("there is no post here yet".to_owned()) };
        let Some(case) = post.case else { return self.info("this post is no case: nothing was done in it".to_owned()) };
        let number = self.desk.cases.get(&case).map(|case| case.number);
        self.open_over(Mode::History(HistoryScreen { case, number, scroll: u16::MAX }));
        if self.case_events.as_ref().is_none_or(|events| events.case != case) {
            self.case_events = None;
            self.books.asked_case = Some(case);
            out.push(Effect::ReadCase { case });
        }
    }

    /// Everything done in the case, newest last; empty while the store is asked. Saved drafts count once in a row.
    pub fn history_lines(&self, case: CaseId) -> Vec<HistoryLine> {
        let Some(events) = self.case_events.as_ref().filter(|events| events.case == case) else { return Vec::new() };
        let mut lines: Vec<(HistoryLine, bool)> = Vec::new();
        let mut posts: Vec<_> = self
            .desk
            .cases
            .get(&case)
            .into_iter()
            .flat_map(|case| case.posts.iter().filter_map(|post| self.desk.posts.get(post)))
            .collect();
        posts.sort_by_key(|post| (post.arrived, &post.id));
        let mut posts = posts.into_iter().peekable();
        let wrote = |post: &crate::desk::PostView| HistoryLine {
            at: post.arrived,
            who: "the customer".to_owned(),
            did: format!("wrote {}", post.id),
        };
        for envelope in events.events.iter().filter(|envelope| envelope.event.case() == Some(case)) {
            while let Some(post) = posts.next_if(|post| post.arrived <= envelope.at) {
                lines.push((wrote(post), false));
            }
            let Some(did) = self.did(envelope) else { continue };
            let who = if envelope.id == rule_event(case) {
                format!("the rule for repeat contacts, on {}", envelope.machine)
            } else {
                format!("{} on {}", envelope.rep, envelope.machine)
            };
            let line = HistoryLine { at: envelope.at, who, did };
            let saves = matches!(envelope.event, Event::DraftSaved { .. });
            match lines.last_mut() {
                Some((last, true)) if saves && (&last.who, &last.did) == (&line.who, &line.did) => *last = line,
                _ => lines.push((line, saves)),
            }
        }
        lines.extend(posts.map(|post| (wrote(post), false)));
        lines.into_iter().map(|(line, _)| line).collect()
    }

    /// `2026-11-21 14:31:20+00:00 ana on desk-1: claimed it`
    pub fn history_words(&self, line: &HistoryLine) -> String {
        let at = line.at.to_zoned(self.setup.zone.clone()).strftime("%Y-%m-%d %H:%M:%S%:z").to_string();
        clean::line(&format!("{at} {}: {}", line.who, line.did))
    }

    /// `yt`: as many of the newest lines as come through every terminal.
    pub(super) fn copy_history(&mut self, out: &mut Vec<Effect>) {
        let Mode::History(screen) = &self.mode else { return };
        let lines: Vec<String> = self.history_lines(screen.case).iter().map(|line| self.history_words(line)).collect();
        if lines.is_empty() {
            return self.info("the store is still asked".to_owned());
        }
        let mut bytes = 0;
        let fits = |line: &&String| {
            bytes += line.len() + 1;
            bytes <= TEXT_MOST
        };
        let kept = lines.iter().rev().take_while(fits).count().max(1);
        let text = lines[lines.len() - kept..].join("\n");
        out.push(Effect::Copy { text: clipboard::fitting(&text).to_owned() });
        if kept == lines.len() {
            self.info("copied the history".to_owned());
        } else {
            self.warn(format!(
                "copied only the newest {kept} of {} lines: more does not come through every terminal",
                lines.len()
            ));
        }
    }

    /// What an event did, in plain words; `None` for marks of reading, and for what is no deed in a case. Every kind
    /// is named: a new one does not build without its words.
    fn did(&self, envelope: &Envelope) -> Option<String> {
        let moment = |at: &Timestamp| at.to_zoned(self.setup.zone.clone()).strftime("%Y-%m-%d %H:%M").to_string();
        Some(match &envelope.event {
            Event::CaseOpened { post, posted_at, .. } => {
                format!("took in the first post {post}, written {}: the case is open", moment(posted_at))
            }
            Event::CaseClaimed { .. } => "claimed it".to_owned(),
            Event::CaseReleased { .. } => "gave it back".to_owned(),
            Event::CaseAssigned { to, .. } => format!("handed it to {to}"),
            Event::CaseTagged { tag, on: true, .. } => format!("put the tag {tag} on"),
            Event::CaseTagged { tag, on: false, .. } => format!("took the tag {tag} off"),
            Event::CasePrioritised { high: true, .. } => "raised its priority".to_owned(),
            Event::CasePrioritised { high: false, .. } => "lowered its priority".to_owned(),
            Event::CaseSnoozed { until, .. } if *until == super::until::THEY_WRITE => {
                "put it off until they write".to_owned()
            }
            Event::CaseSnoozed { until, .. } => format!("put it off until {}", moment(until)),
            Event::CaseOverdue { .. } => "saw it become overdue".to_owned(),
            Event::CaseWoken { .. } => "took it up again before its time".to_owned(),
            Event::CaseResolved { cause, outcome, closing, .. } => {
                let said = [cause.as_deref(), outcome.as_deref()].into_iter().flatten();
                let said: Vec<_> = said.chain(closing.then_some("closing")).collect();
                if said.is_empty() { "resolved it".to_owned() } else { format!("resolved it: {}", said.join(", ")) }
            }
            Event::CaseReopened { undone: true, .. } => "took the resolve back".to_owned(),
            Event::CaseReopened { undone: false, .. } => "reopened it".to_owned(),
            Event::CaseTurnedRound { post, on: true, .. } => format!("saw the customer turned round by {post}"),
            Event::CaseTurnedRound { post, on: false, .. } => format!("took back that {post} shows them turned round"),
            Event::NoteAdded { .. } => "wrote a note (team only)".to_owned(),
            Event::NoteBegun { on: true, .. } => "began a note (team only)".to_owned(),
            Event::NoteBegun { on: false, .. } => "gave a begun note up".to_owned(),
            Event::DraftSaved { purpose, .. } => format!("saved a draft of the {}", purpose.title()),
            Event::DraftDropped { purpose, .. } => format!("dropped the draft of the {}", purpose.title()),
            Event::ReplyQueued { purpose, to, account, until, .. } => {
                format!("confirmed the {} to {to} as {account}, held until {}", purpose.title(), moment(until))
            }
            Event::ReplyRecalled { .. } => "took the held reply back".to_owned(),
            Event::ReplyAttempted { .. } => "began to send it".to_owned(),
            Event::ReplySent { post, .. } => format!("sent it: {post}"),
            Event::ReplyFailed { why, may_retry, .. } => {
                format!("could not send it: {why}{}", if *may_retry { "; it may be tried again" } else { "" })
            }
            Event::ReplyParked { why, .. } => format!("does not know whether it went out: {why}"),
            Event::ReplyDropped { .. } => "gave the reply up".to_owned(),
            Event::ReplyHandedOver { purpose, to, .. } => {
                format!("took the {} to {to} to the network's own page", purpose.title())
            }
            Event::ReplyDelivered { message, .. } => format!("sent the direct message {message}"),
            Event::CaseRead { .. }
            | Event::PostMatched { .. }
            | Event::PostEdited { .. }
            | Event::PostDeleted { .. }
            | Event::BodyErased { .. }
            | Event::DmReceived { .. }
            | Event::DmSent { .. }
            | Event::AuthorOptedOut { .. }
            | Event::AuthorOptOutLifted { .. }
            | Event::GapOpened { .. }
            | Event::GapClosed { .. }
            | Event::GapFilled { .. }
            | Event::Spent { .. }
            | Event::SpendLimitRaised { .. }
            | Event::UsageTold { .. }
            | Event::Unknown { .. } => return None,
        })
    }
}
