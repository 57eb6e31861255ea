//! What exactness costs, per device, in one run: the melt class-bound and portable, and a plain Lennard-Jones kernel as one would
//! write it first, class-bound, portable without `canonical`, and portable.
//!
//! `cargo run --release -p benches --bin exactness`; `VK_ICD_FILENAMES` chooses Vulkan drivers. Readings of the variants take turns, so that
//! what else the machine does falls on all of them.

use std::collections::BTreeMap;
use std::time::Instant;

use anyhow::{Context, Result};
use benches::median;
use clap::Parser;
use device::{
    BufferDesc, Command, Device, ModuleDesc, PassDesc, Program, Resource, Session, SessionOptions, Underflow, Workgroups,
};
use kernels::package::Package;
use kernels::run::{self, Executor};
use protocol::{Digest, Tier};

/// The cost of exactness.
#[derive(Parser)]
struct Arguments {
    /// Unit cells along an edge; 4 atoms each.
    #[arg(long, default_value_t = 20)]
    cells: u32,
    /// Steps of one reading of the melt.
    #[arg(long, default_value_t = 100)]
    steps: u64,
    /// Evaluations of one reading of the plain kernel.
    #[arg(long, default_value_t = 20)]
    evaluations: u64,
    /// Readings.
    #[arg(long, default_value_t = 5)]
    repeats: usize,
    /// Only this device.
    #[arg(long)]
    device: Option<String>,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    println!("median of {} readings that take turns", arguments.repeats);
    for device in device::automatic() {
        let info = device.info();
        if arguments.device.as_ref().is_none_or(|wanted| *wanted == info.id) {
            println!("{}: {}", info.id, info.name);
            melt(device.as_ref(), &arguments)?;
            plain(device.as_ref(), &arguments)?;
        }
    }
    Ok(())
}

/// A variant's name, and how a reading of its rate is taken.
type Variant<'a> = (&'a str, Box<dyn FnMut() -> Result<f64> + 'a>);

/// Rates of several variants, a reading of each in turn, and the ratio of the first one's to each.
fn compare(unit: &str, repeats: usize, variants: &mut [Variant<'_>]) -> Result<()> {
    let mut rates = vec![Vec::new(); variants.len()];
    for _ in 0..repeats {
        for ((_, read), rates) in variants.iter_mut().zip(&mut rates) {
            rates.push(read()?);
        }
    }
    let first = median(&rates[0]).context("no reading")?;
    for ((name, _), rates) in variants.iter().zip(&rates) {
        let rate = median(rates).context("no reading")?;
        println!(
            "  {name:<40} {rate:>8.1} {unit}   {:.2} times the first one's time",
            first / rate
        );
    }
    Ok(())
}

fn melt(device: &dyn Device, arguments: &Arguments) -> Result<()> {
    let tiers = [Tier::ClassBound, Tier::Portable];
    let packages: Vec<Package> = tiers
        .into_iter()
        .map(|tier| {
            let package = kernels::md::examples::melt(arguments.cells)?;
            let mut manifest = package.manifest().clone().with_steps_per_segment(arguments.steps);
            manifest.tier = tier;
            Ok(package.with_manifest(manifest)?)
        })
        .collect::<Result<_>>()?;
    let mut executors = Vec::new();
    for package in &packages {
        let mut executor = Executor::open(package, device, &SessionOptions::default())?;
        executor.enter(0, &run::initial_state(package))?;
        executor.advance(u64::MAX)?;
        executor.cross()?;
        executors.push(executor);
    }
    let mut variants: Vec<Variant<'_>> = Vec::new();
    for (name, executor) in ["melt, class-bound", "melt, portable"].into_iter().zip(&mut executors) {
        variants.push((
            name,
            Box::new(|| {
                let start = Instant::now();
                executor.advance(u64::MAX)?;
                executor.cross()?;
                Ok(arguments.steps as f64 / start.elapsed().as_secs_f64())
            }),
        ));
    }
    compare("steps/s", arguments.repeats, &mut variants)
}

/// Forces as one would write them first: positions in f32, division, `round` for the nearest image, `dot`.
const PLAIN: &str = "
override edge: f32;
override atoms: u32;
@group(0) @binding(0) var<storage, read> positions: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> list: array<u32>;
@group(0) @binding(2) var<storage, read> counts: array<u32>;
@group(0) @binding(3) var<storage, read_write> forces: array<vec4<f32>>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x >= atoms { return; }
    let here = positions[id.x].xyz;
    var force = vec3<f32>();
    for (var k = 0u; k < counts[id.x]; k++) {
        var d = here - positions[list[k * atoms + id.x]].xyz;
        d -= edge * round(d / edge);
        let r2 = dot(d, d);
        if r2 < 6.25 {
            let i2 = 1.0 / r2;
            let i6 = i2 * i2 * i2;
            force += 48.0 * i6 * (i6 - 0.5) * i2 * d;
        }
    }
    forces[id.x] = vec4<f32>(force, 0.0);
}";

fn plain(device: &dyn Device, arguments: &Arguments) -> Result<()> {
    let (edge, positions) = lattice(arguments.cells);
    let (list, counts) = neighbors(edge, &positions);
    let words: [Vec<u32>; 3] = [
        positions
            .iter()
            .flat_map(|p| [p[0].to_bits(), p[1].to_bits(), p[2].to_bits(), 0])
            .collect(),
        list,
        counts,
    ];
    let atoms = positions.len();
    let kinds = [
        ("plain kernel, class-bound", Tier::ClassBound, Underflow::Checked),
        ("plain kernel, portable, checked", Tier::Portable, Underflow::Checked),
        ("plain kernel, portable, canonical", Tier::Portable, Underflow::Canonical),
    ];
    let mut sessions = Vec::new();
    for (name, tier, underflow) in kinds {
        let program = program(&words, atoms, f64::from(edge), tier, underflow);
        let mut session = device.open(&program, &SessionOptions::default())?;
        for (buffer, words) in words.iter().enumerate() {
            let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
            session.write(buffer, 0, &bytes)?;
        }
        evaluate(session.as_mut(), atoms, 2)?;
        let forces = Digest::of(&session.read(&[3])?[0]);
        println!("  {name:<40} forces {}", forces.short());
        sessions.push((name, session));
    }
    let mut variants: Vec<Variant<'_>> = Vec::new();
    for (name, session) in &mut sessions {
        let read = || evaluate(session.as_mut(), atoms, arguments.evaluations);
        variants.push((name, Box::new(read)));
    }
    compare("evaluations/s", arguments.repeats, &mut variants)
}

/// Evaluations a second.
fn evaluate(session: &mut dyn Session, atoms: usize, count: u64) -> Result<f64> {
    let start = Instant::now();
    let dispatch = |step| Command::Dispatch {
        pass: 0,
        workgroups: Workgroups::Direct([(atoms as u32).div_ceil(64), 1, 1]),
        step,
    };
    session.submit(&(0..count).map(dispatch).collect::<Vec<_>>())?;
    session.wait()?;
    Ok(count as f64 / start.elapsed().as_secs_f64())
}

fn program(words: &[Vec<u32>; 3], atoms: usize, edge: f64, tier: Tier, underflow: Underflow) -> Program {
    let sizes = words.iter().map(Vec::len).chain([4 * atoms]);
    Program {
        tier,
        buffers: sizes
            .map(|words| BufferDesc {
                label: "plain".into(),
                size: 4 * words as u64,
                indirect: false,
            })
            .collect(),
        modules: vec![ModuleDesc {
            label: "plain.wgsl".into(),
            source: PLAIN.into(),
            underflow,
        }],
        passes: vec![PassDesc {
            label: "plain".into(),
            module: 0,
            entry: "main".into(),
            overrides: BTreeMap::from([("edge".into(), edge), ("atoms".into(), atoms as f64)]),
            bindings: (0..4).map(|i| (i as u32, Resource::Buffer(i))).collect(),
        }],
    }
}

/// The melt's lattice, shaken a little.
fn lattice(cells: u32) -> (f32, Vec<[f32; 3]>) {
    const BASIS: [[f32; 3]; 4] = [[0.0, 0.0, 0.0], [0.5, 0.5, 0.0], [0.5, 0.0, 0.5], [0.0, 0.5, 0.5]];
    let unit = (4.0_f64 / 0.8442).cbrt() as f32;
    let mut state = 1_u32;
    let mut shake = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / 16_777_216.0 * 0.2
    };
    let mut positions = Vec::new();
    for cell in 0..cells.pow(3) {
        let corner = [cell % cells, cell / cells % cells, cell / cells / cells];
        for basis in BASIS {
            positions.push([0, 1, 2].map(|axis| (corner[axis] as f32 + basis[axis]) * unit + shake()));
        }
    }
    (unit * cells as f32, positions)
}

/// Neighbors within the cutoff and a skin, by slot and atom, and their numbers.
fn neighbors(edge: f32, positions: &[[f32; 3]]) -> (Vec<u32>, Vec<u32>) {
    const REACH: f32 = 2.8;
    let cells = (edge / REACH).floor().max(1.0) as usize;
    let cell_of = |p: &[f32; 3]| p.map(|x| ((x / edge).rem_euclid(1.0) * cells as f32) as usize % cells);
    let mut members: Vec<Vec<usize>> = vec![Vec::new(); cells.pow(3)];
    let index = |c: [usize; 3]| (c[2] * cells + c[1]) * cells + c[0];
    for (atom, p) in positions.iter().enumerate() {
        members[index(cell_of(p))].push(atom);
    }
    let mut all: Vec<Vec<u32>> = Vec::with_capacity(positions.len());
    for (atom, p) in positions.iter().enumerate() {
        let home = cell_of(p);
        let mut found = std::collections::BTreeSet::new();
        for shift in 0..27_usize {
            let shift = [shift % 3, shift / 3 % 3, shift / 9];
            let cell = [0, 1, 2].map(|axis| (home[axis] + cells + shift[axis] - 1) % cells);
            for other in &members[index(cell)] {
                let mut r2 = 0.0;
                for (x, y) in p.iter().zip(&positions[*other]) {
                    let d = x - y;
                    let d = d - edge * (d / edge).round();
                    r2 += d * d;
                }
                if *other != atom && r2 < REACH * REACH {
                    found.insert(*other as u32);
                }
            }
        }
        all.push(found.into_iter().collect());
    }
    let most = all.iter().map(Vec::len).max().unwrap_or(1);
    let atoms = positions.len();
    let mut list = vec![0; most * atoms];
    for (atom, found) in all.iter().enumerate() {
        found
            .iter()
            .enumerate()
            .for_each(|(slot, other)| list[slot * atoms + atom] = *other);
    }
    (list, all.iter().map(|found| found.len() as u32).collect())
}
