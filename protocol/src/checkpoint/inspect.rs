//! The same checks as [`Checkpoint::from_bytes`](super::Checkpoint::from_bytes) without the state in memory: for those who only have to know that a
//! checkpoint is what it says.
//!
//! A payload holds a buffer's bytes by significance, in four planes. Four decoders read it at once, each from its own plane on, so that the
//! bytes can be hashed in the standard order. Memory: four zstd windows, whatever the state unpacks to. Time: that of unpacking two and a half times.

use std::collections::BTreeMap;
use std::io::{self, BufRead, Read};

use super::{BufferHeader, CheckpointError, check_digests, content_hasher, hash_shape, parts, standard_bytes};
use crate::{ChainEntry, Digest, HardwareClass};

/// Largest zstd window, as a power of two: 8 MiB. This format's writer uses 2 MiB at most; a larger one costs memory for nothing.
const WINDOW_LOG_MAX: u32 = 23;
/// Elements that are put together at a time.
const ELEMENTS: usize = 16 << 10;

/// What a checkpoint is, once all of it was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inspected {
    /// The package that the run executes.
    pub package: Digest,
    /// Where in the chain this is.
    pub entry: ChainEntry,
    /// Class of the device that computed it.
    pub class: HardwareClass,
    /// Bytes of the state.
    pub state_bytes: u64,
    /// The first element of each buffer, its 32 bits, by the buffer's name.
    pub first_words: BTreeMap<String, u32>,
}

/// Checks a checkpoint to its last bit, without keeping its state. `state_bytes_max` bounds what the state may unpack to.
///
/// # Errors
/// Whatever is wrong with the bytes, as [`Checkpoint::from_bytes`](super::Checkpoint::from_bytes) says it; also a zstd window above 8 MiB.
pub fn inspect(bytes: &[u8], state_bytes_max: u64) -> Result<Inspected, CheckpointError> {
    let (header, payloads) = parts(bytes, state_bytes_max)?;
    let (package, entry, class) = header.subject()?;
    let mut hasher = content_hasher();
    let mut state_bytes = 0;
    let mut first_words = BTreeMap::new();
    for (buffer, payload) in header.buffers.iter().zip(payloads) {
        hash_shape(&mut hasher, &buffer.name, buffer.element, &buffer.shape);
        let (bytes, first) = hash_payload(&mut hasher, buffer, payload).map_err(|error| CheckpointError::Payload {
            name: buffer.name.clone(),
            problem: format!("does not unpack to shape {:?}: {error}", buffer.shape),
        })?;
        state_bytes += bytes;
        first_words.insert(buffer.name.clone(), first);
    }
    check_digests(package, &entry, Digest(hasher.finalize().into()))?;
    Ok(Inspected {
        package,
        entry,
        class,
        state_bytes,
        first_words,
    })
}

/// Hashes a buffer's bytes in the standard order; how many they are, and the first four of them as a number.
fn hash_payload(hasher: &mut blake3::Hasher, buffer: &BufferHeader, payload: &[u8]) -> io::Result<(u64, u32)> {
    let bytes = standard_bytes(&buffer.shape).ok_or_else(|| io::Error::other("the shape overflows"))?;
    let elements = bytes / 4;
    let mut planes = Vec::with_capacity(4);
    for plane in 0..4 {
        planes.push(plane_of(payload, plane * elements)?);
    }
    let (mut parts, mut whole) = (vec![0; 4 * ELEMENTS], vec![0; 4 * ELEMENTS]);
    let (mut left, mut first) = (elements, None);
    while left > 0 {
        let count = usize::try_from(left).unwrap_or(ELEMENTS).min(ELEMENTS);
        for (plane, part) in planes.iter_mut().zip(parts.chunks_exact_mut(ELEMENTS)) {
            plane.read_exact(&mut part[..count])?;
        }
        for (index, element) in whole[..4 * count].chunks_exact_mut(4).enumerate() {
            for (plane, byte) in element.iter_mut().enumerate() {
                *byte = parts[plane * ELEMENTS + index];
            }
        }
        first = first.or_else(|| whole.first_chunk().copied().map(u32::from_le_bytes));
        hasher.update(&whole[..4 * count]);
        left -= count as u64;
    }
    // The last plane ends where the payload does.
    match planes[3].read(&mut [0])? {
        0 => Ok((bytes, first.unwrap_or(0))),
        _ => Err(io::Error::other("it goes on behind the last element")),
    }
}

/// A payload from a place on.
fn plane_of(payload: &[u8], from: u64) -> io::Result<zstd::stream::read::Decoder<'_, impl BufRead>> {
    let mut decoder = zstd::stream::read::Decoder::with_buffer(payload)?;
    decoder.window_log_max(WINDOW_LOG_MAX)?;
    match io::copy(&mut decoder.by_ref().take(from), &mut io::sink())? {
        skipped if skipped == from => Ok(decoder),
        skipped => Err(io::Error::other(format!("it ends after {skipped} bytes"))),
    }
}
