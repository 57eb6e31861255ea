//! A package's identity: BLAKE3 over canonical content. Byte by byte in `docs/kernel-package.md`.
//!
//! Invariant: two packages have the same digest exactly when every value of the manifest but its `settings`, every shader's text and every
//! initial byte is the same; how `kernel.toml` is laid out, which version an `.npy` header has, and what may be set, does not show.

use std::collections::BTreeMap;

use protocol::Digest;
use serde_json::Value;

use super::Manifest;

/// Opens the digested bytes; the number is the version of this encoding.
const DOMAIN: &[u8] = b"baton kernel package 1\n";

/// The digest of checked content.
pub(super) fn digest(manifest: &Manifest, shaders: &BTreeMap<String, String>, init: &BTreeMap<String, Vec<u8>>) -> Digest {
    let computed = Manifest {
        settings: BTreeMap::new(),
        ..manifest.clone()
    };
    let tree = serde_json::to_value(computed).expect("a manifest has only text keys and finite numbers");
    let mut canonical = Vec::new();
    encode(&tree, &mut canonical);

    let mut hasher = blake3::Hasher::new();
    hasher.update(DOMAIN);
    update_sized(&mut hasher, &canonical);
    hasher.update(&(shaders.len() as u64).to_le_bytes());
    for (file, text) in shaders {
        update_sized(&mut hasher, file.as_bytes());
        update_sized(&mut hasher, text.as_bytes());
    }
    hasher.update(&(init.len() as u64).to_le_bytes());
    for (buffer, bytes) in init {
        update_sized(&mut hasher, buffer.as_bytes());
        update_sized(&mut hasher, bytes);
    }
    Digest(hasher.finalize().into())
}

fn update_sized(hasher: &mut blake3::Hasher, bytes: &[u8]) {
    hasher.update(&(bytes.len() as u64).to_le_bytes());
    hasher.update(bytes);
}

/// A tag byte, then the value: numbers in 8 little-endian bytes, everything else behind its length.
fn encode(value: &Value, out: &mut Vec<u8>) {
    let sized = |out: &mut Vec<u8>, tag: u8, length: usize| {
        out.push(tag);
        out.extend_from_slice(&(length as u64).to_le_bytes());
    };
    match value {
        Value::Null => unreachable!("absent keys are left out, and every float was checked to be finite"),
        Value::Bool(value) => out.extend_from_slice(&[b'b', u8::from(*value)]),
        Value::Number(number) => {
            if let Some(integer) = number.as_i64() {
                out.push(b'i');
                out.extend_from_slice(&integer.to_le_bytes());
            } else {
                let float = number.as_f64().expect("every integer was checked to fit i64");
                out.push(b'f');
                out.extend_from_slice(&float.to_bits().to_le_bytes());
            }
        }
        Value::String(text) => {
            sized(out, b's', text.len());
            out.extend_from_slice(text.as_bytes());
        }
        Value::Array(items) => {
            sized(out, b'a', items.len());
            items.iter().for_each(|item| encode(item, out));
        }
        Value::Object(map) => {
            sized(out, b'o', map.len());
            let sorted: BTreeMap<&String, &Value> = map.iter().collect();
            for (key, item) in sorted {
                out.extend_from_slice(&(key.len() as u64).to_le_bytes());
                out.extend_from_slice(key.as_bytes());
                encode(item, out);
            }
        }
    }
}
