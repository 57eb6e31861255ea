//! Generalised Born implicit solvent.

pub mod twin;
