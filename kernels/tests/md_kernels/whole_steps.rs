//! A step's motion in one pass has the bits of its passes one after the other.

use crate::bench::Bench;
use crate::integrators::{DT_PS, NOISE, STEPS, System, constrain_velocities, displace, kick};

/// An integrator's step behind the forces.
struct Scheme {
    name: &'static str,
    noise: bool,
    /// What widths of noise are for, K; as displacements they are in nm, and so for less.
    temperature_k: f64,
    /// Whether the motion of the centre is taken out, by a pass of its own or with the rest.
    centre: bool,
    constants: &'static [(&'static str, f64)],
    /// What comes before in both.
    before: fn(&mut Bench),
    /// Its passes; whether there are constraints.
    passes: fn(&mut Bench, bool),
}

const HALF_PS: f64 = 0.5 * DT_PS;

const SCHEMES: [Scheme; 4] = [
    Scheme {
        name: "verlet",
        noise: false,
        temperature_k: 0.0,
        centre: true,
        constants: &[("drift_dt", DT_PS), ("constraint_rate", 1.0 / DT_PS)],
        before: |_| (),
        passes: |bench, constrained| {
            kick(bench, "kick");
            bench.pass("drift", &["md/motion/canonical.wgsl", "md/motion/drift.wgsl"], "atoms");
            displace(bench, "", constrained);
        },
    },
    Scheme {
        name: "middle",
        noise: true,
        temperature_k: 300.0,
        centre: true,
        constants: &[("drift_dt", HALF_PS), ("constraint_rate", 1.0 / DT_PS)],
        before: |_| (),
        passes: |bench, constrained| {
            kick(bench, "kick");
            project(bench, "projection", constrained);
            bench.pass("middle", &[&NOISE[..], &["md/motion/middle.wgsl"]].concat(), "atoms");
            displace(bench, "", constrained);
        },
    },
    Scheme {
        name: "vrorv",
        noise: true,
        temperature_k: 300.0,
        centre: true,
        constants: &[
            ("kick_dt", HALF_PS),
            ("drift_dt", HALF_PS),
            ("constraint_rate", 1.0 / HALF_PS),
        ],
        before: |bench| kick(bench, "kick_1"),
        passes: |bench, constrained| {
            kick(bench, "kick_2");
            project(bench, "projection_1", constrained);
            bench.pass("drift_1", &["md/motion/canonical.wgsl", "md/motion/drift.wgsl"], "atoms");
            displace(bench, "_1", constrained);
            project(bench, "projection_2", constrained);
            bench.pass("thermostat", &[&NOISE[..], &["md/motion/thermostat.wgsl"]].concat(), "atoms");
            project(bench, "projection_3", constrained);
            bench.pass("drift_2", &["md/motion/canonical.wgsl", "md/motion/drift.wgsl"], "atoms");
            displace(bench, "_2", constrained);
            project(bench, "projection_4", constrained);
        },
    },
    Scheme {
        name: "brownian",
        noise: true,
        temperature_k: 3e-3,
        centre: false,
        constants: &[
            ("brownian_push", 2e-4 * DT_PS),
            ("brownian_rate", 1.0 / DT_PS),
            ("constraint_rate", 1.0 / DT_PS),
        ],
        before: |_| (),
        passes: |bench, constrained| {
            bench.pass("brownian", &[&NOISE[..], &["md/motion/brownian.wgsl"]].concat(), "atoms");
            displace(bench, "", constrained);
        },
    },
];

fn project(bench: &mut Bench, name: &str, constrained: bool) {
    if constrained {
        constrain_velocities(bench, name);
    }
}

impl Scheme {
    /// Forces, momentum and what comes before.
    fn bench(&self, system: &System) -> Bench {
        let mut bench = system.forces_bench();
        for (name, value) in self.constants {
            bench.float(name, *value);
        }
        (self.before)(&mut bench);
        let atoms = system.all.inverse_masses.len();
        let groups = atoms.div_ceil(1024);
        // Mass 0 stands for infinite in tables of masses.
        let masses: Vec<f64> = system
            .all
            .inverse_masses
            .iter()
            .map(|inverse| if *inverse > 0.0 { inverse.recip() } else { 0.0 })
            .collect();
        bench.integer("momentum_groups", groups);
        bench.integer("momentum_invocations", 256 * groups);
        bench.float("momentum_share", 1.0 / (16384.0 * masses.iter().sum::<f64>()));
        bench.floats("masses", &[atoms], masses);
        bench.integers("momentum_sums", &[groups, 4], vec![0; 4 * groups]);
        if self.centre {
            bench.pass("momentum_sum", &["md/motion/momentum_sum.wgsl"], "momentum_invocations");
        }
        bench
    }

    fn apart(&self, system: &System, constrained: bool) -> Bench {
        let mut bench = self.bench(system);
        if self.centre {
            let files = ["md/motion/canonical.wgsl", "md/motion/remove_momentum.wgsl"];
            bench.pass("remove_momentum", &files, "momentum_invocations");
        }
        (self.passes)(&mut bench, constrained);
        bench
    }

    fn whole(&self, system: &System, constrained: bool) -> Bench {
        let mut bench = self.bench(system);
        let of = |grouped: &'static str, alone: &'static str| if constrained { grouped } else { alone };
        let mut files = vec!["md/cell.wgsl", "md/motion/canonical.wgsl", "md/motion/moved.wgsl"];
        if constrained {
            files.push("md/motion/constraint.wgsl");
        }
        files.push(of("md/motion/whole/group.wgsl", "md/motion/whole/alone.wgsl"));
        if self.noise {
            files.extend(["random/threefry.wgsl", "random/gaussian.wgsl", "md/motion/whole/noise.wgsl"]);
            files.push(of("md/motion/whole/group_noise.wgsl", "md/motion/whole/alone_noise.wgsl"));
        }
        files.push(match self.centre {
            true => "md/motion/whole/centre.wgsl",
            false => "md/motion/whole/centre_none.wgsl",
        });
        let last = format!("md/motion/whole/whole_{}.wgsl", self.name);
        files.push(&last);
        bench.pass("motion", &files, "groups");
        bench
    }
}

#[test]
fn a_whole_step_has_the_bits_of_its_passes() {
    for constrained in [true, false] {
        for scheme in &SCHEMES {
            let mut system = System::new(scheme.temperature_k);
            if !constrained {
                system.all.constraints = kernels::md::system::Constraints::default();
            }
            let apart = scheme.apart(&system, constrained).on_cpu_in_every_way(STEPS);
            let whole = scheme.whole(&system, constrained).everywhere(STEPS);
            for buffer in ["positions", "velocities"] {
                let same = apart.words(buffer) == whole.words(buffer);
                assert!(same, "{} of {}, constraints: {constrained}", buffer, scheme.name);
            }
        }
    }
}
