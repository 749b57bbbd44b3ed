//! The report on the screen: asked for, read in the background, shown when it is there.

use super::{App, Effect, Mode};
use crate::desk::report::{Eyes, Report, Terms, span};
use crate::model::ColumnName;

/// The spans that a key goes through.
pub const SPANS: [&str; 4] = ["24h", "7d", "30d", "all"];

/// The screen of figures.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReportScreen {
    /// As typed: what `--since` takes.
    pub since: String,
    pub scroll: u16,
    /// The last one made; stays while a newer one is read.
    pub report: Option<Box<Report>>,
    /// So many events of so many have been read for the one under way.
    pub reading: Option<(u64, u64)>,
    /// Why there is none.
    pub error: Option<String>,
}

/// What the shell tells of a report.
#[derive(Clone, Debug, PartialEq)]
pub enum ReportTold {
    Reading { read: u64, of: u64 },
    Made(Box<Report>),
    Failed(String),
}

impl App {
    /// `gr`, and `:report` with or without a span.
    pub(super) fn open_report(&mut self, words: &str, out: &mut Vec<Effect>) -> Result<(), String> {
        let words = match (words, &self.mode) {
            ("", Mode::Report(screen)) => screen.since.clone(),
            ("", _) => SPANS[1].to_owned(),
            (words, _) => words.to_owned(),
        };
        span::since(&words, self.now, &self.setup.zone)?;
        if !matches!(self.mode, Mode::Report(_)) {
            self.switch_to(Mode::Report(ReportScreen::default()));
        }
        self.ask_report(words, out);
        Ok(())
    }

    /// `r`: the same span anew.
    pub(super) fn refresh_report(&mut self, out: &mut Vec<Effect>) {
        if let Mode::Report(screen) = &self.mode {
            let since = screen.since.clone();
            self.ask_report(since, out);
        }
    }

    /// Tab: the next of the usual spans.
    pub(super) fn next_span(&mut self, out: &mut Vec<Effect>) {
        let Mode::Report(screen) = &self.mode else { return };
        let at = SPANS.iter().position(|span| *span == screen.since);
        let next = SPANS[at.map_or(0, |at| at + 1) % SPANS.len()];
        self.ask_report(next.to_owned(), out);
    }

    fn ask_report(&mut self, since: String, out: &mut Vec<Effect>) {
        let now = self.now;
        let from = span::since(&since, now, &self.setup.zone);
        let number = self.books.reports + 1;
        self.books.reports = number;
        let targets = self.setup.columns.iter().map(|column| (column.name.clone(), column.targets));
        let targets: std::collections::BTreeMap<ColumnName, _> = targets.collect();
        let Mode::Report(screen) = &mut self.mode else { return };
        self.dirty = true;
        if screen.since != since {
            screen.report = None;
            screen.scroll = 0;
        }
        screen.since = since;
        screen.error = None;
        screen.reading = Some((0, 0));
        match from {
            Ok(since) => out.push(Effect::Report {
                number,
                terms: Box::new(Terms {
                    since,
                    until: None,
                    now,
                    zone: self.setup.zone.clone(),
                    targets,
                    hours: self.setup.clocks.hours.clone(),
                    eyes: Eyes::of(self.setup.role, &self.setup.me),
                    accounts: self.setup.accounts.clone(),
                }),
            }),
            Err(why) => {
                screen.reading = None;
                screen.error = Some(why);
            }
        }
    }

    /// The answer to the last one asked for; an older one's, and one whose screen was left, are passed over.
    pub(super) fn report_told(&mut self, number: u64, told: ReportTold) {
        if number != self.books.reports {
            return;
        }
        let screens =
            std::iter::once(&mut self.mode).chain(self.back.as_deref_mut()).chain(self.books.deeper.iter_mut());
        for screen in screens {
            if let Mode::Report(screen) = screen {
                screen.reading = None;
                match told {
                    ReportTold::Reading { read, of } => screen.reading = Some((read, of)),
                    ReportTold::Made(report) => screen.report = Some(report),
                    ReportTold::Failed(why) => screen.error = Some(why),
                }
                self.dirty = true;
                return;
            }
        }
    }
}
