//! What a rep may not know and is told before it is too late, and what they know and are not asked about.

use replydeck::model::{CaseStatus, Verdict};

use super::casework::{case, sent};
use super::conversation::message;
use super::private::says;
use super::script::Deck;

/// A case that was answered in public while its author wrote a direct message: it came while the reply was held.
fn written_in_the_hold() -> Deck {
    let mut deck = Deck::with_posts(1);
    deck.press("j c r");
    deck.type_text("we are on it");
    deck.press("C-s y");
    deck.wait(3);
    message(&mut deck, "m1", 1, "my number is 4711");
    deck.wait(9);
    sent(&mut deck, 1, 900);
    deck.wait(120);
    deck.took();
    deck
}

#[test]
fn a_direct_message_that_came_in_the_hold_is_told_at_resolve() {
    let mut deck = written_in_the_hold();
    deck.press("e");
    assert!(deck.notice().contains("their direct message of 2 min ago is not answered"), "{}", deck.notice());
    deck.press("enter");
    assert_eq!(case(&deck, 1).status, CaseStatus::Resolved, "told, not forbidden");
    assert!(deck.notice().contains("is not answered; u takes it back"), "{}", deck.notice());

    // Dismissed, it is told as well; answered, nothing is.
    let mut deck = written_in_the_hold();
    deck.press("g e");
    assert!(deck.notice().contains("is not answered; u takes it back"), "{}", deck.notice());
    let mut deck = written_in_the_hold();
    deck.press("r");
    deck.type_text("thank you, found it");
    deck.press("C-s y");
    deck.wait(11);
    sent(&mut deck, 1, 901);
    deck.press("e enter");
    assert!(!deck.notice().contains("is not answered"), "{}", deck.notice());
}

#[test]
fn a_happy_post_is_not_asked_for_over_an_unanswered_message_without_a_word() {
    let mut deck = written_in_the_hold();
    deck.press("e enter w");
    deck.press("C-s");
    let told = deck.checks();
    assert!(told.iter().any(|(stops, what)| !stops && what.contains("their direct message")), "{told:?}");
}

#[test]
fn nobody_is_stopped_by_their_own_answer() {
    // A direct message is begun and emptied; then they answer in public, and begin it anew.
    let mut deck = Deck::with_posts(1);
    message(&mut deck, "m1", 1, "my number is 4711");
    deck.press("j D");
    says(&mut deck, 1, Verdict::Yes);
    deck.type_text("a");
    deck.press("backspace esc");
    deck.wait(5);
    deck.press("esc r");
    deck.type_text("we have your number");
    deck.press("C-s y");
    deck.wait(11);
    sent(&mut deck, 1, 900);
    deck.wait(5);
    deck.press("D");
    deck.type_text("thank you");
    deck.press("C-s");
    let told = deck.checks();
    assert!(!told.is_empty() || !deck.text().is_empty(), "the preview is open");
    assert!(!told.iter().any(|(stops, what)| *stops || what.contains("answered since")), "{told:?}");
}
