//! The chain held against the package, and each segment's outputs and rows of the table against the chain.
//!
//! Invariant: a segment is counted only if its outputs have the digest that its line covers, and the table's rows are those that they give.

use std::path::Path;

use super::checkpoints::checkpoint_files;
use super::files::OutputFiles;
use super::{Kind, Verification};
use crate::package::manifest::Output;
use crate::package::table;
use crate::run::chain::REMEDY;
use crate::run::dir::{ChainLine, RunDir};
use crate::run::outputs::{frames_file, is_output_file, row_bytes, rows_between};
use crate::run::{RunError, finite, state};

impl Verification {
    /// Look at the chain, and at the outputs of each segment. The chain's lines.
    pub(super) fn outputs(&mut self, dir: &RunDir) -> Result<Vec<ChainLine>, RunError> {
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
        if first.entry != state::initial_boundary(dir.package()).0 {
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
            true => table::lines(package, step, &all),
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
}
