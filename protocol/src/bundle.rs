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
use std::io::Read;

const MAGIC: [u8; 8] = *b"\x89BATBD\r\n";
const VERSION: u32 = 1;
const ZSTD_LEVEL: i32 = 3;
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
    Packing(#[from] std::io::Error),
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

/// The entries of a blob that unpacks to at most `bytes_max` bytes.
///
/// # Errors
/// Whatever is wrong with it.
pub fn unpack(blob: &[u8], bytes_max: u64) -> Result<BTreeMap<String, Vec<u8>>, BundleError> {
    let packed = blob
        .strip_prefix(&MAGIC)
        .and_then(|rest| rest.strip_prefix(&VERSION.to_le_bytes()))
        .ok_or(BundleError::Foreign)?;
    let mut plain = Vec::new();
    zstd::stream::read::Decoder::new(packed)?
        .take(bytes_max.saturating_add(1))
        .read_to_end(&mut plain)?;
    if plain.len() as u64 > bytes_max {
        return Err(BundleError::TooLarge(bytes_max));
    }
    let mut entries = BTreeMap::new();
    let mut rest = plain.as_slice();
    while !rest.is_empty() {
        let index = entries.len();
        let wrong = |problem| BundleError::Entry { index, problem };
        if index == ENTRIES_MAX {
            return Err(wrong("one too many"));
        }
        let (name, bytes, behind) = entry(rest).ok_or_else(|| wrong("it runs past the end"))?;
        let name = std::str::from_utf8(name).map_err(|_| wrong("its name is not UTF-8"))?;
        if name.len() > NAME_BYTES_MAX {
            return Err(wrong("its name is too long"));
        }
        if entries
            .last_key_value()
            .is_some_and(|(last, _): (&String, _)| last.as_str() >= name)
        {
            return Err(wrong("its name does not follow the one before"));
        }
        entries.insert(name.to_owned(), bytes.to_vec());
        rest = behind;
    }
    Ok(entries)
}

/// Name, bytes, and what follows.
fn entry(bytes: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    let (name, rest) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
    let (length, rest) = rest.split_first_chunk::<8>()?;
    let length = usize::try_from(u64::from_le_bytes(*length)).ok()?;
    let (bytes, rest) = rest.split_at_checked(length)?;
    Some((name, bytes, rest))
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
        assert!(matches!(unpack(&blob(&endless), 99), Err(BundleError::Entry { .. })));
    }
}
