//! Generalised Born implicit solvent.

pub mod part;
pub mod twin;
