//! Periodic torsions.

pub mod twin;
