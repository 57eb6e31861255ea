//! Single pairs in double precision: E = q/r + a/r¹² − b/r⁶.

use crate::md::system::{System, Vector};
use crate::md::twin::vector::{dot, push_pair, scale};

/// Add the forces; the energy, kJ/mol.
pub fn add(system: &System, forces: &mut [Vector]) -> f64 {
    let mut energy = 0.0;
    for pair in &system.terms.pair_bonds {
        let [a, b] = pair.atoms;
        let d = system.difference_nm(a, b);
        let inverse2 = dot(d, d).recip();
        let inverse6 = inverse2.powi(3);
        let coulomb = pair.coulomb_kj_mol_nm * libm::sqrt(inverse2);
        let (repulsion, attraction) = (pair.a_kj_mol_nm12 * inverse6 * inverse6, pair.b_kj_mol_nm6 * inverse6);
        energy += coulomb + repulsion - attraction;
        let force = (coulomb + 12.0 * repulsion - 6.0 * attraction) * inverse2;
        push_pair(forces, [a, b], scale(force, d));
    }
    energy
}
