//! BLAKE3 digests as a type: 32 bytes, written as 64 lower-case hexadecimal digits wherever people or JSON see them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A BLAKE3 digest of 32 bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(value_type = String, pattern = "^[0-9a-f]{64}$"))]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// Digest of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Self(blake3::hash(bytes).into())
    }

    /// BLAKE3 of numbers (u64, little-endian, one behind the other) under this digest as the key: for choices that only the key's owner can predict.
    pub fn keyed(&self, numbers: &[u64]) -> Self {
        let mut hasher = blake3::Hasher::new_keyed(&self.0);
        for number in numbers {
            hasher.update(&number.to_le_bytes());
        }
        Self(hasher.finalize().into())
    }

    /// The first twelve digits: enough for people to tell digests apart.
    pub fn short(&self) -> String {
        self.to_string()[..12].to_owned()
    }
}

/// A digest of bytes that come in parts.
#[derive(Clone, Debug, Default)]
pub struct Hasher(blake3::Hasher);

impl Hasher {
    /// Of nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// More bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The digest of all that came.
    pub fn finish(&self) -> Digest {
        Digest(self.0.finalize().into())
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Text that is not a digest.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("a digest is 64 lower-case hexadecimal digits, found {0:?}")]
pub struct ParseDigestError(String);

impl FromStr for Digest {
    type Err = ParseDigestError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || ParseDigestError(text.chars().take(80).collect());
        let digits = text.as_bytes();
        if digits.len() != 64 || !digits.iter().all(|c| matches!(c, b'0'..=b'9' | b'a'..=b'f')) {
            return Err(wrong());
        }
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            let pair = std::str::from_utf8(pair).map_err(|_| wrong())?;
            *byte = u8::from_str_radix(pair, 16).map_err(|_| wrong())?;
        }
        Ok(Self(bytes))
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_round_trips_and_foreign_text_is_refused() {
        let digest = Digest::of(b"baton");
        assert_eq!(digest.to_string().parse(), Ok(digest));
        for wrong in ["", "00", &"g".repeat(64), &"A".repeat(64), &"é".repeat(32), &"+1".repeat(32)] {
            assert!(wrong.parse::<Digest>().is_err(), "{wrong:?} was accepted");
        }
    }
}
