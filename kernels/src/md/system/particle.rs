//! Particles, and which of them are alike.

use std::collections::BTreeMap;

/// A particle: an atom, a frozen atom (mass 0), or a virtual site (mass 0, placed by a [`super::Site`]).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Particle {
    /// Mass, u; 0 for what does not move by itself.
    pub mass_u: f64,
    /// Charge, e.
    pub charge_e: f64,
    /// Lennard-Jones σ, nm; 0 where ε is 0.
    pub sigma_nm: f64,
    /// Lennard-Jones ε, kJ/mol.
    pub epsilon_kj_mol: f64,
}

/// Particles that are alike in everything.
#[derive(Clone, Debug, PartialEq)]
pub struct Kind {
    /// The element that the mass suggests and, where several kinds share it, a number: `O`, `H`, `C1`, `C2`; `X` for what has no mass.
    pub name: String,
    /// What they have in common.
    pub particle: Particle,
}

/// The kinds of a system.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Kinds {
    /// Each kind once, in the order of first appearance.
    pub kinds: Vec<Kind>,
    /// Each particle's kind, an index into `kinds`.
    pub of: Vec<u32>,
    /// The first particle of each kind.
    pub first: Vec<usize>,
}

/// Masses of elements that molecules are made of, u (IUPAC 2021, rounded).
const ELEMENTS: [(f64, &str); 25] = [
    (1.008, "H"),
    (4.0026, "He"),
    (6.94, "Li"),
    (10.81, "B"),
    (12.011, "C"),
    (14.007, "N"),
    (15.999, "O"),
    (18.998, "F"),
    (20.18, "Ne"),
    (22.99, "Na"),
    (24.305, "Mg"),
    (28.085, "Si"),
    (30.974, "P"),
    (32.06, "S"),
    (35.45, "Cl"),
    (39.948, "Ar"),
    (40.078, "Ca"),
    (55.845, "Fe"),
    (65.38, "Zn"),
    (79.904, "Br"),
    (83.798, "Kr"),
    (85.468, "Rb"),
    (126.9, "I"),
    (131.29, "Xe"),
    (132.91, "Cs"),
];
const POTASSIUM: (f64, &str) = (39.098, "K");

/// The element whose mass is within 0.3 % (0.02 u for hydrogen); repartitioned masses (hydrogen of 1.5 to 4 u) count as hydrogen.
fn element(mass_u: f64) -> &'static str {
    if mass_u <= 0.0 {
        return "X";
    }
    let near = |(mass, _): &(f64, &str)| (mass_u - mass).abs() < 0.003 * mass;
    let known = ELEMENTS.iter().chain([&POTASSIUM]).find(|element| near(element));
    match known {
        Some((_, symbol)) => symbol,
        None if mass_u < 3.9 => "H",
        None => "A",
    }
}

impl Kinds {
    /// Sort particles into kinds; `more` is what else tells a particle (by its index) from others.
    pub fn of(particles: &[Particle], more: impl Fn(usize) -> Vec<u64>) -> Self {
        let mut known = BTreeMap::new();
        let mut kinds: Vec<Kind> = Vec::new();
        let mut first = Vec::new();
        let of = particles.iter().enumerate().map(|(index, particle)| {
            let own = [particle.mass_u, particle.charge_e, particle.sigma_nm, particle.epsilon_kj_mol].map(f64::to_bits);
            *known.entry((own, more(index))).or_insert_with(|| {
                first.push(index);
                kinds.push(Kind {
                    name: element(particle.mass_u).to_owned(),
                    particle: *particle,
                });
                kinds.len() as u32 - 1
            })
        });
        let of = of.collect();
        let mut shared: BTreeMap<String, usize> = BTreeMap::new();
        kinds
            .iter()
            .for_each(|kind| *shared.entry(kind.name.clone()).or_default() += 1);
        let mut numbered: BTreeMap<String, usize> = BTreeMap::new();
        for kind in kinds.iter_mut().filter(|kind| shared[&kind.name] > 1) {
            let number = numbered.entry(kind.name.clone()).or_default();
            *number += 1;
            kind.name = format!("{}{number}", kind.name);
        }
        Self { kinds, of, first }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_named_by_element_and_numbered_where_several_share_it() {
        let particle = |mass_u, charge_e| Particle {
            mass_u,
            charge_e,
            ..Particle::default()
        };
        let particles = [
            particle(15.99943, -0.8),
            particle(1.007_947, 0.4),
            particle(1.007_947, 0.4),
            particle(1.5, 0.1),
            particle(0.0, 0.0),
            particle(39.0983, 1.0),
        ];
        let kinds = Kinds::of(&particles, |_| Vec::new());
        let names: Vec<_> = kinds.kinds.iter().map(|kind| kind.name.as_str()).collect();
        assert_eq!(names, ["O", "H1", "H2", "X", "K"]);
        assert_eq!(kinds.of, [0, 1, 1, 2, 3, 4]);
        assert_eq!(kinds.first, [0, 1, 3, 4, 5]);
        // The two hydrogens that are alike, told apart by something else.
        let finer = Kinds::of(&particles, |index| vec![u64::from(index == 2)]);
        assert_eq!(finer.of, [0, 1, 2, 3, 4, 5]);
    }
}
