//! What the deck keeps for itself between messages. Nothing of it is shown.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::Mode;
use super::command::Command;
use super::composer::Composer;
use super::effect::AppendToken;
use super::texts::Texts;
use crate::desk::{CaseDraft, PostView};
use crate::model::{
    AccountName, AuthorId, BegunNote, Body, BodyId, CaseId, DraftText, Event, EventId, PostId, Purpose, RepName,
    ReplyId, Verdict,
};

/// The deck's own bookkeeping.
#[derive(Debug, Default)]
pub struct Books {
    /// The next append's number.
    pub(super) next_token: u64,
    /// The events of each append under way that have not come back as envelopes yet.
    pub(super) under_way: BTreeMap<AppendToken, BTreeSet<EventId>>,
    /// The shell was told to send these; said once each.
    pub(super) told_to_send: BTreeSet<ReplyId>,
    /// Their attempt did not reach the log: tried again with every tick, told once.
    pub(super) not_begun: BTreeSet<ReplyId>,
    /// Of a run that is gone, young enough to be held anew, and their text has still to be read.
    pub(super) adopting: BTreeSet<ReplyId>,
    /// Claims of sessions that were cut off, being given back: the case and who had it.
    pub(super) releasing: BTreeMap<AppendToken, (CaseId, RepName)>,
    /// Taken back here; not to be sent while the log has not said so.
    pub(super) recalled: BTreeMap<ReplyId, AppendToken>,
    /// Queued from here, newest last, in the order of the keys.
    pub(super) queued: Vec<QueuedHere>,
    /// Replies the quit question was asked for.
    pub(super) quit_waits_for: BTreeSet<ReplyId>,
    /// The composer under a preview.
    pub(super) composer: Option<Box<Composer>>,
    /// When each draft of this run began, for the guard against answering twice.
    pub(super) began: BTreeMap<(CaseId, Purpose), Timestamp>,
    /// A command that wants the same key once more.
    pub(super) armed: Option<(Command, String)>,
    /// What the last frame's clocks showed; a tick that shows the same is no reason for a frame.
    pub(super) clock_face: u64,
    /// Screens below the one Esc leads to.
    pub(super) deeper: Vec<Mode>,
    /// Posts that came in since a column last had the keys.
    pub(super) arrived: BTreeMap<usize, usize>,
    /// The case whose events the store was asked for.
    pub(super) asked_case: Option<CaseId>,
    /// The append that carries the newest text of the open draft.
    pub(super) draft_append: Option<AppendToken>,
    /// Batches with words of the rep that the store has not confirmed yet, in the order they were made: tried again
    /// until it does.
    pub(super) keeping: Vec<Keeping>,
    /// A draft to be opened once the store has brought what it lacks.
    pub(super) opening: Option<Opening>,
    /// Who was asked for at the network whether they take direct messages, and the post in hand then.
    pub(super) asked_private: Option<(AuthorId, PostView)>,
    /// What the network said of it, and when.
    pub(super) may_message: BTreeMap<AuthorId, (Verdict, Timestamp)>,
    /// What networks said of posts when they were asked.
    pub(super) asked_of: super::asked_of::AskedOf,
    /// When each post was last looked up, and the next look.
    pub(super) looked_up: BTreeMap<PostId, Timestamp>,
    pub(super) next_look: Option<Timestamp>,
    /// Deeds that `u` takes back, newest last.
    pub(super) done: Vec<super::deeds::Done>,
    /// Cases put off, by when they are back.
    pub(super) snoozes: BTreeSet<(Timestamp, CaseId)>,
    /// Which cases became overdue, and who knows.
    pub(super) overdue: super::overdue::Overdue,
    /// Reps whose deeds came in during this run.
    pub(super) reps_seen: BTreeSet<RepName>,
    /// The case in hand and since when, for the read mark.
    pub(super) in_hand: Option<(CaseId, Timestamp)>,
    /// Read marks on their way to the log: up to when.
    pub(super) read_told: BTreeMap<CaseId, Timestamp>,
    /// Cases that `n` has been to in this round, with the newest of theirs that was seen then.
    pub(super) visited: BTreeMap<CaseId, Timestamp>,
    /// What was told of the rep's whereabouts.
    pub(super) telling: super::presence::Telling,
    /// Notes begun and left in this run: their newest words, which the log may not have brought back yet.
    pub(super) notes_begun: BTreeMap<CaseId, BegunNote>,
    /// A note begun in an earlier run, whose words the store was asked for.
    pub(super) asked_note: Option<CaseId>,
    /// The append that carries the newest words of the open note.
    pub(super) note_append: Option<AppendToken>,
    /// A draft to be opened once the case made for its post has come back from the log.
    pub(super) draft_after: Option<(PostView, Purpose)>,
    /// Reports asked for in this run.
    pub(super) reports: u64,
    /// What was typed to call up the saved replies; put back if none is taken.
    pub(super) called_by: &'static str,
    /// Cases being handed over by the rule for repeat contacts, and all for which that was asked.
    pub(super) raising: BTreeMap<AppendToken, CaseId>,
    pub(super) raised: BTreeSet<CaseId>,
    /// The store did not take one.
    pub(super) raise_again: bool,
    /// Which texts are at hand.
    pub(super) texts: Texts,
    pub(super) answer_texts: super::conversation::AnswerTexts,
    /// The case in the pane beside the columns, and since when.
    pub(super) in_pane: Option<(CaseId, Timestamp)>,
    /// How far the screen that has the keys can be scrolled, once it was drawn.
    pub(super) scroll_end: Option<u16>,
    /// What each link said since it last lived.
    pub(super) ills: BTreeMap<AccountName, BTreeSet<String>>,
}

/// A draft that waits for the store.
#[derive(Clone, Debug)]
pub(super) struct Opening {
    pub(super) post: PostView,
    pub(super) purpose: Purpose,
    /// Whose draft.
    pub(super) of: Option<RepName>,
    /// Not answered yet.
    pub(super) awaited: Vec<BodyId>,
}

/// A batch that must not be lost to a store that takes nothing for a while.
#[derive(Clone, Debug)]
pub(super) struct Keeping {
    pub(super) events: Vec<(Event, Option<Body>)>,
    /// The append under way; `None` while it waits to be tried again.
    pub(super) token: Option<AppendToken>,
    /// The store refused it once; told then.
    pub(super) has_failed: bool,
    /// The draft it saves.
    pub(super) draft: Option<(CaseId, Purpose, CaseDraft)>,
}

/// A reply queued in this run, and how to get it back into the editor.
#[derive(Clone, Debug)]
pub(super) struct QueuedHere {
    pub(super) reply: ReplyId,
    pub(super) case: CaseId,
    pub(super) to: PostId,
    pub(super) purpose: Purpose,
    pub(super) typed: DraftText,
    pub(super) token: AppendToken,
    /// When its draft began, for the guard, should the case have been changed first.
    pub(super) began: Timestamp,
}
