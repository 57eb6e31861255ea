//! Passes, as far as the manifest alone can tell; `reflect` holds them against their WGSL.

use super::words::{buffer_index, constants, count, identifier, shown, within};
use super::{Checked, Sizes};
use crate::error::PackageError;
use crate::limits::EVERY_MAX;
use crate::manifest::{Count, Element, Layout, Manifest, Pass};

pub(super) fn pass(pass: &Pass, manifest: &Manifest, sizes: &[Sizes]) -> Checked {
    let at = |key: &str| format!("pass '{}': {key}", pass.name);
    if let Some(entry) = &pass.entry {
        identifier(&at("entry"), entry)?;
    }
    within(&at("every"), pass.every, 1, EVERY_MAX)?;
    if pass.offset >= pass.every {
        return Err(PackageError::found(
            at("offset"),
            pass.offset,
            format_args!("less than every = {}", pass.every),
        ));
    }
    constants(&at("constants"), &pass.constants)?;
    for (variable, buffer) in &pass.bindings {
        let key = at(&format!("bindings: {}", shown(variable)));
        if variable == "clock" {
            return Err(PackageError::found(
                key,
                format_args!("'{}'", shown(buffer)),
                "no entry: 'clock' is the step counter",
            ));
        }
        buffer_index(manifest, &key, buffer)?;
    }
    match (&pass.invocations, &pass.workgroups, &pass.indirect) {
        (Some(counts), None, None) => dimensions(&at("invocations"), counts, manifest),
        (None, Some(counts), None) => dimensions(&at("workgroups"), counts, manifest),
        (None, None, Some(indirect)) => {
            let key = at("indirect");
            let index = buffer_index(manifest, &format!("{key}: buffer"), &indirect.buffer)?;
            let (buffer, elements) = (&manifest.buffers[index], sizes[index].elements());
            if buffer.element != Element::U32 || buffer.layout != Layout::Packed {
                let found = format!("'{}' of type {} and layout {}", buffer.name, buffer.element, buffer.layout);
                return Err(PackageError::found(
                    format_args!("{key}: buffer"),
                    found,
                    "a packed u32 buffer",
                ));
            }
            if indirect.element.checked_add(3).is_none_or(|end| end > elements) {
                let expected = format!("three elements inside the {elements} of buffer '{}'", buffer.name);
                return Err(PackageError::found(
                    format_args!("{key}: element"),
                    indirect.element,
                    expected,
                ));
            }
            Ok(())
        }
        (None, None, None) => Err(PackageError::found(
            at("invocations"),
            "no size",
            "one of invocations, workgroups and indirect",
        )),
        _ => Err(PackageError::found(
            at("invocations"),
            "several sizes",
            "only one of invocations, workgroups and indirect",
        )),
    }
}

fn dimensions(key: &str, counts: &[Count], manifest: &Manifest) -> Checked {
    within(&format!("{key}: dimensions"), counts.len() as u64, 1, 3)?;
    counts
        .iter()
        .enumerate()
        .try_for_each(|(index, one)| count(&format!("{key}[{index}]"), one, &manifest.constants).map(|_| ()))
}
