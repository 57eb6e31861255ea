//! XTC as GROMACS writes it, by the crate `molly`: positions in nm, rounded to a thousandth of one, in a tenth of the bytes of DCD.
//!
//! Frames of nine atoms and fewer are plain f32, as the format has it. Time is in ps; without a unit of time, it is the step.

use std::io::Write;
use std::ops::Range;

use anyhow::{Context, bail};
use molly::XTCWriter;

use super::dcd::picoseconds;
use crate::analysis::trajectory::Frames;

/// Units of the format's integers in a nanometre: what GROMACS takes when it is not told otherwise.
const PRECISION: f32 = 1000.0;
/// Nanometres from the origin, at most: differences of the format's integers fit 31 bits.
const NM_MAX: f64 = 1_000_000.0;

/// Write frames of positions.
///
/// # Errors
/// The frames are not positions, one cannot be read or lies outside of what the format holds, `out` not written, or a step does not fit 32 bits.
pub(crate) fn write(out: &mut dyn Write, frames: &mut dyn Frames, range: Range<u64>) -> anyhow::Result<()> {
    let shape = frames.shape().clone();
    shape.positions()?;
    let to_nm = shape.to_angstrom() / 10.0;
    let to_ps = shape
        .time_per_step
        .as_ref()
        .map_or(1.0, |(_, unit)| picoseconds(unit).unwrap_or(1.0));
    let mut writer = XTCWriter::new(out);
    for frame in range {
        let step = u32::try_from(shape.step(frame)).context("XTC counts steps in 32 bits")?;
        let time = (shape.time(frame) * to_ps) as f32;
        let cell = frames.cell(frame)?.unwrap_or_default();
        let values = frames.values(frame)?;
        let is_far = |value: &f64| value.is_nan() || (value * to_nm).abs() > NM_MAX;
        if let Some(far) = values.iter().position(is_far) {
            bail!(
                "frame {frame}, atom {}: found coordinate {}, expected at most {NM_MAX} nm from the origin, which is what XTC holds; export npy",
                far / 3,
                values[far]
            );
        }
        let nm = |value: &f64| (value * to_nm) as f32;
        let positions: Vec<[f32; 3]> = values
            .as_chunks::<3>()
            .0
            .iter()
            .map(|point| point.each_ref().map(nm))
            .collect();
        let mut vectors = [0.0; 9];
        for (target, value) in vectors.iter_mut().zip(cell.as_flattened()) {
            *target = nm(value);
        }
        writer.write_frame_parts(step, time, vectors, positions.iter(), PRECISION)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use molly::{Frame, XTCReader};

    use super::*;
    use crate::analysis::formats::testing::{Memory, atoms};

    fn read(bytes: &[u8]) -> Vec<Frame> {
        XTCReader::new(bytes).read_all_frames().expect("its own format").into_vec()
    }

    /// Two atoms, which are plain numbers, and two hundred, which are packed.
    #[test]
    fn positions_box_step_and_time_read_back() {
        let few = atoms();
        let mut many = atoms();
        many.0.extents = vec![200, 3];
        for (index, frame) in many.1.iter_mut().enumerate() {
            let word = |i: u32| i.wrapping_mul(0x9e37_79b9).wrapping_add(index as u32);
            *frame = (0..600_u32).flat_map(|i| word(i).to_le_bytes()).collect();
        }
        for mut memory in [few, many] {
            let mut bytes = Vec::new();
            write(&mut bytes, &mut memory, 1..3).unwrap();
            let found = read(&bytes);
            assert_eq!(found.len(), 2);
            for (frame, index) in found.iter().zip(1..) {
                let expected = memory.0.values(&memory.1[index]);
                assert_eq!(frame.positions.len(), expected.len());
                for (found, expected) in frame.positions.iter().zip(expected) {
                    assert!((f64::from(*found) - expected).abs() <= 0.5001e-3, "{found} {expected}");
                }
                assert_eq!(frame.step, 10 * index as u32);
                assert!((f64::from(frame.time) - 0.02 * index as f64).abs() < 1e-6, "{}", frame.time);
                assert_eq!([0, 4, 8].map(|i| frame.boxvec[i]), [1.0, 2.0, 4.0]);
            }
        }
    }

    #[test]
    fn what_the_format_cannot_hold_is_refused_with_its_place() {
        for value in [f32::NAN, f32::INFINITY, -3e6] {
            let Memory(mut shape, _) = atoms();
            (shape.element, shape.scale) = (kernels::package::manifest::Element::F32, Vec::new());
            let frame = [0.0, 0.0, 0.0, 0.0, value, 0.0]
                .iter()
                .flat_map(|x: &f32| x.to_le_bytes())
                .collect();
            let error = write(&mut Vec::new(), &mut Memory(shape, vec![frame]), 0..1)
                .unwrap_err()
                .to_string();
            assert!(error.contains("frame 0, atom 1"), "{error}");
        }
    }
}
