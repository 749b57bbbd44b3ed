//! Office hours, targets, stops and queues: what a user writes, and what they are told.

use jiff::civil::date;
use jiff::{SignedDuration, Timestamp};
use replydeck::app::Queue;
use replydeck::config::Config;
use replydeck::config::check::{self, Outcome};
use replydeck::model::sla::{Clock, Stops, Targets};
use replydeck::model::{MachineName, SessionId};

use super::super::{REST, parse, told};

const OFFICE: &str = "[office_hours]\nzone = \"Europe/Rome\"\nmonday = [\"09:00-12:30\", \"13:30-18:00\"]\n\
     sunday = [\"22:00-06:00\"]\nholidays = [\"2026-12-28\"]\n";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

#[test]
fn an_office_opens_when_the_file_says() {
    let setup = parse(&format!("{OFFICE}{REST}")).setup(MachineName::new("desk"), SessionId(uuid::Uuid::nil()));
    let hours = &setup.clocks.hours;
    for (moment, is_open) in [
        ("2026-11-23T07:59:59Z", false),
        ("2026-11-23T08:00:00Z", true),
        ("2026-11-23T11:30:00Z", false),
        ("2026-11-22T23:00:00Z", true),
        ("2026-11-23T04:59:59Z", true),
        ("2026-12-28T08:00:00Z", false),
        ("2026-11-24T08:00:00Z", false),
    ] {
        assert_eq!(hours.is_open(at(moment)), is_open, "{moment}");
    }
    let silent = parse(REST).setup(MachineName::new("desk"), SessionId(uuid::Uuid::nil()));
    assert!(silent.clocks.hours.is_always() && !silent.clocks.alert_outside_hours);
    assert_eq!(silent.queues, Queue::ALL);
}

#[test]
fn targets_of_all_columns_and_of_one() {
    let hours = SignedDuration::from_hours;
    let targets = |clocks: &str, column: &str| parse(&format!("{clocks}\n{REST}{column}\n")).columns[0].targets;
    assert_eq!(targets("", ""), Targets::within(hours(1)));
    assert_eq!(targets("", "target = \"2h\""), Targets::within(hours(2)), "the older word");
    assert_eq!(targets("", "first = \"2h\""), Targets::within(hours(2)));
    let all = "[clocks]\nfirst = \"2h\"\nnext = \"4h\"\nresolution = \"2d\"";
    assert_eq!(targets(all, ""), Targets { first: hours(2), next: hours(4), resolution: Some(hours(48)) });
    let one = Targets { first: hours(2), next: hours(3), resolution: Some(hours(24)) };
    assert_eq!(targets(all, "next = \"3h\"\nresolution = \"1d\""), one);
    assert_eq!(targets(all, "first = \"1h\"").next, hours(1), "its own first holds for the next as well");
}

#[test]
fn stops_alerts_and_queues() {
    let text = "queues = [\"overdue\", \"mine\"]\n[clocks]\nsnooze_stops = [\"first\", \"next\"]\nwaiting_stops = []\n\
         alert_outside_hours = true\n";
    let config = parse(&format!("{text}{REST}"));
    assert_eq!(config.queues, [Queue::Overdue, Queue::Mine]);
    assert_eq!(config.clocks.stops, Stops { snoozed: vec![Clock::First, Clock::Next], waiting: vec![] });
    assert!(config.clocks.alert_outside_hours);
    assert!(parse(&format!("queues = []\n{REST}")).queues.is_empty());
}

#[test]
fn what_is_shown_gives_the_same_config_again() {
    let text = format!(
        "queues = [\"due\"]\n{OFFICE}[clocks]\nresolution = \"3d\"\nsnooze_stops = [\"resolution\"]\n{REST}next = \"3h\"\n"
    );
    let config = parse(&text);
    let again = parse(&config.show());
    assert_eq!((&again.office, &again.clocks, &again.queues), (&config.office, &config.clocks, &config.queues));
    assert_eq!(again.columns, config.columns);
}

#[test]
fn mistakes_are_pointed_at() {
    for (lines, message, caret) in [
        (
            "[office_hours]\nmonday = [\"09:00-25:00\"]",
            "2:18: `monday`: `25:00` is no time of the day",
            "                 ^^^^^",
        ),
        ("[office_hours]\nmonday = [\"9-17\"]", "`9` is no time of the day", "           ^"),
        ("[office_hours]\nmonday = [\"09:00\"]", "`09:00` is no span of hours", "          ^^^^^^^"),
        ("[office_hours]\nmonday = [\"09:00-09:00\"]", "has no length", "          ^^^^^^^^^^^^^"),
        ("[office_hours]\nmonday = \"09:00-17:00\"", "`monday` is text, it must be a list", "         ^"),
        (
            "[office_hours]\nholidays = [\"2026-02-30\"]\nmonday = [\"09:00-10:00\"]",
            "`2026-02-30` is not a date",
            "            ^^^^",
        ),
        (
            "[office_hours]\nzone = \"Europe/Roma\"\nmonday = [\"09:00-10:00\"]",
            "did you mean `Europe/Rome`?",
            "       ^^^^",
        ),
        ("[office_hours]\nzone = \"Europe/Rome\"", "`office_hours` never open", "^"),
        (
            "[office_hours]\nmonday = [\"09:00-13:00\", \"12:30-18:00\"]",
            "`monday`: `12:30-18:00` overlaps `09:00-13:00`",
            "                         ^^^^^^^^^^^^^",
        ),
        (
            "[office_hours]\nmonday = [\"22:00-06:00\"]\ntuesday = [\"05:59-10:00\"]",
            "`tuesday`: `05:59-10:00` overlaps `22:00-06:00` of monday",
            "           ^^^^^^^^^^^^^",
        ),
        (
            "[office_hours]\nmonday = [\"05:00-10:00\"]\nsunday = [\"22:00-06:00\"]",
            "`sunday`: `22:00-06:00` overlaps `05:00-10:00` of monday",
            "          ^^^^^^^^^^^^^",
        ),
        ("[clocks]\nsnooze_stops = [\"frist\"]", "did you mean `first`?", "                ^^^^^^^"),
        ("[clocks]\nnext = \"31d\"", "`next` is out of range", "       ^^^^^"),
        ("queues = [\"mine\", \"mine\"]", "the queue `mine` is there twice", "                  ^^^^^^"),
        ("queues = [\"overdu\"]", "did you mean `overdue`?", "          ^^^^^^^^"),
    ] {
        let told = told(&format!("{lines}\n{REST}"));
        assert!(told.contains(message), "{lines}: {told}");
        assert!(told.lines().any(|line| line.contains(&format!("| {caret}"))), "{lines}: {told}");
    }
    let both = told(&format!("{REST}first = \"1h\"\ntarget = \"1h\"\n"));
    assert!(both.contains("`target` is the older word for `first`"), "{both}");
}

#[test]
fn spans_that_touch_do_not_overlap() {
    let config = parse(&format!(
        "[office_hours]\nmonday = [\"06:00-12:00\", \"12:00-24:00\"]\ntuesday = [\"00:00-24:00\"]\n\
         sunday = [\"22:00-06:00\"]\n{REST}"
    ));
    assert_eq!(config.office.expect("office hours").hours.len(), 4);
}

#[test]
fn a_holiday_file_is_read_and_its_errors_are_told_by_line() {
    let home = tempfile::tempdir().unwrap();
    let (path, days) = (home.path().join("config.toml"), home.path().join("days.txt"));
    let text = OFFICE.replace("holidays = [\"2026-12-28\"]", "holidays_file = \"days.txt\"");
    std::fs::write(&path, format!("{text}{REST}")).unwrap();
    let missing = Config::load(&path).unwrap_err().to_string();
    assert!(
        missing.contains("config.toml:5:17: the holiday file cannot be read") && missing.contains("days.txt"),
        "{missing}"
    );
    assert!(missing.contains("^^^^^^^^^^") && missing.contains("take `holidays_file` away"), "{missing}");
    std::fs::write(&days, "2026-12-28\nChristmas 2027\n2027-01-04 # and a Monday\n").unwrap();
    let config = Config::load(&path).unwrap();
    let office = config.office.as_ref().unwrap();
    assert_eq!(office.from_file.iter().copied().collect::<Vec<_>>(), [date(2026, 12, 28), date(2027, 1, 4)]);
    assert!(office.mistakes[0].contains("days.txt: line 2: `Christmas` is not a date"), "{:?}", office.mistakes);
    let setup = config.setup(MachineName::new("desk"), SessionId(uuid::Uuid::nil()));
    assert!(!setup.clocks.hours.is_open(at("2027-01-04T09:00:00Z")), "the others are kept");
    assert!(setup.clocks.hours.is_open(at("2027-01-11T09:00:00Z")));
    assert_eq!(setup.clocks.mistakes, office.mistakes);
    let found = check::office(&config);
    assert_eq!((found.len(), found[0].outcome), (1, Outcome::Mind), "check tells it");
    assert!(found[0].what.contains("days.txt: line 2: `Christmas` is not a date"), "{found:?}");
    std::fs::write(&days, "2026-12-28\n2027-01-04\n").unwrap();
    let found = check::office(&Config::load(&path).unwrap());
    assert_eq!((found.len(), found[0].outcome), (1, Outcome::Works));
    assert!(found[0].what.ends_with("days.txt: 2 holidays"), "{found:?}");
}
