//! Twenty steps beside OpenMM's Reference platform, for each integrator, kind of constraint and kind of virtual site, at temperature 0: the systems of
//! `openmm/trajectories.py`, made on the spot (a counted skip where no OpenMM can be had).

mod openmm_support;

use std::path::Path;

use device::{Device, SessionOptions};
use kernels::import::Options;
use kernels::md::Plan;
use kernels::md::fixed_cell::FixedCell;
use kernels::md::motion::Masses;
use kernels::md::motion::twin::{Model, Motion};
use kernels::md::system::{Cell, Constraint, Integrator, System};
use kernels::md::terms::virtual_sites::twin::place;
use kernels::md::twin::evaluate;
use kernels::package::Package;
use kernels::run::{Boundary, Executor, initial_state};
use openmm_support::{all, import_folder, json, made_by, vectors};

const PLAN: Plan = Plan {
    steps_per_segment: 5,
    segments: 4,
    energies_every: 5,
    positions_every: 5,
};

/// All boundaries of a run, each segment with what it put out.
fn run(package: &Package, device: &dyn Device) -> Vec<Boundary> {
    let mut executor = Executor::open(package, device, &SessionOptions::default()).expect("a session");
    executor.enter(0, &initial_state(package)).expect("a start");
    let segment = |_| {
        executor.advance(u64::MAX)?;
        executor.cross()
    };
    let run: Result<Vec<_>, _> = (0..package.manifest().run.segments).map(segment).collect();
    run.unwrap_or_else(|error| panic!("{error}"))
}

/// A column of the energies' first row in a segment.
fn energy(package: &Package, boundary: &Boundary, column: &str) -> f64 {
    let outputs = &package.manifest().outputs;
    let at = outputs.iter().position(|output| output.name == "energies").expect("energies");
    let column = outputs[at].columns.iter().find(|one| one.name == column).expect("a column");
    let bytes = &boundary.outputs[at][4 * column.element as usize..][..8];
    let value = i64::from_le_bytes(bytes.try_into().expect("eight bytes"));
    value as f64 * column.scale + column.add
}

/// A state buffer's words.
fn words(boundary: &Boundary, name: &str) -> Vec<u32> {
    let mut state = boundary.state.iter();
    let bytes = &state.find(|buffer| buffer.name == name).expect("a state buffer").bytes;
    bytes
        .chunks_exact(4)
        .map(|w| u32::from_le_bytes([w[0], w[1], w[2], w[3]]))
        .collect()
}

/// The furthest from where it should be, nm: nearest images.
fn furthest(system: &System, boundary: &Boundary, expected: &[[f64; 3]]) -> f64 {
    let open = Cell::rectangular([64.0; 3]);
    let shift = if system.cell.is_some() { 0.0 } else { 32.0 };
    let cell = FixedCell::new(system.cell.unwrap_or(open)).expect("a reduced cell");
    let found = words(boundary, "positions");
    let off = found.chunks_exact(3).zip(expected).map(|(found, expected)| {
        let expected = cell.encode(expected.map(|x| x + shift));
        let d = cell.difference([found[0], found[1], found[2]], expected);
        d.iter().map(|x| x * x).sum::<f64>().sqrt()
    });
    off.fold(0.0, f64::max)
}

/// Positions after the run's steps in double precision.
fn vrorv_twin(system: &System) -> Vec<[f64; 3]> {
    let dynamics = system.dynamics.expect("dynamics");
    let bath = dynamics.integrator.bath().expect("a bath");
    let placed = |points: &[[f64; 3]]| {
        let mut moved = system.clone();
        moved.positions_nm = points.to_vec();
        place(&mut moved);
        moved
    };
    let masses = Masses(system.particles.iter().map(|particle| particle.mass_u).collect());
    let constraints: Vec<Constraint> = system.constraints.all().collect();
    let model = Model {
        inverse_masses: &masses.inverse().collect::<Vec<f64>>(),
        constraints: &constraints,
        forces: &|points| evaluate(&placed(points)).forces_kj_mol_nm,
        dt_ps: dynamics.step_ps,
        keep: (-bath.friction_per_ps * dynamics.step_ps).exp(),
        noise: &|_| vec![[0.0; 3]; system.atoms()],
    };
    let mut motion = Motion {
        positions_nm: system.positions_nm.clone(),
        velocities_nm_ps: system.velocities_nm_ps.clone(),
    };
    for step in 0..PLAN.steps_per_segment * PLAN.segments {
        model.vrorv(&mut motion, step);
    }
    placed(&motion.positions_nm).positions_nm
}

fn follows(folder: &Path) {
    let name = folder.file_name().expect("a name").to_string_lossy().into_owned();
    let options = Options {
        reference_grid: true,
        ..Options::default()
    };
    let imported = import_folder(folder, &options).unwrap_or_else(|error| panic!("{name}: {error}"));
    let system = imported.system;
    let package = system.package(PLAN).unwrap_or_else(|error| panic!("{name}: {error:?}"));
    let device = device::select("cpu").expect("every machine has the CPU device");
    let boundaries = run(&package, device.as_ref());
    let last = boundaries.last().expect("a boundary");
    if !folder.join("reference.json").exists() {
        let off = furthest(&system, last, &vrorv_twin(&system));
        println!("{name}: positions {off:.1e} nm from double precision");
        assert!(off < 1e-6, "{name}: {off:e} nm");
        return;
    }
    let off = furthest(&system, last, &vectors(&folder.join("positions.npy")));
    // Those of VRORV are half a kick behind what its files say.
    let integrator = system.dynamics.expect("dynamics").integrator;
    let mut off_velocity: f64 = 0.0;
    if !matches!(integrator, Integrator::Baoab(_)) {
        let found = words(last, "velocities");
        let expected = vectors(&folder.join("velocities.npy"));
        for (particle, (found, expected)) in found.chunks_exact(3).zip(&expected).enumerate() {
            if system.particles[particle].mass_u > 0.0 {
                for axis in 0..3 {
                    off_velocity = off_velocity.max((f64::from(f32::from_bits(found[axis])) - expected[axis]).abs());
                }
            }
        }
    }
    let reference = json(&folder.join("reference.json"));
    let mut off_kinetic: f64 = 0.0;
    for (boundary, expected) in boundaries.iter().zip(reference["kinetic"].as_array().expect("a list")) {
        let expected = expected.as_f64().expect("a number");
        off_kinetic = off_kinetic.max((energy(&package, boundary, "kinetic") / expected - 1.0).abs());
    }
    println!("{name}: positions {off:.1e} nm, velocities {off_velocity:.1e} nm/ps, kinetic energies {off_kinetic:.1e}");
    assert!(off < 1e-6, "{name}: {off:e} nm");
    assert!(off_velocity < 1e-4, "{name}: {off_velocity:e} nm/ps");
    assert!(off_kinetic < 2e-5, "{name}: kinetic energies {off_kinetic:e}");
}

#[test]
fn trajectories_follow_openmm() {
    let folder = tempfile::tempdir().expect("a folder");
    if !made_by("trajectories.py", folder.path()) {
        return;
    }
    let systems = all(folder.path());
    assert_eq!(systems.len(), 12);
    systems.iter().for_each(|system| follows(system));
}
