//! A general system as Lennard-Jones particles in a rectangular box: what can be run of it, and by name what cannot.

use std::collections::BTreeMap;

use crate::md::system::{Action, Cell, Integrator, Method, System};
use crate::md::{AtomType, LennardJonesSystem, MdError, Plan};

impl LennardJonesSystem {
    /// From a system of nothing but Lennard-Jones with a plain cutoff, moved by Verlet.
    ///
    /// # Errors
    /// Everything that the system has besides, by name.
    pub fn from_system(system: &System) -> Result<Self, MdError> {
        let (Some(cell), Some(cutoff_nm)) = (system.cell, cutoff(system)) else {
            return refuse(&obstacles(system));
        };
        let obstacles = obstacles(system);
        if !obstacles.is_empty() {
            return refuse(&obstacles);
        }
        let dt_ps = system.dynamics.map_or(0.001, |dynamics| dynamics.step_ps);
        let (types, type_of) = kinds(system);
        Ok(Self {
            name: system.name.clone(),
            description: format!(
                "Imported from OpenMM: {} atoms, Lennard-Jones, Verlet integrator",
                system.atoms()
            ),
            box_nm: cell.diagonal_nm(),
            types,
            type_of,
            positions_nm: system.positions_nm.clone(),
            velocities_nm_ps: system.velocities_nm_ps.clone(),
            dt_ps,
            cutoff_nm,
            skin_nm: Self::usual_skin_nm(cutoff_nm),
            plan: Plan {
                steps_per_segment: 1000,
                segments: 20,
                energies_every: 20,
                positions_every: 20,
            },
        })
    }
}

fn refuse<T>(obstacles: &[String]) -> Result<T, MdError> {
    Err(MdError::System(format!(
        "the system cannot be run yet: packages are made of Lennard-Jones particles with a cutoff in a rectangular box, moved by Verlet; it has {}",
        obstacles.join("; ")
    )))
}

fn cutoff(system: &System) -> Option<f64> {
    let nonbonded = system.terms.nonbonded.as_ref()?;
    Some(nonbonded.method.cutoff()?.radius_nm)
}

/// What a system has that such a package has not.
fn obstacles(system: &System) -> Vec<String> {
    let mut all = Vec::new();
    let mut note = |there: bool, what: String| {
        if there {
            all.push(what);
        }
    };
    for class in system.terms.classes() {
        let nonbonded = class == crate::md::system::ForceClass::Nonbonded;
        note(!nonbonded, format!("terms of {}", class.name()));
    }
    match &system.terms.nonbonded {
        None => note(true, "no NonbondedForce".into()),
        Some(nonbonded) => {
            note(
                !matches!(nonbonded.method, Method::ReactionField { .. }),
                "a NonbondedForce without a plain cutoff (CutoffPeriodic)".into(),
            );
            let switched = nonbonded.method.cutoff().is_some_and(|cutoff| cutoff.switch_nm.is_some());
            note(switched, "a switching function".into());
            note(nonbonded.dispersion_correction, "a dispersion correction".into());
            note(
                !nonbonded.exclusions.is_empty(),
                format!("{} exceptions", nonbonded.exclusions.len()),
            );
        }
    }
    let charged = system.particles.iter().filter(|particle| particle.charge_e != 0.0).count();
    note(charged > 0, format!("{charged} charged particles"));
    let massless = system.particles.iter().filter(|particle| particle.mass_u == 0.0).count();
    note(massless > 0, format!("{massless} particles without mass"));
    note(!system.sites.is_empty(), format!("{} virtual sites", system.sites.len()));
    let constraints = system.constraints.len();
    note(constraints > 0, format!("{constraints} constraints"));
    note(
        !system.cell.as_ref().is_some_and(Cell::is_rectangular),
        "no rectangular box".into(),
    );
    for action in &system.actions {
        match action {
            Action::RemoveMotion { .. } => note(true, "a CMMotionRemover".into()),
            Action::Barostat(_) => note(true, "a MonteCarloBarostat".into()),
        }
    }
    let verlet = system
        .dynamics
        .is_none_or(|dynamics| dynamics.integrator == Integrator::Verlet);
    note(!verlet, "an integrator with a heat bath".into());
    all
}

/// Atoms that are alike in everything are of one type; types stand in the order in which they first appear.
fn kinds(system: &System) -> (Vec<AtomType>, Vec<u32>) {
    let mut known = BTreeMap::new();
    let mut types = Vec::new();
    let type_of = system.particles.iter().map(|particle| {
        let kind = AtomType {
            mass_u: particle.mass_u,
            sigma_nm: particle.sigma_nm,
            epsilon_kj_mol: particle.epsilon_kj_mol,
        };
        let key = [kind.mass_u, kind.sigma_nm, kind.epsilon_kj_mol].map(f64::to_bits);
        *known.entry(key).or_insert_with(|| {
            types.push(kind);
            types.len() as u32 - 1
        })
    });
    let type_of = type_of.collect();
    (types, type_of)
}
