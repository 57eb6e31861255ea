//! Runs WGSL deterministically: on GPUs through wgpu ([`gpu`]), and on every CPU by Baton's own compiler ([`cpu`]).
//!
//! | module | owns |
//! |---|---|
//! | [`api`](Device) | the interface every device offers |
//! | [`gpu`] | wgpu: adapters, pipelines, submits of bounded length, read-back |
//! | [`cpu`] | naga's IR to WebAssembly, run on all cores |
//! | [`strict`] | the portable tier's lowering: ordinary WGSL to exact operations |

mod api;
pub mod cpu;
mod error;
pub mod gpu;
mod list;
pub mod strict;

pub use api::{
    BufferDesc, BufferId, Command, Device, DeviceInfo, DeviceKind, ModuleDesc, PassDesc, PassId, Program, Resource, Session,
    SessionOptions, Underflow, Workgroups,
};
pub use error::DeviceError;
pub use list::{automatic, list, select};
