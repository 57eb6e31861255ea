//! WGSL without a device: what a program is, how its text is read, and what the portable tier makes of it.
//!
//! | module | owns |
//! |---|---|
//! | `program` | buffers, modules and passes, as data |
//! | [`source`] | joined files: parsed, validated, and places in them |
//! | [`strict`] | the portable tier's lowering: ordinary WGSL to exact operations |
//!
//! Invariant: nothing here knows wgpu, wasmtime or an operating system's devices. The server and a browser read WGSL as a worker does.

mod program;
pub mod source;
pub mod strict;

pub use program::{BufferDesc, BufferId, ModuleDesc, PassDesc, PassId, Program, Resource, Underflow, Workgroups};
pub use source::{Place, Source, SourceError};
