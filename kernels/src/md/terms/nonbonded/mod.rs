//! Lennard-Jones and Coulomb in direct space.

pub mod twin;
