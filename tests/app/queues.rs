//! Queue columns, what is overdue, and the bell.

use jiff::civil::Weekday;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use replydeck::app::setup::Clocks;
use replydeck::app::{Effect, Msg, Queue};
use replydeck::model::sla::Targets;
use replydeck::model::{Event, OfficeHours, OpenSpan, PostId, RepName};

use super::script::{Deck, case_of, post, post_id, secs, setup, start};

const DAY: i64 = 24 * 3_600;

fn deck(columns: usize) -> Deck {
    let mut setup = setup(columns);
    setup.queues = Queue::ALL.to_vec();
    Deck::with(setup)
}

/// The posts that stand for a queue's rows, from the top.
fn rows(deck: &Deck, queue: Queue) -> Vec<String> {
    let Some(rows) = deck.app.queue_rows(deck.app.column_of(queue).unwrap()) else { panic!("no such column") };
    let places = std::iter::successors(rows.first(), |place| rows.after(place));
    let found: Vec<_> =
        places.map(|place| rows.post(&place).map_or("?".into(), |post| post.id.native().to_owned())).collect();
    let back = std::iter::successors(rows.last(), |place| rows.before(place)).count();
    assert_eq!(back, found.len(), "the way up is the way down");
    found
}

fn ago(deck: &Deck, seconds: i64) -> Timestamp {
    deck.now - secs(seconds)
}

fn bells(deck: &mut Deck) -> usize {
    deck.took().iter().filter(|effect| **effect == Effect::Bell).count()
}

fn told(deck: &Deck, n: u64) -> usize {
    deck.all_of(case_of(n)).iter().filter(|it| matches!(it.event, Event::CaseOverdue { .. })).count()
}

#[test]
fn one_row_a_case_in_the_order_in_which_they_are_due() {
    let mut deck = deck(2);
    deck.app.setup.columns[1].targets = Targets::within(SignedDuration::from_mins(10));
    for (n, seconds, column) in [(1, 600, "c1"), (2, 60, "c2"), (3, 1_200, "c1"), (4, 30, "c1")] {
        let at = ago(&deck, seconds);
        deck.arrives(&post(n, at), &[column]);
    }
    // The second of two posts of one case makes no second row.
    let mut more = post(30, deck.now);
    more.author.id = post(3, start()).author.id;
    more.conversation = post(3, start()).conversation;
    deck.arrives(&more, &["c1"]);
    assert_eq!(rows(&deck, Queue::Due), ["2", "3", "1", "4"]);
    assert_eq!(rows(&deck, Queue::Mine), Vec::<String>::new());
    deck.by("ana", Event::CaseClaimed { case: case_of(1) }, None);
    deck.by("ana", Event::CaseClaimed { case: case_of(2) }, None);
    deck.by("bo", Event::CaseClaimed { case: case_of(3) }, None);
    assert_eq!(rows(&deck, Queue::Mine), ["2", "1"]);
    deck.by("ana", Event::CasePrioritised { case: case_of(1), high: true }, None);
    assert_eq!(rows(&deck, Queue::Mine), ["1", "2"], "what a rep wants looked at before others");
    deck.own_answer(90, 2);
    assert_eq!(
        (rows(&deck, Queue::Due), rows(&deck, Queue::Waiting)),
        (vec!["1".into(), "3".into(), "4".into()], vec!["2".into()])
    );
    deck.by(
        "ana",
        Event::CaseResolved {
            case: case_of(1),
            cause: None,
            outcome: None,
            closing: false,
            number: None,
            undone: false,
        },
        None,
    );
    assert_eq!(rows(&deck, Queue::Due), ["3", "4"]);
}

#[test]
fn the_order_does_not_move_under_the_cursor() {
    let mut deck = deck(1);
    for n in 1..=5 {
        let at = ago(&deck, 3_000 - 100 * i64::try_from(n).unwrap());
        deck.arrives(&post(n, at), &["c1"]);
    }
    let column = deck.app.column_of(Queue::Due).unwrap();
    deck.press("3 j j");
    assert_eq!((deck.app.focus, deck.selected().as_deref()), (column, Some("3")));
    // Others answer it, resolve it and what stands above it; something more urgent comes in.
    deck.own_answer(90, 3);
    assert_eq!(rows(&deck, Queue::Due), ["1", "2", "3", "4", "5"], "the row in hand stays where it was");
    deck.by(
        "bo",
        Event::CaseResolved {
            case: case_of(3),
            cause: None,
            outcome: None,
            closing: false,
            number: None,
            undone: false,
        },
        None,
    );
    let at = ago(&deck, 9_000);
    deck.arrives(&post(6, at), &["c1"]);
    assert_eq!(deck.selected().as_deref(), Some("3"));
    assert_eq!(rows(&deck, Queue::Due), ["6", "1", "2", "3", "4", "5"]);
    assert!(deck.app.post_in_hand().is_some_and(|post| post.body.is_some()));
    // Once the keys leave it, it is gone; the next row is the one below.
    deck.press("j");
    assert_eq!(deck.selected().as_deref(), Some("4"));
    assert_eq!(rows(&deck, Queue::Due), ["6", "1", "2", "4", "5"]);
    deck.press("k k k k");
    assert_eq!(deck.selected().as_deref(), Some("6"));
    deck.press("G");
    assert_eq!(deck.selected().as_deref(), Some("5"));
    // Hopping away and back finds the same row.
    deck.press("1 3");
    assert_eq!(deck.selected().as_deref(), Some("5"));
}

/// Post `n` of the author of post `of`, in the same conversation.
fn follow_up(deck: &Deck, n: u64, of: u64, words: &str) -> replydeck::model::Post {
    let mut more = post(n, deck.now);
    more.author = post(of, start()).author;
    more.conversation = post(of, start()).conversation;
    words.clone_into(&mut more.text);
    more
}

#[test]
fn the_row_in_hand_tells_what_the_customer_writes() {
    let mut deck = deck(1);
    for n in 1..=3 {
        let at = ago(&deck, 600 - 60 * i64::try_from(n).unwrap());
        deck.arrives(&post(n, at), &["c1"]);
    }
    let due = deck.app.column_of(Queue::Due).unwrap();
    deck.press("3 j");
    assert_eq!(deck.selected().as_deref(), Some("2"));
    // While they wait the oldest that waits stands there, and that there is more.
    deck.now += secs(60);
    let more = follow_up(&deck, 20, 2, "it gets worse");
    deck.arrives(&more, &["c1"]);
    assert_eq!(deck.selected().as_deref(), Some("2"));
    let shown = super::people::screen(&deck.app, (80, 24));
    assert!(shown.contains("wrote again, 0:00"), "{shown}");
    // Answered, it is their turn; what they write then is what stands in the row, still in its place.
    deck.own_answer(90, 2);
    let place = deck.app.columns[due].taken;
    deck.now += secs(60);
    let more = follow_up(&deck, 21, 2, "no, nothing works");
    deck.arrives(&more, &["c1"]);
    assert_eq!(deck.selected().as_deref(), Some("21"));
    assert_eq!(deck.app.columns[due].taken, place, "the row stays where it is");
    let shown = super::people::screen(&deck.app, (80, 24));
    assert!(shown.contains("no, nothing works") && !shown.contains("wrote again"), "{shown}");
    deck.press("r");
    assert_eq!(deck.app.composer().map(|composer| composer.to.clone()), Some(post_id(21)));
    deck.press("esc j");
    assert_eq!(deck.selected().as_deref(), Some("3"));
}

#[test]
fn a_queue_s_head_counts_its_cases_and_an_empty_one_keeps_the_account() {
    let mut deck = deck(1);
    for n in 1..=2 {
        let at = ago(&deck, 60);
        deck.arrives(&post(n, at), &["c1"]);
    }
    deck.press("3");
    let shown = super::people::screen(&deck.app, (80, 24));
    assert!(shown.contains("3 what is due") && shown.contains("2 cases  kept"), "{shown}");
    deck.press("2");
    let shown = super::people::screen(&deck.app, (80, 24));
    assert!(shown.contains("as @Help (X)"), "{shown}");
    assert!(shown.contains("0 cases") && !shown.contains("0 cases  follow"), "{shown}");
}

#[test]
fn every_column_can_be_reached_beyond_the_ninth_too() {
    let mut deck = deck(8);
    assert_eq!(deck.app.columns.len(), 13);
    deck.press("'");
    assert_eq!(deck.kind(), replydeck::app::command::ModeKind::CommandLine);
    deck.type_text("12");
    deck.press("enter");
    assert_eq!((deck.app.focus, deck.app.queue_of(11)), (11, Some(Queue::Waiting)));
    for (line, column) in [("go-to-column due", 9), ("go-to-column OVER", 10), ("go-to-column c3", 2)] {
        deck.command_line(line);
        assert_eq!(deck.app.focus, column, "{line}");
    }
    for (line, told) in [
        ("go-to-column 14", "there is no column 14: they go from 1 to 13"),
        ("go-to-column 0", "there is no column 0"),
        ("go-to-column lost", "no column is called so: 1 c1, 2 c2"),
    ] {
        deck.command_line(line);
        let shown = format!("{:?}", deck.app.mode);
        assert!(shown.contains(told), "{told}: {shown}");
        assert_eq!(deck.app.focus, 2, "{line}");
        deck.press("esc");
    }
}

#[test]
fn a_case_let_go_of_stays_readable_under_the_cursor() {
    let mut deck = deck(1);
    deck.arrives(&post(1, start() - secs(60)), &["c1"]);
    deck.press("g q 3");
    assert_eq!(deck.selected().as_deref(), Some("1"));
    for n in 0..u64::try_from(replydeck::desk::column::WINDOW).unwrap() {
        deck.now += secs(1);
        deck.arrives(&post(10_000 + n, deck.now), &["c1"]);
    }
    deck.by(
        "bo",
        Event::CaseResolved {
            case: case_of(1),
            cause: None,
            outcome: None,
            closing: false,
            number: None,
            undone: false,
        },
        None,
    );
    assert!(!deck.app.desk.cases.contains_key(&case_of(1)), "the desk holds it no more");
    assert_eq!(rows(&deck, Queue::Due)[0], "1");
    let text = deck.app.post_in_hand().and_then(|post| post.body.as_ref().map(|body| body.text.clone()));
    assert_eq!(text.as_deref(), Some("so slow today 1"));
    deck.press("r e c j");
    assert_eq!(deck.selected().as_deref(), Some("10000"));
}

#[test]
fn at_twenty_four_hours_sharp_a_case_leads_the_queue_and_rings_once() {
    let mut deck = deck(2);
    deck.app.setup.columns[1].targets = Targets::within(SignedDuration::from_mins(5));
    deck.arrives(&post(1, start() - secs(DAY - 60)), &["c1"]);
    deck.arrives(&post(2, start() - secs(DAY - 3_600)), &["c2"]);
    deck.took();
    deck.now = start() + secs(59);
    deck.tell(Msg::Tick);
    assert_eq!((deck.app.overdue(), bells(&mut deck), rows(&deck, Queue::Overdue)), (0, 0, vec![]), "23:59:59");
    deck.wait(1);
    assert_eq!(rows(&deck, Queue::Overdue), ["1"]);
    assert_eq!(rows(&deck, Queue::Due)[0], "1");
    deck.wait(30);
    assert_eq!((deck.app.overdue(), bells(&mut deck), told(&deck, 1)), (1, 1, 1), "24:00:00");
    assert!(deck.app.notices.iter().any(|notice| notice.text.contains("overdue")), "{}", deck.notice());
    deck.wait(300);
    assert_eq!((bells(&mut deck), told(&deck, 1)), (0, 1), "once");
    deck.press("! ");
    assert_eq!(deck.selected().as_deref(), Some("1"));
    deck.own_answer(90, 1);
    deck.press("1");
    assert_eq!((deck.app.overdue(), rows(&deck, Queue::Due)), (0, vec!["2".to_owned()]));
}

#[test]
fn a_restart_does_not_ring_anew() {
    let mut deck = deck(1);
    deck.arrives(&post(1, start() - secs(DAY - 10)), &["c1"]);
    deck.wait(15);
    assert_eq!(bells(&mut deck), 1);
    let mut again = deck.killed_and_restarted(9);
    again.wait(120);
    assert_eq!((again.app.overdue(), bells(&mut again), told(&again, 1)), (1, 0, 1));
    // What became overdue while no deck ran is told once.
    let mut alone = self::deck(1);
    alone.arrives(&post(2, start() - secs(DAY - 600)), &["c1"]);
    alone.now += secs(3_600);
    let mut later = alone.killed_and_restarted(9);
    later.wait(5);
    assert_eq!((later.app.overdue(), bells(&mut later), told(&later, 2)), (1, 1, 1));
}

#[test]
fn a_burst_rings_once_and_what_is_long_past_not_at_all() {
    let mut deck = deck(1);
    for n in 1..=200 {
        deck.arrives(&post(n, start() - secs(DAY - 5)), &["c1"]);
    }
    for n in 201..=210 {
        deck.arrives(&post(n, start() - secs(10 * DAY)), &["c1"]);
    }
    deck.wait(59);
    assert_eq!((deck.app.overdue(), bells(&mut deck)), (210, 1));
    assert_eq!((1..=200).map(|n| told(&deck, n)).sum::<usize>(), 200);
    assert_eq!(told(&deck, 205), 0);
}

#[test]
fn another_decks_word_is_enough() {
    let mut deck = deck(1);
    deck.arrives(&post(1, start() - secs(DAY)), &["c1"]);
    deck.by("bo", Event::CaseOverdue { case: case_of(1), since: start() - secs(DAY) }, None);
    deck.took();
    deck.wait(3);
    assert_eq!((bells(&mut deck), told(&deck, 1)), (1, 1), "it rings here too, and writes nothing");
}

fn office() -> OfficeHours {
    // The story begins on a Saturday at two in the afternoon.
    OfficeHours::new(TimeZone::UTC, [(Weekday::Monday, OpenSpan { from: 9 * 60, to: 17 * 60 })], [])
}

#[test]
fn nothing_alerts_outside_office_hours_unless_asked() {
    for asked in [false, true] {
        let mut setup = setup(1);
        setup.queues = Queue::ALL.to_vec();
        setup.clocks = Clocks { hours: office(), alert_outside_hours: asked, ..Clocks::default() };
        let mut deck = Deck::with(setup);
        deck.arrives(&post(1, start() - secs(DAY - 10)), &["c1"]);
        deck.wait(20);
        assert_eq!((deck.app.overdue(), bells(&mut deck)), (1, usize::from(asked)), "the mark stands at once");
        deck.now = "2026-11-23T08:59:59Z".parse().unwrap();
        deck.tell(Msg::Tick);
        assert_eq!(bells(&mut deck), 0);
        deck.wait(2);
        assert_eq!(bells(&mut deck), usize::from(!asked), "else it waits for the morning");
    }
}

#[test]
fn the_clock_set_back_an_hour_loses_and_doubles_nothing() {
    let mut deck = deck(1);
    deck.arrives(&post(1, start() - secs(DAY - 60)), &["c1"]);
    deck.arrives(&post(2, start() - secs(600)), &["c1"]);
    deck.wait(120);
    assert_eq!((deck.app.overdue(), bells(&mut deck)), (1, 1));
    deck.now -= secs(3_600);
    deck.wait(5);
    assert_eq!((deck.app.overdue(), rows(&deck, Queue::Overdue)), (0, vec![]), "not yet, by this clock");
    assert_eq!(rows(&deck, Queue::Due), ["1", "2"]);
    deck.now += secs(3_600);
    deck.wait(5);
    assert_eq!((deck.app.overdue(), bells(&mut deck), told(&deck, 1)), (1, 0, 1), "and it does not ring again");
}

#[test]
fn what_is_put_off_is_hidden_until_its_time_or_the_customer_writes() {
    let mut deck = deck(1);
    for n in 1..=2 {
        deck.arrives(&post(n, start() - secs(600)), &["c1"]);
        deck.by("ana", Event::CaseClaimed { case: case_of(n) }, None);
        deck.by("ana", Event::CaseSnoozed { case: case_of(n), until: start() + secs(7_200) }, None);
    }
    assert_eq!((rows(&deck, Queue::Mine), rows(&deck, Queue::Waiting).len()), (vec![], 2));
    let mut more = post(20, start() + secs(5));
    more.author.id = post(2, start()).author.id;
    more.conversation = post(2, start()).conversation;
    deck.arrives(&more, &["c1"]);
    assert_eq!(rows(&deck, Queue::Mine), ["2"], "at once");
    deck.now = start() + secs(7_199);
    deck.tell(Msg::Tick);
    assert_eq!(rows(&deck, Queue::Mine), ["2"]);
    deck.wait(1);
    assert_eq!(rows(&deck, Queue::Mine), ["1", "2"]);
}

#[test]
fn gq_and_the_keys_of_a_queue_act_on_its_case() {
    let mut deck = deck(1);
    for n in 1..=3 {
        deck.arrives(&post(n, start() - secs(60 * i64::try_from(n).unwrap())), &["c1"]);
        deck.by("ana", Event::CaseClaimed { case: case_of(n) }, None);
    }
    deck.press("U g q");
    assert_eq!((deck.app.focus, deck.selected().as_deref()), (1, Some("3")));
    deck.press("j C");
    assert_eq!(deck.app.desk.cases[&case_of(2)].owner, None);
    deck.press("N n");
    assert_eq!((deck.app.focus, deck.selected().as_deref()), (1, Some("1")));
    // What is left of the queue first, then the case that was given back, in its column.
    deck.press("n");
    assert_eq!((deck.app.focus, deck.selected().as_deref()), (0, Some("2")));
    deck.press("n");
    assert!(deck.notice().contains("the last unanswered case"), "{}", deck.notice());
    deck.press("r");
    assert_eq!(deck.app.composer().map(|composer| composer.case), Some(case_of(2)));
    deck.press("esc A esc g / esc");
    assert_eq!(deck.selected().as_deref(), Some("2"));
}

#[test]
fn the_most_overdue_case_is_found_in_its_queue_where_no_column_shows_it() {
    let mut deck = deck(1);
    deck.arrives(&post(1, start() - secs(2 * DAY)), &["c1"]);
    for n in 0..u64::try_from(replydeck::desk::column::WINDOW).unwrap() {
        deck.arrives(&post(10_000 + n, start() - secs(60)), &["c1"]);
    }
    assert!(!deck.rows(0).iter().any(|(_, post)| *post == post_id(1)));
    deck.press("g l !");
    assert_eq!(deck.selected(), Some("1".to_owned()));
    assert!(deck.app.queue_of(deck.app.focus).is_some());
}

#[test]
fn other_settings_order_anew_and_keep_the_place() {
    let mut deck = deck(2);
    deck.arrives(&post(1, start() - secs(60)), &["c1"]);
    deck.arrives(&post(2, start() - secs(30)), &["c2"]);
    deck.press("4");
    assert_eq!((rows(&deck, Queue::Due), deck.selected().as_deref()), (vec!["1".into(), "2".into()], Some("1")));
    let mut setup = deck.app.setup.clone();
    setup.columns[1].targets = Targets::within(SignedDuration::from_mins(1));
    setup.queues = vec![Queue::Due, Queue::Mine];
    setup.me = RepName::new("ana");
    deck.tell(Msg::Reloaded(Ok(Box::new(setup))));
    assert_eq!((deck.app.focus, deck.app.columns.len()), (2, 4), "the focus goes with its queue");
    deck.press("1 3 g g");
    assert_eq!(rows(&deck, Queue::Due)[0], "2");
    let mut none = deck.app.setup.clone();
    none.queues = vec![];
    deck.tell(Msg::Reloaded(Ok(Box::new(none))));
    assert_eq!(deck.app.columns.len(), 2);
    deck.press("g q");
    assert!(deck.notice().contains("no queue"), "{}", deck.notice());
    assert!(deck.app.selected_post().is_none_or(|post| *post != PostId::new(replydeck::model::NetworkKind::X, "?")));
}
