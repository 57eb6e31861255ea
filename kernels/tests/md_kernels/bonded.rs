//! Bonds, angles and torsions: forces against the gradient of the energy in double precision, at the edges too.

use kernels::md::fixed_cell::FixedCell;

use crate::bench::{Bench, Results};
use crate::molecules::{cell_of, flat, vector};

/// Units of a force to one kJ/mol/nm.
const FORCE_SCALE: f64 = 16384.0;

const FORCES: [&str; 3] = ["md/cell.wgsl", "md/terms/force_round.wgsl", "md/terms/force_sums.wgsl"];
const ENERGIES: [&str; 3] = ["md/cell.wgsl", "md/observe/fixed64.wgsl", "md/terms/energy_sum.wgsl"];

/// Terms of one kind: each with its atoms and its energy as a function of their places.
pub(crate) struct Terms<'a> {
    pub(crate) atoms: Vec<Vec<usize>>,
    pub(crate) energy: &'a dyn Fn(usize, &[[f64; 3]]) -> f64,
}

impl Terms<'_> {
    /// Energy and forces in double precision at the positions that the device has: the gradient by a fourth-order difference.
    pub(crate) fn exact(&self, cell: &FixedCell, positions: &[[u32; 3]]) -> (f64, Vec<[f64; 3]>) {
        let mut forces = vec![[0.0; 3]; positions.len()];
        let mut total = 0.0;
        for (term, atoms) in self.atoms.iter().enumerate() {
            // Unwrapped by nearest images from one atom to the next.
            let mut places = vec![cell.decode(positions[atoms[0]])];
            for pair in atoms.windows(2) {
                let step = cell.difference(positions[pair[1]], positions[pair[0]]);
                let last = *places.last().expect("the first atom");
                places.push([0, 1, 2].map(|k| last[k] + step[k]));
            }
            total += (self.energy)(term, &places);
            for (index, atom) in atoms.iter().enumerate() {
                for axis in 0..3 {
                    let at = |off: f64| {
                        let mut moved = places.clone();
                        moved[index][axis] += off;
                        (self.energy)(term, &moved)
                    };
                    let h = 2e-5;
                    let slope = (8.0 * (at(h) - at(-h)) - (at(2.0 * h) - at(-2.0 * h))) / (12.0 * h);
                    forces[*atom][axis] -= slope;
                }
            }
        }
        (total, forces)
    }
}

pub(crate) fn forces_of(results: &Results) -> Vec<[f64; 3]> {
    let sums = results.integers("force_sums");
    sums.chunks_exact(3)
        .map(|f| [f[0], f[1], f[2]].map(|x| f64::from(x) / FORCE_SCALE))
        .collect()
}

pub(crate) fn energy_of(results: &Results, name: &str) -> f64 {
    let words = results.words(name);
    let sum = words.chunks_exact(2).fold(0i64, |sum, pair| {
        sum.wrapping_add(i64::from(pair[0]) | i64::from(pair[1]) << 32)
    });
    sum as f64 / 4_294_967_296.0
}

pub(crate) fn relative(found: &[[f64; 3]], expected: &[[f64; 3]]) -> f64 {
    let norm = |v: &mut dyn Iterator<Item = f64>| v.map(|x| x * x).sum::<f64>().sqrt();
    let (a, b) = (found.as_flattened(), expected.as_flattened());
    norm(&mut a.iter().zip(b).map(|(a, b)| a - b)) / norm(&mut b.iter().copied())
}

/// A bench with positions, empty sums of forces, and room for energies of `count` terms.
pub(crate) fn bench(cell: &FixedCell, points: &[[f64; 3]], count: usize, sums: &str) -> Bench {
    let mut bench = Bench::new(cell);
    bench.positions(cell, points);
    bench.float("force_scale", FORCE_SCALE);
    bench.integers("force_sums", &[points.len(), 3], vec![0; 3 * points.len()]);
    bench.words(sums, &[count.div_ceil(64), 2], vec![0; 2 * count.div_ceil(64)]);
    bench
}

fn cell() -> FixedCell {
    cell_of([[3.1, 0.0, 0.0], [-1.2, 2.9, 0.0], [0.8, 1.3, 2.7]])
}

/// Chains of four atoms 0.15 nm apart, bond angles of 80 to 150 degrees, twisted at random, all over the box and across its edges.
fn chains(count: usize) -> Vec<[f64; 3]> {
    let unit = |v: [f64; 3]| v.map(|x| x / norm(v));
    let mut points = Vec::new();
    for chain in 0..count {
        let mut place = [0, 1, 2].map(|axis| 3.0 * flat(31, 3 * chain + axis));
        let mut step = unit(vector(30, chain));
        for atom in 0..4 {
            points.push(place);
            let side = unit(cross(step, vector(32, 4 * chain + atom)));
            let turn = (30.0 + 70.0 * flat(29, 4 * chain + atom)).to_radians();
            step = [0, 1, 2].map(|k| turn.cos() * step[k] + turn.sin() * side[k]);
            place = [0, 1, 2].map(|k| place[k] + 0.15 * step[k]);
        }
    }
    points
}

fn sub(a: [f64; 3], b: [f64; 3]) -> [f64; 3] {
    [0, 1, 2].map(|k| a[k] - b[k])
}

fn dot(a: [f64; 3], b: [f64; 3]) -> f64 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

fn cross(a: [f64; 3], b: [f64; 3]) -> [f64; 3] {
    [
        a[1] * b[2] - a[2] * b[1],
        a[2] * b[0] - a[0] * b[2],
        a[0] * b[1] - a[1] * b[0],
    ]
}

fn norm(a: [f64; 3]) -> f64 {
    dot(a, a).sqrt()
}

/// Torsion of four places, rad.
fn torsion(p: &[[f64; 3]]) -> f64 {
    let (a, b, c) = (sub(p[0], p[1]), sub(p[2], p[1]), sub(p[2], p[3]));
    let (m, n) = (cross(a, b), cross(b, c));
    f64::atan2(norm(b) * dot(a, n), dot(m, n))
}

/// Both tiers keep the same bounds: terms take no function from a driver whose error WGSL leaves wide open.
fn check(name: &str, terms: &Terms, bench: &Bench, sums: &str, bounds: [f64; 2]) {
    let portable = ("all devices, portable".to_owned(), bench.everywhere(1));
    let (energy, forces) = terms.exact(&cell(), &portable.1.positions());
    for (device, results) in std::iter::once(portable).chain(bench.class_bound(1)) {
        let error = relative(&forces_of(&results), &forces);
        let off = energy_of(&results, sums) / energy - 1.0;
        println!("{name} on {device}: forces {error:.2e}, energy {energy:.3} kJ/mol off by {off:.2e}");
        assert!(error < bounds[0], "{name} on {device}: forces {error:e}");
        assert!(off.abs() < bounds[1], "{name} on {device}: energy {off:e}");
        let total = results
            .integers("force_sums")
            .chunks_exact(3)
            .fold([0i32; 3], |sum, f| [0, 1, 2].map(|k| sum[k].wrapping_add(f[k])));
        assert_eq!(total, [0; 3], "{name} on {device}: forces sum to exactly zero");
    }
}

#[test]
fn bonds_agree_with_double_precision() {
    let points = chains(300);
    let atoms: Vec<Vec<usize>> = (0..900)
        .map(|k| 4 * (k / 3) + k % 3)
        .map(|first| vec![first, first + 1])
        .collect();
    // Equilibrium lengths close to the real ones: what is left of a length is what counts.
    let k = |term: usize| 2e5 + 1e5 * flat(33, term);
    let r0 = |term: usize| 0.15 + 0.004 * (flat(34, term) - 0.5);
    let energy = |term: usize, p: &[[f64; 3]]| 0.5 * k(term) * (norm(sub(p[1], p[0])) - r0(term)).powi(2);
    let terms = Terms { atoms, energy: &energy };
    let mut bench = bench(&cell(), &points, 900, "bond_sums");
    bench.integer("bonds", 900);
    bench.words("bond_atoms", &[900, 2], terms.atoms.iter().flatten().map(|atom| *atom as u32));
    let parameters = (0..900).flat_map(|term| {
        let square = r0(term) * r0(term);
        let high = f64::from(square as f32);
        [k(term), r0(term), high, square - high]
    });
    bench.floats("bond_parameters", &[900, 4], parameters);
    let bond = ["md/terms/bonds/exact.wgsl", "md/terms/bonds/bond.wgsl"];
    bench.pass(
        "bond_forces",
        &[&FORCES[..], &bond, &["md/terms/bonds/bond_forces.wgsl"]].concat(),
        "bonds",
    );
    bench.pass(
        "bond_energies",
        &[&ENERGIES[..], &bond, &["md/terms/bonds/bond_energies.wgsl"]].concat(),
        "bonds",
    );
    check("bonds", &terms, &bench, "bond_sums", [2e-7, 1e-7]);
}

#[test]
fn atoms_at_one_place_pull_nowhere() {
    let mut bench = bench(&cell(), &[[0.5; 3], [0.5; 3]], 1, "bond_sums");
    bench.integer("bonds", 1);
    bench.words("bond_atoms", &[1, 2], [0, 1]);
    bench.floats("bond_parameters", &[1, 4], [1000.0, 0.5, 0.25, 0.0]);
    let bond = ["md/terms/bonds/exact.wgsl", "md/terms/bonds/bond.wgsl"];
    bench.pass(
        "bond_forces",
        &[&FORCES[..], &bond, &["md/terms/bonds/bond_forces.wgsl"]].concat(),
        "bonds",
    );
    bench.pass(
        "bond_energies",
        &[&ENERGIES[..], &bond, &["md/terms/bonds/bond_energies.wgsl"]].concat(),
        "bonds",
    );
    let results = bench.everywhere(1);
    assert_eq!(results.integers("force_sums"), [0; 6]);
    assert!((energy_of(&results, "bond_sums") - 125.0).abs() < 1e-4);
}

#[test]
fn a_force_that_does_not_fit_is_a_fault_by_name() {
    let mut bench = bench(&cell(), &[[0.5; 3], [0.6, 0.5, 0.5]], 1, "bond_sums");
    bench.integer("bonds", 1);
    bench.words("bond_atoms", &[1, 2], [0, 1]);
    bench.floats("bond_parameters", &[1, 4], [1e6, 0.5, 0.25, 0.0]);
    let bond = ["md/terms/bonds/exact.wgsl", "md/terms/bonds/bond.wgsl"];
    bench.pass(
        "bond_forces",
        &[&FORCES[..], &bond, &["md/terms/bonds/bond_forces.wgsl"]].concat(),
        "bonds",
    );
    let Err(error) = bench.on_cpu(1) else { panic!("no fault") };
    assert!(error.to_string().contains("fault 6"), "{error}");
}

fn angle(p: &[[f64; 3]]) -> f64 {
    let (u, v) = (sub(p[0], p[1]), sub(p[2], p[1]));
    f64::atan2(norm(cross(u, v)), dot(u, v))
}

fn angle_bench(points: &[[f64; 3]], atoms: &[Vec<usize>], parameters: impl Fn(usize) -> [f64; 2]) -> Bench {
    let count = atoms.len();
    let mut bench = bench(&cell(), points, count, "angle_sums");
    bench.integer("angles", count);
    bench.words(
        "angle_atoms",
        &[count, 4],
        atoms.iter().flat_map(|a| [a[0] as u32, a[1] as u32, a[2] as u32, 0]),
    );
    bench.floats("angle_parameters", &[count, 2], (0..count).flat_map(parameters));
    let angle = ["md/terms/arc.wgsl", "md/terms/angles/angle.wgsl"];
    let last = ["md/terms/angles/angle_forces.wgsl"];
    bench.pass("angle_forces", &[&FORCES[..], &angle, &last].concat(), "angles");
    let last = ["md/terms/angles/angle_energies.wgsl"];
    bench.pass("angle_energies", &[&ENERGIES[..], &angle, &last].concat(), "angles");
    bench
}

#[test]
fn angles_agree_with_double_precision() {
    let points = chains(300);
    let atoms: Vec<Vec<usize>> = (0..600)
        .map(|k| 4 * (k / 2) + k % 2)
        .map(|first| vec![first, first + 1, first + 2])
        .collect();
    let k = |term: usize| 300.0 + 300.0 * flat(35, term);
    let theta0 = |term: usize| 1.9 + 0.4 * flat(36, term);
    let energy = |term: usize, p: &[[f64; 3]]| 0.5 * k(term) * (angle(p) - theta0(term)).powi(2);
    let bench = angle_bench(&points, &atoms, |term| [k(term), theta0(term)]);
    check(
        "angles",
        &Terms { atoms, energy: &energy },
        &bench,
        "angle_sums",
        [4e-7, 2e-7],
    );
}

#[test]
fn straight_and_folded_angles_bend_nowhere_in_particular() {
    // Straight with 180 degrees, straight with 110, folded back with 110.
    let points = [[0.4, 0.5, 0.5], [0.5, 0.5, 0.5], [0.6, 0.5, 0.5], [0.45, 0.5, 0.5]];
    let atoms = vec![vec![0, 1, 2], vec![0, 1, 2], vec![0, 1, 3]];
    let theta0 = [std::f64::consts::PI, 1.92, 1.92];
    let results = angle_bench(&points, &atoms, |term| [400.0, theta0[term]]).everywhere(1);
    // OpenMM's guard: the direction of a vanishing normal is none.
    let most = forces_of(&results).as_flattened().iter().map(|f| f.abs()).fold(0.0, f64::max);
    assert!(most < 1.0, "{most} kJ/mol/nm");
    let expected = 0.5 * 400.0 * ((std::f64::consts::PI - 1.92).powi(2) + 1.92f64.powi(2));
    assert!((energy_of(&results, "angle_sums") / expected - 1.0).abs() < 1e-6);
}

/// One bench for each kind of torsion.
fn torsion_bench(kind: &str, points: &[[f64; 3]], atoms: &[Vec<usize>], parameters: &[f64]) -> Bench {
    let count = atoms.len();
    let mut bench = bench(&cell(), points, count, "torsion_sums");
    bench.integer("torsions", count);
    bench.words("torsion_atoms", &[count, 4], atoms.iter().flatten().map(|atom| *atom as u32));
    bench.floats("torsion_parameters", &[parameters.len() / 4, 4], parameters.iter().copied());
    let kind = format!("md/terms/torsions/{kind}.wgsl");
    let files = [
        "md/terms/torsions/torsion.wgsl",
        "md/terms/torsions/torsion_add.wgsl",
        "md/terms/arc.wgsl",
        kind.as_str(),
        "md/terms/torsions/torsion_forces.wgsl",
    ];
    bench.pass("torsion_forces", &[&FORCES[..], &files].concat(), "torsions");
    let files = [
        "md/terms/torsions/torsion.wgsl",
        "md/terms/arc.wgsl",
        kind.as_str(),
        "md/terms/torsions/torsion_energies.wgsl",
    ];
    bench.pass("torsion_energies", &[&ENERGIES[..], &files].concat(), "torsions");
    bench
}

fn quads(count: usize) -> Vec<Vec<usize>> {
    (0..count).map(|chain| (4 * chain..4 * chain + 4).collect()).collect()
}

#[test]
fn periodic_torsions_agree_with_double_precision() {
    let (points, atoms) = (chains(400), quads(400));
    let k = |term: usize| 20.0 * (flat(37, term) - 0.3);
    let phase = |term: usize| {
        if term.is_multiple_of(3) {
            std::f64::consts::PI
        } else {
            6.0 * flat(38, term)
        }
    };
    let n = |term: usize| (term % 7) as f64;
    let energy = |term: usize, p: &[[f64; 3]]| k(term) * (1.0 + (n(term) * torsion(p) - phase(term)).cos());
    let parameters: Vec<f64> = (0..400)
        .flat_map(|term| [k(term), phase(term).cos(), phase(term).sin(), n(term)])
        .collect();
    let bench = torsion_bench("periodic_torsion", &points, &atoms, &parameters);
    check(
        "periodic torsions",
        &Terms { atoms, energy: &energy },
        &bench,
        "torsion_sums",
        [1e-6, 3e-7],
    );
}

#[test]
fn rb_torsions_agree_with_double_precision() {
    let (points, atoms) = (chains(400), quads(400));
    let c = |term: usize| [0, 1, 2, 3, 4, 5].map(|i| 15.0 * (flat(39, 6 * term + i) - 0.5));
    let energy = |term: usize, p: &[[f64; 3]]| {
        let cosine = (torsion(p) - std::f64::consts::PI).cos();
        c(term).iter().rev().fold(0.0, |sum, c| sum * cosine + c)
    };
    let parameters: Vec<f64> = (0..400).flat_map(|term| c(term).into_iter().chain([0.0, 0.0])).collect();
    let bench = torsion_bench("rb_torsion", &points, &atoms, &parameters);
    check(
        "RB torsions",
        &Terms { atoms, energy: &energy },
        &bench,
        "torsion_sums",
        [1e-6, 1e-6],
    );
}

#[test]
fn harmonic_torsions_agree_with_double_precision() {
    let (points, atoms) = (chains(400), quads(400));
    let k = |term: usize| 50.0 + 100.0 * flat(40, term);
    let phi0 = |term: usize| 6.0 * flat(41, term) - 3.0;
    let energy = |term: usize, p: &[[f64; 3]]| {
        let off = torsion(p) - phi0(term);
        let turns = (off / std::f64::consts::TAU).round();
        k(term) * (off - turns * std::f64::consts::TAU).powi(2)
    };
    let parameters: Vec<f64> = (0..400)
        .flat_map(|term| [k(term), phi0(term).cos(), phi0(term).sin(), 0.0])
        .collect();
    let bench = torsion_bench("harmonic_torsion", &points, &atoms, &parameters);
    check(
        "harmonic torsions",
        &Terms { atoms, energy: &energy },
        &bench,
        "torsion_sums",
        [5e-7, 3e-7],
    );
}

/// Torsions of exactly 0, 90 and 180 degrees, and three atoms on a line, where there is none.
#[test]
fn torsions_at_the_edges_are_right() {
    let mut points = Vec::new();
    for last in [[0.7, 0.6, 0.5], [0.7, 0.4, 0.5], [0.7, 0.5, 0.6], [0.8, 0.5, 0.5]] {
        points.extend([[0.5, 0.6, 0.5], [0.5, 0.5, 0.5], [0.7, 0.5, 0.5], last]);
    }
    let atoms = quads(4);
    let energy = |term: usize, p: &[[f64; 3]]| {
        if term == 3 {
            0.0
        } else {
            8.0 * (1.0 + (2.0 * torsion(p) - 0.4).cos())
        }
    };
    let parameters: Vec<f64> = (0..4)
        .flat_map(|term| [if term == 3 { 0.0 } else { 8.0 }, 0.4f64.cos(), 0.4f64.sin(), 2.0])
        .collect();
    let bench = torsion_bench("periodic_torsion", &points, &atoms, &parameters);
    check(
        "torsions at the edges",
        &Terms { atoms, energy: &energy },
        &bench,
        "torsion_sums",
        [2e-7, 2e-7],
    );
}
