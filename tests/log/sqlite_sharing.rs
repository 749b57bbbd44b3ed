//! One file, several writers: handles in one process, other processes, and processes that are killed.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use replydeck::log::sqlite::{Options, SqliteLog};
use replydeck::log::{AppendError, Log};
use replydeck::model::{EventId, Expect, NewEvent, RepName, Seq};

use super::sample::{case, claimed, matched, queued, seqs, take};
use super::sqlite_bad_days::integrity;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_claims_at_once_exactly_one_wins() {
    const RACES: u64 = 1000;
    let dir = tempfile::tempdir().expect("a folder");
    let ana = Arc::new(SqliteLog::open(dir.path()).expect("opens"));
    let ben = Arc::new(SqliteLog::open(dir.path()).expect("opens too"));
    for race in 0..RACES {
        let claim = |log: &Arc<SqliteLog>, rep: &'static str| {
            let log = Arc::clone(log);
            let event = claimed(&format!("{rep} {race}"), rep, race);
            async move { log.append(vec![event], Some(Expect { case: case(race), seq: Seq(race) })).await }
        };
        let (first, second) = tokio::join!(claim(&ana, "ana"), claim(&ben, "ben"));
        let (won, lost, winner) = match (first, second) {
            (Ok(seq), Err(error)) => (seq, error, "ana"),
            (Err(error), Ok(seq)) => (seq, error, "ben"),
            other => panic!("race {race}: {other:?}"),
        };
        assert_eq!(won, Seq(race + 1));
        let AppendError::Conflict { winner: told } = lost else { panic!("race {race}: {lost:?}") };
        assert_eq!((told.seq, &told.rep), (won, &RepName::new(winner)));
    }
    for log in [&ana, &ben] {
        let count = usize::try_from(RACES).expect("small");
        assert_eq!(seqs(&take(&mut log.subscribe(Seq(0)), count).await), (1..=RACES).collect::<Vec<u64>>());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_handles_see_each_others_appends_in_one_order() {
    see_each_other(true).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_handles_see_each_others_appends_where_the_kernel_does_not_tell() {
    see_each_other(false).await;
}

async fn see_each_other(asks_kernel: bool) {
    let dir = tempfile::tempdir().expect("a folder");
    let options = Options { asks_kernel, ..Options::default() };
    let one = SqliteLog::open_with(dir.path(), options).expect("opens");
    let two = SqliteLog::open_with(dir.path(), options).expect("opens too");
    let mut at_one = one.subscribe(Seq(0));
    let mut at_two = two.subscribe(Seq(0));
    let write = async |log: &SqliteLog, from: u64| {
        for batch in 0..100 {
            let batch = (0..10).map(|n| matched(from + batch * 10 + n, "x")).collect();
            log.append(batch, None).await.expect("written");
        }
    };
    tokio::join!(write(&one, 1), write(&two, 10_001));
    let seen = take(&mut at_one, 2000).await;
    assert_eq!(seqs(&seen), (1..=2000).collect::<Vec<u64>>());
    assert_eq!(take(&mut at_two, 2000).await, seen);
}

#[test]
fn many_may_open_a_new_store_at_once() {
    for _ in 0..10 {
        let dir = tempfile::tempdir().expect("a folder");
        let start = std::sync::Barrier::new(8);
        std::thread::scope(|scope| {
            let opening: Vec<_> = (0..8)
                .map(|_| {
                    scope.spawn(|| {
                        start.wait();
                        SqliteLog::open(dir.path())
                    })
                })
                .collect();
            for opened in opening {
                opened.join().expect("no panic").expect("everybody gets in");
            }
        });
    }
}

const DIR: &str = "REPLYDECK_TEST_WRITER_DIR";
const ROUND: &str = "REPLYDECK_TEST_WRITER_ROUND";

/// What the child appends as number `n` of a round; every third waits for the disk.
fn nth(round: u64, n: u64) -> Vec<NewEvent> {
    let id = 1_000_000 * (round + 1) + n * 10;
    if n.is_multiple_of(3) {
        vec![NewEvent { rep: RepName::new("child"), ..queued(id, "We are on it 対応中です") }]
    } else {
        (0..5).map(|k| matched(id + k, "service is down, 配送遅延")).collect()
    }
}

#[test]
#[ignore = "run by the tests below, in a process of its own"]
fn child_writes() {
    let dir = std::env::var(DIR).expect("the folder to write in");
    let round: u64 = std::env::var(ROUND).expect("a round").parse().expect("a number");
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(async {
        let log = SqliteLog::open(Path::new(&dir)).expect("opens");
        for n in 0.. {
            let seq = log.append(nth(round, n), None).await.expect("written");
            let mut out = std::io::stdout();
            // The parent has gone: no reason to go on.
            if writeln!(out, "\nacknowledged {n} {seq}").and_then(|()| out.flush()).is_err() {
                return;
            }
        }
    });
}

fn child(dir: &Path, round: u64) -> Child {
    Command::new(std::env::current_exe().expect("known"))
        .args(["--ignored", "--exact", "--nocapture", "sqlite_sharing::child_writes"])
        .env(DIR, dir)
        .env(ROUND, round.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("it runs")
}

/// Reads acknowledgements up to the `wanted`th, then kills the child; gives the number and place of every one
/// that got out.
fn kill_after(mut child: Child, wanted: usize) -> Vec<(u64, Seq)> {
    let mut acknowledged = Vec::new();
    let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
    let read = |line: &str| {
        let (n, seq) = line.strip_prefix("acknowledged ")?.split_once(' ')?;
        Some((n.parse().ok()?, Seq(seq.parse().ok()?)))
    };
    while acknowledged.len() < wanted {
        let line = lines.next().expect("the child goes on").expect("readable");
        acknowledged.extend(read(&line));
    }
    // SIGKILL on Unix: nothing is finished, nothing is closed.
    child.kill().expect("killed");
    // What it had still said before it died counts too; its last line may be cut off.
    acknowledged.extend(lines.map_while(Result::ok).filter_map(|line| read(&line)));
    child.wait().expect("gone");
    acknowledged
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_process_loses_nothing_it_was_told_is_kept() {
    const KILLS: u64 = 20;
    let dir = tempfile::tempdir().expect("a folder");
    let mut acknowledged: Vec<(EventId, Seq)> = Vec::new();
    for round in 0..KILLS {
        // Different moments: in the middle of appends, soon after opening, after long use.
        let wanted = usize::try_from(1 + round * 7 % 40).expect("small");
        for (n, seq) in kill_after(child(dir.path(), round), wanted) {
            let last = nth(round, n).pop().expect("not empty");
            acknowledged.push((last.id, seq));
        }
        assert_eq!(integrity(dir.path()), "ok", "after kill {round}");
        let log = SqliteLog::open(dir.path()).expect("opens after a kill");
        let last = log.last().await.expect("answered");
        let count = usize::try_from(last.0).expect("small");
        let all = take(&mut log.subscribe(Seq(0)), count).await;
        assert_eq!(seqs(&all), (1..=last.0).collect::<Vec<u64>>(), "no gap after kill {round}");
        assert!(all.iter().all(|envelope| envelope.body.is_some()), "every text came with its event");
        for (id, seq) in &acknowledged {
            let index = usize::try_from(seq.0 - 1).expect("small");
            assert_eq!(all.get(index).map(|envelope| envelope.id), Some(*id), "acknowledged at {seq}, kill {round}");
        }
        log.close().await;
    }
    let log = SqliteLog::open(dir.path()).expect("opens");
    assert!(!log.search("遅延".to_owned(), 5).await.expect("answered").is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_process_is_seen_even_when_it_is_killed() {
    let dir = tempfile::tempdir().expect("a folder");
    let log = SqliteLog::open(dir.path()).expect("opens");
    let mut live = log.subscribe(Seq(0));
    let writer = child(dir.path(), 0);
    let killing = tokio::task::spawn_blocking(move || kill_after(writer, 60));
    for n in 1..=200 {
        log.append(vec![matched(n, "from here")], None).await.expect("both may write");
    }
    let acknowledged = killing.await.expect("killed");
    log.append(vec![matched(201, "last word")], None).await.expect("written");
    let last = log.last().await.expect("answered");
    let all = take(&mut live, usize::try_from(last.0).expect("small")).await;
    assert_eq!(seqs(&all), (1..=last.0).collect::<Vec<u64>>());
    for (n, seq) in acknowledged {
        let index = usize::try_from(seq.0 - 1).expect("small");
        assert_eq!(all[index].id, nth(0, n).pop().expect("not empty").id);
    }
    let ours = all
        .iter()
        .filter(
            |envelope| matches!(&envelope.body, Some(replydeck::model::Body::Post(post)) if post.text == "from here"),
        )
        .count();
    assert_eq!(ours, 200);
}
