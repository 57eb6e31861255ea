//! The same package with other values of what its manifest lets be set.
//!
//! Invariant: what comes out passed every check of a package, and has a digest of its own as soon as a constant or an initial byte differs.
//! Buffers are scaled in f64 and rounded once, so that a value gives the same bytes on every machine.

use std::collections::BTreeMap;

use super::error::{PackageError, listed};
use super::manifest::{Number, Setting};
use super::{Manifest, Package};

/// Values by the settings' names.
pub type Values = BTreeMap<String, Number>;

impl Package {
    /// The value that a setting has in this package.
    pub fn setting(&self, name: &str) -> Option<Number> {
        let setting = self.manifest.settings.get(name)?;
        value(name, setting, &self.manifest.constants)
    }

    /// Read a setting's value as a person writes it: of the type that the package's own value has, within the setting's bounds.
    ///
    /// # Errors
    /// There is no such setting, it is no number of its type, or out of bounds: what was found and what was expected.
    pub fn read_setting(&self, name: &str, text: &str) -> Result<Number, String> {
        let unknown = || {
            let known = listed(self.manifest.settings.keys().map(String::as_str));
            format!("found the unknown setting '{}', expected one of {known}", name.escape_debug())
        };
        let setting = self.manifest.settings.get(name).ok_or_else(unknown)?;
        let own = self.setting(name).ok_or_else(unknown)?;
        let (read, expected) = match own {
            Number::Bool(_) => (text.parse().ok().map(Number::Bool), "true or false"),
            Number::Integer(_) => (text.parse().ok().map(Number::Integer), "an integer"),
            Number::Float(_) => {
                let value = text.parse().ok().filter(|value: &f64| value.is_finite());
                (value.map(Number::Float), "a number")
            }
        };
        let found = |expected: &str| format!("{name}: found '{}', expected {expected}", text.escape_debug());
        let value = read.ok_or_else(|| found(expected))?;
        within(setting, value).map_err(|expected| found(&expected))?;
        factor(setting, own, value).map_err(|expected| found(&expected))?;
        Ok(value)
    }

    /// The package with these values: a package of its own.
    ///
    /// # Errors
    /// A value is none that [`Package::read_setting`] gives, or the package does not pass its checks with it.
    pub fn with_settings(&self, values: &Values) -> Result<Self, PackageError> {
        let (mut manifest, mut init) = (self.manifest.clone(), self.init.clone());
        for (name, value) in values {
            let wrong = |message: String| PackageError::file(format_args!("setting '{}'", name.escape_debug()), message);
            let same = self.read_setting(name, &value.to_string()).map_err(wrong)?;
            let own = self.setting(name).unwrap_or(same);
            let setting = &self.manifest.settings[name];
            let factor = factor(setting, own, same).map_err(wrong)?;
            for (buffer, factor) in factor {
                scale(&mut manifest, &mut init, &buffer, factor);
            }
            write(&mut manifest, name, same);
        }
        Self::new(manifest, self.shaders.clone(), init)
    }
}

impl Setting {
    /// A temperature, K, to whose square root a buffer of velocities or of their noise is proportional.
    pub fn temperature(kelvin: f64, buffer: &str, of_what: &str) -> Self {
        Self {
            about: format!("temperature {of_what}"),
            unit: Some("K".into()),
            value: Some(kelvin),
            scales: BTreeMap::from([(buffer.to_owned(), 0.5)]),
            min: Some(Number::Float(0.0)),
            ..Self::default()
        }
    }
}

/// Names of the constants that hold a setting's value, none where `value` does.
pub(super) fn constants<'a>(name: &'a str, setting: &'a Setting) -> Vec<&'a str> {
    match (setting.value, setting.constants.is_empty()) {
        (Some(_), _) => Vec::new(),
        (None, true) => vec![name],
        (None, false) => setting.constants.iter().map(String::as_str).collect(),
    }
}

/// A setting's value in a manifest; none where its constants are not there.
pub(super) fn value(name: &str, setting: &Setting, all: &BTreeMap<String, Number>) -> Option<Number> {
    if let Some(value) = setting.value {
        return Some(Number::Float(value));
    }
    match *constants(name, setting) {
        [one] => all.get(one).copied(),
        [low, high] => {
            let word = |name: &str| match all.get(name) {
                Some(Number::Integer(value)) => u32::try_from(*value).ok(),
                _ => None,
            };
            let value = u64::from(word(low)?) | u64::from(word(high)?) << 32;
            Some(Number::Integer(value.cast_signed()))
        }
        _ => None,
    }
}

/// A number as a float.
pub(super) fn as_float(value: Number) -> Option<f64> {
    match value {
        Number::Bool(_) => None,
        Number::Integer(value) => Some(value as f64),
        Number::Float(value) => Some(value),
    }
}

/// Whether a value lies within the setting's bounds; if not, what is expected.
pub(super) fn within(setting: &Setting, value: Number) -> Result<(), String> {
    let above = |low: Number, high: Number| match (low, high) {
        (Number::Integer(low), Number::Integer(high)) => low > high,
        _ => as_float(low) > as_float(high),
    };
    let unit = setting.unit.as_deref().map(|unit| format!(" {unit}")).unwrap_or_default();
    match (setting.min, setting.max) {
        (Some(min), Some(max)) if above(min, value) || above(value, max) => Err(format!("{min} to {max}{unit}")),
        (Some(min), None) if above(min, value) => Err(format!("{min}{unit} or more")),
        (None, Some(max)) if above(value, max) => Err(format!("{max}{unit} or less")),
        _ => Ok(()),
    }
}

/// What each buffer is multiplied by; or what is expected of the value.
fn factor(setting: &Setting, own: Number, new: Number) -> Result<Vec<(String, f64)>, String> {
    let mut factors = Vec::new();
    for (buffer, power) in &setting.scales {
        let (Some(own), Some(new)) = (as_float(own), as_float(new)) else {
            return Err("a number".into());
        };
        let factor = libm::pow(new / own, *power);
        if new < 0.0 || !factor.is_finite() {
            return Err(format!("a number that buffer '{buffer}' can be scaled with, above 0"));
        }
        factors.push((buffer.clone(), factor));
    }
    Ok(factors)
}

fn scale(manifest: &mut Manifest, init: &mut BTreeMap<String, Vec<u8>>, name: &str, factor: f64) {
    let scaled = |x: f32| (f64::from(x) * factor) as f32;
    if let Some(bytes) = init.get_mut(name) {
        for word in bytes.chunks_exact_mut(4) {
            let x = f32::from_le_bytes(word.try_into().expect("chunks of 4 bytes"));
            word.copy_from_slice(&scaled(x).to_le_bytes());
        }
    }
    for buffer in manifest.buffers.iter_mut().filter(|buffer| buffer.name == name) {
        if let Some(fill) = buffer.fill.and_then(as_float) {
            buffer.fill = Some(Number::Float(f64::from(scaled(fill as f32))));
        }
    }
}

fn write(manifest: &mut Manifest, name: &str, value: Number) {
    let Some(setting) = manifest.settings.get_mut(name) else {
        return;
    };
    let names: Vec<String> = constants(name, setting).into_iter().map(str::to_owned).collect();
    match (names.as_slice(), value) {
        ([low, high], Number::Integer(value)) => {
            let value = value.cast_unsigned();
            let words = [(low, value & 0xffff_ffff), (high, value >> 32)];
            for (name, word) in words {
                manifest.constants.insert(name.clone(), Number::Integer(word.cast_signed()));
            }
        }
        ([one], value) => drop(manifest.constants.insert(one.clone(), value)),
        _ => setting.value = as_float(value),
    }
}
