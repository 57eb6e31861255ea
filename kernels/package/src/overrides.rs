//! The manifest's constants as values of a module's `override` constants.

use std::collections::BTreeMap;

use naga::{Module, ScalarKind, TypeInner};
use wgsl::Source;

use super::error::{PackageError, listed};
use super::manifest::{Manifest, Number, Pass};

/// Values for the module's `override` constants: the pass's own constants go before the package's.
pub(super) fn overrides(
    pass: &Pass,
    manifest: &Manifest,
    source: &Source,
    module: &Module,
) -> Result<BTreeMap<String, f64>, PackageError> {
    let mut values = BTreeMap::new();
    let mut names = Vec::new();
    for (handle, constant) in module.overrides.iter() {
        let Some(name) = constant.name.as_deref() else { continue };
        names.push(name);
        let own = pass.constants.get(name);
        let Some(value) = own.or_else(|| manifest.constants.get(name)) else {
            if constant.init.is_none() {
                let span = module.overrides.get_span(handle).to_range();
                let message = format!(
                    "found no value for 'override {name}', expected a default here or '{name}' in kernel.toml: constants"
                );
                return Err(source.error_at(span, &message).into());
            }
            continue;
        };
        let value = override_value(&module.types[constant.ty].inner, *value).map_err(|expected| {
            let key = match own {
                Some(_) => format!("pass '{}': constants: {name}", pass.name),
                None => format!("constants: {name}"),
            };
            PackageError::found(
                key,
                value,
                format_args!("{expected} for 'override {name}' in {}", source.label()),
            )
        })?;
        values.insert(constant.id.map_or_else(|| name.to_owned(), |id| id.to_string()), value);
    }
    for name in pass.constants.keys() {
        if !names.contains(&name.as_str()) {
            let key = format!("pass '{}': constants: {name}", pass.name);
            let expected = format!("the name of an override in {}: {}", source.label(), listed(names));
            return Err(PackageError::found(key, "no such override", expected));
        }
    }
    Ok(values)
}

/// A constant as an override of this type takes it, or what is expected instead.
fn override_value(ty: &TypeInner, value: Number) -> Result<f64, &'static str> {
    let TypeInner::Scalar(scalar) = ty else {
        return Err("no value: it is not a scalar");
    };
    match (scalar.kind, value) {
        (ScalarKind::Bool, Number::Bool(value)) => Ok(f64::from(u8::from(value))),
        (ScalarKind::Bool, _) => Err("true or false (bool)"),
        (ScalarKind::Uint, Number::Integer(value)) => u32::try_from(value).map(f64::from).map_err(|_| "0 to 4294967295 (u32)"),
        (ScalarKind::Uint, _) => Err("an integer (u32)"),
        (ScalarKind::Sint, Number::Integer(value)) => i32::try_from(value)
            .map(f64::from)
            .map_err(|_| "-2147483648 to 2147483647 (i32)"),
        (ScalarKind::Sint, _) => Err("an integer (i32)"),
        (_, Number::Float(value)) => {
            // Rounded here, once, so that no device rounds it in its own way.
            let rounded = value as f32;
            if rounded.is_finite() {
                Ok(f64::from(rounded))
            } else {
                Err("a number that f32 can hold")
            }
        }
        _ => Err("a float, with its point (f32)"),
    }
}
