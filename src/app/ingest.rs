//! What comes in: envelopes, links, and the store's answers.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::conversation::as_it_stood;
use super::reading::is_heard_in_time;
use super::{App, CaseEvents, Effect, FromStore, Mode};
use crate::desk::{PostState, PostView, Reply, fold};
use crate::model::event::Standing;
use crate::model::reply::{KEPT_AT_QUIT, without_wait};
use crate::model::words::are_same_words;
use crate::model::{
    Account, Body, CaseId, CaseStatus, ColumnName, Delivery, Envelope, Event, EventId, LinkReport, LinkState, PostId,
    ReplyId, clean,
};
use crate::model::{LoginReport, LoginState};

/// So many lines of the connection log are kept.
const LINK_LOG_KEPT: usize = 500;

impl App {
    pub(super) fn ingest(&mut self, envelopes: &[Arc<Envelope>], out: &mut Vec<Effect>) {
        let pushed = self.about_to_be_pushed_out(envelopes);
        for envelope in envelopes {
            let before = self.before(&envelope.event);
            let stood = self.stood(envelope);
            fold(&mut self.desk, envelope);
            self.count_text(envelope);
            self.follow_texts(envelope);
            if self.caught_up {
                self.tell_spending(stood);
            }
            self.after(envelope, &before, out);
            self.forget_told(&envelope.event);
            self.forget_texts(envelope, out);
            self.raise_repeated(envelope, out);
        }
        self.keep_pushed(pushed);
        self.requeue();
        self.refresh_opened();
        self.open_draft_after(out);
        self.prune();
        self.recheck();
        self.dirty |= !envelopes.is_empty();
    }

    pub(super) fn caught_up(&mut self, out: &mut Vec<Effect>) {
        self.caught_up = true;
        self.dirty = true;
        self.books.arrived.clear();
        self.read_concerns(out);
        self.learn_snoozes();
        self.raise_all_repeated(out);
        self.requeue();
        self.learn_overdue();
        self.tell_mistakes();
    }

    /// The oldest posts of each held column that a batch may push out of its window.
    fn about_to_be_pushed_out(&self, envelopes: &[Arc<Envelope>]) -> BTreeMap<usize, Vec<PostView>> {
        let mut coming: BTreeMap<usize, usize> = BTreeMap::new();
        for envelope in envelopes {
            if let Event::PostMatched { columns, .. } = &envelope.event {
                for (index, setup) in self.setup.columns.iter().enumerate() {
                    let view = &self.columns[index];
                    if (view.selected.is_some() || view.held) && columns.contains(&setup.name) {
                        *coming.entry(index).or_default() += 1;
                    }
                }
            }
        }
        coming.retain(|index, count| {
            let window =
                self.desk.columns.get(&self.setup.columns[*index].name).map_or(0, |column| column.window.len());
            window + *count > crate::desk::column::WINDOW
        });
        let oldest = |index: usize, count: usize| {
            let window = self.desk.columns.get(&self.setup.columns[index].name).into_iter();
            let posts = window.flat_map(|column| column.window.iter()).take(count);
            posts.filter_map(|(_, post)| self.desk.posts.get(post)).cloned().collect()
        };
        coming.into_iter().map(|(index, count)| (index, oldest(index, count))).collect()
    }

    fn keep_pushed(&mut self, pushed: BTreeMap<usize, Vec<PostView>>) {
        for (index, mut posts) in pushed {
            let window = self.desk.columns.get(&self.setup.columns[index].name).map(|column| &column.window);
            posts.retain(|post| window.is_none_or(|window| !window.contains(&(post.at, post.id.clone()))));
            if posts.is_empty() {
                continue;
            }
            Self::keep_pushed_out(&mut self.columns[index], posts);
            let lost = self.columns[index].selected.clone();
            if lost.is_some_and(|lost| !self.has_row(index, &lost)) {
                self.columns[index] =
                    super::ColumnView { shown: self.columns[index].shown, ..super::ColumnView::default() };
                self.warn(format!("column {} was held for too many posts and is live again", index + 1));
            }
        }
    }

    fn before(&self, event: &Event) -> Before {
        let case = match event {
            Event::PostMatched { author, conversation, standing, .. } if standing.makes_case() => {
                Some(CaseId::of(author, conversation))
            }
            Event::PostMatched { conversation, standing: Standing::Own, in_reply_to_author: Some(author), .. } => {
                Some(CaseId::of(author, conversation))
            }
            Event::DmReceived { author, .. } => self.desk.case_with(author),
            Event::DmSent { to, .. } => self.desk.case_with(to),
            Event::PostEdited { post } => self.desk.posts.get(post).and_then(|view| view.case),
            event => event.case(),
        };
        let known = case.and_then(|case| self.desk.cases.get(&case));
        let fresh_in = match event {
            Event::PostMatched { post, columns, posted_at, .. } => {
                let row = (*posted_at, post.clone());
                let has = |name| self.desk.columns.get(name).is_some_and(|column| column.window.contains(&row));
                let setups = self.setup.columns.iter().enumerate();
                setups
                    .filter(|(_, setup)| columns.contains(&setup.name) && !has(&setup.name))
                    .map(|(at, _)| at)
                    .collect()
            }
            _ => Vec::new(),
        };
        Before {
            case,
            was_told: known.is_some_and(|case| case.told_overdue.is_some()),
            mine: known.is_some_and(|case| case.owner.as_ref() == Some(&self.setup.me)),
            status: known.map(|case| case.status),
            last_answer: known.and_then(|case| case.last_answer.clone()).map(|answer| answer.post),
            handed_over: known.and_then(|case| case.handed_over.clone()),
            fresh_in,
        }
    }

    fn after(&mut self, envelope: &Arc<Envelope>, before: &Before, out: &mut Vec<Effect>) {
        self.count_arrival(&envelope.event, before);
        self.settle_pending(envelope);
        match &envelope.event {
            Event::CaseSnoozed { case, until } => {
                self.books.snoozes.insert((*until, *case));
                self.books.reps_seen.insert(envelope.rep.clone());
            }
            Event::CaseClaimed { .. } | Event::CaseResolved { .. } | Event::DraftSaved { .. } => {
                self.books.reps_seen.insert(envelope.rep.clone());
            }
            _ => {}
        }
        if let Event::CaseRead { case, upto } = &envelope.event
            && envelope.rep == self.setup.me
        {
            self.read_is_kept(*case, *upto);
        }
        self.follow_replies(envelope, out);
        let returned = self.returned(envelope);
        if let Some((reply, case)) = returned {
            self.conclude(reply, case, envelope, out);
        }
        if let Some(events) = &mut self.case_events
            && before.case == Some(events.case)
            && events.events.last().is_none_or(|last| last.seq < envelope.seq)
        {
            events.events.push(Arc::clone(envelope));
        }
        if let (Event::CaseOverdue { case, .. }, true) = (&envelope.event, self.caught_up && !before.was_told) {
            self.books.overdue.told.insert(*case);
        }
        if self.caught_up {
            self.tell(envelope, before, returned.is_some(), out);
        }
    }

    /// The case made for a quote has come back from the log: the draft that was asked for begins.
    fn open_draft_after(&mut self, out: &mut Vec<Effect>) {
        let is_here = |(post, _): &mut (PostView, crate::model::Purpose)| self.desk.case_of(&post.id).is_some();
        if let Some((post, purpose)) = self.books.draft_after.take_if(is_here)
            && matches!(self.mode, Mode::Columns | Mode::Case { .. })
        {
            let post = self.desk.posts.get(&post.id).cloned().unwrap_or(post);
            self.draft_for(post, purpose, None, out);
        }
    }

    /// The reply under way that came back on the stream as this post of ours, before its answer did.
    fn returned(&self, envelope: &Envelope) -> Option<(ReplyId, CaseId)> {
        let Event::PostMatched { author, standing: Standing::Own, in_reply_to: Some(to), .. } = &envelope.event else {
            return None;
        };
        let Some(Body::Post(post)) = &envelope.body else { return None };
        let answers = |reply: &Reply| {
            let asked = self.desk.posts.get(&reply.to).and_then(|asked| asked.body.as_ref());
            reply.to == *to || asked.and_then(|asked| asked.version.as_deref()).is_some_and(|id| id == to.native())
        };
        let found = self.desk.unfinished_replies().find(|reply| {
            reply.delivery == Delivery::Sending
                && answers(reply)
                && self.account(&reply.account).is_some_and(|account| account.id.as_ref() == Some(author))
                && reply.text.as_deref().is_some_and(|text| are_same_words(&clean::text(text), &post.text))
        });
        found.map(|reply| (reply.id, reply.case))
    }

    /// A reply that is seen in public is sent, whatever became of the network's answer. The run that sends it says so.
    fn conclude(&mut self, reply: ReplyId, case: CaseId, envelope: &Envelope, out: &mut Vec<Effect>) {
        let Event::PostMatched { post, .. } = &envelope.event else { return };
        let ours = self
            .desk
            .replies
            .get(&reply)
            .is_some_and(|reply| reply.session == self.setup.session && reply.rep == self.setup.me);
        if ours {
            // Seen twice it is written once.
            let id = EventId::of("reply-sent", &[&reply.to_string(), &post.to_string()]);
            self.append_as(id, Event::ReplySent { reply, case, post: post.clone() }, None, out);
        }
    }

    fn count_arrival(&mut self, event: &Event, before: &Before) {
        let Event::PostMatched { posted_at, .. } = event else { return };
        for index in &before.fresh_in {
            let selected = self.columns[*index].selected.clone();
            let selected_at = selected.and_then(|selected| {
                let older = self.columns[*index].older.iter().find(|post| post.id == selected);
                self.desk.posts.get(&selected).or(older).map(|post| post.at)
            });
            let view = &mut self.columns[*index];
            view.last_post = Some(self.now);
            let anchored = view.is_anchored();
            if anchored && selected_at.is_none_or(|at| *posted_at >= at) {
                view.new += 1;
            }
            if *index != self.focus && self.caught_up {
                *self.books.arrived.entry(*index).or_default() += 1;
            }
        }
    }

    fn settle_pending(&mut self, envelope: &Envelope) {
        let mut done = Vec::new();
        for (token, waiting) in &mut self.books.under_way {
            waiting.remove(&envelope.id);
            if waiting.is_empty() {
                done.push(*token);
            }
        }
        for token in done {
            self.forget_pending(token);
        }
    }

    /// Keeps the marks on replies in step with what the log says of them.
    fn follow_replies(&mut self, envelope: &Envelope, out: &mut Vec<Effect>) {
        let mine = envelope.rep == self.setup.me;
        match &envelope.event {
            // The reading back knew less than the stream, on which the reply was seen.
            Event::ReplyFailed { reply, .. } | Event::ReplyParked { reply, .. } if self.is_sent(*reply) => {}
            Event::ReplyQueued { reply, .. } => {
                // The network's limit outlives the attempt it was told at.
                self.books.told_to_send.remove(reply);
            }
            // Sent, or thrown away elsewhere: an older text that waits for the store must not bring it back.
            Event::DraftDropped { rep, .. } if rep.as_ref().unwrap_or(&envelope.rep) == &self.setup.me => {
                self.give_up_waiting(&envelope.event);
            }
            Event::ReplyRecalled { reply, .. } => {
                self.books.not_begun.remove(reply);
                self.books.recalled.remove(reply);
                self.books.queued.retain(|queued| queued.reply != *reply);
            }
            Event::ReplyAttempted { reply, session, .. } => {
                let is_told = self.books.told_to_send.contains(reply);
                if self.books.not_begun.remove(reply) && *session == self.setup.session && !is_told {
                    out.push(Effect::ReadBack { reply: *reply });
                }
            }
            Event::ReplySent { reply, case, .. } | Event::ReplyDelivered { reply, case, .. } => {
                let asked = self.books.queued.iter().any(|queued| queued.reply == *reply);
                self.end_reply(*reply);
                if mine && asked && self.caught_up {
                    self.info(format!("sent, in {}", self.case_words(*case)));
                }
            }
            Event::ReplyFailed { reply, case, why, .. } => {
                let waits = self.send_waits.get(reply).copied().filter(|until| *until > self.now);
                self.end_reply(*reply);
                let why = match waits {
                    Some(until) => {
                        self.send_waits.insert(*reply, until);
                        format!("{}; free again at {}", without_wait(why), self.hours(until))
                    }
                    None => why.clone(),
                };
                if mine && self.caught_up && why != KEPT_AT_QUIT {
                    self.error(format!("not sent in {}: {why}. U shows it", self.case_words(*case)));
                    self.ring(out);
                }
            }
            Event::ReplyParked { reply, case, why } => {
                self.end_reply(*reply);
                if mine && self.caught_up {
                    let case = self.case_words(*case);
                    self.error(format!("nobody knows whether the reply in {case} went out: {why}. U shows it"));
                    self.ring(out);
                }
            }
            Event::ReplyDropped { reply, .. } => {
                self.books.recalled.remove(reply);
                self.end_reply(*reply);
            }
            _ => {}
        }
    }

    fn is_sent(&self, reply: ReplyId) -> bool {
        self.desk.replies.get(&reply).is_some_and(Reply::is_finished)
    }

    fn end_reply(&mut self, reply: ReplyId) {
        self.books.told_to_send.remove(&reply);
        self.books.not_begun.remove(&reply);
        self.send_waits.remove(&reply);
        self.books.queued.retain(|queued| queued.reply != reply);
    }

    pub(super) fn ring(&self, out: &mut Vec<Effect>) {
        if self.setup.bell && !out.contains(&Effect::Bell) {
            out.push(Effect::Bell);
        }
    }

    /// Tells the rep what others did to their cases, and what became of a reply they posted by hand.
    fn tell(&mut self, envelope: &Envelope, before: &Before, is_under_way: bool, out: &mut Vec<Effect>) {
        if let (Event::DmReceived { .. }, None) = (&envelope.event, before.case) {
            self.tell_message_without_case(envelope);
        }
        self.offer_happy_post(envelope);
        let Some(case_id) = before.case else { return };
        let drafting = self.draft_case() == Some(case_id);
        let is_assigned = matches!(envelope.event, Event::CaseAssigned { .. });
        // Most of what comes in is nobody's yet.
        if !(before.mine || drafting || is_assigned || before.handed_over.is_some()) {
            return;
        }
        let Some(case) = self.desk.cases.get(&case_id).cloned() else { return };
        let words = self.case_words(case_id);
        if let Event::CaseAssigned { to, .. } = &envelope.event
            && *to == self.setup.me
            && envelope.rep != self.setup.me
        {
            self.warn(format!("{} handed {words} to you", envelope.rep));
            self.ring(out);
            return;
        }
        if envelope.rep != self.setup.me && (before.mine || drafting) {
            let did = match &envelope.event {
                // The attempt and the queueing were told already.
                Event::ReplyAttempted { .. } => None,
                event => self.told(event),
            };
            if let Some(did) = did {
                self.warn(format!("{} {did}", envelope.rep));
            }
        }
        if let Event::PostEdited { .. } = &envelope.event
            && (before.mine || drafting)
            && case.edited_since == Some(envelope.at)
        {
            self.warn(format!("{words}: the customer changed their post after our answer; read it again"));
        }
        if let Event::DmReceived { message, .. } = &envelope.event
            && (before.mine || drafting)
            && case.messages.last().is_some_and(|last| last.id == *message)
        {
            self.info(format!("{words}: the customer wrote a direct message"));
        }
        if let Event::PostMatched { standing, .. } = &envelope.event {
            let answered_anew =
                case.last_answer.as_ref().is_some_and(|answer| Some(&answer.post) != before.last_answer.as_ref());
            if *standing == Standing::Own && answered_anew && !is_under_way {
                match &before.handed_over {
                    Some(handed) if case.handed_over.is_none() && handed.rep == self.setup.me => {
                        self.info(format!("your reply is public: {words} is acknowledged"));
                        let purpose = handed.purpose;
                        let me = self.setup.me.clone();
                        if case.draft_of(purpose, &me).is_some() && !drafting {
                            let dropped = Event::DraftDropped { case: case_id, purpose, rep: Some(me) };
                            self.append(vec![(dropped, None)], None, None, out);
                        }
                    }
                    _ if before.mine || drafting => {
                        self.warn(format!("{words} was answered from our account elsewhere"));
                    }
                    _ => {}
                }
            }
            let back =
                matches!(case.status, CaseStatus::Waiting | CaseStatus::New) && before.status != Some(case.status);
            let is_held = || {
                let mut held = self.held().into_iter();
                held.any(|(reply, _)| reply.case == case_id && !reply.purpose.is_private())
            };
            if standing.makes_case() && is_held() {
                self.warn(format!("{words}: they wrote again while your reply is held; u takes it back"));
            } else if standing.makes_case() && before.mine && back {
                self.info(format!("{words}: the customer wrote again"));
            }
        }
    }

    /// A message that joins no case is in the store and nowhere on the deck but here.
    fn tell_message_without_case(&mut self, envelope: &Envelope) {
        let Some(Body::Message(message)) = &envelope.body else { return };
        let account = match &envelope.event {
            Event::DmReceived { account, .. } => Some(account),
            _ => None,
        };
        if !self.may_read_messages(account, message.id.network()) {
            return;
        }
        let who = if message.handle.is_empty() { "somebody".to_owned() } else { format!("@{}", message.handle) };
        self.warn(format!(
            "a direct message from {who}, who has no case here: read it with / or on the network's page"
        ));
    }

    /// Clamps what points into lists that may have become shorter.
    fn prune(&mut self) {
        let (outbox, drafts) = match self.mode {
            Mode::Outbox { .. } => (self.outbox().len(), 0),
            Mode::Drafts { .. } => (0, self.drafts().len()),
            _ => return,
        };
        match &mut self.mode {
            Mode::Outbox { selected } => *selected = (*selected).min(outbox.saturating_sub(1)),
            Mode::Drafts { selected } => *selected = (*selected).min(drafts.saturating_sub(1)),
            _ => {}
        }
    }

    pub(super) fn link(&mut self, report: LinkReport) {
        let known = self.links.get(&report.account);
        let changed = known.is_none_or(|known| known.state != report.state);
        // A report that only tells of the time says the same once more.
        let says_anew = changed || known.is_none_or(|known| known.note != report.note);
        let line = match (&report.note, changed) {
            (Some(note), _) => says_anew.then(|| note.clone()),
            (None, true) => Some(match &report.state {
                LinkState::BackingOff { why, .. } => format!("backing off: {why}"),
                LinkState::Paused { why, .. } => format!("paused: {why}"),
                LinkState::Ended { what } => what.clone(),
                LinkState::Down { why, remedy } => format!("down: {why}. {remedy}"),
                state => state.word().to_owned(),
            }),
            (None, false) => None,
        };
        // A link that tries again and again with the same result says why once.
        let told = self.books.ills.entry(report.account.clone()).or_default();
        if report.state == LinkState::Live {
            told.clear();
        }
        let is_first = line.as_ref().is_some_and(|line| told.insert(line.clone()));
        if let Some(line) = line {
            self.link_log.push_back((self.now, report.account.clone(), line));
            if self.link_log.len() > LINK_LOG_KEPT {
                self.link_log.pop_front();
            }
            self.dirty = true;
        }
        if changed && report.state == LinkState::Live {
            let (down, trouble) = (format!("{} is down: ", report.account), format!("{}: ", report.account));
            self.unsay(|text| text.starts_with(&down) || text.starts_with(&trouble));
        }
        match (&report.state, &report.note) {
            (LinkState::Down { why, remedy }, _) if changed => {
                self.error(format!("{} is down: {why}. {remedy}", report.account));
            }
            // It may tell of lines that were passed over: to be read before it goes.
            (LinkState::Ended { what }, _) if changed => self.warn(what.clone()),
            (LinkState::BackingOff { why, .. }, _) if is_first => self.warn(format!("{}: {why}", report.account)),
            (LinkState::Live, Some(note)) if says_anew && report.is_calm => self.info(note.clone()),
            // A link that lives and still has something to say: a column's rule was refused, lines were passed over.
            (LinkState::Live, Some(note)) if says_anew => self.warn(note.clone()),
            _ => {}
        }
        let aged = self.shown_age(self.links.get(&report.account)) != self.shown_age(Some(&report));
        let refused = known_refused(self.links.get(&report.account)) != known_refused(Some(&report));
        self.dirty |= changed || aged || refused;
        self.links.insert(report.account.clone(), report);
    }

    /// A link's age as it is shown: to the second, after a minute to the minute; in the foot not at all while it is heard
    /// in time, and never where nothing more comes.
    pub(super) fn shown_age(&self, report: Option<&LinkReport>) -> i64 {
        let Some((report, last)) = report.and_then(|report| Some((report, report.last_byte?))) else { return -1 };
        let is_in_foot = !matches!(self.mode, Mode::Links { .. });
        if is_in_foot && (is_heard_in_time(report, self.now) || matches!(report.state, LinkState::Ended { .. })) {
            return 0;
        }
        let age = self.now.duration_since(last).as_secs().max(0);
        if age >= 60 { age / 60 * 60 } else { age }
    }

    /// What the network told of an account of ours; how it writes, and for whom, stays as the config says.
    pub(super) fn reached(&mut self, told: Account) {
        let Some(known) = self.setup.accounts.iter_mut().find(|account| account.name == told.name) else { return };
        known.id = known.id.take().or(told.id);
        known.limits = told.limits.or(known.limits);
        self.dirty = true;
    }

    /// Told once when it changes; what is wrong stays in the head of the screen.
    pub(super) fn login(&mut self, LoginReport { account, state }: LoginReport) {
        let known = self.logins.insert(account.clone(), state.clone());
        let line = match (&state, known) {
            (LoginState::In { .. }, None | Some(LoginState::In { .. })) => return,
            (LoginState::In { .. }, Some(_)) => {
                self.info(format!("{account} is logged in again"));
                format!("{account} is logged in again")
            }
            (LoginState::Doubtful { until, remedy }, _) => {
                let line = format!(
                    "{account}: the answer to the renewal of its login was lost; it may end at {until:.0}: {remedy}"
                );
                self.warn(line.clone());
                line
            }
            (LoginState::Out { why, remedy }, _) => {
                let line = format!("{account} is logged out, nothing can be sent as it ({why}): {remedy}");
                self.error(line.clone());
                line
            }
        };
        self.link_log.push_back((self.now, account, line));
        if self.link_log.len() > LINK_LOG_KEPT {
            self.link_log.pop_front();
        }
        self.dirty = true;
    }

    pub(super) fn store_answered(&mut self, answer: FromStore, out: &mut Vec<Effect>) {
        self.dirty = true;
        match answer {
            FromStore::Bodies { asked, found } => {
                self.texts_came(&asked, found);
                self.open_awaited_draft(&asked, out);
                self.adopt_read(out);
            }
            FromStore::Older { column, posts } => {
                let posts = posts.iter().filter_map(|envelope| post_view(envelope)).collect();
                self.older(column, posts);
            }
            FromStore::Found { words, found } => self.found(&words, found),
            FromStore::TextOf { text, found } => self.found_case_of(&text, found, out),
            FromStore::Person(record) => self.person_read(&record),
            FromStore::Caught(caught) => self.caught(caught),
            FromStore::Case { case, mut events, beside } => {
                if self.books.asked_case != Some(case) {
                    return;
                }
                self.books.asked_case = None;
                events.sort_by_key(|envelope| envelope.seq);
                let is_held = self.desk.cases.contains_key(&case);
                let past = (!is_held && !beside.is_empty()).then(|| Box::new(as_it_stood(&events, beside)));
                self.case_events = Some(CaseEvents { case, events, past });
            }
        }
    }
}

/// What was known of a case before an event.
struct Before {
    case: Option<CaseId>,
    /// That it is overdue.
    was_told: bool,
    mine: bool,
    status: Option<CaseStatus>,
    last_answer: Option<PostId>,
    handed_over: Option<Box<crate::desk::case::HandOver>>,
    /// Columns in which the post is new.
    fresh_in: Vec<usize>,
}

fn known_refused(report: Option<&LinkReport>) -> &[(ColumnName, String)] {
    report.map_or(&[], |report| report.refused.as_slice())
}

/// A post read from the store, whose edits the desk has not folded.
pub(super) fn post_view(envelope: &Envelope) -> Option<PostView> {
    let mut view = PostView::of(envelope)?;
    if view.body.as_ref().is_some_and(|post| post.is_edited) {
        view.state = PostState::Edited;
    }
    Some(view)
}
