//! A program as data: buffers, WGSL modules, and passes that bind the one to the other. Needs no device.

use std::collections::BTreeMap;

use protocol::Tier;
use serde::{Deserialize, Serialize};

/// A buffer of a program. Its contents start as zero.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BufferDesc {
    /// Name for error messages and captures.
    pub label: String,
    /// Bytes, in the device's layout; a multiple of 4, above 0.
    pub size: u64,
    /// Some dispatch reads its workgroup counts from this buffer.
    pub indirect: bool,
}

/// Index into [`Program::buffers`].
pub type BufferId = usize;
/// Index into [`Program::passes`].
pub type PassId = usize;

/// One WGSL source text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModuleDesc {
    /// Name for error messages and captures.
    pub label: String,
    /// WGSL.
    pub source: String,
    /// What becomes of underflow in the portable tier.
    pub underflow: Underflow,
}

/// What the portable tier does about f32 results at or below 2⁻¹²⁶ in magnitude, where devices may legally differ. A package's manifest
/// writes them in lower case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Underflow {
    /// They become +0, operation by operation: bits are safe by construction.
    #[default]
    Canonical,
    /// Nothing is put in: the author has shown, with the CPU device's checked mode, that there are none.
    Checked,
}

impl Underflow {
    /// Whether it is what a pass gets that says nothing.
    pub fn is_canonical(&self) -> bool {
        *self == Self::Canonical
    }
}

/// What a WGSL binding is bound to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resource {
    /// A whole buffer.
    Buffer(BufferId),
    /// The step counter: a uniform of 16 bytes, `vec4<u32>(step low, step high, 0, 0)`, given with each dispatch.
    Clock,
}

/// A compute entry point with everything it is bound to.
#[derive(Clone, Debug, PartialEq)]
pub struct PassDesc {
    /// Name for error messages and captures.
    pub label: String,
    /// Index into [`Program::modules`].
    pub module: usize,
    /// Name of the entry point.
    pub entry: String,
    /// Values for the module's `override` constants, by name.
    pub overrides: BTreeMap<String, f64>,
    /// `@group(0) @binding(n)` to resource, for each binding that the entry point uses. Groups other than 0 are refused.
    pub bindings: BTreeMap<u32, Resource>,
}

/// Everything a session runs: buffers, modules and passes.
#[derive(Clone, Debug, PartialEq)]
pub struct Program {
    /// Which arithmetic is asked for.
    pub tier: Tier,
    /// Buffers, by [`BufferId`].
    pub buffers: Vec<BufferDesc>,
    /// WGSL texts.
    pub modules: Vec<ModuleDesc>,
    /// Passes, by [`PassId`].
    pub passes: Vec<PassDesc>,
}

/// How many workgroups a dispatch runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Workgroups {
    /// This many, in x, y, z. Any zero runs none.
    Direct([u32; 3]),
    /// As three u32 in a buffer say, at a byte offset that is a multiple of 4.
    /// Counts above the device's limit run none.
    Indirect(BufferId, u64),
}
