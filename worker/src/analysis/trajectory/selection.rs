//! A part of the atoms of a trajectory: `--atoms not-water`, `water`, `A..B`.

use std::ops::Range;

use kernels::md::readback::Readback;
use kernels::package::Package;

use super::{Frames, Kinds, Shape};
use crate::exit::Usage;

/// Which rows of frames are kept, in their order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Selection(pub(crate) Vec<usize>);

impl Selection {
    /// What a text of the command line asks for, of a package with so many rows of positions.
    ///
    /// # Errors
    /// The text is none of the selections, nothing is selected, or the package does not say what is water.
    pub(crate) fn parse(text: &str, package: &Package, rows: usize) -> anyhow::Result<Self> {
        let kept: Vec<usize> = match text {
            "water" | "not-water" => {
                let water = Readback::of(package).map_err(Usage)?.water();
                (0..rows.min(water.len()))
                    .filter(|row| water[*row] == (text == "water"))
                    .collect()
            }
            text => range(text, rows)?.collect(),
        };
        if kept.is_empty() {
            return Err(Usage(format!("--atoms {text}: no atom of {rows} is selected")).into());
        }
        Ok(Self(kept))
    }
}

fn range(text: &str, rows: usize) -> anyhow::Result<Range<usize>> {
    let wrong = || {
        Usage(format!(
            "--atoms {text}: expected not-water, water, or A..B of atoms counted from 0, up to {rows}"
        ))
    };
    let (from, to) = text.split_once("..").ok_or_else(wrong)?;
    let number = |part: &str, default: usize| match part {
        "" => Ok(default),
        part => part.parse().map_err(|_| wrong()),
    };
    let range = number(from, 0)?..number(to, rows)?;
    if range.end > rows || range.start > range.end {
        return Err(wrong().into());
    }
    Ok(range)
}

/// Frames of the selected rows.
pub(crate) struct Selected<'a> {
    all: &'a mut dyn Frames,
    shape: Shape,
    selection: &'a Selection,
}

impl<'a> Selected<'a> {
    /// Rows of frames of positions.
    pub(crate) fn new(all: &'a mut dyn Frames, selection: &'a Selection) -> Self {
        let mut shape = all.shape().clone();
        let rows = &selection.0;
        shape.extents[0] = rows.len() as u64;
        if !shape.symbols.is_empty() {
            shape.symbols = rows.iter().map(|row| shape.symbols[*row].clone()).collect();
        }
        shape.kinds = shape.kinds.map(|kinds| Kinds {
            of_row: rows.iter().map(|row| kinds.of_row[*row]).collect(),
            ..kinds
        });
        Self { all, shape, selection }
    }
}

impl Frames for Selected<'_> {
    fn shape(&self) -> &Shape {
        &self.shape
    }

    fn read(&mut self, frame: u64) -> anyhow::Result<Vec<u8>> {
        let bytes = self.all.read(frame)?;
        let rows = bytes.as_chunks::<12>().0;
        Ok(self.selection.0.iter().flat_map(|row| rows[*row]).collect())
    }

    fn count(&self) -> u64 {
        self.all.count()
    }

    fn size(&mut self, frame: u64) -> anyhow::Result<f64> {
        self.all.size(frame)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::formats::testing::atoms;

    #[test]
    fn a_selection_keeps_rows_and_their_symbols() {
        let mut memory = atoms();
        let whole = memory.read(1).unwrap();
        let selection = Selection(vec![1]);
        let mut selected = Selected::new(&mut memory, &selection);
        assert_eq!(selected.shape().extents, [1, 3]);
        assert_eq!(selected.shape().symbols, ["Ne"]);
        assert_eq!(selected.read(1).unwrap(), whole[12..]);
        assert_eq!(selected.count(), 3);
    }

    #[test]
    fn ranges_of_atoms_are_checked_against_what_there_is() {
        assert_eq!(range("2..5", 9).unwrap(), 2..5);
        assert_eq!(range("..5", 9).unwrap(), 0..5);
        assert_eq!(range("5..", 9).unwrap(), 5..9);
        for wrong in ["protein", "0..10", "6..5", "x..3"] {
            assert!(range(wrong, 9).unwrap_err().to_string().contains("not-water"), "{wrong}");
        }
    }
}
