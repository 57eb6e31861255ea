//! What the tests of molecular dynamics share: reference data, the double-precision oracle, devices.
#![allow(dead_code, unreachable_pub, reason = "each test binary uses a part of it")]

use std::path::PathBuf;
use std::sync::Arc;

use device::{Device, SessionOptions};
use kernels::md::terms::lennard_jones::pairs::table;
use kernels::md::{AtomType, LennardJonesSystem, Plan, fixed};
use kernels::package::Package;
use kernels::run::evaluate;

/// A file of the reference data.
pub fn data(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/data").join(path)
}

/// Every device of this machine that can run the portable tier (OpenGL cannot), or none with a word about it; with
/// `BATON_REQUIRE_GPU=1` at least one is needed.
pub fn devices() -> Vec<Arc<dyn Device>> {
    let mut devices = device::list();
    devices.retain(|device| device.info().backend != "gl");
    if devices.is_empty() {
        assert!(
            std::env::var_os("BATON_REQUIRE_GPU").is_none(),
            "no device, and BATON_REQUIRE_GPU is set"
        );
        println!("skipped: this machine has no device");
    }
    devices
}

/// A `[n, 3]` float64 `.npy` file.
pub fn forces_npy(path: &str) -> Vec<[f64; 3]> {
    let bytes = std::fs::read(data(path)).expect("reference data is part of the repository");
    let header = kernels::package::npy::header(&bytes).expect("an npy file");
    assert_eq!(
        (header.descr.as_str(), header.fortran_order, header.shape[1]),
        ("<f8", false, 3)
    );
    let (numbers, _) = bytes[header.data..].as_chunks::<8>();
    let (vectors, _) = numbers.as_chunks::<3>();
    vectors.iter().map(|v| v.map(f64::from_le_bytes)).collect()
}

/// NIST's configuration in reduced units.
pub fn nist(number: u32, cutoff: f64) -> LennardJonesSystem {
    let text =
        std::fs::read_to_string(data(&format!("nist/lj_{number}.xyz"))).expect("reference data is part of the repository");
    let mut lines = text.lines();
    let n: usize = lines.next().expect("a count").trim().parse().expect("a count");
    let header = lines.next().expect("a header");
    let edge: f64 = header.split_whitespace().last().expect("an edge").parse().expect("an edge");
    let point = |line: &str| {
        let mut numbers = line.split_whitespace().skip(1).map(|v| v.parse().expect("a number"));
        [0; 3].map(|_| numbers.next().expect("three numbers"))
    };
    let positions_nm: Vec<[f64; 3]> = lines.take(n).map(point).collect();
    LennardJonesSystem {
        name: format!("nist-{number}"),
        description: String::new(),
        box_nm: [edge; 3],
        types: vec![AtomType {
            mass_u: 1.0,
            sigma_nm: 1.0,
            epsilon_kj_mol: 1.0,
        }],
        type_of: vec![0; n],
        positions_nm,
        velocities_nm_ps: vec![[0.0; 3]; n],
        dt_ps: 0.001,
        cutoff_nm: cutoff,
        skin_nm: 0.3,
        plan: plan(10, 10),
    }
}

/// Segments of some steps, with energies that often.
pub fn plan(steps_per_segment: u64, energies_every: u64) -> Plan {
    Plan {
        steps_per_segment,
        segments: 2,
        energies_every,
        positions_every: steps_per_segment,
    }
}

/// A drop of a liquid-like random arrangement: a jittered lattice of `side`³ atoms of several types in an unequal box.
pub fn mixture(side: usize, types: &[AtomType]) -> LennardJonesSystem {
    let n = side.pow(3);
    let step = [0.40, 0.43, 0.41];
    let wiggle =
        |i: usize, axis: usize| kernels::random::uniform(7, kernels::random::Stream::Test, 0, (3 * i + axis) as u32) - 0.5;
    let at = |i: usize| [i / side / side, i / side % side, i % side];
    LennardJonesSystem {
        name: "mixture".into(),
        description: String::new(),
        box_nm: step.map(|s| s * side as f64),
        types: types.to_vec(),
        type_of: (0..n).map(|i| (i * 7 % types.len()) as u32).collect(),
        positions_nm: (0..n)
            .map(|i| [0, 1, 2].map(|axis| (at(i)[axis] as f64 + 0.3 * wiggle(i, axis)) * step[axis]))
            .collect(),
        velocities_nm_ps: (0..n).map(|i| [0, 1, 2].map(|axis| 0.8 * wiggle(n + i, axis))).collect(),
        dt_ps: 0.004,
        cutoff_nm: 0.8,
        skin_nm: 0.1,
        plan: plan(50, 10),
    }
}

/// Two kinds of atoms that differ in everything.
pub const TWO: [AtomType; 2] = [
    AtomType {
        mass_u: 39.948,
        sigma_nm: 0.3405,
        epsilon_kj_mol: 0.996,
    },
    AtomType {
        mass_u: 83.8,
        sigma_nm: 0.36,
        epsilon_kj_mol: 1.37,
    },
];

/// What double precision says about the fixed-point positions of a package.
pub struct Oracle {
    pub potential: f64,
    pub virial: f64,
    pub at_cutoff: f64,
    pub forces: Vec<[f64; 3]>,
}

/// All pairs, nearest images, double precision, at the very positions that the package holds.
pub fn oracle(system: &LennardJonesSystem) -> Oracle {
    let edges = fixed::edges_nm(system.box_nm);
    let positions = system.positions();
    let pairs = table(&system.types);
    let cutoff2 = system.cutoff_nm.powi(2);
    let mut all = Oracle {
        potential: 0.0,
        virial: 0.0,
        at_cutoff: 0.0,
        forces: vec![[0.0; 3]; positions.len()],
    };
    for a in 0..positions.len() {
        for b in 0..a {
            let d = [0, 1, 2].map(|axis| fixed::difference(positions[a][axis], positions[b][axis], edges[axis]));
            let r2: f64 = d.iter().map(|x| x * x).sum();
            if r2 < cutoff2 {
                let pair = pairs[system.type_of[a] as usize * system.types.len() + system.type_of[b] as usize];
                all.potential += pair.energy(r2);
                all.virial += pair.virial(r2);
                all.at_cutoff += pair.energy(cutoff2);
                for (axis, component) in d.iter().enumerate() {
                    let force = pair.virial(r2) / r2 * component;
                    all.forces[a][axis] += force;
                    all.forces[b][axis] -= force;
                }
            }
        }
    }
    all
}

/// ‖a − b‖ / ‖b‖.
pub fn relative(a: &[[f64; 3]], b: &[[f64; 3]]) -> f64 {
    let norm = |v: &mut dyn Iterator<Item = f64>| v.map(|x| x * x).sum::<f64>().sqrt();
    let (a, b) = (a.as_flattened(), b.as_flattened());
    assert_eq!(a.len(), b.len());
    norm(&mut a.iter().zip(b).map(|(a, b)| a - b)) / norm(&mut b.iter().copied())
}

/// Potential energy and forces of a package's initial state.
pub fn evaluated(package: &Package, device: &dyn Device) -> (f64, Vec<[f64; 3]>) {
    let result = evaluate(package, device, &SessionOptions::default()).expect("an evaluation");
    let forces = result
        .forces
        .chunks_exact(3)
        .map(|v| [v[0], v[1], v[2]].map(f64::from))
        .collect();
    (result.energies["NonbondedForce"], forces)
}
