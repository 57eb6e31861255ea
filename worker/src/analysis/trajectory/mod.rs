//! Frames as physics: what an output of a run means, on top of the exact bytes that the run directory holds.
//!
//! A frame's bytes are never changed here; values are computed from them in f64, as `raw * scale`.

use std::collections::BTreeSet;
use std::ops::Range;

use kernels::package::Package;
use kernels::package::manifest::{Element, Role};
use kernels::run::{RunDir, frames};

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
    /// Physical value of one unit: one number, or one for each index of the last dimension. Empty: values are as they are.
    pub(crate) scale: Vec<f64>,
    /// Physical unit of scaled values.
    pub(crate) unit: Option<String>,
    /// Steps between two frames.
    pub(crate) every: u64,
    /// Physical time of a step, with its unit.
    pub(crate) time_per_step: Option<(f64, String)>,
    /// Chemical symbols, one a row, where they are known.
    pub(crate) symbols: Vec<String>,
    /// Kinds of atoms, where there is more than one.
    pub(crate) kinds: Option<Kinds>,
}

/// Kinds of atoms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Kinds {
    /// The name of each: its symbol where that is the only one of its kind, its number otherwise.
    pub(crate) names: Vec<String>,
    /// The kind of each row, an index into `names`.
    pub(crate) of_row: Vec<usize>,
}

impl Shape {
    /// Step of a frame.
    pub(crate) fn step(&self, frame: u64) -> u64 {
        frame * self.every
    }

    /// Time of a frame, in the unit of `time_per_step`; the step where there is none.
    pub(crate) fn time(&self, frame: u64) -> f64 {
        self.step(frame) as f64 * self.time_per_step.as_ref().map_or(1.0, |(time, _)| *time)
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
        raw.enumerate()
            .map(|(index, value)| value * self.scale[index % self.scale.len()])
            .collect()
    }

    /// Edges of the periodic box, in `unit`: 32-bit integers that wrap at the box are a fraction of it.
    pub(crate) fn box_edges(&self) -> Option<[f64; 3]> {
        if self.element == Element::F32 || self.scale.is_empty() || self.extents.last() != Some(&3) {
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
    /// What they are.
    fn shape(&self) -> &Shape;
    /// The exact bytes of a frame: packed, little-endian.
    ///
    /// # Errors
    /// The file cannot be read, or has no such frame.
    fn read(&mut self, frame: u64) -> anyhow::Result<Vec<u8>>;
    /// How many there are.
    fn count(&self) -> u64;
}

/// Frames of a run directory.
pub(crate) struct RunFrames {
    shape: Shape,
    frames: frames::Frames,
}

impl RunFrames {
    /// The frames of an output.
    ///
    /// # Errors
    /// No such output, or its file is not whole.
    pub(crate) fn open(dir: &RunDir, name: &str) -> anyhow::Result<Self> {
        let frames = frames::Frames::open(dir, name)?;
        let shape = shapes(dir.package()).into_iter().find(|shape| shape.name == name);
        Ok(Self {
            shape: shape.expect("an output that opens is one of the package's"),
            frames,
        })
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
}

/// What each output of a package that gives frames holds.
pub(crate) fn shapes(package: &Package) -> Vec<Shape> {
    let manifest = package.manifest();
    let outputs = manifest.outputs.iter().filter(|output| output.columns.is_empty());
    let shape = |output: &kernels::package::manifest::Output| {
        let (id, buffer) = manifest
            .buffers
            .iter()
            .enumerate()
            .find(|(_, buffer)| buffer.name == output.buffer)?;
        let extents = package.shape(id).to_vec();
        Some(Shape {
            name: output.name.clone(),
            element: buffer.element,
            symbols: symbols(package, extents.first().copied().unwrap_or(0)),
            kinds: kinds(package, extents.first().copied().unwrap_or(0)),
            extents,
            scale: buffer.scale.clone().unwrap_or_default(),
            unit: buffer.unit.clone(),
            every: output.every,
            time_per_step: manifest.run.time_per_step.zip(manifest.run.time_unit.clone()),
        })
    };
    outputs.filter_map(shape).collect()
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

/// What a package says of its atoms, row by row: from a constant buffer `types` with each atom's kind and `kinds` with the mass of a kind in its
/// last column, or from `masses` with one an atom.
enum Atoms {
    /// Kinds, and the mass of each.
    Typed(Vec<usize>, Vec<f32>),
    /// Masses.
    Masses(Vec<f32>),
    /// Nothing.
    Unknown,
}

fn atoms(package: &Package, rows: u64) -> Atoms {
    let constant = |name: &str, element: Element| {
        let mut buffers = package.manifest().buffers.iter().enumerate();
        let (id, _) = buffers
            .find(|(_, buffer)| (buffer.name.as_str(), buffer.role, buffer.element) == (name, Role::Constant, element))?;
        Some((package.shape(id).to_vec(), package.initial(id).as_chunks::<4>().0.to_vec()))
    };
    if let (Some((shape, types)), Some((kinds_shape, kinds))) =
        (constant("types", Element::U32), constant("kinds", Element::F32))
        && shape == [rows]
        && let [_, width] = kinds_shape[..]
        && width > 0
    {
        let masses = kinds.chunks_exact(width as usize);
        let masses = masses.filter_map(|kind| kind.last()).map(|word| f32::from_le_bytes(*word));
        let types = types.iter().map(|kind| u32::from_le_bytes(*kind) as usize);
        return Atoms::Typed(types.collect(), masses.collect());
    }
    match constant("masses", Element::F32) {
        Some((shape, masses)) if shape == [rows] => {
            Atoms::Masses(masses.iter().map(|word| f32::from_le_bytes(*word)).collect())
        }
        _ => Atoms::Unknown,
    }
}

/// Chemical symbols, where masses in atomic units are an element's.
fn symbols(package: &Package, rows: u64) -> Vec<String> {
    let of = |mass: &f32| symbol(f64::from(*mass)).to_owned();
    match atoms(package, rows) {
        Atoms::Typed(types, masses) => {
            let of_type = |kind: &usize| masses.get(*kind).map_or("X".to_owned(), of);
            types.iter().map(of_type).collect()
        }
        Atoms::Masses(masses) => masses.iter().map(of).collect(),
        Atoms::Unknown => Vec::new(),
    }
}

/// Kinds of atoms: those that the package names, or atoms of different masses. None where all are of one.
fn kinds(package: &Package, rows: u64) -> Option<Kinds> {
    kinds_of(atoms(package, rows))
}

fn kinds_of(atoms: Atoms) -> Option<Kinds> {
    let (of_row, masses) = match atoms {
        Atoms::Typed(types, masses) => {
            // Only those that some atom is of, in their order.
            let present: BTreeSet<usize> = types.iter().copied().collect();
            let index = |kind: usize| present.range(..kind).count();
            let mass = |kind: &usize| masses.get(*kind).copied().unwrap_or(0.0);
            (
                types.into_iter().map(index).collect(),
                present.iter().map(mass).collect::<Vec<_>>(),
            )
        }
        Atoms::Masses(masses) => {
            let mut present: Vec<f32> = Vec::new();
            let mut index = |mass: f32| {
                present.iter().position(|known| *known == mass).unwrap_or_else(|| {
                    present.push(mass);
                    present.len() - 1
                })
            };
            let of_row: Vec<usize> = masses.into_iter().map(&mut index).collect();
            (of_row, present)
        }
        Atoms::Unknown => return None,
    };
    let symbols: Vec<&str> = masses.iter().map(|mass| symbol(f64::from(*mass))).collect();
    let name = |(index, name): (usize, &&str)| {
        let is_alone = *name != "X" && symbols.iter().filter(|other| *other == name).count() == 1;
        if is_alone {
            (*name).to_owned()
        } else {
            format!("kind {index}")
        }
    };
    let names: Vec<String> = symbols.iter().enumerate().map(name).collect();
    (names.len() > 1).then_some(Kinds { names, of_row })
}

/// The element of this standard atomic weight, to a hundredth; `X` for anything else (united atoms, reduced units).
fn symbol(weight: f64) -> &'static str {
    const ELEMENTS: [(&str, f64); 20] = [
        ("H", 1.008),
        ("He", 4.0026),
        ("Li", 6.94),
        ("C", 12.011),
        ("N", 14.007),
        ("O", 15.999),
        ("F", 18.998),
        ("Ne", 20.180),
        ("Na", 22.990),
        ("Mg", 24.305),
        ("P", 30.974),
        ("S", 32.06),
        ("Cl", 35.45),
        ("Ar", 39.95),
        ("K", 39.098),
        ("Ca", 40.078),
        ("Zn", 65.38),
        ("Br", 79.904),
        ("Kr", 83.798),
        ("Xe", 131.293),
    ];
    ELEMENTS
        .iter()
        .find(|(_, mass)| (mass - weight).abs() < 0.0075)
        .map_or("X", |(name, _)| name)
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
    fn elements_are_known_by_weight_and_reduced_masses_are_none() {
        assert_eq!(
            [39.948, 39.95, 1.008, 15.99943, 1.0, 3.024].map(symbol),
            ["Ar", "Ar", "H", "O", "X", "X"]
        );
    }

    #[test]
    fn atoms_of_different_masses_are_kinds_and_named_where_that_is_clear() {
        let mixed = kinds_of(Atoms::Masses(vec![39.95, 20.18, 39.95])).unwrap();
        assert_eq!(mixed.names, ["Ar", "Ne"]);
        assert_eq!(mixed.of_row, [0, 1, 0]);
        assert_eq!(kinds_of(Atoms::Masses(vec![39.95; 3])), None);
        assert_eq!(kinds_of(Atoms::Unknown), None);
        let reduced = kinds_of(Atoms::Typed(vec![2, 0, 2], vec![1.0, 5.0, 1.0])).unwrap();
        assert_eq!(reduced.names, ["kind 0", "kind 1"]);
        assert_eq!(reduced.of_row, [1, 0, 1]);
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
