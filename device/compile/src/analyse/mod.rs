//! What a kernel tells about itself: which values lanes share, and how barriers cut it.
//!
//! | module | owns |
//! |---|---|
//! | `tree` | the statement tree as lists |
//! | `uniform` | which values are the same in neighbouring invocations |
//! | `regions` | the plan: what runs once a workgroup, what runs for each vector |
//! | `spill` | what must be in memory between two regions |

mod align;
mod regions;
mod spill;
mod tree;
mod uniform;

pub(crate) use regions::{Plan, Step, plan};
pub(crate) use spill::{Spills, spills};
pub(crate) use uniform::{Circle, Facts, Spread, analyse};
