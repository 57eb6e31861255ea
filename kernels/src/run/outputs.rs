//! The files that a segment's outputs go to.
//!
//! Every output appends its standard bytes to `frames-NAME.bin`, so that all that the chain's digests cover is on disk. Outputs with
//! columns are also written as rows of `observables.csv` ([`table`]): a function of these bytes, which can be made again from them.

use std::collections::BTreeMap;
use std::path::Path;

use protocol::Digest;

use crate::package::{Package, table};

use super::executor::Boundary;
use super::{RunError, disk};

pub(super) use crate::package::outputs::{buffer_index, buffer_of, outputs_digest_with, rows_between};
pub use crate::package::outputs::{outputs_digest, row_bytes};

/// File of an output's standard bytes, row after row.
pub fn frames_file(output: &str) -> String {
    format!("frames-{output}.bin")
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
        let rows = table::lines(package, boundary.step, &boundary.outputs);
        *length = disk::append(&folder.join(table::TABLE), *length, rows.as_bytes())?;
    }
    Ok(())
}
