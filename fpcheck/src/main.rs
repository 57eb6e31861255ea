//! The `fpcheck` command: parses, calls one of [`commands`], and turns how it ended into an exit code.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

mod commands;

/// What the devices of this machine really compute, and whether a package's bits depend on it.
#[derive(Debug, Parser)]
#[command(name = "fpcheck", version, after_help = EXIT_CODES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXIT_CODES: &str = "Exit codes: 0 all is well, 1 something is not, 2 usage, 87 bad package.";

#[derive(Debug, Subcommand)]
enum Command {
    Bisect(commands::bisect::Args),
    Conformance(commands::conformance::Args),
    Devices(commands::devices::Args),
    Lint(commands::lint::Args),
    Report(commands::report::Args),
}

fn main() -> ExitCode {
    fpcheck::environment::expect_drivers();
    let ended = match Cli::parse().command {
        Command::Bisect(args) => commands::bisect::call(&args),
        Command::Conformance(args) => commands::conformance::call(&args),
        Command::Devices(args) => commands::devices::call(&args),
        Command::Lint(args) => commands::lint::call(&args),
        Command::Report(args) => commands::report::call(&args),
    };
    match ended {
        Ok(exit) => exit.into(),
        Err(error) => {
            fpcheck::output::note(format_args!("fpcheck: {error:#}"));
            fpcheck::exit::of_error(&error).into()
        }
    }
}
