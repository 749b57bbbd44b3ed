//! A case: one author's posts in one conversation, and what the team did about them.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::{
    AccountName, AuthorId, BegunNote, BodyId, CaseId, CaseStatus, ConversationId, DraftText, Mark, PostId, Purpose,
    RepName, ReplyId, Seq,
};

use crate::model::event::Standing;
use crate::model::words::ended_as;

pub use super::answer::Answer;
use super::{CaseMessage, Contact, Desk, Pause, PauseReason};

/// So many posts of one case stay in its list: the first and the newest.
pub const POSTS_KEPT: usize = 64;
/// So many tags fit on one case; a further one is passed over.
pub const TAGS_KEPT: usize = 64;
/// So many reps' read marks stay on one case; those furthest behind go first.
pub const READERS_KEPT: usize = 16;

/// The work one author's posts make for the team.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Case {
    pub id: CaseId,
    /// What people call it: the n-th case the log opened.
    pub number: u64,
    pub author: AuthorId,
    pub conversation: ConversationId,
    /// The author's posts, in the order they were matched; [`POSTS_KEPT`] at most.
    pub posts: Vec<PostId>,
    pub status: CaseStatus,
    pub owner: Option<RepName>,
    #[serde(with = "super::moment::optional")]
    pub claimed_at: Option<Timestamp>,
    /// Time of the first post.
    #[serde(with = "super::moment")]
    pub started: Timestamp,
    /// Post time of the oldest customer post that waits for an answer; `None` while it is the customer's turn.
    #[serde(with = "super::moment::optional")]
    pub waiting_since: Option<Timestamp>,
    /// When our first public answer was out, from here or elsewhere.
    #[serde(with = "super::moment::optional")]
    pub first_answer: Option<Timestamp>,
    /// Our last public answer.
    pub last_answer: Option<Answer>,
    /// The ones before it, oldest first; see [`Case::answers`].
    pub earlier_answers: Vec<Answer>,
    #[serde(with = "super::moment::optional")]
    pub dm_requested: Option<Timestamp>,
    /// The author changed a post of theirs after we had answered: the answer may no longer fit.
    #[serde(with = "super::moment::optional")]
    pub edited_since: Option<Timestamp>,
    /// A reply taken to the network's own page that has not come back on the stream yet.
    pub handed_over: Option<Box<HandOver>>,
    #[serde(with = "super::moment::optional")]
    pub snoozed_until: Option<Timestamp>,
    /// When clocks of it may stand still; [`super::clock::PAUSES_KEPT`] at most.
    pub pauses: Vec<Pause>,
    /// The wait that goes on was told to the team as overdue; since when the author waited then.
    #[serde(with = "super::moment::optional")]
    pub told_overdue: Option<Timestamp>,
    pub resolved: Option<Box<Resolution>>,
    pub reopened: u32,
    /// A rep wants it looked at before others.
    pub is_urgent: bool,
    /// The post by which a rep saw the customer turned from angry to happy.
    pub turned_round: Option<PostId>,
    /// When a happy post was last asked for.
    #[serde(with = "super::moment::optional")]
    pub happy_asked: Option<Timestamp>,
    /// Up to which post time each rep has read it; [`READERS_KEPT`] at most.
    pub read: BTreeMap<RepName, ReadMark>,
    pub tags: BTreeSet<String>,
    pub notes: u32,
    /// By purpose, then rep; one of each.
    pub drafts: Vec<CaseDraft>,
    /// Notes begun and not left yet, by rep.
    pub begun_notes: BTreeMap<RepName, CaseNote>,
    /// Direct messages with the author, oldest first; [`super::message::MESSAGES_KEPT`] at most.
    pub messages: Vec<CaseMessage>,
    /// Replies queued from here, oldest first.
    pub replies: Vec<ReplyId>,
    /// Place of the last event two reps could have raced for; what compare-and-set expects.
    pub contended: Seq,
}

/// A reply the rep posts on the network's own page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HandOver {
    pub reply: ReplyId,
    pub to: PostId,
    pub purpose: Purpose,
    pub account: AccountName,
    pub rep: RepName,
    #[serde(with = "super::moment")]
    pub at: Timestamp,
}

/// How a case ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resolution {
    #[serde(with = "super::moment")]
    pub at: Timestamp,
    pub rep: RepName,
    pub cause: Option<String>,
    /// How it ended for the customer, in the team's word.
    pub outcome: Option<String>,
    /// A goodbye does not reopen it.
    pub closing: bool,
}

impl Resolution {
    /// `billing, refunded`; `None` where neither was given.
    pub fn ended_as(&self) -> Option<String> {
        ended_as(self.cause.as_deref(), self.outcome.as_deref())
    }
}

/// Up to which post time a rep has read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ReadMark(#[serde(with = "super::moment")] pub Timestamp);

/// A reply being written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseDraft {
    pub purpose: Purpose,
    pub rep: RepName,
    /// Saved when all reps shared one draft of a purpose: its text has that one's name.
    pub is_shared: bool,
    #[serde(with = "super::moment")]
    pub saved: Timestamp,
    /// The post it was begun for; not known of drafts of older logs.
    pub to: Option<PostId>,
    /// Absent where it was erased, and after a checkpoint until the store is read.
    #[serde(skip)]
    pub draft: Option<DraftText>,
}

impl CaseDraft {
    /// The name of its text in the store.
    pub fn body_id(&self, case: CaseId) -> BodyId {
        if self.is_shared { BodyId::draft(case, self.purpose) } else { BodyId::draft_of(case, self.purpose, &self.rep) }
    }
}

/// A note being written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseNote {
    #[serde(with = "super::moment")]
    pub saved: Timestamp,
    /// Absent where it was erased, and after a checkpoint until the store is read.
    #[serde(skip)]
    pub note: Option<BegunNote>,
}

impl Case {
    /// A case whose first post, written at `at`, waits for an answer; the post is not in its list yet.
    pub fn begun(id: CaseId, number: u64, author: &AuthorId, conversation: &ConversationId, at: Timestamp) -> Self {
        Self {
            id,
            number,
            author: author.clone(),
            conversation: conversation.clone(),
            // Most cases have one post, and a list that grows by itself begins with room for four.
            posts: Vec::with_capacity(1),
            status: CaseStatus::New,
            owner: None,
            claimed_at: None,
            started: at,
            waiting_since: Some(at),
            first_answer: None,
            last_answer: None,
            earlier_answers: Vec::new(),
            dm_requested: None,
            edited_since: None,
            handed_over: None,
            snoozed_until: None,
            pauses: Vec::new(),
            told_overdue: None,
            resolved: None,
            reopened: 0,
            is_urgent: false,
            turned_round: None,
            happy_asked: None,
            read: BTreeMap::new(),
            tags: BTreeSet::new(),
            notes: 0,
            drafts: Vec::new(),
            begun_notes: BTreeMap::new(),
            messages: Vec::new(),
            replies: Vec::new(),
            contended: Seq(0),
        }
    }

    /// The letter in front of the case's rows, as `me` sees it.
    pub fn mark(&self, me: &RepName) -> Mark {
        match (self.status, &self.owner) {
            (CaseStatus::Resolved, _) => Mark::Resolved,
            (CaseStatus::Acknowledged, _) => Mark::Acknowledged,
            (_, Some(owner)) if owner != me => Mark::Claimed,
            (CaseStatus::Waiting, _) => Mark::Waiting,
            (CaseStatus::New, Some(_)) => Mark::Mine,
            (CaseStatus::New, None) => Mark::New,
        }
    }

    /// A rep's draft for that purpose.
    pub fn draft_of(&self, purpose: Purpose, rep: &RepName) -> Option<&CaseDraft> {
        self.drafts.iter().find(|draft| draft.purpose == purpose && draft.rep == *rep)
    }

    /// What others have drafted for that purpose, the latest first.
    pub fn others_drafts(&self, purpose: Purpose, me: &RepName) -> Vec<&CaseDraft> {
        let others = self.drafts.iter().filter(|draft| draft.purpose == purpose && draft.rep != *me);
        let mut others: Vec<_> = others.collect();
        others.sort_by_key(|draft| std::cmp::Reverse(draft.saved));
        others
    }

    /// `is_shared`: told by an event of the time when a purpose had one draft, whose text this one replaced.
    pub(super) fn draft_saved(&mut self, draft: CaseDraft) {
        let (purpose, is_shared) = (draft.purpose, draft.is_shared);
        self.drafts
            .retain(|known| known.purpose != purpose || (known.rep != draft.rep && !(is_shared && known.is_shared)));
        let place = self.drafts.partition_point(|known| (known.purpose, &known.rep) < (purpose, &draft.rep));
        self.drafts.insert(place, draft);
    }

    /// `of`: whose draft goes; of nobody in particular where all shared one, which `by` dropped.
    pub(super) fn draft_dropped(&mut self, purpose: Purpose, of: Option<&RepName>, by: &RepName) {
        self.drafts.retain(|known| {
            known.purpose != purpose
                || match of {
                    Some(rep) => known.rep != *rep,
                    None => known.rep != *by && !known.is_shared,
                }
        });
    }

    /// The author waits for an answer of ours.
    pub fn is_unanswered(&self) -> bool {
        self.waiting_since.is_some()
    }

    /// A post of the author's is newer than what the rep has read.
    pub fn is_unread_by(&self, rep: &RepName, newest: Timestamp) -> bool {
        self.read.get(rep).is_none_or(|mark| mark.0 < newest)
    }

    /// A mark never goes back: two windows of one rep may tell of their reading in any order.
    pub(super) fn read_by(&mut self, rep: &RepName, upto: Timestamp) {
        let mark = self.read.entry(rep.clone()).or_insert(ReadMark(upto));
        *mark = (*mark).max(ReadMark(upto));
        if self.read.len() > READERS_KEPT
            && let Some(last) = self.read.iter().min_by_key(|(rep, mark)| (**mark, *rep)).map(|(rep, _)| rep.clone())
        {
            self.read.remove(&last);
        }
    }

    /// A post of the author's, written at `at`, joins. `newest` is the time of the newest post the case had.
    ///
    /// What comes in after a rep answered or resolved from here was not seen by that rep, whatever its own time is, and
    /// waits. Only what is older than the newest that was known changes nothing, and neither does a goodbye where the
    /// rep closed the case so, nor what was there when somebody answered on the network itself.
    pub(super) fn heard(&mut self, at: Timestamp, newest: Option<Timestamp>, standing: Standing) {
        self.started = self.started.min(at);
        let is_older = newest.is_some_and(|newest| at <= newest);
        let is_said = |said: Option<Timestamp>| said.is_some_and(|said| at <= said);
        if is_said(self.last_said_elsewhere()) || (is_older && is_said(self.last_said())) {
            return;
        }
        if self.status == CaseStatus::Resolved {
            let is_closed = self.resolved.as_ref().is_some_and(|resolution| resolution.closing);
            if is_older || (is_closed && standing == Standing::Goodbye) {
                return;
            }
            self.resolved = None;
            self.reopened = self.reopened.saturating_add(1);
            self.resume(PauseReason::Resolved, at);
        }
        self.put_back(at);
        self.wait_since(Some(self.waiting_since.map_or(at, |since| since.min(at))));
    }

    /// Sets whose turn it is by whether anything waits since `since`; a resolved case must be reopened first.
    pub(super) fn wait_since(&mut self, since: Option<Timestamp>) {
        if let Some(since) = since {
            self.resume(PauseReason::TheirTurn, since);
        } else {
            self.told_overdue = None;
            self.pause(PauseReason::TheirTurn, self.last_said().unwrap_or(self.started), None);
        }
        self.waiting_since = since;
        self.status = CaseStatus::open(since.is_some(), self.last_said().is_some());
    }
}

impl Desk {
    /// Makes sure the case is held here and has heard a post written at `at`.
    ///
    /// A post opens its case by itself: a case that was resolved and forgotten gets no second `CaseOpened`. Its
    /// number is known as long as its author is; else it is counted as a new one.
    pub(super) fn open_case(
        &mut self,
        id: CaseId,
        author: &AuthorId,
        conversation: &ConversationId,
        at: Timestamp,
        seq: Seq,
    ) {
        if self.cases.contains_key(&id) {
            return;
        }
        let history = self.authors.entry(author.clone()).or_default();
        let known = history.contacts.iter_mut().find(|contact| contact.case == id);
        let mut reopened = 0;
        let number = if let Some(contact) = known {
            if contact.resolved.is_some() && at <= contact.newest {
                // An old post of a case that is done and forgotten.
                return;
            }
            reopened = u32::from(contact.resolved.is_some());
            contact.reopen();
            contact.number
        } else {
            self.counters.cases += 1;
            let number = self.counters.cases;
            history.remember(Contact::begun(id, number, at));
            number
        };
        // Everything that contended before has been folded: a claim must not lose against it.
        let case = Case { reopened, contended: seq, ..Case::begun(id, number, author, conversation, at) };
        self.cases.insert(id, case);
        self.recount_new(id);
        let early: Vec<Answer> =
            self.early_answers.iter().filter(|(of, _)| *of == id).map(|(_, a)| a.clone()).collect();
        if !early.is_empty() {
            self.early_answers.retain(|(of, _)| *of != id);
            for answer in early {
                self.answer_case(id, answer);
            }
        }
    }

    /// Adds a post the desk holds to its case and lets the case hear it.
    pub(super) fn join_case(&mut self, id: CaseId, post: &PostId) {
        let Some(view) = self.posts.get_mut(post) else { return };
        view.case = Some(id);
        let (at, standing) = (view.at, view.standing);
        let Some(case) = self.cases.get(&id) else { return };
        if case.posts.contains(post) {
            return;
        }
        let newest = case.posts.iter().filter_map(|known| self.posts.get(known)).map(|view| view.at).max();
        let was_resolved = case.status == CaseStatus::Resolved;
        let mut dropped = None;
        self.change_case(id, |case| {
            case.posts.push(post.clone());
            if case.posts.len() > POSTS_KEPT {
                dropped = Some(case.posts.remove(1));
            }
            case.heard(at, newest, standing);
        });
        self.contact_of(id, |contact| contact.newest = contact.newest.max(at));
        if let Some(dropped) = dropped {
            self.release_post(&dropped);
        }
        if was_resolved && self.cases.get(&id).is_some_and(|case| case.status != CaseStatus::Resolved) {
            self.contact_of(id, Contact::reopen);
        }
    }

    /// `undone`: it should never have been reopened, and nothing counts that it was.
    pub(super) fn case_resolved(&mut self, id: CaseId, resolution: Resolution, undone: bool) {
        let Some(known) = self.cases.get(&id) else { return };
        let takes_back = undone && known.status != CaseStatus::Resolved && known.reopened > 0;
        if known.status != CaseStatus::Resolved && !takes_back {
            self.counters.resolved += 1;
        }
        self.contact_of(id, |contact| {
            contact.resolved = Some(resolution.at);
            contact.cause.clone_from(&resolution.cause);
            contact.outcome.clone_from(&resolution.outcome);
            contact.rep = Some(resolution.rep.clone());
        });
        self.change_case(id, |resolved| {
            resolved.reopened -= u32::from(takes_back);
            resolved.status = CaseStatus::Resolved;
            resolved.waiting_since = None;
            resolved.told_overdue = None;
            resolved.put_back(resolution.at);
            resolved.resume(PauseReason::TheirTurn, resolution.at);
            resolved.pause(PauseReason::Resolved, resolution.at, None);
            resolved.resolved = Some(Box::new(resolution));
        });
    }

    /// By a rep at `at`: the case stands again where its posts and our answers put it. `undone`: it should never have been
    /// resolved, and nothing counts that it was.
    pub(super) fn case_reopened(&mut self, id: CaseId, undone: bool, at: Timestamp) {
        let Some(case) = self.cases.get(&id) else { return };
        if case.status != CaseStatus::Resolved {
            return;
        }
        let mut since = self.oldest_after(case, case.last_said());
        if case.last_said().is_none() {
            since = since.or(Some(case.started));
        }
        self.change_case(id, |case| {
            case.resolved = None;
            case.reopened = case.reopened.saturating_add(u32::from(!undone));
            case.resume(PauseReason::Resolved, at);
            case.wait_since(since);
        });
        if undone {
            self.counters.resolved = self.counters.resolved.saturating_sub(1);
        }
        self.contact_of(id, Contact::reopen);
    }

    /// The case need not be held here any more: what is remembered of its author tells of it.
    pub(super) fn case_turned_round(&mut self, id: CaseId, post: &PostId, on: bool) {
        self.change_case(id, |case| {
            if on {
                case.turned_round = Some(post.clone());
            } else if case.turned_round.as_ref() == Some(post) {
                case.turned_round = None;
            }
        });
        self.contact_of(id, |contact| contact.turned_round = on);
    }

    /// Time of the author's oldest post or direct message in the case written after `after`.
    pub(super) fn oldest_after(&self, case: &Case, after: Option<Timestamp>) -> Option<Timestamp> {
        let times = case.posts.iter().filter_map(|post| self.posts.get(post)).map(|view| view.at);
        let private = case.messages.iter().filter(|message| !message.is_ours).map(|message| message.at);
        times.chain(private).filter(|at| after.is_none_or(|after| *at > after)).min()
    }
}
