//! Harmonic angles.

pub mod part;
pub mod twin;
