//! CMAP: energies over two dihedral angles.

pub mod part;
pub mod patches;
pub mod twin;
