//! Random numbers without state: a number is a function of (seed, stream, step, particle) and of nothing else.
//!
//! Threefry-2x32 with 20 rounds (Salmon, Moraes, Dror and Shaw, SC'11, doi:10.1145/2063384.2063405), the twin of
//! `shaders/random/threefry.wgsl`; both are pinned by the known-answer vectors of Random123. Floats are f64 through the
//! pure-Rust `libm`, so a number has the same bits on every machine.
//!
//! [`Stream`] is the registry of what numbers are for; `gaussian` owns the table with which shaders make normally distributed ones.

mod gaussian;

pub use gaussian::{gaussian_exact, gaussian_f32, gaussian_table};

/// What a number is for. Two uses never share a stream, so that they never share a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Stream {
    /// Initial velocities of a molecular system: particle is `3 · atom + axis`.
    Velocities = 1,
    /// The Ising example's first spins: particle is the site.
    IsingStart = 2,
    /// The Gray–Scott example's first noise: particle is `2 · cell + substance`.
    GrayScottStart = 3,
    /// Tests and benches.
    Test = 4,
    /// The thermostat of Langevin dynamics: words 0 and 1 of particle `2 · atom` and word 0 of particle `2 · atom + 1` are x, y and z.
    Thermostat = 5,
    /// The Monte Carlo barostat: particle 0, word 0 proposes, word 1 decides.
    Barostat = 6,
}

const ROTATIONS: [u32; 8] = [13, 15, 26, 6, 17, 29, 16, 24];
const ROUNDS: usize = 20;
const PARITY: u32 = 0x1bd1_1bda;

/// Threefry-2x32-20: 64 bits from a counter and a key.
pub fn threefry2x32(counter: [u32; 2], key: [u32; 2]) -> [u32; 2] {
    let keys = [key[0], key[1], PARITY ^ key[0] ^ key[1]];
    let mut x = [counter[0].wrapping_add(keys[0]), counter[1].wrapping_add(keys[1])];
    for round in 0..ROUNDS {
        x[0] = x[0].wrapping_add(x[1]);
        x[1] = x[1].rotate_left(ROTATIONS[round % 8]) ^ x[0];
        if round % 4 == 3 {
            let turn = round / 4 + 1;
            x[0] = x[0].wrapping_add(keys[turn % 3]);
            x[1] = x[1].wrapping_add(keys[(turn + 1) % 3]).wrapping_add(turn as u32);
        }
    }
    x
}

/// Two words of 32 random bits: Threefry of (particle, low word of the step), keyed by Threefry of (stream, high word of
/// the step) keyed by the seed.
pub fn words(seed: u64, stream: Stream, step: u64, particle: u32) -> [u32; 2] {
    let (low, high) = split(step);
    let (seed_low, seed_high) = split(seed);
    let key = threefry2x32([stream as u32, high], [seed_low, seed_high]);
    threefry2x32([particle, low], key)
}

/// Uniform in (0, 1): the middle of one of 2³² equal intervals.
pub fn uniform(seed: u64, stream: Stream, step: u64, particle: u32) -> f64 {
    interval(words(seed, stream, step, particle)[0])
}

/// Normally distributed, mean 0, variance 1, magnitude below 6.8: Box and Muller (1958), doi:10.1214/aoms/1177706645.
pub fn gaussian(seed: u64, stream: Stream, step: u64, particle: u32) -> f64 {
    let [radius, angle] = words(seed, stream, step, particle).map(interval);
    libm::sqrt(-2.0 * libm::log(radius)) * libm::cos(std::f64::consts::TAU * angle)
}

fn split(value: u64) -> (u32, u32) {
    (value as u32, (value >> 32) as u32)
}

/// Exact in f64.
fn interval(word: u32) -> f64 {
    (f64::from(word) + 0.5) / 4_294_967_296.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threefry_gives_the_known_answers_of_random123() {
        for (counter, key, answer) in KNOWN_ANSWERS {
            assert_eq!(threefry2x32(counter, key), answer, "counter {counter:x?}, key {key:x?}");
        }
    }

    /// `threefry 2x32 20` of Random123's `kat_vectors`: counter, key, answer.
    const KNOWN_ANSWERS: [([u32; 2], [u32; 2], [u32; 2]); 3] = [
        ([0, 0], [0, 0], [0x6b20_0159, 0x99ba_4efe]),
        ([u32::MAX; 2], [u32::MAX; 2], [0x1cb9_96fc, 0xbb00_2be7]),
        (
            [0x243f_6a88, 0x85a3_08d3],
            [0x1319_8a2e, 0x0370_7344],
            [0xc492_3a9c, 0x483d_f7a0],
        ),
    ];

    #[test]
    fn gaussians_are_the_same_bits_everywhere() {
        let digest = |count: u32| {
            let bytes: Vec<u8> = (0..count)
                .flat_map(|k| gaussian(7, Stream::Test, 1 << 40, k).to_bits().to_le_bytes())
                .collect();
            protocol::Digest::of(&bytes).short()
        };
        assert_eq!(digest(10_000), "63a3961937b0");
    }

    #[test]
    fn moments_are_those_of_the_distributions() {
        let count = 200_000u32;
        let mean = |f: &dyn Fn(u32) -> f64| (0..count).map(f).sum::<f64>() / f64::from(count);
        let normal = |k| gaussian(1, Stream::Test, 0, k);
        let flat = |k| uniform(1, Stream::Test, 0, k);
        // Five standard errors of each mean.
        let error = 5.0 / f64::from(count).sqrt();
        assert!(mean(&normal).abs() < error);
        assert!((mean(&|k| normal(k) * normal(k)) - 1.0).abs() < error * 2f64.sqrt());
        assert!((mean(&|k| normal(k).powi(4)) - 3.0).abs() < error * 96f64.sqrt());
        assert!((mean(&flat) - 0.5).abs() < error * (1.0 / 12.0f64).sqrt());
        // Neighbours in particle, step and stream share nothing.
        let other = |k| gaussian(1, Stream::Velocities, 0, k);
        let later = |k| gaussian(1, Stream::Test, 1, k);
        let next = |k| gaussian(1, Stream::Test, 0, k + 1);
        for neighbour in [&other as &dyn Fn(u32) -> f64, &later, &next] {
            assert!(mean(&|k| normal(k) * neighbour(k)).abs() < error);
        }
    }
}
