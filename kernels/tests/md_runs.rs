//! What holds of whole runs: the same bits on every device and however the work is cut, whatever the order of atoms;
//! conserved momentum and energy; faults that stop a run.

mod md_support;

use device::{Command, Device, Session, SessionOptions};
use kernels::md::{LennardJonesSystem, examples};
use kernels::package::manifest::{Number, Role};
use kernels::package::{Package, layout};
use kernels::run::{Boundary, Executor, RunError, evaluate, initial_state};
use md_support::{TWO, devices, evaluated, mixture, oracle, plan, relative};

fn boundaries(package: &Package, device: &dyn Device, options: &SessionOptions) -> Result<Vec<Boundary>, RunError> {
    let mut executor = Executor::open(package, device, options)?;
    executor.enter(0, &initial_state(package))?;
    (0..package.manifest().run.segments)
        .map(|_| {
            executor.advance(u64::MAX)?;
            executor.cross()
        })
        .collect()
}

/// Words of a state buffer.
fn words(boundary: &Boundary, buffer: usize) -> Vec<u32> {
    boundary.state[buffer]
        .bytes
        .chunks_exact(4)
        .map(|word| u32::from_le_bytes([word[0], word[1], word[2], word[3]]))
        .collect()
}

/// Argon, melting: lists are built every few steps.
fn argon() -> LennardJonesSystem {
    LennardJonesSystem {
        plan: plan(60, 20),
        ..examples::argon()
    }
}

#[test]
fn every_device_and_every_cut_gives_the_same_bytes() {
    for system in [argon(), mixture(7, &TWO)] {
        let package = system.package().expect("a package");
        let mut first: Option<Vec<Boundary>> = None;
        for device in devices() {
            for commands in [None, Some(1), Some(7)] {
                let options = SessionOptions {
                    commands_per_submit_max: commands,
                    workgroup_order_seed: commands.map(|n| n as u64),
                    ..SessionOptions::default()
                };
                let found = boundaries(&package, device.as_ref(), &options).expect("a run");
                let expected = first.get_or_insert_with(|| found.clone());
                assert!(
                    found == *expected,
                    "{}: {} differs with {commands:?} commands a submit",
                    system.name,
                    device.info().id
                );
            }
        }
    }
}

#[test]
fn permuted_atoms_feel_permuted_forces() {
    let system = mixture(6, &TWO);
    let n = system.atoms();
    let order: Vec<usize> = (0..n).map(|i| (i * 5 + 3) % n).collect();
    assert_eq!(
        n % 5,
        1,
        "5 and the number of atoms share no factor, so the order is a permutation"
    );
    let shuffled = LennardJonesSystem {
        type_of: order.iter().map(|i| system.type_of[*i]).collect(),
        positions_nm: order.iter().map(|i| system.positions_nm[*i]).collect(),
        velocities_nm_ps: order.iter().map(|i| system.velocities_nm_ps[*i]).collect(),
        ..system.clone()
    };
    for device in devices() {
        let (energy, forces) = evaluated(&system.package().expect("a package"), device.as_ref());
        let (other_energy, other_forces) = evaluated(&shuffled.package().expect("a package"), device.as_ref());
        assert_eq!(energy.to_bits(), other_energy.to_bits());
        for (place, atom) in order.iter().enumerate() {
            assert_eq!(
                other_forces[place].map(f64::to_bits),
                forces[*atom].map(f64::to_bits),
                "atom {atom}"
            );
        }
    }
}

/// A package in a session of its own, pass by pass.
struct Bench<'a> {
    package: &'a Package,
    session: Box<dyn Session>,
    step: u64,
}

impl<'a> Bench<'a> {
    fn new(package: &'a Package, device: &dyn Device) -> Self {
        let mut session = device
            .open(&package.program(), &SessionOptions::default())
            .expect("a session");
        for (id, buffer) in package.manifest().buffers.iter().enumerate() {
            if matches!(buffer.role, Role::State | Role::Constant) {
                let initial = package.initial(id);
                session.write(id, 0, &layout::unpack(buffer.layout, &initial)).expect("room");
            }
        }
        Self {
            package,
            session,
            step: 0,
        }
    }

    /// One step; `seen` is called before `leapfrog`, when positions and forces belong together.
    fn step(&mut self, seen: impl FnOnce(&mut Self)) {
        let passes = &self.package.manifest().passes;
        let leapfrog = passes.iter().position(|pass| pass.name == "leapfrog").expect("an integrator");
        let pass = |pass| Command::Dispatch {
            pass,
            workgroups: self.package.workgroups(pass),
            step: self.step,
        };
        let before: Vec<_> = (0..leapfrog).map(pass).collect();
        let after: Vec<_> = (leapfrog..passes.len()).map(pass).collect();
        self.session.submit(&before).expect("a submit");
        seen(self);
        self.session.submit(&after).expect("a submit");
        self.step += 1;
    }

    fn words(&mut self, buffer: &str) -> Vec<u32> {
        let buffers = &self.package.manifest().buffers;
        let id = buffers.iter().position(|b| b.name == buffer).expect("a buffer");
        let bytes = self.session.read(&[id]).expect("contents").remove(0);
        bytes
            .chunks_exact(4)
            .map(|word| u32::from_le_bytes([word[0], word[1], word[2], word[3]]))
            .collect()
    }

    /// Rows of three from a buffer with rows of four.
    fn rows(&mut self, buffer: &str) -> Vec<[u32; 3]> {
        self.words(buffer)
            .chunks_exact(4)
            .map(|row| [row[0], row[1], row[2]])
            .collect()
    }
}

/// No list may lack a pair at any step of its life, wherever it takes the atoms to be.
#[test]
fn forces_are_as_exact_in_every_step_of_a_lists_life() {
    for system in [argon(), mixture(7, &TWO)] {
        let package = system.package().expect("a package");
        for device in devices() {
            let mut bench = Bench::new(&package, device.as_ref());
            // Until the crystal has melted.
            (0..120).for_each(|_| bench.step(|_| ()));
            let mut worst: f64 = 0.0;
            for _ in 0..60 {
                bench.step(|bench| {
                    let nm = |row: [u32; 3]| [0, 1, 2].map(|axis| f64::from(row[axis]) / 4_294_967_296.0 * system.box_nm[axis]);
                    let positions_nm = bench.rows("positions").into_iter().map(nm).collect();
                    let exact = oracle(&LennardJonesSystem {
                        positions_nm,
                        ..system.clone()
                    });
                    let forces = bench
                        .rows("forces")
                        .into_iter()
                        .map(|row| row.map(|bits| f64::from(f32::from_bits(bits))));
                    worst = worst.max(relative(&forces.collect::<Vec<_>>(), &exact.forces));
                });
            }
            println!("{}: {}: worst {worst:e} from double precision", device.info().id, system.name);
            assert!(worst <= 1e-6, "{}: {worst:e}", system.name);
        }
    }
}

/// A list is made for where its atoms will be; without that (`lead` 0) it is spent sooner.
#[test]
fn lists_live_longer_for_looking_ahead() {
    let with = examples::argon().package().expect("a package");
    let mut manifest = with.manifest().clone();
    manifest.constants.insert("lead".into(), Number::Float(0.0));
    let without = with.with_manifest(manifest).expect("a package");
    let device = &devices()[0];
    let [with, without] = [with, without].map(|package| {
        let mut bench = Bench::new(&package, device.as_ref());
        (0..500).for_each(|_| bench.step(|_| ()));
        bench.words("schedule")[24]
    });
    println!("500 steps of argon: {with} lists, {without} where atoms are taken to be where they are");
    assert!(3 * with <= 2 * without, "{with} {without}");
}

#[test]
fn momentum_and_energy_are_conserved() {
    let system = LennardJonesSystem {
        plan: plan(200, 200),
        ..examples::argon()
    };
    let package = system.package().expect("a package");
    for device in devices() {
        let found = boundaries(&package, device.as_ref(), &SessionOptions::default()).expect("a run");
        let velocities: Vec<f32> = words(&found[1], 1).into_iter().map(f32::from_bits).collect();
        for axis in 0..3 {
            let sum: f64 = velocities.iter().skip(axis).step_by(3).map(|v| f64::from(*v)).sum();
            println!(
                "{}: mean velocity along axis {axis} {:e} nm/ps",
                device.info().id,
                sum / 864.0
            );
            assert!((sum / 864.0).abs() < 1e-6, "{sum}");
        }
        let conserved = found.iter().map(|boundary| {
            let row = &boundary.outputs[0];
            i64::from_le_bytes(row[32..40].try_into().expect("8 bytes")) as f64 / 4_294_967_296.0 / 864.0
        });
        let conserved: Vec<f64> = conserved.collect();
        println!("{}: conserved energy per atom {conserved:?} kJ/mol", device.info().id);
        // 1 ps of melting; OpenMM's and LAMMPS's own scatter is 1e-4.
        assert!((conserved[1] - conserved[0]).abs() < 1e-3, "{conserved:?}");
    }
}

/// Each capacity by itself: nothing else follows from it.
#[test]
fn a_list_without_room_stops_the_run() {
    let package = argon().package().expect("a package");
    for (constant, room, expected) in [
        ("row_words", 40, "more neighbors than the list has room for"),
        ("hits_max", 10, "more neighbors than the list has room for"),
        ("candidate_words", 2, "near more clusters than there is room for"),
    ] {
        let mut manifest = package.manifest().clone();
        manifest.constants.insert(constant.into(), Number::Integer(room));
        manifest.grow.clear();
        let small = package.with_manifest(manifest).expect("a package");
        for device in devices() {
            let error = boundaries(&small, device.as_ref(), &SessionOptions::default())
                .expect_err("no room")
                .to_string();
            assert!(error.contains(expected), "{}: {error}", device.info().id);
        }
    }
}

/// A list without room gets it, and the segment is computed again: no bit of state or outputs shows it, in a run and in an evaluation.
#[test]
fn a_list_grows_when_it_has_no_room() {
    let package = argon().package().expect("a package");
    let small = |rooms: &[(&str, i64)]| {
        let mut manifest = package.manifest().clone();
        for (constant, room) in rooms {
            manifest.constants.insert((*constant).into(), Number::Integer(*room));
        }
        package.with_manifest(manifest).expect("a package")
    };
    let options = SessionOptions::default();
    let crowded = small(&[("row_words", 40), ("hits_max", 10), ("candidate_words", 3)]);
    for device in devices() {
        let [expected, found] =
            [&package, &crowded].map(|package| boundaries(package, device.as_ref(), &options).expect("a run"));
        assert!(found == expected, "{}", device.info().id);
    }
    let cpu = &devices()[0];
    let [expected, found] = [&package, &crowded].map(|package| evaluate(package, cpu.as_ref(), &options).expect("forces"));
    assert!(found == expected);
    // Sixteen times almost nothing is not enough.
    let error = boundaries(&small(&[("row_words", 2)]), cpu.as_ref(), &options).expect_err("no room");
    assert!(error.to_string().contains("though it grew"), "{error}");
}

/// More room changes no bit.
#[test]
fn capacity_does_not_show_in_the_state() {
    let package = argon().package().expect("a package");
    let mut manifest = package.manifest().clone();
    for (constant, room) in [("row_words", 300), ("hits_max", 120), ("candidate_words", 9)] {
        let old = manifest.constants.insert(constant.into(), Number::Integer(room));
        assert!(old.is_some_and(|old| old != Number::Integer(room)), "{constant} {old:?}");
    }
    let other = package.with_manifest(manifest).expect("a package");
    for device in devices() {
        let [one, two] =
            [&package, &other].map(|package| boundaries(package, device.as_ref(), &SessionOptions::default()).expect("a run"));
        assert!(one == two, "{}", device.info().id);
    }
}

#[test]
fn an_explosion_stops_the_run() {
    let mut system = argon();
    system.velocities_nm_ps[17] = [500.0, 0.0, 0.0];
    let package = system.package().expect("a package");
    for device in devices() {
        let error = boundaries(&package, device.as_ref(), &SessionOptions::default())
            .expect_err("0.72 of the box in a step")
            .to_string();
        assert!(
            error.contains("the system has exploded") || error.contains("atoms overlap"),
            "{error}"
        );
    }
}
