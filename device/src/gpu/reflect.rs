//! WGSL read by naga: what an entry point is bound to, and whether a program's pass fits it.
//!
//! Invariant: everything that a program says about a shader is checked here against the shader itself, with the same
//! verdict on every device. What depends on a device's limits is checked in `open`.

use naga::valid::{Capabilities, ModuleInfo, ValidationFlags, Validator};
use naga::{AddressSpace, ShaderStage, StorageAccess};
use protocol::Tier;

use crate::{DeviceError, ModuleDesc, PassDesc, Program, Resource, strict};

/// A WGSL text that parses and validates.
pub(super) struct Module {
    naga: naga::Module,
    info: ModuleInfo,
}

/// How an entry point uses a binding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    /// `var<storage, read>`
    Read,
    /// `var<storage, read_write>`
    ReadWrite,
    /// `var<uniform>`
    Uniform,
}

/// A binding of group 0 that an entry point uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Binding {
    /// `@binding(n)`
    pub(super) number: u32,
    pub(super) access: Access,
    /// Least bytes that it must be bound to: a runtime-sized array counts one element.
    pub(super) size_min: u64,
    pub(super) resource: Resource,
}

/// A pass with its overrides applied.
pub(super) struct Stage {
    pub(super) naga: naga::Module,
    pub(super) info: ModuleInfo,
    /// Ascending numbers.
    pub(super) bindings: Vec<Binding>,
    pub(super) workgroup_size: [u32; 3],
    /// Bytes of `var<workgroup>`.
    pub(super) workgroup_bytes: u64,
}

/// Parse and validate a WGSL text; in the portable tier, lower it.
pub(super) fn module(desc: &ModuleDesc, tier: Tier) -> Result<Module, DeviceError> {
    let naga = naga::front::wgsl::parse_str(&desc.source).map_err(|error| {
        let label = error
            .labels()
            .find_map(|(span, text)| Some((span.to_range()?, text.to_owned())));
        let message = match &label {
            Some((_, text)) if !text.is_empty() && text != error.message() => format!("{}: {text}", error.message()),
            _ => error.message().to_owned(),
        };
        DeviceError::Shader {
            label: desc.label.clone(),
            message,
            span: label.map(|(range, _)| range),
        }
    })?;
    // Lowering does 16-bit floats inside f32 by integers.
    let capabilities = match tier {
        Tier::Portable => Capabilities::SHADER_FLOAT16_IN_FLOAT32,
        Tier::ClassBound => Capabilities::empty(),
    };
    let info = Validator::new(ValidationFlags::all(), capabilities)
        .validate(&naga)
        .map_err(|error| {
            let span = error.spans().find_map(|(span, _)| span.to_range());
            DeviceError::Shader {
                label: desc.label.clone(),
                message: chain(&error.into_inner()),
                span,
            }
        })?;
    if tier == Tier::ClassBound {
        return Ok(Module { naga, info });
    }
    let policy = strict::Policy {
        underflow: desc.underflow,
        native: false,
    };
    let shader = |message, span| DeviceError::Shader {
        label: desc.label.clone(),
        message,
        span,
    };
    let naga = strict::lower(&desc.source, &naga, &info, policy).map_err(|refusal| shader(refusal.message, refusal.span))?;
    let info = Validator::new(ValidationFlags::all(), Capabilities::empty())
        .validate(&naga)
        .map_err(|error| shader(format!("once lowered: {}", chain(&error.into_inner())), None))?;
    Ok(Module { naga, info })
}

/// An error and all that caused it, on one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

/// Apply a pass's overrides and match its bindings with the entry point's.
pub(super) fn stage(program: &Program, module: &Module, pass: &PassDesc) -> Result<Stage, DeviceError> {
    let wrong = |what: String| DeviceError::Program(format!("pass '{}': {what}", pass.label));
    let is_entry = |entry: &naga::EntryPoint| entry.stage == ShaderStage::Compute && entry.name == pass.entry;
    if !module.naga.entry_points.iter().any(is_entry) {
        let present: Vec<&str> = module.naga.entry_points.iter().map(|entry| entry.name.as_str()).collect();
        return Err(wrong(format!(
            "no compute entry point '{}' in its module; there are: {}",
            pass.entry,
            present.join(", ")
        )));
    }
    let constants = pass.overrides.iter().map(|(name, value)| (name.clone(), *value)).collect();
    let (naga, info) = naga::back::pipeline_constants::process_overrides(
        &module.naga,
        &module.info,
        Some((ShaderStage::Compute, &pass.entry)),
        &constants,
    )
    .map_err(|error| wrong(chain(&error)))?;
    let (naga, info) = (naga.into_owned(), info.into_owned());

    let index = naga
        .entry_points
        .iter()
        .position(is_entry)
        .ok_or_else(|| wrong("its entry point is gone".to_owned()))?;
    let workgroup_size = naga.entry_points[index].workgroup_size;
    let uses = info.get_entry_point(index);
    let mut bindings = Vec::new();
    let mut workgroup_bytes = 0_u64;
    for (handle, variable) in naga.global_variables.iter() {
        if uses[handle].is_empty() {
            continue;
        }
        let name = variable.name.as_deref().unwrap_or("?");
        let size = naga.types[variable.ty].inner.try_size(naga.to_ctx());
        let size = size.ok_or_else(|| wrong(format!("the type of '{name}' is too large")))?;
        let access = match variable.space {
            AddressSpace::Uniform => Access::Uniform,
            AddressSpace::Storage { access } if access.contains(StorageAccess::STORE) => Access::ReadWrite,
            AddressSpace::Storage { .. } => Access::Read,
            AddressSpace::WorkGroup => {
                workgroup_bytes += u64::from(size);
                continue;
            }
            AddressSpace::Function | AddressSpace::Private => continue,
            _ => return Err(wrong(format!("'{name}' is not a buffer"))),
        };
        let place = variable.binding.ok_or_else(|| wrong(format!("'{name}' has no binding")))?;
        if place.group != 0 {
            return Err(wrong(format!(
                "'{name}' is in group {}, where only group 0 is allowed",
                place.group
            )));
        }
        let resource = *pass
            .bindings
            .get(&place.binding)
            .ok_or_else(|| wrong(format!("binding {} ('{name}') is bound to nothing", place.binding)))?;
        let binding = Binding {
            number: place.binding,
            access,
            size_min: u64::from(size),
            resource,
        };
        fits(program, &binding, name).map_err(wrong)?;
        bindings.push(binding);
    }
    bindings.sort_by_key(|binding| binding.number);
    for number in pass.bindings.keys() {
        let declared = |variable: &naga::GlobalVariable| variable.binding.is_some_and(|at| at.binding == *number);
        if !module.naga.global_variables.iter().any(|(_, variable)| declared(variable)) {
            return Err(wrong(format!("it binds {number}, which its module does not have")));
        }
    }
    aliases(program, &bindings).map_err(wrong)?;
    Ok(Stage {
        naga,
        info,
        bindings,
        workgroup_size,
        workgroup_bytes,
    })
}

/// Whether what is bound is there, of the right sort, and large enough.
fn fits(program: &Program, binding: &Binding, name: &str) -> Result<(), String> {
    let number = binding.number;
    match binding.resource {
        Resource::Clock if binding.access != Access::Uniform => Err(format!(
            "binding {number} ('{name}') is bound to the clock, so it must be a uniform"
        )),
        Resource::Clock if binding.size_min > 16 => Err(format!(
            "binding {number} ('{name}') has {} bytes, the clock has 16",
            binding.size_min
        )),
        Resource::Clock => Ok(()),
        Resource::Buffer(id) => {
            let buffer = program.buffers.get(id).ok_or_else(|| {
                format!(
                    "binding {number} ('{name}') is bound to buffer {id}, there are {}",
                    program.buffers.len()
                )
            })?;
            if buffer.size < binding.size_min {
                return Err(format!(
                    "binding {number} ('{name}') needs at least {} bytes, buffer '{}' has {}",
                    binding.size_min, buffer.label, buffer.size
                ));
            }
            Ok(())
        }
    }
}

/// A buffer that a pass writes may be bound once only: what two variables over one memory see is not defined.
fn aliases(program: &Program, bindings: &[Binding]) -> Result<(), String> {
    for (at, one) in bindings.iter().enumerate() {
        for other in &bindings[at + 1..] {
            let Resource::Buffer(id) = one.resource else { continue };
            let writes = one.access == Access::ReadWrite || other.access == Access::ReadWrite;
            if writes && one.resource == other.resource {
                return Err(format!(
                    "bindings {} and {} are both buffer '{}', and one of them writes it",
                    one.number, other.number, program.buffers[id].label
                ));
            }
        }
    }
    Ok(())
}
