//! Harmonic impropers in double precision: E = k d², d = φ − φ₀ wrapped into half a period on either side.

use crate::md::system::{System, Vector};
use crate::md::twin::dihedral::Dihedral;

/// Add the forces; the energy, kJ/mol.
pub fn add(system: &System, forces: &mut [Vector]) -> f64 {
    let mut energy = 0.0;
    for improper in &system.terms.impropers {
        let dihedral = Dihedral::new(system, improper.atoms);
        let mut d = dihedral.angle_rad - improper.angle_rad;
        if let Some(period) = improper.period_rad {
            d -= period * (d / period + 0.5).floor();
        }
        energy += improper.k_kj_mol_rad2 * d * d;
        dihedral.push(2.0 * improper.k_kj_mol_rad2 * d, forces);
    }
    energy
}
