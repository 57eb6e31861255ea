//! GPUs through wgpu: adapters, pipelines, submits of bounded length, read-back.
//!
//! | module | owns |
//! |---|---|
//! | `list` | which adapters there are, and what they say of themselves |
//! | `limits` | whether a device can hold a program |
//! | `open` | a program's buffers and passes, on a device of its own |
//! | `pipelines` | layouts, pipelines and bind groups |
//! | `strict` | our own SPIR-V: fixed options, and in the portable tier no contraction |
//! | `check` | what may be asked of an open program |
//! | `counts` | workgroup counts of indirect dispatches, made harmless |
//! | `loops` | loops that a device leaves before their end |
//! | `session` | commands, cut into submits, a bounded number of them on the way |
//! | `encode` | commands as wgpu records them |
//! | `timing` | how long dispatches take by the device's own clock |
//! | `read_back` | contents, through a staging buffer |
//! | `pacing` | how many commands the next submit gets: a pure function |
//! | `faults` | what wgpu reports out of band: validation, memory, loss |
//!
//! Invariant: wgpu's validation stays on (for workgroup counts ours replaces it) and nothing of a program is trusted, so that a hostile kernel reads and writes
//! its own buffers and nothing else.

mod check;
mod counts;
mod encode;
#[cfg(test)]
mod failure_tests;
mod faults;
mod limits;
mod list;
mod loops;
mod open;
mod pacing;
mod pipelines;
mod read_back;
mod session;
mod strict;
mod timing;

pub use list::{list, list_without_gl};
