//! Harmonic angles in double precision: E = k (θ − θ₀)² / 2.

use crate::md::system::{System, Vector};
use crate::md::twin::vector::{add as sum, cross, dot, norm, push, scale};

/// Least length of the cross product that the forces are divided by, nm², as in OpenMM's Reference platform.
const FLAT_NM2: f64 = 1e-6;

/// Add the forces; the energy, kJ/mol.
///
/// With u and v from the vertex to the outer particles: θ = atan2(|u × v|, u·v), F_a = −dE/dθ u × (u × v) / (|u|² |u × v|), F_c = dE/dθ v × (u × v) / (|v|² |u × v|); the
/// vertex takes the opposite of both.
pub fn add(system: &System, forces: &mut [Vector]) -> f64 {
    let mut energy = 0.0;
    for angle in &system.terms.angles {
        let [a, b, c] = angle.atoms;
        let (u, v) = (system.difference_nm(a, b), system.difference_nm(c, b));
        let normal = cross(u, v);
        let flat = norm(normal);
        let bend = libm::atan2(flat, dot(u, v)) - angle.angle_rad;
        energy += 0.5 * angle.k_kj_mol_rad2 * bend * bend;
        let slope = angle.k_kj_mol_rad2 * bend / flat.max(FLAT_NM2);
        let on_a = scale(-slope / dot(u, u), cross(u, normal));
        let on_c = scale(slope / dot(v, v), cross(v, normal));
        push(forces, a, on_a);
        push(forces, c, on_c);
        push(forces, b, scale(-1.0, sum(on_a, on_c)));
    }
    energy
}
