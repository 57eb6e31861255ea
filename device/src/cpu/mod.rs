//! The built-in CPU device: WGSL on every core, no driver, the same bits on every machine.
//!
//! The crate `wgsl` reads and lowers; the `compile` crate makes WebAssembly of it, four invocations a vector; wasmtime compiles and runs that,
//! workgroups spread over threads.
//!
//! | module | owns |
//! |---|---|
//! | `device` | [`CpuDevice`]: a program's buffers and passes, checked and compiled |
//! | `run` | engine, memory, threads, session |
//!
//! Invariant: bits depend on the kernel and its inputs alone, never on threads or the order of workgroups.

mod device;
mod run;

use std::sync::Arc;

use crate::{Device, DeviceError};

pub use device::CpuDevice;

/// A fault of the compiler that names no source.
fn from_fault(fault: compile::Fault) -> DeviceError {
    match fault.limit {
        Some((needed, limit)) => DeviceError::Limit {
            what: fault.message,
            needed,
            limit,
        },
        None => DeviceError::Program(fault.message),
    }
}

/// The CPU device.
pub fn list() -> Vec<Arc<dyn Device>> {
    vec![Arc::new(CpuDevice::default())]
}
