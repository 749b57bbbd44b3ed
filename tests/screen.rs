//! The screen: what stands on it, where the cursor is, what keeps its place, and what reaches the terminal.

use std::path::Path;

use jiff::SignedDuration;
use proptest::prelude::*;
use ratatui::Terminal;
use ratatui::backend::{Backend, CrosstermBackend, TestBackend};
use ratatui::buffer::Buffer;
use ratatui::layout::Position;
use real_terminal::{Shared, emulator, is_colour, own_terminal, sgr, stock_terminal};
use replydeck::app::{App, Mode, notice};
use replydeck::model::event::Standing;
use replydeck::model::{Delivery, LinkState};
use replydeck::ui::{self, Cache, Theme};

#[path = "fixtures/screen/deck.rs"]
mod deck;
#[path = "fixtures/screen/modes.rs"]
mod modes;
#[path = "fixtures/screen/real_terminal.rs"]
mod real_terminal;

const SIZES: [(u16, u16); 7] = [(80, 24), (200, 50), (79, 23), (38, 10), (20, 6), (3, 2), (1, 1)];

/// One screen kept over several frames.
struct Screen {
    terminal: Terminal<TestBackend>,
    cache: Cache,
}

impl Screen {
    fn new((columns, rows): (u16, u16), theme: Theme) -> Self {
        let terminal = Terminal::new(TestBackend::new(columns, rows)).expect("a test terminal");
        Self { terminal, cache: Cache::new(theme) }
    }

    fn draw(&mut self, app: &App) -> Buffer {
        self.terminal.draw(|frame| ui::draw(frame, app, &mut self.cache)).expect("a frame");
        self.terminal.backend().buffer().clone()
    }

    fn cursor(&mut self) -> Position {
        self.terminal.backend_mut().get_cursor_position().expect("a cursor")
    }

    fn text(&mut self, app: &App) -> String {
        text(&self.draw(app))
    }

    /// The line of the screen on which the words stand first.
    fn line_of(&mut self, app: &App, words: &str) -> Option<usize> {
        self.text(app).lines().position(|line| line.contains(words))
    }
}

fn text(buffer: &Buffer) -> String {
    let area = buffer.area;
    let mut all = String::new();
    for y in area.top()..area.bottom() {
        let mut skip = 0;
        for x in area.left()..area.right() {
            if skip > 0 {
                skip -= 1;
                continue;
            }
            let symbol = buffer[(x, y)].symbol();
            skip = ui::text::units(symbol).map(|unit| unit.cells).sum::<u16>().saturating_sub(1);
            all.push_str(symbol);
        }
        all.truncate(all.trim_end_matches(' ').len());
        all.push('\n');
    }
    all
}

fn busy(size: (u16, u16), mode: &str) -> App {
    let mut app = deck::busy(size);
    modes::open(&mut app, mode);
    app
}

fn shown(size: (u16, u16), mode: &str) -> String {
    Screen::new(size, Theme::plain()).text(&busy(size, mode))
}

#[track_caller]
fn assert_has(screen: &str, words: &[&str]) {
    for words in words {
        assert!(screen.contains(words), "no {words:?} on\n{screen}");
    }
}

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
            ">N  0:04 @jo_m",
            "1.2k fol  3rd",
            "tags: slow",
            "not addressed to us",
            " M! 26h10 @tess_w",
            "you:ana  not answered",
            "due -25h10 overdue",
            " C  0:31 @petrk",
            "claimed bo 0:02  held ana 0:07",
            "gap 14:02-14:09 filled: 3 new ~~",
            "not filled: the plan..",
            " R  1:12 @lin",
            "resolved ana: restored",
            " A  2:05 @mo",
            "ack cy 1:50  dm asked 1:50",
            "deleted by its author (text removed)",
            " W  2:02 @ol",
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
            "4630  slow line  resolved after 2:10",
            "LOG",
            "case 4801 began",
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
            "14:32:05Z",
            "[1 charter 5!]",
            "2 outage 5+12 ",
            "r ack  d ask-DM  b both  c claim",
            "sent to @petrk in 0:07  u=undo | bo claimed it first",
        ],
    );
    let report = app.links.values_mut().next().expect("a link");
    report.state = LinkState::BackingOff { until: deck::now() + SignedDuration::from_secs(12), why: "503".to_owned() };
    assert_has(&Screen::new((80, 24), Theme::plain()).text(&app), &["LIVE 0/1 backing off 0:12"]);
}

#[test]
fn an_information_notice_goes_and_a_warning_stays() {
    let mut app = deck::app(&[("one", "one")], (80, 24));
    let mut screen = Screen::new((80, 24), Theme::plain());
    deck::tell(&mut app, notice::Weight::Info, "draft saved");
    assert!(screen.text(&app).contains("draft saved"));
    app.now = deck::now() + SignedDuration::from_secs(20);
    assert!(!screen.text(&app).contains("draft saved"));
    app.notices[0].weight = notice::Weight::Warning;
    assert!(screen.text(&app).contains("draft saved"));
}

#[test]
fn every_screen_says_what_it_is_for() {
    for (mode, words) in [
        ("case", vec!["CASE 4801", "HISTORY", "4630  slow line"]),
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
                "y send (10 s to undo)",
                "Esc back, draft is kept",
            ],
        ),
        ("palette", vec!["any command", "> ne", "next-unanswered: next unanswered case"]),
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
fn the_cursor_is_where_the_eye_should_be() {
    for (mode, before) in [
        ("columns", ">N  0:04 @jo_m"),
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
    for (mode, after) in [("palette", "> ne"), ("command", ":resol"), ("find", "/slow"), ("composer", "OK. 回線")] {
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
fn the_plain_theme_sends_no_colour_and_still_reverses_the_selection() {
    for mode in modes::NAMES {
        let app = busy((200, 50), mode);
        for (theme, coloured) in [(Theme::plain(), false), (Theme::colour(), true)] {
            let mut terminal = own_terminal((200, 50));
            let mut cache = Cache::new(theme);
            terminal.draw(|frame| ui::draw(frame, &app, &mut cache)).expect("a frame");
            let codes = sgr(&terminal.backend_mut().take());
            assert_eq!(codes.iter().copied().any(is_colour), coloured, "{mode}");
            if mode == "columns" {
                assert!(codes.contains(&7), "the selection is reversed");
            }
        }
    }
}

/// The same frames by the stock encoder.
struct Stock {
    terminal: Terminal<CrosstermBackend<Shared>>,
    bytes: Shared,
    cache: Cache,
    parser: vt100::Parser,
}

impl Stock {
    fn new(size: (u16, u16)) -> Self {
        let (terminal, bytes) = stock_terminal(size);
        Self { terminal, bytes, cache: Cache::new(Theme::colour()), parser: emulator(size) }
    }

    fn draw(&mut self, app: &App) -> Vec<String> {
        self.terminal.draw(|frame| ui::draw(frame, app, &mut self.cache)).expect("a frame");
        self.parser.process(&std::mem::take(&mut *self.bytes.0.borrow_mut()));
        seen(&self.parser)
    }
}

/// Every line of a terminal as the eye takes it in, with its colours, and where the cursor is: what an erased cell
/// and a written blank have in common is all that counts of them.
fn seen(parser: &vt100::Parser) -> Vec<String> {
    let screen = parser.screen();
    let (rows, columns) = screen.size();
    let mut lines: Vec<String> = (0..rows.get())
        .map(|row| {
            let mut line = String::new();
            let mut last = String::new();
            for cell in (0..columns.get()).filter_map(|column| screen.cell(row, column)) {
                let is_blank = cell.contents().trim().is_empty() && !cell.is_wide_continuation();
                let shows = !is_blank || cell.inverse() || cell.underline();
                let mut look = format!("{:?}{}{}", cell.bgcolor(), cell.inverse(), cell.underline());
                if shows {
                    let (bold, dim, italic) = (cell.bold(), cell.dim(), cell.italic());
                    look = format!("{look}{:?}{bold}{dim}{italic}", cell.fgcolor());
                }
                if look != last {
                    line.extend(["<", &look, ">"]);
                    last = look;
                }
                line.push_str(if is_blank { " " } else { cell.contents() });
            }
            line
        })
        .collect();
    lines.push(if screen.hide_cursor() { "no cursor".to_owned() } else { format!("{:?}", screen.cursor_position()) });
    lines
}

#[test]
fn the_own_encoder_shows_what_the_stock_one_shows_in_fewer_bytes() {
    let size = (200, 50);
    let mut terminal = own_terminal(size);
    let mut cache = Cache::new(Theme::colour());
    let mut parser = emulator(size);
    let mut stock = Stock::new(size);
    let (mut own_bytes, mut stock_bytes) = (0, 0);
    for round in 0..3 {
        for mode in modes::NAMES {
            let mut app = busy(size, mode);
            app.focus = round;
            app.now += SignedDuration::from_secs(i64::try_from(round).expect("small"));
            terminal.draw(|frame| ui::draw(frame, &app, &mut cache)).expect("a frame");
            let bytes = terminal.backend_mut().take();
            own_bytes += bytes.len();
            parser.process(&bytes);
            let theirs = {
                stock.terminal.draw(|frame| ui::draw(frame, &app, &mut stock.cache)).expect("a frame");
                let bytes = std::mem::take(&mut *stock.bytes.0.borrow_mut());
                stock_bytes += bytes.len();
                stock.parser.process(&bytes);
                seen(&stock.parser)
            };
            for (row, (own, theirs)) in seen(&parser).iter().zip(&theirs).enumerate() {
                assert_eq!(own, theirs, "{mode}, row {row}");
            }
            terminal.draw(|frame| ui::draw(frame, &app, &mut cache)).expect("a frame");
            assert!(terminal.backend_mut().take().is_empty(), "{mode}: nothing changed, nothing is written");
        }
    }
    assert!(own_bytes * 4 < stock_bytes * 3, "{own_bytes} bytes, stock {stock_bytes}");
}

/// Draws a sequence of states through the real encoder into a terminal of its own and looks at the borders.
#[track_caller]
fn assert_borders_hold(app: &mut App, steps: impl Iterator<Item = Box<dyn Fn(&mut App)>>) {
    let size = (80, 24);
    let mut terminal = own_terminal(size);
    let mut cache = Cache::new(Theme::colour());
    let mut parser = emulator(size);
    let mut stock = Stock::new(size);
    for (step, change) in steps.enumerate() {
        change(app);
        terminal.draw(|frame| ui::draw(frame, app, &mut cache)).expect("a frame");
        parser.process(&terminal.backend_mut().take());
        assert_eq!(seen(&parser), stock.draw(app), "step {step}");
        for row in 2..size.1 - 3 {
            for column in [0, 39, 79] {
                let cell = parser.screen().cell(row, column).map(vt100::Cell::contents).unwrap_or_default();
                assert_eq!(cell, "|", "step {step}, row {row}, column {column}:\n{}", parser.screen().contents());
            }
        }
    }
}

fn with_texts(texts: &[String]) -> App {
    let mut app = deck::app(&[("one", "one"), ("two", "two")], (80, 24));
    for (n, text) in (0_u64..).zip(texts) {
        let minutes = i64::try_from(n).expect("small");
        let handle =
            if n % 3 == 0 { text.chars().take(30).filter(|c| *c != '\n').collect() } else { format!("who{n}") };
        deck::add(&mut app, n, &handle, deck::minutes_ago(minutes), text, &["one", "two"], Standing::Customer);
    }
    app
}

fn assert_texts_keep_the_borders(texts: &[String]) {
    let mut app = with_texts(texts);
    let count = u64::try_from(texts.len()).expect("small");
    let both = move |n: u64| {
        Box::new(move |app: &mut App| {
            app.columns[0].selected = Some(deck::post_id(n));
            app.columns[1].selected = Some(deck::post_id(count - 1 - n));
        }) as Box<dyn Fn(&mut App)>
    };
    assert_borders_hold(&mut app, (0..count).map(both));
}

#[test]
fn borders_hold_for_text_of_every_script() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/screen/hard.txt");
    let texts: Vec<String> = std::fs::read_to_string(file).expect("the fixture").lines().map(str::to_owned).collect();
    assert_eq!(texts.len(), 200);
    assert_texts_keep_the_borders(&texts);
}

#[test]
#[expect(clippy::print_stderr, reason = "a skipped test says so")]
fn borders_hold_for_hard_text_people_wrote() {
    let shared = std::env::var_os("REPLYDECK_SHARED")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"), Into::into);
    let Ok(lines) = std::fs::read_to_string(shared.join("data/hard_text.ndjson")) else {
        eprintln!("skipped: no hard_text.ndjson beside the checkout");
        return;
    };
    let text = |line: &str| {
        let value: serde_json::Value = serde_json::from_str(line).expect("a JSON line");
        replydeck::model::clean::text(value["text"].as_str().expect("a text"))
    };
    assert_texts_keep_the_borders(&lines.lines().map(text).collect::<Vec<_>>());
}

#[test]
fn borders_hold_while_boxes_open_over_wide_text() {
    let mut app = with_texts(&vec![
        "回線がとても遅いです。👨‍👩‍👧‍👦 配送遅延 まだ届かない".to_owned();
        20
    ]);
    let mut terminal = own_terminal((80, 24));
    let mut cache = Cache::new(Theme::colour());
    let mut parser = emulator((80, 24));
    for prefix in ["", "g", "", "y", ""] {
        app.prefix = prefix.to_owned();
        terminal.draw(|frame| ui::draw(frame, &app, &mut cache)).expect("a frame");
        parser.process(&terminal.backend_mut().take());
        let left = if prefix.is_empty() { 39 } else { 30 };
        let cell = parser.screen().cell(20, left).map(vt100::Cell::contents).unwrap_or_default();
        assert_eq!(cell, "|", "{prefix}:\n{}", parser.screen().contents());
    }
}

fn cell_words() -> impl Strategy<Value = String> {
    "[a-c |]{1,6}| {1,30}|[回線がです]{1,4}|[éßЖ]{1,3}|😡|กำ"
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn any_cells_come_out_as_the_stock_encoder_draws_them(
        frames in prop::collection::vec(
            prop::collection::vec((0_u16..60, 0_u16..6, cell_words(), 0_u8..12, 0_u8..4, any::<u16>()), 0..14),
            1..5,
        )
    ) {
        use ratatui::style::{Color, Modifier, Style};
        let size = (60, 6);
        let mut terminal = own_terminal(size);
        let (mut stock, bytes) = stock_terminal(size);
        let (mut own_parser, mut stock_parser) = (emulator(size), emulator(size));
        for (n, puts) in frames.iter().enumerate() {
            // The model of a terminal keeps only one of the two on a cell.
            let weight = if n % 2 == 0 { Modifier::BOLD } else { Modifier::DIM };
            let draw = |frame: &mut ratatui::Frame<'_>| {
                for (x, y, words, fg, bg, modifier) in puts {
                    let pick = |n: u8| match n {
                        0..=2 => Color::Reset,
                        3 => Color::Red,
                        4..=6 => Color::DarkGray,
                        7 => Color::Indexed(120),
                        8 => Color::Rgb(1, 2, 3),
                        _ => Color::LightCyan,
                    };
                    let modifier = Modifier::from_bits_truncate(*modifier)
                        & (weight | Modifier::ITALIC | Modifier::UNDERLINED | Modifier::REVERSED);
                    let style = Style::new().fg(pick(*fg)).bg(pick(*bg)).add_modifier(modifier);
                    frame.buffer_mut().set_stringn(*x, *y, words, 60, style);
                }
            };
            terminal.draw(draw).expect("a frame");
            own_parser.process(&terminal.backend_mut().take());
            stock.draw(draw).expect("a frame");
            stock_parser.process(&std::mem::take(&mut *bytes.0.borrow_mut()));
            prop_assert_eq!(seen(&own_parser), seen(&stock_parser));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn nothing_drawn_ever_panics(
        sizes in prop::collection::vec((1_u16..230, 1_u16..60), 1..5),
        steps in prop::collection::vec((0_usize..14, 0_usize..8, 0_u64..25, any::<u16>(), any::<bool>()), 1..6),
        texts in prop::collection::vec("\\PC{0,60}|[a-z 回線👨‍👩‍👧‍👦\n]{0,80}", 1..8),
    ) {
        let mut app = deck::busy(sizes[0]);
        for (n, text) in (30_u64..).zip(&texts) {
            let text = replydeck::model::clean::text(text);
            deck::add(&mut app, n, "who", deck::minutes_ago(1), &text, &["charter", "speed"], Standing::Customer);
        }
        let mut cache = Cache::new(Theme::colour());
        for (size, (mode, focus, selected, scroll, has_selection)) in sizes.iter().cycle().zip(&steps) {
            modes::open(&mut app, modes::NAMES[*mode]);
            app.focus = *focus;
            if let Some(column) = app.columns.get_mut(*focus) {
                column.selected = has_selection.then(|| deck::post_id(*selected));
                column.held = scroll % 2 == 0;
            }
            match &mut app.mode {
                Mode::Case { scroll: at } | Mode::Help { scroll: at } | Mode::Links { scroll: at } => *at = *scroll,
                Mode::Outbox { selected } | Mode::Drafts { selected } => *selected = usize::from(*scroll),
                Mode::Preview(preview) => preview.scroll = *scroll,
                _ => {}
            }
            if *has_selection {
                app.prefix = "g".to_owned();
            } else {
                app.prefix.clear();
            }
            let mut terminal = Terminal::new(TestBackend::new(size.0, size.1)).expect("a test terminal");
            terminal.draw(|frame| ui::draw(frame, &app, &mut cache)).expect("a frame");
            let first = terminal.backend().buffer().clone();
            terminal.draw(|frame| ui::draw(frame, &app, &mut cache)).expect("a frame");
            prop_assert_eq!(terminal.backend().buffer(), &first);
        }
    }
}

#[test]
fn a_reply_that_failed_stays_in_sight() {
    let mut app = deck::busy((80, 24));
    let why = Delivery::Failed { why: "403".to_owned(), may_retry: false };
    deck::reply(&mut app, 9, &deck::post_id(1), why, "words");
    assert_has(&Screen::new((80, 24), Theme::plain()).text(&app), &["outbox 1", "send failed, see outbox"]);
}
