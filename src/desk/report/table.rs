//! A report as tables of words, which the screen and the command lay out alike.

use std::fmt::Write as _;

use jiff::tz::TimeZone;

use super::{CauseFigures, Figures, RepFigures, Report, Spread};
use crate::model::clean;

/// One table: the first cell of a row is its name, all others are figures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    pub title: &'static str,
    pub head: Vec<&'static str>,
    pub rows: Vec<Row>,
}

/// One row and what is said under it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    pub cells: Vec<String>,
    pub below: Vec<String>,
}

/// What the tables are by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum By {
    Column,
    Rep,
    Cause,
    Hour,
}

impl By {
    pub const ALL: [By; 4] = [By::Column, By::Rep, By::Cause, By::Hour];

    /// As on the command line and in the first field of a line of CSV.
    pub fn word(self) -> &'static str {
        match self {
            By::Column => "column",
            By::Rep => "rep",
            By::Cause => "cause",
            By::Hour => "hour",
        }
    }
}

/// The line over everything: span, zone, clock and when it was made.
pub fn heading(report: &Report, zone: &TimeZone) -> String {
    let time = |at: jiff::Timestamp| at.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M").to_string();
    let span = match (report.since.map(time), report.until.map(time)) {
        (None, None) => "all cases".to_owned(),
        (Some(since), None) => format!("cases begun since {since}"),
        (None, Some(until)) => format!("cases begun before {until}"),
        (Some(since), Some(until)) => format!("cases begun from {since} to {until}"),
    };
    format!("{span}, as of {} ({}; times {})", time(report.at), report.zone, report.clock)
}

/// The sentence under the heading, or that there is nothing.
pub fn summary(report: &Report) -> String {
    let total = &report.total;
    if report.is_empty() {
        return "no case began in this span".to_owned();
    }
    let percent = total.answered_percent.unwrap_or(0);
    let mut words = format!("{} seen and {} answered: {percent} %", total.seen, total.answered);
    if let Some(first) = &total.first {
        let _infallible =
            write!(words, "; first answer median {}, p90 {}", duration(first.median_ms), duration(first.p90_ms));
    }
    let _infallible = write!(
        words,
        "; {} not answered, {} overdue, {} resolved, {} reopened, {} turned round",
        total.seen - total.answered,
        total.overdue,
        total.resolved,
        total.reopened,
        total.turned_round
    );
    let _infallible = write!(words, "; now: {} new, {} overdue", report.now.new, report.now.overdue);
    words
}

/// The tables, the ones asked for.
pub fn tables(report: &Report, wanted: &[By]) -> Vec<Table> {
    let wanted = By::ALL.into_iter().filter(|by| wanted.contains(by));
    wanted
        .map(|by| match by {
            By::Column => {
                let mut rows: Vec<Row> =
                    report.columns.iter().map(|row| of_cases(row.column.as_str(), &row.figures)).collect();
                rows.push(of_cases("all", &report.total));
                Table { title: "by column", head: CASES.to_vec(), rows }
            }
            By::Hour => {
                let busy = report.hours.iter().filter(|row| row.figures.seen > 0);
                let rows = busy.map(|row| of_cases(&format!("{:02}:00", row.hour), &row.figures)).collect();
                Table { title: "by hour of the day", head: CASES.to_vec(), rows }
            }
            By::Rep => {
                let title = if report.all_reps { "by rep" } else { "by rep (yours; a lead sees all)" };
                Table { title, head: REPS.to_vec(), rows: report.reps.iter().map(of_rep).collect() }
            }
            By::Cause => {
                Table { title: "by cause", head: CAUSES.to_vec(), rows: report.causes.iter().map(of_cause).collect() }
            }
        })
        .collect()
}

const CASES: [&str; 10] = ["", "seen", "answd", "%", "median", "p90", "overd", "reopn", "once", "turnd"];
const REPS: [&str; 10] = ["", "claim", "answd", "median", "p90", "overd", "resol", "reopn", "once", "turnd"];
const CAUSES: [&str; 5] = ["", "cases", "minutes", "reopn", "%"];

fn of_cases(name: &str, figures: &Figures) -> Row {
    let [median, p90] = times(figures.first);
    let cells = vec![
        clean::line(name),
        figures.seen.to_string(),
        figures.answered.to_string(),
        share(figures.answered_percent),
        median,
        p90,
        figures.overdue.to_string(),
        figures.reopened.to_string(),
        figures.at_once.to_string(),
        figures.turned_round.to_string(),
    ];
    Row { cells, below: Vec::new() }
}

fn of_rep(row: &RepFigures) -> Row {
    let [median, p90] = times(row.first);
    let cells = vec![
        rep_name(row),
        row.claimed.to_string(),
        row.answered.to_string(),
        median,
        p90,
        row.overdue.to_string(),
        row.resolved.to_string(),
        row.reopened.to_string(),
        row.at_once.to_string(),
        row.turned_round.to_string(),
    ];
    Row { cells, below: Vec::new() }
}

fn of_cause(row: &CauseFigures) -> Row {
    let cells = vec![
        cause_name(row),
        row.cases.to_string(),
        row.minutes.to_string(),
        row.reopened.to_string(),
        share(row.reopened_percent),
    ];
    let below = row.examples.iter().map(|example| {
        let page = example.page.as_deref().unwrap_or("text removed");
        let words = example.words.as_deref().map(|words| format!("  {words}")).unwrap_or_default();
        clean::line(&format!("{} min  {page}{words}", example.minutes))
    });
    Row { cells, below: below.collect() }
}

/// A rep's name, or who else it was.
pub fn rep_name(row: &RepFigures) -> String {
    row.rep.as_ref().map_or_else(|| "elsewhere".to_owned(), |rep| clean::line(rep.as_str()))
}

/// A cause, or that there was none.
pub fn cause_name(row: &CauseFigures) -> String {
    row.cause.as_deref().map_or_else(|| "no cause".to_owned(), clean::line)
}

fn times(spread: Option<Spread>) -> [String; 2] {
    match spread {
        Some(spread) => [duration(spread.median_ms), duration(spread.p90_ms)],
        None => ["-".to_owned(), "-".to_owned()],
    }
}

fn share(percent: Option<u64>) -> String {
    percent.map_or_else(|| "-".to_owned(), |percent| format!("{percent} %"))
}

/// `42s`, `12m05s`, `3h07m`, `2d04h`: two units, the rest left out.
pub fn duration(millis: u64) -> String {
    let seconds = millis / 1_000;
    let (minutes, hours, days) = (seconds / 60, seconds / 3_600, seconds / 86_400);
    if days > 0 {
        format!("{days}d{:02}h", hours % 24)
    } else if hours > 0 {
        format!("{hours}h{:02}m", minutes % 60)
    } else if minutes > 0 {
        format!("{minutes}m{:02}s", seconds % 60)
    } else {
        format!("{seconds}s")
    }
}

#[cfg(test)]
mod tests {
    use super::duration;

    #[test]
    fn a_duration_is_told_in_two_units() {
        for (millis, told) in [
            (0, "0s"),
            (59_999, "59s"),
            (60_000, "1m00s"),
            (3_599_999, "59m59s"),
            (3_600_000, "1h00m"),
            (86_399_999, "23h59m"),
            (90_000_000, "1d01h"),
        ] {
            assert_eq!(duration(millis), told);
        }
    }
}
