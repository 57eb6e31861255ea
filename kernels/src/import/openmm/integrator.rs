//! The Integrator: Verlet, Langevin, Brownian, and openmmtools' BAOAB, which is a CustomIntegrator.

use std::collections::BTreeMap;

use super::super::ImportError;
use super::super::xml::{Element, shown};
use super::Reading;
use crate::md::GAS_CONSTANT;
use crate::md::system::{Bath, Dynamics, Integrator};

/// Integrators that are known and not read.
const REFUSED: [(&str, &str); 5] = [
    (
        "VariableVerletIntegrator",
        "its step depends on the forces; use VerletIntegrator",
    ),
    (
        "VariableLangevinIntegrator",
        "its step depends on the forces; use LangevinMiddleIntegrator",
    ),
    ("NoseHooverIntegrator", "use LangevinMiddleIntegrator"),
    (
        "CompoundIntegrator",
        "serialise the integrator that is used: getIntegrator(i)",
    ),
    ("DrudeLangevinIntegrator", "polarisable force fields are not supported"),
];
const KNOWN: &str = "VerletIntegrator, LangevinMiddleIntegrator, LangevinIntegrator, BrownianIntegrator, and openmmtools' LangevinIntegrator with splitting \"V R O R V\"";

/// Read it.
pub(super) fn read(integrator: Element<'_>, reading: &mut Reading) {
    let groups = integrator.only(
        "integrationForceGroups",
        "-1",
        "all force groups are integrated; setIntegrationForceGroups(0xFFFFFFFF)",
    );
    reading.obstacles.take(groups);
    let Some((kind, note)) = reading.obstacles.take(kind(integrator)) else {
        return;
    };
    reading.notes.extend(note);
    let dynamics = || {
        Ok(Dynamics {
            integrator: kind,
            step_ps: integrator.number("stepSize")?,
            constraint_tolerance: integrator.number_or("constraintTolerance", 1e-5)?,
            seed: None,
        })
    };
    reading.system.dynamics = reading.obstacles.take(dynamics());
    if kind.bath().is_some() {
        let seed = reading.obstacles.take(integrator.integer_or("randomSeed", 0));
        reading.seeds.insert(0, seed.unwrap_or(0));
    }
}

fn kind(integrator: Element<'_>) -> Result<(Integrator, Option<String>), ImportError> {
    let bath = || {
        Ok::<_, ImportError>(Bath {
            temperature_k: integrator.number("temperature")?,
            friction_per_ps: integrator.number("friction")?,
        })
    };
    let class = integrator.text("type")?;
    if class != "CustomIntegrator" {
        integrator.version(1)?;
    }
    Ok(match class {
        "VerletIntegrator" => (Integrator::Verlet, None),
        "LangevinMiddleIntegrator" => (Integrator::LangevinMiddle(bath()?), None),
        "LangevinIntegrator" => {
            let note = "LangevinIntegrator is read as LangevinMiddleIntegrator, which it has been since OpenMM 8";
            (Integrator::LangevinMiddle(bath()?), Some(note.into()))
        }
        "BrownianIntegrator" => (Integrator::Brownian(bath()?), None),
        "CustomIntegrator" => (Integrator::Baoab(baoab(integrator)?), None),
        other => {
            let fix = REFUSED
                .iter()
                .find(|(name, _)| *name == other)
                .map(|(_, fix)| format!("{fix}; "))
                .unwrap_or_default();
            return Err(integrator.refuse(format!(
                "found the integrator {}, which is not supported: {fix}known are {KNOWN}",
                shown(other)
            )));
        }
    })
}

/// Computations of the splitting "V R O R V": type, variable, expression without blanks.
const COMPUTATIONS: [(i64, &str, &str); 21] = [
    (5, "", ""),
    (6, "", "has_kT_changed=1"),
    (1, "sigma", "sqrt(kT/m)"),
    (0, "has_kT_changed", "0"),
    (8, "", ""),
    (1, "v", "v+(dt/2)*f/m"),
    (4, "", ""),
    (1, "x", "x+((dt/2)*v)"),
    (1, "x1", "x"),
    (3, "", ""),
    (1, "v", "v+((x-x1)/(dt/2))"),
    (4, "", ""),
    (1, "v", "(a*v)+(b*sigma*gaussian)"),
    (4, "", ""),
    (1, "x", "x+((dt/2)*v)"),
    (1, "x1", "x"),
    (3, "", ""),
    (1, "v", "v+((x-x1)/(dt/2))"),
    (4, "", ""),
    (1, "v", "v+(dt/2)*f/m"),
    (4, "", ""),
];

/// The heat bath of a CustomIntegrator that is openmmtools' BAOAB.
fn baoab(integrator: Element<'_>) -> Result<Bath, ImportError> {
    let computations = integrator.child("Computations")?;
    let unknown = |index: usize, found: &str| {
        let expected = COMPUTATIONS.get(index).map_or("the end", |(.., expression)| expression);
        integrator.refuse(format!(
            "found a CustomIntegrator whose computation {index} is \"{}\", expected \"{expected}\": of CustomIntegrators only openmmtools' LangevinIntegrator with splitting \"V R O R V\" is known",
            shown(found)
        ))
    };
    for (index, one) in computations.children().enumerate() {
        let expression: String = one
            .unescaped("computationExpression")?
            .chars()
            .filter(|c| !c.is_whitespace())
            .collect();
        let found = (
            one.integer("computationType")?,
            one.attribute("computationVariable").unwrap_or_default(),
        );
        match COMPUTATIONS.get(index) {
            Some((kind, variable, expected)) if found == (*kind, *variable) && expression == *expected => {}
            _ => return Err(unknown(index, &expression)),
        }
    }
    if computations.children().len() < COMPUTATIONS.len() {
        return Err(unknown(computations.children().len(), "the end"));
    }
    if integrator
        .find("Functions")?
        .is_some_and(|functions| functions.children().len() > 0)
    {
        return Err(integrator.refuse("found <Functions> with entries, expected none".into()));
    }
    let globals = globals(integrator)?;
    let global = |name: &str| {
        globals
            .get(name)
            .copied()
            .ok_or_else(|| integrator.refuse(format!("found no global variable '{name}'")))
    };
    let (a, b, kt, step) = (global("a")?, global("b")?, global("kT")?, integrator.number("stepSize")?);
    // a = exp(−γ dt), b = √(1 − a²).
    if !(a > 0.0 && a <= 1.0) || (libm::sqrt(1.0 - a * a) - b).abs() > 1e-9 || kt < 0.0 {
        return Err(integrator.refuse(format!(
            "found the global variables a = {a}, b = {b}, kT = {kt}, expected a above 0 and at most 1, b = sqrt(1 - a^2), kT of 0 or more"
        )));
    }
    Ok(Bath {
        temperature_k: kt / GAS_CONSTANT,
        friction_per_ps: -libm::log(a) / step,
    })
}

/// Global variables: attributes up to version 2, elements since.
fn globals(integrator: Element<'_>) -> Result<BTreeMap<String, f64>, ImportError> {
    let list = integrator.child("GlobalVariables")?;
    let mut globals = BTreeMap::new();
    for (name, _) in list.attributes() {
        globals.insert((*name).to_owned(), list.number(name)?);
    }
    for one in list.children() {
        globals.insert(one.unescaped("name")?, one.number("value")?);
    }
    Ok(globals)
}
