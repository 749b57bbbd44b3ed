//! The drill, by keys alone at 80x24: from an outage to a customer turned round. The customer has written twice in the
//! last days, and when they wrote again, in the outage, nobody answered for a day.
//!
//! The simulator's time is led on by jumps, and each run of the deck begins at the time it has then.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use replydeck::run::clock::REHEARSAL;
use serde_json::{Value, json};

use super::{CTRL_S, ESC, InTerminal, SMALL};
use crate::simulator::Simulator;

/// Direct messages are asked for every other minute.
const MESSAGES_COME: Duration = Duration::from_mins(4);

struct Drill {
    home: tempfile::TempDir,
    simulator: Simulator,
}

/// A rehearsal's clock that says `at` now. A shifted clock cannot run at the machine's pace: this one runs at twice it.
fn clock(at: Timestamp) -> String {
    let real = Timestamp::now();
    format!("{} x2", real + real.duration_since(at))
}

impl Drill {
    /// Six days ago.
    fn begin() -> Self {
        let home = tempfile::tempdir().expect("a home");
        let began = Timestamp::now() - SignedDuration::from_hours(144);
        let simulator = Simulator::quiet_with(home.path(), &[(REHEARSAL, &clock(began))]);
        let config = std::fs::read_to_string(&simulator.config).expect("the config");
        let config = config.replace("hold = \"10s\"", "hold = \"0s\"\nzone = \"UTC\"");
        std::fs::write(&simulator.config, config).expect("a config");
        Self { home, simulator }
    }

    /// Opens the deck at the simulator's time.
    fn deck(&self) -> InTerminal {
        let config = self.simulator.config.to_str().expect("a path");
        let env = [(REHEARSAL, clock(self.simulator.now()))];
        let env = env.each_ref().map(|(name, value)| (*name, value.as_str()));
        let deck = InTerminal::start(&["--config", config], self.home.path(), SMALL, &env);
        deck.shows("LIVE 1/1");
        deck
    }

    fn says(&self, handle: &str, text: &str) -> String {
        self.simulator.post(&json!({"handle": handle, "name": "Mo", "followers": 400, "text": text}))
    }
}

/// Answers the case in hand, typed or as the keys in `how` put it together.
#[track_caller]
fn send(drill: &Drill, deck: &mut InTerminal, key: &str, how: &str, shown: &str) -> Value {
    let before = drill.simulator.writes().len();
    deck.keys(key);
    deck.shows("may we reply? yes");
    deck.keys(how);
    deck.shows(shown);
    deck.keys(CTRL_S);
    deck.shows("y send");
    deck.keys("y");
    let writes = drill.simulator.written(before + 1);
    assert_eq!(writes.len(), before + 1, "{writes:?}");
    deck.until("the reply on the case", |screen| !screen.contains("y send") && !screen.contains("outbox"));
    writes.last().cloned().expect("a write")
}

/// One contact of the past: answered and resolved with a cause and an outcome.
fn earlier_contact(drill: &Drill, deck: &mut InTerminal, text: &str, cause: &str) {
    drill.says("teapot_mo", text);
    let first: String = text.split(' ').skip(1).take(2).collect::<Vec<_>>().join(" ");
    deck.shows(&first);
    deck.keys("gg");
    send(drill, deck, "r", "We have reset the line.", "reset the line.");
    deck.keys("e");
    deck.shows("what was the cause?");
    deck.keys(&format!("{cause}\r"));
    deck.shows("how did it end?");
    deck.keys("reset\r");
    deck.shows("resolved ana: ");
    deck.keys(ESC);
    deck.keys(".");
}

#[test]
fn from_an_outage_to_a_customer_turned_round() {
    let drill = Drill::begin();

    // Two contacts in the days before.
    let mut deck = drill.deck();
    earlier_contact(&drill, &mut deck, "@AcmeHelp line crawls again", "slow line");
    drill.simulator.jump("24h");
    deck.keys("Q");
    assert!(deck.ended().success());
    let mut deck = drill.deck();
    earlier_contact(&drill, &mut deck, "@AcmeHelp modem blinks since noon", "technician");
    deck.keys("Q");
    assert!(deck.ended().success());

    // Three days on the outage, and nobody answers for a day.
    drill.simulator.jump("93h");
    let mut deck = drill.deck();
    let post = drill.says("teapot_mo", "@AcmeHelp nothing works since nine, third time this week");
    deck.shows("nothing works");
    drill.simulator.incident(30.0, 5);
    drill.simulator.jump("5m");
    drill.simulator.incident(0.0, 0);
    deck.until("a crowd", |screen| screen.matches(" N ").count() > 3);
    deck.keys("Q");
    assert!(deck.ended().success());
    drill.simulator.jump("25h");

    let mut deck = drill.deck();
    deck.shows("OVERDUE");
    deck.keys("!");
    let screen = deck.until("the most overdue case", |screen| {
        screen.lines().any(|line| line.contains(">N!") && line.contains("@teapot_mo"))
    });
    assert!(screen.contains("3rd"), "the third contact is told in the row:\n{screen}");
    deck.keys("\r");
    let screen = deck.shows("3rd contact in 7 days");
    assert!(screen.contains("technician") && screen.contains("reset"), "how the last one ended:\n{screen}");

    deck.keys("c");
    deck.shows("you:ana");
    deck.keys("t");
    deck.keys("outage\r");
    deck.shows("tags: outage");
    // A saved reply, and the request to go on in direct messages, in one post.
    let saved = send(&drill, &mut deck, "b", "::contact\r", "0800 555 0100");
    assert_eq!(saved["in_reply_to"], json!(post));
    let text = saved["text"].as_str().expect("a text");
    assert!(text.contains("0800 555 0100") && text.contains("recipient_id="), "{text}");

    drill.simulator.message("teapot_mo", "customer 4711, the box says E12");
    deck.within(MESSAGES_COME, "the direct message on the case", |screen| screen.contains("W waiting on us"));
    deck.keys(" ");
    deck.shows("the box says E12");

    deck.keys("i");
    deck.shows("NOTE for the team, never sent");
    deck.keys("E12: card in rack 4 swapped");
    deck.shows("in rack 4 swapped");
    deck.keys(CTRL_S);
    deck.until("the note saved", |screen| !screen.contains("NOTE for the team"));

    deck.keys("e");
    deck.shows("what was the cause?");
    deck.keys("outage\r");
    deck.shows("how did it end?");
    deck.keys("refund\r");
    deck.shows("R resolved");
    deck.keys("gg");
    deck.shows("resolved ana: outage, refund");
    send(&drill, &mut deck, "w", "", "may we reply? yes");
    deck.keys("gg");
    deck.shows("happy post asked");

    let happy = drill.says("teapot_mo", "@AcmeHelp glowing again");
    assert!(!happy.is_empty());
    deck.keys(ESC);
    deck.keys(".");
    deck.shows("glowing again");
    deck.keys("gg");
    deck.shows("W counts it");
    deck.keys("W");
    deck.shows("turned round");

    // Who did what stands in the case's history.
    deck.keys("/");
    deck.keys("nothing works\r");
    deck.shows(", newest first");
    deck.keys("\r");
    deck.until("the case", |screen| !screen.contains("find in stored posts"));
    deck.keys("H");
    let history = deck.shows("ana on ");
    assert!(history.contains("case 3"), "{history}");
    deck.keys(ESC);
    deck.until("the case again", |screen| !screen.contains("ana on "));
    deck.keys(ESC);
    deck.until("the columns", |screen| screen.contains("[1 mentions"));
    deck.keys("Q");
    assert!(deck.ended().success());
}
