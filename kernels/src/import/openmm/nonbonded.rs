//! NonbondedForce: Lennard-Jones and Coulomb, with exceptions, parameter offsets, switching and PME.

use std::collections::BTreeMap;

use super::super::ImportError;
use super::super::xml::{Element, shown};
use super::Reading;
use crate::md::system::nonbonded::{ewald_alpha, pme_grid};
use crate::md::system::{Cell, Cutoff, Exception, Method, Nonbonded, Particle};
use crate::md::terms::pme::fft::free_size;

/// `NonbondedForce.NonbondedMethod`, by number.
const METHODS: [&str; 6] = ["NoCutoff", "CutoffNonPeriodic", "CutoffPeriodic", "Ewald", "PME", "LJPME"];

/// Charge, σ in nm and ε in kJ/mol, of a particle or (product of charges) of an exception.
type Parameters = [f64; 3];

/// Read it.
pub(super) fn read(force: Element<'_>, reading: &mut Reading) {
    if reading.system.terms.nonbonded.is_some() {
        reading
            .obstacles
            .add(force.refuse("found a second NonbondedForce, expected one".into()));
        return;
    }
    let direct = force.only(
        "includeDirectSpace",
        "1",
        "direct space belongs to it; setIncludeDirectSpace(True)",
    );
    reading.obstacles.take(direct);
    let default_cell = reading.default_cell;
    let freely = (!reading.reference_grid).then_some(&mut reading.notes);
    let method = reading.obstacles.take(method(force, default_cell, freely));
    let dispersion = reading.obstacles.take(force.flag("dispersionCorrection"));

    let mut particles = reading.entries(force, "Particles", "Particle", parameters);
    let mut exceptions = reading.entries(force, "Exceptions", "Exception", |one| {
        let (a, b) = (one.index("p1")?, one.index("p2")?);
        Ok(([a.min(b), a.max(b)], parameters(one)?))
    });
    let globals = globals(force, reading);
    let mut products: Vec<Parameters> = exceptions.iter().map(|(_, values)| *values).collect();
    offsets(force, "ParticleOffsets", "particle", &globals, &mut particles, reading);
    offsets(force, "ExceptionOffsets", "exception", &globals, &mut products, reading);
    exceptions
        .iter_mut()
        .zip(products)
        .for_each(|(exception, values)| exception.1 = values);

    let n = reading.system.particles.len();
    if particles.len() != n {
        reading.obstacles.add(force.refuse(format!(
            "found {} particles, expected {n}, as many as the System has",
            particles.len()
        )));
    }
    for (particle, [charge_e, sigma_nm, epsilon_kj_mol]) in reading.system.particles.iter_mut().zip(particles) {
        *particle = Particle {
            mass_u: particle.mass_u,
            charge_e,
            sigma_nm: of_use(sigma_nm, epsilon_kj_mol),
            epsilon_kj_mol,
        };
    }
    if reading.obstacles.take(force.flag("exceptionsUsePeriodic")) == Some(false) {
        exceptions.iter().for_each(|(atoms, _)| reading.plain("an exception", atoms));
    }
    let Some(method) = method else { return };
    reading.periodic.push(("the NonbondedForce", method != Method::NoCutoff));
    exceptions.sort_by_key(|(atoms, _)| *atoms);
    if let Some(twice) = exceptions.windows(2).find(|two| two[0].0 == two[1].0) {
        reading.obstacles.add(force.refuse(format!(
            "found two exceptions of particles {} and {}, expected each pair once",
            twice[0].0[0], twice[0].0[1]
        )));
    }
    let interacting = exceptions
        .iter()
        .filter(|(_, [product, _, epsilon])| *product != 0.0 || *epsilon != 0.0);
    reading.system.terms.nonbonded = Some(Nonbonded {
        method,
        exclusions: exceptions.iter().map(|(atoms, _)| *atoms).collect(),
        exceptions: interacting
            .map(|(atoms, [charge_product_e2, sigma_nm, epsilon_kj_mol])| Exception {
                atoms: *atoms,
                charge_product_e2: *charge_product_e2,
                sigma_nm: of_use(*sigma_nm, *epsilon_kj_mol),
                epsilon_kj_mol: *epsilon_kj_mol,
            })
            .collect(),
        // Without a cutoff there is nothing beyond it.
        dispersion_correction: dispersion == Some(true) && method != Method::NoCutoff,
    });
}

/// σ where it is of use: what has no ε often has a σ that means nothing.
fn of_use(sigma_nm: f64, epsilon_kj_mol: f64) -> f64 {
    if epsilon_kj_mol == 0.0 { 0.0 } else { sigma_nm }
}

fn parameters(entry: Element<'_>) -> Result<Parameters, ImportError> {
    Ok([entry.number("q")?, entry.number("sig")?, entry.number("eps")?])
}

/// `freely`: the grid may be finer than the tolerance asks for, so that its transforms are fast; notes say where it is.
fn method(force: Element<'_>, default_cell: Option<Cell>, freely: Option<&mut Vec<String>>) -> Result<Method, ImportError> {
    let number = force.text("method")?;
    let cutoff = || {
        Ok::<_, ImportError>(Cutoff {
            radius_nm: force.number("cutoff")?,
            switch_nm: if force.flag("useSwitchingFunction")? {
                Some(force.number("switchingDistance")?)
            } else {
                None
            },
        })
    };
    match number {
        "0" => Ok(Method::NoCutoff),
        "2" => Ok(Method::ReactionField {
            cutoff: cutoff()?,
            dielectric: force.number("rfDielectric")?,
        }),
        "4" => {
            let cutoff = cutoff()?;
            let mut alpha_per_nm = force.number_or("alpha", 0.0)?;
            let mut grid = [0; 3];
            for (points, name) in grid.iter_mut().zip(["nx", "ny", "nz"]) {
                let value = force.integer_or(name, 0)?;
                *points =
                    u32::try_from(value).map_err(|_| force.refuse(format!("found {name}=\"{value}\", expected 0 or more")))?;
            }
            if alpha_per_nm == 0.0 {
                let tolerance = force.number("ewaldTolerance")?;
                if !(1e-12..0.5).contains(&tolerance) {
                    return Err(force.refuse(format!(
                        "found ewaldTolerance=\"{tolerance}\", expected from 1e-12 to below 0.5"
                    )));
                }
                let cell = default_cell
                    .ok_or_else(|| force.refuse("found method=\"4\" (PME) in a System without a default box".into()))?;
                alpha_per_nm = ewald_alpha(cutoff.radius_nm, tolerance);
                grid = pme_grid(alpha_per_nm, &cell, tolerance);
                if let (Some(notes), free) = (freely, grid.map(free_size))
                    && free != grid
                {
                    notes.push(format!(
                        "the PME grid has {free:?} points where OpenMM's Reference platform takes {grid:?}: transforms over large prime factors are slow; alpha, nx, ny and nz of the NonbondedForce ask for a grid as it is"
                    ));
                    grid = free;
                }
            }
            Ok(Method::Pme {
                cutoff,
                alpha_per_nm,
                grid,
            })
        }
        other => {
            let name = other
                .parse()
                .ok()
                .and_then(|number: usize| METHODS.get(number))
                .map(|name| format!(" ({name})"))
                .unwrap_or_default();
            Err(force.refuse(format!(
                "found method=\"{}\"{name}, expected \"0\" (NoCutoff), \"2\" (CutoffPeriodic) or \"4\" (PME): setNonbondedMethod(NonbondedForce.PME)",
                shown(other)
            )))
        }
    }
}

/// Global parameters with their values: the State's, or the defaults.
pub(super) fn globals(force: Element<'_>, reading: &mut Reading) -> BTreeMap<String, f64> {
    let Some(Some(list)) = reading.obstacles.take(force.find("GlobalParameters")) else {
        return BTreeMap::new();
    };
    let all = reading
        .obstacles
        .list(list, "Parameter", |one| Ok((one.unescaped("name")?, one.number("default")?)));
    let value = |(name, default)| {
        let value = reading.parameters.get(&name).copied().unwrap_or(default);
        (name, value)
    };
    all.into_iter().map(value).collect()
}

/// Add a list's offsets, each times the value of a global parameter, to the parameters of particles or exceptions.
fn offsets(
    force: Element<'_>,
    list: &str,
    of: &str,
    globals: &BTreeMap<String, f64>,
    parameters_of: &mut [Parameters],
    reading: &mut Reading,
) {
    let Some(Some(list)) = reading.obstacles.take(force.find(list)) else {
        return;
    };
    let offsets = reading.obstacles.list(list, "Offset", |one| {
        let name = one.unescaped("parameter")?;
        let value = globals
            .get(&name)
            .ok_or_else(|| one.refuse(format!("found parameter=\"{}\", expected a global parameter", shown(&name))))?;
        let index = one.index(of)? as usize;
        if index >= parameters_of.len() {
            return Err(one.refuse(format!("found {of}=\"{index}\", expected below {}", parameters_of.len())));
        }
        Ok((index, parameters(one)?.map(|offset| offset * value)))
    });
    if !offsets.is_empty() {
        let values: Vec<_> = globals
            .iter()
            .map(|(name, value)| format!("{} = {value}", shown(name)))
            .collect();
        reading.notes.push(format!(
            "{} parameter offsets were added with {}: they are part of the package now",
            offsets.len(),
            values.join(", ")
        ));
    }
    for (index, values) in offsets {
        parameters_of[index]
            .iter_mut()
            .zip(values)
            .for_each(|(to, value)| *to += value);
    }
}
