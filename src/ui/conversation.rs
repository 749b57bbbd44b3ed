//! What was said in a case, newest last: whose words they are stands before them, and what only the team reads is in
//! a border of its own.

use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::case::section;
use super::paint::paragraph;
use super::post::{is_folded, missing_text, shown_text};
use super::shortcodes::as_shown;
use super::text::width;
use super::theme::Theme;
use crate::app::App;
use crate::app::conversation::{Said, What, Words, unsent_words};
use crate::desk::{Case, PostState};
use crate::model::PostId;
use crate::model::words::moment;

/// The conversation of a case; nothing where the post in hand is all of it.
pub(super) fn lines(app: &App, case: &Case, selected: &PostId, cells: u16, theme: Theme) -> Vec<Line<'static>> {
    let said = app.conversation(case);
    let to_come = app.notes_to_come(case);
    let is_only = |said: &Said<'_>| matches!(said.what, What::Post(post) if post.id == *selected);
    if to_come == 0 && said.iter().all(is_only) {
        return Vec::new();
    }
    let mut lines = vec![section(&format!("CONVERSATION  {}", counts(&said, to_come).join("  ")), theme)];
    let mut is_in_note = false;
    for one in &said {
        let is_note = matches!(one.what, What::Note);
        if is_in_note && !is_note {
            lines.push(edge("", cells, theme));
        }
        is_in_note = is_note;
        lines.extend(if is_note { note(app, one, cells, theme) } else { spoken(app, one, selected, cells, theme) });
    }
    if is_in_note {
        lines.push(edge("", cells, theme));
    }
    if to_come > 0 {
        lines.push(edge(&format!(" {to_come} for the team: being read.. "), cells, theme));
    }
    lines
}

/// `3 posts`, `1 reply`, `2 direct messages`, `1 note`, as far as there are any.
fn counts(said: &[Said<'_>], to_come: usize) -> Vec<String> {
    let of = |is: fn(&What<'_>) -> bool| said.iter().filter(|said| is(&said.what)).count();
    let told = [
        (of(|what| matches!(what, What::Post(_))), "post", "posts"),
        (of(|what| matches!(what, What::Answer(_))), "reply", "replies"),
        (of(|what| matches!(what, What::Message { .. })), "direct message", "direct messages"),
        (of(|what| matches!(what, What::Note)) + to_come, "note", "notes"),
        (of(|what| matches!(what, What::Unsent(_))), "not sent", "not sent"),
    ];
    let told = told.into_iter().filter(|(count, ..)| *count > 0);
    told.map(|(count, one, many)| format!("{count} {}", if count == 1 { one } else { many })).collect()
}

/// `>2026-11-21 14:28:01Z @jo_m` and the words below it.
fn spoken(app: &App, said: &Said<'_>, selected: &PostId, cells: u16, theme: Theme) -> Vec<Line<'static>> {
    let is_selected = matches!(said.what, What::Post(post) if post.id == *selected);
    let (what, style) = match &said.what {
        What::Post(post) if post.state == PostState::Edited => (", edited since".to_owned(), theme.handle()),
        What::Post(_) => (String::new(), theme.handle()),
        What::Answer(Some(purpose)) => (format!(", {}", purpose.title()), theme.text()),
        What::Answer(None) => (", answer".to_owned(), theme.text()),
        What::Message { is_ours: true } => (", direct message".to_owned(), theme.text()),
        What::Message { is_ours: false } => (", direct message to us".to_owned(), theme.strong()),
        What::Unsent(reply) => (format!(", {}: {}", reply.purpose.title(), unsent_words(reply)), theme.warning()),
        What::Note => (String::new(), theme.warning()),
    };
    let mut lines = vec![Line::from(vec![
        Span::styled(if is_selected { ">" } else { " " }, theme.strong()),
        Span::styled(format!("{} ", moment(said.at, &app.setup.zone)), theme.quiet()),
        Span::styled(format!("{}{what}", said.who), style),
    ])];
    // What we said stands further in, so that the two sides differ without colour.
    let indent = if matches!(said.what, What::Post(_) | What::Message { is_ours: false }) { 2 } else { 5 };
    lines.extend(words(app, said, cells, indent, theme));
    lines
}

/// The customer's direct message that a direct message answers, under a line that says so; `None` where they have
/// written none.
pub(super) fn answered(app: &App, case: &Case, cells: u16, theme: Theme) -> Option<Vec<Line<'static>>> {
    let theirs = case.messages.iter().rev().find(|message| !message.is_ours)?;
    let mut lines = vec![Line::from(vec![
        Span::raw("In answer to the direct message of "),
        Span::styled(app.writer_of(case, theirs), theme.handle()),
        Span::styled(format!("  {}", moment(theirs.at, &app.setup.zone)), theme.quiet()),
    ])];
    lines.extend(told(app, &app.message_words(theirs), cells, 1, theme));
    Some(lines)
}

/// The newest direct message of a case, for its row among the messages.
pub(super) fn newest_message(app: &App, case: &Case, cells: u16, theme: Theme) -> Option<Vec<Line<'static>>> {
    let newest = case.messages.last()?;
    let who = app.writer_of(case, newest);
    Some(match app.message_words(newest) {
        Words::Text(text) => paragraph(format!("{who}: {}", as_shown(app, text)).trim_end(), cells, 1, theme.text()),
        other => told(app, &other, cells, 1, theme),
    })
}

fn words(app: &App, said: &Said<'_>, cells: u16, indent: u16, theme: Theme) -> Vec<Line<'static>> {
    told(app, &said.words, cells, indent, theme)
}

fn told(app: &App, words: &Words<'_>, cells: u16, indent: u16, theme: Theme) -> Vec<Line<'static>> {
    let plain = |words: &str, style: Style| paragraph(words, cells, indent, style);
    match words {
        Words::Post(post) => {
            let mut lines = plain(shown_text(app, post).trim_end(), theme.text());
            for media in post.media.iter().filter(|_| !is_folded(app, post)) {
                let alt = as_shown(app, media.alt.as_deref().unwrap_or("no alt text"));
                lines.extend(plain(&format!("{}: {alt}", media.kind), theme.quiet()));
            }
            lines
        }
        Words::Text(text) => plain(as_shown(app, text).trim_end(), theme.text()),
        Words::Deleted => plain(missing_text(PostState::Deleted), theme.quiet()),
        Words::Removed => plain("text removed", theme.quiet()),
        Words::Coming => plain("reading the text..", theme.quiet()),
        Words::Hidden { account } => plain(&format!("only the reps of {account} read it"), theme.quiet()),
    }
}

/// What the team wrote for itself, walled off like the editor it was written in.
fn note(app: &App, said: &Said<'_>, cells: u16, theme: Theme) -> Vec<Line<'static>> {
    let title = format!(" NOTE {} {}, team only ", said.who, moment(said.at, &app.setup.zone));
    let mut lines = vec![edge(&title, cells, theme)];
    let wall = Span::styled(":", theme.warning());
    lines.extend(words(app, said, cells.saturating_sub(1), 1, theme).into_iter().map(|mut line| {
        line.spans.insert(0, wall.clone());
        line
    }));
    lines
}

fn edge(title: &str, cells: u16, theme: Theme) -> Line<'static> {
    let rest = usize::from(cells).saturating_sub(width(title) + 2);
    Line::styled(format!(":={title}{}", "=".repeat(rest)), theme.warning())
}
