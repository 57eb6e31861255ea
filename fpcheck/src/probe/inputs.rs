//! What probes are fed: words out of a fixed generator, shaped so that a wrong rounding, fusion or flush would show.
//!
//! Invariant: inputs depend on the number of cases alone, and the first cases of a long list are those of a short one.

/// A series of words, by its seed.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    /// The next word.
    pub(crate) fn word(&mut self) -> u32 {
        protocol::split_mix::next(&mut self.0) as u32
    }

    /// A number of either sign with an exponent from `low` up to `high`.
    fn float(&mut self, low: i32, high: i32) -> u32 {
        let word = self.word();
        let span = (high - low + 1) as u32;
        let exponent = low + (self.word() % span) as i32;
        (word & 0x807f_ffff) | ((exponent + 127) as u32) << 23
    }

    /// A number from `low` up to `high`.
    fn between(&mut self, low: f32, high: f32) -> u32 {
        let part = (self.word() >> 8) as f32 / 16_777_216.0;
        (low + (high - low) * part).to_bits()
    }
}

fn cases(seed: u64, count: usize, mut one: impl FnMut(&mut Random, usize) -> Vec<u32>) -> Vec<u32> {
    let mut random = Random(seed);
    (0..count).flat_map(|i| one(&mut random, i)).collect()
}

/// Finite numbers that are +0 or normal, and sit at some edge.
const EDGES: [u32; 16] = [
    0,
    0x0080_0001, // just above 2^-126
    0x0100_0000,
    0x3380_0000, // 2^-24
    0x3400_0001,
    0x3eff_ffff,
    0x3f00_0000, // 1/2
    0x3f7f_ffff,
    0x3f80_0000, // 1
    0x3f80_0001,
    0x3fff_ffff,
    0x4b00_0001, // 2^23 + 1
    0x4b7f_ffff,
    0x4b80_0000, // 2^24
    0x5f00_0000,
    0x7e80_0000,
];

fn edge(random: &mut Random) -> u32 {
    let word = random.word();
    EDGES[word as usize % EDGES.len()]
        | if EDGES[word as usize % EDGES.len()] == 0 {
            0
        } else {
            word & 0x8000_0000
        }
}

/// Pairs for + - *: ties, neighbours, cancellation, products that underflow; no infinity comes out.
pub(crate) fn pairs(count: usize) -> Vec<u32> {
    cases(11, count, |random, i| match i % 8 {
        0 => vec![edge(random), edge(random) & 0xbfff_ffff],
        1 => vec![random.float(-3, 3), random.float(-3, 3)],
        // Half of the last place of the first: a tie, to be rounded to even.
        2 => {
            let a = random.float(0, 20);
            let half = ((a >> 23 & 0xff) - 24) << 23;
            vec![a, half | (random.word() & 0x8000_0000)]
        }
        3 => vec![random.float(-60, 60), random.float(-60, 60)],
        4 => {
            let a = random.float(-20, 20);
            vec![a, (a ^ 0x8000_0000).wrapping_add(random.word() % 5)]
        }
        // Odd factors of 13 and 12 digits: 25 digits, so that every product is a tie.
        5 => {
            let a = 0x3f80_0000 | (random.word() & 0x7f_f800) | 0x800;
            let b = 0x3f80_0000 | (random.word() & 0x7f_f000) | 0x1000;
            vec![a, b]
        }
        6 => vec![random.float(-126, -1), random.float(-126, -1)],
        _ => vec![random.float(-30, 30), random.float(-12, 12)],
    })
}

/// Four numbers of like size, so that a product's lost digits matter to the sum.
pub(crate) fn fours(count: usize) -> Vec<u32> {
    cases(12, count, |random, i| {
        let (a, b) = (random.float(-2, 2), random.float(-2, 2));
        // In every second case the third cancels most of the product.
        let c = if i % 2 == 0 {
            let near = super::exact::neg(super::exact::mul(a, b));
            near.wrapping_add(random.word() % 16)
        } else {
            random.float(-4, 2)
        };
        vec![a, b, c, random.float(-2, 2)]
    })
}

/// Three numbers: two of different size, and one in [1, 1000).
pub(crate) fn threes(count: usize) -> Vec<u32> {
    cases(13, count, |random, _| {
        vec![random.float(-4, 4), random.float(-10, 8), random.between(1.0, 1000.0)]
    })
}

/// A subnormal, and a normal number just above the smallest.
pub(crate) fn tiny(count: usize) -> Vec<u32> {
    cases(14, count, |random, i| {
        let subnormal = match i % 4 {
            0 => 1,
            1 => 0x7f_ffff,
            _ => 1 + random.word() % 0x7f_ffff,
        };
        vec![subnormal, 0x0080_0001 + random.word() % 0x60_0000]
    })
}

/// Pairs of zeros of both signs, infinities, NaNs and ordinary numbers.
pub(crate) fn specials(count: usize) -> Vec<u32> {
    const SPECIALS: [u32; 11] = [
        0,
        0x8000_0000,
        0x7f80_0000,
        0xff80_0000,
        0x7fc0_0000,
        0x7f80_0001,
        0xffc1_2345,
        0x3f80_0000,
        0xbf80_0000,
        0x7f7f_ffff,
        0xff7f_ffff,
    ];
    cases(15, count, |random, i| {
        let pick = |k: usize| SPECIALS[k % SPECIALS.len()];
        match i / (SPECIALS.len() * SPECIALS.len()) {
            0 => vec![pick(i), pick(i / SPECIALS.len())],
            _ => vec![pick(random.word() as usize), pick(random.word() as usize)],
        }
    })
}

/// Numbers around integers and halves, and pairs to choose from.
pub(crate) fn near_integers(count: usize) -> Vec<u32> {
    cases(16, count, |random, i| {
        let a = match i % 4 {
            0 => ((random.word() % 64) as f32 * 0.5 - 16.0).to_bits(),
            1 => {
                let near = ((random.word() % 1024) as f32 * 0.5 + 0.5).to_bits();
                (near - 1 + random.word() % 3) | (random.word() & 0x8000_0000)
            }
            2 => random.float(18, 30),
            _ => random.float(-20, 20),
        };
        let b = if i % 16 == 5 { a } else { random.float(-20, 20) };
        vec![super::exact::canonical(a), b]
    })
}

/// A float in the range of i32, one in that of u32, an integer, and any finite float.
pub(crate) fn conversions(count: usize) -> Vec<u32> {
    const WHOLE: [u32; 10] = [
        0,
        1,
        0x00ff_ffff,
        0x0100_0001,
        0x0100_0003,
        0x7fff_ffff,
        0x8000_0000,
        0x8000_0001,
        0xffff_ff7f,
        0xffff_ffff,
    ];
    cases(17, count, |random, i| {
        let signed = match i % 8 {
            0 => 0x4eff_ffff, // the largest below 2^31
            1 => 0xcf00_0000, // -2^31
            _ => random.float(-3, 30),
        };
        let unsigned = match i % 8 {
            0 => 0x4f7f_ffff, // the largest below 2^32
            _ => random.float(-3, 31) & 0x7fff_ffff,
        };
        let whole = if i < WHOLE.len() {
            WHOLE[i]
        } else {
            random.word() >> (i % 12)
        };
        vec![signed, unsigned, whole, random.float(-10, 60)]
    })
}

/// Pairs of integers of all sizes, zeros and extremes among them.
pub(crate) fn integers(count: usize) -> Vec<u32> {
    const EDGES: [u32; 8] = [0, 1, 2, 31, 0x7fff_ffff, 0x8000_0000, 0xffff_fffe, 0xffff_ffff];
    cases(18, count, |random, i| match i {
        0..64 => vec![EDGES[i % 8], EDGES[i / 8]],
        _ => {
            let (a, b) = (random.word(), random.word());
            vec![a >> (random.word() % 32), b >> (random.word() % 32)]
        }
    })
}

/// Two numbers in [0.01, 100) and one in [-8, 8).
pub(crate) fn operands(count: usize) -> Vec<u32> {
    cases(19, count, |random, _| {
        let mut positive = || random.float(-6, 5) & 0x7fff_ffff;
        let (a, b) = (positive(), positive());
        vec![a, b, random.between(-8.0, 8.0)]
    })
}

/// Words of no pattern.
pub(crate) fn words(count: usize) -> Vec<u32> {
    cases(20, count, |random, _| vec![random.word()])
}

/// Indices, most of them out of bounds.
pub(crate) fn indices(count: usize) -> Vec<u32> {
    cases(21, count, |random, i| match i % 4 {
        0 => vec![random.word()],
        1 => vec![random.word() % 8],
        2 => vec![u32::MAX - random.word() % 3],
        _ => vec![random.word() % (2 * 64)],
    })
}

/// Rounds for loops: few for most, many for one.
/// As [`rounds`], with no more than every device makes.
pub(crate) fn short_rounds(count: usize) -> Vec<u32> {
    rounds(count).into_iter().map(|wanted| wanted.min(30_000)).collect()
}

pub(crate) fn rounds(count: usize) -> Vec<u32> {
    cases(
        22,
        count,
        |random, i| if i == 0 { vec![100_000] } else { vec![random.word() % 1000] },
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::exact;

    #[test]
    fn sums_and_products_of_pairs_stay_finite_and_operands_canonical() {
        let mut ties = 0;
        for pair in pairs(1 << 16).as_chunks::<2>().0 {
            let [a, b] = *pair;
            for word in [a, b, exact::add(a, b), exact::sub(a, b), exact::mul(a, b)] {
                assert!(f32::from_bits(word).is_finite(), "{a:08x} {b:08x}");
            }
            assert_eq!([a, b], [a, b].map(exact::canonical), "{a:08x} {b:08x}");
            let halves = |x: f64| {
                let low = x.to_bits() & ((1 << 29) - 1);
                low == 1 << 28
            };
            let (a, b) = (f64::from(f32::from_bits(a)), f64::from(f32::from_bits(b)));
            ties += usize::from(halves(a + b) || halves(a * b));
        }
        assert!(ties > 10_000, "{ties} ties among 65,536 pairs");
    }

    #[test]
    fn fused_results_would_show_in_every_shape() {
        let fours = fours(4096);
        let shown = fours
            .as_chunks::<4>()
            .0
            .iter()
            .filter(|[a, b, c, _]| exact::fused(*a, *b, *c) != exact::add(exact::mul(*a, *b), *c));
        assert!(shown.count() > 2000);
    }
}
