//! A line on which every key takes its time: nothing is decided by a timer.

use std::time::Duration;

use super::{Desk, ESC, SMALL};

/// The line's delay: longer than any terminal waits for the rest of a sequence.
const DELAY: Duration = Duration::from_secs(2);

#[test]
fn keys_two_seconds_apart_are_the_keys_that_were_pressed() {
    let desk = Desk::new();
    let mut deck = desk.deck(SMALL);
    desk.complaint();
    deck.shows("internet is really");
    // The rest of an arrow key arrives later than its beginning; a prefix and its second key as well.
    deck.keys("\x1b[");
    assert!(!deck.comes(DELAY, |screen| screen.contains(">N")), "half a key does nothing:\n{}", deck.screen());
    deck.keys("B");
    deck.shows(">N");
    deck.keys("g");
    deck.shows("g then");
    assert!(!deck.comes(DELAY, |screen| !screen.contains("g then")), "a prefix waits:\n{}", deck.screen());
    deck.keys("d");
    deck.shows("no drafts");
    // A character in two halves.
    deck.keys(ESC);
    deck.until("the drafts are left", |screen| !screen.contains("no drafts"));
    deck.keys("r");
    deck.shows("may we reply? yes");
    deck.bytes_of_keys(&"ß".as_bytes()[..1]);
    assert!(!deck.comes(DELAY, |screen| screen.contains('ß') || screen.contains('\u{fffd}')));
    deck.bytes_of_keys(&"ß".as_bytes()[1..]);
    deck.shows("ß");
}
