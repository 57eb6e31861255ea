//! `baton worker`: the volunteer's agent, and what one says to the agent that runs.
//!
//! The commands talk to it through its state folder: a request is a file that holds until the next one, the status another file.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use clap::Subcommand;

use super::service::{self, ServiceArgs};
use crate::agent::board::{Board, Seat};
use crate::agent::devices::{self, Doubt};
use crate::agent::effects::{Agent, Setup};
use crate::agent::preferences::{Given, Preferences};
use crate::agent::state::{Asked, StateFolder};
use crate::agent::view::Status;
use crate::agent::{drivers, machine};
use crate::console::output;
use crate::console::signals::Stop;
use crate::exit::{Exit, Usage};
use crate::net::Access;
use crate::net::access::{self, Found};
use crate::net::transfer::Transfers;

/// Lend this machine: compute jobs of a server whenever the preferences let it.
#[derive(clap::Args, Debug)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "\
The first Ctrl-C (or SIGTERM) announces that the machine leaves: jobs go on to their next boundary and move elsewhere. A second one stops at \
once; every boundary is kept here, and the next start goes on from it.\n\
Preferences are flags, environment variables, or keys of [worker] in the configuration file, in this order."
)]
pub(crate) struct Args {
    #[command(subcommand)]
    part: Option<Part>,
    #[command(flatten)]
    access: Access,
    /// Folder for jobs on their way; `baton/worker` in the platform's state folder by default.
    #[arg(long, env = "BATON_STATE", value_name = "DIR", global = true)]
    state: Option<PathBuf>,
    #[command(flatten)]
    preferences: Given,
    /// Seconds after which a server that is away is asked again, at most.
    #[arg(long, value_name = "SECONDS", default_value_t = 120.0, hide = true)]
    retry_max: f64,
    /// Seconds of a pause after which jobs move to other machines.
    #[arg(long, value_name = "SECONDS", default_value_t = 60.0)]
    pause_patience: f64,
}

/// What is done besides running the agent.
#[derive(Debug, Subcommand)]
enum Part {
    #[command(flatten)]
    Say(Say),
    /// Install the agent as a service that starts with the machine, and start it: this user's own, without root.
    Install(ServiceArgs),
    /// Stop that service and remove it.
    Uninstall(ServiceArgs),
    /// Serve a page for this machine alone: what the agent does, pause, resume, finish, preferences.
    Page {
        /// Port of the loopback address; 0 takes a free one.
        #[arg(long, default_value_t = 8478)]
        port: u16,
    },
}

/// What one says to the agent that runs.
#[derive(Debug, Subcommand)]
enum Say {
    /// Stop computing; after a while its jobs move to other machines.
    Pause {
        /// For so long: `30m`, `2h`.
        #[arg(long = "for", value_name = "TIME", value_parser = super::duration)]
        length: Option<Duration>,
    },
    /// Compute again.
    Resume,
    /// Complete the jobs that are here, take no more, and end.
    Finish,
    /// Show what it does: devices, jobs, speed, time left, why idle, work contributed.
    Status {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}

/// Run the agent, or speak to it.
///
/// # Errors
/// Another agent works in the state folder, no server is named, the server refuses this host, or no agent runs.
pub(crate) fn call(args: &Args) -> anyhow::Result<Exit> {
    let folder = match &args.state {
        Some(folder) => folder.clone(),
        None => access::state_folder()?,
    };
    match &args.part {
        Some(Part::Install(service)) => service::install(*service, &args.access, args.state.as_deref()),
        Some(Part::Uninstall(service)) => service::uninstall(*service, &args.access),
        Some(Part::Page { .. }) if !folder.exists() => Err(no_agent(&folder)),
        Some(Part::Page { port }) => {
            crate::page::serve(StateFolder::open(&folder)?, args.access.config_path()?, *port)?;
            Ok(Exit::Done)
        }
        Some(Part::Say(say)) => speak(&folder, say),
        None => run(args, &folder),
    }
}

fn run(args: &Args, folder: &std::path::Path) -> anyhow::Result<Exit> {
    let state = StateFolder::open(folder)?;
    let _lock = state.lock()?;
    let preferences = Preferences::merge(&args.preferences, args.access.preferences()?)?;
    let servers = servers(&args.access, &preferences)?;
    // Before any thread begins: they all inherit it.
    if !preferences.no_priority_change {
        machine::lower_priority();
    }
    let drivers = drivers::marks();
    let found = devices::Found::look(&preferences, &[], &Doubt::none());
    let seconds = |value: f64| Duration::try_from_secs_f64(value).map_err(|error| Usage(format!("{value} seconds: {error}")));
    let (retry_max, pause_patience) = (seconds(args.retry_max)?, seconds(args.pause_patience)?);
    let transfers = Arc::<Transfers>::default();
    let named: Vec<(String, u32)> = servers
        .iter()
        .map(|(server, share)| (server.server.clone(), *share))
        .collect();
    let seats = Board::seats(&state, &named);
    let setup = |((server, _), seat): (&(Found, u32), &Seat)| Setup {
        state: state.clone(),
        access: args.access.clone(),
        server: server.clone(),
        seat: seat.clone(),
        transfers: Arc::clone(&transfers),
        given: args.preferences.clone(),
        found: found.clone(),
        drivers: drivers.clone(),
        retry_max,
        pause_patience,
    };
    let setups: Vec<Setup> = servers.iter().zip(&seats).map(setup).collect();
    let stop = Stop::listen()?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let ended = runtime.block_on(tokio::task::LocalSet::new().run_until(run_all(setups, seats, &stop)));
    // Errands that wait for a server do not keep us.
    runtime.shutdown_background();
    ended
}

/// The servers to compute for, each with its share.
fn servers(access: &Access, preferences: &Preferences) -> anyhow::Result<Vec<(Found, u32)>> {
    match preferences.projects.as_slice() {
        [] => Ok(vec![(access.worker()?, 1)]),
        projects => projects
            .iter()
            .map(|project| Ok((access.project(project)?, project.share)))
            .collect(),
    }
}

/// An agent for each project, on this thread, until the last one has ended. One that cannot go on does not end the others.
async fn run_all(setups: Vec<Setup>, seats: Vec<Seat>, stop: &Stop) -> anyhow::Result<Exit> {
    let mut agents = Vec::new();
    for setup in setups {
        agents.push(Agent::new(setup, stop.clone()).await?);
    }
    let tasks = agents.into_iter().zip(seats).map(|(agent, seat)| {
        tokio::task::spawn_local(async move {
            let ended = agent.run().await;
            if let Err(error) = &ended
                && seat.is_shared()
            {
                seat.say(&format!("nothing is computed for it any more: {error:#}"));
            }
            ended
        })
    });
    let mut endings = Vec::new();
    for task in tasks.collect::<Vec<_>>() {
        endings.push(task.await.context("an agent panicked, which is a fault of baton")?);
    }
    let stopped = endings.iter().position(|ended| matches!(ended, Ok(Exit::Stopped)));
    let well = stopped.or_else(|| endings.iter().position(Result::is_ok));
    endings.swap_remove(well.unwrap_or(0))
}

fn speak(folder: &std::path::Path, say: &Say) -> anyhow::Result<Exit> {
    // A request holds for the next agent too; the others speak of one that runs, and look only.
    let state = match say {
        Say::Pause { .. } | Say::Resume => StateFolder::open(folder)?,
        Say::Finish | Say::Status { .. } => StateFolder::view(folder),
    };
    let running = state.is_locked();
    let asked = match say {
        Say::Status { json } => return status(&state, running, *json),
        Say::Pause { length } => Asked::Pause {
            for_ms: length.map(|length| u64::try_from(length.as_millis()).unwrap_or(u64::MAX)),
            at_ms: machine::now_ms(),
        },
        Say::Resume => Asked::Run,
        Say::Finish if !running => return Err(no_agent(folder)),
        Say::Finish => Asked::Finish,
    };
    state.write("request.json", &asked)?;
    let when = if running {
        String::new()
    } else {
        format!("; no agent runs in {} now, it holds for the next one", output::quoted(folder))
    };
    output::lines([match asked {
        Asked::Run => format!("computes again{when}"),
        Asked::Finish => "completes the jobs that are here, then ends".to_owned(),
        Asked::Pause { for_ms: None, .. } => format!("paused until `baton worker resume`{when}"),
        Asked::Pause { for_ms: Some(ms), .. } => {
            let length = crate::console::progress::duration(ms as f64 / 1000.0);
            format!("paused for {length}{when}")
        }
    }])?;
    Ok(Exit::Done)
}

fn no_agent(folder: &std::path::Path) -> anyhow::Error {
    anyhow::anyhow!(
        "no agent runs in {}; start one with `{} worker --server URL --state {}`",
        folder.display(),
        output::called(),
        output::quoted(folder)
    )
}

fn status(state: &StateFolder, running: bool, json: bool) -> anyhow::Result<Exit> {
    let status: Option<Status> = state.read("status.json");
    let Some(status) = status.filter(|_| running) else {
        return Err(no_agent(state.path()));
    };
    if json {
        output::json(&status)?;
    } else {
        output::lines(status.lines())?;
    }
    Ok(Exit::Done)
}
