//! Every command in one table: name, words, default keys, and the modes it works in. The keymap, its file, the
//! help, the palette, the hints and the README read this table, so none of them can drift.

use super::Mode;

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
    pub const ALL: [ModeKind; 24] = [
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

use ModeKind as M;

/// Screens in which a case is at hand.
const POSTS: &[M] = &[M::Columns, M::Case];
/// Screens without a line to type in.
const PLAIN: &[M] = &[
    M::Columns,
    M::Case,
    M::Preview,
    M::Hits,
    M::Help,
    M::Outbox,
    M::Drafts,
    M::Links,
    M::QuitQuestion,
    M::Spend,
    M::Report,
    M::Person,
    M::History,
];
/// Screens one can leave for another screen.
const DECK: &[M] =
    &[M::Columns, M::Case, M::Hits, M::Outbox, M::Drafts, M::Links, M::Spend, M::Report, M::Person, M::History];
/// Screens with something to scroll or to choose from.
const SCROLLING: &[M] = &[
    M::Columns,
    M::Case,
    M::Preview,
    M::Hits,
    M::Help,
    M::Outbox,
    M::Drafts,
    M::Links,
    M::Spend,
    M::Report,
    M::Person,
    M::History,
];
/// Lists narrowed by typing.
const PICKERS: &[M] = &[M::Palette, M::SavedReplies, M::Resolve, M::Assign];

const fn row(
    command: Command,
    name: &'static str,
    keys: &'static [(&'static [&'static str], &'static [ModeKind])],
    words: &'static str,
) -> Row {
    Row { command, name, words, keys }
}

/// The one table of commands, in the order of the help.
pub const TABLE: &[Row] = &[
    row(
        Command::MoveDown,
        "move-down",
        &[(&["j", "down"], SCROLLING), (&["down", "C-n"], PICKERS), (&["down"], &[M::Find])],
        "next row",
    ),
    row(Command::MoveUp, "move-up", &[(&["k", "up"], SCROLLING), (&["up", "C-p"], PICKERS)], "row before"),
    row(Command::ToTop, "to-top", &[(&["gg", "home"], SCROLLING)], "first row"),
    row(Command::ToBottom, "to-bottom", &[(&["G", "end"], SCROLLING)], "last row"),
    row(Command::HalfPageDown, "half-page-down", &[(&["C-d"], SCROLLING)], "half a page down"),
    row(Command::HalfPageUp, "half-page-up", &[(&["C-u"], SCROLLING)], "half a page up"),
    row(Command::PageDown, "page-down", &[(&["space", "pagedown"], SCROLLING)], "a page down"),
    row(Command::PageUp, "page-up", &[(&["pageup"], SCROLLING)], "a page up"),
    row(Command::Column(1), "column-1", &[(&["1"], POSTS)], "column 1"),
    row(Command::Column(2), "column-2", &[(&["2"], POSTS)], "column 2"),
    row(Command::Column(3), "column-3", &[(&["3"], POSTS)], "column 3"),
    row(Command::Column(4), "column-4", &[(&["4"], POSTS)], "column 4"),
    row(Command::Column(5), "column-5", &[(&["5"], POSTS)], "column 5"),
    row(Command::Column(6), "column-6", &[(&["6"], POSTS)], "column 6"),
    row(Command::Column(7), "column-7", &[(&["7"], POSTS)], "column 7"),
    row(Command::Column(8), "column-8", &[(&["8"], POSTS)], "column 8"),
    row(Command::Column(9), "column-9", &[(&["9"], POSTS)], "column 9"),
    row(Command::LastColumn, "last-column", &[(&["0"], POSTS)], "last column"),
    row(Command::ColumnLeft, "column-left", &[(&["h", "left"], POSTS)], "column to the left"),
    row(Command::ColumnRight, "column-right", &[(&["l", "right"], POSTS)], "column to the right"),
    row(Command::NextPane, "next-pane", &[(&["tab"], POSTS)], "next pane: the columns, then the case"),
    row(Command::PreviousPane, "previous-pane", &[(&["S-tab"], POSTS)], "pane before"),
    row(Command::NextNews, "next-news", &[(&["ga"], POSTS)], "next column with something new"),
    row(Command::GoLive, "go-live", &[(&["."], POSTS)], "back to the newest post, following"),
    row(Command::HoldColumn, "hold-column", &[(&["P"], POSTS)], "hold the column still, or let it go"),
    row(
        Command::NextUnanswered,
        "next-unanswered",
        &[(&["n"], &[M::Columns, M::Case, M::Hits])],
        "next unanswered case; next hit",
    ),
    row(
        Command::PreviousUnanswered,
        "previous-unanswered",
        &[(&["N"], &[M::Columns, M::Case, M::Hits])],
        "unanswered case before; hit before",
    ),
    row(Command::MostOverdue, "most-overdue", &[(&["!"], DECK)], "the most overdue case anywhere"),
    row(Command::MyQueue, "my-queue", &[(&["gq"], DECK)], "my queue: the cases I have, by when they are due"),
    row(
        Command::FillGap,
        "fill-gap",
        &[(&["gf"], POSTS)],
        "say what the posts missing in the column's newest gap cost; again, or Enter, fetches them",
    ),
    row(
        Command::Open,
        "open",
        &[
            (&["enter"], &[M::Columns, M::Hits, M::Outbox, M::Drafts]),
            (
                &["enter"],
                &[
                    M::Palette,
                    M::SavedReplies,
                    M::Resolve,
                    M::Assign,
                    M::Tag,
                    M::Snooze,
                    M::CommandLine,
                    M::Find,
                    M::AddColumn,
                ],
            ),
        ],
        "open, or take what is chosen",
    ),
    row(
        Command::Back,
        "back",
        &[
            (&["esc", "q", "backspace"], PLAIN),
            (
                &["esc"],
                &[
                    M::Composer,
                    M::Palette,
                    M::CommandLine,
                    M::Find,
                    M::SavedReplies,
                    M::Resolve,
                    M::Assign,
                    M::Tag,
                    M::Snooze,
                    M::Note,
                    M::AddColumn,
                ],
            ),
        ],
        "back; what was typed is kept",
    ),
    row(Command::Acknowledge, "acknowledge", &[(&["r"], POSTS)], "draft a public acknowledgement"),
    row(Command::RequestDm, "request-dm", &[(&["d"], POSTS)], "draft a request to go on in direct messages"),
    row(Command::AcknowledgeAndRequestDm, "acknowledge-and-request-dm", &[(&["b"], POSTS)], "draft both in one post"),
    row(
        Command::DirectMessage,
        "direct-message",
        &[(&["D"], POSTS), (&["D"], &[M::Person])],
        "draft a direct message; the network is asked first whether they take one",
    ),
    row(Command::Claim, "claim", &[(&["c"], &[M::Columns, M::Case, M::Preview])], "claim the case"),
    row(Command::Release, "release", &[(&["C"], POSTS)], "give the case back"),
    row(
        Command::OptOut,
        "opt-out",
        &[(&["gs"], POSTS)],
        "they asked not to be contacted: nothing public goes to them until it is lifted",
    ),
    row(Command::LiftOptOut, "lift-opt-out", &[(&["gS"], POSTS)], "they may be contacted again (twice)"),
    row(Command::Follow, "follow", &[(&["gF"], POSTS)], "open the author's page to follow them there"),
    row(Command::Assign, "assign", &[(&["a"], POSTS)], "hand the case to another rep, with drafts and clock"),
    row(Command::Tag, "tag", &[(&["t"], POSTS)], "put a tag on, or take it off"),
    row(Command::CompleteTag, "complete-tag", &[(&["tab"], &[M::Tag])], "go on with a tag in use; again: the next"),
    row(Command::Note, "note", &[(&["i"], POSTS)], "write a note: for the team only, never sent"),
    row(Command::SaveNote, "save-note", &[(&["C-s", "C-x"], &[M::Note])], "save the note"),
    row(Command::Snooze, "snooze", &[(&["z"], POSTS)], "put the case off: 2h, tomorrow 9:00, until they write"),
    row(Command::Wake, "wake", &[(&["Z"], POSTS)], "take a case that was put off up again"),
    row(Command::Prioritise, "prioritise", &[(&["*"], POSTS)], "to be looked at before others, or no more"),
    row(Command::Mark, "mark", &[(&["x"], POSTS)], "mark the case: the next deed means all marked ones"),
    row(Command::ClearMarks, "clear-marks", &[(&["X"], POSTS)], "clear all marks"),
    row(Command::AskHappyPost, "ask-happy-post", &[(&["w"], POSTS)], "draft a request for a happy post"),
    row(Command::TurnRound, "turn-round", &[(&["W"], POSTS)], "this post shows the customer turned round, or not"),
    row(Command::Resolve, "resolve", &[(&["e"], POSTS)], "resolve the case with a cause and an outcome"),
    row(
        Command::ToggleClosing,
        "toggle-closing",
        &[(&["tab"], &[M::Resolve])],
        "closing, or not: a goodbye does not reopen it",
    ),
    row(Command::Dismiss, "dismiss", &[(&["ge"], POSTS)], "resolve the case as nothing for us"),
    row(Command::Reopen, "reopen", &[(&["E"], POSTS)], "reopen the case"),
    row(Command::CopyLink, "copy-link", &[(&["yl"], &[M::Columns, M::Case, M::Hits])], "copy the post's link"),
    row(
        Command::CopyText,
        "copy-text",
        &[(&["yt"], &[M::Columns, M::Case, M::Hits, M::History])],
        "copy the post's text, or the history",
    ),
    row(
        Command::CopyHandle,
        "copy-handle",
        &[(&["yh"], &[M::Columns, M::Case, M::Hits, M::Person])],
        "copy the author's handle",
    ),
    row(Command::CopyCase, "copy-case", &[(&["yc"], &[M::Columns, M::Case, M::Hits])], "copy the case's number"),
    row(
        Command::OpenPage,
        "open-page",
        &[(&["o"], &[M::Columns, M::Case, M::Hits, M::Outbox, M::Person])],
        "open the post's own page, or the person's",
    ),
    row(
        Command::Person,
        "person",
        &[(&["p"], &[M::Columns, M::Case, M::Hits])],
        "who wrote it: earlier cases, reach, whether a direct message is possible",
    ),
    row(Command::History, "history", &[(&["H"], &[M::Columns, M::Case])], "who did what in the case, and when"),
    row(Command::Undo, "undo", &[(&["u"], DECK)], "take back the last held reply, or the last deed over cases"),
    row(Command::Outbox, "outbox", &[(&["U"], DECK)], "replies on their way, failed and parked"),
    row(Command::Drafts, "drafts", &[(&["gd"], DECK)], "drafts"),
    row(Command::Links, "links", &[(&["gl"], DECK)], "connection log"),
    row(Command::Spend, "spend", &[(&["g$"], DECK)], "what was spent today, by column and by kind"),
    row(Command::RaiseLimit, "raise-limit", &[(&["+"], &[M::Spend])], "raise today's limit (twice)"),
    row(
        Command::Report,
        "report",
        &[(&["gr"], DECK)],
        "figures of a span: seen, answered, by column, rep, cause, hour",
    ),
    row(Command::RefreshReport, "refresh-report", &[(&["r"], &[M::Report])], "read the log again"),
    row(Command::NextSpan, "next-span", &[(&["tab"], &[M::Report])], "the last 24 hours, 7 days, 30 days, all"),
    row(Command::AddColumn, "add-column", &[(&["A"], POSTS)], "try a column before it is added"),
    row(
        Command::NextField,
        "next-field",
        &[(&["tab", "S-tab"], &[M::AddColumn])],
        "from the query to the name and back",
    ),
    row(Command::AskCount, "ask-count", &[(&["C-t"], &[M::AddColumn])], "ask the network how many posts a day (twice)"),
    row(Command::Find, "find", &[(&["/"], DECK)], "search in stored posts"),
    row(Command::FindNetwork, "find-network", &[(&["g/"], DECK)], "search the network itself, priced (:find network)"),
    row(Command::Palette, "palette", &[(&[";"], PLAIN)], "find any command by a few letters"),
    row(Command::CommandLine, "command-line", &[(&[":"], PLAIN)], "type a command by its name"),
    row(
        Command::Help,
        "help",
        &[(
            &["?"],
            &[
                M::Columns,
                M::Case,
                M::Preview,
                M::Hits,
                M::Outbox,
                M::Drafts,
                M::Links,
                M::QuitQuestion,
                M::Spend,
                M::Report,
                M::Person,
                M::History,
            ],
        )],
        "all keys of this screen",
    ),
    row(
        Command::InsertSavedReply,
        "insert-saved-reply",
        &[(&["C-o"], &[M::Composer])],
        "insert a saved reply; also by typing :: or a leading /",
    ),
    row(Command::EditExternally, "edit-externally", &[(&["C-e"], &[M::Composer])], "write in $EDITOR"),
    row(Command::UndoTyping, "undo-typing", &[(&["C-u"], &[M::Composer])], "undo the last typing"),
    row(Command::RedoTyping, "redo-typing", &[(&["C-r"], &[M::Composer])], "redo it"),
    row(
        Command::Preview,
        "preview",
        &[(&["C-s", "C-x"], &[M::Composer]), (&["gp"], POSTS)],
        "look at exactly what would be published; nothing is sent yet",
    ),
    row(Command::Send, "send", &[(&["y"], &[M::Preview])], "send, after the hold"),
    row(Command::Edit, "edit", &[(&["e"], &[M::Preview])], "edit the text"),
    row(Command::Keep, "keep", &[(&["s"], &[M::Preview])], "keep the draft for later"),
    row(Command::HandOver, "hand-over", &[(&["go"], &[M::Preview])], "post it by hand on the network's own page"),
    row(Command::ToggleLink, "toggle-link", &[(&["L"], &[M::Preview])], "ask for a DM with or without the link"),
    row(Command::NextCheck, "next-check", &[(&["tab"], &[M::Preview])], "next check"),
    row(Command::RetryReply, "retry-reply", &[(&["r"], &[M::Outbox])], "send it again, after a new hold"),
    row(Command::EditReply, "edit-reply", &[(&["e"], &[M::Outbox])], "take it back into the editor"),
    row(Command::DropReply, "drop-reply", &[(&["D"], &[M::Outbox])], "give the reply up (twice)"),
    row(Command::ReadBack, "read-back", &[(&["b"], &[M::Outbox])], "look on the network whether it was published"),
    row(Command::DropDraft, "drop-draft", &[(&["D"], &[M::Drafts])], "throw the draft away (twice)"),
    row(
        Command::NextDraft,
        "next-draft",
        &[(&["C-n"], &[M::Columns, M::Case, M::Composer])],
        "your next draft; the one in hand is kept as it is",
    ),
    row(Command::QuitSendNow, "quit-send-now", &[(&["s"], &[M::QuitQuestion])], "send the held replies now and quit"),
    row(Command::QuitKeep, "quit-keep", &[(&["k"], &[M::QuitQuestion])], "quit; the held replies wait in the outbox"),
    row(Command::Repaint, "repaint", &[(&["C-l"], &ModeKind::ALL)], "paint the screen again"),
    row(Command::Suspend, "suspend", &[(&["C-z"], &ModeKind::ALL)], "suspend to the shell"),
    row(Command::Interrupt, "interrupt", &[(&["C-c"], &ModeKind::ALL)], "twice: quit"),
    row(Command::Quit, "quit", &[(&["Q"], DECK)], "quit; asks where replies are held"),
];
