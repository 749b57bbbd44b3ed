//! Two reps, two processes, one store: `c` on the same case at the same moment. Each process runs the real deck on
//! the real log and draws the real screen; only the terminal and the networks are left out.

#![expect(clippy::disallowed_methods, reason = "the test measures how far apart two processes' keys were")]
#![expect(clippy::print_stderr, reason = "the thousand rounds tell their figures")]

use std::io::{BufRead as _, BufReader, Lines, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use replydeck::app::effect::AppendToken;
use replydeck::app::{App, Effect, Msg, update};
use replydeck::config::Config;
use replydeck::log::sqlite::SqliteLog;
use replydeck::log::{AppendError, Log};
use replydeck::model::{
    AuthorId, CaseId, ColumnName, ConversationId, Envelope, Event, Expect, IdSource, MachineName, NetworkKind,
    NewEvent, NotAppended, Seq, SessionId,
};
use replydeck::ui::{self, Cache, Theme};
use tokio::sync::mpsc::Receiver;
use uuid::Uuid;

use super::sample::{at, new, post, take};

const DIR: &str = "REPLYDECK_TEST_RACE_DIR";
const REP: &str = "REPLYDECK_TEST_RACE_REP";
/// A key later than this after the other was not pressed at the same moment.
const SAME_MOMENT: Duration = Duration::from_millis(50);

fn author(n: u64) -> AuthorId {
    AuthorId::new(NetworkKind::X, &format!("a{n}"))
}

fn conversation(n: u64) -> ConversationId {
    ConversationId::new(NetworkKind::X, &n.to_string())
}

fn case(n: u64) -> CaseId {
    CaseId::of(&author(n), &conversation(n))
}

/// A post of somebody new, and the case it opens.
fn complaint(n: u64) -> Vec<NewEvent> {
    let mut post = post(n, "slow again");
    post.author.id = author(n);
    post.conversation = conversation(n);
    let matched = Event::PostMatched {
        post: post.id.clone(),
        author: author(n),
        conversation: conversation(n),
        columns: vec![ColumnName::new("outage")],
        posted_at: post.at,
        in_reply_to: None,
        in_reply_to_author: None,
        standing: replydeck::model::event::Standing::Customer,
    };
    let (id, posted_at) = (post.id.clone(), post.at);
    let opened =
        Event::CaseOpened { case: case(n), author: author(n), conversation: conversation(n), post: id, posted_at };
    let body = replydeck::model::Body::Post(Box::new(post));
    vec![new(&format!("race post {n}"), matched, Some(body)), new(&format!("race case {n}"), opened, None)]
}

/// A deck on the log, without a terminal.
struct Deck {
    app: App,
    cache: Cache,
    log: SqliteLog,
    live: Receiver<Vec<Arc<Envelope>>>,
}

impl Deck {
    fn open(dir: &Path, rep: &str) -> Self {
        let text = format!(
            "rep = \"{rep}\"\nbell = false\n[accounts.one]\nnetwork = \"x\"\nhandle = \"OneHelp\"\n\
             bearer = {{ env = \"B\" }}\n[[columns]]\nname = \"outage\"\naccount = \"one\"\nquery = \"slow\"\n"
        );
        let config = Config::parse(&text, "config.toml").expect("a config");
        let seed = if rep == "ana" { 1 } else { 2 };
        let setup = config.setup(MachineName::new("desk"), SessionId(Uuid::from_u128(seed)));
        let app = App::new(setup, (80, 24), at(100_000), IdSource::new(u64::try_from(seed).expect("small")));
        let log = SqliteLog::open(dir).expect("opens");
        let live = log.subscribe(Seq(0));
        let mut deck = Self { app, cache: Cache::new(Theme::plain()), log, live };
        deck.app.caught_up = true;
        deck
    }

    async fn tell(&mut self, msg: Msg) {
        let mut msgs = vec![msg];
        while let Some(msg) = msgs.pop() {
            for effect in update(&mut self.app, at(100_000), msg) {
                if let Effect::Append { token, events, expect } = effect {
                    msgs.push(self.append(token, events, expect).await);
                }
            }
        }
    }

    async fn append(&self, token: AppendToken, events: Vec<NewEvent>, expect: Option<Expect>) -> Msg {
        let result = self.log.append(events, expect).await.map_err(|error| match error {
            AppendError::Conflict { winner } => NotAppended::Conflict { winner },
            AppendError::Log(error) => NotAppended::Failed { why: error.to_string() },
        });
        Msg::Appended { token, result }
    }

    async fn key(&mut self, key: char) {
        self.tell(Msg::Key(KeyEvent::new(KeyCode::Char(key), KeyModifiers::NONE))).await;
    }

    async fn next(&mut self) {
        let batch = self.live.recv().await.expect("the log goes on");
        self.tell(Msg::Envelopes(batch)).await;
    }

    /// The screen's line that says who has the case at the top.
    fn owner_line(&mut self) -> String {
        let mut terminal = Terminal::new(TestBackend::new(80, 24)).expect("a test terminal");
        terminal.draw(|frame| ui::draw(frame, &self.app, &mut self.cache)).expect("a frame");
        let screen = terminal.backend().to_string();
        let has_owner = |line: &&str| line.contains("you:") || line.contains("claimed ");
        screen.lines().find(has_owner).unwrap_or_default().trim_matches(['"', '|', ' ']).to_owned()
    }
}

#[test]
#[ignore = "run by the tests below, in a process of its own"]
fn child_claims() {
    let (dir, rep) = (std::env::var(DIR).expect("the store"), std::env::var(REP).expect("a rep"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let mut deck = Deck::open(Path::new(&dir), &rep);
        for line in std::io::stdin().lines() {
            let line = line.expect("readable");
            let (what, n) = line.split_once(' ').expect("a word and a number");
            let n: u64 = n.parse().expect("a number");
            if what == "ready" {
                while deck.app.desk.cases.get(&case(n)).is_none_or(|case| case.posts.is_empty()) {
                    deck.next().await;
                }
                deck.key('g').await;
                deck.key('g').await;
                say(&format!("ready {n}"));
                continue;
            }
            let pressed = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_micros();
            deck.key('c').await;
            while deck.app.desk.cases[&case(n)].owner.is_none() || !deck.app.pending.is_empty() {
                deck.next().await;
            }
            let owner = deck.app.desk.cases[&case(n)].owner.clone().expect("an owner");
            let notice = deck.app.notices.newest().map(|notice| notice.text.clone()).unwrap_or_default();
            let shown = deck.owner_line();
            say(&format!("done {n}\t{owner}\t{pressed}\t{shown}\t{notice}"));
        }
    });
}

fn say(line: &str) {
    let mut out = std::io::stdout();
    writeln!(out, "\n{line}").and_then(|()| out.flush()).expect("the test listens");
}

/// A rep's process.
struct Rep {
    name: &'static str,
    child: Child,
    to: ChildStdin,
    from: Lines<BufReader<ChildStdout>>,
}

impl Rep {
    fn start(dir: &Path, name: &'static str) -> Self {
        let mut child = Command::new(std::env::current_exe().expect("known"))
            .args(["--ignored", "--exact", "--nocapture", "claim_race::child_claims"])
            .env(DIR, dir)
            .env(REP, name)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .expect("it runs");
        let to = child.stdin.take().expect("piped");
        let from = BufReader::new(child.stdout.take().expect("piped")).lines();
        Self { name, child, to, from }
    }

    fn tell(&mut self, line: &str) {
        writeln!(self.to, "{line}").and_then(|()| self.to.flush()).expect("the rep listens");
    }

    fn hear(&mut self, beginning: &str) -> String {
        loop {
            let line = self.from.next().expect("the rep goes on").expect("readable");
            if line.starts_with(beginning) {
                return line;
            }
        }
    }
}

/// What the rounds showed.
#[derive(Debug, Default)]
struct Figures {
    won: [u64; 2],
    in_one_moment: u64,
    farthest_us: u128,
}

async fn race(rounds: u64) -> Figures {
    let dir = tempfile::tempdir().expect("a folder");
    let log = SqliteLog::open(dir.path()).expect("opens");
    let mut reps = [Rep::start(dir.path(), "ana"), Rep::start(dir.path(), "bo")];
    let mut figures = Figures::default();
    for n in 1..=rounds {
        log.append(complaint(n), None).await.expect("written");
        for rep in &mut reps {
            rep.tell(&format!("ready {n}"));
        }
        for rep in &mut reps {
            rep.hear(&format!("ready {n}"));
        }
        // The one who is told first may be ahead by a system call; both take turns.
        let first = usize::try_from(n % 2).expect("small");
        reps[first].tell(&format!("go {n}"));
        reps[1 - first].tell(&format!("go {n}"));
        let told: Vec<Vec<String>> = reps
            .iter_mut()
            .map(|rep| rep.hear(&format!("done {n}\t")).split('\t').map(str::to_owned).collect())
            .collect();
        let owner = &told[0][1];
        assert_eq!(owner, &told[1][1], "round {n}: both desks name one owner: {told:?}");
        let winner = reps.iter().position(|rep| rep.name == owner).expect("one of the two");
        let loser = 1 - winner;
        figures.won[winner] += 1;
        assert!(told[winner][3].contains(&format!("you:{owner}")), "round {n}: {told:?}");
        assert!(told[loser][3].contains(&format!("claimed {owner}")), "round {n}: {told:?}");
        assert!(told[loser][4].contains(&format!("{owner} was first and claimed case {n} ")), "round {n}: {told:?}");
        let pressed = told.iter().map(|told| told[2].parse::<u128>().expect("micros")).collect::<Vec<_>>();
        let apart = pressed[0].abs_diff(pressed[1]);
        figures.in_one_moment += u64::from(apart < SAME_MOMENT.as_micros());
        figures.farthest_us = figures.farthest_us.max(apart);
    }
    for Rep { to, mut child, .. } in reps {
        drop(to);
        assert!(child.wait().expect("it ends").success());
    }
    let last = log.last().await.expect("answered");
    let all = take(&mut log.subscribe(Seq(0)), usize::try_from(last.0).expect("small")).await;
    let claims = all.iter().filter(|envelope| matches!(envelope.event, Event::CaseClaimed { .. })).count();
    assert_eq!(claims as u64, rounds, "one claim a case is in the log");
    figures
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_processes_that_claim_at_once_one_owns_and_the_other_reads_who() {
    let figures = race(50).await;
    assert_eq!(figures.won.iter().sum::<u64>(), 50);
    assert!(figures.in_one_moment > 0, "never at the same moment: {figures:?}");
}

/// `cargo test --test log claim_race -- --ignored --nocapture a_thousand`
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes a minute; the same with 50 rounds runs always"]
async fn a_thousand_claims_at_once() {
    let figures = race(1_000).await;
    eprintln!("{figures:?}");
    assert_eq!(figures.won.iter().sum::<u64>(), 1_000);
}
