//! Claims of reps whose session was cut off.

use jiff::SignedDuration;
use replydeck::app::{Effect, Msg};
use replydeck::model::{Event, GoneSession, RepName};

use super::script::{Deck, case_of, secs};

fn gone(deck: &Deck, rep: &str, ended_ago: i64) -> GoneSession {
    GoneSession { rep: RepName::new(rep), started: deck.now - secs(7_200), ended: deck.now - secs(ended_ago) }
}

fn owner(deck: &Deck, n: u64) -> String {
    deck.app.desk.cases[&case_of(n)].owner.as_ref().map_or_else(|| "nobody".to_owned(), RepName::to_string)
}

fn is_left(deck: &Deck, n: u64) -> bool {
    deck.app.left_behind(&deck.app.desk.cases[&case_of(n)]).is_some()
}

/// Case 1 is bo's, case 2 cy's, case 3 ours.
fn three_owners() -> Deck {
    let mut deck = Deck::with_posts(3);
    deck.by("bo", Event::CaseClaimed { case: case_of(1) }, None);
    deck.by("cy", Event::CaseClaimed { case: case_of(2) }, None);
    deck.by("ana", Event::CaseClaimed { case: case_of(3) }, None);
    deck.took();
    deck
}

#[test]
fn a_claim_of_a_session_that_was_cut_off_is_marked_and_after_a_while_released() {
    let mut deck = three_owners();
    deck.wait(60);
    let cut_off = vec![gone(&deck, "bo", 0)];
    deck.tell(Msg::Gone(cut_off));
    assert_eq!([is_left(&deck, 1), is_left(&deck, 2), is_left(&deck, 3)], [true, false, false]);
    deck.wait(15 * 60 - 1);
    assert_eq!((owner(&deck, 1).as_str(), deck.appended()), ("bo", vec![]));
    deck.wait(1);
    assert_eq!([owner(&deck, 1), owner(&deck, 2), owner(&deck, 3)], ["nobody", "cy", "ana"]);
    let released: Vec<_> = deck.appended().into_iter().map(|event| event.event).collect();
    assert_eq!(released, [Event::CaseReleased { case: case_of(1) }]);
    assert!(deck.notice().contains("bo's session was cut off: case 1 (@user1) is free again"), "{}", deck.notice());
    deck.wait(5);
    assert_eq!(deck.appended(), [], "once");
}

#[test]
fn of_two_decks_that_release_one_is_first_and_the_other_says_nothing() {
    let mut deck = three_owners();
    deck.wait(60);
    let cut_off = vec![gone(&deck, "bo", 20 * 60 - 61)];
    deck.slow_store = true;
    // It claimed while it was alive: 20 minutes are reckoned from there.
    deck.now -= secs(20 * 60);
    deck.by("bo", Event::CaseClaimed { case: case_of(1) }, None);
    deck.now += secs(20 * 60);
    deck.tell(Msg::Gone(cut_off));
    deck.wait(2);
    assert_eq!(deck.waiting.len(), 1, "asked once while the store thinks");
    assert!(deck.waiting[0].2.is_some(), "compared with what is known of the case");
    let theirs = deck.written("cy", Event::CaseReleased { case: case_of(1) }, None);
    let before = deck.app.notices.made();
    deck.store();
    deck.tell(Msg::Envelopes(vec![theirs]));
    deck.wait(3);
    assert_eq!((owner(&deck, 1).as_str(), deck.waiting.len(), deck.app.notices.made()), ("nobody", 0, before));
}

#[test]
fn who_came_back_or_was_handed_the_case_while_away_keeps_it() {
    let mut deck = three_owners();
    deck.wait(60);
    deck.tell(Msg::Gone(vec![gone(&deck, "bo", 0), gone(&deck, "ana", 0)]));
    assert!(!is_left(&deck, 3), "we are here");
    deck.wait(600);
    deck.tell(Msg::Gone(vec![]));
    assert!(!is_left(&deck, 1));
    deck.wait(3_600);
    assert_eq!(owner(&deck, 1), "bo");
    // Handed over an hour after the session ended.
    let cut_off = vec![gone(&deck, "bo", 3_600), gone(&deck, "cy", 3_600)];
    deck.by("cy", Event::CaseAssigned { case: case_of(2), to: RepName::new("bo") }, None);
    deck.tell(Msg::Gone(cut_off));
    assert!(!is_left(&deck, 2));
    deck.wait(60);
    assert_eq!(owner(&deck, 2), "bo");
}

#[test]
fn released_claims_can_be_switched_off_and_a_full_disk_only_delays_them() {
    let mut deck = three_owners();
    deck.app.setup.release_after = SignedDuration::ZERO;
    let cut_off = vec![gone(&deck, "bo", -10)];
    deck.tell(Msg::Gone(cut_off));
    deck.wait(3_600);
    assert_eq!(owner(&deck, 1), "bo");
    assert!(is_left(&deck, 1), "marked all the same");

    deck.app.setup.release_after = secs(60);
    deck.slow_store = true;
    deck.wait(1);
    let (token, ..) = deck.waiting.remove(0);
    let failed = replydeck::model::NotAppended::Failed { why: "the disk is full".to_owned() };
    deck.tell(Msg::Appended { token, result: Err(failed) });
    deck.slow_store = false;
    deck.wait(1);
    assert_eq!(owner(&deck, 1), "nobody");
}

#[test]
fn a_key_on_such_a_claim_says_why_it_may_be_taken() {
    let mut deck = three_owners();
    deck.tell(Msg::Gone(vec![gone(&deck, "bo", -5)]));
    deck.press("G c");
    assert!(deck.notice().contains("bo has it since 14:00, but their session was cut off"), "{}", deck.notice());
    deck.press("c");
    assert_eq!(owner(&deck, 1), "bo", "not by the same key twice");
    deck.press("gc");
    assert_eq!(owner(&deck, 1), "ana");
    assert!(!deck.took().contains(&Effect::Bell));
}
