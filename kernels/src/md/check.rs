//! What a [`LennardJonesSystem`] must fulfil before it becomes a package; general systems are checked by `md/system/check.rs`. Every refusal says what was found and what to do.

use super::LennardJonesSystem;
use super::fixed::edges_nm;
use super::list::order::closest_pair;
use crate::package::PackageError;

/// Most atoms: what one dispatch of 65,535 workgroups of 64 reaches.
pub const ATOMS_MAX: usize = 65_535 * 64;
/// Most kinds of atoms: their pairs stand in a table.
pub const TYPES_MAX: usize = 1024;

/// Why a system is no package.
#[derive(Debug, thiserror::Error)]
pub enum MdError {
    /// The system itself is at fault.
    #[error("{0}")]
    System(String),
    /// The package made of it is.
    #[error("the system does not make a package")]
    Package(#[from] PackageError),
}

fn refuse<T>(message: String) -> Result<T, MdError> {
    Err(MdError::System(message))
}

/// Check a system.
///
/// # Errors
/// The first thing that is wrong with it.
pub fn system(system: &LennardJonesSystem) -> Result<(), MdError> {
    let atoms = system.atoms();
    if atoms == 0 {
        return refuse("the system has 0 atoms: there is nothing to compute".into());
    }
    if atoms > ATOMS_MAX {
        return refuse(format!("the system has {atoms} atoms, expected at most {ATOMS_MAX}"));
    }
    if system.types.is_empty() || system.types.len() > TYPES_MAX {
        return refuse(format!(
            "the system has {} types of atoms, expected 1 to {TYPES_MAX}",
            system.types.len()
        ));
    }
    for (what, found) in [
        ("positions", system.positions_nm.len()),
        ("velocities", system.velocities_nm_ps.len()),
    ] {
        if found != atoms {
            return refuse(format!("the system has {atoms} atoms but {found} {what}: expected as many"));
        }
    }
    box_and_cutoff(system)?;
    types(system)?;
    vectors("position", "nm", &system.positions_nm)?;
    vectors("velocity", "nm/ps", &system.velocities_nm_ps)?;
    apart(system)?;
    plan(system)
}

fn positive(what: &str, value: f64, unit: &str) -> Result<(), MdError> {
    // f32 is what the device has; far from its ends, squares and sixth powers stay inside too.
    if (1e-6..1e6).contains(&value) {
        Ok(())
    } else {
        refuse(format!(
            "{what} is {value} {unit}, expected a number above 1e-6 and below 1e6"
        ))
    }
}

fn box_and_cutoff(system: &LennardJonesSystem) -> Result<(), MdError> {
    for (axis, edge) in ["x", "y", "z"].iter().zip(system.box_nm) {
        positive(&format!("the box's edge along {axis}"), edge, "nm")?;
    }
    positive("the time step", system.dt_ps, "ps")?;
    positive("the cutoff", system.cutoff_nm, "nm")?;
    positive("the neighbor list's skin", system.skin_nm, "nm")?;
    let (axis, shortest) = ["x", "y", "z"]
        .into_iter()
        .zip(system.box_nm)
        .min_by(|a, b| a.1.total_cmp(&b.1))
        .expect("three edges");
    if system.cutoff_nm > 0.5 * shortest {
        return refuse(format!(
            "the cutoff, {} nm, is above half the box's shortest edge ({axis}: {shortest} nm, half of it {} nm): an atom would meet two images of another one; use a larger box or a shorter cutoff",
            system.cutoff_nm,
            0.5 * shortest
        ));
    }
    Ok(())
}

fn types(system: &LennardJonesSystem) -> Result<(), MdError> {
    for (index, kind) in system.types.iter().enumerate() {
        positive(&format!("the mass of type {index}"), kind.mass_u, "u")?;
        // An atom without interaction (epsilon 0) is fine, whatever its sigma.
        let (sigma, epsilon) = (kind.sigma_nm, kind.epsilon_kj_mol);
        if !(0.0..=100.0).contains(&sigma) || !(0.0..1e6).contains(&epsilon) {
            return refuse(format!(
                "type {index} has sigma {sigma} nm and epsilon {epsilon} kJ/mol, expected sigma from 0 to 100 and epsilon from 0 to below 1e6"
            ));
        }
        if sigma > system.cutoff_nm {
            return refuse(format!(
                "type {index} has sigma {sigma} nm, above the cutoff of {} nm",
                system.cutoff_nm
            ));
        }
    }
    let last = system.types.len();
    match system.type_of.iter().position(|kind| *kind as usize >= last) {
        Some(atom) => refuse(format!(
            "atom {atom} is of type {}, but there are {last} types",
            system.type_of[atom]
        )),
        None => Ok(()),
    }
}

fn vectors(what: &str, unit: &str, all: &[[f64; 3]]) -> Result<(), MdError> {
    match all.iter().position(|one| one.iter().any(|v| !v.is_finite() || v.abs() > 1e6)) {
        Some(atom) => {
            let [x, y, z] = all[atom];
            refuse(format!(
                "the {what} of atom {atom} is ({x}, {y}, {z}) {unit}, expected finite numbers within 1e6"
            ))
        }
        None => Ok(()),
    }
}

fn apart(system: &LennardJonesSystem) -> Result<(), MdError> {
    let sigma = system.types.iter().map(|kind| kind.sigma_nm).fold(0.0, f64::max);
    let least = (0.05 * sigma).max(1e-6);
    let edges = edges_nm(system.box_nm);
    match closest_pair(&system.positions(), edges, least) {
        Some((a, b, r)) => refuse(format!(
            "atoms {a} and {b} are {r:.3e} nm apart, expected at least {least:.3e} nm (a twentieth of sigma): minimise the energy first"
        )),
        None => Ok(()),
    }
}

fn plan(system: &LennardJonesSystem) -> Result<(), MdError> {
    let plan = &system.plan;
    for (what, every) in [
        ("energies_every", plan.energies_every),
        ("positions_every", plan.positions_every),
    ] {
        if every == 0 || !plan.steps_per_segment.is_multiple_of(every) {
            return refuse(format!(
                "{what} is {every}, expected a divisor of steps_per_segment = {}",
                plan.steps_per_segment
            ));
        }
    }
    Ok(())
}
