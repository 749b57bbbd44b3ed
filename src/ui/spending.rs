//! What was spent: today by column and by kind, the last days, and the network's own count beside ours.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;
use ratatui::text::Line;

use super::paint::{boxed, paragraph, put_scrolled};
use super::reading;
use super::text::{number_in_full, width};
use super::theme::Theme;
use super::time;
use crate::app::{App, SpendScreen};
use crate::desk::spend::{DaySpend, Standing};
use crate::model::price::Money;
use crate::model::spend::{Budget, Usage, billed_day, end_of};
use crate::model::{AccountName, NetworkKind};

/// Earlier days listed.
const DAYS: usize = 14;

pub(super) fn draw(buffer: &mut Buffer, area: Rect, app: &App, screen: &SpendScreen, theme: Theme) -> (Position, u16) {
    let inside = boxed(buffer, area, "spending", theme.frame(), theme.focused());
    let cells = inside.width.saturating_sub(1);
    let mut lines = Vec::new();
    if app.setup.budgets.is_empty() {
        let on_x = app.setup.accounts.iter().any(|account| account.network == NetworkKind::X);
        let words = if on_x {
            "nothing is known of the prices of these accounts, so nothing is counted"
        } else {
            "nothing is paid: Bluesky and Mastodon ask no money"
        };
        lines.extend(paragraph(words, cells, 1, theme.quiet()));
    }
    for (name, budget) in &app.setup.budgets {
        lines.extend(account_lines(app, name, budget, screen, cells, theme));
        lines.push(Line::default());
    }
    let end = put_scrolled(buffer, inside, &lines, screen.scroll, theme.focused());
    (inside.as_position(), end)
}

fn account_lines(
    app: &App,
    name: &AccountName,
    budget: &Budget,
    screen: &SpendScreen,
    cells: u16,
    theme: Theme,
) -> Vec<Line<'static>> {
    let today = billed_day(app.now);
    let standing = app.desk.spending.standing(name, today, budget);
    let nothing = DaySpend::default();
    let of_day = app.desk.spending.on(name, today).unwrap_or(&nothing);
    let style = if standing.is_near() { theme.warning() } else { theme.strong() };
    let ends = time::hours(end_of(today), &app.setup.zone);
    let title = reading::account_title(app, name);
    let head = match standing.limit {
        Some(limit) => {
            let raised = if of_day.raised.is_some() { ", raised for today" } else { "" };
            format!("{title}: {} of today's {}{raised}; the day ends at {ends}", standing.spent, short(limit))
        }
        None => format!("{title}: {} today, no daily_limit; the day ends at {ends}", standing.spent),
    };
    let mut lines = paragraph(&head, cells, 1, style);
    let mut say = |words: &str, style: Style| lines.extend(paragraph(words, cells, 3, style));
    if standing.is_paused() {
        say("reading is paused; replies go out all the same", theme.overdue());
    }
    if let (Some(to), true) = (screen.raise, app.spending_account() == Some(name)) {
        let key = super::hints::key(app, crate::app::command::Command::RaiseLimit);
        say(&format!("{key} raises today's limit to {to}; Esc does not"), theme.warning());
    }
    if let Some((column, tally)) = of_day.dearest() {
        say(&format!("column {column} costs most: {}", tally.money), theme.text());
    }
    let row = |what: &str, count: u64, money: Money| {
        let pad = " ".repeat(28_usize.saturating_sub(width(what)));
        format!("{what}{pad}{:>10}{:>14}", number_in_full(count), money.to_string())
    };
    let mut columns: Vec<_> = of_day.columns.iter().collect();
    columns.sort_by(|a, b| b.1.money.cmp(&a.1.money).then_with(|| a.0.cmp(b.0)));
    if !columns.is_empty() {
        say("by column (a post that several asked for is shared equally)", theme.quiet());
    }
    for (column, tally) in columns {
        say(&row(column.as_str(), tally.count, tally.money), theme.text());
    }
    let unshared = of_day.unshared();
    if unshared > Money::default() {
        let words = "no column's: replies, profiles ...";
        say(&format!("{words}{}{:>14}", " ".repeat(38 - words.len()), unshared.to_string()), theme.text());
    }
    if !of_day.acts.is_empty() {
        say("by kind", theme.quiet());
    }
    for (act, tally) in &of_day.acts {
        say(&row(act.title(), tally.count, tally.money), theme.text());
    }
    let account = app.desk.spending.of(name);
    if let Some(usage) = account.and_then(|account| account.usage.as_ref()) {
        let ours = of_day.acts.get(&crate::model::spend::Act::PostRead).map_or(0, |tally| tally.count);
        say(&usage_words(app, usage, ours, today), theme.text());
    }
    let earlier = account.into_iter().flat_map(|account| account.days.iter().rev()).filter(|(day, _)| **day < today);
    let earlier: Vec<_> = earlier.take(DAYS).collect();
    if !earlier.is_empty() {
        say("earlier days", theme.quiet());
    }
    for (day, spent) in earlier {
        let most =
            spent.dearest().map_or_else(String::new, |(column, tally)| format!("  most: {column} {}", tally.money));
        say(&format!("{day}  {:>10}{most}", spent.total.to_string()), theme.text());
    }
    lines
}

/// `X's own count at 14:02: 812 of 3,000,000 posts this period; today 812, 12 more than ours (…)`.
fn usage_words(app: &App, usage: &Usage, ours: u64, today: jiff::civil::Date) -> String {
    let at = time::hours(usage.asked, &app.setup.zone);
    let cap = usage.cap.map_or_else(String::new, |cap| format!(" of {}", number_in_full(cap)));
    let mut words = format!(
        "X's own count at {at}: {}{cap} post{} read in this period by the whole project",
        number_in_full(usage.used),
        if usage.used == 1 && usage.cap.is_none() { "" } else { "s" }
    );
    if let (Some(theirs), true) = (usage.today, billed_day(usage.asked) == today) {
        let told = match theirs.cmp(&ours) {
            std::cmp::Ordering::Equal => "as many as ours".to_owned(),
            std::cmp::Ordering::Less => {
                format!("ours are {} more: its count lags behind", number_in_full(ours - theirs))
            }
            std::cmp::Ordering::Greater => {
                let more = number_in_full(theirs - ours);
                format!("{more} more than ours: other apps of the project, another machine, or posts lost on the way")
            }
        };
        words = format!("{words}; today {}, {told}", number_in_full(theirs));
    }
    words
}

/// `spend $3.10/$20` for the foot, and whether it calls for a look.
pub(super) fn foot_words(app: &App) -> Option<(String, Standing)> {
    let standing = app.spent_today(app.spending_account()?)?;
    let limit = standing.limit.map_or_else(String::new, |limit| format!("/{}", short(limit)));
    let paused = if standing.is_paused() { " PAUSED" } else { "" };
    Some((format!("spend {}{limit}{paused}", standing.spent.in_cents()), standing))
}

/// Without cents where there are none: `$20`.
fn short(money: Money) -> String {
    if money.0.is_multiple_of(1_000_000) { format!("${}", money.0 / 1_000_000) } else { money.to_string() }
}
