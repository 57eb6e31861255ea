//! Kernel packages, the executor that runs them, and what makes packages out of a scientist's system.
//!
//! | module | owns |
//! |---|---|
//! | [`package`] | a kernel package: read, checked, given an identity, turned into a device's program |
//! | [`run`] | the segment loop with its one way across a boundary, and the run directory |
//! | [`random`] | random numbers as a function of (seed, stream, step, particle) |
//! | [`md`] | a molecular system as a package |
//! | [`import`] | other programs' files as a molecular system |

pub mod import;
pub mod md;
pub mod package;
pub mod random;
pub mod run;
