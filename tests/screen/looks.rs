//! What each screen says, and where the cursor stands on it.

use std::path::Path;

use jiff::SignedDuration;
use replydeck::app::keymap::Keymap;
use replydeck::app::{App, Mode, Msg, notice, update};
use replydeck::model::event::Standing;
use replydeck::model::{AccountName, Delivery, LinkState, LoginReport, LoginState};
use replydeck::ui::Theme;

use super::{Screen, assert_has, busy, deck, modes, shown};

const SIZES: [(u16, u16); 7] = [(80, 24), (200, 50), (79, 23), (38, 10), (20, 6), (3, 2), (1, 1)];

/// Compares with a file; `REPLYDECK_BLESS=1` writes it anew.
#[track_caller]
fn assert_golden(name: &str, screen: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/screen").join(name);
    if std::env::var_os("REPLYDECK_BLESS").is_some() {
        std::fs::write(&path, screen).expect("the golden file can be written");
    }
    let golden = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(screen, golden, "the screen differs from {name}:\n{screen}");
}

#[test]
fn the_main_screens_look_as_agreed() {
    assert_golden("columns-80x24.txt", &shown((80, 24), "columns"));
    assert_golden("columns-200x50.txt", &shown((200, 50), "columns"));
    assert_golden("composer-80x24.txt", &shown((80, 24), "composer"));
    assert_golden("preview-80x24.txt", &shown((80, 24), "preview"));
}

#[test]
fn rows_tell_every_state_in_letters() {
    let screen = shown((200, 60), "columns");
    assert_has(
        &screen,
        &[
            ">NP*0:04 @jo_m",
            "1.2k fol  3rd",
            "tags: slow",
            "not addressed to us",
            " M!*26h10 @tess_w",
            "you:ana  not answered",
            "due -25h10 overdue",
            " C *0:31 @petrk",
            "claimed bo 0:02  held ana 0:07",
            "gap 14:02-14:09 filled: 3 new ~~",
            "not filled: the plan h..",
            " R  1:12 @lin",
            "resolved ana: restored",
            " A *2:05 @mo",
            "ack cy 1:50  dm asked 1:50",
            "deleted by its author (text removed)",
            " W *2:02 @ol",
            "waiting on us 0:07",
            "rt x41",
            "repost, no case",
            "photo: \"a router with a red light\"",
            "12 new  HELD .",
            "in 0:05 @dot",
            "handed over ana 0:01, not seen yet",
            "CASE 4801  N new  unclaimed  due in 0:56",
            "2026-11-21 14:28:01Z".replace("28:01", "28:05").as_str(),
            "reach about 240 (20% of 1,204, an assumption you can set)",
            "3rd contact in 7 days",
            "4630  slow line  not acked  resolved 2:10",
            "LOG",
            "intake on desk-2: took in the first post",
            "cy on desk-2: put the tag slow on",
            "in charter, speed",
            "may we reply? no: not mentioned by @jo_m",
        ],
    );
}

#[test]
fn head_tabs_and_foot_say_how_things_stand() {
    let mut app = deck::busy((80, 24));
    deck::tell(&mut app, notice::Weight::Warning, "bo claimed it first");
    let screen = Screen::new((80, 24), Theme::plain()).text(&app);
    assert_has(
        &screen,
        &[
            "as @CharterHelp (X)  LIVE 1/1  mine 1",
            "OVERDUE 1",
            "14:32Z",
            "[1 charter 5!]",
            "2 outage 5+12 ",
            // Every column has its tab, in as many letters as there is room for.
            "6 prais 0",
            "r ack  d ask-DM  b both  c claim",
            "sent to @petrk in 0:07  u=undo | bo claimed it first",
        ],
    );
    let report = app.links.values_mut().next().expect("a link");
    report.state = LinkState::BackingOff { until: deck::now() + SignedDuration::from_secs(12), why: "503".to_owned() };
    assert_has(&Screen::new((80, 24), Theme::plain()).text(&app), &["LIVE 0/1 backing off 0:12"]);
}

#[test]
fn where_tabs_are_many_those_with_something_in_them_keep_their_names() {
    let names =
        ["mentions", "acme", "acmedown", "billing", "hold", "praise", "mine", "due", "overdue", "on them", "messages"];
    let mut app = deck::app(&names.map(|name| (name, name)), (80, 24));
    let tabs = |app: &App| Screen::new((80, 24), Theme::plain()).text(app).lines().nth(1).expect("tabs").to_owned();
    assert_eq!(tabs(&app).trim(), "[1 mentions 0]  2   3   4   5   6   7   8   9   10   11");
    deck::add(&mut app, 1, "jo_m", deck::minutes_ago(4), "acme is slow", &["acme", "billing"], Standing::Customer);
    assert_eq!(tabs(&app).trim(), "[1 mentions 0]  2 acme 1   3   4 billing 1   5   6   7   8   9   10   11");
    // Where all have something, the line is scrolled: a number without a name says nothing.
    deck::add(&mut app, 2, "al_x", deck::minutes_ago(3), "so it is", &names, Standing::Customer);
    let all = tabs(&app);
    assert!(all.contains("[1 mentions 1]  2 acm 2   3 acm 1   4 bil 2 ") && all.contains(".."), "{all}");
}

#[test]
fn an_account_that_is_logged_out_is_told_with_the_command_until_it_is_not() {
    let mut app = deck::busy((120, 24));
    let told = |app: &mut App, state: LoginState| {
        let report = LoginReport { account: AccountName::new("care"), state };
        update(app, deck::now(), Msg::Login(report));
        Screen::new((120, 24), Theme::plain()).text(app)
    };
    let remedy = "run `replydeck auth care`".to_owned();
    let out = LoginState::Out { why: "nobody has logged in".to_owned(), remedy: remedy.clone() };
    let screen = told(&mut app, out);
    let head = screen.lines().next().expect("a head");
    assert!(head.contains("care LOGGED OUT: run `replydeck auth care`"), "{screen}");
    assert_has(&screen, &["care is logged out, nothing can be sent as it (nobody has logged in)"]);
    let until = deck::now() + SignedDuration::from_mins(20);
    let screen = told(&mut app, LoginState::Doubtful { until, remedy });
    assert_has(&screen, &["care may be logged out at 14:52Z: run `replydeck auth care`"]);
    let screen = told(&mut app, LoginState::In { until: Some(until) });
    assert!(!screen.lines().next().expect("a head").contains("care"), "{screen}");
    // The error before it stays until a key is pressed; the notice comes after it.
    assert_eq!(app.notices.newest().map(|notice| notice.text.as_str()), Some("care is logged in again"));
}

#[test]
fn an_information_notice_goes_and_a_warning_stays() {
    let mut app = deck::app(&[("one", "one")], (80, 24));
    let mut screen = Screen::new((80, 24), Theme::plain());
    deck::tell(&mut app, notice::Weight::Info, "draft saved");
    assert!(screen.text(&app).contains("draft saved"));
    app.now = deck::now() + SignedDuration::from_secs(20);
    assert!(!screen.text(&app).contains("draft saved"));
    deck::tell(&mut app, notice::Weight::Warning, "draft saved");
    app.now += SignedDuration::from_hours(1);
    assert!(screen.text(&app).contains("draft saved"));
}

#[test]
fn every_screen_says_what_it_is_for() {
    for (mode, words) in [
        ("case", vec!["CASE 4801", "3rd contact in 7 days; last: slow line", "DRAFTS"]),
        (
            "composer",
            vec![
                "REPLY draft PUBLIC  as @CharterHelp (X)",
                "third time this week is not OK.",
                "/280",
                "saved 14:31:58",
                "added by itself: @jo_m, ^AN",
                "3rd contact in 7 days; last: slow line, resolved 2026-11-18",
            ],
        ),
        (
            "preview",
            vec![
                "PREVIEW - nothing is sent yet",
                "PUBLIC REPLY as @CharterHelp (X), visible to anyone.",
                "cost $0.20",
                "STOP:",
                "check:",
                "y not sent: see STOP",
                "Esc back, draft is kept",
            ],
        ),
        ("palette", vec!["any command", "/ ne", "next-unanswered: next unanswered case"]),
        ("command", vec!["\n:resol"]),
        ("find", vec!["/slow"]),
        ("find-list", vec!["hits for e, newest first", "@tess_w: 2 hours on hold"]),
        ("help", vec!["In the columns", "k Up", "row before"]),
        (
            "outbox",
            vec![
                "FAILED: 403 Forbidden: you are not permitted (will not be taken as it is)",
                "PARKED: no answer for 30 s",
                "held, goes in 0:07",
            ],
        ),
        ("drafts", vec!["case 4801  acknowledgement  by ana", "Sorry about"]),
        (
            "links",
            vec!["@CharterHelp (X) live  last byte 6s ago", "gap 14:02-14:09", "nothing for 20 s, connecting again"],
        ),
        (
            "notices",
            vec![
                "error: the disk is full: nothing is lost",
                "warning: column slow: X took 40 of 41",
                "resolved: case 12",
            ],
        ),
        ("saved", vec!["saved replies", "slow: Sorry about the slow line, {name}."]),
        ("quit", vec!["One reply is held", "to @petrk in 0:07", "send now and quit"]),
    ] {
        for size in [(80, 24), (200, 50)] {
            assert_has(&shown(size, mode), &words);
        }
    }
}

#[test]
fn a_prefix_shows_what_may_follow_for_as_long_as_it_takes() {
    let mut app = deck::busy((80, 24));
    app.prefix = "g".to_owned();
    assert_has(&Screen::new((80, 24), Theme::plain()).text(&app), &["g then", "d  drafts", "l  connection log"]);
}

#[test]
fn every_mode_draws_at_every_size_and_the_cursor_is_inside() {
    for size in SIZES {
        for mode in modes::NAMES {
            let mut screen = Screen::new(size, Theme::colour());
            screen.draw(&busy(size, mode));
            let cursor = screen.cursor();
            assert!(cursor.x < size.0 && cursor.y < size.1, "{mode} at {size:?}: {cursor:?}");
        }
    }
}

#[test]
fn the_preview_cuts_nothing_in_a_narrow_pane() {
    for size in [(200, 50), (120, 30), (80, 24), (60, 30), (50, 36), (38, 44)] {
        let screen = shown(size, "preview");
        let whole = ["In reply to", "@jo_m", "(JO)", "2026-11-21 14:28:05Z", "@CharterHelp (X)", "length 163/280"];
        assert_has(&screen, &whole);
        assert_has(&screen, &["cost $0.20", "by hand", "see STOP", "Esc back"]);
    }
    // What would be refused is not offered.
    let foot = |size, mode| shown(size, mode).lines().nth_back(1).expect("the line of keys").to_owned();
    let keys = foot((200, 50), "preview");
    assert!(!keys.contains("y send") && keys.contains("e edit"), "{keys}");
    // What explains goes first where there is little room.
    assert_has(&shown((60, 30), "preview"), &["length 163/280 (X weighted, link counts 23)  cost $0.20 "]);
    assert_has(&shown((50, 36), "preview"), &["length 163/280  cost $0.20 (has a link) "]);
    for size in [(80, 24), (60, 30), (50, 36)] {
        assert_has(&shown(size, "composer"), &["In reply to @jo_m", "2026-11-21 14:28:05Z"]);
    }
}

#[test]
fn a_list_has_one_pointer() {
    for mode in ["palette", "saved"] {
        for size in [(80, 24), (200, 50)] {
            let screen = shown(size, mode);
            assert!(!screen.contains(":preview"), "the editor behind the list has its keys\n{screen}");
            let list = screen.lines().skip_while(|line| !line.contains("+- "));
            assert_eq!(list.filter(|line| line.contains("|>")).count(), 1, "{mode} on\n{screen}");
        }
    }
}

#[test]
fn the_cursor_is_where_the_eye_should_be() {
    for (mode, before) in [
        ("columns", ">NP*0:04 @jo_m"),
        ("find-list", "> 2026-11-21"),
        ("outbox", "> @user_with"),
        ("drafts", "> @jo_m"),
    ] {
        let mut screen = Screen::new((80, 24), Theme::plain());
        let all = screen.text(&busy((80, 24), mode));
        let cursor = screen.cursor();
        let line = all.lines().nth(usize::from(cursor.y)).expect("the cursor's line");
        let rest: String = line.chars().skip(usize::from(cursor.x)).collect();
        assert!(rest.starts_with(before), "{mode}: {rest:?}\n{all}");
    }
    for (mode, after) in [("palette", "/ ne"), ("command", ":resol"), ("find", "/slow"), ("composer", "OK. 回線")] {
        for size in [(80, 24), (200, 50)] {
            let mut screen = Screen::new(size, Theme::plain());
            let buffer = screen.draw(&busy(size, mode));
            let cursor = screen.cursor();
            let before: String = (0..cursor.x).map(|x| buffer[(x, cursor.y)].symbol()).collect();
            let before: String = before.replace("回 線 ", "回線");
            assert!(before.ends_with(after), "{mode}: {before:?}");
        }
    }
}

#[test]
fn the_same_state_draws_the_same_frame() {
    for mode in modes::NAMES {
        let app = busy((200, 50), mode);
        let mut screen = Screen::new((200, 50), Theme::colour());
        let first = screen.draw(&app);
        let first_cursor = screen.cursor();
        assert_eq!(screen.draw(&app), first, "{mode}");
        assert_eq!(screen.cursor(), first_cursor, "{mode}");
    }
}

#[test]
fn an_erased_text_is_gone_from_the_next_frame() {
    let mut app = deck::busy((80, 24));
    let mut screen = Screen::new((80, 24), Theme::plain());
    assert!(screen.text(&app).contains("No signal in Reno"));
    let post = app.desk.posts.get_mut(&deck::post_id(3)).expect("the post");
    post.body = None;
    post.state = replydeck::desk::PostState::Erased;
    let all = screen.text(&app);
    assert!(!all.contains("No signal in Reno") && all.contains("text removed"), "{all}");
    assert!(!format!("{:?}", screen.cache).contains("No signal in Reno"));
}

#[test]
fn a_reply_that_failed_stays_in_sight() {
    let mut app = deck::busy((80, 24));
    let why = Delivery::Failed { why: "403".to_owned(), may_retry: false };
    deck::reply(&mut app, 9, &deck::post_id(1), why, "words");
    assert_has(&Screen::new((80, 24), Theme::plain()).text(&app), &["outbox 1", "send failed, see outbox"]);
}

#[test]
fn the_help_says_that_more_follows_and_names_the_columns_in_one_row() {
    let top = shown((80, 24), "help");
    assert_has(&top, &["more v"]);
    let whole = shown((80, 900), "help");
    assert!(!whole.contains("more v"), "{whole}");
    let rows = |words: &str| whole.lines().filter(|line| line.contains(words)).count();
    let (together, alone) = (rows("1 .. 9 "), rows("  column 5"));
    assert!(together > 0 && alone == 0, "{together} {alone}\n{whole}");

    let mut app = busy((80, 900), "help");
    let keys = [("column-5".to_owned(), vec!["gz".to_owned()])];
    app.setup.keys = Keymap::with(&keys).expect("keys that may be");
    let whole = Screen::new((80, 400), Theme::plain()).text(&app);
    assert_has(&whole, &["gz                      column 5", "column 6"]);
    assert!(!whole.contains("1 .. 9"), "{whole}");
}

#[test]
fn the_preview_cuts_neither_the_link_of_the_post_nor_its_keys() {
    for size in [(80, 24), (200, 50)] {
        let screen = shown(size, "preview");
        assert_has(&screen, &["x.com/jo_m/status/1789000000000001"]);
        assert!(screen.lines().any(|line| line.contains("save draft   go post it by hand")), "{screen}");

        let mut app = busy(size, "preview");
        let Mode::Preview(preview) = &mut app.mode else { panic!("no preview") };
        preview.checks.retain(|check| !check.stops);
        let screen = Screen::new(size, Theme::plain()).text(&app);
        assert_has(&screen, &["y send (10 s to undo)   e edit   s save draft   go post it by hand"]);
    }
}

#[test]
fn a_link_that_is_not_well_stays_in_the_head_of_a_narrow_screen() {
    for columns in [40, 46, 60, 80] {
        let mut app = busy((columns, 16), "columns");
        let report = app.links.values_mut().next().expect("a link");
        report.state =
            LinkState::BackingOff { until: deck::now() + SignedDuration::from_secs(12), why: "cut".to_owned() };
        let screen = Screen::new((columns, 16), Theme::plain()).text(&app);
        let head = screen.lines().next().expect("a head");
        assert!(head.contains("backing off 0:12") && head.contains("OVERDUE 1"), "{head}");
        assert!(columns < 80 || head.contains("LIVE 0/1 backing"), "{head}");
    }
}
