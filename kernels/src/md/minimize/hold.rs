//! Constraints on the host, in double precision with unit masses: displacements and forces without what would change a held distance.
//!
//! Invariant: one constraint after the other, in the package's order, as often as it takes: a function of the positions alone.

use crate::md::readback::Readback;
use crate::md::system::{Constraint, Vector};
use crate::md::twin::vector::{add, dot, scale, subtract};

/// Most rounds over all constraints; star and triangle need some ten for 10⁻⁸.
const ROUNDS_MAX: usize = 500;
/// Relative error of a squared length, or of a force along a constraint, that is left.
const TOLERANCE: f64 = 1e-9;

/// What holds particles.
pub(super) struct Hold<'a> {
    particles: &'a Readback,
    /// 1 for what moves, 0 for frozen particles and virtual sites.
    inverse_masses: Vec<f64>,
}

impl<'a> Hold<'a> {
    pub(super) fn new(particles: &'a Readback) -> Self {
        let moves = |mass: &f64| if *mass > 0.0 { 1.0 } else { 0.0 };
        Self {
            particles,
            inverse_masses: particles.masses_u.iter().map(moves).collect(),
        }
    }

    /// Particles that move.
    pub(super) fn moving(&self) -> usize {
        self.inverse_masses.iter().filter(|inverse| **inverse > 0.0).count()
    }

    fn between(&self, points_nm: &[Vector], [a, b]: [u32; 2]) -> Vector {
        let plain = subtract(points_nm[b as usize], points_nm[a as usize]);
        self.particles.cell.cell().nearest(plain)
    }

    /// Bring constrained distances to their lengths, from wherever they are.
    ///
    /// # Errors
    /// They cannot be held: which.
    pub(super) fn settle(&self, points_nm: &mut [Vector]) -> Result<(), String> {
        let none = vec![[0.0; 3]; points_nm.len()];
        let held = self.displace(points_nm, none)?;
        for (point, step) in points_nm.iter_mut().zip(held) {
            *point = add(*point, step);
        }
        Ok(())
    }

    /// The displacements that hold all distances (SHAKE; Ryckaert, Ciccotti and Berendsen, J. Comput. Phys. 23, 327, 1977).
    ///
    /// # Errors
    /// They cannot be held: which.
    pub(super) fn displace(&self, points_nm: &[Vector], mut moves: Vec<Vector>) -> Result<Vec<Vector>, String> {
        for (step, inverse) in moves.iter_mut().zip(&self.inverse_masses) {
            *step = scale(*inverse, *step);
        }
        let mut worst = (0.0, None);
        for _ in 0..ROUNDS_MAX {
            worst = (0.0, None);
            for constraint in &self.particles.constraints {
                let off = self.hold_one(points_nm, &mut moves, constraint);
                if off > worst.0 || off.is_nan() {
                    worst = (off, Some(constraint.atoms));
                }
            }
            if worst.0 < TOLERANCE {
                return Ok(moves);
            }
        }
        let [a, b] = worst.1.unwrap_or_default();
        Err(format!(
            "the constraint between particles {a} and {b} cannot be held: its length is off by {:.1e} of itself after {ROUNDS_MAX} rounds; check the starting state",
            0.5 * worst.0
        ))
    }

    /// Correct one constraint; how far its squared length was off, relative.
    fn hold_one(&self, points_nm: &[Vector], moves: &mut [Vector], constraint: &Constraint) -> f64 {
        let [a, b] = constraint.atoms.map(|atom| atom as usize);
        let inverse = self.inverse_masses[a] + self.inverse_masses[b];
        if inverse == 0.0 {
            return 0.0;
        }
        let r = self.between(points_nm, constraint.atoms);
        let s = add(r, subtract(moves[b], moves[a]));
        let square = constraint.length_nm * constraint.length_nm;
        let off = square - dot(s, s);
        // Along what it is now where that has turned far from what it was.
        let along = if dot(s, r) > 0.2 * dot(s, s) { r } else { s };
        let push = scale(0.5 * off / (dot(s, along) * inverse), along);
        moves[a] = add(moves[a], scale(-self.inverse_masses[a], push));
        moves[b] = add(moves[b], scale(self.inverse_masses[b], push));
        off.abs() / square
    }

    /// Forces without what is along constraints or on particles that do not move (RATTLE's second half; Andersen, J. Comput. Phys. 52, 24, 1983).
    pub(super) fn project(&self, points_nm: &[Vector], mut forces: Vec<Vector>) -> Vec<Vector> {
        for (force, inverse) in forces.iter_mut().zip(&self.inverse_masses) {
            *force = scale(*inverse, *force);
        }
        let size = forces.iter().map(|force| dot(*force, *force)).fold(0.0, f64::max);
        let limit = TOLERANCE * libm::sqrt(size);
        for _ in 0..ROUNDS_MAX {
            let mut worst: f64 = 0.0;
            for constraint in &self.particles.constraints {
                let [a, b] = constraint.atoms.map(|atom| atom as usize);
                let inverse = self.inverse_masses[a] + self.inverse_masses[b];
                if inverse == 0.0 {
                    continue;
                }
                let r = self.between(points_nm, constraint.atoms);
                let along = dot(r, subtract(forces[b], forces[a]));
                worst = worst.max(along.abs() / constraint.length_nm);
                let pull = scale(-along / (dot(r, r) * inverse), r);
                forces[a] = add(forces[a], scale(-self.inverse_masses[a], pull));
                forces[b] = add(forces[b], scale(self.inverse_masses[b], pull));
            }
            if worst <= limit {
                break;
            }
        }
        forces
    }
}
