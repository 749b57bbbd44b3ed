//! Three decks of one host on one store: what one does the others show, and the death of the one that listens costs
//! no post and no word.

use std::time::{Duration, Instant};

use serde_json::json;

use super::{Desk, InTerminal, PATIENCE, SMALL};

/// Who holds the stream passes it on within this time.
const HANDED_ON: Duration = Duration::from_secs(5);

/// What three screens show is the same within this time; a busy machine that tests is given ten times as long.
const AGREE: Duration = Duration::from_secs(1);

fn three(desk: &Desk) -> Vec<InTerminal> {
    let config = std::fs::read_to_string(&desk.simulator.config).expect("the config");
    ["ana", "bo", "cy"]
        .into_iter()
        .map(|rep| {
            let theirs = desk.simulator.config.with_file_name(format!("{rep}.toml"));
            std::fs::write(&theirs, config.replace("rep = \"ana\"", &format!("rep = \"{rep}\""))).expect("a config");
            let deck = InTerminal::start(&["--config", theirs.to_str().expect("a path")], desk.home.path(), SMALL, &[]);
            // The first to come up holds the stream.
            deck.shows("LIVE 1/1");
            deck
        })
        .collect()
}

/// From the first screen that shows `text` to the last.
#[track_caller]
fn agree(decks: &[InTerminal], text: &str) -> Duration {
    let end = Instant::now() + PATIENCE;
    let mut shown: Vec<Option<Instant>> = vec![None; decks.len()];
    while shown.iter().any(Option::is_none) {
        for (deck, shown) in decks.iter().zip(&mut shown) {
            if shown.is_none() && deck.screen().contains(text) {
                *shown = Some(Instant::now());
            }
        }
        assert!(Instant::now() < end, "not every screen shows {text:?}:\n{}", decks[0].screen());
        std::thread::park_timeout(Duration::from_micros(500));
    }
    let first = shown.iter().flatten().min().expect("a screen");
    let last = shown.iter().flatten().max().expect("a screen");
    last.duration_since(*first)
}

#[test]
fn three_screens_agree_and_the_stream_is_handed_on_when_its_holder_is_killed() {
    let desk = Desk::new();
    let mut decks = three(&desk);
    let mut apart = Vec::new();
    for n in 0..10 {
        let text = format!("@AcmeHelp post{n}x is slow");
        desk.simulator.post(&json!({"handle": format!("cust{n}"), "text": text}));
        apart.push(agree(&decks, &format!("post{n}x")));
    }
    // A claim of the second, seen by all: on its own screen as its own.
    decks[1].keys("jc");
    decks[1].shows(">M");
    let others = [&decks[0], &decks[2]];
    for deck in others {
        deck.shows("claimed bo");
    }
    decks[1].keys(".");

    let killed = decks.remove(0);
    killed.signal("KILL");
    drop(killed);
    let died = Instant::now();
    let mut tries = 0;
    // Somebody posts all the time: the first that shows was heard by the new holder.
    let handed_on = loop {
        tries += 1;
        assert!(died.elapsed() < PATIENCE, "nobody takes over:\n{}", decks[0].screen());
        let text = format!("@AcmeHelp after{tries}x is slow");
        desk.simulator.post(&json!({"handle": format!("late{tries}"), "text": text}));
        let marker = format!("after{tries}x");
        if decks[0].comes(Duration::from_millis(200), |screen| screen.contains(&marker)) {
            break died.elapsed();
        }
    };
    apart.push(agree(&decks, &format!("after{tries}x")));
    for deck in &decks {
        deck.shows("LIVE 1/1");
        let screen = deck.screen();
        // What was posted while nobody listened is confessed in one row of each column (the second holds nothing
        // else), and nothing is there twice.
        let in_second = |line: &&str| line.chars().skip(40).collect::<String>().contains("~ gap");
        assert_eq!(screen.lines().filter(in_second).count(), 1, "{screen}");
        for n in 1..=tries {
            assert!(screen.matches(&format!("after{n}x ")).count() <= 1, "{screen}");
        }
        assert_eq!(screen.matches(&format!("after{tries}x ")).count(), 1, "{screen}");
    }
    println!("handed on after {handed_on:?}; the screens were apart by {apart:?}");
    assert!(handed_on < HANDED_ON, "handed on after {handed_on:?}");
    assert!(apart.iter().all(|apart| *apart < AGREE), "{apart:?}");
}
