//! The manifest's words one by one: names, counts, numbers, units, and what they refer to.

use std::collections::{BTreeMap, BTreeSet};

use super::Checked;
use crate::error::{PackageError, listed};
use crate::limits::{CONSTANTS_MAX, NAME_BYTES_MAX, TEXT_BYTES_MAX};
use crate::manifest::{Count, Manifest, Number, Pass};

/// What a count amounts to, at least 1.
pub(crate) fn count(key: &str, count: &Count, constants: &BTreeMap<String, Number>) -> Checked<u64> {
    let value = match count {
        Count::Value(value) => *value,
        Count::Name(name) => match constants.get(name) {
            Some(Number::Integer(value)) => {
                u64::try_from(*value).map_err(|_| PackageError::found(key, format_args!("'{name}' = {value}"), "at least 1"))?
            }
            Some(other) => {
                return Err(PackageError::found(
                    key,
                    format_args!("'{name}' = {other}"),
                    "an integer constant",
                ));
            }
            None => {
                return Err(PackageError::found(
                    key,
                    format_args!("the unknown constant '{name}'"),
                    format_args!(
                        "a number or one of the constants: {}",
                        listed(constants.keys().map(String::as_str))
                    ),
                ));
            }
        },
    };
    if value == 0 {
        let written = match count {
            Count::Value(_) => "0".to_owned(),
            Count::Name(name) => format!("'{name}' = 0"),
        };
        return Err(PackageError::found(key, written, "at least 1"));
    }
    Ok(value)
}

/// The counts that a pass is dispatched by.
pub(super) fn pass_counts(pass: &Pass) -> impl Iterator<Item = &Count> {
    [&pass.invocations, &pass.workgroups].into_iter().flatten().flatten()
}

/// Index of the buffer that a key names.
pub(crate) fn buffer_index(manifest: &Manifest, key: &str, name: &str) -> Checked<usize> {
    manifest.buffers.iter().position(|buffer| buffer.name == name).ok_or_else(|| {
        let known = listed(manifest.buffers.iter().map(|buffer| buffer.name.as_str()));
        PackageError::found(
            key,
            format_args!("the unknown buffer '{}'", name.escape_debug()),
            format_args!("one of {known}"),
        )
    })
}

pub(super) fn pass_index(manifest: &Manifest, key: &str, name: &str) -> Checked<usize> {
    manifest.passes.iter().position(|pass| pass.name == name).ok_or_else(|| {
        let known = listed(manifest.passes.iter().map(|pass| pass.name.as_str()));
        PackageError::found(
            key,
            format_args!("the unknown pass '{}'", name.escape_debug()),
            format_args!("one of {known}"),
        )
    })
}

/// A package's name names folders, too.
pub(crate) fn package_name(name: &str) -> Checked {
    let good = name.len() <= NAME_BYTES_MAX
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name
            .bytes()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-');
    if good {
        return Ok(());
    }
    let expected = format!("a lower-case letter, then lower-case letters, digits and '-', at most {NAME_BYTES_MAX} bytes");
    Err(PackageError::found("name", format_args!("'{}'", shown(name)), expected))
}

/// A name that WGSL and file systems accept.
pub(super) fn identifier(key: &str, name: &str) -> Checked {
    let good = name.len() <= NAME_BYTES_MAX
        && name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'_')
        && name != "_"
        && !name.starts_with("__");
    if good {
        return Ok(());
    }
    let expected = format!("a WGSL identifier: ASCII letters, digits and '_', no digit first, at most {NAME_BYTES_MAX} bytes");
    Err(PackageError::found(key, format_args!("'{}'", shown(name)), expected))
}

pub(super) fn shown(name: &str) -> String {
    name.chars()
        .take(NAME_BYTES_MAX)
        .collect::<String>()
        .escape_debug()
        .to_string()
}

/// A line for people.
pub(super) fn text(key: &str, text: &str) -> Checked {
    if text.len() > TEXT_BYTES_MAX || text.contains(char::is_control) {
        let found = format!("{} bytes: '{}'", text.len(), shown(text));
        return Err(PackageError::found(
            key,
            found,
            format_args!("one line of at most {TEXT_BYTES_MAX} bytes"),
        ));
    }
    Ok(())
}

/// A unit stands in the head of a CSV file.
pub(super) fn unit(key: &str, unit: Option<&String>) -> Checked {
    match unit {
        Some(unit) if unit.len() > NAME_BYTES_MAX || unit.contains(|c: char| c.is_control() || matches!(c, ',' | '"')) => {
            let expected = format!("at most {NAME_BYTES_MAX} bytes without commas and quotes");
            Err(PackageError::found(
                format_args!("{key}: unit"),
                format_args!("'{}'", shown(unit)),
                expected,
            ))
        }
        _ => Ok(()),
    }
}

pub(super) fn finite(key: &str, value: f64) -> Checked {
    if value.is_finite() {
        Ok(())
    } else {
        Err(PackageError::found(key, value, "a finite number"))
    }
}

pub(super) fn within(key: &str, value: u64, min: u64, max: u64) -> Checked {
    if (min..=max).contains(&value) {
        Ok(())
    } else {
        Err(PackageError::found(key, value, format_args!("{min} to {max}")))
    }
}

pub(super) fn count_of(key: &str, found: usize, min: usize, max: usize) -> Checked {
    within(&format!("[[{key}]] sections"), found as u64, min as u64, max as u64)
}

pub(super) fn unique<'a>(kind: &str, names: impl Iterator<Item = &'a String>) -> Checked {
    let mut seen = BTreeSet::new();
    for (index, name) in names.enumerate() {
        identifier(&format!("{kind} {index}: name"), name)?;
        if !seen.insert(name) {
            return Err(PackageError::key(
                format_args!("{kind} '{name}': name"),
                format_args!("found a second {kind} of this name"),
            ));
        }
    }
    Ok(())
}

pub(super) fn constants(key: &str, constants: &BTreeMap<String, Number>) -> Checked {
    within(
        &format!("{key}: number of entries"),
        constants.len() as u64,
        0,
        CONSTANTS_MAX as u64,
    )?;
    for (name, value) in constants {
        identifier(&format!("{key}: name"), name)?;
        if let Number::Float(value) = value {
            finite(&format!("{key}: {name}"), *value)?;
        }
    }
    Ok(())
}
