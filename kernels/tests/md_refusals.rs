//! Systems that are whole, and yet cannot be run as packages: each is refused by name, and all obstacles at once.

use kernels::md::Plan;
use kernels::md::system::custom::CustomPairs;
use kernels::md::system::{
    Action, Barostat, Bath, Cell, Constraint, Cutoff, Dynamics, GbObc, GbParticle, Improper, Integrator, Method, Nonbonded,
    Particle, Restraint, Scaling, System,
};

const PLAN: Plan = Plan {
    steps_per_segment: 10,
    segments: 1,
    energies_every: 10,
    positions_every: 10,
};

/// Four atoms in a row, with a cutoff and a heat bath: it can be run.
fn good() -> System {
    let particle = Particle {
        mass_u: 12.0,
        charge_e: 0.0,
        sigma_nm: 0.3,
        epsilon_kj_mol: 0.5,
    };
    let bath = Bath {
        temperature_k: 300.0,
        friction_per_ps: 1.0,
    };
    let mut system = System {
        name: "four".into(),
        particles: vec![particle; 4],
        cell: Some(Cell::rectangular([3.0; 3])),
        positions_nm: (0..4).map(|k| [0.4 * f64::from(k), 0.1 * f64::from(k % 2), 0.2]).collect(),
        velocities_nm_ps: vec![[0.0; 3]; 4],
        dynamics: Some(Dynamics {
            integrator: Integrator::LangevinMiddle(bath),
            step_ps: 0.001,
            constraint_tolerance: 1e-5,
            seed: Some(1),
        }),
        ..System::default()
    };
    system.terms.nonbonded = Some(Nonbonded {
        method: Method::ReactionField {
            cutoff: Cutoff {
                radius_nm: 0.9,
                switch_nm: None,
            },
            dielectric: 78.5,
        },
        exclusions: Vec::new(),
        exceptions: Vec::new(),
        dispersion_correction: false,
    });
    system
}

fn with_barostat(system: &mut System) {
    system.actions.push(Action::Barostat(Barostat {
        pressure_bar: 1.0,
        temperature_k: 300.0,
        every: 25,
        scaling: Scaling::Molecules,
    }));
}

fn improper(angle_rad: f64, period_rad: Option<f64>) -> Improper {
    Improper {
        atoms: [0, 1, 2, 3],
        angle_rad,
        k_kj_mol_rad2: 10.0,
        period_rad,
    }
}

fn bath_of(system: &mut System, integrator: impl Fn(Bath) -> Integrator, friction_per_ps: f64) {
    let bath = Bath {
        temperature_k: 300.0,
        friction_per_ps,
    };
    system.dynamics.as_mut().expect("dynamics").integrator = integrator(bath);
}

/// What is done to a good system, and what the refusal must say.
type Case = (fn(&mut System), &'static str);

#[test]
fn each_obstacle_has_its_message() {
    good().package(PLAN).expect("the system is good as it is");
    let mut good_barostat = good();
    with_barostat(&mut good_barostat);
    good_barostat.package(PLAN).expect("a barostat can be run");
    let cases: [Case; 14] = [
        (
            |system| system.terms.impropers.push(improper(0.6, None)),
            "the harmonic improper of particles [0, 1, 2, 3] has the angle 0.6 rad and an expression that does not wrap differences by 2 pi: its energy jumps where the torsion passes 180 degrees; write it with min(dtheta, 2*pi-dtheta)",
        ),
        (
            |system| {
                system.cell = Some(Cell::rectangular([1.8, 3.0, 3.0]));
            },
            "the cutoff is 0.9 nm in a box whose shortest height is 1.7999999523162842 nm: expected a box that is wider than twice the cutoff",
        ),
        (
            |system| {
                let table = |value| vec![value];
                system.terms.custom_pairs.push(CustomPairs {
                    type_of: vec![0; 4],
                    types: 1,
                    a_kj_mol_nm12: table(1e-6),
                    b_kj_mol_nm6: table(1e-3),
                    c_kj_mol_nm4: table(0.0),
                    force_switch: None,
                    cutoff: system.terms.nonbonded.as_ref().expect("a force").method.cutoff(),
                    exclusions: vec![[0, 1]],
                    long_range_correction: false,
                });
            },
            "excludes 1 pairs and another force between all particles 0: expected the same pairs",
        ),
        (
            |system| {
                let nonbonded = system.terms.nonbonded.as_mut().expect("a force");
                let cutoff = nonbonded.method.cutoff().expect("a cutoff");
                nonbonded.method = Method::Pme {
                    cutoff,
                    alpha_per_nm: 3.0,
                    grid: [300, 30, 30],
                };
            },
            "a transform of 300 points: expected 2 to 256",
        ),
        (
            |system| system.actions.extend([Action::RemoveMotion { every: 1 }; 2]),
            "two CMMotionRemovers, expected one at most",
        ),
        (
            |system| system.dynamics.as_mut().expect("dynamics").seed = None,
            "random numbers are needed but there is no seed",
        ),
        (
            |system| bath_of(system, Integrator::Brownian, 0.0),
            "Brownian motion with friction 0 per ps, expected above 0",
        ),
        (
            |system| {
                system.dynamics.as_mut().expect("dynamics").integrator = Integrator::ReversibleVerlet;
                system.actions.push(Action::RemoveMotion { every: 1 });
            },
            "their steps cannot be taken back",
        ),
        (
            |system| {
                with_barostat(system);
                let dynamics = system.dynamics.as_mut().expect("dynamics");
                (dynamics.integrator, dynamics.seed) = (Integrator::Verlet, None);
            },
            "random numbers are needed but there is no seed",
        ),
        (
            |system| {
                with_barostat(system);
                if let [.., Action::Barostat(barostat)] = system.actions.as_mut_slice() {
                    barostat.temperature_k = 0.0;
                }
            },
            "the barostat has 0 K, expected 1e-3 to below 1e5: its moves are weighed by kT",
        ),
        (
            |system| {
                with_barostat(system);
                system.dynamics.as_mut().expect("dynamics").integrator = Integrator::ReversibleVerlet;
            },
            "a MonteCarloBarostat together with reversible dynamics cannot be run",
        ),
        (
            |system| {
                with_barostat(system);
                system.terms.restraints.push(Restraint {
                    atom: 0,
                    k_kj_mol_nm2: 10.0,
                    at_nm: [0.1; 3],
                });
            },
            "a MonteCarloBarostat together with a CustomExternalForce that holds particles at points of the box cannot be run",
        ),
        (
            |system| {
                with_barostat(system);
                let particle = GbParticle {
                    charge_e: 0.1,
                    radius_nm: 0.15,
                    scale: 0.8,
                };
                system.terms.gb_obc = Some(GbObc {
                    particles: vec![particle; 4],
                    solvent_dielectric: 78.5,
                    solute_dielectric: 1.0,
                    surface_kj_mol_nm2: 2.0,
                    cutoff_nm: Some(0.9),
                });
            },
            "a MonteCarloBarostat together with a GBSAOBCForce cannot be run",
        ),
        (
            |system| {
                with_barostat(system);
                let link = |a: u32| Constraint {
                    atoms: [a, a + 1],
                    length_nm: 0.41,
                };
                system.constraints.larger.push((0..3).map(link).collect());
            },
            "a MonteCarloBarostat together with constraints that connect more than a heavy atom with its hydrogens or a rigid water cannot be run",
        ),
    ];
    for (change, expected) in cases {
        let mut system = good();
        change(&mut system);
        let error = system.package(PLAN).expect_err(expected).to_string();
        assert!(error.contains(expected), "expected: {expected}\n   found: {error}");
    }
    // Neither a torsion of 0 nor one that wraps is an obstacle.
    for one in [improper(0.0, None), improper(0.6, Some(std::f64::consts::TAU))] {
        let mut system = good();
        system.terms.impropers.push(one);
        system.package(PLAN).expect("an improper that can be run");
    }
}

#[test]
fn all_obstacles_come_together() {
    let mut system = good();
    system.terms.impropers.push(improper(0.6, None));
    system.actions.extend([Action::RemoveMotion { every: 1 }; 2]);
    bath_of(&mut system, Integrator::Brownian, 0.0);
    let error = system.package(PLAN).expect_err("obstacles").to_string();
    for word in ["3 obstacles", "harmonic improper", "CMMotionRemovers", "Brownian"] {
        assert!(error.contains(word), "{word}: {error}");
    }
}
