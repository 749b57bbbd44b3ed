//! The disk is full in the real program: the store lies on a small file system of its own, filled and emptied from
//! outside. Needs Linux and the right to make a mount namespace; says so where there is none.

use std::fs::File;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::Command;

use super::{CTRL_S, Desk, ESC, InTerminal, SMALL, is_saved};
use serde_json::json;
use std::path::Path;

/// A deck whose data folder is a file system of a few megabytes that only it sees.
struct Small {
    deck: InTerminal,
    ballast: PathBuf,
}

impl Small {
    fn start(desk: &Desk) -> Self {
        let data = desk.home.path().join("data");
        std::fs::create_dir_all(&data).expect("a data folder");
        let inside = format!(
            "mount -t tmpfs -o size=6m replydeck-test '{}' && exec '{}' --config '{}'",
            data.display(),
            env!("CARGO_BIN_EXE_replydeck"),
            desk.simulator.config.display()
        );
        let args = ["-rm", "sh", "-c", &inside];
        let deck = InTerminal::start_program(Path::new("unshare"), &args, desk.home.path(), SMALL, &[]);
        deck.shows("LIVE 1/1");
        // Its namespace, seen from here.
        let ballast = PathBuf::from(format!("/proc/{}/root{}/ballast", deck.process_id(), data.display()));
        Self { deck, ballast }
    }

    fn fill(&self) {
        let mut file = File::create(&self.ballast).expect("the small file system takes a file");
        for block in [64 * 1024, 4 * 1024, 512] {
            let block = vec![0_u8; block];
            while file.write_all(&block).is_ok() {}
        }
    }

    fn make_room(&self) {
        std::fs::remove_file(&self.ballast).expect("the file goes");
    }
}

#[expect(clippy::print_stderr, reason = "a skipped test says so")]
fn can_mount() -> bool {
    let folder = tempfile::tempdir().expect("a folder");
    let inside = format!("mount -t tmpfs -o size=1m replydeck-test '{}'", folder.path().display());
    let can = cfg!(target_os = "linux")
        && Command::new("unshare").args(["-rm", "sh", "-c", &inside]).output().is_ok_and(|out| out.status.success());
    if !can {
        eprintln!("skipped: no small file system can be mounted here (unshare -rm)");
    }
    can
}

#[test]
fn a_full_disk_loses_no_word_sends_nothing_twice_and_is_over_when_there_is_room() {
    if !can_mount() {
        return;
    }
    let desk = Desk::new();
    let mut small = Small::start(&desk);
    desk.complaint();
    small.deck.shows("internet is really");
    small.deck.keys("r");
    small.deck.shows("may we reply? yes");
    small.deck.keys("We are looking into it.");
    small.deck.until("the draft is saved", is_saved);
    small.deck.keys(CTRL_S);
    small.deck.shows("y send");
    small.deck.keys("y");
    small.deck.shows("u=undo");

    // Full during the hold: a post comes in, the hold runs out, and somebody writes.
    small.fill();
    desk.simulator.post(&json!({
        "handle": "kettle_ann", "text": "@AcmeHelp my kettle is slow as well",
    }));
    small.deck.until("the rep is told", |screen| screen.to_lowercase().contains("full"));
    small.deck.keys(ESC);
    small.deck.until("the reply waits and says so", |screen| screen.contains("tried every second"));
    small.deck.keys("d");
    small.deck.shows("may we reply? yes");
    small.deck.keys("words on a full disk");
    small.deck.shows("words on a full disk");
    small.deck.keys(ESC);
    small.deck.keys("gd");
    small.deck.shows("NOT SAVED");
    assert!(desk.simulator.writes().is_empty(), "what cannot be written down first is not sent");

    small.make_room();
    desk.simulator.written(1);
    small.deck.until("the draft is saved after all", |screen| !screen.contains("NOT SAVED"));
    small.deck.keys(ESC);
    small.deck.keys(".");
    small.deck.shows("my kettle is slow");
    small.deck.shows("ack ana");
    small.deck.keys("Q");
    assert!(small.deck.ended().success());
    assert_eq!(desk.simulator.writes().len(), 1);
}
