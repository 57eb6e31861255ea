//! The smooth parts of Ewald's direct sum as Chebyshev series in z = α² r², for `exception.wgsl`.

/// Where the first series ends and the second one begins.
const Z_NEAR: f64 = 2.0;
/// z at the end of the second series: erf(4) is 1 in f32.
const Z_MAX: f64 = 16.0;

/// Terms of the two series: their errors are below 1e-8 of the value at 0.
pub const SERIES_TERMS: [usize; 2] = [10, 18];

/// erf(√z) / √z.
pub fn ewald_energy(z: f64) -> f64 {
    if z < 1e-3 {
        return 2.0 / std::f64::consts::PI.sqrt() * series(z, |k| 1.0 / (2.0 * k + 1.0));
    }
    libm::erf(z.sqrt()) / z.sqrt()
}

/// erf(√z) / z^1.5 - 2 exp(-z) / (√π z): minus twice the derivative of [`ewald_energy`] by z.
pub fn ewald_force(z: f64) -> f64 {
    if z < 1e-3 {
        return 4.0 / std::f64::consts::PI.sqrt() * series(z, |k| 1.0 / (2.0 * k + 3.0));
    }
    (ewald_energy(z) - 2.0 / std::f64::consts::PI.sqrt() * libm::exp(-z)) / z
}

/// Σ (-z)^k / k! · factor(k), near 0.
fn series(z: f64, factor: impl Fn(f64) -> f64) -> f64 {
    let mut term = 1.0;
    let mut sum = 0.0;
    for k in 0..6 {
        sum += term * factor(f64::from(k));
        term *= -z / f64::from(k + 1);
    }
    sum
}

/// `ewald_series`: Chebyshev coefficients of [`ewald_force`] in z - 1 from 0 to 2 and in (z - 9) / 7 from 2 to 16, then of [`ewald_energy`] (Numerical Recipes,
/// 3rd ed., eq. 5.8.7).
pub fn ewald_series() -> Vec<f32> {
    let [near, far] = SERIES_TERMS;
    let both = |f: fn(f64) -> f64| [coefficients(f, 0.0, Z_NEAR, near), coefficients(f, Z_NEAR, Z_MAX, far)].concat();
    [both(ewald_force), both(ewald_energy)].concat()
}

fn coefficients(f: fn(f64) -> f64, from: f64, to: f64, terms: usize) -> Vec<f32> {
    let n = terms as f64;
    let angle = |k: usize| std::f64::consts::PI * (k as f64 + 0.5) / n;
    let node = |k: usize| from + 0.5 * (to - from) * (1.0 + libm::cos(angle(k)));
    let coefficient = |j: usize| {
        let sum: f64 = (0..terms).map(|k| f(node(k)) * libm::cos(j as f64 * angle(k))).sum();
        (if j == 0 { 1.0 } else { 2.0 } * sum / n) as f32
    };
    (0..terms).map(coefficient).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_series_give_the_functions_to_a_hundred_millionth() {
        let [near, far] = SERIES_TERMS;
        let series = ewald_series();
        for sample in 0..=1000 {
            let z = Z_MAX * f64::from(sample) / 1000.0;
            let (first, terms, t) = if z < Z_NEAR {
                (0, near, z - 1.0)
            } else {
                (near, far, (z - 9.0) / 7.0)
            };
            let value = |which: usize| {
                let series = &series[which * (near + far) + first..][..terms];
                let (mut b1, mut b2) = (0.0, 0.0);
                for c in series[1..].iter().rev() {
                    (b1, b2) = (f64::from(*c) + 2.0 * t * b1 - b2, b1);
                }
                f64::from(series[0]) + t * b1 - b2
            };
            assert!(
                (value(0) - ewald_force(z)).abs() < 1e-7,
                "force at {z}: {:e}",
                value(0) - ewald_force(z)
            );
            assert!(
                (value(1) - ewald_energy(z)).abs() < 1e-7,
                "energy at {z}: {:e}",
                value(1) - ewald_energy(z)
            );
        }
        // Both sides of the switch to the series near 0.
        assert!((ewald_force(0.999e-3) - ewald_force(1.001e-3) - 2e-6 * 0.4 * 2.0 / 1.772).abs() < 1e-6);
    }
}
