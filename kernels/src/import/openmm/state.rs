//! The State: box, positions, velocities, time, step count, and parameters that override a System's defaults.

use super::super::ImportError;
use super::super::xml::{Element, finite, shown};
use super::{Options, Reading};
use crate::md::system::{Cell, Vector};

/// Read it.
pub(super) fn read(state: Element<'_>, options: &Options, moves: bool, reading: &mut Reading) {
    reading.cell = match reading.obstacles.take(state.find("PeriodicBoxVectors")) {
        Some(Some(vectors)) => reading.obstacles.take(cell(vectors)),
        _ => None,
    };
    reading.system.positions_nm = reading.entries(state, "Positions", "Position", vector);
    let velocities = reading.obstacles.take(state.find("Velocities")).flatten();
    match velocities {
        Some(list) => reading.system.velocities_nm_ps = reading.obstacles.list(list, "Velocity", vector),
        None if options.temperature_k.is_none() && moves => reading.obstacles.add(state.refuse(
            "found no <Velocities>, expected them (getState(positions=True, velocities=True)) or a temperature at which to draw them (--temperature)".into(),
        )),
        None => {}
    }
    if let Some(time) = reading.obstacles.take(state.number_or("time", 0.0)) {
        reading.system.time_ps = time;
    }
    if let Some(count) = reading.obstacles.take(state.integer_or("stepCount", 0)) {
        match u64::try_from(count) {
            Ok(count) => reading.system.step = count,
            Err(_) => reading
                .obstacles
                .add(state.refuse(format!("found stepCount=\"{count}\", expected 0 or more"))),
        }
    }
    if let Some(Some(parameters)) = reading.obstacles.take(state.find("Parameters")) {
        for (name, text) in parameters.attributes() {
            match finite(text) {
                Some(value) => {
                    reading.parameters.insert((*name).to_owned(), value);
                }
                None => reading.obstacles.add(parameters.refuse(format!(
                    "found {}=\"{}\", expected a finite number",
                    shown(name),
                    shown(text)
                ))),
            }
        }
    }
    if let Some(Some(parameters)) = reading.obstacles.take(state.find("IntegratorParameters"))
        && (parameters.children().len() > 0 || !parameters.attributes().is_empty())
    {
        reading.obstacles.add(parameters.refuse(
            "found parameters of an integrator that has a state of its own (NoseHooverIntegrator), expected none".into(),
        ));
    }
}

/// A vector.
///
/// # Errors
/// A component is missing or no finite number.
pub(super) fn vector(element: Element<'_>) -> Result<Vector, ImportError> {
    Ok([element.number("x")?, element.number("y")?, element.number("z")?])
}

/// Three box vectors.
///
/// # Errors
/// One is missing, or they are no box in reduced form.
pub(super) fn cell(vectors: Element<'_>) -> Result<Cell, ImportError> {
    let read = |name| vectors.child(name).and_then(vector);
    let cell = Cell {
        vectors_nm: [read("A")?, read("B")?, read("C")?],
    };
    match cell.problem() {
        Some(problem) => Err(vectors.refuse(problem)),
        None => Ok(cell),
    }
}
