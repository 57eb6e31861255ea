//! Ryckaert-Bellemans torsions.

pub mod twin;
