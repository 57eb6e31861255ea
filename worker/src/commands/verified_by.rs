//! `verification.json` of a fetched run directory: which segments a second host computed to the same digest, and which hosts stand for each.
//!
//! It is the server's word at the moment of fetching, and no part of the chain: `baton verify` computes segments again and believes nothing of it.

use std::path::Path;

use anyhow::Context as _;
use protocol::JobId;
use protocol::http::JobView;
use protocol::http::job::Verification;
use serde::Serialize;

/// Its name in a run directory.
pub(super) const FILE: &str = "verification.json";

/// What is said of one job; of a run that jobs continued from each other there are several.
#[derive(Serialize)]
struct Generation<'a> {
    job: JobId,
    /// Segments up to which it is committed.
    segment: u64,
    verification: &'a Verification,
}

/// Writes the file anew, the oldest job first.
///
/// # Errors
/// The file system refuses.
pub(super) fn write(dir: &Path, jobs: &[JobView]) -> anyhow::Result<()> {
    let generations = jobs.iter().map(|job| Generation {
        job: job.job,
        segment: job.segment,
        verification: &job.verification,
    });
    let mut text = serde_json::to_vec_pretty(&generations.collect::<Vec<_>>())?;
    text.push(b'\n');
    let (path, temporary) = (dir.join(FILE), dir.join("verification.tmp"));
    std::fs::write(&temporary, text).with_context(|| temporary.display().to_string())?;
    std::fs::rename(&temporary, &path).with_context(|| path.display().to_string())
}

/// How much of a job is confirmed, in words.
pub(super) fn words(job: &JobView) -> String {
    match job.verification.wanted.is_none() {
        true => "nothing was computed a second time (--verify none)".to_owned(),
        false => format!(
            "{} of {} segments by a second host ({FILE})",
            job.verification.segments, job.segment
        ),
    }
}
