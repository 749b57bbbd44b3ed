//! The fold and the questions asked of the desk.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::author::{CONTACTS_KEPT, Contact};
use super::case::{Answer, HandOver, Resolution};
use super::column::{PostState, WINDOW};
use super::outbox::FINISHED_KEPT;
use super::{Case, CaseDraft, Desk, Gap, PostView, Reply};
use crate::model::event::Standing;
use crate::model::{
    AuthorId, Body, BodyId, CaseId, CaseStatus, ColumnName, Delivery, Envelope, Event, PostId, ReplyId,
};

impl Desk {
    pub fn post(&self, post: &PostId) -> Option<&PostView> {
        self.posts.get(post)
    }

    pub fn case_of(&self, post: &PostId) -> Option<&Case> {
        let view = self.posts.get(post)?;
        self.cases.get(&view.case.unwrap_or_else(|| CaseId::of(&view.author, &view.conversation)))
    }

    /// Newest first.
    pub fn newest(&self, column: &ColumnName) -> impl DoubleEndedIterator<Item = &PostView> {
        self.columns
            .get(column)
            .into_iter()
            .flat_map(|column| column.window.iter().rev())
            .filter_map(|(_, post)| self.posts.get(post))
    }

    fn waits(&self, view: &PostView) -> bool {
        self.case_of(&view.id).is_some_and(|case| case.waiting_since.is_some() && case.status != CaseStatus::Resolved)
    }

    /// Cases of the column that wait for an answer.
    pub fn unanswered(&self, column: &ColumnName) -> usize {
        let cases = self.newest(column).filter(|view| self.waits(view)).filter_map(|view| self.case_of(&view.id));
        cases.map(|case| case.id).collect::<std::collections::BTreeSet<_>>().len()
    }

    /// The newest post of each unanswered case stands for it; forward is down the screen, towards older posts.
    pub fn next_unanswered(&self, column: &ColumnName, from: Option<&PostId>, forward: bool) -> Option<PostId> {
        let mut seen = std::collections::BTreeSet::new();
        let mut stops: Vec<(Timestamp, PostId, CaseId)> = Vec::new();
        for view in self.newest(column).filter(|view| self.waits(view)) {
            let Some(case) = self.case_of(&view.id) else { continue };
            if seen.insert(case.id) {
                stops.push((view.at, view.id.clone(), case.id));
            }
        }
        let here = from.and_then(|post| self.posts.get(post));
        let Some(here) = here else {
            return if forward { stops.first() } else { stops.last() }.map(|(_, post, _)| post.clone());
        };
        let key = (here.at, here.id.clone());
        let case = self.case_of(&here.id).map(|case| case.id);
        let other = |stop: &&(Timestamp, PostId, CaseId)| Some(stop.2) != case;
        let found = if forward {
            stops.iter().filter(other).find(|(at, post, _)| (*at, post.clone()) < key)
        } else {
            stops.iter().filter(other).rfind(|(at, post, _)| (*at, post.clone()) > key)
        };
        found.map(|(_, post, _)| post.clone())
    }

    pub fn most_overdue(&self, now: Timestamp, target: &dyn Fn(&Case) -> SignedDuration) -> Option<CaseId> {
        let waiting = self.cases.values().filter(|case| case.status != CaseStatus::Resolved);
        let past = waiting.filter_map(|case| {
            let over = now.duration_since(case.waiting_since?) - target(case);
            Some((over, std::cmp::Reverse(case.number), case.id))
        });
        past.max().map(|(_, _, case)| case)
    }

    pub fn overdue(&self, now: Timestamp, target: &dyn Fn(&Case) -> SignedDuration) -> usize {
        let waiting = self.cases.values().filter(|case| case.status != CaseStatus::Resolved);
        waiting
            .filter(|case| {
                case.waiting_since.is_some_and(|since| {
                    crate::model::sla::used(since, target(case), now) == crate::model::sla::Used::Overdue
                })
            })
            .count()
    }

    pub fn contacts_within(&self, author: &AuthorId, now: Timestamp, days: i64) -> usize {
        let since = now - SignedDuration::from_hours(24 * days);
        let contacts = self.authors.get(author).map(|history| &history.contacts);
        contacts.map_or(0, |contacts| contacts.iter().filter(|contact| contact.at >= since).count())
    }

    pub fn last_outcome(&self, author: &AuthorId, except: CaseId) -> Option<&Contact> {
        let contacts = &self.authors.get(author)?.contacts;
        contacts.iter().rev().find(|contact| contact.case != except && contact.resolved.is_some())
    }

    pub fn unfinished_replies(&self) -> impl Iterator<Item = &Reply> {
        self.replies.values().filter(|reply| !matches!(reply.delivery, Delivery::Sent { .. }))
    }

    /// A reply sent since then whose text is more than 90 % like `text`.
    pub fn same_text_sent(&self, text: &str, since: Timestamp) -> Option<&Reply> {
        let bare = |text: &str| {
            let words = text.split_whitespace().filter(|word| !word.starts_with('@'));
            words.collect::<Vec<_>>().join(" ").to_lowercase()
        };
        let ours = bare(text);
        self.replies.values().rev().find(|reply| {
            matches!(reply.delivery, Delivery::Sent { at, .. } if at >= since)
                && reply.text.as_deref().is_some_and(|text| strsim::normalized_levenshtein(&bare(text), &ours) > 0.9)
        })
    }

    /// Texts that a checkpoint left out.
    pub fn missing_bodies(&self) -> Vec<BodyId> {
        let posts = self
            .posts
            .values()
            .filter(|view| view.body.is_none() && matches!(view.state, PostState::Present | PostState::Edited));
        let drafts = self.cases.values().flat_map(|case| {
            let missing = case.drafts.iter().filter(|(_, draft)| draft.draft.is_none());
            missing.map(|(purpose, _)| BodyId::draft(case.id, *purpose))
        });
        let replies = self.replies.values().filter(|reply| reply.text.is_none());
        let posts = posts.map(|view| BodyId::post(&view.id));
        posts.chain(drafts).chain(replies.map(|reply| BodyId::reply(reply.id))).collect()
    }

    pub fn supply(&mut self, id: &BodyId, body: Body) {
        match body {
            Body::Post(post) => {
                if let Some(view) = self.posts.get_mut(&post.id).filter(|view| {
                    BodyId::post(&view.id) == *id && matches!(view.state, PostState::Present | PostState::Edited)
                }) {
                    view.body = Some(Arc::new(*post));
                }
            }
            Body::Draft(text) => {
                for case in self.cases.values_mut() {
                    let case_id = case.id;
                    for (purpose, draft) in &mut case.drafts {
                        if BodyId::draft(case_id, *purpose) == *id && draft.draft.is_none() {
                            draft.draft = Some(text.clone());
                        }
                    }
                }
            }
            Body::Reply(text) => {
                for reply in self.replies.values_mut().filter(|reply| BodyId::reply(reply.id) == *id) {
                    reply.text.get_or_insert(text.clone());
                }
            }
            Body::Note(_) => {}
        }
    }

    fn touch(&mut self, case: CaseId, change: impl FnOnce(&mut Case)) {
        if let Some(case) = self.cases.get_mut(&case) {
            change(case);
        }
    }

    fn reply_to(&mut self, reply: ReplyId, change: impl FnOnce(&mut Reply)) {
        if let Some(reply) = self.replies.get_mut(&reply) {
            change(reply);
        }
    }
}

/// Folds one envelope into the desk.
pub fn fold(desk: &mut Desk, envelope: &Envelope) {
    if envelope.seq <= desk.seq && envelope.seq.0 != 0 {
        return;
    }
    desk.seq = envelope.seq;
    desk.counters.events += 1;
    if envelope.event.contends()
        && let Some(case) = envelope.event.case()
    {
        desk.touch(case, |case| case.contended = envelope.seq);
    }
    match &envelope.event {
        Event::PostMatched {
            post,
            author,
            conversation,
            columns,
            posted_at,
            in_reply_to,
            in_reply_to_author,
            standing,
        } => {
            let body = match &envelope.body {
                Some(Body::Post(post)) => Some(Arc::new((**post).clone())),
                _ => None,
            };
            for name in columns {
                let column = desk.columns.entry(name.clone()).or_default();
                column.window.insert((*posted_at, post.clone()));
                column.matched += 1;
                while column.window.len() > WINDOW {
                    column.window.pop_first();
                }
            }
            let case = (*standing == Standing::Customer).then(|| CaseId::of(author, conversation));
            let known = desk.posts.contains_key(post);
            let view = desk.posts.entry(post.clone()).or_insert_with(|| PostView {
                id: post.clone(),
                author: author.clone(),
                conversation: conversation.clone(),
                at: *posted_at,
                arrived: envelope.at,
                in_reply_to: in_reply_to.clone(),
                in_reply_to_author: in_reply_to_author.clone(),
                standing: *standing,
                columns: std::collections::BTreeSet::new(),
                case,
                state: PostState::Present,
                body,
            });
            view.columns.extend(columns.iter().cloned());
            if known {
                return;
            }
            desk.counters.posts += 1;
            match standing {
                Standing::Customer => {
                    if let Some(case) = case {
                        desk.touch(case, |case| {
                            case.posts.push(post.clone());
                            match case.status {
                                CaseStatus::Acknowledged => {
                                    case.status = CaseStatus::Waiting;
                                    case.waiting_since = Some(*posted_at);
                                }
                                CaseStatus::Resolved => {
                                    case.status =
                                        if case.first_answer.is_some() { CaseStatus::Waiting } else { CaseStatus::New };
                                    case.waiting_since = Some(*posted_at);
                                    case.resolved = None;
                                    case.reopened += 1;
                                }
                                CaseStatus::New | CaseStatus::Waiting => {}
                            }
                        });
                    }
                }
                Standing::Own => {
                    let answered = desk.cases.values().find(|case| {
                        case.conversation == *conversation && in_reply_to_author.as_ref() == Some(&case.author)
                    });
                    if let Some(case) = answered.map(|case| case.id) {
                        let answer = Answer { at: *posted_at, post: post.clone(), rep: None, purpose: None };
                        desk.touch(case, |case| answered_by(case, answer, false));
                    }
                }
                Standing::Repost => {}
            }
        }
        Event::PostEdited { post } => {
            if let Some(view) = desk.posts.get_mut(post) {
                view.state = PostState::Edited;
                if let Some(Body::Post(body)) = &envelope.body {
                    view.body = Some(Arc::new((**body).clone()));
                }
            }
        }
        Event::PostDeleted { post } => {
            if let Some(view) = desk.posts.get_mut(post) {
                view.state = PostState::Deleted;
                view.body = None;
            }
        }
        Event::BodyErased { body } => {
            for view in desk.posts.values_mut().filter(|view| BodyId::post(&view.id) == *body) {
                view.state = PostState::Erased;
                view.body = None;
            }
        }
        Event::CaseOpened { case, author, conversation, post, posted_at } => {
            if desk.cases.contains_key(case) {
                return;
            }
            desk.counters.cases += 1;
            let number = desk.counters.cases;
            let opened = Case {
                id: *case,
                number,
                author: author.clone(),
                conversation: conversation.clone(),
                posts: vec![post.clone()],
                status: CaseStatus::New,
                owner: None,
                claimed_at: None,
                started: *posted_at,
                waiting_since: Some(*posted_at),
                first_answer: None,
                last_answer: None,
                dm_requested: None,
                handed_over: None,
                snoozed_until: None,
                resolved: None,
                reopened: 0,
                tags: std::collections::BTreeSet::new(),
                notes: 0,
                drafts: std::collections::BTreeMap::new(),
                replies: Vec::new(),
                contended: crate::model::Seq(0),
            };
            desk.cases.insert(*case, opened);
            let history = desk.authors.entry(author.clone()).or_default();
            history.contacts.push_back(Contact { case: *case, number, at: *posted_at, resolved: None, cause: None });
            while history.contacts.len() > CONTACTS_KEPT {
                history.contacts.pop_front();
            }
        }
        Event::CaseClaimed { case } => desk.touch(*case, |case| {
            case.owner = Some(envelope.rep.clone());
            case.claimed_at = Some(envelope.at);
        }),
        Event::CaseReleased { case } => desk.touch(*case, |case| {
            case.owner = None;
            case.claimed_at = None;
        }),
        Event::CaseAssigned { case, to } => desk.touch(*case, |case| case.owner = Some(to.clone())),
        Event::CaseTagged { case, tag, on } => desk.touch(*case, |case| {
            if *on {
                case.tags.insert(tag.clone());
            } else {
                case.tags.remove(tag);
            }
        }),
        Event::CaseSnoozed { case, until } => desk.touch(*case, |case| case.snoozed_until = Some(*until)),
        Event::CaseResolved { case, cause } => {
            desk.counters.resolved += 1;
            desk.touch(*case, |case| {
                case.status = CaseStatus::Resolved;
                case.waiting_since = None;
                case.resolved = Some(Resolution { at: envelope.at, rep: envelope.rep.clone(), cause: cause.clone() });
            });
            let author = desk.cases.get(case).map(|case| case.author.clone());
            if let Some(history) = author.and_then(|author| desk.authors.get_mut(&author)) {
                for contact in history.contacts.iter_mut().filter(|contact| contact.case == *case) {
                    contact.resolved = Some(envelope.at);
                    contact.cause.clone_from(cause);
                }
            }
        }
        Event::CaseReopened { case } => desk.touch(*case, |case| {
            case.status = if case.first_answer.is_some() { CaseStatus::Waiting } else { CaseStatus::New };
            case.resolved = None;
            case.reopened += 1;
            case.waiting_since = Some(envelope.at);
        }),
        Event::NoteAdded { case, .. } => desk.touch(*case, |case| case.notes += 1),
        Event::DraftSaved { case, purpose } => {
            let draft = match &envelope.body {
                Some(Body::Draft(draft)) => Some(draft.clone()),
                _ => None,
            };
            let draft = CaseDraft { rep: envelope.rep.clone(), saved: envelope.at, draft };
            desk.touch(*case, |case| {
                case.drafts.insert(*purpose, draft);
            });
        }
        Event::DraftDropped { case, purpose } => desk.touch(*case, |case| {
            case.drafts.remove(purpose);
        }),
        Event::ReplyQueued { reply, case, to, purpose, account, until, session } => {
            let text = match &envelope.body {
                Some(Body::Reply(text)) => Some(text.clone()),
                _ => desk.replies.get(reply).and_then(|reply| reply.text.clone()),
            };
            let queued = Reply {
                id: *reply,
                case: *case,
                to: to.clone(),
                purpose: *purpose,
                account: account.clone(),
                rep: envelope.rep.clone(),
                session: *session,
                queued: envelope.at,
                attempted: None,
                delivery: Delivery::Queued { until: *until },
                text,
            };
            desk.replies.insert(*reply, queued);
            desk.touch(*case, |case| {
                if !case.replies.contains(reply) {
                    case.replies.push(*reply);
                }
            });
        }
        Event::ReplyRecalled { reply, .. } | Event::ReplyDropped { reply, .. } => {
            desk.replies.remove(reply);
        }
        Event::ReplyAttempted { reply, .. } => desk.reply_to(*reply, |reply| {
            reply.delivery = Delivery::Sending;
            reply.attempted = Some(envelope.at);
        }),
        Event::ReplySent { reply, case, post } => {
            desk.counters.replies_sent += 1;
            desk.reply_to(*reply, |reply| {
                reply.delivery = Delivery::Sent { post: post.clone(), at: envelope.at };
            });
            let purpose = desk.replies.get(reply).map(|reply| reply.purpose);
            let answer = Answer { at: envelope.at, post: post.clone(), rep: Some(envelope.rep.clone()), purpose };
            desk.touch(*case, |case| {
                answered_by(case, answer, purpose.is_some_and(crate::model::Purpose::asks_for_dm))
            });
            let finished: Vec<_> = desk
                .replies
                .values()
                .filter(|reply| matches!(reply.delivery, Delivery::Sent { .. }))
                .map(|reply| reply.id)
                .collect();
            for old in finished.iter().take(finished.len().saturating_sub(FINISHED_KEPT)) {
                desk.replies.remove(old);
            }
        }
        Event::ReplyFailed { reply, why, may_retry, .. } => desk.reply_to(*reply, |reply| {
            reply.delivery = Delivery::Failed { why: why.clone(), may_retry: *may_retry };
        }),
        Event::ReplyParked { reply, why, .. } => {
            desk.reply_to(*reply, |reply| reply.delivery = Delivery::Parked { why: why.clone() });
        }
        Event::ReplyHandedOver { reply, case, to, purpose, account } => {
            let handed = HandOver {
                reply: *reply,
                to: to.clone(),
                purpose: *purpose,
                account: account.clone(),
                rep: envelope.rep.clone(),
                at: envelope.at,
            };
            desk.touch(*case, |case| case.handed_over = Some(handed));
        }
        Event::GapOpened { gap, columns, from } => {
            let opened = Gap { id: *gap, columns: columns.clone(), from: *from, to: None, fill: None };
            desk.gaps.insert(*gap, opened);
            for name in columns {
                desk.columns.entry(name.clone()).or_default().gaps.insert((*from, *gap));
            }
        }
        Event::GapClosed { gap, to } => {
            if let Some(gap) = desk.gaps.get_mut(gap) {
                gap.to = Some(*to);
            }
        }
        Event::GapFilled { gap, fill } => {
            if let Some(gap) = desk.gaps.get_mut(gap) {
                gap.fill = Some(fill.clone());
            }
        }
        Event::Unknown { .. } => desk.counters.unknown += 1,
    }
}

fn answered_by(case: &mut Case, answer: Answer, asks_for_dm: bool) {
    if case.status != CaseStatus::Resolved {
        case.status = CaseStatus::Acknowledged;
    }
    case.waiting_since = None;
    case.first_answer.get_or_insert(answer.at);
    if let Some(handed) = case.handed_over.take()
        && handed.purpose.asks_for_dm()
    {
        case.dm_requested = Some(answer.at);
    }
    if asks_for_dm {
        case.dm_requested = Some(answer.at);
    }
    case.last_answer = Some(answer);
}
