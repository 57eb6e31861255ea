//! Energies and forces of a whole system in double precision on the host: what every shader's result is held against.
//!
//! | module | owns |
//! |---|---|
//! | [`vector`] | sums and products of vectors |
//! | [`dihedral`] | dihedral angles and their forces |
//! | [`pairs`] | pairs within a distance, each once |
//! | [`switch`] | the switching function |
//!
//! The terms themselves are `md::terms::*::twin`, each a function of a [`System`] that adds to the forces and returns an energy. They follow OpenMM's
//! Reference platform, in formulas and not in their order of additions, so that agreement is to rounding: some 1·10⁻¹³ of the total.

pub mod dihedral;
pub mod pairs;
pub mod switch;
pub mod vector;

use std::collections::BTreeMap;

use super::system::{ForceClass, System, Vector};
use super::terms;

/// Energies and forces of a system's positions.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    /// Energy of each class that has terms, kJ/mol.
    pub energies_kj_mol: BTreeMap<ForceClass, f64>,
    /// The part of the nonbonded energy that is summed in reciprocal space, self energy and net charge included, kJ/mol; 0 without PME.
    pub reciprocal_kj_mol: f64,
    /// Forces, kJ/mol/nm; those on virtual sites are handed over to the particles that place them, and are 0 themselves.
    pub forces_kj_mol_nm: Vec<Vector>,
}

/// Energies and forces of a system as it stands: virtual sites are taken to be where the state has them.
///
/// # Panics
/// The system has [problems](super::system::check::problems).
pub fn evaluate(system: &System) -> Evaluation {
    type Twin = fn(&System, &mut [Vector]) -> f64;
    let twins: [(ForceClass, Twin); 11] = [
        (ForceClass::HarmonicBond, terms::bonds::twin::add),
        (ForceClass::HarmonicAngle, terms::angles::twin::add),
        (ForceClass::PeriodicTorsion, terms::torsions::twin::add),
        (ForceClass::RbTorsion, terms::rb_torsions::twin::add),
        (ForceClass::CustomTorsion, terms::impropers::twin::add),
        (ForceClass::Cmap, terms::cmap::twin::add),
        (ForceClass::Nonbonded, terms::nonbonded::twin::add),
        (ForceClass::CustomNonbonded, terms::custom_pairs::twin::add),
        (ForceClass::CustomBond, terms::pair_bonds::twin::add),
        (ForceClass::CustomExternal, terms::restraints::twin::add),
        (ForceClass::GbsaObc, terms::gb_obc::twin::add),
    ];
    let mut forces = vec![[0.0; 3]; system.atoms()];
    let there = system.terms.classes();
    let mut energies_kj_mol = BTreeMap::new();
    for (class, add) in twins.into_iter().filter(|(class, _)| there.contains(class)) {
        energies_kj_mol.insert(class, add(system, &mut forces));
    }
    let reciprocal_kj_mol = terms::pme::twin::add(system, &mut forces);
    if let Some(energy) = energies_kj_mol.get_mut(&ForceClass::Nonbonded) {
        *energy += reciprocal_kj_mol;
    }
    terms::virtual_sites::twin::spread_forces(system, &mut forces);
    Evaluation {
        energies_kj_mol,
        reciprocal_kj_mol,
        forces_kj_mol_nm: forces,
    }
}
