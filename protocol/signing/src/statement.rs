//! The bytes that a signature covers: what kind of statement it is, then each field with its name and its length, so that no two statements have the
//! same bytes.

use std::fmt::Display;

use ed25519_dalek::VerifyingKey;
use protocol::{PublicKey, Signature};

use crate::SecretKey;

/// A statement that is being written. Its bytes: `baton signed 1 KIND\n`, then for each field `NAME LENGTH\nVALUE\n`.
#[derive(Clone, Debug)]
pub(crate) struct Statement(Vec<u8>);

impl Statement {
    pub(crate) fn new(kind: &str) -> Self {
        Self(format!("baton signed 1 {kind}\n").into_bytes())
    }

    /// The next field.
    #[must_use]
    pub(crate) fn field(mut self, name: &str, value: impl Display) -> Self {
        let value = value.to_string();
        self.0.extend(format!("{name} {}\n{value}\n", value.len()).into_bytes());
        self
    }

    /// The next field, which may have no value: that is told from every value.
    #[must_use]
    pub(crate) fn option(self, name: &str, value: Option<impl Display>) -> Self {
        match value {
            Some(value) => self.field(name, format_args!("some {value}")),
            None => self.field(name, "none"),
        }
    }

    /// Signs it.
    pub(crate) fn sign(&self, key: &SecretKey) -> Signature {
        key.sign(&self.0)
    }

    /// Whether a key signed it.
    pub(crate) fn is_signed(&self, key: PublicKey, signature: Signature) -> bool {
        let signature = ed25519_dalek::Signature::from_bytes(&signature.0);
        VerifyingKey::from_bytes(&key.0).is_ok_and(|key| key.verify_strict(&self.0, &signature).is_ok())
    }
}
