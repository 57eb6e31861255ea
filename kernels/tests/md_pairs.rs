//! The integer pair term: against double precision, and the same bits whatever list, skin, sort, capacity or workgroup order computes it.

mod md_support;

use device::{Device, SessionOptions};
use kernels::md::Plan;
use kernels::md::draft::{Atoms, Draft, Head};
use kernels::md::fixed_cell::FixedCell;
use kernels::md::list::List;
use kernels::md::list::capacity::Capacity;
use kernels::md::motion::Leapfrog;
use kernels::md::observe::Kinetic;
use kernels::md::system::Cell;
use kernels::md::system::nonbonded::COULOMB;
use kernels::md::terms::nonbonded::{Coulomb, Nonbonded};
use kernels::package::Package;
use kernels::package::manifest::Number;
use kernels::run::{Boundary, Executor, evaluate, initial_state};
use md_support::{devices, relative};

/// Charged atoms of three kinds on a jittered lattice, each excluding its two neighbors in the order of tags.
struct Salt {
    side: usize,
    /// Tilts of the box, shares of its edges: b along x, c along x and y.
    tilt: [f64; 3],
    cutoff_nm: f64,
    skin_nm: f64,
    switch_nm: Option<f64>,
    coulomb: Coulomb,
    /// Largest component of an atom's velocity, beside what all have.
    speed_nm_ps: f64,
    kinds: [[f64; 3]; 3],
    /// Of the atoms that would have a charge alone, one in so many has.
    alone_in: usize,
}

/// Charge, sigma, epsilon of the three kinds; the last one has no Lennard-Jones.
const KINDS: [[f64; 3]; 3] = [[0.8, 0.24, 0.4], [-0.75, 0.31, 0.65], [-0.05, 0.0, 0.0]];
/// The same with atoms as small as hydrogens are in CHARMM's water.
const TINY: [[f64; 3]; 3] = [[0.8, 0.315, 0.636], [-0.75, 0.04, 0.192], [-0.05, 0.0, 0.0]];
const STEP_NM: [f64; 3] = [0.33, 0.35, 0.34];

impl Salt {
    fn atoms(&self) -> usize {
        self.side.pow(3)
    }

    fn cell(&self) -> FixedCell {
        let [x, y, z] = STEP_NM.map(|step| step * self.side as f64);
        let [bx, cx, cy] = self.tilt;
        let vectors_nm = [[x, 0.0, 0.0], [bx * x, y, 0.0], [cx * x, cy * y, z]];
        FixedCell::new(Cell { vectors_nm }).expect("a reduced cell")
    }

    fn kind(&self, atom: usize) -> usize {
        match atom * 7 % 3 {
            2 if !atom.is_multiple_of(self.alone_in) => 0,
            kind => kind,
        }
    }

    /// Three numbers of an atom, from -1/2 to 1/2.
    fn jitter(step: u64, atom: usize) -> [f64; 3] {
        [0, 1, 2].map(|axis| kernels::random::uniform(11, kernels::random::Stream::Test, step, (3 * atom + axis) as u32) - 0.5)
    }

    fn velocity(&self, atom: usize) -> [f64; 3] {
        let [x, y, z] = Self::jitter(1, atom).map(|part| 2.0 * self.speed_nm_ps * part);
        [0.1 + x, -0.2 + y, 0.05 + z]
    }

    fn positions(&self) -> Vec<[u32; 3]> {
        let at = |i: usize| [i / self.side / self.side, i / self.side % self.side, i % self.side];
        let cell = self.cell();
        let [a, b, c] = cell.cell().vectors_nm;
        let place = |i: usize| {
            let fractions = [0, 1, 2].map(|axis| (at(i)[axis] as f64 + 0.25 * Self::jitter(0, i)[axis]) / self.side as f64);
            cell.encode([0, 1, 2].map(|k| fractions[0] * a[k] + fractions[1] * b[k] + fractions[2] * c[k]))
        };
        (0..self.atoms()).map(place).collect()
    }

    fn exclusions(&self) -> Vec<Vec<u32>> {
        let last = self.atoms() as i64 - 1;
        let around =
            |tag: i64| [tag - 2, tag - 1, tag + 1, tag + 2].map(|other| (0..=last).contains(&other).then_some(other as u32));
        (0..=last).map(|tag| around(tag).into_iter().flatten().collect()).collect()
    }

    fn package(&self, change: impl FnOnce(&mut List)) -> Package {
        let cell = self.cell();
        let positions = self.positions();
        let atoms = Atoms {
            cell,
            velocities_nm_ps: (0..positions.len()).map(|atom| self.velocity(atom)).collect(),
            kind_of: (0..positions.len()).map(|atom| self.kind(atom) as u32).collect(),
            masses_u: vec![23.0, 35.5, 12.0],
            positions,
        };
        let head = Head {
            name: "salt".into(),
            description: String::new(),
            dt_ps: 0.001,
            plan: Plan {
                steps_per_segment: 20,
                segments: 2,
                energies_every: 10,
                positions_every: 20,
            },
        };
        let mut list = List {
            cutoff_nm: self.cutoff_nm,
            skin_nm: self.skin_nm,
            capacity: Capacity::of(
                &atoms.positions,
                cell.cell().diagonal_nm(),
                self.cutoff_nm + self.skin_nm,
                0.0,
            ),
            lead_steps: 5.0,
            sort_period: 100,
            lead_by_forces: true,
            exclusions: self.exclusions(),
            lennard_jones: (0..self.atoms()).map(|atom| self.kinds[self.kind(atom)][2] != 0.0).collect(),
        };
        change(&mut list);
        let mut draft = Draft::new(head, &atoms);
        draft.add(&list);
        draft.add(&Nonbonded {
            charges_e: self.kinds.iter().map(|kind| kind[0]).collect(),
            lennard_jones: self.kinds.iter().map(|kind| [kind[1], kind[2]]).collect(),
            cutoff_nm: self.cutoff_nm,
            switch_nm: self.switch_nm,
            coulomb: self.coulomb,
        });
        draft.add(&Kinetic {
            degrees_of_freedom: 3.0 * atoms.positions.len() as f64,
        });
        draft.add(&Leapfrog);
        draft.frames("positions", 20);
        draft.finish().expect("a package")
    }

    /// All pairs in double precision: energy and forces.
    fn oracle(&self) -> (f64, Vec<[f64; 3]>) {
        let positions = self.positions();
        let cell = self.cell();
        let exclusions = self.exclusions();
        let mut energy = 0.0;
        let mut forces = vec![[0.0; 3]; positions.len()];
        for a in 0..positions.len() {
            for b in 0..a {
                let d = cell.difference(positions[a], positions[b]);
                let r2: f64 = d.iter().map(|x| x * x).sum();
                if r2 >= self.cutoff_nm.powi(2) || exclusions[a].contains(&(b as u32)) {
                    continue;
                }
                let (u, slope) = self.pair(self.kinds[self.kind(a)], self.kinds[self.kind(b)], r2.sqrt());
                energy += u;
                for axis in 0..3 {
                    let force = -slope / r2.sqrt() * d[axis];
                    forces[a][axis] += force;
                    forces[b][axis] -= force;
                }
            }
        }
        (energy, forces)
    }

    /// Energy and its slope.
    fn pair(&self, a: [f64; 3], b: [f64; 3], r: f64) -> (f64, f64) {
        let (sigma, epsilon) = (0.5 * (a[1] + b[1]), (a[2] * b[2]).sqrt());
        let s6 = (sigma / r).powi(6);
        let (mut lj, mut lj_slope) = (4.0 * epsilon * (s6 * s6 - s6), -24.0 * epsilon * (2.0 * s6 * s6 - s6) / r);
        if let Some(start) = self.switch_nm.filter(|start| r > *start) {
            let width = self.cutoff_nm - start;
            let x = (r - start) / width;
            let (s, ds) = (
                1.0 - 10.0 * x.powi(3) + 15.0 * x.powi(4) - 6.0 * x.powi(5),
                -30.0 * x.powi(2) * (1.0 - x).powi(2) / width,
            );
            lj_slope = s * lj_slope + ds * lj;
            lj *= s;
        }
        let qq = COULOMB * a[0] * b[0];
        let (c, c_slope) = match self.coulomb {
            Coulomb::Field { k, c } => (1.0 / r + k * r * r - c, -1.0 / r.powi(2) + 2.0 * k * r),
            Coulomb::Ewald { alpha_per_nm: alpha } => {
                let (erfc, exp) = (libm::erfc(alpha * r), libm::exp(-(alpha * r).powi(2)));
                (
                    erfc / r,
                    -erfc / r.powi(2) - 2.0 * alpha / std::f64::consts::PI.sqrt() * exp / r,
                )
            }
        };
        (lj + qq * c, lj_slope + qq * c_slope)
    }
}

fn variants() -> Vec<Salt> {
    let field = Coulomb::Field { k: 0.68, c: 1.66 };
    let plain = Coulomb::Field { k: 0.0, c: 0.0 };
    let ewald = Coulomb::Ewald { alpha_per_nm: 2.92 };
    let salt = |side, tilt, switch_nm, coulomb| Salt {
        side,
        tilt,
        cutoff_nm: 0.9,
        skin_nm: 0.1,
        switch_nm,
        coulomb,
        speed_nm_ps: 0.0,
        kinds: KINDS,
        alone_in: 1,
    };
    vec![
        salt(9, [0.0; 3], None, field),
        salt(6, [0.0; 3], Some(0.7), plain),
        salt(7, [0.0; 3], None, ewald),
        salt(8, [0.5, -0.3, 0.45], Some(0.75), ewald),
        Salt {
            kinds: TINY,
            ..salt(7, [0.0; 3], None, ewald)
        },
        Salt {
            alone_in: 100,
            ..salt(9, [0.0; 3], None, ewald)
        },
    ]
}

#[test]
fn forces_and_energies_agree_with_double_precision() {
    for device in devices() {
        for salt in variants() {
            let (energy, forces) = salt.oracle();
            let package = salt.package(|_| ());
            let found = evaluate(&package, device.as_ref(), &SessionOptions::default()).expect("an evaluation");
            let found_forces: Vec<[f64; 3]> = found
                .forces
                .chunks_exact(3)
                .map(|v| [v[0], v[1], v[2]].map(f64::from))
                .collect();
            let error = relative(&found_forces, &forces);
            let found = found.energies["NonbondedForce"];
            println!(
                "{}: {} atoms: forces {error:e}, energy {found} {:e}",
                device.info().id,
                salt.atoms(),
                found / energy - 1.0
            );
            assert!(error < 1e-6, "{error:e}");
            assert!((found / energy - 1.0).abs() < 1e-6, "{found} {energy}");
        }
    }
}

fn boundaries(package: &Package, device: &dyn Device, options: &SessionOptions) -> Vec<Boundary> {
    let mut executor = Executor::open(package, device, options).expect("a session");
    executor.enter(0, &initial_state(package)).expect("a state");
    (0..package.manifest().run.segments)
        .map(|_| {
            executor.advance(u64::MAX).expect("steps");
            executor.cross().expect("a boundary")
        })
        .collect()
}

/// Bits depend on the set of pairs within the cutoff alone.
#[test]
fn neither_list_nor_order_shows_in_any_bit() {
    for device in devices() {
        for salt in variants().drain(2..4) {
            let usual = salt.package(|_| ());
            let expected = boundaries(&usual, device.as_ref(), &SessionOptions::default());
            let with_all = |values: &[(&str, Number)]| {
                let mut manifest = usual.manifest().clone();
                for (constant, value) in values {
                    let old = manifest.constants.insert((*constant).into(), *value);
                    assert!(old.is_some_and(|old| old != *value), "{constant}");
                }
                usual.with_manifest(manifest).expect("a package")
            };
            let with = |constant: &str, value: Number| with_all(&[(constant, value)]);
            let always = ("outer_moved2", Number::Float(-1.0));
            let others = [
                ("a skin of 0.05 nm", salt.package(|list| list.skin_nm = 0.05)),
                ("a skin of 0.02 nm", salt.package(|list| list.skin_nm = 0.02)),
                ("a list without lead", salt.package(|list| list.lead_steps = 0.0)),
                ("sorting with every list", with("sort_period", Number::Integer(1))),
                ("a new list in every step", with("moved2", Number::Float(-1.0))),
                ("more room", with("row_words", Number::Integer(999))),
                ("all neighbors near", with("near2", Number::Float(100.0))),
                ("all neighbors far", with("near2", Number::Float(0.0))),
                ("no neighbor outer", with("inner2", Number::Float(100.0))),
                ("outer neighbors in every step", with_all(&[always])),
                ("all far neighbors outer", with_all(&[always, ("inner2", Number::Float(0.0))])),
                (
                    "all neighbors outer",
                    with_all(&[always, ("inner2", Number::Float(0.0)), ("near2", Number::Float(0.0))]),
                ),
            ];
            for (what, package) in &others {
                assert!(
                    boundaries(package, device.as_ref(), &SessionOptions::default()) == expected,
                    "{}: {what} shows",
                    device.info().id
                );
            }
            for seed in 0..3 {
                let options = SessionOptions {
                    workgroup_order_seed: Some(seed),
                    commands_per_submit_max: Some(5),
                    ..SessionOptions::default()
                };
                assert!(
                    boundaries(&usual, device.as_ref(), &options) == expected,
                    "{}: workgroup order {seed} shows",
                    device.info().id
                );
            }
        }
    }
}

/// Atoms that come within the cutoff out of the outer half of the skin count as soon as they do. Fast ones, whose lists look nowhere ahead.
#[test]
fn outer_neighbors_count_as_soon_as_they_are_within_the_cutoff() {
    for device in devices() {
        for mut salt in variants().drain(2..4) {
            salt.speed_nm_ps = 2.0;
            let lists = |moved2: Option<f64>| {
                let usual = salt.package(|list| list.lead_steps = 0.0);
                let mut manifest = usual.manifest().clone();
                manifest
                    .constants
                    .extend(moved2.map(|value| ("moved2".into(), Number::Float(value))));
                let package = usual.with_manifest(manifest).expect("a package");
                boundaries(&package, device.as_ref(), &SessionOptions::default())
            };
            assert!(lists(None) == lists(Some(-1.0)), "{}", device.info().id);
        }
    }
}

/// Nothing out of a buffer's bounds, no exceptional number, no data race: with many charges alone and with so few that most clusters have none for a neighbor.
#[test]
fn nothing_is_found_in_checked_mode() {
    let device = device::select("cpu").expect("every machine has the CPU device");
    let checked = SessionOptions {
        checked: true,
        ..SessionOptions::default()
    };
    for salt in variants() {
        let package = salt.package(|_| ());
        let found = boundaries(&package, device.as_ref(), &checked);
        assert!(found == boundaries(&package, device.as_ref(), &SessionOptions::default()));
    }
}

/// A pair that pushes with 2³⁰ units is a fault, and one that falls a hundredth short of it is none, though its force over distance is looked at.
#[test]
fn a_pair_that_pushes_too_hard_is_a_fault() {
    for device in devices() {
        for salt in variants() {
            let (positions, cell, exclusions) = (salt.positions(), salt.cell(), salt.exclusions());
            let mut hardest = 0f64;
            for a in 0..positions.len() {
                for b in (0..a).filter(|b| !exclusions[a].contains(&(*b as u32))) {
                    let r = cell
                        .difference(positions[a], positions[b])
                        .iter()
                        .map(|x| x * x)
                        .sum::<f64>()
                        .sqrt();
                    if r < salt.cutoff_nm {
                        let (_, slope) = salt.pair(salt.kinds[salt.kind(a)], salt.kinds[salt.kind(b)], r);
                        hardest = hardest.max(slope.abs());
                    }
                }
            }
            let package = salt.package(|_| ());
            let units = |share: f64| {
                let mut manifest = package.manifest().clone();
                let scale = Number::Float(share * 2f64.powi(30) / hardest);
                let old = manifest.constants.insert("force_scale".into(), scale);
                assert!(old.is_some());
                let package = package.with_manifest(manifest).expect("a package");
                evaluate(&package, device.as_ref(), &SessionOptions::default())
            };
            assert!(units(0.99).is_ok(), "{}", device.info().id);
            let error = units(1.01).expect_err("a fault").to_string();
            assert!(error.contains("fault 6"), "{error}");
        }
    }
}
