//! The BLAKE3 digest of a blob from those of its parts: parts are hashed as they come, on whatever server they come to.
//!
//! BLAKE3 is a binary tree over chunks of 1 KiB, whose left subtrees hold the largest power of two of chunks that leaves something to the right. All
//! parts but the last have [`PART_BYTES`], a power of two of chunks, so that each of them is a subtree (BLAKE3's specification, section 2.1).

use blake3::Hasher;
use blake3::hazmat::{ChainingValue, HasherExt as _, Mode, merge_subtrees_non_root, merge_subtrees_root};
use protocol::Digest;

/// Bytes of every part but the last. S3 takes parts of 5 MiB and more, at most 10,000 of one object.
pub(super) const PART_BYTES: usize = 8 << 20;

/// Chaining value of part number `index` (from 0 on), which is not the only one of its blob.
pub(super) fn part(index: usize, bytes: &[u8]) -> ChainingValue {
    let mut hasher = Hasher::new();
    hasher.set_input_offset(index as u64 * PART_BYTES as u64);
    hasher.update(bytes);
    hasher.finalize_non_root()
}

/// Digest of a blob of two parts or more.
pub(super) fn root(parts: &[ChainingValue]) -> Digest {
    let (left, right) = parts.split_at(left(parts.len()));
    Digest(merge_subtrees_root(&subtree(left), &subtree(right), Mode::Hash).into())
}

fn subtree(parts: &[ChainingValue]) -> ChainingValue {
    match parts {
        [one] => *one,
        parts => {
            let (left, right) = parts.split_at(left(parts.len()));
            merge_subtrees_non_root(&subtree(left), &subtree(right), Mode::Hash)
        }
    }
}

/// The largest power of two below a number of parts, which is 2 or more.
fn left(parts: usize) -> usize {
    parts.next_power_of_two() / 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_come_to_the_digest_of_the_whole() {
        let bytes: Vec<u8> = (0..5 * PART_BYTES)
            .map(|byte| (byte % 251) as u8 ^ (byte >> 16) as u8)
            .collect();
        for length in [
            PART_BYTES + 1,
            2 * PART_BYTES,
            2 * PART_BYTES + 1,
            3 * PART_BYTES - 1,
            4 * PART_BYTES + 1025,
            5 * PART_BYTES,
        ] {
            let parts: Vec<ChainingValue> = bytes[..length]
                .chunks(PART_BYTES)
                .enumerate()
                .map(|(index, bytes)| part(index, bytes))
                .collect();
            assert_eq!(root(&parts), Digest::of(&bytes[..length]), "{length} bytes");
        }
    }
}
