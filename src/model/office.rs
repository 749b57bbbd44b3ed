//! When the team works: a calendar that measures working time. Pure; the time is an argument everywhere.
//!
//! The rule is one sentence: the office is open while the wall clock of its zone stands inside one of the day's
//! spans and the day is no holiday. So a night on which the clock is put forward is an hour shorter, and an hour that
//! comes twice is worked twice.

use std::collections::BTreeSet;

use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

const MINUTE: i128 = 60_000_000_000;
const DAY: i128 = 24 * 60 * MINUTE;
/// The first day of the count, 1970-01-01, was a Thursday: three days after a Monday.
const MONDAY_BEFORE: i128 = 3;

/// Minutes of a day on the wall clock, the end not included; `24 * 60` is the end of the day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct OpenSpan {
    pub from: u16,
    pub to: u16,
}

/// The team's working time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OfficeHours(Option<Week>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Week {
    zone: TimeZone,
    /// From Monday; each in order and without overlap.
    days: [Vec<OpenSpan>; 7],
    /// Days since 1970-01-01.
    holidays: BTreeSet<i128>,
}

impl Default for OfficeHours {
    fn default() -> Self {
        Self::always()
    }
}

impl OfficeHours {
    /// Day and night.
    pub fn always() -> Self {
        Self(None)
    }

    /// `hours` holds spans of the days on which there are any: several a day leave room for lunch, and one that ends
    /// before it begins goes on until that time of the next day. A day of `holidays` is closed from midnight to
    /// midnight in `zone`.
    pub fn new(
        zone: TimeZone,
        hours: impl IntoIterator<Item = (Weekday, OpenSpan)>,
        holidays: impl IntoIterator<Item = Date>,
    ) -> Self {
        let mut days: [Vec<OpenSpan>; 7] = Default::default();
        for (weekday, span) in hours {
            let day = usize::from(weekday.to_monday_zero_offset().unsigned_abs()) % 7;
            let midnight = 24 * 60;
            if span.from < span.to {
                days[day].push(OpenSpan { to: span.to.min(midnight), ..span });
            } else {
                days[day].push(OpenSpan { to: midnight, ..span });
                days[(day + 1) % 7].push(OpenSpan { from: 0, ..span });
            }
        }
        for spans in &mut days {
            spans.retain(|span| span.from < span.to);
            spans.sort_unstable();
            let mut merged: Vec<OpenSpan> = Vec::with_capacity(spans.len());
            for span in spans.drain(..) {
                match merged.last_mut().filter(|last| span.from <= last.to) {
                    Some(last) => last.to = last.to.max(span.to),
                    None => merged.push(span),
                }
            }
            *spans = merged;
        }
        let holidays = holidays.into_iter().map(day_number).collect();
        Self(Some(Week { zone, days, holidays }))
    }

    /// Whether every moment is working time.
    pub fn is_always(&self) -> bool {
        self.0.is_none()
    }

    pub fn is_open(&self, at: Timestamp) -> bool {
        let Some(week) = &self.0 else { return true };
        let local = at.as_nanosecond() + offset(week.zone.to_offset(at));
        let (day, within) = (local.div_euclid(DAY), local.rem_euclid(DAY));
        !week.holidays.contains(&day)
            && week
                .spans(day)
                .iter()
                .any(|span| (i128::from(span.from) * MINUTE..i128::from(span.to) * MINUTE).contains(&within))
    }

    /// Working time between two moments; none where `to` is not after `from`.
    pub fn worked(&self, from: Timestamp, to: Timestamp) -> SignedDuration {
        if to <= from {
            return SignedDuration::ZERO;
        }
        let Some(week) = &self.0 else { return to.duration_since(from) };
        let mut worked = 0;
        for stretch in week.stretches(from) {
            worked += week.open_between(stretch.local(from), stretch.local(to));
            if stretch.end.is_none_or(|end| end >= to) {
                break;
            }
        }
        duration(worked)
    }

    /// The moment at which `target` of working time since `since` is used up: the first one with
    /// `worked(since, moment) == target`. `since` itself for a target of nothing, the end of time where it never is.
    pub fn after(&self, since: Timestamp, target: SignedDuration) -> Timestamp {
        if target <= SignedDuration::ZERO {
            return since;
        }
        let Some(week) = &self.0 else { return since.checked_add(target).unwrap_or(Timestamp::MAX) };
        let mut left = target.as_nanos();
        if week.of_a_week() == 0 {
            return Timestamp::MAX;
        }
        for stretch in week.stretches(since) {
            let from = stretch.local(since);
            let to = stretch.end.map_or_else(|| stretch.local(Timestamp::MAX), |end| stretch.local(end));
            let open = week.open_between(from, to);
            if open >= left {
                let local = week.used_up(from, to, left);
                return Timestamp::from_nanosecond(local - stretch.offset).unwrap_or(Timestamp::MAX);
            }
            left -= open;
        }
        Timestamp::MAX
    }

    /// `at` itself while it is open, else the next opening.
    pub fn opens(&self, at: Timestamp) -> Timestamp {
        if self.is_open(at) {
            return at;
        }
        let nanosecond = SignedDuration::from_nanos(1);
        let first = self.after(at, nanosecond);
        if first == Timestamp::MAX { first } else { first.checked_sub(nanosecond).unwrap_or(first) }
    }
}

fn offset(offset: jiff::tz::Offset) -> i128 {
    i128::from(offset.seconds()) * 1_000_000_000
}

fn day_number(date: Date) -> i128 {
    let first = Date::constant(1970, 1, 1);
    i128::from(first.duration_until(date).as_hours() / 24)
}

fn duration(nanoseconds: i128) -> SignedDuration {
    let second = 1_000_000_000;
    let seconds = i64::try_from(nanoseconds / second).unwrap_or(i64::MAX);
    SignedDuration::new(seconds, i32::try_from(nanoseconds % second).unwrap_or(0))
}

/// A time in which the wall clock is neither put forward nor back.
struct Stretch {
    start: Option<Timestamp>,
    /// Not included.
    end: Option<Timestamp>,
    /// Wall clock less UTC, in nanoseconds.
    offset: i128,
}

impl Stretch {
    /// The wall clock at a moment, in nanoseconds since 1970-01-01 00:00 of it; at the nearest end of the stretch for
    /// a moment outside.
    fn local(&self, at: Timestamp) -> i128 {
        let at = self.start.map_or(at, |start| at.max(start));
        let at = self.end.map_or(at, |end| at.min(end));
        at.as_nanosecond() + self.offset
    }
}

impl Week {
    /// The stretches from the one around `from` on.
    fn stretches(&self, from: Timestamp) -> impl Iterator<Item = Stretch> + '_ {
        let mut changes = self.zone.following(from);
        let mut next = Some((None, self.zone.to_offset(from)));
        std::iter::from_fn(move || {
            let (start, is) = next.take()?;
            let change = changes.next();
            next = change.as_ref().map(|change| (Some(change.timestamp()), change.offset()));
            Some(Stretch { start, end: change.map(|change| change.timestamp()), offset: offset(is) })
        })
    }

    fn spans(&self, day: i128) -> &[OpenSpan] {
        let weekday = usize::try_from((day + MONDAY_BEFORE).rem_euclid(7)).unwrap_or(0);
        &self.days[weekday]
    }

    /// Open time of a day's first `within` nanoseconds, holidays left aside.
    fn of_a_day(&self, day: i128, within: i128) -> i128 {
        let spans = self.spans(day).iter().map(|span| (i128::from(span.from) * MINUTE, i128::from(span.to) * MINUTE));
        spans.map(|(from, to)| (to.min(within) - from).max(0)).sum()
    }

    fn of_a_week(&self) -> i128 {
        (0..7).map(|day| self.of_a_day(day, DAY)).sum()
    }

    /// Open time from 1970-01-01 00:00 of the wall clock on, holidays left aside; less than nothing before.
    fn up_to(&self, local: i128) -> i128 {
        let (day, within) = (local.div_euclid(DAY), local.rem_euclid(DAY));
        let (weeks, rest) = (day.div_euclid(7), day.rem_euclid(7));
        let days: i128 = (0..rest).map(|day| self.of_a_day(day, DAY)).sum();
        weeks * self.of_a_week() + days + self.of_a_day(day, within)
    }

    /// Open time between two readings of the wall clock, which runs on evenly between them.
    fn open_between(&self, from: i128, to: i128) -> i128 {
        if to <= from {
            return 0;
        }
        let (first, last) = (from.div_euclid(DAY), to.div_euclid(DAY));
        let lost: i128 = self
            .holidays
            .range(first..=last)
            .map(|day| {
                let start = day * DAY;
                self.of_a_day(*day, (to - start).min(DAY)) - self.of_a_day(*day, (from - start).clamp(0, DAY))
            })
            .sum();
        self.up_to(to) - self.up_to(from) - lost
    }

    /// The first reading of the wall clock by which `open` is used up, looked for by halves.
    fn used_up(&self, from: i128, to: i128, open: i128) -> i128 {
        // Open time is never more than time.
        let (mut early, mut late) = (from + open - 1, to);
        while late - early > 1 {
            let middle = early + (late - early) / 2;
            if self.open_between(from, middle) >= open {
                late = middle;
            } else {
                early = middle;
            }
        }
        late
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::{Weekday, date};
    use jiff::tz::TimeZone;
    use jiff::{SignedDuration, Timestamp};
    use proptest::prelude::*;

    use super::{OfficeHours, OpenSpan};

    const WEEK: [Weekday; 7] = [
        Weekday::Monday,
        Weekday::Tuesday,
        Weekday::Wednesday,
        Weekday::Thursday,
        Weekday::Friday,
        Weekday::Saturday,
        Weekday::Sunday,
    ];

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    fn minutes(worked: SignedDuration) -> i64 {
        assert_eq!(worked.as_secs() % 60, 0);
        worked.as_mins()
    }

    fn span(from: (u16, u16), to: (u16, u16)) -> OpenSpan {
        OpenSpan { from: from.0 * 60 + from.1, to: to.0 * 60 + to.1 }
    }

    fn rome() -> TimeZone {
        TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").expect("a zone")
    }

    /// Monday to Friday from nine to half past five, with lunch from half past twelve to half past one.
    fn office(zone: TimeZone) -> OfficeHours {
        let spans = [span((9, 0), (12, 30)), span((13, 30), (17, 30))];
        let hours = WEEK[..5].iter().flat_map(|day| spans.map(|span| (*day, span)));
        OfficeHours::new(zone, hours, [date(2026, 12, 25), date(2027, 1, 1)])
    }

    #[test]
    fn lunch_and_nights_and_weekends_are_not_worked() {
        let office = office(TimeZone::UTC);
        for (from, to, worked) in [
            ("2026-11-20T09:00:00Z", "2026-11-20T17:30:00Z", 450),
            ("2026-11-20T12:00:00Z", "2026-11-20T14:00:00Z", 60),
            ("2026-11-20T12:30:00Z", "2026-11-20T13:30:00Z", 0),
            ("2026-11-20T12:45:00Z", "2026-11-20T13:00:00Z", 0),
            ("2026-11-20T17:00:00Z", "2026-11-23T09:30:00Z", 60),
            ("2026-11-21T00:00:00Z", "2026-11-23T00:00:00Z", 0),
            ("2026-11-16T00:00:00Z", "2026-11-23T00:00:00Z", 5 * 450),
            ("2026-11-20T10:00:00Z", "2026-11-20T09:00:00Z", 0),
        ] {
            assert_eq!(minutes(office.worked(at(from), at(to))), worked, "{from} to {to}");
        }
        assert!(office.is_open(at("2026-11-20T12:29:59Z")));
        assert!(!office.is_open(at("2026-11-20T12:30:00Z")));
        assert!(office.is_open(at("2026-11-20T13:30:00Z")));
        assert!(!office.is_open(at("2026-11-22T10:00:00Z")));
    }

    #[test]
    fn a_target_is_used_up_at_the_office_not_at_night() {
        let office = office(TimeZone::UTC);
        let hour = SignedDuration::from_hours(1);
        for (since, due) in [
            ("2026-11-20T09:15:00Z", "2026-11-20T10:15:00Z"),
            ("2026-11-20T12:00:00Z", "2026-11-20T14:00:00Z"),
            ("2026-11-20T11:30:00Z", "2026-11-20T12:30:00Z"),
            ("2026-11-20T17:00:00Z", "2026-11-23T09:30:00Z"),
            ("2026-11-21T03:00:00Z", "2026-11-23T10:00:00Z"),
            // The 24th is a Thursday; Christmas and the weekend follow.
            ("2026-12-24T17:00:00Z", "2026-12-28T09:30:00Z"),
        ] {
            assert_eq!(office.after(at(since), hour), at(due), "{since}");
        }
        assert_eq!(office.opens(at("2026-11-20T12:45:00Z")), at("2026-11-20T13:30:00Z"));
        assert_eq!(office.opens(at("2026-11-20T10:45:00Z")), at("2026-11-20T10:45:00Z"));
        assert_eq!(office.opens(at("2026-12-24T17:30:00Z")), at("2026-12-28T09:00:00Z"));
    }

    #[test]
    fn a_calendar_open_day_and_night_loses_no_minute_at_midnight() {
        let whole_days = WEEK.map(|day| (day, span((0, 0), (24, 0))));
        for zone in [TimeZone::UTC, rome(), TimeZone::fixed(jiff::tz::offset(-9))] {
            let all = OfficeHours::new(zone, whole_days, []);
            // The change to summer time and the one back among them.
            let (mut since, end) = (at("2026-03-01T00:00:00Z"), at("2026-11-20T00:00:00Z"));
            assert_eq!(all.worked(since, end), end.duration_since(since));
            while since < at("2026-03-03T00:00:00Z") {
                let later = since + SignedDuration::from_secs(61);
                assert_eq!(all.worked(since, later), SignedDuration::from_secs(61), "{since}");
                assert_eq!(all.after(since, SignedDuration::from_secs(61)), later, "{since}");
                assert!(all.is_open(since));
                since = later;
            }
        }
        let always = OfficeHours::always();
        assert_eq!(always.worked(Timestamp::MIN, Timestamp::MAX), Timestamp::MAX.duration_since(Timestamp::MIN));
    }

    #[test]
    fn the_clock_put_forward_and_back_is_counted_right() {
        // In Rome 02:00 becomes 03:00 on 2026-03-29, and 03:00 becomes 02:00 on 2026-10-25; both are Sundays.
        let night = OfficeHours::new(rome(), [(Weekday::Sunday, span((1, 0), (4, 30)))], []);
        let in_rome = |text: &str| at(text);
        let spring = (in_rome("2026-03-28T23:00:00Z"), in_rome("2026-03-29T22:00:00Z"));
        let autumn = (in_rome("2026-10-24T22:00:00Z"), in_rome("2026-10-25T23:00:00Z"));
        let summer = (in_rome("2026-07-04T22:00:00Z"), in_rome("2026-07-05T22:00:00Z"));
        assert_eq!(minutes(night.worked(spring.0, spring.1)), 150, "an hour is missing");
        assert_eq!(minutes(night.worked(autumn.0, autumn.1)), 270, "an hour comes twice");
        assert_eq!(minutes(night.worked(summer.0, summer.1)), 210);
        // 01:00 and two hours: 04:00 on the day that lacks 02:00, 02:00 of the second time round in autumn.
        let two = SignedDuration::from_hours(2);
        assert_eq!(night.after(spring.0, two), at("2026-03-29T02:00:00Z"));
        assert_eq!(night.after(autumn.0, two), at("2026-10-25T01:00:00Z"));
        // A span that begins in the hour that is missing, and one that lies in it.
        let missing = OfficeHours::new(rome(), [(Weekday::Sunday, span((2, 30), (3, 30)))], []);
        assert_eq!(minutes(missing.worked(spring.0, spring.1)), 30);
        assert_eq!(minutes(missing.worked(autumn.0, autumn.1)), 90, "02:30 to 03:00 comes twice");
        let gone = OfficeHours::new(rome(), [(Weekday::Sunday, span((2, 0), (3, 0)))], []);
        assert_eq!(minutes(gone.worked(spring.0, spring.1)), 0);
        assert_eq!(minutes(gone.worked(autumn.0, autumn.1)), 120);
        // Office hours of the day after are where the wall clock says.
        let office = office(rome());
        assert_eq!(office.opens(spring.0), at("2026-03-30T07:00:00Z"));
        assert_eq!(office.opens(autumn.0), at("2026-10-26T08:00:00Z"));
    }

    #[test]
    fn a_night_shift_goes_on_past_midnight() {
        let nights = OfficeHours::new(TimeZone::UTC, [(Weekday::Sunday, span((22, 0), (6, 0)))], []);
        assert_eq!(minutes(nights.worked(at("2026-11-22T12:00:00Z"), at("2026-11-23T12:00:00Z"))), 480);
        assert!(nights.is_open(at("2026-11-23T00:00:00Z")));
        assert!(!nights.is_open(at("2026-11-22T05:00:00Z")), "the night before was a Saturday's");
        let due = nights.after(at("2026-11-22T23:30:00Z"), SignedDuration::from_hours(1));
        assert_eq!(due, at("2026-11-23T00:30:00Z"));
    }

    #[test]
    fn spans_that_overlap_are_worked_once() {
        let spans = [span((9, 0), (12, 0)), span((11, 0), (13, 0)), span((13, 0), (14, 0))];
        let office = OfficeHours::new(TimeZone::UTC, spans.map(|span| (Weekday::Friday, span)), []);
        assert_eq!(minutes(office.worked(at("2026-11-20T00:00:00Z"), at("2026-11-21T00:00:00Z"))), 300);
    }

    #[test]
    fn an_office_that_never_opens_lets_nothing_become_due() {
        let never = OfficeHours::new(rome(), [], []);
        assert_eq!(never.after(at("2026-11-20T00:00:00Z"), SignedDuration::from_secs(1)), Timestamp::MAX);
        assert_eq!(never.opens(at("2026-11-20T00:00:00Z")), Timestamp::MAX);
        assert!(!never.is_open(at("2026-11-20T12:00:00Z")));
        assert_eq!(never.worked(Timestamp::MIN, Timestamp::MAX), SignedDuration::ZERO);
    }

    #[test]
    fn the_ends_of_time_and_whole_centuries_are_no_trouble() {
        let office = office(rome());
        assert_eq!(office.after(Timestamp::MAX, SignedDuration::from_hours(1)), Timestamp::MAX);
        assert_eq!(office.after(at("2026-11-20T00:00:00Z"), SignedDuration::MAX), Timestamp::MAX);
        assert!(office.worked(Timestamp::MIN, Timestamp::MAX) > SignedDuration::from_hours(8_000 * 52 * 37));
        assert!(!office.is_open(at("9999-12-26T12:00:00Z")), "a Sunday");
        // Sixty years of weeks by one reckoning and week by week.
        let (from, mut until) = (at("2026-01-05T00:00:00Z"), at("2026-01-05T00:00:00Z"));
        let utc = super::OfficeHours::new(TimeZone::UTC, [(Weekday::Tuesday, span((8, 0), (10, 0)))], []);
        for weeks in 1..=60 * 52 {
            until += SignedDuration::from_hours(7 * 24);
            assert_eq!(minutes(utc.worked(from, until)), weeks * 120);
        }
    }

    /// What the module's one sentence says, second by second.
    fn counted(office: &OfficeHours, from: Timestamp, to: Timestamp) -> i64 {
        let mut seconds = 0;
        let mut at = from;
        while at < to {
            seconds += i64::from(office.is_open(at));
            at += SignedDuration::from_secs(1);
        }
        seconds
    }

    fn some_office() -> impl Strategy<Value = OfficeHours> {
        let zones = prop_oneof![
            Just(TimeZone::UTC),
            Just(rome()),
            Just(TimeZone::posix("EST5EDT,M3.2.0,M11.1.0").expect("a zone")),
            Just(TimeZone::posix("<+1030>-10:30<+11>-11,M10.1.0,M4.1.0").expect("a zone")),
        ];
        let spans = proptest::collection::vec((0_usize..7, 0_u16..1_440, 0_u16..=1_440), 1..12);
        let holidays = proptest::collection::vec((1_i8..=12, 1_i8..=28), 0..8);
        (zones, spans, holidays).prop_map(|(zone, spans, holidays)| {
            let spans = spans.into_iter().map(|(day, from, to)| (WEEK[day], OpenSpan { from, to }));
            OfficeHours::new(zone, spans, holidays.into_iter().map(|(month, day)| date(2026, month, day)))
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

        #[test]
        fn worked_is_what_counting_the_seconds_gives(
            office in some_office(),
            // Around both changes of the clock in the zones above, among others.
            day in prop_oneof![Just(86), Just(66), Just(297), Just(304), Just(93), Just(276), 0_i64..365],
            second in 0_i64..86_400,
            length in 0_i64..200_000,
        ) {
            let from = at("2026-01-01T00:00:00Z") + SignedDuration::from_secs(day * 86_400 + second);
            let to = from + SignedDuration::from_secs(length);
            prop_assert_eq!(office.worked(from, to).as_secs(), counted(&office, from, to));
        }

        #[test]
        fn after_takes_back_what_worked_says(
            office in some_office(),
            start in 0_i64..40_000_000,
            nanos in 0_i64..1_000_000_000,
            target in 1_i64..40_000_000,
        ) {
            let since = at("2025-11-01T00:00:00Z") + SignedDuration::from_secs(start) + SignedDuration::from_nanos(nanos);
            let target = SignedDuration::from_secs(target);
            let due = office.after(since, target);
            if due == Timestamp::MAX {
                // A minute a week for thousands of years.
                prop_assert!(office.worked(since, due) <= target);
                return Ok(());
            }
            prop_assert_eq!(office.worked(since, due), target);
            // And it is the first such moment.
            let before = due - SignedDuration::from_nanos(1);
            prop_assert!(office.worked(since, before) < target);
            prop_assert!(office.is_open(before));
        }

        #[test]
        fn parts_add_up(office in some_office(), a in 0_i64..90_000_000, b in 0_i64..90_000_000, c in 0_i64..90_000_000) {
            let mut times = [a, b, c].map(|second| at("2025-01-01T00:00:00Z") + SignedDuration::from_secs(second));
            times.sort_unstable();
            let parts = office.worked(times[0], times[1]) + office.worked(times[1], times[2]);
            prop_assert_eq!(parts, office.worked(times[0], times[2]));
        }
    }
}
