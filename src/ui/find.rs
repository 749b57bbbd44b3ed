//! Search in the stored posts, or on a network: the words, the hits.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use super::paint::{boxed, list_top, paragraph, put, put_lines};
use super::palette::draw_input;
use super::post::shown_text;
use super::shortcodes::as_shown;
use super::text::cut;
use super::theme::Theme;
use super::time;
use crate::app::finding::{MOST_FROM_NETWORK, price_of_search};
use crate::app::{App, Find, NetworkFind};
use crate::model::search::OPERATORS;
use crate::model::words::counted;
use crate::model::{Body, Hit};

pub(super) fn draw(buffer: &mut Buffer, area: Rect, app: &App, find: &Find, theme: Theme) -> Position {
    let title = match &find.network {
        Some(network) => format!("find on {} itself, not in stored posts", network.kind.title()),
        None => "find in stored posts".to_owned(),
    };
    let inside = boxed(buffer, area, &title, theme.frame(), theme.focused());
    if inside.width < 4 || inside.height == 0 {
        return area.as_position();
    }
    let cursor = draw_input(buffer, Rect { height: 1, ..inside }, "/", &find.input, theme);
    if inside.height < 3 {
        return cursor;
    }
    let of_network = find.network.as_ref().map(|network| of_network(app, find, network, find.answered.as_deref()));
    let said = match (&find.input.error, &find.answered) {
        (Some(error), _) => error.clone(),
        (None, _) if of_network.is_some() => of_network.unwrap_or_default(),
        (None, Some(words)) if find.rows() == 0 => format!("nothing found for {words}"),
        (None, Some(words)) => {
            let hits = if find.hits.len() == 1 { "1 hit".to_owned() } else { format!("{} hits", find.hits.len()) };
            format!("{hits} for {words}, newest first")
        }
        (None, None) if find.input.text.is_empty() => {
            let operators = OPERATORS.map(|(name, _)| format!("{name}:"));
            format!("words to look for; {} narrow it; Enter searches", operators.join(" "))
        }
        (None, None) => String::new(),
    };
    if find.input.error.is_some() && find.rows() == 0 {
        // What is wrong and what is known takes more than a line.
        let area = Rect { y: inside.y + 1, height: inside.height - 1, ..inside };
        put_lines(buffer, area, &paragraph(&said, inside.width.saturating_sub(1), 1, theme.quiet()), 0);
        return cursor;
    }
    let status = Position::new(inside.x + 1, inside.y + 1);
    put(buffer, status, inside.width - 1, &said, theme.quiet());
    let rows = Rect { y: inside.y + 2, height: inside.height - 2, ..inside };
    let top = list_top(find.selected, find.rows(), usize::from(rows.height));
    let mut at = cursor;
    let people = find.people.iter().map(|person| format!("person @{} ({})", person.handle, person.author));
    let hits = find.hits.iter().map(|hit| line(app, hit, find.network.is_some()));
    for ((i, words), y) in people.chain(hits).enumerate().skip(top).zip(rows.top()..rows.bottom()) {
        let is_selected = i == find.selected;
        let pointer = if is_selected { ">" } else { " " };
        let words = format!("{pointer} {words}");
        let style = if is_selected && find.in_list { theme.selected() } else { theme.text() };
        put(buffer, Position::new(rows.x, y), rows.width, &cut(&words, usize::from(rows.width)), style);
        if is_selected && find.in_list {
            at = Position::new(rows.x, y);
        }
    }
    at
}

/// What a search of the network costs, and what it brought.
fn of_network(app: &App, find: &Find, network: &NetworkFind, answered: Option<&str>) -> String {
    let name = network.kind.title();
    let price = |posts| price_of_search(app, network, posts);
    let words = find.input.text.trim();
    match answered {
        Some(_) => {
            let more = if network.has_more { "; there are older ones" } else { "" };
            let hits = find.hits.len();
            // The others did not fit what is judged here.
            let of_read = if network.judged_here.is_empty() { String::new() } else { format!(" of {}", network.read) };
            format!(
                "{}{of_read} from {name}, not stored here ({}), newest first{more}",
                counted(hits, "post"),
                price(network.read)
            )
        }
        None if network.is_asking => format!("asking {name}.."),
        None if !words.is_empty() && network.priced.as_deref() == Some(words) => {
            let priced = match price(MOST_FROM_NETWORK) {
                free if !app.setup.budgets.contains_key(&network.account) => free,
                priced => format!("{priced} at most"),
            };
            let here = match network.judged_here.as_str() {
                "" => String::new(),
                here => format!("; judged here: {here}"),
            };
            format!("Enter again asks {name} for at most {MOST_FROM_NETWORK} posts: {priced}{here}")
        }
        None if app.setup.budgets.contains_key(&network.account) => {
            format!("a query; its last 7 days; each post {name} returns costs {}", price(1))
        }
        None => format!("a query for {name}'s own search, free of charge"),
    }
}

/// `2026-11-18 14:02 @jo_m: the words`
fn line(app: &App, hit: &Hit, is_of_network: bool) -> String {
    let zone = &app.setup.zone;
    let told = |words: &str| as_shown(app, words).into_owned();
    let (who, words) = match &hit.body {
        Body::Post(post) => (post.author.shown(), shown_text(app, post)),
        Body::Reply(words) => ("our reply".to_owned(), told(words)),
        Body::Message(message) => {
            let way = if message.is_ours { "our direct message to" } else { "direct message from" };
            (format!("{way} @{}", message.handle), told(&message.text))
        }
        Body::Note(note) => ("note (team only)".to_owned(), told(note.shown())),
        Body::BegunNote(note) => ("note begun (team only)".to_owned(), told(note.text.shown())),
        Body::Draft(draft) => ("draft".to_owned(), told(&draft.text)),
    };
    // Among what the network found, what the desk holds is told apart.
    let known = if app.is_on_desk(hit) && is_of_network { "on the desk: " } else { "" };
    let (day, minutes) = (time::day(hit.at, zone), time::minutes(hit.at, zone));
    format!("{day} {minutes} {known}{who}: {}", words.replace('\n', " "))
}
