//! `replydeck completions` and `replydeck man`: written from the command line itself.

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;
use clap_complete::Shell;

use super::{command_line, print};

/// Print the completions for a shell
#[derive(Clone, Debug, Args)]
#[command(after_help = "Example:\n  replydeck completions bash > ~/.local/share/bash-completion/completions/replydeck")]
pub struct CompletionsArgs {
    #[arg(value_enum)]
    shell: Shell,
}

/// Print the manual page, or write one page per command into a folder
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:\n  replydeck man | man -l -\n  replydeck man --dir ~/.local/share/man/man1")]
pub struct ManArgs {
    /// Write replydeck.1, replydeck-check.1 and so on here
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

pub(super) fn completions(args: &CompletionsArgs) -> anyhow::Result<ExitCode> {
    // The generator panics where it cannot write, so it writes to memory first.
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut command_line(), "replydeck", &mut text);
    print::out(&String::from_utf8_lossy(&text))?;
    Ok(ExitCode::SUCCESS)
}

pub(super) fn man(args: &ManArgs) -> anyhow::Result<ExitCode> {
    match &args.dir {
        None => {
            let mut page = Vec::new();
            clap_mangen::Man::new(command_line()).render(&mut page)?;
            print::out(&String::from_utf8_lossy(&page))?;
        }
        Some(folder) => {
            let write = || -> io::Result<()> {
                std::fs::create_dir_all(folder)?;
                clap_mangen::generate_to(command_line(), folder)
            };
            write().with_context(|| format!("the manual pages cannot be written to {}", folder.display()))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
