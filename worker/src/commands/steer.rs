//! `baton cancel`, `hold`, `release`, `retry`, `priority`: what a scientist tells a job.

use protocol::http::job::PRIORITY_MAX;
use protocol::http::{JobView, Reprioritize};
use protocol::{JobId, JobState};
use reqwest::Method;

use super::remote;
use super::target::{self, Target};
use crate::console::output;
use crate::exit::Exit;
use crate::net::{Access, Client, NetError};

/// The jobs to change.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// The job's number, or an array's name; several may be given.
    #[arg(required = true, value_name = "JOB|ARRAY")]
    jobs: Vec<Target>,
    #[command(flatten)]
    access: Access,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Which job, and how urgent.
#[derive(clap::Args, Debug)]
pub(crate) struct PriorityArgs {
    /// The job's number.
    job: JobId,
    /// 0 (whenever there is room) to 9; from 7 on it takes the place of less urgent jobs.
    #[arg(value_parser = clap::value_parser!(u8).range(0..=i64::from(PRIORITY_MAX)))]
    priority: u8,
    /// Others stop at once, back to their last boundary, instead of at their next.
    #[arg(long)]
    now: bool,
    #[command(flatten)]
    access: Access,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// `baton cancel`, `hold`, `release` or `retry`: the route's last word is the command's.
///
/// # Errors
/// No such job, it is in no state for that, or the server is away.
pub(crate) fn call(word: &str, args: &Args) -> anyhow::Result<Exit> {
    let client = args.access.scientist()?;
    let jobs = remote::block_on(async {
        let mut jobs = Vec::new();
        for target in &args.jobs {
            let numbers = match target {
                Target::Job(job) => vec![*job],
                Target::Array(array) => fitting(word, &target::jobs(&client, array).await?),
            };
            for job in numbers {
                let path = format!("/v1/jobs/{job}/{word}");
                jobs.push(once_more(&client, &path).await?);
            }
        }
        Ok(jobs)
    })?;
    print(&jobs, args.json)
}

/// The jobs of an array that are in a state for the command: the others have had it, or have ended.
fn fitting(word: &str, jobs: &[JobView]) -> Vec<JobId> {
    let fits = |job: &&JobView| match word {
        "release" | "retry" => job.state == JobState::Held,
        "hold" => !job.state.is_final() && job.state != JobState::Held,
        _ => !job.state.is_final(),
    };
    jobs.iter().filter(fits).map(|job| job.job).collect()
}

async fn once_more(client: &Client, path: &str) -> Result<JobView, NetError> {
    remote::patiently(|| client.call(Method::POST, path)).await
}

/// `baton priority`.
///
/// # Errors
/// As [`call`].
pub(crate) fn priority(args: &PriorityArgs) -> anyhow::Result<Exit> {
    let client = args.access.scientist()?;
    let path = format!("/v1/jobs/{}/priority", args.job);
    let body = Reprioritize {
        priority: args.priority,
        now: args.now,
    };
    let job = remote::block_on(remote::patiently(|| client.send(Method::PUT, &path, &body)))?;
    print(&[job], args.json)
}

fn print(jobs: &[JobView], json: bool) -> anyhow::Result<Exit> {
    if json {
        output::json(&jobs)?;
    } else {
        output::lines(
            jobs.iter()
                .map(|job| format!("job {} is {}: {}", job.job, job.state, job.reason)),
        )?;
    }
    Ok(Exit::Done)
}
