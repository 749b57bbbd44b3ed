//! Replies that have not gone out: held, waiting, failed with the network's own words, parked.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::paint::{boxed, paragraph, put};
use super::rows::{self, Entry};
use super::theme::Theme;
use super::{reading, time};
use crate::app::App;
use crate::desk::Reply;
use crate::model::Delivery;
use crate::model::reply::{KEPT_AT_QUIT, without_wait};

pub(super) fn draw(buffer: &mut Buffer, area: Rect, app: &App, selected: usize, theme: Theme) -> Position {
    let inside = boxed(buffer, area, "outbox: replies that have not gone out", theme.frame(), theme.focused());
    let entries: Vec<_> = app.outbox().into_iter().map(|reply| entry(app, reply, inside.width, theme)).collect();
    if entries.is_empty() {
        put(buffer, inside.as_position(), inside.width, " empty: everything confirmed has been sent", theme.quiet());
        return inside.as_position();
    }
    rows::draw(buffer, inside, &entries, selected, theme)
}

fn entry(app: &App, reply: &Reply, cells: u16, theme: Theme) -> Entry {
    let (state, style): (String, Style) = match &reply.delivery {
        Delivery::Queued { until } => match app.send_waits.get(&reply.id).filter(|free| **free > app.now) {
            Some(free) => {
                let at = time::hours(*free, &app.setup.zone);
                (format!("waits for the network, free again at {at}"), theme.warning())
            }
            None if *until > app.now => (format!("held, goes in {}", time::countdown(*until, app.now)), theme.strong()),
            None if app.is_told_to_send(reply.id) => ("on its way".to_owned(), theme.strong()),
            None => ("queued".to_owned(), theme.strong()),
        },
        Delivery::Sending => ("sending, no answer yet".to_owned(), theme.strong()),
        Delivery::Sent { .. } | Delivery::Delivered { .. } => ("sent".to_owned(), theme.quiet()),
        Delivery::Failed { why, .. } if why == KEPT_AT_QUIT => {
            (format!("{why}; r sends it, e edits it"), theme.strong())
        }
        Delivery::Failed { why, may_retry } => {
            let free = app.send_waits.get(&reply.id).filter(|free| **free > app.now);
            let (why, remedy) = match (free, may_retry) {
                (Some(free), _) => (
                    without_wait(why),
                    format!("free again at {}, r sends it then", time::hours(*free, &app.setup.zone)),
                ),
                (None, true) => (why.as_str(), "may be sent again".to_owned()),
                (None, false) => (why.as_str(), "will not be taken as it is".to_owned()),
            };
            (format!("FAILED: {why} ({remedy})"), theme.overdue())
        }
        Delivery::Parked { why } => (format!("PARKED: {why}; look whether it is public"), theme.warning()),
    };
    let head = Line::from(vec![
        Span::styled(reading::answered_handle(&app.desk, reply), theme.handle()),
        Span::raw(format!(
            "  {}  as {}  by {}  {}",
            reply.purpose.title(),
            reading::account_handle(app, &reply.account),
            reply.rep,
            time::age(reply.queued, app.now)
        )),
    ]);
    let mut below = paragraph(&state, cells.saturating_sub(1), 2, style);
    let is_hidden = reply.purpose.is_private() && !app.may_read_messages(Some(&reply.account), reply.to.network());
    let text = if is_hidden {
        "only the reps of its account read it"
    } else {
        reply.text.as_deref().unwrap_or("text removed")
    };
    below.extend(paragraph(text, cells.saturating_sub(1), 4, theme.text()).into_iter().take(4));
    Entry { head, below }
}
