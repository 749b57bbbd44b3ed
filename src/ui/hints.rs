//! The keys as the screen names them: the foot of each screen, what may follow a prefix, the help.

use std::borrow::Cow;

use crate::app::Mode;

/// A key and what it does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Hint {
    pub(super) keys: Cow<'static, str>,
    pub(super) words: Cow<'static, str>,
}

/// Where a key works.
type Section = (&'static str, &'static [(&'static str, &'static str)]);

const COLUMNS: &[(&str, &str)] = &[
    ("r", "ack"),
    ("d", "ask-DM"),
    ("b", "both"),
    ("c", "claim"),
    ("e", "resolve"),
    ("n", "next open"),
    ("/", "find"),
    ("?", "all keys"),
    ("!", "overdue"),
    (";", "palette"),
    ("u", "undo"),
    ("o", "open"),
    (".", "live"),
    ("P", "hold"),
    ("U", "outbox"),
    ("gd", "drafts"),
    ("gl", "links"),
    ("Q", "quit"),
];

const PREFIXED: &[(&str, &str)] = &[
    ("gg", "to the newest post"),
    ("ga", "next column with something new"),
    ("gd", "drafts"),
    ("gl", "connection log"),
    ("go", "hand over to the network's own page"),
    ("yl", "copy the link"),
    ("yt", "copy the text"),
    ("yh", "copy the handle"),
    ("yc", "copy the case number"),
];

const MOVING: &[(&str, &str)] = &[
    ("j k, arrows", "next, previous post"),
    ("h l, arrows", "column to the left, to the right"),
    ("1-9, 0", "column 1-9, last column"),
    ("gg G", "newest, oldest post"),
    ("Ctrl-d Ctrl-u, Space", "half a page, a page"),
    ("n N", "next, previous unanswered post"),
    ("!", "most overdue case of all"),
    (".", "back to live: follow the newest post"),
    ("P", "hold the column where it is"),
    ("Enter, Esc", "open the case, back"),
];

const ANSWERING: &[(&str, &str)] = &[
    ("r", "draft a public acknowledgement"),
    ("d", "draft a request to move to direct messages"),
    ("b", "draft both in one post"),
    ("c C", "claim, release the case"),
    ("e E", "resolve, reopen the case"),
    ("go", "hand the reply over to the network's own page"),
    ("u", "undo, a held reply included"),
    ("U", "outbox: replies that have not gone out"),
    ("o", "open the post in the browser"),
    ("y", "copy: l link, t text, h handle, c case"),
];

const EDITOR: &[(&str, &str)] =
    &[("Ctrl-S", "preview"), ("::", "saved reply"), ("Ctrl-E", "your editor"), ("Esc", "leave, the draft is kept")];

const PREVIEW: &[(&str, &str)] = &[
    ("y", "send"),
    ("e", "edit"),
    ("s", "save draft"),
    ("g o", "hand over to browser"),
    ("Esc", "back, draft is kept"),
];

const REST: &[(&str, &str)] = &[
    ("/", "find in stored posts"),
    ("; :", "any command, by letters or by name"),
    ("gd gl", "drafts, connection log"),
    ("?", "this help"),
    ("Q, :q", "quit; asks while replies are held"),
];

const LIST: &[(&str, &str)] = &[("j k", "move"), ("Enter", "open"), ("Esc", "back")];

const SECTIONS: &[Section] = &[
    ("Moving", MOVING),
    ("Answering", ANSWERING),
    ("In the editor", EDITOR),
    ("In the preview", PREVIEW),
    ("The rest", REST),
];

fn hint(&(keys, words): &(&'static str, &'static str)) -> Hint {
    Hint { keys: Cow::Borrowed(keys), words: Cow::Borrowed(words) }
}

/// The most needed keys of a screen, most needed first; the foot shows as many as fit.
pub(super) fn of_mode(mode: &Mode) -> Vec<Hint> {
    let rows: &[(&str, &str)] = match mode {
        Mode::Columns => COLUMNS,
        Mode::Case { .. } => &[
            ("r", "ack"),
            ("d", "ask-DM"),
            ("b", "both"),
            ("c", "claim"),
            ("e", "resolve"),
            ("o", "open"),
            ("j k", "scroll"),
            ("Esc", "back"),
            ("?", "all keys"),
        ],
        Mode::Composer(_) => EDITOR,
        Mode::Preview(_) => PREVIEW,
        Mode::Palette(_) => &[("letters", "narrow"), ("Up Down", "choose"), ("Enter", "do it"), ("Esc", "back")],
        Mode::CommandLine(_) => &[("Enter", "do it"), ("Esc", "back")],
        Mode::Find(find) if find.in_list => LIST,
        Mode::Find(_) => &[("Enter", "search"), ("Down", "to the hits"), ("Esc", "back")],
        Mode::Help { .. } | Mode::Links { .. } => &[("j k", "scroll"), ("Esc", "back")],
        Mode::Outbox { .. } => &[("j k", "move"), ("r", "send again"), ("e", "edit"), ("D", "drop"), ("Esc", "back")],
        Mode::Drafts { .. } => &[("j k", "move"), ("Enter", "go on writing"), ("D", "drop"), ("Esc", "back")],
        Mode::SavedReplies(..) => &[("letters", "narrow"), ("Enter", "insert"), ("Esc", "back")],
        Mode::Resolve { .. } => &[("letters", "narrow"), ("Enter", "resolve"), ("Esc", "back")],
        Mode::QuitQuestion => &[("s", "send now and quit"), ("k", "keep and quit"), ("Esc", "stay")],
    };
    rows.iter().map(hint).collect()
}

/// What may follow the keys typed so far: the rest of the keys and their words.
pub(super) fn after_prefix(prefix: &str) -> Vec<Hint> {
    let rest = |(keys, words): &(&'static str, &'static str)| {
        let rest = keys.strip_prefix(prefix).filter(|rest| !rest.is_empty())?;
        Some(Hint { keys: Cow::Borrowed(rest), words: Cow::Borrowed(words) })
    };
    PREFIXED.iter().filter_map(rest).collect()
}

/// Every key, by what it is for.
pub(super) fn sections() -> Vec<(&'static str, Vec<Hint>)> {
    SECTIONS.iter().map(|(title, rows)| (*title, rows.iter().map(hint).collect())).collect()
}

/// The commands the palette's indices mean.
pub(super) fn commands() -> Vec<Hint> {
    [MOVING, ANSWERING, REST].into_iter().flatten().map(hint).collect()
}
