//! The dihedral angle of four particles, and how a torque about it becomes forces.

use crate::md::system::{System, Vector};

use super::vector::{add, cross, dot, norm, push, scale, subtract};

/// The dihedral angle of four particles.
#[derive(Clone, Copy, Debug)]
pub struct Dihedral {
    atoms: [u32; 4],
    /// φ, radians, from −π to π; trans is π. 0 where three particles in a row are collinear.
    pub angle_rad: f64,
    v0: Vector,
    v1: Vector,
    v2: Vector,
    c1: Vector,
    c2: Vector,
}

impl Dihedral {
    /// With v0 = x1 − x2, v1 = x3 − x2, v2 = x3 − x4, c1 = v0 × v1, c2 = v1 × v2: φ = atan2(|v1| v0·c2, c1·c2).
    pub fn new(system: &System, atoms: [u32; 4]) -> Self {
        let [a, b, c, d] = atoms;
        let v0 = system.difference_nm(a, b);
        let v1 = system.difference_nm(c, b);
        let v2 = system.difference_nm(c, d);
        let (c1, c2) = (cross(v0, v1), cross(v1, v2));
        Self {
            atoms,
            angle_rad: libm::atan2(norm(v1) * dot(v0, c2), dot(c1, c2)),
            v0,
            v1,
            v2,
            c1,
            c2,
        }
    }

    /// Add the forces of an energy whose slope by φ is this, kJ/mol/rad. None where the angle is not defined.
    pub fn push(&self, slope: f64, forces: &mut [Vector]) {
        let (n1, n2, axis2) = (dot(self.c1, self.c1), dot(self.c2, self.c2), dot(self.v1, self.v1));
        if n1 == 0.0 || n2 == 0.0 {
            return;
        }
        let axis = libm::sqrt(axis2);
        let first = scale(-slope * axis / n1, self.c1);
        let last = scale(slope * axis / n2, self.c2);
        let shift = subtract(
            scale(dot(self.v0, self.v1) / axis2, first),
            scale(dot(self.v2, self.v1) / axis2, last),
        );
        let [a, b, c, d] = self.atoms;
        push(forces, a, first);
        push(forces, b, subtract(shift, first));
        push(forces, c, scale(-1.0, add(shift, last)));
        push(forces, d, last);
    }
}
