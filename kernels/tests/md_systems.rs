//! Whole systems as packages: files of OpenMM are imported, built and evaluated, and energies by force class and forces held against double precision, that of the
//! twins at the device's own positions and that of OpenMM's Reference platform at its. On the CPU device in the portable tier; on every device and in both tiers
//! where BATON_GPU_TRANSFORMS=1 asks for it (llvmpipe takes minutes to compile the transforms of PME). Each evaluation prints a row of the table in
//! `benches/results/molecules-2026-11-26.md`.

mod openmm_support;

use std::collections::BTreeMap;
use std::path::Path;

use device::{Device, SessionOptions};
use kernels::import::Options;
use kernels::md::Plan;
use kernels::md::fixed_cell::FixedCell;
use kernels::md::system::{Cell, ForceClass, System};
use kernels::md::twin::{self, pairs::for_each};
use kernels::package::Package;
use kernels::run::{Evaluation, evaluate};
use openmm_support::{all, folder, import_folder, json, made_by, relative, vectors};
use protocol::Tier;

const PLAN: Plan = Plan {
    steps_per_segment: 1,
    segments: 1,
    energies_every: 1,
    positions_every: 1,
};

/// The largest error of forces, ‖ΔF‖/‖F‖.
const FORCES_MAX: f64 = 3e-6;

/// A folder's system without what moves it, and its package. Its PME grid is that of OpenMM's Reference platform.
fn packaged(folder: &Path) -> (System, Package) {
    let options = Options {
        seed: Some(1),
        reference_grid: true,
        ..Options::default()
    };
    let mut system = import_folder(folder, &options)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .system;
    system.dynamics = None;
    let package = system
        .package(PLAN)
        .unwrap_or_else(|error| panic!("{}: {error:?}", folder.display()));
    (system, package)
}

/// The same system where the device has its atoms, in the cell that the device has.
fn as_held(system: &System, package: &Package) -> System {
    let open = Cell::rectangular([64.0; 3]);
    let cell = FixedCell::new(system.cell.unwrap_or(open)).expect("a reduced cell");
    let shift = if system.cell.is_some() { 0.0 } else { 32.0 };
    let buffers = &package.manifest().buffers;
    let index = buffers.iter().position(|buffer| buffer.name == "positions");
    let words = package.initial(index.expect("positions")).as_chunks::<4>().0.to_vec();
    let word = |at: usize| u32::from_le_bytes(words[at]);
    let place = |atom: usize| cell.decode([0, 1, 2].map(|axis| word(3 * atom + axis))).map(|x| x - shift);
    System {
        positions_nm: (0..system.atoms()).map(place).collect(),
        cell: system.cell.map(|_| cell.cell()),
        ..system.clone()
    }
}

/// Which atoms have no pair within a millionth of a cutoff: of such a pair f32 cannot tell on which side it lies, and one of water is 10⁻⁵ of all forces. They
/// are named and left out.
fn decided(name: &str, system: &System) -> Vec<bool> {
    let terms = &system.terms;
    let cutoffs = terms.nonbonded.iter().filter_map(|nonbonded| nonbonded.method.cutoff());
    let cutoffs = cutoffs.chain(terms.custom_pairs.iter().filter_map(|pairs| pairs.cutoff));
    let mut radii: Vec<f64> = cutoffs.map(|cutoff| cutoff.radius_nm).collect();
    radii.extend(terms.gb_obc.iter().filter_map(|gb| gb.cutoff_nm));
    radii.dedup();
    let mut decided = vec![true; system.atoms()];
    for radius_nm in radii {
        for_each(system, Some(radius_nm * (1.0 + 1e-6)), |a, b, _, r2| {
            if r2.sqrt() > radius_nm * (1.0 - 1e-6) {
                println!("{name}: atoms {a} and {b} are {} nm apart, at the cutoff", r2.sqrt());
                (decided[a as usize], decided[b as usize]) = (false, false);
            }
        });
    }
    let left_out = decided.iter().filter(|decided| !**decided).count();
    assert!(left_out * 100 <= system.atoms(), "{name}: {left_out} atoms at the cutoff");
    decided
}

/// Energies by force class and forces of an outside source.
struct Expected {
    energies: BTreeMap<&'static str, f64>,
    forces: Vec<[f64; 3]>,
}

impl Expected {
    fn twin(system: &System) -> Self {
        let evaluation = twin::evaluate(system);
        let energies = evaluation.energies_kj_mol.into_iter();
        Self {
            energies: energies.map(|(class, energy)| (class.name(), energy)).collect(),
            forces: evaluation.forces_kj_mol_nm,
        }
    }

    /// Hold what a device gave against it: the error of forces, and the largest of an energy, kJ/mol. Energies are to be within 10⁻⁶ of the largest parts of a class, `size_kj_mol`.
    fn check(&self, name: &str, found: &Evaluation, decided: &[bool], sizes_kj_mol: &dyn Fn(&str) -> f64) -> [f64; 2] {
        let mut most: f64 = 0.0;
        for (class, energy) in &self.energies {
            let off = found.energies[*class] - energy;
            most = most.max(off.abs());
            println!("{name}: {class} {energy:.6} kJ/mol, off by {off:.1e}");
            let bound = (1e-6 * sizes_kj_mol(class).max(energy.abs())).max(1e-3);
            assert!(off.abs() <= bound, "{name}: {class} {energy}: off by {off:e}");
        }
        let forces: Vec<[f64; 3]> = found.forces.as_chunks::<3>().0.iter().map(|f| f.map(f64::from)).collect();
        let kept = |all: &[[f64; 3]]| -> Vec<[f64; 3]> {
            let both = all.iter().zip(decided).filter(|(_, decided)| **decided);
            both.map(|(force, _)| *force).collect()
        };
        let error = relative(&kept(&forces), &kept(&self.forces));
        println!("{name}: forces {error:.2e}");
        [error, most]
    }
}

/// Whether every device and both tiers are asked for.
fn everywhere() -> bool {
    std::env::var_os("BATON_GPU_TRANSFORMS").is_some()
}

fn devices() -> Vec<std::sync::Arc<dyn Device>> {
    let mut devices = device::list();
    devices.retain(|device| device.info().id == "cpu" || (everywhere() && device.info().backend != "gl"));
    devices
}

/// A package in the tiers that are asked for, and their names.
fn tiers(package: &Package) -> Vec<(&'static str, Package)> {
    let mut tiers = vec![("portable", package.clone())];
    if everywhere() {
        let mut manifest = package.manifest().clone();
        manifest.tier = Tier::ClassBound;
        tiers.push((
            "class-bound",
            package.with_manifest(manifest).expect("a package of the other tier"),
        ));
    }
    tiers
}

fn evaluated(package: &Package, device: &dyn Device) -> Evaluation {
    evaluate(package, device, &SessionOptions::default()).unwrap_or_else(|error| panic!("{error}"))
}

/// Energies of OpenMM's Reference platform by force class, and the size of their parts, kJ/mol.
fn reference(folder: &Path) -> (BTreeMap<&'static str, f64>, f64) {
    let reference = json(&folder.join("reference.json"));
    let part = |key: &str| reference["potential_energy"][key].as_f64().unwrap_or(0.0);
    let direct = part("nonbonded_direct");
    let all = [
        (ForceClass::HarmonicBond, part("bonds")),
        (ForceClass::HarmonicAngle, part("angles")),
        (ForceClass::PeriodicTorsion, part("torsions")),
        (ForceClass::Nonbonded, direct + part("nonbonded_reciprocal")),
    ];
    let there = all
        .into_iter()
        .filter(|(class, energy)| *energy != 0.0 || *class == ForceClass::Nonbonded);
    (there.map(|(class, energy)| (class.name(), energy)).collect(), direct.abs())
}

/// A reference system on every device that is asked for: within [`FORCES_MAX`] of double precision at the device's positions, and of OpenMM's at its own.
fn agrees(name: &str) {
    let Some(folder) = folder(name) else { return };
    let (system, package) = packaged(&folder);
    let held = as_held(&system, &package);
    let decided = decided(name, &held);
    let (energies, size) = reference(&folder);
    let openmm = Expected {
        energies,
        forces: vectors(&folder.join("forces.npy")),
    };
    let twin = Expected::twin(&held);
    let file = json(&folder.join("reference.json"));
    let peer = file["relative_force_error"]["openmm_cpu_platform"]
        .as_f64()
        .expect("a number");
    for device in devices() {
        for (tier, package) in tiers(&package) {
            let sizes = |class: &str| {
                let parts = if class == ForceClass::Nonbonded.name() { size } else { 0.0 };
                parts.max(twin.energies[class].abs())
            };
            let found = evaluated(&package, device.as_ref());
            let on = format!("{name} on {}, {tier}", device.info().name);
            let [forces, energy] = twin.check(&format!("{on}, double precision"), &found, &decided, &sizes);
            assert!(forces <= FORCES_MAX, "{on}: {forces:e} from double precision");
            let [from_openmm, _] = openmm.check(&format!("{on}, OpenMM"), &found, &decided, &sizes);
            assert!(from_openmm <= FORCES_MAX, "{on}: {from_openmm:e} from OpenMM");
            let device = &device.info().name;
            println!("| {name} | {device} | {tier} | {forces:.2e} | {from_openmm:.2e} | {energy:.1e} | {peer:.1e} |");
        }
    }
}

#[test]
fn argon_agrees_with_openmm() {
    agrees("argon-864");
}

#[test]
fn alanine_dipeptide_agrees_with_openmm() {
    agrees("alanine-dipeptide");
}

#[test]
fn salt_water_agrees_with_openmm() {
    agrees("salt-water");
}

#[test]
fn water_agrees_with_openmm() {
    agrees("tip3p-900");
}

#[test]
fn dhfr_agrees_with_openmm() {
    agrees("dhfr");
}

/// Forces by class and all of them beside the twin's.
fn agrees_with_its_twin(folder: &Path) {
    let name = folder.file_name().expect("a name").to_string_lossy().into_owned();
    let (system, package) = packaged(folder);
    let held = as_held(&system, &package);
    let decided = decided(&name, &held);
    // The parts of one class cancel: direct and reciprocal sums, excluded pairs.
    let size = 100.0 * system.atoms() as f64;
    let twin = Expected::twin(&held);
    // Of weak forces the rounding of each pair to 2⁻¹⁴ kJ/mol/nm is what shows: a third of that for each partner of each atom.
    let norm = twin.forces.as_flattened().iter().map(|x| x * x).sum::<f64>().sqrt();
    let rounding = 3f64.sqrt() * 0.3 * system.atoms() as f64 / 16_384.0 / norm;
    let bound = if system.atoms() < 200 {
        FORCES_MAX + rounding
    } else {
        FORCES_MAX
    };
    for device in devices() {
        for (tier, package) in tiers(&package) {
            let found = evaluated(&package, device.as_ref());
            let on = format!("{name} on {}, {tier}", device.info().name);
            let [error, energy] = twin.check(&on, &found, &decided, &|_| size);
            assert!(error <= bound, "{on}: {error:e}, expected at most {bound:e}");
            println!("| {name} | {} | {tier} | {error:.2e} | {energy:.1e} |", device.info().name);
        }
    }
}

/// CHARMM36: Lennard-Jones from tables of types, 1-4 pairs as CustomBondForce, correction maps, harmonic impropers; virtual sites of TIP5P.
#[test]
fn charmm_agrees_with_its_twin() {
    for name in ["villin-charmm", "water-charmm-tip5p"] {
        agrees_with_its_twin(
            &Path::new(env!("CARGO_MANIFEST_DIR"))
                .join("../tests/data/force-fields")
                .join(name),
        );
    }
}

#[test]
fn a_protein_in_implicit_solvent_agrees_with_its_twin() {
    agrees_with_its_twin(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data/force-fields/villin-implicit"));
}

/// Every spelling of a pair potential, with and without cutoff and switch, in tilted boxes; implicit solvent with a cutoff.
#[test]
fn random_tables_and_implicit_solvents_agree_with_their_twins() {
    let place = tempfile::tempdir().expect("a folder");
    if !made_by("systems.py", place.path()) {
        return;
    }
    let names = ["custom-12-6-4", "custom-force-switch", "custom-opls", "implicit"];
    let mut count = 0;
    for folder in all(place.path()) {
        let name = folder.file_name().expect("a name").to_string_lossy().into_owned();
        if names.iter().any(|prefix| name.starts_with(prefix)) {
            agrees_with_its_twin(&folder);
            count += 1;
        }
    }
    assert_eq!(count, 11);
}
