//! Harmonic impropers.

pub mod twin;
