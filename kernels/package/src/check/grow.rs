//! Constants that a device may raise on its own, because results do not depend on them.
//!
//! Invariant: what grows shows in nothing that leaves the device: it counts scratch buffers, no other buffer, and no dispatch.

use super::Checked;
use super::words::{pass_counts, shown};
use crate::error::PackageError;
use crate::manifest::{Count, Manifest, Number, Role};

pub(super) fn check(manifest: &Manifest) -> Checked {
    for (value, constants) in &manifest.grow {
        let key = format!("grow: {}", shown(value));
        if !manifest.faults.contains_key(value) {
            return Err(PackageError::found(
                key,
                "a value without a meaning",
                format_args!("faults: {} = \"what there was no room for\"", shown(value)),
            ));
        }
        if constants.is_empty() {
            return Err(PackageError::found(key, "no constants", "names of integer constants"));
        }
        for name in constants {
            constant(&key, name, manifest)?;
        }
    }
    Ok(())
}

fn constant(key: &str, name: &str, manifest: &Manifest) -> Checked {
    if !matches!(manifest.constants.get(name), Some(Number::Integer(value)) if *value > 0) {
        return Err(PackageError::found(
            key,
            format_args!("'{}'", shown(name)),
            "an integer constant above 0",
        ));
    }
    let is_named = |count: &Count| matches!(count, Count::Name(other) if other == name);
    let counted = |buffer: &&crate::manifest::Buffer| buffer.shape.iter().any(is_named);
    let mut counts = manifest.buffers.iter().filter(counted);
    if let Some(buffer) = counts.clone().find(|buffer| buffer.role != Role::Scratch) {
        return Err(PackageError::found(
            key,
            format_args!("'{name}', which counts the {} buffer '{}'", buffer.role, buffer.name),
            "a constant that counts scratch buffers alone: the others are part of what a run leaves",
        ));
    }
    if counts.next().is_none() {
        return Err(PackageError::found(
            key,
            format_args!("'{name}', which counts no buffer"),
            "a constant that a scratch buffer is counted by",
        ));
    }
    match manifest.passes.iter().find(|pass| pass_counts(pass).any(is_named)) {
        None => Ok(()),
        Some(pass) => Err(PackageError::found(
            key,
            format_args!("'{name}', which pass '{}' is dispatched by", pass.name),
            "a constant that counts scratch buffers alone",
        )),
    }
}
