//! `H`, and the log in the case pane: who did what in a case, when and from which machine. Everything is told from the
//! log's own events, so a desk that has just started says the same as one that was there.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::clipboard::{self, TEXT_MOST};
use super::people::rule_event;
use super::{App, Effect, Mode};
use crate::model::words::{behind_colon, ended_as, moment};
use crate::model::{CaseId, Envelope, Event, PostId, Purpose, ReplyId, SessionId, clean};

/// A post that took longer to reach us was heard late.
const LATE: SignedDuration = SignedDuration::from_secs(60);
/// Who answered where nobody here did.
const ELSEWHERE: &str = "our account, elsewhere";

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
        let mut is_queued = false;
        let mut held = BTreeMap::new();
        let mut seen = self.seen_on_network(case).into_iter().peekable();
        for envelope in events.events.iter().filter(|envelope| envelope.event.case() == Some(case)) {
            while let Some(line) = seen.next_if(|line| line.at <= envelope.at) {
                lines.push((line, false));
            }
            let was_queued = std::mem::replace(&mut is_queued, matches!(envelope.event, Event::ReplyQueued { .. }));
            // A draft that was sent is not thrown away.
            if was_queued && matches!(envelope.event, Event::DraftDropped { .. }) {
                continue;
            }
            let did = self.queued_again(&mut held, envelope).or_else(|| self.did(envelope));
            let Some(did) = did else { continue };
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
        lines.extend(seen.map(|line| (line, false)));
        lines.into_iter().map(|(line, _)| line).collect()
    }

    /// What came from the network, in order: the customer's posts when they reached us, direct messages, and what was
    /// answered without this program. Of what was said in private only that it was said.
    fn seen_on_network(&self, case: CaseId) -> Vec<HistoryLine> {
        let desk = self.desk_of(case);
        let Some(case) = desk.cases.get(&case) else { return Vec::new() };
        let line = |at: Timestamp, who: &str, did: String| HistoryLine { at, who: who.to_owned(), did };
        let posts = case.posts.iter().filter_map(|post| desk.posts.get(post));
        let mut lines: Vec<_> = posts
            .map(|post| {
                let late = post.arrived.duration_since(post.at) > LATE;
                let when = if late { format!(" at {}, heard late", self.moment(post.at)) } else { String::new() };
                line(post.arrived, "the customer", format!("wrote a post{when}"))
            })
            .collect();
        lines.extend(case.messages.iter().filter(|message| message.rep.is_none()).map(|message| {
            let account = message.account.as_ref().map_or_else(String::new, |account| format!(" to {account}"));
            let (who, to) = if message.is_ours { (ELSEWHERE, String::new()) } else { ("the customer", account) };
            line(message.at, who, format!("wrote a direct message{to}"))
        }));
        lines.extend(case.answers().filter(|answer| answer.reply.is_none()).map(|answer| match &answer.rep {
            Some(rep) => line(answer.at, rep.as_str(), "posted their answer on the network's own page".to_owned()),
            None => line(answer.at, ELSEWHERE, "answered".to_owned()),
        }));
        lines.sort_by_key(|line| line.at);
        lines
    }

    /// `2026-11-21 14:31:20Z ana on desk-1: claimed it`
    pub fn history_words(&self, line: &HistoryLine) -> String {
        let at = moment(line.at, &self.setup.zone);
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

    fn moment(&self, at: Timestamp) -> String {
        at.to_zoned(self.setup.zone.clone()).strftime("%Y-%m-%d %H:%M:%S").to_string()
    }

    fn clock(&self, at: Timestamp) -> String {
        at.to_zoned(self.setup.zone.clone()).strftime("%H:%M:%S").to_string()
    }

    /// A post of theirs by its time, which stands beside its text in the pane.
    fn post_words(&self, post: &PostId) -> String {
        match self.desk.posts.get(post) {
            Some(view) => format!("their post of {}", self.moment(view.at)),
            None => "a post of theirs".to_owned(),
        }
    }

    fn answering(&self, purpose: Purpose, to: &PostId) -> String {
        if purpose.is_private() { String::new() } else { format!(" to {}", self.post_words(to)) }
    }

    /// `, held until 14:31:30`
    fn until_words(&self, envelope: &Envelope, until: Timestamp) -> String {
        if until > envelope.at { format!(", held until {}", self.clock(until)) } else { String::new() }
    }

    /// A reply that was confirmed before is queued once more, which nobody confirms a second time. `held`: for each
    /// reply the run of the program that has it, `None` once it failed.
    fn queued_again(&self, held: &mut BTreeMap<ReplyId, Option<SessionId>>, envelope: &Envelope) -> Option<String> {
        match &envelope.event {
            Event::ReplyFailed { reply, .. } => {
                held.insert(*reply, None);
                None
            }
            Event::ReplyQueued { reply, session, until, .. } => {
                let before = held.insert(*reply, Some(*session))?;
                let until = self.until_words(envelope, *until);
                Some(match before {
                    Some(before) if before != *session => {
                        format!("took the reply up again after the program had ended{until}")
                    }
                    Some(_) => format!("began the hold of the reply anew, as the clock was set back{until}"),
                    None => format!("queued the reply once more{until}"),
                })
            }
            _ => None,
        }
    }

    /// What an event did, in plain words; `None` for marks of reading, and for what is no deed in a case. Every kind
    /// is named: a new one does not build without its words.
    fn did(&self, envelope: &Envelope) -> Option<String> {
        let moment = |at: &Timestamp| self.moment(*at);
        let theirs = |post| self.post_words(post);
        Some(match &envelope.event {
            Event::CaseOpened { posted_at, .. } => {
                format!("took in the first post, written {}: the case is open", moment(posted_at))
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
            Event::CaseResolved { undone: true, .. } => "took the reopening back: it is resolved".to_owned(),
            Event::CaseResolved { cause, outcome, closing, .. } => {
                let how = ended_as(cause.as_deref(), outcome.as_deref());
                let how = ended_as(how.as_deref(), closing.then_some("closing"));
                format!("resolved it{}", behind_colon(how))
            }
            Event::CaseReopened { undone: true, .. } => "took the resolve back".to_owned(),
            Event::CaseReopened { undone: false, .. } => "reopened it".to_owned(),
            Event::CaseTurnedRound { post, on: true, .. } => {
                format!("saw the customer turned round by {}", theirs(post))
            }
            Event::CaseTurnedRound { post, on: false, .. } => {
                format!("took back that {} shows them turned round", theirs(post))
            }
            Event::NoteAdded { .. } => "wrote a note (team only)".to_owned(),
            Event::NoteBegun { on: true, .. } => "began a note (team only)".to_owned(),
            Event::NoteBegun { on: false, .. } => "gave a begun note up".to_owned(),
            Event::DraftSaved { purpose, .. } => format!("saved a draft of the {}", purpose.title()),
            Event::DraftDropped { purpose, .. } => format!("dropped the draft of the {}", purpose.title()),
            Event::ReplyQueued { purpose, to, account, until, .. } => {
                let us = self.account(account).map_or_else(|| account.to_string(), |us| format!("@{}", us.handle));
                let held = self.until_words(envelope, *until);
                format!("confirmed the {}{} as {us}{held}", purpose.title(), self.answering(*purpose, to))
            }
            Event::ReplyRecalled { .. } => "took the held reply back".to_owned(),
            Event::ReplyAttempted { .. } => "began to send it".to_owned(),
            Event::ReplySent { .. } => "sent it".to_owned(),
            Event::ReplyFailed { why, may_retry, .. } => {
                format!("could not send it: {why}{}", if *may_retry { "; it may be tried again" } else { "" })
            }
            Event::ReplyParked { why, .. } => format!("does not know whether it went out: {why}"),
            Event::ReplyDropped { .. } => "gave the reply up".to_owned(),
            Event::ReplyHandedOver { purpose, to, .. } => {
                format!("took the {}{} to the network's own page", purpose.title(), self.answering(*purpose, to))
            }
            Event::ReplyDelivered { .. } => "sent the direct message".to_owned(),
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
