//! All keys, and what the marks mean.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};

use super::hints;
use super::paint::{boxed, paragraph, put_scrolled};
use super::reading::is_on_several_networks;
use super::text::{width, wrap};
use super::theme::Theme;
use crate::app::App;
use crate::model::Mark;

/// Cells for the keys before their words.
const KEYS: usize = 24;

/// Hands back where the cursor belongs, and how far it can be scrolled.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, app: &App, scroll: u16, theme: Theme) -> (Position, u16) {
    let inside = boxed(buffer, area, "help", theme.frame(), theme.focused());
    let cells = inside.width.saturating_sub(1);
    let mut lines = Vec::new();
    for (title, hints) in hints::sections(app) {
        lines.push(Line::styled(format!(" In the {title}"), theme.strong()));
        for hint in hints {
            let gap = KEYS.saturating_sub(width(&hint.keys)).max(1);
            let before = 3 + width(&hint.keys) + gap;
            let mut lead = vec![Span::raw("   "), Span::styled(hint.keys, theme.key()), Span::raw(" ".repeat(gap))];
            let room = cells.saturating_sub(u16::try_from(before).unwrap_or(u16::MAX));
            for range in wrap(&hint.words, room) {
                lead.push(Span::raw(hint.words[range].to_owned()));
                lines.push(Line::from(std::mem::replace(&mut lead, vec![Span::raw(" ".repeat(before))])));
            }
        }
        lines.push(Line::default());
    }
    lines.push(Line::styled(" In front of a post", theme.strong()));
    for mark in Mark::ALL.into_iter().filter(|mark| *mark != Mark::None) {
        lines.push(Line::from(vec![
            Span::raw("   "),
            Span::styled(mark.letter().to_string(), theme.mark(mark)),
            Span::raw(format!("{}{}", " ".repeat(KEYS - 1), mark.word())),
        ]));
    }
    lines.push(Line::from(vec![
        Span::raw("   "),
        Span::styled("!", theme.overdue()),
        Span::raw(format!("{}overdue: 24 hours without an answer", " ".repeat(KEYS - 1))),
    ]));
    let mut others = vec![
        ("P", "priority: to be looked at before others"),
        ("x", "marked for the next deed"),
        ("*", "something in the case was not read yet"),
    ];
    if is_on_several_networks(app) {
        others.push(("X B M", "behind the age: a post of X, Bluesky or Mastodon, where a column holds several"));
    }
    for (letter, words) in others {
        let before = 3 + KEYS;
        let room = cells.saturating_sub(u16::try_from(before).unwrap_or(u16::MAX));
        let mut lead = vec![
            Span::raw("   "),
            Span::styled(letter, theme.strong()),
            Span::raw(" ".repeat(KEYS.saturating_sub(letter.len()))),
        ];
        for range in wrap(words, room) {
            lead.push(Span::raw(&words[range]));
            lines.push(Line::from(std::mem::replace(&mut lead, vec![Span::raw(" ".repeat(before))])));
        }
    }
    lines.push(Line::default());
    let percent = app.setup.reach_percent;
    for words in [
        "Ages and times ago are hours and minutes: 0:04, 26h10, then days; held replies count minutes and seconds."
            .to_owned(),
        "On a tab stand the cases that wait for us, + what came in above the kept place, ! if one is overdue."
            .to_owned(),
        format!(
            "reach = followers x {percent} %; next hop = reach x followers x {percent} %, as if readers had as many \
             followers themselves. An assumption; reach_percent in the config sets it."
        ),
    ] {
        lines.extend(paragraph(&words, cells, 1, theme.text()));
    }
    let end = put_scrolled(buffer, inside, &lines, scroll, theme.focused());
    (inside.as_position(), end)
}
