//! `replydeck config example|path|show`.

use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::{Cli, print};
use crate::config::example::example;

/// Print an example config, where the config is looked for, or the config in force
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "Examples:\n  replydeck config example > ~/.config/replydeck/config.toml\n  replydeck config path\n  replydeck config show"
)]
pub struct ConfigArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Clone, Copy, Debug, Subcommand)]
enum What {
    /// A config to start from: every key with its default and what it is for
    Example,
    /// Where the config is looked for, whether it is there or not
    Path,
    /// The config in force, defaults included; of secrets only where they are kept
    Show,
}

pub(super) fn run(args: &ConfigArgs, cli: &Cli) -> anyhow::Result<ExitCode> {
    match args.what {
        What::Example => print::out(&example())?,
        What::Path => print::out(&format!("{}\n", cli.places()?.config.display()))?,
        What::Show => {
            let (places, config) = cli.load()?;
            print::out(&format!("# {}\n{}", places.config.display(), config.show()))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
