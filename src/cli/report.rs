//! `replydeck report`: what was seen, answered and resolved, by column, rep, cause and hour.

use std::fmt::Write as _;
use std::io::{IsTerminal as _, Write};

use anyhow::Context as _;
use clap::{Args, ValueEnum};
use jiff::Timestamp;

use super::search::{escape_invisible, store};
use super::{Cli, print};
use crate::config::{AccountConfig, Config, ConfigError};
use crate::desk::report::table::{By, cause_name, rep_name};
use crate::desk::report::{DEFINITIONS, Eyes, Figures, Report, Spread, Terms, span};
use crate::log::Log;
use crate::model::{OfficeHours, clean};
use crate::run::reporting;
use crate::ui;

/// Cells of a line of text.
const WIDE: usize = 80;

/// What was seen, answered and resolved, by column, rep, cause and hour
///
/// Reads the store alone: it works beside an open deck, without a terminal and without a network.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
#[command(
    after_help = "Examples:\n  replydeck report --since 7d\n  replydeck report --since 2026-11-01 --until 2026-11-30 --by rep,cause --csv\n  \
                  replydeck report --json | jq .total\n\nWhat is counted: replydeck report --help",
    after_long_help = format!(
        "Examples:\n  replydeck report --since 7d\n  replydeck report --since 2026-11-01 --until 2026-11-30 --by rep,cause --csv\n  \
         replydeck report --json | jq .total\n\nWhat is counted:\n{DEFINITIONS}"
    )
)]
pub struct ReportArgs {
    /// Cases begun from then on: so long ago, a date, a time, or all
    #[arg(long, value_name = "7d|DATE|all", default_value = "7d")]
    since: String,
    /// Cases begun before then; a date is the end of that day
    #[arg(long, value_name = "1d|DATE")]
    until: Option<String>,
    /// Which tables, several with commas between [default: all]
    #[arg(long, value_enum, value_name = "WHAT", value_delimiter = ',')]
    by: Vec<ByWord>,
    /// Tables to read; this is the default
    #[arg(long, group = "form")]
    text: bool,
    /// One line per row, for a spreadsheet; times in milliseconds
    #[arg(long, group = "form")]
    csv: bool,
    /// One JSON object; times in milliseconds
    #[arg(long, group = "form")]
    json: bool,
}

/// A table by its word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ByWord {
    Column,
    Rep,
    Cause,
    Hour,
}

impl From<ByWord> for By {
    fn from(word: ByWord) -> Self {
        match word {
            ByWord::Column => By::Column,
            ByWord::Rep => By::Rep,
            ByWord::Cause => By::Cause,
            ByWord::Hour => By::Hour,
        }
    }
}

/// A span that makes no sense.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct WrongSpan(String);

/// Prints the report of the store; without a config the figures of reps are left out.
pub fn run(args: &ReportArgs, cli: &Cli) -> anyhow::Result<()> {
    let places = cli.places()?;
    let config = match Config::load(&places.config) {
        Ok(config) => Some(config),
        Err(ConfigError::Missing { .. }) if cli.config.is_none() => None,
        Err(error) => return Err(error.into()),
    };
    let terms = terms(args, config.as_ref(), crate::run::clock::system()())?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let report = runtime.block_on(async {
        let log = store(&places.data)?;
        let made = make(&log, &terms).await.context("the store could not be read");
        log.close().await;
        made
    })?;
    if config.is_none() {
        writeln!(std::io::stderr(), "without a config nobody knows your role: the figures of reps are left out")?;
    }
    if report.is_empty() {
        writeln!(std::io::stderr(), "no case began in this span; --since all tells of every case in the store")?;
    }
    print::out(&printed(args, &report, &terms))?;
    Ok(())
}

fn terms(args: &ReportArgs, config: Option<&Config>, now: Timestamp) -> Result<Terms, WrongSpan> {
    let zone = config.map_or_else(jiff::tz::TimeZone::system, Config::effective_zone);
    let since = span::since(&args.since, now, &zone).map_err(WrongSpan)?;
    let until = args.until.as_deref().map(|until| span::until(until, now, &zone)).transpose().map_err(WrongSpan)?;
    if since.zip(until).is_some_and(|(since, until)| until <= since) {
        return Err(WrongSpan(
            "the span ends before it begins: --until must name a later moment than --since".to_owned(),
        ));
    }
    let columns = config.map(|config| config.columns.as_slice()).unwrap_or_default();
    Ok(Terms {
        since,
        until,
        now,
        zone,
        targets: columns.iter().map(|column| (column.name.clone(), column.targets)).collect(),
        hours: config.map_or_else(OfficeHours::always, Config::calendar),
        eyes: config.map_or(Eyes::Team, |config| Eyes::of(config.role, &config.effective_rep())),
        accounts: config.map_or_else(Vec::new, |config| config.accounts.iter().map(AccountConfig::account).collect()),
    })
}

/// Tells of its progress on a terminal once it takes long.
async fn make(log: &dyn Log, terms: &Terms) -> anyhow::Result<Report> {
    let shows = std::io::stderr().is_terminal();
    let mut told = false;
    let report = reporting::reckon(log, terms, |read, of| {
        if shows && of > 200_000 {
            told = true;
            // Progress that cannot be told is no reason to stop.
            let _told = write!(std::io::stderr(), "\rreading the log: {} %\x1b[K", read * 100 / of);
        }
        true
    })
    .await?;
    if told {
        let _told = write!(std::io::stderr(), "\r\x1b[K");
    }
    report.context("the report was left")
}

/// The report in the form asked for.
pub fn printed(args: &ReportArgs, report: &Report, terms: &Terms) -> String {
    let named: Vec<By> = args.by.iter().map(|word| By::from(*word)).collect();
    let wanted: Vec<By> = By::ALL.into_iter().filter(|by| named.is_empty() || named.contains(by)).collect();
    if args.json {
        return as_json(report, &wanted);
    }
    if args.csv {
        return as_csv(report, &wanted);
    }
    let lines = ui::report::lines(report, &wanted, &terms.zone, WIDE);
    let mut text = String::new();
    for (_, line) in lines {
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// Tables that were not asked for are empty lists.
fn as_json(report: &Report, wanted: &[By]) -> String {
    let mut report = report.clone();
    for by in By::ALL.into_iter().filter(|by| !wanted.contains(by)) {
        match by {
            By::Column => report.columns.clear(),
            By::Rep => report.reps.clear(),
            By::Cause => report.causes.clear(),
            By::Hour => report.hours.clear(),
        }
    }
    let json = serde_json::to_string_pretty(&report).expect("a report is numbers, texts and lists of them");
    format!("{}\n", escape_invisible_lines(&json))
}

/// Line breaks stay.
fn escape_invisible_lines(json: &str) -> String {
    json.split('\n').map(escape_invisible).collect::<Vec<_>>().join("\n")
}

const FIELDS: [&str; 20] = [
    "by",
    "name",
    "seen",
    "posts",
    "answered",
    "answered_percent",
    "first_median_ms",
    "first_p90_ms",
    "overdue",
    "claimed",
    "replies",
    "resolved",
    "resolution_median_ms",
    "resolution_p90_ms",
    "at_once",
    "reopened",
    "reopened_percent",
    "turned_round",
    "minutes",
    "examples",
];

/// A line of CSV under way: fields without a figure stay empty.
#[derive(Default)]
struct Fields([String; FIELDS.len()]);

impl Fields {
    fn new(by: &str, name: &str) -> Self {
        let mut fields = Self::default();
        fields.words("by", by);
        fields.words("name", name);
        fields
    }

    fn words(&mut self, field: &str, words: &str) {
        if let Some(at) = FIELDS.iter().position(|known| *known == field) {
            self.0[at] = cell(words);
        }
    }

    fn number(&mut self, field: &str, number: impl Into<Option<u64>>) {
        if let (Some(at), Some(number)) = (FIELDS.iter().position(|known| *known == field), number.into()) {
            self.0[at] = number.to_string();
        }
    }

    fn first(&mut self, spread: Option<Spread>) {
        self.number("first_median_ms", spread.map(|spread| spread.median_ms));
        self.number("first_p90_ms", spread.map(|spread| spread.p90_ms));
    }

    fn cases(&mut self, figures: &Figures) {
        self.number("seen", figures.seen);
        self.number("posts", figures.posts);
        self.number("answered", figures.answered);
        self.number("answered_percent", figures.answered_percent);
        self.first(figures.first);
        self.number("overdue", figures.overdue);
        self.number("resolved", figures.resolved);
        self.number("resolution_median_ms", figures.resolution.map(|spread| spread.median_ms));
        self.number("resolution_p90_ms", figures.resolution.map(|spread| spread.p90_ms));
        self.number("at_once", figures.at_once);
        self.number("reopened", figures.reopened);
        self.number("turned_round", figures.turned_round);
    }
}

fn as_csv(report: &Report, wanted: &[By]) -> String {
    let mut lines = vec![Fields::new("total", "all")];
    lines[0].cases(&report.total);
    for by in wanted {
        let by_word = by.word();
        match by {
            By::Column => lines.extend(report.columns.iter().map(|row| {
                let mut fields = Fields::new(by_word, row.column.as_str());
                fields.cases(&row.figures);
                fields
            })),
            By::Hour => lines.extend(report.hours.iter().map(|row| {
                let mut fields = Fields::new(by_word, &format!("{:02}", row.hour));
                fields.cases(&row.figures);
                fields
            })),
            By::Rep => lines.extend(report.reps.iter().map(|row| {
                let mut fields = Fields::new(by_word, &rep_name(row));
                fields.number("claimed", row.claimed);
                fields.number("answered", row.answered);
                fields.first(row.first);
                fields.number("overdue", row.overdue);
                fields.number("replies", row.replies);
                fields.number("resolved", row.resolved);
                fields.number("at_once", row.at_once);
                fields.number("reopened", row.reopened);
                fields.number("turned_round", row.turned_round);
                fields
            })),
            By::Cause => lines.extend(report.causes.iter().map(|row| {
                let mut fields = Fields::new(by_word, &cause_name(row));
                fields.number("seen", row.cases);
                fields.number("resolved", row.cases);
                fields.number("minutes", row.minutes);
                fields.number("reopened", row.reopened);
                fields.number("reopened_percent", row.reopened_percent);
                let pages: Vec<_> = row.examples.iter().filter_map(|example| example.page.as_deref()).collect();
                fields.words("examples", &pages.join(" "));
                fields
            })),
        }
    }
    let mut csv = format!("{}\r\n", FIELDS.join(","));
    for Fields(line) in lines {
        let _infallible = write!(csv, "{}\r\n", line.join(","));
    }
    csv
}

/// A text as a field of CSV: cleaned, kept from being taken for a formula, quoted where it must be.
fn cell(words: &str) -> String {
    let mut words = clean::line(words);
    if words.starts_with(['=', '+', '-', '@', '\t', '\r', '|', '%']) {
        words.insert(0, '\'');
    }
    if words.contains([',', '"', ';', '\'']) { format!("\"{}\"", words.replace('"', "\"\"")) } else { words }
}

#[cfg(test)]
mod tests {
    use super::cell;

    #[test]
    fn a_field_is_no_formula_and_no_two_fields() {
        for (words, field) in [
            ("outage", "outage"),
            ("a, b", "\"a, b\""),
            ("say \"so\"", "\"say \"\"so\"\"\""),
            ("=HYPERLINK(\"x\")", "\"'=HYPERLINK(\"\"x\"\")\""),
            ("+1", "\"'+1\""),
            ("-1", "\"'-1\""),
            ("@sum", "\"'@sum\""),
            (" \t=1\r\n+2", "\"'=1 +2\""),
            ("\u{1b}[31mred\u{202e}", "red"),
        ] {
            assert_eq!(cell(words), field, "{words:?}");
        }
    }
}
