//! A draft stays with the post it was begun for, and the rep is told what was written since.

use replydeck::app::command::ModeKind;
use replydeck::model::{Event, Post, PostId};

use super::people::screen;
use super::script::{Deck, case_of, post, post_id, secs};

const SMALL: (u16, u16) = (80, 24);

fn follow_up(n: u64, of: u64, words: &str, deck: &Deck) -> Post {
    let first = post(of, deck.now);
    Post { author: first.author, conversation: first.conversation, text: words.to_owned(), ..post(n, deck.now) }
}

fn to(deck: &Deck) -> Option<PostId> {
    deck.app.composer().map(|composer| composer.to.clone())
}

/// A draft for post 1, left; then the customer writes post 5.
fn left_and_written_since() -> Deck {
    let mut deck = Deck::with_posts(1);
    deck.press("j r");
    deck.type_text("we look at it");
    deck.wait(1);
    deck.press("esc");
    deck.now += secs(240);
    let more = follow_up(5, 1, "and the telephone is dead too", &deck);
    deck.arrives(&more, &["c1"]);
    deck.took();
    deck
}

#[test]
fn a_resumed_draft_answers_what_it_was_begun_for_and_says_what_came_since() {
    let mut deck = left_and_written_since();
    // From the newer post's row.
    deck.press("gg r");
    assert_eq!((deck.kind(), to(&deck)), (ModeKind::Composer, Some(post_id(1))));
    assert!(deck.text().ends_with("we look at it"));
    assert!(
        deck.notice().contains("they have written a newer post since; Ctrl-T answers the newest"),
        "{}",
        deck.notice()
    );
    let shown = screen(&deck.app, SMALL);
    for words in
        ["In reply to @user1", "so slow today 1", "they have written since (Ctrl-T answers that), 14:04:01", "dead too"]
    {
        assert!(shown.contains(words), "{words}:\n{shown}");
    }
    // The same from the list of drafts, and by the key that goes from draft to draft.
    deck.press("esc");
    deck.press("gd enter");
    assert_eq!(to(&deck), Some(post_id(1)));
    deck.press("esc esc esc C-n");
    assert_eq!(to(&deck), Some(post_id(1)));
    // After the end of the program too: the log knows.
    let mut again = deck.killed_and_restarted(8);
    again.press("gg r");
    assert_eq!(to(&again), Some(post_id(1)));
}

#[test]
fn a_key_puts_the_words_under_the_newest_post_and_that_is_kept() {
    let mut deck = left_and_written_since();
    deck.press("gg r C-t");
    assert_eq!(to(&deck), Some(post_id(5)));
    assert!(deck.text().ends_with("we look at it"));
    let shown = screen(&deck.app, SMALL);
    assert!(shown.contains("the telephone is dead too") && !shown.contains("written since"), "{shown}");
    let saved = deck.appended().into_iter().find_map(|event| match event.event {
        Event::DraftSaved { to, case, .. } if case == case_of(1) => Some(to),
        _ => None,
    });
    assert_eq!(saved, Some(Some(post_id(5))));
    deck.press("C-t");
    assert!(deck.notice().contains("answers their newest post already"), "{}", deck.notice());
    deck.press("esc");
    // Taken up again from the old post's row.
    deck.press("gg j r");
    assert_eq!(to(&deck), Some(post_id(5)));
}

#[test]
fn where_the_first_post_is_gone_the_one_in_hand_is_answered() {
    let mut deck = left_and_written_since();
    deck.by("intake", Event::PostDeleted { post: post_id(1) }, None);
    deck.press("gg r");
    assert_eq!(to(&deck), Some(post_id(5)));
}

#[test]
fn what_is_written_while_one_types_is_told_in_the_editor() {
    let mut deck = Deck::with_posts(1);
    deck.press("j r");
    deck.type_text("we look");
    deck.now += secs(5);
    for (n, words) in [(5, "hello?"), (6, "are you there")] {
        let more = follow_up(n, 1, words, &deck);
        deck.arrives(&more, &["c1"]);
    }
    let shown = screen(&deck.app, SMALL);
    assert!(shown.contains("they have written 2 times since (Ctrl-T answers that)"), "{shown}");
    assert!(shown.contains("are you there"), "{shown}");
}

#[test]
fn what_is_written_before_it_is_out_is_told_in_the_preview_and_in_the_hold() {
    let mut deck = Deck::with_posts(1);
    deck.press("j c r");
    deck.type_text("we look");
    deck.press("C-s");
    let told = |deck: &Deck| deck.checks().into_iter().find(|(_, what)| what.starts_with("they wrote again"));
    assert_eq!(told(&deck), None);
    deck.now += secs(5);
    let more = follow_up(5, 1, "it works now, do not answer", &deck);
    deck.arrives(&more, &["c1"]);
    let (stops, what) = told(&deck).expect("a check");
    assert!(!stops && what.contains("“it works now, do not answer”"), "{what}");
    deck.press("y");
    deck.now += secs(3);
    let more = follow_up(6, 1, "please do not", &deck);
    deck.arrives(&more, &["c1"]);
    let words = "they wrote again while your reply is held; u takes it back";
    assert!(deck.notice().ends_with(words), "{}", deck.notice());
    deck.press("u");
    assert_eq!(deck.app.held().len(), 0);
    // Whose words the newest post answers is told nothing.
    deck.press("C-t C-s");
    assert_eq!(told(&deck), None, "{:?}", deck.checks());
}

#[test]
fn a_long_post_leaves_room_for_the_words_that_answer_it() {
    for size in [(80, 24), (40, 16), (200, 50)] {
        let mut deck = Deck::with_posts(1);
        deck.tell(replydeck::app::Msg::Resized { columns: size.0, rows: size.1 });
        let long = Post { text: "so many words of theirs ".repeat(200), ..post(7, deck.now) };
        deck.arrives(&long, &["c1"]);
        deck.press("gg r");
        deck.type_text("we are looking at it");
        deck.press("C-s");
        assert_eq!(deck.kind(), ModeKind::Preview);
        let shown = screen(&deck.app, size);
        let words = shown.replace('|', " ").split_whitespace().collect::<Vec<_>>().join(" ");
        for ours in ["visible to anyone", "we are looking at it", "length ", "check:"] {
            assert!(words.contains(ours), "{ours} at {size:?}:\n{shown}");
        }
        let theirs = ["so many words of theirs", "of theirs not shown here; the case has them"];
        assert!(size.1 < 24 || theirs.iter().all(|theirs| words.contains(theirs)), "{shown}");
    }
}
