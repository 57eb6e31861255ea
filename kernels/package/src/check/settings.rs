//! Validation of what may be set when a run is begun.
//!
//! Invariant: each constant belongs to one setting at most, and the package's own value of each setting lies within the setting's bounds.

use std::collections::BTreeMap;

use super::Checked;
use super::words::{buffer_index, count_of, finite, identifier, shown, text, unit};
use crate::error::{PackageError, listed};
use crate::limits::SETTINGS_MAX;
use crate::manifest::{Element, Manifest, Number, Role, Setting};
use crate::settings;

pub(super) fn check(manifest: &Manifest) -> Checked {
    count_of("settings.NAME", manifest.settings.len(), 0, SETTINGS_MAX)?;
    let mut owners: BTreeMap<&str, &str> = BTreeMap::new();
    for (name, setting) in &manifest.settings {
        let key = format!("settings.{}", shown(name));
        identifier(&format!("{key}: name"), name)?;
        text(&format!("{key}: about"), &setting.about)?;
        unit(&key, setting.unit.as_ref())?;
        let constants = settings::constants(name, setting);
        sources(&key, setting, &constants, manifest)?;
        for constant in constants {
            if let Some(other) = owners.insert(constant, name) {
                return Err(PackageError::found(
                    format_args!("{key}: constants"),
                    format_args!("'{constant}', which settings.{other} sets"),
                    "a constant that no other setting sets",
                ));
            }
        }
        scales(&key, setting, manifest)?;
        bounds(&key, name, setting, manifest)?;
    }
    Ok(())
}

/// The value comes from one constant, from two, or from `value`.
fn sources(key: &str, setting: &Setting, constants: &[&str], manifest: &Manifest) -> Checked {
    if let Some(value) = setting.value {
        finite(&format!("{key}: value"), value)?;
        if !setting.constants.is_empty() || setting.scales.is_empty() {
            return Err(PackageError::found(
                format_args!("{key}: value"),
                value,
                "scales beside it and no constants: where a constant holds the value, leave value out",
            ));
        }
        return Ok(());
    }
    if constants.len() > 2 {
        return Err(PackageError::found(
            format_args!("{key}: constants"),
            constants.len(),
            "one, or two for the low and the high 32 bits",
        ));
    }
    for name in constants {
        let expected = if constants.len() == 2 {
            "an integer constant of 32 bits"
        } else {
            "a constant"
        };
        let good = match manifest.constants.get(*name) {
            None => false,
            Some(Number::Integer(value)) => constants.len() == 1 || u32::try_from(*value).is_ok(),
            Some(_) => constants.len() == 1,
        };
        if !good {
            return Err(PackageError::found(
                format_args!("{key}: constants"),
                format_args!("'{}'", shown(name)),
                format_args!(
                    "{expected}; there are {}",
                    listed(manifest.constants.keys().map(String::as_str))
                ),
            ));
        }
    }
    Ok(())
}

fn scales(key: &str, setting: &Setting, manifest: &Manifest) -> Checked {
    for (name, power) in &setting.scales {
        let key = format!("{key}: scales");
        let buffer = &manifest.buffers[buffer_index(manifest, &key, name)?];
        finite(&format!("{key}: {name}"), *power)?;
        let starts = matches!(buffer.role, Role::State | Role::Constant);
        if buffer.element != Element::F32 || !starts {
            return Err(PackageError::found(
                key,
                format_args!("'{name}', {} of role {}", buffer.element, buffer.role),
                "an f32 buffer of role state or constant",
            ));
        }
    }
    Ok(())
}

fn bounds(key: &str, name: &str, setting: &Setting, manifest: &Manifest) -> Checked {
    for (bound, number) in [("min", setting.min), ("max", setting.max)] {
        match number {
            Some(Number::Float(value)) => finite(&format!("{key}: {bound}"), value)?,
            Some(Number::Bool(value)) => return Err(PackageError::found(format_args!("{key}: {bound}"), value, "a number")),
            Some(Number::Integer(_)) | None => {}
        }
    }
    let Some(value) = settings::value(name, setting, &manifest.constants) else {
        return Err(PackageError::key(key, "found no value, expected one"));
    };
    if !setting.scales.is_empty() && settings::as_float(value).is_none_or(|value| value <= 0.0) {
        return Err(PackageError::found(
            key,
            format_args!("{value}, which buffers are scaled with"),
            "a number above 0",
        ));
    }
    settings::within(setting, value)
        .map_err(|expected| PackageError::found(key, format_args!("{value} as the package's own value"), expected))
}
