//! Bad days of the machine, in the real program.

use serde_json::json;

use super::{Desk, ESC, InTerminal, SMALL};

#[test]
fn two_decks_started_at_once_on_an_empty_data_folder_both_come_up_and_show_each_post_once() {
    let desk = Desk::new();
    let config = desk.simulator.config.to_str().expect("a path");
    let both = [(); 2].map(|()| InTerminal::start(&["--config", config], desk.home.path(), SMALL, &[]));
    for deck in &both {
        deck.shows("LIVE 1/1");
    }
    desk.simulator.post(&json!({"handle": "teapot_mo", "text": "@AcmeHelp onlyonce is slow"}));
    for deck in &both {
        let screen = deck.shows("onlyonce");
        assert_eq!(screen.matches("onlyonce").count(), 1, "{screen}");
    }
}

#[test]
fn a_network_out_of_reach_is_told_with_the_reason_and_what_is_stored_stays_usable() {
    let desk = Desk::new();
    let deck = desk.deck(SMALL);
    desk.complaint();
    deck.shows("internet is really");
    deck.signal("TERM");
    drop(deck);
    let config = std::fs::read_to_string(&desk.simulator.config).expect("the config");
    let line = config.lines().find(|line| line.starts_with("base_url")).expect("an address");
    // A port that was given out a moment ago and is free again.
    let port = std::net::TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a port").port();
    let theirs = desk.simulator.config.with_file_name("nowhere.toml");
    let nowhere = format!("base_url = \"http://127.0.0.1:{port}\"");
    std::fs::write(&theirs, config.replace(line, &nowhere)).expect("a config");
    let config = theirs.to_str().expect("a path");
    let mut deck = InTerminal::start(&["--config", config], desk.home.path(), SMALL, &[]);
    let screen = deck.shows("X cannot be reached: ");
    assert!(screen.contains("refused") && screen.contains("LIVE 0/1"), "{screen}");
    assert!(screen.contains("internet is really"), "{screen}");
    deck.keys("jc");
    deck.shows(">M");
}

#[test]
fn a_store_that_is_slow_is_told_and_nothing_done_meanwhile_is_lost() {
    let desk = Desk::new();
    let mut deck = desk.deck(SMALL);
    desk.complaint();
    deck.shows("internet is really");
    // As a disk that takes seconds: somebody else has the store's one pen in hand.
    let holder = rusqlite::Connection::open(desk.home.path().join("data/replydeck.db")).expect("the store");
    holder.execute_batch("BEGIN IMMEDIATE").expect("the pen");
    deck.keys("jc");
    desk.simulator.post(&json!({"handle": "late_lu", "text": "@AcmeHelp latepost is slow"}));
    deck.shows("the store is slow");
    // Keys are taken all the same.
    deck.keys("r");
    deck.shows("may we reply? yes");
    deck.keys("typed meanwhile");
    deck.shows("typed meanwhile");
    assert!(!deck.screen().contains("saved 0"), "{}", deck.screen());
    holder.execute_batch("ROLLBACK").expect("the pen is given back");
    deck.until("the draft is saved", super::is_saved);
    deck.keys(ESC);
    deck.shows(">M");
    deck.keys(".");
    deck.shows("latepost");
}

#[test]
fn the_log_file_says_what_the_screen_says_of_a_refused_reply_and_a_damaged_store() {
    let desk = Desk::new();
    let mut deck = desk.deck(SMALL);
    desk.complaint();
    deck.shows("internet is really");
    desk.simulator.fault(&json!({"kind": "status", "status": 403, "target": "posts"}));
    deck.keys("r");
    deck.shows("may we reply? yes");
    deck.keys("Nothing of this is to be in the log.");
    deck.keys(super::CTRL_S);
    deck.shows("y send");
    deck.keys("y");
    deck.shows("outbox 1");
    let log = || std::fs::read_to_string(desk.home.path().join("data/replydeck.log")).expect("the log file");
    deck.signal("TERM");
    deck.ended();
    let said = log();
    let line = said.lines().find(|line| line.contains("a reply was not sent: ")).unwrap_or_else(|| panic!("{said}"));
    assert!(line.contains("WARN") && line.contains("reply="), "{line}");
    assert!(!said.contains("Nothing of this"), "{said}");

    std::fs::write(desk.home.path().join("data/replydeck.db"), "Dear diary, ".repeat(1000)).expect("written");
    let config = desk.simulator.config.to_str().expect("a path");
    let mut deck = InTerminal::start(&["--config", config], desk.home.path(), SMALL, &[]);
    assert_eq!(deck.ended().exit_code(), 1);
    let said = log();
    let line = said.lines().last().expect("a line");
    assert!(line.contains("ERROR") && line.contains("not a database"), "{line}");
}

#[test]
fn a_token_of_another_account_is_told_at_the_start_and_sends_nothing() {
    let desk = Desk::new();
    let config = std::fs::read_to_string(&desk.simulator.config).expect("the config");
    let theirs = desk.simulator.config.with_file_name("stranger.toml");
    let line = config.lines().find(|line| line.starts_with("handle")).expect("a handle");
    let id = config.lines().find(|line| line.starts_with("user_id")).unwrap_or("user_id = never");
    std::fs::write(&theirs, config.replace(line, "handle = \"AcmePromo\"").replace(id, "")).expect("a config");
    let config = theirs.to_str().expect("a path");
    let mut deck = InTerminal::start(&["--config", config], desk.home.path(), (200, 50), &[]);
    deck.shows("the token is that of @AcmeHelp");
    // It names the account of the config, so that nothing but the token stands between it and its reply.
    desk.simulator.post(&json!({"handle": "AcmePromo", "text": "we are new here"}));
    let text = "@AcmeHelp @AcmePromo acme internet is really slow today";
    desk.simulator.post(&json!({"handle": "teapot_mo", "text": text}));
    deck.shows("slow today");
    deck.keys("r");
    deck.shows("may we reply");
    deck.keys("Never sent");
    deck.shows("Never sent");
    deck.keys(super::CTRL_S);
    deck.shows("y send");
    deck.keys("y");
    deck.keys("y");
    deck.shows("not sent in");
    assert_eq!(desk.simulator.writes(), Vec::<serde_json::Value>::new());
}
