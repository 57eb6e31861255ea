//! Harmonic bonds in double precision: E = k (r − r₀)² / 2.

use crate::md::system::{System, Vector};
use crate::md::twin::vector::{norm, push_pair, scale};

/// Add the forces; the energy, kJ/mol.
pub fn add(system: &System, forces: &mut [Vector]) -> f64 {
    let mut energy = 0.0;
    for bond in &system.terms.bonds {
        let [a, b] = bond.atoms;
        let d = system.difference_nm(a, b);
        let r = norm(d);
        let stretch = r - bond.length_nm;
        energy += 0.5 * bond.k_kj_mol_nm2 * stretch * stretch;
        if r > 0.0 {
            push_pair(forces, [a, b], scale(-bond.k_kj_mol_nm2 * stretch / r, d));
        }
    }
    energy
}
