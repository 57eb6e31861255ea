//! Runs WGSL deterministically: on GPUs through wgpu ([`gpu`]), and on every CPU by Baton's own compiler ([`cpu`]).
//!
//! | module | owns |
//! |---|---|
//! | [`api`](Device) | the interface every device offers |
//! | [`gpu`] | wgpu: adapters, pipelines, submits of bounded length, read-back |
//! | [`cpu`] | naga's IR to WebAssembly, run on all cores |
//! | `list` | which devices there are, and which one `auto` takes |
//!
//! What a program is ([`Program`] and its parts) and how its WGSL is read belong to the crate `wgsl`, which needs no device.

mod api;
pub mod cpu;
mod error;
pub mod gpu;
mod list;

pub use api::{Command, Device, DeviceInfo, DeviceKind, Session, SessionOptions};
pub use error::DeviceError;
pub use list::{automatic, list, select};
pub use wgsl::strict;
pub use wgsl::{BufferDesc, BufferId, ModuleDesc, PassDesc, PassId, Program, Resource, Underflow, Workgroups};
