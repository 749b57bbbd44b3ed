//! From the simulator's write to the screen. Ignored by default: a measurement, and only a release build on a quiet
//! machine says anything.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::json;

use super::{Desk, InTerminal};

const RATE: u32 = 50;
const POSTS: usize = 1_000;
const BAR: Duration = Duration::from_millis(300);

/// Two columns more than the simulator's six.
const MORE: &str = r#"
[[columns]]
name = "slow"
account = "acme"
query = "slow -is:retweet"

[[columns]]
name = "nr"
title = "numbered"
account = "acme"
query = "numbered -is:retweet"
"#;

#[test]
#[ignore = "a measurement: cargo test --release --test pty -- --ignored --nocapture from_write_to_screen"]
#[expect(clippy::print_stdout, reason = "the figures are what it is for")]
fn from_write_to_screen_with_eight_columns_and_fifty_posts_a_second() {
    let desk = Desk::new();
    let config = std::fs::read_to_string(&desk.simulator.config).expect("the config");
    let eight = desk.simulator.config.with_file_name("eight.toml");
    std::fs::write(&eight, format!("{config}{MORE}")).expect("a config of eight columns");
    let deck = InTerminal::start(&["--config", eight.to_str().expect("a path")], desk.home.path(), (200, 50), &[]);
    deck.shows("LIVE 1/1");
    let simulator = &desk.simulator;
    let post = |n: usize| {
        let text = format!("@AcmeHelp acme is slow, numbered N{n:04}N");
        simulator.post(&json!({"handle": format!("teapot_{}", n % 40), "text": text}))
    };
    // The network takes a moment to put new rules in force.
    let warm = (0..30).any(|_| {
        post(9_999);
        deck.comes(Duration::from_secs(2), |screen| screen.contains("N9999N"))
    });
    assert!(warm, "{}", deck.screen());

    let seen: RefCell<BTreeMap<usize, Instant>> = RefCell::new(BTreeMap::new());
    let began = Instant::now() + Duration::from_millis(500);
    let written: Vec<Instant> = std::thread::scope(|scope| {
        let writing = scope.spawn(|| {
            let at = |n: usize| began + Duration::from_secs(1) * u32::try_from(n).expect("few") / RATE;
            (0..POSTS)
                .map(|n| {
                    std::thread::sleep(at(n).saturating_duration_since(Instant::now()));
                    let now = Instant::now();
                    post(n);
                    now
                })
                .collect()
        });
        deck.comes(Duration::from_mins(1), |screen| {
            let now = Instant::now();
            let mut seen = seen.borrow_mut();
            for (at, _) in screen.match_indices('N') {
                let number = screen.get(at + 1..at + 5).and_then(|digits| digits.parse().ok());
                if let Some(number) = number.filter(|number| *number < POSTS) {
                    seen.entry(number).or_insert(now);
                }
            }
            seen.contains_key(&(POSTS - 1))
        });
        writing.join().expect("all were posted")
    });
    let seen = seen.into_inner();
    let mut took: Vec<Duration> =
        written.iter().enumerate().filter_map(|(n, at)| Some(seen.get(&n)?.saturating_duration_since(*at))).collect();
    took.sort_unstable();
    let at = |share: usize| took[(took.len() * share / 1_000).min(took.len() - 1)];
    println!(
        "{} of {POSTS} posts seen at {RATE}/s: p50 {:?}, p95 {:?}, p99 {:?}, most {:?}",
        took.len(),
        at(500),
        at(950),
        at(990),
        took[took.len() - 1]
    );
    assert!(took.len() * 100 >= POSTS * 99, "a post was pushed off the screen before it was drawn");
    assert!(at(990) <= BAR, "p99 is {:?}", at(990));
}
