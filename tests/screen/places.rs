//! What keeps its place while posts arrive, and which columns are shown.

use replydeck::model::event::Standing;
use replydeck::ui::Theme;

use super::{Screen, deck};

#[test]
fn a_following_column_shows_the_newest_on_top() {
    let mut app = deck::app(&[("one", "one")], (80, 24));
    let mut screen = Screen::new((80, 24), Theme::plain());
    for n in 0..100 {
        let minutes = i64::try_from(200 - n).expect("small");
        deck::add(
            &mut app,
            n,
            &format!("who{n}"),
            deck::minutes_ago(minutes),
            "one post",
            &["one"],
            Standing::Customer,
        );
        assert_eq!(screen.line_of(&app, &format!("@who{n} ")), Some(4));
    }
}

#[test]
fn the_selected_row_stays_on_its_line_while_posts_arrive() {
    for size in [(80, 24), (200, 50)] {
        let mut app = deck::app(&[("one", "one"), ("two", "two")], size);
        for n in 0..60 {
            let minutes = i64::try_from(600 - n).expect("small");
            deck::add(
                &mut app,
                n,
                &format!("who{n}"),
                deck::minutes_ago(minutes),
                "one post of some words",
                &["one", "two"],
                Standing::Customer,
            );
        }
        let mut screen = Screen::new(size, Theme::plain());
        screen.draw(&app);
        app.columns[0].selected = Some(deck::post_id(58));
        let before = screen.line_of(&app, ">N").expect("the selected row");
        for n in 60..120 {
            let minutes = i64::try_from(600 - n).expect("small");
            let words = "long words ".repeat(usize::try_from(n % 7).expect("small") + 1);
            deck::add(
                &mut app,
                n,
                &format!("who{n}"),
                deck::minutes_ago(minutes),
                &words,
                &["one", "two"],
                Standing::Customer,
            );
            let all = screen.text(&app);
            let line = all.lines().nth(before).expect("the line");
            assert!(line.starts_with("|>N") && line[..38].contains("@who58 "), "after {n}:\n{all}");
        }
        // Hopping to the next column and back changes nothing.
        let kept = screen.text(&app);
        app.focus = 1;
        screen.draw(&app);
        app.focus = 0;
        assert_eq!(screen.text(&app), kept);
        // A window that lost the row's neighbours below still shows the row where it was.
        app.desk
            .columns
            .values_mut()
            .for_each(|column| column.window = column.window.split_off(&(deck::minutes_ago(542), deck::post_id(0))));
        assert_eq!(screen.line_of(&app, ">N"), Some(before));
    }
}

#[test]
fn a_new_selection_scrolls_just_enough() {
    let mut app = deck::app(&[("one", "one")], (60, 24));
    for n in 0..50 {
        deck::add(
            &mut app,
            n,
            &format!("who{n}"),
            deck::minutes_ago(100 - i64::try_from(n).expect("small")),
            "one post",
            &["one"],
            Standing::Customer,
        );
    }
    let mut screen = Screen::new((60, 24), Theme::plain());
    screen.draw(&app);
    let mut lines = Vec::new();
    for n in (0..50).rev() {
        app.columns[0].selected = Some(deck::post_id(n));
        lines.push(screen.line_of(&app, ">N").expect("the selected row is on the screen"));
    }
    assert_eq!(lines[..4], [4, 8, 12, 15], "down to the context line, then the column scrolls");
    assert!(lines[4..49].iter().all(|line| *line == 15), "{lines:?}");
    app.columns[0].selected = Some(deck::post_id(49));
    assert_eq!(screen.line_of(&app, ">N"), Some(4), "a jump to the newest leaves no blank above it");
}

#[test]
fn shown_counts_posts_and_only_of_columns_on_the_screen() {
    let mut screen = Screen::new((80, 24), Theme::plain());
    let all = screen.text(&deck::busy((80, 24)));
    let counted = screen.cache.shown();
    assert_eq!(counted.len(), 6);
    let left = all.lines().filter(|line| line.starts_with('|') && line[1..40].contains(" @")).count();
    assert_eq!(counted[0], left, "{all}");
    assert!(counted[1] > 0);
    assert_eq!(counted[2..], [0, 0, 0, 0]);
}

#[test]
fn as_many_columns_as_fit_and_the_focused_one_among_them() {
    for (width, columns) in [(38, 1), (79, 2), (78, 1), (118, 3), (149, 3), (150, 2), (200, 3)] {
        let mut app = deck::busy((width, 30));
        for focus in [0, 5, 3, 1, 4] {
            app.focus = focus;
            let mut screen = Screen::new((width, 30), Theme::plain());
            screen.draw(&app);
            let shown = screen.cache.shown();
            assert!(shown[focus] > 0, "{width}: {shown:?}");
            assert_eq!(shown.iter().filter(|shown| **shown > 0).count(), columns, "{width}");
        }
    }
}
