//! Atoms of a package: their kinds, and the elements that their masses are of.

use std::collections::BTreeSet;

use kernels::package::Package;
use kernels::package::manifest::{Element, Role};

/// Kinds of atoms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Kinds {
    /// The name of each: its symbol where that is the only one of its kind, its number otherwise.
    pub(crate) names: Vec<String>,
    /// The kind of each row, an index into `names`.
    pub(crate) of_row: Vec<usize>,
}

impl Kinds {
    /// Atoms by their elements, in alphabetical order; none where all are of one.
    pub(crate) fn of_elements(symbols: &[String]) -> Option<Self> {
        let present: BTreeSet<&String> = symbols.iter().collect();
        let index = |symbol: &String| present.iter().position(|known| *known == symbol);
        (present.len() > 1).then(|| Self {
            of_row: symbols.iter().filter_map(index).collect(),
            names: present.iter().map(|symbol| (*symbol).clone()).collect(),
        })
    }
}

/// What a package says of its atoms, row by row: from a constant buffer `types` with each atom's kind and `kinds` with the mass of a kind in its
/// last column, or from `masses` with one an atom.
enum Atoms {
    /// Kinds, and the mass of each.
    Typed(Vec<usize>, Vec<f32>),
    /// Masses.
    Masses(Vec<f32>),
    /// Nothing.
    Unknown,
}

fn atoms(package: &Package, rows: u64) -> Atoms {
    let constant = |name: &str, element: Element| {
        let mut buffers = package.manifest().buffers.iter().enumerate();
        let (id, _) = buffers
            .find(|(_, buffer)| (buffer.name.as_str(), buffer.role, buffer.element) == (name, Role::Constant, element))?;
        Some((package.shape(id).to_vec(), package.initial(id).as_chunks::<4>().0.to_vec()))
    };
    if let (Some((shape, types)), Some((kinds_shape, kinds))) =
        (constant("types", Element::U32), constant("kinds", Element::F32))
        && shape == [rows]
        && let [_, width] = kinds_shape[..]
        && width > 0
    {
        let masses = kinds.chunks_exact(width as usize);
        let masses = masses.filter_map(|kind| kind.last()).map(|word| f32::from_le_bytes(*word));
        let types = types.iter().map(|kind| u32::from_le_bytes(*kind) as usize);
        return Atoms::Typed(types.collect(), masses.collect());
    }
    match constant("masses", Element::F32) {
        Some((shape, masses)) if shape == [rows] => {
            Atoms::Masses(masses.iter().map(|word| f32::from_le_bytes(*word)).collect())
        }
        _ => Atoms::Unknown,
    }
}

/// Chemical symbols, where masses in atomic units are an element's.
pub(super) fn symbols(package: &Package, rows: u64) -> Vec<String> {
    let of = |mass: &f32| symbol(f64::from(*mass)).to_owned();
    match atoms(package, rows) {
        Atoms::Typed(types, masses) => {
            let of_type = |kind: &usize| masses.get(*kind).map_or("X".to_owned(), of);
            types.iter().map(of_type).collect()
        }
        Atoms::Masses(masses) => masses.iter().map(of).collect(),
        Atoms::Unknown => Vec::new(),
    }
}

/// Kinds of atoms: those that the package names, or atoms of different masses. None where all are of one.
pub(super) fn kinds(package: &Package, rows: u64) -> Option<Kinds> {
    kinds_of(atoms(package, rows))
}

fn kinds_of(atoms: Atoms) -> Option<Kinds> {
    let (of_row, masses) = match atoms {
        Atoms::Typed(types, masses) => {
            // Only those that some atom is of, in their order.
            let present: BTreeSet<usize> = types.iter().copied().collect();
            let index = |kind: usize| present.range(..kind).count();
            let mass = |kind: &usize| masses.get(*kind).copied().unwrap_or(0.0);
            (
                types.into_iter().map(index).collect(),
                present.iter().map(mass).collect::<Vec<_>>(),
            )
        }
        Atoms::Masses(masses) => {
            let mut present: Vec<f32> = Vec::new();
            let mut index = |mass: f32| {
                present.iter().position(|known| *known == mass).unwrap_or_else(|| {
                    present.push(mass);
                    present.len() - 1
                })
            };
            let of_row: Vec<usize> = masses.into_iter().map(&mut index).collect();
            (of_row, present)
        }
        Atoms::Unknown => return None,
    };
    let symbols: Vec<&str> = masses.iter().map(|mass| symbol(f64::from(*mass))).collect();
    let name = |(index, name): (usize, &&str)| {
        let is_alone = *name != "X" && symbols.iter().filter(|other| *other == name).count() == 1;
        if is_alone {
            (*name).to_owned()
        } else {
            format!("kind {index}")
        }
    };
    let names: Vec<String> = symbols.iter().enumerate().map(name).collect();
    (names.len() > 1).then_some(Kinds { names, of_row })
}

/// The element of this standard atomic weight, to a hundredth; `X` for anything else (united atoms, reduced units).
fn symbol(weight: f64) -> &'static str {
    const ELEMENTS: [(&str, f64); 20] = [
        ("H", 1.008),
        ("He", 4.0026),
        ("Li", 6.94),
        ("C", 12.011),
        ("N", 14.007),
        ("O", 15.999),
        ("F", 18.998),
        ("Ne", 20.180),
        ("Na", 22.990),
        ("Mg", 24.305),
        ("P", 30.974),
        ("S", 32.06),
        ("Cl", 35.45),
        ("Ar", 39.95),
        ("K", 39.098),
        ("Ca", 40.078),
        ("Zn", 65.38),
        ("Br", 79.904),
        ("Kr", 83.798),
        ("Xe", 131.293),
    ];
    ELEMENTS
        .iter()
        .find(|(_, mass)| (mass - weight).abs() < 0.0075)
        .map_or("X", |(name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_known_by_weight_and_reduced_masses_are_none() {
        assert_eq!(
            [39.948, 39.95, 1.008, 15.99943, 1.0, 3.024].map(symbol),
            ["Ar", "Ar", "H", "O", "X", "X"]
        );
    }

    #[test]
    fn many_kinds_are_told_apart_by_their_elements() {
        let symbols = ["O", "H", "H", "C"].map(String::from);
        let kinds = Kinds::of_elements(&symbols).expect("three elements");
        assert_eq!(
            (kinds.names, kinds.of_row),
            (vec!["C".into(), "H".into(), "O".into()], vec![2, 1, 1, 0])
        );
        assert_eq!(Kinds::of_elements(&symbols[1..3]), None);
    }

    #[test]
    fn atoms_of_different_masses_are_kinds_and_named_where_that_is_clear() {
        let mixed = kinds_of(Atoms::Masses(vec![39.95, 20.18, 39.95])).unwrap();
        assert_eq!(mixed.names, ["Ar", "Ne"]);
        assert_eq!(mixed.of_row, [0, 1, 0]);
        assert_eq!(kinds_of(Atoms::Masses(vec![39.95; 3])), None);
        assert_eq!(kinds_of(Atoms::Unknown), None);
        let reduced = kinds_of(Atoms::Typed(vec![2, 0, 2], vec![1.0, 5.0, 1.0])).unwrap();
        assert_eq!(reduced.names, ["kind 0", "kind 1"]);
        assert_eq!(reduced.of_row, [1, 0, 1]);
    }
}
