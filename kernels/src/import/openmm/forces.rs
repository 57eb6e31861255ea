//! Which Force classes can be run. A class that is new here is a file of its own and a line in [`READERS`].

use super::super::ImportError;
use super::super::xml::{Element, shown};
use super::{Interactions, nonbonded};

type Reader = fn(Element<'_>, usize, &mut Interactions) -> Result<(), ImportError>;

/// Classes that can be run.
const READERS: [(&str, Reader); 1] = [("NonbondedForce", nonbonded::read)];

/// Classes that cannot, with what to do about it.
const REFUSED: [(&str, &str); 3] = [
    (
        "CMMotionRemover",
        "forces on the centre of mass sum to zero here without it; build the System with removeCMMotion=False",
    ),
    (
        "MonteCarloBarostat",
        "runs are at constant volume; serialise the System before adding the barostat",
    ),
    (
        "AndersenThermostat",
        "runs are at constant energy; serialise the System before adding the thermostat",
    ),
];

/// Read every force of a System of `atoms` atoms.
///
/// # Errors
/// One cannot be run; the message names it.
pub(super) fn read(system: Element<'_>, atoms: usize) -> Result<Interactions, ImportError> {
    let mut interactions = Interactions::default();
    for force in system.child("Forces")?.children() {
        let class = force.text("type")?;
        match READERS.iter().find(|(name, _)| *name == class) {
            Some((_, reader)) => reader(force, atoms, &mut interactions)?,
            None => {
                let known = READERS.map(|(name, _)| name).join(", ");
                let fix = REFUSED
                    .iter()
                    .find(|(name, _)| *name == class)
                    .map(|(_, fix)| format!(": {fix}"))
                    .unwrap_or_default();
                return Err(force.refuse(format!("found the force {}, expected only {known}{fix}", shown(class))));
            }
        }
    }
    Ok(interactions)
}
