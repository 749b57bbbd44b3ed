//! The last look before anything is sent: exactly what will be published, as whom, at what price, and what
//! speaks against it.

use std::ops::Range;

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::hints;
use super::paint::{paragraph, pieces_below, put_line, put_scrolled, rule};
use super::post::shown_text;
use super::shortcodes::as_shown;
use super::theme::Theme;
use super::{conversation, reading, text};
use crate::app::command::Command;
use crate::app::{App, Preview};
use crate::model::NetworkKind;
use crate::model::length::Unit;
use crate::model::words::{counted, moment};

/// Of a post that leaves our text no room so many rows stay.
const QUOTED: usize = 4;
/// Rows of keys below the text.
const KEY_ROWS: u16 = 3;

/// Draws the preview; the cursor stands on the text that is about to be public. Tells how far it can be scrolled.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, app: &App, preview: &Preview, theme: Theme) -> (Position, u16) {
    let keys = if area.height > KEY_ROWS + 4 { KEY_ROWS } else { 0 };
    let body = Rect { height: area.height - keys, ..area };
    let (lines, text_at) = parts(app, preview, area.width, theme).in_rows(usize::from(body.height), area.width, theme);
    let end = put_scrolled(buffer, body, &lines, preview.scroll, theme.focused());
    if keys > 0 {
        rule(buffer, Position::new(area.x, body.bottom()), area.width, '-', theme.frame());
        for (line, y) in key_lines(app, preview, area.width, theme).iter().zip(body.bottom() + 1..area.bottom()) {
            put_line(buffer, Position::new(area.x, y), area.width, line);
        }
    }
    let scroll = preview.scroll.min(end);
    let row = u16::try_from(text_at).unwrap_or(u16::MAX).saturating_sub(scroll).min(body.height.saturating_sub(1));
    (Position::new(area.x + 4.min(area.width.saturating_sub(1)), area.y + row), end)
}

/// All there is to read.
struct Parts {
    theirs: Vec<Line<'static>>,
    /// The words of the post that is answered, in `theirs`.
    quoted: Range<usize>,
    ours: Vec<Line<'static>>,
    /// The words about to be public, in `ours`.
    text: Range<usize>,
}

impl Parts {
    /// All lines, and the number of the first one of our text. Where there is too little room, what goes out stays in
    /// sight before anything that was said to us.
    fn in_rows(self, rows: usize, cells: u16, theme: Theme) -> (Vec<Line<'static>>, usize) {
        let Self { mut theirs, quoted, mut ours, mut text } = self;
        let all = theirs.len() + 1 + ours.len();
        if all > rows && quoted.len() > QUOTED {
            let folded = quoted.start + QUOTED - 1..quoted.end.min(quoted.start + QUOTED + (all - rows));
            let words = format!(" .. {} of theirs not shown here; the case has them", counted(folded.len(), "line"));
            theirs.splice(folded, [Line::styled(words, theme.quiet())]);
        }
        if theirs.len() + 1 + ours.len() > rows {
            // Air goes before anything that speaks against sending.
            let air = |lines: &[Line<'_>]| lines.iter().filter(|line| line.spans.is_empty()).count();
            text = text.start - air(&ours[..text.start])..text.end - air(&ours[..text.end]);
            theirs.retain(|line| !line.spans.is_empty());
            ours.retain(|line| !line.spans.is_empty());
        }
        if theirs.len() + 1 + text.end > rows {
            ours.push(divider(cells, theme));
            ours.extend(theirs);
            return (ours, text.start);
        }
        let text_at = theirs.len() + 1 + text.start;
        theirs.push(divider(cells, theme));
        theirs.extend(ours);
        (theirs, text_at)
    }
}

fn parts(app: &App, preview: &Preview, cells: u16, theme: Theme) -> Parts {
    let zone = &app.setup.zone;
    let mut theirs = Vec::new();
    let mut quoted = 0..0;
    let post = app.desk.posts.get(&preview.to);
    let indented = |words: &str, style: Style| paragraph(words, cells, 1, style);
    let is_private = preview.purpose.is_private();
    let case = app.desk.cases.get(&preview.case).filter(|_| is_private);
    let message = case.and_then(|case| conversation::answered(app, case, cells.saturating_sub(1), theme));
    match (post.and_then(|post| post.body.as_deref()), message) {
        (_, Some(message)) => theirs.extend(message.into_iter().map(|mut line| {
            line.spans.insert(0, Span::raw(" "));
            line
        })),
        (Some(body), None) => {
            let page = app.page_of(body);
            let page = page.split_once("://").map_or(page.as_str(), |(_, bare)| bare);
            let lead = if is_private { " To           " } else { " In reply to  " };
            let pieces = [
                (body.author.shown(), theme.handle()),
                (format!("({})", as_shown(app, &body.author.name)), theme.text()),
                (moment(body.at, zone), theme.text()),
                (page.to_owned(), theme.quiet()),
            ];
            theirs.extend(pieces_below(lead, pieces, cells));
            quoted.start = theirs.len();
            theirs.extend(indented(&shown_text(app, body), theme.text()));
            quoted.end = theirs.len();
        }
        (None, None) => theirs.push(Line::styled(" In reply to a post whose text was removed", theme.warning())),
    }
    if let Some(case) = app.desk.cases.get(&preview.case)
        && let Some(words) = reading::history_words(app, &case.author, case.id)
    {
        theirs.extend(indented(&format!("history: {words}"), theme.text()));
    }
    let mut ours = Vec::new();
    let us = reading::account_title(app, &preview.account);
    let says = if preview.purpose.is_private() {
        let them = app.desk.cases.get(&preview.case).and_then(|case| app.handle_of(case));
        let them = them.map_or_else(|| "the customer".to_owned(), |handle| format!("@{handle}"));
        match preview.to.network() {
            NetworkKind::X | NetworkKind::Bluesky => {
                format!("DIRECT MESSAGE as {us}, PRIVATE: only {them} sees it. It will read exactly:")
            }
            NetworkKind::Mastodon => format!(
                "DIRECT POST as {us}, shown to {them} alone, but readable for who runs either server. It will read exactly:"
            ),
        }
    } else {
        format!("PUBLIC REPLY as {us}, visible to anyone. It will read exactly:")
    };
    ours.extend(indented(&says, theme.strong()));
    ours.push(Line::default());
    let start = ours.len();
    ours.extend(paragraph(&preview.text, cells, 3, theme.text()));
    let text = start..ours.len();
    ours.push(Line::default());
    let measures = measures(app, preview, usize::from(cells).saturating_sub(1));
    ours.extend(indented(&measures, if preview.length.fits() { theme.text() } else { theme.overdue() }));
    ours.extend(checks(preview, cells, theme));
    Parts { theirs, quoted, ours, text }
}

fn divider(cells: u16, theme: Theme) -> Line<'static> {
    Line::styled("-".repeat(usize::from(cells)), theme.frame())
}

/// `length 157/280 (X weighted, link counts 23)     cost $0.20 (has a link)`. In fewer cells the explanations go first:
/// of how it is counted, then of the price; length and price are always told.
fn measures(app: &App, preview: &Preview, cells: usize) -> String {
    let account = app.account(&preview.account);
    let network = account.map_or(preview.to.network(), |account| account.network);
    let how = match (preview.length.unit, network) {
        (Unit::Bytes, _) => "bytes: emoji and accents take several".to_owned(),
        (Unit::Weighted, _) => "X weighted, link counts 23".to_owned(),
        (Unit::Characters, NetworkKind::Mastodon) => {
            let per_link = account.and_then(|account| account.limits).unwrap_or_default().per_link;
            format!("characters, link counts {per_link}")
        }
        (Unit::Characters, NetworkKind::X | NetworkKind::Bluesky) => "characters".to_owned(),
    };
    let over = if preview.length.fits() { "" } else { " TOO LONG" };
    let length = format!("length {}/{}{over}", preview.length.used, preview.length.limit);
    let Some(price) = preview.price else {
        return first_fitting(cells, [format!("{length} ({how})"), length]);
    };
    let has_link =
        !preview.purpose.is_private() && (preview.text.contains("https://") || preview.text.contains("http://"));
    let link = if has_link { " (has a link)" } else { "" };
    first_fitting(
        cells,
        [
            format!("{length} ({how})     cost {price}{link}"),
            format!("{length} ({how})  cost {price}"),
            format!("{length}  cost {price}{link}"),
            format!("{length}  cost {price}"),
        ],
    )
}

/// The first of these that fits into so many cells; the last one where none does.
fn first_fitting<const N: usize>(cells: usize, ways: [String; N]) -> String {
    let mut ways = ways.into_iter().peekable();
    while let Some(words) = ways.next() {
        if text::width(&words) <= cells || ways.peek().is_none() {
            return words;
        }
    }
    String::new()
}

fn checks(preview: &Preview, cells: u16, theme: Theme) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    let mut say = |label: &str, words: &str, style: Style| {
        for (i, mut line) in paragraph(words, cells, 8, style).into_iter().enumerate() {
            if i == 0 {
                line.spans[0] = Span::styled(format!(" {label:<7}"), style);
            }
            lines.push(line);
        }
    };
    for check in &preview.checks {
        let (label, style) = if check.stops { ("STOP:", theme.overdue()) } else { ("check:", theme.warning()) };
        say(label, &check.what, style);
    }
    lines
}

/// The keys in two lines. In fewer cells they are said in fewer words.
fn key_lines(app: &App, preview: &Preview, cells: u16, theme: Theme) -> [Line<'static>; 2] {
    let hold = app.setup.hold.as_secs();
    let is_stopped = preview.stop().is_some();
    let asks_twice = app.account(&preview.account).is_some_and(|account| account.confirm);
    let send = |is_brief: bool| match (preview.armed, asks_twice) {
        _ if is_stopped => (if is_brief { "see STOP" } else { "not sent: see STOP" }).to_owned(),
        // As whom stands above the text.
        (true, _) if is_brief => "once more sends".to_owned(),
        (true, _) => format!("once more sends as {}", reading::account_handle(app, &preview.account)),
        (false, true) if !is_brief => format!("send, asks twice ({hold} s to undo)"),
        (false, false) if !is_brief => format!("send ({hold} s to undo)"),
        (false, _) => "send".to_owned(),
    };
    let send_style = if preview.armed || is_stopped { theme.warning() } else { theme.text() };
    let hand_over = hand_over_words(preview.purpose.is_private());
    let line = |send: String, keep: &str, hand_over: &str, gap: &'static str| {
        let said = [
            (Command::Send, send, send_style),
            (Command::Edit, "edit".to_owned(), theme.text()),
            (Command::Keep, keep.to_owned(), theme.text()),
            (Command::HandOver, hand_over.to_owned(), theme.text()),
        ];
        keys_line(app, said, gap, theme)
    };
    let fits = |line: &Line<'_>| line.width() <= usize::from(cells);
    let ways = [
        line(send(false), "save draft", hand_over, "   "),
        line(send(false), "save draft", hand_over, "  "),
        line(send(false), "save", "by hand", "  "),
        line(send(true), "save", "by hand", "  "),
        line(send(true), "save", "by hand", " "),
    ];
    let last = ways.len() - 1;
    let place = ways.iter().position(fits).unwrap_or(last);
    let [scroll, up, back] = [Command::MoveDown, Command::MoveUp, Command::Back].map(|it| hints::key(app, it));
    let below = |gap: &'static str, words: &'static str| {
        let key = |key: &String| Span::styled(key.clone(), theme.key());
        Line::from(vec![
            Span::raw(" "),
            key(&scroll),
            Span::raw(" "),
            key(&up),
            Span::raw(" scroll"),
            Span::raw(gap),
            key(&back),
            Span::raw(words),
        ])
    };
    let whole = below("              ", " back, draft is kept");
    let second = if fits(&whole) { whole } else { below("   ", " back") };
    [ways.into_iter().nth(place).unwrap_or_default(), second]
}

fn keys_line(app: &App, said: [(Command, String, Style); 4], gap: &'static str, theme: Theme) -> Line<'static> {
    let mut line = Line::default();
    for (i, (command, words, style)) in said.into_iter().enumerate() {
        line.spans.push(Span::raw(if i == 0 { " " } else { gap }));
        line.spans.push(Span::styled(hints::key(app, command), theme.key()));
        line.spans.push(Span::styled(format!(" {words}"), style));
    }
    line
}

/// What the rep does who takes it to the network's own page: a message is no post.
pub(super) fn hand_over_words(is_private: bool) -> &'static str {
    if is_private { "send it by hand" } else { "post it by hand" }
}
