//! Rows of gaps: walked over like posts, and filled with Enter, the price first or the reason why not.

use replydeck::app::command::ModeKind;
use replydeck::app::{Effect, Mode};
use replydeck::model::{ColumnName, Event, GapFill, GapId};
use replydeck::rules::Rule;
use uuid::Uuid;

use super::script::{Deck, post, post_id, secs, setup};

/// A gap of these columns, from and to so many seconds ago.
fn gap(deck: &mut Deck, n: u128, columns: &[&str], from: i64, to: Option<i64>) -> GapId {
    let gap = GapId(Uuid::from_u128(n));
    let columns = columns.iter().map(|name| ColumnName::new(name)).collect();
    let from = deck.now - secs(from);
    deck.by("intake", Event::GapOpened { gap, columns, from, account: None }, None);
    if let Some(to) = to {
        let to = deck.now - secs(to);
        deck.by("intake", Event::GapClosed { gap, to }, None);
    }
    gap
}

/// What the keys stand on: `3` for a post, `gap 5` for a gap.
fn stands_on(deck: &Deck) -> String {
    match deck.app.gap_in_hand() {
        Some(gap) => format!("gap {}", gap.id.0.as_u128()),
        None => deck.selected().unwrap_or_else(|| "nothing".to_owned()),
    }
}

fn fills(deck: &mut Deck) -> Vec<GapId> {
    let effects = deck.took().into_iter();
    let asked = effects.filter_map(|effect| if let Effect::FillGap { gap } = effect { Some(gap) } else { None });
    asked.collect()
}

/// Every row on the way with this key, from where the keys stand to where they stay.
fn walked(deck: &mut Deck, key: &str) -> Vec<String> {
    let mut rows = vec![stands_on(deck)];
    loop {
        deck.press(key);
        let here = stands_on(deck);
        if rows.last() == Some(&here) {
            return rows;
        }
        rows.push(here);
    }
}

#[test]
fn j_and_k_meet_every_post_and_every_gap_once_in_the_order_of_the_screen() {
    let mut deck = Deck::with_posts(5);
    // Above all, at the moment of post 4, twice between 2 and 1, and one that ended inside the column but began below
    // its last post.
    for (n, from, to) in [(11, 0, 0), (12, 60, 50), (13, 200, 190), (14, 210, 205), (15, 900, 100)] {
        gap(&mut deck, n, &["c1"], from, Some(to));
    }
    let down = ["gap 11", "5", "gap 12", "4", "3", "2", "gap 13", "gap 14", "1", "gap 15"];
    deck.press("j");
    assert_eq!(walked(&mut deck, "j"), down);
    let up: Vec<&str> = down.iter().rev().copied().collect();
    assert_eq!(walked(&mut deck, "k"), up);
    deck.press("G");
    assert_eq!(stands_on(&deck), "gap 15");
    deck.press("gg");
    assert_eq!(stands_on(&deck), "gap 11");
    // A page is eight rows, gaps among them.
    deck.press("pagedown");
    assert_eq!(stands_on(&deck), "1");
    deck.press("pageup");
    assert_eq!(stands_on(&deck), "gap 11");
    // It keeps its place while posts come in above.
    deck.press("j j");
    let at = deck.now + secs(5);
    deck.arrives(&post(6, at), &["c1"]);
    assert_eq!((stands_on(&deck).as_str(), deck.app.columns[0].new), ("gap 12", 1));
    deck.press(".");
    assert_eq!((stands_on(&deck).as_str(), deck.app.columns[0].is_anchored()), ("nothing", false));
}

#[test]
fn gaps_among_posts_read_from_the_store_are_met_as_well() {
    let mut deck = Deck::with_posts(3);
    gap(&mut deck, 20, &["c1"], 400, Some(100));
    deck.app.columns[0].older = [(2, 150), (1, 300), (9, 500)]
        .into_iter()
        .map(|(n, ago): (u64, i64)| {
            let mut view = deck.app.desk.posts[&post_id(3)].clone();
            (view.id, view.at) = (post_id(n + 100), deck.now - secs(ago));
            view
        })
        .collect();
    deck.press("j");
    let down = ["3", "2", "1", "102", "101", "gap 20", "109"];
    assert_eq!(walked(&mut deck, "j"), down);
    assert_eq!(walked(&mut deck, "k"), down.iter().rev().copied().collect::<Vec<_>>());
}

#[test]
fn a_column_that_holds_nothing_but_a_gap_can_be_stood_in() {
    let mut deck = Deck::new(2);
    let only = gap(&mut deck, 1, &["c1"], 420, Some(0));
    deck.press("j");
    assert_eq!(stands_on(&deck), "gap 1");
    deck.press("enter");
    assert!(deck.notice().contains("13:53-14:00: nobody knows how many posts in 1 column, $0.005 each"));
    deck.press("enter");
    assert_eq!(fills(&mut deck), [only]);
}

#[test]
fn enter_fills_the_gap_one_stands_on_and_not_another() {
    let mut deck = Deck::with_posts(60);
    let older = gap(&mut deck, 1, &["c1", "c2"], 1_800, Some(1_380));
    gap(&mut deck, 2, &["c1"], 90, Some(60));
    deck.took();
    while deck.app.gap_in_hand().is_none_or(|gap| gap.id != older) {
        deck.press("j");
    }
    deck.press("enter");
    assert!(
        deck.notice().contains("gap 13:30-13:37: about 7 posts in 2 columns, $0.035 at $0.005 each; Enter"),
        "{}",
        deck.notice()
    );
    assert_eq!(fills(&mut deck), [], "the price comes first");
    deck.press("k");
    deck.press("j");
    deck.press("enter");
    assert_eq!(fills(&mut deck), [], "another key in between takes the first Enter back");
    deck.press("enter");
    assert_eq!(fills(&mut deck), [older]);
    // `gf` means the row one stands on as well.
    deck.press("gf");
    deck.press("gf");
    assert_eq!(fills(&mut deck), [older]);
    assert_eq!(deck.kind(), ModeKind::Columns);
    let filled = Event::GapFilled { gap: older, fill: GapFill::Filled { posts: 3 } };
    deck.by("ana", filled, None);
    deck.press("enter");
    assert!(deck.notice().contains("gap 13:30-13:37 is filled already: 3 new"), "{}", deck.notice());
    deck.press("enter");
    assert_eq!(fills(&mut deck), []);
}

#[test]
fn why_a_gap_cannot_be_filled_is_said_before_any_price() {
    let long = |letter: char| (0..70).map(|n| format!("{letter}ord{n:03}")).collect::<Vec<_>>().join(" OR ");
    let mut setup = setup(3);
    setup.columns[0].rule = Rule::parse(&long('w')).unwrap();
    let mut deck = Deck::with(setup);
    let stand_on_new = |deck: &mut Deck| {
        deck.press(".");
        deck.press("j");
        deck.took();
    };
    // The only column's query is too long for the search.
    gap(&mut deck, 1, &["c1"], 420, Some(300));
    stand_on_new(&mut deck);
    deck.press("enter");
    let told = deck.notice();
    assert!(told.contains("cannot be filled: column c1") && told.contains("512 characters"), "{told}");
    deck.press("enter");
    assert_eq!(fills(&mut deck), []);
    // With another column in it the rest is offered, and what is left out is said.
    let both = gap(&mut deck, 2, &["c1", "c2"], 200, Some(100));
    stand_on_new(&mut deck);
    deck.press("enter");
    let told = deck.notice();
    assert!(told.contains("$0.005 each; Enter") && told.contains("(column c1: a search may be 512"), "{told}");
    deck.press("enter");
    assert_eq!(fills(&mut deck), [both]);
    // Still open.
    gap(&mut deck, 3, &["c1", "c2"], 60, None);
    stand_on_new(&mut deck);
    deck.press("enter");
    assert!(deck.notice().contains("still open"), "{}", deck.notice());
    deck.press("enter");
    assert_eq!(fills(&mut deck), []);
    // Too old.
    deck.press("2");
    let week = 7 * 86_400;
    let mut deck = Deck::new(1);
    gap(&mut deck, 4, &["c1"], week + 500, Some(week + 80));
    stand_on_new(&mut deck);
    deck.press("enter");
    assert!(deck.notice().contains("more than 7 days ago"), "{}", deck.notice());
    deck.press("enter");
    assert_eq!(fills(&mut deck), []);
}

#[test]
fn what_means_a_post_does_nothing_on_a_gap_but_say_so() {
    let mut deck = Deck::with_posts(3);
    gap(&mut deck, 1, &["c1"], 30, Some(10));
    deck.press("j j");
    assert_eq!(stands_on(&deck), "gap 1");
    for key in ["r", "d", "b", "D", "c", "C", "t", "i", "z", "e", "E", "x", "o", "yl", "gs", "w", "W", "*"] {
        deck.took();
        deck.press(key);
        assert!(matches!(deck.app.mode, Mode::Columns), "{key}: {:?}", deck.app.mode);
        assert_eq!(deck.took(), [], "{key}");
        assert!(deck.notice().contains("this row is a gap"), "{key}: {}", deck.notice());
        assert_eq!(stands_on(&deck), "gap 1", "{key}");
    }
    // Marked cases are meant wherever one stands.
    deck.press("j x k");
    deck.took();
    deck.press("c");
    assert!(deck.appended().iter().any(|event| matches!(event.event, Event::CaseClaimed { .. })));
}

#[test]
fn a_gap_that_leaves_the_desk_gives_the_keys_to_the_post_beside_it() {
    let mut deck = Deck::with_posts(3);
    let gone = gap(&mut deck, 1, &["c1"], 30, Some(10));
    deck.press("j j");
    assert_eq!(stands_on(&deck), "gap 1");
    deck.app.desk.gaps.remove(&gone);
    deck.app.desk.columns.get_mut(&ColumnName::new("c1")).unwrap().gaps.clear();
    assert_eq!(stands_on(&deck), "2");
    deck.press("j");
    assert_eq!(stands_on(&deck), "1");
}
