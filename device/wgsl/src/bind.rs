//! A whole program: every module read, every pass held against its module and its buffers.
//!
//! Invariant: what a program says about a shader is checked here against the shader itself, with the same verdict on every device. What
//! depends on a device's limits is the device's.

use crate::module::{Access, Module, Stage, Target};
use crate::refusal::ReadError;
use crate::{PassDesc, Program, Resource, SourceError, guarded};

/// A binding that an entry point uses, and what it is bound to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Binding {
    /// `@binding(n)`
    pub number: u32,
    /// How it is used.
    pub access: Access,
    /// Least bytes that it must be bound to: a runtime-sized array counts one element.
    pub size_min: u64,
    /// What it is bound to; it is there and large enough.
    pub resource: Resource,
}

/// A pass that fits: its entry point, and what that is bound to.
#[derive(Debug)]
pub struct Bound {
    /// The entry point.
    pub stage: Stage,
    /// By ascending number.
    pub bindings: Vec<Binding>,
}

/// Why a program cannot be opened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {error}")]
pub struct ProgramError {
    /// `module 'label'`, `pass 'label'`, or a buffer.
    pub place: String,
    /// The module's label, where the error is in its text.
    pub module: String,
    /// What is wrong.
    pub error: ReadError,
}

impl From<SourceError> for ProgramError {
    fn from(error: SourceError) -> Self {
        Self {
            place: "the program".to_owned(),
            module: String::new(),
            error: ReadError::Program(error.message().to_owned()),
        }
    }
}

/// Read all of a program. naga runs on a thread with room for deep recursion, and its panic is an error.
///
/// # Errors
/// The first thing that is wrong with it.
pub fn open(program: &Program, target: Target) -> Result<Vec<Bound>, ProgramError> {
    guarded("the program", || read(program, target))
}

fn read(program: &Program, target: Target) -> Result<Vec<Bound>, ProgramError> {
    for buffer in &program.buffers {
        if buffer.size == 0 || !buffer.size.is_multiple_of(4) {
            let text = format!("it has {} bytes: not a multiple of 4 above 0", buffer.size);
            return Err(ProgramError {
                place: format!("buffer '{}'", buffer.label),
                module: String::new(),
                error: ReadError::Program(text),
            });
        }
    }
    let mut modules = Vec::with_capacity(program.modules.len());
    for desc in &program.modules {
        let module = Module::read(&desc.source, program.tier, desc.underflow).map_err(|error| ProgramError {
            place: format!("module '{}'", desc.label),
            module: desc.label.clone(),
            error,
        })?;
        modules.push(module);
    }
    (program.passes.iter())
        .map(|pass| {
            let label = program.modules.get(pass.module).map(|module| module.label.clone());
            bind(program, &modules, pass, target).map_err(|error| ProgramError {
                place: format!("pass '{}'", pass.label),
                module: label.unwrap_or_default(),
                error,
            })
        })
        .collect()
}

fn bind(program: &Program, modules: &[Module], pass: &PassDesc, target: Target) -> Result<Bound, ReadError> {
    let module = (modules.get(pass.module))
        .ok_or_else(|| ReadError::Program(format!("no module {}, there are {}", pass.module, modules.len())))?;
    let stage = module.stage(&pass.entry, &pass.overrides, target)?;
    let mut bindings = Vec::with_capacity(stage.variables.len());
    for variable in &stage.variables {
        let place = format!("binding {} ('{}')", variable.number, variable.name);
        let resource =
            *(pass.bindings.get(&variable.number)).ok_or_else(|| ReadError::Program(format!("{place} is bound to nothing")))?;
        fits(program, resource, variable.access, variable.size_min)
            .map_err(|what| ReadError::Program(format!("{place} {what}")))?;
        bindings.push(Binding {
            number: variable.number,
            access: variable.access,
            size_min: variable.size_min,
            resource,
        });
    }
    for number in pass.bindings.keys() {
        let declared = |variable: &naga::GlobalVariable| variable.binding.is_some_and(|at| at.binding == *number);
        if !module.naga().global_variables.iter().any(|(_, variable)| declared(variable)) {
            return Err(ReadError::Program(format!(
                "it binds {number}, which its module does not have"
            )));
        }
    }
    aliases(program, &bindings)?;
    Ok(Bound { stage, bindings })
}

/// Whether what is bound is there, of the right sort, and large enough.
fn fits(program: &Program, resource: Resource, access: Access, size_min: u64) -> Result<(), String> {
    match resource {
        Resource::Clock if access != Access::Uniform => Err("is bound to the clock, so it must be a uniform".to_owned()),
        Resource::Clock if size_min > 16 => Err(format!("has {size_min} bytes, the clock has 16")),
        Resource::Clock => Ok(()),
        Resource::Buffer(id) => {
            let buffer = (program.buffers.get(id))
                .ok_or_else(|| format!("is bound to buffer {id}, there are {}", program.buffers.len()))?;
            if buffer.size < size_min {
                let text = format!(
                    "needs at least {size_min} bytes, buffer '{}' has {}",
                    buffer.label, buffer.size
                );
                return Err(text);
            }
            Ok(())
        }
    }
}

/// A buffer that a pass writes may be bound once only: what two variables over one memory see is not defined.
fn aliases(program: &Program, bindings: &[Binding]) -> Result<(), ReadError> {
    for (at, one) in bindings.iter().enumerate() {
        let Resource::Buffer(id) = one.resource else { continue };
        for other in bindings[at + 1..].iter().filter(|other| other.resource == one.resource) {
            if one.access == Access::ReadWrite || other.access == Access::ReadWrite {
                let label = &program.buffers[id].label;
                let (one, other) = (one.number, other.number);
                let text = format!("bindings {one} and {other} are both buffer '{label}', and one of them writes it");
                return Err(ReadError::Program(text));
            }
        }
    }
    Ok(())
}
