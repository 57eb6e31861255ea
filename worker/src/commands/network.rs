//! The commands that need a server, and the one that lends this machine to it.

use clap::Subcommand;

use crate::exit::Exit;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Submit(super::submit::Args),
    Jobs(super::jobs::Args),
    Job(super::job::Args),
    Fetch(super::fetch::Args),
    /// Stop jobs for good, at once.
    Cancel(super::steer::Args),
    /// Keep jobs back: a running one stops at its next boundary.
    Hold(super::steer::Args),
    /// Let held jobs go on.
    Release(super::steer::Args),
    /// Forget the errors for which jobs are held, and let them go on.
    Retry(super::steer::Args),
    /// Change a job's priority, also while it runs.
    Priority(super::steer::PriorityArgs),
    Worker(super::worker::Args),
    #[command(subcommand)]
    Host(super::operator::HostCommand),
    #[command(subcommand)]
    Class(super::class::ClassCommand),
    #[command(subcommand)]
    Key(super::key::KeyCommand),
    #[command(subcommand)]
    Token(super::operator::TokenCommand),
}

/// Runs one of them.
///
/// # Errors
/// What the command says.
pub(crate) fn call(command: &Command) -> anyhow::Result<Exit> {
    match command {
        Command::Submit(args) => super::submit::call(args),
        Command::Jobs(args) => super::jobs::call(args),
        Command::Job(args) => super::job::call(args),
        Command::Fetch(args) => super::fetch::call(args),
        Command::Cancel(args) => super::steer::call("cancel", args),
        Command::Hold(args) => super::steer::call("hold", args),
        Command::Release(args) => super::steer::call("release", args),
        Command::Retry(args) => super::steer::call("retry", args),
        Command::Priority(args) => super::steer::priority(args),
        Command::Worker(args) => super::worker::call(args),
        Command::Host(command) => super::operator::host(command),
        Command::Class(command) => super::class::call(command),
        Command::Key(command) => super::key::call(command),
        Command::Token(command) => super::operator::token(command),
    }
}
