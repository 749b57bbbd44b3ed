//! Recordings, played in the real program: they can be answered whoever listened, they end, and texts that break
//! screens break none.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::{CTRL_S, ESC, InTerminal, PATIENCE, SMALL};

/// An account that only listens; nothing of what it names exists.
const LISTENS: &str = "rep = \"ana\"\nhold = \"0s\"\n[accounts.kite]\nnetwork = \"x\"\nhandle = \"BlueKite\"\n\
    bearer = { file = \"no-such-file\" }\n[[columns]]\nname = \"kite\"\naccount = \"kite\"\n";

/// A line of X's stream.
fn line(id: u64, handle: &str, text: &str) -> String {
    // X names the accounts that a text mentions; whom it does not name may not answer.
    let mentions = if text.starts_with("@BlueKite") { json!([{"username": "BlueKite", "id": "8"}]) } else { json!([]) };
    let post = json!({
        "data": {"id": id.to_string(), "text": text, "author_id": "9", "conversation_id": id.to_string(),
            "entities": {"mentions": mentions},
            "created_at": "2026-03-01T10:00:00.000Z", "edit_history_tweet_ids": [id.to_string()]},
        "includes": {"users": [{"id": "9", "username": handle, "name": "Mia"}]},
    });
    format!("{post}\n")
}

fn replay(home: &Path, query: &str, recording: &str) -> InTerminal {
    let config = home.join("config.toml");
    std::fs::write(&config, format!("{LISTENS}query = \"{query}\"\n")).expect("a config");
    let file = home.join("recorded.ndjson");
    std::fs::write(&file, recording).expect("a recording");
    let (config, file) = (config.to_str().expect("a path"), file.to_str().expect("a path"));
    InTerminal::start(&["--config", config, "replay", file, "--speed", "max"], home, SMALL, &[])
}

#[test]
fn an_account_that_only_listens_answers_a_recording_and_the_end_is_no_trouble() {
    let home = tempfile::tempdir().expect("a home");
    let recording = [line(100, "mia_k", "@BlueKite my kite line is dead"), "{\"text\": \"a kite\"}\n".into()].concat();
    let mut deck = replay(home.path(), "kite", &recording);
    let screen = deck.until("the end", |screen| screen.contains("my kite line") && screen.contains("ENDED"));
    assert!(!screen.contains("down") && !screen.contains("LIVE"), "{screen}");
    deck.shows("1 line passed over: a post");
    deck.keys("gl");
    let links = deck.shows("What happened");
    assert!(links.contains("ended") && links.contains("the recording has ended: 1 post"), "{links}");
    deck.keys(ESC);
    deck.shows("my kite line");
    deck.keys("r");
    deck.shows("may we reply? yes");
    deck.keys("Hello.");
    deck.keys(CTRL_S);
    deck.shows("y send");
    deck.keys("y");
    deck.shows("ack ana");
}

#[test]
fn the_end_of_a_long_recording_is_told_though_the_deck_is_busy() {
    let home = tempfile::tempdir().expect("a home");
    let recording: String = (1..=3_000).map(|id| line(id, "mia_k", &format!("kite {id} is slow"))).collect();
    let deck = replay(home.path(), "kite", &recording);
    deck.shows("ENDED");
}

/// Real texts that break screens, where the data lies beside the checkout. They come without ids, so each is put into
/// a post of its own.
#[test]
fn real_texts_that_break_screens_break_none() {
    let shared = std::env::var_os("REPLYDECK_SHARED")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared"), PathBuf::from);
    let Ok(texts) = std::fs::read_to_string(shared.join("data/hard_text.ndjson")) else {
        println!("skipped: hard_text.ndjson is not beside this checkout (set REPLYDECK_SHARED to its folder)");
        return;
    };
    let (mut recording, mut count) = (String::new(), 0);
    for text in texts.lines() {
        let text: Value = serde_json::from_str(text).expect("JSON");
        recording += &line(1_000 + count, "mia_k", &format!("k1te {}", text["text"].as_str().expect("a text")));
        count += 1;
    }
    assert!(count > 100, "{count}");
    let home = tempfile::tempdir().expect("a home");
    let mut deck = replay(home.path(), "k1te", &recording);
    deck.shows("ENDED");
    deck.keys("gl");
    deck.shows(&format!("{count} posts, {count} in a column"));
    deck.keys(ESC);
    // What the network told of them may stand in the links before the store has passed them on.
    deck.shows(&format!("[1 kite {count}]"));
    // Escape and a letter in one go stay two keys.
    deck.keys("gl");
    deck.shows("What happened");
    deck.keys("\x1bj");
    deck.shows(">N");
    for pages in 0.. {
        assert!(pages < count, "the column has no end");
        let screen = walls(&deck);
        if screen.contains("no older posts") {
            break;
        }
        deck.keys(" ");
        deck.until("another page", |now| now != screen);
    }
    let text = String::from_utf8(deck.bytes()).expect("whole characters");
    let raw = text.chars().find(|c| match c {
        '\u{1b}' | '\r' | '\n' | '\u{8}' => false,
        '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => true,
        c => c.is_control(),
    });
    assert_eq!(raw, None, "a control character of a post reached the terminal");
}

/// The screen, once its walls stand where they belong: a frame comes in pieces.
#[track_caller]
fn walls(deck: &InTerminal) -> String {
    let is_wall =
        |screen: &vt100::Screen, row, column| screen.cell(row, column).is_some_and(|cell| cell.contents() == "|");
    deck.in_cells(PATIENCE, "walls at both sides", |screen| {
        (2..21).all(|row| is_wall(screen, row, 0) && is_wall(screen, row, SMALL.0 - 1))
    })
}
