//! A system makes a package: every WGSL file parses, validates, and its bindings fit the buffers.

mod openmm_support;

use device::Resource;
use kernels::import::Options;
use kernels::md::system::{Action, Barostat, Scaling};
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

/// Functions of WGSL whose error it bounds by some units of the last place only for some arguments, or by thousands, or by that of others.
const WIDE: [&str; 17] = [
    "acos",
    "acosh",
    "asin",
    "asinh",
    "atan",
    "atan2",
    "atanh",
    "cos",
    "cosh",
    "log",
    "log2",
    "pow",
    "sin",
    "sinh",
    "tan",
    "tanh",
    "smoothstep",
];

/// In the class-bound tier a driver brings them, and one's atan2 took the forces of a protein beyond their bound.
#[test]
fn no_molecular_shader_calls_a_function_whose_error_is_the_drivers_choice() {
    let mut found = Vec::new();
    let molecular = shaders::FILES
        .iter()
        .filter(|(path, _)| path.starts_with("md/") || path.starts_with("random/"));
    for (path, text) in molecular {
        let code = text.lines().map(|line| line.split("//").next().unwrap_or_default());
        for word in code.flat_map(|line| line.split_inclusive('(')) {
            let Some(word) = word.strip_suffix('(') else { continue };
            let name = word
                .rsplit(|c: char| !c.is_alphanumeric() && c != '_')
                .next()
                .unwrap_or_default();
            if WIDE.contains(&name) {
                found.push(format!("{path}: {name}"));
            }
        }
    }
    assert!(
        found.is_empty(),
        "{found:?}: terms have functions of their own, such as md/terms/arc.wgsl"
    );
}

/// On a GPU a dispatch takes microseconds whatever it does, and of a small protein in water several steps should fit a millisecond.
#[test]
fn a_step_of_molecules_in_water_is_few_dispatches() {
    let Some(folder) = openmm_support::folder("alanine-dipeptide") else {
        return;
    };
    let mut system = openmm_support::import_folder(&folder, &Options::default())
        .expect("a system")
        .system;
    let plan = Plan {
        steps_per_segment: 100,
        segments: 1,
        energies_every: 100,
        positions_every: 100,
    };
    let package = system.package(plan).expect("a package");
    // What every device binds to a pass, under a barostat, too.
    system.actions.push(Action::Barostat(Barostat {
        pressure_bar: 1.0,
        temperature_k: 300.0,
        every: 25,
        scaling: Scaling::Molecules,
    }));
    for package in [&package, &system.package(plan).expect("a package")] {
        for pass in package.program().passes {
            let buffers = pass.bindings.values().filter(|bound| !matches!(bound, Resource::Clock));
            assert!(buffers.count() <= 8, "{}", pass.label);
        }
    }
    // Those that every step has: not those that the list asks for.
    let passes = package.manifest().passes.iter();
    let passes = passes.filter(|pass| pass.every == 1 && pass.indirect.is_none());
    let names: Vec<&str> = passes.map(|pass| pass.name.as_str()).collect();
    println!("{}", names.join(", "));
    assert!(names.len() <= 15, "{names:?}");
    // Exceptions with bonds, angles with torsions.
    let joined = names.iter().filter(|name| name.starts_with("bonded_forces"));
    assert_eq!(joined.count(), 2, "{names:?}");
}
