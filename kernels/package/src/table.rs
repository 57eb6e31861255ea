//! `observables.csv`: outputs with columns as rows of numbers, a function of the standard bytes.
//!
//! [`Table`] says which columns there are and reads their numbers; it is small, whatever the package's buffers hold.

use std::collections::BTreeMap;
use std::fmt::{self, Write};

use crate::Package;
use crate::manifest::{Buffer, Column, Element, Read};
use crate::outputs::{buffer_of, row_bytes};

/// File of all outputs with columns.
pub const TABLE: &str = "observables.csv";

/// The outputs with columns of a package.
#[derive(Clone, Debug)]
pub struct Table {
    parts: Vec<Part>,
    steps_per_segment: u64,
    /// Physical time of a step, of step 0, and its unit.
    time: Option<(f64, f64, String)>,
}

/// An output with columns.
#[derive(Clone, Debug)]
struct Part {
    /// Its place among all outputs.
    output: usize,
    every: u64,
    row_bytes: usize,
    buffer: Buffer,
    columns: Vec<Column>,
}

/// A step at which some output was taken.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The step.
    pub step: u64,
    /// Physical time, where the package says that of a step; the step otherwise.
    pub time: f64,
    /// A number for each column; none for those of outputs that were not taken then.
    pub cells: Vec<Option<f64>>,
}

impl Table {
    /// That of a package; none where no output has columns.
    pub fn of(package: &Package) -> Option<Self> {
        let manifest = package.manifest();
        let outputs = manifest.outputs.iter().enumerate();
        let with_columns = outputs.filter(|(_, output)| !output.columns.is_empty());
        let part = |(index, output): (usize, &crate::manifest::Output)| Part {
            output: index,
            every: output.every,
            row_bytes: row_bytes(package, output),
            buffer: buffer_of(package, output).clone(),
            columns: output.columns.clone(),
        };
        let parts: Vec<Part> = with_columns.map(part).collect();
        let run = &manifest.run;
        let start = run.start_time.unwrap_or(0.0);
        (!parts.is_empty()).then(|| Self {
            parts,
            steps_per_segment: run.steps_per_segment,
            time: run
                .time_per_step
                .zip(run.time_unit.clone())
                .map(|(time, unit)| (time, start, unit)),
        })
    }

    /// The columns, in order.
    pub fn columns(&self) -> impl Iterator<Item = &Column> {
        self.parts.iter().flat_map(|part| &part.columns)
    }

    /// Unit of [`Row::time`]; none where that is the step.
    pub fn time_unit(&self) -> Option<&str> {
        self.time.as_ref().map(|(_, _, unit)| unit.as_str())
    }

    /// The first line: names of the columns with their units.
    pub fn header(&self) -> String {
        let mut header = "step".to_owned();
        if let Some(unit) = self.time_unit() {
            _ = write!(header, ",time ({unit})");
        }
        for column in self.columns() {
            _ = match &column.unit {
                Some(unit) => write!(header, ",{} ({unit})", column.name),
                None => write!(header, ",{}", column.name),
            };
        }
        header + "\n"
    }

    /// Rows of the segment that ends at step `end`, out of its outputs: one for each step at which some output was taken. Outputs that are not there give none.
    pub fn rows(&self, end: u64, outputs: &[Vec<u8>]) -> Vec<Row> {
        let first = end.saturating_sub(self.steps_per_segment);
        let width = self.columns().count();
        let mut rows = BTreeMap::<u64, Vec<Option<f64>>>::new();
        let mut column = 0;
        for part in &self.parts {
            let begin = first.checked_next_multiple_of(part.every).unwrap_or(end);
            let bytes = outputs.get(part.output).map_or(&[][..], Vec::as_slice);
            let steps = (begin..end).step_by(usize::try_from(part.every).unwrap_or(usize::MAX));
            for (step, bytes) in steps.zip(bytes.chunks_exact(part.row_bytes)) {
                let cells = rows.entry(step).or_insert_with(|| vec![None; width]);
                for (cell, described) in cells[column..].iter_mut().zip(&part.columns) {
                    *cell = Some(number(described, &part.buffer, bytes));
                }
            }
            column += part.columns.len();
        }
        let row = |(step, cells)| Row {
            step,
            time: self
                .time
                .as_ref()
                .map_or(step as f64, |(per_step, start, _)| start + step as f64 * per_step),
            cells,
        };
        rows.into_iter().map(row).collect()
    }

    /// The same as lines of the file: cells of outputs that were not taken stay empty.
    pub fn lines(&self, end: u64, outputs: &[Vec<u8>]) -> String {
        let mut text = String::new();
        for row in self.rows(end, outputs) {
            _ = write!(text, "{}", row.step);
            if self.time.is_some() {
                _ = write!(text, ",{}", Number(row.time));
            }
            for cell in row.cells {
                text.push(',');
                if let Some(number) = cell {
                    _ = write!(text, "{}", Number(number));
                }
            }
            text.push('\n');
        }
        text
    }
}

/// Whether some output has columns.
pub fn has_table(package: &Package) -> bool {
    package.manifest().outputs.iter().any(|output| !output.columns.is_empty())
}

/// The first line of a package's table: names of the columns with their units; empty where it has none.
pub fn header(package: &Package) -> String {
    Table::of(package).map_or_else(String::new, |table| table.header())
}

/// Lines of a package's table for the segment that ends at step `end`, out of its outputs.
pub fn lines(package: &Package, end: u64, outputs: &[Vec<u8>]) -> String {
    Table::of(package).map_or_else(String::new, |table| table.lines(end, outputs))
}

/// The shortest decimal text that reads back as the same f64: with an exponent where plain digits would be long.
struct Number(f64);

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(value) = self;
        let plain = *value == 0.0 || (1e-5..1e16).contains(&value.abs()) || !value.is_finite();
        if plain { write!(f, "{value}") } else { write!(f, "{value:e}") }
    }
}

/// A column's number, out of its buffer's standard bytes.
///
/// # Panics
/// The bytes are too few for the column.
pub fn number(column: &Column, buffer: &Buffer, bytes: &[u8]) -> f64 {
    let word = |element: u64| {
        let at = element as usize * 4;
        let word = bytes
            .get(at..at + 4)
            .expect("a checked package's columns lie in their buffer");
        u32::from_le_bytes(word.try_into().expect("four bytes"))
    };
    let low = word(column.element);
    let value = match (column.read, buffer.element) {
        (Read::I64, _) => (u64::from(word(column.element + 1)) << 32 | u64::from(low)).cast_signed() as f64,
        (Read::Element, Element::F32) => f64::from(f32::from_bits(low)),
        (Read::Element, Element::U32) => f64::from(low),
        (Read::Element, Element::I32) => f64::from(low.cast_signed()),
    };
    value * column.scale + column.add
}

#[cfg(test)]
mod tests {
    use super::Number;

    #[test]
    fn numbers_are_short_and_read_back_exactly() {
        for (value, text) in [
            (0.0, "0"),
            (-0.5, "-0.5"),
            (94.5, "94.5"),
            (1e35, "1e35"),
            (f64::from(1e35_f32), "1.0000000409184788e35"),
            (-1.25e-7, "-1.25e-7"),
            (1e15, "1000000000000000"),
            (1e16, "1e16"),
            (f64::NAN, "NaN"),
            (f64::NEG_INFINITY, "-inf"),
        ] {
            let written = Number(value).to_string();
            assert_eq!(written, text);
            let read: f64 = written.parse().expect("a number");
            assert!(read.to_bits() == value.to_bits() || value.is_nan(), "{written}");
        }
    }
}
