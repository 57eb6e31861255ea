//! Force terms, one folder each. Every folder has a double-precision twin; those that a device can run also have a [`Part`](super::draft::Part), in `part.rs` or
//! `mod.rs`. Harmonic impropers and Ryckaert-Bellemans torsions share the part in `torsions`; the part of virtual sites is in `md/motion`.

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
