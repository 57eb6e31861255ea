//! `baton worker install` and `uninstall`: the agent as a service.

use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::console::output;
use crate::exit::{Exit, Usage};
use crate::net::Access;
use crate::service::{self, Start, Whose};

/// Whose service, and whether to do it.
#[derive(clap::Args, Clone, Copy, Debug)]
pub(crate) struct ServiceArgs {
    /// The system's instead of this user's own; needs root.
    #[arg(long)]
    system: bool,
    /// Do nothing: print the unit and where it would go.
    #[arg(long)]
    print: bool,
}

/// Install the agent as a service that starts with the machine, and start it.
///
/// # Errors
/// A token was given instead of a file, a file is not there, or the service manager refuses.
pub(crate) fn install(args: ServiceArgs, access: &Access, state: Option<&Path>) -> anyhow::Result<Exit> {
    let service = service::service(&start(access, state)?, whose(args))?;
    if args.print {
        output::lines([format!("# {}", service.file.display()), service.text])?;
        return Ok(Exit::Done);
    }
    for refused in service::install(&service)? {
        output::note(format_args!("it will run once its user has logged in: {refused}"));
    }
    output::lines([
        format!("installed and started: {}", service.file.display()),
        "next:".into(),
        format!("  {} worker status", output::called()),
    ])?;
    Ok(Exit::Done)
}

/// Stop the service and remove it; what the agent has computed stays in its state folder.
///
/// # Errors
/// Its file cannot be deleted.
pub(crate) fn uninstall(args: ServiceArgs, access: &Access) -> anyhow::Result<Exit> {
    let plain = Start {
        program: program()?,
        server: access.server.clone(),
        ..Start::default()
    };
    let service = service::service(&plain, whose(args))?;
    let at = service.file.display();
    if args.print {
        output::lines([format!("# would remove {at}")])?;
        return Ok(Exit::Done);
    }
    let was_there = service::uninstall(&service)?;
    output::lines([if was_there {
        format!("stopped, and removed {at}")
    } else {
        format!("nothing to remove: there is no {at}")
    }])?;
    Ok(Exit::Done)
}

fn whose(args: ServiceArgs) -> Whose {
    if args.system { Whose::System } else { Whose::User }
}

fn program() -> anyhow::Result<PathBuf> {
    std::env::current_exe().context("cannot tell where this program lies")
}

fn start(access: &Access, state: Option<&Path>) -> anyhow::Result<Start> {
    if access.token.is_some() {
        return Err(Usage("--token: expected --token-file, since others can read a service's command line".into()).into());
    }
    let named = [
        ("--token-file", access.token_file.as_deref(), true),
        ("--ca-file", access.ca_file.as_deref(), true),
        ("--config", access.config.as_deref(), true),
        ("--state", state, false),
    ];
    let mut paths = Vec::new();
    for (option, path, is_read) in named {
        let Some(path) = path else { continue };
        let absolute = std::path::absolute(path).with_context(|| path.display().to_string())?;
        if is_read && !absolute.is_file() {
            return Err(Usage(format!("{option} {}: there is no such file", path.display())).into());
        }
        if absolute.display().to_string().contains('\n') {
            return Err(Usage(format!("{option}: found a line feed in the path")).into());
        }
        paths.push((option, absolute));
    }
    Ok(Start {
        program: program()?,
        server: access.server.clone(),
        paths,
    })
}
