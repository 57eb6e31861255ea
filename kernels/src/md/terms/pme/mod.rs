//! The reciprocal part of particle mesh Ewald.

pub mod transform;
pub mod twin;
