//! What Ewald's direct part takes off Coulomb's law, as polynomials.
//!
//! u = q q' (1/r − α h(z)), −u'/r = q q' (1/r³ − α³ g(z)), z = (αr)², h = erf(√z)/√z, g = erf(√z)/z^1.5 − 2 exp(−z)/(√π z).

use std::f64::consts::PI;

/// Coefficients of a polynomial at most: degree 13, 6·10⁻⁷ of a pair at a tolerance of 10⁻⁵, 4·10⁻⁸ at 10⁻⁴. (With degree 11, what it lacks is 1·10⁻⁵ of
/// water's forces, since near pairs cancel.)
pub const COEFFICIENTS: usize = 14;

/// What may be lacking for want of the last coefficient, of a pair's Coulomb force or energy: half a unit of the last place.
const LACK: f64 = 6e-8;

/// Nodes of the fit.
const NODES: usize = 64;

/// α³ g and α h for distances up to the cutoff, as coefficients of powers of t = 2 (r / cutoff)² − 1: 1/nm³ and 1/nm. The last ones are 0 where degree 12 is enough.
pub fn polynomials(alpha_per_nm: f64, cutoff_nm: f64) -> [[f64; COEFFICIENTS]; 2] {
    let largest = (alpha_per_nm * cutoff_nm).powi(2);
    let z = |t: f64| 0.5 * (t + 1.0) * largest;
    [
        fit(|t| alpha_per_nm.powi(3) * force(z(t)), LACK / cutoff_nm.powi(3)),
        fit(|t| alpha_per_nm * energy(z(t)), LACK / cutoff_nm),
    ]
}

/// h(z); near 0 by its series.
fn energy(z: f64) -> f64 {
    if z < 1.0 {
        return 2.0 / PI.sqrt() * series(z, |n| 1.0 / (2.0 * n + 1.0));
    }
    libm::erf(z.sqrt()) / z.sqrt()
}

/// g(z); near 0, where its parts cancel, by its series.
fn force(z: f64) -> f64 {
    if z < 1.0 {
        // From the series of h, term by term: the first one cancels, the others lose a factor z.
        let term = |n: f64| 2.0 / (2.0 * n + 3.0);
        return 2.0 / PI.sqrt() * series(z, term);
    }
    libm::erf(z.sqrt()) / z.powf(1.5) - 2.0 * libm::exp(-z) / (PI.sqrt() * z)
}

/// Σ (−z)ⁿ / n! · term(n).
fn series(z: f64, term: impl Fn(f64) -> f64) -> f64 {
    let mut power = 1.0;
    let mut sum = 0.0;
    for n in 0..30 {
        let n = f64::from(n);
        sum += power * term(n);
        power *= -z / (n + 1.0);
    }
    sum
}

/// Chebyshev interpolation on [−1, 1], turned into powers; without the last term if that is below `lack`.
fn fit(f: impl Fn(f64) -> f64, lack: f64) -> [f64; COEFFICIENTS] {
    let angle = |node: usize| (node as f64 + 0.5) * PI / NODES as f64;
    let values: Vec<f64> = (0..NODES).map(|node| f(libm::cos(angle(node)))).collect();
    let chebyshev = |k: usize| {
        let sum: f64 = (0..NODES).map(|node| values[node] * libm::cos(k as f64 * angle(node))).sum();
        sum * if k == 0 { 1.0 } else { 2.0 } / NODES as f64
    };
    // T of the last two degrees, as powers.
    let mut before = [0.0; COEFFICIENTS];
    let mut here = [0.0; COEFFICIENTS];
    before[0] = 1.0;
    here[1] = 1.0;
    let mut powers = [0.0; COEFFICIENTS];
    let weights: Vec<f64> = (0..COEFFICIENTS).map(chebyshev).collect();
    let without_last = weights[COEFFICIENTS - 1].abs() < lack;
    for weight in &weights[..COEFFICIENTS - usize::from(without_last)] {
        powers.iter_mut().zip(before).for_each(|(power, t)| *power += *weight * t);
        let mut next = [0.0; COEFFICIENTS];
        for degree in 0..COEFFICIENTS {
            let doubled = if degree == 0 { 0.0 } else { 2.0 * here[degree - 1] };
            next[degree] = doubled - before[degree];
        }
        (before, here) = (here, next);
    }
    powers
}

#[cfg(test)]
mod tests {
    use super::*;

    fn horner(coefficients: &[f64; COEFFICIENTS], t: f64) -> f64 {
        coefficients.iter().rev().fold(0.0, |sum, c| sum * t + c)
    }

    #[test]
    fn series_and_closed_form_meet() {
        for z in [0.999_999, 1.000_001] {
            let x: f64 = f64::sqrt(z);
            assert!((energy(z) - libm::erf(x) / x).abs() < 1e-14);
            let g = libm::erf(x) / x.powi(3) - 2.0 * libm::exp(-z) / (PI.sqrt() * z);
            assert!((force(z) - g).abs() < 1e-14, "{} {g}", force(z));
        }
        assert!((force(0.0) - 4.0 / (3.0 * PI.sqrt())).abs() < 1e-15);
    }

    /// In double precision, beside the whole Coulomb force at the same distance: what the degree alone costs.
    #[test]
    fn the_degree_is_enough_for_usual_tolerances() {
        for (tolerance, bound) in [(5e-4, 7e-8), (1e-4, 1e-7), (1e-5, 1e-6)] {
            let cutoff_nm = 0.9;
            let alpha = libm::sqrt(-libm::log(2.0 * tolerance)) / cutoff_nm;
            let [forces, energies] = polynomials(alpha, cutoff_nm);
            let mut worst = [0f64; 2];
            for step in 1..=900 {
                let r = f64::from(step) / 1000.0;
                let t = 2.0 * (r / cutoff_nm).powi(2) - 1.0;
                let z = (alpha * r).powi(2);
                worst[0] = worst[0].max((horner(&forces, t) - alpha.powi(3) * force(z)).abs() * r.powi(3));
                worst[1] = worst[1].max((horner(&energies, t) - alpha * energy(z)).abs() * r);
            }
            println!("tolerance {tolerance}: {worst:?}");
            assert!(worst[0] < bound && worst[1] < bound, "{tolerance}: {worst:?}");
        }
    }
}
