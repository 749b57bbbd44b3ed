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

/// The row of the post of that author in the first column: from its mark to the next rule.
fn row_of(screen: &str, n: usize) -> Option<String> {
    let handle = format!("@claim{n}x");
    let first = screen.lines().map(|line| line.chars().skip(1).take(38).collect::<String>());
    let mut rows = first.skip_while(|line| !line.contains(&handle) || line.starts_with(" @"));
    let mut row = rows.next()?;
    row.extend(rows.take_while(|line| !line.starts_with("---")));
    Some(row)
}

/// From the first screen that shows `text` to the last.
#[track_caller]
fn agree(decks: &[InTerminal], text: &str) -> Duration {
    spread(decks, |_, screen| screen.contains(text))
}

/// From the first screen that shows what it should to the last.
#[track_caller]
fn spread(decks: &[InTerminal], wanted: impl Fn(usize, &str) -> bool) -> Duration {
    let end = Instant::now() + PATIENCE;
    let mut shown: Vec<Option<Instant>> = vec![None; decks.len()];
    while shown.iter().any(Option::is_none) {
        for (at, (deck, shown)) in decks.iter().zip(&mut shown).enumerate() {
            if shown.is_none() && wanted(at, &deck.screen()) {
                *shown = Some(Instant::now());
            }
        }
        let screens = || decks.iter().map(InTerminal::screen).collect::<Vec<_>>().join("\n");
        assert!(Instant::now() < end, "not every screen shows what it should: {shown:?}\n{}", screens());
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
    let mut posts = Vec::new();
    for n in 0..10 {
        let text = format!("@AcmeHelp post{n}x is slow");
        desk.simulator.post(&json!({"handle": format!("cust{n}"), "text": text}));
        posts.push(agree(&decks, &format!("post{n}x")));
    }
    // Claims of the second, seen by all: on its own screen as its own.
    let mut claims = Vec::new();
    for n in 0..10 {
        desk.simulator.post(&json!({"handle": format!("claim{n}x"), "text": format!("@AcmeHelp mine{n}x is slow")}));
        agree(&decks, &format!("mine{n}x"));
        decks[1].keys("j");
        decks[1].until("the row", |screen| row_of(screen, n).is_some_and(|row| row.starts_with('>')));
        decks[1].keys("c");
        let own = |screen: &str| row_of(screen, n).is_some_and(|row| row.starts_with(">M"));
        let others = |screen: &str| row_of(screen, n).is_some_and(|row| row.contains("claimed bo"));
        claims.push(spread(&decks, |at, screen| if at == 1 { own(screen) } else { others(screen) }));
        decks[1].keys(".");
    }

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
    posts.push(agree(&decks, &format!("after{tries}x")));
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
    println!("handed on after {handed_on:?}; the screens were apart by {posts:?}, after claims by {claims:?}");
    assert!(handed_on < HANDED_ON, "handed on after {handed_on:?}");
    assert!(posts.iter().chain(&claims).all(|apart| *apart < AGREE), "{posts:?} {claims:?}");
}

/// A text that its author deleted must be gone within this time everywhere; the test allows for a busy machine.
const FORGOTTEN: Duration = Duration::from_secs(75);

#[test]
fn a_deleted_post_is_gone_from_both_screens_the_draft_that_quotes_it_and_every_file_within_a_minute() {
    let desk = Desk::new();
    let mut decks = three(&desk);
    decks.truncate(2);
    let marker = "zebrafishy";
    let post = desk.simulator.post(&json!({"handle": "gone_gil", "text": format!("@AcmeHelp {marker} is my secret")}));
    agree(&decks, marker);
    // One has the draft of an answer open, above which the post stands; the other has the case open.
    decks[0].keys("r");
    decks[0].shows("may we reply? yes");
    decks[0].keys("We are sorry");
    decks[0].until("the draft is saved", super::is_saved);
    decks[1].keys("j\r");
    decks[1].until("the case", |screen| screen.contains(marker));
    let gone = Instant::now();
    desk.simulator.delete(&post);
    for deck in &decks {
        deck.within(FORGOTTEN, "the text to go", |screen| !screen.contains(marker));
    }
    let took = gone.elapsed();
    println!("gone from both screens after {took:?}");
    decks[0].keys(super::ESC);
    for deck in &mut decks {
        deck.keys("\x1b");
        deck.shows("1 @AcmeHelp");
        assert!(!deck.screen().contains(marker), "{}", deck.screen());
        deck.keys("Q");
        assert!(deck.ended().success());
    }
    let files = std::fs::read_dir(desk.home.path().join("data")).expect("the data folder");
    for file in files.filter_map(|file| file.ok().map(|file| file.path())).filter(|path| path.is_file()) {
        let bytes = std::fs::read(&file).expect("a file");
        let holds = bytes.windows(marker.len()).any(|window| window == marker.as_bytes());
        assert!(!holds, "{} still holds the text", file.display());
    }
    assert!(took < FORGOTTEN, "{took:?}");
}

/// Posts about `animal` until the deck shows one, and one more: from then on nothing is missed.
#[track_caller]
fn hears_of(desk: &Desk, deck: &InTerminal, animal: &str) {
    let until = Instant::now() + PATIENCE;
    let mut n = 0;
    loop {
        n += 1;
        let text = format!("the {animal} number {n} of ours");
        desk.simulator.post(&json!({"handle": format!("{animal}{n}"), "text": text}));
        if deck.comes(Duration::from_millis(500), |screen| screen.contains(&format!("the {animal} number"))) {
            break;
        }
        assert!(Instant::now() < until, "no {animal} in {}", deck.screen());
    }
    desk.simulator.post(&json!({"handle": format!("last{animal}"), "text": format!("one more {animal}")}));
    deck.shows(&format!("one more {animal}"));
}

/// Goes on to the column of that name.
#[track_caller]
fn to_column(deck: &mut InTerminal, name: &str) {
    let until = Instant::now() + PATIENCE;
    // The tab of the column one is in stands in brackets.
    let is_there = |screen: &str| {
        let tabs = screen.split('[').skip(1).filter_map(|tab| tab.split_once(']'));
        tabs.into_iter().any(|(tab, _)| tab.contains(name))
    };
    while !deck.comes(Duration::from_millis(300), is_there) {
        deck.keys("l");
        assert!(Instant::now() < until, "no column {name} in {}", deck.screen());
    }
}

#[test]
fn who_holds_the_stream_listens_for_the_columns_of_every_deck() {
    let desk = Desk::new();
    let config = std::fs::read_to_string(&desk.simulator.config).expect("the config");
    let with = |rep: &str, more: &str| {
        let theirs = desk.simulator.config.with_file_name(format!("{rep}.toml"));
        std::fs::write(&theirs, config.replace("rep = \"ana\"", &format!("rep = \"{rep}\"")) + more).expect("a config");
        theirs
    };
    let start = |rep: &str, more: &str| {
        let theirs = with(rep, more);
        let deck = InTerminal::start(&["--config", theirs.to_str().expect("a path")], desk.home.path(), SMALL, &[]);
        deck.shows("LIVE 1/1");
        deck
    };
    let column = |name: &str, query: &str| {
        format!("\n[[columns]]\nname = \"{name}\"\naccount = \"acme\"\nquery = \"{query}\"\n")
    };
    let mut holder = start("ana", "");
    let mut bo = start("bo", &column("animals", "zebra"));
    to_column(&mut bo, "animals");
    hears_of(&desk, &bo, "zebra");
    // A column that is added while both run.
    with("bo", &(column("animals", "zebra") + &column("birds", "ostrich")));
    to_column(&mut bo, "birds");
    hears_of(&desk, &bo, "ostrich");
    // The same name for something else is told to both.
    let mut cy = start("cy", &column("animals", "yak"));
    cy.shows("animals has another query");
    bo.shows("animals has another query");
    assert!(!holder.screen().contains("another query"), "{}", holder.screen());
    // Who goes home takes the column along; what was written until they are back is told as a gap.
    for deck in [&mut cy, &mut bo] {
        deck.keys("Q");
        assert!(deck.ended().success());
    }
    drop((bo, cy));
    let until = Instant::now() + PATIENCE;
    let file = desk.home.path().join("data/listened-acme.json");
    let let_go = || {
        let columns: serde_json::Value = serde_json::from_slice(&std::fs::read(&file).ok()?).ok()?;
        columns["animals"]["until"].as_str().map(str::to_owned)
    };
    while let_go().is_none() {
        assert!(Instant::now() < until, "the holder goes on listening for who is gone");
        std::thread::park_timeout(Duration::from_millis(50));
    }
    desk.simulator.post(&json!({"handle": "night", "text": "a zebra nobody heard"}));
    let mut bo = start("bo", &column("animals", "zebra"));
    to_column(&mut bo, "animals");
    // It may have come after the first row was chosen, and stands above it.
    bo.keys(".");
    bo.shows("not filled yet");
    hears_of(&desk, &bo, "zebra");
    assert!(!bo.screen().contains("nobody heard"), "{}", bo.screen());
    for deck in [&mut holder, &mut bo] {
        deck.keys("Q");
        assert!(deck.ended().success());
    }
}
