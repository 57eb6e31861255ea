//! NIST's SPC/E configurations term by term: Lennard-Jones, its correction beyond the cutoff, and Ewald's sum in its real, reciprocal, self and intramolecular
//! parts (NIST SRD 173; published to six digits, recomputed to all of them in `references.json`).
//!
//! NIST's cutoff of 10 Å is half the box of the first configuration, where no list has room for a skin: its parts within 9 Å are taken. NIST sums the
//! reciprocal part over |n|² < 27; PME does not end there, so the truncated sum is made here, and PME is held against the sum that has converged.

use std::f64::consts::{PI, TAU};

use device::SessionOptions;
use kernels::md::Plan;
use kernels::md::system::nonbonded::COULOMB;
use kernels::md::system::{Cell, Cutoff, Exception, Method, Nonbonded, Particle, System, Terms};
use kernels::md::terms::nonbonded::twin::dispersion_correction;
use kernels::md::terms::pme::twin::self_energy;
use kernels::run::{Executor, initial_state};

/// k_B in kJ/mol/K, as NIST has it (CODATA 2010).
const KELVIN: f64 = 1.380_648_8e-26 * 6.022_141_29e23;
const PLAN: Plan = Plan {
    steps_per_segment: 1,
    segments: 1,
    energies_every: 1,
    positions_every: 1,
};

fn data(name: &str) -> String {
    let path = std::path::PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../tests/data/nist")
        .join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A configuration: oxygen, hydrogen, hydrogen.
fn water(number: u32, cutoff_nm: f64, grid: u32) -> System {
    let text = data(&format!("spce_{number}.xyz"));
    let mut lines = text.lines();
    let n: usize = lines.next().expect("a count").trim().parse().expect("a count");
    let header = lines.next().expect("a header");
    let edge: f64 = header.split_whitespace().last().expect("an edge").parse().expect("an edge");
    let edge_nm = edge / 10.0;
    let point = |line: &str| {
        let mut numbers = line
            .split_whitespace()
            .skip(1)
            .map(|v| v.parse::<f64>().expect("a number") / 10.0);
        [0; 3].map(|_| numbers.next().expect("three numbers"))
    };
    let positions_nm: Vec<[f64; 3]> = lines.take(n).map(point).collect();
    let particle = |index: usize| match index % 3 {
        0 => Particle {
            mass_u: 15.999,
            charge_e: -0.8476,
            sigma_nm: 0.316_555_789,
            epsilon_kj_mol: 78.197_431_11 * KELVIN,
        },
        _ => Particle {
            mass_u: 1.008,
            charge_e: 0.4238,
            ..Particle::default()
        },
    };
    let molecule = |first: u32| [[first, first + 1], [first, first + 2], [first + 1, first + 2]];
    System {
        name: format!("spce-{number}"),
        particles: (0..n).map(particle).collect(),
        velocities_nm_ps: vec![[0.0; 3]; n],
        cell: Some(Cell::rectangular([edge_nm; 3])),
        positions_nm,
        terms: Terms {
            nonbonded: Some(Nonbonded {
                method: Method::Pme {
                    cutoff: Cutoff {
                        radius_nm: cutoff_nm,
                        switch_nm: None,
                    },
                    alpha_per_nm: 5.6 / edge_nm,
                    grid: [grid; 3],
                },
                exclusions: (0..n as u32 / 3).flat_map(|water| molecule(3 * water)).collect(),
                exceptions: Vec::<Exception>::new(),
                dispersion_correction: true,
            }),
            ..Terms::default()
        },
        ..System::default()
    }
}

/// Columns of the first row of energies, kJ/mol, with or without the reciprocal sum: Lennard-Jones, direct Coulomb, all.
fn parts(system: &System, reciprocal: bool) -> [f64; 3] {
    let package = if reciprocal {
        system.package(PLAN)
    } else {
        let mut draft = system.draft(PLAN).expect("a draft");
        system.interactions(&mut draft);
        draft.finish()
    };
    let package = package.unwrap_or_else(|error| panic!("{error:?}"));
    let device = device::select("cpu").expect("every machine has the CPU device");
    let mut executor = Executor::open(&package, device.as_ref(), &SessionOptions::default()).expect("a session");
    executor.enter(0, &initial_state(&package)).expect("a start");
    executor.advance(1).expect("a step");
    let boundary = executor.cross().unwrap_or_else(|error| panic!("{error}"));
    let outputs = &package.manifest().outputs;
    let at = outputs.iter().position(|output| output.name == "energies").expect("energies");
    ["lennard_jones", "coulomb_direct", "potential"].map(|name| {
        let column = outputs[at]
            .columns
            .iter()
            .find(|column| column.name == name)
            .expect("a column");
        let bytes = &boundary.outputs[at][4 * column.element as usize..][..8];
        i64::from_le_bytes(bytes.try_into().expect("eight bytes")) as f64 * column.scale + column.add
    })
}

/// Ewald's reciprocal sum over integer vectors with 0 < |n|² < `limit`, kJ/mol.
fn fourier(system: &System, limit: i32) -> f64 {
    let edge = system.cell.expect("a box").diagonal_nm()[0];
    let alpha = 5.6 / edge;
    let reach = f64::from(limit).sqrt().ceil() as i32;
    let mut sum = 0.0;
    for n in (-reach..=reach).flat_map(|x| (-reach..=reach).flat_map(move |y| (-reach..=reach).map(move |z| [x, y, z]))) {
        let square: i32 = n.iter().map(|x| x * x).sum();
        // n and -n give the same.
        if square == 0 || square >= limit || n < [0; 3] {
            continue;
        }
        let phases = system.positions_nm.iter().zip(&system.particles).map(|(x, particle)| {
            let phase: f64 = (0..3).map(|axis| TAU * f64::from(n[axis]) * x[axis] / edge).sum();
            (particle.charge_e * phase.cos(), particle.charge_e * phase.sin())
        });
        let (c, s) = phases.fold((0.0, 0.0), |(c, s), (dc, ds)| (c + dc, s + ds));
        let m2 = f64::from(square) / (edge * edge);
        sum += 2.0 * (-(PI * PI * m2) / (alpha * alpha)).exp() / m2 * (c * c + s * s);
    }
    COULOMB * sum / (TAU * edge.powi(3))
}

/// A configuration's terms beside NIST's, each to a millionth of itself.
fn agrees(number: u32, cutoff_nm: f64, key: &str, grid: u32) {
    let references: serde_json::Value = serde_json::from_str(&data("references.json")).expect("JSON");
    let all = &references["spce"]["configs"][number.to_string()];
    let part = |table: &str, name: &str| all[format!("{table}_{key}")][name].as_f64().map(|kelvin| kelvin * KELVIN);
    let system = water(number, cutoff_nm, grid);
    let charges: Vec<f64> = system.particles.iter().map(|particle| particle.charge_e).collect();
    let Some(Method::Pme { alpha_per_nm, .. }) = system.terms.nonbonded.as_ref().map(|nonbonded| nonbonded.method) else {
        panic!("no PME")
    };
    let correction = dispersion_correction(&system);
    // OpenMM's mean is over all particles, each with itself among the pairs; NIST's over oxygens.
    let (n, oxygens) = (charges.len() as f64, charges.len() as f64 / 3.0);
    let as_nist = correction * (n + 1.0) / n * oxygens / (oxygens + 1.0);
    let [lennard_jones, real, direct] = parts(&system, false);
    let [.., whole] = parts(&system, true);
    let own = self_energy(alpha_per_nm, &charges);
    let reciprocal = whole - direct - own;
    for (name, found) in [
        ("E_dispersion", lennard_jones),
        ("E_LRC", as_nist),
        ("E_real", real),
        ("E_self", own),
        ("E_intra", direct - lennard_jones - real - correction),
        ("E_fourier", fourier(&system, 27)),
    ] {
        let exact = part("recomputed", name).expect("a number");
        println!(
            "{number} {name}: {found:.6} kJ/mol, NIST's recomputed {exact:.6}, off by {:.1e}",
            found / exact - 1.0
        );
        assert!((found / exact - 1.0).abs() < 1e-6, "{number} {name}: {found} for {exact}");
        if let Some(published) = part("published", name) {
            assert!(
                (found / published - 1.0).abs() < 5e-6,
                "{number} {name}: {found}, published {published}"
            );
        }
    }
    let converged = fourier(&system, 145);
    println!("{number} PME {reciprocal:.6} kJ/mol, converged {converged:.6}");
    assert!(
        (reciprocal / converged - 1.0).abs() < 1e-3,
        "{number}: {reciprocal} for {converged}"
    );
}

#[test]
fn a_hundred_molecules_come_out_term_by_term() {
    agrees(1, 0.9, "rc9", 32);
}

#[test]
fn seven_hundred_and_fifty_molecules_come_out_term_by_term() {
    agrees(4, 1.0, "rc10", 45);
}
