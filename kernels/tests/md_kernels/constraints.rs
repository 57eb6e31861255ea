//! Constraints: residuals at the floor of f32 and the same displacements and velocities as double precision.

use kernels::md::fixed_cell::FixedCell;
use kernels::md::motion::constraint_sets::ConstraintSets;
use kernels::md::motion::constraints::ConstraintBuffers;
use kernels::md::motion::twin;
use kernels::md::system::Constraint;

use crate::bench::Bench;
use crate::molecules::{Molecules, cell_of, exact_points, flat, thermal, vector, worst};

const CONSTRAINT: [&str; 3] = ["md/cell.wgsl", "md/motion/canonical.wgsl", "md/motion/constraint.wgsl"];

fn cell() -> FixedCell {
    cell_of([[6.2, 0.0, 0.0], [2.0, 5.8, 0.0], [-3.0, 1.9, 5.5]])
}

/// Waters and stars of one to four arms, all over the box and across its edges.
fn mixture(count: usize, hydrogen_u: f64) -> Molecules {
    let mut all = Molecules::default();
    for index in 0..count {
        let place = [0, 1, 2].map(|axis| 6.0 * flat(1, 3 * index + axis));
        match index % 5 {
            0 => all.water(place, hydrogen_u),
            arms => all.star(place, arms, hydrogen_u),
        }
    }
    all
}

fn bench(all: &Molecules, velocities: &[[f64; 3]], dt_ps: f64) -> Bench {
    let atoms = all.points_nm.len();
    let mut bench = Bench::new(&cell());
    let buffers = ConstraintBuffers::new(&all.constraints).expect("good groups");
    let groups = buffers.groups() as usize;
    bench.integer("constraint_groups", groups);
    bench.float("constraint_rate", 1.0 / dt_ps);
    bench.words("constraint_atoms", &[groups, 8], buffers.atoms);
    bench.floats("constraint_squares", &[groups, 4], buffers.squares.into_iter().map(f64::from));
    bench.floats("inverse_masses", &[atoms], all.inverse_masses.iter().copied());
    bench.positions(&cell(), &all.points_nm);
    bench.floats("velocities", &[atoms, 3], velocities.iter().flatten().copied());
    bench
}

fn constraints(all: &Molecules) -> Vec<Constraint> {
    all.constraints.all().collect()
}

#[test]
fn three_newton_iterations_bring_every_group_to_the_floor_of_f32() {
    for (dt_ps, hydrogen_u) in [(0.002, 1.008), (0.004, 3.024)] {
        let all = mixture(2000, hydrogen_u);
        let velocities = thermal(&all);
        let mut bench = bench(&all, &velocities, dt_ps);
        let free: Vec<[f64; 3]> = velocities.iter().map(|v| v.map(|x| f64::from((x * dt_ps) as f32))).collect();
        bench.floats("displacements", &[free.len(), 3], free.iter().flatten().copied());
        bench.pass(
            "constrain",
            &[&CONSTRAINT[..], &["md/motion/constrain.wgsl"]].concat(),
            "constraint_groups",
        );
        let results = bench.everywhere(1);

        let points = exact_points(&cell(), &all.points_nm, &results.positions());
        let displacements = results.vectors("displacements");
        let mut residual: f64 = 0.0;
        for Constraint {
            atoms: [a, b],
            length_nm,
        } in constraints(&all)
        {
            let [a, b] = [a as usize, b as usize];
            let s = [0, 1, 2].map(|k| points[b][k] - points[a][k] + displacements[b][k] - displacements[a][k]);
            let length = s.iter().map(|x| x * x).sum::<f64>().sqrt();
            residual = residual.max((length / length_nm - 1.0).abs());
        }
        let mut expected = free.clone();
        twin::constrain(&points, &mut expected, &all.inverse_masses, &constraints(&all));
        let expected_velocities: Vec<[f64; 3]> = (0..free.len())
            .map(|i| [0, 1, 2].map(|k| velocities[i][k] + (expected[i][k] - free[i][k]) / dt_ps))
            .collect();
        let (most, rms) = worst(&displacements, &expected);
        let (most_v, rms_v) = worst(&results.vectors("velocities"), &expected_velocities);
        println!(
            "dt {dt_ps} ps: residual {residual:.2e}; displacements worst {most:.2e}, rms {rms:.2e} nm; velocities worst {most_v:.2e}, rms {rms_v:.2e} nm/ps"
        );
        assert!(residual < 2.2e-7, "{residual:e}");
        assert!(rms < 1.5e-8 && rms_v < 5e-6, "{rms:e} nm, {rms_v:e} nm/ps");
        assert!(most < 2e-7, "{most:e} nm");
    }
}

#[test]
fn velocities_lose_what_would_change_a_length_and_nothing_else() {
    let all = mixture(2000, 1.008);
    let velocities: Vec<[f64; 3]> = (0..all.points_nm.len())
        .map(|tag| vector(3, tag).map(|x| f64::from(x as f32)))
        .collect();
    let mut bench = bench(&all, &velocities, 0.002);
    bench.pass(
        "constrain_velocities",
        &[&CONSTRAINT[..], &["md/motion/constrain_velocities.wgsl"]].concat(),
        "constraint_groups",
    );
    let results = bench.everywhere(1);
    let points = exact_points(&cell(), &all.points_nm, &results.positions());
    let mut expected = velocities.clone();
    twin::constrain_velocities(&points, &mut expected, &all.inverse_masses, &constraints(&all));
    let (most, rms) = worst(&results.vectors("velocities"), &expected);
    println!("velocities worst {most:.2e}, rms {rms:.2e} nm/ps");
    assert!(most < 2e-6 && rms < 2e-7, "{most:e}, {rms:e}");
}

/// All bonds of molecules: chains, and rings with side chains.
fn skeletons(count: usize) -> Molecules {
    let mut all = Molecules::default();
    for index in 0..count {
        let place = [0, 1, 2].map(|axis| 6.0 * flat(4, 3 * index + axis));
        let length = 20 + index;
        // A zigzag of 0.15 nm, closed to a ring of six at its end, with a hydrogen on every second atom.
        let angle = |k: usize| std::f64::consts::TAU * k as f64 / 6.0;
        let mut points: Vec<[f64; 3]> = (0..length)
            .map(|k| [0.13 * k as f64, if k % 2 == 0 { 0.0 } else { 0.075 }, 0.0])
            .collect();
        let end = points[length - 1];
        points.extend((0..6).map(|k| {
            [
                end[0] + 0.3 - 0.15 * angle(k).cos(),
                end[1] + 0.15 * angle(k).sin(),
                0.02 * (k % 2) as f64,
            ]
        }));
        let mut bonds: Vec<[usize; 2]> = (0..length).map(|k| [k, k + 1]).collect();
        bonds.extend((0..6).map(|k| [length + k, length + (k + 1) % 6]));
        for k in (0..length).step_by(2) {
            bonds.push([k, points.len()]);
            points.push([points[k][0], -0.07, 0.08]);
        }
        let masses: Vec<f64> = (0..points.len())
            .map(|k| if k < length + 6 { 12.011 } else { 1.008 })
            .collect();
        let distance = |[a, b]: [usize; 2]| (0..3).map(|k| (points[a][k] - points[b][k]).powi(2)).sum::<f64>().sqrt();
        let lengths: Vec<f64> = bonds.iter().map(|bond| distance(*bond)).collect();
        let first = all.add(place, &points, &masses);
        let set = bonds.iter().zip(lengths).map(|([a, b], length_nm)| Constraint {
            atoms: [first + *a as u32, first + *b as u32],
            length_nm,
        });
        all.constraints.larger.push(set.collect());
    }
    all
}

fn bench_of_sets(all: &Molecules, velocities: &[[f64; 3]], dt_ps: f64) -> Bench {
    let sets = ConstraintSets::new(&all.constraints.larger, &all.inverse_masses).expect("good sets");
    let atoms = velocities.len();
    let mut bench = Bench::new(&cell());
    bench.integer("constraint_sets", 64 * sets.sets() as usize);
    bench.integer("set_colors", sets.colors as usize);
    bench.float("constraint_rate", 1.0 / dt_ps);
    let (ranges, tags, rows) = (sets.ranges.len() / 20, sets.atoms.len(), sets.rows.len() / 4);
    bench.words("set_ranges", &[ranges, 20], sets.ranges);
    bench.words("set_atoms", &[tags], sets.atoms);
    bench.words("set_rows", &[rows, 4], sets.rows);
    bench.floats("inverse_masses", &[atoms], all.inverse_masses.iter().copied());
    bench.positions(&cell(), &all.points_nm);
    bench.floats("velocities", &[atoms, 3], velocities.iter().flatten().copied());
    bench
}

const SET: [&str; 3] = ["md/cell.wgsl", "md/motion/canonical.wgsl", "md/motion/set.wgsl"];

#[test]
fn larger_sets_come_to_the_floor_of_f32() {
    let all = skeletons(5);
    let dt_ps = 0.002;
    let velocities = thermal(&all);
    let mut bench = bench_of_sets(&all, &velocities, dt_ps);
    let free: Vec<[f64; 3]> = velocities.iter().map(|v| v.map(|x| f64::from((x * dt_ps) as f32))).collect();
    bench.floats("displacements", &[free.len(), 3], free.iter().flatten().copied());
    bench.pass(
        "constrain_sets",
        &[&SET[..], &["md/motion/constrain_sets.wgsl"]].concat(),
        "constraint_sets",
    );
    let results = bench.everywhere(1);
    let points = exact_points(&cell(), &all.points_nm, &results.positions());
    let displacements = results.vectors("displacements");
    let mut residual: f64 = 0.0;
    for one in constraints(&all) {
        let [a, b] = one.atoms.map(|atom| atom as usize);
        let s = [0, 1, 2].map(|k| points[b][k] - points[a][k] + displacements[b][k] - displacements[a][k]);
        let length = s.iter().map(|x| x * x).sum::<f64>().sqrt();
        residual = residual.max((length / one.length_nm - 1.0).abs());
    }
    let mut expected = free.clone();
    twin::constrain(&points, &mut expected, &all.inverse_masses, &constraints(&all));
    let (most, rms) = worst(&displacements, &expected);
    println!("residual {residual:.2e}; displacements worst {most:.2e}, rms {rms:.2e} nm");
    assert!(residual < 5e-7, "{residual:e}");
    assert!(most < 5e-7 && rms < 5e-8, "{most:e}, {rms:e}");
}

#[test]
fn velocities_of_larger_sets_lose_what_would_change_a_length() {
    let all = skeletons(5);
    let velocities: Vec<[f64; 3]> = (0..all.points_nm.len())
        .map(|tag| vector(6, tag).map(|x| f64::from(x as f32)))
        .collect();
    let mut bench = bench_of_sets(&all, &velocities, 0.002);
    let last = ["md/motion/constrain_velocity_sets.wgsl"];
    bench.pass("constrain_velocity_sets", &[&SET[..], &last].concat(), "constraint_sets");
    let results = bench.everywhere(1);
    let points = exact_points(&cell(), &all.points_nm, &results.positions());
    let mut expected = velocities.clone();
    twin::constrain_velocities(&points, &mut expected, &all.inverse_masses, &constraints(&all));
    let (most, rms) = worst(&results.vectors("velocities"), &expected);
    println!("velocities worst {most:.2e}, rms {rms:.2e} nm/ps");
    assert!(most < 5e-6 && rms < 1e-6, "{most:e}, {rms:e}");
}

#[test]
fn a_distance_that_cannot_be_held_is_a_fault_by_name() {
    let all = mixture(5, 1.008);
    let velocities = vec![[0.0; 3]; all.points_nm.len()];
    let mut bench = bench(&all, &velocities, 0.002);
    // An atom thrown to the other side of the box.
    let free = (0..3 * velocities.len()).map(|k| if k == 3 { 1.7 } else { 0.0 });
    bench.floats("displacements", &[velocities.len(), 3], free);
    bench.pass(
        "constrain",
        &[&CONSTRAINT[..], &["md/motion/constrain.wgsl"]].concat(),
        "constraint_groups",
    );
    let Err(error) = bench.on_cpu(1) else { panic!("no fault") };
    assert!(error.to_string().contains("fault 5"), "{error}");
}
