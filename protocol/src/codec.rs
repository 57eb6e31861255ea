//! The one place where bincode is used: fixed-width little-endian integers, lengths as u64, no byte left over.
//!
//! Headers and small metadata only. Payloads never pass through it.

use bincode::config::{Config, legacy};
use bincode::{Decode, Encode};

/// Longest encoding accepted, bytes.
pub(crate) const ENCODED_BYTES_MAX: usize = 1 << 20;

/// Bytes that are not the encoding of what was asked for.
#[derive(Debug, thiserror::Error)]
pub enum CodecError {
    /// Not such an encoding, or one that is too long.
    #[error("not decodable: {0}")]
    Decode(bincode::error::DecodeError),
    /// Something follows the encoding.
    #[error("{0} bytes are left over")]
    LeftOver(usize),
}

impl From<bincode::error::DecodeError> for CodecError {
    fn from(error: bincode::error::DecodeError) -> Self {
        Self::Decode(error)
    }
}

fn config() -> impl Config {
    legacy().with_limit::<ENCODED_BYTES_MAX>()
}

/// The encoding of `value`.
pub(crate) fn encode<T: Encode>(value: &T) -> Vec<u8> {
    bincode::encode_to_vec(value, config()).expect("a header is checked against its limits before it is encoded")
}

/// The value that `bytes`, all of them, encode.
pub(crate) fn decode<T: Decode<()>>(bytes: &[u8]) -> Result<T, CodecError> {
    let (value, used) = bincode::decode_from_slice(bytes, config())?;
    match bytes.len() - used {
        0 => Ok(value),
        left => Err(CodecError::LeftOver(left)),
    }
}
