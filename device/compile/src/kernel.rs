//! One entry point, from naga's module to WebAssembly.

use std::collections::BTreeMap;
use std::ops::Range;

use naga::valid::ModuleInfo;
use naga::{Function, Module};

use crate::abi::sums::Sum;
use crate::emit::{ConstantPool, emit};
use crate::fault::Fault;
use crate::ir::{Kernel, abreast, fetch_ahead, order, separate, verify};
use crate::lower::lower;

/// What lies behind `@group(0) @binding(n)`.
#[derive(Clone, Copy, Debug)]
pub struct BoundBuffer {
    /// Byte address in the memory, a multiple of 4.
    pub address: u32,
    /// Bytes.
    pub size: u32,
}

/// What checked mode looks for.
#[derive(Clone, Copy, Debug)]
pub struct Checks {
    /// Whether a subnormal is a finding.
    pub underflow: bool,
    /// Functions whose own steps are not watched: only what they are given, and what they return.
    pub trusted: fn(&Function) -> bool,
}

/// What a kernel cost to compile, counted: the same on every machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Work {
    /// Values of the IR.
    pub values: u64,
    /// Steps of the analyses.
    pub steps: u64,
    /// Bytes of WebAssembly instructions.
    pub instruction_bytes: u64,
    /// WebAssembly locals.
    pub locals: u64,
    /// Basic blocks, roughly.
    pub blocks: u64,
}

/// A compiled kernel.
#[derive(Clone, Debug)]
pub struct Compiled {
    /// A WebAssembly module; [`crate::abi`] says what it imports and exports.
    pub wasm: Vec<u8>,
    /// Bytes of scratch memory that each thread needs.
    pub scratch_bytes: u32,
    /// What it cost to compile.
    pub work: Work,
    /// Invocations of a workgroup in x, y, z.
    pub workgroup_size: [u32; 3],
    /// Buffers that it only adds to: where the runtime says, see [`crate::abi::sums`].
    pub sums: Vec<Sum>,
    /// Checked mode: byte range in the module's source of each site that an event names.
    pub sites: Vec<Range<usize>>,
}

/// Compile the entry point with index `entry` of a valid module whose `override`s are resolved. `bindings` are those of group 0, and
/// `constants` are shared by all kernels of a session. With `checks`, the kernel tells what it does.
///
/// # Errors
/// The kernel uses what the CPU device does not have, or exceeds a limit; see [`Fault`].
///
/// # Panics
/// `entry` is not an entry point of the module, or `info` belongs to another module.
pub fn compile(
    module: &Module,
    info: &ModuleInfo,
    entry: usize,
    bindings: &BTreeMap<u32, BoundBuffer>,
    checks: Option<Checks>,
    constants: &mut ConstantPool,
) -> Result<Compiled, Fault> {
    let kernel = kernel(module, info, entry, bindings, checks)?;
    let emitted = emit(&kernel, checks.is_some(), constants)?;
    Ok(Compiled {
        wasm: emitted.wasm,
        scratch_bytes: emitted.scratch,
        work: Work {
            values: kernel.values.len() as u64,
            steps: emitted.steps,
            instruction_bytes: emitted.cost.instructions,
            locals: emitted.cost.locals,
            blocks: emitted.cost.blocks,
        },
        workgroup_size: kernel.workgroup_size,
        sums: kernel.sums.iter().map(Sum::from).collect(),
        sites: kernel.sites,
    })
}

/// The IR of a kernel as text, one statement a line: for golden files, and for people.
///
/// # Errors
/// As [`compile`], but for what is refused later than in the IR.
///
/// # Panics
/// As [`compile`].
pub fn ir_text(
    module: &Module,
    info: &ModuleInfo,
    entry: usize,
    bindings: &BTreeMap<u32, BoundBuffer>,
    checks: Option<Checks>,
) -> Result<String, Fault> {
    Ok(kernel(module, info, entry, bindings, checks)?.to_string())
}

/// Lowered, with its sums found, and verified after each stage.
fn kernel(
    module: &Module,
    info: &ModuleInfo,
    entry: usize,
    bindings: &BTreeMap<u32, BoundBuffer>,
    checks: Option<Checks>,
) -> Result<Kernel, Fault> {
    let mut kernel = lower(module, info, entry, bindings, checks)?;
    verify(&kernel)?;
    separate(&mut kernel, bindings.values().map(|bound| (bound.address, bound.size)));
    fetch_ahead(&mut kernel);
    abreast(&mut kernel);
    order(&mut kernel);
    verify(&kernel)?;
    Ok(kernel)
}
