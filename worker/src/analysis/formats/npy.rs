//! NumPy's `.npy`, version 1.0: a header of text padded to 64 bytes, then the array in row-major order, little-endian.

use std::io::Write;
use std::ops::Range;

use kernels::package::manifest::Element;

use crate::analysis::trajectory::{Frames, Shape};

/// NumPy's name of an element type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Values {
    /// The exact bits of the run.
    Raw,
    /// Physical values, f64.
    Scaled,
    /// Physical values rounded to f16: a quarter of the room, three decimal digits.
    Half,
}

/// Write the header for an array of this type (`<f4`, `<u4`, …) and shape.
///
/// # Errors
/// `out` cannot be written.
pub(crate) fn header(out: &mut dyn Write, kind: &str, shape: &[u64]) -> std::io::Result<()> {
    let extents: Vec<String> = shape.iter().map(u64::to_string).collect();
    let comma = if shape.len() == 1 { "," } else { "" };
    let mut text = format!(
        "{{'descr': '{kind}', 'fortran_order': False, 'shape': ({}{comma}), }}",
        extents.join(", ")
    );
    let preamble = 10;
    while (preamble + text.len() + 1) % 64 != 0 {
        text.push(' ');
    }
    text.push('\n');
    let length = u16::try_from(text.len()).map_err(std::io::Error::other)?;
    out.write_all(b"\x93NUMPY\x01\x00")?;
    out.write_all(&length.to_le_bytes())?;
    out.write_all(text.as_bytes())
}

/// Write the header for an array of the exact bits of frames.
///
/// # Errors
/// `out` cannot be written.
pub(crate) fn header_of(out: &mut dyn Write, shape: &Shape, range: &Range<u64>) -> std::io::Result<()> {
    let mut extents = vec![range.end - range.start];
    extents.extend(&shape.extents);
    header(out, raw(shape.element), &extents)
}

/// NumPy's name of an element's exact bits.
fn raw(element: Element) -> &'static str {
    match element {
        Element::F32 => "<f4",
        Element::U32 => "<u4",
        Element::I32 => "<i4",
    }
}

/// Write frames as one array of shape `[frames, …]`.
///
/// # Errors
/// A frame cannot be read, or `out` not written.
pub(crate) fn write(out: &mut dyn Write, frames: &mut dyn Frames, range: Range<u64>, values: Values) -> anyhow::Result<()> {
    let shape = frames.shape().clone();
    let kind = match values {
        Values::Raw => raw(shape.element),
        Values::Scaled => "<f8",
        Values::Half => "<f2",
    };
    let mut extents = vec![range.end - range.start];
    extents.extend(&shape.extents);
    header(out, kind, &extents)?;
    for frame in range {
        match values {
            Values::Raw => out.write_all(&frames.read(frame)?)?,
            Values::Scaled => {
                let scaled: Vec<u8> = frames.values(frame)?.into_iter().flat_map(f64::to_le_bytes).collect();
                out.write_all(&scaled)?;
            }
            Values::Half => {
                let halves = frames.values(frame)?.into_iter().map(half::f16::from_f64);
                out.write_all(&halves.flat_map(half::f16::to_le_bytes).collect::<Vec<u8>>())?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::formats::testing::atoms;

    fn written(values: Values, range: Range<u64>) -> Vec<u8> {
        let mut out = Vec::new();
        write(&mut out, &mut atoms(), range, values).unwrap();
        out
    }

    #[test]
    fn header_is_aligned_and_names_type_and_shape() {
        let bytes = written(Values::Raw, 0..3);
        let length = usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
        assert_eq!((10 + length) % 64, 0);
        let text = std::str::from_utf8(&bytes[10..10 + length]).unwrap();
        assert!(
            text.contains("'<u4'") && text.contains("(3, 2, 3)") && text.ends_with('\n'),
            "{text}"
        );
        let mut one = Vec::new();
        header(&mut one, "<f4", &[5]).unwrap();
        assert!(String::from_utf8_lossy(&one).contains("(5,)"));
    }

    #[test]
    fn raw_is_the_exact_bits() {
        let bytes = written(Values::Raw, 1..3);
        assert_eq!(
            bytes[bytes.len() - 48..],
            [atoms().1[1].clone(), atoms().1[2].clone()].concat()
        );
    }

    #[test]
    fn scaled_and_half_are_physical_values() {
        let expected = atoms().0.values(&atoms().1[0]);
        let scaled = written(Values::Scaled, 0..1);
        let tail = &scaled[scaled.len() - 48..];
        let read: Vec<f64> = tail.as_chunks::<8>().0.iter().map(|word| f64::from_le_bytes(*word)).collect();
        assert_eq!(read, expected);
        let halves = written(Values::Half, 0..1);
        let tail = &halves[halves.len() - 12..];
        for (word, value) in tail.as_chunks::<2>().0.iter().zip(expected) {
            assert_eq!(half::f16::from_le_bytes(*word), half::f16::from_f64(value));
        }
    }
}
