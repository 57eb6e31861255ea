//! CustomTorsionForce: harmonic impropers k d², d the angle from θ₀, wrapped or not.

use std::collections::BTreeMap;
use std::f64::consts::{PI, TAU};

use super::super::super::expression::{Powers, evaluate};
use super::super::super::xml::Element;
use super::super::Reading;
use super::super::bonded::{numbered, unless_periodic};
use super::Custom;
use crate::md::system::Improper;

const KNOWN: &str =
    "k*(theta-theta0)^2 with parameters named k and theta0, with or without wrapping by 2*pi, and with any number as a factor";

/// How an expression depends on its parameters.
struct Shape {
    /// Factor of k d².
    factor: f64,
    /// By what d wraps.
    period_rad: Option<f64>,
}

/// Read it.
pub(in super::super) fn torsions(force: Element<'_>, reading: &mut Reading) {
    let Some(custom) = Custom::read(force, "PerTorsionParameters", reading) else {
        return;
    };
    let shape = match shape(&custom) {
        Ok(shape) => shape,
        Err(why) => return reading.obstacles.add(custom.refuse(&why, KNOWN)),
    };
    let impropers = reading.entries(force, "Torsions", "Torsion", |one| {
        let values = custom.values(&Custom::parameters(&custom.names, one)?);
        let value = |name| values.get(name).and_then(Powers::number).unwrap_or(0.0);
        Ok(Improper {
            atoms: numbered(one)?,
            angle_rad: value("theta0"),
            k_kj_mol_rad2: shape.factor * value("k"),
            period_rad: shape.period_rad,
        })
    });
    if let Some(period) = shape.period_rad.filter(|period| (period - TAU).abs() > 1e-12) {
        reading.notes.push(format!(
            "impropers wrap by 2 times {}, the number their expression has for pi",
            0.5 * period
        ));
    }
    unless_periodic(
        force,
        "an improper",
        impropers.iter().map(|one| one.atoms.as_slice()),
        reading,
    );
    reading.system.terms.impropers.extend(impropers);
}

/// Find out by evaluating: the factor from a small difference, the period from one beyond π, and then many angles to be sure of both.
fn shape(custom: &Custom<'_>) -> Result<Shape, String> {
    for name in ["k", "theta0"] {
        if !custom.names.iter().any(|own| own == name) && !custom.globals.contains_key(name) {
            return Err(format!("there is no parameter '{name}'"));
        }
    }
    let energy = |k: f64, theta0: f64, theta: f64| {
        let mut values = custom.globals.clone();
        for (name, value) in [("k", k), ("theta0", theta0), ("theta", theta)] {
            values.insert(name.into(), Powers::constant(value));
        }
        evaluate(&custom.formula, &values, &BTreeMap::new(), 0.0)?
            .number()
            .ok_or_else(|| "it depends on r".to_owned())
    };
    let factor = energy(1.0, 0.25, 0.75)? / 0.25;
    let factor = (factor * 1e9).round() / 1e9;
    if factor == 0.0 {
        return Err("it is 0 half a radian from theta0".into());
    }
    // From -1.5 to 2.5 is 4 radians, or 4 - 2π.
    let far = libm::sqrt(energy(1.0, -1.5, 2.5)? / factor);
    let period_rad = if (far - 4.0).abs() < 1e-9 { None } else { Some(4.0 + far) };
    if period_rad.is_some_and(|period| (period - TAU).abs() > 1e-4) {
        return Err(format!("it wraps by {} radians", 4.0 + far));
    }
    for i in 0..25 {
        for j in 0..25 {
            let [theta0, theta] = [i, j].map(|k| PI * (f64::from(k) - 12.0) / 12.3);
            let mut d = theta - theta0;
            if let Some(period) = period_rad {
                d -= period * (d / period + 0.5).floor();
            }
            let (found, expected) = (energy(3.0, theta0, theta)?, 3.0 * factor * d * d);
            if (found - expected).abs() > 1e-9 * expected.abs().max(1.0) {
                return Err(format!(
                    "at theta0 = {theta0}, theta = {theta} it is not k times a squared difference"
                ));
            }
        }
    }
    // Rounding aside, the period is 2π itself or twice a rounded number.
    let period_rad = period_rad.map(|period| {
        let rounded: f64 = format!("{:.10}", 0.5 * period).parse().unwrap_or(PI);
        if (period - TAU).abs() < 1e-12 { TAU } else { 2.0 * rounded }
    });
    Ok(Shape { factor, period_rad })
}
