//! Harmonic bonds.

pub mod twin;
