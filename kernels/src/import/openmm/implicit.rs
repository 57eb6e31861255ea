//! GBSAOBCForce: generalised Born implicit solvent.

use super::super::xml::Element;
use super::Reading;
use crate::md::system::{GbObc, GbParticle};

/// Read it.
pub(super) fn read(force: Element<'_>, reading: &mut Reading) {
    if reading.system.terms.gb_obc.is_some() {
        reading
            .obstacles
            .add(force.refuse("found a second GBSAOBCForce, expected one".into()));
        return;
    }
    let settings = || {
        let cutoff_nm = match force.integer("method")? {
            0 => None,
            2 => Some(force.number("cutoff")?),
            other => {
                return Err(force.refuse(format!(
                    "found method=\"{other}\", expected \"0\" (NoCutoff) or \"2\" (CutoffPeriodic)"
                )));
            }
        };
        Ok(GbObc {
            particles: Vec::new(),
            solvent_dielectric: force.number("solventDielectric")?,
            solute_dielectric: force.number("soluteDielectric")?,
            surface_kj_mol_nm2: force.number_or("surfaceAreaEnergy", 2.25936)?,
            cutoff_nm,
        })
    };
    let settings = reading.obstacles.take(settings());
    let particles = reading.entries(force, "Particles", "Particle", |one| {
        Ok(GbParticle {
            charge_e: one.number("q")?,
            radius_nm: one.number("r")?,
            scale: one.number("scale")?,
        })
    });
    if let Some(settings) = settings {
        reading.periodic.push(("the GBSAOBCForce", settings.cutoff_nm.is_some()));
        reading.system.terms.gb_obc = Some(GbObc { particles, ..settings });
    }
}
