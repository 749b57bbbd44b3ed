//! What a frame costs: time, flat in depth, and bytes to the terminal.
//!
//! The bytes are printed first: an unchanged frame, a move of the selection, a new post.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use ratatui::backend::TestBackend;
use ratatui::layout::{Rect, Size};
use ratatui::{Terminal, TerminalOptions, Viewport};
use replydeck::app::App;
use replydeck::desk::column::WINDOW;
use replydeck::model::event::Standing;
use replydeck::run::encoder::Encoder;
use replydeck::ui::{self, Cache, Theme};

#[path = "../tests/fixtures/screen/deck.rs"]
#[expect(dead_code, reason = "the bench needs a part of the deck builder")]
mod deck;

const SIZE: (u16, u16) = (200, 50);
const COLUMNS: [(&str, &str); 8] = [
    ("one", "one"),
    ("two", "two"),
    ("three", "three"),
    ("four", "four"),
    ("five", "five"),
    ("six", "six"),
    ("seven", "seven"),
    ("eight", "eight"),
];
const TEXTS: [&str; 5] = [
    "Internet is really slow today, third time this week and nobody answers the phone",
    "La rete non va da stamattina, quando torna?",
    "回線がとても遅いです。いつ直りますか？",
    "Two hours on hold 😡 is this what I pay for? https://status.example/reno",
    "Seit gestern kein Empfang, bitte um Hilfe",
];

/// Eight columns, each of so many posts of its own; as on a real desk only the window stays.
fn deep(posts: u64) -> App {
    let mut app = deck::app(&COLUMNS, SIZE);
    let kept = u64::try_from(WINDOW).unwrap_or(u64::MAX).min(posts);
    for (i, (name, _)) in (0_u64..).zip(COLUMNS) {
        for n in posts - kept..posts {
            add(&mut app, i, name, n);
        }
        let column = app.desk.columns.values_mut().nth(usize::try_from(i).unwrap_or(0));
        if let Some(column) = column {
            column.matched = posts;
        }
    }
    app
}

fn add(app: &mut App, column: u64, name: &str, n: u64) {
    let text = TEXTS[usize::try_from(n % 5).unwrap_or(0)];
    let at = deck::minutes_ago(20_000 - i64::try_from(n).unwrap_or(0));
    deck::add(app, column * 20_000 + n, &format!("who{n}"), at, text, &[name], Standing::Customer);
}

/// Synchronized output takes so many bytes around every frame that is not empty.
const BRACKETS: usize = 16;

#[expect(clippy::print_stderr, reason = "a bench reports what it counted")]
fn bytes(_: &mut Criterion) {
    for (what, columns) in [("with the case pane", SIZE.0), ("columns only", 149)] {
        let viewport = Viewport::Fixed(Rect::new(0, 0, columns, SIZE.1));
        let encoder = Encoder::new(Size::new(columns, SIZE.1));
        let mut terminal = Terminal::with_options(encoder, TerminalOptions { viewport }).expect("a terminal");
        let mut cache = Cache::new(Theme::colour());
        let mut app = deep(10_000);
        let mut frame = |app: &App| {
            terminal.draw(|frame| ui::draw(frame, app, &mut cache)).expect("a frame");
            match terminal.backend_mut().take().len() {
                0 => 0,
                bytes => bytes + BRACKETS,
            }
        };
        let full = frame(&app);
        let unchanged = frame(&app);
        app.columns[0].selected = Some(deck::post_id(9_999));
        frame(&app);
        app.columns[0].selected = Some(deck::post_id(9_998));
        let selection = frame(&app);
        add(&mut app, 1, "two", 10_000);
        let new_post = frame(&app);
        app.now += jiff::SignedDuration::from_secs(1);
        let second = frame(&app);
        eprintln!(
            "{columns}x{} {what}: full {full} B, unchanged {unchanged} B, selection {selection} B, new post {new_post} B, \
             a second {second} B",
            SIZE.1
        );
    }
}

fn time(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("draw 200x50, 8 columns");
    for posts in [100, 1_000, 10_000] {
        let app = deep(posts);
        let mut terminal = Terminal::new(TestBackend::new(SIZE.0, SIZE.1)).expect("a terminal");
        let mut cache = Cache::new(Theme::colour());
        group.bench_function(format!("unchanged, {posts} posts deep"), |bencher| {
            bencher.iter(|| {
                terminal.draw(|frame| ui::draw(frame, black_box(&app), &mut cache)).expect("a frame");
            });
        });
    }
    let mut app = deep(10_000);
    let mut terminal = Terminal::new(TestBackend::new(SIZE.0, SIZE.1)).expect("a terminal");
    let mut cache = Cache::new(Theme::colour());
    let mut second = 0;
    group.bench_function("next second, 10000 posts deep (counts again)", |bencher| {
        bencher.iter(|| {
            second += 1;
            app.now = deck::now() + jiff::SignedDuration::from_secs(second % 50);
            terminal.draw(|frame| ui::draw(frame, black_box(&app), &mut cache)).expect("a frame");
        });
    });
    let mut selected = 9_999;
    group.bench_function("selection moves, 10000 posts deep", |bencher| {
        bencher.iter(|| {
            selected = if selected > 9_100 { selected - 1 } else { 9_999 };
            app.columns[0].selected = Some(deck::post_id(selected));
            terminal.draw(|frame| ui::draw(frame, black_box(&app), &mut cache)).expect("a frame");
        });
    });
    group.finish();
}

criterion_group!(benches, bytes, time);
criterion_main!(benches);
