//! Distance constraints, by connected group: stars, triangles, and larger sets.

use std::collections::BTreeMap;

use super::molecule::Sets;

/// Most arms of a star.
pub const ARMS_MAX: usize = 4;

/// Two particles at a fixed distance.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Constraint {
    /// The two particles.
    pub atoms: [u32; 2],
    /// Their distance, nm.
    pub length_nm: f64,
}

/// A particle with one to [`ARMS_MAX`] others at fixed distances: a heavy atom and its hydrogens.
#[derive(Clone, Debug, PartialEq)]
pub struct Star {
    /// The middle. Of a single pair, the heavier one (the first of equals).
    pub center: u32,
    /// The others and their distances, nm, by particle.
    pub arms: Vec<(u32, f64)>,
}

/// Three particles at fixed distances: rigid water.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Triangle {
    /// The particles, in order.
    pub atoms: [u32; 3],
    /// Distances, nm: of 0 and 1, of 1 and 2, of 2 and 0.
    pub lengths_nm: [f64; 3],
}

/// All constraints of a system, each in exactly one group, groups by their least particle.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Constraints {
    /// Stars.
    pub stars: Vec<Star>,
    /// Triangles.
    pub triangles: Vec<Triangle>,
    /// Connected sets that are neither.
    pub larger: Vec<Vec<Constraint>>,
}

impl Constraints {
    /// Sort constraints into groups. Particles must be below `masses_u.len()`, and no pair may occur twice.
    pub fn grouped(masses_u: &[f64], constraints: &[Constraint]) -> Self {
        let mut sets = Sets::new(masses_u.len());
        constraints.iter().for_each(|one| sets.join(one.atoms[0], one.atoms[1]));
        let mut by_set: BTreeMap<u32, Vec<Constraint>> = BTreeMap::new();
        for one in constraints {
            by_set.entry(sets.least(one.atoms[0])).or_default().push(*one);
        }
        let mut groups = Self::default();
        for group in by_set.into_values() {
            if let Some(star) = star(masses_u, &group) {
                groups.stars.push(star);
            } else if let Some(triangle) = triangle(&group) {
                groups.triangles.push(triangle);
            } else {
                groups.larger.push(group);
            }
        }
        groups
    }

    /// Number of constraints.
    pub fn len(&self) -> usize {
        self.stars.iter().map(|star| star.arms.len()).sum::<usize>()
            + 3 * self.triangles.len()
            + self.larger.iter().map(Vec::len).sum::<usize>()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.stars.is_empty() && self.triangles.is_empty() && self.larger.is_empty()
    }

    /// All of them, group after group.
    pub fn all(&self) -> impl Iterator<Item = Constraint> {
        let stars = self.stars.iter().flat_map(|star| {
            star.arms.iter().map(|(atom, length_nm)| Constraint {
                atoms: [star.center, *atom],
                length_nm: *length_nm,
            })
        });
        let triangles = self.triangles.iter().flat_map(|triangle| {
            [0, 1, 2].map(|side| Constraint {
                atoms: [triangle.atoms[side], triangle.atoms[(side + 1) % 3]],
                length_nm: triangle.lengths_nm[side],
            })
        });
        stars.chain(triangles).chain(self.larger.iter().flatten().copied())
    }
}

fn star(masses_u: &[f64], group: &[Constraint]) -> Option<Star> {
    if group.len() > ARMS_MAX {
        return None;
    }
    let [a, b] = group[0].atoms;
    let in_all = |atom: u32| group.iter().all(|one| one.atoms.contains(&atom));
    let center = match (in_all(a), in_all(b)) {
        (true, true) if masses_u[b as usize] > masses_u[a as usize] => b,
        (true, _) => a,
        (_, true) => b,
        _ => return None,
    };
    let arm = |one: &Constraint| (one.atoms[usize::from(one.atoms[0] == center)], one.length_nm);
    let mut arms: Vec<_> = group.iter().map(arm).collect();
    arms.sort_by_key(|(atom, _)| *atom);
    Some(Star { center, arms })
}

fn triangle(group: &[Constraint]) -> Option<Triangle> {
    let mut atoms: Vec<u32> = group.iter().flat_map(|one| one.atoms).collect();
    atoms.sort_unstable();
    atoms.dedup();
    let atoms: [u32; 3] = atoms.try_into().ok()?;
    let length = |a: u32, b: u32| {
        group
            .iter()
            .find(|one| one.atoms.contains(&a) && one.atoms.contains(&b))
            .map(|one| one.length_nm)
    };
    let [a, b, c] = atoms;
    Some(Triangle {
        atoms,
        lengths_nm: [length(a, b)?, length(b, c)?, length(c, a)?],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(list: &[[u32; 2]]) -> Vec<Constraint> {
        let one = |atoms: &[u32; 2]| Constraint {
            atoms: *atoms,
            length_nm: 0.1 + 0.01 * f64::from(atoms[0] + atoms[1]),
        };
        list.iter().map(one).collect()
    }

    #[test]
    fn every_constraint_is_in_the_group_that_its_shape_says() {
        let masses = [12.0, 1.0, 1.0, 1.0, 16.0, 1.0, 1.0, 1.0, 14.0, 6.0, 6.0, 6.0, 6.0];
        let all = pairs(&[
            [1, 0],
            [0, 2],
            [3, 0],
            [4, 5],
            [6, 4],
            [5, 6],
            [7, 8],
            [9, 10],
            [10, 11],
            [11, 12],
        ]);
        let groups = Constraints::grouped(&masses, &all);
        assert_eq!(groups.len(), all.len());
        assert_eq!(groups.all().count(), all.len());
        let centers: Vec<_> = groups.stars.iter().map(|star| (star.center, star.arms.len())).collect();
        assert_eq!(centers, [(0, 3), (8, 1)]);
        assert_eq!(groups.triangles[0].atoms, [4, 5, 6]);
        assert_eq!(groups.triangles[0].lengths_nm, [0.1 + 0.09, 0.1 + 0.11, 0.1 + 0.1]);
        assert_eq!(groups.larger, vec![pairs(&[[9, 10], [10, 11], [11, 12]])]);
    }
}
