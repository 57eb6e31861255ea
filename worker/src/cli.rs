//! The command line of `baton`: parses, calls one of [`commands`], and turns how it ended into an exit code.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::{commands, console, exit};

/// Run a simulation that may stop anywhere, move anywhere, and still gives the same bits.
#[derive(Debug, Parser)]
#[command(name = "baton", version, after_help = EXIT_CODES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXIT_CODES: &str = "Exit codes: 0 done, 1 failed, 2 usage, 75 the server is away, 85 stopped at a boundary (resumable), \
86 refused: wrong hardware class, 87 bad package, 88 finished, but the state holds NaN or infinity.";

#[derive(Debug, Subcommand)]
enum Command {
    Devices(commands::devices::Args),
    Run(commands::run::Args),
    Resume(commands::resume::Args),
    Chain(commands::chain::Args),
    Verify(commands::verify::Args),
    Export(commands::export::Args),
    Analyse(commands::analyse::Args),
    Evaluate(commands::evaluate::Args),
    #[command(subcommand)]
    Import(commands::import::Source),
    Minimize(commands::minimize::Args),
    New(commands::new::Args),
    Settings(commands::settings::Args),
    #[cfg(feature = "network")]
    #[command(flatten)]
    Network(Box<commands::network::Command>),
}

/// Run the command that the process was started with.
pub fn main() -> ExitCode {
    fpcheck::environment::expect_drivers();
    let cli = Cli::parse();
    let wanted = std::env::var("BATON_LOG").ok().and_then(|text| text.parse::<Targets>().ok());
    let log = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let filter = wanted.unwrap_or_else(|| Targets::new().with_default(LevelFilter::ERROR));
    tracing_subscriber::registry().with(log.with_filter(filter)).init();
    let ended = match cli.command {
        Command::Devices(args) => commands::devices::call(&args),
        Command::Run(args) => commands::run::call(&args),
        Command::Resume(args) => commands::resume::call(&args),
        Command::Chain(args) => commands::chain::call(&args),
        Command::Verify(args) => commands::verify::call(&args),
        Command::Export(args) => commands::export::call(&args),
        Command::Analyse(args) => commands::analyse::call(&args),
        Command::Evaluate(args) => commands::evaluate::call(&args),
        Command::Import(source) => commands::import::call(&source),
        Command::Minimize(args) => commands::minimize::call(&args),
        Command::New(args) => commands::new::call(&args),
        Command::Settings(args) => commands::settings::call(&args),
        #[cfg(feature = "network")]
        Command::Network(command) => commands::network::call(&command),
    };
    match ended {
        Ok(exit) => exit.into(),
        Err(error) => {
            console::output::note(format_args!("baton: {error:#}"));
            exit::of_error(&error).into()
        }
    }
}
