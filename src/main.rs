//! The program: arguments in, text and an exit code out. Everything else is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    // Before anything could speak TLS. It fails only where a provider is already there, which is as good.
    let _already_there = rustls::crypto::ring::default_provider().install_default();
    replydeck::cli::main(std::env::args_os())
}
