//! A shift: customers write over simulated hours, three reps answer by keys in three processes on one store. At the end
//! every figure is recounted from the raw log by other means, and the log folded from zero gives the desk and the
//! screens that the decks left.
//!
//! The small shift is played with every run. The whole one, 300 cases in eight simulated hours, takes about a quarter of
//! an hour: `cargo test --test pty the_whole_shift -- --ignored --nocapture`.

use std::collections::{BTreeSet, VecDeque};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use jiff::{SignedDuration, Timestamp};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use replydeck::app::{App, Effect, FromStore, Msg, update};
use replydeck::config::Config;
use replydeck::desk::{Desk as Fold, fold};
use replydeck::log::Log;
use replydeck::log::sqlite::SqliteLog;
use replydeck::model::{CaseId, Envelope, Event, IdSource, MachineName, RepName, SessionId};
use replydeck::run::clock::REHEARSAL;
use replydeck::ui;
use serde_json::{Value, json};

use super::following::{Following, PATIENCE, is_of_outbox};
use super::recount;
use super::{CTRL_S, ESC, InTerminal, SMALL};
use crate::simulator::Simulator;

const REPS: [&str; 3] = ["ana", "bo", "cy"];
const CAUSES: [&str; 4] = ["outage", "billing", "technician", "delivery"];
/// After so long without anything a rep looks again, and presses the key once more.
const LOOKS_AGAIN: Duration = Duration::from_secs(5);
/// A reply is tried so often; more is no bad line but a fault.
const TRIES: usize = 6;

/// What a customer's post makes a rep do.
#[derive(Clone, Debug)]
struct Work {
    n: usize,
    post: String,
    /// Somebody else has it in hand already: answer and resolve only.
    handed: bool,
}

/// What waits for a rep, and whether that is all.
type Queue = (Mutex<(VecDeque<Work>, bool)>, Condvar);

struct Shift {
    simulator: Simulator,
    following: Following,
    queues: [Queue; 3],
    /// The simulated clock of every process, for the environment.
    clock: String,
    config: PathBuf,
    /// A rep's day came to a bad end.
    is_broken: AtomicBool,
}

impl Shift {
    fn give(&self, rep: usize, work: Work) {
        let (queue, changed) = &self.queues[rep];
        queue.lock().unwrap_or_else(PoisonError::into_inner).0.push_back(work);
        changed.notify_all();
    }

    /// Nothing more comes to anybody.
    fn close(&self) {
        for (queue, changed) in &self.queues {
            queue.lock().unwrap_or_else(PoisonError::into_inner).1 = true;
            changed.notify_all();
        }
    }

    fn next(&self, rep: usize) -> Option<Work> {
        let (queue, changed) = &self.queues[rep];
        let mut queue = queue.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(work) = queue.0.pop_front() {
                return Some(work);
            }
            if queue.1 {
                return None;
            }
            queue = changed.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn says(&self, n: usize, text: &str, to: Option<&str>) -> String {
        let mut wish = json!({"handle": format!("customer{n}"), "text": format!("@AcmeHelp {text}")});
        if let Some(to) = to {
            wish["in_reply_to"] = json!(to);
        }
        self.simulator.post(&wish)
    }

    /// One rep at work until nothing comes any more.
    fn work(&self, rep: usize, mut deck: InTerminal) -> InTerminal {
        let _day = Day(self);
        while let Some(work) = self.next(rep) {
            self.take(rep, &mut deck, &work);
        }
        deck
    }

    fn take(&self, rep: usize, deck: &mut InTerminal, work: &Work) {
        let Work { n, post, handed } = work;
        let (n, me) = (*n, RepName::new(REPS[rep]));
        let case = self.following.case_of(post, Some(deck));
        find(deck, &format!("case{n}x"));
        if !handed && n % 10 != 8 {
            let claimed = |it: &Arc<Envelope>| it.event == Event::CaseClaimed { case };
            self.press(deck, "c", &format!("case{n}x"), &format!("a claim of {n}"), |told| told.iter().any(claimed));
            let owner = self.following.until(&format!("a claim of {n}"), Some(deck), |told| {
                told.iter().find(|it| claimed(it)).map(|it| it.rep.clone())
            });
            if owner != me {
                // Another rep was first.
                return;
            }
            if n % 10 == 4 {
                let to = (rep + 1) % REPS.len();
                let handed =
                    |it: &Arc<Envelope>| matches!(it.event, Event::CaseAssigned { case: of, .. } if of == case);
                let keys = format!("a{}\r", REPS[to]);
                self.press(deck, &keys, &format!("case{n}x"), "a hand-over", |told| told.iter().any(handed));
                return self.give(to, Work { handed: true, ..work.clone() });
            }
        }
        if n % 10 == 8 {
            // A colleague answers on the phone.
            let wish = json!({"handle": "AcmeHelp", "text": format!("typed on the phone {n}"), "in_reply_to": post});
            let own = self.simulator.post(&wish);
            self.following.until("an answer typed elsewhere", Some(deck), |told| {
                let seen =
                    |it: &&Arc<Envelope>| matches!(&it.event, Event::PostMatched { post, .. } if post.native() == own);
                told.iter().find(seen).map(|_| ())
            });
        } else {
            self.answer(deck, "r", case, n, 1);
        }
        resolve(deck, CAUSES[n % CAUSES.len()], n % 10 == 5);
        self.resolved(deck, case, 1);
        match n % 10 {
            // Thanks after a case that was closed for them; thanks that a rep takes for a turn.
            5 => drop(self.says(n, "thanks", Some(post))),
            3 => {
                // Whoever wrote again meanwhile has reopened it: a happy post is asked for of an ended case.
                if self.following.wrote_since_resolve(case) {
                    find(deck, &format!("case{n}x"));
                    resolve(deck, CAUSES[n % CAUSES.len()], false);
                    self.resolved(deck, case, 2);
                }
                self.answer(deck, "w", case, n + 2_000, 2);
                let happy = self.says(n, &format!("happy{n}x now it works"), Some(post));
                self.following.case_of(&happy, Some(deck));
                find(deck, &format!("happy{n}x"));
                let turned =
                    |it: &Arc<Envelope>| matches!(it.event, Event::CaseTurnedRound { case: of, .. } if of == case);
                self.press(deck, "W", &format!("happy{n}x"), "a turn", |told| told.iter().any(turned));
            }
            // It comes back and is resolved again.
            6 => {
                let again = self.says(n, &format!("again{n}x still broken"), Some(post));
                self.following.case_of(&again, Some(deck));
                find(deck, &format!("again{n}x"));
                self.answer(deck, "r", case, n + 1_000, 2);
                resolve(deck, "slow line", false);
                self.resolved(deck, case, 2);
            }
            _ => {}
        }
    }

    #[track_caller]
    fn answer(&self, deck: &mut InTerminal, key: &str, case: CaseId, n: usize, count: usize) {
        deck.keys(key);
        deck.shows("may we reply?");
        // No two answers are alike.
        let mixed = (n as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let words: Vec<String> = mixed.to_be_bytes().iter().map(|byte| format!("word{byte}")).collect();
        deck.keys(&words.join(" "));
        deck.shows(&words[7]);
        deck.keys(CTRL_S);
        deck.shows("y send");
        deck.keys("y");
        let sent = |it: &&Arc<Envelope>| matches!(it.event, Event::ReplySent { case: of, .. } if of == case);
        let is_done = |told: &[Arc<Envelope>]| told.iter().filter(sent).count() >= count;
        let has_failed = |event: &Event| matches!(event, Event::ReplyFailed { .. } | Event::ReplyParked { .. });
        for _ in 0..TRIES {
            self.following.until("a reply, or why it did not go out", Some(deck), |told| {
                let mut of_case = told.iter().rev().filter(|it| it.event.case() == Some(case));
                let last = of_case.find(|it| is_of_outbox(&it.event))?;
                (is_done(told) || has_failed(&last.event)).then_some(())
            });
            match self.following.outcome(case) {
                Some(last) if has_failed(&last.event) => self.try_again(deck, case, &last),
                _ => return,
            }
        }
        self.following.count("a reply after all", deck, case, count, |event| matches!(event, Event::ReplySent { .. }));
    }

    /// A line that stood still: the reply is in the outbox, where a rep tries it once more, or looks whether it is
    /// public where nobody knows.
    #[track_caller]
    fn try_again(&self, deck: &mut InTerminal, case: CaseId, failed: &Envelope) {
        println!("shift: {} tries again: {:?}", failed.rep, failed.event);
        let key = if matches!(failed.event, Event::ReplyParked { .. }) { "b" } else { "r" };
        let goes_on = |told: &[Arc<Envelope>]| {
            told.iter().any(|it| it.seq > failed.seq && it.event.case() == Some(case) && is_of_outbox(&it.event))
        };
        deck.keys(ESC);
        deck.shows("outbox");
        deck.keys("U");
        deck.shows("outbox: replies");
        // It stands among those of the others.
        for _ in 0..10 {
            deck.keys(key);
            if self.following.comes(LOOKS_AGAIN, goes_on) {
                break;
            }
            deck.keys("j");
        }
        self.following.until("another try", Some(deck), |told| goes_on(told).then_some(()));
        deck.keys(ESC);
    }

    /// Presses a key on the post that holds this word until the log shows what it does: what has just come into the
    /// store may not have reached this desk yet.
    #[track_caller]
    fn press(
        &self,
        deck: &mut InTerminal,
        key: &str,
        word: &str,
        what: &str,
        is_done: impl Fn(&[Arc<Envelope>]) -> bool,
    ) {
        let end = Instant::now() + PATIENCE;
        deck.keys(key);
        while !self.following.comes(LOOKS_AGAIN, &is_done) {
            assert!(Instant::now() < end, "waited for {what}; the screen shows:\n{}", deck.screen());
            find(deck, word);
            // Twice the same deed would take it back.
            if !self.following.comes(Duration::ZERO, &is_done) {
                deck.keys(key);
            }
        }
    }

    #[track_caller]
    fn resolved(&self, deck: &InTerminal, case: CaseId, count: usize) {
        self.following.count("a resolve", deck, case, count, |event| matches!(event, Event::CaseResolved { .. }));
    }
}

/// A rep's deck on the simulator with that config.
fn start(config: &Path, rep: &str, home: &Path, clock: &str) -> InTerminal {
    let words = std::fs::read_to_string(config).expect("the config");
    let words = words.replace("hold = \"10s\"", "hold = \"0s\"\nrole = \"lead\"\nzone = \"UTC\"");
    let theirs = config.with_file_name(format!("{rep}.toml"));
    std::fs::write(&theirs, words.replace("rep = \"ana\"", &format!("rep = \"{rep}\""))).expect("a config");
    let theirs = theirs.to_str().expect("a path");
    let deck = InTerminal::start(&["--config", theirs], home, SMALL, &[(REHEARSAL, clock)]);
    deck.shows("LIVE 1/1");
    deck
}

/// Ends the queues when it goes.
struct Closing<'a>(&'a Shift);

impl Drop for Closing<'_> {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// Tells the others where a rep's day breaks off, so that nobody waits for what that rep would have done.
struct Day<'a>(&'a Shift);

impl Drop for Day<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.is_broken.store(true, Ordering::Relaxed);
            self.0.close();
        }
    }
}

/// Brings the post that holds this word under the keys.
#[track_caller]
fn find(deck: &mut InTerminal, word: &str) {
    // Back to the columns from wherever it is: the keys of a column's row stand at the foot.
    let is_there = |screen: &str| screen.contains("  c claim  ") && !screen.contains("any key closes");
    for _ in 0..10 {
        deck.keys(ESC);
        if deck.comes(LOOKS_AGAIN, is_there) {
            break;
        }
    }
    deck.keys("./");
    deck.shows("find in stored posts");
    deck.keys(word);
    deck.keys("\r");
    deck.shows(&format!(" for {word}, newest"));
    deck.keys("\r");
}

fn resolve(deck: &mut InTerminal, cause: &str, closing: bool) {
    deck.keys("e");
    deck.keys(if closing { "\t" } else { "" });
    deck.keys(cause);
    deck.keys("\r");
    // The first outcome.
    deck.shows("how did it end?");
    deck.keys("\r");
}

/// So many cases in so many simulated minutes, at this many times the pace of life. A request signed more than five
/// simulated minutes ago is refused, so the pace leaves a loaded machine some seconds for each.
fn shift(cases: usize, minutes: u64, speed: u32) {
    let home = tempfile::tempdir().expect("a home");
    let began = Instant::now();
    let from = Timestamp::now();
    let clock = format!("{from} x{speed}");
    let simulator = Simulator::quiet_with(home.path(), &[(REHEARSAL, &clock)]);
    let data = home.path().join("data");
    std::fs::create_dir_all(&data).expect("a folder");
    let log = SqliteLog::open(&data).expect("a store");
    let shift = Shift {
        following: Following::begin(&log),
        queues: std::array::from_fn(|_| Default::default()),
        config: simulator.config.clone(),
        simulator,
        clock,
        is_broken: AtomicBool::new(false),
    };
    let decks: Vec<InTerminal> = REPS.iter().map(|rep| start(&shift.config, rep, home.path(), &shift.clock)).collect();
    let pace = Duration::from_mins(minutes) / speed / u32::try_from(cases).expect("few");
    let opened = Instant::now();
    let decks: Vec<InTerminal> = std::thread::scope(|scope| {
        // Whatever goes wrong, nobody waits for ever.
        let closing = Closing(&shift);
        let at_work: Vec<_> = decks
            .into_iter()
            .enumerate()
            .map(|(rep, deck)| {
                let shift = &shift;
                scope.spawn(move || shift.work(rep, deck))
            })
            .collect();
        for n in 0..cases {
            let due = opened + pace * u32::try_from(n).expect("few");
            while let Some(left) = due.checked_duration_since(Instant::now()) {
                std::thread::park_timeout(left);
            }
            let topic = ["acme is slow", "acme charged my bill twice", "I love waiting on hold, acme"][n % 3];
            let post = shift.says(n, &format!("case{n}x {topic}"), None);
            let work = Work { n, post, handed: false };
            match n % 10 {
                // Nobody gets round to it.
                9 => {}
                // Two want it.
                7 => [n, n + 1].iter().for_each(|rep| shift.give(rep % REPS.len(), work.clone())),
                _ => shift.give(n % REPS.len(), work),
            }
        }
        // A case handed over is given to another queue while its rep works: all have ended when nothing is left.
        let wanted = (0..cases).filter(|n| n % 10 != 9).count();
        shift.following.until_long("every case done", |told| {
            let done: BTreeSet<CaseId> = told
                .iter()
                .filter(|it| matches!(it.event, Event::CaseResolved { .. }))
                .filter_map(|it| it.event.case())
                .collect();
            (done.len() >= wanted || shift.is_broken.load(Ordering::Relaxed)).then_some(())
        });
        drop(closing);
        at_work.into_iter().map(|rep| rep.join().expect("a rep's day ends well")).collect()
    });
    let worked = opened.elapsed();
    for mut deck in decks {
        deck.keys("Q");
        assert!(deck.ended().success());
    }
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let last = runtime.block_on(log.last()).expect("the last place");
    shift.following.until("the whole log", None, |told| (told.last()?.seq >= last).then_some(()));
    let told = shift.following.all();

    let figures = recounted(&shift, home.path(), &told, cases);
    folded(&shift, &log, &runtime, &told);
    screens(&shift, home.path(), told.last().expect("a log").at);
    println!(
        "shift: {cases} cases, {} events, {minutes} min simulated in {worked:.1?} at x{speed} ({:.1?} in all)\n{figures}",
        told.len(),
        began.elapsed()
    );
    runtime.block_on(log.close());
}

/// The command's figures are those of a recount by other means.
fn recounted(shift: &Shift, home: &Path, told: &[Arc<Envelope>], cases: usize) -> String {
    let config = shift.config.with_file_name("ana.toml");
    let report = |form: &str| {
        let output = Command::new(env!("CARGO_BIN_EXE_replydeck"))
            .args(["--config", config.to_str().expect("a path"), "report", "--since", "all", form])
            .env("HOME", home)
            .env("REPLYDECK_DATA_DIR", home.join("data"))
            .env(REHEARSAL, &shift.clock)
            .output()
            .expect("the command runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("UTF-8")
    };
    let json: Value = serde_json::from_str(&report("--json")).expect("JSON");
    let made: Timestamp = json["at"].as_str().expect("a time").parse().expect("a time");
    let recount = recount::figures(told, made);
    for part in ["total", "columns", "hours", "reps", "causes"] {
        recount::assert_same(part, &json[part], &recount[part]);
    }
    // The simulated customers go on by themselves; what was played is the least of it.
    let least = |name: &str, least: usize| {
        let told = json["total"][name].as_u64().expect("a number");
        assert!(told >= least as u64, "{name}: {told} of {least}");
    };
    least("seen", cases);
    least("answered", (0..cases).filter(|n| n % 10 != 9).count());
    least("reopened", (0..cases).filter(|n| [3, 6].contains(&(n % 10))).count());
    assert_eq!(json["total"]["turned_round"], (0..cases).filter(|n| n % 10 == 3).count());
    report("--text")
}

/// The log folded from zero is the desk the decks kept, with the owners and clocks of a recount.
fn folded(shift: &Shift, log: &SqliteLog, runtime: &tokio::runtime::Runtime, told: &[Arc<Envelope>]) {
    let mut desk = Fold::default();
    for envelope in told {
        fold(&mut desk, envelope);
    }
    let (seq, kept) =
        runtime.block_on(log.checkpoint(Fold::CHECKPOINT_KIND.into())).expect("an answer").expect("a checkpoint");
    // The deck that quit first kept less of the log than the one that quit last.
    let mut known = Fold::from_checkpoint(&kept).expect("a desk");
    assert_eq!(known.seq, seq);
    for envelope in told {
        fold(&mut known, envelope);
    }
    assert!(known.checkpoint() == desk.checkpoint(), "the desk a deck left is the log folded from zero");

    let (owners, waiting) = recount::owners_and_clocks(told);
    for case in desk.cases.values() {
        let story = || recount::told_of(told, case.id);
        assert_eq!(case.owner.as_ref(), owners.get(&case.id), "the owner of {}:\n{}", case.number, story());
        assert_eq!(case.waiting_since, waiting.get(&case.id).copied(), "the clock of {}:\n{}", case.number, story());
    }
    assert!(waiting.len() > told.len() / 1_000, "some wait");

    // Drawn from the checkpoint and from zero, the screens are the same cell for cell.
    let config = Config::load(&shift.config.with_file_name("ana.toml")).expect("a config");
    let now = told.last().expect("a log").at;
    let wanted = known.missing_texts(known.posts.keys());
    // What the checkpoint leaves to the store is read from it.
    for (id, body) in runtime.block_on(log.bodies(wanted)).expect("texts") {
        known.supply(&id, body);
    }
    for size in [SMALL, (200, 50)] {
        let app = |desk: &Fold| {
            let setup = config.setup(MachineName::new("here"), SessionId(uuid::Uuid::nil()));
            let mut app = App::new(setup, size, now, IdSource::new(1));
            app.desk = desk.clone();
            drop(update(&mut app, now, Msg::CaughtUp));
            app
        };
        let (mut from_zero, mut from_kept) = (app(&desk), app(&known));
        for keys in ["", "j", "\r", "\u{1b}"] {
            for app in [&mut from_zero, &mut from_kept] {
                for key in keys.chars() {
                    // Texts a screen asks the store for are brought before it is looked at.
                    for effect in update(app, now, Msg::Key(key_of(key))) {
                        if let Effect::ReadBodies { ids } = effect {
                            let found = runtime.block_on(log.bodies(ids.clone())).expect("texts");
                            drop(update(app, now, Msg::Store(FromStore::Bodies { asked: ids, found })));
                        }
                    }
                }
            }
            let (zero, kept) = (drawn(&from_zero, size), drawn(&from_kept, size));
            assert!(zero == kept, "at {size:?} after {keys:?}; from zero:\n{zero:#?}\nfrom what was kept:\n{kept:#?}");
        }
    }
}

fn key_of(key: char) -> KeyEvent {
    let code = match key {
        '\r' => KeyCode::Enter,
        '\u{1b}' => KeyCode::Esc,
        key => KeyCode::Char(key),
    };
    KeyEvent::new(code, KeyModifiers::NONE)
}

fn drawn(app: &App, (columns, rows): (u16, u16)) -> Buffer {
    let mut terminal = Terminal::new(TestBackend::new(columns, rows)).expect("a terminal");
    let mut cache = ui::Cache::new(ui::Theme::colour());
    terminal.draw(|frame| ui::draw(frame, app, &mut cache)).expect("a frame");
    terminal.backend().buffer().clone()
}

/// The real program, its clock standing still and its customers silent, shows the same with its checkpoint and
/// without.
fn screens(shift: &Shift, home: &Path, last: Timestamp) {
    let still = format!("{} x0", last + SignedDuration::from_hours(1));
    // Still the simulator of the shift: the decks look their posts up there.
    shift.simulator.slow_down();
    let visited = |home: &Path, steps: &[(&str, &str)]| {
        let mut deck = start(&shift.config, "ana", home, &still);
        let all: Vec<String> = steps
            .iter()
            .map(|(keys, wanted)| {
                deck.keys(keys);
                // A cell that was cleared and one that was never written look alike.
                deck.settled(wanted).lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
            })
            .collect();
        deck.keys("Q");
        assert!(deck.ended().success());
        all
    };
    // The first one confesses the pause since the shift; the others begin with what it left, for what they read is
    // told to the log as well.
    visited(home, &[("", "gap")]);
    let homes = [(); 2].map(|()| tempfile::tempdir().expect("a home"));
    for copy in &homes {
        copied(&home.join("data"), &copy.path().join("data"));
    }
    let store = homes[1].path().join("data").join(replydeck::log::sqlite::FILE);
    let store = rusqlite::Connection::open(store).expect("the file");
    assert!(store.execute("DELETE FROM checkpoints", []).expect("deleted") > 0);
    drop(store);
    let steps = [(".", "mentions"), ("j", ">"), ("\r", "@customer"), (ESC, "mentions"), ("gd", "drafts")];
    let [kept, from_zero] = homes.map(|home| visited(home.path(), &steps));
    for (kept, from_zero) in kept.iter().zip(&from_zero) {
        assert!(kept == from_zero, "from the checkpoint:\n{kept}\nfrom zero:\n{from_zero}");
    }
    assert!(
        kept.iter().collect::<BTreeSet<_>>().len() > 2,
        "the screens differ from one another:\n{}",
        kept.join("\n")
    );
}

/// A folder as it stands, but for what belongs to those who have it open.
fn copied(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        let (path, name) = (entry.path(), entry.file_name());
        if path.is_dir() {
            copied(&path, &to.join(name));
        } else if !name.to_string_lossy().ends_with("-shm") {
            std::fs::copy(&path, to.join(name)).expect("copied");
        }
    }
}

#[test]
fn a_small_shift_adds_up() {
    shift(12, 15, 30);
}

#[test]
#[ignore = "about a quarter of an hour: the whole shift of eight simulated hours"]
fn the_whole_shift_adds_up() {
    shift(300, 480, 30);
}
