//! Molecules as packages: energies and forces of everything but the reciprocal part of PME, against the double-precision twins.

mod md_support;

use device::SessionOptions;
use kernels::import::{Files, Options, openmm};
use kernels::md::Plan;
use kernels::md::system::{Method, System, Vector};
use kernels::md::terms;
use kernels::run::evaluate;
use md_support::{data, devices, relative};

fn imported(name: &str) -> System {
    let folder = data("openmm").join(name);
    let file = |stem: &str| {
        let plain = folder.join(format!("{stem}.xml"));
        if plain.exists() {
            plain
        } else {
            folder.join(format!("{stem}.xml.gz"))
        }
    };
    let (system, state) = (file("system"), file("state"));
    let files = Files {
        system: &system,
        state: &state,
        integrator: None,
    };
    openmm(&files, &Options::default()).expect("a system").system
}

const PLAN: Plan = Plan {
    steps_per_segment: 10,
    segments: 1,
    energies_every: 10,
    positions_every: 10,
};

/// Energy and forces of the terms that [`System::interactions`] adds.
fn twin(system: &System) -> (f64, Vec<Vector>) {
    type Twin = fn(&System, &mut [Vector]) -> f64;
    let twins: [Twin; 6] = [
        terms::bonds::twin::add,
        terms::angles::twin::add,
        terms::torsions::twin::add,
        terms::rb_torsions::twin::add,
        terms::impropers::twin::add,
        terms::nonbonded::twin::add,
    ];
    let mut forces = vec![[0.0; 3]; system.atoms()];
    let energy = twins.iter().map(|add| add(system, &mut forces)).sum();
    (energy, forces)
}

/// Which atoms have no pair within a millionth of the cutoff: of such a pair f32 cannot tell on which side it lies, and one of water is 1e-5 of all forces.
fn decided(system: &System) -> Vec<bool> {
    let cutoff = system
        .terms
        .nonbonded
        .as_ref()
        .and_then(|nonbonded| nonbonded.method.cutoff());
    let mut decided = vec![true; system.atoms()];
    let Some(cutoff) = cutoff else { return decided };
    for a in 0..system.atoms() as u32 {
        for b in 0..a {
            let d = system.difference_nm(a, b);
            let r = d.iter().map(|x| x * x).sum::<f64>().sqrt();
            if (r / cutoff.radius_nm - 1.0).abs() < 1e-6 {
                println!("atoms {a} and {b} are {r} nm apart, at the cutoff");
                (decided[a as usize], decided[b as usize]) = (false, false);
            }
        }
    }
    decided
}

fn check(name: &str, system: &System, force_bound: f64) {
    let (exact, forces) = twin(system);
    let decided = decided(system);
    let left_out = decided.iter().filter(|decided| !**decided).count();
    assert!(left_out <= 8, "{name}: {left_out} atoms at the cutoff");
    let kept = |all: &[Vector]| -> Vec<Vector> {
        let pairs = all.iter().zip(&decided);
        pairs.filter(|(_, decided)| **decided).map(|(force, _)| *force).collect()
    };
    let mut draft = system.draft(PLAN).expect("a draft");
    system.interactions(&mut draft);
    let package = draft.finish().expect("a package");
    for device in devices() {
        let found = evaluate(&package, device.as_ref(), &SessionOptions::default()).expect("an evaluation");
        let found_forces: Vec<Vector> = found
            .forces
            .chunks_exact(3)
            .map(|v| [v[0], v[1], v[2]].map(f64::from))
            .collect();
        let error = relative(&kept(&found_forces), &kept(&forces));
        let energy: f64 = found.energies.values().sum();
        println!(
            "{}: {name}: {left_out} atoms left out, forces {error:e}, energy {energy} for {exact}, {:?}",
            device.info().id,
            found.energies
        );
        assert!(error < force_bound, "{name}: {error:e}");
        assert!((energy - exact).abs() < 1e-3 + 1e-6 * exact.abs(), "{name}: {energy} {exact}");
    }
}

#[test]
fn real_systems_agree_with_their_twins() {
    for name in ["alanine-dipeptide", "salt-water", "tip3p-900"] {
        check(name, &imported(name), 3e-6);
    }
}

/// A vacuum: the same molecules without a box.
#[test]
fn systems_without_a_box_agree_with_their_twins() {
    let mut system = imported("alanine-dipeptide");
    system.cell = None;
    if let Some(nonbonded) = &mut system.terms.nonbonded {
        nonbonded.method = Method::NoCutoff;
        nonbonded.dispersion_correction = false;
    }
    check("alanine dipeptide without a box", &system, 3e-6);
}
