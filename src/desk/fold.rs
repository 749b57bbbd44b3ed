//! Folding: what each event does to the desk. Total and deterministic; what it does not understand or knows
//! nothing of it passes over.

use std::sync::Arc;

use crate::model::event::{EVENT_VERSION, Standing};
use crate::model::{Body, BodyId, CaseId, Envelope, Event, NetworkKind, PostId, RepName};

use super::answer::Answer;
use super::author::OptOut;
use super::case::{CaseDraft, CaseNote, HandOver, Resolution, TAGS_KEPT};
use super::column::{PostState, PostView};
use super::message::CaseMessage;
use super::{Case, Desk};

/// Takes one envelope in. Envelopes come in the order of the log; one that was folded before changes nothing.
pub fn fold(desk: &mut Desk, envelope: &Envelope) {
    if envelope.seq <= desk.seq {
        return;
    }
    if desk.index.of == desk.seq {
        desk.index.of = envelope.seq;
    }
    desk.seq = envelope.seq;
    desk.counters.events += 1;
    if envelope.version > EVENT_VERSION {
        // A later version may have changed what the event means: half-understanding it would be worse.
        desk.counters.unknown += 1;
        return;
    }
    match &envelope.event {
        Event::PostMatched { .. } => desk.post_matched(envelope),
        Event::PostEdited { post } => desk.post_edited(post, envelope),
        Event::PostDeleted { post } => {
            if let Some(view) = desk.posts.get_mut(post) {
                view.state = PostState::Deleted;
                view.body = None;
            }
        }
        Event::BodyErased { body } => desk.body_erased(body),

        Event::CaseOpened { case, author, conversation, post, posted_at } => {
            desk.open_case(*case, author, conversation, *posted_at, envelope.seq);
            // The post came first as a rule and has joined already.
            // One that a rep opened from a quote takes the quote in.
            let joins = |view: &PostView| view.case == Some(*case) || view.standing == Standing::Quote;
            if desk.posts.get(post).is_some_and(joins) {
                desk.join_case(*case, post);
            }
        }
        Event::CaseClaimed { case } => desk.change_case(*case, |case| {
            case.owner = Some(envelope.rep.clone());
            case.claimed_at = Some(envelope.at);
        }),
        Event::CaseReleased { case } => desk.change_case(*case, |case| {
            case.owner = None;
            case.claimed_at = None;
        }),
        Event::CaseAssigned { case, to } => desk.change_case(*case, |case| {
            case.owner = Some(to.clone());
            case.claimed_at = Some(envelope.at);
        }),
        Event::CaseTagged { case, tag, on } => desk.change_case(*case, |case| {
            if !on {
                case.tags.remove(tag);
            } else if case.tags.len() < TAGS_KEPT {
                case.tags.insert(tag.clone());
            }
        }),
        Event::CasePrioritised { case, high } => desk.change_case(*case, |case| case.is_urgent = *high),
        Event::CaseSnoozed { case, until } => desk.change_case(*case, |case| case.put_off(envelope.at, *until)),
        Event::CaseWoken { case } => desk.change_case(*case, |case| case.put_back(envelope.at)),
        Event::CaseOverdue { case, since } => desk.change_case(*case, |case| {
            // It may have been answered on its way here.
            case.told_overdue = case.waiting_since.is_some().then_some(*since);
        }),
        Event::CaseResolved { case, cause, outcome, closing, undone, .. } => {
            let resolution = Resolution {
                at: envelope.at,
                rep: envelope.rep.clone(),
                cause: cause.clone(),
                outcome: outcome.clone(),
                closing: *closing,
            };
            desk.case_resolved(*case, resolution, *undone);
        }
        Event::CaseReopened { case, undone } => desk.case_reopened(*case, *undone, envelope.at),
        Event::CaseTurnedRound { case, post, on } => desk.case_turned_round(*case, post, *on),
        Event::CaseRead { case, upto } => desk.change_case(*case, |case| case.read_by(&envelope.rep, *upto)),
        Event::NoteAdded { case, .. } => {
            desk.change_case(*case, |case| {
                case.notes = case.notes.saturating_add(1);
                case.begun_notes.remove(&envelope.rep);
            });
        }
        Event::NoteBegun { case, rep, on: false } => desk.change_case(*case, |case| {
            case.begun_notes.remove(rep);
        }),
        Event::NoteBegun { case, rep, on: true } => desk.change_case(*case, |case| {
            let note = match &envelope.body {
                Some(Body::BegunNote(note)) => Some(note.clone()),
                _ => None,
            };
            case.begun_notes.insert(rep.clone(), CaseNote { saved: envelope.at, note });
        }),

        Event::DraftSaved { case, purpose, rep, to } => desk.change_case(*case, |case| {
            let draft = match &envelope.body {
                Some(Body::Draft(draft)) => Some(draft.clone()),
                _ => None,
            };
            case.draft_saved(CaseDraft {
                purpose: *purpose,
                rep: rep.as_ref().unwrap_or(&envelope.rep).clone(),
                is_shared: rep.is_none(),
                saved: envelope.at,
                to: to.clone(),
                draft,
            });
        }),
        Event::DraftDropped { case, purpose, rep } => desk.change_case(*case, |case| {
            case.draft_dropped(*purpose, rep.as_ref(), &envelope.rep);
        }),
        Event::ReplyQueued { .. } => desk.reply_queued(envelope),
        Event::ReplyRecalled { reply, .. } => desk.reply_recalled(*reply),
        Event::ReplyAttempted { reply, session, .. } => desk.reply_attempted(*reply, *session, envelope.at),
        Event::ReplySent { reply, case, post } => desk.reply_sent(*reply, *case, post, envelope),
        Event::ReplyFailed { reply, why, may_retry, .. } => desk.reply_failed(*reply, why, *may_retry),
        Event::ReplyParked { reply, why, .. } => desk.reply_parked(*reply, why),
        Event::ReplyDropped { reply, .. } => desk.reply_dropped(*reply),
        Event::ReplyHandedOver { reply, case, to, purpose, account } => {
            // A reply that failed here and is taken to the network's own page has left the outbox.
            desk.reply_dropped(*reply);
            desk.change_case(*case, |case| {
                case.handed_over = Some(Box::new(HandOver {
                    reply: *reply,
                    to: to.clone(),
                    purpose: *purpose,
                    account: account.clone(),
                    rep: envelope.rep.clone(),
                    at: envelope.at,
                }));
            });
        }

        Event::ReplyDelivered { reply, case, message } => desk.reply_delivered(*reply, *case, message, envelope),
        Event::DmReceived { message, author, sent_at, .. } => {
            desk.message_seen(author, CaseMessage::seen(message, false, *sent_at, envelope));
        }
        Event::DmSent { message, to, sent_at, .. } => {
            desk.message_seen(to, CaseMessage::seen(message, true, *sent_at, envelope));
        }
        Event::AuthorOptedOut { author, post } => {
            let opt_out = OptOut { at: envelope.at, rep: envelope.rep.clone(), post: post.clone() };
            // Who said so first stays known.
            desk.opted_out.entry(author.clone()).or_insert(opt_out);
        }
        Event::AuthorOptOutLifted { author } => {
            desk.opted_out.remove(author);
        }

        Event::GapOpened { gap, columns, from, account } => desk.gap_opened(*gap, columns, *from, account.as_ref()),
        Event::GapClosed { gap, to } => desk.gap_closed(*gap, *to),
        Event::GapFilled { gap, fill } => desk.gap_filled(*gap, fill),

        Event::Spent { .. } | Event::SpendLimitRaised { .. } | Event::UsageTold { .. } => {
            desk.spending.take(&envelope.event);
        }

        Event::Unknown { .. } => desk.counters.unknown += 1,
    }
    if envelope.event.contends()
        && let Some(case) = envelope.event.case().and_then(|case| desk.cases.get_mut(&case))
    {
        case.contended = envelope.seq;
    }
    // Last, so that the place is written before a case that nothing holds any more goes.
    if let Some(case) = envelope.event.case() {
        desk.release_case(case);
    }
}

impl Desk {
    /// A post new to the desk, or one that a further column asked for.
    fn post_matched(&mut self, envelope: &Envelope) {
        let Some(mut view) = PostView::of(envelope) else { return };
        view.columns = self.shared(view.columns);
        let (post, columns) = (view.id.clone(), view.columns.clone());
        if let Some(known) = self.posts.get_mut(&post) {
            if known.lacks_text() {
                known.body = view.body;
            }
            for column in &columns {
                let case = self.posts.get(&post).and_then(|known| known.case);
                let is_further = self.recount(case, |desk| {
                    desk.posts.get_mut(&post).is_some_and(|known| known.columns.insert(column.clone()))
                });
                if is_further {
                    self.column(column).matched += 1;
                    self.show(column, &post);
                }
            }
        } else {
            self.counters.posts += 1;
            let (at, standing, case) = (view.at, view.standing, view.case);
            let (author, conversation) = (view.author.clone(), view.conversation.clone());
            self.posts.insert(post.clone(), view);
            for column in &columns {
                self.column(column).matched += 1;
            }
            if let Some(case) = case {
                self.open_case(case, &author, &conversation, at, envelope.seq);
                self.join_case(case, &post);
            }
            if standing == Standing::Own {
                self.own_post(&post);
            }
            for column in &columns {
                self.show(column, &post);
            }
            self.follow_handle(&post);
        }
        self.release_post(&post);
    }

    /// One of our accounts answered somebody, from here or elsewhere.
    fn own_post(&mut self, id: &PostId) {
        let Some(view) = self.posts.get(id) else { return };
        let answered = view.in_reply_to.as_ref().and_then(|to| self.posts.get(to));
        let Some(to_author) = view.in_reply_to_author.as_ref().or(answered.map(|post| &post.author)) else { return };
        let case = CaseId::of(to_author, &view.conversation);
        // An answer comes after what it answers, whatever the clocks say: a post dated in the future can be
        // answered today.
        let at = answered.map_or(view.at, |post| post.at.max(view.at));
        let answer = Answer { at, post: id.clone(), rep: None, purpose: None, reply: None };
        if self.cases.contains_key(&case) {
            self.answer_case(case, answer);
        } else {
            self.keep_early_answer(case, answer);
        }
    }

    fn post_edited(&mut self, post: &PostId, envelope: &Envelope) {
        let Some(view) = self.posts.get_mut(post) else { return };
        if view.state == PostState::Deleted {
            return;
        }
        if let Some(Body::Post(body)) = &envelope.body {
            // A quoted text that was taken out is no edit of its author's.
            let has_other_words = view.body.as_ref().is_none_or(|known| known.text != body.text);
            view.body = Some(Arc::new((**body).clone()));
            if body.is_edited || has_other_words {
                view.state = PostState::Edited;
                let (case, at) = (view.case, envelope.at);
                if let Some(case) = case.and_then(|case| self.cases.get_mut(&case))
                    && case.last_said().is_some()
                {
                    case.edited_since = Some(at);
                }
            }
            self.follow_handle(post);
        } else {
            view.body = None;
            view.state = PostState::Erased;
        }
    }

    fn body_erased(&mut self, body: &BodyId) {
        let Some((kind, name)) = body.as_str().split_once('/') else { return };
        match kind {
            "post" => {
                let id = NetworkKind::ALL.into_iter().find_map(|network| {
                    let native = name.strip_prefix(network.prefix())?.strip_prefix(':')?;
                    Some(PostId::new(network, native))
                });
                if let Some(view) = id.and_then(|id| self.posts.get_mut(&id)) {
                    view.body = None;
                    if view.state != PostState::Deleted {
                        view.state = PostState::Erased;
                    }
                }
            }
            "draft" => {
                let case = name.split_once('/').and_then(|(case, _)| uuid::Uuid::parse_str(case).ok()).map(CaseId);
                let Some(case) = case.and_then(|case| self.cases.get_mut(&case)) else { return };
                let of = case.id;
                if let Some(draft) = case.drafts.iter_mut().find(|draft| draft.body_id(of) == *body) {
                    draft.draft = None;
                }
            }
            "note-begun" => {
                let Some((case, rep)) = name.split_once('/') else { return };
                let case = uuid::Uuid::parse_str(case).ok().and_then(|case| self.cases.get_mut(&CaseId(case)));
                if let Some(note) = case.and_then(|case| case.begun_notes.get_mut(&RepName::new(rep))) {
                    note.note = None;
                }
            }
            "reply" => {
                let Ok(reply) = uuid::Uuid::parse_str(name) else { return };
                if let Some(reply) = self.replies.get_mut(&crate::model::ReplyId(reply)) {
                    reply.text = None;
                }
            }
            "message" => self.message_erased(name),
            // The words of a note are never held here.
            _ => {}
        }
    }

    /// Changes a case if it is held here.
    pub(super) fn change_case(&mut self, id: CaseId, change: impl FnOnce(&mut Case)) {
        self.recount(Some(id), |desk| {
            if let Some(case) = desk.cases.get_mut(&id) {
                change(case);
            }
        });
    }
}
