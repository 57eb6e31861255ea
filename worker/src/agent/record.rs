//! A job's folder: where it began here, and every boundary since that is not safe on the server yet.
//!
//! | file | holds |
//! |---|---|
//! | `package.bundle` | the package's archive |
//! | `start.baton` | the checkpoint to begin from; none for C0 |
//! | `chain.jsonl` | a line a boundary, the one it began from first |
//! | `N.baton`, `N.outputs` | a boundary's checkpoint, a segment's outputs |
//!
//! A line of `chain.jsonl` commits a boundary: it is written after what it speaks of.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use kernels::package::Package;
use kernels::run::{RunError, disk, initial_state};
use protocol::checkpoint::content_digest;
use protocol::{ChainEntry, Checkpoint, Digest, HardwareClass, StateBuffer};
use serde::{Deserialize, Serialize};

const CHAIN_BYTES_MAX: u64 = 1 << 30;
/// A checkpoint on disk.
pub(crate) const CHECKPOINT_BYTES_MAX: u64 = 8 << 30;

/// A boundary that was reached here.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Kept {
    /// The boundary.
    #[serde(flatten)]
    pub(crate) entry: ChainEntry,
    /// Time its segment took, milliseconds.
    pub(crate) ms: u64,
    /// Digest of its checkpoint's file; none for the boundary that it began from.
    pub(crate) blob: Option<Digest>,
    /// Bytes of its segment's outputs.
    pub(crate) output_bytes: u64,
}

/// Where computing goes on.
pub(crate) struct Start {
    /// The boundary.
    pub(crate) entry: ChainEntry,
    /// Its state.
    pub(crate) state: Vec<StateBuffer>,
    /// Length of the chain's file up to and including its line.
    pub(crate) chain_bytes: u64,
}

/// The folder of one attempt.
#[derive(Clone, Debug)]
pub(crate) struct JobFolder(PathBuf);

impl JobFolder {
    /// A folder of that path, which is made.
    ///
    /// # Errors
    /// The file system's.
    pub(crate) fn create(path: &Path) -> Result<Self, RunError> {
        fs::create_dir_all(path).map_err(disk_error("create", path))?;
        Ok(Self(path.to_owned()))
    }

    /// Where the package's archive lies.
    pub(crate) fn archive(&self) -> PathBuf {
        self.0.join("package.bundle")
    }

    /// Where the checkpoint to begin from lies.
    pub(crate) fn start(&self) -> PathBuf {
        self.0.join("start.baton")
    }

    /// Where a boundary's checkpoint lies.
    pub(crate) fn checkpoint(&self, segment: u64) -> PathBuf {
        self.0.join(format!("{segment:010}.baton"))
    }

    /// Where a segment's outputs lie.
    pub(crate) fn outputs(&self, segment: u64) -> PathBuf {
        self.0.join(format!("{segment:010}.outputs"))
    }

    fn chain_path(&self) -> PathBuf {
        self.0.join("chain.jsonl")
    }

    /// Remove it and all in it.
    pub(crate) fn remove(&self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            tracing::warn!("cannot remove {}: {error}", self.0.display());
        }
    }

    /// Put a file that was fetched in its place here, whatever becomes of the original.
    ///
    /// # Errors
    /// The file system's.
    pub(crate) fn adopt(&self, from: &Path, to: &Path) -> Result<(), RunError> {
        drop(fs::remove_file(to));
        match fs::hard_link(from, to) {
            Ok(()) => Ok(()),
            Err(_) => fs::copy(from, to).map(drop).map_err(disk_error("write", to)),
        }
    }

    /// Begin from a boundary: nothing else is on record then. The new length of the chain's file.
    ///
    /// # Errors
    /// The file system's.
    pub(crate) fn begin(&self, entry: &ChainEntry) -> Result<u64, RunError> {
        let line = Kept {
            entry: entry.clone(),
            ms: 0,
            blob: None,
            output_bytes: 0,
        };
        self.append(&line, 0)
    }

    /// Put a boundary on record behind `chain_bytes`; its files are there. The new length of the chain's file.
    ///
    /// # Errors
    /// The file system's.
    pub(crate) fn append(&self, line: &Kept, chain_bytes: u64) -> Result<u64, RunError> {
        let mut text = serde_json::to_vec(line).unwrap_or_default();
        text.push(b'\n');
        let end = disk::append(&self.chain_path(), chain_bytes, &text)?;
        disk::sync_parent(&self.chain_path())?;
        Ok(end)
    }

    /// The boundaries on record, each with the offset behind its line; each follows the one before.
    pub(crate) fn chain(&self, package: Digest) -> Vec<(Kept, u64)> {
        let bytes = disk::read(&self.chain_path(), CHAIN_BYTES_MAX).unwrap_or_default();
        let mut lines: Vec<(Kept, u64)> = Vec::new();
        let mut end = 0;
        for text in bytes.split_inclusive(|&byte| byte == b'\n') {
            let line: Option<Kept> = text.strip_suffix(b"\n").and_then(|text| serde_json::from_slice(text).ok());
            let before = lines.last().map(|(line, _)| &line.entry);
            let follows = |line: &Kept| match before {
                None => line.entry.digest == line.entry.computed(package),
                Some(before) => line.entry.follows(package, Some(before)),
            };
            let Some(line) = line.filter(follows) else { break };
            end += text.len() as u64;
            lines.push((line, end));
        }
        lines
    }

    /// Digest of the checkpoint of the last boundary on record, as far as the last line alone tells.
    pub(crate) fn last_blob(&self) -> Option<Digest> {
        let bytes = disk::read(&self.chain_path(), CHAIN_BYTES_MAX).ok()?;
        let last = bytes.strip_suffix(b"\n")?.rsplit(|&byte| byte == b'\n').next()?;
        serde_json::from_slice::<Kept>(last).ok()?.blob
    }

    /// Segments whose checkpoint is on disk.
    pub(crate) fn on_disk(&self) -> BTreeSet<u64> {
        let entries = fs::read_dir(&self.0).into_iter().flatten().flatten();
        let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
        names.filter_map(|name| name.strip_suffix(".baton")?.parse().ok()).collect()
    }

    /// The last boundary on record whose checkpoint is whole: the one that it began from, if need be. None when nothing is on record.
    /// Boundaries on record behind it are computed again.
    pub(crate) fn last_good(&self, package: &Package, class: HardwareClass) -> Option<Start> {
        let mut lines = self.chain(package.digest());
        while let Some((line, chain_bytes)) = lines.pop() {
            let state = match (lines.is_empty(), line.entry.segment) {
                (true, 0) => c0(package).filter(|(entry, _)| *entry == line.entry).map(|(_, state)| state),
                (true, _) => self.state(&self.start(), package, &line.entry, class),
                (false, segment) => self.state(&self.checkpoint(segment), package, &line.entry, class),
            };
            if let Some(state) = state {
                return Some(Start {
                    entry: line.entry,
                    state,
                    chain_bytes,
                });
            }
        }
        None
    }

    fn state(&self, path: &Path, package: &Package, entry: &ChainEntry, class: HardwareClass) -> Option<Vec<StateBuffer>> {
        match read_checkpoint(path, package) {
            Ok(checkpoint) if checkpoint.entry == *entry && checkpoint.class == class => Some(checkpoint.buffers),
            Ok(_) => None,
            Err(error) => {
                tracing::warn!("{error}");
                None
            }
        }
    }
}

/// A checkpoint file that fits a package.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn read_checkpoint(path: &Path, package: &Package) -> Result<Checkpoint, String> {
    let about = |problem: String| format!("{}: {problem}", path.display());
    let bytes = disk::read(path, CHECKPOINT_BYTES_MAX).map_err(|error| error.to_string())?;
    let initial = initial_state(package);
    let state_bytes = initial.iter().map(|buffer| buffer.bytes.len() as u64).sum();
    let checkpoint = Checkpoint::from_bytes(&bytes, state_bytes).map_err(|error| about(error.to_string()))?;
    let same = |(a, b): (&StateBuffer, &StateBuffer)| (&a.name, a.element, &a.shape) == (&b.name, b.element, &b.shape);
    let fits = checkpoint.buffers.len() == initial.len() && checkpoint.buffers.iter().zip(&initial).all(same);
    if checkpoint.package != package.digest() || !fits {
        return Err(about(format!("is of package {}, not of this job's", checkpoint.package)));
    }
    Ok(checkpoint)
}

/// The initial boundary of a package, with its state.
pub(crate) fn c0(package: &Package) -> Option<(ChainEntry, Vec<StateBuffer>)> {
    let state = initial_state(package);
    let none = kernels::run::frames::outputs_digest(&vec![Vec::new(); package.manifest().outputs.len()]);
    let entry = ChainEntry::next(package.digest(), None, 0, content_digest(&state), none);
    Some((entry, state))
}

/// An error of the file system.
pub(crate) fn disk_error<'a>(action: &'static str, path: &'a Path) -> impl FnOnce(std::io::Error) -> RunError + 'a {
    move |source| RunError::Disk {
        action,
        path: path.to_owned(),
        source,
    }
}
