//! A system makes a package: every WGSL file parses, validates, and its bindings fit the buffers.

use kernels::md::{AtomType, LennardJonesSystem, Plan};
use kernels::package::manifest::Number;

fn lattice(n: usize, types: usize) -> LennardJonesSystem {
    let side = (n as f64).cbrt().ceil() as usize;
    let box_nm = [0.4 * side as f64 + 1.0; 3];
    let position = |i: usize| [i / side / side, i / side % side, i % side].map(|k| 0.2 + 0.4 * k as f64);
    LennardJonesSystem {
        name: "lattice".into(),
        description: String::new(),
        box_nm,
        types: (0..types)
            .map(|k| AtomType {
                mass_u: 40.0,
                sigma_nm: 0.34 + 0.01 * k as f64,
                epsilon_kj_mol: 1.0,
            })
            .collect(),
        type_of: (0..n).map(|i| (i % types) as u32).collect(),
        positions_nm: (0..n).map(position).collect(),
        velocities_nm_ps: vec![[0.0; 3]; n],
        dt_ps: 0.005,
        cutoff_nm: 0.7,
        skin_nm: 0.1,
        plan: Plan {
            steps_per_segment: 100,
            segments: 2,
            energies_every: 10,
            positions_every: 100,
        },
    }
}

#[test]
fn systems_of_any_size_make_packages() {
    for n in [1, 3, 4, 5, 63, 257, 2048, 2049, 9000] {
        for types in [1, 2] {
            let package = lattice(n, types)
                .package()
                .unwrap_or_else(|error| panic!("{n} atoms, {types} types: {error:?}"));
            assert_eq!(package.program().passes.len(), package.manifest().passes.len());
        }
    }
}

/// How far a list may look ahead grows without bound as atoms feel each other less; f32 does not.
#[test]
fn atoms_that_hardly_feel_each_other_make_packages() {
    for epsilon_kj_mol in [0.0, f64::MIN_POSITIVE, 1e-60] {
        let mut system = lattice(64, 2);
        for kind in &mut system.types {
            kind.epsilon_kj_mol = epsilon_kj_mol;
        }
        let package = system.package().unwrap_or_else(|error| panic!("{epsilon_kj_mol}: {error:?}"));
        let lead = package.manifest().constants["lead"];
        assert_eq!(lead, Number::Float(1000.0), "{epsilon_kj_mol}");
    }
}
