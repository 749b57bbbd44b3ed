//! What reaches the deck, through one inbox in one order.

use std::sync::Arc;

use crossterm::event::KeyEvent;
use jiff::Timestamp;

use super::effect::AppendToken;
use super::{FromStore, Notice, ReportTold, Setup};
use crate::model::spend::{Gauge, Gauged};
use crate::model::{
    Account, AccountName, AuthorId, ColumnName, Envelope, FoundOnNetwork, GoneSession, LinkReport, LoginReport,
    NotAppended, Presence, ReplyId, Seq, ToldOfPost, Verdict,
};

/// One message.
#[derive(Debug)]
pub enum Msg {
    Key(KeyEvent),
    /// Bracketed paste, as it came; the composer cleans it.
    Paste(String),
    Resized {
        columns: u16,
        rows: u16,
    },
    /// A second has passed.
    Tick,
    /// Events of the log, in order.
    Envelopes(Vec<Arc<Envelope>>),
    /// The last event that was in the log at the start has been folded.
    CaughtUp,
    /// Unfinished replies of this rep and machine whose run of the program is gone: take them over.
    Adopt(Vec<ReplyId>),
    /// All runs on this host that ended without a goodbye and whose reps are not back.
    Gone(Vec<GoneSession>),
    /// What the other runs on this host tell of their reps now.
    Present(Vec<Presence>),
    Link(LinkReport),
    /// What the network told of an account of ours once it was reached: its id, what its server takes.
    Account(Account),
    /// How the login of an account stands now.
    Login(LoginReport),
    Appended {
        token: AppendToken,
        result: Result<Seq, NotAppended>,
    },
    Store(FromStore),
    /// What the network's own search brought for these words.
    FoundOnNetwork {
        words: String,
        found: FoundOnNetwork,
    },
    /// What became of a report that was asked for.
    Report {
        number: u64,
        told: ReportTold,
    },
    /// A reply may not be sent before then.
    SendWaits {
        reply: ReplyId,
        until: Timestamp,
    },
    /// The attempt of a reply did not reach the log, so nothing left this machine: it is still to be sent.
    NotBegun {
        reply: ReplyId,
        why: String,
    },
    /// Whether somebody takes direct messages, as the network said.
    MayMessage {
        author: AuthorId,
        verdict: Verdict,
    },
    /// What the network says of posts, asked as this account.
    ToldOfPosts {
        account: AccountName,
        told: Vec<ToldOfPost>,
    },
    EditorClosed(Result<String, String>),
    /// The config file changed: the new settings, or why the old ones stay.
    Reloaded(Result<Box<Setup>, String>),
    /// What the network says of a query that is no column yet.
    Gauged {
        query: String,
        gauge: Gauge,
        answer: Result<Gauged, String>,
    },
    /// A new column is in the config file, which is named, or why not.
    ColumnAdded {
        name: ColumnName,
        result: Result<String, String>,
    },
    Notice(Notice),
    /// What the last frame showed: posts per column of `App::columns`.
    Shown(Vec<usize>),
    /// How far the screen that has the keys can be scrolled as it was drawn last; `None` where it counts itself.
    ScrollEnd(Option<u16>),
    /// So many of the notices that wait for a key stand on the screen.
    Told(usize),
    /// The terminal is gone or a signal came.
    Stop,
}
