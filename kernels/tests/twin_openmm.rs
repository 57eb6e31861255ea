//! Each double-precision twin against OpenMM's Reference platform: small systems made by `openmm/systems.py` on the spot (a counted skip where no
//! OpenMM can be had), and committed ones of real force fields. Edges are among them: collinear angles, torsions of 0 and 180°, pairs at the cutoff,
//! particles on the box's faces, cutoffs of half the box, charges of zero.

mod openmm_support;

use std::path::Path;

use kernels::import::Options;
use kernels::md::terms::virtual_sites::twin::place;
use kernels::md::twin::evaluate;
use openmm_support::{all, import_folder, json, made_by, vectors};

/// A folder's system evaluated here and there; energies relative to themselves or 1 kJ/mol, forces relative to all of them.
fn agrees(folder: &Path) {
    let name = folder.file_name().expect("a name").to_string_lossy().into_owned();
    let options = Options {
        reference_grid: true,
        ..Options::default()
    };
    let imported = import_folder(folder, &options).unwrap_or_else(|error| panic!("{name}: {error}"));
    let system = imported.system;
    let evaluation = evaluate(&system);
    let reference = json(&folder.join("reference.json"));
    let tolerance = reference["tolerance"].as_f64().expect("a number");
    let energies = reference["energies"].as_object().expect("energies");
    let known = |class: &str| {
        let found = evaluation.energies_kj_mol.iter().find(|(own, _)| own.name() == class);
        found.map_or(0.0, |(_, energy)| *energy)
    };
    for (class, expected) in energies {
        let (found, expected) = (known(class), expected.as_f64().expect("a number"));
        let error = (found - expected).abs() / expected.abs().max(1.0);
        assert!(
            error <= tolerance,
            "{name}: {class} {found}, expected {expected}: {error:.1e}"
        );
    }
    // Sites are where OpenMM has put them.
    let mut placed = system.clone();
    place(&mut placed);
    for site in &system.sites {
        let [ours, theirs] = [&placed, &system].map(|one| one.positions_nm[site.particle as usize]);
        let near = (0..3).all(|axis| (ours[axis] - theirs[axis]).abs() < 1e-12);
        assert!(near, "{name}: site {} at {ours:?}, expected {theirs:?}", site.particle);
    }
    // OpenMM leaves on virtual sites what it has handed over.
    let mut sites = vec![false; system.atoms()];
    system.sites.iter().for_each(|site| sites[site.particle as usize] = true);
    let theirs = vectors(&folder.join("forces.npy"));
    let (mut difference, mut size) = (0.0, 0.0);
    for (particle, (ours, theirs)) in evaluation.forces_kj_mol_nm.iter().zip(&theirs).enumerate() {
        if !sites[particle] {
            difference += (0..3).map(|axis| (ours[axis] - theirs[axis]).powi(2)).sum::<f64>();
            size += theirs.iter().map(|x| x * x).sum::<f64>();
        }
    }
    let error = (difference / size.max(1e-30)).sqrt();
    println!("{name}: forces {error:.1e}");
    assert!(error <= tolerance, "{name}: forces {error:.1e}");
}

#[test]
fn random_small_systems_agree_with_openmm() {
    let folder = tempfile::tempdir().expect("a folder");
    if !made_by("systems.py", folder.path()) {
        return;
    }
    let systems = all(folder.path());
    assert!(systems.len() >= 50, "{}", systems.len());
    systems.iter().for_each(|system| agrees(system));
}

#[test]
fn real_force_fields_agree_with_openmm() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data/force-fields");
    let systems = all(&folder);
    assert_eq!(systems.len(), 8);
    systems.iter().for_each(|system| agrees(system));
}
