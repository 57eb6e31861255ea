//! Extended XYZ: per frame the number of atoms, a line of `key=value`, then a line an atom.
//!
//! Readers (ASE, OVITO) take lengths for Angstrom, so nanometres are converted; lengths in other units stay as they are, and
//! `unit=` says which. Nine decimals keep all that a 32-bit fraction of a box of up to 40 Angstrom holds.

use std::fmt::Write as _;
use std::io::Write;
use std::ops::Range;

use crate::analysis::trajectory::{Frames, Shape};

/// Write frames of positions.
///
/// # Errors
/// The frames are not positions, one cannot be read, or `out` not written.
pub(crate) fn write(out: &mut dyn Write, frames: &mut dyn Frames, range: Range<u64>) -> anyhow::Result<()> {
    let shape = frames.shape().clone();
    let rows = shape.positions()?;
    let factor = shape.to_angstrom();
    for frame in range {
        let mut text = format!("{rows}\n{}\n", comment(&shape, frames.cell(frame)?, frame));
        for (row, position) in frames.values(frame)?.as_chunks::<3>().0.iter().enumerate() {
            let symbol = shape.symbols.get(row).map_or("X", String::as_str);
            let [x, y, z] = position.map(|value| value * factor);
            writeln!(text, "{symbol} {x:.9} {y:.9} {z:.9}")?;
        }
        out.write_all(text.as_bytes())?;
    }
    Ok(())
}

fn comment(shape: &Shape, cell: Option<[[f64; 3]; 3]>, frame: u64) -> String {
    let mut text = String::new();
    match cell {
        Some(cell) => {
            let lattice = cell.as_flattened().iter().map(|component| match component {
                0.0 => "0.0".to_owned(),
                _ => format!("{:.9}", component * shape.to_angstrom()),
            });
            let lattice = lattice.collect::<Vec<_>>().join(" ");
            text.push_str(&format!("Lattice=\"{lattice}\" pbc=\"T T T\" "));
        }
        None => text.push_str("pbc=\"F F F\" "),
    }
    text.push_str("Properties=species:S:1:pos:R:3");
    let unit = match shape.unit.as_deref() {
        Some("nm") => Some("Angstrom"),
        other => other,
    };
    if let Some(unit) = unit {
        text.push_str(&format!(" unit={unit}"));
    }
    text.push_str(&format!(" step={}", shape.step(frame)));
    if let Some((_, unit)) = &shape.time_per_step {
        text.push_str(&format!(" time={:.6} time_unit={unit}", shape.time(frame)));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::formats::testing::atoms;

    #[test]
    fn a_frame_reads_back_within_its_decimals() {
        let mut out = Vec::new();
        write(&mut out, &mut atoms(), 1..3).unwrap();
        let text = String::from_utf8(out).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 8);
        assert_eq!(lines[0], "2");
        assert_eq!(
            lines[1],
            "Lattice=\"10.000000000 0.0 0.0 0.0 20.000000000 0.0 0.0 0.0 40.000000000\" pbc=\"T T T\" \
             Properties=species:S:1:pos:R:3 unit=Angstrom step=10 time=0.020000 time_unit=ps"
        );
        let memory = atoms();
        let expected = memory.0.values(&memory.1[1]);
        for (row, line) in lines[2..4].iter().enumerate() {
            let mut words = line.split(' ');
            assert_eq!(words.next(), Some(["Ar", "Ne"][row]));
            for (axis, word) in words.enumerate() {
                assert!((word.parse::<f64>().unwrap() - 10.0 * expected[3 * row + axis]).abs() < 1e-9);
            }
        }
    }
}
