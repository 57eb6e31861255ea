//! Exceptions and excluded pairs, at every distance from one place to beyond erf(4).

use kernels::md::system::nonbonded::COULOMB;
use kernels::md::terms::exceptions::series::{SERIES_TERMS, ewald_series};

use crate::bonded::{Terms, bench, energy_of, forces_of, relative};
use crate::molecules::{cell_of, flat, vector};

#[test]
fn exceptions_agree_with_double_precision() {
    let cell = cell_of([[3.1, 0.0, 0.0], [-1.2, 2.9, 0.0], [0.8, 1.3, 2.7]]);
    let count = 500;
    let alpha = f64::from(2.92f32);
    // Distances from 0 to 1.3 nm; those of an exception's own parameters not below 0.2.
    let distance = |term: usize| match term % 4 {
        0 => 0.2 + 0.3 * flat(71, term),
        1 => 0.08 + 0.1 * flat(71, term),
        2 => 0.4 + 0.9 * flat(71, term),
        _ => 0.0,
    };
    let mut points = Vec::new();
    for term in 0..count {
        let place = [0, 1, 2].map(|axis| 3.0 * flat(72, 3 * term + axis));
        let turn = vector(73, term);
        let length = turn.iter().map(|x| x * x).sum::<f64>().sqrt();
        points.push(place);
        points.push([0, 1, 2].map(|k| place[k] + distance(term) * turn[k] / length));
    }
    let parameters = |term: usize| {
        let q = COULOMB * (flat(74, term) - 0.5);
        if term.is_multiple_of(4) {
            [
                COULOMB * 0.2 * (flat(75, term) - 0.5),
                0.2 + 0.05 * flat(76, term),
                4.0 * flat(77, term),
                q,
            ]
        } else {
            [0.0, 0.0, 0.0, q]
        }
    };
    let parameters = |term: usize| parameters(term).map(|x| f64::from(x as f32));
    let energy = |term: usize, p: &[[f64; 3]]| {
        let [c, sigma, eps4, q] = parameters(term);
        let r = (0..3).map(|k| (p[1][k] - p[0][k]).powi(2)).sum::<f64>().sqrt();
        let far = if r < 1e-9 {
            2.0 * alpha / std::f64::consts::PI.sqrt()
        } else {
            libm::erf(alpha * r) / r
        };
        let near = if c == 0.0 {
            0.0
        } else {
            c / r + eps4 * ((sigma / r).powi(12) - (sigma / r).powi(6))
        };
        near - q * far
    };
    let terms = Terms {
        atoms: (0..count).map(|term| vec![2 * term, 2 * term + 1]).collect(),
        energy: &energy,
    };
    let mut bench = bench(&cell, &points, count, "exception_sums");
    bench.integer("exceptions", count);
    bench.float("ewald_alpha", alpha);
    let [near, far] = SERIES_TERMS;
    bench.integer("ewald_terms_near", near);
    bench.integer("ewald_terms_far", far);
    bench.words("exception_atoms", &[count, 2], (0..2 * count).map(|atom| atom as u32));
    bench.floats("exception_parameters", &[count, 4], (0..count).flat_map(parameters));
    bench.floats("ewald_series", &[2 * (near + far)], ewald_series().into_iter().map(f64::from));
    let files = [
        "md/cell.wgsl",
        "md/terms/force_round.wgsl",
        "md/terms/force_sums.wgsl",
        "md/terms/exceptions/exception.wgsl",
        "md/terms/exceptions/exception_forces.wgsl",
    ];
    bench.pass("exception_forces", &files, "exceptions");
    let files = [
        "md/cell.wgsl",
        "md/observe/fixed64.wgsl",
        "md/terms/energy_sum.wgsl",
        "md/terms/exceptions/exception.wgsl",
        "md/terms/exceptions/exception_energies.wgsl",
    ];
    bench.pass("exception_energies", &files, "exceptions");
    let results = bench.everywhere(1);
    let (energy, forces) = terms.exact(&cell, &results.positions());
    let error = relative(&forces_of(&results), &forces);
    let off = energy_of(&results, "exception_sums") - energy;
    println!("exceptions: forces {error:.2e}, energy {energy:.3} kJ/mol off by {off:.2e}");
    assert!(error < 6e-7, "{error:e}");
    assert!(off.abs() < 2e-3, "{off:e}");
}
