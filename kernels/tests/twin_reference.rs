//! The double-precision twins against OpenMM's Reference platform, on the committed reference systems (and dhfr where it lies beside).

mod openmm_support;

use kernels::import::Options;
use kernels::md::system::{ForceClass, Method};
use kernels::md::twin::evaluate;
use openmm_support::{folder, import_folder, json, relative, vectors};

/// Reference energies by force class; the nonbonded one in two parts.
const CLASSES: [(ForceClass, &str); 3] = [
    (ForceClass::HarmonicBond, "bonds"),
    (ForceClass::HarmonicAngle, "angles"),
    (ForceClass::PeriodicTorsion, "torsions"),
];

fn agrees(name: &str) {
    let Some(folder) = folder(name) else { return };
    let options = Options {
        seed: Some(1),
        reference_grid: true,
        ..Options::default()
    };
    let imported = import_folder(&folder, &options).expect("a system");
    let reference = json(&folder.join("reference.json"));
    let evaluation = evaluate(&imported.system);
    let energy = |key: &str| reference["potential_energy"][key].as_f64().unwrap_or(0.0);
    for (class, key) in CLASSES {
        let found = evaluation.energies_kj_mol.get(&class).copied().unwrap_or(0.0);
        assert!(
            (found - energy(key)).abs() <= 1e-13 * energy(key).abs(),
            "{name} {key}: {found}"
        );
    }
    // Sums of some 10⁵ kJ/mol with both signs: what rounding leaves is relative to the parts.
    let direct = evaluation.energies_kj_mol[&ForceClass::Nonbonded] - evaluation.reciprocal_kj_mol;
    for (found, key) in [
        (direct, "nonbonded_direct"),
        (evaluation.reciprocal_kj_mol, "nonbonded_reciprocal"),
    ] {
        let error = (found - energy(key)).abs() / energy(key).abs().max(1.0);
        println!("{name} {key}: {found} ({error:.1e})");
        assert!(error <= 1e-12, "{name} {key}: {found}, expected {}", energy(key));
    }
    let forces = relative(&evaluation.forces_kj_mol_nm, &vectors(&folder.join("forces.npy")));
    println!("{name} forces: {forces:.1e}");
    assert!(forces <= 1e-14, "{name}: {forces:e}");
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

#[test]
fn a_pme_grid_with_a_large_prime_factor_grows_unless_it_is_to_be_compared() {
    let Some(folder) = folder("tip3p-900") else { return };
    for (reference_grid, points) in [(true, 74), (false, 75)] {
        let options = Options {
            seed: Some(1),
            reference_grid,
            ..Options::default()
        };
        let imported = import_folder(&folder, &options).expect("a system");
        let method = imported.system.terms.nonbonded.expect("nonbonded").method;
        assert!(
            matches!(method, Method::Pme { grid, .. } if grid == [points; 3]),
            "{method:?}"
        );
        let says_so = imported.notes.iter().any(|note| note.contains("[75, 75, 75] points where"));
        assert_eq!(says_so, points == 75, "{:?}", imported.notes);
    }
}
