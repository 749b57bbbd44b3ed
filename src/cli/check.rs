//! `replydeck check`: what works, what does not, what to do. Sends nothing.

use std::fmt::Write as _;
use std::io::{IsTerminal, Write as _};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use jiff::Timestamp;
use serde::Serialize;
use tokio::sync::mpsc;

use super::{Cli, print};
use crate::config::check::{self, Line, Outcome, Part, TerminalFacts};
use crate::config::{AccountConfig, Config, ConfigError, UserSecrets};
use crate::log::Log;
use crate::log::memory::MemoryLog;
use crate::log::sqlite::{self, SqliteLog};
use crate::model::spend::Act;
use crate::model::words::counted;
use crate::model::{Envelope, NewEvent, Seq, clean};
use crate::net::x::tokens::{Renewal, TokenFile, Tokens};
use crate::net::x::user_token;
use crate::net::{Feed, Finding, FindingVerdict, Network};
use crate::run::intake::Signer;
use crate::run::session::{self, Lease};
use crate::run::spend::Till;

/// Say what works and what does not: config, queries, secrets, data folder, terminal. Sends nothing
///
/// Secrets are fetched, which may run commands, and not shown. Exit codes: 0 everything works, 1 something
/// fails, 2 the config cannot be used.
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "Examples:\n  replydeck check\n  replydeck check --online\n  replydeck check --json | jq '.lines[] | select(.outcome == \"fails\")'"
)]
pub struct CheckArgs {
    /// Also ask the networks whether they take the credentials and the rules
    #[arg(long)]
    online: bool,
    /// Ask about the connections the networks hold open for the app, and close those you say are nobody's
    #[arg(long, requires = "online", conflicts_with = "json")]
    close_stale: bool,
    /// One JSON object instead of text
    #[arg(long)]
    json: bool,
}

/// A store that does not take what was spent is not waited for any longer.
const WRITTEN_WITHIN: Duration = Duration::from_secs(10);

/// Makes the networks of a config, to be asked by `--online`.
pub type Connect<'c> = &'c dyn Fn(&Config) -> anyhow::Result<Vec<Arc<dyn Network>>>;

/// What was found, and the exit code it means.
#[derive(Debug, Serialize)]
struct Found {
    /// Nothing fails.
    ok: bool,
    lines: Vec<Line>,
    #[serde(skip)]
    is_config_usable: bool,
}

pub(super) fn run(args: &CheckArgs, cli: &Cli, connect: Connect<'_>) -> anyhow::Result<ExitCode> {
    let places = cli.places()?;
    let mut lines = Vec::new();
    let config = match Config::load(&places.config) {
        Ok(config) => Some(config),
        Err(error) => {
            lines.extend(unusable(&error));
            None
        }
    };
    if let Some(config) = &config {
        let (accounts, columns) = (config.accounts.len(), config.columns.len());
        let path = places.config.display();
        let what = format!("{path}: {}, {}", counted(accounts, "account"), counted(columns, "column"));
        lines.push(Line::new(Part::Config, Outcome::Works, what));
        lines.extend(check::office(config));
        lines.extend(check::columns(config));
        lines.extend(check::accounts(config));
        lines.extend(check::secrets(config));
    }
    if let Some(config) = &config {
        lines.extend(logins(config, &places.data, crate::run::clock::system()()));
    }
    lines.push(check::data(&places.data));
    lines.extend(store(&places.data));
    lines.extend(check::terminal(&terminal_facts()));
    if let (true, Some(config)) = (args.online, &config) {
        lines.extend(online(config, &places.data, connect));
        if args.close_stale {
            lines.extend(close_stale(config, &places.data, connect));
        }
    }
    let found = Found {
        ok: lines.iter().all(|line| line.outcome != Outcome::Fails),
        lines,
        is_config_usable: config.is_some(),
    };
    print::out(&if args.json { format!("{}\n", serde_json::to_string(&found)?) } else { text(&found, args.online) })?;
    Ok(super::exit_code(match (&found.is_config_usable, found.ok) {
        (false, _) => 2,
        (true, false) => 1,
        (true, true) => 0,
    }))
}

/// Why there is no config: a line for each fault.
fn unusable(error: &ConfigError) -> Vec<Line> {
    let faults = match error {
        ConfigError::Invalid(invalid) => invalid.each().collect(),
        ConfigError::Missing { .. } | ConfigError::Unreadable { .. } => vec![error.to_string()],
    };
    faults.into_iter().map(|fault| Line::new(Part::Config, Outcome::Fails, fault)).collect()
}

/// The store, where there is one: whether the deck would open it.
fn store(folder: &Path) -> Option<Line> {
    match SqliteLog::try_out(folder) {
        Ok(false) => None,
        Ok(true) => {
            let what = format!("the store {} can be opened", folder.join(sqlite::FILE).display());
            Some(Line::new(Part::Data, Outcome::Works, what))
        }
        Err(why) => Some(Line::new(Part::Data, Outcome::Fails, why.to_string())),
    }
}

/// Every account that is logged in by `replydeck auth`: who, until when, and what was not approved.
fn logins(config: &Config, folder: &Path, now: Timestamp) -> Vec<Line> {
    let kept = config
        .accounts
        .iter()
        .filter(|account| matches!(account.x().and_then(|x| x.user.as_ref()), Some(UserSecrets::Login(_))));
    kept.map(|account| {
        let remedy = user_token::remedy(&account.name);
        let line = |outcome, what: String| Line::new(Part::Account, outcome, format!("{}: {what}", account.name));
        let login = match TokenFile::of(folder, &account.name).read() {
            Ok(Some(login)) => login,
            Ok(None) => return line(Outcome::Fails, "nobody has logged in".to_owned()).remedy(remedy),
            Err(error) => return line(Outcome::Fails, error.to_string()).remedy(remedy),
        };
        let who = format!("logged in as @{}", login.handle);
        let tokens = match &login.tokens {
            Tokens::OAuth1 { .. } => return line(Outcome::Works, format!("{who} by PIN, until it is taken back")),
            Tokens::OAuth2(tokens) => tokens,
        };
        let missing = super::auth::missing_scopes(&tokens.scopes);
        match &tokens.renewal {
            Renewal::Over { why, .. } => line(Outcome::Fails, format!("logged out: {why}")).remedy(remedy),
            Renewal::Sent { at } | Renewal::SentAgain { at } => {
                let what = format!("{who}; the answer to the renewal of {at:.0} was lost, the login may end");
                line(Outcome::Mind, what).remedy(remedy)
            }
            Renewal::Unused if tokens.refresh_token.is_none() => {
                let outcome = if tokens.has_ended(now) { Outcome::Fails } else { Outcome::Mind };
                line(outcome, format!("{who} until {:.0}, and that cannot be renewed", tokens.expires)).remedy(remedy)
            }
            Renewal::Unused if !missing.is_empty() => {
                line(Outcome::Mind, format!("{who}, without {}", missing.join(", "))).remedy(remedy)
            }
            Renewal::Unused => {
                line(Outcome::Works, format!("{who}; the token at hand ends at {:.0} and is renewed", tokens.expires))
            }
        }
    })
    .collect()
}

pub(super) fn terminal_facts() -> TerminalFacts {
    let mut facts = TerminalFacts::from_variables(&|name| std::env::var(name).ok());
    facts.is_terminal = std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
    // Asked only of a terminal: elsewhere the answer would come from a helper program, or not at all.
    facts.size = if facts.is_terminal { crossterm::terminal::size().ok() } else { None };
    facts
}

/// Asks every network in turn; what that costs is told before, and written down where there is a store.
fn online(config: &Config, data: &Path, connect: Connect<'_>) -> Vec<Line> {
    let fails = |why: String| vec![Line::new(Part::Network, Outcome::Fails, why)];
    let networks = match connect(config) {
        Ok(networks) if networks.is_empty() => return fails("there is no network to ask".to_owned()),
        Ok(networks) => networks,
        Err(why) => return fails(format!("the networks cannot be asked: {why:#}")),
    };
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(why) => return fails(format!("the networks cannot be asked: {why}")),
    };
    let priced: Vec<String> = config.accounts.iter().filter_map(price).collect();
    if !priced.is_empty() {
        // On stderr: what is found may be read by a program.
        let told = format!("asking whose credentials these are costs: {}\n", priced.join(", "));
        if let Err(error) = std::io::stderr().write_all(told.as_bytes()) {
            tracing::debug!(%error, "nobody reads what it costs");
        }
    }
    runtime.block_on(async {
        // Gathered apart: a check that costs nothing makes no store.
        let gathered = Arc::new(MemoryLog::new());
        let named = networks.iter().map(|network| (network.account().name, Arc::clone(network))).collect();
        let signer = Signer { rep: config.effective_rep(), machine: session::machine() };
        // What the till has to tell is told below.
        let (inbox, _nobody_reads) = mpsc::channel(1);
        let log = Arc::clone(&gathered) as Arc<dyn Log>;
        let till = Till::new(&named, log, crate::run::clock::system(), signer, inbox);
        let mut lines = ask(config, &networks).await;
        till.flush().await;
        let written = tokio::time::timeout(WRITTEN_WITHIN, write_down(&gathered, data)).await;
        if let Err(why) = written.unwrap_or_else(|_| Err(anyhow::anyhow!("the store does not answer"))) {
            let what = format!("what was asked is not in the log of the day's spending: {why:#}");
            lines.push(Line::new(Part::Data, Outcome::Mind, what));
        }
        lines
    })
}

/// Puts what was billed into the store, which is made where there is none.
async fn write_down(gathered: &MemoryLog, data: &Path) -> anyhow::Result<()> {
    let billed: Vec<NewEvent> = gathered.events(Seq(0), usize::MAX).await?.iter().map(|it| again(it)).collect();
    if billed.is_empty() {
        return Ok(());
    }
    super::auth::make_private(data)?;
    let log = SqliteLog::open(data)?;
    let written = log.append(billed, None).await;
    log.close().await;
    Ok(written.map(drop)?)
}

fn again(envelope: &Envelope) -> NewEvent {
    let Envelope { id, at, rep, machine, event, body, .. } = envelope.clone();
    NewEvent { id, at, rep, machine, event, body }
}

/// `acme $0.010`: whose login it is is asked only of an account that has one.
fn price(account: &AccountConfig) -> Option<String> {
    account.x()?.user.as_ref()?;
    let price = account.budget()?.prices.of(Act::UserRead);
    Some(format!("{} {price}", account.name))
}

/// Goes through the connections that networks hold open and closes those the rep says are nobody's.
fn close_stale(config: &Config, data: &Path, connect: Connect<'_>) -> Vec<Line> {
    let line = |outcome, what: String| vec![Line::new(Part::Network, outcome, what)];
    if !terminal_facts().is_terminal {
        let what =
            "--close-stale asks before it closes anything, and there is no terminal to ask on: nothing was closed";
        return line(Outcome::Fails, what.to_owned());
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let (networks, runtime) = match (connect(config), runtime) {
        (Ok(networks), Ok(runtime)) => (networks, runtime),
        (Err(why), _) => return line(Outcome::Fails, format!("the networks cannot be asked: {why:#}")),
        (_, Err(why)) => return line(Outcome::Fails, format!("the networks cannot be asked: {why}")),
    };
    let ask = |question: &str| {
        print::out(question)?;
        let mut answer = String::new();
        std::io::stdin().read_line(&mut answer)?;
        Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
    };
    runtime.block_on(close_asked(&networks, data, ask))
}

/// The same with the question handed in.
pub async fn close_asked(
    networks: &[Arc<dyn Network>],
    data: &Path,
    mut ask: impl FnMut(&str) -> std::io::Result<bool>,
) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut say = |outcome, what: String| lines.push(Line::new(Part::Network, outcome, what));
    for network in networks {
        let name = network.account().name;
        // Held while we ask, so that no deck of this machine connects in between.
        let lease = Lease::take(data, "stream", &name);
        if matches!(lease, Ok(None)) {
            say(Outcome::Mind, format!("{name}: a replydeck on this machine listens; its connection is not stale"));
            continue;
        }
        let open = match network.connections().await {
            Ok(open) => open,
            Err(missing) => {
                say(Outcome::Fails, format!("{name}: the connections are not told: {}", missing.why));
                continue;
            }
        };
        if open.is_empty() {
            say(Outcome::Works, format!("{name}: no connection is open"));
        }
        for connection in open {
            let since = connection.since.map(|since| format!(" since {since:.0}")).unwrap_or_default();
            let what = clean::line(&format!("{}{since} from {}", connection.what, connection.from));
            let question =
                format!("{name}: {what}\nIf another deck or program uses it, it is cut off. Close it? [y/N] ");
            match ask(&question) {
                Ok(true) => match network.close(std::slice::from_ref(&connection)).await {
                    Ok(0) => say(Outcome::Mind, format!("{name}: {what} was gone already")),
                    Ok(_) => say(Outcome::Works, format!("{name}: {what} was closed")),
                    Err(missing) => say(Outcome::Fails, format!("{name}: {what} was not closed: {}", missing.why)),
                },
                Ok(false) => say(Outcome::Mind, format!("{name}: {what} stays open")),
                Err(why) => say(Outcome::Fails, format!("{name}: nobody could be asked: {why}")),
            }
        }
    }
    lines
}

/// What the networks say of credentials and rules.
pub async fn ask(config: &Config, networks: &[Arc<dyn Network>]) -> Vec<Line> {
    // Nothing is listened to, so nothing comes out of the feeds.
    let (out, _nobody_reads) = mpsc::channel(1);
    let mut lines = Vec::new();
    for network in networks {
        let account = network.account();
        let feeds: Vec<Feed> = config
            .columns
            .iter()
            .filter(|column| column.heard_as(&account.name).is_some())
            .map(|column| Feed { column: column.name.clone(), rule: column.rule.clone(), out: out.clone() })
            .collect();
        for Finding { verdict, what, remedy } in network.check(&feeds).await {
            let outcome = match verdict {
                FindingVerdict::Works => Outcome::Works,
                FindingVerdict::Mind => Outcome::Mind,
                FindingVerdict::Fails => Outcome::Fails,
            };
            lines.push(Line { part: Part::Network, outcome, what: format!("{}: {what}", account.name), remedy });
        }
    }
    lines
}

fn text(found: &Found, online: bool) -> String {
    let mut text = String::new();
    for Line { part, outcome, what, remedy } in &found.lines {
        let (part, outcome) = (part.word(), outcome.word());
        for (at, line) in clean::text(what).lines().enumerate() {
            let (part, outcome) = if at == 0 { (part, outcome) } else { ("", "") };
            let _written = writeln!(text, "{}", format!("{part:<9} {outcome:<6} {line}").trim_end());
        }
        for line in remedy.iter().flat_map(|remedy| remedy.lines()) {
            let _written = writeln!(text, "{:<16}  -> {}", "", clean::text(line));
        }
    }
    let failing = found.lines.iter().filter(|line| line.outcome == Outcome::Fails).count();
    let _written = match failing {
        0 => writeln!(text, "\nNothing fails; nothing was sent."),
        1 => writeln!(text, "\n1 thing fails; nothing was sent."),
        count => writeln!(text, "\n{count} things fail; nothing was sent."),
    };
    if !online && found.is_config_usable {
        text.push_str("Whether the networks agree: replydeck check --online\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use async_trait::async_trait;
    use jiff::Timestamp;
    use tokio::sync::{mpsc, watch};
    use tokio_util::sync::CancellationToken;

    use super::online;
    use crate::config::Config;
    use crate::config::check::{Outcome, Part};
    use crate::config::example::example;
    use crate::model::{Account, LinkReport, PostId};
    use crate::net::{Backfill, Feed, Finding, FindingVerdict, Network, Outgoing, ReadBack, SendError};

    /// Finds one thing per feed, and takes part in nothing else.
    #[derive(Debug)]
    struct Asked(Account);

    #[async_trait]
    impl Network for Asked {
        fn account(&self) -> Account {
            self.0.clone()
        }

        async fn listen(
            &self,
            _feeds: watch::Receiver<Arc<Vec<Feed>>>,
            _links: mpsc::Sender<LinkReport>,
            _stop: CancellationToken,
        ) {
            panic!("a check does not listen");
        }

        async fn send(&self, _outgoing: &Outgoing) -> Result<PostId, SendError> {
            panic!("a check does not send");
        }

        async fn read_back(&self, _outgoing: &Outgoing, _attempted: Timestamp) -> ReadBack {
            panic!("a check does not read back");
        }

        async fn backfill(&self, _feeds: &[Feed], _from: Timestamp, _to: Timestamp) -> Backfill {
            panic!("a check fills no gaps");
        }

        async fn check(&self, feeds: &[Feed]) -> Vec<Finding> {
            feeds
                .iter()
                .map(|feed| Finding {
                    verdict: if feed.column.as_str() == "outage" {
                        FindingVerdict::Fails
                    } else {
                        FindingVerdict::Works
                    },
                    what: format!("rule {}", feed.rule.source()),
                    remedy: None,
                })
                .collect()
        }
    }

    #[test]
    fn the_networks_are_asked_about_their_own_columns() {
        let config = Config::parse(&example(), "example").unwrap();
        let account = config.accounts[0].account();
        let connect = |_config: &Config| {
            let other = Account { name: crate::model::AccountName::new("other"), ..account.clone() };
            Ok(vec![Arc::new(Asked(account.clone())) as Arc<dyn Network>, Arc::new(Asked(other))])
        };
        let lines = online(&config, Path::new("/no/such/folder"), &connect);
        assert_eq!(lines.len(), 2, "{lines:?}");
        assert!(lines.iter().all(|line| line.part == Part::Network && line.what.starts_with("example: rule ")));
        assert_eq!((lines[0].outcome, lines[1].outcome), (Outcome::Works, Outcome::Fails));
    }

    #[test]
    fn networks_that_cannot_be_made_are_told() {
        let config = Config::parse(&example(), "example").unwrap();
        let lines = online(&config, Path::new("/no/such/folder"), &|_config| {
            Err(anyhow::anyhow!("no roots").context("TLS cannot be set up"))
        });
        assert_eq!(lines[0].outcome, Outcome::Fails);
        assert!(lines[0].what.ends_with("TLS cannot be set up: no roots"), "{lines:?}");
    }
}
