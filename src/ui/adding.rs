//! A column being made: its query with what is wrong with it, what it would have caught here, what it would cost.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;
use ratatui::text::Line;

use super::hints;
use super::paint::{boxed, paragraph, put, put_lines};
use super::palette::draw_input;
use super::post::shown_text;
use super::reading;
use super::text::{cut, number_in_full, width};
use super::theme::Theme;
use super::time;
use crate::app::command::Command;
use crate::app::{Adding, App, Caught};
use crate::model::NetworkKind;
use crate::model::spend::{Gauge, Gauged};

/// Where the lines of input begin.
const INDENT: u16 = 8;

pub(super) fn draw(buffer: &mut Buffer, area: Rect, app: &App, adding: &Adding, theme: Theme) -> Position {
    let title = format!("new column, heard as {}", reading::account_title(app, &adding.account));
    let inside = boxed(buffer, area, &title, theme.frame(), theme.focused());
    if inside.width < 12 || inside.height < 4 {
        return area.as_position();
    }
    let line = |y: u16| Rect { y: inside.y + y, height: 1, ..inside };
    let input = |y: u16| Rect { x: inside.x + INDENT, width: inside.width - INDENT, ..line(y) };
    put(buffer, line(0).as_position(), INDENT, " query", theme.quiet());
    let in_query = draw_input(buffer, input(0), "", &adding.query, theme);
    put(buffer, line(2).as_position(), INDENT, " name", theme.quiet());
    let in_name = draw_input(buffer, input(2), "", &adding.name, theme);
    if let Err(error) = &adding.parsed
        && !adding.query.text.is_empty()
    {
        // A long query is scrolled; the caret is told only where it stands below what it means.
        let start = adding.query.text.get(..error.span.start).map_or(0, width);
        let fits = width(&adding.query.text) + usize::from(INDENT) + 1 < usize::from(inside.width);
        let indent = if fits { start } else { 0 };
        let words = format!("{}^ {}", " ".repeat(indent), error.message);
        let room = inside.width - INDENT;
        put(buffer, input(1).as_position(), room, &cut(&words, usize::from(room)), theme.overdue());
    }
    let rows = Rect { y: inside.y + 3, height: inside.height - 3, ..inside };
    put_lines(buffer, rows, &lines(app, adding, inside.width.saturating_sub(1), theme), 0);
    if adding.in_name { in_name } else { in_query }
}

fn lines(app: &App, adding: &Adding, cells: u16, theme: Theme) -> Vec<Line<'static>> {
    let mut lines = vec![Line::default()];
    let mut say = |words: &str, style: Style| lines.extend(paragraph(words, cells, 1, style));
    if let Some(said) = &adding.said {
        say(said, theme.warning());
    }
    if adding.is_written {
        say("being written to the config file..", theme.text());
    }
    if let (Some(post), Ok(rule)) = (&adding.from, &adding.parsed) {
        let would = if rule.matches(post) { "would catch" } else { "would NOT catch" };
        say(&format!("{would} the post in hand, of @{}", post.author.handle), theme.text());
    }
    if let Err(error) = &adding.parsed {
        let words = match (&error.remedy, adding.query.text.is_empty()) {
            (_, true) => "type a query: words, \"phrases\", #tags, @mentions, from: lang: -is:retweet, OR, - and ( )",
            (Some(remedy), false) => remedy,
            (None, false) => "",
        };
        say(words, theme.quiet());
        return lines;
    }
    let network = app.account(&adding.account).map(|account| account.network);
    let takes_rules = network.is_none_or(NetworkKind::takes_rules);
    let asking = |gauge| adding.asking == Some(gauge);
    let key = |command| hints::key(app, command);
    match adding.taken.as_ref().filter(|(query, _)| *query == adding.query.text) {
        _ if asking(Gauge::Rule) => say("the network is asked whether it takes the rule..", theme.text()),
        Some((_, Ok(Gauged::Refused { why }))) => say(&format!("the network refuses the rule: {why}"), theme.overdue()),
        Some((_, Err(why))) => say(&format!("the network was not reached: {why}"), theme.warning()),
        Some((_, Ok(Gauged::Taken | Gauged::Counted { .. }))) => say("the network takes the rule", theme.text()),
        None if !takes_rules => {
            let name = network.map_or("the network", NetworkKind::title);
            let words = format!("{name} gets no rules: what it shows is matched here, free of charge");
            say(&format!("{words}; {} adds the column", key(Command::Open)), theme.quiet());
        }
        None => say(
            &format!("{} asks the network whether it takes the rule; that is free", key(Command::Open)),
            theme.quiet(),
        ),
    }
    let prices = app.setup.budgets.get(&adding.account).map(|budget| budget.prices);
    let counted = adding.counted.as_ref().filter(|(query, _)| *query == adding.query.text);
    match (counted, adding.per_day(prices.map(|prices| prices.post_read))) {
        _ if asking(Gauge::Count) => say("the network counts..", theme.text()),
        (_, Some((per_day, cost))) => {
            let cost = cost.map_or_else(String::new, |cost| format!(", {cost} a day"));
            let posts = if per_day == 1 { "post" } else { "posts" };
            say(&format!("by the network's count {} {posts} a day{cost}", number_in_full(per_day)), theme.strong());
        }
        (Some((_, Ok(Gauged::Refused { why }))), _) => say(&format!("not counted: {why}"), theme.overdue()),
        (Some((_, Err(why))), _) => say(&format!("not counted: {why}"), theme.warning()),
        (Some((_, Ok(_))) | None, None) if !takes_rules => {}
        (Some((_, Ok(_))) | None, None) => {
            let price = prices.map_or_else(String::new, |prices| format!(" ({})", prices.count));
            say(&format!("{} asks the network how many posts a day{price}", key(Command::AskCount)), theme.quiet());
        }
    }
    match adding.caught.as_ref().filter(|caught| caught.query == adding.query.text) {
        Some(caught) => {
            say(&caught_words(caught), theme.text());
            for post in &caught.examples {
                let at = format!("{} {}", time::day(post.at, &app.setup.zone), time::minutes(post.at, &app.setup.zone));
                let words = format!("{at} @{}: {}", post.author.handle, shown_text(app, post).replace('\n', " "));
                say(&cut(&words, usize::from(cells.saturating_sub(3))), theme.quiet());
            }
        }
        None => say("looking in the store..", theme.quiet()),
    }
    lines
}

/// `in the store it would have caught 37 of the 812 posts of the last 7 days`.
fn caught_words(caught: &Caught) -> String {
    let cut = caught.cut.as_ref().map_or_else(String::new, |why| format!(" ({why})"));
    let (posts, of) = (number_in_full(caught.posts), number_in_full(caught.of));
    let s = if caught.of == 1 { "" } else { "s" };
    format!("in the store it would have caught {posts} of the {of} post{s} of the last 7 days{cut}")
}
