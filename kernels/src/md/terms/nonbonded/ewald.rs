//! What Ewald's direct part takes off Coulomb's law, as polynomials.
//!
//! u = q q' (1/r − α h(z)), −u'/r = q q' (1/r³ − α³ g(z)), z = (αr)², h = erf(√z)/√z, g = erf(√z)/z^1.5 − 2 exp(−z)/(√π z).

use std::f64::consts::PI;

/// Coefficients of a polynomial at most: degree 13, 7·10⁻⁸ of a pair's bare Coulomb force at a tolerance of 10⁻⁵.
pub const COEFFICIENTS: usize = 14;
/// Degrees that a polynomial may have: the least with which it is right.
const DEGREES: std::ops::RangeInclusive<usize> = 11..=COEFFICIENTS - 1;

/// What may be lacking of a pair's bare Coulomb force or energy: half a unit of the last place.
const LACK: f64 = 6e-8;

/// Nodes of the fit.
const NODES: usize = 64;

/// α³ g and α h for distances up to the cutoff, as coefficients of powers of t = 2 (r / cutoff)² − 1: 1/nm³ and 1/nm. The last ones are 0 where a lower degree is
/// enough.
pub fn polynomials(alpha_per_nm: f64, cutoff_nm: f64) -> [[f64; COEFFICIENTS]; 2] {
    let largest = (alpha_per_nm * cutoff_nm).powi(2);
    let z = |t: f64| 0.5 * (t + 1.0) * largest;
    let fitted = |f: &dyn Fn(f64) -> f64, power: i32| {
        let scale = cutoff_nm.powi(power);
        fit(|t| f(z(t)) * scale, power).map(|coefficient| coefficient / scale)
    };
    [
        fitted(&|z| alpha_per_nm.powi(3) * force(z), 3),
        fitted(&|z| alpha_per_nm * energy(z), 1),
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

/// Powers of t of the polynomial of least squares on [−1, 1], errors weighted with r to the given power, r² = (1 + t) / 2, as beside a bare Coulomb law: near pairs may
/// lack more. Polynomials that are orthogonal over the nodes of Chebyshev, one degree after the other (G. E. Forsythe, J. SIAM 5, 74, 1957).
fn fit(f: impl Fn(f64) -> f64, power: i32) -> [f64; COEFFICIENTS] {
    let nodes: Vec<f64> = (0..NODES)
        .map(|node| libm::cos((node as f64 + 0.5) * PI / NODES as f64))
        .collect();
    let weights: Vec<f64> = nodes.iter().map(|t| (0.5 * (1.0 + t)).powi(power)).collect();
    let values: Vec<f64> = nodes.iter().map(|t| f(*t)).collect();
    let product = |a: &[f64; COEFFICIENTS], b: &dyn Fn(usize) -> f64| -> f64 {
        (0..NODES).map(|node| weights[node] * horner(a, nodes[node]) * b(node)).sum()
    };
    let mut found = [0.0; COEFFICIENTS];
    let mut before = [0.0; COEFFICIENTS];
    let mut before_square = f64::INFINITY;
    let mut here = [0.0; COEFFICIENTS];
    here[0] = 1.0;
    for degree in 0..=*DEGREES.end() {
        let square = product(&here, &|node| horner(&here, nodes[node]));
        let share = product(&here, &|node| values[node]) / square;
        found.iter_mut().zip(here).for_each(|(power, t)| *power += share * t);
        let lack = |node: usize| (horner(&found, nodes[node]) - values[node]).abs() * weights[node].sqrt();
        if DEGREES.contains(&degree) && (0..NODES).all(|node| lack(node) < LACK) {
            break;
        }
        // t times this one, less what lies along this one and the one before.
        let along = product(&here, &|node| nodes[node] * horner(&here, nodes[node])) / square;
        let mut next = [0.0; COEFFICIENTS];
        for power in 0..COEFFICIENTS {
            let shifted = if power == 0 { 0.0 } else { here[power - 1] };
            next[power] = shifted - along * here[power] - square / before_square * before[power];
        }
        (before, before_square, here) = (here, square, next);
    }
    found
}

fn horner(coefficients: &[f64; COEFFICIENTS], t: f64) -> f64 {
    coefficients.iter().rev().fold(0.0, |sum, c| sum * t + c)
}

#[cfg(test)]
mod tests {
    use super::*;

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
        for (tolerance, degree, bound) in [(5e-4, 11, 7e-8), (1e-4, 12, 7e-8), (1e-5, 13, 2e-7)] {
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
            let used = [&forces, &energies].map(|powers| powers.iter().rposition(|power| *power != 0.0));
            println!("tolerance {tolerance}: {worst:?}, degrees {used:?}");
            assert_eq!(used[0], Some(degree), "{tolerance}");
            assert!(worst[0] < bound && worst[1] < bound, "{tolerance}: {worst:?}");
        }
    }
}
