//! Harmonic bonds.

pub mod part;
pub mod twin;
