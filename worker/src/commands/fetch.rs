//! `baton fetch`: what a job has computed so far, as a run directory like a local one's.
//!
//! Nothing is believed: the package has the digest that the job names, every boundary follows the one before, and every segment's outputs are
//! what its boundary covers. So a fetched directory proves as much as one that was computed here.

use std::path::{Path, PathBuf};

use anyhow::Context;
use kernels::package::Package;
use kernels::run::Gathering;
use kernels::run::dir::RunDir;
use protocol::http::job::Verification;
use protocol::http::lease::ChainLine;
use protocol::http::{JobView, Listed, Proof};
use protocol::outputs::{self, OUTPUTS_BYTES_MAX, Outputs};
use protocol::{ChainEntry, Digest, JobId, JobState};
use serde::Serialize;

use super::target::Target;
use super::{fetch_array, fetch_part, remote, verified_by, verify_proof};
use crate::console::output;
use crate::exit::{Exit, Usage};
use crate::net::{Access, Client, NetError, blobs};

/// Checkpoints and archives larger than this are none of ours.
const BLOB_BYTES_MAX: u64 = 8 << 30;
/// Jobs that each start from another's end.
const GENERATIONS_MAX: usize = 10_000;

/// Fetch a job's results into a run directory. The same command later adds what came since.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// The job's number, or an array's name.
    #[arg(value_name = "JOB|ARRAY")]
    target: Target,
    #[command(flatten)]
    access: Access,
    /// The run directory to make or to add to, runs/NAME-jobJOB by default; of an array the folder of all its runs, runs/ARRAY by default.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// A part alone, as a file for other programs: `observables`, the name of an output with frames, or `last.NAME`: the state buffer NAME at the last boundary.
    #[arg(long, value_name = "OUTPUT")]
    only: Option<String>,
    /// Frames A up to, not including, B of an output, counted from 0.
    #[arg(long, value_name = "A..B")]
    frames: Option<String>,
    /// Fetch a proof, too: who computed and who confirmed each segment, under their signatures. `baton verify` checks it without a server.
    #[arg(long, conflicts_with_all = ["only", "frames"])]
    proof: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct FetchedJob<'a> {
    dir: &'a Path,
    job: JobId,
    state: JobState,
    segment: u64,
    segments: u64,
    step: u64,
    digest: String,
    verification: &'a Verification,
}

/// Fetch it.
///
/// # Errors
/// The server is away, the folder is another run's, or something is not what its digest says.
pub(crate) fn call(args: &Args) -> anyhow::Result<Exit> {
    let client = args.access.scientist()?;
    let is_part = args.only.is_some() || args.frames.is_some();
    let id = match &args.target {
        Target::Job(job) => *job,
        Target::Array(array) if is_part => {
            return Err(Usage(format!(
                "--only and --frames are for one job; {array} is an array: give a job's number (baton jobs {array})"
            ))
            .into());
        }
        Target::Array(array) if args.proof => {
            return Err(Usage(format!("--proof {array}: expected a job's number; a proof is of one job")).into());
        }
        Target::Array(array) => return fetch_array::call(&client, array, args.out.as_deref(), args.json),
    };
    let job: JobView = remote::get(&client, &format!("/v1/jobs/{id}"))?;
    if is_part {
        let out = args.out.clone().unwrap_or_else(|| {
            let mut name = default_folder(&job).into_os_string();
            name.push("-part");
            name.into()
        });
        return fetch_part::call(&client, &job, args.only.as_deref(), args.frames.as_deref(), &out, args.json);
    }
    let out = args.out.clone().unwrap_or_else(|| default_folder(&job));
    let (dir, last) = job_into(&client, &job, &out, args.json)?;
    if args.proof {
        proof(&client, id, dir.path())?;
    }
    report(args, &job, &dir, &last)
}

/// A job's results into a run directory, which is made or added to. The newest boundary.
///
/// # Errors
/// The job has no boundary yet ([`Usage`]); or as [`call`].
pub(super) fn job_into(client: &Client, job: &JobView, out: &Path, quiet: bool) -> anyhow::Result<(RunDir, ChainEntry)> {
    let id = job.job;
    let Some(class) = job.class else {
        return Err(Usage(format!(
            "job {id} has no boundary to fetch yet: it is {} ({})",
            job.state, job.reason
        ))
        .into());
    };
    let package = package(client, job, out, quiet)?;
    let mut gathering = Gathering::begin(out, &package, job.segments, class)?;
    let generations = generations(client, job)?;
    for generation in &generations {
        add(client, &mut gathering, generation.job, &package, !quiet)?;
    }
    let last = gathering.last().cloned();
    let (Some(last), Some(checkpoint)) = (last, job.checkpoint) else {
        anyhow::bail!("job {id} lists no boundary");
    };
    // The job may have gone on meanwhile: its checkpoint of then is the one to take.
    let checkpoint = if Some(last.digest) == job.chain {
        checkpoint
    } else {
        latest(client, id, &last)?
    };
    let dir = gathering.finish(&blob(client, out, checkpoint, quiet)?)?;
    verified_by::write(dir.path(), &generations)?;
    Ok((dir, last))
}

/// The package that a job runs.
///
/// # Errors
/// The server is away, or what it gives is another package.
pub(super) fn package(client: &Client, job: &JobView, out: &Path, quiet: bool) -> anyhow::Result<Package> {
    let package = Package::from_archive(&blob(client, out, job.archive, quiet)?)?;
    match package.digest() == job.package {
        true => Ok(package),
        false => anyhow::bail!(
            "the archive holds package {}, job {} runs {}",
            package.digest(),
            job.job,
            job.package
        ),
    }
}

/// A job's proof into its run directory.
///
/// # Errors
/// The server is away or has none, or something in it does not hold.
fn proof(client: &Client, id: JobId, dir: &Path) -> anyhow::Result<()> {
    let proof: Proof = remote::get(client, &format!("/v1/jobs/{id}/proof"))?;
    signing::proof::check(&proof, signing::proof::Trust::default()).context("the server's proof")?;
    let path = dir.join(verify_proof::FILE);
    kernels::run::disk::replace(&path, &serde_json::to_vec(&proof)?)?;
    output::note(format_args!("next: baton verify {} --root KEY", output::quoted(&path)));
    Ok(())
}

fn default_folder(job: &JobView) -> PathBuf {
    let plain = |c: char| {
        if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.') {
            c
        } else {
            '-'
        }
    };
    let name: String = job.name.chars().map(plain).collect();
    Path::new("runs").join(format!("{}-job{}", name.trim_start_matches('.'), job.job))
}

/// The job and all those that it starts from, the first one first.
pub(super) fn generations(client: &Client, job: &JobView) -> anyhow::Result<Vec<JobView>> {
    let mut generations = vec![job.clone()];
    let mut after = job.after;
    while let Some(parent) = after {
        if generations.len() == GENERATIONS_MAX || generations.iter().any(|known| known.job == parent) {
            anyhow::bail!("job {}: too many generations before it", job.job);
        }
        let view: JobView = remote::get(client, &format!("/v1/jobs/{parent}"))?;
        after = view.after;
        generations.push(view);
    }
    generations.reverse();
    Ok(generations)
}

/// Add the boundaries of one generation.
fn add(client: &Client, gathering: &mut Gathering, job: JobId, package: &Package, loud: bool) -> anyhow::Result<()> {
    let has_outputs = !package.manifest().outputs.is_empty();
    let mut waiting: Vec<ChainEntry> = Vec::new();
    let mut from = gathering.last().map_or(0, |last| last.segment + 1);
    loop {
        let page: Listed<ChainLine> = remote::get(client, &format!("/v1/jobs/{job}/chain?from={from}"))?;
        for line in page.items {
            let is_end = line.outputs.is_some() || !has_outputs;
            waiting.push(line.entry);
            if is_end {
                let outputs = match line.outputs {
                    Some(digest) => outputs::unpack(&blob(client, gathering.dir().path(), digest, !loud)?, OUTPUTS_BYTES_MAX)?,
                    None => Outputs::new(),
                };
                add_commit(gathering, &mut waiting, outputs, package)?;
                if loud {
                    let last = gathering.last().map_or(0, |last| last.segment);
                    output::note(format_args!("fetched segment {last}"));
                }
            }
        }
        match page.next {
            Some(next) => from = next.parse()?,
            None => break,
        }
    }
    // A commit of C0 alone has no outputs.
    add_commit(gathering, &mut waiting, Outputs::new(), package)
}

fn add_commit(
    gathering: &mut Gathering,
    waiting: &mut Vec<ChainEntry>,
    mut outputs: Outputs,
    package: &Package,
) -> anyhow::Result<()> {
    let none = || vec![Vec::new(); package.manifest().outputs.len()];
    for entry in waiting.drain(..) {
        let of_segment = outputs.remove(&entry.segment).unwrap_or_else(none);
        gathering.add(&entry, of_segment)?;
    }
    Ok(())
}

fn latest(client: &Client, job: JobId, last: &ChainEntry) -> anyhow::Result<Digest> {
    let now: JobView = remote::get(client, &format!("/v1/jobs/{job}"))?;
    match now.checkpoint {
        Some(checkpoint) if now.chain == Some(last.digest) => Ok(checkpoint),
        _ => anyhow::bail!(NetError::away(
            "the job went on while it was fetched: fetch again to add the rest"
        )),
    }
}

/// A blob, through a file beside the run directory, so that a cut costs only what did not arrive.
pub(super) fn blob(client: &Client, out: &Path, digest: Digest, quiet: bool) -> anyhow::Result<Vec<u8>> {
    let mut name = out.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}", digest.short()));
    let path = out.with_file_name(name);
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent).with_context(|| parent.display().to_string())?;
    }
    remote::block_on(remote::transfer(client, quiet, || {
        blobs::download(client, digest, &path, BLOB_BYTES_MAX)
    }))?;
    let bytes = std::fs::read(&path).with_context(|| path.display().to_string())?;
    std::fs::remove_file(&path).with_context(|| path.display().to_string())?;
    Ok(bytes)
}

fn report(args: &Args, job: &JobView, dir: &RunDir, last: &ChainEntry) -> anyhow::Result<Exit> {
    let at = dir.path().display();
    if args.json {
        output::json(&FetchedJob {
            dir: dir.path(),
            job: job.job,
            state: job.state,
            segment: last.segment,
            segments: job.segments,
            step: last.step,
            digest: last.digest.to_string(),
            verification: &job.verification,
        })?;
    } else {
        let more = if last.segment < job.segments && !job.state.is_final() {
            "; fetch again to add what comes"
        } else {
            ""
        };
        output::lines([
            format!(
                "{}: {} of {} segments, step {}{more}",
                job.state, last.segment, job.segments, last.step
            ),
            format!("  digest   {}", last.digest),
            format!("  results  {at}"),
            format!("  verified {}", verified_by::words(job)),
            "next:".into(),
            format!("  baton chain {}", output::quoted(dir.path())),
        ])?;
    }
    Ok(Exit::Done)
}
