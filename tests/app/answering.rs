//! Writing a reply: verdict, draft, saving, slots, paste.

use replydeck::app::composer::Saved;
use replydeck::app::setup::SavedReply;
use replydeck::app::{Effect, FromStore, Mode, Msg};
use replydeck::model::{Body, BodyId, DraftText, Event, NotAppended, Purpose, Verdict};

use super::script::{Deck, case_of, post, secs, setup, unsummoned};

fn saved_texts(deck: &mut Deck) -> Vec<String> {
    let events = deck.appended().into_iter();
    events
        .filter_map(|event| match event.body {
            Some(Body::Draft(draft)) => Some(draft.text),
            _ => None,
        })
        .collect()
}

#[test]
fn r_d_and_b_open_a_draft_of_their_own() {
    let mut deck = Deck::with_posts(3);
    for (key, purpose, text) in [
        ("r", Purpose::Acknowledgement, "Sorry, Jo 3. "),
        ("d", Purpose::DmRequest, "Please write us. "),
        ("b", Purpose::Both, "Sorry, write us. "),
    ] {
        deck.press(key);
        let composer = deck.app.composer().expect("an open editor");
        assert_eq!((composer.purpose, composer.case), (purpose, case_of(3)));
        assert_eq!(composer.account.as_str(), "help", "answers go out as the support account");
        assert_eq!(deck.text(), text);
        assert_eq!(composer.editor.cursor().1, text.len());
        deck.press("esc");
        assert!(matches!(deck.app.mode, Mode::Columns));
    }
    assert_eq!(deck.appended(), [], "an opening text nobody touched is no draft");
}

#[test]
fn the_verdict_comes_before_the_first_letter() {
    let mut deck = Deck::with_posts(1);
    let at = deck.now + secs(1);
    deck.arrives(&unsummoned(9, at), &["c1"]);
    deck.press("j r");
    assert!(
        matches!(&deck.app.composer().unwrap().verdict, Verdict::No { why } if why.contains("not mentioned by @user9"))
    );
    assert!(deck.notice().contains("hands it over"));
    deck.press("esc j r");
    assert_eq!(deck.app.composer().unwrap().verdict, Verdict::Yes);
}

#[test]
fn the_length_is_that_of_what_would_be_published() {
    let mut deck = Deck::with_posts(1);
    deck.press("r");
    let whole = "@user1 Sorry, Jo 1. ^AN".len();
    assert_eq!(deck.app.composer().unwrap().length.used, whole);
    deck.type_text("ok 日本👍");
    let composer = deck.app.composer().unwrap();
    assert_eq!(composer.length.used, "@user1 Sorry, Jo 1. ok  ^AN".len() + 6, "wide characters and emoji count two");
    deck.press("esc d");
    let used = deck.app.composer().unwrap().length.used;
    assert_eq!(used, "@user1 Please write us. ^AN\n".len() + 23, "a link counts 23");
}

#[test]
fn a_kill_at_any_key_loses_at_most_the_last_second() {
    let script = "We see your line dropping since nine.\nOur people are on it, Jo: 30 minutes! ".repeat(3);
    let mut deck = Deck::with_posts(2);
    deck.press("j j r");
    let mut typed = vec![(deck.now, deck.text())];
    for c in script.chars().take(200) {
        deck.now += jiff::SignedDuration::from_millis(137);
        deck.type_text(&c.to_string());
        typed.push((deck.now, deck.text()));
        let again = deck.killed_and_restarted(8);
        let kept = again.app.desk.cases[&case_of(1)].drafts.iter().find(|it| it.purpose == Purpose::Acknowledgement);
        let kept = kept.and_then(|draft| draft.draft.as_ref()).map_or("", |draft| draft.text.as_str());
        let second_ago = typed.iter().rev().find(|(at, _)| deck.now.duration_since(*at) >= secs(1));
        if let Some((_, text)) = second_ago.filter(|(at, _)| *at > typed[0].0) {
            assert!(kept.starts_with(text.as_str()), "{text:?} was typed a second ago, {kept:?} is kept");
        }
        assert!(again.app.desk.cases[&case_of(2)].drafts.is_empty());
    }
}

#[test]
fn a_pause_in_typing_is_saved_at_the_deadline() {
    let mut deck = Deck::with_posts(1);
    deck.press("r");
    assert_eq!(deck.app.next_deadline(), None);
    deck.type_text("x");
    let due = deck.app.next_deadline().expect("a draft to save");
    assert_eq!(due.duration_since(deck.now).as_millis(), 500);
    deck.now = due;
    deck.tell(Msg::Tick);
    assert_eq!(saved_texts(&mut deck), ["Sorry, Jo 1. x"]);
    assert_eq!(deck.app.next_deadline(), None);
    assert_eq!(deck.app.composer().unwrap().saved, Saved::At(due));
}

#[test]
fn leaving_previewing_and_hanging_up_save_at_once() {
    for how in ["esc", "C-s", "C-e", "stop"] {
        let mut deck = Deck::with_posts(1);
        deck.press("r");
        deck.type_text("x");
        if how == "stop" {
            deck.tell(Msg::Stop);
            assert_eq!(deck.effects.last(), Some(&Effect::Quit));
            assert!(deck.app.quitting);
        } else {
            deck.press(how);
        }
        assert_eq!(saved_texts(&mut deck), ["Sorry, Jo 1. x"], "{how}");
    }
}

#[test]
fn drafts_are_kept_per_case_and_purpose_with_the_cursor() {
    let mut deck = Deck::with_posts(2);
    deck.press("j r");
    deck.type_text("first");
    deck.press("left left esc d");
    deck.type_text("second");
    deck.press("esc j r");
    deck.type_text("third");
    deck.press("esc k r");
    assert_eq!(deck.text(), "Sorry, Jo 2. first");
    deck.now += secs(1);
    deck.type_text("!");
    assert_eq!(deck.text(), "Sorry, Jo 2. fir!st");
    deck.press("esc gd");
    assert_eq!(deck.app.drafts().len(), 3);
    deck.press("enter");
    assert_eq!(deck.text(), "Sorry, Jo 2. fir!st");
    deck.press("esc");
    assert!(matches!(deck.app.mode, Mode::Drafts { .. }), "back to the list");
    deck.press("D j D");
    assert_eq!(deck.app.drafts().len(), 3, "another key in between takes the first back");
    deck.press("D");
    assert_eq!(deck.app.drafts().len(), 2);
}

#[test]
fn an_emptied_draft_is_dropped() {
    let mut deck = Deck::with_posts(1);
    deck.press("r");
    deck.type_text("x");
    deck.press("esc r");
    for _ in 0..20 {
        deck.press("backspace");
    }
    deck.press("esc");
    assert_eq!(deck.app.drafts().len(), 0);
}

#[test]
fn a_store_that_fails_is_told_and_the_text_stays_unsaved() {
    let mut deck = Deck::with_posts(1);
    deck.press("r");
    deck.type_text("x");
    deck.slow_store = true;
    deck.now += secs(1);
    deck.tell(Msg::Tick);
    let (token, ..) = deck.waiting.remove(0);
    deck.tell(Msg::Appended { token, result: Err(NotAppended::Failed { why: "the disk is full".to_owned() }) });
    assert!(deck.notice().contains("the disk is full"));
    assert!(matches!(deck.app.composer().unwrap().saved, Saved::Typing { .. }));
    deck.slow_store = false;
    deck.wait(1);
    assert_eq!(deck.app.drafts().len(), 1, "tried again");
}

#[test]
fn a_draft_whose_text_is_not_at_hand_is_read_first() {
    let mut deck = Deck::with_posts(1);
    deck.by(
        "ana",
        Event::DraftSaved { case: case_of(1), purpose: Purpose::Acknowledgement, rep: None, to: None },
        None,
    );
    deck.press("j r");
    let id = BodyId::draft(case_of(1), Purpose::Acknowledgement);
    assert!(deck.took().contains(&Effect::ReadBodies { ids: vec![id.clone()] }));
    assert!(matches!(deck.app.mode, Mode::Columns));
    let draft = DraftText { text: "from before".to_owned(), cursor: (0, 4) };
    deck.tell(Msg::Store(FromStore::Bodies { asked: vec![id.clone()], found: vec![(id, Body::Draft(draft))] }));
    assert_eq!(deck.text(), "from before");
}

#[test]
fn saved_replies_go_in_at_the_cursor_and_their_slots_block_the_preview() {
    let mut deck = Deck::with_posts(1);
    deck.press("r");
    deck.type_text("::");
    assert!(matches!(deck.app.mode, Mode::SavedReplies(..)));
    deck.type_text("slo");
    deck.press("enter");
    assert_eq!(deck.text(), "Slow line, Jo 1: {what_next} then {when}");
    deck.press("C-s");
    let composer = deck.app.composer().unwrap();
    assert!(composer.problem.is_some());
    assert_eq!(composer.editor.selection_range(), Some(((0, 17), (0, 28))), "the slot is selected");
    // Tab leads from slot to slot and writes over none.
    let slot = |deck: &Deck| deck.app.composer().unwrap().editor.selection_range();
    deck.press("tab");
    assert_eq!(slot(&deck), Some(((0, 34), (0, 40))));
    deck.press("tab");
    assert_eq!(slot(&deck), Some(((0, 17), (0, 28))));
    assert_eq!(deck.text(), "Slow line, Jo 1: {what_next} then {when}");
    deck.type_text("a check");
    deck.press("C-s");
    deck.type_text("9:00");
    deck.press("tab");
    assert_eq!(deck.text(), "Slow line, Jo 1: a check then 9:00");
    deck.type_text(" ");
    deck.type_text("::tha");
    deck.press("enter");
    assert!(deck.text().ends_with("9:00 Thank you!"), "a second one in the same draft");
    deck.press("C-s");
    assert!(matches!(deck.app.mode, Mode::Preview(_)));
}

#[test]
fn a_saved_reply_behind_an_opening_does_not_greet_twice() {
    let greeting = |keys: &str, typed: &str, reply: &str| {
        let mut settings = setup(1);
        settings.openings.acknowledgement = "Hi {name}, sorry about this. ".to_owned();
        settings.openings.dm_request = "Hi {name}, please write us. ".to_owned();
        settings.saved_replies = [
            ("hi", "Hi {name}, the line is slow."),
            ("news", "Good news, {name}: it works."),
            ("reach", "You reach us by phone."),
        ]
        .map(|(name, text)| SavedReply { name: name.to_owned(), text: text.to_owned() })
        .into();
        let mut deck = Deck::with(settings);
        deck.arrives(&post(1, deck.now), &["c1"]);
        deck.press(keys);
        deck.type_text(typed);
        deck.type_text(&format!("::{reply}"));
        deck.press("enter");
        deck.text()
    };
    // Of an opening nobody touched the saved reply takes the place, where it speaks to them itself.
    assert_eq!(greeting("r", "", "hi"), "Hi Jo 1, the line is slow.");
    assert_eq!(greeting("r", "", "news"), "Good news, Jo 1: it works.");
    assert_eq!(greeting("r", "", "reach"), "Hi Jo 1, sorry about this. You reach us by phone.");
    // What was typed, and what asks for a message, is kept.
    assert_eq!(greeting("r", "We looked.", "hi"), "Hi Jo 1, sorry about this. We looked. The line is slow.");
    assert_eq!(greeting("d", "", "hi"), "Hi Jo 1, please write us. The line is slow.");
    assert_eq!(greeting("d", "", "news"), "Hi Jo 1, please write us. Good news: it works.");
}

#[test]
fn saved_replies_left_alone_leave_what_was_typed() {
    let mut settings = setup(1);
    settings.openings.acknowledgement = String::new();
    let mut deck = Deck::with(settings);
    deck.arrives(&post(1, deck.now), &["c1"]);
    deck.press("r");
    deck.type_text("/");
    assert!(matches!(deck.app.mode, Mode::SavedReplies(..)));
    deck.press("esc");
    assert_eq!(deck.text(), "/");
    deck.type_text("std::");
    deck.press("esc");
    assert_eq!(deck.text(), "/std::");
    deck.press("C-o esc");
    assert_eq!(deck.text(), "/std::");
}

#[test]
fn a_paste_is_cleaned_bounded_and_never_acts() {
    let mut deck = Deck::with_posts(1);
    deck.press("r");
    deck.tell(Msg::Paste("a\r\nb\u{1b}[31m\u{202e}q\u{13}".to_owned()));
    assert_eq!(deck.text(), "Sorry, Jo 1. a\nbq");
    deck.tell(Msg::Paste("ä".repeat(50_000)));
    assert!(deck.notice().contains("cut"));
    assert!(deck.text().chars().count() <= replydeck::app::writing::CHARACTERS);
    deck.type_text("more");
    assert!(!deck.text().contains("more"));
    deck.press("C-u C-u");
    assert!(deck.text().starts_with("Sorry, Jo 1."), "undo takes the paste back: {}", deck.text().len());
    let mut deck = Deck::with_posts(1);
    deck.tell(Msg::Paste("Q".to_owned()));
    assert!(!deck.app.quitting && deck.took().is_empty());
}

#[test]
fn an_external_editor_gets_the_text_and_gives_it_back() {
    let mut deck = Deck::with_posts(1);
    deck.press("r C-e");
    assert_eq!(deck.took(), [Effect::EditExternally { text: "Sorry, Jo 1. ".to_owned() }]);
    deck.tell(Msg::EditorClosed(Err("no such program".to_owned())));
    assert_eq!(deck.text(), "Sorry, Jo 1. ");
    deck.tell(Msg::EditorClosed(Ok("new\r\ntext\n".to_owned())));
    assert_eq!(deck.text(), "new\ntext");
    deck.press("C-u");
    deck.press("esc");
    deck.tell(Msg::EditorClosed(Ok("late".to_owned())));
    assert!(deck.notice().contains("not taken"));
}

#[test]
fn a_resize_while_typing_loses_nothing() {
    let mut deck = Deck::with_posts(1);
    deck.press("r");
    for (columns, rows) in [(79, 23), (1, 1), (200, 50)] {
        deck.type_text("x");
        deck.tell(Msg::Resized { columns, rows });
    }
    assert_eq!(deck.text(), "Sorry, Jo 1. xxx");
}

#[test]
fn a_post_that_is_gone_cannot_be_answered() {
    let mut deck = Deck::with_posts(1);
    deck.press("j");
    deck.by("intake", Event::PostDeleted { post: super::script::post_id(1) }, None);
    deck.press("r");
    assert!(matches!(deck.app.mode, Mode::Columns));
    assert!(deck.notice().contains("removed"));
}

#[test]
fn others_drafts_are_marked() {
    let mut deck = Deck::with_posts(1);
    let body = Body::Draft(DraftText { text: "bo's words".to_owned(), cursor: (0, 0) });
    deck.by(
        "bo",
        Event::DraftSaved { case: case_of(1), purpose: Purpose::Acknowledgement, rep: None, to: None },
        Some(body),
    );
    deck.press("j r");
    assert_eq!(deck.text(), "bo's words");
    assert!(deck.notice().contains("bo's draft"));
}

/// The store refuses what waits.
fn refuse(deck: &mut Deck) {
    for (token, _, _) in std::mem::take(&mut deck.waiting) {
        deck.tell(Msg::Appended { token, result: Err(NotAppended::Failed { why: "the disk is full".to_owned() }) });
    }
}

/// A draft in the store, then typed on and left with Esc while the disk is full.
fn left_unsaved() -> Deck {
    let mut deck = Deck::with_posts(3);
    deck.press("j r");
    deck.type_text("first");
    deck.wait(1);
    deck.slow_store = true;
    deck.type_text(" and more");
    deck.press("esc");
    refuse(&mut deck);
    deck
}

#[test]
fn words_typed_on_a_full_disk_outlive_the_editor() {
    let mut deck = left_unsaved();
    assert!(deck.notice().contains("the disk is full"), "{}", deck.notice());
    let made = deck.app.notices.made();
    deck.wait(1);
    refuse(&mut deck);
    deck.wait(1);
    refuse(&mut deck);
    assert_eq!(deck.app.notices.made(), made, "told once");
    let listed: Vec<_> = deck.app.drafts().iter().filter_map(|(_, _, draft)| draft.draft.clone()).collect();
    assert_eq!(listed.len(), 1);
    assert!(listed[0].text.ends_with("first and more"), "{listed:?}");
    deck.press("r");
    assert!(deck.text().ends_with("first and more"), "{}", deck.text());
    deck.type_text("!");
    deck.press("esc");
    refuse(&mut deck);
    deck.slow_store = false;
    deck.wait(1);
    assert_eq!(deck.app.unsaved_drafts().count(), 0);
    assert!(deck.notice().contains("everything is saved"), "{}", deck.notice());
    let again = deck.killed_and_restarted(9);
    let text = again.app.drafts()[0].2.draft.clone().unwrap().text;
    assert!(text.ends_with("first and more!"), "{text}");
    deck.wait(5);
    deck.took();
    deck.wait(5);
    assert_eq!(deck.appended().len(), 0, "nothing is left to save");
}

#[test]
fn an_older_text_never_takes_the_place_of_a_newer_one() {
    let mut deck = Deck::with_posts(3);
    deck.press("j r");
    deck.slow_store = true;
    deck.type_text("old");
    deck.wait(1);
    deck.type_text(" new");
    deck.wait(1);
    let refused = deck.waiting.remove(0);
    deck.tell(Msg::Appended { token: refused.0, result: Err(NotAppended::Failed { why: "busy".to_owned() }) });
    deck.slow_store = false;
    deck.store();
    deck.press("esc");
    deck.wait(3);
    let text = deck.app.drafts()[0].2.draft.clone().unwrap().text;
    assert!(text.ends_with("old new"), "{text}");
}

#[test]
fn quitting_says_what_is_not_saved() {
    let mut deck = left_unsaved();
    deck.press("Q");
    assert!(matches!(deck.app.mode, replydeck::app::Mode::QuitQuestion) && !deck.app.quitting);
    deck.press("esc");
    deck.slow_store = false;
    deck.wait(1);
    deck.press("Q");
    assert!(deck.app.quitting);
}
