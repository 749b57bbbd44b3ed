//! The case of the selected post: who wrote, the whole text, how far it went, what else was said in the case, the
//! author's history, and what happened. A pane from 150 cells on, else the whole screen.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};

use super::paint::{paragraph, put, put_line, put_scrolled, rule};
use super::post::{case_facts, due_words, is_folded, mark_word, missing_text, pack, presence_style, shown_text};
use super::shortcodes::as_shown;
use super::text::number_in_full;
use super::theme::Theme;
use super::{conversation, person, reading, time};
use crate::app::command::{Command, ModeKind};
use crate::app::{App, Mode};
use crate::desk::{Case, PastCase, PostView, Reading};
use crate::model::sla::Clock;
use crate::model::words::{counted, moment};
use crate::model::{CaseStatus, ColumnName, Doing, Post, Purpose, Verdict};

/// Earlier cases listed.
const HISTORY_ROWS: usize = 8;

/// Of what happened so many lines, the newest.
const LOG_LINES: usize = 40;

/// Draws head and text into `area`; returns where the cursor belongs, and how far it can be scrolled.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, app: &App, scroll: u16, theme: Theme) -> (Position, u16) {
    let Some(post) = app.post_in_hand() else {
        put(buffer, area.as_position(), area.width, " no post selected: j or Down selects one", theme.quiet());
        return (area.as_position(), 0);
    };
    let case = reading::case_of(&app.desk, post).or_else(|| app.past_case(post));
    put_line(buffer, area.as_position(), area.width, &head(app, case, theme));
    if area.height < 3 {
        return (area.as_position(), 0);
    }
    rule(buffer, Position::new(area.x, area.y + 1), area.width, '-', theme.frame());
    let body = Rect { y: area.y + 2, height: area.height - 2, ..area };
    // Where nothing is scrolled, no more is put together than can be seen.
    let is_in_hand = matches!(app.mode, Mode::Case { .. });
    let enough = if is_in_hand { usize::MAX } else { usize::from(body.height) };
    let lines = lines(app, post, case, body.width, enough, theme);
    let end = put_scrolled(buffer, body, &lines, scroll, theme.focused());
    (body.as_position(), end)
}

/// `CASE 4812  N new  unclaimed  due in 0:56`
fn head(app: &App, case: Option<&Case>, theme: Theme) -> Line<'static> {
    let Some(case) = case else {
        let is_only_found = app.post_in_hand().is_some_and(|post| post.case.is_some());
        let words =
            if is_only_found { " found, not a case on the desk" } else { " no case: a repost or a post of ours" };
        return Line::styled(words, theme.quiet());
    };
    let mark = case.mark(&app.setup.me);
    let mut spans = vec![
        Span::styled(format!("CASE {}", case.number), theme.strong()),
        Span::raw("  "),
        Span::styled(format!("{} {}", mark.letter(), mark.word()), theme.mark(mark)),
    ];
    if !app.desk.cases.contains_key(&case.id) {
        spans.push(Span::styled("  found, not on the desk", theme.quiet()));
    }
    if case.owner.is_none() && case.status != CaseStatus::Resolved {
        spans.push(Span::styled("  unclaimed", theme.quiet()));
    }
    for (rep, doing) in app.others_in(case.id) {
        let is = if doing == Doing::Idle { "" } else { "is " };
        spans.push(Span::styled(format!("  {rep} {is}{}", doing.word()), presence_style(theme, doing)));
    }
    if let Some(reading) = case.answer_clock(&app.terms(case), app.now) {
        spans.push(Span::raw("  "));
        spans.push(Span::styled(due_words(&reading, app.now), theme.used(reading.step)));
    }
    Line::from(spans)
}

fn lines(
    app: &App,
    post: &PostView,
    case: Option<&Case>,
    cells: u16,
    enough: usize,
    theme: Theme,
) -> Vec<Line<'static>> {
    let zone = &app.setup.zone;
    let mut lines = Vec::new();
    let body = post.body.as_deref();
    if let Some(body) = body {
        lines.push(author_line(app, body, theme));
    }
    let age = time::age(post.at, app.now);
    lines.push(Line::from(vec![
        Span::raw(moment(post.at, zone)),
        Span::styled(format!("  {age}  arrived {}{}", time::hours(post.arrived, zone), heard_in(post)), theme.quiet()),
    ]));
    if let Some(body) = body {
        lines.extend(paragraph(&app.page_of(body), cells, 0, theme.quiet()));
        lines.push(Line::default());
        lines.extend(paragraph(&shown_text(app, body), cells, 0, theme.text()));
        for media in body.media.iter().filter(|_| !is_folded(app, body)) {
            let alt = as_shown(app, media.alt.as_deref().unwrap_or("no alt text"));
            lines.extend(paragraph(&format!("{}: {alt}", media.kind), cells, 0, theme.quiet()));
        }
        if let Some(quoted) = app.quoted_text(body) {
            lines.extend(paragraph(&format!("quotes: {}", as_shown(app, quoted)), cells, 2, theme.quiet()));
        }
        lines.push(Line::default());
        // Before all that can be looked up: on a small screen the section HISTORY is further down.
        if let Some(words) = case.and_then(|case| reading::history_words(app, &case.author, case.id)) {
            lines.extend(paragraph(&format!("history: {words}"), cells, 0, theme.strong()));
        }
        lines.extend(spread(app, body, cells, theme));
        lines.extend(verdict_lines(app, body, cells, theme));
    } else {
        lines.push(Line::default());
        lines.push(Line::styled(missing_text(post.state), theme.quiet()));
    }
    let Some(case) = case else { return lines };
    let facts = case_facts(app, theme, case);
    if !facts.is_empty() {
        lines.extend(pack(&facts, cells.saturating_sub(1)).into_iter().map(without_margin));
    }
    if !case.tags.is_empty() {
        let tags: Vec<_> = case.tags.iter().map(String::as_str).collect();
        lines.extend(paragraph(&format!("tags: {}", tags.join(", ")), cells, 0, theme.text()));
    }
    lines.extend(clocks(app, case, theme));
    if app.is_raised(case) {
        let why = if case.is_urgent { "to be looked at before others" } else { "its author came again and again" };
        lines.push(Line::styled(format!("P priority: {why}"), theme.warning()));
    }
    lines.extend(conversation::lines(app, case, &post.id, cells, theme));
    if lines.len() > enough {
        return lines;
    }
    lines.extend(drafts(app, case, cells, theme));
    let contacts = person::contact_words(
        reading::contacts_lately(app, &case.author),
        reading::contacts_in_quarter(app, &case.author).max(1),
    );
    lines.push(section(&format!("HISTORY  {contacts}"), theme));
    lines.extend(history(app, case, cells, theme));
    lines.push(section("LOG", theme));
    lines.extend(log(app, case, enough.saturating_sub(lines.len()), cells, theme));
    lines
}

/// `  in charter, speed`: the columns that heard it.
fn heard_in(post: &PostView) -> String {
    let columns: Vec<_> = post.columns.iter().map(ColumnName::as_str).collect();
    if columns.is_empty() { String::new() } else { format!("  in {}", columns.join(", ")) }
}

/// What happened in the case as the store tells it, newest last; the newest of it where that is much.
fn log(app: &App, case: &Case, enough: usize, cells: u16, theme: Theme) -> Vec<Line<'static>> {
    if app.case_events.as_ref().is_none_or(|events| events.case != case.id) {
        return vec![Line::styled(" asking the store..", theme.quiet())];
    }
    let told = app.history_lines(case.id);
    let earlier = told.len().saturating_sub(LOG_LINES);
    let mut lines = Vec::new();
    if earlier > 0 {
        let key = app.setup.keys.key(ModeKind::Case, Command::History);
        lines.push(Line::styled(format!(" {} earlier: {key} shows all", counted(earlier, "line")), theme.quiet()));
    }
    for line in told.iter().skip(earlier).take(enough.saturating_add(1)) {
        lines.extend(paragraph(&as_shown(app, &app.history_words(line)), cells, 1, theme.text()));
    }
    lines
}

/// `first answer 0:35 of 1h00, late; resolution 2h10 of 2d`, in working time.
fn clocks(app: &App, case: &Case, theme: Theme) -> Option<Line<'static>> {
    let terms = app.terms(case);
    let told = |name: &str, reading: &Reading| {
        let late = if reading.is_late() { ", late" } else { "" };
        format!("{name} {} of {}{late}", time::length(reading.used), time::length(reading.target))
    };
    let first = case.first_response(&terms, app.now).map(|reading| told("first answer", &reading));
    let next = case.answer_clock(&terms, app.now).filter(|reading| reading.clock == Clock::Next);
    let next = next.map(|reading| told("next answer", &reading));
    let resolution = case.resolution_clock(&terms, app.now).map(|reading| told("resolution", &reading));
    let words: Vec<_> = [first, next, resolution].into_iter().flatten().collect();
    let closed = if app.setup.clocks.hours.is_open(app.now) { "" } else { "  (office closed)" };
    (!words.is_empty()).then(|| Line::styled(format!("{}{closed}", words.join("; ")), theme.quiet()))
}

fn without_margin(mut line: Line<'static>) -> Line<'static> {
    line.spans.remove(0);
    line
}

/// `-- LOG --`. Not a rule across the pane: the sections of each case begin on other lines, so every rule would be drawn
/// and wiped away whenever the selection moves, which a slow line feels.
pub(super) fn section(title: &str, theme: Theme) -> Line<'static> {
    let edge = |words: &'static str| Span::styled(words, theme.frame());
    Line::from(vec![edge("-- "), Span::styled(title.to_owned(), theme.strong()), edge(" --")])
}

/// `@jo_m  Jo M   1,204 followers  verified`
fn author_line(app: &App, body: &Post, theme: Theme) -> Line<'static> {
    let author = &body.author;
    let mut words = format!("  {}", as_shown(app, &author.name));
    if let Some(followers) = author.followers {
        words.push_str("   ");
        words.push_str(&number_in_full(followers));
        words.push_str(if followers == 1 { " follower" } else { " followers" });
    }
    if author.is_verified {
        words += "   verified";
    }
    if author.is_protected {
        words += "   protected";
    }
    let mut spans = Vec::new();
    if let Some(mark) = app.notable(&author.id, Some(body)) {
        spans.push(Span::styled(format!("{} ", mark_word(mark)), theme.strong()));
    }
    spans.extend([Span::styled(author.shown(), theme.handle()), Span::raw(words)]);
    Line::from(spans)
}

/// Replies, reposts, likes, and the reach we assume.
fn spread(app: &App, body: &Post, cells: u16, theme: Theme) -> Vec<Line<'static>> {
    let counts = [
        ("replies", body.counts.replies),
        ("reposts", body.counts.reposts),
        ("likes", body.counts.likes),
        ("quotes", body.counts.quotes),
    ];
    let told: Vec<_> =
        counts.iter().filter_map(|(word, n)| Some(format!("{word} {}", number_in_full((*n)?)))).collect();
    let mut lines = Vec::new();
    if !told.is_empty() {
        lines.push(Line::styled(told.join("  "), theme.quiet()));
    }
    if let Some(followers) = body.author.followers {
        let words = person::reach_words(followers, app.setup.reach_percent);
        lines.extend(paragraph(&words, cells, 0, theme.quiet()));
    }
    lines
}

/// May we reply?, told before a word is drafted.
pub(super) fn verdict_lines(app: &App, body: &Post, cells: u16, theme: Theme) -> Vec<Line<'static>> {
    let source = reading::focused_setup(app).and_then(|column| column.on(body.network()));
    let of_column = source.and_then(|source| app.account(&source.reply_as));
    let of_post = || app.post_in_hand().and_then(|post| app.reply_account(post));
    let Some(account) = of_column.or_else(of_post) else {
        return Vec::new();
    };
    told_verdict(&app.may_reply(body, account), Purpose::Acknowledgement, cells, theme)
}

pub(super) fn told_verdict(verdict: &Verdict, purpose: Purpose, cells: u16, theme: Theme) -> Vec<Line<'static>> {
    match verdict {
        Verdict::Yes if purpose.is_private() => vec![Line::styled("takes direct messages from us: yes", theme.text())],
        Verdict::No { why } | Verdict::Unknown { why } if purpose.is_private() => {
            paragraph(&format!("takes direct messages from us? {why}"), cells, 0, theme.warning())
        }
        Verdict::Mind { what } => {
            let asked = if purpose.is_private() { "takes direct messages from us" } else { "may we reply?" };
            paragraph(&format!("{asked}: yes, but mind: {what}"), cells, 0, theme.warning())
        }
        Verdict::Yes => vec![Line::styled("may we reply? yes", theme.text())],
        Verdict::No { why } => {
            let mut lines = paragraph(&format!("may we reply? no: {why}"), cells, 0, theme.warning());
            lines.extend(paragraph("go hands the text over to the network's own page", cells, 0, theme.text()));
            lines
        }
        Verdict::Unknown { why } => paragraph(&format!("may we reply? not known: {why}"), cells, 0, theme.warning()),
    }
}

fn history(app: &App, case: &Case, cells: u16, theme: Theme) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    let Some(author) = app.desk.authors.get(&case.author) else { return lines };
    for contact in author.contacts.iter().rev().filter(|contact| contact.case != case.id).take(HISTORY_ROWS) {
        let mut past = PastCase::remembered(contact, None);
        if let Some(case) = app.desk.cases.get(&contact.case) {
            past = past.held(case);
        }
        lines.extend(paragraph(&person::past_words(&past, &app.setup.zone), cells, 1, theme.text()));
    }
    lines
}

/// What was begun and not sent, and whose it is.
fn drafts(app: &App, case: &Case, cells: u16, theme: Theme) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    if case.drafts.is_empty() {
        return lines;
    }
    lines.push(section("DRAFTS", theme));
    for draft in &case.drafts {
        let saved = time::hours(draft.saved, &app.setup.zone);
        let whose = if draft.rep == app.setup.me { "yours".to_owned() } else { format!("{}'s", draft.rep) };
        let words = format!("{whose}: {}, saved {saved}", draft.purpose.title());
        lines.extend(paragraph(&words, cells, 0, theme.quiet()));
        let text = if app.may_read_draft(draft) {
            draft.draft.as_ref().map_or("text removed or not read yet", |draft| draft.text.as_str())
        } else {
            "only the reps of its account read it"
        };
        lines.extend(paragraph(&as_shown(app, text), cells, 1, theme.text()));
    }
    lines
}
