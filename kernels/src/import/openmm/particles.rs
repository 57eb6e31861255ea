//! The System's masses, and the State's box, positions and velocities.

use super::super::ImportError;
use super::super::xml::Element;

/// What a State holds.
pub(super) struct State {
    pub(super) box_nm: [f64; 3],
    pub(super) positions_nm: Vec<[f64; 3]>,
    pub(super) velocities_nm_ps: Vec<[f64; 3]>,
}

/// Masses, u.
///
/// # Errors
/// A particle does not move freely by itself: no mass, a virtual site, a constraint.
pub(super) fn masses(system: Element<'_>) -> Result<Vec<f64>, ImportError> {
    if let Some(constraints) = system.find("Constraints")?.filter(|list| list.children().len() > 0) {
        let count = constraints.children().len();
        return Err(system.refuse(format!("found {count} entries in <Constraints>, expected none: constraints are not supported; build the System without them")));
    }
    let particles = system.child("Particles")?.children();
    if particles.len() == 0 {
        return Err(system.refuse("found 0 particles: there is nothing to compute".into()));
    }
    let mass = |(index, particle): (usize, Element<'_>)| {
        if let Some(site) = particle.children().next() {
            return Err(particle.refuse(format!(
                "found <{}> in particle {index}, expected none: virtual sites are not supported",
                site.name()
            )));
        }
        let mass = particle.number("mass")?;
        if mass <= 0.0 {
            return Err(particle.refuse(format!("found mass=\"{mass}\" for particle {index}, expected a number above 0: particles without mass are not supported")));
        }
        Ok(mass)
    };
    particles.enumerate().map(mass).collect()
}

/// Box, positions and velocities of as many atoms as the System has.
///
/// # Errors
/// One is missing, the box is not rectangular, or there are more or fewer atoms.
pub(super) fn state(state: Element<'_>, atoms: usize) -> Result<State, ImportError> {
    Ok(State {
        box_nm: rectangular(state.child("PeriodicBoxVectors")?)?,
        positions_nm: list(state, "Positions", atoms)?,
        velocities_nm_ps: list(state, "Velocities", atoms)?,
    })
}

fn list(state: Element<'_>, name: &str, atoms: usize) -> Result<Vec<[f64; 3]>, ImportError> {
    let Some(list) = state.find(name)? else {
        return Err(state.refuse(format!(
            "found no <{name}>, expected it: getState(getPositions=True, getVelocities=True)"
        )));
    };
    let vectors = list.children();
    if vectors.len() != atoms {
        return Err(list.refuse(format!(
            "found {} entries, expected {atoms}, as many as the System has particles",
            vectors.len()
        )));
    }
    vectors.map(vector).collect()
}

fn vector(element: Element<'_>) -> Result<[f64; 3], ImportError> {
    Ok([element.number("x")?, element.number("y")?, element.number("z")?])
}

fn rectangular(vectors: Element<'_>) -> Result<[f64; 3], ImportError> {
    let mut edges = [0.0; 3];
    for (axis, name) in ["A", "B", "C"].into_iter().enumerate() {
        let edge = vector(vectors.child(name)?)?;
        if (0..3).any(|other| other != axis && edge[other] != 0.0) {
            return Err(vectors.refuse(format!(
                "found {name} = ({}, {}, {}) nm, expected a vector along its own axis: only rectangular boxes are supported",
                edge[0], edge[1], edge[2]
            )));
        }
        edges[axis] = edge[axis];
    }
    Ok(edges)
}
