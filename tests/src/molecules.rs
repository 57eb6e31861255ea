//! A small molecular package with everything that moves molecules: rigid water with virtual sites, a heat bath, removal of the centre's motion.

use std::path::PathBuf;

use kernels::import::{Files, Options, openmm};
use kernels::md::Plan;
use kernels::md::system::{Bath, Integrator, Method};
use kernels::package::Package;

/// Sixty molecules of water with all kinds of virtual sites: with a reaction field, and with PME as the files have it.
pub const NAMES: [&str; 2] = ["water-with-sites", "water-with-sites-and-pme"];

/// The package of a name, at 300 K by openmmtools' BAOAB.
///
/// # Panics
/// The files of `tests/data/molecules` are not there.
pub fn package(name: &str, steps_per_segment: u64) -> Package {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("data/molecules/water-with-sites");
    let files = Files {
        system: &folder.join("system.xml.gz"),
        state: &folder.join("state.xml.gz"),
        integrator: Some(&folder.join("integrator.xml.gz")),
    };
    let mut system = openmm(&files, &Options::default()).expect("a system").system;
    if let Some(dynamics) = &mut system.dynamics {
        dynamics.integrator = Integrator::Baoab(Bath {
            temperature_k: 300.0,
            friction_per_ps: 5.0,
        });
    }
    if name == NAMES[0]
        && let Some(nonbonded) = &mut system.terms.nonbonded
        && let Some(cutoff) = nonbonded.method.cutoff()
    {
        nonbonded.method = Method::ReactionField {
            cutoff,
            dielectric: 78.5,
        };
    }
    let plan = Plan {
        steps_per_segment,
        segments: 20,
        energies_every: steps_per_segment,
        positions_every: steps_per_segment,
    };
    system.package(plan).expect("a package")
}
