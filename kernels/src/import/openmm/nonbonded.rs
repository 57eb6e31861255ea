//! `NonbondedForce`: Lennard-Jones with a periodic cutoff, no charges.

use super::super::ImportError;
use super::super::xml::{Element, shown};
use super::{Interactions, LennardJones};

/// `NonbondedForce.NonbondedMethod`, by number.
const METHODS: [&str; 6] = ["NoCutoff", "CutoffNonPeriodic", "CutoffPeriodic", "Ewald", "PME", "LJPME"];
const CUTOFF_PERIODIC: &str = "2";

/// Read it.
///
/// # Errors
/// It asks for more than Lennard-Jones with a cutoff.
pub(super) fn read(force: Element<'_>, atoms: usize, interactions: &mut Interactions) -> Result<(), ImportError> {
    if interactions.lennard_jones.is_some() {
        return Err(force.refuse("found a second NonbondedForce, expected one".into()));
    }
    let method = force.text("method")?;
    if method != CUTOFF_PERIODIC {
        let name = method
            .parse()
            .ok()
            .and_then(|number: usize| METHODS.get(number))
            .map(|name| format!(" ({name})"))
            .unwrap_or_default();
        return Err(force.refuse(format!(
            "found method=\"{}\"{name}, expected \"2\" (CutoffPeriodic): setNonbondedMethod(NonbondedForce.CutoffPeriodic)",
            shown(method)
        )));
    }
    force.only(
        "useSwitchingFunction",
        "0",
        "a switching function is not supported; setUseSwitchingFunction(False)",
    )?;
    force.only(
        "dispersionCorrection",
        "0",
        "the long-range correction is not supported; setUseDispersionCorrection(False)",
    )?;
    force.only(
        "includeDirectSpace",
        "1",
        "direct space is all there is; setIncludeDirectSpace(True)",
    )?;
    for (list, what) in [
        ("GlobalParameters", "global parameters"),
        ("ParticleOffsets", "parameter offsets"),
        ("ExceptionOffsets", "parameter offsets"),
        ("Exceptions", "exceptions, which change single pairs,"),
    ] {
        if let Some(found) = force.find(list)?.filter(|list| list.children().len() > 0) {
            return Err(force.refuse(format!(
                "found {} entries in <{list}>, expected none: {what} are not supported",
                found.children().len()
            )));
        }
    }
    let particles = force.child("Particles")?.children();
    if particles.len() != atoms {
        return Err(force.refuse(format!(
            "found {} particles, expected {atoms}, as many as the System has",
            particles.len()
        )));
    }
    let atom = |(index, particle): (usize, Element<'_>)| {
        let [charge, sigma_nm, epsilon_kj_mol] = [particle.number("q")?, particle.number("sig")?, particle.number("eps")?];
        if charge != 0.0 {
            return Err(force.refuse(format!(
                "found q=\"{charge}\" for particle {index}, expected 0: charges are not supported"
            )));
        }
        // A particle that interacts with nothing often has a sigma that means nothing.
        Ok((if epsilon_kj_mol == 0.0 { 0.0 } else { sigma_nm }, epsilon_kj_mol))
    };
    let atoms = particles.enumerate().map(atom).collect::<Result<_, _>>()?;
    interactions.lennard_jones = Some(LennardJones {
        cutoff_nm: force.number("cutoff")?,
        atoms,
    });
    Ok(())
}
