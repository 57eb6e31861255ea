//! Energies and forces in a box of another size.

use device::SessionOptions;
use kernels::md::system::Vector;
use kernels::md::twin::evaluate as exact;
use kernels::run::evaluate;

use super::md_support::relative;
use super::openmm_support::{json, made_by};
use super::support::{dimers, fixed, imported, plan, potential, resized, under_pressure, widened, with_bytes};

/// Energies and forces in a box that has become smaller or larger are those of double precision in that box.
#[test]
fn energies_and_forces_follow_the_box() {
    let water = imported("molecules", "water-with-sites");
    let systems = [
        ("alanine-dipeptide", imported("openmm", "alanine-dipeptide"), 0.97f32),
        ("water with sites", water, 1.04),
        ("dimers", dimers(false), 1.04),
        ("tilted dimers", dimers(true), 0.97),
    ];
    for (name, system, scale) in systems {
        let system = under_pressure(system, 1.0, 25);
        let package = system.package(plan(10, 1)).unwrap_or_else(|error| panic!("{name}: {error}"));
        let positions = fixed(&system);
        let package = with_bytes(&package, "box_scale", scale.to_le_bytes().to_vec());
        let expected = exact(&resized(&system, scale, &positions));
        let device = device::select("cpu").expect("every machine has the CPU device");
        let found = evaluate(&package, device.as_ref(), &SessionOptions::default()).expect("an evaluation");
        let forces: Vec<Vector> = found
            .forces
            .as_chunks::<3>()
            .0
            .iter()
            .map(|force| force.map(f64::from))
            .collect();
        let off = relative(&forces, &expected.forces_kj_mol_nm);
        println!("{name} at {scale}: forces {off:.1e}");
        assert!(off < 3e-6, "{name} at {scale}: forces are {off:e} off");
        for (class, energy) in &expected.energies_kj_mol {
            let here = found.energies[class.name()];
            assert!(
                (here - energy).abs() < 2e-3 + 2e-6 * energy.abs(),
                "{name} at {scale}: {} {here}, expected {energy}",
                class.name()
            );
        }
    }
}

/// Alanine dipeptide in rigid TIP3P, with PME and dispersion beyond the cutoff: the energy that decides a trial beside OpenMM's Reference platform, which has scaled box and
/// molecules by itself. Single precision is allowed an eightieth of kT.
#[test]
fn a_trial_changes_the_energy_as_in_openmm() {
    let place = tempfile::tempdir().expect("a folder");
    if !made_by("volume.py", place.path()) {
        return;
    }
    let expected = json(&place.path().join("trials.json"));
    let system = under_pressure(imported("openmm", "alanine-dipeptide"), 1.0, 25);
    assert_eq!(expected["molecules"].as_u64(), Some(system.molecules().len() as u64));
    let package = system.package(plan(10, 1)).expect("a package");
    let device = device::select("cpu").expect("every machine has the CPU device");
    let on_device = |scale: f64| {
        let positions = fixed(&widened(&system, scale))
            .into_iter()
            .flatten()
            .flat_map(u32::to_le_bytes);
        let package = with_bytes(&package, "positions", positions.collect());
        let package = with_bytes(&package, "box_scale", (scale as f32).to_le_bytes().to_vec());
        let found = evaluate(&package, device.as_ref(), &SessionOptions::default()).expect("an evaluation");
        found.energies.values().sum::<f64>()
    };
    let (here, exactly) = (on_device(1.0), potential(&system));
    let trials = expected["trials"].as_array().expect("trials");
    assert!(trials.len() >= 4);
    for trial in trials {
        let [scale, change] = ["scale", "energy_change"].map(|key| trial[key].as_f64().expect("a number"));
        let twin = potential(&widened(&system, scale)) - exactly;
        let found = on_device(scale) - here;
        println!(
            "scale {scale}: {change:.6} kJ/mol, twin off by {:.1e}, device by {:.1e}",
            twin - change,
            found - change
        );
        assert!(
            (twin - change).abs() < 1e-6,
            "scale {scale}: {twin} in double precision, expected {change}"
        );
        assert!(
            (found - change).abs() < 3e-2,
            "scale {scale}: {found} on the device, expected {change}"
        );
    }
}
