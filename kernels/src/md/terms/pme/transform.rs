//! Discrete Fourier transforms of any length in double precision: split by the smallest factor as long as there is one, by definition for primes.

use std::f64::consts::PI;

/// A complex number.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Complex {
    /// Real part.
    pub re: f64,
    /// Imaginary part.
    pub im: f64,
}

/// Transforms of one length.
#[derive(Debug)]
pub struct Transform {
    /// exp(−2πi k/n) for all k.
    roots: Vec<Complex>,
}

impl Transform {
    /// For n values.
    pub fn new(n: usize) -> Self {
        let root = |k: usize| {
            let angle = 2.0 * PI * k as f64 / n as f64;
            Complex {
                re: libm::cos(angle),
                im: -libm::sin(angle),
            }
        };
        Self {
            roots: (0..n).map(root).collect(),
        }
    }

    /// Transform all lines along one axis, in place, with exp(−2πi jk/n) forward and its conjugate otherwise; not normalised.
    ///
    /// The other two axes: `[outer, inner, step]` are the number of blocks of n · `step` values, the number of lines in each, and the distance of
    /// neighbours in a line.
    ///
    /// # Panics
    /// The values are not as many as the lines hold.
    pub fn along(&self, values: &mut [Complex], [outer, inner, step]: [usize; 3], forward: bool) {
        let n = self.roots.len();
        assert_eq!(values.len(), outer * n * step, "lines fill the grid");
        let mut line = vec![Complex::default(); n];
        for block in 0..outer {
            for start in 0..inner {
                let at = |k: usize| block * n * step + start + k * step;
                for (k, value) in line.iter_mut().enumerate() {
                    *value = values[at(k)];
                }
                for (k, value) in self.part(&line, 0, 1, n, forward).into_iter().enumerate() {
                    values[at(k)] = value;
                }
            }
        }
    }

    /// The transform of the n values at `start`, `start + step`, ….
    fn part(&self, line: &[Complex], start: usize, step: usize, n: usize, forward: bool) -> Vec<Complex> {
        if n == 1 {
            return vec![line[start]];
        }
        let factor = (2..).find(|p| n.is_multiple_of(*p)).unwrap_or(n);
        let rest = n / factor;
        let parts: Vec<_> = (0..factor)
            .map(|j| self.part(line, start + j * step, step * factor, rest, forward))
            .collect();
        let root = |k: usize| {
            // exp(−2πi k/n) among those of the whole length.
            let root = self.roots[k % n * (self.roots.len() / n)];
            if forward {
                root
            } else {
                Complex {
                    re: root.re,
                    im: -root.im,
                }
            }
        };
        let value = |k: usize| {
            let mut sum = Complex::default();
            for (j, part) in parts.iter().enumerate() {
                let (w, v) = (root(j * k), part[k % rest]);
                sum.re += w.re * v.re - w.im * v.im;
                sum.im += w.re * v.im + w.im * v.re;
            }
            sum
        };
        (0..n).map(value).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transforms_of_all_lengths_are_those_of_the_definition_and_come_back() {
        for n in [1, 2, 6, 25, 26, 37, 60, 74] {
            let value = |k: usize| Complex {
                re: libm::sin(1.7 * k as f64 * k as f64),
                im: libm::cos(0.3 * k as f64),
            };
            let original: Vec<_> = (0..n).map(value).collect();
            let mut values = original.clone();
            let transform = Transform::new(n);
            transform.along(&mut values, [1, 1, 1], true);
            for (k, found) in values.iter().enumerate() {
                let mut sum = Complex::default();
                for (j, v) in original.iter().enumerate() {
                    let angle = -2.0 * PI * (j * k % n) as f64 / n as f64;
                    let (c, s) = (libm::cos(angle), libm::sin(angle));
                    sum.re += c * v.re - s * v.im;
                    sum.im += c * v.im + s * v.re;
                }
                assert!(
                    (sum.re - found.re).abs() < 1e-12 && (sum.im - found.im).abs() < 1e-12,
                    "{n} {k}"
                );
            }
            transform.along(&mut values, [1, 1, 1], false);
            for (found, expected) in values.iter().zip(&original) {
                assert!((found.re / n as f64 - expected.re).abs() < 1e-14, "{n}");
            }
        }
    }
}
