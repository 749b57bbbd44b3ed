//! From the cases of a span to its figures.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::case::{End, Known, Wait};
use super::{
    CauseFigures, ColumnFigures, EXAMPLES, Example, Figures, HourFigures, Reckoning, RepFigures, Report, Spread,
    Standing, Terms, VERSION, percent,
};
use crate::model::{ColumnName, PostId, RepName, sla};

/// A case of the span and what follows from the terms for it.
struct Counted<'a> {
    case: &'a Known,
    post: &'a PostId,
    began: Timestamp,
    /// To the first answer.
    first: Option<u64>,
    /// That answer was overdue, or is.
    is_first_overdue: bool,
    /// Any answer was.
    was_overdue: bool,
    is_overdue_now: bool,
    resolution: Option<u64>,
}

pub(super) fn report(reckoning: &Reckoning, terms: &Terms) -> Report {
    let cases = reckoning.order.iter().filter_map(|id| reckoning.cases.get(id));
    let cases: Vec<Counted<'_>> = cases.filter_map(|case| counted(case, terms)).collect();
    let mut total = Gathered::default();
    let mut columns: BTreeMap<ColumnName, Gathered> = BTreeMap::new();
    for column in terms.targets.keys() {
        columns.entry(column.clone()).or_default();
    }
    let mut now = Standing::default();
    let mut hours: [Gathered; 24] = std::array::from_fn(|_| Gathered::default());
    for case in &cases {
        total.add(case);
        now.new += u64::from(case.case.is_new());
        now.overdue += u64::from(case.is_overdue_now);
        for column in &case.case.columns {
            columns.entry(column.clone()).or_default().add(case);
        }
        let hour = case.began.to_zoned(terms.zone.clone()).hour();
        if let Some(of_hour) = usize::try_from(hour).ok().and_then(|hour| hours.get_mut(hour)) {
            of_hour.add(case);
        }
    }
    let columns = columns.into_iter().map(|(column, cases)| ColumnFigures { column, figures: cases.figures() });
    let hours = (0u8..).zip(hours).map(|(hour, cases)| HourFigures { hour, figures: cases.figures() });
    let reps = reps(&cases).into_iter().filter(|row| terms.eyes.may_see(row.rep.as_ref()));
    Report {
        version: VERSION,
        since: terms.since,
        until: terms.until,
        at: terms.now,
        zone: terms.zone.iana_name().unwrap_or("a fixed offset").to_owned(),
        clock: terms.clock(),
        events: reckoning.events,
        total: total.figures(),
        now,
        columns: columns.collect(),
        hours: hours.collect(),
        reps: reps.collect(),
        all_reps: terms.eyes == super::Eyes::All,
        causes: causes(&cases, terms),
    }
}

/// `None` where the case is not of the span.
fn counted<'a>(case: &'a Known, terms: &Terms) -> Option<Counted<'a>> {
    let (began, post) = case.began.as_ref()?;
    if !terms.holds(*began) {
        return None;
    }
    let first = case.first_answer();
    let end = case.ends.last().filter(|_| case.is_resolved);
    // By the wall clock: whoever waits does not know our office hours.
    let waited_until = first.map(|first| first.at).or(end.map(|end| end.at)).unwrap_or(terms.now);
    let targets = terms.targets_of(&case.columns);
    let is_overdue = |wait: Wait| wait.until >= sla::overdue_at(wait.since, targets.awaited(wait.has_answer));
    let is_first_overdue = is_overdue(Wait { since: *began, until: waited_until, has_answer: false });
    let waits = case.waits.iter().copied().chain(case.wait_until(terms.now));
    let was_overdue = is_first_overdue || waits.into_iter().any(is_overdue);
    Some(Counted {
        case,
        post,
        began: *began,
        first: first.map(|first| millis(terms.waited(*began, first.at))),
        is_first_overdue,
        was_overdue,
        is_overdue_now: case.wait_until(terms.now).is_some_and(is_overdue) && !case.sleeps(terms.now),
        resolution: end.map(|end| millis(terms.waited(*began, end.at))),
    })
}

fn millis(waited: SignedDuration) -> u64 {
    u64::try_from(waited.as_millis()).unwrap_or(0)
}

/// Counts under way.
#[derive(Default)]
struct Gathered {
    figures: Figures,
    first: Vec<u64>,
    resolution: Vec<u64>,
}

impl Gathered {
    fn add(&mut self, counted: &Counted<'_>) {
        let figures = &mut self.figures;
        figures.seen += 1;
        figures.posts += counted.case.posts;
        figures.answered += u64::from(counted.first.is_some());
        figures.overdue += u64::from(counted.was_overdue);
        figures.resolved += u64::from(counted.case.is_resolved);
        figures.at_once += u64::from(counted.case.was_handled_at_once());
        figures.reopened += u64::from(counted.case.was_reopened());
        figures.turned_round += u64::from(counted.case.turned_round.is_some());
        self.first.extend(counted.first);
        self.resolution.extend(counted.resolution);
    }

    fn figures(mut self) -> Figures {
        self.figures.answered_percent = percent(self.figures.answered, self.figures.seen);
        self.figures.first = spread(self.first);
        self.figures.resolution = spread(self.resolution);
        self.figures
    }
}

/// By nearest rank: of ten times the median is the fifth and p90 the ninth.
fn spread(mut times: Vec<u64>) -> Option<Spread> {
    times.sort_unstable();
    let rank = |tenths: usize| times.get((times.len() * tenths).div_ceil(10).checked_sub(1)?).copied();
    Some(Spread { median_ms: rank(5)?, p90_ms: rank(9)? })
}

/// Who did most first; what was done elsewhere last.
fn reps(cases: &[Counted<'_>]) -> Vec<RepFigures> {
    let mut rows: BTreeMap<Option<RepName>, (RepFigures, Vec<u64>)> = BTreeMap::new();
    for counted in cases {
        let case = counted.case;
        let mut of = |rep: Option<&RepName>, change: &mut dyn FnMut(&mut RepFigures, &mut Vec<u64>)| {
            let (row, times) = rows.entry(rep.cloned()).or_default();
            change(row, times);
        };
        for rep in &case.holders {
            of(Some(rep), &mut |row, _| row.claimed += 1);
        }
        for answer in &case.answers {
            of(answer.rep.as_ref(), &mut |row, _| row.replies += 1);
        }
        if let (Some(answer), Some(first)) = (case.first_answer(), counted.first) {
            of(answer.rep.as_ref(), &mut |row, times| {
                row.answered += 1;
                row.overdue += u64::from(counted.is_first_overdue);
                times.push(first);
            });
        }
        for (rep, ends) in by(&case.ends, |end| &end.rep) {
            of(Some(rep), &mut |row, _| {
                row.resolved += 1;
                row.at_once += u64::from(case.was_handled_at_once());
                row.reopened += u64::from(ends.iter().any(|end| end.reopened));
            });
        }
        if let (Some(_), Some(answer)) = (&case.turned_round, case.last_answer()) {
            of(answer.rep.as_ref(), &mut |row, _| row.turned_round += 1);
        }
    }
    let rows = rows.into_iter().map(|(rep, (row, times))| RepFigures { rep, first: spread(times), ..row });
    let mut rows: Vec<_> = rows.collect();
    rows.sort_by_key(|row| (row.rep.is_none(), Reverse(row.answered), row.rep.clone()));
    rows
}

/// The worst first.
fn causes(cases: &[Counted<'_>], terms: &Terms) -> Vec<CauseFigures> {
    let mut rows: BTreeMap<Option<String>, Vec<(u64, bool, &Counted<'_>)>> = BTreeMap::new();
    for counted in cases {
        for (cause, ends) in by(&counted.case.ends, |end| &end.cause) {
            let Some(last) = ends.last() else { continue };
            let minutes = millis(terms.waited(counted.began, last.at)) / 60_000;
            let reopened = ends.iter().any(|end| end.reopened);
            rows.entry(cause.clone()).or_default().push((minutes, reopened, counted));
        }
    }
    let row = |(cause, mut of_cause): (Option<String>, Vec<(u64, bool, &Counted<'_>)>)| {
        of_cause.sort_by_key(|(minutes, _, counted)| (Reverse(*minutes), counted.began, counted.case.id));
        let cases = of_cause.len() as u64;
        let reopened = of_cause.iter().filter(|(_, reopened, _)| *reopened).count() as u64;
        let examples = of_cause.iter().take(EXAMPLES).map(|(minutes, _, counted)| Example {
            case: counted.case.id,
            post: counted.post.clone(),
            minutes: *minutes,
            page: None,
            words: None,
        });
        CauseFigures {
            cases,
            minutes: of_cause.iter().map(|(minutes, ..)| minutes).sum(),
            reopened,
            reopened_percent: percent(reopened, cases),
            examples: examples.collect(),
            cause,
        }
    };
    let mut rows: Vec<_> = rows.into_iter().map(row).collect();
    rows.sort_by_key(|row| (Reverse((row.cases, row.minutes, row.reopened)), row.cause.clone()));
    rows
}

/// The resolves of a case by what they have in common, each group in their order.
fn by<'a, K: Ord>(ends: &'a [End], key: impl Fn(&'a End) -> &'a K) -> BTreeMap<&'a K, Vec<&'a End>> {
    let mut groups: BTreeMap<&K, Vec<&End>> = BTreeMap::new();
    for end in ends {
        groups.entry(key(end)).or_default().push(end);
    }
    groups
}
