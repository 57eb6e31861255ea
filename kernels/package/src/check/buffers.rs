//! Buffers: their sizes, and where their first contents come from.

use std::collections::BTreeMap;

use super::words::{buffer_index, count, finite, unit, within};
use super::{Checked, Sizes};
use crate::error::PackageError;
use crate::folder::check_path;
use crate::layout;
use crate::limits::{DEVICE_BYTES_MAX, DIMENSIONS_MAX};
use crate::manifest::{Buffer, Element, Layout, Manifest, Number, Role};

pub(super) fn buffer(buffer: &Buffer, constants: &BTreeMap<String, Number>) -> Checked<Sizes> {
    let at = |key: &str| format!("buffer '{}': {key}", buffer.name);
    if buffer.name == "clock" {
        return Err(PackageError::found(
            at("name"),
            "'clock'",
            "another name: 'clock' is the step counter",
        ));
    }
    within(&at("shape: dimensions"), buffer.shape.len() as u64, 1, DIMENSIONS_MAX as u64)?;
    let shape: Vec<u64> = (buffer.shape.iter().enumerate())
        .map(|(index, extent)| count(&at(&format!("shape[{index}]")), extent, constants))
        .collect::<Checked<_>>()?;
    let last = shape[shape.len() - 1];
    if buffer.layout == Layout::Vec4 && last != 3 {
        return Err(PackageError::found(
            at("layout"),
            format_args!("vec4 with a last dimension of {last}"),
            "a last dimension of 3",
        ));
    }
    let standard = shape.iter().try_fold(4u64, |bytes, extent| bytes.checked_mul(*extent));
    let Some((standard, device)) = standard.and_then(|bytes| Some((bytes, layout::device_size(buffer.layout, bytes)?))) else {
        return Err(PackageError::found(
            at("shape"),
            format_args!("{shape:?}, more bytes than 64 bits count"),
            format_args!("at most {DEVICE_BYTES_MAX} bytes for all buffers together"),
        ));
    };
    source(buffer)?;
    if let Some(scale) = &buffer.scale {
        let is_matrix = last == 3 && scale.len() == 9;
        if scale.len() != 1 && scale.len() as u64 != last && !is_matrix {
            return Err(PackageError::found(
                at("scale"),
                format_args!("{} numbers", scale.len()),
                format_args!("1, or {last} as the last dimension has, or 9 for a last dimension of 3"),
            ));
        }
        scale.iter().try_for_each(|value| finite(&at("scale"), *value))?;
    }
    unit(&format!("buffer '{}'", buffer.name), buffer.unit.as_ref())?;
    Ok(Sizes { shape, standard, device })
}

/// Buffers that others' scales are multiplied by.
pub(super) fn scale_by(manifest: &Manifest, sizes: &[Sizes]) -> Checked {
    for buffer in &manifest.buffers {
        let Some(name) = &buffer.scale_by else { continue };
        let key = format!("buffer '{}': scale_by", buffer.name);
        if buffer.scale.is_none() {
            return Err(PackageError::found(key, "no scale", "a scale that it multiplies"));
        }
        let index = buffer_index(manifest, &key, name)?;
        let (source, elements) = (&manifest.buffers[index], sizes[index].elements());
        if source.role != Role::State || source.element != Element::F32 || elements != 1 {
            let found = format!("'{}' with {elements} elements of type {}", source.name, source.element);
            return Err(PackageError::found(key, found, "a state buffer of one f32"));
        }
    }
    Ok(())
}

/// Where a buffer's first contents come from.
fn source(buffer: &Buffer) -> Checked {
    let at = |key: &str| format!("buffer '{}': {key}", buffer.name);
    let has_contents = matches!(buffer.role, Role::State | Role::Constant);
    match (has_contents, &buffer.init, &buffer.fill) {
        (true, Some(file), None) => check_path(&at("init"), file, ".npy"),
        (true, None, Some(fill)) => fill_word(buffer.element, *fill).map(|_| ()).ok_or_else(|| {
            let expected = match buffer.element {
                Element::F32 => "a finite number that f32 can hold",
                Element::U32 => "an integer from 0 to 4294967295",
                Element::I32 => "an integer from -2147483648 to 2147483647",
            };
            PackageError::found(at("fill"), fill, expected)
        }),
        (false, None, None) => Ok(()),
        (true, None, None) => Err(PackageError::found(
            at("init"),
            "neither init nor fill",
            "one of them for a state or constant buffer",
        )),
        (true, Some(_), Some(_)) => Err(PackageError::found(at("fill"), "both init and fill", "only one of them")),
        (false, init, _) => Err(PackageError::found(
            at(if init.is_some() { "init" } else { "fill" }),
            "initial contents",
            "none: scratch and observable buffers start as zero in every segment",
        )),
    }
}

/// The four bytes of a fill value, where it fits the element type.
pub(crate) fn fill_word(element: Element, fill: Number) -> Option<[u8; 4]> {
    match (element, fill) {
        (Element::F32, Number::Float(value)) => Some(value as f32),
        // Every integer up to 2^24 is an f32.
        (Element::F32, Number::Integer(value)) => (value.unsigned_abs() <= 1 << 24).then_some(value as f32),
        (Element::U32, Number::Integer(value)) => return u32::try_from(value).ok().map(u32::to_le_bytes),
        (Element::I32, Number::Integer(value)) => return i32::try_from(value).ok().map(i32::to_le_bytes),
        _ => None,
    }
    .filter(|value| value.is_finite())
    .map(f32::to_le_bytes)
}

pub(super) fn memory(manifest: &Manifest, sizes: &[Sizes]) -> Checked {
    let total = sizes
        .iter()
        .try_fold(0u64, |total, size| total.checked_add(size.device))
        .unwrap_or(u64::MAX);
    if total > DEVICE_BYTES_MAX {
        let (largest, size) =
            (manifest.buffers.iter().zip(sizes).max_by_key(|(_, size)| size.device)).expect("there is a buffer");
        return Err(PackageError::found(
            "buffer",
            format_args!(
                "{total} bytes of device memory in all (buffer '{}' alone {})",
                largest.name, size.device
            ),
            format_args!("at most {DEVICE_BYTES_MAX}"),
        ));
    }
    Ok(())
}
