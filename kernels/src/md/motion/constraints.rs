//! Stars and triangles of constraints as `constrain.wgsl` and `constrain_velocities.wgsl` take them.
//!
//! Invariant: no atom is in two groups, so that groups move their atoms without waiting for each other.

use std::collections::BTreeSet;

use crate::md::system::Constraints;
use crate::md::system::constraint::{ARMS_MAX, Star, Triangle};

/// Groups as the shaders' buffers hold them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConstraintBuffers {
    /// `constraint_atoms`, `[groups, 8]`: atoms 1 to 4 (atom 0 where there are fewer), atom 0, number of arms, 1 for a triangle, 0.
    pub atoms: Vec<u32>,
    /// `constraint_squares`, `[groups, 4]`, nm²: in the solver's order, 0 in lanes without a constraint. A triangle's are those of 0 and 1, 0 and 2, 1
    /// and 2.
    pub squares: Vec<f32>,
}

impl ConstraintBuffers {
    /// Lay groups out for the device: stars, then triangles. Larger ones are not among them.
    ///
    /// # Errors
    /// A star has no arm or more than four, an atom is in two groups, or a length is not a positive number: which.
    pub fn new(constraints: &Constraints) -> Result<Self, String> {
        let mut buffers = Self::default();
        constraints.stars.iter().try_for_each(|star| buffers.star(star))?;
        constraints
            .triangles
            .iter()
            .try_for_each(|triangle| buffers.triangle(triangle))?;
        let mut seen = BTreeSet::new();
        for group in buffers.atoms.chunks_exact(8) {
            for atom in group[..group[5] as usize].iter().chain([&group[4]]) {
                if !seen.insert(*atom) {
                    return Err(format!("constraints: atom {atom} is in two groups, expected one at most"));
                }
            }
        }
        Ok(buffers)
    }

    fn star(&mut self, Star { center, arms }: &Star) -> Result<(), String> {
        if arms.is_empty() || arms.len() > ARMS_MAX {
            return Err(format!(
                "{} constraints share atom {center}, expected 1 to {ARMS_MAX}",
                arms.len()
            ));
        }
        let arm = |k: usize| arms.get(k).map_or(*center, |arm| arm.0);
        let atoms = [arm(0), arm(1), arm(2), arm(3), *center, arms.len() as u32, 0, 0];
        let lengths: Vec<f64> = arms.iter().map(|arm| arm.1).collect();
        self.group(atoms, &lengths)
    }

    fn triangle(&mut self, triangle: &Triangle) -> Result<(), String> {
        let [a, b, c] = triangle.atoms;
        let [ab, bc, ca] = triangle.lengths_nm;
        self.group([b, c, a, a, a, 2, 1, 0], &[ab, ca, bc])
    }

    fn group(&mut self, atoms: [u32; 8], lengths_nm: &[f64]) -> Result<(), String> {
        let mut squares = [0.0; ARMS_MAX];
        for (square, length_nm) in squares.iter_mut().zip(lengths_nm) {
            *square = (length_nm * length_nm) as f32;
            if !(square.is_normal() && *length_nm > 0.0) {
                return Err(format!(
                    "a constraint of atom {}: length {length_nm} nm, expected a positive number",
                    atoms[4]
                ));
            }
        }
        self.atoms.extend(atoms);
        self.squares.extend(squares);
        Ok(())
    }

    /// `motion_groups`, `[groups, 16]`, as `whole/group.wgsl` takes them: every atom in one group; those of one size follow each other, so that what is computed side
    /// by side takes the same way. `inverse_masses`: 1/u, of all atoms.
    pub fn motion_groups(&self, inverse_masses: &[f64]) -> Vec<u32> {
        let bits = |atom: u32| (inverse_masses[atom as usize] as f32).to_bits();
        let mut alone = vec![true; inverse_masses.len()];
        let mut groups: Vec<[u32; 16]> = Vec::new();
        for (atoms, squares) in self.atoms.as_chunks::<8>().0.iter().zip(self.squares.as_chunks::<4>().0) {
            let [a, b, c, d, centre, arms, triangle, _] = *atoms;
            let ends = [a, b, c, d];
            for atom in ends.iter().take(arms as usize).chain([&centre]) {
                alone[*atom as usize] = false;
            }
            let mut row = [0; 16];
            row[..4].copy_from_slice(&ends);
            row[4..8].copy_from_slice(&[centre, arms, triangle, bits(centre)]);
            row[8..12].copy_from_slice(&squares.map(f32::to_bits));
            row[12..].copy_from_slice(&ends.map(bits));
            groups.push(row);
        }
        groups.sort_by_key(|row| (row[6], row[5]));
        let single = |atom: u32| {
            let mut row = [0; 16];
            row[..5].fill(atom);
            row[7] = bits(atom);
            row[12..].fill(bits(atom));
            row
        };
        groups.extend((0u32..).zip(alone).filter(|(_, alone)| *alone).map(|(atom, _)| single(atom)));
        groups.into_flattened()
    }

    /// Number of groups.
    pub fn groups(&self) -> u64 {
        (self.squares.len() / ARMS_MAX) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_that_cannot_be_solved_are_refused_by_name() {
        let star = |center, arms: &[u32]| Star {
            center,
            arms: arms.iter().map(|arm| (*arm, 0.1)).collect(),
        };
        let stars = |stars: Vec<Star>| Constraints {
            stars,
            ..Constraints::default()
        };
        let triangles = vec![Triangle {
            atoms: [0, 1, 2],
            lengths_nm: [0.1, f64::NAN, 0.1],
        }];
        for (constraints, text) in [
            (stars(vec![star(0, &[])]), "0 constraints share atom 0"),
            (stars(vec![star(7, &[1, 2, 3, 4, 5])]), "5 constraints share atom 7"),
            (stars(vec![star(0, &[1]), star(2, &[1])]), "atom 1 is in two groups"),
            (stars(vec![star(0, &[0])]), "atom 0 is in two groups"),
            (
                Constraints {
                    triangles,
                    ..Constraints::default()
                },
                "length NaN nm",
            ),
        ] {
            let error = ConstraintBuffers::new(&constraints).expect_err("a bad group");
            assert!(error.contains(text), "{error}");
        }
    }
}
