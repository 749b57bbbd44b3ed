//! What the screen asks of the deck: answers worked out from the state, changing nothing.

use jiff::{SignedDuration, Timestamp};

use super::command::ModeKind;
use super::{App, ColumnSetup, Queue};
use crate::desk::{Case, CaseDraft, PostView, Reply};
use crate::model::{Account, AccountName, CaseId, ColumnName, Delivery, LinkReport, LinkState, Purpose, ReplyId};

/// From so many cells on the case pane stays open beside the columns.
pub const PANE_FROM: u16 = 150;

/// A stream that lives sends something at least so often; X promises it. What is older is told to the second.
pub const KEEP_ALIVE: SignedDuration = SignedDuration::from_secs(20);

/// Whether a link lives and its last byte is as young as it should be.
pub fn is_heard_in_time(report: &LinkReport, now: Timestamp) -> bool {
    let is_young = report.last_byte.is_some_and(|last| now.duration_since(last) < KEEP_ALIVE);
    is_young && report.state == LinkState::Live
}

impl App {
    /// Own replies of this run in their hold, the next to go first, with when each goes.
    pub fn held(&self) -> Vec<(&Reply, Timestamp)> {
        let mut held: Vec<_> = self
            .desk
            .replies
            .values()
            .filter(|reply| reply.session == self.setup.session && reply.rep == self.setup.me)
            .filter(|reply| {
                !self.books.told_to_send.contains(&reply.id) && !self.books.recalled.contains_key(&reply.id)
            })
            .filter_map(|reply| match reply.delivery {
                Delivery::Queued { until } => Some((reply, until)),
                _ => None,
            })
            .collect();
        held.sort_by_key(|(reply, until)| (*until, reply.id));
        held
    }

    /// The hold of this reply has run out and the shell has it: it cannot be taken back any more.
    pub fn is_told_to_send(&self, reply: ReplyId) -> bool {
        self.books.told_to_send.contains(&reply)
    }

    /// The outbox: every reply that is not finished, the ones that need a hand first, then by age.
    pub fn outbox(&self) -> Vec<&Reply> {
        let mut replies: Vec<_> = self.desk.unfinished_replies().collect();
        replies.sort_by_key(|reply| (!needs_a_hand(reply), reply.queued, reply.id));
        replies
    }

    /// How many replies failed or are parked; they stay in sight until sent, edited or dropped.
    pub fn need_a_hand(&self) -> usize {
        self.desk.unfinished_replies().filter(|reply| needs_a_hand(reply)).count()
    }

    /// All drafts, the newest first; of one the store has not taken, its text as it was typed last.
    pub fn drafts(&self) -> Vec<(&Case, Purpose, &CaseDraft)> {
        let of_case = |case| {
            let case: &Case = case;
            case.drafts.iter().map(move |draft| (case, draft.purpose, draft))
        };
        let is_unsaved =
            |of: CaseId, kind: Purpose| self.unsaved_drafts().any(|(case, purpose, _)| (case, purpose) == (of, kind));
        let mut drafts: Vec<_> = self.desk.cases.values().flat_map(of_case).collect();
        drafts.retain(|(case, purpose, draft)| draft.rep != self.setup.me || !is_unsaved(case.id, *purpose));
        let unsaved = self.unsaved_drafts();
        drafts.extend(unsaved.filter_map(|(case, purpose, draft)| Some((self.desk.cases.get(&case)?, purpose, draft))));
        drafts.sort_by_key(|(case, purpose, draft)| (std::cmp::Reverse(draft.saved), case.number, *purpose));
        drafts
    }

    /// The case of the post in hand.
    pub fn case_in_hand(&self) -> Option<&Case> {
        let post = self.post_in_hand()?;
        post.case.and_then(|case| self.desk.cases.get(&case)).or_else(|| self.desk.case_of(&post.id))
    }

    pub fn account(&self, name: &AccountName) -> Option<&Account> {
        self.setup.accounts.iter().find(|account| account.name == *name)
    }

    pub fn column_setup(&self, name: &ColumnName) -> Option<&ColumnSetup> {
        self.setup.columns.iter().find(|column| column.name == *name)
    }

    /// The account a reply to this post goes out as: the focused column's where it holds the post, else that of the
    /// first column in config order that does.
    pub fn reply_account(&self, post: &PostView) -> Option<&Account> {
        let focused = self.setup.columns.get(self.focus).filter(|column| post.columns.contains(&column.name));
        let any = || self.setup.columns.iter().find(|column| post.columns.contains(&column.name));
        let network = post.id.network();
        let of_network = || self.setup.columns.iter().find(|column| column.on(network).is_some());
        let column = focused.or_else(any).filter(|column| column.on(network).is_some()).or_else(of_network)?;
        self.account(&column.on(network)?.reply_as)
    }

    /// Cases that wait for longer than they may.
    pub fn overdue(&self) -> usize {
        self.queues.len(Queue::Overdue)
    }

    /// The case pane stands beside the columns.
    pub fn has_pane(&self) -> bool {
        self.size.0 >= PANE_FROM
    }

    /// The mode under the palette, the command line or the help: whose keys the help tells and whose commands
    /// the palette finds.
    pub fn mode_below(&self) -> ModeKind {
        self.back.as_ref().map_or(ModeKind::Columns, |mode| mode.kind())
    }

    /// An own action on this case is on its way to the log; the word for it, such as `claiming`.
    pub fn pending_word(&self, case: CaseId) -> Option<&'static str> {
        self.pending.values().rev().find(|action| action.case == Some(case)).map(|action| action.word)
    }
}

/// Failed and parked replies go nowhere by themselves.
pub fn needs_a_hand(reply: &Reply) -> bool {
    matches!(reply.delivery, Delivery::Failed { .. } | Delivery::Parked { .. })
}
