//! Digests of what a boundary leaves, and a look for NaN and infinity while the bytes are at hand.
//!
//! The digest reads all bytes in any case; each piece is looked at right after it was hashed, while it lies in the processor's cache.

use std::fmt;

use protocol::checkpoint::{Element, content_digest_with};
use protocol::{Digest, StateBuffer};
use serde::{Deserialize, Serialize};

use crate::package::Package;
use crate::package::manifest::{self, Output};

use super::outputs;

/// Exponent bits of an f32: all set in NaN and infinity, and in nothing else.
const EXPONENT: u32 = 0x7f80_0000;

/// The first value of a boundary that is not finite.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NonFinite {
    /// State or output.
    pub place: Place,
    /// Name of the state buffer, or of the output.
    pub name: String,
    /// Index of the element: within the buffer in its standard layout, or within the rows that the segment put out.
    pub element: u64,
    /// `NaN`, `inf` or `-inf`.
    pub value: String,
}

/// Where a value lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Place {
    /// In a state buffer: every later step is computed from it.
    State,
    /// In an output alone: it may mean that there is no value.
    Output,
}

impl fmt::Display for NonFinite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = match self.place {
            Place::State => "state buffer",
            Place::Output => "output",
        };
        write!(f, "{place} '{}' holds {} at element {}", self.name, self.value, self.element)
    }
}

/// Digest of a state, and the first value in it that is not finite.
pub(super) fn digest_state(state: &[StateBuffer]) -> (Digest, Option<NonFinite>) {
    let mut found = None;
    let digest = content_digest_with(state, |buffer, offset, piece| {
        let buffer = &state[buffer];
        if found.is_none() && buffer.element == Element::F32 {
            found = first(piece).map(|(index, value)| NonFinite {
                place: Place::State,
                name: buffer.name.clone(),
                element: (offset / 4) as u64 + index,
                value,
            });
        }
    });
    (digest, found)
}

/// Digest of a segment's outputs, and the first value in them that is not finite.
pub(super) fn digest_outputs(package: &Package, all: &[Vec<u8>]) -> (Digest, Option<NonFinite>) {
    let manifest = package.manifest();
    let is_float = |output: &Output| outputs::buffer_of(package, output).element == manifest::Element::F32;
    let mut found = None;
    let digest = outputs::outputs_digest_with(all, |index, offset, piece| {
        let output = manifest.outputs.get(index).filter(|output| is_float(output));
        if let (None, Some(output)) = (&found, output) {
            found = first(piece).map(|(index, value)| NonFinite {
                place: Place::Output,
                name: output.name.clone(),
                element: (offset / 4) as u64 + index,
                value,
            });
        }
    });
    (digest, found)
}

/// Index and name of the first f32 that is not finite.
fn first(bytes: &[u8]) -> Option<(u64, String)> {
    let words = bytes.as_chunks::<4>().0;
    // Whole blocks are looked at without a branch an element, so that the compiler makes vector code of it.
    let odd = |word: &[u8; 4]| u32::from_le_bytes(*word) & EXPONENT == EXPONENT;
    let block = words
        .chunks(256)
        .position(|block| block.iter().fold(false, |any, word| any | odd(word)))?;
    let at = block * 256 + words[block * 256..].iter().position(odd)?;
    Some((at as u64, f32::from_le_bytes(words[at]).to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn buffer(name: &str, element: Element, values: &[f32]) -> StateBuffer {
        StateBuffer {
            name: name.into(),
            element,
            shape: vec![values.len() as u64],
            bytes: values.iter().flat_map(|value| value.to_le_bytes()).collect(),
        }
    }

    #[test]
    fn the_first_value_that_is_not_finite_is_found_wherever_it_lies() {
        // Beyond the first piece that is hashed at a time.
        let long = 300_000;
        for (at, value, name) in [
            (0, f32::NAN, "NaN"),
            (255, f32::INFINITY, "inf"),
            (256, f32::NEG_INFINITY, "-inf"),
            (long - 1, f32::NAN, "NaN"),
        ] {
            let mut values = vec![f32::MAX; long];
            values[at] = value;
            let state = [
                buffer("bits", Element::U32, &[f32::NAN]),
                buffer("u", Element::F32, &values),
                buffer("v", Element::F32, &[f32::NAN]),
            ];
            let (digest, found) = digest_state(&state);
            assert_eq!(digest, protocol::checkpoint::content_digest(&state));
            let found = found.expect("it is there");
            assert_eq!(
                (found.name.as_str(), found.element, found.value.as_str()),
                ("u", at as u64, name)
            );
        }
        let (_, none) = digest_state(&[buffer("u", Element::F32, &[0.0, -0.0, f32::MIN_POSITIVE / 2.0, f32::MIN])]);
        assert_eq!(none, None);
    }
}
