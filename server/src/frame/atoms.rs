//! What a package says of its particles, as far as a picture of them needs it: which are shown, of which kind they are, and what is bound to what.
//!
//! Invariant: it is small, whatever the package holds: [`ATOMS_MAX`] particles and [`BONDS_MAX`] bonds at most, whose indices are within bounds. Packages that `baton import`
//! makes have these buffers (`kernels::md::draft`); of another one with the same names as much is shown as fits together.

use package::Package;
use package::manifest::{Element, Role};

/// Particles that are shown.
pub(crate) const ATOMS_MAX: usize = 4000;
/// Bonds that are shown.
const BONDS_MAX: usize = 4 * ATOMS_MAX;
/// Particles of which a picture is made at all.
const PARTICLES_MAX: u64 = 1 << 20;
/// Hydrogen is lighter than this, u, also where it was made heavier for longer steps.
const HYDROGEN_BELOW_U: f32 = 4.1;
/// Its atomic weight.
const HYDROGEN_U: f32 = 1.008;
/// Kinds that are told apart; the others are one.
const KINDS_MAX: usize = 32;

/// The particles of a package that are shown.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Atoms {
    /// Particles in the package.
    pub(crate) total: usize,
    /// By how much one unit of each coordinate leads on, nm.
    pub(crate) unit_nm: [[f64; 3]; 3],
    /// Which are shown.
    pub(crate) rows: Vec<u32>,
    /// The kind of each of them, an index into `names`.
    pub(crate) kinds: Vec<u8>,
    /// Elements, where masses are an element's, and numbers of kinds.
    pub(crate) names: Vec<String>,
    /// Pairs of those that are shown, by their place in `rows`.
    pub(crate) bonds: Vec<[u32; 2]>,
    /// What is left out, in words; empty where nothing is.
    pub(crate) without: String,
}

impl Atoms {
    /// Those of a package; none where it holds no particles in space.
    pub(crate) fn of(package: &Package) -> Option<Self> {
        let buffers = package.manifest().buffers.iter().enumerate();
        let found = |name: &str, role: Role, element: Element| {
            let is_it = |buffer: &package::manifest::Buffer| {
                (buffer.name.as_str(), buffer.role, buffer.element) == (name, role, element)
            };
            buffers.clone().find(|(_, buffer)| is_it(buffer))
        };
        let words = |name: &str, element: Element| -> Vec<u32> {
            let bytes = found(name, Role::Constant, element).map_or(Vec::new(), |(id, _)| package.initial(id));
            bytes
                .as_chunks::<4>()
                .0
                .iter()
                .map(|word| u32::from_le_bytes(*word))
                .collect()
        };
        let (id, positions) = found("positions", Role::State, Element::U32)?;
        let unit_nm = match positions.scale.as_deref()? {
            [x, y, z] => [[*x, 0.0, 0.0], [0.0, *y, 0.0], [0.0, 0.0, *z]],
            [ax, ay, az, bx, by, bz, cx, cy, cz] => [[*ax, *ay, *az], [*bx, *by, *bz], [*cx, *cy, *cz]],
            _ => return None,
        };
        let total = match *package.shape(id) {
            [total, 3] if total <= PARTICLES_MAX => usize::try_from(total).ok()?,
            _ => return None,
        };
        let types = words("types", Element::U32);
        let width = found("kinds", Role::Constant, Element::F32).and_then(|(id, _)| package.shape(id).last().copied());
        let width = width
            .and_then(|width| usize::try_from(width).ok())
            .filter(|width| *width > 0)?;
        let kinds = words("kinds", Element::F32);
        let masses_of_kinds: Vec<f32> = kinds
            .chunks_exact(width)
            .map(|kind| f32::from_bits(kind[width - 1]))
            .collect();
        let masses: Option<Vec<f32>> = types
            .iter()
            .map(|kind| masses_of_kinds.get(*kind as usize).copied())
            .collect();
        let masses = masses.filter(|masses| masses.len() == total)?;
        let mut links = links(words);
        links.retain(|[a, b]| a != b && (*a as usize) < total && (*b as usize) < total);
        let (rows, without) = shown(&masses, &links);
        let (kinds, names) = kinds_of(&rows, &types, &masses, &links);
        let mut place = vec![u32::MAX; total];
        (0..).zip(&rows).for_each(|(index, row)| place[*row as usize] = index);
        let bonds = links.iter().map(|pair| pair.map(|atom| place[atom as usize]));
        let bonds = bonds.filter(|pair| !pair.contains(&u32::MAX)).take(BONDS_MAX).collect();
        Some(Self {
            total,
            unit_nm,
            rows,
            kinds,
            names,
            bonds,
            without,
        })
    }
}

/// Pairs that are bound or held at a distance, as the buffers of `kernels::md` have them.
fn links(words: impl Fn(&str, Element) -> Vec<u32>) -> Vec<[u32; 2]> {
    let integers = |name: &str| words(name, Element::U32);
    let mut links = Vec::new();
    for name in ["bond_atoms", "pair_bond_atoms"] {
        links.extend_from_slice(integers(name).as_chunks::<2>().0);
    }
    for [a, b, c, d, center, arms, triangle, _] in integers("constraint_atoms").as_chunks::<8>().0 {
        // Of a triangle, which holds a molecule of water, the side between its hydrogens is no bond.
        let arms = if *triangle == 0 { *arms as usize } else { 2 };
        links.extend([*a, *b, *c, *d].into_iter().take(arms).map(|end| [*center, end]));
    }
    links.extend(integers("set_rows").as_chunks::<4>().0.iter().map(|[a, b, ..]| [*a, *b]));
    links
}

/// Which particles are shown, and what that leaves out: sites without a mass; water beside other molecules; hydrogen, and then all but every n-th, where there are too many.
fn shown(masses: &[f32], links: &[[u32; 2]]) -> (Vec<u32>, String) {
    let mut rows: Vec<u32> = (0..)
        .zip(masses)
        .filter(|(_, mass)| **mass > 0.0)
        .map(|(row, _)| row)
        .collect();
    let mut without = Vec::new();
    let (water, has_others) = water(masses, links);
    if has_others && water.contains(&true) {
        rows.retain(|row| !water[*row as usize]);
        without.push("water".to_owned());
    }
    if rows.len() > ATOMS_MAX && !links.is_empty() {
        let before = rows.len();
        rows.retain(|row| masses[*row as usize] >= HYDROGEN_BELOW_U);
        if rows.len() < before {
            without.push("hydrogen".to_owned());
        }
    }
    if rows.len() > ATOMS_MAX {
        let every = rows.len().div_ceil(ATOMS_MAX);
        rows = rows.into_iter().step_by(every).collect();
        without.push(format!("all but one in {every} of the rest"));
    }
    (rows, without.join(" and "))
}

/// Which particles belong to water, an oxygen and two hydrogens; and whether there is another molecule of more than one atom.
fn water(masses: &[f32], links: &[[u32; 2]]) -> (Vec<bool>, bool) {
    // Each particle leads to the first of its molecule.
    let mut first: Vec<usize> = (0..masses.len()).collect();
    let root = |first: &mut Vec<usize>, mut at: usize| {
        while first[at] != at {
            first[at] = first[first[at]];
            at = first[at];
        }
        at
    };
    for [a, b] in links {
        let (a, b) = (root(&mut first, *a as usize), root(&mut first, *b as usize));
        first[a.max(b)] = a.min(b);
    }
    let roots: Vec<usize> = (0..masses.len()).map(|at| root(&mut first, at)).collect();
    let mut light_and_heavy = vec![(0u32, 0u32, 0.0f32); masses.len()];
    for (at, mass) in roots.iter().zip(masses).filter(|(_, mass)| **mass > 0.0) {
        let (light, heavy, sum) = &mut light_and_heavy[*at];
        match *mass < HYDROGEN_BELOW_U {
            true => *light += 1,
            false => *heavy += 1,
        }
        *sum += mass;
    }
    let is_water = |at: usize| matches!(light_and_heavy[at], (2, 1, sum) if (17.9..18.2).contains(&sum));
    let others = (0..masses.len()).any(|at| {
        let (light, heavy, _) = light_and_heavy[at];
        light + heavy > 1 && !is_water(at)
    });
    (roots.iter().map(|at| is_water(*at)).collect(), others)
}

/// The kind of each particle that is shown, and the kinds' names.
fn kinds_of(rows: &[u32], types: &[u32], masses: &[f32], links: &[[u32; 2]]) -> (Vec<u8>, Vec<String>) {
    // Longer steps are made possible by mass that hydrogen takes from what it is bound to.
    let mut lent = vec![0.0; masses.len()];
    for [a, b] in links.iter().map(|pair| pair.map(|atom| atom as usize)) {
        for (light, heavy) in [(a, b), (b, a)] {
            if masses[light] < HYDROGEN_BELOW_U && masses[heavy] >= HYDROGEN_BELOW_U {
                lent[heavy] += masses[light] - HYDROGEN_U;
                lent[light] = HYDROGEN_U - masses[light];
            }
        }
    }
    let mut names: Vec<String> = Vec::new();
    let mut kind = |row: &u32| {
        let row = *row as usize;
        let element = symbol(masses[row]).or_else(|| symbol(masses[row] + lent[row]));
        let name = element.map_or_else(|| format!("kind {}", types[row]), str::to_owned);
        let known = names.iter().position(|other| *other == name);
        let index = known.unwrap_or_else(|| {
            if names.len() < KINDS_MAX {
                names.push(name);
            }
            names.len() - 1
        });
        u8::try_from(index).unwrap_or(0)
    };
    (rows.iter().map(&mut kind).collect(), names)
}

/// The element of this atomic weight, u.
fn symbol(mass: f32) -> Option<&'static str> {
    const ELEMENTS: [(&str, f32); 16] = [
        ("H", HYDROGEN_U),
        ("C", 12.011),
        ("N", 14.007),
        ("O", 15.999),
        ("F", 18.998),
        ("Na", 22.990),
        ("Mg", 24.305),
        ("P", 30.974),
        ("S", 32.06),
        ("Cl", 35.45),
        ("K", 39.098),
        ("Ar", 39.95),
        ("Ca", 40.078),
        ("Zn", 65.38),
        ("Br", 79.904),
        ("Kr", 83.798),
    ];
    let found = ELEMENTS.iter().find(|(_, weight)| (weight - mass).abs() < 0.0075);
    found.map(|(name, _)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Masses of so many waters.
    fn waters(count: u32, first: u32) -> (Vec<f32>, Vec<[u32; 2]>) {
        let masses = (0..count).flat_map(|_| [15.999, 1.008, 1.008]).collect();
        let at = |molecule: u32| first + 3 * molecule;
        let links = (0..count).flat_map(|molecule| [1, 2].map(|h| [at(molecule), at(molecule) + h]));
        (masses, links.collect())
    }

    #[test]
    fn water_is_left_out_beside_other_molecules_and_shown_where_there_is_nothing_else() {
        let (mut masses, links) = waters(5, 0);
        assert_eq!(shown(&masses, &links), ((0..15).collect(), String::new()));
        // An ion is no molecule, and a site without a mass nothing that is seen.
        masses.extend([22.990, 0.0]);
        assert_eq!(shown(&masses, &links), ((0..16).collect(), String::new()));
        // Methanol, with its hydrogens.
        masses.extend([12.011, 15.999, 1.008, 1.008, 1.008, 1.008]);
        let mut links = links;
        links.extend([[17, 18], [17, 19], [17, 20], [17, 21], [18, 22]]);
        let others: Vec<u32> = std::iter::once(15).chain(17..23).collect();
        assert_eq!(shown(&masses, &links), (others, "water".to_owned()));
    }

    #[test]
    fn of_too_many_particles_hydrogen_goes_first_and_then_all_but_every_nth() {
        let (masses, links) = waters(3000, 0);
        let (rows, without) = shown(&masses, &links);
        assert_eq!((rows.len(), without.as_str()), (3000, "hydrogen"));
        let (rows, without) = shown(&vec![1.0; 10_000], &[]);
        assert_eq!((rows[1], without.as_str()), (3, "all but one in 3 of the rest"));
        assert!(rows.len() <= ATOMS_MAX);
    }

    #[test]
    fn particles_are_named_by_their_element_or_else_by_the_number_of_their_kind() {
        let (kinds, names) = kinds_of(&[0, 1, 3], &[4, 5, 5, 4], &[12.011, 3.3, 3.3, 12.011], &[]);
        assert_eq!((kinds, names), (vec![0, 1, 0], vec!["C".to_owned(), "kind 5".to_owned()]));
        // A methyl group whose hydrogens have half a unit more each.
        let masses = [12.011 - 3.0 * 0.492, 1.5, 1.5, 1.5];
        let (kinds, names) = kinds_of(&[0, 1, 2, 3], &[0, 1, 1, 1], &masses, &[[0, 1], [2, 0], [0, 3]]);
        assert_eq!((kinds, names), (vec![0, 1, 1, 1], vec!["C".to_owned(), "H".to_owned()]));
        let many: Vec<u32> = (0..100).collect();
        let (kinds, names) = kinds_of(&many, &many, &[0.5; 100], &[]);
        assert!(names.len() == KINDS_MAX && kinds.iter().all(|kind| usize::from(*kind) < KINDS_MAX));
    }
}
