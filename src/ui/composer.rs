//! Writing a reply: what is answered, the editor, the length. The editor's text is wrapped and drawn here, so
//! that cells, cursor and unsure clusters follow the same rules as everywhere.

use std::ops::Range;

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};
use ratatui_textarea::TextArea;

use super::case::told_verdict;
use super::hints;
use super::paint::{paragraph, pieces_below, put, put_line, rule};
use super::post::{missing_text, shown_text};
use super::shortcodes::as_shown;
use super::text::{width, wrap};
use super::theme::Theme;
use super::{conversation, reading, time};
use crate::app::command::{Command, ModeKind};
use crate::app::compose_text::{self, dm_link};
use crate::app::composer::Saved;
use crate::app::{App, Composer};
use crate::desk::PostView;
use crate::model::length::Unit;
use crate::model::words::moment;
use crate::model::{Doing, NetworkKind, Purpose};

/// Lines of the answered post shown above the editor.
const POST_LINES: usize = 4;
/// The editor keeps at least this many lines.
const EDITOR_LINES: u16 = 3;

/// Draws the composer into `area`, with what it answers above the editor; returns the insertion point.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, app: &App, composer: &Composer, theme: Theme) -> Position {
    if area.width < 4 || area.height == 0 {
        return area.as_position();
    }
    let mut y = area.y;
    put_line(buffer, Position::new(area.x, y), area.width, &title(app, composer, area.width, theme));
    y += 1;
    // Told here as well while the pane above may show another case.
    let writing = app.others_in(composer.case).into_iter().filter(|(_, doing)| *doing == Doing::Writing);
    let writing: Vec<_> = writing.map(|(rep, _)| rep.as_str()).collect();
    let mut above = Vec::new();
    if let Some(rep) = &composer.from {
        above.extend(paragraph(&format!("{rep}'s draft, kept for them"), area.width, 0, theme.warning()));
    }
    if !writing.is_empty() {
        let verb = if writing.len() == 1 { "is" } else { "are" };
        let words = format!("{} {verb} writing in this case too", writing.join(", "));
        above.extend(paragraph(&words, area.width, 0, theme.warning()));
    }
    above.extend(answered(app, composer, area.width, theme));
    above.extend(told_verdict(&composer.verdict, composer.purpose, area.width, theme));
    // The editor and the line below it come first on a small screen.
    let room = area.height.saturating_sub(1 + EDITOR_LINES + 3);
    above.truncate(usize::from(room));
    for line in &above {
        put_line(buffer, Position::new(area.x, y), area.width, line);
        y += 1;
    }
    if area.height > EDITOR_LINES + 2 {
        rule(buffer, Position::new(area.x, y), area.width, '-', theme.frame());
        y += 1;
    }
    let has_foot = area.height > EDITOR_LINES;
    let foot_rows = if has_foot { 2.min(area.bottom().saturating_sub(y + 1)) } else { 0 };
    let editor = Rect::new(area.x + 1, y, area.width - 2, area.bottom().saturating_sub(y + foot_rows));
    let cursor = draw_editor(buffer, editor, &composer.editor, theme);
    if foot_rows > 0 {
        put_line(buffer, Position::new(area.x, editor.bottom()), area.width, &foot(app, composer, theme));
    }
    if foot_rows > 1 {
        put_line(buffer, Position::new(area.x, editor.bottom() + 1), area.width, &added(app, composer, theme));
    }
    cursor
}

/// `REPLY draft PUBLIC  as @CharterHelp (X)  saved 14:31:58  acknowledgement`. Where that is too
/// long, the purpose is said in short, then the time of saving is left out, then the handle is shortened.
fn title(app: &App, composer: &Composer, cells: u16, theme: Theme) -> Line<'static> {
    let (saved, is_saved) = match composer.saved {
        Saved::Untouched => (String::new(), ""),
        Saved::Typing { .. } => ("not saved yet".to_owned(), "not saved"),
        Saved::At(at) => (format!("saved {}", time::hours(at, &app.setup.zone)), "saved"),
    };
    let is_private = composer.purpose.is_private();
    let what = if is_private { "DIRECT MESSAGE draft PRIVATE" } else { "REPLY draft PUBLIC" };
    // A direct message has said already what it is.
    let purpose = if is_private { "" } else { composer.purpose.title() };
    let room = |saved: &str, purpose: &str| {
        let parts = [what, saved, purpose].into_iter().filter(|part| !part.is_empty());
        usize::from(cells).saturating_sub(parts.map(|part| width(part) + 2).sum::<usize>() + 3)
    };
    let whole = width(&reading::account_title(app, &composer.account));
    let purpose = if whole > room(&saved, purpose) { brief(composer.purpose) } else { purpose };
    let saved = if whole > room(&saved, purpose) { is_saved.to_owned() } else { saved };
    let account = reading::account_title_within(app, &composer.account, room(&saved, purpose));
    let parts = [
        Span::styled(what, theme.focused()),
        Span::raw(account.map_or_else(String::new, |account| format!("as {account}"))),
        Span::styled(saved, theme.quiet()),
        Span::styled(purpose, theme.strong()),
    ];
    let mut line = Line::default();
    for part in parts.into_iter().filter(|part| !part.content.is_empty()) {
        if !line.spans.is_empty() {
            line.spans.push(Span::raw("  "));
        }
        line.spans.push(part);
    }
    line
}

/// [`Purpose::title`] in the words of the foot.
fn brief(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Acknowledgement => "ack",
        Purpose::DmRequest => "ask-DM",
        Purpose::Both => "ack + ask-DM",
        Purpose::HappyPost => "happy post",
        Purpose::DirectMessage => "",
    }
}

/// The post that is answered, in brief, and what we had with its author before.
fn answered(app: &App, composer: &Composer, cells: u16, theme: Theme) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    let post = app.desk.posts.get(&composer.to);
    let body = post.and_then(|post| post.body.as_deref());
    let is_private = composer.purpose.is_private();
    let case = app.desk.cases.get(&composer.case).filter(|_| is_private);
    if let Some(message) = case.and_then(|case| conversation::answered(app, case, cells, theme)) {
        lines.extend(message.into_iter().take(POST_LINES + 1));
    } else if let Some(body) = body {
        let mut pieces = vec![
            (body.author.shown(), theme.handle()),
            (format!("({})", as_shown(app, &body.author.name)), theme.text()),
            (moment(body.at, &app.setup.zone), theme.quiet()),
        ];
        pieces.extend(is_private.then(|| ("in public:".to_owned(), theme.quiet())));
        lines.extend(pieces_below(if is_private { "To " } else { "In reply to " }, pieces, cells));
        lines.extend(paragraph(&shown_text(app, body), cells, 1, theme.text()).into_iter().take(POST_LINES));
    } else {
        lines.push(Line::styled("In reply to a post whose text was removed", theme.quiet()));
    }
    let newer = app.written_since(composer.case, &composer.to);
    if let Some(newest) = newer.last().filter(|_| !is_private) {
        lines.extend(written_since(app, newer.len(), newest, cells, theme));
    }
    if let Some(case) = app.desk.cases.get(&composer.case)
        && let Some(words) = reading::history_words(app, &case.author, case.id)
    {
        lines.extend(paragraph(&format!("history: {words}"), cells, 0, theme.text()));
    }
    lines
}

/// `they have written since, 14:05:00Z: it is worse now`, at most two lines of it.
fn written_since(app: &App, count: usize, newest: &PostView, cells: u16, theme: Theme) -> Vec<Line<'static>> {
    let words = newest.body.as_deref().map_or_else(
        || missing_text(newest.state).to_owned(),
        |body| shown_text(app, body).split_whitespace().collect::<Vec<_>>().join(" "),
    );
    let times = if count == 1 { String::new() } else { format!(" {count} times") };
    let at = time::hours(newest.at, &app.setup.zone);
    let key = hints::key_in(app, ModeKind::Composer, Command::AnswerNewest);
    let told = format!("they have written{times} since ({key} answers that), {at}: {words}");
    let lines = paragraph(&told, cells, 0, theme.warning());
    lines.into_iter().take(2).collect()
}

/// `124/280 (X weighted, link counts 23)   fill {name} first`
fn foot(app: &App, composer: &Composer, theme: Theme) -> Line<'static> {
    let length = composer.length;
    let style = if length.used > length.limit { theme.overdue() } else { theme.strong() };
    let over = length.used.saturating_sub(length.limit);
    // The limit one does not expect is the one that needs its unit.
    let unit = if length.unit == Unit::Bytes { " bytes" } else { "" };
    let words = if over > 0 {
        format!("{}/{}{unit} TOO LONG by {over}", length.used, length.limit)
    } else {
        format!("{}/{}{unit}", length.used, length.limit)
    };
    let mut spans = vec![Span::styled(words, style)];
    if let Some(problem) = &composer.problem {
        spans.push(Span::raw("   "));
        spans.push(Span::styled(problem.replace('\n', " "), theme.warning()));
    } else {
        let key = |command| hints::key_in(app, ModeKind::Composer, command);
        let (preview, leave) = (key(Command::Preview), key(Command::Back));
        let words = format!("   {preview} preview   :: saved reply   {leave} keep draft and leave");
        spans.push(Span::styled(words, theme.quiet()));
    }
    Line::from(spans)
}

/// What is put around the words when they go out.
fn added(app: &App, composer: &Composer, theme: Theme) -> Line<'static> {
    let handle = app.desk.posts.get(&composer.to).and_then(|post| post.body.as_ref());
    let account = app.account(&composer.account);
    let handle = handle.filter(|post| {
        let is_named = account.is_some_and(|account| compose_text::is_named(composer.purpose, account));
        is_named && post.network() != NetworkKind::Bluesky
    });
    // Without a handle nobody is named; the network still puts the reply below the post.
    let handle = handle.filter(|post| !post.author.handle.is_empty());
    let mut parts: Vec<String> = handle.map(|post| post.author.shown()).into_iter().collect();
    parts.extend(app.setup.signature.clone());
    if account.is_some_and(|account| dm_link(composer.purpose, account).is_some()) {
        parts.push("the DM link".to_owned());
    }
    let words = if parts.is_empty() { String::new() } else { format!("added by itself: {}", parts.join(", ")) };
    Line::styled(words, theme.quiet())
}

/// Draws the lines around the cursor; returns the cursor's cell.
pub(super) fn draw_editor(buffer: &mut Buffer, area: Rect, text: &TextArea<'_>, theme: Theme) -> Position {
    if area.width == 0 || area.height == 0 {
        return area.as_position();
    }
    let cursor = text.cursor();
    let (mut rows, mut at) = (Vec::new(), (0, 0));
    for (number, line) in text.lines().iter().enumerate() {
        let ranges = wrap(line, area.width);
        if number == cursor.0 {
            let byte = line.char_indices().nth(cursor.1).map_or(line.len(), |(byte, _)| byte);
            let (row, cells) = cell_of(line, &ranges, byte);
            at = (rows.len() + row, cells);
        }
        rows.extend(ranges.into_iter().map(|range| &line[range]));
    }
    let height = usize::from(area.height);
    let top = at.0.saturating_sub(height - 1).min(rows.len().saturating_sub(height));
    for (row, y) in rows.iter().skip(top).zip(area.top()..area.bottom()) {
        put(buffer, Position::new(area.x, y), area.width, row, theme.text());
    }
    let x = u16::try_from(at.1).unwrap_or(u16::MAX).min(area.width);
    let y = u16::try_from(at.0 - top).unwrap_or(0).min(area.height - 1);
    Position::new(area.x + x, area.y + y)
}

/// Row and cells of a byte offset in a wrapped line; an offset among the blanks a line ends with counts on.
pub(super) fn cell_of(line: &str, ranges: &[Range<usize>], byte: usize) -> (usize, usize) {
    let row = ranges.iter().rposition(|range| range.start <= byte).unwrap_or(0);
    let start = ranges.get(row).map_or(0, |range| range.start);
    (row, line.get(start..byte).map_or(0, width))
}
