//! What needs all three files: whether the system is periodic, molecules in one piece, seeds, velocities, the model's own check.

use super::super::ImportError;
use super::{Files, Imported, Options, Reading};
use crate::md::system::check::problems;
use crate::md::system::{Action, Vector};

/// Finish a system whose files have been read.
///
/// # Errors
/// All obstacles.
pub(super) fn finish(mut reading: Reading, files: &Files<'_>, options: &Options) -> Result<Imported, ImportError> {
    let sizes = sizes(&reading);
    sizes.into_iter().for_each(|obstacle| reading.obstacles.add(obstacle));
    periodicity(&mut reading);
    seed(&mut reading, files, options);
    reading.system.name = "openmm-import".into();
    reading.system.description = description(&reading);
    // What follows takes indices and sizes for granted.
    if reading.obstacles.none() {
        let n = reading.system.atoms();
        if reading.system.velocities_nm_ps.is_empty() || options.temperature_k.is_some() {
            reading.system.velocities_nm_ps = vec![[0.0; 3]; n];
        }
        let all = problems(&reading.system);
        let good = all.is_empty();
        all.into_iter()
            .for_each(|problem| reading.obstacles.add(ImportError::System(problem)));
        if good {
            in_one_piece(&mut reading);
            velocities(&mut reading, options);
        }
    }
    reading.obstacles.refuse()?;
    Ok(Imported {
        system: reading.system,
        notes: reading.notes,
    })
}

fn sizes(reading: &Reading) -> Vec<ImportError> {
    let n = reading.system.particles.len();
    let lists = [
        ("positions", reading.system.positions_nm.len()),
        ("velocities", reading.system.velocities_nm_ps.len()),
    ];
    // A file that is missing, or a list that could not be read, is an obstacle already.
    let wrong = lists.iter().filter(|(_, found)| n > 0 && *found > 0 && *found != n);
    let refuse = |(what, found): &(&str, usize)| {
        ImportError::System(format!(
            "the State has {found} {what}, expected {n}, as many as the System has particles: are they of the same system?"
        ))
    };
    wrong.map(refuse).collect()
}

/// The box counts where a force is periodic; all forces over a distance must agree.
fn periodicity(reading: &mut Reading) {
    let find = |periodic: bool| {
        reading
            .periodic
            .iter()
            .find(|(_, one)| *one == periodic)
            .map(|(what, _)| *what)
    };
    match (find(true), find(false)) {
        (Some(with), Some(without)) => reading.obstacles.add(ImportError::System(format!(
            "{with} is periodic and {without} is not, expected both or none"
        ))),
        (Some(_), None) => {
            reading.system.cell = reading.cell.or(reading.default_cell);
            if reading.system.cell.is_none() && reading.obstacles.none() {
                reading.obstacles.add(ImportError::System(
                    "the system is periodic, but neither the State nor the System has a box".into(),
                ));
            }
        }
        (None, _) => {}
    }
}

/// One seed for all random numbers: that asked for, or the integrator's, or the barostat's.
fn seed(reading: &mut Reading, files: &Files<'_>, options: &Options) {
    if files.integrator.is_none() {
        reading
            .notes
            .push("without an integrator there are energies and forces of the state, and no run".into());
        return;
    }
    let found = reading.seeds.iter().find(|seed| **seed != 0).map(|seed| *seed as u64);
    let seed = options.seed.or(found);
    let needed = !reading.seeds.is_empty() || options.temperature_k.is_some();
    if needed && seed.is_none() {
        reading.obstacles.add(ImportError::System(
            "the files give no seed for random numbers (randomSeed is 0, which means a new one for each run), expected one: choose a number, --seed 7".into(),
        ));
    }
    if let Some(dynamics) = &mut reading.system.dynamics {
        dynamics.seed = seed.filter(|_| needed);
    }
}

fn velocities(reading: &mut Reading, options: &Options) {
    let Some(temperature) = options.temperature_k else {
        return;
    };
    if !(0.0..1e5).contains(&temperature) {
        reading.obstacles.add(ImportError::System(format!(
            "the temperature to draw velocities at is {temperature} K, expected 0 to below 1e5"
        )));
        return;
    }
    let Some(seed) = options.seed.or(reading.system.dynamics.and_then(|dynamics| dynamics.seed)) else {
        reading.obstacles.add(ImportError::System(
            "velocities are to be drawn, but there is no seed: choose a number, --seed 7".into(),
        ));
        return;
    };
    reading.system.draw_velocities(temperature, seed);
    reading
        .notes
        .push(format!("velocities were drawn at {temperature} K with seed {seed}"));
}

/// Particles of a term must be nearer than half the box as they stand, where OpenMM does not regard the box.
fn in_one_piece(reading: &mut Reading) {
    let Some(cell) = reading.system.cell else {
        return;
    };
    let positions = &reading.system.positions_nm;
    let plain = |a: Vector, b: Vector| [0, 1, 2].map(|axis| a[axis] - b[axis]);
    let split = |d: Vector| {
        let nearest = cell.nearest(d);
        (0..3).any(|axis| (d[axis] - nearest[axis]).abs() > 1e-9)
    };
    let mut bad = reading.unwrapped.iter().filter_map(|(what, [a, b])| {
        let d = plain(positions[*a as usize], positions[*b as usize]);
        split(d).then(|| (*what, *a, *b, libm::sqrt(d.iter().map(|x| x * x).sum())))
    });
    if let Some((what, a, b, r)) = bad.next() {
        let more = bad.count();
        reading.obstacles.add(ImportError::System(format!(
            "particles {a} and {b} of {what} are {r:.3} nm apart, further than half the box (and {more} more such pairs), where OpenMM takes the difference without regard to the box: write the State with molecules in one piece, getState(positions=True, enforcePeriodicBox=False)"
        )));
    }
    let springs = reading.anchored.iter();
    let mut far = springs.filter(|(atom, at)| split(plain(positions[*atom as usize], *at)));
    if let Some((atom, _)) = far.next() {
        reading.obstacles.add(ImportError::System(format!(
            "particle {atom} is further than half the box from the point that a CustomExternalForce holds it to: use periodicdistance(x,y,z,x0,y0,z0) in its expression"
        )));
    }
}

fn description(reading: &Reading) -> String {
    let system = &reading.system;
    let mut parts = vec![format!("{} particles", system.atoms())];
    parts.extend(system.terms.classes().iter().map(|class| class.name().to_owned()));
    if !system.constraints.is_empty() {
        parts.push(format!("{} constraints", system.constraints.len()));
    }
    for action in &system.actions {
        parts.push(match action {
            Action::RemoveMotion { .. } => "CMMotionRemover".into(),
            Action::Barostat(_) => "MonteCarloBarostat".into(),
        });
    }
    format!("Imported from OpenMM: {}", parts.join(", "))
}
