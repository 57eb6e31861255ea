//! The built-in CPU device: what WGSL means, on one thread or many, in any order of workgroups.
//!
//! | module | claims |
//! |---|---|
//! | `language` | control flow, memory, functions, barriers, atomics mean what WGSL says |
//! | `numeric` | operators and builtins agree with a host evaluator |
//! | `generated` | random programs give the same bits as an interpreter, threads and orders make no difference |
//! | `hostile` | endless loops, huge types and broken text are errors in bounded time |
//! | `checked` | planted defects are found and located |
//! | `lavapipe` | the same bits as a Vulkan driver |
//! | `speed` | figures beside the Vulkan drivers of the machine |

mod checked;
mod generated;

mod hostile;
mod language;
mod lavapipe;
mod numeric;
mod speed;
mod support;
