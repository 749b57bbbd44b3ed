//! The clocks of a case, each of their known faults by name. The office works in UTC from Monday to Friday, nine to
//! half past five, with lunch from half past twelve to half past one. The story's day is a Saturday.

use jiff::civil::{Weekday, date};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use replydeck::desk::{Reading, Terms};
use replydeck::model::case::THEY_WRITE;
use replydeck::model::sla::{Clock, Stops, Targets, Used};
use replydeck::model::{CaseId, Event, OfficeHours, OpenSpan, Purpose};

use super::script::{Script, at, case_id, said};

const ALWAYS: fn() -> OfficeHours = OfficeHours::always;

fn office() -> OfficeHours {
    let spans = [OpenSpan { from: 9 * 60, to: 12 * 60 + 30 }, OpenSpan { from: 13 * 60 + 30, to: 17 * 60 + 30 }];
    let days = [Weekday::Monday, Weekday::Tuesday, Weekday::Wednesday, Weekday::Thursday, Weekday::Friday];
    OfficeHours::new(
        TimeZone::UTC,
        days.into_iter().flat_map(|day| spans.map(|span| (day, span))),
        [date(2026, 11, 25)],
    )
}

fn hours(hours: i64) -> SignedDuration {
    SignedDuration::from_hours(hours)
}

fn targets() -> Targets {
    Targets { first: hours(1), next: hours(4), resolution: Some(hours(48)) }
}

/// The clocks of one case.
struct Clocks {
    first: Option<Reading>,
    answer: Option<Reading>,
    resolution: Reading,
}

fn read(s: &Script, case: CaseId, hours: &OfficeHours, stops: &Stops, now: Timestamp) -> Clocks {
    let terms = Terms { hours, targets: targets(), stops };
    let case = &s.desk.cases[&case];
    Clocks {
        first: case.first_response(&terms, now),
        answer: case.answer_clock(&terms, now),
        resolution: case.resolution_clock(&terms, now).expect("it has a target"),
    }
}

fn nothing_stops() -> Stops {
    Stops { snoozed: vec![], waiting: vec![] }
}

fn jo() -> CaseId {
    case_id("jo", "p1")
}

fn clocks(s: &Script, now: &str) -> Clocks {
    read(s, jo(), &ALWAYS(), &nothing_stops(), at(now))
}

#[test]
fn the_clock_starts_at_the_posts_own_time_and_turns_at_its_marks() {
    let mut s = Script::new();
    s.clock("14:20").post_late(&said("p1", "jo", "14:00"));
    for (now, step) in [
        ("14:29:59", Used::Little),
        ("14:30", Used::Half),
        ("14:47:59", Used::Half),
        ("14:48", Used::Most),
        ("14:59:59", Used::Most),
        ("15:00", Used::All),
        ("+1d 13:59:59", Used::All),
        ("+1d 14:00", Used::Overdue),
    ] {
        let answer = clocks(&s, now).answer.expect("it waits");
        assert_eq!((answer.step, answer.clock, answer.due), (step, Clock::First, Some(at("15:00"))), "{now}");
        assert_eq!(answer.is_late(), step >= Used::All, "{now}");
    }
}

#[test]
fn the_clock_stops_at_resolve_and_a_goodbye_does_not_restart_it() {
    let mut s = Script::new();
    s.post(&said("p1", "jo", "14:00")).deed("14:30", "ana", jo(), "close");
    s.post(&said("p2", "jo", "14:40").within("p1").thanking());
    let read = clocks(&s, "+3d 14:00");
    assert_eq!((read.answer, read.first), (None, None), "nobody waits");
    assert_eq!((read.resolution.used, read.resolution.stopped), (SignedDuration::from_mins(30), Some(at("14:30"))));
    assert!(!read.resolution.is_late());
}

#[test]
fn a_late_first_answer_stays_late() {
    let mut s = Script::new();
    s.post(&said("p1", "jo", "14:00"));
    s.answer("15:10", "ana", 1, jo(), "p1", Purpose::Acknowledgement);
    for now in ["15:11", "+2d 09:00"] {
        let first = clocks(&s, now).first.expect("answered");
        assert_eq!((first.used, first.is_late()), (SignedDuration::from_mins(70), true), "{now}");
        assert_eq!(first.stopped, Some(at("15:10")));
    }
    // A second answer, and one that was in time elsewhere.
    s.answer("15:20", "bo", 2, jo(), "p1", Purpose::Acknowledgement);
    assert!(clocks(&s, "16:00").first.expect("answered").is_late());
    s.post(&said("q1", "mk", "15:30")).answer("16:29", "ana", 3, case_id("mk", "q1"), "q1", Purpose::Acknowledgement);
    let other = read(&s, case_id("mk", "q1"), &ALWAYS(), &nothing_stops(), at("+9d 09:00"));
    assert!(!other.first.expect("answered").is_late());
}

#[test]
fn a_reps_answer_is_no_escalation() {
    let mut s = Script::new();
    s.post(&said("p1", "jo", "14:00")).post(&said("o1", "us", "14:10").within("p1").by_us_to("p1", "jo"));
    s.post(&said("o2", "us", "14:20").within("p1").by_us_to("p1", "jo"));
    s.answer("14:30", "ana", 1, jo(), "p1", Purpose::Acknowledgement);
    let read = clocks(&s, "+3d 14:00");
    assert_eq!(read.answer, None, "our own posts start no clock");
    assert_eq!(read.first.expect("answered").used, SignedDuration::from_mins(10));
}

#[test]
fn the_next_answer_runs_from_the_follow_up_with_its_own_target() {
    let mut s = Script::new();
    s.post(&said("p1", "jo", "14:00")).answer("14:10", "ana", 1, jo(), "p1", Purpose::Acknowledgement);
    s.post(&said("p2", "jo", "16:00").within("p1")).post(&said("p3", "jo", "17:00").within("p1"));
    let answer = clocks(&s, "18:00").answer.expect("it waits");
    assert_eq!((answer.clock, answer.since, answer.due), (Clock::Next, at("16:00"), Some(at("20:00"))));
    assert_eq!((answer.step, answer.left()), (Used::Half, hours(2)));
}

#[test]
fn lunch_nights_and_holidays_are_not_counted() {
    let mut s = Script::new();
    // A Monday at noon: half an hour before lunch and half an hour after it.
    s.post(&said("p1", "jo", "+2d 12:00"));
    let read = |s: &Script, now: &str| read(s, jo(), &office(), &nothing_stops(), at(now));
    let answer = read(&s, "+2d 13:00").answer.expect("it waits");
    assert_eq!(
        (answer.due, answer.used, answer.step),
        (Some(at("+2d 14:00")), SignedDuration::from_mins(30), Used::Half)
    );
    // Tuesday at five: half an hour that day; Wednesday is a holiday.
    let mut s = Script::new();
    s.post(&said("p1", "jo", "+3d 17:00"));
    let answer = read(&s, "+4d 12:00").answer.expect("it waits");
    assert_eq!((answer.due, answer.used), (Some(at("+5d 09:30")), SignedDuration::from_mins(30)));
}

#[test]
fn a_day_without_an_answer_is_overdue_by_the_wall_clock_in_any_office() {
    let mut s = Script::new();
    s.post(&said("p1", "jo", "14:00"));
    let terms_hours = office();
    let read = |now: &str| read(&s, jo(), &terms_hours, &nothing_stops(), at(now)).answer.expect("it waits");
    assert_eq!(read("+1d 13:59:59").step, Used::Little, "the office is closed until Monday");
    assert_eq!(read("+1d 14:00").step, Used::Overdue);
    assert_eq!(read("+1d 14:00").due, Some(at("+2d 10:00")));
}

#[test]
fn a_post_dated_in_the_future_has_used_up_nothing() {
    let mut s = Script::new();
    s.clock("14:00").post_late(&said("p1", "jo", "16:00"));
    let answer = clocks(&s, "14:05").answer.expect("it waits");
    assert_eq!((answer.used, answer.step, answer.due), (SignedDuration::ZERO, Used::Little, Some(at("17:00"))));
    // Answered before it was written, as the clocks have it.
    s.answer("14:10", "ana", 1, jo(), "p1", Purpose::Acknowledgement);
    let read = clocks(&s, "18:00");
    assert_eq!((read.answer, read.first.expect("answered").used), (None, SignedDuration::ZERO));
}

#[test]
fn a_snooze_stops_only_the_clocks_the_setup_says() {
    let mut s = Script::new();
    s.post(&said("p1", "jo", "14:00")).clock("14:20");
    s.tell("ana", Event::CaseSnoozed { case: jo(), until: at("16:20") }, None);
    let stops = |snoozed: &[Clock]| Stops { snoozed: snoozed.to_vec(), waiting: vec![] };
    let due = |s: &Script, stops: &Stops| read(s, jo(), &ALWAYS(), stops, at("15:00")).answer.expect("it waits");
    assert_eq!(due(&s, &stops(&[])).due, Some(at("15:00")));
    assert_eq!(due(&s, &stops(&[Clock::Resolution, Clock::Next])).due, Some(at("15:00")));
    let stopped = due(&s, &stops(&[Clock::First]));
    assert_eq!((stopped.due, stopped.used), (Some(at("17:00")), SignedDuration::from_mins(20)));
    // Woken by hand after half an hour, the rest of the snooze is not counted.
    s.deed("14:50", "ana", jo(), "wake");
    assert_eq!(due(&s, &stops(&[Clock::First])).due, Some(at("15:30")));
}

#[test]
fn a_snooze_without_end_stands_still_until_the_customer_writes() {
    let mut s = Script::new();
    s.post(&said("p1", "jo", "14:00")).clock("14:20");
    s.tell("ana", Event::CaseSnoozed { case: jo(), until: THEY_WRITE }, None);
    let stops = Stops { snoozed: vec![Clock::First, Clock::Resolution], waiting: vec![] };
    let read = |s: &Script, now: &str| read(s, jo(), &ALWAYS(), &stops, at(now));
    assert_eq!(read(&s, "15:00").answer.expect("it waits").due, None, "it stands still");
    s.post(&said("p2", "jo", "16:00").within("p1"));
    let after = read(&s, "16:00");
    assert_eq!(after.answer.expect("it waits").due, Some(at("16:40")));
    assert_eq!(after.resolution.used, SignedDuration::from_mins(20));
}

#[test]
fn the_customers_turn_stops_the_resolution_where_the_setup_says_so() {
    let mut s = Script::new();
    s.post(&said("p1", "jo", "14:00")).answer("15:00", "ana", 1, jo(), "p1", Purpose::Acknowledgement);
    s.post(&said("p2", "jo", "+1d 15:00").within("p1"));
    s.deed("+1d 16:00", "ana", jo(), "resolve");
    let now = at("+5d 09:00");
    assert_eq!(read(&s, jo(), &ALWAYS(), &nothing_stops(), now).resolution.used, hours(26));
    assert_eq!(read(&s, jo(), &ALWAYS(), &Stops::default(), now).resolution.used, hours(2));
}

#[test]
fn reopened_the_resolution_goes_on_from_where_it_stood() {
    let mut s = Script::new();
    s.post(&said("p1", "jo", "14:00")).deed("15:00", "ana", jo(), "resolve");
    s.post(&said("p2", "jo", "+3d 10:00").within("p1"));
    let read = clocks(&s, "+3d 11:00");
    assert_eq!((read.resolution.used, read.resolution.stopped), (hours(2), None));
    assert_eq!(read.answer.expect("it waits").since, at("+3d 10:00"));
    // The same by a rep's hand, and once more to its end.
    s.deed("+3d 12:00", "ana", jo(), "resolve").deed("+4d 12:00", "bo", jo(), "reopen");
    s.deed("+4d 13:00", "bo", jo(), "resolve");
    assert_eq!(clocks(&s, "+9d 00:00").resolution.used, hours(4));
    assert_eq!(s.desk, s.again(), "a replay reads the same clocks");
}

#[test]
fn pauses_are_kept_through_a_checkpoint_and_bounded() {
    let mut s = Script::new();
    s.post(&said("p1", "jo", "14:00"));
    for n in 0..200_i64 {
        let from = at("14:00") + SignedDuration::from_mins(2 * n);
        s.clock(&from.to_string()).tell(
            "ana",
            Event::CaseSnoozed { case: jo(), until: from + SignedDuration::from_mins(1) },
            None,
        );
    }
    let pauses = &s.case("jo", "p1").pauses;
    assert_eq!(pauses.len(), replydeck::desk::clock::PAUSES_KEPT);
    let read = replydeck::desk::Desk::from_checkpoint(&s.desk.checkpoint()).expect("it can be read");
    assert_eq!(&read.cases[&jo()].pauses, pauses);
}
