//! CMAP: energies over two dihedral angles.

pub mod patches;
pub mod twin;
