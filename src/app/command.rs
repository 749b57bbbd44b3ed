//! What a key can ask for, the screens that take keys, and the [table](TABLE) that brings them together.

use super::Mode;

mod table;

pub use table::TABLE;

/// What a key asks for. A command is in here only when it really works.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Command {
    MoveDown,
    MoveUp,
    ToTop,
    ToBottom,
    HalfPageDown,
    HalfPageUp,
    PageDown,
    PageUp,
    /// From 1.
    Column(u8),
    LastColumn,
    /// By number or name.
    GoToColumn,
    ColumnLeft,
    ColumnRight,
    NextPane,
    PreviousPane,
    NextNews,
    GoLive,
    HoldColumn,
    NextUnanswered,
    PreviousUnanswered,
    MostOverdue,
    MyQueue,
    FillGap,
    Open,
    Back,
    Acknowledge,
    RequestDm,
    AcknowledgeAndRequestDm,
    DirectMessage,
    Claim,
    TakeOver,
    Release,
    OptOut,
    LiftOptOut,
    Follow,
    Assign,
    Tag,
    CompleteTag,
    Note,
    SaveNote,
    Snooze,
    Wake,
    Prioritise,
    Mark,
    ClearMarks,
    AskHappyPost,
    TurnRound,
    Resolve,
    ToggleClosing,
    Dismiss,
    Reopen,
    CopyLink,
    CopyText,
    CopyHandle,
    CopyCase,
    OpenPage,
    Person,
    History,
    Undo,
    Outbox,
    Drafts,
    Links,
    Notices,
    Find,
    FindNetwork,
    Palette,
    CommandLine,
    Help,
    Repaint,
    Suspend,
    Interrupt,
    Quit,
    InsertSavedReply,
    EditExternally,
    UndoTyping,
    RedoTyping,
    Preview,
    Send,
    Edit,
    Keep,
    HandOver,
    NextCheck,
    RetryReply,
    EditReply,
    DropReply,
    ReadBack,
    DropDraft,
    NextDraft,
    QuitSendNow,
    QuitKeep,
    ToggleLink,
    AnswerNewest,
    Spend,
    RaiseLimit,
    Report,
    RefreshReport,
    NextSpan,
    AddColumn,
    NextField,
    AskCount,
}

/// A screen that takes keys in its own way. [`Mode`] without its contents, and the two halves of the search.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ModeKind {
    Columns,
    Case,
    Composer,
    Preview,
    Palette,
    CommandLine,
    /// The line of words.
    Find,
    /// The list of what was found.
    Hits,
    Help,
    Outbox,
    Drafts,
    Links,
    Notices,
    SavedReplies,
    Resolve,
    Assign,
    Tag,
    Snooze,
    Note,
    QuitQuestion,
    Spend,
    Report,
    AddColumn,
    Person,
    History,
}

impl ModeKind {
    pub const ALL: [ModeKind; 25] = [
        ModeKind::Columns,
        ModeKind::Case,
        ModeKind::Composer,
        ModeKind::Preview,
        ModeKind::Palette,
        ModeKind::CommandLine,
        ModeKind::Find,
        ModeKind::Hits,
        ModeKind::Help,
        ModeKind::Outbox,
        ModeKind::Drafts,
        ModeKind::Links,
        ModeKind::Notices,
        ModeKind::SavedReplies,
        ModeKind::Resolve,
        ModeKind::Assign,
        ModeKind::Tag,
        ModeKind::Snooze,
        ModeKind::Note,
        ModeKind::QuitQuestion,
        ModeKind::Spend,
        ModeKind::Report,
        ModeKind::AddColumn,
        ModeKind::Person,
        ModeKind::History,
    ];

    /// Plain characters are text here, so only named and Ctrl keys can be bound.
    pub fn takes_text(self) -> bool {
        match self {
            ModeKind::Composer
            | ModeKind::Palette
            | ModeKind::CommandLine
            | ModeKind::Find
            | ModeKind::SavedReplies
            | ModeKind::AddColumn
            | ModeKind::Resolve
            | ModeKind::Assign
            | ModeKind::Tag
            | ModeKind::Snooze
            | ModeKind::Note => true,
            ModeKind::Columns
            | ModeKind::Case
            | ModeKind::Preview
            | ModeKind::Hits
            | ModeKind::Help
            | ModeKind::Outbox
            | ModeKind::Drafts
            | ModeKind::Links
            | ModeKind::Notices
            | ModeKind::Spend
            | ModeKind::Report
            | ModeKind::Person
            | ModeKind::History
            | ModeKind::QuitQuestion => false,
        }
    }

    /// The words in help and in the README.
    pub fn title(self) -> &'static str {
        match self {
            ModeKind::Columns => "columns",
            ModeKind::Case => "case",
            ModeKind::Composer => "editor",
            ModeKind::Preview => "preview",
            ModeKind::Palette => "palette",
            ModeKind::CommandLine => "command line",
            ModeKind::Find => "search line",
            ModeKind::Hits => "search hits",
            ModeKind::Help => "help",
            ModeKind::Outbox => "outbox",
            ModeKind::Drafts => "drafts",
            ModeKind::Links => "connection log",
            ModeKind::Notices => "notices",
            ModeKind::SavedReplies => "saved replies",
            ModeKind::Resolve => "cause and outcome",
            ModeKind::Assign => "list of reps",
            ModeKind::Tag => "tag line",
            ModeKind::Snooze => "snooze line",
            ModeKind::Note => "note",
            ModeKind::QuitQuestion => "quit question",
            ModeKind::Spend => "spending",
            ModeKind::Report => "report",
            ModeKind::AddColumn => "new column",
            ModeKind::Person => "person",
            ModeKind::History => "history of a case",
        }
    }
}

impl Mode {
    /// The first line shown, of a screen that is read from top to bottom.
    pub(super) fn scroll(&mut self) -> Option<&mut u16> {
        match self {
            Mode::Case { scroll } | Mode::Help { scroll } | Mode::Links { scroll } | Mode::Notices { scroll } => {
                Some(scroll)
            }
            Mode::History(screen) => Some(&mut screen.scroll),
            Mode::Spend(screen) => Some(&mut screen.scroll),
            Mode::Report(screen) => Some(&mut screen.scroll),
            Mode::Person(screen) => Some(&mut screen.scroll),
            Mode::Preview(preview) => Some(&mut preview.scroll),
            Mode::Columns
            | Mode::Composer(_)
            | Mode::Palette(_)
            | Mode::CommandLine(_)
            | Mode::Find(_)
            | Mode::Outbox { .. }
            | Mode::Drafts { .. }
            | Mode::SavedReplies(..)
            | Mode::Resolve { .. }
            | Mode::Assign { .. }
            | Mode::Tag(_)
            | Mode::Snooze(_)
            | Mode::Note(_)
            | Mode::QuitQuestion
            | Mode::AddColumn(_) => None,
        }
    }

    /// Which keys are in force.
    pub fn kind(&self) -> ModeKind {
        match self {
            Mode::Columns => ModeKind::Columns,
            Mode::Case { .. } => ModeKind::Case,
            Mode::Composer(_) => ModeKind::Composer,
            Mode::Preview(_) => ModeKind::Preview,
            Mode::Palette(_) => ModeKind::Palette,
            Mode::CommandLine(_) => ModeKind::CommandLine,
            Mode::Find(find) if find.in_list => ModeKind::Hits,
            Mode::Find(_) => ModeKind::Find,
            Mode::Help { .. } => ModeKind::Help,
            Mode::Outbox { .. } => ModeKind::Outbox,
            Mode::Drafts { .. } => ModeKind::Drafts,
            Mode::Links { .. } => ModeKind::Links,
            Mode::Notices { .. } => ModeKind::Notices,
            Mode::SavedReplies(..) => ModeKind::SavedReplies,
            Mode::Resolve { .. } => ModeKind::Resolve,
            Mode::Assign { .. } => ModeKind::Assign,
            Mode::Tag(_) => ModeKind::Tag,
            Mode::Snooze(_) => ModeKind::Snooze,
            Mode::Note(_) => ModeKind::Note,
            Mode::QuitQuestion => ModeKind::QuitQuestion,
            Mode::Spend(_) => ModeKind::Spend,
            Mode::Report(_) => ModeKind::Report,
            Mode::AddColumn(_) => ModeKind::AddColumn,
            Mode::Person(_) => ModeKind::Person,
            Mode::History(_) => ModeKind::History,
        }
    }
}

/// One row of [`TABLE`].
#[derive(Clone, Copy, Debug)]
pub struct Row {
    pub command: Command,
    /// As in the keymap file, the help, the log file and behind `:`.
    pub name: &'static str,
    /// What it does, in words.
    pub words: &'static str,
    /// Default keys and the modes they are for. A mode with an empty list of keys is reached through the
    /// palette or the command line.
    pub keys: &'static [(&'static [&'static str], &'static [ModeKind])],
}

impl Row {
    /// The modes the command works in.
    pub fn modes(&self) -> impl Iterator<Item = ModeKind> + '_ {
        ModeKind::ALL.into_iter().filter(|mode| self.works_in(*mode))
    }

    pub fn works_in(&self, mode: ModeKind) -> bool {
        self.keys.iter().any(|(_, modes)| modes.contains(&mode))
    }
}

impl Command {
    /// Its row in [`TABLE`].
    pub fn row(self) -> &'static Row {
        TABLE.iter().find(|row| row.command == self).expect("a test holds that every command has a row")
    }

    pub fn name(self) -> &'static str {
        self.row().name
    }

    /// The command of that name.
    pub fn named(name: &str) -> Option<Command> {
        TABLE.iter().find(|row| row.name == name).map(|row| row.command)
    }
}
