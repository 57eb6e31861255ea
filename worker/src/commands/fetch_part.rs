//! `baton fetch JOB --only … --frames …`: a part of what a job put out, as files for other programs instead of a run directory.
//!
//! The chain is walked from C0 to the job's last boundary, and the outputs of every segment that is used are held against it, so that a part proves as much as the
//! whole does of these segments. Files of a commit travel as one blob: a range of frames saves the network all other commits, a choice of outputs saves the disk alone.

use std::io::Write;
use std::ops::Range;
use std::path::{Path, PathBuf};

use anyhow::Context;
use kernels::package::Package;
use kernels::package::manifest::Role;
use kernels::run::{Part, TABLE};
use protocol::http::lease::ChainLine;
use protocol::http::{JobView, Listed};
use protocol::outputs::{self, OUTPUTS_BYTES_MAX, Outputs};
use protocol::{ChainEntry, Checkpoint, JobId};
use serde::Serialize;

use super::{fetch, remote};
use crate::analysis::formats::npy;
use crate::analysis::trajectory::{self, Frames, LastState, parse_range};
use crate::console::output;
use crate::exit::{Exit, Usage};
use crate::net::Client;

/// What `--only` calls the table of all outputs with columns.
const OBSERVABLES: &str = "observables";

/// What is wanted of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// The table of observables.
    Table,
    /// Frames of the output with this index.
    Frames(usize),
    /// The state buffer with this index at the last boundary.
    Last(usize),
}

/// What was fetched.
#[derive(Serialize)]
struct FetchedPart<'a> {
    dir: &'a Path,
    file: PathBuf,
    job: JobId,
    /// The job's last boundary, to which the chain was held.
    segment: u64,
    digest: String,
    /// Frames in the file, first and one behind the last; none of the table.
    frames: Option<[u64; 2]>,
    /// Segments whose outputs were fetched and held against the chain.
    segments_read: u64,
}

/// Fetch it.
///
/// # Errors
/// The job has no boundary yet, there is no such output or frame ([`Usage`]), or something is not what its digest says.
pub(super) fn call(
    client: &Client,
    job: &JobView,
    only: Option<&str>,
    frames: Option<&str>,
    out: &Path,
    json: bool,
) -> anyhow::Result<Exit> {
    if job.class.is_none() {
        return Err(Usage(format!(
            "job {} has no boundary to fetch yet: it is {} ({})",
            job.job, job.state, job.reason
        ))
        .into());
    }
    let package = fetch::package(client, job, out, json)?;
    let wanted = choose(&package, only, frames.is_some())?;
    let mut fetch = PartOfJob {
        client,
        out,
        quiet: json,
        part: Part::new(&package, out),
        read: 0,
    };
    std::fs::create_dir_all(out).map_err(|error| anyhow::anyhow!("cannot make {}: {error}", out.display()))?;
    let (file, range) = match wanted {
        Wanted::Table => {
            let file = out.join(TABLE);
            output::file(&file, |to| {
                to.write_all(fetch.part.header().unwrap_or_default().as_bytes())?;
                fetch.walk(job, &|_, _| true, &mut |part, outputs| {
                    Ok(to.write_all(part.rows(outputs).as_bytes())?)
                })
            })?;
            (file, None)
        }
        Wanted::Frames(index) => {
            let output = &package.manifest().outputs[index];
            let there = fetch.part.frames(index, job.segment).end;
            let range = parse_range(frames, there)?;
            let file = out.join(format!("{}.npy", output.name));
            let shapes = trajectory::shapes(&package);
            let shape = shapes.iter().find(|shape| shape.name == output.name);
            let shape = shape.ok_or_else(|| anyhow::anyhow!("output '{}' has no frames", output.name))?;
            output::file(&file, |to| {
                npy::header_of(to, shape, &range)?;
                fetch.walk(
                    job,
                    &|part, segment| !overlap(&part.frames(index, segment), &range).is_empty(),
                    &mut |part, outputs| write_frames(to, part, index, &outputs[index], &range),
                )
            })?;
            (file, Some(range))
        }
        Wanted::Last(buffer) => {
            fetch.walk(job, &|_, _| false, &mut |_, _| Ok(()))?;
            (last_state(&fetch, job, buffer)?, Some(0..1))
        }
    };
    let last = fetch.part.last().cloned();
    let Some(last) = last.filter(|last| job.chain.is_none_or(|digest| digest == last.digest)) else {
        anyhow::bail!(
            "the chain of job {} does not end in the digest that the job has: fetch again",
            job.job
        );
    };
    report(&fetch, job, file, range.as_ref(), &last)
}

/// Write a state buffer at the job's last boundary: the checkpoint has to be the one that the chain ends in.
fn last_state(fetch: &PartOfJob<'_>, job: &JobView, buffer: usize) -> anyhow::Result<PathBuf> {
    let (package, last) = (fetch.part.package(), fetch.part.last());
    let blob = job
        .checkpoint
        .context("the server has no checkpoint of the job's last boundary")?;
    let bytes = fetch::blob(fetch.client, fetch.out, blob, fetch.quiet)?;
    let checkpoint = Checkpoint::from_bytes(&bytes, package.state_bytes()).context("the job's checkpoint")?;
    if Some(&checkpoint.entry) != last {
        anyhow::bail!("the job's checkpoint is not of the boundary that its chain ends in: fetch again");
    }
    let mut state = LastState::new(package, buffer, &checkpoint.entry, &checkpoint.buffers)?;
    let file = fetch.out.join(format!("{}.npy", state.shape().name));
    output::file(&file, |to| npy::write(to, &mut state, 0..1, npy::Values::Raw))?;
    Ok(file)
}

/// Frames of a range that a segment has, of the bytes of all its frames.
fn write_frames(to: &mut dyn Write, part: &Part<'_>, output: usize, bytes: &[u8], wanted: &Range<u64>) -> anyhow::Result<()> {
    let segment = part.last().map_or(0, |entry| entry.segment);
    let here = part.frames(output, segment);
    let taken = overlap(&here, wanted);
    let size = part.frame_bytes(output);
    let at = |frame: u64| usize::try_from(frame - here.start).map(|frame| frame.saturating_mul(size));
    let bytes = bytes.get(at(taken.start)?..at(taken.end)?);
    let bytes = bytes.ok_or_else(|| {
        anyhow::anyhow!(
            "segment {segment} has fewer frames than its package says: the host that computed it put out something else"
        )
    })?;
    Ok(to.write_all(bytes)?)
}

fn overlap(a: &Range<u64>, b: &Range<u64>) -> Range<u64> {
    let start = a.start.max(b.start);
    start..a.end.min(b.end).max(start)
}

/// What `--only` and `--frames` ask for.
///
/// # Errors
/// There is no such output, or more than one fits: the message names what there is.
pub(super) fn choose(package: &Package, only: Option<&str>, has_frames: bool) -> Result<Wanted, anyhow::Error> {
    let outputs = &package.manifest().outputs;
    let has_table = outputs.iter().any(|output| !output.columns.is_empty());
    let there = || {
        let frames = outputs.iter().filter(|output| output.columns.is_empty());
        let names = has_table.then_some(OBSERVABLES).into_iter();
        let last = package.manifest().buffers.iter().filter(|buffer| buffer.role == Role::State);
        names
            .map(str::to_owned)
            .chain(frames.map(|output| output.name.clone()))
            .chain(last.map(|buffer| format!("last.{}", buffer.name)))
            .collect::<Vec<_>>()
            .join(", ")
    };
    // An output with frames may have that name as well: it is the one that is meant then.
    let named = |name: &str| {
        outputs
            .iter()
            .position(|output| output.columns.is_empty() && output.name == name)
    };
    let last = only
        .map(|name| trajectory::state_buffer(package, name))
        .transpose()?
        .flatten();
    let found = match (last, only) {
        (Some(buffer), _) => Wanted::Last(buffer),
        (None, Some(name)) => match named(name) {
            Some(index) => Wanted::Frames(index),
            None if name == OBSERVABLES && has_table => Wanted::Table,
            None => return Err(Usage(format!("--only {name:?}: the job has no such output; there are: {}", there())).into()),
        },
        (None, None) => {
            let name = trajectory::choose(package, None, false).map_err(|_| {
                Usage(format!(
                    "--frames: more than one output fits, or none: choose with --only; there are: {}",
                    there()
                ))
            })?;
            named(&name)
                .map(Wanted::Frames)
                .ok_or_else(|| anyhow::anyhow!("output '{name}' is gone"))?
        }
    };
    if found == Wanted::Table && has_frames {
        return Err(Usage("--frames is for outputs with frames; observables are fetched as a whole table".into()).into());
    }
    if matches!(found, Wanted::Last(_)) && has_frames {
        return Err(Usage("--frames is for outputs with frames; the last state is one frame".into()).into());
    }
    Ok(found)
}

/// A walk along a job's chain.
struct PartOfJob<'a> {
    client: &'a Client,
    out: &'a Path,
    quiet: bool,
    part: Part<'a>,
    read: u64,
}

type Take<'t> = &'t mut dyn FnMut(&Part<'_>, &[Vec<u8>]) -> anyhow::Result<()>;

impl PartOfJob<'_> {
    /// Walk from C0 to the boundary that the job had when it was asked, and take the outputs of the segments that are wanted.
    fn walk(&mut self, job: &JobView, wants: &dyn Fn(&Part<'_>, u64) -> bool, take: Take<'_>) -> anyhow::Result<()> {
        for generation in fetch::generations(self.client, job)? {
            let mut waiting: Vec<ChainEntry> = Vec::new();
            let mut from = self.part.last().map_or(0, |last| last.segment + 1);
            loop {
                let page: Listed<ChainLine> =
                    remote::get(self.client, &format!("/v1/jobs/{}/chain?from={from}", generation.job))?;
                for line in page.items {
                    if line.entry.segment > job.segment {
                        break;
                    }
                    waiting.push(line.entry);
                    if let Some(digest) = line.outputs {
                        let wanted = waiting
                            .iter()
                            .any(|entry| entry.segment > 0 && wants(&self.part, entry.segment));
                        let outputs = match wanted {
                            true => {
                                outputs::unpack(&fetch::blob(self.client, self.out, digest, self.quiet)?, OUTPUTS_BYTES_MAX)?
                            }
                            false => Outputs::new(),
                        };
                        self.add(&mut waiting, outputs, wants, take)?;
                    }
                }
                match page.next {
                    Some(next) => from = next.parse()?,
                    None => break,
                }
            }
            // C0, and boundaries of a package without outputs.
            self.add(&mut waiting, Outputs::new(), &|_, _| false, take)?;
        }
        if self.part.last().map(|last| last.segment) != Some(job.segment) {
            anyhow::bail!(
                "the chain of job {} ends at boundary {:?}, expected {}, which the job says it has: fetch again",
                job.job,
                self.part.last().map(|last| last.segment),
                job.segment
            );
        }
        Ok(())
    }

    fn add(
        &mut self,
        waiting: &mut Vec<ChainEntry>,
        mut outputs: Outputs,
        wants: &dyn Fn(&Part<'_>, u64) -> bool,
        take: Take<'_>,
    ) -> anyhow::Result<()> {
        for entry in waiting.drain(..) {
            if entry.segment == 0 || !wants(&self.part, entry.segment) {
                self.part.add(&entry, None)?;
                continue;
            }
            let Some(of_segment) = outputs.remove(&entry.segment) else {
                anyhow::bail!("the server has no outputs of segment {}, which are wanted", entry.segment);
            };
            self.part.add(&entry, Some(&of_segment))?;
            take(&self.part, &of_segment)?;
            self.read += 1;
        }
        Ok(())
    }
}

fn report(
    fetch: &PartOfJob<'_>,
    job: &JobView,
    file: PathBuf,
    range: Option<&Range<u64>>,
    last: &ChainEntry,
) -> anyhow::Result<Exit> {
    if fetch.quiet {
        output::json(&FetchedPart {
            dir: fetch.out,
            job: job.job,
            segment: last.segment,
            digest: last.digest.to_string(),
            frames: range.map(|range| [range.start, range.end]),
            segments_read: fetch.read,
            file,
        })?;
    } else {
        let what = range.map_or("the table of observables".to_owned(), |range| {
            format!("frames {} to {}", range.start, range.end.saturating_sub(1))
        });
        output::lines([
            format!("wrote {}: {what}", file.display()),
            format!(
                "  held against the chain up to segment {} (digest {}); outputs of {} segments were fetched",
                last.segment, last.digest, fetch.read
            ),
        ])?;
    }
    Ok(Exit::Done)
}
