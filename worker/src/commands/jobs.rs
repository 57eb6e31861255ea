//! `baton jobs`: one's jobs on a server, a line each, the newest first.

use protocol::JobState;
use protocol::http::{JobSummary, JobView, Listed};

use super::remote;
use crate::console::{output, table};
use crate::exit::{Exit, Usage};
use crate::net::{Access, Client, NetError};

/// Jobs in one answer of the server.
const PAGE: usize = 100;

/// List your jobs on a server, the newest first.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// Only jobs whose number, name or one of whose tags has this text in it; an array's name, say.
    #[arg(value_name = "TEXT")]
    text: Option<String>,
    #[command(flatten)]
    access: Access,
    /// Only jobs in these states, with commas between them: queued, running, suspended, migrating, verifying, held, completed,
    /// failed, cancelled.
    #[arg(long, value_name = "STATES", value_delimiter = ',')]
    state: Vec<String>,
    /// Only jobs with this tag.
    #[arg(long)]
    tag: Option<String>,
    /// How many at most; 0 for all.
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: usize,
    /// Other people's too; needs an operator's token.
    #[arg(long)]
    all: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Fetch as many as are wanted, and print them.
///
/// # Errors
/// The server is away, or refuses.
pub(crate) fn call(args: &Args) -> anyhow::Result<Exit> {
    for state in &args.state {
        if !JobState::ALL.iter().any(|known| known.as_str() == state) {
            let known: Vec<&str> = JobState::ALL.iter().map(|state| state.as_str()).collect();
            let state = state.escape_debug();
            return Err(Usage(format!("--state {state}: expected one or more of {}", known.join(", "))).into());
        }
    }
    let client = args.access.scientist()?;
    let (jobs, more, summary) = remote::block_on(async {
        let (jobs, more) = list(&client, args).await?;
        let path = format!("/v1/jobs/summary{}", if args.all { "?all=true" } else { "" });
        let summary: JobSummary = match args.json {
            true => JobSummary::default(),
            false => remote::patiently(|| client.get(&path)).await?,
        };
        Ok((jobs, more, summary))
    })?;
    if args.json {
        output::json(&jobs)?;
        return Ok(Exit::Done);
    }
    let rows: Vec<Vec<String>> = jobs.iter().map(remote::cells).collect();
    output::lines(table::lines(&remote::HEADER, &rows))?;
    if more {
        output::note(format_args!(
            "the newest {} are shown; --limit 0 shows all, --state, --tag and TEXT choose",
            jobs.len()
        ));
    }
    output::note(totals(&summary));
    Ok(Exit::Done)
}

async fn list(client: &Client, args: &Args) -> Result<(Vec<JobView>, bool), NetError> {
    let wanted = if args.limit == 0 { usize::MAX } else { args.limit };
    let mut filter = format!("newest=true{}", if args.all { "&all=true" } else { "" });
    for (key, value) in [("tag", &args.tag), ("text", &args.text)] {
        if let Some(value) = value {
            filter.push_str(&format!("&{key}={}", remote::encoded(value)));
        }
    }
    if !args.state.is_empty() {
        filter.push_str(&format!("&state={}", args.state.join(",")));
    }
    let mut jobs: Vec<JobView> = Vec::new();
    let mut cursor = String::new();
    loop {
        let limit = (wanted - jobs.len()).min(PAGE);
        let path = format!("/v1/jobs?{filter}&limit={limit}{cursor}");
        let page: Listed<JobView> = remote::patiently(|| client.get(&path)).await?;
        jobs.extend(page.items);
        match page.next {
            Some(_) if jobs.len() >= wanted => return Ok((jobs, true)),
            Some(next) => cursor = format!("&cursor={next}"),
            None => return Ok((jobs, false)),
        }
    }
}

/// `3 running, 2 held, 40 completed`.
fn totals(summary: &JobSummary) -> String {
    let count = |state: &JobState| Some(format!("{} {state}", summary.states.get(state.as_str())?));
    let words: Vec<String> = JobState::ALL.iter().filter_map(count).collect();
    match words.is_empty() {
        true => "no job of the last day, and none that waits or runs".to_owned(),
        false => format!("{} (of those that ended, the last day's)", words.join(", ")),
    }
}
