//! Force terms, one folder each: a [`Part`](super::draft::Part), its tables, and a double-precision twin.

pub mod angles;
pub mod bonds;
pub mod cmap;
pub mod custom_pairs;
pub mod exceptions;
pub mod gb_obc;
pub mod impropers;
pub mod lennard_jones;
pub mod nonbonded;
pub mod pair_bonds;
pub mod pme;
pub mod rb_torsions;
pub mod restraints;
pub mod torsions;
pub mod virtual_sites;
