//! Molecules as packages: energies and forces of everything but the reciprocal part of PME, against the double-precision twins.

mod md_support;

use device::SessionOptions;
use kernels::import::{Files, Options, openmm};
use kernels::md::Plan;
use kernels::md::system::{Method, PairBond, Restraint, System, Terms, Vector};
use kernels::md::terms;
use kernels::run::evaluate;
use md_support::{data, devices, relative};
use protocol::Tier;

fn imported(name: &str) -> System {
    imported_from("openmm", name)
}

fn imported_from(kind: &str, name: &str) -> System {
    let folder = data(kind).join(name);
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

const PORTABLE: &[Tier] = &[Tier::Portable];

/// Energy and forces of the terms that [`System::interactions`] adds.
fn twin(system: &System) -> (f64, Vec<Vector>) {
    type Twin = fn(&System, &mut [Vector]) -> f64;
    let twins: [Twin; 9] = [
        terms::bonds::twin::add,
        terms::angles::twin::add,
        terms::torsions::twin::add,
        terms::rb_torsions::twin::add,
        terms::impropers::twin::add,
        terms::cmap::twin::add,
        terms::pair_bonds::twin::add,
        terms::restraints::twin::add,
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

fn check(name: &str, system: &System, tiers: &[Tier], force_bound: f64) {
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
    let tiers = tiers.iter().map(|tier| {
        let mut manifest = package.manifest().clone();
        manifest.tier = *tier;
        package.with_manifest(manifest).expect("a package of the other tier")
    });
    let tiers: Vec<_> = tiers.collect();
    for (device, package) in devices()
        .iter()
        .flat_map(|device| tiers.iter().map(move |package| (device, package)))
    {
        let found = evaluate(package, device.as_ref(), &SessionOptions::default()).expect("an evaluation");
        let found_forces: Vec<Vector> = found
            .forces
            .chunks_exact(3)
            .map(|v| [v[0], v[1], v[2]].map(f64::from))
            .collect();
        let error = relative(&kept(&found_forces), &kept(&forces));
        let energy: f64 = found.energies.values().sum();
        println!(
            "{} {:?}: {name}: {left_out} atoms left out, forces {error:e}, energy {energy} for {exact}, {:?}",
            device.info().id,
            package.manifest().tier,
            found.energies
        );
        assert!(error < force_bound, "{name}: {error:e}");
        assert!((energy - exact).abs() < 1e-3 + 1e-6 * exact.abs(), "{name}: {energy} {exact}");
    }
}

#[test]
fn real_systems_agree_with_their_twins() {
    for name in ["alanine-dipeptide", "salt-water", "tip3p-900"] {
        check(name, &imported(name), PORTABLE, 3e-6);
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
    check("alanine dipeptide without a box", &system, PORTABLE, 3e-6);
}

/// Correction maps of a protein in AMBER ff19SB.
#[test]
fn correction_maps_agree_with_their_twin() {
    let mut system = imported_from("force-fields", "villin-amber19");
    // Where the package holds the atoms: its box of 64 nm rounds to 1.5e-8 nm.
    let unit = 64.0 / 4_294_967_296.0;
    let places = &mut system.positions_nm;
    places.iter_mut().flatten().for_each(|x| *x = (*x / unit).round() * unit);
    assert!(system.terms.cmap_torsions.len() > 20);
    check("villin", &system, PORTABLE, 3e-6);
    // By themselves: the maps' forces are a small part of all.
    let mut alone = system;
    alone.terms = Terms {
        cmap_grids: alone.terms.cmap_grids,
        cmap_torsions: alone.terms.cmap_torsions,
        nonbonded: alone.terms.nonbonded,
        ..Terms::default()
    };
    for particle in &mut alone.particles {
        (particle.charge_e, particle.epsilon_kj_mol) = (0.0, 0.0);
    }
    if let Some(nonbonded) = &mut alone.terms.nonbonded {
        nonbonded.exceptions.clear();
    }
    check("villin's maps alone", &alone, &[Tier::Portable, Tier::ClassBound], 3e-6);
}

/// Single pairs and springs to points, in a periodic box and without one.
#[test]
fn pair_bonds_and_restraints_agree_with_their_twins() {
    for periodic in [true, false] {
        let mut system = imported("alanine-dipeptide");
        for particle in &mut system.particles {
            (particle.charge_e, particle.epsilon_kj_mol) = (0.0, 0.0);
        }
        if !periodic {
            system.cell = None;
        }
        let mut nonbonded = system.terms.nonbonded.take().expect("pairs");
        nonbonded.exceptions.clear();
        nonbonded.dispersion_correction = false;
        nonbonded.method = match nonbonded.method.cutoff() {
            Some(cutoff) if periodic => Method::ReactionField {
                cutoff,
                dielectric: 78.3,
            },
            _ => Method::NoCutoff,
        };
        system.terms = Terms {
            nonbonded: Some(nonbonded),
            ..Terms::default()
        };
        let places = system.positions_nm.clone();
        // Every tenth atom hangs on a point some way off; every seventh is paired with the one four behind.
        let shift = |atom: usize, axis: usize| 0.3 * ((7 * atom + 3 * axis) as f64).sin();
        system.terms.restraints = (0..places.len())
            .step_by(10)
            .map(|atom| Restraint {
                atom: atom as u32,
                k_kj_mol_nm2: 500.0 + atom as f64,
                at_nm: [0, 1, 2].map(|axis| places[atom][axis] + shift(atom, axis)),
            })
            .collect();
        system.terms.pair_bonds = (0..places.len() - 4)
            .step_by(7)
            .map(|atom| PairBond {
                atoms: [atom as u32, atom as u32 + 4],
                coulomb_kj_mol_nm: 20.0 * (atom as f64).cos(),
                a_kj_mol_nm12: 1e-8,
                b_kj_mol_nm6: 1e-4,
            })
            .collect();
        check(&format!("pairs and springs, periodic: {periodic}"), &system, PORTABLE, 1e-6);
    }
}
