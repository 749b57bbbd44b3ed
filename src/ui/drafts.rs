//! Replies somebody began and did not send.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};

use super::paint::{boxed, paragraph, put};
use super::rows::{self, Entry};
use super::theme::Theme;
use super::time;
use crate::app::App;
use crate::desk::{Case, CaseDraft};
use crate::model::Purpose;

pub(super) fn draw(buffer: &mut Buffer, area: Rect, app: &App, selected: usize, theme: Theme) -> Position {
    let inside = boxed(buffer, area, "drafts, the latest first", theme.frame(), theme.focused());
    let entries: Vec<_> = app.drafts().into_iter().map(|row| entry(app, row, inside.width, theme)).collect();
    if entries.is_empty() {
        put(buffer, inside.as_position(), inside.width, " no drafts", theme.quiet());
        return inside.as_position();
    }
    rows::draw(buffer, inside, &entries, selected, theme)
}

fn entry(app: &App, (case, purpose, draft): (&Case, Purpose, &CaseDraft), cells: u16, theme: Theme) -> Entry {
    let post = case.posts.last().and_then(|id| app.desk.posts.get(id)).and_then(|post| post.body.as_ref());
    let is_unsaved = app.unsaved_drafts().any(|(of, kind, _)| (of, kind) == (case.id, purpose));
    let to = post.map_or_else(|| "@..".to_owned(), |post| post.author.shown());
    let head = Line::from(vec![
        Span::styled(to, theme.handle()),
        Span::raw(format!(
            "  case {}  {}  by {}  {}",
            case.number,
            purpose.title(),
            draft.rep,
            if is_unsaved {
                "NOT SAVED".to_owned()
            } else {
                format!("saved {}", time::hours(draft.saved, &app.setup.zone))
            }
        )),
    ]);
    let text = if app.may_read_draft(draft) {
        draft.draft.as_ref().map_or("text removed or not read yet", |draft| draft.text.as_str())
    } else {
        "only the reps of its account read it"
    };
    let below = paragraph(text, cells.saturating_sub(1), 4, theme.text()).into_iter().take(3).collect();
    Entry { head, below }
}
