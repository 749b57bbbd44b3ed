//! Gaps in the real program: seven minutes without it, and a program that was stopped while its line was cut. One row
//! with honest times each, filled with Enter after its price, and nothing twice.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::{CTRL_S, Desk, InTerminal, SMALL};

/// X's search shows a post half a minute late; a fill waits for that.
const FILLED: Duration = Duration::from_mins(2);

/// Longer than any pause the program takes for its own.
const STOPPED: Duration = Duration::from_secs(10);

fn now() -> Timestamp {
    Timestamp::now()
}

/// Leads the keys onto the row of the gap: `j` down from the newest row, at most so many.
#[track_caller]
fn stand_on_gap(deck: &mut InTerminal) -> String {
    deck.keys(".");
    for _ in 0..6 {
        deck.keys("j");
        if deck.comes(Duration::from_secs(1), |screen| screen.contains(">~~ gap ")) {
            // Up again and back: it is a row like any other.
            deck.keys("kj");
            return deck.shows(">~~ gap ");
        }
    }
    panic!("j does not lead to the gap:\n{}", deck.screen());
}

/// Presses Enter for the price and Enter again for the fill, and waits for its words.
#[track_caller]
fn fill(deck: &mut InTerminal) -> String {
    deck.keys("\r");
    // At 80 cells the line's end is cut, the price is not.
    deck.shows("$0.005");
    assert!(!deck.screen().contains("filled:"), "{}", deck.screen());
    deck.keys("\r");
    deck.within(FILLED, "the gap is filled", |screen| screen.contains("filled: 1 new"))
}

/// Rows of gaps in the first column.
fn gap_rows(screen: &str) -> Vec<String> {
    let first = screen.lines().map(|line| line.chars().take(40).collect::<String>());
    first.filter(|line| line.contains("~ gap ")).collect()
}

#[test]
fn seven_minutes_without_the_program_are_one_row_that_enter_fills() {
    let desk = Desk::new();
    let mut deck = desk.deck(SMALL);
    desk.complaint();
    deck.shows("internet is really");
    deck.keys("Q");
    assert!(deck.ended().success());
    // Seven minutes pass: what was heard last lies so far back.
    let from = now() - SignedDuration::from_mins(7);
    let heard: Vec<_> = std::fs::read_dir(desk.home.path().join("data"))
        .expect("the data folder")
        .filter_map(|file| file.ok().map(|file| file.path()))
        .filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("heard-")))
        .collect();
    let [heard] = heard.as_slice() else { panic!("{heard:?}") };
    std::fs::write(heard, serde_json::to_vec(&from).expect("a time")).expect("the time of the last byte");
    desk.simulator.post(&json!({"handle": "kettle_io", "text": "@AcmeHelp nobody heard this"}));

    let mut deck = desk.deck(SMALL);
    let minutes = |at: Timestamp| at.strftime("%H:%M").to_string();
    let screen = deck.shows("~ gap ");
    assert_eq!(gap_rows(&screen).len(), 1, "{screen}");
    let told = gap_rows(&screen).remove(0);
    assert!(told.contains(&format!("gap {}-", minutes(from))), "{told}");
    let ends = [now(), now() - SignedDuration::from_mins(1)].map(|at| format!("-{} not filled yet", minutes(at)));
    assert!(ends.iter().any(|end| told.contains(end)), "{told}");
    assert!(!screen.contains("nobody heard"), "{screen}");

    let screen = stand_on_gap(&mut deck);
    assert!(screen.contains("Enter=fill"), "{screen}");
    fill(&mut deck);
    // The row keeps its place on the screen; what was found stands above it.
    deck.keys(".");
    let screen = deck.shows("nobody heard");
    assert_eq!(gap_rows(&screen).len(), 1, "{screen}");
    assert_eq!(screen.matches("internet is really").count(), screen.matches("@teapot_mo").count(), "{screen}");
    assert_eq!(screen.matches("nobody heard this").count(), screen.matches("@kettle_io").count(), "{screen}");
}

#[test]
fn a_stopped_program_whose_line_was_cut_tells_one_gap_from_its_last_byte_and_sends_once() {
    let desk = Desk::new();
    let mut deck = desk.deck(SMALL);
    desk.complaint();
    deck.shows("internet is really");
    // A reply is held when the lid is shut.
    deck.keys("r");
    deck.shows("may we reply? yes");
    deck.keys("On it.");
    deck.shows("On it.");
    deck.keys(CTRL_S);
    deck.shows("y send");
    deck.keys("y");
    deck.shows("u=undo");

    deck.signal("STOP");
    let stopped = now();
    desk.simulator.post(&json!({"handle": "waits_1", "text": "@AcmeHelp it waited in the line"}));
    // Both of X's lines: a mention comes on either.
    for target in ["stream", "activity"] {
        desk.simulator.fault(&json!({"kind": "status", "status": 503, "target": target, "times": "until_lifted"}));
        desk.simulator.fault(&json!({"kind": "cut", "target": target}));
    }
    std::thread::park_timeout(STOPPED / 2);
    desk.simulator.post(&json!({"handle": "lost_1", "text": "@AcmeHelp nobody heard this"}));
    let end = stopped + SignedDuration::try_from(STOPPED).expect("a time");
    while now() < end {
        std::thread::park_timeout(Duration::from_millis(100));
    }
    assert_eq!(desk.simulator.writes().len(), 0, "who is stopped sends nothing");
    desk.simulator.fault(&json!({"lift": "all"}));
    let woken = now();
    deck.signal("CONT");

    deck.keys(".");
    deck.within(FILLED, "it is live again", |screen| screen.contains("LIVE 1/1") && screen.contains("not filled"));
    let screen = deck.shows("it waited in the line");
    assert_eq!(gap_rows(&screen).len(), 1, "{screen}");
    assert!(!screen.contains("nobody heard"), "{screen}");
    // The row tells seconds where a gap is short: it begins before the stop and ends after it.
    let told = gap_rows(&screen).remove(0);
    let times = told.split("gap ").nth(1).and_then(|rest| rest.split(' ').next()).expect("times").to_owned();
    let (from, to) = times.split_once('-').expect("from and to");
    let clock = |at: Timestamp, shape: &str| at.strftime(shape).to_string();
    let shape = if from.len() > 5 { "%H:%M:%S" } else { "%H:%M" };
    // A test at midnight is a test of another day.
    if clock(stopped - SignedDuration::from_mins(1), "%F") == clock(now(), "%F") {
        assert!(from <= clock(stopped + SignedDuration::from_secs(1), shape).as_str(), "{told}: stopped at {stopped}");
        assert!(to >= clock(woken, shape).as_str(), "{told}: woken at {woken}");
    }

    // The hold ran out meanwhile: the reply goes out, once.
    let writes = desk.simulator.written(1);
    assert!(writes[0]["text"].as_str().is_some_and(|text| text.contains("On it.")), "{writes:?}");
    stand_on_gap(&mut deck);
    fill(&mut deck);
    deck.keys(".");
    let screen = deck.shows("nobody heard");
    assert_eq!(screen.matches("it waited in the line").count(), screen.matches("@waits_1").count(), "{screen}");
    assert_eq!(gap_rows(&screen).len(), 1, "{screen}");
    deck.keys("Q");
    assert!(deck.ended().success());
    assert_eq!(desk.simulator.writes().len(), 1);
}
