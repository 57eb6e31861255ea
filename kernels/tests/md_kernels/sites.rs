//! Virtual sites: their places, and forces handed over as the gradient says.

use crate::bench::Bench;
use crate::bonded::{Terms, forces_of, relative};
use crate::molecules::{Molecules, cell_of, exact_points, flat, vector, worst};

fn cross(a: [f64; 3], b: [f64; 3]) -> [f64; 3] {
    [
        a[1] * b[2] - a[2] * b[1],
        a[2] * b[0] - a[0] * b[2],
        a[0] * b[1] - a[1] * b[0],
    ]
}

fn unit(a: [f64; 3]) -> [f64; 3] {
    let length = a.iter().map(|x| x * x).sum::<f64>().sqrt();
    a.map(|x| x / length)
}

/// Kind and weights of a molecule's site, as the shader's tables hold them.
fn site(molecule: usize) -> (u32, [f64; 12]) {
    match molecule % 4 {
        // TIP4P's M, two particles, TIP5P's lone pair, and OPC's M as local coordinates with all weights in use.
        0 => (0, [0.0, 0.1, 0.1, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]),
        1 => (0, [0.0, 0.3, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]),
        2 => (1, [0.0, -0.345, -0.345, -6.4437, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]),
        _ => (2, [0.0, 0.2, 0.3, 0.0, 1.0, 0.1, -0.4, 1.0, 0.015, 0.02, -0.01, 0.0]),
    }
}

/// Where the site lies, from its atoms.
fn place(molecule: usize, p: &[[f64; 3]]) -> [f64; 3] {
    let (kind, w) = site(molecule);
    let w = w.map(|x| f64::from(x as f32));
    let v = [1, 2].map(|atom| [0, 1, 2].map(|k| p[atom][k] - p[0][k]));
    let linear = [0, 1, 2].map(|k| p[0][k] + w[1] * v[0][k] + w[2] * v[1][k]);
    let off = match kind {
        0 => [0.0; 3],
        1 => cross(v[0], v[1]).map(|x| x * w[3]),
        _ => {
            let x = [0, 1, 2].map(|k| w[4] * v[0][k] + w[5] * v[1][k]);
            let y = [0, 1, 2].map(|k| w[6] * v[0][k] + w[7] * v[1][k]);
            let z = unit(cross(x, y));
            let x = unit(x);
            let y = cross(z, x);
            [0, 1, 2].map(|k| w[8] * x[k] + w[9] * y[k] + w[10] * z[k])
        }
    };
    [0, 1, 2].map(|k| linear[k] + off[k])
}

#[test]
fn sites_lie_where_double_precision_puts_them_and_hand_their_forces_over() {
    let cell = cell_of([[3.1, 0.0, 0.0], [-1.2, 2.9, 0.0], [0.8, 1.3, 2.7]]);
    let count = 400;
    let mut all = Molecules::default();
    for molecule in 0..count {
        all.water([0, 1, 2].map(|axis| 3.0 * flat(81, 3 * molecule + axis)), 1.008);
    }
    // Four particles a molecule: its atoms, then the site, which starts at the oxygen.
    let points: Vec<[f64; 3]> = all.points_nm.chunks_exact(3).flat_map(|p| [p[0], p[1], p[2], p[0]]).collect();
    let push: Vec<[f64; 3]> = (0..count)
        .map(|molecule| vector(82, molecule).map(|x| (x * 1000.0 * 16384.0).round()))
        .collect();
    let mut bench = Bench::new(&cell);
    bench.positions(&cell, &points);
    bench.float("force_scale", 16384.0);
    let sums = push.iter().flat_map(|f| [[0.0; 3], [0.0; 3], [0.0; 3], *f]).flatten();
    bench.integers("force_sums", &[points.len(), 3], sums.map(|x| x as i32));
    bench.integer("sites_first", 0);
    bench.integer("sites_end", count);
    let atoms = (0..count as u32).flat_map(|m| {
        let third = if m % 4 == 1 { 4 * m } else { 4 * m + 2 };
        [4 * m, 4 * m + 1, third, 4 * m + 3, site(m as usize).0, 0, 0, 0]
    });
    bench.words("site_atoms", &[count, 8], atoms);
    bench.floats("site_weights", &[count, 12], (0..count).flat_map(|molecule| site(molecule).1));
    bench.pass(
        "place_sites",
        &["md/cell.wgsl", "md/motion/site.wgsl", "md/motion/place_sites.wgsl"],
        "sites_end",
    );
    let files = [
        "md/cell.wgsl",
        "md/terms/force_round.wgsl",
        "md/terms/force_sums.wgsl",
        "md/motion/site.wgsl",
        "md/motion/spread_site_forces.wgsl",
    ];
    bench.pass("spread_site_forces", &files, "sites_end");
    let results = bench.everywhere(1);

    let exact = exact_points(&cell, &points, &results.positions());
    let expected: Vec<[f64; 3]> = (0..count).map(|m| place(m, &exact[4 * m..4 * m + 3])).collect();
    let found: Vec<[f64; 3]> = (0..count).map(|m| exact[4 * m + 3]).collect();
    let (most, rms) = worst(&found, &expected);
    println!("sites: worst {most:.1e}, rms {rms:.1e} nm");
    assert!(most < 3e-8, "{most:e} nm");

    // The work of the site's force is the work of what its atoms get.
    let energy = |m: usize, p: &[[f64; 3]]| -(0..3).map(|k| push[m][k] / 16384.0 * place(m, p)[k]).sum::<f64>();
    let terms = Terms {
        atoms: (0..count).map(|m| vec![4 * m, 4 * m + 1, 4 * m + 2]).collect(),
        energy: &energy,
    };
    let (_, forces) = terms.exact(&cell, &results.positions());
    let error = relative(&forces_of(&results), &forces);
    println!("forces handed over: {error:.2e}");
    assert!(error < 3e-7, "{error:e}");
    for m in 0..count {
        let all = results.integers("force_sums");
        for k in 0..3 {
            let sum: i32 = (0..4).map(|atom| all[3 * (4 * m + atom) + k]).fold(0, i32::wrapping_add);
            assert_eq!(f64::from(sum), push[m][k], "the sum is kept exactly");
            assert_eq!(all[3 * (4 * m + 3) + k], 0, "nothing is left on the site");
        }
    }
}
