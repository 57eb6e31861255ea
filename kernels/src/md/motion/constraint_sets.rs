//! Connected sets of constraints that are neither stars nor triangles, as `constrain_sets.wgsl` and `constrain_velocity_sets.wgsl` take them.
//!
//! Invariant: two constraints of one color share no atom, so that the order within a color cannot show.

use std::collections::{BTreeMap, BTreeSet};

use crate::md::system::Constraint;

/// Most atoms of a set: one workgroup solves it.
pub const SET_ATOMS_MAX: usize = 16_384;
/// Words of a set in `set_ranges`: first atom, atoms, then where colors begin and the last one ends.
const SET_WORDS: usize = 20;
/// Most colors.
const COLORS_MAX: usize = SET_WORDS - 3;

/// Sets as the shaders' buffers hold them, see `set.wgsl`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConstraintSets {
    /// `set_ranges`, `[sets, 20]`.
    pub ranges: Vec<u32>,
    /// `set_atoms`: tags.
    pub atoms: Vec<u32>,
    /// `set_rows`, `[rows, 4]`.
    pub rows: Vec<u32>,
    /// Colors of the set that has most.
    pub colors: u64,
}

impl ConstraintSets {
    /// Lay sets out for the device. `inverse_masses`: 1/u, by tag.
    ///
    /// # Errors
    /// A set has more than [`SET_ATOMS_MAX`] atoms, an atom has more constraints than there are colors, or a constraint is between two atoms that do not move:
    /// which.
    pub fn new(sets: &[Vec<Constraint>], inverse_masses: &[f64]) -> Result<Self, String> {
        let mut buffers = Self::default();
        let colored: Vec<Vec<Vec<Constraint>>> = sets.iter().map(|set| colored(set)).collect::<Result<_, _>>()?;
        buffers.colors = colored.iter().map(Vec::len).max().unwrap_or(0) as u64;
        for (set, colors) in sets.iter().zip(colored) {
            if let Some(one) = set
                .iter()
                .find(|one| one.atoms.iter().all(|atom| inverse_masses[*atom as usize] == 0.0))
            {
                return Err(format!(
                    "the constraint of atoms {:?} is between atoms without mass, which do not move: expected a mass on one of them",
                    one.atoms
                ));
            }
            buffers.set(&colors)?;
        }
        Ok(buffers)
    }

    fn set(&mut self, colors: &[Vec<Constraint>]) -> Result<(), String> {
        let tags: BTreeSet<u32> = colors.iter().flatten().flat_map(|one| one.atoms).collect();
        if tags.len() > SET_ATOMS_MAX {
            let least = tags.first().copied().unwrap_or(0);
            return Err(format!(
                "{} atoms from atom {least} on hang together by constraints, expected at most {SET_ATOMS_MAX}: constrain bonds with hydrogen alone (HBonds)",
                tags.len()
            ));
        }
        let mut range = vec![self.atoms.len() as u32, tags.len() as u32];
        for color in colors {
            range.push(self.rows.len() as u32 / 4);
            for Constraint {
                atoms: [a, b],
                length_nm,
            } in color
            {
                let square = (length_nm * length_nm) as f32;
                self.rows.extend([*a, *b, square.to_bits(), 0]);
            }
        }
        range.resize(SET_WORDS, self.rows.len() as u32 / 4);
        self.ranges.extend(range);
        self.atoms.extend(tags);
        Ok(())
    }

    /// Number of sets.
    pub fn sets(&self) -> u64 {
        (self.ranges.len() / SET_WORDS) as u64
    }
}

/// Constraints by color: each gets the first color that neither of its atoms has yet, in their order.
fn colored(set: &[Constraint]) -> Result<Vec<Vec<Constraint>>, String> {
    let mut taken: BTreeMap<u32, u32> = BTreeMap::new();
    let mut colors: Vec<Vec<Constraint>> = Vec::new();
    for one in set {
        let [a, b] = one.atoms.map(|atom| taken.get(&atom).copied().unwrap_or(0));
        let color = (a | b).trailing_ones() as usize;
        if color >= COLORS_MAX {
            return Err(format!(
                "constraints of atoms {:?}: more than {COLORS_MAX} colors, expected fewer constraints of one atom",
                one.atoms
            ));
        }
        one.atoms
            .iter()
            .for_each(|atom| *taken.entry(*atom).or_insert(0) |= 1 << color);
        if color == colors.len() {
            colors.push(Vec::new());
        }
        colors[color].push(*one);
    }
    Ok(colors)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bonds(pairs: impl IntoIterator<Item = [u32; 2]>) -> Vec<Constraint> {
        let one = |atoms| Constraint { atoms, length_nm: 0.15 };
        pairs.into_iter().map(one).collect()
    }

    #[test]
    fn constraints_of_a_color_share_no_atom() {
        let ring = bonds((0..7).map(|k| [k, (k + 1) % 7]).chain([[3, 8], [3, 9]]));
        let colors = colored(&ring).unwrap();
        assert_eq!(colors.iter().map(Vec::len).sum::<usize>(), ring.len());
        for color in &colors {
            let mut atoms: Vec<u32> = color.iter().flat_map(|one| one.atoms).collect();
            atoms.sort_unstable();
            let count = atoms.len();
            atoms.dedup();
            assert_eq!(atoms.len(), count);
        }
        let buffers = ConstraintSets::new(&[ring.clone(), bonds([[20, 21], [21, 22], [22, 23]])], &[1.0; 30]).unwrap();
        assert_eq!((buffers.sets(), buffers.colors), (2, colors.len() as u64));
        assert_eq!(buffers.ranges[..3], [0, 9, 0]);
        assert_eq!(buffers.ranges[20..23], [9, 4, 9]);
        assert_eq!(buffers.ranges[SET_WORDS - 1], 9);
        assert_eq!(buffers.ranges[2 * SET_WORDS - 1], 12);
    }

    #[test]
    fn sets_that_cannot_be_solved_are_refused_by_name() {
        let long = bonds((0..16_384).map(|k| [k, k + 1]));
        let error = ConstraintSets::new(&[long], &[1.0; 16_385]).unwrap_err();
        assert!(error.contains("16385 atoms from atom 0"), "{error}");
        let error = ConstraintSets::new(&[bonds([[0, 1], [1, 2], [2, 3]])], &[1.0, 0.0, 0.0, 1.0]).unwrap_err();
        assert!(error.contains("atoms [1, 2]"), "{error}");
        let hub = bonds((1..19).map(|k| [0, k]));
        let error = ConstraintSets::new(&[hub], &[1.0; 20]).unwrap_err();
        assert!(error.contains("more than 17 colors"), "{error}");
    }
}
