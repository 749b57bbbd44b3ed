//! What happened on the desk. Everything that changes it is one of these, appended to one log.

use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::body::{Body, BodyId};
use super::goodbye;
use super::id::{
    AccountName, AuthorId, CaseId, ColumnName, ConversationId, EventId, GapId, MachineName, MessageId, PostId, RepName,
    ReplyId, Seq, SessionId,
};
use super::link::GapFill;
use super::post::Post;
use super::price::Money;
use super::reply::Purpose;
use super::spend::{Charge, Usage};

/// The version new events are written with.
pub const EVENT_VERSION: u16 = 1;

/// An event with everything the log knows of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Envelope {
    pub id: EventId,
    pub seq: Seq,
    /// When it was appended, by the clock of the machine that did.
    pub at: Timestamp,
    pub rep: RepName,
    pub machine: MachineName,
    pub version: u16,
    pub event: Event,
    /// The text the event speaks of ([`Event::body_id`]), as it is *now* in the store; absent where there is
    /// none or it was erased.
    pub body: Option<Body>,
}

/// An event on its way to the log.
#[derive(Clone, Debug, PartialEq)]
pub struct NewEvent {
    pub id: EventId,
    pub at: Timestamp,
    pub rep: RepName,
    pub machine: MachineName,
    pub event: Event,
    /// Written in the same transaction, in place of an older text with the same [`BodyId`].
    pub body: Option<Body>,
}

/// The last place at which the one who appends knew the case; see `log::Log::append`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expect {
    pub case: CaseId,
    pub seq: Seq,
}

/// Why an own action did not reach the log.
#[derive(Clone, Debug, PartialEq)]
pub enum NotAppended {
    /// Somebody else was first; this is what they did.
    Conflict { winner: Arc<Envelope> },
    /// The store could not take it; the words say what to do.
    Failed { why: String },
}

/// Past tense, and ids only: never a customer's words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind")]
pub enum Event {
    /// A post came in that one or more columns asked for.
    PostMatched {
        post: PostId,
        author: AuthorId,
        conversation: ConversationId,
        columns: Vec<ColumnName>,
        posted_at: Timestamp,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        in_reply_to: Option<PostId>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        in_reply_to_author: Option<AuthorId>,
        standing: Standing,
    },
    PostEdited {
        post: PostId,
    },
    PostDeleted {
        post: PostId,
    },
    BodyErased {
        body: BodyId,
    },

    CaseOpened {
        case: CaseId,
        author: AuthorId,
        conversation: ConversationId,
        post: PostId,
        posted_at: Timestamp,
    },
    CaseClaimed {
        case: CaseId,
    },
    CaseReleased {
        case: CaseId,
    },
    CaseAssigned {
        case: CaseId,
        to: RepName,
    },
    CaseTagged {
        case: CaseId,
        tag: String,
        /// `false` takes the tag away.
        on: bool,
    },
    /// To be looked at before others, or no more.
    CasePrioritised {
        case: CaseId,
        high: bool,
    },
    /// Put off until then, or until the customer writes.
    CaseSnoozed {
        case: CaseId,
        until: Timestamp,
    },
    /// Back from a snooze by a rep's hand.
    CaseWoken {
        case: CaseId,
    },
    /// Nobody answered for as long as an answer may take at most; written once for each wait, by whichever deck saw it
    /// first.
    CaseOverdue {
        case: CaseId,
        /// The time of the post that waits.
        since: Timestamp,
    },
    CaseResolved {
        case: CaseId,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cause: Option<String>,
        /// How it ended for the customer, in the team's word.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        outcome: Option<String>,
        /// A goodbye does not reopen it.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        closing: bool,
        /// What the case was called on the desk that resolved it: a desk that has forgotten it can still name it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        number: Option<u64>,
        /// It takes back a reopening that was a mistake: the case never was open again, so it counts neither as
        /// reopened nor as resolved once more.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        undone: bool,
    },
    CaseReopened {
        case: CaseId,
        /// It takes back a resolve that was a mistake: the case never ended, so it does not count as reopened.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        undone: bool,
    },
    /// A rep says that this later post shows the customer turned from angry to happy, or takes it back.
    CaseTurnedRound {
        case: CaseId,
        post: PostId,
        on: bool,
    },
    /// The rep of the envelope has seen the case's posts up to this moment of theirs.
    CaseRead {
        case: CaseId,
        upto: Timestamp,
    },
    NoteAdded {
        case: CaseId,
        /// The body is named by the event's own id, repeated here so that the event stands alone.
        note: EventId,
    },

    /// A note somebody began; nobody has left it in the case yet.
    NoteBegun {
        case: CaseId,
        /// Whose it is, repeated from the envelope because the body is named by it.
        rep: RepName,
        /// `false`: given up, or emptied.
        on: bool,
    },

    DraftSaved {
        case: CaseId,
        purpose: Purpose,
        /// Whose it is, repeated from the envelope because the body is named by it. Absent in logs of the time when
        /// all reps shared one draft of a purpose.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        rep: Option<RepName>,
        /// The post it was begun for; absent in older logs.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        to: Option<PostId>,
    },
    DraftDropped {
        case: CaseId,
        purpose: Purpose,
        /// Whose draft goes; absent as above.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        rep: Option<RepName>,
    },
    ReplyQueued {
        reply: ReplyId,
        case: CaseId,
        to: PostId,
        purpose: Purpose,
        account: AccountName,
        until: Timestamp,
        session: SessionId,
    },
    /// Taken back during the hold.
    ReplyRecalled {
        reply: ReplyId,
        case: CaseId,
    },
    /// Written right before the request: from here on it may be public.
    ReplyAttempted {
        reply: ReplyId,
        case: CaseId,
        session: SessionId,
    },
    ReplySent {
        reply: ReplyId,
        case: CaseId,
        post: PostId,
    },
    ReplyFailed {
        reply: ReplyId,
        case: CaseId,
        why: String,
        may_retry: bool,
    },
    /// Reading back did not tell whether it was published.
    ReplyParked {
        reply: ReplyId,
        case: CaseId,
        why: String,
    },
    /// The rep gave up on a failed or parked reply.
    ReplyDropped {
        reply: ReplyId,
        case: CaseId,
    },
    /// The rep took the text to the network's own page to post it there.
    ReplyHandedOver {
        reply: ReplyId,
        case: CaseId,
        to: PostId,
        purpose: Purpose,
        account: AccountName,
    },

    /// The network took a direct message of the outbox.
    ReplyDelivered {
        reply: ReplyId,
        case: CaseId,
        message: MessageId,
    },
    /// Somebody wrote one of our accounts a direct message; the desk finds the case it belongs to.
    DmReceived {
        message: MessageId,
        author: AuthorId,
        account: AccountName,
        sent_at: Timestamp,
    },
    /// One of our accounts wrote somebody a direct message, as the network shows it: from here or elsewhere.
    DmSent {
        message: MessageId,
        to: AuthorId,
        account: AccountName,
        sent_at: Timestamp,
    },
    /// Somebody asked not to be contacted in public any more: nobody on the team mentions them until it is lifted.
    AuthorOptedOut {
        author: AuthorId,
        /// Where they said so.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        post: Option<PostId>,
    },
    /// They may be contacted again.
    AuthorOptOutLifted {
        author: AuthorId,
    },

    GapOpened {
        gap: GapId,
        columns: Vec<ColumnName>,
        from: Timestamp,
        /// Whose link it was; events written before there were several networks do not say.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        account: Option<AccountName>,
    },
    GapClosed {
        gap: GapId,
        to: Timestamp,
    },
    GapFilled {
        gap: GapId,
        fill: GapFill,
    },

    /// What a network bills was done. Several processes may tell of the same act; what it names is billed once a day.
    Spent {
        account: AccountName,
        /// Of UTC, as the network bills.
        day: Date,
        charges: Vec<Charge>,
    },
    /// A rep raised the account's limit for this one day.
    SpendLimitRaised {
        account: AccountName,
        day: Date,
        to: Money,
    },
    /// The network told what it has counted itself.
    UsageTold {
        account: AccountName,
        usage: Usage,
    },

    /// A kind written by a later version: kept in the store as it is, passed over by the fold.
    #[serde(skip)]
    Unknown {
        kind: String,
    },
}

/// Whose post it is, seen from the desk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// Somebody outside: opens or joins a case.
    Customer,
    /// One of our accounts wrote it, here or elsewhere.
    Own,
    /// Somebody outside who says no more than thanks or goodbye: opens or joins a case like any customer's post, but
    /// does not reopen one that was closed so.
    Goodbye,
    /// Passed on without a word: no case.
    Repost,
    /// Passed on with words of its own: no case by itself, a rep may open one.
    Quote,
}

impl Standing {
    /// What the post is to the desk; `is_own`: one of our accounts wrote it.
    pub fn of(post: &Post, is_own: bool) -> Self {
        if is_own {
            Standing::Own
        } else if post.is_repost {
            Standing::Repost
        } else if post.quotes.is_some() {
            Standing::Quote
        } else if goodbye::is_goodbye(&post.text) {
            Standing::Goodbye
        } else {
            Standing::Customer
        }
    }

    /// Whether a case is opened by it, or joined.
    pub fn makes_case(self) -> bool {
        matches!(self, Standing::Customer | Standing::Goodbye)
    }
}

impl Event {
    /// The case the event changes; `None` for what concerns posts and gaps only.
    pub fn case(&self) -> Option<CaseId> {
        match self {
            Event::CaseOpened { case, .. }
            | Event::CaseClaimed { case }
            | Event::CaseReleased { case }
            | Event::CaseAssigned { case, .. }
            | Event::CaseTagged { case, .. }
            | Event::CasePrioritised { case, .. }
            | Event::CaseSnoozed { case, .. }
            | Event::CaseWoken { case }
            | Event::CaseOverdue { case, .. }
            | Event::CaseResolved { case, .. }
            | Event::CaseReopened { case, .. }
            | Event::CaseTurnedRound { case, .. }
            | Event::CaseRead { case, .. }
            | Event::NoteAdded { case, .. }
            | Event::NoteBegun { case, .. }
            | Event::DraftSaved { case, .. }
            | Event::DraftDropped { case, .. }
            | Event::ReplyQueued { case, .. }
            | Event::ReplyRecalled { case, .. }
            | Event::ReplyAttempted { case, .. }
            | Event::ReplySent { case, .. }
            | Event::ReplyFailed { case, .. }
            | Event::ReplyParked { case, .. }
            | Event::ReplyDropped { case, .. }
            | Event::ReplyHandedOver { case, .. }
            | Event::ReplyDelivered { case, .. } => Some(*case),
            Event::PostMatched { .. }
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
            | Event::Unknown { .. } => None,
        }
    }

    /// Whether two reps can race for it: only such events count in compare-and-set, so that a saved
    /// draft or a new tag never makes somebody's claim fail.
    pub fn contends(&self) -> bool {
        match self {
            Event::CaseClaimed { .. }
            | Event::CaseReleased { .. }
            | Event::CaseAssigned { .. }
            | Event::CaseSnoozed { .. }
            | Event::CaseWoken { .. }
            | Event::CaseResolved { .. }
            | Event::CaseReopened { .. }
            | Event::ReplyQueued { .. }
            | Event::ReplyRecalled { .. }
            | Event::ReplyAttempted { .. }
            | Event::ReplySent { .. }
            | Event::ReplyDelivered { .. }
            | Event::ReplyHandedOver { .. } => true,
            Event::CaseOpened { .. }
            | Event::CaseOverdue { .. }
            | Event::CaseTagged { .. }
            | Event::CasePrioritised { .. }
            | Event::CaseTurnedRound { .. }
            | Event::CaseRead { .. }
            | Event::NoteAdded { .. }
            | Event::NoteBegun { .. }
            | Event::DraftSaved { .. }
            | Event::DraftDropped { .. }
            | Event::ReplyFailed { .. }
            | Event::ReplyParked { .. }
            | Event::ReplyDropped { .. }
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
            | Event::Unknown { .. } => false,
        }
    }

    /// The text the event speaks of. An envelope whose event names one but carries none was erased.
    pub fn body_id(&self) -> Option<BodyId> {
        match self {
            Event::PostMatched { post, .. } | Event::PostEdited { post } => Some(BodyId::post(post)),
            Event::NoteAdded { note, .. } => Some(BodyId::note(*note)),
            Event::NoteBegun { case, rep, on: true } => Some(BodyId::note_begun(*case, rep)),
            Event::DraftSaved { case, purpose, rep: Some(rep), .. } => Some(BodyId::draft_of(*case, *purpose, rep)),
            Event::DraftSaved { case, purpose, rep: None, .. } => Some(BodyId::draft(*case, *purpose)),
            Event::ReplyQueued { reply, .. } | Event::ReplyHandedOver { reply, .. } => Some(BodyId::reply(*reply)),
            Event::DmReceived { message, .. } | Event::DmSent { message, .. } => Some(BodyId::message(message)),
            Event::PostDeleted { .. }
            | Event::BodyErased { .. }
            | Event::ReplyDelivered { .. }
            | Event::AuthorOptedOut { .. }
            | Event::AuthorOptOutLifted { .. }
            | Event::CaseOpened { .. }
            | Event::CaseClaimed { .. }
            | Event::CaseReleased { .. }
            | Event::CaseAssigned { .. }
            | Event::CaseTagged { .. }
            | Event::CasePrioritised { .. }
            | Event::CaseSnoozed { .. }
            | Event::CaseWoken { .. }
            | Event::CaseOverdue { .. }
            | Event::CaseResolved { .. }
            | Event::CaseReopened { .. }
            | Event::CaseTurnedRound { .. }
            | Event::CaseRead { .. }
            | Event::NoteBegun { on: false, .. }
            | Event::DraftDropped { .. }
            | Event::ReplyRecalled { .. }
            | Event::ReplyAttempted { .. }
            | Event::ReplySent { .. }
            | Event::ReplyFailed { .. }
            | Event::ReplyParked { .. }
            | Event::ReplyDropped { .. }
            | Event::GapOpened { .. }
            | Event::GapClosed { .. }
            | Event::GapFilled { .. }
            | Event::Spent { .. }
            | Event::SpendLimitRaised { .. }
            | Event::UsageTold { .. }
            | Event::Unknown { .. } => None,
        }
    }
}
