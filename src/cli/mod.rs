//! The command line: one file per subcommand, arguments in, text and an exit code out.
//!
//! Exit codes: 0 done, 1 failed, 2 wrong usage or config. Whatever is not the deck works without a terminal,
//! prints its result on stdout and its complaints on stderr, and never prints a control character of a post.

pub mod auth;
mod auth_mastodon;
pub mod check;
pub mod config;
pub mod deck;
pub mod demo;
pub mod generate;
pub mod ingest;
pub mod match_posts;
pub mod print;
pub mod renew;
pub mod replay;
pub mod report;
pub mod search;
pub mod sim;
pub mod start;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{ArgMatches, ColorChoice, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use crate::config::{Config, ConfigError, PlaceError, Places};
use crate::model::SessionId;
use crate::run::networks;
use crate::ui::Theme;

/// Hear what customers say in public, and answer before it becomes a fire.
///
/// Without a command the deck opens: one live column per query, an answer on a key.
#[derive(Debug, Parser)]
#[command(
    name = "replydeck",
    version,
    max_term_width = 100,
    after_help = "Examples:\n  replydeck demo                                        try it, no account needed\n  \
                  mkdir -p ~/.config/replydeck\n  \
                  replydeck config example > ~/.config/replydeck/config.toml\n  replydeck check\n  replydeck"
)]
pub struct Cli {
    /// The config file [default: replydeck/config.toml in the user's config folder]
    #[arg(long, global = true, value_name = "FILE", env = "REPLYDECK_CONFIG", hide_env_values = true)]
    pub config: Option<PathBuf>,
    /// The folder of the store and the log file [default: replydeck in the user's data folder]
    #[arg(long, global = true, value_name = "DIR", env = "REPLYDECK_DATA_DIR", hide_env_values = true)]
    pub data_dir: Option<PathBuf>,
    /// Whether to use colour; auto follows NO_COLOR and the terminal
    #[arg(long, global = true, value_enum, value_name = "WHEN", default_value_t = Color::Auto)]
    pub color: Color,
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// The subcommands; each brings its help and its example along.
#[derive(Debug, Subcommand)]
pub enum Command {
    Demo(start::DemoArgs),
    Replay(start::ReplayArgs),
    Match(match_posts::MatchArgs),
    Sim(sim::SimArgs),
    Ingest(start::IngestArgs),
    Check(check::CheckArgs),
    Auth(auth::AuthArgs),
    Search(search::SearchArgs),
    Report(report::ReportArgs),
    Config(config::ConfigArgs),
    Completions(generate::CompletionsArgs),
    Man(generate::ManArgs),
    #[command(hide = true)]
    RenewLogin(renew::RenewArgs),
}

/// Whether to use colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Color {
    #[default]
    Auto,
    Always,
    Never,
}

impl Color {
    /// Colour or not, for the screen. `no_color`: the variable NO_COLOR is set and not empty.
    pub fn is_wanted(self, no_color: bool) -> bool {
        match self {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => !no_color,
        }
    }
}

impl Cli {
    /// Where config and data live.
    pub fn places(&self) -> Result<Places, PlaceError> {
        Places::find(self.config.clone(), self.data_dir.clone())
    }

    /// The config in force.
    pub fn load(&self) -> anyhow::Result<(Places, Config)> {
        let places = self.places()?;
        let config = Config::load(&places.config)?;
        Ok((places, config))
    }
}

/// The command line as it is parsed, shown and completed: what a command refuses is not in its help.
pub(crate) fn command_line() -> clap::Command {
    REFUSED.iter().fold(Cli::command(), |whole, (command, refused)| {
        let hidden = whole.get_arguments().filter(|arg| refused.iter().any(|(name, ..)| arg.get_id() == *name));
        let hidden: Vec<_> = hidden.map(|arg| arg.clone().hide(true)).collect();
        whole.mut_subcommand(command, |command| command.args(hidden))
    })
}

/// What a command cannot have of the options all have: its id, its name, why.
type Refused = &'static [(&'static str, &'static str, &'static str)];

/// `demo` and `replay` keep their store in a folder of their own, so that no simulated customer gets among the real
/// ones.
const REFUSED: [(&str, Refused); 2] = [
    (
        "demo",
        &[
            ("data_dir", "--data-dir", "the demo's store is thrown away at its end"),
            ("config", "--config", "the demo has a config of its own"),
        ],
    ),
    ("replay", &[("data_dir", "--data-dir", "a replay's store is thrown away at its end")]),
];

/// Parses, runs, reports.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let args: Vec<OsString> = args.into_iter().collect();
    let parsed = command_line().color(help_color(&args)).try_get_matches_from(&args);
    let parsed =
        parsed.and_then(|matches| Cli::from_arg_matches(&matches).and_then(|cli| refuse_unused(&matches, cli)));
    let cli = match parsed {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version come this way too, with code 0. A closed pipe is nobody's fault.
            let _reader_gone = error.print();
            return exit_code(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    match run(&cli) {
        Ok(code) => code,
        Err(error) => print::failure(&error),
    }
}

/// What is asked for and cannot be had is wrong usage, never passed over. The variables stay without effect there, as
/// the command's help says: who sets them means the deck.
fn refuse_unused(matches: &ArgMatches, cli: Cli) -> Result<Cli, clap::Error> {
    let command = matches.subcommand_name();
    let unused = REFUSED.iter().filter(|(name, _)| command == Some(name)).flat_map(|(_, refused)| *refused);
    let is_asked = |name: &str| {
        let given = |matches: &ArgMatches| matches.value_source(name) == Some(ValueSource::CommandLine);
        given(matches) || matches.subcommand().is_some_and(|(_, matches)| given(matches))
    };
    match unused.into_iter().find(|(name, ..)| is_asked(name)) {
        None => Ok(cli),
        Some((_, option, why)) => {
            let message = format!("{option} has no place here: {why}. Leave it out\n");
            Err(command_line().error(ErrorKind::ArgumentConflict, message))
        }
    }
}

/// A rehearsal's clock that cannot be, or not here.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct NoRehearsal(String);

/// A clock of its own is for simulators on this machine: where it is set, no other account may be in the config.
fn rehearses_at_home(cli: &Cli) -> Result<(), NoRehearsal> {
    if crate::run::clock::rehearsal().map_err(NoRehearsal)?.is_none() {
        return Ok(());
    }
    // What is wrong with the config is told by the command that needs it. Plain HTTP is taken for loopback only.
    let accounts = cli.load().map(|(_, config)| config.accounts).unwrap_or_default();
    match accounts.iter().find(|account| account.base_url.scheme() != "http") {
        Some(account) => Err(NoRehearsal(format!(
            "{} is set, which is for rehearsals on a simulator, but the account {} is at {}; unset it",
            crate::run::clock::REHEARSAL,
            account.name,
            account.base_url
        ))),
        None => Ok(()),
    }
}

fn run(cli: &Cli) -> anyhow::Result<ExitCode> {
    rehearses_at_home(cli)?;
    let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let theme = if cli.color.is_wanted(no_color) { Theme::colour() } else { Theme::plain() };
    match &cli.command {
        None => deck::run(&cli.places()?, theme)?,
        Some(Command::Demo(args)) => demo::run(args, theme)?,
        Some(Command::Replay(args)) => replay::run(args, cli, theme)?,
        Some(Command::Match(args)) => {
            let from_config = match (&cli.config, args.rules.is_empty()) {
                // With rules on the command line only a config that was asked for is read.
                (None, false) => Vec::new(),
                _ => match Config::load(&cli.places()?.config) {
                    Err(ConfigError::Missing { path }) => return Err(match_posts::UnusableRules::none_at(&path).into()),
                    config => config?.columns.into_iter().map(|column| (column.name, column.rule)).collect(),
                },
            };
            let (mut out, mut err) = (std::io::stdout().lock(), std::io::stderr().lock());
            match_posts::run(args, from_config, &mut out, &mut err)?;
        }
        Some(Command::Sim(args)) => {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async {
                let stop = CancellationToken::new();
                let tasks = TaskTracker::new();
                crate::run::signals::watch(&stop, &tasks)?;
                sim::run(args.clone(), crate::run::clock::system(), stop, &mut std::io::stdout()).await
            })?;
        }
        Some(Command::Ingest(_)) => ingest::run(cli)?,
        Some(Command::Check(args)) => {
            let places = cli.places()?;
            return check::run(args, cli, &|config| {
                let clock = crate::run::clock::system();
                let networks = networks::build(config, &places.data, &clock, deck::random()?)?;
                Ok(networks.into_values().collect())
            });
        }
        Some(Command::Auth(args)) => auth::run(args, cli)?,
        Some(Command::RenewLogin(_)) => renew::run()?,
        Some(Command::Search(args)) => {
            // Searching needs the store alone; without a config the times are told in the system's zone. A config
            // that cannot be read may keep somebody from messages, so it is mended first.
            let places = cli.places()?;
            let config = match Config::load(&places.config) {
                Err(ConfigError::Missing { .. }) => Config::default(),
                config => config?,
            };
            let setup = config.setup(crate::run::session::machine(), SessionId(Uuid::nil()));
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            let found = runtime.block_on(async {
                let log = search::store(&places.data)?;
                let now = crate::run::clock::system()();
                let found =
                    search::run(args, &log, (now, &setup), &mut std::io::stdout(), &mut std::io::stderr()).await;
                log.close().await;
                found
            })?;
            return Ok(exit_code(u8::from(!found)));
        }
        Some(Command::Report(args)) => report::run(args, cli)?,
        Some(Command::Config(args)) => return config::run(args, cli),
        Some(Command::Completions(args)) => return generate::completions(args),
        Some(Command::Man(args)) => return generate::man(args),
    }
    Ok(ExitCode::SUCCESS)
}

fn exit_code(code: u8) -> ExitCode {
    ExitCode::from(code)
}

/// 2 where the usage or the config is wrong, else 1.
pub fn code_of(error: &anyhow::Error) -> u8 {
    let is_config = error.downcast_ref::<ConfigError>().is_some() || error.downcast_ref::<PlaceError>().is_some();
    let is_usage = error.downcast_ref::<match_posts::UnusableRules>().is_some()
        || error.downcast_ref::<report::WrongSpan>().is_some()
        || error.downcast_ref::<search::WrongSearch>().is_some()
        || error.downcast_ref::<NoRehearsal>().is_some();
    if is_config || is_usage { 2 } else { 1 }
}

/// The colour of help and usage errors, which are printed before there are parsed arguments.
fn help_color(args: &[OsString]) -> ColorChoice {
    let mut words = args.iter().skip(1).map(|arg| arg.to_string_lossy()).take_while(|arg| arg != "--");
    while let Some(word) = words.next() {
        let value = match word.strip_prefix("--color=") {
            Some(value) => Some(value.to_owned()),
            None if word == "--color" => words.next().map(std::borrow::Cow::into_owned),
            None => None,
        };
        match value.as_deref() {
            Some("always") => return ColorChoice::Always,
            Some("never") => return ColorChoice::Never,
            _ => {}
        }
    }
    // Follows NO_COLOR, CLICOLOR and whether there is a terminal.
    ColorChoice::Auto
}

#[cfg(test)]
mod tests {
    use clap::{Args, Command, CommandFactory};

    use super::{Cli, Color, help_color};

    #[test]
    fn the_command_line_is_sound() {
        super::command_line().debug_assert();
    }

    #[test]
    fn every_command_shows_an_example_of_itself() {
        let mut started = Command::new("replydeck")
            .subcommand(super::start::DemoArgs::augment_args(Command::new("demo")))
            .subcommand(super::start::ReplayArgs::augment_args(Command::new("replay")))
            .subcommand(super::start::IngestArgs::augment_args(Command::new("ingest")))
            .subcommand(super::search::SearchArgs::augment_args(Command::new("search")));
        let mut whole = Cli::command();
        for command in whole.get_subcommands_mut().chain(started.get_subcommands_mut()) {
            let name = command.get_name().to_owned();
            let help = command.render_long_help().to_string();
            assert!(help.contains("Example"), "{name}: {help}");
            assert!(help.contains(&format!("replydeck {name}")), "{name}: {help}");
            assert!(command.get_about().is_some(), "{name}");
        }
        started.debug_assert();
    }

    #[test]
    fn colour_is_asked_for_refused_or_left_to_no_color() {
        assert!(Color::Always.is_wanted(true));
        assert!(!Color::Never.is_wanted(false));
        assert!(Color::Auto.is_wanted(false));
        assert!(!Color::Auto.is_wanted(true));
        let choice = |args: &[&str]| help_color(&args.iter().map(|arg| (*arg).into()).collect::<Vec<_>>());
        assert_eq!(choice(&["replydeck", "--color=never", "--help"]), clap::ColorChoice::Never);
        assert_eq!(choice(&["replydeck", "check", "--color", "always"]), clap::ColorChoice::Always);
        assert_eq!(choice(&["replydeck", "match", "--", "--color=always"]), clap::ColorChoice::Auto);
    }
}
