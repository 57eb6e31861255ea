//! The built-in CPU device: what WGSL means, on one thread or many, in any order of workgroups.
//!
//! | module | claims |
//! |---|---|
//! | `language` | control flow, memory, functions, barriers, atomics mean what WGSL says |
//! | `bounds` | what the compiler knows of a value's size changes no bit |
//! | `numeric` | operators and builtins agree with a host evaluator |
//! | `divide` | quotients and remainders by constants are those of the host |
//! | `generated` | random programs give the same bits for any number of threads and any order of workgroups |
//! | `composed` | operators and builtins over vectors and matrices, composed at random, have the same bits on Vulkan drivers |
//! | `hostile` | endless loops, huge types and broken text are errors in bounded time |
//! | `many` | kernels of many cases and many variables mean the same as others |
//! | `limits` | what is too large is named with its place, and what is within the limits runs |
//! | `checked` | planted defects are found and located |
//! | `commands` | indirect dispatches, copies and clears do what they say, whatever they are asked |
//! | `drivers` | the same bits as Vulkan drivers: `corpus`, every operation and kind of statement |
//! | `class_bound` | bits of class-bound kernels change with the version of them alone |
//! | `coverage` | the corpus holds every kind of expression and statement there is |
//! | `sums` | buffers that are only added to hold the same bits for any number of threads and any order |
//! | `speed` | figures beside the Vulkan drivers of the machine |

mod bounds;
mod checked;
mod class_bound;
mod commands;
mod composed;
mod corpus;
mod coverage;
mod divide;
mod drivers;
mod generated;
mod hostile;
mod language;
mod limits;
mod many;
mod numeric;
mod speed;
mod sums;
mod support;
