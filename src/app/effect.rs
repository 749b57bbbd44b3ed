//! What the shell must do. Effects are data: they can be printed, compared and replayed.

use jiff::Timestamp;

use super::adding::NewColumn;
use crate::desk::report::Terms;
use crate::model::spend::Gauge;
use crate::model::{
    AccountName, AuthorId, BodyId, CaseId, ColumnName, Expect, GapId, NetworkKind, NewEvent, PostId, ReplyId, Search,
    Whereabouts,
};
use crate::rules::Rule;

/// Ties the answer of an append to what asked for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AppendToken(pub u64);

/// One deed for the shell.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Append to the log; the answer comes as [`super::Msg::Appended`].
    Append {
        token: AppendToken,
        events: Vec<NewEvent>,
        expect: Option<Expect>,
    },
    /// The hold has run out: attempt this reply. The shell writes `ReplyAttempted` before the request and the
    /// outcome after it.
    Send {
        reply: ReplyId,
    },
    /// Look on the network whether a reply without outcome was published.
    ReadBack {
        reply: ReplyId,
    },
    ReadBodies {
        ids: Vec<BodyId>,
    },
    ReadOlder {
        column: usize,
        name: ColumnName,
        before: (Timestamp, PostId),
    },
    ReadCase {
        case: CaseId,
    },
    /// Search the store; the answer comes as [`super::FromStore::Found`].
    Find {
        words: String,
        search: Box<Search>,
    },
    /// In which case a note or a reply stands that was found; the answer comes as [`super::FromStore::TextOf`].
    FindCaseOf {
        text: BodyId,
    },
    /// What the store knows of somebody; the answer comes as [`super::FromStore::Person`].
    ReadPerson {
        author: AuthorId,
    },
    /// Search the network itself; the answer comes as [`super::Msg::FoundOnNetwork`]. The rep has agreed to the price.
    FindOnNetwork {
        account: AccountName,
        words: String,
        query: Rule,
        /// About so many posts at most.
        most: u64,
    },
    /// Read the log for a report; the answers come as [`super::Msg::Report`]. An older number's is wanted no more.
    Report {
        number: u64,
        terms: Box<Terms>,
    },
    FillGap {
        gap: GapId,
    },
    /// Look what a query would have caught in the last days; the answer comes as [`super::FromStore::Caught`].
    TryQuery {
        rule: Rule,
        network: NetworkKind,
    },
    /// Ask the network about a query; the answer comes as [`super::Msg::Gauged`].
    Gauge {
        account: AccountName,
        rule: Rule,
        gauge: Gauge,
    },
    /// Write a column into the config file; the answer comes as [`super::Msg::ColumnAdded`].
    AddColumn {
        column: NewColumn,
    },
    /// Look whether these posts still stand; what changed comes through the log.
    LookUp {
        account: AccountName,
        posts: Vec<PostId>,
    },
    /// Ask the network whether somebody takes direct messages; the answer comes as [`super::Msg::MayMessage`].
    AskMayMessage {
        account: AccountName,
        author: AuthorId,
    },
    /// Ask the network what it says of these posts; the answer comes as [`super::Msg::ToldOfPosts`].
    AskOfPosts {
        account: AccountName,
        posts: Vec<PostId>,
    },
    /// Open a page in the browser, or show its bare address where there is none.
    Open {
        url: String,
    },
    /// Let the rep publish this text on the network's own page.
    HandOver {
        /// The page with the text in it.
        url: String,
        /// The page without the text.
        bare: String,
        /// Already clean.
        text: String,
    },
    /// Put on the clipboard by OSC 52; already clean.
    Copy {
        text: String,
    },
    /// Hand the text to `$EDITOR`; the answer comes as [`super::Msg::EditorClosed`].
    EditExternally {
        text: String,
    },
    Bell,
    /// Let the other runs on this host know where the rep is. Nothing of it is kept.
    TellPresence {
        at: Whereabouts,
    },
    /// Ctrl-Z.
    Suspend,
    /// Repaint everything (Ctrl-L).
    Repaint,
    Quit,
}
