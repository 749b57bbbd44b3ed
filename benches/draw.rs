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
use replydeck::desk::fold;
use replydeck::model::event::{EVENT_VERSION, Standing};
use replydeck::model::{ColumnName, Envelope, Event, EventId, MachineName, Seq};
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

/// Posts of a column, each with an open case, so that eight of them make 13,704.
const OPEN: u64 = 1_713;

/// Eight columns, each of so many posts of its own; as on a real desk only the window stays.
fn deep(posts: u64) -> App {
    held(posts, u64::try_from(WINDOW).unwrap_or(u64::MAX).min(posts))
}

/// The same with the newest `kept` posts of each column held, the ones below the window by their open cases.
fn held(posts: u64, kept: u64) -> App {
    let mut app = deck::app(&COLUMNS, SIZE);
    for (i, (name, _)) in (0_u64..).zip(COLUMNS) {
        for n in posts - kept..posts {
            add(&mut app, i, name, n);
        }
        let column = app.desk.columns.get_mut(&ColumnName::new(name)).expect("a column of that name");
        column.matched = posts;
        while column.window.len() > WINDOW {
            column.window.pop_first();
        }
    }
    app.desk.reindex();
    app
}

fn add(app: &mut App, column: u64, name: &str, n: u64) {
    let text = TEXTS[usize::try_from(n % 5).unwrap_or(0)];
    let at = deck::minutes_ago(20_000 - i64::try_from(n).unwrap_or(0));
    deck::add(app, column * 20_000 + n, &format!("who{n}"), at, text, &[name], Standing::Customer);
}

/// An event that changes nothing to be seen, so that only the counting is added.
fn next_event(last: Seq, at: jiff::Timestamp) -> Envelope {
    Envelope {
        id: EventId(uuid::Uuid::nil()),
        seq: Seq(last.0 + 1),
        at,
        rep: deck::rep("ana"),
        machine: MachineName::new("desk-1"),
        version: EVENT_VERSION,
        event: Event::PostDeleted { post: deck::post_id(99_999) },
        body: None,
    }
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
        assert_eq!(unchanged, 0, "a frame that changes nothing writes nothing");
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
    let mut app = held(OPEN, OPEN);
    assert!(app.desk.cases.len() > 13_700, "the desk is as full as the bench says");
    for (what, counts_again) in [("next second", false), ("next event (counts again)", true)] {
        let mut terminal = Terminal::new(TestBackend::new(SIZE.0, SIZE.1)).expect("a terminal");
        let mut cache = Cache::new(Theme::colour());
        let mut second = 0;
        group.bench_function(format!("{what}, {} open cases", app.desk.cases.len()), |bencher| {
            bencher.iter(|| {
                second += 1;
                app.now = deck::now() + jiff::SignedDuration::from_secs(second % 50);
                if counts_again {
                    let event = next_event(app.desk.seq, app.now);
                    fold(&mut app.desk, &event);
                }
                terminal.draw(|frame| ui::draw(frame, black_box(&app), &mut cache)).expect("a frame");
            });
        });
    }
    let mut app = deep(10_000);
    let mut terminal = Terminal::new(TestBackend::new(SIZE.0, SIZE.1)).expect("a terminal");
    let mut cache = Cache::new(Theme::colour());
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
