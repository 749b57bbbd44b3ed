//! Marks, deeds over many cases, and the one undo.

use std::collections::BTreeSet;

use replydeck::app::{Effect, Msg};
use replydeck::desk::Case;
use replydeck::model::{CaseStatus, Event, RepName};

use super::casework::{case, owner, with};
use super::conversation::message;
use super::script::{Deck, case_of, post, secs};

/// What of a case an undo must bring back.
fn stand(case: &Case) -> impl PartialEq + std::fmt::Debug + use<> {
    let Case { status, owner, waiting_since, snoozed_until, tags, is_urgent, .. } = case.clone();
    (status, owner, waiting_since, snoozed_until, tags, is_urgent)
}

#[test]
fn fifty_marked_cases_are_resolved_and_one_undo_restores_them_all() {
    let mut deck = Deck::with_posts(60);
    deck.by("bo", Event::CaseClaimed { case: case_of(20) }, None);
    let until = deck.now + secs(999);
    deck.by("bo", Event::CaseSnoozed { case: case_of(21), until }, None);
    deck.press("j");
    for _ in 0..50 {
        deck.press("x j");
    }
    assert_eq!(deck.app.marked_cases().len(), 50);
    let before: Vec<_> = (1..=60).map(|n| stand(case(&deck, n))).collect();
    deck.effects.clear();
    deck.press("e");
    deck.type_text("outage");
    deck.press("enter");
    let resolved = |deck: &Deck| (1..=60).filter(|n| case(deck, *n).status == CaseStatus::Resolved).count();
    assert_eq!(resolved(&deck), 50);
    assert!(deck.took().iter().all(|effect| matches!(effect, Effect::Append { .. })), "nothing goes out in bulk");
    deck.press("u");
    let after: Vec<_> = (1..=60).map(|n| stand(case(&deck, n))).collect();
    assert_eq!(after, before);
    assert!(deck.notice().contains("all 50 cases"), "{}", deck.notice());
    deck.press("u");
    assert!(deck.notice().contains("nothing is held"));
}

#[test]
fn every_bulk_deed_is_taken_back_by_one_key() {
    for deed in ["c", "t", "z", "*", "ge", "a"] {
        let mut deck = with(|setup| setup.team = vec![RepName::new("bo")]);
        deck.press("j x j x");
        let before = [stand(case(&deck, 3)), stand(case(&deck, 2))];
        deck.press(deed);
        match deed {
            "t" => deck.type_text("slow"),
            "z" => deck.type_text("tomorrow 9:00"),
            "a" => deck.type_text("bo"),
            _ => {}
        }
        if ["t", "z", "a"].contains(&deed) {
            deck.press("enter");
        }
        assert_ne!([stand(case(&deck, 3)), stand(case(&deck, 2))], before, "{deed}");
        deck.press("u");
        assert_eq!([stand(case(&deck, 3)), stand(case(&deck, 2))], before, "{deed}");
    }
}

#[test]
fn an_undo_leaves_what_others_changed_since() {
    let mut deck = Deck::with_posts(3);
    deck.press("j x j x c");
    assert_eq!((owner(&deck, 3), owner(&deck, 2)), (Some("ana"), Some("ana")));
    deck.by("bo", Event::CaseClaimed { case: case_of(2) }, None);
    deck.press("u");
    assert_eq!((owner(&deck, 3), owner(&deck, 2)), (None, Some("bo")));
    assert!(deck.notice().contains("1 of 2"), "{}", deck.notice());
}

#[test]
fn an_undo_names_the_case_and_asks_before_an_old_deed_of_a_case_that_is_not_in_hand() {
    let mut deck = Deck::with_posts(3);
    deck.press("j c u");
    assert!(
        deck.notice().contains("taken back: case 3 (@") && deck.notice().contains("claimed before"),
        "{}",
        deck.notice()
    );
    assert_eq!(owner(&deck, 3), None);
    // In hand it is taken back however old the deed is.
    deck.press("c");
    deck.now += secs(3_600);
    deck.tell(Msg::Tick);
    deck.press("u");
    assert_eq!(owner(&deck, 3), None);
    // Another case in hand: the first press names it, the second takes it back.
    deck.press("c j");
    deck.now += secs(3_600);
    deck.tell(Msg::Tick);
    deck.press("u");
    assert_eq!(owner(&deck, 3), Some("ana"));
    assert!(deck.notice().contains("case 3 (@") && deck.notice().contains("claimed 60 min ago"), "{}", deck.notice());
    deck.press("k j u");
    assert_eq!(owner(&deck, 3), Some("ana"), "another key in between asks anew");
    deck.press("u");
    assert_eq!(owner(&deck, 3), None);
    deck.press("u");
    assert!(deck.notice().contains("nothing"), "{}", deck.notice());
    // One that is changed by then is named as well.
    deck.press("k c");
    deck.by("bo", Event::CaseClaimed { case: case_of(3) }, None);
    deck.press("u");
    assert_eq!(owner(&deck, 3), Some("bo"));
    assert!(deck.notice().contains("not taken back: case 3 (@"), "{}", deck.notice());
}

#[test]
fn the_last_of_a_held_reply_and_a_deed_is_taken_back_first() {
    let mut deck = Deck::previewing("We are on it.");
    deck.press("y");
    deck.press("t");
    deck.type_text("slow");
    deck.press("enter u");
    assert_eq!(case(&deck, 3).tags, BTreeSet::new());
    assert_eq!(deck.app.held().len(), 1, "the reply is still held");
    deck.press("u");
    assert!(deck.text().contains("We are on it."));
}

#[test]
fn a_lost_race_leaves_nothing_to_take_back() {
    let mut deck = Deck::with_posts(2);
    deck.press("j");
    let theirs = deck.written("bo", Event::CaseClaimed { case: case_of(2) }, None);
    deck.press("c");
    deck.tell(Msg::Envelopes(vec![theirs]));
    deck.press("u");
    assert_eq!(owner(&deck, 2), Some("bo"));
}

#[test]
fn a_reopening_is_not_taken_back_over_what_they_wrote_since() {
    for private in [false, true] {
        let mut deck = Deck::with_posts(1);
        deck.press("j e enter");
        deck.wait(5);
        deck.press("E");
        assert_eq!(case(&deck, 1).status, CaseStatus::New);
        deck.wait(5);
        if private {
            message(&mut deck, "m1", 1, "it is down again");
        } else {
            let first = post(1, deck.now);
            let again = replydeck::model::Post {
                author: first.author,
                conversation: first.conversation,
                text: "it is down again".to_owned(),
                ..post(2, deck.now)
            };
            deck.arrives(&again, &["c1"]);
        }
        deck.took();
        deck.press("u");
        assert_eq!(deck.appended(), [], "in private: {private}");
        assert!(deck.notice().contains("they have written since; e resolves it"), "{}", deck.notice());
        assert_eq!(case(&deck, 1).status, CaseStatus::New);
    }
    // Nothing came in: it is resolved as it was.
    let mut deck = Deck::with_posts(1);
    deck.press("j e enter E u");
    assert_eq!(case(&deck, 1).status, CaseStatus::Resolved);
}
