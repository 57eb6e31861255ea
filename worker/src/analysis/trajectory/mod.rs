//! Frames as physics: what an output of a run means, on top of the exact bytes that the run directory holds.
//!
//! A frame's bytes are never changed here; values are computed from them in f64, as `raw * scale`, or as fractions of the vectors of a tilted box. Where the box
//! changes, a frame of its size lies beside each frame ([`Frames::size`]).
//! [`atoms`] owns what a package says of its atoms, [`selection`] a part of them, [`last`] the last state as an output of one frame.

mod atoms;
mod last;
mod selection;

use std::ops::Range;

use anyhow::Context;
use kernels::package::Package;
use kernels::package::manifest::Element;
use kernels::run::{RunDir, frames};

pub(crate) use atoms::Kinds;
pub(crate) use last::{LastState, state_buffer};
pub(crate) use selection::{Selected, Selection};

use crate::exit::Usage;

/// What the frames of one output are: everything a writer of a file format needs to know.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Shape {
    /// The output's name.
    pub(crate) name: String,
    /// Element type of its buffer.
    pub(crate) element: Element,
    /// Extents of its buffer, outermost first.
    pub(crate) extents: Vec<u64>,
    /// Physical value of one unit: one number, or one for each index of the last dimension, or the three vectors of a tilted box. Empty: values are as they are.
    pub(crate) scale: Vec<f64>,
    /// Physical unit of scaled values.
    pub(crate) unit: Option<String>,
    /// Steps between two frames.
    pub(crate) every: u64,
    /// Physical time of a step, with its unit.
    pub(crate) time_per_step: Option<(f64, String)>,
    /// Physical time of step 0.
    pub(crate) start_time: f64,
    /// Chemical symbols, one a row, where they are known.
    pub(crate) symbols: Vec<String>,
    /// Kinds of atoms, where there is more than one.
    pub(crate) kinds: Option<Kinds>,
}

impl Shape {
    /// Step of a frame.
    pub(crate) fn step(&self, frame: u64) -> u64 {
        frame * self.every
    }

    /// Time of a frame, in the unit of `time_per_step`; the step where there is none.
    pub(crate) fn time(&self, frame: u64) -> f64 {
        self.start_time + self.step(frame) as f64 * self.time_per_step.as_ref().map_or(1.0, |(time, _)| *time)
    }

    /// Physical value of each element, exact but for the one rounding of the product.
    pub(crate) fn values(&self, frame: &[u8]) -> Vec<f64> {
        let words = frame.as_chunks::<4>().0.iter();
        let raw = words.map(|word| match self.element {
            Element::F32 => f64::from(f32::from_le_bytes(*word)),
            Element::U32 => f64::from(u32::from_le_bytes(*word)),
            Element::I32 => f64::from(i32::from_le_bytes(*word)),
        });
        if self.scale.is_empty() {
            return raw.collect();
        }
        if let Some(vectors) = self.vectors() {
            let raw: Vec<f64> = raw.collect();
            let along = |unit: &[f64; 3], axis: usize| -> f64 { (0..3).map(|k| unit[k] * vectors[k][axis]).sum() };
            let points = raw.as_chunks::<3>().0.iter();
            return points.flat_map(|unit| [0, 1, 2].map(|axis| along(unit, axis))).collect();
        }
        raw.enumerate()
            .map(|(index, value)| value * self.scale[index % self.scale.len()])
            .collect()
    }

    /// Physical value of one unit along each vector of a tilted box.
    fn vectors(&self) -> Option<[[f64; 3]; 3]> {
        let (vectors, _) = self.scale.as_chunks::<3>();
        vectors.try_into().ok()
    }

    /// Vectors of the periodic box, in `unit`.
    pub(crate) fn cell(&self) -> Option<[[f64; 3]; 3]> {
        if self.element == Element::F32 {
            return None;
        }
        if let Some(vectors) = self.vectors() {
            return Some(vectors.map(|vector| vector.map(|value| value * 4_294_967_296.0)));
        }
        self.box_edges()
            .map(|[a, b, c]| [[a, 0.0, 0.0], [0.0, b, 0.0], [0.0, 0.0, c]])
    }

    /// Edges of a rectangular periodic box, in `unit`: 32-bit integers that wrap at the box are a fraction of it. None for a tilted one.
    pub(crate) fn box_edges(&self) -> Option<[f64; 3]> {
        if self.element == Element::F32 || !matches!(self.scale.len(), 1 | 3) || self.extents.last() != Some(&3) {
            return None;
        }
        Some([0, 1, 2].map(|axis| self.scale[axis % self.scale.len()] * 4_294_967_296.0))
    }

    /// Factor from `unit` to Angstrom, for formats whose readers expect it; lengths in other units stay as they are.
    pub(crate) fn to_angstrom(&self) -> f64 {
        if self.unit.as_deref() == Some("nm") { 10.0 } else { 1.0 }
    }

    /// Number of rows, when the frames are positions.
    ///
    /// # Errors
    /// They are not: the message says what they are and which format takes them.
    pub(crate) fn positions(&self) -> anyhow::Result<u64> {
        let is_length = !self.unit.as_deref().is_some_and(|unit| unit.contains('/'));
        match self.extents[..] {
            [rows, 3] if is_length => Ok(rows),
            _ => Err(Usage(format!(
                "output '{}' holds {:?} values{}, not positions [n, 3]: export it with --format npy",
                self.name,
                self.extents,
                self.unit.as_deref().map(|unit| format!(" in {unit}")).unwrap_or_default(),
            ))
            .into()),
        }
    }
}

/// Frames that can be read in any order.
pub(crate) trait Frames {
    /// Shape and units of a frame.
    fn shape(&self) -> &Shape;
    /// The exact bytes of a frame: packed, little-endian.
    ///
    /// # Errors
    /// The file cannot be read, or has no such frame.
    fn read(&mut self, frame: u64) -> anyhow::Result<Vec<u8>>;
    /// Number of frames.
    fn count(&self) -> u64;
    /// The size of the box at a frame, in units of that of [`Shape`]: 1 where it does not change.
    ///
    /// # Errors
    /// The file of sizes cannot be read.
    fn size(&mut self, _frame: u64) -> anyhow::Result<f64> {
        Ok(1.0)
    }
    /// Physical value of each element of a frame, in the box as it was then.
    ///
    /// # Errors
    /// As [`Frames::read`].
    fn values(&mut self, frame: u64) -> anyhow::Result<Vec<f64>> {
        let size = self.size(frame)?;
        let mut values = self.read(frame).map(|bytes| self.shape().values(&bytes))?;
        values.iter_mut().for_each(|value| *value *= size);
        Ok(values)
    }
    /// Vectors of the periodic box at a frame.
    ///
    /// # Errors
    /// As [`Frames::size`].
    fn cell(&mut self, frame: u64) -> anyhow::Result<Option<[[f64; 3]; 3]>> {
        let size = self.size(frame)?;
        let cell = self.shape().cell();
        Ok(cell.map(|cell| cell.map(|vector| vector.map(|x| x * size))))
    }
}

/// Frames of a run directory.
pub(crate) struct RunFrames {
    shape: Shape,
    frames: frames::Frames,
    /// Sizes of the box, where it changes.
    sizes: Option<frames::Frames>,
}

impl RunFrames {
    /// The frames of an output.
    ///
    /// # Errors
    /// No such output, or its file is not whole.
    pub(crate) fn open(dir: &RunDir, name: &str) -> anyhow::Result<Self> {
        let frames = frames::Frames::open(dir, name)?;
        let shape = shapes(dir.package()).into_iter().find(|shape| shape.name == name);
        let shape = shape.expect("an output that opens is one of the package's");
        let sizes = match &frames.buffer.scale_by {
            None => None,
            Some(buffer) => {
                let mut outputs = dir.package().manifest().outputs.iter();
                let beside = outputs.find(|output| output.buffer == *buffer && output.every == shape.every);
                let beside = beside.ok_or_else(|| {
                    Usage(format!(
                        "output '{name}' has no frames of '{buffer}' beside it, which its scale is multiplied by: expected an output of that buffer every {} steps",
                        shape.every
                    ))
                })?;
                Some(frames::Frames::open(dir, &beside.name)?)
            }
        };
        Ok(Self { shape, frames, sizes })
    }
}

impl Frames for RunFrames {
    fn shape(&self) -> &Shape {
        &self.shape
    }

    fn read(&mut self, frame: u64) -> anyhow::Result<Vec<u8>> {
        Ok(self.frames.read(frame)?)
    }

    fn count(&self) -> u64 {
        self.frames.count
    }

    fn size(&mut self, frame: u64) -> anyhow::Result<f64> {
        let Some(sizes) = &mut self.sizes else { return Ok(1.0) };
        let bytes = sizes.read(frame)?;
        let word = bytes.first_chunk::<4>().context("a frame of one f32")?;
        Ok(f64::from(f32::from_le_bytes(*word)))
    }
}

/// What each output of a package that gives frames holds.
pub(crate) fn shapes(package: &Package) -> Vec<Shape> {
    let manifest = package.manifest();
    let outputs = manifest.outputs.iter().filter(|output| output.columns.is_empty());
    let shape = |output: &kernels::package::manifest::Output| {
        let id = manifest.buffers.iter().position(|buffer| buffer.name == output.buffer)?;
        Some(shape_of(package, id, output.name.clone(), output.every))
    };
    outputs.filter_map(shape).collect()
}

/// What frames of a buffer hold, by its index in the manifest, under the name of an output that is taken so often.
fn shape_of(package: &Package, buffer: usize, name: String, every: u64) -> Shape {
    let manifest = package.manifest();
    let extents = package.shape(buffer).to_vec();
    let buffer = &manifest.buffers[buffer];
    Shape {
        name,
        element: buffer.element,
        symbols: atoms::symbols(package, extents.first().copied().unwrap_or(0)),
        kinds: atoms::kinds(package, extents.first().copied().unwrap_or(0)),
        extents,
        scale: buffer.scale.clone().unwrap_or_default(),
        unit: buffer.unit.clone(),
        every,
        time_per_step: manifest.run.time_per_step.zip(manifest.run.time_unit.clone()),
        start_time: manifest.run.start_time.unwrap_or(0.0),
    }
}

/// Whether some output of the package is a trajectory of positions.
pub(crate) fn has_positions(package: &Package) -> bool {
    choose(package, None, true).is_ok()
}

/// The output to export: the one asked for, or the only one that fits.
///
/// # Errors
/// None fits, or more than one: the message names them.
pub(crate) fn choose(package: &Package, wanted: Option<&str>, positions: bool) -> anyhow::Result<String> {
    if let Some(name) = wanted {
        return Ok(name.to_owned());
    }
    let all = shapes(package);
    let fitting: Vec<&Shape> = all.iter().filter(|shape| !positions || shape.positions().is_ok()).collect();
    let names = |shapes: &[&Shape]| shapes.iter().map(|shape| shape.name.as_str()).collect::<Vec<_>>().join(", ");
    match fitting[..] {
        [only] => Ok(only.name.clone()),
        [] if all.is_empty() => Err(Usage(format!("package '{}' has no outputs with frames", package.manifest().name)).into()),
        [] => {
            let there = names(&all.iter().collect::<Vec<_>>());
            Err(Usage(format!(
                "no output holds positions [n, 3]; export with --format npy --output NAME; there are: {there}"
            ))
            .into())
        }
        _ => Err(Usage(format!(
            "more than one output fits, choose with --output: {}",
            names(&fitting)
        ))
        .into()),
    }
}

/// `A..B`, `A..`, `..B` or `A`, checked against how many frames there are.
///
/// # Errors
/// The text is something else, or the range is empty or goes past the end.
pub(crate) fn parse_range(text: Option<&str>, count: u64) -> anyhow::Result<Range<u64>> {
    let Some(text) = text else { return Ok(0..count) };
    let wrong = |why: &str| Usage(format!("--frames {text}: {why}"));
    let number = |part: &str, default: u64| match part {
        "" => Ok(default),
        part => part
            .parse()
            .map_err(|_| wrong("expected A..B, A.., ..B or A, counted from 0")),
    };
    let range = match text.split_once("..") {
        Some((from, to)) => number(from, 0)?..number(to, count)?,
        None => {
            let one: u64 = number(text, 0)?;
            one..one.saturating_add(1)
        }
    };
    if range.is_empty() {
        return Err(wrong("this range is empty").into());
    }
    if range.end > count {
        return Err(wrong(&format!("there are {count} frames, the last is {}", count.saturating_sub(1))).into());
    }
    Ok(range)
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(crate) fn fixed_point() -> Shape {
        Shape {
            name: "positions".into(),
            element: Element::U32,
            extents: vec![2, 3],
            scale: vec![1.0 / 4_294_967_296.0, 2.0 / 4_294_967_296.0, 4.0 / 4_294_967_296.0],
            unit: Some("nm".into()),
            every: 10,
            time_per_step: Some((0.002, "ps".into())),
            start_time: 0.0,
            symbols: Vec::new(),
            kinds: None,
        }
    }

    #[test]
    fn fixed_point_is_a_fraction_of_the_box_on_each_axis() {
        let shape = fixed_point();
        let half = 0x8000_0000_u32.to_le_bytes();
        let frame: Vec<u8> = std::iter::repeat_n(half, 6).flatten().collect();
        assert_eq!(shape.values(&frame), [0.5, 1.0, 2.0, 0.5, 1.0, 2.0]);
        assert_eq!(shape.box_edges(), Some([1.0, 2.0, 4.0]));
        assert_eq!(shape.time(5), 0.1);
        let later = Shape {
            start_time: 3.0,
            ..shape
        };
        assert_eq!(later.time(5), 3.1);
    }

    #[test]
    fn fixed_point_in_a_tilted_box_is_a_sum_of_its_vectors() {
        let vectors = [[4.0, 0.0, 0.0], [1.0, 3.0, 0.0], [-1.0, 0.5, 2.0]];
        let shape = Shape {
            extents: vec![1, 3],
            scale: vectors.as_flattened().iter().map(|x| x / 4_294_967_296.0).collect(),
            ..fixed_point()
        };
        let frame: Vec<u8> = [0x8000_0000_u32, 0x4000_0000, 0x8000_0000]
            .into_iter()
            .flat_map(u32::to_le_bytes)
            .collect();
        assert_eq!(shape.values(&frame), [1.75, 1.0, 1.0]);
        assert_eq!(shape.cell(), Some(vectors));
        assert_eq!(shape.box_edges(), None);
    }

    #[test]
    fn only_lengths_of_three_columns_are_positions() {
        assert_eq!(fixed_point().positions().ok(), Some(2));
        let grid = Shape {
            extents: vec![8, 8],
            ..fixed_point()
        };
        let message = grid.positions().unwrap_err().to_string();
        assert!(message.contains("[8, 8]") && message.contains("npy"), "{message}");
        assert!(
            Shape {
                unit: Some("nm/ps".into()),
                ..fixed_point()
            }
            .positions()
            .is_err()
        );
    }

    #[test]
    fn frame_ranges_are_checked_against_what_there_is() {
        let range = |text| parse_range(Some(text), 10).map_err(|error| error.to_string());
        assert_eq!(range("2..5"), Ok(2..5));
        assert_eq!(range("..5"), Ok(0..5));
        assert_eq!(range("5.."), Ok(5..10));
        assert_eq!(range("9"), Ok(9..10));
        for (wrong, why) in [
            ("5..5", "empty"),
            ("0..11", "10 frames"),
            ("x", "expected"),
            ("10", "10 frames"),
            ("-1..2", "expected"),
        ] {
            assert!(range(wrong).unwrap_err().contains(why), "{wrong}");
        }
    }
}
