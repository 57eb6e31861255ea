//! GPUs through wgpu: adapters, pipelines, submits of bounded length, read-back.
//!
//! | module | owns |
//! |---|---|
//! | `list` | which adapters there are, and what they say of themselves |
//! | `reflect` | WGSL read by naga: what an entry point is bound to, and whether a program fits it |
//! | `open` | a program's buffers, layouts, pipelines and bind groups on a device of its own |
//! | `strict` | the portable tier's SPIR-V: fixed options, and no contraction |
//! | `session` | commands, cut into submits; reads and writes |
//! | `pacing` | how many commands the next submit gets: a pure function |
//! | `faults` | what wgpu reports out of band: validation, memory, loss |
//!
//! Invariant: wgpu's validation stays on and nothing of a program is trusted, so that a hostile kernel reads and writes
//! its own buffers and nothing else.

#[cfg(test)]
mod failure_tests;
mod faults;
mod list;
mod open;
mod pacing;
mod reflect;
mod session;
mod strict;

pub use list::list;
