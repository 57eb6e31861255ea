//! One entry point, from naga's module to WebAssembly.

use std::collections::BTreeMap;
use std::ops::Range;

use naga::valid::ModuleInfo;
use naga::{Function, Module};

use crate::emit::{ConstantPool, emit};
use crate::fault::Fault;
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

/// A compiled kernel.
#[derive(Clone, Debug)]
pub struct Compiled {
    /// A WebAssembly module; [`crate::abi`] says what it imports and exports.
    pub wasm: Vec<u8>,
    /// Bytes of scratch memory that each thread needs.
    pub scratch_bytes: u32,
    /// Invocations of a workgroup in x, y, z.
    pub workgroup_size: [u32; 3],
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
    let kernel = lower(module, info, entry, bindings, checks)?;
    let emitted = emit(&kernel, checks.is_some(), constants)?;
    Ok(Compiled {
        wasm: emitted.wasm,
        scratch_bytes: emitted.scratch,
        workgroup_size: kernel.workgroup_size,
        sites: kernel.sites,
    })
}
