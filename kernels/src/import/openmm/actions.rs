//! What acts on the state between steps: MonteCarloBarostat, CMMotionRemover.

use super::super::ImportError;
use super::super::xml::Element;
use super::Reading;
use crate::md::system::{Action, Barostat, Scaling};

fn frequency(force: Element<'_>) -> Result<u64, ImportError> {
    let every = force.integer("frequency")?;
    u64::try_from(every).map_err(|_| force.refuse(format!("found frequency=\"{every}\", expected 0 or more")))
}

/// CMMotionRemover.
pub(super) fn motion(force: Element<'_>, reading: &mut Reading) {
    if let Some(every) = reading.obstacles.take(frequency(force)) {
        reading.system.actions.push(Action::RemoveMotion { every });
    }
}

/// MonteCarloBarostat; the State's MonteCarloPressure and MonteCarloTemperature come before its own. A frequency of 0 switches it off.
pub(super) fn barostat(force: Element<'_>, reading: &mut Reading) {
    let known = |name: &str| reading.parameters.get(name).copied();
    let (pressure, temperature) = (known("MonteCarloPressure"), known("MonteCarloTemperature"));
    let read = || {
        let barostat = Barostat {
            pressure_bar: pressure.map_or_else(|| force.number("pressure"), Ok)?,
            temperature_k: temperature.map_or_else(|| force.number("temperature"), Ok)?,
            every: frequency(force)?,
            scaling: match force.attribute("rigidScaling") {
                None | Some("1") => Scaling::Molecules,
                _ if force.flag("rigidScaling")? => Scaling::Molecules,
                _ => Scaling::Particles,
            },
        };
        Ok((barostat, force.integer_or("randomSeed", 0)?))
    };
    let Some((barostat, seed)) = reading.obstacles.take(read()) else {
        return;
    };
    if barostat.every == 0 {
        return;
    }
    let before = reading.system.actions.iter();
    if before.clone().any(|action| matches!(action, Action::Barostat(_))) {
        reading
            .obstacles
            .add(force.refuse("found a second MonteCarloBarostat, expected one".into()));
        return;
    }
    reading.seeds.push(seed);
    reading.periodic.push(("the MonteCarloBarostat", true));
    reading.system.actions.push(Action::Barostat(barostat));
}
