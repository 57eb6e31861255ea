//! `baton fetch ARRAY`: the results of all jobs of an array, a run directory each, and the table over them.

use std::path::{Path, PathBuf};

use protocol::http::JobView;
use serde::Serialize;

use super::fetch;
use super::{remote, target};
use crate::array::dir::run_name;
use crate::array::table::{self, Row};
use crate::console::output;
use crate::exit::Exit;
use crate::net::Client;

#[derive(Serialize)]
struct FetchedArray<'a> {
    dir: &'a Path,
    array: &'a str,
    jobs: usize,
    with_results: usize,
}

/// Fetch what there is of each job; jobs without a boundary are in the table alone. The same command later adds what came since.
///
/// # Errors
/// The server is away, a folder is another run's, or something is not what its digest says.
pub(super) fn call(client: &Client, array: &str, out: Option<&Path>, json: bool) -> anyhow::Result<Exit> {
    let jobs = remote::block_on(target::jobs(client, array))?;
    let out = out.map_or_else(|| Path::new("runs").join(array), PathBuf::from);
    std::fs::create_dir_all(&out).map_err(|error| anyhow::anyhow!("cannot make {}: {error}", out.display()))?;
    let mut rows = Vec::with_capacity(jobs.len());
    let mut with_results = 0;
    for (index, job) in jobs.iter().enumerate() {
        let run = run_name(index);
        let mut row = row(job, &run);
        if job.class.is_some() {
            if !json {
                output::note(format_args!("job {} of {}: {}", index + 1, jobs.len(), job.name));
            }
            let (dir, _) = fetch::job_into(client, job, &out.join(&run), json)?;
            row.read(&dir)?;
            with_results += 1;
        }
        rows.push(row);
        table::write(&out, &rows)?;
    }
    if json {
        let jobs = jobs.len();
        output::json(&FetchedArray {
            dir: &out,
            array,
            jobs,
            with_results,
        })?;
    } else {
        output::lines([
            format!("{array}: {with_results} of {} jobs have results", jobs.len()),
            format!("  results  {}", out.join(table::RESULTS).display()),
        ])?;
    }
    Ok(Exit::Done)
}

fn row(job: &JobView, run: &str) -> Row {
    let failed = matches!(job.state, protocol::JobState::Failed | protocol::JobState::Held);
    Row {
        run: run.to_owned(),
        settings: target::settings(job),
        state: job.state.to_string(),
        message: if failed { job.reason.clone() } else { String::new() },
        ..Row::default()
    }
}
