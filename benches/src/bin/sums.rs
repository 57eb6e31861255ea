//! Integer sums on the CPU device: additions whose results are not looked at, which each thread keeps for itself, beside the same additions
//! that must be atomic because the kernel also reads what was there.
//!
//! `cargo run --release -p benches --bin sums -- --threads 2`

use std::collections::BTreeMap;
use std::time::Instant;

use anyhow::{Result, ensure};
use clap::Parser;
use device::cpu::CpuDevice;
use device::{
    BufferDesc, Command, Device, ModuleDesc, PassDesc, Program, Resource, Session, SessionOptions, Underflow, Workgroups,
};
use protocol::Tier;

/// Additions to integers in buffers, as fast as they can be and one by one.
#[derive(Parser)]
struct Arguments {
    /// Threads; all cores without.
    #[arg(long)]
    threads: Option<usize>,
    /// Dispatches that are timed.
    #[arg(long, default_value_t = 20)]
    repeats: u32,
}

const GROUPS: u32 = 4096;
const INVOCATIONS: u32 = GROUPS * 64;
const WORDS: u32 = 3 * 32_768;
/// Additions of each invocation.
const ROUNDS: u32 = 16;

/// Where an invocation adds in round `i`.
const PATTERNS: [(&str, &str); 5] = [
    ("side by side", "l + 64u * ((group.x + i) % 1000u)"),
    ("by a remainder", "(id.x + i * 977u) % (WORDSu - 64u)"),
    ("all lanes to one word", "(group.x * 7u + i) % WORDSu"),
    ("three words a lane", "3u * ((id.x + i * 331u) % 32768u)"),
    ("scattered", "((id.x + i) * 2654435761u) >> 16u"),
];

/// With `read`, the kernel looks at what was there, so that additions are atomic; what it does then never happens.
fn source(index: &str, read: bool) -> String {
    let add = |word: &str, value: &str| match read {
        true => format!("seen |= atomicAdd(&sum[{word}], {value});"),
        false => format!("atomicAdd(&sum[{word}], {value});"),
    };
    let adds = if index.starts_with("3u") {
        (0..3).map(|k| add(&format!("at + {k}u"), &format!("i + {k}u"))).collect()
    } else {
        add("at", "i + id.x")
    };
    format!(
        "@group(0) @binding(0) var<storage, read_write> sum: array<atomic<u32>>;
        @compute @workgroup_size(64)
        fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(workgroup_id) group: vec3<u32>,
        @builtin(local_invocation_index) l: u32) {{
            var seen = 0u;
            for (var i = 0u; i < {ROUNDS}u; i++) {{ let at = {}; {adds} }}
            {}
        }}",
        index.replace("WORDS", &WORDS.to_string()),
        if read {
            "if (seen == 1u) { atomicAdd(&sum[0], 1u); }"
        } else {
            ""
        },
    )
}

fn session(source: String, arguments: &Arguments) -> Result<Box<dyn Session>> {
    let program = Program {
        tier: Tier::Portable,
        buffers: vec![BufferDesc {
            label: "sum".to_owned(),
            size: 4 * u64::from(WORDS),
            indirect: false,
        }],
        modules: vec![ModuleDesc {
            label: "sums".to_owned(),
            source,
            underflow: Underflow::default(),
        }],
        passes: vec![PassDesc {
            label: "main".to_owned(),
            module: 0,
            entry: "main".to_owned(),
            overrides: BTreeMap::new(),
            bindings: BTreeMap::from([(0, Resource::Buffer(0))]),
        }],
    };
    let options = SessionOptions {
        threads: arguments.threads,
        ..SessionOptions::default()
    };
    Ok(CpuDevice::default().open(&program, &options)?)
}

/// Nanoseconds an addition, and the sums after one dispatch.
fn measure(source: String, additions: u64, arguments: &Arguments) -> Result<(f64, Vec<u8>)> {
    let mut session = session(source, arguments)?;
    let dispatch = [Command::Dispatch {
        pass: 0,
        workgroups: Workgroups::Direct([GROUPS, 1, 1]),
        step: 0,
    }];
    session.submit(&dispatch)?;
    session.wait()?;
    let sums = session.read(&[0])?.remove(0);
    let mut best = f64::INFINITY;
    for _ in 0..arguments.repeats {
        let start = Instant::now();
        session.submit(&dispatch)?;
        session.wait()?;
        best = best.min(start.elapsed().as_secs_f64());
    }
    Ok((best * 1e9 / additions as f64, sums))
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    println!(
        "{:<24} {:>12} {:>12} {:>8}",
        "ns an addition", "own copies", "atomic", "ratio"
    );
    for (name, index) in PATTERNS {
        let words = if index.starts_with("3u") { 3 } else { 1 };
        let additions = u64::from(INVOCATIONS) * u64::from(ROUNDS) * words;
        let (copies, sums) = measure(source(index, false), additions, &arguments)?;
        let (atomic, same) = measure(source(index, true), additions, &arguments)?;
        ensure!(sums == same, "{name}: other sums");
        println!("{name:<24} {copies:>12.3} {atomic:>12.3} {:>8.2}", atomic / copies);
    }
    Ok(())
}
