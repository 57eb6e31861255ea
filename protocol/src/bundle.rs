//! Named byte strings in one blob: how packages and outputs travel between machines.
//!
//! | part | bytes |
//! |---|---|
//! | magic | 8: `89 42 41 54 42 44 0d 0a` |
//! | version | u32, 1 |
//! | entries | zstd of: length of the name (u32), name, length (u64), bytes; names strictly ascending |
//!
//! Integers are little-endian. A blob is addressed by its digest, so damage is noticed before this is read; limits hold whatever it says.

use std::collections::BTreeMap;
use std::io::{self, Read};

use zstd::stream::read::Decoder;

const MAGIC: [u8; 8] = *b"\x89BATBD\r\n";
const VERSION: u32 = 1;
const ZSTD_LEVEL: i32 = 3;
/// Largest zstd window, as a power of two: 8 MiB. [`pack`] uses 2 MiB at most; a larger one costs memory for nothing.
const WINDOW_LOG_MAX: u32 = 23;
/// Longest name of an entry, bytes.
pub const NAME_BYTES_MAX: usize = 256;
/// Most entries.
pub const ENTRIES_MAX: usize = 1 << 20;

/// Why bytes are no usable bundle.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// The bytes start with something else.
    #[error("not a bundle: the first bytes are not those of version 1 of the format")]
    Foreign,
    /// It does not unpack.
    #[error("does not unpack: {0}")]
    Packing(std::io::Error),
    /// More than is taken.
    #[error("unpacks to more than {0} bytes")]
    TooLarge(u64),
    /// An entry that cannot be.
    #[error("entry {index}: {problem}")]
    Entry {
        /// Which, from 0.
        index: usize,
        /// What is wrong.
        problem: &'static str,
    },
}

impl From<std::io::Error> for BundleError {
    fn from(error: std::io::Error) -> Self {
        Self::Packing(error)
    }
}

/// The entries as one blob.
///
/// # Errors
/// A name that is too long, too many entries, or memory runs out.
pub fn pack(entries: &BTreeMap<String, Vec<u8>>) -> Result<Vec<u8>, BundleError> {
    let wrong = |index, problem| BundleError::Entry { index, problem };
    if entries.len() > ENTRIES_MAX {
        return Err(wrong(ENTRIES_MAX, "one too many"));
    }
    let mut plain = Vec::new();
    for (index, (name, bytes)) in entries.iter().enumerate() {
        if name.len() > NAME_BYTES_MAX {
            return Err(wrong(index, "its name is too long"));
        }
        plain.extend((name.len() as u32).to_le_bytes());
        plain.extend(name.as_bytes());
        plain.extend((bytes.len() as u64).to_le_bytes());
        plain.extend(bytes);
    }
    let mut blob = Vec::from(MAGIC);
    blob.extend(VERSION.to_le_bytes());
    blob.extend(zstd::bulk::compress(&plain, ZSTD_LEVEL)?);
    Ok(blob)
}

/// How many bytes the entries of a blob unpack to, found without keeping them: what [`unpack`] will take.
///
/// # Errors
/// It is no bundle, does not unpack, or unpacks to more than `bytes_max`.
pub fn unpacked_bytes(blob: &[u8], bytes_max: u64) -> Result<u64, BundleError> {
    let mut limited = decoder(blob)?.take(bytes_max.saturating_add(1));
    match io::copy(&mut limited, &mut io::sink())? {
        bytes if bytes > bytes_max => Err(BundleError::TooLarge(bytes_max)),
        bytes => Ok(bytes),
    }
}

/// The entries of a blob that unpacks to at most `bytes_max` bytes. They are unpacked one by one: memory is that of the entries, once.
///
/// # Errors
/// Whatever is wrong with it.
pub fn unpack(blob: &[u8], bytes_max: u64) -> Result<BTreeMap<String, Vec<u8>>, BundleError> {
    let mut plain = Plain {
        decoder: decoder(blob)?,
        left: bytes_max,
        bytes_max,
    };
    let mut entries = BTreeMap::new();
    loop {
        let index = entries.len();
        let wrong = |problem| BundleError::Entry { index, problem };
        let Some(length) = plain.first(index)? else {
            return Ok(entries);
        };
        if index == ENTRIES_MAX {
            return Err(wrong("one too many"));
        }
        let length = u32::from_le_bytes(length) as usize;
        if length > NAME_BYTES_MAX {
            return Err(wrong("its name is too long"));
        }
        let name = String::from_utf8(plain.bytes(length as u64, index)?).map_err(|_| wrong("its name is not UTF-8"))?;
        if entries.last_key_value().is_some_and(|(last, _): (&String, _)| *last >= name) {
            return Err(wrong("its name does not follow the one before"));
        }
        let length = plain.bytes(8, index)?;
        let length = length.first_chunk().copied().map_or(0, u64::from_le_bytes);
        let bytes = plain.bytes(length, index)?;
        entries.insert(name, bytes);
    }
}

fn decoder(blob: &[u8]) -> Result<Decoder<'static, &[u8]>, BundleError> {
    let packed = blob
        .strip_prefix(&MAGIC)
        .and_then(|rest| rest.strip_prefix(&VERSION.to_le_bytes()))
        .ok_or(BundleError::Foreign)?;
    let mut decoder = Decoder::with_buffer(packed)?;
    decoder.window_log_max(WINDOW_LOG_MAX)?;
    Ok(decoder)
}

/// The entries, packed one behind the other, as they come out of the decoder.
struct Plain<'a> {
    decoder: Decoder<'static, &'a [u8]>,
    /// Bytes that may still come.
    left: u64,
    bytes_max: u64,
}

impl Plain<'_> {
    /// The next four bytes; none at the end.
    fn first(&mut self, index: usize) -> Result<Option<[u8; 4]>, BundleError> {
        let mut byte = [0];
        if self.decoder.read(&mut byte)? == 0 {
            return Ok(None);
        }
        self.left = self.left.checked_sub(1).ok_or(BundleError::TooLarge(self.bytes_max))?;
        let rest = self.bytes(3, index)?;
        Ok(Some([byte[0], rest[0], rest[1], rest[2]]))
    }

    /// The next bytes, all of them. The limit is checked before room is made for them.
    fn bytes(&mut self, count: u64, index: usize) -> Result<Vec<u8>, BundleError> {
        self.left = self.left.checked_sub(count).ok_or(BundleError::TooLarge(self.bytes_max))?;
        let mut bytes = Vec::new();
        self.decoder.by_ref().take(count).read_to_end(&mut bytes)?;
        match bytes.len() as u64 == count {
            true => Ok(bytes),
            false => Err(BundleError::Entry {
                index,
                problem: "it runs past the end",
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries() -> BTreeMap<String, Vec<u8>> {
        let pairs = [("a", vec![1, 2, 3]), ("b/c.wgsl", vec![]), ("é", vec![0; 1000])];
        pairs.map(|(name, bytes)| (name.to_owned(), bytes)).into()
    }

    #[test]
    fn what_was_packed_comes_out() {
        let blob = pack(&entries()).unwrap();
        assert_eq!(unpack(&blob, 1 << 20).unwrap(), entries());
        assert_eq!(unpack(&pack(&BTreeMap::new()).unwrap(), 0).unwrap(), BTreeMap::new());
        assert!(matches!(unpack(&blob, 100), Err(BundleError::TooLarge(100))));
    }

    #[test]
    fn no_damage_panics_and_foreign_bytes_are_refused() {
        let blob = pack(&entries()).unwrap();
        for at in 0..blob.len() {
            let mut damaged = blob.clone();
            damaged[at] ^= 0x10;
            drop(unpack(&damaged, 1 << 20));
            drop(unpack(&blob[..at], 1 << 20));
        }
        assert!(matches!(unpack(b"PK\x03\x04", 1 << 20), Err(BundleError::Foreign)));
    }

    #[test]
    fn order_and_lengths_are_checked() {
        let blob = |plain: &[u8]| {
            let mut blob = Vec::from(MAGIC);
            blob.extend(VERSION.to_le_bytes());
            blob.extend(zstd::bulk::compress(plain, 1).unwrap());
            blob
        };
        let one = |name: &str| [&1u32.to_le_bytes(), name.as_bytes(), &0u64.to_le_bytes()].concat();
        assert_eq!(unpack(&blob(&[one("a"), one("b")].concat()), 99).unwrap().len(), 2);
        for wrong in [[one("b"), one("a")].concat(), [one("a"), one("a")].concat(), vec![9, 0, 0, 0]] {
            assert!(matches!(unpack(&blob(&wrong), 99), Err(BundleError::Entry { .. })));
        }
        let endless = [&1u32.to_le_bytes()[..], b"a", &u64::MAX.to_le_bytes()].concat();
        assert!(matches!(unpack(&blob(&endless), 99), Err(BundleError::TooLarge(99))));
        let short = [&1u32.to_le_bytes()[..], b"a", &50u64.to_le_bytes()].concat();
        assert!(matches!(unpack(&blob(&short), 99), Err(BundleError::Entry { index: 0, .. })));
    }

    #[test]
    fn the_size_is_known_before_anything_is_kept_and_equals_what_unpacking_takes() {
        let blob = pack(&entries()).unwrap();
        let size = unpacked_bytes(&blob, 1 << 20).unwrap();
        assert_eq!(size, (3 * 12 + 1 + 8 + 2 + 3 + 1000) as u64);
        assert_eq!(unpack(&blob, size).unwrap(), entries());
        for less in [size - 1, 1, 0] {
            assert!(matches!(unpack(&blob, less), Err(BundleError::TooLarge(_))));
            assert!(matches!(unpacked_bytes(&blob, less), Err(BundleError::TooLarge(_))));
        }
    }
}
