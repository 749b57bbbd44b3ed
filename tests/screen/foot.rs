//! The two lowest lines: the keys that matter, and every notice whole.

use replydeck::app::Mode;
use replydeck::app::notice::Weight;
use replydeck::model::Role;
use replydeck::ui::Theme;

use super::{Screen, assert_has, busy, deck, shown};

fn keys_line(screen: &str, rows: usize) -> String {
    screen.lines().nth(rows - 2).expect("the line of keys").to_owned()
}

/// What is written, without borders and line ends.
fn words(screen: &str) -> String {
    let words: Vec<&str> = screen.split_whitespace().filter(|word| *word != "|").collect();
    words.join(" ")
}

fn screen(app: &replydeck::app::App) -> String {
    Screen::new(app.size, Theme::plain()).text(app)
}

#[test]
fn the_search_and_the_way_to_all_keys_stand_on_the_foot_at_any_width() {
    let at_80 = keys_line(&shown((80, 24), "columns"), 24);
    assert_eq!(at_80, " r ack  d ask-DM  b both  c claim  t tag  e resolve  i note  / find  ? all keys");
    assert_eq!(keys_line(&shown((40, 24), "columns"), 24), " r ack  d ask-DM  / find  ? all keys");
    assert_has(&keys_line(&shown((200, 50), "columns"), 50), &["/ find", "? all keys", "! overdue", "; palette"]);
    let of_case = keys_line(&shown((80, 24), "case"), 24);
    assert_has(&of_case, &["r ack", "Esc back", "? all keys"]);
}

#[test]
fn a_watcher_is_offered_no_key_that_sends() {
    let mut app = busy((80, 24), "columns");
    app.setup.role = Role::Watcher;
    let keys = keys_line(&screen(&app), 24);
    assert_has(&keys, &["t tag", "i note", "/ find", "? all keys"]);
    for of_a_rep in ["ack", "ask-DM", "both", "claim", "resolve"] {
        assert!(!keys.contains(of_a_rep), "{of_a_rep:?} in {keys}");
    }
    let mut app = busy((80, 400), "help");
    app.setup.role = Role::Watcher;
    assert_has(&screen(&app), &["for a rep, not a watcher"]);
}

#[test]
fn a_notice_is_told_whole_the_links_give_way_and_what_is_longer_stands_in_a_box() {
    let mut app = deck::app(&[("charter", "charter")], (80, 24));
    let on_the_foot = "resolved: case 4801 of @jo_m; u takes it back";
    deck::tell(&mut app, Weight::Info, on_the_foot);
    let all = screen(&app);
    assert_eq!(
        all.lines().last(),
        Some(" resolved: case 4801 of @jo_m; u takes it back            charter live <20s ago")
    );
    let wide = format!("{on_the_foot} and nobody else has looked at it");
    deck::tell(&mut app, Weight::Info, &wide);
    let all = screen(&app);
    assert_eq!(all.lines().last(), Some(&*format!(" {wide}")), "the links give way");
    let long = format!("{wide}, which is said here to have more words than a line has");
    deck::tell(&mut app, Weight::Info, &long);
    let all = screen(&app);
    assert_has(&all, &["resolved: case 4801", "more words than a line", "has"]);
    let told: String = all.lines().skip(2).map(|line| line.trim_matches(['|', ' '])).collect::<Vec<_>>().join(" ");
    assert!(told.contains(&long), "{all}");
    // What is said in passing goes by itself.
    app.now += app.notices.newest().expect("the notice").shown_for();
    assert!(!screen(&app).contains("resolved:"));
}

#[test]
fn warnings_that_come_together_are_all_told() {
    for size in [(80, 24), (200, 50)] {
        let mut app = busy(size, "columns");
        let words = ["animals has another query in another replydeck", "the disk is nearly full", "the clock is wrong"];
        for text in words {
            deck::tell(&mut app, Weight::Warning, text);
        }
        deck::tell(&mut app, Weight::Info, "resolved");
        deck::tell(&mut app, Weight::Error, "logged out");
        let all = screen(&app);
        assert_has(
            &all,
            &["to be read, any key closes", "error: logged out", words[2], words[1], "and 1 more; gn lists all"],
        );
        assert!(!all.contains(words[0]), "{all}");
        app.notices.read(app.now, false);
        assert_has(&screen(&app), &[words[0]]);
        app.notices.read(app.now, false);
        let all = screen(&app);
        assert!(all.contains("resolved") && words.iter().all(|words| !all.contains(words)), "{all}");
    }
}

#[test]
fn what_has_no_room_waits_and_what_is_typed_stays_in_sight() {
    let long =
        |what: &str| format!("{what}: {}", "so many words that they take several lines of a narrow screen ".repeat(3));
    let mut app = busy((40, 12), "columns");
    for what in ["one", "two", "three"] {
        deck::tell(&mut app, Weight::Warning, &long(what));
    }
    let mut narrow = Screen::new((40, 12), Theme::plain());
    let all = narrow.text(&app);
    assert!(all.contains("three:") && !all.contains("two:"), "{all}");
    assert_has(&all, &["and 2 more; gn lists all"]);
    app.notices.painted(narrow.told(), app.now);
    app.notices.read(app.now, false);
    assert_has(&narrow.text(&app), &["two:", "and 1 more; gn lists all"]);

    // Where one writes, the key that lists them is no key but text.
    for (lines, is_above) in [(1, false), (14, true)] {
        let mut app = busy((80, 24), "composer");
        let Mode::Composer(composer) = &mut app.mode else { panic!("no composer") };
        composer.editor = ratatui_textarea::TextArea::from(vec!["a line"; lines]);
        composer.editor.move_cursor(ratatui_textarea::CursorMove::Bottom);
        composer.editor.insert_str("HERE");
        for what in ["one", "two", "three", "four"] {
            deck::tell(&mut app, Weight::Warning, what);
        }
        let mut screen = Screen::new((80, 24), Theme::plain());
        let all = screen.text(&app);
        assert_has(&all, &["to be read, typing on closes it", "HERE", "and 1 more; gn in the columns lists all"]);
        let row = |words: &str| all.lines().position(|line| line.contains(words));
        assert_eq!(row("to be read") < row("HERE"), is_above, "{all}");
    }
}

#[test]
fn nothing_of_the_help_is_cut() {
    for cells in [80, 60, 45] {
        let all = shown((cells, 2000), "help");
        let words = words(&all);
        for row in replydeck::app::command::TABLE.iter().filter(|row| !row.keys.is_empty()) {
            if !matches!(row.command, replydeck::app::command::Command::Column(_)) {
                assert!(words.contains(row.words), "{:?} at {cells}:\n{all}", row.words);
            }
        }
    }
}

#[test]
fn what_may_follow_a_prefix_is_told_in_whole_words() {
    for size in [(80, 40), (200, 50)] {
        let mut app = busy(size, "columns");
        app.prefix = "g".to_owned();
        let all = screen(&app);
        // Wrapped or not: the border stands between the parts of a wrapped one.
        let joined = words(&all);
        for (_, command) in app.setup.keys.may_follow(app.mode.kind(), "g") {
            assert!(joined.contains(command.row().words), "{:?} in\n{all}", command.row().words);
        }
    }
    // Where there is no room it is said that something is missing.
    let mut app = busy((40, 16), "columns");
    app.prefix = "g".to_owned();
    assert_has(&screen(&app), &["..", "more v"]);
}

#[test]
fn the_words_of_the_report_are_wrapped_on_a_narrow_screen() {
    let all = shown((60, 250), "report");
    let words = words(&all);
    for line in replydeck::desk::report::DEFINITIONS.lines() {
        let line: Vec<&str> = line.split_whitespace().collect();
        assert!(words.contains(&line.join(" ")), "{line:?} in\n{all}");
    }
    for line in all.lines().filter(|line| line.starts_with('|')) {
        assert!(line.ends_with('|'), "{line}");
    }
}
