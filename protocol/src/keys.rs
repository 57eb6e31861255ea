//! Ed25519 public keys and signatures as types: bytes, written as lower-case hexadecimal digits wherever people or JSON see them. What they mean is in
//! the crate `signing`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Text that is none of these.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{what} is {digits} lower-case hexadecimal digits, found {found:?}")]
pub struct ParseKeyError {
    what: &'static str,
    digits: usize,
    found: String,
}

macro_rules! bytes {
    ($(#[$doc:meta])* $name:ident, $what:literal, $size:literal, $pattern:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        #[cfg_attr(feature = "openapi", schema(value_type = String, pattern = $pattern))]
        pub struct $name(pub [u8; $size]);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = ParseKeyError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let wrong = || ParseKeyError {
                    what: $what,
                    digits: 2 * $size,
                    found: text.chars().take(80).collect(),
                };
                let digits = text.as_bytes();
                if digits.len() != 2 * $size || !digits.iter().all(|c| matches!(c, b'0'..=b'9' | b'a'..=b'f')) {
                    return Err(wrong());
                }
                let mut bytes = [0; $size];
                for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
                    let pair = std::str::from_utf8(pair).map_err(|_| wrong())?;
                    *byte = u8::from_str_radix(pair, 16).map_err(|_| wrong())?;
                }
                Ok(Self(bytes))
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

bytes!(
    /// An Ed25519 public key of 32 bytes.
    PublicKey,
    "a public key",
    32,
    "^[0-9a-f]{64}$"
);
bytes!(
    /// An Ed25519 signature of 64 bytes.
    Signature,
    "a signature",
    64,
    "^[0-9a-f]{128}$"
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_round_trips_and_foreign_text_is_refused() {
        let key = PublicKey([0xa7; 32]);
        assert_eq!(key.to_string().parse(), Ok(key));
        let signature = Signature([0x5b; 64]);
        assert_eq!(signature.to_string().parse(), Ok(signature));
        for wrong in ["", "00", &"g".repeat(64), &"A".repeat(64), &"é".repeat(32), &"a".repeat(128)] {
            assert!(wrong.parse::<PublicKey>().is_err(), "{wrong:?} was accepted");
        }
    }
}
