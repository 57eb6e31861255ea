//! A part of what a run put out elsewhere, without a run directory: some frames of an output, the table of observables.
//!
//! Nothing is believed here either: each boundary has to follow the one before, from C0 on, and outputs are used only once they are what their boundary covers.

use std::ops::Range;
use std::path::{Path, PathBuf};

use protocol::ChainEntry;

use crate::package::{Package, table};

use super::{RunError, gather, outputs};

/// A chain that is walked from C0 on, with outputs that are held against it.
pub struct Part<'a> {
    package: &'a Package,
    folder: PathBuf,
    last: Option<ChainEntry>,
}

impl<'a> Part<'a> {
    /// Of a run of this package; errors name the folder that it is for.
    pub fn new(package: &'a Package, folder: &Path) -> Self {
        Self {
            package,
            folder: folder.to_owned(),
            last: None,
        }
    }

    /// The package whose run it is.
    pub fn package(&self) -> &'a Package {
        self.package
    }

    /// The boundary that the walk has come to.
    pub fn last(&self) -> Option<&ChainEntry> {
        self.last.as_ref()
    }

    /// The next boundary, with its segment's outputs where these are wanted.
    ///
    /// # Errors
    /// It does not follow, or the outputs are not its own.
    pub fn add(&mut self, entry: &ChainEntry, outputs: Option<&[Vec<u8>]>) -> Result<(), RunError> {
        let wrong = |problem| RunError::folder(&self.folder, problem);
        gather::check_next(self.package, self.last.as_ref(), entry).map_err(wrong)?;
        if let Some(outputs) = outputs {
            gather::check_outputs(self.package, entry, outputs, outputs::outputs_digest(outputs)).map_err(wrong)?;
        }
        self.last = Some(entry.clone());
        Ok(())
    }

    /// The first line of the table of observables; none where no output has columns.
    pub fn header(&self) -> Option<String> {
        table::has_table(self.package).then(|| table::header(self.package))
    }

    /// Rows of that table, out of the outputs of the boundary that was added last.
    pub fn rows(&self, outputs: &[Vec<u8>]) -> String {
        match &self.last {
            Some(entry) if entry.segment > 0 => table::lines(self.package, entry.step, outputs),
            _ => String::new(),
        }
    }

    /// Numbers of the frames that the package's `output` puts out in a segment, from 1 on.
    ///
    /// # Panics
    /// The package has no such output.
    pub fn frames(&self, output: usize, segment: u64) -> Range<u64> {
        let steps = self.package.manifest().run.steps_per_segment;
        let every = self.package.manifest().outputs[output].every.max(1);
        let before = |segment: u64| segment.saturating_mul(steps).div_ceil(every);
        before(segment.saturating_sub(1))..before(segment)
    }

    /// Bytes of one frame of the package's `output`.
    ///
    /// # Panics
    /// The package has no such output.
    pub fn frame_bytes(&self, output: usize) -> usize {
        outputs::row_bytes(self.package, &self.package.manifest().outputs[output])
    }
}

#[cfg(test)]
mod tests {
    use protocol::Digest;

    use super::*;

    /// A boundary behind `last` with these outputs.
    fn next(package: &Package, last: Option<&ChainEntry>, outputs: &[Vec<u8>]) -> ChainEntry {
        let step = last.map_or(0, |last| last.step + package.manifest().run.steps_per_segment);
        let content = Digest::of(&step.to_le_bytes());
        ChainEntry::next(package.digest(), last, step, content, outputs::outputs_digest(outputs))
    }

    #[test]
    fn a_part_takes_no_boundary_out_of_turn_and_no_outputs_of_another() {
        let package = crate::examples::load("ising").expect("a shipped example");
        let none = vec![Vec::new(); package.manifest().outputs.len()];
        let some: Vec<Vec<u8>> = (0..none.len()).map(|output| vec![1; 8 * (output + 1)]).collect();
        let first = next(&package, None, &none);
        let second = next(&package, Some(&first), &some);
        let third = next(&package, Some(&second), &none);
        let folder = Path::new("here");
        let mut part = Part::new(&package, folder);
        assert!(part.add(&second, None).is_err(), "C0 comes first");
        part.add(&first, None).expect("it does");
        assert!(part.add(&third, None).is_err(), "none is left out");
        let error = part
            .add(&second, Some(&none))
            .expect_err("the outputs of another segment")
            .to_string();
        assert!(error.contains("segment 1") && error.contains("here"), "{error}");
        assert!(part.add(&second, Some(&some[1..])).is_err(), "one output too few");
        part.add(&second, Some(&some)).expect("its own");
        assert!(!part.rows(&some).is_empty() && part.last() == Some(&second));
    }

    #[test]
    fn frames_of_segments_follow_each_other_without_a_gap() {
        let package = crate::examples::load("ising").expect("a shipped example");
        for (steps, every) in [(10, 1), (10, 5), (12, 4), (1, 1)] {
            let mut manifest = package.manifest().clone().with_steps_per_segment(steps);
            let output = manifest
                .outputs
                .iter()
                .position(|output| output.columns.is_empty())
                .expect("frames");
            manifest.outputs[output].every = every;
            let package = package.with_manifest(manifest).expect("still a good package");
            let part = Part::new(&package, Path::new("."));
            let mut there = 0;
            for segment in 1..50 {
                let frames = part.frames(output, segment);
                let taken = (segment - 1) * steps..segment * steps;
                assert_eq!(frames.start, there);
                assert_eq!(
                    frames.end - frames.start,
                    taken.filter(|step| step % every == 0).count() as u64
                );
                there = frames.end;
            }
            assert_eq!(part.frames(output, u64::MAX).end, u64::MAX.div_ceil(every));
        }
    }
}
