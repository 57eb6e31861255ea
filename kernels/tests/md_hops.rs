//! Campaign: molecules of every kind go to another device at every boundary for a thousand steps, and their chain is that of a run that stays on the CPU device, and
//! of one there with workgroups in another order on one thread, and of one with every access checked. Set aside, for software GPUs take minutes to compile a kind's passes:
//!
//!     VK_DRIVER_FILES=/usr/share/vulkan/icd.d/lvp_icd.x86_64.json:/usr/lib/chromium/vk_swiftshader_icd.json \
//!     cargo nextest run --release --workspace --test md_hops --run-ignored only --no-capture

mod md_support;
mod openmm_support;
#[path = "md_barostat/support.rs"]
#[allow(dead_code, reason = "the barostat's tests use the rest")]
mod support;

use std::time::Instant;

use device::SessionOptions;
use kernels::import::Options;
use kernels::md::Plan;
use kernels::md::system::{Action, Barostat, Bath, Constraint, Constraints, Dynamics, Integrator, Scaling, System};
use kernels::package::Package;
use kernels::run::{Boundary, Executor, initial_state};
use md_support::{data, devices};
use openmm_support::import_folder;
use support::{dimers, under_pressure};

const PLAN: Plan = Plan {
    steps_per_segment: 20,
    segments: 50,
    energies_every: 10,
    positions_every: 20,
};

/// Segments in checked mode, which takes some fifty times as long.
const CHECKED: u64 = 4;

const BATH: Bath = Bath {
    temperature_k: 300.0,
    friction_per_ps: 5.0,
};

fn imported(kind: &str, name: &str) -> System {
    let folder = data(kind).join(name);
    let options = Options {
        seed: Some(7),
        ..Options::default()
    };
    let mut system = import_folder(&folder, &options).expect("a system").system;
    system.velocities_nm_ps = vec![[0.0; 3]; system.atoms()];
    system
}

fn driven(mut system: System, integrator: Integrator, step_ps: f64) -> System {
    system.dynamics = Some(Dynamics {
        integrator,
        step_ps,
        constraint_tolerance: 1e-6,
        seed: Some(7),
    });
    system
}

fn stays(package: &Package, options: &SessionOptions, segments: u64) -> Vec<Boundary> {
    let device = device::select("cpu").expect("every machine has the CPU device");
    let mut executor = Executor::open(package, device.as_ref(), options).expect("a session");
    executor.enter(0, &initial_state(package)).expect("a start");
    let segment = |_| {
        executor.advance(u64::MAX).expect("steps");
        executor.cross().unwrap_or_else(|error| panic!("{error}"))
    };
    (0..segments).map(segment).collect()
}

/// A run of the system that is on another device in every segment, each pair of devices in both directions, beside one that stays.
fn hops(name: &str, system: &System) {
    let package = system.package(PLAN).unwrap_or_else(|error| panic!("{name}: {error}"));
    let begun = Instant::now();
    let expected = stays(&package, &SessionOptions::default(), PLAN.segments);
    println!(
        "{name}: 1,000 steps on the CPU device in {:.0} s",
        begun.elapsed().as_secs_f64()
    );
    let other = SessionOptions {
        threads: Some(1),
        workgroup_order_seed: Some(11),
        ..SessionOptions::default()
    };
    assert!(
        stays(&package, &other, PLAN.segments) == expected,
        "{name}: parts in another order of workgroups"
    );
    let checked = SessionOptions {
        checked: true,
        ..SessionOptions::default()
    };
    let few = stays(&package, &checked, CHECKED);
    assert!(few[..] == expected[..CHECKED as usize], "{name}: parts in checked mode");
    let seconds = begun.elapsed().as_secs_f64();
    println!("{name}: the same on one thread in another order, and {CHECKED} segments in checked mode, {seconds:.0} s");
    let devices = devices();
    let mut executors: Vec<Executor<'_>> = Vec::new();
    for device in &devices {
        executors.push(Executor::open(&package, device.as_ref(), &SessionOptions::default()).expect("a session"));
        println!(
            "{name}: {} is open after {:.0} s",
            device.info().name,
            begun.elapsed().as_secs_f64()
        );
    }
    let count = executors.len();
    let mut state = initial_state(&package);
    for (segment, expected) in expected.iter().enumerate() {
        // Forth through the list of devices, then back: 0, 1, 2, 0, 2, 1.
        let forth = (segment / count).is_multiple_of(2);
        let at = if forth {
            segment % count
        } else {
            (count - segment % count) % count
        };
        let executor = &mut executors[at];
        executor.enter(segment as u64, &state).expect("it enters");
        executor.advance(u64::MAX).expect("steps");
        let found = executor
            .cross()
            .unwrap_or_else(|error| panic!("{name}, segment {segment}: {error}"));
        assert!(
            found == *expected,
            "{name}: segment {segment} parts on {}",
            devices[at].info().name
        );
        state = found.state;
    }
    println!("{name}: one chain on {count} devices, {:.0} s", begun.elapsed().as_secs_f64());
}

/// Rigid water with all kinds of virtual sites, PME.
fn water() -> System {
    imported("molecules", "water-with-sites")
}

#[test]
#[ignore = "a campaign of minutes"]
fn water_with_sites_and_pme_is_one_chain() {
    hops(
        "water with sites, PME, LangevinMiddle",
        &driven(water(), Integrator::LangevinMiddle(BATH), 0.002),
    );
}

#[test]
#[ignore = "a campaign of minutes"]
fn water_under_pressure_with_pme_is_one_chain() {
    let mut system = driven(water(), Integrator::Baoab(BATH), 0.002);
    system.actions = vec![Action::Barostat(Barostat {
        pressure_bar: -300.0,
        temperature_k: 300.0,
        every: 10,
        scaling: Scaling::Molecules,
    })];
    hops("water with sites, PME, BAOAB, barostat", &system);
}

#[test]
#[ignore = "a campaign of minutes"]
fn charmm_water_with_pme_is_one_chain() {
    let system = imported("force-fields", "water-charmm-tip5p");
    let thick = Bath {
        friction_per_ps: 1000.0,
        ..BATH
    };
    hops(
        "CHARMM's TIP5P, PME, Brownian",
        &driven(system, Integrator::Brownian(thick), 0.001),
    );
}

/// A box that is not rectangular, with a reaction field.
#[test]
#[ignore = "a campaign of minutes"]
fn a_tilted_box_under_pressure_is_one_chain() {
    let mut system = under_pressure(dimers(true), -200.0, 3);
    system.dynamics.as_mut().expect("dynamics").seed = Some(7);
    hops("dimers in a tilted box, reaction field, LangevinMiddle, barostat", &system);
}

#[test]
#[ignore = "a campaign of minutes"]
fn correction_maps_and_large_sets_of_constraints_are_one_chain() {
    let mut system = imported("force-fields", "villin-amber19");
    let length = |atoms: [u32; 2]| {
        let d = system.difference_nm(atoms[0], atoms[1]);
        d.iter().map(|x| x * x).sum::<f64>().sqrt()
    };
    let bonds = system.terms.bonds.clone();
    let all: Vec<Constraint> = bonds
        .iter()
        .map(|bond| Constraint {
            atoms: bond.atoms,
            length_nm: length(bond.atoms),
        })
        .collect();
    let masses: Vec<f64> = system.particles.iter().map(|particle| particle.mass_u).collect();
    system.terms.bonds.clear();
    system.constraints = Constraints::grouped(&masses, &all);
    assert!(!system.constraints.larger.is_empty());
    hops(
        "villin in AMBER, all bonds constrained, LangevinMiddle",
        &driven(system, Integrator::LangevinMiddle(BATH), 0.0005),
    );
}

#[test]
#[ignore = "a campaign of minutes"]
fn charmm_tables_are_one_chain() {
    let system = imported("force-fields", "villin-charmm");
    hops("villin in CHARMM, Verlet", &driven(system, Integrator::Verlet, 0.0005));
}

#[test]
#[ignore = "a campaign of minutes"]
fn implicit_solvent_is_one_chain() {
    let system = imported("force-fields", "villin-implicit");
    hops(
        "villin in OBC, LangevinMiddle",
        &driven(system, Integrator::LangevinMiddle(BATH), 0.0005),
    );
}
