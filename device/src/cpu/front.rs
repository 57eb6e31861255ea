//! WGSL text to a validated module with its `override`s resolved.
//!
//! Source text is hostile: its size is limited before it is parsed.

use naga::back::PipelineConstants;
use naga::back::pipeline_constants::process_overrides;
use naga::valid::{Capabilities, ModuleInfo, ValidationFlags, Validator};
use naga::{AddressSpace, Module, ShaderStage, StorageAccess};
use protocol::Tier;

use super::text;
use crate::{DeviceError, ModuleDesc, PassDesc, strict};

/// Most bytes of WGSL in a module.
const SOURCE_BYTES_MAX: u64 = 4 << 20;
/// Most of [`text::effort`]: a function of 160 KiB, or forty of 25 KiB. Text of that size takes some seconds at worst.
const EFFORT_MAX: u64 = (160 << 10) * (160 << 10);
/// Most invocations of a workgroup.
const INVOCATIONS_MAX: u64 = 1024;

/// A module whose entry points are not chosen yet.
pub(super) struct Parsed {
    module: Module,
    info: ModuleInfo,
}

/// A module with one entry point and no `override`s.
pub(super) struct Resolved {
    pub(super) module: Module,
    pub(super) info: ModuleInfo,
    /// Index of the entry point.
    pub(super) entry: usize,
}

/// A buffer variable that an entry point uses.
pub(super) struct Used {
    pub(super) binding: u32,
    pub(super) name: String,
    /// Bytes its type needs.
    pub(super) size: u64,
    pub(super) written: bool,
    pub(super) uniform: bool,
}

/// Parse and validate; in the portable tier, lower.
pub(super) fn parse(desc: &ModuleDesc, tier: Tier) -> Result<Parsed, DeviceError> {
    let size = desc.source.len() as u64;
    if size > SOURCE_BYTES_MAX {
        let what = format!("module '{}', in bytes of WGSL,", desc.label);
        return Err(DeviceError::Limit {
            what,
            needed: size,
            limit: SOURCE_BYTES_MAX,
        });
    }
    let effort = text::effort(&desc.source);
    if effort > EFFORT_MAX {
        return Err(DeviceError::Limit {
            what: format!(
                "module '{}', in squares of the bytes of its functions (shorter ones are cheaper),",
                desc.label
            ),
            needed: effort,
            limit: EFFORT_MAX,
        });
    }
    let shader = |message: String, span| DeviceError::Shader {
        label: desc.label.clone(),
        message,
        span,
    };
    let module = naga::front::wgsl::parse_str(&desc.source).map_err(|error| {
        let span = error.labels().next().and_then(|(span, _)| span.to_range());
        shader(error.message().to_owned(), span)
    })?;
    let mut validator = Validator::new(ValidationFlags::all(), Capabilities::SHADER_FLOAT16_IN_FLOAT32);
    let info = validator.validate(&module).map_err(|error| {
        let span = error.spans().next().and_then(|(span, _)| span.to_range());
        shader(explain(error.as_inner()), span)
    })?;
    if tier == Tier::ClassBound {
        return Ok(Parsed { module, info });
    }
    // WebAssembly's own division, square root, roundings and conversions are IEEE 754's.
    let policy = strict::Policy {
        underflow: desc.underflow,
        native: true,
    };
    let lowered =
        strict::lower(&desc.source, &module, &info, policy).map_err(|refusal| shader(refusal.message, refusal.span))?;
    let info = validator
        .validate(&lowered)
        .map_err(|error| shader(format!("once lowered: {}", explain(error.as_inner())), None))?;
    Ok(Parsed { module: lowered, info })
}

/// An error with its causes.
fn explain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}

/// Choose an entry point and give the `override`s their values.
pub(super) fn resolve(parsed: &Parsed, module: &ModuleDesc, pass: &PassDesc) -> Result<Resolved, DeviceError> {
    let known = parsed
        .module
        .entry_points
        .iter()
        .any(|point| point.stage == ShaderStage::Compute && point.name == pass.entry);
    if !known {
        return Err(DeviceError::Program(format!(
            "pass '{}': module '{}' has no compute entry point '{}'",
            pass.label, module.label, pass.entry
        )));
    }
    let mut constants = PipelineConstants::default();
    for (name, value) in &pass.overrides {
        constants.insert(name.clone(), *value);
    }
    let entry = Some((ShaderStage::Compute, pass.entry.as_str()));
    let (module_now, info) = process_overrides(&parsed.module, &parsed.info, entry, &constants)
        .map_err(|error| DeviceError::Program(format!("pass '{}': {}", pass.label, explain(&error))))?;
    let (module_now, info) = (module_now.into_owned(), info.into_owned());
    let entry = module_now
        .entry_points
        .iter()
        .position(|point| point.stage == ShaderStage::Compute && point.name == pass.entry);
    let Some(entry) = entry else {
        return Err(DeviceError::Program(format!(
            "pass '{}': entry point '{}' is lost",
            pass.label, pass.entry
        )));
    };
    let invocations: u64 = module_now.entry_points[entry]
        .workgroup_size
        .iter()
        .map(|size| u64::from(*size))
        .product();
    if invocations > INVOCATIONS_MAX || invocations == 0 {
        let what = format!("pass '{}', in invocations of a workgroup,", pass.label);
        return Err(DeviceError::Limit {
            what,
            needed: invocations,
            limit: INVOCATIONS_MAX,
        });
    }
    Ok(Resolved {
        module: module_now,
        info,
        entry,
    })
}

/// The buffers an entry point uses.
pub(super) fn used(resolved: &Resolved, pass: &PassDesc) -> Result<Vec<Used>, DeviceError> {
    let info = resolved.info.get_entry_point(resolved.entry);
    let mut all = Vec::new();
    for (handle, global) in resolved.module.global_variables.iter() {
        let (uniform, written) = match global.space {
            AddressSpace::Uniform => (true, false),
            AddressSpace::Storage { access } => (false, access.contains(StorageAccess::STORE)),
            _ => continue,
        };
        let Some(binding) = global.binding.as_ref().filter(|_| !info[handle].is_empty()) else {
            continue;
        };
        let name = global.name.clone().unwrap_or_default();
        if binding.group != 0 {
            let text = format!(
                "pass '{}': '{name}' is in @group({}); only @group(0) is used",
                pass.label, binding.group
            );
            return Err(DeviceError::Program(text));
        }
        let size = u64::from(resolved.module.types[global.ty].inner.size(resolved.module.to_ctx()));
        all.push(Used {
            binding: binding.binding,
            name,
            size,
            written,
            uniform,
        });
    }
    Ok(all)
}
