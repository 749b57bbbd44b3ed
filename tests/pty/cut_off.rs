//! A rep whose session is killed: what the others see of the claims left behind.

use super::{Desk, InTerminal, SMALL};

#[test]
fn a_claim_of_a_killed_session_is_marked_and_then_free_again() {
    let desk = Desk::new();
    let config = std::fs::read_to_string(&desk.simulator.config).expect("the config");
    let theirs = desk.simulator.config.with_file_name("bo.toml");
    let quick = "release_after = \"20s\"\n";
    std::fs::write(&theirs, format!("{quick}{}", config.replace("rep = \"ana\"", "rep = \"bo\""))).expect("a config");
    let mut ana = desk.deck(SMALL);
    let bo = InTerminal::start(&["--config", theirs.to_str().expect("a path")], desk.home.path(), SMALL, &[]);
    bo.shows("LIVE 1/1");
    desk.complaint();
    ana.shows("internet is really");
    bo.shows("internet is really");
    ana.keys("jc");
    ana.shows(">M");
    bo.shows("claimed ana");
    ana.signal("KILL");
    ana.ended();
    bo.shows("their session ended 0:00 ago");
    let free = bo.until("the claim is given back", |screen| !screen.contains("claimed ana"));
    assert!(free.contains("ana's session was cut off") || free.contains("| N *0:00"), "{free}");
    // Back again, ana sees a case that is nobody's, and by whose deck it was given back.
    let mut ana = desk.deck(SMALL);
    ana.shows("internet is really");
    ana.keys("jc");
    ana.shows(">M");
    ana.keys("Q");
    assert!(ana.ended().success());
    // Who quits keeps what is theirs: no mark, and nothing is given back.
    bo.shows("claimed ana");
    let is_marked = bo.comes(std::time::Duration::from_secs(7), |screen| screen.contains("their session"));
    assert!(!is_marked, "{}", bo.screen());
}
