//! What a segment puts out: its digest, and the files that it goes to.
//!
//! Every output appends its standard bytes to `frames-NAME.bin`, so that all that the chain's digests cover is on disk. Outputs with
//! columns are also written as rows of `observables.csv` ([`table`]): a function of these bytes, which can be made again from them.

use std::collections::BTreeMap;
use std::path::Path;

use protocol::Digest;
use protocol::checkpoint::PIECE_BYTES;

use crate::package::Package;
use crate::package::manifest::{Buffer, Output};

use super::executor::Boundary;
use super::plan::index;
use super::{RunError, disk, table};

/// File of an output's standard bytes, row after row.
pub fn frames_file(output: &str) -> String {
    format!("frames-{output}.bin")
}

/// Digest of a segment's outputs: what `ChainEntry::outputs` is.
///
/// BLAKE3 over `"baton outputs 1\n"`, then for each output of the package its length (u64, little-endian) and its bytes.
pub fn outputs_digest(outputs: &[Vec<u8>]) -> Digest {
    outputs_digest_with(outputs, |_, _, _| {})
}

/// [`outputs_digest`], which shows each piece of the bytes to `look` right after it was hashed: the output's index, the piece's offset
/// in bytes (a multiple of 4), the piece.
pub(super) fn outputs_digest_with(outputs: &[Vec<u8>], mut look: impl FnMut(usize, usize, &[u8])) -> Digest {
    let mut hasher = blake3::Hasher::new();
    hasher.update(b"baton outputs 1\n");
    for (index, output) in outputs.iter().enumerate() {
        hasher.update(&(output.len() as u64).to_le_bytes());
        for (piece, bytes) in output.chunks(PIECE_BYTES).enumerate() {
            hasher.update(bytes);
            look(index, piece * PIECE_BYTES, bytes);
        }
    }
    Digest(hasher.finalize().into())
}

/// Digest of the outputs of C0: none of any output.
pub(super) fn no_outputs_digest(package: &Package) -> Digest {
    outputs_digest(&vec![Vec::new(); package.manifest().outputs.len()])
}

/// Whether a run of this package writes such a file.
pub(super) fn is_output_file(package: &Package, name: &str) -> bool {
    let mut outputs = package.manifest().outputs.iter();
    table::has_table(package) && name == table::TABLE || outputs.any(|output| frames_file(&output.name) == name)
}

/// Begin the output files in a folder: the table's header line. Returns each file's length.
pub(super) fn begin(folder: &Path, package: &Package) -> Result<BTreeMap<String, u64>, RunError> {
    let mut files = BTreeMap::new();
    if table::has_table(package) {
        let header = table::header(package);
        let length = disk::append(&folder.join(table::TABLE), 0, header.as_bytes())?;
        files.insert(table::TABLE.to_owned(), length);
    }
    for output in &package.manifest().outputs {
        files.insert(frames_file(&output.name), 0);
    }
    Ok(files)
}

/// Append a segment's outputs behind the lengths in `files`, and bring these up to date.
pub(super) fn append(
    folder: &Path,
    package: &Package,
    boundary: &Boundary,
    files: &mut BTreeMap<String, u64>,
) -> Result<(), RunError> {
    for (output, bytes) in package.manifest().outputs.iter().zip(&boundary.outputs) {
        let name = frames_file(&output.name);
        let Some(&length) = files.get(&name) else {
            // Versions before this one did not keep the bytes of outputs with columns: a file that lacks its beginning is of no use.
            if !output.columns.is_empty() {
                continue;
            }
            files.insert(name.clone(), disk::append(&folder.join(&name), 0, bytes)?);
            continue;
        };
        let length = disk::append(&folder.join(&name), length, bytes)?;
        files.insert(name, length);
    }
    if let Some(length) = files.get_mut(table::TABLE) {
        let rows = table::rows(package, boundary.step, &boundary.outputs);
        *length = disk::append(&folder.join(table::TABLE), *length, rows.as_bytes())?;
    }
    Ok(())
}

/// Rows of an output in steps `from` up to, not including, `to`.
pub(super) fn rows_between(output: &Output, from: u64, to: u64) -> u64 {
    to.div_ceil(output.every) - from.div_ceil(output.every)
}

/// The buffer that an output looks at.
pub(super) fn buffer_of<'a>(package: &'a Package, output: &Output) -> &'a Buffer {
    &package.manifest().buffers[buffer_index(package, output)]
}

/// Index of the buffer that an output looks at.
pub(super) fn buffer_index(package: &Package, output: &Output) -> usize {
    index(package.manifest().buffers.iter().map(|buffer| &buffer.name), &output.buffer)
}

/// Standard bytes of one row of an output.
pub fn row_bytes(package: &Package, output: &Output) -> usize {
    package.elements(buffer_index(package, output)) as usize * 4
}
