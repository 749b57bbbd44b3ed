//! The first line: as whom one writes, how the links and the cases stand, what time it is.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;

use super::paint::{put, put_right};
use super::reading::{self, Counts};
use super::text::{cut, width};
use super::theme::Theme;
use super::time;
use crate::app::{App, Mode};
use crate::model::{AccountName, Doing, LinkState, LoginState};

/// Where the head has room for the date as well.
const WIDE: u16 = 120;

/// ` replydeck  as @CharterHelp (X)  LIVE 3/3  mine 2  new 7  OVERDUE 1         14:32Z `
pub(super) fn draw(buffer: &mut Buffer, area: Rect, app: &App, counts: &Counts, theme: Theme) {
    let zone = &app.setup.zone;
    let clock = match area.width {
        WIDE.. => format!("{} {}", time::day(app.now, zone), time::clock(app.now, zone)),
        _ => time::clock(app.now, zone),
    };
    let of_post = app.post_in_hand().and_then(|post| app.reply_account(post)).map(|account| &account.name);
    let of_column = || reading::focused_setup(app).map(|column| &column.main().reply_as);
    // An empty queue answers nobody: while all columns answer as one account, it is that one.
    let of_all = || {
        let mut accounts = app.setup.columns.iter().flat_map(|column| &column.sources).map(|source| &source.reply_as);
        let first = accounts.next()?;
        accounts.all(|account| account == first).then_some(first)
    };
    let account = of_post.or_else(of_column).or_else(of_all);
    let (live, all, worst) = reading::links(app);
    let mut parts = vec![Part::new(Kind::Name, "replydeck", theme.strong())];
    let is_preview = matches!(app.mode, Mode::Preview(_));
    if is_preview {
        parts.push(Part::new(Kind::Preview, "PREVIEW - nothing is sent yet", theme.warning()));
    }
    parts.extend(account.map(|name| {
        let words = format!("as {}", reading::account_title(app, name));
        Part::new(Kind::Account, words, theme.text())
    }));
    if !app.caught_up {
        parts.push(Part::new(Kind::Other, reading::of_store(app), theme.warning()));
    }
    let link = match worst {
        None if live > 0 => (format!("LIVE {live}/{all}"), theme.text()),
        None => (format!("link 0/{all}"), theme.quiet()),
        Some(LinkState::BackingOff { until, .. }) => {
            (format!("LIVE {live}/{all} backing off {}", time::countdown(*until, app.now)), theme.warning())
        }
        Some(state @ LinkState::Ended { .. }) if live == 0 => ("ENDED".to_owned(), theme.link(state)),
        Some(state) => (format!("LIVE {live}/{all} {}", state.word()), theme.link(state)),
    };
    // Before sending, only a link in trouble is worth the room.
    if !is_preview || worst.is_some() {
        let kind = if worst.is_some() { Kind::Trouble } else { Kind::Other };
        parts.push(Part::new(kind, link.0, link.1));
    }
    if area.width >= crate::app::reading::PANE_FROM {
        parts.extend(team(app, theme).map(|(words, style)| Part::new(Kind::Team, words, style)));
    }
    if !is_preview {
        parts.extend(totals(app, counts, theme).into_iter().map(|(words, style)| Part::new(Kind::Other, words, style)));
    }
    parts.extend(logins(app, theme).map(|(words, style)| Part::new(Kind::Other, words, style)));
    let room = usize::from(area.width).saturating_sub(width(&clock) + 3);
    make_room(app, &mut parts, account, room + 1);
    let mut x = 1;
    for Part { words, style, .. } in parts {
        let at = Position::new(area.x + x, area.y);
        let room = u16::try_from(room).unwrap_or(u16::MAX).saturating_sub(x.saturating_sub(1));
        x += put(buffer, at, room, &cut(&words, usize::from(room)), style) + 2;
    }
    put_right(buffer, area.as_position(), area.width.saturating_sub(1), &clock, theme.strong());
}

/// A piece of the head.
struct Part {
    kind: Kind,
    words: String,
    style: Style,
}

/// By what a piece gives way.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Name,
    Preview,
    Account,
    Team,
    /// A link that is not well.
    Trouble,
    Other,
}

impl Part {
    fn new(kind: Kind, words: impl Into<String>, style: Style) -> Self {
        Self { kind, words: words.into(), style }
    }
}

/// What is known without being told goes first, then what can be said in fewer letters is; that nothing is sent yet and
/// as whom one would write stay longest. Of what is left the last piece matters most, and a link that is not well.
fn make_room(app: &App, parts: &mut Vec<Part>, account: Option<&AccountName>, room: usize) {
    let needed = |parts: &[Part]| parts.iter().map(|part| width(&part.words) + 2).sum::<usize>();
    let fits = |parts: &[Part]| needed(parts) <= room || parts.len() <= 1;
    for step in [Step::Drop(Kind::Name), Step::Shorten, Step::Drop(Kind::Team), Step::Brief, Step::Shorten] {
        if fits(parts) {
            return;
        }
        match step {
            Step::Drop(kind) => parts.retain(|part| part.kind != kind),
            Step::Brief => {
                for part in parts.iter_mut().filter(|part| part.kind == Kind::Preview) {
                    "PREVIEW".clone_into(&mut part.words);
                }
            }
            Step::Shorten => {
                let whole = needed(parts);
                let shown = parts.iter_mut().find(|part| part.kind == Kind::Account);
                let (Some(part), Some(name)) = (shown, account) else { continue };
                let cells = (width(&part.words) + room).saturating_sub(whole + 3);
                if let Some(words) = reading::account_title_within(app, name, cells) {
                    part.words = format!("as {words}");
                }
            }
        }
    }
    if !fits(parts) {
        parts.retain(|part| part.kind != Kind::Account);
    }
    if !fits(parts) {
        for part in parts.iter_mut().filter(|part| part.kind == Kind::Trouble) {
            // What ails it, without `LIVE 0/1`.
            if let Some(ill) = part.words.splitn(3, ' ').nth(2) {
                part.words = ill.to_owned();
            }
        }
    }
    while !fits(parts) {
        let last = parts.len() - 1;
        let is_spare = |part: &Part| matches!(part.kind, Kind::Name | Kind::Account | Kind::Team | Kind::Other);
        let spare = parts[..last].iter().position(is_spare);
        let trouble = || parts.iter().position(|part| part.kind == Kind::Trouble);
        parts.remove(spare.or_else(trouble).unwrap_or(last));
    }
}

/// One way to make room.
#[derive(Clone, Copy)]
enum Step {
    Drop(Kind),
    Shorten,
    Brief,
}

/// `team ana bo* cy (idle)`: who is at work on this host, `*` whoever is writing. Nothing while one is alone.
fn team(app: &App, theme: Theme) -> Option<(String, Style)> {
    let team = app.team_here();
    if team.is_empty() {
        return None;
    }
    let names: Vec<_> = team
        .iter()
        .map(|(rep, doing)| match doing {
            Doing::Writing => format!("{rep}*"),
            Doing::Viewing => rep.to_string(),
            Doing::Idle => format!("{rep} (idle)"),
        })
        .collect();
    Some((format!("team {}", names.join(" ")), theme.text()))
}

/// An account that is logged out, or may soon be, with the command that helps; as long as it is so.
fn logins(app: &App, theme: Theme) -> Option<(String, Style)> {
    let out = app.logins.iter().find_map(|(account, state)| match state {
        LoginState::Out { remedy, .. } => Some(format!("{account} LOGGED OUT: {remedy}")),
        LoginState::In { .. } | LoginState::Doubtful { .. } => None,
    });
    let doubtful = || {
        app.logins.iter().find_map(|(account, state)| match state {
            LoginState::Doubtful { until, remedy } => {
                Some(format!("{account} may be logged out at {}: {remedy}", time::clock(*until, &app.setup.zone)))
            }
            LoginState::In { .. } | LoginState::Out { .. } => None,
        })
    };
    out.or_else(doubtful).map(|words| (words, theme.overdue()))
}

fn totals(app: &App, counts: &Counts, theme: Theme) -> Vec<(String, Style)> {
    let mut parts =
        vec![(format!("mine {}", counts.mine), theme.text()), (format!("new {}", counts.new), theme.text())];
    if counts.overdue > 0 {
        parts.push((format!("OVERDUE {}", counts.overdue), theme.overdue()));
    }
    // A held reply is counted down at the foot; here stands what does not go by itself.
    let held: Vec<_> =
        app.held().into_iter().filter(|(_, until)| *until > app.now).map(|(reply, _)| reply.id).collect();
    let waiting = app.desk.unfinished_replies().filter(|reply| !held.contains(&reply.id)).count();
    if waiting > 0 {
        parts.push((format!("outbox {waiting}"), theme.warning()));
    }
    parts
}
