//! A run directory out of boundaries that were computed elsewhere: the same files, byte for byte, as if they had been computed here.
//!
//! Nothing is believed: each boundary has to follow the one before, and each segment's outputs have to be what its boundary covers.

use std::collections::BTreeMap;
use std::path::Path;

use protocol::{ChainEntry, Digest, HardwareClass};

use crate::package::Package;

use super::dir::ChainLine;
use super::executor::Boundary;
use super::{RunConfig, RunDir, RunError, chain, disk, finite, outputs};

/// A run directory that is being filled.
pub struct Gathering {
    dir: RunDir,
    class: HardwareClass,
    files: BTreeMap<String, u64>,
    chain_bytes: u64,
    last: Option<ChainEntry>,
}

impl Gathering {
    /// Begin in a place that is empty or not there, or go on in a directory that was filled before from the same run.
    ///
    /// # Errors
    /// The place holds something else, what it holds was changed, or the file system refuses.
    pub fn begin(path: &Path, package: &Package, segments: u64, class: HardwareClass) -> Result<Self, RunError> {
        if !path.join("run.toml").exists() {
            let dir = RunDir::create(path, package, RunConfig::new(segments))?;
            return Ok(Self {
                dir,
                class,
                files: BTreeMap::new(),
                chain_bytes: 0,
                last: None,
            });
        }
        let mut dir = RunDir::open(path)?;
        if dir.package().digest() != package.digest() {
            return Err(RunError::folder(path, "is a run of another package: choose another folder"));
        }
        dir.check_record()?;
        if dir.config().segments != segments {
            dir.set_segments(segments)?;
        }
        let (files, last, chain_bytes) = match dir.placed_chain()?.pop() {
            Some(placed) => (placed.line.files, Some(placed.line.entry), placed.end),
            None => (BTreeMap::new(), None, 0),
        };
        Ok(Self {
            dir,
            class,
            files,
            chain_bytes,
            last,
        })
    }

    /// The last boundary that is there.
    pub fn last(&self) -> Option<&ChainEntry> {
        self.last.as_ref()
    }

    /// The directory.
    pub fn dir(&self) -> &RunDir {
        &self.dir
    }

    /// Add the next boundary with its segment's outputs: for each output of the package, its rows in the standard layout.
    ///
    /// # Errors
    /// It does not follow, the outputs are not its own, or the file system refuses.
    pub fn add(&mut self, entry: &ChainEntry, outputs: Vec<Vec<u8>>) -> Result<(), RunError> {
        let wrong = |problem: String| RunError::folder(self.dir.path(), problem);
        let segment = entry.segment;
        let package = self.dir.package();
        check_next(package, self.last.as_ref(), entry).map_err(wrong)?;
        let (digest, non_finite) = finite::digest_outputs(package, &outputs);
        check_outputs(package, entry, &outputs, digest).map_err(wrong)?;
        if segment == 0 {
            self.files = outputs::begin(self.dir.path(), package)?;
        } else {
            let boundary = Boundary {
                segment,
                step: entry.step,
                state: Vec::new(),
                outputs,
            };
            outputs::append(self.dir.path(), package, &boundary, &mut self.files)?;
        }
        let line = ChainLine {
            entry: entry.clone(),
            class: self.class,
            files: self.files.clone(),
            non_finite,
        };
        self.chain_bytes = chain::append(&self.dir.chain_path(), self.chain_bytes, &line)?;
        self.last = Some(entry.clone());
        Ok(())
    }

    /// Put the last boundary's checkpoint in its place, so that the run can go on here.
    ///
    /// # Errors
    /// It is of another boundary, does not fit the package, or the file system refuses.
    pub fn finish(self, checkpoint: &[u8]) -> Result<RunDir, RunError> {
        let segment = self.last.as_ref().map_or(0, |last| last.segment);
        let path = self.dir.checkpoint_path(segment);
        disk::replace(&path, checkpoint)?;
        let found = self.dir.read_checkpoint(&path)?.entry;
        if Some(&found) != self.last.as_ref() {
            let problem = format!(
                "is of boundary {} ({}), not of the chain's last",
                found.segment,
                found.digest.short()
            );
            return Err(RunError::folder(&path, problem));
        }
        Ok(self.dir)
    }
}

/// Hold a boundary from elsewhere against the one before it.
pub(super) fn check_next(package: &Package, last: Option<&ChainEntry>, entry: &ChainEntry) -> Result<(), String> {
    let segment = entry.segment;
    if !entry.follows(package.digest(), last) {
        let last = last.map_or("nothing".to_owned(), |last| last.segment.to_string());
        return Err(format!("boundary {segment} does not follow what is there, {last}"));
    }
    let step = segment.saturating_mul(package.manifest().run.steps_per_segment);
    match entry.step == step {
        true => Ok(()),
        false => Err(format!("boundary {segment} is of step {}, expected step {step}", entry.step)),
    }
}

/// Hold a segment's outputs, which have this digest, against its boundary.
pub(super) fn check_outputs(package: &Package, entry: &ChainEntry, outputs: &[Vec<u8>], digest: Digest) -> Result<(), String> {
    match outputs.len() == package.manifest().outputs.len() && digest == entry.outputs {
        true => Ok(()),
        false => Err(format!(
            "the outputs of segment {} are not those that its boundary covers",
            entry.segment
        )),
    }
}
