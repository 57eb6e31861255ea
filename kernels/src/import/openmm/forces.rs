//! Which Force classes are read. A class that is new here is a reader of its own and a line in [`READERS`].

use super::super::xml::{Element, shown};
use super::{Reading, actions, bonded, custom, implicit, nonbonded};

type Reader = fn(Element<'_>, &mut Reading);

/// Classes that are read, the latest version of each, and by what.
const READERS: [(&str, i64, Reader); 13] = [
    ("HarmonicBondForce", 2, bonded::bonds),
    ("HarmonicAngleForce", 2, bonded::angles),
    ("PeriodicTorsionForce", 2, bonded::torsions),
    ("RBTorsionForce", 2, bonded::rb_torsions),
    ("CMAPTorsionForce", 2, bonded::cmap),
    ("NonbondedForce", 4, nonbonded::read),
    ("CustomTorsionForce", 3, custom::torsions),
    ("CustomNonbondedForce", 3, custom::pairs),
    ("CustomBondForce", 3, custom::bonds),
    ("CustomExternalForce", 1, custom::external),
    ("GBSAOBCForce", 2, implicit::read),
    ("CMMotionRemover", 1, actions::motion),
    ("MonteCarloBarostat", 1, actions::barostat),
];

/// Classes that are known and not read, with what to do about it.
const REFUSED: [(&str, &str); 7] = [
    ("AndersenThermostat", "use LangevinMiddleIntegrator for a thermostat"),
    (
        "MonteCarloAnisotropicBarostat",
        "only MonteCarloBarostat changes the volume here",
    ),
    (
        "MonteCarloMembraneBarostat",
        "only MonteCarloBarostat changes the volume here",
    ),
    (
        "MonteCarloFlexibleBarostat",
        "only MonteCarloBarostat changes the volume here",
    ),
    (
        "CustomGBForce",
        "of implicit solvents only GBSAOBCForce (OBC2 of prmtop files) is known",
    ),
    ("AmoebaMultipoleForce", "polarisable force fields are not supported"),
    ("DrudeForce", "polarisable force fields are not supported"),
];

/// Read every force of a System.
pub(super) fn read(system: Element<'_>, reading: &mut Reading) {
    let Some(forces) = reading.obstacles.take(system.child("Forces")) else {
        return;
    };
    for force in forces.children() {
        let Some(class) = reading.obstacles.take(force.text("type")) else {
            continue;
        };
        match READERS.iter().find(|(name, ..)| *name == class) {
            Some((_, latest, reader)) => {
                if reading.obstacles.take(force.version(*latest)).is_some() {
                    reader(force, reading);
                }
            }
            None => {
                let fix = match REFUSED.iter().find(|(name, _)| *name == class) {
                    Some((_, fix)) => format!("{fix}; build or serialise the System without it"),
                    None => format!("known are {}", READERS.map(|(name, ..)| name).join(", ")),
                };
                reading
                    .obstacles
                    .add(force.refuse(format!("found the force {}, which is not supported: {fix}", shown(class))));
            }
        }
    }
}
