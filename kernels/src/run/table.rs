//! `observables.csv`: outputs with columns as rows of numbers, a function of the standard bytes.

use std::collections::BTreeMap;
use std::fmt::{self, Write};

use crate::package::Package;
use crate::package::manifest::{Buffer, Column, Element, Output, Read};

use super::outputs::{buffer_of, row_bytes};

/// File of all outputs with columns.
pub const TABLE: &str = "observables.csv";

/// The outputs with columns, each with its place among the outputs.
fn tables(package: &Package) -> impl Iterator<Item = (usize, &Output)> {
    let outputs = package.manifest().outputs.iter().enumerate();
    outputs.filter(|(_, output)| !output.columns.is_empty())
}

/// Whether some output has columns.
pub(super) fn has_table(package: &Package) -> bool {
    tables(package).next().is_some()
}

/// The first line: names of the columns with their units.
pub(super) fn header(package: &Package) -> String {
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

/// Rows of the segment that ends at step `end`, out of its outputs: one for each step at which some output was taken; cells of the
/// others stay empty.
pub(super) fn rows(package: &Package, end: u64, outputs: &[Vec<u8>]) -> String {
    let run = &package.manifest().run;
    let first = end - run.steps_per_segment;
    let mut rows = BTreeMap::<u64, BTreeMap<usize, Vec<f64>>>::new();
    for (id, output) in tables(package) {
        let buffer = buffer_of(package, output);
        for (row, bytes) in outputs[id].chunks_exact(row_bytes(package, output)).enumerate() {
            let step = first.next_multiple_of(output.every) + row as u64 * output.every;
            let numbers = output.columns.iter().map(|column| number(column, buffer, bytes)).collect();
            rows.entry(step).or_default().insert(id, numbers);
        }
    }
    let mut text = String::new();
    for (step, taken) in rows {
        _ = write!(text, "{step}");
        if let (Some(per_step), Some(_)) = (run.time_per_step, &run.time_unit) {
            let time = run.start_time.unwrap_or(0.0) + step as f64 * per_step;
            _ = write!(text, ",{}", Number(time));
        }
        for (id, output) in tables(package) {
            match taken.get(&id) {
                Some(numbers) => numbers.iter().for_each(|number| _ = write!(text, ",{}", Number(*number))),
                None => output.columns.iter().for_each(|_| text.push(',')),
            }
        }
        text.push('\n');
    }
    text
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
