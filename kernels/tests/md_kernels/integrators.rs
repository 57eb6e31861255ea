//! Integrators: twenty steps beside double precision, at rest temperature and with the thermostat's own numbers.

use kernels::md::fixed_cell::FixedCell;
use kernels::md::motion::constraints::ConstraintBuffers;
use kernels::md::motion::twin::{self, Model, Motion};
use kernels::md::system::Constraint;
use kernels::random::{Stream, gaussian_f32, gaussian_table, words};

use crate::bench::Bench;
use crate::molecules::{Molecules, cell_of, exact_points, flat, thermal, worst};

pub(crate) const STEPS: u64 = 20;
pub(crate) const DT_PS: f64 = 0.002;
const SEED: u64 = 7;
/// exp(-friction dt) of 5/ps.
const KEEP: f64 = 0.990_049_833_749_168_1;

/// Forces of positions.
type Forces<'a> = &'a dyn Fn(&[[f64; 3]]) -> Vec<[f64; 3]>;

/// A step of a twin.
type Step<'a> = &'a dyn Fn(&Model, &mut Motion, u64);

/// A bond between two molecules.
struct Bond {
    atoms: [usize; 2],
    k: f64,
    r0: f64,
}

/// Molecules with constraints in pairs that bonds hold together, and one frozen atom.
pub(crate) struct System {
    cell: FixedCell,
    pub(crate) all: Molecules,
    bonds: Vec<Bond>,
    velocities: Vec<[f64; 3]>,
    temperature_k: f64,
}

impl System {
    pub(crate) fn new(temperature_k: f64) -> Self {
        let cell = cell_of([[3.1, 0.0, 0.0], [0.7, 2.9, 0.0], [-0.8, 1.3, 2.7]]);
        let mut all = Molecules::default();
        let mut bonds = Vec::new();
        for pair in 0..60 {
            let place = [0, 1, 2].map(|axis| 3.0 * flat(61, 3 * pair + axis));
            let first = all.points_nm.len();
            all.water(place, 1.008);
            let second = all.points_nm.len();
            let beside = [place[0] + 0.28, place[1], place[2]];
            match pair % 5 {
                0 => all.water(beside, 1.008),
                arms => all.star(beside, arms, 1.008),
            }
            let r0 = 0.27 + 0.02 * flat(62, pair);
            bonds.push(Bond {
                atoms: [first, second],
                k: 2e4,
                r0,
            });
            bonds.push(Bond {
                atoms: [first + 1, second],
                k: 5e3,
                r0: 0.3,
            });
        }
        // A frozen atom that pulls at the first molecule.
        let place = all.points_nm[0].map(|x| x + 0.1);
        let frozen = all.add(place, &[[0.0; 3]], &[f64::INFINITY]) as usize;
        bonds.push(Bond {
            atoms: [frozen, 0],
            k: 1e4,
            r0: 0.15,
        });
        let velocities = thermal(&all);
        Self {
            cell,
            all,
            bonds,
            velocities,
            temperature_k,
        }
    }

    fn forces(&self, points: &[[f64; 3]]) -> Vec<[f64; 3]> {
        let mut forces = vec![[0.0; 3]; points.len()];
        for Bond { atoms: [a, b], k, r0 } in &self.bonds {
            let r = [0, 1, 2].map(|axis| points[*b][axis] - points[*a][axis]);
            let length = r.iter().map(|x| x * x).sum::<f64>().sqrt();
            for axis in 0..3 {
                let pull = -k * (length - r0) * r[axis] / length;
                forces[*b][axis] += pull;
                forces[*a][axis] -= pull;
            }
        }
        forces
    }

    /// √(kT (1 - keep²) / m), nm/ps.
    fn widths(&self) -> Vec<f64> {
        let kt = kernels::md::GAS_CONSTANT * self.temperature_k;
        self.all
            .inverse_masses
            .iter()
            .map(|w| (kt * (1.0 - KEEP * KEEP) * w).sqrt())
            .collect()
    }

    fn noise(&self, step: u64) -> Vec<[f64; 3]> {
        let table = gaussian_table();
        let of = |(tag, width): (usize, f64)| {
            let [x, y] = words(SEED, Stream::Thermostat, step, 2 * tag as u32);
            let [z, _] = words(SEED, Stream::Thermostat, step, 2 * tag as u32 + 1);
            [x, y, z].map(|word| width * f64::from(gaussian_f32(&table, word)))
        };
        self.widths().into_iter().enumerate().map(of).collect()
    }

    fn constraints(&self) -> Vec<Constraint> {
        self.all.constraints.all().collect()
    }

    /// Buffers, constants and the passes that make forces and kick.
    fn bench(&self) -> Bench {
        let mut bench = self.forces_bench();
        kick(&mut bench, "kick");
        bench
    }

    /// Buffers, constants and the passes that make forces.
    pub(crate) fn forces_bench(&self) -> Bench {
        let atoms = self.all.points_nm.len();
        let mut bench = Bench::new(&self.cell);
        bench.positions(&self.cell, &self.all.points_nm);
        bench.floats("velocities", &[atoms, 3], self.velocities.iter().flatten().copied());
        bench.floats("displacements", &[atoms, 3], vec![0.0; 3 * atoms]);
        bench.integers("force_sums", &[atoms, 3], vec![0; 3 * atoms]);
        bench.floats("forces", &[atoms, 3], vec![0.0; 3 * atoms]);
        bench.floats("inverse_masses", &[atoms], self.all.inverse_masses.iter().copied());
        bench.floats("noise_widths", &[atoms], self.widths());
        bench.floats(
            "gaussian_table",
            &[256, 4],
            gaussian_table().iter().flatten().map(|c| f64::from(*c)),
        );
        let buffers = ConstraintBuffers::new(&self.all.constraints).expect("good groups");
        let groups = buffers.groups() as usize;
        bench.integer("constraint_groups", groups);
        let all = buffers.motion_groups(&self.all.inverse_masses);
        bench.integer("groups", if groups > 0 { all.len() / 16 } else { atoms });
        if groups > 0 {
            bench.words("motion_groups", &[all.len() / 16, 16], all);
            bench.words("constraint_atoms", &[groups, 8], buffers.atoms);
            bench.floats("constraint_squares", &[groups, 4], buffers.squares.into_iter().map(f64::from));
        }
        let bonds = self.bonds.len();
        bench.integer("bonds", bonds);
        bench.words(
            "bond_atoms",
            &[bonds, 2],
            self.bonds.iter().flat_map(|bond| bond.atoms.map(|atom| atom as u32)),
        );
        let parameters = self.bonds.iter().flat_map(|bond| {
            let square = bond.r0 * bond.r0;
            let high = f64::from(square as f32);
            [bond.k, bond.r0, high, square - high]
        });
        bench.floats("bond_parameters", &[bonds, 4], parameters);
        bench.float("force_scale", 16384.0);
        bench.float("force_unit", 1.0 / 16384.0);
        bench.float("kick_dt", DT_PS);
        bench.float("kick_first", 1.0);
        bench.float("friction_keep", KEEP);
        bench.integer("seed_low", SEED as usize);
        bench.integer("seed_high", 0);
        bench.integer("noise_stream", Stream::Thermostat as usize);
        let files = [
            "md/cell.wgsl",
            "md/terms/bonds/exact.wgsl",
            "md/terms/bonds/bond.wgsl",
            "md/terms/force_round.wgsl",
            "md/terms/force_sums.wgsl",
            "md/terms/bonds/bond_forces.wgsl",
        ];
        bench.pass("bond_forces", &files, "bonds");
        let files = [
            "md/terms/reciprocal_none.wgsl",
            "md/terms/slot_sums_none.wgsl",
            "md/terms/sum_forces.wgsl",
        ];
        bench.pass("sum_forces", &files, "atoms");
        bench
    }

    fn model<'a>(
        &'a self,
        constraints: &'a [Constraint],
        forces: Forces<'a>,
        noise: &'a dyn Fn(u64) -> Vec<[f64; 3]>,
    ) -> Model<'a> {
        Model {
            inverse_masses: &self.all.inverse_masses,
            constraints,
            forces,
            dt_ps: DT_PS,
            keep: KEEP,
            noise,
        }
    }

    /// Run both and compare. `last`: what brings the twin's velocities to where the device's are.
    fn compare(&self, name: &str, bench: &Bench, step: Step, last: &dyn Fn(&Model, &mut Motion)) {
        let start: Vec<[u32; 3]> = self.all.points_nm.iter().map(|point| self.cell.encode(*point)).collect();
        let results = bench.everywhere(STEPS);
        let (constraints, forces, noise) = (
            self.constraints(),
            |points: &[[f64; 3]]| self.forces(points),
            |step| self.noise(step),
        );
        let model = self.model(&constraints, &forces, &noise);
        let mut motion = Motion {
            positions_nm: exact_points(&self.cell, &self.all.points_nm, &start),
            velocities_nm_ps: self.velocities.clone(),
        };
        for index in 0..STEPS {
            step(&model, &mut motion, index);
        }
        last(&model, &mut motion);
        let found = exact_points(&self.cell, &motion.positions_nm, &results.positions());
        let (most, rms) = worst(&found, &motion.positions_nm);
        let (most_v, rms_v) = worst(&results.vectors("velocities"), &motion.velocities_nm_ps);
        println!(
            "{name} at {} K: after {STEPS} steps positions worst {most:.1e}, rms {rms:.1e} nm; velocities worst {most_v:.1e}, rms {rms_v:.1e} nm/ps",
            self.temperature_k
        );
        assert!(most < 1e-6 && rms < 1e-7, "{most:e} {rms:e}");
        assert!(rms_v < 5e-5, "{rms_v:e}");
    }
}

pub(crate) fn kick(bench: &mut Bench, name: &str) {
    bench.pass(name, &["md/motion/canonical.wgsl", "md/motion/kick.wgsl"], "atoms");
}

pub(crate) fn constrain_velocities(bench: &mut Bench, name: &str) {
    let files = [
        "md/cell.wgsl",
        "md/motion/canonical.wgsl",
        "md/motion/constraint.wgsl",
        "md/motion/constrain_velocities.wgsl",
    ];
    bench.pass(name, &files, "constraint_groups");
}

/// Constrain displacements and add them to the positions.
pub(crate) fn displace(bench: &mut Bench, turn: &str, constrained: bool) {
    let files = [
        "md/cell.wgsl",
        "md/motion/canonical.wgsl",
        "md/motion/constraint.wgsl",
        "md/motion/constrain.wgsl",
    ];
    if constrained {
        bench.pass(&format!("constrain{turn}"), &files, "constraint_groups");
    }
    let files = ["md/cell.wgsl", "md/motion/moved.wgsl", "md/motion/move_atoms.wgsl"];
    bench.pass(&format!("move{turn}"), &files, "atoms");
}

#[test]
fn verlet_follows_double_precision() {
    let system = System::new(0.0);
    let mut bench = system.bench();
    bench.float("drift_dt", DT_PS);
    bench.float("constraint_rate", 1.0 / DT_PS);
    bench.pass("drift", &["md/motion/canonical.wgsl", "md/motion/drift.wgsl"], "atoms");
    displace(&mut bench, "", true);
    system.compare("Verlet", &bench, &|model, motion, _| model.verlet(motion), &|_, _| ());
}

pub(crate) const NOISE: [&str; 3] = ["random/threefry.wgsl", "random/gaussian.wgsl", "md/motion/canonical.wgsl"];

#[test]
fn langevin_middle_follows_double_precision() {
    for temperature_k in [0.0, 300.0] {
        let system = System::new(temperature_k);
        let mut bench = system.bench();
        bench.float("drift_dt", 0.5 * DT_PS);
        bench.float("constraint_rate", 1.0 / DT_PS);
        constrain_velocities(&mut bench, "constrain_velocities");
        bench.pass("middle", &[&NOISE[..], &["md/motion/middle.wgsl"]].concat(), "atoms");
        displace(&mut bench, "", true);
        system.compare(
            "LangevinMiddle",
            &bench,
            &|model, motion, step| model.langevin_middle(motion, step),
            &|_, _| (),
        );
    }
}

#[test]
fn vrorv_follows_double_precision() {
    for temperature_k in [0.0, 300.0] {
        let system = System::new(temperature_k);
        let mut bench = system.bench();
        bench.float("drift_dt", 0.5 * DT_PS);
        bench.float("constraint_rate", 2.0 / DT_PS);
        bench.float("kick_first", 0.5);
        constrain_velocities(&mut bench, "constrain_velocities_1");
        bench.pass("drift_1", &["md/motion/canonical.wgsl", "md/motion/drift.wgsl"], "atoms");
        displace(&mut bench, "_1", true);
        constrain_velocities(&mut bench, "constrain_velocities_2");
        bench.pass("thermostat", &[&NOISE[..], &["md/motion/thermostat.wgsl"]].concat(), "atoms");
        constrain_velocities(&mut bench, "constrain_velocities_3");
        bench.pass("drift_2", &["md/motion/canonical.wgsl", "md/motion/drift.wgsl"], "atoms");
        displace(&mut bench, "_2", true);
        constrain_velocities(&mut bench, "constrain_velocities_4");
        // The device's velocities lie half a kick before the twin's.
        let last = |model: &Model, motion: &mut Motion| {
            let forces = (model.forces)(&motion.positions_nm);
            for ((v, force), w) in motion.velocities_nm_ps.iter_mut().zip(forces).zip(model.inverse_masses) {
                *v = [0, 1, 2].map(|k| v[k] - 0.5 * DT_PS * w * force[k]);
            }
            twin::constrain_velocities(
                &motion.positions_nm,
                &mut motion.velocities_nm_ps,
                model.inverse_masses,
                model.constraints,
            );
        };
        system.compare("VRORV", &bench, &|model, motion, step| model.vrorv(motion, step), &last);
    }
}
