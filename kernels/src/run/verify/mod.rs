//! All that a run directory records, held against its chain: parent links, outputs, the table, checkpoints.
//!
//! Nothing is computed again: what is shown is that the files are what was written. The chain's digests cover the standard bytes of
//! every output; the table is made again from these bytes and compared.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{ErrorKind, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use protocol::ChainEntry;
use serde::Serialize;

use crate::package::manifest::Output;

use super::chain::REMEDY;
use super::dir::{ChainLine, RunDir};
use super::finite::{self, NonFinite};
use super::outputs::{frames_file, is_output_file, row_bytes, rows_between};
use super::{RunError, table};

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
    /// Which file.
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
    /// What is wrong.
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

    /// Look at the chain, and at the outputs of each segment. The chain's lines.
    fn outputs(&mut self, dir: &RunDir) -> Result<Vec<ChainLine>, RunError> {
        let chain = match dir.chain() {
            Err(RunError::Altered { path, segment, problem }) => {
                self.found(Kind::Altered, &path, segment, problem);
                return Ok(Vec::new());
            }
            other => other?,
        };
        self.boundaries = chain.len() as u64;
        self.last = chain.last().map(|line| line.entry.clone());
        let Some(first) = chain.first() else {
            let has_checkpoints = checkpoint_files(dir)?.next().is_some();
            if has_checkpoints {
                let problem = "is missing, though there are checkpoints: `baton resume` computes the run again".to_owned();
                self.found(Kind::Incomplete, &dir.chain_path(), None, problem);
            }
            return Ok(chain);
        };
        if first.entry != super::state::initial_boundary(dir.package()).0 {
            let problem = format!("line 1 is not the package's initial state; {REMEDY}");
            self.found(Kind::Altered, &dir.chain_path(), Some(0), problem);
            return Ok(chain);
        }
        let is_wrong = |name: &str, length: u64| !is_output_file(dir.package(), name) || name != table::TABLE && length > 0;
        if let Some((name, length)) = first.files.iter().find(|(name, length)| is_wrong(name, **length)) {
            let problem = format!("line 1 gives '{name}' {length} bytes, where no output has put out anything; {REMEDY}");
            self.found(Kind::Altered, &dir.chain_path(), Some(0), problem);
            return Ok(chain);
        }
        let outputs = &dir.package().manifest().outputs;
        // Versions before this one did not keep the bytes of outputs with columns, without which no digest can be made.
        let lacks = |output: &&Output| !output.columns.is_empty() && !first.files.contains_key(&frames_file(&output.name));
        if let Some(output) = outputs.iter().find(lacks) {
            self.unchecked.push(format!(
                "outputs and {}: an older version wrote this directory, without {}; {REMEDY}",
                table::TABLE,
                frames_file(&output.name)
            ));
            return Ok(chain);
        }
        let mut files = OutputFiles::open(dir)?;
        let mut complete = self.header(dir, first, &mut files)?;
        for pair in chain.windows(2) {
            if let Some(value) = pair[1].non_finite.clone() {
                self.mark(&pair[1].entry, value);
            }
            if complete {
                complete = self.segment(dir, &pair[0], &pair[1], &mut files)?;
            }
        }
        Ok(chain)
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

    /// The table's first line. Whether it is there.
    fn header(&mut self, dir: &RunDir, first: &ChainLine, files: &mut OutputFiles) -> Result<bool, RunError> {
        if !table::has_table(dir.package()) {
            return Ok(true);
        }
        let expected = table::header(dir.package());
        let path = dir.path().join(table::TABLE);
        if first.files.get(table::TABLE) != Some(&(expected.len() as u64)) {
            let problem = format!("line 1 gives another length of {}'s first line; {REMEDY}", table::TABLE);
            self.found(Kind::Altered, &dir.chain_path(), Some(0), problem);
            return Ok(false);
        }
        let Some(found) = files.read(table::TABLE, 0, expected.len())? else {
            self.cut_short(&path, 0, files.length(table::TABLE), expected.len() as u64);
            return Ok(false);
        };
        if found != expected.as_bytes() {
            let problem = format!("line 1 is not the package's names of columns; {REMEDY}");
            self.found(Kind::Altered, &path, Some(0), problem);
        }
        Ok(true)
    }

    fn cut_short(&mut self, path: &Path, segment: u64, found: u64, expected: u64) {
        let problem = format!("has {found} bytes, the chain says {expected}: `baton resume` computes the rest again");
        self.found(Kind::Incomplete, path, Some(segment), problem);
    }

    /// The outputs and rows of the segment between two lines. Whether all of its bytes are there.
    fn segment(
        &mut self,
        dir: &RunDir,
        before: &ChainLine,
        line: &ChainLine,
        files: &mut OutputFiles,
    ) -> Result<bool, RunError> {
        let package = dir.package();
        let manifest = package.manifest();
        let segment = line.entry.segment;
        let number = segment + 1;
        let altered = |seen: &mut Self, problem: String| {
            let problem = format!("line {number} {problem}; {REMEDY}");
            seen.found(Kind::Altered, &dir.chain_path(), Some(segment), problem);
        };
        let step = segment.saturating_mul(manifest.run.steps_per_segment);
        if line.entry.step != step {
            altered(self, format!("is of step {}, expected step {step}", line.entry.step));
            return Ok(false);
        }
        if let Some(name) = line.files.keys().find(|name| !is_output_file(package, name)) {
            altered(self, format!("names a file '{name}' that no output of the package has"));
        }
        let length = |line: &ChainLine, name: &str| line.files.get(name).copied().unwrap_or(0);
        let mut all = Vec::with_capacity(manifest.outputs.len());
        for output in &manifest.outputs {
            let name = frames_file(&output.name);
            let (from, to) = (length(before, &name), length(line, &name));
            let bytes = rows_between(output, before.entry.step, step) as usize * row_bytes(package, output);
            let expected = from.saturating_add(bytes as u64);
            if to != expected {
                altered(self, format!("gives {name} {to} bytes, its segment's rows end at {expected}"));
                return Ok(false);
            }
            let Some(bytes) = files.read(&name, from, bytes)? else {
                self.cut_short(&dir.path().join(&name), segment, files.length(&name), to);
                return Ok(false);
            };
            all.push(bytes);
        }
        let (digest, non_finite) = finite::digest_outputs(package, &all);
        if let Some(value) = non_finite {
            self.mark(&line.entry, value);
        }
        let rows = match table::has_table(package) {
            true => table::rows(package, step, &all),
            false => String::new(),
        };
        let from = length(before, table::TABLE);
        let to = from.saturating_add(rows.len() as u64);
        let found = files.read(table::TABLE, from, rows.len())?;
        if digest != line.entry.outputs {
            let same_rows = found.is_some_and(|found| found == rows.as_bytes());
            self.changed_outputs(dir, before, line, same_rows);
            return Ok(true);
        }
        if length(line, table::TABLE) != to {
            altered(self, format!("gives {} another length than its rows have", table::TABLE));
            return Ok(false);
        }
        let Some(found) = found else {
            self.cut_short(&dir.path().join(table::TABLE), segment, files.length(table::TABLE), to);
            return Ok(false);
        };
        if found == rows.as_bytes() {
            self.segments_with_outputs += 1;
            self.rows += rows.lines().count() as u64;
        } else {
            self.changed_rows(dir, segment, &rows, &found);
        }
        Ok(true)
    }

    /// The outputs of a segment are not those that its digest covers; one digest covers all of them. Where the table agrees with the files
    /// of its outputs, frames are named first, since they are the larger part.
    fn changed_outputs(&mut self, dir: &RunDir, before: &ChainLine, line: &ChainLine, same_rows: bool) {
        let outputs = dir.package().manifest().outputs.iter();
        let (likely, others): (Vec<&Output>, Vec<&Output>) = outputs.partition(|output| output.columns.is_empty() == same_rows);
        let length = |line: &ChainLine, name: &str| line.files.get(name).copied().unwrap_or(0);
        let names = likely.iter().chain(&others).map(|output| frames_file(&output.name));
        let ranges: Vec<(String, u64, u64)> = names
            .map(|name| (name.clone(), length(before, &name), length(line, &name)))
            .filter(|(_, from, to)| from < to)
            .collect();
        let Some((first, from, to)) = ranges.first() else {
            let problem = format!("line {} covers outputs, but there are none; {REMEDY}", line.entry.segment + 1);
            return self.found(Kind::Altered, &dir.chain_path(), Some(line.entry.segment), problem);
        };
        let others: Vec<String> = ranges[1..]
            .iter()
            .map(|(name, from, to)| format!("{name} bytes {from} to {to}"))
            .collect();
        let others = match others.is_empty() {
            true => String::new(),
            false => format!(", or {} (one digest covers them all),", others.join(", ")),
        };
        let problem = format!("bytes {from} to {to}{others} are not those that were written; {REMEDY}");
        self.found(Kind::Altered, &dir.path().join(first), Some(line.entry.segment), problem);
    }

    fn changed_rows(&mut self, dir: &RunDir, segment: u64, expected: &str, found: &[u8]) {
        let found = String::from_utf8_lossy(found);
        let differs = expected
            .lines()
            .zip(found.lines())
            .find(|(expected, found)| expected != found);
        let (expected, found) = differs.unwrap_or(("", ""));
        let step = expected.split(',').next().unwrap_or("");
        let problem = format!(
            "the row of step {step} is '{}', the outputs that the chain covers give '{expected}'; {REMEDY}",
            found.escape_debug()
        );
        self.found(Kind::Altered, &dir.path().join(table::TABLE), Some(segment), problem);
    }

    fn checkpoints(&mut self, dir: &RunDir, chain: &[ChainLine]) -> Result<(), RunError> {
        for segment in checkpoint_files(dir)? {
            // Behind the chain's end lies what a crash left.
            let line = usize::try_from(segment).ok().and_then(|segment| chain.get(segment));
            let Some(line) = line else { continue };
            let path = dir.checkpoint_path(segment);
            let checkpoint = match dir.read_checkpoint(&path) {
                // A run that goes on meanwhile deletes old ones.
                Err(RunError::Disk { cause, .. }) if cause.kind() == ErrorKind::NotFound => continue,
                other => other,
            };
            let problem = match checkpoint {
                Ok(checkpoint) if checkpoint.entry == line.entry => {
                    if let Some(value) = finite::digest_state(&checkpoint.buffers).1 {
                        self.mark(&line.entry, value);
                    }
                    self.checkpoints.push(segment);
                    continue;
                }
                Ok(_) => "is whole, but of another run than the chain".to_owned(),
                Err(RunError::Folder { problem, .. }) => problem,
                Err(other) => return Err(other),
            };
            let problem = format!("{problem}: `baton resume` goes back to an older one, where it needs it");
            self.found(Kind::Incomplete, &path, Some(segment), problem);
        }
        Ok(())
    }
}

/// Segments whose checkpoint file is there, in order.
fn checkpoint_files(dir: &RunDir) -> Result<impl Iterator<Item = u64>, RunError> {
    let folder = dir.path().join("checkpoints");
    let entries = match fs::read_dir(&folder) {
        Ok(entries) => Some(entries),
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => return Err(RunError::disk("read", &folder)(error)),
    };
    let names = entries.into_iter().flatten().flatten();
    let names = names.filter_map(|entry| entry.file_name().into_string().ok());
    let segments = names.filter_map(|name| name.strip_suffix(".baton")?.parse().ok());
    Ok(segments.collect::<std::collections::BTreeSet<u64>>().into_iter())
}

/// A run's output files, open for reading; a missing one counts as empty.
struct OutputFiles(BTreeMap<String, (PathBuf, Option<File>, u64)>);

impl OutputFiles {
    fn open(dir: &RunDir) -> Result<Self, RunError> {
        let outputs = dir.package().manifest().outputs.iter();
        let names = outputs
            .map(|output| frames_file(&output.name))
            .chain([table::TABLE.to_owned()]);
        let mut files = BTreeMap::new();
        for name in names {
            let path = dir.path().join(&name);
            let (file, length) = match File::open(&path) {
                Ok(file) => {
                    let length = file.metadata().map_err(RunError::disk("look at", &path))?.len();
                    (Some(file), length)
                }
                Err(error) if error.kind() == ErrorKind::NotFound => (None, 0),
                Err(error) => return Err(RunError::disk("open", &path)(error)),
            };
            files.insert(name, (path, file, length));
        }
        Ok(Self(files))
    }

    fn length(&self, name: &str) -> u64 {
        self.0.get(name).map_or(0, |(_, _, length)| *length)
    }

    /// Bytes of a file; none where it ends before.
    fn read(&mut self, name: &str, from: u64, bytes: usize) -> Result<Option<Vec<u8>>, RunError> {
        if bytes == 0 {
            return Ok(Some(Vec::new()));
        }
        let Some((path, Some(file), length)) = self.0.get_mut(name) else {
            return Ok(None);
        };
        if from.checked_add(bytes as u64).is_none_or(|end| end > *length) {
            return Ok(None);
        }
        let mut read = vec![0; bytes];
        file.seek(SeekFrom::Start(from)).map_err(RunError::disk("seek in", path))?;
        file.read_exact(&mut read).map_err(RunError::disk("read", path))?;
        Ok(Some(read))
    }
}
