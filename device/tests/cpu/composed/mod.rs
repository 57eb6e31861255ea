//! Random expressions over scalars, vectors and matrices: every operator and builtin of the portable tier, composed, on the CPU device and on
//! Vulkan drivers. The same bits, but for which NaN it is.
//!
//! A kernel is a function of its seed; after [`OPERATIONS`]`.len()` divided by [`generator::STATEMENTS`] of them each operation was at the root of
//! an expression once. An ordinary run takes a few; a campaign takes minutes:
//!
//! ```sh
//! BATON_COMPOSED=1000 cargo nextest run --release -p device --test cpu composed --no-capture
//! ```
//!
//! `BATON_COMPOSED` sets how many kernels, `BATON_COMPOSED_FROM` the first seed. Figures: `benches/results/composed-*.md`.
//!
//! | module | owns |
//! |---|---|
//! | `operations` | operators and builtins, with the types that they take and give |
//! | `generator` | expressions of a wanted type, and kernels |

mod generator;
mod operations;

use std::time::Instant;

use device::SessionOptions;
use protocol::Tier;

use crate::drivers::{drivers, flushes};
use crate::support::{Case, Random};

use generator::{INPUTS, LANES, kernel};
use operations::OPERATIONS;

/// Kernels of an ordinary run.
const FEW: u64 = 6;

/// Words that arithmetic treats specially, as floats and as integers.
const EDGES: [u32; 20] = [
    0,
    1,
    31,
    32,
    u32::MAX,
    0x7fff_ffff,
    0x8000_0000,
    0x3f80_0000,
    0xbf80_0000,
    0x3f00_0000,
    0xc020_0000,
    0x0080_0000,
    0x0040_0000,
    0x8000_0001,
    0x7f7f_ffff,
    0x4f00_0000,
    0x4f7f_ffff,
    0x4b00_0001,
    0x7f80_0000,
    0x7fc0_0000,
];

/// One word for each input of each lane: edges, floats of ordinary size, and any bits.
fn inputs(random: &mut Random) -> Vec<u32> {
    let word = |random: &mut Random| match random.below(8) {
        0 => EDGES[random.below(EDGES.len() as u32) as usize],
        1 => random.word(),
        2 => random.word() >> random.below(32),
        _ => ((random.word().cast_signed() as f32) * 2f32.powi(-(25 + random.below(12).cast_signed()))).to_bits(),
    };
    (0..LANES * INPUTS).map(|_| word(random)).collect()
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// Compare kernels, and say how many results were.
fn campaign(first: u64, count: u64) {
    let drivers = drivers();
    // With which naga packs bytes in SPIR-V.
    let bytes = !drivers.iter().any(|device| flushes(device.as_ref()));
    let start = Instant::now();
    let (mut results, mut wrong) = (0_u64, Vec::new());
    for seed in first..first + count {
        let kernel = kernel(seed, bytes);
        let words = kernel.floats.len();
        let buffers = vec![inputs(&mut Random(seed)), vec![0; LANES as usize * words]];
        let mut case = Case::new(&kernel.source, buffers, 1);
        case.tier = Tier::Portable;
        let mine = case.run_with(&SessionOptions::default());
        let mine = mine.unwrap_or_else(|error| panic!("seed {seed}: {error:?}\n{}", kernel.source));
        for device in &drivers {
            let theirs = case.run_on(device.as_ref(), &SessionOptions::default());
            let theirs =
                theirs.unwrap_or_else(|error| panic!("seed {seed}, {}: {error}\n{}", device.info().name, kernel.source));
            let nan = |word: u32| f32::from_bits(word).is_nan();
            let same = |at: usize| {
                let (mine, theirs) = (mine[1][at], theirs[1][at]);
                mine == theirs || kernel.floats[at % words] && nan(mine) && nan(theirs)
            };
            results += mine[1].len() as u64;
            if let Some(at) = (0..mine[1].len()).find(|at| !same(*at)) {
                wrong.push(format!(
                    "seed {seed}, {}, lane {}, word {}: {:#x} here, {:#x} there\n{}",
                    device.info().name,
                    at / words,
                    at % words,
                    mine[1][at],
                    theirs[1][at],
                    kernel.source
                ));
            }
        }
        if (seed + 1).is_multiple_of(100) {
            println!(
                "up to seed {seed}: {results} results, {} kernels differ, {:.0?}",
                wrong.len(),
                start.elapsed()
            );
        }
    }
    println!(
        "{count} kernels from seed {first}, {} operations, {} drivers: {results} results compared in {:.0?}",
        OPERATIONS.len(),
        drivers.len(),
        start.elapsed()
    );
    assert!(
        wrong.is_empty(),
        "{} kernels differ, the first three:\n{}",
        wrong.len(),
        wrong[..wrong.len().min(3)].join("\n")
    );
}

#[test]
fn composed_operations_give_the_same_bits_everywhere() {
    campaign(
        number("BATON_COMPOSED_FROM").unwrap_or(0),
        number("BATON_COMPOSED").unwrap_or(FEW),
    );
}
