//! OpenMM: what `XmlSerializer` writes of a System, a State and an Integrator.
//!
//! | module | owns |
//! |---|---|
//! | `particles` | box and masses of the System, positions and velocities of the State |
//! | `integrator` | the Integrator |
//! | `forces` | which Force classes can be run, one file each, and what to do about the others |
//! | `nonbonded` | `NonbondedForce` |

use std::collections::BTreeMap;
use std::path::Path;

use crate::md::{AtomType, LennardJonesSystem, Plan};

use super::xml::Document;
use super::{ImportError, file};

mod forces;
mod integrator;
mod nonbonded;
mod particles;

/// What the Force classes of a System amount to.
#[derive(Debug, Default)]
struct Interactions {
    /// Lennard-Jones, once a NonbondedForce was met.
    lennard_jones: Option<LennardJones>,
}

/// Lennard-Jones with a cutoff.
#[derive(Debug)]
struct LennardJones {
    cutoff_nm: f64,
    /// σ, nm, and ε, kJ/mol, of each atom.
    atoms: Vec<(f64, f64)>,
}

/// Read a system, its state and its integrator; each may be gzip.
///
/// # Errors
/// A file cannot be read, is not what it should be, or holds something that cannot be run exactly as OpenMM means it.
pub fn openmm(system: &Path, state: &Path, integrator: &Path) -> Result<LennardJonesSystem, ImportError> {
    let texts = [file::text(system)?, file::text(state)?, file::text(integrator)?];
    let system_xml = Document::parse(system, &texts[0])?;
    let state_xml = Document::parse(state, &texts[1])?;
    let integrator_xml = Document::parse(integrator, &texts[2])?;
    let root = system_xml.root("System")?;
    let dt_ps = integrator::verlet(integrator_xml.root("Integrator")?)?;
    let masses_u = particles::masses(root)?;
    let state = particles::state(state_xml.root("State")?, masses_u.len())?;
    let interactions = forces::read(root, masses_u.len())?;
    let Some(lennard_jones) = interactions.lennard_jones else {
        return Err(root.refuse("found no force, expected a NonbondedForce".into()));
    };
    let (types, type_of) = kinds(&masses_u, &lennard_jones.atoms);
    Ok(LennardJonesSystem {
        name: "openmm-import".into(),
        description: format!(
            "Imported from OpenMM: {} atoms, Lennard-Jones, Verlet integrator",
            masses_u.len()
        ),
        box_nm: state.box_nm,
        types,
        type_of,
        positions_nm: state.positions_nm,
        velocities_nm_ps: state.velocities_nm_ps,
        dt_ps,
        cutoff_nm: lennard_jones.cutoff_nm,
        skin_nm: LennardJonesSystem::usual_skin_nm(lennard_jones.cutoff_nm),
        plan: Plan {
            steps_per_segment: 1000,
            segments: 20,
            energies_every: 20,
            positions_every: 20,
        },
    })
}

/// Atoms that are alike in everything are of one type; types stand in the order in which they first appear.
fn kinds(masses_u: &[f64], atoms: &[(f64, f64)]) -> (Vec<AtomType>, Vec<u32>) {
    let mut known = BTreeMap::new();
    let mut types = Vec::new();
    let type_of = masses_u.iter().zip(atoms).map(|(&mass_u, &(sigma_nm, epsilon_kj_mol))| {
        let key = [mass_u, sigma_nm, epsilon_kj_mol].map(f64::to_bits);
        *known.entry(key).or_insert_with(|| {
            types.push(AtomType {
                mass_u,
                sigma_nm,
                epsilon_kj_mol,
            });
            types.len() as u32 - 1
        })
    });
    let type_of = type_of.collect();
    (types, type_of)
}
