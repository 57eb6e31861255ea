//! The built-in CPU device: what WGSL means, on one thread or many, in any order of workgroups.
//!
//! | module | claims |
//! |---|---|
//! | `language` | control flow, memory, functions, barriers, atomics mean what WGSL says |

mod language;
mod support;
