//! One post as a row of a column: a head line, the wrapped text, what the team knows of it, a rule.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, Weak};

use jiff::Timestamp;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::shortcodes::as_shown;
use super::text::{self, cut};
use super::theme::Theme;
use super::{conversation, reading, time};
use crate::app::people::Notable;
use crate::app::until::THEY_WRITE;
use crate::app::{App, ColumnSetup, Mode, Queue};
use crate::desk::{Case, PostState, PostView, Reading};
use crate::model::event::Standing;
use crate::model::sla::Used;
use crate::model::words::{behind_colon, counted};
use crate::model::{CaseStatus, Delivery, Doing, Mark, Post, PostId, RepName};

/// A longer text ends with `..`; the case pane has all of it.
const TEXT_LINES: usize = 10;
/// Wrapped texts kept; a screen shows far fewer.
const WRAPS_KEPT: usize = 512;

/// Wrapped texts of the posts on the screen, by post and width. An entry holds for one body only: an edited
/// post is wrapped anew, and an erased one leaves the cache at the end of the next frame.
#[derive(Debug, Default)]
pub(super) struct Wraps {
    entries: HashMap<(PostId, u16), Wrap>,
    frame: u64,
    /// How emoji are shown: what was wrapped otherwise is of no use.
    shortcodes: bool,
}

#[derive(Debug)]
struct Wrap {
    body: Weak<Post>,
    words: Box<str>,
    lines: Box<[Range<usize>]>,
    used: u64,
}

impl Wraps {
    pub(super) fn begin(&mut self, shortcodes: bool) {
        self.frame += 1;
        if std::mem::replace(&mut self.shortcodes, shortcodes) != shortcodes {
            self.entries.clear();
        }
    }

    pub(super) fn end(&mut self) {
        self.entries.retain(|_, wrap| wrap.body.strong_count() > 0);
        if self.entries.len() > WRAPS_KEPT {
            let frame = self.frame;
            self.entries.retain(|_, wrap| wrap.used == frame);
        }
    }

    fn lines(&mut self, app: &App, post: &Arc<Post>, cells: u16) -> impl ExactSizeIterator<Item = &str> {
        let key = (post.id.clone(), cells);
        let is_fresh = self.entries.get(&key).is_some_and(|wrap| wrap.body.as_ptr() == Arc::as_ptr(post));
        if !is_fresh {
            // Rows are nobody's to open: what is behind a warning is read in the case.
            let words = folded_text(app, post).unwrap_or_else(|| shown_text(app, post)).into_boxed_str();
            let lines = text::wrap(words.trim_end(), cells).into_boxed_slice();
            self.entries.insert(key.clone(), Wrap { body: Arc::downgrade(post), words, lines, used: 0 });
        }
        let frame = self.frame;
        let (words, lines): (&str, &[Range<usize>]) = match self.entries.get_mut(&key) {
            Some(wrap) => {
                wrap.used = frame;
                (&wrap.words, &wrap.lines)
            }
            None => ("", &[]),
        };
        lines.iter().map(move |range| &words[range.clone()])
    }
}

/// The content warning alone, with what waits behind it; `None` where there is none.
fn folded_text(app: &App, post: &Post) -> Option<String> {
    let (warning, behind) = post.warned()?;
    let behind = match (behind.split_whitespace().count(), post.media.len()) {
        (0, 0) => return Some(as_shown(app, warning).into_owned()),
        (0, media) => counted(media, "attachment"),
        (words, 0) => counted(words, "word"),
        (words, media) => format!("{}, {}", counted(words, "word"), counted(media, "attachment")),
    };
    Some(format!("{}\n[{behind} folded]", as_shown(app, warning)))
}

/// Whether what stands behind a content warning is kept from view: until the case is opened, or answered.
pub(super) fn is_folded(app: &App, post: &Post) -> bool {
    post.warned().is_some() && !matches!(app.mode, Mode::Case { .. } | Mode::Composer(_) | Mode::Preview(_))
}

/// The post's words with its links as the network shows them; behind a content warning only where it was opened.
pub(super) fn shown_text(app: &App, post: &Post) -> String {
    if is_folded(app, post)
        && let Some(folded) = folded_text(app, post)
    {
        return folded;
    }
    let mut words = as_shown(app, &post.text).into_owned();
    for link in &post.links {
        if !link.short.is_empty() && !link.display.is_empty() {
            words = words.replace(&link.short, &link.display);
        }
    }
    words
}

/// What a row is drawn from.
pub(super) struct RowContext<'a> {
    pub(super) app: &'a App,
    pub(super) theme: Theme,
    /// `None` in a queue.
    pub(super) column: Option<&'a ColumnSetup>,
    pub(super) queue: Option<Queue>,
    /// Inside the column's borders.
    pub(super) cells: u16,
    pub(super) selected: Option<&'a PostId>,
    pub(super) has_keys: bool,
    /// Posts of several networks stand here: each row says whose it is.
    pub(super) is_shared: bool,
}

/// The row's lines, without the rule below it.
pub(super) fn row(context: &RowContext<'_>, wraps: &mut Wraps, post: &PostView) -> Vec<Line<'static>> {
    let mut lines = vec![head(context, post)];
    let cells = context.cells.saturating_sub(2);
    // Among the direct messages a row tells what was written there, not what stood in public.
    let is_message = context.queue == Some(Queue::Messages);
    let case = reading::case_of(&context.app.desk, post).filter(|_| is_message);
    let message =
        case.and_then(|case| conversation::newest_message(context.app, case, cells.saturating_add(1), context.theme));
    match (&post.body, message) {
        (_, Some(message)) => {
            let is_cut = message.len() > TEXT_LINES;
            lines.extend(message.into_iter().take(TEXT_LINES));
            lines.extend(is_cut.then(|| quiet(context, "..")));
        }
        (Some(body), None) => {
            let all = wraps.lines(context.app, body, cells);
            let count = all.len();
            for (i, line) in all.take(TEXT_LINES).enumerate() {
                let more = if i + 1 == TEXT_LINES && count > TEXT_LINES { " .." } else { "" };
                lines.push(Line::from(format!(" {line}{more}")));
            }
            let media = if body.warned().is_some() { &[][..] } else { &body.media };
            let alt = media.iter().find_map(|media| Some((media.kind.as_str(), media.alt.as_deref()?)));
            if let Some((kind, alt)) = alt {
                let words = format!("{kind}: \"{}\"", as_shown(context.app, alt).replace('\n', " "));
                lines.push(quiet(context, &cut(&words, usize::from(cells))));
            }
        }
        (None, None) => lines.push(quiet(context, missing_text(post.state))),
    }
    lines.extend(pack(&facts(context, post), cells));
    lines
}

/// The words that stand where a text is gone or not at hand.
pub(super) fn missing_text(state: PostState) -> &'static str {
    match state {
        PostState::Deleted => "deleted by its author (text removed)",
        PostState::Erased => "text removed",
        PostState::Present | PostState::Edited => "reading the text..",
    }
}

fn quiet(context: &RowContext<'_>, words: &str) -> Line<'static> {
    Line::from(vec![Span::raw(" "), Span::styled(words.to_owned(), context.theme.quiet())])
}

/// `>N!*26h10 B @handle      1.2k fol  rt x41  3rd`; the `*` stands where something in the case was not read yet, the
/// network's letter where posts of several networks stand together.
fn head(context: &RowContext<'_>, post: &PostView) -> Line<'static> {
    let RowContext { app, theme, .. } = *context;
    let case = reading::case_of(&app.desk, post);
    let mark = case.map_or(Mark::None, |case| case.mark(&app.setup.me));
    let is_overdue = case.is_some_and(|case| used(app, case) == Some(Used::Overdue));
    let is_selected = context.selected == Some(&post.id);
    let is_marked = case.is_some_and(|case| app.marked.contains(&case.id));
    let is_urgent = case.is_some_and(|case| app.is_raised(case));

    let is_unread = case.is_some_and(|case| app.is_unread(case));
    let age = time::age(post.at, app.now);
    let counts = reach(context, post);
    let handle = post.body.as_ref().map_or_else(|| "@..".to_owned(), |body| body.author.shown());
    // Whose post it is goes before how far it went.
    let notable = app.notable(&post.author, post.body.as_deref());
    let notable = notable.map_or_else(String::new, |mark| format!("{} ", mark_word(mark)));
    let network = if context.is_shared { format!("{} ", post.id.network().letter()) } else { String::new() };
    // Before the handle stand `>N! `, the age, a blank and the marks; behind it at least a blank on each side.
    let before = 5 + text::width(&age) + network.len() + text::width(&notable);
    let room = usize::from(context.cells).saturating_sub(before + 2);
    // The handle names whom we answer: the counts give way to it down to a dozen letters.
    let counts = if text::width(&counts) + 12 > room { String::new() } else { counts };
    let handle = cut(&handle, room.saturating_sub(text::width(&counts))).into_owned();
    let gap = room.saturating_sub(text::width(&handle) + text::width(&counts)) + 1;

    let pick = |style| if is_selected && context.has_keys { theme.selected() } else { style };
    Line::from(vec![
        Span::styled(
            if is_selected {
                ">"
            } else if is_marked {
                "x"
            } else {
                " "
            },
            pick(theme.strong()),
        ),
        Span::styled(mark.letter().to_string(), pick(theme.mark(mark))),
        Span::styled(
            if is_overdue {
                "!"
            } else if is_urgent {
                "P"
            } else {
                " "
            },
            pick(theme.overdue()),
        ),
        Span::styled(if is_unread { "*" } else { " " }, pick(theme.strong())),
        Span::styled(format!("{age} "), pick(theme.quiet())),
        Span::styled(network, pick(theme.strong())),
        Span::styled(notable, pick(theme.strong())),
        Span::styled(handle, pick(theme.handle())),
        Span::raw(" ".repeat(gap)),
        Span::styled(counts, theme.quiet()),
    ])
}

/// `VIP`, or the followers of somebody many follow: `12k`.
pub(super) fn mark_word(mark: Notable) -> String {
    match mark {
        Notable::Vip => "VIP".to_owned(),
        Notable::Followed(followers) => text::number(followers),
    }
}

/// `1.2k fol  rt x41  3rd`, as far as it is known.
fn reach(context: &RowContext<'_>, post: &PostView) -> String {
    let mut parts = Vec::new();
    if let Some(body) = &post.body {
        parts.extend(body.author.followers.map(|n| format!("{} fol", text::number(n))));
        parts.extend(body.counts.reposts.filter(|n| *n > 0).map(|n| format!("rt x{}", text::number(n))));
    }
    let contacts = reading::contacts_lately(context.app, &post.author);
    if contacts > 1 && post.case.is_some() {
        parts.push(text::ordinal(contacts));
    }
    parts.join("  ")
}

fn used(app: &App, case: &Case) -> Option<Used> {
    case.answer_clock(&app.terms(case), app.now).map(|reading| reading.step)
}

/// What the team knows of the post, in pieces that stay whole.
fn facts(context: &RowContext<'_>, post: &PostView) -> Vec<Span<'static>> {
    let RowContext { app, theme, .. } = *context;
    let mut facts = Vec::new();
    let case = reading::case_of(&app.desk, post);
    if let Some(case) = case {
        if context.queue.is_some() {
            facts.extend(wrote_again(app, theme, case, post));
        }
        facts.extend(case_facts(app, theme, case));
        if !case.tags.is_empty() {
            let tags: Vec<_> = case.tags.iter().map(String::as_str).collect();
            facts.push(Span::raw(format!("tags: {}", tags.join(", "))));
        }
    }
    match post.standing {
        Standing::Own => facts.push(Span::styled("ours", theme.quiet())),
        Standing::Repost => facts.push(Span::styled("repost, no case", theme.quiet())),
        Standing::Quote if post.case.is_none() => {
            facts.push(Span::styled("quote, no case; c opens one", theme.quiet()));
        }
        Standing::Quote => facts.push(Span::styled("quote", theme.quiet())),
        Standing::Customer | Standing::Goodbye => {
            let account = match context.column {
                Some(column) => column.on(post.id.network()).and_then(|source| app.account(&source.reply_as)),
                None => app.reply_account(post),
            };
            if let (Some(body), Some(account)) = (&post.body, account)
                && !reading::is_addressed_to(body, account)
            {
                facts.push(Span::styled("not addressed to us", theme.quiet()));
            }
        }
    }
    if let Some(asked) = app.may_turn_round(post) {
        let number = asked.number;
        facts.push(if asked.turned_round.as_ref() == Some(&post.id) {
            Span::styled(format!("+happy: case {number} turned round"), theme.strong())
        } else if asked.turned_round.is_none() {
            Span::styled(format!("happy post for case {number}? W counts it"), theme.strong())
        } else {
            Span::raw(String::new())
        });
        facts.retain(|fact| !fact.content.is_empty());
    }
    if post.state == PostState::Edited {
        facts.push(Span::styled("edited", theme.quiet()));
    }
    facts
}

/// In a queue a row is a case: that there is more than the post it shows must be seen.
fn wrote_again(app: &App, theme: Theme, case: &Case, post: &PostView) -> Option<Span<'static>> {
    let newer = app.written_since(case.id, &post.id);
    let newest = newer.last()?;
    let times = if newer.len() == 1 { String::new() } else { format!(" {} times", newer.len()) };
    Some(Span::styled(format!("wrote again{times}, {}", time::age(newest.at, app.now)), theme.warning()))
}

/// Where the case stands, as pieces: who has it, what was answered how long ago, what is due.
pub(super) fn case_facts(app: &App, theme: Theme, case: &Case) -> Vec<Span<'static>> {
    let mut facts = Vec::new();
    let ago = |at: Timestamp| time::age(at, app.now);
    for action in app.pending.values().filter(|action| action.case == Some(case.id)) {
        facts.push(Span::styled(format!("{}..", action.word), theme.strong()));
    }
    if app.marked.contains(&case.id) {
        facts.push(Span::styled("marked", theme.strong()));
    }
    if app.is_raised(case) {
        facts.push(Span::styled("priority", theme.warning()));
    }
    let owner = case.owner.as_ref();
    let is_mine = owner == Some(&app.setup.me);
    if let Some(resolved) = &case.resolved
        && case.status == CaseStatus::Resolved
    {
        let why = behind_colon(resolved.ended_as());
        facts.push(Span::styled(format!("resolved {}{why}", resolved.rep), theme.quiet()));
        if let Some(asked) = case.happy_asked {
            facts.push(Span::styled(format!("happy post asked {}", ago(asked)), theme.quiet()));
        }
        if case.turned_round.is_some() {
            facts.push(Span::styled("turned round", theme.strong()));
        }
        return facts;
    }
    let left_behind = app.left_behind(case);
    // Beside the claim, not once more.
    let mut is_told = true;
    match owner {
        Some(me) if is_mine => facts.push(Span::styled(format!("you:{me}"), theme.mark(Mark::Mine))),
        // Told by the answer already.
        Some(other)
            if left_behind.is_none()
                && case.last_answer.as_ref().is_some_and(|answer| answer.rep.as_ref() == Some(other)) => {}
        Some(other) => {
            let since = case.claimed_at.map_or_else(String::new, |at| format!(" {}", ago(at)));
            let doing = app.doing_in(other, case.id).map_or_else(String::new, |doing| format!(" ({})", doing.word()));
            facts.push(Span::styled(format!("claimed {other}{since}{doing}"), theme.mark(Mark::Claimed)));
            is_told = doing.is_empty();
        }
        None => {}
    }
    for (rep, doing) in app.others_in(case.id) {
        if is_told || owner != Some(rep) {
            facts.push(Span::styled(format!("{rep} {}", doing.word()), presence_style(theme, doing)));
        }
    }
    if let Some(ended) = left_behind {
        facts.push(Span::styled(format!("their session ended {} ago", ago(ended)), theme.warning()));
    }
    if case.status == CaseStatus::Waiting {
        let since = case.waiting_since.map_or_else(String::new, |at| format!(" {}", ago(at)));
        facts.push(Span::styled(format!("waiting on us{since}"), theme.mark(Mark::Waiting)));
    }
    if let Some(answer) = &case.last_answer {
        let rep = answer.rep.as_ref().map_or("elsewhere", |rep| rep.as_str());
        facts.push(Span::styled(format!("ack {rep} {}", ago(answer.at)), theme.quiet()));
    } else if is_mine {
        facts.push(Span::raw("not answered"));
    }
    if let Some(asked) = case.dm_requested {
        facts.push(Span::styled(format!("dm asked {}", ago(asked)), theme.quiet()));
    }
    if let Some(message) = case.messages.last() {
        let way = if message.is_ours { "dm sent" } else { "DM" };
        facts.push(Span::styled(format!("{way} {}", ago(message.at)), theme.quiet()));
    }
    if let Some(edited) = case.edited_since {
        facts.push(Span::styled(format!("edited {} after our answer", ago(edited)), theme.warning()));
    }
    if app.desk.opted_out.contains_key(&case.author) {
        facts.push(Span::styled("asked not to be contacted", theme.warning()));
    }
    if let Some(over) = &case.handed_over {
        facts.push(Span::styled(format!("handed over {} {}, not seen yet", over.rep, ago(over.at)), theme.warning()));
    }
    facts.extend(delivery_fact(app, theme, case));
    if let Some(until) = case.snoozed_until.filter(|until| *until > app.now) {
        let words = if until == THEY_WRITE {
            "snoozed until they write".to_owned()
        } else if until.duration_since(app.now) > jiff::SignedDuration::from_hours(20) {
            format!("snoozed until {} {}", time::day(until, &app.setup.zone), time::minutes(until, &app.setup.zone))
        } else {
            format!("snoozed until {}", time::minutes(until, &app.setup.zone))
        };
        facts.push(Span::styled(words, theme.quiet()));
    }
    if !case.drafts.is_empty() {
        let mut reps: Vec<&str> = case.drafts.iter().map(|draft| draft.rep.as_str()).collect();
        reps.sort_unstable();
        reps.dedup();
        facts.push(Span::styled(format!("draft {}", reps.join(", ")), theme.strong()));
    }
    if !case.begun_notes.is_empty() {
        let reps: Vec<&str> = case.begun_notes.keys().map(RepName::as_str).collect();
        facts.push(Span::styled(format!("note begun {}", reps.join(", ")), theme.quiet()));
    }
    facts.extend(due_facts(app, theme, case));
    facts
}

/// Who writes matters most to whoever is about to.
pub(super) fn presence_style(theme: Theme, doing: Doing) -> Style {
    match doing {
        Doing::Writing => theme.warning(),
        Doing::Viewing => theme.text(),
        Doing::Idle => theme.quiet(),
    }
}

/// What became of the newest reply, while that is not plain from the case itself.
fn delivery_fact(app: &App, theme: Theme, case: &Case) -> Option<Span<'static>> {
    let reply = app.desk.replies.get(case.replies.last()?)?;
    let rep = &reply.rep;
    match &reply.delivery {
        Delivery::Queued { until } if *until > app.now => {
            Some(Span::styled(format!("held {rep} {}", time::countdown(*until, app.now)), theme.strong()))
        }
        Delivery::Queued { .. } => Some(Span::styled(format!("queued {rep}"), theme.strong())),
        Delivery::Sending => Some(Span::styled(format!("sending {rep}.."), theme.strong())),
        Delivery::Sent { .. } | Delivery::Delivered { .. } => None,
        Delivery::Failed { .. } => Some(Span::styled("send failed, see outbox", theme.overdue())),
        Delivery::Parked { .. } => Some(Span::styled("parked, see outbox", theme.warning())),
    }
}

/// Told from half of the target on; the words change with every step.
fn due_facts(app: &App, theme: Theme, case: &Case) -> Vec<Span<'static>> {
    let terms = app.terms(case);
    let mut facts = Vec::new();
    if let Some(reading) = case.answer_clock(&terms, app.now) {
        let due = due_words(&reading, app.now);
        let words = match reading.step {
            Used::Little => None,
            Used::Half | Used::All => Some(due),
            Used::Most => Some(format!("{due} soon")),
            Used::Overdue => Some(format!("{due} overdue")),
        };
        facts.extend(words.map(|words| Span::styled(words, theme.used(reading.step))));
    }
    if let Some(reading) = case.resolution_clock(&terms, app.now).filter(|reading| reading.step >= Used::Half) {
        let due = due_words(&reading, app.now);
        facts.push(Span::styled(format!("to be resolved: {due}"), theme.used(reading.step)));
    }
    facts
}

/// `due in 0:56`, `due -2h10`; `clock stopped` while it stands still.
pub(super) fn due_words(reading: &Reading, now: Timestamp) -> String {
    reading.due.map_or_else(|| "clock stopped".to_owned(), |due| time::due(due, now))
}

/// Puts pieces side by side as long as they fit, two blanks between them; one too long for a line is cut.
pub(super) fn pack(pieces: &[Span<'static>], cells: u16) -> Vec<Line<'static>> {
    let cells = usize::from(cells);
    let mut lines: Vec<Line<'static>> = Vec::new();
    let mut used = 0;
    for piece in pieces {
        let piece = Span::styled(cut(&piece.content, cells).into_owned(), piece.style);
        let width = text::width(&piece.content);
        match lines.last_mut() {
            Some(line) if used + 2 + width <= cells => {
                line.spans.push(Span::raw("  "));
                line.spans.push(piece);
                used += 2 + width;
            }
            _ => {
                lines.push(Line::from(vec![Span::raw(" "), piece]));
                used = width;
            }
        }
    }
    lines
}
