//! Between the device's layout of a buffer and the standard layout of checkpoints.
//!
//! Invariant: `pack(unpack(b)) == b` for all standard bytes, and padding on the device never reaches a checkpoint.

use std::borrow::Cow;

use super::manifest::Layout;

/// Bytes of a row of three elements in the standard layout.
const ROW: usize = 12;
/// Bytes of the same row as a vector of four.
const VECTOR: usize = 16;

/// Bytes that `standard` bytes (packed) take on the device; `None` past the end of 64 bits.
pub fn device_size(layout: Layout, standard: u64) -> Option<u64> {
    match layout {
        Layout::Packed => Some(standard),
        Layout::Vec4 => (standard / ROW as u64).checked_mul(VECTOR as u64),
    }
}

/// Device bytes to standard bytes: each vector's fourth element is dropped.
pub fn pack(layout: Layout, device: &[u8]) -> Cow<'_, [u8]> {
    match layout {
        Layout::Packed => Cow::Borrowed(device),
        Layout::Vec4 => {
            let mut standard = vec![0; device.len() / VECTOR * ROW];
            for (row, vector) in standard.chunks_exact_mut(ROW).zip(device.chunks_exact(VECTOR)) {
                row.copy_from_slice(&vector[..ROW]);
            }
            Cow::Owned(standard)
        }
    }
}

/// Standard bytes to device bytes: each vector's fourth element is zero.
pub fn unpack(layout: Layout, standard: &[u8]) -> Cow<'_, [u8]> {
    match layout {
        Layout::Packed => Cow::Borrowed(standard),
        Layout::Vec4 => {
            let mut device = vec![0; standard.len() / ROW * VECTOR];
            for (vector, row) in device.chunks_exact_mut(VECTOR).zip(standard.chunks_exact(ROW)) {
                vector[..ROW].copy_from_slice(row);
            }
            Cow::Owned(device)
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rows() -> impl Strategy<Value = Vec<u8>> {
        proptest::collection::vec(any::<[u8; ROW]>(), 0..40).prop_map(|rows| rows.concat())
    }

    proptest! {
        #[test]
        fn standard_bytes_survive_the_device(standard in rows(), vec4: bool) {
            let layout = if vec4 { Layout::Vec4 } else { Layout::Packed };
            let device = unpack(layout, &standard);
            prop_assert_eq!(Some(device.len() as u64), device_size(layout, standard.len() as u64));
            let back = pack(layout, &device);
            prop_assert_eq!(&*back, &standard[..]);
        }

        #[test]
        fn padding_is_zero_on_upload_and_dropped_on_flush(standard in rows(), dirt in 1u8..) {
            let mut device = unpack(Layout::Vec4, &standard).into_owned();
            for vector in device.chunks_exact_mut(VECTOR) {
                prop_assert_eq!(&vector[ROW..], &[0; 4]);
                vector[ROW..].fill(dirt);
            }
            let back = pack(Layout::Vec4, &device);
            prop_assert_eq!(&*back, &standard[..]);
        }
    }
}
