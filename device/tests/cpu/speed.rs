//! How fast the device is, beside the machine's Vulkan drivers: a Lennard-Jones force kernel over a full neighbour list, 32,000
//! atoms at density 0.8442, cutoff 2.5, skin 0.3. Run with `--run-ignored all --no-capture`.

use std::time::Instant;

use device::{Command, Device, SessionOptions, Workgroups};

use crate::support::{Case, Random, bits};

const KERNEL: &str = "
@group(0) @binding(0) var<storage, read> position: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> count: array<u32>;
@group(0) @binding(2) var<storage, read> list: array<u32>;
@group(0) @binding(3) var<storage, read_write> force: array<vec4<f32>>;
const size = 33.591774;
const cutoff2 = 6.25;
override longest: u32;
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(local_invocation_index) l: u32,
        @builtin(workgroup_id) tile: vec3<u32>) {
    let n = arrayLength(&position);
    let i = id.x;
    if (i >= n) { return; }
    let mine = position[i].xyz;
    var sum = vec3<f32>(0.0);
    var energy = 0.0;
    let end = count[i];
    for (var k = 0u; k < end; k++) {
        let j = list[INDEX];
        var d = mine - position[j].xyz;
        d -= size * round(d * (1.0 / size));
        let r2 = dot(d, d);
        if (r2 < cutoff2) {
            let s2 = 1.0 / r2;
            let s6 = s2 * s2 * s2;
            sum += d * (s2 * s6 * (48.0 * s6 - 24.0));
            energy += 4.0 * s6 * (s6 - 1.0);
        }
    }
    force[i] = vec4<f32>(sum, energy);
}";

/// Neighbour k of all atoms side by side, as GPUs like it; and the same within each workgroup's 64 atoms only.
const LAYOUTS: [(&str, &str); 2] = [
    ("all atoms side by side", "k * n + i"),
    ("tiles of 64", "(tile.x * longest + k) * 64u + l"),
];

/// Positions on a disturbed lattice, neighbour counts, the list in both layouts, and the longest atom's count.
fn melt() -> (Vec<f32>, Vec<u32>, [Vec<u32>; 2], usize) {
    const CELLS: usize = 20;
    const SIZE: f32 = 33.591_774;
    let mut random = Random(1);
    let mut positions: Vec<[f32; 3]> = Vec::new();
    for cell in 0..CELLS * CELLS * CELLS {
        let corner = [cell % CELLS, cell / CELLS % CELLS, cell / CELLS / CELLS];
        for base in [[0.0, 0.0, 0.0], [0.5, 0.5, 0.0], [0.5, 0.0, 0.5], [0.0, 0.5, 0.5]] {
            positions.push(std::array::from_fn(|axis| {
                let noise = random.below(1000) as f32 * 1e-4;
                (corner[axis] as f32 + base[axis] + noise) * SIZE / CELLS as f32
            }));
        }
    }
    let n = positions.len();
    let side = 11;
    let cell_of = |p: &[f32; 3]| p.map(|x| ((x / SIZE * side as f32) as usize).min(side - 1));
    let mut cells = vec![Vec::new(); side * side * side];
    for (i, p) in positions.iter().enumerate() {
        let [x, y, z] = cell_of(p);
        cells[(z * side + y) * side + x].push(i);
    }
    let mut near: Vec<Vec<u32>> = Vec::new();
    for p in &positions {
        let mut list = Vec::new();
        let [x, y, z] = cell_of(p);
        for shift in 0..27 {
            let at = |c: usize, s: usize| (c + s + side - 1) % side;
            let cell = (at(z, shift / 9) * side + at(y, shift / 3 % 3)) * side + at(x, shift % 3);
            for j in &cells[cell] {
                let r2: f32 = (0..3)
                    .map(|axis| {
                        let d = p[axis] - positions[*j][axis];
                        let d = d - SIZE * (d / SIZE).round();
                        d * d
                    })
                    .sum();
                if r2 > 0.0 && r2 < 2.8 * 2.8 {
                    list.push(*j as u32);
                }
            }
        }
        near.push(list);
    }
    let longest = near.iter().map(Vec::len).max().unwrap_or(0);
    let mut lists = [vec![0; longest * n], vec![0; longest * n]];
    for (i, neighbours) in near.iter().enumerate() {
        for (k, j) in neighbours.iter().enumerate() {
            lists[0][k * n + i] = *j;
            lists[1][(i / 64 * longest + k) * 64 + i % 64] = *j;
        }
    }
    let flat = positions.iter().flat_map(|p| [p[0], p[1], p[2], 0.0]).collect();
    (flat, near.iter().map(|list| list.len() as u32).collect(), lists, longest)
}

/// Seconds of processor time of all threads of this process, where the system tells.
fn processor_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks = |field: usize| {
        after_name
            .split_whitespace()
            .nth(field)
            .and_then(|text| text.parse::<f64>().ok())
    };
    (ticks(11).unwrap_or(0.0) + ticks(12).unwrap_or(0.0)) / 100.0
}

/// Best wall time of a dispatch, mean processor time of one, and the forces.
fn measure(device: &dyn Device, case: &Case, options: &SessionOptions) -> (f64, f64, Vec<u8>) {
    let opened = Instant::now();
    let mut session = device.open(&case.program(), options).expect("it opens");
    let opening = opened.elapsed();
    for (i, words) in case.buffers.iter().enumerate() {
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        session.write(i, 0, &bytes).expect("it fits");
    }
    let dispatch = Command::Dispatch {
        pass: 0,
        workgroups: Workgroups::Direct(case.groups),
        step: 0,
    };
    session.submit(&[dispatch]).expect("it runs");
    session.wait().expect("it runs");
    let mut best = f64::INFINITY;
    let before = processor_seconds();
    for _ in 0..8 {
        let start = Instant::now();
        session.submit(&[dispatch; 10]).expect("it runs");
        session.wait().expect("it runs");
        best = best.min(start.elapsed().as_secs_f64() / 10.0);
    }
    println!("{}: opened in {:.1} ms", device.info().name, opening.as_secs_f64() * 1e3);
    let busy = (processor_seconds() - before) / 80.0;
    (best, busy, session.read(&[3]).expect("it reads").remove(0))
}

#[test]
#[ignore = "measures time"]
fn lennard_jones_force_of_32000_atoms() {
    let (positions, counts, lists, longest) = melt();
    let atoms = counts.len();
    let pairs: u32 = counts.iter().sum();
    println!("{atoms} atoms, {:.1} neighbours each", f64::from(pairs) / atoms as f64);
    let mut first: Option<Vec<u8>> = None;
    for ((layout, index), list) in LAYOUTS.into_iter().zip(lists) {
        let source = KERNEL.replace("INDEX", index);
        let buffers = vec![bits(&positions), counts.clone(), list, vec![0; 4 * atoms]];
        let mut case = Case::new(&source, buffers, atoms as u32 / 64);
        case.overrides.insert("longest".to_owned(), longest as f64);
        println!("{layout}:");
        for device in device::list() {
            let threads = if device.info().backend == "cpu" {
                vec![Some(1), Some(2)]
            } else {
                vec![None]
            };
            for threads in threads {
                let options = SessionOptions {
                    threads,
                    ..SessionOptions::default()
                };
                let (seconds, busy, forces) = measure(device.as_ref(), &case, &options);
                let rate = atoms as f64 / seconds * 1e-6;
                let busy = busy * 1e9 / f64::from(pairs);
                let same = *first.get_or_insert_with(|| forces.clone()) == forces;
                let name = &device.info().name;
                println!(
                    "{name} {threads:?}: {rate:.2} million atom-forces/s, {busy:.2} ns of processor time a pair; same bits: {same}"
                );
            }
        }
    }
}

/// Nanoseconds that one evaluation takes on one thread, in both tiers.
#[test]
#[ignore = "a figure"]
fn elementary_functions() {
    let functions = [
        "exp(x)",
        "exp2(x)",
        "log(x)",
        "log2(x)",
        "pow(x, 1.7)",
        "sin(x)",
        "cos(x)",
        "tan(x)",
        "asin(x * 0.1)",
        "acos(x * 0.1)",
        "atan(x)",
        "atan2(x, 0.3)",
        "sinh(x)",
        "cosh(x)",
        "tanh(x)",
        "asinh(x)",
        "acosh(x + 1.0)",
        "atanh(x * 0.1)",
        "x * 0.5",
    ];
    println!("{:<16} {:>12} {:>12}", "ns", "class-bound", "portable");
    for function in functions {
        let source = format!(
            "@group(0) @binding(0) var<storage, read_write> out: array<f32>;
            @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3<u32>) {{
                let start = f32(id.x % 97u) * 0.05 + 0.1;
                var sum = 0.0;
                for (var k = 0u; k < 100u; k++) {{ let x = start + f32(k) * 0.01; sum += {function}; }}
                out[id.x] = sum;
            }}"
        );
        let ns = [protocol::Tier::ClassBound, protocol::Tier::Portable].map(|tier| {
            let mut case = Case::new(&source, vec![vec![0; 64 * 256]], 256);
            case.tier = tier;
            let options = SessionOptions {
                threads: Some(1),
                ..SessionOptions::default()
            };
            let mut program = case.program();
            for module in &mut program.modules {
                module.underflow = device::Underflow::Checked;
            }
            let mut session = device::cpu::CpuDevice::default().open(&program, &options).expect("it opens");
            let dispatch = [Command::Dispatch {
                pass: 0,
                workgroups: Workgroups::Direct([256, 1, 1]),
                step: 0,
            }];
            let times = (0..12).map(|_| {
                let start = Instant::now();
                session.submit(&dispatch).expect("it starts");
                session.wait().expect("it runs");
                start.elapsed().as_secs_f64() * 1e9 / (64.0 * 256.0 * 100.0)
            });
            times.fold(f64::INFINITY, f64::min)
        });
        println!("{function:<16} {:>12.3} {:>12.3}", ns[0], ns[1]);
    }
}
