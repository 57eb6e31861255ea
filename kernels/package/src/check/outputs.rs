//! Validation of outputs with their columns, of faults, of the flag that ends a run, and of the section for energies and forces.

use std::collections::BTreeSet;

use super::words::{buffer_index, finite, identifier, pass_index, shown, text, unit, within};
use super::{Checked, Sizes};
use crate::error::{PackageError, listed};
use crate::limits::{COLUMNS_MAX, OUTPUT_BYTES_PER_SEGMENT_MAX, ROWS_PER_SEGMENT_MAX};
use crate::manifest::{Buffer, Column, Element, Evaluate, Manifest, Output, Read, Role};

pub(super) fn outputs(manifest: &Manifest, sizes: &[Sizes]) -> Checked {
    let mut columns = BTreeSet::new();
    let mut bytes = 0u64;
    for output in &manifest.outputs {
        let at = |key: &str| format!("output '{}': {key}", output.name);
        let index = buffer_index(manifest, &at("buffer"), &output.buffer)?;
        let (buffer, size) = (&manifest.buffers[index], &sizes[index]);
        if !matches!(buffer.role, Role::State | Role::Observable) {
            let found = format!("'{}' of role {}", buffer.name, buffer.role);
            return Err(PackageError::found(at("buffer"), found, "a state or observable buffer"));
        }
        let steps = manifest.run.steps_per_segment;
        if output.every == 0 || !steps.is_multiple_of(output.every) {
            return Err(PackageError::found(
                at("every"),
                output.every,
                format_args!("a divisor of steps_per_segment = {steps}"),
            ));
        }
        let rows = steps / output.every;
        within(
            &at("rows in a segment (steps_per_segment / every)"),
            rows,
            1,
            ROWS_PER_SEGMENT_MAX,
        )?;
        bytes = bytes.saturating_add(rows.saturating_mul(size.device));
        if bytes > OUTPUT_BYTES_PER_SEGMENT_MAX {
            let expected =
                format!("at most {OUTPUT_BYTES_PER_SEGMENT_MAX} for all outputs together: raise every, or shorten the segment");
            return Err(PackageError::found(at("bytes in a segment"), bytes, expected));
        }
        after(output, manifest)?;
        for column in &output.columns {
            if !columns.insert(&column.name) {
                return Err(PackageError::key(
                    at(&format!("column '{}'", column.name)),
                    "found a second column of this name",
                ));
            }
            self::column(&at(""), column, buffer, size.elements())?;
        }
    }
    within("output: columns in all", columns.len() as u64, 0, COLUMNS_MAX as u64)
}

/// An output is taken after a pass that runs in every step in which it is taken.
fn after(output: &Output, manifest: &Manifest) -> Checked {
    let Some(name) = &output.after else { return Ok(()) };
    let key = format!("output '{}': after", output.name);
    let pass = &manifest.passes[pass_index(manifest, &key, name)?];
    if pass.offset != 0 || !output.every.is_multiple_of(pass.every) {
        return Err(PackageError::found(
            key,
            format_args!("pass '{name}' with every = {} and offset = {}", pass.every, pass.offset),
            format_args!(
                "a pass that runs in all steps where the output is taken (every = {})",
                output.every
            ),
        ));
    }
    Ok(())
}

fn column(output: &str, column: &Column, buffer: &Buffer, elements: u64) -> Checked {
    let at = |key: &str| format!("{output}column '{}': {key}", shown(&column.name));
    identifier(&at("name"), &column.name)?;
    if matches!(column.name.as_str(), "step" | "time") {
        return Err(PackageError::found(
            at("name"),
            format_args!("'{}'", column.name),
            "another name: every row begins with its step and time",
        ));
    }
    let words = match column.read {
        Read::Element => 1,
        Read::I64 if buffer.element == Element::U32 => 2,
        Read::I64 => {
            let found = format!("i64 of buffer '{}', which is {}", buffer.name, buffer.element);
            return Err(PackageError::found(at("read"), found, "a u32 buffer"));
        }
    };
    if column.element.checked_add(words).is_none_or(|end| end > elements) {
        let expected = format!(
            "less than {} (buffer '{}' has {elements} elements)",
            (elements + 1).saturating_sub(words),
            buffer.name
        );
        return Err(PackageError::found(at("element"), column.element, expected));
    }
    finite(&at("scale"), column.scale)?;
    finite(&at("add"), column.add)?;
    unit(&format!("{output}column '{}'", column.name), column.unit.as_ref())
}

pub(super) fn faults(manifest: &Manifest) -> Checked {
    if manifest.faults.is_empty() {
        return Ok(());
    }
    let is_fault =
        |buffer: &&Buffer| buffer.name == "fault" && buffer.role == Role::Observable && buffer.element == Element::U32;
    if manifest.buffers.iter().find(is_fault).is_none() {
        return Err(PackageError::found(
            "faults",
            "no buffer that tells them",
            "an observable u32 buffer named 'fault'",
        ));
    }
    for (value, meaning) in &manifest.faults {
        if value
            .parse::<u32>()
            .map_or(true, |number| number == 0 || number.to_string() != *value)
        {
            return Err(PackageError::found(
                "faults",
                format_args!("'{}'", shown(value)),
                "a value from 1 to 4294967295",
            ));
        }
        text(&format!("faults: {value}"), meaning)?;
    }
    Ok(())
}

/// The flag that ends a run is part of the state, so that every checkpoint and every digest of the chain covers it.
pub(super) fn done(manifest: &Manifest) -> Checked {
    let Some(name) = &manifest.run.done else { return Ok(()) };
    let buffer = &manifest.buffers[buffer_index(manifest, "run: done", name)?];
    if buffer.role == Role::State && buffer.element == Element::U32 {
        return Ok(());
    }
    let found = format!("'{name}' of role {} and type {}", buffer.role, buffer.element);
    Err(PackageError::found("run: done", found, "a state buffer of u32"))
}

pub(super) fn evaluate(evaluate: &Evaluate, manifest: &Manifest, sizes: &[Sizes]) -> Checked {
    let until = pass_index(manifest, "evaluate: until", &evaluate.until)?;
    if manifest.passes[until].offset != 0 {
        return Err(PackageError::found(
            "evaluate: until",
            format_args!("pass '{}', which step 0 does not run", evaluate.until),
            "a pass with offset = 0",
        ));
    }
    for (class, column) in &evaluate.energies {
        let key = format!("evaluate: energies: {}", shown(class));
        let mut known = manifest
            .outputs
            .iter()
            .flat_map(|output| &output.columns)
            .map(|column| column.name.as_str());
        if !known.clone().any(|name| name == column) {
            let expected = format!("a column of an output: {}", listed(known.by_ref()));
            return Err(PackageError::found(
                key,
                format_args!("the unknown column '{}'", shown(column)),
                expected,
            ));
        }
    }
    let index = buffer_index(manifest, "evaluate: forces", &evaluate.forces)?;
    let (buffer, shape) = (&manifest.buffers[index], &sizes[index].shape);
    if buffer.element != Element::F32 || shape.len() != 2 || shape[1] != 3 {
        let found = format!("buffer '{}' of type {} and shape {shape:?}", buffer.name, buffer.element);
        return Err(PackageError::found(
            "evaluate: forces",
            found,
            "an f32 buffer of shape [n, 3]",
        ));
    }
    Ok(())
}
