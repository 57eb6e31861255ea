//! The kernels of molecular terms and motion, one by one: on every device of this machine, in checked mode, against double precision.
#![allow(clippy::needless_range_loop, reason = "axes and atoms are indices here")]

mod bench;
mod bonded;
mod constraints;
mod exceptions;
mod integrators;
mod molecules;
mod momentum;
mod noise;
#[path = "../openmm_support/mod.rs"]
mod openmm_support;
mod pme;
mod sites;
mod sums;
mod whole_steps;
