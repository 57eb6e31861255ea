//! What a kernel tells about itself: which values lanes share, and how barriers cut it.
//!
//! | module | owns |
//! |---|---|
//! | `tree` | the statement tree as lists |
//! | `uniform` | which values are the same in neighbouring invocations: what follows when lanes part |
//! | `spread` | for one value, from its operands: uniform, linear in the lane's index, or varying |
//! | `variables` | the same for a variable, from its assignments |
//! | `users` | what depends on a value |
//! | `settled` | debug check that the analysis of `uniform` reached its fixed point |
//! | `align` | low bits that are known to be zero |
//! | `collective` | which control flow belongs to the workgroup as a whole |
//! | `regions` | the plan: what runs once a workgroup, what runs for each vector |
//! | `lifetime` | between which statements something is needed |
//! | `spill` | what must be in memory between two regions |

mod align;
mod collective;
mod lifetime;
mod regions;
mod settled;
mod spill;
mod spread;
mod tree;
mod uniform;
mod users;
mod variables;

pub(crate) use lifetime::Lifetimes;
pub(crate) use regions::{Plan, Step, plan};
pub(crate) use spill::{Spills, spills};
pub(crate) use uniform::{Circle, Facts, Spread, analyse};
