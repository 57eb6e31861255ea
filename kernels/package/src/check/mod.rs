//! Validation of `kernel.toml` across its fields and against the limits, before any other file is read.

use std::collections::{BTreeMap, BTreeSet};

use super::error::PackageError;
use super::folder::check_path;
use super::limits::{BUFFERS_MAX, EVERY_MAX, OUTPUTS_MAX, PASSES_MAX, SHADERS_MAX, STEPS_MAX};
use super::manifest::{Manifest, Run};

mod buffers;
mod grow;
mod outputs;
mod passes;
mod settings;
mod words;

pub(super) use buffers::fill_word;
pub(super) use words::{buffer_index, count, package_name};

use buffers::{buffer, memory, scale_by};
use outputs::{done, evaluate, faults, outputs};
use passes::pass;
use words::{constants, count_of, text, unique, unit, within};

/// A buffer's extents as numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sizes {
    /// Extents, outermost first, each at least 1.
    pub(super) shape: Vec<u64>,
    /// Bytes in the standard layout.
    pub(super) standard: u64,
    /// Bytes on the device.
    pub(super) device: u64,
}

impl Sizes {
    /// Elements in the standard layout.
    pub(super) fn elements(&self) -> u64 {
        self.standard / 4
    }
}

/// What a check gives.
type Checked<T = ()> = Result<T, PackageError>;

/// Check everything that the manifest alone can tell. Gives the sizes of its buffers.
pub(super) fn manifest(manifest: &Manifest) -> Checked<Vec<Sizes>> {
    if manifest.format != 1 {
        return Err(PackageError::found("format", manifest.format, "1, the one format there is"));
    }
    package_name(&manifest.name)?;
    text("version", &manifest.version)?;
    text("description", &manifest.description)?;
    run(&manifest.run)?;
    constants("constants", &manifest.constants)?;

    count_of("buffer", manifest.buffers.len(), 1, BUFFERS_MAX)?;
    count_of("pass", manifest.passes.len(), 1, PASSES_MAX)?;
    count_of("output", manifest.outputs.len(), 0, OUTPUTS_MAX)?;
    unique("buffer", manifest.buffers.iter().map(|buffer| &buffer.name))?;
    unique("pass", manifest.passes.iter().map(|pass| &pass.name))?;
    unique("output", manifest.outputs.iter().map(|output| &output.name))?;

    let mut sizes = Vec::new();
    for one in &manifest.buffers {
        sizes.push(buffer(one, &manifest.constants)?);
    }
    memory(manifest, &sizes)?;
    scale_by(manifest, &sizes)?;
    files(manifest)?;
    for one in &manifest.passes {
        pass(one, manifest, &sizes)?;
    }
    outputs(manifest, &sizes)?;
    faults(manifest)?;
    done(manifest)?;
    grow::check(manifest)?;
    if let Some(parent) = &manifest.parent {
        within("parent: step", parent.step, 0, EVERY_MAX)?;
    }
    if let Some(one) = &manifest.evaluate {
        evaluate(one, manifest, &sizes)?;
    }
    settings::check(manifest)?;
    Ok(sizes)
}

fn run(run: &Run) -> Checked {
    within("run: steps_per_segment", run.steps_per_segment, 1, STEPS_MAX)?;
    within("run: segments", run.segments, 1, STEPS_MAX)?;
    let steps = run.steps_per_segment.saturating_mul(run.segments);
    within("run: steps_per_segment times segments", steps, 1, EVERY_MAX)?;
    if let Some(time) = run.time_per_step.filter(|time| !(time.is_finite() && *time > 0.0)) {
        return Err(PackageError::found("run: time_per_step", time, "a finite number above 0"));
    }
    if let Some(time) = run.start_time.filter(|time| !time.is_finite() || run.time_unit.is_none()) {
        return Err(PackageError::found(
            "run: start_time",
            time,
            "a finite number, beside time_per_step and time_unit",
        ));
    }
    within("run: start_step", run.start_step.unwrap_or(0), 0, EVERY_MAX)?;
    match (run.time_per_step, &run.time_unit) {
        (Some(time), None) => Err(PackageError::key(
            "run: time_per_step",
            format_args!("found {time} without time_unit: add time_unit = \"ps\" or another unit, or leave time_per_step out"),
        )),
        (None, Some(_)) => Err(PackageError::key(
            "run: time_unit",
            "found without time_per_step: add the time of a step in this unit, or leave time_unit out",
        )),
        (_, unit_of_time) => unit("run: time_unit", unit_of_time.as_ref()),
    }
}

fn files(manifest: &Manifest) -> Checked {
    let mut shaders = BTreeSet::new();
    for pass in &manifest.passes {
        let key = format!("pass '{}': shader", pass.name);
        within(&format!("{key}: files"), pass.shader.len() as u64, 1, SHADERS_MAX as u64)?;
        for (index, file) in pass.shader.iter().enumerate() {
            check_path(&key, file, ".wgsl")?;
            if pass.shader[..index].contains(file) {
                return Err(PackageError::found(key, format_args!("'{file}' twice"), "each file once"));
            }
            shaders.insert(file.as_str());
        }
    }
    within(
        "pass: shader: different WGSL files",
        shaders.len() as u64,
        1,
        SHADERS_MAX as u64,
    )?;
    let mut arrays = BTreeMap::new();
    for buffer in &manifest.buffers {
        if let Some(file) = &buffer.init
            && let Some(other) = arrays.insert(file.as_str(), &buffer.name)
        {
            let key = format!("buffer '{}': init", buffer.name);
            return Err(PackageError::found(
                key,
                format_args!("'{file}', which is buffer '{other}' already"),
                "a file of its own",
            ));
        }
    }
    // A package must unfold on file systems that do not tell cases apart.
    let mut folded = BTreeMap::new();
    for file in shaders.into_iter().chain(arrays.into_keys()) {
        if let Some(other) = folded.insert(file.to_ascii_lowercase(), file) {
            return Err(PackageError::key(
                "shader and init",
                format_args!("found '{other}' and '{file}', expected names that differ in more than case"),
            ));
        }
    }
    Ok(())
}
