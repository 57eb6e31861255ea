//! CustomExternalForce: springs k d² to points.

use std::collections::BTreeMap;

use super::super::super::expression::{Powers, evaluate};
use super::super::super::xml::Element;
use super::super::Reading;
use super::Custom;
use crate::md::system::Restraint;

const KNOWN: &str = "k*periodicdistance(x,y,z,x0,y0,z0)^2 and k*((x-x0)^2+(y-y0)^2+(z-z0)^2), each with any number as a factor";

/// Where the expression is evaluated, as differences from the particle's point, nm.
const PLACES: [[f64; 3]; 4] = [[0.1, 0.0, 0.0], [0.0, -0.2, 0.0], [0.0, 0.0, 0.15], [-0.11, 0.13, 0.07]];

/// Read it.
pub(in super::super) fn external(force: Element<'_>, reading: &mut Reading) {
    let Some(custom) = Custom::read(force, "PerParticleParameters", reading) else {
        return;
    };
    let springs = reading.entries(force, "Particles", "Particle", |one| {
        let mut values = custom.values(&Custom::parameters(&custom.names, one)?);
        let mut at_nm = [0.0; 3];
        for (at, name) in at_nm.iter_mut().zip(["x0", "y0", "z0"]) {
            *at = values
                .get(name)
                .and_then(Powers::number)
                .ok_or_else(|| custom.refuse(&format!("there is no parameter '{name}'"), KNOWN))?;
        }
        let mut k = None;
        for place in PLACES {
            for (axis, name) in ["x", "y", "z"].into_iter().enumerate() {
                values.insert(name.into(), Powers::constant(at_nm[axis] + place[axis]));
            }
            let energy = evaluate(&custom.formula, &values, &BTreeMap::new(), 0.0)
                .map_err(|why| custom.refuse(&why, KNOWN))?
                .number()
                .ok_or_else(|| custom.refuse("it depends on r", KNOWN))?;
            let here = energy / place.iter().map(|x| x * x).sum::<f64>();
            let before = *k.get_or_insert(here);
            if (here - before).abs() > 1e-9 * before.abs() {
                return Err(custom.refuse("it is no number times the squared distance", KNOWN));
            }
        }
        Ok(Restraint {
            atom: one.index("index")?,
            // The differences above are rounded; a constant is what people write.
            k_kj_mol_nm2: clean(k.unwrap_or(0.0)),
            at_nm,
        })
    });
    let periodic = custom.formula.calls("periodicdistance");
    if !periodic {
        let all = springs.iter().map(|spring| (spring.atom, spring.at_nm));
        reading.anchored.extend(all);
    }
    reading.system.terms.restraints.extend(springs);
}

/// The number of 12 digits next to one, where that is what rounding left of it.
fn clean(value: f64) -> f64 {
    format!("{value:.11e}").parse().unwrap_or(value)
}
