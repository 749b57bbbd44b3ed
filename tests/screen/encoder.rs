//! The bytes that reach the terminal, read back by a model of one.

use std::path::Path;

use jiff::SignedDuration;
use proptest::prelude::*;
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use replydeck::app::App;
use replydeck::model::event::Standing;
use replydeck::ui::{self, Cache, Theme};

use super::real_terminal::{Shared, emulator, is_colour, own_terminal, sgr, stock_terminal};
use super::{busy, deck, modes};

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

    /// The frame in a new terminal: there the stock encoder leaves nothing of an earlier one.
    fn draw_anew(&mut self, app: &App) -> Vec<String> {
        let area = self.parser.screen().size();
        let size = (area.1.get(), area.0.get());
        (self.terminal, self.bytes) = stock_terminal(size);
        self.parser = emulator(size);
        self.terminal.draw(|frame| ui::draw(frame, app, &mut self.cache)).expect("a frame");
        self.parser.process(&std::mem::take(&mut *self.bytes.0.borrow_mut()));
        seen(&self.parser)
    }
}

/// Every line of a terminal as the eye takes it in, with its colours, and where the cursor is: what an erased cell
/// and a written blank have in common is all that counts of them.
pub(super) fn seen(parser: &vt100::Parser) -> Vec<String> {
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
        assert_eq!(seen(&parser), stock.draw_anew(app), "step {step}");
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
    assert_texts_keep_the_borders_of(texts, false);
}

fn assert_texts_keep_the_borders_of(texts: &[String], shortcodes: bool) {
    let mut app = with_texts(texts);
    app.setup.shortcodes = shortcodes;
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
fn borders_hold_where_emoji_are_spelled_out_and_no_terminal_can_disagree() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/screen/hard.txt");
    let texts: Vec<String> = std::fs::read_to_string(file).expect("the fixture").lines().map(str::to_owned).collect();
    assert_texts_keep_the_borders_of(&texts, true);
    let risky: Vec<_> = texts.iter().filter(|text| text.contains('\u{200d}') || text.contains('\u{fe0f}')).collect();
    assert!(risky.len() > 10, "the fixture has lost its emoji");
    for text in risky {
        let mut app = with_texts(&["plain".to_owned(), text.clone()]);
        app.setup.shortcodes = true;
        let shown = super::Screen::new((80, 60), Theme::plain()).text(&app);
        assert!(!shown.contains('\u{200d}') && !shown.contains('\u{fe0f}'), "{text}\n{shown}");
    }
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
        // The wall between the columns, or the box over it: what may follow `g` takes the whole width.
        let left = match prefix {
            "" => 39,
            "g" => 0,
            _ => 30,
        };
        let cell = parser.screen().cell(20, left).map(vt100::Cell::contents).unwrap_or_default();
        assert_eq!(cell, "|", "{prefix}:\n{}", parser.screen().contents());
    }
}

fn cell_words() -> impl Strategy<Value = String> {
    "[a-c |]{1,6}| {1,30}|[回線がです]{1,4}|[éßЖ]{1,3}|😡"
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
        let mut own_parser = emulator(size);
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
            // In a new terminal: there the stock encoder leaves nothing of an earlier frame.
            let (mut stock, bytes) = stock_terminal(size);
            let mut stock_parser = emulator(size);
            stock.draw(draw).expect("a frame");
            stock_parser.process(&std::mem::take(&mut *bytes.0.borrow_mut()));
            prop_assert_eq!(seen(&own_parser), seen(&stock_parser));
        }
    }
}

#[test]
fn a_line_that_is_wiped_is_erased_in_one_stretch() {
    let mut terminal = own_terminal((80, 2));
    let mut show = |words: &str| {
        let drawn = |frame: &mut ratatui::Frame<'_>| {
            frame.buffer_mut().set_string(1, 0, words, ratatui::style::Style::new());
            frame.buffer_mut().set_string(78, 0, "|", ratatui::style::Style::new());
        };
        terminal.draw(drawn).expect("a frame");
        String::from_utf8(terminal.backend_mut().take()).expect("text")
    };
    show("several words that stand apart from each other on their line");
    let wiped = show("");
    assert_eq!(wiped.matches('X').count(), 1, "{wiped:?}");
    assert!(!wiped.contains('C') && wiped.len() < 30, "{wiped:?}");
}
