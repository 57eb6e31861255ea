//! The built-in CPU device: WGSL on every core, no driver, the same bits on every machine.
//!
//! naga parses and validates; the kernel becomes a tree of scalar statements (`lower`); it is told which values neighbouring
//! invocations share and where barriers cut it (`analyse`); it becomes WebAssembly with four invocations a vector (`emit`); and
//! wasmtime compiles and runs that, workgroups spread over threads (`run`).
//!
//! | module | owns |
//! |---|---|
//! | `front` | WGSL text to a validated module with one entry point |
//! | `text` | what a text will cost to parse, before it is parsed |
//! | `ir` | the compiler's own language |
//! | `lower` | naga's IR to it |
//! | `analyse` | uniformity, barrier regions, spills |
//! | `emit` | WebAssembly |
//! | `run` | engine, memory, threads, session |
//!
//! Invariant: bits depend on the kernel and its inputs alone. WebAssembly's f32 is IEEE 754 with subnormals and rounding to
//! nearest everywhere, elementary functions are fixed sequences of it, and a NaN is the same NaN wherever its bits can be seen.
//! An out-of-bounds index is clamped, for reads and for writes, as the GPU devices do.

mod analyse;
mod device;
mod emit;
mod front;
mod ir;
mod lower;
mod run;
mod text;

use std::sync::Arc;

use crate::Device;

pub use device::CpuDevice;

/// The CPU device.
pub fn list() -> Vec<Arc<dyn Device>> {
    vec![Arc::new(CpuDevice::default())]
}
