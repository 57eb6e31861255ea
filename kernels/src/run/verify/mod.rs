//! All that a run directory records, held against its chain: parent links, outputs, the table, checkpoints.
//!
//! Nothing is computed again: what is shown is that the files are what was written. The chain's digests cover the standard bytes of
//! every output; the table is made again from these bytes and compared.
//!
//! | module | owns |
//! |---|---|
//! | `segments` | the chain, and each segment's outputs and rows |
//! | `checkpoints` | checkpoint files |
//! | `files` | output files, read in ranges |

mod checkpoints;
mod files;
mod segments;

use std::path::{Path, PathBuf};

use protocol::ChainEntry;
use serde::Serialize;

use super::RunError;
use super::dir::RunDir;
use super::finite::NonFinite;

/// What became of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// It is not what was written: nothing may be built on it.
    Altered,
    /// Its end is missing or a checkpoint is damaged: `baton resume` computes it again.
    Incomplete,
}

/// Something on record that is not as it has to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What became of it.
    pub kind: Kind,
    /// Path of the file.
    pub file: PathBuf,
    /// The segment whose record it is, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub segment: Option<u64>,
    /// What was found, what was expected, and what to do.
    pub problem: String,
}

/// A boundary that holds NaN or infinity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Mark {
    /// Segments before the boundary.
    pub segment: u64,
    /// Steps before the boundary.
    pub step: u64,
    /// The first such value.
    pub value: NonFinite,
}

/// What was looked at, and what was found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Verification {
    /// Boundaries of the chain that follow each other, C0 among them.
    pub boundaries: u64,
    /// The last of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last: Option<ChainEntry>,
    /// Segments whose outputs are those that the chain covers.
    pub segments_with_outputs: u64,
    /// Rows of the table that are those which the outputs give.
    pub rows: u64,
    /// Segments whose checkpoint is whole and the chain's.
    pub checkpoints: Vec<u64>,
    /// What could not be looked at, and why.
    pub unchecked: Vec<String>,
    /// Boundaries that hold NaN or infinity.
    pub non_finite: Vec<Mark>,
    /// Records that are not as they have to be.
    pub findings: Vec<Finding>,
}

impl RunDir {
    /// Hold all that is recorded against the chain.
    ///
    /// # Errors
    /// The file system refuses. What is wrong with the record is in the answer.
    pub fn verify(&self) -> Result<Verification, RunError> {
        let mut seen = Verification::default();
        let chain = seen.outputs(self)?;
        seen.checkpoints(self, &chain)?;
        Ok(seen)
    }

    /// Hold chain, outputs and table against each other, before anything is built on them. What is incomplete is in the answer.
    ///
    /// # Errors
    /// [`RunError::Altered`] for the first record that is not what was written; or the file system refuses.
    pub fn check_record(&self) -> Result<Verification, RunError> {
        let mut seen = Verification::default();
        seen.outputs(self)?;
        match seen.findings.iter().find(|finding| finding.kind == Kind::Altered) {
            Some(found) => Err(RunError::altered(&found.file, found.segment, found.problem.as_str())),
            None => Ok(seen),
        }
    }
}

impl Verification {
    /// Whether everything was looked at and nothing is wrong.
    pub fn is_whole(&self) -> bool {
        self.findings.is_empty() && self.unchecked.is_empty()
    }

    fn found(&mut self, kind: Kind, file: &Path, segment: Option<u64>, problem: String) {
        self.findings.push(Finding {
            kind,
            file: file.to_owned(),
            segment,
            problem,
        });
    }

    fn mark(&mut self, entry: &ChainEntry, value: NonFinite) {
        if self.non_finite.iter().all(|mark| mark.segment != entry.segment) {
            self.non_finite.push(Mark {
                segment: entry.segment,
                step: entry.step,
                value,
            });
        }
    }
}
