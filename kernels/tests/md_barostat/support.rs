//! Systems under a barostat, and what is read of their packages.

use device::{Device, SessionOptions};
use kernels::import::{Files, Options, openmm};
use kernels::md::Plan;
use kernels::md::fixed_cell::FixedCell;
use kernels::md::system::{
    Action, Barostat, Bath, Bond, Cell, Cutoff, Dynamics, Integrator, Method, Particle, Scaling, System, Vector,
};
use kernels::md::twin::evaluate as exact;
use kernels::package::Package;
use kernels::random::{Stream, uniform};
use kernels::run::{Boundary, Executor, initial_state};

use super::md_support::data;

pub(crate) fn plan(steps_per_segment: u64, segments: u64) -> Plan {
    Plan {
        steps_per_segment,
        segments,
        energies_every: steps_per_segment,
        positions_every: steps_per_segment,
    }
}

pub(crate) fn barostat(pressure_bar: f64, every: u64) -> Action {
    Action::Barostat(Barostat {
        pressure_bar,
        temperature_k: 300.0,
        every,
        scaling: Scaling::Molecules,
    })
}

pub(crate) fn imported(kind: &str, name: &str) -> System {
    let folder = data(kind).join(name);
    let file = |stem: &str| {
        let packed = folder.join(format!("{stem}.xml.gz"));
        if packed.exists() {
            packed
        } else {
            folder.join(format!("{stem}.xml"))
        }
    };
    let [system, state] = ["system", "state"].map(file);
    let files = Files {
        system: &system,
        state: &state,
        integrator: None,
    };
    let options = Options {
        reference_grid: true,
        ..Options::default()
    };
    openmm(&files, &options).expect("a system").system
}

/// The same under a barostat; particles are driven by a heat bath.
pub(crate) fn under_pressure(mut system: System, pressure_bar: f64, every: u64) -> System {
    system.actions = vec![barostat(pressure_bar, every)];
    system.dynamics = Some(Dynamics {
        integrator: Integrator::LangevinMiddle(Bath {
            temperature_k: 300.0,
            friction_per_ps: 5.0,
        }),
        step_ps: 0.001,
        constraint_tolerance: 1e-6,
        seed: Some(11),
    });
    system
}

/// A package with the same text and other bytes in one buffer.
pub(crate) fn with_bytes(package: &Package, name: &str, bytes: Vec<u8>) -> Package {
    let buffers = package.manifest().buffers.iter().enumerate();
    let given = buffers.filter(|(_, buffer)| buffer.init.is_some());
    let init = given.map(|(index, buffer)| {
        let own = if buffer.name == name {
            bytes.clone()
        } else {
            package.initial(index)
        };
        (buffer.name.clone(), own)
    });
    Package::new(package.manifest().clone(), package.shaders().clone(), init.collect()).expect("a package")
}

pub(crate) fn boundaries(package: &Package, device: &dyn Device) -> Vec<Boundary> {
    let mut executor = Executor::open(package, device, &SessionOptions::default()).expect("a session");
    executor.enter(0, &initial_state(package)).expect("a start");
    let segment = |_| {
        executor.advance(u64::MAX).expect("steps");
        executor.cross().unwrap_or_else(|error| panic!("{error}"))
    };
    (0..package.manifest().run.segments).map(segment).collect()
}

pub(crate) fn words(boundary: &Boundary, name: &str) -> Vec<u32> {
    let mut state = boundary.state.iter();
    let bytes = &state.find(|buffer| buffer.name == name).expect("a state buffer").bytes;
    bytes
        .as_chunks::<4>()
        .0
        .iter()
        .map(|word| u32::from_le_bytes(*word))
        .collect()
}

pub(crate) fn scale_of(boundary: &Boundary) -> f32 {
    f32::from_bits(words(boundary, "box_scale")[0])
}

/// The system with its box so much larger, at the places that a package has for its particles.
pub(crate) fn resized(system: &System, scale: f32, positions: &[[u32; 3]]) -> System {
    let first = FixedCell::new(system.cell.expect("a box")).expect("a reduced cell");
    let cell = first.scaled(scale);
    System {
        cell: Some(cell.cell()),
        positions_nm: positions.iter().map(|position| cell.decode(*position)).collect(),
        ..system.clone()
    }
}

pub(crate) fn fixed(system: &System) -> Vec<[u32; 3]> {
    let cell = FixedCell::new(system.cell.expect("a box")).expect("a reduced cell");
    system.positions_nm.iter().map(|point| cell.encode(*point)).collect()
}

/// Flexible dimers with a reaction field in a tilted box: bonds and a cell that is not rectangular.
pub(crate) fn dimers(tilted: bool) -> System {
    let side = 6usize;
    let mut system = System {
        name: "dimers".into(),
        cell: Some(match tilted {
            true => Cell {
                vectors_nm: [[2.5, 0.0, 0.0], [0.6, 2.4, 0.0], [-0.5, 0.7, 2.45]],
            },
            false => Cell::rectangular([2.5, 2.4, 2.45]),
        }),
        ..System::default()
    };
    let cell = system.cell.expect("a box");
    let wiggle = |index: usize| uniform(3, Stream::Test, 0, index as u32) - 0.5;
    let mut nonbonded = imported("openmm", "salt-water").terms.nonbonded.expect("a force");
    nonbonded.method = Method::ReactionField {
        cutoff: Cutoff {
            radius_nm: 0.9,
            switch_nm: Some(0.8),
        },
        dielectric: 78.5,
    };
    (nonbonded.exclusions, nonbonded.exceptions) = (Vec::new(), Vec::new());
    nonbonded.dispersion_correction = true;
    for i in 0..side.pow(3) {
        let at = [i / side / side, i / side % side, i % side];
        let fractions = [0, 1, 2].map(|axis| (at[axis] as f64 + 0.2 * wiggle(9 * i + axis)) / side as f64);
        let [a, b, c] = cell.vectors_nm;
        let place = [0, 1, 2].map(|k| fractions[0] * a[k] + fractions[1] * b[k] + fractions[2] * c[k]);
        let first = 2 * i as u32;
        for end in 0..2 {
            let sign = if end == 0 { 1.0 } else { -1.0 };
            system
                .positions_nm
                .push([0, 1, 2].map(|k| place[k] + sign * (0.035 + 0.02 * wiggle(9 * i + 3 + k))));
            system.particles.push(Particle {
                mass_u: 20.0,
                charge_e: 0.2 * sign,
                sigma_nm: 0.3,
                epsilon_kj_mol: 0.5,
            });
        }
        system.velocities_nm_ps.extend([[0.0; 3]; 2]);
        system.terms.bonds.push(Bond {
            atoms: [first, first + 1],
            length_nm: 0.13,
            k_kj_mol_nm2: 50_000.0,
        });
        nonbonded.exclusions.push([first, first + 1]);
    }
    system.terms.nonbonded = Some(nonbonded);
    system
}

/// The system with all box vectors `wider` times as long: each molecule moves with the unweighted mean of its particles, as OpenMM's barostat has it.
pub(crate) fn widened(system: &System, wider: f64) -> System {
    let mut after = system.clone();
    let cell = system.cell.expect("a box");
    after.cell = Some(Cell {
        vectors_nm: cell.vectors_nm.map(|vector| vector.map(|x| wider * x)),
    });
    for molecule in &system.molecules() {
        let first = system.positions_nm[molecule[0] as usize];
        let from_first = |atom: &u32| cell.nearest([0, 1, 2].map(|k| system.positions_nm[*atom as usize][k] - first[k]));
        let offsets: Vec<Vector> = molecule.iter().map(from_first).collect();
        let mean = [0, 1, 2].map(|k| offsets.iter().map(|offset| offset[k]).sum::<f64>() / offsets.len() as f64);
        for (atom, offset) in molecule.iter().zip(&offsets) {
            after.positions_nm[*atom as usize] = [0, 1, 2].map(|k| wider * (first[k] + mean[k]) + (offset[k] - mean[k]));
        }
    }
    after
}

/// Potential energy in double precision, kJ/mol.
pub(crate) fn potential(system: &System) -> f64 {
    exact(system).energies_kj_mol.values().sum()
}
