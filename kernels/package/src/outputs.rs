//! What a segment puts out, as bytes: where it comes from, how many there are, and its digest.

use protocol::Digest;
use protocol::checkpoint::PIECE_BYTES;

use crate::Package;
use crate::manifest::{Buffer, Output};

/// Digest of a segment's outputs: what `ChainEntry::outputs` is.
///
/// BLAKE3 over `"baton outputs 1\n"`, then for each output of the package its length (u64, little-endian) and its bytes.
pub fn outputs_digest(outputs: &[Vec<u8>]) -> Digest {
    outputs_digest_with(outputs, |_, _, _| {})
}

/// [`outputs_digest`], which shows each piece of the bytes to `look` right after it was hashed: the output's index, the piece's offset
/// in bytes (a multiple of 4), the piece.
pub fn outputs_digest_with(outputs: &[Vec<u8>], mut look: impl FnMut(usize, usize, &[u8])) -> Digest {
    let mut hasher = blake3::Hasher::new();
    hasher.update(b"baton outputs 1\n");
    for (index, output) in outputs.iter().enumerate() {
        hasher.update(&(output.len() as u64).to_le_bytes());
        for (piece, bytes) in output.chunks(PIECE_BYTES).enumerate() {
            hasher.update(bytes);
            look(index, piece * PIECE_BYTES, bytes);
        }
    }
    Digest(hasher.finalize().into())
}

/// Rows of an output in steps `from` up to, not including, `to`.
pub fn rows_between(output: &Output, from: u64, to: u64) -> u64 {
    to.div_ceil(output.every) - from.div_ceil(output.every)
}

/// The buffer that an output looks at.
///
/// # Panics
/// The output is none of the package.
pub fn buffer_of<'a>(package: &'a Package, output: &Output) -> &'a Buffer {
    &package.manifest().buffers[buffer_index(package, output)]
}

/// Index of the buffer that an output looks at.
///
/// # Panics
/// The output is none of the package.
pub fn buffer_index(package: &Package, output: &Output) -> usize {
    let mut buffers = package.manifest().buffers.iter();
    buffers
        .position(|buffer| buffer.name == output.buffer)
        .expect("a checked package names only what it has")
}

/// Standard bytes of one row of an output.
///
/// # Panics
/// The output is none of the package.
pub fn row_bytes(package: &Package, output: &Output) -> usize {
    package.elements(buffer_index(package, output)) as usize * 4
}
