//! The real program in a pseudo-terminal, against the simulator as another process: what a rep sees and types,
//! and what must survive a kill, a lost line and a resize.

#![expect(clippy::disallowed_methods, reason = "these tests wait for another process in real time")]
#![expect(clippy::print_stdout, reason = "how a process of a test talks to the test")]

#[path = "cli/auth_rig.rs"]
#[expect(dead_code, reason = "made for the command line; a part of it serves here")]
mod auth_rig;
#[path = "pty/bad_days.rs"]
mod bad_days;
#[path = "pty/busy_day.rs"]
mod busy_day;
#[path = "pty/campaign.rs"]
mod campaign;
#[path = "pty/cut_off.rs"]
mod cut_off;
#[path = "pty/drill.rs"]
mod drill;
#[path = "pty/following.rs"]
mod following;
#[path = "pty/full_disk.rs"]
mod full_disk;
#[path = "pty/gaps.rs"]
mod gaps;
#[path = "pty/latency.rs"]
mod latency;
#[path = "pty/limit.rs"]
mod limit;
#[path = "pty/recordings.rs"]
mod recordings;
#[path = "pty/recount.rs"]
mod recount;
#[path = "pty/secrets.rs"]
mod secrets;
#[path = "pty/sharing.rs"]
mod sharing;
#[path = "pty/shift.rs"]
mod shift;
mod simulator;
#[path = "pty/slow_line.rs"]
mod slow_line;
#[path = "pty/ten_thousand.rs"]
mod ten_thousand;
mod terminal;
#[path = "pty/three_networks.rs"]
mod three_networks;
#[path = "pty/together.rs"]
mod together;
#[path = "pty/tokens.rs"]
mod tokens;

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;
use simulator::PATIENCE;
use simulator::Simulator;
use tempfile::TempDir;
use terminal::InTerminal;

/// X's search shows a post half a minute late, and a request whose answer was lost may publish a while later.
const READ_BACK: Duration = Duration::from_secs(150);
const SMALL: (u16, u16) = (80, 24);
const CTRL_S: &str = "\x13";
const ESC: &str = "\x1b";

/// A simulator, a home, and a deck on them that is live.
struct Desk {
    home: TempDir,
    simulator: Simulator,
}

impl Desk {
    fn new() -> Self {
        let home = tempfile::tempdir().expect("a home");
        let simulator = Simulator::quiet(home.path());
        Self { home, simulator }
    }

    fn deck(&self, size: (u16, u16)) -> InTerminal {
        self.deck_with(size, &[])
    }

    fn deck_with(&self, size: (u16, u16), env: &[(&str, &str)]) -> InTerminal {
        let config = self.simulator.config.to_str().expect("a path");
        let deck = InTerminal::start(&["--config", config], self.home.path(), size, env);
        deck.shows("LIVE 1/1");
        deck
    }

    /// Somebody asks the brand for help by name; gives back the post's id.
    fn complaint(&self) -> String {
        self.simulator.post(&json!({
            "handle": "teapot_mo", "name": "Mo", "text": "@AcmeHelp acme internet is really slow today",
        }))
    }
}

/// The editor's head tells the time of the last save.
fn is_saved(screen: &str) -> bool {
    screen.split("saved ").skip(1).any(|after| after.starts_with(|c: char| c.is_ascii_digit()))
}

#[test]
fn a_rep_answers_takes_it_back_and_sends_it_once() {
    let desk = Desk::new();
    let mut deck = desk.deck(SMALL);
    let post = desk.complaint();
    deck.shows("internet is really");

    deck.keys("r");
    deck.shows("may we reply? yes");
    deck.keys("We are looking into it.");
    deck.shows("looking into it.");
    deck.keys(CTRL_S);
    let preview = deck.shows("y send");
    assert!(preview.contains("@teapot_mo"), "{preview}");
    assert!(preview.contains("$0.01"), "the price is told:\n{preview}");

    deck.keys("y");
    deck.shows("u=undo");
    deck.keys("u");
    deck.shows("taken back");
    assert_eq!(desk.simulator.writes(), Vec::<serde_json::Value>::new(), "what was taken back never left");

    deck.keys(CTRL_S);
    deck.shows("y send");
    deck.keys("y");
    let writes = desk.simulator.written(1);
    assert_eq!(writes[0]["in_reply_to"], json!(post));
    let text = writes[0]["text"].as_str().expect("a text");
    assert!(text.starts_with("@teapot_mo ") && text.contains("We are looking into it."), "{text}");
    deck.shows("sent, in case");

    deck.keys("Q");
    assert!(deck.ended().success());
    assert_eq!(desk.simulator.writes().len(), 1);
}

#[test]
fn a_dm_request_carries_the_link_and_both_are_one_post() {
    let desk = Desk::new();
    let mut deck = desk.deck((200, 50));
    desk.complaint();
    deck.shows("internet is really");
    deck.keys("b");
    deck.shows("may we reply? yes");
    deck.keys(CTRL_S);
    let preview = deck.shows("y send");
    assert!(preview.contains("https://x.com/messages/compose?recipient_id=3805104374"), "{preview}");
    assert!(preview.contains("$0.20"), "a link makes it dear:\n{preview}");
    deck.keys("y");
    let writes = desk.simulator.written(1);
    assert!(writes[0]["text"].as_str().is_some_and(|text| text.contains("recipient_id=3805104374")), "{writes:?}");
}

#[test]
fn who_may_not_be_answered_is_told_before_drafting_and_the_page_is_offered() {
    let desk = Desk::new();
    let mut deck = desk.deck(SMALL);
    desk.simulator.post(&json!({"handle": "teapot_mo", "text": "acme is down again #acmedown"}));
    deck.shows("not addressed to us");
    deck.keys("2r");
    deck.shows("may we reply? no");
    deck.keys("Sorry");
    deck.keys(CTRL_S);
    deck.shows("refuses");
    deck.keys("y");
    deck.keys("go");
    deck.shows("intent/tweet");
    let copied = String::from_utf8_lossy(&deck.bytes()).into_owned();
    assert!(copied.contains("\x1b]52;c;"), "the text is on the clipboard");
    assert!(desk.simulator.writes().is_empty());
}

#[test]
fn a_draft_survives_a_kill_at_a_keystroke() {
    let desk = Desk::new();
    let mut deck = desk.deck(SMALL);
    desk.complaint();
    deck.shows("internet is really");
    deck.keys("r");
    deck.shows("may we reply? yes");
    deck.keys("half a sentence that nobody");
    deck.shows("that nobody");
    deck.until("the draft is saved", is_saved);
    deck.signal("KILL");
    deck.ended();

    let mut deck = desk.deck(SMALL);
    deck.shows("internet is really");
    deck.keys("r");
    deck.shows("half a sentence that nobody");
    assert!(desk.simulator.writes().is_empty());
}

#[test]
fn a_reply_killed_during_its_hold_is_still_sent_and_only_once() {
    let desk = Desk::new();
    let mut deck = desk.deck(SMALL);
    desk.complaint();
    deck.shows("internet is really");
    deck.keys("r");
    deck.shows("may we reply? yes");
    deck.keys(CTRL_S);
    deck.shows("y send");
    deck.keys("y");
    deck.shows("u=undo");
    deck.signal("KILL");
    deck.ended();
    assert!(desk.simulator.writes().is_empty(), "the hold had not run out");

    let deck = desk.deck(SMALL);
    deck.shows("u=undo");
    desk.simulator.written(1);
    deck.shows("ack ana");
    assert_eq!(desk.simulator.writes().len(), 1);
}

#[test]
fn every_end_gives_the_terminal_back() {
    for signal in ["TERM", "HUP", "INT"] {
        let desk = Desk::new();
        let mut deck = desk.deck(SMALL);
        deck.signal(signal);
        assert!(deck.ended().success(), "SIG{signal}");
        let bytes = String::from_utf8_lossy(&deck.bytes()).into_owned();
        for (what, sequence) in
            [("bracketed paste", "\x1b[?2004l"), ("alternate screen", "\x1b[?1049l"), ("cursor", "\x1b[?25h")]
        {
            assert!(bytes.contains(sequence), "SIG{signal}: {what} is not given back");
        }
    }
}

#[test]
fn a_terminal_that_cannot_place_its_cursor_is_refused_in_words() {
    let home = tempfile::tempdir().expect("a home");
    let mut deck = InTerminal::start(&["demo"], home.path(), SMALL, &[("TERM", "dumb")]);
    assert_eq!(deck.ended().exit_code(), 1);
    let bytes = String::from_utf8_lossy(&deck.bytes()).into_owned();
    // On a terminal lines break at words.
    let words = bytes.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("TERM says the terminal cannot place its cursor; set TERM to"), "{bytes:?}");
    assert!(!bytes.contains('\u{1b}'), "{bytes:?}");
}

#[test]
fn a_lost_line_ends_the_deck_and_keeps_the_draft() {
    let desk = Desk::new();
    // The terminal belongs to a process of its own, so that a kill of that one takes the line away.
    let mut holder = Command::new(std::env::current_exe().expect("this test"))
        .args(["--ignored", "--exact", "--nocapture", "holds_the_line_of_another_test"])
        .env("HELD_HOME", desk.home.path())
        .env("HELD_CONFIG", &desk.simulator.config)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the holder starts");
    let told = BufReader::new(holder.stdout.take().expect("a pipe")).lines();
    let id = told
        .map(|line| line.expect("the holder talks"))
        .find_map(|line| {
            if line.ends_with("live") {
                desk.complaint();
            }
            line.split_once("deck ").map(|(_, id)| id.trim().to_owned())
        })
        .expect("the deck's process id");
    holder.kill().expect("the holder can be killed");
    holder.wait().expect("the holder ends");
    let lost = Instant::now();
    while Path::new(&format!("/proc/{id}")).exists() {
        assert!(lost.elapsed() < PATIENCE, "the deck outlives its line");
        std::thread::park_timeout(Duration::from_millis(5));
    }
    let took = lost.elapsed();
    assert!(took < Duration::from_secs(10), "the deck took {took:?} to see that its line was lost");

    let mut deck = desk.deck(SMALL);
    deck.shows("internet is really");
    deck.keys("r");
    deck.shows("typed just before the line was lost");
    assert!(desk.simulator.writes().is_empty());
}

#[test]
#[ignore = "a process of the test above, not a test"]
fn holds_the_line_of_another_test() {
    let home = PathBuf::from(std::env::var_os("HELD_HOME").expect("a home"));
    let config = std::env::var("HELD_CONFIG").expect("a config");
    let mut deck = InTerminal::start(&["--config", &config], &home, SMALL, &[]);
    deck.shows("LIVE 1/1");
    println!("live");
    deck.shows("internet is really");
    deck.keys("r");
    deck.shows("may we reply? yes");
    deck.keys("typed just before the line was lost");
    deck.shows("the line was lost");
    println!("deck {}", deck.process_id());
    std::io::stdin().read_line(&mut String::new()).expect("the end comes from outside");
}

#[test]
fn a_panic_gives_the_terminal_back_and_says_what_happened() {
    let home = tempfile::tempdir().expect("a home");
    let this = std::env::current_exe().expect("this test");
    let args = ["--ignored", "--exact", "--nocapture", "panics_on_the_deck_s_screen"];
    let mut program = InTerminal::start_program(&this, &args, home.path(), SMALL, &[]);
    assert_eq!(program.ended().exit_code(), 101);
    let bytes = String::from_utf8_lossy(&program.bytes()).into_owned();
    let restored = bytes.rfind("\x1b[?1049l").expect("the alternate screen is left");
    assert!(bytes.contains("\x1b[?2004l"), "bracketed paste is off");
    assert!(
        bytes[restored..].contains("a part of the deck broke"),
        "the words stand on the restored screen: {bytes:?}"
    );
}

#[test]
#[ignore = "a process of the test above, not a test"]
fn panics_on_the_deck_s_screen() {
    replydeck::run::terminal::restore_on_panic();
    let _screen = replydeck::run::terminal::Screen::open().expect("a terminal");
    panic!("a part of the deck broke");
}

#[test]
fn no_size_and_no_storm_of_sizes_breaks_it() {
    let desk = Desk::new();
    let mut deck = desk.deck(SMALL);
    desk.complaint();
    deck.shows("internet is really");
    deck.keys("r");
    deck.shows("may we reply? yes");
    deck.keys("typed before the storm");
    for size in [(1, 1), (200, 50), (2, 1), (79, 23), (1, 60), (300, 1), (38, 10), (80, 24)] {
        deck.resize(size.0, size.1);
        deck.keys("x");
    }
    deck.shows("typed before the stormxxxxxxxx");
    deck.keys(ESC);
    deck.shows("1 @AcmeHelp");
}

#[test]
fn without_colour_no_byte_of_colour_is_written_and_the_selection_is_still_reversed() {
    let desk = Desk::new();
    let mut deck = desk.deck_with(SMALL, &[("NO_COLOR", "1")]);
    desk.complaint();
    deck.shows("internet is really");
    deck.keys("j");
    deck.shows(">N");
    let bytes = String::from_utf8_lossy(&deck.bytes()).into_owned();
    let mut reversed = false;
    for sequence in bytes.split("\x1b[").skip(1) {
        let Some(end) = sequence.find(|c: char| c.is_ascii_alphabetic()) else { continue };
        if sequence[end..].starts_with('m') {
            for code in sequence[..end].split(';') {
                let is_colour = ["38", "48", "58"].contains(&code)
                    || code
                        .parse::<u8>()
                        .is_ok_and(|code| (30..=37).contains(&code) || (40..=47).contains(&code) || code >= 90);
                assert!(!is_colour, "colour in {:?}", &sequence[..=end]);
                reversed |= code == "7";
            }
        }
    }
    assert!(reversed, "the selection is reversed");
}

#[test]
fn hostile_text_reaches_the_screen_as_harmless_text() {
    let desk = Desk::new();
    let deck = desk.deck(SMALL);
    desk.simulator.post(&json!({
        "handle": "teapot_mo", "name": "M\u{1b}]0;title\u{7}o",
        "text": "@AcmeHelp \u{1b}[2J\u{1b}]52;c;ZXZpbA==\u{7}slow \u{202e}abc\u{9b}31m \u{200b}end",
    }));
    deck.shows("slow abc");
    let bytes = deck.bytes();
    let text = String::from_utf8_lossy(&bytes);
    assert!(!text.contains("ZXZpbA"), "no clipboard sequence gets through");
    assert!(!text.contains("]0;title"), "no title sequence gets through");
    assert!(!text.contains('\u{202e}') && !text.contains('\u{9b}') && !text.contains('\u{200b}'));
}

#[test]
fn two_decks_share_a_store_and_one_claim_wins() {
    let desk = Desk::new();
    let mut first = desk.deck(SMALL);
    let theirs = desk.simulator.config.with_file_name("bo.toml");
    let config = std::fs::read_to_string(&desk.simulator.config).expect("the config");
    std::fs::write(&theirs, config.replace("rep = \"ana\"", "rep = \"bo\"")).expect("a config for bo");
    let mut second = InTerminal::start(&["--config", theirs.to_str().expect("a path")], desk.home.path(), SMALL, &[]);
    second.shows("LIVE 1/1");
    desk.complaint();
    first.shows("internet is really");
    second.shows("internet is really");
    first.keys("jc");
    first.shows(">M");
    second.shows("claimed ana");
    second.keys("Q");
    assert!(second.ended().success());
}

#[test]
fn a_wrong_token_is_told_in_the_networks_words_with_the_remedy() {
    let desk = Desk::new();
    let folder = desk.simulator.config.parent().expect("a folder");
    for file in std::fs::read_dir(folder).expect("the folder") {
        let path = file.expect("a file").path();
        if path.file_name().is_some_and(|name| name.to_string_lossy().contains("bearer")) {
            std::fs::write(&path, "not-the-token\n").expect("the secret file");
        }
    }
    let config = desk.simulator.config.to_str().expect("a path");
    let deck = InTerminal::start(&["--config", config], desk.home.path(), SMALL, &[]);
    let screen = deck.shows("acme is down");
    assert!(screen.contains("LIVE 0/1") && screen.contains("Unauthorized"), "{screen}");
    let log = std::fs::read_to_string(desk.home.path().join("data/replydeck.log")).expect("the log file");
    // The activity stream is refused as well and may be told first: it is a warning, the columns' silence an error.
    let is_told = |line: &str| line.contains("ERROR") && line.contains("Unauthorized");
    assert!(log.lines().any(is_told), "{log}");
    // A second deck does not hold the stream: what ails it ails that one's columns as well.
    let theirs = desk.simulator.config.with_file_name("bo.toml");
    let text = std::fs::read_to_string(config).expect("the config");
    std::fs::write(&theirs, text.replace("rep = \"ana\"", "rep = \"bo\"")).expect("a config for bo");
    let second = InTerminal::start(&["--config", theirs.to_str().expect("a path")], desk.home.path(), SMALL, &[]);
    let screen = second.shows("acme is down");
    assert!(screen.contains("LIVE 0/1") && screen.contains("Unauthorized"), "{screen}");
}

/// Writes a secret of the simulator anew.
fn write_secret(desk: &Desk, name: &str, secret: &str) {
    std::fs::write(desk.simulator.config.with_file_name(name), format!("{secret}\n")).expect("the secret file");
}

#[test]
fn a_mended_secret_is_fetched_while_the_deck_runs_and_it_logs_in_again() {
    let desk = Desk::new();
    let good = std::fs::read_to_string(desk.simulator.config.with_file_name("x-bearer")).expect("the token");
    write_secret(&desk, "x-bearer", "not-the-token");
    let config = desk.simulator.config.to_str().expect("a path");
    let mut deck = InTerminal::start(&["--config", config], desk.home.path(), SMALL, &[]);
    deck.shows("acme is down");
    deck.shows("saving the config tries");
    write_secret(&desk, "x-bearer", good.trim());
    let screen = deck.shows("LIVE 1/1");
    assert!(!screen.contains("acme is down"), "what is mended is not told any more:\n{screen}");
    deck.keys("Q");
    assert!(deck.ended().success());

    // What a command prints cannot be watched: saving the config asks it again.
    let text = std::fs::read_to_string(config).expect("the config");
    let line = text.lines().find(|line| line.starts_with("bearer =")).expect("a bearer");
    let secret = desk.home.path().join("elsewhere");
    std::fs::write(&secret, "not-the-token\n").expect("a secret");
    let command = format!("bearer = {{ command = [\"cat\", \"{}\"] }}", secret.display());
    let text = text.replace(line, &command);
    std::fs::write(config, &text).expect("the config");
    let mut deck = InTerminal::start(&["--config", config], desk.home.path(), SMALL, &[]);
    deck.shows("acme is down");
    std::fs::write(&secret, &good).expect("a secret");
    std::fs::write(config, &text).expect("saved as it was");
    deck.shows("LIVE 1/1");
    // One that cannot be fetched any more leaves the one that works.
    std::fs::remove_file(&secret).expect("removed");
    std::fs::write(config, &text).expect("saved as it was");
    let screen = deck.shows("the old secrets stay");
    assert!(screen.contains("LIVE 1/1") && screen.contains("`cat` failed"), "{screen}");
    desk.complaint();
    deck.keys(ESC);
    deck.shows("internet is really");
}

#[test]
fn the_demo_fills_by_itself_at_both_sizes() {
    for size in [SMALL, (200, 50)] {
        let home = tempfile::tempdir().expect("a home");
        let mut deck = InTerminal::start(&["demo", "--seed", "3", "--rate", "600"], home.path(), size, &[]);
        deck.until("posts in a column", |screen| screen.contains("LIVE 1/1") && screen.contains(" fol"));
        deck.keys("Q");
        assert!(deck.ended().success());
    }
}

#[test]
fn an_answer_that_is_lost_is_read_back_and_never_sent_again() {
    let desk = Desk::new();
    let mut deck = desk.deck(SMALL);
    desk.complaint();
    deck.shows("internet is really");
    desk.simulator.fault(&json!({"kind": "lose_answer", "target": "posts"}));
    deck.keys("r");
    deck.shows("may we reply? yes");
    deck.keys(CTRL_S);
    deck.shows("y send");
    deck.keys("y");
    desk.simulator.written(1);
    // Our own post comes back on the stream in the same words: that is the reply, whatever became of the answer.
    deck.within(READ_BACK, "the reply is found", |screen| screen.contains("ack ana") && !screen.contains("outbox"));
    assert_eq!(desk.simulator.writes().len(), 1);
}

#[test]
fn a_cut_stream_is_told_as_one_gap_with_its_times() {
    let desk = Desk::new();
    let deck = desk.deck(SMALL);
    desk.complaint();
    deck.shows("internet is really");
    desk.simulator.fault(&json!({"kind": "cut", "target": "stream"}));
    deck.shows("~ gap ");
    deck.shows("LIVE 1/1");
}

#[test]
fn a_changed_config_is_taken_on_and_a_bad_one_is_shown_and_left() {
    let desk = Desk::new();
    let mut deck = desk.deck(SMALL);
    let path = &desk.simulator.config;
    let good = std::fs::read_to_string(path).expect("the config");
    std::fs::write(path, format!("hodl = \"10s\"\n{good}")).expect("a bad edit");
    deck.shows("hodl");
    let bad = good.replacen("query = \"", "query = \"(", 1);
    std::fs::write(path, &bad).expect("a query that cannot be read");
    let screen = deck.until("the caret", |screen| screen.contains("is never closed") && screen.contains('^'));
    assert!(!screen.contains("hodl"), "what is mended is not told any more:\n{screen}");
    assert!(screen.contains("the old settings stay") && screen.contains("1 @AcmeHelp"), "{screen}");
    let lines: Vec<&str> = screen.lines().collect();
    let caret = lines.iter().position(|line| line.contains('^')).expect("a caret");
    let column = lines[caret].find('^').expect("a caret");
    let above = lines[caret - 1].get(column..=column);
    assert_eq!(above, Some("("), "the caret stands below what it means:\n{screen}");
    let log = std::fs::read_to_string(desk.home.path().join("data/replydeck.log")).expect("the log file");
    assert!(log.contains("WARN") && log.contains("the query of column"), "{log}");
    desk.complaint();
    deck.keys(ESC);
    deck.shows("internet is really");
    let more = "\n[[columns]]\nname = \"extra\"\naccount = \"acme\"\nquery = \"teapot -is:retweet\"\n";
    std::fs::write(path, format!("{good}{more}")).expect("a good edit");
    deck.keys(ESC);
    deck.shows("read again");
    deck.keys("7");
    // The network takes a moment to put the new rule in force; what is posted before is not for us.
    let came = (0..15).any(|_| {
        desk.simulator.post(&json!({"handle": "teapot_mo", "text": "my teapot is quicker"}));
        deck.comes(Duration::from_secs(2), |screen| screen.contains("my teapot is quicker"))
    });
    assert!(came, "nothing reached the new column:\n{}", deck.screen());
}
