//! Particle mesh Ewald, stage by stage against double precision: grid of charges, potential on the grid, energy, forces.

use kernels::import::Options;
use kernels::md::fixed_cell::FixedCell;
use kernels::md::system::Cell;
use kernels::md::system::Method;
use kernels::md::system::nonbonded::COULOMB;
use kernels::md::terms::pme::driver::{CHARGE_UNITS, Pme};
use kernels::md::terms::pme::twin;

use crate::bench::{Bench, Results};
use crate::bonded::{energy_of, forces_of, relative};
use crate::molecules::{Molecules, cell_of, flat};
use crate::openmm_support::{folder, import_folder, vectors};

const ONE: f64 = 4_294_967_296.0;

/// Weights and their derivatives of order 5, by the recursion.
fn spline(d: f64) -> ([f64; 5], [f64; 5]) {
    let mut w = [1.0 - d, d, 0.0, 0.0, 0.0];
    let mut slope = [0.0; 5];
    for k in 3..=5usize {
        if k == 5 {
            slope = [0, 1, 2, 3, 4].map(|j| if j > 0 { w[j - 1] } else { 0.0 } - w[j]);
        }
        for j in (0..k).rev() {
            let before = if j > 0 { w[j - 1] } else { 0.0 };
            w[j] = ((d + (k - 1 - j) as f64) * before + ((j + 1) as f64 - d) * w[j]) / (k - 1) as f64;
        }
    }
    (w, slope)
}

/// The reciprocal sum in double precision.
pub(crate) struct Exact {
    pub(crate) grid: Vec<f64>,
    pub(crate) potential: Vec<f64>,
    pub(crate) energy: f64,
    pub(crate) forces: Vec<[f64; 3]>,
}

type Complex = [f64; 2];

/// First grid point along each axis, weights and their derivatives.
type Place = [(usize, ([f64; 5], [f64; 5])); 3];

/// By definition, one axis after the other.
fn transform(values: &mut [Complex], n: [usize; 3], sign: f64) {
    let strides = [n[1] * n[2], n[2], 1];
    for axis in 0..3 {
        let length = n[axis];
        let roots: Vec<Complex> = (0..length)
            .map(|t| std::f64::consts::TAU * t as f64 / length as f64)
            .map(|angle| [angle.cos(), sign * angle.sin()])
            .collect();
        for first in (0..values.len()).filter(|at| (at / strides[axis]).is_multiple_of(length)) {
            let line: Vec<Complex> = (0..length).map(|e| values[first + e * strides[axis]]).collect();
            for k in 0..length {
                let mut sum = [0.0; 2];
                for (e, x) in line.iter().enumerate() {
                    let root = roots[e * k % length];
                    sum = [
                        sum[0] + x[0] * root[0] - x[1] * root[1],
                        sum[1] + x[0] * root[1] + x[1] * root[0],
                    ];
                }
                values[first + k * strides[axis]] = sum;
            }
        }
    }
}

pub(crate) fn exact(cell: &FixedCell, alpha: f64, n: [usize; 3], positions: &[[u32; 3]], charges: &[f64]) -> Exact {
    let at = |p: [usize; 3]| (p[0] * n[1] + p[1]) * n[2] + p[2];
    let places: Vec<_> = positions
        .iter()
        .map(|position| {
            [0, 1, 2].map(|axis| {
                let u = f64::from(position[axis]) / ONE * n[axis] as f64;
                (u.floor() as usize, spline(u - u.floor()))
            })
        })
        .collect();
    let around = |place: &Place, f: &mut dyn FnMut(usize, [usize; 3])| {
        for point in 0..125 {
            let j = [point / 25, point / 5 % 5, point % 5];
            f(at([0, 1, 2].map(|axis| (place[axis].0 + j[axis]) % n[axis])), j);
        }
    };
    let mut grid = vec![0.0; n.iter().product()];
    for (place, q) in places.iter().zip(charges) {
        around(place, &mut |g, j| {
            grid[g] += q * (0..3).map(|axis| place[axis].1.0[j[axis]]).product::<f64>()
        });
    }
    let mut waves: Vec<Complex> = grid.iter().map(|q| [*q, 0.0]).collect();
    transform(&mut waves, n, -1.0);
    let inverse = cell.cell().gradients();
    let moduli = n.map(twin::moduli);
    for x in 0..n[0] {
        for y in 0..n[1] {
            for z in 0..n[2] {
                let k = [x, y, z];
                let f = [0, 1, 2].map(|a| k[a] as f64 - if k[a] >= n[a].div_ceil(2) { n[a] as f64 } else { 0.0 });
                let m = [0, 1, 2].map(|c| (0..3).map(|a| f[a] * inverse[a][c]).sum::<f64>());
                let m2: f64 = m.iter().map(|x| x * x).sum();
                let pi = std::f64::consts::PI;
                let b: f64 = (0..3).map(|a| moduli[a][k[a]]).product();
                let influence = if k == [0; 3] {
                    0.0
                } else {
                    COULOMB * (-(pi * pi * m2) / (alpha * alpha)).exp() / (pi * cell.cell().volume_nm3() * m2 * b)
                };
                waves[at(k)] = waves[at(k)].map(|x| x * influence);
            }
        }
    }
    transform(&mut waves, n, 1.0);
    let potential: Vec<f64> = waves.iter().map(|w| w[0]).collect();
    let energy = 0.5 * grid.iter().zip(&potential).map(|(q, phi)| q * phi).sum::<f64>();
    let forces = places
        .iter()
        .zip(charges)
        .map(|(place, q)| {
            let mut g = [0.0; 3];
            around(place, &mut |point, j| {
                for axis in 0..3 {
                    let factor = |a: usize| if a == axis { place[a].1.1[j[a]] } else { place[a].1.0[j[a]] };
                    g[axis] += potential[point] * factor(0) * factor(1) * factor(2) * n[axis] as f64;
                }
            });
            [0, 1, 2].map(|c| -q * (0..3).map(|a| g[a] * inverse[a][c]).sum::<f64>())
        })
        .collect();
    Exact {
        grid,
        potential,
        energy,
        forces,
    }
}

/// All passes of the reciprocal sum.
pub(crate) fn bench(cell: &FixedCell, pme: &Pme, points: &[[f64; 3]], charges: &[f64]) -> Bench {
    let atoms = points.len();
    let mut bench = Bench::new(cell);
    bench.positions(cell, points);
    bench.float("force_scale", 16384.0);
    bench.integers("force_sums", &[atoms, 3], vec![0; 3 * atoms]);
    bench.words("pme_sums", &[atoms.div_ceil(64), 2], vec![0; 2 * atoms.div_ceil(64)]);
    for (name, value) in pme.integers().into_iter().chain(pme.workgroups()) {
        bench.integer(name, value as usize);
    }
    for (name, value) in pme.floats() {
        bench.float(name, value);
    }
    bench.floats("pme_charges", &[atoms], Pme::charges(charges).expect("good charges"));
    let grid = pme.grid_room() as usize;
    bench.integers("pme_grid", &[grid], vec![0; grid]);
    bench.floats("pme_potential", &[grid], vec![0.0; grid]);
    let waves = 2 * (pme.rows_room() * pme.columns()) as usize;
    bench.floats("pme_waves", &[waves], vec![0.0; waves]);
    let influence = match pme.axes() {
        Some(axes) => {
            bench.floats("pme_axes", &[axes.len() / 2, 2], axes);
            "md/terms/pme/pme_influence_box.wgsl"
        }
        None => {
            let moduli = pme.moduli();
            bench.floats("pme_moduli", &[moduli.len()], moduli);
            "md/terms/pme/pme_influence.wgsl"
        }
    };
    for (axis, plan) in ["x", "y", "z"].into_iter().zip(pme.plans()) {
        let roots = plan.roots();
        bench.floats(
            &format!("fft_roots_{axis}"),
            &[roots.len(), 2],
            roots.iter().flatten().map(|x| f64::from(*x)),
        );
    }
    let spread = ["md/terms/pme/pme_spline.wgsl", "md/terms/pme/pme_spread.wgsl"];
    bench.pass("pme_spread", &spread, "atoms");
    for (name, axis, backwards) in [
        ("pme_forward_z", "z", None),
        ("pme_transform_y", "y", Some(false)),
        ("pme_convolve", "x", None),
        ("pme_transform_y", "y", Some(true)),
        ("pme_inverse_z", "z", None),
    ] {
        let file = format!("md/terms/pme/{name}.wgsl");
        let pass_name = if backwards == Some(true) {
            "pme_transform_back_y"
        } else {
            name
        };
        let fft = ["md/cell.wgsl", "md/terms/pme/fft_factors.wgsl", "md/terms/pme/fft.wgsl"];
        let files = match name {
            "pme_convolve" => [fft.as_slice(), &[influence, file.as_str()]].concat(),
            _ => [fft.as_slice(), &[file.as_str()]].concat(),
        };
        bench.transform(pass_name, &files, axis, backwards, pme);
    }
    let gather = [
        "md/cell.wgsl",
        "md/terms/force_round.wgsl",
        "md/terms/pme/pme_spline.wgsl",
        "md/terms/pme/pme_gather.wgsl",
        "md/terms/pme/pme_force.wgsl",
        "md/terms/slot_sums_none.wgsl",
        "md/terms/gather_forces.wgsl",
    ];
    bench.pass("gather_forces", &gather, "atoms");
    // The first transform leaves an empty grid behind it, which these charges are all of.
    bench.pass("pme_spread_again", &spread, "atoms");
    let energies = [
        "md/observe/fixed64.wgsl",
        "md/terms/energy_sum.wgsl",
        "md/terms/pme/pme_spline.wgsl",
        "md/terms/pme/pme_energies.wgsl",
    ];
    bench.pass("pme_energies", &energies, "atoms");
    bench
}

fn worst(found: impl Iterator<Item = f64>, expected: &[f64]) -> f64 {
    found.zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}

/// Each stage beside double precision: the results, and the errors of grid (in its units), potential, energy and forces.
pub(crate) fn errors(cell: &FixedCell, alpha: f64, pme: &Pme, charges: &[f64], results: &Results) -> [f64; 4] {
    let n = pme.grid().map(|n| n as usize);
    let exact = exact(cell, alpha, n, &results.positions(), charges);
    let units: Vec<f64> = exact.grid.iter().map(|q| q * CHARGE_UNITS).collect();
    let units_found = results.integers("pme_grid");
    let row = pme.row() as usize;
    let folded = units_found.chunks(row).flat_map(|row| {
        let (row, beyond) = row.split_at(n[2]);
        let more = |z: usize| beyond.get(z).copied().unwrap_or(0);
        row.iter()
            .enumerate()
            .map(move |(z, units)| f64::from(units + more(z)))
            .collect::<Vec<_>>()
    });
    let grid = worst(folded, &units);
    let rms = (exact.potential.iter().map(|x| x * x).sum::<f64>() / exact.potential.len() as f64).sqrt();
    let found = results.floats("pme_potential");
    let found = found.chunks(row).flat_map(|row| &row[..n[2]]);
    let potential = worst(found.map(|phi| f64::from(*phi)), &exact.potential) / rms;
    let energy = energy_of(results, "pme_sums") / exact.energy - 1.0;
    let forces = relative(&forces_of(results), &exact.forces);
    println!(
        "{n:?}: grid {grid:.2} units, potential {potential:.2e}, energy {energy:.2e} of {:.1} kJ/mol, forces {forces:.2e}",
        exact.energy
    );
    [grid, potential, energy.abs(), forces]
}

fn waters(count: usize) -> (Vec<[f64; 3]>, Vec<f64>) {
    let mut all = Molecules::default();
    for index in 0..count {
        all.water([0, 1, 2].map(|axis| 3.0 * flat(51, 3 * index + axis)), 1.008);
    }
    let charges = (0..count).flat_map(|_| [-0.834, 0.417, 0.417]).collect();
    (all.points_nm, charges)
}

#[test]
fn every_stage_agrees_with_double_precision_on_grids_of_any_size() {
    let rectangular = cell_of([[2.6, 0.0, 0.0], [0.0, 2.3, 0.0], [0.0, 0.0, 2.1]]);
    let tilted = cell_of([[2.6, 0.0, 0.0], [-1.1, 2.4, 0.0], [0.9, 1.1, 2.2]]);
    let (points, charges) = waters(60);
    for (cell, grid) in [
        (tilted, [28, 75, 17]),
        (rectangular, [26, 121, 24]),
        (rectangular, [37, 6, 25]),
        // Five stages; along z room for more frequencies than there are.
        (rectangular, [8, 162, 6]),
        (tilted, [9, 11, 7]),
    ] {
        let alpha = 2.92;
        let pme = Pme::new(cell.cell(), alpha, grid).expect("good parameters");
        let bench = bench(&cell, &pme, &points, &charges);
        // llvmpipe takes minutes to compile a transform's workgroup memory on a busy machine: BATON_GPU_TRANSFORMS=1 asks for it.
        let results = match std::env::var_os("BATON_GPU_TRANSFORMS") {
            Some(_) => bench.everywhere(1),
            None => bench.on_cpu_in_every_way(1),
        };
        if std::env::var_os("BATON_GPU_TRANSFORMS").is_none() {
            println!("skipped: transforms on GPUs (BATON_GPU_TRANSFORMS=1 runs them)");
        }
        let [grid, potential, energy, forces] = errors(&cell, alpha, &pme, &charges, &results);
        // Each of the contributions to a grid point is rounded to a unit, and in f32; the largest error of the potential, beside its rms.
        assert!(grid < 20.0, "{grid} units");
        assert!(potential < 2e-5, "{potential:e}");
        assert!(energy < 2e-6, "{energy:e}");
        assert!(forces < 5e-6, "{forces:e}");
    }
}

/// Three ions of 60 e on one place: their grid point would hold 38 e, more than its 32 bits do.
#[test]
fn a_charge_grid_that_overflows_is_a_fault() {
    let cell = cell_of([[2.0, 0.0, 0.0], [0.0, 2.0, 0.0], [0.0, 0.0, 2.0]]);
    let pme = Pme::new(cell.cell(), 3.0, [16; 3]).expect("good parameters");
    let spacing = 2.0 / 16.0;
    let place = [0, 1, 2].map(|axis| (f64::from(axis) + 3.5) * spacing);
    let on_one_place = |count: usize| bench(&cell, &pme, &vec![place; count], &vec![60.0; count]).on_cpu(1);
    let error = on_one_place(3).err().expect("an overflow").to_string();
    assert!(error.contains("fault 9"), "{error}");
    on_one_place(1).unwrap_or_else(|error| panic!("one ion: {error}"));
}

#[test]
fn parameters_that_cannot_be_are_refused_by_name() {
    let cell = Cell::rectangular([2.0; 3]);
    for (alpha, grid, text) in [
        (f64::NAN, [20; 3], "alpha is NaN"),
        (3.0, [20, 5, 20], "5 points along an edge, expected 6"),
        (3.0, [20, 20, 257], "257 points: expected 2 to 256"),
    ] {
        let error = Pme::new(cell, alpha, grid).expect_err("a bad parameter");
        assert!(error.contains(text), "{error}");
    }
    let error = Pme::charges(&[0.5, f64::INFINITY]).expect_err("a bad charge");
    assert!(error.contains("particle 1: charge inf"), "{error}");
}

/// On the grids that OpenMM's Reference platform takes, beside the forces of everything.
#[test]
fn reciprocal_forces_of_real_systems_are_right_to_a_few_ten_millionths_of_all_forces() {
    for name in ["alanine-dipeptide", "tip3p-900"] {
        let Some(folder) = folder(name) else { continue };
        let options = Options {
            reference_grid: true,
            ..Options::default()
        };
        let imported = import_folder(&folder, &options).unwrap_or_else(|error| panic!("{name}: {error}"));
        let mut system = imported.system;
        let cell = FixedCell::new(system.cell.expect("periodic")).expect("a reduced cell");
        let nonbonded = system.terms.nonbonded.as_ref().expect("charges");
        let Method::Pme { alpha_per_nm, grid, .. } = nonbonded.method else {
            panic!("{name} has no PME")
        };
        let charges: Vec<f64> = system.particles.iter().map(|particle| particle.charge_e).collect();
        let pme = Pme::new(cell.cell(), alpha_per_nm, grid).expect("good parameters");
        let results = bench(&cell, &pme, &system.positions_nm, &charges)
            .on_cpu(1)
            .unwrap_or_else(|error| panic!("{error}"));
        // The twin at the device's own positions and cell.
        system.positions_nm = results
            .positions()
            .into_iter()
            .map(|position| cell.decode(position))
            .collect();
        system.cell = Some(cell.cell());
        let mut expected = vec![[0.0; 3]; charges.len()];
        let energy = twin::add(&system, &mut expected);
        let all = vectors(&folder.join("forces.npy"));
        let norm = |v: &[[f64; 3]]| v.as_flattened().iter().map(|x| x * x).sum::<f64>().sqrt();
        let found = forces_of(&results);
        let off: Vec<[f64; 3]> = (0..found.len())
            .map(|i| [0, 1, 2].map(|k| found[i][k] - expected[i][k]))
            .collect();
        let error = norm(&off) / norm(&all);
        let energy_off = energy_of(&results, "pme_sums") + pme.self_energy(&charges) + pme.background_energy(&charges) - energy;
        println!("{name} on {grid:?}: forces {error:.2e} of all, energy {energy:.3} kJ/mol off by {energy_off:.1e}");
        // 2.3e-7 and 3.3e-7: weights and gathering in f32, and the grid of charges in units of 2^-26 e.
        assert!(error < 4e-7, "{name}: {error:e}");
        assert!(energy_off.abs() < 2e-3, "{name}: {energy_off:e} kJ/mol");
    }
}
