//! The motion of the centre of mass is taken out.

use crate::bench::Bench;
use crate::molecules::{cell_of, flat, vector, worst};

#[test]
fn the_centre_of_mass_stops_and_nothing_else_changes() {
    let atoms = 9000;
    // Every hundredth does not move: mass 0 stands for infinite in tables of masses.
    let mass = |tag: usize| {
        if tag % 100 == 3 {
            0.0
        } else {
            f64::from((1.0 + 30.0 * flat(91, tag)) as f32)
        }
    };
    let velocity = |tag: usize| {
        if tag % 100 == 3 {
            [0.0; 3]
        } else {
            vector(92, tag).map(|x| f64::from((0.3 + x) as f32))
        }
    };
    let total: f64 = (0..atoms).map(mass).sum();
    let mut bench = Bench::new(&cell_of([[3.0, 0.0, 0.0], [0.0, 3.0, 0.0], [0.0, 0.0, 3.0]]));
    bench.integer("atoms", atoms);
    let groups = atoms.div_ceil(1024);
    bench.integer("momentum_groups", groups);
    bench.float("momentum_share", 1.0 / (16384.0 * total));
    bench.floats("masses", &[atoms], (0..atoms).map(mass));
    bench.floats("velocities", &[atoms, 3], (0..atoms).flat_map(velocity));
    bench.integers("momentum_sums", &[groups, 4], vec![0; 4 * groups]);
    bench.integer("momentum_invocations", 256 * groups);
    bench.pass("momentum_sum", &["md/motion/momentum_sum.wgsl"], "momentum_invocations");
    bench.pass(
        "remove_momentum",
        &["md/motion/canonical.wgsl", "md/motion/remove_momentum.wgsl"],
        "momentum_invocations",
    );
    let drift = [0, 1, 2].map(|k| (0..atoms).map(|tag| mass(tag) * velocity(tag)[k]).sum::<f64>() / total);
    let expected: Vec<[f64; 3]> = (0..atoms)
        .map(|tag| {
            if mass(tag) == 0.0 {
                [0.0; 3]
            } else {
                [0, 1, 2].map(|k| velocity(tag)[k] - drift[k])
            }
        })
        .collect();
    let (most, rms) = worst(&bench.everywhere(1).vectors("velocities"), &expected);
    println!("worst {most:.1e}, rms {rms:.1e} nm/ps");
    assert!(most < 4e-7 && rms < 6e-8, "{most:e} {rms:e}");
}
