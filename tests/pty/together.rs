//! Two reps at two screens of one host, and a rep whose program is killed while they write.

use std::time::{Duration, Instant};

use replydeck::desk::{Desk as State, fold};
use replydeck::log::Log as _;
use replydeck::log::sqlite::SqliteLog;
use replydeck::model::{CaseId, Purpose, RepName, Seq};
use serde_json::json;

use super::{Desk, ESC, InTerminal, PATIENCE, SMALL};

/// Where a rep is shows on the other's screen about so soon; a busy machine that tests is given five times as long.
const SEEN_WITHIN: Duration = Duration::from_secs(5);
/// Of a killed session nothing shows after so long.
const GONE_WITHIN: Duration = Duration::from_secs(10);
/// At most what was typed in so long is lost.
const LOST: Duration = Duration::from_secs(1);

fn bo(desk: &Desk, size: (u16, u16)) -> InTerminal {
    let config = std::fs::read_to_string(&desk.simulator.config).expect("the config");
    let theirs = desk.simulator.config.with_file_name("bo.toml");
    std::fs::write(&theirs, config.replace("rep = \"ana\"", "rep = \"bo\"")).expect("a config");
    InTerminal::start(&["--config", theirs.to_str().expect("a path")], desk.home.path(), size, &[])
}

#[track_caller]
fn soon(deck: &InTerminal, words: &str) -> Duration {
    let began = Instant::now();
    deck.within(SEEN_WITHIN, words, |screen| screen.contains(words));
    began.elapsed()
}

#[test]
fn where_a_rep_is_shows_on_the_others_screen_and_goes_with_a_kill() {
    let desk = Desk::new();
    let ana = desk.deck(SMALL);
    let mut bo = bo(&desk, (200, 50));
    bo.shows("LIVE 1/1");
    desk.complaint();
    ana.shows("internet is really");
    bo.shows("internet is really");
    // Neither has pressed a key yet: two decks stand there.
    let mut took = vec![soon(&bo, "team ana (idle) bo (idle)")];
    bo.keys("j");
    took.push(soon(&ana, "bo viewing"));
    took.push(soon(&bo, "team ana (idle) bo  "));
    bo.keys("c");
    took.push(soon(&ana, "(viewing)"));
    bo.keys("r");
    took.push(soon(&ana, "(writing)"));
    // From a killed program nothing is heard, and what it said last does not stand.
    bo.signal("KILL");
    let killed = Instant::now();
    bo.ended();
    ana.within(GONE_WITHIN, "no word of bo's writing", |screen| !screen.contains("(writing)"));
    println!("seen after {took:?}, gone after {:?}", killed.elapsed());
    ana.shows("their session ended 0:00 ago");
}

/// What is typed in one editor.
struct Part {
    /// The keys that lead there, and what the screen shows then.
    keys: &'static str,
    title: &'static str,
    words: Vec<String>,
    /// When each word was on the screen.
    shown: Vec<Instant>,
}

/// Words of six letters, other ones for each seed.
fn words(seed: &mut u64, count: usize) -> Vec<String> {
    let mut letter = || {
        *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        char::from(b'a' + u8::try_from((*seed >> 33) % 26).expect("a letter"))
    };
    (0..count).map(|_| (0..6).map(|_| letter()).collect()).collect()
}

/// Types the script and kills the program at key `at`; gives back what was typed, and the moment of the kill.
fn typed_and_killed(desk: &Desk, seed: u64, at: usize) -> (Vec<Part>, Instant) {
    let mut deck = desk.deck(SMALL);
    deck.shows("internet is really");
    let mut random = seed;
    let mut part = |keys, title, count| Part { keys, title, words: words(&mut random, count), shown: Vec::new() };
    let mut parts = vec![
        part("jr", "REPLY draft PUBLIC", 8),
        part("d", "REPLY draft PUBLIC", 7),
        part("i", "NOTE", 7),
        part("r", "REPLY draft PUBLIC", 7),
    ];
    let mut keys = 0;
    'script: for (n, part) in parts.iter_mut().enumerate() {
        if n == 3 {
            // The other customer's case.
            deck.keys("j");
        }
        deck.keys(part.keys);
        deck.shows(part.title);
        for word in &part.words {
            for letter in word.chars().chain([' ']) {
                if keys == at {
                    break 'script;
                }
                deck.keys(letter.encode_utf8(&mut [0; 4]));
                keys += 1;
                std::thread::park_timeout(Duration::from_millis(8));
            }
            deck.shows(word);
            part.shown.push(Instant::now());
        }
        deck.keys(ESC);
        deck.until("the editor is left", |screen| !screen.contains("REPLY draft") && !screen.contains("Ctrl-S"));
    }
    deck.signal("KILL");
    let killed = Instant::now();
    deck.ended();
    (parts, killed)
}

fn stored(desk: &Desk) -> State {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let log = SqliteLog::open(&desk.home.path().join("data")).expect("a store");
    runtime.block_on(async {
        let last = log.last().await.expect("the store tells its end");
        let mut feed = log.subscribe(Seq(0));
        let mut state = State::default();
        while state.seq < last {
            let batch = tokio::time::timeout(PATIENCE, feed.recv()).await.expect("in time").expect("a batch");
            for envelope in &batch {
                fold(&mut state, envelope);
            }
        }
        log.close().await;
        state
    })
}

#[test]
fn a_kill_at_any_key_of_a_long_script_loses_at_most_the_last_second_in_the_right_case_and_mode() {
    let runs = std::env::var("REPLYDECK_KILLS").map_or(4, |text| text.parse().expect("a number of runs"));
    for run in 0..runs {
        let seed = 4_711 + run;
        let desk = Desk::new();
        let mut first = desk.deck(SMALL);
        desk.simulator.post(&json!({"handle": "other", "text": "@AcmeHelp no signal here"}));
        first.shows("no signal here");
        desk.complaint();
        first.shows("internet is really");
        first.keys("Q");
        assert!(first.ended().success());
        // Spread over the whole script of 203 keys, at a place of its own in each run.
        let at = usize::try_from((run * 203 + seed * 7 % 203) / runs).expect("a key");
        let (parts, killed) = typed_and_killed(&desk, seed, at);
        let state = stored(&desk);
        let ana = RepName::new("ana");
        let mut cases: Vec<_> = state.cases.values().collect();
        cases.sort_by_key(|case| std::cmp::Reverse(case.number));
        let draft = |case: CaseId, purpose| {
            let kept = state.cases[&case].draft_of(purpose, &ana)?;
            kept.draft.as_ref().map(|draft| draft.text.clone())
        };
        let note = cases[0].begun_notes.get(&ana).and_then(|note| note.note.as_ref());
        let kept = [
            draft(cases[0].id, Purpose::Acknowledgement),
            draft(cases[0].id, Purpose::DmRequest),
            note.map(|note| note.text.shown().to_owned()),
            draft(cases[1].id, Purpose::Acknowledgement),
        ];
        for (n, (part, kept)) in parts.iter().zip(&kept).enumerate() {
            let safe = part.shown.iter().filter(|shown| killed.duration_since(**shown) > LOST).count();
            let kept = kept.as_deref().unwrap_or_default();
            let whole: String = part.words.iter().flat_map(|word| [word.as_str(), " "]).collect();
            let wanted: String = part.words[..safe].iter().flat_map(|word| [word.as_str(), " "]).collect();
            let has = (0..=whole.len()).rev().find(|keys| kept.ends_with(&whole[..*keys])).expect("at least nothing");
            assert!(
                has >= wanted.len(),
                "seed {seed}, key {at}, part {n}: {wanted:?} was typed a second before, kept is {kept:?}"
            );
        }
        let drafts: usize = cases.iter().map(|case| case.drafts.len()).sum();
        assert!(drafts <= parts.iter().filter(|part| part.title != "NOTE").count(), "no draft in a wrong place");
        assert!(cases[1].begun_notes.is_empty() && state.cases.values().all(|case| case.notes == 0));
    }
}
