//! The Monte Carlo barostat: energies and forces in a box of another size, decisions beside double precision, the ideal gas's exact distribution, one chain on
//! every device, and a mutant that forgets its counters.

mod md_support;

use device::{Device, SessionOptions};
use kernels::import::{Files, Options, openmm};
use kernels::md::fixed_cell::FixedCell;
use kernels::md::system::{
    Action, Barostat, Bath, Bond, Cell, Cutoff, Dynamics, Integrator, Method, Particle, Scaling, System, Vector,
};
use kernels::md::twin::evaluate as exact;
use kernels::md::{BAR_PER_KJ_MOL_NM3, GAS_CONSTANT, Plan};
use kernels::package::Package;
use kernels::package::manifest::Role;
use kernels::random::{Stream, uniform, words as random_words};
use kernels::run::{Boundary, Executor, evaluate, initial_state};
use md_support::{data, devices, relative};

fn plan(steps_per_segment: u64, segments: u64) -> Plan {
    Plan {
        steps_per_segment,
        segments,
        energies_every: steps_per_segment,
        positions_every: steps_per_segment,
    }
}

fn barostat(pressure_bar: f64, every: u64) -> Action {
    Action::Barostat(Barostat {
        pressure_bar,
        temperature_k: 300.0,
        every,
        scaling: Scaling::Molecules,
    })
}

fn imported(kind: &str, name: &str) -> System {
    let folder = data(kind).join(name);
    let file = |stem: &str| {
        let packed = folder.join(format!("{stem}.xml.gz"));
        if packed.exists() {
            packed
        } else {
            folder.join(format!("{stem}.xml"))
        }
    };
    let [system, state] = ["system", "state"].map(file);
    let files = Files {
        system: &system,
        state: &state,
        integrator: None,
    };
    openmm(&files, &Options::default()).expect("a system").system
}

/// The same under a barostat; particles are driven by a heat bath.
fn under_pressure(mut system: System, pressure_bar: f64, every: u64) -> System {
    system.actions = vec![barostat(pressure_bar, every)];
    system.dynamics = Some(Dynamics {
        integrator: Integrator::LangevinMiddle(Bath {
            temperature_k: 300.0,
            friction_per_ps: 5.0,
        }),
        step_ps: 0.001,
        constraint_tolerance: 1e-6,
        seed: Some(11),
    });
    system
}

/// A package with the same text and other bytes in one buffer.
fn with_bytes(package: &Package, name: &str, bytes: Vec<u8>) -> Package {
    let buffers = package.manifest().buffers.iter().enumerate();
    let given = buffers.filter(|(_, buffer)| buffer.init.is_some());
    let init = given.map(|(index, buffer)| {
        let own = if buffer.name == name {
            bytes.clone()
        } else {
            package.initial(index)
        };
        (buffer.name.clone(), own)
    });
    Package::new(package.manifest().clone(), package.shaders().clone(), init.collect()).expect("a package")
}

fn boundaries(package: &Package, device: &dyn Device) -> Vec<Boundary> {
    let mut executor = Executor::open(package, device, &SessionOptions::default()).expect("a session");
    executor.enter(0, &initial_state(package)).expect("a start");
    let segment = |_| {
        executor.advance(u64::MAX).expect("steps");
        executor.cross().unwrap_or_else(|error| panic!("{error}"))
    };
    (0..package.manifest().run.segments).map(segment).collect()
}

fn words(boundary: &Boundary, name: &str) -> Vec<u32> {
    let mut state = boundary.state.iter();
    let bytes = &state.find(|buffer| buffer.name == name).expect("a state buffer").bytes;
    bytes
        .as_chunks::<4>()
        .0
        .iter()
        .map(|word| u32::from_le_bytes(*word))
        .collect()
}

fn scale_of(boundary: &Boundary) -> f32 {
    f32::from_bits(words(boundary, "box_scale")[0])
}

/// The system with its box so much larger, at the places that a package has for its particles.
fn resized(system: &System, scale: f32, positions: &[[u32; 3]]) -> System {
    let first = FixedCell::new(system.cell.expect("a box")).expect("a reduced cell");
    let cell = first.scaled(scale);
    System {
        cell: Some(cell.cell()),
        positions_nm: positions.iter().map(|position| cell.decode(*position)).collect(),
        ..system.clone()
    }
}

fn fixed(system: &System) -> Vec<[u32; 3]> {
    let cell = FixedCell::new(system.cell.expect("a box")).expect("a reduced cell");
    system.positions_nm.iter().map(|point| cell.encode(*point)).collect()
}

/// Flexible dimers with a reaction field in a tilted box: bonds and a cell that is not rectangular.
fn dimers(tilted: bool) -> System {
    let side = 6usize;
    let mut system = System {
        name: "dimers".into(),
        cell: Some(match tilted {
            true => Cell {
                vectors_nm: [[2.5, 0.0, 0.0], [0.6, 2.4, 0.0], [-0.5, 0.7, 2.45]],
            },
            false => Cell::rectangular([2.5, 2.4, 2.45]),
        }),
        ..System::default()
    };
    let cell = system.cell.expect("a box");
    let wiggle = |index: usize| uniform(3, Stream::Test, 0, index as u32) - 0.5;
    let mut nonbonded = imported("openmm", "salt-water").terms.nonbonded.expect("a force");
    nonbonded.method = Method::ReactionField {
        cutoff: Cutoff {
            radius_nm: 0.9,
            switch_nm: Some(0.8),
        },
        dielectric: 78.5,
    };
    (nonbonded.exclusions, nonbonded.exceptions) = (Vec::new(), Vec::new());
    nonbonded.dispersion_correction = true;
    for i in 0..side.pow(3) {
        let at = [i / side / side, i / side % side, i % side];
        let fractions = [0, 1, 2].map(|axis| (at[axis] as f64 + 0.2 * wiggle(9 * i + axis)) / side as f64);
        let [a, b, c] = cell.vectors_nm;
        let place = [0, 1, 2].map(|k| fractions[0] * a[k] + fractions[1] * b[k] + fractions[2] * c[k]);
        let first = 2 * i as u32;
        for end in 0..2 {
            let sign = if end == 0 { 1.0 } else { -1.0 };
            system
                .positions_nm
                .push([0, 1, 2].map(|k| place[k] + sign * (0.035 + 0.02 * wiggle(9 * i + 3 + k))));
            system.particles.push(Particle {
                mass_u: 20.0,
                charge_e: 0.2 * sign,
                sigma_nm: 0.3,
                epsilon_kj_mol: 0.5,
            });
        }
        system.velocities_nm_ps.extend([[0.0; 3]; 2]);
        system.terms.bonds.push(Bond {
            atoms: [first, first + 1],
            length_nm: 0.13,
            k_kj_mol_nm2: 50_000.0,
        });
        nonbonded.exclusions.push([first, first + 1]);
    }
    system.terms.nonbonded = Some(nonbonded);
    system
}

/// Energies and forces in a box that has become smaller or larger are those of double precision in that box.
#[test]
fn energies_and_forces_follow_the_box() {
    let water = imported("molecules", "water-with-sites");
    let systems = [
        ("alanine-dipeptide", imported("openmm", "alanine-dipeptide"), 0.97f32),
        ("water with sites", water, 1.04),
        ("dimers", dimers(false), 1.04),
        ("tilted dimers", dimers(true), 0.97),
    ];
    for (name, system, scale) in systems {
        let system = under_pressure(system, 1.0, 25);
        let package = system.package(plan(10, 1)).unwrap_or_else(|error| panic!("{name}: {error}"));
        let positions = fixed(&system);
        let package = with_bytes(&package, "box_scale", scale.to_le_bytes().to_vec());
        let expected = exact(&resized(&system, scale, &positions));
        let device = device::select("cpu").expect("every machine has the CPU device");
        let found = evaluate(&package, device.as_ref(), &SessionOptions::default()).expect("an evaluation");
        let forces: Vec<Vector> = found
            .forces
            .as_chunks::<3>()
            .0
            .iter()
            .map(|force| force.map(f64::from))
            .collect();
        let off = relative(&forces, &expected.forces_kj_mol_nm);
        println!("{name} at {scale}: forces {off:.1e}");
        assert!(off < 3e-6, "{name} at {scale}: forces are {off:e} off");
        for (class, energy) in &expected.energies_kj_mol {
            let here = found.energies[class.name()];
            assert!(
                (here - energy).abs() < 2e-3 + 2e-6 * energy.abs(),
                "{name} at {scale}: {} {here}, expected {energy}",
                class.name()
            );
        }
    }
}

/// What OpenMM's barostat would do, in double precision, with the package's random numbers.
struct Moves {
    scale: f64,
    size: f64,
    counts: [u32; 2],
}

impl Moves {
    /// A step's move; whether it was accepted, and by how much of kT the decision was clear.
    fn step(&mut self, step: u64, system: &System, positions: &[[u32; 3]]) -> (bool, f64) {
        let [propose, decide] = random_words(11, Stream::Barostat, step, 0);
        let place = (f64::from((propose ^ 0x8000_0000).cast_signed()) + 0.5) / 2_147_483_648.0;
        let volume = self.scale.powi(3);
        let wider = (1.0 + self.size * place / volume).cbrt();
        let whole: Vec<Vec<u32>> = system.molecules();
        let before = resized(system, self.scale as f32, positions);
        let mut after = before.clone();
        let cell = before.cell.expect("a box");
        after.cell = Some(Cell {
            vectors_nm: cell.vectors_nm.map(|vector| vector.map(|x| wider * x)),
        });
        for molecule in &whole {
            let first = before.positions_nm[molecule[0] as usize];
            let from_first = |atom: &u32| cell.nearest([0, 1, 2].map(|k| before.positions_nm[*atom as usize][k] - first[k]));
            let offsets: Vec<Vector> = molecule.iter().map(from_first).collect();
            let mean = [0, 1, 2].map(|k| offsets.iter().map(|offset| offset[k]).sum::<f64>() / offsets.len() as f64);
            for (atom, offset) in molecule.iter().zip(&offsets) {
                after.positions_nm[*atom as usize] = [0, 1, 2].map(|k| wider * (first[k] + mean[k]) + (offset[k] - mean[k]));
            }
        }
        let energy = |system: &System| exact(system).energies_kj_mol.values().sum::<f64>();
        let Some(Action::Barostat(barostat)) = system.actions.first() else {
            panic!("a barostat")
        };
        let kt = GAS_CONSTANT * barostat.temperature_k;
        let (was, is) = (cell.volume_nm3(), cell.volume_nm3() * wider.powi(3));
        let work = barostat.pressure_bar / BAR_PER_KJ_MOL_NM3 * (is - was);
        let w = (energy(&after) - energy(&before) + work) / kt - whole.len() as f64 * (is / was).ln();
        let u = (f64::from(decide >> 8) + 0.5) / f64::from(1 << 24);
        let accepted = w <= 0.0 || u < (-w).exp();
        if accepted {
            self.scale *= wider;
        }
        self.counts[0] += 1;
        self.counts[1] += u32::from(accepted);
        let [tries, successes] = self.counts.map(f64::from);
        if tries >= 10.0 {
            if successes < 0.25 * tries {
                (self.size, self.counts) = (self.size / 1.1, [0; 2]);
            } else if successes > 0.75 * tries {
                (self.size, self.counts) = ((1.1 * self.size).min(0.3 * volume), [0; 2]);
            }
        }
        (accepted, (w + u.ln()).abs())
    }
}

#[test]
fn decisions_are_those_of_double_precision() {
    for (tilted, pressure_bar) in [(false, 2000.0), (true, -200.0)] {
        let mut system = under_pressure(dimers(tilted), pressure_bar, 1);
        // Next to nothing moves between two tries.
        system.dynamics.as_mut().expect("dynamics").step_ps = 1e-7;
        let package = system.package(plan(1, 30)).expect("a package");
        let device = device::select("cpu").expect("every machine has the CPU device");
        let boundaries = boundaries(&package, device.as_ref());
        let mut moves = Moves {
            scale: 1.0,
            size: 0.01,
            counts: [0; 2],
        };
        let mut positions = fixed(&system);
        let mut taken = 0;
        for (step, boundary) in boundaries.iter().enumerate() {
            let (accepted, clear) = moves.step(step as u64, &system, &positions);
            taken += u32::from(accepted);
            let found = f64::from(scale_of(boundary));
            assert!(
                (found / moves.scale - 1.0).abs() < 1e-6,
                "step {step}: scale {found}, expected {} (decided by {clear} kT)",
                moves.scale
            );
            let size = f64::from(f32::from_bits(words(boundary, "barostat_size")[0]));
            assert!(
                (size / moves.size - 1.0).abs() < 1e-6,
                "step {step}: size {size}, expected {}",
                moves.size
            );
            let counts = words(boundary, "barostat_counts");
            assert_eq!(counts, [moves.counts[0], moves.counts[1], step as u32 + 1, taken]);
            // Each step from the package's own state.
            moves.scale = found;
            positions = words(boundary, "positions").as_chunks::<3>().0.to_vec();
        }
        println!(
            "tilted {tilted}: {taken} of {} accepted, scale {}",
            boundaries.len(),
            moves.scale
        );
        assert!((5..=27).contains(&taken), "{taken} accepted: a test of both");
    }
}

/// Particles without interaction: p(V) ~ V^N exp(-P V / kT), so <V> = (N + 1) kT / P and the variance is (N + 1) (kT / P)^2.
#[test]
fn an_ideal_gas_has_its_exact_distribution_of_volumes() {
    let atoms = 15;
    let kt_over_p = GAS_CONSTANT * 300.0 * BAR_PER_KJ_MOL_NM3 / 100.0;
    let mean = (atoms + 1) as f64 * kt_over_p;
    let mut system = System {
        name: "ideal-gas".into(),
        cell: Some(Cell::rectangular([mean.cbrt(); 3])),
        ..System::default()
    };
    for atom in 0..atoms {
        let point = [0, 1, 2].map(|axis| mean.cbrt() * uniform(5, Stream::Test, 0, 3 * atom + axis));
        system.positions_nm.push(point);
        system.velocities_nm_ps.push([0.0; 3]);
        system.particles.push(Particle {
            mass_u: 9e5,
            charge_e: 0.0,
            sigma_nm: 0.3,
            epsilon_kj_mol: 0.0,
        });
    }
    let system = under_pressure(system, 100.0, 1);
    let package = system
        .package(Plan {
            steps_per_segment: 20_000,
            segments: 1,
            energies_every: 1,
            positions_every: 20_000,
        })
        .expect("a package");
    let device = device::select("cpu").expect("every machine has the CPU device");
    let boundary = boundaries(&package, device.as_ref()).remove(0);
    let outputs = &package.manifest().outputs;
    let at = outputs.iter().position(|output| output.name == "energies").expect("energies");
    let columns = &outputs[at].columns;
    let edge = columns.iter().find(|column| column.name == "box_x").expect("a column");
    let row = boundary.outputs[at].len() / 20_000;
    let first = FixedCell::new(system.cell.expect("a box")).expect("a cell").cell();
    let volumes = boundary.outputs[at].chunks_exact(row).map(|row| {
        let word = &row[4 * edge.element as usize..][..8];
        let scaled = i64::from_le_bytes(word.try_into().expect("eight bytes")) as f64 * edge.scale;
        first.volume_nm3() * (scaled / first.diagonal_nm()[0]).powi(3) / kt_over_p
    });
    // The size of moves is still sought at first.
    let volumes: Vec<f64> = volumes.skip(1000).collect();
    let block = |f: &dyn Fn(f64) -> f64| {
        let means: Vec<f64> = volumes
            .chunks_exact(950)
            .map(|block| block.iter().map(|v| f(*v)).sum::<f64>() / block.len() as f64)
            .collect();
        let count = means.len() as f64;
        let mean = means.iter().sum::<f64>() / count;
        let spread = means.iter().map(|m| (m - mean).powi(2)).sum::<f64>() / (count - 1.0);
        (mean, (spread / count).sqrt())
    };
    let n1 = f64::from(atoms + 1);
    let (volume, volume_error) = block(&|v| v);
    let (variance, variance_error) = block(&|v| (v - n1).powi(2));
    println!("volume {volume:.3} ± {volume_error:.3} for {n1} kT/P, variance {variance:.2} ± {variance_error:.2} for {n1}");
    assert!((volume - n1).abs() < 4.0 * volume_error && volume_error < 0.02 * n1);
    assert!((variance - n1).abs() < 4.0 * variance_error && variance_error < 0.1 * n1);
}

/// Rigid water with virtual sites under pressure, where every other step is a try (with a reaction field: software GPUs take minutes to compile the transforms).
fn hopper() -> Package {
    let mut water = imported("molecules", "water-with-sites");
    let nonbonded = water.terms.nonbonded.as_mut().expect("a force");
    let cutoff = nonbonded.method.cutoff().expect("a cutoff");
    nonbonded.method = Method::ReactionField {
        cutoff,
        dielectric: 78.5,
    };
    let mut system = under_pressure(water, 3000.0, 2);
    system.dynamics.as_mut().expect("dynamics").step_ps = 0.002;
    system.package(plan(4, 3)).expect("a package")
}

#[test]
fn a_temperature_that_the_barostat_would_not_follow_cannot_be_set() {
    let names: Vec<String> = hopper().manifest().settings.keys().cloned().collect();
    assert_eq!(names, ["seed"]);
}

#[test]
fn every_device_makes_the_same_moves() {
    let package = hopper();
    let mut expected: Option<Vec<Boundary>> = None;
    for device in devices() {
        let found = boundaries(&package, device.as_ref());
        let scale = scale_of(found.last().expect("a boundary"));
        println!("{}: scale {scale}", device.info().id);
        assert!(scale != 1.0, "a move was accepted");
        let first = expected.get_or_insert_with(|| found.clone());
        assert!(found == *first, "{} parts", device.info().id);
    }
}

/// A build whose counters were not part of the state would go on with other sizes of moves.
#[test]
fn counters_that_are_not_in_the_state_show() {
    let mut system = under_pressure(dimers(false), 2000.0, 1);
    system.dynamics.as_mut().expect("dynamics").step_ps = 1e-4;
    let package = system.package(plan(7, 6)).expect("a package");
    let mut manifest = package.manifest().clone();
    for buffer in &mut manifest.buffers {
        if buffer.name == "barostat_counts" {
            (buffer.role, buffer.init) = (Role::Scratch, None);
        }
    }
    let buffers = manifest
        .buffers
        .iter()
        .enumerate()
        .filter(|(_, buffer)| buffer.init.is_some());
    let init = buffers
        .map(|(index, buffer)| (buffer.name.clone(), package.initial(index)))
        .collect();
    let mutant = Package::new(manifest, package.shaders().clone(), init).expect("a package");
    let device = device::select("cpu").expect("every machine has the CPU device");
    let course = |package: &Package| -> Vec<u32> {
        let all = boundaries(package, device.as_ref());
        all.iter().map(|boundary| scale_of(boundary).to_bits()).collect()
    };
    let (right, wrong) = (course(&package), course(&mutant));
    let parted = right.iter().zip(&wrong).position(|(a, b)| a != b);
    println!("the mutant parts at boundary {parted:?}");
    assert!(parted.is_some_and(|at| at > 0), "right {right:?}, wrong {wrong:?}");
}
