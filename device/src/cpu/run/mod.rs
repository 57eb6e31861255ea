//! Running compiled kernels: the WebAssembly engine, memory, threads, and the session over them.
//!
//! | module | owns |
//! |---|---|
//! | `engine` | wasmtime: settings, compiled modules, deadlines that end endless loops |
//! | `cputime` | processor time that a thread has used |
//! | `memory` | the one memory of a session |
//! | `worker` | a thread's instances |
//! | `dispatch` | work that threads share, and who takes what |
//! | `sums` | per-thread copies of buffers that a pass only adds to |
//! | `pool` | threads that share a dispatch |
//! | `order` | in which order workgroups run |
//! | `check` | checked mode: what is watched, and who raced |
//! | `clears` | checked mode: values that were meant to last in buffers that are cleared |
//! | `session` | [`crate::Session`] |

mod check;
mod clears;
mod cputime;
mod dispatch;
mod engine;
mod memory;
mod order;
mod pool;
mod session;
mod sums;
mod worker;

pub(super) use check::{Sites, line_of};
pub(super) use engine::Engine;
pub(super) use session::{CpuSession, Pass};
