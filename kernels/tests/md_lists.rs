//! Neighbor lists at any density, size, shape and cutoff: forces against a double-precision sum over all pairs.

mod md_support;

use kernels::md::{AtomType, LennardJonesSystem};
use md_support::{devices, evaluated, oracle, plan, relative};

/// A particle of unit σ and ε.
const UNIT: AtomType = AtomType {
    mass_u: 1.0,
    sigma_nm: 1.0,
    epsilon_kj_mol: 1.0,
};

/// How atoms lie in the box.
#[derive(Clone, Copy, Debug)]
enum Shape {
    /// Everywhere.
    Even,
    /// In a quarter of the box along z.
    Slab,
    /// In a ball whose diameter is a third of the box.
    Droplet,
    /// Along one line.
    Line,
    /// A dense ball in a thin gas.
    DropletInGas,
}

/// Points of a jittered lattice of a density within a box of unequal edges, that a predicate takes; none nearer to each other than 0.9.
fn points(edges: [f64; 3], density: f64, takes: impl Fn([f64; 3]) -> bool) -> Vec<[f64; 3]> {
    let counts = edges.map(|edge| ((edge * density.cbrt()).floor() as usize).max(1));
    let step = [0, 1, 2].map(|axis| edges[axis] / counts[axis] as f64);
    let wiggle = |i: usize, axis: usize| {
        let size = (step[axis] - 0.92).max(0.1 * step[axis]);
        size * (kernels::random::uniform(3, kernels::random::Stream::Test, 1, (3 * i + axis) as u32) - 0.5)
    };
    let total = counts.iter().product();
    let point = |i: usize| {
        let at = [i / counts[2] / counts[1], i / counts[2] % counts[1], i % counts[2]];
        [0, 1, 2].map(|axis| (at[axis] as f64 + 0.5) * step[axis] + wiggle(i, axis))
    };
    (0..total).map(point).filter(|p| takes(*p)).collect()
}

/// About `n` atoms; `density` is that of the part of the box that holds them.
fn system(n: usize, density: f64, shape: Shape, cutoff: f64) -> LennardJonesSystem {
    let share: f64 = match shape {
        Shape::Even => 1.0,
        Shape::Slab => 0.25,
        Shape::Droplet | Shape::DropletInGas => std::f64::consts::PI / 6.0 / 27.0,
        Shape::Line => 0.0,
    };
    let volume = n as f64 / density / share;
    let side = if share == 0.0 { 1.1 * n as f64 } else { volume.cbrt() };
    let edges = [side, side * 1.1, side / 1.1].map(|edge| edge.max(2.02 * cutoff));
    let from_middle = |p: [f64; 3]| [0, 1, 2].map(|axis| p[axis] - 0.5 * edges[axis]);
    let in_ball = |p: [f64; 3]| from_middle(p).iter().map(|x| x * x).sum::<f64>() < (side / 6.0).powi(2);
    let positions_nm = match shape {
        Shape::Even => points(edges, density, |_| true),
        Shape::Slab => points(edges, density, |p| p[2] < 0.25 * edges[2]),
        Shape::Droplet => points(edges, density, in_ball),
        Shape::DropletInGas => {
            let mut all = points(edges, density, in_ball);
            all.extend(points(edges, 0.01, |p| from_middle(p)[0].abs() > side / 6.0 + 1.0));
            all
        }
        Shape::Line => (0..n)
            .map(|i| [1.1 * i as f64, 0.3 * (i % 3) as f64, 0.2 * (i % 2) as f64])
            .collect(),
    };
    let atoms = positions_nm.len();
    LennardJonesSystem {
        name: "scan".into(),
        description: String::new(),
        box_nm: edges,
        types: vec![UNIT],
        type_of: vec![0; atoms],
        positions_nm,
        velocities_nm_ps: vec![[0.0; 3]; atoms],
        dt_ps: 0.005,
        cutoff_nm: cutoff,
        skin_nm: LennardJonesSystem::usual_skin_nm(cutoff),
        plan: plan(10, 10),
    }
}

fn check(system: &LennardJonesSystem, what: &str) {
    let exact = oracle(system);
    let package = system.package().unwrap_or_else(|error| panic!("{what}: {error}"));
    // One device: all have the same bits, which other tests hold.
    let Some(device) = devices().pop() else { return };
    let (energy, forces) = evaluated(&package, device.as_ref());
    if exact.potential == 0.0 {
        assert!(
            energy == 0.0 && forces.iter().flatten().all(|f| *f == 0.0),
            "{what}: nothing is near anything"
        );
        return;
    }
    let error = relative(&forces, &exact.forces);
    println!(
        "{what}: {} atoms, forces {error:e}, energy {:e}",
        system.atoms(),
        energy / exact.potential - 1.0
    );
    // Forces of a thin gas are small beside those of its pairs: rounding shows as itself.
    let size = (exact.forces.iter().flatten().map(|f| f * f).sum::<f64>() / (3 * system.atoms()) as f64).sqrt();
    assert!(error < 3e-6 || error * size < 4e-6, "{what}: forces {error:e} of {size}");
    assert!(
        (energy / exact.potential - 1.0).abs() < 2e-6,
        "{what}: {energy} for {}",
        exact.potential
    );
}

#[test]
fn forces_are_right_at_every_density() {
    for density in [0.02, 0.05, 0.1, 0.2, 0.4, 0.7, 0.85, 1.0, 1.2] {
        check(&system(2300, density, Shape::Even, 2.5), &format!("density {density}"));
    }
}

#[test]
fn forces_are_right_whatever_the_shape() {
    for shape in [Shape::Slab, Shape::Droplet, Shape::DropletInGas, Shape::Line] {
        for density in [0.3, 0.85] {
            check(&system(2200, density, shape, 2.5), &format!("{shape:?} at density {density}"));
        }
    }
}

#[test]
fn forces_are_right_whatever_the_cutoff_and_size() {
    for (n, cutoff) in [(60, 1.5), (90, 2.5), (300, 1.2), (700, 4.0), (2500, 6.0)] {
        for density in [0.05, 0.8] {
            check(
                &system(n, density, Shape::Even, cutoff),
                &format!("{n} atoms at density {density}, cutoff {cutoff}"),
            );
        }
    }
}

/// More atoms than have room for every pair, as thin and as dense as they come.
#[test]
fn lists_of_large_systems_have_room() {
    for (density, shape) in [
        (0.02, Shape::Even),
        (0.6, Shape::Even),
        (0.8, Shape::Droplet),
        (0.8, Shape::Slab),
    ] {
        check(&system(6000, density, shape, 2.5), &format!("{shape:?} at density {density}"));
    }
}

/// Pairs that f32 cannot tell from the cutoff: counted from both sides or from none, so that forces sum to nothing.
#[test]
fn a_pair_at_the_cutoff_counts_for_both_atoms_or_for_none() {
    let Some(device) = devices().pop() else { return };
    for step in -12..12 {
        let off = 1.0 + f64::from(step) * 1.5e-8;
        // Two clusters of tight groups, so that each pair is near for one cluster and far for the other now and then.
        let cutoff = 1.3;
        let mut positions_nm = Vec::new();
        for i in 0..7 {
            let turn = f64::from(i) * 0.9;
            let here = [4.0 + 1.15 * f64::from(i % 2), 4.0 + 1.2 * f64::from(i / 2), 4.0 + 0.3 * turn];
            let (s, c) = (libm::sin(turn), libm::cos(turn));
            positions_nm.push(here);
            positions_nm.push([0, 1, 2].map(|axis| here[axis] + cutoff * off * [c * 0.6, s * 0.6, 0.8][axis]));
        }
        let atoms = positions_nm.len();
        let system = LennardJonesSystem {
            types: vec![AtomType { sigma_nm: 0.7, ..UNIT }],
            type_of: vec![0; atoms],
            velocities_nm_ps: vec![[0.0; 3]; atoms],
            positions_nm,
            box_nm: [16.0; 3],
            ..system(3, 0.5, Shape::Even, cutoff)
        };
        let (_, forces) = evaluated(&system.package().expect("a package"), device.as_ref());
        let largest = forces.iter().flatten().fold(0.0, |most: f64, f| most.max(f.abs()));
        for axis in 0..3 {
            let sum: f64 = forces.iter().map(|force| force[axis]).sum();
            assert!(
                sum.abs() < 1e-6 * largest.max(1.0),
                "step {step}: the forces sum to {sum} along axis {axis}"
            );
        }
    }
}

/// Atoms fifty boxes out, in a box that f32 does not hold, feel what they feel at home.
#[test]
fn images_far_out_feel_the_same() {
    let home = LennardJonesSystem {
        box_nm: [13.000_000_3, 13.1, 12.700_000_1],
        ..system(1200, 0.5, Shape::Even, 2.5)
    };
    let mut far = home.clone();
    for (atom, position) in far.positions_nm.iter_mut().enumerate() {
        for (axis, x) in position.iter_mut().enumerate() {
            *x += home.box_nm[axis] * (((atom * 7 + axis * 3) % 101) as f64 - 50.0);
        }
    }
    let apart = |a: u32, b: u32| a.wrapping_sub(b).cast_signed().abs();
    let (here, there) = (home.positions(), far.positions());
    for (a, b) in here.iter().zip(&there) {
        assert!((0..3).all(|axis| apart(a[axis], b[axis]) <= 1), "{a:?} {b:?}");
    }
}
