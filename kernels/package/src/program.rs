//! A package as a device's program: one module for each distinct joined text, buffers and passes by their index in the manifest.

use std::collections::BTreeMap;

use wgsl::{BufferDesc, Module, ModuleDesc, PassDesc, Program, Source, Workgroups};

use super::check::{self, Sizes};
use super::error::PackageError;
use super::limits::{MODULES_BYTES_MAX, WORKGROUPS_MAX};
use super::manifest::{Manifest, Pass, Underflow};
use super::reflect::{self, Reflected};
use super::source;

/// Parse each distinct joined WGSL text once, and hold every pass against it.
pub(super) fn compile(
    manifest: &Manifest,
    sizes: &[Sizes],
    shaders: &BTreeMap<String, String>,
) -> Result<(Program, Vec<Workgroups>), PackageError> {
    let mut modules: Vec<(Source, Underflow, Module)> = Vec::new();
    let mut known: BTreeMap<(&[String], Underflow), usize> = BTreeMap::new();
    let mut passes = Vec::new();
    let mut workgroups = Vec::new();
    for pass in &manifest.passes {
        let module = match known.get(&(pass.shader.as_slice(), pass.underflow)) {
            Some(module) => *module,
            None => {
                let source = source::join(&pass.name, &pass.shader, shaders)?;
                let module = modules
                    .iter()
                    .position(|(other, underflow, _)| other.text() == source.text() && *underflow == pass.underflow);
                let module = match module {
                    Some(module) => module,
                    None => {
                        let total = modules.iter().map(|(other, ..)| other.text().len() as u64).sum::<u64>()
                            + source.text().len() as u64;
                        if total > MODULES_BYTES_MAX {
                            let key = format!("pass '{}': shader", pass.name);
                            let found = format!("{total} bytes of different joined texts up to this pass");
                            return Err(PackageError::found(key, found, format_args!("at most {MODULES_BYTES_MAX}")));
                        }
                        let read = source.read(manifest.tier, pass.underflow)?;
                        modules.push((source, pass.underflow, read));
                        modules.len() - 1
                    }
                };
                known.insert((&pass.shader, pass.underflow), module);
                module
            }
        };
        let (source, _, read) = &modules[module];
        let reflected = reflect::pass(pass, manifest, sizes, source, read)?;
        workgroups.push(dispatch(pass, manifest, &reflected)?);
        passes.push(PassDesc {
            label: pass.name.clone(),
            module,
            entry: reflected.entry,
            overrides: reflected.overrides,
            bindings: reflected.bindings,
        });
    }
    let buffers = (manifest.buffers.iter().zip(sizes).enumerate())
        .map(|(index, (buffer, size))| BufferDesc {
            label: buffer.name.clone(),
            size: size.device,
            indirect: workgroups
                .iter()
                .any(|one| matches!(one, Workgroups::Indirect(source, _) if *source == index)),
        })
        .collect();
    let modules = modules
        .into_iter()
        .map(|(source, underflow, _)| ModuleDesc {
            label: source.label(),
            source: source.text().to_owned(),
            underflow,
        })
        .collect();
    Ok((
        Program {
            tier: manifest.tier,
            buffers,
            modules,
            passes,
        },
        workgroups,
    ))
}

/// How many workgroups a pass runs.
fn dispatch(pass: &Pass, manifest: &Manifest, reflected: &Reflected) -> Result<Workgroups, PackageError> {
    if let Some(indirect) = &pass.indirect {
        let buffer = check::buffer_index(manifest, "indirect", &indirect.buffer)?;
        return Ok(Workgroups::Indirect(buffer, indirect.element * 4));
    }
    let (key, counts) = match (&pass.invocations, &pass.workgroups) {
        (Some(counts), _) => ("invocations", counts),
        (None, counts) => (
            "workgroups",
            counts.as_ref().expect("checked: a pass has one of the three sizes"),
        ),
    };
    let mut direct = [1; 3];
    for (axis, one) in counts.iter().enumerate() {
        let key = format!("pass '{}': {key}[{axis}]", pass.name);
        let wanted = check::count(&key, one, &manifest.constants)?;
        let size = if pass.invocations.is_some() {
            u64::from(reflected.workgroup_size[axis])
        } else {
            1
        };
        let groups = wanted.div_ceil(size);
        direct[axis] = u32::try_from(groups)
            .ok()
            .filter(|_| groups <= WORKGROUPS_MAX)
            .ok_or_else(|| {
                PackageError::found(
                    key,
                    format_args!("{groups} workgroups"),
                    format_args!("at most {WORKGROUPS_MAX}: spread them over x, y and z"),
                )
            })?;
    }
    Ok(Workgroups::Direct(direct))
}
