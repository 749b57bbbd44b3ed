//! What a day of a busy brand costs: `ingest` listens to a simulated day at speed, through a relay that counts the bytes.
//! At the end the program's own meter must be the bill that the simulator keeps by itself, of every kind and day.
//!
//! ```text
//! cargo test --test pty a_busy_day -- --ignored --nocapture
//! REPLYDECK_DAY_POSTS=6    posts a minute that the simulated people write (the brand's columns catch most of them)
//! REPLYDECK_DAY_PACE=240   simulated time runs so many times as fast: the day takes six minutes
//! ```
//!
//! The stream and what it costs are to scale. What the program does by the clock of the machine (looking for direct
//! messages every two minutes, the stream's keep-alive lines) happens as many times less as the day is shorter; the
//! table says so. Bytes are those of plain HTTP without compression.

#![expect(clippy::print_stdout, reason = "it tells its figures")]

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use replydeck::desk::Spending;
use replydeck::log::Log;
use replydeck::log::sqlite::{FILE, SqliteLog};
use replydeck::model::spend::Act;
use replydeck::model::{AccountName, Event, Seq};
use replydeck::run::clock::REHEARSAL;
use serde_json::Value;

use crate::simulator::Simulator;

/// Bytes and requests of one path.
#[derive(Clone, Copy, Debug, Default)]
struct Traffic {
    requests: u64,
    up: u64,
    down: u64,
}

/// By method and path, ids left out.
type Counted = Arc<Mutex<BTreeMap<String, Traffic>>>;

/// Passes everything on to `to`; the address to use in its place.
fn relay(to: String) -> (String, Counted) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    let counted = Counted::default();
    let all = Arc::clone(&counted);
    std::thread::spawn(move || {
        for visitor in listener.incoming().map_while(Result::ok) {
            let Ok(server) = TcpStream::connect(&to) else { continue };
            let path = Arc::new(Mutex::new(String::new()));
            for (from, into, is_up) in
                [(visitor.try_clone(), server.try_clone(), true), (server.try_clone(), visitor.try_clone(), false)]
            {
                let (Ok(from), Ok(into)) = (from, into) else { continue };
                let (path, counted) = (Arc::clone(&path), Arc::clone(&all));
                std::thread::spawn(move || pass(from, into, is_up, &path, &counted));
            }
        }
    });
    (address, counted)
}

/// Copies one way until it ends. A request goes out in one piece, so what begins like one is one.
fn pass(mut from: TcpStream, mut into: TcpStream, is_up: bool, path: &Mutex<String>, counted: &Counted) {
    let mut block = vec![0; 64 << 10];
    while let Ok(read) = from.read(&mut block) {
        if read == 0 {
            break;
        }
        let bytes = &block[..read];
        let mut current = path.lock().unwrap_or_else(PoisonError::into_inner);
        let asked = if is_up { requested(bytes) } else { None };
        let is_request = asked.is_some();
        if let Some(asked) = asked {
            *current = asked;
        }
        {
            let mut counted = counted.lock().unwrap_or_else(PoisonError::into_inner);
            let of_path = counted.entry(current.clone()).or_default();
            of_path.requests += u64::from(is_request);
            *(if is_up { &mut of_path.up } else { &mut of_path.down }) += read as u64;
        }
        drop(current);
        if into.write_all(bytes).is_err() {
            break;
        }
    }
    drop(into.shutdown(Shutdown::Write));
}

/// `GET /2/users/:id/dm`
fn requested(bytes: &[u8]) -> Option<String> {
    let line = bytes.split(|byte| *byte == b'\r').next()?;
    let (method, rest) = std::str::from_utf8(line).ok()?.split_once(' ')?;
    if !["GET", "POST", "DELETE", "PUT"].contains(&method) {
        return None;
    }
    let path = rest.split([' ', '?']).next()?;
    let is_id = |part: &str| !part.is_empty() && part.len() > 1 && part.bytes().all(|byte| byte.is_ascii_digit());
    let parts: Vec<&str> = path.split('/').map(|part| if is_id(part) { ":id" } else { part }).collect();
    Some(format!("{method} {}", parts.join("/")))
}

struct Ingest(Child);

impl Ingest {
    /// Asks it to end, and waits for that.
    fn end(mut self) {
        let id = self.0.id().to_string();
        let told = Command::new("kill").args(["-TERM", &id]).status().expect("kill runs");
        assert!(told.success());
        assert!(self.0.wait().expect("it ends").success());
    }
}

impl Drop for Ingest {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// The meter as the log has it, by day and act.
fn meter(events: &[Event], account: &AccountName) -> BTreeMap<String, (BTreeMap<&'static str, u64>, u64)> {
    let mut spending = Spending::default();
    for event in events {
        spending.take(event);
    }
    let days = spending.of(account).map(|spend| spend.days.clone()).unwrap_or_default();
    let day = |acts: &BTreeMap<Act, replydeck::desk::spend::Tally>| {
        acts.iter().filter(|(_, tally)| tally.count > 0).map(|(act, tally)| (act.key(), tally.count)).collect()
    };
    days.iter().map(|(date, spend)| (date.to_string(), (day(&spend.acts), spend.total.0 / 1_000))).collect()
}

fn billed(bill: &Value) -> BTreeMap<String, (BTreeMap<String, u64>, u64)> {
    let days = bill["days"].as_object().cloned().unwrap_or_default();
    let items = |day: &Value| {
        let items = day["items"].as_object().cloned().unwrap_or_default();
        items.into_iter().map(|(item, count)| (item, count.as_u64().expect("a count"))).collect()
    };
    days.iter().map(|(day, of)| (day.clone(), (items(of), of["thousandths"].as_u64().expect("a sum")))).collect()
}

/// All days in one.
fn together(days: &BTreeMap<String, (BTreeMap<String, u64>, u64)>) -> (BTreeMap<String, u64>, u64) {
    let (mut together, mut thousandths) = (BTreeMap::new(), 0);
    for (acts, sum) in days.values() {
        thousandths += sum;
        for (act, count) in acts {
            *together.entry(act.clone()).or_default() += count;
        }
    }
    (together, thousandths)
}

fn wish(name: &str, default: u32) -> u32 {
    std::env::var(name).ok().and_then(|value| value.parse().ok()).unwrap_or(default)
}

#[test]
#[ignore = "a measurement of six minutes"]
fn a_busy_day_of_a_brand() {
    let (rate, pace) = (wish("REPLYDECK_DAY_POSTS", 6), wish("REPLYDECK_DAY_PACE", 240));
    let hours = wish("REPLYDECK_DAY_HOURS", 24);
    let home = tempfile::tempdir().expect("a home");
    let data = home.path().join("data");
    let clock = format!("{} x{pace}", Timestamp::now());
    let simulator = Simulator::quiet_with(home.path(), &[(REHEARSAL, &clock)]);
    let words = std::fs::read_to_string(&simulator.config).expect("the config");
    let (address, traffic) = relay(simulator.address().to_owned());
    let config = home.path().join("relayed.toml");
    std::fs::write(&config, words.replace(simulator.address(), &address)).expect("a config");

    let mut ingest = Command::new(env!("CARGO_BIN_EXE_replydeck"));
    ingest.args(["--config", config.to_str().expect("UTF-8"), "--data-dir", data.to_str().expect("UTF-8"), "ingest"]);
    ingest.env("HOME", home.path()).env(REHEARSAL, &clock).stdin(Stdio::null()).stderr(Stdio::piped());
    let mut ingest = Ingest(ingest.spawn().expect("the binary runs"));
    let err = ingest.0.stderr.take().expect("a pipe");
    let said = std::thread::spawn(move || {
        let mut said = String::new();
        drop(std::io::BufReader::new(err).read_to_string(&mut said));
        said
    });
    let asked = |path: &str| {
        let traffic = traffic.lock().unwrap_or_else(PoisonError::into_inner);
        traffic.iter().any(|(name, of)| name.ends_with(path) && of.down > 0)
    };
    until("the stream", Duration::from_mins(1), || asked("/2/tweets/search/stream"));

    let (from, began) = (simulator.now(), Instant::now());
    simulator.incident(f64::from(rate), 60);
    let end = from + SignedDuration::from_hours(i64::from(hours));
    let day = Duration::from_hours(u64::from(hours)) / pace;
    until("the day's end", day * 2 + Duration::from_mins(1), || simulator.now() >= end);
    let took = began.elapsed();
    simulator.incident(0.0, 0);

    let log = SqliteLog::open(&data).expect("the store opens");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let events = || -> Vec<Event> {
        let all = runtime.block_on(log.events(Seq(0), usize::MAX)).expect("read");
        all.iter().map(|envelope| envelope.event.clone()).collect()
    };
    let account = AccountName::new("acme");
    let same = || {
        let (meter, bill) = (meter(&events(), &account), billed(&simulator.bill()));
        let metered = meter.into_iter().map(|(day, (acts, sum))| {
            (day, (acts.into_iter().map(|(act, count)| (act.to_owned(), count)).collect(), sum))
        });
        (metered.collect::<BTreeMap<_, _>>(), bill)
    };
    let end = Instant::now() + Duration::from_mins(1);
    let is_same = || {
        let (meter, bill) = same();
        together(&meter) == together(&bill)
    };
    while !is_same() && Instant::now() < end {
        std::thread::park_timeout(Duration::from_millis(500));
    }
    ingest.end();
    let (meter, bill) = same();
    let told = said.join().expect("read");
    // On which of two days a post falls that is under way at midnight, each side says by its own clock; at this pace that
    // is a matter of simulated minutes.
    assert_eq!(
        together(&meter),
        together(&bill),
        "the meter is the bill; by day {meter:?} {bill:?}; ingest said:\n{told}"
    );

    let all = events();
    let posts = all.iter().filter(|event| matches!(event, Event::PostMatched { .. })).count();
    let cases = all.iter().filter(|event| matches!(event, Event::CaseOpened { .. })).count();
    let gaps = all.iter().filter(|event| matches!(event, Event::GapOpened { .. })).count();
    drop(all);
    let files = std::fs::read_dir(&data).expect("the data folder").flatten();
    let store = files.filter(|file| file.file_name().to_string_lossy().starts_with(FILE));
    let store: u64 = store.filter_map(|file| file.metadata().ok()).map(|of| of.len()).sum();
    println!(
        "{hours} simulated hours at {rate} posts a minute and an outage of one hour, {pace} times as fast ({:.0} s)",
        took.as_secs_f64()
    );
    println!("written by all: {} posts", simulator.posted());
    println!("heard: {posts} posts, {cases} cases, {gaps} gaps; the store has {:.1} MB", megabytes(store));
    let mut total = 0;
    for (day, (acts, thousandths)) in &bill {
        println!("{day}: {acts:?}: ${}.{:03}", thousandths / 1_000, thousandths % 1_000);
        total += thousandths;
    }
    println!("the meter is the bill: ${}.{:03}", total / 1_000, total % 1_000);
    println!("{:<42} {:>9} {:>10} {:>10}", "request", "requests", "MB up", "MB down");
    for (path, Traffic { requests, up, down }) in &*traffic.lock().unwrap_or_else(PoisonError::into_inner) {
        println!("{path:<42} {requests:>9} {:>10.3} {:>10.3}", megabytes(*up), megabytes(*down));
    }
    println!(
        "what is asked by the machine's clock (direct messages, usage) is asked {pace} times as often on a real day"
    );
    assert!(posts > 0 && total > 0, "a day on which nothing is heard measures nothing; ingest said:\n{told}");
}

#[expect(clippy::cast_precision_loss, reason = "a figure for people")]
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

#[track_caller]
fn until(what: &str, within: Duration, is_so: impl Fn() -> bool) {
    let end = Instant::now() + within;
    while !is_so() {
        assert!(Instant::now() < end, "waited for {what}");
        std::thread::park_timeout(Duration::from_millis(200));
    }
}
