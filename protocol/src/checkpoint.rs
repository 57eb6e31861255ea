//! Checkpoint format, version 1: a boundary's standard bytes in a file. Frozen; byte by byte in `docs/checkpoint-format.md`.
//!
//! | part | bytes |
//! |---|---|
//! | magic | 8: `89 42 41 54 4f 4e 0d 0a` |
//! | version | u32, 1 |
//! | header length | u32 |
//! | header | bincode of [`Header`] |
//! | payloads | for each buffer: byte-shuffled, zstd, `stored` bytes |
//! | digest | 32: BLAKE3 of everything before |
//!
//! Reading checks the limits, then the file's digest, then the header, then unpacks, then compares the content's digest: nothing is
//! used before it was checked.

use bincode::{Decode, Encode};

use crate::codec::{self, CodecError};
use crate::shuffle;
use crate::{ChainEntry, Digest, HardwareClass, Tier};

mod inspect;

pub use inspect::{Inspected, inspect};

const MAGIC: [u8; 8] = *b"\x89BATON\r\n";
const VERSION: u32 = 1;
const PREFIX_BYTES: usize = 16;
const DIGEST_BYTES: usize = 32;
/// Most buffers in a checkpoint.
pub const BUFFERS_MAX: usize = 256;
/// Most dimensions of a buffer.
pub const DIMENSIONS_MAX: usize = 8;
/// Longest name of a buffer, bytes.
pub const NAME_BYTES_MAX: usize = 64;
const ZSTD_LEVEL: i32 = 3;
/// Bytes that a digest takes at a time: they stay in a processor's cache, and are many enough for wide hashing.
pub const PIECE_BYTES: usize = 1 << 20;

/// Element type of a buffer, as a checkpoint numbers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Element {
    /// IEEE-754 binary32.
    F32,
    /// Unsigned 32-bit integer.
    U32,
    /// Signed 32-bit integer.
    I32,
}

/// A buffer in the standard layout: little-endian, tightly packed, in the scientist's order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateBuffer {
    /// Its name in the package.
    pub name: String,
    /// Element type.
    pub element: Element,
    /// Extent of each dimension, outermost first.
    pub shape: Vec<u64>,
    /// Four bytes an element.
    pub bytes: Vec<u8>,
}

/// A checkpoint in memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The package that the run executes.
    pub package: Digest,
    /// Where in the chain this is.
    pub entry: ChainEntry,
    /// Class of the device that computed it.
    pub class: HardwareClass,
    /// The state, in the package's order.
    pub buffers: Vec<StateBuffer>,
}

#[derive(Encode, Decode)]
struct Header {
    package: [u8; 32],
    segment: u64,
    step: u64,
    digest: [u8; 32],
    parent: [u8; 32],
    content: [u8; 32],
    outputs: [u8; 32],
    tier: u32,
    class: [u8; 32],
    buffers: Vec<BufferHeader>,
}

#[derive(Encode, Decode)]
struct BufferHeader {
    name: String,
    element: Element,
    shape: Vec<u64>,
    stored: u64,
}

/// Why bytes are not a usable checkpoint.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// The file starts with something else.
    #[error("not a checkpoint: the first 8 bytes are not those of the format")]
    Foreign,
    /// A version that this program does not know.
    #[error("checkpoint format version {0}; this program reads version 1")]
    Version(u32),
    /// The file ends too early.
    #[error("truncated: {found} bytes, at least {needed} are needed")]
    Truncated {
        /// Bytes there are.
        found: usize,
        /// Bytes there must be at least.
        needed: usize,
    },
    /// Some bit of the file is not as it was written.
    #[error("damaged: the file's digest is {found}, its last 32 bytes say {stored}")]
    Damaged {
        /// Digest of the file as it is.
        found: String,
        /// Digest of the file as it was written.
        stored: String,
    },
    /// The header does not decode.
    #[error("header: {0}")]
    Header(CodecError),
    /// The header holds a value outside its limits.
    #[error("header: {0}")]
    Limit(String),
    /// A payload does not unpack to what the header says.
    #[error("buffer '{name}': {problem}")]
    Payload {
        /// Which buffer.
        name: String,
        /// What is wrong.
        problem: String,
    },
    /// The content is not what the chain says.
    #[error("the {what} digest is {found}, the header says {stored}")]
    Content {
        /// Which digest.
        what: &'static str,
        /// Digest of what is there.
        found: String,
        /// What the header says.
        stored: String,
    },
}

impl From<CodecError> for CheckpointError {
    fn from(error: CodecError) -> Self {
        Self::Header(error)
    }
}

/// Digest of a state: what [`ChainEntry::content`] is.
///
/// BLAKE3 over `"baton state 1\n"`, then for each buffer: length of the name (u64), name, element (u32: 0 f32, 1 u32, 2 i32), number
/// of dimensions (u64), each extent (u64), the standard bytes.
pub fn content_digest(buffers: &[StateBuffer]) -> Digest {
    content_digest_with(buffers, |_, _, _| {})
}

/// [`content_digest`], which shows each piece of the standard bytes to `look` right after it was hashed: the buffer's index, the
/// piece's offset in bytes (a multiple of 4), the piece.
pub fn content_digest_with(buffers: &[StateBuffer], mut look: impl FnMut(usize, usize, &[u8])) -> Digest {
    let mut hasher = content_hasher();
    for (index, buffer) in buffers.iter().enumerate() {
        hash_shape(&mut hasher, &buffer.name, buffer.element, &buffer.shape);
        for (piece, bytes) in buffer.bytes.chunks(PIECE_BYTES).enumerate() {
            hasher.update(bytes);
            look(index, piece * PIECE_BYTES, bytes);
        }
    }
    Digest(hasher.finalize().into())
}

fn content_hasher() -> blake3::Hasher {
    let mut hasher = blake3::Hasher::new();
    hasher.update(b"baton state 1\n");
    hasher
}

/// What a state's digest covers of a buffer before its bytes.
fn hash_shape(hasher: &mut blake3::Hasher, name: &str, element: Element, shape: &[u64]) {
    hasher.update(&(name.len() as u64).to_le_bytes());
    hasher.update(name.as_bytes());
    hasher.update(&(element as u32).to_le_bytes());
    hasher.update(&(shape.len() as u64).to_le_bytes());
    for extent in shape {
        hasher.update(&extent.to_le_bytes());
    }
}

/// Bytes of a buffer of that shape, when they can be counted.
fn standard_bytes(shape: &[u64]) -> Option<u64> {
    shape.iter().try_fold(4u64, |bytes, &extent| bytes.checked_mul(extent))
}

impl Checkpoint {
    /// The file's bytes.
    ///
    /// # Errors
    /// A buffer whose bytes do not fit its shape, or something beyond the format's limits.
    pub fn to_bytes(&self) -> Result<Vec<u8>, CheckpointError> {
        self.clone().into_bytes()
    }

    /// The file's bytes. Each buffer's values are let go of before they are compressed, so that twice the state is the most that is in memory:
    /// values in the order for compression and the compressed bytes, or these and the file's.
    ///
    /// # Errors
    /// As [`Checkpoint::to_bytes`].
    pub fn into_bytes(self) -> Result<Vec<u8>, CheckpointError> {
        check_limits(
            self.buffers
                .iter()
                .map(|buffer| (buffer.name.as_str(), buffer.shape.as_slice())),
        )?;
        let mut headers = Vec::with_capacity(self.buffers.len());
        let mut payloads = Vec::with_capacity(self.buffers.len());
        for StateBuffer {
            name,
            element,
            shape,
            bytes,
        } in self.buffers
        {
            if standard_bytes(&shape) != Some(bytes.len() as u64) {
                let problem = format!("{} bytes do not fit shape {shape:?}", bytes.len());
                return Err(CheckpointError::Payload { name, problem });
            }
            let shuffled = shuffle::shuffle(&bytes);
            drop(bytes);
            let payload = match zstd::bulk::compress(&shuffled, ZSTD_LEVEL) {
                Ok(payload) => payload,
                Err(error) => {
                    let problem = format!("does not compress: {error}");
                    return Err(CheckpointError::Payload { name, problem });
                }
            };
            headers.push(BufferHeader {
                name,
                element,
                shape,
                stored: payload.len() as u64,
            });
            payloads.push(payload);
        }
        let header = codec::encode(&Header {
            package: self.package.0,
            segment: self.entry.segment,
            step: self.entry.step,
            digest: self.entry.digest.0,
            parent: self.entry.parent.0,
            content: self.entry.content.0,
            outputs: self.entry.outputs.0,
            tier: self.class.tier as u32,
            class: self.class.key.0,
            buffers: headers,
        });
        let stored: usize = payloads.iter().map(Vec::len).sum();
        // Magic, version, length of the header, digest.
        let mut bytes = Vec::with_capacity(MAGIC.len() + 4 + 4 + header.len() + stored + 32);
        bytes.extend(MAGIC);
        bytes.extend(VERSION.to_le_bytes());
        bytes.extend((header.len() as u32).to_le_bytes());
        bytes.extend(header);
        payloads.into_iter().for_each(|payload| bytes.extend(payload));
        let digest = Digest::of(&bytes);
        bytes.extend(digest.0);
        Ok(bytes)
    }

    /// The checkpoint that a file's bytes hold, when all of it is as it was written.
    /// `state_bytes_max` bounds what the state may unpack to.
    ///
    /// # Errors
    /// Whatever is wrong with them.
    pub fn from_bytes(bytes: &[u8], state_bytes_max: u64) -> Result<Self, CheckpointError> {
        let (header, payloads) = parts(bytes, state_bytes_max)?;
        let (package, entry, class) = header.subject()?;
        let packed = header.buffers.into_iter().zip(payloads);
        let buffers = packed
            .map(|(buffer, payload)| unpack(buffer, payload))
            .collect::<Result<_, _>>()?;
        let checkpoint = Self {
            package,
            entry,
            class,
            buffers,
        };
        check_digests(package, &checkpoint.entry, content_digest(&checkpoint.buffers))?;
        Ok(checkpoint)
    }
}

impl Header {
    /// Package, boundary and class.
    fn subject(&self) -> Result<(Digest, ChainEntry, HardwareClass), CheckpointError> {
        let tiers = [Tier::Portable, Tier::ClassBound];
        let tier = tiers.into_iter().find(|&tier| tier as u32 == self.tier);
        let tier = tier.ok_or_else(|| CheckpointError::Limit(format!("tier {} is not known", self.tier)))?;
        let entry = ChainEntry {
            segment: self.segment,
            step: self.step,
            digest: Digest(self.digest),
            parent: Digest(self.parent),
            content: Digest(self.content),
            outputs: Digest(self.outputs),
        };
        let key = Digest(self.class);
        Ok((Digest(self.package), entry, HardwareClass { tier, key }))
    }
}

fn check_digests(package: Digest, entry: &ChainEntry, content: Digest) -> Result<(), CheckpointError> {
    for (what, found, stored) in [
        ("content", content, entry.content),
        ("boundary", entry.computed(package), entry.digest),
    ] {
        if found != stored {
            return Err(CheckpointError::Content {
                what,
                found: found.to_string(),
                stored: stored.to_string(),
            });
        }
    }
    Ok(())
}

/// The header of a file that is whole, within the format's limits and `state_bytes_max`, and each buffer's payload.
fn parts(bytes: &[u8], state_bytes_max: u64) -> Result<(Header, Vec<&[u8]>), CheckpointError> {
    let (header, mut rest) = open(bytes)?;
    check_limits(
        header
            .buffers
            .iter()
            .map(|buffer| (buffer.name.as_str(), buffer.shape.as_slice())),
    )?;
    let total = header
        .buffers
        .iter()
        .try_fold(0u64, |total, buffer| total.checked_add(standard_bytes(&buffer.shape)?))
        .filter(|&total| total <= state_bytes_max);
    if total.is_none() {
        return Err(CheckpointError::Limit(format!(
            "the state would unpack to more than {state_bytes_max} bytes"
        )));
    }
    let mut payloads = Vec::with_capacity(header.buffers.len());
    for buffer in &header.buffers {
        let stored = usize::try_from(buffer.stored).ok().filter(|&stored| stored <= rest.len());
        let Some((payload, after)) = stored.map(|stored| rest.split_at(stored)) else {
            return Err(CheckpointError::Payload {
                name: buffer.name.clone(),
                problem: "its payload runs past the file".into(),
            });
        };
        payloads.push(payload);
        rest = after;
    }
    if !rest.is_empty() {
        return Err(CheckpointError::Limit(format!(
            "{} bytes follow the last payload",
            rest.len()
        )));
    }
    Ok((header, payloads))
}

/// The header and the payloads of a file that is whole.
fn open(bytes: &[u8]) -> Result<(Header, &[u8]), CheckpointError> {
    if !bytes.starts_with(&MAGIC) {
        return Err(CheckpointError::Foreign);
    }
    let truncated = |needed| CheckpointError::Truncated {
        found: bytes.len(),
        needed,
    };
    let word = |at: usize| {
        bytes
            .get(at..at + 4)
            .and_then(|word| word.try_into().ok())
            .map(u32::from_le_bytes)
    };
    let version = word(8).ok_or_else(|| truncated(PREFIX_BYTES))?;
    if version != VERSION {
        return Err(CheckpointError::Version(version));
    }
    let header_bytes = word(12).ok_or_else(|| truncated(PREFIX_BYTES))? as usize;
    if header_bytes > codec::ENCODED_BYTES_MAX {
        return Err(CheckpointError::Limit(format!(
            "a header of {header_bytes} bytes; the most is {}",
            codec::ENCODED_BYTES_MAX
        )));
    }
    let needed = PREFIX_BYTES + header_bytes + DIGEST_BYTES;
    if bytes.len() < needed {
        return Err(truncated(needed));
    }
    let (covered, stored) = bytes.split_at(bytes.len() - DIGEST_BYTES);
    let found = Digest::of(covered);
    if found.0 != stored {
        let stored = Digest(stored.try_into().expect("the split leaves 32 bytes"));
        return Err(CheckpointError::Damaged {
            found: found.to_string(),
            stored: stored.to_string(),
        });
    }
    let (header, payloads) = covered[PREFIX_BYTES..].split_at(header_bytes);
    Ok((codec::decode(header)?, payloads))
}

fn unpack(buffer: BufferHeader, payload: &[u8]) -> Result<StateBuffer, CheckpointError> {
    let BufferHeader {
        name, element, shape, ..
    } = buffer;
    let bytes = standard_bytes(&shape).and_then(|bytes| usize::try_from(bytes).ok());
    let unpacked = bytes.ok_or("its shape overflows".to_owned()).and_then(|bytes| {
        let shuffled = zstd::bulk::decompress(payload, bytes).map_err(|error| format!("does not unpack: {error}"))?;
        if shuffled.len() != bytes {
            return Err(format!("unpacks to {} bytes, shape {shape:?} needs {bytes}", shuffled.len()));
        }
        Ok(shuffle::unshuffle(&shuffled))
    });
    match unpacked {
        Ok(bytes) => Ok(StateBuffer {
            name,
            element,
            shape,
            bytes,
        }),
        Err(problem) => Err(CheckpointError::Payload { name, problem }),
    }
}

fn check_limits<'a>(buffers: impl ExactSizeIterator<Item = (&'a str, &'a [u64])>) -> Result<(), CheckpointError> {
    let limit = |text: String| Err(CheckpointError::Limit(text));
    if buffers.len() > BUFFERS_MAX {
        return limit(format!("{} buffers; the most is {BUFFERS_MAX}", buffers.len()));
    }
    for (name, shape) in buffers {
        if name.len() > NAME_BYTES_MAX {
            return limit(format!(
                "a buffer's name of {} bytes; the most is {NAME_BYTES_MAX}",
                name.len()
            ));
        }
        if shape.len() > DIMENSIONS_MAX {
            return limit(format!(
                "buffer '{name}' has {} dimensions; the most is {DIMENSIONS_MAX}",
                shape.len()
            ));
        }
    }
    Ok(())
}
