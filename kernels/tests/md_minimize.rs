//! Minimising the energy of a starting state in which a molecule lies across another: its forces do not fit the package's integers at first. Constraints are held,
//! virtual sites follow, threads show in nothing; atoms on one place are named.

mod openmm_support;

use std::path::Path;

use device::SessionOptions;
use kernels::import::Options;
use kernels::md::Plan;
use kernels::md::minimize::{Goal, minimize};
use kernels::md::readback::Readback;
use kernels::md::system::{Method, System};
use kernels::package::Package;
use kernels::run::initial_state;
use openmm_support::import_folder;

/// Water with virtual sites and a reaction field, the second molecule moved so that its first atom is so far from the first one's.
fn water(distance_nm: f64) -> System {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data/molecules/water-with-sites");
    let mut system = import_folder(&folder, &Options::default()).expect("a system").system;
    if let Some(nonbonded) = &mut system.terms.nonbonded
        && let Some(cutoff) = nonbonded.method.cutoff()
    {
        nonbonded.method = Method::ReactionField {
            cutoff,
            dielectric: 78.5,
        };
    }
    let molecules = system.molecules();
    let target = system.positions_nm[molecules[0][0] as usize];
    let shift = [0, 1, 2].map(|axis| target[axis] - system.positions_nm[molecules[1][0] as usize][axis]);
    for atom in &molecules[1] {
        for (axis, moved) in shift.iter().enumerate() {
            system.positions_nm[*atom as usize][axis] += moved + if axis == 0 { distance_nm } else { 0.0 };
        }
    }
    system
}

fn package(system: &System) -> Package {
    let plan = Plan {
        steps_per_segment: 1,
        segments: 1,
        energies_every: 1,
        positions_every: 1,
    };
    system.package(plan).expect("a package")
}

const GOAL: Goal = Goal {
    tolerance_kj_mol_nm: 100.0,
    steps_max: 400,
};

#[test]
fn a_molecule_across_another_comes_off_it() {
    let package = package(&water(0.09));
    let device = device::select("cpu").expect("every machine has the CPU device");
    let found = minimize(&package, device.as_ref(), &SessionOptions::default(), GOAL).unwrap_or_else(|error| panic!("{error}"));
    println!(
        "{} steps, {} of them coarse: rms {:?} kJ/mol/nm, energy {:?} kJ/mol",
        found.steps, found.coarse_steps, found.rms_kj_mol_nm, found.energy_kj_mol
    );
    assert!(found.converged && found.coarse_steps > 0, "{}", found.steps);
    assert!(
        found.rms_kj_mol_nm[1] <= 100.0 && found.rms_kj_mol_nm[0] > 1e5,
        "{:?}",
        found.rms_kj_mol_nm
    );
    // Constraints and sites.
    let particles = Readback::of(&found.package).expect("particles");
    let state = initial_state(&found.package);
    let words: Vec<u32> = state[0]
        .bytes
        .as_chunks::<4>()
        .0
        .iter()
        .map(|word| u32::from_le_bytes(*word))
        .collect();
    let places = words.as_chunks::<3>().0;
    assert!(particles.constraints.len() >= 180, "{}", particles.constraints.len());
    for one in &particles.constraints {
        let [a, b] = one.atoms.map(|atom| places[atom as usize]);
        let length = particles.cell.difference(a, b).iter().map(|x| x * x).sum::<f64>().sqrt();
        assert!((length / one.length_nm - 1.0).abs() < 1e-6, "{:?}: {length}", one.atoms);
    }
    let whole = particles.in_one_piece(places);
    let mut placed = whole.clone();
    particles.place_sites(&mut placed);
    let off = whole
        .iter()
        .zip(&placed)
        .flat_map(|(a, b)| (0..3).map(move |k| (a[k] - b[k]).abs()));
    assert!(off.fold(0.0, f64::max) < 1e-8);
    let threads = SessionOptions {
        threads: Some(3),
        workgroup_order_seed: Some(5),
        ..SessionOptions::default()
    };
    let again = minimize(&package, device.as_ref(), &threads, GOAL).expect("the same");
    assert_eq!(again.package.digest(), found.package.digest());
}

#[test]
fn atoms_on_one_place_are_named() {
    let system = water(0.0);
    let [first, second] = [0, 1].map(|molecule| system.molecules()[molecule][0]);
    let package = package(&system);
    let device = device::select("cpu").expect("every machine has the CPU device");
    let error = minimize(&package, device.as_ref(), &SessionOptions::default(), GOAL)
        .expect_err("an overlap")
        .to_string();
    assert!(error.contains(&format!("{first} and {second} (0.0000 nm)")), "{error}");
}
