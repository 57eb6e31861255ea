//! Ryckaert-Bellemans torsions in double precision: E = Σ Cᵢ cosⁱ ψ, ψ = φ − π.

use crate::md::system::{System, Vector};
use crate::md::twin::dihedral::Dihedral;

/// Add the forces; the energy, kJ/mol.
pub fn add(system: &System, forces: &mut [Vector]) -> f64 {
    let mut energy = 0.0;
    for torsion in &system.terms.rb_torsions {
        let dihedral = Dihedral::new(system, torsion.atoms);
        // cos ψ = −cos φ, and dψ/dφ = 1.
        let cosine = -libm::cos(dihedral.angle_rad);
        let sine = -libm::sin(dihedral.angle_rad);
        let (mut value, mut slope) = (0.0, 0.0);
        for c in torsion.c_kj_mol.iter().rev() {
            slope = slope * cosine + value;
            value = value * cosine + c;
        }
        energy += value;
        dihedral.push(-slope * sine, forces);
    }
    energy
}
