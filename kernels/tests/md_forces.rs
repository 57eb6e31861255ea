//! Forces and energies against double precision, OpenMM and NIST, on every device of this machine.

mod md_support;

use md_support::{TWO, data, devices, evaluated, forces_npy, mixture, nist, oracle, relative};

#[test]
fn nist_configurations_come_out_to_all_published_digits() {
    let text = std::fs::read_to_string(data("nist/references.json")).expect("reference data is part of the repository");
    let references: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    for device in devices() {
        for number in 1..=4 {
            for cutoff in [3.0, 4.0] {
                let system = nist(number, cutoff);
                let package = system.package().expect("a package");
                let (energy, forces) = evaluated(&package, device.as_ref());
                let config = &references["lj"]["configs"][number.to_string()];
                let key = format!("truncated_rc{cutoff:.0}");
                let published = config["published"][&key]["U_pair"].as_f64().expect("a number");
                let exact = config["recomputed"][&key]["U_pair"].as_f64().expect("a number");
                println!(
                    "{}: nist {number} rc {cutoff}: {energy} published {published} error {:e}",
                    device.info().id,
                    energy / exact - 1.0
                );
                // Five digits are published: the last may be rounded.
                assert!(
                    (energy - published).abs() <= 0.6 * 10f64.powf(published.abs().log10().floor() - 4.0),
                    "{energy} {published}"
                );
                assert!((energy / exact - 1.0).abs() <= 1e-6, "{energy} {exact}");
                if cutoff == 3.0 {
                    let error = relative(&forces, &forces_npy(&format!("nist/lj_{number}_forces_rc3.npy")));
                    println!("    forces {error:e}");
                    assert!(error <= 3e-6, "{error:e}");
                }
                let error = relative(&forces, &oracle(&system).forces);
                println!("    forces against double precision at the same positions {error:e}");
                assert!(error <= 3e-6, "{error:e}");
            }
        }
    }
}

#[test]
fn mixtures_in_unequal_boxes_agree_with_double_precision() {
    for device in devices() {
        for side in [4, 5, 9] {
            let system = mixture(side, &TWO);
            let exact = oracle(&system);
            let (energy, forces) = evaluated(&system.package().expect("a package"), device.as_ref());
            let error = relative(&forces, &exact.forces);
            println!(
                "{}: {} atoms: energy {:e} forces {error:e}",
                device.info().id,
                system.atoms(),
                energy / exact.potential - 1.0
            );
            assert!((energy / exact.potential - 1.0).abs() <= 1e-6, "{energy} {}", exact.potential);
            assert!(error <= 1.5e-6, "{error:e}");
        }
    }
}

/// Each pair's force is an integer of its own: which pairs stand on the list beyond those within the cutoff shows nowhere.
#[test]
fn forces_have_the_same_bits_whatever_the_skin() {
    for system in [kernels::md::examples::argon(), mixture(7, &TWO)] {
        let exact = oracle(&system);
        let mut first = None;
        for device in devices() {
            for skin_nm in [0.002, 0.03, 0.3] {
                let package = kernels::md::LennardJonesSystem {
                    skin_nm,
                    ..system.clone()
                }
                .package()
                .expect("a package");
                let (energy, forces) = evaluated(&package, device.as_ref());
                // Forces in a perfect crystal vanish: set beside those of its single pairs, some 30 kJ/mol/nm.
                let worst = forces
                    .iter()
                    .zip(&exact.forces)
                    .flat_map(|(a, b)| (0..3).map(|axis| (a[axis] - b[axis]).abs()))
                    .fold(0.0, f64::max);
                println!(
                    "{}: {} skin {skin_nm}: worst {worst:e} kJ/mol/nm",
                    device.info().id,
                    system.name
                );
                assert!((energy / exact.potential - 1.0).abs() <= 1e-6, "{energy} {}", exact.potential);
                let found = (
                    energy.to_bits(),
                    forces.iter().flatten().map(|x| x.to_bits()).collect::<Vec<_>>(),
                );
                assert!(
                    *first.get_or_insert_with(|| found.clone()) == found,
                    "{}: {} differs with the skin {skin_nm}",
                    device.info().id,
                    system.name
                );
            }
        }
    }
}

#[test]
fn argon_agrees_with_openmm() {
    let file = |name: &str| data("openmm/argon-864").join(name);
    let [system, state, integrator] = ["system.xml.gz", "state.xml.gz", "integrator.xml"].map(file);
    let files = kernels::import::Files {
        system: &system,
        state: &state,
        integrator: Some(&integrator),
    };
    let imported = kernels::import::openmm(&files, &kernels::import::Options::default()).expect("a system");
    let system = kernels::md::LennardJonesSystem::from_system(&imported.system).expect("argon");
    let text = std::fs::read_to_string(file("reference.json")).expect("reference data is part of the repository");
    let reference: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let published = reference["potential_energy"]["total"].as_f64().expect("a number");
    let theirs = forces_npy("openmm/argon-864/forces.npy");
    let exact = oracle(&system);
    for device in devices() {
        let (energy, forces) = evaluated(&system.package().expect("a package"), device.as_ref());
        let (to_openmm, to_exact) = (relative(&forces, &theirs), relative(&forces, &exact.forces));
        println!(
            "{}: energy {energy} ({:e} from OpenMM, {:e} from double precision), forces {to_openmm:e} from OpenMM, {to_exact:e} from double precision",
            device.info().id,
            energy / published - 1.0,
            energy / exact.potential - 1.0
        );
        assert!((energy / published - 1.0).abs() <= 1e-6, "{energy}");
        assert!(to_openmm <= 6e-6, "{to_openmm:e}");
        assert!(to_exact <= 1e-6, "{to_exact:e}");
    }
}
