//! The keys as the screen names them, all read from the keymap in force: the foot of each screen, what may
//! follow a prefix, the help.

use super::preview::hand_over_words;
use super::text::width;
use crate::app::command::{Command as C, ModeKind as M};
use crate::app::keymap::Binding;
use crate::app::{App, Mode};

/// A key and what it does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Hint {
    pub(super) keys: String,
    pub(super) words: String,
    /// Stands on the foot whatever else has no room there: the way on to all other keys, the search, the way back.
    is_kept: bool,
}

/// The most needed commands of a screen in the few words the foot has room for, most needed first.
fn most_needed(mode: M) -> &'static [(C, &'static str)] {
    match mode {
        M::Columns => &[
            (C::Acknowledge, "ack"),
            (C::RequestDm, "ask-DM"),
            (C::AcknowledgeAndRequestDm, "both"),
            (C::Claim, "claim"),
            (C::Tag, "tag"),
            (C::Resolve, "resolve"),
            (C::Note, "note"),
            (C::NextUnanswered, "next open"),
            (C::Find, "find"),
            (C::Help, "all keys"),
            (C::MostOverdue, "overdue"),
            (C::Palette, "palette"),
            (C::Assign, "assign"),
            (C::Snooze, "snooze"),
            (C::Mark, "mark"),
            (C::Undo, "undo"),
            (C::OpenPage, "open"),
            (C::Person, "person"),
            (C::GoLive, "live"),
            (C::HoldColumn, "hold"),
            (C::Outbox, "outbox"),
            (C::Drafts, "drafts"),
            (C::Links, "links"),
            (C::Notices, "notices"),
            (C::Spend, "spending"),
            (C::AddColumn, "add column"),
            (C::Quit, "quit"),
        ],
        M::Case => &[
            (C::Acknowledge, "ack"),
            (C::RequestDm, "ask-DM"),
            (C::AcknowledgeAndRequestDm, "both"),
            (C::Claim, "claim"),
            (C::Tag, "tag"),
            (C::Resolve, "resolve"),
            (C::Note, "note"),
            (C::Assign, "assign"),
            (C::OpenPage, "open"),
            (C::Person, "person"),
            (C::History, "history"),
            (C::MoveDown, "scroll"),
            (C::Back, "back"),
            (C::Help, "all keys"),
        ],
        M::Composer => &[
            (C::Preview, "preview"),
            (C::InsertSavedReply, "or :: saved reply"),
            (C::EditExternally, "your editor"),
            (C::Back, "leave, the draft is kept"),
        ],
        M::Preview => &[
            (C::Send, "send"),
            (C::Edit, "edit"),
            (C::Keep, "save draft"),
            (C::HandOver, "post it by hand"),
            (C::Back, "back, draft is kept"),
        ],
        M::Palette => &[(C::MoveDown, "next"), (C::Open, "do it"), (C::Back, "back")],
        M::CommandLine => &[(C::Open, "do it"), (C::Back, "back")],
        M::Find => &[(C::Open, "search"), (C::MoveDown, "to the hits"), (C::Back, "back")],
        M::Hits => &[(C::MoveDown, "move"), (C::Open, "open"), (C::CopyLink, "copy link"), (C::Back, "back")],
        M::Help | M::Links | M::Notices => &[(C::MoveDown, "scroll"), (C::MoveUp, "back up"), (C::Back, "back")],
        M::Outbox => &[
            (C::RetryReply, "send again"),
            (C::EditReply, "edit"),
            (C::ReadBack, "look on the network"),
            (C::DropReply, "drop"),
            (C::Back, "back"),
        ],
        M::Drafts => &[(C::Open, "go on writing"), (C::DropDraft, "drop"), (C::Back, "back")],
        M::SavedReplies => &[(C::MoveDown, "next"), (C::Open, "insert"), (C::Back, "back")],
        M::Resolve => &[(C::MoveDown, "next"), (C::Open, "resolve"), (C::ToggleClosing, "closing"), (C::Back, "back")],
        M::Assign => &[(C::MoveDown, "next"), (C::Open, "hand over"), (C::Back, "back")],
        M::Tag => &[(C::Open, "put on or off"), (C::CompleteTag, "complete"), (C::Back, "back")],
        M::Snooze => &[(C::Open, "put off"), (C::Back, "back")],
        M::Note => &[(C::SaveNote, "save the note"), (C::Back, "leave it for later")],
        M::Spend => &[(C::RaiseLimit, "raise today's limit"), (C::MoveDown, "scroll"), (C::Back, "back")],
        M::Report => &[
            (C::NextSpan, "another span"),
            (C::RefreshReport, "read again"),
            (C::MoveDown, "scroll"),
            (C::Back, "back"),
        ],
        M::AddColumn => &[
            (C::Open, "add"),
            (C::AskCount, "posts a day"),
            (C::NextField, "name"),
            (C::Back, "leave, nothing is written"),
        ],
        M::Person => &[
            (C::MoveDown, "scroll"),
            (C::OpenPage, "open their page"),
            (C::CopyHandle, "copy the handle"),
            (C::DirectMessage, "ask whether they take DMs"),
            (C::Back, "back"),
            (C::Help, "all keys"),
        ],
        M::History => &[(C::MoveDown, "scroll"), (C::CopyText, "copy it"), (C::Back, "back"), (C::Help, "all keys")],
        M::QuitQuestion => &[(C::QuitSendNow, "send now and quit"), (C::QuitKeep, "keep and quit"), (C::Back, "stay")],
    }
}

/// As many of [`of_mode`] as stand side by side in so many cells, two cells apart.
pub(super) fn on_the_foot(app: &App, cells: usize) -> Vec<Hint> {
    fitting(of_mode(app), cells)
}

/// The most needed keys of the screen that has them, without those that the rep's role does not allow.
pub(super) fn of_mode(app: &App) -> Vec<Hint> {
    let mode = app.mode.kind();
    let is_stopped = matches!(&app.mode, Mode::Preview(preview) if preview.stop().is_some());
    let can = |command: C| {
        let would_be_refused = command == C::Send && is_stopped;
        command.needs() <= app.setup.role && app.cannot(command).is_none() && !would_be_refused
    };
    let allowed = most_needed(mode).iter().filter(|(command, _)| can(*command));
    let hints = allowed.filter_map(|(command, words)| {
        let key = app.setup.keys.key(mode, *command);
        let words = match (*command, &app.mode) {
            (C::QuitKeep, _) if !app.keeps_store => "quit, nothing is sent or kept",
            (C::HandOver, Mode::Preview(preview)) => hand_over_words(preview.purpose.is_private()),
            _ => words,
        };
        let is_kept = matches!(command, C::Help | C::Find | C::Back);
        (!key.is_empty()).then(|| Hint { keys: shown(&key), words: words.to_owned(), is_kept })
    });
    hints.collect()
}

/// The kept ones first, then the others in their order up to the first that has no room.
fn fitting(hints: Vec<Hint>, cells: usize) -> Vec<Hint> {
    let mut left = cells + 2;
    let mut has_room = |hint: &Hint| {
        let needed = hint.cells() + 2;
        let fits = needed <= left;
        left -= if fits { needed } else { 0 };
        fits
    };
    let kept: Vec<_> = hints.iter().map(|hint| hint.is_kept && has_room(hint)).collect();
    let mut is_full = false;
    let mut others = hints.iter().map(|hint| {
        is_full |= !hint.is_kept && !has_room(hint);
        !hint.is_kept && !is_full
    });
    let shown: Vec<_> = kept.into_iter().map(|kept| others.next().unwrap_or(false) || kept).collect();
    let mut shown = shown.into_iter();
    hints.into_iter().filter(|_| shown.next().unwrap_or(false)).collect()
}

impl Hint {
    fn cells(&self) -> usize {
        width(&self.keys) + 1 + width(&self.words)
    }
}

/// The key of one command in the screen that has the keys; its name for the command line where it has none.
pub(super) fn key(app: &App, command: C) -> String {
    key_in(app, app.mode.kind(), command)
}

/// The same on another screen, such as the editor behind a list.
pub(super) fn key_in(app: &App, mode: M, command: C) -> String {
    match app.setup.keys.key(mode, command) {
        key if key.is_empty() => format!(":{}", command.name()),
        key => shown(&key),
    }
}

/// A key of the keymap's notation as people read it: `Ctrl-S` for `C-s`, `Esc` for `esc`.
fn shown(key: &str) -> String {
    if let Some(letter) = key.strip_prefix("C-") {
        return format!("Ctrl-{}", letter.to_uppercase());
    }
    let is_named = key == "up" || (key.len() > 2 && key.is_ascii() && !key.starts_with("S-"));
    if is_named { format!("{}{}", key[..1].to_uppercase(), &key[1..]) } else { key.to_owned() }
}

/// Several keys of one command.
pub(super) fn all_shown(keys: &[String]) -> String {
    keys.iter().map(|key| shown(key)).collect::<Vec<_>>().join(" ")
}

/// What may follow the keys typed so far: the rest of the keys and their words.
pub(super) fn after_prefix(app: &App) -> Vec<Hint> {
    let follow = app.setup.keys.may_follow(app.mode.kind(), &app.prefix);
    follow
        .into_iter()
        .map(|(keys, command)| Hint { keys: shown(&keys), words: words_for(app, command), is_kept: false })
        .collect()
}

/// What a command does, or why it does nothing here, and whose it is where the rep's role does not allow it.
pub(super) fn words_for(app: &App, command: C) -> String {
    let (words, needs) = (command.row().words, command.needs());
    if needs > app.setup.role {
        return format!("{words} (for a {}, not a {})", needs.word(), app.setup.role.word());
    }
    app.cannot(command).map_or_else(|| words.to_owned(), |why| format!("not here: {why}"))
}

/// Every key, screen by screen, the one below the help first.
pub(super) fn sections(app: &App) -> Vec<(&'static str, Vec<Hint>)> {
    let first = app.mode_below();
    let others = M::ALL.into_iter().filter(|mode| *mode != first);
    std::iter::once(first)
        .chain(others)
        .map(|mode| {
            let hint = |binding: Binding| Hint {
                keys: if binding.keys.is_empty() { format!(":{}", binding.name) } else { all_shown(&binding.keys) },
                words: words_for(app, binding.command),
                is_kept: false,
            };
            let bindings = app.setup.keys.bindings(mode);
            let are_digits = bindings.iter().filter(|binding| is_own_digit(binding)).count() == 9;
            let mut hints = Vec::with_capacity(bindings.len());
            for binding in bindings {
                match binding.command {
                    C::Column(1) if are_digits => {
                        hints.push(Hint {
                            keys: "1 .. 9".to_owned(),
                            words: "column of that number".to_owned(),
                            is_kept: false,
                        });
                    }
                    C::Column(_) if are_digits => {}
                    _ => hints.push(hint(binding)),
                }
            }
            (mode.title(), hints)
        })
        .collect()
}

/// A column that its number alone leads to, as it is by default.
fn is_own_digit(binding: &Binding) -> bool {
    matches!(binding.command, C::Column(n) if binding.keys == [n.to_string()])
}
