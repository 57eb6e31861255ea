//! The CPU device's compiler: a validated naga module to WebAssembly with SIMD128, four invocations a vector.
//!
//! It is pure: bytes in, bytes out. It needs neither a WebAssembly engine nor a GPU, so a browser or a server can use it as it is.
//!
//! | module | owns |
//! |---|---|
//! | [`abi`] | what compiled code and its runtime agree on: memory layout, imports, exports, signatures |
//! | [`fault`](Fault) | why a kernel cannot be compiled |
//! | `kernel` | the entry: one kernel in, WebAssembly and a description for the runtime out |
//! | `ir` | the compiler's own language |
//! | `lower` | naga's IR to it: calls inlined, vectors taken apart, pointers resolved |
//! | `analyse` | uniformity, barrier regions, what is kept in memory between them |
//! | `emit` | WebAssembly |
//!
//! Invariant: bits depend on the kernel and its inputs alone. WebAssembly's f32 is IEEE 754 with subnormals and rounding to
//! nearest everywhere, elementary functions are fixed sequences of it, and a NaN is the same NaN wherever its bits can be seen.
//! Out of bounds, in memory that invocations share, a load gives 0 and a store or an atomic does nothing; an index into an invocation's own memory is
//! clamped.

pub mod abi;
mod analyse;
mod emit;
mod fault;
mod ir;
mod kernel;
mod lower;

/// Version of the bits that class-bound kernels compute here: part of a class-bound hardware class, so that a checkpoint of other bits matches no longer. Raised with each
/// change of them, which the test `class_bound` of the crate `device` notices.
pub const BITS_VERSION: u32 = 2;

pub use emit::ConstantPool;
pub use fault::Fault;
pub use kernel::{BoundBuffer, Checks, Compiled, Work, compile, ir_text};
