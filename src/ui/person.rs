//! A person: who they are, how far they reach, whether a direct message is possible, what there was before.

use jiff::tz::TimeZone;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};

use super::paint::{boxed, paragraph, put_scrolled};
use super::shortcodes::as_shown;
use super::text::{number_in_full, ordinal};
use super::theme::Theme;
use super::{post, reading, time};
use crate::app::{App, PersonScreen};
use crate::desk::PastCase;
use crate::model::Post;
use crate::model::reach::{next_hop, reach};
use crate::model::words::ended_as;

pub(super) fn draw(buffer: &mut Buffer, area: Rect, app: &App, screen: &PersonScreen, theme: Theme) -> (Position, u16) {
    let inside = boxed(buffer, area, "person", theme.frame(), theme.focused());
    let cells = inside.width.saturating_sub(1);
    let mut lines = who(app, screen, cells, theme);
    lines.push(Line::default());
    lines.extend(cases(app, screen, cells, theme));
    lines.extend(notes(app, screen, cells, theme));
    let end = put_scrolled(buffer, inside, &lines, screen.scroll, theme.focused());
    (inside.as_position(), end)
}

fn who(app: &App, screen: &PersonScreen, cells: u16, theme: Theme) -> Vec<Line<'static>> {
    let newest = app.newest_post(screen);
    let handle = newest.map_or_else(|| "handle not known".to_owned(), |post| format!("@{}", post.author.handle));
    let mut head = vec![Span::raw(" "), Span::styled(handle, theme.handle())];
    if let Some(post) = newest {
        head.push(Span::raw(format!("  {}", as_shown(app, &post.author.name))));
    }
    head.push(Span::styled(format!("   {}", screen.author), theme.quiet()));
    if let Some(mark) = app.notable(&screen.author, newest) {
        head.push(Span::styled(format!("   {}", post::mark_word(mark)), theme.strong()));
    }
    let mut lines = vec![Line::from(head)];
    let handles = app.handles_of(screen);
    if let Some((_, earlier)) = handles.split_first().filter(|(_, earlier)| !earlier.is_empty()) {
        let zone = &app.setup.zone;
        let told = earlier.iter().map(|seen| format!("@{} until {}", seen.handle, time::day(seen.last, zone)));
        let words = format!("earlier: {}", told.collect::<Vec<_>>().join(", "));
        lines.extend(paragraph(&words, cells, 1, theme.text()));
    }
    if let Some(post) = newest {
        lines.extend(counts(app, post, cells, theme));
    }
    if let Some(asked) = app.opt_out_words(&screen.author) {
        lines.extend(paragraph(&asked, cells, 1, theme.warning()));
    }
    let (is_possible, words) = app.direct_message_words(screen);
    let style = if is_possible { theme.text() } else { theme.warning() };
    lines.extend(paragraph(&format!("direct message? {words}"), cells, 1, style));
    lines.extend(paragraph(&app.page_of_person(screen), cells, 1, theme.quiet()));
    lines
}

/// Followers, what the network says of the account, how far the newest post went and may go.
fn counts(app: &App, post: &Post, cells: u16, theme: Theme) -> Vec<Line<'static>> {
    let author = &post.author;
    let mut said = Vec::new();
    said.push(match author.followers {
        Some(1) => "1 follower".to_owned(),
        Some(followers) => format!("{} followers", number_in_full(followers)),
        None => "followers not told".to_owned(),
    });
    said.extend(author.is_verified.then(|| "verified".to_owned()));
    said.extend(author.is_protected.then(|| "protected".to_owned()));
    let counts = [("reposts", post.counts.reposts), ("replies", post.counts.replies), ("likes", post.counts.likes)];
    let told: Vec<_> =
        counts.iter().filter_map(|(word, n)| Some(format!("{word} {}", number_in_full((*n)?)))).collect();
    if !told.is_empty() {
        said.push(format!("newest post: {}", told.join(", ")));
    }
    let mut lines = paragraph(&said.join("   "), cells, 1, theme.text());
    if let Some(followers) = author.followers {
        let percent = app.setup.reach_percent;
        let words = reach_words(followers, percent) + &next_hop_words(followers, percent);
        lines.extend(paragraph(&words, cells, 1, theme.quiet()));
    }
    lines
}

/// `reach about 80 (20% of 400, an assumption you can set)`
pub(super) fn reach_words(followers: u64, percent: u8) -> String {
    let first = number_in_full(reach(followers, percent));
    format!("reach about {first} ({percent}% of {}, an assumption you can set)", number_in_full(followers))
}

/// `, next hop about 6,400 (80 x 80)`
fn next_hop_words(followers: u64, percent: u8) -> String {
    let first = number_in_full(reach(followers, percent));
    format!(", next hop about {} ({first} x {first})", number_in_full(next_hop(followers, percent)))
}

fn cases(app: &App, screen: &PersonScreen, cells: u16, theme: Theme) -> Vec<Line<'static>> {
    let cases = app.cases_of(screen);
    let (week, quarter) = (app.contacts_in(&cases, 7), app.contacts_in(&cases, 90));
    let mut lines = vec![Line::from(vec![
        Span::raw(" "),
        Span::styled("CASES", theme.strong()),
        Span::raw(format!("  {}", contact_words(week, quarter))),
    ])];
    if let Some(last) = cases.iter().filter(|past| past.resolved.is_some()).max_by_key(|past| past.resolved) {
        let end = ended_as(last.cause.as_deref(), last.outcome.as_deref());
        let end = end.unwrap_or_else(|| "no cause given".to_owned());
        let day = last.resolved.map_or_else(String::new, |at| time::day(at, &app.setup.zone));
        lines.extend(paragraph(&format!("last ended: {end}, {day}"), cells, 1, theme.text()));
    }
    for past in &cases {
        lines.extend(paragraph(&past_words(past, &app.setup.zone), cells, 1, theme.text()));
        if !past.tags.is_empty() {
            let tags: Vec<_> = past.tags.iter().map(String::as_str).collect();
            let tags = format!("tags: {}", tags.join(", "));
            lines.extend(paragraph(&as_shown(app, &tags), cells, 13, theme.quiet()));
        }
    }
    lines.extend(match &screen.record {
        None => Some(Line::styled(" asking the store for older cases..", theme.quiet())),
        Some(record) if !record.is_all => Some(Line::styled(" older ones are stored but not listed", theme.quiet())),
        Some(_) if cases.is_empty() => Some(Line::styled(" no case of theirs yet", theme.quiet())),
        Some(_) => None,
    });
    lines
}

/// `3rd contact in 7 days   5 cases in 90 days`
pub(super) fn contact_words(week: usize, quarter: usize) -> String {
    let cases = if quarter == 1 { "case" } else { "cases" };
    format!("{} contact in {} days   {quarter} {cases} in 90 days", ordinal(week.max(1)), reading::CONTACT_DAYS)
}

/// `2026-11-18  4630  slow line  bo  acked 0:06  resolved 2h10  reset`
pub(super) fn past_words(past: &PastCase, zone: &TimeZone) -> String {
    let mut words = vec![time::day(past.began, zone)];
    words.push(past.number.map_or_else(|| "-".to_owned(), |number| number.to_string()));
    words.push(past.cause.clone().unwrap_or_else(|| "-".to_owned()));
    words.extend(past.rep.as_ref().map(ToString::to_string));
    words.push(match past.answered {
        Some(at) => format!("acked {}", time::age(past.began, at)),
        None => "not acked".to_owned(),
    });
    match past.resolved {
        Some(at) => words.push(format!("resolved {}", time::age(past.began, at))),
        None => words.push("open".to_owned()),
    }
    words.extend(past.outcome.clone());
    words.extend(past.turned_round.then(|| "+happy".to_owned()));
    words.join("  ")
}

/// What the team wrote for itself: who, when, the words.
fn notes(app: &App, screen: &PersonScreen, cells: u16, theme: Theme) -> Vec<Line<'static>> {
    let notes = App::notes_on(screen);
    if notes.is_empty() {
        return Vec::new();
    }
    let mut lines = vec![Line::default(), Line::styled(" NOTES (team only)", theme.strong())];
    for (envelope, words) in notes {
        let at = time::day(envelope.at, &app.setup.zone);
        let words = words.map_or_else(|| "text removed".to_owned(), |words| as_shown(app, words.shown()).into_owned());
        lines.extend(paragraph(&format!("{} {at}: {words}", envelope.rep), cells, 1, theme.text()));
    }
    lines
}
