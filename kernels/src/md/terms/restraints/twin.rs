//! Springs to points in double precision: E = k d².

use crate::md::system::{System, Vector};
use crate::md::twin::vector::{dot, push, scale, subtract};

/// Add the forces; the energy, kJ/mol.
pub fn add(system: &System, forces: &mut [Vector]) -> f64 {
    let mut energy = 0.0;
    for spring in &system.terms.restraints {
        let plain = subtract(system.positions_nm[spring.atom as usize], spring.at_nm);
        let d = system.cell.map_or(plain, |cell| cell.nearest(plain));
        energy += spring.k_kj_mol_nm2 * dot(d, d);
        push(forces, spring.atom, scale(-2.0 * spring.k_kj_mol_nm2, d));
    }
    energy
}
