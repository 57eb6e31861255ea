//! WGSL without a device: what a program is, how its text is read, and what every device gets of it.
//!
//! A text is read once, here: limits, naga, `override`s, pointers, barriers, lowering. Packages, the CPU device's compiler and the GPU
//! device take what comes out, so that they give one verdict and one meaning.
//!
//! | module | owns |
//! |---|---|
//! | `program` | buffers, modules and passes, as data |
//! | [`source`] | joined files, and places in them |
//! | `module` | a text read: [`Module`], and one of its entry points made ready: [`Stage`] |
//! | `bind` | a whole program, read and held together |
//! | `effort` | what a text will cost to parse |
//! | `resolve` | `override`s get their values |
//! | `pointers` | pointers as parameters, lowered away |
//! | [`barriers`] | whether all invocations reach each barrier |
//! | [`strict`] | lowering: exact operations, accesses out of bounds, loops that a device may leave early |
//! | `trips` | how many rounds loops make |
//! | `refusal` | why something is not taken: the list of what this reader refuses of valid WGSL |
//! | `operands` | the operands of naga's expressions |
//!
//! Invariant: nothing here knows wgpu, wasmtime or an operating system's devices. The server and a browser read WGSL as a worker does.

pub mod barriers;
mod bind;
mod effort;
mod module;
mod operands;
mod pointers;
mod program;
mod refusal;
mod resolve;
pub mod source;
pub mod strict;
mod trips;

pub use bind::{Binding, Bound, ProgramError, open};
pub use module::{Access, Module, SOURCE_BYTES_MAX, Stage, Target, Variable};
pub use program::{BufferDesc, BufferId, ModuleDesc, PassDesc, PassId, Program, Resource, Underflow, Workgroups};
pub use refusal::{ReadError, Reason, Refusal};
pub use source::{Place, Source, SourceError, guarded};
pub use strict::loop_ends::LoopNotes;
