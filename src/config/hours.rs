//! Office hours, holidays, and by what the clocks of cases run: `[office_hours]` and `[clocks]`.
//!
//! A holiday file has one date a line, `2026-12-25`, with anything behind it; `#` begins a comment. A line that is no
//! date is told with its number, and the others are kept.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use jiff::SignedDuration;
use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;

use super::problem::Problem;
use super::read::{LONGEST_TARGET, SHORTEST_TARGET, read_duration, read_zone};
use super::table::{Reader, Table, Text, suggest};
use crate::app::Queue;
use crate::model::sla::{Clock, Stops, Targets};
use crate::model::{OfficeHours, OpenSpan, clean};

/// The keys of the days.
pub(super) const DAYS: [(&str, Weekday); 7] = [
    ("monday", Weekday::Monday),
    ("tuesday", Weekday::Tuesday),
    ("wednesday", Weekday::Wednesday),
    ("thursday", Weekday::Thursday),
    ("friday", Weekday::Friday),
    ("saturday", Weekday::Saturday),
    ("sunday", Weekday::Sunday),
];

/// So many wrong lines of a holiday file are told one by one.
const TOLD: usize = 3;

/// `[office_hours]`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Office {
    /// `None`: the deck's.
    pub zone: Option<TimeZone>,
    pub hours: Vec<(Weekday, OpenSpan)>,
    pub holidays: BTreeSet<Date>,
    /// Absolute, or as it was written where the text came from no file.
    pub holidays_file: Option<PathBuf>,
    /// What the file says.
    pub from_file: BTreeSet<Date>,
    /// What of it is no date, in words for the rep.
    pub mistakes: Vec<String>,
}

/// `[clocks]`.
#[derive(Clone, Debug, PartialEq)]
pub struct ClockConfig {
    /// Where a column does not say otherwise.
    pub targets: Targets,
    pub stops: Stops,
    pub alert_outside_hours: bool,
}

impl Default for ClockConfig {
    fn default() -> Self {
        Self { targets: Targets::within(super::DEFAULT_TARGET), stops: Stops::default(), alert_outside_hours: false }
    }
}

impl Office {
    pub fn calendar(&self, zone: TimeZone) -> OfficeHours {
        let holidays = self.holidays.union(&self.from_file).copied();
        OfficeHours::new(self.zone.clone().unwrap_or(zone), self.hours.iter().copied(), holidays)
    }

    /// Reads the holiday file, or says why it cannot be read.
    pub(super) fn read_file(&mut self) -> Result<(), String> {
        let Some(path) = &self.holidays_file else { return Ok(()) };
        let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
        (self.from_file, self.mistakes) = holidays(&text, path);
        Ok(())
    }
}

/// The dates of a holiday file, and what of it is none.
fn holidays(text: &str, path: &Path) -> (BTreeSet<Date>, Vec<String>) {
    let mut dates = BTreeSet::new();
    let mut mistakes = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim_start_matches('\u{feff}').split('#').next().unwrap_or_default().trim();
        let Some(word) = line.split_whitespace().next() else { continue };
        match word.parse::<Date>() {
            Ok(date) if word.len() == "2026-12-25".len() => {
                dates.insert(date);
            }
            _ => mistakes.push(format!("line {}: `{}` is not a date", index + 1, clean::line(word))),
        }
    }
    let more = mistakes.len().saturating_sub(TOLD);
    mistakes.truncate(TOLD);
    if !mistakes.is_empty() {
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let told = format!(
            "{}: {}{more}; write dates as 2026-12-25. The others are kept: {}",
            path.display(),
            mistakes.join(", "),
            dates.len()
        );
        mistakes = vec![told];
    }
    (dates, mistakes)
}

/// The office, and where in the config its holiday file is named.
pub(super) fn read_office(
    reader: &mut Reader<'_>,
    mut table: Table<'_>,
    folder: &Path,
) -> (Office, Option<std::ops::Range<usize>>) {
    let mut office = Office::default();
    let span = table.span.clone();
    if let Some(zone) = table.text(reader, "zone", "a time zone in quotes such as \"Europe/Rome\"") {
        office.zone = read_zone(reader, &zone);
    }
    let before = reader.problems.len();
    for (key, day) in DAYS {
        let Some(value) = table.take(key) else { continue };
        let spans = reader.as_texts(key, value, "a list such as [\"09:00-12:30\", \"13:30-18:00\"]");
        for text in spans.unwrap_or_default() {
            let Some(span) = read_span(reader, key, &text) else { continue };
            if let Some((other, known)) = office.hours.iter().copied().find(|known| overlap((day, span), *known)) {
                let (text, span) = (text.value, text.span.clone());
                let whose = if other == day { String::new() } else { format!(" of {}", day_key(other)) };
                reader.problem(
                    Problem::new(span, format!("`{key}`: `{text}` overlaps `{}`{whose}", write_span(known)))
                        .remedy("write hours that belong together as one span, or correct one of the two"),
                );
            }
            office.hours.push((day, span));
        }
    }
    if let Some(value) = table.take("holidays") {
        for text in reader.as_texts("holidays", value, "a list such as [\"2026-12-25\"]").unwrap_or_default() {
            match text.value.parse::<Date>() {
                Ok(date) => {
                    office.holidays.insert(date);
                }
                Err(_not_a_date) => reader.problem(
                    Problem::new(text.span.clone(), format!("`holidays`: `{}` is not a date", text.value))
                        .remedy("write it like \"2026-12-25\""),
                ),
            }
        }
    }
    let file = table.text(reader, "holidays_file", "a file's name in quotes");
    office.holidays_file = file.as_ref().map(|file| folder.join(file.value));
    table.finish(reader);
    if office.hours.is_empty() && reader.problems.len() == before {
        reader.problem(
            Problem::new(span, "`office_hours` never open").remedy("give a day its hours: monday = [\"09:00-17:30\"]"),
        );
    }
    (office, file.map(|file| file.span))
}

fn day_key(day: Weekday) -> &'static str {
    DAYS.iter().find(|(_, known)| *known == day).map_or("", |(key, _)| *key)
}

/// Whether two spans share a minute of the week; one may go on into the next day, from Sunday into Monday as well.
fn overlap(one: (Weekday, OpenSpan), other: (Weekday, OpenSpan)) -> bool {
    const DAY: u32 = 24 * 60;
    const WEEK: u32 = 7 * DAY;
    let minutes = |(day, span): (Weekday, OpenSpan)| {
        let from = u32::from(day.to_monday_zero_offset().unsigned_abs()) * DAY + u32::from(span.from);
        let length = if span.to > span.from { span.to - span.from } else { 24 * 60 - span.from + span.to };
        (from, u32::from(length))
    };
    let ((one, length), (other, others)) = (minutes(one), minutes(other));
    // How far the other begins behind the one, round the week.
    let behind = (other + WEEK - one) % WEEK;
    let before = (one + WEEK - other) % WEEK;
    behind < length || before < others
}

const HOW: &str =
    "write it like \"09:00-12:30\"; a day ends at 24:00, and \"22:00-06:00\" goes on until the next morning";

fn read_span(reader: &mut Reader<'_>, key: &str, text: &Text<'_>) -> Option<OpenSpan> {
    let minute = |part: &str| {
        let (hour, minute) = part.split_once(':')?;
        let digits = |text: &str| text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        let (hour, minute) = (Some(hour).filter(|text| digits(text))?, Some(minute).filter(|text| digits(text))?);
        let (hour, minute) = (hour.parse::<u16>().ok()?, minute.parse::<u16>().ok()?);
        let at = hour * 60 + minute;
        (minute < 60 && at <= 24 * 60).then_some(at)
    };
    let Some((from, to)) = text.value.split_once('-') else {
        reader.problem(
            Problem::new(text.span.clone(), format!("`{key}`: `{}` is no span of hours", text.value)).remedy(HOW),
        );
        return None;
    };
    let dash = from.len();
    let mut times = [0, 0];
    for (at, (part, range)) in [(from, 0..dash), (to, dash + 1..text.value.len())].into_iter().enumerate() {
        let Some(minute) = minute(part.trim()) else {
            let span = reader.locate(text, range);
            reader.problem(Problem::new(span, format!("`{key}`: `{}` is no time of the day", part.trim())).remedy(HOW));
            return None;
        };
        times[at] = minute;
    }
    let [from, to] = times;
    if from == to || from == 24 * 60 {
        reader.problem(Problem::new(text.span.clone(), format!("`{key}`: `{}` has no length", text.value)).remedy(HOW));
        return None;
    }
    Some(OpenSpan { from, to })
}

pub(super) fn read_clocks(reader: &mut Reader<'_>, mut table: Table<'_>) -> ClockConfig {
    let defaults = ClockConfig::default();
    let targets = read_targets(reader, &mut table, defaults.targets);
    let mut stops = defaults.stops;
    if let Some(named) = read_stops(reader, &mut table, "snooze_stops") {
        stops.snoozed = named;
    }
    if let Some(named) = read_stops(reader, &mut table, "waiting_stops") {
        stops.waiting = named;
    }
    let alert_outside_hours = table.yes_or_no(reader, "alert_outside_hours").unwrap_or(defaults.alert_outside_hours);
    table.finish(reader);
    ClockConfig { targets, stops, alert_outside_hours }
}

fn read_stops(reader: &mut Reader<'_>, table: &mut Table<'_>, key: &'static str) -> Option<Vec<Clock>> {
    let value = table.take(key)?;
    let words = reader.as_texts(key, value, "a list such as [\"resolution\"]")?;
    let mut clocks = Vec::new();
    for word in words {
        match Clock::named(word.value) {
            Some(clock) if clocks.contains(&clock) => {}
            Some(clock) => clocks.push(clock),
            None => {
                reader.problem(
                    Problem::new(word.span.clone(), format!("`{key}` names no clock: `{}`", word.value))
                        .remedy(suggest(word.value, &Clock::ALL.map(Clock::word), "clocks")),
                );
            }
        }
    }
    Some(clocks)
}

/// `first`, `next` and `resolution` of a column or of all. Where a table sets `first` alone it holds for the answers
/// after it as well.
pub(super) fn read_targets(reader: &mut Reader<'_>, table: &mut Table<'_>, defaults: Targets) -> Targets {
    let mut one = |reader: &mut Reader<'_>, key: &'static str| {
        let text = table.text(reader, key, "a duration in quotes such as \"1h\"")?;
        Some((read_duration(reader, key, &text, (SHORTEST_TARGET, LONGEST_TARGET)), text.span))
    };
    let first = one(reader, "first");
    let older = one(reader, "target");
    if let (Some(_), Some((_, span))) = (&first, &older) {
        reader.problem(
            Problem::new(span.clone(), "`target` is the older word for `first`, and both are there")
                .remedy("keep `first`"),
        );
    }
    let length = |read: Option<(Option<SignedDuration>, _)>| read.and_then(|(length, _)| length);
    let first = length(first.or(older));
    let next = length(one(reader, "next")).or(first);
    let resolution = length(one(reader, "resolution"));
    Targets {
        first: first.unwrap_or(defaults.first),
        next: next.unwrap_or(defaults.next),
        resolution: resolution.or(defaults.resolution),
    }
}

pub(super) fn read_queues(reader: &mut Reader<'_>, words: &[Text<'_>]) -> Vec<Queue> {
    let mut queues = Vec::new();
    for word in words {
        match Queue::named(word.value) {
            Some(queue) if queues.contains(&queue) => reader.problem(
                Problem::new(word.span.clone(), format!("the queue `{}` is there twice", word.value))
                    .remedy("keep one"),
            ),
            Some(queue) => queues.push(queue),
            None => {
                reader.problem(
                    Problem::new(word.span.clone(), format!("`queues` names no queue: `{}`", word.value))
                        .remedy(suggest(word.value, &Queue::ALL.map(Queue::word), "queues")),
                );
            }
        }
    }
    queues
}

/// `09:00-12:30`.
pub(super) fn write_span(span: OpenSpan) -> String {
    let time = |at: u16| format!("{:02}:{:02}", at / 60, at % 60);
    format!("{}-{}", time(span.from), time(span.to))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use jiff::civil::date;

    use super::holidays;

    #[test]
    fn a_holiday_file_with_an_error_keeps_the_others() {
        let text = "\u{feff}# 2026\n2026-12-25 Christmas\n\n2026-13-01  # no such month\n  2027-01-01\n25.12.2027\n";
        let (dates, mistakes) = holidays(text, Path::new("days.txt"));
        assert_eq!(dates.into_iter().collect::<Vec<_>>(), [date(2026, 12, 25), date(2027, 1, 1)]);
        assert_eq!(
            mistakes,
            ["days.txt: line 4: `2026-13-01` is not a date, line 6: `25.12.2027` is not a date; write dates as \
              2026-12-25. The others are kept: 2"]
        );
    }

    #[test]
    fn a_file_of_another_kind_is_told_in_a_line() {
        let (dates, mistakes) = holidays(&"BEGIN:VEVENT\u{1b}[31m\n".repeat(1_000), Path::new("cal.ics"));
        assert!(dates.is_empty());
        assert_eq!(mistakes.len(), 1);
        assert!(mistakes[0].contains("and 997 more") && !mistakes[0].contains('\u{1b}'), "{mistakes:?}");
    }
}
