//! Periodic torsions in double precision: E = k (1 + cos(n φ − φ₀)).

use crate::md::system::{System, Vector};
use crate::md::twin::dihedral::Dihedral;

/// Add the forces; the energy, kJ/mol.
pub fn add(system: &System, forces: &mut [Vector]) -> f64 {
    let mut energy = 0.0;
    for torsion in &system.terms.torsions {
        let dihedral = Dihedral::new(system, torsion.atoms);
        let n = f64::from(torsion.periodicity);
        let phase = n * dihedral.angle_rad - torsion.phase_rad;
        energy += torsion.k_kj_mol * (1.0 + libm::cos(phase));
        dihedral.push(-torsion.k_kj_mol * n * libm::sin(phase), forces);
    }
    energy
}
