//! Periodic torsions.

pub mod part;
pub mod twin;
