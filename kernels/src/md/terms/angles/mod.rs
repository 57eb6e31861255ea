//! Harmonic angles.

pub mod twin;
