//! Our public answers in a case: which there were, by whom, and whose turn it is after each.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::model::{BodyId, CaseId, CaseStatus, PostId, Purpose, RepName, ReplyId};

use super::{Case, Desk};

/// So many answers of one case stay in memory, the newest.
pub const ANSWERS_KEPT: usize = 64;
/// So many answers may wait for the post they answer.
const EARLY_ANSWERS_KEPT: usize = 512;
/// A hand-over is closed by an answer this much older at most: our clock and the network's may differ.
pub(super) const CLOCKS_DIFFER: SignedDuration = SignedDuration::from_secs(120);

/// A public answer of ours in a case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    #[serde(with = "super::moment")]
    pub at: Timestamp,
    pub post: PostId,
    /// `None` for an answer typed elsewhere.
    pub rep: Option<RepName>,
    pub purpose: Option<Purpose>,
    /// The reply of the outbox that it is; `None` for what was posted on the network's own page.
    pub reply: Option<ReplyId>,
}

impl Answer {
    /// Where the store has its words: under the post the network showed, and under the reply that went out from here.
    /// The first that is there tells them.
    pub fn texts(&self) -> impl Iterator<Item = BodyId> {
        std::iter::once(BodyId::post(&self.post)).chain(self.reply.map(BodyId::reply))
    }

    /// The same answer, seen once in the outbox and once on the stream: each knows what the other does not, and it was
    /// out before we had word of it.
    fn is_also(&mut self, seen: Answer, purpose: Option<Purpose>) {
        self.rep = self.rep.take().or(seen.rep);
        self.purpose = self.purpose.or(purpose);
        self.reply = self.reply.or(seen.reply);
        self.at = self.at.min(seen.at);
    }
}

impl Case {
    /// Writes an answer of ours down; whose turn it is then is for the caller.
    fn note_answer(&mut self, mut answer: Answer, purpose: Option<Purpose>) {
        if purpose == Some(Purpose::HappyPost) {
            self.happy_asked = Some(self.happy_asked.map_or(answer.at, |known| known.max(answer.at)));
        }
        self.edited_since.take_if(|edited| *edited <= answer.at);
        if purpose.is_some_and(Purpose::asks_for_dm) {
            self.dm_requested = Some(self.dm_requested.map_or(answer.at, |known| known.max(answer.at)));
        }
        self.first_answer = Some(self.first_answer.map_or(answer.at, |first| first.min(answer.at)));
        let known = self.last_answer.iter_mut().chain(&mut self.earlier_answers);
        if let Some(known) = known.into_iter().find(|known| known.post == answer.post) {
            return known.is_also(answer, purpose);
        }
        answer.purpose = purpose.or(answer.purpose);
        let earlier = match &mut self.last_answer {
            Some(last) if last.at > answer.at => Some(answer),
            last => last.replace(answer),
        };
        let Some(earlier) = earlier else { return };
        let place = self.earlier_answers.partition_point(|known| known.at <= earlier.at);
        self.earlier_answers.insert(place, earlier);
        if self.earlier_answers.len() >= ANSWERS_KEPT {
            self.earlier_answers.remove(0);
        }
    }

    /// Our public answers, oldest first; [`ANSWERS_KEPT`] at most, the newest.
    pub fn answers(&self) -> impl Iterator<Item = &Answer> {
        self.earlier_answers.iter().chain(&self.last_answer)
    }

    /// When we last said something by other means than this program. Whoever did saw what the network had by then,
    /// whatever had reached the log.
    pub(super) fn last_said_elsewhere(&self) -> Option<Timestamp> {
        let public = self.answers().filter(|answer| answer.reply.is_none()).map(|answer| answer.at);
        let private = self.messages.iter().filter(|message| message.is_ours && message.rep.is_none());
        public.chain(private.map(|message| message.at)).max()
    }
}

impl Desk {
    /// An answer of ours on a network, typed here or elsewhere, seen on the stream: it stops the clock for every
    /// post written before it and closes a hand-over.
    pub(super) fn answer_case(&mut self, id: CaseId, mut answer: Answer) {
        let Some(case) = self.cases.get(&id) else { return };
        let since = self.waits_after(case, &answer);
        self.change_case(id, |case| {
            let mut purpose = answer.purpose;
            if let Some(handed) = case.handed_over.take_if(|h| h.at.duration_since(answer.at) <= CLOCKS_DIFFER) {
                answer.rep = answer.rep.take().or(Some(handed.rep));
                purpose = purpose.or(Some(handed.purpose));
            }
            case.note_answer(answer, purpose);
            if case.status != CaseStatus::Resolved {
                case.wait_since(since);
            }
        });
        self.remember_answer(id);
    }

    /// Since when the author waits once an answer was seen on the network.
    fn waits_after(&self, case: &Case, answer: &Answer) -> Option<Timestamp> {
        if let Some(known) = case.last_answer.as_ref().filter(|known| known.post == answer.post) {
            // Sent from here, it was out before we had word of it: what the author wrote in between was written to it.
            let between = self.oldest_after(case, Some(answer.at)).filter(|at| *at <= known.at);
            return between.into_iter().chain(case.waiting_since).min();
        }
        // What it answers is older in any case; what came after it still waits. It lets nobody wait for longer than
        // before: a goodbye to a case that was closed for one, say.
        let latest = case.last_said().map_or(answer.at, |known| known.max(answer.at));
        let since = self.oldest_after(case, Some(latest))?;
        case.waiting_since.map(|waited| since.max(waited))
    }

    /// A reply of the outbox is out: it is our turn no more, whatever the clocks say. Only where the network showed it
    /// before we had word of it, what the author wrote to it has been heard already and waits.
    pub(super) fn reply_answers(&mut self, id: CaseId, answer: Answer) {
        self.change_case(id, |case| {
            let purpose = answer.purpose;
            let was_seen = case.last_answer.as_ref().is_some_and(|known| known.post == answer.post);
            case.note_answer(answer, purpose);
            if case.status != CaseStatus::Resolved && !was_seen {
                case.wait_since(None);
            }
        });
        self.remember_answer(id);
    }

    fn remember_answer(&mut self, id: CaseId) {
        let answered = self.cases.get(&id).and_then(|case| case.first_answer);
        self.contact_of(id, |contact| contact.answered = answered);
    }

    pub(super) fn keep_early_answer(&mut self, case: CaseId, answer: Answer) {
        self.early_answers.push_back((case, answer));
        if self.early_answers.len() > EARLY_ANSWERS_KEPT {
            self.early_answers.pop_front();
        }
    }
}
