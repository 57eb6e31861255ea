//! Time runs backwards: charged diatomic molecules with PME by reversible Verlet, forth and back, and every bit of positions and velocities is there again.
//! `BATON_REVERSAL_STEPS=10000` makes it longer.

use device::SessionOptions;
use kernels::md::Plan;
use kernels::md::motion::reversible::turned;
use kernels::md::system::{Bond, Cell, Cutoff, Dynamics, Integrator, Method, Nonbonded, Particle, System, Terms};
use kernels::package::Package;
use kernels::random::{Stream, uniform};
use kernels::run::{Executor, initial_state};
use protocol::StateBuffer;

const SIDE: usize = 4;
const EDGE_NM: f64 = 1.9;

/// Diatomic molecules of opposite charges on a jittered lattice.
fn molecules(integrator: Integrator) -> System {
    let n = SIDE.pow(3);
    let flat = |index: usize| uniform(3, Stream::Test, 0, index as u32) - 0.5;
    let spacing = EDGE_NM / SIDE as f64;
    let at = |i: usize| [i / SIDE / SIDE, i / SIDE % SIDE, i % SIDE];
    let place = |i: usize| [0, 1, 2].map(|axis| (at(i)[axis] as f64 + 0.5 + 0.1 * flat(3 * i + axis)) * spacing);
    let mut positions_nm: Vec<[f64; 3]> = (0..n).map(place).collect();
    for pair in 0..n / 2 {
        // The second atom beside the first one.
        positions_nm[2 * pair + 1] = positions_nm[2 * pair];
        positions_nm[2 * pair + 1][2] += 0.2;
    }
    let particle = |i: usize| Particle {
        mass_u: if i.is_multiple_of(2) { 16.0 } else { 12.0 },
        charge_e: if i.is_multiple_of(2) { -0.3 } else { 0.3 },
        sigma_nm: 0.26,
        epsilon_kj_mol: 0.5,
    };
    System {
        name: "diatomics".into(),
        particles: (0..n).map(particle).collect(),
        cell: Some(Cell::rectangular([EDGE_NM; 3])),
        velocities_nm_ps: (0..n).map(|i| [0, 1, 2].map(|axis| flat(5000 + 3 * i + axis))).collect(),
        positions_nm,
        terms: Terms {
            bonds: (0..n as u32 / 2)
                .map(|pair| Bond {
                    atoms: [2 * pair, 2 * pair + 1],
                    length_nm: 0.2,
                    k_kj_mol_nm2: 1e5,
                })
                .collect(),
            nonbonded: Some(Nonbonded {
                method: Method::Pme {
                    cutoff: Cutoff {
                        radius_nm: 0.9,
                        switch_nm: Some(0.8),
                    },
                    alpha_per_nm: 3.0,
                    grid: [12; 3],
                },
                exclusions: (0..n as u32 / 2).map(|pair| [2 * pair, 2 * pair + 1]).collect(),
                exceptions: Vec::new(),
                dispersion_correction: false,
            }),
            ..Terms::default()
        },
        dynamics: Some(Dynamics {
            integrator,
            step_ps: 0.001,
            constraint_tolerance: 1e-5,
            seed: None,
        }),
        ..System::default()
    }
}

fn package(integrator: Integrator, steps_per_segment: u64) -> Package {
    let plan = Plan {
        steps_per_segment,
        segments: 2,
        energies_every: steps_per_segment,
        positions_every: steps_per_segment,
    };
    molecules(integrator)
        .package(plan)
        .unwrap_or_else(|error| panic!("{error:?}"))
}

/// The state after one segment from another.
fn segment(executor: &mut Executor<'_>, state: &[StateBuffer]) -> Vec<StateBuffer> {
    executor.enter(0, state).expect("a start");
    executor.advance(u64::MAX).expect("steps");
    executor.cross().unwrap_or_else(|error| panic!("{error}")).state
}

fn buffer<'a>(state: &'a [StateBuffer], name: &str) -> &'a [u8] {
    &state.iter().find(|buffer| buffer.name == name).expect("a state buffer").bytes
}

#[test]
fn a_trajectory_taken_back_ends_where_it_began() {
    let steps = std::env::var("BATON_REVERSAL_STEPS").map_or(1000, |text| text.parse().expect("a number of steps"));
    let package = package(Integrator::ReversibleVerlet, steps);
    let device = device::select("cpu").expect("every machine has the CPU device");
    let mut executor = Executor::open(&package, device.as_ref(), &SessionOptions::default()).expect("a session");
    let start = initial_state(&package);
    let there = segment(&mut executor, &start);
    let moved = buffer(&there, "positions")
        .as_chunks::<4>()
        .0
        .iter()
        .zip(buffer(&start, "positions").as_chunks::<4>().0);
    let far = moved.map(|(a, b)| {
        u32::from_le_bytes(*a)
            .wrapping_sub(u32::from_le_bytes(*b))
            .cast_signed()
            .unsigned_abs()
    });
    let furthest_nm = f64::from(far.max().expect("atoms")) / 4_294_967_296.0 * EDGE_NM;
    println!("{steps} steps: the furthest coordinate is {furthest_nm:.3} nm from where it was");
    assert!(furthest_nm > 0.1, "{furthest_nm}");
    let back = segment(&mut executor, &turned(&there).expect("a reversible package"));
    let back = turned(&back).expect("a reversible package");
    for name in ["positions", "ticks"] {
        assert!(
            buffer(&back, name) == buffer(&start, name),
            "{name} are not what they were after {steps} steps"
        );
    }
}

/// It is Verlet: after a few steps positions are those of floating-point velocities to their rounding.
#[test]
fn reversible_verlet_is_verlet() {
    let device = device::select("cpu").expect("every machine has the CPU device");
    let places = [Integrator::ReversibleVerlet, Integrator::Verlet].map(|integrator| {
        let package = package(integrator, 20);
        let mut executor = Executor::open(&package, device.as_ref(), &SessionOptions::default()).expect("a session");
        let state = segment(&mut executor, &initial_state(&package));
        let words = buffer(&state, "positions").as_chunks::<4>().0.iter();
        words.map(|word| u32::from_le_bytes(*word)).collect::<Vec<u32>>()
    });
    let off = places[0]
        .iter()
        .zip(&places[1])
        .map(|(a, b)| a.wrapping_sub(*b).cast_signed().unsigned_abs());
    let furthest_nm = f64::from(off.max().expect("atoms")) / 4_294_967_296.0 * EDGE_NM;
    println!("after 20 steps: {furthest_nm:.1e} nm apart");
    assert!(furthest_nm < 1e-6, "{furthest_nm:e}");
}

#[test]
fn what_cannot_be_taken_back_is_refused_by_name() {
    let mut system = molecules(Integrator::ReversibleVerlet);
    system.actions.push(kernels::md::system::Action::RemoveMotion { every: 1 });
    let plan = Plan {
        steps_per_segment: 1,
        segments: 1,
        energies_every: 1,
        positions_every: 1,
    };
    let error = system.package(plan).expect_err("a removal").to_string();
    assert!(
        error.contains("reversible Verlet with removal of the centre's motion"),
        "{error}"
    );
}
