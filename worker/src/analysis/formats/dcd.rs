//! DCD as CHARMM 24 writes it with a unit cell: Fortran records, each between two lengths of four bytes, little-endian.
//!
//! Positions are f32 in Angstrom: what the readers of this format expect, and the reason why `npy` is the exact export.
//! Cell angles are written as cosines, as NAMD and OpenMM do. Time is in AKMA units of 0.04888821 ps.

use std::io::Write;
use std::ops::Range;

use anyhow::Context;

use crate::analysis::trajectory::{Frames, Shape};

/// CHARMM's unit of time, in picoseconds.
const AKMA_PS: f64 = 0.048_888_21;

/// Write frames of positions.
///
/// # Errors
/// The frames are not positions, one cannot be read, `out` not written, or a count does not fit 31 bits.
pub(crate) fn write(out: &mut dyn Write, frames: &mut dyn Frames, range: Range<u64>) -> anyhow::Result<()> {
    let shape = frames.shape().clone();
    let rows = i32::try_from(shape.positions()?).context("DCD counts atoms in 31 bits")?;
    record(out, &control(&shape, &range, shape.cell().is_some())?)?;
    record(out, &title())?;
    record(out, &rows.to_le_bytes())?;
    for frame in range {
        if let Some(cell) = frames.cell(frame)? {
            record(out, &unit_cell(cell, shape.to_angstrom()).map(f64::to_le_bytes).concat())?;
        }
        let values = frames.values(frame)?;
        for axis in 0..3 {
            let column = values.iter().skip(axis).step_by(3);
            let bytes: Vec<u8> = column
                .flat_map(|value| ((value * shape.to_angstrom()) as f32).to_le_bytes())
                .collect();
            record(out, &bytes)?;
        }
    }
    Ok(())
}

/// The first record: `CORD` and twenty 32-bit fields.
fn control(shape: &Shape, range: &Range<u64>, has_cell: bool) -> anyhow::Result<Vec<u8>> {
    let field = |value: u64| i32::try_from(value).context("DCD counts steps and frames in 31 bits");
    let step_ps = match &shape.time_per_step {
        Some((time, unit)) => time * picoseconds(unit).unwrap_or(1.0),
        None => 1.0,
    };
    let frames = range.end - range.start;
    let mut fields = [0_i32; 20];
    fields[0] = field(frames)?;
    fields[1] = field(shape.step(range.start))?;
    fields[2] = field(shape.every)?;
    fields[3] = field(frames * shape.every)?;
    fields[9] = ((step_ps / AKMA_PS) as f32).to_bits().cast_signed();
    fields[10] = i32::from(has_cell);
    fields[19] = 24;
    Ok([b"CORD".to_vec(), fields.map(i32::to_le_bytes).concat()].concat())
}

/// Lengths and cosines of a box's vectors in the order of the format: a, cos γ, b, cos β, cos α, c.
fn unit_cell(cell: [[f64; 3]; 3], factor: f64) -> [f64; 6] {
    let dot = |i: usize, j: usize| -> f64 { (0..3).map(|axis| cell[i][axis] * cell[j][axis]).sum() };
    let length = |i: usize| dot(i, i).sqrt();
    let cosine = |i: usize, j: usize| dot(i, j) / (length(i) * length(j));
    [
        length(0) * factor,
        cosine(0, 1),
        length(1) * factor,
        cosine(0, 2),
        cosine(1, 2),
        length(2) * factor,
    ]
}

/// One title line of 80 characters.
fn title() -> Vec<u8> {
    let line = format!("{:<80}", "Written by baton. Positions in Angstrom, wrapped into the box.");
    [1_i32.to_le_bytes().as_slice(), &line.as_bytes()[..80]].concat()
}

/// Picoseconds of a unit of time.
pub(crate) fn picoseconds(unit: &str) -> Option<f64> {
    match unit {
        "fs" => Some(1e-3),
        "ps" => Some(1.0),
        "ns" => Some(1e3),
        "us" | "µs" => Some(1e6),
        _ => None,
    }
}

fn record(out: &mut dyn Write, bytes: &[u8]) -> anyhow::Result<()> {
    let length = i32::try_from(bytes.len())
        .context("a DCD record holds less than 2 GiB")?
        .to_le_bytes();
    out.write_all(&length)?;
    out.write_all(bytes)?;
    out.write_all(&length)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::formats::testing::atoms;

    /// The contents of each record; panics unless both lengths agree.
    fn records(mut bytes: &[u8]) -> Vec<&[u8]> {
        let mut records = Vec::new();
        while let Some((length, rest)) = bytes.split_first_chunk::<4>() {
            let size = usize::try_from(i32::from_le_bytes(*length)).unwrap();
            records.push(&rest[..size]);
            assert_eq!(&rest[size..size + 4], length);
            bytes = &rest[size + 4..];
        }
        records
    }

    #[test]
    fn records_hold_header_cell_and_coordinates_as_charmm_lays_them() {
        let mut out = Vec::new();
        write(&mut out, &mut atoms(), 1..3).unwrap();
        let records = records(&out);
        assert_eq!(records.len(), 3 + 2 * 4);
        assert_eq!((&records[0][..4], records[0].len()), (b"CORD".as_slice(), 84));
        let field = |index: usize| i32::from_le_bytes(*records[0][4 + 4 * index..].first_chunk().unwrap());
        assert_eq!(
            [field(0), field(1), field(2), field(3), field(10), field(19)],
            [2, 10, 10, 20, 1, 24]
        );
        assert_eq!(f32::from_bits(field(9).cast_unsigned()), (0.002 / AKMA_PS) as f32);
        assert_eq!(records[1].len(), 84);
        assert_eq!(records[2], 2_i32.to_le_bytes());
        let cell: Vec<f64> = records[3]
            .as_chunks::<8>()
            .0
            .iter()
            .map(|word| f64::from_le_bytes(*word))
            .collect();
        assert_eq!(cell, [10.0, 0.0, 20.0, 0.0, 0.0, 40.0]);
        let memory = atoms();
        let expected = memory.0.values(&memory.1[1]);
        for axis in 0..3 {
            let column: Vec<f32> = records[4 + axis]
                .as_chunks::<4>()
                .0
                .iter()
                .map(|word| f32::from_le_bytes(*word))
                .collect();
            assert_eq!(column, [(expected[axis] * 10.0) as f32, (expected[3 + axis] * 10.0) as f32]);
        }
    }
}
