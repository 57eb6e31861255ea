//! `chain.jsonl`: one line a boundary, each following the one before. A line commits its boundary: it is appended after everything it
//! speaks of is on disk.
//!
//! A crash can tear the last line, which then was never committed: it is left out, and overwritten by the next. Any other line that
//! does not follow was changed after it was written, and nothing is built on such a chain.

use std::path::Path;

use protocol::{ChainEntry, Digest};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{RunError, disk};

const CHAIN_BYTES_MAX: u64 = 1 << 30;
/// What to do about a record that was changed. Every run can be had again: the same package gives the same bits.
pub(super) const REMEDY: &str = "restore the file from a copy, or run the package again: it gives the same bits";

/// A line of a chain: the boundary, and what a layout says beside it.
pub trait Line: Serialize + DeserializeOwned + Clone + Send {
    /// The boundary.
    fn entry(&self) -> &ChainEntry;
}

/// Where a chain may begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Root {
    /// At C0.
    Initial,
    /// At any boundary: the one that a job was handed over at.
    Any,
}

/// A line, with the offset in the file behind it.
#[derive(Clone, Debug)]
pub struct Placed<L> {
    /// The line.
    pub line: L,
    /// Length of the file up to and including it, bytes.
    pub end: u64,
}

/// The committed lines of a chain's file, oldest first; none where there is no file.
///
/// # Errors
/// The file system's answer, or [`RunError::Altered`] for a line that was changed.
pub(super) fn read<L: Line>(path: &Path, package: Digest, root: Root) -> Result<Vec<Placed<L>>, RunError> {
    let bytes = match disk::read(path, CHAIN_BYTES_MAX) {
        Err(RunError::Disk { cause, .. }) if cause.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other?,
    };
    let mut lines: Vec<Placed<L>> = Vec::new();
    let mut end = 0;
    for text in bytes.split_inclusive(|&byte| byte == b'\n') {
        let is_last = end + text.len() as u64 == bytes.len() as u64;
        end += text.len() as u64;
        // What a crash leaves of the last line: its beginning, or blocks of zeros.
        if is_last && (!text.ends_with(b"\n") || text.contains(&0)) {
            tracing::warn!("{}: the last line was torn by a crash; it was not committed", path.display());
            break;
        }
        let before = lines.last().map(|placed| placed.line.entry());
        let line = parse(text, package, before, root).map_err(|problem| {
            let segment = before.map(|before| before.segment + 1);
            let number = lines.len() + 1;
            RunError::altered(path, segment, format!("line {number} {problem}; {REMEDY}"))
        })?;
        lines.push(Placed { line, end });
    }
    Ok(lines)
}

/// Put a line behind the first `length` bytes of a chain's file: this commits its boundary. The new length.
///
/// # Errors
/// The file system refuses.
pub(super) fn append<L: Line>(path: &Path, length: u64, line: &L) -> Result<u64, RunError> {
    let mut text = serde_json::to_vec(line).map_err(|error| RunError::folder(path, error.to_string()))?;
    text.push(b'\n');
    let end = disk::append(path, length, &text)?;
    disk::sync_parent(path)?;
    Ok(end)
}

/// The line, or what is wrong with it.
fn parse<L: Line>(text: &[u8], package: Digest, before: Option<&ChainEntry>, root: Root) -> Result<L, String> {
    let line: L = serde_json::from_slice(text).map_err(|error| format!("does not parse ({error})"))?;
    let entry = line.entry();
    if before.is_none() && root == Root::Any {
        return match entry.digest == entry.computed(package) {
            true => Ok(line),
            false => Err(wrong_digest(entry, package)),
        };
    }
    if entry.follows(package, before) {
        return Ok(line);
    }
    let (segment, parent) = match before {
        Some(before) => (before.segment + 1, before.digest),
        None => (0, protocol::chain::NO_PARENT),
    };
    Err(if entry.segment != segment {
        format!("is of segment {}, expected segment {segment}", entry.segment)
    } else if entry.parent != parent {
        format!(
            "names {} as its parent, but the line before has digest {parent}",
            entry.parent
        )
    } else if entry.digest != entry.computed(package) {
        wrong_digest(entry, package)
    } else {
        let steps = before.map_or(0, |before| before.step);
        format!("is of step {}, the boundary before it of step {steps}", entry.step)
    })
}

fn wrong_digest(entry: &ChainEntry, package: Digest) -> String {
    format!(
        "says digest {}, but its fields give {}",
        entry.digest,
        entry.computed(package)
    )
}
