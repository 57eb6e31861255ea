//! `baton jobs`: one's jobs on a server, a line each.

use protocol::JobState;
use protocol::http::{JobView, Listed};

use super::remote;
use crate::console::{output, table};
use crate::exit::{Exit, Usage};
use crate::net::Access;

/// List your jobs on a server.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    #[command(flatten)]
    access: Access,
    /// Only jobs in this state: queued, running, suspended, migrating, verifying, held, completed, failed, cancelled.
    #[arg(long)]
    state: Option<String>,
    /// Only jobs with this tag.
    #[arg(long)]
    tag: Option<String>,
    /// Other people's too; needs an operator's token.
    #[arg(long)]
    all: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Fetch all pages and print them.
///
/// # Errors
/// The server is away, or refuses.
pub(crate) fn call(args: &Args) -> anyhow::Result<Exit> {
    let state = args.state.as_deref();
    if let Some(state) = state
        && !JobState::ALL.iter().any(|known| known.as_str() == state)
    {
        let known: Vec<&str> = JobState::ALL.iter().map(|state| state.as_str()).collect();
        return Err(Usage(format!("--state {state}: expected one of {}", known.join(", "))).into());
    }
    let client = args.access.scientist()?;
    let filter = format!(
        "{}{}",
        state.map(|state| format!("&state={state}")).unwrap_or_default(),
        if args.all { "&all=true" } else { "" }
    );
    let mut jobs: Vec<JobView> = remote::block_on(async {
        let mut jobs = Vec::new();
        let mut cursor = "0".to_owned();
        loop {
            let path = format!("/v1/jobs?cursor={cursor}{filter}");
            let page: Listed<JobView> = remote::patiently(|| client.get(&path)).await?;
            jobs.extend(page.items);
            match page.next {
                Some(next) => cursor = next,
                None => return Ok(jobs),
            }
        }
    })?;
    jobs.retain(|job| args.tag.as_ref().is_none_or(|tag| job.tags.contains(tag)));
    if args.json {
        output::json(&jobs)?;
    } else {
        let rows: Vec<Vec<String>> = jobs.iter().map(remote::cells).collect();
        output::lines(table::lines(&remote::HEADER, &rows))?;
    }
    Ok(Exit::Done)
}
