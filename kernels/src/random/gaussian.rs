//! Normally distributed f32 numbers from words of random bits by a table of cubics: the twin of `shaders/random/gaussian.wgsl`, and the
//! table that both read.
//!
//! Invariant: table and numbers have the same bits on every machine: f64 through `libm`, then f32 in + - * in one order.

/// Octaves of the table: leading zeros of a probability.
const OCTAVES: u32 = 32;
/// Cells of an octave.
const CELLS: u32 = 8;

/// Coefficients of the cubics, `[256, 4]`, constant term first: row `8 · octave + cell` gives √2 erfc⁻¹(q) for q = 2^-octave (1/2 + (cell + t) / 16),
/// t from 0 to 1. Interpolated at Chebyshev's four points of each cell.
pub fn gaussian_table() -> Vec<[f32; 4]> {
    let cells = (0..OCTAVES).flat_map(|octave| (0..CELLS).map(move |cell| (octave, cell)));
    cells
        .map(|(octave, cell)| {
            let probability = |t: f64| (0.5 + (f64::from(cell) + t) / f64::from(2 * CELLS)) / (1u64 << octave) as f64;
            cubic(&|t| magnitude(probability(t))).map(|c| c as f32)
        })
        .collect()
}

/// The number that a word gives; see `gaussian.wgsl`.
pub fn gaussian_f32(table: &[[f32; 4]], word: u32) -> f32 {
    let q = (word << 1) | 1;
    let octave = q.leading_zeros();
    let scaled = q << octave;
    let [c0, c1, c2, c3] = table[(octave * CELLS + ((scaled >> 28) & 7)) as usize];
    let t = ((scaled >> 4) & 0xff_ffff) as f32 * (1.0 / 16_777_216.0);
    let magnitude = c0 + t * (c1 + t * (c2 + t * c3));
    if word >> 31 == 1 { -magnitude } else { magnitude }
}

/// The same in double precision, without the table.
pub fn gaussian_exact(word: u32) -> f64 {
    let z = magnitude(f64::from((word << 1) | 1) / 4_294_967_296.0);
    if word >> 31 == 1 { -z } else { z }
}

/// √2 erfc⁻¹(q) for 2⁻³³ ≤ q ≤ 1, by bisection.
fn magnitude(q: f64) -> f64 {
    let (mut low, mut high) = (0.0, 8.0);
    for _ in 0..56 {
        let middle = 0.5 * (low + high);
        if libm::erfc(middle / std::f64::consts::SQRT_2) > q {
            low = middle;
        } else {
            high = middle;
        }
    }
    0.5 * (low + high)
}

/// The cubic through a function's values at Chebyshev's four points of [0, 1], constant term first: Newton's divided differences.
fn cubic(f: &dyn Fn(f64) -> f64) -> [f64; 4] {
    let nodes = [0, 1, 2, 3].map(|k| 0.5 - 0.5 * libm::cos(std::f64::consts::PI * (2.0 * f64::from(k) + 1.0) / 8.0));
    let mut differences = nodes.map(f);
    for order in 1..4 {
        for k in (order..4).rev() {
            differences[k] = (differences[k] - differences[k - 1]) / (nodes[k] - nodes[k - order]);
        }
    }
    // Horner's scheme with the nodes, from the last difference on.
    let mut coefficients = [differences[3], 0.0, 0.0, 0.0];
    for k in (0..3).rev() {
        for power in (1..4).rev() {
            coefficients[power] = coefficients[power - 1] - nodes[k] * coefficients[power];
        }
        coefficients[0] = differences[k] - nodes[k] * coefficients[0];
    }
    coefficients
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words() -> impl Iterator<Item = u32> {
        let scattered = (0..400_000u32).map(|k| crate::random::words(5, crate::random::Stream::Test, 0, k)[0]);
        // And the edges of every octave and cell.
        let edges = (0..32).flat_map(|bit| [0, 1, 2, 3, 5, 7].map(|k| (k << bit) as u32));
        scattered.chain(edges).chain([u32::MAX, 0x7fff_ffff])
    }

    #[test]
    fn the_table_gives_the_inverse_of_the_normal_distribution() {
        let table = gaussian_table();
        let worst = words()
            .map(|word| (f64::from(gaussian_f32(&table, word)) - gaussian_exact(word)).abs())
            .fold(0.0, f64::max);
        println!("worst {worst:e}");
        assert!(worst < 5e-7, "{worst:e}");
        assert!(
            (gaussian_exact(0) - 6.338).abs() < 1e-3,
            "the furthest: {}",
            gaussian_exact(0)
        );
    }

    /// Moments and tails of the numbers, within five standard errors.
    #[test]
    fn moments_and_tails_are_those_of_the_normal_distribution() {
        let table = gaussian_table();
        let count = 1_000_000u32;
        let values: Vec<f64> = (0..count)
            .map(|k| crate::random::words(11, crate::random::Stream::Test, 2, k)[0])
            .map(|word| f64::from(gaussian_f32(&table, word)))
            .collect();
        let n = f64::from(count);
        let mean = |f: &dyn Fn(f64) -> f64| values.iter().map(|x| f(*x)).sum::<f64>() / n;
        for (power, expected, variance) in [
            (1, 0.0, 1.0),
            (2, 1.0, 2.0),
            (3, 0.0, 15.0),
            (4, 3.0, 96.0),
            (6, 15.0, 10_170.0),
        ] {
            let found = mean(&|x| x.powi(power));
            let error = 5.0 * f64::sqrt(variance / n);
            assert!(
                (found - expected).abs() < error,
                "moment {power}: {found}, not {expected} ± {error}"
            );
        }
        for z in [0.5, 1.0, 2.0, 3.0, 4.0] {
            let expected = libm::erfc(z / std::f64::consts::SQRT_2);
            let found = mean(&|x| f64::from(x.abs() > z));
            let error = 5.0 * f64::sqrt(expected / n);
            assert!(
                (found - expected).abs() < error,
                "beyond {z}: {found}, not {expected} ± {error}"
            );
        }
    }
}
