//! Whose a case is stays so until somebody means to change it.

use replydeck::app::Msg;
use replydeck::model::{Doing, Event, Presence, RepName, Role, Whereabouts};

use super::script::{Deck, case_of};

fn owner(deck: &Deck, n: u64) -> String {
    deck.app.desk.cases[&case_of(n)].owner.as_ref().map_or("nobody".to_owned(), ToString::to_string)
}

/// Bo has the newest case and is writing in it; ana's keys are on it.
fn held_by_bo() -> Deck {
    let mut deck = Deck::with_posts(3);
    deck.by("bo", Event::CaseClaimed { case: case_of(3) }, None);
    let at = Whereabouts { doing: Doing::Writing, case: Some(case_of(3)) };
    deck.tell(Msg::Present(vec![Presence { rep: RepName::new("bo"), at }]));
    deck.press("j");
    deck.took();
    deck
}

#[test]
fn the_claiming_key_takes_nothing_from_anybody_however_often_it_is_pressed() {
    let mut deck = held_by_bo();
    deck.press("c c c c");
    assert_eq!((owner(&deck, 3).as_str(), deck.appended()), ("bo", vec![]));
    assert!(
        deck.notice().contains("not claimed: bo has it since 14:00 and is writing it now; gc takes it over from bo"),
        "{}",
        deck.notice()
    );
    // Twice on a free case claims it once.
    deck.press("j c c");
    assert_eq!((owner(&deck, 2).as_str(), deck.appended().len()), ("ana", 1));
}

#[test]
fn taking_over_has_a_key_of_its_own_that_names_the_owner_first() {
    let mut deck = held_by_bo();
    deck.press("gc");
    assert_eq!(owner(&deck, 3), "bo");
    assert!(deck.notice().contains("bo has it since 14:00"), "{}", deck.notice());
    assert!(deck.notice().contains("take it over from bo"), "{}", deck.notice());
    // Another key in between takes the first back.
    deck.press("x x gc");
    assert_eq!(owner(&deck, 3), "bo");
    deck.press("gc");
    assert_eq!(owner(&deck, 3), "ana");
    assert!(deck.notice().contains("taking case 3 (@user3) over from bo, who is told; u gives it back"));
    deck.press("u");
    assert_eq!(owner(&deck, 3), "bo");
    // Named by the claim already, once is enough.
    deck.press("c gc");
    assert_eq!(owner(&deck, 3), "ana");
    // Of a free case and of one's own it is no more than the claim.
    deck.press("gc");
    assert!(deck.notice().contains("yours already"), "{}", deck.notice());
    deck.press("j gc");
    assert_eq!(owner(&deck, 2), "ana");
}

#[test]
fn the_cap_the_role_and_a_lost_race_hold_for_taking_over_too() {
    let mut deck = held_by_bo();
    deck.app.setup.open_cases = 1;
    deck.by("ana", Event::CaseClaimed { case: case_of(1) }, None);
    deck.press("gc gc");
    assert_eq!(owner(&deck, 3), "bo");
    assert!(deck.notice().contains("1 open cases, and 1 is the most"), "{}", deck.notice());
    deck.app.setup.open_cases = 0;
    deck.app.setup.role = Role::Watcher;
    deck.press("gc gc");
    assert_eq!(owner(&deck, 3), "bo");
    deck.app.setup.role = Role::Rep;
    deck.slow_store = true;
    deck.press("gc gc");
    let first = deck.written("cy", Event::CaseClaimed { case: case_of(3) }, None);
    deck.store();
    deck.tell(Msg::Envelopes(vec![first]));
    assert_eq!(owner(&deck, 3), "cy");
    assert!(deck.app.notices.iter().any(|notice| notice.text.contains("cy was first")));
    // Who loses a case that way is told.
    let mut bo = held_by_bo();
    bo.app.setup.me = RepName::new("bo");
    bo.by("ana", Event::CaseClaimed { case: case_of(3) }, None);
    assert!(bo.notice().contains("ana claimed case 3"), "{}", bo.notice());
}
