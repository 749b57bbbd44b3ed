//! What a report holds of one case. The rules are those of [`crate::desk::Case`], for cases of any age; a property
//! test holds the two against each other.

use jiff::Timestamp;

use crate::desk::answer::CLOCKS_DIFFER;
use crate::model::event::Standing;
use crate::model::{CaseId, CaseStatus, ColumnName, MessageId, PostId, Purpose, RepName};

/// A case so far.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) id: CaseId,
    /// `CaseOpened` was read; without it the case began before the span, or is none.
    pub(super) is_opened: bool,
    /// Own time of the oldest post, and that post.
    pub(super) began: Option<(Timestamp, PostId)>,
    /// Own time of the newest post.
    newest: Option<Timestamp>,
    /// Own time of the newest post that is no goodbye.
    pub(super) last_wish: Option<Timestamp>,
    pub(super) posts: u64,
    pub(super) columns: Vec<ColumnName>,
    pub(super) answers: Vec<Answer>,
    /// What we said in private: which message, when, and whether it went out from here.
    private: Vec<(MessageId, Timestamp, bool)>,
    /// Own time of the newest direct message of theirs.
    newest_private: Option<Timestamp>,
    pub(super) dm_requested: Option<Timestamp>,
    handed_over: Option<(RepName, Timestamp)>,
    pub(super) holders: Vec<RepName>,
    pub(super) is_resolved: bool,
    /// Every resolve that was not taken back, oldest first.
    pub(super) ends: Vec<End>,
    pub(super) turned_round: Option<PostId>,
    owner: Option<RepName>,
    snoozed_until: Option<Timestamp>,
    /// Own times of the author's posts and messages.
    wrote: Vec<Timestamp>,
    /// The oldest of them that waits for an answer; `None` while it is the customer's turn.
    waiting_since: Option<Timestamp>,
    /// The waits that are over.
    pub(super) waits: Vec<Wait>,
}

/// A stretch of time in which the author waited for an answer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wait {
    pub(super) since: Timestamp,
    pub(super) until: Timestamp,
    /// It was not the first one.
    pub(super) has_answer: bool,
}

/// A public answer of ours.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) at: Timestamp,
    pub(super) post: PostId,
    pub(super) rep: Option<RepName>,
    /// Sent from here to this case, so it answers it whatever the clocks say.
    is_sent: bool,
}

/// A resolve.
#[derive(Debug)]
pub(super) struct End {
    pub(super) at: Timestamp,
    pub(super) rep: RepName,
    pub(super) cause: Option<String>,
    pub(super) closing: bool,
    /// The case was taken up again after it.
    pub(super) reopened: bool,
}

impl Known {
    pub(super) fn new(id: CaseId) -> Self {
        Self {
            id,
            is_opened: false,
            began: None,
            newest: None,
            last_wish: None,
            posts: 0,
            columns: Vec::new(),
            answers: Vec::new(),
            private: Vec::new(),
            newest_private: None,
            dm_requested: None,
            handed_over: None,
            holders: Vec::new(),
            is_resolved: false,
            ends: Vec::new(),
            turned_round: None,
            owner: None,
            snoozed_until: None,
            wrote: Vec::new(),
            waiting_since: None,
            waits: Vec::new(),
        }
    }

    pub(super) fn begin(&mut self, at: Timestamp, post: &PostId) {
        if self.began.as_ref().is_none_or(|(known, _)| at < *known) {
            self.began = Some((at, post.clone()));
        }
    }

    pub(super) fn stands_in(&mut self, columns: &[ColumnName]) {
        for column in columns {
            if !self.columns.contains(column) {
                self.columns.push(column.clone());
            }
        }
    }

    /// A post of the author's that was not known yet.
    pub(super) fn heard(&mut self, at: Timestamp, post: &PostId, standing: Standing) {
        self.posts += 1;
        self.begin(at, post);
        if standing != Standing::Goodbye {
            self.last_wish = self.last_wish.max(Some(at));
        }
        let newest = self.newest.replace(self.newest.map_or(at, |newest| newest.max(at)));
        self.wrote.push(at);
        self.waits_for_us(at, newest, standing);
    }

    /// A direct message of the author's.
    pub(super) fn heard_privately(&mut self, at: Timestamp) {
        self.wrote.push(at);
        let newest = self.newest.max(self.newest_private);
        self.newest_private = self.newest_private.max(Some(at));
        self.waits_for_us(at, newest, Standing::Customer);
    }

    /// What the author wrote waits for an answer, unless it was there when somebody answered on the network itself, or
    /// is older than what was known when we answered, or the case is done for all that.
    fn waits_for_us(&mut self, at: Timestamp, newest: Option<Timestamp>, standing: Standing) {
        let is_older = newest.is_some_and(|newest| at <= newest);
        let is_said = |said: Option<Timestamp>| said.is_some_and(|said| at <= said);
        if is_said(self.last_said_elsewhere()) || (is_older && is_said(self.last_said())) {
            return;
        }
        if self.is_resolved {
            let closing = self.ends.last().is_some_and(|end| end.closing);
            if is_older || (closing && standing == Standing::Goodbye) {
                return;
            }
            self.reopen();
        }
        self.snoozed_until = None;
        self.waiting_since = Some(self.waiting_since.map_or(at, |since| since.min(at)));
    }

    /// The oldest word of the author's after `after`.
    fn oldest_after(&self, after: Option<Timestamp>) -> Option<Timestamp> {
        self.wrote.iter().copied().filter(|at| after.is_none_or(|after| *at > after)).min()
    }

    /// From `at` on what waits is what was written at `since`.
    fn wait_since(&mut self, since: Option<Timestamp>, at: Timestamp, has_answer: bool) {
        if let Some(waited) = self.waiting_since
            && since.is_none_or(|since| since > waited)
        {
            self.waits.push(Wait { since: waited, until: at, has_answer });
        }
        self.waiting_since = since;
    }

    /// The wait that goes on, as it stands at `now`.
    pub(super) fn wait_until(&self, now: Timestamp) -> Option<Wait> {
        let has_answer = !self.answers.is_empty();
        self.waiting_since.map(|since| Wait { since, until: now, has_answer })
    }

    /// Put off: nothing of it is looked at.
    pub(super) fn sleeps(&self, now: Timestamp) -> bool {
        self.snoozed_until.is_some_and(|until| until > now)
    }

    pub(super) fn put_off(&mut self, until: Option<Timestamp>) {
        self.snoozed_until = until;
    }

    pub(super) fn is_new(&self) -> bool {
        let open = CaseStatus::open(self.waiting_since.is_some(), self.last_said().is_some());
        !self.is_resolved && open.is_new(self.owner.is_some())
    }

    /// We said something in private. Known twice it is one message.
    pub(super) fn said_privately(&mut self, message: &MessageId, at: Timestamp, is_sent: bool) {
        if let Some((_, _, was_sent)) = self.private.iter_mut().find(|(known, ..)| known == message) {
            *was_sent |= is_sent;
            return;
        }
        self.private.push((message.clone(), at, is_sent));
        if !self.is_resolved {
            let since = self.oldest_after(self.last_said());
            self.wait_since(since, at, !self.answers.is_empty());
        }
    }

    /// When we last said something, in public or in private.
    fn last_said(&self) -> Option<Timestamp> {
        let private = self.private.iter().map(|(_, at, _)| *at);
        self.answers.iter().map(|answer| answer.at).chain(private).max()
    }

    /// When we last said something by other means than this program.
    fn last_said_elsewhere(&self) -> Option<Timestamp> {
        let public = self.answers.iter().filter(|answer| !answer.is_sent).map(|answer| answer.at);
        let private = self.private.iter().filter(|(_, _, is_sent)| !is_sent).map(|(_, at, _)| *at);
        public.chain(private).max()
    }

    /// A reply of the outbox is out.
    pub(super) fn sent(&mut self, at: Timestamp, post: &PostId, rep: RepName, purpose: Option<Purpose>) {
        if purpose.is_some_and(Purpose::asks_for_dm) {
            self.dm_requested = self.dm_requested.max(Some(at));
        }
        self.answered(Answer { at, post: post.clone(), rep: Some(rep), is_sent: true });
    }

    /// An own post was seen on the network: sent from here, handed over or typed elsewhere.
    pub(super) fn seen_answered(&mut self, at: Timestamp, post: &PostId) {
        let closes = |handed: Timestamp| handed.duration_since(at) <= CLOCKS_DIFFER;
        let rep = self.handed_over.take_if(|(_, handed)| closes(*handed)).map(|(rep, _)| rep);
        self.answered(Answer { at, post: post.clone(), rep, is_sent: false });
    }

    /// Known twice it is one answer, out since the earlier moment.
    fn answered(&mut self, answer: Answer) {
        let (at, has_answer) = (answer.at, !self.answers.is_empty());
        let since = self.waits_after(&answer);
        match self.answers.iter_mut().find(|known| known.post == answer.post) {
            Some(known) => {
                known.at = known.at.min(answer.at);
                known.rep = known.rep.take().or(answer.rep);
                known.is_sent |= answer.is_sent;
            }
            None => self.answers.push(answer),
        }
        if !self.is_resolved {
            self.wait_since(since, at, has_answer);
        }
    }

    /// Since when the author waits after an answer, by the desk's rules.
    fn waits_after(&self, answer: &Answer) -> Option<Timestamp> {
        let known = self.answers.iter().find(|known| known.post == answer.post);
        match (known, answer.is_sent) {
            (Some(_), true) => self.waiting_since,
            (None, true) => None,
            (Some(known), false) => {
                let between = self.oldest_after(Some(answer.at)).filter(|at| *at <= known.at);
                between.into_iter().chain(self.waiting_since).min()
            }
            (None, false) => {
                let since = self.oldest_after(self.last_said().max(Some(answer.at)))?;
                self.waiting_since.map(|waited| since.max(waited))
            }
        }
    }

    pub(super) fn handed_over(&mut self, rep: &RepName, at: Timestamp) {
        self.handed_over = Some((rep.clone(), at));
    }

    pub(super) fn held_by(&mut self, rep: &RepName) {
        self.owner = Some(rep.clone());
        if !self.holders.contains(rep) {
            self.holders.push(rep.clone());
        }
    }

    pub(super) fn released(&mut self) {
        self.owner = None;
    }

    /// `undone`: it should never have been reopened, and counts neither as that nor as resolved once more.
    pub(super) fn resolved(&mut self, end: End, undone: bool) {
        let takes_back = undone && !self.is_resolved;
        self.is_resolved = true;
        self.snoozed_until = None;
        self.wait_since(None, end.at, !self.answers.is_empty());
        match self.ends.last_mut().filter(|last| takes_back && last.reopened) {
            Some(last) => last.reopened = false,
            None => self.ends.push(end),
        }
    }

    /// Taken up again by a rep; nothing where it is open. `undone`: it should never have been resolved.
    pub(super) fn taken_up(&mut self, undone: bool) {
        if !self.is_resolved {
            return;
        }
        if undone {
            self.never_ended();
        } else {
            self.reopen();
        }
        let said = self.last_said();
        let began = self.began.as_ref().map(|(at, _)| *at).filter(|_| said.is_none());
        self.waiting_since = self.oldest_after(said).or(began);
    }

    /// Taken up again; nothing where it is open.
    fn reopen(&mut self) {
        if std::mem::replace(&mut self.is_resolved, false)
            && let Some(end) = self.ends.last_mut()
        {
            end.reopened = true;
        }
    }

    /// Its last resolve was a mistake and was taken back: it counts as neither resolved nor reopened.
    fn never_ended(&mut self) {
        if std::mem::replace(&mut self.is_resolved, false) {
            self.ends.pop();
        }
    }

    /// The answer that stopped the first clock.
    pub(super) fn first_answer(&self) -> Option<&Answer> {
        let began = self.began.as_ref()?.0;
        self.answers.iter().filter(|answer| answer.is_sent || answer.at >= began).min_by_key(|answer| answer.at)
    }

    /// The newest answer.
    pub(super) fn last_answer(&self) -> Option<&Answer> {
        self.answers.iter().max_by_key(|answer| answer.at)
    }

    pub(super) fn was_reopened(&self) -> bool {
        self.ends.iter().any(|end| end.reopened)
    }

    /// One answer was enough.
    pub(super) fn was_handled_at_once(&self) -> bool {
        let first = self.first_answer();
        self.is_resolved
            && !self.was_reopened()
            && first.is_some_and(|first| self.last_wish.is_none_or(|wish| wish <= first.at))
    }
}
