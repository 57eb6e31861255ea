//! Kernel packages, the executor that runs them, and what makes packages out of a scientist's system.
//!
//! | module | owns |
//! |---|---|
//! | [`package`] | a kernel package: read, checked, given an identity, turned into a program (a crate of its own) |
//! | [`examples`] | the packages that ship with the program |
//! | [`run`] | the segment loop with its one way across a boundary, and the run directory |
//! | [`random`] | random numbers as a function of (seed, stream, step, particle) |
//! | [`md`] | a molecular system as a package |
//! | [`import`] | other programs' files as a molecular system |

pub mod examples;
pub mod import;
pub mod md;
pub mod random;
pub mod run;

pub use package;
