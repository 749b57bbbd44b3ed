//! Where one is, and staying there.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use replydeck::app::{Effect, FromStore, Mode, Msg};
use replydeck::model::Event;

use super::script::{Deck, case_of, post, post_id, secs, setup};

#[test]
fn a_column_nobody_touched_follows() {
    let mut deck = Deck::with_posts(3);
    assert_eq!(deck.selected(), None);
    assert_eq!(deck.app.columns[0].new, 0);
    deck.press("j");
    assert_eq!(deck.selected().as_deref(), Some("3"), "the first key takes hold of the newest row");
    deck.press("j");
    assert_eq!(deck.selected().as_deref(), Some("2"));
    deck.press("k k k");
    assert_eq!(deck.selected().as_deref(), Some("3"));
    deck.press("G");
    assert_eq!(deck.selected().as_deref(), Some("1"));
    deck.press("gg");
    assert_eq!(deck.selected().as_deref(), Some("3"));
}

#[test]
fn the_selected_row_stays_while_a_thousand_posts_arrive() {
    let mut deck = Deck::with_posts(5);
    deck.press("j j j");
    let (selected, row) = (deck.selected(), deck.rows(0).iter().rev().position(|(_, row)| *row == post_id(3)));
    for n in 100..1_100 {
        deck.now += secs(1);
        deck.arrives(&post(n, deck.now), &["c1"]);
        assert_eq!(deck.selected(), selected);
    }
    assert_eq!(deck.app.columns[0].new, 1_000);
    let rows = deck.rows(0);
    assert_eq!(rows.len(), 1_005, "what the window let go is still there to be seen");
    assert_eq!(rows.iter().rev().position(|(_, row)| *row == post_id(3)), row, "as many rows below it as before");
    assert!(rows.is_sorted_by(|a, b| a > b));
    assert!(deck.app.post_in_hand().is_some_and(|post| post.body.is_some()));
    deck.press("j");
    assert_eq!(deck.selected().as_deref(), Some("2"));
    deck.press(".");
    assert_eq!((deck.selected(), deck.app.columns[0].new, deck.app.columns[0].older.len()), (None, 0, 0));
}

#[test]
fn new_counts_only_what_came_above_and_only_once() {
    let mut deck = Deck::with_posts(3);
    deck.press("j");
    let late = post(50, deck.now - secs(3_000));
    deck.arrives(&late, &["c1"]);
    assert_eq!(deck.app.columns[0].new, 0, "an old post comes in below");
    let fresh = post(51, deck.now + secs(1));
    deck.arrives(&fresh, &["c1"]);
    deck.arrives(&fresh, &["c1", "c2"]);
    assert_eq!((deck.app.columns[0].new, deck.app.columns[1].new), (1, 0));
}

#[test]
fn hold_keeps_a_column_without_the_keys() {
    let mut deck = Deck::with_posts(3);
    deck.press("P 2");
    for n in 10..14 {
        deck.now += secs(1);
        deck.arrives(&post(n, deck.now), &["c1"]);
    }
    assert!(deck.app.columns[0].held);
    assert_eq!(deck.app.columns[0].new, 4);
    deck.press("1");
    assert_eq!(deck.selected().as_deref(), Some("3"));
    deck.press("P");
    assert!(!deck.app.columns[0].held);
    assert_eq!(deck.app.columns[0].new, 0);
}

#[test]
fn hopping_away_and_back_finds_the_same_row() {
    let mut deck = Deck::new(5);
    for n in 1..30 {
        let at = deck.now + secs(i64::try_from(n).unwrap());
        deck.arrives(&post(n, at), &["c1", "c5"]);
    }
    deck.press("1 j j j j 5");
    assert_eq!(deck.app.focus, 4);
    assert_eq!(deck.selected().as_deref(), Some("29"), "the newest row is under the keys");
    deck.press("1");
    assert_eq!(deck.selected().as_deref(), Some("26"));
    assert_eq!(deck.app.columns[4].selected, None, "a column only looked at follows again");
}

#[test]
fn columns_are_reached_by_number_side_and_tab() {
    let mut deck = Deck::new(4);
    for (keys, focus) in [("3", 2), ("0", 3), ("h", 2), ("l l", 3), ("tab", 0), ("S-tab", 3), ("9", 3), ("1", 0)] {
        deck.press(keys);
        assert_eq!(deck.app.focus, focus, "{keys}");
    }
    deck.press("9");
    assert!(deck.notice().contains("no column 9"));
    deck.arrives(&post(1, deck.now), &["c3"]);
    deck.press("ga");
    assert_eq!(deck.app.focus, 2);
    deck.press("1 ga");
    assert_eq!(deck.app.focus, 0, "it has been looked at");
}

#[test]
fn tab_reaches_the_case_pane_where_it_stands() {
    let mut deck = Deck::with_posts(3);
    deck.tell(Msg::Resized { columns: 200, rows: 50 });
    deck.press("j");
    let asks = deck.took().iter().any(|effect| matches!(effect, Effect::ReadCase { .. }));
    assert!(!asks, "walking down a column does not ask the store at every step");
    deck.press("tab tab tab");
    assert!(matches!(deck.app.mode, Mode::Columns), "the last column is empty: there is no case to go to");
    deck.press("1 S-tab");
    assert!(matches!(deck.app.mode, Mode::Case { .. }));
    assert!(deck.took().contains(&Effect::ReadCase { case: case_of(3) }), "the case of the row has the keys");
    deck.press("tab");
    assert!(matches!(deck.app.mode, Mode::Columns));
    assert_eq!(deck.app.focus, 0);
}

#[test]
fn n_visits_every_unanswered_case_once() {
    let mut deck = Deck::with_posts(6);
    deck.by(
        "bo",
        Event::CaseResolved {
            case: case_of(4),
            cause: None,
            outcome: None,
            closing: false,
            number: None,
            undone: false,
        },
        None,
    );
    let mut again = post(20, deck.now + secs(5));
    again.author = post(2, deck.now).author;
    again.conversation = post(2, deck.now).conversation;
    deck.arrives(&again, &["c1"]);
    let mut visited = Vec::new();
    // Five cases, and a sixth press that says that this was all.
    for _ in 0..6 {
        deck.press("n");
        visited.push(deck.selected().unwrap());
    }
    visited.dedup();
    assert_eq!(visited, ["20", "6", "5", "3", "1"]);
    assert!(deck.notice().contains("5 seen, n begins anew"), "{}", deck.notice());
    deck.press("N");
    assert_eq!(deck.selected().as_deref(), Some("3"));
}

#[test]
fn the_most_overdue_case_is_found_from_anywhere() {
    let mut deck = Deck::with_posts(3);
    let old = deck.now - secs(30 * 3600);
    deck.arrives(&post(70, old), &["c2"]);
    deck.arrives(&post(71, old + secs(3600)), &["c3"]);
    deck.press("U !");
    assert_eq!((deck.app.focus, deck.selected().as_deref()), (1, Some("70")));
    assert!(matches!(deck.app.mode, Mode::Columns));
}

#[test]
fn scrolling_to_the_end_reads_older_posts() {
    let mut deck = Deck::new(1);
    for n in 0..1_010 {
        deck.now += secs(1);
        deck.arrives(&post(10_000 + n, deck.now), &["c1"]);
    }
    deck.took();
    deck.press("G G");
    let asked: Vec<_> = deck.took().into_iter().filter(|effect| matches!(effect, Effect::ReadOlder { .. })).collect();
    let [Effect::ReadOlder { column: 0, before, .. }] = &asked[..] else { panic!("asked once: {asked:?}") };
    assert_eq!(before.1, post_id(10_010));
    assert!(deck.app.columns[0].asking_older);
    let old = post(5, before.0 - secs(100));
    let mut source = Deck::new(1);
    source.arrives(&old, &["c1"]);
    let body = replydeck::model::Body::Post(Box::new(old.clone()));
    let matched = Deck::matched(&old, &["c1"], replydeck::model::event::Standing::Customer);
    let envelope = source.written("intake", matched, Some(body));
    deck.older(vec![envelope]);
    deck.press("G");
    assert_eq!(deck.selected().as_deref(), Some("5"));
    assert!(deck.app.post_in_hand().is_some_and(|post| post.body.is_some()));
    deck.older(vec![]);
    deck.took();
    deck.press("k j");
    assert!(deck.app.columns[0].at_end);
    assert_eq!(deck.took(), []);
}

#[test]
fn a_reloaded_config_keeps_columns_by_name() {
    let mut deck = Deck::with_posts(4);
    deck.press("j j");
    let mut changed = setup(3);
    changed.columns.rotate_left(1);
    deck.tell(Msg::Reloaded(Ok(Box::new(changed))));
    assert_eq!(deck.app.focus, 2);
    assert_eq!(deck.selected().as_deref(), Some("3"));
    deck.tell(Msg::Reloaded(Err("line 3: no such key".to_owned())));
    assert!(deck.notice().contains("line 3") && deck.notice().contains("old settings stay"));
    assert_eq!(deck.app.setup.columns[0].name.as_str(), "c2");
    let mut fewer = setup(1);
    fewer.columns[0].name = replydeck::model::ColumnName::new("other");
    deck.tell(Msg::Reloaded(Ok(Box::new(fewer))));
    assert_eq!((deck.app.focus, deck.selected()), (0, None));
}

#[test]
fn a_tick_is_no_reason_for_a_frame_unless_something_shown_changes() {
    let mut deck = Deck::with_posts(2);
    deck.wait(1);
    deck.app.take_dirty();
    deck.wait(20);
    assert!(!deck.app.take_dirty());
    deck.wait(40);
    assert!(deck.app.take_dirty(), "the ages have grown by a minute");
}

#[test]
fn the_store_may_answer_late_or_never() {
    let mut deck = Deck::with_posts(2);
    deck.tell(Msg::Store(FromStore::Older { column: 9, posts: vec![] }));
    deck.tell(Msg::Store(FromStore::Case { case: case_of(1), events: vec![], beside: vec![] }));
    assert!(deck.app.case_events.is_none(), "nobody asked for it");
    deck.press("j enter");
    deck.tell(Msg::Store(FromStore::Case { case: case_of(2), events: vec![], beside: vec![] }));
    deck.by("bo", Event::CaseClaimed { case: case_of(2) }, None);
    assert_eq!(deck.app.case_events.as_ref().map(|it| it.events.len()), Some(1), "the pane goes on by itself");
}

#[test]
fn esc_and_the_next_key_brought_together_are_esc_and_the_next_key() {
    let mut deck = Deck::with_posts(3);
    deck.press("gd");
    assert!(matches!(deck.app.mode, Mode::Drafts { .. }));
    deck.tell(Msg::Key(KeyEvent::new(KeyCode::Char('j'), KeyModifiers::ALT)));
    assert!(matches!(deck.app.mode, Mode::Columns));
    assert_eq!(deck.selected().as_deref(), Some("3"), "the key was not lost");
    // A capital letter comes with Shift.
    deck.press("gd");
    deck.tell(Msg::Key(KeyEvent::new(KeyCode::Char('U'), KeyModifiers::ALT | KeyModifiers::SHIFT)));
    assert!(matches!(deck.app.mode, Mode::Outbox { .. }), "nor was this one");
    deck.press("esc");
    deck.press("r");
    deck.tell(Msg::Key(KeyEvent::new(KeyCode::Char('g'), KeyModifiers::ALT)));
    deck.press("d");
    assert!(matches!(deck.app.mode, Mode::Drafts { .. }), "nor did it end up in the draft");
}
