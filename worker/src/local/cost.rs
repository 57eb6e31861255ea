//! What a job of a run's package costs: `jobs.toml` in the run directory, parameters for `baton-server simulate --parameters`.
//!
//! Nothing reads it here, and no result depends on it.

use std::path::Path;

use kernels::run::{RunDir, disk};

/// Bytes of all files below a folder.
fn bytes_below(path: &Path) -> std::io::Result<u64> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(path)? {
        let entry = entry?;
        bytes += match entry.metadata()? {
            found if found.is_dir() => bytes_below(&entry.path())?,
            found => found.len(),
        };
    }
    Ok(bytes)
}

/// Writes the file, from the measured speed (steps a second) and what lies in the run directory.
///
/// # Errors
/// The file system refuses.
pub(crate) fn write(dir: &RunDir, steps_per_s: f64, device: &str) -> anyhow::Result<()> {
    let path = dir.path();
    let megabytes = |bytes: u64| bytes as f64 / 1e6;
    let newest = dir.chain()?.last().map(|line| line.entry.segment);
    let checkpoint = newest.and_then(|segment| dir.checkpoint_path(segment).metadata().ok());
    // What a job brings home beside its checkpoints: its outputs.
    let mut outputs = 0;
    for entry in std::fs::read_dir(path)? {
        let entry = entry?;
        let file = entry.path();
        let is_output = file
            .extension()
            .is_some_and(|extension| extension == "bin" || extension == "csv");
        outputs += if is_output { entry.metadata()?.len() } else { 0 };
    }
    let segment_s = dir.package().manifest().run.steps_per_segment as f64 / steps_per_s;
    let text = format!(
        "# What a job like this run costs, for `baton-server simulate --parameters FILE`. The device of the run ({device}) is the reference\n\
         # device of such a simulation. Bytes of package and outputs are as they lie on disk: less travels, they are packed.\n\
         [jobs]\n\
         segments = {}\n\
         segment_s = {segment_s:.6}\n\
         package_mb = {:.6}\n\
         checkpoint_mb = {:.6}\n\
         result_mb = {:.6}\n",
        dir.config().segments,
        megabytes(bytes_below(&path.join("package"))?),
        megabytes(checkpoint.map_or(0, |found| found.len())),
        megabytes(outputs),
    );
    Ok(disk::replace(&path.join("jobs.toml"), text.as_bytes())?)
}
