//! What outputs look like on disk, and reading them back.
//!
//! Outputs with columns become rows of `observables.csv`; the others append their standard bytes to `frames-NAME.bin`: no bit is lost, and
//! other formats are made from it (`baton export`).

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};

use protocol::Digest;

use crate::package::Package;
use crate::package::manifest::{Buffer, Column, Element, Output, Read as Reading};

use super::dir::RunDir;
use super::executor::Boundary;
use super::plan::index;
use super::{RunError, disk};

/// File of all outputs with columns.
pub const TABLE: &str = "observables.csv";

/// File of an output's frames.
pub fn frames_file(output: &str) -> String {
    format!("frames-{output}.bin")
}

/// Digest of a segment's outputs: what `ChainEntry::outputs` is.
///
/// BLAKE3 over `"baton outputs 1\n"`, then for each output of the package its length (u64, little-endian) and its bytes.
pub fn outputs_digest(outputs: &[Vec<u8>]) -> Digest {
    let mut bytes = b"baton outputs 1\n".to_vec();
    for output in outputs {
        bytes.extend((output.len() as u64).to_le_bytes());
        bytes.extend(output);
    }
    Digest::of(&bytes)
}

/// The outputs with columns, each with its buffer's index.
fn tables(package: &Package) -> impl Iterator<Item = (usize, &Output)> {
    package
        .manifest()
        .outputs
        .iter()
        .enumerate()
        .filter(|(_, output)| !output.columns.is_empty())
}

/// Whether a run of this package writes such a file.
pub(super) fn is_output_file(package: &Package, name: &str) -> bool {
    let mut frames = package.manifest().outputs.iter().filter(|output| output.columns.is_empty());
    name == TABLE || frames.any(|output| frames_file(&output.name) == name)
}

/// Begin the output files: the table's header line. Returns each file's length.
pub(super) fn begin(dir: &RunDir) -> Result<BTreeMap<String, u64>, RunError> {
    let mut files = BTreeMap::new();
    if tables(dir.package()).next().is_some() {
        let header = header(dir.package());
        files.insert(TABLE.to_owned(), disk::append(&dir.path().join(TABLE), 0, header.as_bytes())?);
    }
    Ok(files)
}

fn header(package: &Package) -> String {
    let run = &package.manifest().run;
    let mut header = "step".to_owned();
    if let (Some(_), Some(unit)) = (run.time_per_step, &run.time_unit) {
        _ = write!(header, ",time ({unit})");
    }
    for column in tables(package).flat_map(|(_, output)| &output.columns) {
        _ = match &column.unit {
            Some(unit) => write!(header, ",{} ({unit})", column.name),
            None => write!(header, ",{}", column.name),
        };
    }
    header + "\n"
}

/// Append a segment's outputs, and bring the files' lengths up to date.
pub(super) fn append(dir: &RunDir, boundary: &Boundary, files: &mut BTreeMap<String, u64>) -> Result<(), RunError> {
    let package = dir.package();
    for (output, bytes) in package.manifest().outputs.iter().zip(&boundary.outputs) {
        if output.columns.is_empty() {
            let name = frames_file(&output.name);
            let length = files.get(&name).copied().unwrap_or(0);
            let length = disk::append(&dir.path().join(&name), length, bytes)?;
            files.insert(name, length);
        }
    }
    if let Some(length) = files.get_mut(TABLE) {
        *length = disk::append(&dir.path().join(TABLE), *length, rows(package, boundary).as_bytes())?;
    }
    Ok(())
}

/// A segment's rows of the table: one for each step at which some output was taken; cells of the others stay empty.
fn rows(package: &Package, boundary: &Boundary) -> String {
    let run = &package.manifest().run;
    let first = boundary.step - run.steps_per_segment;
    let mut rows = BTreeMap::<u64, BTreeMap<usize, Vec<f64>>>::new();
    for (id, output) in tables(package) {
        let buffer = buffer_of(package, output);
        let row_bytes = row_bytes(package, output);
        for (row, bytes) in boundary.outputs[id].chunks_exact(row_bytes).enumerate() {
            let step = first.next_multiple_of(output.every) + row as u64 * output.every;
            let numbers = output.columns.iter().map(|column| number(column, buffer, bytes)).collect();
            rows.entry(step).or_default().insert(id, numbers);
        }
    }
    let mut text = String::new();
    for (step, taken) in rows {
        _ = write!(text, "{step}");
        if let (Some(per_step), Some(_)) = (run.time_per_step, &run.time_unit) {
            _ = write!(text, ",{}", step as f64 * per_step);
        }
        for (id, output) in tables(package) {
            match taken.get(&id) {
                Some(numbers) => numbers.iter().for_each(|number| _ = write!(text, ",{number}")),
                None => output.columns.iter().for_each(|_| text.push(',')),
            }
        }
        text.push('\n');
    }
    text
}

/// A column's number, out of its buffer's standard bytes.
pub(super) fn number(column: &Column, buffer: &Buffer, bytes: &[u8]) -> f64 {
    let word = |element: u64| {
        let at = element as usize * 4;
        let word = bytes
            .get(at..at + 4)
            .expect("a checked package's columns lie in their buffer");
        u32::from_le_bytes(word.try_into().expect("four bytes"))
    };
    let low = word(column.element);
    let value = match (column.read, buffer.element) {
        (Reading::I64, _) => (u64::from(word(column.element + 1)) << 32 | u64::from(low)).cast_signed() as f64,
        (Reading::Element, Element::F32) => f64::from(f32::from_bits(low)),
        (Reading::Element, Element::U32) => f64::from(low),
        (Reading::Element, Element::I32) => f64::from(low.cast_signed()),
    };
    value * column.scale + column.add
}

/// The buffer that an output looks at.
pub(super) fn buffer_of<'a>(package: &'a Package, output: &Output) -> &'a Buffer {
    &package.manifest().buffers[buffer_index(package, output)]
}

fn buffer_index(package: &Package, output: &Output) -> usize {
    index(package.manifest().buffers.iter().map(|buffer| &buffer.name), &output.buffer)
}

/// Standard bytes of one frame of an output.
pub fn row_bytes(package: &Package, output: &Output) -> usize {
    package.elements(buffer_index(package, output)) as usize * 4
}

/// The frames of an output, as far as the chain has committed them.
pub struct Frames {
    file: File,
    row_bytes: usize,
    every: u64,
    /// Number of frames.
    pub count: u64,
    /// Extents of a frame.
    pub shape: Vec<u64>,
    /// The buffer they are of: element type, scale, unit.
    pub buffer: Buffer,
}

impl Frames {
    /// The frames of the output called `name`.
    ///
    /// # Errors
    /// No such output, it is a table, or the file is shorter than the chain says.
    pub fn open(dir: &RunDir, name: &str) -> Result<Self, RunError> {
        let package = dir.package();
        let frames = package.manifest().outputs.iter().filter(|output| output.columns.is_empty());
        let Some(output) = frames.clone().find(|output| output.name == name) else {
            let there: Vec<_> = frames.map(|output| output.name.as_str()).collect();
            return Err(RunError::folder(
                dir.path(),
                format!("has no frames called '{name}'; there are: {}", there.join(", ")),
            ));
        };
        let path = dir.path().join(frames_file(name));
        let chain = dir.chain()?;
        let bytes = chain
            .last()
            .and_then(|line| line.files.get(&frames_file(name)))
            .copied()
            .unwrap_or(0);
        let file = File::open(&path).map_err(RunError::disk("open", &path))?;
        let found = file.metadata().map_err(RunError::disk("look at", &path))?.len();
        if found < bytes {
            return Err(RunError::folder(&path, format!("has {found} bytes, the chain says {bytes}")));
        }
        let row_bytes = row_bytes(package, output);
        Ok(Self {
            file,
            row_bytes,
            every: output.every,
            count: bytes / row_bytes as u64,
            shape: package.shape(buffer_index(package, output)).to_vec(),
            buffer: buffer_of(package, output).clone(),
        })
    }

    /// The step of a frame.
    pub fn step(&self, frame: u64) -> u64 {
        frame * self.every
    }

    /// The standard bytes of a frame.
    ///
    /// # Errors
    /// The file system's.
    pub fn read(&mut self, frame: u64) -> std::io::Result<Vec<u8>> {
        let mut bytes = vec![0; self.row_bytes];
        self.file.seek(SeekFrom::Start(frame * self.row_bytes as u64))?;
        self.file.read_exact(&mut bytes)?;
        Ok(bytes)
    }
}
