//! The deck's state and what keys do to it. Sync and pure: [`update`] takes a message and hands back what the
//! shell must do, as data.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use jiff::Timestamp;

use crate::desk::{Desk, PostView};
use crate::model::{
    AccountName, Body, BodyId, CaseId, Envelope, Found, FoundPerson, GoneSession, Hit, IdSource, LinkReport,
    LoginState, NetworkKind, PostId, Presence, RepName, ReplyId, Seq,
};

mod acts;
pub mod adding;
mod asked_of;
pub mod asking;
pub mod books;
mod cannot;
pub mod chord;
pub mod clipboard;
pub mod column;
pub mod command;
pub mod compose_text;
pub mod composer;
pub mod conversation;
mod deeds;
mod drafted_for;
pub mod effect;
mod filling;
pub mod finding;
mod forgetting;
mod gap_rows;
mod greeting;
mod happy;
pub mod history;
mod holding;
mod ingest;
mod keeping;
pub mod keymap;
mod keys;
mod left_behind;
mod line;
pub mod msg;
pub mod notice;
pub mod noting;
mod opting_out;
mod overdue;
pub mod people;
pub mod person;
mod picking;
pub mod presence;
pub mod preview;
mod private;
pub mod queue;
pub mod reading;
pub mod reporting;
mod roles;
mod sending;
pub mod setup;
pub mod spending;
mod texts;
mod unread;
pub mod until;
mod update;
mod walk;
pub mod writing;

pub use adding::{Adding, Caught, NewColumn};
pub use asking::{CaseLine, Resolving};
pub use column::ColumnView;
pub use composer::Composer;
pub use effect::{AppendToken, Effect};
pub use history::HistoryScreen;
pub use msg::Msg;
pub use notice::{Notice, Notices};
pub use noting::NoteEditor;
pub use person::{PersonRecord, PersonScreen};
pub use preview::Preview;
pub use queue::{Queue, Queues};
pub use reporting::{ReportScreen, ReportTold};
pub use setup::{ColumnSetup, ColumnSource, Setup};
pub use spending::SpendScreen;
pub use update::update;

/// Everything the screen shows and the keys act on.
#[derive(Debug)]
pub struct App {
    pub setup: Setup,
    pub desk: Desk,
    /// Handed in with every message; what every age and clock on the screen is reckoned from.
    pub now: Timestamp,
    /// In config order, one for one with `setup.columns`, then with `setup.queues`.
    pub columns: Vec<ColumnView>,
    /// The order of the queue columns.
    pub queues: Queues,
    /// Index of the column that has the keys.
    pub focus: usize,
    pub mode: Mode,
    /// Keys of a prefix typed so far, such as `g`; waits for ever and shows what may follow.
    pub prefix: String,
    /// What was told.
    pub notices: Notices,
    /// The latest report of each account's link.
    pub links: BTreeMap<AccountName, LinkReport>,
    /// Of accounts whose logins are renewed here.
    pub logins: BTreeMap<AccountName, LoginState>,
    /// Newest last, bounded: the connection log.
    pub link_log: VecDeque<(Timestamp, AccountName, String)>,
    /// Own actions on their way to the log, by case: shown as pending until the envelope comes back.
    pub pending: BTreeMap<AppendToken, PendingAction>,
    /// Replies that wait for the network's permission, and until when.
    pub send_waits: BTreeMap<ReplyId, Timestamp>,
    /// Cases marked for one deed over all of them.
    pub marked: BTreeSet<CaseId>,
    /// Runs that ended without a goodbye: nobody looks after what they claimed.
    pub gone: Vec<GoneSession>,
    /// Who is at work in the other runs on this host, and at what.
    pub present: Vec<Presence>,
    /// The store's past has been folded; before that the screen says it is loading.
    pub caught_up: bool,
    /// That past, where it is known: the desk's place at the start and the log's.
    pub past: Option<(Seq, Seq)>,
    /// Terminal size in cells: columns, rows.
    pub size: (u16, u16),
    pub ids: IdSource,
    /// Something visible changed since the last frame.
    pub dirty: bool,
    /// The store outlives the program. Of a demo or a replay nothing is kept.
    pub keeps_store: bool,
    /// Set once the end has been decided; the shell stops the loop.
    pub quitting: bool,
    /// The screen underneath, to which Esc leads from the palette, the command line, help and the like;
    /// `None`: the columns.
    pub back: Option<Box<Mode>>,
    /// A post opened from elsewhere than the focused column (a search hit, the outbox, the most overdue case
    /// of no window): while it is set the keys and the case pane mean it, not the selected row.
    /// [`App::post_in_hand`] tells the two apart.
    pub opened: Option<PostView>,
    /// What the store said of the case in the pane.
    pub case_events: Option<CaseEvents>,
    /// What the deck keeps for itself; nothing of it is shown.
    pub books: books::Books,
}

/// All events of the case that the pane shows, oldest first, as the store had them when it was asked.
#[derive(Clone, Debug, PartialEq)]
pub struct CaseEvents {
    pub case: CaseId,
    pub events: Vec<Arc<Envelope>>,
    /// The case as it stood, where the desk has let it go.
    pub past: Option<Box<Desk>>,
}

/// What an own action does, for the words "claiming…" on the row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingAction {
    pub case: Option<CaseId>,
    /// Present participle: `claiming`, `releasing`, `queueing`.
    pub word: &'static str,
}

/// Which screen has the keys. One is open at a time; Esc leads back.
#[derive(Debug)]
pub enum Mode {
    /// The columns.
    Columns,
    /// The selected case: a pane from 150 cells on, else the whole screen.
    Case {
        scroll: u16,
    },
    Composer(Box<Composer>),
    Preview(Box<Preview>),
    /// `;`: find any command by a few letters.
    Palette(Picker),
    /// `:`: a command by its name.
    CommandLine(LineInput),
    /// `/`: search in stored posts.
    Find(Find),
    Help {
        scroll: u16,
    },
    Outbox {
        selected: usize,
    },
    Drafts {
        selected: usize,
    },
    /// The connection log.
    Links {
        scroll: u16,
    },
    /// What was told at the foot, to be read again.
    Notices {
        scroll: u16,
    },
    /// Picking a saved reply; goes back to the composer.
    SavedReplies(Box<Composer>, Picker),
    /// Picking the cause at resolve, then the outcome.
    Resolve {
        cases: Vec<CaseId>,
        step: Resolving,
        /// A goodbye will not reopen it.
        closing: bool,
        picker: Picker,
    },
    /// Picking whom a case is handed to.
    Assign {
        cases: Vec<CaseId>,
        reps: Vec<RepName>,
        picker: Picker,
    },
    /// Typing a tag.
    Tag(CaseLine),
    /// Typing until when a case is put off.
    Snooze(CaseLine),
    /// Writing words for the team only.
    Note(Box<NoteEditor>),
    /// Quitting while replies are held or sends wait: send now, keep, or stay.
    QuitQuestion,
    /// What was spent today and on the last days.
    Spend(SpendScreen),
    /// Figures of a span.
    Report(ReportScreen),
    /// Somebody who wrote: who they are, what there was with them before.
    Person(Box<PersonScreen>),
    /// Who did what in a case, when and from which machine.
    History(HistoryScreen),
    /// A column being made.
    AddColumn(Box<Adding>),
}

/// One line of text being typed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LineInput {
    pub text: String,
    /// Byte offset, always on a grapheme boundary.
    pub cursor: usize,
    /// What was wrong with the last try.
    pub error: Option<String>,
}

/// A list narrowed by typing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Picker {
    pub input: LineInput,
    /// Indices into the list behind it, best first: the palette's is [`command::TABLE`], the saved replies'
    /// `Setup::saved_replies`, the causes' `Setup::causes`, the outcomes' `Setup::outcomes`, where the index after the
    /// last stands for "none".
    pub shown: Vec<usize>,
    pub selected: usize,
}

/// A search in the store, or of a network.
#[derive(Clone, Debug, Default)]
pub struct Find {
    /// The network that is searched instead of the store.
    pub network: Option<NetworkFind>,
    pub input: LineInput,
    /// The words the hits belong to; `None` while the answer is awaited.
    pub answered: Option<String>,
    /// Stand before the hits.
    pub people: Vec<FoundPerson>,
    pub hits: Vec<Hit>,
    /// Among both.
    pub selected: usize,
    /// The hits have the keys; typing goes to the list, not the line.
    pub in_list: bool,
}

/// A search of the network itself, in which every post found has its price.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkFind {
    pub account: AccountName,
    pub kind: NetworkKind,
    /// The words whose price was shown: Enter on them asks.
    pub priced: Option<String>,
    /// What of the priced words the network cannot be asked: its answer is judged by them here.
    pub judged_here: String,
    /// The network was asked and has not answered.
    pub is_asking: bool,
    /// So many posts of the answer are paid for.
    pub read: u64,
    /// There are older ones that were not asked for.
    pub has_more: bool,
}

/// What the app asked the store for.
#[derive(Clone, Debug, PartialEq)]
pub enum FromStore {
    /// Texts of posts, drafts and replies that were not at hand.
    Bodies {
        asked: Vec<BodyId>,
        /// The ones that are there.
        found: Vec<(BodyId, Body)>,
    },
    /// Posts older than a column's window, newest first.
    Older {
        column: usize,
        posts: Vec<Arc<Envelope>>,
    },
    Found {
        words: String,
        found: Found,
    },
    /// Where a note or a reply stands that was found: the case, and a post of its author there.
    TextOf {
        text: BodyId,
        found: Option<(CaseId, Option<Arc<Envelope>>)>,
    },
    /// What the store knows of somebody.
    Person(Box<PersonRecord>),
    /// What a query that is no column yet would have caught.
    Caught(Caught),
    /// All events of a case, for its pane; of one that the desk does not hold also what came from the network.
    Case {
        case: CaseId,
        events: Vec<Arc<Envelope>>,
        beside: Vec<Arc<Envelope>>,
    },
}

impl App {
    /// The post the keys act on: the one opened from elsewhere, else the selected one of the focused column.
    pub fn selected_post(&self) -> Option<&PostId> {
        match &self.opened {
            Some(post) => Some(&post.id),
            None if self.gap_in_hand().is_some() => None,
            None => self.columns.get(self.focus)?.selected.as_ref(),
        }
    }

    /// The same with what is known of it. Posts scrolled up from the store are not in the desk.
    pub fn post_in_hand(&self) -> Option<&PostView> {
        if let Some(opened) = &self.opened {
            return Some(opened);
        }
        if self.gap_in_hand().is_some() {
            return None;
        }
        let column = self.columns.get(self.focus)?;
        let id = column.selected.as_ref()?;
        self.desk.posts.get(id).or_else(|| column.older.iter().find(|post| post.id == *id))
    }

    /// Whether something visible changed since the last call.
    pub fn take_dirty(&mut self) -> bool {
        std::mem::take(&mut self.dirty)
    }

    /// A fresh deck: every column follows, nothing is folded yet.
    pub fn new(setup: Setup, size: (u16, u16), now: Timestamp, ids: IdSource) -> Self {
        Self {
            columns: vec![ColumnView::default(); setup.columns.len() + setup.queues.len()],
            queues: Queues::default(),
            setup,
            desk: Desk::default(),
            now,
            focus: 0,
            mode: Mode::Columns,
            prefix: String::new(),
            notices: Notices::default(),
            links: BTreeMap::new(),
            logins: BTreeMap::new(),
            link_log: VecDeque::new(),
            pending: BTreeMap::new(),
            send_waits: BTreeMap::new(),
            marked: BTreeSet::new(),
            gone: Vec::new(),
            present: Vec::new(),
            caught_up: false,
            past: None,
            size,
            ids,
            dirty: true,
            keeps_store: true,
            quitting: false,
            back: None,
            opened: None,
            case_events: None,
            books: books::Books::default(),
        }
    }
}
